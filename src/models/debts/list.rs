//! Finding debts: one company's, or for the platform everybody's.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use sea_orm::{
    ColumnTrait, Condition, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Alias, Expr, ExprTrait, Func, LikeExpr, Query, SelectStatement},
};
use serde::Serialize;

use super::{
    debt::{self, Column, Model as Debt},
    instalment, note, payment,
    status::{Kind, Status},
    step,
    steps::Step,
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{CompanyId, DebtId},
    keyset::{self, At, Place, Sort},
    money::Money,
    tenancy::{Platform, Scope},
};

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    /// Those that are still owed.
    pub is_open: bool,
    pub kind: Option<Kind>,
    pub company: Option<CompanyId>,
    /// A part of the reference, or one of `named`.
    pub words: Option<String>,
    /// Companies whose debts the words mean too.
    pub named: Vec<CompanyId>,
    /// What has something unpaid of an age; see [`aged`].
    pub aged: Option<SelectStatement>,
}

/// Where a page begins, and how long it is.
type After<T> = Option<T>;

fn narrowed(rows: Select<debt::Entity>, filter: &Filter) -> Select<debt::Entity> {
    let words = filter.words.as_deref().map(str::trim).filter(|words| !words.is_empty());
    let said = words.map(|words| {
        let escaped: String = words.to_lowercase().chars().flat_map(escaped).collect();
        let part = LikeExpr::new(format!("%{escaped}%")).escape('\\');
        Condition::any()
            .add(Expr::expr(Func::lower(Expr::col(Column::Reference))).like(part))
            .add(Column::CompanyId.is_in(filter.named.iter().copied()))
    });
    rows.apply_if(filter.status, |rows, status| rows.filter(Column::Status.eq(status)))
        .apply_if(filter.is_open.then_some(Status::OPEN), |rows, open| rows.filter(Column::Status.is_in(open)))
        .apply_if(filter.kind, |rows, kind| rows.filter(Column::Kind.eq(kind)))
        .apply_if(filter.company, |rows, company| rows.filter(Column::CompanyId.eq(company)))
        .apply_if(filter.aged.clone(), |rows, aged| rows.filter(Column::Id.in_subquery(aged)))
        .apply_if(said, |rows, said| rows.filter(said))
}

/// A letter of a pattern that stands for itself.
fn escaped(letter: char) -> impl Iterator<Item = char> {
    matches!(letter, '%' | '_' | '\\').then_some('\\').into_iter().chain([letter])
}

fn newest(rows: Select<debt::Entity>, filter: &Filter, before: After<DebtId>, limit: u64) -> Select<debt::Entity> {
    let mut rows = narrowed(rows, filter);
    if let Some(before) = before {
        rows = rows.filter(Column::Id.lt(before));
    }
    rows.order_by_desc(Column::Id).limit(limit)
}

/// The longest overdue first.
fn oldest_due(rows: Select<debt::Entity>, after: After<(NaiveDate, DebtId)>, limit: u64) -> Select<debt::Entity> {
    let mut rows = rows;
    if let Some((day, id)) = after {
        rows = rows.filter(keyset::above(Column::NextDueOn, day, Column::Id, id));
    }
    rows.order_by_asc(Column::NextDueOn).order_by_asc(Column::Id).limit(limit)
}

/// What people sort debts by: since when they are there, which their ids say, or the day on which
/// the oldest unpaid part is due. What is paid or closed has no such day, and stands behind the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Raised,
    Due,
}

/// The day of what is due no more.
const NEVER: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

impl By {
    /// Where a list that is sorted so goes on behind a debt.
    #[must_use]
    pub fn place(self, debt: &Debt) -> Place {
        Place { at: (self == Self::Due).then(|| At::Day(debt.next_due_on.unwrap_or(NEVER))), id: debt.id.0 }
    }
}

fn in_order(rows: Select<debt::Entity>, filter: &Filter, sort: Sort<By>, after: Option<Place>, limit: u64) -> Select<debt::Entity> {
    let due = || Expr::expr(Func::coalesce([Column::NextDueOn.into_expr(), Expr::value(NEVER)]));
    keyset::sorted(narrowed(rows, filter), (sort.by == By::Due).then(due), Column::Id, sort.falls, after).limit(limit)
}

/// The company's debts in the order that a person chose.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sorted(scope: &Scope, filter: &Filter, sort: Sort<By>, after: Option<Place>, limit: u64) -> Result<Vec<Debt>> {
    scope.all(in_order(scope.find::<debt::Entity>(), filter, sort, after, limit)).await
}

/// Everybody's debts in the order that a person chose.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sorted_of_all(platform: &Platform, filter: &Filter, sort: Sort<By>, after: Option<Place>, limit: u64) -> Result<Vec<Debt>> {
    platform.all(in_order(platform.find::<debt::Entity>(), filter, sort, after, limit)).await
}

/// The company's debts, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(scope: &Scope, filter: &Filter, before: Option<DebtId>, limit: u64) -> Result<Vec<Debt>> {
    scope.all(newest(scope.find::<debt::Entity>(), filter, before, limit)).await
}

/// Everybody's debts, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_of_all(platform: &Platform, filter: &Filter, before: Option<DebtId>, limit: u64) -> Result<Vec<Debt>> {
    platform.all(newest(platform.find::<debt::Entity>(), filter, before, limit)).await
}

/// The company's overdue debts, the longest overdue first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn overdue(scope: &Scope, today: NaiveDate, after: Option<(NaiveDate, DebtId)>, limit: u64) -> Result<Vec<Debt>> {
    let rows = scope.find::<debt::Entity>().filter(Column::Status.is_in(Status::OPEN)).filter(Column::NextDueOn.lt(today));
    scope.all(oldest_due(rows, after, limit)).await
}

/// The company's debt that is to be paid next.
///
/// # Errors
/// When the database cannot be reached.
pub async fn next_due(scope: &Scope) -> Result<Option<Debt>> {
    let open = scope.find::<debt::Entity>().filter(Column::Status.is_in(Status::OPEN)).filter(Column::NextDueOn.is_not_null());
    scope.one(oldest_due(open, None, 1)).await
}

/// Everybody's overdue debts, as of the last look at each company's calendar.
///
/// # Errors
/// When the database cannot be reached.
pub async fn overdue_of_all(platform: &Platform, after: Option<(NaiveDate, DebtId)>, limit: u64) -> Result<Vec<Debt>> {
    let rows = platform.find::<debt::Entity>().filter(Column::Status.eq(Status::Overdue));
    platform.all(oldest_due(rows, after, limit)).await
}

/// # Errors
/// 404 when it is not there or of another company.
pub async fn get(scope: &Scope, id: DebtId) -> Result<Debt> {
    scope.get(scope.find::<debt::Entity>().filter(Column::Id.eq(id))).await
}

/// Those of some debts that are there, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn some_of_all(platform: &Platform, ids: &[DebtId]) -> Result<Vec<Debt>> {
    let rows = platform.find::<debt::Entity>().filter(Column::Id.is_in(ids.iter().copied()));
    platform.all(rows.order_by_desc(Column::Id)).await
}

/// Whose debt it is.
///
/// # Errors
/// 404 when there is no such debt.
pub async fn company_of(platform: &Platform, id: DebtId) -> Result<CompanyId> {
    let debt = platform.one(platform.find::<debt::Entity>().filter(Column::Id.eq(id))).await?;
    debt.map(|debt| debt.company_id).ok_or(Error::NOT_FOUND)
}

/// All that belongs to one debt.
#[derive(Debug)]
pub struct Parts {
    /// The oldest first.
    pub instalments: Vec<instalment::Model>,
    /// The newest first.
    pub payments: Vec<payment::Model>,
    /// The newest first.
    pub notes: Vec<note::Model>,
    /// The hardest step that was taken for something that is still unpaid.
    pub stage: Option<Step>,
    /// The last day on which a promise holds consequences off.
    pub deferred_until: Option<NaiveDate>,
}

/// # Errors
/// When the database cannot be reached.
pub async fn parts(scope: &Scope, id: DebtId) -> Result<Parts> {
    let instalments = live_instalments(scope, &[id]).await?;
    let payments = scope.find::<payment::Entity>().filter(payment::Column::DebtId.eq(id)).order_by_desc(payment::Column::Id);
    let notes = scope.find::<note::Entity>().filter(note::Column::DebtId.eq(id)).order_by_desc(note::Column::Id);
    let unpaid: Vec<_> = instalments.iter().filter(|one| one.paid < one.amount).map(|one| one.id).collect();
    let taken = scope.find::<step::Entity>().filter(step::Column::InstalmentId.is_in(unpaid));
    Ok(Parts {
        payments: scope.all(payments.limit(500)).await?,
        notes: scope.all(notes.limit(500)).await?,
        stage: scope.all(taken).await?.into_iter().map(|row| row.step).max(),
        deferred_until: deferred_until(scope, id).await?,
        instalments,
    })
}

/// The instalments that count, the oldest first.
pub(super) async fn live_instalments(scope: &Scope, debts: &[DebtId]) -> Result<Vec<instalment::Model>> {
    let rows = scope
        .find::<instalment::Entity>()
        .filter(instalment::Column::DebtId.is_in(debts.iter().copied()))
        .filter(instalment::Column::ReplacedAt.is_null())
        .order_by_asc(instalment::Column::DueOn)
        .order_by_asc(instalment::Column::Number);
    scope.all(rows).await
}

/// The highest number among a debt's instalments, replaced ones too.
pub(super) async fn last_number(scope: &Scope, id: DebtId) -> Result<i64> {
    let last = scope.find::<instalment::Entity>().filter(instalment::Column::DebtId.eq(id)).order_by_desc(instalment::Column::Number);
    Ok(scope.one(last).await?.map_or(0, |one| one.number))
}

/// The last day on which a promise holds consequences off.
pub(super) async fn deferred_until(scope: &Scope, id: DebtId) -> Result<Option<NaiveDate>> {
    let running = scope
        .find::<note::Entity>()
        .filter(note::Column::DebtId.eq(id))
        .filter(note::Column::DefersUntil.is_not_null())
        .order_by_desc(note::Column::DefersUntil);
    Ok(scope.one(running).await?.and_then(|note| note.defers_until))
}

/// What is owed in one currency, by how long it has been due.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    pub currency: String,
    pub current: Money,
    #[serde(rename = "days1To30")]
    pub days_1_to_30: Money,
    #[serde(rename = "days31To60")]
    pub days_31_to_60: Money,
    #[serde(rename = "days61To90")]
    pub days_61_to_90: Money,
    #[serde(rename = "daysOver90")]
    pub days_over_90: Money,
    pub total: Money,
}

impl Bucket {
    /// What of it should have been paid.
    ///
    /// # Errors
    /// When a sum leaves 64 bits.
    pub fn overdue(&self) -> Result<Money> {
        self.total.minus(self.current)
    }

    fn add(&mut self, days_late: i64, amount: Money) -> Result<()> {
        let place = match days_late {
            ..=0 => &mut self.current,
            1..=30 => &mut self.days_1_to_30,
            31..=60 => &mut self.days_31_to_60,
            61..=90 => &mut self.days_61_to_90,
            91.. => &mut self.days_over_90,
        };
        *place = place.plus(amount)?;
        self.total = self.total.plus(amount)?;
        Ok(())
    }
}

/// Unpaid amounts that are due on one day.
#[derive(Debug, FromQueryResult)]
struct Owed {
    currency: String,
    due_on: NaiveDate,
    owed: i64,
}

/// A question for the debts that have something unpaid that has been due for so many days: those
/// whose parts [`aging_of_all`] sums, each by its company's own calendar.
///
/// # Errors
/// When the database cannot be reached.
pub async fn aged(platform: &Platform, from: u64, until: Option<u64>) -> Result<SelectStatement> {
    let now = clock::now();
    let mut zones: BTreeMap<NaiveDate, Vec<String>> = BTreeMap::new();
    for row in platform.ask("SELECT DISTINCT zone FROM companies", vec![]).await? {
        let zone: String = row.try_get("", "zone")?;
        zones.entry(now.date_in(&zone)).or_default().push(zone);
    }
    let ago = |today: NaiveDate, days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN);
    let (companies, zone) = (Alias::new("companies"), Alias::new("zone"));
    let calendars = zones.into_iter().fold(Condition::any(), |calendars, (today, zones)| {
        let there = Query::select().column(Alias::new("id")).from(companies.clone()).and_where(Expr::col(zone.clone()).is_in(zones)).take();
        let due = Condition::all()
            .add(instalment::Column::CompanyId.in_subquery(there))
            .add(instalment::Column::DueOn.lte(ago(today, from)))
            .add_option(until.map(|until| instalment::Column::DueOn.gte(ago(today, until))));
        calendars.add(due)
    });
    let unpaid = platform
        .find::<instalment::Entity>()
        .select_only()
        .column(instalment::Column::DebtId)
        .filter(instalment::Column::ReplacedAt.is_null())
        .filter(Expr::col(instalment::Column::Paid).lt(Expr::col(instalment::Column::Amount)))
        .filter(calendars);
    Ok(unpaid.into_query())
}

fn by_currency(rows: impl IntoIterator<Item = (Owed, NaiveDate)>) -> Result<Vec<Bucket>> {
    let mut buckets: BTreeMap<String, Bucket> = BTreeMap::new();
    for (row, today) in rows {
        let bucket = buckets.entry(row.currency.clone()).or_insert_with(|| Bucket { currency: row.currency, ..Bucket::default() });
        bucket.add((today - row.due_on).num_days(), Money(row.owed))?;
    }
    Ok(buckets.into_values().collect())
}

/// What the company owes, by age.
///
/// # Errors
/// When the database cannot be reached.
pub async fn aging(scope: &Scope, today: NaiveDate) -> Result<Vec<Bucket>> {
    let open = scope.find::<debt::Entity>().select_only().column(Column::Id).filter(Column::Status.is_in(Status::OPEN));
    let rows = scope
        .find::<instalment::Entity>()
        .select_only()
        .column(instalment::Column::Currency)
        .column(instalment::Column::DueOn)
        .column_as(Expr::col(instalment::Column::Amount).sub(Expr::col(instalment::Column::Paid)).sum().cast_as("bigint"), "owed")
        .filter(instalment::Column::DebtId.in_subquery(open.into_query()))
        .filter(instalment::Column::ReplacedAt.is_null())
        .filter(Expr::col(instalment::Column::Paid).lt(Expr::col(instalment::Column::Amount)))
        .group_by(instalment::Column::Currency)
        .group_by(instalment::Column::DueOn);
    by_currency(scope.all_as::<Owed, _>(rows).await?.into_iter().map(|row| (row, today)))
}

/// What everybody owes, by age: each company's days are counted on its own calendar.
///
/// # Errors
/// When the database cannot be reached.
pub async fn aging_of_all(platform: &Platform) -> Result<Vec<Bucket>> {
    let ask = "SELECT c.zone AS zone, i.currency AS currency, i.due_on AS due_on, CAST(SUM(i.amount - i.paid) AS bigint) AS owed \
               FROM instalments i JOIN debts d ON d.company_id = i.company_id AND d.id = i.debt_id \
               JOIN companies c ON c.id = i.company_id \
               WHERE i.replaced_at IS NULL AND i.paid < i.amount AND d.status IN ('pending', 'partial', 'overdue') \
               GROUP BY c.zone, i.currency, i.due_on";
    let now = clock::now();
    let mut rows = vec![];
    for row in platform.ask(ask, vec![]).await? {
        let zone: String = row.try_get("", "zone")?;
        let owed = Owed { currency: row.try_get("", "currency")?, due_on: row.try_get("", "due_on")?, owed: row.try_get("", "owed")? };
        rows.push((owed, now.date_in(&zone)));
    }
    by_currency(rows)
}
