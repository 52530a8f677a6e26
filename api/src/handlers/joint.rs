//! Joint reports for clients that keep a reporter's secret: the first reporter gives a code out, and whoever has it joins.

use std::sync::Arc;

use adit_core::id::CommandId;
use adit_core::ledger::vkey::VKey;
use adit_core::office::Decision;
use adit_core::refusal::Refusal;
use adit_core::report::OneTimeCode;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use super::commands::{Sight, answered, to_sign};
use super::pickups::{Exchange, own};
use super::reporters::{Mine, holder, report_of};
use super::{Answered, Shared, blocking};
use crate::extract::Json;
use crate::joint::{let_in, prepare_invitation};

/// A code that the first reporter's client made, and a challenge that was signed with the report's key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MadeCode {
    /// Of the command, and the number of the invitation: with the secret it gives the code again.
    id: CommandId,
    /// One-time code, sixteen digits.
    code: String,
    /// Public half of the key that signs, 64 hexadecimal digits.
    key: String,
    /// The text of `/api/v1/challenge` as a note, signed under the name `<origin>/reporter`.
    note: String,
}

impl Drop for MadeCode {
    fn drop(&mut self) {
        self.code.zeroize();
    }
}

/// Give a code out with which somebody joins
///
/// 邀请联名：最先举报的人的客户端生成 16 位邀请码，服务器算出邀请码的密钥并共同签名；答复待签文本，签名后 `POST /api/v1/append`。邀请码不保存。
///
/// The code should follow from the secret (`docs/mini-program.md`), so that its maker can read it again; the server keeps nothing of it.
#[utoipa::path(post, path = "/api/v1/invite", tag = "reports",
    request_body = ref("#/components/schemas/MadeCode"),
    responses((status = 200, description = "As for prepare: pending, stream, texts, bodies, body_hashes, signers"),
        (status = 401, description = "api.bad_challenge"), (status = 404, description = "reporter.unknown_secret"),
        (status = 422, description = "report.needs_first_reporter, report.too_many_reporters, report.reward_assessed, reporter.bad_invitation_code"),
        (status = 429, description = "api.too_many_tries")))]
pub(crate) async fn invite(State(app): Shared, Json(made): Json<MadeCode>) -> Answered {
    let probe = holder(&app, &Mine { key: made.key.clone(), note: made.note.clone() })?;
    let code = OneTimeCode::parse(&made.code).ok_or_else(|| Refusal::new("reporter.bad_invitation_code"))?;
    let (id, worker) = (made.id, Arc::clone(&app));
    let decision = blocking(move || {
        let (report, own): (_, VKey) = report_of(&worker, &probe)?;
        prepare_invitation(&worker, report, &own, id, &code)
    });
    match decision.await? {
        Decision::Answered(answer) => answered(&app, answer, Sight::Reporter).await,
        Decision::Prepared(prepared) => to_sign(&app, prepared),
    }
}

/// Join a report with a code
///
/// 凭编号和邀请码联名：答复待签文本，由联名人签名后 `POST /api/v1/append`；邀请码的密钥共同签名。邀请码只能用一次，提交签名后才算用掉。
///
/// No sign-in. Whoever joins reads what the office answers from then on, and claims their own share. Each try is answered after the same time.
#[utoipa::path(post, path = "/api/v1/join", tag = "reports",
    request_body = ref("#/components/schemas/Exchange"),
    responses((status = 200, description = "As for prepare: pending, stream, texts, bodies, body_hashes, signers"),
        (status = 422, description = "report.wrong_invitation_code, report.invitation_used, report.invitation_withdrawn, report.reward_assessed, report.ended, api.bad_key"),
        (status = 429, description = "api.too_many_tries")))]
pub(crate) async fn join(State(app): Shared, Json(mut asked): Json<Exchange>) -> Answered {
    let code = Zeroizing::new(std::mem::take(&mut asked.code));
    let by_code = let_in(&app, &asked.number, &code).await?;
    let worker = Arc::clone(&app);
    let decision = blocking(move || {
        let own = own(&worker, &by_code.report, &asked)?;
        by_code.prepare(&worker, asked.id, &own)
    });
    match decision.await? {
        Decision::Answered(answer) => answered(&app, answer, Sight::Reporter).await,
        Decision::Prepared(prepared) => to_sign(&app, prepared),
    }
}
