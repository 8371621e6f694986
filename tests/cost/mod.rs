//! What the common journeys cost in statements, and whether each is served by an index.

mod indexes;

use serde_json::json;

use crate::support::{World, order, say, statements::Statements};

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_costs_so_many_statements() {
    let statements = Statements::listen().await;
    for world in World::all_with(|settings| settings.log_statements = true).await {
        let token = world.customer(&world.a, "thrifty@alpha.test").await;
        let mut body = order(&world.a, 0, 1, "test", Some("tok_ok"));
        let line = |index: usize| json!({ "variantId": world.a.variants[index], "shopId": world.a.shop, "quantity": 1 });
        body["items"] = json!([line(0), line(1)]);
        // The first order of a company opens its number series.
        world.client.post(&token, "/api/orders", &body).await.expect(201);
        statements.take();
        world.client.post(&token, "/api/orders", &body).await.expect(201);
        // What a connection says to itself when it opens is nobody's cost.
        let said: Vec<_> = statements.take().into_iter().filter(|sql| !sql.starts_with("PRAGMA")).collect();
        say(format_args!("{}: {} statements for a checkout of two lines", world.souk.engine(), said.len()));
        // On PostgreSQL each unit also takes its role, and says when it is kept.
        let most = if world.is_postgres() { 65 } else { 57 };
        assert!(said.len() <= most, "a checkout costs more than the {most} statements it did: {said:#?}");
        world.verify().await;
        world.close().await;
    }
}
