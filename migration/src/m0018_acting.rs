//! Acting as: in whose place a session acts, found when it is over. Why a person was banned, and how
//! long a plan is tried.

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
        let (uuid, text) = if is_postgres { ("uuid", "text COLLATE \"C\"") } else { ("uuid_text", "text") };
        run(db, &format!("ALTER TABLE staff_sessions ADD COLUMN acting_member_id {uuid}")).await?;
        // Few sessions act at a time: the index holds these alone.
        run(db, "CREATE INDEX staff_sessions_acting ON staff_sessions (acting_company_id) WHERE acting_company_id IS NOT NULL").await?;
        run(db, &format!("ALTER TABLE staff ADD COLUMN banned_reason {text}")).await?;
        // What a new subscription is offered to try; nothing is no trial.
        run(db, "ALTER TABLE plans ADD COLUMN trial_days bigint").await
    }
}
