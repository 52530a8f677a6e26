//! Who may read what: default deny, decided once, where data leaves the ledger.

use adit_core::event::{Event, Fact};
use adit_core::hazard::HazardEvent;
use adit_core::id::{StreamId, StreamKind};
use adit_core::ledger::log::OpenError;
use adit_core::office::Office;
use adit_core::role::Role;

/// The reader, as the ledger knows them now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    pub roles: Vec<Role>,
    /// The enterprise that an enterprise account acts for.
    pub acts_for: Option<StreamId>,
}

/// Officers who work on hazards.
const FIELD: [Role; 6] =
    [Role::Clerk, Role::Inspector, Role::Handler, Role::Approver, Role::Investigator, Role::Leader];
/// Officers who work on reports.
const REPORTS: [Role; 5] = [Role::Clerk, Role::Inspector, Role::Handler, Role::Approver, Role::Investigator];
/// Those who see what rewards are.
const REWARDS: [Role; 4] = [Role::Handler, Role::Approver, Role::Finance, Role::Investigator];

impl Reader {
    fn any(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }

    fn is_enterprise_only(&self) -> bool {
        self.roles.contains(&Role::Enterprise) && !self.any(&FIELD)
    }

    /// Whether the bodies of a stream of this kind may be read at all. Enterprise accounts never learn that a report
    /// exists; auditors and administrators read entries only; finance does not learn the case.
    pub fn may_read(&self, kind: StreamKind) -> bool {
        match kind {
            StreamKind::Hazard | StreamKind::Enterprise => {
                self.any(&FIELD) || self.roles.contains(&Role::Enterprise)
            }
            StreamKind::Inspection => self.any(&FIELD),
            StreamKind::Report => self.any(&REPORTS),
            StreamKind::Reward => self.any(&[Role::Handler, Role::Approver, Role::Investigator]),
            StreamKind::Actor | StreamKind::Rules | StreamKind::Ledger => !self.roles.is_empty(),
        }
    }

    /// Whether this one stream may be read: an enterprise sees its own hazards, and itself.
    pub fn may_read_stream(&self, office: &Office, stream: &StreamId) -> Result<bool, OpenError> {
        if !self.may_read(stream.kind) {
            return Ok(false);
        }
        if !self.is_enterprise_only() {
            return Ok(true);
        }
        let own = match stream.kind {
            StreamKind::Enterprise => Some(*stream),
            StreamKind::Hazard => office.ledger().stream(stream)?.first().and_then(enterprise_of),
            StreamKind::Actor | StreamKind::Rules | StreamKind::Ledger => return Ok(true),
            StreamKind::Inspection | StreamKind::Report | StreamKind::Reward => None,
        };
        Ok(own.is_some() && own == self.acts_for)
    }

    /// Whether a read model may be asked for.
    pub fn may_project(&self, name: &str) -> bool {
        match name {
            "register" | "five_in_place" | "relief" => {
                self.any(&FIELD) || self.roles.contains(&Role::Enterprise)
            }
            "repeat_offenders" => self.any(&FIELD),
            "deadlines" | "timeline" => self.any(&REPORTS),
            "rewards" => self.any(&REWARDS),
            _ => false,
        }
    }

    /// Leaves of a row only what this reader may see; none when it is not theirs at all.
    pub fn redact(
        &self,
        name: &str,
        mut row: serde_json::Value,
        own: &[StreamId],
    ) -> Option<serde_json::Value> {
        if self.is_enterprise_only() {
            let hazard =
                row.get("hazard").and_then(|id| id.as_str()).and_then(|id| id.parse::<StreamId>().ok());
            hazard.filter(|hazard| own.contains(hazard))?;
        }
        if name == "rewards" && !self.any(&[Role::Handler, Role::Approver, Role::Investigator]) {
            // Finance pays without learning which case it is.
            let fields = row.as_object_mut()?;
            for field in ["report", "matter", "reasons", "because"] {
                fields.remove(field);
            }
        }
        Some(row)
    }
}

fn enterprise_of(fact: &Fact) -> Option<StreamId> {
    if let Event::Hazard(HazardEvent::Reported(report)) = &fact.event {
        Some(report.enterprise)
    } else {
        None
    }
}
