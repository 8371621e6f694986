//! What time does to orders: holds end, unpaid orders are called off.

use std::time::Duration;

use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, sea_query::Expr};

use super::{
    cancel::{Cancellation, cancel},
    checkout, order,
    status::Status,
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::CompanyId,
    models::{companies, inventory},
    tenancy::{Platform, Souk, Tenant},
};

/// Releases the company's holds that are past their time, one checkout a unit. The order stays
/// pending and can be paid while stock lasts.
pub async fn release_due(souk: &Souk, company: CompanyId) -> Result<u64> {
    let scope = souk.read(Tenant::system(company)).await?;
    let due = inventory::due_checkouts(&scope).await?;
    drop(scope);
    let mut released = 0;
    for id in due {
        let scope = souk.write(Tenant::system(company)).await?;
        let mark = scope
            .update::<checkout::Entity>()
            .col_expr(checkout::Column::State, Expr::value("released"))
            .col_expr(checkout::Column::ReservedUntil, Expr::value(None::<clock::Instant>))
            .filter(checkout::Column::Id.eq(id))
            .filter(checkout::Column::State.eq("open"));
        scope.run(mark).await?;
        released += inventory::release_due_of(&scope, id).await?;
        scope.commit().await?;
    }
    Ok(released)
}

/// The companies with orders that stayed unpaid for longer than they wait; read from each
/// company's index of orders by status.
pub async fn companies_with_unpaid(platform: &Platform) -> Result<Vec<CompanyId>> {
    let question = "SELECT id FROM companies WHERE EXISTS (SELECT 1 FROM orders WHERE orders.company_id = companies.id \
                    AND orders.status = 'pending' AND orders.created_at <= $1 - companies.unpaid_hours * 3600000000)";
    let rows = platform.ask(question, vec![clock::now().micros().into()]).await?;
    rows.into_iter().map(|row| Ok(CompanyId(row.try_get("", "id")?))).collect()
}

/// Calls off orders that stayed unpaid for longer than the company waits.
pub async fn cancel_unpaid(souk: &Souk, company: CompanyId) -> Result<()> {
    let scope = souk.read(Tenant::system(company)).await?;
    let hours = u64::try_from(companies::own(&scope).await?.unpaid_hours).unwrap_or(24);
    let old = clock::now().minus(Duration::from_secs(hours * 3_600));
    let unpaid = scope
        .find::<order::Entity>()
        .filter(order::Column::Status.eq(Status::Pending))
        .filter(order::Column::CreatedAt.lte(old))
        .limit(200);
    let unpaid = scope.all(unpaid).await?;
    drop(scope);
    for order in unpaid {
        let scope = souk.write(Tenant::system(company)).await?;
        match cancel(&scope, order.id, &Cancellation { reason: "not paid in time".into(), items: None }).await {
            Ok(_) => scope.commit().await?,
            // It is being paid this moment, or somebody was faster: the next tick looks again.
            Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
