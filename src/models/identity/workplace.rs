//! Somebody who works for several companies: which those are, and how they go from one to another
//! with the session they have.

use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query},
};
use serde_json::json;

use super::{
    account::{Person, memberships},
    member,
    session::{self, Holder, Portal, Whose, caller_of_cookie, note_arrival},
    staff,
    staff_session::{self, Column},
    standing::standing,
};
use crate::{
    errors::{Error, Result},
    ids::{CompanyId, StaffId},
    models::companies::{self, Company},
    tenancy::{Platform, Souk, Tenant},
};

/// The open companies that somebody works for, the oldest place first.
pub(super) async fn workplaces(platform: &Platform, staff: StaffId) -> Result<Vec<Company>> {
    let theirs = memberships(platform, staff).await?;
    let mut known = companies::named(platform, &theirs).await?;
    known.retain(|company| company.status == companies::ACTIVE);
    known.sort_by_key(|company| theirs.iter().position(|id| *id == company.id));
    Ok(known)
}

/// Whether somebody has a place in another company than this one too, as a column of another query.
pub(super) fn is_elsewhere(staff: StaffId, company: CompanyId) -> Expr {
    let others = Query::select()
        .column(member::Column::Id)
        .from_as(member::Entity, "others")
        .and_where(Expr::col(("others", member::Column::StaffId)).eq(staff))
        .and_where(Expr::col(("others", member::Column::CompanyId)).ne(company))
        .and_where(Expr::col(("others", member::Column::Kind)).eq(member::STAFF))
        .and_where(Expr::col(("others", member::Column::IsActive)).eq(true))
        .to_owned();
    Expr::exists(others)
}

/// Where staff come to who named no company: a portal opens the one they used last, a program the
/// first of theirs.
pub(super) async fn home(platform: &Platform, staff: StaffId, is_portal: bool) -> Result<Option<CompanyId>> {
    let theirs: Vec<_> = workplaces(platform, staff).await?.into_iter().map(|company| company.id).collect();
    if !is_portal || theirs.len() < 2 {
        return Ok(theirs.first().copied());
    }
    let last = platform
        .find::<staff_session::Entity>()
        .filter(Column::StaffId.eq(staff))
        .filter(Column::Kind.eq("portal"))
        .filter(Column::CompanyId.is_in(theirs.iter().copied()))
        .order_by_desc(Column::CreatedAt)
        .limit(1);
    let last = platform.one(last).await?.and_then(|session| session.company_id);
    Ok(last.or_else(|| theirs.first().copied()))
}

/// Somebody whose form was made for another company than the one they are in by now, and what they
/// may know of that company.
pub struct Astray {
    pub person: Portal,
    /// What the company is called that they are in.
    pub here: String,
    /// The form's company, if they work for it or for the platform.
    pub there: Option<Company>,
    /// Whether they can go on there by a switch.
    pub may_switch: bool,
}

/// Who sent a form for `company` with this cookie.
///
/// # Errors
/// 401 when the session is over.
pub async fn astray(souk: &Souk, cookie: &str, company: CompanyId) -> Result<Astray> {
    let person = caller_of_cookie(souk, cookie).await?;
    let may_switch = person.acting.is_none() && person.workplaces.iter().any(|one| one.id == company);
    let here = person.acting.as_ref().map_or(person.tenant.company, |acting| acting.company.id);
    let platform = souk.platform("company-by-name").await?;
    let known = companies::named(&platform, &[here, company]).await?;
    let here = known.iter().find(|one| one.id == here).map(|one| one.name.clone()).unwrap_or_default();
    let there = known.into_iter().find(|one| one.id == company).filter(|_| may_switch || person.staff.is_super_admin);
    Ok(Astray { person, here, there, may_switch })
}

/// Takes a portal's session to another company that its person works for; the session's secret is a
/// new one from then on. Answers that secret, and who they are there.
///
/// # Errors
/// 404 for a company that is not theirs or is not open; 409 `sign_in_again` where their sessions
/// there were ended since this one began; 401 when the session is over.
pub async fn switch_company(souk: &Souk, here: &Tenant, holder: &Holder, to: CompanyId) -> Result<(String, Tenant)> {
    const ENDED: Error = Error::NotSignedIn { code: "session_ended" };
    let Whose::Staff(id) = holder.whose else { return Err(Error::NOT_FOUND) };
    let platform = souk.platform("sign-in").await?;
    if !workplaces(&platform, id).await?.iter().any(|company| company.id == to) {
        return Err(Error::NOT_FOUND);
    }
    let person = platform.one(platform.find::<staff::Entity>().filter(staff::Column::Id.eq(id))).await?.ok_or(ENDED)?;
    let session = platform.find::<staff_session::Entity>().filter(Column::Id.eq(holder.session)).filter(Column::RevokedAt.is_null());
    let session = platform.one(session).await?.ok_or(ENDED)?;
    let there = match standing(&platform, &person, Some(to), session.created_at).await {
        Err(Error::NotSignedIn { .. }) => {
            return Err(Error::conflict("sign_in_again", "your sessions there were ended: sign in again", json!({})));
        }
        there => there?.tenant(Some(to)),
    };
    let there =
        Tenant { ip_address: here.ip_address.clone(), user_agent: here.user_agent.clone(), request_id: here.request_id.clone(), ..there };
    let update = platform
        .update::<staff_session::Entity>()
        .col_expr(Column::CompanyId, Expr::value(Some(to)))
        .filter(Column::Id.eq(session.id))
        .filter(Column::CompanyId.eq(here.company))
        .filter(Column::RevokedAt.is_null());
    if platform.run(update).await? == 0 {
        return Err(Error::Stale);
    }
    let secret = session::renew(souk, &platform, &Person::Staff(person), session.id).await?.refresh_token;
    // Neither company is told of the other: where else somebody works is their own.
    let left = platform.scope(here.clone()).await?;
    left.audit("leave_company", "session", session.id, None, vec![]).await?;
    left.keep().await?;
    let entered = platform.scope(there.clone()).await?;
    note_arrival(&entered).await?;
    entered.audit("enter_company", "session", session.id, None, vec![]).await?;
    entered.keep().await?;
    platform.commit().await?;
    Ok((secret, there))
}
