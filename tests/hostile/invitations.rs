//! Inviting, as a way to learn who is on the platform or to fill somebody's mailbox.

use serde_json::{Value, json};
use souk::models::identity;

use crate::support::{PASSWORD, World, text};

const LETTERS: &str = "SELECT COUNT(*) FROM outbox WHERE kind = 'notification.requested'";

async fn invite(world: &World, admin: &str, email: &str) -> Value {
    let body = json!({ "email": email, "name": "Somebody", "role": "shop_staff", "shopIds": [world.a.shop] });
    world.client.post(admin, "/api/users", &body).await.expect(201)
}

/// The company that somebody comes to who names none.
async fn home(world: &World, email: &str) -> Value {
    let body = json!({ "email": email, "password": PASSWORD });
    let signed_in = world.client.call("POST", "/api/auth/login", None, None, Some(&body), &[]).await.expect(200);
    world.client.get(&text(&signed_in["accessToken"]), "/api/auth/verify").await.expect(200)["companyId"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_does_not_tell_who_is_on_the_platform() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        // One of the platform's people has acted here before, and so has a place that is in no list.
        let root = client.sign_in("root@souk.test").await;
        let boss = client.get(&admin, "/api/users?role=company_admin").await.expect(200);
        let act = format!("/admin/companies/{}/act-as", world.a.id);
        client.form(&root, &act, &[("admin", &text(&boss["data"][0]["id"])), ("reason", "a ticket")]).await.leads_to();

        let mut answers = Vec::new();
        for email in ["new@nowhere.test", "manager@beta.test", "root@souk.test"] {
            let mut answer = invite(&world, &admin, email).await;
            let id = text(&answer["id"]);
            assert_eq!((&answer["state"], &answer["joinedAt"]), (&json!("invited"), &json!(null)), "{email}");
            let found = client.get(&admin, &format!("/api/users/{id}")).await.expect(200);
            assert_eq!((&found["state"], &found["email"]), (&json!("invited"), &json!(email)));
            for own in ["id", "email", "createdAt", "version", "updatedAt"] {
                answer[own] = json!(null);
            }
            for assignment in answer["assignments"].as_array_mut().into_iter().flatten() {
                assignment["id"] = json!(null);
            }
            answers.push(answer);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "the answers differ: {answers:#?}");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_an_account_comes_by_their_own_sign_in_and_not_before() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let id = text(&invite(&world, &admin, "manager@beta.test").await["id"]);
        assert_eq!(home(&world, "manager@beta.test").await, json!(world.b.id), "an invitation is no home");
        let state = async || client.get(&admin, &format!("/api/users/{id}")).await.expect(200)["state"].clone();
        assert_eq!(state().await, "invited");
        let link = world.invitation(&world.a, &id).await;
        client.form("", "/invitation", &[("link", &link), ("password", PASSWORD)]).await.leads_to();
        assert_eq!(state().await, "active");

        // Of two invitations the one that was accepted is home, though the other is older.
        let theirs = world.staff(&world.b, "admin").await;
        invite(&world, &admin, "nila@nowhere.test").await;
        let body = json!({ "email": "nila@nowhere.test", "name": "Nila", "role": "shop_staff", "shopIds": [world.b.shop] });
        let second = text(&client.post(&theirs, "/api/users", &body).await.expect(201)["id"]);
        let link = world.invitation(&world.b, &second).await;
        let device = souk::tenancy::Device::default();
        identity::accept(&world.souk, &link, "Nila", PASSWORD, &device).await.expect("an arrival");
        assert_eq!(home(&world, "nila@nowhere.test").await, json!(world.b.id));

        // The platform's own people learn by their own password that this is not for them.
        let id = text(&invite(&world, &admin, "root@souk.test").await["id"]);
        let link = world.invitation(&world.a, &id).await;
        let refused = client.form("", "/invitation", &[("link", &link), ("password", PASSWORD)]).await;
        refused.shows_refused(&["This person belongs to the platform."]);
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_mailbox_is_filled_with_invitations() {
    for world in World::all().await {
        let client = &world.client;
        let token = world.staff(&world.a, "admin").await;
        let before = world.count(LETTERS).await;
        let id = text(&invite(&world, &token, "often@nowhere.test").await["id"]);
        let admin = client.sign_in("admin@alpha.test").await;
        // A person who is chosen many times is chosen once.
        let many: Vec<_> = (0..50).map(|_| ("ids", id.as_str())).collect();
        let told = client.form(&admin, "/company/staff/invite-again", &many).await.leads_to();
        client.page(&admin, &told).await.shows(&["data-flash"]);
        assert_eq!(world.count(LETTERS).await - before, 2);
        for _ in 0..3 {
            client.form(&admin, &format!("/company/staff/{id}/invite-again"), &[]).await.leads_to();
        }
        let told = client.form(&admin, &format!("/company/staff/{id}/invite-again"), &[]).await.leads_to();
        client.page(&admin, &told).await.shows(&["several invitations within the hour"]);
        // Sent away and invited anew is the same mailbox.
        client.delete(&token, &format!("/api/users/{id}")).await.expect(204);
        let body = json!({ "email": "often@nowhere.test", "name": "Often", "role": "shop_staff", "shopIds": [world.a.shop] });
        client.post(&token, "/api/users", &body).await.refused(409, "letters_enough");
        assert_eq!(world.count(LETTERS).await - before, 5);
        // The neighbour's invitation is another matter.
        let theirs = world.staff(&world.b, "admin").await;
        let body = json!({ "email": "often@nowhere.test", "name": "Often", "role": "shop_staff", "shopIds": [world.b.shop] });
        client.post(&theirs, "/api/users", &body).await.expect(201);
        world.verify().await;
        world.close().await;
    }
}
