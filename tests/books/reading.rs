//! Who reads the books, by the API and on the page.

use serde_json::json;
use souk::{
    models::ledger::{self, Account},
    tenancy::{Role, Tenant},
};

use super::{DAY, at, begins, book, close, ends, months_ago, sell};
use crate::support::{World, order, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_company_reads_its_books_by_the_api_and_nobody_else_does() {
    for world in World::all().await {
        let client = &world.client;
        let (month, present) = (months_ago(1), months_ago(0));
        sell(&world, &world.a, begins(month) + DAY, 11_800).await;
        let closes = ends(month) + DAY + DAY / 2;
        let is_closed = closes <= souk::clock::now().micros();
        close(&world, &world.a, closes).await;
        at(closes, book(&world, &world.a, (Account::Gateway, Account::SalesReturns), 800, "INR")).await.expect("booked");
        let admin = world.staff(&world.a, "admin").await;
        let read = client.get(&admin, &format!("/api/payments/books?month={month}")).await.expect(200);
        assert_eq!(read["month"], month.to_string());
        assert_eq!((&read["isClosed"], read["closedAt"].is_string()), (&json!(true), true));
        let ends = chrono::DateTime::from_timestamp_micros(ends(month)).expect("a time");
        assert_eq!(text(&read["until"]), ends.to_rfc3339_opts(chrono::SecondsFormat::Micros, true));
        let row = |account: &str, [opening, debit, credit, closing]: [i64; 4]| json!({ "account": account, "currency": "INR", "opening": opening, "debit": debit, "credit": credit, "closing": closing });
        assert_eq!(read["accounts"], json!([row("gateway", [0, 11_800, 0, 11_800]), row("sales", [0, 0, 11_800, -11_800])]));
        if is_closed {
            let now = client.get(&admin, "/api/payments/books").await.expect(200);
            assert_eq!((&now["month"], &now["isClosed"], &now["closedAt"]), (&json!(present.to_string()), &json!(false), &json!(null)));
            let accounts =
                [row("gateway", [11_800, 0, 800, 11_000]), row("sales", [-11_800, 0, 0, -11_800]), row("sales_returns", [0, 800, 0, 800])];
            assert_eq!(now["accounts"], json!(accounts));
        }
        for wrong in ["2026-13", "november", "2026-1", "%20", ""] {
            client.get(&admin, &format!("/api/payments/books?month={wrong}")).await.wrong("invalid");
        }
        client.get(&admin, &format!("/api/payments/books?month={}", present.next())).await.wrong("not_begun");
        client.get(&admin, "/api/payments/books?year=2026").await.wrong("unknown_field");

        // Whoever is of shops alone, customers, guests, and the neighbour.
        for role in ["manager", "staff", "rider"] {
            let token = world.staff(&world.a, role).await;
            client.get(&token, "/api/payments/books").await.refused(403, "forbidden");
        }
        let customer = world.token_of(&world.a, world.a.customer.clone()).await;
        client.get(&customer, "/api/payments/books").await.refused(403, "forbidden");
        client.call("GET", "/api/payments/books", None, Some("alpha"), None, &[]).await.refused(401, "not_signed_in");
        let neighbour = world.staff(&world.b, "admin").await;
        assert_eq!(client.get(&neighbour, "/api/payments/books").await.expect(200)["accounts"], json!([]));
        let of_shop = Tenant { role: Role::ShopManager, shops: Some(vec![world.a.shop]), ..Tenant::system(world.a.id) };
        let scope = world.souk.read(of_shop).await.expect("a scope");
        assert_eq!(ledger::balances(&scope, None).await.expect_err("a sibling's sales").code(), "forbidden");
        drop(scope);
        let root = client.login("alpha", "root@souk.test").await;
        client.call("GET", "/api/payments/books", Some(&root), None, None, &[]).await.refused(400, "company_required");
        let read = client.call("GET", &format!("/api/payments/books?month={month}"), Some(&root), Some("alpha"), None, &[]).await;
        assert_eq!(read.expect(200)["accounts"][0]["closing"], 11_800);

        // A bookkeeper is made by a role of the company's own.
        let role = client.post(&admin, "/api/roles", &json!({ "name": "Bookkeeper", "permissions": ["books:read"] })).await.expect(201);
        let (_, keeper) = world.join(&world.a, "keeper", json!([{ "role": role["id"] }])).await;
        assert_eq!(client.get(&keeper, &format!("/api/payments/books?month={month}")).await.expect(200)["isClosed"], true);
        let (_, beside) = world.join(&world.a, "beside", json!([{ "role": role["id"], "shopId": world.a.shop }])).await;
        client.get(&beside, "/api/payments/books").await.refused(403, "forbidden");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_each_account_and_what_it_is() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        client.page(&admin, "/company/books").await.shows(&["Nothing was booked yet", "href=\"/company/books\""]);
        let (month, present) = (months_ago(1), months_ago(0));
        sell(&world, &world.a, begins(month) + DAY, 12_345_600).await;
        let buyer = world.customer(&world.a, "books@alpha.test").await;
        client.post(&buyer, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        let page = client.page(&admin, "/company/books").await;
        page.shows(&[
            "Payment gateway",
            "Paid online, held for the company by the gateway.",
            "Tax on sales",
            "₹1,23,456.00",
            "₹100.00",
            "₹15.25",
        ]);
        page.shows(&["The month goes on", &format!("<option value=\"{present}\" selected>"), &format!("/company/books?month={month}")]);
        close(&world, &world.a, ends(month) + 2 * DAY).await;
        let page = client.page(&admin, &format!("/company/books?month={month}")).await;
        page.shows(&["Closed on ", "₹1,23,456.00</span> <abbr", &format!("/company/books/export.csv?month={month}")]);
        assert!(!page.text.contains("₹15.25"), "{}", page.text);

        let csv = client.page(&admin, &format!("/company/books/export.csv?month={month}")).await;
        let sales = format!("{month},sales,INR,0.00,0.00,123456.00,-123456.00\n");
        csv.shows(&["month,account,currency,opening,debit,credit,closing\n", &sales]);
        let kept = csv.headers.get("content-disposition").and_then(|value| value.to_str().ok()).expect("a name");
        assert!(kept.contains(&format!("books-{month}.csv")), "{kept}");
        let file = client.page(&admin, &format!("/company/books/export.json?month={month}")).await.expect(200);
        assert_eq!((&file[0]["account"], &file[0]["closing"]), (&json!("gateway"), &json!(12_345_600)));

        for wrong in ["month=2026-13", &format!("month={}", present.next())] {
            assert_eq!(client.page(&admin, &format!("/company/books?{wrong}")).await.status, 422, "{wrong}");
        }
        for role in ["manager", "staff"] {
            let cookie = client.sign_in(&format!("{role}@alpha.test")).await;
            for path in ["/company/books", "/company/books/export.csv", "/company/books/export.json"] {
                assert_eq!(client.page(&cookie, path).await.status, 403, "{role} at {path}");
            }
            let page = client.page(&cookie, "/company/orders").await;
            page.shows(&["href=\"/company/orders\""]);
            assert!(!page.text.contains("href=\"/company/books\""), "{role} is led to the books");
        }
        let neighbour = client.sign_in("admin@beta.test").await;
        client.page(&neighbour, "/company/books").await.shows(&["Nothing was booked yet"]);
        world.verify().await;
        world.close().await;
    }
}
