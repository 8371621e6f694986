//! Customers are found by their telephone number, with the country in front or without.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::tenant::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        let is_postgres = db.get_database_backend() == DbBackend::Postgres;
        // A forced owner sees no row: what is filled here is let go of first, and held again afterwards.
        let forced = async |verb: &str| {
            for table in ["customers", "person_words"] {
                if is_postgres {
                    run(db, &format!("ALTER TABLE {table} {verb} ROW LEVEL SECURITY")).await?;
                }
            }
            Ok::<_, DbErr>(())
        };
        forced("NO FORCE").await?;
        let new_id = if is_postgres { "gen_random_uuid()" } else { "randomblob(16)" };
        let digits = ["+", "-", "(", ")", " ", "."].iter().fold("phone".to_owned(), |text, sign| format!("replace({text}, '{sign}', '')"));
        let own = if is_postgres { format!("right({digits}, 10)") } else { format!("substr({digits}, -10)") };
        let words = [(digits.clone(), "phone <> ''".to_owned()), (own, format!("length({digits}) > 10"))];
        for (word, those) in words {
            run(
                db,
                &format!(
                    "INSERT INTO person_words (company_id, id, customer_id, word) \
                     SELECT company_id, {new_id}, id, {word} FROM customers WHERE {those}"
                ),
            )
            .await?;
        }
        forced("FORCE").await
    }
}
