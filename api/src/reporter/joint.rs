//! Inviting others to join: the first reporter makes a code, hands it over by themselves, and can withdraw it.

use adit_core::decider::Rejection;
use adit_core::id::CommandId;
use adit_core::refusal::Refusal;
use adit_core::report::{OneTimeCode, ReportCommand, ReportRefusal, Status, WithdrawInvitation, case_number};
use adit_core::rules::joint::limits;
use adit_core::secret::Secret;
use askama::Template;
use zeroize::Zeroizing;

use super::case::Case;
use super::follow::{fresh_id, ripe};
use super::form::Form;
use super::language::Language;
use super::step::{Refused, run};
use crate::app::App;
use crate::handlers::Answered;
use crate::joint::Fresh;
use crate::page::render;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// What "My report" says of joint reporters.
pub(super) struct Joint {
    /// Reporters, with this one.
    pub(super) many: usize,
    /// This one reported first.
    pub(super) first: bool,
    /// Codes that were given out and not used.
    pub(super) open: Vec<Open>,
    /// How many more may be invited; none where it is too late.
    pub(super) left: usize,
}

/// A code that was given out.
pub(super) struct Open {
    pub(super) number: String,
    /// Its key.
    pub(super) key: String,
    /// Id of the command that withdraws it.
    pub(super) withdraw: String,
}

impl Joint {
    pub(super) fn of(app: &App, case: &Case) -> Result<Self, Problem> {
        let state = &case.state;
        let first = state.first.as_deref() == Some(case.key.to_string().as_str());
        let mut open = Vec::new();
        for invite in state.open_invitations().filter(|_| first) {
            let (number, key) = (invite.number.to_string(), invite.key.to_string());
            open.push(Open { number, key, withdraw: fresh_id()? });
        }
        let live = match state.status {
            Status::Absent | Status::Declined | Status::Transferred | Status::Closed => false,
            Status::Reported | Status::Accepted | Status::Verified | Status::Handled | Status::Answered => {
                true
            }
        };
        let may = first && live && !case.assessed;
        let most = limits(&app.office.rules());
        let places = most.reporters_max.saturating_sub(state.reporters + open.len());
        let codes = most.invitations_max.saturating_sub(state.invitations.len());
        let left = if may { places.min(codes) } else { 0 };
        Ok(Self { many: state.reporters, first, left, open })
    }
}

/// What is handed over: on paper, by the reporter's own hand.
#[derive(Template)]
#[template(path = "reporter/invitation.html")]
pub(super) struct Sheet {
    w: Language,
    stamp: String,
    secret: String,
    number: String,
    code: Zeroizing<String>,
}

impl Sheet {
    /// Without a code, for whoever has the secret from which it follows.
    pub(super) fn without(w: Language) -> Self {
        Self {
            w,
            stamp: String::new(),
            secret: String::new(),
            number: String::new(),
            code: Zeroizing::default(),
        }
    }
}

fn none() -> Refused {
    Refusal::new("reporter.no_such_invitation").into()
}

/// Gives a code out. It follows from the secret and the form's id: sent twice, it is one code.
pub(super) fn give_out(app: &App, case: &Case, secret: &Secret, form: &Form) -> Result<(), Refused> {
    let id: CommandId = form.get("id").parse().map_err(|_| Problem::from(ApiRefusal::BadRequest))?;
    let (ledger, number, key) = (app.office.ledger(), id.to_string(), case.signer(app, secret)?);
    if ledger.answered(&id).map_err(|error| unreadable(&error))?.is_some() {
        return Ok(());
    }
    let code = OneTimeCode::of_reporter(secret, ledger.origin(), &number);
    let make = || {
        let state = app.office.report(case.stream).map_err(Problem::from)?;
        let fresh = Fresh::make(app, &case.stream, &state, &code, &number)?;
        run(app, case, form, fresh.command(), &[&key, &fresh.key])
    };
    match make() {
        // Two first codes at once drew two salts; the second takes that of the first.
        Err(Refused::Rule(refusal)) if refusal.code == ReportRefusal::BadInvitation.code() => make(),
        said => said,
    }
}

/// The code of this number, where it is open and follows from this secret.
fn code_of(app: &App, case: &Case, secret: &Secret, number: &str) -> Result<OneTimeCode, Refused> {
    let code = OneTimeCode::of_reporter(secret, app.office.ledger().origin(), number);
    let state = app.office.report(case.stream).map_err(Problem::from)?;
    let mut open = state.open_invitations();
    let shown = open.any(|invite| invite.number.as_str() == number && invite.may_be(&code));
    if shown { Ok(code) } else { Err(none()) }
}

/// The sheet that is handed over: of the code that was just given out, or of an earlier one.
pub(super) fn sheet(
    app: &App,
    case: &Case,
    secret: &Secret,
    w: Language,
    form: &Form,
) -> Result<Answered, Refused> {
    let asked = if form.get("step") == "invite" { "id" } else { "invitation" };
    let code = code_of(app, case, secret, form.get(asked))?.text();
    let (stamp, secret) = (ripe(app)?, secret.text(w.script()).to_string());
    Ok(render(&Sheet { w, stamp, secret, number: case_number(&case.stream), code }))
}

/// A code is good no more.
pub(super) fn withdraw(app: &App, case: &Case, secret: &Secret, form: &Form) -> Result<(), Refused> {
    let number = form.get("invitation");
    let mut all = case.state.invitations.values().map(|one| &one.invite);
    let asked = all.find(|invite| invite.number.as_str() == number).ok_or_else(none)?;
    let command = ReportCommand::WithdrawInvitation(WithdrawInvitation { key: asked.key.clone() });
    run(app, case, form, command, &[&case.signer(app, secret)?])
}
