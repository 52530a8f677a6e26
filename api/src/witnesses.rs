//! The published checkpoint goes to the witnesses of the policy, and their cosignatures onto it (C2SP tlog-witness).
//!
//! Nothing waits for a witness: what is published is public before any was asked, and a witness that is slow or gone is asked
//! again later, with growing pauses. A witness that refuses what the log signed (422), or has seen a longer log than there is,
//! is an alarm: for that checkpoint it is never asked again, and what was sent and answered is kept as evidence.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::cosignature::verified;
use adit_core::ledger::disk::RealDisk;
use adit_core::ledger::evidence;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::merkle::consistency_proof;
use adit_core::ledger::note::{Note, SIGNATURES_MAX, SignatureLine, assemble};
use adit_core::ledger::policy::Policy;
use adit_core::ledger::vkey::VKey;
use adit_core::ledger::witness::{AddCheckpoint, read_lines};
use adit_core::units::Timestamp;
use serde::Serialize;
use ureq::tls::{RootCerts, TlsConfig};

use crate::app::App;
use crate::witness::SIZE_TYPE;

/// Seconds between two looks whether something new was published.
const LOOK_SECONDS: u64 = 2;
/// Longest time for one request, in seconds.
const REQUEST_SECONDS_MAX: u64 = 10;
/// Requests to one witness in one round: the first may tell at which size the proof has to begin.
const TRIES_MAX: usize = 3;
/// First and longest pause after a failure, in seconds.
const PAUSE_SECONDS: (i64, i64) = (10, 600);
/// Most bytes of an answer that are read: sixteen lines of the longest form.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Most witnesses that are asked: the rest of a note's lines are the log's, which has two keys while one takes over.
const WITNESSES_MAX: usize = SIGNATURES_MAX - 2;

/// Why the policy's witnesses can't be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessesError {
    #[error("the policy gives addresses of more than {WITNESSES_MAX} witnesses; a note holds no more lines")]
    TooMany,
    #[error("a witness's address begins with neither https:// nor http://")]
    BadAddress,
    #[error("the policy names logs, but not this one")]
    OtherLog,
}

/// Why a witness did not cosign, as its operator may hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// No answer, or none in time.
    Unreachable,
    /// It does not know this log or its key (403, 404), or answered with another status.
    Refused(u16),
    /// Its answer is not of the form, or its cosignature does not verify.
    BadAnswer,
    /// It has cosigned a size that is signed here, but not published yet.
    Later,
    /// It was shown another tree of this log (422, or 409 at the same size). An alarm.
    Contradicted,
    /// It has cosigned a longer log than there is: the data here is older than what was published. An alarm.
    RolledBack,
}

impl Trouble {
    pub fn is_alarm(self) -> bool {
        matches!(self, Self::Contradicted | Self::RolledBack)
    }
}

/// How it stands with one witness.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    pub name: String,
    /// Size of the last checkpoint that it cosigned for us since the start.
    pub cosigned: Option<u64>,
    pub trouble: Option<Trouble>,
    /// Alarms since the start. Each stands in the log, with its evidence in the data folder.
    pub alarms: u64,
}

#[derive(Default)]
struct State {
    status: Status,
    /// The size it cosigned last, as far as is known here.
    known: u64,
    failures: u32,
    not_before: Option<Timestamp>,
    /// Text of the checkpoint that was an alarm; not sent again.
    never: Option<String>,
}

struct Member {
    vkey: VKey,
    url: String,
    state: Mutex<State>,
}

/// The witnesses of a policy that can be asked.
pub struct Witnesses {
    /// The policy's file.
    policy: Vec<u8>,
    members: Vec<Member>,
    agent: ureq::Agent,
}

/// What is sent to all.
struct Sending<'a> {
    ledger: &'a Ledger,
    checkpoint: Checkpoint,
    note: Note,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Witnesses {
    /// The witnesses of `policy` that have an address and a key whose cosignatures are checked here. `log` are this log's keys
    /// in force, of which the policy may name any.
    pub fn new(policy: &Policy, log: &[VKey]) -> Result<Self, WitnessesError> {
        let logs = policy.logs();
        if !logs.is_empty() && logs.iter().all(|known| !log.contains(&known.vkey)) {
            return Err(WitnessesError::OtherLog);
        }
        let mut members = Vec::new();
        for witness in policy.witnesses() {
            let (Some(vkey), Some(url)) = (&witness.vkey, &witness.url) else { continue };
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(WitnessesError::BadAddress);
            }
            let status = Status { name: witness.name.clone(), ..Status::default() };
            let state = Mutex::new(State { status, ..State::default() });
            let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
            members.push(Member { vkey: vkey.clone(), url, state });
        }
        if members.len() > WITNESSES_MAX {
            return Err(WitnessesError::TooMany);
        }
        // Bureaus have authorities of their own: the machine's certificates count, not a list that was compiled in.
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(REQUEST_SECONDS_MAX)))
            .max_redirects(0)
            .http_status_as_error(false)
            .tls_config(tls)
            .user_agent("adit")
            .build()
            .into();
        Ok(Self { policy: policy.file().to_vec(), members, agent })
    }

    /// The policy's file, byte for byte.
    pub(crate) fn policy(&self) -> &[u8] {
        &self.policy
    }

    pub fn status(&self) -> Vec<Status> {
        self.members.iter().map(|member| hold(&member.state).status.clone()).collect()
    }

    /// Keys of the witnesses that are asked.
    pub fn vkeys(&self) -> impl Iterator<Item = &VKey> {
        self.members.iter().map(|member| &member.vkey)
    }

    /// Asks each witness that has not cosigned the published checkpoint, all at once, and adds what they answer. Gives back
    /// how many lines were added. Blocks for as long as the slowest takes.
    pub fn round(&self, ledger: &Ledger) -> usize {
        let published = ledger.published();
        let Ok((checkpoint, note)) = Checkpoint::parse(&published.note) else { return 0 };
        let now = ledger.now();
        let sending = Sending { ledger, checkpoint, note };
        let due: Vec<&Member> =
            self.members.iter().filter(|member| member.is_due(&sending.note, now)).collect();
        if due.is_empty() {
            return 0;
        }
        let lines: Vec<SignatureLine> = std::thread::scope(|scope| {
            let asked: Vec<_> =
                due.iter().map(|member| scope.spawn(|| member.ask(&self.agent, &sending, now))).collect();
            // A thread that panicked brought no line; that witness is asked again.
            asked.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect()
        });
        if lines.is_empty() || !ledger.cosign(&sending.note.text, &lines) {
            return 0;
        }
        lines.len()
    }
}

/// Asks the witnesses for as long as the server runs.
pub async fn run(app: Weak<App>, witnesses: Arc<Witnesses>) {
    loop {
        let Some(running) = app.upgrade() else { return };
        let asking = Arc::clone(&witnesses);
        let _ = tokio::task::spawn_blocking(move || asking.round(running.office.ledger())).await;
        tokio::time::sleep(Duration::from_secs(LOOK_SECONDS)).await;
    }
}

impl Member {
    fn is_due(&self, note: &Note, now: Timestamp) -> bool {
        let state = hold(&self.state);
        let cosigned = note.signatures.iter().any(|line| line.is_by(&self.vkey));
        let never = state.never.as_ref() == Some(&note.text);
        !cosigned && !never && state.not_before.is_none_or(|until| now >= until)
    }

    /// Asks one witness, and keeps how it went.
    fn ask(&self, agent: &ureq::Agent, sending: &Sending<'_>, now: Timestamp) -> Option<SignatureLine> {
        let known = hold(&self.state).known;
        let asked = self.exchange(agent, sending, known.min(sending.checkpoint.size));
        let mut state = hold(&self.state);
        match asked {
            Ok(line) => {
                state.known = sending.checkpoint.size;
                state.failures = 0;
                state.not_before = None;
                state.status.cosigned = Some(sending.checkpoint.size);
                state.status.trouble = None;
                Some(line)
            }
            Err(trouble) => {
                let (first, longest) = PAUSE_SECONDS;
                let pause = first.saturating_mul(1 << state.failures.min(6)).min(longest);
                state.failures = state.failures.saturating_add(1);
                state.not_before = Some(now.plus_seconds(pause));
                if trouble.is_alarm() {
                    state.status.alarms += 1;
                    state.never = Some(sending.note.text.clone());
                }
                if state.status.trouble != Some(trouble) {
                    tell(&state.status.name, sending.checkpoint.size, trouble);
                }
                state.status.trouble = Some(trouble);
                None
            }
        }
    }

    fn exchange(
        &self,
        agent: &ureq::Agent,
        sending: &Sending<'_>,
        known: u64,
    ) -> Result<SignatureLine, Trouble> {
        let size = sending.checkpoint.size;
        let mut old = known;
        for _ in 0..TRIES_MAX {
            let body = sending.request(old).ok_or(Trouble::Later)?;
            let answer = post(agent, &self.url, &body).ok_or(Trouble::Unreachable)?;
            match answer.status {
                200 => return self.line(&sending.note.text, &answer.body).ok_or(Trouble::BadAnswer),
                409 => {
                    let theirs = answer.size();
                    // Of a checkpoint of the very size that it cosigned, 409 is the older way to say that the roots differ.
                    if old == size && (theirs == Some(size) || theirs.is_none()) {
                        return Err(self.evidence(sending, &body, &answer, Trouble::Contradicted));
                    }
                    old = match theirs.ok_or(Trouble::BadAnswer)? {
                        theirs if theirs > sending.ledger.size() => {
                            return Err(self.evidence(sending, &body, &answer, Trouble::RolledBack));
                        }
                        theirs if theirs > size => return Err(Trouble::Later),
                        theirs if theirs == old => return Err(Trouble::BadAnswer),
                        theirs => theirs,
                    };
                }
                422 => return Err(self.evidence(sending, &body, &answer, Trouble::Contradicted)),
                status => return Err(Trouble::Refused(status)),
            }
        }
        Err(Trouble::BadAnswer)
    }

    /// The witness's own good line; lines by other keys are ignored.
    fn line(&self, text: &str, answer: &[u8]) -> Option<SignatureLine> {
        let mine = read_lines(answer)?.into_iter().find(|line| line.is_by(&self.vkey))?;
        verified(text, &mine, &self.vkey).map(|_| mine)
    }

    /// Keeps what was sent and answered; gives `trouble` back.
    fn evidence(&self, sending: &Sending<'_>, body: &[u8], answer: &Answered, trouble: Trouble) -> Trouble {
        let Some(home) = sending.ledger.home() else { return trouble };
        let head = format!("witness {}\nanswered {} {}\n", self.vkey, answer.status, answer.body.len());
        let sent = format!("\nsent {}\n", body.len());
        let both = [head.as_bytes(), &answer.body, sent.as_bytes(), body].concat();
        if let Err(error) = evidence::keep(&RealDisk::default(), &home.data, "witness", &both) {
            tracing::error!(%error, "the evidence of an alarm could not be written");
        }
        trouble
    }
}

impl Sending<'_> {
    /// The request whose proof begins at `old`; `None` when the tiles can't be read now.
    fn request(&self, old: u64) -> Option<Vec<u8>> {
        let mut tile = |level, index, width| self.ledger.tile(level, index, width);
        let proof = consistency_proof(old, self.checkpoint.size, &mut tile).ok()?;
        // Other witnesses' lines are of no use to this one.
        let own = self.note.signatures.iter().filter(|line| line.name == self.checkpoint.origin);
        let own: Vec<SignatureLine> = own.cloned().collect();
        Some(AddCheckpoint::write(old, &proof, &assemble(&self.note.text, &own)))
    }
}

struct Answered {
    status: u16,
    kind: String,
    body: Vec<u8>,
}

impl Answered {
    /// The size that a 409 names.
    fn size(&self) -> Option<u64> {
        let kind = self.kind.split(';').next().unwrap_or_default().trim();
        let text = std::str::from_utf8(&self.body).ok()?.strip_suffix('\n')?;
        let size = text.parse::<u64>().ok()?;
        (kind == SIZE_TYPE && size.to_string() == text).then_some(size)
    }
}

/// `None` when there was no answer, or one that is too long.
fn post(agent: &ureq::Agent, url: &str, body: &[u8]) -> Option<Answered> {
    let mut response = agent.post(url).content_type("text/plain; charset=utf-8").send(body).ok()?;
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec().ok()?;
    Some(Answered { status, kind, body })
}

/// The name of a witness stands in the bureau's own policy; an address or an answer is never logged.
fn tell(witness: &str, size: u64, trouble: Trouble) {
    if trouble.is_alarm() {
        tracing::error!(
            witness,
            size,
            ?trouble,
            "a witness contradicts this log; the evidence is in the data folder"
        );
    } else if trouble != Trouble::Later {
        tracing::warn!(witness, size, ?trouble, "a witness did not cosign; it is asked again");
    }
}
