//! Signing in, staying signed in, and what a guest takes along.

use serde_json::json;

use crate::support::{PASSWORD, World, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_used_once() {
    for world in World::all().await {
        let client = &world.client;
        let body = json!({ "email": "customer@alpha.test", "password": PASSWORD });
        let first = client.call("POST", "/api/auth/login", None, Some("alpha"), Some(&body), &[]).await.expect(200);
        let refresh = async |token: &str| {
            let body = json!({ "refreshToken": token });
            client.call("POST", "/api/auth/refresh-token", None, None, Some(&body), &[]).await
        };
        let old = text(&first["refreshToken"]);
        let second = refresh(&old).await.expect(200);
        let access = text(&second["accessToken"]);
        client.get(&access, "/api/auth/profile").await.expect(200);
        refresh(&old).await.refused(401, "refresh_reused");
        client.get(&access, "/api/auth/profile").await.refused(401, "session_ended");
        assert_eq!(refresh(&text(&second["refreshToken"])).await.status, 401);

        let wrong = json!({ "email": "customer@alpha.test", "password": "not-the-password" });
        let answer = client.call("POST", "/api/auth/login", None, Some("alpha"), Some(&wrong), &[]).await;
        answer.refused(401, "wrong_credentials");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_cart_comes_along() {
    for world in World::all().await {
        let client = &world.client;
        let line = json!({ "variantId": world.a.variants[0], "shopId": world.a.shop, "quantity": 2 });
        let cart = client.call("POST", "/api/cart/items", None, Some("alpha"), Some(&line), &[]).await.expect(200);
        let guest = text(&cart["token"]);
        let guest = [("x-cart-token", guest.as_str())];
        let cart = client.call("GET", "/api/cart", None, Some("alpha"), None, &guest).await.expect(200);
        assert_eq!(cart["items"][0]["quantity"], 2);
        let body = json!({ "email": "customer@alpha.test", "password": PASSWORD });
        let welcome = client.call("POST", "/api/auth/login", None, Some("alpha"), Some(&body), &guest).await.expect(200);
        let cart = client.get(&text(&welcome["accessToken"]), "/api/cart").await.expect(200);
        assert_eq!((cart["items"].as_array().map(Vec::len), &cart["items"][0]["quantity"]), (Some(1), &json!(2)));
        let left = client.call("GET", "/api/cart", None, Some("alpha"), None, &guest).await.expect(200);
        assert_eq!(left["items"], json!([]));
        world.verify().await;
        world.close().await;
    }
}
