//! Reading the audit: entries with their personal values in place.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use serde_json::Value;
use uuid::Uuid;

use super::{entry, personal, values};
use crate::{
    clock::Instant,
    errors::{Error, Result},
    ids::{AuditId, CompanyId, ShopId},
    tenancy::{Platform, Scope},
};

/// What is done where somebody proves who they are.
pub const SECURITY: &[&str] = &[
    "sign_in",
    "sign_in_failed",
    "lock_out",
    "sign_out",
    "sign_out_everywhere",
    "end",
    "refresh_reused",
    "change_password",
    "forgot_password",
    "send_code",
    "verify_phone",
    "reset_password",
    "act_as",
    "act_as_end",
    "enter_company",
    "leave_company",
    "ban",
    "unban",
    "end_sessions",
];

/// An entry as it is read.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: AuditId,
    pub company_id: CompanyId,
    pub shop_id: Option<ShopId>,
    pub actor_id: Option<Uuid>,
    pub actor_role: String,
    /// Empty when erased.
    pub actor_name: String,
    /// The admin in whose place it was done, by one of the platform's people; else empty.
    pub acting_for: String,
    pub action: String,
    pub resource: String,
    pub resource_id: String,
    pub changes: Value,
    pub ip_address: String,
    pub user_agent: String,
    pub request_id: String,
    pub created_at: Instant,
}

/// What a list of entries is narrowed to; an empty list narrows nothing.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// These alone.
    pub ids: Option<Vec<AuditId>>,
    pub actors: Vec<Uuid>,
    pub resource: Option<String>,
    pub resource_id: Option<String>,
    pub actions: Vec<String>,
    pub shop: Option<ShopId>,
    pub from: Option<Instant>,
    /// Up to before this moment.
    pub until: Option<Instant>,
}

/// Entries, newest first, from before `before`.
pub async fn list(scope: &Scope, filter: &Filter, before: Option<AuditId>, limit: u64) -> Result<Vec<Entry>> {
    let rows = scope.all(narrowed(scope.find::<entry::Entity>(), filter, before, limit)).await?;
    let found = scope.find::<values::Entity>().filter(values::Column::EntryId.is_in(rows.iter().map(|row| row.id)));
    let found = scope.all(found).await?;
    Ok(with_values(rows, found))
}

/// Everybody's entries, newest first, from before `before`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_of_all(platform: &Platform, filter: &Filter, before: Option<AuditId>, limit: u64) -> Result<Vec<Entry>> {
    let rows = platform.all(narrowed(platform.find::<entry::Entity>(), filter, before, limit)).await?;
    let found = platform.find::<values::Entity>().filter(values::Column::CompanyId.is_in(rows.iter().map(|row| row.company_id)));
    let found = platform.all(found.filter(values::Column::EntryId.is_in(rows.iter().map(|row| row.id)))).await?;
    Ok(with_values(rows, found))
}

/// Whose entry it is.
///
/// # Errors
/// 404 when there is none.
pub async fn company_of(platform: &Platform, id: AuditId) -> Result<CompanyId> {
    let entry = platform.one(platform.find::<entry::Entity>().filter(entry::Column::Id.eq(id))).await?;
    entry.map(|entry| entry.company_id).ok_or(Error::NOT_FOUND)
}

fn narrowed(mut rows: Select<entry::Entity>, filter: &Filter, before: Option<AuditId>, limit: u64) -> Select<entry::Entity> {
    use entry::Column;
    if let Some(ids) = &filter.ids {
        rows = rows.filter(Column::Id.is_in(ids.iter().copied()));
    }
    if !filter.actors.is_empty() {
        rows = rows.filter(Column::ActorId.is_in(filter.actors.iter().copied()));
    }
    if let Some(resource) = &filter.resource {
        rows = rows.filter(Column::Resource.eq(resource.as_str()));
    }
    if let Some(id) = &filter.resource_id {
        rows = rows.filter(Column::ResourceId.eq(id.as_str()));
    }
    match filter.actions.as_slice() {
        [] => {}
        [action] => rows = rows.filter(Column::Action.eq(action.as_str())),
        actions => rows = rows.filter(Column::Action.is_in(actions.iter().map(String::as_str))),
    }
    if let Some(shop) = filter.shop {
        rows = rows.filter(Column::ShopId.eq(shop));
    }
    // Ids are born in the order of time, so a period is a range of the index that lists are read by.
    if let Some(from) = filter.from {
        rows = rows.filter(Column::Id.gte(AuditId::first_at(from))).filter(Column::CreatedAt.gte(from));
    }
    if let Some(until) = filter.until {
        let behind = AuditId::first_at(until.plus(std::time::Duration::from_millis(1)));
        rows = rows.filter(Column::Id.lt(behind)).filter(Column::CreatedAt.lt(until));
    }
    if let Some(before) = before {
        rows = rows.filter(Column::Id.lt(before));
    }
    rows.order_by_desc(Column::Id).limit(limit)
}

/// # Errors
/// 404 when it is not there.
pub async fn get(scope: &Scope, id: AuditId) -> Result<Entry> {
    let row = scope.get(scope.find::<entry::Entity>().filter(entry::Column::Id.eq(id))).await?;
    let found = scope.all(scope.find::<values::Entity>().filter(values::Column::EntryId.eq(id))).await?;
    with_values(vec![row], found).pop().ok_or(Error::NOT_FOUND)
}

fn with_values(rows: Vec<entry::Model>, found: Vec<values::Model>) -> Vec<Entry> {
    let found: BTreeMap<_, _> = found.into_iter().map(|values| (values.entry_id, values)).collect();
    let said = |values: Option<&values::Model>, field: &str| {
        values.and_then(|values| values.origin.get(field)).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let entries = rows.into_iter().map(|row| {
        let values = found.get(&row.id);
        Entry {
            actor_name: if row.actor_role == "system" { "Souk".into() } else { said(values, "name") },
            acting_for: said(values, "actingFor"),
            ip_address: said(values, "ipAddress"),
            user_agent: said(values, "userAgent"),
            changes: personal::merged(&row.changes, values.map_or(&Value::Null, |values| &values.personal)),
            id: row.id,
            company_id: row.company_id,
            shop_id: row.shop_id,
            actor_id: row.actor_id,
            actor_role: row.actor_role,
            action: row.action,
            resource: row.resource,
            resource_id: row.resource_id,
            request_id: row.request_id,
            created_at: row.created_at,
        }
    });
    entries.collect()
}
