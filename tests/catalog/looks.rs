//! What customers look at is told, and a look costs no write.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use souk::workers;

use crate::support::World;

/// What the log tells of looks, oldest first: who looked, as what, and for how long.
async fn looks(world: &World) -> Vec<(Option<uuid::Uuid>, String, Value)> {
    let platform = world.souk.platform("verify").await.expect("the platform");
    let ask = "SELECT actor_id, actor_role, data FROM outbox WHERE kind = 'product.viewed' AND aggregate_id = $1 AND company_id = $2 ORDER BY seq";
    let rows = platform.ask(ask, vec![world.a.product.0.into(), world.a.id.0.into()]).await.expect("events");
    let read = |row: &sea_orm::QueryResult| {
        (row.try_get("", "actor_id").expect("who"), row.try_get("", "actor_role").expect("a role"), row.try_get("", "data").expect("data"))
    };
    rows.iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_customers_look_at_is_told_soon() {
    for world in World::all().await {
        let client = &world.client;
        let path = format!("/api/products/{}", world.a.product);
        let customer = world.token_of(&world.a, world.a.customer.clone()).await;
        let neighbour = world.token_of(&world.b, world.b.customer.clone()).await;
        let admin = world.staff(&world.a, "admin").await;

        client.get(&customer, &path).await.expect(200);
        client.call("GET", &path, None, Some("alpha"), None, &[]).await.expect(200);
        client.call("POST", &format!("{path}/views"), None, Some("alpha"), Some(&json!({ "duration": 42 })), &[]).await.expect(204);
        // The company's own people look for other reasons, and what is not there is not looked at.
        client.get(&admin, &path).await.expect(200);
        client.post(&admin, &format!("{path}/views"), &json!({ "duration": 42 })).await.expect(204);
        client.get(&neighbour, &path).await.refused(404, "not_found");
        client.post(&neighbour, &format!("{path}/views"), &json!({ "duration": 1 })).await.refused(404, "not_found");
        client.post(&customer, &format!("{path}/views"), &json!({ "duration": 86_401 })).await.wrong("too_large");
        client.post(&customer, &format!("{path}/views"), &json!({})).await.wrong("required");
        assert!(looks(&world).await.is_empty(), "a read has written");

        workers::turn(&world.souk).await.expect("a turn");
        let told = looks(&world).await;
        let nobody = |duration: Value| (None, "public".to_owned(), json!({ "duration": duration }));
        let own = (Some(world.a.customer.id.0), "customer".to_owned(), json!({ "duration": null }));
        assert_eq!(told, [own, nobody(Value::Null), nobody(json!(42))]);
        workers::turn(&world.souk).await.expect("a turn");
        assert_eq!(looks(&world).await.len(), told.len(), "told once");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_company_cannot_write_takes_no_other_along() {
    for world in World::all().await {
        let client = &world.client;
        let db = world.raw().await;
        // What the company that is written first tells of looks is refused.
        let first = if world.is_postgres() { format!("'{}'", world.a.id) } else { format!("X'{}'", world.a.id.0.simple()) };
        let refuse = if world.is_postgres() {
            vec![
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$".to_owned(),
                format!(
                    "CREATE TRIGGER refuse BEFORE INSERT ON outbox FOR EACH ROW WHEN (new.kind = 'product.viewed' AND new.company_id = {first}) EXECUTE FUNCTION refuse()"
                ),
            ]
        } else {
            vec![format!(
                "CREATE TRIGGER refuse BEFORE INSERT ON outbox WHEN new.kind = 'product.viewed' AND new.company_id = {first} BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )]
        };
        for sql in refuse {
            db.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        let customer = world.token_of(&world.a, world.a.customer.clone()).await;
        let neighbour = world.token_of(&world.b, world.b.customer.clone()).await;
        client.get(&neighbour, &format!("/api/products/{}", world.b.product)).await.expect(200);
        client.get(&customer, &format!("/api/products/{}", world.a.product)).await.expect(200);
        workers::turn(&world.souk).await.expect("a turn");
        let told = world.count("SELECT COUNT(*) FROM outbox WHERE kind = 'product.viewed'").await;
        assert_eq!((told, looks(&world).await.len()), (1, 0), "what one company could not write took the neighbour's along");
        db.execute_unprepared(if world.is_postgres() { "DROP TRIGGER refuse ON outbox" } else { "DROP TRIGGER refuse" })
            .await
            .expect("allowed again");
        db.close().await.expect("closed");
        world.verify().await;
        world.close().await;
    }
}
