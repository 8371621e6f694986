//! The platform's people at the debts: seen by age, paid, cut, promised, taken back, ended; each
//! once, and each in the company it is about.

use chrono::Days;
use serde_json::json;
use souk::{clock, models::debts};

use crate::support::{Answer, World, text};

fn day(offset: i64) -> String {
    let today = clock::now().date_in("Asia/Kolkata");
    let days = Days::new(offset.unsigned_abs());
    if offset < 0 { (today - days).to_string() } else { (today + days).to_string() }
}

/// The token of the first form on a page.
fn token(page: &Answer) -> String {
    let rest = page.text.split("name=\"once\" value=\"").nth(1).expect("a form");
    rest.split('"').next().expect("its token").trim_end_matches("-n").to_owned()
}

async fn send(world: &World, cookie: &str, path: &str, pairs: &[(&str, &str)]) -> Answer {
    world.client.form(cookie, path, pairs).await
}

/// Raises a debt by the form; the address of its page.
async fn raise(world: &World, cookie: &str, company: &str, amount: &str, due: &str) -> String {
    let page = world.client.page(cookie, "/admin/debts/new").await;
    let once = token(&page);
    let form =
        [("once", once.as_str()), ("company", company), ("kind", "purchase"), ("amount", amount), ("dueDate", due), ("every", "month")];
    let to = send(world, cookie, "/admin/debts", &form).await.leads_to();
    assert_eq!(send(world, cookie, "/admin/debts", &form).await.leads_to(), to, "the same form made another debt");
    to.split('?').next().expect("a path").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn debts_of_all_companies_are_listed_by_age() {
    for world in World::all().await {
        let root = world.client.sign_in("root@souk.test").await;
        let old = raise(&world, &root, "alpha", "1,234.50", &day(-45)).await;
        raise(&world, &root, "beta", "99", &day(20)).await;
        let late = raise(&world, &root, "beta", "50", &day(-3)).await;
        for company in [world.a.id, world.b.id] {
            debts::day(&world.souk, company).await.expect("a day");
        }
        let client = &world.client;
        let all = client.page(&root, "/admin/debts").await;
        all.shows(&["Company alpha", "Company beta", "₹1,234.50", "₹99.00", "age=31-60", "Overdue"]);
        let aged = client.page(&root, "/admin/debts?age=31-60").await;
        aged.shows(&["Company alpha", "31 to 60 days", &old]);
        assert!(!aged.text.contains(&late) && !aged.text.contains("<td>Company beta"), "{}", aged.text);
        // The longest overdue comes first.
        let overdue = client.page(&root, "/admin/debts?status=overdue").await.text;
        assert!(overdue.find(&old).expect("the older") < overdue.find(&late).expect("the younger"));
        let found = client.page(&root, "/admin/debts?q=BET&status=open").await;
        assert!(found.text.contains(&late) && !found.text.contains(&old), "{}", found.text);
        let csv = client.page(&root, "/admin/debts/export.csv?status=overdue").await;
        csv.shows(&["company,reference,type", "alpha,", ",purchase,overdue,INR,1234.50,0.00,1234.50,"]);
        assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);
        client.page(&root, "/admin/debts?q=nobody").await.shows(&["Nothing matches “nobody”"]);
        let json = [("cookie", root.as_str()), ("accept", "application/json")];
        let reference = csv.text.lines().nth(1).and_then(|line| line.split(',').nth(1)).expect("a reference").to_owned();
        let found = client.send("GET", &format!("/jump?q={reference}&from=/admin"), None, None, &json).await.expect(200);
        assert!(found.to_string().contains("/admin/debts/"), "{found}");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_about_a_debt_is_done_once_and_written_down_where_it_is_owed() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        let page = raise(&world, &root, "alpha", "900", &day(5)).await;
        let id = page.rsplit('/').next().expect("an id").to_owned();

        let refused = send(&world, &root, &format!("{page}/plan"), &[("parts", "2026-13-01 5"), ("every", "month")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("2026-13-01 5") && refused.text.contains("One line each"), "{}", refused.text);
        let uneven = format!("{} 500\n{} 300", day(5), day(12));
        let refused = send(&world, &root, &format!("{page}/plan"), &[("parts", &uneven), ("every", "month")]).await;
        assert!(refused.status == 422 && refused.text.contains("do not add up"), "{}", refused.text);
        let plan = [("count", "3"), ("every", "week"), ("firstDueDate", &day(5))];
        send(&world, &root, &format!("{page}/plan"), &plan).await.leads_to();
        client.page(&root, &page).await.shows(&["₹300.00", "Company alpha", "What happens when"]);
        let stale = [("count", "2"), ("every", "week"), ("version", "1")];
        assert_eq!(send(&world, &root, &format!("{page}/plan"), &stale).await.status, 412);

        let once = token(&client.page(&root, &page).await);
        let pay = [("once", once.as_str()), ("amount", "400"), ("method", "cheque"), ("reference", "CHQ 9")];
        for _ in 0..2 {
            send(&world, &root, &format!("{page}/pay"), &pay).await.leads_to();
        }
        let shown = client.page(&root, &page).await;
        shown.shows(&["CHQ 9", "Cheque", "Partly paid", "₹500.00"]);
        let payment =
            shown.text.split("name=\"payment\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a payment").to_owned();

        let promised = [("once", "note-1"), ("text", "Will <pay> soon"), ("promisedDate", &day(9)), ("promisedAmount", "100")];
        for _ in 0..2 {
            send(&world, &root, &format!("{page}/notes"), &promised).await.leads_to();
        }
        let shown = client.page(&root, &page).await;
        shown.shows(&["Will &lt;pay&gt; soon", "₹100.00 by"]);
        assert_eq!(shown.text.matches("Will &lt;pay&gt; soon").count(), 1);

        let back = [("once", "back-1"), ("payment", payment.as_str()), ("reason", "the cheque bounced")];
        for _ in 0..2 {
            send(&world, &root, &format!("{page}/reverse"), &back).await.leads_to();
        }
        client.page(&root, &page).await.shows(&["Taken back: the cheque bounced", "₹900.00"]);
        let again = [("once", "back-2"), ("payment", payment.as_str()), ("reason", "twice")];
        let refused = send(&world, &root, &format!("{page}/reverse"), &again).await;
        assert!(refused.status == 409 && refused.text.contains("taken back already"), "{}", refused.text);

        assert_eq!(send(&world, &root, &format!("{page}/write-off"), &[("writeOffReason", " ")]).await.status, 422);
        send(&world, &root, &format!("{page}/write-off"), &[("writeOffReason", "they closed")]).await.leads_to();
        let shown = client.page(&root, &page).await;
        shown.shows(&["Written off", "they closed"]);
        assert!(!shown.text.contains("id=\"pay\""), "a closed debt can be paid");
        let late = [("once", "late"), ("amount", "1"), ("method", "upi")];
        assert_eq!(send(&world, &root, &format!("{page}/pay"), &late).await.status, 409);

        let admin = world.staff(&world.a, "admin").await;
        let entries = client.get(&admin, &format!("/api/audit/resource/debt/{id}")).await.expect(200);
        let acts: Vec<_> =
            entries["data"].as_array().expect("entries").iter().map(|one| (text(&one["action"]), text(&one["role"]))).collect();
        for act in ["create", "plan", "pay", "note", "reverse_payment", "write_off"] {
            assert_eq!(acts.iter().filter(|(name, role)| name == act && role == "super_admin").count(), 1, "{act}: {acts:?}");
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debt_is_raised_for_a_company_that_there_is() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        let once = token(&client.page(&root, "/admin/debts/new?company=beta").await);
        let form = [("once", once.as_str()), ("company", "nobody"), ("kind", "loan"), ("amount", "5,000.00"), ("reference", "For <tills>")];
        let refused = send(&world, &root, "/admin/debts", &form).await;
        assert_eq!(refused.status, 422);
        for kept in ["value=\"5,000.00\"", "For &lt;tills&gt;", "There is no such choice.", "Fill this in."] {
            assert!(refused.text.contains(kept), "`{kept}` is not there: {}", refused.text);
        }
        let due = day(10);
        let mut form = form.to_vec();
        form[1] = ("company", "beta");
        form.extend([("dueDate", due.as_str()), ("count", "2"), ("every", "week"), ("firstDueDate", due.as_str())]);
        let to = send(&world, &root, "/admin/debts", &form).await.leads_to();
        client.page(&root, &to).await.shows(&["The debt is raised.", "For &lt;tills&gt;", "₹2,500.00", "Company beta"]);
        let theirs = world.staff(&world.a, "admin").await;
        assert_eq!(client.get(&theirs, "/api/debts").await.expect(200)["data"], json!([]));
        assert_eq!(client.page(&root, &format!("/admin/debts/{}", world.a.id)).await.status, 404);
        let of_one = client.page(&root, &format!("/admin/debts?company={}", world.b.id)).await;
        of_one.shows(&["For &lt;tills&gt;", "sk-chip"]);
        let of_other = client.page(&root, &format!("/admin/debts?company={}", world.a.id)).await;
        assert!(!of_other.text.contains("For &lt;tills&gt;"), "{}", of_other.text);
        world.verify().await;
        world.close().await;
    }
}
