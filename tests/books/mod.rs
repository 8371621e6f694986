//! The books: what each account comes to, the months that are closed, and who may read them.

mod closing;
mod reading;

use std::collections::BTreeMap;

use chrono::{Months, NaiveDate};
use souk::{
    clock::{self, Instant},
    errors::Result,
    models::ledger::{self, About, Account, Line, Month},
    money::Money,
    tenancy::Tenant,
};

use crate::support::{Company, World};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// What the clocks of India are ahead of UTC.
const INDIA: i64 = 5 * HOUR + HOUR / 2;

/// So many months ago on the calendar of the test's companies.
fn months_ago(number: u32) -> Month {
    let today = clock::now().date_in("Asia/Kolkata");
    Month::of(today.checked_sub_months(Months::new(number)).expect("a day"))
}

/// When a month begins in India, reckoned without the calendar of the program.
fn begins(month: Month) -> i64 {
    let first: NaiveDate = format!("{month}-01").parse().expect("a day");
    first.and_hms_opt(0, 0, 0).expect("midnight").and_utc().timestamp_micros() - INDIA
}

fn ends(month: Month) -> i64 {
    begins(month.next())
}

/// Does `work` at a moment.
async fn at<F: Future>(moment: i64, work: F) -> F::Output {
    clock::shifted(moment - clock::now().micros(), work).await
}

/// Books an amount from one account to another.
async fn book(world: &World, company: &Company, (from, to): (Account, Account), amount: i64, currency: &str) -> Result<()> {
    let scope = world.souk.write(Tenant::system(company.id)).await?;
    let about = About { kind: "test", reference: "a test", payment: None, order: None, currency };
    let lines = [Line::debit(to, Some(company.shop), Money(amount)), Line::credit(from, Some(company.shop), Money(amount))];
    ledger::post(&scope, about, &lines).await?;
    scope.commit().await
}

/// A sale at a moment.
async fn sell(world: &World, company: &Company, moment: i64, amount: i64) {
    at(moment, book(world, company, (Account::Sales, Account::Gateway), amount, "INR")).await.expect("booked");
}

/// Closes what is over at a moment.
async fn close(world: &World, company: &Company, moment: i64) {
    at(moment, ledger::close_due(&world.souk, company.id)).await.expect("closed");
}

/// The books of a month: the account and currency, then opening, debit, credit and closing.
async fn books(world: &World, company: &Company, month: Month) -> BTreeMap<(String, String), [i64; 4]> {
    let scope = world.souk.read(Tenant::system(company.id)).await.expect("a scope");
    let books = ledger::balances(&scope, Some(month)).await.expect("the books");
    let row = |one: ledger::Balance| {
        let figures = [one.opening.0, one.debit.0, one.credit.0, one.closing().expect("a sum").0];
        ((one.account.name().to_owned(), one.currency), figures)
    };
    books.balances.into_iter().map(row).collect()
}

/// The same, summed up entry by entry.
async fn summed(world: &World, company: &Company, from: i64, until: i64) -> BTreeMap<(String, String), [i64; 4]> {
    let platform = world.souk.platform("verify").await.expect("the platform");
    let ask = "SELECT account, currency, debit, credit, created_at FROM ledger_entries WHERE company_id = $1";
    let mut sums: BTreeMap<(String, String), [i64; 4]> = BTreeMap::new();
    for row in platform.ask(ask, vec![company.id.0.into()]).await.expect("entries") {
        let figure = |name: &str| row.try_get::<i64>("", name).expect("a figure");
        let (debit, credit, moment) = (figure("debit"), figure("credit"), figure("created_at"));
        if moment >= until {
            continue;
        }
        let key = (row.try_get("", "account").expect("an account"), row.try_get("", "currency").expect("a currency"));
        let [opening, debits, credits, closing] = sums.entry(key).or_default();
        if moment < from {
            *opening += debit - credit;
        } else {
            *debits += debit;
            *credits += credit;
        }
        *closing += debit - credit;
    }
    sums
}

/// The months that are closed, and how many accounts each has.
async fn closed(world: &World, company: &Company) -> Vec<(String, i64)> {
    let platform = world.souk.platform("verify").await.expect("the platform");
    let ask = "SELECT month, COUNT(*) AS accounts FROM ledger_closings WHERE company_id = $1 GROUP BY month ORDER BY month";
    let rows = platform.ask(ask, vec![company.id.0.into()]).await.expect("months");
    rows.iter().map(|row| (row.try_get("", "month").expect("a month"), row.try_get("", "accounts").expect("a count"))).collect()
}

/// A moment as the program has it.
fn instant(micros: i64) -> Instant {
    Instant(micros)
}
