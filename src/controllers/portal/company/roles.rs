//! Roles: the built-in ones, and those that the company makes out of permissions.

use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::super::{PageResult, Visitor, fields::Fields};
use crate::{
    controllers::extract::Id,
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::RoleId,
    models::{
        companies::{self, Company},
        identity::{self, NewRole, OwnRole, PeopleFilter, RoleChange},
    },
    tenancy::{
        Access, Permission, Role, Tenant,
        roles::{self, RolesRead, RolesWrite, UsersRead, UsersWrite},
    },
    views::templates,
};

const PAGE: &str = "/company/roles";
/// So many of a role's people are named on its page; the rest are in the list of staff.
const NAMED: u64 = 20;

async fn index(visitor: Visitor<RolesRead>) -> PageResult<Html<String>> {
    let (company, data) = list_page(&visitor).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/roles/index.html", &company, data)
}

async fn list_page(visitor: &Visitor<RolesRead>) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let people = identity::holders_of_each(&scope).await?;
    let count = |role: &str| people.get(role).copied().unwrap_or_default();
    let built_in = Role::OF_STAFF.map(|role| {
        let name = role.name();
        json!({ "id": name, "name": visitor.text(&format!("roles.name.{name}")), "text": visitor.text(&format!("roles.text.{name}")), "people": count(name) })
    });
    let own = identity::own_roles(&scope).await?;
    let own = own.iter().map(|one| {
        let allows: Vec<_> = one.permissions.iter().map(|name| permission_text(name, &visitor.language)).collect();
        json!({ "id": one.role.id, "name": one.role.name, "allows": allows.join(" · "), "people": count(&one.role.id.to_string()) })
    });
    let data = json!({
        "built_in": built_in, "own": own.collect::<Vec<_>>(), "can_write": visitor.access.tenant().may(RolesWrite::NAME),
        "can_people": visitor.access.tenant().may(UsersRead::NAME),
    });
    Ok((company, data))
}

/// What a permission allows, in words; its name where nobody has said it in words yet.
fn permission_text(name: &str, language: &str) -> String {
    let key = format!("permission.{}", name.replace(':', "_"));
    let text = templates::text(&key, language);
    if text == key { name.to_owned() } else { text }
}

/// The permissions that somebody may give, and those that are given already, in their groups.
fn groups(tenant: &Tenant, chosen: &[String], language: &str) -> Vec<Value> {
    let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
    let offered = roles::grantable().filter(|name| tenant.may_at(name, None) || chosen.iter().any(|one| one == name));
    for name in offered {
        let of = name.split(':').next().unwrap_or_default();
        let item = json!({
            "name": name, "text": permission_text(name, language), "on": chosen.iter().any(|one| one == name),
            "everywhere": !roles::fits_a_shop(name),
        });
        match groups.iter_mut().find(|(group, _)| group == of) {
            Some((_, items)) => items.push(item),
            None => groups.push((of.to_owned(), vec![item])),
        }
    }
    let titled = |(group, items): (String, Vec<Value>)| {
        let key = format!("permission.group.{group}");
        let title = templates::text(&key, language);
        json!({ "title": if title == key { group } else { title }, "items": items })
    };
    groups.into_iter().map(titled).collect()
}

async fn new(visitor: Visitor<RolesWrite>) -> PageResult<Html<String>> {
    let (company, data) = new_page(&visitor, &[]).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/roles/form.html", &company, data)
}

async fn new_page(visitor: &Visitor<RolesWrite>, chosen: &[String]) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let data = json!({ "role": null, "groups": groups(scope.tenant(), chosen, &visitor.language), "can_write": true });
    Ok((company, data))
}

async fn create(visitor: Visitor<RolesWrite>, mut fields: Fields) -> PageResult<Response> {
    match add(&visitor.access, &mut fields).await {
        Ok(role) => Ok(visitor.done(&format!("{PAGE}/{}", role.role.id), "role_made").into_response()),
        Err(error) => {
            let visitor = visitor.refused(mended(error), &fields)?;
            let (company, data) = new_page(&visitor, fields.all("permissions")).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/roles/form.html", &company, data)
        }
    }
}

/// What a person can mend by another choice is a refused form, not a closed door.
fn mended(error: Error) -> Error {
    match error {
        Error::NotAllowed { code: "role_above_own" } => {
            Error::invalid("permissions", "role_above_own", "this allows more than you may do yourself")
        }
        error => error,
    }
}

async fn add(access: &Access<RolesWrite>, fields: &mut Fields) -> Result<OwnRole> {
    let name = fields.text("name");
    fields.end()?;
    let scope = access.write().await?;
    let role = identity::add_role(&scope, NewRole { name, permissions: fields.all("permissions").to_vec() }).await?;
    scope.commit().await?;
    Ok(role)
}

async fn show(visitor: Visitor<RolesRead>, Id(id): Id<RoleId>) -> PageResult<Html<String>> {
    let (company, data) = role_page(&visitor, id, None).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/roles/form.html", &company, data)
}

/// One role's page, for whoever may see roles or change them.
async fn role_page<P: Permission>(visitor: &Visitor<P>, id: RoleId, typed: Option<&Fields>) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let role = identity::own_role(&scope, id).await?;
    let chosen = typed.map_or(role.permissions.as_slice(), |typed| typed.all("permissions"));
    let count = identity::holders_of_each(&scope).await?.get(&id.to_string()).copied().unwrap_or_default();
    let mut holders = Vec::new();
    if let Some(people) = access.also::<UsersRead>() {
        let filter = PeopleFilter { role: Some(id.to_string()), ..PeopleFilter::default() };
        let found = identity::members(&people.read().await?, &filter, None, NAMED).await?;
        holders.extend(found.iter().map(|one| json!({ "id": one.member.id, "name": one.member.name, "email": one.member.email })));
    }
    let others = identity::own_roles(&scope).await?;
    let built_in = Role::OF_STAFF.map(|role| json!({ "value": role.name(), "label_key": format!("roles.name.{}", role.name()) }));
    let others = others.iter().filter(|one| one.role.id != id).map(|one| json!({ "value": one.role.id, "label": one.role.name }));
    let data = json!({
        "role": { "id": id, "name": role.role.name, "version": role.role.version, "people": count }, "holders": holders,
        "groups": groups(scope.tenant(), chosen, &visitor.language), "others": built_in.into_iter().chain(others).collect::<Vec<_>>(),
        "can_write": access.tenant().may(RolesWrite::NAME),
    });
    Ok((company, data))
}

async fn again(visitor: Visitor<RolesWrite>, id: RoleId, error: Error, typed: &Fields, is_change: bool) -> PageResult<Response> {
    let visitor = visitor.refused(mended(error), typed)?;
    let read = role_page(&visitor, id, Some(typed).filter(|_| is_change)).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.again("company/roles/form.html", &company, data)
}

async fn change(visitor: Visitor<RolesWrite>, Id(id): Id<RoleId>, mut fields: Fields) -> PageResult<Response> {
    match save(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&format!("{PAGE}/{id}"), "saved").into_response()),
        Err(error) => again(visitor, id, error, &fields, true).await,
    }
}

async fn save(access: &Access<RolesWrite>, id: RoleId, fields: &mut Fields) -> Result<()> {
    let (name, version) = (fields.text("name"), fields.parsed::<i64>("version"));
    fields.end()?;
    let change = RoleChange { name: Some(name), permissions: Some(fields.all("permissions").to_vec()) };
    let scope = access.write().await?;
    identity::change_role(&scope, id, change, version).await?;
    scope.commit().await
}

async fn remove(visitor: Visitor<RolesWrite>, Id(id): Id<RoleId>, fields: Fields) -> PageResult<Response> {
    match retire(&visitor.access, id, fields.raw("instead")).await {
        Ok(()) => Ok(visitor.done(PAGE, "role_removed").into_response()),
        Err(error) => again(visitor, id, error, &fields, false).await,
    }
}

async fn retire(access: &Access<RolesWrite>, id: RoleId, instead: &str) -> Result<()> {
    // To give people another role takes more than to make roles.
    if !instead.is_empty() && !access.tenant().may_at(UsersWrite::NAME, None) {
        return Err(Error::NotAllowed { code: "forbidden" });
    }
    let scope = access.write().await?;
    identity::retire_role(&scope, id, Some(instead).filter(|instead| !instead.is_empty())).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<RolesRead, _>(PAGE, "The built-in roles and the company's own", index),
        post::<RolesWrite, _>(PAGE, "Makes a role", create),
        get::<RolesWrite, _>("/company/roles/new", "The form of a new role", new),
        get::<RolesRead, _>("/company/roles/{id}", "One role of the company's own", show),
        post::<RolesWrite, _>("/company/roles/{id}", "Changes what a role is called or allows", change),
        post::<RolesWrite, _>("/company/roles/{id}/remove", "Removes a role; its people get another", remove),
    ]
}

#[cfg(test)]
mod tests {
    use super::permission_text;
    use crate::{tenancy::roles, views::templates};

    #[test]
    fn every_permission_of_a_role_is_said_in_words_in_each_language() {
        for name in roles::grantable() {
            for language in templates::LANGUAGES {
                assert_ne!(permission_text(name, language), name, "say `permission.{}` in roles.json, {language}", name.replace(':', "_"));
            }
        }
    }
}
