//! The roll of enterprises, as far as tables show them: name, town, sector.

use adit_core::enterprise::EnterpriseEvent;
use adit_core::event::Fact;
use adit_core::id::{StreamId, StreamKind};
use adit_core::rules::reward::Sector;
use serde::{Deserialize, Serialize};

use crate::compact::{Key, Table, Words};

/// Each read model that shows names folds its own roll: none looks into another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Roll {
    firms: Table<Key, Option<Firm>>,
    towns: Words,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Firm {
    name: Box<str>,
    town: u32,
    sector: Sector,
}

impl Roll {
    /// The number of an enterprise, also of one that is not registered yet.
    pub(crate) fn number(&mut self, enterprise: &StreamId) -> u32 {
        self.firms.row(Key::of(enterprise), || None)
    }

    pub(crate) fn apply(&mut self, fact: &Fact, event: &EnterpriseEvent) {
        match event {
            EnterpriseEvent::Registered(register) => {
                let town = self.towns.number(register.town.as_str());
                let firm = Firm { name: register.name.as_str().into(), town, sector: register.sector };
                self.firms.put(Key::of(&fact.stream), Some(firm));
            }
            EnterpriseEvent::LicenceChanged(_)
            | EnterpriseEvent::ControllerChanged(_)
            | EnterpriseEvent::ParentChanged(_)
            | EnterpriseEvent::PrincipalChanged(_)
            | EnterpriseEvent::Graded(_)
            | EnterpriseEvent::AccidentRecorded(_)
            | EnterpriseEvent::SelfInspectionLogged(_)
            | EnterpriseEvent::ChannelOpened(_)
            | EnterpriseEvent::ChannelClosed(_)
            | EnterpriseEvent::ResumptionAccepted(_)
            | EnterpriseEvent::ClosurePetitioned(_)
            | EnterpriseEvent::Closed(_) => {}
        }
    }

    pub(crate) fn stream(&self, number: u32) -> StreamId {
        let key = self.firms.at(number).map(|(key, _)| *key);
        key.map_or(StreamId::new(StreamKind::Enterprise, adit_core::id::Id::default()), |key| {
            key.stream(StreamKind::Enterprise)
        })
    }

    fn firm(&self, number: u32) -> Option<&Firm> {
        self.firms.at(number).and_then(|(_, firm)| firm.as_ref())
    }

    /// How many enterprises there are.
    pub(crate) fn len(&self) -> usize {
        self.firms.len() as usize
    }

    /// The number of an enterprise that was named before.
    pub(crate) fn find(&self, enterprise: &StreamId) -> Option<u32> {
        self.firms.find(&Key::of(enterprise))
    }

    /// Empty for an enterprise that is not registered.
    pub(crate) fn name(&self, number: u32) -> &str {
        self.firm(number).map_or("", |firm| &firm.name)
    }

    pub(crate) fn town(&self, number: u32) -> &str {
        self.firm(number).map_or("", |firm| self.towns.text(firm.town))
    }

    /// Which enterprises are in this town and sector and have these words in their names; none where nothing is asked.
    pub(crate) fn asked(
        &self,
        town: Option<&str>,
        sector: Option<Sector>,
        words: Option<&str>,
    ) -> Option<Vec<bool>> {
        if town.is_none() && sector.is_none() && words.is_none() {
            return None;
        }
        let fits = |firm: &Firm| {
            town.is_none_or(|town| town == self.towns.text(firm.town))
                && sector.is_none_or(|sector| sector == firm.sector)
                && words.is_none_or(|words| firm.name.contains(words))
        };
        Some(self.firms.iter().map(|(_, firm)| firm.as_ref().is_some_and(fits)).collect())
    }

    pub(crate) fn sector(&self, number: u32) -> Option<Sector> {
        self.firm(number).map(|firm| firm.sector)
    }
}
