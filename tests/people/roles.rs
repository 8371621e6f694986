//! Roles of a company's own: what they allow, and where.

use serde_json::json;

use crate::support::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_ones_own_works_at_its_shop_and_nowhere_else() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let role = json!({ "name": "Stock keeper", "permissions": ["inventory:read", "inventory:write"] });
        let role = client.post(&admin, "/api/roles", &role).await.expect(201);
        let shop = client.post(&admin, "/api/shops", &json!({ "slug": "second", "name": "MARKERA second" })).await.expect(201);
        let second = text(&shop["id"]);
        // Keeps stock in the new shop, and only packs in the old one.
        let places = json!([{ "role": role["id"], "shopId": second }, { "role": "shop_staff", "shopId": a.shop }]);
        let (id, keeper) = world.join(a, "keeper", places).await;

        let shown = client.get(&admin, &format!("/api/users/{id}")).await.expect(200);
        assert_eq!((&shown["role"], shown["shopIds"].as_array().map(Vec::len)), (&json!("shop_staff"), Some(2)));
        assert!(shown["assignments"].as_array().expect("assignments").iter().any(|one| one["name"] == "Stock keeper"));
        let set = json!({ "locationId": a.location, "quantity": 7, "operation": "set", "reason": "counted" });
        let path = format!("/api/inventory/{}", a.variants[0]);
        assert_eq!(client.patch(&keeper, &path, &set).await.status, 404, "stock was changed at a shop where the role is not held");
        let places = json!({ "assignments": [{ "role": role["id"], "shopId": a.shop }] });
        client.put(&admin, &format!("/api/users/{id}"), &places).await.expect(200);
        let keeper = client.login("alpha", "keeper@alpha.test").await;
        client.patch(&keeper, &path, &set).await.expect(200);
        client.get(&keeper, "/api/orders").await.refused(403, "forbidden");
        let claims = client.get(&keeper, "/api/auth/profile").await.expect(200);
        assert_eq!(claims["role"], "member");

        // What a role allows changes with the next request, and one in use stays.
        let path = format!("/api/roles/{}", text(&role["id"]));
        client.put(&admin, &path, &json!({ "permissions": ["orders:read"] })).await.expect(200);
        client.get(&keeper, "/api/inventory").await.refused(403, "forbidden");
        client.get(&keeper, "/api/orders").await.expect(200);
        client.delete(&admin, &path).await.refused(409, "role_in_use");
        client.delete(&admin, &format!("/api/users/{id}")).await.expect(204);
        client.delete(&admin, &path).await.expect(204);
        client.get(&admin, &path).await.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_made_of_permissions_that_a_company_has() {
    for world in World::all().await {
        let (client, a, b) = (&world.client, &world.a, &world.b);
        let admin = world.staff(a, "admin").await;
        let make = async |name: &str, permissions: &[&str]| {
            client.post(&admin, "/api/roles", &json!({ "name": name, "permissions": permissions })).await
        };
        make("Platform", &["companies:write"]).await.wrong("unknown");
        make("Nobody", &[]).await.wrong("required");
        make("Shop manager", &["orders:read"]).await.wrong("taken");
        make("Auditor", &["audit:read"]).await.expect(201);
        make("Auditor", &["audit:read"]).await.refused(409, "name_taken");
        let theirs = world.staff(b, "admin").await;
        let role = json!({ "name": "MARKERB role", "permissions": ["orders:read"] });
        let role = client.post(&theirs, "/api/roles", &role).await.expect(201);
        client.get(&admin, &format!("/api/roles/{}", text(&role["id"]))).await.refused(404, "not_found");
        let body = json!({ "email": "x@alpha.test", "name": "X", "role": role["id"] });
        client.post(&admin, "/api/users", &body).await.wrong("unknown");
        let body = json!({ "email": "x@alpha.test", "name": "X", "role": "shop_staff", "shopIds": [b.shop] });
        client.post(&admin, "/api/users", &body).await.wrong("unknown");
        for (role, shops, code) in [
            ("super_admin", json!([]), "unknown"),
            ("customer", json!([]), "unknown"),
            ("rider", json!([]), "required"),
            ("company_admin", json!([a.shop]), "not_here"),
        ] {
            let body = json!({ "email": "x@alpha.test", "name": "X", "role": role, "shopIds": shops });
            client.post(&admin, "/api/users", &body).await.wrong(code);
        }
        let listed = client.get(&admin, "/api/roles").await.expect(200);
        let names: Vec<_> = listed["data"].as_array().expect("roles").iter().map(|role| text(&role["name"])).collect();
        assert_eq!(names, ["company_admin", "shop_manager", "shop_staff", "rider", "Auditor"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_or_takes_more_than_they_hold() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let role =
            json!({ "name": "People keeper", "permissions": ["users:read", "users:write", "roles:read", "roles:write", "orders:read"] });
        let role = client.post(&admin, "/api/roles", &role).await.expect(201);
        let (_, keeper) = world.join(a, "people", json!([{ "role": role["id"] }])).await;
        let invite = async |role: &str| {
            let body = json!({ "email": "y@alpha.test", "name": "Y", "role": role });
            client.post(&keeper, "/api/users", &body).await
        };
        invite("company_admin").await.refused(403, "role_above_own");
        let body = json!({ "email": "y@alpha.test", "name": "Y", "role": "shop_manager", "shopIds": [a.shop] });
        client.post(&keeper, "/api/users", &body).await.refused(403, "role_above_own");
        invite("People keeper").await.expect(201);
        let more = json!({ "name": "More", "permissions": ["orders:read", "inventory:write"] });
        client.post(&keeper, "/api/roles", &more).await.refused(403, "role_above_own");
        let path = format!("/api/roles/{}", text(&role["id"]));
        client.put(&keeper, &path, &json!({ "permissions": ["audit:read"] })).await.refused(403, "role_above_own");
        let page = client.get(&keeper, "/api/users?role=company_admin").await.expect(200);
        let boss = text(&page["data"][0]["id"]);
        client.delete(&keeper, &format!("/api/users/{boss}")).await.refused(403, "role_above_own");
        client.post(&keeper, &format!("/api/users/{boss}/ban"), &json!({})).await.refused(403, "role_above_own");
        world.verify().await;
        world.close().await;
    }
}
