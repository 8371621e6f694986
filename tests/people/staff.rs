//! Inviting, changing and sending away; customers shut out and let in.

use std::time::Duration;

use serde_json::{Value, json};
use souk::{clock, models::identity, tenancy::Device};

use crate::support::{PASSWORD, World, text};

/// A page of people as somebody sees it: the e-mails.
async fn emails(world: &World, token: &str, query: &str) -> Vec<String> {
    let page = world.client.get(token, &format!("/api/users?limit=100&{query}")).await.expect(200);
    page["data"].as_array().expect("people").iter().map(|one| text(&one["email"])).collect()
}

async fn id_of(world: &World, token: &str, email: &str) -> String {
    let page = world.client.get(token, &format!("/api/users?q={email}")).await.expect(200);
    text(&page["data"][0]["id"])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_works_once_and_for_a_week() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let body = json!({ "email": "Nila@Alpha.test ", "name": "Nila", "role": "shop_staff", "shopIds": [a.shop] });
        let invited = client.post(&admin, "/api/users", &body).await.expect(201);
        assert_eq!((&invited["email"], &invited["state"]), (&json!("nila@alpha.test"), &json!("invited")));
        assert_eq!(invited["shopIds"], json!([a.shop]));
        client.post(&admin, "/api/users", &body).await.refused(409, "already_member");
        let asked = client.get(&admin, "/api/audit/logs?resource=member&action=invite").await.expect(200);
        assert_eq!(asked["data"][0]["resourceId"], invited["id"]);

        let nobody = json!({ "email": "nila@alpha.test", "password": "" });
        assert_eq!(client.call("POST", "/api/auth/login", None, Some("alpha"), Some(&nobody), &[]).await.status, 401);

        let link = world.invitation(a, &text(&invited["id"])).await;
        let device = Device::default();
        let week = i64::try_from(Duration::from_secs(7 * 24 * 3_600 + 60).as_micros()).expect("a week");
        let late = clock::shifted(week, identity::read_invitation(&world.souk, &link)).await;
        assert_eq!(late.expect_err("a link that is over").code(), "invalid_input");
        let weak = identity::accept(&world.souk, &link, "Nila", "short", &device).await;
        assert_eq!(weak.expect_err("a weak password").code(), "invalid_input");

        // Two who use it at once: one comes in.
        let both = tokio::join!(
            identity::accept(&world.souk, &link, "Nila One", PASSWORD, &device),
            identity::accept(&world.souk, &link, "Nila Two", "another-pass-of-words", &device),
        );
        assert_eq!(usize::from(both.0.is_ok()) + usize::from(both.1.is_ok()), 1, "one link let two in");
        assert!(identity::read_invitation(&world.souk, &link).await.is_err(), "a used link still works");
        let password = if both.0.is_ok() { PASSWORD } else { "another-pass-of-words" };
        let body = json!({ "email": "nila@alpha.test", "password": password });
        let token = client.call("POST", "/api/auth/login", None, Some("alpha"), Some(&body), &[]).await.expect(200);
        client.get(&text(&token["accessToken"]), "/api/orders").await.expect(200);
        let now = client.get(&admin, &format!("/api/users/{}", text(&invited["id"]))).await.expect(200);
        assert_eq!(now["state"], "active");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_the_platform_may_work_for_two_companies() {
    for world in World::all().await {
        let (client, b) = (&world.client, &world.b);
        let admin = world.staff(b, "admin").await;
        let body = json!({ "email": "staff@alpha.test", "name": "On loan", "role": "shop_staff", "shopIds": [b.shop] });
        let member = client.post(&admin, "/api/users", &body).await.expect(201);
        assert_eq!(member["state"], "invited", "whether they are on the platform is not the company's to learn");
        let here = client.login("alpha", "staff@alpha.test").await;
        let there = client.login("beta", "staff@alpha.test").await;
        let shops = client.get(&there, "/api/shops").await.expect(200);
        assert_eq!(shops["data"][0]["id"], json!(b.shop));
        let path = format!("/api/users/{}", text(&member["id"]));
        assert_eq!(client.get(&admin, &path).await.expect(200)["state"], "active", "they came by signing in there");
        client.delete(&admin, &format!("/api/users/{}", text(&member["id"]))).await.expect(204);
        client.get(&there, "/api/orders").await.refused(401, "session_ended");
        client.get(&here, "/api/orders").await.expect(200);
        // Asked again, the same person comes back, and the old sessions do not.
        client.post(&admin, "/api/users", &body).await.expect(201);
        client.get(&there, "/api/orders").await.refused(401, "session_ended");
        client.login("beta", "staff@alpha.test").await;
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_at_once_when_a_role_changes_or_a_person_goes() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let staff = world.staff(a, "staff").await;
        let id = id_of(&world, &admin, "staff@alpha.test").await;
        let change = json!({ "role": "shop_manager", "shopIds": [a.shop] });
        let changed = client.put(&admin, &format!("/api/users/{id}"), &change).await.expect(200);
        assert_eq!(changed["role"], "shop_manager");
        client.get(&staff, "/api/orders").await.refused(401, "session_ended");
        let again = world.staff(a, "staff").await;
        client.get(&again, "/api/users").await.expect(200);

        let banned = client.post(&admin, &format!("/api/users/{id}/ban"), &json!({})).await.expect(200);
        assert_eq!(banned["state"], "banned");
        client.get(&again, "/api/users").await.refused(401, "session_ended");
        client.post(&admin, &format!("/api/users/{id}/ban"), &json!({})).await.refused(409, "already_so");
        let back = client.post(&admin, &format!("/api/users/{id}/unban"), &json!({})).await.expect(200);
        assert_eq!((&back["state"], &back["role"]), (&json!("active"), &json!("shop_manager")));
        client.get(&again, "/api/users").await.refused(401, "session_ended");

        client.delete(&admin, &format!("/api/users/{id}")).await.expect(204);
        let gone = client.get(&admin, &format!("/api/users/{id}")).await.expect(200);
        assert_eq!((&gone["state"], &gone["assignments"]), (&json!("left"), &json!([])));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_admins_who_go_at_once_one_stays() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let first = id_of(&world, &admin, "admin@alpha.test").await;
        let demotion = json!({ "role": "shop_staff", "shopIds": [a.shop] });
        client.post(&admin, &format!("/api/users/{first}/ban"), &json!({})).await.refused(409, "last_admin");
        client.put(&admin, &format!("/api/users/{first}"), &demotion).await.refused(409, "last_admin");
        client.delete(&admin, &format!("/api/users/{first}")).await.refused(409, "last_admin");
        // An admin who was only invited opens no door.
        let body = json!({ "email": "later@alpha.test", "name": "Later", "role": "company_admin" });
        client.post(&admin, "/api/users", &body).await.expect(201);
        client.delete(&admin, &format!("/api/users/{first}")).await.refused(409, "last_admin");

        let (second, other) = world.join(a, "second", json!([{ "role": "company_admin" }])).await;
        let paths = (format!("/api/users/{second}"), format!("/api/users/{first}"));
        let both = tokio::join!(client.delete(&admin, &paths.0), client.delete(&other, &paths.1));
        let gone = [both.0.status, both.1.status].iter().filter(|status| **status == 204).count();
        assert_eq!(gone, 1, "{} {}", both.0.text, both.1.text);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_reads_the_people_of_their_shops_only() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let shop = json!({ "slug": "second", "name": "MARKERA second" });
        let second = client.post(&admin, "/api/shops", &shop).await.expect(201);
        let (away, _) = world.join(a, "away", json!([{ "role": "shop_staff", "shopId": second["id"] }])).await;
        let manager = world.staff(a, "manager").await;
        let seen = emails(&world, &manager, "").await;
        assert!(seen.contains(&"staff@alpha.test".to_owned()) && seen.contains(&"rider@alpha.test".to_owned()), "{seen:?}");
        assert!(!seen.contains(&"away@alpha.test".to_owned()) && !seen.contains(&"admin@alpha.test".to_owned()), "{seen:?}");
        // A customer is somebody's of the shop by what they bought there.
        assert!(!seen.contains(&"customer@alpha.test".to_owned()), "{seen:?}");
        let customer = world.token_of(a, a.customer.clone()).await;
        let bought = crate::support::order(a, 0, 1, "test", Some("tok_ok"));
        client.post(&customer, "/api/orders", &bought).await.expect(201);
        assert!(emails(&world, &manager, "").await.contains(&"customer@alpha.test".to_owned()));
        client.get(&manager, &format!("/api/users/{}", a.customer.id)).await.expect(200);
        client.get(&manager, &format!("/api/users/{away}")).await.refused(404, "not_found");
        client.get(&admin, &format!("/api/users/{away}")).await.expect(200);
        client.post(&manager, "/api/users", &json!({})).await.refused(403, "forbidden");
        let staff = world.staff(a, "staff").await;
        client.get(&staff, "/api/users").await.refused(403, "forbidden");
        client.get(&staff, &format!("/api/users/{away}")).await.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_reads_and_changes_their_own_profile() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let rider = world.staff(a, "rider").await;
        let id = id_of(&world, &admin, "rider@alpha.test").await;
        let path = format!("/api/users/{id}");
        let own = client.get(&rider, &path).await.expect(200);
        assert_eq!(own["email"], "rider@alpha.test");
        let renamed = client.put(&rider, &path, &json!({ "name": "Ravi Kumar" })).await.expect(200);
        assert_eq!(renamed["name"], "Ravi Kumar");
        assert_eq!(emails(&world, &admin, "q=kumar").await, ["rider@alpha.test"]);
        client.put(&rider, &path, &json!({ "role": "company_admin" })).await.refused(404, "not_found");
        let customer = world.token_of(a, a.customer.clone()).await;
        let path = format!("/api/users/{}", a.customer.id);
        client.put(&customer, &path, &json!({ "customerGroup": "retailer" })).await.refused(404, "not_found");
        client.put(&customer, &path, &json!({ "phone": "+91 98000 00002" })).await.expect(200);
        client.get(&customer, &format!("/api/users/{id}")).await.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_the_beginnings_of_their_names_and_page_by_key() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        assert_eq!(emails(&world, &admin, "q=MARKERA%20cust").await, ["customer@alpha.test"]);
        assert_eq!(emails(&world, &admin, "q=cust").await, ["customer@alpha.test"]);
        assert_eq!(emails(&world, &admin, "q=customer%40al").await, ["customer@alpha.test"]);
        assert!(emails(&world, &admin, "q=markerb").await.is_empty());
        assert_eq!(emails(&world, &admin, "role=rider").await, ["rider@alpha.test"]);
        assert_eq!(emails(&world, &admin, "role=customer").await, ["customer@alpha.test"]);
        client.get(&admin, "/api/users?role=emperor").await.wrong("unknown");
        let all = emails(&world, &admin, "").await;
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client.get(&admin, &format!("/api/users?limit=2{cursor}")).await.expect(200);
            seen.extend(page["data"].as_array().expect("people").iter().map(|one| text(&one["email"])));
            let Some(next) = page["page"]["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, all);
        assert_eq!(seen.len(), 5);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banned_customer_is_out_until_let_in_again() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let customer = client.login("alpha", "customer@alpha.test").await;
        let path = format!("/api/users/{}", a.customer.id);
        client.post(&admin, &format!("{path}/ban"), &json!({})).await.expect(200);
        client.get(&customer, "/api/orders").await.refused(401, "session_ended");
        let body = json!({ "email": "customer@alpha.test", "password": PASSWORD });
        client.call("POST", "/api/auth/login", None, Some("alpha"), Some(&body), &[]).await.refused(403, "banned");
        let shown: Value = client.get(&admin, &path).await.expect(200);
        assert_eq!(shown["state"], "banned");
        client.post(&admin, &format!("{path}/unban"), &json!({})).await.expect(200);
        client.get(&customer, "/api/orders").await.refused(401, "session_ended");
        client.login("alpha", "customer@alpha.test").await;
        let group = client.put(&admin, &path, &json!({ "customerGroup": "retailer" })).await.expect(200);
        assert_eq!(group["customerGroup"], "retailer");
        client.put(&admin, &path, &json!({ "customerGroup": "emperors" })).await.wrong("unknown");
        world.verify().await;
        world.close().await;
    }
}
