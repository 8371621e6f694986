//! What people do with goods on a shelf, from the desk and from the terminal: the forms are the same.

use std::collections::BTreeMap;

use super::{fields::Fields, once::Wish};
use crate::{
    errors::{Error, Result},
    ids::{LocationId, VariantId},
    models::{
        catalog,
        inventory::{self, Adjustment, Operation, Quantity, Receipt},
        orders::{self, Count, WriteOff},
        shops,
    },
    tenancy::{
        Access, Permission, Scope,
        roles::{InventoryHandle, InventoryWrite},
    },
};

/// A sale may come in between a count's look and its act; then it looks again.
const TRIES: usize = 4;

/// Pieces, or kilograms with three decimals.
pub fn amount(quantity: i64, by_weight: bool) -> String {
    let sign = if quantity < 0 { "−" } else { "" };
    let size = quantity.unsigned_abs();
    if by_weight { format!("{sign}{}.{:03} kg", size / 1_000, size % 1_000) } else { format!("{sign}{size}") }
}

/// As [`amount`], with a plus where it grows.
pub fn signed(quantity: i64, by_weight: bool) -> String {
    if quantity > 0 { format!("+{}", amount(quantity, by_weight)) } else { amount(quantity, by_weight) }
}

/// A quantity as people type it into a field: pieces, or kilograms.
pub fn typed(quantity: i64, by_weight: bool) -> String {
    if by_weight { format!("{}.{:03}", quantity / 1_000, quantity % 1_000) } else { quantity.to_string() }
}

/// Reads a quantity: pieces, or kilograms with up to three decimals.
pub fn quantity(fields: &mut Fields, name: &str, by_weight: bool) -> Option<i64> {
    if by_weight { fields.fixed(name, 3) } else { fields.parsed::<i64>(name) }
}

/// The places that the person sees, by name: shops by the name they have now, warehouses by their own.
pub async fn places(scope: &Scope) -> Result<BTreeMap<LocationId, String>> {
    let names = shops::names(scope).await?;
    let rows = inventory::locations(scope).await?;
    Ok(rows.into_iter().map(|place| (place.id, place.shop_id.and_then(|shop| names.get(&shop).cloned()).unwrap_or(place.name))).collect())
}

/// The goods of a form, and where they lie.
#[derive(Clone, Copy, Debug)]
pub struct Goods {
    pub variant: VariantId,
    pub location: LocationId,
}

/// What a form says of them.
struct Sent {
    goods: Goods,
    /// Pieces, or grams.
    quantity: i64,
    note: String,
}

async fn read<P: Permission>(access: &Access<P>, goods: Goods, fields: &mut Fields) -> Result<Sent> {
    let scope = access.read().await?;
    let known = catalog::goods(&scope, &[goods.variant]).await?;
    let by_weight = known.get(&goods.variant).ok_or(Error::NOT_FOUND)?.0.sold_by == "weight";
    drop(scope);
    let quantity = quantity(fields, "quantity", by_weight);
    let note = fields.optional("note").unwrap_or_default();
    fields.end()?;
    Ok(Sent { goods, quantity: quantity.unwrap_or_default(), note })
}

/// Books in goods.
pub async fn receive(access: &Access<InventoryHandle>, path: &str, goods: Goods, fields: &mut Fields) -> Result<()> {
    let sent = read(access, goods, fields).await?;
    let line = Quantity { variant_id: sent.goods.variant, quantity: sent.quantity };
    let receipt = Receipt { location_id: sent.goods.location, reference: sent.note, lines: vec![line] };
    let Some(wish) = Wish::begin(access, path, fields).await? else { return Ok(()) };
    inventory::receive(&wish.scope, &receipt).await.map_err(at_field)?;
    wish.keep().await
}

/// Writes down a count.
pub async fn count(access: &Access<InventoryHandle>, path: &str, goods: Goods, fields: &mut Fields) -> Result<()> {
    let sent = read(access, goods, fields).await?;
    let line = Quantity { variant_id: sent.goods.variant, quantity: sent.quantity };
    let counted = Count { location_id: sent.goods.location, lines: vec![line], note: sent.note };
    for _ in 1..TRIES {
        let Some(wish) = Wish::begin(access, path, fields).await? else { return Ok(()) };
        match orders::count(&wish.scope, &counted).await {
            Err(Error::Unavailable(_)) => {}
            Err(error) => return Err(at_field(error)),
            Ok(_) => return wish.keep().await,
        }
    }
    Err(Error::Unavailable("too many sales at this moment".into()))
}

/// Adds or takes away with a reason.
pub async fn adjust(access: &Access<InventoryWrite>, path: &str, goods: Goods, fields: &mut Fields) -> Result<()> {
    let sent = read(access, goods, fields).await?;
    let operation = if fields.raw("operation") == "subtract" { Operation::Subtract } else { Operation::Add };
    let change = Adjustment { location_id: sent.goods.location, quantity: sent.quantity, operation, reason: sent.note };
    let Some(wish) = Wish::begin(access, path, fields).await? else { return Ok(()) };
    inventory::adjust(&wish.scope, sent.goods.variant, &change, None).await.map_err(at_field)?;
    wish.keep().await
}

/// Writes off what can no longer be sold.
pub async fn waste(access: &Access<InventoryWrite>, path: &str, goods: Goods, fields: &mut Fields) -> Result<()> {
    let sent = read(access, goods, fields).await?;
    let loss = WriteOff { location_id: sent.goods.location, quantity: sent.quantity, reason: sent.note };
    for _ in 1..TRIES {
        let Some(wish) = Wish::begin(access, path, fields).await? else { return Ok(()) };
        match orders::write_off(&wish.scope, sent.goods.variant, &loss).await {
            Err(Error::Unavailable(_)) => {}
            Err(error) => return Err(at_field(error)),
            Ok(_) => return wish.keep().await,
        }
    }
    Err(Error::Unavailable("too many sales at this moment".into()))
}

/// The form has one line and one note; a refusal names them by the form's names.
fn at_field(error: Error) -> Error {
    let Error::Invalid(mut wrong) = error else { return error };
    for field in &mut wrong {
        field.field = if field.field.ends_with("quantity") || field.field.starts_with("lines") { "quantity" } else { "note" }.into();
    }
    Error::Invalid(wrong)
}
