//! `adit escrow`: the key that opens what was sealed when the office can't or won't, kept offline in three shares.

mod share;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use adit_core::id::{ActorId, Id, StreamId, StreamKind};
use adit_core::ledger::home::write_new;
use adit_core::ledger::keyring::actor_key_name;
use adit_core::ledger::vkey::{SigningKey, is_name};
use adit_core::role::Role;
use adit_core::seal::{self, Identity, SealError};
use adit_core::secret::officer_identity;
use anyhow::{Context, Result};
use serde_json::json;
use share::Share;

use crate::failure::fail;

/// Title of the escrow key's actor.
const TITLE: &str = "托管密钥 escrow key";
/// Largest sealed file that is opened, in bytes; it lies in memory meanwhile.
const SEALED_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// The escrow key: two of three shares open what was sealed to it.
/// 托管密钥：三份分片，任意两份可以打开封存的材料。
///
/// Run both on a machine that is not connected to anything. `make` prints the commands by which two administrators introduce the
/// key to the log; from then on every report is sealed to it, too. `open` puts two shares together in memory and writes what was
/// sealed to standard output.
/// 两个命令都在不联网的机器上执行。make 给出两名管理员登记这把钥匙的命令，此后每件举报也封存给它；open 在内存里合成密钥，把打开的内容写到标准输出。
///
/// Example: adit escrow make --origin xiuyan.example/ledger /media/usb/escrow
/// Example: adit escrow open share-1.txt share-3.txt 5f0c…
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    #[command(about = "Make the key offline, and a file for each of three custodians / 离线生成，分成三份")]
    Make(Make),
    #[command(about = "Open a sealed file with two shares / 用两份分片打开封存的文件")]
    Open(Open),
}

#[derive(clap::Args)]
struct Make {
    /// Name of the ledger, as `/log/keys` has it before the first plus sign
    #[arg(long)]
    origin: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Folder for the three shares; it is made, or is empty
    #[arg(value_name = "OUT_DIR")]
    out: PathBuf,
}

#[derive(clap::Args)]
struct Open {
    /// A share, as its custodian keeps it or typed it again
    #[arg(value_name = "SHARE")]
    one: PathBuf,
    /// Another share
    #[arg(value_name = "SHARE")]
    other: PathBuf,
    /// Sealed file; of a ledger they lie in DIR/blobs under their hash
    #[arg(value_name = "BLOB", required = true)]
    blobs: Vec<PathBuf>,
    /// Folder for what was opened, instead of standard output; of several files each gets its own
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.action {
        Action::Make(make) => self::make(make),
        Action::Open(open) => self::open(open),
    }
}

fn make(args: &Make) -> Result<()> {
    if !is_name(&args.origin) {
        return Err(fail(
            "台账名称不正确，例如 xiuyan.example/ledger",
            "this is no name of a ledger; one is xiuyan.example/ledger",
        ));
    }
    if fs::read_dir(&args.out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(fail(
            "目录非空，请另选目录：已有的分片绝不覆盖",
            "the folder is not empty; choose another: shares are never overwritten",
        ));
    }
    let actor = ActorId(Id::random()?);
    let key = SigningKey::generate(&actor_key_name(&args.origin, actor))?;
    let recipient = officer_identity(&key, &args.origin).recipient();
    let shares = share::split(&key, &args.origin)?;
    fs::create_dir_all(&args.out).with_context(|| format!("couldn't make {}", args.out.display()))?;
    let mut files = Vec::new();
    for share in &shares {
        let path = args.out.join(format!("share-{}.txt", share.number()));
        write_new(&path, &share.text()?)?;
        files.push(path.display().to_string());
    }
    let stream = StreamId::new(StreamKind::Actor, actor.0);
    let enrol = json!({ "id": Id::random()?, "stream": stream, "type": "actor.enrol",
        "data": { "key": key.vkey(), "title": TITLE, "recipient": recipient } });
    let grant = json!({ "id": Id::random()?, "stream": stream, "type": "actor.grant",
        "data": { "role": Role::Escrow, "key": key.vkey() } });
    if args.json {
        say!(
            "{}",
            json!({ "recipient": recipient, "key": key.vkey(), "shares": files, "commands": [enrol, grant] })
        );
        return Ok(());
    }
    say!("托管密钥已生成，三份中任意两份可以打开 / the escrow key is made; any two of three shares open");
    say!("  recipient  {recipient}");
    for file in &files {
        say!("  share      {file}   (交一位保管人，然后删除 / for one custodian; then delete it)");
    }
    say!(
        "由管理员提交以下两条命令（授予须第二名管理员会签，加 co_signer），此后每件举报也封存给它 / administrators carry out these two \
         commands (the grant needs a second one: add co_signer); from then on every report is sealed to it, too:"
    );
    say!("{enrol}\n{grant}");
    Ok(())
}

fn open(args: &Open) -> Result<()> {
    let identity = share::join(&read(&args.one)?, &read(&args.other)?)?;
    if args.out.is_none() && args.blobs.len() > 1 {
        return Err(fail(
            "文件不止一个，请用 --out 指定目录",
            "there are several files: name a folder with --out",
        ));
    }
    for blob in &args.blobs {
        let content = opened(&identity, blob)?;
        match &args.out {
            None => std::io::stdout().lock().write_all(&content)?,
            Some(folder) => keep(folder, blob, &content)?,
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Share> {
    let text = fs::read_to_string(path).with_context(|| format!("couldn't read {}", path.display()))?;
    Share::parse(&zeroize::Zeroizing::new(text), &path.display().to_string())
}

fn opened(identity: &Identity, path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    let name = path.display();
    let size = fs::metadata(path).with_context(|| format!("couldn't read {name}"))?.len();
    if size > SEALED_BYTES_MAX {
        return Err(fail(
            format!("{name} 过大，不是封存的文件"),
            format!("{name} is too large for a sealed file"),
        ));
    }
    let sealed = fs::read(path).with_context(|| format!("couldn't read {name}"))?;
    seal::open(&sealed, identity).map_err(|error| match error {
        SealError::OtherRecipient => {
            fail(format!("{name} 没有封存给这把托管密钥"), format!("{name} is not sealed to this escrow key"))
        }
        SealError::NotSealed | SealError::Damaged => fail(
            format!("{name} 不是完整的封存文件，什么也没有写出"),
            format!("{name} is not a whole sealed file; nothing of it was written"),
        ),
        SealError::NoRecipient | SealError::BadRecipient(_) | SealError::Io(_) => error.into(),
    })
}

/// Readable by its owner alone, and never over another file.
fn keep(folder: &Path, blob: &Path, content: &[u8]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("couldn't make {}", folder.display()))?;
    let name = blob.file_name().context("a sealed file has a name")?;
    let path = folder.join(name).with_extension("opened");
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).with_context(|| format!("couldn't write {}", path.display()))?;
    file.write_all(content)?;
    file.sync_all()?;
    say!("{}", path.display());
    Ok(())
}
