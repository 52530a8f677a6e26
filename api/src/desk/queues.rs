//! What waits for whom: for each role, where its next actions come from.

use adit_core::hazard;
use adit_core::report;
use adit_core::reward;
use adit_core::role::Role;
use adit_projections::supervision::Extension;
use adit_projections::{Filter, Next, Order, Page, takes};
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
    filter: fn() -> Filter,
    leads: Leads,
    /// The field of a row that names the stream.
    pub(crate) stream: &'static str,
}

/// The next command of a row.
enum Leads {
    To(&'static str),
    /// Another one for each, by how it stands.
    ByRow(fn(&Value) -> &'static str),
}

fn next(next: Next) -> Filter {
    Filter { next: Some(next), ..Filter::default() }
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
pub(crate) const QUEUES: [Queue; 36] = [
    queue("retaliation", &[Role::Clerk, Role::Handler], "docket", retaliation, "report.message", "report"),
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
    queue("letters", &[Role::Clerk, Role::Handler], "docket", letters, "report.message", "report"),
    queue("disputed", &[Role::Approver], "docket", disputed, "report.reopen", "report"),
    queue("close_report", &[Role::Approver], "docket", undisputed, "report.close", "report"),
    queue("open_plan", &[Role::Inspector], "inspections", openable, "inspection.open", "inspection"),
    queue("verify", &[Role::Inspector], "register", || next(Next::Verify), "hazard.verify", "hazard"),
    queue("review", &[Role::Inspector], "register", || next(Next::Review), "hazard.review", "hazard"),
    queue("confirm", &[Role::Inspector], "register", || next(Next::Confirm), "hazard.confirm", "hazard"),
    queue("assign", &[Role::Handler], "register", || next(Next::Assign), "hazard.assign", "hazard"),
    queue("serve", &[Role::Handler], "register", || next(Next::Serve), "hazard.serve", "hazard"),
    queue("escalate", &[Role::Handler], "supervision", slow, "hazard.escalate", "hazard"),
    led("decide_extension", &[Role::Approver], "supervision", extension, decide_extension, "hazard"),
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
    queue("close", &[Role::Approver], "register", || next(Next::Close), "hazard.close", "hazard"),
    queue("delist", &[Role::Approver], "supervision", listed, "hazard.delist", "hazard"),
    queue(
        "resume",
        &[Role::Approver],
        "register",
        || next(Next::Resume),
        "hazard.resume_production",
        "hazard",
    ),
    queue("decide_relief", &[Role::Approver], "relief", undecided, "hazard.decide_relief", "hazard"),
    queue("penalise", &[Role::Approver], "relief", unpenalised, "hazard.penalise", "hazard"),
    queue(
        "petition",
        &[Role::Approver],
        "repeat_offenders",
        petition,
        "enterprise.petition_closure",
        "enterprise",
    ),
    queue("assess", &[Role::Handler], "docket", unrewarded, "reward.assess", "report"),
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
    queue("forfeit", &[Role::Approver], "rewards", unclaimed, "reward.forfeit", "reward"),
    queue("inquire", &[Role::Investigator], "accountability", untraced, "inquiry.open", "hazard"),
    queue(
        "look_into",
        &[Role::Investigator],
        "inquiries",
        || inquiries(false),
        "inquiry.record_finding",
        "inquiry",
    ),
    queue("conclude", &[Role::Approver], "inquiries", || inquiries(true), "inquiry.conclude", "inquiry"),
    queue(
        "acknowledge",
        &[Role::Enterprise],
        "notifications",
        unacknowledged,
        "hazard.acknowledge",
        "hazard",
    ),
    led("mend_overdue", &[Role::Enterprise], "register", || mending(true), mend, "hazard"),
    led("mend", &[Role::Enterprise], "register", || mending(false), mend, "hazard"),
];

impl Queue {
    /// Whether whoever reads acts on it.
    pub(crate) fn is_for(&self, reader: &Reader) -> bool {
        self.roles.iter().any(|role| reader.roles.contains(role))
    }

    /// The next command of a row.
    pub(crate) fn command(&self, row: &Value) -> &'static str {
        match self.leads {
            Leads::To(command) => command,
            Leads::ByRow(command) => command(row),
        }
    }

    /// What is asked of its table: what is due first comes first, where anything is due. A plan is opened by whoever sealed it.
    pub(crate) fn asked(&self, reader: &Reader) -> Filter {
        let order = takes(self.model).contains(&"order").then_some(Order::Due);
        let asked = Filter { order, ..(self.filter)() };
        let sealed_by = asked.openable.and(reader.actor);
        Filter { sealed_by, ..asked }
    }

    /// Its first rows, as far as the reader sees them; none where the table is not for them at all.
    pub(crate) fn rows(
        &self,
        app: &App,
        reader: &Reader,
        limit: usize,
    ) -> Result<Option<Page<Value>>, Problem> {
        let Some(asker) = reader.asker(self.model) else { return Ok(None) };
        let filter = Filter { limit: Some(limit), ..self.asked(reader) };
        rows_of(app, asker, self.model, &Asked { filter, ..Asked::default() }).map(Some)
    }
}

/// Whether anything waits for somebody: what their worklist says, and what their digest says, are this one answer.
pub(crate) fn anything_waits(app: &App, reader: &Reader) -> Result<bool, Problem> {
    let signatures = reader.actor.map_or(0, |actor| waiting::to_sign(app, actor));
    if signatures > 0 || inside::many(app, reader) > 0 || is_plan_due(app, reader)? {
        return Ok(true);
    }
    for queue in QUEUES.iter().filter(|queue| queue.is_for(reader)) {
        if queue.rows(app, reader, 0)?.is_some_and(|found| found.total > 0) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an inspector has not sealed a plan on this working day, which is done every morning, also where nobody is visited.
pub(crate) fn is_plan_due(app: &App, reader: &Reader) -> Result<bool, Problem> {
    let today = app.office.ledger().now().day();
    let works = app.office.rules().calendar.is_working_day(today).unwrap_or_default();
    let inspector = reader.actor.filter(|_| works && reader.roles.contains(&Role::Inspector));
    let (Some(actor), Some(asker)) = (inspector, reader.asker("inspections")) else { return Ok(false) };
    let filter = Filter {
        sealed_by: Some(actor),
        from: Some(today),
        to: Some(today),
        limit: Some(0),
        ..Filter::default()
    };
    let sealed = rows_of(app, asker, "inspections", &Asked { filter, ..Asked::default() })?;
    Ok(sealed.total == 0)
}

const fn queue(
    name: &'static str,
    roles: &'static [Role],
    model: &'static str,
    filter: fn() -> Filter,
    command: &'static str,
    stream: &'static str,
) -> Queue {
    Queue { name, roles, model, filter, leads: Leads::To(command), stream }
}

/// One whose rows lead to commands of their own.
const fn led(
    name: &'static str,
    roles: &'static [Role],
    model: &'static str,
    filter: fn() -> Filter,
    command: fn(&Value) -> &'static str,
    stream: &'static str,
) -> Queue {
    Queue { name, roles, model, filter, leads: Leads::ByRow(command), stream }
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

/// What is to be mended, past its day or not: each stands once.
fn mending(overdue: bool) -> Filter {
    Filter { status: Some(hazard::Status::Assigned), overdue: Some(overdue), ..Filter::default() }
}

/// The next step to mend it: the plan, what shows each of the five, and that it is mended.
fn mend(row: &Value) -> &'static str {
    let steps =
        [(Next::Plan, "hazard.plan"), (Next::Commit, "hazard.commit"), (Next::Evidence, "hazard.evidence")];
    let waits = |next: Next| {
        let steps = row.get("next").and_then(Value::as_array).into_iter().flatten();
        steps.filter_map(|step| serde_json::from_value::<Next>(step.clone()).ok()).any(|step| step == next)
    };
    steps.into_iter().find(|(next, _)| waits(*next)).map_or("hazard.rectify", |(_, command)| command)
}

/// Once the day to mend it has passed, it can't be moved any more.
fn decide_extension(row: &Value) -> &'static str {
    if row.get("overdue") == Some(&Value::Bool(true)) { "hazard.refuse_extension" } else { "hazard.extend" }
}

/// Listed, and not open any more.
fn listed() -> Filter {
    Filter { listed: Some(true), ended: Some(true), ..Filter::default() }
}

/// Relief was refused, and no penalty followed.
fn unpenalised() -> Filter {
    Filter { to_penalise: Some(true), ..Filter::default() }
}

/// The reporter wrote last, and says that they are retaliated against.
fn retaliation() -> Filter {
    Filter { unanswered: Some(true), retaliation: Some(true), ..Filter::default() }
}

/// The reporter wrote last.
fn letters() -> Filter {
    Filter { unanswered: Some(true), retaliation: Some(false), ..Filter::default() }
}

fn disputed() -> Filter {
    Filter { disputed: Some(true), ..Filter::default() }
}

fn undisputed() -> Filter {
    Filter { disputed: Some(false), ..reports(report::Status::Answered) }
}

fn unrewarded() -> Filter {
    Filter { unrewarded: Some(true), ..Filter::default() }
}

/// Not claimed in time.
fn unclaimed() -> Filter {
    Filter { overdue: Some(true), ..rewards(reward::Status::Notified) }
}

/// Inquiries that go on, with a finding or without one.
fn inquiries(found: bool) -> Filter {
    Filter { ended: Some(false), found: Some(found), ..Filter::default() }
}

/// Plans that can still be opened.
fn openable() -> Filter {
    Filter { openable: Some(true), ..Filter::default() }
}
