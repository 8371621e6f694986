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

/// The stock row of a company's first goods.
async fn row(world: &World) -> String {
    let scope = world.souk.read(souk::tenancy::Tenant::system(world.a.id)).await.expect("a scope");
    souk::models::inventory::of_variant(&scope, world.a.variants[0]).await.expect("stock")[0].id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_the_company_one_left_is_sent_there_or_nowhere() {
    for world in World::all().await {
        let client = &world.client;
        both(&world).await;
        let first = client.sign_in("both@alpha.test").await;
        let page = format!("/company/inventory/{}", row(&world).await);
        let alpha = world.a.id.to_string();
        let field = format!("name=\"made_for\" value=\"{alpha}\"");
        client.page(&first, &page).await.shows(&[&field]);
        // In another tab they go on to beta; the form of the first is still open.
        let second = cookie_of(&switch(&world, &first, world.b.id).await);
        let threshold = async || world.count("SELECT COUNT(*) FROM stock_levels WHERE reorder_point = 41").await;
        let typed = [("made_for", alpha.as_str()), ("threshold", "41"), ("note", "a <b> & \"c\"")];
        let address = format!("{page}/threshold");
        let refused = client.form(&second, &address, &typed).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        let send = format!("/switch-company/{alpha}/send?to={}", address.replace('/', "%2F"));
        for text in [
            "This form was made for Company alpha",
            "you went on to Company beta",
            "Go on at Company alpha and send it",
            "Stay at Company beta",
            &format!("action=\"{send}\""),
            "name=\"threshold\" value=\"41\"",
            "value=\"a &lt;b&gt; &amp; &quot;c&quot;\"",
            &field,
        ] {
            assert!(refused.text.contains(text), "`{text}` is not on the page:\n{}", refused.text);
        }
        assert_eq!(threshold().await, 0, "it was written");
        client.page(&second, "/shop/orders").await.shows(&["MARKERB shop"]);

        // One press goes on there and sends it again, with what was typed.
        let gone = client.form(&second, &send, &typed).await;
        assert_eq!((gone.status, gone.headers["location"].to_str().expect("a place")), (307, address.as_str()), "{}", gone.text);
        let third = cookie_of(&gone);
        client.form(&third, &address, &typed).await.leads_to();
        assert_eq!(threshold().await, 1);

        // Passwords and files are not handed back: one goes on there, and sends it from the form itself.
        let there = cookie_of(&switch(&world, &third, world.b.id).await);
        let secret = [("made_for", alpha.as_str()), ("password", "a-secret-of-mine-42"), ("newPassword", "a-new-secret-42")];
        let refused = client.form(&there, "/account/password", &secret).await;
        assert!(
            refused.status == 409 && refused.text.contains("Go on at Company alpha") && !refused.text.contains("secret"),
            "{}",
            refused.text
        );
        let media = format!("/company/products/{}/media?made_for={alpha}", world.a.product);
        let refused = client.upload_form(&there, &media, &[], &[("pictures", "a.png", crate::support::png(4, 3))]).await;
        assert!(refused.status == 409 && refused.text.contains("files cannot be kept here"), "{}", refused.text);
        assert_eq!(world.count("SELECT COUNT(*) FROM media").await, 0);

        // Whoever may not go there, or has nowhere to be sent on to, stays.
        let gone = client.form(&there, &format!("/switch-company/{}/send?to=/company", CompanyId::new()), &typed).await;
        assert!(gone.status == 404 && gone.headers.get("set-cookie").is_none(), "{}", gone.text);
        let gone = client.form(&there, &format!("/switch-company/{alpha}/send?to=//elsewhere.test/"), &typed).await;
        assert!(gone.leads_to().starts_with("/company"), "not out of the house");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_made_while_acting_in_a_company_is_not_sent_after_that() {
    for world in World::all().await {
        let client = &world.client;
        let scope = world.souk.read(souk::tenancy::Tenant::system(world.a.id)).await.expect("a scope");
        let admin = souk::models::identity::admins(&scope).await.expect("admins")[0].id.to_string();
        drop(scope);
        let root = client.sign_in("root@souk.test").await;
        let begun =
            client.form(&root, &format!("/admin/companies/{}/act-as", world.a.id), &[("admin", &admin), ("reason", "a ticket")]).await;
        let acting = cookie_of(&begun);
        let alpha = world.a.id.to_string();
        let page = client.page(&acting, "/company/brands").await;
        page.shows(&[&format!("name=\"made_for\" value=\"{alpha}\"")]);
        let brand = [("made_for", alpha.as_str()), ("name", "Mine")];
        client.form(&acting, "/company/brands", &brand).await.leads_to();
        // The bar's own button is the platform's, on whichever page it stands.
        assert!(
            page.text.contains(&format!(
                "action=\"/admin/acting/end\"><input type=\"hidden\" name=\"made_for\" value=\"{}\"",
                uuid::Uuid::nil()
            ))
        );
        let ended = client.form(&acting, "/admin/acting/end", &[("made_for", &uuid::Uuid::nil().to_string())]).await;
        let over = cookie_of(&ended);
        let refused = client.form(&over, "/company/brands", &[("made_for", &alpha), ("name", "Late")]).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        for text in ["This form was made for Company alpha", &format!("/admin/companies/{alpha}/act-as"), "What you wrote", "<dd>Late</dd>"]
        {
            assert!(refused.text.contains(text), "`{text}` is not on the page:\n{}", refused.text);
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM brands").await, 1);
        world.verify().await;
        world.close().await;
    }
}
