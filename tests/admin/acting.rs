//! Acting as a company's admin: for a while, for a reason, with both names, in one company alone.

use serde_json::{Value, json};
use souk::models::identity;

use crate::support::{Answer, PASSWORD, World, order, text};

/// The session's new secret.
#[track_caller]
fn secret(answer: &Answer) -> String {
    let cookie = answer.headers.get("set-cookie").and_then(|value| value.to_str().ok()).unwrap_or_else(|| panic!("{}", answer.text));
    cookie.split(';').next().expect("its value").to_owned()
}

/// The id of a company's admin, as the form offers it.
async fn admin_of(world: &World, company: souk::ids::CompanyId) -> String {
    let scope = world.souk.read(souk::tenancy::Tenant::system(company)).await.expect("a scope");
    identity::admins(&scope).await.expect("admins")[0].id.to_string()
}

async fn acting(world: &World, root: &str) -> String {
    let admin = admin_of(world, world.a.id).await;
    let path = format!("/admin/companies/{}/act-as", world.a.id);
    let begun = world.client.form(root, &path, &[("admin", &admin), ("reason", "a ticket <4711>")]).await;
    assert_eq!(begun.leads_to(), "/");
    secret(&begun)
}

/// What stands in a chain about acting, newest first: action, role, in whose place, why it ended.
async fn told(world: &World, token: &str) -> Vec<(String, String, String, Value)> {
    let found = world.client.get(token, "/api/audit/logs?action=act_as,act_as_end").await.expect(200);
    let rows = found["data"].as_array().expect("entries").iter();
    rows.map(|one| (text(&one["action"]), text(&one["role"]), text(&one["actingFor"]), one["changes"]["why"]["after"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_super_admin_acts_in_an_admins_place_and_everything_carries_both_names() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        let path = format!("/admin/companies/{}/act-as", world.a.id);
        let (admin, theirs) = (admin_of(&world, world.a.id).await, admin_of(&world, world.b.id).await);
        client.page(&root, &path).await.shows(&["MARKERA admin", "at most 30 minutes"]);
        for (form, field) in [
            (vec![("admin", admin.as_str()), ("reason", " ")], "f-reason-e"),
            (vec![("admin", theirs.as_str()), ("reason", "curious")], "f-admin-e"),
            (vec![("admin", "nobody"), ("reason", "curious")], "f-admin-e"),
        ] {
            let refused = client.form(&root, &path, &form).await;
            assert!(refused.status == 422 && refused.text.contains(field), "{field}: {}", refused.text);
        }

        let cookie = acting(&world, &root).await;
        assert!(client.page(&root, "/").await.leads_to().starts_with("/sign-in"), "the old secret still works");
        assert_eq!(client.page(&cookie, "/").await.leads_to(), "/company");
        let bar = "Root acts as MARKERA admin of Company alpha.";
        let page = client.page(&cookie, "/company/orders").await;
        page.shows(&[bar, "a ticket &lt;4711&gt;", "action=\"/admin/acting/end\"", "data-portal=\"company\"", "/company/audit"]);
        client.page(&cookie, "/shop/orders").await.shows(&[bar]);
        // The platform's pages, and one's own, stay what they are, under the same bar.
        client.page(&cookie, "/admin/companies").await.shows(&[bar, "Company beta", "data-portal=\"admin\""]);
        client.page(&cookie, "/account").await.shows(&[bar, "root@souk.test"]);
        let json = [("cookie", cookie.as_str()), ("accept", "application/json")];
        let found = client.send("GET", "/jump?q=bet&from=/admin", None, None, &json).await;
        assert!(found.text.contains("Company beta"), "{}", found.text);
        let found = client.send("GET", "/jump?q=bet&from=/company/orders", None, None, &json).await;
        assert!(!found.text.contains("beta"), "{}", found.text);

        // They do what the admin may, in that company and in no other.
        let buyer = world.token_of(&world.a, world.a.customer.clone()).await;
        let placed = client.post(&buyer, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let buyer = world.token_of(&world.b, world.b.customer.clone()).await;
        let other = client.post(&buyer, "/api/orders", &order(&world.b, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let step = |placed: &Value| format!("/company/orders/{}/status", text(&placed["orders"][0]["id"]));
        client.form(&cookie, &step(&placed), &[("status", "processing")]).await.leads_to();
        assert_eq!(client.form(&cookie, &step(&other), &[("status", "processing")]).await.status, 404);
        let page = client.page(&cookie, "/company/orders").await;
        assert!(!page.text.contains("MARKERB"), "the neighbour's rows are shown");
        let again = client.form(&cookie, &path, &[("admin", &admin), ("reason", "again")]).await;
        assert!(again.status == 409 && again.text.contains("You act in a company already."), "{}", again.text);

        let ended = client.form(&cookie, "/admin/acting/end", &[]).await;
        let root = secret(&ended);
        assert!(client.page(&cookie, "/").await.leads_to().starts_with("/sign-in"), "the old secret still works");
        let page = client.page(&root, &ended.leads_to()).await;
        page.shows(&["You act as yourself again.", "began to act as an admin"]);
        assert!(!page.text.contains("sk-acting"), "{}", page.text);
        assert_eq!(client.page(&root, "/").await.leads_to(), "/admin");
        client.form(&root, "/admin/acting/end", &[]).await.leads_to();

        // Both chains have the beginning and the end, and the company's has what was done meanwhile.
        let admin = client.sign_in("admin@alpha.test").await;
        let audit = client.page(&admin, "/company/audit").await;
        audit.shows(&["Root", "as MARKERA admin", "a ticket &lt;4711&gt;"]);
        let token = world.staff(&world.a, "admin").await;
        let entry = |action: &str, why: Value| (action.to_owned(), "super_admin".to_owned(), "MARKERA admin".to_owned(), why);
        let (end, beginning) = (entry("act_as_end", json!("asked")), entry("act_as", Value::Null));
        assert_eq!(told(&world, &token).await, [end.clone(), beginning.clone()]);
        let credentials = json!({ "email": "root@souk.test", "password": PASSWORD });
        let platform = client.call("POST", "/api/auth/login", None, None, Some(&credentials), &[]).await.expect(200);
        let platform = text(&platform["accessToken"]);
        assert_eq!(
            told(&world, &platform).await,
            [end.clone(), end, beginning.clone(), beginning],
            "the platform's chain and the company's"
        );
        let step = client.get(&token, "/api/audit/logs?resource=order&limit=1").await.expect(200);
        let step = &step["data"][0];
        assert_eq!((&step["role"], &step["actingFor"]), (&json!("super_admin"), &json!("MARKERA admin")), "{step}");
        let neighbour = world.staff(&world.b, "admin").await;
        assert_eq!(told(&world, &neighbour).await, vec![]);
        // The place they acted from is nobody's: not on the staff, and no way in.
        let people = client.get(&token, "/api/users?q=root").await.expect(200);
        assert_eq!(people["data"], json!([]));
        world.verify().await;
        let heard = "SELECT COUNT(*) FROM notifications n JOIN companies c ON c.id = n.company_id \
                     WHERE c.slug = 'alpha' AND n.template = 'security'";
        assert_eq!(world.count(heard).await, 1, "the company's admin hears of it");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_ends_with_its_time_the_session_the_company_and_the_role() {
    for world in World::all().await {
        let client = &world.client;
        let token = client.login("alpha", "root@souk.test").await;
        let why = async || -> String {
            identity::end_acting_in(&world.souk, world.a.id).await.expect("the ends are written down");
            world.verify().await;
            let found = client.call("GET", "/api/audit/logs?action=act_as_end&limit=1", Some(&token), None, None, &[]).await.expect(200);
            found["data"][0]["changes"]["why"]["after"].as_str().unwrap_or_default().to_owned()
        };
        let act = async |sql: &str| {
            let platform = world.souk.platform("stewardship").await.expect("the platform");
            platform.act(sql, vec![]).await.expect("changed");
            platform.commit().await.expect("kept");
        };

        let cookie = acting(&world, &client.sign_in("root@souk.test").await).await;
        act("UPDATE staff_sessions SET acting_until = 1000 WHERE acting_company_id IS NOT NULL").await;
        let page = client.page(&cookie, "/admin").await;
        assert!(page.status == 200 && !page.text.contains("sk-acting"), "{}", page.text);
        assert_eq!(client.page(&cookie, "/").await.leads_to(), "/admin", "nobody acts past the time");
        // The recurring task finds it by itself.
        world.verify().await;
        assert_eq!(world.count("SELECT COUNT(*) FROM staff_sessions WHERE acting_company_id IS NOT NULL").await, 0);
        assert_eq!(why().await, "time");
        // What is over can be begun again.
        let cookie = acting(&world, &cookie).await;

        assert_eq!(client.form(&cookie, "/sign-out", &[]).await.leads_to(), "/sign-in");
        assert_eq!(why().await, "signed_out");

        let cookie = acting(&world, &client.sign_in("root@souk.test").await).await;
        let suspend = [("reason", "bills"), ("confirm", "alpha")];
        client.form(&cookie, &format!("/admin/companies/{}/suspend", world.a.id), &suspend).await.leads_to();
        assert_eq!(client.page(&cookie, "/").await.leads_to(), "/admin", "a stopped company lets nobody in");
        assert_eq!(why().await, "company_stopped");
        let refused = client
            .form(
                &cookie,
                &format!("/admin/companies/{}/act-as", world.a.id),
                &[("admin", &admin_of(&world, world.a.id).await), ("reason", "x")],
            )
            .await;
        assert!(refused.status == 409 && refused.text.contains("not in a state for this"), "{}", refused.text);
        client.form(&cookie, &format!("/admin/companies/{}/resume", world.a.id), &[]).await.leads_to();

        let cookie = acting(&world, &cookie).await;
        act(if world.is_postgres() { "UPDATE staff SET is_super_admin = false" } else { "UPDATE staff SET is_super_admin = 0" }).await;
        assert!(client.page(&cookie, "/company/orders").await.leads_to().starts_with("/sign-in"), "whoever lost the role is nobody");
        identity::end_acting_in(&world.souk, world.a.id).await.expect("the ends are written down");
        world.verify().await;
        assert_eq!(world.count("SELECT COUNT(*) FROM staff_sessions WHERE acting_company_id IS NOT NULL").await, 0);
        let admin = world.staff(&world.a, "admin").await;
        let last = client.get(&admin, "/api/audit/logs?action=act_as_end&limit=1").await.expect(200);
        assert_eq!(last["data"][0]["changes"]["why"]["after"], "role_lost", "{last}");
        world.close().await;
    }
}
