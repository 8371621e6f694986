//! A company's own words.

use serde_json::json;

use super::{Outside, buy, reader, turn_at};
use crate::support::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_company_writes_in_its_own_words_in_each_language() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        let admin = world.staff(&world.a, "admin").await;
        let (token, email) = reader(&world, &world.a).await;
        let own = json!({
            "name": "order_confirmed", "language": "en", "subject": "We have {{ order.number }}",
            "body": "Dear {{ person.name }},\n\n{% for line in lines %}* {{ line.name }}\n{% endfor %}",
            "html": "<h1>{{ order.number }}</h1><p>{{ person.name }}</p>", "short": "{{ order.number }} is yours",
        });
        let made = world.client.post(&admin, "/api/notifications/templates", &own).await.expect(201);
        assert_eq!(made["isOwn"], true);
        world.client.post(&admin, "/api/notifications/templates", &own).await.refused(409, "template_exists");

        let profile = json!({ "name": "<b>Priya</b>" });
        world.client.call("PUT", "/api/auth/profile", Some(&token), None, Some(&profile), &[]).await.expect(200);
        outside.clear();
        let number = text(&buy(&world, &world.a, &token).await["orderNumber"]);
        turn_at(&world, 0).await;
        let letters = outside.smtp.to(&email);
        let letter = letters.first().expect("a letter");
        assert_eq!(letter.header("subject"), format!("We have {number}"));
        assert!(letter.part("text/plain").starts_with("Dear <b>Priya</b>,"), "{}", letter.part("text/plain"));
        let html = letter.part("text/html");
        assert!(html.contains(&format!("<h1>{number}</h1><p>&lt;b&gt;Priya&lt;/b&gt;</p>")), "{html}");
        assert_eq!(outside.providers.accepted()[0]["body"], format!("{number} is yours"));

        // The neighbour's customers hear Souk's words, and so do this company's in another language.
        outside.clear();
        let (theirs, their_email) = reader(&world, &world.b).await;
        let number = text(&buy(&world, &world.b, &theirs).await["orderNumber"]);
        turn_at(&world, 0).await;
        let letters = outside.smtp.to(&their_email);
        assert!(letters.iter().any(|letter| letter.header("subject") == format!("Order {number} is confirmed")), "{letters:#?}");
        let hindi = json!({ "language": "hi" });
        world.client.call("PUT", "/api/auth/preferences", Some(&token), None, Some(&hindi), &[]).await.expect(200);
        outside.clear();
        buy(&world, &world.a, &token).await;
        turn_at(&world, 0).await;
        let told = outside.smtp.to(&email);
        assert!(told[0].part("text/plain").starts_with("नमस्ते <b>Priya</b>,"), "{}", told[0].part("text/plain"));
        assert!(told[0].part("text/html").contains("lang=\"hi\""));
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_text_is_refused_with_its_place_and_a_right_one_can_be_tried() {
    for world in World::all().await {
        let admin = world.staff(&world.a, "admin").await;
        let add = async |body: serde_json::Value| world.client.post(&admin, "/api/notifications/templates", &body).await;
        let own = |subject: &str, body: &str| json!({ "name": "order_shipped", "language": "en", "subject": subject, "body": body });
        let refused = add(own("ok", "Hello\n{{ ordr.number }}")).await.refused(422, "invalid_input");
        assert_eq!(
            (refused["errors"][0]["field"].as_str(), refused["errors"][0]["code"].as_str()),
            (Some("body"), Some("template_invalid"))
        );
        assert_eq!(refused["errors"][0]["message"], "line 2, column 4: there is no variable `ordr.number` in this message");
        add(own("{% include \"mail/head.html\" %}", "x")).await.wrong("template_invalid");
        add(own("ok", "{% for a in lines %}{% for b in range(end=9) %}x{% endfor %}{% endfor %}")).await.wrong("template_invalid");
        add(own("ok", "{{ stock.left }}")).await.wrong("template_invalid");
        add(own("", "x")).await.wrong("required");
        add(own(&"x".repeat(201), "x")).await.wrong("too_long");
        add(json!({ "name": "x y", "language": "en", "subject": "x", "body": "x" })).await.wrong("invalid");
        add(json!({ "name": "welcome", "language": "fr", "subject": "x", "body": "x" })).await.wrong("unknown");

        let made = add(own("{{ order.number }} left", "By {{ order.tracking | default(value=\"foot\") }}")).await.expect(201);
        let path = format!("/api/notifications/templates/{}", text(&made["id"]));
        let shown = world.client.post(&admin, &format!("{path}/preview"), &json!({})).await.expect(200);
        assert_eq!((shown["subject"].as_str(), shown["text"].as_str()), (Some("A-1042 left"), Some("By TRK-778201\n")));
        assert!(text(&shown["html"]).contains("<p>By TRK-778201</p>"));
        let tried = world.client.post(&admin, &format!("{path}/preview"), &json!({ "body": "{{ person.name }}" })).await.expect(200);
        assert_eq!(tried["text"], "Priya Sharma\n");
        world.client.post(&admin, &format!("{path}/preview"), &json!({ "body": "{{ x }}" })).await.wrong("template_invalid");

        // One that Souk brings along has no id and is shown by its name; nobody else's own is.
        let shown = async |key: &str| world.client.post(&admin, &format!("/api/notifications/templates/{key}/preview"), &json!({})).await;
        assert!(text(&shown("order_confirmed.hi").await.expect(200)["text"]).contains("A-1042"));
        assert_eq!(shown("order_shipped.en").await.expect(200)["subject"], "A-1042 left", "the company's own in its place");
        for key in ["order_confirmed.fr", "order_confirmed", "order_eaten.en"] {
            shown(key).await.refused(404, "not_found");
        }

        let change = json!({ "subject": "Gone", "body": "Bye" });
        world.client.call("PUT", &path, Some(&admin), None, Some(&change), &[("if-match", "\"7\"")]).await.refused(412, "stale");
        let changed = world.client.call("PUT", &path, Some(&admin), None, Some(&change), &[("if-match", "\"1\"")]).await.expect(200);
        assert_eq!((changed["subject"].as_str(), changed["version"].as_i64()), (Some("Gone"), Some(2)));
        let neighbour = world.staff(&world.b, "admin").await;
        world.client.call("PUT", &path, Some(&neighbour), None, Some(&change), &[]).await.refused(404, "not_found");
        let manager = world.staff(&world.a, "manager").await;
        world.client.call("PUT", &path, Some(&manager), None, Some(&change), &[]).await.refused(403, "forbidden");

        assert_eq!(world.client.call("DELETE", &path, Some(&admin), None, None, &[]).await.status, 204);
        let texts = world.client.get(&admin, "/api/notifications/templates").await.expect(200);
        let back = texts["data"]
            .as_array()
            .expect("texts")
            .iter()
            .find(|one| one["name"] == "order_shipped" && one["language"] == "en")
            .expect("Souk's");
        assert_eq!((back["isOwn"].as_bool(), back["subject"].as_str()), (Some(false), Some("Order {{ order.number }} is on its way")));
        world.verify().await;
        world.close().await;
    }
}

/// Souk's own texts are checked by the same rules as a company's, so that each can be begun from.
#[tokio::test(flavor = "multi_thread")]
async fn every_text_that_souk_brings_along_can_be_made_ones_own() {
    for world in World::all().await {
        let admin = world.staff(&world.a, "admin").await;
        let texts = world.client.get(&admin, "/api/notifications/templates").await.expect(200);
        let texts = texts["data"].as_array().expect("texts");
        assert!(texts.len() >= 38, "{}", texts.len());
        for one in texts {
            let own = json!({ "name": one["name"], "language": one["language"], "subject": one["subject"], "body": one["body"] });
            let made = world.client.post(&admin, "/api/notifications/templates", &own).await;
            // What opens an account is not a company's to write.
            if ["staff_invited", "password_reset", "email_verification", "one_time_code"].contains(&text(&one["name"]).as_str()) {
                made.wrong("not_yours");
                continue;
            }
            let path = format!("/api/notifications/templates/{}/preview", text(&made.expect(201)["id"]));
            let shown = world.client.post(&admin, &path, &json!({})).await.expect(200);
            let (subject, body) = (text(&shown["subject"]), text(&shown["text"]));
            assert!(!subject.is_empty() && body.len() > 20 && !body.contains("{{") && !body.contains("\n\n\n"), "{}: {body}", one["name"]);
            if one["language"] == "hi" {
                assert!(body.chars().any(|letter| ('\u{900}'..'\u{980}').contains(&letter)), "{}: {body}", one["name"]);
            }
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_of_the_companys_own_making_is_sent_with_words_of_the_day() {
    for world in World::all().await {
        let admin = world.staff(&world.a, "admin").await;
        let (token, _) = reader(&world, &world.a).await;
        let own = json!({ "name": "diwali_offer", "language": "en", "subject": "{{ words.percent }} off", "body": "{{ person.name }}, use {{ words.code }}." });
        world.client.post(&admin, "/api/notifications/templates", &own).await.expect(201);
        let id = super::id_of(&world, &token).await;
        let mut send = json!({ "customerIds": [id], "class": "informational", "template": "diwali_offer", "words": { "percent": "20 %", "code": "DIWALI" } });
        world.client.post(&admin, "/api/notifications/send", &send).await.expect(201);
        let seen = world.client.get(&token, "/api/notifications?unread=true").await.expect(200);
        assert_eq!(
            (seen["data"][0]["title"].as_str(), seen["data"][0]["body"].as_str()),
            (Some("20 % off"), Some("Somebody, use DIWALI."))
        );
        send["words"] = json!({});
        let refused = world.client.post(&admin, "/api/notifications/send", &send).await.refused(422, "invalid_input");
        assert_eq!(refused["errors"][0]["code"], "template_invalid");
        send["template"] = json!("welcome");
        world.client.post(&admin, "/api/notifications/send", &send).await.wrong("unknown");
        world.verify().await;
        world.close().await;
    }
}
