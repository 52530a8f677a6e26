//! A small world whose events come from the real deciders, so that every history in these tests is a lawful one.
#![allow(clippy::needless_pass_by_value, reason = "a story reads better without references")]
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;

use adit_core::decider::{Decider, Moment, Recorded, Rejection, StreamEvent};
use adit_core::enterprise::{self, EnterpriseCommand, EnterpriseDecider, Register};
use adit_core::event::{Fact, InUnion};
use adit_core::hazard::{
    self, Assign, Because, ElementOnly, ElementText, Empty, HazardCommand, HazardDecider, Origin, Penalise,
    Report, Review, Verify,
};
use adit_core::id::{ActorId, Id, StreamId, StreamKind};
use adit_core::inquiry::{self, InquiryCommand, InquiryDecider};
use adit_core::inspection::{self, InspectionCommand, InspectionDecider};
use adit_core::ledger::vkey::{SigningKey, VKey, hex};
use adit_core::report::{self, ReportCommand, ReportDecider};
use adit_core::reward::{self, RewardCommand, RewardDecider};
use adit_core::role::{Party, Role};
use adit_core::rulebook::{RulesCommand, RulesDecider, SetRewardBudget};
use adit_core::rules::closure::Licence;
use adit_core::rules::five_in_place::{Element, Stage};
use adit_core::rules::reward::{Matter, Sector};
use adit_core::rules::{PACKS, Rules};
use adit_core::text::Text;
use adit_core::units::{Day, Position, Revision, Timestamp};
use adit_projections::{Filter, Page, Projections, Viewer};
use serde_json::Value;

/// Two items of the official criteria.
pub(crate) const CRITERIA: [&str; 2] = ["NCM88-一(地下矿山)-一", "NCM88-一(地下矿山)-二"];

pub(crate) fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).expect("text")
}

pub(crate) fn day(text: &str) -> Day {
    text.parse().expect("day")
}

pub(crate) fn stream(kind: StreamKind, number: u8) -> StreamId {
    StreamId::new(kind, Id([number; 16]))
}

pub(crate) fn firm(number: u8) -> StreamId {
    stream(StreamKind::Enterprise, number)
}

pub(crate) fn pit(number: u8) -> StreamId {
    stream(StreamKind::Hazard, number)
}

/// The key that claims the reward of report `number`.
pub(crate) fn claim_key(number: u8) -> VKey {
    let name = format!("test.example/ledger/{}", stream(StreamKind::Reward, number));
    SigningKey::from_seed(&name, &[number.wrapping_add(1); 32]).expect("key").vkey()
}

fn actor(number: u8, role: Role) -> Party {
    Party::Actor { actor: ActorId(Id([number; 16])), roles: vec![role] }
}

pub(crate) fn officer(role: Role) -> Vec<Party> {
    let number = Role::ALL.iter().zip(100..).find(|(one, _)| **one == role).map_or(0, |(_, number)| number);
    vec![actor(number, role)]
}

pub(crate) fn inspectors() -> Vec<Party> {
    vec![actor(91, Role::Inspector), actor(92, Role::Inspector)]
}

pub(crate) struct Log {
    pub(crate) facts: Vec<Fact>,
    revisions: BTreeMap<StreamId, u64>,
    pub(crate) now: Timestamp,
    pub(crate) rules: Rules,
}

impl Log {
    /// Lets the decider decide, and records what follows.
    fn take<D: Decider>(
        &mut self,
        states: &mut BTreeMap<StreamId, D::State>,
        stream: StreamId,
        command: &D::Command,
        facts: &D::Facts,
        by: &[Party],
    ) -> Result<(), &'static str>
    where
        D::Event: InUnion,
    {
        let moment = Moment { now: self.now, rules: &self.rules, by };
        let mut state = states.get(&stream).cloned().unwrap_or_default();
        let events = D::decide(&state, command, facts, &moment).map_err(|refusal| refusal.code())?;
        for event in events {
            let revision = self.revisions.entry(stream).or_default();
            let recorded = Recorded {
                position: Position(self.facts.len() as u64),
                stream,
                revision: Revision(*revision),
                at: self.now,
                by: by.iter().filter_map(Party::actor).collect(),
            };
            *revision += 1;
            state = D::evolve(state, &event, &recorded);
            self.facts.push(Fact {
                position: recorded.position,
                stream,
                revision: recorded.revision,
                day: recorded.at.day(),
                at: recorded.at,
                by: recorded.by,
                lines: event.lines(),
                event: event.into_event(),
            });
        }
        states.insert(stream, state);
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) log: Log,
    pub(crate) hazards: BTreeMap<StreamId, hazard::State>,
    pub(crate) enterprises: BTreeMap<StreamId, enterprise::State>,
    pub(crate) inspections: BTreeMap<StreamId, inspection::State>,
    pub(crate) reports: BTreeMap<StreamId, report::State>,
    pub(crate) rewards: BTreeMap<StreamId, reward::State>,
    pub(crate) inquiries: BTreeMap<StreamId, inquiry::State>,
    pub(crate) rulebooks: BTreeMap<StreamId, adit_core::rulebook::Adopted>,
}

impl World {
    pub(crate) fn on(first: &str) -> Self {
        // All packs adopted, so that every clock runs.
        let adopted: Vec<_> = PACKS.iter().map(|pack| (pack.id.to_owned(), pack.hash())).collect();
        let rules = Rules::with_adopted(&adopted).expect("packs");
        let now = day(first).start().plus_seconds(9 * 3600);
        Self {
            log: Log { facts: Vec::new(), revisions: BTreeMap::new(), now, rules },
            hazards: BTreeMap::new(),
            enterprises: BTreeMap::new(),
            inspections: BTreeMap::new(),
            reports: BTreeMap::new(),
            rewards: BTreeMap::new(),
            inquiries: BTreeMap::new(),
            rulebooks: BTreeMap::new(),
        }
    }

    pub(crate) fn today(&self) -> Day {
        self.log.now.day()
    }

    pub(crate) fn later(&mut self, days: i64) -> &mut Self {
        self.log.now = self.log.now.plus_seconds(days * 86_400);
        self
    }

    pub(crate) fn try_hazard(
        &mut self,
        number: u8,
        command: &HazardCommand,
        by: &[Party],
    ) -> Result<(), &'static str> {
        let stream = pit(number);
        let own = self.hazards.get(&stream).and_then(|state| state.report.as_ref()).map(|r| r.enterprise);
        let new = if let HazardCommand::Report(report) = command { Some(report.enterprise) } else { None };
        let with_finding =
            matches!(command, HazardCommand::Report(report) if report.origin == Origin::Inspection);
        let facts = hazard::Facts {
            acts_for: own.or(new),
            with_finding,
            enterprise_stands: new.is_some_and(|enterprise| self.stands(enterprise)),
            other: self.other(number, command),
            ..hazard::Facts::default()
        };
        self.log.take::<HazardDecider>(&mut self.hazards, stream, command, &facts, by)
    }

    fn stands(&self, enterprise: StreamId) -> bool {
        self.enterprises.get(&enterprise).is_some_and(|state| state.status != enterprise::Status::Closed)
    }

    /// The hazard that a merger names, unless it is the hazard itself.
    fn other(&self, number: u8, command: &HazardCommand) -> Option<hazard::Other> {
        let HazardCommand::Merge(merge) = command else { return None };
        let other = self.hazards.get(&merge.into).filter(|_| merge.into != pit(number))?;
        let enterprise = other.report.as_ref()?.enterprise;
        Some(hazard::Other { enterprise, open: other.is_open() })
    }

    pub(crate) fn hazard(&mut self, number: u8, command: HazardCommand, by: &[Party]) -> &mut Self {
        self.try_hazard(number, &command, by).expect("lawful");
        self
    }

    pub(crate) fn try_enterprise(
        &mut self,
        number: u8,
        command: &EnterpriseCommand,
        by: &[Party],
    ) -> Result<(), &'static str> {
        let facts = enterprise::Facts { acts_for: Some(firm(number)), ..enterprise::Facts::default() };
        self.log.take::<EnterpriseDecider>(&mut self.enterprises, firm(number), command, &facts, by)
    }

    pub(crate) fn enterprise(&mut self, number: u8, command: EnterpriseCommand, by: &[Party]) -> &mut Self {
        self.try_enterprise(number, &command, by).expect("lawful");
        self
    }

    pub(crate) fn try_inspection(
        &mut self,
        number: u8,
        command: &InspectionCommand,
    ) -> Result<(), &'static str> {
        let stream = stream(StreamKind::Inspection, number);
        let facts = inspection::Facts { hazard: Some(pit(number)), enterprise_stands: true };
        self.log.take::<InspectionDecider>(&mut self.inspections, stream, command, &facts, &inspectors())
    }

    /// A visit of two inspectors to an enterprise.
    pub(crate) fn visit(&mut self, number: u8, enterprise: u8, what: &[InspectionCommand]) -> &mut Self {
        let perform = inspection::Perform {
            enterprise: firm(enterprise),
            day: self.today(),
            checked: text("井下"),
            files: Vec::new(),
        };
        for command in std::iter::once(&InspectionCommand::Perform(perform)).chain(what) {
            self.try_inspection(number, command).expect("lawful");
        }
        self
    }

    /// A visit that finds hazard `number`.
    pub(crate) fn found_by_visit(
        &mut self,
        number: u8,
        enterprise: u8,
        criterion: Option<&str>,
    ) -> &mut Self {
        let finding = inspection::RecordFinding {
            place: text("三号巷道"),
            description: text("顶板离层"),
            found_on: self.today(),
            criterion: criterion.map(str::to_owned),
            files: Vec::new(),
        };
        self.visit(number, enterprise, &[InspectionCommand::RecordFinding(finding)]);
        let today = self.today();
        let mut report = found(firm(enterprise), Origin::Inspection, today);
        if let HazardCommand::Report(report) = &mut report {
            report.criterion = criterion.map(str::to_owned);
        }
        self.hazard(number, report, &inspectors())
    }

    pub(crate) fn inquiry(&mut self, number: u8, command: InquiryCommand, by: &[Party]) -> &mut Self {
        let stream = stream(StreamKind::Inquiry, number);
        let facts = inquiry::Facts { hazards_stand: true, size: self.log.facts.len() as u64 };
        self.log.take::<InquiryDecider>(&mut self.inquiries, stream, &command, &facts, by).expect("lawful");
        self
    }

    pub(crate) fn budget(&mut self, year: i32, amount: &str) -> &mut Self {
        let amount_yuan = amount.parse().expect("money");
        let budget = SetRewardBudget { year, amount_yuan, decision: text("示例财政文件") };
        let stream = stream(StreamKind::Rules, 1);
        let (command, by) = (RulesCommand::SetRewardBudget(budget), officer(Role::Approver));
        self.log.take::<RulesDecider>(&mut self.rulebooks, stream, &command, &(), &by).expect("lawful");
        self
    }

    pub(crate) fn try_report(
        &mut self,
        number: u8,
        command: &ReportCommand,
        by: &[Party],
    ) -> Result<(), &'static str> {
        let stream = stream(StreamKind::Report, number);
        self.log.take::<ReportDecider>(&mut self.reports, stream, command, &report::Facts::default(), by)
    }

    pub(crate) fn report(&mut self, number: u8, command: ReportCommand, by: &[Party]) -> &mut Self {
        self.try_report(number, &command, by).expect("lawful");
        self
    }

    /// Rewards rest on the report of the same number.
    pub(crate) fn try_reward(
        &mut self,
        number: u8,
        command: &RewardCommand,
        by: &[Party],
    ) -> Result<(), &'static str> {
        let on = stream(StreamKind::Report, number);
        let reported_at = self.log.facts.iter().find(|fact| fact.stream == on).map(|fact| fact.position);
        let own = self.reports.get(&on).and_then(|state| {
            let finding = state.verified.as_ref()?.finding;
            Some(reward::Candidate {
                report: on,
                reported_at: reported_at?,
                status: state.status,
                finding,
                denied: false,
            })
        });
        let reported = self.reports.get(&on).and_then(|state| {
            let report = state.report.as_ref()?;
            Some(reward::Reported {
                matter: report.matter,
                insider: report.insider,
                on: self.log.now.day(),
                verified: state.verified.clone(),
                handled: state.handled.clone(),
                claim_keys: state.claim_keys.clone(),
                found_before: None,
            })
        });
        let facts = reward::Facts {
            report: reported,
            matter_rewarded: false,
            claim_keys_now: self.reports.get(&on).map(|state| state.claim_keys.clone()).unwrap_or_default(),
            same_matter: own.into_iter().collect(),
        };
        let stream = stream(StreamKind::Reward, number);
        self.log.take::<RewardDecider>(&mut self.rewards, stream, command, &facts, by)
    }

    pub(crate) fn reward(&mut self, number: u8, command: RewardCommand, by: &[Party]) -> &mut Self {
        self.try_reward(number, &command, by).expect("lawful");
        self
    }

    pub(crate) fn fold(&self) -> Projections {
        fold(&self.log.facts)
    }

    /// The rows of a model, now, for a viewer.
    pub(crate) fn ask(&self, model: &str, filter: &Filter, viewer: Viewer) -> Page<Value> {
        self.fold().query(model, filter, viewer, &self.log.rules, self.today()).expect("rows")
    }

    pub(crate) fn rows(&self, model: &str) -> Vec<Value> {
        self.fold().rows(model, &self.log.rules, self.today()).expect("rows")
    }
}

/// What happened, one event a line: what a failing property prints.
impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for fact in &self.log.facts {
            writeln!(f, "{} {} {} {}", fact.position, fact.day, fact.stream, fact.event.kind())?;
        }
        Ok(())
    }
}

pub(crate) fn fold(facts: &[Fact]) -> Projections {
    let mut state = Projections::default();
    for fact in facts {
        state.apply(fact).expect("in order");
    }
    state
}

pub(crate) fn register(name: &str, town: &str, controller: Option<&str>) -> EnterpriseCommand {
    EnterpriseCommand::Register(Register {
        metal_smelting: false,
        name: text(name),
        credit_code: None,
        sector: Sector::Mine,
        town: text(town),
        licence: Licence::Full,
        producing: true,
        controller: controller.map(text),
        parent: Some(text("示例集团")),
    })
}

pub(crate) fn found(enterprise: StreamId, origin: Origin, on: Day) -> HazardCommand {
    HazardCommand::Report(Report {
        enterprise,
        origin,
        inspection: None,
        place: text("三号巷道"),
        description: text("顶板离层"),
        found_on: on,
        criterion: Some(CRITERIA[0].to_owned()),
        files: Vec::new(),
    })
}

pub(crate) fn verify(criterion: Option<&str>) -> HazardCommand {
    HazardCommand::Verify(Verify { criterion: criterion.map(str::to_owned), because: text("现场核实") })
}

pub(crate) fn because() -> Because {
    Because { because: text("理由") }
}

pub(crate) fn assign(due: Day) -> HazardCommand {
    HazardCommand::Assign(Assign { responsible_post: text("矿长"), due })
}

pub(crate) fn element(element: Element) -> ElementText {
    ElementText { element, text: text("见附件") }
}

pub(crate) fn penalise(number: u8, on: Day) -> HazardCommand {
    HazardCommand::Penalise(Penalise {
        decision: text(&format!("应急罚〔2024〕{number}号")),
        decided_on: on,
        unit_fine_yuan: "40000".parse().expect("money"),
        person_fines_yuan: vec!["10000".parse().expect("money")],
        article: text("第102条"),
    })
}

/// A report by telephone whose claim key is that of the same number.
pub(crate) fn telephone(number: u8) -> ReportCommand {
    ReportCommand::Report(report::Report {
        matter: Matter::MajorHazard,
        channel: report::Channel::Telephone,
        key: None,
        claim_key: Some(text(&hex(claim_key(number).key()))),
        insider: false,
        testimony: None,
        files: Vec::new(),
        recipient: None,
        excluded: Vec::new(),
        pickup: None,
    })
}

/// Something sealed, by its hash alone.
pub(crate) fn blob() -> report::Blob {
    report::Blob::new(&"0".repeat(64), 5, &["age1x".to_owned()]).expect("blob")
}

/// A word of a reporter, or of the office.
pub(crate) fn word() -> report::Sealed {
    report::Sealed { sealed: blob(), files: Vec::new() }
}

/// A report that its reporter wrote, with the key of the same number.
pub(crate) fn written(number: u8) -> ReportCommand {
    let ReportCommand::Report(report) = telephone(number) else { return telephone(number) };
    ReportCommand::Report(report::Report {
        channel: report::Channel::Web,
        key: Some(claim_key(number)),
        testimony: Some(blob()),
        ..report
    })
}

impl World {
    /// Reported by its enterprise, verified as major, and assigned for thirty days.
    pub(crate) fn assigned(&mut self, number: u8, enterprise: u8, criterion: &str) -> &mut Self {
        let today = self.today();
        self.hazard(
            number,
            found(firm(enterprise), Origin::SelfInspection, today),
            &officer(Role::Enterprise),
        );
        self.hazard(number, verify(Some(criterion)), &inspectors());
        self.hazard(number, assign(today.plus_days(20)), &officer(Role::Handler))
    }

    /// Whatever of the five is not confirmed yet is committed to, evidenced and confirmed.
    pub(crate) fn five(&mut self, number: u8) -> &mut Self {
        for one in Element::ALL {
            let stage = self.hazards.get(&pit(number)).map(|state| state.stage(one)).unwrap_or_default();
            if stage >= Stage::Confirmed {
                continue;
            }
            if stage < Stage::Evidenced {
                self.hazard(number, HazardCommand::Commit(element(one)), &officer(Role::Enterprise));
            }
            self.hazard(number, HazardCommand::Evidence(element(one).into()), &officer(Role::Enterprise));
            self.hazard(number, HazardCommand::Confirm(ElementOnly { element: one }), &inspectors());
        }
        self
    }

    pub(crate) fn closed(&mut self, number: u8) -> &mut Self {
        self.five(number);
        self.hazard(number, HazardCommand::Rectify(because().into()), &officer(Role::Enterprise));
        self.hazard(number, reviewed(true), &inspectors());
        self.hazard(number, HazardCommand::Close(Empty {}), &officer(Role::Approver))
    }

    /// Reported by telephone, accepted, verified, handled with a fine.
    pub(crate) fn handled(&mut self, number: u8, unit_fine: &str) -> &mut Self {
        self.report(number, telephone(number), &officer(Role::Clerk));
        self.report(number, ReportCommand::Accept(report::Empty {}), &officer(Role::Clerk));
        self.report(number, substantiated(number), &inspectors());
        self.report(number, fined(unit_fine), &officer(Role::Handler))
    }
}

pub(crate) fn reviewed(passed: bool) -> HazardCommand {
    HazardCommand::Review(Review { passed, findings: text("复核意见"), due: None, files: Vec::new() })
}

pub(crate) fn substantiated(number: u8) -> ReportCommand {
    ReportCommand::Verify(report::Verify {
        finding: report::Finding::Substantiated,
        matter_key: text(&format!("matter-{number}")),
        deaths_verified: 0,
        level: None,
        findings: text("属实"),
    })
}

pub(crate) fn fined(unit_fine: &str) -> ReportCommand {
    ReportCommand::Handle(report::Handle {
        done: text("已立案"),
        unit_fine_yuan: unit_fine.parse().expect("money"),
        person_fines_yuan: Vec::new(),
    })
}

pub(crate) fn assess(number: u8) -> reward::Assess {
    reward::Assess {
        report: stream(StreamKind::Report, number),
        place: text("national"),
        sector: Sector::Industry,
        accident_grade: None,
        otherwise: None,
        excluded: None,
        no_fine_tier: None,
    }
}

pub(crate) fn claimant(number: u8) -> Vec<Party> {
    vec![Party::Reporter { key: claim_key(number).to_string() }]
}
