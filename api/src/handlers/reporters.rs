//! What a client needs that keeps a reporter's secret by itself: whom to seal to, and what became of the report. No account, and nothing of
//! the secret but a signature.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adit_core::event::{Event, Fact};
use adit_core::id::StreamId;
use adit_core::ledger::vkey::{ED25519, VKey};
use adit_core::report::{self, Blob, Holds, Invite, case_number, correspondent, intake, reporter_key};
use adit_core::reward;
use adit_core::units::{Fen, Position};
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::log::SEALED_TO;
use super::pickups::point;
use super::{Answered, Shared, blocking, ok};
use crate::app::App;
use crate::extract::Json;
use crate::intake::Purpose;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::reporter::report::officers;

/// A challenge that was signed with the key of a report.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mine {
    /// Public half of the key that signs, 64 hexadecimal digits.
    pub(crate) key: String,
    /// The text of `/api/v1/challenge` as a note, signed under the name `<origin>/reporter`.
    pub(crate) note: String,
}

/// A stamp to show work with, for going ahead where many come at once
///
/// 排队凭证：找一个数，使 `BLAKE3(stamp + "." + 数)` 的开头至少有 `bits` 个零位，随请求放在 `Adit-Work` 头里送回，拥挤时排在前面。不做也照收。
///
/// Whoever finds a number for which BLAKE3 of `stamp`, a full stop and the number begins with `bits` zero bits sends those in the header
/// `Adit-Work` with uploads and entries, and goes ahead of those without. It is of no use but where many wait: nothing is refused for want of it.
#[utoipa::path(get, path = "/api/v1/work", tag = "reports",
    responses((status = 200, description = "stamp; bits; requests: how many it takes ahead; hours: how long it counts")))]
pub(crate) async fn work(State(app): Shared) -> Answered {
    let stamp =
        app.intake.stamp(Purpose::Work, app.office.ledger().now()).map_err(|error| unreadable(&error))?;
    let limits = &app.intake.limits;
    let (bits, requests, hours) = (limits.work_bits, limits.work_requests, limits.stamp_hours);
    Ok(ok(&json!({ "stamp": stamp, "bits": bits, "requests": requests, "hours": hours })))
}

/// Whom a report is sealed to, and from whom it can be kept
///
/// 受理和托管的封存公钥（与 `/log/keys` 相同），以及可以提出回避的工作人员。
///
/// Every recipient stands at `/log/keys` too, with its key. Leave out those whom the reporter excludes; seal to all others, and to nobody
/// where no `clerk` is left.
#[utoipa::path(get, path = "/api/v1/intake", tag = "reports",
    responses((status = 200, description = "origin; recipients: actor, key, age, role; officers: actor, title")))]
pub(crate) async fn recipients(State(app): Shared) -> Answered {
    blocking(move || {
        let ledger = app.office.ledger();
        let (keys, size) = (ledger.keys(), ledger.size());
        let told = keys.recipients(size).filter_map(|(key, age)| {
            let role = SEALED_TO.into_iter().find(|role| keys.roles(key).contains(role))?;
            Some(json!({ "actor": keys.actor_of(key), "key": key, "age": age, "role": role }))
        });
        let recipients: Vec<Value> = told.collect();
        let officers = officers(&app)?;
        let officers: Vec<Value> =
            officers.iter().map(|(actor, title)| json!({ "actor": actor, "title": title })).collect();
        Ok(ok(&json!({ "origin": ledger.origin(), "recipients": recipients, "officers": officers })))
    })
    .await
}

/// What became of a report, for whoever holds its key
///
/// 查询自己的举报：用举报密钥签署 `/api/v1/challenge` 的文本，不发送口令，也没有账号。信件以密文给出，由客户端自行打开。
#[utoipa::path(post, path = "/api/v1/my", tag = "reports",
    request_body = ref("#/components/schemas/Mine"),
    responses((status = 200, description = "report, number, position, status, clocks, missed, disputed, testimony, letters, rewards, recipients, joint"),
        (status = 401, description = "api.bad_challenge"), (status = 404, description = "reporter.unknown_secret")))]
pub(crate) async fn mine(State(app): Shared, Json(asked): Json<Mine>) -> Answered {
    let probe = holder(&app, &asked)?;
    let ledger = app.office.ledger();
    if let Some(last) = ledger.size().checked_sub(1) {
        // Rewards are found in the read models; they follow the ledger within moments.
        let _ = app.projector.wait_for(Position(last)).await;
    }
    let worker = Arc::clone(&app);
    blocking(move || found(&worker, &probe).map(|value| ok(&value))).await
}

/// The key that signed the challenge.
pub(crate) fn holder(app: &App, asked: &Mine) -> Result<VKey, Problem> {
    let key = point(&asked.key).ok_or(ApiRefusal::BadKey)?;
    let ledger = app.office.ledger();
    let probe =
        VKey::new(&format!("{}/reporter", ledger.origin()), ED25519, key).ok_or(ApiRefusal::BadKey)?;
    let signed =
        app.challenges.check(&asked.note, ledger.origin(), std::slice::from_ref(&probe), ledger.now());
    signed.ok_or(ApiRefusal::BadChallenge)?;
    Ok(probe)
}

/// The report of a key that is in force, and the key as it signs there.
pub(crate) fn report_of(app: &App, key: &VKey) -> Result<(StreamId, VKey), Problem> {
    let unknown = || Problem {
        status: ApiRefusal::NotFound.status(),
        refusal: adit_core::refusal::Refusal::new("reporter.unknown_secret"),
    };
    let stream = app.office.find(&reporter_key(key))?.ok_or_else(unknown)?;
    let name = format!("{}/{stream}", app.office.ledger().origin());
    let own = VKey::new(&name, ED25519, *key.key()).ok_or_else(unknown)?;
    let in_force = app.office.report(stream)?.keys.contains(&own.to_string());
    if in_force { Ok((stream, own)) } else { Err(unknown()) }
}

fn found(app: &App, key: &VKey) -> Result<Value, Problem> {
    let (stream, own) = report_of(app, key)?;
    let own = own.to_string();
    let ledger = app.office.ledger();
    let state = app.office.report(stream)?;
    let facts = ledger.stream(&stream).map_err(|error| unreadable(&error))?;
    let sealed = Sealed::of(app, &facts, &state, &own);
    let told = state.report.as_ref().and_then(|report| report.testimony.as_ref());
    let letters: Vec<Value> = facts.iter().flat_map(|fact| letters(&sealed, fact)).collect();
    let rewards = app.projector.read(|all| all.rewards.of_report(&stream));
    let rewards: Result<Vec<Option<Value>>, Problem> =
        rewards.into_iter().map(|reward| share(app, reward, &state, &own)).collect();
    let office = intake(&ledger.keys(), ledger.size(), &state.excluded);
    Ok(json!({
        "report": stream,
        "number": case_number(&stream),
        "position": facts.first().map(|fact| fact.position),
        "status": state.status,
        "clocks": state.clocks,
        "missed": state.missed,
        "disputed": state.disputed,
        "testimony": told.filter(|blob| sealed.is_mine(blob)).map(|blob| sealed.given(blob)),
        "letters": letters,
        "rewards": rewards?.into_iter().flatten().collect::<Vec<_>>(),
        "recipients": correspondent(&state, &own, &office),
        "joint": joint(&state, &own),
    }))
}

/// How many report together, and what the first of them gave out.
fn joint(state: &report::State, own: &str) -> Value {
    let first = state.first.as_deref() == Some(own);
    let open = state.open_invitations().filter(|_| first);
    let said = |invite: &Invite| json!({ "key": invite.key, "number": invite.number });
    json!({ "reporters": state.reporters, "first": first, "invitations": open.map(said).collect::<Vec<_>>() })
}

/// Sealed texts as they are given out.
pub(crate) struct Sealed<'a> {
    app: &'a App,
    /// What was sealed again to the reporter, by the hash of what it is a copy of.
    copies: BTreeMap<String, String>,
    /// age recipients of joint reporters.
    others: BTreeSet<String>,
    own: Option<String>,
}

impl<'a> Sealed<'a> {
    pub(crate) fn of(app: &'a App, facts: &[Fact], state: &report::State, own: &str) -> Self {
        let of_others = state.recipients.iter().filter(|(key, _)| *key != own).map(|(_, age)| age.clone());
        let (others, own) = (of_others.collect(), state.recipients.get(own).cloned());
        Self { app, copies: crate::reporter::case::copies(facts), others, own }
    }

    /// What was sealed to a joint reporter and not to this one is none of theirs, its size neither.
    pub(crate) fn is_mine(&self, blob: &Blob) -> bool {
        let sealed_to = |age: &String| blob.recipients.iter().any(|one| one.as_str() == age);
        self.own.as_ref().is_some_and(sealed_to) || !self.others.iter().any(sealed_to)
    }

    /// The hash of the file or of its copy.
    fn hash<'b>(&'b self, blob: &'b Blob) -> &'b str {
        self.copies.get(blob.blob.as_str()).map_or(blob.blob.as_str(), String::as_str)
    }

    /// The age file itself in base64, where it was not erased.
    pub(crate) fn file(&self, blob: &Blob) -> Option<String> {
        let file = self.app.office.ledger().blobs()?.read(self.hash(blob)).ok()?;
        Some(STANDARD.encode(file))
    }

    fn given(&self, blob: &Blob) -> Value {
        json!({ "blob": self.hash(blob), "age": self.file(blob) })
    }
}

/// Texts that were exchanged; copies stand for what they are copies of.
fn letters(sealed: &Sealed<'_>, fact: &Fact) -> Vec<Value> {
    let Event::Report(event) = &fact.event else { return Vec::new() };
    let kind = adit_core::decider::StreamEvent::kind(event);
    let texts =
        event.blobs().into_iter().filter(|(holds, blob)| *holds == Holds::Message && sealed.is_mine(blob));
    let letter = |(_, blob): (Holds, &Blob)| {
        let from = if fact.by.is_empty() { "reporter" } else { "office" };
        json!({ "kind": kind, "on": fact.at.day(), "from": from, "sealed": sealed.given(blob) })
    };
    texts.map(letter).collect()
}

/// The share of a reporter in a reward of which they were told.
fn share(app: &App, stream: StreamId, report: &report::State, own: &str) -> Result<Option<Value>, Problem> {
    let state = app.office.reward(stream)?;
    if matches!(state.status, reward::Status::Absent | reward::Status::Assessed | reward::Status::Approved) {
        return Ok(None);
    }
    let Some(assessed) = &state.assessed else { return Ok(None) };
    let nth = report.claims.get(own).copied();
    let found = nth.and_then(|nth| assessed.claim_keys.get(nth).zip(assessed.shares_yuan.get(nth)));
    let Some((key, amount)): Option<(&String, &Fen)> = found else { return Ok(None) };
    Ok(Some(json!({
        "reward": stream,
        "status": state.status,
        "amount_yuan": amount,
        "claim_due": state.claim_due,
        "claimed": state.claimed.contains(key),
        "given_up": state.fallen_back.contains(key),
        "reasons": assessed.reasons,
    })))
}
