//! Links by letter: a forgotten password, an address that is to be proved.
//!
//! The domain asks for a letter by an event that names the person only; whoever renders the letter
//! asks here for its link.

use std::time::Duration;

use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr, sea_query::ExprTrait};
use serde_json::json;

use super::{
    account::{Account, Person},
    customer,
    knock::{self, Door},
    link::{Link, Purpose},
    password,
    session::{self, Which, Whose},
    sign_in::find_customer,
    staff,
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{CompanyId, CustomerId, StaffId},
    tenancy::{Device, PLATFORM_COMPANY, Platform, Scope, Souk, Tenant},
};

const PASSWORD_LINK: Duration = Duration::from_secs(3_600);
/// More than it takes to write down that somebody asked.
const ASKING_TAKES: Duration = Duration::from_millis(300);
const ADDRESS_LINK: Duration = Duration::from_secs(3 * 24 * 3_600);

/// The path, with its query, at which a person chooses a new password; it works once and for an hour.
///
/// # Errors
/// Never for what can be written as JSON.
pub fn password_path(souk: &Souk, person: &Person) -> Result<String> {
    let company = match person {
        Person::Customer(customer) => Some(customer.company_id),
        Person::Staff(_) => None,
    };
    let link = Link::seal(souk, Purpose::NewPassword, company, person.id(), person.password(), clock::now().plus(PASSWORD_LINK))?;
    Ok(format!("/new-password?link={link}"))
}

/// The path, with its query, that proves a customer's e-mail address within three days.
///
/// # Errors
/// Never for what can be written as JSON.
pub fn address_path(souk: &Souk, customer: &customer::Model) -> Result<String> {
    let until = clock::now().plus(ADDRESS_LINK);
    let link = Link::seal(souk, Purpose::Address, Some(customer.company_id), customer.id.0, &customer.email, until)?;
    Ok(format!("/verify-email?link={link}"))
}

/// A staff person, for a letter to them.
///
/// # Errors
/// 404 when there is no such person.
pub async fn find_staff(souk: &Souk, id: StaffId) -> Result<staff::Model> {
    let platform = souk.platform("account").await?;
    platform.one(platform.find::<staff::Entity>().filter(staff::Column::Id.eq(id))).await?.ok_or(Error::NOT_FOUND)
}

/// Asks for the letter that proves a customer's address.
///
/// # Errors
/// When the database cannot be reached.
pub async fn ask_to_verify(scope: &Scope, customer: CustomerId) -> Result<()> {
    let data = json!({ "class": "essential", "template": "email_verification", "customerId": customer });
    scope.emit(Event::new("notification.requested", ("user", customer.0), None, data)).await
}

/// Somebody forgot a password: a letter, if there is such an account and it was not sent too many.
/// It takes the same time whatever it finds.
///
/// # Errors
/// When the database cannot be reached; never because there is no such account.
pub async fn forgot(souk: &Souk, company: Option<CompanyId>, email: &str, device: &Device) -> Result<()> {
    in_the_same_time(ask_for_password(souk, company, email, device)).await
}

/// Does what must not tell by its time what it found.
pub(super) async fn in_the_same_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let then = tokio::time::Instant::now() + ASKING_TAKES;
    let done = work.await;
    tokio::time::sleep_until(then).await;
    done
}

async fn ask_for_password(souk: &Souk, company: Option<CompanyId>, email: &str, device: &Device) -> Result<()> {
    let platform = souk.platform("sign-in").await?;
    let account = Account::find(souk, &platform, company, email).await?;
    let may = knock::pass(&platform, &account.everywhere, Door::Letters).await?;
    // A person of the staff belongs to the platform, and so does the letter that opens their account.
    let company = if matches!(account.person, Some(Person::Staff(_))) { PLATFORM_COMPANY } else { account.company };
    let scope = platform.into_scope(device.guest(company)).await?;
    let (resource, id) = account.named();
    scope.audit("forgot_password", resource, id, None, vec![]).await?;
    if let Some(person) = account.person.as_ref().filter(|_| may) {
        let key = if matches!(person, Person::Customer(_)) { "customerId" } else { "staffId" };
        let data = json!({ "class": "essential", "template": "password_reset", (key): person.id() });
        scope.emit(Event::new("notification.requested", ("user", person.id()), None, data)).await?;
    }
    scope.commit().await
}

/// Sets a new password by a letter's link, and ends every session of the person.
///
/// # Errors
/// 422 `link_invalid` for a link that is forged, over or used; 422 for a weak password.
pub async fn reset_password(souk: &Souk, text: &str, new: &str, device: &Device) -> Result<()> {
    let link = Link::read(text, Purpose::NewPassword)?;
    let platform = souk.platform("account").await?;
    let person = match link.company {
        Some(company) => {
            let found = platform.find::<customer::Entity>().filter(customer::Column::CompanyId.eq(company));
            platform.one(found.filter(customer::Column::Id.eq(CustomerId(link.subject)))).await?.map(Person::Customer)
        }
        None => {
            let found = platform.find::<staff::Entity>().filter(staff::Column::Id.eq(StaffId(link.subject)));
            platform.one(found).await?.map(Person::Staff)
        }
    };
    platform.commit().await?;
    link.check(souk, text, person.as_ref().map(Person::password).unwrap_or_default())?;
    let person = person.ok_or_else(super::link::invalid)?;
    let hash = password::hash(new).await?;
    let company = replace(souk, &person, hash, device).await?;
    tracing::info!(company.id = %company, person.id = %person.id(), "a password was reset by a link");
    Ok(())
}

/// Puts the new hash in the old one's place, which also makes the link worthless.
async fn replace(souk: &Souk, person: &Person, hash: String, device: &Device) -> Result<CompanyId> {
    let platform = souk.platform("sign-in").await?;
    let (whose, of, email) = match person {
        Person::Customer(one) => (Whose::Customer(one.company_id, one.id), Some(one.company_id), &one.email),
        Person::Staff(one) => (Whose::Staff(one.id), None, &one.email),
    };
    let account = Account::find(souk, &platform, of, email).await?;
    session::end(&platform, whose, Which::All).await?;
    knock::forgive(&platform, &account.proved(), &device.ip).await?;
    if let Some(scope) = set_password(platform, device.guest(account.company), person, hash).await? {
        scope.audit("reset_password", person.resource(), person.id(), None, vec![]).await?;
        scope.emit(Event::new("audit.security", ("user", person.id()), None, json!({ "what": "password_changed" }))).await?;
        scope.commit().await?;
        return Ok(account.company);
    }
    Err(super::link::invalid())
}

/// Writes a person's new hash where the old one still is, and goes on as `tenant`; nothing when
/// somebody was faster.
pub(super) async fn set_password(platform: Platform, tenant: Tenant, person: &Person, hash: String) -> Result<Option<Scope>> {
    let now = Expr::value(clock::now());
    let (changed, scope) = match person {
        Person::Customer(one) => {
            use customer::{Column, Entity};
            let scope = platform.into_scope(tenant).await?;
            let update = scope.update::<Entity>().col_expr(Column::Password, Expr::value(hash)).col_expr(Column::UpdatedAt, now);
            let update = update.col_expr(Column::Version, Expr::col(Column::Version).add(1)).filter(Column::Id.eq(one.id));
            (scope.run(update.filter(Column::Password.eq(one.password.as_str()))).await?, scope)
        }
        Person::Staff(one) => {
            use staff::{Column, Entity};
            let update = platform.update::<Entity>().col_expr(Column::Password, Expr::value(hash)).col_expr(Column::UpdatedAt, now);
            let update = update.col_expr(Column::Version, Expr::col(Column::Version).add(1)).filter(Column::Id.eq(one.id));
            let changed = platform.run(update.filter(Column::Password.eq(one.password.as_str()))).await?;
            (changed, platform.into_scope(tenant).await?)
        }
    };
    Ok(Some(scope).filter(|_| changed == 1))
}

/// Proves a customer's e-mail address by a letter's link; proved already is proved.
///
/// # Errors
/// 422 `link_invalid`.
pub async fn verify_address(souk: &Souk, text: &str, device: &Device) -> Result<()> {
    let link = Link::read(text, Purpose::Address)?;
    let company = link.company.ok_or_else(super::link::invalid)?;
    let id = CustomerId(link.subject);
    let scope = souk.read(Tenant::system(company)).await?;
    let customer = find_customer(&scope, id).await.map_err(|_| super::link::invalid())?;
    drop(scope);
    link.check(souk, text, &customer.email)?;
    let scope = souk.write(device.guest(company)).await?;
    let update = scope
        .update::<customer::Entity>()
        .col_expr(customer::Column::IsVerified, Expr::value(true))
        .col_expr(customer::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(customer::Column::Version, Expr::col(customer::Column::Version).add(1))
        .filter(customer::Column::Id.eq(id))
        .filter(customer::Column::Email.eq(customer.email.as_str()))
        .filter(customer::Column::IsVerified.eq(false));
    if scope.run(update).await? == 0 {
        return Ok(());
    }
    scope.audit("verify_email", "customer", id, None, vec![("isVerified", json!(false), json!(true))]).await?;
    scope.emit(Event::new("user.updated", ("user", id.0), None, json!({}))).await?;
    scope.commit().await
}
