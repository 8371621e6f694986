//! `/api/inventory`, `/api/warehouses`.

use axum::{Json as Answer, http::StatusCode, response::Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    controllers::{
        extract::{Id, Json, Query, Version},
        once::{Begun, Once},
        page,
    },
    endpoints::{
        Endpoint,
        api::{get, patch, post, put},
    },
    errors::{Error, Result},
    ids::{AlertId, LocationId, MovementId, ShopId, StockId, VariantId},
    models::{
        catalog,
        inventory::{self, Adjustment, Alert, AlertFilter, Level, OneOfMany, Open, ReorderPoint, StockFilter},
    },
    tenancy::{
        Access,
        roles::{InventoryHandle, InventoryRead, InventoryWrite},
    },
    views::inventory as view,
};

/// The most variants that are read at once.
const BULK_MAX: usize = 200;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    #[schemars(with = "Option<ShopId>")]
    shop_id: Option<String>,
    #[schemars(with = "Option<LocationId>")]
    warehouse_id: Option<String>,
    low_stock: Option<bool>,
    total: Option<bool>,
    limit: Option<u64>,
    cursor: Option<String>,
}

fn id<T: std::str::FromStr>(field: &str, text: Option<&String>) -> Result<Option<T>> {
    text.map(|text| text.parse()).transpose().map_err(|_| Error::invalid(field, "invalid", "that is not an id"))
}

async fn index(access: Access<InventoryRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let filter = StockFilter {
        shop: id::<ShopId>("shopId", list.shop_id.as_ref())?,
        location: id::<LocationId>("warehouseId", list.warehouse_id.as_ref())?,
        short: list.low_stock == Some(true),
        ..StockFilter::default()
    };
    let bound = format!("inventory {filter:?}");
    let after = page::open::<StockId>(&access, &bound, list.cursor.as_deref())?;
    if access.sees_all() {
        if list.total == Some(true) {
            return Err(Error::invalid("total", "needs_company", "name a company with the header X-Company"));
        }
        let platform = access.souk().platform("oversight").await?;
        let mut rows = inventory::list_of_all(&platform, &filter, after, limit + 1).await?;
        let next = page::cut(&access, &bound, &mut rows, limit, |row| row.id)?;
        return Ok(Answer(page::envelope(rows.iter().map(view::row_of_all).collect::<Vec<_>>(), limit, next)));
    }
    let scope = access.read().await?;
    let mut rows = inventory::list(&scope, &filter, after, limit + 1).await?;
    let next = page::cut(&access, &bound, &mut rows, limit, |row| row.id)?;
    let total = if list.total == Some(true) { Some(inventory::count_rows(&scope, &filter, page::TOTAL_MAX).await?) } else { None };
    Ok(Answer(page::with_total(page::envelope(rows.iter().map(view::row).collect::<Vec<_>>(), limit, next), total)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AlertList {
    #[schemars(extend("enum" = ["open", "unseen", "closed", "all"]))]
    state: Option<String>,
    #[schemars(extend("enum" = ["low", "out"]))]
    kind: Option<String>,
    #[schemars(with = "Option<ShopId>")]
    shop_id: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn alerts(access: Access<InventoryRead>, Query(list): Query<AlertList>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let open = match list.state.as_deref() {
        None | Some("open") => Open::Still,
        Some("unseen") => Open::Unseen,
        Some("closed") => Open::Over,
        Some("all") => Open::All,
        Some(_) => return Err(Error::invalid("state", "unknown", "use open, unseen, closed or all")),
    };
    let unknown = || Error::invalid("kind", "unknown", "use low or out");
    let kind = list.kind.as_deref().map(|kind| Level::named(kind).ok_or_else(unknown)).transpose()?;
    let filter = AlertFilter { open, kind, shop: id("shopId", list.shop_id.as_ref())?, ..AlertFilter::default() };
    let bound = format!("alerts {filter:?}");
    let before = page::open::<AlertId>(&access, &bound, list.cursor.as_deref())?;
    let ids = |rows: &[Alert]| rows.iter().map(|row| row.variant_id).collect::<Vec<_>>();
    if access.sees_all() {
        let platform = access.souk().platform("oversight").await?;
        let mut rows = inventory::alerts_of_all(&platform, filter, before, limit + 1).await?;
        let next = page::cut(&access, &bound, &mut rows, limit, |row| row.id)?;
        let companies: Vec<_> = rows.iter().map(|row| row.company_id).collect();
        let goods = catalog::with_products_of_all(&platform, &companies, &ids(&rows)).await?;
        let data: Vec<_> = rows.iter().map(|row| view::alert_of_all(row, goods.get(&row.variant_id))).collect();
        return Ok(Answer(page::envelope(data, limit, next)));
    }
    let scope = access.read().await?;
    let mut rows = inventory::alerts(&scope, filter, before, limit + 1).await?;
    let next = page::cut(&access, &bound, &mut rows, limit, |row| row.id)?;
    let goods = catalog::with_products(&scope, &ids(&rows)).await?;
    let data: Vec<_> = rows.iter().map(|row| view::alert(row, goods.get(&row.variant_id))).collect();
    Ok(Answer(page::envelope(data, limit, next)))
}

async fn acknowledge(access: Access<InventoryHandle>, Id(id): Id<AlertId>) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    let alert = inventory::acknowledge(&scope, id).await?;
    scope.commit().await?;
    Ok(Answer(view::alert(&alert, None)))
}

/// The same access within the company of a variant, for the platform's people who named none.
async fn at_home(access: Access<InventoryRead>, id: VariantId) -> Result<Access<InventoryRead>> {
    if !access.sees_all() {
        return Ok(access);
    }
    let platform = access.souk().platform("oversight").await?;
    let company = catalog::company_of_variant(&platform, id).await?;
    drop(platform);
    access.within(company)
}

async fn show(access: Access<InventoryRead>, Id(id): Id<VariantId>) -> Result<Answer<Value>> {
    let access = at_home(access, id).await?;
    let scope = access.read().await?;
    let rows = inventory::of_variant(&scope, id).await?;
    if rows.is_empty() {
        return Err(Error::NOT_FOUND);
    }
    Ok(Answer(view::of_variant(id, &rows)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "VariantIds")]
struct Asked {
    variant_ids: Vec<VariantId>,
}

/// Many variants at once; those that are nobody's stock here have no locations.
async fn bulk(access: Access<InventoryRead>, Json(asked, _): Json<Asked>) -> Result<Answer<Value>> {
    if asked.variant_ids.is_empty() || asked.variant_ids.len() > BULK_MAX {
        return Err(Error::invalid("variantIds", "out_of_range", format!("from 1 to {BULK_MAX} ids")));
    }
    let scope = access.read().await?;
    let found = inventory::of_variants(&scope, &asked.variant_ids).await?;
    let of = |id| found.get(id).map(Vec::as_slice).unwrap_or_default();
    let data: Vec<_> = asked.variant_ids.iter().map(|id| view::of_variant(*id, of(id))).collect();
    Ok(Answer(page::envelope(data, asked.variant_ids.len() as u64, None)))
}

async fn adjust(
    access: Access<InventoryWrite>,
    once: Once,
    Id(id): Id<VariantId>,
    Version(version): Version,
    Json(change, hash): Json<Adjustment>,
) -> Result<Response> {
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Resume(..) | Begun::Past(_) => return Err(Error::internal("an adjustment has one unit")),
    };
    let result = inventory::adjust(unit.scope(), id, &change, version).await.map(|row| view::row(&row));
    unit.end(StatusCode::OK, result).await
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StockUpdates")]
struct Updates {
    updates: Vec<OneOfMany>,
}

/// All of the changes, or none.
async fn bulk_update(access: Access<InventoryWrite>, once: Once, Json(body, hash): Json<Updates>) -> Result<Response> {
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Resume(..) | Begun::Past(_) => return Err(Error::internal("adjustments have one unit")),
    };
    let limit = body.updates.len() as u64;
    let result = inventory::adjust_many(unit.scope(), body.updates).await;
    let result = result.map(|rows| page::envelope(rows.iter().map(view::row).collect::<Vec<_>>(), limit, None));
    unit.end(StatusCode::OK, result).await
}

async fn reorder_point(
    access: Access<InventoryWrite>,
    Id(id): Id<VariantId>,
    Version(version): Version,
    Json(change, _): Json<ReorderPoint>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    let row = inventory::set_reorder_point(&scope, id, change, version).await?;
    scope.commit().await?;
    Ok(Answer(view::row(&row)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pages {
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn movements(access: Access<InventoryRead>, Id(id): Id<VariantId>, Query(pages): Query<Pages>) -> Result<Answer<Value>> {
    let limit = page::limit(pages.limit)?;
    let bound = format!("movements {id}");
    let access = at_home(access, id).await?;
    let before = page::open::<MovementId>(&access, &bound, pages.cursor.as_deref())?;
    let scope = access.read().await?;
    let mut rows = inventory::movements(&scope, id, before, limit + 1).await?;
    let next = page::cut(&access, &bound, &mut rows, limit, |row| row.id)?;
    Ok(Answer(page::envelope(rows.iter().map(view::movement).collect::<Vec<_>>(), limit, next)))
}

async fn warehouses(access: Access<InventoryRead>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    let rows = inventory::warehouses(&scope).await?;
    let data: Vec<_> = rows.iter().map(|one| json!({ "id": one.id, "slug": one.slug, "name": one.name })).collect();
    Ok(Answer(page::whole(data)))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<InventoryRead, _>("/api/inventory", "Stock by location", index).answers(200, "[StockRow]"),
        post::<InventoryRead, _>("/api/inventory/bulk", "Many variants' stock", bulk).answers(200, "[VariantStock]"),
        post::<InventoryWrite, _>("/api/inventory/bulk-update", "Adjusts several, or none", bulk_update).answers(200, "[StockRow]"),
        get::<InventoryRead, _>("/api/inventory/alerts", "What is low or out, newest first", alerts).answers(200, "[Alert]"),
        post::<InventoryHandle, _>("/api/inventory/alerts/{id}/ack", "Somebody takes care of it", acknowledge).answers(200, "Alert"),
        get::<InventoryRead, _>("/api/inventory/{id}", "One variant's stock", show).answers(200, "VariantStock"),
        patch::<InventoryWrite, _>("/api/inventory/{id}", "Adjusts stock, with a reason", adjust).answers(200, "StockRow"),
        put::<InventoryWrite, _>("/api/inventory/{id}/reorder-point", "Says from when on it is low", reorder_point)
            .answers(200, "StockRow"),
        get::<InventoryRead, _>("/api/inventory/{id}/movements", "Why a variant's stock changed", movements).answers(200, "[Movement]"),
        get::<InventoryRead, _>("/api/warehouses", "Places that are no shop's", warehouses).answers(200, "[Warehouse]"),
    ]
}
