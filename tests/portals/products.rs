//! The company's goods on its pages: who sees which, what is done with several, and the editor.

use serde_json::json;

use crate::support::{Answer, World, png, text};

/// A second shop of company A with a manager of its own, and a draft and an offer that are its alone.
struct Sister {
    shop: String,
    draft: String,
    offer: String,
    manager: String,
}

async fn sister(world: &World) -> Sister {
    let client = &world.client;
    let admin = world.staff(&world.a, "admin").await;
    let shop = text(&client.post(&admin, "/api/shops", &json!({ "slug": "second", "name": "Second shop" })).await.expect(201)["id"]);
    let make = async |name: &str, sku: &str, is_active: bool| {
        let body = json!({
            "name": name, "shopId": shop, "isActive": is_active, "variants": [{ "sku": sku, "price": 4_200, "cost": 777 }],
        });
        text(&client.post(&admin, "/api/products", &body).await.expect(201)["id"])
    };
    let (draft, offer) = (make("Secret sister draft", "SIS-1", false).await, make("Sister offer", "SIS-2", true).await);
    let (_, manager) = world.join(&world.a, "sister", json!([{ "role": "shop_manager", "shopId": shop }])).await;
    Sister { shop, draft, offer, manager }
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_and_costs_of_a_sister_shop_stay_there() {
    for world in World::all().await {
        let client = &world.client;
        let sister = sister(&world).await;
        let manager = world.staff(&world.a, "manager").await;
        let role = json!({ "name": "Writes here, reads there", "permissions": ["products:write", "products:update"] });
        let admin = world.staff(&world.a, "admin").await;
        let role = client.post(&admin, "/api/roles", &role).await.expect(201);
        let places = json!([{ "role": role["id"], "shopId": world.a.shop }, { "role": "rider", "shopId": sister.shop }]);
        let (_, split) = world.join(&world.a, "split", places).await;
        for token in [&manager, &world.staff(&world.a, "staff").await, &split] {
            client.get(token, &format!("/api/products/{}", sister.draft)).await.refused(404, "not_found");
            for query in ["status=inactive", "status=all", "status=all&q=secret", "status=all&facets=true"] {
                let list = client.get(token, &format!("/api/products?{query}&limit=100")).await.expect(200);
                assert!(!list.to_string().contains("Secret sister"), "{query}: {list}");
            }
            // What is on sale is everybody's, but not what it cost.
            for path in
                [format!("/api/products/{}", sister.offer), "/api/products?q=sister".into(), "/api/products?status=all&q=sister".into()]
            {
                let seen = client.get(token, &path).await.expect(200).to_string();
                assert!(seen.contains("Sister offer") && !seen.contains("\"cost\""), "{path}: {seen}");
            }
        }
        let own = client.get(&manager, &format!("/api/products/{}", world.a.product)).await.expect(200);
        assert_eq!(own["variants"][0]["cost"], 5_000, "of what all shops sell, each manager knows the cost");
        for token in [&sister.manager, &admin] {
            let draft = client.get(token, &format!("/api/products/{}", sister.draft)).await.expect(200);
            assert_eq!(draft["variants"][0]["cost"], 777);
            let list = client.get(token, "/api/products?status=inactive").await.expect(200);
            assert!(list.to_string().contains("Secret sister"), "{list}");
        }
        client.delete(&admin, &format!("/api/products/{}", sister.offer)).await.expect(204);
        let gone = client.get(&manager, "/api/products?status=archived").await.expect(200);
        assert_eq!(gone["data"], json!([]), "what a sister shop archived is its own matter");
        assert_eq!(client.get(&admin, "/api/products?status=archived").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_finds_goods_by_name_code_and_stock_for_those_who_write_them() {
    for world in World::all().await {
        let client = &world.client;
        let sister = sister(&world).await;
        let admin = client.sign_in("admin@alpha.test").await;
        let token = world.staff(&world.a, "admin").await;
        let variant = format!("/api/products/{}/variants/{}", world.a.product, world.a.variants[0]);
        client.put(&token, &variant, &json!({ "barcode": "8906120010108" })).await.expect(200);
        let page = async |cookie: &str, query: &str| client.page(cookie, &format!("/company/products?{query}")).await;

        page(&admin, "").await.shows(&["MARKERA goods", "MARKERA more", "Secret sister draft", "only at Second shop", "3 variants", "162"]);
        for words in ["alpha-2", "8906120010108", "marker goo"] {
            let found = page(&admin, &format!("q={words}")).await;
            found.shows(&["MARKERA goods"]);
            assert!(!found.text.contains("MARKERA more"), "{words} does not narrow");
        }
        let rows = |text: &str| text.matches("id=\"product-").count();
        for (query, expected) in [
            ("status=active", 3),
            ("status=draft", 1),
            ("status=archived", 0),
            ("stock=in", 1),
            ("stock=out", 3),
            ("stock=low", 0),
            ("sort=name", 4),
            ("sort=-price&status=active", 3),
            (&format!("shop={}", sister.shop), 4),
        ] {
            let found = page(&admin, query).await;
            assert_eq!((found.status, rows(&found.text)), (200, expected), "{query}: {}", found.text);
        }
        let low = json!({ "locationId": world.a.location, "reorderPoint": 1_000 });
        client.put(&token, &format!("/api/inventory/{}/reorder-point", world.a.variants[2]), &low).await.expect(200);
        page(&admin, "stock=low").await.shows(&["MARKERA goods", "Low"]);

        let manager = client.sign_in("manager@alpha.test").await;
        let seen = page(&manager, "").await;
        seen.shows(&["MARKERA goods"]);
        assert!(!seen.text.contains("ister"), "a sister shop's goods are listed: {}", seen.text);
        let found = client.send("GET", "/jump?q=secret", None, None, &[("cookie", manager.as_str()), ("accept", "application/json")]).await;
        assert!(!found.text.contains("Secret"), "{}", found.text);
        assert_eq!(page(&client.sign_in("rider@alpha.test").await, "").await.status, 403);
        let neighbour = page(&client.sign_in("admin@beta.test").await, "").await;
        neighbour.shows(&["MARKERB goods"]);
        assert!(!neighbour.text.contains("MARKERA"));

        let csv = client.page(&admin, "/company/products/export.csv?status=active&q=goods").await;
        csv.shows(&["product,slug,status", "ALPHA-0,8906120010108,Size 0,unit,INR,100.00,,50.00,100"]);
        assert_eq!(csv.text.lines().count(), 4, "{}", csv.text);
        let csv = client.page(&client.sign_in("staff@alpha.test").await, "/company/products/export.csv").await;
        assert!(csv.text.contains("100.00,,,100") && !csv.text.contains("50.00"), "who may not write prices knows no cost: {}", csv.text);

        client.form(&admin, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        page(&admin, "").await.shows(&["उत्पाद", "बिक्री पर", "मसौदा"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_published_moved_archived_and_put_back_at_once() {
    for world in World::all().await {
        let client = &world.client;
        let sister = sister(&world).await;
        let (admin, manager) = (client.sign_in("admin@alpha.test").await, client.sign_in("manager@alpha.test").await);
        let token = world.staff(&world.a, "admin").await;
        let category = text(&client.post(&token, "/api/categories", &json!({ "name": "Things" })).await.expect(201)["id"]);
        let (goods, theirs) = (world.a.product.to_string(), world.b.product.to_string());
        let act = async |cookie: &str, act: &str, more: &[(&str, &str)], ids: &[&str]| {
            let pairs: Vec<_> = more.iter().copied().chain(ids.iter().map(|id| ("ids", *id))).collect();
            let back = client.form(cookie, &format!("/company/products/{act}"), &pairs).await.leads_to();
            client.page(cookie, &back).await
        };
        let seen = async |id: &str| client.get(&token, &format!("/api/products/{id}")).await;

        act(&admin, "publish", &[], &[&sister.draft, &goods]).await.shows(&["On sale now: 2."]);
        assert_eq!(seen(&sister.draft).await.expect(200)["isActive"], true);
        act(&admin, "hide", &[], &[&sister.draft]).await.shows(&["Off sale now: 1."]);
        act(&admin, "category", &[("category", &category)], &[&goods, &sister.offer]).await.shows(&["Moved: 2."]);
        assert_eq!(seen(&goods).await.expect(200)["category"]["name"], "Things");
        client.page(&admin, "/company/products?category=things").await.shows(&["MARKERA goods", "Sister offer"]);
        act(&admin, "category", &[("category", "")], &[&goods]).await.shows(&["Moved: 1."]);
        assert_eq!(seen(&goods).await.expect(200)["category"], json!(null));
        act(&admin, "category", &[("category", &theirs)], &[&goods]).await.shows(&[
            "Moved: 0.",
            "MARKERA goods:",
            "There is no such choice.",
        ]);

        // The company's own goods and a sister shop's are not a shop manager's; nor is a neighbour's anybody's.
        let refused = act(&manager, "archive", &[], &[&goods, &sister.offer]).await;
        refused.shows(&["Archived: 0.", "MARKERA goods: Not yours to change"]);
        assert!(!refused.text.contains("Sister offer"), "a refusal names what may not be seen");
        let refused = act(&admin, "archive", &[], &[&theirs]).await;
        refused.shows(&["Archived: 0."]);
        assert!(!refused.text.contains("MARKERB"));
        let chosen = client.form(&admin, "/company/products/chosen.csv", &[("ids", &theirs)]).await;
        assert_eq!(chosen.status, 404, "a neighbour's row was exported");
        client.form(&admin, "/company/products/chosen.csv", &[("ids", &goods)]).await.shows(&["ALPHA-0"]);
        let staff = client.sign_in("staff@alpha.test").await;
        assert_eq!(client.form(&staff, "/company/products/archive", &[("ids", &goods)]).await.status, 403);

        act(&admin, "archive", &[], &[&goods]).await.shows(&["Archived: 1."]);
        seen(&goods).await.refused(404, "not_found");
        client.page(&admin, "/company/products?status=archived").await.shows(&["MARKERA goods", "Put back"]);
        act(&admin, "restore", &[], &[&goods]).await.shows(&["Put back: 1."]);
        seen(&goods).await.expect(200);
        world.verify().await;
        world.close().await;
    }
}

/// What stands in a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let tag = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("no field {name}: {page}"));
    tag.split('"').next().expect("its end").to_owned()
}

/// The form of a product of one variant as a browser would send it back.
fn form_of(page: &str, variant: &str, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let at = |field: &str| format!("variants.{variant}.{field}");
    let mut form = vec![
        ("seen".to_owned(), hidden(page, "seen")),
        ("name".to_owned(), "Kettle".to_owned()),
        ("description".to_owned(), "Boils.".to_owned()),
        ("slug".to_owned(), "kettle".to_owned()),
        ("status".to_owned(), "active".to_owned()),
        (at("sku"), "KET-1".to_owned()),
        (at("price"), "1,250.50".to_owned()),
        (at("cost"), "900".to_owned()),
    ];
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        form.push(((*name).to_owned(), (*value).to_owned()));
    }
    form
}

async fn send(world: &World, cookie: &str, path: &str, form: &[(String, String)]) -> Answer {
    let pairs: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    world.client.form(cookie, path, &pairs).await
}

/// A kettle: the product's id and its variant's.
async fn kettle(world: &World) -> (String, String) {
    let token = world.staff(&world.a, "admin").await;
    let body = json!({
        "name": "Kettle", "description": "Boils.", "slug": "kettle", "translations": { "ta": { "name": "Tamil kettle" } },
        "variants": [{ "sku": "KET-1", "price": 125_050, "cost": 90_000 }],
    });
    let made = world.client.post(&token, "/api/products", &body).await.expect(201);
    (text(&made["id"]), text(&made["variants"][0]["id"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_written_with_its_pictures_and_the_next_one_begins() {
    for world in World::all().await {
        let client = &world.client;
        let (admin, token) = (client.sign_in("admin@alpha.test").await, world.staff(&world.a, "admin").await);
        let category = text(&client.post(&token, "/api/categories", &json!({ "name": "Kitchen", "taxRate": 500 })).await.expect(201)["id"]);
        client.page(&admin, "/company/products/new").await.shows(&["New product", "Save and add another", "variants.new0.price"]);
        let texts = [
            ("name", "Copper Kettle"),
            ("translations.hi.name", "तांबे की केतली"),
            ("categoryId", category.as_str()),
            ("tags", "steel, kitchen ,steel"),
            ("status", "draft"),
            ("isFeatured", "on"),
            ("facts.taxCode", "7615"),
            ("facts.nutrition", "energy: 0 kcal\r\niron: 1 mg"),
            ("variants.new0.price", "₹1,250.50"),
            ("variants.new0.compareAtPrice", "1500"),
            ("variants.new0.attributes", "Colour: Copper, Size: 1.5 l"),
            ("variants.new2.sku", "CK-2"),
            ("variants.new2.price", "999"),
            ("next", "another"),
        ];
        let files =
            [("pictures", "a.png", png(200, 120)), ("pictures", "b.png", b"no picture".to_vec()), ("pictures", "c.png", png(80, 60))];
        let made = client.upload_form(&admin, "/company/products", &texts, &files).await;
        let next = made.leads_to();
        assert!(next.starts_with(&format!("/company/products/new?category={category}&brand=&shop=&status=draft&told=")), "{next}");
        let page = client.page(&admin, &next).await;
        page.shows(&[
            "“Copper Kettle” is saved.",
            "Picture 2: This is no JPEG, PNG or WebP picture",
            &format!("value=\"{category}\" selected"),
        ]);

        let made = client.get(&token, "/api/products/copper-kettle").await.expect(200);
        assert_eq!((&made["translations"]["hi"]["name"], &made["isActive"]), (&json!("तांबे की केतली"), &json!(false)));
        assert_eq!((&made["tags"], &made["isFeatured"]), (&json!(["steel", "kitchen"]), &json!(true)));
        assert_eq!(made["facts"]["nutrition"], json!({ "energy": "0 kcal", "iron": "1 mg" }));
        let variants = made["variants"].as_array().expect("variants");
        assert_eq!((variants.len(), &variants[0]["sku"], &variants[1]["sku"]), (2, &json!("COPPER-KETTLE"), &json!("CK-2")));
        assert_eq!((&variants[0]["price"], &variants[0]["compareAtPrice"]), (&json!(125_050), &json!(150_000)));
        assert_eq!(variants[0]["attributes"], json!({ "Colour": "Copper", "Size": "1.5 l" }));
        assert_eq!(made["media"].as_array().map(Vec::len), Some(2), "the pictures that are some are there");
        let page = client.page(&admin, &format!("/company/products/{}", text(&made["id"]))).await;
        page.shows(&["5%, from the category Kitchen", "Colour: Copper, Size: 1.5 l", "Picture 2", "Draft"]);

        // A refusal names each field of the form, and nothing that was typed is lost.
        let wrong = [
            ("name", " "),
            ("slug", "Not a slug"),
            ("description", "Typed <by hand>"),
            ("variants.new1.price", "12x"),
            ("variants.new1.attributes", "just blue"),
            ("variants.new1.sku", "CK-3"),
        ];
        let refused = client.upload_form(&admin, "/company/products", &wrong, &[]).await;
        assert_eq!(refused.status, 422);
        for shown in ["#f-variants.new1.price", "#f-variants.new1.attributes", "Typed &lt;by hand&gt;", "value=\"CK-3\"", "value=\"12x\""] {
            assert!(refused.text.contains(shown), "{shown}: {}", refused.text);
        }
        let long = "x".repeat(41);
        let wrong =
            [("name", " "), ("slug", "Not a slug"), ("tags", long.as_str()), ("variants.new1.price", "12"), ("variants.new1.barcode", "1")];
        let refused = client.upload_form(&admin, "/company/products", &wrong, &[]).await;
        for shown in ["#f-name", "#f-slug", "#f-tags", "#f-variants.new1.barcode"] {
            assert!(refused.text.contains(shown), "{shown}: {}", refused.text);
        }
        let taken = [
            ("name", "Other"),
            ("variants.new0.sku", "NEW-1"),
            ("variants.new0.price", "1"),
            ("variants.new3.sku", "CK-2"),
            ("variants.new3.price", "1"),
        ];
        let refused = client.upload_form(&admin, "/company/products", &taken, &[]).await;
        assert!(refused.status == 422 && refused.text.contains("#f-variants.new3.sku"), "{}", refused.text);
        assert!(refused.text.contains("Another variant has this SKU."), "{}", refused.text);
        client.upload_form(&admin, "/company/products", &[("name", "Free")], &[]).await.shows_refused(&["#f-variants.new0.price"]);

        // Who may not write goods has no form, and a manager's goods are of a shop of theirs.
        let staff = client.sign_in("staff@alpha.test").await;
        assert_eq!(client.page(&staff, "/company/products/new").await.status, 403);
        let (own, theirs) = (world.a.shop.to_string(), world.b.shop.to_string());
        let ok = [("name", "Managed"), ("variants.new0.price", "5"), ("shopId", theirs.as_str())];
        let manager = client.sign_in("manager@alpha.test").await;
        client.upload_form(&manager, "/company/products", &ok, &[]).await.shows_refused(&["#f-shopId", "value=\"Managed\""]);
        client.upload_form(&manager, "/company/products", &ok[..2], &[]).await.shows_refused(&["#f-shopId"]);
        let ok = [("name", "Managed"), ("variants.new0.price", "5"), ("shopId", own.as_str())];
        client.upload_form(&manager, "/company/products", &ok, &[]).await.leads_to();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_somebody_overtook_keeps_what_was_typed_and_shows_what_changed() {
    for world in World::all().await {
        let client = &world.client;
        let (admin, token) = (client.sign_in("admin@alpha.test").await, world.staff(&world.a, "admin").await);
        let (id, variant) = kettle(&world).await;
        let path = format!("/company/products/{id}");
        let page = client.page(&admin, &path).await;
        page.shows(&["Kettle", "value=\"1250.50\"", "28.0% margin"]);
        let picture = client.upload(&token, &format!("/api/products/{id}/media"), &[], &[("file", "a", png(40, 30))]).await.expect(201);
        let alt = format!("pictures.{}.alt", text(&picture["media"][0]["id"]));
        // A picture that came meanwhile is no reason to refuse.
        let mine = form_of(&page.text, &variant, &[("description", "Boils fast."), (&alt, "From above"), ("translations.hi.name", "केतली")]);
        let saved = send(&world, &admin, &path, &mine).await.leads_to();
        assert_eq!(saved, format!("{path}?said=flash.saved"));
        let now = client.get(&token, &format!("/api/products/{id}")).await.expect(200);
        assert_eq!((&now["description"], &now["media"][0]["alt"]), (&json!("Boils fast."), &json!("From above")));
        assert_eq!(now["translations"], json!({ "hi": { "name": "केतली" }, "ta": { "name": "Tamil kettle" } }), "other languages stay");

        let page = client.page(&admin, &path).await;
        client.put(&token, &format!("/api/products/{id}"), &json!({ "name": "Kettle of theirs" })).await.expect(200);
        client.put(&token, &format!("/api/products/{id}/variants/{variant}"), &json!({ "price": 99_900 })).await.expect(200);
        let late = form_of(&page.text, &variant, &[("name", "Kettle of mine"), ("description", "Boils fast.")]);
        let refused = send(&world, &admin, &path, &late).await;
        assert_eq!(refused.status, 412);
        for shown in ["value=\"Kettle of mine\"", "Kettle of theirs", "999.00", "1250.50", "MARKERA admin saved this while you wrote"] {
            assert!(refused.text.contains(shown), "{shown}: {}", refused.text);
        }
        assert_eq!(client.get(&token, &format!("/api/products/{id}")).await.expect(200)["name"], "Kettle of theirs", "nothing was written");
        let again = form_of(&refused.text, &variant, &[("name", "Kettle of mine"), ("description", "Boils fast.")]);
        send(&world, &admin, &path, &again).await.leads_to();
        let now = client.get(&token, &format!("/api/products/{id}")).await.expect(200);
        assert_eq!((&now["name"], &now["priceFrom"]), (&json!("Kettle of mine"), &json!(125_050)));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_come_change_and_are_retired_by_the_form_of_who_may() {
    for world in World::all().await {
        let client = &world.client;
        let (admin, token) = (client.sign_in("admin@alpha.test").await, world.staff(&world.a, "admin").await);
        let (id, variant) = kettle(&world).await;
        let path = format!("/company/products/{id}");
        let api = format!("/api/products/{id}");
        let page = client.page(&admin, &path).await.text;
        let sku = format!("variants.{variant}.sku");
        for (field, value, shown) in [
            (sku.as_str(), "ALPHA-0", format!("#f-{sku}")),
            ("slug", "alpha", "#f-slug".into()),
            ("brandId", &world.b.product.to_string(), "#f-brandId".into()),
            ("facts.shelfLifeDays", "0", "#f-facts.shelfLifeDays".into()),
        ] {
            let form = form_of(&page, &variant, &[(field, value)]);
            send(&world, &admin, &path, &form).await.shows_refused(&[&shown]);
        }
        let retire = format!("variants.{variant}.retire");
        let last = send(&world, &admin, &path, &form_of(&page, &variant, &[(&retire, "on")])).await;
        assert!(last.status == 409 && last.text.contains("keeps one variant at least"), "{}", last.text);
        let new =
            [("variants.new0.name", "Large"), ("variants.new0.price", "2000"), ("variants.new0.soldBy", "weight"), (retire.as_str(), "on")];
        send(&world, &admin, &path, &form_of(&page, &variant, &new)).await.leads_to();
        let now = client.get(&token, &api).await.expect(200);
        assert_eq!(now["variants"].as_array().map(Vec::len), Some(1));
        let large = &now["variants"][0];
        assert_eq!((&large["sku"], &large["soldBy"], &large["price"]), (&json!("KETTLE-LARGE"), &json!("weight"), &json!(200_000)));

        // Staff change what is there of their shop's goods, know no cost, and neither add nor retire.
        let of_shop = json!({ "name": "Shop kettle", "slug": "shop-kettle", "shopId": world.a.shop, "variants": [{ "sku": "SK-1", "price": 500, "cost": 321 }] });
        let of_shop = client.post(&token, "/api/products", &of_shop).await.expect(201);
        let (own, variant) = (text(&of_shop["id"]), text(&of_shop["variants"][0]["id"]));
        let own_path = format!("/company/products/{own}");
        let staff = client.sign_in("staff@alpha.test").await;
        let page = client.page(&staff, &own_path).await;
        page.shows(&["Shop kettle", "value=\"5.00\""]);
        assert!(!page.text.contains(".cost\"") && !page.text.contains(".retire") && !page.text.contains("variants.new0"), "{}", page.text);
        let shop = world.a.shop.to_string();
        let mine = form_of(
            &page.text,
            &variant,
            &[
                ("name", "Shop kettle"),
                ("slug", "shop-kettle"),
                ("shopId", &shop),
                ("description", "Ours"),
                (&format!("variants.{variant}.sku"), "SK-1"),
            ],
        );
        send(&world, &staff, &own_path, &mine).await.leads_to();
        let now = client.get(&token, &format!("/api/products/{own}")).await.expect(200);
        assert_eq!(
            (&now["description"], &now["variants"][0]["cost"]),
            (&json!("Ours"), &json!(321)),
            "a cost that is not known is not lost"
        );
        let page = client.page(&staff, &own_path).await;
        let forged = form_of(&page.text, &variant, &[("shopId", &shop), ("variants.new0.price", "1")]);
        assert_eq!(send(&world, &staff, &own_path, &forged).await.status, 403);

        // What is the whole company's, a shop manager sees and does not change; a neighbour's is not there.
        let manager = client.sign_in("manager@alpha.test").await;
        let seen = client.page(&manager, &path).await;
        seen.shows(&["You see this product and cannot change it", "<fieldset class=\"sk-bare\" disabled>"]);
        assert!(!seen.text.contains("archive-form"));
        let page = client.page(&admin, &path).await.text;
        for cookie in [&manager, &client.sign_in("admin@beta.test").await] {
            assert_eq!(send(&world, cookie, &path, &form_of(&page, &variant, &[])).await.status, 404);
            assert_eq!(client.form(cookie, &format!("{path}/archive"), &[]).await.status, 404);
        }
        assert_eq!(client.page(&client.sign_in("admin@beta.test").await, &path).await.status, 404);

        let gone = client.form(&admin, &format!("{path}/archive"), &[]).await.leads_to();
        client.page(&admin, &gone).await.shows(&["Archived. You can put it back.", "restore-form"]);
        let back = client.form(&admin, &format!("{path}/restore"), &[]).await.leads_to();
        client.page(&admin, &back).await.shows(&["It is back in the catalogue."]);
        client.page(&admin, &format!("/company/products/new?like={id}")).await.shows(&["value=\"Kettle\"", "value=\"2000.00\""]);
        let json = [("cookie", admin.as_str()), ("accept", "application/json")];
        let found = client.send("GET", "/jump?q=kettle-large", None, None, &json).await.expect(200);
        assert_eq!(found["groups"][0]["items"][0]["href"], path.as_str(), "{found}");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_come_several_at_once_and_are_put_in_order() {
    for world in World::all().await {
        let client = &world.client;
        let (admin, token) = (client.sign_in("admin@alpha.test").await, world.staff(&world.a, "admin").await);
        let (id, _) = kettle(&world).await;
        let path = format!("/company/products/{id}");
        let media = format!("{path}/media");
        let order = async || -> Vec<i64> {
            let now = client.get(&token, &format!("/api/products/{id}")).await.expect(200);
            now["media"].as_array().expect("a list").iter().map(|one| one["width"].as_i64().expect("a width")).collect()
        };
        let files = [
            ("pictures", "1", png(31, 20)),
            ("pictures", "2", b"GIF89a".to_vec()),
            ("pictures", "3", png(33, 20)),
            ("pictures", "4", png(34, 20)),
        ];
        let back = client.upload_form(&admin, &media, &[], &files).await.leads_to();
        client.page(&admin, &back).await.shows(&["Pictures added: 3.", "Picture 2: This is no JPEG", "Cover"]);
        assert_eq!(order().await, [31, 33, 34]);
        let back = client.upload_form(&admin, &media, &[], &[]).await.leads_to();
        client.page(&admin, &back).await.shows(&["Choose a picture first."]);

        let now = client.get(&token, &format!("/api/products/{id}")).await.expect(200);
        let last = text(&now["media"][2]["id"]);
        for (to, expected) in [("left", [31, 34, 33]), ("first", [34, 31, 33]), ("left", [34, 31, 33]), ("right", [31, 34, 33])] {
            client.form(&admin, &format!("{media}/{last}/place"), &[("to", to)]).await.leads_to();
            assert_eq!(order().await, expected, "{to}");
        }
        let nowhere = client.form(&admin, &format!("{media}/{last}/place"), &[("to", "up")]).await.leads_to();
        assert!(nowhere.contains("told="), "{nowhere}");
        for cookie in [client.sign_in("manager@alpha.test").await, client.sign_in("admin@beta.test").await] {
            assert_eq!(client.form(&cookie, &format!("{media}/{last}/place"), &[("to", "first")]).await.status, 404);
            assert_eq!(client.form(&cookie, &format!("{media}/{last}/delete"), &[]).await.status, 404);
            assert_eq!(client.upload_form(&cookie, &media, &[], &[("pictures", "x", png(9, 9))]).await.status, 404);
        }
        client.form(&admin, &format!("{media}/{last}/delete"), &[]).await.leads_to();
        assert_eq!(order().await, [31, 33]);
        world.verify().await;
        world.close().await;
    }
}
