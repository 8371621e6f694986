//! Plans and subscriptions.

use serde_json::{Value, json};

use crate::models::plans::{Plan, Subscription};

#[must_use]
pub fn plan(plan: &Plan) -> Value {
    json!({
        "id": plan.id, "code": plan.code, "name": plan.name, "translations": plan.translations, "currency": plan.currency, "price": plan.price, "period": plan.period,
        "limits": { "shops": plan.shops_max, "staff": plan.staff_max, "products": plan.products_max, "orders": plan.orders_max },
        "trialDays": plan.trial_days, "isActive": plan.is_active, "createdAt": plan.created_at, "updatedAt": plan.updated_at, "version": plan.version,
    })
}

#[must_use]
pub fn subscription(one: &Subscription) -> Value {
    json!({
        "id": one.id, "companyId": one.company_id, "state": one.state, "plan": { "id": one.plan_id, "code": one.plan_code, "name": one.plan_name },
        "nextPlanId": one.next_plan_id, "currency": one.currency, "price": one.price, "period": one.period,
        "startsOn": one.starts_on, "endsOn": one.ends_on, "isTrial": one.is_trial, "renews": one.renews, "graceDays": one.grace_days,
        "limits": { "shops": one.shops_max, "staff": one.staff_max, "products": one.products_max, "orders": one.orders_max },
        "version": one.version,
    })
}
