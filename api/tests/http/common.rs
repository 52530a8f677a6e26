//! A real ledger in a temporary folder behind a real server on a free port, spoken to over HTTP.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_api::keystore::Keystore;
use adit_api::limits::Limits;
use adit_api::{App, Options};
use adit_core::actor::{ActorCommand, Enrol, RoleOfKey};
use adit_core::command::{Command, Request};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::blobs::Blobs;
use adit_core::ledger::clock::SetClock;
use adit_core::ledger::disk::FaultyDisk;
use adit_core::ledger::embedded::Embedded;
use adit_core::ledger::home::Home;
use adit_core::ledger::keyring::actor_key_name;
use adit_core::ledger::lock::LockKeeper;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::note::assemble;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::Office;
use adit_core::opening::{LedgerCommand, Open};
use adit_core::role::Role;
use adit_core::secret::officer_identity;
use adit_core::text::Text;
use serde_json::{Value, json};

pub(crate) const ORIGIN: &str = "test.example/ledger";
pub(crate) const PASSWORD: &str = "a password for tests";

/// Somebody with an unlocked key.
pub(crate) struct Person {
    pub(crate) actor: ActorId,
    pub(crate) key: SigningKey,
}

impl Person {
    fn new() -> Self {
        let actor = ActorId(Id::random().unwrap());
        Self { actor, key: SigningKey::generate(&actor_key_name(ORIGIN, actor)).unwrap() }
    }
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.text);
        let problem = self.json();
        for lang in ["zh", "en"] {
            let says = problem[lang]["says"].as_str().unwrap_or_default();
            assert!(!says.is_empty() && says != code, "no words in {lang} for {code}");
        }
        assert_eq!(self.headers["content-type"], "application/problem+json");
    }
}

pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) people: BTreeMap<String, Person>,
    pub(crate) enterprises: Vec<StreamId>,
    pub(crate) url: String,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    /// What keeps the lock, on a disk that can be told to fail.
    lock: Option<Arc<LockKeeper>>,
}

/// The limits that ship, with other numbers for some of them.
pub(crate) fn limits(changed: &[(&str, u64)]) -> Limits {
    let mut file: toml::Table = toml::from_str(include_str!("../../data/limits.toml")).unwrap();
    for (name, value) in changed {
        file[*name]["value"] = toml::Value::Integer(i64::try_from(*value).unwrap());
    }
    Limits::read(&toml::to_string(&file).unwrap()).unwrap()
}

pub(crate) fn id() -> String {
    Id::random().unwrap().to_string()
}

fn request(stream: Option<StreamId>, command: Command) -> Request {
    Request { id: CommandId(Id::random().unwrap()), stream, command }
}

impl Server {
    /// Two administrators, two of each officer, two enterprises with an account each.
    pub(crate) fn start() -> Self {
        Self::start_with(Options::default())
    }

    pub(crate) fn start_with(options: Options) -> Self {
        // A machine that runs tests may have less room than a server should, and has many secrets to look up.
        let small = [("room_for_files_mib", 2), ("room_for_words_mib", 1), ("answer_grid_milliseconds", 5)];
        let limits = options.limits.or_else(|| Some(limits(&small)));
        let options = Options { limits, ..options };
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SetClock::at("2024-05-10T02:00:00Z".parse().unwrap()));
        let home = Home::beside(&folder.path().join("data"));
        let ledger = Ledger::create(&home, ORIGIN, Arc::clone(&clock) as _).unwrap();
        Self::over(ledger, clock, folder, options)
    }

    /// The same on a disk that can be told to fail.
    pub(crate) fn start_on(disk: &FaultyDisk) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SetClock::at("2024-05-10T02:00:00Z".parse().unwrap()));
        let home = Home::beside(&folder.path().join("data"));
        std::fs::create_dir_all(&home.data).unwrap();
        let log = SigningKey::generate(ORIGIN).unwrap();
        let store = Embedded::open_on(Arc::new(disk.clone()), &home, &[log.vkey()], &[7; 32]).unwrap();
        let lock = Some(Arc::clone(store.lock()));
        let blobs = Blobs::open(Arc::new(disk.clone()), &home.data).unwrap();
        let ledger =
            Ledger::over_with_blobs(Arc::new(store), Arc::clone(&clock) as _, log, blobs, &[7; 32]).unwrap();
        Self { lock, ..Self::over(ledger, clock, folder, Options::default()) }
    }

    fn over(ledger: Ledger, clock: Arc<SetClock>, folder: tempfile::TempDir, options: Options) -> Self {
        let home = Home::beside(&folder.path().join("data"));
        let office = Office::open(ledger).unwrap();
        let admins = [Person::new(), Person::new()];
        let open = Open {
            log: office.ledger().log_key().vkey(),
            admins: admins.iter().map(|admin| admin.key.vkey()).collect(),
            succeeds: None,
            place: None,
        };
        office.execute(&request(None, Command::Ledger(LedgerCommand::Open(open))), &[]).unwrap();
        office.ledger().publish_now();
        let mut cast = Cast { office, admins, people: BTreeMap::new() };
        for role in Role::ALL.into_iter().filter(|role| ![Role::Admin, Role::Enterprise].contains(role)) {
            cast.enrol(&format!("{role}-1"), role, None);
            cast.enrol(&format!("{role}-2"), role, None);
        }
        let enterprises: Vec<StreamId> = ["示例一矿", "示例二矿"].map(|name| cast.register(name)).into();
        cast.enrol("enterprise-1", Role::Enterprise, Some(enterprises[0]));
        cast.enrol("enterprise-2", Role::Enterprise, Some(enterprises[1]));
        let Cast { office, admins: [one, two], mut people } = cast;
        people.insert("admin-1".to_owned(), one);
        people.insert("admin-2".to_owned(), two);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        // No address of digits alone can have passkeys.
        let site = format!("http://localhost:{}", address.port());
        let options = Options { site: options.site.or_else(|| site.parse().ok()), ..options };
        let app = App::with(office, Keystore::at(&home.actors()), options).unwrap();
        runtime.spawn(adit_api::serve(listener, Arc::clone(&app), std::future::pending()));
        Self { app, clock, people, enterprises, url, folder, runtime, lock: None }
    }

    pub(crate) fn runtime(&self) -> &tokio::runtime::Runtime {
        &self.runtime
    }

    /// Data, keys and lock.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops it; gives back data, keys and lock.
    pub(crate) fn stopped(self) -> tempfile::TempDir {
        let Self { app, folder, runtime, .. } = self;
        drop(runtime);
        drop(app);
        folder
    }

    pub(crate) fn size(&self) -> u64 {
        self.app.office.ledger().size()
    }

    /// The step of the disk that the next request takes: what the lock still had to write is written then.
    pub(crate) fn next_step(&self, disk: &FaultyDisk) -> u64 {
        if let Some(lock) = &self.lock {
            lock.settle();
        }
        disk.steps() + 1
    }

    pub(crate) fn person(&self, who: &str) -> &Person {
        &self.people[who]
    }

    pub(crate) fn actor(&self, who: &str) -> String {
        self.person(who).actor.to_string()
    }

    /// Any request. Headers as they are given.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Reply {
        send_to(&self.url, method, path, headers, body)
    }

    /// Any request, whose answer is taken as it is: where it leads is not followed.
    pub(crate) fn send_once(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Reply {
        send_by(&agent(0), &self.url, method, path, headers, body)
    }

    pub(crate) fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Reply {
        let bearer = format!("Bearer {}", token.unwrap_or_default());
        let mut headers = vec![("content-type", "application/json")];
        if token.is_some() {
            headers.push(("authorization", bearer.as_str()));
        }
        self.send("POST", path, &headers, Some(body.to_string().as_bytes()))
    }

    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> Reply {
        match token {
            Some(token) => self.send("GET", path, &[("authorization", &format!("Bearer {token}"))], None),
            None => self.send("GET", path, &[], None),
        }
    }

    /// Puts the key under the test's password, and signs in with it.
    pub(crate) fn sign_in(&self, who: &str) -> String {
        let person = self.person(who);
        self.app.keystore.store(person.actor, &person.key, PASSWORD).unwrap();
        let reply =
            self.post("/api/v1/sign-in", None, &json!({ "actor": person.actor, "password": PASSWORD }));
        reply.expect(200)["token"].as_str().unwrap().to_owned()
    }

    /// Signs in by a key that the client keeps: no password, and quick.
    pub(crate) fn sign_in_by_key(&self, who: &str) -> String {
        self.sign_in_with(&self.person(who).key)
    }

    pub(crate) fn sign_in_with(&self, key: &SigningKey) -> String {
        let challenge = self.post("/api/v1/challenge", None, &json!({})).expect(200);
        let note = signed(challenge["challenge"].as_str().unwrap(), key);
        let reply = self.post("/api/v1/sign-in/key", None, &json!({ "note": note }));
        reply.expect(200)["token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn command(&self, token: &str, stream: Option<&str>, kind: &str, data: &Value) -> Reply {
        let body = json!({ "id": id(), "stream": stream, "type": kind, "data": data });
        self.post("/api/v1/commands", Some(token), &body)
    }

    /// Carries out a command by keys at hand, beside the API.
    pub(crate) fn execute(&self, stream: Option<&str>, kind: &str, data: &Value, who: &[&str]) -> String {
        let data: Box<serde_json::value::RawValue> = serde_json::from_str(&data.to_string()).unwrap();
        let command = Command::parse(kind, &data).unwrap();
        let keys: Vec<&SigningKey> = who.iter().map(|who| &self.person(who).key).collect();
        let stream = stream.map(|stream| stream.parse().unwrap());
        self.app.office.execute(&request(stream, command), &keys).unwrap().stream.to_string()
    }

    /// Enrols an officer to whom can be sealed; gives back the key.
    pub(crate) fn with_recipient(&self, age: &str) -> String {
        let person = Person::new();
        let enrol = json!({ "key": person.key.vkey(), "title": "收件", "recipient": age });
        let stream = StreamId::new(StreamKind::Actor, person.actor.0).to_string();
        self.execute(Some(&stream), "actor.enrol", &enrol, &["admin-1", "admin-2"]);
        person.key.vkey().to_string()
    }

    /// Enrols a clerk to whom reports are sealed.
    pub(crate) fn enrol_intake(&mut self, name: &str) {
        self.enrol_reader(name, "clerk");
    }

    /// Enrols an officer to whom can be sealed.
    pub(crate) fn enrol_reader(&mut self, name: &str, role: &str) {
        let person = Person::new();
        let (key, stream) = (person.key.vkey(), StreamId::new(StreamKind::Actor, person.actor.0).to_string());
        let age = officer_identity(&person.key, ORIGIN).recipient();
        let enrol = json!({ "key": key, "title": name, "recipient": age });
        let admins = ["admin-1", "admin-2"];
        self.execute(Some(&stream), "actor.enrol", &enrol, &admins);
        self.execute(Some(&stream), "actor.grant", &json!({ "role": role, "key": key }), &admins);
        self.people.insert(name.to_owned(), person);
    }

    /// A hazard that the first enterprise, or the second, reported itself.
    pub(crate) fn hazard(&self, enterprise: usize) -> String {
        let who = format!("enterprise-{}", enterprise + 1);
        self.execute(None, "hazard.report", &self_report(&self.enterprises[enterprise]), &[&who])
    }

    /// An anonymous report with the reporter's key.
    pub(crate) fn report(&self) -> (String, SigningKey) {
        let stream = StreamId::new(StreamKind::Report, Id::random().unwrap());
        let key = SigningKey::generate(&format!("{ORIGIN}/{stream}")).unwrap();
        let prepared = self.post("/api/v1/prepare", None, &prepare_report(&stream, &key)).expect(200);
        let body = json!({ "pending": prepared["pending"], "notes": notes(&prepared, &[&key]) });
        self.post("/api/v1/append", None, &body).expect(200);
        (stream.to_string(), key)
    }
}

/// Any request to any server.
pub(crate) fn send_to(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> Reply {
    send_by(&agent(10), url, method, path, headers, body)
}

fn agent(redirects: u32) -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(redirects);
    config.max_redirects_will_error(false).build().into()
}

fn send_by(
    agent: &ureq::Agent,
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> Reply {
    let mut builder = ureq::http::Request::builder().method(method).uri(format!("{url}{path}"));
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let mut response = match body {
        Some(body) => agent.run(builder.body(body.to_vec()).unwrap()),
        None => agent.run(builder.body(()).unwrap()),
    }
    .unwrap();
    let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let bytes = response.body_mut().read_to_vec().unwrap();
    Reply {
        status: response.status().as_u16(),
        headers: response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        text: String::from_utf8_lossy(&bytes).into_owned(),
        bytes,
    }
}

pub(crate) fn get(url: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    send_to(url, "GET", path, headers, None)
}

/// The head, in lower case, and the very bytes of an answer's body.
pub(crate) fn raw(url: &str, path: &str, header: &str) -> (String, Vec<u8>) {
    let address = url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{header}\r\n\r\n")
        .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8_lossy(&bytes[..end]).to_lowercase(), bytes[end + 4..].to_vec())
}

pub(crate) fn self_report(enterprise: &StreamId) -> Value {
    json!({ "enterprise": enterprise, "origin": "self_inspection", "place": "主井口",
        "description": "通风机停转", "found_on": "2024-05-09" })
}

pub(crate) fn prepare_report(stream: &StreamId, key: &SigningKey) -> Value {
    json!({ "id": id(), "stream": stream, "type": "report.report", "signers": [key.vkey()],
        "data": { "matter": "major_hazard", "channel": "telephone", "key": key.vkey(), "insider": false } })
}

/// `text` as a note signed by `key`.
pub(crate) fn signed(text: &str, key: &SigningKey) -> String {
    String::from_utf8(assemble(text, &[key.sign_text(text)])).unwrap()
}

/// The notes that answer a `prepare`.
pub(crate) fn notes(prepared: &Value, keys: &[&SigningKey]) -> Vec<String> {
    let texts = prepared["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
    let note = |text: &str| {
        let lines: Vec<_> = keys.iter().map(|key| key.sign_text(text)).collect();
        String::from_utf8(assemble(text, &lines)).unwrap()
    };
    texts.map(note).collect()
}

struct Cast {
    office: Office,
    admins: [Person; 2],
    people: BTreeMap<String, Person>,
}

impl Cast {
    fn enrol(&mut self, name: &str, role: Role, acts_for: Option<StreamId>) {
        let person = Person::new();
        let stream = StreamId::new(StreamKind::Actor, person.actor.0);
        let key = person.key.vkey();
        // Intake officers can read what is sealed to them.
        let recipient = (role == Role::Clerk).then(|| officer_identity(&person.key, ORIGIN).recipient());
        let enrol = Enrol { key: key.clone(), title: Text::new(name).unwrap(), acts_for, recipient };
        let admins = [&self.admins[0].key, &self.admins[1].key];
        for command in [ActorCommand::Enrol(enrol), ActorCommand::Grant(RoleOfKey { role, key })] {
            self.office.execute(&request(Some(stream), Command::Actor(command)), &admins).unwrap();
        }
        self.people.insert(name.to_owned(), person);
    }

    fn register(&self, name: &str) -> StreamId {
        let data =
            json!({ "name": name, "sector": "mine", "town": "示例镇", "licence": "full", "producing": true });
        let data: Box<serde_json::value::RawValue> = serde_json::from_str(&data.to_string()).unwrap();
        let command = Command::parse("enterprise.register", &data).unwrap();
        let clerk = &self.people["clerk-1"].key;
        self.office.execute(&request(None, command), &[clerk]).unwrap().stream
    }
}

/// Every file below a folder, and what it holds. A running server renames files once they are whole: whenever one is gone
/// before it was read, everything is looked at again, so that none is missed.
fn files_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    loop {
        match read_below(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound && folder.is_dir() => {}
            files => return files.unwrap(),
        }
    }
}

fn read_below(folder: &Path) -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(read_below(&path)?);
        } else {
            let bytes = std::fs::read(&path)?;
            files.push((path, bytes));
        }
    }
    Ok(files)
}

/// The first of these texts that stands readable in a file below the folder, and where.
pub(crate) fn stands_readable(folder: &Path, needles: &[&str]) -> Option<String> {
    let files = files_below(folder);
    assert!(files.len() > 5, "{} files are no ledger", files.len());
    files.iter().find_map(|(path, bytes)| {
        let needle = needles
            .iter()
            .find(|needle| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))?;
        Some(format!("{needle} in {}", path.display()))
    })
}
