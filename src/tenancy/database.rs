//! The connections: on SQLite one writer and several readers, on PostgreSQL one pool.
#![expect(clippy::disallowed_methods, reason = "tenancy is the connections' home")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use fs4::fs_std::FileExt;
use migration::{Migrator, MigratorTrait, tenant::months_ahead};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, sqlx::sqlite::SqliteConnectOptions,
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
        if settings.is_sqlite() {
            let writer = Database::connect(sqlite(settings, 1, Use::Write)?).await?;
            let reader = Database::connect(sqlite(settings, settings.database_connections.max(2), Use::Read)?).await?;
            refuse_other_schema(&reader).await?;
            return Ok(Self { writer, reader });
        }
        let mut options = ConnectOptions::new(settings.database());
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
        refuse_other_schema(&writer).await?;
        Ok(Self { reader: writer.clone(), writer })
    }

    /// Opens a database that is there, without making, changing or locking anything of it.
    pub(super) async fn look(settings: &Settings) -> Result<Self> {
        if !settings.is_sqlite() {
            return Self::open(settings).await;
        }
        let file = file(settings)?;
        if !file.exists() {
            return Err(Error::internal(format!("there is no database at {}", file.display())));
        }
        let reader = Database::connect(sqlite(settings, 2, Use::Read)?).await?;
        refuse_other_schema(&reader).await?;
        Ok(Self { writer: reader.clone(), reader })
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

    /// Begins a transaction that sees the rows of one moment, and changes none.
    pub(super) async fn snapshot(&self) -> Result<DatabaseTransaction> {
        let options = match self.backend() {
            DbBackend::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..Default::default()
            },
            // Whoever reads there sees one moment anyhow.
            _ => TransactionOptions::default(),
        };
        Ok(self.reader.begin_with_options(options).await?)
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

/// What a connection to SQLite is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Write,
    /// A step may rebuild a table that others point at: what points where is checked at the end of each.
    Migrate,
}

fn sqlite(settings: &Settings, connections: u32, purpose: Use) -> Result<ConnectOptions> {
    let mode = if purpose == Use::Read { "ro" } else { "rwc" };
    let url = settings.database();
    let (place, said) = url.split_once('?').unwrap_or((&url, ""));
    // How it is opened is ours to say; what else the address says stays.
    let said = said.split('&').filter(|one| !one.is_empty() && !one.starts_with("mode="));
    let said: String = said.map(|one| format!("&{one}")).collect();
    let mut options = ConnectOptions::new(format!("{place}?mode={mode}{said}"));
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        .idle_timeout(None)
        .max_lifetime(None)
        .sqlx_logging(settings.log_statements && purpose != Use::Migrate)
        .map_sqlx_sqlite_opts(move |options| {
            let options = options
                .busy_timeout(Duration::from_secs(10))
                .foreign_keys(purpose != Use::Migrate)
                .pragma("synchronous", "FULL")
                .pragma("cache_size", "-8000");
            // A read-only connection cannot change the journal's mode, and need not.
            if purpose == Use::Read { options } else { options.pragma("journal_mode", "WAL") }
        });
    Ok(options)
}

/// The file that a URL of SQLite names.
fn file(settings: &Settings) -> Result<PathBuf> {
    let url = settings.database();
    let options = SqliteConnectOptions::from_str(&url).map_err(|error| Error::internal(format!("DATABASE_URL: {error}")))?;
    // Each connection would have a database of its own there.
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(Error::internal(
            "DATABASE_URL names a database in memory: Souk needs a file, such as sqlite:///var/lib/souk/souk.sqlite",
        ));
    }
    Ok(options.get_filename().to_owned())
}

/// Whether there is a database to open; a server is asked when it is opened.
///
/// # Errors
/// When the URL is none of SQLite's.
pub fn is_there(settings: &Settings) -> Result<bool> {
    Ok(!settings.is_sqlite() || file(settings)?.exists())
}

/// Brings the schema up to date on a connection of its own.
///
/// # Errors
/// When the database cannot be reached or a step fails.
pub async fn migrate(settings: &Settings) -> Result<()> {
    let db = migration_connection(settings).await?;
    if settings.is_sqlite() {
        Migrator::up(&db, None).await?;
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
    if !is_there(settings)? {
        return Err(Error::internal(format!("there is no database at {}", file(settings)?.display())));
    }
    let db = migration_connection(settings).await?;
    Ok(Migrator::status(&db).await?)
}

/// How many steps of the schema have not been taken, asked on the connection that takes them.
///
/// # Errors
/// When the database cannot be reached.
pub async fn pending(settings: &Settings) -> Result<usize> {
    let db = migration_connection(settings).await?;
    let pending = missing(&db).await?;
    db.close().await?;
    Ok(pending)
}

/// The steps of this program that a database has not taken; all of them where nothing was begun.
async fn missing<C: ConnectionTrait>(db: &C) -> Result<usize> {
    let taken = db.query_all_raw(Statement::from_string(db.get_database_backend(), "SELECT version FROM seaql_migrations")).await;
    let taken: BTreeSet<String> = match taken {
        Ok(rows) => rows.iter().map(|row| row.try_get("", "version")).collect::<std::result::Result<_, _>>()?,
        // Who may not read it, or finds no such table, stands before a schema that is not ours.
        Err(DbErr::Exec(_) | DbErr::Query(_)) => BTreeSet::new(),
        Err(error) => return Err(error.into()),
    };
    Ok(Migrator::migrations().iter().filter(|step| !taken.contains(step.name())).count())
}

/// A schema that is absent or behind would be found out column by column, by customers. One that is
/// ahead is an upgrade under way, whose steps leave room for the program before.
async fn refuse_other_schema(db: &DatabaseConnection) -> Result<()> {
    let unit = db.begin().await?;
    let may_look = match db.get_database_backend() {
        DbBackend::Postgres => unit.execute_unprepared("SET LOCAL ROLE souk_platform").await.map(|_| ()),
        _ => Ok(()),
    };
    let missing = match may_look {
        Ok(()) => missing(&unit).await?,
        Err(DbErr::Exec(_) | DbErr::Query(_)) => Migrator::migrations().len(),
        Err(error) => return Err(error.into()),
    };
    if missing == 0 {
        return Ok(());
    }
    Err(Error::internal(format!("the database is {missing} steps behind this program: run `souk db migrate` first")))
}

async fn migration_connection(settings: &Settings) -> Result<DatabaseConnection> {
    if settings.is_sqlite() {
        make_room(settings)?;
        return Ok(Database::connect(sqlite(settings, 1, Use::Migrate)?).await?);
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

/// The folders of the pictures and of the database's file, which need not be the same.
fn make_room(settings: &Settings) -> Result<()> {
    std::fs::create_dir_all(&settings.data_dir).map_err(Error::internal)?;
    let file = file(settings)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), std::fs::create_dir_all).map_err(Error::internal)
}

/// The lock of one SQLite database, freed by the system when the process ends, however it ends.
pub struct FileLock {
    _file: std::fs::File,
}

/// Takes the database for this process alone; on PostgreSQL nobody needs to.
///
/// # Errors
/// When another `souk start` has it, whatever its data folder is.
pub fn lock(settings: &Settings) -> Result<Option<FileLock>> {
    if !settings.is_sqlite() {
        return Ok(None);
    }
    make_room(settings)?;
    let path = beside(&file(settings)?).map_err(Error::internal)?;
    let lock = std::fs::File::create(&path).map_err(Error::internal)?;
    if FileExt::try_lock_exclusive(&lock).map_err(Error::internal)? {
        Ok(Some(FileLock { _file: lock }))
    } else {
        let file = path.with_extension("");
        Err(Error::internal(format!(
            "another souk is running on {}: stop it, or name another database; more than one process needs PostgreSQL",
            file.display()
        )))
    }
}

/// The lock's own file, `<file>.lock`: the same by whatever way the database is named.
fn beside(file: &Path) -> std::io::Result<PathBuf> {
    let whole = match (file.canonicalize(), file.parent(), file.file_name()) {
        (Ok(whole), _, _) => whole,
        // Not there yet: its folder is.
        (Err(_), Some(folder), Some(name)) if !folder.as_os_str().is_empty() => folder.canonicalize()?.join(name),
        _ => std::env::current_dir()?.join(file),
    };
    let mut path = whole.into_os_string();
    path.push(".lock");
    Ok(path.into())
}
