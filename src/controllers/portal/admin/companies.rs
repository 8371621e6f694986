//! The companies of the platform: the list.

use std::{collections::BTreeMap, time::Duration};

use axum::response::{Html, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        PageResult, Visitor, export,
        fields::Fields,
        lists::{Head, Listing, Sorting},
    },
    own,
};
use crate::{
    clock,
    controllers::{extract::Query, page},
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::CompanyId,
    keyset::{Place, Sort},
    models::{
        companies::{self, ACTIVE, By, CLOSED, Company, SUSPENDED, Search, Standing},
        figures::{self, Owed, Size, Traded},
        plans::{self, Plan, State, Subscription},
    },
    money::Money,
    tenancy::{Platform, Souk, roles::PlatformRead},
    views::dates,
};

pub(super) const PAGE: &str = "/admin/companies";
const ROWS: u64 = 50;
/// What a company sold is told of the last thirty days.
pub(super) const SPAN: Duration = Duration::from_secs(30 * 24 * 3_600);

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    plan: String,
    #[serde(default)]
    sort: String,
    cursor: Option<String>,
}

/// By what the list is narrowed, among what a row can be.
const STATES: [&str; 5] = [ACTIVE, TRIAL, HELD_UP, SUSPENDED, CLOSED];
const TRIAL: &str = "trial";
const HELD_UP: &str = "held_up";

/// The questions people ask daily.
const VIEWS: [(&str, &str); 6] = [
    ("admin.companies.view.all", ""),
    ("admin.companies.state.active", "state=active"),
    ("admin.companies.state.trial", "state=trial"),
    ("admin.companies.state.held_up", "state=held_up"),
    ("admin.companies.state.suspended", "state=suspended"),
    ("admin.companies.state.closed", "state=closed"),
];

/// What people sort companies by.
const HEADS: [Head<By>; 2] = [
    Head { word: "name", label: "admin.companies.col.company", falls: false, by: By::Name },
    Head { word: "opened", label: "admin.companies.col.opened", falls: true, by: By::Opened },
];

impl List {
    fn sorting(&self) -> Sorting<By> {
        Sorting::of(&HEADS, Sort { by: By::Opened, falls: true }, &self.sort)
    }

    fn search(&self, platform: &Platform) -> Search {
        let plan = Some(self.plan.as_str()).filter(|plan| !plan.is_empty());
        let trial = (self.state == TRIAL).then_some(State::Trial);
        Search {
            words: Some(self.q.clone()),
            status: Some(self.state.clone()).filter(|state| companies::STATES.contains(&state.as_str())),
            is_held_up: self.state == HELD_UP,
            among: (plan.is_some() || trial.is_some()).then(|| plans::subscribers(platform, plan, trial)),
        }
    }
}

/// A company as a row of the list.
struct Row {
    company: Company,
    subscription: Option<Subscription>,
    size: Size,
    traded: Option<Traded>,
    owed: Vec<Owed>,
}

/// The one word that says how it is with a company: what the platform did comes before what its
/// debts did, and that before its subscription.
pub(super) fn state_of(company: &Company, subscription: Option<&Subscription>) -> &'static str {
    match (company.status.as_str(), company.standing, subscription.map(|one| one.state)) {
        (CLOSED, ..) => CLOSED,
        (SUSPENDED, ..) => SUSPENDED,
        (_, Standing::Lapsed, _) => "lapsed",
        (_, Standing::Limited, _) => "limited",
        (_, _, Some(State::Trial)) => TRIAL,
        (_, _, Some(State::Grace)) => "grace",
        _ => ACTIVE,
    }
}

impl Row {
    fn state(&self) -> &'static str {
        state_of(&self.company, self.subscription.as_ref())
    }
}

async fn rows(platform: &Platform, companies: Vec<Company>) -> Result<Vec<Row>> {
    let ids: Vec<_> = companies.iter().map(|company| company.id).collect();
    let now = clock::now();
    let mut subscriptions = plans::of_companies(platform, &ids).await?;
    let sizes = figures::sizes(platform, &ids).await?;
    let traded = figures::traded_by(platform, &ids, now.minus(SPAN), now).await?;
    let mut traded: BTreeMap<CompanyId, Traded> = traded.into_iter().map(|one| (one.company, one)).collect();
    let mut owed: BTreeMap<CompanyId, Vec<Owed>> = BTreeMap::new();
    for one in figures::owed_by(platform, &ids).await? {
        owed.entry(one.company).or_default().push(one);
    }
    let row = |company: Company| Row {
        subscription: subscriptions.remove(&company.id),
        size: sizes.get(&company.id).copied().unwrap_or_default(),
        traded: traded.remove(&company.id),
        owed: owed.remove(&company.id).unwrap_or_default(),
        company,
    };
    Ok(companies.into_iter().map(row).collect())
}

async fn index(visitor: Visitor<PlatformRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let read = list_page(&visitor, &list).await;
    let (platform, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/companies/index.html", &platform, data)
}

async fn list_page(visitor: &Visitor<PlatformRead>, list: &List) -> Result<(Company, Value)> {
    let souk = visitor.access.souk();
    let sorting = list.sorting();
    let sort = sorting.sort;
    let bound = format!("portal companies {:?} {:?} {:?} {sort:?}", list.q, list.state, list.plan);
    let after = page::open::<Place>(souk, &bound, list.cursor.as_deref())?;
    let platform = souk.platform("all-companies").await?;
    let mut found = companies::sorted(&platform, &list.search(&platform), sort, after, ROWS + 1).await?;
    let next = page::cut(souk, &bound, &mut found, ROWS, |company| sort.by.place(company))?;
    let rows = rows(&platform, found).await?;
    let states = companies::states(&platform).await?;
    let plans = plans::list(&platform).await?;
    let (scope, company) = own(visitor, platform).await?;
    let plan_name = plans.iter().find(|plan| plan.code == list.plan).map_or("", |plan| plan.name.as_str());
    let state =
        if STATES.contains(&list.state.as_str()) { visitor.text(&format!("admin.companies.state.{}", list.state)) } else { String::new() };
    let chips = vec![
        ("q", visitor.text("ui.search"), list.q.clone()),
        ("state", visitor.text("admin.companies.col.state"), state),
        ("plan", visitor.text("admin.companies.col.plan"), plan_name.to_owned()),
    ];
    let listing = Listing { views: &VIEWS, chips, count: rows.len(), next };
    let choice = |state: &&str| json!({ "value": state, "label_key": format!("admin.companies.state.{state}") });
    let plan = |plan: &Plan| json!({ "value": plan.code, "label": plan.name });
    let of = |state: &str| states.iter().find(|(name, _)| name == state).map_or(0, |(_, many)| *many);
    let data = json!({
        "rows": rows.iter().map(|row| shown(row, &company.zone, &visitor.language)).collect::<Vec<_>>(), "list": visitor.sorted_list(&scope, listing, &sorting).await?,
        "filter": { "q": list.q, "state": list.state, "plan": list.plan },
        "states": STATES.iter().map(choice).collect::<Vec<_>>(), "plans": plans.iter().map(plan).collect::<Vec<_>>(),
        "counts": { "active": of(ACTIVE), "suspended": of(SUSPENDED), "closed": of(CLOSED) },
    });
    Ok((company, data))
}

fn shown(row: &Row, zone: &str, language: &str) -> Value {
    let company = &row.company;
    let city = company.address.as_ref().and_then(|address| address["city"].as_str()).unwrap_or_default();
    let owed: Vec<_> =
        row.owed.iter().map(|one| json!({ "text": Money(one.amount).display(&one.currency), "is_overdue": one.is_overdue })).collect();
    json!({
        "id": company.id, "name": company.name, "slug": company.slug, "city": city, "state": row.state(), "status": company.status,
        "plan": row.subscription.as_ref().map(|one| one.plan_name.as_str()), "shops": row.size.shops, "staff": row.size.staff,
        "orders": row.traded.as_ref().map_or(0, |one| one.orders),
        "revenue": row.traded.as_ref().map(|one| Money(one.revenue).display(&one.currency)), "owed": owed,
        "opened": dates::day(company.created_at.date_in(zone), language),
    })
}

const COLUMNS: [&str; 11] =
    ["slug", "name", "state", "plan", "shops", "staff", "orders 30 days", "currency", "revenue 30 days", "owed", "opened"];

async fn export(visitor: Visitor<PlatformRead>, Query(list): Query<List>) -> PageResult<Response> {
    let souk = visitor.access.souk().clone();
    let csv = export::csv("companies", &COLUMNS, move |after| page_of_file(souk.clone(), list.clone(), after));
    csv.await.map_err(|error| visitor.refuse(error))
}

async fn page_of_file(souk: Souk, list: List, after: Option<Place>) -> Result<export::Page<Place>> {
    let sort = list.sorting().sort;
    let platform = souk.platform("all-companies").await?;
    let found = companies::sorted(&platform, &list.search(&platform), sort, after, export::ROWS).await?;
    let next = found.last().map(|company| sort.by.place(company)).filter(|_| found.len() as u64 == export::ROWS);
    Ok((rows(&platform, found).await?.iter().map(cells).collect(), next))
}

async fn export_chosen(visitor: Visitor<PlatformRead>, fields: Fields) -> PageResult<Response> {
    let read = chosen_rows(visitor.access.souk(), &fields).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("companies", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(souk: &Souk, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let platform = souk.platform("all-companies").await?;
    let found = companies::named(&platform, &fields.chosen()).await?;
    Ok(rows(&platform, found).await?.iter().map(cells).collect())
}

fn cells(row: &Row) -> Vec<String> {
    let company = &row.company;
    let owed: Vec<_> = row.owed.iter().map(|one| format!("{} {}", one.currency, Money(one.amount).plain())).collect();
    vec![
        company.slug.clone(),
        company.name.clone(),
        row.state().into(),
        row.subscription.as_ref().map(|one| one.plan_code.clone()).unwrap_or_default(),
        row.size.shops.to_string(),
        row.size.staff.to_string(),
        row.traded.as_ref().map_or(0, |one| one.orders).to_string(),
        company.currency.clone(),
        Money(row.traded.as_ref().map_or(0, |one| one.revenue)).plain(),
        owed.join(", "),
        company.created_at.to_string(),
    ]
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<PlatformRead, _>(PAGE, "Companies", index),
        get::<PlatformRead, _>("/admin/companies/export.csv", "Companies as CSV", export),
        post::<PlatformRead, _>("/admin/companies/chosen.csv", "Chosen companies as CSV", export_chosen),
    ]
}
