//! A staff person's own account, and the pages in front of the door.

use souk::models::identity::{self, Person};

use crate::support::{PASSWORD, World};

const BETTER: &str = "a-better-test-of-words-43";

#[tokio::test(flavor = "multi_thread")]
async fn staff_keep_their_own_account() {
    for world in World::all().await {
        let client = &world.client;
        let here = client.sign_in("staff@alpha.test").await;
        let there = client.sign_in("staff@alpha.test").await;
        let page = client.page(&here, "/account").await;
        page.shows(&["MARKERA staff", "staff@alpha.test", "This one", "Where you are signed in"]);
        assert!(!page.text.contains("MARKERB"));

        let saved = [("name", "Asha <3"), ("phone", "+91 98000 00001"), ("language", "hi"), ("theme", "dark")];
        let done = client.form(&here, "/account", &saved).await.leads_to();
        let page = client.page(&here, &done).await;
        page.shows(&["Asha &lt;3", "मेरा खाता", "data-bs-theme=\"dark\"", "सहेजा गया।"]);
        let saved = [("name", ""), ("phone", "call me"), ("language", "en"), ("theme", "")];
        let refused = client.form(&here, "/account", &saved).await;
        assert_eq!(refused.status, 422);
        let saved = [("name", "Asha"), ("phone", "call me"), ("language", "en"), ("theme", "")];
        let refused = client.form(&here, "/account", &saved).await;
        assert!(refused.status == 422 && refused.text.contains("value=\"call me\""), "{}", refused.text);

        let wrong = [("oldPassword", PASSWORD), ("newPassword", BETTER), ("againPassword", "something else")];
        let refused = client.form(&here, "/account/password", &wrong).await;
        assert_eq!(refused.status, 422);
        assert!(!refused.text.contains(PASSWORD) && !refused.text.contains(BETTER), "a password was sent back");
        let right = [("oldPassword", PASSWORD), ("newPassword", BETTER), ("againPassword", BETTER)];
        let done = client.form(&here, "/account/password", &right).await;
        assert_eq!(done.leads_to(), "/account?said=flash.password_changed");
        let cookie = done.headers["set-cookie"].to_str().expect("a text").split(';').next().expect("a cookie").to_owned();
        client.page(&cookie, "/account").await.shows(&["staff@alpha.test"]);
        for old in [&here, &there] {
            assert!(client.page(old, "/account").await.leads_to().starts_with("/sign-in"), "an old secret still opens the door");
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_ended_from_another() {
    for world in World::all().await {
        let client = &world.client;
        let here = client.sign_in("manager@alpha.test").await;
        let there = client.sign_in("manager@alpha.test").await;
        let neighbour = client.sign_in("manager@beta.test").await;
        let page = client.page(&here, "/account").await;
        page.shows(&["data-dialog=\"end-session\"", "End this session?"]);
        let action = page.text.split("action=\"").find(|rest| rest.starts_with("/account/sessions/")).expect("an End button");
        let action = action.split('"').next().expect("its address").to_owned();
        assert_eq!(client.form(&neighbour, &action, &[]).await.status, 404);
        client.page(&there, "/account").await.shows(&["manager@alpha.test"]);
        assert_eq!(client.form(&here, &action, &[]).await.leads_to(), "/account?said=flash.session_ended");
        assert!(client.page(&there, "/account").await.leads_to().starts_with("/sign-in"));
        client.page(&here, "/account").await.shows(&["manager@alpha.test"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_choose_by_which_ways_their_messages_come() {
    for world in World::all().await {
        let client = &world.client;
        let (staff, other) = (client.sign_in("staff@alpha.test").await, client.sign_in("manager@alpha.test").await);
        let is_on = |page: &str, name: &str| {
            let tag = page.split("<input ").find(|tag| tag.contains(&format!("name=\"{name}\""))).expect("a box");
            tag.split('>').next().expect("its end").contains(" checked")
        };
        let path = "/account/messages";
        let page = client.page(&staff, "/account").await;
        page.shows(&["My messages", "action=\"/account/messages\""]);
        assert!(is_on(&page.text, "important.email") && !is_on(&page.text, "important.sms"));

        let refused = client.form(&staff, path, &[("important.sms", "on")]).await.leads_to();
        client.page(&staff, &refused).await.shows(&["Critical messages go by e-mail or SMS at least."]);
        let wanted = [("critical.email", "on"), ("important.sms", "on")];
        assert_eq!(client.form(&staff, path, &wanted).await.leads_to(), "/account?said=flash.saved");
        let page = client.page(&staff, "/account").await.text;
        assert_eq!(["important.email", "important.sms", "important.in_app"].map(|name| is_on(&page, name)), [false, true, true]);
        let token = world.staff(&world.a, "staff").await;
        let kept = client.get(&token, "/api/notifications/preferences").await.expect(200);
        assert_eq!((&kept["important"]["sms"], &kept["important"]["email"]), (&true.into(), &false.into()), "{kept}");
        assert!(!is_on(&client.page(&other, "/account").await.text, "important.sms"), "a colleague's messages go another way");

        // The platform's people get no messages of a company, and are offered none.
        let root = client.sign_in("root@souk.test").await;
        assert!(!client.page(&root, "/account").await.text.contains(path));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_leads_back_in() {
    for world in World::all().await {
        let client = &world.client;
        client.page("", "/sign-in").await.shows(&["href=\"/forgotten\""]);
        client.page("", "/forgotten").await.shows(&["Forgot your password?"]);
        let known = client.form("", "/forgotten", &[("email", "admin@alpha.test")]).await;
        let unknown = client.form("", "/forgotten", &[("email", "nobody@alpha.test")]).await;
        assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
        known.shows(&["If there is an account"]);

        let platform = world.souk.platform("verify").await.expect("the platform");
        let ask = "SELECT id FROM staff WHERE email = 'admin@alpha.test'";
        let id = platform.ask(ask, vec![]).await.expect("a row")[0].try_get("", "id").expect("an id");
        drop(platform);
        let staff = identity::find_staff(&world.souk, souk::ids::StaffId(id)).await.expect("a person");
        let path = identity::password_path(&world.souk, &Person::Staff(staff)).expect("a link");
        client.page("", &path).await.shows(&["Choose a new password"]);
        let link = path.split_once("link=").expect("a link").1;
        let set = async |again: &str, link: &str| {
            client.form("", "/new-password", &[("link", link), ("password", BETTER), ("againPassword", again)]).await
        };
        let refused = set("another", link).await;
        assert!(refused.status == 422 && refused.text.contains("The two are different."), "{}", refused.text);
        set(BETTER, link).await.shows(&["Your new password is set.", "href=\"/sign-in\""]);
        let used = set(BETTER, link).await;
        assert!(used.status == 422 && used.text.contains("This link is over or was used."), "{}", used.text);
        let signed_in = client.form("", "/sign-in", &[("email", "admin@alpha.test"), ("password", BETTER)]).await;
        assert_eq!(signed_in.leads_to(), "/company");

        let path = identity::address_path(&world.souk, &world.a.customer).expect("a link");
        client.page("", &path).await.shows(&["Is this your e-mail address?"]);
        let link = path.split_once("link=").expect("a link").1;
        client.form("", "/verify-email", &[("link", link)]).await.shows(&["Your e-mail address is confirmed."]);
        world.verify().await;
        world.close().await;
    }
}
