//! What a company says of itself.

use serde_json::json;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_checked_kept_and_told() {
    for world in World::all().await {
        let (client, a) = (&world.client, &world.a);
        let admin = world.staff(a, "admin").await;
        let path = format!("/api/companies/{}/settings", a.id);
        let change = json!({
            "brand": "#C03A2B", "language": "hi", "zone": "Europe/Berlin", "taxRate": 500, "taxIncluded": false, "unpaidHours": 48,
            "address": { "line1": "1 Main Road", "city": "Bengaluru", "postalCode": "560001", "country": "IN" }, "phone": "+91 80 1234",
        });
        let company = client.patch(&admin, &path, &change).await.expect(200);
        assert_eq!((&company["branding"]["colour"], &company["settings"]["language"]), (&json!("#c03a2b"), &json!("hi")));
        assert_eq!((&company["settings"]["taxIncluded"], &company["address"]["city"]), (&json!(false), &json!("Bengaluru")));

        for (change, code) in [
            (json!({ "brand": "red; } body { display: none" }), "invalid"),
            (json!({ "language": "tlh" }), "unknown"),
            (json!({ "zone": "Mars/Olympus" }), "invalid"),
            (json!({ "taxRate": 10_001 }), "out_of_range"),
            (json!({ "unpaidHours": 0 }), "out_of_range"),
            (json!({ "name": "" }), "required"),
        ] {
            client.patch(&admin, &path, &change).await.wrong(code);
        }
        let wrong = client.patch(&admin, &path, &json!({ "brand": "red", "zone": "Mars" })).await.refused(422, "invalid_input");
        assert_eq!(wrong["errors"].as_array().map(Vec::len), Some(2), "all that is wrong is said at once");
        client.patch(&admin, &path, &json!({ "currency": "EUR" })).await.refused(409, "currency_fixed");
        client.patch(&admin, &path, &json!({ "currency": "INR" })).await.expect(200);
        let told = client.get(&admin, &format!("/api/audit/resource/company/{}", a.id)).await.expect(200);
        let changes =
            &told["data"].as_array().expect("entries").iter().find(|one| one["changes"]["brand"].is_object()).expect("told")["changes"];
        assert_eq!(changes["brand"], json!({ "before": "#0b63ce", "after": "#c03a2b" }));
        assert_eq!(changes["taxIncluded"], json!({ "before": true, "after": false }));
        assert!(changes.get("name").is_none(), "what did not change is told");

        let stale = [("if-match", "\"1\"")];
        client.call("PATCH", &path, Some(&admin), None, Some(&json!({ "name": "Late" })), &stale).await.refused(412, "stale");
        let theirs = format!("/api/companies/{}/settings", world.b.id);
        client.patch(&admin, &theirs, &json!({ "name": "stolen" })).await.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}
