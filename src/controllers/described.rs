//! What each kind of argument takes from a request, for the description.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, Uri},
};
use schemars::JsonSchema;
use serde_json::json;

use super::{
    extract::{AttributedQuery, Id, Ids, Json, Query, Upload, Version},
    once::Once,
};
use crate::{
    endpoints::{Operation, Part},
    tenancy::{Access, Device, Guest, Permission, Souk, roles::CartUse},
};

impl<P: Permission> Part for Access<P> {
    fn describe(operation: &mut Operation<'_>) {
        operation.permission(P::NAME);
        operation.shared("Company");
        if P::NAME == CartUse::NAME {
            operation.shared("CartToken");
        }
    }
}

impl Part for Guest {
    fn describe(operation: &mut Operation<'_>) {
        operation.shared("Company");
        operation.shared("CartToken");
    }
}

impl<T: JsonSchema> Part for Id<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.path::<T>();
    }
}

impl<A: JsonSchema, B: JsonSchema> Part for Ids<A, B> {
    fn describe(operation: &mut Operation<'_>) {
        operation.path::<A>();
        operation.path::<B>();
    }
}

impl<T: JsonSchema> Part for Path<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.path::<T>();
    }
}

impl<T: JsonSchema> Part for Query<T> {
    const ASKS: bool = true;

    fn describe(operation: &mut Operation<'_>) {
        operation.query::<T>();
    }
}

impl<T: JsonSchema> Part for AttributedQuery<T> {
    const ASKS: bool = true;

    fn describe(operation: &mut Operation<'_>) {
        operation.query::<T>();
        operation.attributes();
    }
}

impl<T: JsonSchema> Part for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.body::<T>();
        operation.refuses("422");
    }
}

impl Part for Upload {
    fn describe(operation: &mut Operation<'_>) {
        let file = json!({ "type": "string", "format": "binary" });
        let schema = json!({
            "type": "object", "required": ["file"], "properties": { "file": file }, "additionalProperties": { "type": "string" },
        });
        operation.other_body("multipart/form-data", &schema);
    }
}

impl Part for Version {
    fn describe(operation: &mut Operation<'_>) {
        operation.shared("IfMatch");
        operation.refuses("412");
    }
}

impl Part for Once {
    fn describe(operation: &mut Operation<'_>) {
        operation.shared("IdempotencyKey");
        operation.refuses("409");
        operation.refuses("422");
    }
}

/// A body that somebody else gave its form.
impl Part for Bytes {
    fn describe(operation: &mut Operation<'_>) {
        operation.other_body("*/*", &json!({}));
    }
}

/// A provider's address, query and all, is what it signed.
impl Part for Uri {
    const ASKS: bool = true;

    fn describe(_: &mut Operation<'_>) {}
}

macro_rules! nothing {
    ($($part:ty)*) => {$(
        impl Part for $part {
            fn describe(_: &mut Operation<'_>) {}
        }
    )*};
}

// What a client does not decide to send.
nothing! { State<Souk> Device HeaderMap }
