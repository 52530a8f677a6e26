//! A report as its reporter sees it: found by the secret or by the public half of its key, read from the ledger, and opened with the
//! secret's own identity, or given out as it is sealed to whoever keeps the secret.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use adit_core::event::{Event, Fact};
use adit_core::id::StreamId;
use adit_core::ledger::vkey::{SigningKey, VKey, hex};
use adit_core::office::ExecuteError;
use adit_core::report::{self, Blob, FileNote, Message, ReportEvent, Status, Testimony, reporter_key};
use adit_core::reward::{self, RewardEvent};
use adit_core::seal::{self, Identity, Kind};
use adit_core::secret::Secret;
use adit_core::units::{Day, Fen, Position, Timestamp};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::language::Language;
use crate::app::App;
use crate::handlers::reporters::{Sealed, report_of};
use crate::problem::{Problem, unreadable};

/// A report whose secret was shown, or whose key signed.
pub(crate) struct Case {
    pub(crate) stream: StreamId,
    pub(crate) state: report::State,
    pub(crate) facts: Vec<Fact>,
    /// What was told, as far as the secret opens it.
    pub(crate) testimony: Testimony,
    /// The same as an age file in base64, for whoever keeps the secret.
    pub(crate) testimony_sealed: Option<String>,
    pub(crate) letters: Vec<Letter>,
    pub(crate) rewards: Vec<Reward>,
    /// A reward was assessed, or denied.
    pub(crate) assessed: bool,
    /// The entry by which this reporter came in: the report itself, or their joining.
    pub(crate) entered: Position,
    pub(crate) entered_on: Day,
    /// They joined somebody else's report.
    pub(crate) joined: bool,
    /// The public half of the key that signs in the report's stream.
    pub(crate) key: VKey,
}

/// A sealed word that was exchanged.
pub(crate) struct Letter {
    pub(crate) by_reporter: bool,
    /// Which kind of event carried it.
    pub(crate) kind: &'static str,
    pub(crate) on: Day,
    pub(crate) words: String,
    pub(crate) files: Vec<FileNote>,
    /// The same as an age file in base64, where its reader opens it.
    pub(crate) sealed: Option<String>,
}

/// What the reporter gets, or may claim.
pub(crate) struct Reward {
    pub(crate) stream: StreamId,
    pub(crate) status: reward::Status,
    /// The share of this reporter.
    pub(crate) amount: Fen,
    pub(crate) whole: Fen,
    /// Reasons with their sources, in the page's language.
    pub(crate) reasons: Vec<String>,
    pub(crate) claim_due: Option<Day>,
    pub(crate) claimed: bool,
    /// This reporter's share was paid.
    pub(crate) paid: bool,
    pub(crate) given_up: bool,
    /// The code that a cash desk pays for; only where this reporter claimed with one.
    pub(crate) voucher: Option<Zeroizing<String>>,
    /// Hash of the code with which this reporter claimed, for whoever keeps the secret, from which the code follows.
    pub(crate) voucher_hash: Option<String>,
}

fn fault(error: &ExecuteError) -> Problem {
    unreadable(error)
}

impl Case {
    /// The report of a secret; `None` where there is none, or the secret was changed or locked.
    pub(crate) fn open(app: &App, secret: &Secret, language: Language) -> Result<Option<Self>, Problem> {
        let ledger = app.office.ledger();
        let origin = ledger.origin();
        let anywhere = StreamId::new(adit_core::id::StreamKind::Report, adit_core::id::Id::default());
        let probe = secret.sign_key(origin, &anywhere).map_err(|error| unreadable(&error))?;
        let found = app.office.find(&reporter_key(&probe.vkey())).map_err(|error| fault(&error))?;
        let Some(stream) = found else {
            decoy(app, secret);
            return Ok(None);
        };
        let key = secret.sign_key(origin, &stream).map_err(|error| unreadable(&error))?;
        let state = app.office.report(stream).map_err(|error| fault(&error))?;
        if !state.keys.contains(&key.vkey().to_string()) {
            return Ok(None);
        }
        let facts = ledger.stream(&stream).map_err(|error| unreadable(&error))?;
        let claim = secret.claim_public(origin).map_err(|error| unreadable(&error))?;
        let reads = Reads::Here { app, identity: secret.identity(origin), copies: copies(&facts) };
        Self::read(
            app,
            stream,
            key.vkey(),
            state,
            facts,
            &Share { claim, secret: Some(secret), language },
            &reads,
        )
        .map(Some)
    }

    /// The report of a key that signed; nothing of it is opened.
    pub(crate) fn of_key(app: &App, probe: &VKey, language: Language) -> Result<Self, Problem> {
        let (stream, own) = report_of(app, probe)?;
        let state = app.office.report(stream).map_err(|error| fault(&error))?;
        let ledger = app.office.ledger();
        let facts = ledger.stream(&stream).map_err(|error| unreadable(&error))?;
        let reads = Reads::Elsewhere(Sealed::of(app, &facts, &state, &own.to_string()));
        let claim = state.claims.get(&own.to_string()).and_then(|nth| state.claim_keys.get(*nth)).cloned();
        let share = Share { claim: claim.unwrap_or_default(), secret: None, language };
        Self::read(app, stream, own, state, facts, &share, &reads)
    }

    fn read(
        app: &App,
        stream: StreamId,
        key: VKey,
        state: report::State,
        facts: Vec<Fact>,
        share: &Share<'_>,
        reads: &Reads<'_>,
    ) -> Result<Self, Problem> {
        let told = state.report.as_ref().and_then(|report| report.testimony.as_ref());
        let (testimony, testimony_sealed) = told.and_then(|blob| reads.read(blob)).unwrap_or_default();
        let letters = facts.iter().filter_map(|fact| Letter::of(reads, fact)).collect();
        let streams = app.projector.read(|all| all.rewards.of_report(&stream));
        let assessed = !streams.is_empty();
        let mut rewards = Vec::new();
        for stream in streams {
            rewards.extend(Reward::of(app, stream, &state, share)?);
        }
        let own = entered(&facts, &key);
        let (entered, entered_on) = own.map(|fact| (fact.position, fact.day)).unwrap_or_default();
        let joined = own.is_some_and(|fact| matches!(&fact.event, Event::Report(ReportEvent::Joined(_))));
        Ok(Self {
            stream,
            state,
            facts,
            testimony,
            testimony_sealed,
            letters,
            rewards,
            assessed,
            entered,
            entered_on,
            joined,
            key,
        })
    }

    /// The key that signs in the report's stream.
    pub(crate) fn signer(&self, app: &App, secret: &Secret) -> Result<SigningKey, Problem> {
        secret.sign_key(app.office.ledger().origin(), &self.stream).map_err(|error| unreadable(&error))
    }

    pub(crate) fn first(&self) -> Position {
        self.facts.first().map(|fact| fact.position).unwrap_or_default()
    }

    pub(crate) fn excluded(&self) -> &BTreeSet<adit_core::id::ActorId> {
        &self.state.excluded
    }

    /// When a step was taken last.
    pub(crate) fn done(&self, is: impl Fn(&ReportEvent) -> bool) -> Option<Timestamp> {
        let taken =
            self.facts.iter().rev().find(|fact| matches!(&fact.event, Event::Report(event) if is(event)));
        taken.map(|fact| fact.at)
    }

    /// With how many officers it was shared, and when last.
    pub(crate) fn shared(&self) -> Option<(usize, Day)> {
        let on = self.done(|event| matches!(event, ReportEvent::Shared(_)))?.day();
        Some((self.state.shared_with.len(), on))
    }

    /// This reporter disputes the answer, or somebody did of whom no event says who.
    pub(crate) fn disputed(&self) -> bool {
        let by = &self.state.disputed_by;
        self.state.disputed && (by.is_empty() || by.contains(&self.key.to_string()))
    }

    /// What the reporter may still say of the answer.
    pub(crate) fn may_judge(&self) -> bool {
        matches!(self.state.status, Status::Answered | Status::Closed)
    }
}

/// The entry by which the reporter of this key came in, whose secret may have been changed since.
fn entered<'a>(facts: &'a [Fact], key: &VKey) -> Option<&'a Fact> {
    let mut key = key.clone();
    for fact in facts.iter().rev() {
        if let Event::Report(ReportEvent::KeyRotated(rotate)) = &fact.event
            && rotate.new == key
        {
            key = rotate.old.clone();
        }
        if matches!(&fact.event, Event::Report(ReportEvent::Joined(join)) if join.key == key) {
            return Some(fact);
        }
    }
    facts.first()
}

/// Opens something, as is done for a secret that has a report: an unknown one is as much work.
fn decoy(app: &App, secret: &Secret) {
    static SEALED: OnceLock<Option<(Vec<u8>, Identity)>> = OnceLock::new();
    let origin = app.office.ledger().origin();
    let make = || {
        let identity = Secret::generate().ok()?.identity(origin);
        let words = serde_json::to_vec(&Testimony::default()).ok()?;
        Some((seal::seal(&words, [identity.recipient().as_str()], Kind::Text).ok()?, identity))
    };
    let sealed = SEALED.get_or_init(make).as_ref();
    let opened = sealed.and_then(|(sealed, identity)| seal::open(sealed, identity).ok());
    std::hint::black_box((opened, secret.identity(origin), secret.claim_public(origin).ok()));
}

/// What was sealed again to the reporter when they brought the code of a clerk, by the hash of what it is a copy of.
pub(crate) fn copies(facts: &[Fact]) -> BTreeMap<String, String> {
    let mut copies = BTreeMap::new();
    for fact in facts {
        if let Event::Report(ReportEvent::PickedUp(picked_up)) = &fact.event {
            let hashes = picked_up.copies.iter().map(|one| (one.of.to_string(), one.copy.blob.to_string()));
            copies.extend(hashes);
        }
    }
    copies
}

/// How what is sealed to one reporter is read.
enum Reads<'a> {
    /// Here, with the secret.
    Here { app: &'a App, identity: Identity, copies: BTreeMap<String, String> },
    /// By whoever keeps the secret.
    Elsewhere(Sealed<'a>),
}

impl Reads<'_> {
    /// The content of a sealed file, where it or its copy is there, whole, sealed to this identity, and of the form that is
    /// asked for; else the file itself, where it may be theirs.
    fn read<T: DeserializeOwned + Default>(&self, blob: &Blob) -> Option<(T, Option<String>)> {
        match self {
            Self::Here { app, identity, copies } => {
                let hash = copies.get(blob.blob.as_str()).map_or(blob.blob.as_str(), String::as_str);
                let sealed = app.office.ledger().blobs()?.read(hash).ok()?;
                let content = seal::open(&sealed, identity).ok()?;
                Some((serde_json::from_slice(&content).ok()?, None))
            }
            Self::Elsewhere(sealed) => {
                let file = sealed.is_mine(blob).then(|| sealed.file(blob)).flatten()?;
                Some((T::default(), Some(file)))
            }
        }
    }
}

/// Whose share of a reward is looked for.
struct Share<'a> {
    /// Public half of the key that claims, hexadecimal.
    claim: String,
    /// Says the code of a voucher, where it is known here.
    secret: Option<&'a Secret>,
    language: Language,
}

impl Letter {
    fn of(reads: &Reads<'_>, fact: &Fact) -> Option<Self> {
        let Event::Report(event) = &fact.event else { return None };
        let blob = match event {
            ReportEvent::MessageSent(sealed)
            | ReportEvent::EvidenceAdded(sealed)
            | ReportEvent::RetaliationAlleged(sealed) => &sealed.sealed,
            ReportEvent::Disputed(disputed) => &disputed.sealed,
            ReportEvent::Answered(answer) => answer.sealed.as_ref()?,
            ReportEvent::Reported(_)
            | ReportEvent::Accepted(_)
            | ReportEvent::Declined(_)
            | ReportEvent::Transferred(_)
            | ReportEvent::Shared(_)
            | ReportEvent::Verified(_)
            | ReportEvent::Handled(_)
            | ReportEvent::Extended(_)
            | ReportEvent::Satisfied(_)
            | ReportEvent::Closed(_)
            | ReportEvent::Reopened(_)
            | ReportEvent::Linked(_)
            | ReportEvent::Corroborated(_)
            | ReportEvent::Separated(_)
            | ReportEvent::Invited(_)
            | ReportEvent::InvitationWithdrawn(_)
            | ReportEvent::Joined(_)
            | ReportEvent::KeyRotated(_)
            | ReportEvent::PickedUp(_)
            | ReportEvent::Locked(_)
            | ReportEvent::Overdue(_) => return None,
        };
        let (message, sealed): (Message, _) = reads.read(blob)?;
        Some(Self {
            by_reporter: fact.by.is_empty(),
            kind: adit_core::decider::StreamEvent::kind(event),
            on: fact.at.day(),
            words: message.words,
            files: message.files,
            sealed,
        })
    }
}

impl Reward {
    fn of(
        app: &App,
        stream: StreamId,
        report: &report::State,
        own: &Share<'_>,
    ) -> Result<Option<Self>, Problem> {
        let state = app.office.reward(stream).map_err(|error| fault(&error))?;
        // Until it was approved and told, nothing is promised.
        if matches!(
            state.status,
            reward::Status::Absent | reward::Status::Assessed | reward::Status::Approved
        ) {
            return Ok(None);
        }
        let Some(assessed) = &state.assessed else { return Ok(None) };
        let nth = report.claim_keys.iter().position(|key| *key == own.claim);
        let share = nth.and_then(|nth| assessed.claim_keys.get(nth).zip(assessed.shares_yuan.get(nth)));
        let Some((share, amount)) = share else { return Ok(None) };
        let facts = app.office.ledger().stream(&stream).map_err(|error| unreadable(&error))?;
        let hash = facts.iter().rev().find_map(|fact| {
            if let Event::Reward(RewardEvent::Claimed(claimed)) = &fact.event
                && hex(claimed.key.key()) == own.claim
            {
                claimed.voucher.clone()
            } else {
                None
            }
        });
        let code = own.secret.map(|secret| secret.voucher(app.office.ledger().origin(), &stream));
        let code = code.filter(|code| hash.as_deref() == Some(&adit_core::secret::voucher_hash(code)));
        Ok(Some(Self {
            stream,
            status: state.status,
            amount: *amount,
            whole: assessed.amount_yuan,
            reasons: assessed.reasons.iter().map(|reason| said(reason, own.language)).collect(),
            claim_due: state.claim_due,
            claimed: state.claimed.contains(share),
            paid: state.claimed.contains(share)
                && state.paid > Fen::ZERO
                && state.payable_for(share) <= Fen::ZERO,
            given_up: state.fallen_back.contains(share),
            voucher: code,
            voucher_hash: hash.filter(|_| own.secret.is_none()),
        }))
    }
}

fn said(reason: &adit_core::rules::Reason, language: Language) -> String {
    let refusal = adit_core::refusal::Refusal { code: reason.code.clone(), details: reason.details.clone() };
    let words = language.refusal(&refusal);
    if reason.source.is_empty() { words } else { format!("{words}（{}）", reason.source) }
}
