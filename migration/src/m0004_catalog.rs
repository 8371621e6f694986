//! The catalogue as companies write it: attributes that can be filtered by, pictures with their
//! renditions, and stock alerts that are open once.

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
        attributes(db).await?;
        pictures(db).await?;
        alerts(db).await
    }
}

/// The first schema's tables were never written to: they are made anew, with folded keys and the
/// product beside each value, so that a filter needs one index.
async fn attributes(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenant = |name| Table::of_tenant(backend, name);
    for table in ["variant_attribute_values", "attribute_values", "attributes"] {
        run(db, &format!("DROP TABLE {table}")).await?;
    }
    tenant("attributes")
        .texts(&["name", "folded"])
        .json(&["translations"])
        .ints(&["created_at", "version"])
        .unique("folded")
        .create(db)
        .await?;
    tenant("attribute_values")
        .belongs("attribute_id", "attributes")
        .texts(&["value", "folded"])
        .json(&["translations"])
        .ints(&["created_at"])
        .unique("attribute_id, folded")
        .create(db)
        .await?;
    tenant("variant_attribute_values")
        .belongs("variant_id", "variants")
        .belongs("product_id", "products")
        .belongs("attribute_value_id", "attribute_values")
        .unique("variant_id, attribute_value_id")
        .index("attribute_value_id, product_id")
        .index("product_id")
        .create(db)
        .await
}

/// A file is stored once for a company, however many products show it.
async fn pictures(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenant = |name| Table::of_tenant(backend, name);
    run(db, "DROP TABLE media").await?;
    tenant("media_files")
        .texts(&["storage_key", "kind", "state"])
        .ints(&["bytes", "width", "height", "created_at", "touched_at"])
        .unique("storage_key")
        .index("touched_at")
        .create(db)
        .await?;
    tenant("media_renditions")
        .belongs("file_id", "media_files")
        .texts(&["storage_key"])
        .ints(&["bytes", "width", "height", "created_at"])
        .unique("file_id, width")
        .create(db)
        .await?;
    tenant("media")
        .belongs("product_id", "products")
        .belongs_opt("variant_id", "variants")
        .belongs("file_id", "media_files")
        .texts(&["alt"])
        .ints(&["position", "created_at"])
        .index("product_id, position")
        .index("file_id")
        .create(db)
        .await?;
    // What a list shows of a product's pictures lies beside the product: a page needs no look at them.
    let json = if backend == DbBackend::Postgres { "jsonb" } else { "json_text" };
    run(db, &format!("ALTER TABLE products ADD COLUMN gallery {json}")).await?;
    run(db, "CREATE INDEX products_by_name ON products (company_id, sort_name, id)").await
}

/// A stock row says itself whether it is low or out; an alert is the record of such a time.
async fn alerts(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let text = if backend == DbBackend::Postgres { "text COLLATE \"C\"" } else { "text" };
    run(db, "DROP TABLE stock_alerts").await?;
    run(db, &format!("ALTER TABLE stock_levels ADD COLUMN alert {text}")).await?;
    run(db, "CREATE INDEX stock_levels_by_alert ON stock_levels (company_id, alert, id)").await?;
    Table::of_tenant(backend, "stock_alerts")
        .belongs("stock_id", "stock_levels")
        .belongs("variant_id", "variants")
        .belongs("location_id", "locations")
        .belongs_opt("shop_id", "shops")
        .texts(&["kind"])
        // The kind while it is open, nothing afterwards: so one of a kind is open at a time.
        .texts_opt(&["open_kind", "acknowledged_name"])
        .ints(&["quantity", "threshold", "created_at"])
        .ints_opt(&["closed_at", "acknowledged_at"])
        .ids_opt(&["acknowledged_by"])
        .unique("stock_id, open_kind")
        .index("closed_at, id")
        .create(db)
        .await?;
    open_for_present_stock(db).await
}

/// Stock that is low or out already has its alert from now on.
async fn open_for_present_stock(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let on_postgres = db.get_database_backend() == DbBackend::Postgres;
    let (id, now) = if on_postgres {
        ("gen_random_uuid()", "(extract(epoch FROM now()) * 1000000)::bigint")
    } else {
        ("randomblob(16)", "CAST(strftime('%s', 'now') AS integer) * 1000000")
    };
    let tables = ["stock_levels", "stock_alerts"];
    if on_postgres {
        // The policies are forced on the owner too: they are lifted for as long as rows are filled.
        for table in tables {
            run(db, &format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")).await?;
        }
    }
    run(
        db,
        "UPDATE stock_levels SET alert = CASE WHEN on_hand <= 0 THEN 'out' ELSE 'low' END WHERE on_hand <= 0 OR on_hand <= reorder_point",
    )
    .await?;
    run(
        db,
        &format!(
            "INSERT INTO stock_alerts (company_id, id, stock_id, variant_id, location_id, shop_id, kind, open_kind, quantity, threshold, \
             created_at) SELECT company_id, {id}, id, variant_id, location_id, shop_id, alert, alert, on_hand, reorder_point, {now} \
             FROM stock_levels WHERE alert IS NOT NULL"
        ),
    )
    .await?;
    if on_postgres {
        for table in tables {
            run(db, &format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY")).await?;
        }
    }
    Ok(())
}
