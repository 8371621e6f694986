//! People across companies: found, shut out everywhere, let in again.

use serde_json::json;

use crate::support::{PASSWORD, World};

async fn page_of(world: &World, root: &str, email: &str) -> String {
    let page = world.client.page(root, &format!("/admin/users?q={email}")).await;
    page.shows(&[email]);
    let link = page.text.split("href=\"").find(|rest| rest.starts_with("/admin/users/0")).expect("a link to the person");
    link.split('"').next().expect("its end").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_across_companies() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        client.page(&root, "/admin/users").await.shows(&[
            "MARKERA admin",
            "MARKERB rider",
            "root@souk.test",
            "The platform",
            "Company beta",
        ]);
        let found = client.page(&root, "/admin/users?q=ADMIN@beta").await;
        found.shows(&["MARKERB admin"]);
        assert!(!found.text.contains("MARKERA"), "{}", found.text);
        let platform = client.page(&root, "/admin/users?state=platform").await;
        platform.shows(&["root@souk.test"]);
        assert!(!platform.text.contains("MARKER"), "{}", platform.text);
        client.page(&root, "/admin/users?q=100%25").await.shows(&["Nothing matches"]);
        let csv = client.page(&root, "/admin/users/export.csv?q=manager@").await;
        csv.shows(&["id,name,email,state,platform,companies,since", "manager@alpha.test,active,false,Company alpha"]);
        assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);

        let admin = page_of(&world, &root, "admin@alpha.test").await;
        client.sign_in("admin@alpha.test").await;
        client.page(&root, &admin).await.shows(&["Company alpha", "Company admin", "what=end_sessions", "what=ban", "127.0.0.1"]);
        let json = [("cookie", root.as_str()), ("accept", "application/json")];
        let jump = client.send("GET", "/jump?q=markera%20man&from=/admin", None, None, &json).await;
        assert!(jump.text.contains("manager@alpha.test"), "{}", jump.text);
        assert_eq!(client.page(&root, "/admin/users/0198c1f4-0000-7000-8000-000000000000").await.status, 404);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banned_person_is_out_everywhere_until_let_in_again() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        let person = page_of(&world, &root, "manager@alpha.test").await;
        let portal = client.sign_in("manager@alpha.test").await;
        let token = client.login("alpha", "manager@alpha.test").await;
        let neighbour = client.sign_in("manager@beta.test").await;

        let refused = client.form(&root, &format!("{person}/ban"), &[("reason", "")]).await;
        assert!(refused.status == 422 && refused.text.contains("f-reason-e"), "{}", refused.text);
        let reason = [("reason", "sold <accounts>")];
        let to = client.form(&root, &format!("{person}/ban"), &reason).await.leads_to();
        client.page(&root, &to).await.shows(&["The person is banned.", "sold &lt;accounts&gt;", "Let in again", "Signed in nowhere."]);
        let again = client.form(&root, &format!("{person}/ban"), &reason).await;
        assert!(again.status == 409 && again.text.contains("There is nothing to change"), "{}", again.text);

        assert!(client.page(&portal, "/company/orders").await.leads_to().starts_with("/sign-in"));
        client.get(&token, "/api/orders").await.refused(401, "session_ended");
        let credentials = json!({ "email": "manager@alpha.test", "password": PASSWORD });
        client.call("POST", "/api/auth/login", None, Some("alpha"), Some(&credentials), &[]).await.refused(403, "banned");
        let door = client.form("", "/sign-in", &[("email", "manager@alpha.test"), ("password", PASSWORD)]).await;
        assert_eq!(door.status, 422, "{}", door.text);
        client.page(&neighbour, "/company/orders").await.shows(&["MARKERB manager"]);
        client.page(&root, "/admin/users?state=banned").await.shows(&["manager@alpha.test"]);

        // The company sees that it was the platform, and the platform why.
        let admin = world.staff(&world.a, "admin").await;
        let told = client.get(&admin, "/api/audit/logs?resource=member&action=ban").await.expect(200);
        assert_eq!(
            (&told["data"][0]["role"], &told["data"][0]["changes"]["byThePlatform"]["after"]),
            (&json!("super_admin"), &json!(true))
        );
        let theirs = world.staff(&world.b, "admin").await;
        assert_eq!(client.get(&theirs, "/api/audit/logs?action=ban").await.expect(200)["data"], json!([]));

        client.form(&root, &format!("{person}/unban"), &[("reason", "it was his brother")]).await.leads_to();
        client.page(&root, &person).await.shows(&["it was his brother", "sold &lt;accounts&gt;"]);
        assert!(client.page(&portal, "/company/orders").await.leads_to().starts_with("/sign-in"), "an old session came back");
        let portal = client.sign_in("manager@alpha.test").await;
        client.page(&portal, "/company/orders").await.shows(&["MARKERA manager"]);

        let one = client.page(&root, &person).await;
        let session = one.text.split("session=").nth(1).and_then(|rest| rest.split('"').next()).expect("a session").to_owned();
        client.page(&root, &format!("{person}/act?what=end_sessions&session={session}")).await.shows(&["on this device"]);
        client.form(&root, &format!("{person}/end-sessions"), &[("session", &session), ("reason", "lost phone")]).await.leads_to();
        assert!(client.page(&portal, "/company/orders").await.leads_to().starts_with("/sign-in"));
        assert_eq!(client.form(&root, &format!("{person}/end-sessions"), &[("reason", "once more")]).await.status, 404);

        // Nobody shuts themselves out.
        let own = page_of(&world, &root, "root@souk.test").await;
        let page = client.page(&root, &own).await;
        assert!(!page.text.contains("what=ban"), "{}", page.text);
        for act in ["ban", "unban", "end-sessions"] {
            let refused = client.form(&root, &format!("{own}/{act}"), &reason).await;
            assert!(refused.status == 409 && refused.text.contains("You cannot do this to yourself."), "{act}: {}", refused.text);
        }
        world.verify().await;
        world.close().await;
    }
}
