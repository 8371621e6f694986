//! What the migrations made, column by column: it is what the entities say, the company leads
//! everywhere, and work across companies changes only what is listed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::house::PLATFORM_TABLES;
use crate::support::{World, order};

/// Indexes that do not begin with the company, since only the platform reads them, and who does.
const QUEUES: &[(&str, &str)] = &[
    ("members (staff_id)", "sign-in: the companies a person belongs to"),
    ("holds (state, expires_at)", "the sweep of holds past their time"),
    ("payment_attempts (state, updated_at)", "the sweep of undecided attempts"),
    ("refunds (state, updated_at)", "the sweep of refunds that did not come through"),
    ("outbox (position)", "the relay and the readers of the log"),
    ("outbox (seq)", "events that wait for their position (PostgreSQL)"),
    ("jobs (queue, state, company_id, run_at)", "claiming due jobs by turns of companies"),
    ("jobs (id)", "jobs in trouble, few among many"),
    ("collection_notes (defers_until)", "promises whose day is over"),
    ("debts (id)", "the platform's list of debts"),
    ("debts (status, next_due_on, id)", "the platform's list of overdue debts"),
    ("instalments (next_step_on)", "instalments that have come to a step of collection"),
    ("subscriptions (ends_on)", "periods that are over"),
    ("orders (id)", "the platform's list of orders"),
    ("payments (id)", "the platform's list of payments"),
    ("audit_entries (id)", "the platform's list of audit entries"),
    ("stock_alerts (id)", "the platform's list of alerts"),
    ("stock_levels (id)", "the platform's list of stock"),
    ("members (id)", "the platform's list of staff"),
    ("customers (id)", "the platform's list of customers"),
    ("variants (id)", "whose variant it is, for the platform's people"),
];

/// What work across companies may write in tables of the tenants; the platform's own are its own.
const PLATFORM_WRITES: &[(&str, &str)] = &[("customer_sessions", "INSERT UPDATE"), ("jobs", "UPDATE"), ("outbox", "UPDATE")];

/// Tables that are written once: nobody may change or delete their rows.
const WRITTEN_ONCE: &[&str] = &[
    "audit_entries",
    "audit_links",
    "debt_allocations",
    "debt_payments",
    "debt_steps",
    "ledger_accounts",
    "ledger_closings",
    "ledger_entries",
    "ledger_transactions",
    "stock_movements",
    "subscription_periods",
];

/// Logs of high volume, which PostgreSQL keeps by months.
const BY_MONTH: &[&str] = &["audit_entries", "ledger_entries", "ledger_transactions", "stock_movements"];

type Columns = BTreeMap<String, String>;

/// The rows of a question, each as the texts of its columns.
pub(super) async fn ask(db: &DatabaseConnection, sql: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let rows =
        db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter()
        .map(|row| columns.iter().map(|name| row.try_get("", name).unwrap_or_else(|error| panic!("{sql}: {error}"))).collect())
        .collect()
}

/// Every table with its columns, each as its kind and whether it may be empty.
pub(super) async fn tables(db: &DatabaseConnection) -> BTreeMap<String, Columns> {
    let sql = if db.get_database_backend() == DbBackend::Postgres {
        "SELECT c.relname::text AS name, a.attname::text AS col, t.typname::text AS kind, CASE WHEN a.attnotnull THEN '' ELSE '?' END AS opt \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
         AND c.relname <> 'seaql_migrations'"
    } else {
        "SELECT m.name AS name, c.name AS col, c.type AS kind, CASE WHEN c.\"notnull\" = 1 THEN '' ELSE '?' END AS opt \
         FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' \
         AND m.name <> 'seaql_migrations'"
    };
    let mut tables: BTreeMap<String, Columns> = BTreeMap::new();
    for row in ask(db, sql, &["name", "col", "kind", "opt"]).await {
        let [name, column, kind, optional] = row.as_slice() else { panic!("four columns") };
        let kind = match kind.to_lowercase().as_str() {
            "int8" | "bigint" => "whole",
            "text" => "text",
            "bool" | "boolean" => "flag",
            "uuid" | "uuid_text" => "id",
            "jsonb" | "json_text" => "json",
            "date" | "date_text" => "date",
            other => panic!("{name}.{column} is `{other}`, which no builder makes"),
        };
        tables.entry(name.clone()).or_default().insert(column.clone(), format!("{kind}{optional}"));
    }
    tables
}

/// What the entities in the sources say of their tables, in the same words.
fn entities() -> BTreeMap<String, Columns> {
    let mut entities = BTreeMap::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("its text");
            for part in text.split("table_name = \"").skip(1) {
                let (table, rest) = part.split_once('"').expect("a name");
                let body = rest.split_once("pub struct Model {").and_then(|(_, body)| body.split_once("\n}")).expect("a model").0;
                let fields = body.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.strip_suffix(',')?.split_once(": "));
                entities.insert(table.to_owned(), fields.map(|(name, kind)| (name.to_owned(), kind_of(kind))).collect());
            }
        }
    }
    entities
}

fn kind_of(rust: &str) -> String {
    let (inner, optional) = match rust.strip_prefix("Option<") {
        Some(inner) => (inner.trim_end_matches('>'), "?"),
        None => (rust, ""),
    };
    let kind = match inner {
        "i64" | "Money" | "Instant" => "whole",
        "bool" => "flag",
        "Value" | "Json" => "json",
        "NaiveDate" | "Date" => "date",
        id if id == "Uuid" || id.ends_with("Id") => "id",
        // Texts, and states that are kept as texts.
        _ => "text",
    };
    format!("{kind}{optional}")
}

#[tokio::test]
async fn entities_are_what_the_tables_are() {
    let entities = entities();
    assert!(entities.len() > 40, "only {} entities were found", entities.len());
    for world in World::all().await {
        let db = world.raw().await;
        let mut tables = tables(&db).await;
        for (table, said) in &entities {
            let made = tables.remove(table).unwrap_or_else(|| panic!("there is no table `{table}` for its entity"));
            assert_eq!(said, &made, "{}: the entity of `{table}` (left) is not its table (right)", world.souk.engine());
        }
        db.close().await.expect("closed");
        world.close().await;
    }
}

#[tokio::test]
async fn the_company_leads_every_key_and_index() {
    for world in World::all().await {
        let db = world.raw().await;
        let indexes = if world.is_postgres() {
            "SELECT t.relname::text AS name, string_agg(a.attname, ', ' ORDER BY k.place) AS cols FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid \
             CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k (number, place) \
             JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number \
             WHERE t.relnamespace = 'public'::regnamespace AND NOT t.relispartition GROUP BY i.indexrelid, t.relname"
        } else {
            "SELECT m.name AS name, group_concat(c.name, ', ') AS cols FROM sqlite_master m JOIN pragma_index_list(m.name) i \
             JOIN pragma_index_info(i.name) c WHERE m.type = 'table' GROUP BY m.name, i.name"
        };
        let mut queues = BTreeSet::new();
        for row in ask(&db, indexes, &["name", "cols"]).await {
            let [table, columns] = row.as_slice() else { panic!("two columns") };
            if !PLATFORM_TABLES.contains(&table.as_str()) && !columns.starts_with("company_id, ") {
                queues.insert(format!("{table} ({columns})"));
            }
        }
        let known =
            QUEUES.iter().map(|(index, _)| (*index).to_owned()).filter(|index| world.is_postgres() || !index.contains("outbox (seq)"));
        assert_eq!(
            queues,
            known.collect(),
            "{}: indexes without the company in front (left) are not those of QUEUES (right)",
            world.souk.engine()
        );

        if world.is_postgres() {
            let loose = ask(
                &db,
                "SELECT c.conrelid::regclass::text AS name, c.conname::text AS key FROM pg_constraint c \
                 WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace \
                 AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attname = 'company_id') \
                 AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.confrelid AND a.attname = 'company_id') \
                 AND NOT EXISTS (SELECT 1 FROM generate_subscripts(c.conkey, 1) AS part \
                   JOIN pg_attribute mine ON mine.attrelid = c.conrelid AND mine.attnum = c.conkey[part] AND mine.attname = 'company_id' \
                   JOIN pg_attribute theirs ON theirs.attrelid = c.confrelid AND theirs.attnum = c.confkey[part] AND theirs.attname = 'company_id')",
                &["name", "key"],
            )
            .await;
            assert!(loose.is_empty(), "foreign keys that do not hold the company: {loose:?}");
        }
        db.close().await.expect("closed");
        world.close().await;
    }
}

#[tokio::test]
async fn the_roles_may_what_is_listed() {
    for world in World::all().await.into_iter() {
        if world.is_postgres() {
            let db = world.raw().await;
            let verbs = |role: &str| {
                format!(
                    "SELECT c.relname::text AS name, string_agg(v, ' ' ORDER BY v) AS verbs FROM pg_class c \
                     CROSS JOIN unnest(ARRAY['DELETE', 'INSERT', 'SELECT', 'TRUNCATE', 'UPDATE']) AS v \
                     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'seaql_migrations' \
                     AND has_table_privilege('{role}', c.oid, v) GROUP BY c.relname"
                )
            };
            let written: BTreeMap<_, _> = PLATFORM_WRITES.iter().copied().collect();
            let mut found = BTreeSet::new();
            for row in ask(&db, &verbs("souk_platform"), &["name", "verbs"]).await {
                let [table, verbs] = row.as_slice() else { panic!("two columns") };
                let writes: Vec<_> = verbs.split(' ').filter(|verb| *verb != "SELECT").collect();
                assert!(verbs.contains("SELECT"), "souk_platform may not read {table}");
                let is_its_own = PLATFORM_TABLES.contains(&table.as_str());
                let allowed = if is_its_own { "DELETE INSERT UPDATE" } else { written.get(table.as_str()).copied().unwrap_or_default() };
                assert_eq!(
                    writes.join(" "),
                    allowed,
                    "what work across companies may write in {table}: say `.platform_writes(…)` at the table and list it here, with thought"
                );
                found.insert(table.clone());
            }
            assert!(written.keys().all(|table| found.contains(*table)), "PLATFORM_WRITES lists a table that is not there");

            for row in ask(&db, &verbs("souk_app"), &["name", "verbs"]).await {
                let [table, verbs] = row.as_slice() else { panic!("two columns") };
                let expected = match table.as_str() {
                    "companies" => "SELECT UPDATE",
                    table if WRITTEN_ONCE.contains(&table) => "INSERT SELECT",
                    table if PLATFORM_TABLES.contains(&table) => "nothing at all",
                    _ => "DELETE INSERT SELECT UPDATE",
                };
                assert_eq!(verbs, expected, "what a company's unit may do in {table}");
            }
            db.close().await.expect("closed");
        }
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logs_are_kept_by_months() {
    for world in World::all().await {
        let token = world.customer(&world.a, "monthly@alpha.test").await;
        world.client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        if world.is_postgres() {
            let db = world.raw().await;
            let parts = "SELECT p.relname::text AS parent, count(*)::text AS parts, \
                         count(*) FILTER (WHERE c.relrowsecurity AND c.relforcerowsecurity)::text AS walled \
                         FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid \
                         WHERE c.relkind = 'r' GROUP BY p.relname ORDER BY p.relname";
            let parts = ask(&db, parts, &["parent", "parts", "walled"]).await;
            assert_eq!(parts.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), BY_MONTH);
            for row in parts {
                assert!(row[1].parse::<i32>().expect("a count") >= 26, "this month, 24 ahead and the rest: {row:?}");
                assert_eq!(row[1], row[2], "a partition without forced row-level security: {row:?}");
            }
            for table in BY_MONTH {
                let month = format!("SELECT DISTINCT tableoid::regclass::text AS part FROM {table}");
                for row in ask(&db, &month, &["part"]).await {
                    assert!(!row[0].ends_with("_rest"), "{table}: this month's rows lie in the rest");
                    let alter = format!("UPDATE {} SET created_at = 0", row[0]);
                    let refused = db.execute_unprepared(&alter).await.expect_err("changed within its partition");
                    assert!(refused.to_string().contains("append-only"), "{refused}");
                    let peek = format!("BEGIN; SELECT set_config('role', 'souk_app', true); SELECT * FROM {}", row[0]);
                    let refused = db.execute_unprepared(&peek).await.expect_err("read past its parent's policy");
                    assert!(refused.to_string().contains("permission denied"), "{refused}");
                    db.execute_unprepared("ROLLBACK").await.expect("over");
                }
            }
            // A second run finds its months made.
            migration::tenant::months_ahead(&db, 24).await.expect("nothing to do");
            db.close().await.expect("closed");
        }
        world.verify().await;
        world.close().await;
    }
}
