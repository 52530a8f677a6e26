//! Whom to trust, after C2SP tlog-policy: logs, witnesses, groups of them, and the quorum that a checkpoint needs.
//!
//! A policy is a file of lines, read as bytes: names may be in any script and are compared byte by byte. It is refused whole
//! at its first fault, which is named with its line.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::decider::{Rejection, refusals};
use crate::ledger::checkpoint::{Checkpoint, CheckpointError};
use crate::ledger::cosignature::{Cosignature, cosignatures};
use crate::ledger::vkey::{COSIGNATURE, ED25519, VKey, hex};
use crate::refusal::Refusal;
use crate::units::Timestamp;

/// Most bytes of a policy file.
pub const POLICY_BYTES_MAX: usize = 1 << 20;
/// Most logs, witnesses and groups together; the specification asks for 32 of each.
const NAMES_MAX: usize = 4096;
/// Type and length of an ML-DSA-44 cosigner's key: it may stand in a policy, but is not checked here.
const ML_DSA_44: (u8, usize) = (0x06, 1312);

refusals! {
    /// Why a file is not a policy.
    PolicyFault {
        TooLarge = "policy.too_large",
        /// A control character other than tab and newline, or no newline at the end.
        BadCharacter = "policy.bad_character",
        UnknownLine = "policy.unknown_line",
        WrongParts = "policy.wrong_parts",
        BadKey = "policy.bad_key",
        DuplicateKey = "policy.duplicate_key",
        DuplicateName = "policy.duplicate_name",
        ReservedName = "policy.reserved_name",
        UnknownName = "policy.unknown_name",
        BadThreshold = "policy.bad_threshold",
        MemberTwice = "policy.member_twice",
        SecondQuorum = "policy.second_quorum",
        NoQuorum = "policy.no_quorum",
    }
}

/// The first fault of a file, and the line in which it stands, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}", .fault.code())]
pub struct PolicyError {
    pub line: usize,
    pub fault: PolicyFault,
}

impl PolicyError {
    /// With its words in both languages.
    pub fn refusal(&self) -> Refusal {
        Refusal::from(self.fault.clone()).with("line", &self.line.to_string())
    }
}

/// A log that the policy accepts; the key's name is the log's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLog {
    pub vkey: VKey,
    pub url: Option<String>,
}

/// A witness of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownWitness {
    /// Its name within the policy.
    pub name: String,
    /// `None` for an ML-DSA-44 key: its cosignatures are not checked here, so it never counts as having cosigned.
    pub vkey: Option<VKey>,
    /// The submission prefix (C2SP tlog-witness).
    pub url: Option<String>,
}

/// A witness or a group, by its place in the policy. Groups name only what stands before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Witness(usize),
    Group(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    needed: usize,
    members: Vec<Member>,
}

/// A policy that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    groups: Vec<Group>,
    quorum: Quorum,
    /// The file, byte for byte: evidence takes it along.
    file: Vec<u8>,
}

/// Who has to have cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quorum {
    Nobody,
    Of(Member),
}

/// How a checkpoint stands under a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub checkpoint: Checkpoint,
    /// The logs' keys that signed it.
    pub logs: Vec<VKey>,
    /// Witnesses of the policy that cosigned it, in the policy's order.
    pub cosigned: Vec<Cosigned>,
    /// Every group in the policy's order, and a quorum that is a single witness.
    pub counts: Vec<Count>,
    pub met: bool,
}

/// A witness of the policy that cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    pub name: String,
    pub witness: VKey,
    pub at: Timestamp,
}

/// How many members of a group cosigned, and how many it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub name: String,
    pub needed: usize,
    pub cosigned: usize,
    pub members: usize,
    /// The group that decides.
    pub is_quorum: bool,
}

impl Policy {
    /// Reads a policy file. `quorum` must stand in it exactly once.
    pub fn parse(file: &[u8]) -> Result<Self, PolicyError> {
        let last = file.split(|byte| *byte == b'\n').count();
        let mut reader = Reader::default();
        reader.read(file)?;
        let Some(quorum) = reader.quorum else {
            return Err(PolicyError { line: last, fault: PolicyFault::NoQuorum });
        };
        let Reader { logs, witnesses, groups, .. } = reader;
        Ok(Self { logs, witnesses, groups, quorum, file: file.to_vec() })
    }

    /// Reads a file of `log` lines as a policy has them; other lines are read as strictly, but need not be there.
    pub fn parse_logs(file: &[u8]) -> Result<Vec<KnownLog>, PolicyError> {
        let mut reader = Reader::default();
        reader.read(file)?;
        Ok(reader.logs)
    }

    /// The file that was read.
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    pub fn logs(&self) -> &[KnownLog] {
        &self.logs
    }

    pub fn witnesses(&self) -> &[KnownWitness] {
        &self.witnesses
    }

    /// How a checkpoint stands: signed by a log of the policy or by one of `also`, known from elsewhere, and cosigned by whom.
    /// A checkpoint that no known log signed is an error; one without its quorum is not, and says what it lacks.
    pub fn standing(&self, checkpoint: &[u8], also: &[VKey]) -> Result<Standing, CheckpointError> {
        let (checkpoint, note) = Checkpoint::parse(checkpoint)?;
        let of_origin: Vec<VKey> = self
            .logs
            .iter()
            .map(|log| &log.vkey)
            .chain(also)
            .filter(|key| key.name() == checkpoint.origin)
            .cloned()
            .collect();
        if of_origin.is_empty() {
            return Err(CheckpointError::WrongOrigin);
        }
        let logs = note.verify(&of_origin)?;
        let known: Vec<VKey> = self.witnesses.iter().filter_map(|witness| witness.vkey.clone()).collect();
        let signed = cosignatures(&note, &known)?;
        let by = |witness: &KnownWitness| -> Option<&Cosignature> {
            signed.iter().find(|cosignature| Some(&cosignature.witness) == witness.vkey.as_ref())
        };
        let at: Vec<Option<Timestamp>> =
            self.witnesses.iter().map(|witness| by(witness).map(|c| c.at)).collect();
        let cosigned = self.witnesses.iter().zip(&at).filter_map(|(witness, at)| {
            Some(Cosigned { name: witness.name.clone(), witness: witness.vkey.clone()?, at: (*at)? })
        });
        let (counts, met) = self.count(&at);
        Ok(Standing { checkpoint, logs, cosigned: cosigned.collect(), counts, met })
    }

    fn count(&self, at: &[Option<Timestamp>]) -> (Vec<Count>, bool) {
        let mut witnessed: Vec<bool> = Vec::with_capacity(self.groups.len());
        let mut counts = Vec::new();
        let has = |witnessed: &[bool], member: &Member| match member {
            Member::Witness(index) => at.get(*index).is_some_and(Option::is_some),
            Member::Group(index) => witnessed.get(*index).copied().unwrap_or(false),
        };
        for (index, group) in self.groups.iter().enumerate() {
            let cosigned = group.members.iter().filter(|member| has(&witnessed, member)).count();
            witnessed.push(cosigned >= group.needed);
            counts.push(Count {
                name: group.name.clone(),
                needed: group.needed,
                cosigned,
                members: group.members.len(),
                is_quorum: self.quorum == Quorum::Of(Member::Group(index)),
            });
        }
        let met = match self.quorum {
            Quorum::Nobody => true,
            Quorum::Of(member) => has(&witnessed, &member),
        };
        if let Quorum::Of(Member::Witness(index)) = self.quorum {
            let name = self.witnesses.get(index).map(|witness| witness.name.clone()).unwrap_or_default();
            counts.push(Count { name, needed: 1, cosigned: usize::from(met), members: 1, is_quorum: true });
        }
        (counts, met)
    }
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    groups: Vec<Group>,
    quorum: Option<Quorum>,
    names: BTreeMap<Vec<u8>, Member>,
    /// Members of groups: each name is a member at most once, so that nobody counts twice.
    members: Vec<Member>,
    /// Public keys of witnesses, hashed; two names for one key would count twice.
    witness_keys: Vec<[u8; 32]>,
}

impl Reader {
    fn read(&mut self, file: &[u8]) -> Result<(), PolicyError> {
        if file.len() > POLICY_BYTES_MAX {
            return Err(PolicyError { line: 1, fault: PolicyFault::TooLarge });
        }
        let mut lines: Vec<&[u8]> = file.split(|byte| *byte == b'\n').collect();
        // After the last newline nothing may stand: a cut file is not read as a shorter one.
        let rest = lines.pop().unwrap_or_default();
        if !rest.is_empty() {
            return Err(PolicyError { line: lines.len() + 1, fault: PolicyFault::BadCharacter });
        }
        for (index, line) in lines.into_iter().enumerate() {
            self.line(line).map_err(|fault| PolicyError { line: index + 1, fault })?;
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), PolicyFault> {
        if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(PolicyFault::BadCharacter);
        }
        let mut items = line.split(|byte| *byte == b' ' || *byte == b'\t').filter(|item| !item.is_empty());
        let Some(first) = items.next() else { return Ok(()) };
        if first.starts_with(b"#") {
            return Ok(());
        }
        let items: Vec<&[u8]> = items.collect();
        if self.logs.len() + self.names.len() >= NAMES_MAX {
            return Err(PolicyFault::TooLarge);
        }
        match first {
            b"log" => self.log(&items),
            b"witness" => self.witness(&items),
            b"group" => self.group(&items),
            b"quorum" => self.set_quorum(&items),
            _ => Err(PolicyFault::UnknownLine),
        }
    }

    fn log(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let (vkey, url) = match items {
            [vkey] => (vkey, None),
            [vkey, url] => (vkey, Some(text(url))),
            _ => return Err(PolicyFault::WrongParts),
        };
        let vkey = vkey_of(vkey, ED25519)?;
        if self.logs.iter().any(|log| log.vkey.key() == vkey.key()) {
            return Err(PolicyFault::DuplicateKey);
        }
        self.logs.push(KnownLog { vkey, url });
        Ok(())
    }

    fn witness(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let (name, vkey, url) = match items {
            [name, vkey] => (name, vkey, None),
            [name, vkey, url] => (name, vkey, Some(text(url))),
            _ => return Err(PolicyFault::WrongParts),
        };
        let (vkey, key) = if let Some(key) = ml_dsa_44(vkey) {
            (None, key)
        } else {
            let vkey = vkey_of(vkey, COSIGNATURE)?;
            let key = Sha256::digest(vkey.key()).into();
            (Some(vkey), key)
        };
        if self.witness_keys.contains(&key) {
            return Err(PolicyFault::DuplicateKey);
        }
        self.define(name, Member::Witness(self.witnesses.len()))?;
        self.witness_keys.push(key);
        self.witnesses.push(KnownWitness { name: text(name), vkey, url });
        Ok(())
    }

    fn group(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let [name, threshold, names @ ..] = items else { return Err(PolicyFault::WrongParts) };
        if names.is_empty() {
            return Err(PolicyFault::WrongParts);
        }
        let needed = match *threshold {
            b"any" => 1,
            b"all" => names.len(),
            number => decimal(number).ok_or(PolicyFault::BadThreshold)?,
        };
        if needed == 0 || needed > names.len() {
            return Err(PolicyFault::BadThreshold);
        }
        let mut members = Vec::with_capacity(names.len());
        for member in names {
            let member = *self.names.get(*member).ok_or(PolicyFault::UnknownName)?;
            if self.members.contains(&member) {
                return Err(PolicyFault::MemberTwice);
            }
            self.members.push(member);
            members.push(member);
        }
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { name: text(name), needed, members });
        Ok(())
    }

    fn set_quorum(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let [name] = items else { return Err(PolicyFault::WrongParts) };
        if self.quorum.is_some() {
            return Err(PolicyFault::SecondQuorum);
        }
        let quorum = match *name {
            b"none" => Quorum::Nobody,
            name => Quorum::Of(*self.names.get(name).ok_or(PolicyFault::UnknownName)?),
        };
        self.quorum = Some(quorum);
        Ok(())
    }

    fn define(&mut self, name: &[u8], member: Member) -> Result<(), PolicyFault> {
        if name == b"none" {
            return Err(PolicyFault::ReservedName);
        }
        if self.names.contains_key(name) {
            return Err(PolicyFault::DuplicateName);
        }
        self.names.insert(name.to_owned(), member);
        Ok(())
    }
}

/// Names and addresses as text to show; what is compared are the bytes.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn vkey_of(bytes: &[u8], kind: u8) -> Result<VKey, PolicyFault> {
    let vkey: VKey =
        std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).ok_or(PolicyFault::BadKey)?;
    if vkey.kind() == kind { Ok(vkey) } else { Err(PolicyFault::BadKey) }
}

/// SHA-256 of the public key of a well-formed ML-DSA-44 vkey.
fn ml_dsa_44(bytes: &[u8]) -> Option<[u8; 32]> {
    let mut parts = std::str::from_utf8(bytes).ok()?.splitn(3, '+');
    let (name, id, typed) = (parts.next()?, parts.next()?, STANDARD.decode(parts.next()?).ok()?);
    let (kind, key) = typed.split_first()?;
    if (*kind, key.len()) != ML_DSA_44 || !crate::ledger::vkey::is_name(name) {
        return None;
    }
    let digest = Sha256::digest([name.as_bytes(), b"\n", &typed].concat());
    (hex(&digest[..4]) == id).then(|| Sha256::digest(key).into())
}

/// A number in ASCII decimal without leading zeroes.
fn decimal(bytes: &[u8]) -> Option<usize> {
    let number = crate::ledger::entry::decimal(std::str::from_utf8(bytes).ok()?)?;
    usize::try_from(number).ok()
}
