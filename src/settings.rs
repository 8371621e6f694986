//! Configuration: compiled in, overlaid by a file of the same name where the program starts, then
//! by the environment. This is the only place that reads the environment.
#![expect(clippy::disallowed_methods, reason = "configuration's home")]

use std::path::PathBuf;

use loco_rs::{config::Config, environment::Environment};
use serde::Deserialize;
use serde_json::Value;

use crate::errors::{Error, Result};

/// The secret of development, which production refuses.
const KNOWN_SECRET: &str = "development-secret-that-production-refuses";

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
    pub smtp_url: Option<String>,
    pub mail_from: String,
    pub database_connections: u32,
    /// How long an unpaid checkout keeps its goods.
    pub hold_seconds: u64,
    /// How long a payment under way keeps them at most.
    pub paying_seconds: u64,
    /// How often due work is looked for.
    pub poll_milliseconds: u64,
    #[serde(skip, default)]
    pub is_production: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Demo {
    None,
    Small,
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

    /// # Errors
    /// When production would start with a missing or known secret.
    pub fn check(&self) -> Result<()> {
        let secret = self.secret.as_deref().unwrap_or_default();
        if self.is_production && secret.is_empty() {
            return Err(Error::internal("SOUK_SECRET is missing: set it to at least 32 random characters"));
        }
        if self.is_production && (secret.split(',').any(|one| one.len() < 32) || secret.contains(KNOWN_SECRET)) {
            return Err(Error::internal("SOUK_SECRET is the development default or shorter than 32 characters"));
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
        _ => include_str!("../config/development.yaml"),
    };
    let mut tree: Value = serde_yaml::from_str(text).map_err(Error::internal)?;
    let beside = std::env::current_dir().map_err(Error::internal)?.join("config").join(format!("{name}.yaml"));
    if let Ok(overlay) = std::fs::read_to_string(&beside) {
        let overlay: Value = serde_yaml::from_str(&overlay).map_err(|error| Error::internal(format!("{}: {error}", beside.display())))?;
        merge(&mut tree, overlay);
    }
    for (variable, place) in [
        ("PORT", "/server/port"),
        ("HOST", "/server/binding"),
        ("SOUK_DATA_DIR", "/settings/data_dir"),
        ("DATABASE_URL", "/settings/database_url"),
        ("MIGRATION_DATABASE_URL", "/settings/migration_database_url"),
        ("SMTP_URL", "/settings/smtp_url"),
        ("SOUK_SECRET", "/settings/secret"),
        ("SOUK_DEMO", "/settings/demo"),
        ("SOUK_BASE_URL", "/settings/base_url"),
    ] {
        let Ok(value) = std::env::var(variable) else { continue };
        if value.is_empty() {
            continue;
        }
        let value = match variable {
            "PORT" => Value::from(value.parse::<u16>().map_err(|_| Error::internal("PORT must be a number up to 65535"))?),
            _ => Value::from(value),
        };
        let (parent, key) = place.rsplit_once('/').unwrap_or(("", place));
        if let Some(Value::Object(parent)) = tree.pointer_mut(parent) {
            parent.insert(key.into(), value);
        }
    }
    // The demo comes by itself only where nothing can be lost: development, on the embedded database.
    let asked = std::env::var("SOUK_DEMO").is_ok();
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
    settings.check()?;
    Ok(settings)
}

/// The environment's name, from `LOCO_ENV`.
#[must_use]
pub fn environment() -> Environment {
    std::env::var("LOCO_ENV").unwrap_or_else(|_| "development".into()).into()
}

/// The password for `souk task create_admin`, when it is given by the environment.
#[must_use]
pub fn admin_password() -> Option<String> {
    std::env::var("SOUK_ADMIN_PASSWORD").ok().filter(|password| !password.is_empty())
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
