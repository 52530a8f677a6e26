//! What became of what was told to one's enterprise: its answers, the reward, the proof. Each request carries the secret in its body.

use std::sync::Arc;

use adit_core::command::{Command, Request};
use adit_core::concern::{
    Claim, ConcernCommand, ConcernEvent, Given, Raised, State, Status, Words, concern_key, due,
};
use adit_core::event::{Event, Fact, InUnion as _};
use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::vkey::SigningKey;
use adit_core::refusal::Refusal;
use adit_core::secret::{Secret, voucher_hash};
use adit_core::text::Long;
use adit_core::units::{Day, Position};
use askama::Template;
use axum::extract::{RawQuery, State as Extract};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::follow::{ASKED, Receipt, at_the_gate, fresh_id, proof_of, ripe, typed_back};
use super::form::Form;
use super::inside::name_of;
use super::language::Language;
use super::step::{Refused, contains_secret};
use crate::app::App;
use crate::bundle;
use crate::handlers::{Answered, Shared, blocking};
use crate::intake::Purpose;
use crate::page::render;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Where it is followed.
const HERE: &str = "/inside/my";

/// An internal report whose secret was shown.
pub(super) struct Told {
    stream: StreamId,
    state: State,
    raised: Raised,
    facts: Vec<Fact>,
    key: SigningKey,
    voucher: zeroize::Zeroizing<String>,
}

impl Told {
    /// That of a secret; none where there is none.
    pub(super) fn open(app: &App, secret: &Secret) -> Result<Option<Self>, Problem> {
        let ledger = app.office.ledger();
        let origin = ledger.origin();
        let anywhere = StreamId::new(StreamKind::Concern, Id::default());
        let probe = secret.concern_key(origin, &anywhere).map_err(|error| unreadable(&error))?;
        let found = app.office.find(&concern_key(&probe.vkey())).map_err(|error| unreadable(&error))?;
        let Some(stream) = found else { return Ok(None) };
        let key = secret.concern_key(origin, &stream).map_err(|error| unreadable(&error))?;
        let state = app.office.concern(stream).map_err(|error| unreadable(&error))?;
        if state.key != Some(key.vkey().to_string()) {
            return Ok(None);
        }
        let facts = ledger.stream(&stream).map_err(|error| unreadable(&error))?;
        let Some(Event::Concern(ConcernEvent::Raised(raised))) = facts.first().map(|fact| fact.event.clone())
        else {
            return Ok(None);
        };
        let voucher = secret.concern_voucher(origin, &stream);
        Ok(Some(Self { stream, state, raised, facts, key, voucher }))
    }

    fn first(&self) -> (Position, Day) {
        self.facts.first().map(|fact| (fact.position, fact.day)).unwrap_or_default()
    }

    fn events(&self) -> impl Iterator<Item = (&ConcernEvent, &Fact)> {
        self.facts.iter().filter_map(|fact| ConcernEvent::of(&fact.event).map(|event| (event, fact)))
    }

    /// By when the enterprise acts next.
    fn due(&self) -> Option<Day> {
        due(self.state.status, self.raised.answer_due, self.raised.decide_due)
    }
}

/// The receipt, right after it was sent and whenever it is wanted again.
pub(super) fn receipt_page(
    app: &App,
    told: &Told,
    secret: &Secret,
    w: Language,
    fault: Option<String>,
) -> Result<Receipt, Problem> {
    let text = secret.text(w.script());
    let (position, on) = told.first();
    Ok(Receipt {
        w,
        stamp: ripe(app)?,
        groups: super::groups(secret, w),
        qr: super::qr(&text),
        secret: text.to_string(),
        number: name_of(app, &told.raised.raise.enterprise),
        joined: false,
        inside: true,
        at: HERE,
        position: position.0,
        on,
        next: told.due(),
        files: Vec::new(),
        here: None,
        asked: ASKED.iter().map(|nth| nth + 1).collect(),
        fault,
    })
}

#[derive(Template)]
#[template(path = "reporter/inside_key.html")]
struct Asks {
    w: Language,
    stamp: String,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "reporter/inside_follow.html")]
struct Follow {
    w: Language,
    stamp: String,
    secret: String,
    firm: String,
    position: u64,
    raised_on: Day,
    steps: Vec<Step>,
    /// The enterprise let the day go by.
    late: bool,
    outcome: Option<String>,
    letters: Vec<Letter>,
    card: Option<Card>,
    done: Option<String>,
    fault: Option<String>,
    /// Words that were typed and could not be sent.
    kept: String,
    ids: [String; 2],
}

/// One of the three steps.
struct Step {
    name: String,
    /// `done`, `now`, `late` or `later`.
    state: &'static str,
    day: String,
}

struct Letter {
    by_worker: bool,
    kind: String,
    on: Day,
    words: String,
}

struct Card {
    amount: String,
    honour: String,
    collect_at: String,
    /// `open`, `claimed` or `given`.
    state: &'static str,
    voucher: String,
    qr: String,
}

fn steps(told: &Told, w: Language, today: Day) -> Vec<Step> {
    let on =
        |is: fn(&ConcernEvent) -> bool| told.events().find(|(event, _)| is(event)).map(|(_, fact)| fact.day);
    let answered = |event: &ConcernEvent| {
        matches!(event, ConcernEvent::Answered(_) | ConcernEvent::TakenUp(_) | ConcernEvent::Declined(_))
    };
    let decided =
        |event: &ConcernEvent| matches!(event, ConcernEvent::TakenUp(_) | ConcernEvent::Declined(_));
    let taken = [
        (w.t("inside.step_recorded"), Some(told.first().1), None),
        (w.t("inside.step_answered"), on(answered), told.raised.answer_due),
        (w.t("inside.step_decided"), on(decided), told.raised.decide_due),
    ];
    let mut current = true;
    let step = |(name, on, due): (String, Option<Day>, Option<Day>)| {
        let state = match (on, due) {
            (Some(_), _) => "done",
            (None, Some(due)) if due < today => "late",
            (None, _) if current => "now",
            (None, _) => "later",
        };
        current &= on.is_some();
        let day = on.or(due).map(|day| day.to_string()).unwrap_or_default();
        Step { name, state, day }
    };
    taken.into_iter().map(step).collect()
}

fn letters(told: &Told, w: Language) -> Vec<Letter> {
    let letter = |(event, fact): (&ConcernEvent, &Fact)| {
        let (kind, words) = match event {
            ConcernEvent::Raised(raised) => (w.t("inside.you_told"), raised.raise.words.to_string()),
            ConcernEvent::Written(said) => (w.t("inside.you_wrote"), said.words.to_string()),
            ConcernEvent::Answered(said) => (w.t("inside.it_answered"), said.words.to_string()),
            ConcernEvent::TakenUp(taken) => (w.t("inside.it_took_up"), taken.words.to_string()),
            ConcernEvent::Declined(declined) => (w.t("inside.it_declined"), declined.because.to_string()),
            ConcernEvent::Rewarded(_) | ConcernEvent::Claimed(_) | ConcernEvent::HandedOver(_) => {
                return None;
            }
        };
        Some(Letter { by_worker: fact.by.is_empty(), kind, on: fact.day, words })
    };
    told.events().filter_map(letter).collect()
}

fn card(told: &Told) -> Option<Card> {
    let mut rewards = told.events().filter_map(|(event, _)| {
        if let ConcernEvent::Rewarded(reward) = event { Some(reward) } else { None }
    });
    let reward = rewards.next()?;
    let (state, voucher) = match told.state.given {
        Given::Nothing | Given::Promised => ("open", String::new()),
        Given::Claimed(_) => ("claimed", told.voucher.to_string()),
        Given::HandedOver => ("given", String::new()),
    };
    Some(Card {
        amount: reward.amount_yuan.map(|amount| amount.to_string()).unwrap_or_default(),
        honour: reward.honour.as_ref().map(ToString::to_string).unwrap_or_default(),
        collect_at: reward.collect_at.to_string(),
        state,
        qr: if voucher.is_empty() { String::new() } else { super::qr(&voucher) },
        voucher,
    })
}

fn follow_page(
    app: &App,
    told: &Told,
    secret: &Secret,
    w: Language,
    said: Result<Option<String>, String>,
    kept: &str,
) -> Result<Follow, Problem> {
    let (position, raised_on) = told.first();
    let today = app.office.ledger().now().day();
    let (done, fault) = match said {
        Ok(done) => (done, None),
        Err(fault) => (None, Some(fault)),
    };
    Ok(Follow {
        w,
        stamp: ripe(app)?,
        secret: secret.text(w.script()).to_string(),
        firm: name_of(app, &told.raised.raise.enterprise),
        position: position.0,
        raised_on,
        steps: steps(told, w, today),
        late: told.due().is_some_and(|due| due < today),
        outcome: match told.state.status {
            Status::TakenUp => Some(w.t("inside.taken_up")),
            Status::Declined => Some(w.t("inside.declined")),
            Status::Absent | Status::Raised | Status::Answered => None,
        },
        letters: letters(told, w),
        card: card(told),
        kept: if fault.is_some() { kept.to_owned() } else { String::new() },
        done,
        fault,
        ids: [fresh_id()?, fresh_id()?],
    })
}

fn asks(app: &App, w: Language, fault: Option<String>) -> Result<Asks, Problem> {
    let stamp = app.intake.stamp(Purpose::Secret, app.office.ledger().now());
    Ok(Asks { w, stamp: stamp.map_err(|error| unreadable(&error))?, fault })
}

/// Follow an internal report
///
/// 内部报告查询网页：输入十二字口令。
#[utoipa::path(get, path = "/inside/my", tag = "reporter", params(("lang" = Option<String>, Query, description = "zh or en")),
    responses((status = 200, description = "HTML")))]
pub(crate) async fn form(Extract(app): Shared, RawQuery(query): RawQuery, headers: HeaderMap) -> Answered {
    let w = Language::of(query.as_deref(), &headers);
    render(&asks(&app, w, None)?)
}

/// What became of an internal report, and what its worker does there
///
/// 我的内部报告：口令随表单送来。`step` 为空查看；`check` 核对口令；`show` 再看回执；`write` 再写一句；`claim` 领奖；`receipt` 下载回执；`evidence` 下载证据包。
#[utoipa::path(post, path = "/inside/my", tag = "reporter",
    responses((status = 200, description = "HTML, or the receipt file"), (status = 404, description = "HTML: no internal report has this secret"),
        (status = 422, description = "HTML: what is wrong"),
        (status = 503, description = "HTML: too many at once; everything typed, to be sent once more")))]
pub(crate) async fn act(
    Extract(app): Shared,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Form,
) -> Answered {
    let w = Language::named(form.get("lang")).unwrap_or_else(|| Language::of(query.as_deref(), &headers));
    let worker = Arc::clone(&app);
    at_the_gate(&app, w, form, HERE, move |form| blocking(move || answer(&worker, w, &form))).await
}

fn answer(app: &App, w: Language, form: &Form) -> Result<Response, Problem> {
    let again = |refusal: &Refusal, status: StatusCode| {
        let page = asks(app, w, Some(w.refusal(refusal)))?;
        Ok((status, render(&page)?).into_response())
    };
    let secret = match Secret::parse(form.get("secret")) {
        Ok(secret) => secret,
        Err(error) => return again(&error.into(), StatusCode::UNPROCESSABLE_ENTITY),
    };
    let Some(told) = Told::open(app, &secret)? else {
        return again(&Refusal::new("reporter.unknown_inside"), StatusCode::NOT_FOUND);
    };
    let step = form.get("step");
    let said = match step {
        "receipt" => return proof_of(app, told.first().0),
        "evidence" => return evidence(app, &told),
        "show" => return render(&receipt_page(app, &told, &secret, w, None)?),
        "check" if !typed_back(&secret, w, form) => {
            let page = receipt_page(app, &told, &secret, w, Some(w.t("receipt.not_the_words")))?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response());
        }
        "check" => Ok(Some(w.t("receipt.well_kept"))),
        "write" => write(app, &told, &secret, form).map(|()| Some(w.t("inside.did_write"))),
        "claim" => claim(app, &told, form).map(|()| Some(w.t("inside.did_claim"))),
        _ => Ok(None),
    };
    let (status, said) = match said {
        Ok(done) => (StatusCode::OK, Ok(done)),
        Err(refused) => (refused.status(), Err(refused.words(w))),
    };
    // What was done is read again, so that the page shows it.
    let told = Told::open(app, &secret)?.unwrap_or(told);
    let page = follow_page(app, &told, &secret, w, said, form.get("words"))?;
    Ok((status, render(&page)?).into_response())
}

/// A file that proves what was told to whom, for whoever the worker shows it to.
fn evidence(app: &App, told: &Told) -> Answered {
    let made = bundle::of_worker(&app.office, told.stream).map_err(|error| unreadable(&error))?;
    let name = format!("attachment; filename=\"internal-report-{}.zip\"", told.first().0);
    let kind = "application/zip".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], made.zip).into_response())
}

fn write(app: &App, told: &Told, secret: &Secret, form: &Form) -> Result<(), Refused> {
    let typed = form.get("words").trim();
    if Secret::parse(typed).is_ok() || contains_secret(typed, secret) {
        return Err(Refusal::new("reporter.secret_in_message").into());
    }
    super::report::text::<4000>("words", typed, true)?;
    let words = Long::new(typed).map_err(|_| Refusal::new("reporter.nothing_written"))?;
    run(app, told, form, ConcernCommand::Write(Words { words }))
}

fn claim(app: &App, told: &Told, form: &Form) -> Result<(), Refused> {
    run(app, told, form, ConcernCommand::Claim(Claim { voucher_hash: voucher_hash(&told.voucher) }))
}

fn run(app: &App, told: &Told, form: &Form, command: ConcernCommand) -> Result<(), Refused> {
    let id: CommandId = form.get("id").parse().map_err(|_| Problem::from(ApiRefusal::BadRequest))?;
    let request = Request { id, stream: Some(told.stream), command: Command::Concern(command) };
    app.office.execute(&request, &[&told.key]).map(|_| ()).map_err(|error| Problem::from(error).into())
}
