//! An entry of the audit, and how its chain stands.

use serde_json::{Value, json};

use crate::models::audit::{ChainState, Entry};

#[must_use]
pub fn entry(entry: &Entry) -> Value {
    json!({
        "id": entry.id, "at": entry.created_at, "userId": entry.actor_id, "role": entry.actor_role, "companyId": entry.company_id,
        "shopId": entry.shop_id, "action": entry.action, "resource": entry.resource, "resourceId": entry.resource_id,
        "actingFor": Some(&entry.acting_for).filter(|name| !name.is_empty()), "changes": entry.changes, "ipAddress": entry.ip_address, "userAgent": entry.user_agent, "requestId": entry.request_id,
    })
}

#[must_use]
pub fn chain(state: &ChainState) -> Value {
    json!({ "holds": state.faults.is_empty(), "sealed": state.sealed, "faults": state.faults })
}

/// The columns of an export, and an entry in them; as in every file for programs they have the same
/// names in each language.
pub const COLUMNS: [&str; 14] = [
    "id",
    "at",
    "userId",
    "role",
    "shopId",
    "action",
    "resource",
    "resourceId",
    "changes",
    "ipAddress",
    "userAgent",
    "requestId",
    "actingFor",
    "companyId",
];

#[must_use]
pub fn cells(entry: &Entry) -> Vec<String> {
    let text = |id: Option<String>| id.unwrap_or_default();
    vec![
        entry.id.to_string(),
        entry.created_at.to_string(),
        text(entry.actor_id.map(|id| id.to_string())),
        entry.actor_role.clone(),
        text(entry.shop_id.map(|id| id.to_string())),
        entry.action.clone(),
        entry.resource.clone(),
        entry.resource_id.clone(),
        entry.changes.to_string(),
        entry.ip_address.clone(),
        entry.user_agent.clone(),
        entry.request_id.clone(),
        entry.acting_for.clone(),
        entry.company_id.to_string(),
    ]
}
