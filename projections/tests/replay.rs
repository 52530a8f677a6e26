//! Any split of a lawful history folds to the same state, and a snapshot is nothing but a shortcut.
#![allow(clippy::expect_used, reason = "a test reports by panicking")]

use std::sync::Arc;

use adit_core::actor::{ActorCommand, Enrol, RoleOfKey};
use adit_core::command::{Command, Request};
use adit_core::event::Fact;
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::clock::SetClock;
use adit_core::ledger::keyring::actor_key_name;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::memory::Memory;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::Office;
use adit_core::opening::{LedgerCommand, Open};
use adit_core::role::Role;
use adit_core::rules::Rules;
use adit_core::units::{Day, Position};
use adit_projections::{NAMES, ProjectionError, Projections};
use proptest::prelude::*;
use serde_json::{Value, json};

const ORIGIN: &str = "test.example/ledger";

fn today() -> Day {
    "2024-05-10".parse().expect("day")
}

/// A bureau in which one key holds every role and a second one inspects too.
struct Bureau {
    office: Office,
    keys: Vec<SigningKey>,
    clock: Arc<SetClock>,
}

impl Bureau {
    fn new() -> Self {
        let clock = Arc::new(SetClock::at(today().start().plus_seconds(3600)));
        let log = SigningKey::from_seed(ORIGIN, &[1; 32]).expect("key");
        let dynamic = Arc::clone(&clock) as Arc<dyn adit_core::ledger::clock::Clock>;
        let ledger = Ledger::over(Arc::new(Memory::default()), dynamic, log.clone()).expect("ledger");
        let office = Office::open(ledger).expect("office");
        let key = || {
            let actor = ActorId(Id::random().expect("randomness"));
            (actor, SigningKey::generate(&actor_key_name(ORIGIN, actor)).expect("key"))
        };
        let admins = [key().1, key().1];
        let open =
            Open { log: log.vkey(), admins: admins.iter().map(SigningKey::vkey).collect(), succeeds: None };
        let mut bureau = Self { office, keys: Vec::new(), clock };
        bureau.run(None, Command::Ledger(LedgerCommand::Open(open)), &[]);
        for _ in 0..2 {
            let (actor, own) = key();
            let stream = Some(StreamId::new(StreamKind::Actor, actor.0));
            let title = adit_core::text::Text::new("officer").expect("text");
            let enrol = Enrol { key: own.vkey(), title, acts_for: None, recipient: None };
            let both = [&admins[0], &admins[1]];
            bureau.run(stream, Command::Actor(ActorCommand::Enrol(enrol)), &both);
            for role in [Role::Clerk, Role::Inspector, Role::Handler, Role::Approver] {
                let grant = RoleOfKey { role, key: own.vkey() };
                bureau.run(stream, Command::Actor(ActorCommand::Grant(grant)), &both);
            }
            bureau.keys.push(own);
        }
        bureau
    }

    /// Carries out a command; what a rule refuses leaves no trace.
    fn run(&self, stream: Option<StreamId>, command: Command, keys: &[&SigningKey]) -> Option<StreamId> {
        let request = Request { id: CommandId(Id::random().expect("randomness")), stream, command };
        self.office.execute(&request, keys).ok().map(|answer| answer.stream)
    }

    fn play(&self, kind: StreamKind, stream: Option<StreamId>, name: &str, data: &Value) -> Option<StreamId> {
        let text = json!({ "type": name, "data": data }).to_string();
        let command = Command::from_json(kind, &text).expect("command");
        self.run(stream, command, &self.keys.iter().collect::<Vec<_>>())
    }
}

/// A random history: each number picks a command and a hazard; the deciders keep it lawful.
fn history(choices: &[(u8, u8)]) -> Vec<Fact> {
    let bureau = Bureau::new();
    let register =
        json!({ "name": "甲矿", "sector": "mine", "town": "某镇", "licence": "full", "producing": true });
    let enterprise =
        bureau.play(StreamKind::Enterprise, None, "enterprise.register", &register).expect("registered");
    let mut hazards: Vec<StreamId> = Vec::new();
    let because = json!({ "because": "理由" });
    for (choice, which) in choices {
        bureau.clock.advance_seconds(3600);
        let hazard = hazards.get(usize::from(*which) % hazards.len().max(1)).copied();
        let on = |name: &str, data: &Value| {
            hazard.and_then(|hazard| bureau.play(StreamKind::Hazard, Some(hazard), name, data));
        };
        match choice % 10 {
            0 | 1 => {
                let report = json!({ "enterprise": enterprise, "origin": "monitoring_alert", "place": "井下",
                    "description": "隐患", "found_on": "2024-05-10" });
                hazards.extend(bureau.play(StreamKind::Hazard, None, "hazard.report", &report));
            }
            2 => on("hazard.verify", &json!({ "criterion": "NCM88-一(地下矿山)-十九", "because": "现场" })),
            3 => on("hazard.assign", &json!({ "responsible_post": "矿长", "due": "2024-12-31" })),
            4 => on("hazard.list", &json!({ "authority": "市安委办", "because": "理由" })),
            5 => on("hazard.delist", &because),
            6 => on("hazard.extend", &json!({ "until": "2025-02-01", "because": "理由" })),
            7 => on("hazard.suspend_production", &because),
            8 => on(
                "hazard.penalise",
                &json!({ "decision": "决定", "decided_on": "2024-05-10", "unit_fine_yuan": "40000", "article": "102" }),
            ),
            _ => on("hazard.dismiss", &because),
        }
    }
    bureau.office.ledger().facts(Position(0)).map(|fact| fact.expect("fact")).collect()
}

fn fold(facts: &[Fact]) -> Projections {
    let mut state = Projections::default();
    for fact in facts {
        state.apply(fact).expect("in order");
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_split_of_a_lawful_history_folds_to_the_same_state(
        choices in proptest::collection::vec(any::<(u8, u8)>(), 1..40),
        split in any::<proptest::sample::Index>(),
    ) {
        let facts = history(&choices);
        let whole = fold(&facts);
        let (before, after) = facts.split_at(split.index(facts.len() + 1));
        let snapshot = fold(before).snapshot().expect("snapshot");
        let mut restarted = Projections::restore(&snapshot).expect("restored");
        for fact in after {
            restarted.apply(fact).expect("in order");
        }
        prop_assert_eq!(&restarted, &whole);
        let rules = Rules::builtin().expect("packs");
        for name in NAMES {
            prop_assert_eq!(
                restarted.rows(name, &rules, today()).expect("rows"),
                whole.rows(name, &rules, today()).expect("rows")
            );
        }
    }
}

#[test]
fn a_fact_that_is_not_the_next_one_is_refused() {
    let facts = history(&[(0, 0), (2, 0)]);
    let mut state = fold(&facts[..3]);
    assert!(matches!(state.apply(&facts[2]), Err(ProjectionError::OutOfOrder { .. })));
    assert!(matches!(state.apply(&facts[4]), Err(ProjectionError::OutOfOrder { .. })));
    assert!(state.apply(&facts[3]).is_ok());
}

#[test]
fn a_damaged_snapshot_is_refused_and_not_believed() {
    let snapshot = fold(&history(&[(0, 0), (2, 0), (3, 0)])).snapshot().expect("snapshot");
    assert!(Projections::restore(&snapshot).is_ok());
    for at in (0..snapshot.len()).step_by(5) {
        let mut flipped = snapshot.clone();
        flipped[at] ^= 1;
        assert!(Projections::restore(&flipped).is_err(), "byte {at}");
    }
    assert!(Projections::restore(&snapshot[..snapshot.len() - 1]).is_err());
    assert!(Projections::restore(&[]).is_err());
}
