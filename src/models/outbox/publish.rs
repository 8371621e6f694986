//! The log on its way out of the building. What publishes it holds a cursor for a while and renews
//! that as long as it lives, so that of several processes one is at work.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};

use super::{BATCH, Column, Entity, Logged, cursor};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    ids::RowId,
    tenancy::Platform,
};

/// The cursor of what publishes to RabbitMQ. The name is stored: it never changes.
pub const BROKER: &str = "broker";

/// Where a publisher stands.
#[derive(Clone, Debug)]
pub struct Stand {
    pub position: i64,
    /// How many attempts have failed since one succeeded.
    pub failures: i64,
    holder: Option<RowId>,
    held_until: Option<Instant>,
}

impl Stand {
    /// Whether another process is at work.
    #[must_use]
    pub fn is_taken(&self, process: RowId) -> bool {
        self.holder.is_some_and(|holder| holder != process) && self.is_held_for(Duration::ZERO)
    }

    /// Whether this process is at work, and for at least so long.
    #[must_use]
    pub fn is_ours_for(&self, process: RowId, span: Duration) -> bool {
        self.holder == Some(process) && self.is_held_for(span)
    }

    /// Whether somebody is at work, and the last attempt succeeded.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.failures == 0 && self.is_held_for(Duration::ZERO)
    }

    fn is_held_for(&self, span: Duration) -> bool {
        self.held_until.is_some_and(|until| until > clock::now().plus(span))
    }
}

/// Where a publisher stands; nothing when there is none.
pub async fn stand(platform: &Platform, publisher: &str) -> Result<Option<Stand>> {
    let found = platform.one(platform.find::<cursor::Entity>().filter(cursor::Column::Name.eq(publisher))).await?;
    Ok(found.map(|row| Stand { position: row.position, failures: row.failures, holder: row.holder, held_until: row.held_until }))
}

/// The events behind a position, in their order; as many as are published in one go.
pub async fn behind(platform: &Platform, position: i64) -> Result<Vec<Logged>> {
    let events = platform.find::<Entity>().filter(Column::Position.gt(position)).order_by_asc(Column::Position);
    platform.all(events.limit(BATCH)).await
}

/// Whether that many events are as many as are read in one go, so that there may be more.
#[must_use]
pub const fn is_full(events: usize) -> bool {
    events as u64 == BATCH
}

/// Holds a publisher's cursor for this process, or goes on holding it; false while another does.
pub async fn hold(platform: &Platform, publisher: &str, span: Duration) -> Result<bool> {
    super::know_listener(platform, publisher).await?;
    let (me, now) = (platform.souk().process(), clock::now());
    let free =
        Condition::any().add(cursor::Column::Holder.is_null()).add(cursor::Column::Holder.eq(me)).add(cursor::Column::HeldUntil.lte(now));
    let hold = platform
        .update::<cursor::Entity>()
        .col_expr(cursor::Column::Holder, Expr::value(me))
        .col_expr(cursor::Column::HeldUntil, Expr::value(now.plus(span)))
        .filter(cursor::Column::Name.eq(publisher))
        .filter(free);
    Ok(platform.run(hold).await? == 1)
}

/// Everything up to `to` is outside; the cursor goes on being held.
///
/// # Errors
/// When it stands elsewhere meanwhile, or is another's: then it is theirs to say.
pub async fn published(platform: &Platform, publisher: &str, from: i64, to: i64, span: Duration) -> Result<()> {
    let now = clock::now();
    let advance = platform
        .update::<cursor::Entity>()
        .col_expr(cursor::Column::Position, Expr::value(to))
        .col_expr(cursor::Column::Failures, Expr::value(0))
        .col_expr(cursor::Column::HeldUntil, Expr::value(now.plus(span)))
        .col_expr(cursor::Column::UpdatedAt, Expr::value(now))
        .filter(cursor::Column::Name.eq(publisher))
        .filter(cursor::Column::Position.eq(from))
        .filter(cursor::Column::Holder.eq(platform.souk().process()));
    if platform.run(advance).await? == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// An attempt failed: it is counted, and another process may try.
pub async fn failed(platform: &Platform, publisher: &str) -> Result<()> {
    release(platform, publisher, 1).await
}

/// This process ends, and another goes on at once.
pub async fn leave(platform: &Platform, publisher: &str) -> Result<()> {
    release(platform, publisher, 0).await
}

async fn release(platform: &Platform, publisher: &str, failures: i64) -> Result<()> {
    let release = platform
        .update::<cursor::Entity>()
        .col_expr(cursor::Column::Failures, Expr::col(cursor::Column::Failures).add(failures))
        .col_expr(cursor::Column::HeldUntil, Expr::value(clock::now()))
        .filter(cursor::Column::Name.eq(publisher))
        .filter(cursor::Column::Holder.eq(platform.souk().process()));
    platform.run(release).await.map(|_| ())
}

/// Forgets a publisher that is no longer configured here, unless a process elsewhere is at work as
/// that; whether there is none left.
pub async fn retire(platform: &Platform, publisher: &str) -> Result<bool> {
    let over = Condition::any().add(cursor::Column::HeldUntil.is_null()).add(cursor::Column::HeldUntil.lte(clock::now()));
    let gone = platform.delete::<cursor::Entity>().filter(cursor::Column::Name.eq(publisher)).filter(over);
    platform.remove(gone).await?;
    Ok(stand(platform, publisher).await?.is_none())
}
