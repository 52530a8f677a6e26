//! Accounts: who is invited, who has taken it up, and what administrators still have to sign for them.

use std::collections::BTreeSet;

use adit_core::actor::{ActorCommand, Enrol};
use adit_core::command::{Command, Request};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::vkey::SigningKey;
use adit_core::refusal::Refusal;
use adit_core::report::READERS;
use adit_core::role::Role;
use adit_core::secret::officer_identity;
use adit_core::text::{Short, Text};
use adit_core::units::Position;
use adit_projections::{Filter, Viewer};
use askama::Template;
use axum::extract::{Form, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::frame::{Desk, Frame, Shown, Trouble, just_recorded, render, stream_address, words};
use super::people;
use super::words::Words;
use crate::handlers::commands::{Beside, carry_out};
use crate::handlers::sign_in::hashing;
use crate::handlers::{Shared, blocking};
use crate::invitations::Invitation;
use crate::keystore::{is_account, is_fit};
use crate::problem::{ApiRefusal, Problem, unreadable};

struct Row {
    title: String,
    at: String,
    account: String,
    roles: String,
    /// No key of it is in force.
    ended: bool,
    actor: String,
}

/// An invitation, as it stands.
struct Invited {
    name: String,
    title: String,
    account: String,
    roles: String,
    until: String,
    renews: bool,
    /// Somebody took it up: what is to be signed next.
    taken_up: bool,
    steps: Vec<(String, String)>,
    enrolled: bool,
}

#[derive(Template)]
#[template(path = "desk/accounts.html")]
struct Accounts {
    frame: Frame,
    /// The accounts of this page, and how many fit.
    all: Vec<Row>,
    total: usize,
    asked: Asked,
    before: Option<String>,
    next: Option<String>,
    invited: Vec<Invited>,
    roles: Vec<(&'static str, String)>,
    code: String,
    refusal: String,
    typed: Typed,
}

/// Enterprises that are looked at for the one whose name was typed.
const MEANT_MAX: usize = 200;

/// Rows of one page.
const PAGE_ROWS: usize = 50;

/// Which accounts are looked for.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// Words of the post, or the name with which somebody signs in.
    contains: String,
    role: String,
    offset: usize,
}

impl Asked {
    fn page_at(&self, offset: usize) -> String {
        let asked = Self { offset, ..self.clone() };
        format!("/desk/accounts?{}", serde_urlencoded::to_string(asked).unwrap_or_default())
    }
}

/// What an administrator types.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct Typed {
    #[serde(default)]
    what: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    enterprise: String,
    #[serde(default)]
    actor: String,
    #[serde(default)]
    name: String,
}

fn only_admin(desk: &Desk) -> Result<(), Problem> {
    if desk.reader.roles.contains(&Role::Admin) { Ok(()) } else { Err(ApiRefusal::Forbidden.into()) }
}

fn role_words(w: Words, role: Role) -> String {
    w.find(&format!("role.{}", role.name())).unwrap_or(role.name()).to_owned()
}

fn role_named(name: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.name() == name)
}

/// The accounts that fit what is asked: those of the bureau by their posts, then the others, the newest first.
fn found(desk: &Desk, asked: &Asked) -> Vec<(ActorId, String)> {
    let ledger = desk.app.office.ledger();
    let (keys, now) = (ledger.keys(), Position(ledger.size()));
    let holders = |role: Role| {
        let held = keys.with_role(role).filter(|(_, state)| state.in_force(now));
        held.filter_map(|(key, _)| keys.actor_of(key))
    };
    let of_bureau = Role::ALL.into_iter().filter(|role| *role != Role::Enterprise);
    let officers: BTreeSet<ActorId> = of_bureau.flat_map(holders).collect();
    let held: Option<BTreeSet<ActorId>> = role_named(&asked.role).map(|role| holders(role).collect());
    let words = asked.contains.trim();
    let named = Some(words).filter(|words| !words.is_empty()).and_then(|name| desk.app.keystore.find(name));
    desk.app.projector.read(|state| {
        let fits = |(actor, post): &(ActorId, Option<&str>)| {
            held.as_ref().is_none_or(|held| held.contains(actor))
                && (named == Some(*actor) || post.unwrap_or_default().contains(words))
        };
        let all = state.accounts.all().filter(fits);
        let (mut first, others): (Vec<_>, Vec<_>) = all.partition(|(actor, _)| officers.contains(actor));
        first.sort_by_key(|(_, post)| *post);
        let named = |(actor, post): (ActorId, Option<&str>)| (actor, people::called(post, actor));
        first.into_iter().chain(others).map(named).collect()
    })
}

fn page(desk: &Desk, asked: Asked, code: String, refusal: String, typed: Typed) -> Result<Accounts, Problem> {
    only_admin(desk)?;
    let (app, w) = (&desk.app, desk.w);
    let ledger = app.office.ledger();
    let (keys, now) = (ledger.keys(), Position(ledger.size()));
    let said = |roles: &[Role]| {
        let roles: Vec<String> = roles.iter().map(|role| role_words(w, *role)).collect();
        roles.join(w.t("base.and"))
    };
    let found = found(desk, &asked);
    let total = found.len();
    let row = |(actor, title): (ActorId, String)| {
        let in_force = keys.keys_of(actor, now);
        let roles: BTreeSet<Role> = in_force.iter().flat_map(|key| keys.roles(key)).collect();
        Row {
            title,
            at: stream_address(&StreamId::new(StreamKind::Actor, actor.0).to_string()),
            account: app.keystore.account(actor).unwrap_or_default(),
            roles: said(&roles.into_iter().collect::<Vec<_>>()),
            ended: in_force.is_empty(),
            actor: actor.to_string(),
        }
    };
    let accounts: Vec<Row> = found.into_iter().skip(asked.offset).take(PAGE_ROWS).map(row).collect();
    let end = asked.offset.saturating_add(accounts.len());
    let mut invited = Vec::new();
    for (name, invitation) in app.invitations.all(ledger.now()) {
        let (steps, enrolled) = next_steps(desk, &invitation)?;
        if invitation.key.is_some() && steps.is_empty() && enrolled {
            // Everything is signed: the ledger says the rest.
            app.invitations.end(&name).map_err(|error| unreadable(&error))?;
            continue;
        }
        invited.push(Invited {
            title: invitation.title.to_string(),
            account: invitation.account.clone().unwrap_or_default(),
            roles: said(&invitation.roles),
            until: invitation.good_until.local(),
            renews: invitation.renews,
            taken_up: invitation.key.is_some(),
            steps,
            enrolled,
            name,
        });
    }
    let offered = Role::ALL.into_iter().map(|role| (role.name(), role_words(w, role)));
    Ok(Accounts {
        all: accounts,
        total,
        before: (asked.offset > 0).then(|| asked.page_at(asked.offset.saturating_sub(PAGE_ROWS))),
        next: (end < total).then(|| asked.page_at(end)),
        asked,
        invited,
        roles: offered.collect(),
        code,
        refusal,
        typed,
        frame: Frame::of(desk),
    })
}

/// What administrators sign after an invitation was taken up, and whether it is enrolled.
fn next_steps(desk: &Desk, invitation: &Invitation) -> Result<(Vec<(String, String)>, bool), Problem> {
    let Some(key) = &invitation.key else { return Ok((Vec::new(), false)) };
    let ledger = desk.app.office.ledger();
    let keys = ledger.keys();
    let stream = StreamId::new(StreamKind::Actor, invitation.actor.0);
    let there = !ledger.stream(&stream).map_err(|error| unreadable(&error))?.is_empty();
    let leads_to = |command: &str, pairs: &[(&str, &str)]| {
        let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
        format!("/desk/do/{command}?stream={stream}&back=%2Fdesk%2Faccounts&{query}")
    };
    let fresh = key.to_string();
    let mut steps = Vec::new();
    let in_force = keys.in_force(key, Position(ledger.size()));
    if invitation.renews && !in_force {
        for old in keys.keys_of(invitation.actor, Position(ledger.size())) {
            let old = old.to_string();
            let mut pairs = vec![("old", old.as_str()), ("new", fresh.as_str())];
            pairs.extend(invitation.recipient.as_deref().map(|recipient| ("recipient", recipient)));
            steps.push((desk.w.command("actor.rotate_key"), leads_to("actor.rotate_key", &pairs)));
        }
        return Ok((steps, true));
    }
    if there {
        let held = keys.roles(key);
        for role in invitation.roles.iter().filter(|role| !held.contains(role)) {
            let words = format!(
                "{}{}{}",
                desk.w.command("actor.grant"),
                desk.w.t("base.colon"),
                role_words(desk.w, *role)
            );
            steps.push((words, leads_to("actor.grant", &[("role", role.name()), ("key", &fresh)])));
        }
    }
    Ok((steps, there))
}

/// Accounts and invitations
///
/// 账号与邀请；按岗位文字、登录名、角色查找，分页。
#[utoipa::path(get, path = "/desk/accounts", tag = "desk",
    params(("contains" = Option<String>, Query), ("role" = Option<String>, Query), ("offset" = Option<u64>, Query)),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden")))]
pub(crate) async fn show(desk: Desk, RawQuery(query): RawQuery) -> Shown {
    let asked: Asked =
        serde_urlencoded::from_str(query.as_deref().unwrap_or_default()).map_err(|_| ApiRefusal::BadQuery)?;
    if !asked.role.is_empty() && role_named(&asked.role).is_none() {
        return Err(ApiRefusal::BadQuery.into());
    }
    let recorded = just_recorded(query.as_deref());
    let page = blocking(move || page(&desk, asked, String::new(), String::new(), Typed::default())).await?;
    render(&Accounts { frame: page.frame.after(recorded), ..page })
}

/// Invite somebody, renew a key, enrol whoever took it up, or end an invitation
///
/// 邀请、换发密钥、登记、撤回邀请。
#[utoipa::path(post, path = "/desk/accounts", tag = "desk",
    responses((status = 200, description = "HTML: the code, shown once"), (status = 303, description = "Done"),
        (status = 403, description = "api.forbidden"), (status = 409, description = "api.account_taken"),
        (status = 422, description = "api.bad_account, or a rule refused it")))]
pub(crate) async fn act(desk: Desk, Form(typed): Form<Typed>) -> Shown {
    only_admin(&desk)?;
    if typed.what == "enrol" {
        return enrol(desk, &typed.name).await;
    }
    let worker = move || {
        let done = match typed.what.as_str() {
            "invite" => invite(&desk, &typed),
            "renew" => renew(&desk, &typed.actor),
            "end" => desk
                .app
                .invitations
                .end(&typed.name)
                .map(|()| String::new())
                .map_err(|_| ApiRefusal::NotFound.into()),
            _ => Err(ApiRefusal::BadRequest.into()),
        };
        match done {
            Ok(code) => {
                let shown = page(&desk, Asked::default(), code, String::new(), Typed::default())?;
                Ok((shown, axum::http::StatusCode::OK))
            }
            Err(problem) if problem.status.is_server_error() => Err(problem),
            Err(problem) => {
                let refusal = desk.w.refusal(&problem.refusal);
                Ok((page(&desk, Asked::default(), String::new(), refusal, typed)?, problem.status))
            }
        }
    };
    let (page, status) = blocking(worker).await?;
    let mut response = render(&page)?;
    *response.status_mut() = status;
    Ok(response)
}

fn invite(desk: &Desk, typed: &Typed) -> Result<String, Problem> {
    let app = &desk.app;
    let account = typed.account.trim().to_owned();
    if !is_account(&account) {
        return Err(ApiRefusal::BadAccount.into());
    }
    let now = app.office.ledger().now();
    let invited = app.invitations.all(now).into_iter();
    let asked = invited.filter(|(_, one)| one.account.as_deref() == Some(account.as_str())).count();
    if app.keystore.find(&account).is_some() || asked > 0 {
        return Err(ApiRefusal::AccountTaken.into());
    }
    let title: Short = Text::new(typed.title.trim()).map_err(|_| ApiRefusal::WrongValue)?;
    let role = role_named(&typed.role).ok_or(ApiRefusal::WrongValue)?;
    let acts_for = match typed.enterprise.trim() {
        "" => None,
        text => Some(enterprise_named(desk, text)?),
    };
    if (role == Role::Enterprise) != acts_for.is_some() {
        return Err(Refusal::new("actor.acts_for_missing").into());
    }
    let actor = ActorId(Id::random().map_err(|error| unreadable(&error))?);
    let code = app.invitations.invite(actor, Some(account), title, vec![role], acts_for, now);
    code.map_err(|error| unreadable(&error))
}

/// The enterprise that an id or a name means; administrators see no table of them.
fn enterprise_named(desk: &Desk, text: &str) -> Result<StreamId, Problem> {
    if let Ok(stream) = text.parse() {
        return Ok(stream);
    }
    let (rules, today) = (desk.app.office.rules(), desk.app.office.ledger().now().day());
    let filter = Filter { contains: Some(text.to_owned()), limit: Some(MEANT_MAX), ..Filter::default() };
    let meant = desk
        .app
        .projector
        .read(|state| state.query("enterprises", &filter, Viewer::Office, &rules, today))
        .map_err(|error| unreadable(&error))?
        .rows;
    let exact = |row: &&serde_json::Value| row["enterprise_name"] == text;
    let one = meant.iter().find(exact).or_else(|| meant.first().filter(|_| meant.len() == 1));
    let stream = one.and_then(|row| row["enterprise"].as_str()?.parse().ok());
    stream.ok_or_else(|| Refusal::new("actor.acts_for_missing").into())
}

fn renew(desk: &Desk, actor: &str) -> Result<String, Problem> {
    let app = &desk.app;
    let actor: ActorId = actor.parse().map_err(|_| ApiRefusal::NotFound)?;
    let ledger = app.office.ledger();
    if ledger.keys().keys_of(actor, Position(ledger.size())).is_empty() {
        return Err(ApiRefusal::NotFound.into());
    }
    let title = Text::new(&people::title(app, actor)).map_err(|_| ApiRefusal::WrongValue)?;
    let code = app.invitations.invite(actor, None, title, Vec::new(), None, ledger.now());
    code.map_err(|error| unreadable(&error))
}

/// Enrols whoever took an invitation up: the key that they made, under their post.
async fn enrol(desk: Desk, name: &str) -> Shown {
    let now = desk.app.office.ledger().now();
    let found = desk.app.invitations.all(now).into_iter().find(|(known, _)| known == name);
    let (_, invitation) = found.ok_or(ApiRefusal::NotFound)?;
    let key = invitation.key.clone().ok_or(ApiRefusal::NotFound)?;
    let enrol = Enrol {
        key,
        title: invitation.title.clone(),
        acts_for: invitation.acts_for,
        recipient: invitation.recipient.clone(),
    };
    let request = Request {
        id: CommandId(Id::random().map_err(|error| unreadable(&error))?),
        stream: Some(StreamId::new(StreamKind::Actor, invitation.actor.0)),
        command: Command::Actor(ActorCommand::Enrol(enrol)),
    };
    carry_out(&desk.app, request, &desk.session, &desk.reader, Beside::Nobody).await?;
    Ok(Redirect::to("/desk/accounts").into_response())
}

#[derive(Template)]
#[template(path = "desk/invitation.html")]
struct InvitationPage {
    w: Words,
    code: String,
    refusal: String,
    /// It was taken up: by whom.
    done: Option<String>,
}

/// The page on which an invitation is taken up
///
/// 接受邀请。
#[utoipa::path(get, path = "/desk/invitation", tag = "desk", responses((status = 200, description = "HTML")))]
pub(crate) async fn invitation(headers: HeaderMap) -> Shown {
    render(&InvitationPage { w: words(&headers), code: String::new(), refusal: String::new(), done: None })
}

/// What whoever is invited types.
#[derive(Deserialize)]
pub(crate) struct Taken {
    code: String,
    password: Zeroizing<String>,
    again: Zeroizing<String>,
}

/// Take an invitation up: choose a password, which makes the key
///
/// 接受邀请：设定口令，生成密钥。
#[utoipa::path(post, path = "/desk/invitation", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 404, description = "api.no_invitation"),
        (status = 422, description = "api.password_too_short, api.passwords_differ")))]
pub(crate) async fn take_up(State(app): Shared, headers: HeaderMap, Form(taken): Form<Taken>) -> Shown {
    let w = words(&headers);
    let code = taken.code.trim().to_owned();
    let taken_up = async {
        let now = app.office.ledger().now();
        let invitation = app.invitations.find(&code, now).ok_or(ApiRefusal::NoInvitation)?;
        if taken.password != taken.again {
            return Err(ApiRefusal::PasswordsDiffer.into());
        }
        if !is_fit(&taken.password) {
            return Err(ApiRefusal::PasswordTooShort.into());
        }
        let key_name = app.office.ledger().keys().actor_key_name(invitation.actor);
        let key = SigningKey::generate(&key_name).map_err(|error| unreadable(&error))?;
        let recipient = officer_identity(&key, app.office.ledger().origin()).recipient();
        let vkey = key.vkey();
        let (password, invited) = (taken.password, invitation.clone());
        hashing(&app, move |app| match &invited.account {
            Some(account) => app.keystore.enrol(invited.actor, Some(account), &key, &password),
            None => app.keystore.wait(invited.actor, &key, &password),
        })
        .await?;
        let done = invitation.account.clone().unwrap_or_else(|| invitation.title.to_string());
        // Reports are sealed to clerks, and shared with those who verify and handle.
        let reads = |role: &Role| *role == Role::Clerk || READERS.contains(role);
        let reads = invitation.renews || invitation.roles.iter().any(reads);
        let kept = Invitation { key: Some(vkey), recipient: reads.then_some(recipient), ..invitation };
        let (worker, name) = (std::sync::Arc::clone(&app), code.clone());
        blocking(move || worker.invitations.take_up(&name, &kept).map_err(|error| unreadable(&error)))
            .await?;
        Ok::<String, Problem>(done)
    };
    match taken_up.await {
        Ok(done) => {
            render(&InvitationPage { w, code: String::new(), refusal: String::new(), done: Some(done) })
        }
        Err(problem) if problem.status.is_server_error() => Err(Trouble(problem)),
        Err(problem) => {
            let refusal = w.refusal(&problem.refusal);
            let mut response = render(&InvitationPage { w, code, refusal, done: None })?;
            *response.status_mut() = problem.status;
            Ok(response)
        }
    }
}
