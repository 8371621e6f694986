//! A cart whose goods or whose shop went off sale, and what it says of it.

use serde_json::{Value, json};

use crate::support::{STOCK, World, order, text};

/// The checkout of a cart: it names no lines.
fn checkout(world: &World) -> Value {
    let mut body = order(&world.a, 0, 1, "test", Some("tok_ok"));
    body.as_object_mut().expect("an object").remove("items");
    body
}

/// A cart with two pieces of each of these variants: the lines' ids.
async fn filled(world: &World, token: &str, indexes: &[usize]) -> Vec<String> {
    let mut cart = Value::Null;
    for index in indexes {
        let line = json!({ "variantId": world.a.variants[*index], "shopId": world.a.shop, "quantity": 2 });
        cart = world.client.post(token, "/api/cart/items", &line).await.expect(200);
    }
    cart["items"].as_array().expect("lines").iter().map(|line| text(&line["id"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_no_longer_sold_is_shown_said_and_removed_alone() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "late@alpha.test").await;
        let admin = world.staff(&world.a, "admin").await;
        let kept = filled(&world, &token, &[0, 1]).await;
        let gone = format!("/api/products/{}/variants/{}", world.a.product, world.a.variants[1]);
        client.delete(&admin, &gone).await.expect(204);

        let cart = client.get(&token, "/api/cart").await.expect(200);
        let line = &cart["items"][1];
        assert_eq!((&line["id"], &line["productId"]), (&json!(kept[1]), &json!(world.a.product)), "{cart}");
        assert_eq!(
            (&line["quantity"], &line["unitPrice"], &line["lineTotal"], &line["available"]),
            (&json!(2), &json!(0), &json!(0), &json!(0))
        );
        assert!(text(&line["name"]).starts_with("MARKERA goods"), "{line}");
        assert_eq!((&cart["items"][0]["available"], &cart["total"]), (&json!(STOCK[0]), &json!(20_000)));

        let found = client.post(&token, "/api/cart/validate", &json!({})).await.expect(200);
        let error = &found["errors"][0];
        assert_eq!((&found["isValid"], &error["code"]), (&json!(false), &json!("gone")), "{found}");
        assert_eq!((&error["itemId"], &error["productId"]), (&json!(kept[1]), &json!(world.a.product)), "{found}");
        let refused = client.post(&token, "/api/orders", &checkout(&world)).await.refused(409, "cart_invalid");
        assert_eq!(refused["lines"].as_array().map(Vec::len), Some(1), "{refused}");
        assert_eq!((&refused["lines"][0]["itemId"], &refused["lines"][0]["code"]), (&json!(kept[1]), &json!("gone")), "{refused}");
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0], 0));

        let cart = client.delete(&token, &format!("/api/cart/items/{}", kept[1])).await.expect(200);
        assert_eq!(cart["items"].as_array().map(Vec::len), Some(1), "{cart}");
        client.post(&token, "/api/orders", &checkout(&world)).await.expect(201);

        // The same of a product that is taken off sale as a whole, and comes back.
        filled(&world, &token, &[0]).await;
        let product = format!("/api/products/{}", world.a.product);
        client.put(&admin, &product, &json!({ "isActive": false })).await.expect(200);
        let cart = client.get(&token, "/api/cart").await.expect(200);
        assert_eq!((&cart["items"][0]["available"], &cart["total"]), (&json!(0), &json!(0)), "{cart}");
        client.post(&token, "/api/orders", &checkout(&world)).await.refused(409, "cart_invalid");
        client.put(&admin, &product, &json!({ "isActive": true })).await.expect(200);
        client.post(&token, "/api/orders", &checkout(&world)).await.expect(201);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_paused_has_nothing_to_sell() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.customer(&world.a, "early@alpha.test").await;
        let admin = world.staff(&world.a, "admin").await;
        let line = filled(&world, &token, &[0]).await.remove(0);
        let shop = format!("/api/shops/{}", world.a.shop);
        let in_stock = async || client.get(&token, "/api/products?inStock=true").await.expect(200)["data"].as_array().map(Vec::len);
        assert_eq!(in_stock().await, Some(1));
        client.put(&admin, &shop, &json!({ "isActive": false })).await.expect(200);

        assert_eq!(in_stock().await, Some(0));
        let product = client.get(&token, "/api/products/alpha").await.expect(200);
        assert_eq!(product["variants"][0]["available"], 0, "{product}");
        let cart = client.get(&token, "/api/cart").await.expect(200);
        assert_eq!(cart["items"][0]["available"], 0, "{cart}");
        let found = client.post(&token, "/api/cart/validate", &json!({})).await.expect(200);
        let error = &found["errors"][0];
        assert_eq!((&error["code"], &error["itemId"]), (&json!("shop_closed"), &json!(line)), "{found}");
        let refused = client.post(&token, "/api/orders", &checkout(&world)).await.refused(409, "cart_invalid");
        assert_eq!(refused["lines"][0]["code"], "shop_closed", "{refused}");

        client.put(&admin, &shop, &json!({ "isActive": true })).await.expect(200);
        assert_eq!(in_stock().await, Some(1));
        client.post(&token, "/api/orders", &checkout(&world)).await.expect(201);
        world.verify().await;
        world.close().await;
    }
}
