//! The server-rendered portals. Every form works without a script.

mod company;
mod shop;
mod sign_in;

use axum::{
    extract::{FromRequestParts, Request},
    http::{StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
};
use chrono::TimeZone;
use serde_json::{Value, json};

use crate::{
    clock::Instant,
    endpoints::Endpoint,
    errors::{Error, Result},
    models::companies::{self, Company},
    tenancy::{Access, Permission, Role, Souk, cookie},
    views::templates,
};

/// Every page.
pub fn endpoints() -> Vec<Endpoint> {
    [sign_in::endpoints(), company::endpoints(), shop::endpoints()].concat()
}

/// What a page refuses with: a person is led to the sign-in, or told on a page of their own.
pub struct PageError {
    error: Error,
    language: String,
    path: String,
}

type PageResult<T> = std::result::Result<T, PageError>;

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Error::NotSignedIn { .. } = self.error {
            return Redirect::to(&format!("/sign-in?next={}", encode(&self.path))).into_response();
        }
        let status = self.error.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = %self.error, "a page failed");
        }
        let problem = self.error.problem();
        let detail = problem.get("detail").and_then(Value::as_str).unwrap_or_default();
        let title = problem.get("title").and_then(Value::as_str).unwrap_or_default();
        let data = json!({ "lang": self.language, "theme": "", "status": status.as_u16(), "title": title, "detail": detail, "request_id": "", "flash": null });
        match templates::render("public/error.html", &data) {
            Ok(page) => (status, Html(page)).into_response(),
            Err(error) => error.into_response(),
        }
    }
}

/// A signed-in person on a page: the access, and what every page shows of them.
pub struct Visitor<P> {
    pub access: Access<P>,
    pub language: String,
    pub theme: String,
    pub path: String,
    pub flash: Option<Value>,
}

impl<P: Permission> FromRequestParts<Souk> for Visitor<P> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, souk: &Souk) -> PageResult<Self> {
        let path = parts.uri.path().to_owned();
        let flash = parts.uri.query().and_then(|query| {
            let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
            pairs.into_iter().find(|(name, _)| name == "said").map(|(_, key)| key)
        });
        match Access::<P>::from_request_parts(parts, souk).await {
            Ok(access) => {
                let (language, theme) = access.portal().map_or_else(
                    |_| ("en".to_owned(), String::new()),
                    |portal| (portal.staff.language.clone(), portal.staff.theme.clone()),
                );
                // Only keys of our own texts are shown, so an address cannot put words in our mouth.
                let flash = flash.filter(|key| key.starts_with("flash.") && templates::text(key, &language) != *key);
                let tone = |key: &str| if key.contains("refused") { "bad" } else { "ok" };
                let flash = flash.map(|key| json!({ "tone": tone(&key), "text": templates::text(&key, &language) }));
                Ok(Self { access, language, theme, path, flash })
            }
            Err(error) => {
                let language = cookie(&parts.headers, "souk_language").filter(|code| code == "hi").unwrap_or_else(|| "en".into());
                Err(PageError { error, language, path })
            }
        }
    }
}

impl<P: Permission> Visitor<P> {
    /// Turns a refusal into this visitor's error page.
    pub fn refuse(&self, error: Error) -> PageError {
        PageError { error, language: self.language.clone(), path: self.path.clone() }
    }

    /// Renders a page with what every page has, and `data`.
    pub fn page(&self, template: &str, company: &Company, data: Value) -> PageResult<Html<String>> {
        let tenant = self.access.tenant();
        let email = self.access.portal().map(|portal| portal.staff.email.clone()).unwrap_or_default();
        let initials: String = tenant.name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
        let mut all = json!({
            "lang": self.language, "theme": self.theme, "path": self.path,
            "person": { "name": tenant.name, "email": email, "role": tenant.role.name(), "initials": initials },
            "company": { "name": company.name, "slug": company.slug }, "flash": self.flash, "currency": company.currency,
        });
        if let (Value::Object(all), Value::Object(data)) = (&mut all, data) {
            all.extend(data);
        }
        templates::render(template, &all).map(Html).map_err(|error| self.refuse(error))
    }
}

/// The stylesheet with the company's colour.
async fn brand(visitor: Visitor<crate::tenancy::roles::SignedIn>) -> PageResult<Response> {
    let company = company_of(&visitor).await.map_err(|error| visitor.refuse(error))?;
    let css = format!(":root {{ --sk-brand: {}; }}\n", company.brand);
    Ok(([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "private, max-age=300")], css).into_response())
}

async fn company_of<P: Permission>(visitor: &Visitor<P>) -> Result<Company> {
    let scope = visitor.access.read().await?;
    companies::own(&scope).await
}

/// A moment on the company's wall clock.
fn local(at: Instant, zone: &str) -> String {
    let zone: chrono_tz::Tz = zone.parse().unwrap_or(chrono_tz::UTC);
    zone.from_utc_datetime(&at.utc().naive_utc()).format("%-d %b %Y, %H:%M").to_string()
}

/// The first page of each role.
const fn home(role: Role) -> &'static str {
    match role {
        Role::ShopStaff | Role::Rider => "/shop/orders",
        _ => "/company/orders",
    }
}

/// Only a path of ours may be gone to next.
fn safe_next(next: &str) -> Option<&str> {
    let is_ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r', '\t']) && next.len() < 500;
    is_ours.then_some(next)
}

/// A text as a query's value.
fn encode(text: &str) -> String {
    serde_urlencoded::to_string([("", text)]).unwrap_or_default().trim_start_matches('=').to_owned()
}

/// Where nobody answers: a page for people, a problem for programs.
pub async fn not_found(request: Request) -> Response {
    if request.uri().path().starts_with("/api") {
        return Error::NOT_FOUND.into_response();
    }
    PageError { error: Error::NOT_FOUND, language: "en".into(), path: String::new() }.into_response()
}
