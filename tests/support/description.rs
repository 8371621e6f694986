//! Holds every answer that a test receives against the description of the API, and every request
//! that was understood.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::Validator;
use serde_json::{Value, json};
use souk::{controllers, endpoints};

use super::Answer;

pub static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| endpoints::description(&controllers::endpoints()).expect("a description"));

/// By the text of a schema.
static VALIDATORS: LazyLock<Mutex<BTreeMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

fn validator(schema: &Value) -> Arc<Validator> {
    let mut known = VALIDATORS.lock().expect("no test failed in here");
    let validator = known.entry(schema.to_string()).or_insert_with(|| {
        let mut whole = schema.clone();
        whole["components"] = json!({ "schemas": DESCRIPTION["components"]["schemas"] });
        Arc::new(jsonschema::draft202012::options().should_validate_formats(true).build(&whole).expect("a schema"))
    });
    Arc::clone(validator)
}

/// Asserts that a value is of a schema.
fn hold_value(case: &str, schema: &Value, value: &Value) {
    let faults: Vec<_> = validator(schema).iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{case} is not what the description says:\n{}\n{value}", faults.join("\n"));
}

/// The description of what is asked for: of several that fit, the one with the most words of its own.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let asked: Vec<_> = path.split('/').collect();
    let fits = |uri: &str| {
        let parts: Vec<_> = uri.split('/').collect();
        let fit = parts.len() == asked.len() && parts.iter().zip(&asked).all(|(part, asked)| part.starts_with('{') || part == asked);
        fit.then(|| parts.iter().filter(|part| !part.starts_with('{')).count())
    };
    let paths = DESCRIPTION["paths"].as_object().expect("paths");
    let found = paths.iter().filter_map(|(uri, path)| Some((fits(uri)?, path))).max_by_key(|(words, _)| *words);
    found.and_then(|(_, path)| path.get(method.to_lowercase()))
}

/// Asserts that an answer is what the description says of it, and what was sent, if it was understood.
pub fn hold(method: &str, path: &str, sent: Option<&[u8]>, answer: &Answer) {
    let path = path.split('?').next().unwrap_or_default();
    let (status, kind) = (answer.status, answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default());
    let kind = kind.split(';').next().unwrap_or_default();
    let case = format!("{method} {path} ({status})");
    if kind == "application/problem+json" {
        hold_value(&case, &json!({ "$ref": "#/components/schemas/Problem" }), &answer.body);
    }
    let Some(operation) = operation(method, path) else { return };
    if status >= 400 {
        // Where people are shown a page, or led to one, they are refused on one.
        let is_for_people = operation["responses"]["303"].is_object() || operation["responses"]["200"]["content"]["text/html"].is_object();
        let is_page = kind == "text/html" && is_for_people;
        assert!(is_page || kind == "application/problem+json", "{case} refuses without a problem: {}", answer.text);
        return;
    }
    let body = sent.and_then(|sent| serde_json::from_slice(sent).ok()).unwrap_or(Value::Null);
    let taken = &operation["requestBody"]["content"]["application/json"]["schema"];
    if body.is_object() && taken.is_object() {
        hold_value(&format!("the body of {case}"), taken, &body);
    }
    let described = &operation["responses"][status.to_string()];
    assert!(described.is_object(), "{case} is not in the description: {}", answer.text);
    match described["content"].as_object() {
        None => assert!(answer.text.is_empty(), "{case} should say nothing, and says {}", answer.text),
        Some(content) => {
            let described = content.get(kind);
            let described = described.unwrap_or_else(|| panic!("{case} answers `{kind}`, which is not in the description"));
            if kind == "application/json" {
                hold_value(&case, &described["schema"], &answer.body);
            }
        }
    }
}
