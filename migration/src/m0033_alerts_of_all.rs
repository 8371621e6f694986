//! The platform's people read alerts across companies, newest first, and name a variant without its company.

use sea_orm_migration::prelude::*;

use crate::tenant::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in ["stock_alerts", "variants"] {
            run(m.get_connection(), &format!("CREATE INDEX {table}_of_all ON {table} (id)")).await?;
        }
        Ok(())
    }
}
