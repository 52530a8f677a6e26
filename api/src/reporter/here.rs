//! "My report" where the secret stays in the browser: the same pages, with what is sealed instead of what was opened, for whoever signs a
//! challenge with the report's key. The script opens what is sealed, fills in the words, and signs what the forms ask for.

use std::sync::Arc;

use adit_core::refusal::Refusal;
use adit_core::units::Position;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;

use super::case::Case;
use super::code::{Purpose, Words};
use super::follow::{Rotate, proof_of, receipt_page, sealed_page};
use super::form::Form;
use super::joint::Sheet;
use super::language::Language;
use crate::app::App;
use crate::handlers::reporters::{Mine, holder};
use crate::handlers::{Answered, Shared, blocking};
use crate::page::render;

/// What a page says was done last.
const DONE: [&str; 9] =
    ["message", "evidence", "retaliation", "disputed", "satisfied", "claim", "waive", "withdraw", "rotate"];

/// A page of a report for whoever keeps its secret
///
/// 浏览器自己保管口令时的“我的举报”：用举报密钥签署 `/api/v1/challenge` 的文本（`key`、`note`），答复同样的网页，内容仍是密文，由脚本在浏览器里打开。
/// `step` 为空查看，`show` 回执，`receipt` 下载回执；`rotate`、`pickup`、`join`、`invitation` 是没有口令的空页，不用签名。
#[utoipa::path(post, path = "/my/here", tag = "reporter",
    responses((status = 200, description = "HTML, or the receipt file"), (status = 401, description = "api.bad_challenge"),
        (status = 404, description = "reporter.unknown_secret")))]
pub(crate) async fn page(
    State(app): Shared,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Form,
) -> Answered {
    let w = Language::named(form.get("lang")).unwrap_or_else(|| Language::of(query.as_deref(), &headers));
    match form.get("step") {
        "rotate" => return render(&Rotate::without(w)?),
        "pickup" => return render(&Words::without(w, Purpose::Pickup)),
        "join" => return render(&Words::without(w, Purpose::Join)),
        "invitation" => return render(&Sheet::without(w)),
        _ => {}
    }
    let probe = holder(&app, &Mine { key: form.get("key").to_owned(), note: form.get("note").to_owned() })?;
    if let Some(last) = app.office.ledger().size().checked_sub(1) {
        // Rewards are found in the read models; they follow the ledger within moments.
        let _ = app.projector.wait_for(Position(last)).await;
    }
    blocking(move || {
        let case = Case::of_key(&app, &probe, w)?;
        answer(&app, &case, w, &form)
    })
    .await
}

fn answer(app: &Arc<App>, case: &Case, w: Language, form: &Form) -> Answered {
    match form.get("step") {
        "show" => render(&receipt_page(app, case, None, w, None)?),
        "receipt" => proof_of(app, case.entered),
        _ => sealed_page(app, case, w, done(w, form.get("done"))),
    }
}

fn done(w: Language, step: &str) -> Option<String> {
    match step {
        "check" => Some(w.t("receipt.well_kept")),
        _ => DONE.contains(&step).then(|| w.t(&format!("did.{step}"))),
    }
}

/// Words of the script, by the codes that it has for them.
pub(super) fn says(w: Language) -> Vec<(&'static str, String)> {
    let rule = |code: &str| w.refusal(&Refusal::new(code));
    let with = |code: &str, name: &str, value: &str| w.refusal(&Refusal::new(code).with(name, value));
    vec![
        ("count", with("secret.count", "found", "{found}")),
        ("unknown_word", with("secret.unknown_word", "word", "{word}")),
        ("checksum", rule("secret.checksum")),
        ("unknown", rule("reporter.unknown_secret")),
        ("nothing_written", rule("reporter.nothing_written")),
        ("hidden_words", with("reporter.hidden_character", "question", "reporter.question_words")),
        ("secret_in_message", rule("reporter.secret_in_message")),
        ("file_tells", with("reporter.file_tells", "name", "{name}")),
        ("file_too_large", rule("reporter.file_too_large")),
        ("files_too_large", w.t("fault.files_too_large")),
        ("too_many", rule("report.too_many")),
        ("nobody_left", rule("reporter.nobody_left")),
        ("locked", w.t("key.locked")),
        ("not_the_words", w.t("receipt.not_the_words")),
        ("offline", w.t("fault.not_arrived")),
        ("strange", w.t("fault.strange")),
        ("broken", w.t("fault.not_here")),
        ("sealing", w.t("look.sealing")),
        ("arrived", w.t("look.arrived")),
        ("waiting", w.t("look.waiting")),
    ]
}
