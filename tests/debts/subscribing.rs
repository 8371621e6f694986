//! Plans, what they allow, and how their periods bill themselves.

use serde_json::{Value, json};
use souk::{clock, models::debts};

use super::{DAY, Root, day, day_of};
use crate::support::{Answer, World, order, text};

async fn add_plan(root: &Root<'_>, code: &str, price: i64, limits: &Value) {
    let mut body = json!({ "code": code, "name": code, "price": price, "currency": "INR", "period": "month" });
    body.as_object_mut().expect("a body").extend(limits.as_object().expect("limits").clone());
    root.post("/api/companies/plans", &body).await.expect(201);
}

async fn subscribe(root: &Root<'_>, change: &Value) -> Answer {
    root.call("PUT", &format!("/api/companies/{}/subscription", root.world.a.id), change).await
}

async fn debts_of(root: &Root<'_>) -> Vec<(i64, String)> {
    let list = root.get(&format!("/api/debts/company/{}", root.world.a.id)).await;
    list["data"].as_array().expect("debts").iter().map(|one| (one["amount"].as_i64().expect("an amount"), text(&one["dueDate"]))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn each_period_raises_its_debt_once() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        add_plan(&root, "basic", 99_900, &json!({})).await;
        let begun = subscribe(&root, &json!({ "plan": "basic" })).await.expect(200);
        assert_eq!((begun["state"].as_str(), begun["startsOn"].as_str()), (Some("active"), Some(day(0).as_str())));
        assert_eq!(debts_of(&root).await, [(99_900, day(7))]);
        let debt = text(&root.get("/api/debts").await["data"][0]["id"]);
        root.post(&format!("/api/debts/{debt}/payment"), &json!({ "amount": 99_900, "method": "upi" })).await.expect(201);

        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (souk, company) = (world.souk.clone(), world.a.id);
            rivals.spawn(clock::shifted(31 * DAY, async move { debts::day(&souk, company).await }));
        }
        while let Some(done) = rivals.join_next().await {
            done.expect("a rival").expect("a day");
        }
        assert_eq!(debts_of(&root).await.len(), 2);
        // A second month was slept through: it is billed, and is not overdue for that.
        day_of(&world, &world.a, 93).await;
        let owed = debts_of(&root).await;
        assert_eq!(owed.len(), 4, "{owed:?}");
        assert_eq!((&owed[0].1, &owed[1].1), (&day(100), &day(100)));
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dearer_plan_begins_today_and_a_cheaper_one_with_the_next_period() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        for (code, price) in [("small", 30_000), ("large", 90_000), ("free", 0)] {
            add_plan(&root, code, price, &json!({ "shops": 5 })).await;
        }
        subscribe(&root, &json!({ "plan": "nothing" })).await.wrong("unknown");
        subscribe(&root, &json!({ "renews": false })).await.refused(409, "not_subscribed");
        subscribe(&root, &json!({ "plan": "small" })).await.expect(200);
        let begun = root.get(&format!("/api/companies/{}/subscription", world.a.id)).await;
        let date = |name: &str| text(&begun[name]).parse::<chrono::NaiveDate>().expect("a day");
        let whole = (date("endsOn") - date("startsOn")).num_days();
        // Ten days into the month the rest of it is charged, by days.
        let plan = {
            let platform = world.souk.platform("plans").await.expect("the platform");
            souk::models::plans::by_code(&platform, "large").await.expect("asked").expect("a plan")
        };
        clock::shifted(10 * DAY, async {
            let scope = world.souk.write(souk::tenancy::Tenant::system(world.a.id)).await.expect("a scope");
            let change = debts::SubscriptionChange { plan: Some("large".into()), ..debts::SubscriptionChange::default() };
            debts::subscribe(&scope, &change, Some(&plan)).await.expect("switched");
            scope.commit().await.expect("kept");
        })
        .await;
        let exact = 60_000 * (whole - 10);
        let charge = (exact * 2 + whole) / (whole * 2);
        assert_eq!(debts_of(&root).await, [(charge, day(17)), (30_000, day(7))]);

        let later = subscribe(&root, &json!({ "plan": "free" })).await.expect(200);
        assert_eq!((later["plan"]["code"].as_str(), later["nextPlanId"].is_string()), (Some("large"), true));
        for debt in root.get("/api/debts").await["data"].as_array().expect("debts") {
            let pay = json!({ "amount": debt["amountRemaining"], "method": "upi" });
            root.post(&format!("/api/debts/{}/payment", text(&debt["id"])), &pay).await.expect(201);
        }
        day_of(&world, &world.a, 31).await;
        let now = root.get(&format!("/api/companies/{}/subscription", world.a.id)).await;
        assert_eq!((now["plan"]["code"].as_str(), now["price"].as_i64()), (Some("free"), Some(0)));
        assert_eq!(debts_of(&root).await.len(), 2, "a period that costs nothing has no debt");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_a_grace_a_lapse_and_an_end() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        add_plan(&root, "basic", 50_000, &json!({})).await;
        let state = async || root.get(&format!("/api/companies/{}/subscription", world.a.id)).await;
        subscribe(&root, &json!({ "plan": "basic", "trialDays": 10, "graceDays": 5 })).await.expect(200);
        assert_eq!((state().await["state"].as_str(), debts_of(&root).await.len()), (Some("trial"), 0));
        // The trial is over on its eleventh day: the first period bills itself, due seven days later.
        day_of(&world, &world.a, 10).await;
        assert_eq!((text(&state().await["state"]), debts_of(&root).await), ("active".into(), vec![(50_000, day(17))]));
        day_of(&world, &world.a, 18).await;
        assert_eq!(state().await["state"], "grace");
        day_of(&world, &world.a, 22).await;
        assert_eq!((text(&state().await["state"]), root.standing(&world.a).await), ("lapsed".into(), "lapsed".into()));
        // Nobody pays for a month in which nothing can be done.
        day_of(&world, &world.a, 60).await;
        assert_eq!(debts_of(&root).await.len(), 1);
        let debt = text(&root.get("/api/debts").await["data"][0]["id"]);
        clock::shifted(61 * DAY, async {
            let scope = world.souk.write(souk::tenancy::Tenant::system(world.a.id)).await.expect("a scope");
            let new = debts::NewPayment { amount: souk::money::Money(50_000), method: "upi".into(), reference: String::new() };
            debts::pay(&scope, debt.parse().expect("an id"), &new).await.expect("paid");
            scope.commit().await.expect("kept");
            debts::day(&world.souk, world.a.id).await.expect("a day");
        })
        .await;
        assert_eq!((text(&state().await["state"]), root.standing(&world.a).await), ("active".into(), "good".into()));
        assert_eq!((text(&state().await["startsOn"]), debts_of(&root).await[0].clone()), (day(61), (50_000, day(68))));

        subscribe(&root, &json!({ "cancel": true })).await.wrong("required");
        subscribe(&root, &json!({ "cancel": true, "reason": "closes down" })).await.expect(200);
        root.call("GET", &format!("/api/companies/{}/subscription", world.a.id), &Value::Null).await.refused(404, "not_found");
        assert_eq!(debts_of(&root).await.len(), 2, "what was billed stays owed");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_does_not_renew_runs_out() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        add_plan(&root, "free", 0, &json!({})).await;
        subscribe(&root, &json!({ "plan": "free", "graceDays": 3 })).await.expect(200);
        let begun = subscribe(&root, &json!({ "renews": false })).await.expect(200);
        let ends: chrono::NaiveDate = text(&begun["endsOn"]).parse().expect("a day");
        let over = (ends - super::today()).num_days();
        for (offset, state, standing) in
            [(over - 1, "active", "good"), (over, "grace", "good"), (over + 2, "grace", "good"), (over + 3, "lapsed", "lapsed")]
        {
            day_of(&world, &world.a, offset).await;
            let now = root.get(&format!("/api/companies/{}/subscription", world.a.id)).await;
            assert_eq!((now["state"].as_str(), root.standing(&world.a).await.as_str()), (Some(state), standing), "day {offset}");
        }
        subscribe(&root, &json!({ "cancel": true, "reason": "gone" })).await.expect(200);
        assert_eq!(root.standing(&world.a).await, "good", "without a subscription there is none to lapse");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn the_last_place_of_a_plan_is_taken_once() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        add_plan(&root, "tight", 100, &json!({ "shops": 3, "orders": 5 })).await;
        subscribe(&root, &json!({ "plan": "tight" })).await.expect(200);
        let admin = world.staff(&world.a, "admin").await;
        let mut rivals = tokio::task::JoinSet::new();
        for number in 0..8 {
            let (client, admin) = (world.client.clone(), admin.clone());
            rivals.spawn(async move {
                client.post(&admin, "/api/shops", &json!({ "slug": format!("shop-{number}"), "name": "One more" })).await
            });
        }
        let mut opened = 0;
        while let Some(answer) = rivals.join_next().await {
            let answer = answer.expect("a rival");
            if answer.status == 201 {
                opened += 1;
            } else {
                let refused = answer.refused(409, "plan_limit");
                assert_eq!((refused["limit"].as_i64(), refused["current"].as_i64()), (Some(3), Some(3)));
            }
        }
        assert_eq!(opened, 2, "{}", world.souk.engine());

        let mut tokens = vec![];
        for number in 0..12 {
            tokens.push(world.customer(&world.a, &format!("buyer{number}@alpha.test")).await);
        }
        for token in tokens {
            let (client, body) = (world.client.clone(), order(&world.a, 0, 1, "test", Some("tok_ok")));
            rivals.spawn(async move { client.post(&token, "/api/orders", &body).await });
        }
        let mut placed = 0;
        while let Some(answer) = rivals.join_next().await {
            let answer = answer.expect("a rival");
            if answer.status == 201 {
                placed += 1;
            } else {
                let refused = answer.refused(409, "plan_limit");
                assert_eq!((refused["what"].as_str(), refused["limit"].as_i64()), (Some("orders"), Some(5)));
            }
        }
        assert_eq!(placed, 5, "{}", world.souk.engine());
        // The neighbour has no plan and no limits.
        let theirs = world.staff(&world.b, "admin").await;
        for number in 0..4 {
            world.client.post(&theirs, "/api/shops", &json!({ "slug": format!("shop-{number}"), "name": "More" })).await.expect(201);
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_the_platforms() {
    for world in World::all().await {
        let root = Root::of(&world).await;
        let admin = world.staff(&world.a, "admin").await;
        add_plan(&root, "basic", 10_000, &json!({ "products": 10 })).await;
        let taken = json!({ "code": "basic", "name": "Twice", "price": 1, "currency": "INR", "period": "year" });
        root.post("/api/companies/plans", &taken).await.refused(409, "code_taken");
        world.client.post(&admin, "/api/companies/plans", &taken).await.refused(403, "forbidden");
        let plans = world.client.get(&admin, "/api/companies/plans").await.expect(200);
        let id = text(&plans["data"][0]["id"]);
        let path = format!("/api/companies/plans/{id}");
        let changed = root.call("PUT", &path, &json!({ "price": 12_000, "products": null, "isActive": false })).await.expect(200);
        assert_eq!(
            (changed["price"].as_i64(), changed["limits"]["products"].is_null(), changed["version"].as_i64()),
            (Some(12_000), true, Some(2))
        );
        root.call("PUT", &path, &json!({ "price": -1 })).await.wrong("out_of_range");
        subscribe(&root, &json!({ "plan": "basic" })).await.wrong("inactive");
        assert_eq!(world.client.get(&admin, "/api/companies/plans").await.expect(200)["data"].as_array().map(Vec::len), Some(0));
        world.verify().await;
        world.close().await;
    }
}
