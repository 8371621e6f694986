//! Who did what: filtered, taken out, seen by oneself, and how the chain stands.

use serde_json::{Value, json};
use souk::{
    clock,
    models::audit,
    tenancy::{Actor, Tenant},
    workers,
};

use crate::support::{World, order, text};

fn ids(answer: &Value) -> Vec<String> {
    answer["data"].as_array().expect("a list").iter().map(|entry| text(&entry["id"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_is_filtered_by_who_what_where_and_when() {
    for world in World::all().await {
        let client = &world.client;
        let buyer = client.login("alpha", "customer@alpha.test").await;
        let placed = client.post(&buyer, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let neighbour = client.login("beta", "customer@beta.test").await;
        client.post(&neighbour, "/api/orders", &order(&world.b, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let admin = world.staff(&world.a, "admin").await;
        let logs = async |query: &str| client.get(&admin, &format!("/api/audit/logs?limit=100&{query}")).await;

        let all = logs("").await.expect(200);
        assert!(all["data"].as_array().expect("a list").iter().all(|entry| entry["companyId"] == world.a.id.to_string()));
        let customer = world.a.customer.id.to_string();
        let by_id = logs(&format!("user={customer}")).await.expect(200);
        let by_mail = logs("user=customer@alpha.test").await.expect(200);
        assert_eq!(ids(&by_id), ids(&by_mail));
        assert!(ids(&by_id).len() >= 2 && by_id["data"].as_array().expect("a list").iter().all(|entry| entry["userId"] == customer));
        assert_eq!(logs("user=customer@beta.test").await.expect(200)["data"], json!([]), "the neighbour's people are nobody here");
        // A member is found by the id of their person too, as their token says it.
        let me = client.get(&admin, "/api/auth/profile").await.expect(200);
        assert!(!ids(&logs(&format!("user={}", text(&me["id"]))).await.expect(200)).is_empty());

        let order_id = text(&placed["orders"][0]["id"]);
        let of_order = logs(&format!("resource=order&resourceId={order_id}")).await.expect(200);
        assert!(of_order["data"].as_array().expect("a list").iter().any(|entry| entry["action"] == "create"));
        assert_eq!(ids(&of_order), ids(&client.get(&admin, &format!("/api/audit/resource/order/{order_id}?limit=100")).await.expect(200)));
        assert_eq!(
            ids(&logs(&format!("shopId={}&resource=order", world.a.shop)).await.expect(200)),
            ids(&logs("resource=order").await.expect(200))
        );
        assert_eq!(logs(&format!("shopId={}", world.b.shop)).await.expect(200)["data"], json!([]));
        let signed_in = logs("action=sign_in,sign_out").await.expect(200);
        assert!(signed_in["data"].as_array().expect("a list").iter().all(|entry| entry["action"] == "sign_in"));

        let tenant = Tenant { actor: Actor::Customer(world.a.customer.id), ..Tenant::system(world.a.id) };
        clock::shifted(-86_400_000_000, async {
            let scope = world.souk.write(tenant).await.expect("a scope");
            scope.audit("advance", "order", &order_id, None, vec![]).await.expect("noted");
            scope.commit().await.expect("kept");
        })
        .await;
        let hour_ago = clock::now().minus(std::time::Duration::from_secs(3_600)).to_string();
        let old = logs(&format!("to={hour_ago}")).await.expect(200);
        assert_eq!(
            old["data"].as_array().map(|rows| rows.iter().map(|entry| text(&entry["action"])).collect()),
            Some(vec!["advance".to_owned()])
        );
        assert!(!ids(&logs(&format!("from={hour_ago}")).await.expect(200)).contains(&ids(&old)[0]));

        logs("from=yesterday").await.wrong("invalid");
        logs("shopId=main").await.wrong("invalid");
        logs(&format!("resourceId={order_id}")).await.wrong("invalid");
        logs("colour=red").await.wrong("unknown_field");
        // A word that nothing is called by is a mistake, in each list and in the file.
        for (query, field) in
            [("resource=nothing", "resource"), ("action=sign_in,dance", "action"), ("resource=order&action=dance", "action")]
        {
            for list in ["logs", "export"] {
                let refused = client.get(&admin, &format!("/api/audit/{list}?{query}")).await.refused(422, "invalid_input");
                assert_eq!((&refused["errors"][0]["field"], &refused["errors"][0]["code"]), (&json!(field), &json!("unknown")), "{query}");
            }
        }
        let root = client.login("alpha", "root@souk.test").await;
        client.call("GET", "/api/audit/logs?resource=nothing", Some(&root), None, None, &[]).await.wrong("unknown");
        let first = client.get(&admin, "/api/audit/logs?limit=2&action=sign_in").await.expect(200);
        if let Some(cursor) = first["page"]["next"].as_str() {
            let next = client.get(&admin, &format!("/api/audit/logs?limit=2&action=sign_in&cursor={cursor}")).await.expect(200);
            assert!(ids(&next).iter().all(|id| !ids(&first).contains(id)));
            client.get(&admin, &format!("/api/audit/logs?limit=2&cursor={cursor}")).await.wrong("cursor_invalid");
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_see_what_they_did_and_nobody_else() {
    for world in World::all().await {
        let client = &world.client;
        let mine = client.login("alpha", "customer@alpha.test").await;
        let other = world.customer(&world.a, "other@alpha.test").await;
        let path = format!("/api/audit/user/{}", world.a.customer.id);
        let seen = client.get(&mine, &path).await.expect(200);
        assert_eq!(seen["data"][0]["action"], "sign_in");
        client.get(&other, &path).await.refused(404, "not_found");
        client.get(&mine, &format!("/api/audit/user/{}", world.b.customer.id)).await.refused(404, "not_found");
        client.get(&mine, "/api/audit/logs").await.refused(403, "forbidden");
        let staff = world.staff(&world.a, "staff").await;
        client.get(&staff, &path).await.refused(403, "forbidden");
        let admin = world.staff(&world.a, "admin").await;
        assert_eq!(ids(&client.get(&admin, &path).await.expect(200)), ids(&seen));
        let theirs = world.staff(&world.b, "admin").await;
        assert_eq!(client.get(&theirs, &path).await.expect(200)["data"], json!([]));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_is_taken_out_whole_and_harmless() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        for number in 0..1_050 {
            scope.audit("update", "variant", number, None, vec![]).await.expect("noted");
        }
        scope.audit("=cmd|' /C calc'!A0", "variant", "@SUM(A1)", None, vec![]).await.expect("noted");
        scope.commit().await.expect("kept");

        let file = client.get(&admin, "/api/audit/export?resource=variant").await;
        assert_eq!((file.status, file.headers["content-type"].to_str().expect("a text")), (200, "text/csv; charset=utf-8"));
        assert!(file.headers["content-disposition"].to_str().expect("a text").contains("audit.csv"));
        assert_eq!(file.text.lines().count(), 1 + 1_051, "a head and every row, over several pages");
        assert!(file.text.starts_with("id,at,userId,role,") && file.text.contains("'=cmd") && file.text.contains("'@SUM(A1)"));
        assert!(!file.text.contains(",=cmd"));

        let file = client.get(&admin, "/api/audit/export?format=json&resource=variant&action=update").await.expect(200);
        let rows = file.as_array().expect("an array");
        let numbers: std::collections::BTreeSet<_> = rows.iter().map(|row| text(&row["resourceId"])).collect();
        assert_eq!((rows.len(), numbers.len()), (1_050, 1_050), "none twice, none left out");
        assert_eq!(client.get(&admin, "/api/audit/export?format=json&resource=plan").await.expect(200), json!([]));
        client.get(&admin, "/api/audit/export?format=xlsx").await.wrong("unknown");

        let noted = client.get(&admin, "/api/audit/logs?action=export").await.expect(200);
        assert_eq!(noted["data"].as_array().map(Vec::len), Some(3), "that it was taken out is written down");
        assert_eq!(noted["data"][2]["changes"]["filter"]["after"]["resource"], "variant");
        let theirs = world.staff(&world.b, "admin").await;
        let file = client.get(&theirs, "/api/audit/export?resource=variant").await;
        assert_eq!((file.status, file.text.lines().count()), (200, 1));
        let manager = world.staff(&world.a, "manager").await;
        client.get(&manager, "/api/audit/export").await.refused(403, "forbidden");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_page_says_what_the_last_look_found() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        client.form("", "/sign-in", &[("email", "admin@alpha.test"), ("password", "not-the-password")]).await;
        client.page(&admin, "/company/audit").await.shows(&["Nobody has looked at the chain yet."]);
        audit::seal_all(&world.souk, world.a.id).await.expect("sealed");
        assert_eq!(client.form(&admin, "/company/audit/check", &[]).await.leads_to(), "/company/audit?said=flash.chain_asked");
        client.page(&admin, "/company/audit").await.shows(&["The chain is being looked at.", "id=\"chain-state\" data-live"]);
        workers::turn(&world.souk).await.expect("a turn");
        let page = client.page(&admin, "/company/audit").await;
        page.shows(&["The chain is whole.", "Looked at on"]);
        assert!(!page.text.contains("being looked at") && !page.text.contains("id=\"chain-state\" data-live"), "the look does not end");

        let security = client.page(&admin, "/company/audit?action=security").await;
        security.shows(&["wrong password", "signed in", "MARKERA admin"]);
        assert!(!security.text.contains("MARKERB") && !security.text.contains("<td>created</td>"), "{}", security.text);
        client.page(&admin, "/company/audit?user=admin%40alpha.test&from=2020-01-01").await.shows(&["MARKERA admin"]);
        client.page(&admin, "/company/audit?to=2020-01-01").await.shows(&["Clear filters"]);
        client.page(&admin, "/company/audit?user=admin%40beta.test").await.shows(&["Clear filters"]);
        // Every word is a choice by its name, and what is not a choice of this company finds nothing.
        let all = client.page(&admin, "/company/audit").await;
        all.shows(&["<option value=\"write_off\">wrote off</option>", "<option value=\"stock_alert\">Stock alert</option>"]);
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        scope.audit("update", "shop", world.a.shop, Some(world.a.shop), vec![("name", json!("A"), json!("B"))]).await.expect("noted");
        scope.commit().await.expect("kept");
        let of_shop = client.page(&admin, &format!("/company/audit?shop={}&action=update", world.a.shop)).await;
        of_shop.shows(&["<td>changed</td>", "<b>Name</b>", "Souk itself", "<li>Shop: "]);
        assert!(!of_shop.text.contains("<td>signed in</td>"), "{}", of_shop.text);
        for nobody in [world.b.shop.to_string(), "nothing".into()] {
            client.page(&admin, &format!("/company/audit?shop={nobody}")).await.shows(&["Clear filters"]);
        }
        client.form(&admin, "/language", &[("lang", "hi"), ("next", "/company/audit")]).await.leads_to();
        client.page(&admin, &format!("/company/audit?shop={}", world.a.shop)).await.shows(&["<td>बदला</td>", "<b>नाम</b>", "स्वयं Souk"]);
        client.form(&admin, "/language", &[("lang", "en"), ("next", "/company/audit")]).await.leads_to();
        let file = client.page(&admin, "/company/audit/export.csv?action=security").await;
        assert!(file.status == 200 && file.text.contains(",sign_in,") && !file.text.contains(",create,"), "{}", file.text);
        let file = client.page(&admin, "/company/audit/export.json?action=sign_in").await;
        assert!(file.body.as_array().is_some_and(|rows| !rows.is_empty() && rows.iter().all(|row| row["action"] == "sign_in")));

        let db = world.raw().await;
        use sea_orm::ConnectionTrait;
        let of = if world.is_postgres() { " ON audit_entries" } else { "" };
        db.execute_unprepared(&format!("DROP TRIGGER audit_entries_no_update{of}")).await.expect("dropped");
        let edit = "UPDATE audit_entries SET action = 'nothing' WHERE company_id = (SELECT id FROM companies WHERE slug = 'alpha') AND action = 'sign_in'";
        db.execute_unprepared(edit).await.expect("edited");
        db.close().await.expect("closed");
        clock::shifted(90_000_000_000, workers::turn(&world.souk)).await.expect("a turn tomorrow");
        client.page(&admin, "/company/audit").await.shows(&["The chain is broken.", "was altered"]);
        assert_eq!(world.count("SELECT COUNT(*) FROM outbox WHERE kind = 'audit.security'").await, 1, "the admins are told");
        let api = world.staff(&world.a, "admin").await;
        assert_eq!(client.get(&api, "/api/audit/verify").await.expect(200)["holds"], false);
        let theirs = world.staff(&world.b, "admin").await;
        assert_eq!(client.get(&theirs, "/api/audit/verify").await.expect(200)["holds"], true);
        world.close().await;
    }
}
