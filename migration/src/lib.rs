//! The schema, step by step. A step is transactional on both databases.

mod m0001_foundation;
mod m0002_debts;
mod m0003_notifications;
mod m0004_catalog;
mod m0005_account;
mod m0006_people;
mod m0007_shelf;
mod m0009_work;
mod m0010_frame;
mod m0011_indexes;
mod m0015_audit;
mod m0016_event_order;
mod m0018_acting;
mod m0020_owing;
mod m0021_processes;
mod m0022_catalogue_order;
mod m0024_movements;
mod m0025_oversight;
mod m0026_numbers;
mod m0027_defaults;
mod m0030_logo;
mod m0031_closings;
mod m0032_publisher;
mod m0033_alerts_of_all;
mod m0034_accounts;
mod m0035_sorted_lists;
mod m0036_codes;
mod m0037_names;
mod m0038_translated;
mod m0039_domains;
pub mod tenant;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, Statement},
};

pub struct Migrator;

/// A step of the list. On SQLite, whose foreign keys are off meanwhile, one that leaves a row
/// pointing at nothing is not kept.
pub fn step(step: impl MigrationTrait + 'static) -> Box<dyn MigrationTrait> {
    Box::new(Step(step))
}

struct Step<M>(M);

impl<M: MigrationName> MigrationName for Step<M> {
    fn name(&self) -> &str {
        self.0.name()
    }
}

#[async_trait::async_trait]
impl<M: MigrationTrait> MigrationTrait for Step<M> {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.0.up(manager).await?;
        let db = manager.get_connection();
        if db.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        let ask = "SELECT DISTINCT \"table\" || ' points at ' || parent AS row FROM pragma_foreign_key_check";
        let broken = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, ask)).await?;
        let broken = broken.iter().map(|row| row.try_get::<String>("", "row")).collect::<Result<Vec<_>, _>>()?;
        if broken.is_empty() {
            return Ok(());
        }
        Err(DbErr::Migration(format!("{} would leave rows that point at nothing: {}", self.name(), broken.join(", "))))
    }

    fn use_transaction(&self) -> Option<bool> {
        self.0.use_transaction()
    }
}

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    #[rustfmt::skip]
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            step(m0001_foundation::Migration),
            step(m0002_debts::Migration),
            step(m0003_notifications::Migration),
            step(m0004_catalog::Migration),
            step(m0005_account::Migration),
            step(m0006_people::Migration),
            step(m0007_shelf::Migration),
            step(m0009_work::Migration),
            step(m0010_frame::Migration),
            step(m0011_indexes::Migration),
            step(m0015_audit::Migration),
            step(m0016_event_order::Migration),
            step(m0018_acting::Migration),
            step(m0020_owing::Migration),
            step(m0021_processes::Migration),
            step(m0022_catalogue_order::Migration),
            step(m0024_movements::Migration),
            step(m0025_oversight::Migration),
            step(m0026_numbers::Migration),
            step(m0027_defaults::Migration),
            step(m0030_logo::Migration),
            step(m0031_closings::Migration),
            step(m0032_publisher::Migration),
            step(m0033_alerts_of_all::Migration),
            step(m0034_accounts::Migration),
            step(m0035_sorted_lists::Migration),
            step(m0036_codes::Migration),
            step(m0037_names::Migration),
            step(m0038_translated::Migration),
            step(m0039_domains::Migration),
        ]
    }
}
