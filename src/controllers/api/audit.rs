//! `/api/audit`: who did what.

use std::{borrow::Cow, sync::Arc};

use axum::{Json as Answer, response::Response};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    clock::Instant,
    controllers::{
        export,
        extract::{Id, Ids, Query},
        page,
    },
    endpoints::{Endpoint, api::get},
    errors::{Error, Result},
    ids::{AuditId, ShopId},
    models::{
        audit::{self, Filter},
        identity,
    },
    tenancy::{
        Access, Actor, Permission, Platform, Scope,
        roles::{AuditOwn, AuditRead},
    },
    views::audit as view,
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    /// An id, or an e-mail address.
    user: Option<String>,
    #[schemars(extend("enum" = audit::resources().collect::<Vec<_>>()))]
    resource: Option<String>,
    resource_id: Option<String>,
    /// One, or several with commas between.
    action: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    to: Option<String>,
    #[schemars(with = "Option<ShopId>")]
    shop_id: Option<String>,
    /// Of an export.
    #[schemars(skip)]
    format: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

/// What an export is asked for: what the list is, with a form in the place of pages.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Export(List);

impl JsonSchema for Export {
    fn schema_name() -> Cow<'static, str> {
        "AuditExport".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let mut schema = List::json_schema(schemas);
        if let Some(Value::Object(fields)) = schema.get_mut("properties") {
            fields.retain(|name, _| name != "limit" && name != "cursor");
            fields.insert("format".into(), json!({ "type": "string", "enum": ["csv", "json"] }));
        }
        schema
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pages {
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn filter(scope: &Scope, list: &List) -> Result<Filter> {
    let actors = match &list.user {
        Some(who) => of_person(scope, who).await?,
        None => vec![],
    };
    asked_for(list, actors)
}

/// What a list is narrowed to, when it is known who the person of it is.
fn asked_for(list: &List, actors: Vec<Uuid>) -> Result<Filter> {
    let wrong = |field: &str, what: &str| Error::invalid(field, "invalid", what);
    let time = |field: &str, text: &Option<String>| {
        text.as_deref().map(|text| Instant::parse(text).ok_or_else(|| wrong(field, "an RFC 3339 time"))).transpose()
    };
    if list.resource_id.is_some() && list.resource.is_none() {
        return Err(wrong("resourceId", "say with `resource` what it is the id of"));
    }
    if list.resource.as_deref().is_some_and(|word| audit::resources().all(|known| known != word)) {
        return Err(Error::invalid("resource", "unknown", "nothing of that name is audited"));
    }
    let actions: Vec<_> =
        list.action.iter().flat_map(|names| names.split(',')).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if !actions.iter().all(|word| audit::is_action(word)) {
        return Err(Error::invalid("action", "unknown", "nothing of that name is done to anything"));
    }
    Ok(Filter {
        ids: None,
        actors,
        resource: list.resource.clone(),
        resource_id: list.resource_id.clone(),
        actions,
        shop: list.shop_id.as_deref().map(str::parse::<ShopId>).transpose().map_err(|_| wrong("shopId", "that is not an id"))?,
        from: time("from", &list.from)?,
        until: time("to", &list.to)?,
    })
}

/// The ids a person acts under; one that nobody has, when there is no such person.
async fn of_person(scope: &Scope, who: &str) -> Result<Vec<Uuid>> {
    let ids = identity::actors(scope, who).await?;
    Ok(if ids.is_empty() { vec![Uuid::max()] } else { ids })
}

/// Everybody's entries, for the platform's people who named no company.
async fn page_of_all<P: Permission>(access: &Access<P>, platform: &Platform, filter: &Filter, pages: &Pages) -> Result<Answer<Value>> {
    let limit = page::limit(pages.limit)?;
    let bound = format!("audit of all {filter:?}");
    let before = page::open::<AuditId>(access, &bound, pages.cursor.as_deref())?;
    let mut rows = audit::list_of_all(platform, filter, before, limit + 1).await?;
    let next = page::cut(access, &bound, &mut rows, limit, |row| row.id)?;
    Ok(Answer(page::envelope(rows.iter().map(view::entry).collect::<Vec<_>>(), limit, next)))
}

async fn of_person_anywhere(platform: &Platform, who: &str) -> Result<Vec<Uuid>> {
    let ids = identity::actors_of_all(platform, who).await?;
    Ok(if ids.is_empty() { vec![Uuid::max()] } else { ids })
}

async fn page_of<P: Permission>(access: &Access<P>, scope: &Scope, filter: &Filter, pages: &Pages) -> Result<Answer<Value>> {
    let limit = page::limit(pages.limit)?;
    let bound = format!("audit {filter:?}");
    let before = page::open::<AuditId>(access, &bound, pages.cursor.as_deref())?;
    let mut rows = audit::list(scope, filter, before, limit + 1).await?;
    let next = page::cut(access, &bound, &mut rows, limit, |row| row.id)?;
    Ok(Answer(page::envelope(rows.iter().map(view::entry).collect::<Vec<_>>(), limit, next)))
}

async fn logs(access: Access<AuditRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    if list.format.is_some() {
        return Err(Error::invalid("format", "unknown_field", "there is no such parameter here"));
    }
    if access.sees_all() {
        let platform = access.souk().platform("oversight").await?;
        let actors = match &list.user {
            Some(who) => of_person_anywhere(&platform, who).await?,
            None => vec![],
        };
        let filter = asked_for(&list, actors)?;
        return page_of_all(&access, &platform, &filter, &Pages { limit: list.limit, cursor: list.cursor }).await;
    }
    let scope = access.read().await?;
    let filter = filter(&scope, &list).await?;
    page_of(&access, &scope, &filter, &Pages { limit: list.limit, cursor: list.cursor }).await
}

async fn show(access: Access<AuditRead>, Id(id): Id<AuditId>) -> Result<Answer<Value>> {
    let access = if access.sees_all() {
        let platform = access.souk().platform("oversight").await?;
        let company = audit::company_of(&platform, id).await?;
        drop(platform);
        access.within(company)?
    } else {
        access
    };
    let scope = access.read().await?;
    Ok(Answer(view::entry(&audit::get(&scope, id).await?)))
}

/// What one person did; a customer sees what they did themselves.
async fn of_user(access: Access<AuditOwn>, Id(id): Id<Uuid>, Query(pages): Query<Pages>) -> Result<Answer<Value>> {
    if let Actor::Customer(own) = access.tenant().actor
        && own.0 != id
    {
        return Err(Error::NOT_FOUND);
    }
    if access.sees_all() {
        let platform = access.souk().platform("oversight").await?;
        let filter = Filter { actors: of_person_anywhere(&platform, &id.to_string()).await?, ..Filter::default() };
        return page_of_all(&access, &platform, &filter, &pages).await;
    }
    let scope = access.read().await?;
    let filter = Filter { actors: of_person(&scope, &id.to_string()).await?, ..Filter::default() };
    page_of(&access, &scope, &filter, &pages).await
}

async fn of_resource(access: Access<AuditRead>, Ids(resource, id): Ids<String, Uuid>, Query(pages): Query<Pages>) -> Result<Answer<Value>> {
    let filter = Filter { resource: Some(resource), resource_id: Some(id.to_string()), ..Filter::default() };
    if access.sees_all() {
        let platform = access.souk().platform("oversight").await?;
        return page_of_all(&access, &platform, &filter, &pages).await;
    }
    let scope = access.read().await?;
    page_of(&access, &scope, &filter, &pages).await
}

/// What is filtered, as a file; that it was taken out is written down first.
async fn taken_out(access: Access<AuditRead>, Query(Export(list)): Query<Export>) -> Result<Response> {
    if list.limit.is_some() || list.cursor.is_some() {
        return Err(Error::invalid("limit", "unknown_field", "an export is not paged"));
    }
    let is_json = match list.format.as_deref() {
        None | Some("csv") => false,
        Some("json") => true,
        Some(_) => return Err(Error::invalid("format", "unknown", "`csv` or `json`")),
    };
    let scope = access.write().await?;
    let filter = filter(&scope, &list).await?;
    scope.audit("export", "audit", scope.company(), None, vec![("filter", json!(null), json!(asked(&list)))]).await?;
    scope.commit().await?;
    file(Arc::new(access), Reach::Company, filter, is_json).await
}

/// The filters of an export, as they were asked.
fn asked(list: &List) -> Value {
    json!({
        "user": list.user, "resource": list.resource, "resourceId": list.resource_id, "action": list.action,
        "from": list.from, "to": list.to, "shopId": list.shop_id, "format": list.format,
    })
}

/// Whose entries a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::controllers) enum Reach {
    /// Those of the access's company.
    Company,
    /// Everybody's, for the platform's people.
    All,
}

/// Entries as a file that flows. Its words are those of the API in every language, since programs read it.
///
/// # Errors
/// When the first page cannot be read.
pub(in crate::controllers) async fn file(access: Arc<Access<AuditRead>>, reach: Reach, filter: Filter, is_json: bool) -> Result<Response> {
    let read = move |before: Option<AuditId>| {
        let (access, filter) = (Arc::clone(&access), filter.clone());
        async move {
            let rows = match reach {
                Reach::Company => audit::list(&access.read().await?, &filter, before, export::ROWS).await?,
                Reach::All => audit::list_of_all(&access.souk().platform("oversight").await?, &filter, before, export::ROWS).await?,
            };
            let next = rows.last().filter(|_| rows.len() as u64 == export::ROWS).map(|row| row.id);
            Ok::<_, Error>((rows, next))
        }
    };
    if is_json {
        let read = move |before| {
            let page = read(before);
            async move { page.await.map(|(rows, next)| (rows.iter().map(view::entry).collect(), next)) }
        };
        return export::json("audit", read).await;
    }
    let read = move |before| {
        let page = read(before);
        async move { page.await.map(|(rows, next)| (rows.iter().map(view::cells).collect(), next)) }
    };
    export::csv("audit", &view::COLUMNS, read).await
}

async fn verify(access: Access<AuditRead>) -> Result<Answer<Value>> {
    let scope = access.read().await?;
    Ok(Answer(view::chain(&audit::verify(&scope).await?)))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<AuditRead, _>("/api/audit/logs", "The audit, newest first", logs).answers(200, "[AuditEntry]"),
        get::<AuditRead, _>("/api/audit/logs/{id}", "One entry", show).answers(200, "AuditEntry"),
        get::<AuditOwn, _>("/api/audit/user/{id}", "What one person did; for customers, oneself", of_user).answers(200, "[AuditEntry]"),
        get::<AuditRead, _>("/api/audit/resource/{type}/{id}", "What was done to one thing", of_resource).answers(200, "[AuditEntry]"),
        get::<AuditRead, _>("/api/audit/export", "The audit as CSV or JSON", taken_out).sends(200, "text/csv").answers(200, "AuditEntries"),
        get::<AuditRead, _>("/api/audit/verify", "Whether the chain holds", verify).answers(200, "AuditChain"),
    ]
}
