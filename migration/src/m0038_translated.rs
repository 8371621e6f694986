//! What people read has its names in other languages beside it everywhere: brands, variants, shops,
//! a company's own roles, and plans.

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
        let json = if db.get_database_backend() == DbBackend::Postgres { "jsonb" } else { "json_text" };
        for table in ["brands", "variants", "shops", "roles", "plans"] {
            run(db, &format!("ALTER TABLE {table} ADD COLUMN translations {json} NOT NULL DEFAULT '{{}}'")).await?;
        }
        Ok(())
    }
}
