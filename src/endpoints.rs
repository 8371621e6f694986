//! Endpoints are a table: one row gives Loco's route, the description and the wall tests.

use axum::{
    handler::Handler,
    routing::{MethodFilter, MethodRouter, on},
};
use serde_json::{Map, Value, json};

use crate::tenancy::{Permission, Souk};

/// A door of the building.
#[derive(Clone)]
pub struct Endpoint {
    pub method: &'static str,
    pub uri: &'static str,
    /// What it takes to pass.
    pub permission: &'static str,
    /// One sentence for whoever reads the description.
    pub summary: &'static str,
    pub handler: MethodRouter<Souk>,
}

impl Endpoint {
    fn new<P: Permission, H: Handler<T, Souk>, T: 'static>(
        method: (&'static str, MethodFilter),
        uri: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Self {
        Self { method: method.0, uri, permission: P::NAME, summary, handler: on(method.1, handler) }
    }
}

macro_rules! methods {
    ($($function:ident $name:literal $filter:ident)*) => {$(
        #[doc = concat!("A `", $name, "` endpoint under permission `P`.")]
        pub fn $function<P: Permission, T: 'static>(uri: &'static str, summary: &'static str, handler: impl Handler<T, Souk>) -> Endpoint {
            Endpoint::new::<P, _, T>(($name, MethodFilter::$filter), uri, summary, handler)
        }
    )*};
}

methods! { get "GET" GET post "POST" POST put "PUT" PUT patch "PATCH" PATCH delete "DELETE" DELETE }

/// The OpenAPI description of the JSON endpoints.
#[must_use]
pub fn description(endpoints: &[Endpoint]) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in endpoints.iter().filter(|one| one.uri.starts_with("/api") || one.uri == "/health") {
        let parameters: Vec<_> = endpoint
            .uri
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        let problem = json!({ "description": "A refusal", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
        let mut operation = json!({
            "summary": endpoint.summary,
            "x-permission": endpoint.permission,
            "parameters": parameters,
            "responses": { "2XX": { "description": "Done" }, "4XX": problem },
        });
        if ["POST", "PUT", "PATCH"].contains(&endpoint.method) {
            operation["requestBody"] = json!({ "content": { "application/json": { "schema": { "type": "object" } } } });
        }
        if endpoint.permission != "anyone" {
            operation["security"] = json!([{ "bearer": [] }]);
        }
        let path = paths.entry(endpoint.uri).or_insert_with(|| json!({}));
        path[endpoint.method.to_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Souk", "version": "1", "description": "Shops, orders and stock of many companies." },
        "paths": paths,
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
            "schemas": { "Problem": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "code"],
                "properties": {
                    "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
                    "detail": { "type": "string" }, "code": { "type": "string" }, "requestId": { "type": "string" },
                    "errors": { "type": "array", "items": { "type": "object", "properties": {
                        "field": { "type": "string" }, "code": { "type": "string" }, "message": { "type": "string" } } } },
                },
            } },
        },
    })
}
