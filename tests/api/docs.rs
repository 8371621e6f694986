//! The API's own pages: everything that the description says, to be read by anybody.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{World, description::DESCRIPTION};

/// The words between two marks, wherever they stand.
fn between<'a>(text: &'a str, before: &str, after: &str) -> BTreeSet<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_is_on_a_page_that_needs_neither_company_nor_sign_in_nor_script() {
    for world in World::all().await {
        let client = &world.client;
        let mut areas: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, methods) in DESCRIPTION["paths"].as_object().expect("paths") {
            for operation in methods.as_object().expect("methods").values() {
                let id = operation["operationId"].as_str().expect("an id");
                areas.entry(operation["tags"][0].as_str().expect("an area").to_owned()).or_default().insert(format!("{id} {path}"));
            }
        }
        let index = client.page("", "/api/docs").await;
        index.shows(&["<html lang=\"en\"", "The API", "/api/openapi.json", "X-Company"]);
        for (area, endpoints) in &areas {
            let page = client.page("", &format!("/api/docs/{area}")).await;
            page.shows(&["Try it", "Who asks"]);
            for endpoint in endpoints {
                let (id, path) = endpoint.split_once(' ').expect("two words");
                assert!(index.text.contains(&format!("href=\"/api/docs/{area}#{id}\"")), "the index does not lead to {id}");
                let shown = page.text.replace("&#x2F;", "/");
                assert!(
                    shown.contains(&format!("id=\"{id}\"")) && shown.contains(&format!("</b> {path}</span>")),
                    "{id} is not on its page"
                );
            }
            // What is spoken of stands on the same page.
            let (spoken, there) = (between(&page.text, "href=\"#shape-", "\""), between(&page.text, "id=\"shape-", "\""));
            let missing: Vec<_> = spoken.difference(&there).collect();
            assert!(missing.is_empty(), "{area}: {missing:?}");
            // Nothing of it is a script's or a style's of its own.
            assert!(!page.text.contains("<script>") && !page.text.contains(" style=") && !page.text.contains(" onclick="), "{area}");
            let policy = page.headers["content-security-policy"].to_str().expect("a policy");
            assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
        }
        client.page("souk_language=hi", "/api/docs").await.shows(&["<html lang=\"hi\"", "एपीआई"]);
        client.page("souk_language=hi; souk_theme=dark", "/api/docs/orders").await.shows(&[
            "data-bs-theme=\"dark\"",
            "आज़माएँ",
            "postOrders",
        ]);
        let unknown = client.page("", "/api/docs/nothing").await;
        assert!(unknown.status == 404 && unknown.text.contains("<html"), "{}", unknown.text);
        world.close().await;
    }
}
