//! What a request takes, read from the types of its handler's arguments.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// An argument of a handler, as the description knows it.
pub trait Part {
    /// Whether it reads the query.
    const ASKS: bool = false;

    /// Writes down what it takes from the request.
    fn describe(operation: &mut Operation<'_>);
}

/// All arguments of a handler.
pub trait Described {
    /// Whether any of them reads the query.
    const ASKS: bool;

    fn describe(operation: &mut Operation<'_>);
}

// Axum gives a handler the tuple of its arguments as a type, behind a marker of its own.
macro_rules! tuples {
    ($(($($part:ident)*))*) => {$(
        impl<M, $($part: Part),*> Described for (M, $($part,)*) {
            const ASKS: bool = false $(|| $part::ASKS)*;

            fn describe(_operation: &mut Operation<'_>) {
                $($part::describe(_operation);)*
            }
        }
    )*};
}

tuples! { () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

/// What is known of one operation so far.
pub struct Operation<'a> {
    schemas: &'a mut SchemaGenerator,
    /// The names of the path's parameters that no argument took yet.
    path: std::vec::IntoIter<&'static str>,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    /// The permissions that its arguments ask for.
    pub(super) permissions: Vec<&'static str>,
    /// Refusals beside those that every operation may have.
    pub(super) refusals: Vec<&'static str>,
}

impl<'a> Operation<'a> {
    pub(super) fn new(uri: &'static str, schemas: &'a mut SchemaGenerator) -> Self {
        let path: Vec<_> = uri.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        Self { schemas, path: path.into_iter(), parameters: vec![], body: None, permissions: vec![], refusals: vec![] }
    }

    /// It asks for a permission, of whoever signed in.
    pub fn permission(&mut self, name: &'static str) {
        self.permissions.push(name);
    }

    /// A parameter that many operations have, by its name among the components; said once, however many ask for it.
    pub fn shared(&mut self, name: &str) {
        let one = json!({ "$ref": format!("#/components/parameters/{name}") });
        if !self.parameters.contains(&one) {
            self.parameters.push(one);
        }
    }

    /// A refusal that comes of what it takes, by its name among the components.
    pub fn refuses(&mut self, status: &'static str) {
        self.refusals.push(status);
    }

    /// The next of the path's parameters.
    pub fn path<T: JsonSchema>(&mut self) {
        let schema = self.schemas.subschema_for::<T>();
        if let Some(name) = self.path.next() {
            self.parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        }
    }

    /// Parameters of the query: the fields of `T`.
    pub fn query<T: JsonSchema>(&mut self) {
        let mut schema = T::json_schema(self.schemas).to_value();
        let required: Vec<_> = schema["required"].as_array().cloned().unwrap_or_default();
        let Some(Value::Object(fields)) = schema.get_mut("properties").map(Value::take) else { return };
        for (name, field) in fields {
            let is_required = required.contains(&json!(name));
            // What every list has is written down once.
            match name.as_str() {
                "limit" => self.shared("Limit"),
                "cursor" => self.shared("Cursor"),
                "total" => self.shared("Total"),
                _ => self.parameters.push(parameter(&name, is_required, field)),
            }
        }
    }

    /// Parameters of the query whose names begin with `attr.`.
    pub fn attributes(&mut self) {
        self.shared("Attributes");
    }

    /// A JSON body. Where all of it may be left out, so may the body.
    pub fn body<T: JsonSchema>(&mut self) {
        let is_required = T::json_schema(self.schemas).get("required").is_some();
        let schema = self.schemas.subschema_for::<T>();
        self.body = Some(json!({ "required": is_required, "content": { "application/json": { "schema": schema } } }));
    }

    /// A body of another kind.
    pub fn other_body(&mut self, media_type: &str, schema: &Value) {
        self.body = Some(json!({ "required": true, "content": { media_type: { "schema": schema } } }));
    }
}

/// One field of a query. Its text says what it is; a parameter that is not given is not null.
fn parameter(name: &str, is_required: bool, field: Value) -> Value {
    let mut parameter = Map::from_iter([("name".to_owned(), json!(name)), ("in".to_owned(), json!("query"))]);
    let mut schema = without_null(field);
    if let Some(text) = schema.as_object_mut().and_then(|schema| schema.remove("description")) {
        parameter.insert("description".into(), text);
    }
    parameter.insert("required".into(), json!(is_required));
    parameter.insert("schema".into(), schema);
    Value::Object(parameter)
}

fn without_null(mut schema: Value) -> Value {
    let is_null = |one: &Value| *one == json!("null") || *one == json!({ "type": "null" });
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| !is_null(kind));
        if let [only] = kinds.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| !is_null(choice));
        if let [only] = choices.as_slice() {
            return only.clone();
        }
    }
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("default");
    }
    schema
}
