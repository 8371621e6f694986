//! Production refuses to start where its walls would be decoration, and says why; as README's Deploy
//! has it, it starts.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::support::{
    Client,
    database::{self, Postgres},
    fleet::free_port,
    postgres::Server,
    say,
};

const SECRET: &str = "a secret of production that is long enough";

/// The program in production, with a data folder and what else it is told.
fn program(folder: &Path, settings: &[(&str, &str)], words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
    command.env_clear().current_dir(folder).args(words).envs([("LOCO_ENV", "production"), ("HOST", "127.0.0.1")]);
    command.env("SOUK_DATA_DIR", folder.join("data")).envs(settings.iter().copied());
    command
}

/// Asserts that it does not start, and says why.
fn refuses(folder: &Path, settings: &[(&str, &str)], words: &[&str], why: &str) {
    let port = free_port().to_string();
    let mut command = program(folder, settings, words);
    let mut child = command.env("PORT", port).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program runs");
    let since = Instant::now();
    while child.try_wait().expect("its state").is_none() {
        if since.elapsed() > Duration::from_secs(60) {
            end(child);
            panic!("it started, though `{why}` was to be expected");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let done = child.wait_with_output().expect("its words");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && said.contains(why), "`{why}` is not in: {said}");
}

fn end(mut child: Child) {
    child.kill().expect("it is killed");
    child.wait().expect("it is gone");
}

/// Starts it, and waits until it answers.
async fn starts(folder: &Path, settings: &[(&str, &str)]) -> (Child, Client) {
    let port = free_port();
    let log = fs::File::create(folder.join("start.log")).expect("a log");
    let mut command = program(folder, settings, &["start"]);
    let mut child = command.env("PORT", port.to_string()).stdout(Stdio::null()).stderr(log).spawn().expect("the program runs");
    let client = Client::of_program(([127, 0, 0, 1], port).into());
    for _ in 0..600 {
        if client.try_send("GET", "/health", None, None, &[]).await.is_some_and(|answer| answer.status == 200) {
            return (child, client);
        }
        let ended = child.try_wait().expect("its state");
        assert!(ended.is_none(), "it ended: {}", fs::read_to_string(folder.join("start.log")).expect("its words"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    end(child);
    panic!("no answer within a minute");
}

/// Runs a command to its end.
fn runs(folder: &Path, settings: &[(&str, &str)], words: &[&str]) {
    let done = program(folder, settings, words).output().expect("the program runs");
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{words:?}: {said}");
}

#[test]
fn production_refuses_settings_that_cannot_be_meant() {
    let folder = database::temporary();
    let cases: [(&[(&str, &str)], &str); 8] = [
        (&[], "SOUK_SECRET is missing"),
        (&[("SOUK_SECRET", "")], "SOUK_SECRET is missing"),
        (&[("SOUK_SECRET", "development-secret-that-production-refuses")], "SOUK_SECRET is the one of development"),
        (
            &[("SOUK_SECRET", "a secret of production that is long enough,development-secret-that-production-refuses")],
            "the one of development",
        ),
        (&[("SOUK_SECRET", "short")], "SOUK_SECRET is shorter than 32 characters"),
        (&[("SOUK_SECRET", "a secret of production that is long enough,short")], "SOUK_SECRET is shorter than 32 characters"),
        // Another name for it would quietly be development.
        (&[("LOCO_ENV", "live"), ("SOUK_SECRET", SECRET)], "not `live`"),
        // Events that go nowhere would be missed late.
        (&[("SOUK_SECRET", SECRET), ("AMQP_URL", "rabbit:5672")], "AMQP_URL must be like amqp://"),
    ];
    for (settings, why) in cases {
        refuses(&folder, settings, &["start"], why);
    }
    for words in [&["doctor"][..], &["db", "status"]] {
        assert!(!program(&folder, &[("SOUK_SECRET", SECRET)], words).output().expect("the program runs").status.success(), "{words:?}");
    }
    assert!(!folder.join("data/souk.sqlite").exists(), "a database was made on the way");
    fs::remove_dir_all(&folder).expect("tidied");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_database_of_sqlite_is_one_processs() {
    let (folder, other) = (database::temporary(), database::temporary());
    let file = folder.join("shop.sqlite");
    let named = |how: &str| format!("sqlite://{}{how}", file.display());
    // However the address opens it: how is Souk's to say.
    let (first, second) = (named("?mode=rwc"), named(""));
    let first = [("SOUK_SECRET", SECRET), ("DATABASE_URL", first.as_str())];
    let (child, client) = starts(&folder, &first).await;
    assert!(file.exists() && !folder.join("data/souk.sqlite").exists());

    let second = [("SOUK_SECRET", SECRET), ("DATABASE_URL", second.as_str())];
    let why = format!("another souk is running on {}", file.canonicalize().expect("the file").display());
    refuses(&folder, &second, &["start"], &why);
    refuses(&other, &second, &["start"], &why);
    refuses(&other, &second, &["db", "migrate"], &why);
    let link = other.join("link.sqlite");
    symlink(&file, &link).expect("a link");
    let link = format!("sqlite://{}", link.display());
    refuses(&other, &[("SOUK_SECRET", SECRET), ("DATABASE_URL", &link)], &["start"], &why);
    runs(&folder, &second, &["task", "verify"]);

    assert_eq!(client.send("GET", "/health", None, None, &[]).await.status, 200);
    end(child);
    let (child, _) = starts(&other, &second).await;
    end(child);
    let memory = [("SOUK_SECRET", SECRET), ("DATABASE_URL", "sqlite::memory:")];
    refuses(&other, &memory, &["start"], "names a database in memory");
    for folder in [folder, other] {
        fs::remove_dir_all(folder).expect("tidied");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn production_refuses_a_login_that_the_policies_do_not_bind() {
    let Some(database) = Postgres::new().await else {
        return say(format_args!("logins: skipped, this needs PostgreSQL"));
    };
    let folder = database::temporary();
    let url = database.url();
    refuses(&folder, &[("SOUK_SECRET", SECRET), ("DATABASE_URL", &url)], &["start"], "as a superuser or a role that bypasses row security");

    let admin = database::connect(&url).await.expect("the server");
    let role = format!("souk_test_{}", Uuid::now_v7().simple());
    let (_, rest) = url.split_once('@').expect("a URL with a login");
    let url = format!("postgres://{role}:a-word@{rest}");
    let settings = [("SOUK_SECRET", SECRET), ("DATABASE_URL", url.as_str())];
    for (sql, why) in [
        ("CREATE ROLE {role} LOGIN INHERIT PASSWORD 'a-word'; GRANT souk_app TO {role}", "as a role that inherits souk_app"),
        ("ALTER ROLE {role} NOINHERIT BYPASSRLS", "as a superuser or a role that bypasses row security"),
    ] {
        admin.execute_unprepared(&sql.replace("{role}", &role)).await.expect("a role");
        refuses(&folder, &settings, &["start"], why);
    }
    admin.execute_unprepared(&format!("DROP ROLE {role}")).await.expect("tidied");
    admin.close().await.expect("closed");
    database.drop().await;
    fs::remove_dir_all(&folder).expect("tidied");
}

/// README's SQL under Deploy, for an owner of another name than the test server's own: what comes
/// before the migration, and what comes after it.
fn deploy(owner: &str) -> (String, String) {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README");
    let (_, rest) = readme.split_once("```sql").expect("SQL");
    let (sql, _) = rest.split_once("```").expect("its end");
    let is_end = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
    let named = sql
        .split_inclusive(is_end)
        .map(|word| if word.trim_end_matches(is_end) == "souk" { word.replace("souk", owner) } else { word.into() });
    let named: String = named.collect();
    let (before, after) = named.split_once("-- after").expect("what is done after the migration");
    let statements = |part: &str| {
        let lines = part.lines().map(|line| line.trim().split(" --").next().unwrap_or_default().trim());
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    };
    // Its first line is the rest of the comment.
    let (_, after) = after.split_once('\n').expect("a statement");
    (statements(before), statements(after))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_readme_says_of_deploying_works() {
    let server = match Server::open() {
        Ok(server) => server,
        Err(why) => return say(format_args!("deploy: skipped, there is no PostgreSQL of its own: {why}")),
    };
    let folder = database::temporary();
    let (before, after) = deploy("keeper");
    assert!(before.contains("CREATE ROLE keeper LOGIN NOINHERIT CREATEROLE") && after.contains("NOCREATEROLE"), "{before}\n{after}");
    let admin = database::connect(&server.url()).await.expect("the server");
    let (outside, inside) = before.split_once("\\c keeper").expect("the moment when the database is entered");
    for sql in outside.lines().filter(|line| !line.is_empty()) {
        admin.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let (address, _) = server.url().rsplit_once('/').map(|(address, name)| (address.to_owned(), name.to_owned())).expect("a URL");
    let within = |login: &str| format!("{}/keeper", address.replace("souk@", &format!("{login}@")));
    let entered = database::connect(&within("souk")).await.expect("the database");
    entered.execute_unprepared(inside.trim()).await.expect("what is done inside");

    let url = within("keeper");
    let settings = [("SOUK_SECRET", SECRET), ("DATABASE_URL", url.as_str())];
    // Nothing runs on a schema that is not there.
    for words in [&["start"][..], &["task", "verify"], &["task", "jobs"]] {
        refuses(&folder, &settings, words, "run `souk db migrate` first");
    }
    let doctor = program(&folder, &settings, &["doctor"]).output().expect("the program runs");
    assert!(!doctor.status.success() && String::from_utf8_lossy(&doctor.stdout).contains("steps behind"), "{doctor:?}");
    runs(&folder, &settings, &["db", "migrate"]);
    runs(&folder, &settings, &["doctor"]);
    admin.execute_unprepared(&after).await.expect("what is done after the migration");
    let trading = [&settings[..], &[("SOUK_TEST_GATEWAY", "on")]].concat();
    runs(&folder, &trading, &["task", "demo"]);
    // Over rows that the owner does not see.
    runs(&folder, &settings, &["db", "migrate"]);
    let (child, client) = starts(&folder, &settings).await;
    let found = client.call("GET", "/api/products?limit=1", None, Some("techhub"), None, &[]).await.expect(200);
    assert_eq!(found["data"].as_array().map(Vec::len), Some(1), "{found}");
    end(child);
    runs(&folder, &settings, &["task", "verify"]);

    // Stricter: a login that owns nothing, and is granted the roles by hand.
    entered
        .execute_unprepared("CREATE ROLE clerk LOGIN NOINHERIT; GRANT souk_app, souk_platform, souk_retain TO clerk")
        .await
        .expect("a clerk");
    let clerk = within("clerk");
    let settings = [("SOUK_SECRET", SECRET), ("DATABASE_URL", clerk.as_str()), ("MIGRATION_DATABASE_URL", url.as_str())];
    runs(&folder, &settings, &["db", "migrate"]);
    let (child, client) = starts(&folder, &settings).await;
    client.call("GET", "/api/products?limit=1", None, Some("greenbasket"), None, &[]).await.expect(200);
    end(child);
    runs(&folder, &settings, &["task", "verify"]);
    for db in [admin, entered] {
        db.close().await.expect("closed");
    }
    drop(server);
    fs::remove_dir_all(&folder).expect("tidied");
}
