//! Whoever holds the database can change the audit, and cannot hide it.

use std::{collections::BTreeSet, fs};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use serde_json::json;
use souk::{
    clock,
    models::{
        audit::{self, Filter},
        verify,
    },
    tasks::{retain, witness},
    tenancy::{Actor, Tenant},
};

use crate::support::{World, address, text};

const MINE: &str = "company_id = (SELECT id FROM companies WHERE slug = 'alpha')";
const DAY: i64 = 86_400_000_000;

/// Runs one statement; `{mine}` narrows it to company A.
async fn run(db: &DatabaseConnection, sql: &str) {
    let sql = sql.replace("{mine}", MINE);
    db.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn seal(world: &World) {
    audit::seal_all(&world.souk, world.a.id).await.expect("sealed");
}

async fn faults(world: &World) -> Vec<String> {
    let scope = world.souk.read(Tenant::system(world.a.id)).await.expect("a scope");
    audit::verify(&scope).await.expect("a look").faults
}

async fn entries(world: &World) -> Vec<audit::Entry> {
    let scope = world.souk.read(Tenant::system(world.a.id)).await.expect("a scope");
    audit::list(&scope, &Filter::default(), None, 1_000).await.expect("entries")
}

/// Writes one entry of company A, now by this task's clock.
async fn note(world: &World, action: &str) {
    let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
    scope.audit(action, "shop", world.a.shop, None, vec![]).await.expect("noted");
    scope.commit().await.expect("kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn tampering_with_the_audit_is_found() {
    let edit = "UPDATE audit_entries SET actor_role = 'somebody else' WHERE {mine} \
                AND id = (SELECT id FROM audit_links WHERE {mine} AND number = 2)";
    let drop_some = |which: &str| {
        let ids = format!("SELECT id FROM audit_links WHERE {{mine}} AND number {which}");
        [
            format!("DELETE FROM audit_values WHERE {{mine}} AND entry_id IN ({ids})"),
            format!("DELETE FROM audit_entries WHERE {{mine}} AND id IN ({ids})"),
        ]
    };
    let last_ten = "> (SELECT MAX(number) - 10 FROM kept_links WHERE {mine})";
    let [third_values, third_entry] = drop_some("= 3");
    let [last_values, last_entries] = drop_some(last_ten);
    let [first_values, first_entries] = drop_some("<= 5");
    let last_links = format!("DELETE FROM audit_links WHERE {{mine}} AND number {last_ten}");
    let ways: [(&str, &[&str]); 9] = [
        ("an entry is edited", &[edit]),
        ("an entry in the middle is deleted", &[&third_values, &third_entry]),
        ("the last ten are dropped with their links", &[&last_values, &last_entries, &last_links]),
        (
            "the first five are dropped with their links",
            &[&first_values, &first_entries, "DELETE FROM audit_links WHERE {mine} AND number <= 5"],
        ),
        (
            "everything is dropped",
            &["DELETE FROM audit_values WHERE {mine}", "DELETE FROM audit_entries WHERE {mine}", "DELETE FROM audit_links WHERE {mine}"],
        ),
        (
            "two are put into another order",
            &[
                "UPDATE audit_links SET number = -2 WHERE {mine} AND number = 2",
                "UPDATE audit_links SET number = 2 WHERE {mine} AND number = 3",
                "UPDATE audit_links SET number = 3 WHERE {mine} AND number = -2",
            ],
        ),
        (
            "an entry is edited and the whole chain is made anew",
            &[
                edit,
                "DELETE FROM audit_links WHERE {mine}",
                "DELETE FROM audit_unsealed WHERE {mine}",
                "INSERT INTO audit_unsealed SELECT company_id, id FROM audit_entries WHERE {mine}",
            ],
        ),
        (
            "a name is put into somebody's mouth",
            &["UPDATE audit_values SET origin = '{\"name\": \"Mallory\", \"salt\": \"00\"}' WHERE {mine}"],
        ),
        ("an entry is kept out of the chain", &["DELETE FROM audit_unsealed WHERE {mine}"]),
    ];
    for world in World::all().await {
        for number in 0..12 {
            world.customer(&world.a, &format!("witness{number}@alpha.test")).await;
        }
        seal(&world).await;
        audit::checkpoint(&world.souk, world.a.id).await.expect("a checkpoint");
        assert_eq!(faults(&world).await, Vec::<String>::new());
        // One that waits for its seal for long, as it does while no worker runs.
        clock::shifted(-600_000_000, note(&world, "wait")).await;

        let db = world.raw().await;
        for sql in ["UPDATE audit_entries SET actor_role = ''", "DELETE FROM audit_entries", "DELETE FROM audit_links"] {
            assert!(db.execute_unprepared(sql).await.is_err(), "{sql} went through");
        }
        for table in ["audit_entries", "audit_links"] {
            for verb in ["update", "delete"] {
                let of = if world.is_postgres() { format!(" ON {table}") } else { String::new() };
                run(&db, &format!("DROP TRIGGER {table}_no_{verb}{of}")).await;
            }
        }
        const TABLES: [&str; 4] = ["audit_entries", "audit_values", "audit_links", "audit_unsealed"];
        for table in TABLES {
            run(&db, &format!("CREATE TABLE kept_{} AS SELECT * FROM {table}", &table[6..])).await;
        }
        for (way, statements) in &ways {
            for sql in *statements {
                run(&db, sql).await;
            }
            if !way.contains("kept out") {
                seal(&world).await;
            }
            assert!(!faults(&world).await.is_empty(), "{}: {way}, and nobody noticed", world.souk.engine());
            for table in TABLES.into_iter().rev() {
                run(&db, &format!("DELETE FROM {table}")).await;
            }
            for table in TABLES {
                if table == "audit_unsealed" {
                    run(&db, "DELETE FROM audit_unsealed").await;
                }
                run(&db, &format!("INSERT INTO {table} SELECT * FROM kept_{}", &table[6..])).await;
            }
            assert_eq!(faults(&world).await, Vec::<String>::new(), "{way}: not restored");
        }
        for table in TABLES {
            run(&db, &format!("DROP TABLE kept_{}", &table[6..])).await;
        }
        db.close().await.expect("closed");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_is_gone_or_cut_is_noticed_and_completed_from_its_copies() {
    for world in World::all().await {
        for round in 0..3 {
            note(&world, &format!("round{round}")).await;
            seal(&world).await;
            audit::checkpoint(&world.souk, world.a.id).await.expect("a checkpoint");
        }
        assert_eq!(faults(&world).await, Vec::<String>::new());
        assert!(witness::run(&world.souk, false).await.expect("a look").is_empty(), "nothing is lacking");
        let path = world.souk.settings().data_dir.join("checkpoints.log");
        let whole = fs::read_to_string(&path).expect("the witness");
        let cut: String = whole.lines().take(1).map(|line| format!("{line}\n")).collect();
        for (way, left) in [("the file was removed", None), ("the file was cut", Some(cut.as_str()))] {
            match left {
                None => fs::remove_file(&path).expect("removed"),
                Some(left) => fs::write(&path, left).expect("cut"),
            }
            let found = faults(&world).await;
            assert!(matches!(found.as_slice(), [one] if one.contains("checkpoints.log")), "{}: {way}: {found:?}", world.souk.engine());
            let all = verify::all(&world.souk, None).await.expect("the invariants were asked");
            assert!(all.iter().any(|fault| fault.row.contains("souk task witness")), "{way}: {all:?}");

            let lacking = witness::run(&world.souk, false).await.expect("a look");
            let named: Vec<_> = lacking.iter().map(|line| (line.company.as_str(), line.lacking.genuine, line.lacking.forged)).collect();
            assert_eq!(named, [("alpha", if left.is_none() { 3 } else { 2 }, 0)], "{way}");
            assert_eq!(faults(&world).await, found, "{way}: a look changes nothing");
            witness::run(&world.souk, true).await.expect("completed");
            assert_eq!(faults(&world).await, Vec::<String>::new(), "{way}: not completed");
            let told = entries(&world).await.iter().filter(|one| one.action == "renew_witness").count();
            assert_eq!(told, if left.is_none() { 1 } else { 2 }, "{way}: it is written down");
            fs::write(&path, &whole).expect("put back");
        }

        // A copy that somebody wrote into the database is not told to the witness.
        let db = world.raw().await;
        run(&db, "UPDATE audit_checkpoints SET hash = 'somebody elses' WHERE {mine} AND number = (SELECT MIN(number) FROM audit_checkpoints WHERE {mine})")
            .await;
        db.close().await.expect("closed");
        let lacking = witness::run(&world.souk, true).await.expect("a look");
        assert!(matches!(lacking.as_slice(), [one] if (one.lacking.genuine, one.lacking.forged) == (0, 1)), "{lacking:?}");
        assert!(!faults(&world).await.is_empty(), "a forged copy, and nobody noticed");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_is_sealed_once_whoever_seals_and_however_late() {
    for world in World::all().await {
        for round in 0..4 {
            let mut at_work = Vec::new();
            for number in 0..20 {
                let (souk, company, shop) = (world.souk.clone(), world.a.id, world.a.shop);
                at_work.push(tokio::spawn(async move {
                    let scope = souk.write(Tenant::system(company)).await.expect("a scope");
                    scope.audit(&format!("act{round}_{number}"), "shop", shop, None, vec![]).await.expect("noted");
                    scope.commit().await.expect("kept");
                    // Sealers all over the place, as if many processes had one.
                    audit::seal(&souk, company).await.expect("sealed");
                }));
            }
            for one in at_work {
                one.await.expect("done");
            }
            // Born before what is sealed already, and committed only now.
            clock::shifted(-(round + 1) * 3_600_000_000, note(&world, "late")).await;
        }
        seal(&world).await;
        let count = async |table: &str| world.count(&format!("SELECT COUNT(*) FROM {table} WHERE {MINE}")).await;
        assert_eq!(count("audit_links").await, count("audit_entries").await);
        assert_eq!(count("audit_unsealed").await, 0);
        let highest = format!("SELECT MAX(number) FROM audit_links WHERE {MINE}");
        assert_eq!(world.count(&highest).await, count("audit_links").await, "a gap in the numbers");
        assert_eq!(faults(&world).await, Vec::<String>::new());
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_was_can_be_erased_and_the_chain_holds() {
    for world in World::all().await {
        let client = &world.client;
        let token = client.login("alpha", "customer@alpha.test").await;
        let change = json!({ "name": "Canary Bird", "phone": "+91 98765 43210" });
        client.put(&token, "/api/auth/profile", &change).await.expect(200);
        let kept = client.post(&token, "/api/auth/addresses", &address("Canary Bird", true)).await.expect(201);
        world.verify().await;
        let seen = format!("{:?}", entries(&world).await);
        assert!(seen.contains("Canary Bird") && seen.contains("98765") && seen.contains("Lake View"), "{seen}");
        let in_entries =
            "SELECT COUNT(*) FROM audit_entries WHERE CAST(changes AS text) LIKE '%Canary%' OR CAST(changes AS text) LIKE '%98765%'";
        assert_eq!(world.count(in_entries).await, 0, "a personal value lies in the entry itself");

        let customer = world.a.customer.id;
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        assert!(audit::forget_actor(&scope, customer.0).await.expect("erased") > 2);
        audit::forget_thing(&scope, "customer", &customer.to_string()).await.expect("erased");
        audit::forget_thing(&scope, "address", &text(&kept["id"])).await.expect("erased");
        scope.commit().await.expect("kept");
        let seen = format!("{:?}", entries(&world).await);
        for canary in ["Canary", "98765", "Lake View"] {
            assert!(!seen.contains(canary), "`{canary}` is still there");
        }
        assert!(seen.contains("erased"));
        assert_eq!(world.count("SELECT COUNT(*) FROM audit_values WHERE CAST(personal AS text) LIKE '%Canary%'").await, 0);
        assert_eq!(faults(&world).await, Vec::<String>::new());
        let theirs = world.client.login("beta", "admin@beta.test").await;
        let rows = client.get(&theirs, "/api/audit/logs?limit=100").await.expect(200);
        assert!(rows.to_string().contains("\"userAgent\""), "the neighbour's are as they were");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_retention_lets_go_of_the_audit_and_the_chain_holds() {
    for world in World::all().await {
        let at_first = u64::try_from(entries(&world).await.len()).expect("a count");
        for day in 1..=40 {
            clock::shifted(day * DAY, note(&world, "daily")).await;
            clock::shifted(day * DAY, seal(&world)).await;
        }
        audit::checkpoint(&world.souk, world.a.id).await.expect("a checkpoint");
        let before = entries(&world).await.len();
        // Seen from the sixtieth day.
        let retain = async |days: u64, apply: bool| {
            clock::shifted(60 * DAY, async {
                let lines = retain::run(&world.souk, Some(days), apply).await.expect("a look");
                seal(&world).await;
                lines.iter().find(|line| line.subject == "audit").expect("a line").rows
            })
            .await
        };

        let db = world.raw().await;
        assert!(db.execute_unprepared("DELETE FROM audit_entries").await.is_err(), "a plain delete went through");
        if world.is_postgres() {
            // As the shop's own role: neither a guard nor the other role is its to take.
            let act = |sql: &str| {
                format!(
                    "BEGIN; SELECT set_config('role', 'souk_app', true), set_config('app.company_id', '{}', true); {sql}; COMMIT",
                    world.a.id
                )
            };
            for sql in [
                "INSERT INTO retain_guard (id) VALUES (gen_random_uuid())",
                "DELETE FROM audit_entries",
                "DELETE FROM audit_links",
                "UPDATE audit_links SET number = number + 1",
            ] {
                assert!(db.execute_unprepared(&act(sql)).await.is_err(), "souk_app did: {sql}");
                db.execute_unprepared("ROLLBACK").await.expect("over");
            }
            // Even with the guard's row there, by whoever owns the table, nothing gives way.
            db.execute_unprepared("INSERT INTO retain_guard (id) VALUES (gen_random_uuid())").await.expect("a forged guard");
            for sql in ["DELETE FROM audit_entries", "DELETE FROM stock_movements"] {
                assert!(db.execute_unprepared(sql).await.is_err(), "a forged guard let through: {sql}");
            }
            db.execute_unprepared("DELETE FROM retain_guard").await.expect("gone");
            // The role that may is bound to one company, and to the audit.
            let retain = |sql: &str| {
                format!(
                    "BEGIN; SELECT set_config('role', 'souk_retain', true), set_config('app.company_id', '{}', true); {sql}; ROLLBACK",
                    world.b.id
                )
            };
            for sql in [
                "DELETE FROM ledger_entries",
                "DELETE FROM stock_movements",
                "DELETE FROM orders",
                "UPDATE audit_entries SET actor_role = ''",
            ] {
                assert!(db.execute_unprepared(&retain(sql)).await.is_err(), "souk_retain did: {sql}");
                db.execute_unprepared("ROLLBACK").await.expect("over");
            }
        }
        db.close().await.expect("closed");

        assert_eq!(retain(40, false).await, at_first + 20);
        assert_eq!(entries(&world).await.len(), before, "a look changes nothing");
        assert_eq!(retain(40, true).await, at_first + 20);
        let left = entries(&world).await;
        assert_eq!(left.iter().filter(|entry| entry.action == "daily").count(), 20);
        let told = left.iter().find(|entry| entry.action == "let_go" && entry.resource == "audit").expect("it is written down");
        assert_eq!(told.changes["entries"]["before"], at_first + 20);
        assert_eq!(faults(&world).await, Vec::<String>::new());
        audit::checkpoint(&world.souk, world.a.id).await.expect("a checkpoint");
        assert_eq!(faults(&world).await, Vec::<String>::new());
        assert_eq!(retain(40, true).await, 0);
        // A second time, further on.
        assert_eq!(retain(30, true).await, 10);
        assert_eq!(faults(&world).await, Vec::<String>::new());
        let db = world.raw().await;
        for table in ["audit_entries", "audit_links"] {
            let of = if world.is_postgres() { format!(" ON {table}") } else { String::new() };
            run(&db, &format!("DROP TRIGGER {table}_no_delete{of}")).await;
        }
        // Whoever drops more than was let go is found: the beginning is not where the witness has it.
        let ids = "SELECT id FROM audit_links WHERE {mine} AND number < (SELECT MIN(number) + 2 FROM audit_links WHERE {mine})";
        run(&db, &format!("DELETE FROM audit_values WHERE {{mine}} AND entry_id IN ({ids})")).await;
        run(&db, &format!("DELETE FROM audit_entries WHERE {{mine}} AND id IN ({ids})")).await;
        run(&db, &format!("DELETE FROM audit_links WHERE id IN ({ids})")).await;
        assert!(!faults(&world).await.is_empty(), "more was dropped than let go, and nobody noticed");
        db.close().await.expect("closed");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_past_their_time_go_and_the_others_stay() {
    for world in World::all().await {
        let client = &world.client;
        let now = client.login("alpha", "customer@alpha.test").await;
        clock::shifted(-60 * DAY, async {
            for _ in 0..3 {
                world.token_of(&world.a, world.a.customer.clone()).await;
            }
            let scope = world
                .souk
                .write(Tenant { actor: Actor::Customer(world.a.customer.id), ..Tenant::system(world.a.id) })
                .await
                .expect("a scope");
            souk::models::idempotency::claim(&scope, "somebody", "an-old-key", "x").await.expect("a key");
            scope.commit().await.expect("kept");
        })
        .await;
        let count = async |sql: &str| world.count(sql).await;
        let sessions = count("SELECT COUNT(*) FROM customer_sessions").await;
        let tokens = count("SELECT COUNT(*) FROM refresh_tokens").await;
        retain::run(&world.souk, None, true).await.expect("let go");
        assert_eq!(count("SELECT COUNT(*) FROM customer_sessions").await, sessions - 3);
        assert_eq!(count("SELECT COUNT(*) FROM refresh_tokens").await, tokens - 3);
        assert_eq!(count("SELECT COUNT(*) FROM idempotency_keys").await, 0);
        client.get(&now, "/api/auth/profile").await.expect(200);
        let told: BTreeSet<_> = entries(&world).await.into_iter().filter(|one| one.action == "let_go").map(|one| one.resource).collect();
        assert_eq!(told.into_iter().collect::<Vec<_>>(), ["idempotency_keys", "sessions"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_of_the_audit_reads_an_index() {
    const FILTERS: [(&str, &str); 5] =
        [("actor_id", "{id}"), ("resource", "resource7"), ("resource_id", "thing7"), ("action", "act7"), ("shop_id", "{id}")];
    for world in World::all().await {
        let db = world.raw().await;
        let company = world.a.id.to_string();
        if world.is_postgres() {
            // Without rows the planner has no reason to prefer one index to another.
            run(
                &db,
                &format!(
                    "INSERT INTO audit_entries (company_id, id, actor_id, shop_id, actor_role, action, resource, resource_id, request_id, \
                     salt, origin_hash, personal_hash, changes, created_at) \
                     SELECT '{company}', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '', 'act' || n, 'resource' || n, \
                     'thing' || n, '', '', '', '', '{{}}', 0 FROM generate_series(1, 5000) AS n"
                ),
            )
            .await;
            run(&db, "ANALYZE audit_entries").await;
        }
        for (column, value) in FILTERS {
            let value = value.replace("{id}", &company);
            // A thing is asked for by its kind and its id.
            let kind = if column == "resource_id" { "AND resource = 'resource7'" } else { "" };
            let sql = format!(
                "SELECT * FROM audit_entries WHERE company_id = '{company}' {kind} AND {column} = '{value}' \
                 AND id < 'ffffffff-ffff-7fff-8fff-ffffffffffff' ORDER BY id DESC LIMIT 51"
            );
            let plan = plan_of(&world, &db, &company, &sql).await;
            let is_read = if world.is_postgres() {
                // A kind of thing that is rare is found by itself, whichever thing it is.
                let by = if column == "resource_id" { "resource" } else { column };
                plan.iter().any(|line| line.contains("Index Cond") && line.contains(by))
            } else {
                plan.iter().any(|line| line.contains("USING INDEX") && line.contains(&format!("{column}=?")))
                    && !plan.iter().any(|line| line.contains("TEMP B-TREE"))
            };
            assert!(is_read, "{}: `{column}` is not read by its index:\n{}", world.souk.engine(), plan.join("\n"));
        }
        db.close().await.expect("closed");
        world.close().await;
    }
}

/// How the database would answer, asked by the shop's own role.
async fn plan_of(world: &World, db: &DatabaseConnection, company: &str, sql: &str) -> Vec<String> {
    if world.is_postgres() {
        let enter = format!("BEGIN; SELECT set_config('role', 'souk_app', true), set_config('app.company_id', '{company}', true)");
        db.execute_unprepared(&enter).await.expect("as the shop");
        // Most months are empty, and reading nothing is cheap however it is done.
        db.execute_unprepared("SET LOCAL enable_seqscan = off").await.expect("set");
        let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, format!("EXPLAIN {sql}"))).await.expect("a plan");
        db.execute_unprepared("ROLLBACK").await.expect("over");
        return rows.iter().map(|row| row.try_get_by_index(0).expect("a line")).collect();
    }
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"))).await.expect("a plan");
    rows.iter().map(|row| row.try_get("", "detail").expect("a line")).collect()
}
