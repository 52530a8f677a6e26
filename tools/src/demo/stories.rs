//! Plainly fictional enterprises (示例…（虚构）) for what no published case shows: five in place half done, a repeat
//! offender, relief after a self-report, a late review, and a plan sealed before a self-report.

use adit_core::command::Command;
use adit_core::enterprise::{EnterpriseCommand, Register};
use adit_core::hazard::{self, Because, ElementOnly, ElementText, HazardCommand, Origin};
use adit_core::inspection::{InspectionCommand, Open, Perform, RecordFinding, Seal, commitment};
use adit_core::role::Role;
use adit_core::rules::closure::Licence;
use adit_core::rules::five_in_place::Element;
use adit_core::rules::reward::Sector;
use adit_core::units::Day;
use anyhow::{Context, Result};

use super::Step;
use super::cast::{Cast, text};

pub(super) const INSPECTORS: [&str; 2] = ["inspector-1", "inspector-2"];
pub(super) const HALF: &str = "示例一号铁矿（虚构）";
const REPEAT: &str = "示例二号采石场（虚构）";
pub(super) const RELIEVED: &str = "示例三号选矿厂（虚构）";
const LATE: &str = "示例四号尾矿库（虚构）";
const SEALED: &str = "示例五号机械厂（虚构）";

/// A day of the stories; the dates are constants of this file and exist.
pub(super) fn day(year: i32, month: u32, day: u32) -> Day {
    Day::new(year, month, day).unwrap_or_default()
}

pub(super) fn step(day: Day, run: impl FnOnce(&mut Cast) -> Result<()> + 'static) -> Step {
    Step { day, run: Box::new(run) }
}

pub(crate) fn steps() -> Vec<Step> {
    vec![
        step(day(2024, 3, 4), |cast| enter(cast, HALF, Sector::Mine)),
        step(day(2024, 3, 5), |cast| {
            self_report(cast, HALF, "NCM88-一(地下矿山)-九", "未配备防治水专业技术人员")?;
            assign(cast, HALF, day(2024, 9, 30))?;
            commit_all(cast, HALF)?;
            evidence(cast, HALF, &[Element::Responsibility, Element::Measures, Element::Funds])?;
            confirm(cast, HALF, &[Element::Responsibility])
        }),
        step(day(2024, 3, 11), |cast| enter(cast, REPEAT, Sector::Mine)),
        step(day(2024, 3, 12), |cast| {
            find(cast, REPEAT, "NCM88-二(露天矿山)-三", "未自上而下分台阶开采")?;
            mend(cast, REPEAT, day(2024, 4, 30))
        }),
        step(day(2024, 3, 20), |cast| review_and_close(cast, REPEAT)),
        step(day(2024, 5, 20), |cast| {
            find(cast, REPEAT, "NCM88-二(露天矿山)-三", "再次未自上而下分台阶开采")
        }),
        step(day(2024, 5, 13), |cast| enter(cast, RELIEVED, Sector::Mine)),
        step(day(2024, 5, 14), |cast| {
            self_report(cast, RELIEVED, "NCM88-三(尾矿库)-五", "堆积坝上升速率大于设计")?;
            mend(cast, RELIEVED, day(2024, 8, 31))?;
            decide_relief(cast, RELIEVED)
        }),
        step(day(2024, 5, 24), |cast| review_and_close(cast, RELIEVED)),
        step(day(2024, 1, 8), |cast| enter(cast, LATE, Sector::Mine)),
        step(day(2024, 1, 26), |cast| {
            find(cast, LATE, "NCM88-三(尾矿库)-三", "坝体外坡比陡于设计")?;
            mend(cast, LATE, day(2024, 6, 30))
        }),
        // The review was due on 5 February; the ledger itself records that nobody came.
        step(day(2024, 2, 19), |cast| {
            let overdue = hazard::RecordOverdue { clock: "review".to_owned() };
            cast.by_log(&hazard_of(LATE), Command::Hazard(HazardCommand::RecordOverdue(overdue)))?;
            review_and_close(cast, LATE)
        }),
        step(day(2024, 6, 3), |cast| enter(cast, SEALED, Sector::Industry)),
        step(day(2024, 6, 4), |cast| {
            seal(cast)?;
            self_report(cast, SEALED, "GM10-第七条-二", "保温炉未设紧急排放设施")?;
            assign(cast, SEALED, day(2024, 9, 1))?;
            commit_all(cast, SEALED)
        }),
        step(day(2024, 6, 5), |cast| {
            open(cast)?;
            decide_relief(cast, SEALED)
        }),
    ]
}

pub(super) fn hazard_of(name: &str) -> String {
    format!("{name}/hazard")
}

fn enter(cast: &mut Cast, name: &str, sector: Sector) -> Result<()> {
    let register = Register {
        metal_smelting: false,
        name: text(name)?,
        credit_code: None,
        sector,
        town: text("示例镇（虚构）")?,
        licence: Licence::Full,
        producing: true,
        controller: Some(text("示例控股（虚构）")?),
        parent: None,
    };
    let stream =
        cast.act_on(None, Command::Enterprise(EnterpriseCommand::Register(register)), &["clerk"])?.stream;
    cast.name(name, stream);
    cast.enrol_one(name, Role::Enterprise, Some(stream))
}

pub(super) fn on_hazard(cast: &Cast, name: &str, command: HazardCommand, who: &[&str]) -> Result<()> {
    cast.act(&hazard_of(name), Command::Hazard(command), who)?;
    Ok(())
}

fn verify(cast: &Cast, name: &str, criterion: &str) -> Result<()> {
    let verify = hazard::Verify { criterion: Some(criterion.to_owned()), because: text("现场核实")? };
    on_hazard(cast, name, HazardCommand::Verify(verify), &INSPECTORS)
}

fn self_report(cast: &mut Cast, name: &str, criterion: &str, description: &str) -> Result<()> {
    let report = hazard::Report {
        enterprise: cast.stream(name)?,
        origin: Origin::SelfInspection,
        inspection: None,
        place: text("示例地点")?,
        description: text(description)?,
        found_on: cast.today(),
        criterion: Some(criterion.to_owned()),
        files: Vec::new(),
    };
    let stream = cast.act_on(None, Command::Hazard(HazardCommand::Report(report)), &[name])?.stream;
    cast.name(&hazard_of(name), stream);
    verify(cast, name, criterion)
}

fn find(cast: &mut Cast, name: &str, criterion: &str, description: &str) -> Result<()> {
    let perform = Perform {
        enterprise: cast.stream(name)?,
        day: cast.today(),
        checked: text(description)?,
        files: Vec::new(),
    };
    let inspection =
        cast.act_on(None, Command::Inspection(InspectionCommand::Perform(perform)), &INSPECTORS)?.stream;
    let finding = RecordFinding {
        place: text("示例地点")?,
        description: text(description)?,
        found_on: cast.today(),
        criterion: Some(criterion.to_owned()),
        files: Vec::new(),
    };
    let command = Command::Inspection(InspectionCommand::RecordFinding(finding));
    let answer = cast.act_on(Some(inspection), command, &INSPECTORS)?;
    let opened = answer.positions.last().context("a finding has two entries")?;
    let hazard = cast.office.ledger().stored(*opened)?.context("the entry is there")?.stream;
    cast.name(&hazard_of(name), hazard);
    verify(cast, name, criterion)
}

fn assign(cast: &Cast, name: &str, due: Day) -> Result<()> {
    let serve = hazard::Serve { principal: true, controller: true };
    on_hazard(cast, name, HazardCommand::Serve(serve), &["handler"])?;
    let assign = hazard::Assign { responsible_post: text("主要负责人")?, due };
    on_hazard(cast, name, HazardCommand::Assign(assign), &["handler"])?;
    on_hazard(cast, name, HazardCommand::Acknowledge(hazard::Acknowledge::both()), &[name])
}

pub(super) fn element(element: Element) -> Result<ElementText> {
    Ok(ElementText { element, text: text(&format!("示例：{}", element.zh()))? })
}

fn commit_all(cast: &Cast, name: &str) -> Result<()> {
    Element::ALL.iter().try_for_each(|e| on_hazard(cast, name, HazardCommand::Commit(element(*e)?), &[name]))
}

fn evidence(cast: &Cast, name: &str, elements: &[Element]) -> Result<()> {
    elements
        .iter()
        .try_for_each(|e| on_hazard(cast, name, HazardCommand::Evidence(element(*e)?.into()), &[name]))
}

fn confirm(cast: &Cast, name: &str, elements: &[Element]) -> Result<()> {
    let one = |element: &Element| {
        let command = HazardCommand::Confirm(ElementOnly { element: *element });
        on_hazard(cast, name, command, &["inspector-1"])
    };
    elements.iter().try_for_each(one)
}

/// All five shown, and reported as mended.
fn mend(cast: &Cast, name: &str, due: Day) -> Result<()> {
    assign(cast, name, due)?;
    commit_all(cast, name)?;
    evidence(cast, name, &Element::ALL)?;
    on_hazard(cast, name, HazardCommand::Rectify(Because { because: text("已整改完成")? }.into()), &[name])
}

fn review_and_close(cast: &Cast, name: &str) -> Result<()> {
    let review =
        hazard::Review { passed: true, findings: text("现场复核通过")?, due: None, files: Vec::new() };
    on_hazard(cast, name, HazardCommand::Review(review), &INSPECTORS)?;
    confirm(cast, name, &Element::ALL)?;
    on_hazard(cast, name, HazardCommand::Close(hazard::Empty {}), &["approver"])
}

fn decide_relief(cast: &Cast, name: &str) -> Result<()> {
    let decide = hazard::DecideRelief { otherwise: None, person: None, rectification_refused: false };
    on_hazard(cast, name, HazardCommand::DecideRelief(decide), &["approver"])
}

const SALT: &str = "示例盐值-仅用于演示";
const SCOPE: &str = "全厂";

/// The plan is sealed in the morning, before the enterprise reports.
fn seal(cast: &mut Cast) -> Result<()> {
    let enterprise = cast.stream(SEALED)?;
    let commitment = commitment(SALT, Some(&enterprise), SCOPE, cast.today());
    let command = Command::Inspection(InspectionCommand::Seal(Seal { commitment }));
    let stream = cast.act_on(None, command, &INSPECTORS)?.stream;
    cast.name("sealed plan", stream);
    Ok(())
}

fn open(cast: &mut Cast) -> Result<()> {
    let enterprise = Some(cast.stream(SEALED)?);
    let open = Open { salt: SALT.to_owned(), enterprise, scope: text(SCOPE)? };
    cast.act("sealed plan", Command::Inspection(InspectionCommand::Open(open)), &INSPECTORS)?;
    Ok(())
}
