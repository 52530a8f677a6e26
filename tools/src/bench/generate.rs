//! `adit bench generate`: a ledger of lawful histories. Every entry is decided by the rules that hold for everybody; the seed
//! says what happens to whom and when. Ids and keys are fresh each time.

mod reports;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use adit_api::keystore::Keystore;
use adit_core::command::Command;
use adit_core::enterprise::{
    ChangeHolder, EnterpriseCommand, Grade, LogSelfInspection, RecordAccident, Register, Risk,
};
use adit_core::hazard::{
    Acknowledge, Assign, Because, DecideRelief, ElementOnly, ElementText, Empty, Escalate, HazardCommand,
    List, Origin, Penalise, Plan, Publish, Published, RecordOverdue, Report, Review, Serve, Step, Verify,
};
use adit_core::id::StreamId;
use adit_core::inspection::{InspectionCommand, NothingFound, Perform, RecordFinding};
use adit_core::ledger::clock::SetClock;
use adit_core::ledger::home::Home;
use adit_core::office::{Answer, ExecuteError};
use adit_core::role::Role;
use adit_core::rules::Rules;
use adit_core::rules::catalogues::check_item;
use adit_core::rules::closure::Licence;
use adit_core::rules::criteria::{self, Criterion};
use adit_core::rules::five_in_place::Element;
use adit_core::rules::place::NATIONAL;
use adit_core::rules::reward::Sector;
use adit_core::units::{Day, Fen};
use anyhow::{Context, Result, bail};
use reports::{Stage, Told};
use serde_json::{Value, json};

use crate::demo::cast::{Cast, text};
use crate::init::{Person, create};

#[derive(clap::Args)]
pub(super) struct Generate {
    /// Folder of the new ledger
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    hazards: u64,
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    enterprises: u64,
    #[arg(long, default_value_t = 500)]
    reports: u64,
    /// Years over which they are spread, from 2023 on
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3))]
    years: u64,
    #[arg(long, default_value_t = 128)]
    writers: usize,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

const FIRST_YEAR: i32 = 2023;
const TOWNS: u64 = 24;
const PLACES: &[&str] =
    &["一号巷道", "三号采场", "尾矿库坝体", "提升机房", "熔炼车间", "喷涂车间", "配电室", "危化品库"];
const FOUND: &[&str] = &[
    "顶板离层未支护",
    "通风系统不完善，风量不足",
    "安全出口被堵塞",
    "排水设施不能正常运行",
    "可燃气体报警装置失效",
    "吊运熔融金属的起重机不符合要求",
    "有限空间作业未审批",
    "特种作业人员无证上岗",
];

/// Draws the same from the same names, whatever is drawn between.
struct Dice(u64);

impl Dice {
    fn of(seed: u64, what: &str, number: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        hasher.update(what.as_bytes());
        hasher.update(&number.to_le_bytes());
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        Self(u64::from_le_bytes(first))
    }

    /// A number below `many`.
    fn below(&mut self, many: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % many.max(1)
    }

    fn percent(&mut self, of_hundred: u64) -> bool {
        self.below(100) < of_hundred
    }

    fn days(&mut self, from: u64, to: u64) -> i64 {
        i64::try_from(from + self.below(to - from + 1)).unwrap_or(1)
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let many = u64::try_from(of.len()).unwrap_or(1);
        &of[usize::try_from(self.below(many)).unwrap_or(0)]
    }
}

/// What is done next to a hazard, an enterprise or a report.
#[derive(Clone, Copy)]
enum Task {
    /// A hazard is entered.
    Enter(u64),
    Verify(u64),
    Assign(u64),
    /// Its day has passed: the log records it, an officer writes a letter.
    Miss(u64),
    Mend(u64),
    Review(u64),
    Close(u64),
    Reopen(u64),
    /// An enterprise looks for hazards itself.
    Look(u64),
    /// Two inspectors find nothing.
    Visit(u64),
    Change(u64),
    Accident(u64),
    Report(Stage, u64),
}

/// A hazard on its way.
#[derive(Clone)]
struct Hazard {
    stream: StreamId,
    enterprise: usize,
    origin: Origin,
    major: bool,
    due: Day,
    missed: bool,
    reviews: u32,
    reopened: bool,
}

/// What is on its way, by its number.
struct Shelf<T>(Vec<Mutex<Option<T>>>);

impl<T: Clone> Shelf<T> {
    fn of(many: u64) -> Self {
        Self((0..many).map(|_| Mutex::new(None)).collect())
    }

    /// None while nothing was kept under that number.
    fn get(&self, number: u64) -> Result<Option<T>> {
        let at = usize::try_from(number)?;
        Ok(self.0[at].lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn keep(&self, number: u64, one: T) -> Result<()> {
        let at = usize::try_from(number)?;
        *self.0[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(one);
        Ok(())
    }
}

struct World {
    cast: Cast,
    seed: u64,
    enterprises: Vec<(StreamId, Person)>,
    rules: Rules,
    items: Vec<&'static Criterion>,
    hazards: Shelf<Hazard>,
    reports: Shelf<Told>,
    later: Mutex<BTreeMap<Day, Vec<Task>>>,
    last: Day,
    decisions: AtomicU64,
}

pub(super) fn run(args: &Generate) -> Result<Value> {
    let begun = Instant::now();
    let first = Day::new(FIRST_YEAR, 1, 2).context("the first day")?;
    let clock = Arc::new(SetClock::at(first.start().plus_seconds(9 * 3600)));
    let (office, admins) = create(&args.data, super::ORIGIN, NATIONAL, None, clock.clone())?;
    let cast = Cast::enrol(office, clock, admins)?;
    let enterprises = enter_enterprises(args, &cast)?;
    let span = 365 * args.years;
    let last = first.plus_days(i64::try_from(span).unwrap_or(365));
    let items = criteria::all().iter().filter(|item| item.is_selectable());
    let world = World {
        cast,
        seed: args.seed,
        enterprises,
        rules: Rules::builtin()?,
        items: items.collect(),
        hazards: Shelf::of(args.hazards),
        reports: Shelf::of(args.reports),
        later: Mutex::new(plan(args, first, span)),
        last,
        decisions: AtomicU64::new(0),
    };
    live(&world, first, args.writers.max(1))?;
    let keystore = Keystore::at(&Home::beside(&args.data).actors());
    world.cast.lock_officers_away(&keystore, super::PASSWORD)?;
    let (_, manager) = world.of_enterprise(0)?;
    keystore.enrol(manager.actor, Some(super::ENTERPRISE), &manager.key, super::PASSWORD)?;
    let size = world.cast.office.ledger().size();
    let took = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
    let rate = size as f64 / took;
    Ok(json!({
        "events": size,
        "hazards": args.hazards,
        "enterprises": args.enterprises,
        "reports": args.reports,
        "seed": args.seed,
        "seconds": took,
        "events_per_s": rate,
    }))
}

/// When each hazard is entered, each enterprise looks, and so on; what follows is planned as it happens.
fn plan(args: &Generate, first: Day, span: u64) -> BTreeMap<Day, Vec<Task>> {
    let mut days: BTreeMap<Day, Vec<Task>> = BTreeMap::new();
    let mut on = |day: u64, task: Task| {
        days.entry(first.plus_days(i64::try_from(day).unwrap_or(0))).or_default().push(task);
    };
    for hazard in 0..args.hazards {
        on(Dice::of(args.seed, "entered", hazard).below(span.saturating_sub(1)), Task::Enter(hazard));
    }
    for report in 0..args.reports {
        let day = Dice::of(args.seed, "reported", report).below(span.saturating_sub(1));
        on(day, Task::Report(Stage::Report, report));
    }
    for enterprise in 0..args.enterprises {
        let mut dice = Dice::of(args.seed, "enterprise", enterprise);
        for quarter in 0..(span / 91) {
            if dice.percent(60) {
                on(quarter * 91 + dice.below(91), Task::Look(enterprise));
            }
        }
        if dice.percent(40) {
            on(dice.below(span), Task::Visit(enterprise));
        }
        if dice.percent(5) {
            on(dice.below(span), Task::Change(enterprise));
        }
        if dice.percent(1) {
            on(dice.below(span), Task::Accident(enterprise));
        }
    }
    days
}

fn enter_enterprises(args: &Generate, cast: &Cast) -> Result<Vec<(StreamId, Person)>> {
    let (next, entered) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
    let enter = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= args.enterprises {
                return Ok(());
            }
            let one = enter_enterprise(args, cast, number)?;
            entered.lock().unwrap_or_else(PoisonError::into_inner).insert(number, one);
        }
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..args.writers.max(1)).map(|_| scope.spawn(enter)).collect();
        writers.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| bail!("a writer ended")))
    })?;
    Ok(entered.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect())
}

fn enter_enterprise(args: &Generate, cast: &Cast, number: u64) -> Result<(StreamId, Person)> {
    let mut dice = Dice::of(args.seed, "registered", number);
    let sector = *dice.one(&[Sector::Mine, Sector::Industry, Sector::Industry, Sector::Chemical]);
    let group = dice.below(args.enterprises / 4 + 1);
    let register = Register {
        name: text(&format!("生成企业{number:05}"))?,
        credit_code: None,
        sector,
        metal_smelting: sector == Sector::Industry && dice.percent(10),
        town: text(&format!("生成乡镇{:02}", dice.below(TOWNS)))?,
        licence: Licence::Full,
        producing: true,
        controller: Some(text(&format!("生成控股{group:05}"))?),
        parent: dice.percent(30).then(|| text(&format!("生成集团{:04}", group / 8))).transpose()?,
    };
    let command = Command::Enterprise(EnterpriseCommand::Register(register));
    let stream = cast.act_on(None, command, &["clerk"])?.stream;
    let risk = Some(*dice.one(&Risk::ALL));
    let grade = Grade { risk, standardisation: None };
    cast.act_on(Some(stream), Command::Enterprise(EnterpriseCommand::Grade(grade)), &["approver"])?;
    let account = cast.enrol_apart(&format!("account-{number}"), Role::Enterprise, Some(stream))?;
    Ok((stream, account))
}

/// Day after day to the last, the tasks of each by whichever writer is free. Writers stay, as those of a server do.
fn live(world: &World, first: Day, writers: usize) -> Result<()> {
    let (tasks, next) = (RwLock::new(Vec::new()), AtomicUsize::new(0));
    let (over, failed) = (AtomicBool::new(false), Mutex::new(None));
    let (begin, end) = (Barrier::new(writers + 1), Barrier::new(writers + 1));
    let write = || {
        loop {
            begin.wait();
            if over.load(Ordering::Relaxed) {
                return;
            }
            let tasks: RwLockReadGuard<'_, Vec<Task>> = tasks.read().unwrap_or_else(PoisonError::into_inner);
            while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(error) = world.perform(*task) {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    next.store(tasks.len(), Ordering::Relaxed);
                }
            }
            drop(tasks);
            end.wait();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(write);
        }
        let mut day = first;
        while day <= world.last && failed.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            let mut later = world.later.lock().unwrap_or_else(PoisonError::into_inner);
            *tasks.write().unwrap_or_else(PoisonError::into_inner) = later.remove(&day).unwrap_or_default();
            drop(later);
            next.store(0, Ordering::Relaxed);
            world.cast.at(day);
            begin.wait();
            end.wait();
            if day.parts().2 == 1 {
                world.cast.office.ledger().publish_now();
            }
            day = day.plus_days(1);
        }
        over.store(true, Ordering::Relaxed);
        begin.wait();
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

const INSPECTORS: &[&str] = &["inspector-1", "inspector-2"];

impl World {
    fn today(&self) -> Day {
        self.cast.today()
    }

    fn then(&self, days: i64, task: Task) {
        let day = self.today().plus_days(days.max(1));
        if day <= self.last {
            let mut later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
            later.entry(day).or_default().push(task);
        }
    }

    /// An item of a catalogue that held on that day.
    fn item(&self, dice: &mut Dice, found_on: Day) -> String {
        let held = |item: &&&Criterion| check_item(&self.rules, item, found_on).is_ok();
        let held: Vec<&str> = self.items.iter().filter(held).map(|item| item.code).collect();
        (*dice.one(&held)).to_owned()
    }

    fn hazard(&self, number: u64) -> Result<Hazard> {
        self.hazards.get(number)?.context("a hazard that was not entered")
    }

    fn on(&self, hazard: &Hazard, command: HazardCommand, who: &[&str]) -> Result<Answer> {
        self.cast.act_on(Some(hazard.stream), Command::Hazard(command), who)
    }

    /// A command that the enterprise signs.
    fn own(&self, hazard: &Hazard, command: HazardCommand) -> Result<Answer> {
        let (_, manager) = &self.enterprises[hazard.enterprise];
        self.cast.sign(Some(hazard.stream), Command::Hazard(command), &[&manager.key])
    }

    fn perform(&self, task: Task) -> Result<()> {
        match task {
            Task::Enter(number) => self.enter(number),
            Task::Verify(number) => self.verify(number),
            Task::Assign(number) => self.assign(number),
            Task::Miss(number) => self.miss(number),
            Task::Mend(number) => self.mend(number),
            Task::Review(number) => self.review(number),
            Task::Close(number) => self.close(number),
            Task::Reopen(number) => self.reopen(number),
            Task::Look(enterprise) => self.look(enterprise),
            Task::Visit(enterprise) => self.visit(enterprise),
            Task::Change(enterprise) => self.change(enterprise),
            Task::Accident(enterprise) => self.accident(enterprise),
            Task::Report(stage, report) => self.perform_on_report(stage, report),
        }
    }

    fn enter(&self, number: u64) -> Result<()> {
        let mut dice = Dice::of(self.seed, "hazard", number);
        let many = u64::try_from(self.enterprises.len())?;
        let enterprise = usize::try_from(dice.below(many))?;
        let stream = self.enterprises[enterprise].0;
        let major = dice.percent(5);
        let criterion = major.then(|| self.item(&mut dice, self.today()));
        let place = *dice.one(PLACES);
        let place = text(place)?;
        let description = text(&format!("{}（{number}）", *dice.one(FOUND)))?;
        let found_on = self.today();
        let origin = match dice.below(100) {
            0..75 => Origin::SelfInspection,
            75..88 => Origin::Inspection,
            _ => Origin::MonitoringAlert,
        };
        let report = |criterion| Report {
            enterprise: stream,
            origin,
            inspection: None,
            place: place.clone(),
            description: description.clone(),
            found_on,
            criterion,
            files: Vec::new(),
        };
        let hazard = match origin {
            Origin::SelfInspection => {
                let command = Command::Hazard(HazardCommand::Report(report(criterion)));
                self.cast.sign(None, command, &[&self.enterprises[enterprise].1.key])?.stream
            }
            Origin::Inspection => {
                let perform = Perform {
                    enterprise: stream,
                    day: found_on,
                    checked: text("现场检查")?,
                    files: Vec::new(),
                };
                let command = Command::Inspection(InspectionCommand::Perform(perform));
                let visit = self.cast.act_on(None, command, INSPECTORS)?.stream;
                let finding = RecordFinding { place, description, found_on, criterion, files: Vec::new() };
                let command = Command::Inspection(InspectionCommand::RecordFinding(finding));
                let answer = self.cast.act_on(Some(visit), command, INSPECTORS)?;
                let position = *answer.positions.last().context("a finding opens a hazard")?;
                let stored = self.cast.office.ledger().stored(position)?;
                stored.context("the hazard of a finding")?.stream
            }
            Origin::MonitoringAlert | Origin::Accident | Origin::EarlierRegister => {
                let command = Command::Hazard(HazardCommand::Report(report(criterion)));
                self.cast.act_on(None, command, &["clerk"])?.stream
            }
        };
        let due = found_on;
        let hazard = Hazard {
            stream: hazard,
            enterprise,
            origin,
            major,
            due,
            missed: false,
            reviews: 0,
            reopened: false,
        };
        self.hazards.keep(number, hazard)?;
        self.then(dice.days(1, 4), Task::Verify(number));
        Ok(())
    }

    fn verify(&self, number: u64) -> Result<()> {
        let mut dice = Dice::of(self.seed, "verified", number);
        let hazard = self.hazard(number)?;
        if !hazard.major && dice.percent(2) {
            let because = Because { because: text("现场核实，不构成隐患")? };
            self.on(&hazard, HazardCommand::Dismiss(because), INSPECTORS)?;
            return Ok(());
        }
        // Nothing is due before it is assigned: the day of the finding stands there.
        let criterion = hazard.major.then(|| self.item(&mut dice, hazard.due));
        let verify = Verify { criterion, because: text("现场核实")? };
        self.on(&hazard, HazardCommand::Verify(verify), INSPECTORS)?;
        self.then(dice.days(1, 3), Task::Assign(number));
        Ok(())
    }

    fn assign(&self, number: u64) -> Result<()> {
        let round = u64::from(self.hazard(number)?.reopened);
        let mut dice = Dice::of(self.seed, "assigned", number * 2 + round);
        let mut hazard = self.hazard(number)?;
        if hazard.major {
            let serve = Serve { principal: true, controller: dice.percent(50) };
            self.on(&hazard, HazardCommand::Serve(serve), &["handler"])?;
            self.own(&hazard, HazardCommand::Acknowledge(Acknowledge::both()))?;
        }
        let days = dice.days(10, 60);
        hazard.due = self.today().plus_days(days);
        let assign = Assign { responsible_post: text("主要负责人")?, due: hazard.due };
        self.on(&hazard, HazardCommand::Assign(assign), &["handler"])?;
        if hazard.major && !hazard.reopened && dice.percent(10) {
            let list = List {
                authority: text("市安委办")?,
                place: None,
                decided_on: None,
                because: text("整改难度大")?,
            };
            self.on(&hazard, HazardCommand::List(list), &["approver"])?;
        }
        // Most are mended in time; some are late, and a few never.
        match dice.below(100) {
            0..90 => self.then(dice.days(2, u64::try_from(days)?), Task::Mend(number)),
            90..98 => {
                self.then(days + 1, Task::Miss(number));
                self.then(days + dice.days(5, 40), Task::Mend(number));
            }
            _ => self.then(days + 1, Task::Miss(number)),
        }
        self.hazards.keep(number, hazard)
    }

    fn miss(&self, number: u64) -> Result<()> {
        let mut hazard = self.hazard(number)?;
        let clock = "rectify".to_owned();
        let command = Command::Hazard(HazardCommand::RecordOverdue(RecordOverdue { clock }));
        self.cast.sign(Some(hazard.stream), command, &[])?;
        if !hazard.missed {
            let letter = Escalate { step: Step::Letter, because: text("逾期未整改")? };
            self.on(&hazard, HazardCommand::Escalate(letter), &["handler"])?;
        }
        hazard.missed = true;
        self.hazards.keep(number, hazard)
    }

    fn mend(&self, number: u64) -> Result<()> {
        let mut dice = Dice::of(self.seed, "mended", number);
        let hazard = self.hazard(number)?;
        if hazard.major && hazard.reviews == 0 {
            let part = |what: &str| text(what);
            let plan = Plan {
                aim: part("消除隐患")?,
                responsibility: part("矿长负责")?,
                measures: part("支护加固")?,
                funds: part("二十万元")?,
                time_limit: part("到期前完成")?,
                emergency_plan: part("停产撤人")?,
            };
            self.own(&hazard, HazardCommand::Plan(plan))?;
            for element in Element::ALL {
                let shown = ElementText { element, text: text("见附件")? };
                self.own(&hazard, HazardCommand::Evidence(shown.into()))?;
            }
        }
        self.own(&hazard, HazardCommand::Rectify(Because { because: text("已整改")? }.into()))?;
        self.then(dice.days(1, 8), Task::Review(number));
        Ok(())
    }

    fn review(&self, number: u64) -> Result<()> {
        let mut hazard = self.hazard(number)?;
        let mut dice = Dice::of(self.seed, "reviewed", number * 8 + u64::from(hazard.reviews));
        let passed = hazard.reviews > 0 || dice.percent(95);
        let days = dice.days(5, 20);
        let due = (!passed).then(|| self.today().plus_days(days));
        let review = Review { passed, findings: text("现场复核")?, due, files: Vec::new() };
        self.on(&hazard, HazardCommand::Review(review), INSPECTORS)?;
        hazard.reviews += 1;
        let next = if passed { Task::Close(number) } else { Task::Mend(number) };
        let until = u64::try_from(days)?;
        self.then(if passed { dice.days(1, 4) } else { dice.days(1, until) }, next);
        self.hazards.keep(number, hazard)
    }

    fn close(&self, number: u64) -> Result<()> {
        let mut dice = Dice::of(self.seed, "closed", number);
        let hazard = self.hazard(number)?;
        if hazard.major {
            for element in Element::ALL {
                self.on(&hazard, HazardCommand::Confirm(ElementOnly { element }), INSPECTORS)?;
            }
        }
        if hazard.major && !hazard.reopened {
            self.answer(number, &hazard, &mut dice)?;
        }
        self.on(&hazard, HazardCommand::Close(Empty {}), &["approver"])?;
        if !hazard.reopened && dice.percent(2) {
            self.then(dice.days(10, 200), Task::Reopen(number));
        }
        Ok(())
    }

    /// A penalty, or the decision on relief where the enterprise had reported it itself.
    fn answer(&self, number: u64, hazard: &Hazard, dice: &mut Dice) -> Result<()> {
        if hazard.origin == Origin::SelfInspection {
            let decide = DecideRelief { otherwise: None, person: None, rectification_refused: false };
            match self.on(hazard, HazardCommand::DecideRelief(decide), &["approver"]) {
                Ok(_) => {}
                // Where no source decides, nobody does so here.
                Err(error) if refused(&error) == Some("hazard.person_decides") => {}
                Err(error) => return Err(error),
            }
        } else if dice.percent(85) {
            let decision = self.decisions.fetch_add(1, Ordering::Relaxed);
            let decision = text(&format!("应急罚〔{}〕{decision}号（{number}）", self.today().year()))?;
            let penalise = Penalise {
                decision: decision.clone(),
                decided_on: self.today(),
                unit_fine_yuan: Fen(i64::try_from(10_000 + dice.below(40_000))? * 100),
                person_fines_yuan: if dice.percent(50) { vec![Fen(2_000_000)] } else { Vec::new() },
                article: text("安全生产法第一百零二条")?,
            };
            self.on(hazard, HazardCommand::Penalise(penalise), &["approver"])?;
            let published = Published::Penalty { decision };
            let publish = Publish { published, place: text("县政府网站")? };
            self.on(hazard, HazardCommand::Publish(publish), &["handler"])?;
        }
        Ok(())
    }

    fn reopen(&self, number: u64) -> Result<()> {
        let mut hazard = self.hazard(number)?;
        self.on(&hazard, HazardCommand::Reopen(Because { because: text("再次出现")? }), &["approver"])?;
        (hazard.reopened, hazard.missed, hazard.reviews) = (true, true, 0);
        self.hazards.keep(number, hazard)?;
        self.then(2, Task::Assign(number));
        Ok(())
    }

    fn of_enterprise(&self, number: u64) -> Result<&(StreamId, Person)> {
        self.enterprises.get(usize::try_from(number)?).context("an enterprise that was not entered")
    }

    fn look(&self, number: u64) -> Result<()> {
        let (stream, manager) = self.of_enterprise(number)?;
        let log = LogSelfInspection {
            enterprise: *stream,
            inspected_on: self.today(),
            led_by_principal: Dice::of(self.seed, "led", number).percent(90),
            hazards: Vec::new(),
        };
        let command = Command::Enterprise(EnterpriseCommand::LogSelfInspection(log));
        self.cast.sign(Some(*stream), command, &[&manager.key])?;
        Ok(())
    }

    fn visit(&self, number: u64) -> Result<()> {
        let (stream, _) = self.of_enterprise(number)?;
        let perform =
            Perform {
                enterprise: *stream, day: self.today(), checked: text("例行检查")?, files: Vec::new()
            };
        let command = Command::Inspection(InspectionCommand::Perform(perform));
        let visit = self.cast.act_on(None, command, INSPECTORS)?.stream;
        let nothing = InspectionCommand::NothingFound(NothingFound { checked: text("未发现隐患")? });
        self.cast.act_on(Some(visit), Command::Inspection(nothing), INSPECTORS)?;
        Ok(())
    }

    fn change(&self, number: u64) -> Result<()> {
        let (stream, _) = self.of_enterprise(number)?;
        let change = ChangeHolder { holder: Some(text(&format!("接手控股{:05}", number / 3))?) };
        let command = Command::Enterprise(EnterpriseCommand::ChangeController(change));
        self.cast.act_on(Some(*stream), command, &["clerk"])?;
        Ok(())
    }

    fn accident(&self, number: u64) -> Result<()> {
        let (stream, _) = self.of_enterprise(number)?;
        let accident = RecordAccident {
            day: self.today(),
            deaths: u32::try_from(Dice::of(self.seed, "deaths", number).below(2))?,
            seriously_injured: 1,
            direct_loss_yuan: Fen::ZERO,
            description: text("生成事故")?,
        };
        let command = Command::Enterprise(EnterpriseCommand::RecordAccident(accident));
        self.cast.act_on(Some(*stream), command, &["inspector-1"])?;
        Ok(())
    }
}

/// The code of a refusal.
fn refused(error: &anyhow::Error) -> Option<&str> {
    match error.downcast_ref::<ExecuteError>() {
        Some(ExecuteError::Refused(refusal)) => Some(refusal.code.as_str()),
        Some(_) | None => None,
    }
}
