//! Every endpoint, as everybody of company A, with the ids of company B.

use serde_json::{Value, json};
use souk::{controllers, endpoints::Endpoint, tenancy::Role};

use crate::support::{STOCK, World, order, text};

/// What company B has, to be named by people who must not see it.
struct Neighbour {
    order: String,
    payment: String,
    entry: String,
    line: String,
    message: String,
    customer_token: String,
    admin_token: String,
}

async fn neighbour(world: &World) -> Neighbour {
    let (b, client) = (&world.b, &world.client);
    let customer_token = world.token_of(b, b.customer.clone()).await;
    let admin_token = world.staff(b, "admin").await;
    let placed = client.post(&customer_token, "/api/orders", &order(b, 0, 1, "test", Some("tok_ok"))).await.expect(201);
    let line = json!({ "variantId": b.variants[1], "shopId": b.shop, "quantity": 1 });
    let cart = client.post(&customer_token, "/api/cart/items", &line).await.expect(200);
    world.verify().await;
    let entries = client.get(&admin_token, "/api/audit/logs").await.expect(200);
    let messages = client.get(&customer_token, "/api/notifications").await.expect(200);
    Neighbour {
        order: text(&placed["orders"][0]["id"]),
        payment: text(&placed["payment"]["id"]),
        entry: text(&entries["data"][0]["id"]),
        line: text(&cart["items"][0]["id"]),
        message: messages["data"][0]["id"].as_str().map_or_else(|| b.product.to_string(), str::to_owned),
        customer_token,
        admin_token,
    }
}

/// The endpoint's path with the neighbour's ids.
fn path(endpoint: &Endpoint, world: &World, theirs: &Neighbour) -> String {
    let b = &world.b;
    let id = match endpoint.uri.split('/').nth(2).unwrap_or_default() {
        "companies" => b.id.to_string(),
        "shops" => b.shop.to_string(),
        "products" => b.product.to_string(),
        "inventory" => b.variants[0].to_string(),
        "cart" => theirs.line.clone(),
        "payments" => theirs.payment.clone(),
        "notifications" => theirs.message.clone(),
        "audit" if endpoint.uri.contains("/user/") => b.customer.id.to_string(),
        "audit" if endpoint.uri.contains("/logs/") => theirs.entry.clone(),
        _ => theirs.order.clone(),
    };
    endpoint.uri.replace("{type}", "order").replace("{id}", &id)
}

/// A body that would do something, were the ids one's own.
fn body(endpoint: &Endpoint, world: &World, theirs: &Neighbour) -> Option<Value> {
    let b = &world.b;
    Some(match (endpoint.method, endpoint.uri) {
        ("GET" | "DELETE", _) => return None,
        ("POST", "/api/cart/items") => json!({ "variantId": b.variants[0], "shopId": b.shop, "quantity": 1 }),
        ("PUT", "/api/cart/items/{id}") => json!({ "quantity": 7 }),
        ("POST", "/api/orders") => order(b, 0, 1, "test", Some("tok_ok")),
        (_, "/api/orders/{id}/status") => json!({ "status": "processing" }),
        (_, "/api/orders/{id}/process-payment") => json!({ "paymentMethod": "tok_ok" }),
        (_, "/api/orders/{id}/cancel") => json!({ "reason": "not mine" }),
        (_, "/api/payments/verify") => json!({ "paymentId": theirs.payment }),
        ("PATCH", "/api/inventory/{id}") => {
            json!({ "locationId": b.location, "quantity": 0, "operation": "set", "reason": "not mine" })
        }
        ("PUT", "/api/shops/{id}") | ("PATCH", "/api/companies/{id}/settings") => json!({ "name": "stolen" }),
        _ => json!({}),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_or_moves_anything_of_another_company() {
    for world in World::all().await {
        let theirs = neighbour(&world).await;
        // Leaving comes last: it ends the session.
        let mut doors: Vec<_> = controllers::endpoints().into_iter().filter(|door| door.uri.starts_with("/api")).collect();
        doors.sort_by_key(|door| door.uri == "/api/auth/logout");
        let mut cases = 0;
        for role in Role::ALL {
            let token = match role {
                Role::Public => None,
                Role::Customer => Some(world.token_of(&world.a, world.a.customer.clone()).await),
                Role::Rider => Some(world.staff(&world.a, "rider").await),
                Role::ShopStaff => Some(world.staff(&world.a, "staff").await),
                Role::ShopManager => Some(world.staff(&world.a, "manager").await),
                Role::CompanyAdmin => Some(world.staff(&world.a, "admin").await),
                Role::SuperAdmin => Some(world.client.login("alpha", "root@souk.test").await),
            };
            for door in &doors {
                let path = path(door, &world, &theirs);
                let body = body(door, &world, &theirs);
                let answer = world.client.call(door.method, &path, token.as_deref(), Some(world.a.slug), body.as_ref(), &[]).await;
                let case = format!("{} {} as {}: {} {}", door.method, door.uri, role.name(), answer.status, answer.text);
                assert!(answer.status < 500, "{case}");
                assert!(!answer.text.contains("MARKERB"), "{case}");
                if role.may(door.permission) {
                    assert!(role == Role::Public || answer.status != 403, "{case}");
                } else {
                    assert_eq!(answer.status, if role == Role::Public { 401 } else { 403 }, "{case}");
                }
                cases += 1;
            }
        }
        eprintln!("walls: {cases} cases on {}", world.souk.engine());

        let b = &world.b;
        let order = world.client.get(&theirs.customer_token, &format!("/api/orders/{}", theirs.order)).await.expect(200);
        assert_eq!(order["status"], "confirmed");
        let shop = world.client.get(&theirs.admin_token, &format!("/api/shops/{}", b.shop)).await.expect(200);
        assert_eq!(shop["name"], "MARKERB shop");
        let company = world.client.get(&theirs.admin_token, &format!("/api/companies/{}", b.id)).await.expect(200);
        assert_eq!(company["name"], "Company beta");
        let cart = world.client.get(&theirs.customer_token, "/api/cart").await.expect(200);
        assert_eq!(cart["items"][0]["quantity"], 1);
        assert_eq!(world.stock(b, 0).await, (STOCK[0] - 1, 0));
        world.verify().await;
        world.close().await;
    }
}
