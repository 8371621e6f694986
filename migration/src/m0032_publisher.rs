//! A cursor of the log may be held by one process for a while: of several, one publishes at a time.

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
        let uuid = if db.get_database_backend() == DbBackend::Postgres { "uuid" } else { "uuid_text" };
        run(db, &format!("ALTER TABLE consumer_cursors ADD COLUMN holder {uuid}")).await?;
        run(db, "ALTER TABLE consumer_cursors ADD COLUMN held_until bigint").await
    }
}
