//! The `report` stream (举报): accepted, verified, handled, answered, closed (受理、核实、办理、反馈), and held open by
//! whoever reported. No body holds who the reporter is, or what they wrote.

mod code;
mod command;
mod corroboration;
mod event;
mod joint;
mod pickup;
mod refusal;
mod sealed;
mod share;
mod testimony;

use std::collections::{BTreeMap, BTreeSet};

pub use code::{CODE_DIGITS, OneTimeCode};
pub use command::*;
pub use corroboration::First;
pub(crate) use corroboration::corroboration_key;
pub(crate) use event::matter_key;
pub use event::{
    Accepted, Corroborated, Disputed, Extended, Locked, PickedUp, Reopened, ReportEvent, Reported, Satisfied,
    Verified, reporter_key,
};
pub use joint::{Invitation, JoinCode, Standing, invitation_key};
pub use pickup::{Pickup, case_number, parse_case_number, pickup_key};
pub use refusal::ReportRefusal;
pub use sealed::{Holds, Kept, SealedFile, check, excluded, own_recipients, sealed_in};
pub use share::{COPIES_MAX, SHARED_WITH_MAX};
pub use testimony::{
    FileNote, Message, READERS, TESTIMONY_V, Testimony, WORDS_BYTES_MAX, correspondent, correspondents,
    escrow, fingerprint, intake, reader, readers,
};

use crate::decider::{Decider, Moment, Recorded};
use crate::id::{ActorId, StreamId};
use crate::ledger::entry::is_age_recipient;
use crate::ledger::vkey::{VKey, is_hash};
use crate::role::{Party, Role, signed_by, signed_by_log, signed_by_two};
use crate::rules::deadline;
use crate::text::Short;
use crate::units::{Day, Position};

/// The decider of `report` streams.
#[derive(Clone, Copy, Debug)]
pub struct ReportDecider;

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Absent,
    Reported,
    Accepted,
    Verified,
    Handled,
    Answered,
    Closed,
    /// Not accepted; final.
    Declined,
    /// Another authority's; final here.
    Transferred,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub status: Status,
    pub report: Option<Report>,
    /// vkeys of the reporters.
    pub keys: BTreeSet<String>,
    pub verified: Option<Verify>,
    pub handled: Option<Handle>,
    pub verified_by: BTreeSet<ActorId>,
    pub disputed: bool,
    /// vkeys of the reporters who dispute, as far as the events name them.
    pub disputed_by: BTreeSet<String>,
    /// Running clocks.
    pub clocks: BTreeMap<String, Day>,
    pub handle_latest: Option<Day>,
    pub missed: BTreeSet<String>,
    /// Claim keys of the joint reporters, in the order of joining.
    pub claim_keys: Vec<String>,
    /// age recipients of the reporters, by vkey, and that of a code that waits for its reporter; answers are sealed to each.
    pub recipients: BTreeMap<String, String>,
    /// Which of the claim keys is whose: the vkey of a reporter, and the number of the claim key.
    pub claims: BTreeMap<String, usize>,
    /// Officers who must not see it, and cannot act in it.
    pub excluded: BTreeSet<ActorId>,
    /// What is sealed in it, by the hash.
    pub sealed: BTreeMap<String, Kept>,
    /// Officers with whom it was shared.
    pub shared_with: BTreeSet<ActorId>,
    /// The earlier report of the same matter.
    pub corroborates: Option<StreamId>,
    /// The one-time code of what a clerk took down.
    pub pickup: Option<Pickup>,
    pub picked_up: bool,
    /// Reporters, with places that are kept and those who have locked.
    pub reporters: usize,
    /// vkey of whoever reported first, who alone lets others in.
    pub first: Option<String>,
    /// Codes with which somebody joins, by the vkey of their key.
    pub invitations: BTreeMap<String, Invitation>,
    /// When it came to an end, if it did.
    pub ended_on: Option<Day>,
}

impl State {
    /// The claim keys of reporters whose own key is in force, in the order of joining; where there is none, an empty text stands
    /// in its place. Nobody claims with a key that somebody else entered for them, or after the report was locked.
    pub fn claim_keys_in_force(&self) -> Vec<String> {
        let mut keys = vec![String::new(); self.claim_keys.len()];
        for (reporter, nth) in &self.claims {
            if let Some((slot, key)) = keys.get_mut(*nth).zip(self.claim_keys.get(*nth))
                && self.keys.contains(reporter)
            {
                key.clone_into(slot);
            }
        }
        keys
    }
}

/// What a decision reads of the rewards for a report, of other reports, and of officers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// A reward was assessed, and its reporter was not told yet.
    pub reward_to_come: bool,
    /// A reward was assessed: who shares in it is settled.
    pub assessed: bool,
    /// The last day to claim one of which the reporter was told.
    pub claim_due: Option<Day>,
    /// Where this report was reported.
    pub reported_at: Position,
    /// The report that is corroborated; none where there is none.
    pub first: Option<First>,
    /// Another report corroborates this one.
    pub is_corroborated: bool,
    /// Those of the officers with whom it is shared who verify or handle, each with the age recipient of their key.
    pub readers: BTreeMap<ActorId, Option<String>>,
}

/// Most files of one report.
pub const FILES_MAX: usize = 20;
/// Most officers whom a reporter excludes.
pub const EXCLUDED_MAX: usize = 50;

type Refused = ReportRefusal;
type Decision = Result<ReportEvent, Refused>;

fn need(holds: bool, refusal: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn due(moment: &Moment<'_>, name: &str) -> Result<Option<deadline::Due>, Refused> {
    let due = deadline::due_in_force(moment.rules, name, moment.now.day());
    due.map_err(|_| Refused::UnknownYear)
}

fn blob(blob: &Blob) -> Result<(), Refused> {
    let hash = blob.blob.as_str();
    let form = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    need(form && blob.size > 0 && !blob.recipients.is_empty(), Refused::BadBlob)
}

/// A sealed word and its files.
fn blobs(word: &Sealed) -> Result<(), Refused> {
    need(word.files.len() <= FILES_MAX, Refused::TooMany)?;
    [&word.sealed].into_iter().chain(&word.files).try_for_each(blob)
}

/// Answers can be sealed to it.
fn readable(recipient: Option<&Short>) -> Result<(), Refused> {
    need(recipient.is_none_or(|age| is_age_recipient(age.as_str())), Refused::BadRecipient)
}

/// vkeys of reporters of this stream who sign.
fn reporters(state: &State, moment: &Moment<'_>) -> Vec<String> {
    let keys = moment.by.iter().filter_map(|party| match party {
        Party::Reporter { key } => Some(key),
        Party::Actor { .. } | Party::Log => None,
    });
    keys.filter(|key| state.keys.contains(*key)).cloned().collect()
}

/// Whether a reporter of this stream signs.
fn by_reporter(state: &State, moment: &Moment<'_>) -> bool {
    !reporters(state, moment).is_empty()
}

/// Whether the holder of this key signs.
fn signs(key: &str, moment: &Moment<'_>) -> bool {
    moment.by.iter().any(|party| matches!(party, Party::Reporter { key: signing } if signing == key))
}

/// The report exists and is not at a final state.
fn live(state: &State) -> Result<(), Refused> {
    match state.status {
        Status::Absent => Err(Refused::NotReported),
        Status::Declined | Status::Transferred | Status::Closed => Err(Refused::Ended),
        Status::Reported | Status::Accepted | Status::Verified | Status::Handled | Status::Answered => Ok(()),
    }
}

fn report(state: &State, report: &Report, moment: &Moment<'_>) -> Decision {
    need(state.status == Status::Absent, Refused::AlreadyReported)?;
    let written = matches!(report.channel, Channel::Web | Channel::MiniProgram);
    need(report.testimony.is_some() || !written, Refused::TestimonyMissing)?;
    report.testimony.iter().chain(&report.files).try_for_each(blob)?;
    readable(report.recipient.as_ref())?;
    need(report.files.len() <= FILES_MAX && report.excluded.len() <= EXCLUDED_MAX, Refused::TooMany)?;
    need(
        !moment.by.iter().filter_map(Party::actor).any(|actor| report.excluded.contains(&actor)),
        Refused::ExcludedOfficer,
    )?;
    let own = report.key.as_ref().map(ToString::to_string);
    let by_key = moment.by.iter().any(|party| match party {
        Party::Reporter { key } => Some(key) == own.as_ref(),
        Party::Actor { .. } | Party::Log => false,
    });
    let by_clerk = signed_by(moment.by, Role::Clerk);
    need(by_key || by_clerk, Refused::NeedsReporterOrClerk)?;
    // A reporter's key is introduced by its holder alone.
    need(by_key == own.is_some(), Refused::KeyNotTheSigners)?;
    if let Some(pickup) = &report.pickup {
        need(by_clerk && own.is_none() && report.claim_key.is_none() && !written, Refused::PickupNeedsClerk)?;
        readable(Some(&pickup.recipient))?;
    }
    let accept_due = due(moment, "accept")?.map(|due| due.day);
    Ok(ReportEvent::Reported(Reported { report: report.clone(), accept_due }))
}

fn undecided(state: &State, moment: &Moment<'_>) -> Result<(), Refused> {
    live(state)?;
    need(state.status == Status::Reported, Refused::AlreadyDecided)?;
    need(signed_by(moment.by, Role::Clerk), Refused::NeedsClerk)
}

fn accept(state: &State, moment: &Moment<'_>) -> Decision {
    undecided(state, moment)?;
    let handle = due(moment, "handle")?;
    let (handle_due, handle_latest) = (handle.as_ref().map(|due| due.day), handle.map(|due| due.latest));
    Ok(ReportEvent::Accepted(Accepted { handle_due, handle_latest }))
}

fn verify(state: &State, verify: &Verify, moment: &Moment<'_>) -> Decision {
    live(state)?;
    match state.status {
        Status::Accepted => {}
        Status::Reported => return Err(Refused::NotAccepted),
        Status::Absent
        | Status::Verified
        | Status::Handled
        | Status::Answered
        | Status::Closed
        | Status::Declined
        | Status::Transferred => return Err(Refused::AlreadyVerified),
    }
    need(signed_by_two(moment.by, Role::Inspector), Refused::NeedsTwoInspectors)?;
    let answer_due = due(moment, "answer")?.map(|due| due.day);
    Ok(ReportEvent::Verified(Verified { verify: verify.clone(), answer_due }))
}

fn handle(state: &State, handle: &Handle, moment: &Moment<'_>) -> Decision {
    live(state)?;
    match state.status {
        Status::Verified => {}
        Status::Reported | Status::Accepted => return Err(Refused::NotVerified),
        Status::Absent
        | Status::Handled
        | Status::Answered
        | Status::Closed
        | Status::Declined
        | Status::Transferred => return Err(Refused::AlreadyHandled),
    }
    need(signed_by(moment.by, Role::Handler), Refused::NeedsHandler)?;
    Ok(ReportEvent::Handled(handle.clone()))
}

fn answer(state: &State, answer: &Answer, moment: &Moment<'_>) -> Decision {
    live(state)?;
    match state.status {
        Status::Handled => {}
        Status::Answered => return Err(Refused::AlreadyAnswered),
        Status::Absent
        | Status::Reported
        | Status::Accepted
        | Status::Verified
        | Status::Closed
        | Status::Declined
        | Status::Transferred => return Err(Refused::NotHandled),
    }
    need(signed_by(moment.by, Role::Handler), Refused::NeedsHandler)?;
    answer.sealed.as_ref().map_or(Ok(()), blob)?;
    Ok(ReportEvent::Answered(answer.clone()))
}

fn extend(state: &State, extend: &Extend, moment: &Moment<'_>) -> Decision {
    live(state)?;
    need(signed_by(moment.by, Role::Approver), Refused::NeedsApprover)?;
    let running = state.clocks.get("handle").ok_or(Refused::NotAccepted)?;
    // Once the day has gone by it was missed, and an extension would hide that.
    need(*running >= moment.now.day(), Refused::ExtensionTooLate)?;
    need(extend.until > *running, Refused::NotLater)?;
    need(state.handle_latest.is_some_and(|latest| extend.until <= latest), Refused::BeyondLimit)?;
    Ok(ReportEvent::Extended(Extended { until: extend.until, because: extend.because.clone() }))
}

/// Who of the reporters says something after the answer.
fn after_the_answer(state: &State, moment: &Moment<'_>) -> Result<Vec<String>, Refused> {
    need(state.status != Status::Absent, Refused::NotReported)?;
    let keys = reporters(state, moment);
    need(!keys.is_empty(), Refused::NeedsReporter)?;
    need(matches!(state.status, Status::Answered | Status::Closed), Refused::NotAnswered)?;
    Ok(keys)
}

/// Nobody takes back what a joint reporter disputes.
fn satisfy(state: &State, moment: &Moment<'_>) -> Decision {
    let keys = after_the_answer(state, moment)?;
    let disputed = state.disputed_by.iter().any(|key| !keys.contains(key));
    Ok(ReportEvent::Satisfied(Satisfied { keys, disputed }))
}

fn dispute(state: &State, word: &Sealed, moment: &Moment<'_>) -> Decision {
    let keys = after_the_answer(state, moment)?;
    blobs(word)?;
    let Sealed { sealed, files } = word.clone();
    Ok(ReportEvent::Disputed(Disputed { sealed, files, keys }))
}

/// Who verified never closes alone, and nothing closes over an open dispute.
fn close(state: &State, moment: &Moment<'_>) -> Decision {
    live(state)?;
    need(state.status == Status::Answered, Refused::NotAnswered)?;
    need(!state.disputed, Refused::Disputed)?;
    let approvers = crate::role::actors_with(moment.by, Role::Approver);
    need(!approvers.is_empty(), Refused::NeedsApprover)?;
    need(approvers.iter().any(|actor| !state.verified_by.contains(actor)), Refused::VerifierHandlesAlone)?;
    Ok(ReportEvent::Closed(Empty {}))
}

fn reopen(state: &State, because: &Because, moment: &Moment<'_>) -> Decision {
    need(state.status != Status::Absent, Refused::NotReported)?;
    need(
        state.status == Status::Closed || (state.status == Status::Answered && state.disputed),
        Refused::NotClosed,
    )?;
    need(signed_by(moment.by, Role::Approver), Refused::NeedsApprover)?;
    let handle = due(moment, "handle")?;
    let (handle_due, handle_latest) = (handle.as_ref().map(|due| due.day), handle.map(|due| due.latest));
    Ok(ReportEvent::Reopened(Reopened { because: because.clone(), handle_due, handle_latest }))
}

/// A sealed word of the reporter, or of an officer to the reporter.
fn sealed(
    state: &State,
    word: &Sealed,
    moment: &Moment<'_>,
    officers_too: bool,
    event: ReportEvent,
) -> Decision {
    need(state.status != Status::Absent, Refused::NotReported)?;
    let officer = signed_by(moment.by, Role::Clerk) || signed_by(moment.by, Role::Handler);
    need(by_reporter(state, moment) || (officers_too && officer), Refused::NeedsReporter)?;
    blobs(word)?;
    Ok(event)
}

fn link(state: &State, link: &Link, moment: &Moment<'_>) -> Decision {
    live(state)?;
    need(signed_by(moment.by, Role::Handler), Refused::NeedsHandler)?;
    need(link.hazard.kind == crate::id::StreamKind::Hazard, Refused::BadBlob)?;
    Ok(ReportEvent::Linked(link.clone()))
}

/// The old key and the new one sign.
fn rotate_key(state: &State, rotate: &RotateKey, moment: &Moment<'_>) -> Decision {
    need(state.status != Status::Absent, Refused::NotReported)?;
    let (old, new) = (rotate.old.to_string(), rotate.new.to_string());
    need(state.keys.contains(&old) && signs(&old, moment), Refused::NeedsReporter)?;
    need(signs(&new, moment) && !joint::is_known(state, &new), Refused::KeyNotTheSigners)?;
    joint::is_nobody_elses(state, &old, rotate.claim_key.as_ref())?;
    readable(rotate.recipient.as_ref())?;
    Ok(ReportEvent::KeyRotated(rotate.clone()))
}

/// The reporter's own key and the log sign, which has compared the code; the first time, and only then.
fn pick_up(state: &State, pick_up: &PickUp, facts: &Facts, moment: &Moment<'_>) -> Decision {
    need(state.status != Status::Absent, Refused::NotReported)?;
    let signing = Party::Reporter { key: pick_up.key.to_string() };
    need(moment.by.contains(&Party::Log), Refused::PickupByLog)?;
    need(moment.by.iter().all(|party| *party == Party::Log || *party == signing), Refused::PickupByLog)?;
    need(moment.by.contains(&signing), Refused::KeyNotTheSigners)?;
    let pickup = state.pickup.as_ref().ok_or(Refused::NothingToPickUp)?;
    need(pickup.is_proven_by(pick_up.proof.as_str()), Refused::WrongPickupCode)?;
    need(!state.picked_up, Refused::AlreadyPickedUp)?;
    let until = pickup_until(state, facts, moment)?;
    need(until.is_none_or(|until| moment.now.day() <= until), Refused::PickupOver)?;
    need(is_hash(pick_up.claim_key.as_str()), Refused::BadClaimKey)?;
    readable(Some(&pick_up.recipient))?;
    pick_up.copies.iter().try_for_each(|copied| blob(&copied.copy))?;
    Ok(ReportEvent::PickedUp(PickedUp {
        key: pick_up.key.clone(),
        claim_key: pick_up.claim_key.clone(),
        recipient: pick_up.recipient.clone(),
        copies: pick_up.copies.clone(),
    }))
}

/// The last day on which the code is good: the end of the claim period. Where no reward was given the period counts from the end
/// of the report; as long as there may be a reward there is no last day.
fn pickup_until(state: &State, facts: &Facts, moment: &Moment<'_>) -> Result<Option<Day>, Refused> {
    if facts.reward_to_come || facts.claim_due.is_some() {
        return Ok(facts.claim_due.filter(|_| !facts.reward_to_come));
    }
    let Some(ended) = state.ended_on else { return Ok(None) };
    let claim = deadline::due_in_force(moment.rules, "claim", ended).map_err(|_| Refused::UnknownYear)?;
    Ok(claim.map(|due| due.day))
}

/// Nobody writes in the name of whoever signs from now on. Joint reporters go on.
fn lock(state: &State, moment: &Moment<'_>) -> Decision {
    need(state.status != Status::Absent, Refused::NotReported)?;
    let keys = reporters(state, moment);
    need(!keys.is_empty(), Refused::NeedsReporter)?;
    Ok(ReportEvent::Locked(Locked { keys }))
}

fn record_overdue(state: &State, overdue: &RecordOverdue, moment: &Moment<'_>) -> Decision {
    need(state.status != Status::Absent, Refused::NotReported)?;
    need(signed_by_log(moment.by), Refused::OnlyByLog)?;
    let due = state.clocks.get(&overdue.clock);
    need(due.is_some_and(|due| *due < moment.now.day()), Refused::NotOverdue)?;
    need(!state.missed.contains(&overdue.clock), Refused::OverdueRecorded)?;
    Ok(ReportEvent::Overdue(overdue.clone()))
}

impl Decider for ReportDecider {
    type State = State;
    type Command = ReportCommand;
    type Event = ReportEvent;
    type Facts = Facts;
    type Rejection = ReportRefusal;

    fn decide(
        state: &State,
        command: &ReportCommand,
        facts: &Facts,
        moment: &Moment<'_>,
    ) -> Result<Vec<ReportEvent>, Refused> {
        let acting = moment.by.iter().filter_map(Party::actor);
        need(!acting.into_iter().any(|actor| state.excluded.contains(&actor)), Refused::ExcludedOfficer)?;
        let event = match command {
            ReportCommand::Report(command) => report(state, command, moment),
            ReportCommand::Accept(_) => accept(state, moment),
            ReportCommand::Decline(command) => {
                undecided(state, moment).map(|()| ReportEvent::Declined(command.clone()))
            }
            ReportCommand::Transfer(command) => {
                undecided(state, moment).map(|()| ReportEvent::Transferred(command.clone()))
            }
            ReportCommand::Share(command) => share::share(state, command, facts, moment),
            ReportCommand::Verify(command) => verify(state, command, moment),
            ReportCommand::Handle(command) => handle(state, command, moment),
            ReportCommand::Answer(command) => answer(state, command, moment),
            ReportCommand::Extend(command) => extend(state, command, moment),
            ReportCommand::Satisfy(_) => satisfy(state, moment),
            ReportCommand::Dispute(command) => dispute(state, command, moment),
            ReportCommand::Close(_) => close(state, moment),
            ReportCommand::Reopen(command) => reopen(state, command, moment),
            ReportCommand::Message(command) => {
                sealed(state, command, moment, true, ReportEvent::MessageSent(command.clone()))
            }
            ReportCommand::AddEvidence(command) => {
                sealed(state, command, moment, false, ReportEvent::EvidenceAdded(command.clone()))
            }
            ReportCommand::AllegeRetaliation(command) => {
                sealed(state, command, moment, false, ReportEvent::RetaliationAlleged(command.clone()))
            }
            ReportCommand::Link(command) => link(state, command, moment),
            ReportCommand::Corroborate(command) => corroboration::corroborate(state, command, facts, moment),
            ReportCommand::Separate(command) => corroboration::separate(state, command, moment),
            ReportCommand::Invite(command) => joint::invite(state, command, facts, moment),
            ReportCommand::WithdrawInvitation(command) => joint::withdraw(state, command, moment),
            ReportCommand::Join(command) => joint::join(state, command, facts, moment),
            ReportCommand::RotateKey(command) => rotate_key(state, command, moment),
            ReportCommand::PickUp(command) => pick_up(state, command, facts, moment),
            ReportCommand::Lock(_) => lock(state, moment),
            ReportCommand::RecordOverdue(command) => record_overdue(state, command, moment),
        };
        event.map(|event| vec![event])
    }

    fn evolve(mut state: State, event: &ReportEvent, recorded: &Recorded) -> State {
        state.keep(event);
        match event {
            ReportEvent::Reported(reported) => begin(&mut state, reported),
            ReportEvent::Accepted(accepted) => {
                state.status = Status::Accepted;
                state.clocks.remove("accept");
                run(&mut state, "handle", accepted.handle_due);
                state.handle_latest = accepted.handle_latest;
            }
            ReportEvent::Declined(_) => end(&mut state, Status::Declined, recorded),
            ReportEvent::Transferred(_) => end(&mut state, Status::Transferred, recorded),
            ReportEvent::Shared(shared) => state.shared_with.extend(&shared.with),
            ReportEvent::Verified(verified) => {
                state.status = Status::Verified;
                state.verified = Some(verified.verify.clone());
                state.verified_by.extend(&recorded.by);
                run(&mut state, "answer", verified.answer_due);
            }
            ReportEvent::Handled(handled) => {
                state.status = Status::Handled;
                state.handled = Some(handled.clone());
                state.clocks.remove("handle");
            }
            ReportEvent::Answered(_) => {
                state.status = Status::Answered;
                state.clocks.remove("answer");
            }
            ReportEvent::Extended(extended) => run(&mut state, "handle", Some(extended.until)),
            ReportEvent::Satisfied(satisfied) => {
                state.disputed = satisfied.disputed;
                state.disputed_by.retain(|key| satisfied.disputed && !satisfied.keys.contains(key));
            }
            ReportEvent::Disputed(disputed) => {
                state.disputed = true;
                state.disputed_by.extend(disputed.keys.iter().cloned());
            }
            ReportEvent::Closed(_) => {
                state.status = Status::Closed;
                state.ended_on = Some(recorded.at.day());
            }
            ReportEvent::Reopened(reopened) => {
                state.status = Status::Accepted;
                state.disputed = false;
                state.disputed_by.clear();
                state.ended_on = None;
                state.missed.clear();
                run(&mut state, "handle", reopened.handle_due);
                state.handle_latest = reopened.handle_latest;
            }
            ReportEvent::Invited(invite) => joint::invited(&mut state, invite),
            ReportEvent::InvitationWithdrawn(withdrawn) => joint::withdrawn(&mut state, withdrawn),
            ReportEvent::Joined(join) => joint::joined(&mut state, join),
            ReportEvent::KeyRotated(rotate) => change_key(&mut state, rotate),
            ReportEvent::PickedUp(picked_up) => take_place(&mut state, picked_up),
            ReportEvent::Locked(locked) => locks(&mut state, locked),
            ReportEvent::Corroborated(corroborated) => {
                state.corroborates = Some(corroborated.corroborate.report);
                state.excluded.extend(&corroborated.excluded);
            }
            ReportEvent::Separated(_) => state.corroborates = None,
            ReportEvent::Overdue(overdue) => {
                state.missed.insert(overdue.clock.clone());
            }
            ReportEvent::MessageSent(_)
            | ReportEvent::EvidenceAdded(_)
            | ReportEvent::Linked(_)
            | ReportEvent::RetaliationAlleged(_) => {}
        }
        state
    }
}

fn begin(state: &mut State, reported: &Reported) {
    state.status = Status::Reported;
    let Report { key, claim_key, recipient, .. } = &reported.report;
    state.first = key.as_ref().map(ToString::to_string);
    enter(state, key.as_ref(), claim_key.as_ref(), recipient.as_ref());
    if let Some(pickup) = &reported.report.pickup {
        await_reporter(state, pickup);
    }
    state.excluded.extend(&reported.report.excluded);
    state.report = Some(reported.report.clone());
    run(state, "accept", reported.accept_due);
}

/// A reporter comes in, with a claim key or without one.
fn enter(state: &mut State, key: Option<&VKey>, claim_key: Option<&Short>, recipient: Option<&Short>) {
    let key = key.map(ToString::to_string);
    state.reporters += usize::from(key.is_some());
    if let Some((key, _)) = key.as_ref().zip(claim_key) {
        state.claims.insert(key.clone(), state.claim_keys.len());
    }
    if let Some((key, recipient)) = key.as_ref().zip(recipient) {
        state.recipients.insert(key.clone(), recipient.to_string());
    }
    state.keys.extend(key);
    state.claim_keys.extend(claim_key.map(ToString::to_string));
}

/// A place is kept for a reporter who has no keys yet: a share of a reward, and a recipient that the code opens.
fn await_reporter(state: &mut State, pickup: &Pickup) {
    state.claims.insert(pickup.place(), state.claim_keys.len());
    state.claim_keys.push(pickup.place());
    state.recipients.insert(pickup.place(), pickup.recipient.to_string());
    state.pickup = Some(pickup.clone());
    state.reporters += 1;
}

/// The reporter takes the place that was kept.
fn take_place(state: &mut State, picked_up: &PickedUp) {
    let key = picked_up.key.to_string();
    let place = state.pickup.as_ref().map(Pickup::place).unwrap_or_default();
    state.recipients.remove(&place);
    state.recipients.insert(key.clone(), picked_up.recipient.to_string());
    if let Some(nth) = state.claims.remove(&place) {
        state.claims.insert(key.clone(), nth);
        if let Some(slot) = state.claim_keys.get_mut(nth) {
            *slot = picked_up.claim_key.to_string();
        }
    }
    state.keys.insert(key.clone());
    state.first = Some(key);
    state.picked_up = true;
}

/// The new key, and the new claim key, stand where the old ones stood.
fn change_key(state: &mut State, rotate: &RotateKey) {
    let (old, new) = (rotate.old.to_string(), rotate.new.to_string());
    state.keys.remove(&old);
    state.keys.insert(new.clone());
    if state.disputed_by.remove(&old) {
        state.disputed_by.insert(new.clone());
    }
    state.recipients.remove(&old);
    if let Some(recipient) = &rotate.recipient {
        state.recipients.insert(new.clone(), recipient.to_string());
    }
    if state.first.as_ref() == Some(&old) {
        state.first = Some(new.clone());
        // Whoever has seen the old secret could work out its codes.
        joint::all_withdrawn(state);
    }
    if let Some(nth) = state.claims.remove(&old) {
        state.claims.insert(new, nth);
        if let Some((slot, key)) = state.claim_keys.get_mut(nth).zip(rotate.claim_key.as_ref()) {
            *slot = key.to_string();
        }
    }
}

/// These keys sign and claim no more.
fn locks(state: &mut State, locked: &Locked) {
    let all = locked.keys.is_empty();
    state.keys.retain(|key| !all && !locked.keys.contains(key));
    if state.first.as_ref().is_some_and(|first| !state.keys.contains(first)) {
        state.first = None;
        joint::all_withdrawn(state);
    }
}

fn run(state: &mut State, clock: &str, due: Option<Day>) {
    if let Some(due) = due {
        state.clocks.insert(clock.to_owned(), due);
    }
}

fn end(state: &mut State, status: Status, recorded: &Recorded) {
    state.status = status;
    state.ended_on = Some(recorded.at.day());
    state.clocks.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decider::Rejection;
    use crate::id::Id;
    use crate::rules::tests::changed;

    /// With the pack that ships every clock of a report runs in calendar days; a pack may say otherwise.
    #[test]
    fn when_the_holidays_of_the_next_year_are_not_known_then_no_clock_is_left_out_in_silence() {
        let handle = "from = \"2018-01-04\"\nwhat = \"核查处理完毕\"\ndays = 60\nunit = ";
        let working = |unit| format!("{handle}\"{unit}\"");
        let rules = changed("deadlines", &working("calendar"), &working("working"), false).expect("packs");
        let state = State { status: Status::Reported, ..State::default() };
        let by = [Party::Actor { actor: ActorId(Id([1; 16])), roles: vec![Role::Clerk] }];
        let accepted = |on: &str| {
            let now = on.parse::<Day>().expect("day").start();
            let moment = Moment { now, rules: &rules, by: &by };
            let accept = ReportCommand::Accept(Empty {});
            ReportDecider::decide(&state, &accept, &Facts::default(), &moment)
                .map_err(|refusal| refusal.code())
        };
        assert_eq!(accepted("2026-12-28"), Err("report.unknown_year"));
        let events = accepted("2026-01-05").expect("accepted");
        assert!(matches!(&events[..], [ReportEvent::Accepted(Accepted { handle_due: Some(_), .. })]));
    }
}
