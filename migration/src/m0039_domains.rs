//! A company's own domain, under which its customers reach it.

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
        let text = if db.get_database_backend() == DbBackend::Postgres { "text COLLATE \"C\"" } else { "text" };
        run(db, &format!("ALTER TABLE companies ADD COLUMN domain {text}")).await?;
        run(db, "CREATE UNIQUE INDEX companies_domain ON companies (domain)").await
    }
}
