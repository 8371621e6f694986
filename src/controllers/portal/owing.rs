//! What stands at the top of every page of a company that owes the platform something late: what
//! happens when, and where it is paid. The days are in the company's row, so it costs no query.

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::{
    models::companies::{Company, Standing},
    tenancy::{
        Tenant,
        roles::{DebtsRead, Permission},
    },
    views::{dates, templates},
};

/// The notice; nothing when nothing is late. Whoever may not read debts is told only of what
/// already holds them up.
pub(super) fn notice(company: &Company, tenant: &Tenant, language: &str) -> Value {
    let may_read = tenant.may(DebtsRead::NAME);
    let topic = match (company.standing, company.overdue_since) {
        (Standing::Good, Some(_)) if may_read => "overdue",
        (Standing::Good, _) => return Value::Null,
        (Standing::Limited, _) => "limited",
        (Standing::Lapsed, Some(_)) => "lapsed",
        // No debt is late: the subscription has run out and does not go on.
        (Standing::Lapsed, None) => "ended",
    };
    let day = |day: Option<NaiveDate>| day.map(|day| dates::day(day, language)).unwrap_or_default();
    let (since, limited, suspended) = (day(company.overdue_since), day(company.limited_on), day(company.suspended_on));
    let gaps: [(&str, &dyn std::fmt::Display); 3] = [("since", &since), ("limited", &limited), ("suspended", &suspended)];
    json!({
        "tone": if topic == "overdue" { "warn" } else { "bad" },
        "title": templates::filled(&format!("owing.{topic}"), language, &gaps),
        "text": templates::filled(&format!("owing.{topic}_text"), language, &gaps),
        "href": may_read.then_some("/company/debts"),
    })
}
