//! What is known of a customer, as the file that is handed out to them.

use serde_json::{Value, json};

use super::{audit, orders, users};
use crate::{errors::Result, models::personal::Known, tenancy::Scope};

/// The whole file.
///
/// # Errors
/// When the database cannot be reached.
pub async fn known(scope: &Scope, known: &Known) -> Result<Value> {
    let addresses: Vec<_> = known.addresses.iter().map(|one| json!({ "address": one.address, "isDefault": one.is_default })).collect();
    let wishes: Vec<_> = known.wishes.iter().map(|one| json!({ "productId": one.product_id, "since": one.created_at })).collect();
    let messages = known.messages.iter();
    let messages = messages.map(|one| json!({ "at": one.due_at, "title": one.title, "text": one.body, "readAt": one.read_at }));
    let codes = known.codes.iter().map(|one| json!({ "at": one.created_at, "phone": one.phone, "usedAt": one.used_at }));
    let likes = &known.preferences;
    Ok(json!({
        "profile": users::customer(&known.customer), "phoneVerifiedAt": known.customer.phone_verified_at,
        "preferences": { "organic": likes.organic, "seasonal": likes.seasonal, "local": likes.local, "language": likes.language },
        "messageChoices": known.choices, "addresses": addresses, "wishlist": wishes, "orders": orders::orders(scope, &known.orders).await?,
        "messages": messages.collect::<Vec<_>>(), "codes": codes.collect::<Vec<_>>(), "acts": known.acts.iter().map(audit::entry).collect::<Vec<_>>(),
    }))
}
