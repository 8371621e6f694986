//! Who works at a shop, and as what.

use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{
    super::super::{PageResult, Visitor, fields::Fields, has_page},
    answer,
};
use crate::{
    controllers::extract::{Id, Ids},
    endpoints::{Endpoint, post},
    errors::Result,
    ids::{MemberId, ShopId},
    models::{
        identity::{self, PeopleFilter},
        shops,
    },
    tenancy::{Access, Role, Scope, roles::UsersWrite},
    views::templates,
};

/// More people than this nobody reads on a shop's page.
const PEOPLE: u64 = 200;
/// The built-in roles that are held at a shop.
const AT_SHOPS: [Role; 3] = [Role::ShopManager, Role::ShopStaff, Role::Rider];

/// The people of a shop with their roles there.
pub(super) async fn people(scope: &Scope, shop: ShopId, language: &str) -> Result<Value> {
    let filter = PeopleFilter { shop: Some(shop), ..PeopleFilter::default() };
    let found = identity::members(scope, &filter, None, PEOPLE).await?;
    let names = identity::role_names(scope, &found).await?;
    let has_page = has_page("/company/staff/{id}");
    let rows = found.iter().map(|one| {
        let here = one.assignments.iter().filter(|row| row.shop_id == Some(shop));
        let roles: Vec<_> = here.map(|row| names.get(&row.role).cloned().unwrap_or_else(|| role_name(&row.role, language))).collect();
        json!({
            "id": one.member.id, "name": one.member.name, "email": one.member.email, "roles": roles.join(", "), "fill": json!({ "name": one.member.name }).to_string(),
            "presence": one.presence().name(), "href": has_page.then(|| format!("/company/staff/{}", one.member.id)),
        })
    });
    Ok(rows.collect())
}

/// A built-in role in somebody's language.
fn role_name(role: &str, language: &str) -> String {
    templates::text(&format!("shops.role.{role}"), language)
}

/// Who of the company's people may be given a role here.
pub(super) async fn candidates(scope: &Scope, shop: ShopId) -> Result<Value> {
    let found = identity::members(scope, &PeopleFilter::default(), None, PEOPLE).await?;
    let mut found: Vec<_> = found.into_iter().filter(|one| one.member.is_active && !one.assignments.is_empty()).collect();
    // Those who are not here yet come first.
    found.sort_by_key(|one| (one.assignments.iter().any(|row| row.shop_id == Some(shop)), one.member.sort_name.clone()));
    Ok(found.iter().map(|one| json!({ "value": one.member.id, "label": format!("{}, {}", one.member.name, one.member.email) })).collect())
}

/// The roles that can be held at a shop: the built-in ones, and those of the company's own.
pub(super) async fn roles(scope: &Scope, language: &str) -> Result<Value> {
    let built_in = AT_SHOPS.map(|role| json!({ "value": role.name(), "label": role_name(role.name(), language) }));
    let own = identity::own_roles(scope).await?;
    Ok(built_in.into_iter().chain(own.iter().map(|one| json!({ "value": one.role.id, "label": one.role.name }))).collect())
}

async fn add(visitor: Visitor<UsersWrite>, Id(id): Id<ShopId>, mut fields: Fields) -> PageResult<Response> {
    let done = assign(&visitor.access, id, &mut fields).await;
    answer(visitor, id, "shop_staff_added", &fields, done).await
}

async fn assign(access: &Access<UsersWrite>, id: ShopId, fields: &mut Fields) -> Result<()> {
    let member = fields.parsed::<MemberId>("userId");
    let role = fields.text("role");
    fields.end()?;
    let Some(member) = member else { return Ok(()) };
    let scope = access.write().await?;
    shops::get(&scope, id).await?;
    identity::assign_at(&scope, id, member, &role).await?;
    scope.commit().await
}

async fn remove(visitor: Visitor<UsersWrite>, Ids(id, member): Ids<ShopId, MemberId>) -> PageResult<Response> {
    match unassign(&visitor.access, id, member).await {
        Ok(()) => Ok(visitor.done(&format!("/company/shops/{id}"), "shop_staff_removed").into_response()),
        Err(error) => Ok(visitor.back(&format!("/company/shops/{id}"), error)?.into_response()),
    }
}

async fn unassign(access: &Access<UsersWrite>, id: ShopId, member: MemberId) -> Result<()> {
    let scope = access.write().await?;
    shops::get(&scope, id).await?;
    identity::unassign_at(&scope, id, member).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post::<UsersWrite, _>("/company/shops/{id}/staff", "Gives a person a role at a shop", add),
        post::<UsersWrite, _>("/company/shops/{id}/staff/{userId}/remove", "Takes a person's roles at a shop away", remove),
    ]
}
