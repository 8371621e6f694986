//! What every list can: filters that stay, an order that is chosen, rows that are.

use serde_json::{Value, json};

use crate::support::{FORM, World, order, text};

/// Orders of one piece, of three and of two, in this order: their numbers.
async fn three_orders(world: &World) -> [String; 3] {
    let token = world.token_of(&world.a, world.a.customer.clone()).await;
    let number = async |quantity: i64| {
        let body = order(&world.a, 0, quantity, "test", Some("tok_ok"));
        let placed: Value = world.client.post(&token, "/api/orders", &body).await.expect(201);
        text(&placed["orders"][0]["orderNumber"])
    };
    [number(1).await, number(3).await, number(2).await]
}

/// The numbers in the order in which a page or a file names them.
fn order_of<'a>(page: &str, numbers: &'a [String; 3]) -> Vec<&'a String> {
    let mut found: Vec<_> = numbers
        .iter()
        .filter_map(|number| Some((page.find(&format!("{number}<")).or_else(|| page.find(&format!("{number},")))?, number)))
        .collect();
    found.sort();
    found.into_iter().map(|(_, number)| number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_sorted_at_its_columns_and_its_views_and_files_follow() {
    for world in World::all().await {
        let client = &world.client;
        let numbers = three_orders(&world).await;
        let [one, three, two] = &numbers;
        let admin = client.sign_in("admin@alpha.test").await;
        for (sort, expected) in
            [("", [two, three, one]), ("placed", [one, three, two]), ("-total", [three, two, one]), ("total", [one, two, three])]
        {
            let page = client.page(&admin, &format!("/company/orders?sort={sort}")).await;
            page.shows(&["aria-sort"]);
            assert_eq!(order_of(&page.text, &numbers), expected, "sorted by `{sort}`: {}", page.text);
            let file = client.page(&admin, &format!("/company/orders/export.csv?sort={sort}")).await;
            assert_eq!(order_of(&file.text, &numbers), expected, "a file sorted by `{sort}`: {}", file.text);
        }
        let page = client.page(&admin, "/company/orders?status=confirmed&sort=-total").await;
        // The head turns the way, the form and the file keep it, a view keeps it too, and it can be saved.
        page.shows(&[
            "<th scope=\"col\" class=\"sk-num\" aria-sort=\"descending\"><a href=\"/company/orders?status=confirmed&amp;sort=total\">",
            "<input type=\"hidden\" name=\"sort\" value=\"-total\">",
            "/company/orders/export.csv?status=confirmed&amp;sort=-total",
            "/company/orders?status=shipped&amp;sort=-total",
            "Total, descending",
            "name=\"address\" value=\"/company/orders?status=confirmed&amp;sort=-total\"",
        ]);
        let nonsense = client.page(&admin, "/company/orders?sort=nonsense").await;
        assert_eq!(order_of(&nonsense.text, &numbers), [two, three, one], "an unknown column sorts: {}", nonsense.text);
        for path in [
            "/company/customers?sort=name",
            "/company/customers?sort=-name",
            "/company/staff?sort=name",
            "/company/inventory?sort=-available",
            "/company/debts?sort=due",
        ] {
            let page = client.page(&admin, path).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text);
        }
        let root = client.sign_in("root@souk.test").await;
        client.page(&root, "/admin/companies?sort=-name").await.shows(&["aria-sort=\"descending\""]);
        client.page(&root, "/admin/users?sort=name").await.shows(&["aria-sort=\"ascending\""]);
        assert_eq!(client.page(&root, "/admin/debts?sort=-due").await.status, 200);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_filter_keeps_the_view_one_is_in() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let todo = "<option value=\"confirmed,processing,packed\" selected>Confirmed, Processing, Packed</option>";
        client.page(&admin, "/company/orders?status=confirmed,processing,packed").await.shows(&[todo]);
        let other = client.page(&admin, "/company/orders?status=confirmed").await;
        assert!(!other.text.contains("confirmed,processing,packed\" selected"), "a view stays that is none: {}", other.text);
        let owed = "<option value=\"open\" selected>Open</option>";
        client.page(&admin, "/company/debts?status=open").await.shows(&[owed]);
        let root = client.sign_in("root@souk.test").await;
        client.page(&root, "/admin/debts?status=open").await.shows(&[owed]);
        world.verify().await;
        world.close().await;
    }
}

/// How many lines a file of chosen rows has, and that it holds these texts and none of the neighbour's.
async fn chosen(world: &World, cookie: &str, path: &str, ids: &[&str], texts: &[&str]) {
    let ids: Vec<_> = ids.iter().map(|id| ("ids", *id)).collect();
    let file = world.client.form(cookie, &format!("{path}/chosen.csv"), &ids).await;
    file.shows(texts);
    assert_eq!(file.text.lines().count(), ids.len() + 1, "{path}: {}", file.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chosen_rows_of_a_list_are_a_file() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.staff(&world.a, "admin").await;
        let admin = client.sign_in("admin@alpha.test").await;
        let neighbour = client.sign_in("admin@beta.test").await;
        let make = async |path: &str, body: Value| text(&client.post(&token, path, &body).await.expect(201)["id"]);
        let brand = make("/api/brands", json!({ "name": "Chosen brand" })).await;
        make("/api/brands", json!({ "name": "Other brand" })).await;
        let category = make("/api/categories", json!({ "name": "Chosen category" })).await;
        make("/api/categories", json!({ "name": "Other category" })).await;
        let shop = world.a.shop.to_string();
        for (path, id, name) in [
            ("/company/brands", brand.as_str(), "Chosen brand"),
            ("/company/categories", category.as_str(), "Chosen category"),
            ("/company/shops", shop.as_str(), "MARKERA shop"),
        ] {
            client.page(&admin, path).await.shows(&["data-all", &format!("value=\"{id}\""), &format!("formaction=\"{path}/chosen.csv\"")]);
            chosen(&world, &admin, path, &[id], &[name]).await;
            let theirs = client.form(&neighbour, &format!("{path}/chosen.csv"), &[("ids", id)]).await;
            assert!(!theirs.text.contains(name), "{path} is given to a neighbour: {}", theirs.text);
        }
        let moves = client.page(&admin, "/company/inventory/movements").await;
        let one = moves.text.split("name=\"ids\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a movement").to_owned();
        chosen(&world, &admin, "/company/inventory/movements", &[&one], &["MARKERA"]).await;
        let searched = client.page(&admin, "/company/categories/export.csv?q=chosen").await;
        searched.shows(&["Chosen category"]);
        assert!(!searched.text.contains("Other category"), "a file forgets the search: {}", searched.text);

        let root = client.sign_in("root@souk.test").await;
        chosen(&world, &root, "/admin/companies", &[&world.a.id.to_string(), &world.b.id.to_string()], &["alpha,", "beta,"]).await;
        chosen(&world, &root, "/admin/companies", &[&world.a.id.to_string()], &["alpha,"]).await;
        for path in ["/admin/companies", "/admin/users", "/admin/debts", "/admin/plans"] {
            assert_eq!(client.form(&admin, &format!("{path}/chosen.csv"), &[]).await.status, 403, "{path} is open to a company");
            assert_eq!(client.form(&root, &format!("{path}/chosen.csv"), &[]).await.text.lines().count(), 1, "{path}");
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_texts_are_searched_and_exported() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.staff(&world.a, "admin").await;
        let role = json!({ "name": "Night shift", "permissions": ["orders:read"] });
        client.post(&token, "/api/roles", &role).await.expect(201);
        let admin = client.sign_in("admin@alpha.test").await;
        let found = client.page(&admin, "/company/roles?q=night").await;
        found.shows(&["Night shift", "/company/roles/export.csv?q=night"]);
        assert!(!found.text.contains("id=\"built-t\""), "built-in roles are found by another's name: {}", found.text);
        client.page(&admin, "/company/roles?q=nobody").await.shows(&["Nothing matches “nobody”"]);
        let file = client.page(&admin, "/company/roles/export.csv?q=night").await;
        file.shows(&["role,kind,allows,people", "Night shift,own,"]);
        assert_eq!(file.text.lines().count(), 2, "{}", file.text);
        let texts = "/company/notifications/templates";
        let found = client.page(&admin, &format!("{texts}?q=shipped")).await;
        found.shows(&["order_shipped.en", "order_shipped.hi"]);
        assert!(!found.text.contains("order_confirmed.en"), "{}", found.text);
        client.page(&admin, &format!("{texts}/export.csv?q=shipped")).await.shows(&["text,language,own", "order_shipped,en,false,"]);
        let manager = client.sign_in("manager@alpha.test").await;
        assert_eq!(client.page(&manager, &format!("{texts}/export.csv")).await.status, 403);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_seen_where_its_button_was_and_its_message_leads_to_the_goods() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.staff(&world.a, "admin").await;
        for variant in &world.a.variants[..3] {
            let low = json!({ "locationId": world.a.location, "reorderPoint": 1_000 });
            client.put(&token, &format!("/api/inventory/{variant}/reorder-point"), &low).await.expect(200);
        }
        world.verify().await;
        let alerts = client.get(&token, "/api/inventory/alerts").await.expect(200);
        let alerts: Vec<_> = alerts["data"].as_array().expect("alerts").iter().map(|one| text(&one["id"])).collect();
        let [one, two, three] = alerts.as_slice() else { panic!("three alerts: {alerts:?}") };
        let admin = client.sign_in("admin@alpha.test").await;
        let list = "/company/inventory/alerts";
        let page = client.page(&admin, list).await;
        page.shows(&["<span class=\"sk-count is-hot\">3</span>", &format!("formaction=\"{list}/acknowledge\"")]);
        let goods =
            page.text.split("class=\"sk-rowlink\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("goods").to_owned();
        let stock = goods.rsplit('/').next().expect("an id");
        // The newest is the first row.
        let seen = client.form(&admin, &format!("{list}/{one}/acknowledge"), &[("stock", stock)]).await.leads_to();
        assert_eq!(seen, format!("{goods}?said=flash.alert_seen"));
        let narrowed = format!("{list}?kind=low");
        let from = [("cookie", admin.as_str()), FORM[0], FORM[1], ("referer", narrowed.as_str())];
        let seen = client.send("POST", &format!("{list}/{two}/acknowledge"), None, Some(String::new()), &from).await.leads_to();
        assert_eq!(seen, format!("{narrowed}&said=flash.alert_seen"), "the list forgets its filter");
        let all = client.form(&admin, &format!("{list}/acknowledge"), &[("ids", two), ("ids", three)]).await.leads_to();
        client.page(&admin, &all).await.shows(&["You take care of 2 now.", "No alert waits for you"]);

        let manager = client.sign_in("manager@alpha.test").await;
        let told = client.get(&world.staff(&world.a, "manager").await, "/api/notifications").await.expect(200);
        let id = text(&told["data"][0]["id"]);
        let to = client.form(&manager, &format!("/messages/{id}/open"), &[]).await.leads_to();
        assert!(to.starts_with("/company/inventory/"), "{to}");
        assert_eq!(client.page(&manager, &to).await.status, 200);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_messages_has_no_bell_and_a_role_of_ones_own_opens_them() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.staff(&world.a, "admin").await;
        let role = async |name: &str, permissions: Value| {
            let role = json!({ "name": name, "permissions": permissions });
            let role = client.post(&token, "/api/roles", &role).await.expect(201);
            world.join(&world.a, name, json!([{ "role": role["id"] }])).await;
            client.sign_in(&format!("{name}@alpha.test")).await
        };
        let quiet = role("quiet", json!(["orders:read"])).await;
        let page = client.page(&quiet, "/company/orders").await;
        page.shows(&["id=\"results\""]);
        assert!(!page.text.contains("/messages/bell"), "a page polls what its person may not see");
        let reader = role("reader", json!(["orders:read", "notifications:read"])).await;
        client.page(&reader, "/company/orders").await.shows(&["/messages/bell"]);
        world.verify().await;
        world.close().await;
    }
}
