//! A small bureau over a ledger, for tests that go the whole way from a command to the log.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod joint;
pub(crate) mod story;

use std::collections::BTreeMap;
use std::sync::Arc;

use adit_core::actor::{ActorCommand, Enrol, RoleOfKey};
use adit_core::command::{Command, Request};
use adit_core::enterprise::{EnterpriseCommand, Register};
use adit_core::hazard::{HazardCommand, Origin, Report};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::clock::{Clock, SetClock};
use adit_core::ledger::keyring::actor_key_name;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::memory::Memory;
use adit_core::ledger::store::Store;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::{Answer, ExecuteError, Office};
use adit_core::opening::{LedgerCommand, Open};
use adit_core::role::Role;
use adit_core::rules::closure::Licence;
use adit_core::rules::reward::Sector;
use adit_core::text::Text;
use adit_core::units::Day;

pub(crate) const ORIGIN: &str = "test.example/ledger";

pub(crate) fn id() -> Id {
    Id::random().expect("randomness")
}

pub(crate) fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).expect("text")
}

/// What a body says of sealed words; nobody opens them here.
pub(crate) fn sealed_words() -> adit_core::report::Blob {
    let recipients = vec![text("age1test")];
    adit_core::report::Blob { blob: text(&"0a".repeat(32)), size: 4384, recipients }
}

pub(crate) fn day(text: &str) -> Day {
    text.parse().expect("day")
}

pub(crate) struct Bureau {
    pub(crate) office: Arc<Office>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) keys: BTreeMap<&'static str, SigningKey>,
}

impl Bureau {
    pub(crate) fn in_memory() -> Self {
        Self::over(Arc::new(Memory::default()))
    }

    pub(crate) fn over(store: Arc<dyn Store>) -> Self {
        Self::over_on(store, "2024-05-10")
    }

    pub(crate) fn in_memory_on(opened: &str) -> Self {
        Self::over_on(Arc::new(Memory::default()), opened)
    }

    fn over_on(store: Arc<dyn Store>, opened: &str) -> Self {
        let clock = Arc::new(SetClock::at(day(opened).start().plus_seconds(9 * 3600)));
        let log = SigningKey::from_seed(ORIGIN, &[1; 32]).expect("key");
        let dynamic: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        Self::with(Ledger::over(store, dynamic, log).expect("ledger"), clock)
    }

    pub(crate) fn with(ledger: Ledger, clock: Arc<SetClock>) -> Self {
        let office = Arc::new(Office::open(ledger).expect("office"));
        let mut bureau = Self { office, clock, keys: BTreeMap::new() };
        for admin in ["admin-1", "admin-2"] {
            bureau.keys.insert(admin, bureau.new_key(ActorId(id())));
        }
        let open = Open {
            log: bureau.office.ledger().log_key().vkey(),
            admins: vec![bureau.keys["admin-1"].vkey(), bureau.keys["admin-2"].vkey()],
            succeeds: None,
            place: None,
        };
        bureau.run(None, Command::Ledger(LedgerCommand::Open(open)), &[]).expect("opened");
        for (name, role) in [
            ("clerk", Role::Clerk),
            ("inspector-1", Role::Inspector),
            ("inspector-2", Role::Inspector),
            ("handler", Role::Handler),
            ("approver", Role::Approver),
            ("finance", Role::Finance),
        ] {
            bureau.enrol(name, role, None);
        }
        bureau
    }

    fn new_key(&self, actor: ActorId) -> SigningKey {
        SigningKey::generate(&actor_key_name(self.office.ledger().origin(), actor)).expect("key")
    }

    pub(crate) fn enrol(&mut self, name: &'static str, role: Role, acts_for: Option<StreamId>) -> StreamId {
        self.enrolled(name, role, acts_for, None)
    }

    /// An officer to whom can be sealed.
    pub(crate) fn enrol_reader(&mut self, name: &'static str, role: Role, age: Option<String>) {
        self.enrolled(name, role, None, age);
    }

    pub(crate) fn actor(&self, name: &str) -> ActorId {
        self.office.ledger().keys().actor_of(&self.keys[name].vkey()).expect("an actor")
    }

    fn enrolled(
        &mut self,
        name: &'static str,
        role: Role,
        acts_for: Option<StreamId>,
        recipient: Option<String>,
    ) -> StreamId {
        let actor = ActorId(id());
        let stream = StreamId::new(StreamKind::Actor, actor.0);
        let key = self.new_key(actor);
        let vkey = key.vkey();
        let enrol = Enrol { key: vkey.clone(), title: text(name), acts_for, recipient };
        let admins = ["admin-1", "admin-2"];
        self.run(Some(stream), Command::Actor(ActorCommand::Enrol(enrol)), &admins).expect("enrolled");
        let grant = RoleOfKey { role, key: vkey };
        self.run(Some(stream), Command::Actor(ActorCommand::Grant(grant)), &admins).expect("granted");
        self.keys.insert(name, key);
        stream
    }

    pub(crate) fn run(
        &self,
        stream: Option<StreamId>,
        command: Command,
        who: &[&str],
    ) -> Result<Answer, ExecuteError> {
        self.request(&Request { id: CommandId(id()), stream, command }, who)
    }

    pub(crate) fn request(&self, request: &Request, who: &[&str]) -> Result<Answer, ExecuteError> {
        let keys: Vec<&SigningKey> = who.iter().map(|name| &self.keys[name]).collect();
        self.office.execute(request, &keys)
    }

    pub(crate) fn enterprise(&self, name: &str) -> StreamId {
        let register = Register {
            metal_smelting: false,
            name: text(name),
            credit_code: None,
            sector: Sector::Mine,
            town: text("示例镇"),
            licence: Licence::Full,
            producing: true,
            controller: None,
            parent: None,
        };
        let command = Command::Enterprise(EnterpriseCommand::Register(register));
        self.run(None, command, &["clerk"]).expect("registered").stream
    }

    #[expect(clippy::unused_self, reason = "reads as what the bureau enters")]
    pub(crate) fn hazard(&self, enterprise: StreamId) -> Request {
        let report = Report {
            enterprise,
            origin: Origin::MonitoringAlert,
            inspection: None,
            place: text("三号巷道"),
            description: text("顶板离层"),
            found_on: day("2024-05-10"),
            criterion: None,
            files: Vec::new(),
        };
        Request { id: CommandId(id()), stream: None, command: Command::Hazard(HazardCommand::Report(report)) }
    }
}

/// The refusal's code, or what else became of it.
pub(crate) fn code(result: Result<Answer, ExecuteError>) -> String {
    match result {
        Ok(_) => "done".into(),
        Err(ExecuteError::Refused(refusal)) => refusal.code,
        Err(error) => error.to_string(),
    }
}
