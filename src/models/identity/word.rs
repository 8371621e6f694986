//! A folded beginning by which a customer or a member is found.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{CompanyId, CustomerId, MemberId, RowId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "person_words")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub customer_id: Option<CustomerId>,
    pub member_id: Option<MemberId>,
    pub word: String,
}

owned!();
