//! A round: everybody who subscribed is told once a day.
//!
//! At least once, and not at most once: that somebody was told is written down when the server took the message. A crash between the two
//! tells them twice, which costs a glance; the other way round it would be never, which may cost a deadline. What could not be delivered is
//! tried again with growing pauses, so many times, on the same day: a digest says how it stands now, so no day is made up for.

use std::sync::{Arc, Weak};
use std::time::Duration;

use adit_core::id::ActorId;
use adit_core::units::{Day, Position, Timestamp};
use zeroize::Zeroizing;

use super::code::{doubled, seconds};
use super::message::Message;
use super::subscriber::{self, KeptError, Subscriber, Way};
use super::{Today, Trouble, hold};
use crate::access::Reader;
use crate::app::App;
use crate::desk::anything_waits;

/// Seconds between two looks whether the hour has come.
const LOOK_SECONDS: u64 = 30;

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub told: usize,
    /// Left for another try.
    pub failed: usize,
}

/// One message that is due.
struct Due {
    actor: ActorId,
    way: Way,
    address: Zeroizing<String>,
    waits: bool,
}

/// Tells everybody who is due, unless it is too early in the day, everybody was told, or a pause is not over. One at a time.
pub async fn round(app: &Arc<App>) -> Round {
    let _turn = app.digests.turn.lock().await;
    let now = app.office.ledger().now();
    let day = now.day();
    let hour = u64::try_from(now.seconds_since(day.start())).unwrap_or_default() / 3600;
    if hour < app.intake.limits.digest_hour || !app.digests.is_on() || !begins(app, day, now) {
        return Round::default();
    }
    let asked = Arc::clone(app);
    let due = tokio::task::spawn_blocking(move || due(&asked, day)).await;
    let Ok(Some((due, unreadable))) = due else {
        // The read models are behind: the next look is soon enough.
        return Round::default();
    };
    let mut done = Round { told: 0, failed: unreadable };
    let mut trouble = (unreadable > 0).then_some(Trouble::Here);
    for way in Way::ALL {
        let mut left = due.iter().filter(|due| due.way == way);
        while let Some(one) = left.next() {
            match tell(app, one, day, now).await {
                Ok(()) => done.told += 1,
                Err(found) => {
                    done.failed += 1;
                    if !hold(&app.digests.today).settles((one.actor, way), found) {
                        trouble = Some(found);
                    }
                    if found.is_of_server() {
                        done.failed += left.by_ref().count();
                    }
                }
            }
        }
    }
    end(app, now, done, trouble);
    done
}

/// Whether there is anything to do on this day at this time.
fn begins(app: &App, day: Day, now: Timestamp) -> bool {
    let mut today = hold(&app.digests.today);
    if today.day != Some(day) {
        *today = Today { day: Some(day), ..Today::default() };
    }
    !today.is_over && today.not_before.is_none_or(|time| now >= time)
}

/// Remembers how a round went, and when the next one is.
fn end(app: &App, now: Timestamp, done: Round, trouble: Option<Trouble>) {
    let limits = &app.intake.limits;
    let mut today = hold(&app.digests.today);
    today.trouble = trouble;
    let Some(trouble) = trouble else {
        today.is_over = true;
        return;
    };
    today.failures += 1;
    let failed = done.failed;
    if today.failures >= limits.digest_tries {
        (today.is_over, today.gave_up) = (true, true);
        tracing::error!(failed, %trouble, "daily digests could not be delivered, and are not tried again today");
        return;
    }
    let before = u32::try_from(today.failures - 1).unwrap_or(u32::MAX);
    let pause = seconds(limits.digest_pause_minutes, 60).saturating_mul(doubled(before));
    today.not_before = Some(now.plus_seconds(pause));
    tracing::warn!(failed, %trouble, "daily digests could not be delivered; they are tried again");
}

/// Who is due, and how many could not be looked at. None where the read models do not hold all that was answered.
fn due(app: &App, day: Day) -> Option<(Vec<Due>, usize)> {
    let size = Position(app.office.ledger().size());
    if !app.projector.read(|state| state.next() >= size) {
        return None;
    }
    let (mut found, mut unreadable) = (Vec::new(), 0);
    let all = subscriber::all(app).unwrap_or_else(|error| {
        tracing::error!(%error, "subscribers of the daily digest can't be listed");
        unreadable += 1;
        Vec::new()
    });
    for actor in all {
        match of_actor(app, actor, day) {
            Ok(dues) => found.extend(dues),
            Err(error) => {
                tracing::error!(%error, "a subscriber of the daily digest can't be looked at");
                unreadable += 1;
            }
        }
    }
    Some((found, unreadable))
}

#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Kept(#[from] KeptError),
    #[error("the ledger can't be read: {0}")]
    Reader(#[from] adit_core::ledger::log::OpenError),
    #[error("the worklist can't be read")]
    Worklist,
}

/// What one subscriber is due. Whose key is not in force any more is forgotten; whoever has no role is told nothing.
fn of_actor(app: &App, actor: ActorId, day: Day) -> Result<Vec<Due>, LookError> {
    let kept = subscriber::read(app, actor)?;
    let Some(reader) = reads(app, actor, &kept)? else {
        subscriber::change(app, actor, |now| {
            // Whoever began anew meanwhile, under another key, stays.
            if now.key == kept.key {
                *now = Subscriber::default();
            }
        })?;
        return Ok(Vec::new());
    };
    let ways: Vec<Way> =
        Way::ALL.into_iter().filter(|way| is_due(app, &reader, &kept, actor, *way, day)).collect();
    if ways.is_empty() {
        return Ok(Vec::new());
    }
    let waits = anything_waits(app, &reader).map_err(|_| LookError::Worklist)?;
    let address = |way| match (&kept.mail, way) {
        (Some(mail), Way::Mail) => mail.address.clone(),
        _ => Zeroizing::default(),
    };
    Ok(ways.into_iter().map(|way| Due { actor, way, address: address(way), waits }).collect())
}

/// What somebody may see; none where the key with which they subscribed is not in force.
fn reads(
    app: &App,
    actor: ActorId,
    kept: &Subscriber,
) -> Result<Option<Reader>, adit_core::ledger::log::OpenError> {
    if !kept.is_in_force(app, actor) {
        return Ok(None);
    }
    Reader::of(&app.office, actor).map(Some)
}

fn is_due(app: &App, reader: &Reader, kept: &Subscriber, actor: ActorId, way: Way, day: Day) -> bool {
    let today = hold(&app.digests.today);
    let over = today.told.contains(&(actor, way)) || today.settled.contains(&(actor, way));
    drop(today);
    kept.wish(way).is_some_and(|wish| wish.is_due(day)) && !over && is_told(app, reader, way)
}

/// Whether somebody is told by a way at all. What waits for an enterprise is not for the bureau's messenger.
fn is_told(app: &App, reader: &Reader, way: Way) -> bool {
    let has = match way {
        Way::Mail => app.digests.mail.is_some(),
        Way::Webhook => app.digests.webhook.is_some() && !reader.is_enterprise(),
    };
    has && !reader.roles.is_empty()
}

/// Tells one person, and then writes down that it was done.
async fn tell(app: &Arc<App>, due: &Due, day: Day, now: Timestamp) -> Result<(), Trouble> {
    let (actor, way, waits) = (due.actor, due.way, due.waits);
    let message = Message::digest(waits, app.passkeys.site());
    match way {
        Way::Mail => {
            let mail = app.digests.mail.as_ref().ok_or(Trouble::Here)?;
            mail.send(&due.address, &message, now).await?;
        }
        Way::Webhook => {
            let webhook = app.digests.webhook.clone().ok_or(Trouble::Here)?;
            let posted = tokio::task::spawn_blocking(move || webhook.post(day, actor, waits, &message)).await;
            posted.map_err(|_| Trouble::Here)??;
        }
    }
    hold(&app.digests.today).told.insert((actor, way));
    let kept = Arc::clone(app);
    let written = tokio::task::spawn_blocking(move || {
        // Who turned it off meanwhile stays off.
        subscriber::change(&kept, actor, |kept| {
            if let Some(wish) = kept.wish_mut(way) {
                wish.told = Some(day);
            }
        })
    });
    match written.await {
        Ok(Ok(())) => {}
        // They were told: another try in this run would tell them again.
        Ok(Err(error)) => tracing::error!(%error, "that somebody was told could not be written down"),
        Err(_) => tracing::error!("that somebody was told could not be written down"),
    }
    Ok(())
}

/// How many were told for a day, and how many were not, among those who are to be told.
pub(crate) fn counted(app: &App, day: Day) -> Result<(usize, usize), KeptError> {
    let (mut told, mut untold) = (0, 0);
    for actor in subscriber::all(app)? {
        let kept = subscriber::read(app, actor)?;
        let Ok(Some(reader)) = reads(app, actor, &kept) else { continue };
        for wish in
            Way::ALL.into_iter().filter(|way| is_told(app, &reader, *way)).filter_map(|way| kept.wish(way))
        {
            if wish.is_due(day) {
                untold += 1;
            } else if wish.told.is_some_and(|last| last >= day) {
                told += 1;
            }
        }
    }
    Ok((told, untold))
}

/// Tells everybody whenever it is due, for as long as the server runs.
pub async fn run(app: Weak<App>) {
    loop {
        tokio::time::sleep(Duration::from_secs(LOOK_SECONDS)).await;
        let Some(running) = app.upgrade() else { return };
        round(&running).await;
    }
}
