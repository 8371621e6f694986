//! How popular goods are: in how many orders of the last thirty days they were bought. Orders are
//! counted, not pieces, since some goods are sold by the gram; what was never paid or was called
//! off does not count. The figure stands in the product's row, where lists sort by it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::traded;
use crate::{
    clock::{self, Instant},
    errors::Result,
    ids::{CompanyId, ProductId},
    models::catalog,
    tenancy::{Platform, Souk, Tenant},
};

const WINDOW: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Products whose figure one unit changes; others come through between two.
const AT_ONCE: usize = 500;

fn since() -> Instant {
    clock::now().minus(WINDOW)
}

/// The companies that sold something in the window, or still say so of one that is over.
///
/// # Errors
/// When the database cannot be reached.
pub async fn companies_that_sell(platform: &Platform) -> Result<Vec<CompanyId>> {
    let question = "SELECT id FROM companies WHERE EXISTS (SELECT 1 FROM orders WHERE orders.company_id = companies.id \
                    AND orders.created_at >= $1) OR EXISTS (SELECT 1 FROM products WHERE products.company_id = companies.id \
                    AND products.popularity > 0)";
    let rows = platform.ask(question, vec![since().micros().into()]).await?;
    rows.into_iter().map(|row| Ok(CompanyId(row.try_get("", "id")?))).collect()
}

/// Counts anew how popular a company's goods are: one question for all of them, and a write only
/// for those whose figure is another one now.
///
/// # Errors
/// When the database cannot be reached; the next tick counts again.
pub async fn count_popularity(souk: &Souk, company: CompanyId) -> Result<()> {
    let scope = souk.read(Tenant::system(company)).await?;
    let counted = traded::orders_of_products(&scope, since()).await?;
    let known = catalog::popular(&scope).await?;
    drop(scope);
    for (figure, products) in changed(&known, &counted) {
        for part in products.chunks(AT_ONCE) {
            let scope = souk.write(Tenant::system(company)).await?;
            catalog::set_popularity(&scope, part, figure).await?;
            scope.commit().await?;
        }
    }
    Ok(())
}

/// The products whose figure changed, by the new one.
fn changed(known: &BTreeMap<ProductId, i64>, counted: &BTreeMap<ProductId, i64>) -> BTreeMap<i64, Vec<ProductId>> {
    let mut changed: BTreeMap<i64, Vec<ProductId>> = BTreeMap::new();
    for id in known.keys().chain(counted.keys()).copied().collect::<BTreeSet<_>>() {
        let figure = counted.get(&id).copied().unwrap_or_default();
        if known.get(&id).copied().unwrap_or_default() != figure {
            changed.entry(figure).or_default().push(id);
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_written() {
        let [sold, same, forgotten] = [ProductId::new(), ProductId::new(), ProductId::new()];
        let known = BTreeMap::from([(same, 2), (forgotten, 5)]);
        let counted = BTreeMap::from([(sold, 3), (same, 2)]);
        assert_eq!(changed(&known, &counted), BTreeMap::from([(0, vec![forgotten]), (3, vec![sold])]));
    }
}
