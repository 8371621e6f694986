//! `/api/audit`: who did what.

use axum::{Json as Answer, extract::Path};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get},
    errors::{Error, Result},
    ids::AuditId,
    models::audit::{self, Filter},
    tenancy::{Access, roles::AuditRead},
    views::audit::entry,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    resource: Option<String>,
    action: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pages {
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn page_of(access: &Access<AuditRead>, filter: &Filter, limit: Option<u64>, cursor: Option<&str>) -> Result<Answer<Value>> {
    let limit = page::limit(limit)?;
    let bound = format!("audit {filter:?}");
    let before = page::open::<AuditId>(access.souk(), &bound, cursor)?;
    let scope = access.read().await?;
    let mut rows = audit::list(&scope, filter, before, limit + 1).await?;
    let more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(100));
    let next = rows.last().filter(|_| more).map(|last| page::seal(access.souk(), &bound, last.id)).transpose()?;
    Ok(Answer(page::envelope(rows.iter().map(entry).collect::<Vec<_>>(), limit, next)))
}

async fn logs(access: Access<AuditRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let filter = Filter { resource: list.resource, action: list.action, ..Filter::default() };
    page_of(&access, &filter, list.limit, list.cursor.as_deref()).await
}

async fn show(access: Access<AuditRead>, Id(id): Id<AuditId>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    Ok(Answer(entry(&audit::get(&scope, id).await?)))
}

async fn of_user(access: Access<AuditRead>, Id(id): Id<Uuid>, Query(pages): Query<Pages>) -> Result<Answer<Value>> {
    let filter = Filter { actor: Some(id), ..Filter::default() };
    page_of(&access, &filter, pages.limit, pages.cursor.as_deref()).await
}

async fn of_resource(
    access: Access<AuditRead>,
    Path((resource, id)): Path<(String, String)>,
    Query(pages): Query<Pages>,
) -> Result<Answer<Value>> {
    if id.parse::<Uuid>().is_err() {
        return Err(Error::NOT_FOUND);
    }
    let filter = Filter { resource: Some(resource), resource_id: Some(id), ..Filter::default() };
    page_of(&access, &filter, pages.limit, pages.cursor.as_deref()).await
}

async fn verify(access: Access<AuditRead>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    let state = audit::verify(&scope).await?;
    Ok(Answer(json!({ "holds": state.faults.is_empty(), "sealed": state.sealed, "faults": state.faults })))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<AuditRead, _>("/api/audit/logs", "The audit, newest first", logs),
        get::<AuditRead, _>("/api/audit/logs/{id}", "One entry", show),
        get::<AuditRead, _>("/api/audit/user/{id}", "What one person did", of_user),
        get::<AuditRead, _>("/api/audit/resource/{type}/{id}", "What was done to one thing", of_resource),
        get::<AuditRead, _>("/api/audit/verify", "Whether the chain holds", verify),
    ]
}
