//! The work behind the shop: jobs, queues, the log and its listeners.

mod broker;
mod figures;
mod lanes;
mod large;
mod lent;
mod log;
mod people;
mod split;

use sea_orm::ConnectionTrait;

use crate::support::World;

/// Something that only time would do, done at once and around the wall.
async fn meddle(world: &World, sql: &str) {
    let db = world.raw().await;
    db.execute_unprepared(sql).await.expect("done");
    db.close().await.expect("closed");
}
