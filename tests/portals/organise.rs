//! Categories, brands and attributes on their pages.

use serde_json::json;

use crate::support::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_is_built_moved_and_taken_apart_without_losing_goods() {
    for world in World::all().await {
        let client = &world.client;
        let (admin, token) = (client.sign_in("admin@alpha.test").await, world.staff(&world.a, "admin").await);
        let list = "/company/categories";
        client.page(&admin, list).await.shows(&["No categories yet", "New category"]);
        let add = async |pairs: &[(&str, &str)]| client.form(&admin, list, pairs).await.leads_to();
        let back = add(&[("name", "Fruit"), ("translations.hi.name", "फल"), ("taxRate", "5")]).await;
        client.page(&admin, &back).await.shows(&["“Fruit” is saved.", "फल", "5%"]);
        let tree = async || client.get(&token, "/api/categories").await.expect(200)["data"].as_array().expect("a list").clone();
        let id = async |slug: &str| text(&tree().await.iter().find(|one| one["slug"] == slug).expect("a category")["id"]);
        let fruit = id("fruit").await;
        let back = add(&[("name", "Mango"), ("parentId", &fruit)]).await;
        assert!(back.starts_with(&format!("{list}?parent={fruit}")), "the next one begins below the same: {back}");
        add(&[("name", "Apple"), ("parentId", &fruit)]).await;
        add(&[("name", "Tools"), ("slug", "tools")]).await;
        client.page(&admin, list).await.shows(&["5%, from the category Fruit", "18%, the company’s rate"]);
        let order = async || -> Vec<String> {
            let page = client.page(&admin, list).await.text;
            page.split("sk-rowlink\" href=\"/company/categories/")
                .skip(1)
                .map(|rest| rest.split('>').nth(1).expect("a name").split('<').next().expect("its end").to_owned())
                .collect()
        };
        assert_eq!(order().await, ["Fruit", "Apple", "Mango", "Tools"]);
        let (mango, tools) = (id("mango").await, id("tools").await);
        client.form(&admin, &format!("{list}/{mango}/place"), &[("to", "up")]).await.leads_to();
        client.form(&admin, &format!("{list}/{mango}/place"), &[("to", "up")]).await.leads_to();
        client.form(&admin, &format!("{list}/{fruit}/place"), &[("to", "down")]).await.leads_to();
        assert_eq!(order().await, ["Tools", "Fruit", "Mango", "Apple"]);
        let slugs: Vec<_> = tree().await.iter().map(|one| text(&one["slug"])).collect();
        assert!(
            slugs.iter().position(|slug| slug == "mango") < slugs.iter().position(|slug| slug == "apple"),
            "customers see the order: {slugs:?}"
        );

        // Refusals stand at their fields, and what was typed stays.
        let refused = client.form(&admin, list, &[("name", " "), ("taxRate", "5.123"), ("slug", "kept")]).await;
        refused.shows_refused(&["#f-name", "#f-taxRate", "value=\"kept\"", "value=\"5.123\""]);
        client
            .form(&admin, list, &[("name", "Fruit again"), ("slug", "fruit")])
            .await
            .shows_refused(&["#f-slug", "Another has this address."]);
        client.form(&admin, list, &[("name", "X"), ("taxRate", "101")]).await.shows_refused(&["#f-taxRate"]);
        client.form(&admin, list, &[("name", "X"), ("parentId", &world.b.shop.to_string())]).await.shows_refused(&["#f-parentId"]);
        let page = format!("{list}/{fruit}");
        let form = [("version", "1"), ("name", "Fruits"), ("slug", "fruit"), ("translations.hi.name", "फल"), ("parentId", mango.as_str())];
        client.form(&admin, &page, &form).await.shows_refused(&["#f-parentId", "cannot lie below itself"]);
        client.form(&admin, &page, &form[..4]).await.leads_to();
        let stale = client.form(&admin, &page, &[("version", "1"), ("name", "Mine"), ("slug", "fruit")]).await;
        assert!(stale.status == 412 && stale.text.contains("value=\"Mine\""), "{}", stale.text);

        // What lay in a category that goes, lies in another one.
        let goods = format!("/api/products/{}", world.a.product);
        client.put(&token, &goods, &json!({ "categoryId": fruit })).await.expect(200);
        client.page(&admin, &page).await.shows(&["In it lie products: 1, and categories: 2."]);
        client.form(&admin, &format!("{page}/remove"), &[("into", &mango)]).await.shows_refused(&["#f-into"]);
        client.form(&admin, &format!("{page}/remove"), &[("into", &tools)]).await.leads_to();
        assert_eq!(client.get(&token, &goods).await.expect(200)["category"]["slug"], "tools");
        assert_eq!(order().await, ["Tools", "Mango", "Apple"]);
        client.form(&admin, &format!("{list}/{tools}/remove"), &[("into", "")]).await.leads_to();
        assert_eq!(client.get(&token, &goods).await.expect(200)["category"], json!(null));
        assert_eq!(client.page(&admin, &page).await.status, 404);
        client.page(&admin, &format!("{list}/export.csv")).await.shows(&["slug,name,name_hi,parent,tax_rate_percent", "mango,Mango,,,"]);
        client.page(&admin, &format!("{list}?q=man")).await.shows(&["Mango"]);
        assert_eq!(client.page(&admin, &format!("{list}?q=man")).await.text.matches("sk-rowlink").count(), 1, "the search does not narrow");

        let neighbour = client.sign_in("admin@beta.test").await;
        for path in [format!("{list}/{mango}"), format!("{list}/{mango}/remove"), format!("{list}/{mango}/place")] {
            assert_eq!(client.form(&neighbour, &path, &form[..3]).await.status, 404, "{path}");
        }
        let manager = client.sign_in("manager@alpha.test").await;
        for path in [list, "/company/brands", "/company/attributes"] {
            assert_eq!(client.page(&manager, path).await.status, 403, "{path}");
            assert_eq!(client.form(&manager, path, &[("name", "Mine")]).await.status, 403, "{path}");
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brands_and_attributes_are_kept_and_go_when_no_goods_have_them() {
    for world in World::all().await {
        let client = &world.client;
        let (admin, token) = (client.sign_in("admin@alpha.test").await, world.staff(&world.a, "admin").await);
        let added = client.form(&admin, "/company/brands", &[("name", "Nuvora <x>")]).await.leads_to();
        client.page(&admin, &added).await.shows(&["Nuvora &lt;x&gt;", "nuvora-x"]);
        client
            .form(&admin, "/company/brands", &[("name", "Other"), ("slug", "nuvora-x")])
            .await
            .shows_refused(&["#f-slug", "value=\"Other\""]);
        let brand = text(&client.get(&token, "/api/brands").await.expect(200)["data"][0]["id"]);
        let page = format!("/company/brands/{brand}");
        client.form(&admin, &page, &[("version", "1"), ("name", "Nuvora"), ("slug", "nuvora")]).await.leads_to();
        let stale = client.form(&admin, &page, &[("version", "1"), ("name", "Mine"), ("slug", "nuvora")]).await;
        assert!(stale.status == 412 && stale.text.contains("value=\"Mine\""), "{}", stale.text);
        client.put(&token, &format!("/api/products/{}", world.a.product), &json!({ "brandId": brand })).await.expect(200);
        let kept = client.form(&admin, &format!("{page}/remove"), &[]).await;
        assert!(kept.status == 409 && kept.text.contains("Products have it."), "{}", kept.text);
        client.put(&token, &format!("/api/products/{}", world.a.product), &json!({ "brandId": null })).await.expect(200);
        client.form(&admin, &format!("{page}/remove"), &[]).await.leads_to();
        client.page(&admin, "/company/brands").await.shows(&["No brands yet"]);

        let values = [("name", "Colour"), ("translations.hi.name", "रंग"), ("values", "Blue\r\n\r\nRed ")];
        client.form(&admin, "/company/attributes", &values).await.leads_to();
        client.page(&admin, "/company/attributes?q=blue").await.shows(&["Colour", "रंग", "Blue, Red"]);
        client.form(&admin, "/company/attributes", &values).await.shows_refused(&["#f-name", "There is an attribute of this name."]);
        let long = "x".repeat(81);
        client.form(&admin, "/company/attributes", &[("name", "Size"), ("values", &long)]).await.shows_refused(&["#f-values", &long]);
        let attribute = client.get(&token, "/api/attributes").await.expect(200)["data"][0].clone();
        let page = format!("/company/attributes/{}", text(&attribute["id"]));
        let shown = client.page(&admin, &page).await.text;
        let field = shown.split("name=\"value.").nth(1).and_then(|rest| rest.split('"').next()).expect("a value's field");
        let field = format!("value.{field}");
        let form = [("version", "1"), ("translations.hi.name", "रंग"), (field.as_str(), "नीला"), ("values", "Green")];
        client.form(&admin, &page, &form).await.leads_to();
        let now = client.get(&token, "/api/attributes").await.expect(200)["data"][0].clone();
        assert_eq!(now["values"][0]["translations"]["hi"]["name"], "नीला", "{now}");
        assert_eq!(now["values"].as_array().map(Vec::len), Some(3));
        assert_eq!(client.form(&admin, &page, &form).await.status, 412);
        client.page(&admin, "/company/attributes/export.csv").await.shows(&["Colour,रंग,Blue,नीला"]);
        let neighbour = client.sign_in("admin@beta.test").await;
        assert_eq!(client.page(&neighbour, &page).await.status, 404);
        assert_eq!(client.form(&neighbour, &format!("{page}/remove"), &[]).await.status, 404);
        let variant = format!("/api/products/{}/variants/{}", world.a.product, world.a.variants[0]);
        client.put(&token, &variant, &json!({ "attributes": { "Colour": "Blue" } })).await.expect(200);
        assert_eq!(client.form(&admin, &format!("{page}/remove"), &[]).await.status, 409);
        client.put(&token, &variant, &json!({ "attributes": {} })).await.expect(200);
        client.form(&admin, &format!("{page}/remove"), &[]).await.leads_to();
        world.verify().await;
        world.close().await;
    }
}
