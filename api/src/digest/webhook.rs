//! The webhook: one POST a day for each person of the bureau who chose it, to one address that the operator sets.
//!
//! One for each person, and not one for the server: whoever reads that something waits for *somebody* could tell that a report came of
//! which they must not learn. The address is the operator's, never a person's, so that nobody has this server ask other machines of the
//! bureau. It names the person by the id that stands in the public log, so that the bureau's messenger knows whom to tell.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use adit_core::id::ActorId;
use adit_core::units::Day;
use serde_json::json;
use ureq::Proxy;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::Trouble;
use super::mail::is_handshake;
use super::message::Message;
use super::settings::{Settings, SettingsError, is_loopback};

/// Longest time for one request, in seconds.
const REQUEST_SECONDS_MAX: u64 = 15;

/// Posts to one address.
#[derive(Clone)]
pub struct Webhook {
    url: String,
    bearer: Option<String>,
    agent: ureq::Agent,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook")
    }
}

impl Webhook {
    /// The settings of a file: `url`, `token`, which is sent as a bearer's where it stands there, and `ca`, a file with the one
    /// authority that is trusted instead of the machine's. Addresses of messengers are passwords, so they stand in a file, too.
    ///
    /// # Errors
    /// A file that others may read, or a setting that is missing, unknown or wrong. Nothing is sent to find out.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let mut file = Settings::read(path)?;
        let url = file.text("url")?.ok_or(SettingsError::Missing("url"))?;
        let (token, authority) = (file.text("token")?, file.authority()?);
        file.end()?;
        let parsed: ureq::http::Uri = url.parse().map_err(|_| SettingsError::Wrong("url"))?;
        let host = parsed.host().unwrap_or_default();
        let named = parsed.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if host.is_empty() || !named {
            return Err(SettingsError::Wrong("url"));
        }
        match parsed.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(host) => {}
            Some("http") => return Err(SettingsError::PlainAddress),
            _ => return Err(SettingsError::Wrong("url")),
        }
        let printable = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !token.as_ref().is_none_or(printable) {
            return Err(SettingsError::Wrong("token"));
        }
        let roots = match authority {
            None => RootCerts::PlatformVerifier,
            Some((path, pem)) => {
                let certificate =
                    Certificate::from_pem(&pem).map_err(|_| SettingsError::Certificate(path))?;
                RootCerts::new_with_certs(&[certificate])
            }
        };
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(REQUEST_SECONDS_MAX)))
            // What is said goes to the address that was set, and wherever else that points.
            .max_redirects(0)
            .http_status_as_error(false)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            // What is on this machine is not asked for through a proxy of the environment: it would go there in the clear.
            .proxy(if parsed.scheme_str() == Some("http") { None } else { Proxy::try_from_env() })
            .user_agent("adit")
            .build()
            .into();
        Ok(Self { url, bearer: token.map(|token| format!("Bearer {token}")), agent })
    }

    /// Posts what one person is told. Blocks.
    pub(crate) fn post(&self, day: Day, to: ActorId, waits: bool, message: &Message) -> Result<(), Trouble> {
        let [zh, en] = &message.said;
        // A digit, so that both answers are equally long.
        let body = json!({ "type": "adit.digest", "v": 1, "day": day, "to": to, "waits": u8::from(waits), "zh": zh, "en": en });
        let request = self.agent.post(&self.url).content_type("application/json");
        let request = match &self.bearer {
            Some(bearer) => request.header("authorization", bearer),
            None => request,
        };
        match request.send(body.to_string()).map(|answer| answer.status().as_u16()) {
            Ok(200..=299) => Ok(()),
            Ok(401 | 403) => Err(Trouble::NotLetIn),
            Ok(429 | 500..) => Err(Trouble::Later),
            Ok(_) => Err(Trouble::Refused),
            Err(ureq::Error::Tls(_) | ureq::Error::Rustls(_)) => Err(Trouble::Tls),
            Err(ureq::Error::Io(error)) if is_handshake(&error) => Err(Trouble::Tls),
            Err(_) => Err(Trouble::Unreachable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_of_this_machine_and_nothing_of_its_file_is_quoted() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("webhook.toml");
        let read = |text: &str| {
            std::fs::write(&path, text).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
            Webhook::read(&path)
        };
        for url in [
            "https://im.example.cn/send?token=canary",
            "http://127.0.0.1:8090/",
            "http://[::1]/",
            "http://localhost/x",
        ] {
            let webhook = read(&format!("url = \"{url}\"\ntoken = \"canary\"\n")).expect(url);
            assert!(!format!("{webhook:?}").contains("canary"));
        }
        let plain = read("url = \"http://im.example.cn/canary\"").expect_err("plain");
        assert!(matches!(plain, SettingsError::PlainAddress));
        for bad in [
            "",
            "url = 7",
            "url = \"im.example.cn\"",
            "url = \"ftp://im.example.cn/\"",
            "url = \"https://user:canary@im.example.cn/\"",
            "url = \"https://im.example.cn/\"\ntoken = \"a canary\"",
            "url = \"https://im.example.cn/\"\nhost = \"canary\"",
            "url = \"https://im.example.cn/",
        ] {
            let error = read(bad).expect_err(bad);
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
    }
}
