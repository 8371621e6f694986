//! What the platform offers: a price for a period, and limits.

use chrono::{Datelike, Months, NaiveDate};
use schemars::JsonSchema;
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    clock::{self, Instant},
    codes::is_currency,
    errors::{Error, FieldError, Result},
    given::given,
    ids::PlanId,
    models::companies,
    money::Money,
    tenancy::Platform,
    translated::{self, Translations},
};

/// The highest limit there can be.
pub const LIMIT_MAX: u64 = 1_000_000_000;

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize, JsonSchema)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    Month,
    Year,
}

impl Interval {
    const fn months(self) -> Months {
        match self {
            Self::Month => Months::new(1),
            Self::Year => Months::new(12),
        }
    }

    /// The first day behind a period: the same day of the month, or its last day where there is
    /// none. The day a subscription was begun on comes back in longer months.
    #[must_use]
    pub fn end(self, starts_on: NaiveDate, anchor_day: i64) -> NaiveDate {
        let end = starts_on.checked_add_months(self.months()).unwrap_or(NaiveDate::MAX);
        let anchor = u32::try_from(anchor_day).unwrap_or_else(|_| end.day());
        (end.day()..=anchor).rev().find_map(|day| end.with_day(day)).unwrap_or(end)
    }
}

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "plans")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlanId,
    pub code: String,
    pub name: String,
    pub translations: Json,
    pub currency: String,
    pub period: Interval,
    /// For one period.
    pub price: Money,
    /// Nothing is no limit, here and below.
    pub shops_max: Option<i64>,
    pub staff_max: Option<i64>,
    pub products_max: Option<i64>,
    /// In a month of the company's calendar.
    pub orders_max: Option<i64>,
    /// What a new subscription is offered to try; nothing is no trial.
    pub trial_days: Option<i64>,
    /// Whether it can be subscribed to; who has it keeps it.
    pub is_active: bool,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A plan as the platform makes it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPlan {
    pub code: String,
    pub name: String,
    #[serde(default)]
    pub translations: Translations,
    pub price: Money,
    /// ISO 4217.
    pub currency: String,
    pub period: Interval,
    pub shops: Option<i64>,
    pub staff: Option<i64>,
    pub products: Option<i64>,
    pub orders: Option<i64>,
    #[serde(default)]
    pub trial_days: Option<i64>,
}

/// What may be changed of a plan; who has it feels it from their next period. A limit that is null is none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanChange {
    pub name: Option<String>,
    pub translations: Option<Translations>,
    pub price: Option<Money>,
    pub period: Option<Interval>,
    #[serde(default, deserialize_with = "given")]
    pub shops: Option<Option<i64>>,
    #[serde(default, deserialize_with = "given")]
    pub staff: Option<Option<i64>>,
    #[serde(default, deserialize_with = "given")]
    pub products: Option<Option<i64>>,
    #[serde(default, deserialize_with = "given")]
    pub orders: Option<Option<i64>>,
    #[serde(default, deserialize_with = "given")]
    pub trial_days: Option<Option<i64>>,
    pub is_active: Option<bool>,
}

/// Adds a plan. Written down in the platform's own audit.
///
/// # Errors
/// 422 for a field that cannot be; 409 `code_taken`.
pub async fn add(platform: &Platform, new: NewPlan) -> Result<Model> {
    let now = clock::now();
    let plan = Model {
        id: PlanId::new(),
        code: new.code,
        name: new.name.trim().into(),
        translations: json!(new.translations),
        currency: new.currency,
        period: new.period,
        price: new.price,
        shops_max: new.shops,
        staff_max: new.staff,
        products_max: new.products,
        orders_max: new.orders,
        trial_days: new.trial_days,
        is_active: true,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    check(&plan, &new.translations)?;
    if by_code(platform, &plan.code).await?.is_some() {
        return Err(Error::conflict("code_taken", "another plan has this code", json!({})));
    }
    platform.insert(plan.clone()).await?;
    Ok(plan)
}

fn check(plan: &Model, translations: &Translations) -> Result<()> {
    let mut wrong = translated::faults(translations);
    let mut refuse =
        |field: &str, code: &str, message: &str| wrong.push(FieldError { field: field.into(), code: code.into(), message: message.into() });
    if !companies::is_slug(&plan.code) {
        refuse("code", "invalid", "use 2 to 63 lower-case letters, digits and hyphens");
    }
    if plan.name.is_empty() || plan.name.chars().count() > 80 {
        refuse("name", "required", "a name of 1 to 80 characters");
    }
    if !is_currency(&plan.currency) {
        refuse("currency", "invalid", "a currency of ISO 4217 with two decimals, such as INR");
    }
    if !(0..=100_000_000_000).contains(&plan.price.0) {
        refuse("price", "out_of_range", "from 0 to 100000000000 minor units");
    }
    let limits = [("shops", plan.shops_max), ("staff", plan.staff_max), ("products", plan.products_max), ("orders", plan.orders_max)];
    for (field, limit) in limits {
        if limit.is_some_and(|limit| u64::try_from(limit).map_or(true, |limit| limit > LIMIT_MAX)) {
            refuse(field, "out_of_range", "from 0 to 1000000000, or null for no limit");
        }
    }
    if plan.trial_days.is_some_and(|days| !(0..=365).contains(&days)) {
        refuse("trialDays", "out_of_range", "from 0 to 365, or null for no trial");
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// Changes a plan: its present row and what it was before.
///
/// # Errors
/// 404; 412 when `version` is no longer the present one; 422 for a field that cannot be.
pub async fn change(platform: &Platform, id: PlanId, change: PlanChange, version: Option<i64>) -> Result<(Model, Model)> {
    let before = by_id(platform, id).await?;
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale);
    }
    let mut after = before.clone();
    after.name = change.name.map_or(after.name, |name| name.trim().into());
    after.translations = change.translations.as_ref().map_or(after.translations, |translations| json!(translations));
    after.price = change.price.unwrap_or(after.price);
    after.period = change.period.unwrap_or(after.period);
    after.trial_days = change.trial_days.unwrap_or(after.trial_days);
    after.shops_max = change.shops.unwrap_or(after.shops_max);
    after.staff_max = change.staff.unwrap_or(after.staff_max);
    after.products_max = change.products.unwrap_or(after.products_max);
    after.orders_max = change.orders.unwrap_or(after.orders_max);
    after.is_active = change.is_active.unwrap_or(after.is_active);
    after.updated_at = clock::now();
    after.version += 1;
    let translations = change.translations.unwrap_or_default();
    check(&after, &translations)?;
    let update = platform
        .update::<Entity>()
        .col_expr(Column::Name, Expr::value(after.name.clone()))
        .col_expr(Column::Translations, Expr::value(after.translations.clone()))
        .col_expr(Column::Price, Expr::value(after.price))
        .col_expr(Column::Period, Expr::value(after.period))
        .col_expr(Column::TrialDays, Expr::value(after.trial_days))
        .col_expr(Column::ShopsMax, Expr::value(after.shops_max))
        .col_expr(Column::StaffMax, Expr::value(after.staff_max))
        .col_expr(Column::ProductsMax, Expr::value(after.products_max))
        .col_expr(Column::OrdersMax, Expr::value(after.orders_max))
        .col_expr(Column::IsActive, Expr::value(after.is_active))
        .col_expr(Column::UpdatedAt, Expr::value(after.updated_at))
        .col_expr(Column::Version, Expr::value(after.version))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(before.version));
    if platform.run(update).await? == 0 {
        return Err(Error::Stale);
    }
    Ok((before, after))
}

/// All plans, the cheapest first: a price list is short.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(platform: &Platform) -> Result<Vec<Model>> {
    platform.all(platform.find::<Entity>().order_by_asc(Column::Price).order_by_asc(Column::Id).limit(200)).await
}

/// The plan of a code.
///
/// # Errors
/// When the database cannot be reached.
pub async fn by_code(platform: &Platform, code: &str) -> Result<Option<Model>> {
    platform.one(platform.find::<Entity>().filter(Column::Code.eq(code))).await
}

/// # Errors
/// 404 when there is no such plan.
pub async fn by_id(platform: &Platform, id: PlanId) -> Result<Model> {
    platform.one(platform.find::<Entity>().filter(Column::Id.eq(id))).await?.ok_or(Error::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::Interval;

    #[test]
    fn a_month_ends_on_its_last_day_and_finds_its_day_again() {
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
        let mut at = day(2026, 1, 31);
        let mut ends = vec![];
        for _ in 0..4 {
            at = Interval::Month.end(at, 31);
            ends.push(at);
        }
        assert_eq!(ends, [day(2026, 2, 28), day(2026, 3, 31), day(2026, 4, 30), day(2026, 5, 31)]);
        assert_eq!(Interval::Year.end(day(2024, 2, 29), 29), day(2025, 2, 28));
    }
}
