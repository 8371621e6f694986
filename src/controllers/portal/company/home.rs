//! The company's first page: what is to be done now, and what was sold, against the time before.

use axum::response::Html;
use chrono::{Days, Timelike};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{PageResult, Visitor, has_page};
use crate::{
    clock::{self, Instant},
    controllers::extract::Query,
    endpoints::{Endpoint, get},
    errors::Result,
    ids::ShopId,
    models::{
        catalog,
        companies::{self, Company},
        debts,
        identity::{self, PeopleFilter, Presence},
        inventory::{self, AlertFilter, Open, StockFilter},
        orders::{self, Filter, OfStatus, Span, Status},
        shops::{self, Shop},
    },
    money::Money,
    tenancy::{
        Scope,
        roles::{DebtsRead, InventoryRead, OrdersRead, ReportsRead, UsersWrite},
    },
    views::{
        charts::{self, Lines, Rise},
        dates, templates,
    },
};

/// The stretches that can be looked at, in days.
const PERIODS: [u64; 3] = [7, 30, 90];
/// Where counting what is to be done stops.
const MOST: u64 = 100;
const BEST: u64 = 5;
const LOW: u64 = 5;

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    days: String,
    #[serde(default)]
    shop: String,
}

/// What the page looks at.
struct Look {
    company: Company,
    days: u64,
    shop: Option<ShopId>,
    shops: Vec<Shop>,
    span: Span,
}

impl Look {
    async fn of(scope: &Scope, asked: &Asked) -> Result<Self> {
        let company = companies::own(scope).await?;
        let shops = shops::list(scope).await?;
        let days = asked.days.parse().ok().filter(|days| PERIODS.contains(days)).unwrap_or(PERIODS[0]);
        // A shop that is not theirs is none: the page shows all that they see.
        let shop = asked.shop.parse::<ShopId>().ok().filter(|id| shops.iter().any(|shop| shop.id == *id));
        let tomorrow = company.today() + Days::new(1);
        let begin = |back: u64| Instant::midnight(tomorrow - Days::new(back), &company.zone);
        let span = Span { before: begin(2 * days), from: begin(days), until: begin(0) };
        Ok(Self { company, days, shop, shops, span })
    }

    fn money(&self, minor: i64) -> String {
        let shown = Money(minor).display(&self.company.currency);
        shown.split('.').next().unwrap_or_default().to_owned()
    }

    /// The address of this page with another stretch or shop.
    fn address(&self, days: u64, shop: Option<ShopId>) -> String {
        let shop = shop.map(|shop| format!("&shop={shop}")).unwrap_or_default();
        format!("/company?days={days}{shop}")
    }

    /// A filter of other pages, for the shop that is looked at.
    fn at_shop(&self) -> String {
        self.shop.map(|shop| format!("&shop={shop}")).unwrap_or_default()
    }

    /// The days of the stretch and of the time before it, with orders and amount of each.
    async fn by_day(&self, scope: &Scope) -> Result<Vec<(i64, i64)>> {
        let first = self.span.before.date_in(&self.company.zone);
        let mut days = vec![(0, 0); usize::try_from(2 * self.days).unwrap_or_default()];
        for (at, orders, amount) in orders::by_hour(scope, &self.span, self.shop).await? {
            let index = (at.date_in(&self.company.zone) - first).num_days();
            if let Some(day) = usize::try_from(index).ok().and_then(|index| days.get_mut(index)) {
                day.0 += orders;
                day.1 += amount;
            }
        }
        Ok(days)
    }
}

async fn home(visitor: Visitor<ReportsRead>, Query(asked): Query<Asked>) -> PageResult<Html<String>> {
    let (company, data) = read(&visitor, &asked).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/home.html", &company, data)
}

async fn read(visitor: &Visitor<ReportsRead>, asked: &Asked) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let look = Look::of(&scope, asked).await?;
    let days = look.by_day(&scope).await?;
    let by_status = orders::by_status(&scope, &look.span, look.shop).await?;
    let shop_name = look.shop.and_then(|id| look.shops.iter().find(|shop| shop.id == id)).map(|shop| shop.name.clone());
    let mut switch =
        vec![json!({ "name": visitor.text("home.all_shops"), "href": look.address(look.days, None), "on": look.shop.is_none() })];
    switch.extend(
        look.shops
            .iter()
            .map(|shop| json!({ "name": shop.name, "href": look.address(look.days, Some(shop.id)), "on": look.shop == Some(shop.id) })),
    );
    let period = |days: &u64| {
        let name = templates::filled("home.days", &visitor.language, &[("n", days)]);
        json!({ "name": name, "href": look.address(*days, look.shop), "on": *days == look.days })
    };
    let data = json!({
        "greeting": greeting(visitor, &look), "sub": sub(visitor, &look, shop_name.as_deref()), "shop_name": shop_name, "switch": switch,
        "periods": PERIODS.iter().map(period).collect::<Vec<_>>(), "todo": todo(visitor, &look).await?,
        "kpis": kpis(visitor, &look, &days, &by_status), "chart": chart(visitor, &look, &days),
        "statuses": statuses(visitor, &look, &by_status), "meter": meter(&by_status),
        "by_shop": by_shop(&scope, &look).await?, "best": best(&scope, &look).await?, "low": low(visitor, &look).await?,
    });
    Ok((look.company, data))
}

fn greeting(visitor: &Visitor<ReportsRead>, look: &Look) -> String {
    let zone: chrono_tz::Tz = look.company.zone.parse().unwrap_or(chrono_tz::UTC);
    let key = match clock::now().utc().with_timezone(&zone).hour() {
        4..12 => "home.morning",
        12..17 => "home.afternoon",
        _ => "home.evening",
    };
    let name = &visitor.access.tenant().name;
    templates::filled(key, &visitor.language, &[("name", &name.split_whitespace().next().unwrap_or_default())])
}

fn sub(visitor: &Visitor<ReportsRead>, look: &Look, shop: Option<&str>) -> String {
    let all = visitor.text("home.all_shops");
    let day = |date| dates::day(date, &visitor.language);
    let (from, to) = (day(look.span.from.date_in(&look.company.zone)), day(look.company.today()));
    let gaps: [(&str, &dyn std::fmt::Display); 4] = [("shop", &shop.unwrap_or(&all)), ("from", &from), ("to", &to), ("n", &look.days)];
    templates::filled("home.sub", &visitor.language, &gaps)
}

/// What waits for somebody, each a filtered list; what is counted to its end says "at least".
async fn todo(visitor: &Visitor<ReportsRead>, look: &Look) -> Result<Vec<Value>> {
    let access = &visitor.access;
    let mut items = Vec::new();
    let mut add = |key: &str, icon: &str, many: u64, href: String| {
        if many > 0 && has_page(href.split('?').next().unwrap_or_default()) {
            let shown = if many < MOST { many.to_string() } else { format!("{}+", MOST - 1) };
            items.push(json!({ "text": templates::filled(key, &visitor.language, &[("n", &shown)]), "icon": icon, "href": href }));
        }
    };
    if let Some(access) = access.also::<OrdersRead>() {
        let scope = access.read().await?;
        for (key, icon, status, query) in [
            ("home.todo.pack", "package", vec![Status::Confirmed, Status::Processing, Status::Packed], "confirmed,processing,packed"),
            ("home.todo.unpaid", "credit-card", vec![Status::Pending], "pending"),
        ] {
            let filter = Filter { status, shop: look.shop, ..Filter::default() };
            let many = orders::how_many(&scope, &filter, MOST).await?;
            add(key, icon, many, format!("/company/orders?status={query}{}", look.at_shop()));
        }
    }
    if let Some(access) = access.also::<InventoryRead>() {
        let filter = StockFilter { shop: look.shop, short: true, ..StockFilter::default() };
        let many = inventory::count_rows(&access.read().await?, &filter, MOST - 1).await?;
        add("home.todo.low", "alert-triangle", many, stock_page(look));
    }
    if let Some(access) = access.also::<DebtsRead>() {
        let owed = debts::overdue(&access.read().await?, look.company.today(), None, MOST).await?;
        add("home.todo.debts", "coins", owed.len() as u64, "/company/debts".into());
    }
    if let Some(access) = access.also::<UsersWrite>() {
        let filter = PeopleFilter { state: Some(Presence::Invited), ..PeopleFilter::default() };
        let invited = identity::members(&access.read().await?, &filter, None, MOST).await?;
        add("home.todo.invited", "mail", invited.len() as u64, "/company/staff?state=invited".into());
    }
    Ok(items)
}

/// Where goods that run low are looked at.
fn stock_page(look: &Look) -> String {
    if has_page("/company/inventory") {
        return format!("/company/inventory?view=short{}", look.at_shop());
    }
    let shop = look.shop.map(|shop| format!("?shop={shop}")).unwrap_or_default();
    format!("/shop/alerts{shop}")
}

/// The sums of some statuses: orders and amount, then both of the time before.
fn sums(by_status: &[OfStatus], of: impl Fn(&OfStatus) -> bool) -> [i64; 4] {
    by_status
        .iter()
        .filter(|one| of(one))
        .fold([0; 4], |sums, one| [sums[0] + one.orders, sums[1] + one.amount, sums[2] + one.orders_before, sums[3] + one.amount_before])
}

fn kpis(visitor: &Visitor<ReportsRead>, look: &Look, days: &[(i64, i64)], by_status: &[OfStatus]) -> Vec<Value> {
    let [orders, amount, orders_before, amount_before] = sums(by_status, OfStatus::is_sold);
    let [back, back_amount, back_before, _] = sums(by_status, |one| matches!(one.status, Status::Cancelled | Status::Returned));
    let average = |amount: i64, orders: i64| if orders > 0 { amount / orders } else { 0 };
    let now = &days[days.len() / 2..];
    let line = |of: &dyn Fn(&(i64, i64)) -> i64| charts::spark(&now.iter().map(of).collect::<Vec<_>>());
    let at = look.at_shop();
    let kpi = |label: &str, value: String, change: Value, line: Value, note: String, href: &str| json!({ "label": visitor.text(label), "value": value, "change": change, "line": line, "note": note, "href": format!("/company/orders?status={href}{at}") });
    let sold = "confirmed,processing,packed,shipped,delivered,completed";
    let (mean, mean_before) = (average(amount, orders), average(amount_before, orders_before));
    vec![
        kpi("home.revenue", look.money(amount), charts::change(amount, amount_before, Rise::Good), line(&|day| day.1), String::new(), sold),
        kpi("home.orders", orders.to_string(), charts::change(orders, orders_before, Rise::Good), line(&|day| day.0), String::new(), sold),
        kpi(
            "home.average",
            look.money(mean),
            charts::change(mean, mean_before, Rise::Good),
            line(&|day| average(day.1, day.0)),
            String::new(),
            sold,
        ),
        kpi(
            "home.back",
            back.to_string(),
            charts::change(back, back_before, Rise::Bad),
            Value::Null,
            look.money(back_amount),
            "cancelled,returned",
        ),
    ]
}

fn chart(visitor: &Visitor<ReportsRead>, look: &Look, days: &[(i64, i64)]) -> Value {
    let amounts: Vec<i64> = days.iter().map(|day| day.1).collect();
    let (before, now) = amounts.split_at(amounts.len() / 2);
    let first = look.span.from.date_in(&look.company.zone);
    let name = |index: usize| dates::day_of_year(first + Days::new(index as u64), &visitor.language);
    let slots: Vec<_> = (0..now.len()).map(name).collect();
    let best = now.iter().enumerate().max_by_key(|(_, amount)| **amount).filter(|(_, amount)| **amount > 0);
    let sentence = match best {
        Some((index, amount)) => {
            let gaps: [(&str, &dyn std::fmt::Display); 3] = [("n", &look.days), ("day", &name(index)), ("amount", &look.money(*amount))];
            templates::filled("home.chart_says", &visitor.language, &gaps)
        }
        None => visitor.text("home.chart_empty"),
    };
    // From the first day to the last, evenly.
    let last = slots.len().saturating_sub(1);
    let parts = last.clamp(1, 6);
    let axis = (0..=parts).filter_map(|part| slots.get(part * last / parts).cloned()).collect();
    let lines = Lines {
        sentence,
        slots,
        axis,
        now: now.to_vec(),
        before: before.to_vec(),
        now_name: templates::filled("home.days", &visitor.language, &[("n", &look.days)]),
        before_name: visitor.text("home.before"),
    };
    charts::lines(lines, |amount| look.money(amount))
}

/// The words and figures of the orders by state; those that there are.
fn statuses(visitor: &Visitor<ReportsRead>, look: &Look, by_status: &[OfStatus]) -> Vec<Value> {
    let many = |status: Status| by_status.iter().find(|one| one.status == status).map_or(0, |one| one.orders);
    let shown = Status::ALL.into_iter().filter(|status| many(*status) > 0);
    let can_open = visitor.access.also::<OrdersRead>().is_some();
    let href = |status: Status| can_open.then(|| format!("/company/orders?status={}{}", status.name(), look.at_shop()));
    shown.map(|status| json!({ "status": status, "orders": many(status), "href": href(status) })).collect()
}

fn meter(by_status: &[OfStatus]) -> Value {
    let class = |status: Status| match status {
        Status::Pending => "c-warn",
        Status::Processing | Status::Packed => "c-busy",
        Status::Confirmed | Status::Shipped => "c-info",
        Status::Delivered | Status::Completed => "c-ok",
        Status::Returned => "c-badf",
        Status::Cancelled => "c-nonef",
    };
    let many = |status: Status| by_status.iter().find(|one| one.status == status).map_or(0, |one| one.orders);
    charts::meter(&Status::ALL.map(|status| (class(status), many(status))))
}

async fn by_shop(scope: &Scope, look: &Look) -> Result<Vec<Value>> {
    let mut sold = orders::by_shop(scope, &look.span, look.shop).await?;
    let names = shops::names(scope).await?;
    sold.sort_by_key(|one| (-one.amount, one.shop_id));
    let (whole, largest) = (sold.iter().map(|one| one.amount).sum::<i64>(), sold.first().map_or(0, |one| one.amount));
    let row = |one: &orders::OfShop| {
        json!({
            "name": names.get(&one.shop_id), "amount": look.money(one.amount), "share": one.amount * 100 / whole.max(1),
            "meter": charts::meter_of(&[("c-bar", one.amount)], largest), "change": charts::change(one.amount, one.amount_before, Rise::Good),
            "href": look.address(look.days, Some(one.shop_id)),
        })
    };
    Ok(sold.iter().map(row).collect())
}

async fn best(scope: &Scope, look: &Look) -> Result<Vec<Value>> {
    let goods = orders::best_sellers(scope, &look.span, look.shop, BEST).await?;
    let ids: Vec<_> = goods.iter().map(|one| one.variant_id).collect();
    let stock = inventory::of_variants(scope, &ids).await?;
    let is_linked = has_page("/company/products/{id}");
    let row = |one: &orders::SoldGoods| {
        let here = stock.get(&one.variant_id).into_iter().flatten();
        let here = here.filter(|row| look.shop.is_none() || row.shop_id == look.shop);
        let left: i64 = here.map(|row| row.on_hand - row.reserved).sum();
        let is_weighed = one.sold_by == "weight";
        json!({
            "name": one.name, "sku": one.sku, "sold": quantity(one.quantity, is_weighed), "amount": look.money(one.amount),
            "left": quantity(left, is_weighed), "is_out": left <= 0, "href": is_linked.then(|| format!("/company/products/{}", one.product_id)),
        })
    };
    Ok(goods.iter().map(row).collect())
}

/// Pieces, or grams as kilograms.
fn quantity(many: i64, is_weighed: bool) -> String {
    if is_weighed { format!("{}.{:02} kg", many / 1_000, many.rem_euclid(1_000) / 10) } else { many.to_string() }
}

/// Goods that are low or out, newest first; nothing for whom may not see stock.
async fn low(visitor: &Visitor<ReportsRead>, look: &Look) -> Result<Value> {
    let Some(access) = visitor.access.also::<InventoryRead>() else { return Ok(Value::Null) };
    let scope = access.read().await?;
    let filter = AlertFilter { open: Open::Still, shop: look.shop, ..AlertFilter::default() };
    let alerts = inventory::alerts(&scope, filter, None, LOW).await?;
    let ids: Vec<_> = alerts.iter().map(|alert| alert.variant_id).collect();
    let goods = catalog::with_products(&scope, &ids).await?;
    let stock = inventory::of_variants(&scope, &ids).await?;
    let places = inventory::locations(&scope).await?;
    let rows = alerts.iter().map(|alert| {
        let row = stock.get(&alert.variant_id).and_then(|rows| rows.iter().find(|row| row.id == alert.stock_id));
        let product = goods.get(&alert.variant_id);
        let name = product.map_or_else(String::new, |(variant, product)| match variant.name.as_str() {
            "" => product.name.clone(),
            size => format!("{}, {size}", product.name),
        });
        let is_weighed = product.is_some_and(|(variant, _)| variant.sold_by == "weight");
        let (there, limit) = row.map_or((alert.quantity, alert.threshold), |row| (row.on_hand, row.reorder_point));
        let place = places.iter().find(|place| place.id == alert.location_id).map(|place| place.name.as_str());
        json!({ "name": name, "place": place, "there": quantity(there, is_weighed), "limit": quantity(limit, is_weighed), "kind": alert.kind })
    });
    Ok(json!({ "rows": rows.collect::<Vec<_>>(), "href": stock_page(look) }))
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get::<ReportsRead, _>("/company", "What is to be done, and what was sold", home)]
}
