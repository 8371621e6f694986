//! The invariants, over everything, in one snapshot: `souk task verify`.

use sea_orm::Value;

use crate::{
    clock,
    errors::Result,
    ids::CompanyId,
    models::{audit, companies},
    tenancy::{PLATFORM_COMPANY, Souk, Tenant},
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
        "a stock row says whether it is low or out",
        false,
        "SELECT [s.id] AS row FROM stock_levels s WHERE COALESCE(s.alert, '') <> CASE WHEN s.on_hand <= 0 THEN 'out' \
         WHEN s.on_hand <= s.reorder_point THEN 'low' ELSE '' END AND (s.on_hand > 0 OR s.alert IS NOT NULL OR EXISTS \
         (SELECT 1 FROM stock_movements m WHERE m.company_id = s.company_id AND m.stock_id = s.id AND m.quantity <> 0))",
    ),
    (
        "a stock row that is low or out has its open alert, and no other has",
        false,
        "SELECT [s.id] AS row FROM stock_levels s LEFT JOIN (SELECT company_id, stock_id, COUNT(*) AS open, MAX(open_kind) AS kind \
         FROM stock_alerts WHERE closed_at IS NULL GROUP BY company_id, stock_id) a ON a.company_id = s.company_id AND a.stock_id = s.id \
         WHERE COALESCE(a.kind, '') <> COALESCE(s.alert, '') OR COALESCE(a.open, 0) > 1",
    ),
    (
        "each booking balances in each currency",
        false,
        "SELECT [transaction_id] AS row FROM ledger_entries GROUP BY company_id, transaction_id, currency \
         HAVING SUM(debit) <> SUM(credit)",
    ),
    (
        "a session acts in a company with all it needs, and not past its time",
        true,
        "SELECT [id] AS row FROM staff_sessions WHERE acting_until < $1 OR (acting_company_id IS NULL AND \
         (acting_member_id IS NOT NULL OR acting_until IS NOT NULL OR acting_reason IS NOT NULL)) OR (acting_company_id IS NOT NULL AND \
         (acting_member_id IS NULL OR acting_until IS NULL OR acting_reason IS NULL))",
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
        "a declined attempt can no longer be confirmed at the test gateway",
        false,
        "SELECT [a.id] AS row FROM payment_attempts a JOIN test_gateway_charges c ON c.id = a.id \
         WHERE a.state = 'declined' AND c.state <> 'cancelled'",
    ),
    (
        "what was refunded came back at the test gateway",
        false,
        "SELECT [r.id] AS row FROM refunds r JOIN payments p ON p.company_id = r.company_id AND p.id = r.payment_id \
         LEFT JOIN test_gateway_refunds g ON g.id = r.id WHERE p.gateway = 'test' AND r.state = 'completed' \
         AND (g.id IS NULL OR g.amount <> r.amount)",
    ),
    (
        "a refund under way has the job that brings it back",
        false,
        "SELECT [r.id] AS row FROM refunds r WHERE r.state <> 'completed' AND NOT EXISTS (SELECT 1 FROM jobs j \
         WHERE j.company_id = r.company_id AND REPLACE(j.unique_key, '-', '') = 'payments.refund:' || REPLACE([r.id], '-', '') AND j.state <> 'done')",
    ),
    ("no hold is past its time", true, "SELECT [id] AS row FROM holds WHERE state = 'held' AND expires_at < $1"),
    (
        "no payment is undecided for long",
        true,
        "SELECT [id] AS row FROM payment_attempts WHERE state IN ('calling', 'unknown') AND created_at < $1",
    ),
    (
        "an aggregate's events are in the order in which they were written",
        false,
        "SELECT [id] AS row FROM (SELECT id, position, LAG(position) OVER (PARTITION BY company_id, aggregate_id ORDER BY seq) AS last \
         FROM outbox WHERE position IS NOT NULL) AS told WHERE last > position",
    ),
    (
        "a message under way has the job that sends it",
        true,
        "SELECT [d.id] AS row FROM notification_deliveries d WHERE d.state IN ('queued', 'sending') AND d.updated_at < $1 \
         AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.company_id = d.company_id \
         AND j.unique_key = 'notifications.deliver:' || REPLACE([d.id], '-', '') AND j.state <> 'done')",
    ),
    ("no job is past its lease", true, "SELECT [id] AS row FROM jobs WHERE state = 'running' AND lease_until < $1"),
    (
        "an order that is confirmed or further is paid, or pays on delivery",
        false,
        "SELECT order_number AS row FROM orders WHERE status NOT IN ('pending', 'cancelled') \
         AND payment_status NOT IN ('paid', 'pending', 'refunded', 'partially_refunded')",
    ),
    (
        "no line is short of more than is left of it",
        false,
        "SELECT [id] AS row FROM order_items WHERE quantity_short < 0 OR quantity_short + quantity_cancelled > quantity",
    ),
    (
        "an order is short while one of its lines is",
        false,
        "SELECT o.order_number AS row FROM orders o WHERE o.is_short <> EXISTS (SELECT 1 FROM order_items i \
         WHERE i.company_id = o.company_id AND i.order_id = o.id AND i.quantity_short > 0)",
    ),
    (
        "an order's figures are the sums of its lines",
        false,
        "SELECT o.order_number AS row FROM orders o LEFT JOIN (SELECT company_id, order_id, SUM(subtotal) AS subtotal, \
         SUM(discount) AS discount, SUM(tax) AS tax FROM order_items GROUP BY company_id, order_id) i \
         ON i.company_id = o.company_id AND i.order_id = o.id WHERE o.subtotal <> COALESCE(i.subtotal, 0) \
         OR o.discount <> COALESCE(i.discount, 0) OR o.tax <> COALESCE(i.tax, 0) \
         OR o.total <> o.subtotal - o.discount + o.shipping + CASE WHEN o.tax_included THEN 0 ELSE o.tax END",
    ),
    (
        "the tax that the books have of an order is that of what is left of its lines",
        false,
        // Half a minor unit is rounded away from zero, as `Money::portion` does.
        "SELECT o.order_number AS row FROM orders o JOIN (SELECT company_id, order_id, \
         SUM(tax - (2 * tax * quantity_cancelled + quantity) / (2 * quantity)) AS tax FROM order_items GROUP BY company_id, order_id) i \
         ON i.company_id = o.company_id AND i.order_id = o.id LEFT JOIN (SELECT t.company_id, t.order_id, SUM(e.credit - e.debit) AS tax \
         FROM ledger_transactions t JOIN ledger_entries e ON e.company_id = t.company_id AND e.transaction_id = t.id \
         WHERE e.account = 'tax_payable' AND t.order_id IS NOT NULL GROUP BY t.company_id, t.order_id) b \
         ON b.company_id = o.company_id AND b.order_id = o.id WHERE o.status NOT IN ('pending', 'cancelled') AND COALESCE(b.tax, 0) <> i.tax",
    ),
    (
        "an order that is cancelled keeps no tax",
        false,
        "SELECT o.order_number AS row FROM orders o JOIN ledger_transactions t ON t.company_id = o.company_id AND t.order_id = o.id \
         JOIN ledger_entries e ON e.company_id = t.company_id AND e.transaction_id = t.id WHERE e.account = 'tax_payable' \
         AND o.status = 'cancelled' GROUP BY o.company_id, o.id, o.order_number HAVING SUM(e.credit - e.debit) <> 0",
    ),
    (
        "an assignment names a role that is there",
        false,
        "SELECT [a.id] AS row FROM assignments a WHERE a.role NOT IN ('company_admin', 'shop_manager', 'shop_staff', 'rider') \
         AND NOT EXISTS (SELECT 1 FROM roles r WHERE r.company_id = a.company_id AND REPLACE([r.id], '-', '') = REPLACE(a.role, '-', ''))",
    ),
    (
        "a company with staff who have joined has an admin who can let others in",
        false,
        "SELECT [c.id] AS row FROM companies c WHERE EXISTS (SELECT 1 FROM members m JOIN assignments a ON a.company_id = m.company_id \
         AND a.member_id = m.id WHERE m.company_id = c.id AND m.is_active AND m.joined_at IS NOT NULL) \
         AND NOT EXISTS (SELECT 1 FROM members m JOIN assignments a ON a.company_id = m.company_id AND a.member_id = m.id \
         WHERE m.company_id = c.id AND m.is_active AND m.joined_at IS NOT NULL AND a.role = 'company_admin')",
    ),
    (
        "a paid payment has an order or its refund",
        false,
        "SELECT [p.id] AS row FROM payments p WHERE p.captured > p.refunded AND NOT EXISTS (SELECT 1 FROM orders o \
         WHERE o.company_id = p.company_id AND o.payment_id = p.id AND o.status NOT IN ('pending', 'cancelled'))",
    ),
    (
        "what is paid of a debt is the sum of its payments",
        false,
        "SELECT [d.id] AS row FROM debts d LEFT JOIN (SELECT company_id, debt_id, SUM(amount) AS paid FROM debt_payments \
         GROUP BY company_id, debt_id) p ON p.company_id = d.company_id AND p.debt_id = d.id WHERE d.paid <> COALESCE(p.paid, 0)",
    ),
    (
        "instalments add up to their debt, and so does what is paid of them",
        false,
        "SELECT [d.id] AS row FROM debts d LEFT JOIN (SELECT company_id, debt_id, SUM(amount) AS amount, SUM(paid) AS paid \
         FROM instalments WHERE replaced_at IS NULL GROUP BY company_id, debt_id) i \
         ON i.company_id = d.company_id AND i.debt_id = d.id WHERE d.amount <> COALESCE(i.amount, 0) OR d.paid <> COALESCE(i.paid, 0)",
    ),
    (
        "what is paid of an instalment was given to it",
        false,
        "SELECT [i.id] AS row FROM instalments i LEFT JOIN (SELECT company_id, instalment_id, SUM(amount) AS given \
         FROM debt_allocations GROUP BY company_id, instalment_id) a ON a.company_id = i.company_id AND a.instalment_id = i.id \
         WHERE i.paid <> COALESCE(a.given, 0)",
    ),
    (
        "a payment of a debt is given out whole",
        false,
        "SELECT [p.id] AS row FROM debt_payments p LEFT JOIN (SELECT company_id, payment_id, SUM(amount) AS given \
         FROM debt_allocations GROUP BY company_id, payment_id) a ON a.company_id = p.company_id AND a.payment_id = p.id \
         WHERE p.amount <> COALESCE(a.given, 0)",
    ),
    (
        "a debt is paid when nothing is left of it, and only then",
        false,
        "SELECT [id] AS row FROM debts WHERE paid < 0 OR paid > amount OR (status = 'paid' AND paid <> amount) \
         OR (status IN ('pending', 'partial', 'overdue') AND paid = amount) OR (status = 'cancelled' AND paid <> 0)",
    ),
    (
        "a company's row says since when it owes something late",
        false,
        "SELECT slug AS row FROM companies c WHERE c.status <> 'platform' AND COALESCE(CAST(c.overdue_since AS text), '') <> \
         COALESCE((SELECT CAST(MIN(d.next_due_on) AS text) FROM debts d WHERE d.company_id = c.id AND d.status = 'overdue'), '')",
    ),
    (
        "a period that costs something has its debt",
        false,
        "SELECT [p.id] AS row FROM subscription_periods p LEFT JOIN debts d ON d.company_id = p.company_id AND d.period_id = p.id \
         WHERE (p.amount > 0 AND d.id IS NULL) OR d.amount <> p.amount",
    ),
    (
        "periods are counted without a gap",
        false,
        "SELECT [s.id] AS row FROM subscriptions s LEFT JOIN (SELECT company_id, subscription_id, COUNT(*) AS begun, MAX(number) AS last \
         FROM subscription_periods GROUP BY company_id, subscription_id) p ON p.company_id = s.company_id AND p.subscription_id = s.id \
         WHERE s.periods <> COALESCE(p.begun, 0) OR s.periods <> COALESCE(p.last, 0)",
    ),
    (
        "a company has the subscription that it names, and no other",
        false,
        "SELECT [s.id] AS row FROM subscriptions s LEFT JOIN companies c ON c.id = s.company_id AND c.subscription_id = s.id \
         WHERE (s.state <> 'cancelled') <> (c.id IS NOT NULL)",
    ),
    (
        "what a company owes the platform is what its books say",
        false,
        "SELECT [owed.company_id] AS row FROM (SELECT company_id, currency, SUM(amount - paid) AS rest FROM debts \
         WHERE status NOT IN ('cancelled', 'written_off') GROUP BY company_id, currency) owed \
         LEFT JOIN (SELECT company_id, currency, SUM(credit) - SUM(debit) AS rest FROM ledger_entries WHERE account = 'payable' \
         GROUP BY company_id, currency) books ON books.company_id = owed.company_id AND books.currency = owed.currency \
         WHERE owed.rest <> COALESCE(books.rest, 0)",
    ),
    (
        "nothing is held up at a company that owes nothing late",
        false,
        "SELECT slug AS row FROM companies c WHERE c.standing <> 'good' AND NOT EXISTS (SELECT 1 FROM debts d \
         WHERE d.company_id = c.id AND d.status = 'overdue') AND NOT EXISTS (SELECT 1 FROM subscriptions s \
         WHERE s.company_id = c.id AND s.state = 'lapsed')",
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
    if company.is_none() {
        look_at_chain(souk, PLATFORM_COMPANY, "the platform", &mut faults).await?;
    }
    let mut after = None;
    loop {
        let page = companies::list(&platform, after, 100).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for one in page.iter().filter(|one| company.is_none_or(|id| id == one.id)) {
            look_at_chain(souk, one.id, &one.slug, &mut faults).await?;
        }
    }
    Ok(faults)
}

async fn look_at_chain(souk: &Souk, company: CompanyId, name: &str, faults: &mut Vec<Fault>) -> Result<()> {
    let scope = souk.read(Tenant::system(company)).await?;
    for fault in audit::verify(&scope).await?.faults {
        faults.push(Fault { invariant: "the audit chain holds", row: format!("{name}: {fault}") });
    }
    Ok(())
}
