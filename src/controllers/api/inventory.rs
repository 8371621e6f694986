//! `/api/inventory`.

use axum::{Json as Answer, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    controllers::{
        extract::{Id, Json, Query},
        once::{Begun, Once},
        page,
    },
    endpoints::{Endpoint, get, patch},
    errors::{Error, Result},
    ids::{MovementId, ShopId, StockId, VariantId},
    models::inventory::{self, Adjustment},
    tenancy::{
        Access,
        roles::{InventoryRead, InventoryWrite},
    },
    views::inventory as view,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    shop_id: Option<String>,
    low_stock: Option<bool>,
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn index(access: Access<InventoryRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let shop = list.shop_id.as_deref().map(str::parse::<ShopId>).transpose();
    let shop = shop.map_err(|_| Error::invalid("shopId", "invalid", "that is not an id"))?;
    stock_page(&access, shop, list.low_stock == Some(true), limit, list.cursor.as_deref()).await
}

async fn alerts(access: Access<InventoryRead>) -> Result<Answer<Value>> {
    stock_page(&access, None, true, 100, None).await
}

async fn stock_page(
    access: &Access<InventoryRead>,
    shop: Option<ShopId>,
    low: bool,
    limit: u64,
    cursor: Option<&str>,
) -> Result<Answer<Value>> {
    let bound = format!("inventory {shop:?} {low}");
    let after = page::open::<StockId>(access.souk(), &bound, cursor)?;
    let scope = access.read().await?;
    let mut rows = inventory::list(&scope, shop, low, after, limit + 1).await?;
    let more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(100));
    let next = rows.last().filter(|_| more).map(|last| page::seal(access.souk(), &bound, last.id)).transpose()?;
    Ok(Answer(page::envelope(rows.iter().map(view::row).collect::<Vec<_>>(), limit, next)))
}

async fn show(access: Access<InventoryRead>, Id(id): Id<VariantId>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let rows = inventory::of_variant(&scope, id).await?;
    if rows.is_empty() {
        return Err(Error::NOT_FOUND);
    }
    Ok(Answer(json!({ "variantId": id, "locations": rows.iter().map(view::row).collect::<Vec<_>>() })))
}

async fn adjust(
    access: Access<InventoryWrite>,
    once: Once,
    Id(id): Id<VariantId>,
    Json(change, hash): Json<Adjustment>,
) -> Result<Response> {
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Resume(..) => return Err(Error::internal("an adjustment has one unit")),
    };
    let result = inventory::adjust(unit.scope(), id, &change).await.map(|row| view::row(&row));
    unit.end(StatusCode::OK, result).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pages {
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn movements(access: Access<InventoryRead>, Id(id): Id<VariantId>, Query(pages): Query<Pages>) -> Result<Answer<Value>> {
    let limit = page::limit(pages.limit)?;
    let bound = format!("movements {id}");
    let before = page::open::<MovementId>(access.souk(), &bound, pages.cursor.as_deref())?;
    let scope = access.read().await?;
    let mut rows = inventory::movements(&scope, id, before, limit + 1).await?;
    let more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(100));
    let next = rows.last().filter(|_| more).map(|last| page::seal(access.souk(), &bound, last.id)).transpose()?;
    Ok(Answer(page::envelope(rows.iter().map(view::movement).collect::<Vec<_>>(), limit, next)))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<InventoryRead, _>("/api/inventory", "Stock by location", index),
        get::<InventoryRead, _>("/api/inventory/alerts", "What is low or out", alerts),
        get::<InventoryRead, _>("/api/inventory/{id}", "One variant's stock", show),
        patch::<InventoryWrite, _>("/api/inventory/{id}", "Adjusts stock, with a reason", adjust),
        get::<InventoryRead, _>("/api/inventory/{id}/movements", "Why a variant's stock changed", movements),
    ]
}
