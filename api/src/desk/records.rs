//! What is handed over on paper: the record of an inspection, and the notice of a hazard.

use std::collections::BTreeSet;

use adit_core::decider::Decider;
use adit_core::event::{Event, Fact};
use adit_core::hazard::{self, HazardDecider, HazardEvent, Serve};
use adit_core::id::{ActorId, Id, StreamId, StreamKind};
use adit_core::inspection::InspectionEvent;
use adit_core::rules::criteria;
use axum::extract::Path;
use axum::http::HeaderMap;

use super::frame::{Desk, Shown, not_found};
use super::papers::{own_address, pdf, proof};
use super::people;
use crate::handlers::blocking;
use crate::paper::{Attached, Finding, InspectionRecord, Notice, Signer, inspection_record, notice};
use crate::problem::{ApiRefusal, Problem, unreadable};

/// The facts of a stream that this reader may read.
fn facts(desk: &Desk, stream: &StreamId) -> Result<Vec<Fact>, Problem> {
    let office = &desk.app.office;
    if desk.reader.is_kept_from(office, stream)? {
        return Err(ApiRefusal::NotFound.into());
    }
    if !desk.reader.may_read_stream(office, stream).map_err(|error| unreadable(&error))? {
        return Err(ApiRefusal::Forbidden.into());
    }
    office.ledger().stream(stream).map_err(|error| unreadable(&error))
}

/// What nobody else could check yet is not printed.
pub(super) fn published(desk: &Desk, fact: &Fact) -> Result<(), Problem> {
    let is = fact.position.0 < desk.app.office.ledger().published().size();
    if is { Ok(()) } else { Err(ApiRefusal::NotPublished.into()) }
}

/// The record of an inspection
///
/// 现场检查记录：检查内容、发现、照片的哈希、签名；最新的条目公布后即可打印。
#[utoipa::path(get, path = "/desk/records/{id}", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, description = "PDF"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found"),
        (status = 409, description = "api.not_published")))]
pub(crate) async fn record(desk: Desk, headers: HeaderMap, Path(id): Path<String>) -> Shown {
    let id: Id = id.parse().map_err(|_| not_found())?;
    let inspection = StreamId::new(StreamKind::Inspection, id);
    let address = own_address(&headers);
    Ok(pdf("inspection", blocking(move || recorded(&desk, inspection, &address)).await?))
}

fn recorded(desk: &Desk, inspection: StreamId, address: &str) -> Result<Vec<u8>, Problem> {
    let facts = facts(desk, &inspection)?;
    let performed = facts.iter().find_map(|fact| {
        if let Event::Inspection(InspectionEvent::Performed(performed)) = &fact.event {
            Some(performed)
        } else {
            None
        }
    });
    let (performed, newest) = performed.zip(facts.last()).ok_or(ApiRefusal::NotFound)?;
    published(desk, newest)?;
    let mut shows = InspectionRecord {
        enterprise: people::enterprise(&desk.app, &performed.enterprise),
        inspection: inspection.to_string(),
        on: performed.day,
        scope: performed.checked.to_string(),
        findings: Vec::new(),
        files: Vec::new(),
        signers: signers(desk, &facts),
        proof: proof(desk, newest.position, address)?,
    };
    for fact in &facts {
        let mut of = None;
        if let Event::Inspection(InspectionEvent::FindingRecorded(found)) = &fact.event {
            let state = hazard_now(desk, &found.hazard)?;
            shows.findings.push(Finding {
                description: found.finding.description.to_string(),
                place: found.finding.place.to_string(),
                criterion: found.finding.criterion.clone(),
                due: state.due.map(|due| due.to_string()),
            });
            of = Some(shows.findings.len());
        }
        shows.files.extend(fact.event.attachments().iter().map(|file| Attached {
            name: file.name.to_string(),
            finding: of,
            sha256: file.sha256.to_string(),
        }));
    }
    Ok(inspection_record(&shows, desk.w.lang())?.pdf)
}

/// Everybody who signed in the inspection, in the order in which they did.
fn signers(desk: &Desk, facts: &[Fact]) -> Vec<Signer> {
    let mut seen: BTreeSet<ActorId> = BTreeSet::new();
    let by = facts.iter().flat_map(|fact| &fact.by).filter(|actor| seen.insert(**actor));
    let signer = |actor: &ActorId| Signer { name: String::new(), post: people::title(&desk.app, *actor) };
    by.map(signer).collect()
}

/// A hazard as it stands now.
fn hazard_now(desk: &Desk, stream: &StreamId) -> Result<hazard::State, Problem> {
    let facts = desk.app.office.ledger().stream(stream).map_err(|error| unreadable(&error))?;
    Ok(folded(&facts))
}

fn folded(facts: &[Fact]) -> hazard::State {
    let mut state = hazard::State::default();
    for fact in facts {
        if let Event::Hazard(event) = &fact.event {
            state = HazardDecider::evolve(state, event, &fact.recorded());
        }
    }
    state
}

/// The notice of a hazard that was served
///
/// 事故隐患整改通知书：最近一次送达的内容，供主要负责人、实际控制人签收；公布后即可打印。
#[utoipa::path(get, path = "/desk/notices/{id}", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, description = "PDF"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found: also where nothing was served"),
        (status = 409, description = "api.not_published")))]
pub(crate) async fn served(desk: Desk, headers: HeaderMap, Path(id): Path<String>) -> Shown {
    let id: Id = id.parse().map_err(|_| not_found())?;
    let hazard = StreamId::new(StreamKind::Hazard, id);
    let address = own_address(&headers);
    Ok(pdf("notice", blocking(move || noticed(&desk, hazard, &address)).await?))
}

/// The newest notice among a hazard's facts, and where it stands among them.
pub(super) fn newest_notice(facts: &[Fact]) -> Option<(usize, &Serve)> {
    facts.iter().enumerate().rev().find_map(|(at, fact)| {
        if let Event::Hazard(HazardEvent::Served(serve)) = &fact.event { Some((at, serve)) } else { None }
    })
}

fn noticed(desk: &Desk, hazard: StreamId, address: &str) -> Result<Vec<u8>, Problem> {
    let facts = facts(desk, &hazard)?;
    let (at, serve) = newest_notice(&facts).ok_or(ApiRefusal::NotFound)?;
    let (then, fact) = (&facts[..at], &facts[at]);
    published(desk, fact)?;
    // As it stood when it was served: what was set later was not served with it.
    let state = folded(then);
    let report = state.report.as_ref().ok_or(ApiRefusal::NotFound)?;
    let item = state.criterion.as_deref().and_then(criteria::get);
    let post = then.iter().rev().find_map(|fact| {
        if let Event::Hazard(HazardEvent::Assigned(assigned)) = &fact.event {
            Some(assigned.assign.responsible_post.to_string())
        } else {
            None
        }
    });
    let shows = Notice {
        enterprise: people::enterprise(&desk.app, &report.enterprise),
        hazard: hazard.to_string(),
        place: report.place.to_string(),
        description: report.description.to_string(),
        grade: desk.w.label(if item.is_some() { "major" } else { "general" }),
        criterion: item.map(|item| format!("{} {}", item.code, item.text_zh)),
        due: state.due,
        post,
        served_on: fact.at.day(),
        principal: serve.principal,
        controller: serve.controller,
        by: fact.by.iter().map(|actor| people::title(&desk.app, *actor)).collect(),
        proof: proof(desk, fact.position, address)?,
    };
    Ok(notice(&shows, desk.w.lang())?.pdf)
}
