//! A company as its people see it.

use serde_json::{Value, json};

use crate::models::companies::Company;

#[must_use]
pub fn view(company: &Company) -> Value {
    json!({
        "id": company.id, "slug": company.slug, "name": company.name, "description": company.description,
        "email": company.email, "phone": company.phone, "status": company.status,
        "settings": {
            "currency": company.currency, "zone": company.zone, "language": company.language, "taxRate": company.tax_rate,
            "taxIncluded": company.tax_included, "unpaidHours": company.unpaid_hours, "codLimit": company.cod_limit,
        },
        "branding": { "colour": company.brand },
        "createdAt": company.created_at, "updatedAt": company.updated_at, "version": company.version,
    })
}
