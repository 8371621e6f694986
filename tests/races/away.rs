//! What Souk needs outside goes away for an hour: shops go on selling, and what waited is done once it is back.

use crate::{
    notifications::{buy, turn_at},
    support::{World, providers::Smtp, text},
};

#[tokio::test(flavor = "multi_thread")]
async fn letters_wait_for_a_mail_server_that_is_away_and_leave_once() {
    let mut smtp = Smtp::open().await;
    for world in World::all_with(|settings| settings.smtp_url = Some(smtp.url())).await {
        let before = world.customer(&world.a, "before@alpha.test").await;
        buy(&world, &world.a, &before).await;
        turn_at(&world, 0).await;
        assert!(!smtp.to("before@alpha.test").is_empty(), "letters leave while the server is there");
        let left = smtp.letters().len();

        smtp.leave();
        let mut buyers = Vec::new();
        for (number, seconds) in [0, 5, 60, 600, 1_800, 3_600].into_iter().enumerate() {
            for company in [&world.a, &world.b] {
                let email = format!("away{number}@{}.test", company.slug);
                let token = world.customer(company, &email).await;
                let order = buy(&world, company, &token).await;
                buyers.push((email, text(&order["orderNumber"])));
            }
            turn_at(&world, seconds).await;
        }
        let of_letters =
            |state: &str| format!("SELECT COUNT(*) FROM notification_deliveries WHERE channel = 'email' AND state = '{state}'");
        assert_eq!(smtp.letters().len(), left);
        assert!(world.count(&of_letters("queued")).await >= 12, "they wait");
        assert_eq!(
            world.count(&of_letters("failed")).await + world.count("SELECT COUNT(*) FROM dead_letters").await,
            0,
            "none was given up"
        );

        smtp.come_back().await;
        // Whoever asked last waits longest: at most an hour and a bit.
        for seconds in [3_700, 8_000, 8_100, 12_000] {
            turn_at(&world, seconds).await;
        }
        for (email, number) in &buyers {
            let letters = smtp.to(email);
            let about = letters.iter().filter(|letter| letter.header("subject").contains(number.as_str())).count();
            assert_eq!(about, 1, "{}: {email} has {} letters, {about} about {number}", world.souk.engine(), letters.len());
            let mut ids: Vec<_> = letters.iter().map(|letter| letter.header("message-id")).collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), letters.len(), "{email} has a letter twice");
        }
        let told = world.count("SELECT COUNT(*) FROM notifications WHERE template = 'order_confirmed'").await;
        assert!(told >= i64::try_from(buyers.len()).expect("few"), "{told} of {} were told in the app", buyers.len());
        assert_eq!(world.count(&of_letters("queued")).await + world.count(&of_letters("sending")).await, 0);
        smtp.clear();
        world.verify().await;
        world.close().await;
    }
}
