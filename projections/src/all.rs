//! All read models at one position: the fold, the snapshot, and the one place where their rows leave.

use adit_core::event::Fact;
use adit_core::id::StreamId;
use adit_core::rules::Rules;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::ask::{Ask, Asker, Filter, Page, Viewer};
use crate::{
    Projection, accountability, accounts, concerns, conflicts, corroboration, deadlines, docket, duty,
    enterprises, five_in_place, inquiries, inspections, named, notifications, register, relief,
    repeat_offenders, reward_budget, rewards, statistics, supervision, timeline,
};

/// All read models, at one position.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Projections {
    pub register: register::Register,
    pub timeline: timeline::Timeline,
    pub five_in_place: five_in_place::FiveInPlace,
    pub deadlines: deadlines::Deadlines,
    pub rewards: rewards::Rewards,
    pub repeat_offenders: repeat_offenders::RepeatOffenders,
    pub relief: relief::Relief,
    pub supervision: supervision::Supervision,
    pub inspections: inspections::Inspections,
    pub duty: duty::Duty,
    pub notifications: notifications::Notifications,
    pub accountability: accountability::Accountability,
    pub inquiries: inquiries::Inquiries,
    pub enterprises: enterprises::Enterprises,
    pub statistics: statistics::Statistics,
    pub reward_budget: reward_budget::RewardBudget,
    pub corroboration: corroboration::Corroboration,
    pub docket: docket::Docket,
    pub concerns: concerns::Concerns,
    pub conflicts: conflicts::Conflicts,
    pub named: named::Named,
    pub accounts: accounts::Accounts,
    next: Position,
}

/// Why a read model can't be had.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    #[error("facts must come in order: expected position {expected}, got {found}; replay from the beginning")]
    OutOfOrder { expected: Position, found: Position },
    #[error("the snapshot is damaged; replay from the beginning")]
    SnapshotDamaged,
    #[error(
        "the snapshot is of version {found}, this program reads {SNAPSHOT_VERSION}; replay from the beginning"
    )]
    SnapshotVersion { found: u8 },
    #[error("couldn't write the snapshot: {0}")]
    Snapshot(postcard::Error),
    #[error("there is no read model named {0:?}; there are {names}", names = NAMES.join(", "))]
    Unknown(String),
    #[error("the read model {model} has no filter {filter:?}; it takes {takes}", takes = takes(model).join(", "))]
    Filter { model: &'static str, filter: &'static str },
    #[error("the read model {0} is not for this account")]
    NotForViewer(&'static str),
    #[error("couldn't write a row: {0}")]
    Row(#[from] serde_json::Error),
}

/// Names of the read models.
pub const NAMES: [&str; 18] = [
    register::NAME,
    timeline::NAME,
    five_in_place::NAME,
    deadlines::NAME,
    rewards::NAME,
    repeat_offenders::NAME,
    relief::NAME,
    supervision::NAME,
    inspections::NAME,
    duty::NAME,
    notifications::NAME,
    accountability::NAME,
    inquiries::NAME,
    enterprises::NAME,
    statistics::NAME,
    reward_budget::NAME,
    corroboration::NAME,
    docket::NAME,
];

/// Filters that a read model takes; none for a name that is not one.
pub fn takes(model: &str) -> &'static [&'static str] {
    match model {
        register::NAME => register::TAKES,
        timeline::NAME => timeline::TAKES,
        five_in_place::NAME => five_in_place::TAKES,
        deadlines::NAME => deadlines::TAKES,
        rewards::NAME => rewards::TAKES,
        repeat_offenders::NAME => repeat_offenders::TAKES,
        relief::NAME => relief::TAKES,
        supervision::NAME => supervision::TAKES,
        inspections::NAME => inspections::TAKES,
        duty::NAME => duty::TAKES,
        notifications::NAME => notifications::TAKES,
        accountability::NAME => accountability::TAKES,
        inquiries::NAME => inquiries::TAKES,
        enterprises::NAME => enterprises::TAKES,
        statistics::NAME => statistics::TAKES,
        reward_budget::NAME => reward_budget::TAKES,
        corroboration::NAME => corroboration::TAKES,
        docket::NAME => docket::TAKES,
        _ => &[],
    }
}

/// Version of snapshots; another one is folded again.
pub const SNAPSHOT_VERSION: u8 = 12;

/// Room at the end of a snapshot in which whoever seals it puts tag and nonce.
const SEAL_BYTES: usize = 64;

impl Projections {
    /// Position of the next fact to take over.
    pub fn next(&self) -> Position {
        self.next
    }

    /// The read models over these facts alone, in the order of the log: for what rests on a few streams.
    pub fn of(facts: &[Fact]) -> Self {
        let mut state = Self::default();
        for fact in facts {
            state.next = fact.position;
            // The position was made to be the next one.
            let _ = state.apply(fact);
        }
        state
    }

    /// Takes over the next fact.
    ///
    /// # Errors
    /// A fact that is not the next one is refused, so that nothing is skipped or counted twice.
    pub fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        if fact.position != self.next {
            return Err(ProjectionError::OutOfOrder { expected: self.next, found: fact.position });
        }
        self.register.apply(fact);
        self.timeline.apply(fact);
        self.five_in_place.apply(fact);
        self.deadlines.apply(fact);
        self.rewards.apply(fact);
        self.repeat_offenders.apply(fact);
        self.relief.apply(fact);
        self.supervision.apply(fact);
        self.inspections.apply(fact);
        self.duty.apply(fact);
        self.notifications.apply(fact);
        self.accountability.apply(fact);
        self.inquiries.apply(fact);
        self.enterprises.apply(fact);
        self.statistics.apply(fact);
        self.reward_budget.apply(fact);
        self.corroboration.apply(fact);
        self.docket.apply(fact);
        self.concerns.apply(fact);
        self.conflicts.apply(fact);
        self.named.apply(fact);
        self.accounts.apply(fact);
        self.next = Position(fact.position.0 + 1);
        Ok(())
    }

    /// How many hazards there are.
    pub fn hazards(&self) -> usize {
        self.register.len()
    }

    /// Bytes to restart from: version, BLAKE3 checksum, content. The caller encrypts them.
    pub fn snapshot(&self) -> Result<Vec<u8>, ProjectionError> {
        // Measured first: a buffer that grows by doubling would need three times the memory on the way.
        let size = postcard::experimental::serialized_size(self).map_err(ProjectionError::Snapshot)?;
        let mut head = Vec::with_capacity(1 + 32 + size + SEAL_BYTES);
        head.push(SNAPSHOT_VERSION);
        head.extend_from_slice(&[0; 32]);
        let mut bytes = postcard::to_extend(self, head).map_err(ProjectionError::Snapshot)?;
        let checksum = blake3::hash(&bytes[33..]);
        bytes[1..33].copy_from_slice(checksum.as_bytes());
        Ok(bytes)
    }

    /// Restarts from a snapshot.
    ///
    /// # Errors
    /// A snapshot that is damaged or of another version; replay instead.
    pub fn restore(bytes: &[u8]) -> Result<Self, ProjectionError> {
        let (version, rest) = bytes.split_first().ok_or(ProjectionError::SnapshotDamaged)?;
        if *version != SNAPSHOT_VERSION {
            return Err(ProjectionError::SnapshotVersion { found: *version });
        }
        let (checksum, content) = rest.split_first_chunk::<32>().ok_or(ProjectionError::SnapshotDamaged)?;
        if blake3::hash(content).as_bytes() != checksum {
            return Err(ProjectionError::SnapshotDamaged);
        }
        postcard::from_bytes(content).map_err(|_| ProjectionError::SnapshotDamaged)
    }

    /// All rows of a read model as JSON, as of `today`, as an officer who works on reports sees them.
    pub fn rows(
        &self,
        name: &str,
        rules: &Rules,
        today: Day,
    ) -> Result<Vec<serde_json::Value>, ProjectionError> {
        Ok(self.query(name, &Filter::default(), Viewer::Reports, rules, today)?.rows)
    }

    /// A page of a read model's rows as JSON, as of `today`, with what the asker may see of them.
    ///
    /// # Errors
    /// An unknown name, a filter that this model does not have, a model that is not for this viewer.
    pub fn query(
        &self,
        name: &str,
        filter: &Filter,
        asker: impl Into<Asker>,
        rules: &Rules,
        today: Day,
    ) -> Result<Page<serde_json::Value>, ProjectionError> {
        let Asker { viewer, actor } = asker.into();
        let unknown = || ProjectionError::Unknown(name.chars().take(64).collect());
        let model = *NAMES.iter().find(|known| **known == name).ok_or_else(unknown)?;
        if viewer.is_shut_out(model) {
            return Err(ProjectionError::NotForViewer(model));
        }
        if let Some(filter) = filter.given().into_iter().find(|given| !takes(model).contains(given)) {
            return Err(ProjectionError::Filter { model, filter });
        }
        let kept = self.conflicts.of(actor);
        let ask = Ask { filter, viewer, today, streams: self.streams(filter, viewer), kept };
        match model {
            register::NAME => values(self.register.query(&ask, rules)),
            timeline::NAME => values(self.timeline.query(&ask)),
            five_in_place::NAME if filter.group.is_some() => values(self.five_in_place.summary(&ask)),
            five_in_place::NAME => values(self.five_in_place.query(&ask, rules)),
            deadlines::NAME => values(self.deadlines.query(&ask)),
            rewards::NAME => values(self.rewards.query(&ask)),
            repeat_offenders::NAME => values(self.repeat_offenders.query(&ask, rules)),
            relief::NAME => values(self.relief.query(&ask)),
            supervision::NAME => values(self.supervision.query(&ask, rules)),
            inspections::NAME => values(self.inspections.query(&ask)),
            duty::NAME => values(self.duty.query(&ask, rules)),
            notifications::NAME => values(self.notifications.query(&ask)),
            inquiries::NAME => values(self.inquiries.query(&ask)),
            enterprises::NAME => values(self.enterprises.query(&ask)),
            statistics::NAME => values(self.statistics.query(&ask)),
            reward_budget::NAME => values(self.reward_budget.query(&ask)),
            corroboration::NAME => {
                values(self.corroboration.query(&ask, |hazard| self.register.enterprise_of(hazard)))
            }
            docket::NAME => values(self.docket.query(&ask)),
            accountability::NAME => {
                self.traced(values(self.accountability.query(&ask, rules))?, filter, today)
            }
            _ => Err(unknown()),
        }
    }

    /// The trace of a hazard that was named, beside what calls for an inquiry.
    fn traced(
        &self,
        mut page: Page<serde_json::Value>,
        filter: &Filter,
        today: Day,
    ) -> Result<Page<serde_json::Value>, ProjectionError> {
        if let Some((hazard, row)) = filter.stream.zip(page.rows.first_mut()) {
            row["trace"] = serde_json::to_value(self.trace(&hazard, today))?;
        }
        Ok(page)
    }

    /// Everything that is on record about a hazard and those who dealt with it.
    pub fn trace(&self, hazard: &StreamId, today: Day) -> accountability::Trace {
        let enterprise = self.register.enterprise_of(hazard);
        let events = self.timeline.of(hazard);
        let reported = events.first().map(|event| event.position);
        let visits = enterprise.map(|enterprise| self.inspections.of(&enterprise, today)).unwrap_or_default();
        let passed = |inspection: inspections::Row| accountability::Passed {
            found_this: inspection.findings.contains(hazard),
            before: inspection.performed_at < reported,
            inspection,
        };
        let visits = visits.into_iter().filter(|visit| visit.performed_at.is_some());
        let late = |row: &deadlines::Row| {
            let late = matches!(row.standing, deadlines::Standing::Overdue | deadlines::Standing::MetLate);
            late || row.missed_at.is_some()
        };
        let only = Filter { stream: Some(*hazard), ..Filter::default() };
        let ask = Ask {
            filter: &only,
            viewer: Viewer::Reports,
            today,
            streams: Some(vec![*hazard]),
            kept: &conflicts::NOTHING,
        };
        accountability::Trace {
            inspections: visits.map(passed).collect(),
            notices: self.notifications.query(&ask).rows,
            not_in_time: self.deadlines.of_stream(hazard, today).into_iter().filter(late).collect(),
            inquiries: self.inquiries.on(hazard),
            events,
        }
    }

    /// The streams that the filter and the viewer leave; none where they leave all. Of an enterprise these are its own
    /// stream and its hazards; an enterprise never sees its inspections, of which a report may have been the cause.
    fn streams(&self, filter: &Filter, viewer: Viewer) -> Option<Vec<StreamId>> {
        let own = match viewer {
            Viewer::Enterprise(enterprise) => Some(enterprise),
            Viewer::Reports | Viewer::Intake | Viewer::Office | Viewer::Finance => None,
        };
        if own.is_some() && filter.enterprise.is_some() && filter.enterprise != own {
            return Some(Vec::new());
        }
        let Some(enterprise) = own.or(filter.enterprise) else {
            return filter.stream.map(|stream| vec![stream]);
        };
        if let Some(stream) = filter.stream {
            let belongs = stream == enterprise || self.register.enterprise_of(&stream) == Some(enterprise);
            return Some(if belongs { vec![stream] } else { Vec::new() });
        }
        let mut streams = self.register.hazards_of(&enterprise);
        streams.push(enterprise);
        Some(streams)
    }
}

fn values<R: Serialize>(page: Page<R>) -> Result<Page<serde_json::Value>, ProjectionError> {
    let rows = page.rows.into_iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    Ok(Page { total: page.total, offset: page.offset, rows })
}
