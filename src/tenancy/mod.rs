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
//! where nothing but the break-in is wrong:
//! ```
//! fn ask(scope: souk::tenancy::Scope) {
//!     let _company = scope.company();
//! }
//! ```
//! A domain's entities cannot be named, so nobody outside it can query them past a scope:
//! ```compile_fail,E0603
//! use souk::models::orders::order::Entity;
//! ```
//! but what they give can:
//! ```
//! use souk::models::orders::Order;
//! ```
//! A scope cannot be begun without going through `Souk`, with a tenant:
//! ```compile_fail,E0624
//! async fn sneak(souk: souk::tenancy::Souk, tenant: souk::tenancy::Tenant) {
//!     let _scope = souk::tenancy::Scope::begin(souk, tenant, true).await;
//! }
//! ```
//! ```
//! async fn begin(souk: souk::tenancy::Souk, tenant: souk::tenancy::Tenant) {
//!     let _scope = souk.write(tenant).await;
//! }
//! ```

mod access;
mod aside;
pub mod database;
pub mod keys;
pub mod limits;
mod platform;
pub mod roles;
mod scope;

use std::sync::Arc;

pub(crate) use self::scope::owned;
pub use self::{
    access::{Access, Device, Guest, MadeFor, OTHER_COMPANY, Request, cookie},
    platform::{Lent, PLATFORM_COMPANY, Platform},
    roles::{Grant, Permission, Role},
    scope::{Actor, Change, Owned, Scope, Tenant},
};
use self::{
    aside::Aside,
    database::Databases,
    keys::Keys,
    limits::{Limits, Proxies},
};
use crate::{bell::Bell, errors::Result, gateways::messaging::Carriers, ids::RowId, settings::Settings};

/// What handlers and workers carry: the databases behind the wall, the settings, the keys.
#[derive(Clone)]
pub struct Souk(Arc<Inner>);

struct Inner {
    databases: Databases,
    settings: Settings,
    keys: Keys,
    limits: Limits,
    proxies: Proxies,
    carriers: Carriers,
    bell: Bell,
    aside: Aside,
    process: RowId,
}

impl Souk {
    /// Migrates where that is this process's business, and opens the database.
    ///
    /// # Errors
    /// When the database cannot be reached, or production may not use it so.
    pub async fn open(settings: Settings) -> Result<Self> {
        settings.check()?;
        let databases = Databases::open(&settings).await?;
        Self::over(databases, settings)
    }

    /// Opens a database that is there, only to look at it: on SQLite nothing of it can be changed.
    ///
    /// # Errors
    /// As [`Souk::open`], and when there is no database.
    pub async fn look(settings: Settings) -> Result<Self> {
        settings.check()?;
        let databases = Databases::look(&settings).await?;
        Self::over(databases, settings)
    }

    fn over(databases: Databases, settings: Settings) -> Result<Self> {
        crate::gateways::choose_cryptography();
        let carriers = Carriers::open(&settings)?;
        let keys = Keys::derive(settings.secret.as_deref().unwrap_or_default())?;
        let limits = Limits::new(settings.rate_limits);
        let proxies = Proxies::parse(&settings.trusted_proxies)?;
        let bell = Bell::new(settings.redis_url.is_some());
        Ok(Self(Arc::new(Inner {
            databases,
            settings,
            keys,
            limits,
            proxies,
            carriers,
            bell,
            aside: Aside::default(),
            process: RowId::new(),
        })))
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// How much one client may ask.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Whose word about a client's address is believed.
    #[must_use]
    pub fn proxies(&self) -> &Proxies {
        &self.0.proxies
    }

    /// The ways by which messages leave.
    #[must_use]
    pub fn carriers(&self) -> &Carriers {
        &self.0.carriers
    }

    /// Rings when a unit with events or jobs has committed.
    #[must_use]
    pub fn bell(&self) -> &Bell {
        &self.0.bell
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

    pub(in crate::tenancy) fn aside(&self) -> &Aside {
        &self.0.aside
    }

    pub(in crate::tenancy) fn databases(&self) -> &Databases {
        &self.0.databases
    }

    /// The name of this process among those of the installation.
    #[must_use]
    pub fn process(&self) -> RowId {
        self.0.process
    }

    /// How many connections this process has to the database, and how many of them are idle.
    #[must_use]
    pub fn connections(&self) -> (i64, i64) {
        let (open, idle) = self.0.databases.connections();
        (i64::from(open), i64::try_from(idle).unwrap_or_default())
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
