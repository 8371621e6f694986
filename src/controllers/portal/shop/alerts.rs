//! What is low or out at the shop.

use std::collections::BTreeMap;

use axum::response::{Html, Redirect};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{PageResult, Visitor, local, shelf::amount},
    shop_of,
};
use crate::{
    controllers::extract::{Id, Query},
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::{AlertId, ShopId},
    models::{
        carts::line_name_in,
        catalog,
        companies::{self, Company},
        inventory::{self, Alert, AlertFilter, Open, StockFilter},
    },
    tenancy::{
        Access, Permission,
        roles::{InventoryHandle, InventoryRead},
    },
};

/// A shop with more than this is short of everything.
const ROWS: u64 = 200;

#[derive(Debug, Deserialize)]
struct Asked {
    shop: Option<ShopId>,
}

async fn index(visitor: Visitor<InventoryRead>, Query(asked): Query<Asked>) -> PageResult<Html<String>> {
    let read = page_of(&visitor.access, asked.shop, &visitor.language).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("shop/alerts.html", &company, data)
}

async fn page_of(access: &Access<InventoryRead>, asked: Option<ShopId>, language: &str) -> Result<(Company, Value)> {
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let (shops, shop) = shop_of(&scope, asked).await?;
    let filter = AlertFilter { open: Open::Still, shop: Some(shop.id), ..AlertFilter::default() };
    let mut found = inventory::alerts(&scope, filter, None, ROWS + 1).await?;
    let has_more = found.len() as u64 > ROWS;
    found.truncate(usize::try_from(ROWS).unwrap_or(200));
    let ids: Vec<_> = found.iter().map(|alert| alert.variant_id).collect();
    let goods = catalog::goods(&scope, &ids).await?;
    let stock = StockFilter { shop: Some(shop.id), variants: Some(ids), ..StockFilter::default() };
    let stock: BTreeMap<_, _> = inventory::list(&scope, &stock, None, ROWS).await?.into_iter().map(|row| (row.id, row)).collect();
    let mut low: Vec<_> =
        found.iter().filter_map(|alert| Some((alert, stock.get(&alert.stock_id)?, goods.get(&alert.variant_id)?))).collect();
    // What nobody takes care of comes first, and there what is out.
    low.sort_by_key(|(alert, row, _)| (alert.acknowledged_at.is_some(), row.on_hand, alert.id));
    let rows: Vec<_> = low
        .into_iter()
        .map(|(alert, row, (variant, product))| {
            let by_weight = variant.sold_by == "weight";
            json!({
                "id": alert.id, "variant": variant.id, "name": line_name_in(product, variant, language), "sku": variant.sku,
                "available": amount(row.on_hand - row.reserved, by_weight), "alert_at": amount(row.reorder_point, by_weight),
                "state": row.state(), "since": local(alert.created_at, &company.zone, language), "seen_by": alert.acknowledged_name,
            })
        })
        .collect();
    let data = json!({
        "shop": { "id": shop.id, "name": shop.name }, "rows": rows, "has_more": has_more, "most": ROWS, "may_handle": access.tenant().may_at(InventoryHandle::NAME, Some(shop.id)),
        "shops": shops.iter().map(|one| json!({ "id": one.id, "name": one.name })).collect::<Vec<_>>(),
    });
    Ok((company, data))
}

/// Somebody takes care of it.
async fn acknowledge(visitor: Visitor<InventoryHandle>, Id(id): Id<AlertId>) -> PageResult<Redirect> {
    match see(&visitor.access, id).await {
        Ok(alert) => {
            let shop = alert.shop_id.map(|shop| format!("?shop={shop}")).unwrap_or_default();
            Ok(visitor.done(&format!("/shop/alerts{shop}"), "alert_seen"))
        }
        Err(error) => visitor.back("/shop/alerts", error),
    }
}

async fn see(access: &Access<InventoryHandle>, id: AlertId) -> Result<Alert> {
    let scope = access.write().await?;
    let alert = inventory::acknowledge(&scope, id).await?;
    scope.commit().await?;
    Ok(alert)
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<InventoryRead, _>("/shop/alerts", "What is low or out", index),
        post::<InventoryHandle, _>("/shop/alerts/{id}/acknowledge", "Somebody takes care of an alert", acknowledge),
    ]
}
