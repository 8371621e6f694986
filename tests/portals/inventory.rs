//! Stock at the desk: who sees which place, what is found, and what an act does once.

use sea_orm::prelude::Uuid;
use serde_json::json;
use souk::{ids::StockId, tenancy::Tenant};

use crate::support::{Answer, Company, STOCK, World, order, text};

const LIST: &str = "/company/inventory";

/// The stock row of a company's variant at its first shop.
async fn row(world: &World, company: &Company, index: usize) -> StockId {
    let scope = world.souk.read(Tenant::system(company.id)).await.expect("a scope");
    let rows = souk::models::inventory::of_variant(&scope, company.variants[index]).await.expect("stock");
    rows.iter().find(|row| row.location_id == company.location).expect("its row").id
}

/// Asserts that a refused page says something.
#[track_caller]
fn says(answer: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(answer.text.contains(text), "`{text}` is not on the page:\n{}", answer.text);
    }
}

/// A second shop of company A with goods of its own row.
async fn sister(world: &World) -> StockId {
    let admin = world.staff(&world.a, "admin").await;
    let shop = world.client.post(&admin, "/api/shops", &json!({ "slug": "sister", "name": "SISTER shop" })).await.expect(201);
    let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
    let place = souk::models::inventory::location_of_shop(&scope, text(&shop["id"]).parse().expect("an id")).await.expect("its place");
    souk::models::inventory::put_away(&scope, world.a.variants[0], &place, 40, 5).await.expect("stock");
    let rows = souk::models::inventory::of_variant(&scope, world.a.variants[0]).await.expect("stock");
    let id = rows.iter().find(|row| row.location_id == place.id).expect("its row").id;
    scope.commit().await.expect("kept");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_is_found_filtered_and_exported_at_the_places_one_sees() {
    for world in World::all().await {
        let client = &world.client;
        let sister = sister(&world).await;
        let admin = client.sign_in("admin@alpha.test").await;
        let all = client.page(&admin, LIST).await;
        all.shows(&["MARKERA shop", "SISTER shop", "MARKERA goods, Size 0", "ALPHA-1", "/company/inventory/movements"]);
        assert!(!all.text.contains("MARKERB"), "a neighbour's stock is shown");
        let coded = client.page(&admin, &format!("{LIST}?q=alpha-1")).await;
        coded.shows(&["MARKERA goods, Size 1", "sk-chip"]);
        assert_eq!(coded.text.matches("<tr id=\"stock-").count(), 1, "the code did not narrow");
        client.page(&admin, &format!("{LIST}?q=goo")).await.shows(&["Size 0", "Size 1", "Size 2"]);
        client.page(&admin, &format!("{LIST}?q=nothing")).await.shows(&["Nothing matches “nothing”"]);
        let here = client.page(&admin, &format!("{LIST}?place={}", world.a.location)).await;
        assert!(!here.text.contains(&format!("id=\"stock-{sister}\"")), "the place did not narrow");
        assert!(client.page(&admin, &format!("{LIST}?level=low")).await.text.contains("sk-empty"));

        let csv = client.page(&admin, &format!("{LIST}/export.csv?q=alpha-0")).await;
        csv.shows(&["place,sku,barcode,name,unit,on_hand", "SISTER shop,ALPHA-0", ",piece,40,0,40,5,in,"]);
        assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);
        let id = sister.to_string();
        let csv = client.form(&admin, &format!("{LIST}/chosen.csv"), &[("ids", id.as_str())]).await;
        assert_eq!(csv.text.lines().count(), 2, "{}", csv.text);

        // Whoever works at one shop sees that shop, by whichever way.
        for person in ["manager@alpha.test", "staff@alpha.test"] {
            let cookie = client.sign_in(person).await;
            let list = client.page(&cookie, LIST).await;
            list.shows(&["MARKERA shop"]);
            assert!(!list.text.contains("SISTER"), "{person} sees another shop's stock");
            assert_eq!(client.page(&cookie, &format!("{LIST}/{sister}")).await.status, 404);
            assert_eq!(client.page(&cookie, &format!("{LIST}/movements?stock={sister}")).await.status, 404);
            assert!(!client.page(&cookie, &format!("{LIST}/movements")).await.text.contains("SISTER"));
            assert_eq!(client.form(&cookie, &format!("{LIST}/chosen.csv"), &[("ids", id.as_str())]).await.status, 404);
            assert!(!client.page(&cookie, &format!("{LIST}/export.csv")).await.text.contains("SISTER"));
        }
        let rider = client.sign_in("rider@alpha.test").await;
        assert_eq!(client.page(&rider, LIST).await.status, 403);
        let neighbour = client.sign_in("admin@beta.test").await;
        assert_eq!(client.page(&neighbour, &format!("{LIST}/{sister}")).await.status, 404);
        assert_eq!(client.form(&neighbour, &format!("{LIST}/{sister}/receive"), &[("quantity", "5")]).await.status, 404);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_on_a_row_has_its_effect_once_and_a_refused_one_keeps_what_was_typed() {
    for world in World::all().await {
        let client = &world.client;
        let path = format!("{LIST}/{}", row(&world, &world.a, 0).await);
        let manager = client.sign_in("manager@alpha.test").await;
        let page = client.page(&manager, &format!("{path}?act=adjust")).await;
        page.shows(&["MARKERA goods, Size 0", "Low at or below", "name=\"once\"", "opening stock"]);
        let once = Uuid::now_v7().to_string();
        let form = [("once", once.as_str()), ("quantity", "7"), ("note", "DN-4")];
        for _ in 0..3 {
            let to = client.form(&manager, &format!("{path}/receive"), &form).await.leads_to();
            assert_eq!(to, format!("{path}?said=flash.stock_receive"));
        }
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] + 7, 0), "one form had several effects");
        // The same page sent again with another quantity is another wish.
        let form = [("once", once.as_str()), ("quantity", "3"), ("note", "DN-4")];
        client.form(&manager, &format!("{path}/receive"), &form).await.leads_to();
        assert_eq!(world.stock(&world.a, 0).await, (STOCK[0] + 10, 0));

        let refused =
            client.form(&manager, &format!("{path}/adjust"), &[("quantity", "4"), ("operation", "subtract"), ("note", " ")]).await;
        assert_eq!(refused.status, 422);
        says(&refused, &["aria-invalid=\"true\"", "value=\"4\"", "value=\"subtract\" selected"]);
        let adjust = [("quantity", "4"), ("operation", "subtract"), ("note", "broken on the way")];
        client.form(&manager, &format!("{path}/adjust"), &adjust).await.leads_to();
        client.form(&manager, &format!("{path}/waste"), &[("quantity", "1"), ("note", "spoiled")]).await.leads_to();
        let refused = client.form(&manager, &format!("{path}/waste"), &[("quantity", "100000"), ("note", "spoiled")]).await;
        assert_eq!(refused.status, 409);
        says(&refused, &["There is not enough in stock.", "value=\"100000\""]);
        client.form(&manager, &format!("{path}/count"), &[("quantity", "90"), ("note", "")]).await.leads_to();
        assert_eq!(world.stock(&world.a, 0).await, (90, 0));

        let moves = client.page(&manager, &format!("{LIST}/movements?kind=adjustment&q=broken")).await;
        moves.shows(&["broken on the way", "MARKERA manager", "−4"]);
        assert!(!moves.text.contains("opening stock"), "the filter did not narrow");
        client.page(&manager, &format!("{LIST}/movements?user=manager@alpha.test&goods=alpha-0")).await.shows(&["DN-4"]);
        client.page(&manager, &format!("{LIST}/movements?user=nobody@alpha.test")).await.shows(&["Nothing matches"]);
        let csv = client.page(&manager, &format!("{LIST}/movements/export.csv?kind=waste")).await;
        csv.shows(&["waste,spoiled,-1", "MARKERA manager"]);
        assert_eq!(csv.text.lines().count(), 2, "{}", csv.text);

        // Staff receive and count; what only a manager may do is neither offered nor done.
        let staff = client.sign_in("staff@alpha.test").await;
        let page = client.page(&staff, &path).await;
        assert!(!page.text.contains("act=waste") && !page.text.contains("Low at or below"), "staff are offered a manager's act");
        assert_eq!(client.form(&staff, &format!("{path}/receive"), &[("quantity", "1"), ("note", "")]).await.status, 303);
        for act in ["waste", "adjust", "threshold"] {
            assert_eq!(client.form(&staff, &format!("{path}/{act}"), &[("quantity", "1"), ("note", "x")]).await.status, 403, "{act}");
        }
        assert_eq!(world.stock(&world.a, 0).await, (91, 0));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_follow_the_threshold_and_somebody_takes_care() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let (one, two) = (row(&world, &world.a, 0).await.to_string(), row(&world, &world.a, 1).await.to_string());
        let theirs = row(&world, &world.b, 0).await.to_string();
        let bulk = |threshold: &'static str| {
            [("ids", one.clone()), ("ids", two.clone()), ("ids", theirs.clone()), ("threshold", threshold.into())]
        };
        let send = async |threshold| {
            let pairs = bulk(threshold);
            let pairs: Vec<_> = pairs.iter().map(|(name, value): &(&str, String)| (*name, value.as_str())).collect();
            client.form(&admin, &format!("{LIST}/thresholds"), &pairs).await.leads_to()
        };
        client.page(&admin, &send("").await).await.shows(&["Write a threshold first."]);
        client.page(&admin, &send("-4").await).await.shows(&["tone-bad"]);
        // The neighbour's row is refused, the others are set.
        client.page(&admin, &send("100000").await).await.shows(&["Alert set: 2.", "tone-warn"]);
        let b = world.souk.read(Tenant::system(world.b.id)).await.expect("a scope");
        let untouched = souk::models::inventory::row(&b, theirs.parse().expect("an id")).await.expect("theirs");
        assert_eq!(untouched.reorder_point, 2);
        drop(b);

        client.page(&admin, &format!("{LIST}?level=low")).await.shows(&["Size 0", "Size 1"]);
        let alerts = client.page(&admin, &format!("{LIST}/alerts")).await;
        alerts.shows(&["Size 0", "I take care"]);
        let id = alerts.text.split("/alerts/").filter_map(|rest| rest.split_once("/acknowledge")).map(|(id, _)| id.to_owned()).next();
        let seen = format!("{LIST}/alerts/{}/acknowledge", id.expect("an alert"));
        let neighbour = client.sign_in("admin@beta.test").await;
        assert_eq!(client.form(&neighbour, &seen, &[]).await.status, 404);
        let rider = client.sign_in("rider@alpha.test").await;
        assert_eq!(client.form(&rider, &seen, &[]).await.status, 403);
        for _ in 0..2 {
            assert_eq!(client.form(&admin, &seen, &[]).await.leads_to(), format!("{LIST}/alerts?said=flash.alert_seen"));
        }
        client.page(&admin, &format!("{LIST}/alerts?state=open")).await.shows(&["MARKERA admin"]);
        assert_eq!(client.page(&admin, &format!("{LIST}/alerts/export.csv?state=all")).await.text.lines().count(), 3);

        // One row's own form knows when somebody else was faster.
        let path = format!("{LIST}/{one}/threshold");
        let stale = client.form(&admin, &path, &[("threshold", "5"), ("version", "1")]).await;
        assert_eq!(stale.status, 412);
        says(&stale, &["Someone else changed this meanwhile", "value=\"5\""]);
        let page = client.page(&admin, &format!("{LIST}/{one}")).await;
        let version = page.text.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version");
        let to = client.form(&admin, &path, &[("threshold", "5"), ("version", version)]).await.leads_to();
        client.page(&admin, &to).await.shows(&["The alert is set.", "alert at 5"]);
        client.page(&admin, &format!("{LIST}/alerts?state=closed")).await.shows(&["Size 0", "back since"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_in_the_movements_and_goods_are_jumped_to() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        let placed = client.post(&token, "/api/orders", &order(&world.a, 0, 2, "test", Some("tok_ok"))).await.expect(201);
        let admin = client.sign_in("admin@alpha.test").await;
        let id = text(&placed["orders"][0]["id"]);
        client.page(&admin, &format!("{LIST}/movements?kind=sale")).await.shows(&["−2", &format!("/company/orders/{id}")]);
        let json = [("cookie", admin.as_str()), ("accept", "application/json")];
        let found = client.send("GET", "/jump?q=alpha-0&from=/company/inventory", None, None, &json).await;
        found.shows(&["MARKERA goods, Size 0, MARKERA shop", &format!("/company/inventory/{}", row(&world, &world.a, 0).await)]);
        let neighbour = client.sign_in("admin@beta.test").await;
        let json = [("cookie", neighbour.as_str()), ("accept", "application/json")];
        let found = client.send("GET", "/jump?q=alpha-0&from=/company/inventory", None, None, &json).await;
        assert!(!found.text.contains("MARKERA"), "{}", found.text);
        world.verify().await;
        world.close().await;
    }
}
