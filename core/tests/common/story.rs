//! A stream on a day, told command by command, for tests that read as the specification.
#![allow(dead_code, reason = "each test file uses its own part")]

use adit_core::decider::{Decider, Moment, Recorded, Rejection};
use adit_core::hazard::{self, HazardDecider, Other};
use adit_core::id::{ActorId, Id, StreamId, StreamKind};
use adit_core::role::{Party, Role};
use adit_core::rules::five_in_place::Element;
use adit_core::rules::{PACKS, Rules};
use adit_core::units::{Position, Revision};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::day;

pub(crate) const ITEM: &str = "NCM88-一(地下矿山)-十九";

pub(crate) fn stream(kind: StreamKind, n: u8) -> StreamId {
    StreamId::new(kind, Id([n; 16]))
}

pub(crate) fn mine() -> StreamId {
    stream(StreamKind::Enterprise, 1)
}

pub(crate) fn actor(n: u8) -> ActorId {
    ActorId(Id([n; 16]))
}

pub(crate) fn party(n: u8, roles: &[Role]) -> Party {
    Party::Actor { actor: actor(n), roles: roles.to_vec() }
}

pub(crate) fn inspectors() -> Vec<Party> {
    vec![party(1, &[Role::Inspector]), party(2, &[Role::Inspector])]
}

pub(crate) fn one(n: u8, role: Role) -> Vec<Party> {
    vec![party(n, &[role])]
}

pub(crate) fn manager() -> Vec<Party> {
    one(21, Role::Enterprise)
}

pub(crate) fn approver() -> Vec<Party> {
    one(11, Role::Approver)
}

pub(crate) fn handler() -> Vec<Party> {
    one(41, Role::Handler)
}

pub(crate) fn rules() -> Rules {
    let adopted: Vec<_> = PACKS.iter().map(|pack| (pack.id.to_owned(), pack.hash())).collect();
    Rules::with_adopted(&adopted).expect("packs")
}

/// A stream on a day, with what happened in it.
pub(crate) struct Story<D: Decider> {
    pub(crate) state: D::State,
    pub(crate) facts: D::Facts,
    pub(crate) today: &'static str,
    pub(crate) rules: Rules,
    pub(crate) events: Vec<D::Event>,
}

impl<D: Decider> Story<D>
where
    D::Command: DeserializeOwned,
{
    pub(crate) fn of(facts: D::Facts) -> Self {
        Self { state: D::State::default(), facts, today: "2024-05-10", rules: rules(), events: Vec::new() }
    }

    pub(crate) fn on(mut self, today: &'static str) -> Self {
        self.today = today;
        self
    }

    pub(crate) fn ask(&self, by: &[Party], kind: &str, data: &Value) -> Result<Vec<D::Event>, &'static str> {
        let command = serde_json::from_value(json!({ "type": kind, "data": data })).expect("a command");
        let now = day(self.today).start().plus_seconds(3600);
        let moment = Moment { now, rules: &self.rules, by };
        D::decide(&self.state, &command, &self.facts, &moment).map_err(|refusal| refusal.code())
    }

    pub(crate) fn refuses(&self, by: &[Party], kind: &str, data: &Value, code: &str) {
        assert_eq!(self.ask(by, kind, data).err(), Some(code), "{kind} {data}");
    }

    pub(crate) fn attempt(&mut self, by: &[Party], kind: &str, data: &Value) -> Result<(), &'static str> {
        for event in self.ask(by, kind, data)? {
            let n = self.events.len() as u64;
            let recorded = Recorded {
                position: Position(n),
                stream: stream(StreamKind::Hazard, 9),
                revision: Revision(n),
                at: day(self.today).start().plus_seconds(3600),
                by: by.iter().filter_map(Party::actor).collect(),
            };
            self.state = D::evolve(std::mem::take(&mut self.state), &event, &recorded);
            self.events.push(event);
        }
        Ok(())
    }

    pub(crate) fn then(mut self, by: &[Party], kind: &str, data: &Value) -> Self {
        if let Err(code) = self.attempt(by, kind, data) {
            panic!("{kind} was refused: {code}");
        }
        self
    }
}

pub(crate) type Hazard = Story<HazardDecider>;

pub(crate) fn because() -> Value {
    json!({ "because": "理由" })
}

pub(crate) fn element(element: Element) -> Value {
    json!({ "element": element, "text": "说明" })
}

pub(crate) fn only(element: Element) -> Value {
    json!({ "element": element })
}

pub(crate) fn passed_it() -> Value {
    json!({ "passed": true, "findings": "通过" })
}

pub(crate) fn fine(decision: &str) -> Value {
    json!({ "decision": decision, "decided_on": "2024-05-10", "unit_fine_yuan": "40000", "article": "102" })
}

pub(crate) fn merge() -> Value {
    json!({ "into": stream(StreamKind::Hazard, 7), "because": "同一隐患" })
}

pub(crate) fn word() -> Value {
    json!({ "enterprise": mine(), "origin": "self_inspection", "place": "三号巷道", "description": "未支护",
        "found_on": "2024-05-09" })
}

pub(crate) fn nothing_yet() -> Hazard {
    Story::of(hazard::Facts {
        acts_for: Some(mine()),
        enterprise_stands: true,
        other: Some(Other { enterprise: mine(), open: true }),
        ..Default::default()
    })
}

pub(crate) fn reported() -> Hazard {
    nothing_yet().then(&manager(), "hazard.report", &word())
}

pub(crate) fn verified() -> Hazard {
    reported().then(&inspectors(), "hazard.verify", &json!({ "criterion": ITEM, "because": "现场" }))
}

pub(crate) fn assigned() -> Hazard {
    verified().then(&handler(), "hazard.assign", &json!({ "responsible_post": "矿长", "due": "2024-06-30" }))
}

pub(crate) fn evidenced() -> Hazard {
    Element::ALL.into_iter().fold(assigned(), |story, one| {
        story.then(&manager(), "hazard.commit", &element(one)).then(
            &manager(),
            "hazard.evidence",
            &element(one),
        )
    })
}

pub(crate) fn rectified() -> Hazard {
    evidenced().then(&manager(), "hazard.rectify", &because())
}

pub(crate) fn confirmed() -> Hazard {
    let passed = rectified().then(&inspectors(), "hazard.review", &passed_it());
    Element::ALL
        .into_iter()
        .fold(passed, |story, one| story.then(&inspectors(), "hazard.confirm", &only(one)))
}

pub(crate) fn closed() -> Hazard {
    confirmed().then(&approver(), "hazard.close", &json!({}))
}
