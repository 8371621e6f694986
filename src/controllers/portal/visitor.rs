//! Who looks at a page, what every page shows of them, and how a page refuses.

use axum::{
    extract::{FromRequestParts, MatchedPath, Request},
    http::{Extensions, HeaderMap, Method, StatusCode, Uri, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};

use super::{
    admin, encode,
    fields::Fields,
    made_for::{self, Stray},
    nav::{self, Portal},
    once, owing, safe_next,
    undo::{self, UNDO},
};
use crate::{
    controllers::{extract::value, page},
    errors::{Error, FieldError},
    ids::RowId,
    models::{companies::Company, identity},
    tenancy::{self, Access, MadeFor, OTHER_COMPANY, Permission, Souk, cookie, roles::NotificationsRead},
    views::templates::{self, LANGUAGES},
};

/// What a page refuses with: a person is led to the sign-in, or told on a page of their own.
pub struct PageError {
    pub error: Error,
    pub look: Box<Look>,
    /// The form that was refused since it was made for another company.
    stray: Option<Box<Stray>>,
}

/// How pages look for somebody, known also where the person is not.
#[derive(Clone, Debug, Default)]
pub struct Look {
    pub language: String,
    pub theme: String,
    /// The address asked for, with its query: where a sign-in leads back to.
    pub address: String,
    /// What the page asks for, to be named when it is missing.
    pub permission: &'static str,
    pub request_id: String,
}

/// What the signed texts of acts are bound to.
const TOLD: &str = "told";
/// How many lines an act says about single rows: an address has an end.
const LINES_MAX: usize = 8;

pub type PageResult<T> = std::result::Result<T, PageError>;

impl Look {
    /// This look's page for a refusal.
    pub fn with(self, error: Error) -> PageError {
        PageError { error, look: Box::new(self), stray: None }
    }

    fn of(parts: &Parts, permission: &'static str) -> Self {
        Self::at(&parts.uri, &parts.headers, &parts.extensions, permission)
    }

    fn at(uri: &Uri, headers: &HeaderMap, extensions: &Extensions, permission: &'static str) -> Self {
        let address = uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let request_id = extensions.get::<tenancy::Request>().map_or_else(String::new, |request| request.id.clone());
        let language = cookie(headers, "souk_language").filter(|code| LANGUAGES.contains(&code.as_str())).unwrap_or_else(|| "en".into());
        let theme = cookie(headers, "souk_theme").filter(|theme| ["light", "dark"].contains(&theme.as_str())).unwrap_or_default();
        Self { language, theme, address, permission, request_id }
    }

    /// Somebody who is signed in is refused in their own language, whatever they may not do. Only a secret
    /// that was found lately is looked up, since no limit has counted this request.
    async fn of_person(&mut self, souk: &Souk, secret: Option<String>) {
        let Some(secret) = secret.filter(|secret| souk.limits().knows(secret.as_bytes())) else { return };
        if let Ok(portal) = identity::caller_of_cookie(souk, &secret).await {
            self.language = portal.staff.language;
            self.theme = portal.staff.theme;
        }
    }

    /// The page that says it, or the way to the sign-in.
    fn show(self, error: &Error) -> Response {
        let Self { language, theme, address, permission, request_id } = self;
        if let Error::NotSignedIn { .. } = error {
            return Redirect::to(&format!("/sign-in?next={}", encode(&address))).into_response();
        }
        let status = error.status();
        let topic = match status {
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => "conflict",
            StatusCode::TOO_MANY_REQUESTS => "too_many",
            StatusCode::INTERNAL_SERVER_ERROR => "internal",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            _ => "bad_request",
        };
        let detail = match error {
            Error::Conflict { .. } | Error::Invalid(_) | Error::Declined { .. } => said(error, &language),
            _ => templates::text(&format!("error.{topic}_text"), &language),
        };
        let data = json!({
            "lang": language, "theme": theme, "path": "/", "status": status.as_u16(), "flash": null, "request_id": request_id,
            "title": templates::text(&format!("error.{topic}"), &language), "detail": detail,
            "permission": if status == StatusCode::FORBIDDEN { permission } else { "" },
        });
        match templates::render("public/error.html", &data) {
            Ok(page) => (status, Html(page)).into_response(),
            Err(error) => error.into_response(),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if self.error.status() == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = %self.error, "a page failed");
        }
        match self.stray {
            Some(stray) => stray.show(&self.look.language, &self.look.theme),
            None => self.look.show(&self.error),
        }
    }
}

/// Somebody who asked for a page, kept while it is made: what reads an address or a form refuses
/// without knowing who looks, and before it is known how pages look for them.
pub struct Onlooker {
    look: Look,
    secret: Option<String>,
}

impl Onlooker {
    /// Nobody where data is asked for, or something that is no page of the portals.
    pub fn of(request: &Request) -> Option<Self> {
        let headers = request.headers();
        let is_page = request.extensions().get::<MatchedPath>().is_some_and(|route| super::has_page(route.as_str()));
        if !is_page || value(headers, header::ACCEPT.as_str()).is_some_and(|kinds| kinds.starts_with("application/json")) {
            return None;
        }
        Some(Self { look: Look::at(request.uri(), headers, request.extensions(), ""), secret: cookie(headers, "souk_session") })
    }

    /// The refusal as a page of theirs.
    pub async fn refuse(mut self, souk: &Souk, error: &Error) -> Response {
        self.look.of_person(souk, self.secret).await;
        self.look.show(error)
    }
}

/// A refusal in a person's language: a text of its code where there is one, else what it says itself.
pub fn said(error: &Error, language: &str) -> String {
    if let Error::Invalid(fields) = error {
        return fields.iter().map(|field| field_said(field, language)).collect::<Vec<_>>().join(" ");
    }
    let code = match error {
        // More room would not help.
        Error::Conflict { code: "plan_limit", facts, .. } if facts.get("isOverdue") == Some(&json!(true)) => "plan_limit_overdue",
        _ => error.code(),
    };
    let key = format!("error.code.{code}");
    let text = templates::text(&key, language);
    if text == key { sentence(&error.to_string()) } else { text }
}

fn field_said(field: &FieldError, language: &str) -> String {
    // The field's own text comes first: `slug.invalid` says more than `invalid`.
    let keys = [format!("error.field.{}.{}", field.field, field.code), format!("error.field.{}", field.code)];
    let text = keys.iter().map(|key| (key, templates::text(key, language))).find(|(key, text)| text != *key);
    text.map_or_else(|| sentence(&field.message), |(_, text)| text)
}

/// What a page says to a refused form, and the form as it was typed; nothing for what typing cannot mend.
pub fn answer(error: &Error, typed: &Fields, language: &str) -> Option<(Value, Value)> {
    let mut errors = serde_json::Map::new();
    let flash = match error {
        Error::Invalid(fields) => {
            let lines = fields.iter().map(|field| {
                let text = field_said(field, language);
                errors.entry(field.field.clone()).or_insert_with(|| json!(text));
                json!({ "field": field.field, "text": text })
            });
            let lines: Vec<_> = lines.collect();
            json!({ "tone": "bad", "text": templates::text("flash.form_refused", language), "fields": lines })
        }
        Error::Conflict { .. } | Error::Stale | Error::Declined { .. } | Error::Malformed { .. } => {
            json!({ "tone": "bad", "text": said(error, language) })
        }
        _ => return None,
    };
    Some((flash, json!({ "values": typed.kept(), "errors": errors, "sent": true })))
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}{}", letters.as_str(), if text.ends_with('.') { "" } else { "." })
}

/// A signed-in person on a page: the access, and what every page shows of them.
pub struct Visitor<P> {
    pub access: Access<P>,
    pub language: String,
    pub theme: String,
    pub path: String,
    /// The parameters of the address, as they came.
    pub query: Vec<(String, String)>,
    pub flash: Option<Value>,
    look: Look,
    form: Value,
    status: StatusCode,
}

/// Which page this is: its path and query. For a form it is the page where the form stands, so that
/// a refused one is shown with the same filters, and links on it lead back there.
fn page_of(parts: &Parts) -> (String, String) {
    let own = parts.uri.path_and_query().map_or("/", |address| address.as_str());
    let from = value(&parts.headers, header::REFERER.as_str()).filter(|_| parts.method != Method::GET);
    let from = from.and_then(|from| from.parse::<Uri>().ok()).and_then(|uri| uri.path_and_query().map(ToString::to_string));
    let address = from.as_deref().and_then(safe_next).unwrap_or(own);
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    (path.to_owned(), query.to_owned())
}

impl<P: Permission> FromRequestParts<Souk> for Visitor<P> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, souk: &Souk) -> PageResult<Self> {
        let (path, query) = page_of(parts);
        let query: Vec<(String, String)> = serde_urlencoded::from_str(&query).unwrap_or_default();
        let mut look = Look::of(parts, P::NAME);
        match Access::<P>::from_request_parts(parts, souk).await {
            Ok(access) => {
                if let Ok(portal) = access.portal() {
                    look.language.clone_from(&portal.staff.language);
                    look.theme.clone_from(&portal.staff.theme);
                }
                let (language, theme) = (look.language.clone(), look.theme.clone());
                // Only keys of our own texts are shown, so an address cannot put words in our mouth.
                let said = query.iter().find(|(name, _)| name == "said").map(|(_, key)| key.clone());
                let said = said.filter(|key| key.starts_with("flash.") && templates::text(key, &language) != *key);
                let tone = |key: &str| if key.contains("refused") { "bad" } else { "ok" };
                let flash = said.map(|key| json!({ "tone": tone(&key), "text": templates::text(&key, &language) }));
                // What an act said about itself is signed, so that nobody else can say it.
                let told = query.iter().find(|(name, _)| name == "told").map(|(_, told)| told.as_str());
                let flash = page::open::<Value>(souk, TOLD, told).ok().flatten().or(flash);
                let sealed = query.iter().find(|(name, _)| name == UNDO).map(|(_, sealed)| sealed.as_str());
                let flash = undo::beside(&access, flash, sealed);
                let form = json!({ "values": {}, "errors": {}, "sent": false });
                Ok(Self { access, language, theme, path, query, flash, look, form, status: StatusCode::OK })
            }
            Err(error) => {
                let secret = cookie(&parts.headers, "souk_session");
                let form = parts.extensions.get::<MadeFor>().filter(|_| error.code() == OTHER_COMPANY);
                let stray = match (form, &secret) {
                    (Some(form), Some(secret)) => made_for::stray(souk, secret, *form, parts.extensions.get(), &parts.uri).await,
                    _ => None,
                };
                look.of_person(souk, secret).await;
                Err(PageError { stray: stray.map(Box::new), ..look.with(error) })
            }
        }
    }
}

impl<P: Permission> Visitor<P> {
    /// Turns a refusal into this visitor's error page.
    pub fn refuse(&self, error: Error) -> PageError {
        self.look().with(error)
    }

    /// How this visitor's pages look, for a refusal when the visitor is gone.
    pub fn look(&self) -> Look {
        self.look.clone()
    }

    /// The address of this page, without what was said on it.
    fn here(&self) -> String {
        let kept = self.query.iter().filter(|(name, value)| !["said", TOLD, UNDO].contains(&name.as_str()) && !value.is_empty());
        let query: Vec<_> = kept.map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, query.join("&")) }
    }

    /// Where an act leads back to: the list at `path` with the filters it had when the act was chosen there.
    #[must_use]
    pub fn list_at(&self, path: &str) -> String {
        if self.path == path { self.here() } else { path.to_owned() }
    }

    /// A text in this visitor's language.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        templates::text(key, &self.language)
    }

    /// What the address holds for a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// Takes a refused form back: what was typed stays, a flash says what is wrong, and each
    /// refused field says it again. Show the same page with [`Visitor::again`] afterwards.
    ///
    /// # Errors
    /// What a person cannot mend by typing is an error page: not there, not allowed, our own fault.
    pub fn refused(mut self, error: Error, typed: &Fields) -> PageResult<Self> {
        let Some((flash, form)) = answer(&error, typed, &self.language) else { return Err(self.refuse(error)) };
        self.status = error.status();
        self.flash = Some(flash);
        self.form = form;
        Ok(self)
    }

    /// Keeps what was typed in a form that is shown again without having been refused.
    #[must_use]
    pub fn typed(mut self, typed: &Fields) -> Self {
        self.form = json!({ "values": typed.kept(), "errors": {}, "sent": false });
        self
    }

    /// As [`Visitor::page`], with the status of the refusal.
    pub fn again(&self, template: &str, company: &Company, data: Value) -> PageResult<Response> {
        Ok((self.status, self.page(template, company, data)?).into_response())
    }

    /// After an act that worked: on to `to`, which says so with the text of `flash.<said>`.
    pub fn done(&self, to: &str, said: &str) -> Redirect {
        let joint = if to.contains('?') { '&' } else { '?' };
        Redirect::to(&format!("{to}{joint}said=flash.{said}"))
    }

    /// As [`Visitor::done`], with a text that is made here, and lines below it: what was done, and
    /// for which rows it was refused and why.
    pub fn tell(&self, to: &str, tone: &str, text: &str, lines: &[String]) -> Redirect {
        Redirect::to(&self.told(to, tone, text, lines))
    }

    /// The address of `to`, which says this.
    pub fn told(&self, to: &str, tone: &str, text: &str, lines: &[String]) -> String {
        let flash = if lines.is_empty() {
            json!({ "tone": tone, "text": text })
        } else {
            json!({ "tone": tone, "text": text, "lines": lines.iter().take(LINES_MAX).collect::<Vec<_>>() })
        };
        let joint = if to.contains('?') { '&' } else { '?' };
        let told = page::seal(self.access.souk(), TOLD, flash).unwrap_or_default();
        format!("{to}{joint}told={told}")
    }

    /// After an act on a list that was refused: back to the list, which says why.
    ///
    /// # Errors
    /// What the list could not show either is an error page.
    pub fn back(&self, to: &str, error: Error) -> PageResult<Redirect> {
        if !matches!(error, Error::Conflict { .. } | Error::Stale | Error::Invalid(_) | Error::Declined { .. }) {
            return Err(self.refuse(error));
        }
        Ok(self.tell(to, "bad", &said(&error, &self.language), &[]))
    }

    /// In whose place this visitor acts meanwhile, for the bar on every page.
    fn acting(&self) -> Option<Value> {
        let portal = self.access.portal().ok()?;
        portal.acting.as_ref().map(|acting| admin::acting::bar(acting, &portal.staff.name, &self.language))
    }

    /// The companies that this visitor may switch between; none for somebody of one company.
    pub fn workplaces(&self) -> Vec<Value> {
        let here = self.access.tenant().company;
        let all = self.access.portal().map(|portal| portal.workplaces.as_slice()).unwrap_or_default();
        let several = all.iter().filter(|_| all.len() > 1);
        several.map(|one| json!({ "id": one.id, "name": one.name, "slug": one.slug, "is_here": one.id == here })).collect()
    }

    /// Renders a page with what every page has, and `data`. `company` is whose page it is: the
    /// platform's own row on pages of the platform.
    pub fn page(&self, template: &str, company: &Company, data: Value) -> PageResult<Html<String>> {
        let tenant = self.access.tenant();
        let portal = Portal::of(&self.path, tenant);
        let email = self.access.portal().map(|portal| portal.staff.email.clone()).unwrap_or_default();
        let initials: String = tenant.name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
        let mut all = json!({
            "lang": self.language, "theme": self.theme, "path": self.path, "portal": portal.name(),
            "person": { "name": tenant.name, "email": email, "role": tenant.role.name(), "initials": initials },
            "company": { "name": company.name, "slug": company.slug, "currency": company.currency, "version": company.version, "logo": company.logo_path() }, "flash": self.flash, "currency": company.currency,
            "nav": nav::shown(portal, tenant, &self.path), "form": self.form, "acting": self.acting(), once::FIELD: RowId::new(),
            "workplaces": self.workplaces(), "has_messages": tenant.may(NotificationsRead::NAME), "owing": if portal == Portal::Company { owing::notice(company, tenant, &self.language) } else { Value::Null },
        });
        if let (Value::Object(all), Value::Object(data)) = (&mut all, data) {
            all.extend(data);
        }
        let page = templates::render(template, &all).map_err(|error| self.refuse(error))?;
        let company_at = |path: &str| self.access.portal().map_or(tenant.company, |person| person.tenant_on(path).company);
        Ok(Html(made_for::mark(&page, &self.path, company_at)))
    }
}

/// Where nobody answers: a page for people, a problem for programs.
pub async fn not_found(request: Request) -> Response {
    if request.uri().path().starts_with("/api") {
        return Error::NOT_FOUND.into_response();
    }
    let (parts, _) = request.into_parts();
    Look::of(&parts, "").with(Error::NOT_FOUND).into_response()
}
