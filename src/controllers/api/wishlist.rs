//! `/api/wishlist`: what a customer would buy one day.

use axum::{Json as Answer, http::StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    controllers::{
        extract::{Id, Json, Query},
        page,
    },
    endpoints::{
        Endpoint,
        api::{delete, get, post},
    },
    errors::Result,
    ids::{ProductId, RowId},
    models::carts::{self, Wish},
    tenancy::{Access, roles::AccountKeep},
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pages {
    limit: Option<u64>,
    cursor: Option<String>,
}

fn wish(one: &Wish) -> Value {
    json!({ "productId": one.product_id, "addedAt": one.created_at })
}

async fn index(access: Access<AccountKeep>, Query(pages): Query<Pages>) -> Result<Answer<Value>> {
    let limit = page::limit(pages.limit)?;
    let before = page::open::<RowId>(&access, "wishlist", pages.cursor.as_deref())?;
    let scope = access.read().await?;
    let mut rows = carts::wishes(&scope, scope.customer()?, before, limit + 1).await?;
    let next = page::cut(&access, "wishlist", &mut rows, limit, |row| row.id)?;
    Ok(Answer(page::envelope(rows.iter().map(wish).collect::<Vec<_>>(), limit, next)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NewWish")]
struct Wished {
    product_id: ProductId,
}

async fn add(access: Access<AccountKeep>, Json(body, _): Json<Wished>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    let row = carts::wish(&scope, scope.customer()?, body.product_id).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(wish(&row))))
}

async fn remove(access: Access<AccountKeep>, Id(product): Id<ProductId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    carts::unwish(&scope, scope.customer()?, product).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<AccountKeep, _>("/api/wishlist", "My wishlist, newest first", index).answers(200, "[Wish]"),
        post::<AccountKeep, _>("/api/wishlist/items", "Puts a product on my wishlist", add).answers(201, "Wish"),
        delete::<AccountKeep, _>("/api/wishlist/items/{id}", "Takes a product off my wishlist", remove).empty(204),
    ]
}
