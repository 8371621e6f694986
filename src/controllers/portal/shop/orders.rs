//! The shop terminal: the queue of orders to pick, pack, ship and hand over.

use axum::response::{Html, Redirect};
use serde::{Deserialize, Serialize};
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
        orders::{self, Filter, Item, Order, Status, Step},
        payments,
    },
    tenancy::{
        Access, Scope,
        roles::{OrdersFulfil, OrdersRead},
    },
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

/// A lane that has more is counted so far.
const COUNTED_MAX: u64 = 100;

async fn board_page(access: &Access<OrdersFulfil>, asked: Option<ShopId>, language: &str) -> Result<(Company, Value)> {
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let (shops, shop) = shop_of(&scope, asked).await?;
    let mut columns = Vec::with_capacity(LANES.len());
    // One thing to do: the first step of the board. The script moves it along with the chosen lane.
    let mut has_first = false;
    for (title, status) in LANES {
        let found = orders::waiting(&scope, shop.id, status, TICKETS).await?;
        let ids: Vec<_> = found.iter().map(|order| order.id).collect();
        let mut items = orders::items_of(&scope, &ids).await?;
        let cash: Vec<_> = found.iter().filter(|order| order.payment_status == "pending").map(|order| order.id).collect();
        let cash = payments::open_shares(&scope, &cash).await?;
        let mut tickets = Vec::with_capacity(found.len());
        for (index, order) in found.iter().enumerate() {
            let lines = items.remove(&order.id).unwrap_or_default();
            let mut ticket = ticket(order, &lines, &company, language);
            let is_first = !has_first && !ticket["action"].is_null();
            has_first |= is_first;
            ticket["is_first"] = json!(is_first);
            ticket["digit"] = json!(if index < 9 { (index + 1).to_string() } else { String::new() });
            ticket["collect"] = json!(cash.get(&order.id).map(|open| open.display(&order.currency)));
            tickets.push(ticket);
        }
        let more = if tickets.len() as u64 == TICKETS { more(access, &scope, shop.id, status).await? } else { None };
        let many = more.as_ref().map_or_else(|| tickets.len().to_string(), |more| more.many.clone());
        columns.push(json!({ "title_key": title, "tickets": tickets, "many": many, "more": more }));
    }
    let data = json!({
        "shop": { "id": shop.id, "name": shop.name },
        "shops": shops.iter().map(|shop| json!({ "id": shop.id, "name": shop.name })).collect::<Vec<_>>(),
        "columns": columns,
    });
    Ok((company, data))
}

/// How long somebody waits, in the largest unit of which there are two: `waited` is in microseconds.
fn waited(waited: i64) -> Value {
    let minutes = waited / 60_000_000;
    let (key, n) = match minutes {
        2_880.. => ("shop.orders.days", minutes / 1_440),
        120.. => ("shop.orders.hours", minutes / 60),
        _ => ("shop.orders.minutes", minutes),
    };
    json!({ "key": key, "n": n })
}

/// An order as a ticket of its lane.
fn ticket(order: &Order, lines: &[Item], company: &Company, language: &str) -> Value {
    let line = |item: &Item| {
        let by_weight = item.sold_by == "weight";
        let missing = Some(item.quantity_short).filter(|short| *short > 0);
        json!({
            "name": item.name, "quantity": amount(item.quantity - item.quantity_cancelled, by_weight), "sku": item.sku,
            "missing": missing.map(|short| amount(short, by_weight)),
        })
    };
    let lines: Vec<_> = lines.iter().filter(|item| item.quantity > item.quantity_cancelled).map(line).collect();
    // What is missing comes first: a short order is filled before it is packed.
    let blocked = order.is_short && order.status == Status::Processing;
    let action = order.status.next().filter(|_| !blocked).map(|to| json!({ "status": to, "label_key": action_key(to) }));
    json!({
        "id": order.id, "number": order.order_number, "customer": order.customer_name, "placed": local(order.created_at, &company.zone, language),
        "waited": waited(clock::now().micros() - order.created_at.micros()), "total": order.total, "status": order.status,
        "lines": lines, "action": action, "is_short": order.is_short,
    })
}

/// What a lane has beyond its tickets. The youngest order is among them: it is said when it comes in.
#[derive(Serialize)]
struct More {
    /// How many orders the lane has, and how many of them it does not show.
    many: String,
    hidden: String,
    newest: OrderId,
    newest_number: String,
    /// The list of them, for whoever may read it.
    href: Option<String>,
}

async fn more(access: &Access<OrdersFulfil>, scope: &Scope, shop: ShopId, status: Status) -> Result<Option<More>> {
    let filter = Filter { status: vec![status], shop: Some(shop), ..Filter::default() };
    let many = orders::how_many(scope, &filter, COUNTED_MAX + 1).await?;
    let newest = orders::list(scope, &filter, None, 1).await?.orders.pop();
    let Some(newest) = newest.filter(|_| many > TICKETS) else { return Ok(None) };
    let counted = |from: u64| {
        let sign = if many > COUNTED_MAX { "+" } else { "" };
        format!("{}{sign}", many.min(COUNTED_MAX) - from)
    };
    let href = access.also::<OrdersRead>().map(|_| format!("/company/orders?status={}&shop={shop}", status.name()));
    Ok(Some(More { many: counted(0), hidden: counted(TICKETS), newest: newest.id, newest_number: newest.order_number, href }))
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
