//! What is or was low or out, and who takes care of it.

use std::{collections::BTreeMap, sync::Arc};

use axum::response::{Html, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::super::{
        PageResult, Visitor, export,
        fields::Fields,
        lists::{COUNTED_MAX, Listing, count_view},
        local,
        shelf::{amount, places},
        visitor::said,
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
    ids::{AlertId, LocationId, StockId},
    models::{
        catalog::{Product, Variant},
        companies::{self, Company},
        inventory::{self, Alert, AlertFilter, Level, Open},
    },
    tenancy::{
        Access, Permission, Scope,
        roles::{InventoryHandle, InventoryRead},
    },
    views::templates,
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

const LIST: &str = "/company/inventory/alerts";
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
    let unseen = inventory::alerts(&scope, AlertFilter::default(), None, COUNTED_MAX).await?;
    let place = filter.location.and_then(|id| places.get(&id).cloned()).unwrap_or_default();
    let kind = filter.kind.map(|kind| visitor.text(&format!("ui.stock.{}", kind.name()))).unwrap_or_default();
    let chips = vec![("place", visitor.text("inventory.col.place"), place), ("kind", visitor.text("stock.state"), kind)];
    let kinds = [Level::Low, Level::Out].map(|level| json!({ "value": level.name(), "label_key": format!("ui.stock.{}", level.name()) }));
    let mut listing = visitor.list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }).await?;
    count_view(&mut listing, 0, unseen.len() as u64);
    let data = json!({
        "rows": rows, "list": listing,
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

async fn export_chosen(visitor: Visitor<InventoryRead>, fields: Fields) -> PageResult<Response> {
    let read = chosen_rows(&visitor.access, &fields).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("alerts", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(access: &Access<InventoryRead>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let found = inventory::some_alerts(&scope, &fields.chosen()).await?;
    cells(&scope, &found).await
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

/// Somebody takes care of it. Back to where the button was: the list as it was narrowed, or the
/// goods' own page, which says that it is theirs.
async fn acknowledge(visitor: Visitor<InventoryHandle>, Id(id): Id<AlertId>, mut fields: Fields) -> PageResult<Redirect> {
    let goods = fields.maybe::<StockId>("stock");
    let to = goods.map_or_else(|| visitor.list_at(LIST), |stock| format!("/company/inventory/{stock}"));
    match see(&visitor.access, id).await {
        Ok(_) => Ok(visitor.done(&to, "alert_seen")),
        Err(error) => visitor.back(&to, error),
    }
}

async fn see(access: &Access<InventoryHandle>, id: AlertId) -> Result<Alert> {
    let scope = access.write().await?;
    let alert = inventory::acknowledge(&scope, id).await?;
    scope.commit().await?;
    Ok(alert)
}

/// Somebody takes care of the chosen ones, each in a unit of its own: what is refused for one is
/// done for the rest, and said.
async fn acknowledge_chosen(visitor: Visitor<InventoryHandle>, fields: Fields) -> PageResult<Redirect> {
    let (mut done, mut lines) = (0, Vec::new());
    for id in fields.chosen() {
        match see(&visitor.access, id).await {
            // What a colleague has seen before stays theirs.
            Ok(alert) => done += i32::from(alert.acknowledged_by == visitor.access.tenant().actor.id()),
            Err(error) => lines.push(said(&error, &visitor.language)),
        }
    }
    let tone = if lines.is_empty() { "ok" } else { "warn" };
    let text = templates::filled("inventory.alerts.seen_n", &visitor.language, &[("n", &done)]);
    Ok(visitor.tell(&visitor.list_at(LIST), tone, &text, &lines))
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<InventoryRead, _>("/company/inventory/alerts", "What is low or out", index),
        get::<InventoryRead, _>("/company/inventory/alerts/export.csv", "Alerts as CSV", export_list),
        post::<InventoryRead, _>("/company/inventory/alerts/chosen.csv", "Chosen alerts as CSV", export_chosen),
        post::<InventoryHandle, _>("/company/inventory/alerts/acknowledge", "Somebody takes care of the chosen alerts", acknowledge_chosen),
        post::<InventoryHandle, _>("/company/inventory/alerts/{id}/acknowledge", "Somebody takes care of an alert", acknowledge),
    ]
}
