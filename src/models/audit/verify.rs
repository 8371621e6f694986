//! Looking at the whole chain: every link against its entry and its predecessor, and against the witness.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::json;

use super::{
    check::{Column as Looked, Entity as Checks, Model as Look},
    entry, link, personal,
    seal::{chained, head},
    unsealed, values,
    witness::{self, Testimony, Witness, heard_so_far},
};
use crate::{
    clock::{self, Instant},
    errors::Result,
    events::Event,
    ids::{AuditId, CompanyId, RowId},
    tenancy::{Platform, Scope, Souk, Tenant},
};

/// Links looked at in one read.
const PAGE: u64 = 500;
/// So many faults say enough.
const FAULTS_MAX: usize = 100;
/// What to do about a witness that is not whole. It need not be the work of anybody bad: the file
/// may not have come along with a restored backup, or this process has a folder of its own.
const MEND: &str = "`checkpoints.log` in the data folder (SOUK_DATA_DIR) was removed or cut, or this is not the folder that the \
                    workers write to; put the file back from its backup, or say `souk task witness`";
/// An entry without a mark and without a link is one that somebody keeps out of the chain.
const SEALED_WITHIN: std::time::Duration = std::time::Duration::from_secs(300);
/// For so long what was found is kept.
const CHECKS_KEPT: std::time::Duration = std::time::Duration::from_secs(90 * 24 * 3_600);

/// What a look at the chain found.
#[derive(Clone, Debug, Default)]
pub struct ChainState {
    /// The number of the newest link.
    pub sealed: i64,
    pub faults: Vec<String>,
}

impl ChainState {
    fn fault(&mut self, what: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(what);
        }
    }
}

/// Walks the whole chain, page by page.
pub async fn verify(scope: &Scope) -> Result<ChainState> {
    let heard = heard_so_far(scope.souk()).await?;
    verify_as_of(scope, heard).await
}

/// As [`verify`], in a unit that began when the witness had said no more than this.
pub async fn verify_as_of(scope: &Scope, heard: Testimony) -> Result<ChainState> {
    let mut state = ChainState::default();
    let witness = witness::hear(scope.souk(), scope.company(), heard).await?;
    let lacking = witness::lacking(scope, &witness).await?;
    if let Some(first) = lacking.first() {
        state.fault(format!("the witness lacks {} checkpoints, the first is that of link {}: {MEND}", lacking.len(), first.number));
    }
    for number in &witness.forged {
        state.fault(format!("checkpoint {number} is not authentic"));
    }
    let mut first = None;
    let mut previous: Option<link::Model> = None;
    loop {
        let page = scope.find::<link::Entity>().filter(link::Column::Number.gt(state.sealed));
        let page = scope.all(page.order_by_asc(link::Column::Number).limit(PAGE)).await?;
        let Some(last) = page.last() else { break };
        state.sealed = last.number;
        let (entries, values) = of_links(scope, &page).await?;
        for link in page {
            match &previous {
                None => {
                    first = Some(link.number);
                    check_start(&mut state, &witness, &link);
                }
                Some(previous) if link.number != previous.number + 1 || link.previous != previous.hash => {
                    state.fault(format!("link {} does not follow its predecessor", link.number));
                }
                Some(_) => {}
            }
            check_link(&mut state, &witness, &link, entries.get(&link.id), values.get(&link.id));
            previous = Some(link);
        }
    }
    // Heads before the first link were let go with their entries; the start vouches for those.
    let (first, sealed) = (first.unwrap_or(0), state.sealed);
    for (number, _) in witness.heads.range(first..).filter(|(number, _)| **number > sealed) {
        state.fault(format!("the chain no longer reaches checkpoint {number}"));
    }
    for id in kept_out(scope).await? {
        state.fault(format!("entry {id} is kept out of the chain"));
    }
    Ok(state)
}

/// The entries of some links, and their personal values.
async fn of_links(scope: &Scope, links: &[link::Model]) -> Result<(BTreeMap<AuditId, entry::Model>, BTreeMap<AuditId, values::Model>)> {
    let ids = || links.iter().map(|link| link.id);
    let entries = scope.all(scope.find::<entry::Entity>().filter(entry::Column::Id.is_in(ids()))).await?;
    let values = scope.all(scope.find::<values::Entity>().filter(values::Column::EntryId.is_in(ids()))).await?;
    let entries = entries.into_iter().map(|entry| (entry.id, entry)).collect();
    Ok((entries, values.into_iter().map(|values| (values.entry_id, values)).collect()))
}

/// The chain begins with the first entry there ever was, or behind those that were let go.
fn check_start(state: &mut ChainState, witness: &Witness, link: &link::Model) {
    let begins = if link.number == 1 {
        link.previous.is_empty()
    } else {
        witness.starts.get(&(link.number - 1)).is_some_and(|hash| *hash == link.previous)
    };
    if !begins {
        state.fault(format!("the chain begins at link {}, and nobody let go what was before", link.number));
    }
}

fn check_link(state: &mut ChainState, witness: &Witness, link: &link::Model, entry: Option<&entry::Model>, values: Option<&values::Model>) {
    match entry {
        None => state.fault(format!("the entry of link {} is gone", link.number)),
        Some(entry) => {
            if chained(&link.previous, link.number, entry) != link.hash {
                state.fault(format!("the entry of link {} was altered", link.number));
            }
            if let Some(values) = values {
                let kept = |said: &serde_json::Value, hash: &str| personal::is_none(said) || personal::hash(said) == hash;
                if !kept(&values.origin, &entry.origin_hash) || !kept(&values.personal, &entry.personal_hash) {
                    state.fault(format!("a personal value of link {} was altered", link.number));
                }
            }
        }
    }
    for said in [&witness.heads, &witness.starts] {
        if said.get(&link.number).is_some_and(|hash| *hash != link.hash) {
            state.fault(format!("the chain no longer matches checkpoint {}", link.number));
        }
    }
}

/// Entries that are neither sealed nor marked to be.
async fn kept_out(scope: &Scope) -> Result<Vec<AuditId>> {
    let linked = scope.find::<link::Entity>().select_only().column(link::Column::Id);
    let marked = scope.find::<unsealed::Entity>().select_only().column(unsealed::Column::Id);
    let loose = scope
        .find::<entry::Entity>()
        .filter(entry::Column::CreatedAt.lt(clock::now().minus(SEALED_WITHIN)))
        .filter(entry::Column::Id.not_in_subquery(linked.into_query()))
        .filter(entry::Column::Id.not_in_subquery(marked.into_query()));
    Ok(scope.all(loose.order_by_asc(entry::Column::Id).limit(10)).await?.into_iter().map(|entry| entry.id).collect())
}

/// What the last look found, and when.
#[derive(Clone, Debug)]
pub struct Check {
    pub at: Instant,
    pub sealed: i64,
    pub faults: Vec<String>,
}

/// How the chain stands: what the last look found, how far it reaches now, how much waits for its seal.
#[derive(Clone, Debug)]
pub struct Standing {
    pub checked: Option<Check>,
    pub sealed: i64,
    /// Up to 1,000.
    pub waiting: usize,
}

/// How the chain stands, without looking at it.
pub async fn standing(scope: &Scope) -> Result<Standing> {
    let last = scope.one(scope.find::<Checks>().order_by_desc(Looked::Id)).await?;
    let checked =
        last.map(|row| Check { at: row.created_at, sealed: row.sealed, faults: serde_json::from_value(row.faults).unwrap_or_default() });
    let sealed = head(scope).await?.map_or(0, |head| head.number);
    let waiting = scope.all(scope.find::<unsealed::Entity>().limit(1_000)).await?.len();
    Ok(Standing { checked, sealed, waiting })
}

/// Looks at a company's chain, and keeps what was found; a broken one is told to its admins.
pub async fn check(souk: &Souk, company: CompanyId) -> Result<ChainState> {
    let scope = souk.read(Tenant::system(company)).await?;
    let state = verify(&scope).await?;
    drop(scope);
    let scope = souk.write(Tenant::system(company)).await?;
    keep(&scope, &state).await?;
    scope.commit().await?;
    Ok(state)
}

/// Keeps what a look found.
pub async fn keep(scope: &Scope, state: &ChainState) -> Result<()> {
    let now = clock::now();
    let row = Look { company_id: scope.company(), id: RowId::new(), sealed: state.sealed, faults: json!(state.faults), created_at: now };
    scope.insert(row).await?;
    scope.remove(scope.delete::<Checks>().filter(Looked::CreatedAt.lt(now.minus(CHECKS_KEPT)))).await?;
    if !state.faults.is_empty() {
        tracing::error!(company.id = %scope.company(), faults = state.faults.len(), "the audit chain is broken");
        let data = json!({ "what": "chain_broken", "faults": state.faults.len() });
        scope.emit(Event::new("audit.security", ("company", scope.company().0), None, data)).await?;
    }
    Ok(())
}

/// The companies whose chain nobody has looked at since `since`.
pub async fn companies_unchecked_since(platform: &Platform, since: Instant) -> Result<Vec<CompanyId>> {
    let question = "SELECT id FROM companies WHERE EXISTS (SELECT 1 FROM audit_links WHERE company_id = companies.id) \
                    AND NOT EXISTS (SELECT 1 FROM audit_checks WHERE company_id = companies.id AND id >= $1)";
    let rows = platform.ask(question, vec![RowId::first_at(since).0.into()]).await?;
    rows.into_iter().map(|row| Ok(CompanyId(row.try_get("", "id")?))).collect()
}

/// The companies in whose chain the last look found a fault.
pub async fn companies_with_faults(platform: &Platform) -> Result<Vec<CompanyId>> {
    let question = "SELECT c.company_id AS id FROM audit_checks c WHERE CAST(c.faults AS text) <> '[]' AND NOT EXISTS \
                    (SELECT 1 FROM audit_checks later WHERE later.company_id = c.company_id AND later.id > c.id)";
    let rows = platform.ask(question, vec![]).await?;
    rows.into_iter().map(|row| Ok(CompanyId(row.try_get("", "id")?))).collect()
}
