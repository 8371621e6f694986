//! A product is made, changed and archived, by those who may.

use serde_json::json;

use super::{make, new_product};
use crate::support::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_company_writes_its_catalogue() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let brand = text(&client.post(&admin, "/api/brands", &json!({ "name": "Nuvora" })).await.expect(201)["id"]);
        let category = text(&client.post(&admin, "/api/categories", &json!({ "name": "Phones" })).await.expect(201)["id"]);
        let new = json!({
            "name": "Nuvora N5 5G", "description": "A phone.", "brandId": brand, "categoryId": category, "tags": ["5g"],
            "translations": { "hi": { "name": "नुवोरा" } }, "facts": { "origin": "India", "organic": false, "taxCode": "85171300" },
            "variants": [
                { "sku": "N5-128", "barcode": "8906120010108", "name": "Black", "attributes": { "colour": "Black" }, "price": 1_599_900,
                  "compareAtPrice": 1_899_900, "cost": 1_252_000 },
                { "sku": "N5-256", "name": "Blue", "attributes": { "colour": "Sky Blue" }, "price": 1_799_900, "soldBy": "unit" },
            ],
        });
        let made = client.post(&admin, "/api/products", &new).await.expect(201);
        assert_eq!((&made["slug"], &made["priceFrom"], &made["version"]), (&json!("nuvora-n5-5g"), &json!(1_599_900), &json!(1)));
        assert_eq!((&made["brand"]["slug"], &made["category"]["name"]), (&json!("nuvora"), &json!("Phones")));
        assert_eq!(made["facts"], json!({ "origin": "India", "organic": false, "taxCode": "85171300" }));
        assert_eq!(made["variants"][0]["cost"], 1_252_000);
        let id = text(&made["id"]);
        let path = format!("/api/products/{id}");

        // What the company pays is nobody else's business, in the list and in the detail.
        let customer = world.customer(&world.a, "buyer@alpha.test").await;
        for seen in [client.get(&customer, &path).await.expect(200), client.get(&customer, "/api/products?q=nuvora").await.expect(200)] {
            assert!(!seen.to_string().contains("cost"), "{seen}");
        }

        let change = json!({ "name": "Nuvora N6", "brandId": null, "isFeatured": true });
        let changed = client.call("PUT", &path, Some(&admin), None, Some(&change), &[("if-match", "\"1\"")]).await.expect(200);
        assert_eq!((&changed["name"], &changed["brand"], &changed["version"]), (&json!("Nuvora N6"), &json!(null), &json!(2)));
        assert_eq!(changed["description"], "A phone.", "what is left out stays");
        client.call("PUT", &path, Some(&admin), None, Some(&change), &[("if-match", "\"1\"")]).await.refused(412, "stale");

        // The lowest price follows the variants, and the version every change of them.
        let first = text(&made["variants"][0]["id"]);
        let change = json!({ "price": 1_899_900, "attributes": { "colour": "Graphite" } });
        let of_variant = format!("{path}/variants/{first}");
        let changed = client.call("PUT", &of_variant, Some(&admin), None, Some(&change), &[("if-match", "\"1\"")]).await.expect(200);
        assert_eq!(
            (&changed["priceFrom"], &changed["version"], &changed["variants"][0]["version"]),
            (&json!(1_799_900), &json!(3), &json!(2))
        );
        client.call("PUT", &of_variant, Some(&admin), None, Some(&change), &[("if-match", "\"1\"")]).await.refused(412, "stale");
        let more = json!({ "sku": "N5-64", "price": 999_900 });
        let changed = client.post(&admin, &format!("{path}/variants"), &more).await.expect(201);
        assert_eq!((&changed["priceFrom"], &changed["variants"][2]["sku"]), (&json!(999_900), &json!("N5-64")));
        let third = text(&changed["variants"][2]["id"]);
        client.call("DELETE", &format!("{path}/variants/{third}"), Some(&admin), None, None, &[]).await.expect(204);
        assert_eq!(client.get(&admin, &path).await.expect(200)["priceFrom"], 1_799_900);

        client.call("DELETE", &path, Some(&admin), None, None, &[]).await.expect(204);
        client.get(&admin, &path).await.refused(404, "not_found");
        client.call("DELETE", &path, Some(&admin), None, None, &[]).await.refused(404, "not_found");
        let archived = client.get(&admin, "/api/products?status=archived").await.expect(200);
        assert_eq!(archived["data"][0]["id"], id.as_str());
        client.post(&admin, &format!("{path}/restore"), &json!({})).await.expect(200);
        client.get(&customer, &path).await.expect(200);

        let entries = client.get(&admin, &format!("/api/audit/resource/product/{id}")).await.expect(200);
        let entries = entries["data"].as_array().expect("a list").clone();
        let renamed = entries.iter().find(|entry| entry["changes"]["name"]["before"] == "Nuvora N5 5G").expect("the renaming");
        assert_eq!((&renamed["action"], &renamed["changes"]["name"]["after"]), (&json!("update"), &json!("Nuvora N6")), "{renamed}");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_cannot_be_is_refused_by_field() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let of_b = &world.b;
        let cases = [
            (json!({ "variants": [{ "sku": "X", "price": 1 }] }), "name", "required"),
            (json!({ "name": "X" }), "variants", "required"),
            (json!({ "name": "X", "variants": [{ "sku": "X" }] }), "variants[0].price", "required"),
            (json!({ "name": "X", "variants": [{ "sku": "X", "price": 1.5 }] }), "variants[0].price", "invalid"),
            (json!({ "name": "X", "variants": [{ "sku": "X", "price": -1 }] }), "variants[0].price", "too_small"),
            (json!({ "name": "X", "variants": [{ "sku": "X", "price": i64::MAX }] }), "variants[0].price", "too_large"),
            (json!({ "name": "X", "variants": [{ "sku": " ", "price": 1 }] }), "variants[0].sku", "required"),
            (json!({ "name": "X", "variants": [{ "sku": "X", "price": 1, "soldBy": "yard" }] }), "variants[0].soldBy", "invalid"),
            (json!({ "name": "X", "variants": [{ "sku": "X", "price": 1, "barcode": "1" }] }), "variants[0].barcode", "invalid"),
            (
                json!({ "name": "X", "variants": [{ "sku": "X", "price": 1, "attributes": { "size": 7 } }] }),
                "variants[0].attributes.size",
                "invalid",
            ),
            (json!({ "name": "X", "variants": [{ "sku": "X", "price": 1 }, { "sku": "X", "price": 2 }] }), "variants[1].sku", "repeated"),
            (json!({ "name": "X", "slug": "Not A Slug", "variants": [{ "sku": "X", "price": 1 }] }), "slug", "invalid"),
            (json!({ "name": "X", "slug": "suggest", "variants": [{ "sku": "X", "price": 1 }] }), "slug", "reserved"),
            (
                json!({ "name": "X", "facts": { "shelfLifeDays": 0 }, "variants": [{ "sku": "X", "price": 1 }] }),
                "facts.shelfLifeDays",
                "out_of_range",
            ),
            (json!({ "name": "X", "colour": "red", "variants": [{ "sku": "X", "price": 1 }] }), "colour", "unknown_field"),
            (json!({ "name": "X", "shopId": of_b.shop, "variants": [{ "sku": "X", "price": 1 }] }), "shopId", "unknown"),
            (json!({ "name": "X", "brandId": of_b.shop, "variants": [{ "sku": "X", "price": 1 }] }), "brandId", "unknown"),
            (json!({ "name": "X", "categoryId": of_b.shop, "variants": [{ "sku": "X", "price": 1 }] }), "categoryId", "unknown"),
        ];
        for (body, field, code) in cases {
            let problem = client.post(&admin, "/api/products", &body).await.refused(422, "invalid_input");
            assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["code"]), (&json!(field), &json!(code)), "{body}: {problem}");
        }
        let both = client.post(&admin, "/api/products", &json!({ "variants": [{ "sku": "", "price": -1 }] })).await;
        assert_eq!(both.refused(422, "invalid_input")["errors"].as_array().map(Vec::len), Some(3), "all that is wrong is said at once");

        let mut new = new_product("Kettle", "KET-1", 100);
        new["variants"][0]["barcode"] = json!("12345670");
        let id = make(client, &admin, &new).await;
        let mut again = new_product("Kettle again", "KET-1", 100);
        let taken = client.post(&admin, "/api/products", &again).await.refused(409, "sku_taken");
        assert_eq!((&taken["sku"], &taken["productId"]), (&json!("KET-1"), &json!(id)));
        again["variants"] = json!([{ "sku": "KET-2", "barcode": "12345670", "price": 1 }]);
        client.post(&admin, "/api/products", &again).await.refused(409, "barcode_taken");
        again = new_product("Kettle", "KET-3", 100);
        again["slug"] = json!("kettle");
        client.post(&admin, "/api/products", &again).await.refused(409, "slug_taken");
        let mut shadow = again.clone();
        shadow["slug"] = json!(world.a.product);
        client.post(&admin, "/api/products", &shadow).await.wrong("reserved");
        // Of another company the same codes are free.
        let neighbour = world.staff(&world.b, "admin").await;
        make(client, &neighbour, &new).await;

        let product = client.get(&admin, &format!("/api/products/{id}")).await.expect(200);
        let only = text(&product["variants"][0]["id"]);
        let gone = client.call("DELETE", &format!("/api/products/{id}/variants/{only}"), Some(&admin), None, None, &[]).await;
        gone.refused(409, "last_variant");
        let foreign = format!("/api/products/{id}/variants/{}", world.a.variants[0]);
        client.call("PUT", &foreign, Some(&admin), None, Some(&json!({ "price": 1 })), &[]).await.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shop_roles_write_goods_of_their_shops_only() {
    for world in World::all().await {
        let client = &world.client;
        let manager = world.staff(&world.a, "manager").await;
        let staff = world.staff(&world.a, "staff").await;
        let rider = world.staff(&world.a, "rider").await;
        let admin = world.staff(&world.a, "admin").await;
        let other = json!({
            "slug": "other", "name": "Other shop", "kind": "store", "line1": "2 Side Road", "city": "Bengaluru", "state": "Karnataka",
            "postalCode": "560002",
        });
        let other = text(&client.post(&admin, "/api/shops", &other).await.expect(201)["id"]);

        let mut new = new_product("Corner bread", "BREAD", 4_000);
        let problem = client.post(&manager, "/api/products", &new).await.refused(422, "invalid_input");
        assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["code"]), (&json!("shopId"), &json!("required")));
        new["shopId"] = json!(other);
        client.post(&manager, "/api/products", &new).await.wrong("unknown");
        new["shopId"] = json!(world.a.shop);
        let id = make(client, &manager, &new).await;
        let path = format!("/api/products/{id}");
        client.post(&staff, "/api/products", &new).await.refused(403, "forbidden");
        let put = async |token: &str, path: &str, body| client.call("PUT", path, Some(token), None, Some(&body), &[]).await;
        put(&staff, &path, json!({ "description": "Baked at six." })).await.expect(200);
        client.call("DELETE", &path, Some(&staff), None, None, &[]).await.refused(403, "forbidden");
        put(&rider, &path, json!({ "name": "Bread" })).await.refused(403, "forbidden");
        put(&manager, &path, json!({ "shopId": null })).await.wrong("required");
        put(&manager, &path, json!({ "shopId": other })).await.wrong("unknown");

        // The company's own goods, and those of another shop, are not theirs.
        let companys = format!("/api/products/{}", world.a.product);
        put(&manager, &companys, json!({ "name": "Mine" })).await.refused(404, "not_found");
        let mut theirs = new_product("Other bread", "BREAD-2", 4_000);
        theirs["shopId"] = json!(other);
        let theirs = make(client, &admin, &theirs).await;
        put(&manager, &format!("/api/products/{theirs}"), json!({ "name": "Mine" })).await.refused(404, "not_found");
        client.call("DELETE", &format!("/api/products/{theirs}"), Some(&manager), None, None, &[]).await.refused(404, "not_found");
        client.post(&manager, "/api/brands", &json!({ "name": "Mine" })).await.refused(403, "forbidden");
        client.call("DELETE", &path, Some(&manager), None, None, &[]).await.expect(204);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn rivals_who_change_one_product_leave_it_whole() {
    for world in World::all().await {
        let admin = world.staff(&world.a, "admin").await;
        let path = format!("/api/products/{}", world.a.product);
        let mut rivals = tokio::task::JoinSet::new();
        for number in 0..12_i64 {
            let (client, admin, path) = (world.client.clone(), admin.clone(), path.clone());
            rivals.spawn(async move {
                let new = json!({ "sku": format!("RIVAL-{number}"), "price": 9_000 - number });
                client.post(&admin, &format!("{path}/variants"), &new).await.expect(201);
                let name = json!({ "name": format!("Goods of {number}") });
                client.call("PUT", &path, Some(&admin), None, Some(&name), &[]).await.expect(200);
            });
        }
        while let Some(done) = rivals.join_next().await {
            done.expect("a rival");
        }
        let product = world.client.get(&admin, &path).await.expect(200);
        assert_eq!((&product["priceFrom"], &product["version"]), (&json!(9_000 - 11), &json!(25)));
        let name = text(&product["name"]);
        let word = name.rsplit(' ').next().expect("a number");
        let found = world.client.get(&admin, &format!("/api/products?q=goods+of+{word}")).await.expect(200);
        assert_eq!(super::names(&found), [name]);
        // Two who take one SKU at the same moment: one has it, the other is told so.
        let mut rivals = tokio::task::JoinSet::new();
        for number in 0..6 {
            let (client, admin) = (world.client.clone(), admin.clone());
            rivals.spawn(async move { client.post(&admin, "/api/products", &new_product(&format!("Twin {number}"), "TWIN", 1)).await });
        }
        let mut made = 0;
        while let Some(answer) = rivals.join_next().await {
            let answer = answer.expect("a rival");
            if answer.status == 201 {
                made += 1;
            } else {
                answer.refused(409, "sku_taken");
            }
        }
        assert_eq!(made, 1);
        world.verify().await;
        world.close().await;
    }
}
