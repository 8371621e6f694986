//! At which rate goods are taxed.

use std::collections::BTreeMap;

use sea_orm::{FromQueryResult, QuerySelect};

use super::{Product, category};
use crate::{errors::Result, ids::CategoryId, tenancy::Scope};

/// Rates in basis points: a product has that of its category, or of the nearest above it that has
/// one; else the company's.
#[derive(Debug)]
pub struct TaxRates {
    company: i64,
    tree: BTreeMap<CategoryId, Branch>,
}

/// What of a category bears on tax.
#[derive(Debug, FromQueryResult)]
struct Branch {
    id: CategoryId,
    parent_id: Option<CategoryId>,
    tax_rate_set: i64,
}

/// The rates of some products, where the company's own is `company`.
pub async fn tax_rates<'goods>(scope: &Scope, company: i64, goods: impl IntoIterator<Item = &'goods Product>) -> Result<TaxRates> {
    let mut tree = BTreeMap::new();
    if goods.into_iter().any(|product| product.category_id.is_some()) {
        let columns = [category::Column::Id, category::Column::ParentId, category::Column::TaxRateSet];
        let branches: Vec<Branch> = scope.all_as(scope.find::<category::Entity>().select_only().columns(columns)).await?;
        tree.extend(branches.into_iter().map(|branch| (branch.id, branch)));
    }
    Ok(TaxRates { company, tree })
}

impl TaxRates {
    #[must_use]
    pub fn of(&self, product: &Product) -> i64 {
        let mut at = product.category_id;
        // No way up is longer than the tree, whatever two changes at once have made of it.
        for _ in 0..=self.tree.len() {
            let Some(branch) = at.and_then(|id| self.tree.get(&id)) else { break };
            if branch.tax_rate_set >= 0 {
                return branch.tax_rate_set;
            }
            at = branch.parent_id;
        }
        self.company
    }
}
