//! The portals: views that people saved, and what the platform's people do to companies and staff.

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
        Table::of_tenant(backend, "saved_views")
            .belongs("member_id", "members")
            .texts(&["path", "query", "name"])
            .ints(&["created_at"])
            .unique("member_id, path, name")
            .create(db)
            .await?;
        let (uuid, text) = if backend == DbBackend::Postgres { ("uuid", "text COLLATE \"C\"") } else { ("uuid_text", "text") };
        // Why a company was stopped, as the platform's person wrote it.
        run(db, &format!("ALTER TABLE companies ADD COLUMN status_reason {text}")).await?;
        run(db, "ALTER TABLE staff ADD COLUMN banned_at bigint").await?;
        // A super admin's session that acts in a company, as which member, until when.
        run(db, &format!("ALTER TABLE staff_sessions ADD COLUMN acting_company_id {uuid}")).await?;
        run(db, "ALTER TABLE staff_sessions ADD COLUMN acting_until bigint").await?;
        run(db, &format!("ALTER TABLE staff_sessions ADD COLUMN acting_reason {text}")).await
    }
}
