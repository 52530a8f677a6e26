//! Which sealed files a report has, what each of them is, and whether one that a command carries may be taken.

use std::collections::BTreeSet;

use super::command::{Blob, Copied, Report, ReportCommand, Share};
use super::{PickedUp, ReportEvent, ReportRefusal, State};
use crate::event::{Event, Fact};
use crate::id::ActorId;
use crate::ledger::blobs::Head;
use crate::seal::{Kind, is_sealed_file};
use crate::text::Short;

/// What a sealed file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A [`super::Testimony`].
    Testimony,
    /// A [`super::Message`].
    Message,
    /// Whatever somebody sent; never shown, only handed over.
    File,
}

impl Holds {
    /// How it is padded.
    pub fn kind(self) -> Kind {
        match self {
            Self::Testimony | Self::Message => Kind::Text,
            Self::File => Kind::File,
        }
    }
}

type Found<'a> = Vec<(Holds, &'a Blob)>;

fn of_report(report: &Report) -> Found<'_> {
    let testimony = report.testimony.iter().map(|blob| (Holds::Testimony, blob));
    testimony.chain(report.files.iter().map(|blob| (Holds::File, blob))).collect()
}

fn of_word<'a>(sealed: &'a Blob, files: &'a [Blob]) -> Found<'a> {
    let files = files.iter().map(|blob| (Holds::File, blob));
    [(Holds::Message, sealed)].into_iter().chain(files).collect()
}

impl ReportCommand {
    /// The sealed files that it carries. A copy holds what the file of the report does that it is a copy of.
    pub fn blobs<'a>(&'a self, state: &State) -> Vec<(Holds, &'a Blob)> {
        let holds = |of: &Short| state.sealed.get(of.as_str()).map_or(Holds::Message, |kept| kept.holds);
        let copies = |copies: &'a [Copied]| {
            copies.iter().map(|copied| (holds(&copied.of), &copied.copy)).collect::<Vec<_>>()
        };
        match self {
            Self::Report(report) => of_report(report),
            Self::Dispute(word)
            | Self::Message(word)
            | Self::AddEvidence(word)
            | Self::AllegeRetaliation(word) => of_word(&word.sealed, &word.files),
            Self::Answer(answer) => answer.sealed.iter().map(|blob| (Holds::Message, blob)).collect(),
            Self::PickUp(pick_up) => copies(&pick_up.copies),
            Self::Share(share) => copies(&share.copies),
            Self::Accept(_)
            | Self::Decline(_)
            | Self::Transfer(_)
            | Self::Verify(_)
            | Self::Handle(_)
            | Self::Extend(_)
            | Self::Satisfy(_)
            | Self::Close(_)
            | Self::Reopen(_)
            | Self::Link(_)
            | Self::Corroborate(_)
            | Self::Separate(_)
            | Self::Invite(_)
            | Self::WithdrawInvitation(_)
            | Self::Join(_)
            | Self::RotateKey(_)
            | Self::Lock(_)
            | Self::RecordOverdue(_) => Vec::new(),
        }
    }
}

impl ReportEvent {
    /// The sealed files that it names, without copies.
    pub fn blobs(&self) -> Vec<(Holds, &Blob)> {
        match self {
            Self::Reported(reported) => of_report(&reported.report),
            Self::Disputed(word) => of_word(&word.sealed, &word.files),
            Self::MessageSent(word) | Self::EvidenceAdded(word) | Self::RetaliationAlleged(word) => {
                of_word(&word.sealed, &word.files)
            }
            Self::Answered(answer) => answer.sealed.iter().map(|blob| (Holds::Message, blob)).collect(),
            Self::Accepted(_)
            | Self::Declined(_)
            | Self::Transferred(_)
            | Self::Shared(_)
            | Self::Verified(_)
            | Self::Handled(_)
            | Self::Extended(_)
            | Self::Satisfied(_)
            | Self::Closed(_)
            | Self::Reopened(_)
            | Self::Linked(_)
            | Self::Corroborated(_)
            | Self::Separated(_)
            | Self::Invited(_)
            | Self::InvitationWithdrawn(_)
            | Self::Joined(_)
            | Self::KeyRotated(_)
            | Self::PickedUp(_)
            | Self::Locked(_)
            | Self::Overdue(_) => Vec::new(),
        }
    }

    /// The copies that it names, of what is sealed in the report.
    pub fn copies(&self) -> &[Copied] {
        if let Self::PickedUp(PickedUp { copies, .. }) | Self::Shared(Share { copies, .. }) = self {
            copies
        } else {
            &[]
        }
    }
}

/// What is known of a sealed file of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub holds: Holds,
    /// age recipients who read it, or a copy of it.
    pub readers: BTreeSet<String>,
}

impl State {
    /// Whether what is sealed under this hash, or a copy of it, is sealed to this age recipient.
    pub fn is_read_by(&self, hash: &str, age: &str) -> bool {
        self.sealed.get(hash).is_some_and(|kept| kept.readers.contains(age))
    }

    pub(super) fn keep(&mut self, event: &ReportEvent) {
        let readers = |blob: &Blob| blob.recipients.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (holds, blob) in event.blobs() {
            let kept = self.sealed.entry(blob.blob.to_string());
            kept.or_insert(Kept { holds, readers: BTreeSet::new() }).readers.extend(readers(blob));
        }
        for copied in event.copies() {
            if let Some(kept) = self.sealed.get_mut(copied.of.as_str()) {
                kept.readers.extend(readers(&copied.copy));
            }
        }
    }
}

/// A sealed file of a report, with its copies.
#[derive(Clone, Debug)]
pub struct SealedFile<'a> {
    pub holds: Holds,
    pub blob: &'a Blob,
    pub copies: Vec<&'a Blob>,
    /// What brought it.
    pub fact: &'a Fact,
    pub event: &'a ReportEvent,
}

impl<'a> SealedFile<'a> {
    /// Whether this is the hash of it, or of a copy.
    pub fn is(&self, hash: &str) -> bool {
        self.each().any(|blob| blob.blob.as_str() == hash)
    }

    /// The one that is sealed to this age recipient: the file itself, or a copy.
    pub fn sealed_to(&self, age: &str) -> Option<&'a Blob> {
        self.each().find(|blob| blob.recipients.iter().any(|one| one.as_str() == age))
    }

    fn each(&self) -> impl Iterator<Item = &'a Blob> {
        [self.blob].into_iter().chain(self.copies.iter().copied())
    }
}

/// What is sealed in a report, in the order in which it came.
pub fn sealed_in(facts: &[Fact]) -> Vec<SealedFile<'_>> {
    let mut found: Vec<SealedFile<'_>> = Vec::new();
    for fact in facts {
        let Event::Report(event) = &fact.event else { continue };
        for (holds, blob) in event.blobs() {
            found.push(SealedFile { holds, blob, copies: Vec::new(), fact, event });
        }
        for copied in event.copies() {
            if let Some(one) = found.iter_mut().find(|one| one.blob.blob == copied.of) {
                one.copies.push(&copied.copy);
            }
        }
    }
    found
}

/// Whom the reporter excludes, as far as the report or the command that makes it says.
pub fn excluded(state: &State, command: &ReportCommand) -> BTreeSet<ActorId> {
    let mut excluded = state.excluded.clone();
    if let ReportCommand::Report(report) = command {
        excluded.extend(&report.excluded);
    }
    excluded
}

/// The reporters' own age recipients, and that of a code that waits for its reporter, as far as the report or the command that makes it says.
pub fn own_recipients(state: &State, command: &ReportCommand) -> BTreeSet<String> {
    let mut own: BTreeSet<String> = state.recipients.values().cloned().collect();
    if let ReportCommand::Report(report) = command {
        let pickup = report.pickup.as_ref().map(|pickup| &pickup.recipient);
        own.extend(report.recipient.iter().chain(pickup).map(ToString::to_string));
    }
    if let ReportCommand::PickUp(pick_up) = command {
        own.insert(pick_up.recipient.to_string());
    }
    own
}

/// Whether what a body is to say of a sealed file is so: it was received, has this size, is an age file of so many recipients, and
/// each of these may read it, and those who must be able to are among them. Decided by parsing its head; nobody's word is taken
/// for it.
///
/// # Errors
/// The rule that it breaks.
pub fn check(
    holds: Holds,
    blob: &Blob,
    received: Option<&Head>,
    allowed: impl Fn(&str) -> bool,
    needed: &BTreeSet<String>,
) -> Result<(), ReportRefusal> {
    let head = received.filter(|head| head.size == blob.size).ok_or(ReportRefusal::BlobMissing)?;
    if !is_sealed_file(&head.bytes, head.size, blob.recipients.len(), holds.kind()) {
        return Err(ReportRefusal::NotSealed);
    }
    let distinct: BTreeSet<&str> = blob.recipients.iter().map(Short::as_str).collect();
    if !needed.iter().all(|age| distinct.contains(age.as_str())) {
        return Err(ReportRefusal::EscrowMissing);
    }
    if distinct.len() != blob.recipients.len() || !distinct.into_iter().all(allowed) {
        return Err(ReportRefusal::WrongRecipient);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{Identity, seal};

    /// A text that is sealed to one recipient, under what somebody says of it.
    fn checked(holds: Holds, claims: impl FnOnce(&mut Blob), allowed: bool) -> Result<(), ReportRefusal> {
        let needed = BTreeSet::from([Identity::from_bytes(&[1; 32]).recipient()]);
        let recipients = vec![Identity::from_bytes(&[1; 32]).recipient()];
        let sealed = seal(&[7; 9000], recipients.iter().map(String::as_str), Kind::Text).expect("sealed");
        let mut blob = Blob::new(&"ab".repeat(32), sealed.len() as u64, &recipients).expect("a blob");
        claims(&mut blob);
        let head = Head { size: sealed.len() as u64, bytes: sealed[..1024].to_vec() };
        check(holds, &blob, Some(&head), |_| allowed, &needed)
    }

    #[test]
    fn what_is_said_of_a_sealed_file_must_be_so() {
        use ReportRefusal::{BlobMissing, EscrowMissing, NotSealed, WrongRecipient};
        assert_eq!(checked(Holds::Testimony, |_| {}, true), Ok(()), "by its head alone");
        assert_eq!(checked(Holds::Message, |blob| blob.size += 1, true), Err(BlobMissing));
        assert_eq!(checked(Holds::File, |_| {}, true), Err(NotSealed), "padded as texts are");
        assert_eq!(checked(Holds::Message, |_| {}, false), Err(WrongRecipient));
        let other = |blob: &mut Blob| {
            let someone = Identity::from_bytes(&[2; 32]).recipient();
            *blob = Blob::new(blob.blob.as_str(), blob.size, &[someone]).expect("a blob");
        };
        assert_eq!(checked(Holds::Message, other, true), Err(EscrowMissing));
        let twice = |blob: &mut Blob| blob.recipients.push(blob.recipients[0].clone());
        assert_eq!(checked(Holds::Message, twice, true), Err(NotSealed), "to one recipient");
    }

    #[test]
    fn what_is_not_there_or_plain_is_not_taken() {
        let blob = Blob::new(&"ab".repeat(32), 9, &["age1x".to_owned()]).expect("a blob");
        let check = |head: Option<&Head>| check(Holds::Testimony, &blob, head, |_| true, &BTreeSet::new());
        assert_eq!(check(None), Err(ReportRefusal::BlobMissing));
        let plain = Head { size: 9, bytes: b"testimony".to_vec() };
        assert_eq!(check(Some(&plain)), Err(ReportRefusal::NotSealed));
    }
}
