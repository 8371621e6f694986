//! Counts of what lies on the shelf.

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
        let backend = db.get_database_backend();
        Table::of_tenant(backend, "stock_counts")
            .belongs("location_id", "locations")
            .belongs_opt("shop_id", "shops")
            .texts(&["note", "by_name"])
            .ids_opt(&["actor_id"])
            .ints(&["created_at"])
            .index("shop_id, id")
            .create(db)
            .await?;
        Table::of_tenant(backend, "stock_count_lines")
            .belongs("count_id", "stock_counts")
            .belongs("variant_id", "variants")
            .belongs_opt("shop_id", "shops")
            .ints(&["expected", "counted"])
            .index("count_id")
            .create(db)
            .await
    }
}
