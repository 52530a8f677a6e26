//! Rules over facts given as JSON, for the command line and the API: result, reasons in both languages, sources.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::article::Article;
use super::closure::ClosureFacts;
use super::relief::{Condition, ReliefFacts};
use super::reward::RewardFacts;
use super::{Reason, Rules, closure, deadline, relief, reward};
use crate::refusal::{Lang, Refusal};
use crate::units::Day;

/// The rules that can be asked.
pub const NAMES: [&str; 4] = ["reward", "relief", "deadline", "closure"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeadlineFacts {
    name: String,
    from: Day,
    /// Where; the nation where it is not said.
    #[serde(default)]
    place: Option<String>,
}

/// Answers the rule `name` for `facts`.
///
/// # Errors
/// A named refusal: `rules.unknown` for another name, `rules.facts` for facts that do not fit.
pub fn answer(rules: &Rules, name: &str, facts: &str) -> Result<Value, Refusal> {
    match name {
        "reward" => Ok(reward_answer(rules, &parse(facts)?)),
        "relief" => {
            let relief = relief::relief(rules, &parse::<ReliefFacts>(facts)?);
            let conditions: Vec<Value> = relief.conditions.iter().map(condition).collect();
            let reasons = explained(&relief.reasons);
            Ok(json!({ "outcome": relief.outcome, "reasons": reasons, "conditions": conditions }))
        }
        "closure" => {
            let closure = closure::closure(rules, &parse::<ClosureFacts>(facts)?);
            Ok(json!({ "petition": closure.petition, "grounds": explained(&closure.grounds) }))
        }
        "deadline" => deadline_answer(rules, &parse(facts)?),
        _ => Err(Refusal::new("rules.unknown")),
    }
}

fn parse<T: DeserializeOwned>(facts: &str) -> Result<T, Refusal> {
    serde_json::from_str(facts).map_err(|error| Refusal::new("rules.facts").with("what", &error.to_string()))
}

fn reward_answer(rules: &Rules, facts: &RewardFacts) -> Value {
    let result = reward::reward(rules, facts);
    json!({
        "outcome": result.outcome,
        "amount_yuan": result.amount.map(|amount| amount.to_string()),
        "amount_fen": result.amount.map(|amount| amount.0),
        "rule": result.rule,
        "alternative_yuan": result.alternative.map(|amount| amount.to_string()),
        "reasons": explained(&result.reasons),
        "elsewhere": elsewhere(rules, facts),
        "rules_version": rules.version(),
    })
}

/// What the rules of other places would give for the same facts, where they give something of their own.
fn elsewhere(rules: &Rules, facts: &RewardFacts) -> Vec<Value> {
    let here = reward::reward(rules, facts);
    let places =
        rules.rewards.places().into_iter().filter(|place| place.is_national() || !place.covers(&facts.place));
    let there = places.filter_map(|place| {
        let result = reward::reward(rules, &RewardFacts { place: place.to_string(), ..facts.clone() });
        let differs = (result.amount, &result.rule) != (here.amount, &here.rule);
        differs.then(|| {
            json!({
                "place": place.to_string(),
                "amount_yuan": result.amount.map(|amount| amount.to_string()),
                "amount_fen": result.amount.map(|amount| amount.0),
                "rule": result.rule,
                "reasons": explained(&result.reasons),
            })
        })
    });
    there.collect()
}

fn deadline_answer(rules: &Rules, facts: &DeadlineFacts) -> Result<Value, Refusal> {
    let there = facts.place.as_ref().map(|place| rules.clone().in_place(place));
    let due =
        deadline::due(there.as_ref().unwrap_or(rules), &facts.name, facts.from).map_err(
            |error| match error {
                deadline::DeadlineError::NoSuchDeadline => Refusal::new("rules.no_such_deadline"),
                deadline::DeadlineError::NotInForce => Refusal::new("rules.not_in_force"),
                deadline::DeadlineError::UnknownYear(year) => {
                    Refusal::new("rules.unknown_year").with("year", &year.0.to_string())
                }
            },
        )?;
    Ok(json!(due))
}

/// Every rule with its words in both languages, its source, and whether it is in force.
pub fn catalogue(rules: &Rules) -> Vec<Value> {
    let one = |article: Article| {
        let mut value = json!(article);
        value["says"] = Value::Array(explained(&article.says));
        value
    };
    rules.articles().into_iter().map(one).collect()
}

/// A condition of relief: how it stands, its proof, and its reason with words.
fn condition(condition: &Condition) -> Value {
    let mut told = in_words(&condition.reason);
    told["condition"] = json!(condition.condition);
    told["holds"] = json!(condition.holds);
    told["proof"] = json!(condition.proof);
    told
}

/// Reasons with their words.
pub fn explained(reasons: &[Reason]) -> Vec<Value> {
    reasons.iter().map(in_words).collect()
}

fn in_words(reason: &Reason) -> Value {
    let refusal = Refusal { code: reason.code.clone(), details: reason.details.clone() };
    json!({
        "code": reason.code,
        "details": reason.details,
        "source": reason.source,
        "zh": refusal.words(Lang::Zh).says,
        "en": refusal.words(Lang::En).says,
    })
}
