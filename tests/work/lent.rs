//! The platform lends its transaction to one company after the other.

use serde_json::json;
use souk::{
    models::{companies, jobs, jobs::Kind},
    tenancy::{Platform, Tenant},
};

use crate::support::World;

async fn wanted(platform: &Platform) -> i64 {
    jobs::figures(platform).await.expect("figures").iter().map(|one| one.ready).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lent_unit_is_its_companys_and_is_kept_or_undone_alone() {
    for world in World::all().await {
        let (a, b) = (Tenant::system(world.a.id), Tenant::system(world.b.id));
        let platform = world.souk.platform("relay").await.expect("the platform");
        let lent = platform.scope(a.clone()).await.expect("lent");
        assert_eq!(companies::own(&lent).await.expect("the company").id, world.a.id);
        jobs::enqueue(&lent, Kind::Deliver, "kept", json!({})).await.expect("wanted");
        assert!(platform.scope(b.clone()).await.is_err(), "it is lent to one at a time");
        lent.keep().await.expect("kept");
        assert_eq!(wanted(&platform).await, 1, "the platform sees everybody again");

        let lent = platform.scope(b.clone()).await.expect("lent");
        jobs::enqueue(&lent, Kind::Deliver, "undone", json!({})).await.expect("wanted");
        lent.undo().await.expect("undone");
        assert_eq!(wanted(&platform).await, 1);
        platform.commit().await.expect("kept");

        let platform = world.souk.platform("relay").await.expect("the platform");
        let lent = platform.scope(b).await.expect("lent");
        jobs::enqueue(&lent, Kind::Deliver, "forgotten", json!({})).await.expect("wanted");
        drop(lent);
        platform.commit().await.expect_err("a unit was left open");

        let platform = world.souk.platform("operations").await.expect("the platform");
        assert_eq!(wanted(&platform).await, 1, "{}", world.souk.engine());
        drop(platform);
        world.close().await;
    }
}
