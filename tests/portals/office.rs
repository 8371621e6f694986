//! The company's first page, its customers and its settings: who may, what is refused, and the neighbour.

use serde_json::{Value, json};

use crate::support::{Company, World, address, order, text};

async fn buy(world: &World, company: &Company, index: usize, quantity: i64) -> Value {
    let token = world.token_of(company, company.customer.clone()).await;
    let body = order(company, index, quantity, "test", Some("tok_ok"));
    world.client.post(&token, "/api/orders", &body).await.expect(201)["orders"][0].clone()
}

/// What stands in a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let field = page.split(&format!("name=\"{name}\" value=\"")).nth(1).expect("the field");
    field.split('"').next().expect("its value").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_tells_what_waits_and_what_was_sold() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        assert_eq!(client.page(&admin, "/").await.leads_to(), "/company");
        let page = client.page(&admin, "/company").await;
        page.shows(&[
            "MARKERA",
            "Nothing waits for you.",
            "Nothing was sold in these days.",
            "aria-current=\"page\"",
            "Everything is there.",
        ]);
        assert!(!page.text.contains("NaN") && !page.text.contains("href=\"\""));

        // Two are bought, one of them is taken back; the goods of the third run low.
        buy(&world, &world.a, 0, 2).await;
        let back = buy(&world, &world.a, 1, 1).await;
        buy(&world, &world.a, 2, 11).await;
        buy(&world, &world.b, 0, 1).await;
        let id = text(&back["id"]);
        client.form(&admin, &format!("/company/orders/{id}/cancel"), &[("reason", "twice")]).await.leads_to();
        let page = client.page(&admin, "/company?days=30").await;
        // 2 × ₹100.00 and 11 × ₹999.99 were sold.
        page.shows(&[
            "Orders to pack: 2",
            "Goods low or out: 1",
            "₹11,199",
            "₹5,599",
            "MARKERA goods, Size 2",
            "Best sellers",
            "Confirmed",
            "30 days",
        ]);
        assert!(!page.text.contains("MARKERB"), "a neighbour's goods are on the page");
        client.page(&admin, "/company?days=9&shop=nonsense").await.shows(&["₹11,199", "against the 7 days before"]);
        client.page(&admin, &format!("/company?shop={}", world.b.shop)).await.shows(&["All shops", "₹11,199"]);
        client.page(&admin, &format!("/company?shop={}", world.a.shop)).await.shows(&["₹11,199", &format!("&amp;shop={}", world.a.shop)]);
        client.form(&admin, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        client.page(&admin, "/company").await.shows(&["सबसे अधिक बिकने वाले", "पैक करने के ऑर्डर: 2"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_works_at_a_shop_sees_its_part_of_the_first_page() {
    for world in World::all().await {
        let client = &world.client;
        let api = world.staff(&world.a, "admin").await;
        let second = client.post(&api, "/api/shops", &json!({ "slug": "second", "name": "MARKERA second" })).await.expect(201);
        let role = json!({ "name": "Reader", "permissions": ["reports:read"] });
        let role = client.post(&api, "/api/roles", &role).await.expect(201);
        world.join(&world.a, "reader", json!([{ "role": role["id"], "shopId": second["id"] }])).await;
        buy(&world, &world.a, 0, 2).await;

        let manager = client.sign_in("manager@alpha.test").await;
        assert_eq!(client.page(&manager, "/").await.leads_to(), "/company");
        let page = client.page(&manager, "/company").await;
        page.shows(&["₹200", "Orders to pack: 1"]);
        assert!(!page.text.contains("MARKERA second") && !page.text.contains("Invitations"), "{}", page.text);
        let reader = client.sign_in("reader@alpha.test").await;
        let page = client.page(&reader, &format!("/company?shop={}", world.a.shop)).await;
        page.shows(&["Nothing was sold in these days."]);
        // Neither the orders to act on nor the stock are theirs to see.
        assert!(!page.text.contains("₹200") && !page.text.contains("to pack") && !page.text.contains("Low stock"), "{}", page.text);
        let staff = client.sign_in("staff@alpha.test").await;
        assert_eq!(client.page(&staff, "/company").await.status, 403);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_are_found_shown_changed_and_shut_out() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let one = &world.a.customer;
        let path = format!("/company/customers/{}", one.id);
        let token = world.token_of(&world.a, one.clone()).await;
        client.post(&token, "/api/auth/addresses", &address("MARKERA home", true)).await.expect(201);
        client.post(&token, "/api/wishlist/items", &json!({ "productId": world.a.product })).await.expect(201);
        let bought = buy(&world, &world.a, 0, 2).await;

        for words in ["customer%40al", "markera+cust", "98000", "%2B91+98000-00001", "9800000001"] {
            client.page(&admin, &format!("/company/customers?q={words}")).await.shows(&["customer@alpha.test", "₹200.00"]);
        }
        client.page(&admin, "/company/customers?q=97000").await.shows(&["Nothing matches"]);
        client.page(&admin, "/company/customers?group=retailer").await.shows(&["Nothing matches"]);
        let number = text(&bought["orderNumber"]);
        client.page(&admin, &path).await.shows(&[&number, "₹200", "MARKERA home", "On the wishlist", "+919800000001", "Informational"]);
        let csv = client.page(&admin, "/company/customers/export.csv").await;
        assert!(csv.text.contains("customer@alpha.test") && csv.text.contains("200.00") && !csv.text.contains("MARKERB"), "{}", csv.text);
        let json = [("cookie", admin.as_str()), ("accept", "application/json")];
        let jump = client.send("GET", "/jump?q=customer", None, None, &json).await;
        assert!(jump.text.contains(&path) && !jump.text.contains("MARKERB"), "{}", jump.text);

        let version = hidden(&client.page(&admin, &path).await.text, "version");
        let change =
            |name: &'static str, phone: &'static str, group: &'static str| [("name", name), ("phone", phone), ("customerGroup", group)];
        let with = |version: &str, change: [(&str, &str); 3]| {
            let form: Vec<_> = change.iter().copied().chain([("version", version)]).collect();
            form.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
        };
        let send = async |form: Vec<(String, String)>| {
            let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            client.form(&admin, &path, &form).await
        };
        let refused = send(with(&version, change("Priya", "not a phone", "retail"))).await;
        assert!(refused.status == 422 && refused.text.contains("value=\"not a phone\""), "{}", refused.text);
        send(with(&version, change("Priya Sharma", "+91 97000 00002", "retailer"))).await.leads_to();
        let stale = send(with(&version, change("Other", "", "retail"))).await;
        assert!(stale.status == 412 && stale.text.contains("value=\"Other\""), "{}", stale.text);
        client.page(&admin, "/company/customers?q=97000&group=retailer").await.shows(&["Priya Sharma"]);
        client.page(&admin, "/company/customers?q=98000").await.shows(&["Nothing matches"]);

        let out = client.form(&admin, &format!("{path}/ban"), &[]).await.leads_to();
        client.page(&admin, &out).await.shows(&["They are shut out.", "Let in again"]);
        client.get(&token, "/api/orders").await.refused(401, "session_ended");
        let twice = client.form(&admin, &format!("{path}/ban"), &[]).await.leads_to();
        client.page(&admin, &twice).await.shows(&["There is nothing to change"]);
        client.page(&admin, "/company/customers?state=banned").await.shows(&["Priya Sharma"]);
        client.form(&admin, &format!("{path}/unban"), &[]).await.leads_to();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shops_manager_knows_its_customers_and_a_neighbour_none() {
    for world in World::all().await {
        let client = &world.client;
        let path = format!("/company/customers/{}", world.a.customer.id);
        let manager = client.sign_in("manager@alpha.test").await;
        client.page(&manager, "/company/customers").await.shows(&["No customers yet"]);
        assert_eq!(client.page(&manager, &path).await.status, 404, "somebody who never bought at the shop is shown");
        buy(&world, &world.a, 0, 1).await;
        client.page(&manager, "/company/customers").await.shows(&["customer@alpha.test"]);
        let page = client.page(&manager, &path).await;
        page.shows(&["MARKERA customer"]);
        assert!(!page.text.contains("name=\"customerGroup\""), "a form is shown to whom it is closed");
        for act in ["", "/ban", "/unban"] {
            assert_eq!(client.form(&manager, &format!("{path}{act}"), &[("name", "x")]).await.status, 403);
        }
        let neighbour = client.sign_in("admin@beta.test").await;
        assert_eq!(client.page(&neighbour, &path).await.status, 404);
        assert_eq!(client.form(&neighbour, &format!("{path}/ban"), &[]).await.status, 404);
        let id = world.a.customer.id.to_string();
        assert_eq!(client.form(&neighbour, "/company/customers/chosen.csv", &[("ids", &id)]).await.status, 404);
        let staff = client.sign_in("staff@alpha.test").await;
        assert_eq!(client.page(&staff, "/company/customers").await.status, 403);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_saved_refused_field_by_field_and_never_lost_to_another() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let page = client.page(&admin, "/company/settings").await;
        page.shows(&["Company alpha", "value=\"18\"", "Kolkata", "Fixed, since goods have prices in it."]);
        let version = hidden(&page.text, "version");
        let form = [
            ("name", "Alpha & Sons"),
            ("description", "Since 1932"),
            ("email", "hello@alpha.test"),
            ("phone", "+91 80 1234"),
            ("line1", "1 Main Road"),
            ("city", "Bengaluru"),
            ("address.country", "in"),
            ("brand", "#AA3366"),
            ("language", "hi"),
            ("zone", "Asia/Dubai"),
            ("taxRate", "12.5"),
            ("taxIncluded", "yes"),
            ("unpaidHours", "48"),
            ("codLimit", "2,500.00"),
        ];
        let with = |version: &str, changes: &[(&'static str, &'static str)]| {
            let of =
                |name: &str, value: &str| changes.iter().find(|(other, _)| *other == name).map_or(value, |(_, value)| *value).to_owned();
            let form = form.iter().map(|(name, value)| (*name, of(name, value)));
            form.chain([("version", version.to_owned())]).collect::<Vec<_>>()
        };
        let send = async |form: Vec<(&'static str, String)>| {
            let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            client.form(&admin, "/company/settings", &form).await
        };
        let wrong = [
            ("name", " "),
            ("zone", "Mars/Olympus"),
            ("brand", "red"),
            ("taxRate", "101"),
            ("unpaidHours", "0"),
            ("address.country", "IND"),
        ];
        let refused = send(with(&version, &[("name", ""), ("taxRate", "twelve"), ("codLimit", "much")])).await;
        assert!(
            refused.status == 422 && refused.text.contains("value=\"twelve\"") && refused.text.contains("Write an amount"),
            "{}",
            refused.text
        );
        let refused = send(with(&version, &wrong[1..])).await;
        assert_eq!(refused.status, 422);
        for said in [
            "Write a time zone",
            "Choose a colour",
            "From 0 to 100 percent.",
            "From 1 to 720 hours.",
            "Two letters, such as IN.",
            "Mars&#x2F;Olympus",
        ] {
            let said = said.replace("&#x2F;", "/");
            assert!(refused.text.replace("&#x2F;", "/").contains(&said), "`{said}` is not said: {}", refused.text);
        }

        let saved = send(with(&version, &[])).await;
        assert_eq!(saved.leads_to(), "/company/settings?said=flash.saved");
        client.page(&admin, "/company/settings").await.shows(&[
            "Alpha &amp; Sons",
            "value=\"12.50\"",
            "value=\"2500.00\"",
            "brand.css?v=2",
        ]);
        client.page(&admin, "/company/brand.css").await.shows(&["--sk-brand: #aa3366"]);

        // Somebody saved meanwhile: what was typed stays, what is kept stands beside it, and saving again works.
        let stale = send(with(&version, &[("name", "Alpha Brothers")])).await;
        assert_eq!(stale.status, 412);
        assert!(stale.text.contains("value=\"Alpha Brothers\"") && stale.text.contains("What is kept now"), "{}", stale.text);
        let now = hidden(&stale.text, "version");
        send(with(&now, &[("name", "Alpha Brothers")])).await.leads_to();
        let fixed: Vec<_> = with("3", &[]).into_iter().chain([("currency", "USD".to_owned())]).collect();
        let fixed = send(fixed).await;
        assert!(fixed.status == 409 && fixed.text.contains("The currency cannot change any more"), "{}", fixed.text);

        for who in ["manager@alpha.test", "staff@alpha.test"] {
            let cookie = client.sign_in(who).await;
            assert_eq!(client.page(&cookie, "/company/settings").await.status, 403);
            assert_eq!(client.form(&cookie, "/company/settings", &[("name", "mine")]).await.status, 403);
        }
        let neighbour = client.sign_in("admin@beta.test").await;
        client.page(&neighbour, "/company/settings").await.shows(&["Company beta", "Kolkata"]);
        world.verify().await;
        world.close().await;
    }
}

/// The tables and columns of the database in which a text stands.
async fn places(world: &World, text: &str) -> Vec<String> {
    let platform = world.souk.platform("verify").await.expect("the platform");
    let columns = if world.is_postgres() {
        "SELECT c.relname AS place, a.attname AS part FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND has_table_privilege(c.oid, 'SELECT')"
    } else {
        "SELECT m.name AS place, p.name AS part FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
    };
    let mut found = Vec::new();
    for row in platform.ask(columns, vec![]).await.expect("the columns") {
        let (place, part): (String, String) = (row.try_get("", "place").expect("a table"), row.try_get("", "part").expect("a column"));
        let ask = format!("SELECT COUNT(*) AS many FROM \"{place}\" WHERE CAST(\"{part}\" AS text) LIKE '%{text}%'");
        let many: i64 =
            platform.ask(&ask, vec![]).await.unwrap_or_else(|error| panic!("{ask}: {error}"))[0].try_get("", "many").expect("a count");
        if many > 0 {
            found.push(format!("{place}.{part}"));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_customer_is_in_no_table_and_the_books_stay_whole() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        // Somebody with a name that nobody else has, and traces everywhere.
        let new =
            json!({ "email": "zubeida@alpha.test", "password": "a-test-of-words-43", "name": "Zubeida Quill", "phone": "+91 91234 56789" });
        let made = client.call("POST", "/api/auth/register", None, Some("alpha"), Some(&new), &[]).await.expect(201);
        let (token, id) = (text(&made["accessToken"]), text(&made["user"]["id"]));
        let path = format!("/company/customers/{id}");
        client.post(&token, "/api/auth/addresses", &address("Zubeida Quill", true)).await.expect(201);
        client.post(&token, "/api/wishlist/items", &json!({ "productId": world.a.product })).await.expect(201);
        let mut body = order(&world.a, 0, 2, "test", Some("tok_ok"));
        body["shippingAddress"]["name"] = json!("Zubeida Quill");
        body["notes"] = json!("Ring for Zubeida");
        let keyed = [("idempotency-key", "once")];
        let bought = client.call("POST", "/api/orders", Some(&token), None, Some(&body), &keyed).await.expect(201)["orders"][0].clone();
        client.put(&token, &format!("/api/users/{id}"), &json!({ "name": "Zubeida Q. Quill" })).await.expect(200);
        for _ in 0..4 {
            souk::workers::turn(&world.souk).await.expect("a turn");
        }
        assert!(places(&world, "Zubeida").await.len() > 6, "there is nothing to erase");

        let known = client.form(&admin, &format!("{path}/personal.json"), &[]).await;
        assert_eq!(known.status, 200);
        assert_eq!((&known.body["profile"]["email"], &known.body["orders"][0]["id"]), (&json!("zubeida@alpha.test"), &bought["id"]));
        assert_eq!(known.body["addresses"][0]["address"]["name"], "Zubeida Quill");

        let erase = async |email: &str| client.form(&admin, &format!("{path}/forget"), &[("confirmEmail", email)]).await;
        let refused = erase("somebody@alpha.test").await;
        assert!(refused.status == 422 && refused.text.contains("That is not the same."), "{}", refused.text);
        let refused = erase("zubeida@alpha.test").await;
        assert!(refused.status == 409 && refused.text.contains("are under way"), "{}", refused.text);
        let number = text(&bought["id"]);
        client.form(&admin, &format!("/company/orders/{number}/cancel"), &[("reason", "moved away")]).await.leads_to();
        for cookie in [client.sign_in("manager@alpha.test").await, client.sign_in("admin@beta.test").await] {
            let refused = client.form(&cookie, &format!("{path}/forget"), &[("confirmEmail", "zubeida@alpha.test")]).await;
            assert!([403, 404].contains(&refused.status), "{}", refused.status);
        }
        for _ in 0..4 {
            souk::workers::turn(&world.souk).await.expect("a turn");
        }
        let done = erase("zubeida@alpha.test").await.leads_to();
        client.page(&admin, &done).await.shows(&["Their personal data is erased.", "Erased customer"]);
        client.get(&token, "/api/orders").await.refused(401, "session_ended");
        assert_eq!(erase(&format!("{id}@erased.invalid")).await.status, 409, "somebody was erased twice");

        for trace in ["Zubeida", "zubeida@", "12 Lake View", "91234"] {
            assert!(places(&world, trace).await.is_empty(), "{trace} is still in {:?}", places(&world, trace).await);
        }
        client.page(&admin, &format!("/company/orders/{number}")).await.shows(&["Erased customer", "₹200.00"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_company_says_by_which_ways_messages_go_to_whoever_has_not() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let path = "/company/settings/messages";
        let kept = |page: &str, name: &str| {
            let tag = page.split("<input ").find(|tag| tag.contains(&format!("name=\"{name}\""))).expect("a box");
            tag.split('>').next().expect("its end").contains(" checked")
        };
        assert!(!kept(&client.page(&admin, "/company/settings").await.text, "important.sms"));
        // Somebody who has chosen keeps their choice; for everybody else the company's word holds.
        let chosen = world.customer(&world.a, "chosen@alpha.test").await;
        let choice = json!({ "important": { "email": false } });
        client.put(&chosen, "/api/notifications/preferences", &choice).await.expect(200);

        let refused = client.form(&admin, path, &[("important.sms", "on")]).await.leads_to();
        client.page(&admin, &refused).await.shows(&["Critical messages go by e-mail or SMS at least."]);
        let wanted = [("critical.email", "on"), ("important.email", "on"), ("important.sms", "on")];
        let saved = client.form(&admin, path, &wanted).await.leads_to();
        assert_eq!(saved, "/company/settings?said=flash.saved");
        client.form(&admin, path, &wanted).await.leads_to();
        let page = client.page(&admin, "/company/settings").await.text;
        assert_eq!(
            ["critical.email", "critical.sms", "important.sms", "important.in_app"].map(|name| kept(&page, name)),
            [true, false, true, true]
        );

        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        let theirs = client.get(&token, "/api/notifications/preferences").await.expect(200);
        assert_eq!((&theirs["important"]["sms"], &theirs["important"]["email"]), (&json!(true), &json!(true)), "{theirs}");
        let kept = client.get(&chosen, "/api/notifications/preferences").await.expect(200);
        assert_eq!((&kept["important"]["sms"], &kept["important"]["email"]), (&json!(true), &json!(false)), "{kept}");
        let neighbour = world.token_of(&world.b, world.b.customer.clone()).await;
        let other = client.get(&neighbour, "/api/notifications/preferences").await.expect(200);
        assert_eq!(other["important"]["sms"], false, "{other}");
        let manager = client.sign_in("manager@alpha.test").await;
        assert_eq!(client.form(&manager, path, &[("critical.email", "on")]).await.status, 403);
        world.verify().await;
        world.close().await;
    }
}
