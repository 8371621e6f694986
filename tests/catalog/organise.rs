//! Categories, brands and attributes.

use serde_json::json;

use super::{make, names, new_product};
use crate::support::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_of_categories_stays_a_tree() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let put = async |path: &str, body| client.call("PUT", path, Some(&admin), None, Some(&body), &[]).await;
        let fruit = client.post(&admin, "/api/categories", &json!({ "name": "Fruit", "taxRate": 500 })).await.expect(201);
        assert_eq!((&fruit["slug"], &fruit["taxRate"], &fruit["version"]), (&json!("fruit"), &json!(500), &json!(1)));
        let fruit = text(&fruit["id"]);
        let hindi = json!({ "name": "Mangoes", "parentId": fruit, "translations": { "hi": { "name": "आम" } } });
        let mango = client.post(&admin, "/api/categories", &hindi).await.expect(201);
        assert_eq!((&mango["taxRate"], &mango["translations"]["hi"]["name"]), (&json!(null), &json!("आम")));
        let mango = text(&mango["id"]);
        let under_itself = json!({ "parentId": mango });
        put(&format!("/api/categories/{fruit}"), under_itself.clone()).await.refused(409, "category_cycle");
        put(&format!("/api/categories/{mango}"), under_itself).await.refused(409, "category_cycle");
        put(&format!("/api/categories/{mango}"), json!({ "parentId": world.a.shop })).await.wrong("unknown");
        put(&format!("/api/categories/{mango}"), json!({ "taxRate": 10_001 })).await.wrong("out_of_range");
        client.post(&admin, "/api/categories", &json!({ "name": "Fruit" })).await.refused(409, "slug_taken");
        client.post(&admin, "/api/categories", &json!({ "name": "" })).await.wrong("required");

        let mut new = new_product("Alphonso", "ALPH", 24_900);
        new["categoryId"] = json!(mango);
        make(client, &admin, &new).await;
        let found = client.get(&admin, "/api/products?category=fruit").await.expect(200);
        assert_eq!(names(&found), ["Alphonso"], "a category holds all below it");
        let delete = async |id: &str| client.call("DELETE", &format!("/api/categories/{id}"), Some(&admin), None, None, &[]).await;
        delete(&mango).await.refused(409, "in_use");
        delete(&fruit).await.refused(409, "in_use");
        let stale =
            client.call("PUT", &format!("/api/categories/{fruit}"), Some(&admin), None, Some(&json!({})), &[("if-match", "\"7\"")]).await;
        stale.refused(412, "stale");
        put(&format!("/api/categories/{mango}"), json!({ "parentId": null })).await.expect(200);
        delete(&fruit).await.expect(204);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn search_follows_a_brand_that_is_renamed() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let brand = text(&client.post(&admin, "/api/brands", &json!({ "name": "Orbiq" })).await.expect(201)["id"]);
        let mut new = new_product("Z3 phone", "Z3", 100);
        new["brandId"] = json!(brand);
        make(client, &admin, &new).await;
        let search = async |words: &str| names(&client.get(&admin, &format!("/api/products?q={words}")).await.expect(200));
        assert_eq!(search("orbi").await, ["Z3 phone"]);
        let path = format!("/api/brands/{brand}");
        let rename = json!({ "name": "Kestrel" });
        client.call("PUT", &path, Some(&admin), None, Some(&rename), &[]).await.expect(200);
        world.verify().await;
        assert_eq!(search("kestrel").await, ["Z3 phone"]);
        assert!(search("orbi").await.is_empty());
        client.call("DELETE", &path, Some(&admin), None, None, &[]).await.refused(409, "in_use");
        let manager = world.staff(&world.a, "manager").await;
        client.call("PUT", &path, Some(&manager), None, Some(&rename), &[]).await.refused(403, "forbidden");
        let neighbour = world.staff(&world.b, "admin").await;
        client.call("PUT", &path, Some(&neighbour), None, Some(&rename), &[]).await.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_come_with_the_goods_and_are_translated_by_people() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let mut new = new_product("Shirt", "SHIRT", 100);
        new["variants"] = json!([
            { "sku": "S-B", "price": 1, "attributes": { "Colour": "Black", "size": "M" } },
            { "sku": "S-W", "price": 1, "attributes": { "colour": "white" } },
        ]);
        make(client, &admin, &new).await;
        let list = client.get(&admin, "/api/attributes").await.expect(200);
        assert_eq!(names(&list), ["Colour", "size"], "Colour and colour are one attribute");
        assert_eq!(list["data"][0]["values"].as_array().map(Vec::len), Some(2));
        let path = format!("/api/attributes/{}", text(&list["data"][0]["id"]));
        let hindi = json!({ "translations": { "hi": { "name": "रंग" } }, "values": [{ "value": "Black", "translations": { "hi": { "name": "काला" } } }, { "value": "Green" }] });
        let changed = client.call("PUT", &path, Some(&admin), None, Some(&hindi), &[]).await.expect(200);
        assert_eq!(changed["values"].as_array().map(Vec::len), Some(3));
        assert_eq!(changed["values"][0]["translations"]["hi"]["name"], "काला");
        client.call("DELETE", &path, Some(&admin), None, None, &[]).await.refused(409, "in_use");
        client.post(&admin, "/api/attributes", &json!({ "name": "COLOUR" })).await.refused(409, "attribute_taken");
        let made =
            client.post(&admin, "/api/attributes", &json!({ "name": "Voltage", "values": [{ "value": "230 V" }] })).await.expect(201);
        client.call("DELETE", &format!("/api/attributes/{}", text(&made["id"])), Some(&admin), None, None, &[]).await.expect(204);
        world.verify().await;
        world.close().await;
    }
}
