//! A customer's address book: one of its addresses is the default.

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    address::{Address, Column, Entity, Model},
    customer,
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{AddressId, CustomerId},
    tenancy::Scope,
};

const ADDRESSES_MAX: u64 = 50;

/// An address as it is written into the book.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAddress {
    pub name: String,
    pub line1: String,
    pub line2: Option<String>,
    pub city: String,
    pub state: Option<String>,
    pub postal_code: String,
    pub country: String,
    pub phone: Option<String>,
    pub lat: Option<f64>,
    pub lng: Option<f64>,
    pub is_default: Option<bool>,
}

impl NewAddress {
    fn checked(self) -> Result<Address> {
        let Self { name, line1, line2, city, state, postal_code, country, phone, lat, lng, is_default: _ } = self;
        let address = Address { name, line1, line2, city, state, postal_code, country, phone, lat, lng };
        let faults = address.faults("");
        if faults.is_empty() { Ok(address) } else { Err(Error::Invalid(faults)) }
    }
}

/// A customer's addresses in the order in which they were written, from behind `after`.
pub async fn addresses(scope: &Scope, customer: CustomerId, after: Option<AddressId>, limit: u64) -> Result<Vec<Model>> {
    let mut rows = scope.find::<Entity>().filter(Column::CustomerId.eq(customer));
    if let Some(after) = after {
        rows = rows.filter(Column::Id.gt(after));
    }
    scope.all(rows.order_by_asc(Column::Id).limit(limit)).await
}

/// # Errors
/// 404 when it is not in the customer's book.
pub async fn address(scope: &Scope, customer: CustomerId, id: AddressId) -> Result<Model> {
    scope.get(scope.find::<Entity>().filter(Column::CustomerId.eq(customer)).filter(Column::Id.eq(id))).await
}

/// Writes an address into the book; the first is the default.
///
/// # Errors
/// 422 for a field that cannot be; 409 `too_many_addresses`.
pub async fn add_address(scope: &Scope, customer: CustomerId, new: NewAddress) -> Result<Model> {
    let asked = new.is_default;
    let address = new.checked()?;
    take_turn(scope, customer).await?;
    let present = addresses(scope, customer, None, ADDRESSES_MAX).await?;
    if present.len() as u64 >= ADDRESSES_MAX {
        return Err(Error::conflict("too_many_addresses", format!("at most {ADDRESSES_MAX} addresses"), json!({})));
    }
    let is_default = present.is_empty() || asked == Some(true);
    if is_default {
        leave_default(scope, customer).await?;
    }
    let row = Model {
        company_id: scope.company(),
        id: AddressId::new(),
        customer_id: customer,
        address: json!(address),
        is_default,
        created_at: clock::now(),
        version: 1,
    };
    scope.insert(row.clone()).await?;
    scope.audit("create", "address", row.id, None, vec![("address", Value::Null, row.address.clone())]).await?;
    Ok(row)
}

/// Writes an address anew. The default stays one until another becomes it.
///
/// # Errors
/// 404 when it is not in the customer's book; 412 when `version` is no longer the present one; 422.
pub async fn change_address(scope: &Scope, customer: CustomerId, id: AddressId, new: NewAddress, version: Option<i64>) -> Result<Model> {
    let asked = new.is_default;
    let address = new.checked()?;
    take_turn(scope, customer).await?;
    let before = self::address(scope, customer, id).await?;
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale);
    }
    let is_default = before.is_default || asked == Some(true);
    if is_default && !before.is_default {
        leave_default(scope, customer).await?;
    }
    let after = Model { address: json!(address), is_default, version: before.version + 1, ..before.clone() };
    let update = scope
        .update::<Entity>()
        .col_expr(Column::Address, Expr::value(after.address.clone()))
        .col_expr(Column::IsDefault, Expr::value(is_default))
        .col_expr(Column::Version, Expr::value(after.version))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(before.version));
    if scope.run(update).await? == 0 {
        return Err(Error::Stale);
    }
    let changes =
        vec![("address", before.address, after.address.clone()), ("isDefault", json!(before.is_default), json!(after.is_default))];
    let changes = changes.into_iter().filter(|(_, before, after)| before != after).collect();
    scope.audit("update", "address", id, None, changes).await?;
    Ok(after)
}

/// Takes an address out of the book; the newest of the others becomes the default.
///
/// # Errors
/// 404 when it is not in the customer's book.
pub async fn remove_address(scope: &Scope, customer: CustomerId, id: AddressId) -> Result<()> {
    take_turn(scope, customer).await?;
    let gone = address(scope, customer, id).await?;
    scope.remove(scope.delete::<Entity>().filter(Column::Id.eq(id))).await?;
    scope.audit("delete", "address", id, None, vec![("address", gone.address, Value::Null)]).await?;
    if gone.is_default {
        let next = scope.find::<Entity>().filter(Column::CustomerId.eq(customer)).order_by_desc(Column::Id);
        if let Some(next) = scope.one(next).await? {
            let update = scope.update::<Entity>().col_expr(Column::IsDefault, Expr::value(true)).filter(Column::Id.eq(next.id));
            scope.run(update).await?;
            scope.audit("update", "address", next.id, None, vec![("isDefault", json!(false), json!(true))]).await?;
        }
    }
    Ok(())
}

/// One at a time changes a customer's book: two defaults at once would be none.
async fn take_turn(scope: &Scope, customer: CustomerId) -> Result<()> {
    let update = scope.update::<customer::Entity>().col_expr(customer::Column::UpdatedAt, Expr::value(clock::now()));
    scope.run(update.filter(customer::Column::Id.eq(customer))).await.map(|_| ())
}

async fn leave_default(scope: &Scope, customer: CustomerId) -> Result<()> {
    let update = scope
        .update::<Entity>()
        .col_expr(Column::IsDefault, Expr::value(false))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::CustomerId.eq(customer))
        .filter(Column::IsDefault.eq(true));
    scope.run(update).await.map(|_| ())
}
