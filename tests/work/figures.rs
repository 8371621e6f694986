//! Figures for Prometheus: who may read them, and what they may not tell.

use std::net::SocketAddr;

use souk::{app, settings::Settings, tenancy::Souk};
use tokio::net::TcpListener;

use crate::support::{World, http, order};

/// The same shop served with other settings.
async fn served(settings: Settings) -> SocketAddr {
    let souk = Souk::open(settings).await.expect("a souk");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = app::router(&souk).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
    address
}

async fn ask(address: SocketAddr, token: Option<&str>) -> (u16, String) {
    let mut request = http().get(format!("http://{address}/metrics"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_for_whoever_knows_the_token_and_name_no_company() {
    let _ = souk::figures::start();
    for world in World::all().await {
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        let placed = world.client.post(&token, "/api/orders", &order(&world.a, 0, 1, "test", Some("tok_ok"))).await.expect(201);
        world.client.get(&token, &format!("/api/orders/{}", placed["orders"][0]["id"].as_str().expect("an id"))).await.expect(200);
        let cancel = format!("/api/orders/{}/cancel", placed["orders"][0]["id"].as_str().expect("an id"));
        world.client.post(&token, &cancel, &serde_json::json!({ "reason": "changed my mind" })).await.expect(200);
        souk::workers::turn(&world.souk).await.expect("a turn");
        let (status, page) = ask(world.client.address, None).await;
        assert_eq!(status, 200, "while developing they are open");
        for line in [
            "souk_queue_jobs{queue=\"notifications\",state=\"dead\"} 0",
            "souk_queue_oldest_seconds{queue=\"payments\"} 0",
            "souk_listener_behind_events{listener=\"notices\"} 0",
            "souk_outbox_unnumbered 0",
            "souk_database_connections{state=\"busy\"}",
            "souk_http_requests_total{method=\"GET\",route=\"/api/orders/{id}\",status=\"200\"}",
            "souk_jobs_total{kind=\"payments.refund\",outcome=\"done\"}",
        ] {
            assert!(page.contains(line), "`{line}` is not in\n{page}");
        }
        for secret in [world.a.id.to_string().as_str(), world.b.id.to_string().as_str(), "alpha", "MARKERA"] {
            assert!(!page.contains(secret), "{page}");
        }
        let settings = world.souk.settings().clone();
        let guarded = served(Settings { metrics_token: Some("the token".into()), ..settings }).await;
        assert_eq!(ask(guarded, None).await.0, 401);
        assert_eq!(ask(guarded, Some("another")).await.0, 401);
        assert_eq!(ask(guarded, Some("the token")).await.0, 200);
        world.close().await;
    }
}
