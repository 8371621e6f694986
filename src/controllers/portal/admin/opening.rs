//! A new company, with its plan and its first admin.

use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::{
    super::{PageResult, Visitor, fields::Fields, visitor::said},
    companies::PAGE,
    own,
};
use crate::{
    controllers::steward::{self, Start},
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    models::{
        companies::{Company, NewCompany},
        debts::SubscriptionChange,
        plans::{self, Interval, Plan},
    },
    tenancy::{Access, roles::CompaniesWrite},
    views::templates,
};

const NEW: &str = "/admin/companies/new";
/// Currencies that are offered first; any other is written out.
const CURRENCIES: [&str; 6] = ["INR", "USD", "EUR", "GBP", "AED", "SGD"];
const ZONES: [&str; 8] = [
    "Asia/Kolkata",
    "Asia/Dubai",
    "Asia/Singapore",
    "Asia/Kathmandu",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
];

/// A plan as a choice says it: `Growth, ₹3,499.00 a month`.
pub(super) fn plan_label(plan: &Plan, language: &str) -> String {
    let period = match plan.period {
        Interval::Month => "admin.plan.a_month",
        Interval::Year => "admin.plan.a_year",
    };
    let price = plan.price.display(&plan.currency);
    templates::filled(period, language, &[("name", &plan.name), ("price", &price)])
}

/// The plans that can be subscribed to, to choose from.
pub(super) fn offered(plans: &[Plan], language: &str) -> Vec<Value> {
    let offered = plans.iter().filter(|plan| plan.is_active);
    offered.map(|plan| json!({ "value": plan.code, "label": plan_label(plan, language) })).collect()
}

/// What the forms of companies offer to choose from.
pub(super) fn choices() -> Value {
    let plain = |value: &&str| json!({ "value": value, "label": value });
    let languages = templates::LANGUAGES.map(|code| json!({ "value": code, "label_key": format!("notice.language.{code}") }));
    json!({
        "currencies": CURRENCIES.iter().map(plain).collect::<Vec<_>>(), "zones": ZONES.iter().map(plain).collect::<Vec<_>>(),
        "languages": languages,
    })
}

async fn page(visitor: &Visitor<CompaniesWrite>) -> Result<(Company, Value)> {
    let platform = visitor.access.souk().platform("plans").await?;
    let plans = plans::list(&platform).await?;
    let (_, company) = own(visitor, platform).await?;
    let data = json!({ "plans": offered(&plans, &visitor.language), "choices": choices() });
    Ok((company, data))
}

async fn show(visitor: Visitor<CompaniesWrite>) -> PageResult<Html<String>> {
    let (company, data) = page(&visitor).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/companies/new.html", &company, data)
}

async fn create(visitor: Visitor<CompaniesWrite>, mut fields: Fields) -> PageResult<Response> {
    match open(&visitor.access, &mut fields).await {
        Ok(company) => {
            let text =
                templates::filled("admin.new.done", &visitor.language, &[("name", &company.name), ("email", &fields.raw("adminEmail"))]);
            Ok(visitor.tell(&format!("{PAGE}/{}", company.id), "ok", &text, &[]).into_response())
        }
        Err(error) => {
            // Who has the slug is not told, but that it is taken stands beside it.
            let error = match error {
                Error::Conflict { code: "slug_taken", .. } => {
                    let message = said(&error, &visitor.language);
                    Error::invalid("slug", "slug_taken", message)
                }
                other => other,
            };
            let visitor = visitor.refused(error, &fields)?;
            let (company, data) = page(&visitor).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("admin/companies/new.html", &company, data)
        }
    }
}

async fn open(access: &Access<CompaniesWrite>, fields: &mut Fields) -> Result<Company> {
    let new = NewCompany {
        slug: fields.text("slug").to_lowercase(),
        name: fields.text("name"),
        description: String::new(),
        currency: fields.text("currency").to_uppercase(),
        zone: fields.text("zone"),
        tax_rate: fields.fixed("taxRate", 2).unwrap_or_default(),
        tax_included: fields.is_on("taxIncluded"),
        email: fields.optional("email").unwrap_or_default(),
        phone: fields.optional("phone").unwrap_or_default(),
        brand: None,
    };
    let plan = fields.optional("plan");
    let trial_days = fields.maybe("trialDays");
    let admin = (fields.text("adminEmail"), fields.text("adminName"));
    fields.end()?;
    let subscription = plan.map(|plan| SubscriptionChange { plan: Some(plan), trial_days, ..SubscriptionChange::default() });
    steward::open(access, new, Start { admin: Some(admin), subscription }).await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<CompaniesWrite, _>(NEW, "A form for a new company", show),
        post::<CompaniesWrite, _>(NEW, "Opens a company with its plan and its first admin", create),
    ]
}
