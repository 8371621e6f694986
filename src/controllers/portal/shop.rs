//! The shop terminal: the queue of orders to pick, pack, ship and hand over.

use axum::{
    Form,
    response::{Html, Redirect},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    PageResult, Visitor,
    company::{action_key, step_on},
    local,
};
use crate::{
    clock,
    controllers::extract::{Id, Query},
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{OrderId, ShopId},
    models::{
        companies::{self, Company},
        orders::{self, Filter, Status, Step},
        shops,
    },
    tenancy::{Access, roles::OrdersFulfil},
};

#[derive(Debug, Deserialize)]
struct Asked {
    shop: Option<ShopId>,
}

async fn board(visitor: Visitor<OrdersFulfil>, Query(asked): Query<Asked>) -> PageResult<Html<String>> {
    let read = board_page(&visitor.access, asked.shop).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("shop/orders.html", &company, data)
}

const LANES: [(&str, Status); 4] = [
    ("shop.orders.col.new", Status::Confirmed),
    ("shop.orders.col.picking", Status::Processing),
    ("shop.orders.col.packed", Status::Packed),
    ("shop.orders.col.on_the_way", Status::Shipped),
];

async fn board_page(access: &Access<OrdersFulfil>, asked: Option<ShopId>) -> Result<(Company, Value)> {
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let shops = shops::list(&scope).await?;
    let shop = match asked {
        Some(id) => shops.iter().find(|shop| shop.id == id).ok_or(Error::NOT_FOUND)?,
        None => shops.first().ok_or(Error::NOT_FOUND)?,
    };
    let mut columns = Vec::with_capacity(LANES.len());
    let mut digit = 0;
    let now = clock::now().micros();
    let mut last_event = String::new();
    for (title, status) in LANES {
        let filter = Filter { status: vec![status], shop: Some(shop.id), ..Filter::default() };
        let mut found = orders::list(&scope, &filter, None, 50).await?.orders;
        // The one that waits longest is next.
        found.reverse();
        let ids: Vec<_> = found.iter().map(|order| order.id).collect();
        let mut items = orders::items_of(&scope, &ids).await?;
        let mut tickets = Vec::with_capacity(found.len());
        for order in found {
            last_event = last_event.max(order.updated_at.to_string());
            digit += 1;
            let lines: Vec<_> = items
                .remove(&order.id)
                .unwrap_or_default()
                .iter()
                .filter(|item| item.quantity > item.quantity_cancelled)
                .map(|item| json!({ "name": item.name, "quantity": quantity(item.quantity - item.quantity_cancelled, &item.sold_by), "sku": item.sku }))
                .collect();
            let action = order.status.next().map(|to| json!({ "status": to, "label_key": action_key(to) }));
            tickets.push(json!({
                "id": order.id, "number": order.order_number, "customer": order.customer_name,
                "placed": local(order.created_at, &company.zone), "minutes": (now - order.created_at.micros()) / 60_000_000,
                "total": order.total, "status": order.status, "lines": lines, "action": action,
                "digit": if digit <= 9 { digit.to_string() } else { String::new() },
            }));
        }
        columns.push(json!({ "title_key": title, "tickets": tickets }));
    }
    let data = json!({
        "shop": { "id": shop.id, "name": shop.name },
        "shops": shops.iter().map(|shop| json!({ "id": shop.id, "name": shop.name })).collect::<Vec<_>>(),
        "columns": columns, "last_event": last_event,
    });
    Ok((company, data))
}

/// Pieces, or kilograms with three decimals.
fn quantity(amount: i64, sold_by: &str) -> String {
    if sold_by == "weight" { format!("{}.{:03} kg", amount / 1_000, amount % 1_000) } else { amount.to_string() }
}

#[derive(Deserialize)]
struct StepForm {
    status: String,
    #[serde(default)]
    shop: String,
}

async fn change_status(visitor: Visitor<OrdersFulfil>, Id(id): Id<OrderId>, Form(form): Form<StepForm>) -> PageResult<Redirect> {
    let to = Status::named(&form.status).ok_or_else(|| visitor.refuse(Error::invalid("status", "unknown", "there is no such status")))?;
    let step = Step { status: to, note: String::new(), tracking_number: None };
    step_on(&visitor.access, id, &step).await.map_err(|error| visitor.refuse(error))?;
    let shop = form.shop.parse::<ShopId>().map(|shop| format!("?shop={shop}")).unwrap_or_default();
    Ok(Redirect::to(&format!("/shop/orders{shop}")))
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<OrdersFulfil, _>("/shop/orders", "The queue of orders", board),
        post::<OrdersFulfil, _>("/shop/orders/{id}/status", "Moves an order one step on", change_status),
    ]
}
