//! `adit init`

use std::fs;
use std::path::Path;
use std::sync::Arc;

use adit_api::keystore::Keystore;
use adit_core::actor::{ActorCommand, Enrol, RoleOfKey};
use adit_core::command::{Command, Request};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::clock::{Clock, SystemClock};
use adit_core::ledger::home::Home;
use adit_core::ledger::keyring::actor_key_name;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::vkey::{SigningKey, is_name};
use adit_core::office::Office;
use adit_core::opening::{LedgerCommand, Open};
use adit_core::role::Role;
use adit_core::rules::place::NATIONAL;
use adit_core::text::Text;
use anyhow::{Result, bail};
use serde_json::json;

use crate::failure::fail;

/// Make a new ledger: log key, data key, lock, two administrators with passwords that are shown once, and a key for imports.
///
/// Example: adit init --data /srv/adit --origin xiuyan.example/ledger --place 辽宁省鞍山市岫岩满族自治县
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: crate::DataDir,
    /// Name of the ledger, like a URL without scheme: xiuyan.example/ledger
    #[arg(long)]
    origin: String,
    /// Whose ledger it is, from the province down; decides which local rules hold
    #[arg(long, default_value = "national", value_name = "辽宁省鞍山市…")]
    place: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// An actor with an unlocked key.
pub(crate) struct Person {
    pub(crate) actor: ActorId,
    pub(crate) key: SigningKey,
}

impl Person {
    pub(crate) fn new(origin: &str) -> Result<Self> {
        let actor = ActorId(Id::random()?);
        Ok(Self { actor, key: SigningKey::generate(&actor_key_name(origin, actor))? })
    }
}

pub(crate) fn request(command: Command) -> Result<Request> {
    Ok(Request { id: CommandId(Id::random()?), stream: None, command })
}

/// Makes and opens a ledger with two administrators.
pub(crate) fn create(
    data: &Path,
    origin: &str,
    place: &str,
    clock: Arc<dyn Clock>,
) -> Result<(Office, [Person; 2])> {
    if !is_name(origin) {
        return Err(fail(
            "台账名称不能为空，不能含空白、加号或控制字符，且不超过255字节，例如 xiuyan.example/ledger",
            "an origin is not empty, has no blank, no plus sign and no control character, and at most 255 bytes: xiuyan.example/ledger",
        ));
    }
    let used = fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some());
    if used {
        bail!("{} is not empty; choose another folder / 目录非空，请另选目录", data.display());
    }
    let ledger = Ledger::create(&Home::beside(data), origin, clock)?;
    let admins = [Person::new(origin)?, Person::new(origin)?];
    let office = Office::open(ledger)?;
    let open = Open {
        log: office.ledger().log_key().vkey(),
        admins: admins.iter().map(|admin| admin.key.vkey()).collect(),
        succeeds: None,
        place: (place != NATIONAL).then(|| Text::new(place)).transpose()?,
    };
    office.execute(&request(Command::Ledger(LedgerCommand::Open(open)))?, &[])?;
    office.ledger().publish_now();
    Ok((office, admins))
}

/// Title of the actor whose key signs imports.
pub(crate) const IMPORT: &str = "台账导入 import of registers";

/// Enrols the actor that signs what `adit import` takes over: a clerk, whose key lies beside the log key. Its entries
/// are told apart from any officer's by their signer, and its key can be ended like any other.
pub(crate) fn enrol_importer(office: &Office, admins: &[Person; 2], home: &Home) -> Result<()> {
    let importer = Person::new(office.ledger().origin())?;
    // A crash after this leaves a key that may sign nothing.
    home.create_import_key(&importer.key)?;
    let key = importer.key.vkey();
    let enrol = Enrol { key: key.clone(), title: Text::new(IMPORT)?, acts_for: None, recipient: None };
    let grant = RoleOfKey { role: Role::Clerk, key };
    let keys: Vec<&SigningKey> = admins.iter().map(|admin| &admin.key).collect();
    for command in [ActorCommand::Enrol(enrol), ActorCommand::Grant(grant)] {
        let stream = Some(StreamId::new(StreamKind::Actor, importer.actor.0));
        let request = Request { stream, ..request(Command::Actor(command))? };
        office.execute(&request, &keys)?;
    }
    Ok(())
}

/// A password of 128 random bits.
pub(crate) fn password() -> Result<String> {
    Ok(Id::random()?.to_string())
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let data = &args.data.data;
    let (office, admins) = create(data, &args.origin, &args.place, Arc::new(SystemClock))?;
    let home = Home::beside(data);
    enrol_importer(&office, &admins, &home)?;
    let keystore = Keystore::at(&home.actors());
    let mut shown = Vec::new();
    for admin in &admins {
        let password = password()?;
        keystore.store(admin.actor, &admin.key, &password)?;
        shown.push(json!({ "actor": admin.actor, "password": password }));
    }
    let log = office.ledger().log_key().vkey();
    if args.json {
        say!("{}", json!({ "origin": args.origin, "log": log, "admins": shown }));
        return Ok(());
    }
    say!("台账已开立 / the ledger is open: {}", args.origin);
    say!("  log key  {log}");
    say!("  data     {}", data.display());
    say!("  keys     {}   (备份到别处 / back up elsewhere)", home.keys.display());
    say!("  lock     {}", home.lock.display());
    say!("管理员口令只显示这一次 / passwords of the two administrators, shown only now:");
    for admin in &shown {
        say!(
            "  {}  {}",
            admin["actor"].as_str().unwrap_or_default(),
            admin["password"].as_str().unwrap_or_default()
        );
    }
    Ok(())
}
