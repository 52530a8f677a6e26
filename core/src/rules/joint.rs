//! How many report one matter jointly (联名举报).

use serde::Deserialize;

use super::article::Article;
use super::{Mark, PackError, Reason, Rules};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointRules {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    title: String,
    joint: Joint,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Joint {
    document: String,
    article: String,
    mark: Mark,
    reporters_max: usize,
    invitations_max: usize,
}

/// Most reporters of one report, and most invitations that were ever given out for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JointLimits {
    /// With the first one.
    pub reporters_max: usize,
    /// With those that were withdrawn.
    pub invitations_max: usize,
}

/// Most invitations that a pack may allow: of 256 wrong guesses about as many wait for the slow hash.
const INVITATIONS_MAX: usize = 64;

impl JointRules {
    pub(super) fn check(&self) -> Result<(), PackError> {
        let Joint { reporters_max, invitations_max, .. } = self.joint;
        if reporters_max == 0 {
            return Err(PackError::contradiction("joint", "reporters_max", "nobody reports"));
        }
        if !(reporters_max.saturating_sub(1)..=INVITATIONS_MAX).contains(&invitations_max) {
            let what = format!("fewer than would fill the report, or more than {INVITATIONS_MAX}");
            return Err(PackError::contradiction("joint", "invitations_max", &what));
        }
        Ok(())
    }

    pub(super) fn articles(&self) -> Vec<Article> {
        let Joint { document, article, mark, reporters_max, .. } = &self.joint;
        let source = format!("{document} {article}");
        let says = Reason::new("rules.joint", [("many", reporters_max.to_string())], &source);
        vec![Article::new("joint", "joint", &self.title, *mark, vec![says])]
    }
}

/// The limits in force; only the first reporter where the number is not.
pub fn limits(rules: &Rules) -> JointLimits {
    let Joint { mark, reporters_max, invitations_max, .. } = rules.joint.joint;
    if rules.in_force("joint", mark) {
        JointLimits { reporters_max, invitations_max }
    } else {
        JointLimits { reporters_max: 1, invitations_max: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::changed;

    #[test]
    fn numbers_under_which_nobody_reports_or_a_report_never_fills_are_refused() {
        for (from, to, named) in [
            ("reporters_max = 10", "reporters_max = 0", "nobody reports"),
            ("invitations_max = 40", "invitations_max = 8", "fewer than would fill"),
            ("invitations_max = 40", "invitations_max = 65", "more than 64"),
        ] {
            let said = changed("joint", from, to, false).expect_err(to).to_string();
            assert!(said.contains(named), "{to}: {said}");
        }
    }

    #[test]
    fn a_number_that_nobody_verified_lets_nobody_in_until_its_pack_is_adopted() {
        let unsure = |adopted| changed("joint", "mark = \"S\"", "mark = \"U\"", adopted).expect("packs");
        assert_eq!(limits(&unsure(false)), JointLimits { reporters_max: 1, invitations_max: 0 });
        assert_eq!(limits(&unsure(true)), JointLimits { reporters_max: 10, invitations_max: 40 });
    }
}
