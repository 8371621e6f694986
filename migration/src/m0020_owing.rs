//! What every page of a company says while it owes something late, how the platform is paid, and
//! when a recurring task last ran.

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
        let is_postgres = db.get_database_backend() == DbBackend::Postgres;
        let (date, text) = if is_postgres { ("date", "text COLLATE \"C\"") } else { ("date_text", "text") };
        // Kept in the company's row by whoever settles its debts: a page need not count them.
        for column in ["overdue_since", "limited_on", "suspended_on"] {
            run(db, &format!("ALTER TABLE companies ADD COLUMN {column} {date}")).await?;
        }
        run(db, &format!("ALTER TABLE companies ADD COLUMN pay_to {text}")).await?;
        run(db, "ALTER TABLE schedules ADD COLUMN last_at bigint").await
    }
}
