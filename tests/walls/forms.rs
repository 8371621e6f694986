//! A session is the whole browser's and a form is one tab's: every form says for which company it was
//! made, and no door takes one that was made for another company than the session's.

use std::collections::BTreeSet;

use souk::{
    controllers,
    endpoints::Endpoint,
    ids::CompanyId,
    models::identity,
    tenancy::{PLATFORM_COMPANY, Tenant},
};

use super::matrix::neighbour::Neighbour;
use crate::support::{Answer, Client, World, say};

/// Forms about the browser and whoever sits at it, in whichever company.
const OF_NO_COMPANY: [&str; 5] = ["/language", "/sign-out", "/switch-company", "/switch-company/{id}/send", "/theme"];
const FILES: [&str; 2] = ["/company/products/{id}/media", "/company/settings/logo"];

fn pages(method: &str) -> Vec<Endpoint> {
    let pages = controllers::endpoints().into_iter().filter(|door| !door.uri.starts_with("/api") && door.permission != "anyone");
    pages.filter(|door| door.method == method).collect()
}

/// One of the platform's people, as they act in a company.
async fn acting(world: &World, company: CompanyId) -> String {
    let client = &world.client;
    let root = client.sign_in("root@souk.test").await;
    let scope = world.souk.read(Tenant::system(company)).await.expect("a scope");
    let admin = identity::admins(&scope).await.expect("admins")[0].id.to_string();
    drop(scope);
    let begun = client.form(&root, &format!("/admin/companies/{company}/act-as"), &[("admin", &admin), ("reason", "a ticket")]).await;
    begun.headers["set-cookie"].to_str().expect("a cookie").split(';').next().expect("its value").to_owned()
}

/// The forms of a page that write: where each goes, and what comes first in it.
fn forms(page: &str) -> Vec<(&str, &str)> {
    let forms = page.split("<form").skip(1).filter_map(|form| form.split_once('>')).filter(|(tag, _)| tag.contains("method=\"post\""));
    forms
        .map(|(tag, inside)| (tag.split_once("action=\"").map_or("", |(_, to)| to.split('"').next().unwrap_or_default()), inside))
        .collect()
}

/// Looks at every page that somebody can open, and answers how many forms stand on them.
async fn walk(client: &Client, theirs: &Neighbour, cookie: &str, company_at: impl Fn(&str) -> CompanyId) -> usize {
    let mut count = 0;
    for door in pages("GET") {
        let path = theirs.path(&door);
        let page = client.page(cookie, &path).await;
        if page.status != 200 || !page.text.contains("<html") {
            continue;
        }
        for (action, inside) in forms(&page.text) {
            let (to, query) = action.split_once('?').unwrap_or((action, ""));
            if OF_NO_COMPANY.contains(&to) {
                continue;
            }
            let company = company_at(if to.is_empty() { &path } else { to });
            let field = format!("<input type=\"hidden\" name=\"made_for\" value=\"{company}\">");
            assert!(
                inside.starts_with(&field),
                "{path}: the form to `{action}` does not name its company: {}",
                &inside[..inside.len().min(200)]
            );
            let has_files = page.text.contains(&format!("action=\"{action}\" enctype=\"multipart/form-data\""));
            assert_eq!(query, if has_files { format!("made_for={company}") } else { String::new() }, "{path}: {action}");
            count += 1;
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_every_page_names_the_company_it_was_made_for() {
    for world in World::all().await {
        let theirs = Neighbour::moves_in(&world).await;
        let (client, beta) = (&world.client, world.b.id);
        let is_platforms = |path: &str| path.starts_with("/admin") || path.starts_with("/account");
        let admin = walk(client, &theirs, &client.sign_in("admin@beta.test").await, |_| beta).await;
        let staff = walk(client, &theirs, &client.sign_in("staff@beta.test").await, |_| beta).await;
        let root = walk(client, &theirs, &client.sign_in("root@souk.test").await, |_| PLATFORM_COMPANY).await;
        let of_place = |path: &str| if is_platforms(path) { PLATFORM_COMPANY } else { beta };
        let acting = walk(client, &theirs, &acting(&world, beta).await, of_place).await;
        say(format_args!("forms that name their company: {admin} as admin, {staff} as staff, {root} as root, {acting} acting"));
        assert!(admin > 60 && staff > 10 && root > 20 && acting > admin, "{admin}, {staff}, {root}, {acting}");
        world.close().await;
    }
}

/// What was written down so far, by anybody.
async fn written(world: &World) -> i64 {
    world.count("SELECT (SELECT COUNT(*) FROM audit_entries) + (SELECT COUNT(*) FROM outbox)").await
}

async fn send(client: &Client, cookie: &str, door: &Endpoint, path: &str, company: CompanyId) -> Answer {
    if FILES.contains(&door.uri) {
        return client.upload_form(cookie, &format!("{path}?made_for={company}"), &[], &[("pictures", "a.png", vec![1])]).await;
    }
    client.form(cookie, path, &[("made_for", &company.to_string()), ("name", "stolen"), ("reason", "not here"), ("sure", "on")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_door_takes_a_form_that_was_made_for_another_company() {
    for world in World::all().await {
        let theirs = Neighbour::moves_in(&world).await;
        let (client, alpha, beta) = (&world.client, world.a.id, world.b.id);
        let admin = client.sign_in("admin@beta.test").await;
        let staff = client.sign_in("staff@beta.test").await;
        let root = client.sign_in("root@souk.test").await;
        let acting = acting(&world, beta).await;
        let before = written(&world).await;
        let mut asked = BTreeSet::new();
        for door in pages("POST").iter().filter(|door| !OF_NO_COMPANY.contains(&door.uri)) {
            let path = theirs.path(door);
            for (who, cookie, made_for) in [
                ("admin", &admin, alpha),
                ("staff", &staff, alpha),
                ("root", &root, alpha),
                ("acting", &acting, alpha),
                ("nobody's", &admin, CompanyId::new()),
            ] {
                let refused = send(client, cookie, door, &path, made_for).await;
                let is_told = refused.text.contains("This form was made for") && refused.text.contains("<html");
                assert!(refused.status == 409 && is_told, "{path} as {who}: {} {}", refused.status, refused.text);
                // Where else there are companies is nobody's but the platform's to know.
                let is_named = refused.text.contains("Company alpha");
                assert_eq!(is_named, ["root", "acting"].contains(&who), "{path} as {who}");
            }
            asked.insert(door.uri);
        }
        assert!(asked.len() > 100, "only {asked:?}");
        assert_eq!(written(&world).await, before, "something was written");
        theirs.is_untouched(&world).await;
        // A form of their own company is taken, and one that says nothing is as before.
        let own = beta.to_string();
        client.form(&admin, "/company/brands", &[("made_for", &own), ("name", "Own")]).await.leads_to();
        client.form(&admin, "/company/brands", &[("name", "Silent")]).await.leads_to();
        assert!(written(&world).await > before);
        world.close().await;
    }
}
