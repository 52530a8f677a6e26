//! Invitations: how somebody gets an account whose password nobody else ever knows.
//!
//! An administrator invites with a code that is shown once. Whoever has it chooses a password, and the key is made then; it may sign
//! nothing until administrators enrol it and grant its roles in the ledger. A second kind gives a new key to somebody who lost theirs.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use adit_core::id::{ActorId, Id, StreamId};
use adit_core::ledger::home::make_private_folder;
use adit_core::ledger::vkey::VKey;
use adit_core::role::Role;
use adit_core::text::Short;
use adit_core::units::Timestamp;
use serde::{Deserialize, Serialize};

/// Seconds for which a code is good: three days.
const GOOD_SECONDS: i64 = 3 * 24 * 3600;

/// Who is invited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invitation {
    pub(crate) v: u8,
    pub(crate) actor: ActorId,
    /// The name to sign in with; none for somebody who has an account.
    pub(crate) account: Option<String>,
    pub(crate) title: Short,
    /// Roles that are to be granted.
    pub(crate) roles: Vec<Role>,
    pub(crate) acts_for: Option<StreamId>,
    /// A new key for an account that is there.
    pub(crate) renews: bool,
    pub(crate) good_until: Timestamp,
    /// The key that was made when it was taken up.
    pub(crate) key: Option<VKey>,
    /// Where what is sealed can be sealed to it.
    pub(crate) recipient: Option<String>,
}

/// The folder of invitations: one file for each, named by the hash of its code.
pub(crate) struct Invitations {
    folder: PathBuf,
}

/// Names an invitation without opening it.
fn name(code: &str) -> String {
    blake3::hash(code.as_bytes()).to_hex().to_string()
}

impl Invitations {
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// A new one with its code.
    pub(crate) fn invite(
        &self,
        actor: ActorId,
        account: Option<String>,
        title: Short,
        roles: Vec<Role>,
        acts_for: Option<StreamId>,
        now: Timestamp,
    ) -> io::Result<String> {
        let code = Id::random().map_err(io::Error::other)?.to_string();
        let renews = account.is_none();
        let good_until = now.plus_seconds(GOOD_SECONDS);
        let invitation = Invitation {
            v: 1,
            actor,
            account,
            title,
            roles,
            acts_for,
            renews,
            good_until,
            key: None,
            recipient: None,
        };
        self.write(&name(&code), &invitation)?;
        Ok(code)
    }

    /// The one with this code, while it is good and nobody has taken it up.
    pub(crate) fn find(&self, code: &str, now: Timestamp) -> Option<Invitation> {
        let found = read(&self.path(&name(code.trim())))?;
        (found.key.is_none() && found.good_until >= now).then_some(found)
    }

    /// Records the key of whoever took it up.
    pub(crate) fn take_up(&self, code: &str, invitation: &Invitation) -> io::Result<()> {
        self.write(&name(code.trim()), invitation)
    }

    /// All that are open, by name; those that are over are cleared away.
    pub(crate) fn all(&self, now: Timestamp) -> Vec<(String, Invitation)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok);
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.path();
            let Some(invitation) = read(&path) else { continue };
            if invitation.key.is_none() && invitation.good_until < now {
                // Nothing rests on it any more.
                let _ = fs::remove_file(&path);
                continue;
            }
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            found.push((name, invitation));
        }
        found.sort_by_key(|(_, invitation)| invitation.good_until);
        found
    }

    /// Ends one, by its name.
    pub(crate) fn end(&self, name: &str) -> io::Result<()> {
        let named = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if named { fs::remove_file(self.path(name)) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn write(&self, name: &str, invitation: &Invitation) -> io::Result<()> {
        make_private_folder(&self.folder).map_err(io::Error::other)?;
        let text = serde_json::to_vec_pretty(invitation).map_err(io::Error::other)?;
        let fresh = self.folder.join(format!("{name}.{}.new", Id::random().map_err(io::Error::other)?));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&fresh)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&fresh, self.path(name))?;
        fs::File::open(&self.folder)?.sync_all()
    }
}

fn read(path: &Path) -> Option<Invitation> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use adit_core::text::Text;

    use super::*;

    #[test]
    fn an_invitation_is_found_by_its_code_until_it_is_taken_up_or_over() {
        let folder = tempfile::tempdir().expect("folder");
        let all = Invitations::at(folder.path().join("invitations"));
        let (now, title) = (Timestamp(1_700_000_000), Text::new("检查员").expect("a title"));
        let actor = ActorId(Id([7; 16]));
        let invite = || {
            let roles = vec![Role::Inspector];
            all.invite(actor, Some("wang".to_owned()), title.clone(), roles, None, now).expect("invited")
        };
        let (code, other) = (invite(), invite());
        assert_eq!(all.find("x", now), None);
        let found = all.find(&format!(" {code} "), now).expect("found");
        let stands = fs::read_dir(folder.path().join("invitations")).expect("files");
        assert!(
            stands.filter_map(Result::ok).all(|entry| !entry.file_name().to_string_lossy().contains(&code))
        );
        let key = "a.example/actor/x+8c5c6ca3+AYa9tBSzTfdBwEpKwdqiLvd5fpnPVyJOoT2e6eYQ0Sqv".parse().ok();
        all.take_up(&code, &Invitation { key, ..found }).expect("taken up");
        let late = now.plus_seconds(GOOD_SECONDS + 1);
        assert_eq!(all.find(&other, late), None);
        assert!(all.all(late).len() <= 1, "one that is over stays");
    }
}
