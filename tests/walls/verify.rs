//! `souk task verify` finds what is broken on purpose, asks about one company alone when told so, and
//! only looks.

use std::{fs, process::Command, time::Duration};

use sea_orm::ConnectionTrait;
use serde_json::json;
use souk::{
    clock,
    models::{health, verify},
};

use crate::support::{World, database, order, text};

const HOUR: i64 = 3_600_000_000;

/// The promises that do not hold, of one company or of everything.
async fn broken(world: &World, only: Option<&str>) -> Vec<String> {
    let faults = verify::all(&world.souk, only).await.expect("the invariants were asked");
    faults.into_iter().map(|fault| fault.invariant).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_in_a_company_is_found_there_and_nowhere_else() {
    for world in World::all().await {
        let (a, client) = (&world.a, &world.client);
        for company in [&world.a, &world.b] {
            let token = world.token_of(company, company.customer.clone()).await;
            client.post(&token, "/api/orders", &order(company, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        }
        world.verify().await;
        let token = world.token_of(a, a.customer.clone()).await;
        let paid = client.post(&token, "/api/orders", &order(a, 2, 1, "test", Some("tok_ok"))).await.expect(201);
        let path = format!("/api/orders/{}/cancel", text(&paid["orders"][0]["id"]));
        client.post(&token, &path, &json!({ "reason": "changed my mind" })).await.expect(200);
        let unpaid = client.post(&token, "/api/orders", &order(a, 1, 1, "test", None)).await.expect(201);
        assert_eq!(text(&unpaid["orders"][0]["status"]), "pending");
        assert_eq!(broken(&world, None).await, [""; 0], "nothing is broken yet, though nobody has worked at the refund");

        let db = world.raw().await;
        let long_ago = clock::now().micros() - HOUR / 2;
        for sql in [
            "UPDATE holds SET state = 'paying' WHERE state = 'held'".to_owned(),
            format!("UPDATE jobs SET run_at = {long_ago} WHERE state = 'ready'"),
            "UPDATE orders SET payment_id = (SELECT p.id FROM payments p JOIN companies c ON c.id = p.company_id WHERE c.slug = 'beta') \
             WHERE status = 'pending' AND company_id = (SELECT id FROM companies WHERE slug = 'alpha')"
                .to_owned(),
        ] {
            assert!(db.execute_unprepared(&sql).await.expect("broken").rows_affected() > 0, "{sql}");
        }
        db.close().await.expect("closed");
        let (job, hold) =
            ("no job is left lying while somebody is there to do it", "what a hold pays for is being paid, and not for too long");
        let payment = "payment_id of orders names a row of the same company";
        let found = broken(&world, Some("alpha")).await;
        assert!(!found.iter().any(|one| one == job), "nobody is there to do it: {found:?}");
        // A worker that has been there for an hour, and is there now.
        clock::shifted(-HOUR, health::beat(&world.souk, true)).await.expect("a sign of life");
        health::beat(&world.souk, true).await.expect("a sign of life");
        for only in [None, Some("alpha")] {
            let found = broken(&world, only).await;
            for expected in [job, hold, payment] {
                assert!(found.iter().any(|one| one == expected), "{}, {only:?}: `{expected}` is not in {found:?}", world.souk.engine());
            }
        }
        assert_eq!(broken(&world, Some("beta")).await, [""; 0], "{}: the neighbour is as they were", world.souk.engine());
        let unknown = verify::all(&world.souk, Some("nobody")).await.expect_err("a company that is not there");
        assert_eq!(unknown.code(), "company_unknown");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_points_at_nothing_is_found() {
    for world in World::all().await {
        if !world.is_postgres() {
            let token = world.customer(&world.a, "lost@alpha.test").await;
            world.client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
            world.verify().await;
            let db = world.raw().await;
            db.execute_unprepared("PRAGMA foreign_keys = OFF").await.expect("off");
            db.execute_unprepared("DELETE FROM payments").await.expect("gone");
            db.close().await.expect("closed");
            let faults = verify::all(&world.souk, None).await.expect("the invariants were asked");
            let mut rows = faults.iter().filter(|fault| fault.invariant == "no row points at nothing");
            assert!(rows.any(|fault| fault.row.starts_with("payment_attempts ") && fault.row.ends_with(" payments")), "{faults:#?}");
        }
        world.close().await;
    }
}

#[test]
fn looking_makes_nothing_and_knows_its_words() {
    let folder = database::temporary();
    let ask = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
        command.env_clear().current_dir(&folder).env("LOCO_ENV", "test").env("SOUK_DATA_DIR", folder.join("data")).args(words);
        let done = command.output().expect("the task runs");
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let (is_well, said) = ask(&["task", "verify"]);
    assert!(!is_well && said.contains("there is no database at"), "{said}");
    assert!(!folder.join("data").exists(), "looking has made a folder");

    assert!(ask(&["db", "migrate"]).0);
    let file = folder.join("data/souk.sqlite");
    let before = fs::read(&file).expect("the database");
    std::thread::sleep(Duration::from_millis(20));
    let (is_well, said) = ask(&["task", "verify"]);
    assert!(is_well, "{said}");
    assert!(before == fs::read(&file).expect("the database"), "looking has changed the database");
    let (is_well, said) = ask(&["task", "verify", "company:nobody"]);
    assert!(!is_well && said.contains("there is no company `nobody`"), "{said}");
    assert!(!ask(&["task", "verify", "nobody"]).0, "a word that means nothing is refused");
    fs::remove_dir_all(&folder).expect("tidied");
}
