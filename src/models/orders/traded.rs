//! What was sold at the caller's shops, in figures: each is one statement over the orders of a
//! stretch of time, which is a range of an index.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Alias, Expr, ExprTrait},
};

use super::{item, list::Filter, list::seen, order, status::Status};
use crate::{
    clock::Instant,
    errors::Result,
    ids::{CustomerId, ProductId, ShopId, VariantId},
    models::payments,
    money::Money,
    tenancy::Scope,
};

/// Orders that count as sold are paid, or promised to be paid at the door, and neither called off nor
/// taken back.
const NOT_SOLD: [Status; 3] = [Status::Pending, Status::Cancelled, Status::Returned];
const HOUR: i64 = 3_600_000_000;

/// A stretch of time, and as much before it to compare with.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub before: Instant,
    pub from: Instant,
    /// Up to before this moment.
    pub until: Instant,
}

/// The sum of a column, as a whole number on both databases.
fn sum(of: Expr) -> Expr {
    of.sum().if_null(0_i64).cast_as(Alias::new("bigint"))
}

/// What a row counts for when it is of the stretch itself, or of the time before.
fn when(span: &Span, is_before: bool, then: Expr) -> Expr {
    let at = Expr::col((order::Entity, order::Column::CreatedAt));
    let is_then = if is_before { at.lt(span.from.micros()) } else { at.gte(span.from.micros()) };
    Expr::case(is_then, then).finally(0_i64).into()
}

/// What an order came to: without what was called off of it or given back. Of one that does not count
/// as sold, all that it was about.
fn worth(scope: &Scope) -> Expr {
    let total = Expr::col((order::Entity, order::Column::Total));
    Expr::case(order::Column::Status.is_in(NOT_SOLD), total).finally(payments::kept_of_order(scope)).into()
}

fn of_span(scope: &Scope, span: &Span, shop: Option<ShopId>) -> Select<order::Entity> {
    let mut rows = scope.find::<order::Entity>();
    if let Some(shop) = shop {
        rows = rows.filter(order::Column::ShopId.eq(shop));
    }
    rows.filter(order::Column::CreatedAt.gte(span.before)).filter(order::Column::CreatedAt.lt(span.until)).select_only()
}

/// The orders of a status, in the stretch and before it.
#[derive(Clone, Debug, FromQueryResult)]
pub struct OfStatus {
    pub status: Status,
    pub orders: i64,
    pub amount: i64,
    pub orders_before: i64,
    pub amount_before: i64,
}

impl OfStatus {
    /// Whether these orders count as sold.
    #[must_use]
    pub fn is_sold(&self) -> bool {
        !NOT_SOLD.contains(&self.status)
    }
}

/// How many orders of each status there are, and what they come to.
pub async fn by_status(scope: &Scope, span: &Span, shop: Option<ShopId>) -> Result<Vec<OfStatus>> {
    let rows = of_span(scope, span, shop)
        .column(order::Column::Status)
        .expr_as(sum(when(span, false, Expr::val(1_i64))), "orders")
        .expr_as(sum(when(span, false, worth(scope))), "amount")
        .expr_as(sum(when(span, true, Expr::val(1_i64))), "orders_before")
        .expr_as(sum(when(span, true, worth(scope))), "amount_before")
        .group_by(order::Column::Status);
    scope.all_as(rows).await
}

/// What a shop sold.
#[derive(Clone, Debug, FromQueryResult)]
pub struct OfShop {
    pub shop_id: ShopId,
    pub amount: i64,
    pub amount_before: i64,
}

/// What each shop sold, in the stretch and before it.
pub async fn by_shop(scope: &Scope, span: &Span, shop: Option<ShopId>) -> Result<Vec<OfShop>> {
    let rows = of_span(scope, span, shop)
        .filter(order::Column::Status.is_not_in(NOT_SOLD))
        .column(order::Column::ShopId)
        .expr_as(sum(when(span, false, worth(scope))), "amount")
        .expr_as(sum(when(span, true, worth(scope))), "amount_before")
        .group_by(order::Column::ShopId);
    scope.all_as(rows).await
}

#[derive(FromQueryResult)]
struct OfHour {
    hour: i64,
    orders: i64,
    amount: i64,
}

/// What was sold in each hour from the time before on: the hour's beginning, orders and amount. Days
/// are the caller's to make of them, on the calendar of the company.
pub async fn by_hour(scope: &Scope, span: &Span, shop: Option<ShopId>) -> Result<Vec<(Instant, i64, i64)>> {
    let hour = Expr::col(order::Column::CreatedAt).sub(span.before.micros()).div(HOUR);
    let rows = of_span(scope, span, shop)
        .filter(order::Column::Status.is_not_in(NOT_SOLD))
        .expr_as(hour, "hour")
        .expr_as(Expr::col(order::Column::Id).count(), "orders")
        .expr_as(sum(worth(scope)), "amount")
        .group_by(Expr::col(Alias::new("hour")));
    let rows = scope.all_as::<OfHour, _>(rows).await?;
    Ok(rows.into_iter().map(|row| (Instant(span.before.micros() + row.hour * HOUR), row.orders, row.amount)).collect())
}

/// Goods by what they brought in.
#[derive(Clone, Debug, FromQueryResult)]
pub struct SoldGoods {
    pub variant_id: VariantId,
    pub product_id: ProductId,
    pub name: String,
    pub sku: String,
    pub sold_by: String,
    /// Pieces, or grams.
    pub quantity: i64,
    pub amount: i64,
}

/// `of × part ÷ whole`, multiplied in such pieces that it stays within 64 bits.
fn part(of: item::Column, part: Expr, whole: item::Column) -> Expr {
    let each = Expr::col(of).div(Expr::col(whole)).mul(part.clone());
    each.add(Expr::col(of).modulo(Expr::col(whole)).mul(part).div(Expr::col(whole)))
}

/// What brought in the most.
pub async fn best_sellers(scope: &Scope, span: &Span, shop: Option<ShopId>, limit: u64) -> Result<Vec<SoldGoods>> {
    let sold = of_span(scope, &Span { before: span.from, ..*span }, shop).filter(order::Column::Status.is_not_in(NOT_SOLD));
    let kept =
        Expr::col(item::Column::Quantity).sub(Expr::col(item::Column::QuantityCancelled)).sub(Expr::col(item::Column::QuantityReturned));
    let text = |column: item::Column| Expr::col(column).max();
    let rows = scope
        .find::<item::Entity>()
        .filter(item::Column::OrderId.in_subquery(sold.column(order::Column::Id).into_query()))
        .select_only()
        .column(item::Column::VariantId)
        .column(item::Column::ProductId)
        .expr_as(text(item::Column::Name), "name")
        .expr_as(text(item::Column::Sku), "sku")
        .expr_as(text(item::Column::SoldBy), "sold_by")
        .expr_as(sum(kept.clone()), "quantity")
        .expr_as(sum(part(item::Column::Subtotal, kept, item::Column::Quantity)), "amount")
        .group_by(item::Column::VariantId)
        .group_by(item::Column::ProductId)
        .order_by_desc(Expr::col(Alias::new("amount")))
        .order_by_asc(item::Column::VariantId)
        .limit(limit);
    scope.all_as(rows).await
}

#[derive(FromQueryResult)]
struct OfProduct {
    product_id: ProductId,
    orders: i64,
}

/// In how many orders since a moment each product was bought, and not called off again.
pub(super) async fn orders_of_products(scope: &Scope, since: Instant) -> Result<BTreeMap<ProductId, i64>> {
    let sold = scope
        .find::<order::Entity>()
        .filter(order::Column::CreatedAt.gte(since))
        .filter(order::Column::Status.is_not_in(NOT_SOLD))
        .select_only()
        .column(order::Column::Id);
    let rows = scope
        .find::<item::Entity>()
        .filter(item::Column::OrderId.in_subquery(sold.into_query()))
        .filter(Expr::col(item::Column::QuantityCancelled).lt(Expr::col(item::Column::Quantity)))
        .select_only()
        .column(item::Column::ProductId)
        .expr_as(Expr::col(item::Column::OrderId).count_distinct(), "orders")
        .group_by(item::Column::ProductId);
    let rows = scope.all_as::<OfProduct, _>(rows).await?;
    Ok(rows.into_iter().map(|row| (row.product_id, row.orders)).collect())
}

/// How many orders a list has, counted to `most` and no further.
pub async fn how_many(scope: &Scope, filter: &Filter, most: u64) -> Result<u64> {
    scope.count_to(seen(scope, filter), most).await
}

/// What a customer bought at the caller's shops.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Bought {
    pub customer_id: CustomerId,
    pub orders: i64,
    pub amount: Money,
    pub last_at: Instant,
}

/// What some customers bought; those who bought nothing are not among them.
pub async fn bought_by(scope: &Scope, customers: &[CustomerId]) -> Result<BTreeMap<CustomerId, Bought>> {
    let rows = scope
        .find::<order::Entity>()
        .filter(order::Column::CustomerId.is_in(customers.iter().copied()))
        .filter(order::Column::Status.is_not_in(NOT_SOLD))
        .select_only()
        .column(order::Column::CustomerId)
        .expr_as(Expr::col(order::Column::Id).count(), "orders")
        .expr_as(sum(worth(scope)), "amount")
        .expr_as(Expr::col(order::Column::CreatedAt).max(), "last_at")
        .group_by(order::Column::CustomerId);
    let rows = scope.all_as::<Bought, _>(rows).await?;
    Ok(rows.into_iter().map(|row| (row.customer_id, row)).collect())
}
