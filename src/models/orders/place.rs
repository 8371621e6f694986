//! Checkout: one order per shop, one payment, all goods held, or nothing.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{act::note, checkout, finalise::confirm, item, order, series, status::Status};
use crate::{
    clock,
    errors::{Error, FieldError, Result},
    events::Event,
    gateways::payments::offered,
    ids::{AddressId, CheckoutId, OrderId, OrderItemId, RowId, ShopId},
    models::{
        carts::{self, LINES_MAX, NewItem, Owner, QUANTITY_MAX},
        catalog, companies,
        identity::{self, Address},
        inventory::{self, Demand, HoldState},
        payments, plans, shops,
    },
    money::Money,
    tenancy::Scope,
};

/// What a customer checks out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOrder {
    pub shipping_address: Option<Address>,
    /// One of the customer's address book, in place of `shippingAddress`.
    pub address_id: Option<AddressId>,
    pub billing_address: Option<Address>,
    /// `cod`, or `test` where the installation offers it.
    pub gateway: String,
    /// A token of the gateway; with it the payment is tried at once.
    pub payment_method: Option<String>,
    /// Minor units: when the total is another one, nothing is kept.
    pub expected_total: Option<Money>,
    #[serde(default)]
    pub notes: String,
    /// In place of the cart.
    pub items: Option<Vec<NewItem>>,
    /// Not offered yet: a checkout that names a slot is refused, rather than delivered at another time.
    pub delivery_slot_id: Option<Uuid>,
    /// Not offered yet: points that are named and not taken off would be a price nobody agreed to.
    pub loyalty_points: Option<i64>,
}

/// What a checkout made.
#[derive(Debug)]
pub struct Placed {
    pub checkout: checkout::Model,
    pub payment: payments::Payment,
}

/// One priced line.
struct Line {
    shop: ShopId,
    quantity: i64,
    subtotal: Money,
    tax: Money,
    /// Basis points.
    tax_rate: i64,
    variant: catalog::Variant,
    product: catalog::Product,
}

/// Places the orders of a checkout.
///
/// # Errors
/// 422 for input that cannot be; 409 `cart_empty`, `cart_invalid`, `cart_too_large`, `checkout_in_progress`, `total_changed`,
/// `insufficient_stock`, `cod_limit`, `plan_limit`. The caller rolls back.
pub async fn place(scope: &Scope, new: &NewOrder) -> Result<Placed> {
    check(new, offered(scope.souk().settings()))?;
    let customer_id = scope.customer()?;
    // A customer's checkouts go one after the other, and nothing comes into a cart that is being ordered.
    scope.alone(&format!("checkout of {customer_id}")).await?;
    if new.items.is_none() {
        carts::hold(scope, &Owner::Customer(customer_id)).await?;
    }
    let company = companies::own(scope).await?;
    let customer = identity::find_customer(scope, customer_id).await?;
    let shipping_address = destination(scope, new).await?;
    let (wanted, rows) = wanted(scope, new).await?;
    let lines = price(scope, &company, &wanted, &rows).await?;

    let mut by_shop: BTreeMap<ShopId, Vec<Line>> = BTreeMap::new();
    for line in lines {
        by_shop.entry(line.shop).or_default().push(line);
    }
    let mut totals = BTreeMap::new();
    for (shop, lines) in &by_shop {
        let subtotal = Money::sum(lines.iter().map(|line| line.subtotal))?;
        let tax = Money::sum(lines.iter().map(|line| line.tax))?;
        let total = if company.tax_included { subtotal } else { subtotal.plus(tax)? };
        totals.insert(*shop, (subtotal, tax, total));
    }
    let total = Money::sum(totals.values().map(|(_, _, total)| *total))?;
    if new.expected_total.is_some_and(|expected| expected != total) {
        let facts = json!({ "total": total, "currency": company.currency });
        return Err(Error::conflict("total_changed", "the total is another one now", facts));
    }
    let on_delivery = new.gateway == "cod";
    if on_delivery {
        if shipping_address.phone.is_none() && customer.phone.is_none() {
            return Err(Error::invalid("shippingAddress.phone", "required", "cash on delivery needs a phone number"));
        }
        if total.0 > company.cod_limit {
            let facts = json!({ "limit": company.cod_limit, "currency": company.currency });
            return Err(Error::conflict("cod_limit", "that is too much for cash on delivery", facts));
        }
    }

    let demands: Vec<_> =
        by_shop.values().flatten().map(|line| Demand { variant: line.variant.id, shop: line.shop, quantity: line.quantity }).collect();
    release_open_checkout(scope, &demands).await?;
    let now = clock::now();
    let until = now.plus(Duration::from_secs(scope.souk().settings().hold_seconds));
    let checkout = checkout::Model {
        company_id: scope.company(),
        id: CheckoutId::new(),
        customer_id,
        state: "open".into(),
        gateway: new.gateway.clone(),
        currency: company.currency.clone(),
        total,
        reserved_until: Some(until),
        coupon_id: None,
        delivery_slot_id: None,
        customer_group_id: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    scope.insert(checkout.clone()).await?;
    let payment = payments::open(scope, checkout.id, customer_id, &new.gateway, &company.currency, total).await?;
    inventory::reserve(scope, checkout.id, &demands, until).await?;

    plans::count_orders(scope, &company, i64::try_from(by_shop.len()).map_err(Error::internal)?).await?;
    let first = next_numbers(scope, "orders", by_shop.len()).await?;
    for (index, (shop, lines)) in by_shop.into_iter().enumerate() {
        let (subtotal, tax, total) = totals.get(&shop).copied().unwrap_or_default();
        let number = format!("SO-{:06}", first + i64::try_from(index).unwrap_or_default());
        let order = order::Model {
            company_id: scope.company(),
            id: OrderId::new(),
            checkout_id: checkout.id,
            shop_id: shop,
            customer_id,
            order_number: number,
            status: Status::Pending,
            payment_status: if on_delivery { "pending" } else { "unpaid" }.into(),
            currency: company.currency.clone(),
            notes: new.notes.clone(),
            customer_name: customer.name.clone(),
            search_text: catalog::fold(&customer.name),
            tracking_number: None,
            shipping_address: json!(shipping_address),
            billing_address: json!(new.billing_address.as_ref().unwrap_or(&shipping_address)),
            subtotal,
            discount: Money::ZERO,
            tax,
            shipping: Money::ZERO,
            total,
            tax_included: company.tax_included,
            is_short: false,
            payment_id: Some(payment.id),
            delivery_slot_id: None,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let items: Vec<_> = lines.into_iter().map(|line| item_of(&order, line)).collect();
        let told = json!({ "items": items.len(), "totalAmount": total });
        scope.insert(order.clone()).await?;
        scope.insert_all(items).await?;
        payments::allocate(scope, payment.id, order.id, shop, total).await?;
        note(scope, &order, "order_placed", Some(Status::Pending), "").await?;
        scope.audit("create", "order", order.id, Some(shop), vec![("total", json!(null), json!(total))]).await?;
        scope.emit(Event::new("order.created", ("order", order.id.0), Some(shop), told)).await?;
        if on_delivery {
            confirm(scope, &order, false).await?;
        }
    }
    if on_delivery {
        close(scope, checkout.id).await?;
    }
    if new.items.is_none() {
        carts::clear(scope, &Owner::Customer(customer_id)).await?;
    }
    Ok(Placed { checkout, payment })
}

fn check(new: &NewOrder, gateways: &[&str]) -> Result<()> {
    let mut wrong = vec![];
    let mut refuse = |field: &str, code: &str, message: &str| {
        wrong.push(FieldError { field: field.into(), code: code.into(), message: message.into() });
    };
    match new.gateway.as_str() {
        offered if gateways.contains(&offered) => {}
        "test" => refuse("gateway", "not_offered", "this installation takes no play money: use `cod`"),
        _ => refuse("gateway", "unknown", &format!("use `{}`", gateways.join("` or `"))),
    }
    if new.delivery_slot_id.is_some() {
        refuse("deliverySlotId", "not_offered", "there are no delivery slots here: leave it out");
    }
    if new.loyalty_points.is_some_and(|points| points != 0) {
        refuse("loyaltyPoints", "not_offered", "there are no loyalty points here: leave them out");
    }
    if new.notes.chars().count() > 1_000 {
        refuse("notes", "too_long", "at most 1000 characters");
    }
    for (index, item) in new.items.iter().flatten().enumerate() {
        if !(1..=QUANTITY_MAX).contains(&item.quantity) {
            refuse(&format!("items[{index}].quantity"), if item.quantity < 1 { "too_small" } else { "too_large" }, "from 1 to 1000000");
        }
    }
    if new.items.as_ref().is_some_and(|items| items.len() > LINES_MAX) {
        refuse("items", "too_many", "at most 200 lines");
    }
    match (&new.shipping_address, new.address_id) {
        (None, None) => refuse("shippingAddress", "required", "an address, or `addressId` of one in the address book"),
        (Some(_), Some(_)) => refuse("addressId", "ambiguous", "either `shippingAddress` or `addressId`"),
        _ => {}
    }
    for (place, address) in [("shippingAddress", &new.shipping_address), ("billingAddress", &new.billing_address)] {
        wrong.extend(address.iter().flat_map(|address| address.faults(place)));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// Where the goods go: the address of the request, or the one it names in the customer's book.
async fn destination(scope: &Scope, new: &NewOrder) -> Result<Address> {
    if let Some(address) = &new.shipping_address {
        return Ok(address.clone());
    }
    let unknown = || Error::invalid("addressId", "unknown", "there is no such address in your address book");
    let id = new.address_id.ok_or_else(unknown)?;
    let kept = identity::address(scope, scope.customer()?, id).await.map_err(|_| unknown())?;
    serde_json::from_value(kept.address).map_err(Error::internal)
}

/// What is to be ordered: the lines of the request, or those of the cart.
async fn wanted(scope: &Scope, new: &NewOrder) -> Result<(Vec<NewItem>, Vec<carts::Item>)> {
    let rows = match &new.items {
        Some(_) => vec![],
        None => match carts::find(scope, &Owner::Customer(scope.customer()?)).await? {
            Some(cart) => carts::items(scope, cart.id).await?,
            None => vec![],
        },
    };
    let of_cart = rows.iter().map(|line| NewItem { variant_id: line.variant_id, shop_id: line.shop_id, quantity: line.quantity });
    let wanted = new.items.clone().unwrap_or_else(|| of_cart.collect());
    if wanted.is_empty() {
        return Err(Error::conflict("cart_empty", "there is nothing to order", json!({})));
    }
    if wanted.len() > LINES_MAX {
        let facts = json!({ "lines": wanted.len(), "most": LINES_MAX });
        return Err(Error::conflict("cart_too_large", "a checkout has at most 200 lines", facts));
    }
    Ok((wanted, rows))
}

/// Prices each line at this moment's price and its category's tax, which is rounded once a line. Lines
/// of the cart, `rows`, are refused by their names there: the request has none.
async fn price(scope: &Scope, company: &companies::Company, wanted: &[NewItem], rows: &[carts::Item]) -> Result<Vec<Line>> {
    let ids: Vec<_> = wanted.iter().map(|line| line.variant_id).collect();
    let goods = catalog::goods(scope, &ids).await?;
    let shops: Vec<_> = shops::list(scope).await?.into_iter().filter(|shop| shop.is_active).map(|shop| shop.id).collect();
    let obstacle = |row: &carts::Item| carts::obstacle(row, goods.get(&row.variant_id)?, &shops);
    let found: Vec<_> = rows.iter().filter_map(obstacle).collect();
    if !found.is_empty() {
        let facts = json!({ "lines": found });
        return Err(Error::conflict("cart_invalid", "some lines of the cart cannot be ordered any more: remove them", facts));
    }
    let rates = catalog::tax_rates(scope, company.tax_rate, goods.values().map(|(_, product)| product)).await?;
    let mut lines: Vec<Line> = Vec::with_capacity(wanted.len());
    for (index, line) in wanted.iter().enumerate() {
        let unknown = |field: &str, message: &str| Error::invalid(format!("items[{index}].{field}"), "unknown", message);
        let on_sale = goods.get(&line.variant_id).filter(|(variant, product)| catalog::is_sold(variant, product));
        let (variant, product) = on_sale.ok_or_else(|| unknown("variantId", "this is not sold here"))?;
        if !shops.contains(&line.shop_id) || product.shop_id.is_some_and(|only| only != line.shop_id) {
            return Err(unknown("shopId", "this shop does not sell it"));
        }
        let subtotal = variant.price.times(line.quantity, variant.sold_by == "weight")?;
        let tax_rate = rates.of(product);
        let tax = subtotal.tax(tax_rate, company.tax_included)?;
        let (shop, variant, product) = (line.shop_id, variant.clone(), product.clone());
        lines.push(Line { shop, quantity: line.quantity, subtotal, tax, tax_rate, variant, product });
    }
    Ok(lines)
}

fn item_of(order: &order::Model, line: Line) -> item::Model {
    item::Model {
        company_id: order.company_id,
        id: OrderItemId::new(),
        order_id: order.id,
        shop_id: order.shop_id,
        variant_id: line.variant.id,
        product_id: line.product.id,
        batch_id: None,
        name: carts::line_name(&line.product, &line.variant),
        sku: line.variant.sku,
        sold_by: line.variant.sold_by,
        quantity: line.quantity,
        quantity_shipped: 0,
        quantity_cancelled: 0,
        quantity_returned: 0,
        quantity_short: 0,
        price: line.variant.price,
        subtotal: line.subtotal,
        discount: Money::ZERO,
        tax: line.tax,
        tax_rate: line.tax_rate,
        tax_included: order.tax_included,
        discount_shares: Value::Array(vec![]),
    }
}

/// One open unpaid checkout a customer: a new one, of `demands`, releases the old, unless that is
/// being paid.
async fn release_open_checkout(scope: &Scope, demands: &[Demand]) -> Result<()> {
    let open = scope.find::<checkout::Entity>().filter(checkout::Column::CustomerId.eq(scope.customer()?));
    let open = scope.all(open.filter(checkout::Column::State.is_in(["open", "paying"])).order_by_asc(checkout::Column::Id)).await?;
    if open.is_empty() {
        return Ok(());
    }
    for old in &open {
        let release = scope
            .update::<checkout::Entity>()
            .col_expr(checkout::Column::State, Expr::value("released"))
            .col_expr(checkout::Column::ReservedUntil, Expr::value(None::<clock::Instant>))
            .filter(checkout::Column::Id.eq(old.id))
            .filter(checkout::Column::State.eq("open"));
        if scope.run(release).await? == 0 {
            return Err(Error::conflict("checkout_in_progress", "another order of yours is being paid", json!({ "checkoutId": old.id })));
        }
    }
    // What is given back and what is taken next are locked together, in one order.
    let ids: Vec<_> = open.iter().map(|old| old.id).collect();
    inventory::lock_for(scope, &ids, demands).await?;
    for id in ids {
        inventory::release(scope, id, None, &[HoldState::Held]).await?;
    }
    Ok(())
}

/// Ends a checkout whose orders are confirmed.
pub(super) async fn close(scope: &Scope, id: CheckoutId) -> Result<()> {
    let update = scope
        .update::<checkout::Entity>()
        .col_expr(checkout::Column::State, Expr::value("done"))
        .col_expr(checkout::Column::ReservedUntil, Expr::value(None::<clock::Instant>))
        .filter(checkout::Column::Id.eq(id));
    scope.run(update).await.map(|_| ())
}

/// Takes `count` numbers of a series, without gaps; the first of them. Last in the lock order.
async fn next_numbers(scope: &Scope, name: &str, count: usize) -> Result<i64> {
    let count = i64::try_from(count).map_err(Error::internal)?;
    let fresh = series::Model { company_id: scope.company(), id: RowId::new(), name: name.into(), last: 0 };
    let take = || {
        scope
            .update::<series::Entity>()
            .col_expr(series::Column::Last, Expr::col(series::Column::Last).add(count))
            .filter(series::Column::Name.eq(name))
    };
    let mut row = scope.run_returning(take()).await?.pop();
    if row.is_none() {
        scope.insert_unless_there(fresh, &[series::Column::CompanyId, series::Column::Name]).await?;
        row = scope.run_returning(take()).await?.pop();
    }
    row.map(|row| row.last - count + 1).ok_or_else(|| Error::internal("a number series vanished"))
}
