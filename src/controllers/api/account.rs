//! `/api/auth`, about oneself: profile, address book, preferences.

use axum::{Json as Answer, http::StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    controllers::{
        extract::{Id, Json, Query, Version},
        page,
    },
    endpoints::{
        Endpoint,
        api::{delete, get, post, put},
    },
    errors::Result,
    ids::AddressId,
    models::identity::{self, NewAddress, PreferencesChange, ProfileChange},
    tenancy::{
        Access,
        roles::{AccountKeep, SignedIn},
    },
    views::account,
};

async fn profile(access: Access<SignedIn>) -> Result<Answer<Value>> {
    let person = identity::person(access.souk(), &access.holder()?).await?;
    Ok(Answer(account::profile(&person, access.tenant())))
}

async fn change_profile(
    access: Access<SignedIn>,
    Version(version): Version,
    Json(change, _): Json<ProfileChange>,
) -> Result<Answer<Value>> {
    let person = identity::change_profile(access.souk(), access.tenant(), &access.holder()?, &change, version).await?;
    Ok(Answer(account::profile(&person, access.tenant())))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pages {
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn addresses(access: Access<AccountKeep>, Query(pages): Query<Pages>) -> Result<Answer<Value>> {
    let limit = page::limit(pages.limit)?;
    let after = page::open::<AddressId>(&access, "addresses", pages.cursor.as_deref())?;
    let scope = access.read().await?;
    let mut rows = identity::addresses(&scope, scope.customer()?, after, limit + 1).await?;
    let next = page::cut(&access, "addresses", &mut rows, limit, |row| row.id)?;
    Ok(Answer(page::envelope(rows.iter().map(account::address).collect::<Vec<_>>(), limit, next)))
}

async fn add_address(access: Access<AccountKeep>, Json(new, _): Json<NewAddress>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    let row = identity::add_address(&scope, scope.customer()?, new).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(account::address(&row))))
}

async fn change_address(
    access: Access<AccountKeep>,
    Id(id): Id<AddressId>,
    Version(version): Version,
    Json(new, _): Json<NewAddress>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    let row = identity::change_address(&scope, scope.customer()?, id, new, version).await?;
    scope.commit().await?;
    Ok(Answer(account::address(&row)))
}

async fn remove_address(access: Access<AccountKeep>, Id(id): Id<AddressId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    identity::remove_address(&scope, scope.customer()?, id).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn preferences(access: Access<AccountKeep>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    Ok(Answer(account::preferences(&identity::preferences(&scope, scope.customer()?).await?)))
}

async fn change_preferences(access: Access<AccountKeep>, Json(change, _): Json<PreferencesChange>) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    let kept = identity::change_preferences(&scope, scope.customer()?, change).await?;
    scope.commit().await?;
    Ok(Answer(account::preferences(&kept)))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<SignedIn, _>("/api/auth/profile", "Who I am", profile).answers(200, "Profile"),
        put::<SignedIn, _>("/api/auth/profile", "Changes my name, phone or language", change_profile).answers(200, "Profile"),
        get::<AccountKeep, _>("/api/auth/addresses", "My address book", addresses).answers(200, "[KeptAddress]"),
        post::<AccountKeep, _>("/api/auth/addresses", "Adds an address", add_address).answers(201, "KeptAddress"),
        put::<AccountKeep, _>("/api/auth/addresses/{id}", "Writes an address anew", change_address).answers(200, "KeptAddress"),
        delete::<AccountKeep, _>("/api/auth/addresses/{id}", "Takes an address out of the book", remove_address).empty(204),
        get::<AccountKeep, _>("/api/auth/preferences", "What I like", preferences).answers(200, "Preferences"),
        put::<AccountKeep, _>("/api/auth/preferences", "Changes what I like", change_preferences).answers(200, "Preferences"),
    ]
}
