//! Search in Chinese and English, and who finds what.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

mod common;

use std::collections::BTreeSet;

use adit_core::hazard::{HazardCommand, Origin, Report};
use adit_core::id::StreamKind;
use adit_core::role::Role;
use adit_core::units::Position;
use adit_projections::Viewer;
use adit_projections::search::{Finder, Indexer};
use common::{CRITERIA, World, firm, inspectors, officer, penalise, pit, register, stream, text, verify};

/// Two mines; a hazard of each in Chinese, one of the second in English; a handled report.
fn indexed() -> (World, Finder) {
    let mut world = World::on("2024-03-01");
    world.enterprise(1, register("示例一矿", "东镇", Some("示例控股")), &officer(Role::Clerk));
    world.enterprise(2, register("示例二矿", "西镇", Some("示例控股")), &officer(Role::Clerk));
    for (number, enterprise, place, told) in [
        (1, 1, "三号巷道", "顶板离层，未支护"),
        (2, 2, "尾矿库坝体", "坝体渗水，浸润线超限"),
        (3, 2, "hoist room", "Emergency brake of the hoist does not hold"),
    ] {
        let report = Report {
            enterprise: firm(enterprise),
            origin: Origin::MonitoringAlert,
            inspection: None,
            place: text(place),
            description: text(told),
            found_on: world.today(),
            criterion: None,
            files: Vec::new(),
        };
        world.hazard(number, HazardCommand::Report(report), &officer(Role::Clerk));
    }
    world.hazard(1, verify(Some(CRITERIA[0])), &inspectors());
    let today = world.today();
    world.hazard(1, penalise(7, today), &officer(Role::Approver));
    world.handled(7, "20100");
    let mut indexer = Indexer::new().expect("index");
    for fact in &world.log.facts {
        indexer.apply(fact).expect("indexed");
    }
    indexer.commit().expect("committed");
    (world, indexer.finder())
}

/// The streams of what is found.
fn found((world, finder): &(World, Finder), words: &str, viewer: Viewer) -> Vec<String> {
    let found = finder.find(words, viewer, &BTreeSet::new(), 0, 10).expect("found");
    assert_eq!(found.total, found.hits.len(), "{words}");
    let fact = |position: &Position| world.log.facts.iter().find(|fact| fact.position == *position);
    found.hits.iter().map(|position| fact(position).expect("a fact").stream.to_string()).collect()
}

#[test]
fn words_are_found_in_chinese_and_in_english_whatever_the_case() {
    let indexed = indexed();
    assert_eq!(found(&indexed, "渗水", Viewer::Office), [pit(2).to_string()]);
    assert_eq!(found(&indexed, "坝体 浸润线", Viewer::Office), [pit(2).to_string()]);
    assert_eq!(found(&indexed, "emergency BRAKE", Viewer::Office), [pit(3).to_string()]);
    assert!(found(&indexed, "渗水 离层", Viewer::Office).is_empty(), "all words must be there");
    assert!(found(&indexed, "，。 ?", Viewer::Office).is_empty(), "signs ask for nothing");
}

#[test]
fn a_decision_is_found_by_its_number_and_an_enterprise_by_who_controls_it() {
    let indexed = indexed();
    assert_eq!(found(&indexed, "应急罚〔2024〕7号", Viewer::Office), [pit(1).to_string()]);
    let mut firms = found(&indexed, "示例控股", Viewer::Office);
    firms.sort();
    assert_eq!(firms, [firm(1).to_string(), firm(2).to_string()]);
}

#[test]
fn reports_are_found_by_those_who_work_on_them_and_an_enterprise_finds_its_own_alone() {
    let indexed = indexed();
    let report = stream(StreamKind::Report, 7).to_string();
    assert_eq!(found(&indexed, "已立案", Viewer::Reports), std::slice::from_ref(&report));
    assert_eq!(found(&indexed, "已立案", Viewer::Intake), [report]);
    assert!(found(&indexed, "已立案", Viewer::Office).is_empty());
    assert!(found(&indexed, "渗水", Viewer::Finance).is_empty());
    assert_eq!(found(&indexed, "渗水", Viewer::Enterprise(firm(2))), [pit(2).to_string()]);
    assert!(found(&indexed, "渗水", Viewer::Enterprise(firm(1))).is_empty());
}
