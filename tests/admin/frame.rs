//! Who may open the admin portal's pages, and what they find from there.

use souk::controllers;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_of_a_company_opens_a_page_of_the_platform() {
    for world in World::all().await {
        let client = &world.client;
        let pages: Vec<_> = controllers::endpoints().into_iter().filter(|page| page.uri.starts_with("/admin")).collect();
        assert!(!pages.is_empty());
        for role in ["admin", "manager", "staff", "rider"] {
            let cookie = client.sign_in(&format!("{role}@alpha.test")).await;
            for page in &pages {
                let path = page.uri.replace("{id}", &world.b.id.to_string());
                let answer = if page.method == "GET" { client.page(&cookie, &path).await } else { client.form(&cookie, &path, &[]).await };
                assert_eq!(answer.status, 403, "{} {} as {role}: {}", page.method, page.uri, answer.text);
                assert!(!answer.text.contains("beta"), "{}", answer.text);
            }
        }
        let door = client.page("souk_session=none", "/admin/companies").await;
        assert_eq!(door.leads_to(), "/sign-in?next=%2Fadmin%2Fcompanies");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_super_admin_lands_on_the_platforms_own_pages() {
    for world in World::all().await {
        let client = &world.client;
        let root = client.sign_in("root@souk.test").await;
        let home = client.page(&root, "/").await.leads_to();
        assert!(home.starts_with("/admin"), "{home}");
        let page = client.page(&root, &home).await;
        page.shows(&["data-portal=\"admin\"", "Platform admin", "href=\"/admin/companies\""]);
        assert!(!page.text.contains("href=\"/company/orders\"") && !page.text.contains("brand.css"), "{}", page.text);
        // Their own pages are in the platform's frame too.
        client.page(&root, "/account").await.shows(&["data-portal=\"admin\"", "href=\"/admin/companies\""]);
        let json = [("cookie", root.as_str()), ("accept", "application/json")];
        let found = client.send("GET", "/jump?q=bet&from=/admin", None, None, &json).await.expect(200);
        assert_eq!(found["groups"][0]["items"][0]["text"], "Company beta", "{found}");
        let admin = client.sign_in("admin@alpha.test").await;
        let json = [("cookie", admin.as_str()), ("accept", "application/json")];
        let found = client.send("GET", "/jump?q=bet&from=/admin", None, None, &json).await.expect(200);
        assert!(!found.to_string().contains("beta") && !found.to_string().contains("/admin"), "{found}");
        client.page(&admin, "/account").await.shows(&["data-portal=\"company\"", "/company/brand.css"]);
        world.verify().await;
        world.close().await;
    }
}
