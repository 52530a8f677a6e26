//! The report: one question a screen, then one look at all of it, then it is sealed and entered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adit_core::command::{Command, Request};
use adit_core::id::{ActorId, Id, StreamId, StreamKind};
use adit_core::ledger::blobs::BlobError;
use adit_core::refusal::Refusal;
use adit_core::report::{
    Blob, Channel, FileNote, Report, ReportCommand, TESTIMONY_V, Testimony, escrow, fingerprint, intake,
};
use adit_core::role::Role;
use adit_core::rules::reward::Matter;
use adit_core::seal::{self, Kind};
use adit_core::secret::Secret;
use adit_core::text::{Text, TextError};
use adit_core::units::Position;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use super::case::Case;
use super::follow::{ASKED, receipt_page};
use super::form::{ACCEPT, Form, SealedFile};
use super::language::Language;
use super::turn::{self, busy};
use crate::app::App;
use crate::handlers::sealed::check_blobs;
use crate::handlers::{Answered, Shared, blocking};
use crate::intake::Purpose;
use crate::page::render;
use crate::posts::post;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::web::{REPORT, Script, with_scripts};

/// Longest words of a testimony, in characters.
const WORDS_CHARS_MAX: usize = 20_000;
/// Longest answer to a question of one line, in characters.
const LINE_CHARS_MAX: usize = 200;
/// Most officers who are listed to be excluded.
const OFFICERS_MAX: usize = 200;

/// Plain kinds of what is wrong, and as what they are entered; the reporter need not know any legal category.
static KINDS: &str = include_str!("../../words/reporter/kinds.tsv");

pub(crate) fn kinds() -> impl Iterator<Item = (&'static str, Matter)> {
    KINDS.lines().filter_map(|line| line.split_once('\t')).map(|(code, matter)| {
        let matter = match matter {
            "concealed_accident" => Matter::ConcealedAccident,
            "illegal_act" => Matter::IllegalAct,
            _ => Matter::MajorHazard,
        };
        (code, matter)
    })
}

/// What a reporter has told so far.
pub(crate) struct Draft {
    pub(crate) enterprise: String,
    pub(crate) place: String,
    pub(crate) kinds: Vec<String>,
    pub(crate) excluded: BTreeSet<ActorId>,
    pub(crate) not_to: String,
    pub(crate) words: String,
    pub(crate) contact: String,
    pub(crate) insider: bool,
    pub(crate) files: Vec<SealedFile>,
    /// Says since when the form has been with its reporter; empty where a clerk typed it.
    pub(crate) stamp: String,
}

impl Draft {
    pub(crate) fn of(form: &Form) -> Self {
        Self {
            enterprise: form.get("enterprise").trim().to_owned(),
            place: form.get("place").trim().to_owned(),
            kinds: kinds()
                .filter(|(code, _)| form.all("kind").any(|chosen| chosen == *code))
                .map(|(code, _)| code.to_owned())
                .collect(),
            excluded: form.excluded(),
            not_to: form.get("not_to").trim().to_owned(),
            words: form.get("words").trim().to_owned(),
            contact: form.get("contact").trim().to_owned(),
            insider: form.get("insider") == "yes",
            files: form.files_to_send().cloned().collect(),
            stamp: form.get("stamp").to_owned(),
        }
    }

    /// The files that may tell place and time.
    fn tells(&self) -> impl Iterator<Item = &SealedFile> {
        self.files.iter().filter(|file| file.tells())
    }

    /// The same with a stamp that counts, or may come to count.
    fn stamped(self, app: &App) -> Result<Self, Problem> {
        Ok(Self { stamp: turn::stamp_of(app, self.stamp)?, ..self })
    }

    /// Whether a plain kind was chosen.
    fn chose(&self, kind: &str) -> bool {
        self.kinds.iter().any(|chosen| chosen == kind)
    }

    fn empty() -> Self {
        Self::of(&Form::default())
    }

    /// Why it can't be sent as it is.
    pub(crate) fn fault(&self) -> Option<Refusal> {
        let checked = text::<WORDS_CHARS_MAX>("words", &self.words, true)
            .and_then(|()| text::<LINE_CHARS_MAX>("enterprise", &self.enterprise, false))
            .and_then(|()| text::<LINE_CHARS_MAX>("place", &self.place, false))
            .and_then(|()| text::<LINE_CHARS_MAX>("not_to", &self.not_to, false))
            .and_then(|()| text::<LINE_CHARS_MAX>("contact", &self.contact, false));
        checked.err()
    }

    /// Concealed accidents and unlawful acts have rules of their own; everything else is looked at as a hazard.
    pub(crate) fn matter(&self) -> Matter {
        let chosen = |wanted: Matter| kinds().any(|(code, matter)| matter == wanted && self.chose(code));
        [Matter::ConcealedAccident, Matter::MajorHazard, Matter::IllegalAct]
            .into_iter()
            .find(|matter| chosen(*matter))
            .unwrap_or(Matter::MajorHazard)
    }

    fn testimony(&self, language: Language) -> Testimony {
        Testimony {
            v: TESTIMONY_V,
            language: language.name().to_owned(),
            enterprise: self.enterprise.clone(),
            place: self.place.clone(),
            kinds: self.kinds.clone(),
            words: self.words.clone(),
            not_to: self.not_to.clone(),
            contact: self.contact.clone(),
            files: self.files.iter().map(|file| file.note.clone()).collect(),
        }
    }

    /// The fields as they travel with the form.
    fn hidden(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("stamp", self.stamp.clone()),
            ("enterprise", self.enterprise.clone()),
            ("place", self.place.clone()),
            ("not_to", self.not_to.clone()),
            ("words", self.words.clone()),
            ("contact", self.contact.clone()),
            ("insider", if self.insider { "yes" } else { "no" }.to_owned()),
        ];
        fields.extend(self.kinds.iter().map(|kind| ("kind", kind.clone())));
        fields.extend(self.excluded.iter().map(|actor| ("excluded", actor.to_string())));
        fields.extend(self.files.iter().map(|file| ("file_sealed", file.text())));
        fields
    }
}

/// Whether a text may be sealed; the refusal names the question.
pub(super) fn text<const MAX: usize>(field: &str, value: &str, needed: bool) -> Result<(), Refusal> {
    if value.is_empty() && !needed {
        return Ok(());
    }
    let fault = match Text::<MAX>::new(value) {
        Ok(_) => return Ok(()),
        Err(TextError::Blank) => Refusal::new("reporter.words_missing"),
        Err(TextError::TooLong(most)) => Refusal::new("reporter.too_long").with("most", &most.to_string()),
        Err(TextError::Hidden) => Refusal::new("reporter.hidden_character"),
    };
    Err(fault.with("question", &format!("reporter.question_{field}")))
}

#[derive(Template)]
#[template(path = "reporter/report.html")]
struct Questions {
    w: Language,
    draft: Draft,
    kinds: Vec<&'static str>,
    officers: Vec<(ActorId, String)>,
    rewards: Vec<Offer>,
    fault: Option<String>,
    /// Why nothing can be taken in now: said before anything is typed.
    closed: Option<String>,
    /// Words are taken, but no files.
    no_files: bool,
    /// So many large files are on their way that one more may have to wait.
    crowded: bool,
    /// Files that a browser offers.
    accept: &'static str,
    secret: String,
    /// What seals in the browser. A form that has been on the server goes on there, and says so.
    script: Option<&'static Script>,
    /// What the script may have to say.
    says: Vec<(&'static str, String)>,
    /// Which words of the secret are asked for, counted from 1.
    asked: [usize; 3],
}

/// What a reward rule offers, with its source.
struct Offer {
    title: String,
    says: Vec<String>,
}

#[derive(Template)]
#[template(path = "reporter/look.html")]
struct Look {
    w: Language,
    draft: Draft,
    hidden: Vec<(&'static str, String)>,
    officers: Vec<String>,
    groups: Vec<Vec<&'static str>>,
    secret: String,
    /// What the words seem to give away.
    gives_away: Vec<String>,
    /// Of whom a report is sealed to when nobody is excluded.
    fingerprint: String,
    /// The escrow key can open it, too.
    escrow: bool,
    fault: Option<String>,
}

fn questions(
    app: &App,
    w: Language,
    draft: Draft,
    fault: Option<&Refusal>,
    secret: &str,
) -> Result<Questions, Problem> {
    Ok(Questions {
        w,
        draft: draft.stamped(app)?,
        kinds: kinds().map(|(code, _)| code).collect(),
        officers: officers(app)?,
        rewards: offers(app, w),
        fault: fault.map(|refusal| w.refusal(refusal)),
        closed: None,
        no_files: room(app)? < app.intake.limits.room_for_files(),
        accept: ACCEPT,
        crowded: app.parts.as_ref().is_some_and(|parts| !parts.has_room()),
        secret: secret.to_owned(),
        script: None,
        says: Vec::new(),
        asked: ASKED.map(|nth| nth + 1),
    })
}

/// Why no report can be taken in now.
fn closed(app: &App, w: Language) -> Result<Option<String>, Problem> {
    let ledger = app.office.ledger();
    if intake(&ledger.keys(), ledger.size(), &BTreeSet::new()).is_empty() {
        return Ok(Some(w.t("report.closed_instead")));
    }
    if room(app)? < app.intake.limits.room_for_words() {
        return Ok(Some(w.t("report.closed_no_room")));
    }
    Ok((!app.intake.has_memory()).then(|| w.t("report.closed_busy")))
}

/// Bytes that may still be written where sealed files lie.
fn room(app: &App) -> Result<u64, Problem> {
    Ok(app.office.ledger().blobs().ok_or(ApiRefusal::Unreadable)?.room()?)
}

/// Whom a report can be kept from, by post: whoever works on reports and is in force. All of them or none: nobody is told less.
pub(crate) fn officers(app: &App) -> Result<Vec<(ActorId, String)>, Problem> {
    let ledger = app.office.ledger();
    let (keys, size) = (ledger.keys(), Position(ledger.size()));
    let works = [Role::Clerk, Role::Inspector, Role::Handler, Role::Approver];
    let mut actors = BTreeSet::new();
    let held = works.iter().flat_map(|role| keys.with_role(*role));
    for (key, _) in held.filter(|(_, state)| state.in_force(size)) {
        actors.extend(keys.actor_of(key));
    }
    let mut found = Vec::new();
    for actor in actors.into_iter().take(OFFICERS_MAX) {
        let post = post(app, actor).map_err(|error| unreadable(&error))?;
        found.extend(post.map(|post| (actor, post)));
    }
    found.sort_by(|one, other| one.1.cmp(&other.1));
    Ok(found)
}

/// The reward rules in force today, each with what it gives and where that is written.
fn offers(app: &App, w: Language) -> Vec<Offer> {
    let today = app.office.ledger().now().day();
    let articles = app.office.rules().articles();
    let current = articles.into_iter().filter(|article| {
        let begun = article.from.is_none_or(|from| from <= today);
        let runs = article.until.is_none_or(|until| today <= until);
        article.pack == "rewards" && article.in_force && begun && runs
    });
    let offer = |article: adit_core::rules::article::Article| {
        let says = article.says.into_iter().map(|reason| {
            let words = Refusal { code: reason.code, details: reason.details };
            format!("{}（{}）", w.refusal(&words), reason.source)
        });
        Offer { title: article.title, says: says.collect() }
    };
    current.map(offer).collect()
}

/// What could tell who wrote it: runs of digits as long as a telephone or identity number, and words about a shift or a name.
pub(super) fn gives_away(words: &str, w: Language) -> Vec<String> {
    let mut run = 0;
    let mut longest = 0;
    for c in words.chars() {
        run = if c.is_ascii_digit() { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let mut found = Vec::new();
    if longest >= 15 {
        found.push(w.t("look.identity_number"));
    } else if longest >= 7 {
        found.push(w.t("look.telephone_number"));
    }
    let lower = words.to_lowercase();
    if ["班", "我叫", "我是", "工号", "shift", "my name", "badge"].iter().any(|word| lower.contains(word))
    {
        found.push(w.t("look.shift_or_name"));
    }
    found
}

/// Report
///
/// 举报网页：逐题填写，无须登录，不用脚本。
#[utoipa::path(get, path = "/report", tag = "reporter", params(("lang" = Option<String>, Query, description = "zh or en")),
    responses((status = 200, description = "HTML")))]
pub(crate) async fn form(State(app): Shared, RawQuery(query): RawQuery, headers: HeaderMap) -> Answered {
    let w = Language::of(query.as_deref(), &headers);
    let page = blocking(move || {
        let page = questions(&app, w, Draft::empty(), None, "")?;
        Ok(Questions { closed: closed(&app, w)?, ..page })
    });
    Ok(with_scripts(render(&Questions { script: Some(&REPORT), says: says(w), ..page.await? })?, &[&REPORT]))
}

/// Words of the script, by the codes that it has for them.
fn says(w: Language) -> Vec<(&'static str, String)> {
    let rule = |code: &str| w.refusal(&Refusal::new(code));
    let hidden = |field: &str| {
        w.refusal(
            &Refusal::new("reporter.hidden_character")
                .with("question", &format!("reporter.question_{field}")),
        )
    };
    vec![
        (
            "words_missing",
            w.refusal(&Refusal::new("reporter.words_missing").with("question", "reporter.question_words")),
        ),
        ("hidden_words", hidden("words")),
        ("hidden_enterprise", hidden("enterprise")),
        ("hidden_place", hidden("place")),
        ("hidden_not_to", hidden("not_to")),
        ("hidden_contact", hidden("contact")),
        ("nobody_left", rule("reporter.nobody_left")),
        ("no_intake", rule("reporter.no_intake")),
        ("file_too_large", rule("reporter.file_too_large")),
        ("files_too_large", w.t("fault.files_too_large")),
        ("too_many", rule("report.too_many")),
        ("offline", w.t("fault.offline")),
        ("strange", w.t("fault.strange")),
        ("broken", w.t("fault.broken")),
        ("did_copy", w.t("receipt.copied")),
        ("did_picture", w.t("receipt.pictured")),
        ("not_kept", w.t("receipt.not_kept")),
        ("nothing", w.t("look.nothing")),
        ("nobody", w.t("look.nobody")),
        ("cleaned", w.t("look.cleaned")),
        ("not_cleaned", w.t("look.not_cleaned")),
        ("identity_number", w.t("look.identity_number")),
        ("telephone_number", w.t("look.telephone_number")),
        ("shift_or_name", w.t("look.shift_or_name")),
        ("sealing", w.t("look.sealing")),
        ("arrived", w.t("look.arrived")),
        ("leave_out", w.t("look.leave_out")),
        ("waiting", w.t("look.waiting")),
    ]
}

/// Look it over, change it, or send it
///
/// 提交举报：`step` 为 `look` 核对、`edit` 修改、`send` 提交。口令在核对页给出，随表单送回；同一口令只成一件举报。
///
/// A form (multipart with files, or urlencoded). Files are sealed as they arrive. Sending the same form again gives the same
/// receipt.
#[utoipa::path(post, path = "/report", tag = "reporter",
    responses((status = 200, description = "HTML: what will be sent, or the receipt"),
        (status = 422, description = "HTML: the form with what is wrong; nothing typed is lost"),
        (status = 503, description = "api.not_written")))]
pub(crate) async fn submit(
    State(app): Shared,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Form,
) -> Answered {
    let w = Language::named(form.get("lang")).unwrap_or_else(|| Language::of(query.as_deref(), &headers));
    let draft = Draft::of(&form);
    match form.get("step") {
        "edit" => {
            let secret = form.get("secret").to_owned();
            let page = blocking(move || questions(&app, w, draft, None, &secret)).await?;
            render(&page)
        }
        "send" => send(app, w, draft, &form).await,
        _ => look(app, w, draft, &form).await,
    }
}

async fn look(app: Arc<App>, w: Language, draft: Draft, form: &Form) -> Answered {
    let fault = form.fault.clone().or_else(|| draft.fault());
    let typed = form.get("secret").to_owned();
    blocking(move || {
        if let Some(fault) = fault {
            let page = questions(&app, w, draft, Some(&fault), &typed)?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response());
        }
        // A secret that the form carries already stays, so that what was written down still holds.
        let secret = Secret::parse(&typed).or_else(|_| Secret::generate());
        let secret = secret.map_err(|error| unreadable(&error))?;
        render(&look_page(&app, w, draft, &secret, None)?)
    })
    .await
}

fn look_page(
    app: &App,
    w: Language,
    draft: Draft,
    secret: &Secret,
    fault: Option<&Refusal>,
) -> Result<Look, Problem> {
    let draft = draft.stamped(app)?;
    let excluded = officers(app)?.into_iter().filter(|(actor, _)| draft.excluded.contains(actor));
    let (keys, size) = (app.office.ledger().keys(), app.office.ledger().size());
    Ok(Look {
        w,
        hidden: draft.hidden(),
        officers: excluded.map(|(_, title)| title).collect(),
        groups: super::groups(secret, w),
        secret: secret.text(w.script()).to_string(),
        gives_away: gives_away(&draft.words, w),
        fingerprint: fingerprint(&intake(&keys, size, &BTreeSet::new())),
        escrow: !escrow(&keys, size, &draft.excluded).is_empty(),
        fault: fault.map(|refusal| w.refusal(refusal)),
        draft,
    })
}

async fn send(app: Arc<App>, w: Language, draft: Draft, form: &Form) -> Answered {
    let secret = Secret::parse(form.get("secret"));
    let fault = form.fault.clone().or_else(|| draft.fault());
    let (turn, stamp) = turn::take(&app, Purpose::Report, draft.stamp).await?;
    let draft = Draft { stamp, ..draft };
    blocking(move || {
        let secret = match secret {
            Ok(secret) => secret,
            Err(error) => {
                let page = questions(&app, w, draft, Some(&error.into()), "")?;
                return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response());
            }
        };
        let entered = match (fault, turn) {
            (Some(fault), _) => Err(Sent::Refused(fault)),
            (None, None) => Err(Sent::Failed(busy())),
            // The turn is over when the report is entered.
            (None, Some(_turn)) => enter(&app, w, &draft, &secret),
        };
        match entered {
            Ok(()) => {
                let case = Case::open(&app, &secret, w)?;
                let case = case.ok_or(ApiRefusal::Unreadable)?;
                render(&receipt_page(&app, &case, Some(&secret), w, None)?)
            }
            Err(Sent::Refused(refusal)) => {
                let page = look_page(&app, w, draft, &secret, Some(&refusal))?;
                Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
            }
            // What was typed is still on the page, with its secret: sending again is safe.
            Err(Sent::Failed(problem)) => {
                let status = problem.status;
                let page = look_page(&app, w, draft, &secret, Some(&problem.refusal))?;
                Ok((status, render(&page)?).into_response())
            }
        }
    })
    .await
}

/// Why a report was not entered.
pub(crate) enum Sent {
    Refused(Refusal),
    Failed(Problem),
}

impl Sent {
    pub(crate) fn problem(self) -> Problem {
        match self {
            Self::Refused(refusal) => refusal.into(),
            Self::Failed(problem) => problem,
        }
    }
}

impl From<Problem> for Sent {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<BlobError> for Sent {
    fn from(error: BlobError) -> Self {
        Self::Failed(error.into())
    }
}

/// Seals the words and enters the report. The same secret is the same report: sent again, nothing is written twice.
fn enter(app: &App, w: Language, draft: &Draft, secret: &Secret) -> Result<(), Sent> {
    let ledger = app.office.ledger();
    let origin = ledger.origin().to_owned();
    let id = secret.command_id(&origin);
    if ledger.answered(&id).map_err(|error| Sent::Failed(unreadable(&error)))?.is_some() {
        return Ok(());
    }
    let own = secret.identity(&origin).recipient();
    let sealed = seal_draft(app, w, draft, &own)?;
    let stream =
        StreamId::new(StreamKind::Report, Id::random().map_err(|error| Sent::Failed(unreadable(&error)))?);
    let key = secret.sign_key(&origin, &stream).map_err(|error| Sent::Failed(unreadable(&error)))?;
    let claim = secret.claim_public(&origin).map_err(|error| Sent::Failed(unreadable(&error)))?;
    let report = Report {
        matter: draft.matter(),
        channel: Channel::Web,
        key: Some(key.vkey()),
        claim_key: Text::new(&claim).ok(),
        recipient: Text::new(&own).ok(),
        insider: draft.insider,
        testimony: Some(sealed.testimony),
        files: sealed.files,
        excluded: draft.excluded.iter().copied().collect(),
        pickup: None,
    };
    let request =
        Request { id, stream: Some(stream), command: Command::Report(ReportCommand::Report(report)) };
    // What the form says of files came back from a browser: it is checked like a command of the API.
    let checked = check_blobs(app, &request, &[]);
    match checked.and_then(|()| Ok(app.office.execute(&request, &[&key])?)) {
        Ok(_) => Ok(()),
        // The same secret was sent twice at once, and the other one came first.
        Err(error) => match ledger.answered(&id) {
            Ok(Some(_)) => Ok(()),
            Ok(None) | Err(_) => Err(refused_or_failed(error)),
        },
    }
}

/// What was told, sealed.
pub(crate) struct SealedDraft {
    pub(crate) testimony: Blob,
    pub(crate) files: Vec<Blob>,
}

/// Seals the words to the intake officers whom the reporter does not exclude, and to `own`; looks whether the files were sealed to
/// nobody else.
pub(crate) fn seal_draft(app: &App, w: Language, draft: &Draft, own: &str) -> Result<SealedDraft, Sent> {
    let ledger = app.office.ledger();
    let allowed = intake(&ledger.keys(), ledger.size(), &draft.excluded);
    if allowed.is_empty() {
        return Err(Sent::Refused(Refusal::new("reporter.nobody_left")));
    }
    let blobs = ledger.blobs().ok_or(ApiRefusal::Unreadable).map_err(Problem::from)?;
    if blobs.room()? < app.intake.limits.room_for_words() {
        let (status, refusal) = (StatusCode::INSUFFICIENT_STORAGE, Refusal::new("reporter.no_room"));
        return Err(Sent::Failed(Problem { status, refusal }));
    }
    let mut files = Vec::new();
    for file in &draft.files {
        // The reporter may have excluded somebody after the file was sealed.
        let kept_from = file.recipients.iter().any(|age| !allowed.contains(age));
        if kept_from || !blobs.has(&file.note.blob)? {
            let name = file.note.name.as_str();
            return Err(Sent::Refused(Refusal::new("reporter.file_again").with("name", name)));
        }
        files.extend(Blob::new(&file.note.blob, file.sealed, &file.recipients));
    }
    let mut recipients = allowed;
    recipients.push(own.to_owned());
    let told = serde_json::to_vec(&draft.testimony(w)).map_err(|error| Sent::Failed(unreadable(&error)))?;
    let told = zeroize::Zeroizing::new(told);
    let sealed = seal::seal(&told, recipients.iter().map(String::as_str), Kind::Text);
    let sealed = sealed.map_err(|error| Sent::Failed(unreadable(&error)))?;
    let hash = blobs.put(&sealed)?;
    let testimony = Blob::new(&hash, sealed.len() as u64, &recipients);
    let testimony = testimony.ok_or(ApiRefusal::Unreadable).map_err(Problem::from)?;
    Ok(SealedDraft { testimony, files })
}

pub(super) fn refused_or_failed(problem: Problem) -> Sent {
    if problem.status == StatusCode::UNPROCESSABLE_ENTITY {
        Sent::Refused(problem.refusal)
    } else {
        Sent::Failed(problem)
    }
}

/// Names and sizes of files as the pages list them.
pub(crate) fn listed(files: &[FileNote]) -> Vec<BTreeMap<&'static str, String>> {
    let one = |file: &FileNote| {
        BTreeMap::from([
            ("name", file.name.clone()),
            ("size", size(file.size)),
            ("sha256", file.sha256.clone()),
        ])
    };
    files.iter().map(one).collect()
}

/// A size as people read it.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} kB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}
