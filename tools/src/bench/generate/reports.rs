//! What reporters of the generated ledger tell, what comes of it, and their rewards.

use adit_core::command::Command;
use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::report::{
    Answer, Channel, Decline, Empty, Finding, Ground, Handle, Report, ReportCommand, Transfer, Verify,
};
use adit_core::reward::{self, Assess, Claim, Pay, RewardCommand};
use adit_core::rules::place::NATIONAL;
use adit_core::rules::reward::{Matter, Sector};
use adit_core::units::Fen;
use anyhow::{Context, Result};

use super::{Dice, INSPECTORS, Task, World};
use crate::demo::cast::text;

/// What is done next to a report, or to its reward.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    Report,
    Accept,
    Verify,
    Handle,
    Answer,
    Close,
    Assess,
    Approve,
    Notify,
    Claim,
    Pay,
    Forfeit,
}

/// A report on its way.
#[derive(Clone)]
pub(super) struct Told {
    stream: StreamId,
    reward: StreamId,
    sector: Sector,
    /// Signs the claim; none where a clerk took the report down.
    claim: Option<SigningKey>,
    substantiated: bool,
}

impl World {
    pub(super) fn perform_on_report(&self, stage: Stage, number: u64) -> Result<()> {
        match stage {
            Stage::Report => self.report(number),
            Stage::Accept => self.accept(number),
            Stage::Verify => self.verify_report(number),
            Stage::Handle => self.handle(number),
            Stage::Answer => {
                self.on_report(number, ReportCommand::Answer(Answer { sealed: None }), &["handler"])?;
                self.next(number, Stage::Close, 5, 25);
                Ok(())
            }
            Stage::Close => self.on_report(number, ReportCommand::Close(Empty {}), &["approver"]),
            Stage::Assess => self.assess(number),
            Stage::Approve => {
                self.on_reward(number, RewardCommand::Approve(reward::Empty {}), &["approver"])?;
                self.next(number, Stage::Notify, 1, 5);
                Ok(())
            }
            Stage::Notify => self.notify(number),
            Stage::Claim => self.claim(number),
            Stage::Pay => {
                let reward = self.told(number)?.reward;
                let voucher = text(&format!("生成凭证{number:07}"))?;
                let pay = Pay::whole(self.cast.assessed(&reward)?, voucher);
                self.on_reward(number, RewardCommand::Pay(pay), &["finance"])
            }
            Stage::Forfeit => self.on_reward(number, RewardCommand::Forfeit(reward::Empty {}), &["approver"]),
        }
    }

    fn told(&self, number: u64) -> Result<Told> {
        self.reports.get(number)?.context("a report that was not entered")
    }

    /// The next stage some days later. A few wait for ever.
    fn next(&self, number: u64, stage: Stage, from: u64, to: u64) {
        let mut dice = Dice::of(self.seed, "next", number * 16 + stage as u64);
        if !dice.percent(1) {
            self.then(dice.days(from, to), Task::Report(stage, number));
        }
    }

    fn on_report(&self, number: u64, command: ReportCommand, who: &[&str]) -> Result<()> {
        self.cast.act_on(Some(self.told(number)?.stream), Command::Report(command), who)?;
        Ok(())
    }

    fn on_reward(&self, number: u64, command: RewardCommand, who: &[&str]) -> Result<()> {
        self.cast.act_on(Some(self.told(number)?.reward), Command::Reward(command), who)?;
        Ok(())
    }

    /// By a reporter with keys of their own, or by a clerk who took it down.
    fn report(&self, number: u64) -> Result<()> {
        let mut dice = Dice::of(self.seed, "report", number);
        let origin = self.cast.office.ledger().origin();
        let stream = StreamId::new(StreamKind::Report, Id::random()?);
        let reward = StreamId::new(StreamKind::Reward, Id::random()?);
        let channel = match dice.below(100) {
            0..70 => Channel::Web,
            70..90 => Channel::Telephone,
            90..96 => Channel::Letter,
            _ => Channel::Visit,
        };
        let own = channel == Channel::Web;
        let key = own.then(|| SigningKey::generate(&format!("{origin}/{stream}"))).transpose()?;
        let claim = own.then(|| SigningKey::generate(&format!("{origin}/{reward}"))).transpose()?;
        let report = Report {
            matter: *dice.one(&[Matter::MajorHazard, Matter::MajorHazard, Matter::IllegalAct]),
            channel,
            key: key.as_ref().map(SigningKey::vkey),
            claim_key: claim.as_ref().map(|claim| text(&hex(claim.vkey().key()))).transpose()?,
            recipient: None,
            insider: dice.percent(20),
            testimony: own.then(|| self.cast.seal(&format!("生成举报{number:07}"))).transpose()?,
            files: Vec::new(),
            excluded: Vec::new(),
            pickup: None,
        };
        let command = Command::Report(ReportCommand::Report(report));
        match &key {
            Some(key) => self.cast.sign(Some(stream), command, &[key])?,
            None => self.cast.act_on(Some(stream), command, &["clerk"])?,
        };
        let sector = *dice.one(&[Sector::Mine, Sector::Industry, Sector::Chemical]);
        self.reports.keep(number, Told { stream, reward, sector, claim, substantiated: false })?;
        self.next(number, Stage::Accept, 1, 6);
        Ok(())
    }

    fn accept(&self, number: u64) -> Result<()> {
        let command = match Dice::of(self.seed, "accepted", number).below(100) {
            0..5 => ReportCommand::Decline(Decline { ground: Ground::Unclear }),
            5..10 => ReportCommand::Transfer(Transfer { authority: text("县住建局")? }),
            _ => {
                self.next(number, Stage::Verify, 5, 35);
                ReportCommand::Accept(Empty {})
            }
        };
        self.on_report(number, command, &["clerk"])
    }

    fn verify_report(&self, number: u64) -> Result<()> {
        let mut dice = Dice::of(self.seed, "report verified", number);
        let mut told = self.told(number)?;
        let finding = match dice.below(100) {
            0..60 => Finding::Substantiated,
            60..70 => Finding::Partly,
            _ => Finding::NotSubstantiated,
        };
        let verify = Verify {
            finding,
            matter_key: text(&format!("生成事项{number:07}"))?,
            deaths_verified: 0,
            level: (told.sector == Sector::Mine).then(|| if dice.percent(50) { 1 } else { 2 }),
            findings: text("现场核查")?,
        };
        self.on_report(number, ReportCommand::Verify(verify), INSPECTORS)?;
        told.substantiated = finding != Finding::NotSubstantiated;
        self.reports.keep(number, told)?;
        self.next(number, Stage::Handle, 1, 10);
        Ok(())
    }

    fn handle(&self, number: u64) -> Result<()> {
        let mut dice = Dice::of(self.seed, "handled", number);
        let told = self.told(number)?;
        let fine = if told.substantiated { 10_000 + dice.below(90_000) } else { 0 };
        let handle = Handle {
            done: text("已处理")?,
            unit_fine_yuan: Fen(i64::try_from(fine)? * 100),
            person_fines_yuan: Vec::new(),
        };
        self.on_report(number, ReportCommand::Handle(handle), &["handler"])?;
        self.next(number, Stage::Answer, 1, 4);
        if told.substantiated && told.claim.is_some() {
            self.next(number, Stage::Assess, 1, 10);
        }
        Ok(())
    }

    fn assess(&self, number: u64) -> Result<()> {
        let told = self.told(number)?;
        let assess = Assess {
            report: told.stream,
            place: text(NATIONAL)?,
            sector: told.sector,
            accident_grade: None,
            otherwise: None,
            excluded: None,
            no_fine_tier: None,
        };
        self.on_reward(number, RewardCommand::Assess(assess), &["handler"])?;
        self.next(number, Stage::Approve, 1, 5);
        Ok(())
    }

    fn notify(&self, number: u64) -> Result<()> {
        self.on_reward(number, RewardCommand::Notify(reward::Empty {}), &["handler"])?;
        if Dice::of(self.seed, "notified", number).percent(80) {
            self.next(number, Stage::Claim, 1, 50);
        } else {
            // The claim period is over by then.
            self.next(number, Stage::Forfeit, 61, 90);
        }
        Ok(())
    }

    /// By whoever holds the claim key. A few want nothing.
    fn claim(&self, number: u64) -> Result<()> {
        let told = self.told(number)?;
        let key = told.claim.context("a reward without a claim key")?;
        let claim = Claim::of(key.vkey());
        let waives = Dice::of(self.seed, "claimed", number).percent(5);
        let command = if waives { RewardCommand::Waive(claim) } else { RewardCommand::Claim(claim) };
        self.cast.sign(Some(told.reward), Command::Reward(command), &[&key])?;
        if !waives {
            self.next(number, Stage::Pay, 1, 10);
        }
        Ok(())
    }
}
