//! What a company's admins are told of what it owes, in the app and by letter, in both languages.

use serde_json::{Value, json};

use super::{Root, day, day_of};
use crate::{
    notifications::{Outside, turn_at},
    support::World,
};

/// The admin's messages of a kind, the newest first.
async fn told(world: &World, admin: &str, kind: &str) -> Vec<Value> {
    let list = world.client.get(admin, "/api/notifications?limit=100").await.expect(200);
    let all = list["data"].as_array().expect("messages");
    all.iter().filter(|one| one["template"] == kind).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_and_each_consequence_has_its_letter_in_both_languages() {
    let outside = Outside::open().await;
    for world in outside.worlds().await {
        outside.clear();
        let root = Root::of(&world).await;
        let admin = world.staff(&world.a, "admin").await;
        let id = root.raise(&world.a, 499_900, &day(0)).await;
        turn_at(&world, 0).await;
        let neighbour = world.staff(&world.b, "admin").await;
        let steps = [
            (0, "debt_created", "A new bill of ₹4,999.00", "₹4,999.00 का नया बिल"),
            (0, "debt_due", "A payment of ₹4,999.00 is due on", "₹4,999.00 का भुगतान"),
            (3, "debt_overdue", "₹4,999.00 is overdue", "₹4,999.00 का भुगतान बकाया है"),
            (7, "debt_limited", "Company alpha is limited until ₹4,999.00 is paid", "₹4,999.00 के भुगतान तक Company alpha सीमित है"),
            (14, "debt_suspended", "Company alpha is suspended until ₹4,999.00 is paid", "₹4,999.00 के भुगतान तक Company alpha निलंबित है"),
        ];
        for (offset, kind, english, _) in steps {
            day_of(&world, &world.a, offset).await;
            turn_at(&world, 0).await;
            let shown = told(&world, &admin, kind).await;
            assert_eq!(shown.len(), 1, "{kind}");
            let (title, body) = (shown[0]["title"].as_str().expect("a title"), shown[0]["body"].as_str().expect("a text"));
            assert!(title.starts_with(english), "{kind}: {title}");
            assert!(body.contains("https://shop.example.com/company/debts"), "{kind}: {body}");
            assert!(told(&world, &neighbour, kind).await.is_empty(), "the neighbour owes nothing");
        }
        let text = |kind: &'static str| {
            let (world, admin) = (&world, &admin);
            async move { told(world, admin, kind).await[0]["body"].as_str().expect("a text").to_owned() }
        };
        let limited = text("debt_limited").await;
        assert!(limited.contains(&format!("Since {} no shop, person or product can be added", day(7))), "{limited}");
        assert!(limited.contains(&format!("from {} on nothing can be changed", day(14))), "{limited}");
        let suspended = text("debt_suspended").await;
        assert!(suspended.contains(&format!("due on {}", day(0))), "{suspended}");
        assert!(suspended.contains(&format!("Since {} nothing can be changed and no orders are taken", day(14))), "{suspended}");
        assert!(told(&world, &admin, "debt_lifted").await.is_empty());

        root.post(&format!("/api/debts/{id}/payment"), &json!({ "amount": 499_900, "method": "upi" })).await.expect(201);
        turn_at(&world, 0).await;
        assert_eq!(told(&world, &admin, "debt_lifted").await[0]["title"], "Company alpha is open again");
        assert!(!text("debt_lifted").await.contains("overdue"));
        assert_eq!(told(&world, &admin, "debt_paid").await.len(), 1);

        let page = world.client.sign_in("admin@alpha.test").await;
        world.client.form(&page, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        let page = world.client.page(&page, "/messages").await;
        for (_, _, _, hindi) in steps {
            page.shows(&[hindi]);
        }
        page.shows(&["Company alpha फिर से खुला है", "से कोई दुकान, व्यक्ति या उत्पाद नहीं जोड़ा जा सकता", "क्या करें: जो देर से है उसे चुका दें"]);

        let letters = outside.smtp.to("admin@alpha.test");
        for subject in ["limited until", "suspended until", "open again"] {
            assert!(letters.iter().any(|letter| letter.part("text/html").contains(subject)), "{subject}: {letters:#?}");
        }
        assert!(outside.smtp.to("admin@beta.test").is_empty());
        outside.clear();
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_promise_puts_off_is_told_with_the_day_on_which_it_comes_back() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let admin = world.staff(&world.a, "admin").await;
        let id = root.raise(&world.a, 1_000, &day(-10)).await;
        root.raise(&world.a, 500, &day(-2)).await;
        day_of(&world, &world.a, 0).await;
        turn_at(&world, 0).await;
        let limited = told(&world, &admin, "debt_limited").await;
        assert_eq!(limited.len(), 1, "one letter for both");
        assert_eq!(limited[0]["title"], "Company alpha is limited until ₹15.00 is paid", "all that is late");
        assert!(told(&world, &admin, "debt_overdue").await.is_empty());

        let promise = json!({ "text": "pays on Friday", "promisedDate": day(3) });
        root.post(&format!("/api/debts/{id}/notes"), &promise).await.expect(201);
        turn_at(&world, 0).await;
        let lifted = told(&world, &admin, "debt_lifted").await;
        let said = lifted[0]["body"].as_str().expect("a text");
        assert!(said.contains("₹15.00 is still overdue"), "{said}");
        assert!(said.contains(&format!("added from {} on", day(4))), "{said}");

        // The promise was not kept, and what it had put off is told again.
        day_of(&world, &world.a, 4).await;
        turn_at(&world, 0).await;
        assert!(!told(&world, &admin, "debt_suspended").await.is_empty());
        world.verify().await;
        world.close().await;
    }
}
