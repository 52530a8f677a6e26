//! Joint reports: the first reporter makes a code for somebody else, and whoever brings it gets a secret of their own.
//!
//! A code is compared as a pickup code is (see [`crate::pickup`]): under its case number, a quick hash first, then the slow one, and every answer
//! leaves after the same time. All codes of a report have one salt, so that one slow hash says which of them it is.

use std::sync::Arc;

use adit_core::command::{Command, Request};
use adit_core::id::{CommandId, StreamId};
use adit_core::ledger::vkey::{SigningKey, VKey, hex};
use adit_core::office::{Decision, Hand};
use adit_core::refusal::Refusal;
use adit_core::report::{
    Invite, Join, JoinCode, OneTimeCode, Pickup, ReportCommand, ReportRefusal, State, invitation_key,
    parse_case_number,
};
use adit_core::secret::Secret;
use adit_core::text::Text;
use zeroize::Zeroizing;

use crate::app::App;
use crate::handlers::blocking;
use crate::pickup::{Own, in_equal_time};
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Most reports of one case number that are looked at. Numbers are drawn, but somebody could make theirs like another's.
const CASES_MAX: usize = 8;

/// A code that is about to be given out, with its own key.
pub(crate) struct Fresh {
    pub(crate) key: SigningKey,
    invite: Invite,
}

impl Fresh {
    /// Makes the key of a code, which takes a slow hash. `number` is what the first reporter's secret gives the code again with.
    pub(crate) fn make(
        app: &App,
        report: &StreamId,
        state: &State,
        code: &OneTimeCode,
        number: &str,
    ) -> Result<Self, Problem> {
        let salt = match state.codes_salt() {
            Some(salt) => salt.to_owned(),
            None => fresh_salt()?,
        };
        let _place = app.pickups.place()?;
        let slow = app.pickups.slow(code, &salt)?;
        let code = JoinCode { code, salt: &salt, slow: &slow };
        let key = code.key(app.office.ledger().origin(), report).map_err(|error| unreadable(&error))?;
        let invite = code.invite(&key, number).ok_or(ApiRefusal::Unreadable)?;
        Ok(Self { key, invite })
    }

    pub(crate) fn command(&self) -> ReportCommand {
        ReportCommand::Invite(self.invite.clone())
    }
}

fn fresh_salt() -> Result<String, Problem> {
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(|error| unreadable(&error))?;
    Ok(hex(&salt))
}

/// A report into which a code lets somebody. The code is not used up by it.
pub(crate) struct LetIn {
    pub(crate) report: StreamId,
    /// The invitation's key.
    key: SigningKey,
}

/// Compares an invitation code.
pub(crate) async fn let_in(app: &Arc<App>, number: &str, code: &str) -> Result<LetIn, Problem> {
    let number = parse_case_number(number).ok_or_else(|| Refusal::new("reporter.bad_case_number"))?;
    let code = OneTimeCode::parse(code).ok_or_else(|| Refusal::new("reporter.bad_invitation_code"))?;
    in_equal_time(compare(app, number, code)).await
}

fn wrong() -> Problem {
    Refusal::from(ReportRefusal::WrongInvitationCode).into()
}

async fn compare(app: &Arc<App>, number: String, code: OneTimeCode) -> Result<LetIn, Problem> {
    let (worker, asked) = (Arc::clone(app), code.clone());
    let worth_it = blocking(move || worth_a_slow_hash(&worker, &number, &asked)).await?;
    if worth_it.is_empty() {
        return Err(wrong());
    }
    let place = app.pickups.place()?;
    let worker = Arc::clone(app);
    let found = blocking(move || {
        for (report, salt) in worth_it {
            if let Some(let_in) = fits(&worker, report, &salt, &code)? {
                return Ok(let_in);
            }
        }
        Err(wrong())
    })
    .await;
    drop(place);
    found
}

/// Where the code could fit, with the salt of the slow hash. A number that no report has is as much work.
fn worth_a_slow_hash(
    app: &App,
    number: &str,
    code: &OneTimeCode,
) -> Result<Vec<(Option<StreamId>, String)>, Problem> {
    let mut worth_it = Vec::new();
    let reports = app.office.find_some(&invitation_key(number), CASES_MAX)?;
    for report in &reports {
        let state = app.office.report(*report)?;
        let mut invites = state.invitations.values().map(|one| &one.invite);
        if let Some(invite) = invites.find(|invite| invite.may_be(code)) {
            worth_it.push((Some(*report), invite.salt.to_string()));
        }
    }
    let nowhere = Pickup::nowhere(number).filter(|nowhere| reports.is_empty() && nowhere.may_be(code));
    worth_it.extend(nowhere.map(|nowhere| (None, nowhere.salt.to_string())));
    Ok(worth_it)
}

fn fits(
    app: &App,
    report: Option<StreamId>,
    salt: &str,
    code: &OneTimeCode,
) -> Result<Option<LetIn>, Problem> {
    let slow: Zeroizing<[u8; 32]> = app.pickups.slow(code, salt)?;
    let Some(report) = report else { return Ok(None) };
    let code = JoinCode { code, salt, slow: &slow };
    let key = code.key(app.office.ledger().origin(), &report).map_err(|error| unreadable(&error))?;
    let known = app.office.report(report)?.invitations.contains_key(&key.vkey().to_string());
    Ok(known.then_some(LetIn { report, key }))
}

impl LetIn {
    fn request(&self, id: CommandId, own: &Own) -> Result<Request, Problem> {
        let text = |text: &str| Text::new(text).map_err(|error| unreadable(&error));
        let join = Join {
            key: own.key.clone(),
            claim_key: Some(text(&own.claim_key)?),
            recipient: Some(text(&own.recipient)?),
            invitation: Some(self.key.vkey()),
        };
        Ok(Request { id, stream: Some(self.report), command: Command::Report(ReportCommand::Join(join)) })
    }

    /// Whether somebody with this secret could join now; nothing is written.
    pub(crate) fn check(&self, app: &App, secret: &Secret) -> Result<(), Problem> {
        let origin = app.office.ledger().origin();
        let (own, key) = Own::of(secret, origin, &self.report)?;
        let request = self.request(secret.command_id(origin), &own)?;
        app.office.prepare(&request, &[Hand::Held(&key), Hand::Held(&self.key)])?;
        Ok(())
    }

    /// Uses the code up: the new reporter's own key and the invitation's sign.
    pub(crate) fn join(&self, app: &App, secret: &Secret) -> Result<(), Problem> {
        let origin = app.office.ledger().origin();
        let (own, key) = Own::of(secret, origin, &self.report)?;
        let request = self.request(secret.command_id(origin), &own)?;
        app.office.execute(&request, &[&key, &self.key])?;
        Ok(())
    }

    /// The same for a client that signs by itself: what is to be signed.
    pub(crate) fn prepare(self, app: &App, id: CommandId, own: &Own) -> Result<Decision, Problem> {
        let hands = [Hand::Elsewhere(&own.key), Hand::Held(&self.key)];
        Ok(lent(app.office.prepare(&self.request(id, own)?, &hands)?, self.key))
    }
}

/// The code's own key signs here.
fn lent(mut decision: Decision, key: SigningKey) -> Decision {
    if let Decision::Prepared(prepared) = &mut decision {
        prepared.lend(key);
    }
    decision
}

/// What a client that keeps the first reporter's key is to sign, so that a code of its own is given out.
pub(crate) fn prepare_invitation(
    app: &App,
    report: StreamId,
    first: &VKey,
    id: CommandId,
    code: &OneTimeCode,
) -> Result<Decision, Problem> {
    let state = app.office.report(report)?;
    let fresh = Fresh::make(app, &report, &state, code, &id.to_string())?;
    let request = Request { id, stream: Some(report), command: Command::Report(fresh.command()) };
    let hands = [Hand::Elsewhere(first), Hand::Held(&fresh.key)];
    Ok(lent(app.office.prepare(&request, &hands)?, fresh.key))
}
