//! The page behind a letter's "no more of these": for people who are not signed in.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    PageResult,
    door::{look, page},
    fields::Fields,
    visitor::said,
};
use crate::{
    controllers::extract::Query,
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    models::notifications::{self, Letters},
    tenancy::{Souk, roles::Anyone},
};

const TEMPLATE: &str = "public/unsubscribe.html";

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    link: String,
    #[serde(default)]
    class: String,
}

async fn show(State(souk): State<Souk>, headers: HeaderMap, Query(asked): Query<Asked>) -> PageResult<Response> {
    answer(&headers, &asked, notifications::letters_of(&souk, &asked.link, &asked.class).await, false)
}

/// By a button, since whoever scans mail opens its links; the same button leads back.
async fn switch(State(souk): State<Souk>, headers: HeaderMap, fields: Fields) -> PageResult<Response> {
    let asked = Asked { link: fields.raw("link").to_owned(), class: fields.raw("class").to_owned() };
    let done = keep(&souk, &asked, fields.is_on("again")).await;
    answer(&headers, &asked, done, true)
}

async fn keep(souk: &Souk, asked: &Asked, is_on: bool) -> Result<Letters> {
    notifications::switch_letters(souk, &asked.link, &asked.class, is_on).await?;
    notifications::letters_of(souk, &asked.link, &asked.class).await
}

fn answer(headers: &HeaderMap, asked: &Asked, letters: Result<Letters>, done: bool) -> PageResult<Response> {
    let look = look(headers);
    match letters {
        Ok(letters) => {
            let data = json!({
                "lang": letters.language, "link": asked.link, "class": letters.class, "are_on": letters.are_on, "done": done, "sender": letters.company,
            });
            page(headers, TEMPLATE, StatusCode::OK, data)
        }
        Err(error @ Error::Invalid(_)) => {
            let data = json!({ "error": said(&error, &look.language), "class": "", "are_on": false, "sender": "" });
            page(headers, TEMPLATE, StatusCode::UNPROCESSABLE_ENTITY, data)
        }
        Err(error) => Err(look.with(error)),
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<Anyone, _>("/unsubscribe", "Asks whether letters of a kind should end", show),
        post::<Anyone, _>("/unsubscribe", "Ends letters of a kind, or begins them again", switch),
    ]
}
