//! One door for all staff.

use axum::{
    Form,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{Look, PageResult, Visitor, brand, door::look, fields::Fields, home, safe_next};
use crate::{
    controllers::extract::Query,
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    models::identity::{self, Person},
    tenancy::{
        Access, Guest, Souk, cookie,
        roles::{Anyone, SignedIn},
    },
    views::templates::{self, LANGUAGES},
};

#[derive(Deserialize)]
struct Asked {
    next: Option<String>,
}

async fn show(Query(asked): Query<Asked>, headers: HeaderMap) -> PageResult<Html<String>> {
    form(&headers, "", None, asked.next.as_deref().unwrap_or_default())
}

fn form(headers: &HeaderMap, email: &str, error: Option<&str>, next: &str) -> PageResult<Html<String>> {
    let language = cookie(headers, "souk_language").filter(|code| LANGUAGES.contains(&code.as_str())).unwrap_or_else(|| "en".into());
    let theme = cookie(headers, "souk_theme").filter(|theme| ["light", "dark"].contains(&theme.as_str())).unwrap_or_default();
    let next = safe_next(next).unwrap_or_default();
    let data = json!({ "lang": language, "theme": theme, "path": "/sign-in", "flash": null, "email": email, "error": error, "next": next });
    templates::render("public/sign_in.html", &data).map(Html).map_err(|error| Look { language, theme, ..Look::default() }.with(error))
}

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Signs in; a new session at every sign-in, so that none can be planted beforehand.
async fn sign_in(State(souk): State<Souk>, guest: Guest, headers: HeaderMap, Form(credentials): Form<Credentials>) -> PageResult<Response> {
    let told = match identity::sign_in(&souk, None, &credentials.email, &credentials.password, &guest.device).await {
        Ok(person @ Person::Staff(_)) => match open(&souk, &guest, &person, &credentials.next).await {
            Ok(answer) => return Ok(answer),
            Err(Error::NotSignedIn { .. }) => "sign_in.not_staff",
            Err(error) => return Err(Look { language: "en".into(), ..Look::default() }.with(error)),
        },
        Err(Error::TooMany { .. }) => "sign_in.locked",
        Ok(Person::Customer(_)) | Err(Error::NotSignedIn { .. } | Error::NotAllowed { .. }) => "sign_in.wrong",
        Err(error) => return Err(Look { language: "en".into(), ..Look::default() }.with(error)),
    };
    let page = form(&headers, &credentials.email, Some(told), &credentials.next)?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

async fn open(souk: &Souk, guest: &Guest, person: &Person, next: &str) -> Result<Response> {
    let tokens = identity::issue(souk, None, person, &guest.device, true).await?;
    let portal = identity::caller_of_cookie(souk, &tokens.refresh_token).await?;
    let to = safe_next(next).filter(|next| *next != "/").unwrap_or_else(|| home(&portal.tenant));
    let mut answer = Redirect::to(to).into_response();
    set_cookie(&mut answer, souk, "souk_session", &tokens.refresh_token);
    Ok(answer)
}

pub(super) fn set_cookie(answer: &mut Response, souk: &Souk, name: &str, value: &str) {
    let secure = if souk.settings().is_production { "; Secure" } else { "" };
    let age = if value.is_empty() { "; Max-Age=0" } else { "; Max-Age=50400" };
    if let Ok(cookie) = HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

async fn sign_out(visitor: Visitor<SignedIn>) -> PageResult<Response> {
    let access = &visitor.access;
    let holder = access.holder().map_err(|error| visitor.refuse(error))?;
    identity::sign_out(access.souk(), access.tenant(), &holder, false).await.map_err(|error| visitor.refuse(error))?;
    let mut answer = Redirect::to("/sign-in").into_response();
    set_cookie(&mut answer, visitor.access.souk(), "souk_session", "");
    Ok(answer)
}

async fn root(visitor: Visitor<SignedIn>) -> Redirect {
    Redirect::to(home(visitor.access.tenant()))
}

/// Keeps the language: for a person with them, before sign-in in a cookie.
async fn language(State(souk): State<Souk>, person: Result<Access<SignedIn>>, headers: HeaderMap, fields: Fields) -> PageResult<Response> {
    let code = LANGUAGES.into_iter().find(|code| *code == fields.raw("lang")).unwrap_or("en");
    keep(&souk, person, Some(code), None).await.map_err(|error| look(&headers).with(error))?;
    Ok(chosen(&souk, &fields, "souk_language", code))
}

/// Keeps the theme, as [`language`]; nothing chosen is the machine's own.
async fn theme(State(souk): State<Souk>, person: Result<Access<SignedIn>>, headers: HeaderMap, fields: Fields) -> PageResult<Response> {
    let theme = ["light", "dark"].into_iter().find(|theme| *theme == fields.raw("theme")).unwrap_or("");
    keep(&souk, person, None, Some(theme)).await.map_err(|error| look(&headers).with(error))?;
    Ok(chosen(&souk, &fields, "souk_theme", theme))
}

/// Nobody is nobody; whoever asks too much is told so.
async fn keep(souk: &Souk, person: Result<Access<SignedIn>>, language: Option<&str>, theme: Option<&str>) -> Result<()> {
    match person {
        Ok(access) => identity::set_appearance(souk, access.portal()?.staff.id, language, theme).await,
        Err(Error::NotSignedIn { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn chosen(souk: &Souk, fields: &Fields, cookie: &str, value: &str) -> Response {
    let mut answer = Redirect::to(safe_next(fields.raw("next")).unwrap_or("/")).into_response();
    set_cookie(&mut answer, souk, cookie, value);
    answer
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<SignedIn, _>("/", "The person's first page", root),
        get::<Anyone, _>("/sign-in", "The door for staff", show),
        post::<Anyone, _>("/sign-in", "Signs staff in", sign_in),
        post::<SignedIn, _>("/sign-out", "Signs staff out", sign_out),
        post::<Anyone, _>("/language", "Keeps the language", language),
        post::<Anyone, _>("/theme", "Keeps the theme", theme),
        get::<SignedIn, _>("/company/brand.css", "The company's colour", brand),
    ]
}
