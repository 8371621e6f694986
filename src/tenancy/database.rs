//! The connections: on SQLite one writer and several readers, on PostgreSQL one pool.
#![expect(clippy::disallowed_methods, reason = "tenancy is the connections' home")]

use std::time::Duration;

use fs4::fs_std::FileExt;
use migration::{Migrator, MigratorTrait, tenant::months_ahead};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};

use crate::{
    errors::{Error, Result},
    settings::Settings,
};

/// How long the logs that are kept by months have room for, without another `souk db migrate`.
const MONTHS_AHEAD: u32 = 24;

pub(super) struct Databases {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
}

impl Databases {
    pub(super) async fn open(settings: &Settings) -> Result<Self> {
        let url = settings.database();
        if settings.is_sqlite() {
            let log = settings.log_statements;
            let writer = Database::connect(sqlite(&url, 1, false, log)).await?;
            let reader = Database::connect(sqlite(&url, settings.database_connections.max(2), true, log)).await?;
            return Ok(Self { writer, reader });
        }
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(settings.database_connections)
            .connect_timeout(Duration::from_secs(8))
            // A crowd waits in line, as it does for SQLite's one writer.
            .acquire_timeout(Duration::from_secs(30))
            .sqlx_logging(settings.log_statements);
        let writer = Database::connect(options).await?;
        if settings.is_production {
            refuse_strong_login(&writer).await?;
        }
        Ok(Self { reader: writer.clone(), writer })
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Begins a transaction; writing ones take SQLite's lock at once, since a deferred one would
    /// lose against any rival.
    pub(super) async fn begin(&self, write: bool) -> Result<DatabaseTransaction> {
        let options =
            TransactionOptions { sqlite_transaction_mode: write.then_some(SqliteTransactionMode::Immediate), ..Default::default() };
        let pool = if write { &self.writer } else { &self.reader };
        Ok(pool.begin_with_options(options).await?)
    }

    /// The pools' connections: open ones, and those of them that are idle.
    pub(super) fn connections(&self) -> (u32, usize) {
        match self.backend() {
            DbBackend::Postgres => {
                let pool = self.writer.get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            }
            _ => {
                let (writer, reader) = (self.writer.get_sqlite_connection_pool(), self.reader.get_sqlite_connection_pool());
                (writer.size() + reader.size(), writer.num_idle() + reader.num_idle())
            }
        }
    }

    pub(super) async fn is_alive(&self) -> bool {
        self.reader.query_one_raw(Statement::from_string(self.backend(), "SELECT 1")).await.is_ok()
    }
}

fn sqlite(url: &str, connections: u32, read_only: bool, log: bool) -> ConnectOptions {
    let mode = if read_only { "ro" } else { "rwc" };
    let mut options = ConnectOptions::new(format!("{url}?mode={mode}"));
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        .idle_timeout(None)
        .max_lifetime(None)
        .sqlx_logging(log)
        .map_sqlx_sqlite_opts(move |options| {
            let options = options
                .busy_timeout(Duration::from_secs(10))
                .foreign_keys(true)
                .pragma("synchronous", "FULL")
                .pragma("cache_size", "-8000");
            // A read-only connection cannot change the journal's mode, and need not.
            if read_only { options } else { options.pragma("journal_mode", "WAL") }
        });
    options
}

/// Brings the schema up to date on a connection of its own.
///
/// # Errors
/// When the database cannot be reached or a step fails.
pub async fn migrate(settings: &Settings) -> Result<()> {
    let db = migration_connection(settings).await?;
    if settings.is_sqlite() {
        Migrator::up(&db, None).await?;
        let broken = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, "PRAGMA foreign_key_check")).await?;
        if !broken.is_empty() {
            return Err(Error::internal("the migration left rows that point at nothing"));
        }
    } else {
        // One process migrates, the others wait for it.
        let lock = |verb| Statement::from_string(DbBackend::Postgres, format!("SELECT pg_advisory_{verb}(7685107)"));
        db.query_one_raw(lock("lock")).await?;
        let mut done = Migrator::up(&db, None).await;
        if done.is_ok() {
            done = months_ahead(&db, MONTHS_AHEAD).await;
        }
        db.query_one_raw(lock("unlock")).await?;
        done?;
    }
    Ok(db.close().await?)
}

/// Each step and whether it has been taken, for `souk db status`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn status(settings: &Settings) -> Result<()> {
    let db = migration_connection(settings).await?;
    Ok(Migrator::status(&db).await?)
}

async fn migration_connection(settings: &Settings) -> Result<DatabaseConnection> {
    if settings.is_sqlite() {
        std::fs::create_dir_all(&settings.data_dir).map_err(Error::internal)?;
        let mut options = sqlite(&settings.database(), 1, false, false);
        options.map_sqlx_sqlite_opts(|options| options.foreign_keys(false).pragma("journal_mode", "WAL"));
        return Ok(Database::connect(options).await?);
    }
    let url = settings.migration_database_url.clone().unwrap_or_else(|| settings.database());
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}

/// A login that row-level security does not bind, or that has the roles' rights without taking
/// them, would make that wall decoration.
async fn refuse_strong_login(db: &DatabaseConnection) -> Result<()> {
    let ask = "SELECT (rolsuper OR rolbypassrls) AS strong, EXISTS (SELECT 1 FROM pg_roles AS ours \
               WHERE ours.rolname IN ('souk_app', 'souk_platform', 'souk_retain') \
               AND pg_has_role(current_user, ours.oid, 'USAGE')) AS inherits FROM pg_roles WHERE rolname = current_user";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, ask)).await?;
    let flag = |name: &str| row.as_ref().is_none_or(|row| row.try_get::<bool>("", name).unwrap_or(true));
    if flag("strong") {
        return Err(Error::internal(
            "DATABASE_URL signs in as a superuser or a role that bypasses row security: use a plain login that owns the tables",
        ));
    }
    if flag("inherits") {
        return Err(Error::internal(
            "DATABASE_URL signs in as a role that inherits souk_app, souk_platform or souk_retain: make it NOINHERIT",
        ));
    }
    Ok(())
}

/// The lock of one SQLite data folder, freed by the system when the process ends, however it ends.
pub struct FolderLock {
    _file: std::fs::File,
}

/// # Errors
/// When another `souk start` has the folder.
pub fn lock_folder(settings: &Settings) -> Result<Option<FolderLock>> {
    if !settings.is_sqlite() {
        return Ok(None);
    }
    std::fs::create_dir_all(&settings.data_dir).map_err(Error::internal)?;
    let path = settings.data_dir.join("souk.lock");
    let file = std::fs::File::create(&path).map_err(Error::internal)?;
    if FileExt::try_lock_exclusive(&file).map_err(Error::internal)? {
        Ok(Some(FolderLock { _file: file }))
    } else {
        Err(Error::internal(format!(
            "another souk is running on {}: stop it, or set SOUK_DATA_DIR; more than one process needs PostgreSQL",
            settings.data_dir.display()
        )))
    }
}
