//! What the accounts came to: what the last closed month left, and what was booked since.

use std::{collections::BTreeMap, time::Duration};

use sea_orm::{
    ColumnTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Alias, Expr, ExprTrait},
};

use super::{Account, Month, closing, entry};
use crate::{
    clock::Instant,
    errors::{Error, Result},
    ids::LedgerEntryId,
    models::companies,
    money::Money,
    tenancy::Scope,
};

/// An entry's id is born in the moment of its booking, or hardly later: looked for so far around
/// it, by the key, none is missed.
const AROUND: Duration = Duration::from_secs(3_600);

/// An account in a month.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Balance {
    pub account: Account,
    pub currency: String,
    /// Debits less credits until the month began: below zero, it is a credit.
    pub opening: Money,
    pub debit: Money,
    pub credit: Money,
}

impl Balance {
    /// What it came to at the month's end, or has come to so far.
    ///
    /// # Errors
    /// When the sum leaves 64 bits.
    pub fn closing(&self) -> Result<Money> {
        self.opening.plus(self.debit)?.minus(self.credit)
    }
}

/// A month of a company's books.
#[derive(Clone, Debug)]
pub struct Books {
    pub month: Month,
    pub from: Instant,
    /// Up to before this moment.
    pub until: Instant,
    /// When it was closed; nothing while it is open.
    pub closed_at: Option<Instant>,
    /// Each account that was ever booked until then, in their order.
    pub balances: Vec<Balance>,
}

/// Every account in a month, or in the present one.
///
/// # Errors
/// 403 for whoever sees single shops only; 422 for a month that has not begun.
pub async fn balances(scope: &Scope, month: Option<Month>) -> Result<Books> {
    if scope.tenant().shops.is_some() {
        return Err(Error::NotAllowed { code: "forbidden" });
    }
    let company = companies::own(scope).await?;
    let present = Month::of(company.today());
    let month = month.unwrap_or(present);
    if month > present {
        return Err(Error::invalid("month", "not_begun", "this month has not begun"));
    }
    let last = last_closed(scope, Some(month)).await?;
    match last.first() {
        Some(one) if one.month == month.to_string() => of_closed(scope, month, &last, &company.zone).await,
        one => {
            let since = one.map(|one| one.ends_at);
            // It begins where the month before it was closed, whatever zone the company had then.
            let follows = one.is_some_and(|one| one.month == month.previous().to_string());
            let from = since.filter(|_| follows).unwrap_or_else(|| month.begins(&company.zone));
            let until = month.ends(&company.zone);
            let moved = scope.all_as::<Balance, _>(booked(scope, since, from, until)).await?;
            Ok(Books { month, from, until, closed_at: None, balances: together(&last, moved)? })
        }
    }
}

/// The first month of the company's books; nothing before the first booking.
///
/// # Errors
/// When the database cannot be reached.
pub async fn first_month(scope: &Scope, zone: &str) -> Result<Option<Month>> {
    let first = scope.find::<entry::Entity>().order_by_asc(entry::Column::Id).limit(1);
    Ok(scope.one(first).await?.map(|entry| Month::of(entry.created_at.date_in(zone))))
}

/// A closed month is what was written of it.
async fn of_closed(scope: &Scope, month: Month, rows: &[closing::Model], zone: &str) -> Result<Books> {
    let (Some(one), before) = (rows.first(), last_closed(scope, Some(month.previous())).await?) else {
        return Err(Error::internal("a closed month has no account"));
    };
    let from = before.first().map_or_else(|| month.begins(zone), |before| before.ends_at);
    let balance = |row: &closing::Model| {
        let opening = row.balance.minus(row.debit)?.plus(row.credit)?;
        Ok(Balance { account: row.account, currency: row.currency.clone(), opening, debit: row.debit, credit: row.credit })
    };
    let mut balances = rows.iter().map(balance).collect::<Result<Vec<_>>>()?;
    balances.sort_by(|one, other| (one.account, &one.currency).cmp(&(other.account, &other.currency)));
    Ok(Books { month, from, until: one.ends_at, closed_at: Some(one.created_at), balances })
}

/// What was closed last, of a month or those before it if named: a row for each account.
pub(super) async fn last_closed(scope: &Scope, until: Option<Month>) -> Result<Vec<closing::Model>> {
    let mut newest = scope.find::<closing::Entity>().select_only().column(closing::Column::Month);
    if let Some(month) = until {
        newest = newest.filter(closing::Column::Month.lte(month.to_string()));
    }
    let newest = newest.order_by_desc(closing::Column::Month).limit(1);
    scope.all(scope.find::<closing::Entity>().filter(closing::Column::Month.in_subquery(newest.into_query()))).await
}

/// What was booked from `since` on and before `until`, by account: until `from` in one sum, and
/// from then on by its sides.
pub(super) fn booked(scope: &Scope, since: Option<Instant>, from: Instant, until: Instant) -> Select<entry::Entity> {
    let of = |column: entry::Column| Expr::col(column);
    let when = |is_before: bool, then: Expr| {
        let at = of(entry::Column::CreatedAt);
        let is_then = if is_before { at.lt(from.micros()) } else { at.gte(from.micros()) };
        let counted: Expr = Expr::case(is_then, then).finally(0_i64).into();
        // As a whole number on both databases.
        counted.sum().if_null(0_i64).cast_as(Alias::new("bigint"))
    };
    let mut rows = scope
        .find::<entry::Entity>()
        .select_only()
        .column(entry::Column::Account)
        .column(entry::Column::Currency)
        .expr_as(when(true, of(entry::Column::Debit).sub(of(entry::Column::Credit))), "opening")
        .expr_as(when(false, of(entry::Column::Debit)), "debit")
        .expr_as(when(false, of(entry::Column::Credit)), "credit")
        .filter(entry::Column::Id.lt(LedgerEntryId::first_at(until.plus(AROUND))))
        .filter(entry::Column::CreatedAt.lt(until))
        .group_by(entry::Column::Account)
        .group_by(entry::Column::Currency);
    if let Some(since) = since {
        rows = rows.filter(entry::Column::Id.gte(LedgerEntryId::first_at(since.minus(AROUND)))).filter(entry::Column::CreatedAt.gte(since));
    }
    rows
}

/// What was left of each account, and what was booked since.
pub(super) fn together(left: &[closing::Model], moved: Vec<Balance>) -> Result<Vec<Balance>> {
    let mut balances: BTreeMap<(Account, String), Balance> = left
        .iter()
        .map(|row| {
            let (account, currency) = (row.account, row.currency.clone());
            let (debit, credit) = (Money::ZERO, Money::ZERO);
            ((account, currency.clone()), Balance { account, currency, opening: row.balance, debit, credit })
        })
        .collect();
    for one in moved {
        match balances.get_mut(&(one.account, one.currency.clone())) {
            Some(balance) => {
                balance.opening = balance.opening.plus(one.opening)?;
                (balance.debit, balance.credit) = (one.debit, one.credit);
            }
            None => {
                balances.insert((one.account, one.currency.clone()), one);
            }
        }
    }
    Ok(balances.into_values().collect())
}
