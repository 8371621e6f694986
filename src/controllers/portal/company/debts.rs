//! What the company owes the platform: debts with their instalments and payments, its plan, and how
//! it pays.

use std::sync::Arc;

use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    PageResult, Visitor, debts as shown, export,
    fields::Fields,
    lists::{COUNTED_MAX, Head, Listing, Sorting, count_view},
    once,
};
use crate::{
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::DebtId,
    keyset::{Place, Sort},
    models::{
        catalog,
        companies::{self, Company},
        debts::{self, By, Debt, Filter, Status},
        identity,
        plans::{self, Interval, Limit, Subscription},
        shops,
    },
    money::Money,
    tenancy::{
        Access, Permission, Scope,
        roles::{DebtsPay, DebtsRead},
    },
    views::{charts, dates},
};

const PAGE: &str = "/company/debts";
const ROWS: u64 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    sort: String,
    cursor: Option<String>,
}

/// What stands for all that is still owed.
pub(in crate::controllers::portal) const OPEN: &str = "open";
/// The questions people ask daily.
const VIEWS: [(&str, &str); 4] = [
    ("debts.view.all", ""),
    ("debts.view.open", "status=open"),
    ("debts.status.overdue", "status=overdue"),
    ("debts.status.paid", "status=paid"),
];

/// What people sort debts by.
pub(in crate::controllers::portal) const HEADS: [Head<By>; 2] = [
    Head { word: "raised", label: "debts.col.raised", falls: true, by: By::Raised },
    Head { word: "due", label: "debts.col.next_due", falls: false, by: By::Due },
];

impl List {
    fn sorting(&self) -> Sorting<By> {
        Sorting::of(&HEADS, Sort { by: By::Raised, falls: true }, &self.sort)
    }

    fn filter(&self) -> Filter {
        Filter {
            status: Status::named(&self.status),
            is_open: self.status == OPEN,
            kind: debts::Kind::named(&self.kind),
            words: Some(self.q.clone()),
            ..Filter::default()
        }
    }
}

async fn index(visitor: Visitor<DebtsRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let read = list_page(&visitor, &list).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/debts/index.html", &company, data)
}

async fn list_page(visitor: &Visitor<DebtsRead>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let filter = list.filter();
    let sorting = list.sorting();
    let sort = sorting.sort;
    let bound = format!("portal debts {filter:?} {sort:?}");
    let after = page::open::<Place>(access, &bound, list.cursor.as_deref())?;
    let platform = companies::platform(access.souk()).await?;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let today = company.today();
    let mut rows = debts::sorted(&scope, &filter, sort, after, ROWS + 1).await?;
    let next = page::cut(access, &bound, &mut rows, ROWS, |row| sort.by.place(row))?;
    let owed = debts::aging(&scope, today).await?;
    let sums = |of: fn(&debts::Bucket) -> Money| {
        let parts: Vec<_> = owed.iter().map(|one| (of(one), &one.currency)).filter(|(amount, _)| *amount > Money::ZERO).collect();
        parts.iter().map(|(amount, currency)| amount.display(currency)).collect::<Vec<_>>().join(" + ")
    };
    let subscription = plans::current(&scope).await?;
    let status = match list.status.as_str() {
        OPEN => visitor.text("debts.view.open"),
        _ => filter.status.map_or_else(String::new, |status| visitor.text(&format!("debts.status.{}", status.name()))),
    };
    let kind = filter.kind.map_or_else(String::new, |kind| visitor.text(&format!("debts.kind.{}", kind.name())));
    let chips = vec![
        ("q", visitor.text("ui.search"), list.q.clone()),
        ("status", visitor.text("debts.col.status"), status),
        ("kind", visitor.text("debts.col.kind"), kind),
    ];
    let mut listing = visitor.sorted_list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }, &sorting).await?;
    let overdue = Filter { status: Some(Status::Overdue), ..Filter::default() };
    count_view(&mut listing, 2, debts::list(&scope, &overdue, None, COUNTED_MAX).await?.len() as u64);
    let data = json!({
        "rows": rows.iter().map(|debt| shown::row(debt, today, &company.zone, &visitor.language)).collect::<Vec<_>>(),
        "list": listing,
        "filter": { "q": list.q, "status": list.status, "kind": list.kind },
        "statuses": shown::statuses(), "kinds": shown::kinds(),
        "owed": sums(|one| one.total),
        "overdue": sums(|one| Money(one.total.0 - one.current.0)),
        "next": debts::next_due(&scope).await?.as_ref().map(|debt| shown::row(debt, today, &company.zone, &visitor.language)),
        "plan": match &subscription {
            Some(one) => plan(visitor, &scope, one, &company).await?,
            None => Value::Null,
        },
        "pay_to": platform.pay_to, "platform": { "name": platform.name, "email": platform.email, "phone": platform.phone },
    });
    Ok((company, data))
}

/// The plan, and how much of what it allows is taken.
async fn plan(visitor: &Visitor<DebtsRead>, scope: &Scope, one: &Subscription, company: &Company) -> Result<Value> {
    let month = company.today().format("%Y-%m").to_string();
    let orders = if one.orders_month == month { one.orders_count } else { 0 };
    let count = |taken: u64| i64::try_from(taken).unwrap_or(i64::MAX);
    let taken = [
        (Limit::Shops, count(shops::places_taken(scope).await?)),
        (Limit::Staff, count(identity::places_taken(scope).await?)),
        (Limit::Products, count(catalog::places_taken(scope).await?)),
        (Limit::Orders, orders),
    ];
    let usage = taken.into_iter().map(|(limit, taken)| {
        let most = limit.of(one);
        let class = match most {
            Some(most) if taken >= most => "c-badf",
            Some(most) if taken.saturating_mul(10) >= most.saturating_mul(9) => "c-warn",
            _ => "c-bar",
        };
        json!({
            "label": visitor.text(&format!("debts.limit.{}", limit.name())), "taken": taken, "most": most,
            "meter": most.map(|most| charts::meter_of(&[(class, taken.min(most))], most)),
        })
    });
    let period = if one.period == Interval::Year { "debts.per_year" } else { "debts.per_month" };
    Ok(json!({
        "name": one.plan_name, "price": one.price.display(&one.currency), "period_key": period, "state": one.state,
        "ends": dates::day(one.ends_on, &visitor.language), "renews": one.renews, "is_trial": one.is_trial, "usage": usage.collect::<Vec<_>>(),
    }))
}

const COLUMNS: [&str; 9] = ["reference", "type", "status", "currency", "amount", "paid", "remaining", "due", "next due"];

async fn export(visitor: Visitor<DebtsRead>, Query(list): Query<List>) -> PageResult<Response> {
    let look = visitor.look();
    let access = Arc::new(visitor.access);
    let sort = list.sorting().sort;
    let csv = export::csv("debts", &COLUMNS, move |after| {
        let (access, filter) = (Arc::clone(&access), list.filter());
        async move {
            let scope = access.read().await?;
            let today = companies::own(&scope).await?.today();
            let rows = debts::sorted(&scope, &filter, sort, after, export::ROWS).await?;
            let next = rows.last().map(|row| sort.by.place(row)).filter(|_| rows.len() as u64 == export::ROWS);
            Ok((rows.iter().map(|debt| cells(debt, debt.status_on(today))).collect(), next))
        }
    });
    csv.await.map_err(|error| look.with(error))
}

async fn export_chosen(visitor: Visitor<DebtsRead>, fields: Fields) -> PageResult<Response> {
    let read = chosen_rows(&visitor.access, &fields).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("debts", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(access: &Access<DebtsRead>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let today = companies::own(&scope).await?.today();
    let mut rows = Vec::new();
    for id in fields.chosen() {
        let debt = debts::get(&scope, id).await?;
        rows.push(cells(&debt, debt.status_on(today)));
    }
    Ok(rows)
}

/// A debt as a row of a file.
pub(in crate::controllers::portal) fn cells(debt: &Debt, status: Status) -> Vec<String> {
    vec![
        debt.reference.clone(),
        debt.kind.name().into(),
        status.name().into(),
        debt.currency.clone(),
        debt.amount.plain(),
        debt.paid.plain(),
        debt.remaining().plain(),
        debt.due_on.to_string(),
        debt.next_due_on.map(|day| day.to_string()).unwrap_or_default(),
    ]
}

async fn show(visitor: Visitor<DebtsRead>, Id(id): Id<DebtId>) -> PageResult<Html<String>> {
    let read = debt_page(&visitor, id).await;
    let (company, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/debts/show.html", &company, data)
}

/// A debt's page, for whoever may read it or pay it.
async fn debt_page<P: Permission>(visitor: &Visitor<P>, id: DebtId) -> Result<(Company, Value)> {
    let platform = companies::platform(visitor.access.souk()).await?;
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let debt = debts::get(&scope, id).await?;
    let parts = debts::parts(&scope, id).await?;
    let mut data = shown::page(visitor, &debt, &parts, company.today(), &company.zone);
    data["can_pay"] = json!(debt.status.is_open() && visitor.access.tenant().may(DebtsPay::NAME));
    data["pay_to"] = json!(platform.pay_to);
    Ok((company, data))
}

/// Writes down what the company has paid.
async fn pay(visitor: Visitor<DebtsPay>, Id(id): Id<DebtId>, mut fields: Fields) -> PageResult<Response> {
    match paid(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&format!("{PAGE}/{id}"), "payment_recorded").into_response()),
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            let (company, data) = debt_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/debts/show.html", &company, data)
        }
    }
}

async fn paid(access: &Access<DebtsPay>, id: DebtId, fields: &mut Fields) -> Result<()> {
    let new = shown::payment_of(fields);
    fields.end()?;
    let scope = access.write().await?;
    let once::Form::Fresh(sent) = once::first(access, &scope, &format!("pay {id}"), fields).await? else { return Ok(()) };
    let (_, payment) = debts::pay(&scope, id, &new).await?;
    sent.done(&scope, payment.id.0).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<DebtsRead, _>(PAGE, "What the company owes the platform", index),
        get::<DebtsRead, _>("/company/debts/export.csv", "The company's debts as CSV", export),
        post::<DebtsRead, _>("/company/debts/chosen.csv", "Chosen debts as CSV", export_chosen),
        get::<DebtsRead, _>("/company/debts/{id}", "One debt of the company", show),
        post::<DebtsPay, _>("/company/debts/{id}/pay", "Records a payment of a debt", pay),
    ]
}
