//! Which commands are lawful now, and why the others are not: the deciders themselves are asked, with nothing written.

use adit_core::command::Command;
use adit_core::decider::Rejection;
use adit_core::id::{ActorId, Id, StreamId, StreamKind};
use adit_core::ledger::vkey::VKey;
use adit_core::office::{ExecuteError, Hand};
use adit_core::refusal::Refusal;
use adit_core::role::Role;
use serde_json::{Value, json};

use super::case::page_of;
use super::form::{self, Typed};
use super::frame::Desk;
use super::people;
use crate::access;
use crate::problem::ApiRefusal;

/// Whether a command can be given now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It can; `second` says who signs, too.
    Lawful {
        second: Option<Second>,
    },
    Refused(Refusal),
}

/// Another officer's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Second {
    pub(crate) role: Role,
    /// Without it nothing is recorded, whatever is typed.
    pub(crate) required: bool,
}

impl Standing {
    /// Whether it is refused for who signs it.
    pub(crate) fn is_for_others(&self) -> bool {
        matches!(self, Self::Refused(refusal) if asks_for_others(refusal))
    }
}

fn asks_for_others(refusal: &Refusal) -> bool {
    refusal.code.contains(".needs_") || refusal.code.contains(".only_by_")
}

/// Refusals that rest on what is typed, not on how things stand: the form is there for it.
const TYPED: [&str; 44] = [
    "hazard.into_itself",
    "hazard.other_enterprise",
    "hazard.other_not_open",
    "inquiry.unknown_hazard",
    "inquiry.other_hazard",
    "inquiry.bad_hash",
    "inquiry.proposals_contradict",
    "inquiry.no_such_entry",
    "hazard.decision_recorded",
    "hazard.due_in_past",
    "hazard.beyond_limit",
    "hazard.unknown_criterion",
    "hazard.criterion_not_in_force",
    "hazard.found_in_future",
    "hazard.other_unknown",
    "hazard.new_due_missing",
    "hazard.person_decides",
    "hazard.rule_decides",
    "hazard.rule_does_not_decide",
    "hazard.unknown_enterprise",
    "inspection.no_commitment",
    "inspection.unknown_enterprise",
    "inspection.other_plan",
    "inspection.in_future",
    "enterprise.in_future",
    "enterprise.no_such_grade",
    "report.beyond_limit",
    "report.not_later",
    "report.no_such_report",
    "report.not_earlier",
    "report.not_the_first",
    "report.corroborates_already",
    "report.nothing_shared",
    "reward.beyond_limit",
    "reward.not_later",
    "reward.no_rule",
    "reward.person_decides",
    "reward.tier_needed",
    "reward.other_amount",
    "enterprise.channel_open",
    "concern.not_its_hazard",
    "concern.nothing_given",
    "concern.other_voucher",
    "rules.budget_year",
];

/// Refusals that rest on who signs: beside another officer it may go.
const OF_SIGNERS: [&str; 3] = ["inspection.not_who_inspected", "hazard.rectifier_reviews", "actor.own_grant"];

/// Roles of which two must sign at times.
const PAIRS: [Role; 2] = [Role::Inspector, Role::Admin];

/// Commands that another officer signs, too, where what is typed asks for it: nothing given as a reward is final.
const MAY_ASK: [(&str, Role); 2] = [("reward.assess", Role::Approver), ("reward.reassess", Role::Approver)];

/// Commands of a kind of stream that begin a stream; the others follow.
pub(crate) const BEGIN: [&str; 10] = [
    "hazard.report",
    "report.report",
    "reward.assess",
    "enterprise.register",
    "inspection.seal",
    "inspection.perform",
    "inquiry.open",
    "actor.enrol",
    "ledger.open",
    "concern.raise",
];

/// Commands that no officer and no enterprise gives in a form: the log itself, the reporter's own page, the server.
fn is_given_elsewhere(kind: &str) -> bool {
    let by_reporter = [
        "report.satisfy",
        "report.dispute",
        "report.add_evidence",
        "report.invite",
        "report.withdraw_invitation",
        "report.join",
        "report.pick_up",
        "report.rotate_key",
        "report.lock",
        "report.allege_retaliation",
        "reward.claim",
        "reward.waive",
        "concern.write",
        "concern.claim",
    ];
    kind.ends_with(".record_overdue")
        || by_reporter.contains(&kind)
        || kind.starts_with("access.")
        || kind.starts_with("ledger.")
}

/// The commands that may come up for a stream of this kind, in the order of its life.
pub(crate) fn commands(kind: StreamKind) -> impl Iterator<Item = &'static str> {
    Command::types().iter().map(String::as_str).filter(move |name| {
        name.split('.').next() == Some(kind.name())
            && !is_given_elsewhere(name)
            && (form::fields(name).is_some() || page_of(name, &StreamId::new(kind, Id::default())).is_some())
            && (!BEGIN.contains(name) || *name == "inspection.perform")
    })
}

/// Asks whether a command of this kind is lawful now. `known` are values for its fields that are known to fit.
pub(crate) fn standing(desk: &Desk, stream: Option<StreamId>, kind: &str, known: &Typed) -> Standing {
    let today = desk.app.office.ledger().now().day();
    let fields = form::fields(kind).unwrap_or_default();
    // What is sealed can't be typed: who may do it, and when, does not rest on it.
    let samples = match kind {
        "report.share" => vec![json!({ "with": [], "copies": [] })],
        "report.message" => {
            let sealed = json!({ "blob": "00".repeat(32), "size": 1, "recipients": ["—"] });
            vec![json!({ "sealed": sealed })]
        }
        _ => form::samples(fields, known, today),
    };
    let mut first = None;
    for sample in &samples {
        match ask(desk, stream, kind, sample) {
            // A sample that says nothing whole tells nothing.
            Standing::Refused(refusal) if refusal.code == ApiRefusal::WrongValue.code() => {}
            Standing::Refused(refusal) => {
                first.get_or_insert(refusal);
            }
            lawful @ Standing::Lawful { .. } => return lawful,
        }
    }
    // Where nothing could be said for it, the form is shown and the decider says.
    first.map_or(Standing::Lawful { second: None }, Standing::Refused)
}

fn mine(desk: &Desk) -> Hand<'_> {
    desk.session.key.as_deref().map_or(Hand::Elsewhere(&desk.session.vkey), Hand::Held)
}

/// Whoever else holds a role, without those from whom the stream is kept.
fn others(desk: &Desk, stream: Option<StreamId>, role: Role) -> Vec<(ActorId, VKey)> {
    let office = &desk.app.office;
    let mut others = people::with_role(&desk.app, role);
    others.retain(|(actor, _)| {
        let kept = stream.map(|stream| access::is_kept_from(office, *actor, &stream));
        // What can't be read is offered to nobody.
        *actor != desk.session.actor && matches!(kept, None | Some(Ok(false)))
    });
    others
}

fn ask(desk: &Desk, stream: Option<StreamId>, kind: &str, data: &Value) -> Standing {
    let may_ask = MAY_ASK.into_iter().find(|(command, _)| *command == kind);
    let alone = match decide(desk, stream, kind, data, &[mine(desk)]) {
        Ok(()) => {
            let second = may_ask.map(|(_, role)| Second { role, required: false });
            return Standing::Lawful { second };
        }
        Err(refusal) => refusal,
    };
    if !asks_for_others(&alone) {
        return Standing::Refused(alone);
    }
    for role in PAIRS.into_iter().filter(|role| desk.reader.roles.contains(role)) {
        let mut of_two = None;
        for (_, other) in others(desk, stream, role) {
            match decide(desk, stream, kind, data, &[mine(desk), Hand::Elsewhere(&other)]) {
                Ok(()) => return Standing::Lawful { second: Some(Second { role, required: true }) },
                Err(refusal) => {
                    let of_signers = OF_SIGNERS.contains(&refusal.code.as_str());
                    of_two.get_or_insert(refusal);
                    if !of_signers {
                        break;
                    }
                }
            }
        }
        // Two get further than one: what is refused then is the reason to tell.
        if let Some(refusal) = of_two.filter(|refusal| refusal.code != alone.code) {
            return Standing::Refused(refusal);
        }
    }
    Standing::Refused(alone)
}

/// The officers of whom one can sign this command, too: those alone with whom it is lawful.
pub(crate) fn seconds(
    desk: &Desk,
    stream: Option<StreamId>,
    kind: &str,
    known: &Typed,
    role: Role,
) -> Vec<ActorId> {
    let today = desk.app.office.ledger().now().day();
    let others = others(desk, stream, role);
    for sample in form::samples(form::fields(kind).unwrap_or_default(), known, today) {
        let with = |other: &VKey| decide(desk, stream, kind, &sample, &[mine(desk), Hand::Elsewhere(other)]);
        let can: Vec<ActorId> =
            others.iter().filter(|(_, key)| with(key).is_ok()).map(|(actor, _)| *actor).collect();
        if !can.is_empty() {
            return can;
        }
    }
    others.into_iter().map(|(actor, _)| actor).collect()
}

/// What the office would say; a refusal of what a sample says is none.
fn decide(
    desk: &Desk,
    stream: Option<StreamId>,
    kind: &str,
    data: &Value,
    hands: &[Hand<'_>],
) -> Result<(), Refusal> {
    let command = serde_json::value::to_raw_value(data).ok().and_then(|raw| Command::parse(kind, &raw).ok());
    let command = command.ok_or(ApiRefusal::WrongValue)?;
    match desk.app.office.would_carry_out(stream, &command, hands) {
        Err(ExecuteError::Refused(refusal)) if !TYPED.contains(&refusal.code.as_str()) => Err(refusal),
        _ => Ok(()),
    }
}
