//! What is known of a customer: handed out to them, or forgotten. Each domain knows its own part; it
//! stands beside them, since it asks them all. The books, the stock and the audit's chain stay whole.

use serde_json::json;

use super::{
    audit, carts, idempotency,
    identity::{self, Customer, KeptAddress, OneTimeCode, Preferences},
    notifications::{self, Choices, Notification},
    orders::{self, Filter, Order, Status},
    payments,
};
use crate::{
    errors::{Error, Result},
    events::Event,
    ids::CustomerId,
    tenancy::Scope,
};

/// Rows of one kind that are handed out; more than anybody has.
const MOST: u64 = 5_000;

/// All that is known of a customer.
pub struct Known {
    pub customer: Customer,
    pub preferences: Preferences,
    pub choices: Choices,
    pub addresses: Vec<KeptAddress>,
    pub wishes: Vec<carts::Wish>,
    /// Newest first.
    pub orders: Vec<Order>,
    /// Newest first.
    pub messages: Vec<Notification>,
    /// What was sent to their telephone to prove it, newest first; a day's worth.
    pub codes: Vec<OneTimeCode>,
    /// What they did, newest first.
    pub acts: Vec<audit::Entry>,
}

/// Gathers all that is known of a customer, and writes down that it was handed out.
///
/// # Errors
/// 403 for whoever may do this at some shops only; 404.
pub async fn hand_out(scope: &Scope, id: CustomerId) -> Result<Known> {
    identity::ensure_whole_company(scope)?;
    let customer = identity::find_customer(scope, id).await?;
    let filter = Filter { customer: Some(id), ..Filter::default() };
    let acts = audit::Filter { actors: vec![id.0], ..audit::Filter::default() };
    let known = Known {
        preferences: identity::preferences(scope, id).await?,
        choices: notifications::choices_of(scope, &customer).await?,
        addresses: identity::addresses(scope, id, None, MOST).await?,
        wishes: carts::wishes(scope, id, None, MOST).await?,
        orders: orders::list(scope, &filter, None, MOST).await?.orders,
        messages: notifications::written_to(scope, id, MOST).await?,
        codes: identity::codes_sent(scope, id, MOST).await?,
        acts: audit::list(scope, &acts, None, MOST).await?,
        customer,
    };
    scope.audit("hand_out", "customer", id, None, vec![]).await?;
    Ok(known)
}

/// Forgets who a customer is, everywhere; what they bought stays as figures.
///
/// # Errors
/// 403 for whoever may do this at some shops only, and so would not see what is under way at others;
/// 404; 409 `orders_under_way` while something is to be delivered to them; 409 `already_so`.
pub async fn forget(scope: &Scope, id: CustomerId) -> Result<()> {
    identity::ensure_whole_company(scope)?;
    let customer = identity::find_customer(scope, id).await?;
    if identity::is_forgotten(&customer) {
        return Err(Error::conflict("already_so", "there is nothing to change", json!({})));
    }
    let under_way = [Status::Pending, Status::Confirmed, Status::Processing, Status::Packed, Status::Shipped];
    let open = Filter { customer: Some(id), status: under_way.to_vec(), ..Filter::default() };
    if orders::how_many(scope, &open, 1).await? > 0 {
        return Err(Error::conflict("orders_under_way", "orders of this customer are under way", json!({})));
    }
    let addresses = identity::forget_customer(scope, &customer).await?;
    let orders = orders::forget_customer(scope, id).await?;
    carts::forget_customer(scope, id).await?;
    payments::forget_customer(scope, id).await?;
    notifications::forget_customer(scope, id, &orders).await?;
    idempotency::forget(scope, &id.to_string()).await?;
    audit::forget_actor(scope, id.0).await?;
    audit::forget_thing(scope, "customer", &id.to_string()).await?;
    for address in addresses {
        audit::forget_thing(scope, "address", &address.to_string()).await?;
    }
    for order in orders {
        audit::forget_thing(scope, "order", &order.to_string()).await?;
    }
    scope.audit("forget", "customer", id, None, vec![]).await?;
    scope.emit(Event::new("user.updated", ("user", id.0), None, json!({}))).await
}
