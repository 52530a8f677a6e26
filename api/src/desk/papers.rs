//! What is printed from the workbench: the board that hangs at every mine, and the certificate of a self-report.

use std::fmt::Display;

use adit_core::event::Event;
use adit_core::hazard::{HazardEvent, Origin};
use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::ledger::merkle::leaf_hash;
use adit_core::refusal::Refusal;
use adit_core::role::Role;
use adit_core::rules::criteria;
use adit_core::text::Text;
use adit_core::units::Position;
use askama::Template;
use axum::extract::{Form, Path};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::frame::{Desk, Frame, Shown, not_found, render};
use super::people;
use crate::handlers::blocking;
use crate::paper::{
    Address, Certificate, InsideNotice, PaperError, Poster, Proof, Size, certificate, inside_notice, poster,
};
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Who makes boards.
const MAKERS: [Role; 4] = [Role::Clerk, Role::Handler, Role::Approver, Role::Admin];

#[derive(Template)]
#[template(path = "desk/poster.html")]
struct PosterPage {
    frame: Frame,
    typed: Typed,
    refusal: String,
}

/// What a board says besides the rules and the keys.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct Typed {
    #[serde(default)]
    address: String,
    #[serde(default)]
    size: String,
    #[serde(default)]
    telephone: String,
    #[serde(default)]
    letters: String,
}

impl From<PaperError> for Problem {
    fn from(error: PaperError) -> Self {
        match error {
            PaperError::Refused(refusal) => refusal.into(),
            PaperError::Template { .. } | PaperError::Code | PaperError::Data(_) => unreadable(&error),
        }
    }
}

/// A PDF to be saved; its name is ours.
pub(super) fn pdf(name: &str, bytes: Vec<u8>) -> Response {
    let named = format!("attachment; filename=\"{name}.pdf\"");
    (
        StatusCode::OK,
        [(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, named)],
        bytes,
    )
        .into_response()
}

fn maker(desk: &Desk) -> Result<(), Problem> {
    let may = MAKERS.iter().any(|role| desk.reader.roles.contains(role));
    if may { Ok(()) } else { Err(ApiRefusal::Forbidden.into()) }
}

/// The address by which this page was asked for.
pub(super) fn own_address(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("https://{host}")
}

/// The board of rewards
///
/// 举报奖励公告牌：填写地址，生成 PDF。
#[utoipa::path(get, path = "/desk/poster", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden")))]
pub(crate) async fn poster_form(desk: Desk, headers: HeaderMap) -> Shown {
    maker(&desk)?;
    let typed = Typed { address: own_address(&headers), ..Typed::default() };
    render(&PosterPage { frame: Frame::of(&desk), typed, refusal: String::new() })
}

/// Make the board
///
/// 生成公告牌 PDF。
#[utoipa::path(post, path = "/desk/poster", tag = "desk",
    responses((status = 200, description = "PDF"), (status = 422, description = "poster.…: what does not fit on it")))]
pub(crate) async fn make_poster(desk: Desk, Form(typed): Form<Typed>) -> Shown {
    maker(&desk)?;
    let worker = move || {
        let made = board(&desk, &typed);
        Ok((made, desk, typed))
    };
    let (made, desk, typed) = blocking(worker).await?;
    match made {
        Ok(bytes) => Ok(pdf("poster", bytes)),
        Err(problem) if problem.status.is_server_error() => Err(problem.into()),
        Err(problem) => {
            let refusal = desk.w.refusal(&problem.refusal);
            let mut response = render(&PosterPage { frame: Frame::of(&desk), typed, refusal })?;
            *response.status_mut() = problem.status;
            Ok(response)
        }
    }
}

fn board(desk: &Desk, typed: &Typed) -> Result<Vec<u8>, Problem> {
    let address: Address = typed.address.parse()?;
    let asked = Poster {
        address,
        size: if typed.size == Size::A4.name() { Size::A4 } else { Size::A3 },
        lang: desk.w.lang(),
        place: None,
        on: None,
        telephone: line(&typed.telephone)?,
        letters: line(&typed.letters)?,
    };
    Ok(poster(&desk.app.office, &asked)?.pdf)
}

/// A text of one line; none where nothing is typed.
fn line<const MAX: usize>(text: &str) -> Result<Option<Text<MAX>>, Refusal> {
    match text.trim() {
        "" => Ok(None),
        text => Text::new(text).map(Some).map_err(|_| ApiRefusal::WrongValue.into()),
    }
}

/// The notice of an enterprise's internal channel
///
/// 内部报告告示：扫码直达本企业的内部报告渠道，并写明应急管理局另有举报渠道。
#[utoipa::path(get, path = "/desk/inside/notice", tag = "desk",
    responses((status = 200, description = "PDF"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found: the channel is not open")))]
pub(crate) async fn inside(desk: Desk, headers: HeaderMap) -> Shown {
    let host = own_address(&headers);
    Ok(pdf("internal-reports", blocking(move || internal(&desk, &host)).await?))
}

fn internal(desk: &Desk, host: &str) -> Result<Vec<u8>, Problem> {
    let own = desk.reader.acts_for.filter(|_| desk.reader.is_enterprise()).ok_or(ApiRefusal::Forbidden)?;
    let state = desk.app.office.enterprise(own).map_err(|error| unreadable(&error))?;
    let rewards = state.channel.ok_or(ApiRefusal::NotFound)?;
    let shows = InsideNotice {
        enterprise: people::enterprise(&desk.app, &own),
        rewards: rewards.to_string(),
        host: host.parse()?,
        path: super::inside::address(&own),
    };
    Ok(inside_notice(&shows, desk.w.lang())?.pdf)
}

/// The certificate of a self-report
///
/// 自查上报证明：所依据的条目、位置和叶哈希，任何人可以核验。
#[utoipa::path(get, path = "/desk/certificates/{id}", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, description = "PDF"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found"),
        (status = 409, description = "api.not_published")))]
pub(crate) async fn self_report(desk: Desk, headers: HeaderMap, Path(id): Path<String>) -> Shown {
    let id: Id = id.parse().map_err(|_| not_found())?;
    let hazard = StreamId::new(StreamKind::Hazard, id);
    let address = own_address(&headers);
    Ok(pdf("certificate", blocking(move || certified(&desk, hazard, &address)).await?))
}

/// What shows that a document rests on the entry at this position.
pub(super) fn proof(desk: &Desk, position: Position, address: &str) -> Result<Proof, Problem> {
    let ledger = desk.app.office.ledger();
    let stored = ledger.stored(position).map_err(|error| unreadable(&error))?.ok_or(ApiRefusal::NotFound)?;
    Ok(Proof {
        address: address.parse()?,
        origin: ledger.origin().to_owned(),
        position,
        leaf: leaf_hash(&stored.entry),
        log_key: ledger.log_key().vkey(),
    })
}

fn certified(desk: &Desk, hazard: StreamId, address: &str) -> Result<Vec<u8>, Problem> {
    let (app, w) = (&desk.app, desk.w);
    let ledger = app.office.ledger();
    let fault = |error: &dyn Display| unreadable(error);
    if !desk.reader.may_read_stream(&app.office, &hazard).map_err(|error| fault(&error))? {
        return Err(ApiRefusal::Forbidden.into());
    }
    let facts = ledger.stream(&hazard).map_err(|error| fault(&error))?;
    let fact = facts.first().ok_or(ApiRefusal::NotFound)?;
    let Event::Hazard(HazardEvent::Reported(report)) = &fact.event else {
        return Err(ApiRefusal::NotFound.into());
    };
    if report.origin != Origin::SelfInspection {
        return Err(ApiRefusal::NotFound.into());
    }
    super::records::published(desk, fact)?;
    let only = adit_projections::Filter { stream: Some(hazard), ..adit_projections::Filter::default() };
    let row = super::stream::rows(desk, "register", only)?.into_iter().next().unwrap_or_default();
    let text = |name: &str| row.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let item = [text("criterion"), text("proposed_criterion")].into_iter().find_map(criteria::get);
    let shows = Certificate {
        enterprise: people::enterprise(app, &report.enterprise),
        hazard: hazard.to_string(),
        place: report.place.to_string(),
        description: report.description.to_string(),
        criterion: item.map(|item| format!("{} {}", item.code, item.text_zh)),
        found_on: report.found_on,
        reported_on: fact.at.day(),
        state: w.label(text("status")),
        proof: proof(desk, fact.position, address)?,
    };
    Ok(certificate(&shows, w.lang())?.pdf)
}
