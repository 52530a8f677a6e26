//! Speaks with the provider: what it says of itself, where a browser goes, and what the code that comes back is worth.
//!
//! Whatever comes from there is untrusted: read up to a size, in a time, without following anything elsewhere, and verified by
//! `openidconnect` before a word of it counts. What is wrong with it is told by kinds alone; no token, subject or text of the
//! provider gets into a log line or an error.

use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use adit_core::units::Timestamp;
use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
    CoreClientAuthMethod, CoreGrantType, CoreIdToken, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::http::Response;
use openidconnect::url::Url;
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    CsrfToken, DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, RequestTokenError,
    SignatureVerificationError,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use ureq::Proxy;
use ureq::tls::{RootCerts, TlsConfig};
use zeroize::Zeroizing;

use super::trips::Sent;
use super::{Link, OpenId, SUBJECT_BYTES_MAX, is_safe};
use crate::passkeys::Site;
use crate::session::fresh_id;

/// The one address to which the provider sends a browser back.
pub(crate) const BACK: &str = "/desk/openid";
/// Longest time for one request, in seconds.
const REQUEST_SECONDS_MAX: u64 = 8;
/// Most bytes of an answer: what a provider says of itself, its keys, or tokens.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;
/// Seconds for which what it says of itself, and its keys, are kept.
const KEPT_SECONDS: i64 = 600;
/// Who waits for the provider at once; each holds a thread for as long as it takes.
const WAITING_MAX: usize = 8;
/// Seconds by which its clock may differ from ours.
const CLOCK_SECONDS: i64 = 60;
/// Seconds since which an ID token may have been issued: one is asked for and taken at once.
const ISSUED_SECONDS_MAX: i64 = 600;

/// Signatures that are taken: those whose key is the provider's alone.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What is wrong with the provider or its answer, as its operator may hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("it can't be reached, or not in time")]
    Unreachable,
    #[error("it names an address that is neither https nor on this machine")]
    Address,
    #[error("its answer is larger than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    #[error("what it says of itself, or its keys, is not of the form")]
    Discovery,
    #[error("what it says of itself names another issuer than the file")]
    OtherIssuer,
    #[error("it did not take the code")]
    Code,
    #[error("its answer to the code is not of the form")]
    Form,
    #[error("the answer came from another issuer, or does not say from which (RFC 9207)")]
    AnswerIssuer,
    #[error("the ID token's signature does not hold")]
    Signature,
    #[error("the ID token names another issuer")]
    Issuer,
    #[error("the ID token is for somebody else than this server")]
    Audience,
    #[error("the ID token is over, or was issued at another time")]
    Time,
    #[error("the ID token's nonce is not the one that was sent")]
    Nonce,
    #[error("the person signed in there too long ago, or nothing says when")]
    SignedInBefore,
    #[error("the ID token is not of the form")]
    Token,
    #[error("the operating system gave no randomness")]
    NoRandomness,
}

impl Trouble {
    /// Whether nothing came that could be judged.
    pub(crate) fn is_away(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::Address
                | Self::TooLarge
                | Self::Discovery
                | Self::OtherIssuer
                | Self::NoRandomness
        )
    }
}

/// What discovery tells besides: whether answers say who gave them (RFC 9207, section 3).
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Besides {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Besides {}

type Metadata = ProviderMetadata<
    Besides,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What came back with a browser.
pub(crate) struct Answer {
    pub(crate) code: Zeroizing<String>,
    /// Who says so.
    pub(crate) issuer: Option<String>,
}

/// The provider, and what is known of it for now.
pub(crate) struct Provider {
    config: OpenId,
    back: String,
    agent: ureq::Agent,
    known: Mutex<Option<(Timestamp, Arc<Metadata>)>>,
    /// Turns of those who wait for it.
    pub(crate) turns: Arc<Semaphore>,
}

impl Provider {
    pub(crate) fn new(config: OpenId, site: &Site) -> Self {
        // Bureaus have authorities of their own: the machine's certificates count.
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(REQUEST_SECONDS_MAX)))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .tls_config(tls)
            // What is on this machine is not asked for through a proxy of the environment: the secret would go there in the clear.
            .proxy(if config.issuer.starts_with("http://") { None } else { Proxy::try_from_env() })
            .user_agent("adit")
            .build()
            .into();
        let back = format!("{}{BACK}", site.origin());
        Self { config, back, agent, known: Mutex::default(), turns: Arc::new(Semaphore::new(WAITING_MAX)) }
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// Where a browser goes, and what stays here until it is back. `anew` asks that somebody signs in there once more, whoever
    /// that browser was before. Blocks.
    pub(crate) fn leave(&self, anew: bool, now: Timestamp) -> Result<(Url, Sent), Trouble> {
        let client = self.client(&*self.metadata(now)?)?;
        let fresh = || fresh_id().map(Zeroizing::new).map_err(|_| Trouble::NoRandomness);
        let sent = Sent { state: fresh()?, nonce: fresh()?, verifier: fresh()? };
        let verifier = PkceCodeVerifier::new(sent.verifier.to_string());
        let (state, nonce) = (CsrfToken::new(sent.state.to_string()), Nonce::new(sent.nonce.to_string()));
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        if anew {
            request = request.add_prompt(CoreAuthPrompt::Login);
        }
        if let Some(seconds) = self.config.max_age_seconds {
            request = request.set_max_age(Duration::from_secs(seconds.into()));
        }
        Ok((request.url().0, sent))
    }

    /// Whose account it is that an answer speaks of. Blocks.
    pub(crate) fn back(&self, answer: &Answer, sent: &Sent, now: Timestamp) -> Result<Link, Trouble> {
        let metadata = self.metadata(now)?;
        let says = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        if answer.issuer.as_deref().map_or(says, |issuer| issuer != self.config.issuer) {
            return Err(Trouble::AnswerIssuer);
        }
        let client = self.client(&metadata)?;
        let token = self.exchange(&client, &answer.code, sent)?;
        match self.subject(&client, &token, sent, now) {
            // It may have a new key.
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let client = self.client(&*self.fetch(now)?)?;
                self.subject(&client, &token, sent, now)
            }
            done => done,
        }
        .map_err(|error| kind(&error))?
    }

    fn exchange(&self, client: &Client, code: &str, sent: &Sent) -> Result<CoreIdToken, Trouble> {
        let request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| Trouble::Discovery)?
            .set_pkce_verifier(PkceCodeVerifier::new(sent.verifier.to_string()));
        let answered = request.request(&|request| self.ask(request)).map_err(|error| match error {
            RequestTokenError::Request(trouble) => trouble,
            RequestTokenError::ServerResponse(_) => Trouble::Code,
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Trouble::Form,
        })?;
        answered.extra_fields().id_token().cloned().ok_or(Trouble::Form)
    }

    /// What an ID token says, once it is verified; the outer error is the library's.
    fn subject(
        &self,
        client: &Client,
        token: &CoreIdToken,
        sent: &Sent,
        now: Timestamp,
    ) -> Result<Result<Link, Trouble>, ClaimsVerificationError> {
        let clock = DateTime::<Utc>::from_timestamp(now.0, 0).unwrap_or_default();
        let issued = move |at: DateTime<Utc>| {
            let age = clock.signed_duration_since(at).num_seconds();
            let fits = (-CLOCK_SECONDS..=ISSUED_SECONDS_MAX).contains(&age);
            if fits { Ok(()) } else { Err(String::new()) }
        };
        let max_age = self.config.max_age_seconds.map(i64::from);
        let signed_in = move |at: Option<DateTime<Utc>>| {
            let age = at.map(|at| clock.signed_duration_since(at).num_seconds());
            let fits = |max| age.is_some_and(|age| (-CLOCK_SECONDS..=max + CLOCK_SECONDS).contains(&age));
            if max_age.is_none_or(fits) { Ok(()) } else { Err(String::new()) }
        };
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || clock)
            .set_issue_time_verifier_fn(issued)
            .set_auth_time_verifier_fn(signed_in);
        let claims = token.claims(&verifier, &Nonce::new(sent.nonce.to_string()))?;
        // The library leaves this one open.
        if claims.authorized_party().is_some_and(|party| **party != self.config.client_id) {
            return Ok(Err(Trouble::Audience));
        }
        let subject = claims.subject().as_str();
        if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX {
            return Ok(Err(Trouble::Token));
        }
        Ok(Ok(Link { issuer: self.config.issuer.clone(), subject: subject.to_owned() }))
    }

    fn client(&self, metadata: &Metadata) -> Result<Client, Trouble> {
        let methods = metadata.token_endpoint_auth_methods_supported();
        let knows = |method| methods.is_none_or(|methods| methods.contains(&method));
        let in_body =
            !knows(CoreClientAuthMethod::ClientSecretBasic) && knows(CoreClientAuthMethod::ClientSecretPost);
        let secret = ClientSecret::new(self.config.client_secret.to_string());
        let back = RedirectUrl::new(self.back.clone()).map_err(|_| Trouble::Address)?;
        let id = ClientId::new(self.config.client_id.clone());
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, Some(secret));
        let auth = if in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(client.set_redirect_uri(back).set_auth_type(auth))
    }

    /// What it says of itself, as it was told within the last minutes.
    fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, Trouble> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some((at, metadata)) if (0..=KEPT_SECONDS).contains(&now.seconds_since(at)) => Ok(metadata),
            _ => self.fetch(now),
        }
    }

    /// Asks for it, while others go on with what is known.
    fn fetch(&self, now: Timestamp) -> Result<Arc<Metadata>, Trouble> {
        let issuer = IssuerUrl::new(self.config.issuer.clone()).map_err(|_| Trouble::Address)?;
        let told =
            Metadata::discover(&issuer, &|request| self.ask(request)).map_err(|error| match error {
                DiscoveryError::Request(trouble) => trouble,
                DiscoveryError::Validation(_) => Trouble::OtherIssuer,
                DiscoveryError::Parse(_)
                | DiscoveryError::Response(..)
                | DiscoveryError::UrlParse(_)
                | DiscoveryError::Other(_)
                | _ => Trouble::Discovery,
            })?;
        if !is_safe(told.authorization_endpoint().url()) {
            return Err(Trouble::Address);
        }
        let told = Arc::new(told);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&told)));
        Ok(told)
    }

    /// One request.
    fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Trouble> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| Trouble::Address)?;
        if !is_safe(&url) {
            return Err(Trouble::Address);
        }
        let (head, body) = request.into_parts();
        let asked = if body.is_empty() {
            self.agent.run(ureq::http::Request::from_parts(head, ()))
        } else {
            self.agent.run(ureq::http::Request::from_parts(head, body))
        };
        let (head, body) = asked.map_err(|_| Trouble::Unreachable)?.into_parts();
        let mut bytes = Vec::new();
        // One byte more than is taken, of what is unpacked.
        let read = body.into_reader().take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|_| Trouble::Unreachable)?;
        if bytes.len() as u64 > ANSWER_BYTES_MAX {
            return Err(Trouble::TooLarge);
        }
        Ok(Response::from_parts(head, bytes))
    }
}

/// The kind of a refusal of the library, whose text may hold what the provider said.
fn kind(error: &ClaimsVerificationError) -> Trouble {
    match error {
        ClaimsVerificationError::SignatureVerification(_) => Trouble::Signature,
        ClaimsVerificationError::InvalidIssuer(_) => Trouble::Issuer,
        ClaimsVerificationError::InvalidAudience(_) => Trouble::Audience,
        ClaimsVerificationError::Expired(_) => Trouble::Time,
        ClaimsVerificationError::InvalidNonce(_) => Trouble::Nonce,
        ClaimsVerificationError::InvalidAuthTime(_) => Trouble::SignedInBefore,
        ClaimsVerificationError::InvalidAuthContext(_)
        | ClaimsVerificationError::InvalidSubject(_)
        | ClaimsVerificationError::Unsupported(_)
        | ClaimsVerificationError::Other(_)
        | _ => Trouble::Token,
    }
}
