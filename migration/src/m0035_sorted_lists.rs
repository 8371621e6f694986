//! Lists that people sort: orders by their total, goods by what can be sold, people by their names.

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
        let db = m.get_connection();
        run(db, "CREATE INDEX orders_total ON orders (company_id, total, id)").await?;
        run(db, "CREATE INDEX stock_levels_available ON stock_levels (company_id, (on_hand - reserved), id)").await?;
        run(db, "CREATE INDEX customers_name ON customers (company_id, name, id)").await?;
        run(db, "CREATE INDEX members_name ON members (company_id, name, id)").await
    }
}
