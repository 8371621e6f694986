//! The notation of `src/views/answers.yaml`: what the API answers, in words that are read at sight.
//!
//! A mapping is an object with exactly these fields, and one whose name ends in `?` may be absent;
//! `[…]` is an array; `A or null` is one of several; `map of A` is an object with any names;
//! a capital names another shape, or words that the domains know.

use serde_json::{Map, Value, json};
use serde_yaml::Value as Yaml;

use crate::{
    errors::{Error, Result},
    views::answers,
};

/// The shapes of all answers as JSON schemas, by name.
///
/// # Errors
/// When the notation is broken.
pub fn schemas() -> Result<Map<String, Value>> {
    let mut shapes: Yaml = serde_yaml::from_str(answers::SHAPES).map_err(Error::internal)?;
    // Twice, since a shape may go on from one that goes on from another.
    for _ in 0..2 {
        shapes.apply_merge().map_err(Error::internal)?;
    }
    let Yaml::Mapping(shapes) = shapes else { return Err(Error::internal("shapes are a mapping")) };
    let mut schemas = Map::new();
    for (name, words) in answers::words() {
        schemas.insert(name.into(), json!({ "type": "string", "enum": words }));
    }
    for (name, shape) in &shapes {
        let name = name.as_str().ok_or_else(|| Error::internal("a shape without a name"))?;
        let schema = schema(shape).map_err(|what| Error::internal(format!("{name}: {what}")))?;
        if schemas.insert(name.into(), schema).is_some() {
            return Err(Error::internal(format!("{name}: there are words of this name")));
        }
    }
    Ok(schemas)
}

fn schema(shape: &Yaml) -> Result<Value, String> {
    match shape {
        Yaml::Mapping(fields) => {
            let (mut properties, mut required) = (Map::new(), vec![]);
            for (name, field) in fields {
                let name = name.as_str().filter(|name| *name != "<<").ok_or("a field without a name of its own")?;
                let schema = schema(field).map_err(|what| format!("{name}: {what}"))?;
                match name.strip_suffix('?') {
                    Some(name) => properties.insert(name.into(), schema),
                    None => {
                        required.push(name);
                        properties.insert(name.into(), schema)
                    }
                };
            }
            Ok(json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false }))
        }
        Yaml::Sequence(items) => match items.as_slice() {
            [item] => Ok(json!({ "type": "array", "items": schema(item)? })),
            _ => Err("an array is of one shape".into()),
        },
        Yaml::String(words) => choice(words),
        _ => Err("neither an object, an array nor words".into()),
    }
}

fn choice(words: &str) -> Result<Value, String> {
    let choices = words.split(" or ").map(word).collect::<Result<Vec<_>, _>>()?;
    match choices.as_slice() {
        [only] => Ok(only.clone()),
        [one, null] if null["type"] == "null" && one["type"].is_string() && one["enum"].is_null() => {
            let mut one = one.clone();
            one["type"] = json!([one["type"], "null"]);
            Ok(one)
        }
        _ => Ok(json!({ "anyOf": choices })),
    }
}

fn word(word: &str) -> Result<Value, String> {
    if let Some(values) = word.strip_prefix("map of ") {
        return Ok(json!({ "type": "object", "additionalProperties": self::word(values)? }));
    }
    if let Some(values) = word.strip_prefix("one of ") {
        return Ok(json!({ "type": "string", "enum": values.split(", ").collect::<Vec<_>>() }));
    }
    Ok(match word {
        "text" => json!({ "type": "string" }),
        "id" => json!({ "type": "string", "format": "uuid" }),
        "time" => json!({ "type": "string", "format": "date-time" }),
        "date" => json!({ "type": "string", "format": "date" }),
        "flag" => json!({ "type": "boolean" }),
        "integer" => json!({ "type": "integer", "format": "int64" }),
        "money" => json!({ "$ref": "#/components/schemas/Money" }),
        "number" => json!({ "type": "number" }),
        "object" => json!({ "type": "object" }),
        "anything" => json!({}),
        "null" => json!({ "type": "null" }),
        name if name.starts_with(|letter: char| letter.is_ascii_uppercase()) => json!({ "$ref": format!("#/components/schemas/{name}") }),
        other => return Err(format!("`{other}` is no word of the notation")),
    })
}
