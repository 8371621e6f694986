//! Who did what in the company, and whether the chain holds.

use std::{collections::BTreeMap, sync::Arc};

use axum::response::{Html, Redirect, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{PageResult, Visitor, fields::Fields, lists::Listing, local, midnight};
use crate::{
    clock,
    controllers::{
        api::{self, audit::Reach},
        extract::Query,
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::{AuditId, ShopId},
    models::{
        audit::{self, Filter, SECURITY},
        companies::{self, Company},
        identity, jobs, shops,
    },
    tenancy::{Permission, Scope, roles::AuditRead},
    views::audited::{self, Reader, named, role_name},
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
    pub(in crate::controllers::portal) user: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    shop: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    pub(in crate::controllers::portal) cursor: Option<String>,
}

/// The names of a company's shops.
type Shops = BTreeMap<ShopId, String>;
/// What stands for all of [`SECURITY`] in an address.
const ALL_SECURITY: &str = "security";
/// The questions people ask daily.
pub(in crate::controllers::portal) const VIEWS: [(&str, &str); 2] = [("audit.view.all", ""), ("audit.view.security", "action=security")];

/// What is listed of the company of a unit.
pub(in crate::controllers::portal) async fn filter(scope: &Scope, list: &AuditList, zone: &str) -> Result<Filter> {
    let actors = match some(&list.user) {
        Some(who) => identity::actors(scope, &who).await?,
        None => vec![],
    };
    Ok(narrowed(list, actors, zone))
}

/// A parameter that says something.
pub(in crate::controllers::portal) fn some(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// What is listed, when it is known under which ids the person acts; somebody whom nobody knows did nothing.
pub(in crate::controllers::portal) fn narrowed(list: &AuditList, mut actors: Vec<Uuid>, zone: &str) -> Filter {
    if actors.is_empty() && some(&list.user).is_some() {
        actors.push(Uuid::max());
    }
    let actions = match list.action.as_str() {
        ALL_SECURITY => SECURITY.iter().map(|action| (*action).to_owned()).collect(),
        actions => actions.split(',').filter_map(some).collect(),
    };
    let resource = some(&list.resource);
    Filter {
        ids: None,
        actors,
        resource_id: some(&list.id).filter(|_| resource.is_some()),
        resource,
        actions,
        shop: some(&list.shop).map(|id| id.parse().unwrap_or(ShopId(Uuid::max()))),
        from: midnight(&list.from, zone, 0),
        until: midnight(&list.to, zone, 1),
    }
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
    let shops = shops::names(&scope).await?;
    let reader = Reader { language: &visitor.language, zone: &company.zone, currency: Some(&company.currency), shops: &shops };
    let data = json!({
        "entries": rows.iter().map(|row| entry(row, &reader)).collect::<Vec<_>>(), "choices": choices(&shops, &visitor.language),
        "filter": list, "chain": chain(&scope, &company.zone, &visitor.language).await?,
        "list": visitor.list(&scope, Listing { views: &VIEWS, chips: chips(visitor, list, &shops), count: rows.len(), next }).await?,
    });
    Ok((company, data))
}

/// The filters that are set, as people read them.
pub(in crate::controllers::portal) fn chips<P: Permission>(
    visitor: &Visitor<P>,
    list: &AuditList,
    shops: &Shops,
) -> Vec<(&'static str, String, String)> {
    let chip = |name: &'static str, key: &str, value: &str| (name, visitor.text(key), value.to_owned());
    let action = match list.action.as_str() {
        ALL_SECURITY => visitor.text("audit.view.security"),
        actions => actions.split(',').map(|action| named("action", action, &visitor.language)).collect::<Vec<_>>().join(", "),
    };
    vec![
        chip("resource", "audit.resource", &named("resource", &list.resource, &visitor.language)),
        chip("id", "audit.resource_id", &list.id),
        chip("user", "audit.user", &list.user),
        chip("action", "audit.col.action", &action),
        chip("shop", "audit.shop", &shop_name(&list.shop, shops)),
        chip("from", "audit.from", &list.from),
        chip("to", "audit.to", &list.to),
    ]
}

/// How the chain of the unit's company stands.
pub(in crate::controllers::portal) async fn chain(scope: &Scope, zone: &str, language: &str) -> Result<Value> {
    let standing = audit::standing(scope).await?;
    Ok(json!({
        "sealed": standing.sealed, "open": standing.waiting, "is_looking": jobs::is_wanted(scope, jobs::Kind::CheckChain).await?,
        "checked": standing.checked.map(|check| json!({
            "at": local(check.at, zone, language), "ok": check.faults.is_empty(), "sealed": check.sealed,
            "faults": check.faults.into_iter().take(5).collect::<Vec<_>>(),
        })),
    }))
}

/// A shop's name, or its id where no such shop is known.
fn shop_name(id: &str, shops: &Shops) -> String {
    id.parse().ok().and_then(|id: ShopId| shops.get(&id)).map_or_else(|| id.to_owned(), Clone::clone)
}

/// An entry, ready to print.
pub(in crate::controllers::portal) fn entry(one: &audit::Entry, reader: &Reader<'_>) -> Value {
    let language = reader.language;
    let shown = |field: &str, value: &Value| audited::value(&one.resource, field, value, reader);
    let changes = one.changes.as_object().into_iter().flatten().map(|(field, change)| {
        json!({
            "field": named("field", field, language), "before": shown(field, &change["before"]), "after": shown(field, &change["after"]),
            "erased": change["erased"] == true,
        })
    });
    let is_alarming = ["lock_out", "refresh_reused", "sign_in_failed", "act_as", "ban"].contains(&one.action.as_str());
    json!({
        "chosen": one.id, "at": local(one.created_at, reader.zone, language), "who": one.actor_name, "acting_for": one.acting_for,
        "role": role_name(&one.actor_role, language), "action": named("action", &one.action, language),
        "shop": one.shop_id.map(|id| shop_name(&id.to_string(), reader.shops)),
        "agent": one.user_agent, "resource": named("resource", &one.resource, language), "resource_id": one.resource_id, "changes": changes.collect::<Vec<_>>(), "ip": one.ip_address,
        "is_alarming": is_alarming,
    })
}

/// What a list can be narrowed to, by name: what is done, to what, and in which of the shops.
pub(in crate::controllers::portal) fn choices(shops: &Shops, language: &str) -> Value {
    let sorted = |mut pairs: Vec<(String, String)>| {
        pairs.sort();
        pairs.into_iter().map(|(label, value)| json!({ "value": value, "label": label })).collect::<Vec<_>>()
    };
    let words = |what: &str, word: &str| (named(what, word, language), word.to_owned());
    let mut actions = vec![json!({ "value": ALL_SECURITY, "label_key": "audit.view.security" })];
    actions.extend(sorted(audit::actions().into_iter().map(|word| words("action", word)).collect()));
    json!({
        "actions": actions, "resources": sorted(audit::resources().map(|word| words("resource", word)).collect()),
        "shops": sorted(shops.iter().map(|(id, name)| (name.clone(), id.to_string())).collect()),
    })
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
        api::audit::file(access, Reach::Company, filter, is_json).await
    };
    file.await.map_err(|error| look.with(error))
}

/// The chosen entries, as a file; that they were taken out is written down first.
async fn export_chosen(visitor: Visitor<AuditRead>, fields: Fields) -> PageResult<Response> {
    let look = visitor.look();
    let access = Arc::new(visitor.access);
    let ids: Vec<AuditId> = fields.chosen();
    let file = async move {
        let scope = access.write().await?;
        scope.audit("export", "audit", scope.company(), None, vec![("filter", Value::Null, json!({ "ids": ids }))]).await?;
        scope.commit().await?;
        api::audit::file(access, Reach::Company, Filter { ids: Some(ids), ..Filter::default() }, false).await
    };
    file.await.map_err(|error| look.with(error))
}

/// The filters of an export, as they were asked.
pub(in crate::controllers::portal) fn asked(list: &AuditList) -> Value {
    json!({
        "user": list.user, "resource": list.resource, "resourceId": list.id, "action": list.action, "shopId": list.shop, "from": list.from,
        "to": list.to,
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
        post::<AuditRead, _>("/company/audit/chosen.csv", "Chosen entries of the audit as CSV", export_chosen),
        post::<AuditRead, _>("/company/audit/check", "Looks at the whole chain", check),
    ]
}

#[cfg(test)]
mod tests {
    use super::{named, role_name};
    use crate::{models::audit, tenancy::Role, views::templates::LANGUAGES};

    /// A word is no text, and a text that is the same in two languages is a missing one: English stands in.
    fn lacking(words: impl IntoIterator<Item = &'static str>, shown: impl Fn(&str, &str) -> String) -> Vec<&'static str> {
        let is_said = |word: &str| {
            let texts = LANGUAGES.map(|language| shown(word, language));
            texts.iter().all(|text| text != word) && texts.iter().enumerate().all(|(index, text)| !texts[..index].contains(text))
        };
        words.into_iter().filter(|word| !is_said(word)).collect()
    }

    #[test]
    fn every_word_of_the_audit_has_a_text_in_every_language() {
        let actions = lacking(audit::actions(), |word, language| named("action", word, language));
        assert!(actions.is_empty(), "add `audit.action.<word>` to assets/i18n/*/audit_words.json: {actions:?}");
        let resources = lacking(audit::resources(), |word, language| named("resource", word, language));
        assert!(resources.is_empty(), "add `audit.resource.<word>` to assets/i18n/*/audit_words.json: {resources:?}");
        let roles = lacking(Role::ALL.into_iter().map(Role::name).chain(["system"]), role_name);
        assert!(roles.is_empty(), "add `roles.name.<role>` to assets/i18n/*/roles.json: {roles:?}");
    }
}
