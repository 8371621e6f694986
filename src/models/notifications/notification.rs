//! A message to a person.

use sea_orm::entity::prelude::*;
use serde_json::Value;

use crate::{
    clock::Instant,
    ids::{CompanyId, CustomerId, MemberId, NotificationId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NotificationId,
    /// A customer, or a member; neither for a person of the platform, who is named in `data`.
    pub customer_id: Option<CustomerId>,
    pub member_id: Option<MemberId>,
    /// What was told to whom: told twice, it is one message.
    pub origin: String,
    pub class: String,
    /// Which text; nothing for one that was written for this message alone.
    pub template: String,
    /// The language of title and body.
    pub language: String,
    pub title: String,
    pub body: String,
    /// The same in other languages, for members, who choose theirs when they read.
    pub translations: Value,
    /// What it is about: an order, a payment, a stock row.
    pub subject_id: Option<Uuid>,
    /// Ids and amounts.
    pub data: Value,
    pub created_at: Instant,
    /// Before that it is neither shown nor sent.
    pub due_at: Instant,
    pub read_at: Option<Instant>,
}

owned!();
