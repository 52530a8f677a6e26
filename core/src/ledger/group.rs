//! Group commit: many callers, one of them does the work for all who wait.
//!
//! There is no writer thread. The first caller leads: it takes everything that waits, commits it once, hands out the
//! answers, and passes the lead to somebody who came meanwhile. A lone caller therefore pays for no switch of threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Most commands in one group; the rest wait for the next.
const ITEMS_MAX: usize = 512;

pub struct GroupQueue<T, R> {
    state: Mutex<State<T, R>>,
}

struct State<T, R> {
    waiting: Vec<(T, Arc<Slot<R>>)>,
    /// Somebody leads.
    led: bool,
}

struct Slot<R> {
    turn: Mutex<Turn<R>>,
    changed: Condvar,
}

enum Turn<R> {
    Waiting,
    Lead,
    Done(R),
    /// The leader broke off; what became of the item is unknown.
    Lost,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T, R> Default for GroupQueue<T, R> {
    fn default() -> Self {
        Self { state: Mutex::new(State { waiting: Vec::new(), led: false }) }
    }
}

impl<T, R> GroupQueue<T, R> {
    /// Puts `item` into a group and returns its answer. `commit` must return one answer for each item, in order.
    /// `None` when the leader broke off: the item may or may not have been committed.
    pub fn submit(&self, item: T, commit: impl Fn(Vec<T>) -> Vec<R>) -> Option<R> {
        let slot = Arc::new(Slot { turn: Mutex::new(Turn::Waiting), changed: Condvar::new() });
        let mut state = lock(&self.state);
        state.waiting.push((item, Arc::clone(&slot)));
        let leads = !std::mem::replace(&mut state.led, true);
        drop(state);
        if !leads && let Some(answer) = slot.wait() {
            return answer;
        }
        self.lead(&commit);
        match slot.take() {
            Turn::Done(answer) => Some(answer),
            Turn::Waiting | Turn::Lead | Turn::Lost => None,
        }
    }

    /// Commits one group, in which the leader's own item is the first, then passes the lead on.
    fn lead(&self, commit: &impl Fn(Vec<T>) -> Vec<R>) {
        let group: Vec<_> = {
            let mut state = lock(&self.state);
            let many = state.waiting.len().min(ITEMS_MAX);
            state.waiting.drain(..many).collect()
        };
        let (items, slots): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let answers = catch_unwind(AssertUnwindSafe(|| commit(items))).unwrap_or_default();
        let mut answers = answers.into_iter();
        for slot in slots {
            slot.set(answers.next().map_or(Turn::Lost, Turn::Done));
        }
        let mut state = lock(&self.state);
        match state.waiting.first() {
            Some((_, next)) => next.set(Turn::Lead),
            None => state.led = false,
        }
    }
}

impl<R> Slot<R> {
    fn set(&self, turn: Turn<R>) {
        *lock(&self.turn) = turn;
        self.changed.notify_one();
    }

    fn take(&self) -> Turn<R> {
        std::mem::replace(&mut *lock(&self.turn), Turn::Waiting)
    }

    /// Waits for the answer; `None` when it is the caller's turn to lead.
    #[expect(clippy::option_option, reason = "outer: answered or must lead; inner: the answer, or lost")]
    fn wait(&self) -> Option<Option<R>> {
        let turn = lock(&self.turn);
        let waiting = |turn: &mut Turn<R>| matches!(turn, Turn::Waiting);
        let mut turn = self.changed.wait_while(turn, waiting).unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *turn, Turn::Waiting) {
            Turn::Done(answer) => Some(Some(answer)),
            Turn::Lost => Some(None),
            Turn::Waiting | Turn::Lead => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_caller_gets_its_own_answer_and_groups_do_not_overlap() {
        let queue = GroupQueue::<u64, u64>::default();
        let log = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for writer in 0..16_u64 {
                let (queue, log) = (&queue, &log);
                scope.spawn(move || {
                    for n in 0..200 {
                        let item = writer * 1000 + n;
                        let answer = queue.submit(item, |items| {
                            lock(log).extend(items.iter().copied());
                            items.into_iter().map(|i| i + 1).collect()
                        });
                        assert_eq!(answer, Some(item + 1));
                    }
                });
            }
        });
        let mut log = log.into_inner().expect("no leader panicked");
        assert_eq!(log.len(), 16 * 200);
        log.dedup();
        log.sort_unstable();
        log.dedup();
        assert_eq!(log.len(), 16 * 200, "an item was committed twice");
    }

    #[test]
    fn a_leader_that_breaks_off_leaves_nobody_waiting() {
        let queue = GroupQueue::<u8, u8>::default();
        assert_eq!(queue.submit(1, |_| panic!("disk on fire")), None);
        assert_eq!(queue.submit(2, |items| items), Some(2));
    }
}
