//! The work behind the shop: the queues' indexes, and what became of a dead letter.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::tenant::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        // Read by the platform alone: which companies have due jobs in a queue, and a company's oldest ones.
        run(db, "DROP INDEX jobs_1").await?;
        run(db, "CREATE INDEX jobs_due ON jobs (queue, state, company_id, run_at)").await?;
        // Few rows, so that a list of what went wrong stays short work among millions of jobs.
        run(db, "CREATE INDEX jobs_in_trouble ON jobs (id) WHERE attempts > 0 AND state IN ('ready', 'dead')").await?;
        // Which companies have entries that nobody has sealed yet.
        run(db, "CREATE INDEX audit_entries_born ON audit_entries (id)").await?;
        run(db, "ALTER TABLE dead_letters ADD COLUMN discarded_at bigint").await?;
        if db.get_database_backend() == DbBackend::Postgres {
            run(db, "CREATE INDEX outbox_waiting ON outbox (created_at, id) WHERE position IS NULL").await?;
        }
        Ok(())
    }
}
