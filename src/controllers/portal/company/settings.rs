//! The company's settings: what it says of itself, how it looks, and how it trades.

use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::super::{PageResult, Visitor, fields::Fields, visitor::said, ways};
use crate::{
    controllers::{extract::Upload, steward},
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    gateways::storage,
    models::{
        catalog,
        companies::{self, Company, CompanySettings, PostalAddress},
        notifications,
    },
    money::Money,
    tenancy::{Access, roles::CompanySettings as MaySet},
    views::templates::LANGUAGES,
};

const PAGE: &str = "/company/settings";

async fn show(visitor: Visitor<MaySet>) -> PageResult<Html<String>> {
    let (company, data) = read(&visitor, None).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/settings.html", &company, data)
}

/// The page; with what was typed over an older version, what is kept now stands beside it.
async fn read(visitor: &Visitor<MaySet>, stale: Option<&Fields>) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let is_currency_free = match catalog::ensure_unpriced(&scope).await {
        Ok(()) => true,
        Err(Error::Conflict { .. }) => false,
        Err(error) => return Err(error),
    };
    let now = present(&company);
    let theirs = now.iter().filter(|(name, _, now)| stale.is_some_and(|typed| typed.raw(name) != now.trim()));
    let theirs = theirs.map(|(name, label, now)| json!({ "name": name, "label": visitor.text(label), "value": now }));
    let values: serde_json::Map<_, _> = now.iter().map(|(name, _, now)| ((*name).to_owned(), json!(now))).collect();
    let language = |code: &&str| json!({ "value": code, "label_key": if *code == "hi" { "language.hindi" } else { "language.english" } });
    let data = json!({
        "own": values, "version": company.version, "tax_included": company.tax_included, "is_currency_free": is_currency_free,
        "ways": ways::table(&notifications::company_choices(&scope).await?),
        "theirs": theirs.collect::<Vec<_>>(), "languages": LANGUAGES.iter().map(language).collect::<Vec<_>>(),
        "zones": chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect::<Vec<_>>(),
    });
    Ok((company, data))
}

async fn save_ways(visitor: Visitor<MaySet>, fields: Fields) -> PageResult<Redirect> {
    match keep_ways(&visitor.access, &fields).await {
        Ok(()) => Ok(visitor.done(PAGE, "saved")),
        Err(error) => visitor.back(PAGE, error),
    }
}

async fn keep_ways(access: &Access<MaySet>, fields: &Fields) -> Result<()> {
    let scope = access.write().await?;
    notifications::set_company_choices(&scope, &ways::read(fields)).await?;
    scope.commit().await
}

/// Each field of the form: its name, the key of its label, and what it holds now.
fn present(company: &Company) -> Vec<(&'static str, &'static str, String)> {
    let address: PostalAddress = company.address.clone().and_then(|address| serde_json::from_value(address).ok()).unwrap_or_default();
    let percent = format!("{}.{:02}", company.tax_rate / 100, company.tax_rate % 100);
    vec![
        ("name", "settings.name", company.name.clone()),
        ("description", "settings.description", company.description.clone()),
        ("email", "settings.email", company.email.clone()),
        ("phone", "settings.phone", company.phone.clone()),
        ("line1", "settings.line1", address.line1),
        ("city", "settings.city", address.city),
        ("state", "settings.state", address.state),
        ("postalCode", "settings.postal_code", address.postal_code),
        ("address.country", "settings.country", address.country),
        ("brand", "settings.brand", company.brand.clone()),
        ("language", "settings.language", company.language.clone()),
        ("zone", "settings.zone", company.zone.clone()),
        ("currency", "settings.currency", company.currency.clone()),
        ("taxRate", "settings.tax_rate", percent.trim_end_matches(".00").to_owned()),
        ("unpaidHours", "settings.unpaid_hours", company.unpaid_hours.to_string()),
        ("codLimit", "settings.cod_limit", Money(company.cod_limit).plain()),
    ]
}

async fn save(visitor: Visitor<MaySet>, mut fields: Fields) -> PageResult<Response> {
    match keep(&visitor, &mut fields).await {
        Ok(()) => Ok(visitor.done(PAGE, "saved").into_response()),
        Err(error) => {
            let is_stale = matches!(error, Error::Stale);
            let visitor = visitor.refused(error, &fields)?;
            let (company, data) = read(&visitor, Some(&fields).filter(|_| is_stale)).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/settings.html", &company, data)
        }
    }
}

async fn keep(visitor: &Visitor<MaySet>, fields: &mut Fields) -> Result<()> {
    let access = &visitor.access;
    access.ensure_company()?;
    let version = fields.parsed::<i64>("version");
    let address = PostalAddress {
        line1: fields.raw("line1").to_owned(),
        city: fields.raw("city").to_owned(),
        state: fields.raw("state").to_owned(),
        postal_code: fields.raw("postalCode").to_owned(),
        country: fields.raw("address.country").to_uppercase(),
    };
    let change = CompanySettings {
        name: Some(fields.text("name")),
        description: Some(fields.raw("description").to_owned()),
        email: Some(fields.raw("email").to_owned()),
        phone: Some(fields.raw("phone").to_owned()),
        address: Some(address),
        brand: Some(fields.text("brand")),
        language: Some(fields.text("language")),
        zone: Some(fields.text("zone")),
        // A currency that is fixed is not in the form.
        currency: fields.optional("currency").map(|currency| currency.to_uppercase()),
        tax_rate: fields.fixed("taxRate", 2),
        tax_included: Some(fields.raw("taxIncluded") == "yes"),
        unpaid_hours: fields.parsed("unpaidHours"),
        cod_limit: fields.money("codLimit").map(|limit| limit.0),
        domain: None,
    };
    fields.end()?;
    steward::change(access, access.tenant().company, change, version).await.map(|_| ())
}

/// The logo comes in a form of its own: a file among the settings would be sent with each of them.
async fn save_logo(visitor: Visitor<MaySet>, upload: Result<Upload>) -> PageResult<Response> {
    let kept = async { keep_logo(&visitor.access, upload?).await };
    let error = match kept.await {
        Ok(()) => return Ok(visitor.done(PAGE, "saved").into_response()),
        // Too large for any form is too large for this one.
        Err(Error::TooLarge) => logo_too_large(),
        Err(error) => error,
    };
    let text = said(&error, &visitor.language);
    let visitor = visitor.refused(error, &Fields::default())?;
    let (company, mut data) = read(&visitor, None).await.map_err(|error| visitor.refuse(error))?;
    // The settings beside it were not sent: they show what is kept.
    data["form"] = json!({ "values": {}, "errors": { "logo": text }, "sent": false });
    visitor.again("company/settings.html", &company, data)
}

fn logo_too_large() -> Error {
    Error::invalid("logo", "too_large", "a file of at most 2 MiB")
}

async fn keep_logo(access: &Access<MaySet>, upload: Upload) -> Result<()> {
    access.ensure_company()?;
    let file = upload.files.into_iter().find(|(name, _)| name == "logo").map(|(_, bytes)| bytes);
    let bytes = file.ok_or_else(|| Error::invalid("logo", "no_file", "choose a picture"))?;
    if bytes.len() > catalog::LOGO_BYTES_MAX {
        return Err(logo_too_large());
    }
    let picture =
        catalog::read_picture(access.tenant().company, bytes, catalog::LOGO_SIDE_MAX).await.map_err(|error| error.of_field("logo"))?;
    let storage = storage::of(access.souk().settings());
    catalog::set_logo(access.souk(), storage.as_ref(), access.tenant(), &picture).await
}

async fn remove_logo(visitor: Visitor<MaySet>) -> PageResult<Redirect> {
    match take_logo_away(&visitor.access).await {
        Ok(()) => Ok(visitor.done(PAGE, "saved")),
        Err(error) => visitor.back(PAGE, error),
    }
}

async fn take_logo_away(access: &Access<MaySet>) -> Result<()> {
    access.ensure_company()?;
    let scope = access.write().await?;
    catalog::remove_logo(&scope).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<MaySet, _>(PAGE, "The company's settings", show),
        post::<MaySet, _>(PAGE, "Saves the company's settings", save),
        post::<MaySet, _>("/company/settings/logo", "Sets the company's logo", save_logo),
        post::<MaySet, _>("/company/settings/logo/remove", "Takes the company's logo away", remove_logo),
        post::<MaySet, _>("/company/settings/messages", "Saves by which ways messages go", save_ways),
    ]
}
