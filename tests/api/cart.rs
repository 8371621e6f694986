//! A cart whose goods or whose shop went off sale, and what it says of it.

use serde_json::{Map, Value, json};
use souk::{
    ids::VariantId,
    models::{
        carts::{self, NewItem, Owner},
        catalog::{self, NewProduct, NewVariant, SoldBy},
        inventory,
    },
    money::Money,
    tenancy::Tenant,
    translated::Translations,
};

use crate::support::{PASSWORD, STOCK, World, order, text};

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

/// Two hundred variants more, with a little of each in the shop.
async fn many(world: &World) -> Vec<VariantId> {
    let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
    let place = inventory::place(&scope, world.a.location).await.expect("a place");
    let mut all = Vec::new();
    for half in ["left", "right"] {
        let variant = |number: usize| NewVariant {
            sku: format!("{half}-{number}").to_uppercase(),
            barcode: None,
            name: format!("Size {number}"),
            translations: Translations::new(),
            attributes: Map::new(),
            price: Money(100),
            compare_at_price: None,
            cost: Money(50),
            sold_by: SoldBy::Unit,
        };
        let new = NewProduct { name: format!("Many {half}"), variants: (0..100).map(variant).collect(), ..NewProduct::default() };
        let (_, variants) = catalog::add_product(&scope, new).await.expect("a product");
        for variant in &variants {
            inventory::put_away(&scope, *variant, &place, 5, 0).await.expect("stock");
        }
        all.extend(variants);
    }
    scope.commit().await.expect("kept");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_cart_comes_along_as_far_as_there_is_room_and_every_change_is_told() {
    for world in World::all().await {
        let client = &world.client;
        let many = many(&world).await;
        let line = |variant: VariantId| NewItem { variant_id: variant, shop_id: world.a.shop, quantity: 1 };
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        let owner = Owner::Customer(world.a.customer.id);
        for variant in &many[..199] {
            carts::add(&scope, &owner, &line(*variant)).await.expect("a line");
        }
        scope.commit().await.expect("kept");
        let mut guest = String::new();
        for variant in [many[0], many[199], world.a.variants[0]] {
            let body = json!({ "variantId": variant, "shopId": world.a.shop, "quantity": 1 });
            let token = [("x-cart-token", guest.as_str())];
            let token = if guest.is_empty() { &token[..0] } else { &token[..] };
            let cart = client.call("POST", "/api/cart/items", None, Some("alpha"), Some(&body), token).await.expect(200);
            if guest.is_empty() {
                guest = text(&cart["token"]);
            }
        }
        let told = async || world.count("SELECT COUNT(*) FROM outbox WHERE kind = 'cart.updated'").await;
        assert_eq!(told().await, 0);
        let body = json!({ "email": "customer@alpha.test", "password": PASSWORD });
        let guest = [("x-cart-token", guest.as_str())];
        let welcome = client.call("POST", "/api/auth/login", None, Some("alpha"), Some(&body), &guest).await.expect(200);
        let token = text(&welcome["accessToken"]);
        assert_eq!(told().await, 1, "the carts became one");
        let cart = client.get(&token, "/api/cart").await.expect(200);
        let lines = cart["items"].as_array().expect("lines");
        assert_eq!((lines.len(), &lines[0]["quantity"], &lines[199]["variantId"]), (200, &json!(2), &json!(many[199])));
        client.delete(&token, "/api/cart").await.expect(204);
        assert_eq!((told().await, client.get(&token, "/api/cart").await.expect(200)["items"].clone()), (2, json!([])));
        world.verify().await;
        world.close().await;
    }
}
