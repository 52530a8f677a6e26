//! The transfer sheet of a report: chosen facts for the authority that is competent, and no way for anything else onto it.
//!
//! Nothing is typed but the authority's name: enterprise, criterion items and hazards are chosen from what the ledger holds by others'
//! hands, so that neither the reporter's words nor who they are can stand on it. That it was made is recorded before it leaves.

use adit_core::access::{AccessCommand, Export};
use adit_core::command::{Command, Request};
use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::vkey::hex;
use adit_core::refusal::Refusal;
use adit_core::report::case_number;
use adit_core::role::Role;
use adit_core::rules::criteria;
use adit_core::text::{Short, Text};
use adit_core::units::Day;
use adit_projections::Filter;
use askama::Template;
use axum::extract::{Form, Path};
use serde_json::Value;

use super::act::enterprise_named;
use super::frame::{Desk, Frame, Shown, render, stream_address};
use super::papers::pdf;
use super::stream::{heading, rows};
use super::told::option;
use crate::handlers::blocking;
use crate::paper::{self, TransferSheet, Transferred};
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Who transfers.
const MAKERS: [Role; 3] = [Role::Clerk, Role::Handler, Role::Approver];
/// Criterion items on one sheet.
const ITEMS_MAX: usize = 3;

/// What was chosen.
#[derive(Clone, Default)]
struct Chosen {
    authority: String,
    enterprise: String,
    items: Vec<String>,
    hazards: Vec<String>,
    reply_by: String,
}

impl Chosen {
    fn of(sent: Vec<(String, String)>) -> Self {
        let mut chosen = Self::default();
        for (name, value) in sent {
            let value = value.trim().to_owned();
            match name.as_str() {
                "authority" => chosen.authority = value,
                "enterprise" => chosen.enterprise = value,
                "item" if !value.is_empty() => chosen.items.push(value),
                "hazard" => chosen.hazards.push(value),
                "reply_by" => chosen.reply_by = value,
                _ => {}
            }
        }
        chosen
    }
}

#[derive(Template)]
#[template(path = "desk/transfer.html")]
struct TransferPage {
    frame: Frame,
    about: String,
    path: String,
    back: String,
    matter: String,
    chosen: Chosen,
    /// Places for criterion items.
    items: Vec<String>,
    criteria: Vec<(String, String)>,
    /// Hazards that are linked with the report: id, what they are called, and whether chosen.
    hazards: Vec<(String, String, bool)>,
    refusal: String,
    record_at: String,
}

/// The form of a transfer sheet
///
/// 移送单：只从台账已有的事实中选择，不能填写举报人的原话和身份。
#[utoipa::path(get, path = "/desk/reports/{id}/transfer", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found")))]
pub(crate) async fn form(desk: Desk, Path(id): Path<String>) -> Shown {
    let report = of(&desk, &id)?;
    render(&blocking(move || page(&desk, report, Chosen::default(), None)).await?)
}

/// Make a transfer sheet
///
/// 制作移送单 PDF：先记入台账，再给出。
#[utoipa::path(post, path = "/desk/reports/{id}/transfer", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, description = "PDF"), (status = 403, description = "api.forbidden"),
        (status = 404, description = "api.not_found"), (status = 409, description = "api.key_elsewhere"),
        (status = 422, description = "What does not fit; nothing typed is lost")))]
pub(crate) async fn make(
    desk: Desk,
    Path(id): Path<String>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Shown {
    let report = of(&desk, &id)?;
    let chosen = Chosen::of(sent);
    let worker = move || match sheet(&desk, report, &chosen) {
        Ok(bytes) => Ok(Ok(bytes)),
        Err(problem) if problem.status.is_server_error() => Err(problem),
        Err(problem) => {
            let status = problem.status;
            page(&desk, report, chosen, Some(&problem)).map(|page| Err((Box::new(page), status)))
        }
    };
    match blocking(worker).await? {
        Ok(bytes) => Ok(pdf("transfer", bytes)),
        Err((page, status)) => {
            let mut response = render(&*page)?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

/// Whether whoever reads makes transfer sheets.
pub(super) fn may(desk: &Desk) -> bool {
    desk.reader.may_read(StreamKind::Report) && MAKERS.iter().any(|role| desk.reader.roles.contains(role))
}

/// The report, for whoever transfers and from whom it is not kept.
fn of(desk: &Desk, id: &str) -> Result<StreamId, Problem> {
    let report = crate::handlers::sealed::report_of(&desk.app, &desk.reader, id)?;
    if !may(desk) {
        return Err(ApiRefusal::Forbidden.into());
    }
    if desk.app.office.ledger().stream(&report).map_err(|error| unreadable(&error))?.is_empty() {
        return Err(ApiRefusal::NotFound.into());
    }
    Ok(report)
}

/// What the docket says of the report.
fn docket(desk: &Desk, report: StreamId) -> Result<Value, Problem> {
    let only = Filter { stream: Some(report), ..Filter::default() };
    Ok(rows(desk, "docket", only)?.into_iter().next().unwrap_or_default())
}

fn linked(row: &Value) -> Vec<StreamId> {
    let hazards = row.get("hazards").and_then(Value::as_array).into_iter().flatten();
    hazards.filter_map(|hazard| hazard.as_str()?.parse().ok()).collect()
}

fn page(
    desk: &Desk,
    report: StreamId,
    chosen: Chosen,
    refused: Option<&Problem>,
) -> Result<TransferPage, Problem> {
    let row = docket(desk, report)?;
    let matter = row.get("matter").and_then(Value::as_str).unwrap_or_default();
    let hazards = linked(&row).into_iter().map(|hazard| {
        let id = hazard.to_string();
        let is_chosen = chosen.hazards.contains(&id);
        (id, heading(desk, &hazard), is_chosen)
    });
    let mut items = chosen.items.clone();
    items.resize(ITEMS_MAX, String::new());
    let criteria = criteria::all().iter().filter(|item| item.is_selectable());
    Ok(TransferPage {
        about: case_number(&report),
        path: format!("/desk/reports/{}/transfer", report.id),
        back: stream_address(&report.to_string()),
        matter: option(desk.w, "matter", matter),
        items,
        criteria: criteria.map(|item| (item.code.to_owned(), item.text_zh.to_owned())).collect(),
        hazards: hazards.collect(),
        refusal: refused.map(|problem| desk.w.refusal(&problem.refusal)).unwrap_or_default(),
        record_at: format!("/desk/do/report.transfer?stream={report}"),
        chosen,
        frame: Frame::of(desk),
    })
}

/// Sets the sheet, records that it goes out, and gives it back.
fn sheet(desk: &Desk, report: StreamId, chosen: &Chosen) -> Result<Vec<u8>, Problem> {
    let (app, w) = (&desk.app, desk.w);
    let key = desk.session.key.as_deref().ok_or(ApiRefusal::KeyElsewhere)?;
    let authority: Short = Text::new(&chosen.authority).map_err(|_| Refusal::new("transfer.authority"))?;
    let enterprise = enterprise_named(desk, &chosen.enterprise)?;
    let reply_by: Option<Day> = match chosen.reply_by.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| Refusal::new("transfer.reply_by"))?),
    };
    let items: Option<Vec<_>> = chosen.items.iter().map(|code| criteria::get(code)).collect();
    let items = items.ok_or_else(|| Refusal::new("transfer.item"))?;
    let row = docket(desk, report)?;
    let known = linked(&row);
    let hazards: Vec<StreamId> =
        known.into_iter().filter(|hazard| chosen.hazards.contains(&hazard.to_string())).collect();
    let profile = match enterprise {
        Some(enterprise) => {
            let only = Filter { stream: Some(enterprise), ..Filter::default() };
            rows(desk, "enterprises", only)?.into_iter().next()
        }
        None => None,
    };
    let said = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut told = Vec::new();
    for hazard in &hazards {
        let only = Filter { stream: Some(*hazard), ..Filter::default() };
        let row = rows(desk, "register", only)?.into_iter().next().unwrap_or_default();
        told.push(Transferred {
            hazard: hazard.to_string(),
            place: said(&row, "place"),
            description: said(&row, "description"),
            state: w.label(&said(&row, "status")),
        });
    }
    let ledger = app.office.ledger();
    let shows = TransferSheet {
        authority: authority.to_string(),
        number: case_number(&report),
        matter: option(w, "matter", &said(&row, "matter")),
        enterprise: profile.as_ref().map(|row| {
            [said(row, "enterprise_name"), said(row, "town"), w.label(&said(row, "sector"))].join(" · ")
        }),
        items: items.iter().map(|item| format!("{} {}", item.code, item.text_zh)).collect(),
        hazards: told,
        reply_by,
        on: ledger.now().day(),
        origin: ledger.origin().to_owned(),
    };
    let made = paper::transfer_sheet(&shows, w.lang())?.pdf;
    let file = Text::new(&hex(blake3::hash(&made).as_bytes())).map_err(|error| unreadable(&error))?;
    let streams = std::iter::once(report).chain(hazards).collect();
    let because = Text::new(&w.fill("transfer.because", &[("authority", authority.as_str())])).ok();
    let export = Export { streams, bodies: 0, size: ledger.size(), file, because };
    let id = CommandId(Id::random().map_err(|error| unreadable(&error))?);
    let request = Request { id, stream: None, command: Command::Access(AccessCommand::Export(export)) };
    app.office.execute(&request, &[key])?;
    Ok(made)
}
