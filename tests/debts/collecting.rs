//! What is not paid is asked for, step by step, on the company's own calendar.

use serde_json::{Value, json};
use souk::{clock, models::debts};

use super::{DAY, Root, day, day_of, today};
use crate::support::{World, order};

/// How many of a company's rows there are.
async fn count(world: &World, question: &str) -> i64 {
    let platform = world.souk.platform("verify").await.expect("the platform");
    let company = format!("(SELECT id FROM companies WHERE slug = '{}')", world.a.slug);
    let ask = format!("SELECT COUNT(*) AS n FROM {question} AND company_id = {company}");
    platform.ask(&ask, vec![]).await.expect("a count")[0].try_get("", "n").expect("a number")
}

async fn letters(world: &World) -> i64 {
    count(world, "outbox WHERE kind = 'notification.requested'").await
}

async fn told(world: &World, kind: &str) -> i64 {
    count(world, &format!("outbox WHERE kind = '{kind}'")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_debt_is_reminded_noticed_limited_suspended_and_lifted_by_its_payment() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let admin = world.staff(&world.a, "admin").await;
        let customer = world.token_of(&world.a, world.a.customer.clone()).await;
        let id = root.raise(&world.a, 1_000, &day(7)).await;
        let open_shop = async |slug: &str| world.client.post(&admin, "/api/shops", &json!({ "slug": slug, "name": "Another" })).await;
        let place = async || world.client.post(&customer, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await;

        for (offset, letter, status) in [(-1, 0, "pending"), (0, 1, "pending"), (6, 2, "pending"), (7, 3, "pending"), (8, 4, "overdue")] {
            day_of(&world, &world.a, offset).await;
            assert_eq!(letters(&world).await, letter, "day {offset}");
            // Read by rows: the answer itself knows no other day than today.
            assert_eq!(count(&world, &format!("debts WHERE status = '{status}'")).await, 1, "day {offset}");
        }
        assert_eq!((told(&world, "debt.payment_due").await, told(&world, "debt.overdue").await), (3, 1));
        day_of(&world, &world.a, 10).await;
        assert_eq!((letters(&world).await, root.standing(&world.a).await.as_str()), (5, "good"));
        open_shop("second").await.expect(201);

        day_of(&world, &world.a, 14).await;
        assert_eq!((letters(&world).await, root.standing(&world.a).await.as_str()), (6, "limited"));
        let refused = open_shop("third").await.refused(409, "plan_limit");
        assert_eq!(
            (refused["what"].as_str(), refused["current"].as_i64(), refused["isOverdue"].as_bool()),
            (Some("shops"), Some(2), Some(true))
        );
        place().await.expect(201);

        day_of(&world, &world.a, 21).await;
        assert_eq!((letters(&world).await, root.standing(&world.a).await.as_str()), (7, "lapsed"));
        place().await.refused(403, "subscription_lapsed");
        open_shop("third").await.refused(403, "subscription_lapsed");
        let line = json!({ "variantId": world.a.variants[0], "shopId": world.a.shop, "quantity": 1 });
        world.client.call("POST", "/api/cart/items", None, Some("alpha"), Some(&line), &[]).await.refused(403, "subscription_lapsed");
        let newcomer = json!({ "email": "new@alpha.test", "password": "a-test-of-words-43", "name": "New" });
        world
            .client
            .call("POST", "/api/auth/register", None, Some("alpha"), Some(&newcomer), &[])
            .await
            .refused(403, "subscription_lapsed");
        world.client.get(&customer, "/api/orders").await.expect(200);
        assert_eq!(world.client.get(&admin, &format!("/api/debts/{id}")).await.expect(200)["stage"], "suspension");
        // The neighbour owes nothing.
        let theirs = world.token_of(&world.b, world.b.customer.clone()).await;
        world.client.post(&theirs, "/api/orders", &order(&world.b, 0, 1, "test", Some("tok_ok"))).await.expect(201);

        let pay = json!({ "amount": 1_000, "method": "bank_transfer" });
        let paid = world.client.post(&admin, &format!("/api/debts/{id}/payment"), &pay).await.expect(201);
        assert_eq!((root.standing(&world.a).await.as_str(), told(&world, "debt.paid").await), ("good", 1));
        assert_eq!(letters(&world).await, 8, "that all is open again is told");
        place().await.expect(201);
        open_shop("third").await.expect(201);

        // The money did not come after all: what its payment had lifted is in force again.
        let back = json!({ "paymentId": paid["payment"]["id"], "reason": "the transfer was returned" });
        root.post(&format!("/api/debts/{id}/reversal"), &back).await.expect(200);
        root.post(&format!("/api/debts/{id}/write-off"), &json!({ "reason": "settled out of court" })).await.expect(200);
        assert_eq!(root.standing(&world.a).await, "good");
        assert_eq!(letters(&world).await, 8, "today nothing of it is late yet");
        day_of(&world, &world.a, 40).await;
        assert_eq!(letters(&world).await, 8, "a closed debt is not asked for");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn late_steps_are_caught_up_once_and_told_in_one_letter() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        for amount in [100, 200, 300] {
            root.raise(&world.a, amount, &day(0)).await;
        }
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (souk, company) = (world.souk.clone(), world.a.id);
            rivals.spawn(clock::shifted(20 * DAY, async move { debts::day(&souk, company).await }));
        }
        while let Some(done) = rivals.join_next().await {
            done.expect("a rival").expect("a day");
        }
        assert_eq!(count(&world, "debt_steps WHERE 1 = 1").await, 21, "seven steps of three debts");
        assert_eq!(count(&world, "debt_steps WHERE is_told").await, 3);
        assert_eq!(letters(&world).await, 1, "one admin, one letter");
        assert_eq!(told(&world, "debt.overdue").await, 3);
        assert_eq!(root.standing(&world.a).await, "lapsed");
        // The clock goes back, and forward again: nothing is done twice.
        for offset in [0, 5, 20, 21] {
            day_of(&world, &world.a, offset).await;
        }
        assert_eq!((count(&world, "debt_steps WHERE 1 = 1").await, letters(&world).await), (21, 1));
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_begins_at_midnight_of_the_companys_zone() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let due = today() + chrono::Days::new(1);
        root.raise(&world.a, 1_000, &due.to_string()).await;
        // Midnight in Kolkata is half past six in the evening before, in UTC.
        let midnight = (due + chrono::Days::new(1)).and_hms_opt(0, 0, 0).expect("midnight").and_utc().timestamp_micros() - 19_800_000_000;
        let minute = 60_000_000;
        for (moment, overdue) in [(midnight - minute, 0), (midnight + minute, 1)] {
            let shift = moment - clock::now().micros();
            clock::shifted(shift, debts::day(&world.souk, world.a.id)).await.expect("a day");
            assert_eq!(count(&world, "debts WHERE status = 'overdue'").await, overdue, "{moment}");
        }
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_puts_consequences_off_and_is_seen_kept_or_broken() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let id = root.raise(&world.a, 1_000, &day(-20)).await;
        day_of(&world, &world.a, 0).await;
        assert_eq!(root.standing(&world.a).await, "lapsed");
        let notes = format!("/api/debts/{id}/notes");
        root.post(&notes, &json!({ "text": "soon", "promisedDate": day(91) })).await.wrong("out_of_range");
        root.post(&notes, &json!({ "text": "soon", "promisedDate": day(5), "promisedAmount": 1_001 })).await.wrong("out_of_range");
        root.post(&notes, &json!({ "text": "called, nobody answered" })).await.expect(201);
        assert_eq!(root.standing(&world.a).await, "lapsed", "a note promises nothing");
        let promise = json!({ "text": "pays on Friday", "promisedDate": day(5), "promisedAmount": 400 });
        assert_eq!(root.post(&notes, &promise).await.expect(201)["promise"], "open");
        assert_eq!(root.standing(&world.a).await, "good");
        day_of(&world, &world.a, 5).await;
        assert_eq!(root.standing(&world.a).await, "good", "on its last day");
        day_of(&world, &world.a, 6).await;
        assert_eq!(root.standing(&world.a).await, "lapsed");
        let promises =
            |debt: &Value| -> Vec<Value> { debt["notes"].as_array().expect("notes").iter().map(|one| one["promise"].clone()).collect() };
        assert_eq!(promises(&root.debt(&id).await), [json!("broken"), Value::Null]);

        root.post(&notes, &promise).await.expect(201);
        let pay = root.post(&format!("/api/debts/{id}/payment"), &json!({ "amount": 400, "method": "upi" })).await.expect(201);
        assert_eq!(promises(&pay), [json!("kept"), json!("broken"), Value::Null]);
        assert_eq!(root.standing(&world.a).await, "good");
        let back = json!({ "paymentId": pay["payment"]["id"], "reason": "bounced" });
        assert_eq!(promises(&root.post(&format!("/api/debts/{id}/reversal"), &back).await.expect(200))[0], "open");
        let admin = world.staff(&world.a, "admin").await;
        world.client.post(&admin, &notes, &promise).await.refused(403, "forbidden");
        root.post(&format!("/api/debts/{id}/payment"), &json!({ "amount": 1_000, "method": "upi" })).await.expect(201);
        world.verify().await;
        world.close().await;
    }
}
