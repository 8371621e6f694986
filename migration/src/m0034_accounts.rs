//! Each company's books have their accounts as rows, with what each tells: whoever reads the ledger
//! by itself need not know the program. New companies get them when they are opened.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::tenant::{append_only, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The accounts of today, with what they tell.
const ACCOUNTS: [(&str, &str); 11] = [
    ("gateway", "asset"),
    ("cash", "asset"),
    ("receivable", "asset"),
    ("sales", "income"),
    ("tax_payable", "liability"),
    ("sales_returns", "income"),
    ("payable", "liability"),
    ("bank", "asset"),
    ("platform_fees", "expense"),
    ("purchases", "expense"),
    ("debt_forgiven", "income"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        let is_postgres = db.get_database_backend() == DbBackend::Postgres;
        // A forced owner sees no row: what is filled here is let go of first, and held again afterwards.
        let forced = async |verb: &str| -> Result<(), DbErr> {
            for table in ["companies", "ledger_accounts"].into_iter().filter(|_| is_postgres) {
                run(db, &format!("ALTER TABLE {table} {verb} ROW LEVEL SECURITY")).await?;
            }
            Ok(())
        };
        let new_id = if is_postgres { "gen_random_uuid()" } else { "randomblob(16)" };
        forced("NO FORCE").await?;
        for (code, kind) in ACCOUNTS {
            let one = format!("SELECT id, {new_id}, '{code}', '{kind}', created_at FROM companies");
            run(db, &format!("INSERT INTO ledger_accounts (company_id, id, code, kind, created_at) {one}")).await?;
        }
        forced("FORCE").await?;
        append_only(db, "ledger_accounts").await
    }
}
