//! An internal report in a plainly fictional mine, from a worker's words to the reward, and one that nobody has answered yet.

use adit_core::command::{Command, Request};
use adit_core::concern::{Claim, ConcernCommand, Decline, HandOver, Raise, Reward, TakeUp, Words};
use adit_core::enterprise::{EnterpriseCommand, OpenChannel};
use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::secret::{Secret, voucher_hash};
use adit_core::units::{Day, Fen};
use anyhow::Result;

use super::Step;
use super::cast::{Cast, text};
use super::stories::{HALF, day, hazard_of, step};

/// The twelve words of the first one: 128 zeros, as BIP-39 writes them. Everybody knows them.
pub(crate) const WORDS: &str = "的的的的的的的的的的的在";

const TOLD: &str = "示例/内部报告";
const DECLINED: &str = "示例/内部报告二";
const WAITS: &str = "示例/内部报告三";

pub(crate) fn steps() -> Vec<Step> {
    let on = |month, on| -> Day { day(2024, month, on) };
    vec![
        step(on(3, 4), |cast| {
            let open = OpenChannel {
                enterprise: cast.stream(HALF)?,
                rewards: text("示例：每条属实的报告奖励五百元，并通报表扬")?,
            };
            cast.act(HALF, Command::Enterprise(EnterpriseCommand::OpenChannel(open)), &[HALF])?;
            raise(cast, TOLD, &Secret::parse(WORDS)?, "示例：二号巷道涌水变大，没有防治水的技术人员")
        }),
        step(on(3, 5), |cast| {
            let hazard = cast.stream(&hazard_of(HALF))?;
            answer(cast, TOLD, "示例：谢谢，今天已到现场查看")?;
            let taken = TakeUp {
                hazard, words: text("示例：已登记为重大事故隐患，正在配备人员")?
            };
            on_concern(cast, TOLD, ConcernCommand::TakeUp(taken))
        }),
        step(on(3, 6), |cast| {
            let reward = Reward {
                amount_yuan: Some(Fen(50_000)),
                honour: Some(text("示例：通报表扬")?),
                collect_at: text("示例：工会办公室")?,
            };
            on_concern(cast, TOLD, ConcernCommand::Reward(reward))
        }),
        step(on(3, 7), |cast| {
            let (secret, stream) = (Secret::parse(WORDS)?, cast.stream(TOLD)?);
            let origin = cast.office.ledger().origin().to_owned();
            let voucher = secret.concern_voucher(&origin, &stream);
            let claim = ConcernCommand::Claim(Claim { voucher_hash: voucher_hash(&voucher) });
            let key = secret.concern_key(&origin, &stream)?;
            cast.sign(Some(stream), Command::Concern(claim), &[&key])?;
            on_concern(cast, TOLD, ConcernCommand::HandOver(HandOver { voucher: text(&voucher)? }))
        }),
        step(on(4, 8), |cast| raise(cast, DECLINED, &Secret::generate()?, "示例：更衣室的灯坏了")),
        step(on(4, 9), |cast| {
            let because = text("示例：已修好，不构成隐患")?;
            on_concern(cast, DECLINED, ConcernCommand::Decline(Decline { because }))
        }),
        step(on(6, 6), |cast| raise(cast, WAITS, &Secret::generate()?, "示例：三号绞车制动不灵")),
    ]
}

fn raise(cast: &mut Cast, name: &str, secret: &Secret, words: &str) -> Result<()> {
    let stream = StreamId::new(StreamKind::Concern, Id::random()?);
    let key = secret.concern_key(cast.office.ledger().origin(), &stream)?;
    let raise = Raise {
        enterprise: cast.stream(HALF)?,
        place: Some(text("示例地点")?),
        words: text(words)?,
        contact: None,
        key: key.vkey(),
    };
    let command = Command::Concern(ConcernCommand::Raise(raise));
    let request = Request { id: CommandId(Id::random()?), stream: Some(stream), command };
    cast.office.execute(&request, &[&key])?;
    cast.name(name, stream);
    Ok(())
}

fn answer(cast: &Cast, name: &str, words: &str) -> Result<()> {
    on_concern(cast, name, ConcernCommand::Answer(Words { words: text(words)? }))
}

fn on_concern(cast: &Cast, name: &str, command: ConcernCommand) -> Result<()> {
    cast.act(name, Command::Concern(command), &[HALF])?;
    Ok(())
}
