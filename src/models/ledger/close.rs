//! Closing a month: what each account came to is written once, and later balances begin there.
//!
//! A booking takes its moment before its unit is kept, so one that lies in a month may become
//! visible after its end. Three things keep a closed month whole. It is closed a day after its end
//! at the earliest: no unit of work lasts so long. The schema refuses an entry that lies in a closed
//! month, on PostgreSQL when its transaction is kept, whenever that began. And `souk task verify`
//! adds all entries up again.

use std::time::Duration;

use serde_json::json;

use super::{
    Month, balance,
    closing::{self, Model as Closing},
};
use crate::{
    clock::{self, Instant},
    errors::Result,
    ids::{CompanyId, LedgerEntryId, RowId},
    models::{companies, jobs},
    tenancy::{Platform, Scope, Souk, Tenant},
};

/// So long after its end nothing can be on its way into a month any more.
const SETTLES: Duration = Duration::from_secs(24 * 3_600);

/// The oldest month that is open.
struct Open {
    month: Month,
    /// Where the last closed one ended.
    since: Option<Instant>,
    until: Instant,
    /// What the last closed one left.
    left: Vec<Closing>,
}

/// The companies whose month may be over and open. The last zone in which the present month begins
/// decides how far is looked, so that none is missed; [`ask_to_close`] then looks at the company's own.
///
/// # Errors
/// When the database cannot be reached.
pub async fn companies_to_close(platform: &Platform) -> Result<Vec<CompanyId>> {
    let over = Month::of(clock::now().date_in("Pacific/Kiritimati")).previous();
    let until = over.ends("Etc/GMT+12");
    let question = "SELECT c.id FROM companies c WHERE NOT EXISTS (SELECT 1 FROM ledger_closings l WHERE l.company_id = c.id AND l.month >= $1) \
                    AND EXISTS (SELECT 1 FROM ledger_entries e WHERE e.company_id = c.id AND e.id < $2)";
    let rows = platform.ask(question, vec![over.to_string().into(), LedgerEntryId::first_at(until).0.into()]).await?;
    rows.into_iter().map(|row| Ok(CompanyId(row.try_get("", "id")?))).collect()
}

/// Wants the job that closes a company's month, when that is over: a day later, so that whoever
/// loads a past into the books meanwhile, such as a demo, gets through with it.
///
/// # Errors
/// When the database is away; the next tick looks again.
pub async fn ask_to_close(souk: &Souk, company: CompanyId) -> Result<()> {
    let scope = souk.read(Tenant::system(company)).await?;
    let open = open_month(&scope).await?;
    drop(scope);
    let Some(over) = open.filter(|open| open.until <= clock::now()) else { return Ok(()) };
    let scope = souk.write(Tenant::system(company)).await?;
    let run_at = clock::now().plus(SETTLES);
    jobs::enqueue_at(&scope, jobs::Kind::CloseMonth, &over.month.to_string(), json!({}), run_at).await?;
    scope.commit().await
}

/// Closes every month of a company that is over, in order, each in a unit of its own.
///
/// # Errors
/// When the database is away: what was closed until then is.
pub async fn close_due(souk: &Souk, company: CompanyId) -> Result<()> {
    loop {
        let scope = souk.write(Tenant::system(company)).await?;
        if close_month(&scope).await?.is_none() {
            return Ok(());
        }
        scope.commit().await?;
    }
}

/// Closes the oldest open month, if it is over for long enough; which one that was. Of several who
/// try at once, one writes it.
///
/// # Errors
/// When a sum leaves 64 bits, or the database cannot be reached.
pub async fn close_month(scope: &Scope) -> Result<Option<Month>> {
    let now = clock::now();
    let Some(open) = open_month(scope).await?.filter(|open| open.until.plus(SETTLES) <= now) else { return Ok(None) };
    let since = open.since.unwrap_or(Instant(0));
    let booked = scope.all_as(balance::booked(scope, open.since, since, open.until)).await?;
    let closings = balance::together(&open.left, booked)?.into_iter().map(|one| {
        Ok(Closing {
            company_id: scope.company(),
            id: RowId::new(),
            balance: one.closing()?,
            account: one.account,
            currency: one.currency,
            month: open.month.to_string(),
            debit: one.debit,
            credit: one.credit,
            ends_at: open.until,
            created_at: now,
        })
    });
    let mut closings = closings.collect::<Result<Vec<_>>>()?.into_iter();
    let key = [closing::Column::CompanyId, closing::Column::Month, closing::Column::Account, closing::Column::Currency];
    // The first account decides whose closing it is.
    if let Some(first) = closings.next()
        && scope.insert_unless_there(first, &key).await?
    {
        scope.insert_all(closings.collect()).await?;
    }
    Ok(Some(open.month))
}

/// The oldest open month; nothing before the first booking.
async fn open_month(scope: &Scope) -> Result<Option<Open>> {
    let zone = companies::own(scope).await?.zone;
    let left = balance::last_closed(scope, None).await?;
    let (month, since) = match left.first() {
        Some(last) => (Month::parse(&last.month).map(Month::next), Some(last.ends_at)),
        None => (balance::first_month(scope, &zone).await?, None),
    };
    Ok(month.map(|month| Open { month, since, until: month.ends(&zone), left }))
}
