//! Events that cannot be heard, and what is kept of the log.

use serde_json::json;
use souk::{
    clock,
    events::Event,
    models::jobs::{self, Narrowed},
    tenancy::Tenant,
    workers,
};
use uuid::Uuid;

use super::meddle;
use crate::support::{World, order, text};

/// An event about an order that nobody ever placed.
async fn nonsense(world: &World) -> Uuid {
    let nothing = Uuid::now_v7();
    let scope = world.souk.write(Tenant::system(world.b.id)).await.expect("a scope");
    scope.emit(Event::new("order.confirmed", ("order", nothing), None, json!({}))).await.expect("told");
    scope.commit().await.expect("kept");
    nothing
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_heard_holds_up_nobody_and_ends_as_a_dead_letter() {
    for world in World::all().await {
        nonsense(&world).await;
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        world.client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        workers::turn(&world.souk).await.expect("a turn");
        let told = world.client.get(&token, "/api/notifications").await.expect(200);
        let confirmed = told["data"].as_array().into_iter().flatten().filter(|one| one["template"] == "order_confirmed").count();
        assert_eq!(confirmed, 1, "those behind it are heard: {told}");

        for _ in 0..12 {
            meddle(&world, "UPDATE jobs SET run_at = 0 WHERE state = 'ready'").await;
            workers::turn(&world.souk).await.expect("a turn");
        }
        let platform = world.souk.platform("operations").await.expect("the platform");
        let dead = jobs::troubles(&platform, &Narrowed { is_dead: Some(true), ..Narrowed::default() }, None, 10).await.expect("a list");
        drop(platform);
        assert_eq!(dead.len(), 1);
        assert_eq!((dead[0].source(), dead[0].attempts, dead[0].company_id), ("notices", 12, world.b.id));
        let letters = "SELECT COUNT(*) FROM dead_letters WHERE source = 'notices' AND replayed_at IS NULL";
        assert_eq!(world.count(letters).await, 1);
        assert_eq!(world.count(&format!("SELECT COUNT(*) FROM outbox WHERE {}", id_is(&world, dead[0].subject()))).await, 1);

        let scope = world.souk.write(Tenant::system(world.b.id)).await.expect("a scope");
        jobs::replay(&scope, dead[0].id).await.expect("replayed");
        scope.commit().await.expect("kept");
        assert_eq!(world.count(letters).await, 0);
        workers::turn(&world.souk).await.expect("a turn");
        assert_eq!(world.count("SELECT attempts FROM jobs WHERE kind = 'log.redeliver'").await, 1, "it was told again");
        world.close().await;
    }
}

fn id_is(world: &World, id: Uuid) -> String {
    if world.is_postgres() { format!("id = '{id}'") } else { format!("id = x'{}'", id.simple()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_unit_are_heard_in_the_order_they_were_told() {
    for world in World::all().await {
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        let thing = Uuid::now_v7();
        for number in 0..300 {
            scope.emit(Event::new("thing.changed", ("thing", thing), None, json!({ "number": number }))).await.expect("told");
        }
        scope.commit().await.expect("kept");
        workers::turn(&world.souk).await.expect("a turn");
        let platform = world.souk.platform("verify").await.expect("the platform");
        let rows = platform.ask("SELECT data FROM outbox WHERE kind = 'thing.changed' ORDER BY position", vec![]).await.expect("rows");
        let numbers: Vec<i64> = rows
            .iter()
            .map(|row| row.try_get::<serde_json::Value>("", "data").expect("data")["number"].as_i64().expect("a number"))
            .collect();
        drop(platform);
        assert_eq!(numbers, (0..300).collect::<Vec<_>>(), "{}", world.souk.engine());
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_forgotten_after_a_month_and_nothing_else() {
    for world in World::all().await {
        nonsense(&world).await;
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        world.client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        scope.emit(Event::new("thing.changed", ("thing", Uuid::now_v7()), None, json!({}))).await.expect("told");
        scope.commit().await.expect("kept");
        for _ in 0..12 {
            workers::turn(&world.souk).await.expect("a turn");
            meddle(&world, "UPDATE jobs SET run_at = 0 WHERE state = 'ready'").await;
        }
        let (events, newest) = (world.count("SELECT COUNT(*) FROM outbox").await, world.count("SELECT MAX(position) FROM outbox").await);
        assert!(events > 3);
        let month = 31 * 86_400 * 1_000_000_i64;
        souk::clock::shifted(month, async {
            for _ in 0..3 {
                workers::turn(&world.souk).await.expect("a turn");
            }
        })
        .await;
        assert_eq!(world.count("SELECT COUNT(*) FROM jobs WHERE state = 'done'").await, 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM jobs WHERE state = 'dead'").await, 1, "a person has not looked at it yet");
        assert!(world.count("SELECT COUNT(*) FROM outbox").await < events);
        assert_eq!(world.count("SELECT COUNT(*) FROM outbox WHERE kind = 'order.confirmed'").await, 1, "the one of the dead letter");
        // Positions go on where they were, so that no listener misses what comes next.
        assert!(world.count("SELECT MAX(position) FROM outbox").await >= newest);
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        let placed = world.client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        workers::turn(&world.souk).await.expect("a turn");
        let told = world.client.get(&token, "/api/notifications").await.expect(200);
        assert_eq!(told["data"][0]["data"]["orderId"], text(&placed["orders"][0]["id"]), "{told}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aggregates_events_keep_their_order_whatever_the_clocks_say() {
    const HOUR: i64 = 3_600_000_000;
    for world in World::all().await {
        let thing = Uuid::now_v7();
        // The second process is an hour late, and the third one was set back.
        for (step, shift) in [(1, HOUR), (2, 0), (3, -HOUR), (4, 0)] {
            clock::shifted(shift, async {
                let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
                scope.emit(Event::new("inventory.updated", ("stock", thing), None, json!({ "step": step }))).await.expect("told");
                scope.commit().await.expect("kept");
            })
            .await;
        }
        workers::turn(&world.souk).await.expect("a turn");
        let platform = world.souk.platform("verify").await.expect("the platform");
        let ask = "SELECT data, seq FROM outbox WHERE kind = 'inventory.updated' AND aggregate_id = $1 ORDER BY position";
        let rows = platform.ask(ask, vec![thing.into()]).await.expect("the log");
        let told: Vec<serde_json::Value> = rows.iter().map(|row| row.try_get("", "data").expect("data")).collect();
        assert_eq!(told, [1, 2, 3, 4].map(|step| json!({ "step": step })), "{}", world.souk.engine());
        let numbers: Vec<i64> = rows.iter().map(|row| row.try_get("", "seq").expect("a number")).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        drop(platform);
        world.verify().await;
        world.close().await;
    }
}
