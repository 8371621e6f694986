//! What lies where: the list of stock, its figures, and what is done with many rows at once.

mod alerts;
mod movements;
mod row;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::response::{Html, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{
    PageResult, Visitor, export,
    fields::Fields,
    lists::{Head, Listing, Sorting},
    shelf::{amount, places, quantity},
    visitor::said,
};
use crate::{
    clock,
    controllers::{extract::Query, page},
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{CustomerId, LocationId, MemberId, StockId, VariantId},
    keyset::{Place, Sort},
    models::{
        carts::line_name,
        catalog::{self, Product, Variant},
        companies::{self, Company},
        identity,
        inventory::{self, AlertFilter, By, Level, ReorderPoint, Stock, StockFilter},
    },
    tenancy::{
        Access, Permission, Scope,
        roles::{InventoryHandle, InventoryRead, InventoryWrite},
    },
    views::templates,
};

const ROWS: u64 = 50;
/// The figures of the views go no further.
const COUNTED_MAX: u64 = 999;
/// The cards below the list.
const LATEST: u64 = 6;
const WEEK: Duration = Duration::from_hours(24 * 7);

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    sort: String,
    cursor: Option<String>,
}

/// What people sort stock by.
const HEADS: [Head<By>; 2] = [
    Head { word: "name", label: "stock.goods", falls: false, by: By::Name },
    Head { word: "available", label: "stock.available", falls: false, by: By::Available },
];

impl List {
    fn sorting(&self) -> Sorting<By> {
        Sorting::of(&HEADS, Sort { by: By::Since, falls: false }, &self.sort)
    }

    fn place(&self) -> Option<LocationId> {
        self.place.parse().ok()
    }

    async fn filter(&self, scope: &Scope) -> Result<StockFilter> {
        let words = self.q.trim();
        let category = Some(self.category.trim()).filter(|slug| !slug.is_empty());
        let mut filter = StockFilter {
            location: self.place(),
            short: self.level == "short",
            level: Level::named(&self.level),
            ..StockFilter::default()
        };
        let coded = catalog::coded(scope, words, ROWS).await?;
        if !coded.is_empty() {
            filter.variants = Some(coded);
        }
        let named = words.is_empty() || filter.variants.is_some();
        if !named || category.is_some() {
            filter.goods = Some(catalog::called(scope, if named { "" } else { words }, category).await?);
        }
        Ok(filter)
    }
}

/// The questions people ask daily.
const VIEWS: [(&str, &str); 4] = [
    ("inventory.view.all", ""),
    ("inventory.view.short", "level=short"),
    ("inventory.view.low", "level=low"),
    ("inventory.view.out", "level=out"),
];

async fn index(visitor: Visitor<InventoryRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let read = list_page(&visitor, &list).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/inventory/index.html", &company, data)
}

async fn list_page(visitor: &Visitor<InventoryRead>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let sorting = list.sorting();
    let sort = sorting.sort;
    let bound = format!("portal inventory {:?} {:?} {:?} {:?} {sort:?}", list.q, list.place, list.level, list.category);
    let after = page::open::<Place>(access, &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let filter = list.filter(&scope).await?;
    let mut found = inventory::sorted(&scope, &filter, sort, after, ROWS + 1).await?;
    let goods = goods_of(&scope, found.iter().map(|row| row.variant_id)).await?;
    let next = page::cut(access, &bound, &mut found, ROWS, |row| sort.by.place(row, product_of(row, &goods)))?;
    let places = places(&scope).await?;
    let rows: Vec<_> = found.iter().map(|row| shown(row, goods.get(&row.variant_id), &places)).collect();
    let categories = catalog::categories(&scope).await?;
    let category = categories.iter().find(|one| one.slug == list.category).map(|one| one.name.clone()).unwrap_or_default();
    let level = if ["short", "low", "out"].contains(&list.level.as_str()) {
        visitor.text(&format!("inventory.view.{}", list.level))
    } else {
        String::new()
    };
    let chips = vec![
        ("q", visitor.text("ui.search"), list.q.clone()),
        ("place", visitor.text("inventory.col.place"), list.place().and_then(|id| places.get(&id).cloned()).unwrap_or_default()),
        ("level", visitor.text("stock.state"), level),
        ("category", visitor.text("inventory.category"), category),
    ];
    let mut listing = visitor.sorted_list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }, &sorting).await?;
    let figures = figures(&scope, list.place()).await?;
    for (view, count) in [(1, figures.low + figures.out), (2, figures.low), (3, figures.out)] {
        listing["views"][view]["count"] = json!(count);
        listing["views"][view]["is_hot"] = json!(view == 3 && count > 0);
    }
    let may = |permission| access.tenant().may(permission);
    let levels = ["short", "low", "out"].map(|level| json!({ "value": level, "label_key": format!("inventory.view.{level}") }));
    let data = json!({
        "rows": rows, "list": listing, "figures": figures.shown(&company, visitor),
        "filter": { "q": list.q, "place": list.place, "level": list.level, "category": list.category },
        "places": places.iter().map(|(id, name)| json!({ "value": id, "label": name })).collect::<Vec<_>>(),
        "categories": categories.iter().map(|one| json!({ "value": one.slug, "label": one.name })).collect::<Vec<_>>(),
        "levels": levels,
        "alerts": alerts::latest(&scope, &company, &places, &visitor.language).await?,
        "moves": movements::latest(&scope, &company, &places, &visitor.language, LATEST).await?,
        "can_write": may(InventoryWrite::NAME), "can_handle": may(InventoryHandle::NAME),
    });
    Ok((company, data))
}

/// What the strip above the list says, of one place or of all that the person sees.
struct Figures {
    worth: crate::money::Money,
    wasted: crate::money::Money,
    low: u64,
    out: u64,
    unseen: usize,
}

async fn figures(scope: &Scope, place: Option<LocationId>) -> Result<Figures> {
    let level = |level| StockFilter { location: place, level: Some(level), ..StockFilter::default() };
    let unseen = inventory::alerts(scope, AlertFilter::default(), None, COUNTED_MAX + 1).await?;
    Ok(Figures {
        worth: inventory::worth(scope, place).await?,
        wasted: inventory::wasted(scope, place, clock::now().minus(WEEK)).await?,
        low: inventory::count_rows(scope, &level(Level::Low), COUNTED_MAX).await?.min(COUNTED_MAX),
        out: inventory::count_rows(scope, &level(Level::Out), COUNTED_MAX).await?.min(COUNTED_MAX),
        unseen: unseen.iter().filter(|alert| place.is_none_or(|place| alert.location_id == place)).count(),
    })
}

impl Figures {
    fn shown<P: Permission>(&self, company: &Company, visitor: &Visitor<P>) -> Value {
        let whole = |money: crate::money::Money| money.display(&company.currency).split('.').next().unwrap_or_default().to_owned();
        let note = templates::filled("inventory.low_and_out", &visitor.language, &[("low", &self.low), ("out", &self.out)]);
        json!({
            "worth": whole(self.worth), "wasted": whole(self.wasted), "short": self.low + self.out, "short_note": note, "unseen": self.unseen,
        })
    }
}

type Goods = BTreeMap<VariantId, (Variant, Product)>;

fn product_of<'a>(row: &Stock, goods: &'a Goods) -> Option<&'a Product> {
    goods.get(&row.variant_id).map(|(_, product)| product)
}

async fn goods_of(scope: &Scope, ids: impl Iterator<Item = VariantId>) -> Result<Goods> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    catalog::goods(scope, &ids).await
}

/// Who moved or saw something, by id; Souk itself has none.
async fn names_of(scope: &Scope, ids: impl Iterator<Item = Uuid>) -> Result<BTreeMap<Uuid, String>> {
    let ids: Vec<_> = ids.collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let members = identity::find_members(scope, &ids.iter().map(|id| MemberId(*id)).collect::<Vec<_>>()).await?;
    let customers = identity::find_customers(scope, &ids.iter().map(|id| CustomerId(*id)).collect::<Vec<_>>()).await?;
    let members = members.into_iter().map(|one| (one.id.0, one.name));
    Ok(members.chain(customers.into_iter().map(|one| (one.id.0, one.name))).collect())
}

/// What goods are called, and how they are measured.
fn called(goods: Option<&(Variant, Product)>) -> (String, &str, bool) {
    goods.map_or((String::new(), "", false), |(variant, product)| (line_name(product, variant), &variant.sku, variant.sold_by == "weight"))
}

fn shown(row: &Stock, goods: Option<&(Variant, Product)>, places: &BTreeMap<LocationId, String>) -> Value {
    let (name, sku, by_weight) = called(goods);
    let is_archived = goods.is_some_and(|(variant, product)| variant.archived_at.is_some() || product.archived_at.is_some());
    json!({
        "id": row.id, "name": name, "sku": sku, "place": places.get(&row.location_id), "on_hand": amount(row.on_hand, by_weight),
        "reserved": (row.reserved > 0).then(|| amount(row.reserved, by_weight)), "available": amount(row.on_hand - row.reserved, by_weight),
        "threshold": amount(row.reorder_point, by_weight), "state": row.state(), "is_archived": is_archived,
    })
}

const COLUMNS: [&str; 11] =
    ["place", "sku", "barcode", "name", "unit", "on_hand", "reserved", "available", "alert_at", "state", "updated_at"];

/// What is filtered, as CSV; weighed goods in grams.
async fn export_list(visitor: Visitor<InventoryRead>, Query(list): Query<List>) -> PageResult<Response> {
    let look = visitor.look();
    let access = Arc::new(visitor.access);
    let sort = list.sorting().sort;
    let csv = export::csv("inventory", &COLUMNS, move |after| {
        let (access, list) = (access.clone(), list.clone());
        async move {
            let scope = access.read().await?;
            let filter = list.filter(&scope).await?;
            let rows = inventory::sorted(&scope, &filter, sort, after, export::ROWS).await?;
            let goods = goods_of(&scope, rows.iter().map(|row| row.variant_id)).await?;
            let last = rows.last().filter(|_| rows.len() as u64 == export::ROWS);
            let next = last.map(|row| sort.by.place(row, product_of(row, &goods)));
            Ok((cells(&scope, &rows, &goods).await?, next))
        }
    });
    csv.await.map_err(|error| look.with(error))
}

async fn export_chosen(visitor: Visitor<InventoryRead>, fields: Fields) -> PageResult<Response> {
    let rows = chosen_rows(&visitor.access, &fields).await.map_err(|error| visitor.refuse(error))?;
    let csv = export::csv("inventory", &COLUMNS, move |_: Option<()>| std::future::ready(Ok((rows.clone(), None))));
    csv.await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(access: &Access<InventoryRead>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let mut rows = Vec::new();
    for id in chosen(fields) {
        rows.push(inventory::row(&scope, id).await?);
    }
    let goods = goods_of(&scope, rows.iter().map(|row| row.variant_id)).await?;
    cells(&scope, &rows, &goods).await
}

async fn cells(scope: &Scope, rows: &[Stock], goods: &Goods) -> Result<Vec<Vec<String>>> {
    let places = places(scope).await?;
    let cells = rows.iter().map(|row| {
        let known = goods.get(&row.variant_id);
        let (name, sku, by_weight) = called(known);
        vec![
            places.get(&row.location_id).cloned().unwrap_or_default(),
            sku.to_owned(),
            known.and_then(|(variant, _)| variant.barcode.clone()).unwrap_or_default(),
            name,
            if by_weight { "g" } else { "piece" }.into(),
            row.on_hand.to_string(),
            row.reserved.to_string(),
            (row.on_hand - row.reserved).to_string(),
            row.reorder_point.to_string(),
            row.state().into(),
            row.updated_at.to_string(),
        ]
    });
    Ok(cells.collect())
}

/// The chosen rows of a page: at most as many as one has.
fn chosen(fields: &Fields) -> Vec<StockId> {
    fields.all("ids").iter().take(100).filter_map(|id| id.parse().ok()).collect()
}

/// Sets the alert of the chosen rows, each in a unit of its own: what is refused for one is done for
/// the rest, and said.
async fn set_thresholds(visitor: Visitor<InventoryWrite>, mut fields: Fields) -> PageResult<Redirect> {
    let list = visitor.list_at("/company/inventory");
    let (mut done, mut lines) = (0, Vec::new());
    for id in chosen(&fields) {
        match set_threshold_of(&visitor.access, id, &mut fields).await {
            Ok(_) => done += 1,
            // What was typed is the same for all of them.
            Err(error @ Error::Invalid(_)) if done == 0 => return visitor.back(&list, error),
            Err(error) => {
                let name = name_of(&visitor.access, id).await.unwrap_or_default();
                lines.push(format!("{name} {}", said(&error, &visitor.language)));
            }
        }
    }
    let tone = if lines.is_empty() { "ok" } else { "warn" };
    let text = templates::filled("inventory.thresholds_set", &visitor.language, &[("n", &done)]);
    Ok(visitor.tell(&list, tone, &text, &lines))
}

/// Sets one row's alert to what the form says, in the measure of its goods.
async fn set_threshold_of(access: &Access<InventoryWrite>, id: StockId, fields: &mut Fields) -> Result<Stock> {
    let version = fields.maybe::<i64>("version");
    let scope = access.write().await?;
    let row = inventory::row(&scope, id).await?;
    let goods = catalog::goods(&scope, &[row.variant_id]).await?;
    let (_, _, by_weight) = called(goods.get(&row.variant_id));
    let wanted = quantity(fields, "threshold", by_weight);
    fields.end()?;
    let change = ReorderPoint { location_id: row.location_id, reorder_point: wanted.unwrap_or_default() };
    let set = inventory::set_reorder_point(&scope, row.variant_id, change, version).await.map_err(|error| match error {
        Error::Invalid(mut wrong) => {
            wrong.iter_mut().for_each(|field| "threshold".clone_into(&mut field.field));
            Error::Invalid(wrong)
        }
        other => other,
    })?;
    scope.commit().await?;
    Ok(set)
}

async fn name_of(access: &Access<InventoryWrite>, id: StockId) -> Result<String> {
    let scope = access.read().await?;
    let row = inventory::row(&scope, id).await?;
    Ok(called(catalog::goods(&scope, &[row.variant_id]).await?.get(&row.variant_id)).0)
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let list = vec![
        get::<InventoryRead, _>("/company/inventory", "Stock by place", index),
        get::<InventoryRead, _>("/company/inventory/export.csv", "Stock as CSV", export_list),
        post::<InventoryRead, _>("/company/inventory/chosen.csv", "Chosen stock as CSV", export_chosen),
        post::<InventoryWrite, _>("/company/inventory/thresholds", "Sets the alert of the chosen rows", set_thresholds),
    ];
    [list, alerts::endpoints(), movements::endpoints(), row::endpoints()].concat()
}
