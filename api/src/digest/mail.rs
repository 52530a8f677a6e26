//! Mail by SMTP: to whom it is handed, and how it looks.
//!
//! TLS is asked for, never merely offered: where the server has none, nothing is sent. Each message has one recipient, so that nobody
//! learns of another; nothing in it names the machine, the reader's language or what the message is about.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use adit_core::id::Id;
use adit_core::units::Timestamp;
use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::Trouble;
use super::message::Message;
use super::settings::{Settings, SettingsError, is_loopback};

/// Longest time in seconds until a server is ready for a message: connected, TLS agreed on, signed in.
const OPEN_SECONDS_MAX: u64 = 30;
/// Longest time in seconds for one message from then on: some servers deliver it before they answer. A silent one holds up nobody but later
/// messages.
const SEND_SECONDS_MAX: u64 = 120;
/// Longest time in seconds for a farewell, for which nobody waits.
const QUIT_SECONDS_MAX: u64 = 30;
/// Longest address, in bytes (RFC 5321, 4.5.3.1.3, without its brackets).
const ADDRESS_BYTES_MAX: usize = 254;
/// Told by a server that wants other credentials, or some at all (RFC 4954, 6).
const NOT_LET_IN: [u16; 3] = [530, 534, 535];

/// How the connection is protected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything is said (RFC 3207).
    StartTls,
    /// None: this machine alone.
    None,
}

impl Protection {
    fn named(name: &str) -> Option<Self> {
        match name {
            "tls" => Some(Self::Tls),
            "starttls" => Some(Self::StartTls),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// The customary port (RFC 8314, RFC 6409, RFC 5321).
    fn port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

/// Hands messages to one mail server.
#[derive(Clone)]
pub struct Mail {
    host: String,
    port: u16,
    protection: Protection,
    /// None to this machine alone.
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    from: Mailbox,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail")
    }
}

impl Mail {
    /// The settings of a file: `host`, `port`, `tls` (`tls`, `starttls`, or `none` to this machine), `user` with `password`, `from`, and
    /// `ca`, a file with the one authority that is trusted instead of the machine's.
    ///
    /// # Errors
    /// A file that others may read, or a setting that is missing, unknown or wrong. Nothing is sent to find out.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let mut file = Settings::read(path)?;
        let host = file.text("host")?.ok_or(SettingsError::Missing("host"))?;
        let tls = file.text("tls")?.ok_or(SettingsError::Missing("tls"))?;
        let from = file.text("from")?.ok_or(SettingsError::Missing("from"))?;
        let (port, user, password, authority) =
            (file.port()?, file.text("user")?, file.text("password")?, file.authority()?);
        file.end()?;
        let protection = Protection::named(&tls).ok_or(SettingsError::Wrong("tls"))?;
        if !is_host(&host) {
            return Err(SettingsError::Wrong("host"));
        }
        if protection == Protection::None && !is_loopback(&host) {
            return Err(SettingsError::PlainElsewhere);
        }
        let from = address(&from).ok_or(SettingsError::Wrong("from"))?;
        let tls = (protection != Protection::None).then(|| trust(&host, authority)).transpose()?;
        let credentials = match (user, password) {
            (Some(user), Some(password)) => Some(Credentials::new(user, password)),
            (None, None) => None,
            _ => return Err(SettingsError::HalfLogin),
        };
        let port = port.unwrap_or(protection.port());
        Ok(Self { host, port, protection, tls, credentials, from: Mailbox::new(None, from) })
    }

    /// Hands over one message. Whoever gets it was asked for by nobody else.
    pub(crate) async fn send(&self, to: &str, message: &Message, now: Timestamp) -> Result<(), Trouble> {
        let message = self.written(to, message, now).ok_or(Trouble::Refused)?;
        let opened = tokio::time::timeout(Duration::from_secs(OPEN_SECONDS_MAX), self.open()).await;
        let mut line = opened.map_err(|_| Trouble::Unreachable)?.map_err(|error| trouble(&error))?;
        let text = message.formatted();
        let sent = line.send(message.envelope(), &text);
        // From here on what goes wrong is this message's own: to the next one the same server may be quick.
        let limit = Duration::from_secs(SEND_SECONDS_MAX);
        let sent = tokio::time::timeout(limit, sent).await.map_err(|_| Trouble::Silent)?;
        // The answer to it counts, and not the one to the farewell.
        tokio::spawn(async move {
            let quit = line.quit();
            tokio::time::timeout(Duration::from_secs(QUIT_SECONDS_MAX), quit).await.is_ok()
        });
        sent.map(|_| ()).map_err(|error| {
            let found = trouble(&error);
            if matches!(found, Trouble::Unreachable | Trouble::Tls) { Trouble::Silent } else { found }
        })
    }

    /// A connection on which a message can be sent.
    async fn open(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let (server, limit) = ((self.host.as_str(), self.port), Some(Duration::from_secs(OPEN_SECONDS_MAX)));
        let at_once = self.tls.clone().filter(|_| self.protection == Protection::Tls);
        let mut line = AsyncSmtpConnection::connect_tokio1(server, limit, &hello, at_once, None).await?;
        if let (Protection::StartTls, Some(tls)) = (self.protection, &self.tls) {
            line.starttls(tls.clone(), &hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            line.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(line)
    }

    fn written(&self, to: &str, message: &Message, now: Timestamp) -> Option<lettre::Message> {
        let id = Id::random().ok()?;
        let at = UNIX_EPOCH + Duration::from_secs(u64::try_from(now.0).unwrap_or_default());
        // No reader's program answers it by itself (RFC 3834).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        // Base64 makes equally long texts equally long messages.
        let body = Body::new_with_encoding(message.text(), ContentTransferEncoding::Base64).ok()?;
        let builder = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address(to)?))
            .date(at)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .subject(message.subject.as_str())
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN);
        builder.body(body).ok()
    }
}

/// Whom to believe that they are the host: the authority of a file alone, else whom the machine trusts.
fn trust(host: &str, authority: Option<(PathBuf, Vec<u8>)>) -> Result<TlsParameters, SettingsError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some((path, pem)) = authority {
        let certificate =
            Certificate::from_pem(&pem).map_err(|_| SettingsError::Certificate(path.clone()))?;
        // What is no certificate at all is read as an empty list.
        if !pem.windows(11).any(|window| window == b"CERTIFICATE") {
            return Err(SettingsError::Certificate(path));
        }
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build().map_err(|_| SettingsError::Tls)
}

/// A host name or an address of digits, without a port.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && label.len() < 64
    };
    host.parse::<std::net::IpAddr>().is_ok() || (host.len() < 254 && host.split('.').all(label))
}

/// An address as people type it; none that needs quotation marks, or letters that old servers refuse.
pub(crate) fn address(typed: &str) -> Option<Address> {
    let typed = typed.trim();
    let plain = typed.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>,;:\\()[]".contains(&byte));
    let fits = plain && typed.len() <= ADDRESS_BYTES_MAX;
    let address: Address = fits.then(|| typed.parse().ok()).flatten()?;
    address.domain().contains('.').then_some(address)
}

/// What an error of the library comes to. Its text may quote the server, which may quote an address, so it ends here.
fn trouble(error: &lettre::transport::smtp::Error) -> Trouble {
    let status = error.status().map(u16::from);
    let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let handshake = causes.any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_handshake));
    if error.is_tls() || handshake {
        Trouble::Tls
    } else if error.is_client() {
        Trouble::Unfit
    } else if status.is_some_and(|status| NOT_LET_IN.contains(&status)) {
        Trouble::NotLetIn
    } else if error.is_permanent() {
        Trouble::Refused
    } else if error.is_transient() {
        Trouble::Later
    } else {
        Trouble::Unreachable
    }
}

/// Whether TLS could not be agreed on: the libraries hand what went wrong on as data that are invalid.
pub(super) fn is_handshake(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, mode: u32) -> Result<Mail, SettingsError> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("mail.toml");
        std::fs::write(&path, text).expect("written");
        std::fs::write(folder.path().join("no.pem"), "nothing").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
        Mail::read(&path)
    }

    const GOOD: &str = "host = \"smtp.example.cn\"\ntls = \"starttls\"\nuser = \"adit\"\npassword = \"a canary\"\nfrom = \"adit@example.cn\"\n";

    #[test]
    fn a_file_of_settings_is_taken_whole_and_its_password_is_shown_nowhere() {
        let mail = read(GOOD, 0o600).expect("settings");
        assert!(!format!("{mail:?}").contains("canary"));
        read(&GOOD.replace("starttls", "tls"), 0o400).expect("settings");
        read("host = \"127.0.0.1\"\nport = 2525\ntls = \"none\"\nfrom = \"adit@example.cn\"\n", 0o600)
            .expect("this machine");
    }

    #[test]
    fn every_fault_of_the_settings_is_named_in_both_languages_and_nothing_of_the_file_is_quoted() {
        let faults = [
            (GOOD.to_owned(), 0o644, "chmod 600"),
            (GOOD.replace("host = ", "hose = "), 0o600, "host is missing"),
            (GOOD.replace("smtp.example.cn", "smtp.example.cn:587"), 0o600, "setting host"),
            (GOOD.replace("starttls", "maybe"), 0o600, "setting tls"),
            (GOOD.replace("starttls", "none"), 0o600, "loopback"),
            (GOOD.replace("adit@example.cn", "adit"), 0o600, "setting from"),
            (GOOD.replace("user = \"adit\"\n", ""), 0o600, "user and password"),
            (GOOD.replace("\"a canary\"", "\"\""), 0o600, "setting password"),
            (GOOD.replace("\"a canary\"", "a canary"), 0o600, "line 4"),
            (format!("{GOOD}port = 70000\n"), 0o600, "setting port"),
            (format!("{GOOD}colour = 1\n"), 0o600, "colour"),
            (format!("{GOOD}ca = \"no.pem\"\n"), 0o600, "no certificate"),
            (format!("{GOOD}ca = \"gone.pem\"\n"), 0o600, "couldn't read"),
        ];
        for (text, mode, says) in faults {
            let error = read(&text, mode).expect_err(says);
            assert!(error.to_string().contains(says), "{error}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
            assert!(!error.chinese().is_ascii());
        }
    }

    #[test]
    fn an_address_is_one_that_every_server_takes() {
        for good in ["wang@example.cn", " li.si+digest@mail.example.gov.cn "] {
            assert!(address(good).is_some(), "{good}");
        }
        let long = format!("{}@example.cn", "x".repeat(250));
        let crafted = "a@b.cn\r\nBcc: c@d.cn";
        for bad in [
            "",
            "wang",
            "wang@",
            "@example.cn",
            "wang@localhost",
            "王@example.cn",
            "a@b.cn, c@d.cn",
            crafted,
            &long,
        ] {
            assert!(address(bad).is_none(), "{bad}");
        }
    }
}
