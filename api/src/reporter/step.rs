//! What a reporter does with their report, one step a press: writes, judges the answer, claims, invites. Each is signed with the
//! keys that follow from the secret, and is one command however often it is sent.

use adit_core::command::{Command, Request};
use adit_core::id::{CommandId, StreamId};
use adit_core::ledger::vkey::SigningKey;
use adit_core::refusal::Refusal;
use adit_core::report::{Blob, Empty, Message, ReportCommand, Sealed, TESTIMONY_V, correspondent, intake};
use adit_core::reward::{Claim, RewardCommand};
use adit_core::seal::{self, Kind};
use adit_core::secret::{Secret, voucher_hash};
use adit_core::text::Text;
use axum::http::StatusCode;

use super::case::Case;
use super::form::{Form, SealedFile};
use super::joint;
use super::language::Language;
use crate::app::App;
use crate::handlers::sealed::check_blobs;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Longest message, in characters.
const MESSAGE_CHARS_MAX: usize = 20_000;

/// Why a step was not taken.
pub(super) enum Refused {
    Rule(Refusal),
    Fault(Problem),
}

impl Refused {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Rule(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Fault(problem) => problem.status,
        }
    }

    pub(super) fn words(&self, w: Language) -> String {
        match self {
            Self::Rule(refusal) => w.refusal(refusal),
            Self::Fault(problem) => w.refusal(&problem.refusal),
        }
    }

    pub(super) fn problem(self) -> Problem {
        match self {
            Self::Rule(refusal) => refusal.into(),
            Self::Fault(problem) => problem,
        }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Fault(problem)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Rule(refusal)
    }
}

/// Carries out what the form asks for; what was done, in the page's words.
pub(super) fn step(
    app: &App,
    case: &Case,
    secret: &Secret,
    w: Language,
    form: &Form,
) -> Result<Option<String>, Refused> {
    let step = form.get("step");
    match step {
        "message" | "evidence" | "retaliation" | "disputed" => {
            let sealed = letter(app, case, secret, form)?;
            let command = match step {
                "message" => ReportCommand::Message(sealed),
                "evidence" => ReportCommand::AddEvidence(sealed),
                "retaliation" => ReportCommand::AllegeRetaliation(sealed),
                _ => ReportCommand::Dispute(sealed),
            };
            run(app, case, form, command, &[&case.signer(app, secret)?])?;
        }
        "satisfied" => {
            run(app, case, form, ReportCommand::Satisfy(Empty {}), &[&case.signer(app, secret)?])?;
        }
        "claim" | "waive" => claim(app, case, secret, form, step == "claim")?,
        "invite" => joint::give_out(app, case, secret, form)?,
        "withdraw" => joint::withdraw(app, case, secret, form)?,
        _ => return Ok(None),
    }
    Ok(Some(w.t(&format!("did.{step}"))))
}

/// Seals what was written, with a list of the files that came with it, to the office and to the reporter.
fn letter(app: &App, case: &Case, secret: &Secret, form: &Form) -> Result<Sealed, Refused> {
    if let Some(fault) = &form.fault {
        return Err(fault.clone().into());
    }
    let words = form.get("words").trim();
    let chosen: Vec<&SealedFile> = form.files_to_send().collect();
    if words.is_empty() && chosen.is_empty() {
        return Err(Refusal::new("reporter.nothing_written").into());
    }
    if !words.is_empty() && Text::<MESSAGE_CHARS_MAX>::new(words).is_err() {
        return Err(Refusal::new("reporter.hidden_character")
            .with("question", "reporter.question_words")
            .into());
    }
    if Secret::parse(words).is_ok() || contains_secret(words, secret) {
        return Err(Refusal::new("reporter.secret_in_message").into());
    }
    // What may tell place and time goes when its sender says so, and never silently.
    if let Some(file) = chosen.iter().find(|file| file.tells()).filter(|_| form.get("tells") != "yes") {
        return Err(Refusal::new("reporter.file_tells").with("name", &file.note.name).into());
    }
    let notes = chosen.iter().map(|file| file.note.clone()).collect();
    let message = Message { v: TESTIMONY_V, words: words.to_owned(), files: notes };
    let text = zeroize::Zeroizing::new(serde_json::to_vec(&message).map_err(|error| unreadable(&error))?);
    let ledger = app.office.ledger();
    let office = intake(&ledger.keys(), ledger.size(), case.excluded());
    if office.is_empty() {
        return Err(Refusal::new("reporter.nobody_left").into());
    }
    let mut files = Vec::new();
    for file in chosen {
        if file.recipients.iter().any(|age| !office.contains(age)) {
            return Err(Refusal::new("reporter.file_again").with("name", &file.note.name).into());
        }
        files.extend(Blob::new(&file.note.blob, file.sealed, &file.recipients));
    }
    let recipients = correspondent(&case.state, &case.key.to_string(), &office);
    let sealed = seal::seal(&text, recipients.iter().map(String::as_str), Kind::Text);
    let sealed = sealed.map_err(|error| unreadable(&error))?;
    let blobs = ledger.blobs().ok_or(ApiRefusal::Unreadable).map_err(Problem::from)?;
    let hash = blobs.put(&sealed).map_err(Problem::from)?;
    let blob = Blob::new(&hash, sealed.len() as u64, &recipients);
    let sealed = blob.ok_or_else(|| Problem::from(ApiRefusal::Unreadable))?;
    Ok(Sealed { sealed, files })
}

/// Whether somebody is about to send the secret itself.
pub(super) fn contains_secret(words: &str, secret: &Secret) -> bool {
    let squeezed: String =
        words.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    [adit_core::secret::Script::Chinese, adit_core::secret::Script::English]
        .iter()
        .any(|script| squeezed.contains(&secret.words(*script).concat()))
}

pub(super) fn run(
    app: &App,
    case: &Case,
    form: &Form,
    command: ReportCommand,
    keys: &[&SigningKey],
) -> Result<(), Refused> {
    execute(app, case.stream, form, Command::Report(command), keys)
}

fn execute(
    app: &App,
    stream: StreamId,
    form: &Form,
    command: Command,
    keys: &[&SigningKey],
) -> Result<(), Refused> {
    // The page made the id, so that a double tap or a retry is one command.
    let id: CommandId = form.get("id").parse().map_err(|_| Problem::from(ApiRefusal::BadRequest))?;
    let before = app.office.ledger().answered(&id).map_err(|error| unreadable(&error))?;
    if before.is_some() {
        return Ok(());
    }
    let request = Request { id, stream: Some(stream), command };
    let checked = check_blobs(app, &request, &[]);
    match checked.and_then(|()| Ok(app.office.execute(&request, keys)?)) {
        Ok(_) => Ok(()),
        Err(problem) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => Err(problem.refusal.into()),
        Err(problem) => Err(problem.into()),
    }
}

/// One press: signed with the claim key, and paid against a voucher without a name.
fn claim(app: &App, case: &Case, secret: &Secret, form: &Form, wanted: bool) -> Result<(), Refused> {
    let asked: Option<StreamId> = form.get("reward").parse().ok();
    let reward = case.rewards.iter().find(|reward| Some(reward.stream) == asked);
    let reward = reward.ok_or_else(|| Refusal::new("reporter.no_such_reward"))?;
    let origin = app.office.ledger().origin();
    let key = secret.claim_key(origin, &reward.stream).map_err(|error| unreadable(&error))?;
    let command = if wanted {
        let voucher = voucher_hash(&secret.voucher(origin, &reward.stream));
        RewardCommand::Claim(Claim { key: key.vkey(), voucher: Text::new(&voucher).ok() })
    } else {
        RewardCommand::Waive(Claim::of(key.vkey()))
    };
    execute(app, reward.stream, form, Command::Reward(command), &[&key])
}
