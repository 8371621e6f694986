//! The platform's home: what is wrong first, then how it goes, and where to look next.

use std::{collections::BTreeMap, time::Duration};

use axum::response::Html;
use chrono::{TimeZone, Timelike, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{PageResult, Visitor, company::audit::entry, has_page, local},
    companies::PAGE as COMPANIES,
    health,
};
use crate::{
    clock::{self, Instant},
    controllers::extract::Query,
    endpoints::{Endpoint, get},
    errors::Result,
    ids::CompanyId,
    models::{
        audit::{self, SECURITY},
        companies::{self, ACTIVE, Company, SUSPENDED},
        debts::{self, Debt},
        figures::{self, Traded},
        jobs,
        plans::{self, State},
    },
    money::Money,
    tenancy::{Platform, roles::PlatformRead},
    views::{
        audited::Reader,
        charts::{self, Lines, Rise},
        dates,
    },
};

const PAGE: &str = "/admin";
const HOUR: Duration = Duration::from_secs(3_600);
/// How many companies, debts and events the page shows.
const EACH: usize = 6;

/// How far the page looks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    Day,
    Month,
}

impl Span {
    const ALL: [Self; 2] = [Self::Day, Self::Month];

    const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    const fn hours(self) -> usize {
        match self {
            Self::Day => 24,
            Self::Month => 720,
        }
    }

    /// How many hours are one point of the chart.
    const fn step(self) -> usize {
        match self {
            Self::Day => 1,
            Self::Month => 24,
        }
    }

    fn length(self) -> Duration {
        HOUR * u32::try_from(self.hours()).unwrap_or(24)
    }

    /// How far back lies what it is compared with: a day has the same weekday's for its measure.
    fn back(self) -> Duration {
        match self {
            Self::Day => self.length() * 7,
            Self::Month => self.length(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    span: String,
}

async fn show(visitor: Visitor<PlatformRead>, Query(asked): Query<Asked>) -> PageResult<Html<String>> {
    // An address that names no span of ours asks for the usual one.
    let span = Span::ALL.into_iter().find(|span| span.name() == asked.span).unwrap_or(Span::Day);
    let (company, data) = page(&visitor, span).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/home.html", &company, data)
}

/// What was sold in one currency, now and before.
#[derive(Clone, Copy, Debug, Default)]
struct Sold {
    orders: i64,
    revenue: i64,
    orders_before: i64,
    revenue_before: i64,
}

fn by_currency(now: &[Traded], before: &[Traded]) -> BTreeMap<String, Sold> {
    let mut sold: BTreeMap<String, Sold> = BTreeMap::new();
    for one in now {
        let of = sold.entry(one.currency.clone()).or_default();
        of.orders += one.orders;
        of.revenue += one.revenue;
    }
    for one in before {
        let of = sold.entry(one.currency.clone()).or_default();
        of.orders_before += one.orders;
        of.revenue_before += one.revenue;
    }
    sold
}

async fn page(visitor: &Visitor<PlatformRead>, span: Span) -> Result<(Company, Value)> {
    let platform = visitor.access.souk().platform("all-companies").await?;
    // The last point of the chart is the hour or day that runs.
    let now = clock::now();
    let from = now.minus(span.length());
    let traded = figures::traded(&platform, from, now).await?;
    let before = figures::traded(&platform, from.minus(span.back()), from.minus(span.back()).plus(span.length())).await?;
    let sold = by_currency(&traded, &before);
    // Amounts of several currencies are not added: the page tells of the one that most is sold in.
    let main = sold.iter().max_by_key(|(_, one)| (one.orders, one.orders_before)).map_or_else(|| "INR".into(), |(name, _)| name.clone());
    let hours = figures::by_hour(&platform, &main, from, span.hours()).await?;
    let hours_before = figures::by_hour(&platform, &main, from.minus(span.back()), span.hours()).await?;
    let queues = jobs::figures(&platform).await?;
    let owed = figures::owed_by_all(&platform).await?;
    let aging = debts::aging_of_all(&platform).await?;
    let overdue = debts::overdue_of_all(&platform, None, EACH as u64).await?;
    let states = companies::states(&platform).await?;
    let trials = figures::subscribed(&platform).await?.iter().filter(|one| one.state == State::Trial).map(|one| one.companies).sum::<i64>();
    let best: Vec<_> = traded.iter().take(EACH).collect();
    let ids: Vec<CompanyId> = best.iter().map(|one| one.company).chain(overdue.iter().map(|debt| debt.company_id)).collect();
    let known: BTreeMap<CompanyId, Company> = companies::named(&platform, &ids).await?.into_iter().map(|one| (one.id, one)).collect();
    let plans = plans::of_companies(&platform, &ids).await?;
    let (events, own) = security(visitor, platform).await?;
    let (_, components) = health::components(visitor.access.souk()).await;

    let name = |id: &CompanyId| known.get(id).map_or("", |one| one.name.as_str());
    let best: Vec<_> = best
        .into_iter()
        .map(|one| {
            let was = before.iter().find(|was| was.company == one.company && was.currency == one.currency).map_or(0, |was| was.revenue);
            json!({
                "href": format!("{COMPANIES}/{}", one.company), "name": name(&one.company), "plan": plans.get(&one.company).map(|one| one.plan_name.as_str()),
                "orders": one.orders, "revenue": Money(one.revenue).display(&one.currency), "change": charts::change(one.revenue, was, Rise::Good),
            })
        })
        .collect();
    let late = |debt: &Debt| {
        let today = known.get(&debt.company_id).map_or_else(|| now.utc().date_naive(), Company::today);
        let days = debt.next_due_on.map_or(0, |due| (today - due).num_days());
        let href =
            if has_page("/admin/debts/{id}") { format!("/admin/debts/{}", debt.id) } else { format!("{COMPANIES}/{}", debt.company_id) };
        json!({ "href": href, "name": name(&debt.company_id), "days": days, "amount": debt.remaining().display(&debt.currency) })
    };
    let sold_main = sold.get(&main).copied().unwrap_or_default();
    let (orders, orders_before) = sold.values().fold((0, 0), |sum, one| (sum.0 + one.orders, sum.1 + one.orders_before));
    let of = |state: &str| states.iter().find(|(name, _)| name == state).map_or(0, |(_, many)| *many);
    let (failed, dead) = queues.iter().fold((0, 0), |sum, one| (sum.0 + one.failed, sum.1 + one.dead));
    let text = |amounts: Vec<(&str, i64)>| amounts.iter().map(|(currency, amount)| Money(*amount).display(currency)).collect::<Vec<_>>();
    let mut overdue_sums = vec![];
    for one in &aging {
        let late = one.overdue()?;
        if late > Money::ZERO {
            overdue_sums.push(late.display(&one.currency));
        }
    }
    let owed_sums = text(owed.iter().map(|one| (one.currency.as_str(), one.amount)).collect());
    let link = |page: &'static str| if has_page(page) { page } else { "" };
    let data = json!({
        "at": local(now, &own.zone, &visitor.language), "span": span.name(),
        "spans": Span::ALL.map(|one| json!({ "name": one.name(), "href": format!("{PAGE}?span={}", one.name()), "here": one == span })),
        "figures": {
            "revenue": Money(sold_main.revenue).display(&main), "revenue_change": charts::change(sold_main.revenue, sold_main.revenue_before, Rise::Good),
            "others": sold.iter().filter(|(name, _)| **name != main).map(|(name, one)| Money(one.revenue).display(name)).collect::<Vec<_>>(),
            "line": charts::spark(&steps(&hours, span)), "orders": orders, "orders_change": charts::change(orders, orders_before, Rise::Good),
            "active": of(ACTIVE), "suspended": of(SUSPENDED), "trials": trials, "failed": failed, "dead": dead,
            "overdue": overdue_sums, "overdue_companies": owed.iter().map(|one| one.overdue_companies).sum::<i64>(), "owed": owed_sums,
        },
        "components": components,
        "chart": chart(visitor, &own, span, from, (&hours, &hours_before), &main), "best": best,
        "overdue": overdue.iter().map(late).collect::<Vec<_>>(), "events": events,
        "queues": queues.iter().map(|one| json!({
            "name": one.queue, "ready": one.ready + one.waiting, "running": one.running, "failed": one.failed, "dead": one.dead,
            "tone": if one.dead > 0 { "bad" } else if one.failed > 0 { "warn" } else { "ok" },
        })).collect::<Vec<_>>(),
        "links": {
            "jobs": link("/admin/jobs"), "debts": link("/admin/debts"), "audit": link("/admin/audit"), "health": link("/admin/health"),
        },
    });
    Ok((own, data))
}

/// The latest of what the platform's people did where somebody proves who they are.
async fn security(visitor: &Visitor<PlatformRead>, platform: Platform) -> Result<(Vec<Value>, Company)> {
    let scope = platform.into_scope(visitor.access.tenant().clone()).await?;
    let own = companies::own(&scope).await?;
    let filter = audit::Filter { actions: SECURITY.iter().map(|action| (*action).to_owned()).collect(), ..audit::Filter::default() };
    let found = audit::list(&scope, &filter, None, EACH as u64).await?;
    let reader = Reader { language: &visitor.language, zone: &own.zone, currency: None, shops: &BTreeMap::new() };
    let events = found.iter().map(|one| entry(one, &reader)).collect();
    Ok((events, own))
}

/// The figures of hours as those of the chart's points.
fn steps(hours: &[i64], span: Span) -> Vec<i64> {
    hours.chunks(span.step()).map(|chunk| chunk.iter().sum()).collect()
}

fn chart(visitor: &Visitor<PlatformRead>, own: &Company, span: Span, from: Instant, hours: (&[i64], &[i64]), currency: &str) -> Value {
    let zone: chrono_tz::Tz = own.zone.parse().unwrap_or(chrono_tz::UTC);
    let (now, before) = (steps(hours.0, span), steps(hours.1, span));
    let slots: Vec<_> = (0..now.len())
        .map(|point| {
            let at = from.plus(HOUR * u32::try_from(point * span.step()).unwrap_or_default());
            let at = zone.from_utc_datetime(&at.utc().with_timezone(&Utc).naive_utc());
            match span {
                Span::Day => format!("{:02}:{:02}", at.hour(), at.minute()),
                Span::Month => dates::day_of_year(at.date_naive(), &visitor.language),
            }
        })
        .collect();
    let axis = slots.iter().step_by(slots.len().div_ceil(6).max(1)).cloned().collect();
    let sum = |values: &[i64]| Money(values.iter().sum()).display(currency);
    let text = |key: &str| visitor.text(&format!("admin.home.{key}.{}", span.name()));
    let sentence = text("sentence").replace("{now}", &sum(&now)).replace("{before}", &sum(&before));
    let lines = Lines { sentence, slots, axis, now, before, now_name: text("now"), before_name: text("before") };
    charts::lines(lines, |value| Money(value).display(currency).split('.').next().unwrap_or_default().to_owned())
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get::<PlatformRead, _>(PAGE, "The platform's home", show)]
}
