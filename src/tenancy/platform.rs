//! Work across companies: sign-in, the relay, sweeps. Each use names one of these reasons.
#![expect(clippy::disallowed_methods, reason = "tenancy is where queries begin")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DeleteMany, EntityTrait, FromQueryResult,
    IntoActiveModel, QueryResult, QuerySelect, Select, Statement, UpdateMany, Value, sea_query::OnConflict,
};
use uuid::Uuid;

use super::{Owned, Scope, Souk, Tenant, scope::enter};
use crate::{
    bell::Pending,
    errors::{Error, Result},
    ids::CompanyId,
};

/// The platform's own company row, so that its audit and its events have a company.
pub const PLATFORM_COMPANY: CompanyId = CompanyId(Uuid::nil());

/// Why anything may look across companies. The list grows only with a reason.
const REASONS: &[&str] = &[
    "set-up",          // the platform's own rows, the first admin, the demo's companies
    "sign-in",         // a person or a token, before their company is known
    "account",         // read only: whose an e-mail address is, a staff person's own row and sessions
    "people",          // a person of the platform is invited to a company, and comes
    "company-by-name", // a request's company, from its header, host or token
    "companies",       // the super admin opens a company
    "stewardship",     // the platform's people stop a company, ban a person, act in a company
    "all-companies",   // read only: the platform's people look at companies, staff and figures
    "oversight",       // read only: the platform's people read companies' orders, payments, stock, people and audit
    "relay",           // positions for committed events, and reading the log
    "jobs",            // claiming and ending due jobs
    "schedules",       // which tick is due
    "sweep",           // which companies have holds, attempts or orders past their time
    "operations",      // figures of the queues, failures and lags, for the platform's people and its metrics
    "seal",            // which companies have unsealed audit entries
    "retain",          // ended sessions, worn tokens and old counts that belong to no company
    "verify",          // the invariants, over everybody
    "gateway",         // the test gateway's own books
    "plans",           // reading the platform's price list
    "price-list",      // changing it
    "terms",           // read only: how companies pay the platform, for their own people
    "debts",           // what everybody owes, for the platform's people
];

/// Reasons that only look: on SQLite they do not wait for the one writer.
const READS: &[&str] = &["all-companies", "verify", "company-by-name", "operations", "account", "plans", "terms", "debts", "oversight"];

/// A unit of work across companies.
pub struct Platform {
    tx: Arc<DatabaseTransaction>,
    souk: Souk,
    /// A scope has the transaction at the moment.
    is_lent: AtomicBool,
    wakes: Pending,
}

/// A company's unit inside the platform's: it ends by [`Lent::keep`] or [`Lent::undo`], and lasts
/// when the platform's is committed. Dropped without either, the whole cannot be committed.
pub struct Lent<'p> {
    scope: Scope,
    platform: &'p Platform,
}

impl std::ops::Deref for Lent<'_> {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.scope
    }
}

impl Lent<'_> {
    /// Keeps what was done, and gives the transaction back.
    pub async fn keep(self) -> Result<()> {
        self.scope.write_told().await?;
        self.platform.wakes.add(self.scope.wakes());
        self.platform.back("RELEASE SAVEPOINT lent").await
    }

    /// Undoes what was done, and gives the transaction back.
    pub async fn undo(self) -> Result<()> {
        self.platform.back("ROLLBACK TO SAVEPOINT lent; RELEASE SAVEPOINT lent").await
    }
}

impl Platform {
    pub(super) async fn begin(souk: Souk, reason: &'static str) -> Result<Self> {
        if !REASONS.contains(&reason) {
            return Err(Error::internal(format!("`{reason}` is no reason to look across companies")));
        }
        let tx = match reason {
            // All that is asked is answered as of one moment.
            "verify" => souk.databases().snapshot().await?,
            _ => souk.databases().begin(!READS.contains(&reason)).await?,
        };
        enter(&tx, "souk_platform", "").await?;
        Ok(Self { tx: Arc::new(tx), souk, is_lent: AtomicBool::new(false), wakes: Pending::default() })
    }

    /// Goes on with this unit on behalf of one company: for what it tells that company's audit and log.
    ///
    /// # Errors
    /// When the database cannot be reached, or the unit is lent.
    pub async fn into_scope(self, tenant: Tenant) -> Result<Scope> {
        let tx = Arc::into_inner(self.tx).ok_or_else(|| Error::internal("the transaction is lent"))?;
        Scope::of(tx, self.souk, tenant).await
    }

    /// Lends the transaction to a company's unit, behind a savepoint and in its role.
    ///
    /// # Errors
    /// When the database is away, or another company has it.
    pub async fn scope(&self, tenant: Tenant) -> Result<Lent<'_>> {
        if self.is_lent.swap(true, Ordering::Relaxed) {
            return Err(Error::internal("the transaction is lent already"));
        }
        let role = match self.backend() {
            DbBackend::Postgres => entering("souk_app", &tenant.company.to_string()),
            _ => String::new(),
        };
        self.tx.execute_unprepared(&format!("SAVEPOINT lent{role}")).await?;
        Ok(Lent { scope: Scope::over(Arc::clone(&self.tx), self.souk.clone(), tenant), platform: self })
    }

    async fn back(&self, end: &str) -> Result<()> {
        let role = match self.backend() {
            DbBackend::Postgres => entering("souk_platform", ""),
            _ => String::new(),
        };
        self.tx.execute_unprepared(&format!("{end}{role}")).await?;
        self.is_lent.store(false, Ordering::Relaxed);
        Ok(())
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
        Ok(select.all(&*self.tx).await?)
    }

    pub async fn one<E: EntityTrait>(&self, select: Select<E>) -> Result<Option<E::Model>> {
        Ok(select.one(&*self.tx).await?)
    }

    pub async fn all_as<T: FromQueryResult + Send + Sync, E: EntityTrait>(&self, select: Select<E>) -> Result<Vec<T>> {
        Ok(select.into_model::<T>().all(&*self.tx).await?)
    }

    /// The companies that have such rows.
    pub async fn companies<E: Owned>(&self, select: Select<E>) -> Result<Vec<CompanyId>> {
        Ok(select.select_only().column(E::company()).distinct().into_tuple().all(&*self.tx).await?)
    }

    pub async fn run<E: EntityTrait>(&self, update: UpdateMany<E>) -> Result<u64> {
        Ok(update.exec(&*self.tx).await?.rows_affected)
    }

    pub async fn run_returning<E: EntityTrait>(&self, update: UpdateMany<E>) -> Result<Vec<E::Model>> {
        Ok(update.exec_with_returning(&*self.tx).await?)
    }

    pub async fn remove<E: EntityTrait>(&self, delete: DeleteMany<E>) -> Result<u64> {
        Ok(delete.exec(&*self.tx).await?.rows_affected)
    }

    pub async fn insert<M>(&self, model: M) -> Result<()>
    where
        M: sea_orm::ModelTrait + IntoActiveModel<<<M as sea_orm::ModelTrait>::Entity as EntityTrait>::ActiveModel>,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior + Send,
    {
        let row = model.into_active_model().reset_all();
        <M::Entity as EntityTrait>::insert(row).exec_without_returning(&*self.tx).await?;
        Ok(())
    }

    /// Inserts a row unless one with the same `key` is there; false when it is.
    pub async fn insert_unless_there<M>(&self, model: M, key: &[<M::Entity as EntityTrait>::Column]) -> Result<bool>
    where
        M: sea_orm::ModelTrait + IntoActiveModel<<<M as sea_orm::ModelTrait>::Entity as EntityTrait>::ActiveModel>,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior + Send,
    {
        let row = model.into_active_model().reset_all();
        let unless = OnConflict::columns(key.iter().copied()).do_nothing().to_owned();
        let insert = <M::Entity as EntityTrait>::insert(row).on_conflict(unless);
        Ok(insert.exec_without_returning(&*self.tx).await? == 1)
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
    pub const fn souk(&self) -> &Souk {
        &self.souk
    }

    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.tx.get_database_backend()
    }

    /// Keeps the work, and rings for whoever waits for it.
    ///
    /// # Errors
    /// When the database cannot keep it, or a lent unit was neither kept nor undone.
    pub async fn commit(self) -> Result<()> {
        let tx = Arc::into_inner(self.tx).filter(|_| !self.is_lent.into_inner());
        let Some(tx) = tx else { return Err(Error::internal("a lent unit was neither kept nor undone")) };
        tx.commit().await?;
        self.souk.bell().ring(self.wakes.take());
        Ok(())
    }
}

/// Takes a role and a company within the running transaction, in the same message as what is before it.
fn entering(role: &str, company: &str) -> String {
    format!("; SELECT set_config('role', '{role}', true), set_config('app.company_id', '{company}', true)")
}
