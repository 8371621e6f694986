//! Each channel against a provider that checks what it is asked and keeps what it took.

use serde_json::{Value, json};

use super::{Outside, id_of, reader, turn_at, way, write_to};
use crate::support::{World, providers::Play};

/// Switches a channel on for critical messages.
async fn want(world: &World, token: &str, choices: Value) {
    world.client.call("PUT", "/api/notifications/preferences", Some(token), None, Some(&choices), &[]).await.expect(200);
}

async fn only(world: &World, token: &str, channel: &str) {
    let mut choices = json!({ "important": { "email": false, "sms": false, "push": false, "whatsapp": false } });
    choices["important"][channel] = json!(true);
    want(world, token, choices).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_leaves_as_twilio_takes_it() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, _) = reader(&world, &world.a).await;
        outside.clear();
        let id = write_to(&world, &world.a, &token, "critical").await;
        turn_at(&world, 0).await;
        let accepted = outside.providers.accepted();
        assert_eq!(accepted.len(), 1, "{accepted:#?}");
        assert_eq!(accepted[0]["to"], "+919800000001");
        assert_eq!(accepted[0]["from"], "+15005550006");
        assert_eq!(accepted[0]["body"], "Company alpha: Shelves are full");
        let sms = way(&world, &token, &id, "sms").await;
        assert_eq!((sms["state"].as_str(), sms["providerId"].as_str()), (Some("sent"), accepted[0]["sid"].as_str()));
        assert_eq!(sms["recipient"], "+91•••01");
        let back = format!(
            "https://shop.example.com/api/notifications/callbacks/twilio?delivery={}.{}",
            world.a.id,
            sms["id"].as_str().expect("an id")
        );
        assert_eq!(accepted[0]["status_callback"], back.as_str());
        // At once: the letter goes the same moment.
        assert_eq!(way(&world, &token, &id, "email").await["state"], "sent");
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

/// What is refused, what is tried again and what is found out is the same for SMS, push and WhatsApp.
async fn refusals(channel: &'static str) {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, _) = reader(&world, &world.a).await;
        if channel == "push" {
            let device = json!({ "token": "device-token-1", "platform": "android" });
            world.client.post(&token, "/api/notifications/devices", &device).await.expect(201);
        }
        only(&world, &token, channel).await;
        outside.clear();

        outside.providers.play(&[Play::Refuse]);
        let refused = write_to(&world, &world.a, &token, "important").await;
        turn_at(&world, 0).await;
        turn_at(&world, 7_200).await;
        let seen = way(&world, &token, &refused, channel).await;
        assert_eq!((seen["state"].as_str(), seen["attempts"].as_i64()), (Some("failed"), Some(1)), "{seen}");
        assert_eq!(outside.providers.asked(), 1, "what is refused for good is not asked again");
        outside.clear();

        outside.providers.play(&[Play::Busy, Play::Broken, Play::Locked]);
        let later = write_to(&world, &world.a, &token, "important").await;
        turn_at(&world, 0).await;
        let seen = way(&world, &token, &later, channel).await;
        assert_eq!((seen["state"].as_str(), seen["attempts"].as_i64()), (Some("queued"), Some(1)), "{seen}");
        turn_at(&world, 0).await;
        assert_eq!(outside.providers.asked(), 1, "a pause lies between two tries");
        for seconds in [10, 30, 60] {
            turn_at(&world, seconds).await;
        }
        let seen = way(&world, &token, &later, channel).await;
        assert_eq!(
            (seen["state"].as_str(), seen["attempts"].as_i64(), seen["reason"].as_str()),
            (Some("sent"), Some(4), Some("")),
            "{seen}"
        );
        assert_eq!((outside.providers.asked(), outside.providers.accepted().len()), (4, 1));
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_is_tried_again_only_when_that_can_help() {
    refusals("sms").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_tried_again_only_when_that_can_help() {
    refusals("push").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whatsapp_message_is_tried_again_only_when_that_can_help() {
    refusals("whatsapp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_whose_answer_was_lost_is_not_sent_twice() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, _) = reader(&world, &world.a).await;
        only(&world, &token, "sms").await;
        outside.clear();

        outside.providers.play(&[Play::LoseAnswer]);
        let id = write_to(&world, &world.a, &token, "important").await;
        turn_at(&world, 0).await;
        assert_eq!(way(&world, &token, &id, "sms").await["state"], "sending");
        turn_at(&world, 10).await;
        let seen = way(&world, &token, &id, "sms").await;
        let accepted = outside.providers.accepted();
        assert_eq!((seen["state"].as_str(), seen["providerId"].as_str()), (Some("sent"), accepted[0]["sid"].as_str()), "{seen}");
        assert_eq!((outside.providers.asked(), accepted.len()), (1, 1), "Twilio had it, and was asked instead of told again");
        outside.clear();

        // Twilio never had it: that is believed only when it can no longer be on its way.
        outside.providers.play(&[Play::LoseRequest]);
        let id = write_to(&world, &world.a, &token, "important").await;
        turn_at(&world, 0).await;
        turn_at(&world, 10).await;
        assert_eq!((outside.providers.asked(), way(&world, &token, &id, "sms").await["state"].as_str()), (1, Some("sending")));
        turn_at(&world, 120).await;
        assert_eq!((outside.providers.asked(), outside.providers.accepted().len()), (2, 1));
        assert_eq!(way(&world, &token, &id, "sms").await["state"], "sent");
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whatsapp_message_whose_answer_was_lost_is_left_alone() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, _) = reader(&world, &world.a).await;
        only(&world, &token, "whatsapp").await;
        outside.clear();
        outside.providers.play(&[Play::LoseAnswer]);
        let id = write_to(&world, &world.a, &token, "important").await;
        for seconds in [0, 10, 7_200] {
            turn_at(&world, seconds).await;
        }
        let seen = way(&world, &token, &id, "whatsapp").await;
        assert_eq!((seen["state"].as_str(), seen["reason"].as_str()), (Some("failed"), Some("answer_lost")), "{seen}");
        let accepted = outside.providers.accepted();
        assert_eq!((outside.providers.asked(), accepted.len()), (1, 1));
        assert_eq!((accepted[0]["to"].as_str(), accepted[0]["type"].as_str()), (Some("919800000001"), Some("text")));
        assert_eq!(accepted[0]["text"]["body"], "Company alpha: Shelves are full");
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_goes_to_each_device_and_a_device_that_is_gone_is_forgotten() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, _) = reader(&world, &world.a).await;
        for (name, platform) in [("device-one", "android"), ("device-two", "ios")] {
            let device = json!({ "token": name, "platform": platform });
            world.client.post(&token, "/api/notifications/devices", &device).await.expect(201);
        }
        let tokens = outside.providers.tokens();
        outside.clear();
        outside.providers.play(&[Play::Gone]);
        let id = write_to(&world, &world.a, &token, "informational").await;
        turn_at(&world, 0).await;
        let states = async || {
            let ways = super::ways(&world, &token, &id).await;
            let mut states: Vec<_> = ways
                .iter()
                .filter(|way| way["channel"] == "push")
                .map(|way| way["state"].as_str().unwrap_or_default().to_owned())
                .collect();
            states.sort();
            states
        };
        assert_eq!(states().await, ["bounced", "sent"]);
        let accepted = outside.providers.accepted();
        assert_eq!(accepted[0]["notification"], json!({ "title": "Shelves are full", "body": "Company alpha: Shelves are full" }));
        assert_eq!(accepted[0]["data"]["notificationId"], id.as_str());
        // One tag on every platform: a message that comes twice is shown once.
        let tag = accepted[0]["android"]["notification"]["tag"].clone();
        assert_eq!(accepted[0]["apns"]["headers"]["apns-collapse-id"], tag);
        assert_eq!(accepted[0]["webpush"]["notification"]["tag"], tag);
        assert_eq!(outside.providers.tokens(), tokens + 1, "one access token serves all messages");
        outside.clear();

        let next = write_to(&world, &world.a, &token, "informational").await;
        turn_at(&world, 0).await;
        let ways = super::ways(&world, &token, &next).await;
        assert_eq!(ways.iter().filter(|way| way["channel"] == "push").count(), 1, "the device that is gone is not written to");

        // The answer is lost: it goes again, under the same tag.
        outside.clear();
        outside.providers.play(&[Play::LoseAnswer]);
        write_to(&world, &world.a, &token, "informational").await;
        turn_at(&world, 0).await;
        turn_at(&world, 10).await;
        let accepted = outside.providers.accepted();
        assert_eq!(accepted.len(), 2);
        assert_eq!(accepted[0]["android"], accepted[1]["android"]);
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_has_two_parts_one_id_and_a_way_out() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, email) = reader(&world, &world.a).await;
        outside.clear();
        let connections = outside.smtp.connections();
        let id = write_to(&world, &world.a, &token, "important").await;
        turn_at(&world, 0).await;
        let letters = outside.smtp.to(&email);
        assert_eq!(letters.len(), 1);
        let letter = &letters[0];
        let sent = way(&world, &token, &id, "email").await;
        assert_eq!(letter.header("message-id"), format!("<{}@souk.test>", sent["id"].as_str().expect("an id")));
        assert_eq!(letter.header("from"), "\"Company alpha\" <no-reply@souk.test>");
        assert_eq!(letter.header("reply-to"), "hello@alpha.test");
        assert_eq!(letter.header("subject"), "Shelves are full");
        assert!(letter.header("content-type").starts_with("multipart/alternative"), "{}", letter.text);
        assert!(letter.part("text/plain").starts_with("Come and look.\r\n\r\nAll week."), "{}", letter.part("text/plain"));
        let html = letter.part("text/html");
        assert!(html.contains("<p>Come and look.</p>") && html.contains("Company alpha"), "{html}");
        assert_eq!(letter.header("list-unsubscribe-post"), "List-Unsubscribe=One-Click");
        let out = letter.header("list-unsubscribe");
        assert!(out.starts_with("<https://shop.example.com/api/notifications/unsubscribe?class=important&link="), "{out}");

        for _ in 0..3 {
            write_to(&world, &world.a, &token, "important").await;
        }
        turn_at(&world, 0).await;
        assert_eq!(outside.smtp.to(&email).len(), 4);
        assert!(outside.smtp.connections() <= connections + 1, "letters share a connection");

        // What cannot be switched off does not pretend that it could.
        outside.clear();
        write_to(&world, &world.a, &token, "critical").await;
        turn_at(&world, 0).await;
        assert_eq!(outside.smtp.to(&email)[0].header("list-unsubscribe"), "");
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_sent_at_least_once_under_one_id() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, email) = reader(&world, &world.a).await;
        outside.clear();
        outside.smtp.play(&[Play::Busy, Play::Locked, Play::LoseAnswer]);
        let id = write_to(&world, &world.a, &token, "important").await;
        for seconds in [0, 10, 30, 60, 120] {
            turn_at(&world, seconds).await;
        }
        let seen = way(&world, &token, &id, "email").await;
        assert_eq!(seen["state"], "sent", "{seen}");
        let letters = outside.smtp.to(&email);
        assert_eq!(letters.len(), 2, "the answer to the first was lost");
        assert_eq!(letters[0].header("message-id"), letters[1].header("message-id"));

        outside.clear();
        outside.smtp.play(&[Play::Refuse]);
        let id = write_to(&world, &world.a, &token, "important").await;
        turn_at(&world, 0).await;
        let seen = way(&world, &token, &id, "email").await;
        assert_eq!((seen["state"].as_str(), seen["reason"].as_str()), (Some("bounced"), Some("smtp 550")), "{seen}");
        assert!(!seen.to_string().contains(&email), "a refusal repeats no address");
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_not_set_up_is_skipped_for_everybody_to_see() {
    for world in World::all().await {
        let (token, _) = reader(&world, &world.a).await;
        let id = write_to(&world, &world.a, &token, "critical").await;
        for channel in ["email", "sms"] {
            let seen = way(&world, &token, &id, channel).await;
            assert_eq!((seen["state"].as_str(), seen["reason"].as_str()), (Some("skipped"), Some("not_configured")), "{seen}");
        }
        assert_eq!(way(&world, &token, &id, "in_app").await["state"], "delivered");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_given_up_can_be_made_ready_again() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, _) = reader(&world, &world.a).await;
        only(&world, &token, "sms").await;
        outside.clear();
        outside.providers.play(&[Play::Busy; 12]);
        let id = write_to(&world, &world.a, &token, "important").await;
        for number in 0..12 {
            turn_at(&world, number * 4_600).await;
        }
        let seen = way(&world, &token, &id, "sms").await;
        assert_eq!(
            (seen["state"].as_str(), seen["reason"].as_str(), seen["attempts"].as_i64()),
            (Some("failed"), Some("twilio 20429"), Some(12)),
            "{seen}"
        );
        let scope = world.souk.write(souk::tenancy::Tenant::system(world.a.id)).await.expect("a scope");
        let platform = world.souk.platform("operations").await.expect("the platform");
        let dead = souk::models::jobs::Narrowed { company: Some(world.a.id), is_dead: Some(true), ..Default::default() };
        let dead = souk::models::jobs::troubles(&platform, &dead, None, 10).await.expect("a list");
        drop(platform);
        souk::models::jobs::replay(&scope, dead[0].id).await.expect("replayed");
        scope.commit().await.expect("kept");
        turn_at(&world, 60_000).await;
        assert_eq!(way(&world, &token, &id, "sms").await["state"], "sent");
        assert!(!id_of(&world, &token).await.is_empty());
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_nobody_will_send_is_found_by_the_invariants() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, _) = reader(&world, &world.a).await;
        write_to(&world, &world.a, &token, "important").await;
        turn_at(&world, 0).await;
        let db = world.raw().await;
        let change = "UPDATE notification_deliveries SET state = 'queued', updated_at = 0 WHERE channel = 'email'";
        sea_orm::ConnectionTrait::execute_unprepared(&db, change).await.expect("changed");
        db.close().await.expect("closed");
        let faults = souk::models::verify::all(&world.souk, None).await.expect("asked");
        assert!(faults.iter().any(|fault| fault.invariant == "a message under way has the job that sends it"), "{faults:#?}");
        world.close().await;
    }
}
