//! A company as its people see it.

use serde_json::{Value, json};

use crate::models::{
    companies::{self, Company},
    figures,
};

#[must_use]
pub fn view(company: &Company) -> Value {
    json!({
        "id": company.id, "slug": company.slug, "name": company.name, "description": company.description,
        "domain": company.domain, "email": company.email, "phone": company.phone, "address": company.address, "status": company.status,
        "isActive": company.status == companies::ACTIVE, "standing": company.standing,
        "settings": {
            "currency": company.currency, "zone": company.zone, "language": company.language, "taxRate": company.tax_rate,
            "taxIncluded": company.tax_included, "unpaidHours": company.unpaid_hours, "codLimit": company.cod_limit,
        },
        "branding": { "colour": company.brand, "logo": company.logo_path() },
        "createdAt": company.created_at, "updatedAt": company.updated_at, "version": company.version,
    })
}

/// A company in figures, of the last thirty days against the thirty before.
#[must_use]
pub fn stats_view(company: &Company, figures: &figures::Company) -> Value {
    let average = |revenue: i64, orders: i64| if orders > 0 { revenue / orders } else { 0 };
    json!({
        "companyId": company.id, "currency": company.currency, "days": 30,
        "shops": figures.shops, "staff": figures.staff, "customers": figures.customers, "products": figures.products,
        "isLowerBound": figures.customers >= figures::COUNTED_MAX || figures.products >= figures::COUNTED_MAX,
        "ordersOpen": figures.orders_open, "orders": figures.orders, "revenue": figures.revenue,
        "averageOrder": average(figures.revenue, figures.orders),
        "before": {
            "orders": figures.orders_before, "revenue": figures.revenue_before,
            "averageOrder": average(figures.revenue_before, figures.orders_before),
        },
    })
}
