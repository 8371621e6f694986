//! The questions of `souk task verify`: each asks for the rows that break a promise, and whose they are.

/// Each invariant with its question. An id in square brackets is written as a text, each engine in
/// its way; `{past}` is five minutes ago, `{lately}` a minute ago, and `{paying}` as long ago as a
/// payment may be under way, and five minutes more.
pub(super) const INVARIANTS: &[(&str, &str)] = &[
    (
        "on hand is the sum of the movements",
        "SELECT s.company_id AS company, [s.id] AS row FROM stock_levels s LEFT JOIN (SELECT company_id, stock_id, SUM(quantity) AS moved \
         FROM stock_movements GROUP BY company_id, stock_id) m ON m.company_id = s.company_id AND m.stock_id = s.id \
         WHERE s.on_hand <> COALESCE(m.moved, 0)",
    ),
    (
        "reserved is the sum of the live holds",
        "SELECT s.company_id AS company, [s.id] AS row FROM stock_levels s LEFT JOIN (SELECT company_id, stock_id, SUM(quantity) AS held \
         FROM holds WHERE state IN ('held', 'paying') GROUP BY company_id, stock_id) h \
         ON h.company_id = s.company_id AND h.stock_id = s.id WHERE s.reserved <> COALESCE(h.held, 0)",
    ),
    ("0 <= reserved <= on hand", "SELECT company_id AS company, [id] AS row FROM stock_levels WHERE reserved < 0 OR reserved > on_hand"),
    (
        "a stock row says whether it is low or out",
        "SELECT s.company_id AS company, [s.id] AS row FROM stock_levels s WHERE COALESCE(s.alert, '') <> CASE WHEN s.on_hand <= 0 THEN 'out' \
         WHEN s.on_hand <= s.reorder_point THEN 'low' ELSE '' END AND (s.on_hand > 0 OR s.alert IS NOT NULL OR EXISTS \
         (SELECT 1 FROM stock_movements m WHERE m.company_id = s.company_id AND m.stock_id = s.id AND m.quantity <> 0))",
    ),
    (
        "a stock row that is low or out has its open alert, and no other has",
        "SELECT s.company_id AS company, [s.id] AS row FROM stock_levels s LEFT JOIN (SELECT company_id, stock_id, COUNT(*) AS open, MAX(open_kind) AS kind \
         FROM stock_alerts WHERE closed_at IS NULL GROUP BY company_id, stock_id) a ON a.company_id = s.company_id AND a.stock_id = s.id \
         WHERE COALESCE(a.kind, '') <> COALESCE(s.alert, '') OR COALESCE(a.open, 0) > 1",
    ),
    (
        "each booking balances in each currency",
        "SELECT company_id AS company, [transaction_id] AS row FROM ledger_entries GROUP BY company_id, transaction_id, currency \
         HAVING SUM(debit) <> SUM(credit)",
    ),
    (
        "what is booked is booked to an account of the company's",
        "SELECT DISTINCT e.company_id AS company, e.account AS row FROM ledger_entries e LEFT JOIN ledger_accounts a \
         ON a.company_id = e.company_id AND a.code = e.account WHERE a.id IS NULL",
    ),
    (
        "a closed month is what was booked until its end, and within it",
        "SELECT told.company AS company, told.line AS row FROM (SELECT company, line, balance, SUM(change) OVER upto AS booked, \
         SUM(debit) OVER upto AS debit, SUM(credit) OVER upto AS credit FROM (SELECT company_id AS company, account, currency, ends_at AS moment, \
         0 AS booking, [id] AS line, balance, 0 AS change, -debit AS debit, -credit AS credit FROM ledger_closings UNION ALL \
         SELECT e.company_id, e.account, e.currency, e.created_at, 1, NULL, NULL, e.debit - e.credit, e.debit, e.credit FROM ledger_entries e \
         WHERE EXISTS (SELECT 1 FROM ledger_closings c WHERE c.company_id = e.company_id AND c.ends_at > e.created_at)) AS lines \
         WINDOW upto AS (PARTITION BY company, account, currency ORDER BY moment, booking)) AS told \
         WHERE told.line IS NOT NULL AND (told.balance <> told.booked OR told.debit <> 0 OR told.credit <> 0)",
    ),
    (
        "a closed month has every account that was booked until its end",
        "SELECT b.company_id AS company, m.month || ' ' || b.account AS row FROM (SELECT company_id, account, currency, MIN(created_at) AS since \
         FROM ledger_entries GROUP BY company_id, account, currency) b JOIN (SELECT DISTINCT company_id, month, ends_at FROM ledger_closings) m \
         ON m.company_id = b.company_id AND m.ends_at > b.since LEFT JOIN ledger_closings c ON c.company_id = b.company_id AND c.month = m.month \
         AND c.account = b.account AND c.currency = b.currency WHERE c.id IS NULL",
    ),
    (
        "a session acts in a company with all it needs, and not past its time",
        "SELECT acting_company_id AS company, [id] AS row FROM staff_sessions WHERE acting_until < {past} OR (acting_company_id IS NULL AND \
         (acting_member_id IS NOT NULL OR acting_until IS NOT NULL OR acting_reason IS NOT NULL)) OR (acting_company_id IS NOT NULL AND \
         (acting_member_id IS NULL OR acting_until IS NULL OR acting_reason IS NULL))",
    ),
    ("refunds stay within captures", "SELECT company_id AS company, [id] AS row FROM payments WHERE refunded > captured"),
    (
        "a payment's refunded figure is the sum of its refunds",
        "SELECT p.company_id AS company, [p.id] AS row FROM payments p LEFT JOIN (SELECT company_id, payment_id, SUM(amount) AS back FROM refunds \
         GROUP BY company_id, payment_id) r ON r.company_id = p.company_id AND r.payment_id = p.id WHERE p.refunded <> COALESCE(r.back, 0)",
    ),
    (
        "a payment is shared out to its orders",
        "SELECT p.company_id AS company, [p.id] AS row FROM payments p JOIN (SELECT company_id, payment_id, SUM(amount) AS shared FROM payment_allocations \
         GROUP BY company_id, payment_id) a ON a.company_id = p.company_id AND a.payment_id = p.id WHERE p.amount <> a.shared",
    ),
    (
        "every charge at the test gateway is one captured attempt",
        "SELECT c.company_id AS company, [c.id] AS row FROM test_gateway_charges c LEFT JOIN payment_attempts a ON a.company_id = c.company_id AND a.id = c.id \
         WHERE c.state = 'captured' AND c.created_at < {past} AND (a.id IS NULL OR a.state <> 'captured' OR a.amount <> c.amount)",
    ),
    (
        "a payment is charged once",
        "SELECT company_id AS company, [payment_id] AS row FROM test_gateway_charges WHERE state = 'captured' GROUP BY company_id, payment_id HAVING COUNT(*) > 1",
    ),
    (
        "every captured attempt is a charge at the test gateway",
        "SELECT a.company_id AS company, [a.id] AS row FROM payment_attempts a JOIN payments p ON p.company_id = a.company_id AND p.id = a.payment_id \
         LEFT JOIN test_gateway_charges c ON c.id = a.id WHERE p.gateway = 'test' AND a.state = 'captured' \
         AND (c.id IS NULL OR c.state <> 'captured')",
    ),
    (
        "a declined attempt can no longer be confirmed at the test gateway",
        "SELECT a.company_id AS company, [a.id] AS row FROM payment_attempts a JOIN test_gateway_charges c ON c.id = a.id \
         WHERE a.state = 'declined' AND c.state <> 'cancelled'",
    ),
    (
        "what was refunded came back at the test gateway",
        "SELECT r.company_id AS company, [r.id] AS row FROM refunds r JOIN payments p ON p.company_id = r.company_id AND p.id = r.payment_id \
         LEFT JOIN test_gateway_refunds g ON g.id = r.id WHERE p.gateway = 'test' AND r.state = 'completed' \
         AND (g.id IS NULL OR g.amount <> r.amount)",
    ),
    (
        "a refund under way has the job that brings it back",
        "SELECT r.company_id AS company, [r.id] AS row FROM refunds r WHERE r.state <> 'completed' AND NOT EXISTS (SELECT 1 FROM jobs j \
         WHERE j.company_id = r.company_id AND REPLACE(j.unique_key, '-', '') = 'payments.refund:' || REPLACE([r.id], '-', '') AND j.state <> 'done')",
    ),
    ("no hold is past its time", "SELECT company_id AS company, [id] AS row FROM holds WHERE state = 'held' AND expires_at < {past}"),
    (
        "no payment is undecided for long",
        "SELECT company_id AS company, [id] AS row FROM payment_attempts WHERE state IN ('calling', 'unknown') AND created_at < {past}",
    ),
    (
        "an aggregate's events are in the order in which they were written",
        "SELECT company_id AS company, [id] AS row FROM (SELECT company_id, id, position, LAG(position) OVER (PARTITION BY company_id, aggregate_id ORDER BY seq) AS last \
         FROM outbox WHERE position IS NOT NULL) AS told WHERE last > position",
    ),
    (
        "a message under way has the job that sends it",
        "SELECT d.company_id AS company, [d.id] AS row FROM notification_deliveries d WHERE d.state IN ('queued', 'sending') AND d.updated_at < {past} \
         AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.company_id = d.company_id \
         AND j.unique_key = 'notifications.deliver:' || REPLACE([d.id], '-', '') AND j.state <> 'done')",
    ),
    ("no job is past its lease", "SELECT company_id AS company, [id] AS row FROM jobs WHERE state = 'running' AND lease_until < {past}"),
    (
        "an order that is confirmed or further is paid, or pays on delivery",
        "SELECT company_id AS company, order_number AS row FROM orders WHERE status NOT IN ('pending', 'cancelled') \
         AND payment_status NOT IN ('paid', 'pending', 'refunded', 'partially_refunded')",
    ),
    (
        "no line is short of more than is left of it",
        "SELECT company_id AS company, [id] AS row FROM order_items WHERE quantity_short < 0 OR quantity_short + quantity_cancelled > quantity",
    ),
    (
        "no more comes back of a line than was shipped, and an order that came back came back whole",
        "SELECT i.company_id AS company, [i.id] AS row FROM order_items i JOIN orders o ON o.company_id = i.company_id AND o.id = i.order_id \
         WHERE i.quantity_returned < 0 OR i.quantity_returned > i.quantity_shipped OR i.quantity_shipped + i.quantity_cancelled > i.quantity \
         OR (o.status = 'returned' AND i.quantity_returned <> i.quantity_shipped)",
    ),
    (
        "an order is short while one of its lines is",
        "SELECT o.company_id AS company, o.order_number AS row FROM orders o WHERE o.is_short <> EXISTS (SELECT 1 FROM order_items i \
         WHERE i.company_id = o.company_id AND i.order_id = o.id AND i.quantity_short > 0)",
    ),
    (
        "an order's figures are the sums of its lines",
        "SELECT o.company_id AS company, o.order_number AS row FROM orders o LEFT JOIN (SELECT company_id, order_id, SUM(subtotal) AS subtotal, \
         SUM(discount) AS discount, SUM(tax) AS tax FROM order_items GROUP BY company_id, order_id) i \
         ON i.company_id = o.company_id AND i.order_id = o.id WHERE o.subtotal <> COALESCE(i.subtotal, 0) \
         OR o.discount <> COALESCE(i.discount, 0) OR o.tax <> COALESCE(i.tax, 0) \
         OR o.total <> o.subtotal - o.discount + o.shipping + CASE WHEN o.tax_included THEN 0 ELSE o.tax END",
    ),
    (
        "the tax that the books have of an order is that of what is left of its lines",
        // Half a minor unit is rounded away from zero, as `Money::portion` does.
        "SELECT o.company_id AS company, o.order_number AS row FROM orders o JOIN (SELECT company_id, order_id, \
         SUM(tax - (2 * tax * (quantity_cancelled + quantity_returned) + quantity) / (2 * quantity)) AS tax FROM order_items GROUP BY company_id, order_id) i \
         ON i.company_id = o.company_id AND i.order_id = o.id LEFT JOIN (SELECT t.company_id, t.order_id, SUM(e.credit - e.debit) AS tax \
         FROM ledger_transactions t JOIN ledger_entries e ON e.company_id = t.company_id AND e.transaction_id = t.id \
         WHERE e.account = 'tax_payable' AND t.order_id IS NOT NULL GROUP BY t.company_id, t.order_id) b \
         ON b.company_id = o.company_id AND b.order_id = o.id WHERE o.status NOT IN ('pending', 'cancelled') AND COALESCE(b.tax, 0) <> i.tax",
    ),
    (
        "an order that is cancelled keeps no tax",
        "SELECT o.company_id AS company, o.order_number AS row FROM orders o JOIN ledger_transactions t ON t.company_id = o.company_id AND t.order_id = o.id \
         JOIN ledger_entries e ON e.company_id = t.company_id AND e.transaction_id = t.id WHERE e.account = 'tax_payable' \
         AND o.status = 'cancelled' GROUP BY o.company_id, o.id, o.order_number HAVING SUM(e.credit - e.debit) <> 0",
    ),
    (
        "an assignment names a role that is there",
        "SELECT a.company_id AS company, [a.id] AS row FROM assignments a WHERE a.role NOT IN ('company_admin', 'shop_manager', 'shop_staff', 'rider') \
         AND NOT EXISTS (SELECT 1 FROM roles r WHERE r.company_id = a.company_id AND REPLACE([r.id], '-', '') = REPLACE(a.role, '-', ''))",
    ),
    (
        "a company with staff who have joined has an admin who can let others in",
        "SELECT c.id AS company, [c.id] AS row FROM companies c WHERE EXISTS (SELECT 1 FROM members m JOIN assignments a ON a.company_id = m.company_id \
         AND a.member_id = m.id WHERE m.company_id = c.id AND m.is_active AND m.joined_at IS NOT NULL) \
         AND NOT EXISTS (SELECT 1 FROM members m JOIN assignments a ON a.company_id = m.company_id AND a.member_id = m.id \
         WHERE m.company_id = c.id AND m.is_active AND m.joined_at IS NOT NULL AND a.role = 'company_admin')",
    ),
    (
        "a paid payment has an order or its refund",
        "SELECT p.company_id AS company, [p.id] AS row FROM payments p WHERE p.captured > p.refunded AND NOT EXISTS (SELECT 1 FROM orders o \
         WHERE o.company_id = p.company_id AND o.payment_id = p.id AND o.status NOT IN ('pending', 'cancelled'))",
    ),
    (
        "what is paid of a debt is the sum of its payments",
        "SELECT d.company_id AS company, [d.id] AS row FROM debts d LEFT JOIN (SELECT company_id, debt_id, SUM(amount) AS paid FROM debt_payments \
         GROUP BY company_id, debt_id) p ON p.company_id = d.company_id AND p.debt_id = d.id WHERE d.paid <> COALESCE(p.paid, 0)",
    ),
    (
        "instalments add up to their debt, and so does what is paid of them",
        "SELECT d.company_id AS company, [d.id] AS row FROM debts d LEFT JOIN (SELECT company_id, debt_id, SUM(amount) AS amount, SUM(paid) AS paid \
         FROM instalments WHERE replaced_at IS NULL GROUP BY company_id, debt_id) i \
         ON i.company_id = d.company_id AND i.debt_id = d.id WHERE d.amount <> COALESCE(i.amount, 0) OR d.paid <> COALESCE(i.paid, 0)",
    ),
    (
        "what is paid of an instalment was given to it",
        "SELECT i.company_id AS company, [i.id] AS row FROM instalments i LEFT JOIN (SELECT company_id, instalment_id, SUM(amount) AS given \
         FROM debt_allocations GROUP BY company_id, instalment_id) a ON a.company_id = i.company_id AND a.instalment_id = i.id \
         WHERE i.paid <> COALESCE(a.given, 0)",
    ),
    (
        "a payment of a debt is given out whole",
        "SELECT p.company_id AS company, [p.id] AS row FROM debt_payments p LEFT JOIN (SELECT company_id, payment_id, SUM(amount) AS given \
         FROM debt_allocations GROUP BY company_id, payment_id) a ON a.company_id = p.company_id AND a.payment_id = p.id \
         WHERE p.amount <> COALESCE(a.given, 0)",
    ),
    (
        "a debt is paid when nothing is left of it, and only then",
        "SELECT company_id AS company, [id] AS row FROM debts WHERE paid < 0 OR paid > amount OR (status = 'paid' AND paid <> amount) \
         OR (status IN ('pending', 'partial', 'overdue') AND paid = amount) OR (status = 'cancelled' AND paid <> 0)",
    ),
    (
        "a company's row says since when it owes something late",
        "SELECT c.id AS company, slug AS row FROM companies c WHERE c.status <> 'platform' AND COALESCE(CAST(c.overdue_since AS text), '') <> \
         COALESCE((SELECT CAST(MIN(d.next_due_on) AS text) FROM debts d WHERE d.company_id = c.id AND d.status = 'overdue'), '')",
    ),
    (
        "a period that costs something has its debt",
        "SELECT p.company_id AS company, [p.id] AS row FROM subscription_periods p LEFT JOIN debts d ON d.company_id = p.company_id AND d.period_id = p.id \
         WHERE (p.amount > 0 AND d.id IS NULL) OR d.amount <> p.amount",
    ),
    (
        "periods are counted without a gap",
        "SELECT s.company_id AS company, [s.id] AS row FROM subscriptions s LEFT JOIN (SELECT company_id, subscription_id, COUNT(*) AS begun, MAX(number) AS last \
         FROM subscription_periods GROUP BY company_id, subscription_id) p ON p.company_id = s.company_id AND p.subscription_id = s.id \
         WHERE s.periods <> COALESCE(p.begun, 0) OR s.periods <> COALESCE(p.last, 0)",
    ),
    (
        "a company has the subscription that it names, and no other",
        "SELECT s.company_id AS company, [s.id] AS row FROM subscriptions s LEFT JOIN companies c ON c.id = s.company_id AND c.subscription_id = s.id \
         WHERE (s.state <> 'cancelled') <> (c.id IS NOT NULL)",
    ),
    (
        "what a company owes the platform is what its books say",
        "SELECT owed.company_id AS company, [owed.company_id] AS row FROM (SELECT company_id, currency, SUM(amount - paid) AS rest FROM debts \
         WHERE status NOT IN ('cancelled', 'written_off') GROUP BY company_id, currency) owed \
         LEFT JOIN (SELECT company_id, currency, SUM(credit) - SUM(debit) AS rest FROM ledger_entries WHERE account = 'payable' \
         GROUP BY company_id, currency) books ON books.company_id = owed.company_id AND books.currency = owed.currency \
         WHERE owed.rest <> COALESCE(books.rest, 0)",
    ),
    (
        "nothing is held up at a company that owes nothing late",
        "SELECT c.id AS company, slug AS row FROM companies c WHERE c.standing <> 'good' AND NOT EXISTS (SELECT 1 FROM debts d \
         WHERE d.company_id = c.id AND d.status = 'overdue') AND NOT EXISTS (SELECT 1 FROM subscriptions s \
         WHERE s.company_id = c.id AND s.state = 'lapsed')",
    ),
    (
        "what a hold pays for is being paid, and not for too long",
        "SELECT h.company_id AS company, [h.id] AS row FROM holds h WHERE h.state = 'paying' AND NOT EXISTS (SELECT 1 FROM payments p \
         JOIN payment_attempts a ON a.company_id = p.company_id AND a.payment_id = p.id WHERE p.company_id = h.company_id \
         AND p.checkout_id = h.checkout_id AND a.state NOT IN ('captured', 'declined') AND a.created_at >= {paying})",
    ),
    (
        "no job is left lying while somebody is there to do it",
        // What was due before a worker came, such as the demo's, is its backlog; bulk work may wait its turn.
        "SELECT j.company_id AS company, [j.id] AS row FROM jobs j WHERE j.state = 'ready' AND j.queue <> 'bulk' AND j.run_at < {past} \
         AND EXISTS (SELECT 1 FROM processes p WHERE p.works AND p.seen_at > {lately} AND p.started_at < j.run_at)",
    ),
    (
        "whoever acts in a company does so in the place of somebody there",
        "SELECT s.acting_company_id AS company, [s.id] AS row FROM staff_sessions s JOIN members m ON m.id = s.acting_member_id \
         WHERE m.company_id <> s.acting_company_id",
    ),
];

/// Columns that name a row without a foreign key that holds the company: the table, the column, and
/// where that row would be. `tests/walls/columns.rs` says why there is none.
pub(super) const LOOSE: &[(&str, &str, &str)] = &[
    ("audit_entries", "actor_id", "customers"),
    ("audit_entries", "actor_id", "members"),
    ("audit_entries", "shop_id", "shops"),
    ("collection_notes", "actor_id", "members"),
    ("debt_payments", "actor_id", "members"),
    ("ledger_entries", "shop_id", "shops"),
    ("ledger_transactions", "order_id", "orders"),
    ("ledger_transactions", "payment_id", "payments"),
    ("notification_deliveries", "device_id", "push_devices"),
    ("order_events", "actor_id", "customers"),
    ("order_events", "actor_id", "members"),
    ("orders", "payment_id", "payments"),
    ("outbox", "actor_id", "customers"),
    ("outbox", "actor_id", "members"),
    ("outbox", "shop_id", "shops"),
    ("stock_counts", "actor_id", "members"),
    ("stock_movements", "actor_id", "customers"),
    ("stock_movements", "actor_id", "members"),
    ("stock_movements", "order_id", "orders"),
];

/// What the database itself can say of all its rows, by engine.
pub(super) const ON_SQLITE: &[(&str, &str)] = &[
    ("the database's file is whole", "SELECT integrity_check AS row FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
    (
        "no row points at nothing",
        "SELECT \"table\" || ' ' || COALESCE(rowid, '') || ' points at ' || parent AS row FROM pragma_foreign_key_check",
    ),
];
pub(super) const ON_POSTGRESQL: &[(&str, &str)] = &[
    (
        "each constraint holds for every row",
        "SELECT conrelid::regclass::text || ' ' || conname AS row FROM pg_constraint WHERE NOT convalidated \
         AND connamespace = current_schema()::regnamespace",
    ),
    (
        "each index is whole",
        "SELECT i.indexrelid::regclass::text AS row FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace",
    ),
];
