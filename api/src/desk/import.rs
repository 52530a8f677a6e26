//! Taking over a register at the workbench: upload, columns, preview with what is refused cell by cell, then one press that records it.
//! Until that press nothing is written, and nothing of it lies on a disk.

use std::sync::Arc;
use std::time::Duration;

use adit_core::id::Id;
use adit_core::refusal::Refusal;
use adit_core::role::Role;
use askama::Template;
use axum::extract::{self, DefaultBodyLimit, Form, FromRequest, Multipart, Path, RawQuery};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use super::frame::{Desk, Frame, Shown, Trouble, not_found, parameter, render, render_live};
use super::told::option;
use super::words::Words;
use crate::export::Format;
use crate::handlers::blocking;
use crate::import::held::{Checked, Held, Progress, ceilings, enter};
use crate::import::{self, CELL_UNITS_MAX, Field, HEADING_CHARS_MAX, ImportError, Kind, Mapping, Row, Table};
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::reporter::form::{broken, tidy_name};

/// Rows of one page of the preview.
const PAGE_ROWS: usize = 50;
/// Refused cells that are shown; the file has all.
const REFUSED_SHOWN_MAX: usize = 100;
/// What a form may have besides its file, in bytes.
const FORM_BYTES: usize = 64 * 1024;
/// How long a press waits for the end, so that a small register is there at once.
const WAIT: Duration = Duration::from_secs(8);

#[derive(Template)]
#[template(path = "desk/import.html")]
struct UploadPage {
    frame: Frame,
    limits: String,
    fields: Vec<FieldShown>,
    refusal: String,
}

/// One of our fields, and which column it is read from.
struct FieldShown {
    name: &'static str,
    label: String,
    heading: &'static str,
    needed: bool,
    /// Number and heading of each column, and whether it is the chosen one.
    columns: Vec<(usize, String, bool)>,
}

/// A refused cell in words.
struct RefusedCell {
    row: usize,
    column: String,
    cell: String,
    why: String,
    rule: String,
}

/// A row as it will be recorded.
struct RowShown {
    number: usize,
    known: bool,
    enterprise: String,
    is_new: bool,
    about: String,
    place: String,
    found_on: String,
    criterion: String,
    description: String,
}

#[derive(Template)]
#[template(path = "desk/import_rows.html")]
struct RowsPage {
    frame: Frame,
    id: String,
    name: String,
    version: u32,
    fields: Vec<FieldShown>,
    missing: String,
    /// Rows that will be recorded, that are there already, that are refused, and enterprises that are new.
    fresh: usize,
    known: usize,
    refused_rows: usize,
    enterprises: usize,
    refused: Vec<RefusedCell>,
    refused_cells: usize,
    rows: Vec<RowShown>,
    from: usize,
    to: usize,
    total: usize,
    before: Option<usize>,
    next: Option<usize>,
}

#[derive(Template)]
#[template(path = "desk/import_done.html")]
struct DonePage {
    frame: Frame,
    id: String,
    name: String,
    version: u32,
    total: usize,
    done: usize,
    progress: Progress,
    refused_rows: usize,
    fault: String,
}

/// Whether somebody takes registers over: those who take in what comes to the bureau. Inspectors verify what was taken over.
pub(crate) fn may(desk: &Desk) -> bool {
    desk.reader.roles.contains(&Role::Clerk) && !desk.reader.is_enterprise()
}

fn only_who_may(desk: &Desk) -> Result<(), Problem> {
    if may(desk) { Ok(()) } else { Err(ApiRefusal::Forbidden.into()) }
}

fn label(w: Words, field: Field) -> String {
    w.find(&format!("field.import_{}", field.name())).unwrap_or(field.heading()).to_owned()
}

fn upload_page(desk: &Desk, refusal: String) -> UploadPage {
    let limits = desk.app.intake.limits;
    let (mib, rows) = (limits.import_file_mib.to_string(), limits.import_rows.to_string());
    let (columns, minutes) = (limits.import_columns.to_string(), limits.import_minutes.to_string());
    let field = |field: Field| FieldShown {
        name: field.name(),
        label: label(desk.w, field),
        heading: field.heading(),
        needed: field.is_needed(),
        columns: Vec::new(),
    };
    let most = [("mib", &*mib), ("rows", &rows), ("columns", &columns), ("minutes", &minutes)];
    UploadPage {
        limits: desk.w.fill("import.limits", &most),
        fields: Field::ALL.into_iter().map(field).collect(),
        refusal,
        frame: Frame::of(desk),
    }
}

/// Take over a register
///
/// 导入原有台账：选择文件。
#[utoipa::path(get, path = "/desk/import", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in, or to the one that is looked at"),
        (status = 403, description = "api.forbidden")))]
pub(crate) async fn form(desk: Desk) -> Shown {
    only_who_may(&desk)?;
    match desk.app.imports.of(&desk.session.name) {
        Some(id) => Ok(Redirect::to(&format!("/desk/import/{id}")).into_response()),
        None => render(&upload_page(&desk, String::new())),
    }
}

/// Bring a register
///
/// 上传原有台账：只在内存中检查，尚未写入任何内容。
#[utoipa::path(post, path = "/desk/import", tag = "desk",
    responses((status = 303, description = "To the preview; nothing was written"), (status = 403, description = "api.forbidden"),
        (status = 413, description = "api.file_too_large"), (status = 422, description = "What is wrong with the file")))]
pub(crate) async fn upload(desk: Desk, request: extract::Request) -> Shown {
    only_who_may(&desk)?;
    if desk.session.key.is_none() {
        return Err(ApiRefusal::KeyElsewhere.into());
    }
    match take(&desk, request).await {
        Ok(id) => Ok(Redirect::to(&format!("/desk/import/{id}")).into_response()),
        Err(problem) if problem.status.is_server_error() => Err(problem.into()),
        Err(problem) => {
            let mut response = render(&upload_page(&desk, desk.w.refusal(&problem.refusal)))?;
            *response.status_mut() = problem.status;
            Ok(response)
        }
    }
}

/// Reads the file into memory, checks it, and holds it for this session.
async fn take(desk: &Desk, request: extract::Request) -> Result<Id, Problem> {
    let (app, limits) = (&desk.app, desk.app.intake.limits);
    // Before a byte of it is read.
    let place = app.imports.reserve(desk.session.name, &limits)?;
    let (name, bytes) = file(desk, request).await?;
    let kind = Kind::of(&name).ok_or_else(|| Refusal::new("import.unknown_kind"))?;
    let turn = app.imports.turn().await?;
    let worker = Arc::clone(app);
    // Its place and its turn go along with the file: they are taken as long as it is worked on, whoever waits for it.
    let arrived = blocking(move || {
        let lines = import::read(kind, &bytes, &ceilings(&limits)).map_err(|error| no_register(&error))?;
        drop(bytes);
        let table = Table::of(lines).ok_or_else(|| Refusal::new("import.empty"))?;
        let mapping = Mapping::usual(&table.head);
        let checked = Arc::new(Checked::of(&worker, &table, &mapping)?);
        let id = Id::random().map_err(|error| unreadable(&error))?;
        let used = worker.office.ledger().now();
        drop(turn);
        let held = Held { id, name, table: Arc::new(table), mapping, checked, version: 0, run: None, used };
        Ok((place, held))
    });
    let (place, held) = arrived.await?;
    let id = held.id;
    place.keep(held)?;
    Ok(id)
}

/// The file of a form, in memory.
async fn file(desk: &Desk, mut request: extract::Request) -> Result<(String, Vec<u8>), Problem> {
    let limits = desk.app.intake.limits;
    let most = usize::try_from(limits.import_file()).unwrap_or(usize::MAX);
    let too_large =
        || Problem::from(ApiRefusal::FileTooLarge).with("mib", &limits.import_file_mib.to_string());
    DefaultBodyLimit::apply(DefaultBodyLimit::max(most.saturating_add(FORM_BYTES)), &mut request);
    let parts = Multipart::from_request(request, &desk.app).await;
    let mut parts = parts.map_err(|_| Problem::from(ApiRefusal::BadRequest))?;
    let refused = |status| match broken(status) {
        problem if problem.status == axum::http::StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        problem => problem,
    };
    while let Some(mut field) = parts.next_field().await.map_err(|error| refused(error.status()))? {
        let Some(name) = field.file_name().map(tidy_name).filter(|name| !name.is_empty()) else { continue };
        let mut bytes = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(|error| refused(error.status()))? {
            if bytes.len() + chunk.len() > most {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        return Ok((name, bytes));
    }
    Err(ApiRefusal::EmptyFile.into())
}

/// Why a file is no register, in words; what stands in it is not repeated.
fn no_register(error: &ImportError) -> Problem {
    let refusal = match error {
        ImportError::NotText => Refusal::new("import.not_text"),
        ImportError::NoSheet => Refusal::new("import.no_sheet"),
        ImportError::TooManyRows(most) => Refusal::new("import.too_many_rows").with("max", &most.to_string()),
        ImportError::TooManyColumns(most) => {
            Refusal::new("import.too_many_columns").with("max", &most.to_string())
        }
        ImportError::HeadingTooLong { column } => Refusal::new("import.long_heading")
            .with("column", &column.to_string())
            .with("max", &HEADING_CHARS_MAX.to_string()),
        ImportError::CellTooLong { row, column } => Refusal::new("import.long_cell")
            .with("row", &row.to_string())
            .with("column", &column.to_string())
            .with("max", &CELL_UNITS_MAX.to_string()),
        ImportError::TooMuch(most) => {
            Refusal::new("import.too_much").with("mib", &(most / (1024 * 1024)).to_string())
        }
        ImportError::Csv(_) | ImportError::Workbook(_) => Refusal::new("import.broken"),
    };
    refusal.into()
}

/// The register that an address names, for the session that brought it; anybody else's is not there.
fn held(desk: &Desk, id: &str) -> Result<Held, Trouble> {
    only_who_may(desk)?;
    let id: Id = id.parse().map_err(|_| not_found())?;
    let now = desk.app.office.ledger().now();
    desk.app.imports.get(&desk.session.name, id, now).ok_or_else(not_found)
}

/// A register before it is recorded, or what came of it
///
/// 导入预览：列、将要写入的行、逐格退回的原因；写入后为结果。
#[utoipa::path(get, path = "/desk/import/{id}", tag = "desk", params(("id" = String, Path), ("from" = Option<u64>, Query)),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 404, description = "It was forgotten, or another session brought it")))]
pub(crate) async fn show(desk: Desk, Path(id): Path<String>, RawQuery(query): RawQuery) -> Shown {
    let held = held(&desk, &id)?;
    let from = parameter(query.as_deref(), "from").and_then(|from| from.parse().ok()).unwrap_or(0);
    let worker = move || {
        Ok(match held.run.as_ref().map(|run| run.progress()) {
            Some(progress) if progress.over => render(&done_page(&desk, &held, progress)),
            Some(progress) => render_live(&done_page(&desk, &held, progress)),
            None => render(&rows_page(&desk, &held, from)),
        })
    };
    blocking(worker).await?
}

fn fields_shown(w: Words, held: &Held) -> Vec<FieldShown> {
    let named = |(at, name): (usize, &String)| {
        let number = (at + 1).to_string();
        if name.is_empty() { w.fill("import.column", &[("n", &number)]) } else { name.clone() }
    };
    let names: Vec<String> = held.table.head.cells.iter().enumerate().map(named).collect();
    let shown = |field: Field| FieldShown {
        name: field.name(),
        label: label(w, field),
        heading: field.heading(),
        needed: field.is_needed(),
        columns: (0..)
            .zip(&names)
            .map(|(at, name)| (at, name.clone(), held.mapping.column(field) == Some(at)))
            .collect(),
    };
    Field::ALL.into_iter().map(shown).collect()
}

fn row_shown(w: Words, row: &Row, checked: &Checked) -> RowShown {
    let (register, report) = (&row.register, &row.report);
    let named = |field: &str, value: Value| option(w, field, value.as_str().unwrap_or_default());
    let value = |value: Result<Value, _>| value.unwrap_or_default();
    let mut about = vec![register.credit_code.as_ref().map(ToString::to_string).unwrap_or_default()];
    about.push(named("sector", value(serde_json::to_value(register.sector))));
    about.push(register.town.to_string());
    about.push(named("licence", value(serde_json::to_value(register.licence))));
    about.push(if register.producing { w.t("import.producing") } else { w.t("import.stopped") }.to_owned());
    about.retain(|part| !part.is_empty());
    let enterprise = register.name.to_string();
    RowShown {
        number: row.number,
        known: checked.known.contains(&row.number),
        is_new: checked.enterprises.contains(&enterprise),
        enterprise,
        about: about.join(" · "),
        place: report.place.to_string(),
        found_on: report.found_on.to_string(),
        criterion: report.criterion.clone().unwrap_or_default(),
        description: report.description.to_string(),
    }
}

fn rows_page(desk: &Desk, held: &Held, from: usize) -> RowsPage {
    let (w, checked) = (desk.w, &held.checked);
    let missing: Vec<String> = held.mapping.missing().map(|field| label(w, field)).collect();
    let refused = checked.bad.iter().take(REFUSED_SHOWN_MAX).map(|bad| RefusedCell {
        row: bad.row,
        column: bad.heading(&held.table).to_owned(),
        cell: bad.cell(&held.table).to_owned(),
        why: bad.said(w.lang()),
        rule: bad.refusal.words(w.lang()).rule,
    });
    let total = checked.rows.len();
    let from = from.min(total.saturating_sub(1));
    let to = from.saturating_add(PAGE_ROWS).min(total);
    RowsPage {
        id: held.id.to_string(),
        name: held.name.clone(),
        version: held.version,
        fields: fields_shown(w, held),
        missing: missing.join(w.t("base.and")),
        fresh: checked.fresh(),
        known: checked.known.len(),
        refused_rows: checked.refused().len(),
        enterprises: checked.enterprises.len(),
        refused: refused.collect(),
        refused_cells: checked.bad.len(),
        rows: checked.rows.iter().skip(from).take(PAGE_ROWS).map(|row| row_shown(w, row, checked)).collect(),
        from: if total == 0 { 0 } else { from + 1 },
        to,
        total,
        before: (from > 0).then(|| from.saturating_sub(PAGE_ROWS)),
        next: (to < total).then_some(to),
        frame: Frame::of(desk),
    }
}

fn done_page(desk: &Desk, held: &Held, progress: Progress) -> DonePage {
    DonePage {
        id: held.id.to_string(),
        name: held.name.clone(),
        version: held.version,
        total: held.checked.rows.len(),
        done: progress.recorded + progress.repeated + progress.refused.len(),
        refused_rows: held.checked.refused().len() + progress.refused.len(),
        fault: progress.fault.as_ref().map(|fault| desk.w.refusal(fault)).unwrap_or_default(),
        progress,
        frame: Frame::of(desk),
    }
}

/// Choose columns, discard it, or record it
///
/// 导入：选择列、放弃，或写入（由本人逐行签署）。
#[utoipa::path(post, path = "/desk/import/{id}", tag = "desk", params(("id" = String, Path)),
    responses((status = 303, description = "To the preview, or to what came of it"), (status = 404, description = "It was forgotten, or another session brought it")))]
pub(crate) async fn act(
    desk: Desk,
    Path(id): Path<String>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Shown {
    let held = held(&desk, &id)?;
    let get = |name: &str| sent.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let again = Redirect::to(&format!("/desk/import/{}", held.id)).into_response();
    match get("what") {
        "columns" => {
            let mapping = chosen(&held, get);
            let (app, session) = (Arc::clone(&desk.app), desk.session.name);
            let turn = app.imports.turn().await?;
            blocking(move || {
                let checked = Checked::of(&app, &held.table, &mapping)?;
                app.imports.choose(&session, held.id, mapping, checked);
                drop(turn);
                Ok(())
            })
            .await?;
            Ok(again)
        }
        "discard" => {
            desk.app.imports.discard(&desk.session.name, held.id);
            Ok(Redirect::to("/desk/import").into_response())
        }
        "record" => {
            let key = desk.session.key.clone().ok_or(ApiRefusal::KeyElsewhere)?;
            let version = get("version").parse().map_err(|_| ApiRefusal::BadRequest)?;
            // A second press, and one for what was shown otherwise, lead to what there is.
            if let Some((held, run)) = desk.app.imports.begin(&desk.session.name, held.id, version) {
                let entering = tokio::spawn(enter(Arc::clone(&desk.app), held, run, key));
                // It goes on where it takes longer.
                let _ = tokio::time::timeout(WAIT, entering).await;
            }
            Ok(again)
        }
        _ => Err(ApiRefusal::BadRequest.into()),
    }
}

/// The columns that were chosen; one that the file does not have is none.
fn chosen<'a>(held: &Held, get: impl Fn(&str) -> &'a str) -> Mapping {
    let mut mapping = Mapping::default();
    for field in Field::ALL {
        let column = get(field.name()).parse::<usize>().ok();
        mapping.set(field, column.filter(|column| *column < held.table.head.cells.len()));
    }
    mapping
}

/// What was refused
///
/// 退回的行，附原因；更正后可以再次导入。
#[utoipa::path(get, path = "/desk/import/{id}/refused.xlsx", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, description = "XLSX: the rows as they stood in the file, and why"), (status = 404, description = "It was forgotten, or another session brought it")))]
pub(crate) async fn refused(desk: Desk, Path(id): Path<String>) -> Result<Response, Trouble> {
    let held = held(&desk, &id)?;
    let turn = desk.app.imports.turn().await?;
    let worker = move || {
        let book = import::refused(&held.table, &held.reasons());
        drop(turn);
        book.map_err(|error| unreadable(&error))
    };
    let bytes = blocking(worker).await?;
    let headers = [
        (header::CONTENT_TYPE, Format::Xlsx.media_type()),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"refused.xlsx\""),
    ];
    Ok((headers, bytes).into_response())
}
