//! A company's logo: taken by its content, shown where the company is, and gone again.

use std::time::Duration;

use souk::{clock, workers};

use crate::support::{World, png};

const LOGO: &str = "/company/settings/logo";

/// The logo's address on a page, if one is shown.
fn shown(page: &str) -> Option<String> {
    let (_, after) = page.split_once("sk-mark is-logo\"><img src=\"")?;
    Some(after.split('"').next()?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_is_shown_on_the_portal_and_in_letters_until_it_is_removed() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let neighbour = client.sign_in("admin@beta.test").await;
        client.page(&admin, "/company/settings").await.shows(&["Logo", "Choose a picture"]);
        let done = client.upload_form(&admin, LOGO, &[], &[("logo", "logo.exe", png(900, 600))]).await;
        assert_eq!(done.leads_to(), "/company/settings?said=flash.saved");
        let page = client.page(&admin, "/company/settings").await;
        page.shows(&["The logo of Company alpha", "Remove the logo"]);
        let address = shown(&page.text).expect("the logo in the frame");
        let file = client.call("GET", &address, None, None, None, &[]).await;
        assert_eq!(file.status, 200);
        let picture = image::load_from_memory(&file.bytes).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (320, 213), "written anew, and small");
        let staff = client.sign_in("staff@alpha.test").await;
        assert_eq!(shown(&client.page(&staff, "/shop/orders").await.text).as_ref(), Some(&address));
        let letter = client.page(&admin, "/company/notifications/templates/order_confirmed.en/letter").await;
        letter.shows(&[&format!("http://souk.test{address}")]);
        let token = world.staff(&world.a, "admin").await;
        let company = client.get(&token, &format!("/api/companies/{}", world.a.id)).await.expect(200);
        assert_eq!(company["branding"]["logo"], address.as_str());
        let entries = client.get(&token, "/api/audit/logs?resource=company&action=update").await.expect(200);
        assert!(entries.to_string().contains("logo"), "{entries}");
        assert_eq!(shown(&client.page(&neighbour, "/company/settings").await.text), None, "the neighbour has none");

        // The same picture is the neighbour's own file, and stays when the first one goes.
        client.upload_form(&neighbour, LOGO, &[], &[("logo", "logo.png", png(900, 600))]).await.leads_to();
        let theirs = shown(&client.page(&neighbour, "/company/settings").await.text).expect("their logo");
        assert_ne!(theirs, address);
        assert_eq!(client.form(&admin, &format!("{LOGO}/remove"), &[]).await.leads_to(), "/company/settings?said=flash.saved");
        assert_eq!(shown(&client.page(&admin, "/company/settings").await.text), None);
        let later = i64::try_from(Duration::from_secs(2 * 3_600).as_micros()).expect("two hours");
        clock::shifted(later, workers::turn(&world.souk)).await.expect("a turn");
        assert_eq!(client.call("GET", &address, None, None, None, &[]).await.status, 404, "nobody shows it any more");
        assert_eq!(client.call("GET", &theirs, None, None, None, &[]).await.status, 200, "what is shown is kept");
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_logo_is_refused_beside_its_field() {
    for world in World::all().await {
        let client = &world.client;
        let admin = client.sign_in("admin@alpha.test").await;
        let send = async |bytes: Vec<u8>| client.upload_form(&admin, LOGO, &[], &[("logo", "logo.png", bytes)]).await;
        let field = "aria-describedby=\"f-logo-h f-logo-e\"";
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec();
        send(svg).await.shows_refused(&[field, "Logo: this is no JPEG, PNG or WebP picture that can be read."]);
        send(png(50, 50)[..200].to_vec()).await.shows_refused(&[field, "Logo: this is no JPEG"]);
        send(vec![0; 2 * 1024 * 1024 + 1]).await.shows_refused(&[field, "Logo: at most 2 MiB."]);
        send(vec![0; 33 * 1024 * 1024]).await.shows_refused(&[field, "Logo: at most 2 MiB."]);
        let page = client.upload_form(&admin, LOGO, &[("name", "x")], &[]).await;
        page.shows_refused(&[field, "Logo: choose a picture.", "value=\"Company alpha\""]);
        assert_eq!(shown(&page.text), None);
        client.form(&admin, "/language", &[("lang", "hi"), ("next", "/")]).await.leads_to();
        send(vec![1; 9]).await.shows_refused(&["लोगो: यह पढ़ी जा सकने वाली"]);
        // A shop's manager has no say in it.
        let manager = client.sign_in("manager@alpha.test").await;
        assert_eq!(client.upload_form(&manager, LOGO, &[], &[("logo", "logo.png", png(50, 50))]).await.status, 403);
        assert_eq!(client.form(&manager, &format!("{LOGO}/remove"), &[]).await.status, 403);
        assert_eq!(world.count("SELECT COUNT(*) FROM companies WHERE logo IS NOT NULL").await, 0);
        world.verify().await;
        world.close().await;
    }
}
