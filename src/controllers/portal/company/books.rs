//! The company's books: what each account came to in a month.

use std::collections::BTreeMap;

use axum::response::{Html, Response};
use chrono::Datelike;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{PageResult, Visitor, local};
use crate::{
    controllers::{api, export, extract::Query},
    endpoints::{Endpoint, get},
    errors::Result,
    models::{
        companies::{self, Company},
        ledger::{self, Account, Balance, Books, Month, Nature},
    },
    money::Money,
    tenancy::{Scope, roles::BooksRead},
    views::ledger as view,
};

const PAGE: &str = "/company/books";
/// So many months can be chosen.
const MONTHS: usize = 60;

#[derive(Clone, Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    month: String,
}

impl Asked {
    /// The month that was chosen; nothing for the present one.
    fn month(&self) -> Result<Option<Month>> {
        Some(self.month.as_str()).filter(|text| !text.is_empty()).map(api::books::month).transpose()
    }
}

async fn index(visitor: Visitor<BooksRead>, Query(asked): Query<Asked>) -> PageResult<Html<String>> {
    let (company, data) = read(&visitor, &asked).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/books.html", &company, data)
}

async fn read(visitor: &Visitor<BooksRead>, asked: &Asked) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let books = ledger::balances(&scope, asked.month()?).await?;
    let present = Month::of(company.today());
    let first = ledger::first_month(&scope, &company.zone).await?.unwrap_or(present);
    let all = std::iter::successors(Some(present), |month| Some(month.previous())).take_while(|month| *month >= first).take(MONTHS);
    let months: Vec<_> = all.map(|month| json!({ "value": month.to_string(), "label": named(visitor, month) })).collect();
    let address = |month: Month| format!("{PAGE}?month={month}");
    let groups = Nature::ALL.iter().filter_map(|nature| group(&books, *nature).transpose()).collect::<Result<Vec<_>>>()?;
    let data = json!({
        "month": books.month.to_string(), "name": named(visitor, books.month), "months": months,
        "before": Some(books.month.previous()).filter(|month| *month >= first).map(address),
        "after": Some(books.month.next()).filter(|month| *month <= present).map(address),
        "closed_at": books.closed_at.map(|at| local(at, &company.zone, &visitor.language)), "is_present": books.month == present,
        "kpis": kpis(visitor, &books, &company.currency)?, "groups": groups, "totals": totals(&books)?,
        "exports": { "csv": format!("{PAGE}/export.csv?month={}", books.month), "json": format!("{PAGE}/export.json?month={}", books.month) },
    });
    Ok((company, data))
}

/// A month as people say it.
fn named(visitor: &Visitor<BooksRead>, month: Month) -> String {
    let day = month.first_day();
    format!("{} {}", visitor.text(&format!("books.month.{}", day.month())), day.year())
}

/// The accounts that tell of one thing; nothing where none was booked.
fn group(books: &Books, nature: Nature) -> Result<Option<Value>> {
    let rows = books.balances.iter().filter(|one| one.account.nature() == nature).map(row).collect::<Result<Vec<_>>>()?;
    Ok(Some(json!({ "name": nature.name(), "rows": rows })).filter(|group| group["rows"] != json!([])))
}

fn row(one: &Balance) -> Result<Value> {
    let sum = |amount: Money| (amount != Money::ZERO).then(|| amount.display(&one.currency));
    Ok(json!({
        "account": one.account.name(), "opening": sided(one.opening, &one.currency), "debit": sum(one.debit),
        "credit": sum(one.credit), "closing": sided(one.closing()?, &one.currency),
    }))
}

/// A balance as bookkeepers write it: its size and its side; nothing where it is even.
fn sided(balance: Money, currency: &str) -> Option<Value> {
    let side = if balance > Money::ZERO { "debit" } else { "credit" };
    (balance != Money::ZERO).then(|| json!({ "amount": Money(balance.0.saturating_abs()).display(currency), "side": side }))
}

/// All debits and all credits, by currency: they are the same.
fn totals(books: &Books) -> Result<Vec<Value>> {
    let mut sums: BTreeMap<&str, (Money, Money)> = BTreeMap::new();
    for one in &books.balances {
        let sum = sums.entry(&one.currency).or_default();
        *sum = (sum.0.plus(one.debit)?, sum.1.plus(one.credit)?);
    }
    let row = |(currency, (debit, credit)): (&str, (Money, Money))| json!({ "debit": debit.display(currency), "credit": credit.display(currency) });
    Ok(sums.into_iter().map(row).collect())
}

/// What people ask first.
fn kpis(visitor: &Visitor<BooksRead>, books: &Books, currency: &str) -> Result<Vec<Value>> {
    let of = |account: Account| books.balances.iter().find(|one| one.account == account && one.currency == currency);
    let moved = |account: Account| of(account).map_or(Ok(Money::ZERO), |one| one.debit.minus(one.credit));
    let stands = |account: Account| of(account).map_or(Ok(Money::ZERO), Balance::closing);
    let turned = |amount: Money| Money::ZERO.minus(amount);
    let kpi = |key: &str, amount: Money| {
        let note = visitor.text(&format!("books.{key}_note"));
        json!({ "label": visitor.text(&format!("books.{key}")), "value": amount.display(currency), "note": note })
    };
    Ok(vec![
        kpi("sold", turned(moved(Account::Sales)?)?),
        kpi("given_back", moved(Account::SalesReturns)?),
        kpi("tax_due", turned(stands(Account::TaxPayable)?)?),
        kpi("at_gateway", stands(Account::Gateway)?),
    ])
}

async fn export_csv(visitor: Visitor<BooksRead>, Query(asked): Query<Asked>) -> PageResult<Response> {
    let rows = taken_out(&visitor, &asked).await.map_err(|error| visitor.refuse(error))?;
    let name = file_name(&rows);
    let cells = |books: &Books| books.balances.iter().map(|one| view::cells(&books.month.to_string(), one)).collect::<Result<Vec<_>>>();
    let cells = cells(&rows).map_err(|error| visitor.refuse(error))?;
    let csv = export::csv(&name, &view::COLUMNS, move |_: Option<()>| std::future::ready(Ok((cells.clone(), None))));
    csv.await.map_err(|error| visitor.refuse(error))
}

async fn export_json(visitor: Visitor<BooksRead>, Query(asked): Query<Asked>) -> PageResult<Response> {
    let books = taken_out(&visitor, &asked).await.map_err(|error| visitor.refuse(error))?;
    let name = file_name(&books);
    let rows = books.balances.iter().map(view::account).collect::<Result<Vec<_>>>().map_err(|error| visitor.refuse(error))?;
    let json = export::json(&name, move |_: Option<()>| std::future::ready(Ok((rows.clone(), None))));
    json.await.map_err(|error| visitor.refuse(error))
}

fn file_name(books: &Books) -> String {
    format!("books-{}", books.month)
}

/// What is shown, as a file: a few rows.
async fn taken_out(visitor: &Visitor<BooksRead>, asked: &Asked) -> Result<Books> {
    let scope: Scope = visitor.access.read().await?;
    ledger::balances(&scope, asked.month()?).await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<BooksRead, _>(PAGE, "The company's accounts in a month", index),
        get::<BooksRead, _>("/company/books/export.csv", "The company's accounts in a month as CSV", export_csv),
        get::<BooksRead, _>("/company/books/export.json", "The company's accounts in a month as JSON", export_json),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{
        models::ledger::{Account, Nature},
        views::templates::{LANGUAGES, text},
    };

    #[test]
    fn every_account_has_a_name_and_an_explanation_in_each_language() {
        let accounts = Account::ALL.iter().flat_map(|one| [format!("books.account.{}", one.name()), format!("books.about.{}", one.name())]);
        let natures = Nature::ALL.iter().map(|one| format!("books.nature.{}", one.name()));
        for key in accounts.chain(natures) {
            for language in LANGUAGES {
                assert_ne!(text(&key, language), key, "{key} is not said in {language}");
            }
        }
    }
}
