//! Who did what in the company, and whether the chain holds.

use std::sync::Arc;

use axum::response::{Html, Redirect, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{PageResult, Visitor, lists::Listing, local, midnight};
use crate::{
    clock,
    controllers::{api, extract::Query, page},
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::AuditId,
    models::{
        audit::{self, Filter, SECURITY},
        companies::{self, Company},
        identity, jobs,
    },
    tenancy::{Permission, Scope, roles::AuditRead},
    views::templates,
};

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(in crate::controllers::portal) struct AuditList {
    /// On the platform's page, whose audit it is.
    #[serde(default)]
    pub(in crate::controllers::portal) company: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    pub(in crate::controllers::portal) cursor: Option<String>,
}

/// What stands for all of [`SECURITY`] in an address.
const ALL_SECURITY: &str = "security";
/// The questions people ask daily.
pub(in crate::controllers::portal) const VIEWS: [(&str, &str); 2] = [("audit.view.all", ""), ("audit.view.security", "action=security")];

pub(in crate::controllers::portal) async fn filter(scope: &Scope, list: &AuditList, zone: &str) -> Result<Filter> {
    let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let actors = match some(&list.user) {
        Some(who) => Some(identity::actors(scope, &who).await?).filter(|ids| !ids.is_empty()).unwrap_or_else(|| vec![Uuid::max()]),
        None => vec![],
    };
    let actions = match list.action.as_str() {
        ALL_SECURITY => SECURITY.iter().map(|action| (*action).to_owned()).collect(),
        actions => actions.split(',').filter_map(some).collect(),
    };
    let resource = some(&list.resource);
    Ok(Filter {
        actors,
        resource_id: some(&list.id).filter(|_| resource.is_some()),
        resource,
        actions,
        shop: None,
        from: midnight(&list.from, zone, 0),
        until: midnight(&list.to, zone, 1),
    })
}

async fn audit_log(visitor: Visitor<AuditRead>, Query(list): Query<AuditList>) -> PageResult<Html<String>> {
    let read = audit_page(&visitor, &list).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/audit.html", &company, data)
}

async fn audit_page(visitor: &Visitor<AuditRead>, list: &AuditList) -> Result<(Company, Value)> {
    const ROWS: u64 = 50;
    let access = &visitor.access;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let filter = filter(&scope, list, &company.zone).await?;
    let bound = format!("portal audit {filter:?}");
    let before = page::open::<AuditId>(access.souk(), &bound, list.cursor.as_deref())?;
    let mut rows = audit::list(&scope, &filter, before, ROWS + 1).await?;
    let next = page::cut(access.souk(), &bound, &mut rows, ROWS, |row| row.id)?;
    let entries: Vec<_> = rows.iter().map(|one| entry(one, &company.zone, &visitor.language)).collect();
    let data = json!({
        "entries": entries, "actions": actions(),
        "filter": list, "chain": chain(&scope, &company.zone).await?,
        "list": visitor.list(&scope, Listing { views: &VIEWS, chips: chips(visitor, list), count: rows.len(), next }).await?,
    });
    Ok((company, data))
}

/// The filters that are set, as people read them.
pub(in crate::controllers::portal) fn chips<P: Permission>(visitor: &Visitor<P>, list: &AuditList) -> Vec<(&'static str, String, String)> {
    let chip = |name: &'static str, key: &str, value: &str| (name, visitor.text(key), value.to_owned());
    let action = if list.action == ALL_SECURITY { visitor.text("audit.view.security") } else { named(&list.action, &visitor.language) };
    vec![
        chip("resource", "audit.resource", &list.resource),
        chip("id", "audit.resource_id", &list.id),
        chip("user", "audit.user", &list.user),
        chip("action", "audit.col.action", &action),
        chip("from", "audit.from", &list.from),
        chip("to", "audit.to", &list.to),
    ]
}

/// How the chain of the unit's company stands.
pub(in crate::controllers::portal) async fn chain(scope: &Scope, zone: &str) -> Result<Value> {
    let standing = audit::standing(scope).await?;
    Ok(json!({
        "sealed": standing.sealed, "open": standing.waiting,
        "checked": standing.checked.map(|check| json!({
            "at": local(check.at, zone), "ok": check.faults.is_empty(), "sealed": check.sealed,
            "faults": check.faults.into_iter().take(5).collect::<Vec<_>>(),
        })),
    }))
}

pub(in crate::controllers::portal) fn entry(one: &audit::Entry, zone: &str, language: &str) -> Value {
    let shown = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let changes = one.changes.as_object().into_iter().flatten().map(|(field, change)| {
        json!({
            "field": field, "before": shown(&change["before"]), "after": shown(&change["after"]), "erased": change["erased"] == true,
        })
    });
    let is_alarming = ["lock_out", "refresh_reused", "sign_in_failed", "act_as", "ban"].contains(&one.action.as_str());
    json!({
        "at": local(one.created_at, zone), "who": one.actor_name, "acting_for": one.acting_for, "role": one.actor_role, "action": named(&one.action, language),
        "resource": one.resource, "resource_id": one.resource_id, "changes": changes.collect::<Vec<_>>(), "ip": one.ip_address,
        "is_alarming": is_alarming,
    })
}

/// An action in a person's language, where it has a text.
fn named(action: &str, language: &str) -> String {
    let key = format!("audit.action.{action}");
    let text = templates::text(&key, language);
    if text == key { action.to_owned() } else { text }
}

/// The security's actions, to choose from.
pub(in crate::controllers::portal) fn actions() -> Vec<Value> {
    let all = json!({ "value": ALL_SECURITY, "label_key": "audit.view.security" });
    let each = SECURITY.iter().map(|action| json!({ "value": action, "label_key": format!("audit.action.{action}") }));
    std::iter::once(all).chain(each).collect()
}

async fn export_csv(visitor: Visitor<AuditRead>, Query(list): Query<AuditList>) -> PageResult<Response> {
    taken_out(visitor, list, false).await
}

async fn export_json(visitor: Visitor<AuditRead>, Query(list): Query<AuditList>) -> PageResult<Response> {
    taken_out(visitor, list, true).await
}

/// What is filtered, as a file; that it was taken out is written down first.
async fn taken_out(visitor: Visitor<AuditRead>, list: AuditList, is_json: bool) -> PageResult<Response> {
    let look = visitor.look();
    let access = Arc::new(visitor.access);
    let file = async move {
        let scope = access.write().await?;
        let company = companies::own(&scope).await?;
        let filter = filter(&scope, &list, &company.zone).await?;
        scope.audit("export", "audit", scope.company(), None, vec![("filter", Value::Null, asked(&list))]).await?;
        scope.commit().await?;
        api::audit::file(access, filter, is_json).await
    };
    file.await.map_err(|error| look.with(error))
}

/// The filters of an export, as they were asked.
pub(in crate::controllers::portal) fn asked(list: &AuditList) -> Value {
    json!({
        "user": list.user, "resource": list.resource, "resourceId": list.id, "action": list.action, "from": list.from, "to": list.to,
    })
}

/// Wants a look at the whole chain; asked again within a minute, it is the same look.
async fn check(visitor: Visitor<AuditRead>) -> PageResult<Redirect> {
    ask(&visitor).await.map_err(|error| visitor.refuse(error))?;
    Ok(visitor.done("/company/audit", "chain_asked"))
}

async fn ask(visitor: &Visitor<AuditRead>) -> Result<()> {
    let scope = visitor.access.write().await?;
    want_a_look(&scope).await?;
    scope.commit().await
}

/// Wants the job that looks at the whole chain of the unit's company.
pub(in crate::controllers::portal) async fn want_a_look(scope: &Scope) -> Result<()> {
    let minute = clock::now().micros() / 60_000_000;
    jobs::enqueue(scope, jobs::Kind::CheckChain, &minute.to_string(), json!({})).await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<AuditRead, _>("/company/audit", "Who did what", audit_log),
        get::<AuditRead, _>("/company/audit/export.csv", "The audit as CSV", export_csv),
        get::<AuditRead, _>("/company/audit/export.json", "The audit as JSON", export_json),
        post::<AuditRead, _>("/company/audit/check", "Looks at the whole chain", check),
    ]
}
