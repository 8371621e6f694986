//! An account of a company's books, and what it tells.

use sea_orm::entity::prelude::*;

use super::{Account, Nature};
use crate::{
    clock::{self, Instant},
    errors::Result,
    ids::{CompanyId, LedgerAccountId},
    tenancy::{Scope, owned},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: CompanyId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LedgerAccountId,
    pub code: Account,
    pub kind: Nature,
    pub created_at: Instant,
}

owned!();

/// Opens the books of a new company.
///
/// # Errors
/// When they are open already, or the database cannot be reached.
pub async fn open_books(scope: &Scope) -> Result<()> {
    let created_at = clock::now();
    let account = |code: Account| Model { company_id: scope.company(), id: LedgerAccountId::new(), code, kind: code.nature(), created_at };
    scope.insert_all(Account::ALL.map(account).to_vec()).await
}
