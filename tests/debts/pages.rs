//! What the company sees of its debts in its portal: on every page while something is late, and on
//! pages of their own, where it also pays.

use serde_json::json;

use super::{Root, day, day_of};
use crate::support::{Answer, World};

/// The token of the form on a page.
fn token(page: &Answer) -> String {
    let rest = page.text.split("name=\"once\" value=\"").nth(1).expect("a form");
    rest.split('"').next().expect("its token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_stands_on_every_page_until_it_is_paid() {
    for world in World::all().await {
        let (client, root) = (&world.client, Root::of(&world).await);
        let admin = client.sign_in("admin@alpha.test").await;
        let manager = client.sign_in("manager@alpha.test").await;
        let theirs = client.sign_in("admin@beta.test").await;
        let id = root.raise(&world.a, 90_000, &day(1)).await;
        let calm = client.page(&admin, "/company/orders").await;
        assert!(!calm.text.contains("data-owing"), "nothing is late yet: {}", calm.text);

        let told = async |offset: i64, texts: &[&str]| {
            day_of(&world, &world.a, offset).await;
            for path in ["/company/orders", "/company/audit", "/account", "/messages"] {
                let page = client.page(&admin, path).await;
                page.shows(&["data-owing", "href=\"/company/debts\""]);
                page.shows(texts);
            }
        };
        let shown = |offset: i64| {
            let day: chrono::NaiveDate = day(offset).parse().expect("a day");
            day.format("%-d %b %Y").to_string()
        };
        told(3, &["has been overdue since", &shown(1), &shown(8), &shown(15)]).await;
        let page = client.page(&manager, "/company/orders").await;
        assert!(!page.text.contains("data-owing"), "a manager may not read debts, and is not held up yet: {}", page.text);
        let page = client.page(&theirs, "/company/orders").await;
        assert!(!page.text.contains("data-owing"), "the neighbour is told of another's debt");

        told(8, &["Limited: a payment has been overdue", &shown(15)]).await;
        let page = client.page(&manager, "/company/orders").await;
        page.shows(&["Limited: a payment", "Tell a company admin."]);
        assert!(!page.text.contains("href=\"/company/debts\""), "{}", page.text);
        told(15, &["Suspended: a payment has been overdue", "no orders are taken until it is paid"]).await;
        world.verify().await;

        // Paying is what a suspended company can still do.
        let page = client.page(&admin, &format!("/company/debts/{id}")).await;
        let form = [("once", token(&page)), ("amount", "900".into()), ("method", "upi".into()), ("reference", "UTR 7".into())];
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        client.form(&admin, &format!("/company/debts/{id}/pay"), &form).await.leads_to();
        let page = client.page(&admin, "/company/orders").await;
        assert!(!page.text.contains("data-owing"), "{}", page.text);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_recorded_once_however_often_its_form_is_sent() {
    for world in World::all().await {
        let (client, root) = (&world.client, Root::of(&world).await);
        let admin = client.sign_in("admin@alpha.test").await;
        let id = root.raise(&world.a, 90_000, &day(20)).await;
        let plan = json!({ "count": 3, "every": "month", "firstDueDate": day(20) });
        root.post(&format!("/api/debts/{id}/plan"), &plan).await.expect(200);
        let path = format!("/company/debts/{id}");
        let page = client.page(&admin, &path).await;
        page.shows(&["₹900.00", "₹300.00", "value=\"300.00\"", "What happens when"]);
        let once = token(&page);
        let form = |amount: &'static str| {
            [("once", once.clone()), ("amount", amount.into()), ("method", "bank_transfer".to_owned()), ("reference", "UTR <7>".into())]
        };
        let send = async |amount: &'static str| {
            let form = form(amount);
            let pairs: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            client.form(&admin, &format!("{path}/pay"), &pairs).await
        };
        // What is refused keeps what was typed, says why, and may be sent again.
        let refused = send("1,000.00").await;
        assert_eq!(refused.status, 409);
        assert!(refused.text.contains("value=\"1,000.00\"") && refused.text.contains("more than is left of this debt"), "{}", refused.text);
        let refused = send("much").await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("aria-invalid=\"true\"") && refused.text.contains("UTR &lt;7&gt;"), "{}", refused.text);

        assert_eq!(send("400.00").await.leads_to(), format!("{path}?said=flash.payment_recorded"));
        assert_eq!(send("400.00").await.leads_to(), format!("{path}?said=flash.payment_recorded"));
        assert_eq!(send("500.00").await.status, 409, "the same form with another amount");
        let debt = root.debt(&id).await;
        assert_eq!((debt["amountPaid"].as_i64(), debt["payments"].as_array().map(Vec::len)), (Some(40_000), Some(1)));
        client.page(&admin, &path).await.shows(&["UTR &lt;7&gt;", "Bank transfer", "₹400.00"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_is_the_companys_own_and_for_those_who_may() {
    for world in World::all().await {
        let (client, root) = (&world.client, Root::of(&world).await);
        let id = root.raise(&world.a, 90_000, &day(20)).await;
        let plan = json!({ "code": "growth", "name": "Growth plan", "price": 349_900, "currency": "INR", "period": "month", "shops": 2 });
        root.post("/api/companies/plans", &plan).await.expect(201);
        root.call("PUT", &format!("/api/companies/{}/subscription", world.a.id), &json!({ "plan": "growth" })).await.expect(200);
        let admin = client.sign_in("admin@alpha.test").await;
        let page = client.page(&admin, "/company/debts").await;
        page.shows(&["₹4,399.00", "Growth plan", "1 of 2", "4, no limit", "Ask Souk where to pay to."]);
        let found = client.page(&admin, "/company/debts?status=open&kind=subscription").await;
        found.shows(&["growth ", "sk-chip"]);
        client.page(&admin, "/company/debts?q=nothing").await.shows(&["Nothing matches “nothing”"]);
        let csv = client.page(&admin, "/company/debts/export.csv?kind=purchase").await;
        csv.shows(&["reference,type,status", ",purchase,pending,INR,900.00,0.00,900.00,"]);
        assert_eq!(csv.text.lines().count(), 2, "{}", csv.text);
        let json = [("cookie", admin.as_str()), ("accept", "application/json")];
        let found = client.send("GET", "/jump?q=growth&from=/company", None, None, &json).await.expect(200);
        assert!(found.to_string().contains("/company/debts/"), "{found}");

        for role in ["manager", "staff", "rider"] {
            let cookie = client.sign_in(&format!("{role}@alpha.test")).await;
            for path in ["/company/debts", "/company/debts/export.csv", &format!("/company/debts/{id}")] {
                assert_eq!(client.page(&cookie, path).await.status, 403, "{path} as {role}");
            }
            assert_eq!(client.form(&cookie, &format!("/company/debts/{id}/pay"), &[]).await.status, 403);
        }
        let theirs = client.sign_in("admin@beta.test").await;
        assert_eq!(client.page(&theirs, &format!("/company/debts/{id}")).await.status, 404);
        let pay = [("once", "x"), ("amount", "1"), ("method", "upi")];
        assert_eq!(client.form(&theirs, &format!("/company/debts/{id}/pay"), &pay).await.status, 404);
        let page = client.page(&theirs, "/company/debts").await;
        page.shows(&["Nothing is owed", "No plan, and so no limits."]);
        assert!(!page.text.contains("growth"), "{}", page.text);
        world.verify().await;
        world.close().await;
    }
}
