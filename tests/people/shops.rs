//! Shops: hours, staff, distance, closing.

use serde_json::json;

use crate::support::{World, order, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_has_hours_exceptions_and_somebody_who_answers_for_it() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let path = format!("/api/shops/{}", a.shop);
        let people = client.get(&admin, "/api/users?role=shop_manager").await.expect(200);
        let (manager, staff) = (text(&people["data"][0]["id"]), client.get(&admin, "/api/users?role=shop_staff").await.expect(200));
        let always: Vec<_> = (0..7).map(|day| json!({ "weekday": day, "opensMinute": 0, "durationMinutes": 1440 })).collect();
        let change = json!({
            "zone": "Asia/Kolkata", "email": "main@alpha.test", "lat": 12.97, "lng": 77.59, "managerId": manager, "hours": always,
            "exceptions": [{ "day": "2031-08-15", "note": "Independence Day" }],
        });
        let shop = client.put(&admin, &path, &change).await.expect(200);
        assert_eq!((&shop["isOpen"], &shop["managerId"], &shop["email"]), (&json!(true), &json!(manager), &json!("main@alpha.test")));
        assert_eq!(shop["exceptions"][0]["day"], "2031-08-15");
        let seen = client.call("GET", &path, None, Some("alpha"), None, &[]).await.expect(200);
        assert_eq!((&seen["isOpen"], seen.get("managerId")), (&json!(true), None), "the public sees who manages a shop");

        let refuse = async |change: serde_json::Value| client.put(&admin, &path, &change).await;
        refuse(json!({ "zone": "Mars/Olympus" })).await.wrong("invalid");
        refuse(json!({ "lat": 91.0 })).await.wrong("out_of_range");
        refuse(json!({ "lat": null })).await.wrong("incomplete");
        refuse(json!({ "managerId": staff["data"][0]["id"] })).await.wrong("not_a_manager");
        refuse(json!({ "managerId": world.b.customer.id })).await.wrong("not_a_manager");
        refuse(json!({ "hours": [{ "weekday": 7, "opensMinute": 0, "durationMinutes": 60 }] })).await.wrong("out_of_range");
        refuse(json!({ "exceptions": [{ "day": "2031-08-15", "opensMinute": 600 }] })).await.wrong("out_of_range");
        refuse(json!({ "name": " " })).await.wrong("required");

        let shut = client.put(&admin, &path, &json!({ "isActive": false, "lat": null, "lng": null, "managerId": null })).await.expect(200);
        assert_eq!((&shut["isOpen"], &shut["lat"], &shut["managerId"]), (&json!(false), &json!(null), &json!(null)));
        let told = client.get(&admin, &format!("/api/audit/resource/shop/{}", a.shop)).await.expect(200);
        assert!(told["data"].as_array().expect("entries").iter().any(|one| one["changes"]["hours"]["after"][0] == json!([0, 0, 1440])));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_with_work_under_way_is_not_closed() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let customer = world.token_of(a, a.customer.clone()).await;
        let path = format!("/api/shops/{}", a.shop);
        let placed = client.post(&customer, "/api/orders", &order(a, 0, 1, "test", None)).await.expect(201);
        let number = text(&placed["orders"][0]["id"]);
        client.delete(&admin, &path).await.refused(409, "shop_has_open_orders");
        client.get(&customer, &path).await.expect(200);
        client.post(&customer, &format!("/api/orders/{number}/cancel"), &json!({ "reason": "changed my mind" })).await.expect(200);
        client.delete(&admin, &path).await.expect(204);
        client.get(&admin, &path).await.refused(404, "not_found");
        client.delete(&admin, &path).await.refused(404, "not_found");
        let answer = client.post(&customer, "/api/orders", &order(a, 0, 1, "test", None)).await;
        answer.wrong("unknown");
        // What it sold is still there to be read.
        client.get(&admin, &format!("/api/orders/{number}")).await.expect(200);
        let cookie = client.sign_in("admin@alpha.test").await;
        client.page(&cookie, &format!("/company/orders/{number}")).await.shows(&["MARKERA shop"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_come_to_a_shop_and_leave_it() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let shop = client.post(&admin, "/api/shops", &json!({ "slug": "second", "name": "MARKERA second" })).await.expect(201);
        let second = text(&shop["id"]);
        let people = client.get(&admin, "/api/users?role=shop_staff").await.expect(200);
        let id = text(&people["data"][0]["id"]);
        let path = format!("/api/shops/{second}/staff");
        let body = json!({ "userId": id, "role": "shop_manager" });
        let assigned = client.post(&admin, &path, &body).await.expect(201);
        assert_eq!((&assigned["role"], assigned["shopIds"].as_array().map(Vec::len)), (&json!("shop_manager"), Some(2)));
        assert_eq!(client.post(&admin, &path, &body).await.expect(201)["assignments"].as_array().map(Vec::len), Some(2));
        client.post(&admin, &path, &json!({ "userId": id, "role": "company_admin" })).await.wrong("not_here");
        client.post(&admin, &path, &json!({ "userId": world.b.customer.id, "role": "shop_staff" })).await.refused(404, "not_found");
        client.put(&admin, &format!("/api/shops/{second}"), &json!({ "managerId": id })).await.expect(200);
        client.delete(&admin, &format!("{path}/{id}")).await.expect(204);
        client.delete(&admin, &format!("{path}/{id}")).await.refused(404, "not_found");
        let shop = client.get(&admin, &format!("/api/shops/{second}")).await.expect(200);
        assert_eq!(shop["managerId"], json!(null), "somebody who left still answers for the shop");
        let left = client.get(&admin, &format!("/api/users/{id}")).await.expect(200);
        assert_eq!(left["shopIds"], json!([a.shop]));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shops_are_listed_by_their_distance_and_by_pages() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        for (slug, lat) in [("near", 12.98), ("far", 19.07)] {
            let body = json!({ "slug": slug, "name": slug, "lat": lat, "lng": 77.59 });
            client.post(&admin, "/api/shops", &body).await.expect(201);
        }
        let find = async |query: &str| client.call("GET", &format!("/api/shops/nearby?{query}"), None, Some("alpha"), None, &[]).await;
        let found = find("lat=12.97&lng=77.59").await.expect(200);
        let names: Vec<_> = found["data"].as_array().expect("shops").iter().map(|shop| text(&shop["slug"])).collect();
        assert_eq!(names, ["near", "far"], "a shop without a place on the map has no distance");
        assert!((1_000..1_200).contains(&found["data"][0]["distanceMetres"].as_i64().expect("metres")), "{found}");
        find("lat=95&lng=0").await.wrong("out_of_range");
        assert_eq!(find("lat=1").await.status, 422);
        let page = client.get(&admin, "/api/shops?limit=2").await.expect(200);
        let next = text(&page["page"]["next"]);
        let rest = client.get(&admin, &format!("/api/shops?limit=2&cursor={next}")).await.expect(200);
        assert_eq!((rest["data"].as_array().map(Vec::len), &rest["page"]["next"]), (Some(1), &json!(null)));
        world.verify().await;
        world.close().await;
    }
}
