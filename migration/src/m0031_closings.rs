//! The months of the books that are closed: what each account came to, written once, up to which
//! moment; and nothing is booked behind it any more. Nothing wrote or read the table that was there.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::tenant::{Table, append_only, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Whether the month of an entry is closed.
const IS_CLOSED: &str = "EXISTS (SELECT 1 FROM ledger_closings WHERE company_id = NEW.company_id AND ends_at > NEW.created_at)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        let backend = db.get_database_backend();
        run(db, "DROP TABLE ledger_closings").await?;
        Table::of_tenant(backend, "ledger_closings")
            .texts(&["account", "currency", "month"])
            .ints(&["debit", "credit", "balance", "ends_at", "created_at"])
            .check("debit >= 0 AND credit >= 0")
            .unique("month, account, currency")
            .index("ends_at")
            .create(db)
            .await?;
        append_only(db, "ledger_closings").await?;
        if backend != DbBackend::Postgres {
            let refuse = format!(
                "CREATE TRIGGER ledger_entries_month_open BEFORE INSERT ON ledger_entries WHEN {IS_CLOSED} \
                 BEGIN SELECT RAISE(ABORT, 'the month of this booking is closed'); END"
            );
            return run(db, &refuse).await;
        }
        let refuse = format!(
            "CREATE FUNCTION souk_month_open() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {IS_CLOSED} THEN \
             RAISE EXCEPTION 'the month of this booking is closed'; END IF; RETURN NULL; END $$"
        );
        run(db, &refuse).await?;
        // Asked when the booking's transaction commits: one that was begun before the closing sees it too.
        run(
            db,
            "CREATE CONSTRAINT TRIGGER ledger_entries_month_open AFTER INSERT ON ledger_entries \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION souk_month_open()",
        )
        .await
    }
}
