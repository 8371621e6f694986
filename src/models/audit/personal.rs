//! Personal values: which fields are, how an entry commits to them, and how they are erased.
//!
//! The entry holds a salted hash of them and stays as it was written; the values themselves, with
//! their salt, lie in a row that can be emptied. Without the salt the hash says nothing about them.

use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::Expr};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{entry, values};
use crate::{
    clock,
    errors::Result,
    ids::{AuditId, ShopId},
    tenancy::{Actor, Change, Role, Scope, Tenant, keys},
};

/// The fields that are about a person, by the resource they are of; `*` is every resource.
const PERSONAL: &[(&str, &[&str])] = &[
    ("*", &["email", "phone", "address", "shippingAddress", "billingAddress", "recipient", "birthday"]),
    ("customer", &["name", "notes"]),
    ("member", &["name"]),
    ("staff", &["name"]),
    ("rider", &["name"]),
    ("address", &["name"]),
    ("supplier", &["contact"]),
];

/// Addresses of a company or a shop are nobody's home.
const PUBLIC: &[&str] = &["company", "shop", "warehouse", "location"];

fn is_personal(resource: &str, field: &str) -> bool {
    let listed = |of: &str| PERSONAL.iter().any(|(name, fields)| *name == of && fields.contains(&field));
    !PUBLIC.contains(&resource) && (listed("*") || listed(resource))
}

/// What stands in an entry in place of a personal field's values.
fn apart() -> Value {
    json!({ "personal": true })
}

/// An entry and the personal values that belong to it.
pub(crate) fn written(
    tenant: &Tenant,
    action: &str,
    resource: &str,
    resource_id: String,
    shop: Option<ShopId>,
    changes: Vec<Change>,
) -> (entry::Model, Option<values::Model>) {
    let mut open = Map::new();
    let mut personal = Map::new();
    for (field, before, after) in changes {
        let change = json!({ "before": before, "after": after });
        if is_personal(resource, field) {
            open.insert(field.into(), apart());
            personal.insert(field.into(), change);
        } else {
            open.insert(field.into(), change);
        }
    }
    let origin = match tenant.actor {
        Actor::System => Map::new(),
        _ => {
            let of = |name: &str, value: Value| (name.to_owned(), value);
            let acting_for = tenant.acting_for.as_deref().map(|name| of("actingFor", json!(name)));
            let origin =
                [of("name", json!(tenant.name)), of("ipAddress", json!(tenant.ip_address)), of("userAgent", json!(tenant.user_agent))];
            origin.into_iter().chain(acting_for).collect()
        }
    };
    let (origin, personal) = (salted(origin), salted(personal));
    let id = AuditId::new();
    let entry = entry::Model {
        company_id: tenant.company,
        id,
        actor_id: tenant.actor.id(),
        shop_id: shop,
        actor_role: role(tenant).into(),
        action: action.into(),
        resource: resource.into(),
        resource_id,
        request_id: tenant.request_id.clone(),
        salt: keys::random(),
        origin_hash: hash(&origin),
        personal_hash: hash(&personal),
        changes: Value::Object(open),
        created_at: clock::now(),
    };
    let is_empty = entry.origin_hash.is_empty() && entry.personal_hash.is_empty();
    let values = (!is_empty).then_some(values::Model { company_id: tenant.company, id, entry_id: id, origin, personal });
    (entry, values)
}

/// As what somebody acts: one of the platform's people is that also in an admin's place.
fn role(tenant: &Tenant) -> &'static str {
    match (tenant.actor, &tenant.acting_for) {
        (Actor::System, _) => "system",
        (_, Some(_)) => Role::SuperAdmin.name(),
        _ => tenant.role.name(),
    }
}

fn salted(mut fields: Map<String, Value>) -> Value {
    if !fields.is_empty() {
        fields.insert("salt".into(), json!(keys::random()));
    }
    Value::Object(fields)
}

/// What commits to some values: nothing to no values.
pub(super) fn hash(values: &Value) -> String {
    if is_none(values) { String::new() } else { keys::hash(values.to_string().as_bytes()) }
}

/// Whether values are erased, or never were.
pub(super) fn is_none(values: &Value) -> bool {
    values.as_object().is_none_or(Map::is_empty)
}

/// An entry's changes with the personal ones in their places; erased ones say so.
pub(super) fn merged(changes: &Value, personal: &Value) -> Value {
    let mut whole = changes.as_object().cloned().unwrap_or_default();
    for (field, change) in &mut whole {
        if *change == apart() {
            *change = personal.get(field).cloned().unwrap_or_else(|| json!({ "before": null, "after": null, "erased": true }));
        }
    }
    Value::Object(whole)
}

/// Erases who somebody was and where they acted from, in everything they did.
pub async fn forget_actor(scope: &Scope, actor: Uuid) -> Result<u64> {
    let theirs = scope.find::<entry::Entity>().select_only().column(entry::Column::Id).filter(entry::Column::ActorId.eq(actor));
    let update = scope
        .update::<values::Entity>()
        .col_expr(values::Column::Origin, Expr::value(json!({})))
        .filter(values::Column::EntryId.in_subquery(theirs.into_query()));
    scope.run(update).await
}

/// Erases the personal values in everything that was done to a thing.
pub async fn forget_thing(scope: &Scope, resource: &str, id: &str) -> Result<u64> {
    let about = scope.find::<entry::Entity>().select_only().column(entry::Column::Id);
    let about = about.filter(entry::Column::Resource.eq(resource)).filter(entry::Column::ResourceId.eq(id));
    let update = scope
        .update::<values::Entity>()
        .col_expr(values::Column::Personal, Expr::value(json!({})))
        .filter(values::Column::EntryId.in_subquery(about.into_query()));
    scope.run(update).await
}
