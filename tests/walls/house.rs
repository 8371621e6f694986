//! The house's own rules: who calls whom, what the schema walls in, which doors there are.

use std::{collections::BTreeSet, fs, path::Path};

use souk::{controllers, endpoints, tenancy::roles::PERMISSIONS};

use crate::support::World;

/// A domain's tier; it calls lower ones only (the kernel's own are not listed).
const TIERS: &[(&str, u8)] = &[
    ("identity", 1),
    ("companies", 1),
    ("saved_views", 1),
    ("plans", 1),
    ("shops", 1),
    ("catalog", 2),
    ("inventory", 3),
    ("ledger", 3),
    ("carts", 4),
    ("payments", 4),
    ("debts", 4),
    ("orders", 5),
    ("notifications", 6),
];

/// Calls within a tier that were thought about: a shop takes its zone from its company, a person
/// is known together with how their company stands and is assigned to shops, and what is limited
/// asks its limit.
const BESIDE: &[(&str, &str)] = &[
    ("shops", "companies"),
    ("identity", "companies"),
    ("identity", "shops"),
    ("plans", "companies"),
    ("shops", "plans"),
    ("identity", "plans"),
];

/// What every domain may call: it holds no business of its own, or reads all of it for upkeep.
const KERNEL: &[&str] = &["audit", "figures", "health", "idempotency", "jobs", "mod", "outbox", "personal", "verify"];

#[test]
fn a_domain_calls_lower_tiers_only() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/models");
    let mut wrong = Vec::new();
    for (domain, tier) in TIERS {
        for file in fs::read_dir(models.join(domain)).expect("a domain's folder") {
            let path = file.expect("a file").path();
            let named = domains_named(&fs::read_to_string(&path).expect("its text"));
            for (other, level) in TIERS {
                if other != domain && level >= tier && named.contains(*other) && !BESIDE.contains(&(domain, other)) {
                    wrong.push(format!("{} names `{other}`", path.display()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "domains call up or sideways; emit an event, or add the pair to BESIDE with its reason:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_domain_has_its_tier() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/models");
    for file in fs::read_dir(models).expect("the domains") {
        let path = file.expect("a domain").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let known = KERNEL.contains(&name.as_str()) || TIERS.iter().any(|(domain, _)| *domain == name);
        assert!(known, "`{name}` has no tier: put it into TIERS, or into KERNEL when it holds no business");
    }
}

/// The domains that a file names, in its `use` lines, in a function or in the middle of a line.
fn domains_named(text: &str) -> BTreeSet<String> {
    let code: Vec<_> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    assert!(!code.contains("models as ") && !code.contains("models::*"), "domains are named, one by one");
    let mut named = BTreeSet::new();
    for door in ["models::", "super::super::"] {
        for (at, _) in code.match_indices(door) {
            let rest = &code[at + door.len()..];
            match rest.strip_prefix('{') {
                Some(group) => named.extend(heads_of(group)),
                None => named.extend(word_at(rest)),
            }
        }
    }
    named
}

fn word_at(text: &str) -> Option<String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next().filter(|word| !word.is_empty()).map(str::to_owned)
}

/// The first name of each member of a `use` group, up to the brace that closes it.
fn heads_of(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut member = String::new();
    let mut depth = 0;
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(std::mem::take(&mut member)),
            _ if depth == 0 => member.push(letter),
            _ => {}
        }
    }
    heads.push(member);
    heads.iter().filter_map(|member| word_at(member.trim())).collect()
}

#[test]
fn a_domain_is_seen_wherever_a_file_names_it() {
    let names = |text| domains_named(text).into_iter().collect::<Vec<_>>();
    assert_eq!(names("use crate::{\n  ids::ShopId,\n  models::{carts, orders::{Order, traded}, jobs},\n};"), ["carts", "jobs", "orders"]);
    assert_eq!(names("fn late() {\n  crate::models::debts::raise();\n}"), ["debts"]);
    assert_eq!(names("// not models::orders\nuse super::super::payments;"), ["payments"]);
}

/// Entities that other modules can name, and why.
const OPEN_ENTITIES: &[(&str, &str)] = &[
    ("health", "its table is the health of processes, and it has no folder"),
    ("idempotency", "its table is the keys, and it has no folder"),
    ("outbox", "a scope writes the log, and the log's face is its table"),
    ("payments/test_charge", "the test gateway's own books, which no act of ours reads"),
    ("payments/test_refund", "the test gateway's own books, which no act of ours reads"),
];

/// Entities that have a shop and are not narrowed by it, and why.
const WHOLE_COMPANYS: &[(&str, &str)] = &[
    ("audit/entry", "whose entries a shop's people read is asked by the audit's own list"),
    ("carts/item", "a customer's, who buys in every shop"),
    ("catalog/product", "the company's goods, of which a shop's role is shown those of its shop"),
    ("identity/assignment", "who is where decides what a scope may see: it is read before there is one"),
    ("outbox/mod", "what happened is told to listeners, who work for the whole company"),
    ("shops/exception", "when a shop is open is public"),
    ("shops/manager", "who answers for a shop is known in the whole company"),
    ("shops/opening", "when a shop is open is public"),
];

#[test]
fn an_entity_is_its_domains_own_and_narrowed_by_its_shop() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/models");
    let (mut open, mut whole) = (BTreeSet::new(), BTreeSet::new());
    let mut folders = vec![models.clone()];
    while let Some(folder) = folders.pop() {
        let face = fs::read_to_string(folder.join("mod.rs")).unwrap_or_default();
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("its text");
            let name = path.strip_prefix(&models).expect("a model").with_extension("").display().to_string();
            let Some((_, model)) = text.split_once("DeriveEntityModel)]") else { continue };
            let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
            if stem == "mod" || face.lines().any(|line| line.starts_with("pub") && line.ends_with(&format!(" mod {stem};"))) {
                open.insert(name.trim_end_matches("/mod").to_owned());
            }
            let fields = model.split_once("\n}").expect("a model").0;
            if fields.contains("pub shop_id:") && !text.contains("owned!(shop)") {
                whole.insert(name);
            }
        }
    }
    let listed = |list: &[(&str, &str)]| list.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(open, listed(OPEN_ENTITIES), "make the entity's module private, or say why others name it");
    assert_eq!(whole, listed(WHOLE_COMPANYS), "close the entity with `owned!(shop)`, or say why its shop does not narrow it");
}

#[test]
fn every_endpoint_names_a_permission_and_is_described() {
    let rows = controllers::endpoints();
    let described = endpoints::description(&rows).expect("a description");
    for row in &rows {
        assert!(PERMISSIONS.contains(&row.permission), "{} {} asks for `{}`, which nobody has", row.method, row.uri, row.permission);
        if row.uri.starts_with("/api") {
            let operation = &described["paths"][row.uri][row.method.to_lowercase()];
            assert_eq!(operation["summary"], row.summary, "{} {} is not described", row.method, row.uri);
        }
    }
    let doors: BTreeSet<_> = rows.iter().map(|row| (row.method, row.uri)).collect();
    assert_eq!(doors.len(), rows.len(), "two rows of the table are the same door");
}

/// Tables that belong to the platform; a new one is put here with thought, or is a tenant's.
pub const PLATFORM_TABLES: &[&str] = &[
    "companies",
    "consumer_cursors",
    "knocks",
    "plans",
    "processes",
    "refresh_tokens",
    "retain_guard",
    "schedules",
    "seaql_migrations",
    "staff",
    "staff_sessions",
    "test_gateway_charges",
    "test_gateway_refunds",
];

#[tokio::test]
async fn every_table_is_walled_in() {
    for world in World::all().await {
        let platform = world.souk.platform("verify").await.expect("the platform");
        let on_sqlite = world.souk.engine() == "sqlite";
        let tables = if on_sqlite {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        } else {
            "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
        };
        let mut seen = 0;
        for row in platform.ask(tables, vec![]).await.expect("the tables") {
            let table: String = row.try_get("", "name").expect("a name");
            if PLATFORM_TABLES.contains(&table.as_str()) {
                continue;
            }
            seen += 1;
            if on_sqlite {
                let ask = format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk");
                let key = platform.ask(&ask, vec![]).await.expect("its key");
                let key: Vec<String> = key.iter().map(|row| row.try_get("", "name").expect("a column")).collect();
                assert_eq!(key, ["company_id", "id"], "the key of {table}");
                let ask = format!(
                    "SELECT id, COUNT(*) AS parts FROM pragma_foreign_key_list('{table}') WHERE \"table\" <> 'companies' GROUP BY id"
                );
                for row in platform.ask(&ask, vec![]).await.expect("its foreign keys") {
                    let parts: i64 = row.try_get("", "parts").expect("a count");
                    assert_eq!(parts, 2, "a foreign key of {table} does not hold the company");
                }
            } else {
                let ask = format!(
                    "SELECT (relrowsecurity AND relforcerowsecurity) AS walled FROM pg_class WHERE oid = 'public.{table}'::regclass"
                );
                let row = platform.ask(&ask, vec![]).await.expect("its security").pop().expect("a row");
                assert!(row.try_get::<bool>("", "walled").expect("a flag"), "{table} has no forced row-level security");
            }
        }
        assert!(seen > 40, "only {seen} tables of tenants were seen");
        drop(platform);
        world.close().await;
    }
}

/// Files where a lint may be answered with a reason; the list grows only with one.
const EXPECTATIONS: &[&str] = &[
    "src/clock.rs",
    "src/models/jobs/claim.rs",
    "src/settings.rs",
    "src/tenancy/database.rs",
    "src/tenancy/platform.rs",
    "src/tenancy/scope.rs",
    "src/workers/clockwork.rs",
    "src/workers/mod.rs",
    "src/workers/queue.rs",
];

#[test]
fn lints_are_answered_at_home_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open = vec![root.join("src"), root.join("migration/src")];
    let mut found = BTreeSet::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("its text");
            assert!(!text.contains("[allow("), "{}: say `expect` with a reason, not `allow`", path.display());
            if text.contains("[expect(") {
                found.insert(path.strip_prefix(root).expect("inside").display().to_string());
            }
        }
    }
    let known: BTreeSet<_> = EXPECTATIONS.iter().map(|path| (*path).to_owned()).collect();
    assert_eq!(found, known, "lints are answered elsewhere than listed");
}
