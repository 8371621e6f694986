//! Forgetting who a customer is: the row stays, since orders point at it, and says nothing.

use sea_orm::{
    ColumnTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait},
};

use super::{address, customer, customer_session, one_time_code, preference, word};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    ids::{AddressId, CustomerId},
    tenancy::Scope,
    words::fold,
};

/// What stands where a name was.
const NAME: &str = "Erased customer";
/// A name that no mail server has (RFC 2606).
const NOWHERE: &str = "erased.invalid";

fn nowhere(id: CustomerId) -> String {
    format!("{id}@{NOWHERE}")
}

/// Whether nobody knows any more who this was.
#[must_use]
pub fn is_forgotten(customer: &customer::Model) -> bool {
    customer.email == nowhere(customer.id)
}

/// Empties what identity knows of a customer; gives the addresses that are gone.
///
/// # Errors
/// 412 when the row has changed since it was read.
pub async fn forget_customer(scope: &Scope, before: &customer::Model) -> Result<Vec<AddressId>> {
    let id = before.id;
    let now = clock::now();
    let update = scope
        .update::<customer::Entity>()
        .col_expr(customer::Column::Email, Expr::value(nowhere(id)))
        .col_expr(customer::Column::Name, Expr::value(NAME))
        .col_expr(customer::Column::SortName, Expr::value(fold(NAME)))
        .col_expr(customer::Column::Password, Expr::value(""))
        .col_expr(customer::Column::Phone, Expr::value(None::<String>))
        .col_expr(customer::Column::PhoneVerifiedAt, Expr::value(None::<Instant>))
        .col_expr(customer::Column::PhoneProved, Expr::value(None::<String>))
        .col_expr(customer::Column::IsBanned, Expr::value(true))
        .col_expr(customer::Column::IsVerified, Expr::value(false))
        .col_expr(customer::Column::UpdatedAt, Expr::value(now))
        .col_expr(customer::Column::Version, Expr::col(customer::Column::Version).add(1))
        .filter(customer::Column::Id.eq(id))
        .filter(customer::Column::Version.eq(before.version));
    if scope.run(update).await? == 0 {
        return Err(Error::Stale);
    }
    let sessions = scope
        .update::<customer_session::Entity>()
        .col_expr(customer_session::Column::IpAddress, Expr::value(""))
        .col_expr(customer_session::Column::UserAgent, Expr::value(""))
        .col_expr(customer_session::Column::RevokedAt, Expr::value(Some(now)))
        .filter(customer_session::Column::CustomerId.eq(id));
    scope.run(sessions).await?;
    scope.remove(scope.delete::<word::Entity>().filter(word::Column::CustomerId.eq(id))).await?;
    scope.remove(scope.delete::<one_time_code::Entity>().filter(one_time_code::Column::CustomerId.eq(id))).await?;
    scope.remove(scope.delete::<preference::Entity>().filter(preference::Column::CustomerId.eq(id))).await?;
    let book = scope.all(scope.find::<address::Entity>().filter(address::Column::CustomerId.eq(id)).limit(1_000)).await?;
    scope.remove(scope.delete::<address::Entity>().filter(address::Column::CustomerId.eq(id))).await?;
    Ok(book.into_iter().map(|one| one.id).collect())
}
