//! Roles: the built-in ones, and those that the company makes out of permissions.

use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{PageResult, Visitor, export, fields::Fields, lists::Listing};
use crate::{
    controllers::extract::{Id, Query},
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::RoleId,
    models::{
        companies::{self, Company},
        identity::{self, NewRole, OwnRole, PeopleFilter, RoleChange},
    },
    tenancy::{
        Access, Permission, Role, Scope, Tenant,
        roles::{self, RolesRead, RolesWrite, UsersRead, UsersWrite},
    },
    translated::{self, with_name},
    views::templates,
    words::fold,
};

const PAGE: &str = "/company/roles";
/// So many of a role's people are named on its page; the rest are in the list of staff.
const NAMED: u64 = 20;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct List {
    q: String,
}

impl List {
    /// Whether the words are in one of these.
    fn has(&self, texts: &[&str]) -> bool {
        let words = fold(&self.q);
        texts.iter().any(|text| fold(text).contains(&words))
    }
}

async fn index(visitor: Visitor<RolesRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let (company, data) = list_page(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/roles/index.html", &company, data)
}

async fn list_page(visitor: &Visitor<RolesRead>, list: &List) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let (built_in, own) = both(&scope, &visitor.language, list).await?;
    let chips = vec![("q", visitor.text("ui.search"), list.q.clone())];
    let listing = Listing { chips, count: built_in.len() + own.len(), ..Listing::default() };
    let data = json!({
        "list": visitor.list(&scope, listing).await?, "filter": { "q": list.q },
        "built_in": built_in, "own": own, "can_write": visitor.access.tenant().may(RolesWrite::NAME),
        "can_people": visitor.access.tenant().may(UsersRead::NAME),
    });
    Ok((company, data))
}

/// A role as a row: what it allows, in words, and how many people have it.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    allows: String,
    people: usize,
}

/// The built-in roles and the company's own in which the words are.
async fn both(scope: &Scope, language: &str, list: &List) -> Result<(Vec<Row>, Vec<Row>)> {
    let people = identity::holders_of_each(scope).await?;
    let row = |id: String, name: String, allows: String| Row { people: people.get(&id).copied().unwrap_or_default(), id, name, allows };
    let built_in = Role::OF_STAFF.iter().map(|role| {
        let word = |of: &str| templates::text(&format!("roles.{of}.{}", role.name()), language);
        row(role.name().to_owned(), word("name"), word("text"))
    });
    let own = identity::own_roles(scope).await?;
    let own = own.iter().map(|one| {
        let allows: Vec<_> = one.permissions.iter().map(|name| permission_text(name, language)).collect();
        row(one.role.id.to_string(), one.name_in(language).to_owned(), allows.join(" · "))
    });
    let fits = |row: &Row| list.has(&[&row.name, &row.allows]);
    Ok((built_in.filter(fits).collect(), own.filter(fits).collect()))
}

const COLUMNS: [&str; 4] = ["role", "kind", "allows", "people"];

async fn export(visitor: Visitor<RolesRead>, Query(list): Query<List>) -> PageResult<Response> {
    let read = lines(&visitor, &list).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("roles", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn lines(visitor: &Visitor<RolesRead>, list: &List) -> Result<Vec<Vec<String>>> {
    let scope = visitor.access.read().await?;
    let (built_in, own) = both(&scope, &visitor.language, list).await?;
    let kinds = own.into_iter().map(|row| ("own", row)).chain(built_in.into_iter().map(|row| ("built-in", row)));
    Ok(kinds.map(|(kind, row)| vec![row.name, kind.into(), row.allows, row.people.to_string()]).collect())
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
    let translations = with_name(Value::Null, "hi", fields.optional("translations.hi.name"));
    fields.end()?;
    let scope = access.write().await?;
    let role = identity::add_role(&scope, NewRole { name, translations, permissions: fields.all("permissions").to_vec() }).await?;
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
    let others =
        others.iter().filter(|one| one.role.id != id).map(|one| json!({ "value": one.role.id, "label": one.name_in(&visitor.language) }));
    let data = json!({
        "role": { "id": id, "name": role.role.name, "hindi": translated::name(&role.role.translations, "hi"), "version": role.role.version, "people": count }, "holders": holders,
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
    let (name, hindi, version) = (fields.text("name"), fields.optional("translations.hi.name"), fields.parsed::<i64>("version"));
    fields.end()?;
    let scope = access.write().await?;
    let translations = with_name(identity::own_role(&scope, id).await?.role.translations, "hi", hindi);
    let permissions = fields.all("permissions").to_vec();
    let change = RoleChange { name: Some(name), translations: Some(translations), permissions: Some(permissions) };
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
        get::<RolesRead, _>("/company/roles/export.csv", "Roles as CSV", export),
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
