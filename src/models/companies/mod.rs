//! Companies: the tenants.

mod company;
mod settings;
mod standing;
mod steward;

use schemars::JsonSchema;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::{
    company::Model as Company,
    settings::{CompanySettings, PlatformTerms, PostalAddress, change_settings, change_terms, set_logo},
    standing::{Outlook, Standing, hold, is_open, set_standing, set_subscription, standing_of},
    steward::{ACTIVE, By, CLOSED, STATES, SUSPENDED, Search, called, close, find, resume, search, sorted, states, suspend},
};
use crate::{
    clock,
    errors::{Error, FieldError, Result},
    events::Event,
    ids::CompanyId,
    tenancy::{PLATFORM_COMPANY, Platform, Scope, Souk},
    words::fold,
};

/// What a company is opened with.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCompany {
    pub slug: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
    /// ISO 4217.
    pub currency: String,
    /// IANA zone.
    pub zone: String,
    /// Basis points.
    #[serde(default)]
    pub tax_rate: i64,
    #[serde(default)]
    pub tax_included: bool,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub phone: String,
    #[serde(default)]
    pub brand: Option<String>,
}

/// Whether a text can be a slug: it becomes a host name.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    (2..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Opens a company.
///
/// # Errors
/// 422 for every field that cannot be; 409 `slug_taken`.
pub async fn open(platform: &Platform, new: NewCompany) -> Result<Company> {
    let now = clock::now();
    let company = Company {
        id: CompanyId::new(),
        slug: new.slug,
        sort_name: fold(&new.name),
        name: new.name,
        description: new.description,
        currency: new.currency,
        zone: new.zone,
        language: "en".into(),
        status: "active".into(),
        status_reason: None,
        standing: Standing::Good,
        overdue_since: None,
        limited_on: None,
        suspended_on: None,
        subscription_id: None,
        email: new.email,
        phone: new.phone,
        address: None,
        pay_to: None,
        brand: new.brand.unwrap_or_else(|| COLOUR.into()),
        logo: None,
        domain: None,
        tax_rate: new.tax_rate,
        unpaid_hours: 24,
        cod_limit: 5_000_000,
        tax_included: new.tax_included,
        epoch: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let mut wrong = settings::check(&company, None);
    if !is_slug(&company.slug) {
        let message = "use 2 to 63 lower-case letters, digits and hyphens";
        wrong.insert(0, FieldError { field: "slug".into(), code: "invalid".into(), message: message.into() });
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    if has_slug(platform, &company.slug).await? {
        return Err(Error::conflict("slug_taken", "another company has this slug", json!({})));
    }
    platform.insert(company.clone()).await?;
    Ok(company)
}

/// Tells that a company was opened, in its own log and audit.
///
/// # Errors
/// When the database cannot be reached.
pub async fn tell_opened(scope: &Scope, company: &Company) -> Result<()> {
    scope.audit("create", "company", company.id, None, vec![("slug", Value::Null, company.slug.clone().into())]).await?;
    scope.emit(Event::new("company.created", ("company", company.id.0), None, json!({}))).await
}

/// Whether a company, open or not, has a slug.
async fn has_slug(platform: &Platform, slug: &str) -> Result<bool> {
    Ok(platform.one(platform.find::<company::Entity>().filter(company::Column::Slug.eq(slug))).await?.is_some())
}

/// The house's colour.
const COLOUR: &str = "#0b63ce";

/// Whether a text is a colour that is safe inside a stylesheet.
fn is_colour(text: &str) -> bool {
    text.len() == 7 && text.starts_with('#') && text.bytes().skip(1).all(|byte| byte.is_ascii_hexdigit())
}

/// Makes sure the platform's own row is there.
pub async fn ensure_platform(platform: &Platform) -> Result<()> {
    if platform.one(platform.find::<company::Entity>().filter(company::Column::Id.eq(PLATFORM_COMPANY))).await?.is_some() {
        return Ok(());
    }
    let now = clock::now();
    platform
        .insert(Company {
            id: PLATFORM_COMPANY,
            slug: "-platform".into(),
            name: "Souk".into(),
            sort_name: "souk".into(),
            description: String::new(),
            currency: "INR".into(),
            zone: "UTC".into(),
            language: "en".into(),
            status: "platform".into(),
            status_reason: None,
            standing: Standing::Good,
            overdue_since: None,
            limited_on: None,
            suspended_on: None,
            subscription_id: None,
            email: String::new(),
            phone: String::new(),
            address: None,
            pay_to: None,
            brand: COLOUR.into(),
            logo: None,
            domain: None,
            tax_rate: 0,
            unpaid_hours: 24,
            cod_limit: 0,
            tax_included: false,
            epoch: 0,
            created_at: now,
            updated_at: now,
            version: 1,
        })
        .await
}

/// The open company whose own domain a host is.
pub async fn by_domain(platform: &Platform, host: &str) -> Result<Option<Company>> {
    let found = platform.find::<company::Entity>().filter(company::Column::Domain.eq(host.to_ascii_lowercase()));
    platform.one(found.filter(company::Column::Status.eq("active"))).await
}

/// The open company of a slug.
pub async fn by_slug(platform: &Platform, slug: &str) -> Result<Option<Company>> {
    let found = platform.find::<company::Entity>().filter(company::Column::Slug.eq(slug));
    platform.one(found.filter(company::Column::Status.eq("active"))).await
}

/// The companies of some ids, open or not.
pub async fn named(platform: &Platform, ids: &[CompanyId]) -> Result<Vec<Company>> {
    platform.all(platform.find::<company::Entity>().filter(company::Column::Id.is_in(ids.iter().copied()))).await
}

/// Companies by name's slug, from behind `after`.
pub async fn list(platform: &Platform, after: Option<CompanyId>, limit: u64) -> Result<Vec<Company>> {
    let mut list = platform.find::<company::Entity>().filter(company::Column::Status.ne("platform"));
    if let Some(after) = after {
        list = list.filter(company::Column::Id.gt(after));
    }
    platform.all(list.order_by_asc(company::Column::Id).limit(limit)).await
}

/// The platform's own row: who it is, and how it is paid.
///
/// # Errors
/// When the database cannot be reached.
pub async fn platform(souk: &Souk) -> Result<Company> {
    let platform = souk.platform("terms").await?;
    let own = platform.find::<company::Entity>().filter(company::Column::Id.eq(PLATFORM_COMPANY));
    platform.one(own).await?.ok_or_else(|| Error::internal("the platform has no row of its own"))
}

/// Whether there is any tenant yet.
pub async fn is_empty(platform: &Platform) -> Result<bool> {
    Ok(list(platform, None, 1).await?.is_empty())
}

/// The ids of all companies, the platform's own too.
pub async fn all_ids(platform: &Platform) -> Result<Vec<CompanyId>> {
    let all = platform.all(platform.find::<company::Entity>().order_by_asc(company::Column::Id)).await?;
    Ok(all.into_iter().map(|company| company.id).collect())
}

/// The company of this unit.
pub async fn own(scope: &Scope) -> Result<Company> {
    scope.get(scope.find::<company::Entity>()).await
}
