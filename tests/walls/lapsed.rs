//! A company whose subscription has lapsed changes nothing, through whichever door; it reads, and it pays.

use serde_json::{Value, json};
use souk::{clock, controllers, models::debts, tenancy::Role};

use crate::support::World;

/// Doors that stay open: paying, and one's own account.
fn stays_open(method: &str, uri: &str) -> bool {
    let is_account = uri.starts_with("/api/auth/") && uri != "/api/auth/register";
    // What comes by a signed link or from a provider is nobody's act in the company.
    let is_signed = uri == "/api/notifications/unsubscribe" || uri.starts_with("/api/notifications/callbacks/");
    is_account || is_signed || (method, uri) == ("POST", "/api/debts/{id}/payment")
}

/// A guest's door is asked by its handler, which reads the body first.
fn body(uri: &str) -> Value {
    match uri {
        "/api/auth/register" => json!({ "email": "new@alpha.test", "password": "a-test-of-words-43", "name": "New" }),
        _ => json!({}),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_company_changes_nothing_but_pays() {
    for world in World::all().await {
        let root = world.client.login("alpha", "root@souk.test").await;
        let due = clock::now().date_in("Asia/Kolkata") - chrono::Days::new(30);
        let owed = json!({ "companyId": world.a.id, "type": "loan", "amount": 700, "dueDate": due });
        let debt = world.client.call("POST", "/api/debts", Some(&root), None, Some(&owed), &[]).await.expect(201);
        let tokens = [
            (Role::Public, None),
            (Role::Customer, Some(world.token_of(&world.a, world.a.customer.clone()).await)),
            (Role::Rider, Some(world.staff(&world.a, "rider").await)),
            (Role::ShopStaff, Some(world.staff(&world.a, "staff").await)),
            (Role::ShopManager, Some(world.staff(&world.a, "manager").await)),
            (Role::CompanyAdmin, Some(world.staff(&world.a, "admin").await)),
        ];
        debts::day(&world.souk, world.a.id).await.expect("a day");
        let id = debt["id"].as_str().expect("an id");
        let mut refused = 0;
        for door in controllers::endpoints().iter().filter(|door| door.uri.starts_with("/api")) {
            let path = door.uri.replace("{id}", id).replace("{companyId}", id).replace("{type}", "order");
            for (role, token) in &tokens {
                if !role.may(door.permission) || stays_open(door.method, door.uri) {
                    continue;
                }
                let body = (door.method != "GET").then(|| body(door.uri));
                let answer = world.client.call(door.method, &path, token.as_deref(), Some("alpha"), body.as_ref(), &[]).await;
                let case = format!("{} {} as {}: {} {}", door.method, door.uri, role.name(), answer.status, answer.text);
                let is_refused = answer.body["code"] == "subscription_lapsed";
                // Whoever reads this because of a new door: it is refused by itself, unless its handler takes no `Access`.
                assert_eq!(is_refused, door.method != "GET", "{case}");
                refused += usize::from(is_refused);
            }
        }
        assert!(refused > 20, "only {refused} cases were refused");
        let (_, admin) = &tokens[5];
        let pay = json!({ "amount": 700, "method": "bank_transfer" });
        world.client.post(admin.as_deref().expect("a token"), &format!("/api/debts/{id}/payment"), &pay).await.expect(201);
        let shop = json!({ "slug": "open-again", "name": "Open again" });
        world.client.post(admin.as_deref().expect("a token"), "/api/shops", &shop).await.expect(201);
        world.verify().await;
        world.close().await;
    }
}
