//! The description of the JSON API as pages print it: what stands in `openapi.json`, area by area,
//! with the shapes that an area speaks of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::tenancy::Role;

/// Nothing that a body may hold lies deeper in the body to begin with.
const DEPTH_MAX: usize = 4;
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The areas of a description, each with its endpoints in one line.
#[must_use]
pub fn areas(description: &Value) -> Vec<Value> {
    let mut areas: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (path, method, operation) in operations(description) {
        areas.entry(area_of(operation)).or_default().push(json!({
            "method": method.to_uppercase(), "path": path, "summary": operation["summary"], "id": operation["operationId"],
        }));
    }
    areas.into_iter().map(|(name, lines)| json!({ "name": name, "endpoints": lines })).collect()
}

/// Everything of one area; nothing for a word that is none.
#[must_use]
pub fn area(description: &Value, name: &str) -> Option<Value> {
    let mut book = Book { schemas: &description["components"]["schemas"], wanted: BTreeSet::new() };
    let found = operations(description).filter(|(_, _, operation)| area_of(operation) == name);
    let endpoints: Vec<_> = found.map(|(path, method, operation)| book.endpoint(description, path, method, operation)).collect();
    if endpoints.is_empty() {
        return None;
    }
    Some(json!({ "name": name, "endpoints": endpoints, "shapes": book.shapes() }))
}

fn operations(description: &Value) -> impl Iterator<Item = (&str, &'static str, &Value)> {
    let paths = description["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, at)| METHODS.into_iter().filter_map(move |method| Some((path.as_str(), method, at.get(method)?))))
}

fn area_of(operation: &Value) -> &str {
    operation["tags"][0].as_str().unwrap_or_default()
}

/// What `$ref` points at, and what it is called.
fn named(value: &Value) -> Option<&str> {
    value["$ref"].as_str().and_then(|to| to.rsplit('/').next())
}

/// Words around a shape's name, or a word alone.
fn word(before: &str, name: &str, is_shape: bool, after: &str) -> Value {
    json!({ "before": before, "name": name, "is_shape": is_shape, "after": after })
}

/// A description's shapes, and those that were spoken of.
struct Book<'a> {
    schemas: &'a Value,
    wanted: BTreeSet<String>,
}

impl Book<'_> {
    fn endpoint(&mut self, description: &Value, path: &str, method: &str, operation: &Value) -> Value {
        let shared = &description["components"];
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.map(|one| named(one).map_or(one, |name| &shared["parameters"][name]));
        let parameters: Vec<_> = parameters.map(|one| self.parameter(one)).collect();
        let permission = operation["x-permission"].as_str().unwrap_or_default();
        let who = Role::ALL.into_iter().filter(|role| role.may(permission)).map(Role::name);
        let answers = operation["responses"].as_object().into_iter().flatten().map(|(status, answer)| {
            let answer = named(answer).map_or(answer, |name| &shared["responses"][name]);
            json!({ "status": status, "text": answer["description"], "holds": self.content(&answer["content"]) })
        });
        let answers: Vec<_> = answers.collect();
        json!({
            "id": operation["operationId"], "method": method.to_uppercase(), "path": path, "summary": operation["summary"],
            "permission": permission, "is_open": permission == "anyone", "who": who.collect::<Vec<_>>(),
            "parameters": parameters, "body": self.body(&operation["requestBody"]), "answers": answers,
        })
    }

    fn parameter(&mut self, one: &Value) -> Value {
        json!({
            "name": one["name"], "place": one["in"], "is_required": one["required"] == true, "text": one["description"],
            "type": self.kind(&one["schema"]), "choices": one["schema"]["enum"],
        })
    }

    /// The media types of an answer with their shapes.
    fn content(&mut self, content: &Value) -> Vec<Value> {
        let kinds = content.as_object().into_iter().flatten();
        kinds.map(|(media, one)| json!({ "media": media, "type": self.kind(&one["schema"]) })).collect()
    }

    fn body(&mut self, body: &Value) -> Value {
        let Some((media, one)) = body["content"].as_object().and_then(|content| content.iter().next()) else { return Value::Null };
        let schema = &one["schema"];
        let example = self.example(schema, 0);
        json!({
            "media": media, "type": self.kind(schema), "is_json": media == "application/json", "fields": self.fields(schema),
            "example": serde_json::to_string_pretty(&example).unwrap_or_default(),
        })
    }

    /// A schema behind its name.
    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        named(schema).map_or(schema, |name| &self.schemas[name])
    }

    /// The fields of an object, those that are needed first.
    fn fields(&mut self, schema: &Value) -> Vec<Value> {
        let schema = self.resolved(schema).clone();
        let needed: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let fields = schema["properties"].as_object().into_iter().flatten().map(|(name, one)| {
            let is_required = needed.contains(&name.as_str());
            json!({ "name": name, "type": self.kind(one), "is_required": is_required, "text": one["description"], "choices": one["enum"] })
        });
        let mut fields: Vec<_> = fields.collect();
        fields.sort_by_key(|field| field["is_required"] != true);
        fields
    }

    /// What a value is, in words.
    fn kind(&mut self, schema: &Value) -> Value {
        if let Some(name) = named(schema) {
            self.wanted.insert(name.to_owned());
            return word("", name, true, "");
        }
        for way in ["anyOf", "oneOf", "allOf"] {
            let Some(ways) = schema[way].as_array() else { continue };
            let is_null = |one: &&Value| one["type"] == "null";
            let others: Vec<_> = ways.iter().filter(|one| !is_null(one)).collect();
            let or_null = if ways.iter().any(|one| is_null(&one)) { " | null" } else { "" };
            return match others.as_slice() {
                [one] => around(self.kind(one), "", or_null),
                several => {
                    let names: Vec<_> = several.iter().map(|one| spoken(&self.kind(one))).collect();
                    word("", &names.join(" | "), false, or_null)
                }
            };
        }
        let types = match &schema["type"] {
            Value::String(one) => vec![one.as_str()],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => vec![],
        };
        let or_null = if types.contains(&"null") { " | null" } else { "" };
        let own: Vec<_> = types.into_iter().filter(|one| *one != "null").collect();
        match own.as_slice() {
            ["array"] => around(self.kind(&schema["items"]), "[", &format!("]{or_null}")),
            ["string"] => word("", schema["format"].as_str().unwrap_or("string"), false, or_null),
            [] => word("", "any", false, or_null),
            several => word("", &several.join(" | "), false, or_null),
        }
    }

    /// Every shape that was spoken of, and those that they speak of.
    fn shapes(&mut self) -> Vec<Value> {
        let mut shown = BTreeMap::new();
        while let Some(name) = self.wanted.iter().find(|name| !shown.contains_key(*name)).cloned() {
            let schema = self.schemas[&name].clone();
            let is_object = schema["properties"].is_object();
            let shape = json!({
                "name": name, "text": schema["description"], "fields": self.fields(&schema), "choices": schema["enum"],
                "type": if is_object { Value::Null } else { self.kind(&schema) },
            });
            shown.insert(name, shape);
        }
        shown.into_values().collect()
    }

    /// A body to begin with: what is needed, and where nothing is, everything.
    fn example(&self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolved(schema);
        if let Some(first) = schema["enum"].get(0) {
            return first.clone();
        }
        if let Some(default) = schema.get("default") {
            return default.clone();
        }
        let ways = ["anyOf", "oneOf", "allOf"].into_iter().find_map(|way| schema[way].as_array());
        if let Some(one) = ways.and_then(|ways| ways.iter().find(|one| one["type"] != "null")) {
            return self.example(one, depth);
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"].get(0).and_then(Value::as_str)).unwrap_or_default();
        match kind {
            "object" if depth < DEPTH_MAX => {
                let needed: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let fields = schema["properties"].as_object().into_iter().flatten();
                let fields = fields.filter(|(name, _)| needed.is_empty() || needed.contains(&name.as_str()));
                Value::Object(fields.map(|(name, one)| (name.clone(), self.example(one, depth + 1))).collect::<Map<_, _>>())
            }
            "object" => json!({}),
            "array" => json!([self.example(&schema["items"], depth + 1)]),
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
            "boolean" => json!(true),
            _ => json!(""),
        }
    }
}

/// The same words with others around them.
fn around(mut kind: Value, before: &str, after: &str) -> Value {
    kind["before"] = json!(format!("{before}{}", kind["before"].as_str().unwrap_or_default()));
    kind["after"] = json!(format!("{}{after}", kind["after"].as_str().unwrap_or_default()));
    kind
}

fn spoken(kind: &Value) -> String {
    ["before", "name", "after"].into_iter().filter_map(|part| kind[part].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> Value {
        json!({
            "paths": { "/api/cups/{id}": { "put": {
                "operationId": "putCupsById", "tags": ["cups"], "summary": "Changes a cup", "x-permission": "anyone",
                "parameters": [{ "$ref": "#/components/parameters/Company" }],
                "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Cup" } } } },
                "responses": { "200": { "description": "Done", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Cup" } } } } },
            } } },
            "components": {
                "parameters": { "Company": { "name": "X-Company", "in": "header", "schema": { "type": "string" } } },
                "schemas": {
                    "Cup": { "type": "object", "required": ["size"], "properties": {
                        "lids": { "type": "array", "items": { "anyOf": [{ "$ref": "#/components/schemas/Lid" }, { "type": "null" }] } },
                        "size": { "type": "integer", "minimum": 2 },
                    } },
                    "Lid": { "type": "string", "enum": ["flat", "high"] },
                    "Unspoken": { "type": "string" },
                },
            },
        })
    }

    #[test]
    fn an_area_holds_its_endpoints_and_the_shapes_they_speak_of() {
        let cups = area(&described(), "cups").unwrap_or_default();
        let put = &cups["endpoints"][0];
        assert_eq!((&put["method"], &put["parameters"][0]["name"], &put["is_open"]), (&json!("PUT"), &json!("X-Company"), &json!(true)));
        assert_eq!(put["body"]["fields"][0]["name"], "size", "what is needed comes first");
        let example = put["body"]["example"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        assert_eq!(example, Some(json!({ "size": 2 })));
        let lids = &put["body"]["fields"][1]["type"];
        assert_eq!((spoken(lids).as_str(), &lids["name"]), ("[Lid | null]", &json!("Lid")));
        let shapes: Vec<_> = cups["shapes"].as_array().into_iter().flatten().map(|one| &one["name"]).collect();
        assert_eq!(shapes, ["Cup", "Lid"]);
        assert_eq!(cups["shapes"][1]["choices"], json!(["flat", "high"]));
        assert!(area(&described(), "saucers").is_none());
        assert_eq!(areas(&described())[0]["endpoints"][0]["path"], "/api/cups/{id}");
    }
}
