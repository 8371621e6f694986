//! What the steps of the schema are made with: a table of SQLite that is rebuilt loses nothing, and a
//! step that leaves a row pointing at nothing is not kept.

use async_trait::async_trait;
use migration::{MigratorTrait, step, tenant::rebuild_table};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// A database as a migration has it: foreign keys are off.
async fn database() -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).map_sqlx_sqlite_opts(|options| options.foreign_keys(false));
    let db = sea_orm::Database::connect(options).await.expect("a database");
    for sql in [
        "CREATE TABLE shelf (id integer PRIMARY KEY, label text)",
        "CREATE UNIQUE INDEX shelf_label ON shelf (label)",
        "CREATE TRIGGER shelf_kept BEFORE DELETE ON shelf WHEN old.label = 'left' BEGIN SELECT RAISE(ABORT, 'kept'); END",
        "INSERT INTO shelf VALUES (1, 'left'), (2, 'right')",
        "CREATE TABLE box (id integer PRIMARY KEY, shelf_id integer NOT NULL REFERENCES shelf (id))",
        "INSERT INTO box VALUES (10, 1), (11, 2), (12, 2)",
    ] {
        db.execute_unprepared(sql).await.expect("set up");
    }
    db
}

const WIDER: &str = "CREATE TABLE shelf_new (id integer PRIMARY KEY, label text NOT NULL, height integer NOT NULL DEFAULT 0)";

#[tokio::test]
async fn a_rebuilt_table_keeps_its_rows_indexes_triggers_and_children() {
    let db = &database().await;
    rebuild_table(db, "shelf", WIDER, "id, label").await.expect("rebuilt");
    assert!(db.execute_unprepared("INSERT INTO shelf (id, label) VALUES (3, 'left')").await.is_err(), "the index is gone");
    assert!(db.execute_unprepared("DELETE FROM shelf WHERE id = 1").await.is_err(), "the trigger is gone");
    assert!(db.execute_unprepared("INSERT INTO shelf (id, label) VALUES (4, NULL)").await.is_err(), "the new rule is not there");
    let kept = db.execute_unprepared("UPDATE shelf SET height = 2 WHERE label IN ('left', 'right')").await.expect("both rows");
    assert_eq!(kept.rows_affected(), 2);

    let children = db.execute_unprepared("UPDATE box SET shelf_id = 1 WHERE shelf_id = 2").await.expect("the children");
    assert_eq!(children.rows_affected(), 2, "rows of the child are gone");
    db.execute_unprepared("PRAGMA foreign_keys = ON").await.expect("on");
    assert!(db.execute_unprepared("INSERT INTO box VALUES (13, 9)").await.is_err(), "the child no longer points at the table");
    db.execute_unprepared("INSERT INTO box VALUES (13, 2)").await.expect("a child of a row that is there");
}

/// A step that rebuilds the table, and forgets the row that children point at.
struct Forgetful;

impl MigrationName for Forgetful {
    fn name(&self) -> &str {
        "forgetful"
    }
}

#[async_trait]
impl MigrationTrait for Forgetful {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("DELETE FROM shelf WHERE label = 'right'").await?;
        rebuild_table(db, "shelf", WIDER, "id, label").await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

struct Steps;

#[async_trait]
impl MigratorTrait for Steps {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![step(Forgetful)]
    }
}

#[tokio::test]
async fn a_step_that_leaves_a_row_pointing_at_nothing_is_not_kept() {
    let db = &database().await;
    let refused = Steps::up(db, None).await.expect_err("a child of nothing");
    assert!(refused.to_string().contains("forgetful would leave rows that point at nothing: box points at shelf"), "{refused}");
    assert!(db.execute_unprepared("UPDATE shelf SET height = 1").await.is_err(), "the step was kept");
    let rows = db.execute_unprepared("UPDATE shelf SET label = label").await.expect("the table as it was");
    assert_eq!(rows.rows_affected(), 2);
}
