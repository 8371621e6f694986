//! Lists by name stand as people expect them: a name has a form without case and accents beside it,
//! by which its list is sorted. Goods had theirs from the beginning.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, Statement, Value, prelude::Uuid},
};
use unicode_normalization::UnicodeNormalization;

use crate::tenant::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// What has a name, and whether its rows are a company's.
const TABLES: [(&str, bool); 5] = [("customers", true), ("members", true), ("shops", true), ("companies", false), ("staff", false)];
/// So many rows are written by one statement.
const BATCH: usize = 500;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        let is_postgres = db.get_database_backend() == DbBackend::Postgres;
        let text = if is_postgres { "text COLLATE \"C\"" } else { "text" };
        for (table, is_of_tenant) in TABLES {
            let is_walled = is_postgres && table != "staff";
            run(db, &format!("ALTER TABLE {table} ADD COLUMN sort_name {text} NOT NULL DEFAULT ''")).await?;
            // A forced owner sees no row: what is filled here is let go of first, and held again afterwards.
            if is_walled {
                run(db, &format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")).await?;
            }
            fill(db, table).await?;
            if is_walled {
                run(db, &format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY")).await?;
            }
            let company = if is_of_tenant { "company_id, " } else { "" };
            run(db, &format!("CREATE INDEX {table}_by_name ON {table} ({company}sort_name, id)")).await?;
        }
        run(db, "DROP INDEX customers_name").await?;
        run(db, "DROP INDEX members_name").await
    }
}

/// Writes the form of every name that is there.
async fn fill(db: &SchemaManagerConnection<'_>, table: &str) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    // The platform's own row has the lowest id there is.
    let (mut last, mut beyond) = (Uuid::nil(), ">=");
    loop {
        let ask = format!("SELECT id, name FROM {table} WHERE id {beyond} $1 ORDER BY id LIMIT {BATCH}");
        let rows = db.query_all_raw(Statement::from_sql_and_values(backend, ask, [last.into()])).await?;
        let Some(end) = rows.last() else { return Ok(()) };
        (last, beyond) = (end.try_get("", "id")?, ">");
        let mut values: Vec<Value> = Vec::with_capacity(rows.len() * 2);
        for row in &rows {
            values.push(row.try_get::<Uuid>("", "id")?.into());
            values.push(folded(&row.try_get::<String>("", "name")?).into());
        }
        let pairs: Vec<_> = (0..rows.len()).map(|row| format!("(${}, ${})", 2 * row + 1, 2 * row + 2)).collect();
        let pairs = pairs.join(", ");
        let write = format!("UPDATE {table} SET sort_name = form.column2 FROM (VALUES {pairs}) AS form WHERE {table}.id = form.column1");
        db.execute_raw(Statement::from_sql_and_values(backend, write, values)).await?;
    }
}

/// As the program folded words when this step was written: what a step did stays what it did.
fn folded(name: &str) -> String {
    let is_accent = |letter: char| matches!(letter, '\u{300}'..='\u{36f}');
    let is_of_word =
        |letter: char| letter.is_alphanumeric() || unicode_normalization::char::is_combining_mark(letter) && !is_accent(letter);
    let plain = name.nfkd().filter(|letter| !is_accent(*letter)).flat_map(char::to_lowercase);
    let spaced: String = plain.map(|letter| if is_of_word(letter) { letter } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
