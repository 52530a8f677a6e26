//! What has happened to a hazard.

use serde::{Deserialize, Serialize};

use super::command::{
    Acknowledge, Assign, Because, ElementOnly, ElementText, Empty, Escalate, Evidence, List, Merge, Penalise,
    PersonDecides, Publish, Published, Report, Review, Serve, Step,
};
use crate::attachment::Attachment;
use crate::decider::StreamEvent;
use crate::id::StreamId;
use crate::ledger::entry::Line;
use crate::rules::Reason;
use crate::rules::relief::{Condition, Outcome, ReliefFacts};
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
    Acknowledged(Acknowledge),
    #[serde(rename = "hazard.assigned")]
    Assigned(Assigned),
    #[serde(rename = "hazard.planned")]
    Planned(Planned),
    #[serde(rename = "hazard.committed")]
    Committed(ElementText),
    #[serde(rename = "hazard.evidenced")]
    Evidenced(Evidence),
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
    #[serde(rename = "hazard.extension_requested")]
    ExtensionRequested(ExtensionRequested),
    #[serde(rename = "hazard.extension_refused")]
    ExtensionRefused(Because),
    #[serde(rename = "hazard.production_suspended")]
    ProductionSuspended(Because),
    #[serde(rename = "hazard.production_resumed")]
    ProductionResumed(Because),
    #[serde(rename = "hazard.listed")]
    Listed(Listed),
    #[serde(rename = "hazard.delisted")]
    Delisted(Delisted),
    #[serde(rename = "hazard.escalated")]
    Escalated(Escalate),
    #[serde(rename = "hazard.penalised")]
    Penalised(Penalised),
    #[serde(rename = "hazard.published")]
    Published(PublishedAt),
    #[serde(rename = "hazard.relieved")]
    Relieved(ReliefDecided),
    #[serde(rename = "hazard.relief_refused")]
    ReliefRefused(ReliefDecided),
    #[serde(rename = "hazard.merged")]
    Merged(Merge),
    #[serde(rename = "hazard.overdue")]
    Overdue(Overdue),
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extended {
    pub until: Day,
    pub because: Long,
    /// The enterprise had asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub requested: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExtensionRequested {
    pub until: Day,
    pub because: Long,
    /// Day by which it is decided; none where no such number is in force.
    pub decide_due: Option<Day>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Penalised {
    pub enterprise: StreamId,
    pub penalise: Penalise,
    /// Day by which the decision is public (安全生产法 art. 78); none where that can't be worked out.
    #[serde(default)]
    pub publish_due: Option<Day>,
    /// The clock of an earlier decision runs, and stops first.
    #[serde(default)]
    pub waits: bool,
}

/// The aim, which is the sixth part of the plan; the other five are committed with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    pub aim: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    pub list: List,
    /// The rule of listing that holds there; none where its numbers are not known.
    pub rule: Option<String>,
    pub publish_due: Option<Day>,
    /// Working days before the due day by which an extension is asked for.
    pub extension_notice_days: Option<u32>,
    /// Day by which it was to be recorded, counted from the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_due: Option<Day>,
    /// It was recorded after that day.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recorded_late: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delisted {
    pub because: Long,
    pub publish_due: Option<Day>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedAt {
    pub publish: Publish,
    /// Day by which the next penalty that waits is public.
    pub next_due: Option<Day>,
    /// The clock runs for another decision, which is not public by this.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
}

/// A deadline that was missed, and the step of the ladder that it calls for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overdue {
    pub clock: String,
    #[serde(default)]
    pub calls_for: Option<Step>,
}

/// A decision on relief: what the rule says and why, and whether an officer decided otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliefDecided {
    pub rule_says: Outcome,
    pub reasons: Vec<Reason>,
    /// Every condition of the rule with its proof; empty in entries of before they were recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    pub facts: ReliefFacts,
    pub otherwise: Option<Long>,
    /// What a person decided where no source does.
    #[serde(default)]
    pub person: Option<PersonDecides>,
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
            Self::Planned(_) => "hazard.planned",
            Self::Committed(_) => "hazard.committed",
            Self::Evidenced(_) => "hazard.evidenced",
            Self::Confirmed(_) => "hazard.confirmed",
            Self::Rectified(_) => "hazard.rectified",
            Self::Reviewed(_) => "hazard.reviewed",
            Self::Closed(_) => "hazard.closed",
            Self::Reopened(_) => "hazard.reopened",
            Self::Extended(_) => "hazard.extended",
            Self::ExtensionRequested(_) => "hazard.extension_requested",
            Self::ExtensionRefused(_) => "hazard.extension_refused",
            Self::ProductionSuspended(_) => "hazard.production_suspended",
            Self::ProductionResumed(_) => "hazard.production_resumed",
            Self::Listed(_) => "hazard.listed",
            Self::Delisted(_) => "hazard.delisted",
            Self::Escalated(_) => "hazard.escalated",
            Self::Penalised(_) => "hazard.penalised",
            Self::Published(_) => "hazard.published",
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
                let moved = Line::Extend { name: "rectify".to_owned(), until: extended.until };
                let decided = extended.requested.then(|| stop("decide_extension"));
                [moved].into_iter().chain(decided).collect()
            }
            Self::ExtensionRequested(requested) => {
                requested.decide_due.map(|due| clock("decide_extension", due)).into_iter().collect()
            }
            Self::ExtensionRefused(_) => vec![stop("decide_extension")],
            Self::Rectified(rectified) => {
                let review = rectified.review_due.map(|due| clock("review", due));
                review.into_iter().chain([stop("rectify")]).collect()
            }
            // Mending goes on, so its clock runs again; a clock that nobody sees is one that nobody misses.
            Self::Reviewed(review) => {
                let again = review.due.map(|due| clock("rectify", due));
                again.into_iter().chain([stop("review")]).collect()
            }
            // One clock for all penalties: it runs for the one that must be public first.
            Self::Penalised(penalised) => {
                let due = penalised.publish_due.filter(|_| !penalised.waits);
                due.map(|due| clock("publish_penalty", due)).into_iter().collect()
            }
            Self::Listed(listed) => {
                listed.publish_due.map(|due| clock("publish_listing", due)).into_iter().collect()
            }
            Self::Delisted(delisted) => {
                delisted.publish_due.map(|due| clock("publish_delisting", due)).into_iter().collect()
            }
            Self::Published(published) if published.beside => Vec::new(),
            Self::Published(published) => {
                let next = published.next_due.map(|due| clock("publish_penalty", due));
                next.into_iter().chain([stop(published.publish.published.clock())]).collect()
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
            | Self::Planned(_)
            | Self::Escalated(_)
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
            | Self::ExtensionRequested(_)
            | Self::ExtensionRefused(_)
            | Self::ProductionSuspended(_)
            | Self::ProductionResumed(_)
            | Self::Listed(_)
            | Self::Delisted(_)
            | Self::Escalated(_)
            | Self::Relieved(_)
            | Self::ReliefRefused(_)
            | Self::Merged(_)
            | Self::Planned(_)
            | Self::Published(_)
            | Self::Overdue(_) => Vec::new(),
        }
    }
}

impl Published {
    /// The clock that publishing it stops.
    pub fn clock(&self) -> &'static str {
        match self {
            Self::Penalty { .. } => "publish_penalty",
            Self::Listing => "publish_listing",
            Self::Delisting => "publish_delisting",
        }
    }
}
