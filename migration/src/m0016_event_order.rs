//! An event's number in the order in which events were written, which no clock decides.

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
        run(db, "ALTER TABLE outbox ADD COLUMN seq bigint").await?;
        if db.get_database_backend() != DbBackend::Postgres {
            // The one writer's positions are the order.
            return run(db, "UPDATE outbox SET seq = position").await;
        }
        run(db, "CREATE SEQUENCE outbox_seq").await?;
        run(db, "GRANT USAGE ON SEQUENCE outbox_seq TO souk_app").await?;
        // The policy is forced on the owner too: it is lifted for as long as rows are filled.
        run(db, "ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY").await?;
        run(
            db,
            "UPDATE outbox SET seq = told.number FROM (SELECT company_id, id, ROW_NUMBER() OVER (ORDER BY position NULLS LAST, created_at, id) \
             AS number FROM outbox) AS told WHERE told.company_id = outbox.company_id AND told.id = outbox.id",
        )
        .await?;
        run(db, "SELECT setval('outbox_seq', (SELECT COALESCE(MAX(seq), 0) + 1 FROM outbox), false)").await?;
        run(db, "ALTER TABLE outbox FORCE ROW LEVEL SECURITY").await?;
        run(
            db,
            "CREATE FUNCTION souk_number_event() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN NEW.seq := nextval('outbox_seq'); RETURN NEW; END $$",
        )
        .await?;
        run(db, "CREATE TRIGGER outbox_number BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION souk_number_event()").await?;
        run(db, "DROP INDEX outbox_waiting").await?;
        run(db, "CREATE INDEX outbox_waiting ON outbox (seq) WHERE position IS NULL").await
    }
}
