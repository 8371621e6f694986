//! What people see of jobs in trouble, and what they do about them.

use serde_json::json;
use souk::{
    clock,
    ids::{JobId, StaffId},
    models::jobs::{self, Again, Kind, Narrowed},
    tenancy::{Actor, Role, Tenant},
};

use super::meddle;
use crate::support::{Company, World};

/// A job that fails at once, for ever: its delivery is not there.
async fn hopeless(world: &World, company: &Company) {
    let scope = world.souk.write(Tenant::system(company.id)).await.expect("a scope");
    let nothing = JobId::new();
    jobs::enqueue(&scope, Kind::Deliver, &nothing.to_string(), json!({ "deliveryId": nothing })).await.expect("wanted");
    scope.commit().await.expect("kept");
}

async fn troubles(world: &World, narrowed: &Narrowed) -> Vec<jobs::Job> {
    let platform = world.souk.platform("operations").await.expect("the platform");
    jobs::troubles(&platform, narrowed, None, 100).await.expect("a list")
}

/// All that failed dies the next time it is tried, which is now.
async fn kill(world: &World) {
    meddle(world, "UPDATE jobs SET attempts = 12 WHERE attempts > 0").await;
    meddle(world, "UPDATE jobs SET run_at = 0 WHERE state = 'ready'").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_seen_dies_and_is_replayed_by_a_person_with_an_audit_entry() {
    for world in World::all().await {
        hopeless(&world, &world.a).await;
        hopeless(&world, &world.b).await;
        souk::workers::turn(&world.souk).await.expect("a turn");
        let failing = troubles(&world, &Narrowed { is_dead: Some(false), ..Narrowed::default() }).await;
        assert_eq!(failing.len(), 2);
        assert_eq!((failing[0].source(), failing[0].attempts, failing[0].last_error.as_str()), ("notifications.deliver", 1, "not found"));
        let platform = world.souk.platform("operations").await.expect("the platform");
        let figures = jobs::figures(&platform).await.expect("figures");
        let notifications = figures.iter().find(|one| one.queue == "notifications").expect("the queue");
        assert_eq!((notifications.failed, notifications.waiting, notifications.dead), (2, 2, 0));
        drop(platform);

        kill(&world).await;
        souk::workers::turn(&world.souk).await.expect("a turn");
        let of_a = Narrowed { company: Some(world.a.id), is_dead: Some(true), ..Narrowed::default() };
        let dead = troubles(&world, &of_a).await;
        assert_eq!(dead.len(), 1);
        let platform = world.souk.platform("operations").await.expect("the platform");
        let figures = jobs::figures_of(&platform, world.a.id).await.expect("figures");
        assert_eq!(figures.iter().map(|one| one.dead).sum::<i64>(), 1);
        drop(platform);

        let person = Tenant { actor: Actor::Platform(StaffId::new()), role: Role::SuperAdmin, ..Tenant::system(world.a.id) };
        let again = Again { narrowed: of_a.clone(), by: person.actor.id(), asked_at: clock::now().micros(), jobs: 1 };
        assert_eq!(jobs::replay_all(&world.souk, &person, &again).await.expect("replayed"), 1);
        assert_eq!(jobs::replay_all(&world.souk, &person, &again).await.expect("nothing is left"), 0);
        assert!(troubles(&world, &of_a).await.is_empty());
        let admin = world.staff(&world.a, "admin").await;
        let entries = world.client.get(&admin, "/api/audit/logs?action=replay").await.expect(200);
        assert_eq!(entries["data"][0]["resourceId"], dead[0].id.to_string(), "{entries}");
        let admin = world.staff(&world.b, "admin").await;
        let entries = world.client.get(&admin, "/api/audit/logs?action=replay").await.expect(200);
        assert_eq!(entries["data"], json!([]));
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_given_up_stays_given_up_and_the_neighbours_cannot_be_reached() {
    for world in World::all().await {
        hopeless(&world, &world.a).await;
        hopeless(&world, &world.b).await;
        souk::workers::turn(&world.souk).await.expect("a turn");
        let theirs = troubles(&world, &Narrowed { company: Some(world.b.id), ..Narrowed::default() }).await.remove(0);
        let mine = troubles(&world, &Narrowed { company: Some(world.a.id), ..Narrowed::default() }).await.remove(0);
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        assert_eq!(jobs::discard(&scope, theirs.id).await.expect_err("not ours").status(), 404);
        assert_eq!(jobs::troubles_of(&scope, &Narrowed::default(), None, 10).await.expect("a list").len(), 1);
        jobs::discard(&scope, mine.id).await.expect("given up");
        assert_eq!(jobs::replay(&scope, mine.id).await.expect_err("given up").code(), "not_in_trouble");
        scope.commit().await.expect("kept");
        kill(&world).await;
        souk::workers::turn(&world.souk).await.expect("a turn");
        let left = troubles(&world, &Narrowed::default()).await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].company_id, world.b.id);
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_wanted_twice_is_done_once() {
    for world in World::all().await {
        let nothing = JobId::new();
        for _ in 0..2 {
            let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
            for _ in 0..2 {
                jobs::enqueue(&scope, Kind::Deliver, "the same", json!({ "deliveryId": nothing })).await.expect("wanted");
            }
            scope.commit().await.expect("kept");
        }
        let platform = world.souk.platform("operations").await.expect("the platform");
        let figures = jobs::figures(&platform).await.expect("figures");
        assert_eq!(figures.iter().map(|one| one.ready).sum::<i64>(), 1);
        drop(platform);
        world.close().await;
    }
}
