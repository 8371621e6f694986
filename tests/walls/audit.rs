//! Whoever holds the database can change the audit, and cannot hide it.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use souk::{models::audit, tenancy::Tenant};

use crate::support::World;

const MINE: &str = "company_id = (SELECT id FROM companies WHERE slug = 'alpha')";

/// Runs one statement; `{mine}` narrows it to company A.
async fn run(db: &DatabaseConnection, sql: &str) {
    let sql = sql.replace("{mine}", MINE);
    db.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn seal(world: &World) {
    while audit::seal(&world.souk, world.a.id).await.expect("sealed") > 0 {}
}

async fn faults(world: &World) -> Vec<String> {
    let scope = world.souk.read(Tenant::system(world.a.id)).await.expect("a scope");
    audit::verify(&scope).await.expect("a look").faults
}

#[tokio::test(flavor = "multi_thread")]
async fn tampering_with_the_audit_is_found() {
    let edit = "UPDATE audit_entries SET actor_name = 'somebody else' WHERE {mine} \
                AND id = (SELECT id FROM audit_links WHERE {mine} AND number = 2)";
    let last_ten = "(SELECT MAX(number) - 10 FROM kept_links WHERE {mine})";
    let drop_entries =
        format!("DELETE FROM audit_entries WHERE {{mine}} AND id IN (SELECT id FROM audit_links WHERE {{mine}} AND number > {last_ten})");
    let drop_links = format!("DELETE FROM audit_links WHERE {{mine}} AND number > {last_ten}");
    let ways: [(&str, &[&str]); 5] = [
        ("an entry is edited", &[edit]),
        (
            "an entry in the middle is deleted",
            &["DELETE FROM audit_entries WHERE {mine} AND id = (SELECT id FROM audit_links WHERE {mine} AND number = 3)"],
        ),
        ("the last ten are dropped with their links", &[drop_entries.as_str(), drop_links.as_str()]),
        (
            "two are put into another order",
            &[
                "UPDATE audit_links SET number = -2 WHERE {mine} AND number = 2",
                "UPDATE audit_links SET number = 2 WHERE {mine} AND number = 3",
                "UPDATE audit_links SET number = 3 WHERE {mine} AND number = -2",
            ],
        ),
        ("an entry is edited and the whole chain is made anew", &[edit, "DELETE FROM audit_links WHERE {mine}"]),
    ];
    for world in World::all().await {
        for number in 0..12 {
            world.customer(&world.a, &format!("witness{number}@alpha.test")).await;
        }
        seal(&world).await;
        audit::checkpoint(&world.souk, world.a.id).await.expect("a checkpoint");
        assert_eq!(faults(&world).await, Vec::<String>::new());

        let db = world.raw().await;
        for sql in ["UPDATE audit_entries SET actor_name = ''", "DELETE FROM audit_entries", "DELETE FROM audit_links"] {
            assert!(db.execute_unprepared(sql).await.is_err(), "{sql} went through");
        }
        for table in ["audit_entries", "audit_links"] {
            for verb in ["update", "delete"] {
                let of = if world.is_postgres() { format!(" ON {table}") } else { String::new() };
                run(&db, &format!("DROP TRIGGER {table}_no_{verb}{of}")).await;
            }
        }
        run(&db, "CREATE TABLE kept_entries AS SELECT * FROM audit_entries").await;
        run(&db, "CREATE TABLE kept_links AS SELECT * FROM audit_links").await;
        for (way, statements) in &ways {
            for sql in *statements {
                run(&db, sql).await;
            }
            seal(&world).await;
            assert!(!faults(&world).await.is_empty(), "{}: {way}, and nobody noticed", world.souk.engine());
            for (table, kept) in [("audit_links", "kept_links"), ("audit_entries", "kept_entries")] {
                run(&db, &format!("DELETE FROM {table}")).await;
                run(&db, &format!("INSERT INTO {table} SELECT * FROM {kept}")).await;
            }
            assert_eq!(faults(&world).await, Vec::<String>::new(), "{way}: not restored");
        }
        run(&db, "DROP TABLE kept_entries").await;
        run(&db, "DROP TABLE kept_links").await;
        db.close().await.expect("closed");
        world.verify().await;
        world.close().await;
    }
}
