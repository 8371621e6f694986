//! By which ways a company's messages go to people who have not said otherwise.

use sea_orm_migration::{prelude::*, sea_orm::ConnectionTrait};

use crate::tenant::Table;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        Table::of_tenant(db.get_database_backend(), "notification_defaults")
            .texts(&["class", "channel"])
            .flags(&["is_on"])
            .ints(&["updated_at"])
            .unique("class, channel")
            .create(db)
            .await
    }
}
