//! P5: the books balance, whatever becomes of ten thousand orders.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;

use crate::support::{STOCK, World, order, say, text};

const ORDERS: usize = 10_000;
/// So many orders of each customer; a token is good for a quarter of an hour.
const OF_ONE: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "minutes long"]
async fn ten_thousand_random_histories() {
    let seed: u64 = rand::random();
    for world in World::all().await {
        let mut dice = StdRng::seed_from_u64(seed);
        let client = &world.client;
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        for turn in 0..ORDERS / OF_ONE {
            let token = world.customer(&world.a, &format!("history{turn}@alpha.test")).await;
            let manager = world.staff(&world.a, "manager").await;
            for index in [0, 1] {
                let more = json!({ "locationId": world.a.location, "quantity": OF_ONE * 3, "operation": "add", "reason": "a delivery" });
                let path = format!("/api/inventory/{}", world.a.variants[index]);
                client.patch(&manager, &path, &more).await.expect(200);
            }
            for _ in 0..OF_ONE {
                let (gateway, method) = if dice.random_range(0..3) == 0 { ("cod", None) } else { ("test", Some("tok_ok")) };
                let body = order(&world.a, dice.random_range(0..2), dice.random_range(1..=3), gateway, method);
                let made = client.post(&token, "/api/orders", &body).await.expect(201)["orders"][0].clone();
                let path = format!("/api/orders/{}", text(&made["id"]));
                let mut now = made;
                for _ in 0..dice.random_range(0..7) {
                    let line = &now["items"][0];
                    let left = line["quantity"].as_i64().zip(line["quantityCancelled"].as_i64()).map(|(all, gone)| all - gone);
                    let next = match now["status"].as_str().expect("a status") {
                        "confirmed" | "processing" | "packed" if dice.random_range(0..8) == 0 => {
                            let one = (left > Some(1)).then(|| json!([{ "id": line["id"], "quantity": 1 }]));
                            let why = json!({ "reason": "as it may be", "items": one });
                            now = client.post(&manager, &format!("{path}/cancel"), &why).await.expect(200);
                            continue;
                        }
                        "confirmed" => "processing",
                        "processing" => "packed",
                        "packed" => "shipped",
                        "shipped" if dice.random_range(0..4) == 0 => "returned",
                        "shipped" => "delivered",
                        "delivered" => "completed",
                        _ => break,
                    };
                    now = client
                        .patch(&manager, &format!("{path}/status"), &json!({ "status": next, "note": "as it may be" }))
                        .await
                        .expect(200);
                }
                let end = format!("{} {}", text(&now["status"]), text(&now["paymentStatus"]));
                *ends.entry(end).or_default() += 1;
            }
            if turn % 10 == 9 {
                world.verify().await;
            }
        }
        world.verify().await;
        let added = i64::try_from(ORDERS * 3).expect("few");
        let gone = "SELECT CAST(SUM(quantity - quantity_cancelled - quantity_returned) AS BIGINT) FROM order_items";
        let on_hand = world.stock(&world.a, 0).await.0 + world.stock(&world.a, 1).await.0;
        assert_eq!(on_hand, STOCK[0] + STOCK[1] + 2 * added - world.count(gone).await);
        let balance = "SELECT CAST(SUM(debit) - SUM(credit) AS BIGINT) FROM ledger_entries";
        assert_eq!(world.count(balance).await, 0);
        say(format_args!("P5 {}: seed {seed}, {ends:?}", world.souk.engine()));
        world.close().await;
    }
}
