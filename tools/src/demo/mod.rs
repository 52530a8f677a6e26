//! `adit demo`: published cases become signed event streams, on a fresh ledger, through the same office as the API.
//!
//! Cases come from `tools/data/cases.toml`. A clock that is set plays each step on its own day, in the order of time over
//! all cases; the steps a source does not tell are supplied, and the output says so.

mod cases;
pub(crate) mod cast;
mod inside;
mod screens;
mod stories;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use adit_api::keystore::Keystore;
use adit_core::ledger::clock::{Clock, SetClock, SystemClock};
use adit_core::ledger::home::Home;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::verify::{Verified, verify};
use adit_core::office::Office;
use adit_core::rules::facts::explained;
use adit_core::rules::place::NATIONAL;
use adit_projections::Projections;
use anyhow::Result;
use serde_json::{Value, json};

use crate::failure::fail;
use cases::Case;
use cast::{Account, Cast};

/// Play the published cases and a few plainly fictional ones, print what comes out, verify, then serve.
/// 在新台账上演示已公布的案例和明确标注的虚构示例，核验后启动服务。
///
/// Examples:
///   adit demo                                  everything, then the API and the start page on 127.0.0.1:8080
///   adit demo --no-serve --json                one JSON object; exit code 0 only if all published rewards come out
///   adit demo --data /tmp/demo --no-serve      keep the ledger, to look at with verify, show and project
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Keep the ledger here instead of in a temporary folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address to serve on afterwards
    #[arg(long, default_value = "127.0.0.1:8080", env = "ADIT_LISTEN")]
    listen: String,
    /// End after printing; exit code 0 only if every reward that must agree does, and all verifies
    #[arg(long)]
    no_serve: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const ORIGIN: &str = "demo.example/adit";

/// What happens in a step.
pub(crate) type Play = Box<dyn FnOnce(&mut Cast) -> Result<()>>;

/// One step of a play.
pub(crate) struct Step {
    /// Day and order within the day.
    pub(crate) day: adit_core::units::Day,
    pub(crate) run: Play,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = args.data.clone().unwrap_or_else(|| folder.path().join("demo"));
    let home = Home::beside(&data);
    let cases = cases::read()?;
    let (password, people) = play(&data, &home, &cases, args.json)?;
    let ledger = Ledger::open(&home, Arc::new(SystemClock))?;
    let office = Office::open(ledger)?;
    let (state, today) = crate::open::projections(office.ledger(), None)?;
    let outcomes = outcomes(&cases, &state);
    let verified = check(&office)?;
    // A ledger that stays can be signed in to afterwards; one that goes away with this process can not.
    let stays = args.data.is_some() || !args.no_serve;
    if args.json {
        let mut summary = summary(&office, &state, today, &outcomes, &verified)?;
        if stays {
            let by = |value: fn(&Account) -> &str| -> BTreeMap<_, _> {
                people.iter().map(|one| (one.who.as_str(), value(one))).collect()
            };
            summary["accounts"] = json!({
                "password": password, "people": by(|one| &one.actor), "sign_in": by(|one| &one.signs_in_as),
            });
        }
        say!("{summary}");
    } else {
        tell(&office, &state, today, &outcomes, &verified)?;
        if stays {
            say!(
                "\n工作台 /desk 的演示账号，口令均为 / accounts of the workbench at /desk, all with the password: {password}"
            );
            for Account { who, signs_in_as, .. } in &people {
                say!("  {signs_in_as:<14} {who}");
            }
            say!("演示口令 / words to try: /inside/my {} · /my {}", inside::WORDS, screens::WORDS);
        }
    }
    let wrong: Vec<&str> =
        outcomes.iter().filter(|o| o["ok"] == json!(false)).filter_map(|o| o["case"].as_str()).collect();
    if !wrong.is_empty() {
        let wrong = wrong.join(", ");
        let en = format!("rewards that must agree with the published ones do not: {wrong}");
        return Err(fail(format!("奖励金额与公布的不一致：{wrong}"), en));
    }
    if args.no_serve {
        return Ok(());
    }
    let options = adit_api::Options { demonstration: true, ..adit_api::Options::default() };
    crate::serve::serve(office, &home, &args.listen, args.json, options, crate::serve::Others::default())
}

/// Plays everything; gives back the accounts' password and the accounts.
fn play(data: &std::path::Path, home: &Home, cases: &[Case], quiet: bool) -> Result<(String, Vec<Account>)> {
    let mut steps = stories::steps();
    steps.extend(inside::steps());
    steps.extend(screens::steps());
    steps.extend(cases.iter().flat_map(cases::steps));
    // A stable sort keeps each story's own order within a day.
    steps.sort_by_key(|step| step.day);
    let first = steps.first().map(|step| step.day).unwrap_or_default();
    let clock = Arc::new(SetClock::at(first.start()));
    let dynamic: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    let (office, admins) = crate::init::create(data, ORIGIN, NATIONAL, None, dynamic)?;
    crate::init::enrol_importer(&office, &admins, &Home::beside(data))?;
    let mut cast = Cast::enrol(office, clock, admins)?;
    let bar = crate::output::progress(steps.len() as u64, "演示 play", quiet);
    for step in steps {
        cast.at(step.day);
        (step.run)(&mut cast)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let password = crate::init::password()?;
    let people = cast.lock_away(&Keystore::at(&home.actors()), &password)?;
    Ok((password, people))
}

fn check(office: &Office) -> Result<Verified> {
    let ledger = office.ledger();
    Ok(verify(ledger.store(), &ledger.log_key().vkey(), |_| {})?)
}

/// What became of each case's reward, beside what was published.
fn outcomes(cases: &[Case], state: &Projections) -> Vec<Value> {
    let rewards = state.rewards.rows();
    let outcome = |case: &Case| {
        let row = rewards.iter().find(|row| row.matter == case.id);
        let computed = row.map(|row| row.amount_yuan);
        let published = case.published.as_deref().and_then(|text| text.parse().ok());
        let agrees = case.agrees == "yes";
        json!({
            "case": case.id, "source": case.source, "enterprise": case.enterprise, "agrees": case.agrees,
            "published_yuan": published.map(|fen: adit_core::units::Fen| fen.to_string()),
            "computed_yuan": computed.map(|fen| fen.to_string()),
            "alternative_yuan": row.and_then(|row| row.alternative_yuan).map(|fen| fen.to_string()),
            "rule": row.and_then(|row| row.rule.clone()),
            "status": row.map(|row| row.status),
            "reasons": row.map(|row| explained(&row.reasons)).unwrap_or_default(),
            "because": row.and_then(|row| row.because.clone()),
            "note": case.note, "steps": cases::shown(case),
            "ok": !agrees || (computed.is_some() && computed == published),
        })
    };
    cases.iter().map(outcome).collect()
}

fn summary(
    office: &Office,
    state: &Projections,
    today: adit_core::units::Day,
    outcomes: &[Value],
    verified: &Verified,
) -> Result<Value> {
    let rules = office.rules();
    let rows = |name| state.rows(name, &rules, today);
    Ok(json!({
        "cases": outcomes,
        "register": rows("register")?,
        "five_in_place": rows("five_in_place")?,
        "rewards": rows("rewards")?,
        "repeat_offenders": rows("repeat_offenders")?,
        "relief": rows("relief")?,
        "deadlines": rows("deadlines")?,
        "verify": crate::verify::said(verified),
    }))
}

fn tell(
    office: &Office,
    state: &Projections,
    today: adit_core::units::Day,
    outcomes: &[Value],
    verified: &Verified,
) -> Result<()> {
    let rules = office.rules();
    say!("演示台账 / demonstration ledger {ORIGIN}");
    say!(
        "案例按来源公布的日期播放；由谁经办，来源均未载明；每一步是否见于来源，在“案例说明”中逐步标明。\n\
         Cases are played on their own dates. Who acted is never told; “what each case shows” says of each step whether its source tells it.\n"
    );
    say!("重大事故隐患清单 / register");
    let register = state.rows("register", &rules, today)?;
    crate::output::table(
        &["enterprise_name", "origin", "found_on", "criterion", "status", "due", "overdue", "listed"],
        &register,
    );
    say!("\n五落实 / five in place");
    let mut five = state.rows("five_in_place", &rules, today)?;
    five.retain(|row| row["proof"].as_object().is_some_and(|proof| !proof.is_empty()));
    crate::output::table(&["enterprise_name", "elements", "in_place", "not_confirmed"], &five);
    say!("\n反复出现、提请关闭 / repeat offenders");
    let repeat = state.rows("repeat_offenders", &rules, today)?;
    crate::output::table(&["enterprise_name", "discoveries", "penalties", "petition", "grounds"], &repeat);
    say!("\n自查自报免罚 / relief");
    crate::output::table(
        &["hazard", "relieved", "rule_says", "reasons", "otherwise"],
        &state.rows("relief", &rules, today)?,
    );
    say!("\n逾期 / deadlines missed or met late");
    let mut late = state.rows("deadlines", &rules, today)?;
    late.retain(|row| row["standing"] == "overdue" || row["standing"] == "met_late");
    crate::output::table(&["stream", "clock", "due", "standing", "days_left"], &late);
    say!("\n举报奖励 / rewards");
    crate::output::table(
        &["case", "published_yuan", "computed_yuan", "alternative_yuan", "rule", "status", "agrees"],
        outcomes,
    );
    explain(outcomes);
    say!("");
    crate::verify::tell(verified);
    Ok(())
}

/// What each case shows, with the reasons of its reward.
fn explain(outcomes: &[Value]) {
    say!("\n案例说明 / what each case shows");
    for outcome in outcomes {
        say!(
            "{} {}",
            outcome["case"].as_str().unwrap_or_default(),
            outcome["note"].as_str().unwrap_or_default()
        );
        for reason in outcome["reasons"].as_array().into_iter().flatten() {
            let text = |name: &str| reason[name].as_str().unwrap_or_default();
            let source =
                if text("source").is_empty() { String::new() } else { format!(" [{}]", text("source")) };
            say!("    {} / {}{source}", text("zh"), text("en"));
        }
        if let Some(because) = outcome["because"].as_str() {
            say!("    {because}");
        }
        for (told, words) in [
            ("whole", "来源载明 told"),
            ("partly", "载明，日期或部分内容为补充 told in part"),
            ("not", "演示补充 supplied"),
        ] {
            let steps = outcome["steps"].as_array().into_iter().flatten();
            let steps = steps.filter(|step| step["told"] == told).map(|step| {
                let text = |name: &str| step[name].as_str().unwrap_or_default();
                format!("{} {} {}", text("day"), text("zh"), text("en"))
            });
            let steps: Vec<String> = steps.collect();
            if !steps.is_empty() {
                say!("    {words}: {}", steps.join("; "));
            }
        }
        say!("    来源 source: {}", outcome["source"].as_str().unwrap_or_default());
    }
}
