//! Finding orders.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};

use super::{checkout, event, item, order, status::Status};
use crate::{
    clock::Instant,
    errors::Result,
    ids::{CheckoutId, CustomerId, OrderId, ShopId},
    models::catalog::fold,
    tenancy::{Actor, Scope},
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
    /// The beginning of an order number.
    pub words: Option<String>,
}

#[derive(Debug)]
pub struct Page {
    pub orders: Vec<order::Model>,
    /// Behind which order the next page begins.
    pub next: Option<(i64, OrderId)>,
}

/// Orders, newest first: of the caller's shops, or for a customer their own.
pub async fn list(scope: &Scope, filter: &Filter, after: Option<(i64, OrderId)>, limit: u64) -> Result<Page> {
    let mut rows = scope.find::<order::Entity>();
    if let Actor::Customer(me) = scope.tenant().actor {
        rows = rows.filter(order::Column::CustomerId.eq(me));
    }
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
        let number = words.to_uppercase();
        let name = fold(words);
        rows = rows.filter(
            Condition::any()
                .add(
                    Condition::all()
                        .add(order::Column::OrderNumber.gte(number.as_str()))
                        .add(order::Column::OrderNumber.lt(format!("{number}\u{10ffff}"))),
                )
                .add(
                    Condition::all()
                        .add(order::Column::SearchText.gte(name.as_str()))
                        .add(order::Column::SearchText.lt(format!("{name}\u{10ffff}"))),
                ),
        );
    }
    if let Some((at, id)) = after {
        let same_moment = Condition::all().add(order::Column::CreatedAt.eq(at)).add(order::Column::Id.lt(id));
        rows = rows.filter(Condition::any().add(order::Column::CreatedAt.lt(at)).add(same_moment));
    }
    let rows = rows.order_by_desc(order::Column::CreatedAt).order_by_desc(order::Column::Id).limit(limit + 1);
    let mut orders = scope.all(rows).await?;
    let more = orders.len() as u64 > limit;
    orders.truncate(usize::try_from(limit).unwrap_or(100));
    let next = orders.last().filter(|_| more).map(|last| (last.created_at.micros(), last.id));
    Ok(Page { orders, next })
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
