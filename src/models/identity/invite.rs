//! Inviting somebody to the staff, and their coming.

use std::time::Duration;

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    account::{Person, normal},
    assignment,
    knock::{self, Door},
    link::{Link, Purpose, invalid},
    member, password,
    people::{self, Colleague},
    sign_in::{self, check_email, check_name, ensure_room},
    staff,
    staffing::{Place, assign, resolve},
};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    events::Event,
    ids::{CompanyId, MemberId, ShopId, StaffId},
    models::{
        audit,
        companies::{self, Company},
        shops,
    },
    tenancy::{Actor, Device, Platform, Role, Scope, Souk, Tenant, keys},
    words::fold,
};

/// How long an invitation waits.
const WAITS: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Who is invited, and as what: a role at shops, or several roles.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invitation {
    pub email: String,
    pub name: String,
    #[serde(default)]
    pub role: Option<String>,
    #[serde(default)]
    pub shop_ids: Vec<ShopId>,
    #[serde(default)]
    pub assignments: Vec<Place>,
}

/// The places that `role` at `shops`, and `more`, come to; no shops is the whole company.
#[must_use]
pub fn places_of(role: Option<&str>, shops: &[ShopId], more: &[Place]) -> Vec<Place> {
    let at: Vec<_> = if shops.is_empty() { vec![None] } else { shops.iter().copied().map(Some).collect() };
    let of_role = role.iter().flat_map(|role| at.iter().map(|shop_id| Place { role: (*role).to_owned(), shop_id: *shop_id }));
    of_role.chain(more.iter().cloned()).collect()
}

/// A person of the platform on their way to the staff of a company.
pub struct Newcomer {
    staff: StaffId,
    name: String,
    email: String,
}

/// Makes somebody a member of the company's staff, and has a letter sent to them. Whoever is a
/// person of the platform already, or was a member before, is that person again; that somebody is one
/// is not to be seen, since anybody may ask: until they come themselves, all are invited alike.
///
/// # Errors
/// As [`newcomer`] and [`welcome`]; 409 `letters_enough`.
pub async fn invite(souk: &Souk, tenant: &Tenant, new: Invitation) -> Result<Colleague> {
    let wanted = places_of(new.role.as_deref(), &new.shop_ids, &new.assignments);
    let platform = souk.platform("people").await?;
    let newcomer = newcomer(&platform, tenant, &new.email, &new.name).await?;
    count_letter(souk, &platform, tenant.company, &newcomer.email).await?;
    let scope = platform.into_scope(tenant.clone()).await?;
    let id = welcome(&scope, &newcomer, &wanted).await?;
    let colleague = people::colleague_company_wide(&scope, id).await?;
    scope.commit().await?;
    Ok(colleague)
}

/// The person of an e-mail whom `by` invites, made without a password if there is none yet; nobody signs in without one.
///
/// # Errors
/// 422 for an address or a name that cannot be, and to the platform's people for one of theirs.
pub async fn newcomer(platform: &Platform, by: &Tenant, email: &str, name: &str) -> Result<Newcomer> {
    let email = normal(email);
    check_email(&email)?;
    let name = check_name(name)?;
    let known = platform.one(platform.find::<staff::Entity>().filter(staff::Column::Email.eq(email.as_str()))).await?;
    if let Some(known) = known {
        // Only the platform's own people are told who theirs are.
        if known.is_super_admin && by.role == Role::SuperAdmin {
            return Err(Error::invalid("email", "not_here", "this person belongs to the platform"));
        }
        return Ok(Newcomer { staff: known.id, name, email });
    }
    let now = clock::now();
    let staff = staff::Model {
        id: StaffId::new(),
        email: email.clone(),
        name: name.clone(),
        sort_name: fold(&name),
        password: String::new(),
        language: "en".into(),
        theme: String::new(),
        phone: None,
        is_super_admin: false,
        banned_at: None,
        banned_reason: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let newcomer = Newcomer { staff: staff.id, name, email };
    platform.insert(staff).await?;
    Ok(newcomer)
}

/// Gives somebody their place in the company, and has the letter sent.
///
/// # Errors
/// 422 for a role or a shop that is none; 403 `role_above_own`; 409 `already_member`, `plan_limit`.
pub async fn welcome(scope: &Scope, newcomer: &Newcomer, wanted: &[Place]) -> Result<MemberId> {
    let Newcomer { staff, name, email } = newcomer;
    let places = resolve(scope, wanted).await?;
    ensure_room(scope).await?;
    let id = join(scope, *staff, name, email).await?;
    assign(scope, id, &places).await?;
    people::set_words(scope, None, Some(id), name, email, None).await?;
    let roles: Vec<_> = places.iter().map(|place| json!({ "role": place.role, "shopId": place.shop_id })).collect();
    scope.audit("invite", "member", id, None, vec![("assignments", json!(null), json!(roles))]).await?;
    request_letter(scope, id).await?;
    Ok(id)
}

/// A new place in the company, or one that was given up before.
async fn join(scope: &Scope, staff_id: StaffId, name: &str, email: &str) -> Result<MemberId> {
    let now = clock::now();
    let fresh = member::Model {
        company_id: scope.company(),
        id: MemberId::new(),
        staff_id,
        kind: member::STAFF.into(),
        name: name.into(),
        sort_name: fold(name),
        email: email.into(),
        is_active: true,
        joined_at: None,
        sessions_from: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let id = fresh.id;
    if scope.insert_unless_there(fresh, &[member::Column::CompanyId, member::Column::StaffId]).await? {
        return Ok(id);
    }
    let known = scope.get(scope.find::<member::Entity>().filter(member::Column::StaffId.eq(staff_id))).await?;
    if known.kind == member::STAFF {
        let colleague = people::colleague_company_wide(scope, known.id).await?;
        if !colleague.assignments.is_empty() {
            return Err(already_member(&colleague));
        }
    }
    // One of the platform's people who acted here once has a place too, which is in no list.
    let again = scope
        .update::<member::Entity>()
        .col_expr(member::Column::Kind, Expr::value(member::STAFF))
        .col_expr(member::Column::IsActive, Expr::value(true))
        .col_expr(member::Column::JoinedAt, Expr::value(None::<Instant>))
        .col_expr(member::Column::Name, Expr::value(name))
        .col_expr(member::Column::SortName, Expr::value(fold(name)))
        .col_expr(member::Column::SessionsFrom, Expr::value(Some(now)))
        .col_expr(member::Column::UpdatedAt, Expr::value(now))
        .col_expr(member::Column::Version, Expr::col(member::Column::Version).add(1))
        .filter(member::Column::Id.eq(known.id))
        .filter(member::Column::Version.eq(known.version));
    if scope.run(again).await? == 0 {
        return Err(already_member(&people::colleague_company_wide(scope, known.id).await?));
    }
    Ok(known.id)
}

fn already_member(one: &Colleague) -> Error {
    let facts = json!({ "userId": one.member.id, "state": one.presence().name() });
    Error::conflict("already_member", "this person is on the staff already", facts)
}

/// Counts a letter of a company to an address: nobody's mailbox is filled by inviting them again and again.
async fn count_letter(souk: &Souk, platform: &Platform, company: CompanyId, email: &str) -> Result<()> {
    let name = keys::mac(&souk.keys().newest().links, format!("invitation {company} {email}").as_bytes());
    if knock::pass(platform, &name, Door::Letters).await? {
        return Ok(());
    }
    Err(Error::conflict("letters_enough", "this address got several invitations within the hour: wait before the next", json!({})))
}

async fn request_letter(scope: &Scope, member: MemberId) -> Result<()> {
    let data = json!({ "class": "important", "template": "staff_invited", "memberId": member });
    scope.emit(Event::new("notification.requested", ("user", member.0), None, data)).await
}

/// Sends the letter again to somebody who has not come yet.
///
/// # Errors
/// 404; 409 `already_joined`, `letters_enough`.
pub async fn invite_again(souk: &Souk, tenant: &Tenant, id: MemberId) -> Result<()> {
    let scope = souk.read(tenant.clone()).await?;
    let found = people::colleague(&scope, id).await?;
    drop(scope);
    let platform = souk.platform("people").await?;
    count_letter(souk, &platform, tenant.company, &found.member.email).await?;
    let scope = platform.into_scope(tenant.clone()).await?;
    let found = people::colleague(&scope, id).await?;
    if found.member.joined_at.is_some() || found.assignments.is_empty() {
        return Err(Error::conflict("already_joined", "nobody is waited for here", json!({ "state": found.presence().name() })));
    }
    scope.audit("invite_again", "member", id, None, vec![]).await?;
    request_letter(&scope, id).await?;
    scope.commit().await
}

/// The path, with its query, at which an invited member comes in; it works once and for a week.
///
/// # Errors
/// 404 when there is no such member.
pub async fn invitation_path(souk: &Souk, company: CompanyId, id: MemberId) -> Result<String> {
    let platform = souk.platform("account").await?;
    let (_, staff) = invited(&platform, company, id).await?.ok_or(Error::NOT_FOUND)?;
    invitation_of(souk, company, id, &staff)
}

/// As [`invitation_path`], for a person who was read already. Whoever has chosen a password has used it.
///
/// # Errors
/// Never for what can be written as JSON.
pub fn invitation_of(souk: &Souk, company: CompanyId, id: MemberId, staff: &staff::Model) -> Result<String> {
    let link = Link::seal(souk, Purpose::Invitation, Some(company), id.0, &staff.password, clock::now().plus(WAITS))?;
    Ok(format!("/invitation?link={link}"))
}

/// An invitation that stands open.
#[derive(Clone, Debug)]
pub struct Invited {
    pub company: CompanyId,
    pub member: MemberId,
    pub name: String,
    pub email: String,
    /// A person with a password signs in with it, and need not choose one.
    pub has_password: bool,
    has_come: bool,
    stamp: String,
    staff: StaffId,
}

async fn invited(platform: &Platform, company: CompanyId, id: MemberId) -> Result<Option<(member::Model, staff::Model)>> {
    let member = platform.find::<member::Entity>().filter(member::Column::CompanyId.eq(company)).filter(member::Column::Id.eq(id));
    let Some(member) = platform.one(member).await? else { return Ok(None) };
    let staff = platform.one(platform.find::<staff::Entity>().filter(staff::Column::Id.eq(member.staff_id))).await?;
    Ok(staff.map(|staff| (member, staff)))
}

fn gone(code: &str, message: &str) -> Error {
    Error::invalid("link", code, message)
}

/// Reads an invitation.
///
/// # Errors
/// 422 `link_invalid` when it was forged, or the password is another since; `link_used` when they
/// came by it; `link_over` behind its time; `invitation_revoked` when the company took it back.
pub async fn read_invitation(souk: &Souk, text: &str) -> Result<Invited> {
    let link = Link::read(text, Purpose::Invitation)?;
    let company = link.company.ok_or_else(invalid)?;
    let platform = souk.platform("account").await?;
    let (member, staff) = invited(&platform, company, MemberId(link.subject)).await?.ok_or_else(invalid)?;
    // Whoever had no password yet may have chosen one meanwhile, by this invitation or by another company's.
    let is_of_nobody = link.is_genuine(souk, text, "");
    if !is_of_nobody && !link.is_genuine(souk, text, &staff.password) {
        return Err(invalid());
    }
    let (has_password, has_come) = (!staff.password.is_empty(), member.joined_at.is_some());
    if !member.is_active {
        return Err(gone("invitation_revoked", "the company took this invitation back"));
    }
    if is_of_nobody && has_password && has_come {
        return Err(gone("link_used", "this invitation was accepted: sign in"));
    }
    if link.is_over() {
        return Err(gone("link_over", "this invitation is over: ask for another one"));
    }
    let stamp = staff.password;
    Ok(Invited { company, member: member.id, name: member.name, email: staff.email, has_password, has_come, stamp, staff: staff.id })
}

/// What an invitation is to: the company, who asks, and the roles.
#[derive(Clone, Debug)]
pub struct Offer {
    pub company: Company,
    /// The name of whoever sent it; empty when it is not known any more.
    pub by: String,
    /// Roles by their word or the company's name for them, each with the shop it is at.
    pub places: Vec<(String, Option<String>)>,
}

/// Reads what somebody is invited to.
///
/// # Errors
/// 422 `invitation_revoked` by a company that does not work any more.
pub async fn offer(souk: &Souk, invited: &Invited) -> Result<Offer> {
    let scope = souk.read(Tenant::system(invited.company)).await?;
    let company = companies::own(&scope).await?;
    if company.status != companies::ACTIVE {
        return Err(gone("invitation_revoked", "the company took this invitation back"));
    }
    let colleague = people::colleague_company_wide(&scope, invited.member).await?;
    let roles = people::role_names(&scope, std::slice::from_ref(&colleague)).await?;
    let shops = shops::names(&scope).await?;
    let place = |row: &assignment::Model| {
        let role = roles.get(&row.role).unwrap_or(&row.role).clone();
        (role, row.shop_id.and_then(|shop| shops.get(&shop)).cloned())
    };
    let id = invited.member.to_string();
    let asked =
        audit::Filter { resource: Some("member".into()), resource_id: Some(id), actions: vec!["invite".into()], ..Default::default() };
    let by = audit::list(&scope, &asked, None, 1).await?.pop().map(|entry| entry.actor_name).unwrap_or_default();
    Ok(Offer { company, by, places: colleague.assignments.iter().map(place).collect() })
}

/// The invited person chooses name and password; of two who use the link at once, one does.
///
/// # Errors
/// 422 for a name or password that cannot be, and as [`read_invitation`] for a link that opens nothing.
pub async fn accept(souk: &Souk, text: &str, name: &str, new_password: &str, device: &Device) -> Result<(Person, Invited)> {
    let invited = read_invitation(souk, text).await?;
    if invited.has_password {
        return Err(invalid());
    }
    let name = check_name(name)?;
    let hash = password::hash(new_password).await?;
    let platform = souk.platform("people").await?;
    let update = platform
        .update::<staff::Entity>()
        .col_expr(staff::Column::Password, Expr::value(hash))
        .col_expr(staff::Column::Name, Expr::value(name.clone()))
        .col_expr(staff::Column::SortName, Expr::value(fold(&name)))
        .col_expr(staff::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(staff::Column::Version, Expr::col(staff::Column::Version).add(1))
        .filter(staff::Column::Id.eq(invited.staff))
        .filter(staff::Column::Password.eq(invited.stamp.as_str()));
    let staff = platform.run_returning(update).await?.pop().ok_or_else(|| gone("link_used", "this invitation was accepted: sign in"))?;
    let scope = platform.into_scope(comer(&invited, &name, device)).await?;
    came(&scope, invited.member, &name, clock::now()).await?;
    scope.commit().await?;
    Ok((Person::Staff(staff), invited))
}

/// The invited person has an account already, and proves that it is theirs.
///
/// # Errors
/// As [`sign_in::sign_in`], and as [`read_invitation`] for a link that opens nothing; 422 `not_here`
/// for the platform's own people, who have no place in a company.
pub async fn accept_as(souk: &Souk, text: &str, password: &str, device: &Device) -> Result<(Person, Invited)> {
    let invited = read_invitation(souk, text).await?;
    let person = sign_in::sign_in(souk, None, &invited.email, password, device).await?;
    if matches!(&person, Person::Staff(one) if one.is_super_admin) {
        return Err(gone("not_here", "this person belongs to the platform"));
    }
    if !invited.has_come {
        let scope = souk.write(comer(&invited, &invited.name, device)).await?;
        came(&scope, invited.member, &invited.name, clock::now()).await?;
        scope.commit().await?;
    }
    Ok((person, invited))
}

/// Who comes in: a member whose roles begin with the first sign-in.
fn comer(invited: &Invited, name: &str, device: &Device) -> Tenant {
    Tenant { actor: Actor::Member(invited.member), role: Role::Member, name: name.into(), ..device.guest(invited.company) }
}

async fn came(scope: &Scope, id: MemberId, name: &str, at: Instant) -> Result<()> {
    let update = scope
        .update::<member::Entity>()
        .col_expr(member::Column::JoinedAt, Expr::value(Some(at)))
        .col_expr(member::Column::Name, Expr::value(name))
        .col_expr(member::Column::SortName, Expr::value(fold(name)))
        .col_expr(member::Column::UpdatedAt, Expr::value(at))
        .col_expr(member::Column::Version, Expr::col(member::Column::Version).add(1))
        .filter(member::Column::Id.eq(id));
    for member in scope.run_returning(update).await? {
        people::set_words(scope, None, Some(id), name, &member.email, None).await?;
    }
    scope.audit("join", "member", id, None, vec![]).await?;
    scope.emit(Event::new("user.updated", ("user", id.0), None, json!({}))).await
}
