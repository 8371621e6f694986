//! The doors beside the wall, each with its reason. The lists may only be changed with thought: a
//! use that appears is a new way past the wall, one that goes is a line too many here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Work across companies: file, the reason it names, and why it cannot be a company's unit.
const ACROSS_COMPANIES: &[(&str, &str, &str)] = &[
    ("bin/main.rs", "set-up", "the platform's own row is made before there is any company"),
    ("controllers/api/audit.rs", "oversight", "read only: the super admin reads everybody's audit"),
    ("controllers/api/companies.rs", "all-companies", "read only: the super admin looks at companies and their figures"),
    ("controllers/api/debts.rs", "debts", "the platform's people read what everybody owes"),
    ("controllers/api/inventory.rs", "oversight", "read only: the super admin reads everybody's stock"),
    ("controllers/api/operations.rs", "operations", "read only: whether the log is being published"),
    ("controllers/api/orders.rs", "oversight", "read only: the super admin reads everybody's orders"),
    ("controllers/api/payments.rs", "oversight", "read only: the super admin reads everybody's payments"),
    ("controllers/api/plans.rs", "plans", "the price list belongs to no company"),
    ("controllers/api/users.rs", "oversight", "read only: the super admin reads everybody's people"),
    ("controllers/portal/admin/audit.rs", "all-companies", "read only: whose audit the super admin looks at, and which chains are broken"),
    ("controllers/portal/admin/companies.rs", "all-companies", "read only: the super admin looks at companies and their figures"),
    ("controllers/portal/admin/company.rs", "all-companies", "read only: the super admin looks at one company and its figures"),
    ("controllers/portal/admin/debts.rs", "debts", "the platform's people read what everybody owes"),
    ("controllers/portal/admin/health.rs", "operations", "read only: the processes, and the database itself"),
    ("controllers/portal/admin/home.rs", "all-companies", "read only: the platform's figures over everybody"),
    ("controllers/portal/admin/jobs.rs", "operations", "read only: everybody's queues and jobs in trouble"),
    ("controllers/portal/admin/opening.rs", "plans", "the price list belongs to no company"),
    ("controllers/portal/admin/plans.rs", "plans", "the price list belongs to no company; who has a plan is over everybody"),
    ("controllers/portal/admin/users.rs", "all-companies", "read only: the super admin looks for people of any company"),
    ("controllers/portal/jump.rs", "all-companies", "read only: the super admin finds a company by its name"),
    ("controllers/portal/jump.rs", "debts", "read only: the super admin finds a debt by its reference"),
    ("controllers/portal/jump.rs", "operations", "read only: the super admin finds a job by its id"),
    ("controllers/steward.rs", "all-companies", "read only: whether the company is a tenant, in whatever state"),
    ("controllers/steward.rs", "companies", "a company is opened before it has a unit of its own"),
    ("controllers/steward.rs", "plans", "the price list belongs to no company"),
    ("controllers/steward.rs", "price-list", "only the platform's people change it"),
    ("controllers/steward.rs", "stewardship", "a stopped company's sessions end, of staff on the platform too"),
    ("figures.rs", "operations", "figures of everybody's queues together, which name no company"),
    ("gateways/payments.rs", "gateway", "the test gateway's books are an outside witness, in no company's unit"),
    ("models/companies/mod.rs", "terms", "read only: how the platform is paid, for whoever owes it something"),
    ("models/debts/bill.rs", "plans", "a period's terms are those its plan has now"),
    ("models/health.rs", "schedules", "a process belongs to no company"),
    ("models/identity/acting.rs", "stewardship", "a session of the platform's acts in a company, which is told in both chains"),
    ("models/identity/codes.rs", "account", "whose a telephone is, before anybody is signed in"),
    ("models/identity/codes.rs", "sign-in", "codes to a telephone are counted whether or not anybody has it"),
    ("models/identity/invite.rs", "account", "whose an invitation is, before anybody is signed in"),
    ("models/identity/invite.rs", "people", "a person of the platform is made, or found, to become a member"),
    ("models/identity/letters.rs", "account", "whose a letter's link is, before anybody is signed in"),
    ("models/identity/letters.rs", "sign-in", "a forgotten password is replaced before anybody is signed in"),
    ("models/identity/profile.rs", "account", "a staff person's own row belongs to no company"),
    ("models/identity/profile.rs", "sign-in", "a new password ends the person's other sessions, wherever they are"),
    ("models/identity/session.rs", "account", "a staff person's own sessions belong to no company"),
    ("models/identity/session.rs", "company-by-name", "a token's session is read before the company is trusted"),
    ("models/identity/session.rs", "retain", "ended staff sessions, worn tokens and old counts belong to no company"),
    ("models/identity/session.rs", "sign-in", "sessions and refresh tokens are of persons, whose company follows from them"),
    ("models/identity/sign_in.rs", "account", "whose an e-mail address is, before their company is known"),
    ("models/identity/sign_in.rs", "set-up", "a staff person belongs to the platform, not to a company"),
    ("models/identity/sign_in.rs", "sign-in", "wrong passwords are counted whether or not there is an account"),
    ("models/identity/staffing.rs", "account", "where a member is signed in: sessions of staff are the platform's"),
    ("models/identity/steward.rs", "stewardship", "a person is shut out of every company, and let in again"),
    ("models/identity/workplace.rs", "company-by-name", "read only: what the company is called that a refused form was made for"),
    ("models/identity/workplace.rs", "sign-in", "a session goes from one company to another, which is told in both chains"),
    ("models/jobs/claim.rs", "jobs", "a worker claims due jobs of all companies, by turns"),
    ("models/jobs/claim.rs", "operations", "read only: which companies have due jobs"),
    ("models/jobs/people.rs", "operations", "figures over everybody's queues, for the platform's people"),
    ("models/outbox/mod.rs", "relay", "positions are one sequence over all companies"),
    ("models/verify/mod.rs", "verify", "the invariants are asked over everybody in one snapshot"),
    ("tasks/demo.rs", "set-up", "the demo opens companies"),
    ("tasks/dues.rs", "plans", "the price list belongs to no company"),
    ("tasks/dues.rs", "price-list", "the demo's price list"),
    ("tasks/dues.rs", "set-up", "the platform's own row is made before there is any company"),
    ("tasks/large.rs", "set-up", "the large demo opens companies"),
    ("tasks/retain.rs", "operations", "read only: which companies there are to let go of rows in"),
    ("tasks/witness.rs", "operations", "read only: whose copies of the witness there are"),
    ("tasks/work.rs", "operations", "an operator looks at everybody's queues"),
    ("tenancy/access.rs", "company-by-name", "a request names its company by a word, not yet by an id"),
    ("workers/again.rs", "operations", "read only: who of the platform's people wanted jobs tried again"),
    ("workers/broker.rs", "operations", "read only: the log in its order over all companies, and how far it is published"),
    ("workers/broker.rs", "relay", "how far the log is published is one cursor over all companies"),
    ("workers/clockwork.rs", "operations", "read only: which companies a recurring task has something to do for"),
    ("workers/clockwork.rs", "schedules", "a tick belongs to no company"),
    ("workers/log.rs", "operations", "read only: whether the log has news, and how far all have read"),
    ("workers/log.rs", "relay", "the log is read in its order over all companies"),
    ("workers/log.rs", "schedules", "listeners and schedules are made known once for the whole platform"),
];

/// Reads of a whole company, also for shop roles: file, what is read, and why that shows nothing.
const COMPANY_WIDE: &[(&str, &str, &str)] = &[
    ("models/inventory/holds.rs", "hold", "the promises of a basket that spans shops, to lock their stock"),
    ("models/inventory/holds.rs", "stock", "a basket may span shops; nothing of the rows is shown"),
    ("models/inventory/mod.rs", "stock", "availability is public"),
    ("models/inventory/shelf.rs", "hold", "whose promises a shelf no longer covers, whichever shop asked"),
    ("models/inventory/shelf.rs", "stock", "the shelf itself, found by its id in an act of Souk's own"),
    ("models/orders/forget.rs", "order", "whose orders they were is forgotten at every shop; only ids leave"),
    ("models/orders/list.rs", "event", "the timeline of orders that were found narrowed"),
    ("models/orders/list.rs", "item", "the lines of orders that were found narrowed"),
    ("models/orders/list.rs", "order", "a checkout's orders share one fate; acts concern them all, and views narrow again"),
    ("models/orders/shelf.rs", "item", "which lines wait for goods of a shelf, whichever shop's"),
    ("models/orders/shelf.rs", "order", "which orders wait for goods of a shelf, whichever shop's"),
    ("models/payments/mod.rs", "allocation", "a payment's shares are one sum; acts on the payment concern them all"),
    ("models/shops/write.rs", "shop", "how many shops the plan counts, whoever opens one"),
];

/// Deletes of rows that are written once: file, what goes, and why it may.
const LET_GO: &[(&str, &str, &str)] = &[
    ("models/audit/retain.rs", "entry", "entries past their time; the witness is told first"),
    ("models/audit/retain.rs", "link", "the links of those entries"),
];

/// Units that a controller begins by itself, past `access.read()` and `access.write()`: file, how often, and
/// why whoever gets there may.
const BY_HAND: &[(&str, usize, &str)] = &[
    ("controllers/api/auth.rs", 2, "whoever registers or signs out is not signed in yet, or no more"),
    ("controllers/once.rs", 2, "the answer of a unit that `Access` began is kept in one of its own"),
    ("controllers/portal/admin/audit.rs", 3, "the platform's people look at the company that they chose"),
    ("controllers/portal/admin/company.rs", 1, "the platform's people look at the company that they chose"),
    ("controllers/portal/admin/home.rs", 1, "the platform's own figures, in the snapshot of everybody's"),
    ("controllers/portal/admin/jobs.rs", 3, "the platform's people look after the jobs of the company that they chose"),
    ("controllers/portal/admin/mod.rs", 1, "the platform's own page, in the snapshot of everybody's figures"),
    ("controllers/portal/admin/settings.rs", 2, "the platform's own terms, and the texts that Souk brings along"),
    ("controllers/steward.rs", 7, "what the platform's people do to a company is written down in that company"),
];

/// Every use in the sources of what begins with `opening` and ends with `closing`: file and what is between.
fn uses(opening: &str, closing: &str) -> BTreeSet<(String, String)> {
    all_uses(opening, closing).into_iter().collect()
}

/// As [`uses`], each as often as it is there.
fn all_uses(opening: &str, closing: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let file = path.strip_prefix(&root).expect("inside").display().to_string();
            // The wall's own house is where these doors are made.
            if file.starts_with("tenancy/") && opening.contains("find") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("its text");
            for rest in text.split(opening).skip(1) {
                let (named, _) = rest.split_once(closing).expect("an end");
                found.push((file.clone(), named.to_owned()));
            }
        }
    }
    found
}

/// The difference between what is there and what is listed, in words.
fn compare(found: &BTreeSet<(String, String)>, listed: &[(&str, &str, &str)], list: &str) {
    let known: BTreeSet<_> = listed.iter().map(|(file, what, _)| ((*file).to_owned(), (*what).to_owned())).collect();
    let new: Vec<_> = found.difference(&known).collect();
    let gone: Vec<_> = known.difference(found).collect();
    assert!(new.is_empty() && gone.is_empty(), "add to {list} with its reason: {new:?}; remove from {list}: {gone:?}");
    assert!(listed.is_sorted(), "{list} is kept in order");
}

#[test]
fn work_across_companies_is_listed() {
    compare(&uses(".platform(\"", "\""), ACROSS_COMPANIES, "ACROSS_COMPANIES");
}

#[test]
fn reads_of_a_whole_company_are_listed() {
    compare(&uses("find_company_wide::<", "::Entity>"), COMPANY_WIDE, "COMPANY_WIDE");
}

#[test]
fn units_that_controllers_begin_by_themselves_are_listed() {
    let mut found = BTreeMap::new();
    for opening in ["souk().read(", "souk().write(", "souk.read(", "souk.write(", "into_scope("] {
        for (file, _) in all_uses(opening, ")").into_iter().filter(|(file, _)| file.starts_with("controllers/")) {
            *found.entry(file).or_default() += 1;
        }
    }
    let listed: BTreeMap<String, usize> = BY_HAND.iter().map(|(file, times, _)| ((*file).to_owned(), *times)).collect();
    assert_eq!(found, listed, "BY_HAND says which controllers begin units past `Access`, how often and why");
}

#[test]
fn deletes_of_what_is_written_once_are_listed() {
    compare(&uses("scope.retire(scope.delete::<", "::Entity>"), LET_GO, "LET_GO");
    let all = uses(".retire(", "<").len();
    assert_eq!(all, 1, "somebody retires rows in another way than `scope.retire(scope.delete::<…>()…)`");
}
