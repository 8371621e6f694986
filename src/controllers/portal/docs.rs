//! `/api/docs`: what the JSON API takes and answers, to be read and tried. In front of the door, since
//! whoever writes a program may have no place in any portal.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::json;

use super::{PageResult, door};
use crate::{
    controllers::{api::operations::description, extract::Id},
    endpoints::{Endpoint, api::get},
    errors::Error,
    tenancy::roles::Anyone,
    views::docs,
};

async fn index(headers: HeaderMap) -> PageResult<Response> {
    let description = description().map_err(|error| door::look(&headers).with(error))?;
    let data = json!({ "path": "/api/docs", "about": description["info"]["description"], "areas": docs::areas(description) });
    door::page(&headers, "public/docs.html", StatusCode::OK, data)
}

async fn area(headers: HeaderMap, Id(name): Id<String>) -> PageResult<Response> {
    let refuse = |error| door::look(&headers).with(error);
    let description = description().map_err(refuse)?;
    let area = docs::area(description, &name).ok_or(Error::NOT_FOUND).map_err(refuse)?;
    door::page(&headers, "public/docs_area.html", StatusCode::OK, json!({ "path": format!("/api/docs/{name}"), "area": area }))
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<Anyone, _>("/api/docs", "This description as a page to read", index).sends(200, "text/html"),
        get::<Anyone, _>("/api/docs/{area}", "An area of it, with a form to try each endpoint", area).sends(200, "text/html"),
    ]
}
