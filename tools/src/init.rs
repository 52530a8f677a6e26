//! `adit init`

use std::fs;
use std::path::Path;
use std::sync::Arc;

use adit_api::keystore::Keystore;
use adit_core::command::{Command, Request};
use adit_core::id::{ActorId, CommandId, Id};
use adit_core::ledger::clock::{Clock, SystemClock};
use adit_core::ledger::home::Home;
use adit_core::ledger::keyring::actor_key_name;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::Office;
use adit_core::opening::{LedgerCommand, Open};
use anyhow::{Result, bail};
use serde_json::json;

/// Make a new ledger: log key, data key, lock, and two administrators with passwords that are shown once.
///
/// Example: adit init --data /srv/adit --origin xiuyan.example/ledger
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: crate::DataDir,
    /// Name of the ledger, like a URL without scheme: xiuyan.example/ledger
    #[arg(long)]
    origin: String,
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
pub(crate) fn create(data: &Path, origin: &str, clock: Arc<dyn Clock>) -> Result<(Office, [Person; 2])> {
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
    };
    office.execute(&request(Command::Ledger(LedgerCommand::Open(open)))?, &[])?;
    office.ledger().publish_now();
    Ok((office, admins))
}

/// A password of 128 random bits.
pub(crate) fn password() -> Result<String> {
    Ok(Id::random()?.to_string())
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let data = &args.data.data;
    let (office, admins) = create(data, &args.origin, Arc::new(SystemClock))?;
    let home = Home::beside(data);
    let keystore = Keystore::at(&home.actors());
    let mut shown = Vec::new();
    for admin in &admins {
        let password = password()?;
        keystore.store(admin.actor, &admin.key, &password)?;
        shown.push(json!({ "actor": admin.actor, "password": password }));
    }
    let log = office.ledger().log_key().vkey();
    if args.json {
        println!("{}", json!({ "origin": args.origin, "log": log, "admins": shown }));
        return Ok(());
    }
    println!("台账已开立 / the ledger is open: {}", args.origin);
    println!("  log key  {log}");
    println!("  data     {}", data.display());
    println!("  keys     {}   (备份到别处 / back up elsewhere)", home.keys.display());
    println!("  lock     {}", home.lock.display());
    println!("管理员口令只显示这一次 / passwords of the two administrators, shown only now:");
    for admin in &shown {
        println!(
            "  {}  {}",
            admin["actor"].as_str().unwrap_or_default(),
            admin["password"].as_str().unwrap_or_default()
        );
    }
    Ok(())
}
