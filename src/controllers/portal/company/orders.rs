//! The orders of the company: the list, and what is done with several at once.

use std::sync::Arc;

use axum::response::{Html, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        PageResult, Visitor, export,
        fields::Fields,
        lists::{COUNTED_MAX, Head, Listing, Sorting, count_view},
        local, midnight,
        visitor::said,
    },
    order::step_on,
};
use crate::{
    controllers::{extract::Query, page},
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::{OrderId, ShopId},
    keyset::{Place, Sort},
    models::{
        companies::{self, Company},
        orders::{self, By, Filter, Order, PAYMENT_STATES, Status, Step},
        shops,
    },
    tenancy::{
        Access,
        roles::{OrdersFulfil, OrdersRead},
    },
    views::templates,
};

const ROWS: u64 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    payment: String,
    #[serde(default)]
    shop: String,
    /// Days of the company's calendar.
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    sort: String,
    cursor: Option<String>,
}

/// What people sort orders by.
const HEADS: [Head<By>; 2] = [
    Head { word: "placed", label: "orders.col.placed", falls: true, by: By::Placed },
    Head { word: "total", label: "orders.col.total", falls: true, by: By::Total },
];

impl List {
    fn sorting(&self) -> Sorting<By> {
        Sorting::of(&HEADS, Sort { by: By::Placed, falls: true }, &self.sort)
    }

    fn filter(&self, zone: &str) -> Filter {
        Filter {
            status: self.status.split(',').filter_map(Status::named).collect(),
            payment_status: PAYMENT_STATES.into_iter().find(|state| *state == self.payment).map(str::to_owned),
            shop: self.shop.parse::<ShopId>().ok(),
            words: Some(self.q.clone()).filter(|words| !words.trim().is_empty()),
            from: midnight(&self.from, zone, 0),
            to: midnight(&self.to, zone, 1),
            ..Filter::default()
        }
    }
}

/// What waits for somebody at a shop: the second view.
const TO_DO: [Status; 3] = [Status::Confirmed, Status::Processing, Status::Packed];

/// The questions people ask daily.
const VIEWS: [(&str, &str); 4] = [
    ("orders.view.all", ""),
    ("orders.view.todo", "status=confirmed,processing,packed"),
    ("orders.view.unpaid", "status=pending"),
    ("orders.view.shipped", "status=shipped"),
];

async fn index(visitor: Visitor<OrdersRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let read = orders_page(&visitor, &list).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/orders/index.html", &company, data)
}

async fn orders_page(visitor: &Visitor<OrdersRead>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let filter = list.filter(&company.zone);
    let sorting = list.sorting();
    let sort = sorting.sort;
    let bound = format!("portal orders {filter:?} {sort:?}");
    let after = page::open::<Place>(access, &bound, list.cursor.as_deref())?;
    let mut found = orders::sorted(&scope, &filter, sort, after, ROWS + 1).await?;
    let next = page::cut(access, &bound, &mut found, ROWS, |order| sort.by.place(order))?;
    let shops = shops::list(&scope).await?;
    let ids: Vec<_> = found.iter().map(|order| order.id).collect();
    let items = orders::items_of(&scope, &ids).await?;
    let names = shops::names(&scope).await?;
    let shop_name = |id: ShopId| names.get(&id).map_or("", String::as_str);
    let rows: Vec<_> = found
        .iter()
        .map(|order| {
            json!({
                "id": order.id, "number": order.order_number, "customer": order.customer_name, "shop": shop_name(order.shop_id),
                "placed": local(order.created_at, &company.zone, &visitor.language), "status": order.status, "payment_status": order.payment_status,
                "total": order.total, "items": items.get(&order.id).map_or(0, Vec::len),
            })
        })
        .collect();
    let statuses =
        filter.status.iter().map(|status| visitor.text(&format!("orders.status.{}", status.name()))).collect::<Vec<_>>().join(", ");
    let payment = filter.payment_status.as_ref().map(|state| visitor.text(&format!("orders.payment.{state}"))).unwrap_or_default();
    let chips = vec![
        ("q", visitor.text("ui.search"), list.q.clone()),
        ("status", visitor.text("orders.col.status"), statuses),
        ("payment", visitor.text("orders.col.payment"), payment),
        ("from", visitor.text("orders.from"), list.from.clone()),
        ("to", visitor.text("orders.to"), list.to.clone()),
        ("shop", visitor.text("orders.col.shop"), filter.shop.map(|id| shop_name(id).to_owned()).unwrap_or_default()),
    ];
    let status = |status: &Status| json!({ "value": status, "label_key": format!("orders.status.{}", status.name()) });
    let mut listing = visitor.sorted_list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }, &sorting).await?;
    let to_do = Filter { status: TO_DO.into(), ..Filter::default() };
    count_view(&mut listing, 1, orders::how_many(&scope, &to_do, COUNTED_MAX).await?);
    let data = json!({
        "orders": rows, "list": listing,
        "filter": { "q": list.q, "status": list.status, "payment": list.payment, "shop": list.shop, "from": list.from, "to": list.to },
        "payments": PAYMENT_STATES.map(|state| json!({ "value": state, "label_key": format!("orders.payment.{state}") })),
        "shops": shops.iter().map(|shop| json!({ "value": shop.id, "label": shop.name })).collect::<Vec<_>>(),
        "statuses": Status::ALL.iter().map(status).collect::<Vec<_>>(),
        "can_fulfil": access.tenant().may("orders:fulfil"),
    });
    Ok((company, data))
}

const COLUMNS: [&str; 7] = ["number", "placed", "customer", "status", "payment", "currency", "total"];

/// What is filtered, as CSV; the same for the chosen rows.
async fn export(visitor: Visitor<OrdersRead>, Query(list): Query<List>) -> PageResult<Response> {
    let look = visitor.look();
    let access = Arc::new(visitor.access);
    let zone = match zone_of(&access).await {
        Ok(zone) => zone,
        Err(error) => return Err(look.with(error)),
    };
    let sort = list.sorting().sort;
    let csv = export::csv("orders", &COLUMNS, move |after| {
        let (access, filter) = (access.clone(), list.filter(&zone));
        async move {
            let scope = access.read().await?;
            let found = orders::sorted(&scope, &filter, sort, after, export::ROWS).await?;
            let next = found.last().filter(|_| found.len() as u64 == export::ROWS).map(|order| sort.by.place(order));
            Ok((found.iter().map(cells).collect(), next))
        }
    });
    csv.await.map_err(|error| look.with(error))
}

async fn zone_of(access: &Access<OrdersRead>) -> Result<String> {
    Ok(companies::own(&access.read().await?).await?.zone)
}

async fn export_chosen(visitor: Visitor<OrdersRead>, fields: Fields) -> PageResult<Response> {
    let rows = chosen_rows(&visitor.access, &fields).await.map_err(|error| visitor.refuse(error))?;
    let csv = export::csv("orders", &COLUMNS, move |_: Option<()>| std::future::ready(Ok((rows.clone(), None))));
    csv.await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(access: &Access<OrdersRead>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let mut rows = Vec::new();
    for id in chosen(fields) {
        rows.push(cells(&orders::get(&scope, id).await?));
    }
    Ok(rows)
}

fn cells(order: &Order) -> Vec<String> {
    vec![
        order.order_number.clone(),
        order.created_at.to_string(),
        order.customer_name.clone(),
        order.status.name().into(),
        order.payment_status.clone(),
        order.currency.clone(),
        order.total.plain(),
    ]
}

/// The chosen orders of a page: at most as many as one has.
fn chosen(fields: &Fields) -> Vec<OrderId> {
    fields.all("ids").iter().take(100).filter_map(|id| id.parse().ok()).collect()
}

/// Starts picking the chosen orders, each in a unit of its own: what is refused for one is done for
/// the rest, and said.
async fn start_picking(visitor: Visitor<OrdersFulfil>, fields: Fields) -> PageResult<Redirect> {
    let step = Step { status: Status::Processing, note: String::new(), tracking_number: None };
    let (mut done, mut lines) = (0, Vec::new());
    for id in chosen(&fields) {
        match step_on(&visitor.access, id, &step, None).await {
            Ok(()) => done += 1,
            Err(error) => {
                let number = number_of(&visitor.access, id).await.unwrap_or_default();
                lines.push(format!("{number} {}", said(&error, &visitor.language)));
            }
        }
    }
    let tone = if lines.is_empty() { "ok" } else { "warn" };
    let text = templates::filled("orders.picking_started", &visitor.language, &[("n", &done)]);
    Ok(visitor.tell(&visitor.list_at("/company/orders"), tone, &text, &lines))
}

async fn number_of(access: &Access<OrdersFulfil>, id: OrderId) -> Result<String> {
    let scope = access.read().await?;
    Ok(orders::get(&scope, id).await?.order_number)
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<OrdersRead, _>("/company/orders", "Orders", index),
        get::<OrdersRead, _>("/company/orders/export.csv", "Orders as CSV", export),
        post::<OrdersRead, _>("/company/orders/chosen.csv", "Chosen orders as CSV", export_chosen),
        post::<OrdersFulfil, _>("/company/orders/picking", "Starts picking the chosen orders", start_picking),
    ]
}
