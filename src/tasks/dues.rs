//! The demo's dues: what the platform offers, what the companies have subscribed to, and what they
//! owe. The calendar of collection is walked day by day, as the engine would.

use std::time::Duration;

use chrono::Days;

use super::demo::in_hindi;
use crate::{
    clock,
    errors::{Error, Result},
    ids::CompanyId,
    models::{
        companies::{self, PlatformTerms},
        debts::{self, Kind, NewDebt, NewNote, NewPayment, PlanPart, PlanRequest, SubscriptionChange},
        plans::{self, Interval, NewPlan},
    },
    money::Money,
    tenancy::{PLATFORM_COMPANY, Role, Souk, Tenant},
};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Which plan each company has; the others try theirs for a while.
const PLANS: [(&str, &str, i64); 2] = [("techhub", "growth", 14), ("greenbasket", "starter", 0)];

/// The work of `days` ago.
async fn back<F: Future>(days: u32, work: F) -> F::Output {
    let shift = -i64::try_from((DAY * days).as_micros()).unwrap_or_default();
    clock::shifted(shift, work).await
}

/// The price list, and how the platform is paid.
pub(super) async fn offer(souk: &Souk) -> Result<()> {
    let platform = souk.platform("set-up").await?;
    companies::ensure_platform(&platform).await?;
    platform.commit().await?;
    let scope = souk.write(Tenant::system(PLATFORM_COMPANY)).await?;
    let terms = PlatformTerms {
        name: "Souk".into(),
        email: "accounts@souk.test".into(),
        phone: "+918040000000".into(),
        pay_to: "Souk Platform Pvt Ltd\nState Bank of India, account 00000012345678901\nIFSC SBIN0000000\nUPI accounts@souk".into(),
    };
    companies::change_terms(&scope, &terms, None).await?;
    scope.commit().await?;
    let platform = souk.platform("price-list").await?;
    for (code, name, hindi, price, [shops, staff, products, orders]) in [
        ("starter", "Starter", "आरंभ", 99_900, [Some(5), Some(25), Some(500), Some(1_000)]),
        ("growth", "Growth", "विकास", 349_900, [Some(20), Some(100), Some(5_000), Some(10_000)]),
        ("scale", "Scale", "विस्तार", 1_499_900, [None; 4]),
    ] {
        // They are there already when a demo ended before its first company.
        if plans::by_code(&platform, code).await?.is_some() {
            continue;
        }
        let (period, currency) = (Interval::Month, "INR".into());
        let trial_days = Some(14);
        let new = NewPlan {
            code: code.into(),
            name: name.into(),
            translations: in_hindi(hindi.into()),
            price: Money(price),
            currency,
            period,
            shops,
            staff,
            products,
            orders,
            trial_days,
        };
        plans::add(&platform, new).await?;
    }
    platform.commit().await
}

/// The company's subscription, begun now.
pub(super) async fn subscribe(souk: &Souk, slug: &str, company: CompanyId) -> Result<()> {
    let Some((_, code, trial_days)) = PLANS.into_iter().find(|(whose, ..)| *whose == slug) else { return Ok(()) };
    let platform = souk.platform("plans").await?;
    let plan = plans::by_code(&platform, code).await?.ok_or(Error::NOT_FOUND)?;
    drop(platform);
    let scope = souk.write(Tenant::system(company)).await?;
    let change = SubscriptionChange { plan: Some(code.into()), trial_days: Some(trial_days), ..SubscriptionChange::default() };
    debts::subscribe(&scope, &change, Some(&plan)).await?;
    scope.commit().await
}

/// A month of bills: what is billed is paid in time, but for an instalment of the grocer's.
pub(super) async fn owe(souk: &Souk, slug: &str, company: CompanyId) -> Result<()> {
    for ago in (0..=30).rev() {
        back(ago, debts::day(souk, company)).await?;
        if slug == "greenbasket" && ago == 25 {
            back(ago, lend(souk, company)).await?;
        }
        // Subscriptions are paid on the day before they are due, the first instalment with them.
        if ago > 10 {
            back(ago, pay_what_is_due(souk, company)).await?;
        }
    }
    if slug == "greenbasket" {
        back(1, promise(souk, company)).await?;
    }
    Ok(())
}

/// Scales and tills, paid in three instalments: the second one has been due for four days.
async fn lend(souk: &Souk, company: CompanyId) -> Result<()> {
    let scope = souk.write(staff(company)).await?;
    let today = companies::own(&scope).await?.today();
    let part = |days: u64| PlanPart { amount: Money(2_000_000), due_date: today.checked_add_days(Days::new(days)).unwrap_or(today) };
    let new = NewDebt {
        company_id: None,
        kind: Kind::Purchase,
        amount: Money(6_000_000),
        currency: None,
        due_date: today,
        reference: Some("Scales and tills".into()),
        note: "Two counter scales and two tills for Indiranagar.".into(),
        plan: Some(PlanRequest { instalments: vec![part(8), part(21), part(38)], ..PlanRequest::default() }),
    };
    debts::raise(&scope, &new).await?;
    scope.commit().await
}

async fn pay_what_is_due(souk: &Souk, company: CompanyId) -> Result<()> {
    let scope = souk.write(Tenant { name: "Meera Iyer".into(), ..Tenant::system(company) }).await?;
    let tomorrow = companies::own(&scope).await?.today().succ_opt();
    let Some(debt) = debts::next_due(&scope).await?.filter(|debt| debt.next_due_on <= tomorrow) else { return Ok(()) };
    let parts = debts::parts(&scope, debt.id).await?;
    let Some(next) = parts.instalments.iter().find(|one| one.paid < one.amount) else { return Ok(()) };
    let reference = format!("UTR{:012}", u128::from_be_bytes(*debt.id.0.as_bytes()) % 1_000_000_000_000);
    debts::pay(&scope, debt.id, &NewPayment { amount: next.remaining(), method: "bank_transfer".into(), reference }).await?;
    scope.commit().await
}

/// What was said on the telephone; without a promise, so that the calendar goes on.
async fn promise(souk: &Souk, company: CompanyId) -> Result<()> {
    let scope = souk.write(staff(company)).await?;
    let Some(debt) = debts::next_due(&scope).await? else { return Ok(()) };
    let text = "Meera Iyer says that the transfer waits for a signature of their accountant.".into();
    debts::add_note(&scope, debt.id, &NewNote { text, promised_date: None, promised_amount: None }).await?;
    scope.commit().await
}

/// The platform's person who collects.
fn staff(company: CompanyId) -> Tenant {
    Tenant { name: "Asha Rao".into(), role: Role::SuperAdmin, ..Tenant::system(company) }
}
