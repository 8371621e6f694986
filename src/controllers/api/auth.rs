//! `/api/auth`: register, sign in, stay signed in, leave.

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    controllers::extract::Json,
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    models::{
        carts,
        identity::{self, IssuedTokens, NewCustomer, Person},
    },
    tenancy::{
        Access, Actor, Guest, Souk, Tenant,
        roles::{Anyone, SignedIn},
    },
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Credentials {
    email: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Refresh {
    refresh_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Logout {
    #[serde(default)]
    all: bool,
}

/// Registers a customer of the request's company.
async fn register(State(souk): State<Souk>, guest: Guest, Json(new, _): Json<NewCustomer>) -> Result<(StatusCode, Answer<Value>)> {
    let company = guest.company()?;
    let hash = identity::hash_password(&new.password).await?;
    let scope = souk.write(guest.tenant(company)).await?;
    let customer = identity::register(&scope, new, hash).await?;
    scope.commit().await?;
    let person = Person::Customer(customer);
    let tokens = signed_in(&souk, &guest, &person).await?;
    Ok((StatusCode::CREATED, Answer(welcome(&person, &tokens))))
}

/// Signs in: the company's customers first, then staff.
async fn login(State(souk): State<Souk>, guest: Guest, Json(credentials, _): Json<Credentials>) -> Result<Answer<Value>> {
    let person = identity::sign_in(&souk, guest.company, &credentials.email, &credentials.password).await?;
    let tokens = signed_in(&souk, &guest, &person).await?;
    Ok(Answer(welcome(&person, &tokens)))
}

/// Opens the session; a guest's cart comes along.
async fn signed_in(souk: &Souk, guest: &Guest, person: &Person) -> Result<IssuedTokens> {
    if let (Person::Customer(customer), Some(token)) = (person, &guest.cart_token) {
        let tenant = Tenant { actor: Actor::Customer(customer.id), ..guest.tenant(customer.company_id) };
        let scope = souk.write(tenant).await?;
        carts::merge(&scope, token, customer.id).await?;
        scope.commit().await?;
    }
    identity::issue(souk, guest.company, person, &guest.ip, &guest.agent, false).await
}

fn welcome(person: &Person, tokens: &IssuedTokens) -> Value {
    let user = match person {
        Person::Customer(one) => json!({ "id": one.id, "email": one.email, "name": one.name, "phone": one.phone, "role": "customer" }),
        Person::Staff(one) => json!({ "id": one.id, "email": one.email, "name": one.name }),
    };
    json!({
        "user": user,
        "accessToken": tokens.access_token,
        "refreshToken": tokens.refresh_token,
        "expiresIn": tokens.expires_in,
    })
}

/// A new pair for a refresh token, which is used once.
async fn refresh(State(souk): State<Souk>, Json(body, _): Json<Refresh>) -> Result<Answer<IssuedTokens>> {
    Ok(Answer(identity::refresh(&souk, &body.refresh_token).await?))
}

async fn logout(access: Access<SignedIn>, Json(body, _): Json<Logout>) -> Result<StatusCode> {
    identity::revoke(access.souk(), access.claims()?, body.all).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether a token is good, and what it says.
async fn verify(State(souk): State<Souk>, headers: HeaderMap) -> Answer<Value> {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(claims) = token.and_then(|token| identity::read_token(&souk, token).ok()) else {
        return Answer(json!({ "valid": false }));
    };
    let alive = identity::caller_of_claims(&souk, &claims, claims.company_id).await.is_ok();
    Answer(json!({
        "valid": alive,
        "userId": claims.user_id,
        "role": claims.role,
        "companyId": claims.company_id,
        "shopIds": claims.shop_ids,
        "expiresAt": crate::clock::Instant(claims.exp * 1_000_000),
    }))
}

async fn profile(access: Access<SignedIn>) -> Result<Answer<Value>> {
    let claims = access.claims()?;
    let tenant = access.tenant();
    let phone = match tenant.actor {
        Actor::Customer(id) => {
            let scope = access.read().await?;
            identity::find_customer(&scope, id).await?.phone
        }
        Actor::Guest | Actor::System => return Err(Error::NotSignedIn { code: "not_signed_in" }),
        Actor::Member(_) | Actor::Platform(_) => None,
    };
    Ok(Answer(json!({
        "id": claims.user_id,
        "email": claims.email,
        "name": tenant.name,
        "phone": phone,
        "role": tenant.role,
        "companyId": claims.company_id,
        "shopIds": tenant.shops.clone().unwrap_or_default(),
    })))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        post::<Anyone, _>("/api/auth/register", "Registers a customer", register),
        post::<Anyone, _>("/api/auth/login", "Signs in", login),
        post::<Anyone, _>("/api/auth/refresh-token", "Exchanges a refresh token for a new pair", refresh),
        post::<SignedIn, _>("/api/auth/logout", "Ends this session, or all", logout),
        get::<Anyone, _>("/api/auth/verify", "Checks a token", verify),
        get::<SignedIn, _>("/api/auth/profile", "Who I am", profile),
    ]
}
