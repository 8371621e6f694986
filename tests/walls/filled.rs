//! The steps of the schema, taken one by one over tables that are never empty, as whoever already
//! runs a shop takes them. On PostgreSQL by an owner whom row-level security binds.

use std::collections::BTreeMap;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend};

use super::schema::{ask, tables};
use crate::support::{database, postgres::Server, say};

/// Every row's id, its company's too: so every pointer holds.
const ONE: &str = "00000000-0000-0000-0000-000000000001";

/// Where the plainest value breaks a rule of the table's own.
const VALUES: &[(&str, &str)] = &[("ledger_entries.credit", "0"), ("debt_payments.reverses_id", "NULL"), ("outbox.position", "7")];

/// What a step makes anew and empty, since nothing had been written to it by then.
const MADE_ANEW: &[(&str, &[&str])] = &[
    ("m0004_catalog", &["attribute_values", "attributes", "media", "stock_alerts", "variant_attribute_values"]),
    ("m0006_people", &["role_permissions", "roles"]),
    ("m0015_audit", &["audit_checkpoints", "audit_entries", "audit_links", "audit_values"]),
    ("m0031_closings", &["ledger_closings"]),
];

/// Puts a row into every table that has none. PostgreSQL's tables refuse a child before its parent,
/// so whoever is refused comes again after the others.
async fn fill(db: &DatabaseConnection) {
    let mut open: Vec<_> = tables(db).await.into_iter().filter(|(name, _)| name != "retain_guard").collect();
    while !open.is_empty() {
        let before = open.len();
        let mut refused = String::new();
        let mut left = Vec::new();
        for (name, columns) in open {
            if count(db, &name).await > 0 {
                continue;
            }
            let values = columns.iter().map(|(column, kind)| value(db, &name, column, kind)).collect::<Vec<_>>().join(", ");
            let names = columns.keys().cloned().collect::<Vec<_>>().join(", ");
            let sql = format!("INSERT INTO {name} ({names}) VALUES ({values})");
            if let Err(error) = db.execute_unprepared(&sql).await {
                refused = format!("{sql}: {error}");
                left.push((name, columns));
            }
        }
        assert!(left.len() < before, "no row can be put in: {refused}");
        open = left;
    }
}

fn value(db: &DatabaseConnection, table: &str, column: &str, kind: &str) -> String {
    let place = format!("{table}.{column}");
    if let Some((_, value)) = VALUES.iter().find(|(named, _)| *named == place) {
        return (*value).into();
    }
    let on_postgres = db.get_database_backend() == DbBackend::Postgres;
    match kind.trim_end_matches('?') {
        "whole" => "1".into(),
        "flag" => "true".into(),
        "json" => "'{}'".into(),
        "date" => "'2026-01-31'".into(),
        "id" if on_postgres => format!("'{ONE}'"),
        "id" => format!("x'{}'", ONE.replace('-', "")),
        _ => "'Anna'".into(),
    }
}

async fn count(db: &DatabaseConnection, table: &str) -> i64 {
    let rows = ask(db, &format!("SELECT CAST(COUNT(*) AS text) AS rows FROM {table}"), &["rows"]).await;
    rows[0][0].parse().expect("a number")
}

async fn counts(db: &DatabaseConnection) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for table in tables(db).await.into_keys() {
        counts.insert(table.clone(), count(db, &table).await);
    }
    counts
}

/// Takes every step over rows: `owner` migrates, `rows` fills and looks.
async fn take_all(owner: &DatabaseConnection, rows: &DatabaseConnection) {
    let mut lost = Vec::new();
    for step in Migrator::migrations() {
        let before = counts(rows).await;
        Migrator::up(owner, Some(1)).await.unwrap_or_else(|error| panic!("{}: {error}", step.name()));
        let after = counts(rows).await;
        let anew = MADE_ANEW.iter().find(|(name, _)| *name == step.name()).map_or(&[][..], |(_, tables)| tables);
        for (table, count) in before.iter().filter(|(table, _)| !anew.contains(&table.as_str())) {
            if after.get(table).is_none_or(|left| left < count) {
                lost.push(format!("{}: {table} had {count} rows, and has {:?}", step.name(), after.get(table)));
            }
        }
        fill(rows).await;
    }
    assert!(lost.is_empty(), "steps lose rows, or make anew what is not listed: {lost:#?}");
    let expect = [
        ("a stock that was low has its alert", "SELECT CAST(COUNT(*) AS text) AS said FROM stock_alerts WHERE open_kind = 'low'", "1"),
        ("and says so itself", "SELECT alert AS said FROM stock_levels", "low"),
        (
            "customers and members are found by their names",
            "SELECT CAST(COUNT(DISTINCT customer_id) + COUNT(DISTINCT member_id) AS text) AS said FROM person_words WHERE word = 'anna'",
            "2",
        ),
        ("a member joined when they were made", "SELECT CAST(joined_at AS text) AS said FROM members", "1"),
        ("events keep their order", "SELECT CAST(COUNT(seq) AS text) AS said FROM outbox", "1"),
        ("a company's books have their accounts", "SELECT CAST(COUNT(*) AS text) AS said FROM ledger_accounts WHERE code <> 'Anna'", "11"),
    ];
    for (what, sql, said) in expect {
        assert_eq!(ask(rows, sql, &["said"]).await, [[said]], "{what}");
    }
}

#[tokio::test]
async fn every_step_is_taken_over_rows() {
    let folder = database::temporary();
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", folder.join("souk.sqlite").display()));
    options.max_connections(1).sqlx_logging(false).map_sqlx_sqlite_opts(|options| options.foreign_keys(false));
    let db = Database::connect(options).await.expect("a database");
    take_all(&db, &db).await;
    db.close().await.expect("closed");
    std::fs::remove_dir_all(&folder).expect("tidied");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_taken_over_rows_that_the_owner_does_not_see() {
    let server = match Server::open() {
        Ok(server) => server,
        Err(why) => return say(format_args!("steps over rows: skipped, there is no PostgreSQL of its own: {why}")),
    };
    let admin = database::connect(&server.url()).await.expect("the server");
    for sql in ["CREATE ROLE keeper LOGIN NOINHERIT CREATEROLE", "CREATE DATABASE keeper OWNER keeper"] {
        admin.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    admin.close().await.expect("closed");
    let (address, _) = server.url().rsplit_once('/').map(|(address, name)| (address.to_owned(), name.to_owned())).expect("a URL");
    let rows = database::connect(&format!("{address}/keeper")).await.expect("the database");
    // As README's Deploy has it.
    rows.execute_unprepared("ALTER SCHEMA public OWNER TO keeper").await.expect("the owner's schema");
    let owner = database::connect(&format!("{}/keeper", address.replace("souk@", "keeper@"))).await.expect("its owner");
    take_all(&owner, &rows).await;
    let open = "SELECT relname::text AS name FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity";
    assert!(ask(&rows, open, &["name"]).await.is_empty(), "a policy was lifted and not put back");
    for db in [rows, owner] {
        db.close().await.expect("closed");
    }
    drop(server);
}
