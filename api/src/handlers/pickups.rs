//! Reports by telephone, letter and visit: a clerk takes them down, and their reporters bring the code.

use std::collections::BTreeSet;
use std::sync::Arc;

use adit_core::id::{ActorId, CommandId, StreamId, StreamKind};
use adit_core::office::Decision;
use adit_core::report::Channel;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroize;

use super::commands::{Sight, answered, recorded, to_sign};
use super::{Answered, Shared, blocking, ok};
use crate::app::App;
use crate::clerk_script;
use crate::extract::{Json, SignedIn};
use crate::pickup::{Own, take_down, unlock};
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::reporter::language::Language;
use crate::reporter::report::{Draft, kinds};

/// How somebody reports who is not online.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TakenBy {
    Telephone,
    Letter,
    Visit,
}

impl From<TakenBy> for Channel {
    fn from(by: TakenBy) -> Self {
        match by {
            TakenBy::Telephone => Self::Telephone,
            TakenBy::Letter => Self::Letter,
            TakenBy::Visit => Self::Visit,
        }
    }
}

/// What somebody tells a clerk.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakeDown {
    /// Of the command: sent again, it is the same report with the same code.
    id: CommandId,
    channel: TakenBy,
    /// `zh` or `en`: in which language to answer.
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    enterprise: String,
    #[serde(default)]
    place: String,
    /// Codes of plain kinds, as the reporter's page has them.
    #[serde(default)]
    kinds: Vec<String>,
    words: String,
    /// Who else must not see it, in the reporter's words.
    #[serde(default)]
    not_to: String,
    #[serde(default)]
    contact: String,
    /// The reporter works for the enterprise, or is close family of somebody who does.
    #[serde(default)]
    insider: bool,
    /// Officers who must not see it.
    #[serde(default)]
    excluded: BTreeSet<ActorId>,
}

/// A one-time code, and the public halves of a secret that the client made and keeps.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    pub(super) id: CommandId,
    /// Case number, twelve digits.
    pub(super) number: String,
    /// One-time code, sixteen digits.
    pub(super) code: String,
    /// Public half of the key that signs, 64 hexadecimal digits.
    key: String,
    /// Public half of the key that claims, 64 hexadecimal digits.
    claim_key: String,
    /// age recipient that reads answers.
    recipient: String,
}

/// Take down a report by telephone, letter or visit
///
/// 代录电话、来信、来访举报：内容在内存中密封，以受理人员的一次性密钥签名；答复编号和 16 位取件码，取件码由受理人员念给举报人。
///
/// The code is kept nowhere. The same id by the same clerk gives the same answer, also when the first one was lost.
#[utoipa::path(post, path = "/api/v1/reports", tag = "reports",
    request_body = ref("#/components/schemas/TakeDown"),
    responses((status = 200, description = "As for a command, with number, code, accept_due"), (status = 403, description = "api.forbidden"),
        (status = 409, description = "api.key_elsewhere"), (status = 422, description = "What is missing or wrong; nothing was written")))]
pub(crate) async fn take(
    State(app): Shared,
    SignedIn { session, reader }: SignedIn,
    Json(told): Json<TakeDown>,
) -> Answered {
    let may = reader.may_command(&app.office, StreamKind::Report, None);
    if !may.map_err(|error| unreadable(&error))? {
        return Err(ApiRefusal::Forbidden.into());
    }
    let key = session.key.clone().ok_or(ApiRefusal::KeyElsewhere)?;
    let w = told.language.as_deref().and_then(Language::named).unwrap_or(Language::Zh);
    let known = |kind: &String| kinds().any(|(code, _)| code == kind);
    let draft = Draft {
        enterprise: told.enterprise,
        place: told.place,
        kinds: told.kinds.into_iter().filter(known).collect(),
        excluded: told.excluded,
        not_to: told.not_to,
        words: told.words,
        contact: told.contact,
        insider: told.insider,
        files: Vec::new(),
        stamp: String::new(),
    };
    let (id, channel) = (told.id, told.channel.into());
    let worker = Arc::clone(&app);
    let taken = blocking(move || take_down(&worker, &key, id, channel, w, &draft)).await?;
    if let Some(last) = taken.answer.positions.last() {
        // Whoever wrote reads their own write.
        let _ = app.projector.wait_for(*last).await;
    }
    blocking(move || {
        let mut value = recorded(&app, &taken.answer, Sight::of(&reader))?;
        value["number"] = json!(taken.number);
        value["code"] = json!(taken.code.text().as_str());
        value["accept_due"] = json!(taken.accept_due);
        Ok(ok(&value))
    })
    .await
}

/// The words that a clerk reads aloud
///
/// 受理人员念给举报人听的话，一步一句。
#[utoipa::path(get, path = "/api/v1/reports/script", tag = "reports", params(("lang" = Option<String>, Query, description = "zh or en")),
    responses((status = 200, description = "steps: step, when, say"), (status = 403, description = "api.forbidden")))]
pub(crate) async fn script(
    SignedIn { reader, .. }: SignedIn,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answered {
    if !reader.may_read(StreamKind::Report) {
        return Err(ApiRefusal::Forbidden.into());
    }
    let steps = clerk_script::steps(Language::of(query.as_deref(), &headers));
    Ok(ok(&json!({ "steps": steps })))
}

/// Exchange a one-time code for keys of one's own
///
/// 用编号和取件码换成自己的密钥：答复待签文本，由举报人签名后 `POST /api/v1/append`；台账共同签名。取件码只能用一次，提交签名后才算用掉。
///
/// No sign-in. What was sealed for the code before is sealed again to `recipient`. Each try is answered after the same time.
#[utoipa::path(post, path = "/api/v1/pickup", tag = "reports",
    request_body = ref("#/components/schemas/Exchange"),
    responses((status = 200, description = "As for prepare: pending, stream, texts, bodies, body_hashes, signers"),
        (status = 422, description = "report.wrong_pickup_code, report.already_picked_up, report.pickup_over, api.bad_key"),
        (status = 429, description = "api.too_many_tries")))]
pub(crate) async fn exchange(State(app): Shared, Json(mut asked): Json<Exchange>) -> Answered {
    let unlocked = unlock(&app, &asked.number, &asked.code).await;
    asked.code.zeroize();
    let unlocked = unlocked?;
    let worker = Arc::clone(&app);
    let decision = blocking(move || {
        let own = own(&worker, &unlocked.report, &asked)?;
        unlocked.prepare(&worker, asked.id, &own)
    });
    match decision.await? {
        Decision::Answered(answer) => answered(&app, answer, Sight::Reporter).await,
        Decision::Prepared(prepared) => to_sign(&app, prepared),
    }
}

/// The public halves that a client says, as keys of this report.
pub(super) fn own(app: &App, report: &StreamId, asked: &Exchange) -> Result<Own, Problem> {
    let key = point(&asked.key).ok_or(ApiRefusal::BadKey)?;
    let origin = app.office.ledger().origin();
    let own = Own::said(origin, report, key, &asked.claim_key, &asked.recipient);
    own.ok_or_else(|| ApiRefusal::BadKey.into())
}

/// 32 bytes, hexadecimal.
pub(super) fn point(text: &str) -> Option<[u8; 32]> {
    if !adit_core::ledger::vkey::is_hash(text) {
        return None;
    }
    let mut bytes = [0_u8; 32];
    for (at, slot) in bytes.iter_mut().enumerate() {
        *slot = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
