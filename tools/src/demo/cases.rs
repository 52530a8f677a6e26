//! The published cases, and how each is played.

use adit_core::command::Command;
use adit_core::enterprise::{EnterpriseCommand, Register};
use adit_core::hazard::{self, HazardCommand};
use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::inspection::{Enforce, InspectionCommand, Perform, RecordFinding};
use adit_core::ledger::vkey::hex;
use adit_core::report::{self, Channel, Finding, ReportCommand};
use adit_core::reward::{self, Assess, Otherwise, Pay, RewardCommand};
use adit_core::rules::accident::AccidentGrade;
use adit_core::rules::closure::Licence;
use adit_core::rules::reward::{Matter, Sector};
use adit_core::seal;
use adit_core::units::{Day, Fen};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::cast::{Cast, text};
use super::{Play, Step};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    case: Vec<Case>,
}

/// How a case began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Report,
    Inspection,
}

/// One published case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) enterprise: String,
    place: String,
    sector: Sector,
    #[serde(default)]
    metal_smelting: bool,
    kind: Kind,
    #[serde(default)]
    channel: Option<Channel>,
    #[serde(default)]
    matter: Option<Matter>,
    /// Which of the following days the source tells to the day.
    #[serde(default)]
    days: Vec<Dated>,
    begin: Day,
    #[serde(default)]
    penalty: Option<Day>,
    #[serde(default)]
    end: Option<Day>,
    finding: String,
    #[serde(default)]
    criteria: Vec<String>,
    #[serde(default)]
    deaths: u32,
    #[serde(default)]
    grade: Option<AccidentGrade>,
    #[serde(default)]
    unit_fine: Option<Fen>,
    #[serde(default)]
    person_fines: Vec<Fen>,
    #[serde(default)]
    listed_by: Option<String>,
    #[serde(default)]
    due: Option<Day>,
    /// What an officer decided where no rule, or no published fine, gives the amount.
    #[serde(default)]
    otherwise: Option<Fen>,
    #[serde(default)]
    otherwise_because: Option<String>,
    #[serde(default)]
    unclaimed: bool,
    #[serde(default)]
    pub(crate) published: Option<String>,
    pub(crate) agrees: String,
    pub(crate) note: String,
}

/// Reads the cases that ship.
pub(crate) fn read() -> Result<Vec<Case>> {
    let book: Book =
        toml::from_str(include_str!("../../data/cases.toml")).context("tools/data/cases.toml")?;
    Ok(book.case)
}

/// How much of a step its source tells. Who did it is never told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    /// That it happened, and on which day.
    Whole,
    /// That it happened; the day, or part of the content, is supplied.
    Partly,
    /// Nothing: the step is supplied for the demonstration.
    Not,
}

/// A day of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Dated {
    Begin,
    Penalty,
    End,
}

impl Case {
    /// A step that the source tells; its day only where the source has one.
    fn told(&self, day: Dated) -> Told {
        if self.days.contains(&day) { Told::Whole } else { Told::Partly }
    }
}

/// A step as it is shown.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) day: Day,
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
    pub(crate) told: Told,
}

struct CaseStep {
    shown: Shown,
    run: Play,
}

fn step(
    day: Day,
    (zh, en): (&'static str, &'static str),
    told: Told,
    run: impl FnOnce(&mut Cast) -> Result<()> + 'static,
) -> CaseStep {
    CaseStep { shown: Shown { day, zh, en, told }, run: Box::new(run) }
}

/// The steps of a case, in order.
pub(crate) fn steps(case: &Case) -> Vec<Step> {
    case_steps(case).into_iter().map(|step| Step { day: step.shown.day, run: step.run }).collect()
}

/// The steps of a case as they are shown, each with how much of it the source tells.
pub(crate) fn shown(case: &Case) -> Vec<Shown> {
    case_steps(case).into_iter().map(|step| step.shown).collect()
}

fn case_steps(case: &Case) -> Vec<CaseStep> {
    let registered = ("登记企业", "enterprise registered");
    let mut steps = vec![step(case.begin, registered, Told::Partly, enter(case.clone()))];
    match case.kind {
        Kind::Report => steps.extend(reported(case)),
        Kind::Inspection => steps.extend(inspected(case)),
    }
    steps
}

fn enter(case: Case) -> impl FnOnce(&mut Cast) -> Result<()> {
    move |cast| {
        let register = Register {
            name: text(&case.enterprise)?,
            credit_code: None,
            sector: case.sector,
            metal_smelting: case.metal_smelting,
            town: text(&case.place)?,
            licence: Licence::Full,
            producing: true,
            controller: None,
            parent: None,
        };
        let command = Command::Enterprise(EnterpriseCommand::Register(register));
        let answer = cast.act_on(None, command, &["clerk"])?;
        cast.name(&format!("{}/enterprise", case.id), answer.stream);
        Ok(())
    }
}

const INSPECTORS: [&str; 2] = ["inspector-1", "inspector-2"];

/// An inspection with its findings; each opens a hazard, which two inspectors verify.
fn inspect(cast: &mut Cast, case: &Case) -> Result<()> {
    let enterprise = cast.stream(&format!("{}/enterprise", case.id))?;
    let perform = Perform { enterprise, day: cast.today(), checked: text(&case.finding)?, files: Vec::new() };
    let command = Command::Inspection(InspectionCommand::Perform(perform));
    let inspection = cast.act_on(None, command, &INSPECTORS)?.stream;
    cast.name(&format!("{}/inspection", case.id), inspection);
    let general = [String::new()];
    let criteria = if case.criteria.is_empty() { &general[..] } else { &case.criteria };
    for (number, criterion) in criteria.iter().enumerate() {
        let criterion = (!criterion.is_empty()).then(|| criterion.clone());
        let finding = RecordFinding {
            place: text(&case.place)?,
            description: text(&case.finding)?,
            found_on: cast.today(),
            criterion: criterion.clone(),
            files: Vec::new(),
        };
        let command = Command::Inspection(InspectionCommand::RecordFinding(finding));
        let answer = cast.act_on(Some(inspection), command, &INSPECTORS)?;
        // The finding's second entry is the hazard that it opened.
        let opened = answer.positions.last().context("a finding has two entries")?;
        let hazard = cast.office.ledger().stored(*opened)?.context("the entry is there")?.stream;
        cast.name(&format!("{}/hazard/{number}", case.id), hazard);
        let verify = hazard::Verify { criterion, because: text(&case.source)? };
        cast.act_on(Some(hazard), Command::Hazard(HazardCommand::Verify(verify)), &INSPECTORS)?;
    }
    Ok(())
}

fn penalise(cast: &mut Cast, case: &Case) -> Result<()> {
    let Some(unit_fine_yuan) = case.unit_fine else {
        return Ok(());
    };
    let penalise = hazard::Penalise {
        decision: text(&format!("{}（来源未载文号）", case.id))?,
        decided_on: cast.today(),
        unit_fine_yuan,
        person_fines_yuan: case.person_fines.clone(),
        article: text("见来源")?,
    };
    cast.act(
        &format!("{}/hazard/0", case.id),
        Command::Hazard(HazardCommand::Penalise(penalise)),
        &["approver"],
    )?;
    Ok(())
}

fn inspected(case: &Case) -> Vec<CaseStep> {
    let inspection = case.clone();
    let found = ("检查发现、认定", "found by inspection, verified");
    let mut steps =
        vec![step(case.begin, found, case.told(Dated::Begin), move |cast| inspect(cast, &inspection))];
    let after = case.penalty.unwrap_or_else(|| case.begin.plus_days(1));
    let decided = case.clone();
    let measures = ("执法措施与处罚", "measures and penalty");
    steps.push(step(after, measures, case.told(Dated::Penalty), move |cast| {
        let enforce = Enforce { measure: text(&decided.note)?, article: text("见来源")? };
        let command = Command::Inspection(InspectionCommand::Enforce(enforce));
        cast.act(&format!("{}/inspection", decided.id), command, &INSPECTORS)?;
        penalise(cast, &decided)?;
        supervise(cast, &decided)
    }));
    steps
}

/// Listing for supervision with its day.
fn supervise(cast: &mut Cast, case: &Case) -> Result<()> {
    let (Some(authority), Some(due)) = (&case.listed_by, case.due) else {
        return Ok(());
    };
    let stream = format!("{}/hazard/0", case.id);
    let list = hazard::List {
        authority: text(authority)?,
        place: None,
        decided_on: None,
        because: text(&case.note)?,
    };
    cast.act(&stream, Command::Hazard(HazardCommand::List(list)), &["approver"])?;
    let assign = hazard::Assign { responsible_post: text("主要负责人")?, due };
    cast.act(&stream, Command::Hazard(HazardCommand::Assign(assign)), &["handler"])?;
    Ok(())
}

fn reported(case: &Case) -> Vec<CaseStep> {
    let end = case.end.unwrap_or_else(|| case.begin.plus_days(30));
    // What the source does not tell is supplied within the statutory times.
    let halfway = case.begin.plus_days(end.days_since(case.begin) / 2);
    let handled = case.penalty.unwrap_or_else(|| halfway.min(case.begin.plus_days(45)));
    let verified = handled.plus_days(-5).max(case.begin.plus_days(1));
    // The claim period runs from the notice, so the reward is worked out shortly before its published day.
    let assessed = end.plus_days(-10).max(handled);
    let take = |run: fn(&mut Cast, &Case) -> Result<()>, day: Day, words, told: Told| {
        let case = case.clone();
        step(day, words, told, move |cast| run(cast, &case))
    };
    let mut steps = vec![
        take(report, case.begin, ("举报", "reported"), case.told(Dated::Begin)),
        take(accept, case.begin.plus_days(1), ("受理", "accepted"), Told::Not),
        take(verify, verified, ("核查属实", "substantiated"), Told::Partly),
        take(handle, handled, ("处理", "handled"), case.told(Dated::Penalty)),
        take(answer, handled, ("答复", "answered"), Told::Not),
        take(assess, assessed, ("核算奖励", "reward assessed"), Told::Not),
    ];
    if case.unclaimed {
        steps.push(take(forfeit, end.plus_days(61), ("无人领取", "not claimed"), Told::Partly));
    } else if case.published.is_some() {
        steps.push(take(pay, end, ("领取、兑付", "claimed, paid"), case.told(Dated::End)));
    }
    steps.push(take(close, end, ("结案", "closed"), Told::Not));
    steps
}

/// The reporter signs with a key of their own; what came by telephone a clerk enters, and its reporter brings the one-time code on the
/// same day, unless the reward is never claimed.
fn report(cast: &mut Cast, case: &Case) -> Result<()> {
    let stream = StreamId::new(StreamKind::Report, Id::random()?);
    let origin = cast.office.ledger().origin().to_owned();
    let key = cast.key(&format!("{}/reporter", case.id), &format!("{origin}/{stream}"))?;
    let reward = StreamId::new(StreamKind::Reward, Id::random()?);
    let claim = cast.key(&format!("{}/claim", case.id), &format!("{origin}/{reward}"))?;
    cast.name(&format!("{}/reward", case.id), reward);
    cast.name(&format!("{}/report", case.id), stream);
    let channel = case.channel.unwrap_or(Channel::Web);
    let by_reporter = channel == Channel::Web;
    // The code is read out by nobody here, so any bytes stand for its slow hash.
    let (slow, code) = (Id::random()?.0.repeat(2), report::OneTimeCode::parse("0000 0000 0000 0000"));
    let slow: [u8; 32] = slow.try_into().unwrap_or_default();
    let pickup = code
        .filter(|_| !by_reporter)
        .and_then(|code| report::Pickup::new(&Id::random().ok()?.0, &code, &slow));
    let report = report::Report {
        matter: case.matter.unwrap_or(Matter::MajorHazard),
        channel,
        key: by_reporter.then(|| key.vkey()),
        claim_key: by_reporter.then(|| text(&hex(claim.vkey().key()))).transpose()?,
        insider: false,
        testimony: by_reporter.then(|| cast.seal(&case.finding)).transpose()?,
        files: Vec::new(),
        recipient: None,
        excluded: Vec::new(),
        pickup: pickup.clone(),
    };
    let command = Command::Report(ReportCommand::Report(report));
    if by_reporter {
        cast.sign(Some(stream), command, &[&key])?;
    } else {
        cast.act_on(Some(stream), command, &["clerk"])?;
    }
    if pickup.is_some() && !case.unclaimed {
        let pick_up = report::PickUp {
            key: key.vkey(),
            claim_key: text(&hex(claim.vkey().key()))?,
            recipient: text(&seal::Identity::from_bytes(&slow).recipient())?,
            proof: text(&hex(&slow))?,
            copies: Vec::new(),
        };
        let log = cast.office.ledger().log_key();
        cast.sign(Some(stream), Command::Report(ReportCommand::PickUp(pick_up)), &[&key, &log])?;
    }
    Ok(())
}

fn on_report(cast: &Cast, case: &Case, command: ReportCommand, who: &[&str]) -> Result<()> {
    cast.act(&format!("{}/report", case.id), Command::Report(command), who)?;
    Ok(())
}

fn accept(cast: &mut Cast, case: &Case) -> Result<()> {
    on_report(cast, case, ReportCommand::Accept(report::Empty {}), &["clerk"])
}

/// Verification goes through an inspection whose finding opens the hazard; nothing public ties the two.
fn verify(cast: &mut Cast, case: &Case) -> Result<()> {
    if case.matter != Some(Matter::ConcealedAccident) {
        inspect(cast, case)?;
    }
    let verify = report::Verify {
        finding: Finding::Substantiated,
        matter_key: text(&case.id)?,
        deaths_verified: case.deaths,
        level: None,
        findings: text(&case.finding)?,
    };
    on_report(cast, case, ReportCommand::Verify(verify), &INSPECTORS)
}

fn handle(cast: &mut Cast, case: &Case) -> Result<()> {
    if case.matter != Some(Matter::ConcealedAccident) {
        penalise(cast, case)?;
    }
    let handle = report::Handle {
        done: text(&case.note)?,
        unit_fine_yuan: case.unit_fine.unwrap_or_default(),
        person_fines_yuan: case.person_fines.clone(),
    };
    on_report(cast, case, ReportCommand::Handle(handle), &["handler"])
}

fn answer(cast: &mut Cast, case: &Case) -> Result<()> {
    on_report(cast, case, ReportCommand::Answer(report::Answer { sealed: None }), &["handler"])
}

fn close(cast: &mut Cast, case: &Case) -> Result<()> {
    on_report(cast, case, ReportCommand::Close(report::Empty {}), &["approver"])
}

fn on_reward(cast: &Cast, case: &Case, command: RewardCommand, who: &[&str]) -> Result<()> {
    cast.act(&format!("{}/reward", case.id), Command::Reward(command), who)?;
    Ok(())
}

/// Where the fine is not published the published amount is entered as the officer's, with that reason.
fn otherwise(case: &Case) -> Result<Option<Otherwise>> {
    if let (Some(amount_yuan), Some(because)) = (case.otherwise, &case.otherwise_because) {
        return Ok(Some(Otherwise { amount_yuan, because: text(because)? }));
    }
    let published = case.published.as_deref().filter(|_| case.agrees == "derived");
    let Some(published) = published else {
        return Ok(None);
    };
    Ok(Some(Otherwise {
        amount_yuan: published.parse()?,
        because: text("罚款未公布，按公布的奖励金额录入")?,
    }))
}

fn assess(cast: &mut Cast, case: &Case) -> Result<()> {
    let report = cast.stream(&format!("{}/report", case.id))?;
    let assess = Assess {
        report,
        place: text("national")?,
        sector: case.sector,
        accident_grade: case.grade,
        otherwise: otherwise(case)?,
        excluded: None,
        no_fine_tier: None,
    };
    on_reward(cast, case, RewardCommand::Assess(assess), &["handler"])?;
    if case.published.is_some() {
        on_reward(cast, case, RewardCommand::Approve(reward::Empty {}), &["approver"])?;
        on_reward(cast, case, RewardCommand::Notify(reward::Empty {}), &["handler"])?;
    }
    Ok(())
}

/// The reporter claims with the claim key; finance pays without learning the case.
fn pay(cast: &mut Cast, case: &Case) -> Result<()> {
    let claim = cast.key(&format!("{}/claim", case.id), "")?;
    let stream = cast.stream(&format!("{}/reward", case.id))?;
    let command = Command::Reward(RewardCommand::Claim(reward::Claim::of(claim.vkey())));
    cast.sign(Some(stream), command, &[&claim])?;
    let voucher = text(&format!("演示凭证-{}", case.id))?;
    let pay = Pay::whole(cast.assessed(&stream)?, voucher);
    on_reward(cast, case, RewardCommand::Pay(pay), &["finance"])
}

fn forfeit(cast: &mut Cast, case: &Case) -> Result<()> {
    on_reward(cast, case, RewardCommand::Forfeit(reward::Empty {}), &["approver"])
}
