//! The cash desk: what a voucher is worth, without a name and without the case.

use std::sync::Arc;

use adit_core::id::StreamId;
use adit_core::reward::{Status, voucher_key};
use adit_core::role::Role;
use adit_core::secret::voucher_hash;
use adit_core::units::Fen;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Answered, Shared, blocking, ok};
use crate::access::Reader;
use crate::app::App;
use crate::extract::{Json, SignedIn};
use crate::problem::{ApiRefusal, Problem, unreadable};

/// A voucher that somebody shows.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Voucher {
    /// The code, however it is spelled.
    code: String,
}

/// What a voucher is worth
///
/// 查验领奖凭证：财务凭凭证号查金额和状态，不知道是哪件举报、是谁。
///
/// Paying it is the command `reward.pay`, with the amount and the hash given here.
#[utoipa::path(post, path = "/api/v1/vouchers", tag = "commands",
    request_body = ref("#/components/schemas/Voucher"),
    responses((status = 200, description = "reward, status, amount_yuan, voucher_hash"), (status = 403, description = "api.forbidden"),
        (status = 404, description = "api.not_found")))]
pub(crate) async fn voucher(
    State(app): Shared,
    SignedIn { reader, .. }: SignedIn,
    Json(voucher): Json<Voucher>,
) -> Answered {
    let worker = Arc::clone(&app);
    let worth = blocking(move || worth(&worker, &reader, &voucher.code)).await?;
    Ok(ok(
        &json!({ "reward": worth.reward, "status": worth.status, "amount_yuan": worth.amount, "voucher_hash": worth.hash }),
    ))
}

/// What a voucher is worth, and where it is paid.
pub(crate) struct Worth {
    pub(crate) reward: StreamId,
    /// Of the share that the voucher is for; those of joint reporters are paid one by one.
    pub(crate) status: Status,
    /// Still to be paid; what was paid, where all of it was.
    pub(crate) amount: Fen,
    pub(crate) hash: String,
}

/// Looks a voucher up for finance, for the API and the pages alike.
pub(crate) fn worth(app: &App, reader: &Reader, code: &str) -> Result<Worth, Problem> {
    if !reader.roles.contains(&Role::Finance) {
        return Err(ApiRefusal::Forbidden.into());
    }
    let hash = voucher_hash(code);
    let found = app.office.find(&voucher_key(&hash)).map_err(|error| unreadable(&error))?;
    let reward = found.ok_or(ApiRefusal::NotFound)?;
    let state = app.office.reward(reward).map_err(|error| unreadable(&error))?;
    let share = state.vouchers.get(&hash).ok_or(ApiRefusal::NotFound)?;
    let payable = state.payable_for(share);
    let paid = state.paid_to.get(share).copied().unwrap_or_default();
    let (status, amount) = match state.status {
        Status::Notified | Status::Claimed if payable > Fen::ZERO => (Status::Claimed, payable),
        Status::Notified | Status::Claimed if paid > Fen::ZERO => (Status::Paid, paid),
        Status::Absent
        | Status::Assessed
        | Status::Approved
        | Status::Notified
        | Status::Claimed
        | Status::Paid
        | Status::Forfeited
        | Status::Waived
        | Status::Denied => (state.status, if payable > Fen::ZERO { payable } else { paid }),
    };
    Ok(Worth { reward, status, amount, hash })
}
