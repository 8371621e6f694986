//! The OpenAPI description of the JSON API, put together from the table of endpoints.

use std::collections::BTreeSet;

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Map, Value, json};

use super::{Answer, Endpoint, Operation, notation};
use crate::{
    errors::{Error, Result},
    tenancy::Role,
};

/// Describes every endpoint that says what it takes.
///
/// # Errors
/// When two shapes have one name, or the notation of answers is broken.
pub fn description(endpoints: &[Endpoint]) -> Result<Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        // What is left out of a change is not what is null in it.
        let without_null: fn(&mut Schema) = |schema| {
            if schema.get("default").is_some_and(Value::is_null) {
                schema.remove("default");
            }
        };
        settings.transforms.push(Box::new(RecursiveTransform(without_null)));
    });
    let mut requests = settings.into_generator();
    let mut schemas = notation::schemas()?;
    schemas.insert("Problem".into(), problem());
    let (mut paths, mut tags) = (Map::new(), BTreeSet::new());
    for endpoint in endpoints.iter().filter(|endpoint| endpoint.takes.is_some()) {
        let tag = tag(endpoint.uri);
        let path = paths.entry(endpoint.uri).or_insert_with(|| json!({}));
        path[endpoint.method.to_lowercase()] = operation(endpoint, tag, &mut requests, &mut schemas);
        tags.insert(tag);
    }
    for (name, schema) in requests.take_definitions(true) {
        if schemas.insert(name.clone(), schema).is_some() {
            return Err(Error::internal(format!("`{name}` is the name of an answer and of something in a request")));
        }
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": { "title": "Souk", "version": "1", "description": ABOUT },
        "tags": tags.into_iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
            "parameters": parameters(),
            "responses": refusals(),
            "schemas": schemas,
        },
    }))
}

const ABOUT: &str = "Shops, orders and stock of many companies. Money is an integer in the currency's minor unit, weights are grams, \
                     rates are basis points, times are RFC 3339 in UTC. A refusal is a problem (RFC 9457) with a stable `code`. \
                     Every answer has `X-Request-Id` and `Api-Version`, and `RateLimit-*` says what is left.";

/// What an endpoint is listed under: what stands behind `/api`.
fn tag(uri: &'static str) -> &'static str {
    let mut parts = uri.trim_start_matches('/').split('/');
    match (parts.next(), parts.next()) {
        (Some("api"), Some(part)) if !part.contains('.') => part,
        _ => "operations",
    }
}

fn operation(endpoint: &Endpoint, tag: &str, requests: &mut SchemaGenerator, schemas: &mut Map<String, Value>) -> Value {
    let mut taken = Operation::new(endpoint.uri, requests);
    if let Some(takes) = endpoint.takes {
        takes(&mut taken);
    }
    let mut described = json!({
        "operationId": id(endpoint),
        "tags": [tag],
        "summary": endpoint.summary,
        "x-permission": endpoint.permission,
    });
    if !taken.permissions.is_empty() {
        let is_open = taken.permissions.iter().all(|name| Role::Public.may(name));
        described["security"] = if is_open { json!([{}, { "bearer": [] }]) } else { json!([{ "bearer": [] }]) };
    }
    let mut responses = Map::new();
    for (status, answer) in &endpoint.answers {
        let response = responses.entry(status.to_string()).or_insert_with(|| json!({ "description": said(*status) }));
        match answer {
            Answer::Nothing => {}
            Answer::Json(shape) => {
                let media_type = if *status < 400 { "application/json" } else { "application/problem+json" };
                response["content"][media_type]["schema"] = shape_of(shape, schemas);
            }
            Answer::Other(media_type) => response["content"][media_type] = json!({ "schema": { "type": "string" } }),
        }
    }
    for (status, name) in taken.refusals.iter().map(|status| (*status, *status)).chain(ALWAYS) {
        responses.entry(status).or_insert_with(|| json!({ "$ref": format!("#/components/responses/{}", refusal(name)) }));
    }
    described["parameters"] = Value::Array(taken.parameters);
    if let Some(body) = taken.body {
        described["requestBody"] = body;
    }
    described["responses"] = Value::Object(responses);
    described
}

/// `postOrdersByIdCancel`: a name for programs that make a client out of this.
fn id(endpoint: &Endpoint) -> String {
    let mut id = endpoint.method.to_lowercase();
    for part in endpoint.uri.split('/').filter(|part| !part.is_empty() && *part != "api") {
        let (by, name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')).map_or(("", part), |name| ("By", name));
        id.push_str(by);
        for word in name.split(['-', '.']) {
            let mut letters = word.chars();
            id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            id.push_str(letters.as_str());
        }
    }
    id
}

/// A shape by its name; `[Order]` is a list of it.
fn shape_of(shape: &str, schemas: &mut Map<String, Value>) -> Value {
    let name = match shape.strip_prefix('[').and_then(|shape| shape.strip_suffix(']')) {
        None => shape.to_owned(),
        Some(one) => {
            let list = format!("{one}List");
            schemas.insert(
                list.clone(),
                json!({
                    "type": "object", "required": ["data", "page"], "additionalProperties": false,
                    "properties": {
                        "data": { "type": "array", "items": { "$ref": format!("#/components/schemas/{one}") } },
                        "page": { "$ref": "#/components/schemas/Page" },
                    },
                }),
            );
            list
        }
    };
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn said(status: u16) -> &'static str {
    match status {
        201 => "Made",
        202 => "Taken on",
        204 => "Done; there is nothing to say",
        303 => "Elsewhere",
        402 => "The payment was declined; `declineCode` says why",
        _ => "Done",
    }
}

/// What any operation may answer instead.
const ALWAYS: [(&str, &str); 4] = [("4XX", "4XX"), ("429", "429"), ("503", "503"), ("5XX", "5XX")];

/// The component of a refusal.
fn refusal(status: &str) -> &'static str {
    match status {
        "409" => "Conflict",
        "412" => "Stale",
        "422" => "Invalid",
        "429" => "TooMany",
        "503" => "Unavailable",
        "5XX" => "Fault",
        _ => "Refused",
    }
}

fn refusals() -> Value {
    let problem = |text: &str| {
        let schema = json!({ "$ref": "#/components/schemas/Problem" });
        json!({ "description": text, "content": { "application/problem+json": { "schema": schema } } })
    };
    let later = |text: &str| {
        let mut answer = problem(text);
        answer["headers"] = json!({ "Retry-After": { "description": "Seconds", "schema": { "type": "integer" } } });
        answer
    };
    json!({
        "Refused": problem("400 malformed, 401 not signed in, 403 not allowed, 404 not there or not yours, 409 in conflict with the present state, 413 too large, 415 not the right kind, 422 invalid input"),
        "Conflict": later("In conflict with the present state; with `idempotency_in_progress` the first request of this key is still at work"),
        "Stale": problem("It has changed since the version in `If-Match`"),
        "Invalid": problem("The input is invalid, each wrong field is in `errors`; or the key came with another request before"),
        "TooMany": later("Too many requests"),
        "Unavailable": later("Not now; try again"),
        "Fault": problem("Our fault; it has been logged under `requestId`"),
    })
}

fn parameters() -> Value {
    let header = |name: &str, text: &str, schema: Value| json!({ "name": name, "in": "header", "description": text, "schema": schema });
    let query = |name: &str, text: &str, schema: Value| json!({ "name": name, "in": "query", "description": text, "schema": schema });
    json!({
        "Company": header("X-Company", "The company's slug, where neither token nor host names it", json!({ "type": "string" })),
        "CartToken": header("X-Cart-Token", "A guest's cart; its first write returns it as `token`", json!({ "type": "string" })),
        "IdempotencyKey": header(
            "Idempotency-Key",
            "One key, one effect: what was answered first is answered again, with `Idempotency-Replayed: true`",
            json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
        ),
        "IfMatch": header("If-Match", "The `version` that is to be changed, in quotes", json!({ "type": "string", "pattern": "^\"?[0-9]{1,18}\"?$" })),
        "Limit": query("limit", "How many at most", json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20 })),
        "Cursor": query("cursor", "Where to go on: `page.next` of the page before", json!({ "type": "string" })),
        "Total": query("total", "Also count the whole list, to 10,000: `page.total`", json!({ "type": "boolean" })),
        "Attributes": {
            "name": "attributes", "in": "query", "style": "form", "explode": true,
            "description": "Attributes of goods: `attr.colour=black`, at most eight",
            "schema": { "type": "object", "maxProperties": 8, "additionalProperties": { "type": "string" }, "propertyNames": { "pattern": "^attr\\.[A-Za-z0-9 ]+$" } },
        },
    })
}

fn problem() -> Value {
    let text = || json!({ "type": "string" });
    json!({
        "type": "object",
        "description": "A refusal (RFC 9457). A conflict has its facts in further fields.",
        "required": ["type", "title", "status", "detail", "code", "requestId"],
        "properties": {
            "type": { "type": "string", "format": "uri" }, "title": text(), "status": { "type": "integer" }, "detail": text(),
            "code": { "type": "string", "pattern": "^[a-z0-9_]+$", "description": "Stable; decide by it." },
            "requestId": { "type": "string", "format": "uuid" },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object", "required": ["field", "code", "message"], "additionalProperties": false,
                    "properties": { "field": text(), "code": text(), "message": text() },
                },
            },
        },
    })
}
