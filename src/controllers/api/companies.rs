//! `/api/companies`.

use std::time::Duration;

use axum::{Json as Answer, extract::State, http::StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    clock,
    controllers::{
        extract::{Id, Json, Query, Version},
        page,
        steward::{self, Stop},
    },
    endpoints::{
        Endpoint,
        api::{delete, get, patch, post, put},
    },
    errors::{Error, Result},
    ids::CompanyId,
    models::{
        companies::{self, CompanySettings, NewCompany, Search},
        figures,
    },
    tenancy::{
        Access, Permission, Role, Souk,
        roles::{CompaniesRead, CompaniesWrite, CompanySettings as MaySet},
    },
    views::companies::{stats_view, view},
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    q: Option<String>,
    #[schemars(extend("enum" = companies::STATES))]
    status: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

impl List {
    fn search(&self) -> Result<Search> {
        if self.status.as_deref().is_some_and(|status| !companies::STATES.contains(&status)) {
            return Err(Error::invalid("status", "unknown", "active, suspended or closed"));
        }
        Ok(Search { words: self.q.clone(), status: self.status.clone(), ..Search::default() })
    }
}

async fn index(State(souk): State<Souk>, access: Access<CompaniesRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let search = list.search()?;
    if access.tenant().role != Role::SuperAdmin {
        let scope = access.read().await?;
        return Ok(Answer(page::envelope([view(&companies::own(&scope).await?)], limit, None)));
    }
    let bound = format!("companies {search:?}");
    let before = page::open::<CompanyId>(&souk, &bound, list.cursor.as_deref())?;
    let platform = souk.platform("all-companies").await?;
    let mut rows = companies::search(&platform, &search, before, limit + 1).await?;
    let next = page::cut(&souk, &bound, &mut rows, limit, |row| row.id)?;
    Ok(Answer(page::envelope(rows.iter().map(view).collect::<Vec<_>>(), limit, next)))
}

/// One's own company, or for the platform any, in whatever state it is.
fn ensure_own<P: Permission>(access: &Access<P>, id: CompanyId) -> Result<()> {
    let theirs = access.tenant().role == Role::SuperAdmin || access.tenant().company == id;
    if theirs { Ok(()) } else { Err(Error::NOT_FOUND) }
}

async fn show(State(souk): State<Souk>, access: Access<CompaniesRead>, Id(id): Id<CompanyId>) -> Result<Answer<Value>> {
    ensure_own(&access, id)?;
    let platform = souk.platform("all-companies").await?;
    Ok(Answer(view(&companies::find(&platform, id).await?)))
}

/// The figures of the last thirty days, against the thirty before.
async fn stats(State(souk): State<Souk>, access: Access<CompaniesRead>, Id(id): Id<CompanyId>) -> Result<Answer<Value>> {
    const SPAN: Duration = Duration::from_secs(30 * 24 * 3_600);
    ensure_own(&access, id)?;
    let platform = souk.platform("all-companies").await?;
    let company = companies::find(&platform, id).await?;
    let now = clock::now();
    let figures = figures::of_company(&platform, id, now.minus(SPAN), now).await?;
    Ok(Answer(stats_view(&company, &figures)))
}

async fn create(access: Access<CompaniesWrite>, Json(new, _): Json<NewCompany>) -> Result<(StatusCode, Answer<Value>)> {
    let company = steward::open(&access, new, steward::Start::default()).await?;
    Ok((StatusCode::CREATED, Answer(view(&company))))
}

async fn change(
    access: Access<CompaniesWrite>,
    Id(id): Id<CompanyId>,
    Version(version): Version,
    Json(change, _): Json<CompanySettings>,
) -> Result<Answer<Value>> {
    Ok(Answer(view(&steward::change(&access, id, change, version).await?)))
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CompanyReason")]
struct Why {
    #[serde(default)]
    reason: String,
}

async fn suspend(access: Access<CompaniesWrite>, Id(id): Id<CompanyId>, Json(why, _): Json<Why>) -> Result<Answer<Value>> {
    Ok(Answer(view(&steward::stop(&access, id, Stop::Suspend, &why.reason).await?)))
}

async fn resume(access: Access<CompaniesWrite>, Id(id): Id<CompanyId>) -> Result<Answer<Value>> {
    Ok(Answer(view(&steward::resume(&access, id).await?)))
}

async fn close(access: Access<CompaniesWrite>, Id(id): Id<CompanyId>, Json(why, _): Json<Why>) -> Result<StatusCode> {
    let reason = if why.reason.trim().is_empty() { "closed by the platform" } else { &why.reason };
    steward::stop(&access, id, Stop::Close, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn settings(
    access: Access<MaySet>,
    Id(id): Id<CompanyId>,
    Version(version): Version,
    Json(change, _): Json<CompanySettings>,
) -> Result<Answer<Value>> {
    // Also the platform names the company it works in by the header here.
    if access.tenant().company != id {
        return Err(Error::NOT_FOUND);
    }
    Ok(Answer(view(&steward::change(&access, id, change, version).await?)))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<CompaniesRead, _>("/api/companies", "Companies: all for the platform, else one's own", index).answers(200, "[Company]"),
        post::<CompaniesWrite, _>("/api/companies", "Opens a company", create).answers(201, "Company"),
        get::<CompaniesRead, _>("/api/companies/{id}", "One company", show).answers(200, "Company"),
        get::<CompaniesRead, _>("/api/companies/{id}/stats", "A company in figures", stats).answers(200, "CompanyStats"),
        put::<CompaniesWrite, _>("/api/companies/{id}", "Changes a company", change).answers(200, "Company"),
        delete::<CompaniesWrite, _>("/api/companies/{id}", "Closes a company for good", close).empty(204),
        post::<CompaniesWrite, _>("/api/companies/{id}/suspend", "Stops a company until it goes on", suspend).answers(200, "Company"),
        post::<CompaniesWrite, _>("/api/companies/{id}/resume", "Lets a suspended company go on", resume).answers(200, "Company"),
        patch::<MaySet, _>("/api/companies/{id}/settings", "Changes a company's settings", settings).answers(200, "Company"),
    ]
}
