//! Figures over companies, for the platform's people: they are only read, each by one statement
//! that walks an index which begins with the company.

use std::collections::BTreeMap;

use sea_orm::{QueryResult, Value};

use crate::{
    clock::Instant,
    errors::Result,
    ids::{CompanyId, PlanId},
    models::plans::State,
    tenancy::Platform,
};

/// Orders that count: paid, or promised to be paid at the door, and neither called off nor taken back.
const COUNTED: &str = "o.status NOT IN ('pending', 'cancelled', 'returned')";
/// What such an order came to: without what was called off of it or given back.
const KEPT: &str = "(SELECT a.amount - a.refunded FROM payment_allocations AS a WHERE a.company_id = o.company_id AND a.order_id = o.id)";

/// What a company sold between two moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traded {
    pub company: CompanyId,
    pub currency: String,
    pub orders: i64,
    /// In minor units.
    pub revenue: i64,
}

/// What each company sold from `from` until `until`; those that sold nothing are not among them.
pub async fn traded(platform: &Platform, from: Instant, until: Instant) -> Result<Vec<Traded>> {
    let values = vec![from.micros().into(), until.micros().into()];
    platform.ask(&traded_in("c.status <> 'platform'"), values).await?.iter().map(read_traded).collect()
}

/// As [`traded`], of some companies.
pub async fn traded_by(platform: &Platform, companies: &[CompanyId], from: Instant, until: Instant) -> Result<Vec<Traded>> {
    if companies.is_empty() {
        return Ok(vec![]);
    }
    let mut values = vec![from.micros().into(), until.micros().into()];
    values.extend(companies.iter().map(|id| Value::from(id.0)));
    let ask = traded_in(&format!("c.id IN ({})", places(3, companies.len())));
    platform.ask(&ask, values).await?.iter().map(read_traded).collect()
}

fn traded_in(these: &str) -> String {
    format!(
        "SELECT c.id AS company, o.currency AS currency, COUNT(*) AS orders, CAST(SUM({KEPT}) AS bigint) AS revenue FROM companies AS c \
         JOIN orders AS o ON o.company_id = c.id AND o.created_at >= $1 AND o.created_at < $2 AND {COUNTED} \
         WHERE {these} GROUP BY c.id, o.currency ORDER BY revenue DESC, c.id"
    )
}

/// The places of so many values, from the one of this number on.
fn places(first: usize, many: usize) -> String {
    (first..first + many).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// What a company owes in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    pub company: CompanyId,
    pub currency: String,
    /// In minor units.
    pub amount: i64,
    /// Whether some of it should have been paid, as of the last look at the company's calendar.
    pub is_overdue: bool,
}

/// What some companies owe; those that owe nothing are not among them.
pub async fn owed_by(platform: &Platform, companies: &[CompanyId]) -> Result<Vec<Owed>> {
    if companies.is_empty() {
        return Ok(vec![]);
    }
    let ask = format!(
        "SELECT company_id AS company, currency, CAST(SUM(amount - paid) AS bigint) AS owed, \
         MAX(CASE WHEN status = 'overdue' THEN 1 ELSE 0 END) AS overdue FROM debts \
         WHERE company_id IN ({}) AND status IN ('pending', 'partial', 'overdue') GROUP BY company_id, currency ORDER BY currency",
        places(1, companies.len())
    );
    let rows = platform.ask(&ask, companies.iter().map(|id| Value::from(id.0)).collect()).await?;
    let owed = |row: &QueryResult| {
        Ok(Owed {
            company: row.try_get("", "company")?,
            currency: row.try_get("", "currency")?,
            amount: row.try_get("", "owed")?,
            is_overdue: row.try_get::<i32>("", "overdue")? == 1,
        })
    };
    rows.iter().map(owed).collect()
}

/// What all companies together owe in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedByAll {
    pub currency: String,
    /// In minor units, here and below.
    pub amount: i64,
    pub overdue_companies: i64,
}

/// What everybody owes, of the debts that are open.
pub async fn owed_by_all(platform: &Platform) -> Result<Vec<OwedByAll>> {
    let ask = "SELECT currency, CAST(SUM(amount - paid) AS bigint) AS owed, \
               COUNT(DISTINCT CASE WHEN status = 'overdue' THEN company_id END) AS late FROM debts \
               WHERE status IN ('pending', 'partial', 'overdue') GROUP BY currency ORDER BY currency";
    let owed = |row: &QueryResult| {
        Ok(OwedByAll {
            currency: row.try_get("", "currency")?,
            amount: row.try_get("", "owed")?,
            overdue_companies: row.try_get("", "late")?,
        })
    };
    platform.ask(ask, vec![]).await?.iter().map(owed).collect()
}

/// How many companies have a plan in one state, and what they pay for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    pub plan: PlanId,
    pub state: State,
    pub companies: i64,
    /// For a month, in minor units; a year is twelve of them.
    pub monthly: i64,
}

/// Who has subscribed to what, by plan and state.
pub async fn subscribed(platform: &Platform) -> Result<Vec<Subscribed>> {
    let ask = "SELECT plan_id, state, COUNT(*) AS companies, \
               CAST(SUM(CASE WHEN period = 'year' THEN price / 12 ELSE price END) AS bigint) AS monthly \
               FROM subscriptions WHERE state <> 'cancelled' GROUP BY plan_id, state";
    let subscribed = |row: &QueryResult| {
        Ok(Subscribed {
            plan: row.try_get("", "plan_id")?,
            state: row.try_get("", "state")?,
            companies: row.try_get("", "companies")?,
            monthly: row.try_get("", "monthly")?,
        })
    };
    platform.ask(ask, vec![]).await?.iter().map(subscribed).collect()
}

fn read_traded(row: &QueryResult) -> Result<Traded> {
    Ok(Traded {
        company: row.try_get("", "company")?,
        currency: row.try_get("", "currency")?,
        orders: row.try_get("", "orders")?,
        revenue: row.try_get("", "revenue")?,
    })
}

/// Revenue in a currency by the hour from `from` on, over all companies: as many figures as `hours`.
pub async fn by_hour(platform: &Platform, currency: &str, from: Instant, hours: usize) -> Result<Vec<i64>> {
    const HOUR: i64 = 3_600_000_000;
    let until = from.micros() + HOUR * i64::try_from(hours).unwrap_or_default();
    let ask = format!(
        "SELECT (o.created_at - $1) / {HOUR} AS hour, CAST(SUM({KEPT}) AS bigint) AS revenue FROM companies AS c \
         JOIN orders AS o ON o.company_id = c.id AND o.created_at >= $1 AND o.created_at < $2 AND o.currency = $3 AND {COUNTED} \
         WHERE c.status <> 'platform' GROUP BY 1"
    );
    let rows = platform.ask(&ask, vec![from.micros().into(), until.into(), currency.into()]).await?;
    let mut by_hour = vec![0; hours];
    for row in rows {
        let hour: i64 = row.try_get("", "hour")?;
        if let Some(slot) = usize::try_from(hour).ok().and_then(|hour| by_hour.get_mut(hour)) {
            *slot = row.try_get("", "revenue")?;
        }
    }
    Ok(by_hour)
}

/// How large a company is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub shops: i64,
    pub staff: i64,
}

/// How large some companies are.
pub async fn sizes(platform: &Platform, companies: &[CompanyId]) -> Result<BTreeMap<CompanyId, Size>> {
    let mut sizes: BTreeMap<CompanyId, Size> = companies.iter().map(|id| (*id, Size::default())).collect();
    if companies.is_empty() {
        return Ok(sizes);
    }
    let places = places(1, companies.len());
    let ask = format!(
        "SELECT company_id AS company, 'shops' AS what, COUNT(*) AS many FROM shops WHERE company_id IN ({places}) GROUP BY company_id \
         UNION ALL SELECT company_id, 'staff', COUNT(*) FROM members WHERE company_id IN ({places}) AND kind <> 'platform' GROUP BY company_id"
    );
    for row in platform.ask(&ask, companies.iter().map(|id| Value::from(id.0)).collect()).await? {
        let size = sizes.entry(row.try_get("", "company")?).or_default();
        let many: i64 = row.try_get("", "many")?;
        match row.try_get::<String>("", "what")?.as_str() {
            "shops" => size.shops = many,
            _ => size.staff = many,
        }
    }
    Ok(sizes)
}

/// One company in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Company {
    pub shops: i64,
    pub staff: i64,
    /// At most [`COUNTED_MAX`].
    pub customers: i64,
    pub products: i64,
    pub orders_open: i64,
    pub orders: i64,
    pub revenue: i64,
    pub orders_before: i64,
    pub revenue_before: i64,
}

/// Where counting stops: larger figures are "at least".
pub const COUNTED_MAX: i64 = 10_000;

/// A company's figures: what it sold from `from` until `until`, against as long before.
pub async fn of_company(platform: &Platform, id: CompanyId, from: Instant, until: Instant) -> Result<Company> {
    let before = Instant(from.micros() - (until.micros() - from.micros()));
    let many = |rows: &str| format!("(SELECT COUNT(*) FROM (SELECT 1 AS one FROM {rows} LIMIT {COUNTED_MAX}) AS counted)");
    let traded = |what: &str, from: &str, until: &str| {
        format!(
            "(SELECT {what} FROM orders AS o WHERE o.company_id = $1 AND o.created_at >= {from} AND o.created_at < {until} AND {COUNTED})"
        )
    };
    let sum = format!("CAST(COALESCE(SUM({KEPT}), 0) AS bigint)");
    let ask = format!(
        "SELECT {} AS shops, {} AS staff, {} AS customers, {} AS products, {} AS orders_open, \
         {} AS orders, {} AS revenue, {} AS orders_before, {} AS revenue_before",
        many("shops WHERE company_id = $1"),
        many("members WHERE company_id = $1 AND kind <> 'platform'"),
        many("customers WHERE company_id = $1"),
        many("products WHERE company_id = $1 AND archived_at IS NULL"),
        many("orders WHERE company_id = $1 AND status IN ('confirmed', 'processing', 'packed', 'shipped')"),
        traded("COUNT(*)", "$2", "$3"),
        traded(&sum, "$2", "$3"),
        traded("COUNT(*)", "$4", "$2"),
        traded(&sum, "$4", "$2"),
    );
    let values = vec![id.0.into(), from.micros().into(), until.micros().into(), before.micros().into()];
    let Some(row) = platform.ask(&ask, values).await?.pop() else { return Ok(Company::default()) };
    let of = |name: &str| row.try_get::<i64>("", name);
    Ok(Company {
        shops: of("shops")?,
        staff: of("staff")?,
        customers: of("customers")?,
        products: of("products")?,
        orders_open: of("orders_open")?,
        orders: of("orders")?,
        revenue: of("revenue")?,
        orders_before: of("orders_before")?,
        revenue_before: of("revenue_before")?,
    })
}
