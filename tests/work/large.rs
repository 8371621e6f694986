//! The large demo, in small.

use souk::{
    models::{companies, orders, orders::Status},
    tasks::large::{Size, fill},
    tenancy::Tenant,
};

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_large_demo_trades_for_a_year_and_its_books_are_true() {
    for world in World::all().await {
        fill(&world.souk, Size { companies: 1, products: 24, orders: 104 }).await.expect("filled");
        let platform = world.souk.platform("companies").await.expect("the platform");
        let all = companies::list(&platform, None, 10).await.expect("companies");
        drop(platform);
        let traders: Vec<_> = all.into_iter().filter(|company| company.slug.starts_with("amber-")).collect();
        assert_eq!(traders.len(), 1);
        let sold = world.count("SELECT COUNT(*) FROM products WHERE popularity > 0").await;
        assert!(sold > 10, "{sold} products are popular, before any schedule has run");
        for company in traders {
            let scope = world.souk.read(Tenant::system(company.id)).await.expect("a scope");
            let mut seen = Vec::new();
            let mut after = None;
            loop {
                let page = orders::list(&scope, &orders::Filter::default(), after, 100).await.expect("orders");
                seen.extend(page.orders.iter().map(|order| order.status));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert!(seen.len() > 80, "{} orders", seen.len());
            for status in [Status::Confirmed, Status::Processing, Status::Packed, Status::Shipped, Status::Delivered, Status::Completed] {
                assert!(seen.contains(&status), "none is {}", status.name());
            }
        }
        world.verify().await;
        world.close().await;
    }
}
