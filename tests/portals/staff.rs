//! The pages of staff and roles: who may, what is refused, and the neighbour.

use serde_json::json;

use crate::support::{Client, World, text};

/// The id of the person with an e-mail, as the page leads to them.
async fn id_of(world: &World, email: &str) -> String {
    let admin = world.staff(&world.a, "admin").await;
    let page = world.client.get(&admin, &format!("/api/users?q={email}")).await.expect(200);
    text(&page["data"][0]["id"])
}

/// What stands in a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let field = page.split(&format!("name=\"{name}\" value=\"")).nth(1).expect("the field");
    field.split('"').next().expect("its value").to_owned()
}

async fn role(client: &Client, cookie: &str, name: &str, permissions: &[&str]) -> String {
    let mut form = vec![("name", name)];
    form.extend(permissions.iter().map(|permission| ("permissions", *permission)));
    let to = client.form(cookie, "/company/roles", &form).await.leads_to();
    to.strip_prefix("/company/roles/").and_then(|rest| rest.split('?').next()).expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_are_invited_changed_shut_out_and_sent_away_on_their_pages() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let shop = world.a.shop.to_string();
        client.page(&admin, "/company/staff").await.shows(&[
            "MARKERA manager",
            "Shop manager",
            "Invite somebody",
            "href=\"/company/staff/new\"",
        ]);
        client.page(&admin, "/company/staff/new").await.shows(&["MARKERA shop", "Company admin"]);

        // Refused: everything at once, and what was typed stays.
        let refused = client.form(&admin, "/company/staff", &[("email", ""), ("name", "Nila <Rao>"), ("role", "")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.matches("Fill this in.").count() >= 2 && refused.text.contains("Nila &lt;Rao&gt;"), "{}", refused.text);
        let new = [("email", "nila@alpha.test"), ("name", "Nila Rao"), ("role", "shop_staff")];
        let refused = client.form(&admin, "/company/staff", &new).await;
        assert!(refused.status == 422 && refused.text.contains("This role is given at shops."), "{}", refused.text);
        let foreign = world.b.shop.to_string();
        let refused = client.form(&admin, "/company/staff", &[&new[..], &[("shopIds", foreign.as_str())]].concat()).await;
        assert_eq!(refused.status, 422, "a neighbour's shop was given");

        let at = [&new[..], &[("shopIds", shop.as_str())]].concat();
        let done = client.form(&admin, "/company/staff", &at).await.leads_to();
        let path = done.split('?').next().expect("a path").to_owned();
        client.page(&admin, &done).await.shows(&["The invitation is on its way.", "Nila Rao", "Invited", "Send again"]);
        let twice = client.form(&admin, "/company/staff", &at).await;
        assert!(
            twice.status == 409 && twice.text.contains("on the staff already") && twice.text.contains("nila@alpha.test"),
            "{}",
            twice.text
        );
        client.page(&admin, "/company/staff?state=invited").await.shows(&["nila@alpha.test"]);
        let again = client.form(&admin, &format!("{path}/invite-again"), &[]).await.leads_to();
        client.page(&admin, &again).await.shows(&["The invitation is on its way."]);
        let revoked = client.form(&admin, &format!("{path}/send-away"), &[]).await.leads_to();
        client.page(&admin, &revoked).await.shows(&["The invitation is taken back.", "Left"]);
        client.page(&admin, "/company/staff?state=left").await.shows(&["nila@alpha.test"]);
        assert!(!client.page(&admin, "/company/staff?state=invited").await.text.contains("nila@alpha.test"));

        // Roles per shop, by rows of the form; a version that is over keeps what was typed.
        let staff = client.sign_in("staff@alpha.test").await;
        let path = format!("/company/staff/{}", id_of(&world, "staff@alpha.test").await);
        let page = client.page(&admin, &path).await;
        page.shows(&["MARKERA staff", "127.0.0.1"]);
        let version = hidden(&page.text, "version");
        let rows = [("name", "Kiran Patel"), ("role", "shop_manager"), ("shop", shop.as_str()), ("role", ""), ("shop", "")];
        let stale = client.form(&admin, &path, &[&rows[..], &[("version", "0")]].concat()).await;
        assert_eq!(stale.status, 412);
        assert!(
            stale.text.contains("Someone else changed this meanwhile") && stale.text.contains("value=\"Kiran Patel\""),
            "{}",
            stale.text
        );
        let none = client.form(&admin, &path, &[("name", "Kiran"), ("version", &version), ("role", ""), ("shop", "")]).await;
        assert!(none.status == 422 && none.text.contains("Choose at least one role"), "{}", none.text);
        let saved = client.form(&admin, &path, &[&rows[..], &[("version", version.as_str())]].concat()).await.leads_to();
        client.page(&admin, &saved).await.shows(&["Saved.", "Kiran Patel", "Shop manager"]);
        client.page(&staff, "/shop/orders").await.leads_to();

        let staff = client.sign_in("staff@alpha.test").await;
        let out = client.form(&admin, &format!("{path}/ban"), &[]).await.leads_to();
        client.page(&admin, &out).await.shows(&["They are shut out.", "Let in again"]);
        client.page(&staff, "/shop/orders").await.leads_to();
        let twice = client.form(&admin, &format!("{path}/ban"), &[]).await.leads_to();
        client.page(&admin, &twice).await.shows(&["There is nothing to change"]);
        client.form(&admin, &format!("{path}/unban"), &[]).await.leads_to();
        let staff = client.sign_in("staff@alpha.test").await;
        client.form(&admin, &format!("{path}/end-sessions"), &[]).await.leads_to();
        client.page(&staff, "/shop/orders").await.leads_to();

        let last = format!("/company/staff/{}", id_of(&world, "admin@alpha.test").await);
        let kept = client.form(&admin, &format!("{last}/send-away"), &[]).await.leads_to();
        client.page(&admin, &kept).await.shows(&["at least one admin"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_sees_the_people_of_their_shops_and_changes_nobody() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let second = client.post(&admin, "/api/shops", &json!({ "slug": "second", "name": "MARKERA second" })).await.expect(201);
        let (away, _) = world.join(&world.a, "away", json!([{ "role": "shop_staff", "shopId": second["id"] }])).await;
        let manager = client.sign_in("manager@alpha.test").await;
        let list = client.page(&manager, "/company/staff").await;
        list.shows(&["staff@alpha.test", "rider@alpha.test"]);
        assert!(!list.text.contains("away@alpha.test") && !list.text.contains("href=\"/company/staff/new\""), "{}", list.text);
        let csv = client.page(&manager, "/company/staff/export.csv").await;
        assert!(csv.text.contains("staff@alpha.test") && !csv.text.contains("away@alpha.test"), "{}", csv.text);
        assert_eq!(client.page(&manager, &format!("/company/staff/{away}")).await.status, 404);
        assert_eq!(client.form(&manager, "/company/staff/chosen.csv", &[("ids", away.as_str())]).await.status, 404);
        let path = format!("/company/staff/{}", id_of(&world, "staff@alpha.test").await);
        let page = client.page(&manager, &path).await;
        page.shows(&["MARKERA staff"]);
        assert!(!page.text.contains("name=\"role\""), "a form is shown to whom it is closed");
        for act in ["", "/ban", "/unban", "/end-sessions", "/send-away", "/invite-again"] {
            assert_eq!(client.form(&manager, &format!("{path}{act}"), &[("name", "x")]).await.status, 403, "{act}");
        }
        for door in ["/company/staff/new", "/company/roles/new"] {
            assert_eq!(client.page(&manager, door).await.status, 403, "{door}");
        }
        let staff = client.sign_in("staff@alpha.test").await;
        assert_eq!(client.page(&staff, "/company/staff").await.status, 403);

        // The neighbour: not there.
        let neighbour = client.sign_in("admin@beta.test").await;
        assert_eq!(client.page(&neighbour, &path).await.status, 404);
        assert_eq!(client.form(&neighbour, &format!("{path}/ban"), &[]).await.status, 404);
        assert!(!client.page(&neighbour, "/company/staff/export.csv").await.text.contains("MARKERA"));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_made_of_permissions_and_its_people_get_another_when_it_goes() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        client.page(&admin, "/company/roles").await.shows(&["No roles of your own yet", "Company admin", "Rider"]);
        client.page(&admin, "/company/roles/new").await.shows(&["Pick, pack, ship and hand over orders", "inventory:write"]);
        let refused = client.form(&admin, "/company/roles", &[("name", "Keeper")]).await;
        assert!(refused.status == 422 && refused.text.contains("Choose at least one permission."), "{}", refused.text);
        let refused = client.form(&admin, "/company/roles", &[("name", "Rider"), ("permissions", "orders:read")]).await;
        assert!(refused.status == 422 && refused.text.contains("the name of a built-in role"), "{}", refused.text);
        assert!(refused.text.contains("value=\"orders:read\" checked"), "a tick was lost");

        let id = role(client, &admin, "Stock keeper", &["inventory:read", "inventory:write"]).await;
        let path = format!("/company/roles/{id}");
        let twice = client.form(&admin, "/company/roles", &[("name", "Stock keeper"), ("permissions", "orders:read")]).await;
        assert!(twice.status == 409 && twice.text.contains("Another role has this name."), "{}", twice.text);
        let places = json!([{ "role": id, "shopId": world.a.shop }]);
        let (keeper, _) = world.join(&world.a, "keeper", places).await;
        let page = client.page(&admin, &path).await;
        page.shows(&["New keeper", "1 people have it"]);
        let version = hidden(&page.text, "version");
        let change = [("name", "Stock keeper"), ("version", version.as_str()), ("permissions", "inventory:read")];
        client.form(&admin, &path, &change).await.leads_to();
        assert_eq!(client.form(&admin, &path, &change).await.status, 412, "a form of before was saved");

        // Removed: not while somebody would lose everything; with another role they keep their shop.
        let kept = client.form(&admin, &format!("{path}/remove"), &[("instead", "")]).await;
        assert!(kept.status == 409 && kept.text.contains("Say which they get instead."), "{}", kept.text);
        let kept = client.form(&admin, &format!("{path}/remove"), &[("instead", "company_admin")]).await;
        assert!(kept.status == 422 && kept.text.contains("choose one that can be held there"), "{}", kept.text);
        let neighbour = client.sign_in("admin@beta.test").await;
        assert_eq!(client.page(&neighbour, &path).await.status, 404);
        assert_eq!(client.form(&neighbour, &format!("{path}/remove"), &[]).await.status, 404);
        let done = client.form(&admin, &format!("{path}/remove"), &[("instead", "shop_staff")]).await.leads_to();
        client.page(&admin, &done).await.shows(&["The role is removed.", "No roles of your own yet"]);
        assert_eq!(client.form(&admin, &format!("{path}/remove"), &[]).await.status, 404);
        let api = world.staff(&world.a, "admin").await;
        let now = client.get(&api, &format!("/api/users/{keeper}")).await.expect(200);
        assert_eq!((&now["role"], &now["shopIds"]), (&json!("shop_staff"), &json!([world.a.shop])));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_by_a_form_what_they_do_not_hold() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let people = role(client, &admin, "People keeper", &["users:read", "users:write", "roles:read", "roles:write"]).await;
        world.join(&world.a, "people", json!([{ "role": people }])).await;
        let keeper = client.sign_in("people@alpha.test").await;
        let page = client.page(&keeper, "/company/roles/new").await;
        assert!(!page.text.contains("value=\"orders:read\""), "a permission is offered to whom does not hold it");
        let refused = client.form(&keeper, "/company/roles", &[("name", "More"), ("permissions", "orders:read")]).await;
        assert!(refused.status == 422 && refused.text.contains("more than you may do yourself"), "{}", refused.text);
        let new = [("email", "boss@alpha.test"), ("name", "Boss"), ("role", "company_admin")];
        let refused = client.form(&keeper, "/company/staff", &new).await;
        assert!(refused.status == 422 && refused.text.contains("more than you may do yourself"), "{}", refused.text);
        let boss = format!("/company/staff/{}", id_of(&world, "admin@alpha.test").await);
        let back = client.form(&keeper, &format!("{boss}/ban"), &[]).await.leads_to();
        client.page(&keeper, &back).await.shows(&["more than you may do yourself"]);
        world.verify().await;
        world.close().await;
    }
}
