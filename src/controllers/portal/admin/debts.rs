//! What companies owe the platform: the list by age, one debt with everything that is done about
//! it, and raising one.

use std::collections::BTreeMap;

use axum::response::{Html, IntoResponse, Response};
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::{
        PageResult, Visitor,
        company::debts::{HEADS, OPEN, cells as cells_of_debt},
        debts as shown, export,
        fields::Fields,
        lists::{COUNTED_MAX, Listing, Sorting, count_view},
        once,
    },
    own,
};
use crate::{
    clock,
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, FieldError, Result},
    ids::{CompanyId, DebtId},
    keyset::{Place, Sort},
    models::{
        companies::{self, Company, Search},
        debts::{
            self, Bucket, By, Debt, DebtChange, Every, Filter, Kind, NewDebt, NewNote, PlanPart, PlanRequest, Reason, Reversal, Status,
        },
    },
    money::Money,
    tenancy::{
        Access, Permission, Platform, Souk,
        roles::{DebtsWrite, PlatformRead},
    },
};

const PAGE: &str = "/admin/debts";
const ROWS: u64 = 50;
/// So many companies a field offers to choose from; others are written by their short name.
const OFFERED: u64 = 200;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    age: String,
    /// One company's id: for links from its page.
    #[serde(default)]
    company: String,
    #[serde(default)]
    sort: String,
    cursor: Option<String>,
}

/// How long something unpaid has been due: the word, and from how many to how many days.
const AGES: [(&str, u64, Option<u64>); 4] =
    [("1-30", 1, Some(30)), ("31-60", 31, Some(60)), ("61-90", 61, Some(90)), ("over-90", 91, None)];

/// The questions people ask daily.
const VIEWS: [(&str, &str); 5] = [
    ("debts.view.all", ""),
    ("debts.view.open", "status=open"),
    ("debts.status.overdue", "status=overdue"),
    ("debts.status.paid", "status=paid"),
    ("debts.status.written_off", "status=written_off"),
];

impl List {
    async fn filter(&self, platform: &Platform) -> Result<Filter> {
        let words = Some(self.q.trim().to_owned()).filter(|words| !words.is_empty());
        let named = match &words {
            Some(words) => {
                let search = Search { words: Some(words.clone()), ..Search::default() };
                companies::search(platform, &search, None, OFFERED).await?.into_iter().map(|one| one.id).collect()
            }
            None => vec![],
        };
        let age = AGES.iter().find(|(name, ..)| *name == self.age);
        let aged = match age {
            Some((_, from, until)) => Some(debts::aged(platform, *from, *until).await?),
            None => None,
        };
        Ok(Filter {
            status: Status::named(&self.status),
            is_open: self.status == OPEN || age.is_some(),
            kind: Kind::named(&self.kind),
            company: self.company.parse().ok(),
            words,
            named,
            aged,
        })
    }

    /// By itself, what is still owed begins with the longest overdue, as a collector wants it; else
    /// the newest comes first.
    fn sorting(&self) -> Sorting<By> {
        let is_owed = self.status == OPEN || self.status == Status::Overdue.name() || !self.age.is_empty();
        let own = if is_owed { Sort { by: By::Due, falls: false } } else { Sort { by: By::Raised, falls: true } };
        Sorting::of(&HEADS, own, &self.sort)
    }

    async fn rows(&self, platform: &Platform, after: Option<Place>, limit: u64) -> Result<Vec<Debt>> {
        debts::sorted_of_all(platform, &self.filter(platform).await?, self.sorting().sort, after, limit).await
    }

    fn place(&self, row: &Debt) -> Place {
        self.sorting().sort.by.place(row)
    }
}

async fn index(visitor: Visitor<PlatformRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let read = list_page(&visitor, &list).await;
    let (platform, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/debts/index.html", &platform, data)
}

async fn list_page(visitor: &Visitor<PlatformRead>, list: &List) -> Result<(Company, Value)> {
    let souk = visitor.access.souk();
    let bound = format!(
        "portal all debts {:?} {:?} {:?} {:?} {:?} {:?}",
        list.q,
        list.status,
        list.kind,
        list.age,
        list.company,
        list.sorting().sort
    );
    let after = page::open::<Place>(souk, &bound, list.cursor.as_deref())?;
    let platform = souk.platform("debts").await?;
    let mut rows = list.rows(&platform, after, ROWS + 1).await?;
    let next = page::cut(souk, &bound, &mut rows, ROWS, |row| list.place(row))?;
    let whose = owners(&platform, &rows).await?;
    let named = match list.company.parse() {
        Ok(id) => companies::named(&platform, &[id]).await?.pop(),
        Err(_) => None,
    };
    let aging = debts::aging_of_all(&platform).await?;
    let overdue = Filter { status: Some(Status::Overdue), ..Filter::default() };
    let overdue = debts::list_of_all(&platform, &overdue, None, COUNTED_MAX).await?.len() as u64;
    let (scope, company) = own(visitor, platform).await?;
    let word = |prefix: &str, name: &str| if name.is_empty() { String::new() } else { visitor.text(&format!("{prefix}.{name}")) };
    let status = if list.status == OPEN { "debts.view" } else { "debts.status" };
    let chips = vec![
        ("q", visitor.text("ui.search"), list.q.clone()),
        ("status", visitor.text("debts.col.status"), word(status, &list.status)),
        ("kind", visitor.text("debts.col.kind"), word("debts.kind", &list.kind)),
        ("age", visitor.text("admin.debts.age"), word("admin.debts.age", &list.age)),
        ("company", visitor.text("debts.col.company"), named.map(|one| one.name).unwrap_or_default()),
    ];
    let shown_row = |debt: &Debt| {
        let owner = whose.get(&debt.company_id);
        let zone = owner.map_or("UTC", |one| one.zone.as_str());
        let mut row = shown::row(debt, clock::now().date_in(zone), zone, &visitor.language);
        row["company"] = json!(owner.map(|one| one.name.as_str()));
        row["slug"] = json!(owner.map(|one| one.slug.as_str()));
        row
    };
    let mut listing = visitor.sorted_list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }, &list.sorting()).await?;
    count_view(&mut listing, 2, overdue);
    let data = json!({
        "rows": rows.iter().map(shown_row).collect::<Vec<_>>(),
        "list": listing,
        "filter": { "q": list.q, "status": list.status, "kind": list.kind, "age": list.age, "company": list.company },
        "statuses": shown::statuses(), "kinds": shown::kinds(), "aging": aging.iter().map(bucket).collect::<Vec<_>>(),
        "ages": AGES.iter().map(|(name, ..)| json!({ "value": name, "label_key": format!("admin.debts.age.{name}") })).collect::<Vec<_>>(),
    });
    Ok((company, data))
}

/// Whose debts these are.
async fn owners(platform: &Platform, rows: &[Debt]) -> Result<BTreeMap<CompanyId, Company>> {
    let mut ids: Vec<_> = rows.iter().map(|row| row.company_id).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(companies::named(platform, &ids).await?.into_iter().map(|one| (one.id, one)).collect())
}

fn bucket(one: &Bucket) -> Value {
    let of = |amount: Money| amount.display(&one.currency);
    json!({
        "currency": one.currency, "current": of(one.current), "total": of(one.total),
        "ages": [
            { "age": "1-30", "text": of(one.days_1_to_30), "is_none": one.days_1_to_30 == Money::ZERO },
            { "age": "31-60", "text": of(one.days_31_to_60), "is_none": one.days_31_to_60 == Money::ZERO },
            { "age": "61-90", "text": of(one.days_61_to_90), "is_none": one.days_61_to_90 == Money::ZERO },
            { "age": "over-90", "text": of(one.days_over_90), "is_none": one.days_over_90 == Money::ZERO },
        ],
    })
}

const COLUMNS: [&str; 10] = ["company", "reference", "type", "status", "currency", "amount", "paid", "remaining", "due", "next due"];

async fn export(visitor: Visitor<PlatformRead>, Query(list): Query<List>) -> PageResult<Response> {
    let souk = visitor.access.souk().clone();
    let csv = export::csv("debts", &COLUMNS, move |after| page_of_file(souk.clone(), list.clone(), after));
    csv.await.map_err(|error| visitor.refuse(error))
}

async fn page_of_file(souk: Souk, list: List, after: Option<Place>) -> Result<export::Page<Place>> {
    let platform = souk.platform("debts").await?;
    let rows = list.rows(&platform, after, export::ROWS).await?;
    let next = rows.last().map(|row| list.place(row)).filter(|_| rows.len() as u64 == export::ROWS);
    Ok((cells(&platform, &rows).await?, next))
}

async fn export_chosen(visitor: Visitor<PlatformRead>, fields: Fields) -> PageResult<Response> {
    let read = chosen_rows(visitor.access.souk(), &fields).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("debts", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(souk: &Souk, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let platform = souk.platform("debts").await?;
    let rows = debts::some_of_all(&platform, &fields.chosen()).await?;
    cells(&platform, &rows).await
}

async fn cells(platform: &Platform, rows: &[Debt]) -> Result<Vec<Vec<String>>> {
    let whose = owners(platform, rows).await?;
    let cells = rows.iter().map(|debt| {
        let owner = whose.get(&debt.company_id);
        let status = owner.map_or(debt.status, |one| debt.status_on(one.today()));
        let slug = owner.map(|one| one.slug.clone()).unwrap_or_default();
        std::iter::once(slug).chain(cells_of_debt(debt, status)).collect()
    });
    Ok(cells.collect())
}

/// The access in the company of a debt.
async fn at<P: Permission>(visitor: &Visitor<P>, id: DebtId) -> Result<Access<DebtsWrite>> {
    let platform = visitor.access.souk().platform("debts").await?;
    let company = debts::company_of(&platform, id).await?;
    drop(platform);
    let access = visitor.access.also::<DebtsWrite>().ok_or(Error::NotAllowed { code: "forbidden" })?;
    access.within(company)
}

async fn show(visitor: Visitor<PlatformRead>, Id(id): Id<DebtId>) -> PageResult<Html<String>> {
    let read = debt_page(&visitor, id).await;
    let (platform, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/debts/show.html", &platform, data)
}

async fn debt_page<P: Permission>(visitor: &Visitor<P>, id: DebtId) -> Result<(Company, Value)> {
    let platform = companies::platform(visitor.access.souk()).await?;
    let scope = at(visitor, id).await?.read().await?;
    let company = companies::own(&scope).await?;
    let debt = debts::get(&scope, id).await?;
    let parts = debts::parts(&scope, id).await?;
    let mut data = shown::page(visitor, &debt, &parts, company.today(), &company.zone);
    data["owner"] = json!({ "name": company.name, "slug": company.slug, "standing": company.standing });
    data["rhythms"] = rhythms();
    Ok((platform, data))
}

/// How often an instalment falls due, to choose from.
fn rhythms() -> Value {
    json!([{ "value": "month", "label_key": "admin.debts.every.month" }, { "value": "week", "label_key": "admin.debts.every.week" }])
}

/// After an act on a debt: its page, which says so; or the form again, which says why not.
async fn after(visitor: Visitor<DebtsWrite>, id: DebtId, done: Result<()>, said: &str, fields: &Fields) -> PageResult<Response> {
    match done {
        Ok(()) => Ok(visitor.done(&format!("{PAGE}/{id}"), said).into_response()),
        Err(error) => {
            let visitor = visitor.refused(error, fields)?;
            let (platform, data) = debt_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("admin/debts/show.html", &platform, data)
        }
    }
}

async fn pay(visitor: Visitor<DebtsWrite>, Id(id): Id<DebtId>, mut fields: Fields) -> PageResult<Response> {
    let done = paid(&visitor, id, &mut fields).await;
    after(visitor, id, done, "payment_recorded", &fields).await
}

async fn paid(visitor: &Visitor<DebtsWrite>, id: DebtId, fields: &mut Fields) -> Result<()> {
    let new = shown::payment_of(fields);
    fields.end()?;
    let access = at(visitor, id).await?;
    let scope = access.write().await?;
    let once::Form::Fresh(sent) = once::first(&access, &scope, &format!("pay {id}"), fields).await? else { return Ok(()) };
    let (_, payment) = debts::pay(&scope, id, &new).await?;
    sent.done(&scope, payment.id.0).await?;
    scope.commit().await
}

async fn reverse(visitor: Visitor<DebtsWrite>, Id(id): Id<DebtId>, mut fields: Fields) -> PageResult<Response> {
    let done = reversed(&visitor, id, &mut fields).await;
    after(visitor, id, done, "payment_reversed", &fields).await
}

async fn reversed(visitor: &Visitor<DebtsWrite>, id: DebtId, fields: &mut Fields) -> Result<()> {
    let (payment, reason) = (fields.parsed("payment"), fields.text("reason"));
    fields.end()?;
    let payment_id = payment.ok_or(Error::NOT_FOUND)?;
    let access = at(visitor, id).await?;
    let scope = access.write().await?;
    let once::Form::Fresh(sent) = once::first(&access, &scope, &format!("reverse {id}"), fields).await? else { return Ok(()) };
    debts::reverse(&scope, id, &Reversal { payment_id, reason }).await?;
    sent.done(&scope, payment_id.0).await?;
    scope.commit().await
}

async fn plan(visitor: Visitor<DebtsWrite>, Id(id): Id<DebtId>, mut fields: Fields) -> PageResult<Response> {
    let done = planned(&visitor, id, &mut fields).await;
    after(visitor, id, done.map_err(in_the_form), "debt_planned", &fields).await
}

async fn planned(visitor: &Visitor<DebtsWrite>, id: DebtId, fields: &mut Fields) -> Result<()> {
    let version = fields.maybe("version");
    let request = plan_of(fields);
    fields.end()?;
    let request = request.ok_or_else(|| Error::invalid("count", "required", "say how many, or write them one by one"))?;
    let scope = at(visitor, id).await?.write().await?;
    debts::plan(&scope, id, &request, version).await?;
    scope.commit().await
}

/// The instalments as a form says them: so many in a rhythm, or written one by one. Nothing for none.
fn plan_of(fields: &mut Fields) -> Option<PlanRequest> {
    if !fields.raw("parts").is_empty() {
        let lines: Vec<_> = fields.raw("parts").lines().map(str::trim).filter(|line| !line.is_empty()).map(part).collect();
        if lines.iter().any(Option::is_none) {
            fields.refuse("parts", "invalid_part", "one line each: a date and an amount, such as 2026-12-31 1,250.00");
        }
        return Some(PlanRequest { instalments: lines.into_iter().flatten().collect(), ..PlanRequest::default() });
    }
    let (count, first_due_date) = (fields.maybe("count"), fields.date("firstDueDate"));
    let every = if fields.raw("every") == "week" { Every::Week } else { Every::Month };
    count.map(|count| PlanRequest { count: Some(count), every: Some(every), first_due_date, ..PlanRequest::default() })
}

/// A line such as `2026-12-31 1,250.00`.
fn part(line: &str) -> Option<PlanPart> {
    let (day, amount) = line.split_once(char::is_whitespace)?;
    let mut cells = Fields::of([("day".into(), day.into()), ("amount".into(), amount.into())]);
    Some(PlanPart { due_date: cells.date("day")?, amount: cells.money("amount")? })
}

/// What the domain says of single instalments is said at the field that holds them all.
fn in_the_form(error: Error) -> Error {
    let Error::Invalid(wrong) = error else { return error };
    let field = |one: FieldError| if one.field.starts_with("instalments") { FieldError { field: "parts".into(), ..one } } else { one };
    Error::Invalid(wrong.into_iter().map(field).collect())
}

async fn note(visitor: Visitor<DebtsWrite>, Id(id): Id<DebtId>, mut fields: Fields) -> PageResult<Response> {
    let done = noted(&visitor, id, &mut fields).await;
    after(visitor, id, done, "noted", &fields).await
}

async fn noted(visitor: &Visitor<DebtsWrite>, id: DebtId, fields: &mut Fields) -> Result<()> {
    let (text, promised_date) = (fields.text("text"), fields.date("promisedDate"));
    let promised_amount = if fields.raw("promisedAmount").is_empty() { None } else { fields.money("promisedAmount") };
    fields.end()?;
    let access = at(visitor, id).await?;
    let scope = access.write().await?;
    let once::Form::Fresh(sent) = once::first(&access, &scope, &format!("note {id}"), fields).await? else { return Ok(()) };
    let note = debts::add_note(&scope, id, &NewNote { text, promised_date, promised_amount }).await?;
    sent.done(&scope, note.id.0).await?;
    scope.commit().await
}

async fn change(visitor: Visitor<DebtsWrite>, Id(id): Id<DebtId>, mut fields: Fields) -> PageResult<Response> {
    let done = changed(&visitor, id, &mut fields).await;
    after(visitor, id, done, "saved", &fields).await
}

async fn changed(visitor: &Visitor<DebtsWrite>, id: DebtId, fields: &mut Fields) -> Result<()> {
    let change = DebtChange { reference: Some(fields.text("name")), note: Some(fields.raw("about").to_owned()) };
    let version = fields.maybe("version");
    fields.end()?;
    let scope = at(visitor, id).await?.write().await?;
    debts::change(&scope, id, &change, version).await?;
    scope.commit().await
}

async fn write_off(visitor: Visitor<DebtsWrite>, Id(id): Id<DebtId>, mut fields: Fields) -> PageResult<Response> {
    let done = closed(&visitor, id, "writeOffReason", &mut fields).await;
    after(visitor, id, done, "debt_written_off", &fields).await
}

async fn cancel(visitor: Visitor<DebtsWrite>, Id(id): Id<DebtId>, mut fields: Fields) -> PageResult<Response> {
    let done = closed(&visitor, id, "cancelReason", &mut fields).await;
    after(visitor, id, done, "debt_cancelled", &fields).await
}

/// Ends a debt without its being paid; which way, the field of the reason says.
async fn closed(visitor: &Visitor<DebtsWrite>, id: DebtId, field: &str, fields: &mut Fields) -> Result<()> {
    let reason = Reason { reason: fields.text(field) };
    fields.end()?;
    let scope = at(visitor, id).await?.write().await?;
    if field == "cancelReason" {
        debts::cancel(&scope, id, &reason).await?;
    } else {
        debts::write_off(&scope, id, &reason).await?;
    }
    scope.commit().await
}

async fn fresh(visitor: Visitor<DebtsWrite>) -> PageResult<Html<String>> {
    let (platform, data) = fresh_page(&visitor).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/debts/new.html", &platform, data)
}

async fn fresh_page(visitor: &Visitor<DebtsWrite>) -> Result<(Company, Value)> {
    let platform = visitor.access.souk().platform("debts").await?;
    let offered = companies::search(&platform, &Search::default(), None, OFFERED).await?;
    let (_, company) = own(visitor, platform).await?;
    let data = json!({
        "offered": offered.iter().map(|one| json!({ "slug": one.slug, "name": one.name })).collect::<Vec<_>>(),
        "kinds": shown::kinds(), "rhythms": rhythms(), "asked": visitor.parameter("company"),
    });
    Ok((company, data))
}

async fn raise(visitor: Visitor<DebtsWrite>, mut fields: Fields) -> PageResult<Response> {
    match raised(&visitor, &mut fields).await.map_err(in_the_form) {
        Ok(id) => Ok(visitor.done(&format!("{PAGE}/{id}"), "debt_raised").into_response()),
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            let (platform, data) = fresh_page(&visitor).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("admin/debts/new.html", &platform, data)
        }
    }
}

async fn raised(visitor: &Visitor<DebtsWrite>, fields: &mut Fields) -> Result<Uuid> {
    let slug = fields.text("company");
    let kind = Kind::named(fields.raw("kind"));
    if kind.is_none() {
        fields.refuse("kind", "unknown", "there is no such type");
    }
    let amount = fields.money("amount").unwrap_or_default();
    let due_date = fields.parsed::<NaiveDate>("dueDate");
    let (currency, reference) = (fields.optional("currency").map(|code| code.to_uppercase()), fields.optional("reference"));
    let plan = plan_of(fields);
    let platform = visitor.access.souk().platform("debts").await?;
    let company = companies::called(&platform, &slug).await?;
    drop(platform);
    if company.is_none() && !slug.is_empty() {
        fields.refuse("company", "unknown", "there is no such company");
    }
    fields.end()?;
    let (Some(company), Some(kind), Some(due_date)) = (company, kind, due_date) else { return Err(Error::NOT_FOUND) };
    let note = fields.raw("note").to_owned();
    let new = NewDebt { company_id: None, kind, amount, currency, due_date, reference, note, plan };
    let access = visitor.access.also::<DebtsWrite>().ok_or(Error::NotAllowed { code: "forbidden" })?.within(company.id)?;
    let scope = access.write().await?;
    let sent = match once::first(&access, &scope, "raise", fields).await? {
        once::Form::Fresh(sent) => sent,
        once::Form::Done(debt) => return Ok(debt),
    };
    let debt = debts::raise(&scope, &new).await?;
    sent.done(&scope, debt.id.0).await?;
    scope.commit().await?;
    Ok(debt.id.0)
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<PlatformRead, _>(PAGE, "What companies owe the platform", index),
        post::<DebtsWrite, _>(PAGE, "Raises a debt of a company by a form", raise),
        get::<PlatformRead, _>("/admin/debts/export.csv", "Debts as CSV", export),
        post::<PlatformRead, _>("/admin/debts/chosen.csv", "Chosen debts as CSV", export_chosen),
        get::<DebtsWrite, _>("/admin/debts/new", "The form that raises a debt", fresh),
        get::<PlatformRead, _>("/admin/debts/{id}", "One debt, and what is done about it", show),
        post::<DebtsWrite, _>("/admin/debts/{id}", "Changes a debt's reference or note", change),
        post::<DebtsWrite, _>("/admin/debts/{id}/pay", "Records a payment", pay),
        post::<DebtsWrite, _>("/admin/debts/{id}/reverse", "Takes a payment back", reverse),
        post::<DebtsWrite, _>("/admin/debts/{id}/plan", "Cuts what is unpaid into instalments", plan),
        post::<DebtsWrite, _>("/admin/debts/{id}/notes", "Notes something, perhaps a promise", note),
        post::<DebtsWrite, _>("/admin/debts/{id}/write-off", "Writes off what is left", write_off),
        post::<DebtsWrite, _>("/admin/debts/{id}/cancel", "Cancels a debt that should not have been raised", cancel),
    ]
}
