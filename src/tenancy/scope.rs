//! The wall: one unit of work on behalf of one company.
#![expect(clippy::disallowed_methods, reason = "tenancy is where queries begin")]

use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DeleteMany, EntityTrait,
    FromQueryResult, IntoActiveModel, QueryFilter, Select, Statement, UpdateMany, sea_query::OnConflict,
};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{Role, Souk, keys};
use crate::{
    clock,
    errors::{Error, Result},
    events::{self, Event},
    ids::{AuditId, CompanyId, CustomerId, EventId, MemberId, ShopId, StaffId},
    models::{audit, outbox},
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
    /// The shops a shop role is assigned to; nothing for roles of the whole company.
    pub shops: Option<Vec<ShopId>>,
    pub name: String,
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
            name: "Souk".into(),
            ip_address: String::new(),
            user_agent: String::new(),
            request_id: String::new(),
        }
    }
}

/// What an audited act did to a thing: field, before, after.
pub type Change = (&'static str, Value, Value);

/// One transaction, on behalf of one company.
///
/// Domain code is given a `&Scope` and nothing else, so it has no way to another company.
/// Dropping a scope rolls back; say [`Scope::commit`] when the work is done.
pub struct Scope {
    tx: DatabaseTransaction,
    souk: Souk,
    tenant: Tenant,
    /// The next outbox position, once one was taken (SQLite: the writer holds the lock).
    position: Mutex<Option<i64>>,
}

impl Scope {
    pub(super) async fn begin(souk: Souk, tenant: Tenant, write: bool) -> Result<Self> {
        let tx = souk.databases().begin(write).await?;
        enter(&tx, "souk_app", &tenant.company.to_string()).await?;
        Ok(Self { tx, souk, tenant, position: Mutex::new(None) })
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
        match (&self.tenant.shops, E::shop()) {
            (Some(shops), Some(column)) => select.filter(column.is_in(shops.iter().copied())),
            _ => select,
        }
    }

    /// Rows of the whole company, also for shop roles: for acts that must see the neighbour shop
    /// to be right (a checkout's holds, a payment's allocations), never to show them.
    #[must_use]
    pub fn find_company_wide<E: Owned>(&self) -> Select<E> {
        E::find().filter(E::company().eq(self.company()))
    }

    /// A change of this company's rows; add the condition that makes it a transition.
    #[must_use]
    pub fn update<E: Owned>(&self) -> UpdateMany<E> {
        E::update_many().filter(E::company().eq(self.company()))
    }

    #[must_use]
    pub fn delete<E: Owned>(&self) -> DeleteMany<E> {
        E::delete_many().filter(E::company().eq(self.company()))
    }

    pub async fn all<E: Owned>(&self, select: Select<E>) -> Result<Vec<E::Model>> {
        Ok(select.all(&self.tx).await?)
    }

    pub async fn one<E: Owned>(&self, select: Select<E>) -> Result<Option<E::Model>> {
        Ok(select.one(&self.tx).await?)
    }

    /// The one row, or 404: not there and not yours are the same answer.
    pub async fn get<E: Owned>(&self, select: Select<E>) -> Result<E::Model> {
        self.one(select).await?.ok_or(Error::NOT_FOUND)
    }

    /// Selected columns, as `T`.
    pub async fn all_as<T: FromQueryResult + Send + Sync, E: Owned>(&self, select: Select<E>) -> Result<Vec<T>> {
        Ok(select.into_model::<T>().all(&self.tx).await?)
    }

    /// Runs a conditional change; how many rows it found decides what happened.
    pub async fn run<E: Owned>(&self, update: UpdateMany<E>) -> Result<u64> {
        Ok(update.exec(&self.tx).await?.rows_affected)
    }

    /// As [`Scope::run`], and gives the rows as they are now.
    pub async fn run_returning<E: Owned>(&self, update: UpdateMany<E>) -> Result<Vec<E::Model>> {
        Ok(update.exec_with_returning(&self.tx).await?)
    }

    pub async fn remove<E: Owned>(&self, delete: DeleteMany<E>) -> Result<u64> {
        Ok(delete.exec(&self.tx).await?.rows_affected)
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
        <M::Entity as EntityTrait>::insert_many(rows).exec_without_returning(&self.tx).await?;
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
        Ok(insert.exec_without_returning(&self.tx).await? == 1)
    }

    /// Tells what happened, in the same transaction.
    pub async fn emit(&self, event: Event) -> Result<()> {
        let position = self.take_position().await?;
        self.insert(outbox::Model {
            id: EventId::new(),
            company_id: self.company(),
            kind: event.kind.into(),
            aggregate_type: event.aggregate.0.into(),
            aggregate_id: event.aggregate.1,
            actor_role: self.tenant.role.name().into(),
            actor_id: self.tenant.actor.id(),
            via: events::VIA.into(),
            shop_id: event.shop,
            data: event.data,
            position,
            created_at: clock::now(),
        })
        .await
    }

    /// SQLite's one writer numbers its events itself; on PostgreSQL the relay does.
    async fn take_position(&self) -> Result<Option<i64>> {
        if self.tx.get_database_backend() != DbBackend::Sqlite {
            return Ok(None);
        }
        let mut next = self.position.lock().await;
        let position = match *next {
            Some(position) => position,
            None => {
                let ask = Statement::from_string(DbBackend::Sqlite, "SELECT COALESCE(MAX(position), 0) + 1 AS next FROM outbox");
                let row = self.tx.query_one_raw(ask).await?;
                row.map(|row| row.try_get::<i64>("", "next")).transpose()?.unwrap_or(1)
            }
        };
        *next = Some(position + 1);
        Ok(Some(position))
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
        let changes =
            changes.into_iter().map(|(field, before, after)| (field.to_owned(), json!({ "before": before, "after": after }))).collect();
        self.insert(audit::entry::Model {
            id: AuditId::new(),
            company_id: self.company(),
            actor_id: self.tenant.actor.id(),
            shop_id: shop,
            actor_role: self.tenant.role.name().into(),
            actor_name: self.tenant.name.clone(),
            action: action.into(),
            resource: resource.into(),
            resource_id: id.to_string(),
            ip_address: self.tenant.ip_address.clone(),
            user_agent: self.tenant.user_agent.clone(),
            request_id: self.tenant.request_id.clone(),
            changes: Value::Object(changes),
            salt: keys::random(),
            created_at: clock::now(),
        })
        .await
    }

    /// Keeps the work, and rings for whoever waits for it.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await?;
        self.souk.ring();
        Ok(())
    }

    /// Undoes what was done since [`Scope::savepoint`].
    pub async fn rollback_to_savepoint(&self) -> Result<()> {
        self.tx.execute_unprepared("ROLLBACK TO SAVEPOINT act").await?;
        // Positions taken since then are free again.
        *self.position.lock().await = None;
        Ok(())
    }

    /// Marks a point behind which a refusal can go back while the unit stays.
    pub async fn savepoint(&self) -> Result<()> {
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
