//! How far a right reaches: not to the company's customers from one shop, not to a sibling's sales,
//! not to goods for play money.

use loco_rs::environment::Environment;
use serde_json::json;
use souk::{
    ids::ShopId,
    models::identity,
    settings::{self, Demo, Settings},
    tenancy::Tenant,
};

use crate::support::{World, order, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_right_to_people_at_one_shop_ends_before_the_companys_customers() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let role = json!({ "name": "People keeper", "permissions": ["users:read", "users:write"] });
        let role = client.post(&admin, "/api/roles", &role).await.expect(201);
        let (_, here) = world.join(a, "here", json!([{ "role": role["id"], "shopId": a.shop }])).await;
        let (_, whole) = world.join(a, "whole", json!([{ "role": role["id"] }])).await;
        let customer = world.token_of(a, a.customer.clone()).await;
        client.post(&customer, "/api/orders", &order(a, 0, 1, "test", Some("tok_ok"))).await.expect(201);

        // Whoever bought at the shop is seen there, and is not the shop's.
        let path = format!("/api/users/{}", a.customer.id);
        client.get(&here, &path).await.expect(200);
        let change = json!({ "customerGroup": "retailer" });
        client.put(&here, &path, &change).await.refused(403, "forbidden");
        client.post(&here, &format!("{path}/ban"), &json!({})).await.refused(403, "forbidden");
        client.delete(&here, &path).await.refused(403, "forbidden");
        let cookie = client.sign_in("here@alpha.test").await;
        let page = format!("/company/customers/{}", a.customer.id);
        let shown = client.page(&cookie, &page).await;
        shown.shows(&["MARKERA customer"]);
        for act in ["ban", "personal.json", "forget"] {
            assert!(!shown.text.contains(&format!("{page}/{act}")), "`{act}` is offered: {}", shown.text);
            let form = [("confirmEmail", a.customer.email.as_str())];
            assert_eq!(client.form(&cookie, &format!("{page}/{act}"), &form).await.status, 403, "{act}");
        }
        let form = [("name", "Mine"), ("phone", ""), ("customerGroup", "retail"), ("version", "1")];
        assert_eq!(client.form(&cookie, &page, &form).await.status, 403);

        assert_eq!(client.put(&whole, &path, &change).await.expect(200)["customerGroup"], "retailer");
        client.post(&whole, &format!("{path}/ban"), &json!({})).await.expect(200);
        // Shutting out who is out already changes nothing, and still is not theirs to ask for.
        client.delete(&here, &path).await.refused(403, "forbidden");
        client.delete(&whole, &path).await.expect(204);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_payments_tells_nothing_of_a_sibling_shops() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let second = client.post(&admin, "/api/shops", &json!({ "slug": "second", "name": "MARKERA second" })).await.expect(201);
        let (_, manager) = world.join(a, "second", json!([{ "role": "shop_manager", "shopId": second["id"] }])).await;
        let customer = world.token_of(a, a.customer.clone()).await;
        for _ in 0..3 {
            client.post(&customer, "/api/orders", &order(a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        }
        let theirs = client.get(&manager, "/api/payments/history?limit=1").await.expect(200);
        assert_eq!((&theirs["data"], &theirs["page"]["next"]), (&json!([]), &json!(null)), "{theirs}");
        let own = world.staff(a, "manager").await;
        let page = client.get(&own, "/api/payments/history?limit=2").await.expect(200);
        assert_eq!(page["data"].as_array().map(Vec::len), Some(2));
        let rest = format!("/api/payments/history?limit=2&cursor={}", text(&page["page"]["next"]));
        let rest = client.get(&own, &rest).await.expect(200);
        assert_eq!((rest["data"].as_array().map(Vec::len), &rest["page"]["next"]), (Some(1), &json!(null)));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_hold_a_role_is_counted_among_the_people_one_sees() {
    for world in World::all().await {
        let count = async |shops: Option<Vec<ShopId>>| {
            let scope = world.souk.read(Tenant { shops, ..Tenant::system(world.a.id) }).await.expect("a scope");
            identity::holders_of_each(&scope).await.expect("counts").values().sum::<usize>()
        };
        assert_eq!(count(None).await, 4);
        assert_eq!(count(Some(vec![world.a.shop])).await, 3, "the admin is of no shop");
        assert_eq!(count(Some(vec![ShopId::new()])).await, 0);
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sold_for_play_money_where_it_is_not_offered() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let serious = world.beside(|settings| settings.test_gateway = false).await;
        let customer = world.token_of(a, a.customer.clone()).await;
        let paid = client.post(&customer, "/api/orders", &order(a, 1, 1, "test", Some("tok_ok"))).await.expect(201);
        let unpaid = client.post(&customer, "/api/orders", &order(a, 0, 1, "test", None)).await.expect(201);

        for method in [None, Some("tok_ok")] {
            serious.post(&customer, "/api/orders", &order(a, 0, 1, "test", method)).await.wrong("not_offered");
        }
        serious.post(&customer, "/api/orders", &order(a, 0, 1, "paypal", None)).await.wrong("unknown");
        let pay = format!("/api/orders/{}/process-payment", text(&unpaid["orders"][0]["id"]));
        serious.post(&customer, &pay, &json!({ "paymentMethod": "tok_ok" })).await.wrong("not_offered");
        assert_eq!(world.count("SELECT COUNT(*) FROM orders WHERE payment_status = 'paid'").await, 1);
        // What was paid there before is given back there.
        let cancel = format!("/api/orders/{}/cancel", text(&paid["orders"][0]["id"]));
        serious.post(&customer, &cancel, &json!({ "reason": "changed my mind" })).await.expect(200);
        serious.post(&customer, "/api/orders", &order(a, 0, 1, "cod", None)).await.expect(201);
        world.verify().await;
        world.close().await;
    }
}

#[test]
fn production_takes_play_money_only_when_it_is_told_to() {
    let told = |environment: &Environment| {
        let config = settings::load(environment).expect("settings");
        config.settings.expect("ours")["test_gateway"].clone()
    };
    assert_eq!(told(&Environment::Production), json!(false));
    assert_eq!((told(&Environment::Development), told(&Environment::Test)), (json!(true), json!(true)));
    let config = settings::load(&Environment::Test).expect("settings");
    let of_tests = settings::of(&config, &Environment::Test).expect("typed settings");
    assert!(Settings { demo: Demo::Small, ..of_tests.clone() }.check().is_ok());
    assert!(Settings { demo: Demo::Small, test_gateway: false, ..of_tests }.check().is_err(), "a demo that cannot trade");
}
