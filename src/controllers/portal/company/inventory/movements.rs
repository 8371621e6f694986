//! Why stock changed: who moved what, where, and for which reason.

use std::{collections::BTreeMap, sync::Arc};

use axum::response::{Html, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::super::{
        PageResult, Visitor, export,
        fields::Fields,
        lists::Listing,
        local, midnight,
        shelf::{amount, places, signed},
    },
    called, goods_of, names_of,
};
use crate::{
    controllers::{extract::Query, page},
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::{LocationId, MovementId, StockId},
    models::{
        catalog,
        companies::{self, Company},
        identity,
        inventory::{self, KINDS, Movement, MovementFilter},
    },
    tenancy::{Access, Scope, roles::InventoryRead},
    views::templates,
};

const ROWS: u64 = 50;
/// A name or code that stands for more goods than this is no filter.
const GOODS_MAX: u64 = 200;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    /// The beginning of the reason.
    #[serde(default)]
    q: String,
    #[serde(default)]
    goods: String,
    #[serde(default)]
    stock: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    cursor: Option<String>,
}

impl List {
    async fn filter(&self, scope: &Scope, zone: &str) -> Result<MovementFilter> {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let actors = match some(&self.user) {
            Some(who) => Some(identity::actors(scope, &who).await?),
            None => None,
        };
        let variants = match some(&self.goods) {
            Some(words) => Some(catalog::look_up(scope, &words, GOODS_MAX).await?),
            None => None,
        };
        Ok(MovementFilter {
            stock: self.stock.parse::<StockId>().ok(),
            variants,
            location: self.place.parse::<LocationId>().ok(),
            kind: KINDS.into_iter().find(|kind| *kind == self.kind),
            actors,
            reason: some(&self.q),
            from: midnight(&self.from, zone, 0),
            until: midnight(&self.to, zone, 1),
        })
    }
}

/// The questions people ask daily.
const VIEWS: [(&str, &str); 4] = [
    ("inventory.moves.all", ""),
    ("inventory.moves.waste", "kind=waste"),
    ("inventory.moves.adjustment", "kind=adjustment"),
    ("inventory.moves.receipt", "kind=receipt"),
];

async fn index(visitor: Visitor<InventoryRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let read = list_page(&visitor, &list).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/inventory/movements.html", &company, data)
}

async fn list_page(visitor: &Visitor<InventoryRead>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let filter = list.filter(&scope, &company.zone).await?;
    let bound = format!("portal movements {filter:?}");
    let before = page::open::<MovementId>(access, &bound, list.cursor.as_deref())?;
    let mut found = inventory::moves(&scope, &filter, before, ROWS + 1).await?;
    let next = page::cut(access, &bound, &mut found, ROWS, |one| one.id)?;
    let places = places(&scope).await?;
    let rows = rows(&scope, &company, &places, &visitor.language, &found).await?;
    let of = match filter.stock {
        Some(id) => {
            let row = inventory::row(&scope, id).await?;
            let goods = catalog::goods(&scope, &[row.variant_id]).await?;
            format!("{}, {}", called(goods.get(&row.variant_id)).0, places.get(&row.location_id).map_or("", String::as_str))
        }
        None => String::new(),
    };
    let chip = |name: &'static str, key: &str, value: &str| (name, visitor.text(key), value.to_owned());
    let kind = filter.kind.map(|kind| visitor.text(&format!("stock.kind.{kind}"))).unwrap_or_default();
    let chips = vec![
        chip("q", "stock.reason", &list.q),
        chip("goods", "stock.goods", &list.goods),
        chip("stock", "stock.goods", &of),
        chip("place", "inventory.col.place", &filter.location.and_then(|id| places.get(&id).cloned()).unwrap_or_default()),
        chip("kind", "stock.what", &kind),
        chip("user", "inventory.col.who", &list.user),
        chip("from", "audit.from", &list.from),
        chip("to", "audit.to", &list.to),
    ];
    let data = json!({
        "rows": rows, "list": visitor.list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }).await?,
        "filter": {
            "q": list.q, "goods": list.goods, "stock": list.stock, "place": list.place, "kind": list.kind, "user": list.user,
            "from": list.from, "to": list.to,
        },
        "places": places.iter().map(|(id, name)| json!({ "value": id, "label": name })).collect::<Vec<_>>(),
        "kinds": KINDS.map(|kind| json!({ "value": kind, "label_key": format!("stock.kind.{kind}") })),
    });
    Ok((company, data))
}

/// The newest movements of everything the person sees.
pub(super) async fn latest(
    scope: &Scope,
    company: &Company,
    places: &BTreeMap<LocationId, String>,
    language: &str,
    limit: u64,
) -> Result<Vec<Value>> {
    let found = inventory::moves(scope, &MovementFilter::default(), None, limit).await?;
    rows(scope, company, places, language, &found).await
}

/// The newest movements of one stock row.
pub(super) async fn of_row(
    scope: &Scope,
    company: &Company,
    places: &BTreeMap<LocationId, String>,
    language: &str,
    id: StockId,
    limit: u64,
) -> Result<Vec<Value>> {
    let filter = MovementFilter { stock: Some(id), ..MovementFilter::default() };
    let found = inventory::moves(scope, &filter, None, limit).await?;
    rows(scope, company, places, language, &found).await
}

async fn rows(
    scope: &Scope,
    company: &Company,
    places: &BTreeMap<LocationId, String>,
    language: &str,
    found: &[Movement],
) -> Result<Vec<Value>> {
    let goods = goods_of(scope, found.iter().map(|one| one.variant_id)).await?;
    let names = names_of(scope, found.iter().filter_map(|one| one.actor_id)).await?;
    let rows = found.iter().map(|one| {
        let (name, sku, by_weight) = called(goods.get(&one.variant_id));
        json!({
            "id": one.id, "at": local(one.created_at, &company.zone, language), "kind": templates::text(&format!("stock.kind.{}", one.kind), language),
            "reason": one.reason, "stock": one.stock_id, "name": name, "sku": sku, "place": places.get(&one.location_id),
            "quantity": signed(one.quantity, by_weight), "is_less": one.quantity < 0, "after": amount(one.on_hand_after, by_weight),
            "order": one.order_id, "who": who(one.actor_id, &names, language),
        })
    });
    Ok(rows.collect())
}

/// Who it was; what nobody did, Souk did.
fn who(actor: Option<Uuid>, names: &BTreeMap<Uuid, String>, language: &str) -> String {
    let Some(id) = actor else { return "Souk".into() };
    names.get(&id).cloned().unwrap_or_else(|| templates::text("inventory.somebody", language))
}

const COLUMNS: [&str; 10] = ["at", "place", "sku", "name", "kind", "reason", "quantity", "on_hand_after", "who", "order_id"];

/// What is filtered, as CSV; weighed goods in grams.
async fn export_list(visitor: Visitor<InventoryRead>, Query(list): Query<List>) -> PageResult<Response> {
    let (look, language) = (visitor.look(), visitor.language.clone());
    let access = Arc::new(visitor.access);
    let csv = export::csv("movements", &COLUMNS, move |before| {
        let (access, list, language) = (access.clone(), list.clone(), language.clone());
        async move {
            let scope = access.read().await?;
            let zone = companies::own(&scope).await?.zone;
            let filter = list.filter(&scope, &zone).await?;
            let found = inventory::moves(&scope, &filter, before, export::ROWS).await?;
            let next = found.last().filter(|_| found.len() as u64 == export::ROWS).map(|one| one.id);
            Ok((cells(&scope, &found, &language).await?, next))
        }
    });
    csv.await.map_err(|error| look.with(error))
}

async fn export_chosen(visitor: Visitor<InventoryRead>, fields: Fields) -> PageResult<Response> {
    let read = chosen_rows(&visitor.access, &visitor.language, &fields).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("movements", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(access: &Access<InventoryRead>, language: &str, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let found = inventory::some_moves(&scope, &fields.chosen()).await?;
    cells(&scope, &found, language).await
}

async fn cells(scope: &Scope, found: &[Movement], language: &str) -> Result<Vec<Vec<String>>> {
    let places = places(scope).await?;
    let goods = goods_of(scope, found.iter().map(|one| one.variant_id)).await?;
    let names = names_of(scope, found.iter().filter_map(|one| one.actor_id)).await?;
    let cells = found.iter().map(|one| {
        let (name, sku, _) = called(goods.get(&one.variant_id));
        vec![
            one.created_at.to_string(),
            places.get(&one.location_id).cloned().unwrap_or_default(),
            sku.to_owned(),
            name,
            one.kind.clone(),
            one.reason.clone(),
            one.quantity.to_string(),
            one.on_hand_after.to_string(),
            who(one.actor_id, &names, language),
            one.order_id.map(|id| id.to_string()).unwrap_or_default(),
        ]
    });
    Ok(cells.collect())
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<InventoryRead, _>("/company/inventory/movements", "Why stock changed", index),
        get::<InventoryRead, _>("/company/inventory/movements/export.csv", "Movements as CSV", export_list),
        post::<InventoryRead, _>("/company/inventory/movements/chosen.csv", "Chosen movements as CSV", export_chosen),
    ]
}
