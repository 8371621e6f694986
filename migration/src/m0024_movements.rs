//! Movements of one kind, such as what was written off this week, are found without reading all.

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
        run(m.get_connection(), "CREATE INDEX stock_movements_kind ON stock_movements (company_id, kind, id)").await
    }
}
