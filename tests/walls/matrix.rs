//! Every endpoint, as everybody of company A, with the ids of company B.

use serde_json::{Value, json};
use souk::{controllers, endpoints::Endpoint, tenancy::Role};

use crate::support::{STOCK, World, address, order, png, text};

/// What company B has, to be named by people who must not see it.
struct Neighbour {
    order: String,
    payment: String,
    entry: String,
    line: String,
    message: String,
    letter_text: String,
    device: String,
    session: String,
    address: String,
    category: String,
    brand: String,
    attribute: String,
    picture: String,
    alert: String,
    debt: String,
    role: String,
    member: String,
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
    let kept = client.post(&customer_token, "/api/auth/addresses", &address("MARKERB home", true)).await.expect(201);
    client.post(&customer_token, "/api/wishlist/items", &json!({ "productId": b.product })).await.expect(201);
    let sessions = client.get(&customer_token, "/api/auth/sessions").await.expect(200);
    let root = client.login("beta", "root@souk.test").await;
    let owed = json!({ "type": "loan", "amount": 5_000, "dueDate": "2090-01-31", "note": "MARKERB debt" });
    let debt = client.call("POST", "/api/debts", Some(&root), Some(b.slug), Some(&owed), &[]).await.expect(201);
    world.verify().await;
    let entries = client.get(&admin_token, "/api/audit/logs").await.expect(200);
    let messages = client.get(&customer_token, "/api/notifications").await.expect(200);
    let organise = async |path: &str| text(&client.post(&admin_token, path, &json!({ "name": "MARKERB" })).await.expect(201)["id"]);
    let low = json!({ "locationId": b.location, "reorderPoint": 1_000 });
    let path = format!("/api/inventory/{}/reorder-point", b.variants[2]);
    client.call("PUT", &path, Some(&admin_token), None, Some(&low), &[]).await.expect(200);
    let alerts = client.get(&admin_token, "/api/inventory/alerts").await.expect(200);
    let own = json!({ "name": "welcome", "language": "en", "subject": "MARKERB", "body": "MARKERB" });
    let own = client.post(&admin_token, "/api/notifications/templates", &own).await.expect(201);
    let device = json!({ "token": "MARKERB-token", "platform": "web" });
    let device = client.post(&customer_token, "/api/notifications/devices", &device).await.expect(201);
    let path = format!("/api/products/{}/media", b.product);
    let product = client.upload(&admin_token, &path, &[("alt", "MARKERB")], &[("file", "a.png", png(40, 30))]).await.expect(201);
    let role = json!({ "name": "MARKERB keeper", "permissions": ["inventory:read"] });
    let role = client.post(&admin_token, "/api/roles", &role).await.expect(201);
    let people = client.get(&admin_token, "/api/users?role=shop_staff").await.expect(200);
    Neighbour {
        picture: text(&product["media"][0]["id"]),
        alert: text(&alerts["data"][0]["id"]),
        category: organise("/api/categories").await,
        brand: organise("/api/brands").await,
        attribute: organise("/api/attributes").await,
        role: text(&role["id"]),
        member: text(&people["data"][0]["id"]),
        order: text(&placed["orders"][0]["id"]),
        payment: text(&placed["payment"]["id"]),
        entry: text(&entries["data"][0]["id"]),
        line: text(&cart["items"][0]["id"]),
        session: text(&sessions["data"][0]["id"]),
        address: text(&kept["id"]),
        debt: text(&debt["id"]),
        message: messages["data"][0]["id"].as_str().map_or_else(|| b.product.to_string(), str::to_owned),
        letter_text: text(&own["id"]),
        device: text(&device["id"]),
        customer_token,
        admin_token,
    }
}

/// What a role of company A's own allows its holder at their shop, besides what all staff may.
const KEEPER: [&str; 2] = ["inventory:read", "inventory:write"];

/// The endpoint's path with the neighbour's ids.
fn path(endpoint: &Endpoint, world: &World, theirs: &Neighbour) -> String {
    let b = &world.b;
    let id = match endpoint.uri.split('/').nth(2).unwrap_or_default() {
        // The platform may act on any company, so the one that nobody may touch is named: its own row.
        "companies" if endpoint.permission == "companies:write" => souk::tenancy::PLATFORM_COMPANY.to_string(),
        "debts" => theirs.debt.clone(),
        "companies" => b.id.to_string(),
        "shops" => b.shop.to_string(),
        "products" => b.product.to_string(),
        "categories" => theirs.category.clone(),
        "brands" => theirs.brand.clone(),
        "attributes" => theirs.attribute.clone(),
        "inventory" if endpoint.uri.contains("/alerts/") => theirs.alert.clone(),
        "inventory" => b.variants[0].to_string(),
        "users" => theirs.member.clone(),
        "roles" => theirs.role.clone(),
        "cart" => theirs.line.clone(),
        "payments" => theirs.payment.clone(),
        "notifications" if endpoint.uri.contains("/templates/") => theirs.letter_text.clone(),
        "notifications" if endpoint.uri.contains("/devices/") => theirs.device.clone(),
        "notifications" => theirs.message.clone(),
        "wishlist" => b.product.to_string(),
        "auth" if endpoint.uri.contains("/sessions/") => theirs.session.clone(),
        "auth" if endpoint.uri.contains("/addresses/") => theirs.address.clone(),
        "audit" if endpoint.uri.contains("/user/") => b.customer.id.to_string(),
        "audit" if endpoint.uri.contains("/logs/") => theirs.entry.clone(),
        _ => theirs.order.clone(),
    };
    let path = endpoint.uri.replace("{type}", "order").replace("{id}", &id).replace("{provider}", "twilio");
    let path = path.replace("{variantId}", &b.variants[0].to_string()).replace("{companyId}", &b.id.to_string());
    path.replace("{mediaId}", &theirs.picture).replace("{userId}", &theirs.member)
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
        (_, "/api/companies/{id}/suspend") => json!({ "reason": "not mine" }),
        (_, "/api/orders/{id}/cancel") => json!({ "reason": "not mine" }),
        (_, "/api/auth/change-password") => json!({ "oldPassword": "not-the-password", "newPassword": "another-good-one-7" }),
        (_, "/api/auth/forgot-password") => json!({ "email": b.customer.email }),
        (_, "/api/auth/addresses" | "/api/auth/addresses/{id}") => address("Somebody", true),
        (_, "/api/wishlist/items") => json!({ "productId": b.product }),
        (_, "/api/payments/verify") => json!({ "paymentId": theirs.payment }),
        ("POST", "/api/debts") => json!({ "companyId": b.id, "type": "loan", "amount": 1, "dueDate": "2090-01-31" }),
        (_, "/api/debts/{id}/payment") => json!({ "amount": 1, "method": "cash" }),
        (_, "/api/debts/{id}/reversal") => json!({ "paymentId": theirs.payment, "reason": "not mine" }),
        (_, "/api/debts/{id}/plan") => json!({ "count": 2 }),
        (_, "/api/debts/{id}/notes") => json!({ "text": "not mine" }),
        (_, "/api/debts/{id}/cancel" | "/api/debts/{id}/write-off") => json!({ "reason": "not mine" }),
        ("PUT", "/api/companies/{id}/subscription") => json!({ "cancel": true, "reason": "not mine" }),
        ("PATCH", "/api/inventory/{id}") => {
            json!({ "locationId": b.location, "quantity": 0, "operation": "set", "reason": "not mine" })
        }
        ("POST", "/api/stock-counts" | "/api/inventory/receipts") => {
            json!({ "locationId": b.location, "lines": [{ "variantId": b.variants[0], "quantity": 1 }] })
        }
        ("POST", "/api/inventory/{id}/waste") => json!({ "locationId": b.location, "quantity": 1, "reason": "not mine" }),
        (_, "/api/companies/{id}") => json!({ "name": "stolen" }),
        ("PUT", "/api/shops/{id}" | "/api/products/{id}" | "/api/categories/{id}" | "/api/brands/{id}" | "/api/roles/{id}")
        | ("PATCH", "/api/companies/{id}/settings") => json!({ "name": "stolen" }),
        ("PUT", "/api/inventory/{id}/reorder-point") => json!({ "locationId": b.location, "reorderPoint": 7 }),
        ("POST", "/api/inventory/bulk") => json!({ "variantIds": b.variants }),
        ("POST", "/api/inventory/bulk-update") => json!({ "updates": [
            { "variantId": b.variants[0], "locationId": b.location, "quantity": 0, "operation": "set", "reason": "not mine" },
        ] }),
        ("POST", "/api/products") => json!({
            "name": "mine", "brandId": theirs.brand, "categoryId": theirs.category, "shopId": b.shop, "variants": [{ "sku": "MINE", "price": 1 }],
        }),
        ("POST", "/api/products/{id}/variants") => json!({ "sku": "MINE-2", "price": 1 }),
        ("PUT", "/api/products/{id}/variants/{variantId}") => json!({ "price": 1 }),
        ("PUT", "/api/products/{id}/media/{mediaId}") => json!({ "alt": "stolen" }),
        ("PUT", "/api/attributes/{id}") => json!({ "values": [{ "value": "stolen" }] }),
        ("POST", "/api/notifications/send") => {
            json!({ "customerIds": [b.customer.id], "class": "important", "title": "not mine", "text": "not mine" })
        }
        ("POST", "/api/notifications/schedule") => {
            json!({ "customerIds": [b.customer.id], "class": "important", "title": "x", "text": "x", "sendAt": "2030-01-01T00:00:00Z" })
        }
        ("POST", "/api/notifications/devices") => json!({ "token": "MARKERB-token", "platform": "web" }),
        ("PUT", "/api/notifications/templates/{id}") => json!({ "subject": "stolen", "body": "stolen" }),
        ("POST", "/api/shops/{id}/staff") => json!({ "userId": theirs.member, "role": "shop_staff" }),
        ("POST", "/api/users") => {
            json!({ "email": "stolen@example.test", "name": "Stolen", "role": "shop_staff", "shopIds": [b.shop] })
        }
        ("PUT", "/api/users/{id}") => json!({ "name": "stolen", "role": "company_admin" }),
        ("POST", "/api/roles") => json!({ "name": "Stolen", "permissions": ["orders:read"] }),
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
        let admin = world.staff(&world.a, "admin").await;
        let keeper = json!({ "name": "Stock keeper", "permissions": KEEPER });
        let keeper = world.client.post(&admin, "/api/roles", &keeper).await.expect(201);
        let keeper = json!([{ "role": keeper["id"], "shopId": world.a.shop }]);
        let (_, keeper) = world.join(&world.a, "keeper", keeper).await;
        for role in Role::ALL {
            let token = match role {
                Role::Public => None,
                Role::Customer => Some(world.token_of(&world.a, world.a.customer.clone()).await),
                Role::Rider => Some(world.staff(&world.a, "rider").await),
                Role::Member => Some(keeper.clone()),
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
                let may = role.may(door.permission) || (role == Role::Member && KEEPER.contains(&door.permission));
                if may {
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
        let alerts = world.client.get(&theirs.admin_token, "/api/inventory/alerts?state=unseen").await.expect(200);
        assert_eq!((&alerts["data"][0]["id"], alerts["data"][0]["name"].as_str()), (&json!(theirs.alert), Some("MARKERB goods, Size 2")));
        let product = world.client.get(&theirs.admin_token, &format!("/api/products/{}", b.product)).await.expect(200);
        assert_eq!((&product["name"], &product["version"]), (&json!("MARKERB goods"), &json!(2)));
        assert_eq!(product["media"][0]["alt"], "MARKERB");
        let texts = world.client.get(&theirs.admin_token, "/api/notifications/templates").await.expect(200);
        assert_eq!(texts["data"].as_array().into_iter().flatten().filter(|text| text["isOwn"] == true).count(), 1);
        let cart = world.client.get(&theirs.customer_token, "/api/cart").await.expect(200);
        assert_eq!(cart["items"][0]["quantity"], 1);
        let kept = world.client.get(&theirs.customer_token, "/api/auth/addresses").await.expect(200);
        assert_eq!((&kept["data"][0]["name"], &kept["data"][1]), (&json!("MARKERB home"), &json!(null)));
        let debt = world.client.get(&theirs.admin_token, &format!("/api/debts/{}", theirs.debt)).await.expect(200);
        assert_eq!((debt["status"].as_str(), debt["amountPaid"].as_i64(), debt["version"].as_i64()), (Some("pending"), Some(0), Some(1)));
        assert_eq!(world.stock(b, 0).await, (STOCK[0] - 1, 0));
        world.verify().await;
        world.close().await;
    }
}
