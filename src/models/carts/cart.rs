//! What somebody means to buy.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CartId, CompanyId, CustomerId, RowId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "carts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CartId,
    pub customer_id: Option<CustomerId>,
    /// SHA-256 of what a guest holds.
    pub token: Option<String>,
    pub coupon_id: Option<RowId>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

owned!();
