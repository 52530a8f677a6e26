//! Who acts in the demonstration: officers of a bureau, enterprise accounts, reporters. All are made up for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adit_api::keystore::Keystore;
use adit_core::access::{AccessCommand, Open};
use adit_core::actor::{ActorCommand, Enrol, RoleOfKey};
use adit_core::command::{Command, Request};
use adit_core::event::Event;
use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::clock::SetClock;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::{Answer, Office};
use adit_core::report::{self, Blob, Copied, ReportCommand, Share, TESTIMONY_V, Testimony};
use adit_core::reward::RewardEvent;
use adit_core::role::Role;
use adit_core::rulebook::{Adopt, RulesCommand};
use adit_core::rules::PACKS;
use adit_core::seal::{self, Kind};
use adit_core::secret::officer_identity;
use adit_core::text::Text;
use adit_core::units::{Day, Fen};
use anyhow::{Context, Result};

use crate::init::Person;

/// Officers and what they are granted. Two of each where two must sign.
const OFFICERS: [(&str, Role); 9] = [
    ("clerk", Role::Clerk),
    ("inspector-1", Role::Inspector),
    ("inspector-2", Role::Inspector),
    ("handler", Role::Handler),
    ("approver", Role::Approver),
    ("finance", Role::Finance),
    ("investigator", Role::Investigator),
    ("auditor", Role::Auditor),
    ("leader", Role::Leader),
];

/// Somebody who can sign in to the demonstration.
pub(crate) struct Account {
    pub(crate) who: String,
    /// The name to sign in with.
    pub(crate) signs_in_as: String,
    pub(crate) actor: String,
}

/// Text of the demonstration as the domain's text.
pub(crate) fn text<const MAX: usize>(text: &str) -> Result<Text<MAX>> {
    Text::new(text).with_context(|| format!("{text:?} is not a text"))
}

pub(crate) struct Cast {
    pub(crate) office: Office,
    clock: Arc<SetClock>,
    admins: [Person; 2],
    people: BTreeMap<String, Person>,
    /// Streams that the plays name, such as `C02/report`.
    streams: BTreeMap<String, StreamId>,
    /// Keys that the plays name.
    keys: BTreeMap<String, SigningKey>,
}

impl Cast {
    pub(crate) fn enrol(office: Office, clock: Arc<SetClock>, admins: [Person; 2]) -> Result<Self> {
        let (people, streams, keys) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut cast = Self { office, clock, admins, people, streams, keys };
        for (name, role) in OFFICERS {
            cast.enrol_one(name, role, None)?;
        }
        for pack in &PACKS {
            let adopt = Adopt {
                pack: pack.id.to_owned(),
                hash: pack.hash(),
                from: cast.today(),
                decision: text("演示采用 / adopted for the demonstration")?,
            };
            let stream = cast.streams.get("rules").copied();
            let answer = cast.act_on(stream, Command::Rules(RulesCommand::Adopt(adopt)), &["approver"])?;
            cast.streams.insert("rules".to_owned(), answer.stream);
        }
        Ok(cast)
    }

    /// Enrols somebody and grants one role; an enterprise account acts for its enterprise.
    pub(crate) fn enrol_one(&mut self, name: &str, role: Role, acts_for: Option<StreamId>) -> Result<()> {
        let person = self.enrol_apart(name, role, acts_for)?;
        self.people.insert(name.to_owned(), person);
        Ok(())
    }

    /// The same for somebody whom whoever calls keeps.
    pub(crate) fn enrol_apart(&self, name: &str, role: Role, acts_for: Option<StreamId>) -> Result<Person> {
        let person = Person::new(self.office.ledger().origin())?;
        let stream = StreamId::new(StreamKind::Actor, person.actor.0);
        let key = person.key.vkey();
        // Testimony is sealed to officers, never to an enterprise.
        let reads = acts_for.is_none().then(|| officer_identity(&person.key, self.office.ledger().origin()));
        let recipient = reads.map(|identity| identity.recipient());
        let enrol = Enrol { key: key.clone(), title: text(name)?, acts_for, recipient };
        let admins: Vec<&SigningKey> = self.admins.iter().map(|admin| &admin.key).collect();
        let steps = [ActorCommand::Enrol(enrol), ActorCommand::Grant(RoleOfKey { role, key })];
        for command in steps {
            let request = Request {
                id: CommandId(Id::random()?),
                stream: Some(stream),
                command: Command::Actor(command),
            };
            self.office.execute(&request, &admins)?;
        }
        Ok(person)
    }

    /// Seals a reporter's words to the intake officers, as the page does.
    pub(crate) fn seal(&self, words: &str) -> Result<Blob> {
        let ledger = self.office.ledger();
        let recipients = report::intake(&ledger.keys(), ledger.size(), &BTreeSet::new());
        let language = "zh".to_owned();
        let told = Testimony { v: TESTIMONY_V, language, words: words.to_owned(), ..Testimony::default() };
        let text = serde_json::to_vec(&told)?;
        let sealed = seal::seal(&text, recipients.iter().map(String::as_str), Kind::Text)?;
        let hash = ledger.blobs().context("the play has no folder for sealed files")?.put(&sealed)?;
        Blob::new(&hash, sealed.len() as u64, &recipients).context("the sealed words have no hash")
    }

    /// Shares what the clerk reads of a report with these officers, as the page does: the opening is recorded first.
    pub(crate) fn share(&self, report: StreamId, with: &[&str]) -> Result<()> {
        let ledger = self.office.ledger();
        let named = |name: &str| self.people.get(name).with_context(|| format!("nobody is called {name}"));
        let identity = officer_identity(&named("clerk")?.key, ledger.origin());
        let (mut actors, mut ages) = (Vec::new(), Vec::new());
        for name in with {
            let actor = named(name)?.actor;
            ages.push(
                report::reader(&ledger.keys(), ledger.size(), actor)
                    .context("somebody has no reading key")?,
            );
            actors.push(actor);
        }
        let facts = ledger.stream(&report)?;
        let files = report::sealed_in(&facts);
        let own = identity.recipient();
        let mine: Vec<_> = files.iter().filter_map(|one| Some((one, one.sealed_to(&own)?))).collect();
        let open = Open { report, blobs: mine.iter().map(|(_, blob)| blob.blob.clone()).collect() };
        self.act_on(None, Command::Access(AccessCommand::Open(open)), &["clerk"])?;
        let blobs = ledger.blobs().context("the play has no folder for sealed files")?;
        let mut copies = Vec::new();
        for (one, blob) in mine {
            let content = seal::open(&blobs.read(blob.blob.as_str())?, &identity)?;
            let sealed = seal::seal(&content, ages.iter().map(String::as_str), one.holds.kind())?;
            let copy = Blob::new(&blobs.put(&sealed)?, sealed.len() as u64, &ages);
            copies.push(Copied { of: one.blob.blob.clone(), copy: copy.context("a copy has no hash")? });
        }
        let share = ReportCommand::Share(Share { with: actors, copies });
        self.act_on(Some(report), Command::Report(share), &["clerk"])?;
        Ok(())
    }

    /// Moves the clock to the morning of `day`, or one second on.
    pub(crate) fn at(&self, day: Day) {
        let now = self.office.ledger().now().plus_seconds(1);
        self.clock.set(now.max(day.start().plus_seconds(9 * 3600)));
    }

    pub(crate) fn today(&self) -> Day {
        self.office.ledger().now().day()
    }

    pub(crate) fn stream(&self, name: &str) -> Result<StreamId> {
        self.streams.get(name).copied().with_context(|| format!("the play has no stream {name}"))
    }

    pub(crate) fn name(&mut self, name: &str, stream: StreamId) {
        self.streams.insert(name.to_owned(), stream);
    }

    /// A key of the play, made when it is first asked for.
    pub(crate) fn key(&mut self, name: &str, key_name: &str) -> Result<SigningKey> {
        if let Some(key) = self.keys.get(name) {
            return Ok(key.clone());
        }
        let key = SigningKey::generate(key_name)?;
        self.keys.insert(name.to_owned(), key.clone());
        Ok(key)
    }

    pub(crate) fn act_on(&self, stream: Option<StreamId>, command: Command, who: &[&str]) -> Result<Answer> {
        let mut keys = Vec::new();
        for name in who {
            keys.push(&self.people.get(*name).with_context(|| format!("nobody is called {name}"))?.key);
        }
        self.sign(stream, command, &keys)
    }

    /// Carries out a command on a stream that the play names.
    pub(crate) fn act(&self, stream: &str, command: Command, who: &[&str]) -> Result<Answer> {
        self.act_on(Some(self.stream(stream)?), command, who)
    }

    pub(crate) fn sign(
        &self,
        stream: Option<StreamId>,
        command: Command,
        keys: &[&SigningKey],
    ) -> Result<Answer> {
        let said = command.to_json().unwrap_or_default();
        let request = Request { id: CommandId(Id::random()?), stream, command };
        self.office
            .execute(&request, keys)
            .with_context(|| format!("while playing {said} on {}", self.today()))
    }

    /// What a reward was assessed at.
    pub(crate) fn assessed(&self, reward: &StreamId) -> Result<Fen> {
        let facts = self.office.ledger().stream(reward)?;
        let amount = facts.iter().find_map(|fact| {
            if let Event::Reward(RewardEvent::Assessed(assessed)) = &fact.event {
                Some(assessed.amount_yuan)
            } else {
                None
            }
        });
        amount.context("it was assessed")
    }

    /// The ledger's own record, signed by the log.
    pub(crate) fn by_log(&self, stream: &str, command: Command) -> Result<Answer> {
        self.sign(Some(self.stream(stream)?), command, &[])
    }

    /// Puts every account's key under one password; gives back the accounts.
    pub(crate) fn lock_away(self, keystore: &Keystore, password: &str) -> Result<Vec<Account>> {
        let mut shown = self.lock_officers_away(keystore, password)?;
        let enterprises = self.people.iter().filter(|(name, _)| name.starts_with("示例"));
        for ((name, person), number) in enterprises.zip(1..) {
            shown.push(locked(keystore, name.clone(), format!("enterprise-{number}"), person, password)?);
        }
        Ok(shown)
    }

    /// The same with administrators and officers alone.
    pub(crate) fn lock_officers_away(&self, keystore: &Keystore, password: &str) -> Result<Vec<Account>> {
        let admins = self.admins.iter().zip(1..).map(|(admin, number)| (format!("admin-{number}"), admin));
        let is_officer = |name: &String| OFFICERS.iter().any(|(officer, _)| officer == name);
        let officers = self.people.iter().filter(|(name, _)| is_officer(name));
        let officers = officers.map(|(name, person)| (name.clone(), person));
        admins
            .chain(officers)
            .map(|(name, person)| locked(keystore, name.clone(), name, person, password))
            .collect()
    }
}

/// Puts a key under a password. An account's name is typed on any keyboard.
fn locked(
    keystore: &Keystore,
    who: String,
    account: String,
    person: &Person,
    password: &str,
) -> Result<Account> {
    keystore.enrol(person.actor, Some(&account), &person.key, password)?;
    Ok(Account { who, signs_in_as: account, actor: person.actor.to_string() })
}
