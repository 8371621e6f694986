//! One company in the admin portal: opened, looked at, changed, stopped.

use souk::models::debts;

use crate::support::{PASSWORD, World};

const PLAN: &str = r#"{ "code": "growth", "name": "Growth plan", "price": 349900, "currency": "INR", "period": "month", "staff": 5 }"#;

async fn plan(world: &World) {
    let api = world.client.login("alpha", "root@souk.test").await;
    let plan = serde_json::from_str(PLAN).expect("a plan");
    world.client.post(&api, "/api/companies/plans", &plan).await.expect(201);
}

const SPICE: [(&str, &str); 10] = [
    ("name", "Spice Route"),
    ("slug", "spice-route"),
    ("currency", "INR"),
    ("zone", "Asia/Kolkata"),
    ("taxRate", "5.25"),
    ("taxIncluded", "on"),
    ("plan", "growth"),
    ("trialDays", "14"),
    ("adminName", "Nila Menon"),
    ("adminEmail", "nila@spice.test"),
];

/// The form with other values in some fields.
fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = SPICE.iter().filter(|(name, _)| changes.iter().all(|(other, _)| name != other));
    kept.copied().chain(changes.iter().copied()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_opened_with_its_plan_and_its_first_admin_or_not_at_all() {
    for world in World::all().await {
        plan(&world).await;
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        client.page(&root, "/admin/companies").await.shows(&["href=\"/admin/companies/new\""]);
        client.page(&root, "/admin/companies/new").await.shows(&["Growth plan, ₹3,499.00 a month", "First admin"]);

        // Everything that is wrong is said at once, and nothing that was typed is lost.
        let wrong = with(&[("slug", "No Slug!"), ("zone", "Mars/Olympus"), ("adminEmail", "nobody")]);
        let refused = client.form(&root, "/admin/companies/new", &wrong).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        for text in ["f-slug-e", "f-zone-e", "f-adminEmail-e", "value=\"Spice Route\"", "value=\"5.25\"", "value=\"nobody\""] {
            assert!(refused.text.contains(text), "`{text}` is missing: {}", refused.text);
        }
        let taken = client.form(&root, "/admin/companies/new", &with(&[("slug", "beta")])).await;
        assert!(taken.status == 422 && taken.text.contains("Another has this address."), "{}", taken.text);
        let ours = client.form(&root, "/admin/companies/new", &with(&[("adminEmail", "root@souk.test")])).await;
        assert!(ours.status == 422 && ours.text.contains("This person belongs to the platform."), "{}", ours.text);
        let late = client.form(&root, "/admin/companies/new", &with(&[("trialDays", "400")])).await;
        assert!(late.status == 422 && late.text.contains("f-trialDays-e"), "{}", late.text);
        assert_eq!(world.count("SELECT COUNT(*) FROM companies WHERE slug = 'spice-route'").await, 0, "a refused company is there");
        assert_eq!(world.count("SELECT COUNT(*) FROM staff WHERE email = 'nila@spice.test'").await, 0);

        let to = client.form(&root, "/admin/companies/new", &SPICE).await.leads_to();
        let page = client.page(&root, &to).await;
        page.shows(&["Spice Route is open.", "nila@spice.test", "Growth plan", "Trial", "Invited", "5.25%", "No shops yet"]);
        assert!(!page.text.contains("MARKER"), "another company's rows are shown");
        world.verify().await;
        let letters = "SELECT COUNT(*) FROM notifications n JOIN companies c ON c.id = n.company_id \
                       WHERE c.slug = 'spice-route' AND n.template = 'staff_invited'";
        assert_eq!(world.count(letters).await, 1, "the first admin gets one letter");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_company_is_shown_with_its_own_figures_and_nobody_elses() {
    for world in World::all().await {
        let client = &world.client;
        let api = client.login("beta", "root@souk.test").await;
        let owed = serde_json::json!({ "companyId": world.b.id, "type": "loan", "amount": 118_000, "dueDate": "2020-01-31" });
        client.call("POST", "/api/debts", Some(&api), None, Some(&owed), &[]).await.expect(201);
        debts::day(&world.souk, world.b.id).await.expect("a day");
        let root = client.sign_in("root@souk.test").await;
        let page = client.page(&root, &format!("/admin/companies/{}", world.b.id)).await;
        page.shows(&["Company beta", "MARKERB shop", "MARKERB admin", "Company admin", "₹1,180.00", "More than 90 days late", "No plan"]);
        assert!(!page.text.contains("MARKERA"), "the neighbour is shown");
        let nobody = souk::ids::CompanyId::new();
        assert_eq!(client.page(&root, &format!("/admin/companies/{nobody}")).await.status, 404);
        let own = souk::tenancy::PLATFORM_COMPANY;
        for path in ["", "/edit", "/act?what=suspend"] {
            assert_eq!(client.page(&root, &format!("/admin/companies/{own}{path}")).await.status, 404, "the platform is no tenant");
        }
        client.form(&root, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        client.page(&root, &format!("/admin/companies/{}", world.b.id)).await.shows(&["प्लेटफ़ॉर्म का बकाया", "कोई प्लान नहीं"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_suspended_by_its_slug_and_a_reason_and_goes_on() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        let admin = client.sign_in("admin@alpha.test").await;
        let path = format!("/admin/companies/{}", world.a.id);
        client.page(&root, &format!("{path}/act?what=suspend")).await.shows(&["Suspend Company alpha?", "alpha"]);
        for (form, field) in [
            ([("reason", "bills"), ("confirm", "beta")], "f-confirm-e"),
            ([("reason", " "), ("confirm", "alpha")], "f-reason-e"),
            ([("reason", "bills"), ("confirm", "")], "f-confirm-e"),
        ] {
            let refused = client.form(&root, &format!("{path}/suspend"), &form).await;
            assert!(refused.status == 422 && refused.text.contains(field), "{field}: {}", refused.text);
        }
        client.page(&admin, "/company/orders").await.shows(&["Company alpha"]);

        let meant = [("reason", "three bills <unpaid>"), ("confirm", "alpha")];
        let to = client.form(&root, &format!("{path}/suspend"), &meant).await.leads_to();
        client.page(&root, &to).await.shows(&["The company is suspended.", "three bills &lt;unpaid&gt;", "Let it go on", "Suspended"]);
        assert!(client.page(&admin, "/company/orders").await.leads_to().starts_with("/sign-in"), "its people are signed out");
        let again = client.form(&root, &format!("{path}/suspend"), &meant).await;
        assert!(again.status == 409 && again.text.contains("not in a state for this"), "{}", again.text);
        // The neighbour is not touched.
        let theirs = client.sign_in("admin@beta.test").await;
        client.page(&theirs, "/company/orders").await.shows(&["Company beta"]);

        let to = client.form(&root, &format!("{path}/resume"), &[]).await.leads_to();
        client.page(&root, &to).await.shows(&["The company goes on."]);
        let twice = client.form(&root, &format!("{path}/resume"), &[]).await.leads_to();
        client.page(&root, &twice).await.shows(&["not in a state for this"]);
        let admin = client.sign_in("admin@alpha.test").await;
        client.page(&admin, "/company/audit?resource=company").await.shows(&["three bills &lt;unpaid&gt;", "Root"]);

        client.form(&root, &format!("{path}/close"), &[("reason", "asked for it"), ("confirm", "alpha")]).await.leads_to();
        let closed = client.page(&root, &path).await;
        closed.shows(&["Closed for good.", "asked for it"]);
        assert!(!closed.text.contains("/act?what="), "a closed company offers acts");
        let refused = client.form(&root, &format!("{path}/plan"), &[("plan", "growth")]).await;
        assert!([409, 422].contains(&refused.status), "{}", refused.text);
        assert_eq!(client.page(&root, &format!("{path}/edit")).await.status, 404);
        let door = client.form("", "/sign-in", &[("email", "admin@alpha.test"), ("password", PASSWORD)]).await;
        assert_eq!(door.status, 422);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_chosen_changed_and_ended_and_a_profile_edited() {
    for world in World::all().await {
        plan(&world).await;
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        let path = format!("/admin/companies/{}", world.a.id);
        let none = client.form(&root, &format!("{path}/plan"), &[("plan", "")]).await;
        assert!(none.status == 422 && none.text.contains("f-plan-e"), "{}", none.text);
        client.form(&root, &format!("{path}/plan"), &[("plan", "growth"), ("trialDays", "0"), ("graceDays", "10")]).await.leads_to();
        let page = client.page(&root, &path).await;
        page.shows(&["₹3,499.00 a month", "4 of 5", "It renews", "Not due yet", "subscribed"]);
        let ends = [("plan", "growth"), ("graceDays", "12")];
        client.form(&root, &format!("{path}/plan"), &ends).await.leads_to();
        client.page(&root, &path).await.shows(&["It ends", "<dd>12</dd>"]);
        let wrong = client.form(&root, &format!("{path}/plan"), &[("plan", "growth"), ("graceDays", "91")]).await;
        assert!(wrong.status == 422 && wrong.text.contains("f-graceDays-e"), "{}", wrong.text);

        // The plan has room for five: four are there, one comes, the next is refused.
        let invite = |email: &'static str| [("name", "Somebody"), ("email", email)];
        client.form(&root, &format!("{path}/admins"), &invite("new@alpha.test")).await.leads_to();
        let full = client.form(&root, &format!("{path}/admins"), &invite("more@alpha.test")).await;
        assert!(
            full.status == 409 && full.text.contains("no room for more") && full.text.contains("value=\"more@alpha.test\""),
            "{}",
            full.text
        );

        let refused = client.form(&root, &format!("{path}/plan/end"), &[("reason", "")]).await;
        assert!(refused.status == 422 && refused.text.contains("f-reason-e"), "{}", refused.text);
        client.form(&root, &format!("{path}/plan/end"), &[("reason", "left us")]).await.leads_to();
        client.page(&root, &path).await.shows(&["No plan", "left us", "₹3,499.00"]);

        client.page(&root, &format!("{path}/edit")).await.shows(&["value=\"Company alpha\"", "value=\"18\"", "value=\"hello@alpha.test\""]);
        let edit = |version: &'static str, zone: &'static str| {
            [
                ("version", version),
                ("name", "Alpha & Sons"),
                ("brand", "#c03a2b"),
                ("language", "en"),
                ("zone", zone),
                ("currency", "INR"),
                ("taxRate", "12"),
                ("unpaidHours", "48"),
                ("codLimit", "10,000.00"),
                ("city", "Kochi"),
                ("address.country", "in"),
            ]
        };
        let refused = client.form(&root, &format!("{path}/edit"), &edit("", "Mars")).await;
        assert!(
            refused.status == 422 && refused.text.contains("f-zone-e") && refused.text.contains("Alpha &amp; Sons"),
            "{}",
            refused.text
        );
        let stale = client.form(&root, &format!("{path}/edit"), &edit("0", "Asia/Kolkata")).await;
        assert!(stale.status == 412 && stale.text.contains("Alpha &amp; Sons"), "{}", stale.text);
        let to = client.form(&root, &format!("{path}/edit"), &edit("", "Asia/Kolkata")).await.leads_to();
        client.page(&root, &to).await.shows(&["Saved.", "Alpha &amp; Sons", "Kochi", "12%"]);
        let theirs = client.sign_in("admin@beta.test").await;
        let page = client.page(&theirs, "/company/audit").await;
        assert!(!page.text.contains("Kochi") && !page.text.contains("left us"), "the neighbour reads it");
        world.verify().await;
        world.close().await;
    }
}
