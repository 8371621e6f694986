//! Finding orders.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Alias, Expr, ExprTrait, SelectStatement},
};

use super::{checkout, event, item, order, status::Status};
use crate::{
    clock::Instant,
    errors::{Error, Result},
    ids::{CheckoutId, CompanyId, CustomerId, OrderId, ShopId},
    keyset::{self, At, Place, Sort},
    models::catalog::fold,
    tenancy::{Actor, Platform, Scope},
};

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Vec<Status>,
    pub payment_status: Option<String>,
    pub shop: Option<ShopId>,
    pub customer: Option<CustomerId>,
    pub from: Option<Instant>,
    pub to: Option<Instant>,
    /// The beginning of an order number, or of the customer's name.
    pub words: Option<String>,
}

#[derive(Debug)]
pub struct Page {
    pub orders: Vec<order::Model>,
    /// Behind which order the next page begins.
    pub next: Option<(i64, OrderId)>,
}

/// Orders of the caller's shops, or for a customer their own.
pub(super) fn seen(scope: &Scope, filter: &Filter) -> Select<order::Entity> {
    let rows = narrowed(scope.find::<order::Entity>(), filter);
    match scope.tenant().actor {
        Actor::Customer(me) => rows.filter(order::Column::CustomerId.eq(me)),
        _ => rows,
    }
}

/// A page of orders, newest first.
pub async fn list(scope: &Scope, filter: &Filter, after: Option<(i64, OrderId)>, limit: u64) -> Result<Page> {
    let mut rows = seen(scope, filter);
    if let Some((at, id)) = after {
        rows = rows.filter(keyset::below(order::Column::CreatedAt, at, order::Column::Id, id));
    }
    let rows = rows.order_by_desc(order::Column::CreatedAt).order_by_desc(order::Column::Id).limit(limit + 1);
    let mut orders = scope.all(rows).await?;
    let more = orders.len() as u64 > limit;
    orders.truncate(usize::try_from(limit).unwrap_or(100));
    let next = orders.last().filter(|_| more).map(|last| (last.created_at.micros(), last.id));
    Ok(Page { orders, next })
}

/// What people sort orders by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Placed,
    Total,
}

impl By {
    const fn column(self) -> order::Column {
        match self {
            Self::Placed => order::Column::CreatedAt,
            Self::Total => order::Column::Total,
        }
    }

    /// Where a list that is sorted so goes on behind an order.
    #[must_use]
    pub fn place(self, order: &order::Model) -> Place {
        let at = match self {
            Self::Placed => order.created_at.micros(),
            Self::Total => order.total.0,
        };
        Place { at: Some(At::Number(at)), id: order.id.0 }
    }
}

/// Orders in the order that a person chose, behind `after`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sorted(scope: &Scope, filter: &Filter, sort: Sort<By>, after: Option<Place>, limit: u64) -> Result<Vec<order::Model>> {
    let by = Some(sort.by.column().into_expr());
    scope.all(keyset::sorted(seen(scope, filter), by, order::Column::Id, sort.falls, after).limit(limit)).await
}

/// A shop's orders in one state, the one that waits longest first.
pub async fn waiting(scope: &Scope, shop: ShopId, status: Status, limit: u64) -> Result<Vec<order::Model>> {
    let rows = seen(scope, &Filter { status: vec![status], shop: Some(shop), ..Filter::default() });
    scope.all(rows.order_by_asc(order::Column::CreatedAt).order_by_asc(order::Column::Id).limit(limit)).await
}

/// Everybody's orders, newest first, from before `before`, with their lines and what happened to them.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_of_all(platform: &Platform, filter: &Filter, before: Option<OrderId>, limit: u64) -> Result<Vec<order::Model>> {
    let mut rows = narrowed(platform.find::<order::Entity>(), filter);
    // Ids are born by the clock, so a period is a range of them too.
    if let Some(from) = filter.from {
        rows = rows.filter(order::Column::Id.gte(OrderId::first_at(from)));
    }
    if let Some(before) = before {
        rows = rows.filter(order::Column::Id.lt(before));
    }
    platform.all(rows.order_by_desc(order::Column::Id).limit(limit)).await
}

/// The lines of some orders of several companies, and what happened to them, oldest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn parts_of_all(
    platform: &Platform,
    orders: &[order::Model],
) -> Result<(BTreeMap<OrderId, Vec<item::Model>>, Vec<event::Model>)> {
    let (companies, ids) = (orders.iter().map(|one| one.company_id), orders.iter().map(|one| one.id));
    let items = platform.find::<item::Entity>().filter(item::Column::CompanyId.is_in(companies.clone()));
    let items = platform.all(items.filter(item::Column::OrderId.is_in(ids.clone())).order_by_asc(item::Column::Id)).await?;
    let events = platform.find::<event::Entity>().filter(event::Column::CompanyId.is_in(companies));
    let events = platform.all(events.filter(event::Column::OrderId.is_in(ids)).order_by_asc(event::Column::Id)).await?;
    let mut by_order: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in items {
        by_order.entry(row.order_id).or_default().push(row);
    }
    Ok((by_order, events))
}

/// Whose order it is.
///
/// # Errors
/// 404 when there is none.
pub async fn company_of(platform: &Platform, id: OrderId) -> Result<CompanyId> {
    let order = platform.one(platform.find::<order::Entity>().filter(order::Column::Id.eq(id))).await?;
    order.map(|order| order.company_id).ok_or(Error::NOT_FOUND)
}

fn narrowed(mut rows: Select<order::Entity>, filter: &Filter) -> Select<order::Entity> {
    if !filter.status.is_empty() {
        rows = rows.filter(order::Column::Status.is_in(filter.status.iter().copied()));
    }
    if let Some(status) = &filter.payment_status {
        rows = rows.filter(order::Column::PaymentStatus.eq(status.as_str()));
    }
    if let Some(shop) = filter.shop {
        rows = rows.filter(order::Column::ShopId.eq(shop));
    }
    if let Some(customer) = filter.customer {
        rows = rows.filter(order::Column::CustomerId.eq(customer));
    }
    if let Some(from) = filter.from {
        rows = rows.filter(order::Column::CreatedAt.gte(from));
    }
    if let Some(to) = filter.to {
        rows = rows.filter(order::Column::CreatedAt.lt(to));
    }
    if let Some(words) = filter.words.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
        // Either the one or the other, so that each is a range of one index: numbers have digits, names do not.
        let (column, beginning) = if words.contains(|letter: char| letter.is_ascii_digit()) {
            (order::Column::OrderNumber, words.to_uppercase())
        } else {
            (order::Column::SearchText, fold(words))
        };
        if beginning.is_empty() {
            return rows.filter(Expr::val(1).eq(0));
        }
        rows = rows.filter(column.gte(beginning.as_str())).filter(column.lt(format!("{beginning}\u{10ffff}")));
    }
    rows
}

/// # Errors
/// 404 when it is not there, of another shop than the caller's, or another customer's.
pub async fn get(scope: &Scope, id: OrderId) -> Result<order::Model> {
    let mut row = scope.find::<order::Entity>().filter(order::Column::Id.eq(id));
    if let Actor::Customer(me) = scope.tenant().actor {
        row = row.filter(order::Column::CustomerId.eq(me));
    }
    scope.get(row).await
}

/// All orders of a checkout, whoever asks: acts on the checkout concern them all.
pub async fn of_checkout(scope: &Scope, checkout: CheckoutId) -> Result<Vec<order::Model>> {
    let rows = scope.find_company_wide::<order::Entity>().filter(order::Column::CheckoutId.eq(checkout));
    scope.all(rows.order_by_asc(order::Column::Id)).await
}

/// # Errors
/// 404 when it is not there.
pub async fn find_checkout(scope: &Scope, id: CheckoutId) -> Result<checkout::Model> {
    scope.get(scope.find::<checkout::Entity>().filter(checkout::Column::Id.eq(id))).await
}

/// The lines of some orders.
pub async fn items_of(scope: &Scope, orders: &[OrderId]) -> Result<BTreeMap<OrderId, Vec<item::Model>>> {
    let rows = scope.find_company_wide::<item::Entity>().filter(item::Column::OrderId.is_in(orders.iter().copied()));
    let mut by_order: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in scope.all(rows.order_by_asc(item::Column::Id)).await? {
        by_order.entry(row.order_id).or_default().push(row);
    }
    Ok(by_order)
}

/// What happened to some orders, oldest first.
pub async fn timeline(scope: &Scope, orders: &[OrderId]) -> Result<Vec<event::Model>> {
    let rows = scope.find_company_wide::<event::Entity>().filter(event::Column::OrderId.is_in(orders.iter().copied()));
    scope.all(rows.order_by_asc(event::Column::Id)).await
}

/// A question about each row of `customers`: what they ordered at the caller's shops. Nothing
/// where the caller sees the whole company, and so all of its customers.
#[must_use]
pub fn bought_here(scope: &Scope) -> Option<SelectStatement> {
    scope.tenant().shops.as_ref()?;
    let theirs = Expr::col((order::Entity, order::Column::CustomerId)).equals((Alias::new("customers"), Alias::new("id")));
    Some(scope.find::<order::Entity>().select_only().column(order::Column::Id).filter(theirs).into_query())
}

/// Whether a shop has orders that are under way.
///
/// # Errors
/// When the database cannot be reached.
pub async fn has_open(scope: &Scope, shop: ShopId) -> Result<bool> {
    let open = [Status::Pending, Status::Confirmed, Status::Processing, Status::Packed, Status::Shipped];
    let rows = scope.find_company_wide::<order::Entity>().filter(order::Column::ShopId.eq(shop)).filter(order::Column::Status.is_in(open));
    Ok(scope.one(rows.limit(1)).await?.is_some())
}
