//! Names in other languages, beside the one that the company wrote.

use serde_json::{Value, json};

use crate::support::{World, text};

/// What has a name of its own: what the audit calls it, where it is made, with what, and where its names
/// lie in the answer.
fn things() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let variant = json!({ "sku": "T-1", "price": 100, "name": "Large" });
    vec![
        ("brand", "/api/brands", json!({ "name": "Orbiq" }), ""),
        ("shop", "/api/shops", json!({ "name": "Second", "slug": "second" }), ""),
        ("role", "/api/roles", json!({ "name": "Keeper", "permissions": ["orders:read"] }), ""),
        ("category", "/api/categories", json!({ "name": "Fruit" }), ""),
        ("variant", "/api/products", json!({ "name": "Mango", "variants": [variant] }), "variants"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_read_has_its_names_in_other_languages() {
    let both = json!({ "hi": { "name": "नाम" }, "de": { "name": "Name" } });
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        for (kind, path, mut new, below) in things() {
            let place = |thing: &mut Value, names: &Value| match below {
                "" => thing["translations"] = names.clone(),
                _ => thing[below][0]["translations"] = names.clone(),
            };
            place(&mut new, &json!({ "a language": { "name": "x" } }));
            let wrong = client.post(&admin, path, &new).await.expect(422);
            let field = text(&wrong["errors"][0]["field"]);
            assert!(field.ends_with("translations.a language") && field.starts_with(below), "{path}: {wrong}");
            place(&mut new, &both);
            let made = client.post(&admin, path, &new).await.expect(201);
            let thing = if below.is_empty() { &made } else { &made[below][0] };
            assert_eq!(thing["translations"], both, "{path}: {made}");
            let whole = format!("{path}/{}", text(&made["id"]));
            let one = if below.is_empty() { whole.clone() } else { format!("{whole}/{below}/{}", text(&thing["id"])) };
            let hindi = json!({ "translations": { "hi": { "name": "नया" } } });
            client.put(&admin, &one, &hindi).await.expect(200);
            let entries = client.get(&admin, &format!("/api/audit/resource/{kind}/{}", text(&thing["id"]))).await.expect(200);
            assert!(entries["data"][0]["changes"].to_string().contains("translations"), "{path}: {entries}");
            client.put(&admin, &one, &json!({ "translations": { "hi": { "name": "x".repeat(201) } } })).await.wrong("too_long");
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_has_its_names_too() {
    for world in World::all().await {
        let root = world.client.login("alpha", "root@souk.test").await;
        let plan = json!({
            "code": "growth", "name": "Growth", "price": 100, "currency": "INR", "period": "month",
            "translations": { "hi": { "name": "विकास" } },
        });
        let plan = world.client.post(&root, "/api/companies/plans", &plan).await.expect(201);
        assert_eq!(plan["translations"]["hi"]["name"], "विकास");
        let path = format!("/api/companies/plans/{}", text(&plan["id"]));
        let after = world.client.put(&root, &path, &json!({ "translations": {} })).await.expect(200);
        assert_eq!(after["translations"], json!({}));
        world.client.put(&root, &path, &json!({ "translations": { "x": {} } })).await.wrong("invalid");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_changes_the_name_in_hindi_and_keeps_the_other_languages() {
    for world in World::all().await {
        let client = &world.client;
        let (desk, admin) = (client.sign_in("admin@alpha.test").await, world.staff(&world.a, "admin").await);
        let names = json!({ "de": { "name": "Eins" } });
        let brand = client.post(&admin, "/api/brands", &json!({ "name": "Orbiq", "translations": names })).await.expect(201);
        let page = format!("/company/brands/{}", text(&brand["id"]));
        let form = [("version", "1"), ("name", "Orbiq"), ("slug", "orbiq"), ("translations.hi.name", "ऑर्बिक")];
        client.form(&desk, &page, &form).await.leads_to();
        client.page(&desk, &page).await.shows(&["value=\"ऑर्बिक\""]);
        client.page(&desk, "/company/brands?q=ऑर्बिक").await.shows(&["Orbiq"]);

        let role = json!({ "name": "Keeper", "permissions": ["orders:read"], "translations": names });
        let role = client.post(&admin, "/api/roles", &role).await.expect(201);
        let page = format!("/company/roles/{}", text(&role["id"]));
        let form = [("version", "1"), ("name", "Keeper"), ("translations.hi.name", "रखवाला"), ("permissions", "orders:read")];
        client.form(&desk, &page, &form).await.leads_to();
        let hindi = format!("{desk}; souk_language=hi");
        client.page(&hindi, &page).await.shows(&["value=\"रखवाला\""]);

        let shop = format!("/company/shops/{}", world.a.shop);
        let form = [
            ("version", "1"),
            ("name", "Alpha"),
            ("translations.hi.name", "अल्फ़ा"),
            ("kind", "store"),
            ("zone", "Asia/Kolkata"),
            ("country", "IN"),
        ];
        client.form(&desk, &shop, &form).await.leads_to();
        let kept =
            |thing: &Value, hindi: &str| assert_eq!(thing["translations"], json!({ "de": { "name": "Eins" }, "hi": { "name": hindi } }));
        let brands = client.get(&admin, "/api/brands").await.expect(200);
        kept(&brands["data"][0], "ऑर्बिक");
        kept(&client.get(&admin, &format!("/api/roles/{}", text(&role["id"]))).await.expect(200), "रखवाला");
        let shop = client.get(&admin, &format!("/api/shops/{}", world.a.shop)).await.expect(200);
        assert_eq!(shop["translations"], json!({ "hi": { "name": "अल्फ़ा" } }));
        world.verify().await;
        world.close().await;
    }
}
