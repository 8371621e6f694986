//! An address: of an order, or in a customer's address book.

use schemars::JsonSchema;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    clock::Instant,
    codes::is_country,
    errors::FieldError,
    ids::{AddressId, CompanyId, CustomerId},
    tenancy::owned,
};

/// Where something is brought, or who is billed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    pub name: String,
    pub line1: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    pub city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    pub postal_code: String,
    /// ISO 3166 alpha 2.
    pub country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lng: Option<f64>,
}

impl Address {
    /// What cannot be, each field named behind `place`.
    #[must_use]
    pub fn faults(&self, place: &str) -> Vec<FieldError> {
        let mut wrong = vec![];
        let mut refuse = |field: &str, code: &str, message: &str| {
            let field = if place.is_empty() { field.to_owned() } else { format!("{place}.{field}") };
            wrong.push(FieldError { field, code: code.into(), message: message.into() });
        };
        for (field, text) in [("name", &self.name), ("line1", &self.line1), ("city", &self.city), ("postalCode", &self.postal_code)] {
            if text.trim().is_empty() || text.chars().count() > 200 {
                refuse(field, "required", "1 to 200 characters");
            }
        }
        for (field, text) in [("line2", &self.line2), ("state", &self.state), ("phone", &self.phone)] {
            if text.as_ref().is_some_and(|text| text.chars().count() > 200) {
                refuse(field, "too_long", "at most 200 characters");
            }
        }
        if !is_country(&self.country) {
            refuse("country", "invalid", "two letters of ISO 3166, such as IN");
        }
        for (field, degrees, most) in [("lat", self.lat, 90.0), ("lng", self.lng, 180.0)] {
            if degrees.is_some_and(|degrees| !(-most..=most).contains(&degrees)) {
                refuse(field, "out_of_range", "degrees on the earth");
            }
        }
        wrong
    }
}

/// A kept address of a customer.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "addresses")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AddressId,
    pub customer_id: CustomerId,
    pub address: Value,
    pub is_default: bool,
    pub created_at: Instant,
    pub version: i64,
}

owned!();
