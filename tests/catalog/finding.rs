//! Filters, sorts, pages and search.

use serde_json::{Value, json};
use souk::{clock, models::orders, workers};

use super::{make, names, new_product};
use crate::support::{World, order, text};

/// Three products beside those of every world: `goods` (3 variants, in stock) and `more` (none).
async fn fill(world: &World, admin: &str) -> Vec<String> {
    let client = &world.client;
    let mut ids = Vec::new();
    for (name, sku, price, attributes, description) in [
        ("Red kettle", "KET", 5_000, json!({ "colour": "Red", "volume": "1.5 l" }), "Boils water."),
        ("Green kettle", "KETG", 7_000, json!({ "colour": "Green" }), "Boils water for red tea."),
        ("Tea", "TEA", 300, json!({}), "For a kettle."),
    ] {
        let mut new = new_product(name, sku, price);
        new["variants"][0]["attributes"] = attributes;
        new["description"] = json!(description);
        ids.push(make(client, admin, &new).await);
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_narrowed_sorted_and_counted() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let ids = fill(&world, &admin).await;
        let list = async |query: &str| client.get(&admin, &format!("/api/products?{query}")).await.expect(200);
        assert_eq!(names(&list("attr.colour=red").await), ["Red kettle"]);
        assert_eq!(names(&list("attr.Colour=RED&attr.volume=1.5%20l").await), ["Red kettle"]);
        assert!(names(&list("attr.colour=red&attr.volume=2%20l").await).is_empty());
        assert_eq!(names(&list("minPrice=5000&maxPrice=7000&sort=-price").await), ["Green kettle", "Red kettle"]);
        assert_eq!(names(&list("sort=price&limit=2").await), ["Tea", "MARKERA more"]);
        assert_eq!(names(&list("inStock=true").await), ["MARKERA goods"]);
        assert_eq!(names(&list(&format!("inStock=true&shopId={}", world.a.shop)).await), ["MARKERA goods"]);
        assert_eq!(names(&list("sort=name&limit=3").await), ["Green kettle", "MARKERA goods", "MARKERA more"]);
        assert!(names(&list("rating=4.5").await).is_empty());
        let counted = list("total=true&limit=2").await;
        assert_eq!((&counted["page"]["total"], &counted["page"]["totalIsLowerBound"]), (&json!(5), &json!(false)));
        assert_eq!(list("q=kettle&total=true").await["page"]["total"], 3);

        // The name counts more than the description, and all words must be there.
        assert_eq!(names(&list("q=red").await), ["Red kettle", "Green kettle"]);
        assert_eq!(names(&list("q=kettle+wat").await).len(), 2);
        assert_eq!(names(&list("q=KETG").await), ["Green kettle"]);
        assert_eq!(names(&client.get(&admin, "/api/products/suggest?q=gre").await.expect(200)), ["Green kettle"]);

        let facets = list("q=kettle&facets=true").await["facets"].clone();
        assert_eq!(facets["attributes"]["colour"], json!([{ "value": "Green", "count": 1 }, { "value": "Red", "count": 1 }]), "{facets}");
        assert_eq!(facets["price"], json!({ "min": 300, "max": 7_000 }));

        // A draft is for those who write it.
        let path = format!("/api/products/{}", ids[0]);
        client.call("PUT", &path, Some(&admin), None, Some(&json!({ "isActive": false })), &[]).await.expect(200);
        let customer = world.customer(&world.a, "looker@alpha.test").await;
        client.get(&customer, &path).await.refused(404, "not_found");
        client.get(&customer, "/api/products?status=inactive").await.refused(403, "forbidden");
        assert_eq!(names(&list("status=inactive").await), ["Red kettle"]);
        assert_eq!(names(&list("status=all&q=red").await), ["Red kettle", "Green kettle"]);
        client.get(&admin, &path).await.expect(200);

        for (query, field, code) in [
            ("sort=colour", "sort", "unknown"),
            ("sort=relevance", "sort", "needs_words"),
            ("rating=6", "rating", "invalid"),
            ("rating=", "rating", "invalid"),
            ("status=gone", "status", "unknown"),
            ("colour=red", "colour", "unknown_field"),
            ("attr.colour=", "attr.colour", "invalid"),
            ("minPrice=9&maxPrice=8", "maxPrice", "too_small"),
            ("limit=0", "limit", "out_of_range"),
        ] {
            let problem = client.get(&admin, &format!("/api/products?{query}")).await.refused(422, "invalid_input");
            assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["code"]), (&json!(field), &json!(code)), "{query}");
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sort_pages_without_loss_or_repetition() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        for number in 0..17 {
            make(client, &admin, &new_product(&format!("Item {}", number % 5), &format!("ITEM-{number}"), 100 * (number % 3))).await;
        }
        for sort in ["newest", "price", "-price", "popularity", "rating", "name", "relevance"] {
            let words = if sort == "relevance" { "&q=item" } else { "" };
            let mut seen: Vec<String> = Vec::new();
            let mut cursor = String::new();
            loop {
                let page = client.get(&admin, &format!("/api/products?sort={sort}{words}&limit=4{cursor}")).await.expect(200);
                seen.extend(page["data"].as_array().expect("a list").iter().map(|one| text(&one["id"])));
                match &page["page"]["next"] {
                    Value::String(next) => cursor = format!("&cursor={next}"),
                    _ => break,
                }
                if seen.len() < 6 && cursor.len() > 10 {
                    let other = client.get(&admin, &format!("/api/products?sort=newest&inStock=true{cursor}")).await;
                    assert!(sort == "newest" || other.status == 422, "a cursor of one list opened another");
                }
            }
            let all = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!((all, seen.len()), if sort == "relevance" { (17, 17) } else { (19, 19) }, "{sort}");
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_are_as_popular_as_the_orders_of_the_last_thirty_days_that_were_not_called_off() {
    for world in World::all().await {
        let client = &world.client;
        let top = async || {
            let list = client.call("GET", "/api/products?sort=popularity&limit=1", None, Some("alpha"), None, &[]).await.expect(200);
            text(&list["data"][0]["slug"])
        };
        let figure = async |slug: &str| world.count(&format!("SELECT popularity FROM products WHERE slug = '{slug}'")).await;
        // The newest stands first among those that nobody bought.
        assert_eq!((top().await.as_str(), figure("alpha").await), ("alpha-more", 0));
        for (number, pieces) in [(0, 1), (1, 7), (2, 1)] {
            let buyer = world.customer(&world.a, &format!("buyer{number}@alpha.test")).await;
            let placed = client.post(&buyer, "/api/orders", &order(&world.a, 0, pieces, "test", Some("tok_ok"))).await.expect(201);
            if number == 2 {
                let id = text(&placed["orders"][0]["id"]);
                client.post(&buyer, &format!("/api/orders/{id}/cancel"), &json!({ "reason": "too much" })).await.expect(200);
            }
        }
        let version = world.count("SELECT version FROM products WHERE slug = 'alpha'").await;
        workers::turn(&world.souk).await.expect("a turn");
        assert_eq!((figure("alpha").await, figure("alpha-more").await, figure("beta").await), (2, 0, 0), "orders, not pieces");
        assert_eq!(top().await, "alpha");
        assert_eq!(world.count("SELECT version FROM products WHERE slug = 'alpha'").await, version, "nobody changed it");
        // What is over is forgotten.
        let month = 31 * 24 * 3_600 * 1_000_000;
        clock::shifted(month, orders::count_popularity(&world.souk, world.a.id)).await.expect("counted");
        assert_eq!(figure("alpha").await, 0);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn search_follows_a_rename() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let id =
            make(client, &admin, &json!({ "name": "Old lamp", "tags": ["light"], "variants": [{ "sku": "LAMP-1", "price": 1 }] })).await;
        let search = async |words: &str| names(&client.get(&admin, &format!("/api/products?q={words}")).await.expect(200));
        assert_eq!(search("lamp-1").await, ["Old lamp"]);
        let path = format!("/api/products/{id}");
        let change = json!({ "name": "New torch", "tags": [], "translations": { "hi": { "name": "टॉर्च" } } });
        client.call("PUT", &path, Some(&admin), None, Some(&change), &[]).await.expect(200);
        assert_eq!(search("torch").await, ["New torch"]);
        assert_eq!(search("%E0%A4%9F%E0%A5%89%E0%A4%B0").await, ["New torch"]);
        assert!(search("old").await.is_empty());
        assert!(search("light").await.is_empty());
        let product = client.get(&admin, &path).await.expect(200);
        let variant = text(&product["variants"][0]["id"]);
        let sku = json!({ "sku": "TORCH-9", "barcode": "99887766" });
        client.call("PUT", &format!("{path}/variants/{variant}"), Some(&admin), None, Some(&sku), &[]).await.expect(200);
        assert!(search("lamp").await.is_empty());
        assert_eq!(search("9988").await, ["New torch"]);
        let neighbour = world.staff(&world.b, "admin").await;
        assert!(names(&client.get(&neighbour, "/api/products?q=torch").await.expect(200)).is_empty());
        client.get(&neighbour, &path).await.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}
