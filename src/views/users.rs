//! People as the API shows them: members of staff, customers, and the roles they have.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    models::identity::{Colleague, Customer, OwnRole},
    tenancy::{Role, roles::PERMISSIONS},
};

/// A member of staff; `names` are those of the company's own roles.
#[must_use]
pub fn colleague(one: &Colleague, names: &BTreeMap<String, String>) -> Value {
    let assignments: Vec<_> = one
        .assignments
        .iter()
        .map(|row| {
            let name = names.get(&row.role).map_or(row.role.as_str(), String::as_str);
            json!({ "role": row.role, "name": name, "shopId": row.shop_id })
        })
        .collect();
    let highest = one.assignments.iter().map(|row| Role::named(&row.role).unwrap_or(Role::Member)).max();
    let mut shops: Vec<_> = one.assignments.iter().filter_map(|row| row.shop_id).collect();
    shops.sort_unstable();
    shops.dedup();
    let member = &one.member;
    json!({
        "id": member.id, "kind": "staff", "email": member.email, "name": member.name, "role": highest, "assignments": assignments,
        "shopIds": shops, "state": one.presence().name(), "joinedAt": member.joined_at, "createdAt": member.created_at,
        "updatedAt": member.updated_at, "version": member.version,
    })
}

#[must_use]
pub fn customer(one: &Customer) -> Value {
    json!({
        "id": one.id, "kind": "customer", "email": one.email, "name": one.name, "role": Role::Customer, "phone": one.phone,
        "customerGroup": one.customer_group, "language": one.language, "state": if one.is_banned { "banned" } else { "active" },
        "createdAt": one.created_at, "updatedAt": one.updated_at, "version": one.version,
    })
}

/// A built-in role as the set of permissions that it is.
#[must_use]
pub fn built_in(role: Role, people: usize) -> Value {
    let permissions: Vec<_> = PERMISSIONS.iter().filter(|name| role.may(name)).collect();
    json!({ "id": role, "name": role, "isBuiltIn": true, "permissions": permissions, "people": people })
}

#[must_use]
pub fn own(role: &OwnRole, people: usize) -> Value {
    json!({
        "id": role.role.id, "name": role.role.name, "translations": role.role.translations, "isBuiltIn": false, "permissions": role.permissions, "people": people,
        "createdAt": role.role.created_at, "updatedAt": role.role.updated_at, "version": role.role.version,
    })
}
