//! My report: what became of it, messages both ways, the reward, and the secret itself. Each request carries the secret in its
//! body; nothing is remembered between two of them. Where the secret stays in the browser (`here`), the same pages hold what is sealed.

use std::sync::Arc;

use adit_core::id::{Id, StreamId};
use adit_core::refusal::Refusal;
use adit_core::report::{Empty, ReportCommand, ReportEvent, RotateKey, Status, case_number};
use adit_core::reward;
use adit_core::secret::Secret;
use adit_core::text::Text;
use adit_core::units::{Day, Position, Timestamp};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::case::{Case, Letter};
use super::code::Purpose;
use super::form::{ACCEPT, Form, SealedFile};
use super::joint::{self, Joint};
use super::language::Language;
use super::report::listed;
use super::step::{Refused, run, step};
use super::turn;
use crate::app::App;
use crate::handlers::{Answered, Shared, blocking};
use crate::intake as gate;
use crate::page::render;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::web::{REPORT, Script, with_scripts};

/// Which words of the secret are asked for before the receipt is left, counted from 0: one of each of three groups.
pub(super) const ASKED: [usize; 3] = [1, 6, 10];

/// Where a report is followed.
const HERE: &str = "/my";

#[derive(Template)]
#[template(path = "reporter/key.html")]
pub(super) struct Asks {
    w: Language,
    stamp: String,
    fault: Option<String>,
    locked: bool,
    /// A case number and a one-time code that did not fit, with why.
    tried: Option<Tried>,
    /// What opens a report in the browser. Whoever has sent something to the server goes on there.
    script: Option<&'static Script>,
    /// What the script may have to say.
    says: Vec<(&'static str, String)>,
}

/// What was typed of a case number and a one-time code.
pub(super) struct Tried {
    pub(super) purpose: Purpose,
    pub(super) fault: String,
    pub(super) number: String,
    pub(super) code: String,
}

impl Asks {
    /// Once more, with what was typed.
    pub(super) fn after(app: &App, w: Language, tried: Tried) -> Result<Self, Problem> {
        Ok(Self { tried: Some(tried), ..asks(app, w, None, false)? })
    }

    /// What was typed where this is asked for.
    fn tried(&self, purpose: Purpose) -> Option<&Tried> {
        self.tried.as_ref().filter(|tried| tried.purpose == purpose)
    }

    fn pickup(&self) -> Option<&Tried> {
        self.tried(Purpose::Pickup)
    }

    fn join(&self) -> Option<&Tried> {
        self.tried(Purpose::Join)
    }
}

/// Nothing could be looked up in time: everything that was typed, to be sent once more.
#[derive(Template)]
#[template(path = "reporter/busy.html")]
struct Busy {
    w: Language,
    /// Where it is sent.
    at: &'static str,
    fault: String,
    again: Vec<(String, String)>,
}

/// The receipt, right after the report and whenever it is wanted again.
#[derive(Template)]
#[template(path = "reporter/receipt.html")]
pub(super) struct Receipt {
    pub(super) w: Language,
    pub(super) stamp: String,
    pub(super) groups: Vec<Vec<&'static str>>,
    pub(super) secret: String,
    pub(super) qr: String,
    /// The case number; of what was told to an enterprise, its name.
    pub(super) number: String,
    /// Of a report that somebody else had reported.
    pub(super) joined: bool,
    /// Of what was told to an enterprise, and not reported.
    pub(super) inside: bool,
    /// Where it is followed.
    pub(super) at: &'static str,
    pub(super) position: u64,
    pub(super) on: Day,
    pub(super) next: Option<Day>,
    pub(super) files: Vec<std::collections::BTreeMap<&'static str, String>>,
    /// What was told and is opened in the browser, which has the words, too.
    pub(super) here: Option<String>,
    pub(super) asked: Vec<usize>,
    pub(super) fault: Option<String>,
}

#[derive(Template)]
#[template(path = "reporter/follow.html")]
struct Follow {
    w: Language,
    /// Where the browser signs that has the secret; none where it was sent here.
    here: Option<StreamId>,
    stamp: String,
    secret: String,
    number: String,
    position: u64,
    steps: Vec<Step>,
    outcome: Option<String>,
    letters: Vec<Said>,
    told: String,
    told_sealed: Option<String>,
    files: Vec<std::collections::BTreeMap<&'static str, String>>,
    cards: Vec<Card>,
    joint: Joint,
    /// With how many officers intake shared it, and when last.
    shared: Option<(usize, Day)>,
    /// Somebody else reported it first.
    joined: bool,
    /// Where this reporter came in.
    entered: u64,
    may_judge: bool,
    disputed: bool,
    done: Option<String>,
    fault: Option<String>,
    /// Text that was typed and could not be sent.
    kept: String,
    /// Files that were sealed and could not be sent.
    files_kept: Vec<SealedFile>,
    /// Files that a browser offers.
    accept: &'static str,
    /// Ids for the commands that this page may send: sent twice, each is carried out once.
    ids: Vec<String>,
    /// Officers to whom nothing is sealed.
    excluded: Vec<String>,
}

/// One of the five steps.
struct Step {
    name: &'static str,
    /// `done`, `now`, `late` or `later`.
    state: &'static str,
    day: String,
}

struct Said {
    by_reporter: bool,
    kind: String,
    on: Day,
    words: String,
    files: Vec<std::collections::BTreeMap<&'static str, String>>,
    sealed: Option<String>,
}

struct Card {
    reward: StreamId,
    amount: String,
    whole: String,
    shared: bool,
    reasons: Vec<String>,
    claim_due: Option<Day>,
    state: &'static str,
    voucher: String,
    /// Hash of the code, for whoever keeps the secret.
    voucher_hash: Option<String>,
    qr: String,
    id: String,
}

/// A stamp for whoever showed a good secret.
pub(super) fn ripe(app: &App) -> Result<String, Problem> {
    turn::ripe(app, gate::Purpose::Secret)
}

fn asks(app: &App, w: Language, fault: Option<String>, locked: bool) -> Result<Asks, Problem> {
    let stamp = app.intake.stamp(gate::Purpose::Secret, app.office.ledger().now());
    Ok(Asks {
        w,
        stamp: stamp.map_err(|error| unreadable(&error))?,
        fault,
        locked,
        tried: None,
        script: None,
        says: Vec::new(),
    })
}

pub(super) fn receipt_page(
    app: &App,
    case: &Case,
    secret: Option<&Secret>,
    w: Language,
    fault: Option<String>,
) -> Result<Receipt, Problem> {
    let text = secret.map(|secret| secret.text(w.script()));
    let next = ["accept", "handle", "answer"].iter().filter_map(|clock| case.state.clocks.get(*clock)).min();
    Ok(Receipt {
        w,
        stamp: ripe(app)?,
        groups: secret.map(|secret| super::groups(secret, w)).unwrap_or_default(),
        qr: text.as_ref().map(|text| super::qr(text)).unwrap_or_default(),
        secret: text.map(|text| text.to_string()).unwrap_or_default(),
        here: secret.is_none().then(|| case.testimony_sealed.clone().unwrap_or_default()),
        number: case_number(&case.stream),
        joined: case.joined,
        inside: false,
        at: HERE,
        position: case.entered.0,
        on: case.entered_on,
        next: next.copied(),
        files: listed(&case.testimony.files),
        asked: ASKED.iter().map(|nth| nth + 1).collect(),
        fault,
    })
}

fn steps(case: &Case, today: Day) -> Vec<Step> {
    let due = |clock: &str| case.state.clocks.get(clock).copied();
    let missed = |clock: &str| case.state.missed.contains(clock) || due(clock).is_some_and(|due| due < today);
    let taken: [(&str, Option<&str>, Option<Day>); 5] = [
        ("received", None, case.facts.first().map(|fact| fact.at.day())),
        (
            "accepted",
            Some("accept"),
            done(case, |event| {
                matches!(
                    event,
                    ReportEvent::Accepted(_) | ReportEvent::Declined(_) | ReportEvent::Transferred(_)
                )
            }),
        ),
        ("verified", Some("handle"), done(case, |event| matches!(event, ReportEvent::Verified(_)))),
        ("handled", Some("handle"), done(case, |event| matches!(event, ReportEvent::Handled(_)))),
        ("answered", Some("answer"), done(case, |event| matches!(event, ReportEvent::Answered(_)))),
    ];
    let ended = matches!(case.state.status, Status::Declined | Status::Transferred);
    let mut current = true;
    let mut steps = Vec::new();
    for (name, clock, on) in taken {
        let late = on.is_none() && clock.is_some_and(missed);
        let state = match on {
            Some(_) => "done",
            None if late => "late",
            None if current && !ended => "now",
            None => "later",
        };
        current &= on.is_some();
        let day = on.or_else(|| due(clock?)).map(|day| day.to_string()).unwrap_or_default();
        steps.push(Step { name, state, day });
    }
    steps
}

fn done(case: &Case, is: impl Fn(&ReportEvent) -> bool) -> Option<Day> {
    case.done(is).map(Timestamp::day)
}

/// How it ended, where it did.
fn outcome(case: &Case, w: Language) -> Option<String> {
    match case.state.status {
        Status::Declined => Some(w.t("follow.declined")),
        Status::Transferred => Some(w.t("follow.transferred")),
        Status::Closed => Some(w.t("follow.closed")),
        Status::Absent
        | Status::Reported
        | Status::Accepted
        | Status::Verified
        | Status::Handled
        | Status::Answered => None,
    }
}

fn card(reward: &super::case::Reward) -> Result<Card, Problem> {
    let state = match reward.status {
        _ if reward.given_up => "given_up",
        _ if reward.paid => "paid",
        reward::Status::Denied => "denied",
        _ if reward.claimed => "claimed",
        reward::Status::Notified => "open",
        reward::Status::Absent
        | reward::Status::Assessed
        | reward::Status::Approved
        | reward::Status::Claimed
        | reward::Status::Paid
        | reward::Status::Forfeited
        | reward::Status::Waived => "over",
    };
    let voucher = reward.voucher.as_ref().filter(|_| state == "claimed").map(|code| code.to_string());
    let voucher = voucher.unwrap_or_default();
    Ok(Card {
        reward: reward.stream,
        amount: reward.amount.to_string(),
        whole: reward.whole.to_string(),
        shared: reward.amount != reward.whole,
        reasons: reward.reasons.clone(),
        claim_due: reward.claim_due,
        state,
        qr: if voucher.is_empty() { String::new() } else { super::qr(&voucher) },
        voucher_hash: reward.voucher_hash.clone().filter(|_| state == "claimed"),
        voucher,
        id: fresh_id()?,
    })
}

pub(super) fn fresh_id() -> Result<String, Problem> {
    Id::random().map(|id| id.to_string()).map_err(|error| unreadable(&error))
}

fn follow_page(
    app: &App,
    case: &Case,
    secret: Option<&Secret>,
    w: Language,
    said: Result<Option<String>, NotDone>,
) -> Result<Follow, Problem> {
    let told = |letter: &Letter| Said {
        by_reporter: letter.by_reporter,
        kind: w.t(&format!("said.{}", letter.kind.trim_start_matches("report."))),
        on: letter.on,
        words: letter.words.clone(),
        files: listed(&letter.files),
        sealed: letter.sealed.clone(),
    };
    let (done, fault, not_done) = match said {
        Ok(done) => (done, None, NotDone::default()),
        Err(not_done) => (None, Some(not_done.says.clone()), not_done),
    };
    Ok(Follow {
        w,
        here: secret.is_none().then_some(case.stream),
        stamp: ripe(app)?,
        secret: secret.map(|secret| secret.text(w.script()).to_string()).unwrap_or_default(),
        number: case_number(&case.stream),
        position: case.first().0,
        steps: steps(case, app.office.ledger().now().day()),
        outcome: outcome(case, w),
        letters: case.letters.iter().map(told).collect(),
        told: case.testimony.words.clone(),
        told_sealed: case.testimony_sealed.clone(),
        files: listed(&case.testimony.files),
        cards: case.rewards.iter().map(card).collect::<Result<_, _>>()?,
        joint: Joint::of(app, case)?,
        shared: case.shared(),
        joined: case.joined,
        entered: case.entered.0,
        may_judge: case.may_judge(),
        disputed: case.disputed(),
        done,
        fault,
        kept: not_done.words,
        files_kept: not_done.files,
        accept: ACCEPT,
        ids: (0..6).map(|_| fresh_id()).collect::<Result<_, _>>()?,
        excluded: case.excluded().iter().map(ToString::to_string).collect(),
    })
}

/// "My report" for whoever keeps the secret; `done` names what was done last.
pub(super) fn sealed_page(app: &App, case: &Case, w: Language, done: Option<String>) -> Answered {
    render(&follow_page(app, case, None, w, Ok(done))?)
}

/// Follow a report
///
/// 查询网页：输入十二字口令。
#[utoipa::path(get, path = "/my", tag = "reporter", params(("lang" = Option<String>, Query, description = "zh or en")),
    responses((status = 200, description = "HTML")))]
pub(crate) async fn form(State(app): Shared, RawQuery(query): RawQuery, headers: HeaderMap) -> Answered {
    let w = Language::of(query.as_deref(), &headers);
    let page = Asks { script: Some(&REPORT), says: super::here::says(w), ..asks(&app, w, None, false)? };
    Ok(with_scripts(render(&page)?, &[&REPORT]))
}

/// My report, and what its reporter does there
///
/// 我的举报：口令随表单送来。`step` 为空查看；`check` 核对口令；`message`、`evidence`、`retaliation` 发送；`satisfied`、`disputed`
/// 评价答复；`claim`、`waive` 领奖或放弃；`invite`、`invitation`、`withdraw` 邀请联名、再看邀请码、收回；`rotate` 更换口令；
/// `lock` 锁定；`receipt` 下载回执；`pickup` 用编号和取件码、`join` 用编号和邀请码换取自己的口令。
#[utoipa::path(post, path = "/my", tag = "reporter",
    responses((status = 200, description = "HTML, or the receipt file"), (status = 404, description = "HTML: no report has this secret"),
        (status = 422, description = "HTML: what is wrong"),
        (status = 503, description = "HTML: too many at once; everything typed, to be sent once more")))]
pub(crate) async fn act(
    State(app): Shared,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Form,
) -> Answered {
    let w = Language::named(form.get("lang")).unwrap_or_else(|| Language::of(query.as_deref(), &headers));
    let worker = Arc::clone(&app);
    at_the_gate(&app, w, form, HERE, move |form| async move { look_up(&worker, w, form).await }).await
}

/// Whoever shows a secret or a code waits for a turn, and is answered on the grid.
pub(super) async fn at_the_gate<F: Future<Output = Answered> + Send>(
    app: &Arc<App>,
    w: Language,
    form: Form,
    at: &'static str,
    look_up: impl FnOnce(Form) -> F + Send,
) -> Answered {
    let (turn, stamp) = turn::take(app, gate::Purpose::Secret, form.get("stamp").to_owned()).await?;
    let Some(turn) = turn else {
        let problem = turn::busy();
        let mut again = form.again();
        again.retain(|(name, _)| name != "stamp");
        again.push(("stamp".to_owned(), stamp));
        let page = Busy { w, at, fault: w.refusal(&problem.refusal), again };
        return Ok((problem.status, render(&page)?).into_response());
    };
    let begun = tokio::time::Instant::now();
    let answered = look_up(form).await;
    // Nobody learns from the time whether there is such a secret or code, and a turn is never shorter than a step: a ceiling on guesses.
    app.intake.on_the_grid(begun).await;
    drop(turn);
    answered
}

async fn look_up(app: &Arc<App>, w: Language, form: Form) -> Answered {
    let by_code = match form.get("step") {
        "pickup" => Some(Purpose::Pickup),
        "join" => Some(Purpose::Join),
        _ => None,
    };
    if let Some(purpose) = by_code {
        return super::code::act(Arc::clone(app), w, form, purpose).await;
    }
    let last = app.office.ledger().size().checked_sub(1);
    if let Some(last) = last {
        // Rewards are found in the read models; they follow the ledger within moments.
        let _ = app.projector.wait_for(Position(last)).await;
    }
    let worker = Arc::clone(app);
    blocking(move || answer(&worker, w, &form)).await
}

fn answer(app: &Arc<App>, w: Language, form: &Form) -> Result<Response, Problem> {
    let secret = match Secret::parse(form.get("secret")) {
        Ok(secret) => secret,
        Err(error) => return ask_again(app, w, &error.into(), StatusCode::UNPROCESSABLE_ENTITY),
    };
    let Some(case) = Case::open(app, &secret, w)? else {
        return ask_again(app, w, &Refusal::new("reporter.unknown_secret"), StatusCode::NOT_FOUND);
    };
    match form.get("step") {
        "check" => return check(app, &case, &secret, w, form),
        "receipt" => return proof_of(app, case.entered),
        "show" => return render(&receipt_page(app, &case, Some(&secret), w, None)?),
        "lock" => {
            let key = case.signer(app, &secret)?;
            run(app, &case, form, ReportCommand::Lock(Empty {}), &[&key]).map_err(Refused::problem)?;
            return render(&asks(app, w, None, true)?);
        }
        "rotate" => return rotate(app, &case, &secret, w, form),
        _ => {}
    }
    let said = step(app, &case, &secret, w, form);
    let said = match (said, form.get("step")) {
        (Ok(_), "invite" | "invitation") => match joint::sheet(app, &case, &secret, w, form) {
            Ok(page) => return page,
            Err(refused) => Err(refused),
        },
        (said, _) => said,
    };
    let (status, said) = match said {
        Ok(done) => (StatusCode::OK, Ok(done)),
        Err(refused) => {
            let files = form.files_to_send().cloned().collect();
            let words = form.get("words").to_owned();
            (refused.status(), Err(NotDone { says: refused.words(w), words, files }))
        }
    };
    // What was done is read again, so that the page shows it.
    let case = Case::open(app, &secret, w)?.unwrap_or(case);
    let page = follow_page(app, &case, Some(&secret), w, said)?;
    Ok((status, render(&page)?).into_response())
}

fn ask_again(app: &App, w: Language, refusal: &Refusal, status: StatusCode) -> Answered {
    let page = asks(app, w, Some(w.refusal(refusal)), false)?;
    Ok((status, render(&page)?).into_response())
}

/// What was not done, and what it came with.
#[derive(Default)]
struct NotDone {
    says: String,
    words: String,
    files: Vec<SealedFile>,
}

/// The three words that are asked for before the receipt is left.
fn check(app: &App, case: &Case, secret: &Secret, w: Language, form: &Form) -> Answered {
    if typed_back(secret, w, form) {
        let page = follow_page(app, case, Some(secret), w, Ok(Some(w.t("receipt.well_kept"))))?;
        return render(&page);
    }
    let page = receipt_page(app, case, Some(secret), w, Some(w.t("receipt.not_the_words")))?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
}

/// Whether the words that are asked for were typed back.
pub(super) fn typed_back(secret: &Secret, w: Language, form: &Form) -> bool {
    let words = secret.words(w.script());
    let typed: Vec<String> = form.all("typed").map(|word| word.trim().to_lowercase()).collect();
    let wanted: Vec<&str> = ASKED.iter().filter_map(|nth| words.get(*nth).copied()).collect();
    typed == wanted
}

/// The receipt file of the entry by which somebody came in, against the newest checkpoint: it need not wait for a publication.
pub(super) fn proof_of(app: &App, position: Position) -> Answered {
    let ledger = app.office.ledger();
    let stored = ledger.stored(position).map_err(|error| unreadable(&error))?.ok_or(ApiRefusal::NotFound)?;
    let receipts = ledger.receipts(&[stored], &ledger.checkpoint()).map_err(|error| unreadable(&error))?;
    let receipt = receipts.into_iter().flatten().next().ok_or(ApiRefusal::NotFound)?;
    let name = format!("attachment; filename=\"{position}.tlog-proof\"");
    let kind = "text/plain; charset=utf-8".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], receipt.to_bytes())
        .into_response())
}

/// Another secret for the same report; the old one opens nothing from then on.
fn rotate(app: &App, case: &Case, old: &Secret, w: Language, form: &Form) -> Answered {
    // The new secret was made for this form, so that a retry gives the same one.
    let new = Secret::parse(form.get("new_secret"));
    let Ok(new) = new else {
        let fresh = Secret::generate().map_err(|error| unreadable(&error))?;
        let page = Rotate {
            w,
            stamp: ripe(app)?,
            secret: old.text(w.script()).to_string(),
            groups: super::groups(&fresh, w),
            new_secret: fresh.text(w.script()).to_string(),
            qr: super::qr(&fresh.text(w.script())),
            id: fresh_id()?,
            here: false,
        };
        return render(&page);
    };
    let origin = app.office.ledger().origin();
    let (before, key) = (case.signer(app, old)?, case.signer(app, &new)?);
    let claim = new.claim_public(origin).map_err(|error| unreadable(&error))?;
    let command = ReportCommand::RotateKey(RotateKey {
        old: before.vkey(),
        new: key.vkey(),
        claim_key: Text::new(&claim).ok(),
        recipient: Text::new(&new.identity(origin).recipient()).ok(),
    });
    run(app, case, form, command, &[&before, &key]).map_err(Refused::problem)?;
    let case = Case::open(app, &new, w)?.ok_or(ApiRefusal::Unreadable)?;
    render(&follow_page(app, &case, Some(&new), w, Ok(Some(w.t("did.rotate"))))?)
}

#[derive(Template)]
#[template(path = "reporter/rotate.html")]
pub(super) struct Rotate {
    w: Language,
    stamp: String,
    secret: String,
    groups: Vec<Vec<&'static str>>,
    new_secret: String,
    qr: String,
    id: String,
    /// The words are made in the browser, and the page has none.
    here: bool,
}

impl Rotate {
    /// Without words, for whoever makes them.
    pub(super) fn without(w: Language) -> Result<Self, Problem> {
        let none = String::new;
        let (stamp, secret, new_secret, qr) = (none(), none(), none(), none());
        Ok(Self { w, stamp, secret, groups: Vec::new(), new_secret, qr, id: fresh_id()?, here: true })
    }
}
