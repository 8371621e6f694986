//! Goods at one place: how much, why, and what can be done with them.

use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::super::{
        PageResult, Visitor,
        fields::Fields,
        shelf::{self, Goods, amount, places, typed},
    },
    alerts, called, movements, set_threshold_of, shown,
};
use crate::{
    controllers::extract::{Id, Query},
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::StockId,
    models::{
        catalog,
        companies::{self, Company},
        inventory::{self, AlertFilter, Open},
    },
    tenancy::{
        Access, Permission,
        roles::{InventoryHandle, InventoryRead, InventoryWrite, ProductsRead},
    },
};

const MOVES: u64 = 20;
const ALERTS: u64 = 5;

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    act: String,
}

/// What can be done with goods at a place, and whom it is for.
const ACTS: [(&str, &str, &str); 4] = [
    ("receive", InventoryHandle::NAME, "R"),
    ("count", InventoryHandle::NAME, "C"),
    ("adjust", InventoryWrite::NAME, "A"),
    ("waste", InventoryWrite::NAME, "W"),
];

async fn show(visitor: Visitor<InventoryRead>, Id(id): Id<StockId>, Query(asked): Query<Asked>) -> PageResult<Html<String>> {
    let read = row_page(&visitor, id, &asked.act).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/inventory/show.html", &company, data)
}

async fn row_page<P: Permission>(visitor: &Visitor<P>, id: StockId, act: &str) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let row = inventory::row(&scope, id).await?;
    let places = places(&scope).await?;
    let goods = catalog::goods(&scope, &[row.variant_id]).await?;
    let known = goods.get(&row.variant_id);
    let (_, _, by_weight) = called(known);
    let may = |permission| access.tenant().may_at(permission, row.shop_id);
    let acts: Vec<_> = ACTS.into_iter().filter(|(_, permission, _)| may(permission)).collect();
    let asked = acts.iter().find(|(name, ..)| *name == act);
    let elsewhere = inventory::of_variant(&scope, row.variant_id).await?;
    let elsewhere: Vec<_> = elsewhere.iter().filter(|other| other.id != id).map(|other| shown(other, known, &places)).collect();
    let filter = AlertFilter { open: Open::All, stock: Some(id), ..AlertFilter::default() };
    let alerts = inventory::alerts(&scope, filter, None, ALERTS).await?;
    let alerts: Vec<_> = alerts.iter().map(|alert| alerts::shown(alert, known, &company, &places, &visitor.language)).collect();
    let mut item = shown(&row, known, &places);
    item["barcode"] = json!(known.and_then(|(variant, _)| variant.barcode.clone()));
    item["by_weight"] = json!(by_weight);
    item["threshold_typed"] = json!(typed(row.reorder_point, by_weight));
    item["reserved"] = json!(amount(row.reserved, by_weight));
    item["version"] = json!(row.version);
    item["product"] = json!(known.filter(|_| may(ProductsRead::NAME)).map(|(_, product)| product.id));
    let data = json!({
        "item": item, "acts": acts.iter().map(|(name, _, key)| json!({ "name": name, "key": key })).collect::<Vec<_>>(),
        "act": asked.or(acts.first()).map(|(name, ..)| *name), "is_asked": asked.is_some(), "can_write": may(InventoryWrite::NAME),
        "can_handle": may(InventoryHandle::NAME), "elsewhere": elsewhere, "alerts": alerts,
        "moves": movements::of_row(&scope, &company, &places, &visitor.language, id, MOVES).await?,
    });
    Ok((company, data))
}

/// Which goods a row is about.
async fn goods<P: Permission>(access: &Access<P>, id: StockId) -> Result<Goods> {
    let scope = access.read().await?;
    let row = inventory::row(&scope, id).await?;
    Ok(Goods { variant: row.variant_id, location: row.location_id })
}

/// Back to the goods that were acted on; a refused form stays as it was typed.
async fn answer<P: Permission>(visitor: Visitor<P>, id: StockId, act: &str, fields: &Fields, done: Result<()>) -> PageResult<Response> {
    let error = match done {
        Ok(()) => return Ok(visitor.done(&format!("/company/inventory/{id}"), &format!("stock_{act}")).into_response()),
        Err(error) => error,
    };
    let visitor = visitor.refused(error, fields)?;
    let (company, data) = row_page(&visitor, id, act).await.map_err(|error| visitor.refuse(error))?;
    visitor.again("company/inventory/show.html", &company, data)
}

fn path(id: StockId, act: &str) -> String {
    format!("/company/inventory/{id}/{act}")
}

async fn receive(visitor: Visitor<InventoryHandle>, Id(id): Id<StockId>, mut fields: Fields) -> PageResult<Response> {
    let done = match goods(&visitor.access, id).await {
        Ok(goods) => shelf::receive(&visitor.access, &path(id, "receive"), goods, &mut fields).await,
        Err(error) => Err(error),
    };
    answer(visitor, id, "receive", &fields, done).await
}

async fn count(visitor: Visitor<InventoryHandle>, Id(id): Id<StockId>, mut fields: Fields) -> PageResult<Response> {
    let done = match goods(&visitor.access, id).await {
        Ok(goods) => shelf::count(&visitor.access, &path(id, "count"), goods, &mut fields).await,
        Err(error) => Err(error),
    };
    answer(visitor, id, "count", &fields, done).await
}

async fn adjust(visitor: Visitor<InventoryWrite>, Id(id): Id<StockId>, mut fields: Fields) -> PageResult<Response> {
    let done = match goods(&visitor.access, id).await {
        Ok(goods) => shelf::adjust(&visitor.access, &path(id, "adjust"), goods, &mut fields).await,
        Err(error) => Err(error),
    };
    answer(visitor, id, "adjust", &fields, done).await
}

async fn waste(visitor: Visitor<InventoryWrite>, Id(id): Id<StockId>, mut fields: Fields) -> PageResult<Response> {
    let done = match goods(&visitor.access, id).await {
        Ok(goods) => shelf::waste(&visitor.access, &path(id, "waste"), goods, &mut fields).await,
        Err(error) => Err(error),
    };
    answer(visitor, id, "waste", &fields, done).await
}

async fn set_threshold(visitor: Visitor<InventoryWrite>, Id(id): Id<StockId>, mut fields: Fields) -> PageResult<Response> {
    let done: Result<(), Error> = set_threshold_of(&visitor.access, id, &mut fields).await.map(|_| ());
    answer(visitor, id, "threshold", &fields, done).await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<InventoryRead, _>("/company/inventory/{id}", "Goods at one place", show),
        post::<InventoryHandle, _>("/company/inventory/{id}/receive", "Books in goods", receive),
        post::<InventoryHandle, _>("/company/inventory/{id}/count", "Writes down a count", count),
        post::<InventoryWrite, _>("/company/inventory/{id}/adjust", "Adjusts stock with a reason", adjust),
        post::<InventoryWrite, _>("/company/inventory/{id}/waste", "Writes off goods", waste),
        post::<InventoryWrite, _>("/company/inventory/{id}/threshold", "Says from when on goods are low", set_threshold),
    ]
}
