//! A company's own text for a message, in one language.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{CompanyId, TemplateId},
    tenancy::owned,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_templates")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TemplateId,
    pub name: String,
    pub language: String,
    pub subject: String,
    pub body: String,
    /// The letter's inner HTML; when empty, it is made from the body.
    pub html: String,
    /// For SMS, WhatsApp and push; when empty, it is made from the subject.
    pub short: String,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

owned!();
