//! Companies: the tenants.

mod company;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use serde::Deserialize;
use serde_json::json;

pub use self::company::Model as Company;
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::CompanyId,
    tenancy::{PLATFORM_COMPANY, Platform, Scope, Souk},
};

/// What a company is opened with.
#[derive(Clone, Debug, Deserialize)]
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

/// What a company may change of itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompanySettings {
    pub name: Option<String>,
    pub description: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub brand: Option<String>,
    pub tax_rate: Option<i64>,
    pub unpaid_hours: Option<i64>,
    pub cod_limit: Option<i64>,
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
/// 422 for a field that cannot be; 409 `slug_taken`.
pub async fn open(platform: &Platform, new: NewCompany) -> Result<Company> {
    if !is_slug(&new.slug) {
        return Err(Error::invalid("slug", "invalid", "use 2 to 63 lower-case letters, digits and hyphens"));
    }
    if new.name.trim().is_empty() {
        return Err(Error::invalid("name", "required", "a company needs a name"));
    }
    if new.currency.len() != 3 || !new.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Error::invalid("currency", "invalid", "name an ISO 4217 currency, such as INR"));
    }
    if new.zone.parse::<chrono_tz::Tz>().is_err() {
        return Err(Error::invalid("zone", "invalid", "name an IANA zone, such as Asia/Kolkata"));
    }
    if !(0..=10_000).contains(&new.tax_rate) {
        return Err(Error::invalid("taxRate", "out_of_range", "basis points, from 0 to 10000"));
    }
    if by_slug(platform, &new.slug).await?.is_some() {
        return Err(Error::conflict("slug_taken", "another company has this slug", json!({})));
    }
    let now = clock::now();
    let company = Company {
        id: CompanyId::new(),
        slug: new.slug,
        name: new.name,
        description: new.description,
        currency: new.currency,
        zone: new.zone,
        language: "en".into(),
        status: "active".into(),
        email: new.email,
        phone: new.phone,
        brand: colour(new.brand.as_deref()),
        tax_rate: new.tax_rate,
        unpaid_hours: 24,
        cod_limit: 5_000_000,
        tax_included: new.tax_included,
        epoch: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    platform.insert(company.clone()).await?;
    Ok(company)
}

/// A colour that is safe inside a stylesheet, or the house's.
fn colour(asked: Option<&str>) -> String {
    asked
        .filter(|text| text.len() == 7 && text.starts_with('#') && text.bytes().skip(1).all(|byte| byte.is_ascii_hexdigit()))
        .unwrap_or("#0b63ce")
        .to_owned()
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
            description: String::new(),
            currency: "INR".into(),
            zone: "UTC".into(),
            language: "en".into(),
            status: "platform".into(),
            email: String::new(),
            phone: String::new(),
            brand: colour(None),
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

/// The open company of a slug.
pub async fn by_slug(platform: &Platform, slug: &str) -> Result<Option<Company>> {
    let found = platform.find::<company::Entity>().filter(company::Column::Slug.eq(slug));
    platform.one(found.filter(company::Column::Status.eq("active"))).await
}

/// The open company of an id.
pub async fn by_id(platform: &Platform, id: CompanyId) -> Result<Option<Company>> {
    let found = platform.find::<company::Entity>().filter(company::Column::Id.eq(id));
    platform.one(found.filter(company::Column::Status.eq("active"))).await
}

/// Companies by name's slug, from behind `after`.
pub async fn list(platform: &Platform, after: Option<CompanyId>, limit: u64) -> Result<Vec<Company>> {
    let mut list = platform.find::<company::Entity>().filter(company::Column::Status.ne("platform"));
    if let Some(after) = after {
        list = list.filter(company::Column::Id.gt(after));
    }
    platform.all(list.order_by_asc(company::Column::Id).limit(limit)).await
}

/// Whether there is any tenant yet.
pub async fn is_empty(platform: &Platform) -> Result<bool> {
    Ok(list(platform, None, 1).await?.is_empty())
}

/// The ids of all open companies, for sweeps.
pub async fn open_ids(souk: &Souk) -> Result<Vec<CompanyId>> {
    let platform = souk.platform("sweep").await?;
    let all = platform.all(platform.find::<company::Entity>().filter(company::Column::Status.eq("active"))).await?;
    Ok(all.into_iter().map(|company| company.id).collect())
}

/// The company of this unit.
pub async fn own(scope: &Scope) -> Result<Company> {
    scope.get(scope.find::<company::Entity>()).await
}

/// Changes the company's own settings.
///
/// # Errors
/// 412 when `version` is no longer the present one; 422 for a field that cannot be.
pub async fn change_settings(scope: &Scope, change: CompanySettings, version: Option<i64>) -> Result<Company> {
    let before = own(scope).await?;
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale);
    }
    if change.tax_rate.is_some_and(|rate| !(0..=10_000).contains(&rate)) {
        return Err(Error::invalid("taxRate", "out_of_range", "basis points, from 0 to 10000"));
    }
    let mut after = before.clone();
    after.name = change.name.unwrap_or(after.name);
    after.description = change.description.unwrap_or(after.description);
    after.email = change.email.unwrap_or(after.email);
    after.phone = change.phone.unwrap_or(after.phone);
    after.brand = change.brand.as_deref().map_or(after.brand, |brand| colour(Some(brand)));
    after.tax_rate = change.tax_rate.unwrap_or(after.tax_rate);
    after.unpaid_hours = change.unpaid_hours.unwrap_or(after.unpaid_hours).clamp(1, 720);
    after.cod_limit = change.cod_limit.unwrap_or(after.cod_limit).max(0);
    after.version += 1;
    after.updated_at = clock::now();
    let update = scope
        .update::<company::Entity>()
        .col_expr(company::Column::Name, Expr::value(after.name.clone()))
        .col_expr(company::Column::Description, Expr::value(after.description.clone()))
        .col_expr(company::Column::Email, Expr::value(after.email.clone()))
        .col_expr(company::Column::Phone, Expr::value(after.phone.clone()))
        .col_expr(company::Column::Brand, Expr::value(after.brand.clone()))
        .col_expr(company::Column::TaxRate, Expr::value(after.tax_rate))
        .col_expr(company::Column::UnpaidHours, Expr::value(after.unpaid_hours))
        .col_expr(company::Column::CodLimit, Expr::value(after.cod_limit))
        .col_expr(company::Column::UpdatedAt, Expr::value(after.updated_at))
        .col_expr(company::Column::Version, Expr::value(after.version))
        .filter(company::Column::Version.eq(before.version));
    if scope.run(update).await? == 0 {
        return Err(Error::Stale);
    }
    let changes = vec![
        ("name", json!(before.name), json!(after.name)),
        ("taxRate", json!(before.tax_rate), json!(after.tax_rate)),
        ("unpaidHours", json!(before.unpaid_hours), json!(after.unpaid_hours)),
        ("codLimit", json!(before.cod_limit), json!(after.cod_limit)),
    ];
    let changes = changes.into_iter().filter(|(_, before, after)| before != after).collect();
    scope.audit("update", "company", after.id, None, changes).await?;
    scope.emit(Event::new("company.updated", ("company", after.id.0), None, json!({}))).await?;
    Ok(after)
}
