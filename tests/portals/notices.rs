//! What the company sends, and what its people are told, on their pages.

use serde_json::json;

use crate::support::{World, order, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_log_shows_what_was_sent_and_one_message_with_its_ways() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        world.verify().await;
        let admin = client.sign_in("admin@alpha.test").await;
        client.page(&admin, "/company/notifications").await.shows(&["MARKERA customer", "is confirmed", "Skipped"]);
        let of_sms = client.page(&admin, "/company/notifications?channel=sms&state=skipped&q=customer@alpha.test").await;
        of_sms.shows(&["is confirmed"]);
        client.page(&admin, "/company/notifications?q=customer@beta.test").await.shows(&["Nothing matches"]);
        let list = client.get(&token, "/api/notifications").await.expect(200);
        let id = text(&list["data"][0]["id"]);
        client.page(&admin, &format!("/company/notifications/{id}")).await.shows(&["This way is not set up.", "In the app"]);
        let csv = client.page(&admin, "/company/notifications/export.csv?channel=sms").await;
        assert!(csv.text.lines().count() >= 2 && !csv.text.contains("+919800000001"), "{}", csv.text);
        let neighbour = client.sign_in("admin@beta.test").await;
        assert_eq!(client.page(&neighbour, &format!("/company/notifications/{id}")).await.status, 404);
        let staff = client.sign_in("staff@alpha.test").await;
        assert_eq!(client.page(&staff, "/company/notifications").await.status, 403);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_tried_kept_and_put_back_on_its_page() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        client.page(&admin, "/company/notifications/templates").await.shows(&["Order confirmed", "Hindi"]);
        let path = "/company/notifications/templates/order_shipped.en";
        client.page(&admin, path).await.shows(&["order.tracking", "is on its way", "रास्ते में है"]);
        let mine = [("subject", "Gone: {{ order.number }}"), ("body", "Bye <{{ person.name }}>"), ("short", ""), ("html", "")];
        let tried = client.form(&admin, &format!("{path}/preview"), &mine).await;
        assert_eq!(tried.status, 200);
        assert!(tried.text.contains("Gone: A-1042") && tried.text.contains("Bye &lt;Priya Sharma&gt;"), "{}", tried.text);
        let wrong = client.form(&admin, path, &[("subject", "x"), ("body", "{{ ordr }}")]).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("there is no variable") && wrong.text.contains("{{ ordr }}"), "{}", wrong.text);
        client.page(&admin, path).await.shows(&["Souk"]);

        assert_eq!(client.form(&admin, path, &mine).await.leads_to(), format!("{path}?said=flash.saved"));
        client.page(&admin, path).await.shows(&["Your own", "Gone: A-1042"]);
        let letter = client.page(&admin, &format!("{path}/letter")).await;
        let policy = letter.headers["content-security-policy"].to_str().unwrap_or_default();
        assert!(policy.starts_with("sandbox;") && letter.text.contains("Bye &lt;Priya Sharma&gt;"), "{policy}: {}", letter.text);
        let stale = client.form(&admin, path, &[("subject", "x"), ("body", "y"), ("version", "7")]).await;
        assert_eq!(stale.status, 412);
        let reset = client.form(&admin, &format!("{path}/reset"), &[]).await.leads_to();
        client.page(&admin, &reset).await.shows(&["Your text is gone."]);
        let neighbour = client.sign_in("admin@beta.test").await;
        assert!(!client.page(&neighbour, path).await.text.contains("Gone:"));
        let manager = client.sign_in("manager@alpha.test").await;
        assert_eq!(client.page(&manager, path).await.status, 403);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bell_counts_what_is_unread_and_a_message_leads_to_its_order() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        let placed = client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        world.verify().await;
        let manager = client.sign_in("manager@alpha.test").await;
        client.page(&manager, "/company/orders").await.shows(&["hx-get=\"/messages/bell\""]);
        client.page(&manager, "/messages/bell").await.shows(&["1 unread", "sk-pip"]);
        client.page(&manager, "/messages").await.shows(&["New order"]);
        client.form(&manager, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        client.page(&manager, "/messages").await.shows(&["नया ऑर्डर"]);
        client.form(&manager, "/language", &[("lang", "en"), ("next", "/")]).await.leads_to();
        let list = client.get(&world.staff(&world.a, "manager").await, "/api/notifications").await.expect(200);
        let id = text(&list["data"][0]["id"]);
        let to = client.form(&manager, &format!("/messages/{id}/open"), &[]).await.leads_to();
        assert_eq!(to, format!("/company/orders/{}", text(&placed["orders"][0]["id"])));
        let bell = client.page(&manager, "/messages/bell").await;
        assert!(!bell.text.contains("sk-pip"), "{}", bell.text);
        let staff = client.sign_in("staff@alpha.test").await;
        client.page(&staff, "/messages/bell").await.shows(&["1 unread"]);
        let neighbour = client.sign_in("manager@beta.test").await;
        assert_eq!(client.form(&neighbour, &format!("/messages/{id}/open"), &[]).await.status, 404);
        client.form(&staff, "/messages/read-all", &[]).await.leads_to();
        assert!(!client.page(&staff, "/messages/bell").await.text.contains("sk-pip"));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_ends_letters_on_a_page_that_asks_first() {
    use souk::models::identity::{Link, Purpose};
    for world in World::all().await {
        let client = &world.client;
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        let until = souk::clock::now().plus(std::time::Duration::from_secs(3_600));
        let of = |class: &str| {
            Link::seal(&world.souk, Purpose::Unsubscribe, Some(world.a.id), world.a.customer.id.0, class, until).expect("a link")
        };
        let link = of("important");
        let path = format!("/unsubscribe?class=important&link={link}");
        client.page("", &path).await.shows(&["Letters from Company alpha", "No more letters of this kind"]);
        let wants = async || client.get(&token, "/api/notifications/preferences").await.expect(200)["important"]["email"].clone();
        assert_eq!(wants().await, json!(true), "to look changes nothing");
        let ended = client.form("", "/unsubscribe", &[("class", "important"), ("link", &link)]).await;
        assert!(ended.status == 200 && ended.text.contains("No more of these letters from Company alpha"), "{}", ended.text);
        assert_eq!(wants().await, json!(false));
        client.form("", "/unsubscribe", &[("class", "important"), ("link", &link), ("again", "1")]).await;
        assert_eq!(wants().await, json!(true));
        assert_eq!(client.page("", &format!("/unsubscribe?class=informational&link={link}")).await.status, 422);
        assert_eq!(client.page("", &format!("/unsubscribe?class=critical&link={}", of("critical"))).await.status, 422);
        world.verify().await;
        world.close().await;
    }
}
