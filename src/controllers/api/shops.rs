//! `/api/shops`.

use axum::{Json as Answer, http::StatusCode};
use serde_json::Value;

use crate::{
    controllers::{
        extract::{Id, Json, Version},
        page,
    },
    endpoints::{Endpoint, get, post, put},
    errors::Result,
    ids::ShopId,
    models::{
        inventory,
        shops::{self, NewShop, ShopChange},
    },
    tenancy::{
        Access,
        roles::{ShopsRead, ShopsWrite},
    },
    views::shops::{full, public},
};

async fn index(access: Access<ShopsRead>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let shops: Vec<_> = shops::list(&scope).await?.iter().map(public).collect();
    Ok(Answer(page::envelope(shops, 100, None)))
}

async fn show(access: Access<ShopsRead>, Id(id): Id<ShopId>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let shop = shops::get(&scope, id).await?;
    Ok(Answer(full(&shop, &shops::hours(&scope, id).await?)))
}

/// A new shop has a place where its stock lies.
async fn create(access: Access<ShopsWrite>, Json(new, _): Json<NewShop>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    let shop = shops::open(&scope, new).await?;
    inventory::open_location(&scope, "shop", &shop.slug, &shop.name, Some(shop.id)).await?;
    let answer = full(&shop, &shops::hours(&scope, shop.id).await?);
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(answer)))
}

async fn update(
    access: Access<ShopsWrite>,
    Id(id): Id<ShopId>,
    Version(version): Version,
    Json(change, _): Json<ShopChange>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    let shop = shops::change(&scope, id, change, version).await?;
    let answer = full(&shop, &shops::hours(&scope, id).await?);
    scope.commit().await?;
    Ok(Answer(answer))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<ShopsRead, _>("/api/shops", "The company's shops", index),
        post::<ShopsWrite, _>("/api/shops", "Opens a shop", create),
        get::<ShopsRead, _>("/api/shops/{id}", "One shop with its hours", show),
        put::<ShopsWrite, _>("/api/shops/{id}", "Changes a shop", update),
    ]
}
