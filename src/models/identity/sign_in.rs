//! Becoming known: register, sign in, add staff.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{assignment, customer, member, password, staff};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{AssignmentId, CompanyId, CustomerId, MemberId, ShopId, StaffId},
    tenancy::{Role, Scope, Souk, Tenant},
};

/// Wrong passwords before a pause; the pause is short, so that it cannot be used against the owner.
const FAILURES_MAX: i64 = 8;
const LOCK: Duration = Duration::from_secs(60);

/// Somebody who proved who they are.
#[derive(Clone, Debug)]
pub enum Person {
    Customer(customer::Model),
    Staff(staff::Model),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCustomer {
    pub email: String,
    pub password: String,
    pub name: String,
    pub phone: Option<String>,
}

fn normal(email: &str) -> String {
    email.trim().to_lowercase()
}

fn check_email(email: &str) -> Result<()> {
    let plausible = email.len() <= 254
        && email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.ends_with('.'))
        && !email.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    if plausible { Ok(()) } else { Err(Error::invalid("email", "invalid", "that is not an e-mail address")) }
}

/// A new customer of the request's company. The password is hashed before the unit begins.
///
/// # Errors
/// 422 for a field that cannot be; 409 `email_taken`.
pub async fn register(scope: &Scope, new: NewCustomer, hash: String) -> Result<customer::Model> {
    let email = normal(&new.email);
    check_email(&email)?;
    if new.name.trim().is_empty() || new.name.chars().count() > 120 {
        return Err(Error::invalid("name", "required", "a name of 1 to 120 characters"));
    }
    let now = clock::now();
    let customer = customer::Model {
        company_id: scope.company(),
        id: CustomerId::new(),
        email,
        name: new.name.trim().into(),
        password: hash,
        customer_group: "retail".into(),
        language: "en".into(),
        phone: new.phone,
        is_banned: false,
        is_verified: false,
        failures: 0,
        locked_until: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    if !scope.insert_unless_there(customer.clone(), &[customer::Column::CompanyId, customer::Column::Email]).await? {
        return Err(Error::conflict("email_taken", "there is an account with this e-mail address", json!({})));
    }
    scope.audit("register", "customer", customer.id, None, vec![]).await?;
    scope.emit(Event::new("user.registered", ("user", customer.id.0), None, json!({}))).await?;
    Ok(customer)
}

/// # Errors
/// 404 when there is no such customer.
pub async fn find_customer(scope: &Scope, id: CustomerId) -> Result<customer::Model> {
    scope.get(scope.find::<customer::Entity>().filter(customer::Column::Id.eq(id))).await
}

/// Customers of the company, for demo orders.
pub async fn customers(scope: &Scope, limit: u64) -> Result<Vec<customer::Model>> {
    scope.all(scope.find::<customer::Entity>().order_by_asc(customer::Column::Id).limit(limit)).await
}

/// Checks an e-mail and a password: the company's customers first, then its staff; without a
/// company, staff. One answer for every wrong pair, in the same time.
///
/// # Errors
/// 401 `wrong_credentials`; 429 after too many wrong passwords; 403 `banned`.
pub async fn sign_in(souk: &Souk, company: Option<CompanyId>, email: &str, password: &str) -> Result<Person> {
    let email = normal(email);
    if let Some(company) = company {
        let scope = souk.read(Tenant::system(company)).await?;
        let found = scope.one(scope.find::<customer::Entity>().filter(customer::Column::Email.eq(email.as_str()))).await?;
        drop(scope);
        if let Some(found) = found {
            refuse_locked(found.locked_until)?;
            if password::verify(password, Some(&found.password)).await? {
                if found.is_banned {
                    return Err(Error::NotAllowed { code: "banned" });
                }
                note_customer(souk, &found, true).await?;
                return Ok(Person::Customer(found));
            }
            note_customer(souk, &found, false).await?;
            return Err(Error::NotSignedIn { code: "wrong_credentials" });
        }
    }
    let platform = souk.platform("sign-in").await?;
    let found = platform.one(platform.find::<staff::Entity>().filter(staff::Column::Email.eq(email.as_str()))).await?;
    let member_here = match (&found, company) {
        (Some(staff), Some(company)) if !staff.is_super_admin => {
            let member = platform.find::<member::Entity>().filter(member::Column::CompanyId.eq(company));
            platform.one(member.filter(member::Column::StaffId.eq(staff.id)).filter(member::Column::IsActive.eq(true))).await?.is_some()
        }
        _ => true,
    };
    platform.commit().await?;
    let found = found.filter(|_| member_here);
    if let Some(staff) = &found {
        refuse_locked(staff.locked_until)?;
    }
    let right = password::verify(password, found.as_ref().map(|staff| staff.password.as_str())).await?;
    match found {
        Some(staff) => {
            note_staff(souk, &staff, right).await?;
            if right { Ok(Person::Staff(staff)) } else { Err(Error::NotSignedIn { code: "wrong_credentials" }) }
        }
        None => Err(Error::NotSignedIn { code: "wrong_credentials" }),
    }
}

fn refuse_locked(until: Option<clock::Instant>) -> Result<()> {
    match until {
        Some(until) if until > clock::now() => Err(Error::TooMany { retry_after_seconds: LOCK.as_secs() }),
        _ => Ok(()),
    }
}

fn next_failures(before: i64, right: bool) -> (i64, Option<clock::Instant>) {
    if right {
        (0, None)
    } else if before + 1 >= FAILURES_MAX {
        (0, Some(clock::now().plus(LOCK)))
    } else {
        (before + 1, None)
    }
}

async fn note_customer(souk: &Souk, customer: &customer::Model, right: bool) -> Result<()> {
    if right && customer.failures == 0 {
        return Ok(());
    }
    let (failures, locked) = next_failures(customer.failures, right);
    let scope = souk.write(Tenant::system(customer.company_id)).await?;
    let update = scope
        .update::<customer::Entity>()
        .col_expr(customer::Column::Failures, Expr::value(failures))
        .col_expr(customer::Column::LockedUntil, Expr::value(locked))
        .filter(customer::Column::Id.eq(customer.id));
    scope.run(update).await?;
    if locked.is_some() {
        scope.audit("lock", "customer", customer.id, None, vec![]).await?;
        scope.emit(Event::new("audit.security", ("user", customer.id.0), None, json!({ "what": "lock_out" }))).await?;
    }
    scope.commit().await
}

async fn note_staff(souk: &Souk, staff: &staff::Model, right: bool) -> Result<()> {
    if right && staff.failures == 0 {
        return Ok(());
    }
    let (failures, locked) = next_failures(staff.failures, right);
    let platform = souk.platform("sign-in").await?;
    let update = platform
        .update::<staff::Entity>()
        .col_expr(staff::Column::Failures, Expr::value(failures))
        .col_expr(staff::Column::LockedUntil, Expr::value(locked))
        .filter(staff::Column::Id.eq(staff.id));
    platform.run(update).await?;
    platform.commit().await
}

/// Makes a person of the platform; with a company, a member of it with a role there or at shops.
///
/// # Errors
/// 409 `email_taken`.
pub async fn add_staff(
    souk: &Souk,
    email: &str,
    name: &str,
    hash: String,
    place: Option<(CompanyId, Role, Vec<ShopId>)>,
) -> Result<StaffId> {
    let email = normal(email);
    check_email(&email)?;
    let now = clock::now();
    let id = StaffId::new();
    let platform = souk.platform("set-up").await?;
    if platform.one(platform.find::<staff::Entity>().filter(staff::Column::Email.eq(email.as_str()))).await?.is_some() {
        return Err(Error::conflict("email_taken", "there is a person with this e-mail address", json!({})));
    }
    platform
        .insert(staff::Model {
            id,
            email: email.clone(),
            name: name.into(),
            password: hash,
            language: "en".into(),
            theme: String::new(),
            is_super_admin: place.is_none(),
            failures: 0,
            locked_until: None,
            created_at: now,
            updated_at: now,
            version: 1,
        })
        .await?;
    platform.commit().await?;
    if let Some((company, role, shops)) = place {
        let scope = souk.write(Tenant::system(company)).await?;
        let member_id = MemberId::new();
        let member = member::Model {
            company_id: company,
            id: member_id,
            staff_id: id,
            kind: "staff".into(),
            name: name.into(),
            email,
            is_active: true,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        scope.insert(member).await?;
        let places: Vec<_> = if role.is_of_shops() { shops.into_iter().map(Some).collect() } else { vec![None] };
        let rows = places.into_iter().map(|shop_id| assignment::Model {
            company_id: company,
            id: AssignmentId::new(),
            member_id,
            shop_id,
            role: role.name().into(),
            created_at: now,
        });
        scope.insert_all(rows.collect()).await?;
        scope.audit("create", "member", member_id, None, vec![("role", json!(null), json!(role.name()))]).await?;
        scope.commit().await?;
    }
    Ok(id)
}

/// Keeps a staff person's language or theme.
pub async fn set_appearance(souk: &Souk, id: StaffId, language: Option<&str>, theme: Option<&str>) -> Result<()> {
    let platform = souk.platform("sign-in").await?;
    let mut update = platform
        .update::<staff::Entity>()
        .col_expr(staff::Column::Version, Expr::col(staff::Column::Version).add(1))
        .filter(staff::Column::Id.eq(id));
    if let Some(language) = language {
        update = update.col_expr(staff::Column::Language, Expr::value(language));
    }
    if let Some(theme) = theme {
        update = update.col_expr(staff::Column::Theme, Expr::value(theme));
    }
    platform.run(update).await?;
    platform.commit().await
}
