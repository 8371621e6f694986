//! The wall: one unit of work on behalf of one company.
#![expect(clippy::disallowed_methods, reason = "tenancy is where queries begin")]

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DeleteMany, EntityTrait,
    FromQueryResult, IntoActiveModel, QueryFilter, QuerySelect, QueryTrait, Select, Statement, UpdateMany,
    sea_query::{self, Asterisk, Expr, ExprTrait, OnConflict},
};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use super::{Grant, Role, Souk};
use crate::{
    bell::{Lanes, Pending},
    clock,
    errors::{Error, Result},
    events::{self, Event},
    ids::{CompanyId, CustomerId, EventId, MemberId, ShopId, StaffId},
    models::{audit, companies::Standing, outbox},
};

/// An entity whose rows belong to a company, and perhaps to one of its shops.
pub trait Owned: EntityTrait {
    fn company() -> Self::Column;

    /// The shop's column, for rows that shop roles see only at their shops.
    fn shop() -> Option<Self::Column> {
        None
    }
}

/// Closes an entity's file: it has no relations to follow, and belongs to its company.
macro_rules! owned {
    () => {
        $crate::tenancy::owned!(@entity None);
    };
    (shop) => {
        $crate::tenancy::owned!(@entity Some(Column::ShopId));
    };
    (@entity $shop:expr) => {
        #[derive(Copy, Clone, Debug, sea_orm::EnumIter, sea_orm::DeriveRelation)]
        pub enum Relation {}

        impl sea_orm::ActiveModelBehavior for ActiveModel {}

        impl $crate::tenancy::Owned for Entity {
            fn company() -> Column {
                Column::CompanyId
            }

            fn shop() -> Option<Column> {
                $shop
            }
        }
    };
}
pub(crate) use owned;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Customer(CustomerId),
    Member(MemberId),
    /// A super admin acting in a company.
    Platform(StaffId),
    /// Somebody not signed in.
    Guest,
    /// Souk itself: a sweep, a job.
    System,
}

impl Actor {
    #[must_use]
    pub const fn id(self) -> Option<Uuid> {
        match self {
            Self::Customer(id) => Some(id.0),
            Self::Member(id) => Some(id.0),
            Self::Platform(id) => Some(id.0),
            Self::Guest | Self::System => None,
        }
    }
}

/// On whose behalf a unit works, and what the audit writes down about them.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub company: CompanyId,
    pub actor: Actor,
    pub role: Role,
    /// The shops where the act's permission is held; nothing for the whole company.
    pub shops: Option<Vec<ShopId>>,
    /// How the company stands with the platform; the platform's own people and Souk itself are never held up by it.
    pub standing: Standing,
    /// A member's assignments; for everybody else the role says it all.
    pub grants: Option<Arc<[Grant]>>,
    pub name: String,
    /// The admin in whose place one of the platform's people acts; the audit has both names.
    pub acting_for: Option<Arc<str>>,
    pub ip_address: String,
    pub user_agent: String,
    pub request_id: String,
}

impl Tenant {
    /// Souk at work for a company by itself.
    #[must_use]
    pub fn system(company: CompanyId) -> Self {
        Self {
            company,
            actor: Actor::System,
            role: Role::CompanyAdmin,
            shops: None,
            standing: Standing::Good,
            grants: None,
            name: "Souk".into(),
            acting_for: None,
            ip_address: String::new(),
            user_agent: String::new(),
            request_id: String::new(),
        }
    }

    /// Whether the person may do it, here or at some shop.
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        match &self.grants {
            None => self.role.may(permission),
            Some(grants) => grants.iter().any(|grant| grant.may(permission)),
        }
    }

    /// Whether the person may do it at a shop, or for nothing in the whole company.
    #[must_use]
    pub fn may_at(&self, permission: &str, shop: Option<ShopId>) -> bool {
        match &self.grants {
            None => self.role.may(permission),
            Some(grants) => grants.iter().any(|grant| grant.covers(shop) && grant.may(permission)),
        }
    }

    /// The shops where the person may do it, none perhaps; nothing for the whole company.
    #[must_use]
    pub fn shops_where(&self, permission: &str) -> Option<Vec<ShopId>> {
        let Some(grants) = &self.grants else {
            return if self.role.may(permission) { self.shops.clone() } else { Some(vec![]) };
        };
        // One grant for the whole company outweighs those at shops.
        let fitting = grants.iter().filter(|grant| grant.may(permission)).map(|grant| grant.shop);
        let mut shops = fitting.collect::<Option<Vec<_>>>()?;
        shops.sort_unstable();
        shops.dedup();
        Some(shops)
    }

    /// The same person, who sees the shops where they may do it; nobody when they may nowhere.
    /// A permission held at one shop is so worth nothing at another.
    #[must_use]
    pub fn narrowed(mut self, permission: &str) -> Option<Self> {
        if !self.may(permission) {
            return None;
        }
        self.shops = self.shops_where(permission);
        Some(self)
    }
}

/// What an audited act did to a thing: field, before, after.
pub type Change = (&'static str, Value, Value);

/// So much is told in one statement at most.
const TOLD_MAX: usize = 500;

/// What a unit tells beside its change.
#[derive(Default)]
struct Told {
    events: Vec<outbox::Model>,
    entries: Vec<audit::Row>,
    /// The personal part of entries, where erasure can reach it.
    values: Vec<audit::PersonalValues>,
}

/// One transaction, on behalf of one company.
///
/// Domain code is given a `&Scope` and nothing else, so it has no way to another company.
/// Dropping a scope rolls back; say [`Scope::commit`] when the work is done.
pub struct Scope {
    tx: Arc<DatabaseTransaction>,
    souk: Souk,
    tenant: Tenant,
    /// What is told and not yet written.
    told: Mutex<Told>,
    /// Who is woken when this is kept.
    wakes: Pending,
}

impl Scope {
    pub(super) async fn begin(souk: Souk, tenant: Tenant, write: bool) -> Result<Self> {
        let tx = souk.databases().begin(write).await?;
        Self::of(tx, souk, tenant).await
    }

    /// Goes on with a unit on behalf of `tenant`.
    pub(super) async fn of(tx: DatabaseTransaction, souk: Souk, tenant: Tenant) -> Result<Self> {
        enter(&tx, "souk_app", &tenant.company.to_string()).await?;
        Ok(Self::over(Arc::new(tx), souk, tenant))
    }

    /// A scope over a transaction that is somebody else's to keep.
    pub(super) fn over(tx: Arc<DatabaseTransaction>, souk: Souk, tenant: Tenant) -> Self {
        Self { tx, souk, tenant, told: Mutex::default(), wakes: Pending::default() }
    }

    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    #[must_use]
    pub const fn company(&self) -> CompanyId {
        self.tenant.company
    }

    #[must_use]
    pub const fn souk(&self) -> &Souk {
        &self.souk
    }

    /// The customer who acts.
    ///
    /// # Errors
    /// 403 when somebody else does.
    pub const fn customer(&self) -> Result<CustomerId> {
        match self.tenant.actor {
            Actor::Customer(id) => Ok(id),
            _ => Err(Error::NotAllowed { code: "forbidden" }),
        }
    }

    /// Whether the caller may see what belongs to `shop`.
    #[must_use]
    pub fn sees_shop(&self, shop: ShopId) -> bool {
        self.tenant.shops.as_ref().is_none_or(|shops| shops.contains(&shop))
    }

    /// Rows of this company and, for shop roles, of their shops.
    #[must_use]
    pub fn find<E: Owned>(&self) -> Select<E> {
        let select = E::find().filter(E::company().eq(self.company()));
        match self.at_shops::<E>() {
            Some(shops) => select.filter(shops),
            None => select,
        }
    }

    /// Rows of the whole company, also for shop roles: for acts that must see the neighbour shop
    /// to be right (a checkout's holds, a payment's allocations), never to show them.
    #[must_use]
    pub fn find_company_wide<E: Owned>(&self) -> Select<E> {
        E::find().filter(E::company().eq(self.company()))
    }

    /// A change of the rows that [`Scope::find`] finds; add the condition that makes it a transition.
    #[must_use]
    pub fn update<E: Owned>(&self) -> UpdateMany<E> {
        let update = E::update_many().filter(E::company().eq(self.company()));
        match self.at_shops::<E>() {
            Some(shops) => update.filter(shops),
            None => update,
        }
    }

    /// The end of rows that [`Scope::find`] finds.
    #[must_use]
    pub fn delete<E: Owned>(&self) -> DeleteMany<E> {
        let delete = E::delete_many().filter(E::company().eq(self.company()));
        match self.at_shops::<E>() {
            Some(shops) => delete.filter(shops),
            None => delete,
        }
    }

    /// What keeps a shop role to rows of its shops, where such rows have a shop.
    fn at_shops<E: Owned>(&self) -> Option<Expr> {
        let shops = self.tenant.shops.as_ref()?;
        Some(E::shop()?.is_in(shops.iter().copied()))
    }

    pub async fn all<E: Owned>(&self, select: Select<E>) -> Result<Vec<E::Model>> {
        Ok(select.all(&*self.tx).await?)
    }

    /// As [`Scope::all`], and keeps the rows from others until this unit ends, taken one by one in the
    /// order of the query. On SQLite a writing unit is alone anyway.
    pub async fn all_kept<E: Owned>(&self, select: Select<E>) -> Result<Vec<E::Model>> {
        Ok(select.lock_exclusive().all(&*self.tx).await?)
    }

    pub async fn one<E: Owned>(&self, select: Select<E>) -> Result<Option<E::Model>> {
        Ok(select.one(&*self.tx).await?)
    }

    /// How many rows there are: for upkeep, never for a list.
    pub async fn count<E: Owned>(&self, select: Select<E>) -> Result<u64>
    where
        E::Model: Sync,
    {
        Ok(sea_orm::PaginatorTrait::count(select, &*self.tx).await?)
    }

    /// The one row, or 404: not there and not yours are the same answer.
    pub async fn get<E: Owned>(&self, select: Select<E>) -> Result<E::Model> {
        self.one(select).await?.ok_or(Error::NOT_FOUND)
    }

    /// Selected columns, as `T`.
    pub async fn all_as<T: FromQueryResult + Send + Sync, E: Owned>(&self, select: Select<E>) -> Result<Vec<T>> {
        Ok(select.into_model::<T>().all(&*self.tx).await?)
    }

    /// How many rows there are, counted no further than `most`.
    pub async fn count_to<E: Owned>(&self, mut select: Select<E>, most: u64) -> Result<u64> {
        QuerySelect::query(&mut select).clear_selects().clear_order_by().expr(Expr::val(1_i64)).limit(most);
        let counted =
            sea_query::Query::select().expr_as(Expr::col(Asterisk).count(), "counted").from_subquery(select.into_query(), "some").take();
        let row = self.tx.query_one(&counted).await?;
        let counted = row.map(|row| row.try_get::<i64>("", "counted")).transpose()?.unwrap_or_default();
        u64::try_from(counted).map_err(Error::internal)
    }

    /// Runs a conditional change; how many rows it found decides what happened.
    pub async fn run<E: Owned>(&self, update: UpdateMany<E>) -> Result<u64> {
        Ok(update.exec(&*self.tx).await?.rows_affected)
    }

    /// As [`Scope::run`], and gives the rows as they are now.
    pub async fn run_returning<E: Owned>(&self, update: UpdateMany<E>) -> Result<Vec<E::Model>> {
        Ok(update.exec_with_returning(&*self.tx).await?)
    }

    pub async fn remove<E: Owned>(&self, delete: DeleteMany<E>) -> Result<u64> {
        Ok(delete.exec(&*self.tx).await?.rows_affected)
    }

    /// Inserts a row as this company's, whatever company it names.
    pub async fn insert<M>(&self, model: M) -> Result<()>
    where
        M: sea_orm::ModelTrait + IntoActiveModel<<<M as sea_orm::ModelTrait>::Entity as EntityTrait>::ActiveModel>,
        M::Entity: Owned,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior + Send,
    {
        self.insert_all(vec![model]).await
    }

    /// Inserts rows in one statement.
    pub async fn insert_all<M>(&self, models: Vec<M>) -> Result<()>
    where
        M: sea_orm::ModelTrait + IntoActiveModel<<<M as sea_orm::ModelTrait>::Entity as EntityTrait>::ActiveModel>,
        M::Entity: Owned,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior + Send,
    {
        if models.is_empty() {
            return Ok(());
        }
        let rows = models.into_iter().map(|model| {
            let mut row = model.into_active_model().reset_all();
            row.set(<M::Entity as Owned>::company(), self.company().into());
            row
        });
        <M::Entity as EntityTrait>::insert_many(rows).exec_without_returning(&*self.tx).await?;
        Ok(())
    }

    /// Inserts a row unless one with the same `key` is there; false when it is.
    pub async fn insert_unless_there<M>(&self, model: M, key: &[<M::Entity as EntityTrait>::Column]) -> Result<bool>
    where
        M: sea_orm::ModelTrait + IntoActiveModel<<<M as sea_orm::ModelTrait>::Entity as EntityTrait>::ActiveModel>,
        M::Entity: Owned,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior + Send,
    {
        let mut row = model.into_active_model().reset_all();
        row.set(<M::Entity as Owned>::company(), self.company().into());
        let unless = OnConflict::columns(key.iter().copied()).do_nothing().to_owned();
        let insert = <M::Entity as EntityTrait>::insert(row).on_conflict(unless);
        Ok(insert.exec_without_returning(&*self.tx).await? == 1)
    }

    /// Tells what happened, in the same transaction: written when the unit ends, together with
    /// all else that it tells.
    pub async fn emit(&self, event: Event) -> Result<()> {
        self.emit_of(&self.tenant, event).await
    }

    /// As [`Scope::emit`], of what somebody else of this company did.
    pub(super) async fn emit_of(&self, who: &Tenant, event: Event) -> Result<()> {
        self.wake(Lanes::LOG);
        let event = outbox::Model {
            id: EventId::new(),
            company_id: self.company(),
            kind: event.kind.into(),
            aggregate_type: event.aggregate.0.into(),
            aggregate_id: event.aggregate.1,
            actor_role: who.role.name().into(),
            actor_id: who.actor.id(),
            via: events::VIA.into(),
            shop_id: event.shop,
            data: event.data,
            position: None,
            seq: None,
            created_at: clock::now(),
        };
        let mut told = self.told.lock().await;
        told.events.push(event);
        self.write_when_many(told).await
    }

    /// Writes down who did what to which thing, with what was before and what is after.
    pub async fn audit(
        &self,
        action: &str,
        resource: &str,
        id: impl std::fmt::Display + Send,
        shop: Option<ShopId>,
        changes: Vec<Change>,
    ) -> Result<()> {
        let (entry, values) = audit::written(&self.tenant, action, resource, id.to_string(), shop, changes);
        let mut told = self.told.lock().await;
        told.entries.push(entry);
        told.values.extend(values);
        self.write_when_many(told).await
    }

    /// A unit that tells very much writes it in several statements.
    async fn write_when_many(&self, told: MutexGuard<'_, Told>) -> Result<()> {
        if told.events.len() + told.entries.len() < TOLD_MAX {
            return Ok(());
        }
        drop(told);
        self.write_told().await
    }

    /// Writes the events and the audit entries that this unit has told of so far.
    pub(super) async fn write_told(&self) -> Result<()> {
        let Told { mut events, entries, values } = std::mem::take(&mut *self.told.lock().await);
        // SQLite's one writer numbers its events itself; on PostgreSQL a sequence and the relay do.
        if !events.is_empty() && self.tx.get_database_backend() == DbBackend::Sqlite {
            let ask = Statement::from_string(DbBackend::Sqlite, "SELECT COALESCE(MAX(position), 0) + 1 AS next FROM outbox");
            let row = self.tx.query_one_raw(ask).await?;
            let next = row.map(|row| row.try_get::<i64>("", "next")).transpose()?.unwrap_or(1);
            for (event, position) in events.iter_mut().zip(next..) {
                event.position = Some(position);
                event.seq = Some(position);
            }
        }
        self.insert_all(events).await?;
        self.insert_all(entries).await?;
        self.insert_all(values).await
    }

    /// Deletes rows that are written once, when their time is over: nowhere else does the schema let
    /// go of them. On PostgreSQL a role of its own may; on SQLite the triggers yield to a guard's row,
    /// which no other connection ever sees.
    pub async fn retire<E: Owned>(&self, delete: DeleteMany<E>) -> Result<u64> {
        let (open, close) = match self.tx.get_database_backend() {
            DbBackend::Postgres => ("SET LOCAL ROLE souk_retain", "SET LOCAL ROLE souk_app"),
            _ => ("INSERT INTO retain_guard (id) VALUES (x'00')", "DELETE FROM retain_guard"),
        };
        self.tx.execute_unprepared(open).await?;
        let gone = delete.exec(&*self.tx).await?.rows_affected;
        self.tx.execute_unprepared(close).await?;
        Ok(gone)
    }

    /// Waits until no other unit of this company does `work`, and keeps others from it until this
    /// one ends. What is read afterwards holds what they did. On SQLite a writing unit is alone anyway.
    pub async fn alone(&self, work: &str) -> Result<()> {
        if self.tx.get_database_backend() == DbBackend::Postgres {
            let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
            let values = [format!("{work} {}", self.company()).into()];
            self.tx.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, lock, values)).await?;
        }
        Ok(())
    }

    /// How long this unit waits for rows that a rival holds before it is refused with a 503; nothing
    /// for as long as it takes. SQLite's units wait before they begin.
    pub async fn wait_at_most(&self, wait: Option<Duration>) -> Result<()> {
        if self.tx.get_database_backend() == DbBackend::Postgres {
            let millis = wait.map_or(0, |wait| wait.as_millis());
            self.tx.execute_unprepared(&format!("SET LOCAL lock_timeout = {millis}")).await?;
        }
        Ok(())
    }

    /// Wakes whoever works in these lanes, once this unit is kept.
    pub fn wake(&self, lanes: Lanes) {
        self.wakes.add(lanes);
    }

    pub(super) fn wakes(&self) -> Lanes {
        self.wakes.take()
    }

    /// Keeps the work, and rings for whoever waits for it.
    ///
    /// # Errors
    /// When the database cannot keep it, or the unit is lent: then its lender keeps it.
    pub async fn commit(self) -> Result<()> {
        self.write_told().await?;
        let Some(tx) = Arc::into_inner(self.tx) else {
            return Err(Error::internal("this unit is lent: who lent it keeps it"));
        };
        tx.commit().await?;
        self.souk.bell().ring(self.wakes.take());
        Ok(())
    }

    /// Undoes what was done since [`Scope::savepoint`].
    pub async fn rollback_to_savepoint(&self) -> Result<()> {
        self.tx.execute_unprepared("ROLLBACK TO SAVEPOINT act").await?;
        *self.told.lock().await = Told::default();
        Ok(())
    }

    /// Marks a point behind which a refusal can go back while the unit stays.
    pub async fn savepoint(&self) -> Result<()> {
        self.write_told().await?;
        self.tx.execute_unprepared("SAVEPOINT act").await?;
        Ok(())
    }
}

/// Takes the role and the company for this transaction alone; a pooled connection forgets both.
pub(super) async fn enter(tx: &DatabaseTransaction, role: &str, company: &str) -> Result<()> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.query_one_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT set_config('role', $1, true), set_config('app.company_id', $2, true)",
            [role.into(), company.into()],
        ))
        .await?;
    }
    Ok(())
}
