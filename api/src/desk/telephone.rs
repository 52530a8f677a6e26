//! The clerk's form for what comes by telephone, letter or visit, with the words to read aloud, and the code that is read out once.

use std::collections::BTreeSet;

use adit_core::id::{ActorId, CommandId, Id, StreamKind};
use adit_core::report::Channel;
use adit_core::role::Role;
use askama::Template;
use axum::extract::Form;
use zeroize::Zeroize;

use super::frame::{Desk, Frame, Shown, render, stream_address};
use crate::clerk_script::{Sentence, steps};
use crate::handlers::blocking;
use crate::pickup::{Taken, take_down};
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::reporter::language::Language;
use crate::reporter::report::{Draft, kinds, officers};

/// Something to tick.
struct Tick {
    value: String,
    text: String,
    ticked: bool,
}

#[derive(Template)]
#[template(path = "desk/telephone.html")]
struct TelephonePage {
    frame: Frame,
    script: &'static [Sentence],
    id: String,
    channels: Vec<Tick>,
    enterprise: String,
    place: String,
    words: String,
    not_to: String,
    contact: String,
    insider: bool,
    kinds: Vec<Tick>,
    officers: Vec<Tick>,
    refusal: String,
}

impl Drop for TelephonePage {
    fn drop(&mut self) {
        for text in
            [&mut self.words, &mut self.enterprise, &mut self.place, &mut self.not_to, &mut self.contact]
        {
            text.zeroize();
        }
    }
}

/// Number and code, to be read out once.
#[derive(Template)]
#[template(path = "desk/taken.html")]
struct TakenPage {
    frame: Frame,
    number: String,
    code: String,
    due: String,
    case_at: String,
    script: &'static [Sentence],
}

/// The first step of the talk that comes after the report is entered.
const AFTERWARDS: &str = "number";

/// What is read aloud before the report is entered, and what after.
fn script(w: Language) -> (&'static [Sentence], &'static [Sentence]) {
    let steps = steps(w);
    let after = steps.iter().position(|step| step.step == AFTERWARDS).unwrap_or(steps.len());
    steps.split_at(after)
}

fn only_clerk(desk: &Desk) -> Result<(), Problem> {
    if desk.reader.roles.contains(&Role::Clerk) { Ok(()) } else { Err(ApiRefusal::Forbidden.into()) }
}

fn page(
    desk: &Desk,
    id: String,
    channel: &str,
    draft: &Draft,
    refusal: String,
) -> Result<TelephonePage, Problem> {
    let w = desk.w.0;
    let tick = |(code, _): (&'static str, _)| Tick {
        value: code.to_owned(),
        text: w.t(&format!("kind.{code}")),
        ticked: draft.kinds.iter().any(|kind| kind == code),
    };
    let by = |name: &str| Tick {
        value: name.to_owned(),
        text: super::told::option(desk.w, "channel", name),
        ticked: channel == name,
    };
    let officer = |(actor, title): (ActorId, String)| Tick {
        value: actor.to_string(),
        text: title,
        ticked: draft.excluded.contains(&actor),
    };
    Ok(TelephonePage {
        script: script(w).0,
        id,
        channels: ["telephone", "letter", "visit"].map(by).into(),
        enterprise: draft.enterprise.clone(),
        place: draft.place.clone(),
        words: draft.words.clone(),
        not_to: draft.not_to.clone(),
        contact: draft.contact.clone(),
        insider: draft.insider,
        kinds: kinds().map(tick).collect(),
        officers: officers(&desk.app)?.into_iter().map(officer).collect(),
        refusal,
        frame: Frame::of(desk),
    })
}

fn draft(sent: &[(String, String)]) -> Draft {
    let get = |name: &str| {
        sent.iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.trim().replace("\r\n", "\n"))
            .unwrap_or_default()
    };
    let all =
        |name: &'static str| sent.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str());
    let excluded: BTreeSet<ActorId> = all("excluded").filter_map(|actor| actor.parse().ok()).collect();
    Draft {
        enterprise: get("enterprise"),
        place: get("place"),
        kinds: kinds()
            .map(|(code, _)| code)
            .filter(|code| all("kind").any(|kind| kind == *code))
            .map(str::to_owned)
            .collect(),
        excluded,
        not_to: get("not_to"),
        words: get("words"),
        contact: get("contact"),
        insider: get("insider") == "yes",
        files: Vec::new(),
        stamp: String::new(),
    }
}

/// The form for what comes by telephone, letter or visit
///
/// 电话、来信、来访登记：照着念的话和表单。
#[utoipa::path(get, path = "/desk/telephone", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden")))]
pub(crate) async fn form(desk: Desk) -> Shown {
    only_clerk(&desk)?;
    let worker = move || {
        let id = Id::random().map_err(|error| unreadable(&error))?.to_string();
        page(&desk, id, "telephone", &draft(&[]), String::new())
    };
    render(&blocking(worker).await?)
}

/// Take it down
///
/// 登记：密封后写入，给出编号和一次性取件码。
#[utoipa::path(post, path = "/desk/telephone", tag = "desk",
    responses((status = 200, description = "HTML: number and code"), (status = 403, description = "api.forbidden"),
        (status = 422, description = "What is missing; nothing was written, nothing typed is lost")))]
pub(crate) async fn submit(desk: Desk, Form(mut sent): Form<Vec<(String, String)>>) -> Shown {
    only_clerk(&desk)?;
    let field = |name: &str| {
        sent.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (id, channel) = (field("_id"), field("channel"));
    let draft = draft(&sent);
    for (_, value) in &mut sent {
        value.zeroize();
    }
    let app = std::sync::Arc::clone(&desk.app);
    let worker = move || {
        let done = enter(&desk, &id, &channel, &draft);
        match done {
            Ok(taken) => {
                Ok(Ok((read_out(&desk, &taken), taken.answer.positions.last().copied().unwrap_or_default())))
            }
            Err(problem) if problem.status.is_server_error() => Err(problem),
            Err(problem) => {
                let refusal = desk.w.refusal(&problem.refusal);
                Ok(Err((page(&desk, id, &channel, &draft, refusal)?, problem.status)))
            }
        }
    };
    match blocking(worker).await? {
        Ok((taken, last)) => {
            // Whoever wrote reads their own write.
            let _ = app.projector.wait_for(last).await;
            render(&taken)
        }
        Err((again, status)) => {
            let mut response = render(&again)?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

fn enter(desk: &Desk, id: &str, channel: &str, draft: &Draft) -> Result<Taken, Problem> {
    let id: CommandId = id.parse().map_err(|_| ApiRefusal::BadRequest)?;
    let channel = match channel {
        "telephone" => Channel::Telephone,
        "letter" => Channel::Letter,
        "visit" => Channel::Visit,
        _ => return Err(ApiRefusal::WrongValue.into()),
    };
    let may = desk.reader.may_command(&desk.app.office, StreamKind::Report, None);
    // Whoever has a conflict does not take it down, either.
    if !may.map_err(|error| unreadable(&error))? || draft.excluded.contains(&desk.session.actor) {
        return Err(ApiRefusal::Forbidden.into());
    }
    let key = desk.session.key.as_deref().ok_or(ApiRefusal::KeyElsewhere)?;
    take_down(&desk.app, key, id, channel, desk.w.0, draft)
}

fn read_out(desk: &Desk, taken: &Taken) -> TakenPage {
    TakenPage {
        number: taken.number.clone(),
        code: taken.code.text().to_string(),
        due: taken.accept_due.map(|due| due.to_string()).unwrap_or_default(),
        case_at: stream_address(&taken.answer.stream.to_string()),
        script: script(desk.w.0).1,
        frame: Frame::of(desk).after(taken.answer.positions.first().copied()),
    }
}
