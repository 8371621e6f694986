//! Whatever people edit carries a `version`, so that two of them do not overwrite each other; a table
//! without one is a part of something that has it, or says why nobody edits it.

use std::collections::BTreeSet;

use super::schema::tables;
use crate::support::World;

/// Rows that are edited with what they are a part of, under its version.
const PARTS: &[(&str, &str)] = &[
    ("assignments", "members"),
    ("attribute_values", "attributes"),
    ("cart_items", "carts"),
    ("instalments", "debts"),
    ("media", "products"),
    ("opening_exceptions", "shops"),
    ("opening_hours", "shops"),
    ("order_items", "orders"),
    ("payment_allocations", "payments"),
    ("product_words", "products"),
    ("return_items", "returns"),
    ("role_permissions", "roles"),
    ("shop_managers", "shops"),
    ("variant_attribute_values", "variants"),
];

/// Rows that nobody edits.
const NOT_EDITED: &[(&str, &str)] = &[
    ("audit_checkpoints", "written once"),
    ("audit_checks", "the result of one look at the chain"),
    ("audit_entries", "written once"),
    ("audit_links", "written once"),
    ("audit_unsealed", "a queue"),
    ("audit_values", "written once, and erased"),
    ("collection_notes", "written once"),
    ("consumer_cursors", "the place of a listener, moved from where it was read"),
    ("customer_sessions", "ended, never edited"),
    ("dead_letters", "answered, never edited"),
    ("debt_allocations", "written once"),
    ("debt_payments", "written once"),
    ("debt_steps", "written once"),
    ("gateway_events", "kept raw, applied once"),
    ("holds", "moved by their state, all of a checkout's at once"),
    ("idempotency_keys", "answered once"),
    ("jobs", "moved by their state under a fenced lease"),
    ("knocks", "counters"),
    ("ledger_accounts", "written once"),
    ("ledger_closings", "written once"),
    ("ledger_entries", "written once"),
    ("ledger_transactions", "written once"),
    ("locations", "opened once, under a name that stays"),
    ("media_files", "known by what they hold"),
    ("media_renditions", "made from a file, never edited"),
    ("notification_choices", "one switch a row: the last word holds"),
    ("notification_defaults", "one switch a row: the last word holds"),
    ("notification_deliveries", "moved by their state"),
    ("notifications", "written once, and read"),
    ("number_series", "a counter"),
    ("one_time_codes", "tried and used, never edited"),
    ("order_events", "written once"),
    ("outbox", "written once, and given a position"),
    ("payment_attempts", "moved by their state"),
    ("payment_methods", "a gateway's token: kept or dropped"),
    ("person_words", "made from a person's name"),
    ("push_devices", "known by their token: kept or dropped"),
    ("refresh_tokens", "used once"),
    ("refunds", "moved by their state"),
    ("retain_guard", "there while old rows are let go of"),
    ("saved_views", "named by their owner: the last word holds"),
    ("schedules", "claimed from when they were due"),
    ("staff_sessions", "ended, never edited"),
    ("stock_alerts", "raised, acknowledged and lifted by their state"),
    ("stock_count_lines", "written once"),
    ("stock_counts", "written once"),
    ("stock_movements", "written once"),
    ("subscription_periods", "written once"),
    ("test_gateway_charges", "an outside witness"),
    ("test_gateway_refunds", "an outside witness"),
    ("wishlist_items", "there or not"),
];

#[tokio::test]
async fn what_people_edit_has_a_version() {
    for world in World::all().await {
        let db = world.raw().await;
        let tables = tables(&db).await;
        let names = |versioned: bool| -> BTreeSet<&str> {
            tables.iter().filter(|(_, columns)| columns.contains_key("version") == versioned).map(|(name, _)| name.as_str()).collect()
        };
        let (with, without) = (names(true), names(false));
        let known: BTreeSet<_> = PARTS.iter().chain(NOT_EDITED).map(|(table, _)| *table).collect();
        assert_eq!(without, known, "tables without a version (left) are not those listed here (right): give it one, or say why not");
        for (part, whole) in PARTS {
            assert!(with.contains(whole), "`{part}` is edited under the version of `{whole}`, which has none");
        }
        db.close().await.expect("closed");
        world.close().await;
    }
}
