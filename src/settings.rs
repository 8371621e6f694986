//! Configuration: compiled in, overlaid by a file of the same name where the program starts, then
//! by the environment. This is the only place that reads the environment.
#![expect(clippy::disallowed_methods, reason = "configuration's home")]

use std::{num::NonZeroU32, path::PathBuf};

use loco_rs::{config::Config, environment::Environment};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    errors::{Error, Result},
    gateways::broker::Address,
};

/// The secret of development, which production refuses.
const KNOWN_SECRET: &str = "development-secret-that-production-refuses";

/// Why a demo is refused where nobody can pay for it.
pub const DEMO_NEEDS_TEST_GATEWAY: &str = "the demo trades at the test gateway: set SOUK_TEST_GATEWAY=on too";

/// What the program can be told from outside.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub database_url: Option<String>,
    /// Where migrations connect; the one URL when absent.
    #[serde(default)]
    pub migration_database_url: Option<String>,
    /// A comma list, newest first.
    pub secret: Option<String>,
    pub demo: Demo,
    /// The domain under which `<slug>.` names a company.
    pub base_domain: String,
    #[serde(default)]
    pub base_url: Option<String>,
    /// Where this process itself answers, for links while no `base_url` is set.
    #[serde(skip, default)]
    pub own_url: String,
    pub smtp_url: Option<String>,
    pub mail_from: String,
    /// The providers by which messages leave beside the mail server.
    #[serde(default)]
    pub messaging: Messaging,
    pub database_connections: u32,
    /// How long an unpaid checkout keeps its goods.
    pub hold_seconds: u64,
    /// How long a payment under way keeps them at most.
    pub paying_seconds: u64,
    /// How long a request under a key, or a job, may be silent before another goes on with it.
    pub lease_seconds: u64,
    /// How often due work is looked for.
    pub poll_milliseconds: u64,
    /// How much one client may ask in a minute; nothing switches the limits off.
    #[serde(default)]
    pub rate_limits: Option<RateLimits>,
    /// Whether an order may be paid at the `test` gateway, which takes no money.
    #[serde(default)]
    pub test_gateway: bool,
    /// Addresses and networks of the reverse proxies in front, a comma list.
    #[serde(default)]
    pub trusted_proxies: String,
    /// For how many days work that is over is kept: done jobs, events that everybody has heard.
    pub keep_days: u64,
    #[serde(default)]
    pub retention: Retention,
    /// Where wake-ups travel between processes; without it each process looks by itself.
    #[serde(default)]
    pub redis_url: Option<String>,
    /// The RabbitMQ that is told of every event; without it, nobody is.
    #[serde(default)]
    pub amqp_url: Option<Address>,
    /// What `GET /metrics` asks for as a bearer; without it production has no such page.
    #[serde(default)]
    pub metrics_token: Option<String>,
    /// Whether the log holds every SQL statement.
    #[serde(default)]
    pub log_statements: bool,
    #[serde(skip, default)]
    pub is_production: bool,
}

/// For how many days rows are kept that only `souk task retain` lets go of.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Entries of the audit; what the law asks for differs from country to country.
    pub audit_days: u64,
    /// Sessions that have ended.
    pub session_days: u64,
    /// Keys of repeated requests that made nothing; a key that moved money is kept for good.
    pub key_days: u64,
    pub notification_days: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { audit_days: 7 * 365, session_days: 30, key_days: 2, notification_days: 365 }
    }
}

/// Requests a minute.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimits {
    /// From one address, at sign-in, registration, letters and refresh.
    pub doors: NonZeroU32,
    /// From one address, of those who are not signed in.
    pub guests: NonZeroU32,
    /// Of one person.
    pub person: NonZeroU32,
    /// Of one company's guests together, of its customers, and of its staff.
    pub company: NonZeroU32,
}

/// Providers of messages. Without its credentials, a channel is not there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Messaging {
    pub twilio: Twilio,
    pub fcm: Fcm,
    pub whatsapp: WhatsApp,
    /// How long a provider may take for one answer.
    pub timeout_seconds: u64,
}

impl Default for Messaging {
    fn default() -> Self {
        Self { twilio: Twilio::default(), fcm: Fcm::default(), whatsapp: WhatsApp::default(), timeout_seconds: 10 }
    }
}

/// SMS by Twilio's Messages API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Twilio {
    pub url: String,
    pub account_sid: Option<String>,
    pub auth_token: Option<String>,
    /// A number in E.164, or the sid of a messaging service (`MG…`).
    pub from: Option<String>,
}

impl Default for Twilio {
    fn default() -> Self {
        Self { url: "https://api.twilio.com".into(), account_sid: None, auth_token: None, from: None }
    }
}

/// Push by Firebase Cloud Messaging, HTTP v1.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fcm {
    pub url: String,
    /// The path of a service account's key file.
    pub service_account: Option<PathBuf>,
}

impl Default for Fcm {
    fn default() -> Self {
        Self { url: "https://fcm.googleapis.com".into(), service_account: None }
    }
}

/// WhatsApp by Meta's Cloud API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WhatsApp {
    /// With the version of the API.
    pub url: String,
    pub phone_number_id: Option<String>,
    pub access_token: Option<String>,
    /// Signs what Meta reports.
    pub app_secret: Option<String>,
    /// What Meta says when it is shown where to report.
    pub verify_token: Option<String>,
    /// An approved template with one text in its body; without one, plain texts are sent, which
    /// reach only people who wrote within a day.
    pub template: Option<String>,
}

impl Default for WhatsApp {
    fn default() -> Self {
        Self {
            url: "https://graph.facebook.com/v23.0".into(),
            phone_number_id: None,
            access_token: None,
            app_secret: None,
            verify_token: None,
            template: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Demo {
    None,
    Small,
    Large,
}

impl Settings {
    /// The database to use: `DATABASE_URL`, or a SQLite file in the data folder.
    #[must_use]
    pub fn database(&self) -> String {
        self.database_url.clone().unwrap_or_else(|| format!("sqlite://{}", self.data_dir.join("souk.sqlite").display()))
    }

    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.database().starts_with("sqlite:")
    }

    /// The address under which people reach this installation, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.base_url.as_deref().unwrap_or(&self.own_url).trim_end_matches('/')
    }

    /// # Errors
    /// When production would start with a missing or known secret.
    pub fn check(&self) -> Result<()> {
        let secret = self.secret.as_deref().unwrap_or_default();
        if self.is_production && secret.is_empty() {
            return Err(Error::internal("SOUK_SECRET is missing: set it to at least 32 random characters"));
        }
        if self.is_production && secret.contains(KNOWN_SECRET) {
            return Err(Error::internal("SOUK_SECRET is the one of development, which everybody knows"));
        }
        if self.is_production && secret.split(',').any(|one| one.len() < 32) {
            return Err(Error::internal("SOUK_SECRET is shorter than 32 characters"));
        }
        if self.demo != Demo::None && !self.test_gateway {
            return Err(Error::internal(DEMO_NEEDS_TEST_GATEWAY));
        }
        Ok(())
    }
}

/// Loco's configuration of `environment`, with ours under `settings`.
///
/// # Errors
/// When a file or a variable cannot be understood; the message names it.
pub fn load(environment: &Environment) -> Result<Config> {
    let name = environment.to_string();
    let text = match name.as_str() {
        "production" => include_str!("../config/production.yaml"),
        "test" => include_str!("../config/test.yaml"),
        "development" => include_str!("../config/development.yaml"),
        // Settings of development would be a door wide open.
        other => return Err(Error::internal(format!("LOCO_ENV knows development, test and production, not `{other}`"))),
    };
    let mut tree: Value = serde_yaml::from_str(text).map_err(Error::internal)?;
    let beside = std::env::current_dir().map_err(Error::internal)?.join("config").join(format!("{name}.yaml"));
    let unread = |error| Error::internal(format!("{}: {error}", beside.display()));
    if beside.exists() {
        let overlay = std::fs::read_to_string(&beside).map_err(unread)?;
        let overlay: Value = serde_yaml::from_str(&overlay).map_err(|error| Error::internal(format!("{}: {error}", beside.display())))?;
        merge(&mut tree, overlay);
    }
    for (variable, place) in [
        ("PORT", "/server/port"),
        ("HOST", "/server/binding"),
        ("SOUK_DATA_DIR", "/settings/data_dir"),
        ("DATABASE_URL", "/settings/database_url"),
        ("MIGRATION_DATABASE_URL", "/settings/migration_database_url"),
        ("REDIS_URL", "/settings/redis_url"),
        ("AMQP_URL", "/settings/amqp_url"),
        ("SMTP_URL", "/settings/smtp_url"),
        ("SOUK_METRICS_TOKEN", "/settings/metrics_token"),
        ("SOUK_SECRET", "/settings/secret"),
        ("SOUK_DEMO", "/settings/demo"),
        ("SOUK_BASE_URL", "/settings/base_url"),
        ("SOUK_TRUSTED_PROXIES", "/settings/trusted_proxies"),
        ("SOUK_RATE_LIMIT", "/settings/rate_limits"),
        ("SOUK_TEST_GATEWAY", "/settings/test_gateway"),
        ("SOUK_MAIL_FROM", "/settings/mail_from"),
        ("TWILIO_URL", "/settings/messaging/twilio/url"),
        ("TWILIO_ACCOUNT_SID", "/settings/messaging/twilio/account_sid"),
        ("TWILIO_AUTH_TOKEN", "/settings/messaging/twilio/auth_token"),
        ("TWILIO_FROM", "/settings/messaging/twilio/from"),
        ("FCM_URL", "/settings/messaging/fcm/url"),
        ("FCM_SERVICE_ACCOUNT", "/settings/messaging/fcm/service_account"),
        ("WHATSAPP_URL", "/settings/messaging/whatsapp/url"),
        ("WHATSAPP_PHONE_NUMBER_ID", "/settings/messaging/whatsapp/phone_number_id"),
        ("WHATSAPP_ACCESS_TOKEN", "/settings/messaging/whatsapp/access_token"),
        ("WHATSAPP_APP_SECRET", "/settings/messaging/whatsapp/app_secret"),
        ("WHATSAPP_VERIFY_TOKEN", "/settings/messaging/whatsapp/verify_token"),
        ("WHATSAPP_TEMPLATE", "/settings/messaging/whatsapp/template"),
    ] {
        let Some(value) = said(variable) else { continue };
        let value = match variable {
            "PORT" => Value::from(value.parse::<u16>().map_err(|_| Error::internal("PORT must be a number up to 65535"))?),
            "SOUK_RATE_LIMIT" if value == "off" => Value::Null,
            "SOUK_RATE_LIMIT" => {
                return Err(Error::internal("SOUK_RATE_LIMIT knows `off` only; figures are in the YAML under `rate_limits`"));
            }
            "SOUK_TEST_GATEWAY" => Value::from(match value.as_str() {
                "on" => true,
                "off" => false,
                _ => return Err(Error::internal("SOUK_TEST_GATEWAY is `on` or `off`")),
            }),
            _ => Value::from(value),
        };
        let (parent, key) = place.rsplit_once('/').unwrap_or(("", place));
        if let Some(Value::Object(parent)) = tree.pointer_mut(parent) {
            parent.insert(key.into(), value);
        }
    }
    // The demo comes by itself only where nothing can be lost: development, on the embedded database.
    let asked = said("SOUK_DEMO").is_some();
    if let Some(settings) = tree.get_mut("settings").and_then(Value::as_object_mut) {
        let elsewhere = settings.get("database_url").and_then(Value::as_str).is_some_and(|url| !url.starts_with("sqlite:"));
        if elsewhere && !asked {
            settings.insert("demo".into(), "none".into());
        }
    }
    serde_json::from_value(tree).map_err(|error| Error::internal(format!("configuration: {error}")))
}

/// The typed half of a configuration.
///
/// # Errors
/// When a setting is unknown or has the wrong type.
pub fn of(config: &Config, environment: &Environment) -> Result<Settings> {
    let tree = config.settings.clone().unwrap_or_default();
    let mut settings: Settings = serde_json::from_value(tree).map_err(|error| Error::internal(format!("settings: {error}")))?;
    settings.is_production = *environment == Environment::Production;
    settings.own_url = config.server.full_url();
    settings.check()?;
    Ok(settings)
}

/// The environment's name, from `LOCO_ENV`.
#[must_use]
pub fn environment() -> Environment {
    said("LOCO_ENV").unwrap_or_else(|| "development".into()).into()
}

/// A variable of the environment; one that is empty says nothing.
fn said(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// The port that this process was told by the environment itself.
#[must_use]
pub fn named_port() -> Option<u16> {
    said("PORT")?.parse().ok().filter(|port| *port != 0)
}

/// The name of the machine, as its people know it.
#[must_use]
pub fn machine() -> String {
    let of_host = std::fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned());
    said("HOSTNAME").or(of_host).filter(|name| !name.is_empty()).unwrap_or_else(|| "here".into())
}

/// The password for `souk task create_admin`, when it is given by the environment.
#[must_use]
pub fn admin_password() -> Option<String> {
    said("SOUK_ADMIN_PASSWORD")
}

/// The moment at which this process is to die, when a test says so.
#[cfg(debug_assertions)]
#[must_use]
pub fn failpoint() -> Option<String> {
    said("SOUK_FAILPOINT")
}

fn merge(base: &mut Value, overlay: Value) {
    match (base, overlay) {
        (Value::Object(base), Value::Object(overlay)) => {
            for (key, value) in overlay {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, overlay) => *base = overlay,
    }
}
