//! Every change by anyone is in the audit: which tables are, which are not and why, and a change of
//! each kind that leaves its entry.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::house::PLATFORM_TABLES;
use crate::support::{World, address, order, text};

/// Tables whose rows people change: each change writes an entry, of the row or of what it is part of.
const AUDITED: &[&str] = &[
    "addresses",
    "assignments",
    "attribute_values",
    "attributes",
    "batches",
    "brands",
    "categories",
    "customer_preferences",
    "customer_sessions",
    "customers",
    "debts",
    "instalments",
    "locations",
    "media",
    "media_files",
    "members",
    "notification_defaults",
    "notification_templates",
    "opening_hours",
    "orders",
    "payment_methods",
    "payments",
    "products",
    "refunds",
    "return_items",
    "returns",
    "role_permissions",
    "roles",
    "shops",
    "stock_count_lines",
    "stock_counts",
    "stock_levels",
    "variant_attribute_values",
    "variants",
    "debt_payments",
    "opening_exceptions",
    "shop_managers",
    "subscriptions",
];

/// Tables without entries, and why.
const NOT_AUDITED: &[(&str, &str)] = &[
    ("audit_checkpoints", "the audit itself"),
    ("audit_checks", "the audit itself"),
    ("audit_entries", "the audit itself"),
    ("audit_links", "the audit itself"),
    ("audit_unsealed", "the audit itself"),
    ("audit_values", "the audit itself"),
    ("cart_items", "what somebody means to buy is nobody's business yet"),
    ("carts", "what somebody means to buy is nobody's business yet"),
    ("checkouts", "its orders are"),
    ("dead_letters", "work behind the shop; what people do with it is"),
    ("gateway_events", "what a gateway said, kept raw"),
    ("holds", "a checkout's promise, which ends by itself"),
    ("idempotency_keys", "a request's key"),
    ("jobs", "work behind the shop; what people do with it is"),
    ("ledger_accounts", "the books are written once, and are a record themselves"),
    ("ledger_closings", "the books are written once, and are a record themselves"),
    ("ledger_entries", "the books are written once, and are a record themselves"),
    ("ledger_transactions", "the books are written once, and are a record themselves"),
    ("media_renditions", "made from the picture"),
    ("notification_deliveries", "a message on its way"),
    ("notifications", "a message, about a change that is audited"),
    ("number_series", "the number is in the entry of what it numbers"),
    ("one_time_codes", "a code on its way; that it was asked for, mistyped or taken is"),
    ("order_events", "the order's own timeline, written with the order's entry"),
    ("order_items", "with their order"),
    ("outbox", "the log itself"),
    ("payment_allocations", "with their payment"),
    ("payment_attempts", "with their payment"),
    ("product_words", "made from the product"),
    ("saved_views", "a list's filters under a name"),
    ("stock_alerts", "made from the stock"),
    ("stock_movements", "a record itself, written once"),
    ("wishlist_items", "what somebody would like is nobody's business"),
    ("collection_notes", "a record itself, written once, with its debt's entry"),
    ("debt_allocations", "with the payment"),
    ("debt_steps", "which letters were asked for; what they change is"),
    ("notification_choices", "which ways somebody wants to be told is their own"),
    ("person_words", "made from the person"),
    ("push_devices", "a device somebody is told on is their own"),
    ("subscription_periods", "with their subscription"),
];

#[tokio::test]
async fn every_table_is_audited_or_says_why_not() {
    for world in World::all().await {
        let platform = world.souk.platform("verify").await.expect("the platform");
        let tables = if world.is_postgres() {
            "SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
        } else {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        };
        let rows = platform.ask(tables, vec![]).await.expect("the tables");
        let there: BTreeSet<String> = rows.iter().map(|row| row.try_get("", "name").expect("a name")).collect();
        drop(platform);
        let there: BTreeSet<_> = there.iter().map(String::as_str).filter(|table| !PLATFORM_TABLES.contains(table)).collect();
        let listed: Vec<_> = AUDITED.iter().copied().chain(NOT_AUDITED.iter().map(|(table, _)| *table)).collect();
        let known: BTreeSet<_> = listed.iter().copied().collect();
        assert_eq!(listed.len(), known.len(), "a table is on both lists, or twice on one");
        let new: Vec<_> = there.difference(&known).collect();
        let gone: Vec<_> = known.difference(&there).collect();
        assert!(
            new.is_empty() && gone.is_empty(),
            "put into AUDITED, and call `scope.audit` with every change, or into NOT_AUDITED with a reason: {new:?}; remove: {gone:?}"
        );
        world.close().await;
    }
}

/// One change through the API: who makes it, and what it is.
struct Act {
    by: &'static str,
    method: &'static str,
    path: String,
    body: Value,
    /// The entry it must leave.
    leaves: (&'static str, &'static str),
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_each_kind_leaves_its_entry() {
    for world in World::all().await {
        let client = &world.client;
        let (a, variant) = (&world.a, world.a.variants[0]);
        let customer = client.login(a.slug, "customer@alpha.test").await;
        let admin = world.staff(a, "admin").await;
        let placed = client.post(&customer, "/api/orders", &order(a, 1, 1, "test", None)).await.expect(201);
        let order_id = text(&placed["orders"][0]["id"]);
        let book = client.post(&customer, "/api/auth/addresses", &address("Home", true)).await.expect(201);
        let act = |by, method, path: &str, body, leaves| Act { by, method, path: path.to_owned(), body, leaves };
        let acts = [
            act("customer", "PUT", "/api/auth/profile", json!({ "name": "Priya" }), ("customer", "update")),
            act("customer", "PUT", "/api/auth/preferences", json!({ "local": true }), ("preferences", "update")),
            act("customer", "PUT", &format!("/api/auth/addresses/{}", text(&book["id"])), address("Work", true), ("address", "update")),
            act("customer", "DELETE", &format!("/api/auth/addresses/{}", text(&book["id"])), Value::Null, ("address", "delete")),
            act("customer", "POST", "/api/orders", order(a, 0, 1, "test", Some("tok_ok")), ("order", "create")),
            act("admin", "POST", &format!("/api/orders/{order_id}/cancel"), json!({ "reason": "changed my mind" }), ("order", "cancel")),
            act("admin", "PATCH", &format!("/api/companies/{}/settings", a.id), json!({ "taxRate": 500 }), ("company", "update")),
            act("admin", "PUT", &format!("/api/shops/{}", a.shop), json!({ "name": "New name" }), ("shop", "update")),
            act("admin", "POST", "/api/brands", json!({ "name": "A brand", "slug": "a-brand" }), ("brand", "create")),
            act(
                "admin",
                "PATCH",
                &format!("/api/inventory/{variant}"),
                json!({ "locationId": a.location, "quantity": 3, "operation": "add", "reason": "found" }),
                ("inventory", "adjust"),
            ),
            act("admin", "DELETE", &format!("/api/products/{}", a.product), Value::Null, ("product", "archive")),
        ];
        for one in acts {
            let token = if one.by == "customer" { &customer } else { &admin };
            let body = (!one.body.is_null()).then_some(&one.body);
            let answer = client.call(one.method, &one.path, Some(token), None, body, &[]).await;
            assert!((200..300).contains(&answer.status), "{} {}: {}", one.method, one.path, answer.text);
            let (resource, action) = one.leaves;
            let found = client.get(&admin, &format!("/api/audit/logs?resource={resource}&action={action}&limit=1")).await.expect(200);
            let entry = &found["data"][0];
            let case = format!("{} {} left no `{action}` of `{resource}`: {found}", one.method, one.path);
            assert_eq!(entry["action"], action, "{case}");
            let role = if one.by == "customer" { "customer" } else { "company_admin" };
            assert_eq!(entry["role"], role, "{case}");
            assert!(!text(&entry["requestId"]).is_empty() && entry["ipAddress"] == "127.0.0.1", "{case}");
        }
        let theirs = world.staff(&world.b, "admin").await;
        let logs = client.get(&theirs, "/api/audit/logs?limit=100").await.expect(200);
        assert!(!logs.to_string().contains("Priya") && !logs.to_string().contains(&a.id.to_string()));
        world.verify().await;
        world.close().await;
    }
}
