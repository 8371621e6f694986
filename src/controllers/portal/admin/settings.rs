//! The platform's own settings: what it says of itself to companies can be changed here; how the
//! program was started is shown, its secrets only as being there or not.

use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::super::{
    PageResult, Visitor,
    company::notifications::{letter_of, name_of, previews, rows_of},
    fields::Fields,
};
use crate::{
    controllers::{extract::Id, steward},
    endpoints::{Endpoint, get, post},
    errors::Result,
    gateways::payments::offered,
    models::{
        companies::{self, Company, PlatformTerms},
        notifications::{self, TextKey},
    },
    settings::{Demo, Settings},
    tenancy::{
        PLATFORM_COMPANY, Permission, Scope,
        roles::{PlatformRead, PlatformRun},
    },
};

const PAGE: &str = "/admin/settings";
const TEXTS: &str = "/admin/settings/texts";

async fn index(visitor: Visitor<PlatformRead>) -> PageResult<Html<String>> {
    let (platform, data) = settings_page(&visitor).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/settings.html", &platform, data)
}

async fn settings_page<P: Permission>(visitor: &Visitor<P>) -> Result<(Company, Value)> {
    let souk = visitor.access.souk();
    let scope = reading(visitor).await?;
    let platform = companies::own(&scope).await?;
    let texts = notifications::texts(&scope).await?;
    let data = json!({
        "texts": rows_of(&texts, TEXTS, &visitor.language),
        "terms": {
            "name": platform.name, "email": platform.email, "phone": platform.phone, "pay_to": platform.pay_to, "version": platform.version,
        },
        "groups": started_with(visitor, souk.settings(), souk.engine()),
    });
    Ok((platform, data))
}

/// A unit that reads the platform's own rows.
async fn reading<P: Permission>(visitor: &Visitor<P>) -> Result<Scope> {
    visitor.access.souk().read(steward::in_company(&visitor.access, PLATFORM_COMPANY)).await
}

async fn text(visitor: Visitor<PlatformRead>, Id(key): Id<TextKey>) -> PageResult<Html<String>> {
    let (platform, data) = text_page(&visitor, &key).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/text.html", &platform, data)
}

/// A text that Souk brings along, as companies without one of their own send it.
async fn text_page(visitor: &Visitor<PlatformRead>, key: &TextKey) -> Result<(Company, Value)> {
    let scope = reading(visitor).await?;
    let platform = companies::own(&scope).await?;
    let text = notifications::text_of(&scope, key).await?;
    let data = json!({
        "text": { "name": name_of(&key.name, &visitor.language), "language": key.language, "subject": text.draft.subject, "body": text.draft.body },
        "variables": notifications::variables(&platform, &key.name),
        "previews": previews(&scope, key, None, TEXTS, &visitor.language).await?,
    });
    Ok((platform, data))
}

async fn letter(visitor: Visitor<PlatformRead>, Id(key): Id<TextKey>) -> PageResult<Response> {
    shown_letter(&visitor, &key).await.map_err(|error| visitor.refuse(error))
}

async fn shown_letter(visitor: &Visitor<PlatformRead>, key: &TextKey) -> Result<Response> {
    letter_of(&reading(visitor).await?, key).await
}

/// How the program was started, in groups of names and values ready to print.
fn started_with<P: Permission>(visitor: &Visitor<P>, of: &Settings, engine: &str) -> Value {
    let text = |key: &str| visitor.text(&format!("admin.settings.{key}"));
    let row = |key: &str, value: String| json!({ "name": text(key), "value": value });
    // A secret is there or it is not; what it is nobody sees.
    let secret = |is_there: bool| text(if is_there { "is_set" } else { "is_not_set" });
    let days = |days: u64| crate::views::templates::filled("admin.jobs.span.days", &visitor.language, &[("n", &days)]);
    let seconds = |seconds: u64| crate::views::templates::filled("admin.jobs.span.seconds", &visitor.language, &[("n", &seconds)]);
    let limit = |most: fn(&crate::settings::RateLimits) -> u32| {
        of.rate_limits.as_ref().map_or_else(|| text("no_limit"), |all| most(all).to_string())
    };
    let (messaging, retention) = (&of.messaging, &of.retention);
    let demo = match of.demo {
        Demo::None => "none",
        Demo::Small => "small",
        Demo::Large => "large",
    };
    let group = |key: &str, rows: Vec<Value>| json!({ "title": text(key), "rows": rows });
    json!([
        group(
            "installation",
            vec![
                row("environment", text(if of.is_production { "production" } else { "development" })),
                row("address", of.url().to_owned()),
                row("base_domain", of.base_domain.clone()),
                row("version", env!("CARGO_PKG_VERSION").to_owned()),
                row("engine", engine.to_owned()),
                row("data_dir", of.data_dir.display().to_string()),
                row("demo", demo.to_owned()),
            ]
        ),
        group(
            "secrets",
            vec![
                row("keys", of.secret.as_deref().map_or(0, |all| all.split(',').count()).to_string()),
                row("database_url", secret(of.database_url.is_some())),
                row("redis", secret(of.redis_url.is_some())),
                row("amqp", secret(of.amqp_url.is_some())),
                row("metrics", secret(of.metrics_token.is_some())),
            ]
        ),
        group(
            "gateways",
            vec![
                row("payments", offered(of).join(", ")),
                row("mail", secret(of.smtp_url.is_some())),
                row("mail_from", of.mail_from.clone()),
                row("twilio", secret(messaging.twilio.auth_token.is_some())),
                row("fcm", secret(messaging.fcm.service_account.is_some())),
                row("whatsapp", secret(messaging.whatsapp.access_token.is_some())),
            ]
        ),
        group(
            "times",
            vec![
                row("hold", seconds(of.hold_seconds)),
                row("paying", seconds(of.paying_seconds)),
                row("lease", seconds(of.lease_seconds)),
                row("keep", days(of.keep_days)),
                row("audit_days", days(retention.audit_days)),
                row("session_days", days(retention.session_days)),
                row("notification_days", days(retention.notification_days)),
            ]
        ),
        group(
            "limits",
            vec![
                row("doors", limit(|all| all.doors.get())),
                row("guests", limit(|all| all.guests.get())),
                row("person", limit(|all| all.person.get())),
                row("company", limit(|all| all.company.get())),
            ]
        ),
    ])
}

async fn change(visitor: Visitor<PlatformRun>, mut fields: Fields) -> PageResult<Response> {
    match changed(&visitor, &mut fields).await {
        Ok(()) => Ok(visitor.done(PAGE, "saved").into_response()),
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            let (platform, data) = settings_page(&visitor).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("admin/settings.html", &platform, data)
        }
    }
}

async fn changed(visitor: &Visitor<PlatformRun>, fields: &mut Fields) -> Result<()> {
    let name = fields.text("name");
    let (email, phone) = (fields.raw("email").to_owned(), fields.raw("phone").to_owned());
    let (pay_to, version) = (fields.raw("payTo").replace("\r\n", "\n"), fields.maybe("version"));
    fields.end()?;
    let scope = visitor.access.souk().write(steward::in_company(&visitor.access, PLATFORM_COMPANY)).await?;
    companies::change_terms(&scope, &PlatformTerms { name, email, phone, pay_to }, version).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<PlatformRead, _>(PAGE, "The platform's own settings", index),
        get::<PlatformRead, _>("/admin/settings/texts/{id}", "A text that Souk brings along", text),
        get::<PlatformRead, _>("/admin/settings/texts/{id}/letter", "A text that Souk brings along, as its letter's HTML", letter),
        post::<PlatformRun, _>(PAGE, "Changes what the platform says of itself", change),
    ]
}
