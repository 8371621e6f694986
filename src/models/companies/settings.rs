//! What a company says of itself, and how it trades.

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ACTIVE, Company, SUSPENDED, company, is_colour, own};
use crate::{
    clock,
    codes::{is_country, is_currency},
    errors::{Error, FieldError, Result},
    events::Event,
    given::given,
    tenancy::Scope,
    views::templates::LANGUAGES,
    words::fold,
};

/// What a company may change of itself; what is not named stays.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CompanyChange")]
pub struct CompanySettings {
    pub name: Option<String>,
    pub description: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub address: Option<PostalAddress>,
    /// One CSS colour, `#0b63ce`.
    pub brand: Option<String>,
    pub language: Option<String>,
    /// IANA zone.
    pub zone: Option<String>,
    /// ISO 4217; fixed once something has a price.
    pub currency: Option<String>,
    /// Basis points.
    pub tax_rate: Option<i64>,
    pub tax_included: Option<bool>,
    pub unpaid_hours: Option<i64>,
    /// Minor units.
    pub cod_limit: Option<i64>,
    /// The host under which its customers reach it, such as `shop.example.com`; the platform alone sets
    /// it, since whoever names a host answers for its customers.
    #[serde(default, deserialize_with = "given")]
    pub domain: Option<Option<String>>,
}

/// Where letters reach the company.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostalAddress {
    #[serde(default)]
    pub line1: String,
    #[serde(default)]
    pub city: String,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub postal_code: String,
    /// ISO 3166 alpha 2.
    #[serde(default)]
    pub country: String,
}

/// Everything that is wrong with a company's fields, so that a form can say it all at once.
pub(super) fn check(company: &Company, address: Option<&PostalAddress>) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    let mut fault = |is: bool, field: &str, code: &str, message: &str| {
        if is {
            wrong.push(FieldError { field: field.into(), code: code.into(), message: message.into() });
        }
    };
    fault(company.name.trim().is_empty(), "name", "required", "a company needs a name");
    fault(company.name.chars().count() > 120, "name", "too_long", "at most 120 characters");
    fault(company.description.chars().count() > 2_000, "description", "too_long", "at most 2000 characters");
    let is_email = company.email.is_empty() || (company.email.contains('@') && company.email.len() <= 254);
    fault(!is_email, "email", "invalid", "that is not an e-mail address");
    fault(company.phone.chars().count() > 40, "phone", "too_long", "at most 40 characters");
    fault(!is_colour(&company.brand), "brand", "invalid", "a colour such as #0b63ce");
    fault(!LANGUAGES.contains(&company.language.as_str()), "language", "unknown", "one of en, hi");
    fault(company.zone.parse::<chrono_tz::Tz>().is_err(), "zone", "invalid", "name an IANA zone, such as Asia/Kolkata");
    fault(!is_currency(&company.currency), "currency", "invalid", "a currency of ISO 4217 with two decimals, such as INR");
    fault(!(0..=10_000).contains(&company.tax_rate), "taxRate", "out_of_range", "basis points, from 0 to 10000");
    fault(!(1..=720).contains(&company.unpaid_hours), "unpaidHours", "out_of_range", "from 1 to 720 hours");
    fault(company.cod_limit < 0, "codLimit", "out_of_range", "an amount in minor units, not below 0");
    fault(!company.domain.as_deref().is_none_or(is_host), "domain", "invalid", "a host name in small letters, such as shop.example.com");
    if let Some(address) = address {
        let long = [&address.line1, &address.city, &address.state, &address.postal_code].iter().any(|text| text.chars().count() > 200);
        fault(long, "address", "too_long", "at most 200 characters a line");
        let is_known = address.country.is_empty() || is_country(&address.country);
        fault(!is_known, "address.country", "invalid", "two letters of ISO 3166, such as IN");
    }
    wrong
}

/// Whether a text is the whole name of a host: labels of letters, digits and hyphens, the last not a number.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels: Vec<_> = text.split('.').collect();
    let is_address = labels.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    text.len() <= 253 && labels.len() > 1 && !is_address && labels.into_iter().all(is_label)
}

fn changed(before: &Company, change: &CompanySettings) -> Result<Company> {
    let text = |wanted: &Option<String>, was: &str| wanted.as_deref().unwrap_or(was).trim().to_owned();
    let address = change.address.as_ref().map(serde_json::to_value).transpose().map_err(Error::internal)?;
    Ok(Company {
        name: text(&change.name, &before.name),
        description: text(&change.description, &before.description),
        email: text(&change.email, &before.email),
        phone: text(&change.phone, &before.phone),
        address: address.or_else(|| before.address.clone()),
        brand: text(&change.brand, &before.brand).to_lowercase(),
        language: text(&change.language, &before.language),
        zone: text(&change.zone, &before.zone),
        currency: text(&change.currency, &before.currency),
        tax_rate: change.tax_rate.unwrap_or(before.tax_rate),
        tax_included: change.tax_included.unwrap_or(before.tax_included),
        unpaid_hours: change.unpaid_hours.unwrap_or(before.unpaid_hours),
        cod_limit: change.cod_limit.unwrap_or(before.cod_limit),
        domain: change.domain.clone().map_or_else(
            || before.domain.clone(),
            |domain| domain.map(|domain| domain.trim().to_lowercase()).filter(|domain| !domain.is_empty()),
        ),
        updated_at: clock::now(),
        version: before.version + 1,
        ..before.clone()
    })
}

/// A company's settings, as the audit names them.
fn fields(company: &Company) -> [(&'static str, Value); 14] {
    [
        ("name", json!(company.name)),
        ("description", json!(company.description)),
        ("email", json!(company.email)),
        ("phone", json!(company.phone)),
        ("address", json!(company.address)),
        ("brand", json!(company.brand)),
        ("language", json!(company.language)),
        ("zone", json!(company.zone)),
        ("currency", json!(company.currency)),
        ("taxRate", json!(company.tax_rate)),
        ("taxIncluded", json!(company.tax_included)),
        ("unpaidHours", json!(company.unpaid_hours)),
        ("codLimit", json!(company.cod_limit)),
        ("domain", json!(company.domain)),
    ]
}

/// Changes the company's own settings. Whether the currency may still change is the caller's to
/// have asked: what has a price is of a higher tier.
///
/// # Errors
/// 412 when `version` is no longer the present one; 422 for every field that cannot be; 409
/// `domain_taken`.
pub async fn change_settings(scope: &Scope, change: CompanySettings, version: Option<i64>) -> Result<Company> {
    let before = own(scope).await?;
    if before.status != ACTIVE && before.status != SUSPENDED {
        return Err(Error::NOT_FOUND);
    }
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale);
    }
    let after = changed(&before, &change)?;
    let wrong = check(&after, change.address.as_ref());
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let update = scope
        .update::<company::Entity>()
        .col_expr(company::Column::Name, Expr::value(after.name.clone()))
        .col_expr(company::Column::SortName, Expr::value(fold(&after.name)))
        .col_expr(company::Column::Description, Expr::value(after.description.clone()))
        .col_expr(company::Column::Email, Expr::value(after.email.clone()))
        .col_expr(company::Column::Phone, Expr::value(after.phone.clone()))
        .col_expr(company::Column::Address, Expr::value(after.address.clone()))
        .col_expr(company::Column::Brand, Expr::value(after.brand.clone()))
        .col_expr(company::Column::Language, Expr::value(after.language.clone()))
        .col_expr(company::Column::Zone, Expr::value(after.zone.clone()))
        .col_expr(company::Column::Currency, Expr::value(after.currency.clone()))
        .col_expr(company::Column::TaxRate, Expr::value(after.tax_rate))
        .col_expr(company::Column::TaxIncluded, Expr::value(after.tax_included))
        .col_expr(company::Column::UnpaidHours, Expr::value(after.unpaid_hours))
        .col_expr(company::Column::CodLimit, Expr::value(after.cod_limit))
        .col_expr(company::Column::Domain, Expr::value(after.domain.clone()))
        .col_expr(company::Column::UpdatedAt, Expr::value(after.updated_at))
        .col_expr(company::Column::Version, Expr::value(after.version))
        .filter(company::Column::Version.eq(before.version));
    let written = scope.run(update).await;
    if written.map_err(|error| error.or_taken("domain_taken", "domain", "another company has this domain"))? == 0 {
        return Err(Error::Stale);
    }
    let changes = fields(&before).into_iter().zip(fields(&after)).map(|((field, was), (_, is))| (field, was, is));
    let changes = changes.filter(|(_, was, is)| was != is).collect();
    scope.audit("update", "company", after.id, None, changes).await?;
    scope.emit(Event::new("company.updated", ("company", after.id.0), None, json!({}))).await?;
    Ok(after)
}

/// Sets the company's logo by the key of its stored picture, or takes it away. Answers whether it
/// is another one than before.
///
/// # Errors
/// When the database cannot be reached.
pub async fn set_logo(scope: &Scope, key: Option<&str>) -> Result<bool> {
    let before = own(scope).await?;
    if before.logo.as_deref() == key {
        return Ok(false);
    }
    let update = scope
        .update::<company::Entity>()
        .col_expr(company::Column::Logo, Expr::value(key.map(str::to_owned)))
        .col_expr(company::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(company::Column::Version, Expr::col(company::Column::Version).add(1));
    scope.run(update).await?;
    scope.audit("update", "company", before.id, None, vec![("logo", json!(before.logo), json!(key))]).await?;
    scope.emit(Event::new("company.updated", ("company", before.id.0), None, json!({}))).await?;
    Ok(true)
}

/// What the platform says of itself to its companies.
#[derive(Clone, Debug)]
pub struct PlatformTerms {
    pub name: String,
    pub email: String,
    pub phone: String,
    /// How it is paid: shown with what is owed.
    pub pay_to: String,
}

/// Changes what the platform says of itself, in its own unit.
///
/// # Errors
/// 422 for a field that cannot be; 412 when `version` is no longer the present one.
pub async fn change_terms(scope: &Scope, terms: &PlatformTerms, version: Option<i64>) -> Result<Company> {
    use company::Column;
    let before = own(scope).await?;
    let pay_to = Some(terms.pay_to.trim().to_owned()).filter(|text| !text.is_empty());
    let (name, email, phone) = (terms.name.trim(), terms.email.trim(), terms.phone.trim());
    let after = Company { name: name.into(), email: email.into(), phone: phone.into(), pay_to: pay_to.clone(), ..before.clone() };
    let mut wrong = check(&after, None);
    if terms.pay_to.chars().count() > 1_000 {
        wrong.push(FieldError { field: "payTo".into(), code: "too_long".into(), message: "at most 1000 characters".into() });
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let update = scope
        .update::<company::Entity>()
        .col_expr(Column::Name, Expr::value(after.name.clone()))
        .col_expr(Column::SortName, Expr::value(fold(&after.name)))
        .col_expr(Column::Email, Expr::value(after.email.clone()))
        .col_expr(Column::Phone, Expr::value(after.phone.clone()))
        .col_expr(Column::PayTo, Expr::value(pay_to))
        .col_expr(Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(Column::Version, Expr::value(before.version + 1))
        .filter(Column::Version.eq(version.unwrap_or(before.version)));
    if scope.run(update).await? == 0 {
        return Err(Error::Stale);
    }
    let changes = vec![
        ("name", json!(before.name), json!(after.name)),
        ("email", json!(before.email), json!(after.email)),
        ("phone", json!(before.phone), json!(after.phone)),
        ("payTo", json!(before.pay_to), json!(after.pay_to)),
    ];
    scope.audit("update", "platform", after.id, None, changes.into_iter().filter(|(_, before, after)| before != after).collect()).await?;
    own(scope).await
}

#[cfg(test)]
mod tests {
    use super::is_host;

    #[test]
    fn a_domain_is_a_whole_host_name() {
        for host in ["shop.example.com", "xn--11b4c3d.example", "a-b.co"] {
            assert!(is_host(host), "{host}");
        }
        for other in
            ["", "localhost", "Shop.example.com", "shop.example.com.", "10.0.0.1", "a..b", "-a.example", "a b.example", "a.example:80"]
        {
            assert!(!is_host(other), "{other}");
        }
    }
}
