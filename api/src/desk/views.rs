//! Saved views: filters and columns of a table under a name, for the account that saved them and nobody else.
//!
//! They are no part of the ledger. All of an account lie beside its key as one file, sealed to that key, so that nobody else reads on the
//! server what somebody looks for. A new key for a lost one begins without any.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::PoisonError;

use adit_core::id::Id;
use adit_core::ledger::vkey::SigningKey;
use adit_core::refusal::Refusal;
use adit_core::seal::{self, Kind};
use adit_core::secret::officer_identity;
use adit_core::text::Text;
use axum::extract::Form;
use axum::response::{IntoResponse, Redirect};
use serde::{Deserialize, Serialize};

use super::frame::{Desk, Shown};
use super::table::{Wanted, find};
use crate::handlers::blocking;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Longest query of a view, in bytes; all filters and columns of any table take less.
const QUERY_BYTES_MAX: usize = 4096;

/// A name that somebody gave.
type Name = Text<40>;

/// One view as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    id: Id,
    table: String,
    name: Name,
    query: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    v: u8,
    views: Vec<Kept>,
}

/// One view as it is shown.
pub(super) struct View {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) href: String,
    pub(super) is_shown: bool,
}

/// The views of one table, and the one that could be saved.
pub(super) struct Views {
    pub(super) kept: Vec<View>,
    pub(super) query: String,
    pub(super) is_full: bool,
}

impl Views {
    pub(super) fn of(desk: &Desk, table: &str, query: &str) -> Result<Self, Problem> {
        let all = match desk.session.key.as_deref() {
            Some(key) => kept(desk, key)?,
            None => Vec::new(),
        };
        let is_full = all.len() as u64 >= desk.app.intake.limits.saved_views;
        let shown = |view: Kept| View {
            id: view.id.to_string(),
            name: view.name.to_string(),
            href: address(&view.table, &view.query),
            is_shown: view.query == query,
        };
        let kept = all.into_iter().filter(|view| view.table == table).map(shown).collect();
        Ok(Self { kept, query: query.to_owned(), is_full })
    }
}

fn address(table: &str, query: &str) -> String {
    format!("/desk/tables/{table}?{query}")
}

fn path(desk: &Desk) -> PathBuf {
    desk.app.keystore.folder().join(format!("{}.views.age", desk.session.actor))
}

/// All views of an account; none where they were sealed to a key of before.
fn kept(desk: &Desk, key: &SigningKey) -> Result<Vec<Kept>, Problem> {
    let sealed = match fs::read(path(desk)) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(&error)),
    };
    let identity = officer_identity(key, desk.app.office.ledger().origin());
    let text = seal::open(&sealed, &identity).ok();
    let file: Option<File> = text.and_then(|text| serde_json::from_slice(&text).ok());
    Ok(file.map(|file| file.views).unwrap_or_default())
}

fn keep(desk: &Desk, key: &SigningKey, views: Vec<Kept>) -> Result<(), Problem> {
    let identity = officer_identity(key, desk.app.office.ledger().origin());
    let text = serde_json::to_vec(&File { v: 1, views }).map_err(|error| unreadable(&error))?;
    let sealed = seal::seal(&text, [identity.recipient().as_str()], Kind::Text);
    let sealed = sealed.map_err(|error| unreadable(&error))?;
    desk.app.keystore.replace(&path(desk), &sealed).map_err(|error| unreadable(&error))
}

/// What is done with a view.
#[derive(Deserialize)]
pub(crate) struct Change {
    what: String,
    table: String,
    #[serde(default)]
    view: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    name: String,
}

/// Save, rename or delete a view of a table
///
/// 保存、改名、删除常用视图：只属于本账号，不进台账。
#[utoipa::path(post, path = "/desk/views", tag = "desk",
    responses((status = 303, description = "To the table"), (status = 404, description = "There is no such table, or no such view"),
        (status = 409, description = "api.key_elsewhere"), (status = 422, description = "views.bad_name, views.too_many")))]
pub(crate) async fn change(desk: Desk, Form(change): Form<Change>) -> Shown {
    let address = blocking(move || changed(&desk, &change)).await?;
    Ok(Redirect::to(&address).into_response())
}

/// Carries it out; gives back the table to go to.
fn changed(desk: &Desk, change: &Change) -> Result<String, Problem> {
    let (table, _) = find(&change.table).ok_or(ApiRefusal::NotFound)?;
    desk.reader.asker(table).ok_or(ApiRefusal::Forbidden)?;
    let key = desk.session.key.as_deref().ok_or(ApiRefusal::KeyElsewhere)?;
    let name = || Name::new(change.name.trim()).map_err(|_| Problem::from(Refusal::new("views.bad_name")));
    // Two tabs of one account change one after the other.
    let _turn = desk.app.views_kept.lock().unwrap_or_else(PoisonError::into_inner);
    let mut views = kept(desk, key)?;
    let at = views.iter().position(|view| view.table == table && view.id.to_string() == change.view);
    let query = match (change.what.as_str(), at) {
        ("save", _) => {
            let limit = desk.app.intake.limits.saved_views;
            save(&mut views, table, name()?, query(table, &change.query)?, limit)?
        }
        ("rename", Some(at)) => match views.get_mut(at) {
            Some(view) => {
                view.name = name()?;
                view.query.clone()
            }
            None => String::new(),
        },
        ("delete", Some(at)) => {
            views.remove(at);
            String::new()
        }
        ("rename" | "delete", None) => return Err(ApiRefusal::NotFound.into()),
        _ => return Err(ApiRefusal::BadRequest.into()),
    };
    keep(desk, key, views)?;
    Ok(address(table, &query))
}

/// A query that the table can be asked, without a place in it.
fn query(table: &'static str, text: &str) -> Result<String, Problem> {
    let wanted = Wanted::read(table, text)?;
    wanted.asked()?;
    let query = wanted.query();
    if query.len() > QUERY_BYTES_MAX { Err(ApiRefusal::BadQuery.into()) } else { Ok(query) }
}

/// Adds a view; one of the same name in the same table makes way.
fn save(
    views: &mut Vec<Kept>,
    table: &str,
    name: Name,
    query: String,
    limit: u64,
) -> Result<String, Problem> {
    if let Some(same) = views.iter_mut().find(|view| view.table == table && view.name == name) {
        same.query.clone_from(&query);
        return Ok(query);
    }
    if views.len() as u64 >= limit {
        return Err(Refusal::new("views.too_many").with("max", &limit.to_string()).into());
    }
    let id = Id::random().map_err(|error| unreadable(&error))?;
    views.push(Kept { id, table: table.to_owned(), name, query: query.clone() });
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Name {
        Name::new(name).expect("a name")
    }

    #[test]
    fn a_view_of_the_same_name_makes_way_and_the_limit_holds() {
        let mut views = Vec::new();
        save(&mut views, "register", named("逾期"), "overdue=true".to_owned(), 2).expect("saved");
        save(&mut views, "docket", named("逾期"), String::new(), 2).expect("another table");
        save(&mut views, "register", named("逾期"), "overdue=true&town=x".to_owned(), 2).expect("the same");
        assert_eq!(
            views.iter().map(|view| view.query.as_str()).collect::<Vec<_>>(),
            ["overdue=true&town=x", ""]
        );
        let refused = save(&mut views, "register", named("挂牌"), String::new(), 2).expect_err("full");
        assert_eq!(refused.refusal.code, "views.too_many");
    }

    #[test]
    fn a_query_is_kept_as_the_table_can_be_asked() {
        let kept =
            query("register", "status=closed&town=&column=place&column=status&offset=50").expect("fits");
        assert_eq!(kept, "status=closed&column=place&column=status");
        for bad in ["status=shut", "colour=red", "status=closed&status=closed"] {
            assert!(query("register", bad).is_err(), "{bad}");
        }
        assert!(query("register", &format!("town={}", "x".repeat(QUERY_BYTES_MAX))).is_err());
    }
}
