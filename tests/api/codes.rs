//! Codes by SMS: they prove a customer's telephone, and sign in whoever has proved it.

use serde_json::{Value, json};
use souk::{
    clock,
    ids::CustomerId,
    models::{identity, personal},
    tasks::retain,
    tenancy::{Actor, Device, Role, Tenant},
};

use crate::{
    notifications::{Outside, id_of, reader, turn_at},
    support::{Answer, Company, World, text},
};

/// Every customer of these worlds has this telephone, written in one way or another.
const PHONE: &str = "+91 98000-00001";
/// From one code to the next that a telephone gets.
const PAUSE: i64 = 61;

async fn ask(world: &World, who: Option<&str>, company: Option<&str>, phone: &str) -> Answer {
    world.client.call("POST", "/api/auth/otp/send", who, company, Some(&json!({ "phone": phone })), &[]).await
}

async fn say(world: &World, who: Option<&str>, company: Option<&str>, code: &str) -> Answer {
    let body = json!({ "phone": PHONE, "code": code });
    world.client.call("POST", "/api/auth/otp/verify", who, company, Some(&body), &[]).await
}

/// Asks for a code `seconds` from now, without a sign-in.
async fn ask_at(world: &World, company: &Company, seconds: i64) {
    let tenant = Device::default().guest(company.id);
    clock::shifted(seconds * 1_000_000, identity::send_code(&world.souk, &tenant, PHONE)).await.expect("asked");
}

/// Says a code from an address `seconds` from now, without a sign-in: who is signed in by it.
async fn say_at(world: &World, company: &Company, seconds: i64, ip: &str, code: &str) -> Result<CustomerId, &'static str> {
    let device = Device { ip: ip.into(), ..Device::default() };
    let tenant = device.guest(company.id);
    let taken = identity::take_code(&world.souk, &tenant, &device, PHONE, code);
    clock::shifted(seconds * 1_000_000, taken).await.map(|customer| customer.id).map_err(|error| error.code())
}

/// The digits of the newest SMS, which is the only one there is.
fn digits(outside: &Outside) -> String {
    let accepted = outside.providers.accepted();
    assert_eq!(accepted.len(), 1, "{accepted:#?}");
    assert_eq!(accepted[0]["to"], "+919800000001");
    let digits: String = text(&accepted[0]["body"]).chars().filter(char::is_ascii_digit).collect();
    assert_eq!(digits.len(), 6, "{accepted:#?}");
    outside.clear();
    digits
}

/// Another code than this one.
fn wrong(code: &str) -> String {
    let number: u32 = code.parse().expect("a number");
    format!("{:06}", (number + 1) % 1_000_000)
}

/// A customer who has proved their telephone, with a token; the next code may be sent at once.
async fn proved(world: &World, outside: &Outside, company: &Company) -> (String, String) {
    proved_at(world, outside, company, -PAUSE).await
}

/// The same by a code of so many seconds from now.
async fn proved_at(world: &World, outside: &Outside, company: &Company, seconds: i64) -> (String, String) {
    let (token, _) = reader(world, company).await;
    outside.clear();
    let id = id_of(world, &token).await;
    let tenant = Tenant { actor: Actor::Customer(id.parse().expect("an id")), role: Role::Customer, ..Tenant::system(company.id) };
    clock::shifted(seconds * 1_000_000, identity::send_code(&world.souk, &tenant, PHONE)).await.expect("asked");
    let then = seconds.max(0);
    turn_at(world, then).await;
    let code = digits(outside);
    let device = Device::default();
    let taken = identity::take_code(&world.souk, &tenant, &device, PHONE, &code);
    clock::shifted(then * 1_000_000, taken).await.expect("proved");
    (id, token)
}

async fn is_proved(world: &World, token: &str) -> Value {
    world.client.get(token, "/api/auth/profile").await.expect(200)["phoneVerified"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_is_proved_by_the_code_that_came_to_it() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let client = &world.client;
        let (token, email) = reader(&world, &world.a).await;
        outside.clear();
        assert_eq!(is_proved(&world, &token).await, false);
        ask(&world, Some(&token), None, "+91 98000 00002").await.wrong("not_yours");
        ask(&world, Some(&token), None, "098000 00001").await.wrong("invalid");
        let sent = ask(&world, Some(&token), None, PHONE).await.expect(202);
        assert_eq!(sent, json!({ "expiresIn": 300 }));
        let again = ask(&world, Some(&token), None, PHONE).await.expect(202);
        assert_eq!(again, sent, "one a minute, and nobody is told");
        turn_at(&world, 0).await;
        assert!(text(&outside.providers.accepted()[0]["body"]).starts_with("Company alpha: "));
        assert_eq!(outside.smtp.to(&email).len(), 0, "a code goes by SMS alone");
        let code = digits(&outside);

        let platform = world.souk.platform("verify").await.expect("the platform");
        for place in
            ["notifications.title", "notifications.body", "notifications.data", "outbox.data", "jobs.args", "audit_entries.changes"]
        {
            let (table, column) = place.split_once('.').expect("a column");
            let ask = format!("SELECT COUNT(*) AS found FROM {table} WHERE CAST({column} AS text) LIKE '%{code}%'");
            let found: i64 = platform.ask(&ask, vec![]).await.expect("asked")[0].try_get("", "found").expect("a count");
            assert_eq!(found, 0, "{place} holds the code");
        }
        drop(platform);
        let list = client.get(&token, "/api/notifications?limit=100").await.expect(200);
        assert!(!list.to_string().contains("one_time_code"), "it is in no list: {list}");

        say(&world, Some(&token), None, &wrong(&code)).await.refused(401, "code_invalid");
        assert_eq!(is_proved(&world, &token).await, false);
        assert_eq!(say(&world, Some(&token), None, &code).await.status, 204);
        assert_eq!(is_proved(&world, &token).await, true);
        say(&world, Some(&token), None, &code).await.refused(401, "code_invalid");
        let me = client.get(&token, "/api/auth/profile").await.expect(200);
        let desk = client.sign_in("admin@alpha.test").await;
        client.page(&desk, &format!("/company/customers/{}", text(&me["id"]))).await.shows(&["Telephone proved"]);
        client.page(&desk, &format!("/company/customers/{}", world.a.customer.id)).await.shows(&["Telephone not proved"]);

        let admin = world.staff(&world.a, "admin").await;
        let logs = client.get(&admin, "/api/audit/logs?limit=100").await.expect(200).to_string();
        assert!(["send_code", "verify_phone", "sign_in_failed"].iter().all(|action| logs.contains(action)), "{logs}");

        client.put(&token, "/api/auth/profile", &json!({ "phone": "+91 (98000) 00001", "name": "Priya" })).await.expect(200);
        assert_eq!(is_proved(&world, &token).await, true, "the same number, written otherwise");
        client.put(&token, "/api/auth/profile", &json!({ "phone": "+91 98000 00002" })).await.expect(200);
        assert_eq!(is_proved(&world, &token).await, false, "another number");
        client.put(&token, "/api/auth/profile", &json!({ "phone": PHONE })).await.expect(200);
        assert_eq!(is_proved(&world, &token).await, false, "it must be proved anew");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_a_number_that_was_changed_proves_nothing() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, _) = reader(&world, &world.a).await;
        outside.clear();
        ask(&world, Some(&token), None, PHONE).await.expect(202);
        turn_at(&world, 0).await;
        let code = digits(&outside);
        world.client.put(&token, "/api/auth/profile", &json!({ "phone": "+91 98000 00002" })).await.expect(200);
        say(&world, Some(&token), None, &code).await.refused(401, "code_invalid");
        assert_eq!(is_proved(&world, &token).await, false);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_proved_a_telephone_signs_in_by_it() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (id, _) = proved(&world, &outside, &world.a).await;
        // Nobody's, one that is in profiles of the neighbour but not proved, and one that is proved: one answer.
        for (company, phone) in [("alpha", "+91 98000 00003"), ("beta", PHONE)] {
            assert_eq!(ask(&world, None, Some(company), phone).await.expect(202), json!({ "expiresIn": 300 }));
        }
        turn_at(&world, 0).await;
        assert_eq!(outside.providers.accepted().len(), 0, "to whom nobody belongs");
        say(&world, None, Some("beta"), "000000").await.refused(401, "code_invalid");
        ask(&world, None, None, PHONE).await.refused(400, "company_required");

        ask_at(&world, &world.a, PAUSE).await;
        turn_at(&world, PAUSE).await;
        let code = digits(&outside);
        say(&world, None, Some("beta"), &code).await.refused(401, "code_invalid");
        say(&world, None, Some("alpha"), &wrong(&code)).await.refused(401, "code_invalid");
        let welcome = say(&world, None, Some("alpha"), &code).await.expect(200);
        assert_eq!(welcome["user"]["id"], id.as_str());
        let profile = world.client.get(&text(&welcome["accessToken"]), "/api/auth/profile").await.expect(200);
        assert_eq!((&profile["id"], &profile["companyId"]), (&json!(id), &json!(world.a.id)));
        say(&world, None, Some("alpha"), &code).await.refused(401, "code_invalid");

        // The neighbour's customer proves the same number there: each company has its own.
        let (theirs, _) = proved_at(&world, &outside, &world.b, 2 * PAUSE).await;
        ask_at(&world, &world.a, 3 * PAUSE).await;
        turn_at(&world, 3 * PAUSE).await;
        let code = digits(&outside);
        assert_eq!(say_at(&world, &world.b, 3 * PAUSE, "192.0.2.1", &code).await, Err("code_invalid"));
        assert_eq!(say_at(&world, &world.a, 3 * PAUSE, "192.0.2.2", &code).await.map(|one| one.to_string()), Ok(id));
        ask_at(&world, &world.b, 4 * PAUSE).await;
        turn_at(&world, 4 * PAUSE).await;
        let code = digits(&outside);
        assert_eq!(say_at(&world, &world.b, 4 * PAUSE, "192.0.2.3", &code).await.map(|one| one.to_string()), Ok(theirs));

        // Proved by two of a company it is nobody's.
        proved_at(&world, &outside, &world.a, 5 * PAUSE).await;
        ask_at(&world, &world.a, 6 * PAUSE).await;
        turn_at(&world, 6 * PAUSE).await;
        assert_eq!(outside.providers.accepted().len(), 0, "whose it is cannot be told");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_bears_five_tries_five_minutes_and_one_use() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (id, _) = proved(&world, &outside, &world.a).await;
        let a = &world.a;
        let next = async |at: i64| {
            ask_at(&world, a, at).await;
            turn_at(&world, at).await;
            digits(&outside)
        };
        let code = next(PAUSE).await;
        for _ in 0..5 {
            assert_eq!(say_at(&world, a, PAUSE, "192.0.2.1", &wrong(&code)).await, Err("code_invalid"));
        }
        assert_eq!(say_at(&world, a, PAUSE, "192.0.2.1", &code).await, Err("code_invalid"), "after five wrong ones");

        let code = next(2 * PAUSE).await;
        let (one, other) = tokio::join!(say_at(&world, a, 2 * PAUSE, "192.0.2.2", &code), say_at(&world, a, 2 * PAUSE, "192.0.2.3", &code));
        let taken: Vec<_> = [one, other].into_iter().filter_map(Result::ok).map(|one| one.to_string()).collect();
        assert_eq!(taken, std::slice::from_ref(&id), "used twice at once, it is used once");

        let older = next(3 * PAUSE).await;
        let newer = next(4 * PAUSE).await;
        assert_eq!(say_at(&world, a, 4 * PAUSE, "192.0.2.4", &older).await, Err("code_invalid"), "there is a newer one");
        assert_eq!(say_at(&world, a, 4 * PAUSE + 301, "192.0.2.4", &newer).await, Err("code_invalid"), "it is over");
        assert_eq!(say_at(&world, a, 4 * PAUSE + 200, "192.0.2.4", &newer).await.map(|one| one.to_string()), Ok(id.clone()));

        // Guessing pauses whoever guesses, as wrong passwords do.
        for _ in 0..8 {
            assert_eq!(say_at(&world, a, 5 * PAUSE, "192.0.2.5", "000000").await, Err("code_invalid"));
        }
        assert_eq!(say_at(&world, a, 5 * PAUSE, "192.0.2.5", "000000").await, Err("too_many_requests"));

        let code = next(10 * PAUSE).await;
        let admin = world.staff(a, "admin").await;
        world.client.call("POST", &format!("/api/users/{id}/ban"), Some(&admin), None, None, &[]).await.expect(200);
        assert_eq!(say_at(&world, a, 10 * PAUSE, "192.0.2.6", &code).await, Err("banned"));
        assert_eq!(say_at(&world, a, 10 * PAUSE, "192.0.2.6", &code).await, Err("code_invalid"), "and it is used");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_gets_one_code_a_minute_and_ten_a_day() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (_, token) = proved(&world, &outside, &world.a).await;
        let made = "SELECT COUNT(*) FROM one_time_codes";
        let a = &world.a;
        tokio::join!(ask_at(&world, a, PAUSE), ask_at(&world, a, PAUSE), ask_at(&world, a, PAUSE), ask_at(&world, a, PAUSE));
        assert_eq!(world.count(made).await, 2, "of many at once one");
        for number in 2..13 {
            ask_at(&world, a, number * PAUSE).await;
        }
        assert_eq!(world.count(made).await, 10, "ten a day");

        // Messages that lay too long are not sent: nobody could use them.
        turn_at(&world, 86_400).await;
        assert_eq!(outside.providers.accepted().len(), 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM notification_deliveries WHERE reason = 'code_over'").await, 9);
        ask_at(&world, a, 2 * 86_400).await;
        assert_eq!(world.count(made).await, 11, "another day");
        assert_eq!(is_proved(&world, &token).await, true);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_go_after_a_day_and_with_their_customer() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (id, _) = proved(&world, &outside, &world.a).await;
        let id: CustomerId = id.parse().expect("an id");
        proved_at(&world, &outside, &world.b, PAUSE).await;
        let made = "SELECT COUNT(*) FROM one_time_codes";
        let lines = retain::run(&world.souk, Some(0), false).await.expect("counted");
        assert!(lines.iter().any(|line| line.subject == "one_time_codes" && line.rows == 0), "a code may still be good: {lines:?}");

        let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
        let known = personal::hand_out(&scope, id).await.expect("what is known");
        assert_eq!((known.codes.len(), known.codes[0].phone.as_str()), (1, "+919800000001"));
        personal::forget(&scope, id).await.expect("forgotten");
        scope.commit().await.expect("kept");
        assert_eq!(world.count(made).await, 1, "the neighbour's");
        assert_eq!(world.count("SELECT COUNT(*) FROM customers WHERE phone_proved IS NOT NULL").await, 1);
        assert_eq!(world.count("SELECT COUNT(*) FROM customers WHERE phone_verified_at IS NOT NULL").await, 1);

        clock::shifted(2 * 86_400_000_000, retain::run(&world.souk, None, true)).await.expect("let go");
        assert_eq!(world.count(made).await, 0);
        world.verify().await;
        world.close().await;
    }
}
