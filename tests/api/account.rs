//! What people do with their own account: profile, password, sessions, addresses, wishes.

use std::time::Instant;

use serde_json::{Value, json};
use souk::{
    clock,
    models::identity::{self, Person},
};

use crate::support::{Answer, PASSWORD, World, address, order, text};

const BETTER: &str = "a-better-test-of-words-43";

async fn sign_in(world: &World, company: Option<&str>, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    world.client.call("POST", "/api/auth/login", None, company, Some(&body), &[]).await
}

async fn open(world: &World, path: &str, company: Option<&str>, body: Value) -> Answer {
    world.client.call("POST", path, None, company, Some(&body), &[]).await
}

/// The actions that the audit of a company knows, the newest first.
async fn actions(world: &World, company: &str) -> Vec<String> {
    let admin = world.client.login(company, &format!("admin@{company}.test")).await;
    let logs = world.client.get(&admin, "/api/audit/logs?limit=100").await.expect(200);
    logs["data"].as_array().expect("a list").iter().map(|entry| text(&entry["action"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_ones_own_to_change() {
    for world in World::all().await {
        let client = &world.client;
        let token = client.login("alpha", "customer@alpha.test").await;
        let change = json!({ "name": " Priya Sharma ", "phone": "+91 98000 00009", "language": "hi" });
        let profile = client.put(&token, "/api/auth/profile", &change).await.expect(200);
        assert_eq!(
            (text(&profile["name"]), text(&profile["phone"]), text(&profile["language"])),
            ("Priya Sharma".into(), "+91 98000 00009".into(), "hi".into())
        );
        assert_eq!(client.get(&token, "/api/auth/profile").await.expect(200)["name"], "Priya Sharma");
        client.put(&token, "/api/auth/profile", &json!({ "name": "  " })).await.wrong("required");
        client.put(&token, "/api/auth/profile", &json!({ "phone": "call me" })).await.wrong("invalid");
        client.put(&token, "/api/auth/profile", &json!({ "language": "xx" })).await.wrong("unknown");
        client.put(&token, "/api/auth/profile", &json!({ "role": "super_admin" })).await.wrong("unknown_field");
        let stale = client.call("PUT", "/api/auth/profile", Some(&token), None, Some(&change), &[("if-match", "\"1\"")]).await;
        stale.refused(412, "stale");

        let staff = world.staff(&world.a, "manager").await;
        client.put(&staff, "/api/auth/profile", &json!({ "name": "Meera Rao", "phone": "" })).await.expect(200);
        assert_eq!(client.get(&staff, "/api/auth/profile").await.expect(200)["name"], "Meera Rao");
        let renamed = world.count("SELECT COUNT(*) FROM members WHERE name = 'Meera Rao'").await;
        assert_eq!(renamed, 1, "the company's copy of the name");

        let theirs = client.login("beta", "customer@beta.test").await;
        assert_eq!(client.get(&theirs, "/api/auth/profile").await.expect(200)["name"], "MARKERB customer");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sessions() {
    for world in World::all().await {
        let client = &world.client;
        for (company, email) in [("alpha", "customer@alpha.test"), ("alpha", "staff@alpha.test")] {
            let here = sign_in(&world, Some(company), email, PASSWORD).await.expect(200);
            let there = text(&sign_in(&world, Some(company), email, PASSWORD).await.expect(200)["accessToken"]);
            let token = text(&here["accessToken"]);
            let change = |old: &str, new: &str| json!({ "oldPassword": old, "newPassword": new });
            let path = "/api/auth/change-password";
            client.post(&token, path, &change("not-the-password", BETTER)).await.wrong("wrong_password");
            client.post(&token, path, &change(PASSWORD, "short")).await.wrong("too_weak");
            client.post(&token, path, &change(PASSWORD, PASSWORD)).await.wrong("unchanged");
            client.get(&there, "/api/auth/profile").await.expect(200);
            let renewed = client.post(&token, path, &change(PASSWORD, BETTER)).await.expect(200);
            client.get(&there, "/api/auth/profile").await.refused(401, "session_ended");
            client.get(&token, "/api/auth/profile").await.expect(200);
            let refresh = async |token: &Value| open(&world, "/api/auth/refresh-token", None, json!({ "refreshToken": token })).await;
            refresh(&here["refreshToken"]).await.refused(401, "refresh_invalid");
            refresh(&renewed["refreshToken"]).await.expect(200);
            sign_in(&world, Some(company), email, PASSWORD).await.refused(401, "wrong_credentials");
            sign_in(&world, Some(company), email, BETTER).await.expect(200);
        }
        assert_eq!(actions(&world, "alpha").await.iter().filter(|action| *action == "change_password").count(), 2);
        assert_eq!(actions(&world, "beta").await.iter().filter(|action| *action == "change_password").count(), 0);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_by_a_link_once() {
    for world in World::all().await {
        let client = &world.client;
        let signed_in = text(&sign_in(&world, Some("alpha"), "customer@alpha.test", PASSWORD).await.expect(200)["accessToken"]);
        let wanted = "SELECT COUNT(*) FROM outbox WHERE kind = 'notification.requested'";
        let before = world.count(wanted).await;
        for email in ["customer@alpha.test", "nobody@alpha.test", "customer@beta.test", "staff@alpha.test"] {
            let answer = open(&world, "/api/auth/forgot-password", Some("alpha"), json!({ "email": email })).await;
            assert_eq!((answer.status, answer.text.as_str()), (202, ""), "{email}");
        }
        assert_eq!(world.count(wanted).await - before, 2, "letters for those who are there");
        for _ in 0..8 {
            open(&world, "/api/auth/forgot-password", Some("alpha"), json!({ "email": "customer@alpha.test" })).await;
        }
        assert_eq!(world.count(wanted).await - before, 6, "a mailbox gets five letters an hour");

        let link = |person: &Person| {
            let path = identity::password_path(&world.souk, person).expect("a link");
            path.split_once("link=").expect("a link").1.to_owned()
        };
        let person = Person::Customer(world.a.customer.clone());
        let token = link(&person);
        let reset = async |token: &str, password: &str| {
            open(&world, "/api/auth/reset-password", None, json!({ "token": token, "password": password })).await
        };
        reset(&token[..token.len() - 1], BETTER).await.wrong("link_invalid");
        reset("nonsense", BETTER).await.wrong("link_invalid");
        let proof = identity::address_path(&world.souk, &world.a.customer).expect("a link");
        reset(proof.split_once("link=").expect("a link").1, BETTER).await.wrong("link_invalid");
        reset(&token, "short").await.wrong("too_weak");
        let old = clock::shifted(-3_700_000_000, async { link(&person) }).await;
        reset(&old, BETTER).await.wrong("link_invalid");
        assert_eq!(reset(&token, BETTER).await.status, 204);
        reset(&token, BETTER).await.wrong("link_invalid");
        client.get(&signed_in, "/api/auth/profile").await.refused(401, "session_ended");
        sign_in(&world, Some("alpha"), "customer@alpha.test", BETTER).await.expect(200);
        sign_in(&world, Some("beta"), "customer@beta.test", PASSWORD).await.expect(200);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_proved_by_a_letter() {
    for world in World::all().await {
        let client = &world.client;
        let new = json!({ "email": "new@alpha.test", "password": PASSWORD, "name": "New" });
        let wanted = "SELECT COUNT(*) FROM outbox WHERE kind = 'notification.requested'";
        let before = world.count(wanted).await;
        let welcome = open(&world, "/api/auth/register", Some("alpha"), new).await.expect(201);
        assert_eq!(world.count(wanted).await - before, 1);
        let token = text(&welcome["accessToken"]);
        assert_eq!(client.get(&token, "/api/auth/profile").await.expect(200)["isVerified"], false);

        let path = identity::address_path(&world.souk, &world.a.customer).expect("a link");
        let link = path.split_once("link=").expect("a link").1;
        let verify = async |token: &str| open(&world, "/api/auth/verify-email", None, json!({ "token": token })).await;
        verify(&link[1..]).await.wrong("link_invalid");
        assert_eq!(verify(link).await.status, 204);
        assert_eq!(verify(link).await.status, 204, "proved already is proved");
        let mine = client.login("alpha", "customer@alpha.test").await;
        assert_eq!(client.get(&mine, "/api/auth/profile").await.expect(200)["isVerified"], true);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_from_afar() {
    for world in World::all().await {
        let client = &world.client;
        for (company, email) in [("alpha", "customer@alpha.test"), ("alpha", "admin@alpha.test"), ("alpha", "root@souk.test")] {
            let here = client.login(company, email).await;
            let there = client.login(company, email).await;
            let neighbour = client.login("beta", "customer@beta.test").await;
            let list = client.get(&here, "/api/auth/sessions").await.expect(200);
            let rows = list["data"].as_array().expect("a list");
            let present: Vec<_> = rows.iter().filter(|row| row["isCurrent"] == true).collect();
            assert_eq!((rows.len(), present.len()), (2, 1), "{email}: {list}");
            let other = rows.iter().find(|row| row["isCurrent"] == false).expect("the other");
            let path = format!("/api/auth/sessions/{}", text(&other["id"]));
            client.delete(&neighbour, &path).await.refused(404, "not_found");
            client.get(&there, "/api/auth/profile").await.expect(200);
            assert_eq!(client.delete(&here, &path).await.status, 204);
            client.get(&there, "/api/auth/profile").await.refused(401, "session_ended");
            client.get(&here, "/api/auth/profile").await.expect(200);
            client.delete(&here, &path).await.refused(404, "not_found");
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_book_has_one_default() {
    for world in World::all().await {
        let client = &world.client;
        let token = client.login("alpha", "customer@alpha.test").await;
        let book = "/api/auth/addresses";
        let home = client.post(&token, book, &address("Home", false)).await.expect(201);
        assert_eq!(home["isDefault"], true, "the first is the default");
        let work = client.post(&token, book, &address("Work", true)).await.expect(201);
        let defaults = async || {
            let list = client.get(&token, book).await.expect(200);
            let rows = list["data"].as_array().expect("a list").clone();
            rows.iter().filter(|row| row["isDefault"] == true).map(|row| text(&row["name"])).collect::<Vec<_>>()
        };
        assert_eq!(defaults().await, ["Work"]);
        let home_path = format!("{book}/{}", text(&home["id"]));
        let work_path = format!("{book}/{}", text(&work["id"]));
        let mut wrong = address("Home", true);
        for country in ["India", "in", "XX"] {
            wrong["country"] = json!(country);
            client.put(&token, &home_path, &wrong).await.wrong("invalid");
        }
        let moved = client.put(&token, &home_path, &address("New home", true)).await.expect(200);
        assert_eq!((&moved["name"], defaults().await), (&json!("New home"), vec!["New home".to_owned()]));
        let stale = client.call("PUT", &home_path, Some(&token), None, Some(&address("x", true)), &[("if-match", "\"1\"")]).await;
        stale.refused(412, "stale");

        let neighbour = client.login("beta", "customer@beta.test").await;
        client.put(&neighbour, &home_path, &address("Mine now", true)).await.refused(404, "not_found");
        client.delete(&neighbour, &home_path).await.refused(404, "not_found");
        let mut theirs = order(&world.b, 0, 1, "test", Some("tok_ok"));
        theirs.as_object_mut().expect("an object").remove("shippingAddress");
        theirs["addressId"] = home["id"].clone();
        client.post(&neighbour, "/api/orders", &theirs).await.wrong("unknown");

        let mut mine = order(&world.a, 0, 1, "test", Some("tok_ok"));
        mine["addressId"] = home["id"].clone();
        client.post(&token, "/api/orders", &mine).await.wrong("ambiguous");
        mine.as_object_mut().expect("an object").remove("shippingAddress");
        let placed = client.post(&token, "/api/orders", &mine).await.expect(201);
        assert_eq!(placed["orders"][0]["shippingAddress"]["name"], "New home");
        mine.as_object_mut().expect("an object").remove("addressId");
        client.post(&token, "/api/orders", &mine).await.wrong("required");

        assert_eq!(client.delete(&token, &home_path).await.status, 204);
        assert_eq!(defaults().await, ["Work"]);
        assert_eq!(client.delete(&token, &work_path).await.status, 204);
        client.delete(&token, &work_path).await.refused(404, "not_found");

        let many = (0..12).map(|number| {
            let (client, token) = (client.clone(), token.clone());
            tokio::spawn(async move { client.post(&token, book, &address(&format!("Place {number}"), true)).await.expect(201) })
        });
        for one in many.collect::<Vec<_>>() {
            one.await.expect("an address");
        }
        assert_eq!(defaults().await.len(), 1, "twelve at once, and one default");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_and_wishes_are_kept() {
    for world in World::all().await {
        let client = &world.client;
        let token = client.login("alpha", "customer@alpha.test").await;
        let neighbour = client.login("beta", "customer@beta.test").await;
        let nothing = json!({ "organic": false, "seasonal": false, "local": false, "language": "en" });
        assert_eq!(client.get(&token, "/api/auth/preferences").await.expect(200), nothing);
        let change = json!({ "organic": true, "language": "hi" });
        let kept = client.put(&token, "/api/auth/preferences", &change).await.expect(200);
        assert_eq!(kept, json!({ "organic": true, "seasonal": false, "local": false, "language": "hi" }));
        let kept = client.put(&token, "/api/auth/preferences", &json!({ "local": true })).await.expect(200);
        assert_eq!(kept, json!({ "organic": true, "seasonal": false, "local": true, "language": "hi" }));
        assert_eq!(client.get(&neighbour, "/api/auth/preferences").await.expect(200), nothing);

        let wish = json!({ "productId": world.a.product });
        for _ in 0..2 {
            let row = client.post(&token, "/api/wishlist/items", &wish).await.expect(201);
            assert_eq!(text(&row["productId"]), world.a.product.to_string());
        }
        client.post(&neighbour, "/api/wishlist/items", &wish).await.wrong("unknown");
        let list = client.get(&token, "/api/wishlist").await.expect(200);
        assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
        assert_eq!(client.get(&neighbour, "/api/wishlist").await.expect(200)["data"], json!([]));
        assert_eq!(world.count("SELECT COUNT(*) FROM outbox WHERE kind = 'wishlist.item_added'").await, 1);
        let path = format!("/api/wishlist/items/{}", world.a.product);
        assert_eq!(client.delete(&token, &path).await.status, 204);
        client.delete(&token, &path).await.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_pauses_themselves_and_not_the_owner() {
    for world in World::all().await {
        let souk = &world.souk;
        let device = |ip: &str| souk::tenancy::Device { ip: ip.into(), ..Default::default() };
        let company = Some(world.a.id);
        let try_in = async |email: &str, password: &str, ip: &str| {
            identity::sign_in(souk, company, email, password, &device(ip)).await.map(|_| ()).map_err(|error| error.code())
        };
        // An account that exists and one that does not are paused alike.
        for email in ["customer@alpha.test", "nobody@alpha.test"] {
            for _ in 0..8 {
                assert_eq!(try_in(email, "not-the-password", "192.0.2.1").await, Err("wrong_credentials"), "{email}");
            }
            assert_eq!(try_in(email, PASSWORD, "192.0.2.1").await, Err("too_many_requests"), "{email}");
        }
        assert_eq!(try_in("customer@alpha.test", PASSWORD, "192.0.2.2").await, Ok(()));
        let later = clock::shifted(61_000_000, try_in("customer@alpha.test", PASSWORD, "192.0.2.1")).await;
        assert_eq!(later, Ok(()));
        // Many strangers together pause only addresses from which nobody is signed in.
        let person = Person::Customer(world.a.customer.clone());
        identity::issue(souk, company, &person, &device("198.51.100.7"), false).await.expect("a session");
        let platform = souk.platform("sign-in").await.expect("the platform");
        platform.act("UPDATE knocks SET count = 99 WHERE door = 'strangers'", vec![]).await.expect("many");
        platform.commit().await.expect("kept");
        assert_eq!(try_in("customer@alpha.test", "not-the-password", "203.0.113.9").await, Err("wrong_credentials"));
        assert_eq!(try_in("customer@alpha.test", PASSWORD, "203.0.113.10").await, Err("too_many_requests"));
        assert_eq!(try_in("customer@alpha.test", PASSWORD, "198.51.100.7").await, Ok(()));

        let found = actions(&world, "alpha").await;
        for action in ["sign_in_failed", "lock_out", "sign_in"] {
            assert!(found.iter().any(|one| one == action), "{action} is not in the audit");
        }
        assert!(!actions(&world, "beta").await.iter().any(|action| action == "lock_out"));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_costs_as_much_time_as_somebody() {
    for world in World::all().await {
        let mut fastest = std::collections::BTreeMap::new();
        for _ in 0..7 {
            for email in ["customer@alpha.test", "nobody@alpha.test", "staff@alpha.test"] {
                let began = Instant::now();
                sign_in(&world, Some("alpha"), email, "not-the-password").await.refused(401, "wrong_credentials");
                let took = began.elapsed();
                let best = fastest.entry(email).or_insert(took);
                *best = (*best).min(took);
            }
        }
        let (least, most) = (fastest.values().min().expect("times"), fastest.values().max().expect("times"));
        // An answer without its hash comes in a fifth of the time; a busy machine blurs the rest.
        assert!(least.as_secs_f64() > most.as_secs_f64() * 0.35, "{fastest:?}");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn security_events_are_in_the_audit_of_the_company_signed_in_to() {
    for world in World::all().await {
        let client = &world.client;
        let token = client.login("alpha", "customer@alpha.test").await;
        assert_eq!(client.post(&token, "/api/auth/logout", &json!({})).await.status, 204);
        let first = sign_in(&world, Some("alpha"), "staff@alpha.test", PASSWORD).await.expect(200);
        let again = json!({ "refreshToken": first["refreshToken"] });
        open(&world, "/api/auth/refresh-token", None, again.clone()).await.expect(200);
        open(&world, "/api/auth/refresh-token", None, again).await.refused(401, "refresh_reused");
        sign_in(&world, None, "root@souk.test", PASSWORD).await.expect(200);
        sign_in(&world, None, "who@nowhere.test", PASSWORD).await.refused(401, "wrong_credentials");

        let found = actions(&world, "alpha").await;
        for action in ["sign_in", "sign_out", "refresh_reused"] {
            assert!(found.iter().any(|one| one == action), "{action} is not in the audit: {found:?}");
        }
        let security = "SELECT COUNT(*) FROM outbox WHERE kind = 'audit.security'";
        assert_eq!(world.count(security).await, 1);
        let told = "SELECT COUNT(*) FROM outbox WHERE kind IN ('user.logged_in', 'user.logged_out')";
        assert!(world.count(told).await >= 4);
        let platform = souk::tenancy::Tenant::system(souk::tenancy::PLATFORM_COMPANY);
        let scope = world.souk.read(platform).await.expect("a scope");
        let rows = souk::models::audit::list(&scope, &Default::default(), None, 10).await.expect("entries");
        drop(scope);
        let rows: Vec<_> = rows.iter().map(|row| (row.action.as_str(), row.actor_role.as_str())).collect();
        assert!(rows.contains(&("sign_in", "super_admin")), "{rows:?}");
        assert!(rows.contains(&("sign_in_failed", "public")), "{rows:?}");
        world.verify().await;
        world.close().await;
    }
}
