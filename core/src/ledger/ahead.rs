//! Work that runs ahead on every processor while its results are taken in order.

use std::sync::mpsc::sync_channel;
use std::thread::available_parallelism;

/// Results that a worker may be ahead.
const AHEAD: usize = 2;

/// Does `work` on every job, on as many threads as there are processors, and gives the results to `take` in the order of
/// the jobs.
///
/// # Errors
/// The first error of `take`; what was done ahead of it is dropped.
pub(crate) fn ahead<J: Sync, R: Send, E>(
    jobs: &[J],
    work: impl Fn(&J) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let workers = available_parallelism().map_or(1, std::num::NonZero::get).min(jobs.len());
    std::thread::scope(|scope| {
        let worker = |number: usize| {
            let (sender, receiver) = sync_channel(AHEAD);
            let work = &work;
            scope.spawn(move || {
                for job in jobs.iter().skip(number).step_by(workers) {
                    if sender.send(work(job)).is_err() {
                        return;
                    }
                }
            });
            receiver
        };
        let results: Vec<_> = (0..workers).map(worker).collect();
        // Worker n has jobs n, n + workers, …, so going round gives them in order; the first that has no more is the end.
        for result in results.iter().cycle() {
            let Ok(result) = result.recv() else { break };
            take(result)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        for many in [0_u32, 1, 2, 3, 1000] {
            let (jobs, mut taken) = ((0..many).collect::<Vec<_>>(), Vec::new());
            let mut take = |result| -> Result<(), ()> {
                taken.push(result);
                Ok(())
            };
            assert_eq!(ahead(&jobs, |job| job * 2, &mut take), Ok(()));
            assert_eq!(taken, (0..many).map(|job| job * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        let jobs: Vec<u32> = (0..1000).collect();
        let done = ahead(&jobs, |job| *job, |result| if result == 7 { Err(result) } else { Ok(()) });
        assert_eq!(done, Err(7));
    }
}
