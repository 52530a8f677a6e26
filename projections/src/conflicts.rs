//! Whom a report is kept from: officers whom the reporter named, before anything was sealed, as having a conflict of interest.
//! With the report goes whatever rests on it: its rewards, and the record of who opened it.

use std::collections::{BTreeMap, BTreeSet};

use adit_core::access::AccessEvent;
use adit_core::event::{Event, Fact};
use adit_core::id::{ActorId, StreamId};
use adit_core::report::ReportEvent;
use adit_core::reward::RewardEvent;
use adit_core::units::Position;
use serde::{Deserialize, Serialize};

use crate::Projection;

/// Few reports name anybody, so the others take no room here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conflicts {
    kept: BTreeMap<ActorId, Kept>,
    /// From whom a stream is kept.
    from: BTreeMap<StreamId, BTreeSet<ActorId>>,
}

/// What is kept from one officer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub streams: BTreeSet<StreamId>,
    /// Where the reports were received.
    pub received: BTreeSet<Position>,
}

/// What is kept from almost everybody.
pub(crate) static NOTHING: Kept = Kept { streams: BTreeSet::new(), received: BTreeSet::new() };

impl Conflicts {
    /// What is kept from an officer, or from somebody who is none.
    pub fn of(&self, actor: Option<ActorId>) -> &Kept {
        actor.and_then(|actor| self.kept.get(&actor)).unwrap_or(&NOTHING)
    }

    fn keep(&mut self, stream: StreamId, actors: BTreeSet<ActorId>) {
        for actor in &actors {
            self.kept.entry(*actor).or_default().streams.insert(stream);
        }
        if !actors.is_empty() {
            self.from.entry(stream).or_default().extend(actors);
        }
    }

    /// What rests on a stream is kept from the same officers.
    fn follow(&mut self, stream: StreamId, on: &[StreamId]) {
        let actors = on.iter().filter_map(|on| self.from.get(on)).flatten().copied().collect();
        self.keep(stream, actors);
    }
}

impl Projection for Conflicts {
    const NAME: &'static str = "conflicts";

    fn apply(&mut self, fact: &Fact) {
        if let Event::Report(ReportEvent::Reported(reported)) = &fact.event {
            let actors: BTreeSet<ActorId> = reported.report.excluded.iter().copied().collect();
            for actor in &actors {
                self.kept.entry(*actor).or_default().received.insert(fact.position);
            }
            self.keep(fact.stream, actors);
        }
        // It names the first report from here on.
        if let Event::Report(ReportEvent::Corroborated(corroborated)) = &fact.event {
            let actors: BTreeSet<ActorId> = corroborated.excluded.iter().copied().collect();
            for actor in &actors {
                self.kept.entry(*actor).or_default().received.insert(corroborated.reported_at);
            }
            self.keep(fact.stream, actors);
        }
        if let Event::Reward(RewardEvent::Assessed(assessed) | RewardEvent::Reassessed(assessed)) =
            &fact.event
        {
            self.follow(fact.stream, &[assessed.report]);
        }
        if let Event::Reward(RewardEvent::Denied(denied)) = &fact.event {
            self.follow(fact.stream, &[denied.report]);
        }
        match &fact.event {
            Event::Access(AccessEvent::Opened(opened)) => self.follow(fact.stream, &[opened.report]),
            Event::Access(AccessEvent::Exported(exported)) => self.follow(fact.stream, &exported.streams),
            Event::Access(AccessEvent::Filler(_))
            | Event::Report(_)
            | Event::Reward(_)
            | Event::Hazard(_)
            | Event::Enterprise(_)
            | Event::Inspection(_)
            | Event::Actor(_)
            | Event::Rules(_)
            | Event::Ledger(_)
            | Event::Concern(_)
            | Event::Inquiry(_) => {}
        }
    }
}
