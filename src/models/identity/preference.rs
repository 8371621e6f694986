//! What a customer likes: lists and recommendations may follow it.

use schemars::JsonSchema;
use sea_orm::{
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{customer, profile::check_language, sign_in::find_customer};
use crate::{
    clock::{self, Instant},
    errors::Result,
    ids::{CompanyId, CustomerId, RowId},
    tenancy::{Scope, owned},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer_preferences")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RowId,
    pub customer_id: CustomerId,
    pub organic: bool,
    pub seasonal: bool,
    pub local: bool,
    pub updated_at: Instant,
    pub version: i64,
}

owned!();

/// What a customer likes, and the language they read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    pub organic: bool,
    pub seasonal: bool,
    pub local: bool,
    pub language: String,
}

/// What is absent stays.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreferencesChange {
    pub organic: Option<bool>,
    pub seasonal: Option<bool>,
    pub local: Option<bool>,
    pub language: Option<String>,
}

/// A customer's preferences; none of them until they say so.
///
/// # Errors
/// 404 when there is no such customer.
pub async fn preferences(scope: &Scope, customer: CustomerId) -> Result<Preferences> {
    let language = find_customer(scope, customer).await?.language;
    let row = scope.one(scope.find::<Entity>().filter(Column::CustomerId.eq(customer))).await?;
    let (organic, seasonal, local) = row.map_or((false, false, false), |row| (row.organic, row.seasonal, row.local));
    Ok(Preferences { organic, seasonal, local, language })
}

/// # Errors
/// 422 for a language without texts.
pub async fn change_preferences(scope: &Scope, customer: CustomerId, change: PreferencesChange) -> Result<Preferences> {
    let language = change.language.as_deref().map(check_language).transpose()?;
    let now = clock::now();
    let fresh = Model {
        company_id: scope.company(),
        id: RowId::new(),
        customer_id: customer,
        organic: false,
        seasonal: false,
        local: false,
        updated_at: now,
        version: 0,
    };
    scope.insert_unless_there(fresh, &[Column::CompanyId, Column::CustomerId]).await?;
    let before = preferences(scope, customer).await?;
    let after = Preferences {
        organic: change.organic.unwrap_or(before.organic),
        seasonal: change.seasonal.unwrap_or(before.seasonal),
        local: change.local.unwrap_or(before.local),
        language: language.unwrap_or_else(|| before.language.clone()),
    };
    let update = scope
        .update::<Entity>()
        .col_expr(Column::Organic, Expr::value(after.organic))
        .col_expr(Column::Seasonal, Expr::value(after.seasonal))
        .col_expr(Column::Local, Expr::value(after.local))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::CustomerId.eq(customer));
    scope.run(update).await?;
    if after.language != before.language {
        let update = scope
            .update::<customer::Entity>()
            .col_expr(customer::Column::Language, Expr::value(after.language.as_str()))
            .col_expr(customer::Column::UpdatedAt, Expr::value(now))
            .col_expr(customer::Column::Version, Expr::col(customer::Column::Version).add(1))
            .filter(customer::Column::Id.eq(customer));
        scope.run(update).await?;
    }
    let changes = vec![
        ("organic", json!(before.organic), json!(after.organic)),
        ("seasonal", json!(before.seasonal), json!(after.seasonal)),
        ("local", json!(before.local), json!(after.local)),
        ("language", json!(before.language), json!(after.language)),
    ];
    let changes = changes.into_iter().filter(|(_, before, after)| before != after).collect();
    scope.audit("update", "preferences", customer, None, changes).await?;
    Ok(after)
}
