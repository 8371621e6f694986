//! Work across companies: sign-in, the relay, sweeps. Each use names one of these reasons.
#![expect(clippy::disallowed_methods, reason = "tenancy is where queries begin")]

use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DeleteMany, EntityTrait, FromQueryResult,
    IntoActiveModel, QueryResult, Select, Statement, UpdateMany, Value,
};
use uuid::Uuid;

use super::{Souk, scope::enter};
use crate::{
    errors::{Error, Result},
    ids::CompanyId,
};

/// The platform's own company row, so that its audit and its events have a company.
pub const PLATFORM_COMPANY: CompanyId = CompanyId(Uuid::nil());

/// Why anything may look across companies. The list grows only with a reason.
const REASONS: &[&str] = &[
    "set-up",          // the platform's own rows, the first admin, the demo's companies
    "sign-in",         // a person or a token, before their company is known
    "company-by-name", // a request's company, from its header, host or token
    "companies",       // the super admin's list of companies
    "relay",           // positions for committed events, and reading the log
    "jobs",            // claiming and ending due jobs
    "schedules",       // which tick is due
    "sweep",           // which companies have holds, attempts or orders past their time
    "seal",            // which companies have unsealed audit entries
    "verify",          // the invariants, over everybody
    "gateway",         // the test gateway's own books
];

/// A unit of work across companies.
pub struct Platform {
    tx: DatabaseTransaction,
}

impl Platform {
    pub(super) async fn begin(souk: Souk, reason: &'static str) -> Result<Self> {
        if !REASONS.contains(&reason) {
            return Err(Error::internal(format!("`{reason}` is no reason to look across companies")));
        }
        let tx = souk.databases().begin(reason != "verify" && reason != "company-by-name").await?;
        enter(&tx, "souk_platform", "").await?;
        Ok(Self { tx })
    }

    #[must_use]
    pub fn find<E: EntityTrait>(&self) -> Select<E> {
        E::find()
    }

    #[must_use]
    pub fn update<E: EntityTrait>(&self) -> UpdateMany<E> {
        E::update_many()
    }

    #[must_use]
    pub fn delete<E: EntityTrait>(&self) -> DeleteMany<E> {
        E::delete_many()
    }

    pub async fn all<E: EntityTrait>(&self, select: Select<E>) -> Result<Vec<E::Model>> {
        Ok(select.all(&self.tx).await?)
    }

    pub async fn one<E: EntityTrait>(&self, select: Select<E>) -> Result<Option<E::Model>> {
        Ok(select.one(&self.tx).await?)
    }

    pub async fn all_as<T: FromQueryResult + Send + Sync, E: EntityTrait>(&self, select: Select<E>) -> Result<Vec<T>> {
        Ok(select.into_model::<T>().all(&self.tx).await?)
    }

    pub async fn run<E: EntityTrait>(&self, update: UpdateMany<E>) -> Result<u64> {
        Ok(update.exec(&self.tx).await?.rows_affected)
    }

    pub async fn run_returning<E: EntityTrait>(&self, update: UpdateMany<E>) -> Result<Vec<E::Model>> {
        Ok(update.exec_with_returning(&self.tx).await?)
    }

    pub async fn remove<E: EntityTrait>(&self, delete: DeleteMany<E>) -> Result<u64> {
        Ok(delete.exec(&self.tx).await?.rows_affected)
    }

    pub async fn insert<M>(&self, model: M) -> Result<()>
    where
        M: sea_orm::ModelTrait + IntoActiveModel<<<M as sea_orm::ModelTrait>::Entity as EntityTrait>::ActiveModel>,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior + Send,
    {
        let row = model.into_active_model().reset_all();
        <M::Entity as EntityTrait>::insert(row).exec_without_returning(&self.tx).await?;
        Ok(())
    }

    /// A question that no entity can ask: for the invariants and the relay.
    pub async fn ask(&self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
        Ok(self.tx.query_all_raw(Statement::from_sql_and_values(self.backend(), sql, values)).await?)
    }

    /// A change that no entity can say.
    pub async fn act(&self, sql: &str, values: Vec<Value>) -> Result<u64> {
        Ok(self.tx.execute_raw(Statement::from_sql_and_values(self.backend(), sql, values)).await?.rows_affected())
    }

    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.tx.get_database_backend()
    }

    pub async fn commit(self) -> Result<()> {
        Ok(self.tx.commit().await?)
    }
}
