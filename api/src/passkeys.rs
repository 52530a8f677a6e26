//! Passkeys as a second factor: a key that an authenticator keeps, and that answers a challenge of this server and of no other
//! address (Web Authentication, W3C).
//!
//! What is checked of an answer, and in which order, is `webauthn_rp`'s; here is which challenge was given to whom, that each is
//! taken once and in time, and what is kept of a passkey: its public half, its counter, and the name that its owner gave it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use adit_core::id::ActorId;
use adit_core::units::Timestamp;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use webauthn_rp::bin::{Decode, Encode};
use webauthn_rp::request::auth::{AllowedCredentials, AuthenticationVerificationOptions};
use webauthn_rp::request::register::{
    PublicKeyCredentialUserEntity, RegistrationVerificationOptions, UserHandle16, Username,
};
use webauthn_rp::request::{
    AsciiDomain, Credentials, PublicKeyCredentialDescriptor, RpId, UserVerificationRequirement,
};
use webauthn_rp::response::auth::error::AuthCeremonyErr;
use webauthn_rp::response::register::error::RegCeremonyErr;
use webauthn_rp::response::register::{DynamicState, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId, Origin};
use webauthn_rp::{
    AuthenticatedCredential, NonDiscoverableAuthentication16, NonDiscoverableAuthenticationServerState,
    NonDiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration,
    RegistrationServerState,
};

/// Seconds for which a challenge may be answered; the browser is told the same.
const ANSWER_SECONDS_MAX: i64 = 300;
/// Challenges of one account that wait for their answers; the oldest makes way.
const ASKED_MAX: usize = 8;
/// Passkeys of one account.
pub(crate) const PASSKEYS_MAX: usize = 10;
/// Characters of the name of a passkey.
const NAME_CHARS_MAX: usize = 40;

/// The address at which people open this server, `https://` and a host. Passkeys are bound to it, and a request can't change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    origin: String,
    host: String,
}

/// Why a text is no address for passkeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the address of a site is https:// and a host name in small letters, with a port where it is not 443, and nothing after it; http:// \
     is taken of localhost alone, because browsers give passkeys to no other address without TLS / \
     网站地址是 https:// 加小写主机名，端口不是 443 时写明，后面没有别的；http:// 只接受 localhost，因为没有 TLS 浏览器不给通行密钥"
)]
pub struct SiteError;

impl FromStr for Site {
    type Err = SiteError;

    fn from_str(text: &str) -> Result<Self, SiteError> {
        let origin = text.strip_suffix('/').unwrap_or(text);
        let (scheme, authority) = origin.split_once("://").ok_or(SiteError)?;
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let label = |label: &str| !label.is_empty() && label.chars().all(letters);
        // An address of digits alone is none that a passkey can be bound to.
        let named = host.split('.').all(label) && host.chars().any(|c| c.is_ascii_lowercase());
        let usual = if scheme == "https" { 443 } else { 80 };
        let port_fits = port.is_none_or(|port| {
            port.parse::<u16>().is_ok_and(|number| number.to_string() == port && number != usual)
        });
        let trusted = scheme == "https" || (scheme == "http" && host == "localhost");
        if named && port_fits && trusted {
            Ok(Self { origin: origin.to_owned(), host: host.to_owned() })
        } else {
            Err(SiteError)
        }
    }
}

impl Site {
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether a page was opened here, as far as its request says: for what the page tells alone. What counts is the origin that
    /// the browser signs.
    pub(crate) fn is_where(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let own = self.origin.split_once("://").map(|(_, authority)| authority);
        host.is_some_and(|host| own.is_some_and(|own| host.eq_ignore_ascii_case(own)))
    }

    /// To what a passkey is bound.
    fn rp(&self) -> Option<RpId> {
        AsciiDomain::try_from(self.host.clone()).ok().map(RpId::Domain)
    }

    fn origins(&self) -> [Origin<'_>; 1] {
        [Origin(Cow::Borrowed(&self.origin))]
    }
}

/// Why a passkey is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    #[error("the server was not told at which address it is opened")]
    Off,
    #[error("no passkey answered")]
    Missing,
    /// The challenge is not one of ours, was answered before, was given to somebody else, or is too old.
    #[error("the challenge is not one that waits for an answer")]
    Stale,
    /// The passkey answered for another address or another host.
    #[error("the passkey answered at another address")]
    Elsewhere,
    /// The counter did not go on: there may be a copy of the passkey.
    #[error("the counter of the passkey went back")]
    Counter,
    #[error("the passkey is not one of this account")]
    Unknown,
    #[error("the answer of the passkey is wrong")]
    Wrong,
    #[error("the name of a passkey has 1 to 40 characters")]
    Name,
    #[error("the account has as many passkeys as it may")]
    TooMany,
    #[error("the passkey is one of this account already")]
    Known,
}

/// What is kept of a passkey. Nothing in it lets anybody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Passkey {
    /// As the authenticator names it.
    pub(crate) id: String,
    transports: u8,
    /// The public key, and what never changes.
    fixed: String,
    /// The counter, and what else changes when it is used.
    moving: String,
    /// Its owner's name for it.
    pub(crate) name: String,
    pub(crate) made: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) used: Option<Timestamp>,
}

impl Passkey {
    fn id(&self) -> Option<CredentialId<Vec<u8>>> {
        CredentialId::decode(STANDARD.decode(&self.id).ok()?).ok()
    }

    fn described(&self) -> Option<PublicKeyCredentialDescriptor<Vec<u8>>> {
        let transports = AuthTransports::decode(self.transports).ok()?;
        Some(PublicKeyCredentialDescriptor { id: self.id()?, transports })
    }
}

/// What was asked of a browser.
enum Ceremony {
    Add(Box<RegistrationServerState<16>>),
    Show(NonDiscoverableAuthenticationServerState),
}

struct Asked {
    actor: ActorId,
    at: Timestamp,
    ceremony: Ceremony,
}

/// Gives challenges, and takes each answer once.
pub(crate) struct Passkeys {
    site: Option<Site>,
    asked: Mutex<BTreeMap<u128, Asked>>,
}

impl Passkeys {
    pub(crate) fn of(site: Option<Site>) -> Self {
        Self { site, asked: Mutex::default() }
    }

    pub(crate) fn site(&self) -> Option<&Site> {
        self.site.as_ref()
    }

    fn rp(&self) -> Result<(&Site, RpId), PasskeyError> {
        let site = self.site.as_ref().ok_or(PasskeyError::Off)?;
        Ok((site, site.rp().ok_or(PasskeyError::Off)?))
    }

    fn remember(&self, challenge: u128, asked: Asked) {
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, other| asked.at.seconds_since(other.at) <= ANSWER_SECONDS_MAX);
        let own = all.iter().filter(|(_, other)| other.actor == asked.actor);
        let oldest = own.clone().min_by_key(|(_, other)| other.at).map(|(challenge, _)| *challenge);
        if own.count() >= ASKED_MAX
            && let Some(oldest) = oldest
        {
            all.remove(&oldest);
        }
        all.insert(challenge, asked);
    }

    /// What a challenge asked for, once: whoever answers it again, late, or in another's name finds nothing.
    fn take(&self, challenge: u128, actor: ActorId, now: Timestamp) -> Result<Ceremony, PasskeyError> {
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(&challenge).is_none_or(|asked| asked.actor != actor) {
            return Err(PasskeyError::Stale);
        }
        let asked = all.remove(&challenge).ok_or(PasskeyError::Stale)?;
        if now.seconds_since(asked.at) > ANSWER_SECONDS_MAX {
            return Err(PasskeyError::Stale);
        }
        Ok(asked.ceremony)
    }

    /// What a browser is asked for to make a passkey (`PublicKeyCredentialCreationOptionsJSON`).
    pub(crate) fn ask_for_new(
        &self,
        actor: ActorId,
        account: &str,
        own: &[Passkey],
        now: Timestamp,
    ) -> Result<String, PasskeyError> {
        let (_, rp) = self.rp()?;
        if own.len() >= PASSKEYS_MAX {
            return Err(PasskeyError::TooMany);
        }
        let Ok(handle) = UserHandle16::decode(actor.0.0);
        let name = Username::try_from(account).map_err(|_| PasskeyError::Wrong)?;
        let user = PublicKeyCredentialUserEntity { name, id: &handle, display_name: None };
        let known = own.iter().filter_map(Passkey::described).collect();
        let mut options = PublicKeyCredentialCreationOptions::second_factor(&rp, user, known);
        options.authenticator_selection.user_verification = UserVerificationRequirement::Preferred;
        let challenge = options.challenge.as_data();
        let (state, client) = options.start_ceremony().map_err(|_| PasskeyError::Wrong)?;
        let said = serde_json::to_string(&client).map_err(|_| PasskeyError::Wrong)?;
        self.remember(challenge, Asked { actor, at: now, ceremony: Ceremony::Add(Box::new(state)) });
        Ok(said)
    }

    /// What a browser is asked for to show one of these (`PublicKeyCredentialRequestOptionsJSON`).
    pub(crate) fn ask(
        &self,
        actor: ActorId,
        own: &[Passkey],
        now: Timestamp,
    ) -> Result<String, PasskeyError> {
        let (_, rp) = self.rp()?;
        let mut allowed = AllowedCredentials::with_capacity(own.len());
        for described in own.iter().filter_map(Passkey::described) {
            allowed.push(described.into());
        }
        let mut options = NonDiscoverableCredentialRequestOptions::second_factor(&rp, allowed)
            .map_err(|_| PasskeyError::Unknown)?;
        options.options().user_verification = UserVerificationRequirement::Preferred;
        let challenge = options.options().challenge.as_data();
        let (state, client) = options.start_ceremony().map_err(|_| PasskeyError::Wrong)?;
        let said = serde_json::to_string(&client).map_err(|_| PasskeyError::Wrong)?;
        self.remember(challenge, Asked { actor, at: now, ceremony: Ceremony::Show(state) });
        Ok(said)
    }

    /// The passkey that a browser made, as `api/web/passkey` sends it.
    pub(crate) fn added(
        &self,
        actor: ActorId,
        answer: &str,
        name: &str,
        own: &[Passkey],
        now: Timestamp,
    ) -> Result<Passkey, PasskeyError> {
        let (site, rp) = self.rp()?;
        if answer.trim().is_empty() {
            return Err(PasskeyError::Missing);
        }
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
            return Err(PasskeyError::Name);
        }
        if own.len() >= PASSKEYS_MAX {
            return Err(PasskeyError::TooMany);
        }
        let answer = Registration::from_json_custom(answer.as_bytes()).map_err(|_| PasskeyError::Wrong)?;
        let challenge = answer.challenge_relaxed().map_err(|_| PasskeyError::Wrong)?;
        let Ceremony::Add(asked) = self.take(challenge.0, actor, now)? else {
            return Err(PasskeyError::Stale);
        };
        let options = RegistrationVerificationOptions::<Origin<'_>, Origin<'_>> {
            allowed_origins: &site.origins(),
            // Authenticators may tell more than they were asked.
            error_on_unsolicited_extensions: false,
            ..Default::default()
        };
        let made = asked.verify(&rp, &answer, &options).map_err(|error| why_not_added(&error))?;
        let id = STANDARD.encode(made.id().as_ref());
        if own.iter().any(|passkey| passkey.id == id) {
            return Err(PasskeyError::Known);
        }
        let (Ok(transports), Ok(fixed), Ok(moving)) =
            (made.transports().encode(), made.static_state().encode(), made.dynamic_state().encode());
        Ok(Passkey {
            id,
            transports,
            fixed: STANDARD.encode(fixed),
            moving: STANDARD.encode(moving),
            name: name.to_owned(),
            made: now,
            used: None,
        })
    }

    /// Whether one of these answered, as `api/web/passkey` sends it; its counter and its last use are written into it.
    pub(crate) fn shown(
        &self,
        actor: ActorId,
        answer: &str,
        own: &mut [Passkey],
        now: Timestamp,
    ) -> Result<(), PasskeyError> {
        let (site, rp) = self.rp()?;
        if answer.trim().is_empty() {
            return Err(PasskeyError::Missing);
        }
        let answer = NonDiscoverableAuthentication16::from_json_custom(answer.as_bytes())
            .map_err(|_| PasskeyError::Wrong)?;
        let challenge = answer.challenge_relaxed().map_err(|_| PasskeyError::Wrong)?;
        let Ceremony::Show(asked) = self.take(challenge.0, actor, now)? else {
            return Err(PasskeyError::Stale);
        };
        let id = STANDARD.encode(answer.raw_id().as_ref());
        let passkey = own.iter_mut().find(|passkey| passkey.id == id).ok_or(PasskeyError::Unknown)?;
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| PasskeyError::Wrong);
        let (fixed, moving) = (bytes(&passkey.fixed)?, bytes(&passkey.moving)?);
        let moving = moving.try_into().map_err(|_| PasskeyError::Wrong)?;
        let fixed = StaticState::decode(fixed.as_slice()).map_err(|_| PasskeyError::Wrong)?;
        let moving = DynamicState::decode(moving).map_err(|_| PasskeyError::Wrong)?;
        let Ok(handle) = UserHandle16::decode(actor.0.0);
        let mut kept = AuthenticatedCredential::new(answer.raw_id(), &handle, fixed, moving)
            .map_err(|_| PasskeyError::Wrong)?;
        let options = AuthenticationVerificationOptions::<Origin<'_>, Origin<'_>> {
            allowed_origins: &site.origins(),
            error_on_unsolicited_extensions: false,
            ..Default::default()
        };
        asked.verify(&rp, &answer, &mut kept, &options).map_err(|error| why_not_shown(&error))?;
        let Ok(moving) = kept.dynamic_state().encode();
        passkey.moving = STANDARD.encode(moving);
        passkey.used = Some(now);
        Ok(())
    }
}

fn why_not_added(error: &RegCeremonyErr) -> PasskeyError {
    if matches!(
        error,
        RegCeremonyErr::OriginMismatch
            | RegCeremonyErr::CrossOrigin
            | RegCeremonyErr::TopOriginMismatch
            | RegCeremonyErr::RpIdHashMismatch
    ) {
        return PasskeyError::Elsewhere;
    }
    if matches!(error, RegCeremonyErr::Timeout | RegCeremonyErr::ChallengeMismatch) {
        return PasskeyError::Stale;
    }
    PasskeyError::Wrong
}

fn why_not_shown(error: &AuthCeremonyErr) -> PasskeyError {
    if matches!(
        error,
        AuthCeremonyErr::OriginMismatch
            | AuthCeremonyErr::CrossOrigin
            | AuthCeremonyErr::TopOriginMismatch
            | AuthCeremonyErr::RpIdHashMismatch
    ) {
        return PasskeyError::Elsewhere;
    }
    if matches!(error, AuthCeremonyErr::Timeout | AuthCeremonyErr::ChallengeMismatch) {
        return PasskeyError::Stale;
    }
    if matches!(
        error,
        AuthCeremonyErr::NoMatchingAllowedCredential
            | AuthCeremonyErr::CredentialIdMismatch
            | AuthCeremonyErr::UserHandleMismatch
    ) {
        return PasskeyError::Unknown;
    }
    if matches!(error, AuthCeremonyErr::SignatureCounter) {
        return PasskeyError::Counter;
    }
    PasskeyError::Wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_an_address_to_which_browsers_bind_passkeys_and_anything_else_is_refused() {
        for good in [
            "https://adit.example",
            "https://adit.example:8443",
            "http://localhost:8080",
            "https://a-1.example/",
        ] {
            let site: Site = good.parse().expect(good);
            assert_eq!(site.origin(), good.trim_end_matches('/'));
            assert!(site.rp().is_some());
        }
        for bad in [
            "",
            "adit.example",
            "http://adit.example",
            "https://adit.example/desk",
            "https://Adit.example",
            "https://10.0.0.1",
            "https://[::1]",
            "https://adit..example",
            "https://adit.example:443",
            "https://adit.example:080",
            "https://user@adit.example",
            "http://evil.localhost.example",
        ] {
            assert_eq!(bad.parse::<Site>(), Err(SiteError), "{bad}");
        }
    }

    #[test]
    fn without_a_site_there_are_no_passkeys_and_a_challenge_is_its_owners_alone_once_and_for_minutes() {
        let (one, two) = (ActorId(adit_core::id::Id([1; 16])), ActorId(adit_core::id::Id([2; 16])));
        let now = Timestamp(1_700_000_000);
        assert_eq!(Passkeys::of(None).ask_for_new(one, "wang", &[], now), Err(PasskeyError::Off));
        let passkeys = Passkeys::of("https://adit.example".parse().ok());
        let ask = || {
            let options = passkeys.ask_for_new(one, "wang", &[], now).expect("options");
            let options: serde_json::Value = serde_json::from_str(&options).expect("JSON");
            assert_eq!(options["rp"]["id"], "adit.example");
            assert_eq!(options["attestation"], "none");
            assert_eq!(options["authenticatorSelection"]["userVerification"], "preferred");
            *passkeys.asked.lock().expect("asked").keys().next().expect("one")
        };
        let challenge = ask();
        assert_eq!(passkeys.take(challenge, two, now).err(), Some(PasskeyError::Stale));
        assert!(passkeys.take(challenge, one, now).is_ok());
        assert_eq!(passkeys.take(challenge, one, now).err(), Some(PasskeyError::Stale));
        let late = Timestamp(now.0 + ANSWER_SECONDS_MAX + 1);
        assert_eq!(passkeys.take(ask(), one, late).err(), Some(PasskeyError::Stale));
        for _ in 0..20 {
            ask();
        }
        assert_eq!(passkeys.asked.lock().expect("asked").len(), ASKED_MAX);
    }
}
