//! `/api/roles`: the built-in roles, and those that a company makes of named permissions.

use axum::{Json as Answer, http::StatusCode};
use serde_json::Value;

use crate::{
    controllers::{
        extract::{Id, Json, Version},
        page,
    },
    endpoints::{
        Endpoint,
        api::{delete, get, post, put},
    },
    errors::Result,
    ids::RoleId,
    models::identity::{self, NewRole, OwnRole, RoleChange},
    tenancy::{
        Access, Role, Scope,
        roles::{RolesRead, RolesWrite},
    },
    views::users as view,
};

async fn index(access: Access<RolesRead>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    let people = identity::holders_of_each(&scope).await?;
    let count = |role: &str| people.get(role).copied().unwrap_or_default();
    let built_in = Role::OF_STAFF.into_iter().map(|role| view::built_in(role, count(role.name())));
    let own = identity::own_roles(&scope).await?;
    let own = own.iter().map(|role| view::own(role, count(&role.role.id.to_string())));
    Ok(Answer(page::whole(built_in.chain(own).collect())))
}

async fn shown(scope: &Scope, role: &OwnRole) -> Result<Answer<Value>> {
    let people = identity::holders_of_each(scope).await?;
    Ok(Answer(view::own(role, people.get(&role.role.id.to_string()).copied().unwrap_or_default())))
}

async fn show(access: Access<RolesRead>, Id(id): Id<RoleId>) -> Result<Answer<Value>> {
    let scope = access.read_company().await?;
    let role = identity::own_role(&scope, id).await?;
    shown(&scope, &role).await
}

async fn create(access: Access<RolesWrite>, Json(new, _): Json<NewRole>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = access.write().await?;
    let role = identity::add_role(&scope, new).await?;
    let answer = shown(&scope, &role).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, answer))
}

async fn update(
    access: Access<RolesWrite>,
    Id(id): Id<RoleId>,
    Version(version): Version,
    Json(change, _): Json<RoleChange>,
) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    let role = identity::change_role(&scope, id, change, version).await?;
    let answer = shown(&scope, &role).await?;
    scope.commit().await?;
    Ok(answer)
}

async fn remove(access: Access<RolesWrite>, Id(id): Id<RoleId>) -> Result<StatusCode> {
    let scope = access.write().await?;
    identity::delete_role(&scope, id).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<RolesRead, _>("/api/roles", "The built-in roles and the company's own", index).answers(200, "[StaffRole]"),
        post::<RolesWrite, _>("/api/roles", "Makes a role out of permissions", create).answers(201, "StaffRole"),
        get::<RolesRead, _>("/api/roles/{id}", "One role of the company's own", show).answers(200, "StaffRole"),
        put::<RolesWrite, _>("/api/roles/{id}", "Changes what a role is called or allows", update).answers(200, "StaffRole"),
        delete::<RolesWrite, _>("/api/roles/{id}", "Deletes a role that nobody has", remove).empty(204),
    ]
}
