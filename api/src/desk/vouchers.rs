//! The cash desk: a voucher is shown, its amount is paid; neither a name nor the case is known here.

use askama::Template;
use axum::extract::{Form, RawQuery};
use axum::http::StatusCode;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::frame::{Desk, Frame, Shown, just_recorded, render};
use super::told::option;
use crate::handlers::blocking;
use crate::handlers::vouchers::worth;
use crate::problem::{ApiRefusal, Problem};

struct Found {
    status: String,
    amount: String,
    pay_at: String,
}

#[derive(Template)]
#[template(path = "desk/vouchers.html")]
struct Vouchers {
    frame: Frame,
    found: Option<Found>,
    refusal: String,
}

/// The cash desk
///
/// 领奖凭证查验。
#[utoipa::path(get, path = "/desk/vouchers", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden")))]
pub(crate) async fn form(desk: Desk, RawQuery(query): RawQuery) -> Shown {
    if !desk.reader.roles.contains(&adit_core::role::Role::Finance) {
        return Err(ApiRefusal::Forbidden.into());
    }
    let frame = Frame::of(&desk).after(just_recorded(query.as_deref()));
    render(&Vouchers { frame, found: None, refusal: String::new() })
}

#[derive(Deserialize)]
pub(crate) struct Shows {
    code: Zeroizing<String>,
}

/// What a voucher is worth
///
/// 查验一张凭证：只显示金额和状态。
#[utoipa::path(post, path = "/desk/vouchers", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 404, description = "There is no such voucher")))]
pub(crate) async fn show(desk: Desk, Form(shown): Form<Shows>) -> Shown {
    let worker = move || {
        let found = worth(&desk.app, &desk.reader, &shown.code);
        Ok((found, desk))
    };
    let (found, desk) = blocking(worker).await?;
    match found {
        Ok(worth) => {
            let status = serde_json::to_value(worth.status).unwrap_or_default();
            let amount = worth.amount.to_string();
            let query = serde_urlencoded::to_string([
                ("stream", &*worth.reward.to_string()),
                ("amount_yuan", &amount),
                ("voucher_hash", &worth.hash),
            ]);
            let pay_at = format!("/desk/do/reward.pay?{}&back=%2Fdesk%2Fvouchers", query.unwrap_or_default());
            let payable = worth.status == adit_core::reward::Status::Claimed;
            let found = Found {
                status: option(desk.w, "reward_status", status.as_str().unwrap_or_default()),
                amount,
                pay_at: if payable { pay_at } else { String::new() },
            };
            render(&Vouchers { frame: Frame::of(&desk), found: Some(found), refusal: String::new() })
        }
        Err(problem) if problem.status == StatusCode::NOT_FOUND => {
            let refusal = desk.w.t("vouchers.none").to_owned();
            let mut response = render(&Vouchers { frame: Frame::of(&desk), found: None, refusal })?;
            *response.status_mut() = Problem::from(ApiRefusal::NotFound).status;
            Ok(response)
        }
        Err(problem) => Err(problem.into()),
    }
}
