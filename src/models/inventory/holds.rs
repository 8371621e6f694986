//! Goods promised to a checkout: taken, moved through a payment, used or released.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use serde::Serialize;
use serde_json::json;

use super::{announce, hold, moved, stock};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    events::Event,
    ids::{CheckoutId, CompanyId, HoldId, OrderId, ShopId, StockId, VariantId},
    tenancy::{Platform, Scope},
};

/// Where a promise stands. Only `Held` ones expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    Held,
    Paying,
    Used,
    Released,
}

impl HoldState {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Paying => "paying",
            Self::Used => "used",
            Self::Released => "released",
        }
    }
}

/// So much of a variant, from a shop: pieces or grams.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    pub variant: VariantId,
    pub shop: ShopId,
    pub quantity: i64,
}

/// What could not be promised.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shortage {
    pub variant_id: VariantId,
    pub shop_id: ShopId,
    pub requested: i64,
    pub available: i64,
}

/// Promises all of `demands` to the checkout, or none.
///
/// # Errors
/// 409 `insufficient_stock` with the lines that are short; the caller rolls back.
pub async fn reserve(scope: &Scope, checkout: CheckoutId, demands: &[Demand], until: Instant) -> Result<()> {
    let mut summed: BTreeMap<(VariantId, ShopId), i64> = BTreeMap::new();
    for demand in demands {
        *summed.entry((demand.variant, demand.shop)).or_default() += demand.quantity;
    }
    let rows = stock_of(scope, summed.keys().copied().collect()).await?;
    let mut short = Vec::new();
    let mut wanted: BTreeMap<StockId, (i64, VariantId, ShopId)> = BTreeMap::new();
    for ((variant, shop), quantity) in summed {
        match row_of(&rows, variant, shop) {
            Some(row) => {
                wanted.insert(row.id, (quantity, variant, shop));
            }
            None => short.push(Shortage { variant_id: variant, shop_id: shop, requested: quantity, available: 0 }),
        }
    }
    let mut taken = Vec::new();
    for (stock_id, (quantity, variant, shop)) in wanted {
        let take = scope
            .update::<stock::Entity>()
            .col_expr(stock::Column::Reserved, Expr::col(stock::Column::Reserved).add(quantity))
            .filter(stock::Column::Id.eq(stock_id))
            .filter(Expr::col(stock::Column::OnHand).sub(Expr::col(stock::Column::Reserved)).gte(quantity));
        if let Some(row) = scope.run_returning(take).await?.pop() {
            taken.push((row, quantity));
        } else {
            let available = rows.iter().find(|row| row.id == stock_id).map_or(0, |row| row.on_hand - row.reserved);
            // The row read before may be older than the one that refused.
            let available = available.clamp(0, quantity - 1);
            short.push(Shortage { variant_id: variant, shop_id: shop, requested: quantity, available });
        }
    }
    if !short.is_empty() {
        return Err(Error::conflict("insufficient_stock", "some goods are no longer there in that quantity", json!({ "lines": short })));
    }
    let held = taken.iter().map(|(row, quantity)| hold::Model {
        company_id: scope.company(),
        id: HoldId::new(),
        checkout_id: checkout,
        stock_id: row.id,
        variant_id: row.variant_id,
        shop_id: row.shop_id,
        batch_id: None,
        state: HoldState::Held.name().into(),
        quantity: *quantity,
        short: 0,
        expires_at: until,
        created_at: clock::now(),
    });
    scope.insert_all(held.collect()).await?;
    for (row, quantity) in &taken {
        tell_held(scope, "inventory.reserved", row, *quantity).await?;
    }
    Ok(())
}

/// Tells that `quantity` of a stock row was promised, or is free again.
async fn tell_held(scope: &Scope, kind: &'static str, row: &stock::Model, quantity: i64) -> Result<()> {
    let data = json!({ "variantId": row.variant_id, "locationId": row.location_id, "quantity": quantity });
    scope.emit(Event::new(kind, ("stock", row.id.0), row.shop_id, data)).await
}

/// Takes the stock rows of `demands` and of all that was ever promised to `checkouts`, in the order
/// of their ids: whoever goes on to change them shop by shop, or to give some back before taking
/// others, does this first.
pub async fn lock_for(scope: &Scope, checkouts: &[CheckoutId], demands: &[Demand]) -> Result<()> {
    let promised = scope
        .find_company_wide::<hold::Entity>()
        .select_only()
        .column(hold::Column::StockId)
        .filter(hold::Column::CheckoutId.is_in(checkouts.iter().copied()));
    let wanted = Condition::all()
        .add(stock::Column::VariantId.is_in(demands.iter().map(|demand| demand.variant)))
        .add(stock::Column::ShopId.is_in(demands.iter().map(|demand| demand.shop)));
    let rows = scope
        .find_company_wide::<stock::Entity>()
        .filter(Condition::any().add(stock::Column::Id.in_subquery(promised.into_query())).add(wanted))
        .order_by_asc(stock::Column::Id);
    scope.all_kept(rows).await.map(|_| ())
}

/// The stock rows of some variants at some shops, whoever asks: a basket may span shops.
async fn stock_of(scope: &Scope, wanted: Vec<(VariantId, ShopId)>) -> Result<Vec<stock::Model>> {
    let rows = scope
        .find_company_wide::<stock::Entity>()
        .filter(stock::Column::VariantId.is_in(wanted.iter().map(|(variant, _)| *variant)))
        .filter(stock::Column::ShopId.is_in(wanted.iter().map(|(_, shop)| *shop)));
    scope.all(rows.order_by_asc(stock::Column::Id)).await
}

/// Where a shop's goods of a variant lie.
fn row_of(rows: &[stock::Model], variant: VariantId, shop: ShopId) -> Option<&stock::Model> {
    rows.iter().find(|row| row.variant_id == variant && row.shop_id == Some(shop))
}

/// Moves a checkout's holds from one state to another: all that are there, in one update.
pub async fn move_holds(scope: &Scope, checkout: CheckoutId, from: HoldState, to: HoldState) -> Result<u64> {
    let update = scope
        .update::<hold::Entity>()
        .col_expr(hold::Column::State, Expr::value(to.name()))
        .filter(hold::Column::CheckoutId.eq(checkout))
        .filter(hold::Column::State.eq(from.name()));
    scope.run(update).await
}

/// What the holds of an order gave.
#[derive(Debug, Default)]
pub struct Used {
    /// Whether there were holds at all.
    pub any: bool,
    /// What had come short of them, by variant: pieces or grams.
    pub short: Vec<(VariantId, i64)>,
}

/// The goods leave: on hand and reserved fall together, with a `sale` movement each.
pub async fn use_holds(scope: &Scope, checkout: CheckoutId, shop: ShopId, order: OrderId) -> Result<Used> {
    let live = [HoldState::Held.name(), HoldState::Paying.name()];
    let update = scope
        .update::<hold::Entity>()
        .col_expr(hold::Column::State, Expr::value(HoldState::Used.name()))
        .filter(hold::Column::CheckoutId.eq(checkout))
        .filter(hold::Column::ShopId.eq(shop))
        .filter(hold::Column::State.is_in(live));
    let mut holds = scope.run_returning(update).await?;
    holds.sort_by_key(|hold| hold.stock_id);
    let mut used = Used { any: !holds.is_empty(), short: vec![] };
    let mut movements = Vec::with_capacity(holds.len());
    for hold in holds {
        if hold.short > 0 {
            used.short.push((hold.variant_id, hold.short));
        }
        if hold.quantity == 0 {
            continue;
        }
        let leave = scope
            .update::<stock::Entity>()
            .col_expr(stock::Column::OnHand, Expr::col(stock::Column::OnHand).sub(hold.quantity))
            .col_expr(stock::Column::Reserved, Expr::col(stock::Column::Reserved).sub(hold.quantity))
            .col_expr(stock::Column::UpdatedAt, Expr::value(clock::now()))
            .col_expr(stock::Column::Version, Expr::col(stock::Column::Version).add(1))
            .filter(stock::Column::Id.eq(hold.stock_id))
            .filter(stock::Column::Reserved.gte(hold.quantity));
        let Some(row) = scope.run_returning(leave).await?.pop() else {
            return Err(Error::internal(format!("hold {} promises more than is reserved", hold.id)));
        };
        movements.push(moved(scope, &row, "sale", "", -hold.quantity, Some(order)));
        announce(scope, &row).await?;
    }
    scope.insert_all(movements).await?;
    Ok(used)
}

/// Gives promised goods of a checkout back to the shelf's free part; of one shop, or of all.
pub async fn release(scope: &Scope, checkout: CheckoutId, shop: Option<ShopId>, states: &[HoldState]) -> Result<u64> {
    let mut update = scope
        .update::<hold::Entity>()
        .col_expr(hold::Column::State, Expr::value(HoldState::Released.name()))
        .filter(hold::Column::CheckoutId.eq(checkout))
        .filter(hold::Column::State.is_in(states.iter().map(|state| state.name())));
    if let Some(shop) = shop {
        update = update.filter(hold::Column::ShopId.eq(shop));
    }
    free(scope, scope.run_returning(update).await?).await
}

/// As [`release`], only what is held beyond its time: a payment under way keeps its goods.
pub async fn release_due_of(scope: &Scope, checkout: CheckoutId) -> Result<u64> {
    let update = scope
        .update::<hold::Entity>()
        .col_expr(hold::Column::State, Expr::value(HoldState::Released.name()))
        .filter(hold::Column::CheckoutId.eq(checkout))
        .filter(hold::Column::State.eq(HoldState::Held.name()))
        .filter(hold::Column::ExpiresAt.lte(clock::now()));
    free(scope, scope.run_returning(update).await?).await
}

async fn free(scope: &Scope, mut holds: Vec<hold::Model>) -> Result<u64> {
    holds.sort_by_key(|hold| hold.stock_id);
    for hold in &holds {
        let give = scope
            .update::<stock::Entity>()
            .col_expr(stock::Column::Reserved, Expr::col(stock::Column::Reserved).sub(hold.quantity))
            .filter(stock::Column::Id.eq(hold.stock_id));
        if let Some(row) = scope.run_returning(give).await?.pop() {
            tell_held(scope, "inventory.released", &row, hold.quantity).await?;
        }
    }
    u64::try_from(holds.len()).map_err(Error::internal)
}

/// The checkouts of the company whose holds are past their time.
pub async fn due_checkouts(scope: &Scope) -> Result<Vec<CheckoutId>> {
    let rows = scope
        .find::<hold::Entity>()
        .filter(hold::Column::State.eq(HoldState::Held.name()))
        .filter(hold::Column::ExpiresAt.lte(clock::now()))
        .order_by_asc(hold::Column::CheckoutId);
    let mut checkouts: Vec<_> = scope.all(rows).await?.into_iter().map(|hold| hold.checkout_id).collect();
    checkouts.dedup();
    Ok(checkouts)
}

/// The companies that have holds past their time.
pub async fn companies_with_due_holds(platform: &Platform) -> Result<Vec<CompanyId>> {
    let due = platform.find::<hold::Entity>().filter(hold::Column::State.eq(HoldState::Held.name()));
    platform.companies(due.filter(hold::Column::ExpiresAt.lte(clock::now()))).await
}

/// Goods that were sold and come back to the shop's shelf, in the order of stock ids.
pub async fn restock(scope: &Scope, order: OrderId, back: &[Demand], kind: &str) -> Result<()> {
    let mut returned: BTreeMap<StockId, i64> = BTreeMap::new();
    let rows = stock_of(scope, back.iter().map(|demand| (demand.variant, demand.shop)).collect()).await?;
    for demand in back {
        let Some(row) = row_of(&rows, demand.variant, demand.shop) else {
            return Err(Error::internal("goods cannot come back to a shop that never had them"));
        };
        *returned.entry(row.id).or_default() += demand.quantity;
    }
    let mut movements = Vec::with_capacity(returned.len());
    for (id, quantity) in returned {
        let add = scope
            .update::<stock::Entity>()
            .col_expr(stock::Column::OnHand, Expr::col(stock::Column::OnHand).add(quantity))
            .col_expr(stock::Column::UpdatedAt, Expr::value(clock::now()))
            .col_expr(stock::Column::Version, Expr::col(stock::Column::Version).add(1))
            .filter(stock::Column::Id.eq(id));
        let Some(row) = scope.run_returning(add).await?.pop() else {
            return Err(Error::internal("a stock row vanished while goods came back to it"));
        };
        movements.push(moved(scope, &row, kind, "", quantity, Some(order)));
        announce(scope, &row).await?;
    }
    scope.insert_all(movements).await
}
