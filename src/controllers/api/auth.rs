//! `/api/auth`: register, sign in, stay signed in, leave; passwords and sessions.

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    controllers::{
        extract::{Id, Json, Query},
        page,
    },
    endpoints::{
        Endpoint,
        api::{delete, get, post},
    },
    errors::Result,
    ids::SessionId,
    models::{
        carts,
        identity::{self, IssuedTokens, NewCustomer, Person},
    },
    tenancy::{
        Access, Actor, Device, Guest, Souk, Tenant,
        roles::{Anyone, SignedIn},
    },
    views::account,
};

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Credentials {
    email: String,
    password: String,
    /// For a second factor, which nobody has here yet: it may come along, and decides nothing.
    #[serde(default, rename = "otp")]
    _otp: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "TokenRefresh")]
struct Refresh {
    refresh_token: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Logout {
    #[serde(default)]
    all: bool,
}

/// Registers a customer of the request's company.
async fn register(State(souk): State<Souk>, guest: Guest, Json(new, _): Json<NewCustomer>) -> Result<(StatusCode, Answer<Value>)> {
    let company = guest.open_company()?;
    let hash = identity::hash_password(&new.password).await?;
    let scope = souk.write(guest.device.guest(company)).await?;
    let customer = identity::register(&scope, new, hash).await?;
    identity::ask_to_verify(&scope, customer.id).await?;
    scope.commit().await?;
    let person = Person::Customer(customer);
    let tokens = signed_in(&souk, &guest, &person).await?;
    Ok((StatusCode::CREATED, Answer(welcome(&person, &tokens))))
}

/// Signs in: the company's customers first, then staff.
async fn login(State(souk): State<Souk>, guest: Guest, Json(credentials, _): Json<Credentials>) -> Result<Answer<Value>> {
    let person = identity::sign_in(&souk, guest.company, &credentials.email, &credentials.password, &guest.device).await?;
    let tokens = signed_in(&souk, &guest, &person).await?;
    Ok(Answer(welcome(&person, &tokens)))
}

/// Opens the session; a guest's cart comes along.
async fn signed_in(souk: &Souk, guest: &Guest, person: &Person) -> Result<IssuedTokens> {
    if let (Person::Customer(customer), Some(token)) = (person, &guest.cart_token) {
        let tenant = Tenant { actor: Actor::Customer(customer.id), ..guest.device.guest(customer.company_id) };
        let scope = souk.write(tenant).await?;
        carts::merge(&scope, token, customer.id).await?;
        scope.commit().await?;
    }
    identity::issue(souk, guest.company, person, &guest.device, false).await
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
async fn refresh(State(souk): State<Souk>, device: Device, Json(body, _): Json<Refresh>) -> Result<Answer<IssuedTokens>> {
    Ok(Answer(identity::refresh(&souk, &body.refresh_token, &device).await?))
}

async fn logout(access: Access<SignedIn>, Json(body, _): Json<Logout>) -> Result<StatusCode> {
    identity::sign_out(access.souk(), access.tenant(), &access.holder()?, body.all).await?;
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

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PasswordChange")]
struct NewPassword {
    old_password: String,
    new_password: String,
}

/// Changes one's own password; the other sessions end, and this one goes on with a new pair.
async fn change_password(access: Access<SignedIn>, Json(body, _): Json<NewPassword>) -> Result<Answer<IssuedTokens>> {
    let holder = access.holder()?;
    let tokens = identity::change_password(access.souk(), access.tenant(), &holder, &body.old_password, &body.new_password).await?;
    Ok(Answer(tokens))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ForgottenPassword")]
struct Forgotten {
    email: String,
}

/// Always the same answer at the same time, whoever has the address or nobody.
async fn forgot_password(State(souk): State<Souk>, guest: Guest, Json(body, _): Json<Forgotten>) -> Result<StatusCode> {
    identity::forgot(&souk, guest.company, &body.email, &guest.device).await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PasswordReset")]
struct Reset {
    /// The link of the letter.
    token: String,
    password: String,
}

async fn reset_password(State(souk): State<Souk>, device: Device, Json(body, _): Json<Reset>) -> Result<StatusCode> {
    identity::reset_password(&souk, &body.token, &body.password, &device).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EmailProof")]
struct Proof {
    /// The link of the letter.
    token: String,
}

async fn verify_email(State(souk): State<Souk>, device: Device, Json(body, _): Json<Proof>) -> Result<StatusCode> {
    identity::verify_address(&souk, &body.token, &device).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CodeWanted {
    /// With its country, such as `+91 98000 00001`.
    phone: String,
}

/// A code by SMS, for the telephone of one's own profile or for signing in by one that is proved.
/// Always the same answer at the same time, whoever has the telephone or nobody.
async fn send_code(_: Device, access: Access<Anyone>, Json(body, _): Json<CodeWanted>) -> Result<(StatusCode, Answer<Value>)> {
    access.ensure_company()?;
    identity::send_code(access.souk(), access.tenant(), &body.phone).await?;
    Ok((StatusCode::ACCEPTED, Answer(json!({ "expiresIn": identity::CODE_SECONDS }))))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CodeReceived {
    phone: String,
    /// The six digits of the newest message.
    code: String,
}

/// Takes a code: a customer who is signed in has proved their telephone, anybody else is signed in.
async fn take_code(guest: Guest, access: Access<Anyone>, Json(body, _): Json<CodeReceived>) -> Result<Response> {
    access.ensure_company()?;
    let customer = identity::take_code(access.souk(), access.tenant(), &guest.device, &body.phone, &body.code).await?;
    if let Actor::Customer(_) = access.tenant().actor {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let person = Person::Customer(customer);
    let tokens = signed_in(access.souk(), &guest, &person).await?;
    Ok(Answer(welcome(&person, &tokens)).into_response())
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pages {
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn sessions(access: Access<SignedIn>, Query(pages): Query<Pages>) -> Result<Answer<Value>> {
    let holder = access.holder()?;
    let limit = page::limit(pages.limit)?;
    let bound = format!("sessions {}", holder.whose.id());
    let before = page::open::<SessionId>(&access, &bound, pages.cursor.as_deref())?;
    let mut rows = identity::sessions(access.souk(), &holder, before, limit + 1).await?;
    let next = page::cut(&access, &bound, &mut rows, limit, |row| row.id)?;
    let data: Vec<_> = rows.iter().map(|row| account::session(row, holder.session)).collect();
    Ok(Answer(page::envelope(data, limit, next)))
}

async fn end_session(access: Access<SignedIn>, Id(id): Id<SessionId>) -> Result<StatusCode> {
    identity::end_session(access.souk(), access.tenant(), &access.holder()?, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        post::<Anyone, _>("/api/auth/register", "Registers a customer", register).answers(201, "Welcome"),
        post::<Anyone, _>("/api/auth/login", "Signs in", login).answers(200, "Welcome"),
        post::<Anyone, _>("/api/auth/refresh-token", "Exchanges a refresh token for a new pair", refresh).answers(200, "Tokens"),
        post::<SignedIn, _>("/api/auth/logout", "Ends this session, or all", logout).empty(204),
        get::<Anyone, _>("/api/auth/verify", "Checks a token", verify).answers(200, "Verified"),
        post::<SignedIn, _>("/api/auth/change-password", "Changes one's own password; other sessions end", change_password)
            .answers(200, "Tokens"),
        post::<Anyone, _>("/api/auth/forgot-password", "Asks for a letter to choose a new password", forgot_password).empty(202),
        post::<Anyone, _>("/api/auth/reset-password", "Sets a new password by a letter's link", reset_password).empty(204),
        post::<Anyone, _>("/api/auth/verify-email", "Proves an e-mail address by a letter's link", verify_email).empty(204),
        post::<Anyone, _>("/api/auth/otp/send", "Sends a code by SMS", send_code).answers(202, "CodeSent"),
        post::<Anyone, _>("/api/auth/otp/verify", "Proves one's telephone by a code, or signs in by it", take_code)
            .answers(200, "Welcome")
            .empty(204),
        get::<SignedIn, _>("/api/auth/sessions", "Where I am signed in", sessions).answers(200, "[Session]"),
        delete::<SignedIn, _>("/api/auth/sessions/{id}", "Ends one of my sessions", end_session).empty(204),
    ]
}
