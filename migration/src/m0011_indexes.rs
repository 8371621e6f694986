//! Indexes that the common questions were found to be without.

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
        // Orders by the beginning of the customer's name.
        run(db, "CREATE INDEX orders_name ON orders (company_id, search_text, created_at)").await
    }
}
