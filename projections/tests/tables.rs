//! One small story, and every table of it as a golden file: a changed rule shows up as a changed cell.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

mod common;

use adit_core::enterprise::{self, EnterpriseCommand};
use adit_core::hazard::{
    Acknowledge, DecideRelief, Escalate, HazardCommand, List, Origin, RecordOverdue, Serve, Step,
};
use adit_core::inquiry::{self, InquiryCommand};
use adit_core::inspection::{self, InspectionCommand};
use adit_core::report::{self, ReportCommand};
use adit_core::reward::{self, Claim, Pay, RewardCommand};
use adit_core::role::{Party, Role};
use adit_core::rules::accountability::Trigger;
use adit_projections::{NAMES, SNAPSHOT_VERSION};
use common::{
    CRITERIA, World, assess, claim_key, claimant, firm, found, inspectors, officer, penalise, pit, register,
    text, verify,
};

/// Two mines of one controller. The first mends a hazard that it reported itself, and has it again a month later; the
/// second is inspected after a report, fined, and late; the reporter is paid.
fn story() -> World {
    let mut world = World::on("2024-03-01");
    world.enterprise(1, register("示例一矿", "东镇", Some("示例控股")), &officer(Role::Clerk));
    world.enterprise(2, register("示例二矿", "西镇", Some("示例控股")), &officer(Role::Clerk));
    world.assigned(1, 1, CRITERIA[0]).five(1);
    let decide = DecideRelief { otherwise: None, person: None, rectification_refused: false };
    world.hazard(1, HazardCommand::DecideRelief(decide), &officer(Role::Approver));
    world.later(7).closed(1);
    world.handled(7, "20100");
    let today = world.today();
    world.hazard(2, found(firm(2), Origin::Inspection, today), &inspectors());
    world.hazard(2, verify(Some(CRITERIA[1])), &inspectors());
    world.hazard(2, common::assign(today.plus_days(10)), &officer(Role::Handler));
    world.hazard(2, penalise(1, today), &officer(Role::Approver));
    world.later(25);
    let overdue = RecordOverdue { clock: "rectify".into() };
    world.hazard(2, HazardCommand::RecordOverdue(overdue), &[Party::Log]);
    let escalate = Escalate { step: Step::Letter, because: text("进展缓慢") };
    world.hazard(2, HazardCommand::Escalate(escalate), &officer(Role::Handler));
    let today = world.today();
    world.hazard(3, found(firm(1), Origin::Inspection, today), &inspectors());
    world.hazard(3, verify(Some(CRITERIA[0])), &inspectors());
    world.report(7, ReportCommand::Answer(report::Answer { sealed: None }), &officer(Role::Handler));
    world.reward(7, RewardCommand::Assess(assess(7)), &officer(Role::Handler));
    world.reward(7, RewardCommand::Approve(reward::Empty {}), &officer(Role::Approver));
    world.reward(7, RewardCommand::Notify(reward::Empty {}), &officer(Role::Clerk));
    world.later(3).reward(7, RewardCommand::Claim(Claim::of(claim_key(7))), &claimant(7));
    let amount_yuan = "3015".parse().expect("money");
    world.reward(7, RewardCommand::Pay(Pay::whole(amount_yuan, text("1号"))), &officer(Role::Finance));
    overseen(&mut world);
    world
}

/// What supervision, duty and accountability look at: a visit that passed hazard 4 by, one that found it, a listing, a
/// notice, a fatal accident, an inquiry, a budget.
fn overseen(world: &mut World) {
    let log = enterprise::LogSelfInspection {
        enterprise: firm(1),
        inspected_on: world.today(),
        led_by_principal: true,
        hazards: Vec::new(),
    };
    world.enterprise(1, EnterpriseCommand::LogSelfInspection(log), &officer(Role::Enterprise));
    let grade = enterprise::Grade { risk: Some(enterprise::Risk::Major), standardisation: None };
    world.enterprise(2, EnterpriseCommand::Grade(grade), &officer(Role::Approver));
    let nothing = inspection::NothingFound { checked: text("三号巷道") };
    world.visit(8, 2, &[InspectionCommand::NothingFound(nothing)]).later(10);
    world.found_by_visit(4, 2, None);
    world.hazard(4, verify(Some(CRITERIA[0])), &inspectors());
    let serve = Serve { principal: true, controller: false };
    world.hazard(4, HazardCommand::Serve(serve), &officer(Role::Handler));
    world.later(1).hazard(4, HazardCommand::Acknowledge(Acknowledge::both()), &officer(Role::Enterprise));
    let due = world.today().plus_days(60);
    world.hazard(4, common::assign(due), &officer(Role::Handler));
    let place = Some(text("山东省青岛市"));
    let list =
        List { authority: text("市安委办"), place, decided_on: None, because: text("整改难度大") };
    world.hazard(4, HazardCommand::List(list), &officer(Role::Approver));
    let accident = enterprise::RecordAccident {
        day: world.today(),
        deaths: 1,
        seriously_injured: 0,
        direct_loss_yuan: adit_core::units::Fen::ZERO,
        description: text("冒顶片帮"),
    };
    world.enterprise(2, EnterpriseCommand::RecordAccident(accident), &inspectors());
    world.budget(2024, "50000");
    let open = inquiry::Open {
        hazards: vec![pit(4)],
        trigger: Some(Trigger::Understated),
        because: text("描述避重就轻"),
    };
    world.inquiry(1, InquiryCommand::Open(open), &officer(Role::Investigator));
}

#[test]
fn the_tables_of_a_small_story() {
    let world = story();
    for name in NAMES {
        let rows = world.rows(name).into_iter().map(|row| format!("{row}\n"));
        // Which packs held is not what a table is about.
        let rows = rows.collect::<String>().replace(world.log.rules.version(), "version of rules");
        insta::assert_snapshot!(name, rows);
    }
}

/// When this changes, older snapshots can't be read any more: raise `SNAPSHOT_VERSION`, then accept the new hash.
#[test]
fn the_form_of_a_snapshot_changes_only_with_its_version() {
    let world = story();
    let bytes = world.fold().snapshot().expect("snapshot");
    let rules = world.log.rules.version().as_bytes();
    // The checksum goes over the packs' version too, so what follows it is compared, without that version.
    let mut content = bytes[33..].to_vec();
    let starts = (0..content.len() - rules.len()).filter(|at| content[*at..].starts_with(rules));
    for at in starts.collect::<Vec<_>>() {
        content[at..at + rules.len()].fill(b'v');
    }
    let form =
        format!("version {SNAPSHOT_VERSION}: {} bytes, {}", bytes.len(), blake3::hash(&content).to_hex());
    insta::assert_snapshot!("snapshot", form);
}
