//! The description is what the router and its handlers say, and is checked in.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use souk::controllers;

use crate::support::{World, description::DESCRIPTION};

#[test]
fn the_checked_in_description_is_what_the_router_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let said = format!("{}\n", serde_json::to_string_pretty(&*DESCRIPTION).expect("JSON"));
    if std::env::var_os("SOUK_RENEW_OPENAPI").is_some() {
        fs::write(&path, &said).expect("written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == said,
        "openapi.json is not what the router says. If the change is meant, write it anew:\n\
         SOUK_RENEW_OPENAPI=1 cargo test --test all -- api::description"
    );
}

#[test]
fn every_route_of_the_api_is_described_with_all_that_it_takes_and_answers() {
    let rows = controllers::endpoints();
    let mut routes = BTreeSet::new();
    for row in rows.iter().filter(|row| row.uri.starts_with("/api") || row.uri == "/health") {
        let case = format!("{} {}", row.method, row.uri);
        let operation = &DESCRIPTION["paths"][row.uri][row.method.to_lowercase()];
        assert_eq!(operation["summary"], row.summary, "{case} is not described: make its row by `endpoints::api`");
        assert_eq!(operation["x-permission"], row.permission, "{case}");
        assert!(row.answers.iter().any(|(status, _)| *status < 400), "{case} does not say what it answers");
        let named = operation["parameters"].as_array().expect("parameters").iter().filter(|one| one["in"] == "path");
        let named: Vec<_> = named.filter_map(|one| one["name"].as_str()).collect();
        let inside: Vec<_> = row.uri.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(named, inside, "{case}: the handler does not take its path");
        if operation["security"].is_null() {
            assert_eq!(row.permission, "anyone", "{case}: the handler asks for no access");
        }
        routes.insert((row.uri.to_owned(), row.method.to_lowercase()));
    }
    let paths = DESCRIPTION["paths"].as_object().expect("paths");
    let described: BTreeSet<_> = paths
        .iter()
        .flat_map(|(uri, methods)| methods.as_object().expect("methods").keys().map(move |method| (uri.clone(), method.clone())))
        .collect();
    assert_eq!(described, routes, "what is described is not what is routed");
    let ids: BTreeSet<_> = paths
        .values()
        .flat_map(|path| path.as_object().expect("methods").values())
        .map(|one| &one["operationId"])
        .map(Value::to_string)
        .collect();
    assert_eq!(ids.len(), routes.len(), "two operations have one id");
}

#[test]
fn every_name_in_the_description_leads_somewhere_and_is_used() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    references(&DESCRIPTION, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').expect("a reference within");
        assert!(DESCRIPTION.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for kind in ["schemas", "parameters", "responses"] {
        for name in DESCRIPTION["components"][kind].as_object().expect("components").keys() {
            assert!(found.contains(format!("#/components/{kind}/{name}").as_str()), "nothing names {name} of the {kind}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_describes_itself() {
    for world in World::all().await {
        let answer = world.client.send("GET", "/api/openapi.json", None, None, &[]).await;
        assert_eq!(answer.expect(200), *DESCRIPTION);
        world.close().await;
    }
}
