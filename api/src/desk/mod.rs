//! The workbench: one place where everybody who signs events works. Server-rendered, complete without a script, in Chinese
//! and English, on a telephone and on a desk.
//!
//! A form is made of the schema of its command, and whether a command is lawful now is asked of the decider itself: pages know
//! no rule of the domain, so they can't contradict one.

pub(crate) mod accounts;
pub(crate) mod act;
pub(crate) mod bundle;
pub(crate) mod case;
pub(crate) mod chart;
mod digest;
pub(crate) mod figures;
mod files;
mod form;
mod frame;
pub(crate) mod help;
pub(crate) mod home;
pub(crate) mod import;
pub(crate) mod inside;
mod lawful;
pub(crate) mod live;
pub(crate) mod me;
mod meanwhile;
pub(crate) mod openid;
#[cfg(feature = "pdf")]
pub(crate) mod papers;
mod people;
pub(crate) mod plans;
pub(crate) mod profile;
mod queues;
pub(crate) mod reads;
#[cfg(feature = "pdf")]
pub(crate) mod records;
pub(crate) mod rulebook;
mod sent;
pub(crate) mod share;
pub(crate) mod sign_in;
pub(crate) mod stream;
pub(crate) mod summary;
pub(crate) mod system;
pub(crate) mod table;
pub(crate) mod telephone;
mod told;
pub(crate) mod trace;
#[cfg(feature = "pdf")]
pub(crate) mod transfer;
pub(crate) mod views;
pub(crate) mod vouchers;
pub(crate) mod waiting;
pub(crate) mod wall;
mod words;

use axum::http::header;
use axum::response::IntoResponse;

pub(crate) use queues::anything_waits;

/// How the workbench looks
///
/// 工作台样式。
#[utoipa::path(get, path = "/desk.css", tag = "desk", responses((status = 200, description = "CSS")))]
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../templates/desk/desk.css"))
}
