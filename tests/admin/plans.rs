//! The price list: plans added, changed, retired, and who has them.

use serde_json::json;

use crate::support::{PASSWORD, World, text};

const GROWTH: [(&str, &str); 9] = [
    ("name", "Growth plan"),
    ("code", "growth"),
    ("price", "3,499.00"),
    ("currency", "INR"),
    ("period", "month"),
    ("trialDays", "14"),
    ("shops", "3"),
    ("staff", ""),
    ("orders", "1000"),
];

fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = GROWTH.iter().filter(|(name, _)| changes.iter().all(|(other, _)| name != other));
    kept.copied().chain(changes.iter().copied()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_added_changed_retired_and_followed_by_their_subscribers() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        client.page(&root, "/admin/plans").await.shows(&["No plans yet"]);
        client.page(&root, "/admin/plans/new").await.shows(&["f-trialDays", "Nothing typed is no limit."]);
        let wrong = client.form(&root, "/admin/plans/new", &with(&[("code", "A b"), ("price", "much"), ("shops", "few")])).await;
        assert_eq!(wrong.status, 422);
        for text in ["f-price-e", "f-shops-e", "value=\"much\"", "value=\"few\"", "value=\"Growth plan\""] {
            assert!(wrong.text.contains(text), "`{text}`: {}", wrong.text);
        }
        let wrong = client.form(&root, "/admin/plans/new", &with(&[("code", "A b"), ("trialDays", "400")])).await;
        assert!(wrong.text.contains("f-code-e") && wrong.text.contains("f-trialDays-e"), "{}", wrong.text);

        let to = client.form(&root, "/admin/plans/new", &GROWTH).await.leads_to();
        client.page(&root, &to).await.shows(&["The plan is on the list.", "₹3,499.00", "1000", "no limit", "Nobody has this plan"]);
        let taken = client.form(&root, "/admin/plans/new", &GROWTH).await;
        assert!(taken.status == 422 && taken.text.contains("Another plan has this code."), "{}", taken.text);
        let plan = to.split('?').next().expect("its page").to_owned();

        // A subscription that names no days is tried as long as the plan offers.
        let company = format!("/admin/companies/{}/plan", world.a.id);
        client.form(&root, &company, &[("plan", "growth"), ("trialDays", ""), ("graceDays", "")]).await.leads_to();
        let page = client.page(&root, &plan).await;
        page.shows(&["Company alpha", "Trial", "1 in trial"]);
        assert!(!page.text.contains("Company beta"), "{}", page.text);

        let edit = [("name", "Growth"), ("price", "4000"), ("period", "year"), ("trialDays", ""), ("shops", "4"), ("version", "1")];
        client.page(&root, &format!("{plan}/edit")).await.shows(&["value=\"3499.00\"", "value=\"14\""]);
        let to = client.form(&root, &format!("{plan}/edit"), &edit).await.leads_to();
        client.page(&root, &to).await.shows(&["Saved.", "₹4,000.00", "a year", "₹3,499.00"]);
        let stale = client.form(&root, &format!("{plan}/edit"), &edit).await;
        assert!(stale.status == 412 && stale.text.contains("value=\"4000\""), "{}", stale.text);

        let to = client.form(&root, &format!("{plan}/offer"), &[]).await.leads_to();
        client.page(&root, &to).await.shows(&["The plan is retired.", "Retired", "Offer again", "Company alpha"]);
        let refused = client.form(&root, &format!("/admin/companies/{}/plan", world.b.id), &[("plan", "growth")]).await;
        assert!(refused.status == 422 && refused.text.contains("not offered any more"), "{}", refused.text);
        client.page(&root, "/admin/plans?state=offered").await.shows(&["Nothing matches these filters"]);
        client.page(&root, "/admin/plans?q=GROW").await.shows(&["Growth", "sk-chip"]);
        let csv = client.page(&root, "/admin/plans/export.csv").await;
        csv.shows(&["code,name,currency,price", "growth,Growth,INR,4000.00,year,,4,,,,false,1,1,0.00"]);
        client.form(&root, &format!("{plan}/offer"), &[("offered", "on")]).await.leads_to();
        client.page(&root, "/jump?q=growth&from=/admin").await.shows(&[&plan]);

        let credentials = json!({ "email": "root@souk.test", "password": PASSWORD });
        let token = client.call("POST", "/api/auth/login", None, None, Some(&credentials), &[]).await.expect(200);
        let token = text(&token["accessToken"]);
        let told = client.get(&token, "/api/audit/logs?resource=plan&action=update").await.expect(200);
        assert_eq!(told["data"].as_array().map(Vec::len), Some(3), "{told}");
        assert_eq!(told["data"][2]["changes"]["period"], json!({ "before": "month", "after": "year" }));
        assert_eq!(client.page(&root, "/admin/plans/0198c1f4-0000-7000-8000-000000000000").await.status, 404);
        world.verify().await;
        world.close().await;
    }
}
