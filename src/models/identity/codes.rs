//! Codes by SMS: a customer proves the telephone of their profile, and signs in by one that is proved.
//!
//! The domain asks for the message by an event that names the code's row; whoever writes the message
//! asks [`super::code_to_send`] for the digits.

use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;

use super::{
    account::{Account, Person},
    customer,
    knock::{self, Door},
    letters::in_the_same_time,
    one_time_code,
    phone::called,
    session,
    sign_in::{forgive, note_failure},
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    tenancy::{Actor, Device, Platform, Scope, Souk, Tenant},
};

/// One answer for a code that is wrong, used, over or tried too often, and for whoever has none.
const INVALID: Error = Error::NotSignedIn { code: "code_invalid" };

/// Sends a code to a telephone: the customer's own who asks, else that of the one customer who has
/// proved it. Whether there is one, and whether it was asked for too often, nobody is told.
///
/// # Errors
/// 422 for what is no number with its country, and for a customer whose profile has another one.
pub async fn send_code(souk: &Souk, tenant: &Tenant, phone: &str) -> Result<()> {
    let number = read_number(phone)?;
    in_the_same_time(ask_for_code(souk, tenant, &number)).await
}

fn read_number(phone: &str) -> Result<String> {
    called(phone).ok_or_else(|| Error::invalid("phone", "invalid", "a telephone number with its country, such as +91 98000 00001"))
}

async fn ask_for_code(souk: &Souk, tenant: &Tenant, number: &str) -> Result<()> {
    let platform = souk.platform("sign-in").await?;
    let account = account_of(souk, &platform, tenant, number).await?;
    if matches!(tenant.actor, Actor::Customer(_)) && account.person.is_none() {
        return Err(Error::invalid("phone", "not_yours", "that is not the telephone of your profile"));
    }
    let may = knock::pass(&platform, &account.everywhere, Door::Codes).await?
        && knock::pass(&platform, &account.everywhere, Door::CodesOfDay).await?;
    let scope = platform.into_scope(tenant.clone()).await?;
    let (resource, id) = account.named();
    scope.audit("send_code", resource, id, None, vec![]).await?;
    if let Some(Person::Customer(customer)) = account.person.filter(|_| may) {
        let code = one_time_code::make(&scope, customer.id, number).await?;
        let data = json!({ "class": "essential", "template": "one_time_code", "customerId": customer.id, "codeId": code });
        scope.emit(Event::new("notification.requested", ("user", customer.id.0), None, data)).await?;
    }
    scope.commit().await
}

/// Whose a number is: the customer's who asks, while it is in their profile; for anybody else the one
/// customer's who has proved it.
async fn account_of(souk: &Souk, platform: &Platform, tenant: &Tenant, number: &str) -> Result<Account> {
    let account = Account::of_phone(souk, platform, tenant.company, number).await?;
    let Actor::Customer(id) = tenant.actor else { return Ok(account) };
    let own = platform.find::<customer::Entity>().filter(customer::Column::CompanyId.eq(tenant.company));
    let own = platform.one(own.filter(customer::Column::Id.eq(id))).await?;
    let own = own.filter(|one| one.phone.as_deref().and_then(called).as_deref() == Some(number));
    Ok(Account { person: own.map(Person::Customer), ..account })
}

/// Takes a code: for the customer who asks it proves the telephone of their profile; for anybody else
/// it gives the customer who is signed in by it.
///
/// # Errors
/// 401 `code_invalid`, one answer for every code that is not good; 429 after too many; 403 `banned`;
/// 422 for what is no number.
pub async fn take_code(souk: &Souk, tenant: &Tenant, device: &Device, phone: &str, said: &str) -> Result<customer::Model> {
    let number = read_number(phone)?;
    in_the_same_time(take(souk, tenant, device, &number, said)).await
}

async fn take(souk: &Souk, tenant: &Tenant, device: &Device, number: &str, said: &str) -> Result<customer::Model> {
    let platform = souk.platform("account").await?;
    let account = account_of(souk, &platform, tenant, number).await?;
    let knocks = knock::of(&platform, &account.keys(), &device.ip).await?;
    let knows_address = session::knows_address(&platform, account.person.as_ref(), &device.ip).await?;
    platform.commit().await?;
    knock::refuse_paused(&knocks, knows_address)?;
    let refusal = match &account.person {
        Some(Person::Customer(customer)) if is_right(souk, tenant, customer, number, said).await? => {
            if !customer.is_banned {
                forgive(souk, &account, &knocks, device).await?;
                return Ok(customer.clone());
            }
            Error::NotAllowed { code: "banned" }
        }
        _ => INVALID,
    };
    note_failure(souk, &account, device).await?;
    Err(refusal)
}

/// Whether it is the code that went to this customer, which is used by that; a wrong one costs a try.
async fn is_right(souk: &Souk, tenant: &Tenant, customer: &customer::Model, number: &str, said: &str) -> Result<bool> {
    let scope = souk.write(tenant.clone()).await?;
    let Some(code) = one_time_code::take_try(&scope, customer.id, number).await? else { return Ok(false) };
    let is_right = code.is(souk, said.trim()) && one_time_code::use_up(&scope, code.id).await?;
    if is_right && tenant.actor == Actor::Customer(customer.id) && !prove(&scope, customer, number).await? {
        return Ok(false);
    }
    scope.commit().await?;
    Ok(is_right)
}

/// Writes down that the telephone of a customer's profile is theirs; not when it is another one meanwhile.
async fn prove(scope: &Scope, customer: &customer::Model, number: &str) -> Result<bool> {
    use customer::{Column, Entity};
    if customer.phone_proved.as_deref() == Some(number) {
        return Ok(true);
    }
    let now = clock::now();
    let update = scope
        .update::<Entity>()
        .col_expr(Column::PhoneVerifiedAt, Expr::value(Some(now)))
        .col_expr(Column::PhoneProved, Expr::value(Some(number)))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(customer.id))
        .filter(Column::Phone.eq(customer.phone.as_deref()));
    if scope.run(update).await? == 0 {
        return Ok(false);
    }
    scope.audit("verify_phone", "customer", customer.id, None, vec![("phoneVerified", json!(false), json!(true))]).await?;
    scope.emit(Event::new("user.updated", ("user", customer.id.0), None, json!({}))).await?;
    Ok(true)
}
