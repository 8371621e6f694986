//! What is changed of a customer's account: by the company, and by the customer themselves.

use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;

use super::{
    customer, customer_session, people,
    phone::{called, check_phone},
    profile::check_language,
    sign_in::{check_name, find_customer},
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::CustomerId,
    tenancy::{Actor, Permission, Scope, roles::UsersWrite},
    words::fold,
};

/// What may be changed of a customer; the group is the company's to choose. An empty phone number is none.
#[derive(Clone, Debug, Default)]
pub struct CustomerChange {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub language: Option<String>,
    pub group: Option<String>,
}

/// The groups of customers; wholesale terms are for retailers.
pub const GROUPS: [&str; 2] = ["retail", "retailer"];

/// A customer is the whole company's, whichever shop they bought at: what is done with their account
/// takes the right to it in the whole company.
///
/// # Errors
/// 403 `forbidden` for whoever holds it at some shops.
pub fn ensure_whole_company(scope: &Scope) -> Result<()> {
    if scope.tenant().may_at(UsersWrite::NAME, None) { Ok(()) } else { Err(Error::NotAllowed { code: "forbidden" }) }
}

/// Changes a customer's profile.
///
/// # Errors
/// 403 as [`ensure_whole_company`], but for the customer themselves; 404; 412 when the row has changed since it was read; 422 for what cannot be.
pub async fn change_customer(scope: &Scope, id: CustomerId, change: CustomerChange, version: Option<i64>) -> Result<customer::Model> {
    if scope.tenant().actor != Actor::Customer(id) {
        ensure_whole_company(scope)?;
    }
    let before = find_customer(scope, id).await?;
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale);
    }
    let mut after = before.clone();
    after.name = change.name.as_deref().map(check_name).transpose()?.unwrap_or(after.name);
    if let Some(phone) = &change.phone {
        after.phone = check_phone(phone)?;
    }
    // Another number is not proved; the same one written otherwise still is.
    after.phone_proved = after.phone_proved.filter(|proved| after.phone.as_deref().and_then(called).as_ref() == Some(proved));
    after.phone_verified_at = after.phone_verified_at.filter(|_| after.phone_proved.is_some());
    after.language = change.language.as_deref().map(check_language).transpose()?.unwrap_or(after.language);
    after.customer_group = change.group.unwrap_or(after.customer_group);
    if !GROUPS.contains(&after.customer_group.as_str()) {
        return Err(Error::invalid("customerGroup", "unknown", "there is no such group"));
    }
    let update = scope
        .update::<customer::Entity>()
        .col_expr(customer::Column::Name, Expr::value(after.name.clone()))
        .col_expr(customer::Column::SortName, Expr::value(fold(&after.name)))
        .col_expr(customer::Column::Phone, Expr::value(after.phone.clone()))
        .col_expr(customer::Column::PhoneVerifiedAt, Expr::value(after.phone_verified_at))
        .col_expr(customer::Column::PhoneProved, Expr::value(after.phone_proved.clone()))
        .col_expr(customer::Column::Language, Expr::value(after.language.clone()))
        .col_expr(customer::Column::CustomerGroup, Expr::value(after.customer_group.clone()))
        .col_expr(customer::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(customer::Column::Version, Expr::col(customer::Column::Version).add(1))
        .filter(customer::Column::Id.eq(id))
        .filter(customer::Column::Version.eq(before.version));
    let after = scope.run_returning(update).await?.pop().ok_or(Error::Stale)?;
    people::set_words(scope, Some(id), None, &after.name, &after.email, after.phone.as_deref()).await?;
    let changes = [
        ("name", json!(before.name), json!(after.name)),
        ("phone", json!(before.phone), json!(after.phone)),
        ("language", json!(before.language), json!(after.language)),
        ("customerGroup", json!(before.customer_group), json!(after.customer_group)),
    ];
    let changes = changes.into_iter().filter(|(_, before, after)| before != after).collect();
    scope.audit("update", "customer", id, None, changes).await?;
    scope.emit(Event::new("user.updated", ("user", id.0), None, json!({}))).await?;
    Ok(after)
}

/// Shuts a customer out, their sessions at once, or lets them in again.
///
/// # Errors
/// 403 as [`ensure_whole_company`]; 404; 409 `already_so`.
pub async fn set_customer_banned(scope: &Scope, id: CustomerId, banned: bool) -> Result<customer::Model> {
    ensure_whole_company(scope)?;
    find_customer(scope, id).await?;
    let update = scope
        .update::<customer::Entity>()
        .col_expr(customer::Column::IsBanned, Expr::value(banned))
        .col_expr(customer::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(customer::Column::Version, Expr::col(customer::Column::Version).add(1))
        .filter(customer::Column::Id.eq(id))
        .filter(customer::Column::IsBanned.eq(!banned));
    let Some(after) = scope.run_returning(update).await?.pop() else {
        return Err(Error::conflict("already_so", "there is nothing to change", json!({ "isBanned": banned })));
    };
    if banned {
        let sessions = scope
            .update::<customer_session::Entity>()
            .col_expr(customer_session::Column::RevokedAt, Expr::value(Some(clock::now())))
            .filter(customer_session::Column::CustomerId.eq(id))
            .filter(customer_session::Column::RevokedAt.is_null());
        scope.run(sessions).await?;
    }
    let action = if banned { "ban" } else { "unban" };
    scope.audit(action, "customer", id, None, vec![("isBanned", json!(!banned), json!(banned))]).await?;
    let event = if banned { "user.banned" } else { "user.updated" };
    scope.emit(Event::new(event, ("user", id.0), None, json!({}))).await?;
    Ok(after)
}
