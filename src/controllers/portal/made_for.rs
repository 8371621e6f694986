//! The company that a form is made for.
//!
//! A session is the whole browser's and a form is one tab's: whoever goes on to another company in
//! one tab still has the forms of the first in the others. So each form that writes names the
//! company of its page in the hidden field [`FIELD`] (with files in its address, which is read
//! before the files are), and a write whose form names another company than the session's is
//! refused by `Access`, before anything is asked or written. What was typed is shown again, with the
//! way to send it where it belongs.

use std::borrow::Cow;

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request},
    http::{Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    encode,
    fields::{FORM_BYTES_MAX, pairs},
    has_page, home, once,
};
use crate::{
    controllers::extract::value,
    errors::{Error, Result},
    ids::CompanyId,
    models::identity::{self, Astray},
    tenancy::{MadeFor, PLATFORM_COMPANY, Souk},
    views::templates,
};

/// The field's name, and that of the parameter.
pub const FIELD: &str = "made_for";
/// Forms that are about the browser and whoever sits at it, in whichever company.
const OF_NO_COMPANY: [&str; 4] = ["/sign-out", "/switch-company", "/language", "/theme"];

/// What a form that went astray held, to be sent again; nothing where it held files.
#[derive(Clone)]
pub struct Held(Vec<(String, String)>);

fn is_of_no_company(path: &str) -> bool {
    OF_NO_COMPANY.iter().any(|own| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Names the company in each form of a page that writes; `company_at` knows in which company a write
/// to an address would be.
pub fn mark(page: &str, own: &str, company_at: impl Fn(&str) -> CompanyId) -> String {
    let mut marked = String::with_capacity(page.len() + 1_024);
    let mut rest = page;
    while let Some((before, from)) = rest.find("<form").and_then(|at| rest.split_at_checked(at)) {
        marked.push_str(before);
        let Some((tag, behind)) = from.find('>').and_then(|end| from.split_at_checked(end + 1)) else {
            rest = from;
            break;
        };
        rest = behind;
        let action = attribute(tag, "action");
        let path = action.unwrap_or(own).split('?').next().unwrap_or_default();
        if attribute(tag, "method") != Some("post") || is_of_no_company(path) {
            marked.push_str(tag);
            continue;
        }
        let company = company_at(path);
        marked.push_str(&match action.filter(|_| attribute(tag, "enctype").is_some()) {
            Some(action) => Cow::Owned(tag.replacen(action, &format!("{action}?{FIELD}={company}"), 1)),
            None => Cow::Borrowed(tag),
        });
        marked.push_str(&format!("<input type=\"hidden\" name=\"{FIELD}\" value=\"{company}\">"));
    }
    marked.push_str(rest);
    marked
}

/// The value of a tag's attribute.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

/// Notes which company a form was made for, and what it holds, before anybody reads it.
///
/// # Errors
/// 413 for a form that is too long.
pub async fn hear(request: Request) -> Result<Request> {
    let is_form = request.method() == Method::POST && request.extensions().get::<MatchedPath>().is_some_and(|page| has_page(page.as_str()));
    if !is_form || is_of_no_company(request.uri().path()) {
        return Ok(request);
    }
    let named = pairs(request.uri().query().unwrap_or_default().as_bytes()).into_iter().find(|(name, _)| name == FIELD);
    if let Some((_, company)) = named {
        return Ok(noted(request, &company));
    }
    let kind = value(request.headers(), header::CONTENT_TYPE.as_str()).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| Error::TooLarge)?;
    let held = pairs(&body);
    let request = Request::from_parts(parts, Body::from(body));
    let Some(company) = held.iter().find(|(name, _)| name == FIELD).map(|(_, company)| company.clone()) else { return Ok(request) };
    let mut request = noted(request, &company);
    request.extensions_mut().insert(Held(held));
    Ok(request)
}

/// What cannot be read is no company of anybody's.
fn noted(mut request: Request, company: &str) -> Request {
    let company = company.parse().unwrap_or(CompanyId(Uuid::max()));
    request.extensions_mut().insert(MadeFor(company));
    request
}

/// A form that went astray, and whose it is.
pub(super) struct Stray {
    of: Astray,
    held: Option<Held>,
    to: String,
}

/// Whose form it is that was refused; nothing when that cannot be found out any more.
pub(super) async fn stray(souk: &Souk, secret: &str, form: MadeFor, held: Option<&Held>, uri: &Uri) -> Option<Stray> {
    let of = identity::astray(souk, secret, form.0).await.ok()?;
    Some(Stray { of, held: held.cloned(), to: uri.path_and_query().map_or_else(String::new, ToString::to_string) })
}

impl Stray {
    /// What the page says, and the ways on from there.
    fn told(&self) -> Value {
        let Astray { person, here, there, may_switch } = &self.of;
        let typed = self.held.as_ref().map(|held| held.0.as_slice()).unwrap_or_default();
        let is_secret = |name: &str| name.to_lowercase().contains("password");
        let can_send = *may_switch && !typed.is_empty() && !typed.iter().any(|(name, _)| is_secret(name));
        let shown = typed.iter().filter(|(name, value)| {
            !is_secret(name) && ![FIELD, once::FIELD, "version"].contains(&name.as_str()) && !value.trim().is_empty()
        });
        let there = there.as_ref();
        json!({
            "here": here, "there": there.map(|one| &one.name), "home": home(person.acting.as_ref().map_or(&person.tenant, |acting| &acting.tenant)),
            "switch": there.filter(|_| *may_switch).map(|one| one.id),
            "send": there.filter(|_| can_send).map(|one| format!("/switch-company/{}/send?to={}", one.id, encode(&self.to))),
            "act": there.filter(|one| !*may_switch && one.id != PLATFORM_COMPANY).map(|one| format!("/admin/companies/{}/act-as", one.id)),
            "held": if can_send { json!(typed) } else { json!([]) },
            "typed": shown.collect::<Vec<_>>(), "has_files": self.held.is_none(),
        })
    }

    /// The page that refuses it kindly.
    pub(super) fn show(&self, language: &str, theme: &str) -> Response {
        let data = json!({ "lang": language, "theme": theme, "path": "/", "flash": null, "stray": self.told() });
        match templates::render("public/other_company.html", &data) {
            Ok(page) => (StatusCode::CONFLICT, Html(page)).into_response(),
            Err(error) => error.into_response(),
        }
    }
}
