//! Codes by SMS, which prove a telephone once; and which number a customer has proved, as the world
//! calls it, since profiles hold it as people write it.

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
        let text = if backend == DbBackend::Postgres { "text COLLATE \"C\"" } else { "text" };
        run(db, "ALTER TABLE customers ADD COLUMN phone_verified_at bigint").await?;
        run(db, &format!("ALTER TABLE customers ADD COLUMN phone_proved {text}")).await?;
        run(db, "CREATE INDEX customers_phone_proved ON customers (company_id, phone_proved)").await?;
        Table::of_tenant(backend, "one_time_codes")
            .belongs("customer_id", "customers")
            .texts(&["phone", "key"])
            .ints(&["tries", "expires_at"])
            .ints_opt(&["used_at"])
            .ints(&["created_at"])
            .index("customer_id")
            .index("created_at")
            .create(db)
            .await
    }
}
