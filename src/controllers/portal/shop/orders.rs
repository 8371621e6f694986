//! The shop terminal: the queue of orders to pick, pack, ship and hand over.

use axum::response::{Html, Redirect};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        PageResult, Visitor,
        company::order::{action_key, fill_short, step_on},
        fields::Fields,
        local,
        shelf::amount,
    },
    shop_of,
};
use crate::{
    clock,
    controllers::extract::{Id, Query},
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{OrderId, ShopId},
    models::{
        companies::{self, Company},
        orders::{self, Status, Step},
    },
    tenancy::{Access, roles::OrdersFulfil},
};

#[derive(Debug, Deserialize)]
struct Asked {
    shop: Option<ShopId>,
}

async fn board(visitor: Visitor<OrdersFulfil>, Query(asked): Query<Asked>) -> PageResult<Html<String>> {
    let read = board_page(&visitor.access, asked.shop, &visitor.language).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("shop/orders.html", &company, data)
}

/// So many tickets a lane shows; those that have waited longest.
const TICKETS: u64 = 50;

const LANES: [(&str, Status); 4] = [
    ("shop.orders.col.new", Status::Confirmed),
    ("shop.orders.col.picking", Status::Processing),
    ("shop.orders.col.packed", Status::Packed),
    ("shop.orders.col.on_the_way", Status::Shipped),
];

async fn board_page(access: &Access<OrdersFulfil>, asked: Option<ShopId>, language: &str) -> Result<(Company, Value)> {
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let (shops, shop) = shop_of(&scope, asked).await?;
    let mut columns = Vec::with_capacity(LANES.len());
    let now = clock::now().micros();
    let mut last_event = String::new();
    // One thing to do: the first step of the board. The script moves it along with the chosen lane.
    let mut has_first = false;
    for (title, status) in LANES {
        let found = orders::waiting(&scope, shop.id, status, TICKETS).await?;
        let ids: Vec<_> = found.iter().map(|order| order.id).collect();
        let mut items = orders::items_of(&scope, &ids).await?;
        let mut tickets = Vec::with_capacity(found.len());
        for (index, order) in found.into_iter().enumerate() {
            last_event = last_event.max(order.updated_at.to_string());
            let lines: Vec<_> = items
                .remove(&order.id)
                .unwrap_or_default()
                .iter()
                .filter(|item| item.quantity > item.quantity_cancelled)
                .map(|item| {
                    let by_weight = item.sold_by == "weight";
                    let missing = Some(item.quantity_short).filter(|short| *short > 0);
                    json!({
                        "name": item.name, "quantity": amount(item.quantity - item.quantity_cancelled, by_weight), "sku": item.sku,
                        "missing": missing.map(|short| amount(short, by_weight)),
                    })
                })
                .collect();
            // What is missing comes first: a short order is filled before it is packed.
            let blocked = order.is_short && order.status == Status::Processing;
            let action = order.status.next().filter(|_| !blocked).map(|to| json!({ "status": to, "label_key": action_key(to) }));
            let is_first = !has_first && action.is_some();
            has_first |= is_first;
            tickets.push(json!({
                "id": order.id, "is_first": is_first, "number": order.order_number, "customer": order.customer_name,
                "placed": local(order.created_at, &company.zone, language), "minutes": (now - order.created_at.micros()) / 60_000_000,
                "total": order.total, "status": order.status, "lines": lines, "action": action, "is_short": order.is_short,
                "digit": if index < 9 { (index + 1).to_string() } else { String::new() },
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

/// A step that is refused leads back to the board, which says why: the ticket has moved meanwhile.
async fn change_status(visitor: Visitor<OrdersFulfil>, Id(id): Id<OrderId>, fields: Fields) -> PageResult<Redirect> {
    let shop = fields.raw("shop").parse::<ShopId>().map(|shop| format!("?shop={shop}")).unwrap_or_default();
    let board = format!("/shop/orders{shop}");
    let done = match Status::named(fields.raw("status")) {
        Some(status) => step_on(&visitor.access, id, &Step { status, note: String::new(), tracking_number: None }, None).await,
        None => Err(Error::invalid("status", "unknown", "there is no such status")),
    };
    match done {
        Ok(()) => Ok(Redirect::to(&board)),
        Err(error) => visitor.back(&board, error),
    }
}

/// Takes what an order came short of from the shelf.
async fn fill(visitor: Visitor<OrdersFulfil>, Id(id): Id<OrderId>, fields: Fields) -> PageResult<Redirect> {
    let shop = fields.raw("shop").parse::<ShopId>().map(|shop| format!("?shop={shop}")).unwrap_or_default();
    let board = format!("/shop/orders{shop}");
    match fill_short(&visitor.access, id).await {
        Ok(()) => Ok(visitor.done(&board, "order_filled")),
        Err(error) => visitor.back(&board, error),
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<OrdersFulfil, _>("/shop/orders", "The queue of orders", board),
        post::<OrdersFulfil, _>("/shop/orders/{id}/status", "Moves an order one step on", change_status),
        post::<OrdersFulfil, _>("/shop/orders/{id}/fill", "Fills a short order from the shelf", fill),
    ]
}
