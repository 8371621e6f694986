//! What every page has in common: who sees what, refused forms, lists and their export.

use serde_json::Value;
use souk::views::templates;

use crate::support::{STOCK, World, order, text};

async fn place(world: &World, index: usize, quantity: i64) -> Value {
    let token = world.token_of(&world.a, world.a.customer.clone()).await;
    let placed = world.client.post(&token, "/api/orders", &order(&world.a, index, quantity, "test", Some("tok_ok"))).await;
    placed.expect(201)["orders"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_sees_its_own_portal_and_is_told_what_it_lacks() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let staff = client.sign_in("staff@alpha.test").await;
        client.page(&admin, "/company/orders").await.shows(&["MARKERA admin", "/company/audit", "Ctrl K"]);
        let orders = client.page(&staff, "/company/orders").await;
        orders.shows(&["MARKERA staff"]);
        assert!(!orders.text.contains("href=\"/company/audit\""), "a place that the role may not open is shown");
        let refused = client.page(&staff, "/company/audit").await;
        assert_eq!(refused.status, 403);
        assert!(refused.text.contains("audit:read"), "the page does not name what is missing");
        let unknown = client.page(&admin, "/company/orders/0198c1f4-0000-7000-8000-000000000000").await;
        let nowhere = client.page(&admin, "/nowhere").await;
        assert_eq!((unknown.status, nowhere.status), (404, 404));
        assert!(unknown.text.contains("Not found") && nowhere.text.contains("Not found"));
        let door = client.page("souk_session=none", "/company/orders?status=shipped").await;
        assert_eq!(door.leads_to(), "/sign-in?next=%2Fcompany%2Forders%3Fstatus%3Dshipped");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_came_back_is_taken_back_on_its_page() {
    for world in World::all().await {
        let client = &world.client;
        let (manager, staff) = (client.sign_in("manager@alpha.test").await, client.sign_in("staff@alpha.test").await);
        let path = format!("/company/orders/{}", text(&place(&world, 0, 1).await["id"]));
        let page = client.page(&manager, &path).await.text;
        assert!(!page.contains("/take-back"), "it is not on its way yet");
        let standing =
            |page: &str| page.split("data-live=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a live part").to_owned();
        let before = standing(&page);
        assert_eq!(standing(&client.page(&manager, &path).await.text), before, "a page that stands still is put in place again and again");
        for status in ["processing", "packed", "shipped"] {
            client.form(&manager, &format!("{path}/status"), &[("status", status)]).await.leads_to();
        }
        let page = client.page(&manager, &path).await;
        page.shows(&["/take-back", "Take back undelivered"]);
        assert_ne!(standing(&page.text), before, "what became of the order does not show without reload");
        let back = format!("{path}/take-back");
        let refused = client.form(&manager, &back, &[("backReason", "  ")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("Fill this in."), "{}", refused.text);
        assert_eq!(client.form(&staff, &back, &[("backReason", "nobody there")]).await.status, 403, "money goes back with it");
        assert_eq!(client.form(&manager, &back, &[("backReason", "nobody there"), ("version", "1")]).await.status, 412, "stale");
        client.form(&manager, &back, &[("backReason", "nobody there")]).await.leads_to();
        client.page(&manager, &path).await.shows(&["Returned", "nobody there", "1 came back"]);
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0], 0));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_form_keeps_what_was_typed_and_says_why() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let id = text(&place(&world, 0, 1).await["id"]);
        let path = format!("/company/orders/{id}");

        let refused = client.form(&admin, &format!("{path}/cancel"), &[("reason", "  ")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("aria-invalid=\"true\"") && refused.text.contains("Fill this in."), "{}", refused.text);

        let step = [("status", "shipped"), ("note", "Ring <twice>"), ("trackingNumber", "AWB 7")];
        let refused = client.form(&admin, &format!("{path}/status"), &step).await;
        assert_eq!(refused.status, 409);
        assert!(refused.text.contains("Ring &lt;twice&gt;") && refused.text.contains("value=\"AWB 7\""), "{}", refused.text);
        assert!(refused.text.contains("This step is not possible any more"), "{}", refused.text);

        client.form(&admin, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        let refused = client.form(&admin, &format!("{path}/status"), &step).await;
        assert!(refused.text.contains("यह चरण अब संभव नहीं"), "the refusal is not in the person's language");
        client.form(&admin, "/language", &[("lang", "en"), ("next", "/")]).await.leads_to();

        let done = client.form(&admin, &format!("{path}/status"), &[("status", "processing")]).await.leads_to();
        assert_eq!(done, format!("{path}?said=flash.order_moved"));
        client.page(&admin, &done).await.shows(&["The order moved one step on."]);
        let forged = client.page(&admin, &format!("{path}?told=eyJ0b25lIjoib2sifQ&said=flash.nothing")).await;
        assert!(!forged.text.contains("data-flash"), "an address put words in our mouth");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_filtered_paged_chosen_from_and_exported() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let one = place(&world, 0, 1).await;
        let two = place(&world, 1, 1).await;
        let theirs = world.token_of(&world.b, world.b.customer.clone()).await;
        let theirs = client.post(&theirs, "/api/orders", &order(&world.b, 0, 1, "test", Some("tok_ok"))).await.expect(201);

        let number = text(&one["orderNumber"]);
        let found = client.page(&admin, &format!("/company/orders?q={number}")).await;
        found.shows(&[&number, "sk-chip"]);
        assert!(!found.text.contains(&text(&two["orderNumber"])), "the search did not narrow");
        client.page(&admin, "/company/orders?q=nobody").await.shows(&["Nothing matches “nobody”"]);

        // The second was moved on meanwhile: its row is refused, the other's step is taken.
        let (one, two) = (text(&one["id"]), text(&two["id"]));
        client.form(&admin, &format!("/company/orders/{two}/status"), &[("status", "processing")]).await.leads_to();
        let other = text(&theirs["orders"][0]["id"]);
        let chosen = [("ids", one.as_str()), ("ids", two.as_str())];
        let back = client.form(&admin, "/company/orders/picking", &chosen).await.leads_to();
        client.page(&admin, &back).await.shows(&["Picking started: 1.", "This step is not possible any more"]);

        let csv = client.form(&admin, "/company/orders/chosen.csv", &[("ids", one.as_str())]).await;
        csv.shows(&["number,placed,customer,status", "processing"]);
        let refused = client.form(&admin, "/company/orders/chosen.csv", &[("ids", other.as_str())]).await;
        assert_eq!(refused.status, 404, "a neighbour's row was exported");
        let csv = client.page(&admin, "/company/orders/export.csv?status=processing").await;
        assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);
        assert!(!csv.text.contains("MARKERB"));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jump_box_finds_what_one_may_see_and_never_a_neighbours_rows() {
    for world in World::all().await {
        let client = &world.client;
        let mine = place(&world, 0, 1).await;
        let theirs = world.token_of(&world.b, world.b.customer.clone()).await;
        client.post(&theirs, "/api/orders", &order(&world.b, 0, 1, "test", Some("tok_ok"))).await.expect(201);

        let admin = client.sign_in("admin@alpha.test").await;
        let json = [("cookie", admin.as_str()), ("accept", "application/json")];
        let number = text(&mine["orderNumber"]);
        let found = client.send("GET", &format!("/jump?q={number}"), None, None, &json).await.expect(200);
        assert_eq!(found["groups"][0]["items"][0]["href"], format!("/company/orders/{}", text(&mine["id"])));
        for words in ["MARKERB", "markerb", "ORD", "audit", ""] {
            let found = client.send("GET", &format!("/jump?q={words}"), None, None, &json).await;
            assert!(!found.text.contains("MARKERB"), "{}", found.text);
        }
        client.page(&admin, "/jump?q=audit").await.shows(&["href=\"/company/audit\""]);

        let rider = client.sign_in("rider@alpha.test").await;
        let json = [("cookie", rider.as_str()), ("accept", "application/json")];
        let found = client.send("GET", &format!("/jump?q={number}"), None, None, &json).await;
        assert!(!found.text.contains(&number), "a rider may not read orders: {}", found.text);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_view_is_its_owners_alone_and_only_a_list_of_ours() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let list = "/company/orders?status=delivered&q=";
        client.page(&admin, list).await.shows(&["Save as view"]);
        let view = [("address", "/company/orders?status=delivered"), ("name", "On the way <now>")];
        let back = client.form(&admin, "/views", &view).await.leads_to();
        assert_eq!(back, "/company/orders?status=delivered&said=flash.view_saved");
        let page = client.page(&admin, "/company/orders?status=delivered").await;
        page.shows(&["On the way &lt;now&gt;", "Remove this view"]);
        let again = client.form(&admin, "/views", &view).await.leads_to();
        client.page(&admin, &again).await.shows(&["You have a view of this name already."]);
        for address in ["https://evil.test/", "//evil.test/company/orders", "/nowhere?status=x"] {
            let back = client.form(&admin, "/views", &[("address", address), ("name", "x")]).await.leads_to();
            assert!(back.starts_with("/?told="), "{back}");
        }

        let manager = client.sign_in("manager@alpha.test").await;
        let neighbour = client.sign_in("admin@beta.test").await;
        let remove = page.text.split("action=\"/views/").nth(1).and_then(|rest| rest.split('"').next()).expect("the way to remove it");
        for cookie in [&manager, &neighbour] {
            let page = client.page(cookie, "/company/orders?status=delivered").await;
            assert!(!page.text.contains("On the way"), "somebody else's view is shown");
            assert_eq!(client.form(cookie, &format!("/views/{remove}"), &[]).await.status, 404);
        }
        let back = client.form(&admin, &format!("/views/{remove}"), &[]).await.leads_to();
        let page = client.page(&admin, "/company/orders?status=delivered").await;
        assert!(!page.text.contains("On the way"));
        // What was done a moment ago is taken back, by whoever did it and nobody else.
        for cookie in [&manager, &neighbour] {
            let page = client.page(cookie, &back).await;
            assert!(page.text.contains("data-flash") && !page.text.contains("On the way"), "somebody else is offered to take it back");
        }
        let (action, fields) = client.page(&admin, &back).await.undo();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        client.form(&admin, &action, &fields).await.leads_to();
        client.page(&admin, "/company/orders?status=delivered").await.shows(&["On the way &lt;now&gt;"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_leads_back_the_way_one_came() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        for step in 0..130 {
            let tenant = souk::tenancy::Tenant::system(world.a.id);
            let scope = world.souk.write(tenant).await.expect("a scope");
            scope.audit("update", "plan", step, None, vec![]).await.expect("an entry");
            scope.commit().await.expect("kept");
        }
        let first = client.page(&admin, "/company/audit?resource=plan").await;
        let link = |page: &str, rel: &str| {
            let nav = page.split("sk-pager").nth(1).expect("a pager").replace("&amp;", "&").replace("&#x2F;", "/");
            let before = nav.split(&format!("rel=\"{rel}\"")).next().expect("its link").to_owned();
            let tag = before.rsplit("<a ").next().expect("a tag").to_owned();
            tag.split("href=\"").nth(1).map(|rest| rest.split('"').next().expect("an end").to_owned())
        };
        assert_eq!(link(&first.text, "prev"), None);
        let second = client.page(&admin, &link(&first.text, "next").expect("older")).await;
        let third = client.page(&admin, &link(&second.text, "next").expect("older")).await;
        assert_eq!(link(&third.text, "next"), None, "the last page has no older one");
        let rows = |text: &str| text.split("<tbody>").nth(1).map(|rest| rest.split("</tbody>").next().unwrap_or_default().to_owned());
        let back = client.page(&admin, &link(&third.text, "prev").expect("newer")).await;
        assert_eq!(rows(&back.text), rows(&second.text));
        let back = client.page(&admin, &link(&back.text, "prev").expect("newer")).await;
        assert_eq!(rows(&back.text), rows(&first.text));
        world.verify().await;
        world.close().await;
    }
}

#[test]
fn every_template_is_sound() {
    let data = serde_json::json!({
        "lang": "en", "theme": "", "path": "/", "status": 404, "flash": null, "request_id": "", "title": "", "detail": "", "permission": "",
    });
    templates::render("public/error.html", &data).expect("the engine, with every template");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_of_the_staff_begins_at_a_page_that_opens() {
    for world in World::all().await {
        let client = &world.client;
        for person in ["admin", "manager", "staff", "rider"] {
            let cookie = client.sign_in(&format!("{person}@alpha.test")).await;
            let first = client.page(&cookie, "/").await.leads_to();
            assert_eq!(client.page(&cookie, &first).await.status, 200, "{person} begins at {first}");
        }
        world.close().await;
    }
}
