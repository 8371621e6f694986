//! The shop terminal's stock screens.

use crate::support::{STOCK, World, png};

#[tokio::test(flavor = "multi_thread")]
async fn staff_receive_and_count_what_they_scan() {
    for world in World::all().await {
        let client = &world.client;
        let staff = client.sign_in("staff@alpha.test").await;
        let sku = "ALPHA-0";
        let found = client.page(&staff, &format!("/shop/stock?q={sku}")).await;
        assert_eq!(found.status, 200, "{}", found.text);
        assert!(found.text.contains("MARKERA goods") && found.text.contains(&format!("{}", STOCK[0])), "{}", found.text);
        // The list of keys tells all that the script acts on, each screen's and the jump box's among them.
        let keys = found.text.split("id=\"keys\"").nth(1).expect("a list of keys");
        for key in ["1", "2", "3", "K", "?", "Esc", "←", "→", "1…9", "↑", "↓", "Enter", "F2", "F3", "F4", "F6", "F9"] {
            assert!(keys.contains(&format!("<kbd class=\"sk-keep\">{key}</kbd>")), "the list of keys leaves `{key}` out");
        }
        found.shows(&["id=\"jump\"", "data-jump", "data-dialog=\"keys\""]);
        // The goods are known by their picture, where they have one.
        assert!(!found.text.contains("/media/"), "{}", found.text);
        let admin = world.staff(&world.a, "admin").await;
        let path = format!("/api/products/{}/media", world.a.product);
        client.upload(&admin, &path, &[("alt", "From the front")], &[("file", "a.png", png(400, 300))]).await.expect(201);
        for query in [sku, "goods"] {
            client.page(&staff, &format!("/shop/stock?q={query}")).await.shows(&["<img src=\"/media/"]);
        }
        // What only a manager may do is not offered.
        assert!(!found.text.contains("act=waste"), "{}", found.text);

        let act = |act: &str| format!("/shop/stock/{}/{act}", world.a.variants[0]);
        let (shop, location) = (world.a.shop.to_string(), world.a.location.to_string());
        let form =
            |quantity: &'static str| [("shop", shop.as_str()), ("location", location.as_str()), ("quantity", quantity), ("note", "DN-4")];
        let done = client.form(&staff, &act("receive"), &form("5")).await;
        assert_eq!(done.status, 303, "{}", done.text);
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] + 5, 0));
        let refused = client.form(&staff, &act("receive"), &form("many")).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("value=\"many\"") && refused.text.contains("aria-invalid"), "{}", refused.text);
        let done = client.form(&staff, &act("count"), &form("90")).await;
        assert_eq!(done.status, 303, "{}", done.text);
        assert_eq!(world.stock(&world.a, 0).await, (90, 0));
        assert_eq!(client.form(&staff, &act("waste"), &form("1")).await.status, 403);

        let manager = client.sign_in("manager@alpha.test").await;
        let refused = client.form(&manager, &act("waste"), &form("5000")).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert_eq!(client.form(&manager, &act("waste"), &form("1")).await.status, 303);
        let [a, b, c, d] = form("11");
        assert_eq!(client.form(&manager, &act("adjust"), &[a, b, c, d, ("operation", "add")]).await.status, 303);
        assert_eq!(world.stock(&world.a, 0).await, (100, 0));

        let neighbour = client.sign_in("manager@beta.test").await;
        assert_eq!(client.form(&neighbour, &act("receive"), &form("5")).await.status, 404);
        assert!(!client.page(&neighbour, &format!("/shop/stock?q={sku}")).await.text.contains("MARKERA"));
        assert_eq!(client.page(&neighbour, &format!("/shop/alerts?shop={}", world.a.shop)).await.status, 404);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_in_the_quantity_is_a_scan_and_one_form_books_once() {
    for world in World::all().await {
        let client = &world.client;
        let staff = client.sign_in("staff@alpha.test").await;
        let path = format!("/shop/stock/{}/receive", world.a.variants[0]);
        let (shop, location) = (world.a.shop.to_string(), world.a.location.to_string());
        let form = |quantity: &'static str| {
            [("shop", shop.as_str()), ("location", location.as_str()), ("once", "one"), ("quantity", quantity), ("note", "")]
        };
        // A slow scanner types into the field that has the focus: nothing is booked, the code is looked up.
        let to = client.form(&staff, &path, &form("8901234567890")).await.leads_to();
        assert_eq!(to, format!("/shop/stock?shop={shop}&act=receive&q=8901234567890"));
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0], 0));
        for _ in 0..2 {
            assert_eq!(client.form(&staff, &path, &form("4")).await.status, 303);
        }
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] + 4, 0), "an Enter too many was booked");
        let asked = client.page(&staff, &format!("/shop/stock?variant={}", world.a.variants[0])).await;
        let focus = asked.text.split("autofocus").count();
        assert_eq!(focus, 2, "one field has the focus");
        assert!(asked.text.split("autofocus").next().is_some_and(|front| front.contains("name=\"quantity\"")), "the quantity is next");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_at_the_shop_takes_care_of_an_alert() {
    for world in World::all().await {
        let client = &world.client;
        let manager = world.staff(&world.a, "manager").await;
        let low = serde_json::json!({ "locationId": world.a.location, "reorderPoint": 100_000 });
        let path = format!("/api/inventory/{}/reorder-point", world.a.variants[0]);
        client.put(&manager, &path, &low).await.expect(200);
        let staff = client.sign_in("staff@alpha.test").await;
        let page = client.page(&staff, "/shop/alerts").await;
        page.shows(&["MARKERA goods, Size 0", "I take care"]);
        let id = page.text.split("/shop/alerts/").nth(1).and_then(|rest| rest.split_once("/acknowledge")).expect("an alert").0.to_owned();
        let path = format!("/shop/alerts/{id}/acknowledge");
        let neighbour = client.sign_in("staff@beta.test").await;
        assert_eq!(client.form(&neighbour, &path, &[]).await.status, 404);
        let rider = client.sign_in("rider@alpha.test").await;
        assert_eq!(client.form(&rider, &path, &[]).await.status, 403);
        for _ in 0..2 {
            let to = client.form(&staff, &path, &[]).await.leads_to();
            assert_eq!(to, format!("/shop/alerts?shop={}&said=flash.alert_seen", world.a.shop));
        }
        let page = client.page(&staff, "/shop/alerts").await;
        page.shows(&["MARKERA staff"]);
        assert!(!page.text.contains("I take care"), "an alert is offered that somebody has");
        world.verify().await;
        world.close().await;
    }
}
