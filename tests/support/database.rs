//! Databases to test on: copies of one that was migrated once.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use loco_rs::environment::Environment;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use sha2::{Digest, Sha256};
use souk::{
    settings::{self, Settings},
    tenancy::database,
};
use tokio::sync::{Mutex, OnceCell, Semaphore, SemaphorePermit};
use uuid::Uuid;

use super::postgres::Server;

/// A server of PostgreSQL has a hundred connections; so many databases share them.
static PLACES: Semaphore = Semaphore::const_new(5);
/// One database is made at a time: they are copies of one template.
static MAKING: Mutex<()> = Mutex::const_new(());
static SWEPT: Once = Once::new();
static TEMPLATE: OnceCell<String> = OnceCell::const_new();
/// Whether the server was there for any test: then it is for all.
static ANSWERED: AtomicBool = AtomicBool::new(false);

/// A template that nobody has used for so long is another tree's, or an old one.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// No test takes so long: its database was left by one that was killed.
const LEFT: Duration = Duration::from_secs(2 * 3_600);

/// A database of PostgreSQL for one test.
pub struct Postgres {
    /// Where databases are made and dropped.
    admin: String,
    name: String,
    is_dropped: bool,
    _place: SemaphorePermit<'static>,
}

impl Postgres {
    /// A migrated and empty one on a server of the test's own.
    pub async fn on(server: &Server) -> Self {
        let place = PLACES.acquire().await.expect("a place");
        let (admin, name) = (server.url(), "souk".to_owned());
        let db = connect(&admin).await.expect("the server answers");
        run(&db, &format!("CREATE DATABASE {name}")).await;
        db.close().await.expect("closed");
        database::migrate(&settings(Path::new("."), Some(sibling(&admin, &name)))).await.expect("migrated");
        Self { admin, name, is_dropped: false, _place: place }
    }

    /// A migrated and empty one, unless no server is there.
    pub async fn new() -> Option<Self> {
        let asked = std::env::var("TEST_DATABASE_URL").ok();
        let admin = asked.clone().unwrap_or_else(|| "postgres://root@127.0.0.1:5432/test".into());
        let place = PLACES.acquire().await.expect("a place");
        let Some(db) = connect(&admin).await else {
            assert!(asked.is_none(), "TEST_DATABASE_URL is set, and nobody answers there");
            assert!(!ANSWERED.load(Ordering::Relaxed), "PostgreSQL answered other tests and is silent now");
            return None;
        };
        ANSWERED.store(true, Ordering::Relaxed);
        let name = format!("souk_test_{}", Uuid::now_v7().simple());
        {
            let _turn = MAKING.lock().await;
            let template = TEMPLATE.get_or_init(|| template(&admin, &db)).await;
            run(&db, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        }
        db.close().await.expect("closed");
        Some(Self { admin, name, is_dropped: false, _place: place })
    }

    pub fn url(&self) -> String {
        sibling(&self.admin, &self.name)
    }

    pub async fn drop(mut self) {
        drop_database(&self.admin, &self.name).await;
        self.is_dropped = true;
    }
}

/// A test that failed leaves nothing on the server either.
impl Drop for Postgres {
    fn drop(&mut self) {
        if self.is_dropped {
            return;
        }
        let (admin, name) = (self.admin.clone(), self.name.clone());
        // A runtime cannot wait for another one in its own thread.
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(drop_database(&admin, &name));
        });
        let _ = gone.join();
    }
}

async fn drop_database(admin: &str, name: &str) {
    let db = connect(admin).await.expect("the server of databases");
    run(&db, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    db.close().await.expect("closed");
}

/// The name of the database with this tree's schema; made by whoever comes first.
async fn template(admin: &str, db: &DatabaseConnection) -> String {
    let name = format!("souk_template_{}", schema());
    // Other test runs may look for it too. Roles belong to the whole server, so that the first migrations of two would meet there.
    run(db, "SELECT pg_advisory_lock(7685109)").await;
    let known = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
    if db.query_one_raw(Statement::from_string(DbBackend::Postgres, known)).await.expect("an answer").is_none() {
        let fresh = format!("souk_template_new_{}", Uuid::now_v7().simple());
        run(db, &format!("CREATE DATABASE {fresh}")).await;
        database::migrate(&settings(Path::new("."), Some(sibling(admin, &fresh)))).await.expect("migrated");
        run(db, &format!("ALTER DATABASE {fresh} RENAME TO {name}")).await;
    }
    // Beside other test runs, of other trees too, it is the last use that tells what nobody needs.
    run(db, &format!("COMMENT ON DATABASE {name} IS '{}'", since_1970().as_secs())).await;
    sweep(db).await;
    run(db, "SELECT pg_advisory_unlock(7685109)").await;
    name
}

/// Drops what earlier runs left: templates out of use, and databases of tests that were killed.
/// What is connected to at the moment refuses to go, and stays.
async fn sweep(db: &DatabaseConnection) {
    let all = "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname LIKE 'souk\\_te%'";
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, all)).await.expect("databases");
    for row in rows {
        let name: String = row.try_get_by_index(0).expect("a name");
        let used: Option<String> = row.try_get_by_index(1).expect("a comment");
        if is_over(&name, used.as_deref()) {
            let _ = db.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}")).await;
        } else if used.is_none() && born(&name).is_none() {
            run(db, &format!("COMMENT ON DATABASE {name} IS '{}'", since_1970().as_secs())).await;
        }
    }
}

/// Whether nobody needs a database any more: by its birth, which is in its name, or by its last use.
fn is_over(name: &str, used: Option<&str>) -> bool {
    let used = used.and_then(|used| used.parse().ok()).map(Duration::from_secs);
    let ended = born(name).map(|born| born + LEFT).or_else(|| used.map(|used| used + KEPT));
    ended.is_some_and(|ended| ended < since_1970())
}

/// When a test's database or folder was made; nothing for a template, which has no number of its own.
fn born(name: &str) -> Option<Duration> {
    let (_, number) = name.rsplit_once(['_', '-'])?;
    let (seconds, nanoseconds) = Uuid::try_parse(number).ok()?.get_timestamp()?.to_unix();
    Some(Duration::new(seconds, nanoseconds))
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is right")
}

/// As [`sweep`], for the folders and templates of SQLite.
fn sweep_folder(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("souk-test-") && is_over(&name, None) {
            let _ = fs::remove_dir_all(entry.path());
        }
        let used = entry.metadata().and_then(|data| data.modified()).ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        if name.starts_with("souk-template-") && used.is_some_and(|used| used + KEPT < since_1970()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Puts a migrated and empty SQLite database into a folder.
pub async fn sqlite(folder: &Path) {
    let template = std::env::temp_dir().join(format!("souk-template-{}.sqlite", schema()));
    {
        let _turn = MAKING.lock().await;
        SWEPT.call_once(|| sweep_folder(&std::env::temp_dir()));
        if !template.exists() {
            let made = temporary();
            database::migrate(&settings(&made, None)).await.expect("migrated");
            fs::rename(made.join("souk.sqlite"), &template).expect("kept");
            fs::remove_dir_all(&made).expect("tidied");
        }
    }
    fs::copy(&template, folder.join("souk.sqlite")).expect("a copy");
    let used = fs::File::options().append(true).open(&template).and_then(|file| file.set_modified(SystemTime::now()));
    used.expect("marked as used");
}

/// A new folder.
pub fn temporary() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("souk-test-{}", Uuid::now_v7().simple()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// What the schema is made by, in short: the same name is the same tables.
fn schema() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migration/src");
    let mut steps: Vec<_> = fs::read_dir(folder).expect("the steps").map(|step| step.expect("a step").path()).collect();
    steps.sort();
    let mut hash = Sha256::new();
    // The tree may have moved on since this was compiled: another list of steps is another schema.
    for step in Migrator::migrations() {
        hash.update(step.name());
    }
    for step in steps {
        hash.update(fs::read(step).expect("its text"));
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn only_what_nobody_needs_is_swept() {
    let at = |ago: Duration| {
        let since = since_1970() - ago;
        Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, since.as_secs(), 0)).simple().to_string()
    };
    let (minute, day) = (Duration::from_secs(60), KEPT + Duration::from_secs(60));
    let used = |ago: Duration| (since_1970() - ago).as_secs().to_string();
    assert!(is_over(&format!("souk_test_{}", at(day)), None) && is_over(&format!("souk_template_new_{}", at(day)), None));
    assert!(!is_over(&format!("souk_test_{}", at(minute)), None) && !is_over(&format!("souk-test-{}", at(minute)), None));
    assert!(is_over("souk_template_0011223344556677", Some(&used(day))));
    assert!(!is_over("souk_template_0011223344556677", Some(&used(minute))) && !is_over("souk_template_0011223344556677", None));
}

/// What a migration needs to know.
fn settings(data_dir: &Path, database_url: Option<String>) -> Settings {
    let config = settings::load(&Environment::Test).expect("the settings of tests");
    Settings { data_dir: data_dir.into(), database_url, ..settings::of(&config, &Environment::Test).expect("typed settings") }
}

pub async fn connect(url: &str) -> Option<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    let second = Duration::from_secs(1);
    options.max_connections(1).connect_timeout(second).acquire_timeout(second).sqlx_logging(false);
    tokio::time::timeout(Duration::from_secs(2), Database::connect(options)).await.ok()?.ok()
}

/// The URL of another database on the same server.
fn sibling(url: &str, name: &str) -> String {
    let (server, _) = url.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{name}")
}

async fn run(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}
