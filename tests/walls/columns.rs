//! What points at rows without a foreign key, and why; and that each policy of PostgreSQL says what
//! the wall is made of.

use std::collections::{BTreeMap, BTreeSet};

use super::{house::PLATFORM_TABLES, schema::ask};
use crate::support::World;

/// Columns that name something and have no foreign key, each with the reason.
const LOOSE: &[(&str, &str)] = &[
    ("audit_entries.actor_id", "a customer, a member or one of the platform's people; verify asks for the neighbour's"),
    ("audit_entries.request_id", "a request is no row"),
    ("audit_entries.resource_id", "any kind of thing, which the entry outlives"),
    ("audit_entries.shop_id", "an entry is written once and let go of by its age alone; verify asks"),
    ("batches.supplier_id", "there are no suppliers yet"),
    ("carts.coupon_id", "there are no coupons yet"),
    ("checkouts.coupon_id", "there are no coupons yet"),
    ("checkouts.customer_group_id", "there are no groups as rows yet"),
    ("checkouts.delivery_slot_id", "there are no slots yet"),
    ("collection_notes.actor_id", "a member or one of the platform's people; verify asks for the neighbour's"),
    ("companies.subscription_id", "either row would have to be first; verify asks"),
    ("dead_letters.subject_id", "a job or an event, which may be gone before it"),
    ("debt_payments.actor_id", "a member or one of the platform's people; verify asks for the neighbour's"),
    ("gateway_events.event_id", "the gateway's own name of it"),
    ("idempotency_keys.resource_id", "whatever a request made, which the key outlives"),
    ("ledger_entries.shop_id", "books are written once, by month; verify asks"),
    ("ledger_transactions.order_id", "books are written once, by month; verify asks"),
    ("ledger_transactions.payment_id", "books are written once, by month; verify asks"),
    ("members.staff_id", "people are the platform's, and a banned one stays"),
    ("notification_deliveries.device_id", "a device may be forgotten; verify asks for the neighbour's"),
    ("notification_deliveries.provider_id", "the provider's own name of it"),
    ("notifications.subject_id", "any kind of thing"),
    ("order_events.actor_id", "a customer, a member or one of the platform's people; verify asks for the neighbour's"),
    ("orders.delivery_slot_id", "there are no slots yet"),
    ("orders.payment_id", "either row would have to be first; verify asks"),
    ("outbox.actor_id", "a customer, a member or one of the platform's people; verify asks for the neighbour's"),
    ("outbox.aggregate_id", "any kind of thing, which the event outlives"),
    ("outbox.shop_id", "a queue of high volume; verify asks"),
    ("refresh_tokens.company_id", "of the platform; a customer's session is in their company"),
    ("refresh_tokens.session_id", "a session of staff or of a customer: two tables"),
    ("shops.vendor_id", "there are no vendors yet"),
    ("staff_sessions.acting_company_id", "of the platform; read again with each request"),
    ("staff_sessions.acting_member_id", "of the platform; read again with each request, and verify asks"),
    ("staff_sessions.company_id", "of the platform; read again with each request"),
    ("stock_counts.actor_id", "a member or one of the platform's people; verify asks for the neighbour's"),
    ("stock_movements.actor_id", "a customer, a member or one of the platform's people; verify asks for the neighbour's"),
    ("stock_movements.order_id", "written once, by month; verify asks"),
    ("subscription_periods.plan_id", "plans are the platform's, and none is ever deleted"),
    ("subscriptions.next_plan_id", "plans are the platform's, and none is ever deleted"),
    ("subscriptions.plan_id", "plans are the platform's, and none is ever deleted"),
    ("test_gateway_charges.company_id", "an outside witness, which knows no rows of ours"),
    ("test_gateway_charges.payment_id", "an outside witness, which knows no rows of ours; verify compares"),
    ("test_gateway_refunds.charge_id", "an outside witness, which knows no rows of ours"),
    ("test_gateway_refunds.company_id", "an outside witness, which knows no rows of ours"),
];

#[tokio::test]
async fn what_points_without_a_foreign_key_is_listed_with_a_reason() {
    for world in World::all().await {
        let db = world.raw().await;
        let sql = if world.is_postgres() {
            "SELECT c.relname || '.' || a.attname AS col FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped \
             AND a.attname LIKE '%\\_id' AND NOT EXISTS (SELECT 1 FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' \
             AND a.attnum = ANY(f.conkey))"
        } else {
            "SELECT m.name || '.' || c.name AS col FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' \
             AND c.name LIKE '%\\_id' ESCAPE '\\' \
             AND NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(m.name) f WHERE f.\"from\" = c.name)"
        };
        let found: BTreeSet<_> = ask(&db, sql, &["col"]).await.into_iter().flatten().collect();
        let known: BTreeSet<_> = LOOSE.iter().map(|(column, _)| (*column).to_owned()).collect();
        assert_eq!(
            found,
            known,
            "{}: columns without a foreign key (left) are not those of LOOSE (right): point with `.belongs(…)`, or say why not",
            world.souk.engine()
        );
        assert!(LOOSE.is_sorted(), "LOOSE is kept in order");
        db.close().await.expect("closed");
        world.close().await;
    }
}

/// The company that the unit named, as PostgreSQL writes the policies' question down.
const NAMED: &str = "(NULLIF(current_setting('app.company_id'::text, true), ''::text))::uuid";

#[tokio::test]
async fn each_policy_asks_for_the_units_company() {
    for world in World::all().await {
        if world.is_postgres() {
            let db = world.raw().await;
            let tables = "SELECT c.relname::text AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace \
                          AND c.relkind IN ('r', 'p') AND NOT c.relispartition";
            let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for name in ask(&db, tables, &["name"]).await.into_iter().flatten() {
                let mine = match name.as_str() {
                    "companies" => format!("(id = {NAMED})"),
                    name if PLATFORM_TABLES.contains(&name) => continue,
                    _ => format!("(company_id = {NAMED})"),
                };
                // A policy without a check of its own holds new rows to its question.
                let policy = |name: &str, question: &str| format!("{name} for ALL to souk_{name}: PERMISSIVE {question}, check -");
                let mut policies = BTreeSet::from([policy("platform", "true"), policy("app", &mine)]);
                if ["audit_entries", "audit_links"].contains(&name.as_str()) {
                    policies.insert(policy("retain", &mine));
                }
                expected.insert(name, policies);
            }
            assert!(expected.len() > 40, "only {} tables of tenants were seen", expected.len());
            let policies = "SELECT tablename::text AS name, replace(policyname, 'tenant', 'app') || ' for ' || cmd || ' to ' \
                            || array_to_string(roles, ' ') || ': ' || permissive || ' ' || coalesce(qual, '-') || ', check ' \
                            || coalesce(with_check, '-') AS policy FROM pg_policies WHERE schemaname = 'public'";
            let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for row in ask(&db, policies, &["name", "policy"]).await {
                let [table, policy] = row.as_slice() else { panic!("two columns") };
                found.entry(table.clone()).or_default().insert(policy.clone());
            }
            for (table, policies) in &expected {
                assert_eq!(found.get(table), Some(policies), "the policies of {table} (left) are not the wall's (right)");
            }
            assert_eq!(found.len(), expected.len(), "a table has policies that is no tenant's");
            db.close().await.expect("closed");
        }
        world.close().await;
    }
}
