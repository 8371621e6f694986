//! The account: what a customer prefers, one default address, and who knocked in vain.

use sea_orm_migration::{prelude::*, sea_orm::ConnectionTrait};

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
        // Wrong passwords are counted for an account at a door, so that a stranger pauses only the
        // stranger; before it is known whose account that is, there is no company to hold the row.
        Table::of_platform(backend, "knocks")
            .texts(&["account", "door"])
            .ints(&["count", "since"])
            .ints_opt(&["paused_until"])
            .unique("account, door")
            .index("since")
            .create(db)
            .await?;
        for sql in [
            "ALTER TABLE customers DROP COLUMN failures",
            "ALTER TABLE customers DROP COLUMN locked_until",
            "ALTER TABLE staff DROP COLUMN failures",
            "ALTER TABLE staff DROP COLUMN locked_until",
            "ALTER TABLE staff ADD COLUMN phone text",
            "CREATE UNIQUE INDEX addresses_default ON addresses (company_id, customer_id) WHERE is_default",
        ] {
            run(db, sql).await?;
        }
        Table::of_tenant(backend, "customer_preferences")
            .belongs("customer_id", "customers")
            .flags(&["organic", "seasonal", "local"])
            .ints(&["updated_at", "version"])
            .unique("customer_id")
            .create(db)
            .await
    }
}
