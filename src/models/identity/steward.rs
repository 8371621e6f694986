//! What the platform does to people.

use sea_orm::{
    ColumnTrait, QueryFilter, QuerySelect, QueryTrait, UpdateMany,
    sea_query::{Expr, ExprTrait},
};
use serde_json::{Value, json};

use super::{
    customer_session,
    persons::{person_of, places_of_persons},
    session::{self, Which, Whose},
    staff, staff_session,
};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    events::Event,
    ids::{CompanyId, SessionId, StaffId},
    tenancy::{Actor, PLATFORM_COMPANY, Platform, Souk, Tenant},
};

/// Ends every session of a company's customers and staff: who comes again is asked whether it is
/// open. The platform's people stay.
pub async fn end_sessions_of_company(platform: &Platform, company: CompanyId) -> Result<()> {
    let now = || Expr::value(Some(clock::now()));
    let customers = platform.update::<customer_session::Entity>().col_expr(customer_session::Column::RevokedAt, now());
    let customers = customers.filter(customer_session::Column::CompanyId.eq(company));
    platform.run(customers.filter(customer_session::Column::RevokedAt.is_null())).await?;
    let stays = platform.find::<staff::Entity>().select_only().column(staff::Column::Id).filter(staff::Column::IsSuperAdmin.eq(true));
    let staff = platform.update::<staff_session::Entity>().col_expr(staff_session::Column::RevokedAt, now());
    let staff = staff.filter(staff_session::Column::CompanyId.eq(company));
    let staff = staff.filter(staff_session::Column::StaffId.not_in_subquery(stays.into_query()));
    platform.run(staff.filter(staff_session::Column::RevokedAt.is_null())).await?;
    Ok(())
}

/// Shuts a person out of every company and of the platform, at once.
///
/// # Errors
/// 404; 409 `oneself`, `already_so`; 422 without a reason.
pub async fn ban_person(souk: &Souk, by: &Tenant, id: StaffId, reason: &str) -> Result<()> {
    let reason = given(reason)?;
    refuse_oneself(by, id)?;
    let platform = souk.platform("stewardship").await?;
    let person = person_of(&platform, id).await?;
    let update = platform
        .update::<staff::Entity>()
        .col_expr(staff::Column::BannedAt, Expr::value(Some(clock::now())))
        .col_expr(staff::Column::BannedReason, Expr::value(Some(reason.clone())))
        .filter(staff::Column::BannedAt.is_null());
    turn(&platform, id, update).await?;
    session::end(&platform, Whose::Staff(id), Which::All).await?;
    note(&platform, by, &person, "ban", &reason).await?;
    platform.commit().await
}

/// Lets a person in again; they sign in anew.
///
/// # Errors
/// As [`ban_person`].
pub async fn unban_person(souk: &Souk, by: &Tenant, id: StaffId, reason: &str) -> Result<()> {
    let reason = given(reason)?;
    refuse_oneself(by, id)?;
    let platform = souk.platform("stewardship").await?;
    let person = person_of(&platform, id).await?;
    let update = platform
        .update::<staff::Entity>()
        .col_expr(staff::Column::BannedAt, Expr::value(None::<Instant>))
        .col_expr(staff::Column::BannedReason, Expr::value(None::<String>))
        .filter(staff::Column::BannedAt.is_not_null());
    turn(&platform, id, update).await?;
    note(&platform, by, &person, "unban", &reason).await?;
    platform.commit().await
}

/// Ends one of a person's sessions, or all of them; how many there were.
///
/// # Errors
/// 404 where there was none; 409 `oneself`; 422 without a reason.
pub async fn end_sessions_of_person(souk: &Souk, by: &Tenant, id: StaffId, one: Option<SessionId>, reason: &str) -> Result<u64> {
    let reason = given(reason)?;
    refuse_oneself(by, id)?;
    let platform = souk.platform("stewardship").await?;
    person_of(&platform, id).await?;
    let ended = session::end(&platform, Whose::Staff(id), one.map_or(Which::All, Which::One)).await?;
    if ended == 0 {
        return Err(Error::NOT_FOUND);
    }
    let scope = platform.into_scope(Tenant { company: PLATFORM_COMPANY, ..by.clone() }).await?;
    let changes = vec![("sessions", json!(ended), json!(0)), ("reason", Value::Null, json!(reason))];
    scope.audit("end_sessions", "staff", id, None, changes).await?;
    scope.emit(Event::new("user.logged_out", ("user", id.0), None, json!({ "all": one.is_none() }))).await?;
    scope.commit().await?;
    Ok(ended)
}

/// Why somebody does it: it is kept, so it has to be there.
pub(super) fn given(reason: &str) -> Result<String> {
    match reason.trim().chars().count() {
        0 => Err(Error::invalid("reason", "required", "say why")),
        501.. => Err(Error::invalid("reason", "too_long", "at most 500 characters")),
        _ => Ok(reason.trim().into()),
    }
}

/// Whoever shut themselves out could not come back: so somebody of the platform always stays.
fn refuse_oneself(by: &Tenant, id: StaffId) -> Result<()> {
    if by.actor == Actor::Platform(id) {
        return Err(Error::conflict("oneself", "another of the platform's people has to do this", json!({})));
    }
    Ok(())
}

async fn turn(platform: &Platform, id: StaffId, update: UpdateMany<staff::Entity>) -> Result<()> {
    let update = update
        .col_expr(staff::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(staff::Column::Version, Expr::col(staff::Column::Version).add(1))
        .filter(staff::Column::Id.eq(id));
    match platform.run(update).await? {
        0 => Err(Error::conflict("already_so", "there is nothing to change", json!({}))),
        _ => Ok(()),
    }
}

/// Says it where the person works, and with the reason in the platform's own chain.
async fn note(platform: &Platform, by: &Tenant, person: &staff::Model, action: &str, reason: &str) -> Result<()> {
    let places = places_of_persons(platform, &[person.id]).await?.remove(&person.id).unwrap_or_default();
    for place in places.iter().filter(|place| place.member.is_active) {
        let scope = platform.scope(Tenant { company: place.member.company_id, ..by.clone() }).await?;
        scope.audit(action, "member", place.member.id, None, vec![("byThePlatform", Value::Null, json!(true))]).await?;
        scope.keep().await?;
    }
    let scope = platform.scope(Tenant { company: PLATFORM_COMPANY, ..by.clone() }).await?;
    scope.audit(action, "staff", person.id, None, vec![("reason", Value::Null, json!(reason))]).await?;
    let event = if action == "ban" { "user.banned" } else { "user.updated" };
    scope.emit(Event::new(event, ("user", person.id.0), None, json!({}))).await?;
    scope.keep().await
}
