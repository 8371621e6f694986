//! The price list: what companies can subscribe to, and who has.

use std::collections::BTreeMap;

use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{PageResult, Visitor, export, fields::Fields, lists::Listing, visitor::said},
    companies::{PAGE as COMPANIES, state_of},
    own,
};
use crate::{
    controllers::{
        extract::{Id, Query},
        page, steward,
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{CompanyId, PlanId},
    models::{
        companies::{self, Company, Search},
        figures::{self, Subscribed},
        plans::{self, Interval, NewPlan, Plan, PlanChange, State},
    },
    money::Money,
    tenancy::{
        Access, Permission, Scope, Souk,
        roles::{PlansWrite, PlatformRead},
    },
    translated::{self, with_name},
    views::dates,
};

const PAGE: &str = "/admin/plans";
const ROWS: u64 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
}

const VIEWS: [(&str, &str); 3] =
    [("admin.plans.view.all", ""), ("admin.plans.state.offered", "state=offered"), ("admin.plans.state.retired", "state=retired")];

impl List {
    fn fits(&self, plan: &Plan) -> bool {
        let words = self.q.trim().to_lowercase();
        let is_named = plan.name.to_lowercase().contains(&words) || plan.code.contains(&words);
        is_named
            && match self.state.as_str() {
                "offered" => plan.is_active,
                "retired" => !plan.is_active,
                _ => true,
            }
    }
}

/// How many companies have a plan, by the state of their subscription.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    companies: i64,
    trials: i64,
    /// What its subscribers pay for a month, in minor units; a year is twelve of them.
    monthly: i64,
}

fn held(plan: &Plan, subscribed: &[Subscribed]) -> Held {
    let mut held = Held::default();
    for one in subscribed.iter().filter(|one| one.plan == plan.id) {
        held.companies += one.companies;
        if one.state == State::Trial {
            held.trials += one.companies;
        } else {
            held.monthly += one.monthly;
        }
    }
    held
}

/// The plans that fit, with who has them: a price list is short.
async fn rows<P: Permission>(visitor: &Visitor<P>, list: &List) -> Result<(Vec<(Plan, Held)>, Scope, Company)> {
    let platform = visitor.access.souk().platform("plans").await?;
    let subscribed = figures::subscribed(&platform).await?;
    let plans = plans::list(&platform).await?.into_iter().filter(|plan| list.fits(plan));
    let rows = plans.map(|plan| {
        let held = held(&plan, &subscribed);
        (plan, held)
    });
    let rows = rows.collect();
    let (scope, company) = own(visitor, platform).await?;
    Ok((rows, scope, company))
}

async fn index(visitor: Visitor<PlatformRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let read = async {
        let (rows, scope, company) = rows(&visitor, &list).await?;
        let state = if ["offered", "retired"].contains(&list.state.as_str()) {
            visitor.text(&format!("admin.plans.state.{}", list.state))
        } else {
            String::new()
        };
        let chips = vec![("q", visitor.text("ui.search"), list.q.clone()), ("state", visitor.text("admin.companies.col.state"), state)];
        let listing = Listing { views: &VIEWS, chips, count: rows.len(), next: None };
        let states = ["offered", "retired"].map(|state| json!({ "value": state, "label_key": format!("admin.plans.state.{state}") }));
        let data = json!({
            "rows": rows.iter().map(|(plan, held)| shown(plan, *held)).collect::<Vec<_>>(),
            "list": visitor.list(&scope, listing).await?, "filter": { "q": list.q, "state": list.state },
            "states": states,
        });
        Ok((company, data))
    };
    let (company, data) = read.await.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/plans/index.html", &company, data)
}

fn shown(plan: &Plan, held: Held) -> Value {
    json!({
        "is_new": false, "id": plan.id, "href": format!("{PAGE}/{}", plan.id), "code": plan.code, "name": plan.name, "currency": plan.currency,
        "hindi": translated::name(&plan.translations, "hi"), "price": plan.price.display(&plan.currency), "price_plain": plan.price.plain(), "period": plan.period,
        "shops": plan.shops_max, "staff": plan.staff_max, "products": plan.products_max, "orders": plan.orders_max,
        "trial_days": plan.trial_days, "is_active": plan.is_active, "version": plan.version,
        "companies": held.companies, "trials": held.trials, "monthly": Money(held.monthly).display(&plan.currency),
    })
}

const COLUMNS: [&str; 14] = [
    "code",
    "name",
    "currency",
    "price",
    "period",
    "trial days",
    "shops",
    "staff",
    "products",
    "orders a month",
    "offered",
    "companies",
    "in trial",
    "monthly",
];

async fn export(visitor: Visitor<PlatformRead>, Query(list): Query<List>) -> PageResult<Response> {
    let (rows, ..) = rows(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    export::few("plans", &COLUMNS, rows.iter().map(cells).collect()).await.map_err(|error| visitor.refuse(error))
}

async fn export_chosen(visitor: Visitor<PlatformRead>, fields: Fields) -> PageResult<Response> {
    let (rows, ..) = rows(&visitor, &List::default()).await.map_err(|error| visitor.refuse(error))?;
    let ids = fields.chosen();
    let chosen = rows.iter().filter(|(plan, _)| ids.contains(&plan.id)).map(cells);
    export::few("plans", &COLUMNS, chosen.collect()).await.map_err(|error| visitor.refuse(error))
}

fn cells((plan, held): &(Plan, Held)) -> Vec<String> {
    let limit = |limit: Option<i64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
    vec![
        plan.code.clone(),
        plan.name.clone(),
        plan.currency.clone(),
        plan.price.plain(),
        period_name(plan.period).into(),
        limit(plan.trial_days),
        limit(plan.shops_max),
        limit(plan.staff_max),
        limit(plan.products_max),
        limit(plan.orders_max),
        plan.is_active.to_string(),
        held.companies.to_string(),
        held.trials.to_string(),
        Money(held.monthly).plain(),
    ]
}

const fn period_name(period: Interval) -> &'static str {
    match period {
        Interval::Month => "month",
        Interval::Year => "year",
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Page {
    cursor: Option<String>,
}

async fn show(visitor: Visitor<PlatformRead>, Id(id): Id<PlanId>, Query(asked): Query<Page>) -> PageResult<Html<String>> {
    let (company, data) = one(&visitor, id, &asked).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/plans/show.html", &company, data)
}

async fn one(visitor: &Visitor<PlatformRead>, id: PlanId, asked: &Page) -> Result<(Company, Value)> {
    let souk = visitor.access.souk();
    let bound = format!("portal plan {id}");
    let before = page::open::<CompanyId>(souk, &bound, asked.cursor.as_deref())?;
    let platform = souk.platform("plans").await?;
    let plan = plans::by_id(&platform, id).await?;
    let held = held(&plan, &figures::subscribed(&platform).await?);
    let search = Search { among: Some(plans::subscribers(&platform, Some(&plan.code), None)), ..Search::default() };
    let mut found = companies::search(&platform, &search, before, ROWS + 1).await?;
    let next = page::cut(souk, &bound, &mut found, ROWS, |company| company.id)?;
    let ids: Vec<_> = found.iter().map(|company| company.id).collect();
    let subscriptions: BTreeMap<_, _> = plans::of_companies(&platform, &ids).await?;
    let (scope, company) = own(visitor, platform).await?;
    let rows: Vec<_> = found
        .iter()
        .map(|one| {
            let subscription = subscriptions.get(&one.id);
            json!({
                "href": format!("{COMPANIES}/{}", one.id), "name": one.name, "slug": one.slug, "state": state_of(one, subscription),
                "price": subscription.map(|one| one.price.display(&one.currency)), "ends": subscription.map(|one| dates::day(one.ends_on, &visitor.language)),
                "renews": subscription.is_some_and(|one| one.renews),
            })
        })
        .collect();
    let listing = Listing { views: &[], chips: vec![], count: rows.len(), next };
    let data = json!({
        "plan": shown(&plan, held), "rows": rows, "list": visitor.list(&scope, listing).await?,
        "export": format!("{COMPANIES}/export.csv?plan={}", plan.code),
    });
    Ok((company, data))
}

async fn new(visitor: Visitor<PlansWrite>) -> PageResult<Response> {
    form(&visitor, None).await
}

async fn edit(visitor: Visitor<PlansWrite>, Id(id): Id<PlanId>) -> PageResult<Response> {
    form(&visitor, Some(id)).await
}

/// The form of a plan: a new one, or one that is there.
async fn form(visitor: &Visitor<PlansWrite>, id: Option<PlanId>) -> PageResult<Response> {
    let read = async {
        let platform = visitor.access.souk().platform("plans").await?;
        let plan = match id {
            Some(id) => Some(plans::by_id(&platform, id).await?),
            None => None,
        };
        let (_, company) = own(visitor, platform).await?;
        let periods = [Interval::Month, Interval::Year]
            .map(|one| json!({ "value": period_name(one), "label_key": format!("admin.plans.period.{}", period_name(one)) }));
        let blank = json!({ "is_new": true, "href": PAGE, "period": "month", "currency": "INR" });
        let mut shown = plan.map_or(blank, |plan| shown(&plan, Held::default()));
        // A form's fields are all there, also where nothing is in them yet.
        for field in ["name", "hindi", "code", "price_plain", "trial_days", "shops", "staff", "products", "orders", "version"] {
            if shown[field].is_null() {
                shown[field] = json!("");
            }
        }
        Ok((company, json!({ "plan": shown, "periods": periods })))
    };
    let (company, data) = read.await.map_err(|error| visitor.refuse(error))?;
    visitor.again("admin/plans/form.html", &company, data)
}

async fn create(visitor: Visitor<PlansWrite>, mut fields: Fields) -> PageResult<Response> {
    match add(&visitor.access, &mut fields).await {
        Ok(plan) => Ok(visitor.done(&format!("{PAGE}/{}", plan.id), "plan_added").into_response()),
        Err(error) => {
            let error = match error {
                Error::Conflict { code: "code_taken", .. } => Error::invalid("code", "code_taken", said(&error, &visitor.language)),
                other => other,
            };
            form(&visitor.refused(error, &fields)?, None).await
        }
    }
}

/// A limit: nothing typed is none.
fn limit(fields: &mut Fields, name: &str) -> Option<i64> {
    fields.maybe(name)
}

fn interval(fields: &mut Fields) -> Option<Interval> {
    match fields.text("period").as_str() {
        "month" => Some(Interval::Month),
        "year" => Some(Interval::Year),
        "" => None,
        _ => {
            fields.refuse("period", "unknown", "month or year");
            None
        }
    }
}

async fn add(access: &Access<PlansWrite>, fields: &mut Fields) -> Result<Plan> {
    let new = NewPlan {
        code: fields.text("code").to_lowercase(),
        name: fields.text("name"),
        translations: with_name(Value::Null, "hi", fields.optional("translations.hi.name")),
        price: fields.money("price").unwrap_or_default(),
        currency: fields.text("currency").to_uppercase(),
        period: interval(fields).unwrap_or(Interval::Month),
        shops: limit(fields, "shops"),
        staff: limit(fields, "staff"),
        products: limit(fields, "products"),
        orders: limit(fields, "orders"),
        trial_days: limit(fields, "trialDays"),
    };
    fields.end()?;
    steward::add_plan(access, new).await
}

async fn save(visitor: Visitor<PlansWrite>, Id(id): Id<PlanId>, mut fields: Fields) -> PageResult<Response> {
    match change(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&format!("{PAGE}/{id}"), "saved").into_response()),
        Err(error) => form(&visitor.refused(error, &fields)?, Some(id)).await,
    }
}

async fn change(access: &Access<PlansWrite>, id: PlanId, fields: &mut Fields) -> Result<()> {
    let known = {
        let platform = access.souk().platform("plans").await?;
        plans::by_id(&platform, id).await?.translations
    };
    let change = PlanChange {
        name: Some(fields.text("name")),
        translations: Some(with_name(known, "hi", fields.optional("translations.hi.name"))),
        price: fields.money("price"),
        period: interval(fields),
        shops: Some(limit(fields, "shops")),
        staff: Some(limit(fields, "staff")),
        products: Some(limit(fields, "products")),
        orders: Some(limit(fields, "orders")),
        trial_days: Some(limit(fields, "trialDays")),
        is_active: None,
    };
    let version = fields.maybe("version");
    fields.end()?;
    steward::change_plan(access, id, change, version).await.map(|_| ())
}

/// Takes a plan off the list, or puts it back: who has it keeps it.
async fn offer(visitor: Visitor<PlansWrite>, Id(id): Id<PlanId>, fields: Fields) -> PageResult<Response> {
    let is_active = fields.is_on("offered");
    let change = PlanChange { is_active: Some(is_active), ..PlanChange::default() };
    let back = format!("{PAGE}/{id}");
    match steward::change_plan(&visitor.access, id, change, None).await {
        Ok(_) => Ok(visitor.done(&back, if is_active { "plan_offered" } else { "plan_retired" }).into_response()),
        Err(error) => Ok(visitor.back(&back, error)?.into_response()),
    }
}

/// Plans by a few letters, for the jump box.
pub(in crate::controllers::portal) async fn named(souk: &Souk, words: &str) -> Result<Vec<Value>> {
    let list = List { q: words.to_owned(), state: String::new() };
    let platform = souk.platform("plans").await?;
    let found = plans::list(&platform).await?;
    let shown =
        |plan: &Plan| json!({ "text": plan.name, "note": plan.price.display(&plan.currency), "href": format!("{PAGE}/{}", plan.id) });
    Ok(found.iter().filter(|plan| list.fits(plan)).take(6).map(shown).collect())
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<PlatformRead, _>(PAGE, "Plans", index),
        get::<PlatformRead, _>("/admin/plans/export.csv", "Plans as CSV", export),
        post::<PlatformRead, _>("/admin/plans/chosen.csv", "Chosen plans as CSV", export_chosen),
        get::<PlansWrite, _>("/admin/plans/new", "A form for a new plan", new),
        post::<PlansWrite, _>("/admin/plans/new", "Adds a plan", create),
        get::<PlatformRead, _>("/admin/plans/{id}", "One plan, and who has it", show),
        get::<PlansWrite, _>("/admin/plans/{id}/edit", "A form for a plan", edit),
        post::<PlansWrite, _>("/admin/plans/{id}/edit", "Changes a plan, from each subscriber's next period on", save),
        post::<PlansWrite, _>("/admin/plans/{id}/offer", "Takes a plan off the list, or puts it back", offer),
    ]
}
