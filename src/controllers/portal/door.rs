//! In front of the door: a forgotten password, a new one by a letter's link, an address that is proved.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Look, PageResult, fields::Fields, visitor::said};
use crate::{
    controllers::extract::Query,
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    models::identity::{self, Link, Purpose},
    tenancy::{Device, Guest, Souk, cookie, roles::Anyone},
    views::templates::{self, LANGUAGES},
};

/// A page for somebody who is not signed in: a form, or what came of it.
pub(super) fn page(headers: &HeaderMap, template: &str, status: StatusCode, data: Value) -> PageResult<Response> {
    let Look { language, theme, .. } = look(headers);
    let mut all = json!({
        "lang": language, "theme": theme, "path": "/sign-in", "flash": null, "error": null, "done": false, "link": "", "email": "",
        "for_staff": true, "form": { "values": {}, "errors": {}, "sent": false },
    });
    if let (Value::Object(all), Value::Object(data)) = (&mut all, data) {
        all.extend(data);
    }
    let shown = templates::render(template, &all).map_err(|error| Look { language, theme, ..Look::default() }.with(error))?;
    Ok((status, axum::response::Html(shown)).into_response())
}

pub(super) fn look(headers: &HeaderMap) -> Look {
    let language = cookie(headers, "souk_language").filter(|code| LANGUAGES.contains(&code.as_str())).unwrap_or_else(|| "en".into());
    let theme = cookie(headers, "souk_theme").filter(|theme| ["light", "dark"].contains(&theme.as_str())).unwrap_or_default();
    Look { language, theme, ..Look::default() }
}

#[derive(Deserialize)]
struct Linked {
    #[serde(default)]
    link: String,
}

async fn forgotten(headers: HeaderMap) -> PageResult<Response> {
    page(&headers, "public/forgotten.html", StatusCode::OK, json!({}))
}

/// Says the same to everybody, so that nobody learns who has an account.
async fn ask(State(souk): State<Souk>, guest: Guest, headers: HeaderMap, fields: Fields) -> PageResult<Response> {
    identity::forgot(&souk, None, fields.raw("email"), &guest.device).await.map_err(|error| look(&headers).with(error))?;
    page(&headers, "public/forgotten.html", StatusCode::OK, json!({ "done": true }))
}

async fn new_password(Query(asked): Query<Linked>, headers: HeaderMap) -> PageResult<Response> {
    page(&headers, "public/new_password.html", StatusCode::OK, json!({ "link": asked.link }))
}

async fn set_password(State(souk): State<Souk>, device: Device, headers: HeaderMap, mut fields: Fields) -> PageResult<Response> {
    let link = fields.raw("link").to_owned();
    let for_staff = Link::read(&link, Purpose::NewPassword).is_ok_and(|link| link.company.is_none());
    match choose(&souk, &device, &mut fields).await {
        Ok(()) => page(&headers, "public/new_password.html", StatusCode::OK, json!({ "done": true, "for_staff": for_staff })),
        Err(error) => refused(&headers, "public/new_password.html", error, &link),
    }
}

async fn choose(souk: &Souk, device: &Device, fields: &mut Fields) -> Result<()> {
    let password = fields.text("password");
    if fields.raw("againPassword") != password {
        fields.refuse("againPassword", "different", "the two are different");
    }
    fields.end()?;
    identity::reset_password(souk, fields.raw("link"), &password, device).await
}

async fn verify_email(Query(asked): Query<Linked>, headers: HeaderMap) -> PageResult<Response> {
    page(&headers, "public/verify_email.html", StatusCode::OK, json!({ "link": asked.link }))
}

/// By a button, since whoever scans mail opens its links.
async fn prove(State(souk): State<Souk>, device: Device, headers: HeaderMap, fields: Fields) -> PageResult<Response> {
    match identity::verify_address(&souk, fields.raw("link"), &device).await {
        Ok(()) => page(&headers, "public/verify_email.html", StatusCode::OK, json!({ "done": true })),
        Err(error) => refused(&headers, "public/verify_email.html", error, fields.raw("link")),
    }
}

fn refused(headers: &HeaderMap, template: &str, error: Error, link: &str) -> PageResult<Response> {
    let look = look(headers);
    if !matches!(error, Error::Invalid(_)) {
        return Err(look.with(error));
    }
    page(headers, template, StatusCode::UNPROCESSABLE_ENTITY, json!({ "error": said(&error, &look.language), "link": link }))
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<Anyone, _>("/forgotten", "Asks for a letter to choose a new password", forgotten),
        post::<Anyone, _>("/forgotten", "Sends that letter", ask),
        get::<Anyone, _>("/new-password", "Chooses a new password by a letter's link", new_password),
        post::<Anyone, _>("/new-password", "Sets the new password", set_password),
        get::<Anyone, _>("/verify-email", "Proves an e-mail address by a letter's link", verify_email),
        post::<Anyone, _>("/verify-email", "Keeps that it is proved", prove),
    ]
}
