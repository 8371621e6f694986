//! The invariants, over everything, in one snapshot: `souk task verify`.

use sea_orm::Value;

use crate::{
    clock,
    errors::Result,
    models::{audit, companies},
    tenancy::{Souk, Tenant},
};

/// One promise that does not hold, with the row that breaks it.
#[derive(Clone, Debug)]
pub struct Fault {
    pub invariant: &'static str,
    pub row: String,
}

/// Each invariant is a question for the rows that break it; `$1` is five minutes ago, and an id in
/// brackets is written as a text, each engine in its way.
const INVARIANTS: &[(&str, bool, &str)] = &[
    (
        "on hand is the sum of the movements",
        false,
        "SELECT [s.id] AS row FROM stock_levels s LEFT JOIN (SELECT company_id, stock_id, SUM(quantity) AS moved \
         FROM stock_movements GROUP BY company_id, stock_id) m ON m.company_id = s.company_id AND m.stock_id = s.id \
         WHERE s.on_hand <> COALESCE(m.moved, 0)",
    ),
    (
        "reserved is the sum of the live holds",
        false,
        "SELECT [s.id] AS row FROM stock_levels s LEFT JOIN (SELECT company_id, stock_id, SUM(quantity) AS held \
         FROM holds WHERE state IN ('held', 'paying') GROUP BY company_id, stock_id) h \
         ON h.company_id = s.company_id AND h.stock_id = s.id WHERE s.reserved <> COALESCE(h.held, 0)",
    ),
    ("0 <= reserved <= on hand", false, "SELECT [id] AS row FROM stock_levels WHERE reserved < 0 OR reserved > on_hand"),
    (
        "each booking balances in each currency",
        false,
        "SELECT [transaction_id] AS row FROM ledger_entries GROUP BY company_id, transaction_id, currency \
         HAVING SUM(debit) <> SUM(credit)",
    ),
    ("refunds stay within captures", false, "SELECT [id] AS row FROM payments WHERE refunded > captured"),
    (
        "a payment's refunded figure is the sum of its refunds",
        false,
        "SELECT [p.id] AS row FROM payments p LEFT JOIN (SELECT company_id, payment_id, SUM(amount) AS back FROM refunds \
         GROUP BY company_id, payment_id) r ON r.company_id = p.company_id AND r.payment_id = p.id WHERE p.refunded <> COALESCE(r.back, 0)",
    ),
    (
        "a payment is shared out to its orders",
        false,
        "SELECT [p.id] AS row FROM payments p JOIN (SELECT company_id, payment_id, SUM(amount) AS shared FROM payment_allocations \
         GROUP BY company_id, payment_id) a ON a.company_id = p.company_id AND a.payment_id = p.id WHERE p.amount <> a.shared",
    ),
    (
        "every charge at the test gateway is one captured attempt",
        true,
        "SELECT [c.id] AS row FROM test_gateway_charges c LEFT JOIN payment_attempts a ON a.company_id = c.company_id AND a.id = c.id \
         WHERE c.state = 'captured' AND c.created_at < $1 AND (a.id IS NULL OR a.state <> 'captured' OR a.amount <> c.amount)",
    ),
    (
        "a payment is charged once",
        false,
        "SELECT [payment_id] AS row FROM test_gateway_charges WHERE state = 'captured' GROUP BY payment_id HAVING COUNT(*) > 1",
    ),
    (
        "every captured attempt is a charge at the test gateway",
        false,
        "SELECT [a.id] AS row FROM payment_attempts a JOIN payments p ON p.company_id = a.company_id AND p.id = a.payment_id \
         LEFT JOIN test_gateway_charges c ON c.id = a.id WHERE p.gateway = 'test' AND a.state = 'captured' \
         AND (c.id IS NULL OR c.state <> 'captured')",
    ),
    (
        "what was refunded came back at the test gateway",
        true,
        "SELECT [r.id] AS row FROM refunds r JOIN payments p ON p.company_id = r.company_id AND p.id = r.payment_id \
         LEFT JOIN test_gateway_refunds g ON g.id = r.id WHERE p.gateway = 'test' AND r.updated_at < $1 \
         AND (g.id IS NULL OR g.amount <> r.amount OR r.state <> 'completed')",
    ),
    ("no hold is past its time", true, "SELECT [id] AS row FROM holds WHERE state = 'held' AND expires_at < $1"),
    (
        "no payment is undecided for long",
        true,
        "SELECT [id] AS row FROM payment_attempts WHERE state IN ('calling', 'unknown') AND created_at < $1",
    ),
    ("no job is past its lease", true, "SELECT [id] AS row FROM jobs WHERE state = 'running' AND lease_until < $1"),
    (
        "an order that is confirmed or further is paid, or pays on delivery",
        false,
        "SELECT order_number AS row FROM orders WHERE status NOT IN ('pending', 'cancelled') \
         AND payment_status NOT IN ('paid', 'pending', 'refunded', 'partially_refunded')",
    ),
    (
        "a paid payment has an order or its refund",
        false,
        "SELECT [p.id] AS row FROM payments p WHERE p.captured > p.refunded AND NOT EXISTS (SELECT 1 FROM orders o \
         WHERE o.company_id = p.company_id AND o.payment_id = p.id AND o.status NOT IN ('pending', 'cancelled'))",
    ),
];

/// Asks every invariant; of one company's chain only, when named.
pub async fn all(souk: &Souk, only: Option<&str>) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let platform = souk.platform("verify").await?;
    let past = clock::now().minus(std::time::Duration::from_secs(300)).micros();
    let company = match only {
        Some(slug) => companies::by_slug(&platform, slug).await?.map(|company| company.id),
        None => None,
    };
    for (invariant, timed, question) in INVARIANTS {
        let values = if *timed { vec![Value::from(past)] } else { vec![] };
        let (open, close) = if souk.settings().is_sqlite() { ("lower(hex(", "))") } else { ("CAST(", " AS text)") };
        let question = question.replace('[', open).replace(']', close);
        for row in platform.ask(&question, values).await? {
            let row = row.try_get::<String>("", "row").unwrap_or_else(|_| "(a row)".into());
            faults.push(Fault { invariant, row });
        }
    }
    if souk.settings().is_sqlite() {
        for row in platform.ask("PRAGMA foreign_key_check", vec![]).await? {
            faults.push(Fault { invariant: "no row points at nothing", row: row.try_get("", "table").unwrap_or_default() });
        }
    }
    let mut after = None;
    loop {
        let page = companies::list(&platform, after, 100).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for one in page.iter().filter(|one| company.is_none_or(|id| id == one.id)) {
            let scope = souk.read(Tenant::system(one.id)).await?;
            for fault in audit::verify(&scope).await?.faults {
                faults.push(Fault { invariant: "the audit chain holds", row: format!("{}: {fault}", one.slug) });
            }
        }
    }
    Ok(faults)
}
