//! Decisions under packs that do not ship (working days, a table of tiers), and what holds after any commands.

use proptest::prelude::*;

use super::*;
use crate::decider::Rejection;
use crate::id::{Id, StreamKind};
use crate::ledger::vkey::SigningKey;
use crate::report::Status as ReportStatus;
use crate::rules::Rules;
use crate::rules::reward::{Exclusion, Sector};
use crate::rules::tests::changed;
use crate::text::Text;
use crate::units::{Revision, Timestamp};

fn stream(kind: StreamKind) -> StreamId {
    StreamId::new(kind, Id([3; 16]))
}

fn day(text: &str) -> Day {
    text.parse().expect("day")
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).expect("text")
}

/// Claim keys of two joint reporters.
fn key(number: u8) -> SigningKey {
    let name = format!("test.example/ledger/{}", stream(StreamKind::Reward));
    SigningKey::from_seed(&name, &[number; 32]).expect("key")
}

fn facts(unit_fine: Fen) -> Facts {
    let verified = Verify {
        finding: Finding::Substantiated,
        matter_key: text("事项一"),
        deaths_verified: 0,
        level: None,
        findings: text("属实"),
    };
    let handled =
        Handle { done: text("责令改正"), unit_fine_yuan: unit_fine, person_fines_yuan: Vec::new() };
    let claim_keys = [1, 2].map(|number| hex(key(number).vkey().key())).to_vec();
    let report = Reported {
        matter: Matter::IllegalAct,
        insider: false,
        on: day("2024-05-10"),
        verified: Some(verified),
        handled: Some(handled),
        claim_keys: claim_keys.clone(),
        found_before: None,
    };
    let own = Candidate {
        report: stream(StreamKind::Report),
        reported_at: Position(3),
        status: ReportStatus::Handled,
        finding: Finding::Substantiated,
        denied: false,
    };
    let report = Some(report);
    Facts { report, matter_rewarded: false, claim_keys_now: claim_keys, same_matter: vec![own] }
}

fn assess(tier: Option<&str>) -> Assess {
    Assess {
        report: stream(StreamKind::Report),
        place: text("甲市"),
        sector: Sector::Industry,
        accident_grade: None,
        otherwise: None,
        excluded: None,
        no_fine_tier: tier.map(text),
    }
}

fn officer(number: u8, role: Role) -> Party {
    Party::Actor { actor: ActorId(Id([number; 16])), roles: vec![role] }
}

fn decide(
    state: &State,
    command: &RewardCommand,
    facts: &Facts,
    rules: &Rules,
    now: Timestamp,
    by: &[Party],
) -> Result<RewardEvent, &'static str> {
    let decided = RewardDecider::decide(state, command, facts, &Moment { now, rules, by });
    decided.map(|mut events| events.remove(0)).map_err(|refusal| refusal.code())
}

fn evolved(state: State, event: &RewardEvent, at: Timestamp, by: &[Party]) -> State {
    let recorded = Recorded {
        position: Position(9),
        stream: stream(StreamKind::Reward),
        revision: Revision(0),
        at,
        by: by.iter().filter_map(Party::actor).collect(),
    };
    RewardDecider::evolve(state, event, &recorded)
}

#[test]
fn when_the_rule_has_tiers_then_the_handler_names_one_and_the_event_holds_it() {
    let table = "[[rule]]\nid = \"tiers\"\nname = \"甲市规定\"\ndocument = \"甲市规定\"\nplace = \"甲市\"\n\
                 sectors = [\"industry\"]\nfrom = \"2020-01-01\"\nmark = \"S\"\n[rule.no_fine]\narticle = \"第八条\"\n\
                 [[rule.no_fine.tier]]\nname = \"责令改正\"\namount_fen = 100_000\n[switches]";
    let rules = changed("rewards", "[switches]", table, false).expect("packs");
    let (now, handler) = (day("2024-05-20").start(), [officer(1, Role::Handler)]);
    let decide = |tier| {
        let command = RewardCommand::Assess(assess(tier));
        decide(&State::default(), &command, &facts(Fen::ZERO), &rules, now, &handler)
    };
    assert_eq!(decide(None), Err("reward.tier_needed"));
    assert_eq!(decide(Some("口头警告")), Err("reward.tier_needed"));
    let Ok(RewardEvent::Assessed(assessed)) = decide(Some("责令改正")) else { panic!("not assessed") };
    assert_eq!((assessed.amount_yuan, assessed.rule.as_deref()), (Fen(100_000), Some("tiers")));
    assert_eq!(assessed.facts.no_fine_tier.as_deref(), Some("责令改正"));
}

#[test]
fn when_the_claim_period_is_in_working_days_of_an_unknown_year_then_nobody_is_told_yet() {
    let claim = "from = \"2018-01-04\"\nwhat = \"领取奖金\"\ndays = 60\nunit = ";
    let working = |unit| format!("{claim}\"{unit}\"");
    let rules = changed("deadlines", &working("calendar"), &working("working"), false).expect("packs");
    let state = State { status: Status::Approved, ..State::default() };
    let notify = RewardCommand::Notify(Empty {});
    let told = |on: &str| {
        let by = [officer(1, Role::Handler)];
        decide(&state, &notify, &Facts::default(), &rules, day(on).start(), &by)
    };
    assert_eq!(told("2026-12-28"), Err("reward.unknown_year"));
    assert!(matches!(told("2026-01-05"), Ok(RewardEvent::Notified(Notified { claim_due: Some(_) }))));
}

/// The next step on the way to payment, so that random histories get there often.
fn next(state: &State, choice: u8) -> u8 {
    match state.status {
        Status::Absent => 0,
        Status::Paid | Status::Forfeited | Status::Waived | Status::Denied => 1,
        Status::Assessed => 2,
        Status::Approved => 3,
        Status::Notified => 4 + choice % 2,
        Status::Claimed => 9,
    }
}

fn command(what: u8, state: &State) -> (RewardCommand, Vec<Party>) {
    let handler = officer(1, Role::Handler);
    let approver = officer(2, Role::Approver);
    let claim = |number: u8| {
        let key = key(number).vkey();
        let by = vec![Party::Reporter { key: key.to_string() }];
        (Claim::of(key), by)
    };
    match what {
        0 => (RewardCommand::Assess(assess(None)), vec![handler]),
        1 => (RewardCommand::Reassess(assess(None)), vec![handler]),
        2 => (RewardCommand::Approve(Empty {}), vec![approver]),
        3 => (RewardCommand::Notify(Empty {}), vec![handler]),
        4 | 5 => {
            let (claim, by) = claim(what - 3);
            (RewardCommand::Claim(claim), by)
        }
        6 => {
            let (claim, by) = claim(2);
            (RewardCommand::Waive(claim), by)
        }
        7 => (RewardCommand::Forfeit(Empty {}), vec![Party::Log]),
        8 => {
            let excluded = Some(Exclusion::AlreadyHandled);
            (RewardCommand::Reassess(Assess { excluded, ..assess(None) }), vec![handler, approver])
        }
        _ => {
            let pay = Pay::whole(state.payable(), text("凭证"));
            (RewardCommand::Pay(pay), vec![officer(4, Role::Finance)])
        }
    }
}

proptest! {
    #[test]
    fn what_is_paid_never_exceeds_what_was_approved_and_nothing_is_paid_after_a_denial(
        attempts in prop::collection::vec((0_u8..30, 1_i64..400_000, prop_oneof![4 => Just(0_i64), 1 => 0_i64..70]), 0..60),
    ) {
        let rules = Rules::builtin().expect("packs");
        let (mut state, mut now) = (State::default(), day("2024-05-20").start());
        let (mut approved, mut denied) = (Fen::ZERO, false);
        for (what, yuan, days) in attempts {
            now = now.plus_seconds(days * 86_400);
            let what = if what < 10 { what } else { next(&state, what) };
            let (command, by) = command(what, &state);
            let facts = facts(Fen(yuan * 100));
            let Ok(event) = decide(&state, &command, &facts, &rules, now, &by) else { continue };
            prop_assert!(!denied, "{} after a denial", crate::decider::StreamEvent::kind(&event));
            state = evolved(state, &event, now, &by);
            match event {
                RewardEvent::Approved(_) => {
                    approved = state.assessed.as_ref().map(|assessed| assessed.amount_yuan).unwrap_or_default();
                }
                RewardEvent::Paid(pay) => {
                    prop_assert!(pay.amount_yuan > Fen::ZERO);
                    prop_assert!(state.paid <= approved, "{} paid, {approved} approved", state.paid);
                }
                RewardEvent::Denied(_) => denied = true,
                RewardEvent::Assessed(_)
                | RewardEvent::Reassessed(_)
                | RewardEvent::Notified(_)
                | RewardEvent::Claimed(_)
                | RewardEvent::Forfeited(_)
                | RewardEvent::Waived(_)
                | RewardEvent::Overdue(_)
                | RewardEvent::Extended(_) => {}
            }
        }
    }
}

/// What a joint reporter shows at the cash desk.
fn voucher(number: u8) -> String {
    crate::secret::voucher_hash(&format!("voucher-{number}"))
}

/// A reward of so much for so many, of which its reporters were told.
fn notified(many: u8, amount: Fen) -> (State, Facts) {
    let claim_keys: Vec<String> = (0..many).map(|number| hex(key(number).vkey().key())).collect();
    let mut facts = facts(Fen::ZERO);
    facts.claim_keys_now.clone_from(&claim_keys);
    let report = facts.report.take().map(|report| Reported { claim_keys, ..report });
    facts.report = report;
    let otherwise = Otherwise { amount_yuan: amount, because: text("经集体研究") };
    let rules = Rules::builtin().expect("packs");
    let now = day("2024-05-20").start();
    let assess = RewardCommand::Assess(Assess { otherwise: Some(otherwise), ..assess(None) });
    let mut state = State::default();
    for (command, by) in [
        (assess, officer(1, Role::Handler)),
        (RewardCommand::Approve(Empty {}), officer(2, Role::Approver)),
        (RewardCommand::Notify(Empty {}), officer(1, Role::Handler)),
    ] {
        let by = [by];
        let event = decide(&state, &command, &facts, &rules, now, &by).expect("done");
        state = evolved(state, &event, now, &by);
    }
    (state, facts)
}

proptest! {
    #[test]
    fn shares_of_joint_reporters_are_equal_to_the_fen_and_each_voucher_pays_its_own_once(
        many in 2_u8..=10, fen in 1_000_i64..100_000_000,
        steps in prop::collection::vec((0_u8..3, 0_u8..10), 0..80),
    ) {
        let rules = Rules::builtin().expect("packs");
        let (mut state, facts) = notified(many, Fen(fen));
        let shares = state.assessed.as_ref().expect("assessed").shares_yuan.clone();
        let (least, most) = (shares.iter().min().expect("some"), shares.iter().max().expect("some"));
        prop_assert_eq!(shares.iter().map(|share| share.0).sum::<i64>(), fen);
        prop_assert!(most.0 - least.0 <= 1);
        let now = day("2024-05-21").start();
        let mut got = vec![Fen::ZERO; usize::from(many)];
        // First at random, then everybody claims and is paid.
        let rest = (0..many).map(|who| (0, who)).chain((0..many).map(|who| (2, who)));
        for (what, who) in steps.into_iter().map(|(what, who)| (what, who % many)).chain(rest) {
            let claim = Claim { key: key(who).vkey(), voucher: Some(text(&voucher(who))) };
            let reporter = vec![Party::Reporter { key: key(who).vkey().to_string() }];
            let amount_yuan = shares[usize::from(who)];
            let pay = Pay { amount_yuan, voucher: text("凭证"), voucher_hash: Some(text(&voucher(who))) };
            let (command, by) = match what {
                0 => (RewardCommand::Claim(claim), reporter),
                1 => (RewardCommand::Waive(claim), reporter),
                _ => (RewardCommand::Pay(pay), vec![officer(4, Role::Finance)]),
            };
            let Ok(event) = decide(&state, &command, &facts, &rules, now, &by) else { continue };
            if let RewardEvent::Paid(pay) = &event {
                prop_assert_eq!(got[usize::from(who)], Fen::ZERO, "twice");
                got[usize::from(who)] = pay.amount_yuan;
            }
            state = evolved(state, &event, now, &by);
        }
        let claimed: i64 = state.shares().filter(|(key, _)| state.claimed.contains(*key)).map(|(_, fen)| fen.0).sum();
        prop_assert_eq!(got.iter().map(|fen| fen.0).sum::<i64>(), claimed);
        prop_assert_eq!(state.paid.0, claimed);
        let over = if claimed == 0 { [Status::Waived, Status::Forfeited] } else { [Status::Paid; 2] };
        prop_assert!(over.contains(&state.status), "{:?}", state.status);
    }
}
