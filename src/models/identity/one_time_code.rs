//! A code that went to a customer's telephone. Its digits are kept nowhere: they follow from the row
//! and a secret, when they are sent and when they are compared.

use std::time::Duration;

use sea_orm::{
    QueryOrder, QuerySelect, QueryTrait, Select,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};

use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    ids::{CompanyId, CustomerId, RowId},
    tenancy::{Scope, Souk, keys, owned},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_codes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub customer_id: CustomerId,
    /// The number it went to, as the world calls it.
    pub phone: String,
    /// Which secret its digits follow from.
    pub key: String,
    pub tries: i64,
    pub expires_at: Instant,
    pub used_at: Option<Instant>,
    pub created_at: Instant,
}

owned!();

/// How long a code is good, in seconds.
pub const CODE_SECONDS: u64 = 300;
/// So often somebody may mistype it, and no guesser gets far.
const TRIES_MAX: i64 = 5;
/// What a message is refused with whose code is good for nothing any more.
const OVER: Error = Error::NotFound { code: "code_over" };

impl Model {
    /// Six digits; nothing when their secret is listed no more.
    fn digits(&self, souk: &Souk) -> Option<String> {
        let said = format!("{} {} {}", self.company_id, self.id, self.phone);
        let mac = keys::mac(&souk.keys().of(&self.key)?.codes, said.as_bytes());
        let number =
            mac.chars().take(15).filter_map(|digit| digit.to_digit(16)).fold(0_u64, |number, digit| number * 16 + u64::from(digit));
        Some(format!("{:06}", number % 1_000_000))
    }

    pub(super) fn is(&self, souk: &Souk, said: &str) -> bool {
        self.digits(souk).is_some_and(|digits| keys::is_same(&digits, said))
    }
}

/// Makes a new code for a customer's telephone; those before it are good for nothing any more.
pub(super) async fn make(scope: &Scope, customer_id: CustomerId, phone: &str) -> Result<RowId> {
    let now = clock::now();
    let older = scope
        .update::<Entity>()
        .col_expr(Column::ExpiresAt, Expr::value(now))
        .filter(Column::CustomerId.eq(customer_id))
        .filter(Column::ExpiresAt.gt(now));
    scope.run(older).await?;
    let code = Model {
        company_id: scope.company(),
        id: RowId::new(),
        customer_id,
        phone: phone.into(),
        key: scope.souk().keys().newest().id.clone(),
        tries: 0,
        expires_at: now.plus(Duration::from_secs(CODE_SECONDS)),
        used_at: None,
        created_at: now,
    };
    let id = code.id;
    scope.insert(code).await?;
    Ok(id)
}

/// Takes one try at a customer's code that is still good, whatever is said then.
pub(super) async fn take_try(scope: &Scope, customer: CustomerId, phone: &str) -> Result<Option<Model>> {
    let update = scope
        .update::<Entity>()
        .col_expr(Column::Tries, Expr::col(Column::Tries).add(1))
        .filter(Column::CustomerId.eq(customer))
        .filter(Column::Phone.eq(phone))
        .filter(Column::Tries.lt(TRIES_MAX))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(clock::now()));
    Ok(scope.run_returning(update).await?.pop())
}

/// Uses a code, once: of two at the same time one does.
pub(super) async fn use_up(scope: &Scope, id: RowId) -> Result<bool> {
    let update = scope
        .update::<Entity>()
        .col_expr(Column::UsedAt, Expr::value(Some(clock::now())))
        .filter(Column::Id.eq(id))
        .filter(Column::UsedAt.is_null());
    Ok(scope.run(update).await? == 1)
}

/// Where a code goes, and its digits, for the message that takes it there.
///
/// # Errors
/// 404 `code_over` when it is good for nothing any more.
pub async fn code_to_send(scope: &Scope, id: RowId) -> Result<(String, String)> {
    let good = scope.find::<Entity>().filter(Column::Id.eq(id)).filter(Column::UsedAt.is_null());
    let code = scope.one(good.filter(Column::ExpiresAt.gt(clock::now()))).await?.ok_or(OVER)?;
    let digits = code.digits(scope.souk()).ok_or(OVER)?;
    Ok((code.phone, digits))
}

/// The codes that were sent to a customer, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn codes_sent(scope: &Scope, customer: CustomerId, limit: u64) -> Result<Vec<Model>> {
    let rows = scope.find::<Entity>().filter(Column::CustomerId.eq(customer));
    scope.all(rows.order_by_desc(Column::Id).limit(limit)).await
}

fn over(scope: &Scope, before: Instant) -> Select<Entity> {
    scope.find::<Entity>().filter(Column::CreatedAt.lt(before))
}

/// How many codes are from before `before`.
pub async fn past_codes(scope: &Scope, before: Instant) -> Result<u64> {
    scope.count(over(scope, before)).await
}

/// Lets go of such codes, up to two thousand; how many there were.
pub async fn let_go_codes(scope: &Scope, before: Instant) -> Result<u64> {
    let ids = over(scope, before).select_only().column(Column::Id).order_by_asc(Column::Id).limit(2_000);
    scope.remove(scope.delete::<Entity>().filter(Column::Id.in_subquery(ids.into_query()))).await
}
