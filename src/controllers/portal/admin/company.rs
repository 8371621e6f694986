//! One company, as the platform's people see it, and what they do to it.

use axum::response::{Html, IntoResponse, Response};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{PageResult, Visitor, company::audit::entry, fields::Fields, has_page},
    acting,
    companies::{PAGE, SPAN, state_of},
    opening::{choices, offered},
};
use crate::{
    clock,
    controllers::{
        extract::{Id, Query},
        steward::{self, Stop},
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::CompanyId,
    models::{
        audit::{self, Entry},
        companies::{self, ACTIVE, CLOSED, Company, CompanySettings, PostalAddress, SUSPENDED},
        debts::{self, Bucket, SubscriptionChange},
        figures,
        identity::{self, PeopleFilter},
        plans::{self, Limit, Plan, Subscription},
        shops,
    },
    money::Money,
    tenancy::{
        Permission, Scope, Tenant,
        roles::{CompaniesWrite, PlatformRead},
    },
    views::{
        audited::Reader,
        charts::{self, Rise},
        dates, templates,
    },
};

/// How many of a kind the page shows before it says how many more there are.
const EACH: u64 = 8;
const ENTRIES: u64 = 12;

/// What the page of one company is made of, before it is printed.
pub(super) struct Known {
    company: Company,
    subscription: Option<Subscription>,
    figures: figures::Company,
    plans: Vec<Plan>,
}

/// What there is of a company, and a unit in it to read the rest with.
pub(super) async fn known<P: Permission>(visitor: &Visitor<P>, id: CompanyId) -> Result<(Known, Scope)> {
    let platform = visitor.access.souk().platform("all-companies").await?;
    let company = companies::find(&platform, id).await?;
    let now = clock::now();
    let known = Known {
        subscription: plans::of_companies(&platform, &[id]).await?.remove(&id),
        figures: figures::of_company(&platform, id, now.minus(SPAN), now).await?,
        plans: plans::list(&platform).await?,
        company,
    };
    let scope = platform.into_scope(Tenant { company: id, ..visitor.access.tenant().clone() }).await?;
    Ok((known, scope))
}

/// The platform's own row, whose pages these are.
async fn platform_row<P: Permission>(visitor: &Visitor<P>) -> Result<Company> {
    companies::own(&visitor.access.read().await?).await
}

async fn show(visitor: Visitor<PlatformRead>, Id(id): Id<CompanyId>) -> PageResult<Html<String>> {
    let (own, data) = page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/companies/show.html", &own, data)
}

async fn page<P: Permission>(visitor: &Visitor<P>, id: CompanyId) -> Result<(Company, Value)> {
    let (known, scope) = known(visitor, id).await?;
    let mut data = head(&known, visitor);
    let people = identity::members(&scope, &PeopleFilter::default(), None, EACH).await?;
    let names = identity::role_names(&scope, &people).await?;
    let people: Vec<_> = people
        .iter()
        .map(|one| {
            let mut roles: Vec<_> = one.assignments.iter().map(|row| role_name(&row.role, &names, &visitor.language)).collect();
            roles.sort();
            roles.dedup();
            json!({
                "staff_id": one.member.staff_id, "name": one.member.name, "email": one.member.email, "roles": roles.join(", "),
                "presence": one.presence().name(),
            })
        })
        .collect();
    let admins = acting::admins(&scope).await?;
    let shops = shops::list(&scope).await?;
    let first = usize::try_from(EACH).unwrap_or(usize::MAX);
    let more_shops = shops.len().saturating_sub(first);
    let names = shops.iter().map(|shop| (shop.id, shop.name.clone())).collect();
    let shops: Vec<_> = shops
        .iter()
        .take(first)
        .map(|shop| json!({ "name": shop.name, "city": shop.city, "kind": shop.kind, "is_active": shop.is_active }))
        .collect();
    let owed = debts::aging(&scope, known.company.today()).await?;
    let told = told(&scope, id).await?;
    drop(scope);
    let own = platform_row(visitor).await?;
    data["people"] = json!(people);
    data["more_people"] = json!(known.figures.staff.saturating_sub(i64::try_from(people.len()).unwrap_or_default()));
    data["admins"] = json!(admins);
    data["shops"] = json!(shops);
    data["more_shops"] = json!(more_shops);
    data["owed"] = owed.iter().map(|one| bucket(one, visitor)).collect();
    data["debts_href"] = json!(has_page("/admin/debts").then(|| format!("/admin/debts?company={id}")));
    let reader = Reader { language: &visitor.language, zone: &own.zone, currency: Some(&known.company.currency), shops: &names };
    data["told"] = told.iter().map(|one| event(one, &reader)).collect();
    Ok((own, data))
}

/// What every page of one company says of it.
fn head<P: Permission>(known: &Known, visitor: &Visitor<P>) -> Value {
    let Known { company, subscription, figures, plans } = known;
    let at_least = |many: i64| if many >= figures::COUNTED_MAX { format!("{many}+") } else { many.to_string() };
    let address = company.address.as_ref();
    let line = |field: &str| address.and_then(|address| address[field].as_str()).unwrap_or_default().to_owned();
    let lines: Vec<_> = ["line1", "city", "state", "postalCode", "country"].into_iter().map(line).filter(|line| !line.is_empty()).collect();
    json!({
        "one": {
            "id": company.id, "name": company.name, "slug": company.slug, "status": company.status, "reason": company.status_reason,
            "state": state_of(company, subscription.as_ref()), "description": company.description, "email": company.email,
            "phone": company.phone, "address": lines, "zone": company.zone, "currency": company.currency, "language": company.language,
            "opened": dates::day(company.created_at.utc().with_timezone(&Utc).date_naive(), &visitor.language), "href": format!("{PAGE}/{}", company.id),
            "tax": format!("{}%", percent(company.tax_rate)), "tax_included": company.tax_included,
        },
        "can": {
            "act_as": company.status == ACTIVE, "suspend": company.status == ACTIVE, "resume": company.status == SUSPENDED,
            "close": company.status != CLOSED, "change": company.status != CLOSED,
        },
        "figures": {
            "revenue": Money(figures.revenue).display(&company.currency),
            "revenue_change": charts::change(figures.revenue, figures.revenue_before, Rise::Good),
            "orders": figures.orders, "orders_change": charts::change(figures.orders, figures.orders_before, Rise::Good),
            "open": at_least(figures.orders_open), "customers": at_least(figures.customers), "products": at_least(figures.products),
            "shops": figures.shops, "staff": figures.staff,
        },
        "subscription": subscription.as_ref().map(|one| subscribed(one, company, figures, plans, &visitor.language)),
        "plans": offered(plans, &visitor.language),
        "admins": [],
    })
}

/// Basis points as people write them: 1800 is 18, 525 is 5.25.
fn percent(basis_points: i64) -> String {
    let text = format!("{}.{:02}", basis_points / 100, basis_points % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn role_name(role: &str, names: &std::collections::BTreeMap<String, String>, language: &str) -> String {
    let key = format!("admin.role.{role}");
    let text = templates::text(&key, language);
    if text == key { names.get(role).cloned().unwrap_or_else(|| role.to_owned()) } else { text }
}

fn subscribed(one: &Subscription, company: &Company, figures: &figures::Company, plans: &[Plan], language: &str) -> Value {
    let month = company.today().format("%Y-%m").to_string();
    let orders = if one.orders_month == month { one.orders_count } else { 0 };
    let used = [(Limit::Shops, figures.shops), (Limit::Staff, figures.staff), (Limit::Products, figures.products), (Limit::Orders, orders)];
    let used: Vec<_> = used
        .into_iter()
        .map(|(what, used)| {
            let limit = what.of(one);
            let class = if limit.is_some_and(|limit| used >= limit) { "c-badf" } else { "c-ok" };
            json!({ "label_key": format!("admin.plan.limit.{}", what.name()), "used": used, "limit": limit,
                "meter": limit.map(|limit| charts::meter_of(&[(class, used.min(limit))], limit)) })
        })
        .collect();
    let next = one.next_plan_id.and_then(|id| plans.iter().find(|plan| plan.id == id)).map(|plan| plan.name.as_str());
    json!({
        "plan": one.plan_name, "code": one.plan_code, "plan_id": one.plan_id, "state": one.state,
        "price": one.price.display(&one.currency), "period": one.period, "starts": dates::day(one.starts_on, language), "ends": dates::day(one.ends_on, language),
        "renews": one.renews, "grace_days": one.grace_days, "is_trial": one.is_trial, "next": next, "used": used,
    })
}

fn bucket<P: Permission>(one: &Bucket, visitor: &Visitor<P>) -> Value {
    let parts = [
        ("current", one.current),
        ("to30", one.days_1_to_30),
        ("to60", one.days_31_to_60),
        ("to90", one.days_61_to_90),
        ("over90", one.days_over_90),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .filter(|(_, amount)| *amount != Money::ZERO)
        .map(|(age, amount)| {
            json!({ "label": visitor.text(&format!("admin.company.age.{age}")), "amount": amount.display(&one.currency), "is_late": age != "current" })
        })
        .collect();
    json!({ "total": one.total.display(&one.currency), "parts": parts })
}

/// What was done to the company itself and to its subscription, newest first.
async fn told(scope: &Scope, id: CompanyId) -> Result<Vec<Entry>> {
    let of = |resource: &str| audit::Filter { resource: Some(resource.into()), ..audit::Filter::default() };
    let mut told = audit::list(scope, &audit::Filter { resource_id: Some(id.to_string()), ..of("company") }, None, ENTRIES).await?;
    told.extend(audit::list(scope, &of("subscription"), None, ENTRIES).await?);
    told.sort_by_key(|one| std::cmp::Reverse(one.id));
    told.truncate(usize::try_from(ENTRIES).unwrap_or(usize::MAX));
    Ok(told)
}

/// An entry of the audit as a line of the timeline.
fn event(one: &Entry, reader: &Reader<'_>) -> Value {
    let shown = entry(one, reader);
    let tone = match one.action.as_str() {
        "suspend" | "close" | "cancel_subscription" => "bad",
        "resume" | "create" | "subscribe" => "ok",
        _ => "info",
    };
    let changes = shown["changes"].as_array().into_iter().flatten();
    let text = |value: &Value| Some(value.as_str().unwrap_or_default()).filter(|text| !text.is_empty()).unwrap_or("–").to_owned();
    let note: Vec<_> = changes
        .take(4)
        .map(|change| match change["before"].as_str() {
            Some("") | None => format!("{}: {}", text(&change["field"]), text(&change["after"])),
            Some(before) => format!("{}: {before} → {}", text(&change["field"]), text(&change["after"])),
        })
        .collect();
    json!({ "what": shown["action"], "tone": tone, "note": note.join(", "), "at": shown["at"], "by": shown["who"] })
}

/// The acts that ask before they are done, each in a dialog of the page and on a page of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Suspend,
    Close,
    Plan,
    EndPlan,
    Admin,
}

impl Ask {
    fn named(name: &str) -> Result<Self> {
        let all = [Self::Suspend, Self::Close, Self::Plan, Self::EndPlan, Self::Admin];
        all.into_iter().find(|ask| ask.name() == name).ok_or(Error::NOT_FOUND)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Close => "close",
            Self::Plan => "plan",
            Self::EndPlan => "end_plan",
            Self::Admin => "admin",
        }
    }
}

#[derive(Debug, Deserialize)]
struct Asked {
    what: String,
}

async fn ask(visitor: Visitor<CompaniesWrite>, Id(id): Id<CompanyId>, Query(asked): Query<Asked>) -> PageResult<Response> {
    let what = Ask::named(&asked.what).map_err(|error| visitor.refuse(error))?;
    asking(&visitor, id, what).await
}

/// The page of one act, with what was typed and refused.
async fn asking(visitor: &Visitor<CompaniesWrite>, id: CompanyId, what: Ask) -> PageResult<Response> {
    act_page(visitor, id, what.name(), json!({})).await
}

/// The page of an act by its name, with `more` that its form needs.
pub(super) async fn act_page<P: Permission>(visitor: &Visitor<P>, id: CompanyId, what: &str, more: Value) -> PageResult<Response> {
    let data = async {
        let (known, scope) = known(visitor, id).await?;
        drop(scope);
        let mut data = head(&known, visitor);
        data["what"] = json!(what);
        if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
            data.extend(more);
        }
        Ok((platform_row(visitor).await?, data))
    };
    let (own, data) = data.await.map_err(|error| visitor.refuse(error))?;
    visitor.again("admin/companies/act.html", &own, data)
}

/// After an act: back on the company's page, or once more at its form with what was wrong.
async fn ended(
    visitor: Visitor<CompaniesWrite>,
    id: CompanyId,
    done: Result<&'static str>,
    what: Ask,
    fields: &Fields,
) -> PageResult<Response> {
    match done {
        Ok(said) => Ok(visitor.done(&format!("{PAGE}/{id}"), said).into_response()),
        Err(error) => {
            let visitor = visitor.refused(error, fields)?;
            asking(&visitor, id, what).await
        }
    }
}

/// The reason, once the company's slug was typed as a sign that it is meant.
async fn meant(visitor: &Visitor<CompaniesWrite>, id: CompanyId, fields: &mut Fields) -> Result<String> {
    let platform = visitor.access.souk().platform("all-companies").await?;
    let company = companies::find(&platform, id).await?;
    drop(platform);
    let reason = fields.text("reason");
    if fields.text("confirm") != company.slug && !fields.raw("confirm").is_empty() {
        fields.refuse("confirm", "not_the_slug", "type the company's slug");
    }
    fields.end()?;
    Ok(reason)
}

async fn suspend(visitor: Visitor<CompaniesWrite>, Id(id): Id<CompanyId>, mut fields: Fields) -> PageResult<Response> {
    let done = match meant(&visitor, id, &mut fields).await {
        Ok(reason) => steward::stop(&visitor.access, id, Stop::Suspend, &reason).await.map(|_| "company_suspended"),
        Err(error) => Err(error),
    };
    ended(visitor, id, done, Ask::Suspend, &fields).await
}

async fn close(visitor: Visitor<CompaniesWrite>, Id(id): Id<CompanyId>, mut fields: Fields) -> PageResult<Response> {
    let done = match meant(&visitor, id, &mut fields).await {
        Ok(reason) => steward::stop(&visitor.access, id, Stop::Close, &reason).await.map(|_| "company_closed"),
        Err(error) => Err(error),
    };
    ended(visitor, id, done, Ask::Close, &fields).await
}

async fn resume(visitor: Visitor<CompaniesWrite>, Id(id): Id<CompanyId>) -> PageResult<Response> {
    let back = format!("{PAGE}/{id}");
    match steward::resume(&visitor.access, id).await {
        Ok(_) => Ok(visitor.done(&back, "company_resumed").into_response()),
        Err(error) => Ok(visitor.back(&back, error)?.into_response()),
    }
}

async fn change_plan(visitor: Visitor<CompaniesWrite>, Id(id): Id<CompanyId>, mut fields: Fields) -> PageResult<Response> {
    let done = subscribe(&visitor, id, &mut fields).await.map(|()| "plan_changed");
    ended(visitor, id, done, Ask::Plan, &fields).await
}

async fn subscribe(visitor: &Visitor<CompaniesWrite>, id: CompanyId, fields: &mut Fields) -> Result<()> {
    let (known, scope) = known(visitor, id).await?;
    drop(scope);
    let held = known.subscription;
    let plan = fields.optional("plan");
    let change = SubscriptionChange {
        // The plan that it has is no change of plan; one that was to follow it is called off.
        plan: plan.filter(|plan| held.as_ref().is_none_or(|held| held.plan_code != *plan || held.next_plan_id.is_some())),
        trial_days: fields.maybe("trialDays"),
        grace_days: fields.maybe("graceDays"),
        renews: held.as_ref().map(|_| fields.is_on("renews")),
        ..SubscriptionChange::default()
    };
    if held.is_none() && change.plan.is_none() {
        fields.refuse("plan", "required", "this is needed");
    }
    fields.end()?;
    steward::subscribe(&visitor.access, id, &change).await.map(|_| ())
}

async fn end_plan(visitor: Visitor<CompaniesWrite>, Id(id): Id<CompanyId>, mut fields: Fields) -> PageResult<Response> {
    let reason = fields.text("reason");
    let done = match fields.end() {
        Ok(()) => {
            let change = SubscriptionChange { cancel: true, reason, ..SubscriptionChange::default() };
            steward::subscribe(&visitor.access, id, &change).await.map(|_| "plan_ended")
        }
        Err(error) => Err(error),
    };
    ended(visitor, id, done, Ask::EndPlan, &fields).await
}

async fn invite(visitor: Visitor<CompaniesWrite>, Id(id): Id<CompanyId>, mut fields: Fields) -> PageResult<Response> {
    let (email, name) = (fields.text("email"), fields.text("name"));
    let done = match fields.end() {
        Ok(()) => steward::invite_admin(&visitor.access, id, email, name).await.map(|_| "admin_invited"),
        Err(error) => Err(error),
    };
    ended(visitor, id, done, Ask::Admin, &fields).await
}

async fn edit(visitor: Visitor<CompaniesWrite>, Id(id): Id<CompanyId>) -> PageResult<Response> {
    editor(&visitor, id).await
}

async fn editor(visitor: &Visitor<CompaniesWrite>, id: CompanyId) -> PageResult<Response> {
    let data = async {
        let platform = visitor.access.souk().platform("all-companies").await?;
        let company = companies::find(&platform, id).await?;
        drop(platform);
        if company.status == CLOSED {
            return Err(Error::NOT_FOUND);
        }
        let address = company.address.as_ref();
        let line = |field: &str| address.and_then(|address| address[field].as_str()).unwrap_or_default().to_owned();
        let data = json!({
            "one": {
                "id": company.id, "href": format!("{PAGE}/{id}"), "name": company.name, "slug": company.slug,
                "domain": company.domain, "description": company.description, "email": company.email, "phone": company.phone, "brand": company.brand,
                "language": company.language, "zone": company.zone, "currency": company.currency, "tax_rate": percent(company.tax_rate),
                "tax_included": company.tax_included, "unpaid_hours": company.unpaid_hours, "cod_limit": Money(company.cod_limit).plain(),
                "line1": line("line1"), "city": line("city"), "state": line("state"), "postal_code": line("postalCode"),
                "country": line("country"), "version": company.version,
            },
            "choices": choices(),
        });
        Ok((platform_row(visitor).await?, data))
    };
    let (own, data) = data.await.map_err(|error| visitor.refuse(error))?;
    visitor.again("admin/companies/edit.html", &own, data)
}

async fn save(visitor: Visitor<CompaniesWrite>, Id(id): Id<CompanyId>, mut fields: Fields) -> PageResult<Response> {
    match change(&visitor, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&format!("{PAGE}/{id}"), "saved").into_response()),
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            editor(&visitor, id).await
        }
    }
}

async fn change(visitor: &Visitor<CompaniesWrite>, id: CompanyId, fields: &mut Fields) -> Result<()> {
    let or_empty = |text: Option<String>| Some(text.unwrap_or_default());
    let settings = CompanySettings {
        name: Some(fields.text("name")),
        description: or_empty(Some(fields.raw("description").to_owned())),
        email: or_empty(fields.optional("email")),
        phone: or_empty(fields.optional("phone")),
        address: Some(PostalAddress {
            line1: fields.optional("line1").unwrap_or_default(),
            city: fields.optional("city").unwrap_or_default(),
            state: fields.optional("state").unwrap_or_default(),
            postal_code: fields.optional("postalCode").unwrap_or_default(),
            country: fields.raw("address.country").to_uppercase(),
        }),
        brand: Some(fields.text("brand")),
        language: Some(fields.text("language")),
        zone: Some(fields.text("zone")),
        currency: Some(fields.text("currency").to_uppercase()),
        tax_rate: fields.fixed("taxRate", 2),
        tax_included: Some(fields.is_on("taxIncluded")),
        unpaid_hours: fields.parsed("unpaidHours"),
        cod_limit: fields.money("codLimit").map(|limit| limit.0),
        domain: Some(fields.optional("domain")),
    };
    let version = fields.maybe("version");
    fields.end()?;
    steward::change(&visitor.access, id, settings, version).await.map(|_| ())
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<PlatformRead, _>("/admin/companies/{id}", "One company", show),
        get::<CompaniesWrite, _>("/admin/companies/{id}/act", "Asks before something is done to a company", ask),
        get::<CompaniesWrite, _>("/admin/companies/{id}/edit", "A form for what a company says of itself", edit),
        post::<CompaniesWrite, _>("/admin/companies/{id}/edit", "Changes what a company says of itself", save),
        post::<CompaniesWrite, _>("/admin/companies/{id}/suspend", "Stops a company until it goes on", suspend),
        post::<CompaniesWrite, _>("/admin/companies/{id}/resume", "Lets a suspended company go on", resume),
        post::<CompaniesWrite, _>("/admin/companies/{id}/close", "Closes a company for good", close),
        post::<CompaniesWrite, _>("/admin/companies/{id}/plan", "Begins or changes a company's subscription", change_plan),
        post::<CompaniesWrite, _>("/admin/companies/{id}/plan/end", "Ends a company's subscription", end_plan),
        post::<CompaniesWrite, _>("/admin/companies/{id}/admins", "Invites an admin to a company", invite),
    ]
}
