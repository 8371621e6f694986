//! Money comes in: never too much, once for a key, to the oldest first, and it can be taken back.

use serde_json::{Value, json};

use super::{Root, day};
use crate::support::{World, text};

fn figures(debt: &Value) -> (String, i64, i64) {
    (text(&debt["status"]), debt["amountPaid"].as_i64().expect("paid"), debt["amountRemaining"].as_i64().expect("the rest"))
}

fn schedule(debt: &Value) -> Vec<(i64, i64, String)> {
    let rows = debt["paymentSchedule"].as_array().expect("a schedule");
    let figure = |row: &Value, name: &str| row[name].as_i64().expect("a figure");
    rows.iter().map(|row| (figure(row, "amount"), figure(row, "amountPaid"), text(&row["status"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_goes_to_the_oldest_instalment_and_never_beyond_what_is_owed() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let admin = world.staff(&world.a, "admin").await;
        let id = root.raise(&world.a, 1_000, &day(10)).await;
        let plan = json!({ "count": 3, "every": "week", "firstDueDate": day(1) });
        let planned = root.post(&format!("/api/debts/{id}/plan"), &plan).await.expect(200);
        let fresh = |amount| (amount, 0, "pending".to_owned());
        assert_eq!(schedule(&planned), [fresh(334), fresh(333), fresh(333)]);

        let pay = async |amount: i64| {
            let body = json!({ "amount": amount, "method": "bank_transfer", "reference": "UTR 1" });
            world.client.post(&admin, &format!("/api/debts/{id}/payment"), &body).await
        };
        let debt = pay(500).await.expect(201);
        assert_eq!(figures(&debt), ("partial".into(), 500, 500));
        assert_eq!(schedule(&debt), [(334, 334, "paid".into()), (333, 166, "partial".into()), (333, 0, "pending".into())]);
        assert_eq!(debt["payments"][0]["by"]["role"], "company_admin");
        let refused = pay(501).await.refused(409, "amount_too_large");
        assert_eq!((refused["remaining"].as_i64(), refused["currency"].as_str()), (Some(500), Some("INR")));
        pay(0).await.wrong("too_small");
        assert_eq!(figures(&pay(500).await.expect(201)), ("paid".into(), 1_000, 0));
        pay(1).await.refused(409, "amount_too_large");

        // The neighbour's admin sees nothing of it, and cannot pay it.
        let other = world.staff(&world.b, "admin").await;
        world.client.get(&other, &format!("/api/debts/{id}")).await.refused(404, "not_found");
        let body = json!({ "amount": 1, "method": "cash" });
        world.client.post(&other, &format!("/api/debts/{id}/payment"), &body).await.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn twenty_payments_at_once_never_exceed_the_debt() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let admin = world.staff(&world.a, "admin").await;
        let id = root.raise(&world.a, 1_000, &day(1)).await;
        root.post(&format!("/api/debts/{id}/plan"), &json!({ "count": 3 })).await.expect(200);
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (client, admin, path) = (world.client.clone(), admin.clone(), format!("/api/debts/{id}/payment"));
            rivals.spawn(async move { client.post(&admin, &path, &json!({ "amount": 150, "method": "upi" })).await });
        }
        let mut taken = 0;
        while let Some(answer) = rivals.join_next().await {
            let answer = answer.expect("a rival");
            if answer.status == 201 {
                taken += 1;
            } else {
                answer.refused(409, "amount_too_large");
            }
        }
        assert_eq!(taken, 6, "{}", world.souk.engine());
        assert_eq!(figures(&root.debt(&id).await), ("partial".into(), 900, 100));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn one_key_is_one_payment_however_many_ask() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let admin = world.staff(&world.a, "admin").await;
        let id = root.raise(&world.a, 1_000, &day(1)).await;
        let path = format!("/api/debts/{id}/payment");
        let body = json!({ "amount": 300, "method": "upi" });
        let key = [("idempotency-key", "pay-once")];
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let (client, admin, path, body) = (world.client.clone(), admin.clone(), path.clone(), body.clone());
            rivals.spawn(async move { client.call("POST", &path, Some(&admin), None, Some(&body), &key).await });
        }
        let mut payments = Vec::new();
        while let Some(answer) = rivals.join_next().await {
            let answer = answer.expect("a rival");
            if answer.status == 201 {
                payments.push(text(&answer.body["payment"]["id"]));
            } else {
                answer.refused(409, "idempotency_in_progress");
            }
        }
        assert!(!payments.is_empty() && payments.iter().all(|id| *id == payments[0]), "{payments:?}");
        assert_eq!(figures(&root.debt(&id).await), ("partial".into(), 300, 700));
        let other = json!({ "amount": 301, "method": "upi" });
        world.client.call("POST", &path, Some(&admin), None, Some(&other), &key).await.refused(422, "idempotency_key_reused");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_payment_by_mistake_is_taken_back_once_by_an_entry_against_it() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let id = root.raise(&world.a, 1_000, &day(1)).await;
        let path = format!("/api/debts/{id}/payment");
        let first = root.post(&path, &json!({ "amount": 400, "method": "cash" })).await.expect(201);
        let paid = root.post(&path, &json!({ "amount": 600, "method": "cheque" })).await.expect(201);
        assert_eq!(figures(&paid), ("paid".into(), 1_000, 0));
        let payment = text(&first["payment"]["id"]);
        let back = json!({ "paymentId": payment, "reason": "the cheque bounced" });
        root.post(&format!("/api/debts/{id}/reversal"), &json!({ "paymentId": payment, "reason": " " })).await.wrong("required");
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (client, token, path, back) = (world.client.clone(), root.token.clone(), format!("/api/debts/{id}/reversal"), back.clone());
            rivals.spawn(async move { client.post(&token, &path, &back).await });
        }
        let mut won = 0;
        while let Some(answer) = rivals.join_next().await {
            let answer = answer.expect("a rival");
            if answer.status == 200 {
                won += 1;
            } else {
                answer.refused(409, "already_reversed");
            }
        }
        assert_eq!(won, 1);
        let debt = root.debt(&id).await;
        assert_eq!(figures(&debt), ("partial".into(), 600, 400));
        assert_eq!(debt["payments"].as_array().map(Vec::len), Some(3));
        assert_eq!((debt["payments"][0]["amount"].as_i64(), debt["payments"][2]["isReversed"].as_bool()), (Some(-400), Some(true)));
        // What was taken back is no payment that could be taken back itself.
        let counter = json!({ "paymentId": debt["payments"][0]["id"], "reason": "again" });
        root.post(&format!("/api/debts/{id}/reversal"), &counter).await.refused(404, "not_found");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_unpaid_is_planned_again() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let id = root.raise(&world.a, 900, &day(5)).await;
        let plan = format!("/api/debts/{id}/plan");
        root.post(&plan, &json!({ "count": 3, "firstDueDate": day(2) })).await.expect(200);
        root.post(&format!("/api/debts/{id}/payment"), &json!({ "amount": 450, "method": "cash" })).await.expect(201);
        root.post(&plan, &json!({ "amounts": [200, 200], "every": "week", "firstDueDate": day(3) })).await.wrong("sum_mismatch");
        root.post(&plan, &json!({ "instalments": [{ "amount": 450, "dueDate": day(-1) }] })).await.wrong("out_of_range");
        root.post(&plan, &json!({ "count": 2, "amounts": [450] })).await.wrong("required");
        let parts = json!({ "instalments": [{ "amount": 50, "dueDate": day(3) }, { "amount": 400, "dueDate": day(9) }] });
        let debt = root.post(&plan, &parts).await.expect(200);
        let paid = |amount| (amount, amount, "paid".to_owned());
        let open = |amount| (amount, 0, "pending".to_owned());
        assert_eq!(schedule(&debt), [paid(300), open(50), open(400), paid(150)], "by due day");
        assert_eq!((figures(&debt), text(&debt["nextDueDate"]), text(&debt["dueDate"])), (("partial".into(), 450, 450), day(3), day(9)));
        root.call("POST", &plan, &json!({ "count": 1 })).await.expect(200);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debt_ends_by_cancelling_or_writing_off_with_a_reason() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let wrong = root.raise(&world.a, 700, &day(5)).await;
        let lost = root.raise(&world.a, 800, &day(5)).await;
        let reason = json!({ "reason": "raised twice" });
        root.post(&format!("/api/debts/{wrong}/cancel"), &json!({ "reason": "" })).await.wrong("required");
        assert_eq!(figures(&root.post(&format!("/api/debts/{wrong}/cancel"), &reason).await.expect(200)), ("cancelled".into(), 0, 0));
        root.post(&format!("/api/debts/{wrong}/cancel"), &reason).await.refused(409, "debt_closed");
        root.post(&format!("/api/debts/{wrong}/payment"), &json!({ "amount": 1, "method": "cash" })).await.refused(409, "debt_closed");

        root.post(&format!("/api/debts/{lost}/payment"), &json!({ "amount": 300, "method": "cash" })).await.expect(201);
        root.post(&format!("/api/debts/{lost}/cancel"), &reason).await.refused(409, "debt_paid_in_part");
        assert_eq!(figures(&root.post(&format!("/api/debts/{lost}/write-off"), &reason).await.expect(200)), ("written_off".into(), 300, 0));

        // What a person of the platform does is in the audit of the company it touches.
        let admin = world.staff(&world.a, "admin").await;
        let entries = world.client.get(&admin, &format!("/api/audit/resource/debt/{lost}")).await.expect(200);
        let actions: Vec<_> = entries["data"].as_array().expect("entries").iter().map(|one| text(&one["action"])).collect();
        assert_eq!(actions, ["write_off", "pay", "create"]);
        assert!(entries["data"].as_array().expect("entries").iter().all(|one| one["role"] == "super_admin"), "{entries}");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_narrowed_paged_and_aged() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let admin = world.staff(&world.a, "admin").await;
        let mut ids = vec![];
        for (amount, offset) in [(100, 3), (200, 0), (300, -1), (400, -30), (500, -31), (600, -61), (700, -91)] {
            ids.push(root.raise(&world.a, amount, &day(offset)).await);
        }
        let foreign = root.raise(&world.b, 9_000, &day(-5)).await;
        let dollars = json!({ "companyId": world.a.id, "type": "loan", "amount": 50, "currency": "USD", "dueDate": day(-40) });
        root.post("/api/debts", &dollars).await.expect(201);
        super::day_of(&world, &world.a, 0).await;
        super::day_of(&world, &world.b, 0).await;

        let aged = world.client.get(&admin, "/api/debts/aging").await.expect(200);
        let bucket = |data: &Value, currency: &str| {
            let all = data["data"].as_array().expect("buckets").clone();
            let one = all.into_iter().find(|one| one["currency"] == currency).expect("a bucket");
            ["current", "days1To30", "days31To60", "days61To90", "daysOver90", "total"].map(|name| one[name].as_i64().expect("a figure"))
        };
        assert_eq!(bucket(&aged, "INR"), [300, 700, 500, 600, 700, 2_800]);
        assert_eq!(bucket(&aged, "USD"), [0, 0, 50, 0, 0, 50]);
        assert_eq!(bucket(&root.get("/api/debts/aging").await, "INR"), [300, 9_700, 500, 600, 700, 11_800]);

        let amounts = |list: &Value| -> Vec<i64> {
            list["data"].as_array().expect("a list").iter().map(|one| one["amount"].as_i64().expect("an amount")).collect()
        };
        let mut seen = vec![];
        let mut cursor = String::new();
        loop {
            let list = world.client.get(&admin, &format!("/api/debts/overdue?limit=2{cursor}")).await.expect(200);
            seen.extend(amounts(&list));
            let Some(next) = list["page"]["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, [700, 600, 50, 500, 400, 300]);
        assert_eq!(amounts(&root.get("/api/debts/overdue").await), [700, 600, 50, 500, 400, 9_000, 300]);
        assert_eq!(amounts(&world.client.get(&admin, "/api/debts?limit=3").await.expect(200)), [50, 700, 600]);
        assert_eq!(amounts(&world.client.get(&admin, "/api/debts?status=pending").await.expect(200)), [200, 100]);
        assert_eq!(amounts(&root.get("/api/debts?type=loan").await), [50]);
        assert_eq!(amounts(&root.get(&format!("/api/debts/company/{}", world.b.id)).await), [9_000]);
        assert_eq!(root.get(&format!("/api/debts/{foreign}")).await["companyId"], json!(world.b.id));
        world.client.get(&admin, &format!("/api/debts/company/{}", world.b.id)).await.refused(404, "not_found");
        world.client.get(&admin, "/api/debts?status=forgotten").await.wrong("unknown");
        world.verify().await;
        world.close().await;
    }
}
