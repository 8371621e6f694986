//! Acting as: one of the platform's people at work in a company in place of one of its admins, for
//! a short while and for a reason that is kept.
//!
//! It hangs on the session that began it and needs no end to be over: whoever asks after its time,
//! when the company is stopped or the person is no longer the platform's, is nobody there. The end
//! is written into both chains, by whoever ends it or by the recurring task that finds it over.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ColumnTrait, Condition, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::{Value, json};

use super::{
    account::Person,
    member, session,
    sign_in::admins,
    staff,
    staff_session::{self, Column, Model as Row},
    steward::given,
};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    events::Event,
    ids::{CompanyId, MemberId, SessionId},
    models::companies::{self, ACTIVE, Company},
    tenancy::{Actor, PLATFORM_COMPANY, Platform, Role, Scope, Souk, Tenant},
};

/// The longest that somebody acts.
const LASTS: Duration = Duration::from_secs(30 * 60);

/// In whose place a session acts, and until when.
#[derive(Clone, Debug)]
pub struct Acting {
    pub company: Company,
    /// The admin whose place is taken.
    pub admin: String,
    pub until: Instant,
    pub reason: String,
    /// The platform's person, as they act in the company.
    pub tenant: Tenant,
}

/// Why acting came to its end.
#[derive(Clone, Copy, Debug)]
enum End {
    Asked,
    Time,
    SignedOut,
    CompanyStopped,
    RoleLost,
}

impl End {
    const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Time => "time",
            Self::SignedOut => "signed_out",
            Self::CompanyStopped => "company_stopped",
            Self::RoleLost => "role_lost",
        }
    }
}

/// What a session acts in now, if it does.
pub(super) async fn of_session(platform: &Platform, row: &Row, staff: &staff::Model) -> Result<Option<Acting>> {
    let (Some(company), Some(admin), Some(until)) = (row.acting_company_id, row.acting_member_id, row.acting_until) else {
        return Ok(None);
    };
    if until <= clock::now() || !staff.is_super_admin {
        return Ok(None);
    }
    let company = companies::named(platform, &[company]).await?.pop().filter(|company| company.status == ACTIVE);
    let Some(company) = company else { return Ok(None) };
    let rows = platform.find::<member::Entity>().filter(member::Column::CompanyId.eq(company.id));
    let rows = rows.filter(Condition::any().add(member::Column::Id.eq(admin)).add(member::Column::StaffId.eq(staff.id)));
    let rows = platform.all(rows).await?;
    let admin = rows.iter().find(|one| one.id == admin).map(|one| one.name.clone()).unwrap_or_default();
    let Some(own) = rows.iter().find(|one| one.staff_id == staff.id) else { return Ok(None) };
    let tenant = Tenant { standing: company.standing, ..tenant(company.id, own.id, &staff.name, &admin) };
    let reason = row.acting_reason.clone().unwrap_or_default();
    Ok(Some(Acting { company, admin, until, reason, tenant }))
}

/// The platform's person in the place of an admin: they may what an admin may, and both names go along.
fn tenant(company: CompanyId, own: MemberId, name: &str, admin: &str) -> Tenant {
    Tenant {
        actor: Actor::Member(own),
        role: Role::CompanyAdmin,
        name: name.into(),
        acting_for: Some(Arc::from(admin)),
        ..Tenant::system(company)
    }
}

/// Lets a super admin's session act in the place of a company's admin. The session's secret is a new
/// one from then on, which is the answer.
///
/// # Errors
/// 404 for no such company; 409 `company_state` when it is not open, `acting_already`; 422 without a
/// reason, or for somebody who is no admin there.
pub async fn act_as(
    souk: &Souk,
    person: &Tenant,
    session: SessionId,
    company: CompanyId,
    admin: Option<MemberId>,
    reason: &str,
) -> Result<String> {
    let reason = given(reason)?;
    let platform = souk.platform("stewardship").await?;
    let company = companies::find(&platform, company).await?;
    if company.status != ACTIVE {
        return Err(Error::conflict("company_state", "the company is not in a state for this", json!({ "state": company.status })));
    }
    let (row, staff) = of(&platform, session).await?;
    if of_session(&platform, &row, &staff).await?.is_some() {
        return Err(Error::conflict("acting_already", "this session acts in a company already", json!({})));
    }
    if row.acting_company_id.is_some() {
        over(&platform, &row, &staff, End::Time, person).await?;
    }
    let scope = platform.scope(Tenant { company: company.id, ..person.clone() }).await?;
    let unknown = || Error::invalid("admin", "unknown", "an admin of this company");
    let admin = admins(&scope).await?.into_iter().find(|one| Some(one.id) == admin).ok_or_else(unknown)?;
    let own = place_of(&scope, &staff).await?;
    scope.keep().await?;
    let until = std::cmp::min(clock::now().plus(LASTS), row.expires_at);
    let begin = platform
        .update::<staff_session::Entity>()
        .col_expr(Column::ActingCompanyId, Expr::value(Some(company.id)))
        .col_expr(Column::ActingMemberId, Expr::value(Some(admin.id)))
        .col_expr(Column::ActingUntil, Expr::value(Some(until)))
        .col_expr(Column::ActingReason, Expr::value(Some(reason.clone())))
        .filter(Column::Id.eq(session))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ActingCompanyId.is_null());
    if platform.run(begin).await? == 0 {
        return Err(Error::conflict("acting_already", "this session acts in a company already", json!({})));
    }
    let acting = from(person, tenant(company.id, own, &staff.name, &admin.name));
    let changes = vec![("until", Value::Null, json!(until)), ("reason", Value::Null, json!(reason))];
    note(&platform, &acting, person, "act_as", changes).await?;
    let secret = session::renew(souk, &platform, &Person::Staff(staff), session).await?.refresh_token;
    platform.commit().await?;
    Ok(secret)
}

/// Ends what a session acts in, and gives it a new secret; nothing where it acts in nothing.
///
/// # Errors
/// When the database cannot be reached.
pub async fn stop_acting(souk: &Souk, person: &Tenant, session: SessionId) -> Result<Option<String>> {
    let platform = souk.platform("stewardship").await?;
    let (row, staff) = of(&platform, session).await?;
    let is_live = of_session(&platform, &row, &staff).await?.is_some();
    if !over(&platform, &row, &staff, if is_live { End::Asked } else { End::Time }, person).await? {
        return Ok(None);
    }
    let secret = session::renew(souk, &platform, &Person::Staff(staff), session).await?.refresh_token;
    platform.commit().await?;
    Ok(Some(secret))
}

/// Ends what a session acts in, since the person signs out.
pub(super) async fn signed_out(platform: &Platform, session: SessionId, person: &Tenant) -> Result<()> {
    let row = platform.find::<staff_session::Entity>().filter(Column::Id.eq(session)).filter(Column::ActingCompanyId.is_not_null());
    let Some(row) = platform.one(row).await? else { return Ok(()) };
    let staff = platform.find::<staff::Entity>().filter(staff::Column::Id.eq(row.staff_id));
    let Some(staff) = platform.one(staff).await? else { return Ok(()) };
    over(platform, &row, &staff, End::SignedOut, person).await.map(|_| ())
}

/// The companies in which acting is over without anybody having written it down.
///
/// # Errors
/// When the database cannot be reached.
pub async fn companies_acted_in(platform: &Platform) -> Result<Vec<CompanyId>> {
    let ask = "SELECT DISTINCT s.acting_company_id AS company FROM staff_sessions s JOIN staff p ON p.id = s.staff_id \
               JOIN companies c ON c.id = s.acting_company_id WHERE s.acting_company_id IS NOT NULL AND (s.acting_until <= $1 \
               OR s.expires_at <= $1 OR s.revoked_at IS NOT NULL OR NOT p.is_super_admin OR p.banned_at IS NOT NULL OR c.status <> 'active')";
    let rows = platform.ask(ask, vec![clock::now().micros().into()]).await?;
    rows.into_iter().map(|row| Ok(CompanyId(row.try_get("", "company")?))).collect()
}

/// Writes down the end of all acting in a company that is over.
///
/// # Errors
/// When the database cannot be reached.
pub async fn end_acting_in(souk: &Souk, company: CompanyId) -> Result<()> {
    let platform = souk.platform("stewardship").await?;
    let is_open = companies::named(&platform, &[company]).await?.pop().is_some_and(|company| company.status == ACTIVE);
    let rows = platform.find::<staff_session::Entity>().filter(Column::ActingCompanyId.eq(company));
    let now = clock::now();
    for row in platform.all(rows).await? {
        let staff = platform.find::<staff::Entity>().filter(staff::Column::Id.eq(row.staff_id));
        let Some(staff) = platform.one(staff).await? else { continue };
        let end = if row.acting_until.is_none_or(|until| until <= now) {
            End::Time
        } else if row.revoked_at.is_some() || row.expires_at <= now {
            End::SignedOut
        } else if !is_open {
            End::CompanyStopped
        } else if !staff.is_super_admin || staff.banned_at.is_some() {
            End::RoleLost
        } else {
            continue;
        };
        let souk_itself = Tenant::system(PLATFORM_COMPANY);
        over(&platform, &row, &staff, end, &souk_itself).await?;
    }
    platform.commit().await
}

/// A session that lives, and whose it is.
async fn of(platform: &Platform, session: SessionId) -> Result<(Row, staff::Model)> {
    const ENDED: Error = Error::NotSignedIn { code: "session_ended" };
    let row = platform.find::<staff_session::Entity>().filter(Column::Id.eq(session)).filter(Column::RevokedAt.is_null());
    let row = platform.one(row).await?.ok_or(ENDED)?;
    let staff = platform.find::<staff::Entity>().filter(staff::Column::Id.eq(row.staff_id));
    let staff = platform.one(staff).await?.filter(|staff| staff.is_super_admin).ok_or(Error::NotAllowed { code: "forbidden" })?;
    Ok((row, staff))
}

/// The person's own place in the company: what its rows point at when they change something. It has
/// no roles, is in no list, and nobody signs in by it.
async fn place_of(scope: &Scope, staff: &staff::Model) -> Result<MemberId> {
    let now = clock::now();
    let place = member::Model {
        company_id: scope.company(),
        id: MemberId::new(),
        staff_id: staff.id,
        kind: member::PLATFORM.into(),
        name: staff.name.clone(),
        sort_name: staff.sort_name.clone(),
        email: staff.email.clone(),
        is_active: false,
        joined_at: None,
        sessions_from: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    scope.insert_unless_there(place, &[member::Column::CompanyId, member::Column::StaffId]).await?;
    Ok(scope.get(scope.find::<member::Entity>().filter(member::Column::StaffId.eq(staff.id))).await?.id)
}

/// Ends acting, if nobody has: says so in both chains.
async fn over(platform: &Platform, row: &Row, staff: &staff::Model, end: End, by: &Tenant) -> Result<bool> {
    let (Some(company), Some(admin)) = (row.acting_company_id, row.acting_member_id) else { return Ok(false) };
    let update = platform
        .update::<staff_session::Entity>()
        .col_expr(Column::ActingCompanyId, Expr::value(None::<CompanyId>))
        .col_expr(Column::ActingMemberId, Expr::value(None::<MemberId>))
        .col_expr(Column::ActingUntil, Expr::value(None::<Instant>))
        .col_expr(Column::ActingReason, Expr::value(None::<String>))
        .filter(Column::Id.eq(row.id))
        .filter(Column::ActingCompanyId.eq(company))
        .filter(Expr::col(Column::ActingUntil).eq(Expr::value(row.acting_until)));
    if platform.run(update).await? == 0 {
        return Ok(false);
    }
    let rows = platform.find::<member::Entity>().filter(member::Column::CompanyId.eq(company));
    let rows = rows.filter(Condition::any().add(member::Column::Id.eq(admin)).add(member::Column::StaffId.eq(staff.id)));
    let rows = platform.all(rows).await?;
    let admin = rows.iter().find(|one| one.id == admin).map(|one| one.name.clone()).unwrap_or_default();
    let own = rows.iter().find(|one| one.staff_id == staff.id).map(|one| one.id).ok_or(Error::NOT_FOUND)?;
    let acting = from(by, tenant(company, own, &staff.name, &admin));
    let person = from(by, Tenant { actor: Actor::Platform(staff.id), role: Role::SuperAdmin, ..acting.clone() });
    note(platform, &acting, &person, "act_as_end", vec![("why", Value::Null, json!(end.name()))]).await?;
    Ok(true)
}

/// The same person, at the device that somebody acts from.
fn from(by: &Tenant, tenant: Tenant) -> Tenant {
    let (ip_address, user_agent, request_id) = (by.ip_address.clone(), by.user_agent.clone(), by.request_id.clone());
    Tenant { ip_address, user_agent, request_id, ..tenant }
}

/// Says it in the company's chain and in the platform's, with both names; the company's admins hear of it.
async fn note(platform: &Platform, acting: &Tenant, person: &Tenant, action: &str, changes: Vec<crate::tenancy::Change>) -> Result<()> {
    let company = acting.company;
    let scope = platform.scope(acting.clone()).await?;
    scope.audit(action, "company", company, None, changes.clone()).await?;
    if action == "act_as" {
        scope.emit(Event::new("audit.security", ("company", company.0), None, json!({ "what": "acting" }))).await?;
    }
    scope.keep().await?;
    let both = Tenant { company: PLATFORM_COMPANY, acting_for: acting.acting_for.clone(), ..person.clone() };
    let scope = platform.scope(both).await?;
    scope.audit(action, "company", company, None, changes).await?;
    scope.keep().await
}
