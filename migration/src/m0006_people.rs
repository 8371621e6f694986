//! People and shops: a company's own roles, words to find people by, who answers for a shop, and
//! the days on which a shop's hours are different.

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
        // Nothing wrote roles before this step; they get a version and a date of change.
        run(db, "DROP TABLE role_permissions").await?;
        run(db, "DROP TABLE roles").await?;
        Table::of_tenant(backend, "roles")
            .texts(&["name"])
            .ints(&["created_at", "updated_at", "version"])
            .unique("name")
            .create(db)
            .await?;
        Table::of_tenant(backend, "role_permissions")
            .belongs("role_id", "roles")
            .texts(&["permission"])
            .unique("role_id, permission")
            .create(db)
            .await?;
        run(db, "CREATE INDEX assignments_role ON assignments (company_id, role)").await?;
        run(db, "CREATE INDEX assignments_shop ON assignments (company_id, shop_id, member_id)").await?;
        Table::of_tenant(backend, "person_words")
            .belongs_opt("customer_id", "customers")
            .belongs_opt("member_id", "members")
            .texts(&["word"])
            .index("word")
            .index("customer_id")
            .index("member_id")
            .create(db)
            .await?;
        Table::of_tenant(backend, "shop_managers")
            .belongs("shop_id", "shops")
            .belongs("member_id", "members")
            .unique("shop_id")
            .index("member_id")
            .create(db)
            .await?;
        Table::of_tenant(backend, "opening_exceptions")
            .belongs("shop_id", "shops")
            .dates(&["day"])
            .ints_opt(&["opens_minute", "duration_minutes"])
            .texts(&["note"])
            .check(
                "(opens_minute IS NULL AND duration_minutes IS NULL) \
                 OR (opens_minute BETWEEN 0 AND 1439 AND duration_minutes BETWEEN 1 AND 1440)",
            )
            .unique("shop_id, day")
            .create(db)
            .await?;
        for column in ["members ADD COLUMN joined_at bigint", "members ADD COLUMN sessions_from bigint", "shops ADD COLUMN email text"] {
            run(db, &format!("ALTER TABLE {column}")).await?;
        }
        let json = if backend == DbBackend::Postgres { "jsonb" } else { "json_text" };
        run(db, &format!("ALTER TABLE companies ADD COLUMN address {json}")).await?;
        unforced(db, &["members", "customers", "person_words"], false).await?;
        run(db, "UPDATE members SET joined_at = created_at").await?;
        for (table, column) in [("customers", "customer_id"), ("members", "member_id")] {
            name_people(db, table, column).await?;
        }
        unforced(db, &["members", "customers", "person_words"], true).await
    }
}

/// A forced owner sees no row: what is filled here is let go of first, and held again afterwards.
async fn unforced(db: &SchemaManagerConnection<'_>, tables: &[&str], forced: bool) -> Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        let verb = if forced { "FORCE" } else { "NO FORCE" };
        for table in tables {
            run(db, &format!("ALTER TABLE {table} {verb} ROW LEVEL SECURITY")).await?;
        }
    }
    Ok(())
}

/// Gives the people of a table what they are found by: name and e-mail.
async fn name_people(db: &SchemaManagerConnection<'_>, table: &str, column: &str) -> Result<(), DbErr> {
    let new_id = if db.get_database_backend() == DbBackend::Postgres { "gen_random_uuid()" } else { "randomblob(16)" };
    for word in ["name", "email"] {
        run(
            db,
            &format!(
                "INSERT INTO person_words (company_id, id, {column}, word) SELECT company_id, {new_id}, id, lower({word}) FROM {table}"
            ),
        )
        .await?;
    }
    Ok(())
}
