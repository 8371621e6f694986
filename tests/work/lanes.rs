//! Queues that do not wait for each other, tenants that do not starve each other, workers that are lost.

use std::time::{Duration, Instant};

use serde_json::json;
use souk::{
    models::jobs::{self, Kind},
    settings::Settings,
    tenancy::{PLATFORM_COMPANY, Souk, Tenant},
    workers::Engine,
};
use tokio::net::TcpListener;

use super::meddle;
use crate::support::{Company, World, order, providers::Smtp, say, text};

async fn flood(world: &World, company: &Company, jobs: usize) {
    let scope = world.souk.write(Tenant::system(company.id)).await.expect("a scope");
    for number in 0..jobs {
        let args = json!({ "deliveryId": uuid::Uuid::now_v7() });
        jobs::enqueue(&scope, Kind::Deliver, &format!("{}{number}", company.slug), args).await.expect("wanted");
    }
    scope.commit().await.expect("kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_many_jobs_does_not_starve_another() {
    for world in World::all().await {
        flood(&world, &world.a, 300).await;
        flood(&world, &world.b, 3).await;
        let mut last = None;
        let mut taken = Vec::new();
        for _ in 0..3 {
            let claim = jobs::claim(&world.souk, "notifications", last, 8).await.expect("a claim");
            assert_eq!(claim.jobs.len(), if taken.is_empty() { 8 - 1 } else { 8 }, "{}", world.souk.engine());
            last = claim.last;
            taken.extend(claim.jobs.into_iter().map(|job| job.company_id));
        }
        assert_eq!(taken.iter().filter(|company| **company == world.b.id).count(), 3);
        let claim = jobs::claim(&world.souk, "notifications", last, 100).await.expect("a claim");
        assert_eq!(claim.jobs.len(), 10, "one claim takes ten of a company at most");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_own_jobs_have_their_turn() {
    for world in World::all().await {
        flood(&world, &world.a, 40).await;
        for (number, last) in [None, Some(world.a.id), Some(PLATFORM_COMPANY)].into_iter().enumerate() {
            let scope = world.souk.write(Tenant::system(PLATFORM_COMPANY)).await.expect("a scope");
            let args = json!({ "deliveryId": uuid::Uuid::now_v7() });
            jobs::enqueue(&scope, Kind::Deliver, &format!("the platform's {number}"), args).await.expect("wanted");
            scope.commit().await.expect("kept");
            let claim = jobs::claim(&world.souk, "notifications", last, 8).await.expect("a claim");
            let of = |company| claim.jobs.iter().filter(|job| job.company_id == company).count();
            assert_eq!((of(PLATFORM_COMPANY), of(world.a.id)), (1, 4), "{}: behind {last:?}", world.souk.engine());
        }
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_of_the_platform_gets_their_letter_for_a_forgotten_password() {
    let smtp = Smtp::open().await;
    for world in World::all_with(|settings| settings.smtp_url = Some(smtp.url())).await {
        world.client.form("", "/forgotten", &[("email", "root@souk.test")]).await;
        for _ in 0..3 {
            souk::workers::turn(&world.souk).await.expect("a turn");
        }
        assert_eq!(smtp.to("root@souk.test").len(), 1, "{}", world.souk.engine());
        smtp.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rival_workers_take_each_job_once() {
    for world in World::all().await {
        flood(&world, &world.a, 60).await;
        flood(&world, &world.b, 60).await;
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let souk = world.souk.clone();
            rivals.spawn(async move {
                let mut taken = Vec::new();
                let mut last = None;
                loop {
                    let claim = jobs::claim(&souk, "notifications", last, 16).await.expect("a claim");
                    if claim.jobs.is_empty() {
                        return taken;
                    }
                    last = claim.last;
                    taken.extend(claim.jobs.into_iter().map(|job| job.id));
                }
            });
        }
        let mut taken: Vec<_> = rivals.join_all().await.concat();
        assert_eq!(taken.len(), 120, "{}", world.souk.engine());
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), 120, "no job was taken twice");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_workers_job_is_done_by_another_and_the_lost_one_cannot_end_it() {
    for world in World::all().await {
        flood(&world, &world.a, 1).await;
        let lost = jobs::claim(&world.souk, "notifications", None, 1).await.expect("a claim").jobs.remove(0);
        meddle(&world, "UPDATE jobs SET lease_until = 1").await;
        souk::workers::turn(&world.souk).await.expect("a turn");
        souk::workers::turn(&world.souk).await.expect("a turn");
        meddle(&world, "UPDATE jobs SET run_at = 0").await;
        let again = jobs::claim(&world.souk, "notifications", None, 1).await.expect("a claim").jobs.remove(0);
        assert_eq!((again.id, again.attempts, again.last_error.as_str()), (lost.id, 2, "the worker was lost"));
        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        assert!(!jobs::done(&scope, &lost).await.expect("asked"), "its lease is another's now");
        assert!(jobs::done(&scope, &again).await.expect("asked"));
        drop(scope);
        world.close().await;
    }
}

/// A mail server that takes every call and never says a word.
async fn silent_mail_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut calls = Vec::new();
        while let Ok((call, _)) = listener.accept().await {
            calls.push(call);
        }
    });
    format!("smtp://{address}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_mail_server_does_not_hold_up_a_refund() {
    for world in World::all().await {
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        let mut placed = Vec::new();
        for _ in 0..20 {
            let answer = world.client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
            placed.push(text(&answer["orders"][0]["id"]));
        }
        let settings = Settings { smtp_url: Some(silent_mail_server().await), lease_seconds: 2, ..world.souk.settings().clone() };
        let souk = Souk::open(settings).await.expect("a souk with mail");
        let engine = Engine::start(souk, None, true).await.expect("an engine");
        let sending = "SELECT COUNT(*) FROM jobs WHERE queue = 'notifications' AND state = 'running'";
        wait_until(&world, sending, |running| running >= 3).await;
        let cancel = json!({ "reason": "changed my mind" });
        world.client.post(&token, &format!("/api/orders/{}/cancel", placed[0]), &cancel).await.expect(200);
        let since = Instant::now();
        wait_until(&world, "SELECT COUNT(*) FROM refunds WHERE state = 'completed'", |done| done == 1).await;
        say(format_args!("{}: the refund took {} ms", world.souk.engine(), since.elapsed().as_millis()));
        // The letters are still on their way: nobody else took them though their first leases are over.
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(world.count("SELECT COUNT(*) FROM jobs WHERE queue = 'notifications' AND attempts > 1").await, 0);
        drop(engine);
        world.close().await;
    }
}

async fn wait_until(world: &World, question: &str, holds: impl Fn(i64) -> bool) {
    for _ in 0..200 {
        if holds(world.count(question).await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within ten seconds: {question}: {}", world.count(question).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_is_away_for_an_hour_loses_no_letter() {
    for world in World::all().await {
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        for _ in 0..5 {
            world.client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        }
        let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
        let settings = Settings { smtp_url: Some(format!("smtp://{nobody}")), ..world.souk.settings().clone() };
        let away = Souk::open(settings).await.expect("a souk without its mail server");
        // Every few minutes of the hour somebody looks, and finds it away.
        for minute in (0..60).step_by(4) {
            souk::clock::shifted(minute * 60_000_000, souk::workers::turn(&away)).await.expect("a turn");
        }
        let sent = "SELECT COUNT(*) FROM notification_deliveries WHERE state = 'sent' AND channel = 'email'";
        assert_eq!(world.count(sent).await, 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM dead_letters").await, 0, "an hour is not too long");
        assert!(world.count("SELECT MIN(attempts) FROM jobs WHERE queue = 'notifications'").await > 5);
        let sink = Smtp::open().await;
        let settings = Settings { smtp_url: Some(sink.url()), ..world.souk.settings().clone() };
        let back = Souk::open(settings).await.expect("a souk with its mail server");
        souk::clock::shifted(2 * 3_600_000_000, souk::workers::turn(&back)).await.expect("a turn");
        let letters = sink.to(&world.a.customer.email);
        let confirmed = letters.iter().filter(|letter| letter.header("subject").contains("is confirmed")).count();
        assert_eq!(confirmed, 5, "{}", world.souk.engine());
        world.close().await;
    }
}
