//! Knocking: at one company after the other, with invented cookies, by strangers in a crowd.

use std::num::NonZeroU32;

use serde_json::{Value, json};
use souk::{
    models::identity,
    settings::{RateLimits, Settings},
    tenancy::Device,
};

use crate::support::{Answer, Client, PASSWORD, World, text};

fn limited(settings: &mut Settings, guests: u32, person: u32, company: u32) {
    let of = |figure| NonZeroU32::new(figure).expect("a figure");
    settings.rate_limits = Some(RateLimits { doors: of(1_000), guests: of(guests), person: of(person), company: of(company) });
    settings.trusted_proxies = "127.0.0.1".into();
}

/// A page of somebody with a cookie at an address.
async fn look(client: &Client, cookie: &str, address: &str, path: &str) -> Answer {
    client.send("GET", path, None, None, &[("cookie", cookie), ("x-forwarded-for", address)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_strangers_nor_customers_shut_the_staff_out() {
    for world in World::all().await {
        let busy = world.beside(|settings| limited(settings, 1_000, 1_000, 5)).await;
        let customer = world.token_of(&world.a, world.a.customer.clone()).await;
        let staff = world.staff(&world.a, "staff").await;
        let guest = async || busy.call("GET", "/api/products", None, Some("alpha"), None, &[]).await.status;
        for _ in 0..5 {
            assert_eq!(guest().await, 200);
        }
        assert_eq!(guest().await, 429, "guests share what a company's guests have");
        for _ in 0..5 {
            busy.get(&customer, "/api/orders").await.expect(200);
        }
        busy.get(&customer, "/api/orders").await.refused(429, "too_many_requests");
        busy.get(&staff, "/api/orders").await.expect(200);
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invented_cookie_has_no_limit_of_its_own() {
    for world in World::all().await {
        let busy = world.beside(|settings| limited(settings, 4, 6, 1_000)).await;
        let (stranger, office) = ("198.51.100.1", "198.51.100.2");
        for number in 0..4 {
            let shut = look(&busy, &format!("souk_session=invented-{number}"), stranger, "/company/orders").await;
            assert!(shut.leads_to().starts_with("/sign-in"));
        }
        assert_eq!(look(&busy, "souk_session=another", stranger, "/company/orders").await.status, 429);
        let form = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
            ("cookie", "souk_session=one-more"),
            ("x-forwarded-for", stranger),
        ];
        for path in ["/language", "/theme"] {
            assert_eq!(busy.send("POST", path, None, Some("lang=hi&theme=dark".into()), &form).await.status, 429, "{path}");
        }
        // Whoever is signed in is counted as a person, however many sit in their office.
        let (one, two) = (world.client.sign_in("admin@alpha.test").await, world.client.sign_in("staff@alpha.test").await);
        for cookie in [&one, &two] {
            for _ in 0..6 {
                assert_eq!(look(&busy, cookie, office, "/account").await.status, 200);
            }
        }
        look(&busy, &one, office, "/account").await;
        let refused = look(&busy, &one, office, "/account").await;
        assert_eq!((refused.status, refused.headers["ratelimit-limit"].to_str().ok()), (429, Some("6")), "their own limit");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_counted_across_companies() {
    for world in World::all().await {
        let (a, b) = (Some(world.a.id), Some(world.b.id));
        let device = |ip: &str| Device { ip: ip.into(), ..Device::default() };
        let knock = async |company, email: &str, password: &str, ip: &str| {
            identity::sign_in(&world.souk, company, email, password, &device(ip)).await.map(|_| ()).map_err(|error| error.code())
        };
        // One who is there, and one who is not.
        for (email, ip) in [("admin@alpha.test", "192.0.2.1"), ("nobody@alpha.test", "192.0.2.2")] {
            for company in [a, b, a, b, a, b, a, None] {
                assert_eq!(knock(company, email, "not-the-password", ip).await, Err("wrong_credentials"), "{email}");
            }
            for company in [a, b, None] {
                assert_eq!(knock(company, email, PASSWORD, ip).await, Err("too_many_requests"), "{email} at {company:?}");
            }
        }
        assert_eq!(knock(a, "admin@alpha.test", PASSWORD, "192.0.2.3").await, Ok(()));

        // A company that has its own customer of that address cannot make the count good.
        let planted = json!({ "email": "staff@alpha.test", "password": PASSWORD, "name": "Planted" });
        world.client.call("POST", "/api/auth/register", None, Some("beta"), Some(&planted), &[]).await.expect(201);
        for company in [a, None, a, None, a, None, a, None] {
            assert_eq!(knock(company, "staff@alpha.test", "not-the-password", "192.0.2.4").await, Err("wrong_credentials"));
            let own = knock(b, "staff@alpha.test", PASSWORD, "192.0.2.4").await;
            assert!(own == Ok(()) || own == Err("too_many_requests"), "{own:?}");
        }
        assert_eq!(knock(None, "staff@alpha.test", PASSWORD, "192.0.2.4").await, Err("too_many_requests"));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_gets_five_letters_an_hour_whatever_companies_are_named() {
    for world in World::all().await {
        let wanted = "SELECT COUNT(*) FROM outbox WHERE kind = 'notification.requested'";
        let before = world.count(wanted).await;
        for company in [Some("alpha"), None, Some("alpha"), None, Some("alpha"), None, Some("alpha"), None] {
            let body = json!({ "email": "admin@alpha.test" });
            let asked = world.client.call("POST", "/api/auth/forgot-password", None, company, Some(&body), &[]).await;
            assert_eq!(asked.status, 202);
        }
        assert_eq!(world.count(wanted).await - before, 5);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_ones_password_is_bounded_right_or_wrong() {
    for world in World::all().await {
        let client = &world.client;
        let token = client.login("alpha", "customer@alpha.test").await;
        let change = async |old: &str, new: &str| {
            client.post(&token, "/api/auth/change-password", &json!({ "oldPassword": old, "newPassword": new })).await
        };
        // The same again is refused before anything is hashed, and is no try.
        for _ in 0..12 {
            change("not-the-password-1", "not-the-password-1").await.wrong("unchanged");
        }
        for _ in 0..10 {
            change(PASSWORD, "short").await.wrong("too_weak");
        }
        change(PASSWORD, "a-better-pass-of-words").await.refused(429, "too_many_requests");
        client.login("alpha", "customer@alpha.test").await;
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_link_changes_how_somebodys_pages_look() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        assert_eq!(client.page(&admin, "/language?lang=hi&next=%2F").await.status, 404);
        assert_eq!(client.page(&admin, "/theme?theme=dark&next=/").await.status, 404);
        let foreign = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site"), ("cookie", &admin)];
        assert_eq!(client.send("POST", "/language", None, Some("lang=hi".into()), &foreign).await.status, 403);
        let page = client.page(&admin, "/account").await;
        page.shows(&["<html lang=\"en\">", "formaction=\"/language\"", "formaction=\"/theme\""]);
        assert_eq!(client.form(&admin, "/theme", &[("theme", "dark"), ("next", "/account")]).await.leads_to(), "/account");
        client.page(&admin, "/account").await.shows(&["data-bs-theme=\"dark\""]);
        // Before the door it is a cookie.
        let chosen = client.form("", "/language", &[("lang", "hi"), ("next", "/sign-in")]).await;
        assert_eq!(chosen.headers["set-cookie"].to_str().ok().and_then(|cookie| cookie.split(';').next()), Some("souk_language=hi"));
        // Nowhere but to us, and nothing that is no address.
        for next in ["/\u{1}", "//evil.example", "/\\evil.example", "/\u{7f}"] {
            assert_eq!(client.form(&admin, "/language", &[("lang", "en"), ("next", next)]).await.leads_to(), "/", "{next:?}");
        }
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_may_carry_a_code_that_nobody_asked_for() {
    for world in World::all().await {
        let client = &world.client;
        let login = async |body: Value| client.call("POST", "/api/auth/login", None, Some("alpha"), Some(&body), &[]).await;
        let signed_in = login(json!({ "email": "customer@alpha.test", "password": PASSWORD, "otp": "123456" })).await.expect(200);
        assert!(!text(&signed_in["accessToken"]).is_empty());
        login(json!({ "email": "customer@alpha.test", "password": "not-the-password", "otp": "123456" }))
            .await
            .refused(401, "wrong_credentials");
        login(json!({ "email": "customer@alpha.test", "password": PASSWORD, "opt": "1" })).await.wrong("unknown_field");
        world.close().await;
    }
}
