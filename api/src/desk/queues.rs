//! What waits for whom: for each role, where its next actions come from.

use adit_core::hazard;
use adit_core::report;
use adit_core::reward;
use adit_core::role::Role;
use adit_projections::supervision::Extension;
use adit_projections::{Filter, Order, Page, takes};
use serde_json::Value;

use super::{inside, waiting};
use crate::access::Reader;
use crate::app::App;
use crate::handlers::queries::{Asked, page as rows_of};
use crate::problem::Problem;

/// Rows of one read model that wait for one command by one role.
pub(crate) struct Queue {
    /// Its words are `queue.<name>`.
    pub(crate) name: &'static str,
    pub(crate) roles: &'static [Role],
    pub(crate) model: &'static str,
    pub(crate) filter: fn() -> Filter,
    /// The next command.
    pub(crate) command: &'static str,
    /// The field of a row that names the stream.
    pub(crate) stream: &'static str,
}

fn hazards(status: hazard::Status) -> Filter {
    Filter { status: Some(status), ..Filter::default() }
}

/// What has not ended, late or not.
fn running(clock: &str) -> Filter {
    Filter { clock: Some(clock.to_owned()), ended: Some(false), ..Filter::default() }
}

fn reports(status: report::Status) -> Filter {
    Filter { report_status: Some(status), ..Filter::default() }
}

fn rewards(status: reward::Status) -> Filter {
    Filter { reward_status: Some(status), ..Filter::default() }
}

/// In the order in which they are shown.
pub(crate) const QUEUES: [Queue; 23] = [
    queue(
        "accept",
        &[Role::Clerk],
        "docket",
        || reports(report::Status::Reported),
        "report.accept",
        "report",
    ),
    queue(
        "verify_report",
        &[Role::Inspector],
        "docket",
        || reports(report::Status::Accepted),
        "report.verify",
        "report",
    ),
    queue(
        "handle",
        &[Role::Handler],
        "docket",
        || reports(report::Status::Verified),
        "report.handle",
        "report",
    ),
    queue(
        "answer",
        &[Role::Handler],
        "docket",
        || reports(report::Status::Handled),
        "report.answer",
        "report",
    ),
    queue(
        "close_report",
        &[Role::Approver],
        "docket",
        || reports(report::Status::Answered),
        "report.close",
        "report",
    ),
    queue(
        "verify",
        &[Role::Inspector],
        "register",
        || hazards(hazard::Status::Reported),
        "hazard.verify",
        "hazard",
    ),
    queue(
        "review",
        &[Role::Inspector],
        "register",
        || hazards(hazard::Status::Rectified),
        "hazard.review",
        "hazard",
    ),
    queue(
        "assign",
        &[Role::Handler],
        "register",
        || hazards(hazard::Status::Verified),
        "hazard.assign",
        "hazard",
    ),
    queue("escalate", &[Role::Handler], "supervision", slow, "hazard.escalate", "hazard"),
    queue("decide_extension", &[Role::Approver], "supervision", extension, "hazard.extend", "hazard"),
    queue(
        "publish_penalty",
        &[Role::Handler],
        "deadlines",
        || running("publish_penalty"),
        "hazard.publish",
        "stream",
    ),
    queue(
        "publish_listing",
        &[Role::Handler],
        "deadlines",
        || running("publish_listing"),
        "hazard.publish",
        "stream",
    ),
    queue(
        "publish_delisting",
        &[Role::Handler],
        "deadlines",
        || running("publish_delisting"),
        "hazard.publish",
        "stream",
    ),
    queue(
        "close",
        &[Role::Approver],
        "register",
        || hazards(hazard::Status::Passed),
        "hazard.close",
        "hazard",
    ),
    queue("decide_relief", &[Role::Approver], "relief", undecided, "hazard.decide_relief", "hazard"),
    queue(
        "petition",
        &[Role::Approver],
        "repeat_offenders",
        petition,
        "enterprise.petition_closure",
        "enterprise",
    ),
    queue(
        "approve_reward",
        &[Role::Approver],
        "rewards",
        || rewards(reward::Status::Assessed),
        "reward.approve",
        "reward",
    ),
    queue(
        "notify_reward",
        &[Role::Handler],
        "rewards",
        || rewards(reward::Status::Approved),
        "reward.notify",
        "reward",
    ),
    queue("pay", &[Role::Finance], "rewards", || rewards(reward::Status::Claimed), "reward.pay", "reward"),
    queue("inquire", &[Role::Investigator], "accountability", untraced, "inquiry.open", "hazard"),
    queue(
        "acknowledge",
        &[Role::Enterprise],
        "notifications",
        unacknowledged,
        "hazard.acknowledge",
        "hazard",
    ),
    queue("mend_overdue", &[Role::Enterprise], "register", late, "hazard.evidence", "hazard"),
    queue(
        "mend",
        &[Role::Enterprise],
        "register",
        || hazards(hazard::Status::Assigned),
        "hazard.evidence",
        "hazard",
    ),
];

impl Queue {
    /// Whether whoever reads acts on it.
    pub(crate) fn is_for(&self, reader: &Reader) -> bool {
        self.roles.iter().any(|role| reader.roles.contains(role))
    }

    /// What is asked of its table: what is due first comes first, where anything is due.
    pub(crate) fn asked(&self) -> Filter {
        let order = takes(self.model).contains(&"order").then_some(Order::Due);
        Filter { order, ..(self.filter)() }
    }

    /// Its first rows, as far as the reader sees them; none where the table is not for them at all.
    pub(crate) fn rows(
        &self,
        app: &App,
        reader: &Reader,
        limit: usize,
    ) -> Result<Option<Page<Value>>, Problem> {
        let Some(asker) = reader.asker(self.model) else { return Ok(None) };
        let filter = Filter { limit: Some(limit), ..self.asked() };
        rows_of(app, asker, self.model, &Asked { filter, ..Asked::default() }).map(Some)
    }
}

/// Whether anything waits for somebody: what their worklist says, and what their digest says, are this one answer.
pub(crate) fn anything_waits(app: &App, reader: &Reader) -> Result<bool, Problem> {
    let signatures = reader.actor.map_or(0, |actor| waiting::to_sign(app, actor));
    if signatures > 0 || inside::many(app, reader) > 0 {
        return Ok(true);
    }
    for queue in QUEUES.iter().filter(|queue| queue.is_for(reader)) {
        if queue.rows(app, reader, 0)?.is_some_and(|found| found.total > 0) {
            return Ok(true);
        }
    }
    Ok(false)
}

const fn queue(
    name: &'static str,
    roles: &'static [Role],
    model: &'static str,
    filter: fn() -> Filter,
    command: &'static str,
    stream: &'static str,
) -> Queue {
    Queue { name, roles, model, filter, command, stream }
}

/// Hazards past their day for which a step of the ladder is called.
fn slow() -> Filter {
    Filter { overdue: Some(true), called_for: Some(true), ..Filter::default() }
}

/// A later day was asked for.
fn extension() -> Filter {
    Filter { extension: Some(Extension::Waiting), ..Filter::default() }
}

fn undecided() -> Filter {
    Filter { relief: Some(adit_projections::relief::Decision::Pending), ..Filter::default() }
}

fn petition() -> Filter {
    Filter { petition: Some(true), petitioned: Some(false), ..Filter::default() }
}

fn untraced() -> Filter {
    Filter { inquired: Some(false), ..Filter::default() }
}

fn unacknowledged() -> Filter {
    Filter { acknowledged: Some(false), ended: Some(false), ..Filter::default() }
}

fn late() -> Filter {
    Filter { overdue: Some(true), ..hazards(hazard::Status::Assigned) }
}
