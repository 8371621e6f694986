//! One line of a cart.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CartId, CartItemId, CompanyId, ShopId, VariantId},
    money::Money,
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cart_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CartItemId,
    pub cart_id: CartId,
    pub variant_id: VariantId,
    pub shop_id: ShopId,
    pub quantity: i64,
    /// The price when it was put in.
    pub price_seen: Money,
    pub created_at: Instant,
}

owned!();
