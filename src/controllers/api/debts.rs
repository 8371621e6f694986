//! `/api/debts`: what companies owe the platform. A company sees its own; the platform's people
//! see all, or with the header one company's.

use std::collections::BTreeMap;

use axum::{Json as Answer, http::StatusCode, response::Response};
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    controllers::{
        extract::{Id, Json, Query, Version},
        once::{Begun, Once, again},
        page,
    },
    endpoints::{
        Endpoint,
        api::{get, post, put},
    },
    errors::{Error, Result},
    ids::{CompanyId, DebtId},
    models::{
        companies,
        debts::{self, Debt, DebtChange, Filter, Kind, NewDebt, NewNote, NewPayment, PlanRequest, Reason, Reversal, Status},
    },
    tenancy::{
        Access, Permission, Platform, Scope,
        roles::{DebtsPay, DebtsRead, DebtsWrite},
    },
    views::debts as view,
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    #[schemars(extend("enum" = Status::ALL.map(Status::name)))]
    status: Option<String>,
    #[serde(rename = "type")]
    #[schemars(extend("enum" = Kind::ALL.map(Kind::name)))]
    kind: Option<String>,
    company_id: Option<CompanyId>,
    limit: Option<u64>,
    cursor: Option<String>,
}

impl List {
    fn filter(&self) -> Result<Filter> {
        let unknown = |field: &'static str| move || Error::invalid(field, "unknown", "there is no such word");
        Ok(Filter {
            status: self.status.as_deref().map(|name| Status::named(name).ok_or_else(unknown("status"))).transpose()?,
            kind: self.kind.as_deref().map(|name| Kind::named(name).ok_or_else(unknown("type"))).transpose()?,
            company: self.company_id,
            ..Filter::default()
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Paged {
    limit: Option<u64>,
    cursor: Option<String>,
}

/// The access in the company of a debt.
async fn at<P: Permission>(access: Access<P>, id: DebtId) -> Result<Access<P>> {
    if !access.sees_all() {
        return Ok(access);
    }
    let platform = access.souk().platform("debts").await?;
    let company = debts::company_of(&platform, id).await?;
    drop(platform);
    access.within(company)
}

async fn index(access: Access<DebtsRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let filter = list.filter()?;
    let access = match list.company_id {
        Some(company) => access.within(company)?,
        None => access,
    };
    newest(&access, &filter, limit, list.cursor.as_deref()).await
}

async fn newest<P: Permission>(access: &Access<P>, filter: &Filter, limit: u64, cursor: Option<&str>) -> Result<Answer<Value>> {
    let bound = format!("debts {filter:?}");
    let before = page::open::<DebtId>(access, &bound, cursor)?;
    if access.sees_all() {
        let platform = access.souk().platform("debts").await?;
        let mut rows = debts::list_of_all(&platform, filter, before, limit + 1).await?;
        let next = page::cut(access, &bound, &mut rows, limit, |row| row.id)?;
        return Ok(Answer(page::envelope(summaries_of_all(&platform, &rows).await?, limit, next)));
    }
    let scope = access.read().await?;
    let today = companies::own(&scope).await?.today();
    let mut rows = debts::list(&scope, filter, before, limit + 1).await?;
    let next = page::cut(access, &bound, &mut rows, limit, |row| row.id)?;
    Ok(Answer(page::envelope(summaries(&rows, today), limit, next)))
}

fn summaries(rows: &[Debt], today: NaiveDate) -> Vec<Value> {
    rows.iter().map(|debt| view::summary(debt, today)).collect()
}

/// Debts of several companies, each as of its company's own day.
async fn summaries_of_all(platform: &Platform, rows: &[Debt]) -> Result<Vec<Value>> {
    let ids: Vec<_> = rows.iter().map(|debt| debt.company_id).collect();
    let days: BTreeMap<_, _> = companies::named(platform, &ids).await?.into_iter().map(|one| (one.id, one.today())).collect();
    Ok(rows.iter().filter_map(|debt| days.get(&debt.company_id).map(|today| view::summary(debt, *today))).collect())
}

async fn overdue(access: Access<DebtsRead>, Query(list): Query<Paged>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let after = page::open::<(NaiveDate, DebtId)>(&access, "debts overdue", list.cursor.as_deref())?;
    let key = |row: &Debt| (row.next_due_on, row.id);
    if access.sees_all() {
        let platform = access.souk().platform("debts").await?;
        let mut rows = debts::overdue_of_all(&platform, after, limit + 1).await?;
        let next = page::cut(&access, "debts overdue", &mut rows, limit, key)?;
        return Ok(Answer(page::envelope(summaries_of_all(&platform, &rows).await?, limit, next)));
    }
    let scope = access.read().await?;
    let today = companies::own(&scope).await?.today();
    let mut rows = debts::overdue(&scope, today, after, limit + 1).await?;
    let next = page::cut(&access, "debts overdue", &mut rows, limit, key)?;
    Ok(Answer(page::envelope(summaries(&rows, today), limit, next)))
}

async fn aging(access: Access<DebtsRead>) -> Result<Answer<Value>> {
    let buckets = if access.sees_all() {
        debts::aging_of_all(&access.souk().platform("debts").await?).await?
    } else {
        let scope = access.read().await?;
        let today = companies::own(&scope).await?.today();
        debts::aging(&scope, today).await?
    };
    Ok(Answer(json!({ "data": buckets })))
}

async fn of_company(access: Access<DebtsRead>, Id(company): Id<CompanyId>, Query(list): Query<Paged>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let access = access.within(company)?;
    newest(&access, &Filter::default(), limit, list.cursor.as_deref()).await
}

async fn show(access: Access<DebtsRead>, Id(id): Id<DebtId>) -> Result<Answer<Value>> {
    let access = at(access, id).await?;
    let scope = access.read().await?;
    Ok(Answer(shown(&scope, id).await?))
}

async fn shown(scope: &Scope, id: DebtId) -> Result<Value> {
    let debt = debts::get(scope, id).await?;
    let today = companies::own(scope).await?.today();
    Ok(view::full(&debt, &debts::parts(scope, id).await?, today))
}

async fn create(access: Access<DebtsWrite>, once: Once, Json(new, hash): Json<NewDebt>) -> Result<Response> {
    let access = match new.company_id {
        Some(company) => access.within(company)?,
        None => access,
    };
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Past(debt) => return now(&access, StatusCode::CREATED, DebtId(debt)).await,
        Begun::Resume(..) => return Err(Error::internal("a debt is raised in one unit")),
    };
    match debts::raise(unit.scope(), &new).await {
        Ok(debt) => {
            let answer = shown(unit.scope(), debt.id).await;
            unit.end_with(StatusCode::CREATED, debt.id.0, answer).await
        }
        Err(refusal) => unit.end::<Value>(StatusCode::CREATED, Err(refusal)).await,
    }
}

/// How a debt stands now, for a request whose effect on it is long there.
async fn now<P: Permission>(access: &Access<P>, status: StatusCode, id: DebtId) -> Result<Response> {
    Ok(again(status, shown(&access.read().await?, id).await?))
}

async fn change(
    access: Access<DebtsWrite>,
    Id(id): Id<DebtId>,
    Version(version): Version,
    Json(change, _): Json<DebtChange>,
) -> Result<Answer<Value>> {
    let scope = at(access, id).await?.write().await?;
    debts::change(&scope, id, &change, version).await?;
    let answer = shown(&scope, id).await?;
    scope.commit().await?;
    Ok(Answer(answer))
}

/// Records a payment. Answers the debt as it is now, and the payment.
async fn pay(access: Access<DebtsPay>, once: Once, Id(id): Id<DebtId>, Json(new, hash): Json<NewPayment>) -> Result<Response> {
    let access = at(access, id).await?;
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Past(debt) => return now(&access, StatusCode::CREATED, DebtId(debt)).await,
        Begun::Resume(..) => return Err(Error::internal("a debt's payment has one unit")),
    };
    let result = paid(unit.scope(), id, &new).await;
    unit.end_with(StatusCode::CREATED, id.0, result).await
}

async fn paid(scope: &Scope, id: DebtId, new: &NewPayment) -> Result<Value> {
    let (_, payment) = debts::pay(scope, id, new).await?;
    let mut answer = shown(scope, id).await?;
    answer["payment"] = view::payment(&payment, &[]);
    Ok(answer)
}

async fn reverse(access: Access<DebtsWrite>, once: Once, Id(id): Id<DebtId>, Json(body, hash): Json<Reversal>) -> Result<Response> {
    let access = at(access, id).await?;
    let unit = match once.begin(&access, &hash).await? {
        Begun::Fresh(unit) => unit,
        Begun::Replay(answer) => return Ok(answer),
        Begun::Past(debt) => return now(&access, StatusCode::OK, DebtId(debt)).await,
        Begun::Resume(..) => return Err(Error::internal("a reversal has one unit")),
    };
    let result = match debts::reverse(unit.scope(), id, &body).await {
        Ok(_) => shown(unit.scope(), id).await,
        Err(error) => Err(error),
    };
    unit.end_with(StatusCode::OK, id.0, result).await
}

async fn plan(
    access: Access<DebtsWrite>,
    Id(id): Id<DebtId>,
    Version(version): Version,
    Json(request, _): Json<PlanRequest>,
) -> Result<Answer<Value>> {
    let scope = at(access, id).await?.write().await?;
    debts::plan(&scope, id, &request, version).await?;
    let answer = shown(&scope, id).await?;
    scope.commit().await?;
    Ok(Answer(answer))
}

async fn note(access: Access<DebtsWrite>, Id(id): Id<DebtId>, Json(new, _): Json<NewNote>) -> Result<(StatusCode, Answer<Value>)> {
    let scope = at(access, id).await?.write().await?;
    let note = debts::add_note(&scope, id, &new).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Answer(view::note(&note))))
}

async fn cancel(access: Access<DebtsWrite>, Id(id): Id<DebtId>, Json(reason, _): Json<Reason>) -> Result<Answer<Value>> {
    let scope = at(access, id).await?.write().await?;
    debts::cancel(&scope, id, &reason).await?;
    let answer = shown(&scope, id).await?;
    scope.commit().await?;
    Ok(Answer(answer))
}

async fn write_off(access: Access<DebtsWrite>, Id(id): Id<DebtId>, Json(reason, _): Json<Reason>) -> Result<Answer<Value>> {
    let scope = at(access, id).await?.write().await?;
    debts::write_off(&scope, id, &reason).await?;
    let answer = shown(&scope, id).await?;
    scope.commit().await?;
    Ok(Answer(answer))
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<DebtsRead, _>("/api/debts", "Debts, newest first: all for the platform, else one's own", index).answers(200, "[DebtSummary]"),
        post::<DebtsWrite, _>("/api/debts", "Raises a debt of a company", create).answers(201, "Debt"),
        get::<DebtsRead, _>("/api/debts/overdue", "Overdue debts, the longest overdue first", overdue).answers(200, "[DebtSummary]"),
        get::<DebtsRead, _>("/api/debts/aging", "What is owed, by how long it has been due", aging).answers(200, "Aging"),
        get::<DebtsRead, _>("/api/debts/company/{companyId}", "One company's debts", of_company).answers(200, "[DebtSummary]"),
        get::<DebtsRead, _>("/api/debts/{id}", "One debt with its instalments, payments and notes", show).answers(200, "Debt"),
        put::<DebtsWrite, _>("/api/debts/{id}", "Changes a debt's reference or note", change).answers(200, "Debt"),
        post::<DebtsPay, _>("/api/debts/{id}/payment", "Records a payment of a debt", pay).answers(201, "PaidDebt"),
        post::<DebtsWrite, _>("/api/debts/{id}/reversal", "Takes a recorded payment back", reverse).answers(200, "Debt"),
        post::<DebtsWrite, _>("/api/debts/{id}/plan", "Cuts what is unpaid into instalments", plan).answers(200, "Debt"),
        post::<DebtsWrite, _>("/api/debts/{id}/notes", "Notes something on a debt, perhaps a promise to pay", note)
            .answers(201, "DebtNote"),
        post::<DebtsWrite, _>("/api/debts/{id}/cancel", "Cancels a debt that should not have been raised", cancel).answers(200, "Debt"),
        post::<DebtsWrite, _>("/api/debts/{id}/write-off", "Writes off what is still owed", write_off).answers(200, "Debt"),
    ]
}
