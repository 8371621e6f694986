//! Carts: what somebody means to buy, now or one day. A cart is virtual until its first write.

mod cart;
mod item;
mod today;
mod wish;
mod wishlist;

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

pub use self::{
    cart::Model as Cart,
    item::Model as Item,
    today::{CartView, Finding, LineView, Validation, obstacle, validate, view},
    wish::Model as Wish,
    wishlist::{forget_customer, unwish, wish, wishes},
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{CartId, CartItemId, CustomerId, ShopId, VariantId},
    models::{catalog, inventory, shops},
    tenancy::{Scope, keys},
    translated,
};

/// At most so many pieces, or grams, on a line.
pub const QUANTITY_MAX: i64 = 1_000_000;
/// At most so many lines in a cart.
pub const LINES_MAX: usize = 200;

/// Whose cart: a signed-in customer's, or that of whoever holds the token.
#[derive(Clone, Debug)]
pub enum Owner {
    Customer(CustomerId),
    Guest(Option<String>),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NewCartItem")]
pub struct NewItem {
    pub variant_id: VariantId,
    pub shop_id: ShopId,
    /// Pieces, or grams.
    pub quantity: i64,
}

/// The owner's cart, if one was ever written.
pub async fn find(scope: &Scope, owner: &Owner) -> Result<Option<Cart>> {
    let carts = scope.find::<cart::Entity>();
    let carts = match owner {
        Owner::Customer(id) => carts.filter(cart::Column::CustomerId.eq(*id)),
        Owner::Guest(Some(token)) => carts.filter(cart::Column::Token.eq(keys::hash(token.as_bytes()))),
        Owner::Guest(None) => return Ok(None),
    };
    scope.one(carts).await
}

/// Two units that write one cart go one after the other.
pub async fn hold(scope: &Scope, owner: &Owner) -> Result<()> {
    match owner {
        Owner::Customer(id) => scope.alone(&format!("cart of {id}")).await,
        Owner::Guest(Some(token)) => scope.alone(&format!("cart of {}", keys::hash(token.as_bytes()))).await,
        Owner::Guest(None) => Ok(()),
    }
}

/// Opens the owner's cart at its first write; a guest's comes with its token.
async fn open(scope: &Scope, owner: &Owner) -> Result<(Cart, Option<String>)> {
    hold(scope, owner).await?;
    if let Some(cart) = find(scope, owner).await? {
        return Ok((cart, None));
    }
    let (customer_id, token) = match owner {
        Owner::Customer(id) => (Some(*id), None),
        Owner::Guest(_) => (None, Some(keys::random())),
    };
    let now = clock::now();
    let cart = Cart {
        company_id: scope.company(),
        id: CartId::new(),
        customer_id,
        token: token.as_ref().map(|token| keys::hash(token.as_bytes())),
        coupon_id: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    scope.insert(cart.clone()).await?;
    Ok((cart, token))
}

/// The lines of a cart in the order in which they were put in.
pub async fn items(scope: &Scope, cart: CartId) -> Result<Vec<Item>> {
    scope.all(scope.find::<item::Entity>().filter(item::Column::CartId.eq(cart)).order_by_asc(item::Column::Id)).await
}

/// Puts goods into the cart; the same variant of the same shop adds up.
///
/// # Errors
/// 422 for a quantity out of range or goods that are not sold; 409 `insufficient_stock`.
pub async fn add(scope: &Scope, owner: &Owner, new: &NewItem) -> Result<CartView> {
    if !(1..=QUANTITY_MAX).contains(&new.quantity) {
        return Err(Error::invalid("quantity", "out_of_range", format!("from 1 to {QUANTITY_MAX}")));
    }
    let goods = catalog::to_sell(scope, &[new.variant_id]).await?;
    let Some((variant, product)) = goods.get(&new.variant_id) else {
        return Err(Error::invalid("variantId", "unknown", "this is not sold here"));
    };
    let shop = shops::get(scope, new.shop_id).await.map_err(|_| Error::invalid("shopId", "unknown", "there is no such shop"))?;
    if !shop.is_active || product.shop_id.is_some_and(|only| only != shop.id) {
        return Err(Error::invalid("shopId", "unknown", "this shop does not sell it"));
    }
    let (cart, token) = open(scope, owner).await?;
    let present = items(scope, cart.id).await?;
    let same = present.iter().find(|line| line.variant_id == new.variant_id && line.shop_id == new.shop_id);
    if same.is_none() && present.len() >= LINES_MAX {
        return Err(Error::invalid("variantId", "too_many", "a cart has at most 200 lines"));
    }
    let wanted = same.map_or(0, |line| line.quantity) + new.quantity;
    ensure_available(scope, new.variant_id, new.shop_id, wanted).await?;
    match same {
        Some(line) => {
            let more = scope
                .update::<item::Entity>()
                .col_expr(item::Column::Quantity, Expr::col(item::Column::Quantity).add(new.quantity))
                .filter(item::Column::Id.eq(line.id));
            scope.run(more).await?;
        }
        None => {
            scope
                .insert(Item {
                    company_id: scope.company(),
                    id: CartItemId::new(),
                    cart_id: cart.id,
                    variant_id: new.variant_id,
                    shop_id: new.shop_id,
                    quantity: new.quantity,
                    price_seen: variant.price,
                    created_at: clock::now(),
                })
                .await?;
        }
    }
    let cart = touch(scope, cart.id).await?;
    let data = json!({ "variantId": new.variant_id, "quantity": new.quantity });
    scope.emit(Event::new("cart.item_added", ("cart", cart.id.0), Some(new.shop_id), data)).await?;
    let mut view = view(scope, owner, Some(cart)).await?;
    view.token = token;
    Ok(view)
}

async fn ensure_available(scope: &Scope, variant: VariantId, shop: ShopId, wanted: i64) -> Result<()> {
    let stock = inventory::available(scope, &[variant]).await?;
    let available = stock.get(&variant).and_then(|by_shop| by_shop.iter().find(|(id, _)| *id == shop)).map_or(0, |(_, left)| *left);
    if wanted > available {
        let facts = json!({ "available": available, "variantId": variant, "shopId": shop });
        return Err(Error::conflict("insufficient_stock", format!("only {available} are left"), facts));
    }
    Ok(())
}

/// Sets a line's quantity; none removes it.
///
/// # Errors
/// 404 for a line that is not in this cart; 409 `insufficient_stock`.
pub async fn set_quantity(scope: &Scope, owner: &Owner, line: CartItemId, quantity: i64, version: Option<i64>) -> Result<CartView> {
    if !(0..=QUANTITY_MAX).contains(&quantity) {
        return Err(Error::invalid("quantity", "out_of_range", format!("from 0 to {QUANTITY_MAX}")));
    }
    hold(scope, owner).await?;
    let cart = find(scope, owner).await?.ok_or(Error::NOT_FOUND)?;
    if version.is_some_and(|version| version != cart.version) {
        return Err(Error::Stale);
    }
    let mine = items(scope, cart.id).await?.into_iter().find(|item| item.id == line).ok_or(Error::NOT_FOUND)?;
    if quantity == 0 {
        scope.remove(scope.delete::<item::Entity>().filter(item::Column::Id.eq(mine.id))).await?;
    } else {
        ensure_available(scope, mine.variant_id, mine.shop_id, quantity).await?;
        let update = scope.update::<item::Entity>().col_expr(item::Column::Quantity, Expr::value(quantity));
        scope.run(update.filter(item::Column::Id.eq(mine.id))).await?;
    }
    let cart = changed(scope, cart.id).await?;
    view(scope, owner, Some(cart)).await
}

/// Empties the cart.
pub async fn clear(scope: &Scope, owner: &Owner) -> Result<()> {
    hold(scope, owner).await?;
    if let Some(cart) = find(scope, owner).await? {
        scope.remove(scope.delete::<item::Entity>().filter(item::Column::CartId.eq(cart.id))).await?;
        changed(scope, cart.id).await?;
    }
    Ok(())
}

/// Moves a guest's lines into the customer's cart at sign-in, as long as there is room; what is there
/// already adds up.
pub async fn merge(scope: &Scope, token: &str, customer: CustomerId) -> Result<()> {
    let theirs = Owner::Guest(Some(token.to_owned()));
    hold(scope, &theirs).await?;
    let Some(guest) = find(scope, &theirs).await? else { return Ok(()) };
    let (own, _) = open(scope, &Owner::Customer(customer)).await?;
    let present = items(scope, own.id).await?;
    let mut room = LINES_MAX.saturating_sub(present.len());
    for line in items(scope, guest.id).await? {
        let same = present.iter().find(|item| item.variant_id == line.variant_id && item.shop_id == line.shop_id);
        let update = scope.update::<item::Entity>();
        let update = match same {
            Some(same) => {
                let sum = std::cmp::min(same.quantity + line.quantity, QUANTITY_MAX);
                update.col_expr(item::Column::Quantity, Expr::value(sum)).filter(item::Column::Id.eq(same.id))
            }
            None if room == 0 => continue,
            None => {
                room -= 1;
                update.col_expr(item::Column::CartId, Expr::value(own.id)).filter(item::Column::Id.eq(line.id))
            }
        };
        scope.run(update).await?;
    }
    scope.remove(scope.delete::<item::Entity>().filter(item::Column::CartId.eq(guest.id))).await?;
    scope.remove(scope.delete::<cart::Entity>().filter(cart::Column::Id.eq(guest.id))).await?;
    changed(scope, own.id).await.map(|_| ())
}

/// As [`touch`], and told.
async fn changed(scope: &Scope, cart: CartId) -> Result<Cart> {
    scope.emit(Event::new("cart.updated", ("cart", cart.0), None, json!({}))).await?;
    touch(scope, cart).await
}

/// Counts a change of the cart; how it is then.
async fn touch(scope: &Scope, cart: CartId) -> Result<Cart> {
    let update = scope
        .update::<cart::Entity>()
        .col_expr(cart::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(cart::Column::Version, Expr::col(cart::Column::Version).add(1))
        .filter(cart::Column::Id.eq(cart));
    scope.run_returning(update).await?.pop().ok_or(Error::NOT_FOUND)
}

/// How a line is called on carts, orders and receipts.
#[must_use]
pub fn line_name(product: &catalog::Product, variant: &catalog::Variant) -> String {
    joined(&product.name, &variant.name)
}

/// As [`line_name`], for a reader of another language.
#[must_use]
pub fn line_name_in(product: &catalog::Product, variant: &catalog::Variant, language: &str) -> String {
    let size = translated::name(&variant.translations, language).unwrap_or(&variant.name);
    joined(translated::name(&product.translations, language).unwrap_or(&product.name), size)
}

fn joined(goods: &str, size: &str) -> String {
    if size.is_empty() || size == "Standard" { goods.to_owned() } else { format!("{goods}, {size}") }
}
