//! The machine room: jobs in trouble, audits and their chains, health, and the platform's settings.

use serde_json::json;
use souk::{
    ids::JobId,
    models::{
        health,
        jobs::{self, Kind, Narrowed},
    },
    tenancy::Tenant,
};

use crate::support::{Company, World};

/// A job that fails at once: its delivery is not there.
async fn hopeless(world: &World, company: &Company) -> JobId {
    let scope = world.souk.write(Tenant::system(company.id)).await.expect("a scope");
    let nothing = JobId::new();
    jobs::enqueue(&scope, Kind::Deliver, &nothing.to_string(), json!({ "deliveryId": nothing })).await.expect("wanted");
    scope.commit().await.expect("kept");
    souk::workers::turn(&world.souk).await.expect("a turn");
    let platform = world.souk.platform("operations").await.expect("the platform");
    let narrowed = Narrowed { company: Some(company.id), ..Narrowed::default() };
    jobs::troubles(&platform, &narrowed, None, 1).await.expect("a list").remove(0).id
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_in_trouble_are_seen_tried_again_and_given_up() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        souk::workers::turn(&world.souk).await.expect("a turn");
        client.page(&root, "/admin/jobs").await.shows(&["Nothing is in trouble", "notices", "debts.day", "id=\"queues\""]);
        let (mine, theirs) = (hopeless(&world, &world.a).await, hopeless(&world, &world.b).await);
        let (a, b) = (world.a.id, world.b.id);
        let list = client.page(&root, "/admin/jobs").await;
        list.shows(&["notifications.deliver", "Company alpha", "Company beta", "not found", "2 failing"]);
        let found = client.page(&root, "/admin/jobs?q=alpha&queue=notifications&state=failed").await;
        assert!(found.text.contains(&mine.to_string()) && !found.text.contains(&theirs.to_string()), "{}", found.text);
        client.page(&root, "/admin/jobs?q=nobody").await.shows(&["Nothing matches “nobody”"]);
        client.page(&root, "/admin/jobs?state=dead").await.shows(&["Nothing matches these filters"]);
        let csv = client.page(&root, "/admin/jobs/export.csv?q=beta").await;
        csv.shows(&["id,company,queue", &theirs.to_string(), "not found"]);
        assert_eq!(csv.text.lines().count(), 2, "{}", csv.text);
        let page = client.page(&root, &format!("/admin/jobs/{a}/{mine}")).await;
        page.shows(&["notifications.deliver", "deliveryId", "not found", "Try again"]);
        // A job is found in its own company only.
        assert_eq!(client.page(&root, &format!("/admin/jobs/{b}/{mine}")).await.status, 404);
        let json = [("cookie", root.as_str()), ("accept", "application/json")];
        let found = client.send("GET", &format!("/jump?q={mine}&from=/admin"), None, None, &json).await.expect(200);
        assert!(found.to_string().contains(&format!("/admin/jobs/{a}/{mine}")), "{found}");

        let (one, other) = (format!("{a}.{mine}"), format!("{b}.{theirs}"));
        let file = client.form(&root, "/admin/jobs/chosen.csv", &[("ids", &one)]).await;
        file.shows(&["id,company,queue", &mine.to_string(), "Company alpha"]);
        assert_eq!(file.text.lines().count(), 2, "{}", file.text);
        let asked = client.form(&root, "/admin/jobs/discard", &[("ids", &one)]).await;
        asked.shows(&["Discard 1 of these?", "Company alpha"]);
        assert!(!asked.text.contains("Company beta"), "{}", asked.text);
        client.page(&root, &format!("/admin/jobs/{a}/{mine}")).await.shows(&["Try again"]);
        let back = client.form(&root, "/admin/jobs/discard", &[("ids", &one), ("sure", "on")]).await.leads_to();
        client.page(&root, &back).await.shows(&["Discarded: 1."]);
        // Given up already: refused for this one, done for the other.
        let back = client.form(&root, "/admin/jobs/replay", &[("ids", &one), ("ids", &other)]).await.leads_to();
        client.page(&root, &back).await.shows(&["Tried again: 1.", "was given up"]);
        hopeless(&world, &world.b).await;
        let back = client.form(&root, "/admin/jobs/replay-all", &[("q", "beta")]).await.leads_to();
        // How far it is, is shown until it is done, whoever looks; asked for nothing, it is nothing.
        client.page(&root, &back).await.shows(&["Being tried again: 2.", "Tried again: 0 of 2.", "<progress", "value=\"0\""]);
        souk::workers::turn(&world.souk).await.expect("a turn");
        let over = client.page(&root, "/admin/jobs").await;
        assert!(!over.text.contains("Tried again: 0 of 2."), "{}", over.text);
        let back = client.form(&root, "/admin/jobs/replay-all", &[("q", "nobody")]).await.leads_to();
        client.page(&root, &back).await.shows(&["Being tried again: 0."]);
        let theirs = world.staff(&world.b, "admin").await;
        let entries = client.get(&theirs, "/api/audit/logs?action=replay").await.expect(200);
        assert_eq!((&entries["data"][0]["role"], entries["data"].as_array().map(Vec::len)), (&json!("super_admin"), Some(3)), "{entries}");
        let admin = world.staff(&world.a, "admin").await;
        let entries = client.get(&admin, "/api/audit/logs?resource=job").await.expect(200);
        assert_eq!(
            (entries["data"][0]["action"].as_str(), entries["data"].as_array().map(Vec::len)),
            (Some("discard"), Some(1)),
            "{entries}"
        );
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_companys_audit_is_read_checked_and_exported_with_an_entry() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        let admin = world.staff(&world.a, "admin").await;
        client.post(&admin, "/api/brands", &json!({ "name": "MARKERA brand" })).await.expect(201);
        client.page(&root, "/admin/audit?company=alpha&resource=brand").await.shows(&["Audit of Company alpha", "MARKERA admin", "brand"]);
        let theirs = client.page(&root, "/admin/audit?company=beta").await;
        assert!(!theirs.text.contains("MARKERA brand"), "{}", theirs.text);
        assert_eq!(client.page(&root, "/admin/audit?company=nobody").await.status, 404);

        // The platform's own chain has what its people change there.
        let terms = [("name", "Souk"), ("email", "bills@souk.test"), ("phone", ""), ("payTo", "Account 7")];
        client.form(&root, "/admin/settings", &terms).await.leads_to();
        client.page(&root, "/admin/audit").await.shows(&["Audit of Souk", "bills@souk.test", "platform"]);

        // Everybody's at once, each entry with its company; narrowed as one company's are.
        let neighbour = world.staff(&world.b, "admin").await;
        client.post(&neighbour, "/api/brands", &json!({ "name": "MARKERB brand" })).await.expect(201);
        let all = client.page(&root, "/admin/audit?company=*&resource=brand").await;
        all.shows(&[
            "Audit of all companies",
            "MARKERA admin",
            "MARKERB admin",
            "company=alpha\">Company alpha",
            "company=beta\">Company beta",
        ]);
        let of_one = client.page(&root, "/admin/audit?company=*&resource=brand&user=admin%40beta.test").await;
        of_one.shows(&["MARKERB admin"]);
        assert!(!of_one.text.contains("MARKERA"), "{}", of_one.text);
        client.page(&root, "/admin/audit?company=*&user=nobody%40beta.test").await.shows(&["Clear filters"]);
        let csv = client.page(&root, "/admin/audit/export.csv?company=*&resource=brand").await;
        for company in [world.a.id, world.b.id] {
            csv.shows(&[company.to_string().as_str()]);
        }
        let told = client.page(&root, "/admin/audit?resource=audit&action=export").await;
        told.shows(&["Company: *"]);

        let csv = client.page(&root, "/admin/audit/export.csv?company=alpha&resource=brand").await;
        csv.shows(&["id,at,userId", ",create,brand,"]);
        assert_eq!(csv.text.lines().count(), 2, "{}", csv.text);
        let file = client.page(&root, "/admin/audit/export.json").await;
        assert!(file.body.as_array().is_some_and(|all| !all.is_empty()), "{}", file.text);
        let entries = client.get(&admin, "/api/audit/logs?action=export").await.expect(200);
        assert_eq!((entries["data"][0]["role"].as_str(), entries["data"].as_array().map(Vec::len)), (Some("super_admin"), Some(1)));

        client.page(&root, "/admin/audit").await.shows(&["Nobody has looked at the chain yet."]);
        for company in ["", "alpha"] {
            let back = client.form(&root, "/admin/audit/check", &[("company", company)]).await.leads_to();
            souk::workers::turn(&world.souk).await.expect("a turn");
            client.page(&root, &back).await.shows(&["The chain is whole.", "The chain is being checked"]);
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_knows_the_components_and_processes() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        client.page(&root, "/admin/health").await.shows(&[
            "No process has said that it is there.",
            "Database",
            "Not set up",
            world.souk.engine(),
        ]);
        health::beat(&world.souk, true).await.expect("a beat");
        health::beat(&world.souk, true).await.expect("another");
        let page = client.page(&root, "/admin/health").await;
        page.shows(&["answers this page", "Works at queues"]);
        let late = souk::clock::shifted(120_000_000, async {
            let platform = world.souk.platform("operations").await.expect("the platform");
            health::processes(&platform).await.expect("processes").iter().map(|one| one.is_silent(souk::clock::now())).collect::<Vec<_>>()
        });
        assert_eq!(late.await, [true]);
        health::leave(&world.souk).await.expect("an end");
        client.page(&root, "/admin/health").await.shows(&["No process has said that it is there."]);
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_says_how_it_is_paid_and_shows_no_secret() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        let admin = client.sign_in("admin@alpha.test").await;
        client.page(&admin, "/company/debts").await.shows(&["Ask Souk where to pay to."]);
        let page = client.page(&root, "/admin/settings").await;
        page.shows(&["Signing keys", "Not set"]);
        let settings = world.souk.settings();
        let secrets = [settings.secret.as_deref(), settings.database_url.as_deref(), settings.metrics_token.as_deref()];
        for secret in secrets.into_iter().flatten().filter(|secret| !secret.is_empty()) {
            assert!(!page.text.contains(secret), "a secret is shown");
        }
        let wrong = [("name", ""), ("email", "nowhere"), ("payTo", "Account <7>")];
        let refused = client.form(&root, "/admin/settings", &wrong).await;
        assert!(refused.status == 422 && refused.text.contains("Account &lt;7&gt;"), "{}", refused.text);
        let version = page.text.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version");
        let terms =
            [("name", "Souk"), ("email", "bills@souk.test"), ("phone", "+91 80 4000"), ("payTo", "Account <7>"), ("version", version)];
        client.form(&root, "/admin/settings", &terms).await.leads_to();
        assert_eq!(client.form(&root, "/admin/settings", &terms).await.status, 412, "an older page overwrote a newer one");
        client.page(&admin, "/company/debts").await.shows(&["Account &lt;7&gt;", "bills@souk.test"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_texts_that_souk_brings_along_are_seen_as_their_letters() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        let token = world.staff(&world.a, "admin").await;
        // A company's own text is in nobody else's place.
        let own = json!({ "name": "welcome", "language": "en", "subject": "MARKERA hello", "body": "MARKERA body" });
        client.post(&token, "/api/notifications/templates", &own).await.expect(201);
        let page = client.page(&root, "/admin/settings").await;
        page.shows(&["Order confirmed", "/admin/settings/texts/order_confirmed.hi", "/admin/settings/texts/welcome.en"]);
        let page = client.page(&root, "/admin/settings/texts/order_confirmed.en").await;
        page.shows(&[
            "A-1042",
            "order.number",
            "/admin/settings/texts/order_confirmed.hi",
            "order_confirmed.en/letter",
            "aria-current=\"page\"",
        ]);
        let welcome = client.page(&root, "/admin/settings/texts/welcome.en").await;
        assert!(welcome.status == 200 && !welcome.text.contains("MARKERA"), "{}", welcome.text);
        let letter = client.page(&root, "/admin/settings/texts/order_confirmed.hi/letter").await;
        letter.shows(&["<html", "A-1042"]);
        assert_eq!(client.page(&root, "/admin/settings/texts/nothing.en").await.status, 404);
        assert_eq!(client.page(&root, "/admin/settings/texts/welcome.xx").await.status, 404);
        let admin = client.sign_in("admin@alpha.test").await;
        assert_eq!(client.page(&admin, "/admin/settings/texts/welcome.en").await.status, 403);
        world.verify().await;
        world.close().await;
    }
}
