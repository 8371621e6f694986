//! Who is told what, and what they want to hear.

use serde_json::{Value, json};
use souk::{
    events::Event,
    models::identity,
    tenancy::{Scope, Tenant},
};

use super::{Outside, buy, id_of, reader, turn_at, ways, write_to};
use crate::support::{Company, World, order, text};

async fn messages(world: &World, token: &str) -> Vec<Value> {
    let list = world.client.get(token, "/api/notifications?limit=100").await.expect(200);
    list["data"].as_array().expect("a list").clone()
}

fn named<'a>(messages: &'a [Value], template: &str) -> Vec<&'a Value> {
    messages.iter().filter(|one| one["template"] == template).collect()
}

async fn scope(world: &World, company: &Company) -> Scope {
    world.souk.write(Tenant::system(company.id)).await.expect("a scope")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_told_to_its_customer_and_to_the_people_of_its_shop_once() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, email) = reader(&world, &world.a).await;
        let welcome = outside.smtp.to(&email);
        assert_eq!(welcome[0].header("subject"), "Welcome to Company alpha");
        outside.clear();
        let order = buy(&world, &world.a, &token).await;
        turn_at(&world, 0).await;
        turn_at(&world, 0).await;

        let mine = messages(&world, &token).await;
        let told = named(&mine, "order_confirmed");
        assert_eq!((told.len(), told[0]["class"].as_str()), (1, Some("critical")));
        assert_eq!(told[0]["title"], format!("Order {} is confirmed", text(&order["orderNumber"])));
        let ways = ways(&world, &token, &text(&told[0]["id"])).await;
        let mut by: Vec<_> = ways.iter().map(|way| format!("{} {}", text(&way["channel"]), text(&way["state"]))).collect();
        by.sort();
        assert_eq!(by, ["email sent", "in_app delivered", "sms sent"]);
        assert_eq!(outside.smtp.to(&email).len(), 1);

        for (role, hears) in [("manager", 1), ("staff", 1), ("rider", 0), ("admin", 0)] {
            let their = world.staff(&world.a, role).await;
            let list = messages(&world, &their).await;
            assert_eq!(named(&list, "staff_new_order").len(), hears, "{role}: {list:#?}");
            assert_eq!(named(&list, "order_confirmed").len(), 0);
        }
        let manager = world.staff(&world.a, "manager").await;
        let told = messages(&world, &manager).await;
        let told = named(&told, "staff_new_order")[0].clone();
        assert!(text(&told["translations"]["hi"]["title"]).starts_with("नया ऑर्डर"), "{told}");
        for role in ["manager", "staff", "admin"] {
            let their = world.staff(&world.b, role).await;
            assert!(messages(&world, &their).await.iter().all(|one| one["template"] != "staff_new_order"), "the neighbour hears nothing");
        }
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_a_payment_is_told() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, _) = reader(&world, &world.a).await;
        world.client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_declined"))).await;
        turn_at(&world, 0).await;
        let mine = messages(&world, &token).await;
        assert_eq!(named(&mine, "payment_failed")[0]["class"], "critical");
        let bought = buy(&world, &world.a, &token).await;
        let path = format!("/api/orders/{}/cancel", text(&bought["id"]));
        world.client.post(&token, &path, &json!({ "reason": "changed my mind" })).await.expect(200);
        turn_at(&world, 0).await;
        let mine = messages(&world, &token).await;
        assert!(text(&named(&mine, "payment_refunded")[0]["title"]).contains("₹100.00"), "{mine:#?}");
        assert_eq!(named(&mine, "order_cancelled").len(), 1);
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_that_run_low_are_told_to_the_shops_managers_once_a_day() {
    for world in World::all().await {
        let (token, _) = reader(&world, &world.a).await;
        for _ in 0..2 {
            world.client.post(&token, "/api/orders", &order(&world.a, 2, 5, "cod", None)).await.expect(201);
            turn_at(&world, 0).await;
        }
        let manager = world.staff(&world.a, "manager").await;
        let low = messages(&world, &manager).await;
        let low = named(&low, "stock_low");
        assert_eq!(low.len(), 1, "{low:#?}");
        assert!(text(&low[0]["title"]).starts_with("MARKERA goods, Size 2 runs low at"), "{low:#?}");
        world.client.post(&token, "/api/orders", &order(&world.a, 2, 1, "cod", None)).await.expect(201);
        turn_at(&world, 0).await;
        assert_eq!(named(&messages(&world, &manager).await, "stock_low").len(), 1, "the same is not said twice a day");
        world.client.post(&token, "/api/orders", &order(&world.a, 2, 1, "cod", None)).await.expect(201);
        turn_at(&world, 0).await;
        assert_eq!(named(&messages(&world, &manager).await, "stock_out").len(), 1);
        let staff = world.staff(&world.a, "staff").await;
        assert_eq!(named(&messages(&world, &staff).await, "stock_low").len(), 0);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_that_are_not_on_sale_run_out_like_others() {
    for world in World::all().await {
        let admin = world.staff(&world.a, "admin").await;
        let product = format!("/api/products/{}", world.a.product);
        world.client.put(&admin, &product, &json!({ "isActive": false })).await.expect(200);
        let none = json!({ "locationId": world.a.location, "quantity": 0, "operation": "set", "reason": "counted" });
        world.client.patch(&admin, &format!("/api/inventory/{}", world.a.variants[2]), &none).await.expect(200);
        // It may be archived before anybody is told: what lies on the shelf is named all the same.
        world.client.patch(&admin, &format!("/api/inventory/{}", world.a.variants[1]), &none).await.expect(200);
        world.client.delete(&admin, &format!("{product}/variants/{}", world.a.variants[1])).await.expect(204);
        turn_at(&world, 0).await;
        assert_eq!(world.count("SELECT COUNT(*) FROM jobs WHERE attempts > 0 AND state IN ('ready', 'dead')").await, 0);
        let manager = world.staff(&world.a, "manager").await;
        let told = messages(&world, &manager).await;
        assert_eq!(named(&told, "stock_out").len(), 2, "{told:#?}");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_with_a_link_keeps_the_link_to_itself() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, email) = reader(&world, &world.a).await;
        let id = id_of(&world, &token).await;
        outside.clear();
        let within = scope(&world, &world.a).await;
        let staff = identity::members_with(&within, &[souk::tenancy::Role::ShopStaff], None).await.expect("members");
        for (template, key, who) in [("password_reset", "customerId", id.clone()), ("staff_invited", "memberId", staff[0].id.to_string())] {
            let data = json!({ "class": "essential", "template": template, (key): who });
            within.emit(Event::new("notification.requested", ("user", who.parse().expect("an id")), None, data)).await.expect("told");
        }
        within.commit().await.expect("kept");
        turn_at(&world, 0).await;

        let letters = outside.smtp.to(&email);
        let letter = letters[0].part("text/plain");
        let link = letter.lines().find(|line| line.starts_with("https://shop.example.com/new-password?link=")).expect("a link");
        assert!(letters[0].part("text/html").contains(&format!("href=\"{}\"", link.trim())), "{}", letters[0].part("text/html"));
        assert_eq!(letters[0].header("list-unsubscribe"), "");
        let invited = outside.smtp.to("staff@alpha.test");
        assert!(invited[0].part("text/plain").contains("https://shop.example.com/invitation?link="), "{}", invited[0].text);
        assert!(outside.providers.accepted().is_empty(), "a link goes by e-mail alone");

        let secret = link.split("link=").nth(1).expect("a secret").trim();
        let platform = world.souk.platform("verify").await.expect("the platform");
        for (table, column) in
            [("notifications", "body"), ("notifications", "data"), ("outbox", "data"), ("jobs", "args"), ("audit_entries", "changes")]
        {
            let ask = format!(
                "SELECT COUNT(*) AS found FROM {table} WHERE CAST({column} AS text) LIKE '%{secret}%' OR CAST({column} AS text) LIKE '%link=%'"
            );
            let found: i64 = platform.ask(&ask, vec![]).await.expect("asked")[0].try_get("", "found").expect("a count");
            assert_eq!(found, 0, "{table}.{column} holds a link");
        }
        drop(platform);
        let shown = messages(&world, &token).await;
        assert_eq!(named(&shown, "password_reset").len(), 1, "that somebody asked is worth knowing");
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn debts_and_security_are_told_to_the_companys_admins() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        outside.clear();
        let within = scope(&world, &world.a).await;
        let debt = souk::ids::RowId::new().0;
        let boss = souk::models::identity::admins(&within).await.expect("admins").remove(0);
        let data =
            json!({ "class": "critical", "template": "debt_overdue", "memberId": boss.id, "amount": 499_900, "dueDate": "2026-01-31" });
        within.emit(Event::new("notification.requested", ("debt", debt), None, data)).await.expect("told");
        let data = json!({ "what": "lock_out" });
        for _ in 0..2 {
            within.emit(Event::new("audit.security", ("user", world.a.customer.id.0), None, data.clone())).await.expect("told");
        }
        within.commit().await.expect("kept");
        turn_at(&world, 0).await;
        let admin = world.staff(&world.a, "admin").await;
        let list = messages(&world, &admin).await;
        assert_eq!(named(&list, "debt_overdue")[0]["title"], "₹4,999.00 is overdue");
        assert_eq!(named(&list, "security").len(), 1, "the same is not said twice within the hour");
        let letters = outside.smtp.to("admin@alpha.test");
        assert!(letters.iter().any(|letter| letter.part("text/plain").contains("2026-01-31")), "{letters:#?}");
        assert!(outside.smtp.to("admin@beta.test").is_empty());
        let shown = ways(&world, &admin, &text(&named(&list, "debt_overdue")[0]["id"])).await;
        let sms = shown.iter().find(|way| way["channel"] == "sms").expect("a way");
        assert_eq!((sms["state"].as_str(), sms["reason"].as_str()), (Some("skipped"), Some("no_address")));
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_read_and_counted_for_their_person_alone() {
    for world in World::all().await {
        let (token, _) = reader(&world, &world.a).await;
        let (other, _) = reader(&world, &world.a).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(write_to(&world, &world.a, &token, "informational").await);
        }
        let first = world.client.get(&token, "/api/notifications?limit=2").await.expect(200);
        assert_eq!(first["unread"], 4, "three and the welcome");
        let cursor = text(&first["page"]["next"]);
        let second = world.client.get(&token, &format!("/api/notifications?limit=2&cursor={cursor}")).await.expect(200);
        let seen: Vec<_> =
            [&first, &second].iter().flat_map(|page| page["data"].as_array().expect("a list")).map(|one| text(&one["id"])).collect();
        assert_eq!(seen[..3], [ids[2].clone(), ids[1].clone(), ids[0].clone()]);
        world.client.get(&other, &format!("/api/notifications?cursor={cursor}&unread=true")).await.wrong("cursor_invalid");

        let path = format!("/api/notifications/{}/read", ids[0]);
        world.client.call("PUT", &path, Some(&other), None, None, &[]).await.refused(404, "not_found");
        for _ in 0..2 {
            assert_eq!(world.client.call("PUT", &path, Some(&token), None, None, &[]).await.status, 204);
        }
        world.client.get(&other, &format!("/api/notifications/{}", ids[0])).await.refused(404, "not_found");
        assert!(world.client.get(&token, &format!("/api/notifications/{}", ids[0])).await.expect(200)["readAt"].is_string());
        assert_eq!(world.client.get(&token, "/api/notifications?unread=true").await.expect(200)["unread"], 3);
        assert_eq!(world.client.call("PUT", "/api/notifications/read-all", Some(&token), None, None, &[]).await.status, 204);
        assert_eq!(world.client.get(&token, "/api/notifications").await.expect(200)["unread"], 0);
        assert_eq!(world.client.get(&other, "/api/notifications").await.expect(200)["unread"], 1, "another's messages stay unread");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_choose_their_ways_but_not_none_for_what_is_critical() {
    for world in World::all().await {
        let (token, _) = reader(&world, &world.a).await;
        let put =
            async |body: Value| world.client.call("PUT", "/api/notifications/preferences", Some(&token), None, Some(&body), &[]).await;
        let before = world.client.get(&token, "/api/notifications/preferences").await.expect(200);
        assert_eq!(before["critical"], json!({ "email": true, "sms": true, "push": false, "whatsapp": false, "in_app": true }));
        assert_eq!(before["important"], json!({ "email": true, "sms": false, "push": true, "whatsapp": false, "in_app": true }));
        assert_eq!(before["informational"], json!({ "email": false, "sms": false, "push": true, "whatsapp": false, "in_app": true }));
        put(json!({ "critical": { "email": false, "sms": false } })).await.wrong("critical_needs_a_way");
        put(json!({ "critical": { "email": false } })).await.expect(200);
        put(json!({ "critical": { "sms": false } })).await.wrong("critical_needs_a_way");
        put(json!({ "informational": { "in_app": false } })).await.wrong("always_on");
        assert_eq!(put(json!({ "critical": { "pigeon": true } })).await.status, 422);
        put(json!({ "informational": { "push": false, "email": true } })).await.expect(200);
        let id = write_to(&world, &world.a, &token, "informational").await;
        let by: Vec<_> = ways(&world, &token, &id).await.iter().map(|way| text(&way["channel"])).collect();
        assert_eq!(by, ["in_app", "email"]);
        let manager = world.staff(&world.a, "manager").await;
        let theirs = world.client.get(&manager, "/api/notifications/preferences").await.expect(200);
        assert_eq!(theirs["critical"]["email"], true, "everybody chooses for themselves");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_click_in_a_letter_ends_letters_of_its_class() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, email) = reader(&world, &world.a).await;
        outside.clear();
        write_to(&world, &world.a, &token, "important").await;
        turn_at(&world, 0).await;
        let out = outside.smtp.to(&email)[0].header("list-unsubscribe");
        let path = out.trim_matches(['<', '>']).replace("https://shop.example.com", "");
        let click = async |path: &str| {
            let headers = [("content-type", "application/x-www-form-urlencoded")];
            world.client.send("POST", path, None, Some("List-Unsubscribe=One-Click".into()), &headers).await
        };
        // Looking at the address changes nothing: it leads to a page that asks.
        let looked = world.client.send("GET", &path, None, None, &[]).await;
        assert!(looked.status == 303 || looked.status == 200, "{}", looked.status);
        click(&path.replace("class=important", "class=informational")).await.wrong("link_invalid");
        click(&path.replace("class=important", "class=critical")).await.wrong("link_invalid");
        click(&path[..path.len() - 2]).await.wrong("link_invalid");
        for _ in 0..2 {
            click(&path).await.expect(200);
        }
        let after = world.client.get(&token, "/api/notifications/preferences").await.expect(200);
        assert_eq!((after["important"]["email"].as_bool(), after["critical"]["email"].as_bool()), (Some(false), Some(true)));
        outside.clear();
        write_to(&world, &world.a, &token, "important").await;
        write_to(&world, &world.a, &token, "critical").await;
        turn_at(&world, 0).await;
        assert_eq!(outside.smtp.to(&email).len(), 1, "only what is critical still comes");
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_message_waits_and_a_repeated_request_sends_once() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, email) = reader(&world, &world.a).await;
        outside.clear();
        let admin = world.staff(&world.a, "admin").await;
        let at = souk::clock::now().plus(std::time::Duration::from_secs(3_600)).to_string();
        let mut body = json!({ "customerIds": [id_of(&world, &token).await], "class": "important", "title": "Tomorrow", "text": "Soon", "sendAt": at });
        world.client.post(&admin, "/api/notifications/send", &body).await.wrong("not_here");
        let once = async |path: &str, body: &Value| {
            world.client.call("POST", path, Some(&admin), None, Some(body), &[("idempotency-key", "one")]).await
        };
        let first = once("/api/notifications/schedule", &body).await.expect(201);
        assert_eq!(once("/api/notifications/schedule", &body).await.expect(201), first);
        turn_at(&world, 0).await;
        assert!(outside.smtp.to(&email).is_empty());
        assert_eq!(world.client.get(&token, "/api/notifications").await.expect(200)["unread"], 1, "nobody sees it before its time");
        turn_at(&world, 3_700).await;
        assert_eq!(outside.smtp.to(&email).len(), 1);

        body["sendAt"] = json!("yesterday");
        world.client.post(&admin, "/api/notifications/schedule", &body).await.wrong("invalid");
        body["sendAt"] = json!("2020-01-01T00:00:00Z");
        world.client.post(&admin, "/api/notifications/schedule", &body).await.wrong("out_of_range");
        body["customerIds"] = json!([world.b.customer.id]);
        body["sendAt"] = json!(at);
        world.client.post(&admin, "/api/notifications/schedule", &body).await.wrong("unknown");
        let manager = world.staff(&world.a, "manager").await;
        world.client.post(&manager, "/api/notifications/schedule", &body).await.refused(403, "forbidden");

        let log =
            world.client.get(&admin, &format!("/api/notifications/deliveries?channel=email&state=sent&email={email}")).await.expect(200);
        assert_eq!(log["data"][0]["notification"]["title"], "Tomorrow");
        let audit = world.client.get(&admin, "/api/audit/logs?limit=100").await.expect(200);
        assert!(
            audit["data"].as_array().expect("entries").iter().any(|entry| entry["action"] == "send" && entry["resource"] == "notification")
        );
        let neighbour = world.staff(&world.b, "admin").await;
        let log = world.client.get(&neighbour, &format!("/api/notifications/deliveries?email={email}")).await.expect(200);
        assert_eq!(log["data"], json!([]));
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}
