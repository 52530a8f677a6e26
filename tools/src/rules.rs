//! `adit rules`

use std::io::Read;
use std::path::{Path, PathBuf};

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
  adit rules explain rewards/national-2018"#;

/// Ask a rule about facts in a JSON file (`-` reads standard input), or read what the rules say.
///
/// Prints the result with reasons and sources as JSON. Fields that a rule does not know are refused; amounts are text in
/// yuan, days are written 2024-05-10. `list` names every rule with its place, dates and mark; `explain` says what one of them
/// says, by which document and article.
/// 按规则测算：读入事实，给出结果、理由和依据；list 列出全部规则，explain 说明一条规则。
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// reward, relief, deadline or closure; or list, explain
    rule: String,
    /// The facts; for explain, the rule's id as `list` names it
    facts: Option<PathBuf>,
    /// Print one JSON object; a result is JSON with and without it
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let rules = Rules::builtin()?;
    match (args.rule.as_str(), &args.facts) {
        ("list", None) => {
            list(&rules, args.json);
            Ok(())
        }
        ("explain", Some(id)) => explain(&rules, &id.to_string_lossy(), args.json),
        ("list", Some(_)) => Err(fail("list 不带参数", "list takes no argument")),
        (_, None) => Err(fail("请给出事实文件，或规则编号", "name the file of facts, or the rule's id")),
        (rule, Some(facts)) => ask(&rules, rule, facts, args.json),
    }
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
    let mut bytes = Vec::new();
    if facts.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(facts).with_context(|| format!("couldn't read {}", facts.display()))?;
    }
    let facts = String::from_utf8(bytes).context("the facts are not UTF-8")?;
    let value = answer(rules, rule, &facts).map_err(Refused)?;
    // One line for a program, several for a reader.
    let text = if as_json { serde_json::to_string(&value) } else { serde_json::to_string_pretty(&value) };
    say!("{}", text?);
    Ok(())
}
