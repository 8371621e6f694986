//! What providers report on their own: signed, twice, in any order.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use souk::gateways::messaging;

use super::{Outside, reader, turn_at, way, write_to};
use crate::support::{
    World,
    providers::{META_SECRET, Play, TWILIO_TOKEN},
    text,
};

fn form(fields: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Recorded with `twilio` 9.13.0 for Python: `RequestValidator("the-auth-token").compute_signature(url, fields)`.
#[test]
fn a_signature_of_twilios_own_library_is_believed() {
    let url = "https://shop.example.com/api/notifications/callbacks/twilio?delivery=0190aaaa-0000-7000-8000-000000000001.0190aaaa-0000-7000-8000-000000000002";
    let mut fields = form(&[
        ("MessageSid", "SM11"),
        ("SmsSid", "SM11"),
        ("MessageStatus", "delivered"),
        ("SmsStatus", "delivered"),
        ("To", "+919800000001"),
        ("From", "+15005550006"),
        ("AccountSid", "AC1"),
        ("ApiVersion", "2010-04-01"),
        ("Body", "नमस्ते & more"),
    ]);
    let signature = "h6yO0KOOo73JMOEd0D4jMpNCd8o=";
    assert!(messaging::is_twilio("the-auth-token", url, &fields, signature));
    assert!(!messaging::is_twilio("another-token", url, &fields, signature));
    assert!(!messaging::is_twilio("the-auth-token", &url.replace("0002", "0003"), &fields, signature));
    fields.insert("MessageStatus".into(), "failed".into());
    assert!(!messaging::is_twilio("the-auth-token", url, &fields, signature));
}

/// A report of Twilio's about a delivery, signed with `token`.
async fn twilio(world: &World, delivery: &str, token: &str, fields: &[(&str, &str)]) -> u16 {
    let path = format!("/api/notifications/callbacks/twilio?delivery={}.{delivery}", world.a.id);
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(token.as_bytes()).expect("a key");
    mac.update(format!("https://shop.example.com{path}").as_bytes());
    for (name, value) in form(fields) {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let body = serde_urlencoded::to_string(fields).expect("a form");
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", signature.as_str())];
    world.client.send("POST", &path, None, Some(body), &headers).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn twilios_reports_are_applied_once_and_in_any_order() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, _) = reader(&world, &world.a).await;
        outside.clear();
        let id = write_to(&world, &world.a, &token, "critical").await;
        turn_at(&world, 0).await;
        let sms = way(&world, &token, &id, "sms").await;
        let (delivery, sid) = (text(&sms["id"]), text(&sms["providerId"]));
        let say = |status: &'static str| [("MessageSid", sid.clone()), ("MessageStatus", status.to_owned())];
        let state = async || text(&way(&world, &token, &id, "sms").await["state"]);

        let delivered = say("delivered");
        let delivered: Vec<_> = delivered.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(twilio(&world, &delivery, "a-guess", &delivered).await, 401, "a report that is not Twilio's is not believed");
        assert_eq!(state().await, "sent");
        for _ in 0..3 {
            assert_eq!(twilio(&world, &delivery, TWILIO_TOKEN, &delivered).await, 204);
            assert_eq!(state().await, "delivered");
        }
        for late in ["queued", "sent", "failed"] {
            let late = [("MessageSid", sid.as_str()), ("MessageStatus", late), ("ErrorCode", "30008")];
            assert_eq!(twilio(&world, &delivery, TWILIO_TOKEN, &late).await, 204);
            assert_eq!(state().await, "delivered", "what came late takes nothing back");
        }

        // Another message's report does not speak for this one, and one of no delivery is just heard.
        let id = write_to(&world, &world.a, &token, "critical").await;
        turn_at(&world, 0).await;
        let sms = way(&world, &token, &id, "sms").await;
        let foreign = [("MessageSid", "SM-of-somebody-else"), ("MessageStatus", "delivered")];
        assert_eq!(twilio(&world, &text(&sms["id"]), TWILIO_TOKEN, &foreign).await, 204);
        assert_eq!(way(&world, &token, &id, "sms").await["state"], "sent");
        assert_eq!(twilio(&world, "nothing", TWILIO_TOKEN, &foreign).await, 204);
        let undelivered =
            [("MessageSid", sms["providerId"].as_str().expect("a sid")), ("MessageStatus", "undelivered"), ("ErrorCode", "30005")];
        assert_eq!(twilio(&world, &text(&sms["id"]), TWILIO_TOKEN, &undelivered).await, 204);
        let sms = way(&world, &token, &id, "sms").await;
        assert_eq!((sms["state"].as_str(), sms["reason"].as_str()), (Some("failed"), Some("twilio 30005")));
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

async fn meta(world: &World, secret: &str, body: &Value) -> u16 {
    let body = body.to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body.as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = format!("sha256={signature}");
    let headers = [("content-type", "application/json"), ("x-hub-signature-256", signature.as_str())];
    world.client.send("POST", "/api/notifications/callbacks/whatsapp", None, Some(body), &headers).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn metas_report_tells_what_a_lost_answer_did_not() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let (token, _) = reader(&world, &world.a).await;
        let choices = json!({ "important": { "whatsapp": true, "email": false } });
        world.client.call("PUT", "/api/notifications/preferences", Some(&token), None, Some(&choices), &[]).await.expect(200);
        outside.clear();
        outside.providers.play(&[Play::LoseAnswer]);
        let id = write_to(&world, &world.a, &token, "important").await;
        turn_at(&world, 0).await;
        turn_at(&world, 10).await;
        assert_eq!(way(&world, &token, &id, "whatsapp").await["reason"], "answer_lost");

        let mark = outside.providers.accepted()[0]["biz_opaque_callback_data"].clone();
        // As Meta documents it, with two words in one report, the later one first.
        let report = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp", "metadata": { "phone_number_id": "1" },
            "statuses": [
                { "id": "wamid.7", "status": "read", "timestamp": "1700000000", "recipient_id": "919800000001", "biz_opaque_callback_data": mark },
                { "id": "wamid.7", "status": "sent", "timestamp": "1700000000", "recipient_id": "919800000001", "biz_opaque_callback_data": mark },
            ],
        } }] }] });
        assert_eq!(meta(&world, "a-guess", &report).await, 401);
        assert_eq!(way(&world, &token, &id, "whatsapp").await["state"], "failed");
        for _ in 0..2 {
            assert_eq!(meta(&world, META_SECRET, &report).await, 204);
            let seen = way(&world, &token, &id, "whatsapp").await;
            assert_eq!((seen["state"].as_str(), seen["providerId"].as_str()), (Some("delivered"), Some("wamid.7")));
        }
        assert_eq!(meta(&world, META_SECRET, &json!({ "entry": "nonsense" })).await, 204);

        let ask = |token: &str| {
            format!("/api/notifications/callbacks/whatsapp?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444")
        };
        let right = world.client.send("GET", &ask("the-verify-token"), None, None, &[]).await;
        assert_eq!((right.status, right.text.as_str()), (200, "1158201444"));
        assert_eq!(world.client.send("GET", &ask("a-guess"), None, None, &[]).await.status, 404);
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}
