//! What has happened to a hazard.

use serde::{Deserialize, Serialize};

use super::command::{
    Assign, Because, ElementOnly, ElementText, Empty, Escalate, List, Merge, Penalise, RecordOverdue, Report,
    Review, Serve,
};
use crate::decider::StreamEvent;
use crate::id::StreamId;
use crate::ledger::entry::Line;
use crate::rules::Reason;
use crate::rules::relief::{Outcome, ReliefFacts};
use crate::text::Long;
use crate::units::Day;

/// An event of a `hazard` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum HazardEvent {
    #[serde(rename = "hazard.reported")]
    Reported(Report),
    #[serde(rename = "hazard.verified")]
    Verified(Verified),
    #[serde(rename = "hazard.dismissed")]
    Dismissed(Because),
    #[serde(rename = "hazard.served")]
    Served(Serve),
    #[serde(rename = "hazard.acknowledged")]
    Acknowledged(Empty),
    #[serde(rename = "hazard.assigned")]
    Assigned(Assigned),
    #[serde(rename = "hazard.committed")]
    Committed(ElementText),
    #[serde(rename = "hazard.evidenced")]
    Evidenced(ElementText),
    #[serde(rename = "hazard.confirmed")]
    Confirmed(ElementOnly),
    #[serde(rename = "hazard.rectified")]
    Rectified(Rectified),
    #[serde(rename = "hazard.reviewed")]
    Reviewed(Review),
    #[serde(rename = "hazard.closed")]
    Closed(Empty),
    #[serde(rename = "hazard.reopened")]
    Reopened(Because),
    #[serde(rename = "hazard.extended")]
    Extended(Extended),
    #[serde(rename = "hazard.production_suspended")]
    ProductionSuspended(Because),
    #[serde(rename = "hazard.production_resumed")]
    ProductionResumed(Because),
    #[serde(rename = "hazard.listed")]
    Listed(List),
    #[serde(rename = "hazard.delisted")]
    Delisted(Because),
    #[serde(rename = "hazard.escalated")]
    Escalated(Escalate),
    #[serde(rename = "hazard.penalised")]
    Penalised(Penalised),
    #[serde(rename = "hazard.relieved")]
    Relieved(ReliefDecided),
    #[serde(rename = "hazard.relief_refused")]
    ReliefRefused(ReliefDecided),
    #[serde(rename = "hazard.merged")]
    Merged(Merge),
    #[serde(rename = "hazard.overdue")]
    Overdue(RecordOverdue),
}

/// Major with its criterion item, or general; `enterprise` and `place` stand here again for the index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    pub criterion: Option<String>,
    pub because: Long,
    pub enterprise: StreamId,
    pub place: String,
    /// The day on which it was found, for the closure counters.
    pub found_on: Day,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assigned {
    pub assign: Assign,
    /// Last day to which it may be extended.
    pub latest: Day,
    /// Document and article of that limit.
    pub source: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rectified {
    pub because: Long,
    /// Day by which it must be reviewed on site; none while no such rule is in force.
    pub review_due: Option<Day>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extended {
    pub until: Day,
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Penalised {
    pub enterprise: StreamId,
    pub penalise: Penalise,
}

/// A decision on relief: what the rule says and why, and whether an officer decided otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliefDecided {
    pub rule_says: Outcome,
    pub reasons: Vec<Reason>,
    pub facts: ReliefFacts,
    pub otherwise: Option<Long>,
    pub rules: String,
}

impl StreamEvent for HazardEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Reported(_) => "hazard.reported",
            Self::Verified(_) => "hazard.verified",
            Self::Dismissed(_) => "hazard.dismissed",
            Self::Served(_) => "hazard.served",
            Self::Acknowledged(_) => "hazard.acknowledged",
            Self::Assigned(_) => "hazard.assigned",
            Self::Committed(_) => "hazard.committed",
            Self::Evidenced(_) => "hazard.evidenced",
            Self::Confirmed(_) => "hazard.confirmed",
            Self::Rectified(_) => "hazard.rectified",
            Self::Reviewed(_) => "hazard.reviewed",
            Self::Closed(_) => "hazard.closed",
            Self::Reopened(_) => "hazard.reopened",
            Self::Extended(_) => "hazard.extended",
            Self::ProductionSuspended(_) => "hazard.production_suspended",
            Self::ProductionResumed(_) => "hazard.production_resumed",
            Self::Listed(_) => "hazard.listed",
            Self::Delisted(_) => "hazard.delisted",
            Self::Escalated(_) => "hazard.escalated",
            Self::Penalised(_) => "hazard.penalised",
            Self::Relieved(_) => "hazard.relieved",
            Self::ReliefRefused(_) => "hazard.relief_refused",
            Self::Merged(_) => "hazard.merged",
            Self::Overdue(_) => "hazard.overdue",
        }
    }

    fn lines(&self) -> Vec<Line> {
        let clock = |name: &str, due| Line::Clock { name: name.to_owned(), due };
        let stop = |name: &str| Line::Stop { name: name.to_owned() };
        match self {
            Self::Assigned(assigned) => vec![clock("rectify", assigned.assign.due)],
            Self::Extended(extended) => {
                vec![Line::Extend { name: "rectify".to_owned(), until: extended.until }]
            }
            Self::Rectified(rectified) => {
                let review = rectified.review_due.map(|due| clock("review", due));
                review.into_iter().chain([stop("rectify")]).collect()
            }
            // Mending goes on, so its clock runs again; a clock that nobody sees is one that nobody misses.
            Self::Reviewed(review) => {
                let again = review.due.map(|due| clock("rectify", due));
                again.into_iter().chain([stop("review")]).collect()
            }
            Self::Reported(_)
            | Self::Verified(_)
            | Self::Dismissed(_)
            | Self::Served(_)
            | Self::Acknowledged(_)
            | Self::Committed(_)
            | Self::Evidenced(_)
            | Self::Confirmed(_)
            | Self::Closed(_)
            | Self::Reopened(_)
            | Self::ProductionSuspended(_)
            | Self::ProductionResumed(_)
            | Self::Listed(_)
            | Self::Delisted(_)
            | Self::Escalated(_)
            | Self::Penalised(_)
            | Self::Relieved(_)
            | Self::ReliefRefused(_)
            | Self::Merged(_)
            | Self::Overdue(_) => Vec::new(),
        }
    }

    /// What other decisions look up by enterprise.
    fn touches(&self, _: &StreamId) -> Vec<String> {
        match self {
            Self::Reported(report) => vec![report.enterprise.to_string()],
            Self::Verified(verified) => vec![verified.enterprise.to_string()],
            Self::Penalised(penalised) => vec![penalised.enterprise.to_string()],
            Self::Dismissed(_)
            | Self::Served(_)
            | Self::Acknowledged(_)
            | Self::Assigned(_)
            | Self::Committed(_)
            | Self::Evidenced(_)
            | Self::Confirmed(_)
            | Self::Rectified(_)
            | Self::Reviewed(_)
            | Self::Closed(_)
            | Self::Reopened(_)
            | Self::Extended(_)
            | Self::ProductionSuspended(_)
            | Self::ProductionResumed(_)
            | Self::Listed(_)
            | Self::Delisted(_)
            | Self::Escalated(_)
            | Self::Relieved(_)
            | Self::ReliefRefused(_)
            | Self::Merged(_)
            | Self::Overdue(_) => Vec::new(),
        }
    }
}
