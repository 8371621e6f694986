//! A customer's wishlist: what they would buy one day.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::{
    Owner,
    wish::{Column, Entity, Model},
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{CustomerId, ProductId, RowId},
    models::catalog,
    tenancy::Scope,
};

const WISHES_MAX: u64 = 500;

/// A customer's wishes, the newest first, from behind `before`.
pub async fn wishes(scope: &Scope, customer: CustomerId, before: Option<RowId>, limit: u64) -> Result<Vec<Model>> {
    let mut rows = scope.find::<Entity>().filter(Column::CustomerId.eq(customer));
    if let Some(before) = before {
        rows = rows.filter(Column::Id.lt(before));
    }
    scope.all(rows.order_by_desc(Column::Id).limit(limit)).await
}

/// Puts a product on the wishlist; wished for twice, it is there once.
///
/// # Errors
/// 422 for a product that is not there; 409 `wishlist_full`.
pub async fn wish(scope: &Scope, customer: CustomerId, product: ProductId) -> Result<Model> {
    let unknown = |_| Error::invalid("productId", "unknown", "there is no such product");
    catalog::product(scope, &product.to_string()).await.map_err(unknown)?;
    if wishes(scope, customer, None, WISHES_MAX).await?.len() as u64 >= WISHES_MAX {
        return Err(Error::conflict("wishlist_full", format!("at most {WISHES_MAX} products"), json!({})));
    }
    let row = Model { company_id: scope.company(), id: RowId::new(), customer_id: customer, product_id: product, created_at: clock::now() };
    if scope.insert_unless_there(row.clone(), &[Column::CompanyId, Column::CustomerId, Column::ProductId]).await? {
        let told = json!({ "productId": product });
        scope.emit(Event::new("wishlist.item_added", ("user", customer.0), None, told)).await?;
        return Ok(row);
    }
    scope.get(scope.find::<Entity>().filter(Column::CustomerId.eq(customer)).filter(Column::ProductId.eq(product))).await
}

/// Takes a product off the wishlist.
///
/// # Errors
/// 404 when it is not on it.
pub async fn unwish(scope: &Scope, customer: CustomerId, product: ProductId) -> Result<()> {
    let gone = scope.delete::<Entity>().filter(Column::CustomerId.eq(customer)).filter(Column::ProductId.eq(product));
    if scope.remove(gone).await? == 0 { Err(Error::NOT_FOUND) } else { Ok(()) }
}

/// Forgets what a customer wishes for, and what lies in their cart.
///
/// # Errors
/// When the database cannot be reached.
pub async fn forget_customer(scope: &Scope, customer: CustomerId) -> Result<()> {
    scope.remove(scope.delete::<Entity>().filter(Column::CustomerId.eq(customer))).await?;
    super::clear(scope, &Owner::Customer(customer)).await
}
