//! `adit init`

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_api::keystore::Keystore;
use adit_core::actor::{ActorCommand, Enrol, RoleOfKey};
use adit_core::command::{Command, Request};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::clock::{Clock, SystemClock};
use adit_core::ledger::home::Home;
use adit_core::ledger::keyring::actor_key_name;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::vkey::{SigningKey, is_name};
use adit_core::office::Office;
use adit_core::opening::{LedgerCommand, Open};
use adit_core::role::Role;
use adit_core::rules::place::NATIONAL;
use adit_core::text::{Long, Text};
use anyhow::{Result, bail};
use serde_json::json;

use crate::failure::fail;

/// Make a new ledger: log key, data key, lock, two administrators with passwords that are shown once, and a key for imports.
///
/// Example: adit init --data /srv/adit --origin xiuyan.example/ledger --place 辽宁省鞍山市岫岩满族自治县
/// A new ledger after an old one: adit init --data /srv/adit-2027 --origin xiuyan.example/ledger/2027 --succeeds old/checkpoint --earlier-key old/log.vkey
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
    /// The last checkpoint of the ledger that this one goes on from, as a file: of last year, or of one whose key was lost
    #[arg(long, value_name = "FILE", requires = "earlier_key")]
    succeeds: Option<PathBuf>,
    /// Key of that ledger: a vkey, or a file with one in each line
    #[arg(long, value_name = "VKEY|FILE", requires = "succeeds")]
    earlier_key: Option<String>,
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
    succeeds: Option<Long>,
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
        succeeds,
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

/// The checkpoint that this ledger goes on from: one that the earlier ledger's key signed, of another name.
fn earlier(args: &Args) -> Result<Option<Long>> {
    let Some((path, key)) = args.succeeds.as_ref().zip(args.earlier_key.as_deref()) else { return Ok(None) };
    let note = fs::read(path)?;
    let keys = crate::open::vkeys(key).ok_or_else(|| {
        fail("--earlier-key 不是公钥，也不是公钥文件", "--earlier-key is no vkey and no file of vkeys")
    })?;
    let checkpoint = Checkpoint::verify_any(&note, &keys).map_err(|_| {
        fail(
            "--succeeds 不是这把公钥签署的检查点，未开立台账",
            "--succeeds is no checkpoint that this key signed; no ledger was made",
        )
    })?;
    if checkpoint.origin == args.origin {
        return Err(fail(
            "新台账须用新名称，例如在后面加上年份：否则旧条目可以冒充新台账的条目",
            "a new ledger takes a new name, such as the old one with its year: else entries of the old could pass for its own",
        ));
    }
    Ok(Some(Text::new(&String::from_utf8_lossy(&note))?))
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let data = &args.data.data;
    let succeeds = earlier(args)?;
    let (office, admins) = create(data, &args.origin, &args.place, succeeds, Arc::new(SystemClock))?;
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
