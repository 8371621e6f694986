//! The table of endpoints is what the program serves: no row without its door, no door beside the table.

use std::{collections::BTreeSet, net::SocketAddr, process::Command};

use loco_rs::{app::Hooks, boot::StartMode, environment::Environment};
use serde_json::json;
use souk::{app::App, controllers, settings};
use tokio::net::TcpListener;

use crate::support::{Client, World, database::temporary};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_is_the_table() {
    for world in World::all().await {
        let mut config = settings::load(&Environment::Test).expect("the settings of tests");
        let own = config.settings.as_mut().expect("ours");
        own["data_dir"] = json!(world.souk.settings().data_dir);
        own["database_url"] = json!(world.souk.settings().database());
        let boot = App::boot(StartMode::ServerOnly, &Environment::Test, config).await.expect("booted, as the program is");

        let table: BTreeSet<_> = controllers::endpoints().iter().map(|row| (row.uri.to_owned(), row.method.to_owned())).collect();
        let doors = App::routes(&boot.app_context).collect();
        let doors: BTreeSet<_> = doors
            .iter()
            .flat_map(|door| door.actions.iter().map(|method| (door.uri.clone(), method.to_string())))
            .filter(|(_, method)| method != "HEAD")
            .collect();
        assert_eq!(doors, table, "Loco's routes (left) are not the table's rows (right)");

        // What answers is the router that Loco made of them, with all that is laid around it.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let client = Client::of_program(listener.local_addr().expect("an address"));
        let router = boot.router.expect("a router").into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        let open: BTreeSet<_> = controllers::endpoints().iter().filter(|row| row.permission == "anyone").map(|row| row.uri).collect();
        let uris: BTreeSet<_> = table.iter().map(|(uri, _)| uri.clone()).collect();
        for uri in uris.iter().map(String::as_str).chain(["/_ping", "/_health", "/_readiness"]) {
            let path: Vec<_> = uri.split('/').map(|part| if part.contains('{') { "x" } else { part }).collect();
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                let is_row = table.contains(&(uri.to_owned(), method.to_owned()));
                let headers = [("sec-fetch-site", "same-origin")];
                let answer = client.send(method, &path.join("/"), None, None, &headers).await;
                // Behind an open door there may be nothing of that name; any other asks first who is there.
                if !is_row || !open.contains(uri) {
                    let expected = if is_row { "a row's" } else { "nobody's" };
                    assert_eq!(answer.status != 404, is_row, "{method} {uri}, {expected}: {} {}", answer.status, answer.text);
                }
            }
        }
        server.abort();
        world.close().await;
    }
}

/// Loco's own words among them: what would start something, show the settings or ask for more.
const STRANGERS: &[&[&str]] = &[
    &["nonsense"],
    &["start", "--all"],
    &["start", "--server-and-worker"],
    &["s"],
    &["scheduler"],
    &["middleware"],
    &["watch"],
    &["generate", "controller", "x"],
    &["doctor", "--config"],
    &["db", "reset"],
    &["task", "nothing"],
    &["jobs", "tidy"],
    &["--environment", "production", "start"],
];

#[test]
fn words_that_souk_does_not_know_open_nothing() {
    let folder = temporary();
    let say = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
        let done = command.env_clear().current_dir(&folder).args(words).output().expect("the program runs");
        (done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    for words in STRANGERS {
        let (went_well, said, refused) = say(words);
        assert!(!went_well && said.is_empty(), "{words:?}: {said}");
        assert!(refused.starts_with("souk: unknown command; souk [start"), "{words:?}: {refused}");
    }
    for (word, answer) in [("version", env!("CARGO_PKG_VERSION")), ("--version", "souk 0."), ("help", "task verify"), ("--help", "doctor")]
    {
        let (went_well, said, refused) = say(&[word]);
        assert!(went_well && said.contains(answer) && refused.is_empty(), "{word}: {said}{refused}");
    }
    assert_eq!(std::fs::read_dir(&folder).expect("the folder").count(), 0, "nothing was made");
    std::fs::remove_dir_all(&folder).expect("tidied");
}
