//! The page behind an invitation's letter.

use std::time::Duration;

use serde_json::json;
use souk::clock;

use crate::support::{PASSWORD, World, text};

/// The letter's link, as the log of messages would send it.
async fn letter(world: &World, email: &str, role: &str) -> (String, String) {
    let admin = world.staff(&world.a, "admin").await;
    let body = json!({ "email": email, "name": "Nila <b>Rao</b>", "role": role, "shopIds": [world.a.shop] });
    let invited = world.client.post(&admin, "/api/users", &body).await.expect(201);
    let id = text(&invited["id"]);
    let link = world.invitation(&world.a, &id).await;
    (id, link)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_leads_to_who_asks_and_to_what_and_then_in() {
    for world in World::all().await {
        let client = &world.client;
        let (id, link) = letter(&world, "nila@alpha.test", "shop_staff").await;
        let path = format!("/invitation?link={link}");
        let page = client.page("", &path).await;
        page.shows(&[
            "Join Company alpha",
            "MARKERA admin invites you as nila@alpha.test",
            "Shop staff",
            "MARKERA shop",
            "Nila &lt;b&gt;Rao",
        ]);
        client.page("souk_language=hi", &path).await.shows(&["Company alpha से जुड़ें", "दुकान कर्मचारी"]);

        let come = async |name: &str, password: &str, again: &str| {
            let form = [("link", link.as_str()), ("name", name), ("password", password), ("againPassword", again)];
            client.form("", "/invitation", &form).await
        };
        let refused = come("Nila Rao", PASSWORD, "another").await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("The two are different.") && refused.text.contains("value=\"Nila Rao\""), "{}", refused.text);
        let refused = come("", "short", "short").await;
        assert!(refused.status == 422 && refused.text.contains("Fill this in."), "{}", refused.text);
        let weak = come("Nila Rao", "password", "password").await;
        assert!(weak.status == 422 && weak.text.contains("easy to guess"), "{}", weak.text);
        assert!(!weak.text.contains("value=\"password\""), "a password came back");

        // A repeated form finds the invitation accepted.
        let came = come("Nila Rao", PASSWORD, PASSWORD).await;
        assert_eq!(came.leads_to(), "/shop/orders");
        let cookie = came.headers.get("set-cookie").and_then(|value| value.to_str().ok()).expect("a session").to_owned();
        client.page(cookie.split(';').next().expect("a cookie"), "/account").await.shows(&["Nila Rao", "nila@alpha.test"]);
        let again = come("Nila Rao", PASSWORD, PASSWORD).await;
        assert!(again.status == 422 && again.text.contains("You accepted this invitation"), "{}", again.text);
        assert!(client.page("", &path).await.text.contains("href=\"/sign-in\""));
        let admin = world.staff(&world.a, "admin").await;
        let now = client.get(&admin, &format!("/api/users/{id}")).await.expect(200);
        assert_eq!((&now["state"], &now["name"]), (&json!("active"), &json!("Nila Rao")));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_opens_nothing_says_why_and_what_to_do() {
    for world in World::all().await {
        let client = &world.client;
        let (id, link) = letter(&world, "late@alpha.test", "rider").await;
        let page = async |link: &str| client.page("", &format!("/invitation?link={link}")).await;
        let says = async |link: &str, text: &str| {
            let page = page(link).await;
            assert!(page.status == 422 && page.text.contains(text), "{}", page.text);
            assert!(!page.text.contains("MARKERA") && !page.text.contains("late@alpha.test"), "a dead link tells of people");
        };
        says("nonsense", "This link cannot be read").await;
        says(&link.replace('.', "x."), "This link cannot be read").await;
        let (said, _) = link.split_once('.').expect("two parts");
        says(&format!("{said}.forged"), "This link cannot be read").await;

        // The link of a week ago: nobody can wait inside the server, so the letter is written in the past.
        let week = i64::try_from(Duration::from_secs(8 * 24 * 3_600).as_micros()).expect("a week");
        let old = clock::shifted(-week, world.invitation(&world.a, &id)).await;
        says(&old, "This invitation is over").await;

        let admin = world.staff(&world.a, "admin").await;
        client.delete(&admin, &format!("/api/users/{id}")).await.expect(204);
        says(&link, "This invitation was taken back").await;
        let form = [("link", link.as_str()), ("name", "Late"), ("password", PASSWORD), ("againPassword", PASSWORD)];
        let refused = client.form("", "/invitation", &form).await;
        assert!(refused.status == 422 && refused.text.contains("This invitation was taken back"), "{}", refused.text);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_an_account_signs_in_to_accept_and_works_where_they_were_asked() {
    for world in World::all().await {
        let client = &world.client;
        let (_, link) = letter(&world, "manager@beta.test", "shop_staff").await;
        let page = client.page("", &format!("/invitation?link={link}")).await;
        page.shows(&["There is an account with manager@beta.test already", "Company alpha"]);
        assert!(!page.text.contains("name=\"againPassword\"") && !page.text.contains("MARKERB"), "{}", page.text);
        let wrong = client.form("", "/invitation", &[("link", &link), ("password", "not-their-password-9")]).await;
        assert!(wrong.status == 401 && wrong.text.contains("not the password of this account"), "{}", wrong.text);
        let came = client.form("", "/invitation", &[("link", &link), ("password", PASSWORD)]).await;
        assert_eq!(came.leads_to(), "/shop/orders");
        let cookie = came.headers.get("set-cookie").and_then(|value| value.to_str().ok()).expect("a session").to_owned();
        let shop = client.page(cookie.split(';').next().expect("a cookie"), "/shop/orders").await;
        shop.shows(&["MARKERA shop"]);
        assert!(!shop.text.contains("MARKERB shop"));
        world.verify().await;
        world.close().await;
    }
}
