//! What every list can: filters that stay, an order that is chosen, rows that are.

use serde_json::Value;

use crate::support::{World, order, text};

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
