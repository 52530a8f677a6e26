//! Several people who report one matter, for tests that go the whole way from the first code to the last share.
#![allow(dead_code, reason = "each test file uses its own part")]

use adit_core::command::{Command, Request};
use adit_core::id::{CommandId, StreamId, StreamKind};
use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::report::{self, Channel, Finding, Invite, Join, JoinCode, OneTimeCode, ReportCommand};
use adit_core::reward::{self, Assess, Pay, RewardCommand};
use adit_core::rules::reward::{Matter, Sector};
use adit_core::seal::Identity;
use adit_core::secret::voucher_hash;

use super::{Bureau, ORIGIN, code, id, sealed_words, text};

pub(crate) const SALT: &str = "07070707070707070707070707070707";

/// The keys that follow from somebody's secret.
pub(crate) struct Person {
    pub(crate) key: SigningKey,
    pub(crate) claim: SigningKey,
    pub(crate) recipient: String,
}

pub(crate) struct Case {
    pub(crate) report: StreamId,
    pub(crate) reward: StreamId,
    pub(crate) first: Person,
}

pub(crate) fn person(report: StreamId, reward: StreamId) -> Person {
    let key = |name: String| SigningKey::generate(&name).expect("key");
    let recipient = Identity::from_bytes(&id().0.repeat(2).try_into().expect("32 bytes")).recipient();
    Person { key: key(format!("{ORIGIN}/{report}")), claim: key(format!("{ORIGIN}/{reward}")), recipient }
}

pub(crate) fn claim_key(person: &Person) -> String {
    hex(person.claim.vkey().key())
}

pub(crate) fn sign(bureau: &Bureau, on: StreamId, command: Command, keys: &[&SigningKey]) -> String {
    code(bureau.office.execute(&Request { id: CommandId(id()), stream: Some(on), command }, keys))
}

pub(crate) fn on_report(
    bureau: &Bureau,
    case: &Case,
    command: ReportCommand,
    keys: &[&SigningKey],
) -> String {
    sign(bureau, case.report, Command::Report(command), keys)
}

pub(crate) fn by(bureau: &Bureau, case: &Case, command: ReportCommand, who: &[&str]) -> String {
    code(bureau.run(Some(case.report), Command::Report(command), who))
}

pub(crate) fn reported(bureau: &Bureau) -> Case {
    let (report, reward) = (StreamId::new(StreamKind::Report, id()), StreamId::new(StreamKind::Reward, id()));
    let case = Case { report, reward, first: person(report, reward) };
    let told = report::Report {
        matter: Matter::MajorHazard,
        channel: Channel::Web,
        key: Some(case.first.key.vkey()),
        claim_key: Some(text(&claim_key(&case.first))),
        recipient: Some(text(&case.first.recipient)),
        insider: false,
        testimony: Some(sealed_words()),
        files: Vec::new(),
        excluded: Vec::new(),
        pickup: None,
    };
    assert_eq!(on_report(bureau, &case, ReportCommand::Report(told), &[&case.first.key]), "done");
    case
}

/// The key of the nth code, and what an invitation says of it. The slow hash is made up.
pub(crate) fn invitation(case: &Case, nth: u8) -> (SigningKey, Invite) {
    let code = OneTimeCode::parse(&format!("{nth:016}")).expect("a code");
    let code = JoinCode { code: &code, salt: SALT, slow: &[nth; 32] };
    let key = code.key(ORIGIN, &case.report).expect("key");
    let invite = code.invite(&key, &format!("第{nth}个")).expect("an invitation");
    (key, invite)
}

pub(crate) fn invited(bureau: &Bureau, case: &Case, nth: u8) -> String {
    let (key, invite) = invitation(case, nth);
    on_report(bureau, case, ReportCommand::Invite(invite), &[&case.first.key, &key])
}

pub(crate) fn join(person: &Person, invitation: Option<&SigningKey>) -> Join {
    Join {
        key: person.key.vkey(),
        claim_key: Some(text(&claim_key(person))),
        recipient: Some(text(&person.recipient)),
        invitation: invitation.map(SigningKey::vkey),
    }
}

/// Somebody comes with the nth code.
pub(crate) fn joined(bureau: &Bureau, case: &Case, nth: u8) -> (Person, String) {
    let (key, _) = invitation(case, nth);
    let person = person(case.report, case.reward);
    let command = ReportCommand::Join(join(&person, Some(&key)));
    let said = on_report(bureau, case, command, &[&person.key, &key]);
    (person, said)
}

/// The first reporter and so many more.
pub(crate) fn together(bureau: &Bureau, more: u8) -> (Case, Vec<Person>) {
    let case = reported(bureau);
    let others = (1..=more).map(|nth| {
        assert_eq!(invited(bureau, &case, nth), "done");
        let (person, said) = joined(bureau, &case, nth);
        assert_eq!(said, "done");
        person
    });
    let others = others.collect();
    (case, others)
}

pub(crate) fn verified(bureau: &Bureau, case: &Case, fine: &str) {
    let verify = report::Verify {
        finding: Finding::Substantiated,
        matter_key: text(&case.report.to_string()),
        deaths_verified: 0,
        level: None,
        findings: text("属实"),
    };
    let handle = report::Handle {
        done: text("已处罚"),
        unit_fine_yuan: fine.parse().expect("money"),
        person_fines_yuan: Vec::new(),
    };
    let inspectors = ["inspector-1", "inspector-2"];
    assert_eq!(by(bureau, case, ReportCommand::Accept(report::Empty {}), &["clerk"]), "done");
    assert_eq!(by(bureau, case, ReportCommand::Verify(verify), &inspectors), "done");
    assert_eq!(by(bureau, case, ReportCommand::Handle(handle), &["handler"]), "done");
}

pub(crate) fn on_reward(bureau: &Bureau, case: &Case, command: RewardCommand, who: &[&str]) -> String {
    code(bureau.run(Some(case.reward), Command::Reward(command), who))
}

pub(crate) fn assess(case: &Case) -> Assess {
    Assess {
        report: case.report,
        place: text("national"),
        sector: Sector::Industry,
        accident_grade: None,
        otherwise: None,
        excluded: None,
        no_fine_tier: None,
    }
}

pub(crate) fn told(bureau: &Bureau, case: &Case) {
    assert_eq!(on_reward(bureau, case, RewardCommand::Assess(assess(case)), &["handler"]), "done");
    assert_eq!(on_reward(bureau, case, RewardCommand::Approve(reward::Empty {}), &["approver"]), "done");
    assert_eq!(on_reward(bureau, case, RewardCommand::Notify(reward::Empty {}), &["handler"]), "done");
}

/// Claims with a voucher; its hash.
pub(crate) fn claimed(bureau: &Bureau, case: &Case, person: &Person) -> (String, String) {
    let hash = voucher_hash(&claim_key(person));
    let claim = reward::Claim { key: person.claim.vkey(), voucher: Some(text(&hash)) };
    (sign(bureau, case.reward, Command::Reward(RewardCommand::Claim(claim)), &[&person.claim]), hash)
}

pub(crate) fn paid(bureau: &Bureau, case: &Case, yuan: &str, hash: &str) -> String {
    let amount_yuan = yuan.parse().expect("money");
    let pay = Pay { amount_yuan, voucher: text("凭证"), voucher_hash: Some(text(hash)) };
    on_reward(bureau, case, RewardCommand::Pay(pay), &["finance"])
}
