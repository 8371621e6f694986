//! A month is closed once, stays what it was, and later balances begin there.

use rand::{Rng, SeedableRng, rngs::StdRng};
use sea_orm::ConnectionTrait;
use souk::{
    models::{
        ledger::{self, About, Account, Line},
        verify,
    },
    money::Money,
    tenancy::Tenant,
    workers,
};

use super::{DAY, HOUR, SECOND, at, begins, book, books, close, closed, ends, instant, months_ago, sell, summed};
use crate::support::{World, say};

const ACCOUNTS: [Account; 6] =
    [Account::Gateway, Account::Cash, Account::Receivable, Account::Sales, Account::TaxPayable, Account::SalesReturns];

#[tokio::test(flavor = "multi_thread")]
async fn balances_are_the_sum_of_all_that_was_booked_whatever_is_closed() {
    let seed = rand::random();
    say(format_args!("the books' history has the seed {seed}"));
    for world in World::all().await {
        let mut dice = StdRng::seed_from_u64(seed);
        let agree = async |ago: u32| {
            let month = months_ago(ago);
            let (shown, sums) = (books(&world, &world.a, month).await, summed(&world, &world.a, begins(month), ends(month)).await);
            assert_eq!(shown, sums, "{}, {month}, seed {seed}", world.souk.engine());
            assert!(ago > 3 || !sums.is_empty(), "{month} has no books");
        };
        sell(&world, &world.b, begins(months_ago(3)) + HOUR, 7_777).await;
        for ago in (0..=3).rev() {
            let month = months_ago(ago);
            let (from, until) = (begins(month), ends(month).min(souk::clock::now().micros()));
            // At its edges, and anywhere between them.
            let mut moments = vec![from, until - 5 * SECOND];
            moments.extend((0..12).map(|_| dice.random_range(from..until - 5 * SECOND)));
            moments.sort_unstable();
            for moment in moments {
                let (one, other) = (dice.random_range(0..6), dice.random_range(1..6));
                let accounts = (ACCOUNTS[one], ACCOUNTS[(one + other) % 6]);
                let currency = if dice.random_range(0..5) == 0 { "USD" } else { "INR" };
                let amount = dice.random_range(1..1_000_000);
                at(moment, book(&world, &world.a, accounts, amount, currency)).await.expect("booked");
            }
            agree(ago).await;
            if ago > 1 {
                close(&world, &world.a, ends(month) + DAY + HOUR).await;
                assert_eq!(closed(&world, &world.a).await.last().map(|(month, _)| month.clone()), Some(month.to_string()));
            }
            for before in ago..=4 {
                agree(before).await;
            }
        }
        assert_eq!(closed(&world, &world.a).await.len(), 2);
        assert_eq!(closed(&world, &world.b).await, [], "the neighbour's books are its own");
        assert_eq!(
            books(&world, &world.b, months_ago(0)).await,
            summed(&world, &world.b, begins(months_ago(0)), ends(months_ago(0))).await
        );
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_month_is_closed_once_and_a_day_after_its_end() {
    for world in World::all().await {
        let (first, second) = (months_ago(3), months_ago(2));
        sell(&world, &world.a, ends(first) - 5 * SECOND, 100).await;
        sell(&world, &world.a, ends(first), 1_000).await;
        close(&world, &world.a, ends(first) + DAY - HOUR).await;
        assert_eq!(closed(&world, &world.a).await, [], "something may still be on its way");
        for _ in 0..2 {
            close(&world, &world.a, ends(first) + DAY + HOUR).await;
            assert_eq!(closed(&world, &world.a).await, [(first.to_string(), 2)]);
        }
        let gateway = |figures| (("gateway".to_owned(), "INR".to_owned()), figures);
        assert_eq!(books(&world, &world.a, first).await.into_iter().next(), Some(gateway([0, 100, 0, 100])));
        assert_eq!(books(&world, &world.a, second).await.into_iter().next(), Some(gateway([100, 1_000, 0, 1_100])));

        // Months are closed in their order, the empty ones too, and by one of all who try.
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (souk, company) = (world.souk.clone(), world.a.id);
            rivals.spawn(at(souk::clock::now().micros(), async move { ledger::close_due(&souk, company).await }));
        }
        while let Some(done) = rivals.join_next().await {
            done.expect("a rival").expect("closed");
        }
        let months = closed(&world, &world.a).await;
        // The last one may have ended less than a day ago.
        let all: Vec<_> = [3, 2, 1].map(|ago| (months_ago(ago).to_string(), 2)).into();
        let is_over = souk::clock::now().micros() >= ends(months_ago(1)) + DAY;
        assert_eq!(months, all[..if is_over { 3 } else { 2 }]);
        assert_eq!(closed(&world, &world.b).await, [], "what was never booked has no books");

        let db = world.raw().await;
        for sql in ["UPDATE ledger_closings SET balance = 0", "DELETE FROM ledger_closings"] {
            let refused = db.execute_unprepared(sql).await.expect_err("a closing was changed");
            assert!(refused.to_string().contains("append-only"), "{refused}");
        }
        db.close().await.expect("closed");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_that_moves_loses_nothing_between_two_months() {
    for world in World::all().await {
        let (first, second) = (months_ago(3), months_ago(2));
        sell(&world, &world.a, begins(first) + DAY, 10).await;
        close(&world, &world.a, ends(first) + 2 * DAY).await;
        // Between midnight in India and midnight in New York: of the second month, since the first is closed.
        sell(&world, &world.a, ends(first) + HOUR, 200).await;
        let db = world.raw().await;
        db.execute_unprepared("UPDATE companies SET zone = 'America/New_York' WHERE slug = 'alpha'").await.expect("moved");
        db.close().await.expect("closed");
        // Between midnight in India and midnight in New York: still of the second month.
        sell(&world, &world.a, ends(second) + HOUR, 3_000).await;
        for _ in 0..2 {
            let shown = books(&world, &world.a, second).await;
            assert_eq!(shown.values().next(), Some(&[10, 3_200, 0, 3_210]));
            close(&world, &world.a, ends(second) + 3 * DAY).await;
        }
        assert_eq!(closed(&world, &world.a).await.len(), 2);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_booked_into_a_closed_month() {
    for world in World::all().await {
        let month = months_ago(2);
        let inside = begins(month) + DAY;
        sell(&world, &world.a, inside, 100).await;
        // Begun in the month, and kept when it is closed.
        let late = if world.is_postgres() {
            let scope = world.souk.write(Tenant::system(world.a.id)).await.expect("a scope");
            let about = About { kind: "test", reference: "late", payment: None, order: None, currency: "INR" };
            let lines = [Line::debit(Account::Cash, None, Money(5)), Line::credit(Account::Sales, None, Money(5))];
            at(inside, ledger::post(&scope, about, &lines)).await.expect("not refused yet");
            Some(scope)
        } else {
            None
        };
        close(&world, &world.a, ends(month) + 2 * DAY).await;
        if let Some(scope) = late {
            let refused = scope.commit().await.expect_err("kept behind the closing");
            assert!(refused.to_string().contains("the month of this booking is closed"), "{refused}");
        }
        for moment in [inside, ends(month) - 5 * SECOND] {
            let refused = at(moment, book(&world, &world.a, (Account::Sales, Account::Cash), 5, "INR")).await;
            let refused = refused.expect_err("booked behind the closing").to_string();
            assert!(refused.contains("the month of this booking is closed"), "{refused}");
        }
        sell(&world, &world.a, ends(month), 20).await;
        sell(&world, &world.b, inside, 3).await;
        let entries =
            |slug| format!("SELECT COUNT(*) FROM ledger_entries WHERE company_id = (SELECT id FROM companies WHERE slug = '{slug}')");
        assert_eq!((world.count(&entries("alpha")).await, world.count(&entries("beta")).await), (4, 2));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_that_was_altered_is_found() {
    for world in World::all().await {
        let (first, second) = (months_ago(3), months_ago(2));
        for company in [&world.a, &world.b] {
            sell(&world, company, begins(first) + DAY, 100).await;
            sell(&world, company, begins(second) + DAY, 1_000).await;
            close(&world, company, ends(second) + 2 * DAY).await;
        }
        world.verify().await;
        let db = world.raw().await;
        for trigger in [
            ("ledger_closings_no_update", "ledger_closings"),
            ("ledger_closings_no_delete", "ledger_closings"),
            ("ledger_entries_month_open", "ledger_entries"),
        ] {
            let of = if world.is_postgres() { format!(" ON {}", trigger.1) } else { String::new() };
            db.execute_unprepared(&format!("DROP TRIGGER {}{of}", trigger.0)).await.expect("gone");
        }
        let broken = async |only: &str| {
            let faults = verify::all(&world.souk, Some(only)).await.expect("the invariants were asked");
            faults.into_iter().map(|fault| fault.invariant).collect::<Vec<_>>()
        };
        let mine = "company_id = (SELECT id FROM companies WHERE slug = 'alpha') AND account = 'gateway' AND month =";
        let sum = "a closed month is what was booked until its end, and within it";
        for (forged, mended) in [
            ("balance = balance + 1", "balance = balance - 1"),
            ("debit = debit + 1, credit = credit + 1", "debit = debit - 1, credit = credit - 1"),
            ("ends_at = ends_at + 2764800000000", "ends_at = ends_at - 2764800000000"),
        ] {
            for (month, ends) in [(first, true), (second, false)] {
                // A month that ends later has more in it only when another follows.
                if forged.starts_with("ends_at") && !ends {
                    continue;
                }
                let set = async |what: &str| {
                    let sql = format!("UPDATE ledger_closings SET {what} WHERE {mine} '{month}'");
                    assert_eq!(db.execute_unprepared(&sql).await.expect("forged").rows_affected(), 1, "{sql}");
                };
                set(forged).await;
                let found = broken("alpha").await;
                assert!(found.iter().any(|one| one == sum), "{}: {forged} in {month} is not in {found:?}", world.souk.engine());
                assert_eq!(broken("beta").await, [""; 0], "the neighbour's books are whole");
                set(mended).await;
                assert_eq!(broken("alpha").await, [""; 0]);
            }
        }
        // Booked behind the closings, and an account that is gone from one.
        at(begins(first) + 2 * DAY, book(&world, &world.a, (Account::Sales, Account::Gateway), 1, "INR")).await.expect("booked");
        assert_eq!(broken("alpha").await, vec![sum; 4], "two accounts of two months");
        assert_eq!(broken("beta").await, [""; 0]);
        db.execute_unprepared(&format!("DELETE FROM ledger_closings WHERE {mine} '{second}'")).await.expect("gone");
        let gone = "a closed month has every account that was booked until its end";
        assert!(broken("alpha").await.iter().any(|one| one == gone));
        db.close().await.expect("closed");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workers_close_a_month_by_themselves_a_day_after_they_found_it_over() {
    for world in World::all().await {
        let month = months_ago(0);
        let end = ends(month);
        sell(&world, &world.a, souk::clock::now().micros(), 100).await;
        let jobs = "SELECT COUNT(*) FROM jobs WHERE kind = 'ledger.close'";
        let turn = async |moment: i64| at(moment, workers::turn(&world.souk)).await.expect("a turn");
        turn(end - HOUR).await;
        assert_eq!(world.count(jobs).await, 0, "the month goes on");
        turn(end + HOUR).await;
        turn(end + 3 * HOUR).await;
        assert_eq!(world.count(&format!("{jobs} AND state = 'ready' AND run_at >= {}", end + DAY + HOUR)).await, 1);
        assert_eq!(closed(&world, &world.a).await, []);
        turn(end + DAY + 2 * HOUR).await;
        assert_eq!(closed(&world, &world.a).await, [(month.to_string(), 2)]);
        turn(end + DAY + 4 * HOUR).await;
        assert_eq!(world.count(&format!("{jobs} AND state = 'done'")).await, 1);
        assert_eq!(world.count(jobs).await, 1, "a month is closed by one job, and nobody else has books");
        // The next one is found when it is over.
        turn(ends(month.next()) + HOUR).await;
        assert_eq!(world.count(&format!("{jobs} AND state = 'ready'")).await, 1);
        let scope = world.souk.read(Tenant::system(world.a.id)).await.expect("a scope");
        let read = at(end + 2 * DAY, ledger::balances(&scope, None)).await.expect("the books");
        assert_eq!((read.from, read.closed_at), (instant(end), None));
        world.close().await;
    }
}
