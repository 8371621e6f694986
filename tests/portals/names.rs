//! Lists by name stand as people expect them: neither case nor accents decide.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use souk::{
    keyset::{Place, Sort},
    models::{
        identity::{self, NewCustomer, PeopleBy, PeopleFilter},
        inventory::{self, By, StockFilter},
        shops,
    },
    tenancy::Tenant,
    words::fold,
};

use crate::support::{World, text};

/// In the order in which people look for them; by their bytes it is another.
const NAMES: [&str; 5] = ["apple", "Éclair", "eggs", "MARKERA customer", "Zebra"];

/// The customers of company A by name, read two at a time.
async fn customers_by_name(world: &World, falls: bool) -> Vec<String> {
    let scope = world.souk.read(Tenant::system(world.a.id)).await.expect("a scope");
    let sort = Sort { by: PeopleBy::Name, falls };
    let (mut names, mut after): (Vec<String>, Option<Place>) = (vec![], None);
    loop {
        let page = identity::sorted_customers(&scope, &PeopleFilter::default(), None, sort, after, 2).await.expect("a page");
        let Some(last) = page.last() else { return names };
        after = Some(sort.by.place(last.id.0, &last.sort_name));
        names.extend(page.into_iter().map(|one| one.name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_shops_stand_by_name_whatever_their_case_and_accents() {
    for world in World::all().await {
        let client = &world.client;
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        for (number, name) in ["Zebra", "eggs", "Nobody", "Éclair"].into_iter().enumerate() {
            let new = NewCustomer { email: format!("n{number}@alpha.test"), password: String::new(), name: name.into(), phone: None };
            identity::register(&scope, new, "nobody signs in".into()).await.expect("a customer");
        }
        scope.commit().await.expect("kept");
        let token = world.staff(&world.a, "admin").await;
        // A name that changes takes its row along.
        let found = client.get(&token, "/api/users?role=customer&q=nobody").await.expect(200);
        client.put(&token, &format!("/api/users/{}", text(&found["data"][0]["id"])), &json!({ "name": "apple" })).await.expect(200);
        let mut expected = NAMES.to_vec();
        assert_eq!(customers_by_name(&world, false).await, expected);
        expected.reverse();
        assert_eq!(customers_by_name(&world, true).await, expected);
        let admin = client.sign_in("admin@alpha.test").await;
        for path in ["/company/customers?sort=name", "/company/customers/export.csv?sort=name"] {
            let page = client.page(&admin, path).await;
            let places: Vec<_> = NAMES.iter().map(|name| page.text.find(name)).collect();
            assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{path}: {places:?}");
        }
        for (slug, name) in [("zebra", "Zebra shop"), ("eclair", "Éclair shop"), ("apple", "apple shop")] {
            client.post(&token, "/api/shops", &json!({ "slug": slug, "name": name })).await.expect(201);
        }
        let (mut names, mut next) = (vec![], String::new());
        loop {
            let page: Value = client.get(&token, &format!("/api/shops?limit=1{next}")).await.expect(200);
            names.push(text(&page["data"][0]["name"]));
            let Some(cursor) = page["page"]["next"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        assert_eq!(names, ["apple shop", "Éclair shop", "MARKERA shop", "Zebra shop"]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_stands_by_the_names_of_its_goods() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.staff(&world.a, "admin").await;
        let mut products = vec![world.a.product.to_string()];
        for (slug, name) in [("zebra", "Zebra"), ("apple", "apple"), ("eclair", "Éclair")] {
            let variants = json!([{ "sku": slug, "name": "One", "price": 100 }]);
            let product =
                client.post(&token, "/api/products", &json!({ "slug": slug, "name": name, "variants": variants })).await.expect(201);
            let change = json!({ "locationId": world.a.location, "quantity": 5, "operation": "add", "reason": "found" });
            client.patch(&token, &format!("/api/inventory/{}", text(&product["variants"][0]["id"])), &change).await.expect(200);
            products.push(text(&product["id"]));
        }
        let scope = world.souk.read(Tenant::system(world.a.id)).await.expect("a scope");
        let sort = Sort { by: By::Name, falls: false };
        let (mut names, mut after): (Vec<String>, Option<Place>) = (vec![], None);
        loop {
            let page = inventory::sorted(&scope, &StockFilter::default(), sort, after, 1).await.expect("a page");
            let Some(row) = page.first() else { break };
            let goods = souk::models::catalog::goods(&scope, &[row.variant_id]).await.expect("the goods");
            let product = &goods[&row.variant_id].1;
            after = Some(sort.by.place(row, Some(product)));
            names.push(product.name.clone());
        }
        drop(scope);
        let own = "MARKERA goods";
        assert_eq!(names, ["apple", "Éclair", own, own, own, "Zebra"]);
        let admin = client.sign_in("admin@alpha.test").await;
        let page = client.page(&admin, "/company/inventory?sort=-name").await;
        page.shows(&["aria-sort=\"descending\"", "/company/inventory?sort=name"]);
        let file = client.page(&admin, "/company/inventory/export.csv?sort=-name").await;
        let places: Vec<_> = ["Zebra", own, "Éclair", "apple"].iter().map(|name| file.text.find(name)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{}", file.text);
        let neighbour = client.sign_in("admin@beta.test").await;
        let theirs = client.page(&neighbour, "/company/inventory?sort=name").await;
        assert!(!theirs.text.contains("Zebra") && theirs.text.contains("MARKERB goods"), "{}", theirs.text);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_were_there_before_are_sorted_too() {
    for world in World::all().await {
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        let new = NewCustomer { email: "old@alpha.test".into(), password: String::new(), name: "Ångström-Ölände".into(), phone: None };
        identity::register(&scope, new, "nobody signs in".into()).await.expect("a customer");
        scope.commit().await.expect("kept");
        // As it was before the step: no column, and the indexes of the names.
        let db = world.raw().await;
        let tables = ["customers", "members", "shops", "companies", "staff"];
        for table in tables {
            for sql in [format!("DROP INDEX {table}_by_name"), format!("ALTER TABLE {table} DROP COLUMN sort_name")] {
                db.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            }
        }
        for sql in [
            "CREATE INDEX customers_name ON customers (company_id, name, id)",
            "CREATE INDEX members_name ON members (company_id, name, id)",
            "DELETE FROM seaql_migrations WHERE version = 'm0037_names'",
        ] {
            db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        Migrator::up(&db, None).await.expect("the step");
        for table in tables {
            let rows = format!("SELECT name, sort_name FROM {table}");
            let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), rows)).await.expect("the rows");
            assert!(!rows.is_empty(), "{table} is empty");
            for row in rows {
                let (name, form): (String, String) =
                    (row.try_get("", "name").expect("a name"), row.try_get("", "sort_name").expect("a form"));
                assert_eq!(form, fold(&name), "of {table}");
            }
        }
        db.close().await.expect("closed");
        let scope = world.souk.read(Tenant::system(world.a.id)).await.expect("a scope");
        assert_eq!(shops::list(&scope).await.expect("the shops").len(), 1);
        drop(scope);
        world.verify().await;
        world.close().await;
    }
}
