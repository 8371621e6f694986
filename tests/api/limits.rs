//! Who is asked to wait, and whom a proxy speaks for.

use std::num::NonZeroU32;

use serde_json::json;
use souk::{
    clock,
    settings::RateLimits,
    tenancy::limits::{Client as Caller, Limits, Meter, Proxies},
};

use crate::support::{Answer, Client, PASSWORD, World, text};

fn rates(doors: u32, guests: u32, person: u32, company: u32) -> Option<RateLimits> {
    let of = |figure| NonZeroU32::new(figure).expect("a figure");
    Some(RateLimits { doors: of(doors), guests: of(guests), person: of(person), company: of(company) })
}

fn figure(answer: &Answer, header: &str) -> i64 {
    answer.headers[header].to_str().expect("a text").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_fills_up_again_evenly() {
    let limits = Limits::new(rates(1_000, 1_000, 6, 1_000));
    let take = |person: &str| {
        let meter = Meter::default();
        (limits.admit(Caller::Person(person.as_bytes()), &meter).is_ok(), meter.nearest().expect("a standing").remaining)
    };
    let seen: Vec<_> = (0..7).map(|_| take("one")).collect();
    assert_eq!(seen, [(true, 5), (true, 4), (true, 3), (true, 2), (true, 1), (true, 0), (false, 0)]);
    assert_eq!(take("another"), (true, 5), "one does not wait for another");
    assert_eq!(clock::shifted(9_000_000, async { take("one") }).await, (false, 0));
    assert_eq!(clock::shifted(11_000_000, async { take("one") }).await, (true, 0));
    assert_eq!(clock::shifted(120_000_000, async { take("one") }).await, (true, 5));
    let off = Limits::new(None);
    let meter = Meter::default();
    assert!((0..10_000).all(|_| off.admit(Caller::Guest("192.0.2.1"), &meter).is_ok()) && meter.nearest().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_household_of_addresses_is_one_client() {
    let limits = Limits::new(rates(2, 2, 2, 2));
    let knock = |address: &str| limits.admit(Caller::Door(address), &Meter::default()).is_ok();
    assert!(knock("2001:db8::1") && knock("2001:db8::ffff:2"));
    assert!(!knock("2001:db8:0:0:1::3"), "the same 64 bits");
    assert!(knock("2001:db8:0:1::1"));
    assert!(knock("192.0.2.1") && knock("::ffff:192.0.2.1") && !knock("192.0.2.1"), "one machine, written in two ways");
    assert!(limits.admit(Caller::Guest("192.0.2.1"), &Meter::default()).is_ok(), "another limit");
}

#[test]
fn the_client_is_whom_the_last_trusted_proxy_saw() {
    let proxies = Proxies::parse("10.0.0.0/8, 192.0.2.7, fd00::/8").expect("networks");
    let client = |peer: &str, forwarded: &[&str]| proxies.client(peer.parse().expect("an address"), forwarded.iter().copied()).to_string();
    assert_eq!(client("203.0.113.5", &["198.51.100.1"]), "203.0.113.5", "a stranger's word is not believed");
    assert_eq!(client("10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
    assert_eq!(client("10.1.2.3", &["6.6.6.6, 198.51.100.1"]), "198.51.100.1", "what the client wrote itself");
    assert_eq!(client("10.1.2.3", &["6.6.6.6", "198.51.100.1, 192.0.2.7", "10.9.9.9"]), "198.51.100.1");
    assert_eq!(client("10.1.2.3", &["10.0.0.1"]), "10.0.0.1", "from inside");
    assert_eq!(client("10.1.2.3", &["198.51.100.1, unknown"]), "10.1.2.3");
    assert_eq!(client("10.1.2.3", &[]), "10.1.2.3");
    assert_eq!(client("fd00::1", &["2001:db8::5"]), "2001:db8::5");
    assert_eq!(client("::ffff:10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
    for wrong in ["10.0.0.0/33", "proxy.example.test", "10.0.0.0/x"] {
        assert!(Proxies::parse(wrong).is_err(), "{wrong}");
    }
}

/// Signs in wrongly as somebody behind the proxy.
async fn knock(client: &Client, address: &str) -> Answer {
    let body = json!({ "email": "nobody@alpha.test", "password": PASSWORD });
    client.call("POST", "/api/auth/login", None, Some("alpha"), Some(&body), &[("x-forwarded-for", address)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_closes_for_one_address_and_not_for_another() {
    for world in World::all().await {
        let behind_proxy = world
            .beside(|settings| {
                settings.rate_limits = rates(3, 1_000, 1_000, 1_000);
                settings.trusted_proxies = "127.0.0.1".into();
            })
            .await;
        for _ in 0..3 {
            knock(&behind_proxy, "198.51.100.1").await.refused(401, "wrong_credentials");
        }
        let refused = knock(&behind_proxy, "198.51.100.1").await;
        assert_eq!((figure(&refused, "ratelimit-limit"), figure(&refused, "ratelimit-remaining")), (3, 0));
        assert!((1..=20).contains(&figure(&refused, "retry-after")), "{:?}", refused.headers);
        refused.refused(429, "too_many_requests");
        knock(&behind_proxy, "198.51.100.2").await.refused(401, "wrong_credentials");
        let admin = world.staff(&world.a, "admin").await;
        let failed = world.client.get(&admin, "/api/audit/logs?action=sign_in_failed").await.expect(200);
        let noted: Vec<_> = failed["data"].as_array().expect("a list").iter().map(|entry| text(&entry["ipAddress"])).collect();
        assert_eq!(noted, ["198.51.100.2", "198.51.100.1", "198.51.100.1", "198.51.100.1"], "the client, not the proxy");

        // Without a list of proxies nobody's word counts: all of these are one client.
        let alone = world.beside(|settings| settings.rate_limits = rates(3, 1_000, 1_000, 1_000)).await;
        for number in 1..=3 {
            knock(&alone, &format!("198.51.100.{number}")).await.refused(401, "wrong_credentials");
        }
        knock(&alone, "198.51.100.9").await.refused(429, "too_many_requests");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_and_a_company_have_limits_of_their_own() {
    for world in World::all().await {
        let busy = world.beside(|settings| settings.rate_limits = rates(100, 5, 10, 20)).await;
        let one = world.token_of(&world.a, world.a.customer.clone()).await;
        let two = world.customer(&world.a, "second@alpha.test").await;
        let neighbour = world.token_of(&world.b, world.b.customer.clone()).await;
        let first = busy.get(&one, "/api/orders").await;
        assert_eq!((first.status, figure(&first, "ratelimit-limit"), figure(&first, "ratelimit-remaining")), (200, 10, 9));
        for _ in 0..9 {
            assert_eq!(busy.get(&one, "/api/orders").await.status, 200);
        }
        busy.get(&one, "/api/orders").await.refused(429, "too_many_requests");
        for _ in 0..10 {
            assert_eq!(busy.get(&two, "/api/orders").await.status, 200);
        }
        let guest = async || busy.call("GET", "/api/products", None, Some("alpha"), None, &[]).await.status;
        for _ in 0..5 {
            assert_eq!(guest().await, 200);
        }
        assert_eq!(guest().await, 429, "a guest's address");
        let third = world.customer(&world.a, "third@alpha.test").await;
        busy.get(&third, "/api/orders").await.refused(429, "too_many_requests");
        assert_eq!(busy.get(&neighbour, "/api/orders").await.status, 200, "the neighbour does not wait for a noisy company");
        for _ in 0..5 {
            busy.get("not.a.token", "/api/orders").await;
        }
        busy.get("not.a.token", "/api/orders").await.refused(429, "too_many_requests");
        assert!(!world.client.get(&one, "/api/orders").await.headers.contains_key("ratelimit-limit"), "switched off here");
        assert_eq!(text(&busy.get("not.a.token", "/api/orders").await.body["code"]), "too_many_requests");
        world.verify().await;
        world.close().await;
    }
}
