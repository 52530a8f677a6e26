//! Which commands are lawful now, and why the others are not: the deciders themselves are asked, with nothing written.

use adit_core::command::Command;
use adit_core::decider::Rejection;
use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::ledger::vkey::VKey;
use adit_core::office::{ExecuteError, Hand};
use adit_core::refusal::Refusal;
use adit_core::role::Role;
use serde_json::{Value, json};

use super::case::page_of;
use super::form::{self, Typed};
use super::frame::Desk;
use super::people;
use crate::problem::ApiRefusal;

/// Whether a command can be given now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It can; `second` says whether another officer must sign, too.
    Lawful {
        second: Option<Role>,
    },
    Refused(Refusal),
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
const TYPED: [&str; 36] = [
    "hazard.into_itself",
    "hazard.other_enterprise",
    "hazard.other_not_open",
    "inquiry.unknown_hazard",
    "inquiry.no_such_entry",
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
    "reward.tier_needed",
    "reward.other_amount",
    "enterprise.channel_open",
    "concern.not_its_hazard",
    "concern.nothing_given",
    "concern.other_voucher",
];

/// Roles of which two must sign at times.
const PAIRS: [Role; 2] = [Role::Inspector, Role::Admin];

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

fn ask(desk: &Desk, stream: Option<StreamId>, kind: &str, data: &Value) -> Standing {
    let mine = match &desk.session.key {
        Some(key) => Hand::Held(key),
        None => Hand::Elsewhere(&desk.session.vkey),
    };
    let alone = match decide(desk, stream, kind, data, &[mine]) {
        Ok(()) => return Standing::Lawful { second: None },
        Err(refusal) => refusal,
    };
    if !asks_for_others(&alone) {
        return Standing::Refused(alone);
    }
    for role in PAIRS.into_iter().filter(|role| desk.reader.roles.contains(role)) {
        let others = people::with_role(&desk.app, role);
        let other: Option<VKey> =
            others.into_iter().find(|(actor, _)| *actor != desk.session.actor).map(|(_, key)| key);
        let Some(other) = other else { continue };
        match decide(desk, stream, kind, data, &[mine, Hand::Elsewhere(&other)]) {
            Ok(()) => return Standing::Lawful { second: Some(role) },
            // Two get further than one: what is refused then is the reason to tell.
            Err(refusal) if refusal.code != alone.code => return Standing::Refused(refusal),
            Err(_) => {}
        }
    }
    Standing::Refused(alone)
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
