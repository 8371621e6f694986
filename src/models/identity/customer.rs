//! Who buys; belongs to one company.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, CustomerId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomerId,
    pub email: String,
    pub name: String,
    pub sort_name: String,
    pub password: String,
    pub customer_group: String,
    pub language: String,
    /// As people write it.
    pub phone: Option<String>,
    pub is_banned: bool,
    pub is_verified: bool,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
    pub phone_verified_at: Option<Instant>,
    /// The number that was proved to be theirs, as the world calls it.
    pub phone_proved: Option<String>,
}

owned!();
