//! The people of the platform and of its companies' staff, as the platform finds them.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func, LikeExpr},
};

use super::{
    assignment, member,
    people::{Colleague, PeopleBy},
    role,
    staff::{self, Column, Model as Staff},
    staff_session,
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{RoleId, StaffId},
    keyset::{self, Place, Sort},
    tenancy::Platform,
};

/// Which people a list is narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// The platform's own.
    Platform,
    Banned,
    /// Who has not come yet.
    Invited,
}

/// What a list of people is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct PersonSearch {
    /// A part of the name or the e-mail.
    pub words: Option<String>,
    pub among: Option<Among>,
}

/// How somebody stands with the platform.
#[must_use]
pub const fn person_state(one: &Staff) -> &'static str {
    match (one.banned_at.is_some(), one.password.is_empty()) {
        (true, _) => "banned",
        (false, true) => "invited",
        (false, false) => "active",
    }
}

/// People, newest first, from before `before`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn persons(platform: &Platform, search: &PersonSearch, before: Option<StaffId>, limit: u64) -> Result<Vec<Staff>> {
    let newest = Sort { by: PeopleBy::Since, falls: true };
    sorted_persons(platform, search, newest, before.map(|id| Place { at: None, id: id.0 }), limit).await
}

/// As [`persons`], in the order that a person chose.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sorted_persons(
    platform: &Platform,
    search: &PersonSearch,
    sort: Sort<PeopleBy>,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<Staff>> {
    let mut rows = platform.find::<staff::Entity>();
    match search.among {
        Some(Among::Platform) => rows = rows.filter(Column::IsSuperAdmin.eq(true)),
        Some(Among::Banned) => rows = rows.filter(Column::BannedAt.is_not_null()),
        Some(Among::Invited) => rows = rows.filter(Column::Password.eq("")).filter(Column::BannedAt.is_null()),
        None => {}
    }
    if let Some(words) = search.words.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
        let escaped: String =
            words.to_lowercase().chars().flat_map(|one| matches!(one, '%' | '_' | '\\').then_some('\\').into_iter().chain([one])).collect();
        let part = || LikeExpr::new(format!("%{escaped}%")).escape('\\');
        let name = Expr::expr(Func::lower(Expr::col(Column::Name))).like(part());
        rows = rows.filter(Condition::any().add(name).add(Expr::col(Column::Email).like(part())));
    }
    let by = (sort.by == PeopleBy::Name).then(|| Column::SortName.into_expr());
    platform.all(keyset::sorted(rows, by, Column::Id, sort.falls, after).limit(limit)).await
}

/// One person.
///
/// # Errors
/// 404 when there is none.
pub async fn person_of(platform: &Platform, id: StaffId) -> Result<Staff> {
    platform.one(platform.find::<staff::Entity>().filter(Column::Id.eq(id))).await?.ok_or(Error::NOT_FOUND)
}

/// Those of some people who are there.
///
/// # Errors
/// When the database cannot be reached.
pub async fn persons_of(platform: &Platform, ids: &[StaffId]) -> Result<Vec<Staff>> {
    let rows = platform.find::<staff::Entity>().filter(Column::Id.is_in(ids.iter().copied()));
    platform.all(rows.order_by_desc(Column::Id)).await
}

/// Where some people are on the staff, the oldest place first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn places_of_persons(platform: &Platform, ids: &[StaffId]) -> Result<BTreeMap<StaffId, Vec<Colleague>>> {
    let members = platform.find::<member::Entity>().filter(member::Column::StaffId.is_in(ids.iter().copied()));
    let members = platform.all(members.filter(member::Column::Kind.eq(member::STAFF)).order_by_asc(member::Column::Id)).await?;
    let rows = platform.find::<assignment::Entity>().filter(assignment::Column::CompanyId.is_in(members.iter().map(|one| one.company_id)));
    let rows = platform.all(rows.filter(assignment::Column::MemberId.is_in(members.iter().map(|one| one.id)))).await?;
    let mut places: BTreeMap<StaffId, Vec<Colleague>> = BTreeMap::new();
    for member in members {
        let assignments = rows.iter().filter(|row| row.member_id == member.id).cloned().collect();
        places.entry(member.staff_id).or_default().push(Colleague { member, assignments });
    }
    Ok(places)
}

/// The names of the companies' own roles among some places, by the text that stands in an assignment.
///
/// # Errors
/// When the database cannot be reached.
pub async fn own_role_names(platform: &Platform, places: &[Colleague]) -> Result<BTreeMap<String, String>> {
    let own: Vec<RoleId> = places.iter().flat_map(|one| &one.assignments).filter_map(|row| row.role.parse().ok()).collect();
    if own.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = platform.find::<role::Entity>().filter(role::Column::CompanyId.is_in(places.iter().map(|one| one.member.company_id)));
    let rows = platform.all(rows.filter(role::Column::Id.is_in(own))).await?;
    Ok(rows.into_iter().map(|row| (row.id.to_string(), row.name)).collect())
}

/// Where somebody is signed in, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sessions_of_person(platform: &Platform, id: StaffId) -> Result<Vec<staff_session::Model>> {
    use staff_session::{Column, Entity};
    let rows = platform.find::<Entity>().filter(Column::StaffId.eq(id)).filter(Column::RevokedAt.is_null());
    platform.all(rows.filter(Column::ExpiresAt.gt(clock::now())).order_by_desc(Column::Id).limit(50)).await
}
