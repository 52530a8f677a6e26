//! `adit rules`

use std::io::Read;
use std::path::PathBuf;

use adit_core::rules::Rules;
use adit_core::rules::facts::answer;
use anyhow::{Context, Result};

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

  echo '{"name":"review","from":"2024-05-10"}' | adit rules deadline -"#;

/// Ask a rule about facts in a JSON file (`-` reads standard input). Prints the result with reasons and sources as JSON.
/// Fields that a rule does not know are refused; amounts are text in yuan, days are written 2024-05-10.
/// 按规则测算：读入事实，给出结果、理由和依据。
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// reward, relief, deadline or closure
    rule: String,
    /// The facts
    facts: PathBuf,
    /// The result is JSON with and without it
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut bytes = Vec::new();
    if args.facts.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes =
            std::fs::read(&args.facts).with_context(|| format!("couldn't read {}", args.facts.display()))?;
    }
    let facts = String::from_utf8(bytes).context("the facts are not UTF-8")?;
    let value = answer(&Rules::builtin()?, &args.rule, &facts).map_err(crate::output::Refused)?;
    // One line for a program, several for a reader.
    let text = if args.json { serde_json::to_string(&value) } else { serde_json::to_string_pretty(&value) };
    say!("{}", text?);
    Ok(())
}
