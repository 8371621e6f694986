//! An entry of the audit.

use serde_json::{Value, json};

use crate::models::audit::Entry;

#[must_use]
pub fn entry(entry: &Entry) -> Value {
    json!({
        "id": entry.id, "at": entry.created_at, "userId": entry.actor_id, "role": entry.actor_role, "companyId": entry.company_id,
        "shopId": entry.shop_id, "action": entry.action, "resource": entry.resource, "resourceId": entry.resource_id,
        "changes": entry.changes, "ipAddress": entry.ip_address, "userAgent": entry.user_agent, "requestId": entry.request_id,
    })
}
