//! Wrong passwords, counted for an account at a door.
//!
//! The door is the client's address, so that a stranger pauses only the stranger. Many strangers
//! together pause the addresses that the account does not know: its owner gets in from where they
//! are signed in already. An account that does not exist is counted alike, so that a pause tells
//! nobody which do.

use std::time::Duration;

use sea_orm::{
    Condition, UpdateMany,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};

use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    ids::RowId,
    tenancy::Platform,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "knocks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    /// A keyed hash of an e-mail address, and of the company where it is one's: it gives away neither.
    pub account: String,
    pub door: String,
    pub count: i64,
    pub since: Instant,
    pub paused_until: Option<Instant>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The pause is short: it makes guessing hopeless and a typing error bearable.
const PAUSE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What is counted, how often it may happen, and in which time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Door<'a> {
    /// One client address.
    Address(&'a str),
    /// All addresses together.
    Strangers,
    /// Letters asked for, so that nobody's mailbox is filled.
    Letters,
    /// Codes sent to a telephone, one after the other.
    Codes,
    /// The same over a day, so that nobody's telephone rings all night at the company's cost.
    CodesOfDay,
    /// Changes of one's own password: each costs two hashes, whether the old one was right or not.
    Passwords,
}

impl<'a> Door<'a> {
    const fn name(self) -> &'a str {
        match self {
            Self::Address(address) => address,
            Self::Strangers => "strangers",
            Self::Letters => "letters",
            Self::Codes => "codes",
            Self::CodesOfDay => "codes_of_day",
            Self::Passwords => "passwords",
        }
    }

    const fn count_max(self) -> i64 {
        match self {
            Self::Address(_) => 8,
            Self::Strangers => 100,
            Self::Codes => 1,
            Self::Letters => 5,
            Self::CodesOfDay | Self::Passwords => 10,
        }
    }

    const fn window(self) -> Duration {
        match self {
            Self::Address(_) | Self::Strangers | Self::Passwords => Duration::from_secs(15 * 60),
            Self::Letters => Duration::from_secs(3_600),
            Self::Codes => PAUSE,
            Self::CodesOfDay => DAY,
        }
    }

    const fn pause(self) -> Duration {
        match self {
            Self::Address(_) | Self::Strangers | Self::Codes => PAUSE,
            Self::Letters => Duration::from_secs(3_600),
            Self::CodesOfDay => DAY,
            Self::Passwords => Duration::from_secs(15 * 60),
        }
    }
}

/// The counts of an account's names at this address and of all strangers.
pub(super) async fn of(platform: &Platform, names: &[&str], address: &str) -> Result<Vec<Model>> {
    let doors = [Door::Address(address).name(), Door::Strangers.name()];
    let rows = platform.find::<Entity>().filter(Column::Account.is_in(names.iter().copied())).filter(Column::Door.is_in(doors));
    platform.all(rows).await
}

/// # Errors
/// 429 while the account is paused here. The pause of strangers does not bind whom it knows.
pub(super) fn refuse_paused(knocks: &[Model], knows_address: bool) -> Result<()> {
    let now = clock::now();
    let binds = |one: &&Model| one.door != Door::Strangers.name() || !knows_address;
    match knocks.iter().filter(binds).filter_map(|one| one.paused_until).filter(|until| *until > now).max() {
        Some(until) => {
            let left = until.micros().abs_diff(now.micros());
            Err(Error::TooMany { retry_after_seconds: left.div_ceil(1_000_000) })
        }
        None => Ok(()),
    }
}

/// Counts once more; whether that begins a pause.
pub(super) async fn count(platform: &Platform, account: &str, door: Door<'_>) -> Result<bool> {
    add(platform, account, door, Condition::all()).await?;
    pause(platform, account, door).await
}

/// Adds one where `may` holds; whether it does.
async fn add(platform: &Platform, account: &str, door: Door<'_>, may: Condition) -> Result<bool> {
    let now = clock::now();
    let fresh = Model { id: RowId::new(), account: account.into(), door: door.name().into(), count: 0, since: now, paused_until: None };
    platform.insert_unless_there(fresh, &[Column::Account, Column::Door]).await?;
    let anew = platform
        .update::<Entity>()
        .col_expr(Column::Count, Expr::value(0_i64))
        .col_expr(Column::Since, Expr::value(now))
        .filter(Column::Since.lte(now.minus(door.window())));
    platform.run(here(anew, account, door)).await?;
    let more = platform.update::<Entity>().col_expr(Column::Count, Expr::col(Column::Count).add(1)).filter(may);
    Ok(platform.run(here(more, account, door)).await? == 1)
}

fn here(update: UpdateMany<Entity>, account: &str, door: Door<'_>) -> UpdateMany<Entity> {
    update.filter(Column::Account.eq(account)).filter(Column::Door.eq(door.name()))
}

/// Begins a pause where the bound is reached; whether it is.
async fn pause(platform: &Platform, account: &str, door: Door<'_>) -> Result<bool> {
    let now = clock::now();
    let pause = platform
        .update::<Entity>()
        .col_expr(Column::Count, Expr::value(0_i64))
        .col_expr(Column::Since, Expr::value(now))
        .col_expr(Column::PausedUntil, Expr::value(Some(now.plus(door.pause()))))
        .filter(Column::Count.gte(door.count_max()));
    Ok(platform.run(here(pause, account, door)).await? == 1)
}

/// Whether one more may happen at a door that pauses at its bound; counts it if so. Of many at the
/// same time no more pass than one after the other.
pub(super) async fn pass(platform: &Platform, account: &str, door: Door<'_>) -> Result<bool> {
    let is_open = Column::PausedUntil.is_null().or(Column::PausedUntil.lte(clock::now()));
    if !add(platform, account, door, Condition::all().add(is_open)).await? {
        return Ok(false);
    }
    pause(platform, account, door).await?;
    Ok(true)
}

/// As [`pass`], for somebody who is told that they must wait.
///
/// # Errors
/// 429.
pub(super) async fn admit(platform: &Platform, account: &str, door: Door<'_>) -> Result<()> {
    let refused = Error::TooMany { retry_after_seconds: door.pause().as_secs() };
    if pass(platform, account, door).await? { Ok(()) } else { Err(refused) }
}

/// Forgets an address's wrong passwords: the right one came.
pub(super) async fn forgive(platform: &Platform, names: &[&str], address: &str) -> Result<()> {
    let gone = platform.delete::<Entity>().filter(Column::Account.is_in(names.iter().copied())).filter(Column::Door.eq(address));
    platform.remove(gone).await.map(|_| ())
}
