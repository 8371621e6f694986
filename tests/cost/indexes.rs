//! Each common question is answered by its index, behind the policy, as the role that asks it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Months;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use serde_json::{Value, json};
use souk::{clock, workers};

use crate::support::{World, order, statements::Statements, text};

/// A look into a table, as the planner means to do it.
struct Look {
    table: String,
    index: String,
    condition: String,
}

/// What the planner means to do.
struct Plan {
    sorts: bool,
    looks: Vec<Look>,
}

/// Many rows like the first one of company A: `changes` are SQL values by column, `n` counts.
async fn multiply(db: &DatabaseConnection, world: &World, table: &str, from: &str, changes: &str) {
    // Born in the same millisecond, so that a table kept by months keeps them together.
    let id = "left(one.id::text, 14) || substr(gen_random_uuid()::text, 15)";
    let sql = format!(
        "INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(one) || jsonb_build_object('id', {id}, {changes}))).* \
         FROM (SELECT * FROM {table} WHERE company_id = '{}' ORDER BY id LIMIT 1) AS one CROSS JOIN LATERAL {from}",
        world.a.id
    );
    db.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Fills the tables, so that the planner has something to weigh.
async fn fill(db: &DatabaseConnection, world: &World) {
    let many = "generate_series(1, 2000) AS n";
    multiply(db, world, "products", many, "'slug', 'p' || n, 'sort_name', 'p' || n, 'created_at', n, 'price_from', n").await;
    multiply(db, world, "product_words", many, "'word', 'w' || n").await;
    let of_products = "(SELECT id AS p, row_number() OVER () AS n FROM products p WHERE p.company_id = one.company_id) AS n";
    multiply(db, world, "variants", of_products, "'sku', 'V' || n, 'barcode', 'b' || n, 'position', n, 'product_id', p").await;
    let of_variants = "(SELECT id AS v FROM variants v WHERE v.company_id = one.company_id AND NOT EXISTS (SELECT 1 FROM stock_levels s WHERE s.variant_id = v.id)) AS n";
    multiply(db, world, "stock_levels", of_variants, "'variant_id', v, 'on_hand', 0, 'reserved', 0").await;
    multiply(db, world, "customers", many, "'email', 'c' || n || '@alpha.test'").await;
    multiply(db, world, "shops", "generate_series(1, 20) AS n", "'slug', 's' || n").await;
    let of_customers = "(SELECT id AS c, row_number() OVER () AS n FROM customers c WHERE c.company_id = one.company_id) AS n";
    let status = "'status', (ARRAY['pending', 'confirmed', 'delivered', 'cancelled'])[1 + (n / 21) % 4]";
    let shop = "'shop_id', (SELECT s.id FROM shops s WHERE s.company_id = one.company_id ORDER BY s.id OFFSET n % 21 LIMIT 1)";
    let new = format!("{shop}, 'order_number', 'X-' || n, 'created_at', n, 'search_text', 'name' || n, 'customer_id', c, {status}");
    multiply(db, world, "orders", of_customers, &new).await;
    let of_orders = "(SELECT id AS o FROM orders o WHERE o.company_id = one.company_id) AS n";
    multiply(db, world, "order_items", of_orders, "'order_id', o").await;
    multiply(db, world, "audit_entries", many, "'resource_id', n::text").await;
    multiply(db, world, "outbox", many, "'position', 100000 + n").await;
    multiply(db, world, "jobs", many, "'unique_key', n::text, 'state', 'done', 'run_at', n").await;
    multiply(db, world, "holds", many, "'state', 'used', 'expires_at', n").await;
    multiply(db, world, "idempotency_keys", many, "'key', n::text").await;
    multiply(db, world, "carts", many, "'token', n::text, 'customer_id', NULL").await;
    let of_carts = "(SELECT id AS c FROM carts c WHERE c.company_id = one.company_id AND c.id <> one.cart_id) AS n";
    multiply(db, world, "cart_items", of_carts, "'cart_id', c").await;
    multiply(db, world, "ledger_entries", many, "'debit', n, 'credit', 0").await;
    // Five years of closed months, the last of them the one before this.
    let closed = format!(
        "INSERT INTO ledger_closings SELECT '{}'::uuid, gen_random_uuid(), account, 'INR', to_char(now() - make_interval(months => n), 'YYYY-MM'), \
         1, 1, 0, 0, 0 FROM generate_series(1, 60) AS n CROSS JOIN unnest(ARRAY['gateway', 'cash', 'sales', 'tax_payable']) AS account",
        world.a.id
    );
    db.execute_unprepared(&closed).await.expect("closed months");
    db.execute_unprepared("ANALYZE").await.expect("figures for the planner");
}

/// How the planner means to run a statement, whatever its values.
async fn plan(db: &DatabaseConnection, role: &str, company: &str, sql: &str) -> Plan {
    let values = (1..100).rev().find(|number| sql.contains(&format!("${number}"))).unwrap_or(0);
    let run = if values == 0 { "hot".to_owned() } else { format!("hot({})", vec!["NULL"; values].join(", ")) };
    let tx = db.begin().await.expect("a transaction");
    let enter = format!("SELECT set_config('role', '{role}', true), set_config('app.company_id', '{company}', true)");
    for setting in [enter.as_str(), "SET LOCAL enable_seqscan = off", "SET LOCAL plan_cache_mode = force_generic_plan"] {
        tx.execute_unprepared(setting).await.expect("set");
    }
    tx.execute_unprepared(&format!("PREPARE hot AS {sql}")).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let explain = Statement::from_string(DbBackend::Postgres, format!("EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE {run}"));
    let row = tx.query_one_raw(explain).await.unwrap_or_else(|error| panic!("{sql}: {error}")).expect("a plan");
    let tree: Value = row.try_get("", "QUERY PLAN").expect("JSON");
    tx.execute_unprepared("DEALLOCATE hot").await.expect("forgotten");
    tx.rollback().await.expect("over");
    let mut plan = Plan { sorts: false, looks: vec![] };
    walk(&tree[0]["Plan"], "", &mut plan);
    plan
}

fn walk(node: &Value, table: &str, plan: &mut Plan) {
    let name = |key: &str| node[key].as_str().unwrap_or_default().to_owned();
    let kind = name("Node Type");
    plan.sorts |= kind.contains("Sort");
    let table = if node["Relation Name"].is_string() { name("Relation Name") } else { table.to_owned() };
    if kind.contains("Scan") && kind != "Bitmap Heap Scan" && kind != "Subquery Scan" && !table.is_empty() {
        plan.looks.push(Look { table: table.clone(), index: name("Index Name"), condition: name("Index Cond") });
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, &table, plan);
    }
}

/// The statements that read or change a table.
fn about<'a>(said: &'a [String], table: &str) -> Vec<&'a String> {
    let (from, update) = (format!("FROM \"{table}\""), format!("UPDATE \"{table}\""));
    said.iter().filter(|sql| !sql.starts_with("INSERT") && (sql.contains(&from) || sql.contains(&update))).collect()
}

/// The same statements for a plan, which is made without values: no month of a table that is kept by
/// months lies within an unknown range of ids, so the range is all of them.
fn bounded(said: &[String]) -> Vec<String> {
    let bound = |sql: &String| {
        let mut sql = sql.clone();
        for (side, end) in [("\"id\" < $", "ffffffff-ffff-ffff-ffff-ffffffffffff"), ("\"id\" >= $", "00000000-0000-0000-0000-000000000000")]
        {
            let Some(at) = sql.find(side) else { continue };
            let from = at + side.len();
            let until = sql[from..].find(|letter: char| !letter.is_ascii_digit()).map_or(sql.len(), |length| from + length);
            let value = &sql[from - 1..until];
            let value = format!("CASE WHEN {value}::uuid IS NULL THEN '{end}'::uuid ELSE {value} END");
            sql.replace_range(from - 1..until, &value);
        }
        sql
    };
    said.iter().map(bound).collect()
}

/// Whose eyes a question is asked with.
struct Eyes<'a> {
    db: &'a DatabaseConnection,
    role: &'static str,
    company: String,
    /// Each index's columns, by its name.
    indexes: &'a BTreeMap<String, String>,
    /// Tables, or months of them, with rows.
    filled: &'a BTreeSet<String>,
}

impl Eyes<'_> {
    /// Asserts that a later page of a list begins where the last one ended: the index is bound by
    /// what the list is sorted by, so that nothing before it is read.
    async fn seeks(&self, said: &[String], table: &str, columns: &str) {
        self.uses(said, table, columns, true).await;
        for sql in about(said, table) {
            for look in plan(self.db, self.role, &self.company, sql).await.looks {
                assert!(look.condition.contains("created_at <="), "{table} is read from its first row ({}): {sql}", look.condition);
            }
        }
    }

    /// Asserts that all that was said of a table is answered by one index.
    async fn uses(&self, said: &[String], table: &str, columns: &str, is_sorted_by_it: bool) {
        let asked = about(said, table);
        assert!(!asked.is_empty(), "nothing was asked of {table}: {said:#?}");
        for sql in asked {
            let plan = plan(self.db, self.role, &self.company, sql).await;
            let is_of = |look: &&Look| look.table == table || look.table.starts_with(&format!("{table}_20"));
            // Where nothing lies, any way of looking is as good as another.
            let mut looks = plan.looks.iter().filter(is_of).filter(|look| self.filled.contains(&look.table)).peekable();
            assert!(looks.peek().is_some(), "{table} is not looked into: {sql}");
            for look in looks {
                let used = self.indexes.get(&look.index).map_or("no index", String::as_str);
                assert_eq!(used, columns, "{table} through `{}` ({}): {sql}", look.index, look.condition);
                if is_sorted_by_it {
                    assert!(!plan.sorts, "{table} is sorted after it was read: {sql}");
                } else {
                    let narrowed = columns.split(", ").filter(|column| look.condition.contains(column)).count();
                    assert!(narrowed > 1, "only the company narrows {table} ({}): {sql}", look.condition);
                }
            }
        }
    }
}

/// What was said for a page of a list that is so many pages from the first, or the last.
async fn deep(world: &World, statements: &Statements, token: &str, path: &str, pages: usize) -> Vec<String> {
    let mut next = path.to_owned();
    let mut said = vec![];
    for _ in 0..=pages {
        statements.take();
        let page = world.client.get(token, &next).await.expect(200);
        said = statements.take();
        let Some(cursor) = page["page"]["next"].as_str() else { break };
        next = format!("{path}&cursor={cursor}");
    }
    assert_ne!(next, path, "there is one page only: {path}");
    said
}

/// The same on SQLite, whose planner says in a sentence how it looks for a page's orders.
async fn seek_on_sqlite(world: &World, statements: &Statements) {
    let buyer = world.customer(&world.a, "deep@alpha.test").await;
    let admin = world.staff(&world.a, "admin").await;
    for _ in 0..4 {
        world.client.post(&buyer, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
    }
    let db = world.raw().await;
    let by_shop = format!("/api/orders?shopId={}&status=confirmed&limit=1", world.a.shop);
    let asks = [
        (&admin, "/api/orders?limit=1", "(company_id=? AND created_at<?)"),
        (&admin, "/api/orders?status=confirmed&limit=1", "(company_id=? AND status=? AND created_at<?)"),
        (&admin, by_shop.as_str(), "(company_id=? AND shop_id=? AND status=? AND created_at<?)"),
        (&buyer, "/api/orders?limit=1", "(company_id=? AND customer_id=? AND created_at<?)"),
    ];
    for (token, path, seek) in asks {
        let said = deep(world, statements, token, path, 2).await;
        let asked = about(&said, "orders");
        assert!(!asked.is_empty(), "nothing was asked of orders: {said:#?}");
        for sql in asked {
            let explain = Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"));
            let steps = db.query_all_raw(explain).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            let steps: Vec<String> = steps.iter().map(|step| step.try_get("", "detail").expect("a sentence")).collect();
            assert!(matches!(steps.as_slice(), [one] if one.contains(" USING INDEX ") && one.ends_with(seek)), "{steps:?}: {sql}");
        }
    }
    db.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn common_questions_use_their_indexes() {
    let statements = Statements::listen().await;
    for world in World::all_with(|settings| settings.log_statements = true).await {
        if !world.is_postgres() {
            seek_on_sqlite(&world, &statements).await;
            world.close().await;
            continue;
        }
        let client = &world.client;
        let customer = world.customer(&world.a, "curious@alpha.test").await;
        let admin = world.staff(&world.a, "admin").await;
        let body = order(&world.a, 0, 1, "test", Some("tok_ok"));
        let key = [("idempotency-key", "hot")];
        let placed = client.call("POST", "/api/orders", Some(&customer), None, Some(&body), &key).await.expect(201);
        let line = json!({ "variantId": world.a.variants[0], "shopId": world.a.shop, "quantity": 1 });
        let cart = client.call("POST", "/api/cart/items", None, Some("alpha"), Some(&line), &[]).await.expect(200);
        // A cancelled order leaves a job behind: the money goes back.
        let other = world.customer(&world.a, "fickle@alpha.test").await;
        let second = client.post(&other, "/api/orders", &body).await.expect(201);
        let cancel = format!("/api/orders/{}/cancel", second["orders"][0]["id"].as_str().expect("an id"));
        client.post(&other, &cancel, &json!({ "reason": "changed my mind" })).await.expect(200);
        workers::turn(&world.souk).await.expect("a turn");
        let db = world.raw().await;
        fill(&db, &world).await;
        let names = "SELECT c.relname::text AS name, string_agg(a.attname, ', ' ORDER BY k.place) AS cols FROM pg_index i \
                     JOIN pg_class c ON c.oid = i.indexrelid CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k (number, place) \
                     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number GROUP BY c.relname";
        let names = db.query_all_raw(Statement::from_string(DbBackend::Postgres, names)).await.expect("the indexes");
        let indexes =
            names.iter().map(|row| (row.try_get("", "name").expect("a name"), row.try_get("", "cols").expect("columns"))).collect();
        let filled = "SELECT relname::text AS name FROM pg_class WHERE relkind = 'r' AND reltuples > 0";
        let filled = db.query_all_raw(Statement::from_string(DbBackend::Postgres, filled)).await.expect("the tables");
        let filled = filled.iter().map(|row| row.try_get("", "name").expect("a name")).collect();
        let eyes = Eyes { db: &db, role: "souk_app", company: world.a.id.to_string(), indexes: &indexes, filled: &filled };
        let get = async |token: &str, path: &str| {
            statements.take();
            client.get(token, path).await.expect(200);
            statements.take()
        };

        let said = get(&customer, "/api/products?limit=5").await;
        eyes.uses(&said, "products", "company_id, created_at, id", true).await;
        eyes.uses(&said, "stock_levels", "company_id, variant_id, location_id", false).await;
        eyes.uses(&said, "variants", "company_id, product_id, position", false).await;
        let said = get(&customer, "/api/products?sort=price&limit=5").await;
        eyes.uses(&said, "products", "company_id, price_from, id", true).await;
        let said = get(&customer, "/api/products?q=goo&limit=5").await;
        eyes.uses(&said, "product_words", "company_id, word, product_id", false).await;
        let said = get(&customer, "/api/products/alpha").await;
        eyes.uses(&said, "products", "company_id, slug", false).await;
        let of_code = |column: &str| vec![format!("SELECT id FROM \"variants\" WHERE company_id = $1 AND {column} = $2")];
        eyes.uses(&of_code("sku"), "variants", "company_id, sku", false).await;
        eyes.uses(&of_code("barcode"), "variants", "company_id, barcode", false).await;

        let said = get(&admin, "/api/orders?limit=5").await;
        eyes.uses(&said, "orders", "company_id, created_at, id", true).await;
        eyes.uses(&said, "order_items", "company_id, order_id", false).await;
        let said = get(&admin, "/api/orders?status=confirmed&limit=5").await;
        eyes.uses(&said, "orders", "company_id, status, created_at, id", true).await;
        let shop = format!("/api/orders?shopId={}&status=confirmed&limit=5", world.a.shop);
        let said = get(&admin, &shop).await;
        eyes.uses(&said, "orders", "company_id, shop_id, status, created_at, id", true).await;
        let said = get(&customer, "/api/orders?limit=5").await;
        eyes.uses(&said, "orders", "company_id, customer_id, created_at, id", true).await;
        let said = get(&admin, "/api/orders?q=SO-00&limit=5").await;
        eyes.uses(&said, "orders", "company_id, order_number", false).await;
        let said = get(&admin, "/api/orders?q=priya&limit=5").await;
        eyes.uses(&said, "orders", "company_id, search_text, created_at", false).await;
        let asks = [
            (&admin, "/api/orders?limit=100".to_owned(), "company_id, created_at, id"),
            (&admin, "/api/orders?status=pending&limit=50".to_owned(), "company_id, status, created_at, id"),
            (&admin, format!("/api/orders?shopId={}&status=pending&limit=5", world.a.shop), "company_id, shop_id, status, created_at, id"),
            (&customer, "/api/orders?limit=1".to_owned(), "company_id, customer_id, created_at, id"),
        ];
        client.post(&customer, "/api/orders", &body).await.expect(201);
        for (token, path, columns) in asks {
            eyes.seeks(&deep(&world, &statements, token, &path, 9).await, "orders", columns).await;
        }
        // A list of the portal that somebody sorts at a column is read in the order of its index.
        let cookie = client.sign_in("admin@alpha.test").await;
        for (path, table, column, columns) in [
            ("/company/orders?sort=-total", "orders", "total", "company_id, total, id"),
            ("/company/orders?sort=placed", "orders", "created_at", "company_id, created_at, id"),
            ("/company/customers?sort=name", "customers", "sort_name", "company_id, sort_name, id"),
            // The index's second column is what is on hand without what is reserved.
            ("/company/inventory?sort=available", "stock_levels", "on_hand", "company_id, id"),
        ] {
            statements.take();
            client.page(&cookie, path).await.shows(&["aria-sort"]);
            let sorted = format!("ORDER BY \"{table}\".\"{column}\"");
            let said: Vec<_> = statements.take().into_iter().filter(|sql| sql.contains(&sorted)).collect();
            eyes.uses(&said, table, columns, true).await;
        }
        let said = get(&admin, &format!("/api/audit/resource/order/{}", text(&placed["orders"][0]["id"]))).await;
        eyes.uses(&said, "audit_entries", "company_id, resource, resource_id, id", false).await;

        // The books begin where the last closed month ended, and a closed month is not summed again.
        let said = bounded(&get(&admin, "/api/payments/books").await);
        eyes.uses(&said, "ledger_closings", "company_id, month, account, currency", false).await;
        eyes.uses(&said, "ledger_entries", "company_id, id", false).await;
        for sql in about(&said, "ledger_entries") {
            for look in plan(eyes.db, eyes.role, &eyes.company, sql).await.looks {
                assert!(
                    look.condition.contains("id >= ") && look.condition.contains("id < "),
                    "all entries are read ({}): {sql}",
                    look.condition
                );
            }
        }
        let closed = (clock::now().date_in("UTC") - Months::new(2)).format("%Y-%m");
        let said = get(&admin, &format!("/api/payments/books?month={closed}")).await;
        eyes.uses(&said, "ledger_closings", "company_id, month, account, currency", false).await;
        assert_eq!(about(&said, "ledger_entries"), Vec::<&String>::new());

        statements.take();
        client.call("POST", "/api/orders", Some(&customer), None, Some(&body), &key).await.expect(201);
        eyes.uses(&statements.take(), "idempotency_keys", "company_id, caller, key", false).await;
        let token = text(&cart["token"]);
        client.call("GET", "/api/cart", None, Some("alpha"), None, &[("x-cart-token", &token)]).await.expect(200);
        let said = statements.take();
        eyes.uses(&said, "carts", "company_id, token", false).await;
        eyes.uses(&said, "cart_items", "company_id, cart_id, variant_id, shop_id", false).await;
        client.login("alpha", "customer@alpha.test").await;
        let said: Vec<_> = statements.take().into_iter().filter(|sql| sql.contains("\"email\" =")).collect();
        eyes.uses(&said, "customers", "company_id, email", false).await;

        let eyes = Eyes { role: "souk_platform", company: String::new(), ..eyes };
        let ask = |sql: &str| vec![sql.to_owned()];
        let behind = ask("SELECT * FROM \"outbox\" WHERE position > $1 ORDER BY position LIMIT $2");
        eyes.uses(&behind, "outbox", "position", true).await;
        let due = ask("SELECT company_id FROM \"jobs\" WHERE queue = $1 AND state = 'ready' AND run_at <= $2");
        eyes.uses(&due, "jobs", "queue, state, company_id, run_at", false).await;
        let late = ask("SELECT company_id FROM \"holds\" WHERE state = 'held' AND expires_at <= $1");
        eyes.uses(&late, "holds", "state, expires_at", false).await;

        db.close().await.expect("closed");
        world.close().await;
    }
}
