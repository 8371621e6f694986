//! Who did what: the platform's own audit, and each company's; and whether the chains hold.

use std::{collections::BTreeMap, sync::Arc};

use axum::response::{Html, Redirect, Response};
use serde_json::{Value, json};

use super::{
    super::{
        PageResult, Visitor,
        company::audit::{self as page_of, AuditList, VIEWS},
        encode,
        fields::Fields,
        lists::Listing,
    },
    OfCompany, own,
};
use crate::{
    controllers::{
        api::{self, audit::Reach},
        extract::Query,
        page, steward,
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::AuditId,
    models::{
        audit::{self, Filter},
        companies::{self, Company, Search},
        identity, shops,
    },
    tenancy::{
        Access, PLATFORM_COMPANY, Permission, Platform, Scope, Tenant,
        roles::{AuditRead, PlatformRead},
    },
    views::{audited::Reader, templates},
};

const PAGE: &str = "/admin/audit";
/// Where a company is named: every one of them, and the platform. No short name is written so.
const EVERYWHERE: &str = "*";
/// The questions the platform's people ask daily.
const QUESTIONS: [(&str, &str); 4] = [
    VIEWS[0],
    VIEWS[1],
    ("admin.audit.view.everywhere", "company=*"),
    ("admin.audit.view.security_everywhere", "company=*&action=security"),
];
const ROWS: u64 = 50;
/// So many companies a field offers to choose from; others are written by their short name.
const OFFERED: u64 = 200;

/// Whose audit is looked at: a company's by its short name, else the platform's own.
async fn whose<P: Permission>(visitor: &Visitor<P>, slug: &str) -> Result<Company> {
    if slug.trim().is_empty() {
        return companies::platform(visitor.access.souk()).await;
    }
    let platform = visitor.access.souk().platform("all-companies").await?;
    companies::called(&platform, slug.trim()).await?.ok_or(Error::NOT_FOUND)
}

async fn index(visitor: Visitor<PlatformRead>, Query(list): Query<AuditList>) -> PageResult<Html<String>> {
    let read = list_page(&visitor, &list).await;
    let (platform, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/audit.html", &platform, data)
}

async fn list_page(visitor: &Visitor<PlatformRead>, list: &AuditList) -> Result<(Company, Value)> {
    if list.company == EVERYWHERE {
        return of_all(visitor, list).await;
    }
    let souk = visitor.access.souk();
    let whose = whose(visitor, &list.company).await?;
    let scope = souk.read(steward::in_company(&visitor.access, whose.id)).await?;
    let filter = page_of::filter(&scope, list, &whose.zone).await?;
    let bound = format!("portal audit of {} {filter:?}", whose.id);
    let before = page::open::<AuditId>(souk, &bound, list.cursor.as_deref())?;
    let mut rows = audit::list(&scope, &filter, before, ROWS + 1).await?;
    let next = page::cut(souk, &bound, &mut rows, ROWS, |row| row.id)?;
    let shops = shops::names(&scope).await?;
    let chain = page_of::chain(&scope, &whose.zone, &visitor.language).await?;
    drop(scope);
    let platform = souk.platform("all-companies").await?;
    let around = around(&platform).await?;
    let (own_scope, company) = own(visitor, platform).await?;
    let mut chips = vec![("company", visitor.text("debts.col.company"), list.company.clone())];
    chips.extend(page_of::chips(visitor, list, &shops));
    let reader = Reader { language: &visitor.language, zone: &whose.zone, currency: Some(&whose.currency), shops: &shops };
    let entries: Vec<_> = rows.iter().map(|row| entry(row, &reader)).collect();
    let data = json!({
        "around": around, "entries": entries, "filter": list, "chain": chain,
        "choices": page_of::choices(&shops, &visitor.language),
        "list": visitor.list(&own_scope, Listing { views: &QUESTIONS, chips, count: rows.len(), next }).await?,
        "title": templates::filled("admin.audit.of", &visitor.language, &[("name", &whose.name)]),
    });
    Ok((company, data))
}

/// The entries of every company and of the platform, on the platform's clock; a chain is one company's,
/// so none is shown.
async fn of_all(visitor: &Visitor<PlatformRead>, list: &AuditList) -> Result<(Company, Value)> {
    let souk = visitor.access.souk();
    let zone = companies::platform(souk).await?.zone;
    let platform = souk.platform("all-companies").await?;
    let filter = everywhere(&platform, list, &zone).await?;
    let bound = format!("portal audit of all {filter:?}");
    let before = page::open::<AuditId>(souk, &bound, list.cursor.as_deref())?;
    let mut rows = audit::list_of_all(&platform, &filter, before, ROWS + 1).await?;
    let next = page::cut(souk, &bound, &mut rows, ROWS, |row| row.id)?;
    let ids: Vec<_> = rows.iter().map(|row| row.company_id).collect();
    let names: BTreeMap<_, _> = companies::named(&platform, &ids).await?.into_iter().map(|one| (one.id, one)).collect();
    let around = around(&platform).await?;
    let (own_scope, company) = own(visitor, platform).await?;
    let shops = BTreeMap::new();
    let mut chips = vec![("company", visitor.text("debts.col.company"), visitor.text("admin.audit.everywhere"))];
    chips.extend(page_of::chips(visitor, list, &shops));
    let entries = rows.iter().map(|row| {
        let company = names.get(&row.company_id);
        let currency = company.map(|one| one.currency.as_str());
        let mut shown = entry(row, &Reader { language: &visitor.language, zone: &zone, currency, shops: &shops });
        shown["company"] = json!(company.map(|one| json!({ "name": one.name, "href": address(one) })));
        shown
    });
    let entries: Vec<_> = entries.collect();
    let data = json!({
        "around": around, "entries": entries, "filter": list, "chain": null, "choices": page_of::choices(&shops, &visitor.language),
        "list": visitor.list(&own_scope, Listing { views: &QUESTIONS, chips, count: rows.len(), next }).await?,
        "title": visitor.text("admin.audit.of_all"),
    });
    Ok((company, data))
}

/// An entry, ready to print, which is chosen by its company and its id.
fn entry(row: &audit::Entry, reader: &Reader<'_>) -> Value {
    let mut shown = page_of::entry(row, reader);
    shown["chosen"] = json!(OfCompany { company: row.company_id, id: row.id }.to_string());
    shown
}

/// What is listed of everybody.
async fn everywhere(platform: &Platform, list: &AuditList, zone: &str) -> Result<Filter> {
    let actors = match page_of::some(&list.user) {
        Some(who) => identity::actors_of_all(platform, &who).await?,
        None => vec![],
    };
    Ok(page_of::narrowed(list, actors, zone))
}

/// What stands around every list: whose chains are broken, and whose audit can be looked at.
async fn around(platform: &Platform) -> Result<Value> {
    let broken = audit::companies_with_faults(platform).await?;
    let broken = companies::named(platform, &broken).await?;
    let offered = companies::search(platform, &Search::default(), None, OFFERED).await?;
    Ok(json!({
        "broken": broken.iter().map(|one| json!({ "name": one.name, "href": address(one) })).collect::<Vec<_>>(),
        "offered": offered.iter().map(|one| json!({ "slug": one.slug, "name": one.name })).collect::<Vec<_>>(),
    }))
}

/// Where the audit of one company is looked at.
fn address(company: &Company) -> String {
    if company.id == PLATFORM_COMPANY { PAGE.to_owned() } else { format!("{PAGE}?company={}", encode(&company.slug)) }
}

async fn export_csv(visitor: Visitor<PlatformRead>, Query(list): Query<AuditList>) -> PageResult<Response> {
    taken_out(visitor, list, false).await
}

async fn export_json(visitor: Visitor<PlatformRead>, Query(list): Query<AuditList>) -> PageResult<Response> {
    taken_out(visitor, list, true).await
}

/// What is filtered, as a file; that it was taken out is written down first, where it was taken from.
async fn taken_out(visitor: Visitor<PlatformRead>, list: AuditList, is_json: bool) -> PageResult<Response> {
    let file = async {
        let (reach, slug) = if list.company == EVERYWHERE { (Reach::All, "") } else { (Reach::Company, list.company.as_str()) };
        let whose = whose(&visitor, slug).await?;
        let filter = match reach {
            Reach::All => Some(everywhere(&visitor.access.souk().platform("all-companies").await?, &list, &whose.zone).await?),
            Reach::Company => None,
        };
        let (access, scope) = writing(&visitor, whose.id).await?;
        let filter = match filter {
            Some(filter) => filter,
            None => page_of::filter(&scope, &list, &whose.zone).await?,
        };
        let mut asked = page_of::asked(&list);
        asked["company"] = json!(list.company);
        scope.audit("export", "audit", whose.id, None, vec![("filter", Value::Null, asked)]).await?;
        scope.commit().await?;
        api::audit::file(Arc::new(access), reach, filter, is_json).await
    };
    file.await.map_err(|error| visitor.refuse(error))
}

/// The chosen entries, as a file; that they were taken out is written down first: where they are of
/// one company in its audit, else in the platform's.
async fn export_chosen(visitor: Visitor<PlatformRead>, fields: Fields) -> PageResult<Response> {
    let chosen: Vec<OfCompany<AuditId>> = fields.chosen();
    let file = async {
        let first = chosen.first().map(|one| one.company);
        let only = first.filter(|first| chosen.iter().all(|one| one.company == *first));
        let (reach, whose) = only.map_or((Reach::All, PLATFORM_COMPANY), |company| (Reach::Company, company));
        let ids: Vec<_> = chosen.iter().map(|one| one.id).collect();
        let (access, scope) = writing(&visitor, whose).await?;
        scope.audit("export", "audit", whose, None, vec![("filter", Value::Null, json!({ "ids": ids }))]).await?;
        scope.commit().await?;
        api::audit::file(Arc::new(access), reach, Filter { ids: Some(ids), ..Filter::default() }, false).await
    };
    file.await.map_err(|error| visitor.refuse(error))
}

/// The access to a company's audit, and a unit there that writes.
async fn writing(visitor: &Visitor<PlatformRead>, company: crate::ids::CompanyId) -> Result<(Access<AuditRead>, Scope)> {
    let tenant: Tenant = steward::in_company(&visitor.access, company);
    let access = visitor.access.also::<AuditRead>().ok_or(Error::NotAllowed { code: "forbidden" })?;
    let scope = visitor.access.souk().write(tenant).await?;
    Ok((access.within(company)?, scope))
}

/// Wants a look at a whole chain; asked again within a minute, it is the same look.
async fn check(visitor: Visitor<PlatformRead>, fields: Fields) -> PageResult<Redirect> {
    let slug = fields.raw("company").to_owned();
    ask(&visitor, &slug).await.map_err(|error| visitor.refuse(error))?;
    let to = if slug.is_empty() { PAGE.to_owned() } else { format!("{PAGE}?company={}", encode(&slug)) };
    Ok(visitor.done(&to, "chain_asked"))
}

async fn ask(visitor: &Visitor<PlatformRead>, slug: &str) -> Result<()> {
    let whose = whose(visitor, slug).await?;
    let scope = visitor.access.souk().write(steward::in_company(&visitor.access, whose.id)).await?;
    page_of::want_a_look(&scope).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<PlatformRead, _>(PAGE, "Who did what, at the platform or in a company", index),
        get::<PlatformRead, _>("/admin/audit/export.csv", "An audit as CSV", export_csv),
        get::<PlatformRead, _>("/admin/audit/export.json", "An audit as JSON", export_json),
        post::<PlatformRead, _>("/admin/audit/chosen.csv", "Chosen entries of audits as CSV", export_chosen),
        post::<PlatformRead, _>("/admin/audit/check", "Looks at a whole chain", check),
    ]
}
