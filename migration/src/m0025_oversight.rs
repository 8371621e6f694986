//! What the platform's people read across companies, newest first, is found by its id alone.

use sea_orm_migration::prelude::*;

use crate::tenant::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The lists that are read so.
const LISTS: [&str; 6] = ["orders", "payments", "audit_entries", "stock_levels", "members", "customers"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in LISTS {
            run(m.get_connection(), &format!("CREATE INDEX {table}_of_all ON {table} (id)")).await?;
        }
        Ok(())
    }
}
