//! OpenID Connect: a provider says who somebody is, in the place of a second factor. It unlocks nothing.
//!
//! The password is typed here first, and opens the key; the provider's word is compared with the account that its owner linked, and
//! that stands under the same password. Here is what an operator writes of the provider; `provider` speaks with it, `trips` remembers
//! which browser is under way.

pub(crate) mod provider;
pub(crate) mod trips;

use std::fmt;

use openidconnect::url::{Host, Url};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Most characters of a provider's name on pages.
const NAME_CHARS_MAX: usize = 40;
/// Most bytes of a subject (OpenID Connect Core 1.0, section 2).
pub(crate) const SUBJECT_BYTES_MAX: usize = 255;

/// The provider, and what this server is called there: a file that the operator writes.
#[derive(Clone)]
pub struct OpenId {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Zeroizing<String>,
    pub(crate) name: String,
    /// Seconds since which somebody may have signed in at the provider; none where that is the provider's own business.
    pub(crate) max_age_seconds: Option<u32>,
}

/// The secret is not shown.
impl fmt::Debug for OpenId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("OpenId").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why a file names no provider.
#[derive(Debug, thiserror::Error)]
pub enum OpenIdFault {
    /// Nothing of the file is repeated: it holds a secret.
    #[error(
        "the file of the OpenID provider is TOML with issuer, client_id and client_secret as texts, and maybe name and max_age_seconds, and nothing else"
    )]
    Form,
    #[error(
        "the issuer is https:// and a host, without account, question or fragment; http:// is taken of this machine alone (localhost, 127.0.0.1, ::1)"
    )]
    Issuer,
    #[error(
        "client_id and client_secret are not empty, and the name has 1 to {NAME_CHARS_MAX} characters in one line"
    )]
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    issuer: String,
    client_id: String,
    client_secret: Zeroizing<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    max_age_seconds: Option<u32>,
}

impl OpenId {
    /// The provider of a file, as `docs/operators.md` describes it.
    ///
    /// # Errors
    /// A file of another form, an issuer that is not reached over TLS, or something empty.
    pub fn read(text: &str) -> Result<Self, OpenIdFault> {
        let file: File = toml::from_str(text).map_err(|_| OpenIdFault::Form)?;
        let File { issuer, client_id, client_secret, name, max_age_seconds } = file;
        let url = Url::parse(&issuer).map_err(|_| OpenIdFault::Issuer)?;
        if !is_safe(&url) || url.query().is_some() {
            return Err(OpenIdFault::Issuer);
        }
        let name = name.unwrap_or_else(|| url.host_str().unwrap_or_default().to_owned()).trim().to_owned();
        let named =
            (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if client_id.is_empty() || client_secret.is_empty() || !named {
            return Err(OpenIdFault::Empty);
        }
        Ok(Self { issuer, client_id, client_secret, name, max_age_seconds })
    }
}

/// Whether something may be asked of, or somebody led to, an address: over TLS, or on this machine, where a gateway may stand.
pub(crate) fn is_safe(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && (url.scheme() == "https" || (url.scheme() == "http" && here))
}

/// An account at a provider, which its owner linked with the one here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    pub(crate) issuer: String,
    pub(crate) subject: String,
}

impl Link {
    /// Whether it is the same account. Hashes are compared, which takes the same time wherever two texts part.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let hash = |link: &Self| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&(link.issuer.len() as u64).to_be_bytes());
            hasher.update(link.issuer.as_bytes()).update(link.subject.as_bytes()).finalize()
        };
        hash(self) == hash(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(issuer: &str) -> String {
        format!("issuer = \"{issuer}\"\nclient_id = \"adit\"\nclient_secret = \"a secret of tests\"\n")
    }

    #[test]
    fn given_a_file_then_its_provider_is_reached_over_tls_or_on_this_machine_and_the_secret_is_never_shown() {
        for good in [
            "https://id.example",
            "https://id.example/realms/city/",
            "http://localhost:8080",
            "http://127.0.0.1:1",
            "http://[::1]:1/a",
        ] {
            let read = OpenId::read(&file(good)).expect(good);
            assert_eq!(read.issuer, good);
            assert!(!format!("{read:?}").contains("a secret"), "{read:?}");
        }
        for bad in [
            "",
            "id.example",
            "http://id.example",
            "http://localhost.example",
            "https://user@id.example",
            "https://id.example/?a=b",
            "https://id.example/#a",
            "file:///etc/passwd",
            "http://10.0.0.1",
        ] {
            assert!(matches!(OpenId::read(&file(bad)), Err(OpenIdFault::Issuer)), "{bad}");
        }
        let named = |line: &str| OpenId::read(&format!("{}{line}\n", file("https://id.example")));
        assert_eq!(named("").expect("named").name, "id.example");
        assert_eq!(named("name = \"统一身份认证\"").expect("named").name, "统一身份认证");
        assert!(matches!(named("name = \" \""), Err(OpenIdFault::Empty)));
        let unknown = named("secret = \"another secret\"").expect_err("unknown");
        assert!(matches!(unknown, OpenIdFault::Form) && !unknown.to_string().contains("another"));
        let empty = file("https://id.example").replace("a secret of tests", "");
        assert!(matches!(OpenId::read(&empty), Err(OpenIdFault::Empty)));
    }

    #[test]
    fn two_links_are_the_same_where_issuer_and_subject_both_are() {
        let link =
            |issuer: &str, subject: &str| Link { issuer: issuer.to_owned(), subject: subject.to_owned() };
        assert!(link("https://a", "1").is(&link("https://a", "1")));
        assert!(!link("https://a", "1").is(&link("https://a", "2")));
        assert!(!link("https://a", "1").is(&link("https://b", "1")));
        assert!(!link("https://a", "1x").is(&link("https://a1", "x")));
    }
}
