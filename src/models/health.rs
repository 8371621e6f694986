//! The installation itself: which processes there are, and how large the database is. Each process
//! writes down now and then that it is there.

use std::time::Duration;

use sea_orm::{ColumnTrait, DbBackend, QueryFilter, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr};

use crate::{
    clock::{self, Instant},
    errors::Result,
    ids::RowId,
    tenancy::{Platform, Souk},
};

/// So often a process says that it is there.
pub const BEAT: Duration = Duration::from_secs(15);
/// After so long without a word it is thought to be gone.
const SILENT: Duration = Duration::from_secs(60);
/// So long one that is gone is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

/// A process of this installation.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "processes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    /// The machine's name and the process's number on it.
    pub name: String,
    pub version: String,
    /// Whether it works at queues and schedules; else it only serves.
    pub works: bool,
    pub started_at: Instant,
    pub seen_at: Instant,
}

pub use Model as Process;

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whether it has not been heard of for longer than it is ever silent.
    #[must_use]
    pub fn is_silent(&self, now: Instant) -> bool {
        self.seen_at < now.minus(SILENT)
    }
}

/// Writes down that this process is there, and forgets those that have long been gone.
///
/// # Errors
/// When the database cannot be reached.
pub async fn beat(souk: &Souk, works: bool) -> Result<()> {
    let platform = souk.platform("schedules").await?;
    let now = clock::now();
    let seen = platform.update::<Entity>().col_expr(Column::SeenAt, Expr::value(now)).filter(Column::Id.eq(souk.process()));
    if platform.run(seen).await? == 0 {
        let name = format!("{}:{}", crate::settings::machine(), std::process::id());
        let version = env!("CARGO_PKG_VERSION").into();
        platform.insert(Model { id: souk.process(), name, version, works, started_at: now, seen_at: now }).await?;
    }
    platform.remove(platform.delete::<Entity>().filter(Column::SeenAt.lt(now.minus(REMEMBERED)))).await?;
    platform.commit().await
}

/// Forgets this process, which ends.
///
/// # Errors
/// When the database cannot be reached.
pub async fn leave(souk: &Souk) -> Result<()> {
    let platform = souk.platform("schedules").await?;
    platform.remove(platform.delete::<Entity>().filter(Column::Id.eq(souk.process()))).await?;
    platform.commit().await
}

/// The processes that were heard of lately, the youngest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn processes(platform: &Platform) -> Result<Vec<Process>> {
    platform.all(platform.find::<Entity>().order_by_desc(Column::StartedAt).limit(100)).await
}

/// What the database says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Database {
    pub version: String,
    pub bytes: i64,
    /// How many steps of the schema it has.
    pub steps: i64,
    pub last_step: String,
}

/// # Errors
/// When the database cannot be reached.
pub async fn database(platform: &Platform) -> Result<Database> {
    let question = if platform.backend() == DbBackend::Postgres {
        "SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS bytes"
    } else {
        "SELECT sqlite_version() AS version, (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size()) AS bytes"
    };
    let steps = "SELECT COUNT(*) AS steps, MAX(version) AS last FROM seaql_migrations";
    let (Some(own), Some(steps)) = (platform.ask(question, vec![]).await?.pop(), platform.ask(steps, vec![]).await?.pop()) else {
        return Ok(Database::default());
    };
    Ok(Database {
        version: own.try_get("", "version")?,
        bytes: own.try_get("", "bytes")?,
        steps: steps.try_get("", "steps")?,
        last_step: steps.try_get("", "last")?,
    })
}
