//! The rule packs: which text holds, since when and by whose decision, how it differs from what shipped and from what held before.

use adit_core::event::{Event, Fact};
use adit_core::id::StreamKind;
use adit_core::rulebook::RulesEvent;
use adit_core::rules::PACKS;
use askama::Template;
use axum::extract::RawQuery;
use similar::{ChangeTag, TextDiff};

use super::frame::{Desk, Frame, Shown, just_recorded, parameter, render};
use super::people;
use crate::handlers::blocking;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Lines around a change.
const CONTEXT: usize = 3;

/// A decision on a pack.
struct Decided {
    at: String,
    by: String,
    what: String,
    decision: String,
    receipt: String,
}

/// One line of a difference: `+`, `-` or nothing, and its text.
struct Changed {
    sign: &'static str,
    text: String,
}

struct Shows {
    id: &'static str,
    name: String,
    hash: String,
    adopted: bool,
    /// The text that holds is not the one that ships.
    own: bool,
    history: Vec<Decided>,
    /// Adopts what ships, where that is not what was adopted.
    adopt_at: String,
    amend_at: String,
    /// The difference that was asked for; none where this pack's was not.
    difference: Option<Vec<Changed>>,
}

#[derive(Template)]
#[template(path = "desk/rulebook.html")]
struct Rulebook {
    frame: Frame,
    version: String,
    packs: Vec<Shows>,
    /// Reward budgets, the newest first, and where one is set.
    budgets: Vec<Decided>,
    budget_at: String,
}

/// The rule packs
///
/// 规则包：现行文本、历次采用、与随附文本和上一文本的差异。
#[utoipa::path(get, path = "/desk/rulebook", tag = "desk",
    params(("pack" = Option<String>, Query, description = "whose difference is shown"), ("against" = Option<String>, Query, description = "shipped or before")),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden")))]
pub(crate) async fn show(desk: Desk, RawQuery(query): RawQuery) -> Shown {
    if !desk.reader.may_read(StreamKind::Rules) {
        return Err(ApiRefusal::Forbidden.into());
    }
    let asked = parameter(query.as_deref(), "pack");
    let before = parameter(query.as_deref(), "against").is_some_and(|against| against == "before");
    let recorded = just_recorded(query.as_deref());
    let page = blocking(move || page(&desk, asked.as_deref(), before)).await?;
    render(&Rulebook { frame: page.frame.after(recorded), ..page })
}

/// The pack that an event is about, and its text where the event holds or names one that ships.
fn text_of(event: &RulesEvent) -> Option<(&str, Option<String>)> {
    match event {
        RulesEvent::Adopted(adopt) => {
            let shipped = PACKS.into_iter().find(|pack| pack.id == adopt.pack && pack.hash() == adopt.hash);
            Some((&adopt.pack, shipped.map(|pack| pack.text.to_string())))
        }
        RulesEvent::Amended(amend) => Some((&amend.pack, Some(amend.text.to_string()))),
        RulesEvent::RewardBudgetSet(_) => None,
    }
}

fn page(desk: &Desk, asked: Option<&str>, before: bool) -> Result<Rulebook, Problem> {
    let (app, w) = (&desk.app, desk.w);
    let facts = app.office.facts_of(StreamKind::Rules)?;
    let rules = app.office.rules();
    let stream = facts.last().map(|fact| format!("stream={}&", fact.stream)).unwrap_or_default();
    let may = desk.reader.may_command(&app.office, StreamKind::Rules, facts.last().map(|fact| &fact.stream));
    let may = may.map_err(|error| unreadable(&error))?;
    let today = app.office.ledger().now().day();
    let mut packs = Vec::new();
    for pack in rules.packs() {
        let shipped = PACKS.into_iter().find(|shipped| shipped.id == pack.id);
        let own = shipped.as_ref().is_some_and(|shipped| shipped.text != pack.text);
        let of_pack: Vec<(&Fact, &RulesEvent)> = facts
            .iter()
            .filter_map(|fact| {
                let Event::Rules(event) = &fact.event else { return None };
                text_of(event).is_some_and(|(id, _)| id == pack.id).then_some((fact, event))
            })
            .collect();
        let difference = (asked == Some(pack.id)).then(|| {
            let earlier = of_pack.iter().rev().nth(1).and_then(|(_, event)| text_of(event)?.1);
            let shipped = shipped.as_ref().map(|shipped| shipped.text.to_string()).unwrap_or_default();
            changes(&if before { earlier.unwrap_or(shipped) } else { shipped }, &pack.text)
        });
        let query = [
            ("pack", pack.id),
            ("hash", &shipped.as_ref().map(adit_core::rules::Pack::hash).unwrap_or_default()),
            ("from", &today.to_string()),
        ]
        .map(|(name, value)| format!("{name}={value}"))
        .join("&");
        packs.push(Shows {
            id: pack.id,
            name: w.label(&format!("pack_{}", pack.id)),
            hash: pack.hash(),
            adopted: rules.is_adopted(pack.id),
            own,
            history: of_pack.into_iter().rev().map(|(fact, event)| decided(desk, fact, event)).collect(),
            adopt_at: if may && (own || !rules.is_adopted(pack.id)) {
                format!("/desk/do/rules.adopt?{stream}{query}&back=%2Fdesk%2Frulebook")
            } else {
                String::new()
            },
            amend_at: if may {
                format!("/desk/do/rules.amend?{stream}pack={}&back=%2Fdesk%2Frulebook", pack.id)
            } else {
                String::new()
            },
            difference,
        });
    }
    let set = |fact: &Fact| {
        let Event::Rules(event @ RulesEvent::RewardBudgetSet(_)) = &fact.event else { return None };
        Some(decided(desk, fact, event))
    };
    Ok(Rulebook {
        frame: Frame::of(desk),
        version: rules.version().to_owned(),
        packs,
        budgets: facts.iter().rev().filter_map(set).collect(),
        budget_at: if may {
            format!("/desk/do/rules.set_reward_budget?{stream}back=%2Fdesk%2Frulebook")
        } else {
            String::new()
        },
    })
}

fn decided(desk: &Desk, fact: &Fact, event: &RulesEvent) -> Decided {
    let w = desk.w;
    let (what, decision) = match event {
        RulesEvent::Adopted(adopt) => (
            w.fill("rulebook.adopted_from", &[("from", &adopt.from.to_string())]),
            adopt.decision.to_string(),
        ),
        RulesEvent::Amended(amend) => (w.t("rulebook.amended").to_owned(), amend.decision.to_string()),
        RulesEvent::RewardBudgetSet(budget) => {
            let (year, amount) = (budget.year.to_string(), budget.amount_yuan.to_string());
            (
                w.fill("rulebook.budget_of", &[("year", &year), ("amount", &amount)]),
                budget.decision.to_string(),
            )
        }
    };
    let by: Vec<String> = fact.by.iter().map(|actor| people::title(&desk.app, *actor)).collect();
    Decided {
        at: fact.at.local(),
        by: by.join(w.t("base.and")),
        what,
        decision,
        receipt: format!("/log/receipt/{}.tlog-proof", fact.position),
    }
}

/// The lines that differ, with a few around them; a gap where lines are left out.
fn changes(from: &str, to: &str) -> Vec<Changed> {
    let diff = TextDiff::from_lines(from, to);
    let mut changed = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        if !changed.is_empty() {
            changed.push(Changed { sign: "", text: "⋯".to_owned() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => "-",
                ChangeTag::Insert => "+",
                ChangeTag::Equal => "",
            };
            changed.push(Changed { sign, text: change.value().trim_end_matches(['\r', '\n']).to_owned() });
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_went_and_what_came_with_a_few_lines_around() {
        let lines = |changed: &str| {
            (1..=20)
                .map(|n| if n == 10 { format!("{changed}\n") } else { format!("{n}\n") })
                .collect::<String>()
        };
        let changed = changes(&lines("old"), &lines("new"));
        let told: Vec<String> = changed.iter().map(|line| format!("{}{}", line.sign, line.text)).collect();
        assert_eq!(told, ["7", "8", "9", "-old", "+new", "11", "12", "13"]);
        assert!(changes("same\n", "same\n").is_empty());
    }
}
