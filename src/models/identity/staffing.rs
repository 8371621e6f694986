//! What is done with members of staff: roles given and taken, sessions ended, people sent away.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    assignment, member,
    own_roles::delete_role,
    people::{self, Colleague},
    role,
    sign_in::{check_name, ensure_room},
    staff_session,
    standing::{ensure_within, grants_of},
};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    events::Event,
    ids::{AssignmentId, CompanyId, MemberId, RoleId, ShopId, StaffId},
    models::{companies, shops},
    tenancy::{Role, Scope, Souk},
    words::fold,
};

/// A role at a shop, or in the whole company.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NewAssignment")]
pub struct Place {
    /// A built-in role, or the id or name of one of the company's own.
    pub role: String,
    pub shop_id: Option<ShopId>,
}

/// What may be changed of a member.
#[derive(Clone, Debug, Default)]
pub struct MemberChange {
    pub name: Option<String>,
    /// All roles the person has from now on.
    pub places: Option<Vec<Place>>,
}

/// What the company knows each role by, checked: the roles exist, the shops are the company's, and
/// the caller may give that much.
///
/// # Errors
/// 422 for a role or a shop that is none; 403 `role_above_own`.
pub(super) async fn resolve(scope: &Scope, places: &[Place]) -> Result<Vec<Place>> {
    if places.is_empty() {
        return Err(Error::invalid("role", "required", "a member of staff has a role"));
    }
    let mut resolved = Vec::with_capacity(places.len());
    for place in places {
        let shop_needed = match Role::named(&place.role) {
            Some(role) if Role::OF_STAFF.contains(&role) => Some(role.is_of_shops()),
            Some(_) => return Err(no_such_role()),
            None => None,
        };
        match (shop_needed, place.shop_id) {
            (Some(true), None) => return Err(Error::invalid("shopIds", "required", "this role is given at shops")),
            (Some(false), Some(_)) => return Err(Error::invalid("shopIds", "not_here", "this role is of the whole company")),
            _ => {}
        }
        if let Some(shop) = place.shop_id {
            shops::of_company(scope, shop).await.map_err(|_| Error::invalid("shopIds", "unknown", "there is no such shop"))?;
        }
        let role = if shop_needed.is_some() { place.role.clone() } else { find_role(scope, &place.role).await?.to_string() };
        resolved.push(Place { role, shop_id: place.shop_id });
    }
    resolved.sort();
    resolved.dedup();
    let grants = grants_of(scope, &rows(scope, MemberId::new(), &resolved)).await?;
    ensure_within(scope.tenant(), &grants)?;
    Ok(resolved)
}

fn no_such_role() -> Error {
    Error::invalid("role", "unknown", "there is no such role")
}

/// Finds a role of the company's own by id or name.
async fn find_role(scope: &Scope, id_or_name: &str) -> Result<RoleId> {
    let row = scope.find::<role::Entity>();
    let row = match id_or_name.parse::<RoleId>() {
        Ok(id) => row.filter(role::Column::Id.eq(id)),
        Err(_) => row.filter(role::Column::Name.eq(id_or_name)),
    };
    scope.one(row).await?.map(|role| role.id).ok_or_else(no_such_role)
}

/// Takes the rows of the company's own roles among `places`, in order, so that none is deleted
/// while it is being given.
async fn hold_roles(scope: &Scope, places: &[Place]) -> Result<()> {
    let mut own: Vec<RoleId> = places.iter().filter_map(|place| place.role.parse().ok()).collect();
    own.sort_unstable();
    own.dedup();
    for id in own {
        let hold = scope.update::<role::Entity>().col_expr(role::Column::Version, Expr::col(role::Column::Version).add(0));
        if scope.run(hold.filter(role::Column::Id.eq(id))).await? == 0 {
            return Err(no_such_role());
        }
    }
    Ok(())
}

fn rows(scope: &Scope, member_id: MemberId, places: &[Place]) -> Vec<assignment::Model> {
    let row = |place: &Place| assignment::Model {
        company_id: scope.company(),
        id: AssignmentId::new(),
        member_id,
        shop_id: place.shop_id,
        role: place.role.clone(),
        created_at: clock::now(),
    };
    places.iter().map(row).collect()
}

fn places(rows: &[assignment::Model]) -> Vec<Place> {
    let mut places: Vec<_> = rows.iter().map(|row| Place { role: row.role.clone(), shop_id: row.shop_id }).collect();
    places.sort();
    places
}

fn told(places: &[Place]) -> Value {
    places.iter().map(|place| json!({ "role": place.role, "shopId": place.shop_id })).collect()
}

/// Gives resolved roles to a member who has none of them yet, and tells the shops.
pub(super) async fn assign(scope: &Scope, member: MemberId, places: &[Place]) -> Result<()> {
    hold_roles(scope, places).await?;
    scope.insert_all(rows(scope, member, places)).await?;
    for shop in places.iter().filter_map(|place| place.shop_id).collect::<std::collections::BTreeSet<_>>() {
        let data = json!({ "memberId": member });
        scope.emit(Event::new("shop.staff_assigned", ("shop", shop.0), Some(shop), data)).await?;
    }
    Ok(())
}

/// A company keeps somebody who can let others in: whoever takes the last admin away is refused.
/// The company's row is taken first, so that of two who go at once the second sees the first gone.
async fn keep_an_admin(scope: &Scope, leaving: &Colleague) -> Result<()> {
    let admin = Role::CompanyAdmin.name();
    if !leaving.assignments.iter().any(|row| row.role == admin) {
        return Ok(());
    }
    companies::hold(scope).await?;
    let holders = people::holders(scope, admin).await?;
    let others = scope
        .find::<member::Entity>()
        .filter(member::Column::Id.is_in(holders))
        .filter(member::Column::Id.ne(leaving.member.id))
        .filter(member::Column::IsActive.eq(true))
        .filter(member::Column::JoinedAt.is_not_null());
    match scope.one(others.limit(1)).await? {
        Some(_) => Ok(()),
        None => Err(Error::conflict("last_admin", "a company keeps at least one admin who has joined", json!({}))),
    }
}

/// The member, if the caller has power over all they are.
async fn subordinate(scope: &Scope, id: MemberId) -> Result<Colleague> {
    let found = people::colleague(scope, id).await?;
    ensure_within(scope.tenant(), &grants_of(scope, &found.assignments).await?)?;
    Ok(found)
}

/// A member's row moves on; `column`s are what changes besides.
async fn touch(scope: &Scope, before: &member::Model, columns: Vec<(member::Column, sea_orm::Value)>) -> Result<()> {
    let mut update = scope
        .update::<member::Entity>()
        .col_expr(member::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(member::Column::Version, Expr::col(member::Column::Version).add(1))
        .filter(member::Column::Id.eq(before.id))
        .filter(member::Column::Version.eq(before.version));
    for (column, value) in columns {
        update = update.col_expr(column, Expr::value(value));
    }
    if scope.run(update).await? == 1 { Ok(()) } else { Err(Error::Stale) }
}

fn sessions_end_now() -> (member::Column, sea_orm::Value) {
    (member::Column::SessionsFrom, Some(clock::now()).into())
}

/// Changes a member's name or roles; new roles end the sessions.
///
/// # Errors
/// 404; 412 when the row has changed since it was read; 403 `role_above_own`; 409 `last_admin`;
/// 422 for what cannot be.
pub async fn change_member(scope: &Scope, id: MemberId, change: MemberChange, version: Option<i64>) -> Result<Colleague> {
    let before = subordinate(scope, id).await?;
    if version.is_some_and(|version| version != before.member.version) {
        return Err(Error::Stale);
    }
    let name = change.name.as_deref().map(check_name).transpose()?.unwrap_or_else(|| before.member.name.clone());
    let old = places(&before.assignments);
    let new = match &change.places {
        Some(places) => resolve(scope, places).await?,
        None => old.clone(),
    };
    let mut columns = vec![(member::Column::Name, name.clone().into()), (member::Column::SortName, fold(&name).into())];
    let mut changes = vec![];
    if name != before.member.name {
        changes.push(("name", json!(before.member.name), json!(name)));
    }
    if new != old {
        if !new.iter().any(|place| place.role == Role::CompanyAdmin.name()) {
            keep_an_admin(scope, &before).await?;
        }
        columns.push(sessions_end_now());
        changes.push(("assignments", told(&old), told(&new)));
    }
    touch(scope, &before.member, columns).await?;
    if new != old {
        let gone = scope.delete::<assignment::Entity>().filter(assignment::Column::MemberId.eq(id));
        scope.remove(gone).await?;
        assign(scope, id, &new).await?;
        shops::forget_manager(scope, id, |shop| new.iter().any(|place| place.shop_id.is_none_or(|at| at == shop))).await?;
    }
    people::set_words(scope, None, Some(id), &name, &before.member.email, None).await?;
    scope.audit("update", "member", id, None, changes).await?;
    scope.emit(Event::new("user.updated", ("user", id.0), None, json!({}))).await?;
    people::colleague_company_wide(scope, id).await
}

/// Gives a member one more role at a shop, which ends their sessions as every new role does; the same
/// again changes nothing.
///
/// # Errors
/// 404; 403 `role_above_own`; 409 `not_active`; 422 for a role that is none.
pub async fn assign_at(scope: &Scope, shop: ShopId, id: MemberId, role: &str) -> Result<Colleague> {
    let before = people::colleague_company_wide(scope, id).await?;
    if !before.member.is_active {
        return Err(Error::conflict("not_active", "this person is shut out", json!({ "state": before.presence().name() })));
    }
    let place = Place { role: role.into(), shop_id: Some(shop) };
    let new = resolve(scope, std::slice::from_ref(&place)).await?;
    let old = places(&before.assignments);
    let fresh: Vec<_> = new.into_iter().filter(|place| !old.contains(place)).collect();
    if fresh.is_empty() {
        return Ok(before);
    }
    touch(scope, &before.member, vec![sessions_end_now()]).await?;
    assign(scope, id, &fresh).await?;
    scope.audit("assign", "member", id, Some(shop), vec![("assignments", json!(null), told(&fresh))]).await?;
    people::colleague_company_wide(scope, id).await
}

/// Takes a member's roles at a shop away; their sessions end.
///
/// # Errors
/// 404 when they have none there; 403 `role_above_own`.
pub async fn unassign_at(scope: &Scope, shop: ShopId, id: MemberId) -> Result<Colleague> {
    let before = people::colleague_company_wide(scope, id).await?;
    let here: Vec<_> = before.assignments.iter().filter(|row| row.shop_id == Some(shop)).cloned().collect();
    if here.is_empty() {
        return Err(Error::NOT_FOUND);
    }
    ensure_within(scope.tenant(), &grants_of(scope, &here).await?)?;
    touch(scope, &before.member, vec![sessions_end_now()]).await?;
    let gone = scope.delete::<assignment::Entity>().filter(assignment::Column::MemberId.eq(id));
    scope.remove(gone.filter(assignment::Column::ShopId.eq(shop))).await?;
    shops::forget_manager(scope, id, |at| at != shop).await?;
    scope.audit("unassign", "member", id, Some(shop), vec![("assignments", told(&places(&here)), json!(null))]).await?;
    scope.emit(Event::new("user.updated", ("user", id.0), None, json!({}))).await?;
    people::colleague_company_wide(scope, id).await
}

/// Sends a member away: the roles go, the sessions end at once.
///
/// # Errors
/// 404; 403 `role_above_own`; 409 `last_admin`.
pub async fn deactivate(scope: &Scope, id: MemberId) -> Result<()> {
    let before = subordinate(scope, id).await?;
    keep_an_admin(scope, &before).await?;
    touch(scope, &before.member, vec![(member::Column::IsActive, false.into()), sessions_end_now()]).await?;
    let gone = scope.delete::<assignment::Entity>().filter(assignment::Column::MemberId.eq(id));
    scope.remove(gone).await?;
    shops::forget_manager(scope, id, |_| false).await?;
    let changes =
        vec![("isActive", json!(before.member.is_active), json!(false)), ("assignments", told(&places(&before.assignments)), json!([]))];
    scope.audit("deactivate", "member", id, None, changes).await?;
    scope.emit(Event::new("user.updated", ("user", id.0), None, json!({}))).await
}

/// Shuts a member out, roles kept, or lets them in again.
///
/// # Errors
/// 404; 403 `role_above_own`; 409 `last_admin`, `plan_limit`, or `already_so`.
pub async fn set_banned(scope: &Scope, id: MemberId, banned: bool) -> Result<Colleague> {
    let before = subordinate(scope, id).await?;
    if before.assignments.is_empty() || before.member.is_active != banned {
        return Err(Error::conflict("already_so", "there is nothing to change", json!({ "state": before.presence().name() })));
    }
    if banned {
        keep_an_admin(scope, &before).await?;
    } else {
        ensure_room(scope).await?;
    }
    touch(scope, &before.member, vec![(member::Column::IsActive, (!banned).into()), sessions_end_now()]).await?;
    let action = if banned { "ban" } else { "unban" };
    scope.audit(action, "member", id, None, vec![("isActive", json!(banned), json!(!banned))]).await?;
    let event = if banned { "user.banned" } else { "user.updated" };
    scope.emit(Event::new(event, ("user", id.0), None, json!({}))).await?;
    people::colleague_company_wide(scope, id).await
}

/// Ends all of a member's sessions in the company.
///
/// # Errors
/// 404; 403 `role_above_own`.
pub async fn end_sessions(scope: &Scope, id: MemberId) -> Result<()> {
    let before = subordinate(scope, id).await?;
    touch(scope, &before.member, vec![sessions_end_now()]).await?;
    scope.audit("end_sessions", "member", id, None, vec![]).await
}

/// Where a member of the caller's is signed in to this company, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sessions_of(souk: &Souk, member: &member::Model) -> Result<Vec<staff_session::Model>> {
    let platform = souk.platform("account").await?;
    let mut rows = platform
        .find::<staff_session::Entity>()
        .filter(staff_session::Column::StaffId.eq(member.staff_id))
        .filter(staff_session::Column::CompanyId.eq(member.company_id))
        .filter(staff_session::Column::RevokedAt.is_null())
        .filter(staff_session::Column::ExpiresAt.gt(clock::now()));
    if let Some(from) = member.sessions_from {
        rows = rows.filter(staff_session::Column::CreatedAt.gte(from));
    }
    platform.all(rows.order_by_desc(staff_session::Column::Id).limit(50)).await
}

/// When some members last signed in to this company; sessions are remembered as long as they are kept.
///
/// # Errors
/// When the database cannot be reached.
pub async fn last_sign_ins(souk: &Souk, company: CompanyId, members: &[StaffId]) -> Result<BTreeMap<StaffId, Instant>> {
    let platform = souk.platform("account").await?;
    let rows = platform
        .find::<staff_session::Entity>()
        .select_only()
        .column(staff_session::Column::StaffId)
        .column_as(staff_session::Column::CreatedAt.max(), "at")
        .filter(staff_session::Column::StaffId.is_in(members.iter().copied()))
        .filter(staff_session::Column::CompanyId.eq(company))
        .group_by(staff_session::Column::StaffId);
    let rows = platform.all_as::<SignIn, _>(rows).await?;
    Ok(rows.into_iter().map(|row| (row.staff_id, row.at)).collect())
}

#[derive(FromQueryResult)]
struct SignIn {
    staff_id: StaffId,
    at: Instant,
}

/// Whoever has more holders is changed in several steps.
const HOLDERS_MAX: usize = 200;

/// Deletes a role of the company's own; whoever has it gets the role `instead` at the same places.
///
/// # Errors
/// As [`delete_role`] where nothing is given instead, and as [`change_member`] for what the holders
/// get; 422 `not_of_shops` for a role that cannot be held where they have theirs; 409 `too_many_holders`.
pub async fn retire_role(scope: &Scope, id: RoleId, instead: Option<&str>) -> Result<()> {
    let gone = id.to_string();
    if let Some(instead) = instead.filter(|instead| *instead != gone) {
        let holders = people::holders(scope, &gone).await?;
        if holders.len() > HOLDERS_MAX {
            return Err(Error::conflict("too_many_holders", "too many people have this role", json!({ "people": holders.len() })));
        }
        for holder in holders {
            let one = people::colleague_company_wide(scope, holder).await?;
            let moved = places(&one.assignments).into_iter();
            let moved: Vec<_> =
                moved.map(|place| if place.role == gone { Place { role: instead.into(), ..place } } else { place }).collect();
            let change = MemberChange { name: None, places: Some(moved) };
            match change_member(scope, holder, change, None).await {
                Err(Error::Invalid(_)) => {
                    return Err(Error::invalid("instead", "not_of_shops", "this role cannot be held where somebody has theirs"));
                }
                done => done.map(|_| ())?,
            }
        }
    }
    delete_role(scope, id).await
}
