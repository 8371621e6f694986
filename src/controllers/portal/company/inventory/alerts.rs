//! What is or was low or out, and who takes care of it.

use std::{collections::BTreeMap, sync::Arc};

use axum::response::{Html, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::super::{
        PageResult, Visitor, export,
        lists::Listing,
        local,
        shelf::{amount, places},
    },
    called, goods_of,
};
use crate::{
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::{AlertId, LocationId},
    models::{
        catalog::{Product, Variant},
        companies::{self, Company},
        inventory::{self, Alert, AlertFilter, Level, Open},
    },
    tenancy::{
        Access, Permission, Scope,
        roles::{InventoryHandle, InventoryRead},
    },
};

const ROWS: u64 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    state: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    place: String,
    cursor: Option<String>,
}

impl List {
    fn filter(&self) -> AlertFilter {
        let open = match self.state.as_str() {
            "open" => Open::Still,
            "closed" => Open::Over,
            "all" => Open::All,
            _ => Open::Unseen,
        };
        AlertFilter { open, kind: Level::named(&self.kind), location: self.place.parse().ok(), ..AlertFilter::default() }
    }
}

/// The questions people ask daily.
const VIEWS: [(&str, &str); 4] = [
    ("inventory.alerts.unseen", ""),
    ("inventory.alerts.open", "state=open"),
    ("inventory.alerts.closed", "state=closed"),
    ("inventory.alerts.all", "state=all"),
];

async fn index(visitor: Visitor<InventoryRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let read = list_page(&visitor, &list).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/inventory/alerts.html", &company, data)
}

async fn list_page(visitor: &Visitor<InventoryRead>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let filter = list.filter();
    let bound = format!("portal alerts {filter:?}");
    let before = page::open::<AlertId>(access, &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let mut found = inventory::alerts(&scope, filter, before, ROWS + 1).await?;
    let next = page::cut(access, &bound, &mut found, ROWS, |alert| alert.id)?;
    let places = places(&scope).await?;
    let rows = rows(&scope, &company, &places, &found, &visitor.language).await?;
    let place = filter.location.and_then(|id| places.get(&id).cloned()).unwrap_or_default();
    let kind = filter.kind.map(|kind| visitor.text(&format!("ui.stock.{}", kind.name()))).unwrap_or_default();
    let chips = vec![("place", visitor.text("inventory.col.place"), place), ("kind", visitor.text("stock.state"), kind)];
    let kinds = [Level::Low, Level::Out].map(|level| json!({ "value": level.name(), "label_key": format!("ui.stock.{}", level.name()) }));
    let data = json!({
        "rows": rows, "list": visitor.list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }).await?,
        "filter": { "place": list.place, "kind": list.kind, "state": list.state },
        "places": places.iter().map(|(id, name)| json!({ "value": id, "label": name })).collect::<Vec<_>>(),
        "kinds": kinds,
        "can_handle": access.tenant().may(InventoryHandle::NAME),
    });
    Ok((company, data))
}

/// The newest alerts that nobody has seen.
pub(super) async fn latest(scope: &Scope, company: &Company, places: &BTreeMap<LocationId, String>, language: &str) -> Result<Vec<Value>> {
    let found = inventory::alerts(scope, AlertFilter::default(), None, super::LATEST).await?;
    rows(scope, company, places, &found, language).await
}

async fn rows(
    scope: &Scope,
    company: &Company,
    places: &BTreeMap<LocationId, String>,
    found: &[Alert],
    language: &str,
) -> Result<Vec<Value>> {
    let goods = goods_of(scope, found.iter().map(|alert| alert.variant_id)).await?;
    Ok(found.iter().map(|alert| shown(alert, goods.get(&alert.variant_id), company, places, language)).collect())
}

/// An alert, ready to print.
pub(super) fn shown(
    one: &Alert,
    goods: Option<&(Variant, Product)>,
    company: &Company,
    places: &BTreeMap<LocationId, String>,
    language: &str,
) -> Value {
    let (name, sku, by_weight) = called(goods);
    json!({
        "id": one.id, "stock": one.stock_id, "name": name, "sku": sku, "place": places.get(&one.location_id), "kind": one.kind,
        "quantity": amount(one.quantity, by_weight), "threshold": amount(one.threshold, by_weight), "at": local(one.created_at, &company.zone, language),
        "seen_by": one.acknowledged_name, "seen_at": one.acknowledged_at.map(|at| local(at, &company.zone, language)),
        "closed_at": one.closed_at.map(|at| local(at, &company.zone, language)), "is_open": one.closed_at.is_none() && one.acknowledged_at.is_none(),
    })
}

const COLUMNS: [&str; 10] = ["at", "place", "sku", "name", "kind", "quantity", "alert_at", "seen_by", "seen_at", "closed_at"];

async fn export_list(visitor: Visitor<InventoryRead>, Query(list): Query<List>) -> PageResult<Response> {
    let look = visitor.look();
    let access = Arc::new(visitor.access);
    let csv = export::csv("alerts", &COLUMNS, move |before| {
        let (access, filter) = (access.clone(), list.filter());
        async move {
            let scope = access.read().await?;
            let found = inventory::alerts(&scope, filter, before, export::ROWS).await?;
            let next = found.last().filter(|_| found.len() as u64 == export::ROWS).map(|alert| alert.id);
            Ok((cells(&scope, &found).await?, next))
        }
    });
    csv.await.map_err(|error| look.with(error))
}

async fn cells(scope: &Scope, found: &[Alert]) -> Result<Vec<Vec<String>>> {
    let places = places(scope).await?;
    let goods = goods_of(scope, found.iter().map(|alert| alert.variant_id)).await?;
    let cells = found.iter().map(|alert| {
        let (name, sku, _) = called(goods.get(&alert.variant_id));
        vec![
            alert.created_at.to_string(),
            places.get(&alert.location_id).cloned().unwrap_or_default(),
            sku.to_owned(),
            name,
            alert.kind.clone(),
            alert.quantity.to_string(),
            alert.threshold.to_string(),
            alert.acknowledged_name.clone().unwrap_or_default(),
            alert.acknowledged_at.map(|at| at.to_string()).unwrap_or_default(),
            alert.closed_at.map(|at| at.to_string()).unwrap_or_default(),
        ]
    });
    Ok(cells.collect())
}

/// Somebody takes care of it. Back to where the button was: the list, or the goods' own page.
async fn acknowledge(visitor: Visitor<InventoryHandle>, Id(id): Id<AlertId>) -> PageResult<Redirect> {
    let list = "/company/inventory/alerts";
    match see(&visitor.access, id).await {
        Ok(alert) => {
            let to = if visitor.parameter("row").is_empty() { list.to_owned() } else { format!("/company/inventory/{}", alert.stock_id) };
            Ok(visitor.done(&to, "alert_seen"))
        }
        Err(error) => visitor.back(list, error),
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
        get::<InventoryRead, _>("/company/inventory/alerts", "What is low or out", index),
        get::<InventoryRead, _>("/company/inventory/alerts/export.csv", "Alerts as CSV", export_list),
        post::<InventoryHandle, _>("/company/inventory/alerts/{id}/acknowledge", "Somebody takes care of an alert", acknowledge),
    ]
}
