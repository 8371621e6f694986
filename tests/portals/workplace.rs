//! Somebody who works for two companies goes from one to the other.

use serde_json::json;
use souk::ids::CompanyId;

use crate::support::{Answer, World, text};

/// The session's cookie that an answer sets.
fn cookie_of(answer: &Answer) -> String {
    let all = answer.headers.get_all("set-cookie").iter().map(|one| one.to_str().expect("a text"));
    let own = all.rev().find(|one| one.starts_with("souk_session=")).expect("a session");
    own.split(';').next().expect("a cookie").to_owned()
}

async fn switch(world: &World, cookie: &str, to: CompanyId) -> Answer {
    world.client.form(cookie, "/switch-company", &[("company", &to.to_string())]).await
}

/// A manager of alpha's shop who also helps at beta's.
async fn both(world: &World) -> String {
    let place = json!([{ "role": "shop_manager", "shopId": world.a.shop }]);
    world.join(&world.a, "both", place).await;
    let admin = world.staff(&world.b, "admin").await;
    let place = json!([{ "role": "shop_staff", "shopId": world.b.shop }]);
    let body = json!({ "email": "both@alpha.test", "name": "Both", "assignments": place });
    let invited = world.client.post(&admin, "/api/users", &body).await.expect(201);
    text(&invited["id"])
}

#[tokio::test(flavor = "multi_thread")]
async fn one_goes_from_company_to_company_with_the_roles_of_each() {
    for world in World::all().await {
        let client = &world.client;
        both(&world).await;
        let first = client.sign_in("both@alpha.test").await;
        let page = client.page(&first, "/company/orders").await;
        page.shows(&["Company alpha", "Switch company", "Company beta", "/switch-company"]);
        client.page(&first, "/company/inventory").await.shows(&["MARKERA"]);
        client.page(&first, "/switch-company").await.shows(&["The companies you work for", "You are here", "Go on there"]);

        let gone = switch(&world, &first, world.b.id).await;
        let (to, second) = (gone.leads_to(), cookie_of(&gone));
        assert!(to.starts_with("/shop/orders"), "the home of the role there: {to}");
        assert_ne!(first, second, "the secret is a new one");
        assert!(client.page(&first, "/account").await.leads_to().starts_with("/sign-in"), "the old secret still opens the door");
        let page = client.page(&second, &to).await;
        page.shows(&["MARKERB shop", "Company beta", "You are at Company beta now."]);
        assert!(!page.text.contains("MARKERA"));
        // What a manager may and a shop's helper may not.
        assert_eq!(client.page(&second, "/company/audit").await.status, 403);
        assert_eq!(client.page(&second, "/company/staff").await.status, 403);
        assert!(!client.page(&second, "/company/inventory").await.text.contains("MARKERA"));

        // Whoever comes again comes to where they were last.
        let again = client.sign_in("both@alpha.test").await;
        client.page(&again, "/shop/orders").await.shows(&["MARKERB shop"]);
        let back = switch(&world, &again, world.a.id).await;
        client.page(&cookie_of(&back), "/company/inventory").await.shows(&["MARKERA"]);

        // Both companies' chains tell it, and neither names the other.
        for (company, action, other) in [(&world.a, "leave_company", "beta"), (&world.b, "enter_company", "alpha")] {
            let admin = world.staff(company, "admin").await;
            let found = client.get(&admin, &format!("/api/audit/logs?action={action}")).await.expect(200);
            assert!(found["data"].as_array().is_some_and(|entries| !entries.is_empty()), "{action}: {found}");
            let told = found.to_string().replace("both@alpha.test", "");
            assert!(!told.contains(other), "{action} names {other}: {told}");
        }
        // Somebody of one company has nothing to switch.
        let staff = client.sign_in("staff@alpha.test").await;
        assert!(!client.page(&staff, "/shop/orders").await.text.contains("Switch company"));
        client.page(&staff, "/switch-company").await.shows(&["You work for one company"]);
        client.form(&staff, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        client.page(&staff, "/switch-company").await.shows(&["कंपनी बदलें"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_goes_to_a_company_that_is_not_theirs_any_more_or_never_was() {
    for world in World::all().await {
        let client = &world.client;
        let member = both(&world).await;
        let cookie = client.sign_in("both@alpha.test").await;
        // Never was: the neighbour's company, one that is not there, and no company.
        let staff = client.sign_in("staff@alpha.test").await;
        for to in [world.b.id, CompanyId::new()] {
            let refused = switch(&world, &staff, to).await;
            assert!(refused.status == 404 && refused.headers.get("set-cookie").is_none(), "{}", refused.text);
        }
        client.form(&staff, "/switch-company", &[("company", "nonsense")]).await.shows_refused(&["<html"]);
        client.form(&staff, "/switch-company", &[]).await.shows_refused(&["<html"]);
        let root = client.sign_in("root@souk.test").await;
        assert_eq!(switch(&world, &root, world.a.id).await.status, 404);
        client.page(&staff, "/shop/orders").await.shows(&["MARKERA shop"]);

        // Whose sessions were ended there proves themselves again.
        let boss = client.sign_in("admin@beta.test").await;
        client.form(&boss, &format!("/company/staff/{member}/end-sessions"), &[]).await.leads_to();
        let ended = world.count("SELECT COUNT(*) FROM members WHERE email = 'both@alpha.test' AND sessions_from IS NOT NULL").await;
        assert_eq!(ended, 1, "their sessions at beta were ended");
        let refused = switch(&world, &cookie, world.b.id).await;
        assert!(refused.status == 409 && refused.text.contains("Sign out and in again"), "{}", refused.text);
        let cookie = client.sign_in("both@alpha.test").await;
        let there = cookie_of(&switch(&world, &cookie, world.b.id).await);
        client.page(&there, "/shop/orders").await.shows(&["MARKERB shop"]);
        let cookie = cookie_of(&switch(&world, &there, world.a.id).await);

        // A company that is stopped is nowhere to go, and is not offered.
        let token = client.login("alpha", "root@souk.test").await;
        let reason = json!({ "reason": "a test" });
        let company = format!("/api/companies/{}", world.b.id);
        client.call("POST", &format!("{company}/suspend"), Some(&token), None, Some(&reason), &[]).await.expect(200);
        assert_eq!(switch(&world, &cookie, world.b.id).await.status, 404);
        assert!(!client.page(&cookie, "/company/orders").await.text.contains("Company beta"));
        client.call("POST", &format!("{company}/resume"), Some(&token), None, Some(&reason), &[]).await.expect(200);
        client.page(&cookie, "/company/orders").await.shows(&["Company beta"]);

        // Whoever was sent away does not come back by the switch.
        let admin = world.staff(&world.b, "admin").await;
        let away = client.delete(&admin, &format!("/api/users/{member}")).await;
        assert!(away.status < 300, "{}", away.text);
        let gone = world.count("SELECT COUNT(*) FROM members WHERE email = 'both@alpha.test' AND NOT is_active").await;
        assert_eq!(gone, 1, "they were sent away");
        assert_eq!(switch(&world, &cookie, world.b.id).await.status, 404);
        let page = client.page(&cookie, "/company/orders").await;
        page.shows(&["Company alpha"]);
        assert!(!page.text.contains("Switch company") && !page.text.contains("Company beta"));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_names_the_company_that_it_signs_in_to() {
    for world in World::all().await {
        let client = &world.client;
        both(&world).await;
        for (company, role) in [(&world.a, "shop_manager"), (&world.b, "shop_staff")] {
            let token = client.login(company.slug, "both@alpha.test").await;
            let said = client.call("GET", "/api/auth/verify", Some(&token), None, None, &[]).await.expect(200);
            assert_eq!((said["companyId"].as_str(), said["role"].as_str()), (Some(company.id.to_string().as_str()), Some(role)));
            let other = if company.slug == "alpha" { "beta" } else { "alpha" };
            client.call("GET", "/api/orders", Some(&token), Some(other), None, &[]).await.refused(403, "company_mismatch");
        }
        world.close().await;
    }
}
