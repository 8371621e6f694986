//! The order in which people put categories.

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
        // Nothing for those that nobody has put anywhere yet: they follow the others by name.
        run(m.get_connection(), "ALTER TABLE categories ADD COLUMN position bigint").await
    }
}
