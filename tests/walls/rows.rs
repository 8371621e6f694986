//! PostgreSQL's own wall: a unit that forgets to narrow sees its company's rows all the same.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait};

use crate::support::{World, order};

/// Asks one number as the role of the shop, for a company or for none.
async fn count(db: &DatabaseConnection, company: &str, question: &str) -> Result<i64, DbErr> {
    let tx = db.begin().await?;
    let enter = format!("SELECT set_config('role', 'souk_app', true), set_config('app.company_id', '{company}', true)");
    tx.query_one_raw(Statement::from_string(DbBackend::Postgres, enter)).await?;
    let row = tx.query_one_raw(Statement::from_string(DbBackend::Postgres, question)).await;
    tx.rollback().await?;
    row?.expect("a row").try_get::<i64>("", "n")
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_company_are_not_there() {
    for world in World::all().await {
        for (company, orders) in [(&world.a, 1), (&world.b, 2)] {
            for number in 0..orders {
                let token = world.customer(company, &format!("row{number}@example.test")).await;
                world.client.post(&token, "/api/orders", &order(company, 0, 1, "test", Some("tok_ok"))).await.expect(201);
            }
        }
        world.verify().await;
        if world.is_postgres() {
            let db = world.raw().await;
            let (a, b) = (world.a.id.to_string(), world.b.id.to_string());
            let orders = "SELECT count(*) AS n FROM orders";
            assert_eq!(count(&db, &a, orders).await.expect("a count"), 1);
            assert_eq!(count(&db, &b, orders).await.expect("a count"), 2);
            assert_eq!(count(&db, "", orders).await.expect("a count"), 0);
            let ask = "SELECT DISTINCT table_name::text AS name FROM information_schema.columns \
                       WHERE table_schema = 'public' AND column_name = 'company_id'";
            let tables = db.query_all_raw(Statement::from_string(DbBackend::Postgres, ask)).await.expect("tables");
            let mut readable = 0;
            for table in tables {
                let name: String = table.try_get("", "name").expect("a name");
                // A table that this role may not read at all is a wall as well.
                if let Ok(found) = count(&db, &a, &format!("SELECT count(*) AS n FROM {name} WHERE company_id <> '{a}'")).await {
                    assert_eq!(found, 0, "{name}");
                    readable += 1;
                }
            }
            assert!(readable > 20, "only {readable} tables could be read");
            db.close().await.expect("closed");
        }
        world.close().await;
    }
}
