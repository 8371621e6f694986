//! The demo owes something and has orders in every state, and everything holds at once, without an engine that mends it.

use serde_json::json;
use souk::models::orders::Status;

use crate::support::{program::Program, text};

#[tokio::test(flavor = "multi_thread")]
async fn everything_holds_right_after_the_demo_when_no_engine_ever_ran() {
    for mut program in Program::all().await {
        if program.engine() == "postgresql" {
            let (is_done, said) = program.task(&["db", "migrate"]);
            assert!(is_done, "{said}");
        }
        let (is_done, said) = program.task(&["task", "demo"]);
        assert!(is_done && said.contains("the demo is loaded"), "{said}");
        let (holds, said) = program.task(&["task", "verify"]);
        assert!(holds, "{}: {said}", program.engine());

        program.start(None).await;
        let person = json!({ "email": "admin@souk.test", "password": souk::tasks::demo::PASSWORD });
        let signed_in = program.client.call("POST", "/api/auth/login", None, Some("greenbasket"), Some(&person), &[]).await.expect(200);
        let root = text(&signed_in["accessToken"]);
        let overdue = program.client.call("GET", "/api/debts/overdue", Some(&root), None, None, &[]).await.expect(200);
        assert_eq!(overdue["data"].as_array().map(Vec::len), Some(1), "{overdue}");
        let id = text(&overdue["data"][0]["id"]);
        let debt = program.client.call("GET", &format!("/api/debts/{id}"), Some(&root), None, None, &[]).await.expect(200);
        let parts = debt["paymentSchedule"].as_array().expect("instalments");
        let states: Vec<_> = parts.iter().map(|one| text(&one["status"])).collect();
        assert_eq!((states, text(&debt["stage"])), (vec!["paid".into(), "overdue".into(), "pending".into()], "notice".into()));
        for company in ["techhub", "greenbasket"] {
            for status in Status::ALL {
                let path = format!("/api/orders?status={}", status.name());
                let found = program.client.call("GET", &path, Some(&root), Some(company), None, &[]).await.expect(200);
                assert_ne!(found["data"], json!([]), "{company} has no order that is {}", status.name());
            }
        }
        program.holds().await;
        program.close().await;
    }
}
