//! What is known of goods beyond name and price: for produce, where it grew and how it keeps.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{checks::Checks, product};

/// All optional; what is absent is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Facts {
    pub origin: Option<String>,
    pub organic: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
    /// The months or the season in which there is some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub season: Option<String>,
    /// In the shop's words: `picked today`, `frozen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shelf_life_days: Option<i64>,
    /// Must stay cold on its way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cold_chain: bool,
    /// The code of goods on tax invoices (HSN).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_code: Option<String>,
    /// For 100 g, in words: `energy`: `61 kcal`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nutrition: BTreeMap<String, String>,
}

impl Facts {
    pub(super) fn stored(&self) -> Value {
        json!(self)
    }

    /// What is known of a product; its columns are what a filter reads, so they have the say.
    #[must_use]
    pub fn of(product: &product::Model) -> Self {
        let stored: Self = serde_json::from_value(product.facts.clone()).unwrap_or_default();
        Self { origin: product.origin.clone(), organic: product.is_organic, ..stored }
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        checks.text_opt("facts.origin", self.origin.as_deref(), 120);
        checks.text_opt("facts.season", self.season.as_deref(), 120);
        checks.text_opt("facts.freshness", self.freshness.as_deref(), 60);
        checks.text_opt("facts.taxCode", self.tax_code.as_deref(), 16);
        let days = self.shelf_life_days.is_none_or(|days| (1..=3_650).contains(&days));
        checks.that(days, "facts.shelfLifeDays", "out_of_range", "from 1 to 3650 days");
        checks.that(self.nutrition.len() <= 40, "facts.nutrition", "too_many", "at most 40 entries");
        for (name, amount) in &self.nutrition {
            let fits = !name.is_empty() && name.len() <= 60 && amount.len() <= 60;
            checks.that(fits, &format!("facts.nutrition.{name}"), "too_long", "at most 60 letters");
        }
    }
}
