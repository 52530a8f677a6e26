//! How a flood is met: whoever waited goes ahead, whoever did not goes behind, and nobody is refused.
//!
//! No address is asked for, here or anywhere: behind Tor or a mobile network thousands share one, and one that is kept, even hashed,
//! could name a reporter. What a form costs its sender is the time since the server handed it out. That time stands in the
//! form under a key that is made when the server starts and never leaves its memory. Each form counts once.
//!
//! A client that seals by itself asks the server to seal nothing, and shows work in the place of time: a number that had to be looked
//! for, while its user typed. Whoever shows none goes behind, and is entered all the same.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use adit_core::ledger::vkey::hex;
use adit_core::units::Timestamp;
use axum::http::HeaderMap;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::limits::Limits;

/// Most forms that are remembered as counted, until the next generation begins.
const SPENT_MAX: usize = 1_000_000;

/// Who goes ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// Came with a form that is old enough and was not counted before.
    Waited,
    /// Everybody else.
    Behind,
}

/// What a form is for; a stamp for one is none for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Report,
    Secret,
    Work,
}

/// The header in which a client shows work: a stamp of `GET /api/v1/work`, a full stop, and the number that was found.
pub(crate) const WORK: &str = "adit-work";

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Secret => "secret",
            Self::Work => "work",
        }
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The queues, and what forms are measured by.
pub(crate) struct Intake {
    key: [u8; 32],
    pub(crate) limits: Limits,
    spent: Mutex<Spent>,
    typed: Arc<AtomicUsize>,
    pub(crate) sealing: Arc<Gate>,
    pub(crate) files: Arc<Gate>,
    pub(crate) lookups: Arc<Gate>,
    pub(crate) entering: Arc<Gate>,
}

/// Stamps that were counted, in two generations: what both have forgotten is too old to count.
#[derive(Default)]
struct Spent {
    begun: Timestamp,
    now: BTreeSet<[u8; 16]>,
    before: BTreeSet<[u8; 16]>,
}

impl Intake {
    pub(crate) fn new(limits: &Limits) -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        let gate = |at_once: u64| Arc::new(Gate::new(at_once, limits.late_share));
        Ok(Self {
            key,
            limits: *limits,
            spent: Mutex::default(),
            typed: Arc::default(),
            sealing: gate(limits.sealing_at_once),
            files: gate(limits.files_at_once),
            lookups: gate(limits.lookups_at_once),
            entering: gate(limits.entering_at_once),
        })
    }

    fn proof(&self, purpose: Purpose, issued: i64, nonce: &str) -> String {
        let said = format!("adit.v1 form {}\n{issued} {nonce}", purpose.label());
        hex(&blake3::keyed_hash(&self.key, said.as_bytes()).as_bytes()[..16])
    }

    /// A stamp for a form that is handed out now.
    pub(crate) fn stamp(&self, purpose: Purpose, now: Timestamp) -> Result<String, getrandom::Error> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce)?;
        let nonce = hex(&nonce);
        Ok(format!("{}.{nonce}.{}", now.0, self.proof(purpose, now.0, &nonce)))
    }

    /// A stamp for whoever need not wait again: they have just shown a good secret, or were sent back though they had waited.
    pub(crate) fn ripe(&self, purpose: Purpose, now: Timestamp) -> Result<String, getrandom::Error> {
        let wait = i64::try_from(self.wait(purpose)).unwrap_or_default();
        self.stamp(purpose, now.plus_seconds(-wait))
    }

    fn wait(&self, purpose: Purpose) -> u64 {
        match purpose {
            Purpose::Report => self.limits.report_wait_seconds,
            Purpose::Secret => self.limits.secret_wait_seconds,
            Purpose::Work => 0,
        }
    }

    /// Whether a stamp may still come to count, so that a page keeps it.
    pub(crate) fn keeps(&self, purpose: Purpose, stamp: &str) -> bool {
        self.read(purpose, stamp).is_some_and(|(_, nonce)| !hold(&self.spent).has(&nonce))
    }

    /// The time and the number of a stamp of ours for this purpose.
    fn read(&self, purpose: Purpose, stamp: &str) -> Option<(Timestamp, [u8; 16])> {
        let mut parts = stamp.split('.');
        let (issued, nonce, proof) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
        let ours = self.proof(purpose, issued, nonce);
        // Comparing hashes takes the same time wherever the two texts part.
        let holds = blake3::hash(ours.as_bytes()) == blake3::hash(proof.as_bytes()) && parts.next().is_none();
        holds.then(|| (Timestamp(issued), nonce_of(nonce)))
    }

    /// The number of a stamp that is as old as it must be, and no older than it may be.
    fn of_age(&self, purpose: Purpose, stamp: &str, now: Timestamp) -> Option<[u8; 16]> {
        let (issued, nonce) = self.read(purpose, stamp)?;
        let age = u64::try_from(now.seconds_since(issued)).ok()?;
        (self.wait(purpose)..=self.limits.stamp_hours * 3600).contains(&age).then_some(nonce)
    }

    /// Whether a form has waited; it is not counted yet.
    pub(crate) fn rank(&self, purpose: Purpose, stamp: &str, now: Timestamp) -> Rank {
        let fresh = self.of_age(purpose, stamp, now).is_some_and(|nonce| !hold(&self.spent).has(&nonce));
        if fresh { Rank::Waited } else { Rank::Behind }
    }

    /// Counts the work that these headers show: it takes so many requests ahead.
    pub(crate) fn worked(&self, headers: &HeaderMap, now: Timestamp) -> Rank {
        let shown = headers.get(WORK).and_then(|value| value.to_str().ok());
        let ahead = shown.is_some_and(|shown| self.count_work(shown, now).is_some());
        if ahead { Rank::Waited } else { Rank::Behind }
    }

    fn count_work(&self, shown: &str, now: Timestamp) -> Option<()> {
        let (stamp, _) = shown.rsplit_once('.')?;
        // The stamp is looked at first: nobody makes the server remember what it never gave out.
        let nonce = self.of_age(Purpose::Work, stamp, now)?;
        if leading_zero_bits(blake3::hash(shown.as_bytes()).as_bytes()) < self.limits.work_bits {
            return None;
        }
        let mut spent = hold(&self.spent);
        let mut uses = (0..self.limits.work_requests).map(|nth| nonce_of(&format!("{} {nth}", hex(&nonce))));
        let next = uses.find(|nonce| !spent.has(nonce))?;
        spent.add(next, now, self.limits.stamp_hours);
        Some(())
    }

    /// Counts a form: it goes ahead once.
    pub(crate) fn spend(&self, purpose: Purpose, stamp: &str, now: Timestamp) -> Rank {
        let rank = self.rank(purpose, stamp, now);
        if let (Rank::Waited, Some((_, nonce))) = (rank, self.read(purpose, stamp)) {
            hold(&self.spent).add(nonce, now, self.limits.stamp_hours);
        }
        rank
    }

    /// Counts what is typed into one form, as long as it is held.
    pub(crate) fn typed(&self) -> Typed {
        Typed { all: Arc::clone(&self.typed), most: self.limits.typed_bytes(), own: 0 }
    }

    /// Whether there is memory for one more form.
    pub(crate) fn has_memory(&self) -> bool {
        self.typed.load(Ordering::Relaxed) < self.limits.typed_bytes()
    }

    /// Waits for a turn, but not longer than a request may last.
    pub(crate) async fn turn(&self, gate: &Arc<Gate>, rank: Rank) -> Option<Turn> {
        let most = Duration::from_secs(self.limits.turn_wait_seconds);
        tokio::time::timeout(most, gate.enter(rank)).await.ok().flatten()
    }

    /// Waits for the next step of the grid after `arrived`.
    pub(crate) async fn on_the_grid(&self, arrived: Instant) {
        let ready = u64::try_from(arrived.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(at) = step_after(ready, self.limits.answer_grid_milliseconds) {
            tokio::time::sleep_until(arrived + Duration::from_millis(at)).await;
        }
    }
}

/// The step on which an answer leaves that is ready after so many milliseconds; none where there is no grid.
fn step_after(ready: u64, step: u64) -> Option<u64> {
    Some((ready.checked_div(step)? + 1).saturating_mul(step))
}

fn leading_zero_bits(hash: &[u8; 32]) -> u64 {
    let zeros = hash.iter().take_while(|byte| **byte == 0).count();
    let next = hash.get(zeros).map_or(0, |byte| u64::from(byte.leading_zeros()));
    zeros as u64 * 8 + next
}

fn nonce_of(text: &str) -> [u8; 16] {
    let mut nonce = [0; 16];
    nonce.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    nonce
}

impl Spent {
    fn has(&self, nonce: &[u8; 16]) -> bool {
        self.now.contains(nonce) || self.before.contains(nonce)
    }

    fn add(&mut self, nonce: [u8; 16], now: Timestamp, hours: u64) {
        let over = now.seconds_since(self.begun) > i64::try_from(hours * 3600).unwrap_or(i64::MAX);
        // A flood of a million counted forms begins a new generation early: at the worst some count twice.
        if over || self.now.len() >= SPENT_MAX {
            self.before = std::mem::take(&mut self.now);
            self.begun = now;
        }
        self.now.insert(nonce);
    }
}

/// What is typed into one form, counted among all. What is dropped is counted no more.
pub(crate) struct Typed {
    all: Arc<AtomicUsize>,
    most: usize,
    own: usize,
}

impl Typed {
    /// Whether so many more bytes may be held.
    pub(crate) fn add(&mut self, bytes: usize) -> bool {
        self.own += bytes;
        self.all.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.most
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        self.all.fetch_sub(self.own, Ordering::Relaxed);
    }
}

/// A door through which so many go at once: first those who waited, in the order in which they came, and of each so many turns one
/// for those behind.
pub(crate) struct Gate {
    late_share: u64,
    queues: Mutex<Queues>,
}

struct Queues {
    free: u64,
    turns: u64,
    waited: VecDeque<oneshot::Sender<Turn>>,
    behind: VecDeque<oneshot::Sender<Turn>>,
}

/// A turn; it goes to the next when it is dropped.
pub(crate) struct Turn(Arc<Gate>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.pass_on();
    }
}

impl Gate {
    fn new(at_once: u64, late_share: u64) -> Self {
        let (waited, behind) = (VecDeque::new(), VecDeque::new());
        Self { late_share, queues: Mutex::new(Queues { free: at_once, turns: 0, waited, behind }) }
    }

    /// Waits for a turn; one is always given while the gate stands.
    pub(crate) async fn enter(self: &Arc<Self>, rank: Rank) -> Option<Turn> {
        let turn = {
            let mut queues = hold(&self.queues);
            if queues.free > 0 {
                queues.free -= 1;
                return Some(Turn(Arc::clone(self)));
            }
            let (sender, receiver) = oneshot::channel();
            match rank {
                Rank::Waited => queues.waited.push_back(sender),
                Rank::Behind => queues.behind.push_back(sender),
            }
            receiver
        };
        turn.await.ok()
    }

    /// Whether somebody waits for a turn.
    pub(crate) fn is_crowded(&self) -> bool {
        let queues = hold(&self.queues);
        let waits = |queue: &VecDeque<oneshot::Sender<Turn>>| queue.iter().any(|one| !one.is_closed());
        waits(&queues.waited) || waits(&queues.behind)
    }

    /// Gives a turn to the next who still waits. Nobody waits while a turn is free.
    fn pass_on(self: &Arc<Self>) {
        let next = {
            let mut queues = hold(&self.queues);
            let next = queues.next(self.late_share);
            if next.is_none() {
                queues.free += 1;
            }
            next
        };
        if let Some(next) = next {
            // Whoever went away at this very moment gives the turn on, by dropping it.
            drop(next.send(Turn(Arc::clone(self))));
        }
    }
}

impl Queues {
    fn next(&mut self, late_share: u64) -> Option<oneshot::Sender<Turn>> {
        loop {
            self.turns = self.turns.wrapping_add(1);
            let late = self.turns.is_multiple_of(late_share);
            let (first, second) = if late {
                (&mut self.behind, &mut self.waited)
            } else {
                (&mut self.waited, &mut self.behind)
            };
            let next = first.pop_front().or_else(|| second.pop_front())?;
            if !next.is_closed() {
                return Some(next);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn intake() -> Intake {
        Intake::new(&Limits::shipped().expect("limits")).expect("randomness")
    }

    const NOON: Timestamp = Timestamp(1_700_000_000);

    #[test]
    fn a_form_goes_ahead_once_it_is_old_enough_and_only_once() {
        let intake = intake();
        let stamp = intake.stamp(Purpose::Report, NOON).expect("stamp");
        let rank = |seconds| intake.rank(Purpose::Report, &stamp, NOON.plus_seconds(seconds));
        let wait = i64::try_from(intake.limits.report_wait_seconds).expect("small");
        let ranks = [rank(-1), rank(wait - 1), rank(wait), rank(86_400), rank(86_401)];
        assert_eq!(ranks, [Rank::Behind, Rank::Behind, Rank::Waited, Rank::Waited, Rank::Behind]);
        let spend = || intake.spend(Purpose::Report, &stamp, NOON.plus_seconds(60));
        assert_eq!((spend(), spend(), rank(60)), (Rank::Waited, Rank::Behind, Rank::Behind));
    }

    #[test]
    fn a_stamp_of_another_purpose_server_or_time_is_none() {
        let intake = intake();
        let later = NOON.plus_seconds(60);
        let stamp = intake.stamp(Purpose::Secret, NOON).expect("stamp");
        assert_eq!(intake.rank(Purpose::Secret, &stamp, later), Rank::Waited);
        let older = stamp.replacen("1700000000", "1699999990", 1);
        let forged =
            [older, format!("{stamp}.1"), stamp.replace('.', ""), stamp.to_uppercase(), String::new()];
        for stamp in forged {
            assert_eq!(intake.rank(Purpose::Secret, &stamp, later), Rank::Behind, "{stamp}");
        }
        assert_eq!(intake.rank(Purpose::Report, &stamp, later), Rank::Behind);
        assert_eq!(super::tests::intake().rank(Purpose::Secret, &stamp, later), Rank::Behind);
        let owner = intake.ripe(Purpose::Secret, NOON).expect("stamp");
        assert_eq!(intake.rank(Purpose::Secret, &owner, NOON), Rank::Waited);
    }

    /// Headers with the first number that fits, as a client finds it.
    fn work(intake: &Intake, stamp: &str) -> HeaderMap {
        let fits = |text: &String| {
            leading_zero_bits(blake3::hash(text.as_bytes()).as_bytes()) >= intake.limits.work_bits
        };
        let shown = (0..u64::MAX).map(|number| format!("{stamp}.{number}")).find(fits).expect("some number");
        HeaderMap::from_iter([(HeaderName::from_static(WORK), shown.parse().expect("a header"))])
    }

    #[test]
    fn work_takes_so_many_requests_ahead_and_no_work_none() {
        let intake = intake();
        let stamp = intake.stamp(Purpose::Work, NOON).expect("stamp");
        let shown = work(&intake, &stamp);
        let least = usize::try_from(intake.limits.work_requests).expect("small");
        let ranks: Vec<Rank> = (0..least + 3).map(|_| intake.worked(&shown, NOON)).collect();
        assert!(ranks[..least].iter().all(|rank| *rank == Rank::Waited), "{ranks:?}");
        assert!(ranks[least..].iter().all(|rank| *rank == Rank::Behind), "{ranks:?}");
        assert_eq!(intake.worked(&HeaderMap::new(), NOON), Rank::Behind);
    }

    #[test]
    fn work_for_another_stamp_purpose_server_or_day_is_none() {
        let intake = intake();
        let own = work(&intake, &intake.stamp(Purpose::Work, NOON).expect("stamp"));
        let hours = i64::try_from(intake.limits.stamp_hours).expect("small");
        assert_eq!(intake.worked(&own, NOON.plus_seconds(hours * 3600 + 1)), Rank::Behind);
        assert_eq!(intake.worked(&own, NOON.plus_seconds(-1)), Rank::Behind);
        assert_eq!(super::tests::intake().worked(&own, NOON), Rank::Behind);
        let form = intake.ripe(Purpose::Report, NOON).expect("stamp");
        assert_eq!(intake.worked(&work(&intake, &form), NOON), Rank::Behind, "a form's stamp is no work");
        let shown = own[WORK].to_str().expect("text");
        let (stamp, number) = shown.rsplit_once('.').expect("two parts");
        for other in [
            stamp.to_owned(),
            format!("{stamp}."),
            format!("{stamp}.{number}0"),
            format!(".{number}"),
            String::new(),
        ] {
            let headers =
                HeaderMap::from_iter([(HeaderName::from_static(WORK), other.parse().expect("a header"))]);
            assert_eq!(intake.worked(&headers, NOON), Rank::Behind, "{other}");
        }
        assert_eq!(intake.worked(&own, NOON), Rank::Waited, "what was refused counted nothing");
    }

    #[test]
    fn what_was_counted_is_remembered_for_as_long_as_it_could_count() {
        let mut spent = Spent::default();
        spent.add([1; 16], NOON, 24);
        for hours in 1..=24 {
            spent.add([hours; 16], NOON.plus_seconds(i64::from(hours) * 3600), 24);
            assert!(spent.has(&[1; 16]), "{hours}");
        }
        spent.add([200; 16], NOON.plus_seconds(49 * 3600), 24);
        spent.add([201; 16], NOON.plus_seconds(98 * 3600), 24);
        assert!(!spent.has(&[1; 16]) && spent.has(&[200; 16]));
    }

    #[test]
    fn what_is_typed_is_counted_while_it_is_held() {
        let intake = intake();
        let mut one = intake.typed();
        assert!(one.add(intake.limits.typed_bytes()) && !intake.has_memory());
        assert!(!intake.typed().add(1));
        drop(one);
        assert!(intake.has_memory());
        assert_eq!(intake.typed.load(Ordering::Relaxed), 0);
    }

    /// Lets everybody come as far as they can.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn those_who_waited_go_first_and_of_eight_turns_one_goes_to_those_behind() {
        let gate = Arc::new(Gate::new(1, 8));
        let order = Arc::new(Mutex::new(Vec::new()));
        let held = gate.enter(Rank::Behind).await.expect("a turn");
        let mut all = Vec::new();
        for (rank, many) in [(Rank::Behind, 100), (Rank::Waited, 20)] {
            for nth in 0..many {
                let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
                all.push(tokio::spawn(async move {
                    let turn = gate.enter(rank).await.expect("a turn");
                    hold(&order).push((rank, nth));
                    tokio::task::yield_now().await;
                    drop(turn);
                }));
                settle().await;
            }
        }
        drop(held);
        for one in all {
            one.await.expect("done");
        }
        let order = hold(&order).clone();
        assert_eq!(order.len(), 120, "nobody is left");
        let last_waited = order.iter().rposition(|(rank, _)| *rank == Rank::Waited).expect("some");
        assert_eq!(last_waited, 21, "two of the first 22 turns went to those behind");
        for rank in [Rank::Waited, Rank::Behind] {
            let of: Vec<i32> = order.iter().filter(|(one, _)| *one == rank).map(|(_, nth)| *nth).collect();
            assert!(of.is_sorted(), "each queue keeps its order");
        }
    }

    #[tokio::test]
    async fn whoever_goes_away_while_waiting_takes_no_turn_with_them() {
        let gate = Arc::new(Gate::new(2, 8));
        let held = [gate.enter(Rank::Waited).await, gate.enter(Rank::Waited).await];
        for _ in 0..1000 {
            let gate = Arc::clone(&gate);
            let waits = tokio::spawn(async move { gate.enter(Rank::Behind).await.is_some() });
            settle().await;
            waits.abort();
        }
        drop(held);
        settle().await;
        assert_eq!(hold(&gate.queues).free, 2);
        assert!(gate.enter(Rank::Behind).await.is_some());
    }

    #[test]
    fn answers_leave_on_steps_whenever_they_are_ready() {
        let leave = |ready| step_after(ready, 250);
        assert_eq!([leave(0), leave(1), leave(7), leave(249)], [Some(250); 4]);
        assert_eq!([leave(250), leave(251), leave(499), leave(500)], [500, 500, 500, 750].map(Some));
        assert_eq!(step_after(7, 0), None, "no grid");
    }
}
