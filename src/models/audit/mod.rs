//! The audit: who did what, append-only, sealed into a hash chain per company.
//!
//! An entry is written with its change. The sealer links entries afterwards: each link hashes the
//! one before and a salted commitment to the entry. Every five minutes the head is authenticated
//! with a key the database does not have, and appended to `checkpoints.log` outside it.

pub mod checkpoint;
pub mod entry;
pub mod link;

use std::io::Write;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::json;
use uuid::Uuid;

pub use self::entry::Model as Entry;
use crate::{
    clock,
    errors::{Error, Result},
    ids::{AuditId, CompanyId, RowId},
    tenancy::{Scope, Souk, Tenant, keys},
};

/// What a list of entries is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub actor: Option<Uuid>,
    pub resource: Option<String>,
    pub resource_id: Option<String>,
    pub action: Option<String>,
}

/// Entries, newest first, from before `before`; shop roles see their shops'.
pub async fn list(scope: &Scope, filter: &Filter, before: Option<AuditId>, limit: u64) -> Result<Vec<Entry>> {
    let mut rows = scope.find::<entry::Entity>();
    if let Some(actor) = filter.actor {
        rows = rows.filter(entry::Column::ActorId.eq(actor));
    }
    if let Some(resource) = &filter.resource {
        rows = rows.filter(entry::Column::Resource.eq(resource.as_str()));
    }
    if let Some(id) = &filter.resource_id {
        rows = rows.filter(entry::Column::ResourceId.eq(id.as_str()));
    }
    if let Some(action) = &filter.action {
        rows = rows.filter(entry::Column::Action.eq(action.as_str()));
    }
    if let Some(before) = before {
        rows = rows.filter(entry::Column::Id.lt(before));
    }
    scope.all(rows.order_by_desc(entry::Column::Id).limit(limit)).await
}

/// # Errors
/// 404 when it is not there.
pub async fn get(scope: &Scope, id: AuditId) -> Result<Entry> {
    scope.get(scope.find::<entry::Entity>().filter(entry::Column::Id.eq(id))).await
}

/// What a link commits to: the entry with its salt, so that the hash gives nothing away.
fn commitment(entry: &Entry) -> String {
    let text = json!([
        entry.salt,
        entry.id,
        entry.actor_id,
        entry.shop_id,
        entry.actor_role,
        entry.actor_name,
        entry.action,
        entry.resource,
        entry.resource_id,
        entry.ip_address,
        entry.user_agent,
        entry.request_id,
        entry.changes,
        entry.created_at,
    ]);
    keys::hash(text.to_string().as_bytes())
}

fn chained(previous: &str, number: i64, entry: &Entry) -> String {
    keys::hash(format!("{previous}:{number}:{}", commitment(entry)).as_bytes())
}

/// Seals up to 500 entries of a company; how many there were.
pub async fn seal(souk: &Souk, company: CompanyId) -> Result<usize> {
    let scope = souk.write(Tenant::system(company)).await?;
    let last = scope.one(scope.find::<link::Entity>().order_by_desc(link::Column::Number)).await?;
    let (mut previous, mut number) = last.map_or((String::new(), 0), |last| (last.hash, last.number));
    let sealed = scope.find::<link::Entity>().select_only().column(link::Column::Id);
    let open = scope.find::<entry::Entity>().filter(entry::Column::Id.not_in_subquery(sealed.into_query()));
    let open = scope.all(open.order_by_asc(entry::Column::Id).limit(500)).await?;
    let mut links = Vec::with_capacity(open.len());
    for entry in &open {
        number += 1;
        let hash = chained(&previous, number, entry);
        links.push(link::Model { company_id: company, id: entry.id, hash: hash.clone(), previous, number, created_at: clock::now() });
        previous = hash;
    }
    // Two sealers at once collide on the number, and the later one starts over at the next tick.
    scope.insert_all(links).await?;
    scope.commit().await?;
    Ok(open.len())
}

/// Authenticates the chain's head and appends it outside the database.
pub async fn checkpoint(souk: &Souk, company: CompanyId) -> Result<()> {
    let scope = souk.write(Tenant::system(company)).await?;
    let Some(head) = scope.one(scope.find::<link::Entity>().order_by_desc(link::Column::Number)).await? else { return Ok(()) };
    let known = scope.find::<checkpoint::Entity>().filter(checkpoint::Column::Number.eq(head.number));
    if scope.one(known).await?.is_some() {
        return Ok(());
    }
    let key = souk.keys().newest();
    let mac = keys::mac(&key.checkpoints, format!("{company}:{}:{}", head.number, head.hash).as_bytes());
    let line = format!("{company} {} {} {} {mac}\n", head.number, head.hash, key.id);
    let row =
        checkpoint::Model { company_id: company, id: RowId::new(), hash: head.hash, mac, number: head.number, created_at: clock::now() };
    scope.insert(row).await?;
    // Outside first: a witness without its copy is complained about by nobody, a copy without its witness would be.
    let path = souk.settings().data_dir.join("checkpoints.log");
    std::fs::create_dir_all(&souk.settings().data_dir).map_err(Error::internal)?;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(Error::internal)?;
    file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(Error::internal)?;
    scope.commit().await
}

/// What a look at the chain found.
#[derive(Clone, Debug, Default)]
pub struct ChainState {
    pub sealed: i64,
    pub faults: Vec<String>,
}

/// Walks the whole chain: every link against its entry and its predecessor, the numbers without
/// a gap, and the witness's checkpoints against the links.
pub async fn verify(scope: &Scope) -> Result<ChainState> {
    let mut state = ChainState::default();
    let mut previous = String::new();
    let mut hashes = std::collections::BTreeMap::new();
    loop {
        let page = scope.find::<link::Entity>().filter(link::Column::Number.gt(state.sealed));
        let page = scope.all(page.order_by_asc(link::Column::Number).limit(500)).await?;
        if page.is_empty() {
            break;
        }
        let entries = scope.find::<entry::Entity>().filter(entry::Column::Id.is_in(page.iter().map(|link| link.id)));
        let entries: std::collections::BTreeMap<_, _> = scope.all(entries).await?.into_iter().map(|entry| (entry.id, entry)).collect();
        for link in page {
            if link.number != state.sealed + 1 || link.previous != previous {
                state.faults.push(format!("link {} does not follow its predecessor", link.number));
            }
            match entries.get(&link.id) {
                None => state.faults.push(format!("the entry of link {} is gone", link.number)),
                Some(entry) if chained(&link.previous, link.number, entry) != link.hash => {
                    state.faults.push(format!("the entry of link {} was altered", link.number));
                }
                Some(_) => {}
            }
            state.sealed = link.number;
            hashes.insert(link.number, link.hash.clone());
            previous = link.hash;
        }
    }
    let witness = std::fs::read_to_string(scope.souk().settings().data_dir.join("checkpoints.log")).unwrap_or_default();
    let company = scope.company().to_string();
    for line in witness.lines() {
        let parts: Vec<_> = line.split(' ').collect();
        let [of, number, hash, key, mac] = parts.as_slice() else { continue };
        if *of != company {
            continue;
        }
        let genuine = scope
            .souk()
            .keys()
            .of(key)
            .is_some_and(|key| keys::mac(&key.checkpoints, format!("{company}:{number}:{hash}").as_bytes()) == *mac);
        if !genuine {
            state.faults.push(format!("checkpoint {number} is not authentic"));
        } else if number.parse::<i64>().ok().and_then(|number| hashes.get(&number)).map(String::as_str) != Some(*hash) {
            state.faults.push(format!("the chain no longer matches checkpoint {number}"));
        }
    }
    Ok(state)
}
