//! Every event on its way to RabbitMQ: what arrives where, and what happens while it is away.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};
use souk::{tenancy::Souk, workers, workers::Engine};
use uuid::Uuid;

use crate::{
    notifications::buy,
    support::{
        World,
        cable::Cable,
        fleet::{Process, each_once, free_port, shoppers},
        rabbit::{Message, Rabbit, SERVER, firsts},
        say,
    },
};

/// The log as it lies in the database: each event's id and the envelope it should have.
async fn log(world: &World) -> Vec<(Uuid, Value)> {
    let platform = world.souk.platform("verify").await.expect("the platform");
    let rows = platform.ask("SELECT * FROM outbox ORDER BY position", vec![]).await.expect("the log");
    let events = rows.iter().map(|row| {
        let (text, id) = (|name| row.try_get::<String>("", name).expect("a text"), |name| row.try_get::<Uuid>("", name).expect("an id"));
        let (maybe, number) =
            (|name| row.try_get::<Option<Uuid>>("", name).expect("an id or none"), |name| row.try_get::<i64>("", name).expect("a number"));
        let at = DateTime::from_timestamp_micros(number("created_at")).expect("a moment");
        let envelope = json!({
            "id": id("id"), "type": text("kind"), "version": 1, "companyId": id("company_id"), "shopId": maybe("shop_id"),
            "aggregate": { "type": text("aggregate_type"), "id": id("aggregate_id"), "seq": number("seq") },
            "actor": { "userId": maybe("actor_id"), "role": text("actor_role"), "via": text("via") },
            "occurredAt": at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "data": row.try_get::<Value>("", "data").expect("data"),
        });
        (id("id"), envelope)
    });
    events.collect()
}

/// Asserts that everything in the log arrived, and each aggregate's events in their order.
async fn all_arrived(world: &World, messages: &[Message]) {
    let arrived: BTreeSet<Uuid> = firsts(messages).into_iter().map(Message::id).collect();
    let lost: Vec<_> = log(world).await.into_iter().filter(|(id, _)| !arrived.contains(id)).map(|(_, envelope)| envelope).collect();
    assert!(lost.is_empty(), "{}: {} events did not arrive: {lost:#?}", world.souk.engine(), lost.len());
}

/// How many committed events RabbitMQ has not been told.
async fn behind(world: &World) -> i64 {
    let cursor = "(SELECT COALESCE(MAX(position), 0) FROM consumer_cursors WHERE name = 'broker')";
    world.count(&format!("SELECT COUNT(*) FROM outbox WHERE position IS NULL OR position > {cursor}")).await
}

async fn caught_up(world: &World) {
    let since = Instant::now();
    while behind(world).await > 0 {
        assert!(since.elapsed() < Duration::from_secs(60), "{} events still wait", behind(world).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn broker_is(world: &World, status: &str) {
    let since = Instant::now();
    loop {
        let health = world.client.call("GET", "/api/health/all", None, None, None, &[]).await.expect(200);
        assert_eq!(health["status"], "ok", "the shop itself is well");
        if health["components"]["broker"]["status"] == status {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "not `{status}` within half a minute: {health}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_lies_in_its_queues_as_it_was_told() {
    let Some(rabbit) = Rabbit::new().await else { return };
    for world in World::all_with(|settings| settings.amqp_url = Some(rabbit.url(None).parse().expect("an address"))).await {
        let engine = world.souk.engine();
        let email = format!("broker@{engine}.test");
        let new = json!({ "email": email, "password": crate::support::PASSWORD, "name": "Nobody Else" });
        world.client.call("POST", "/api/auth/register", None, Some("alpha"), Some(&new), &[]).await.expect(201);
        let token = world.client.login("alpha", &email).await;
        let order = buy(&world, &world.a, &token).await;
        let id = order["id"].as_str().expect("an id");
        world.client.post(&token, &format!("/api/orders/{id}/cancel"), &json!({ "reason": "changed my mind" })).await.expect(200);
        workers::turn(&world.souk).await.expect("a turn");

        let messages = rabbit.taken().await;
        all_arrived(&world, &messages).await;
        assert_eq!(firsts(&messages).len(), messages.len(), "nothing came twice");
        let log = log(&world).await;
        for message in &messages {
            let (_, envelope) = log.iter().find(|(id, _)| *id == message.id()).expect("an event of the log");
            assert_eq!(&message.body, envelope);
            assert!(message.text.starts_with(&format!("{{\"id\":\"{}\",\"type\":\"", message.id())), "{}", message.text);
            let properties = &message.properties;
            assert_eq!((message.exchange.as_str(), &message.body["type"]), ("ecommerce_exchange", &json!(message.routing_key)));
            assert_eq!(properties.message_id().as_ref().map(ToString::to_string), Some(message.id().to_string()));
            assert_eq!(properties.content_type().as_ref().map(ToString::to_string).as_deref(), Some("application/json"));
            assert_eq!(*properties.delivery_mode(), Some(2), "it outlives RabbitMQ's own end");
            assert!(!message.text.contains("Nobody Else") && !message.text.contains(&email), "{}", message.text);
        }
        for (kind, queues) in [
            ("user.registered", ["user.events", "analytics.events"].as_slice()),
            ("user.logged_in", &["auth.events", "analytics.events"]),
            ("order.created", &["order.events", "analytics.events"]),
            ("order.confirmed", &["order.events", "analytics.events"]),
            ("order.cancelled", &["order.events", "analytics.events"]),
            ("payment.success", &["payment.events", "analytics.events"]),
            ("payment.refunded", &["payment.events", "analytics.events"]),
            ("inventory.updated", &["inventory.events"]),
            ("notification.requested", &["notification.events"]),
            ("product.created", &["product.events"]),
            ("shop.created", &["shop.events"]),
        ] {
            let lies: BTreeSet<_> = messages.iter().filter(|message| message.routing_key == kind).map(|message| message.queue).collect();
            assert_eq!(lies, queues.iter().copied().collect::<BTreeSet<_>>(), "{kind}");
        }
        assert_eq!(behind(&world).await, 0);
        workers::turn(&world.souk).await.expect("a turn");
        assert!(rabbit.taken().await.is_empty(), "told once, it is not told again");
        world.verify().await;
        rabbit.taken().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_full_stops_the_log_and_turns_no_order_around() {
    let Some(rabbit) = Rabbit::new().await else { return };
    for world in World::all_with(|settings| settings.amqp_url = Some(rabbit.url(None).parse().expect("an address"))).await {
        workers::turn(&world.souk).await.expect("a turn");
        rabbit.taken().await;
        rabbit.narrow(7).await;
        let before = log(&world).await.len();
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        for _ in 0..4 {
            buy(&world, &world.a, &token).await;
        }
        workers::turn(&world.souk).await.expect("a turn, whatever RabbitMQ says");
        assert!(behind(&world).await > 0, "what was refused is not thought to be told");
        assert!(world.count("SELECT failures FROM consumer_cursors WHERE name = 'broker'").await > 0);
        rabbit.widen().await;
        workers::turn(&world.souk).await.expect("a turn");
        assert_eq!((behind(&world).await, world.count("SELECT failures FROM consumer_cursors WHERE name = 'broker'").await), (0, 0));
        let messages = rabbit.taken().await;
        let arrived: BTreeSet<_> = firsts(&messages).into_iter().map(Message::id).collect();
        let told = log(&world).await;
        assert!(told.iter().skip(before).all(|(id, _)| arrived.contains(id)), "{} of {}", arrived.len(), told.len() - before);
        assert!(messages.len() > firsts(&messages).len(), "what came through beside the refused one came again");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rabbitmq_goes_away_and_shops_sell_and_it_hears_everything_afterwards() {
    let Some(rabbit) = Rabbit::new().await else { return };
    let cable = Cable::lay(SERVER).await;
    let address: souk::gateways::broker::Address = rabbit.url(Some(cable.address)).parse().expect("an address");
    let change = |settings: &mut souk::settings::Settings| {
        settings.amqp_url = Some(address.clone());
        settings.lease_seconds = 6;
    };
    for world in World::all_with(change).await {
        let token = world.token_of(&world.a, world.a.customer.clone()).await;
        let engine = Engine::start(world.souk.clone(), None, true).await.expect("an engine");
        broker_is(&world, "ok").await;
        buy(&world, &world.a, &token).await;
        caught_up(&world).await;

        cable.cut();
        broker_is(&world, "down").await;
        let mut slowest = Duration::ZERO;
        for _ in 0..10 {
            let since = Instant::now();
            buy(&world, &world.a, &token).await;
            slowest = slowest.max(since.elapsed());
        }
        let waiting = behind(&world).await;
        assert!(waiting >= 30, "{waiting} events wait");
        assert!(slowest < Duration::from_secs(5), "a checkout took {slowest:?} while RabbitMQ was away");
        let since = Instant::now();
        cable.mend();
        broker_is(&world, "ok").await;
        caught_up(&world).await;
        let took = since.elapsed();

        // Cut again and again while events are on their way.
        for _ in 0..6 {
            for _ in 0..3 {
                buy(&world, &world.a, &token).await;
            }
            tokio::time::sleep(Duration::from_millis(60)).await;
            cable.cut();
            tokio::time::sleep(Duration::from_millis(150)).await;
            cable.mend();
        }
        caught_up(&world).await;
        engine.stop().await;
        let messages = rabbit.taken().await;
        all_arrived(&world, &messages).await;
        say(format_args!(
            "rabbitmq ({}): away and back, {waiting} events caught up in {} ms, {} of {} messages were repetitions, slowest checkout meanwhile {} ms",
            world.souk.engine(),
            took.as_millis(),
            messages.len() - firsts(&messages).len(),
            messages.len(),
            slowest.as_millis(),
        ));
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_processes_tell_rabbitmq_in_order_and_one_of_them_is_killed() {
    let Some(rabbit) = Rabbit::new().await else { return };
    let mut worlds = World::all().await;
    let sqlite = worlds.remove(0);
    sqlite.close().await;
    let Some(world) = worlds.pop() else {
        return say(format_args!("rabbitmq, several processes: skipped, this needs PostgreSQL"));
    };
    let folder = world.souk.settings().data_dir.join("config");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("test.yaml"), "settings: { lease_seconds: 3 }").expect("a file");
    let url = rabbit.url(None);
    let start = |role, port| Process::start_with(&world, &[("AMQP_URL", &url)], role, port);
    let ports = [free_port(), free_port()];
    let mut webs = [start("--server", ports[0]), start("--server", ports[1])];
    let mut workers = [start("--worker", 0), start("--worker", 0)];
    let crowd = shoppers(&world, ports, 20, Duration::from_millis(150)).await;
    for turn in 0..4 {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        workers[turn % 2].kill();
        workers[turn % 2] = start("--worker", 0);
    }
    let placed = crowd.join_all().await;
    crate::support::fleet::drained(&world).await;
    each_once(&world, &placed, 0).await;
    caught_up(&world).await;
    for program in workers.iter_mut().chain(&mut webs) {
        program.stop();
    }
    let messages = rabbit.taken().await;
    all_arrived(&world, &messages).await;
    let repeated = messages.len() - firsts(&messages).len();
    say(format_args!("rabbitmq, two workers killed four times: {} messages, {repeated} of them repetitions, none lost", messages.len()));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rabbitmq_has_not_heard_is_kept_and_without_an_address_nothing_waits_for_it() {
    let month = 31 * 86_400 * 1_000_000_i64;
    let nobody = format!("amqp://guest:guest@127.0.0.1:{}", free_port());
    for world in World::all_with(|settings| settings.amqp_url = Some(nobody.parse().expect("an address"))).await {
        let cursor = "SELECT COUNT(*) FROM consumer_cursors WHERE name = 'broker'";
        workers::turn(&world.souk).await.expect("a turn without RabbitMQ");
        assert_eq!(world.count(cursor).await, 1);
        broker_is(&world, "down").await;
        let events = world.count("SELECT COUNT(*) FROM outbox").await;
        souk::clock::shifted(month, async {
            for _ in 0..3 {
                workers::turn(&world.souk).await.expect("a turn");
            }
        })
        .await;
        assert!(world.count("SELECT COUNT(*) FROM outbox").await >= events, "nothing is forgotten that it has not heard");

        workers::turn(&world.souk).await.expect("a turn of today, which gives the cursor back today");
        let settings = souk::settings::Settings { amqp_url: None, ..world.souk.settings().clone() };
        let without = Souk::open(settings).await.expect("the same shop without RabbitMQ");
        let engine = Engine::start(without.clone(), None, true).await.expect("an engine");
        for _ in 0..200 {
            if world.count(cursor).await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        engine.stop().await;
        assert_eq!(world.count(cursor).await, 0, "{}", world.souk.engine());
        souk::clock::shifted(month + 2 * 3_600 * 1_000_000, async {
            for _ in 0..3 {
                workers::turn(&without).await.expect("a turn");
            }
        })
        .await;
        assert!(world.count("SELECT COUNT(*) FROM outbox").await < events, "it is forgotten once nobody waits for it");
        assert_eq!(world.count(cursor).await, 0);
        world.close().await;
    }
}
