//! Sealing: entries get their place in the company's chain, and the chain's head its witness.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::{
    checkpoint::{Column as Witnessed, Entity as Checkpoints},
    entry, link, unsealed,
    witness::{self, Kind},
};
use crate::{
    clock,
    errors::Result,
    ids::CompanyId,
    tenancy::{Platform, Scope, Souk, Tenant, keys},
};

/// Entries sealed in one unit.
const BATCH: u64 = 500;

/// What a link commits to: the entry with its salt, so that the hash gives nothing away. Of
/// personal values it has their own commitments, so that it holds when they are erased.
fn commitment(entry: &entry::Model) -> String {
    let text = json!([
        entry.salt,
        entry.id,
        entry.actor_id,
        entry.shop_id,
        entry.actor_role,
        entry.action,
        entry.resource,
        entry.resource_id,
        entry.request_id,
        entry.origin_hash,
        entry.personal_hash,
        entry.changes,
        entry.created_at,
    ]);
    keys::hash(text.to_string().as_bytes())
}

pub(super) fn chained(previous: &str, number: i64, entry: &entry::Model) -> String {
    keys::hash(format!("{previous}:{number}:{}", commitment(entry)).as_bytes())
}

/// The companies that have entries which nobody has sealed.
pub async fn companies_with_unsealed(platform: &Platform) -> Result<Vec<CompanyId>> {
    let rows = platform.ask("SELECT DISTINCT company_id FROM audit_unsealed", vec![]).await?;
    rows.into_iter().map(|row| Ok(CompanyId(row.try_get("", "company_id")?))).collect()
}

/// The companies whose chain has grown since its last checkpoint.
pub async fn companies_without_checkpoint(platform: &Platform) -> Result<Vec<CompanyId>> {
    let question = "SELECT id FROM companies WHERE COALESCE((SELECT MAX(number) FROM audit_links WHERE company_id = companies.id), 0) \
                    > COALESCE((SELECT MAX(number) FROM audit_checkpoints WHERE company_id = companies.id AND kind = 'head'), 0)";
    let rows = platform.ask(question, vec![]).await?;
    rows.into_iter().map(|row| Ok(CompanyId(row.try_get("", "id")?))).collect()
}

/// Seals a company's entries, up to 500; how many there were. An entry that was committed late is
/// sealed late: its place in the chain is that of its seal.
pub async fn seal(souk: &Souk, company: CompanyId) -> Result<u64> {
    let scope = souk.write(Tenant::system(company)).await?;
    // A chain has one end: two sealers at once would both tie on to it, or wait for each other's marks.
    scope.alone("seal").await?;
    let open = scope.find::<unsealed::Entity>().order_by_asc(unsealed::Column::Id).limit(BATCH);
    let open: Vec<_> = scope.all(open).await?.into_iter().map(|one| one.id).collect();
    if open.is_empty() {
        return Ok(0);
    }
    let marks = scope.delete::<unsealed::Entity>().filter(unsealed::Column::Id.is_in(open.iter().copied()));
    let sealed = scope.remove(marks).await?;
    let last = scope.one(scope.find::<link::Entity>().order_by_desc(link::Column::Number)).await?;
    let (mut previous, mut number) = last.map_or((String::new(), 0), |last| (last.hash, last.number));
    let entries = scope.find::<entry::Entity>().filter(entry::Column::Id.is_in(open)).order_by_asc(entry::Column::Id);
    let mut links = Vec::new();
    for entry in scope.all(entries).await? {
        number += 1;
        let hash = chained(&previous, number, &entry);
        links.push(link::Model { company_id: company, id: entry.id, hash: hash.clone(), previous, number, created_at: clock::now() });
        previous = hash;
    }
    scope.insert_all(links).await?;
    scope.commit().await?;
    Ok(sealed)
}

/// Seals all there is of a company at the moment.
///
/// # Errors
/// When the database is away.
pub async fn seal_all(souk: &Souk, company: CompanyId) -> Result<()> {
    while seal(souk, company).await? == BATCH {
        // The shop's own writes go first.
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Authenticates the chain's head and appends it outside the database.
pub async fn checkpoint(souk: &Souk, company: CompanyId) -> Result<()> {
    let scope = souk.write(Tenant::system(company)).await?;
    let Some(head) = head(&scope).await? else { return Ok(()) };
    let known = scope.find::<Checkpoints>().filter(Witnessed::Number.eq(head.number));
    if scope.one(known.filter(Witnessed::Kind.eq("head"))).await?.is_some() {
        return Ok(());
    }
    witness::testify(&scope, Kind::Head, head.number, &head.hash).await?;
    scope.commit().await
}

/// The newest link.
pub(super) async fn head(scope: &Scope) -> Result<Option<link::Model>> {
    scope.one(scope.find::<link::Entity>().order_by_desc(link::Column::Number)).await
}
