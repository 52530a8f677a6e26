//! `adit key`: the keys of a ledger, and the life of the log's own.

use std::collections::BTreeMap;

use adit_core::actor::ActorEvent;
use adit_core::event::Event;
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::ledger::home::Home;
use adit_core::ledger::log::{Ledger, OpenError};
use adit_core::office::Office;
use adit_core::units::Position;
use anyhow::Result;
use serde_json::{Value, json};

/// Keys of a ledger: change the log's own, list all.
/// 密钥：更换台账自身的签名密钥，列出全部密钥。
///
/// The log's key is changed in two steps, with days or weeks between them: `rotate` makes a second key, which signs every
/// checkpoint beside the old one, so that whoever knows either believes it; `retire` ends the old one. Stop `adit serve` for
/// each; it takes a moment.
/// 更换分两步：rotate 生成新密钥，此后新旧两把密钥同时签署每个检查点；待各方换用新公钥后，再用 retire 停用旧密钥。执行前先停止 adit serve。
///
/// Example: adit key rotate --data /srv/adit
/// Example: adit key list --data /srv/adit --json
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    #[command(about = "Make the log's next key; both sign from here on / 生成新的日志密钥，新旧并用")]
    Rotate(Of),
    #[command(about = "End the log's old key; the new one signs alone / 停用旧的日志密钥")]
    Retire(Of),
    #[command(about = "List every key with positions and roles / 列出全部密钥")]
    List(Of),
    #[command(about = "List every signature in somebody's name / 列出以某人名义作出的全部签名")]
    Signatures(Whose),
}

#[derive(clap::Args)]
struct Whose {
    #[command(flatten)]
    of: Of,
    /// Whose signatures: 26 characters, as `adit key list` shows them under holder
    #[arg(long, value_name = "ID")]
    actor: ActorId,
}

#[derive(clap::Args)]
struct Of {
    #[command(flatten)]
    data: crate::DataDir,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.action {
        Action::Rotate(of) => rotate(of),
        Action::Retire(of) => retire(of),
        Action::List(of) => list(of),
        Action::Signatures(whose) => signatures(whose),
    }
}

fn rotate(of: &Of) -> Result<()> {
    let office = Office::open(crate::open::ledger(&of.data.data)?)?;
    let new = office.rotate_log_key()?;
    let ledger = office.ledger();
    // From now on what is public carries both signatures.
    ledger.publish_now();
    let file = Home::beside(&of.data.data).log_key_file(&new)?;
    let file = file.map(|path| path.display().to_string());
    if of.json {
        let in_force = ledger.log_keys_in_force();
        say!("{}", json!({ "introduced": new, "file": file, "in_force": in_force, "size": ledger.size() }));
        return Ok(());
    }
    say!("新的日志密钥已启用，新旧并用 / the log has a second key, and both sign from here on");
    for key in ledger.log_keys_in_force() {
        say!("  log key  {key}");
    }
    say!("  file     {}   (备份到别处 / back up elsewhere)", file.unwrap_or_default());
    say!(
        "请公布新公钥，通知见证方和监测者；各方换用后执行 adit key retire / publish the new key and tell witnesses and \
         monitors; when they have it, run adit key retire"
    );
    Ok(())
}

fn retire(of: &Of) -> Result<()> {
    let office = Office::open(crate::open::ledger(&of.data.data)?)?;
    let old = office.retire_log_key()?;
    let ledger = office.ledger();
    ledger.publish_now();
    let file = Home::beside(&of.data.data).log_key_file(&old)?;
    let file = file.map(|path| path.display().to_string());
    let last = ledger.keys().get(&old).and_then(|state| state.last);
    if of.json {
        let in_force = ledger.log_keys_in_force();
        say!("{}", json!({ "ended": old, "last": last, "file": file, "in_force": in_force }));
        return Ok(());
    }
    say!("旧的日志密钥已停用 / the log's old key has ended: {old}");
    say!("  最后有效位置 last position  {}", last.unwrap_or_default());
    for key in ledger.log_keys_in_force() {
        say!("  log key  {key}");
    }
    say!(
        "此文件不再需要，请移走或销毁 / this file is not needed any more, take it away or destroy it: {}",
        file.unwrap_or_default()
    );
    Ok(())
}

fn list(of: &Of) -> Result<()> {
    let ledger = crate::open::ledger(&of.data.data)?;
    let rows = rows(&ledger)?;
    if of.json {
        say!("{}", json!({ "origin": ledger.origin(), "size": ledger.size(), "keys": rows }));
    } else {
        crate::output::table(&["holder", "title", "introduced", "last", "in_force", "roles", "key"], &rows);
    }
    Ok(())
}

/// Found by reading the whole log, so that it rests on nothing but the entries.
fn signatures(whose: &Whose) -> Result<()> {
    let ledger = crate::open::ledger(&whose.of.data.data)?;
    let mut positions = Vec::new();
    ledger.replay(Position(0), Position(ledger.size()), |fact| {
        if fact.by.contains(&whose.actor) {
            positions.push(fact.position);
        }
        Ok::<_, OpenError>(())
    })?;
    let rows = ledger.signed_by(whose.actor, &positions)?;
    let rows = rows.iter().map(serde_json::to_value).collect::<Result<Vec<Value>, _>>()?;
    if whose.of.json {
        say!("{}", json!({ "actor": whose.actor, "total": rows.len(), "rows": rows }));
    } else {
        crate::output::table(&["position", "at", "stream", "kind", "roles", "one_time", "key"], &rows);
    }
    Ok(())
}

/// Every key that holds in the whole log, in the order of introduction.
fn rows(ledger: &Ledger) -> Result<Vec<Value>> {
    let (keys, now) = (ledger.keys(), Position(ledger.size()));
    let mut titles: BTreeMap<ActorId, Option<String>> = BTreeMap::new();
    let mut rows = Vec::new();
    for (key, state) in keys.iter() {
        let actor = keys.actor_of(key);
        let title = match actor {
            Some(actor) => match titles.get(&actor) {
                Some(title) => title.clone(),
                None => titles.entry(actor).or_insert(title(ledger, actor)?).clone(),
            },
            None => None,
        };
        let holder = actor.map_or_else(|| "log".to_owned(), |actor| actor.to_string());
        let row = json!({
            "holder": holder, "title": title, "introduced": state.introduced, "last": state.last,
            "in_force": keys.in_force(key, now), "roles": state.roles, "key": key,
        });
        rows.push((state.introduced, row));
    }
    rows.sort_by_key(|(introduced, _)| *introduced);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn title(ledger: &Ledger, actor: ActorId) -> Result<Option<String>> {
    let facts = ledger.stream(&StreamId::new(StreamKind::Actor, actor.0))?;
    let enrolled = facts.into_iter().find_map(|fact| match fact.event {
        Event::Actor(ActorEvent::Enrolled(enrol)) => Some(enrol.title.to_string()),
        Event::Actor(_)
        | Event::Hazard(_)
        | Event::Report(_)
        | Event::Reward(_)
        | Event::Enterprise(_)
        | Event::Inspection(_)
        | Event::Rules(_)
        | Event::Ledger(_)
        | Event::Concern(_)
        | Event::Inquiry(_)
        | Event::Access(_) => None,
    });
    Ok(enrolled)
}
