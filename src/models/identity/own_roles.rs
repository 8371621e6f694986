//! Roles of the company's own: a name for some of the permissions that its admin holds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    assignment, people, role, role_permission,
    standing::{ensure_holds, grantable},
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{RoleId, RowId},
    tenancy::{Role, Scope},
    translated::{self, Translations},
    words::fold,
};

/// A role of the company's own, with what it allows.
#[derive(Clone, Debug)]
pub struct OwnRole {
    pub role: role::Model,
    pub permissions: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRole {
    pub name: String,
    #[serde(default)]
    pub translations: Translations,
    pub permissions: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleChange {
    pub name: Option<String>,
    pub translations: Option<Translations>,
    pub permissions: Option<Vec<String>>,
}

impl OwnRole {
    /// What it is called in a language; its own name where nobody translated it.
    #[must_use]
    pub fn name_in(&self, language: &str) -> &str {
        translated::name(&self.role.translations, language).unwrap_or(&self.role.name)
    }
}

/// The company's own roles, by name.
///
/// # Errors
/// When the database cannot be reached.
pub async fn own_roles(scope: &Scope) -> Result<Vec<OwnRole>> {
    const ROLES_MAX: u64 = 200;
    let mut roles = scope.all(scope.find::<role::Entity>().order_by_asc(role::Column::Name).limit(ROLES_MAX)).await?;
    roles.sort_by_cached_key(|role| fold(&role.name));
    let mut by_role: BTreeMap<RoleId, Vec<String>> = BTreeMap::new();
    let rows = scope.find::<role_permission::Entity>().order_by_asc(role_permission::Column::Permission);
    for row in scope.all(rows).await? {
        by_role.entry(row.role_id).or_default().push(row.permission);
    }
    Ok(roles.into_iter().map(|role| OwnRole { permissions: by_role.remove(&role.id).unwrap_or_default(), role }).collect())
}

/// # Errors
/// 404 when there is none.
pub async fn own_role(scope: &Scope, id: RoleId) -> Result<OwnRole> {
    let role = scope.get(scope.find::<role::Entity>().filter(role::Column::Id.eq(id))).await?;
    let rows = scope.find::<role_permission::Entity>().filter(role_permission::Column::RoleId.eq(id));
    let rows = scope.all(rows.order_by_asc(role_permission::Column::Permission)).await?;
    Ok(OwnRole { role, permissions: rows.into_iter().map(|row| row.permission).collect() })
}

/// How many of the people whom the caller sees have a role, built-in or the company's own.
///
/// # Errors
/// When the database cannot be reached.
pub async fn holders_of_each(scope: &Scope) -> Result<BTreeMap<String, usize>> {
    let mut rows = scope.find::<assignment::Entity>();
    if let Some(shops) = &scope.tenant().shops {
        let here = scope.find::<assignment::Entity>().select_only().column(assignment::Column::MemberId);
        let here = here.filter(assignment::Column::ShopId.is_in(shops.iter().copied()));
        rows = rows.filter(assignment::Column::MemberId.in_subquery(here.into_query()));
    }
    let rows = scope.all(rows.limit(10_000)).await?;
    let mut by_role: BTreeMap<String, std::collections::BTreeSet<_>> = BTreeMap::new();
    for row in rows {
        by_role.entry(row.role).or_default().insert(row.member_id);
    }
    Ok(by_role.into_iter().map(|(role, members)| (role, members.len())).collect())
}

fn check_role_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "required", "a name of 1 to 60 characters"));
    }
    let as_word = name.to_lowercase().replace(' ', "_");
    // A role that looks like a built-in one, or like an id, would be taken for it.
    if Role::named(&as_word).is_some() || name.parse::<RoleId>().is_ok() {
        return Err(Error::invalid("name", "taken", "that is a built-in role"));
    }
    Ok(name.to_owned())
}

fn check_translations(translations: &Translations) -> Result<()> {
    let wrong = translated::faults(translations);
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

fn check_permissions(scope: &Scope, asked: &[String]) -> Result<Vec<&'static str>> {
    let mut known = Vec::with_capacity(asked.len());
    for (index, name) in asked.iter().enumerate() {
        known.push(
            grantable(name)
                .ok_or_else(|| Error::invalid(format!("permissions[{index}]"), "unknown", "that is no permission of a company"))?,
        );
    }
    if known.is_empty() {
        return Err(Error::invalid("permissions", "required", "a role allows something"));
    }
    known.sort_unstable();
    known.dedup();
    ensure_holds(scope.tenant(), &known)?;
    Ok(known)
}

fn name_taken() -> Error {
    Error::conflict("name_taken", "another role has this name", json!({}))
}

/// Makes a role.
///
/// # Errors
/// 422 for a name or permission that cannot be; 403 `role_above_own`; 409 `name_taken`.
pub async fn add_role(scope: &Scope, new: NewRole) -> Result<OwnRole> {
    let name = check_role_name(&new.name)?;
    check_translations(&new.translations)?;
    let permissions = check_permissions(scope, &new.permissions)?;
    let now = clock::now();
    let row = role::Model {
        company_id: scope.company(),
        id: RoleId::new(),
        name,
        translations: json!(new.translations),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    if !scope.insert_unless_there(row.clone(), &[role::Column::CompanyId, role::Column::Name]).await? {
        return Err(name_taken());
    }
    insert_permissions(scope, row.id, &permissions).await?;
    let changes = vec![("name", json!(null), json!(row.name)), ("permissions", json!(null), json!(permissions))];
    scope.audit("create", "role", row.id, None, changes).await?;
    own_role(scope, row.id).await
}

async fn insert_permissions(scope: &Scope, role_id: RoleId, permissions: &[&'static str]) -> Result<()> {
    let rows = permissions.iter().map(|permission| role_permission::Model {
        company_id: scope.company(),
        id: RowId::new(),
        role_id,
        permission: (*permission).into(),
    });
    scope.insert_all(rows.collect()).await
}

/// Changes what a role is called or allows; it holds from the next request on.
///
/// # Errors
/// As [`add_role`]; 404; 412 when the row has changed since it was read.
pub async fn change_role(scope: &Scope, id: RoleId, change: RoleChange, version: Option<i64>) -> Result<OwnRole> {
    let before = own_role(scope, id).await?;
    if version.is_some_and(|version| version != before.role.version) {
        return Err(Error::Stale);
    }
    let held: Vec<_> = before.permissions.iter().filter_map(|name| grantable(name)).collect();
    ensure_holds(scope.tenant(), &held)?;
    let name = change.name.as_deref().map(check_role_name).transpose()?.unwrap_or_else(|| before.role.name.clone());
    change.translations.as_ref().map_or(Ok(()), check_translations)?;
    let translations = change.translations.map_or_else(|| before.role.translations.clone(), |translations| json!(translations));
    let permissions = change.permissions.as_deref().map(|asked| check_permissions(scope, asked)).transpose()?.unwrap_or(held);
    let namesake = scope.find::<role::Entity>().filter(role::Column::Name.eq(name.as_str())).filter(role::Column::Id.ne(id));
    if scope.one(namesake).await?.is_some() {
        return Err(name_taken());
    }
    let update = scope
        .update::<role::Entity>()
        .col_expr(role::Column::Name, Expr::value(name.clone()))
        .col_expr(role::Column::Translations, Expr::value(translations.clone()))
        .col_expr(role::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(role::Column::Version, Expr::col(role::Column::Version).add(1))
        .filter(role::Column::Id.eq(id))
        .filter(role::Column::Version.eq(before.role.version));
    if scope.run(update).await? == 0 {
        return Err(Error::Stale);
    }
    scope.remove(scope.delete::<role_permission::Entity>().filter(role_permission::Column::RoleId.eq(id))).await?;
    insert_permissions(scope, id, &permissions).await?;
    let changes = [
        ("name", json!(before.role.name), json!(name)),
        ("translations", before.role.translations, translations),
        ("permissions", json!(before.permissions), json!(permissions)),
    ];
    let changes = changes.into_iter().filter(|(_, before, after)| before != after).collect();
    scope.audit("update", "role", id, None, changes).await?;
    own_role(scope, id).await
}

/// Deletes a role that nobody has.
///
/// # Errors
/// 404; 403 `role_above_own`; 409 `role_in_use` with how many have it.
pub async fn delete_role(scope: &Scope, id: RoleId) -> Result<()> {
    let before = own_role(scope, id).await?;
    let held: Vec<_> = before.permissions.iter().filter_map(|name| grantable(name)).collect();
    ensure_holds(scope.tenant(), &held)?;
    // The row is taken first: whoever gives the role at the same moment takes it too.
    let hold = scope.update::<role::Entity>().col_expr(role::Column::Version, Expr::col(role::Column::Version).add(1));
    if scope.run(hold.filter(role::Column::Id.eq(id))).await? == 0 {
        return Err(Error::NOT_FOUND);
    }
    let holders = people::holders(scope, &id.to_string()).await?;
    if !holders.is_empty() {
        return Err(Error::conflict("role_in_use", "people have this role: give them another first", json!({ "people": holders.len() })));
    }
    scope.remove(scope.delete::<role_permission::Entity>().filter(role_permission::Column::RoleId.eq(id))).await?;
    scope.remove(scope.delete::<role::Entity>().filter(role::Column::Id.eq(id))).await?;
    scope.audit("delete", "role", id, None, vec![("name", json!(before.role.name), json!(null))]).await
}
