//! `/api/companies`.

use axum::{Json as Answer, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    controllers::{
        extract::{Id, Json, Query, Version},
        page,
    },
    endpoints::{Endpoint, get, patch, post},
    errors::{Error, Result},
    ids::CompanyId,
    models::companies::{self, CompanySettings, NewCompany},
    tenancy::{
        Access, Role, Souk,
        roles::{CompaniesRead, CompaniesWrite, CompanySettings as MaySet},
    },
    views::companies::view,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn index(State(souk): State<Souk>, access: Access<CompaniesRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    if access.tenant().role != Role::SuperAdmin {
        let scope = access.read().await?;
        return Ok(Answer(page::envelope([view(&companies::own(&scope).await?)], limit, None)));
    }
    let after = page::open::<CompanyId>(&souk, "companies", list.cursor.as_deref())?;
    let platform = souk.platform("companies").await?;
    let mut rows = companies::list(&platform, after, limit + 1).await?;
    let more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(100));
    let next = rows.last().filter(|_| more).map(|last| page::seal(&souk, "companies", last.id)).transpose()?;
    Ok(Answer(page::envelope(rows.iter().map(view).collect::<Vec<_>>(), limit, next)))
}

async fn show(State(souk): State<Souk>, access: Access<CompaniesRead>, Id(id): Id<CompanyId>) -> Result<Answer<Value>> {
    if access.tenant().role != Role::SuperAdmin && access.tenant().company != id {
        return Err(Error::NOT_FOUND);
    }
    let platform = souk.platform("companies").await?;
    let company = companies::by_id(&platform, id).await?.ok_or(Error::NOT_FOUND)?;
    Ok(Answer(view(&company)))
}

async fn create(
    State(souk): State<Souk>,
    access: Access<CompaniesWrite>,
    Json(new, _): Json<NewCompany>,
) -> Result<(StatusCode, Answer<Value>)> {
    let platform = souk.platform("companies").await?;
    let company = companies::open(&platform, new).await?;
    platform.commit().await?;
    // What a person does across companies is written down in the company it touches.
    let tenant = crate::tenancy::Tenant { company: company.id, ..access.tenant().clone() };
    let scope = souk.write(tenant).await?;
    scope.audit("create", "company", company.id, None, vec![("slug", Value::Null, company.slug.clone().into())]).await?;
    scope.emit(crate::events::Event::new("company.created", ("company", company.id.0), None, serde_json::json!({}))).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(view(&company))))
}

async fn settings(
    access: Access<MaySet>,
    Id(id): Id<CompanyId>,
    Version(version): Version,
    Json(change, _): Json<CompanySettings>,
) -> Result<Answer<Value>> {
    if access.tenant().company != id {
        return Err(Error::NOT_FOUND);
    }
    let scope = access.write().await?;
    let company = companies::change_settings(&scope, change, version).await?;
    scope.commit().await?;
    Ok(Answer(view(&company)))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<CompaniesRead, _>("/api/companies", "Companies: all for the platform, else one's own", index),
        post::<CompaniesWrite, _>("/api/companies", "Opens a company", create),
        get::<CompaniesRead, _>("/api/companies/{id}", "One company", show),
        patch::<MaySet, _>("/api/companies/{id}/settings", "Changes a company's settings", settings),
    ]
}
