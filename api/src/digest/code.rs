//! How somebody shows that an address is theirs: a code is mailed there, and typed here.
//!
//! All of it lies in memory: after a restart one asks for another code. What is said of a code is about the account that asks alone, so
//! nobody learns whether an address exists, or whose it is.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use adit_core::id::ActorId;
use adit_core::units::{Day, Timestamp};
use zeroize::Zeroizing;

use crate::limits::Limits;

/// Digits of a code.
const DIGITS: usize = 8;

/// Why a code is not made, or not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeError {
    /// As many were mailed for this account today as may be.
    TooMany,
    /// None waits: it is too old, was tried too often, or was never asked for.
    Over,
    /// After a wrong code the next is looked at only so many seconds later.
    TooSoon {
        seconds: i64,
    },
    Wrong,
    NoRandomness,
}

/// A code that waits to be typed.
struct Asked {
    address: Zeroizing<String>,
    code: blake3::Hash,
    until: Timestamp,
    wrong: u32,
    not_before: Timestamp,
}

#[derive(Default)]
struct Account {
    /// The day of the last code, and how many there were on it.
    mailed: Option<(Day, u64)>,
    asked: Option<Asked>,
}

/// The codes of all accounts.
#[derive(Default)]
pub(crate) struct Codes(Mutex<BTreeMap<ActorId, Account>>);

/// The digits of what was typed, also in full width.
fn digits(typed: &str) -> Zeroizing<String> {
    let digit = |c: char| match c {
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => Some(c).filter(char::is_ascii_digit),
    };
    Zeroizing::new(typed.chars().filter_map(digit).collect())
}

/// Compared in constant time by its hash; bound to whose it is.
fn hash(actor: ActorId, code: &str) -> blake3::Hash {
    blake3::keyed_hash(blake3::hash(&actor.0.0).as_bytes(), code.as_bytes())
}

fn fresh() -> Result<Zeroizing<String>, CodeError> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).map_err(|_| CodeError::NoRandomness)?;
    // Of 2^64 values, so none of the codes is noticeably likelier.
    let number = u64::from_be_bytes(bytes) % 100_000_000;
    Ok(Zeroizing::new(format!("{number:0DIGITS$}")))
}

impl Codes {
    /// A code for an address that somebody typed, to be mailed there. It takes the place of one that waits.
    pub(crate) fn ask(
        &self,
        actor: ActorId,
        address: &str,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Zeroizing<String>, CodeError> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let today = now.day();
        accounts.retain(|_, account| account.counts(now));
        let account = accounts.entry(actor).or_default();
        let many = account.mailed.filter(|(day, _)| *day == today).map_or(0, |(_, many)| many);
        if many >= limits.digest_codes_day {
            return Err(CodeError::TooMany);
        }
        let code = fresh()?;
        account.mailed = Some((today, many + 1));
        account.asked = Some(Asked {
            address: Zeroizing::new(address.to_owned()),
            code: hash(actor, &code),
            until: now.plus_seconds(seconds(limits.digest_code_minutes, 60)),
            wrong: 0,
            not_before: now,
        });
        Ok(code)
    }

    /// The address whose code waits to be typed.
    pub(crate) fn waits(&self, actor: ActorId, now: Timestamp) -> Option<Zeroizing<String>> {
        let accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = accounts.get(&actor)?.asked.as_ref()?;
        (now <= asked.until).then(|| asked.address.clone())
    }

    /// The address that a code confirms; it is used up with that.
    pub(crate) fn confirm(
        &self,
        actor: ActorId,
        typed: &str,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Zeroizing<String>, CodeError> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let account = accounts.get_mut(&actor).ok_or(CodeError::Over)?;
        let Some(asked) = account.asked.as_mut().filter(|asked| now <= asked.until) else {
            account.asked = None;
            return Err(CodeError::Over);
        };
        let early = asked.not_before.seconds_since(now);
        if early > 0 {
            return Err(CodeError::TooSoon { seconds: early });
        }
        if hash(actor, &digits(typed)) == asked.code {
            let address = asked.address.clone();
            account.asked = None;
            return Ok(address);
        }
        asked.wrong += 1;
        if u64::from(asked.wrong) >= limits.digest_code_tries {
            account.asked = None;
            return Err(CodeError::Over);
        }
        let waits = seconds(limits.digest_code_wait_seconds, 1).saturating_mul(doubled(asked.wrong - 1));
        asked.not_before = now.plus_seconds(waits);
        Err(CodeError::Wrong)
    }

    /// Forgets a code that waits.
    pub(crate) fn forget(&self, actor: ActorId) {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get_mut(&actor) {
            account.asked = None;
        }
    }
}

impl Account {
    /// Whether anything of it matters any more.
    fn counts(&self, now: Timestamp) -> bool {
        let waits = self.asked.as_ref().is_some_and(|asked| now <= asked.until);
        waits || self.mailed.is_some_and(|(day, _)| day == now.day())
    }
}

/// So many units as seconds.
pub(super) fn seconds(many: u64, of: i64) -> i64 {
    i64::try_from(many).unwrap_or(i64::MAX).saturating_mul(of)
}

/// Two to a power, with a ceiling.
pub(super) fn doubled(times: u32) -> i64 {
    1_i64 << times.min(20)
}

#[cfg(test)]
mod tests {
    use adit_core::id::Id;

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000);

    fn setting() -> (Codes, ActorId, Limits) {
        (Codes::default(), ActorId(Id([7; 16])), Limits::shipped().expect("limits"))
    }

    #[test]
    fn given_a_code_then_it_confirms_its_address_once_for_its_account_also_with_blanks_and_in_full_width() {
        let (codes, actor, limits) = setting();
        let code = codes.ask(actor, "a@b.example", NOW, &limits).expect("a code");
        assert_eq!(code.len(), DIGITS);
        let other = ActorId(Id([8; 16]));
        assert_eq!(codes.confirm(other, &code, NOW, &limits).err(), Some(CodeError::Over));
        let wide: String = code
            .chars()
            .filter_map(|c| char::from_u32(u32::from(c) - u32::from('0') + u32::from('０')))
            .collect();
        let typed = format!(" {} {} ", &wide[..12], &wide[12..]);
        assert_eq!(codes.waits(actor, NOW).as_deref().map(String::as_str), Some("a@b.example"));
        assert_eq!(codes.confirm(actor, &typed, NOW, &limits).expect("confirmed").as_str(), "a@b.example");
        assert_eq!(codes.confirm(actor, &code, NOW, &limits).err(), Some(CodeError::Over), "it works once");
        assert!(codes.waits(actor, NOW).is_none());
    }

    #[test]
    fn given_wrong_codes_then_each_next_one_waits_twice_as_long_and_the_last_ends_it() {
        let (codes, actor, limits) = setting();
        let code = codes.ask(actor, "a@b.example", NOW, &limits).expect("a code");
        let wrong = if code.as_str() == "00000000" { "00000001" } else { "00000000" };
        let (mut now, mut waits) = (NOW, seconds(limits.digest_code_wait_seconds, 1));
        for _ in 1..limits.digest_code_tries {
            assert_eq!(codes.confirm(actor, wrong, now, &limits).err(), Some(CodeError::Wrong));
            let soon = codes.confirm(actor, &code, now, &limits).err();
            assert_eq!(soon, Some(CodeError::TooSoon { seconds: waits }), "the right one waits, too");
            now = now.plus_seconds(waits);
            waits *= 2;
        }
        assert_eq!(codes.confirm(actor, wrong, now, &limits).err(), Some(CodeError::Over));
        assert_eq!(codes.confirm(actor, &code, now, &limits).err(), Some(CodeError::Over));
    }

    #[test]
    fn given_a_code_when_its_time_is_over_then_it_confirms_nothing_and_so_many_are_mailed_on_a_day() {
        let (codes, actor, limits) = setting();
        let code = codes.ask(actor, "a@b.example", NOW, &limits).expect("a code");
        let last = NOW.plus_seconds(seconds(limits.digest_code_minutes, 60));
        let late = last.plus_seconds(1);
        assert!(codes.waits(actor, last).is_some() && codes.waits(actor, late).is_none());
        assert_eq!(codes.confirm(actor, &code, late, &limits).err(), Some(CodeError::Over));
        for _ in 1..limits.digest_codes_day {
            codes.ask(actor, "a@b.example", NOW, &limits).expect("another");
        }
        assert_eq!(codes.ask(actor, "a@b.example", NOW, &limits).err(), Some(CodeError::TooMany));
        codes.ask(actor, "a@b.example", NOW.plus_seconds(86_400), &limits).expect("on the next day");
    }
}
