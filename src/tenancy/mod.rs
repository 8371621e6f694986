//! Who is asking, and the only way to the database.
//!
//! [`Access`] names the permission in a handler's signature and is the only source of a [`Scope`]
//! there; [`Platform`] works across companies and says why. Nothing else holds a connection.
//!
//! Three ways in that do not compile. A scope's connection cannot be taken out of it:
//! ```compile_fail,E0616
//! fn steal(scope: souk::tenancy::Scope) {
//!     let _connection = scope.tx;
//! }
//! ```
//! A domain's entities cannot be named, so nobody outside it can query them past a scope:
//! ```compile_fail,E0603
//! use souk::models::orders::order::Entity;
//! ```
//! A scope cannot be begun without going through `Souk`, with a tenant:
//! ```compile_fail,E0624
//! async fn sneak(souk: souk::tenancy::Souk, tenant: souk::tenancy::Tenant) {
//!     let _scope = souk::tenancy::Scope::begin(souk, tenant, true).await;
//! }
//! ```

mod access;
pub mod database;
pub mod keys;
mod platform;
pub mod roles;
mod scope;

use std::sync::Arc;

pub(crate) use self::scope::owned;
pub use self::{
    access::{Access, Guest, Request, cookie},
    platform::{PLATFORM_COMPANY, Platform},
    roles::{Permission, Role},
    scope::{Actor, Change, Owned, Scope, Tenant},
};
use self::{database::Databases, keys::Keys};
use crate::{errors::Result, settings::Settings};

/// What handlers and workers carry: the databases behind the wall, the settings, the keys.
#[derive(Clone)]
pub struct Souk(Arc<Inner>);

struct Inner {
    databases: Databases,
    settings: Settings,
    keys: Keys,
    /// Rings when a unit with events or jobs has committed, so that work need not wait for the poll.
    bell: tokio::sync::Notify,
}

impl Souk {
    /// Migrates where that is this process's business, and opens the database.
    ///
    /// # Errors
    /// When the database cannot be reached, or production may not use it so.
    pub async fn open(settings: Settings) -> Result<Self> {
        settings.check()?;
        let databases = Databases::open(&settings).await?;
        let keys = Keys::derive(settings.secret.as_deref().unwrap_or_default())?;
        Ok(Self(Arc::new(Inner { databases, settings, keys, bell: tokio::sync::Notify::new() })))
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// Tells the workers of this process that there may be something to do.
    pub fn ring(&self) {
        self.0.bell.notify_one();
    }

    /// Waits for the bell.
    pub async fn rung(&self) {
        self.0.bell.notified().await;
    }

    /// A unit of reads on behalf of `tenant`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn read(&self, tenant: Tenant) -> Result<Scope> {
        Scope::begin(self.clone(), tenant, false).await
    }

    /// A unit of work on behalf of `tenant`; nothing is kept without `commit`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn write(&self, tenant: Tenant) -> Result<Scope> {
        Scope::begin(self.clone(), tenant, true).await
    }

    /// Work across companies; `reason` is one of the checked-in list.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn platform(&self, reason: &'static str) -> Result<Platform> {
        Platform::begin(self.clone(), reason).await
    }

    pub(in crate::tenancy) fn databases(&self) -> &Databases {
        &self.0.databases
    }

    /// Whether the database answers.
    pub async fn is_alive(&self) -> bool {
        self.0.databases.is_alive().await
    }

    /// The name of the database's engine, for the health page.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        if self.settings().is_sqlite() { "sqlite" } else { "postgresql" }
    }
}
