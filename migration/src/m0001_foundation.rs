//! The first schema: who, what, about what, how, the deal, and the work behind it.

use sea_orm_migration::{prelude::*, sea_orm::ConnectionTrait};

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
        roles(db).await?;
        who(db).await?;
        what(db).await?;
        about_what(db).await?;
        carts_and_orders(db).await?;
        payments(db).await?;
        work(db).await?;
        for table in ["stock_movements", "ledger_transactions", "ledger_entries", "audit_entries", "audit_links"] {
            append_only(db, table).await?;
        }
        Ok(())
    }
}

/// The roles a unit of work takes on PostgreSQL; the login itself owns the tables and inherits neither.
async fn roles(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    if db.get_database_backend() != sea_orm_migration::sea_orm::DbBackend::Postgres {
        return Ok(());
    }
    for role in ["souk_app", "souk_platform", "souk_retain"] {
        // Roles belong to the whole server: another database of ours may have made them already.
        run(
            db,
            &format!(
                "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN \
                 CREATE ROLE {role} NOLOGIN; END IF; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            ),
        )
        .await?;
        run(
            db,
            &format!(
                "DO $$ BEGIN \
                 IF current_setting('server_version_num')::int >= 160000 THEN \
                 EXECUTE format('GRANT {role} TO %I WITH INHERIT FALSE, SET TRUE', current_user); \
                 ELSIF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN \
                 EXECUTE format('GRANT {role} TO %I', current_user); END IF; END $$"
            ),
        )
        .await?;
        run(db, &format!("GRANT USAGE ON SCHEMA public TO {role}")).await?;
    }
    run(
        db,
        "CREATE FUNCTION souk_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
    )
    .await
}

async fn who(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenant = |name| Table::of_tenant(backend, name);
    let platform = |name| Table::of_platform(backend, name);
    platform("companies")
        .texts(&["slug", "name", "description", "currency", "zone", "language", "status", "standing", "email", "phone", "brand"])
        .ids_opt(&["subscription_id"])
        .ints(&["tax_rate", "unpaid_hours", "cod_limit"])
        .flags(&["tax_included"])
        .ints(&["epoch", "created_at", "updated_at", "version"])
        .unique("slug")
        .create(db)
        .await?;
    if backend == sea_orm_migration::sea_orm::DbBackend::Postgres {
        run(db, "GRANT SELECT, UPDATE ON companies TO souk_app").await?;
        run(db, "ALTER TABLE companies ENABLE ROW LEVEL SECURITY").await?;
        run(db, "ALTER TABLE companies FORCE ROW LEVEL SECURITY").await?;
        run(
            db,
            "CREATE POLICY tenant ON companies TO souk_app \
             USING (id = NULLIF(current_setting('app.company_id', true), '')::uuid)",
        )
        .await?;
        run(db, "CREATE POLICY platform ON companies TO souk_platform USING (true)").await?;
    }
    platform("staff")
        .texts(&["email", "name", "password", "language", "theme"])
        .flags(&["is_super_admin"])
        .ints(&["failures"])
        .ints_opt(&["locked_until"])
        .ints(&["created_at", "updated_at", "version"])
        .unique("email")
        .create(db)
        .await?;
    platform("staff_sessions")
        .belongs("staff_id", "staff")
        .ids_opt(&["company_id"])
        .texts(&["kind", "token", "ip_address", "user_agent"])
        .ints(&["created_at", "expires_at"])
        .ints_opt(&["revoked_at"])
        .unique("token")
        .index("staff_id")
        .create(db)
        .await?;
    tenant("shops")
        .texts(&["slug", "name", "kind", "zone", "line1", "city", "state", "postal_code", "country", "phone"])
        .texts_opt(&["lat", "lng"])
        .flags(&["is_active"])
        .ids_opt(&["vendor_id"])
        .ints_opt(&["deleted_at"])
        .ints(&["created_at", "updated_at", "version"])
        .unique("slug")
        .create(db)
        .await?;
    tenant("opening_hours")
        .belongs("shop_id", "shops")
        .ints(&["weekday", "opens_minute", "duration_minutes"])
        .check("weekday BETWEEN 0 AND 6 AND opens_minute BETWEEN 0 AND 1439 AND duration_minutes BETWEEN 1 AND 1440")
        .unique("shop_id, weekday, opens_minute")
        .create(db)
        .await?;
    tenant("members")
        .ids(&["staff_id"])
        .texts(&["kind", "name", "email"])
        .flags(&["is_active"])
        .ints(&["created_at", "updated_at", "version"])
        .unique("staff_id")
        .queue_index("staff_id")
        .create(db)
        .await?;
    tenant("assignments")
        .belongs("member_id", "members")
        .belongs_opt("shop_id", "shops")
        .texts(&["role"])
        .ints(&["created_at"])
        .unique("member_id, role, shop_id")
        .create(db)
        .await?;
    tenant("roles").texts(&["name"]).ints(&["created_at"]).unique("name").create(db).await?;
    tenant("role_permissions").belongs("role_id", "roles").texts(&["permission"]).unique("role_id, permission").create(db).await?;
    tenant("customers")
        .texts(&["email", "name", "password", "customer_group", "language"])
        .texts_opt(&["phone"])
        .flags(&["is_banned", "is_verified"])
        .ints(&["failures"])
        .ints_opt(&["locked_until"])
        .ints(&["created_at", "updated_at", "version"])
        .unique("email")
        .create(db)
        .await?;
    tenant("customer_sessions")
        .platform_writes("INSERT, UPDATE")
        .belongs("customer_id", "customers")
        .texts(&["token", "ip_address", "user_agent"])
        .ints(&["created_at", "expires_at"])
        .ints_opt(&["revoked_at"])
        .index("customer_id")
        .create(db)
        .await?;
    platform("refresh_tokens")
        .ids(&["session_id"])
        .texts(&["token"])
        .ids_opt(&["company_id"])
        .ints(&["created_at", "expires_at"])
        .ints_opt(&["used_at"])
        .unique("token")
        .index("session_id")
        .create(db)
        .await?;
    tenant("addresses")
        .belongs("customer_id", "customers")
        .json(&["address"])
        .flags(&["is_default"])
        .ints(&["created_at", "version"])
        .index("customer_id")
        .create(db)
        .await
}

async fn what(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenant = |name| Table::of_tenant(backend, name);
    tenant("categories")
        .belongs_opt("parent_id", "categories")
        .texts(&["slug", "name"])
        .json(&["translations"])
        .ints(&["tax_rate_set", "created_at", "version"])
        .unique("slug")
        .create(db)
        .await?;
    tenant("brands").texts(&["slug", "name"]).ints(&["created_at", "version"]).unique("slug").create(db).await?;
    tenant("products")
        .texts(&["slug", "name", "sort_name", "description"])
        .json(&["translations", "tags", "facts"])
        .belongs_opt("brand_id", "brands")
        .belongs_opt("category_id", "categories")
        .belongs_opt("shop_id", "shops")
        .flags(&["is_active", "is_featured"])
        .texts_opt(&["origin"])
        .flags(&["is_organic"])
        .ints(&["price_from", "rating_sum", "rating_count", "popularity"])
        .ints_opt(&["archived_at"])
        .ints(&["created_at", "updated_at", "version"])
        .unique("slug")
        .index("created_at, id")
        .index("price_from, id")
        .index("popularity, id")
        .index("category_id, created_at, id")
        .index("brand_id, created_at, id")
        .create(db)
        .await?;
    // Words of a product, folded: a prefix is a range of them, which stays fast behind a policy.
    tenant("product_words")
        .belongs("product_id", "products")
        .texts(&["word"])
        .ints(&["weight"])
        .unique("word, product_id")
        .index("product_id")
        .create(db)
        .await?;
    tenant("variants")
        .belongs("product_id", "products")
        .texts(&["sku", "name", "sold_by"])
        .texts_opt(&["barcode"])
        .json(&["attributes"])
        .ints(&["price", "cost", "position"])
        .ints_opt(&["compare_at_price", "archived_at"])
        .ints(&["created_at", "updated_at", "version"])
        .check("price >= 0")
        .unique("sku")
        .unique("barcode")
        .index("product_id, position")
        .create(db)
        .await?;
    tenant("attributes").texts(&["name"]).json(&["translations"]).unique("name").create(db).await?;
    tenant("attribute_values")
        .belongs("attribute_id", "attributes")
        .texts(&["value"])
        .json(&["translations"])
        .unique("attribute_id, value")
        .create(db)
        .await?;
    tenant("variant_attribute_values")
        .belongs("variant_id", "variants")
        .belongs("attribute_value_id", "attribute_values")
        .unique("attribute_value_id, variant_id")
        .index("variant_id")
        .create(db)
        .await?;
    tenant("media")
        .belongs("product_id", "products")
        .belongs_opt("variant_id", "variants")
        .texts(&["storage_key", "kind", "alt"])
        .ints(&["position", "created_at"])
        .index("product_id, position")
        .create(db)
        .await
}

async fn about_what(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenant = |name| Table::of_tenant(backend, name);
    tenant("locations")
        .texts(&["kind", "slug", "name"])
        .belongs_opt("shop_id", "shops")
        .ints(&["created_at"])
        .unique("slug")
        .index("shop_id")
        .create(db)
        .await?;
    tenant("stock_levels")
        .belongs("variant_id", "variants")
        .belongs("location_id", "locations")
        .belongs_opt("shop_id", "shops")
        .ints(&["on_hand", "reserved", "reorder_point", "updated_at", "version"])
        .check("on_hand >= 0 AND reserved >= 0 AND reserved <= on_hand")
        .unique("variant_id, location_id")
        .index("shop_id, variant_id")
        .create(db)
        .await?;
    tenant("batches")
        .belongs("variant_id", "variants")
        .belongs("location_id", "locations")
        .belongs_opt("shop_id", "shops")
        .texts(&["code"])
        .ids_opt(&["supplier_id"])
        .dates_opt(&["expires_on", "sellable_until"])
        .ints(&["on_hand", "reserved", "created_at", "version"])
        .index("variant_id, location_id, sellable_until")
        .create(db)
        .await?;
    tenant("stock_movements")
        .by_month()
        .belongs("stock_id", "stock_levels")
        .belongs("variant_id", "variants")
        .belongs("location_id", "locations")
        .belongs_opt("shop_id", "shops")
        .belongs_opt("batch_id", "batches")
        .texts(&["kind", "reason"])
        .ints(&["quantity", "on_hand_after"])
        .ids_opt(&["order_id", "actor_id"])
        .ints(&["created_at"])
        .index("variant_id, id")
        .index("stock_id, id")
        .create(db)
        .await?;
    tenant("stock_alerts")
        .belongs("stock_id", "stock_levels")
        .belongs_opt("shop_id", "shops")
        .texts(&["kind", "state"])
        .ints(&["created_at"])
        .ints_opt(&["acknowledged_at"])
        .ids_opt(&["acknowledged_by"])
        .index("state, id")
        .create(db)
        .await?;
    tenant("ledger_accounts").texts(&["code", "kind"]).ints(&["created_at"]).unique("code").create(db).await?;
    tenant("ledger_transactions")
        .by_month()
        .texts(&["kind", "reference"])
        .ids_opt(&["payment_id", "order_id"])
        .ints(&["created_at"])
        .create(db)
        .await?;
    tenant("ledger_entries")
        .by_month()
        .belongs("transaction_id", "ledger_transactions")
        .texts(&["account", "currency"])
        .ids_opt(&["shop_id"])
        .ints(&["debit", "credit", "created_at"])
        .check("debit >= 0 AND credit >= 0 AND (debit = 0 OR credit = 0)")
        .index("transaction_id")
        .index("account, id")
        .create(db)
        .await?;
    tenant("ledger_closings")
        .texts(&["account", "currency", "month"])
        .ints(&["balance", "created_at"])
        .unique("account, currency, month")
        .create(db)
        .await?;
    tenant("number_series").texts(&["name"]).ints(&["last"]).unique("name").create(db).await
}

async fn carts_and_orders(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenant = |name| Table::of_tenant(backend, name);
    tenant("carts")
        .belongs_opt("customer_id", "customers")
        .texts_opt(&["token"])
        .ids_opt(&["coupon_id"])
        .ints(&["created_at", "updated_at", "version"])
        .unique("customer_id")
        .unique("token")
        .create(db)
        .await?;
    tenant("cart_items")
        .belongs("cart_id", "carts")
        .belongs("variant_id", "variants")
        .belongs("shop_id", "shops")
        .ints(&["quantity", "price_seen", "created_at"])
        .check("quantity > 0")
        .unique("cart_id, variant_id, shop_id")
        .create(db)
        .await?;
    tenant("wishlist_items")
        .belongs("customer_id", "customers")
        .belongs("product_id", "products")
        .ints(&["created_at"])
        .unique("customer_id, product_id")
        .create(db)
        .await?;
    tenant("checkouts")
        .belongs("customer_id", "customers")
        .texts(&["state", "gateway", "currency"])
        .ints(&["total"])
        .ints_opt(&["reserved_until"])
        .ids_opt(&["coupon_id", "delivery_slot_id", "customer_group_id"])
        .ints(&["created_at", "updated_at", "version"])
        .index("customer_id, state")
        .create(db)
        .await?;
    tenant("holds")
        .belongs("checkout_id", "checkouts")
        .belongs("stock_id", "stock_levels")
        .belongs("variant_id", "variants")
        .belongs_opt("shop_id", "shops")
        .belongs_opt("batch_id", "batches")
        .texts(&["state"])
        .ints(&["quantity", "short", "expires_at", "created_at"])
        .index("checkout_id")
        .index("stock_id, state")
        .queue_index("state, expires_at")
        .create(db)
        .await?;
    tenant("orders")
        .belongs("checkout_id", "checkouts")
        .belongs("shop_id", "shops")
        .belongs("customer_id", "customers")
        .texts(&["order_number", "status", "payment_status", "currency", "notes", "customer_name", "search_text"])
        .texts_opt(&["tracking_number"])
        .json(&["shipping_address", "billing_address"])
        .ints(&["subtotal", "discount", "tax", "shipping", "total"])
        .flags(&["tax_included", "is_short"])
        .ids_opt(&["payment_id", "delivery_slot_id"])
        .ints(&["created_at", "updated_at", "version"])
        .unique("order_number")
        .index("created_at, id")
        .index("status, created_at, id")
        .index("shop_id, created_at, id")
        .index("shop_id, status, created_at, id")
        .index("customer_id, created_at, id")
        .index("checkout_id")
        .create(db)
        .await?;
    tenant("order_items")
        .belongs("order_id", "orders")
        .belongs("shop_id", "shops")
        .belongs("variant_id", "variants")
        .belongs("product_id", "products")
        .belongs_opt("batch_id", "batches")
        .texts(&["name", "sku", "sold_by"])
        .ints(&[
            "quantity",
            "quantity_shipped",
            "quantity_cancelled",
            "quantity_returned",
            "quantity_short",
            "price",
            "subtotal",
            "discount",
            "tax",
            "tax_rate",
        ])
        .flags(&["tax_included"])
        .json(&["discount_shares"])
        .index("order_id")
        .create(db)
        .await?;
    tenant("order_events")
        .belongs("order_id", "orders")
        .belongs("shop_id", "shops")
        .texts(&["kind", "note", "by_name"])
        .texts_opt(&["status"])
        .ids_opt(&["actor_id"])
        .ints(&["created_at"])
        .index("order_id, id")
        .create(db)
        .await?;
    tenant("returns")
        .belongs("order_id", "orders")
        .belongs("shop_id", "shops")
        .texts(&["state", "reason"])
        .ints(&["created_at", "updated_at", "version"])
        .index("order_id")
        .create(db)
        .await?;
    tenant("return_items")
        .belongs("return_id", "returns")
        .belongs("order_item_id", "order_items")
        .belongs("shop_id", "shops")
        .ints(&["quantity"])
        .check("quantity > 0")
        .index("return_id")
        .create(db)
        .await
}

async fn payments(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenant = |name| Table::of_tenant(backend, name);
    tenant("payment_methods")
        .belongs("customer_id", "customers")
        .texts(&["gateway", "token", "label"])
        .ints(&["created_at"])
        .index("customer_id")
        .create(db)
        .await?;
    tenant("payments")
        .belongs("checkout_id", "checkouts")
        .belongs("customer_id", "customers")
        .belongs_opt("payment_method_id", "payment_methods")
        .texts(&["gateway", "status", "currency"])
        .texts_opt(&["decline_code", "gateway_reference"])
        .ints(&["amount", "captured", "refunded", "created_at", "updated_at", "version"])
        .check("captured >= 0 AND refunded >= 0 AND refunded <= captured")
        .unique("checkout_id")
        .index("customer_id, id")
        .create(db)
        .await?;
    tenant("payment_attempts")
        .belongs("payment_id", "payments")
        .texts(&["state", "method"])
        .texts_opt(&["decline_code", "redirect_url"])
        .ints(&["amount", "created_at", "updated_at"])
        .index("payment_id")
        .queue_index("state, updated_at")
        .create(db)
        .await?;
    tenant("payment_allocations")
        .belongs("payment_id", "payments")
        .belongs("order_id", "orders")
        .belongs("shop_id", "shops")
        .ints(&["amount", "refunded"])
        .check("refunded >= 0 AND refunded <= amount")
        .unique("order_id")
        .index("payment_id")
        .create(db)
        .await?;
    tenant("refunds")
        .belongs("payment_id", "payments")
        .belongs("order_id", "orders")
        .belongs("shop_id", "shops")
        .texts(&["state", "reason"])
        .ints(&["amount", "created_at", "updated_at"])
        .check("amount > 0")
        .index("payment_id")
        .queue_index("state, updated_at")
        .create(db)
        .await?;
    tenant("gateway_events")
        .texts(&["gateway", "account", "event_id", "raw"])
        .ints(&["created_at"])
        .ints_opt(&["applied_at"])
        .unique("gateway, account, event_id")
        .create(db)
        .await?;
    // The test gateway's own books: written outside every unit of work, an independent witness.
    Table::of_platform(backend, "test_gateway_charges")
        .ids(&["company_id", "payment_id"])
        .texts(&["state", "method"])
        .ints(&["amount", "refunded", "created_at"])
        .index("payment_id")
        .create(db)
        .await?;
    Table::of_platform(backend, "test_gateway_refunds")
        .ids(&["company_id", "charge_id"])
        .ints(&["amount", "created_at"])
        .index("charge_id")
        .create(db)
        .await
}

async fn work(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenant = |name| Table::of_tenant(backend, name);
    let platform = |name| Table::of_platform(backend, name);
    tenant("idempotency_keys")
        .texts(&["caller", "key", "fingerprint", "state"])
        .ints_opt(&["answer_status"])
        .texts_opt(&["answer_body"])
        .ids_opt(&["resource_id"])
        .ints(&["lease_until", "created_at"])
        .unique("caller, key")
        .create(db)
        .await?;
    tenant("outbox")
        .platform_writes("UPDATE")
        .texts(&["kind", "aggregate_type", "actor_role", "via"])
        .ids_opt(&["shop_id", "actor_id"])
        .ids(&["aggregate_id"])
        .json(&["data"])
        .ints_opt(&["position"])
        .ints(&["created_at"])
        .queue_index("position")
        .index("aggregate_id, position")
        .create(db)
        .await?;
    platform("consumer_cursors").texts(&["name"]).ints(&["position", "failures", "updated_at"]).unique("name").create(db).await?;
    tenant("jobs")
        .platform_writes("UPDATE")
        .texts(&["queue", "kind", "state", "unique_key", "last_error"])
        .json(&["args"])
        .ints(&["attempts", "run_at", "created_at", "updated_at"])
        .ids_opt(&["lease"])
        .ints_opt(&["lease_until"])
        .unique("unique_key")
        .queue_index("state, run_at")
        .create(db)
        .await?;
    tenant("dead_letters")
        .texts(&["source", "error"])
        .ids(&["subject_id"])
        .ints(&["created_at"])
        .ints_opt(&["replayed_at"])
        .unique("source, subject_id")
        .create(db)
        .await?;
    platform("schedules").texts(&["name"]).ints(&["every_seconds", "next_at"]).unique("name").create(db).await?;
    tenant("audit_entries")
        .by_month()
        .ids_opt(&["actor_id", "shop_id"])
        .texts(&["actor_role", "actor_name", "action", "resource", "resource_id", "ip_address", "user_agent", "request_id"])
        .json(&["changes"])
        .texts(&["salt"])
        .ints(&["created_at"])
        .index("resource, resource_id, id")
        .index("actor_id, id")
        .create(db)
        .await?;
    tenant("audit_values")
        .belongs("entry_id", "audit_entries")
        .texts(&["field"])
        .texts_opt(&["value"])
        .index("entry_id")
        .create(db)
        .await?;
    tenant("audit_links").texts(&["hash", "previous"]).ints(&["number", "created_at"]).unique("number").create(db).await?;
    tenant("audit_checkpoints").texts(&["hash", "mac"]).ints(&["number", "created_at"]).unique("number").create(db).await
}
