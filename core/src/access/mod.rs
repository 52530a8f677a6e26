//! The `access` stream (查阅记录): one for each opening, print or export of what is sealed or confidential, with one entry that is
//! on disk before a byte goes out.
//!
//! To the public every entry is `access.recorded`, signed by a one-time key and the log, and shows no role: neither what was
//! opened, nor by whom, nor whether it was one of the [`fillers`](filler) at all.

mod command;
mod event;
pub mod filler;
mod refusal;

use std::collections::BTreeSet;

pub use command::*;
pub use event::{AccessEvent, PUBLIC_KIND};
pub use refusal::AccessRefusal;

use crate::decider::{Decider, Moment, Recorded};
use crate::id::StreamKind;
use crate::ledger::vkey::is_hash;
use crate::role::{Party, Role, signed_by_log};
use crate::text::Short;

/// The decider of `access` streams.
#[derive(Clone, Copy, Debug)]
pub struct AccessDecider;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Absent,
    Recorded,
}

/// Most sealed files that one entry tells of.
pub const BLOBS_MAX: usize = 64;
/// Most streams that one entry tells of.
pub const STREAMS_MAX: usize = 64;

type Refused = AccessRefusal;

fn need(holds: bool, refusal: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(refusal) }
}

/// One officer signs, whichever roles they hold: whoever opened it answers for it alone.
fn by_one_officer(moment: &Moment<'_>) -> Result<(), Refused> {
    let officer = |party: &Party| match party {
        Party::Actor { roles, .. } => !roles.is_empty() && !roles.contains(&Role::Enterprise),
        Party::Reporter { .. } | Party::Log => false,
    };
    need(matches!(moment.by, [party] if officer(party)), Refused::NeedsOneOfficer)
}

fn open(open: &Open, moment: &Moment<'_>) -> Result<AccessEvent, Refused> {
    by_one_officer(moment)?;
    need(open.report.kind == StreamKind::Report, Refused::NotAReport)?;
    let distinct: BTreeSet<&str> = open.blobs.iter().map(Short::as_str).collect();
    let hashes = distinct.iter().all(|blob| is_hash(blob));
    let many = distinct.len() == open.blobs.len() && (1..=BLOBS_MAX).contains(&distinct.len());
    need(hashes && many, Refused::BadBlobs)?;
    Ok(AccessEvent::Opened(open.clone()))
}

fn export(export: &Export, moment: &Moment<'_>) -> Result<AccessEvent, Refused> {
    by_one_officer(moment)?;
    let distinct: BTreeSet<_> = export.streams.iter().collect();
    let many = distinct.len() == export.streams.len() && (1..=STREAMS_MAX).contains(&distinct.len());
    need(many && is_hash(export.file.as_str()), Refused::BadExport)?;
    Ok(AccessEvent::Exported(export.clone()))
}

impl Decider for AccessDecider {
    type State = State;
    type Command = AccessCommand;
    type Event = AccessEvent;
    type Facts = ();
    type Rejection = AccessRefusal;

    fn decide(
        state: &State,
        command: &AccessCommand,
        (): &(),
        moment: &Moment<'_>,
    ) -> Result<Vec<AccessEvent>, Refused> {
        need(*state == State::Absent, Refused::AlreadyRecorded)?;
        let event = match command {
            AccessCommand::Open(command) => open(command, moment),
            AccessCommand::Export(command) => export(command, moment),
            AccessCommand::Fill(_) => {
                need(signed_by_log(moment.by), Refused::OnlyByLog).map(|()| AccessEvent::Filler(Fill {}))
            }
        };
        event.map(|event| vec![event])
    }

    fn evolve(_: State, event: &AccessEvent, _: &Recorded) -> State {
        match event {
            AccessEvent::Opened(_) | AccessEvent::Exported(_) | AccessEvent::Filler(_) => State::Recorded,
        }
    }
}
