//! Which processes there are: each writes down now and then that it is there.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::tenant::{Table, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        let backend = db.get_database_backend();
        Table::of_platform(backend, "processes")
            .texts(&["name", "version"])
            .flags(&["works"])
            .ints(&["started_at", "seen_at"])
            .create(db)
            .await?;
        if backend == DbBackend::Postgres {
            // The platform's people see how far the schema has come.
            run(db, "GRANT SELECT ON seaql_migrations TO souk_platform").await?;
        }
        Ok(())
    }
}
