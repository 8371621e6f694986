//! A cart as it stands today: at today's prices, and with what keeps it from being ordered.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};
use serde::Serialize;

use super::{Cart, Item, Owner, find, item, items, line_name};
use crate::{
    errors::Result,
    ids::{CartId, CartItemId, ProductId, ShopId, VariantId},
    models::{
        catalog::{self, Product, Variant},
        companies, inventory, shops,
    },
    money::Money,
    tenancy::Scope,
};

/// A cart as it stands at today's prices.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CartView {
    pub id: Option<CartId>,
    pub currency: String,
    pub items: Vec<LineView>,
    pub coupon: Option<String>,
    pub subtotal: Money,
    pub discount: Money,
    pub tax: Money,
    pub shipping: Money,
    pub total: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    pub version: i64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineView {
    pub id: CartItemId,
    pub variant_id: VariantId,
    pub product_id: ProductId,
    pub shop_id: ShopId,
    pub name: String,
    pub quantity: i64,
    pub unit_price: Money,
    pub line_total: Money,
    pub tax: Money,
    /// Basis points.
    pub tax_rate: i64,
    pub available: i64,
}

/// The cart at today's prices; lines that are no longer sold cost nothing and have none available.
pub async fn view(scope: &Scope, owner: &Owner, known: Option<Cart>) -> Result<CartView> {
    let company = companies::own(scope).await?;
    let cart = match known {
        Some(cart) => Some(cart),
        None => find(scope, owner).await?,
    };
    let rows = match &cart {
        Some(cart) => items(scope, cart.id).await?,
        None => vec![],
    };
    let ids: Vec<_> = rows.iter().map(|row| row.variant_id).collect();
    let goods = catalog::goods(scope, &ids).await?;
    let rates = catalog::tax_rates(scope, company.tax_rate, goods.values().map(|(_, product)| product)).await?;
    let stock = inventory::available(scope, &ids).await?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let Some((variant, product)) = goods.get(&row.variant_id) else {
            continue; // A line belongs to its variant, which is archived and never deleted.
        };
        let is_sold = is_sold_at(variant, product, row.shop_id);
        let unit_price = if is_sold { variant.price } else { Money::ZERO };
        let line_total = unit_price.times(row.quantity, variant.sold_by == "weight")?;
        let tax_rate = rates.of(product);
        lines.push(LineView {
            id: row.id,
            variant_id: row.variant_id,
            product_id: product.id,
            shop_id: row.shop_id,
            name: line_name(product, variant),
            quantity: row.quantity,
            unit_price,
            line_total,
            tax: line_total.tax(tax_rate, company.tax_included)?,
            tax_rate,
            available: if is_sold { left_of(&stock, &row) } else { 0 },
        });
    }
    let subtotal = Money::sum(lines.iter().map(|line| line.line_total))?;
    let tax = Money::sum(lines.iter().map(|line| line.tax))?;
    let total = if company.tax_included { subtotal } else { subtotal.plus(tax)? };
    Ok(CartView {
        id: cart.as_ref().map(|cart| cart.id),
        currency: company.currency,
        items: lines,
        coupon: None,
        subtotal,
        discount: Money::ZERO,
        tax,
        shipping: Money::ZERO,
        total,
        token: None,
        version: cart.map_or(0, |cart| cart.version),
    })
}

/// What stands between this cart and a checkout.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    pub is_valid: bool,
    pub errors: Vec<Finding>,
    pub warnings: Vec<Finding>,
    pub updated_items: Vec<CartItemId>,
}

/// What was found of one line.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub item_id: CartItemId,
    pub product_id: ProductId,
    pub variant_id: VariantId,
    pub code: &'static str,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<i64>,
}

impl Finding {
    fn of(row: &Item, product: &Product, code: &'static str, message: impl Into<String>) -> Self {
        Self { item_id: row.id, product_id: product.id, variant_id: row.variant_id, code, message: message.into(), available: None }
    }
}

/// Whether a shop sells these goods, whatever is left of them.
fn is_sold_at(variant: &Variant, product: &Product, shop: ShopId) -> bool {
    catalog::is_sold(variant, product) && product.shop_id.is_none_or(|only| only == shop)
}

fn left_of(stock: &BTreeMap<VariantId, Vec<(ShopId, i64)>>, row: &Item) -> i64 {
    let at_shop = stock.get(&row.variant_id).and_then(|by_shop| by_shop.iter().find(|(shop, _)| *shop == row.shop_id));
    at_shop.map_or(0, |(_, left)| *left)
}

/// What keeps a line from being ordered however much of it there is: its goods are no longer sold, or
/// its shop does not sell at present. `open` are the shops that do.
#[must_use]
pub fn obstacle(row: &Item, (variant, product): &(Variant, Product), open: &[ShopId]) -> Option<Finding> {
    if !is_sold_at(variant, product, row.shop_id) {
        return Some(Finding::of(row, product, "gone", "this is no longer sold"));
    }
    (!open.contains(&row.shop_id)).then(|| Finding::of(row, product, "shop_closed", "this shop is closed at present"))
}

/// Checks every line: gone, its shop closed, short of stock, price changed.
pub async fn validate(scope: &Scope, owner: &Owner) -> Result<Validation> {
    let mut errors = vec![];
    let mut warnings = vec![];
    let mut updated_items = vec![];
    if let Some(cart) = find(scope, owner).await? {
        let rows = items(scope, cart.id).await?;
        let ids: Vec<_> = rows.iter().map(|row| row.variant_id).collect();
        let goods = catalog::goods(scope, &ids).await?;
        let stock = inventory::available(scope, &ids).await?;
        let open: Vec<_> = shops::everywhere(scope).await?.into_iter().map(|shop| shop.id).collect();
        for row in rows {
            let Some(known) = goods.get(&row.variant_id) else {
                continue; // A line belongs to its variant, which is archived and never deleted.
            };
            if let Some(found) = obstacle(&row, known, &open) {
                errors.push(found);
                continue;
            }
            let (variant, product) = known;
            let left = left_of(&stock, &row);
            if left < row.quantity {
                let found = Finding::of(&row, product, "insufficient_stock", format!("only {left} are left"));
                errors.push(Finding { available: Some(left), ..found });
            }
            if variant.price != row.price_seen {
                let message = format!("the price changed from {} to {}", row.price_seen.0, variant.price.0);
                warnings.push(Finding::of(&row, product, "price_changed", message));
                let update = scope.update::<item::Entity>().col_expr(item::Column::PriceSeen, Expr::value(variant.price));
                scope.run(update.filter(item::Column::Id.eq(row.id))).await?;
                updated_items.push(row.id);
            }
        }
    }
    Ok(Validation { is_valid: errors.is_empty(), errors, warnings, updated_items })
}
