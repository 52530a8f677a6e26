//! The files `--mail` and `--webhook`, which hold passwords: read by their owner alone, checked whole at the start, and never quoted.

use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use zeroize::Zeroizing;

/// Why a file of settings can't be used. Names what is wrong and quotes nothing of the file, in which a password stands.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("couldn't read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("others may read {0}; make it readable by its owner alone: chmod 600")]
    Readable(PathBuf),
    #[error("line {line} is not TOML")]
    Form { line: usize },
    #[error("there is no such setting: {0}")]
    Unknown(String),
    #[error("the setting {0} is missing")]
    Missing(&'static str),
    #[error("the setting {0} is not what it should be (docs/operators.md)")]
    Wrong(&'static str),
    #[error("user and password stand together, or neither does")]
    HalfLogin,
    #[error(
        "without TLS mail goes to localhost or a loopback address alone: set tls to \"tls\" or \"starttls\""
    )]
    PlainElsewhere,
    #[error("the address begins with https://; http:// is taken of localhost and loopback addresses alone")]
    PlainAddress,
    #[error("{0} holds no certificate (PEM)")]
    Certificate(PathBuf),
    #[error("TLS can't be set up")]
    Tls,
}

impl SettingsError {
    /// What the Chinese line of the command line says.
    pub fn chinese(&self) -> &'static str {
        match self {
            Self::Read { .. } => "设置文件读不出来",
            Self::Readable(_) => "他人可以读取设置文件，请执行 chmod 600",
            Self::Form { .. } => "设置文件不是 TOML 格式",
            Self::Unknown(_) => "设置文件里有不认识的项",
            Self::Missing(_) => "设置文件缺少一项",
            Self::Wrong(_) => "设置文件有一项不合要求",
            Self::HalfLogin => "user 和 password 要么都写，要么都不写",
            Self::PlainElsewhere => {
                "不加密只能发往本机（localhost 或回环地址），请把 tls 设为 tls 或 starttls"
            }
            Self::PlainAddress => "地址必须以 https:// 开头；http:// 只接受本机（localhost 或回环地址）",
            Self::Certificate(_) => "文件里没有证书（PEM）",
            Self::Tls => "TLS 无法启用",
        }
    }
}

/// A file of settings while it is read: what was taken is gone, and what is left at the end is unknown.
pub(crate) struct Settings {
    table: Table,
    folder: PathBuf,
}

impl Settings {
    pub(crate) fn read(path: &Path) -> Result<Self, SettingsError> {
        let io = |source| SettingsError::Read { path: path.to_owned(), source };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if std::fs::metadata(path).map_err(io)?.permissions().mode() & 0o077 != 0 {
                return Err(SettingsError::Readable(path.to_owned()));
            }
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(io)?);
        let table = text.parse::<Table>().map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            SettingsError::Form { line: before.matches('\n').count() + 1 }
        })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { table, folder })
    }

    /// A text that may be there; it is not empty then.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, SettingsError> {
        match self.table.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
            Some(_) => Err(SettingsError::Wrong(name)),
        }
    }

    pub(crate) fn port(&mut self) -> Result<Option<u16>, SettingsError> {
        let Some(value) = self.table.remove("port") else { return Ok(None) };
        let port = value.as_integer().and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0);
        port.map(Some).ok_or(SettingsError::Wrong("port"))
    }

    /// The certificate of an authority in a file of its own, by a path from the folder of the settings.
    pub(crate) fn authority(&mut self) -> Result<Option<(PathBuf, Vec<u8>)>, SettingsError> {
        let Some(name) = self.text("ca")? else { return Ok(None) };
        let path = self.folder.join(name);
        let pem =
            std::fs::read(&path).map_err(|source| SettingsError::Read { path: path.clone(), source })?;
        Ok(Some((path, pem)))
    }

    /// Nothing is left that nobody asked for.
    pub(crate) fn end(self) -> Result<(), SettingsError> {
        match self.table.into_iter().next() {
            Some((name, _)) => Err(SettingsError::Unknown(name)),
            None => Ok(()),
        }
    }
}

/// Whether what is sent to a host stays on this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
