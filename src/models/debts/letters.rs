//! What a company's admins are told of what it owes: the step that collection came to, and how the
//! company stands since.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{debt::Model as Debt, instalment::Model as Instalment, steps::Step};
use crate::{
    errors::Result,
    events::Event,
    ids::{CompanyId, DebtId},
    models::{companies::Standing, identity},
    money::Money,
    tenancy::Scope,
};

/// What was done about an instalment, to be told.
pub(super) struct Told {
    pub debt: DebtId,
    pub step: Step,
    pub reference: String,
    pub due_on: NaiveDate,
    pub amount: Money,
    pub currency: String,
}

/// Asks for one letter to each of the company's admins, however many debts there is something to
/// say about: the hardest step chooses the words. A consequence that changed the company's
/// standing has its letter already.
pub(super) async fn tell_steps(scope: &Scope, told: &[Told], is_standing_told: bool) -> Result<()> {
    let Some(hardest) = told.iter().max_by_key(|one| one.step) else { return Ok(()) };
    if is_standing_told && hardest.step.consequence() != Standing::Good {
        return Ok(());
    }
    let (template, class) = hardest.step.letter();
    let debts: Vec<_> = told.iter().map(|one| one.debt).collect();
    let data = json!({
        "class": class, "template": template, "debtIds": debts, "step": hardest.step,
        "dueDate": hardest.due_on, "amount": hardest.amount, "currency": hardest.currency, "reference": hardest.reference,
    });
    request(scope, ("debt", hardest.debt.0), &data).await
}

/// Asks for the letters about a standing that just changed, with all that is late. A subscription
/// that ran out changes it without anything being owed.
pub(super) async fn tell_standing(
    scope: &Scope,
    company: CompanyId,
    standing: Standing,
    today: NaiveDate,
    late: &[Debt],
    overdue: &[Instalment],
) -> Result<()> {
    let (template, class) = match standing {
        Standing::Good => ("debt_lifted", "important"),
        Standing::Limited => ("debt_limited", "critical"),
        Standing::Lapsed => ("debt_suspended", "critical"),
    };
    let mut data = json!({ "class": class, "template": template, "since": today, "standing": standing });
    let Some(oldest) = overdue.iter().min_by_key(|one| (one.due_on, one.id)) else {
        return request(scope, ("company", company.0), &data).await;
    };
    // One sum in one currency; what is owed in another one is on the page that the letter leads to.
    let amount = Money::sum(overdue.iter().filter(|one| one.currency == oldest.currency).map(Instalment::remaining))?;
    data["debtIds"] = json!(late.iter().map(|debt| debt.id).collect::<Vec<_>>());
    data["amount"] = json!(amount);
    data["currency"] = json!(oldest.currency);
    data["dueDate"] = json!(oldest.due_on);
    if let [debt] = late {
        data["reference"] = json!(debt.reference);
    }
    request(scope, ("debt", oldest.debt_id.0), &data).await
}

async fn request(scope: &Scope, about: (&'static str, uuid::Uuid), data: &Value) -> Result<()> {
    for member in identity::admins(scope).await? {
        let mut data = data.clone();
        data["memberId"] = json!(member.id);
        scope.emit(Event::new("notification.requested", about, None, data)).await?;
    }
    Ok(())
}
