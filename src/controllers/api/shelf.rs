//! What people find on the shelf: `/api/stock-counts`, goods that come in, losses, and orders that
//! come short by them.

use axum::{Json as Answer, http::StatusCode, response::Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    controllers::{
        extract::{Id, Json, Query},
        once::{Begun, Once},
        page,
    },
    endpoints::{
        Endpoint,
        api::{get, post},
    },
    errors::{Error, Result},
    ids::{OrderId, StockCountId, VariantId},
    models::{
        inventory::{self, Receipt},
        orders::{self, Count, WriteOff},
    },
    tenancy::{
        Access,
        roles::{InventoryHandle, InventoryRead, InventoryWrite, OrdersFulfil},
    },
    views::{inventory as view, orders as order_view},
};

/// A sale may come in between a count's look and its act; then it looks again.
const TRIES: usize = 4;

async fn count(access: Access<InventoryHandle>, once: Once, Json(body, hash): Json<Count>) -> Result<Response> {
    for _ in 1..TRIES {
        let unit = match once.begin(&access, &hash).await? {
            Begun::Fresh(unit) => unit,
            Begun::Replay(answer) => return Ok(answer),
            Begun::Resume(..) | Begun::Past(_) => return Err(Error::internal("a count has one unit")),
        };
        match orders::count(unit.scope(), &body).await {
            Err(Error::Unavailable(_)) => {}
            result => return unit.end(StatusCode::CREATED, result.map(|(head, lines)| view::count(&head, &lines))).await,
        }
    }
    Err(Error::Unavailable("too many sales at this moment".into()))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pages {
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn counts(access: Access<InventoryRead>, Query(pages): Query<Pages>) -> Result<Answer<Value>> {
    let limit = page::limit(pages.limit)?;
    let before = page::open::<StockCountId>(&access, "stock counts", pages.cursor.as_deref())?;
    let scope = access.read_company().await?;
    let mut rows = inventory::counts(&scope, before, limit + 1).await?;
    let next = page::cut(&access, "stock counts", &mut rows, limit, |row| row.id)?;
    Ok(Answer(page::envelope(rows.iter().map(|row| view::count(row, &[])).collect::<Vec<_>>(), limit, next)))
}

async fn show_count(access: Access<InventoryRead>, Id(id): Id<StockCountId>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    let (head, lines) = inventory::count(&scope, id).await?;
    Ok(Answer(view::count(&head, &lines)))
}

async fn receive(access: Access<InventoryHandle>, once: Once, Json(receipt, hash): Json<Receipt>) -> Result<Response> {
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Resume(..) | Begun::Past(_) => return Err(Error::internal("a receipt has one unit")),
    };
    let came = inventory::receive(unit.scope(), &receipt).await;
    unit.end(StatusCode::CREATED, came.map(|rows| page::envelope(rows.iter().map(view::row).collect::<Vec<_>>(), 500, None))).await
}

async fn write_off(
    access: Access<InventoryWrite>,
    once: Once,
    Id(id): Id<VariantId>,
    Json(loss, hash): Json<WriteOff>,
) -> Result<Response> {
    for _ in 1..TRIES {
        let unit = match once.begin(&access, &hash).await? {
            Begun::Fresh(unit) => unit,
            Begun::Replay(answer) => return Ok(answer),
            Begun::Resume(..) | Begun::Past(_) => return Err(Error::internal("a loss has one unit")),
        };
        match orders::write_off(unit.scope(), id, &loss).await {
            Err(Error::Unavailable(_)) => {}
            result => return unit.end(StatusCode::OK, result.map(|row| view::row(&row))).await,
        }
    }
    Err(Error::Unavailable("too many sales at this moment".into()))
}

async fn fill(access: Access<OrdersFulfil>, once: Once, Id(id): Id<OrderId>, Json(_, hash): Json<Nothing>) -> Result<Response> {
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Resume(..) | Begun::Past(_) => return Err(Error::internal("filling has one unit")),
    };
    let result = match orders::fill(unit.scope(), id).await {
        Ok(order) => order_view::orders(unit.scope(), &[order]).await.map(|mut shown| shown.pop()),
        Err(error) => Err(error),
    };
    unit.end(StatusCode::OK, result).await
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NoFields")]
struct Nothing {}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        post::<InventoryHandle, _>("/api/stock-counts", "Writes down what was counted", count).answers(201, "StockCount"),
        get::<InventoryRead, _>("/api/stock-counts", "Counts, newest first", counts).answers(200, "[StockCount]"),
        get::<InventoryRead, _>("/api/stock-counts/{id}", "One count with its lines", show_count).answers(200, "StockCount"),
        post::<InventoryHandle, _>("/api/inventory/receipts", "Books in goods", receive).answers(201, "[StockRow]"),
        post::<InventoryWrite, _>("/api/inventory/{id}/waste", "Takes spoiled or broken goods out of the books", write_off)
            .answers(200, "StockRow"),
        post::<OrdersFulfil, _>("/api/orders/{id}/fill", "Takes what an order came short of from the shelf", fill).answers(200, "Order"),
    ]
}
