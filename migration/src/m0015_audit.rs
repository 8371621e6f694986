//! The audit made anew: personal values lie apart from the entries, where they can be erased; what
//! waits for its seal is a table of its own; and entries past their time are let go in one way only.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::tenant::{Table, append_only, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        for table in ["audit_checkpoints", "audit_links", "audit_values", "audit_entries"] {
            run(db, &format!("DROP TABLE {table}")).await?;
        }
        tables(db).await?;
        // A row here is an entry without its link. The trigger makes it, so that nobody can forget to.
        let is_postgres = db.get_database_backend() == DbBackend::Postgres;
        let mark = "INSERT INTO audit_unsealed (company_id, id) VALUES (NEW.company_id, NEW.id)";
        if is_postgres {
            run(
                db,
                &format!("CREATE FUNCTION souk_audit_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {mark}; RETURN NULL; END $$"),
            )
            .await?;
            run(
                db,
                "CREATE TRIGGER audit_entries_unsealed AFTER INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION souk_audit_unsealed()",
            )
            .await?;
        } else {
            run(db, &format!("CREATE TRIGGER audit_entries_unsealed AFTER INSERT ON audit_entries BEGIN {mark}; END")).await?;
        }
        for table in ["audit_entries", "audit_links"] {
            append_only(db, table).await?;
            if is_postgres {
                run(db, &format!("GRANT SELECT, DELETE ON {table} TO souk_retain")).await?;
                let mine = "company_id = NULLIF(current_setting('app.company_id', true), '')::uuid";
                run(db, &format!("CREATE POLICY retain ON {table} TO souk_retain USING ({mine})")).await?;
            } else {
                run(db, &format!("DROP TRIGGER {table}_no_delete")).await?;
                run(
                    db,
                    &format!(
                        "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT EXISTS (SELECT 1 FROM retain_guard) \
                         BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                    ),
                )
                .await?;
            }
        }
        if is_postgres {
            // Who may delete is a matter of grants: souk_retain has them on the audit alone.
            run(
                db,
                "CREATE OR REPLACE FUNCTION souk_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF TG_OP = 'DELETE' AND current_user = 'souk_retain' THEN RETURN OLD; END IF; \
                 RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
            )
            .await?;
        }
        Ok(())
    }
}

async fn tables(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenant = |name| Table::of_tenant(backend, name);
    tenant("audit_entries")
        .by_month()
        .ids_opt(&["actor_id", "shop_id"])
        .texts(&["actor_role", "action", "resource", "resource_id", "request_id", "salt", "origin_hash", "personal_hash"])
        .json(&["changes"])
        .ints(&["created_at"])
        .index("resource, resource_id, id")
        .index("resource, id")
        .index("actor_id, id")
        .index("action, id")
        .index("shop_id, id")
        .create(db)
        .await?;
    tenant("audit_values").belongs("entry_id", "audit_entries").json(&["origin", "personal"]).unique("entry_id").create(db).await?;
    tenant("audit_unsealed").create(db).await?;
    tenant("audit_links").texts(&["hash", "previous"]).ints(&["number", "created_at"]).unique("number").create(db).await?;
    tenant("audit_checkpoints").texts(&["kind", "hash", "mac"]).ints(&["number", "created_at"]).unique("kind, number").create(db).await?;
    tenant("audit_checks").ints(&["sealed", "created_at"]).json(&["faults"]).create(db).await?;
    // SQLite has no roles: there the triggers let go while a row stands here, within one unit.
    // On PostgreSQL nothing asks it.
    Table::of_platform(backend, "retain_guard").create(db).await
}
