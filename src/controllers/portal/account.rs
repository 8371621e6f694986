//! A staff person's own account: name, language and look, password, and where they are signed in.

use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::{PageResult, Visitor, fields::Fields, home, local, sign_in::set_cookie, ways};
use crate::{
    controllers::extract::Id,
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::SessionId,
    models::{
        companies::{self, Company},
        identity::{self, ProfileChange},
        notifications,
    },
    tenancy::{
        Access, Actor,
        roles::{NotificationsRead, SignedIn},
    },
    views::templates::LANGUAGES,
};

const PAGE: &str = "/account";
/// A person with more sessions than this ends them all by changing the password.
const SESSIONS: u64 = 50;

async fn show(visitor: Visitor<SignedIn>) -> PageResult<Html<String>> {
    let (company, data) = read(&visitor).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/account.html", &company, data)
}

async fn read(visitor: &Visitor<SignedIn>) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let (holder, staff) = (access.holder()?, &access.portal()?.staff);
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    drop(scope);
    let sessions = identity::sessions(access.souk(), &holder, None, SESSIONS).await?;
    let sessions: Vec<_> = sessions
        .iter()
        .map(|one| {
            json!({
                "id": one.id, "agent": one.user_agent, "address": one.ip_address, "since": local(one.created_at, &company.zone, &visitor.language),
                "until": local(one.expires_at, &company.zone, &visitor.language), "is_portal": one.kind == "portal", "is_current": one.id == holder.session,
                "fill": json!({ "device": format!("{} {}", one.user_agent, one.ip_address) }).to_string(),
            })
        })
        .collect();
    let language = |code: &&str| json!({ "value": code, "label_key": if *code == "hi" { "language.hindi" } else { "language.english" } });
    let theme = |(code, key): (&str, &str)| json!({ "value": code, "label_key": key });
    let themes = [("light", "theme.light"), ("dark", "theme.dark")].map(theme);
    let data = json!({
        "home": home(access.tenant()), "sessions": sessions, "ways": own_ways(access).await?,
        "own": { "name": staff.name, "phone": staff.phone, "email": staff.email, "language": staff.language, "theme": staff.theme },
        "languages": LANGUAGES.iter().map(language).collect::<Vec<_>>(),
        "themes": themes,
    });
    Ok((company, data))
}

/// By which ways a member's messages come; nothing for somebody who gets none here.
async fn own_ways(access: &Access<SignedIn>) -> Result<Option<Value>> {
    let Some(access) = access.also::<NotificationsRead>().filter(|access| matches!(access.tenant().actor, Actor::Member(_))) else {
        return Ok(None);
    };
    let choices = notifications::my_choices(&access.read().await?).await?;
    Ok(Some(ways::table(&choices)))
}

async fn save_ways(visitor: Visitor<NotificationsRead>, fields: Fields) -> PageResult<Redirect> {
    match keep_ways(&visitor.access, &fields).await {
        Ok(()) => Ok(visitor.done(PAGE, "saved")),
        Err(error) => visitor.back(PAGE, error),
    }
}

async fn keep_ways(access: &Access<NotificationsRead>, fields: &Fields) -> Result<()> {
    let scope = access.write().await?;
    notifications::choose(&scope, &ways::read(fields)).await?;
    scope.commit().await
}

async fn save(visitor: Visitor<SignedIn>, mut fields: Fields) -> PageResult<Response> {
    match keep(&visitor, &mut fields).await {
        Ok(()) => Ok(visitor.done(PAGE, "saved").into_response()),
        Err(error) => again(visitor.refused(error, &fields)?).await,
    }
}

async fn keep(visitor: &Visitor<SignedIn>, fields: &mut Fields) -> Result<()> {
    let access = &visitor.access;
    let change = ProfileChange {
        name: Some(fields.text("name")),
        phone: Some(fields.optional("phone").unwrap_or_default()),
        language: Some(fields.text("language")),
    };
    let theme = fields.optional("theme").filter(|theme| ["light", "dark"].contains(&theme.as_str())).unwrap_or_default();
    fields.end()?;
    identity::change_profile(access.souk(), access.tenant(), &access.holder()?, &change, None).await?;
    identity::set_appearance(access.souk(), access.portal()?.staff.id, None, Some(&theme)).await
}

async fn again(visitor: Visitor<SignedIn>) -> PageResult<Response> {
    let (company, data) = read(&visitor).await.map_err(|error| visitor.refuse(error))?;
    visitor.again("company/account.html", &company, data)
}

async fn change_password(visitor: Visitor<SignedIn>, mut fields: Fields) -> PageResult<Response> {
    match renew(&visitor, &mut fields).await {
        Ok(secret) => {
            let mut answer = visitor.done(PAGE, "password_changed").into_response();
            set_cookie(&mut answer, visitor.access.souk(), "souk_session", &secret);
            Ok(answer)
        }
        Err(error) => again(visitor.refused(error, &fields)?).await,
    }
}

/// The session's new secret.
async fn renew(visitor: &Visitor<SignedIn>, fields: &mut Fields) -> Result<String> {
    let access = &visitor.access;
    let (old, new) = (fields.text("oldPassword"), fields.text("newPassword"));
    if fields.raw("againPassword") != new {
        fields.refuse("againPassword", "different", "the two are different");
    }
    fields.end()?;
    Ok(identity::change_password(access.souk(), access.tenant(), &access.holder()?, &old, &new).await?.refresh_token)
}

async fn end_session(visitor: Visitor<SignedIn>, Id(id): Id<SessionId>) -> PageResult<Redirect> {
    let access = &visitor.access;
    let holder = access.holder().map_err(|error| visitor.refuse(error))?;
    identity::end_session(access.souk(), access.tenant(), &holder, id).await.map_err(|error| visitor.refuse(error))?;
    Ok(visitor.done(PAGE, "session_ended"))
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<SignedIn, _>(PAGE, "My account", show),
        post::<SignedIn, _>(PAGE, "Saves my name, phone, language and theme", save),
        post::<NotificationsRead, _>("/account/messages", "Chooses by which ways my messages come", save_ways),
        post::<SignedIn, _>("/account/password", "Changes my password", change_password),
        post::<SignedIn, _>("/account/sessions/{id}/end", "Ends one of my sessions", end_session),
    ]
}
