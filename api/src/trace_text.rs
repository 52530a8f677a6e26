//! The text of a trace: the entries on which it rests, so that anybody who holds them can compute its hash again (`docs/bundle.md`).

use std::fmt::Write as _;

use adit_core::event::Event;
use adit_core::id::StreamId;
use adit_core::inspection::InspectionEvent;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::merkle::leaf_hash;
use adit_core::ledger::vkey::hex;
use adit_core::units::{Day, Position};

use crate::access::enterprise_of;
use crate::app::App;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// First word of the text.
const FORMAT: &str = "adit.trace.v1";

/// A trace as of an entry.
pub(crate) struct TraceText {
    pub(crate) text: String,
    /// The hazard, then the inspections of its enterprise, in the order of the log.
    pub(crate) streams: Vec<StreamId>,
}

impl TraceText {
    /// Of a hazard as of the entry at a position. Whoever asks has waited until the read models hold that entry.
    ///
    /// # Errors
    /// `api.not_found` where the hazard was not there yet.
    pub(crate) fn of(app: &App, hazard: &StreamId, as_of: Position) -> Result<Self, Problem> {
        let ledger = app.office.ledger();
        let facts = ledger.stream(hazard).map_err(|error| unreadable(&error))?;
        let first = facts.first().filter(|first| first.position <= as_of).ok_or(ApiRefusal::NotFound)?;
        let enterprise = enterprise_of(first).ok_or(ApiRefusal::NotFound)?;
        // Those that are on record now hold those that were then.
        let visits = app.projector.read(|state| state.trace(hazard, Day::default()).inspections);
        let mut streams = vec![*hazard];
        let mut positions: Vec<(Position, StreamId)> =
            facts.iter().map(|fact| (fact.position, *hazard)).collect();
        for visit in visits {
            let inspection = visit.inspection.inspection;
            let facts = ledger.stream(&inspection).map_err(|error| unreadable(&error))?;
            let there = facts.iter().filter(|fact| fact.position <= as_of).any(|fact| {
                matches!(&fact.event, Event::Inspection(InspectionEvent::Performed(performed)) if performed.enterprise == enterprise)
            });
            if there {
                streams.push(inspection);
                positions.extend(facts.iter().map(|fact| (fact.position, inspection)));
            }
        }
        positions.retain(|(position, _)| *position <= as_of);
        positions.sort_unstable();
        let text = lines(ledger, (hazard, as_of), &positions)?;
        Ok(Self { text, streams })
    }

    /// What an inquiry attaches.
    pub(crate) fn hash(&self) -> String {
        hex(blake3::hash(self.text.as_bytes()).as_bytes())
    }
}

fn lines(
    ledger: &Ledger,
    (hazard, as_of): (&StreamId, Position),
    positions: &[(Position, StreamId)],
) -> Result<String, Problem> {
    let mut text = format!("{FORMAT} {}\n{hazard} {as_of}\n", ledger.origin());
    for (position, stream) in positions {
        let stored = ledger.stored(*position).map_err(|error| unreadable(&error))?;
        let stored = stored.ok_or(ApiRefusal::Unreadable)?;
        let _ = writeln!(text, "{position} {stream} {}", hex(&leaf_hash(&stored.entry)));
    }
    Ok(text)
}
