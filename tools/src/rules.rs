//! `adit rules`

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_core::office::Office;
use adit_core::refusal::Refusal;
use adit_core::rules::Rules;
use adit_core::rules::facts::{answer, catalogue};
use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::failure::fail;
use crate::output::Refused;

const EXAMPLES: &str = r#"Examples of facts / 事实示例:
  reward    {"place":"national","matter":"major_hazard","sector":"industry","report_level":1,
             "unit_fine_yuan":"12000","person_fines_yuan":["0"],"deaths_verified":0,
             "accident_grade":null,"insider":false,"reported_on":"2024-05-10"}
            matter: major_hazard, illegal_act or concealed_accident
            sector: mine, industry, chemical, fireworks or other
  closure   {"licence":"full","producing":true,"discoveries":["2024-01-05","2024-02-20"],
             "penalties":[],"on":"2024-06-01"}
            licence: full, incomplete or none
  deadline  {"name":"review","from":"2024-05-10"}

  echo '{"name":"review","from":"2024-05-10"}' | adit rules deadline -
  adit rules list
  adit rules explain rewards/national-2018
  adit rules pack rewards > rewards.toml
  adit rules check rewards rewards.toml --data /srv/adit"#;

/// Ask a rule about facts in a JSON file (`-` reads standard input), or read what the rules say.
///
/// Prints the result with reasons and sources as JSON. Fields that a rule does not know are refused; amounts are text in
/// yuan, days are written 2024-05-10. `list` names every rule with its place, dates and mark; `explain` says what one of them
/// says, by which document and article; `pack` prints a pack as it is in force, for a bureau to fill in; `check` says whether a
/// text could be adopted in the place of a pack, and where it could not. With --data these are the rules in force in that
/// ledger, otherwise those that ship.
/// 按规则测算：读入事实，给出结果、理由和依据；list 列出全部规则，explain 说明一条规则，pack 导出规则包供填写，
/// check 检查填写后的规则包能否采用。
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// reward, relief, deadline or closure; or list, explain, pack, check
    rule: String,
    /// The facts; for explain the rule's id as `list` names it, for pack and check the pack's id
    facts: Option<PathBuf>,
    /// For check: the text that would be adopted
    text: Option<PathBuf>,
    /// A ledger whose rules are asked; none for those that ship
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// As they were in force at a position (included) or at the end of a day
    #[arg(long, value_name = "POSITION|DATE", requires = "data")]
    as_of: Option<String>,
    /// Print one JSON object; a result is JSON with and without it
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let rules = in_force(args)?;
    let named = args.facts.as_ref().map(|path| path.to_string_lossy().into_owned());
    match (args.rule.as_str(), named.as_deref(), &args.text) {
        ("list", None, None) => {
            list(&rules, args.json);
            Ok(())
        }
        ("explain", Some(id), None) => explain(&rules, id, args.json),
        ("pack", Some(id), None) => pack(&rules, id, args.json),
        ("check", Some(id), Some(text)) => check(&rules, id, text, args.json),
        ("list", _, _) => Err(fail("list 不带参数", "list takes no argument")),
        ("check", _, _) => Err(fail(
            "请给出规则包编号和填写后的文件：adit rules check rewards rewards.toml",
            "name the pack and the file: adit rules check rewards rewards.toml",
        )),
        (_, None, _) => Err(fail("请给出事实文件，或规则编号", "name the file of facts, or the rule's id")),
        (_, _, Some(_)) => Err(fail("多给了一个参数", "there is one argument too many")),
        (rule, Some(_), None) => {
            ask(&rules, rule, args.facts.as_deref().unwrap_or(Path::new("-")), args.json)
        }
    }
}

/// The rules of the ledger that was named, at the moment that was named; otherwise those that ship.
fn in_force(args: &Args) -> Result<Arc<Rules>> {
    let Some(data) = &args.data else { return Ok(Arc::new(Rules::builtin()?)) };
    let ledger = crate::open::ledger(data)?;
    let (until, _) = crate::open::moment(&ledger, args.as_of.as_deref())?;
    Ok(Office::open(ledger)?.rules_until(until)?)
}

fn pack(rules: &Rules, id: &str, as_json: bool) -> Result<()> {
    let pack = rules.packs().iter().find(|pack| pack.id == id);
    let pack = pack.ok_or_else(|| Refused(Refusal::new("rules.unknown_pack")))?;
    if as_json {
        let adopted = rules.is_adopted(id);
        say!("{}", json!({ "id": id, "hash": pack.hash(), "adopted": adopted, "text": pack.text }));
    } else {
        say!("{}", pack.text.trim_end());
    }
    Ok(())
}

/// Whether a text could be adopted; the refusal names the place that is wrong.
fn check(rules: &Rules, id: &str, text: &Path, as_json: bool) -> Result<()> {
    let text = read(text)?;
    let after = rules.amended(id, &text).map_err(|error| Refused(error.into()))?;
    let hash = blake3::hash(text.as_bytes()).to_hex();
    if as_json {
        say!("{}", json!({ "pack": id, "hash": hash.as_str(), "version": after.version() }));
    } else {
        say!("可以采用 / it can be adopted: {id} {hash}");
    }
    Ok(())
}

fn list(rules: &Rules, as_json: bool) {
    let articles = catalogue(rules);
    if as_json {
        say!("{}", json!({ "rules": articles, "version": rules.version() }));
    } else {
        crate::output::table(&["id", "title", "place", "from", "until", "mark", "in_force"], &articles);
    }
}

fn explain(rules: &Rules, id: &str, as_json: bool) -> Result<()> {
    let article = catalogue(rules).into_iter().find(|article| article["id"] == id);
    let article = article.ok_or_else(|| Refused(Refusal::new("rules.no_such_rule")))?;
    if as_json {
        say!("{article}");
        return Ok(());
    }
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or("–").to_owned();
    say!("{}  {}", text(&article, "id"), text(&article, "title"));
    say!("  地域 place    {}", text(&article, "place"));
    say!("  起止 dates    {} – {}", text(&article, "from"), text(&article, "until"));
    let force =
        if article["in_force"] == true { "有效 in force" } else { "待采用 not in force until adopted" };
    say!("  依据 mark     {}  {force}", text(&article, "mark"));
    for says in article["says"].as_array().into_iter().flatten() {
        say!("  {}\n  {}\n  [{}]", text(says, "zh"), text(says, "en"), text(says, "source"));
    }
    Ok(())
}

fn ask(rules: &Rules, rule: &str, facts: &Path, as_json: bool) -> Result<()> {
    let facts = read(facts)?;
    let value = answer(rules, rule, &facts).map_err(Refused)?;
    // One line for a program, several for a reader.
    let text = if as_json { serde_json::to_string(&value) } else { serde_json::to_string_pretty(&value) };
    say!("{}", text?);
    Ok(())
}

/// A file, or standard input for `-`.
fn read(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(path).with_context(|| format!("couldn't read {}", path.display()))?;
    }
    String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8", path.display()))
}
