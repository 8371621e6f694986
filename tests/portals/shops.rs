//! Shops at the desk: opened, changed, with their week, their days off and their people.

use serde_json::json;

use crate::support::{World, order, text};

const LIST: &str = "/company/shops";

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_is_opened_changed_and_refused_with_what_was_typed() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let new = |slug: &'static str, country: &'static str| {
            [
                ("name", "MARKERA second"),
                ("slug", slug),
                ("kind", "store"),
                ("zone", "Asia/Kolkata"),
                ("country", country),
                ("city", "Mysuru"),
            ]
        };
        let refused = client.form(&admin, LIST, &new("Not a slug", "India")).await;
        assert_eq!(refused.status, 422);
        for text in ["value=\"Not a slug\"", "Use 2 to 63 small letters", "Two letters, such as IN.", "value=\"Mysuru\""] {
            assert!(refused.text.contains(text), "`{text}`: {}", refused.text);
        }
        assert_eq!(client.form(&admin, LIST, &new("main", "in")).await.status, 409);
        let to = client.form(&admin, LIST, &new("second", "in")).await.leads_to();
        client.page(&admin, &to).await.shows(&["The shop is open.", "MARKERA second", "Open now", "Monday"]);
        let path = to.split('?').next().expect("a path").to_owned();
        // Goods may lie there at once.
        client.page(&admin, &format!("/company/inventory?place={}", world.a.location)).await.shows(&["MARKERA second"]);

        let change = |version: &'static str| {
            [
                ("name", "MARKERA corner"),
                ("kind", "stand"),
                ("zone", "Asia/Dubai"),
                ("country", "AE"),
                ("lat", "25.2"),
                ("lng", "55.27"),
                ("email", "corner@alpha.test"),
                ("managerId", ""),
                ("version", version),
            ]
        };
        client.form(&admin, &path, &change("1")).await.leads_to();
        client.page(&admin, &path).await.shows(&["MARKERA corner", "value=\"25.2\"", "Asia/Dubai"]);
        let stale = client.form(&admin, &path, &change("1")).await;
        assert_eq!(stale.status, 412);
        assert!(stale.text.contains("Someone else changed this meanwhile"), "{}", stale.text);
        let [a, b, c, d, lat, .., version] = change("2");
        let half = client.form(&admin, &path, &[a, b, c, d, lat, version]).await;
        assert_eq!(half.status, 422);
        assert!(half.text.contains("Both degrees, or none."), "{}", half.text);

        client.page(&admin, &format!("{LIST}?q=CORN")).await.shows(&["MARKERA corner"]);
        assert!(!client.page(&admin, &format!("{LIST}?q=corn_")).await.text.contains("MARKERA corner"), "a `_` is a letter");
        client.page(&admin, &format!("{LIST}/export.csv")).await.shows(&["second,MARKERA corner,stand,Asia/Dubai"]);

        // Whoever works at one shop reads that one, and changes none.
        let id = path.rsplit('/').next().expect("an id");
        for person in ["manager@alpha.test", "staff@alpha.test"] {
            let cookie = client.sign_in(person).await;
            let list = client.page(&cookie, LIST).await;
            list.shows(&["MARKERA shop"]);
            assert!(!list.text.contains("MARKERA corner"), "{person} sees another shop");
            assert_eq!(client.page(&cookie, &path).await.status, 404);
            let own = client.page(&cookie, &format!("{LIST}/{}", world.a.shop)).await;
            own.shows(&["MARKERA shop", "1 Main Road"]);
            assert!(!own.text.contains("/hours\"") && !own.text.contains("/close\""), "{person} is offered an act of the admin's");
            assert_eq!(own.text.contains("Who works here"), person.starts_with("manager"), "who sees the people of a shop");
            for act in ["", "/active", "/close", "/hours", "/days", "/staff"] {
                assert_eq!(
                    client.form(&cookie, &format!("{LIST}/{}{act}", world.a.shop), &[("x", "1")]).await.status,
                    403,
                    "{person} {act}"
                );
            }
        }
        let neighbour = client.sign_in("admin@beta.test").await;
        assert_eq!(client.page(&neighbour, &path).await.status, 404);
        for act in ["/active", "/close", "/reopen", "/days"] {
            let form = [("confirm", "second"), ("active", "on"), ("day", "2031-01-01")];
            assert_eq!(client.form(&neighbour, &format!("{path}{act}"), &form).await.status, 404, "{act} of {id}");
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_and_its_days_off_are_written_as_people_say_them() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let token = world.staff(&world.a, "admin").await;
        let path = format!("{LIST}/{}", world.a.shop);
        let api = format!("/api/shops/{}", world.a.shop);
        let week = [
            ("from-0-0", "09:00"),
            ("until-0-0", "13:00"),
            ("from-0-1", "15:00"),
            ("until-0-1", "21:30"),
            ("from-5-0", "18:00"),
            ("until-5-0", "02:00"),
        ];
        client.form(&admin, &format!("{path}/hours"), &week).await.leads_to();
        let shop = client.get(&token, &api).await.expect(200);
        let hours = json!([
            { "weekday": 0, "opensMinute": 540, "durationMinutes": 240 },
            { "weekday": 0, "opensMinute": 900, "durationMinutes": 390 },
            { "weekday": 5, "opensMinute": 1080, "durationMinutes": 480 },
        ]);
        assert_eq!(shop["hours"], hours);
        client.page(&admin, &path).await.shows(&["value=\"21:30\"", "value=\"02:00\""]);

        let empty = client.form(&admin, &format!("{path}/hours"), &[("from-0-0", "")]).await;
        assert_eq!(empty.status, 422, "a shop without hours is always open, which was not said");
        let wrong = [("from-1-0", "09:00"), ("until-1-0", ""), ("from-2-0", "9 o'clock"), ("until-2-0", "17:00")];
        let wrong = client.form(&admin, &format!("{path}/hours"), &wrong).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("Fill this in.") && wrong.text.contains("This cannot be read."), "{}", wrong.text);
        let over = [("from-1-0", "09:00"), ("until-1-0", "13:00"), ("from-1-1", "12:00"), ("until-1-1", "18:00")];
        let over = client.form(&admin, &format!("{path}/hours"), &over).await;
        assert!(over.status == 422 && over.text.contains("before the one in front of it ends"), "{}", over.text);
        assert_eq!(client.get(&token, &api).await.expect(200)["hours"], hours, "a refused week changed something");
        let both = [("always", "on"), ("from-0-0", "09:00"), ("until-0-0", "13:00")];
        let both = client.form(&admin, &format!("{path}/hours"), &both).await;
        assert!(both.status == 422 && both.text.contains("Clear the times, or untick this"), "{}", both.text);
        assert_eq!(client.get(&token, &api).await.expect(200)["hours"], hours, "typed times were dropped in silence");
        client.form(&admin, &format!("{path}/hours"), &[("always", "on"), ("from-0-0", "")]).await.leads_to();
        assert_eq!(client.get(&token, &api).await.expect(200)["hours"], json!([]));

        let day = [("day", "2031-11-14"), ("dayNote", "Diwali <3"), ("from", ""), ("until", "")];
        for _ in 0..2 {
            client.form(&admin, &format!("{path}/days"), &day).await.leads_to();
        }
        client.form(&admin, &format!("{path}/days"), &[("day", "2031-12-31"), ("from", "10:00"), ("until", "14:00")]).await.leads_to();
        let page = client.page(&admin, &path).await;
        page.shows(&["14 Nov 2031", "Diwali &lt;3", "Closed all day", "10:00 – 14:00"]);
        let shop = client.get(&token, &api).await.expect(200);
        assert_eq!(shop["exceptions"].as_array().map(Vec::len), Some(2), "the same day was added twice");
        let half = client.form(&admin, &format!("{path}/days"), &[("day", "2031-12-30"), ("from", "10:00"), ("until", "")]).await;
        assert!(half.status == 422 && half.text.contains("value=\"2031-12-30\""), "{}", half.text);
        let before = client.get(&token, &api).await.expect(200)["exceptions"].clone();
        let days: Vec<_> = before.as_array().expect("days").iter().map(|one| text(&one["day"])).collect();
        for day in &days {
            let back = client.form(&admin, &format!("{path}/days/remove"), &[("day", day.as_str())]).await.leads_to();
            assert_eq!(client.get(&token, &api).await.expect(200)["exceptions"].as_array().map(Vec::len), Some(1));
            let (action, fields) = client.page(&admin, &back).await.undo();
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            client.form(&admin, &action, &fields).await.leads_to();
        }
        assert_eq!(client.get(&token, &api).await.expect(200)["exceptions"], before, "a day is not again what it was");
        client.form(&admin, &format!("{path}/days/remove"), &[("day", "2031-11-14")]).await.leads_to();
        assert_eq!(client.get(&token, &api).await.expect(200)["exceptions"].as_array().map(Vec::len), Some(1));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_is_closed_for_now_or_for_good_and_opened_again() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let path = format!("{LIST}/{}", world.a.shop);
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        let placed = client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", None)).await.expect(201);

        client.form(&admin, &format!("{path}/active"), &[]).await.leads_to();
        client.page(&admin, &path).await.shows(&["takes no new orders", "Open again"]);
        client.page(&admin, &format!("{LIST}?state=paused")).await.shows(&["MARKERA shop"]);
        client.form(&admin, &format!("{path}/active"), &[("active", "on")]).await.leads_to();
        assert!(!client.page(&admin, &format!("{LIST}?state=paused")).await.text.contains("MARKERA shop"));

        let wrong = client.form(&admin, &format!("{path}/close"), &[("confirm", "other")]).await;
        assert!(wrong.status == 422 && wrong.text.contains("not the shop’s short name"), "{}", wrong.text);
        let open = client.form(&admin, &format!("{path}/close"), &[("confirm", "main")]).await;
        assert!(open.status == 409 && open.text.contains("orders under way"), "{}", open.text);
        let id = text(&placed["orders"][0]["id"]);
        client.post(&token, &format!("/api/orders/{id}/cancel"), &json!({ "reason": "changed my mind" })).await.expect(200);
        client.form(&admin, &format!("{path}/close"), &[("confirm", "main")]).await.leads_to();
        assert_eq!(client.page(&admin, &path).await.status, 404);
        client.page(&admin, &format!("{LIST}?state=closed")).await.shows(&["MARKERA shop", "/reopen"]);
        assert_eq!(client.form(&admin, &format!("{path}/reopen"), &[]).await.leads_to(), format!("{path}?said=flash.shop_reopened"));
        assert_eq!(client.form(&admin, &format!("{path}/reopen"), &[]).await.status, 404, "an open shop was opened");
        client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_given_a_role_at_a_shop_and_leave_it() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let token = world.staff(&world.a, "admin").await;
        let second = client.post(&token, "/api/shops", &json!({ "slug": "second", "name": "MARKERA second" })).await.expect(201);
        let path = format!("{LIST}/{}", text(&second["id"]));
        let people = client.get(&token, "/api/users?role=shop_staff").await.expect(200);
        let id = text(&people["data"][0]["id"]);
        let page = client.page(&admin, &path).await;
        page.shows(&["Nobody has a role here yet.", "MARKERA staff, staff@alpha.test", "Shop manager"]);
        assert!(!page.text.contains("MARKERB"), "a neighbour's people can be chosen");

        let form = [("userId", id.as_str()), ("role", "shop_manager")];
        for _ in 0..2 {
            client.form(&admin, &format!("{path}/staff"), &form).await.leads_to();
        }
        client.page(&admin, &path).await.shows(&["staff@alpha.test", "<td>Shop manager</td>"]);
        let none = client.form(&admin, &format!("{path}/staff"), &[("userId", ""), ("role", "shop_staff")]).await;
        assert_eq!(none.status, 422);
        let above = client.form(&admin, &format!("{path}/staff"), &[("userId", id.as_str()), ("role", "super_admin")]).await;
        assert_eq!(above.status, 422, "{}", above.text);
        let theirs = world.staff(&world.b, "admin").await;
        let theirs = client.get(&theirs, "/api/users?role=shop_staff").await.expect(200);
        let theirs = text(&theirs["data"][0]["id"]);
        assert_eq!(client.form(&admin, &format!("{path}/staff"), &[("userId", theirs.as_str()), ("role", "shop_staff")]).await.status, 404);

        // They may now answer for the shop, and the shop's own page is theirs.
        let staff = client.sign_in("staff@alpha.test").await;
        client.page(&staff, &path).await.shows(&["MARKERA second"]);
        let facts = [
            ("name", "MARKERA second"),
            ("kind", "store"),
            ("zone", "Asia/Kolkata"),
            ("country", "IN"),
            ("managerId", id.as_str()),
            ("version", "1"),
        ];
        client.form(&admin, &path, &facts).await.leads_to();
        client.form(&admin, &format!("{path}/staff/{id}/remove"), &[]).await.leads_to();
        client.page(&admin, &path).await.shows(&["Nobody has a role here yet."]);
        // Other roles are another session, and there the shop is no longer theirs.
        assert!(client.page(&staff, &path).await.leads_to().starts_with("/sign-in"));
        let staff = client.sign_in("staff@alpha.test").await;
        assert_eq!(client.page(&staff, &path).await.status, 404);
        world.verify().await;
        world.close().await;
    }
}
