//! Input that is meant to break something: texts that no database keeps, words without an end,
//! pictures in masses.

use serde_json::{Value, json};
use souk::{models::identity, tenancy::Device};

use crate::support::{PASSWORD, World, png, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_is_refused_with_its_field_and_breaks_nothing() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let open = async |path: &str, body: Value| client.call("POST", path, None, Some("alpha"), Some(&body), &[]).await;
        let named = |answer: crate::support::Answer, field: &str| {
            let body = answer.refused(422, "invalid_input");
            assert_eq!((&body["errors"][0]["code"], &body["errors"][0]["field"]), (&json!("invalid_character"), &json!(field)), "{body}");
        };
        named(open("/api/auth/login", json!({ "email": "\u{0}", "password": PASSWORD })).await, "email");
        named(open("/api/auth/forgot-password", json!({ "email": "a\u{0}@alpha.test" })).await, "email");
        let customer = world.token_of(a, a.customer.clone()).await;
        let mut body = crate::support::order(a, 0, 1, "cod", None);
        body["shippingAddress"]["line1"] = json!("12 \u{0} Road");
        named(client.post(&customer, "/api/orders", &body).await, "shippingAddress.line1");
        let mut body = crate::support::order(a, 0, 1, "cod", None);
        body["items"][0]["variantId"] = json!("\u{0}");
        named(client.post(&customer, "/api/orders", &body).await, "items[0].variantId");
        // Written out it is a text like others.
        let harmless = json!({ "name": "Back\\u0000slash" });
        client.put(&customer, "/api/auth/profile", &harmless).await.expect(200);

        named(client.get(&customer, "/api/products?q=mou%00se").await, "q");
        named(client.get(&customer, "/api/products?attr.colour=%00").await, "attr.colour");
        client.get(&customer, "/api/products/%00").await.refused(404, "not_found");
        let admin = client.sign_in("admin@alpha.test").await;
        let form = [("email", "a@b.test"), ("name", "N\u{0}"), ("role", "company_admin")];
        client.form(&admin, "/company/staff", &form).await.shows_refused(&["a character that cannot be kept"]);
        assert_eq!(client.form("", "/sign-in", &[("email", "a\u{0}@b.test"), ("password", "x")]).await.status, 422);
        let page = client.page(&admin, "/company/staff?q=%00").await;
        assert_eq!(page.status, 422, "{}", page.text);

        // What slips past the doors is still the caller's fault, and not ours.
        let slipped = identity::sign_in(&world.souk, Some(a.id), "a\u{0}@b.test", PASSWORD, &Device::default()).await;
        let code = slipped.map(|_| ()).expect_err("nobody").code();
        assert_eq!(code, if world.is_postgres() { "invalid_input" } else { "wrong_credentials" });
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_a_message_have_an_end_and_a_template() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let plain = json!({ "customerIds": [world.a.customer.id], "class": "important", "title": "Hello", "text": "There" });
        let with = |changes: Value| {
            let mut body = plain.clone();
            body.as_object_mut().expect("a body").extend(changes.as_object().expect("changes").clone());
            body
        };
        let send = async |body: Value| client.post(&admin, "/api/notifications/send", &body).await;
        let refused = |answer: crate::support::Answer, code: &str| {
            let body = answer.refused(422, "invalid_input");
            assert_eq!((&body["errors"][0]["field"], &body["errors"][0]["code"]), (&json!("words"), &json!(code)), "{body}");
        };
        refused(send(with(json!({ "words": { "code": "TEN" } }))).await, "not_here");
        let own = json!({ "name": "offer", "language": "en", "subject": "An offer", "body": "Use {{ words.code }}." });
        client.post(&admin, "/api/notifications/templates", &own).await.expect(201);
        let of_template = |words: Value| {
            let mut body = with(json!({ "template": "offer", "words": words }));
            let all = body.as_object_mut().expect("a body");
            all.remove("title");
            all.remove("text");
            body
        };
        refused(send(of_template(json!({ "code": "x".repeat(20_001) }))).await, "too_long");
        send(of_template(json!({ "code": "TEN" }))).await.expect(201);
        send(plain.clone()).await.expect(201);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_come_in_bounds_and_where_there_is_room() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let path = format!("/api/products/{}/media", a.product);
        let many: Vec<_> = (0..21).map(|_| ("file", "a.png", png(8, 8))).collect();
        client.upload(&admin, &path, &[], &many).await.wrong("too_many");
        let cookie = client.sign_in("admin@alpha.test").await;
        let page = format!("/company/products/{}", a.product);
        let told = client.upload_form(&cookie, &format!("{page}/media"), &[], &many).await.leads_to();
        client.page(&cookie, &told).await.shows(&["These are too many."]);

        let told = client.upload_form(&cookie, &format!("{page}/media"), &[], &many[..20]).await.leads_to();
        client.page(&cookie, &told).await.shows(&["data-flash"]);
        let full = client.get(&admin, &format!("/api/products/{}", a.product)).await.expect(200);
        assert_eq!(full["media"].as_array().map(Vec::len), Some(20), "{full}");
        // Refused before it is read: what this is would be another refusal.
        client.upload(&admin, &path, &[], &[("file", "a.png", b"no picture".to_vec())]).await.refused(409, "too_many_pictures");
        assert_eq!(text(&full["id"]), a.product.to_string());
        world.verify().await;
        world.close().await;
    }
}
