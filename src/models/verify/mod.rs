//! The invariants, over everything, in one snapshot: `souk task verify`.

mod questions;

use std::time::Duration;

use sea_orm::Value;

use self::questions::{INVARIANTS, LOOSE, ON_POSTGRESQL, ON_SQLITE};
use crate::{
    clock,
    errors::{Error, Result},
    ids::CompanyId,
    models::{
        audit::{self, Testimony},
        companies,
    },
    tenancy::{PLATFORM_COMPANY, Platform, Souk, Tenant},
};

/// What is so much later than it should be is past its time.
const PAST: Duration = Duration::from_secs(5 * 60);
/// A process that was seen so lately is there.
const LATELY: Duration = Duration::from_secs(60);

/// One promise that does not hold, with the row that breaks it.
#[derive(Clone, Debug)]
pub struct Fault {
    pub invariant: String,
    pub row: String,
}

/// Asks every invariant, of one company alone when named; what concerns the database as a whole is
/// asked only over everything.
///
/// # Errors
/// 404 `company_unknown` for a name that no company has; else when the database cannot be reached.
pub async fn all(souk: &Souk, only: Option<&str>) -> Result<Vec<Fault>> {
    // What the witness hears later is of rows that this look does not see.
    let testimony = audit::heard_so_far(souk).await?;
    let platform = souk.platform("verify").await?;
    let only = match only {
        Some(slug) => Some(company_of(&platform, slug).await?),
        None => None,
    };
    let mut faults = Vec::new();
    for (invariant, question) in INVARIANTS {
        ask(&platform, (*invariant).to_owned(), question, only, &mut faults).await?;
    }
    for (table, column, named) in LOOSE {
        let question = format!(
            "SELECT t.company_id AS company, [t.id] AS row FROM {table} t JOIN {named} n ON n.id = t.{column} \
             WHERE n.company_id <> t.company_id"
        );
        ask(&platform, format!("{column} of {table} names a row of the same company"), &question, only, &mut faults).await?;
    }
    if let Some(company) = only {
        look_at_chain(&platform, company, "the company", testimony, &mut faults).await?;
        return Ok(faults);
    }
    for (whole, question) in if souk.settings().is_sqlite() { ON_SQLITE } else { ON_POSTGRESQL } {
        for row in platform.ask(question, vec![]).await? {
            faults.push(Fault { invariant: (*whole).to_owned(), row: row.try_get("", "row")? });
        }
    }
    look_at_chain(&platform, PLATFORM_COMPANY, "the platform", testimony, &mut faults).await?;
    let mut after = None;
    loop {
        let page = companies::list(&platform, after, 100).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for one in &page {
            look_at_chain(&platform, one.id, &one.slug, testimony, &mut faults).await?;
        }
    }
    Ok(faults)
}

/// The company of a name, in whatever state it is.
async fn company_of(platform: &Platform, slug: &str) -> Result<CompanyId> {
    let found = platform.ask("SELECT id FROM companies WHERE slug = $1", vec![Value::from(slug)]).await?;
    let row = found.first().ok_or(Error::NotFound { code: "company_unknown" })?;
    Ok(CompanyId(row.try_get("", "id")?))
}

/// Asks one question, and adds the rows that break it.
async fn ask(platform: &Platform, invariant: String, question: &str, only: Option<CompanyId>, faults: &mut Vec<Fault>) -> Result<()> {
    let settings = platform.souk().settings();
    let ago = |time: Duration| clock::now().minus(time).micros().to_string();
    let (open, close) = if settings.is_sqlite() { ("lower(hex(", "))") } else { ("CAST(", " AS text)") };
    let question = question
        .replace('[', open)
        .replace(']', close)
        .replace("{past}", &ago(PAST))
        .replace("{lately}", &ago(LATELY))
        .replace("{paying}", &ago(Duration::from_secs(settings.paying_seconds) + PAST));
    let rows = match only {
        None => platform.ask(&question, vec![]).await?,
        Some(company) => {
            let narrowed = format!("SELECT broken.row AS row FROM ({question}) AS broken WHERE broken.company = $1");
            platform.ask(&narrowed, vec![Value::from(company.0)]).await?
        }
    };
    for row in rows {
        faults.push(Fault { invariant: invariant.clone(), row: row.try_get("", "row").unwrap_or_else(|_| "(a row)".into()) });
    }
    Ok(())
}

async fn look_at_chain(platform: &Platform, company: CompanyId, name: &str, heard: Testimony, faults: &mut Vec<Fault>) -> Result<()> {
    let scope = platform.scope(Tenant::system(company)).await?;
    let state = audit::verify_as_of(&scope, heard).await?;
    scope.undo().await?;
    faults
        .extend(state.faults.into_iter().map(|fault| Fault { invariant: "the audit chain holds".into(), row: format!("{name}: {fault}") }));
    Ok(())
}
