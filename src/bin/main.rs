//! The one program: `souk` with no words is `souk start`.

use std::process::ExitCode;

use loco_rs::{
    app::Hooks,
    boot::{ServeParams, StartMode, start},
};
use souk::{
    app::App,
    controllers,
    errors::{Error, Result},
    models::{companies, verify},
    settings::{self, Demo, Settings},
    tasks,
    tenancy::{Souk, database},
    workers::Engine,
};

const USAGE: &str = "souk [start [--server|--worker]] | db migrate | db status | routes | doctor \
                     | task create_admin email:<address> | task demo [size:small] | task verify [company:<slug>]";

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("souk: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(words: &[&str]) -> Result<ExitCode> {
    match words {
        [] | ["start"] => serve(true, true).await,
        ["start", "--server"] => serve(true, false).await,
        ["start", "--worker"] => serve(false, true).await,
        ["db", "migrate"] => {
            let settings = configured()?;
            let _lock = database::lock_folder(&settings)?;
            database::migrate(&settings).await?;
            println!("the database is up to date");
            Ok(ExitCode::SUCCESS)
        }
        ["db", "status"] => {
            quiet_log();
            database::status(&configured()?).await?;
            Ok(ExitCode::SUCCESS)
        }
        ["routes"] => {
            for endpoint in controllers::endpoints() {
                println!("{:7} {:45} {}", endpoint.method, endpoint.uri, endpoint.permission);
            }
            Ok(ExitCode::SUCCESS)
        }
        ["doctor"] => doctor().await,
        ["task", "create_admin", email] => {
            let email = email.strip_prefix("email:").ok_or_else(|| Error::internal(USAGE))?;
            tasks::admin::create(&opened().await?, email).await?;
            println!("{email} may sign in");
            Ok(ExitCode::SUCCESS)
        }
        ["task", "demo"] | ["task", "demo", "size:small"] => {
            let done = tasks::demo::load(&opened().await?).await?;
            println!("{}", if done { "the demo is loaded" } else { "there are companies already: nothing was loaded" });
            Ok(ExitCode::SUCCESS)
        }
        ["task", "verify"] => check(None).await,
        ["task", "verify", company] => check(company.strip_prefix("company:")).await,
        _ => Err(Error::internal(format!("unknown command; {USAGE}"))),
    }
}

fn configured() -> Result<Settings> {
    let environment = settings::environment();
    settings::of(&settings::load(&environment)?, &environment)
}

fn quiet_log() {
    let _ = tracing_subscriber::fmt().with_target(false).try_init();
}

/// The database for a task beside a running shop; an embedded one that is new is made first.
async fn opened() -> Result<Souk> {
    let settings = configured()?;
    if settings.is_sqlite() && !settings.data_dir.join("souk.sqlite").exists() {
        database::migrate(&settings).await?;
    }
    Souk::open(settings).await
}

async fn check(company: Option<&str>) -> Result<ExitCode> {
    let souk = opened().await?;
    let faults = verify::all(&souk, company).await?;
    for fault in &faults {
        println!("broken: {}: {}", fault.invariant, fault.row);
    }
    if faults.is_empty() {
        println!("everything holds");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

async fn doctor() -> Result<ExitCode> {
    let souk = opened().await?;
    let database = souk.is_alive().await;
    println!("database ({}): {}", souk.engine(), if database { "ok" } else { "not reachable" });
    println!("mail: {}", if souk.settings().smtp_url.is_some() { "configured" } else { "not configured, letters are only logged" });
    Ok(if database { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Serves, works, or both, until told to stop.
async fn serve(web: bool, work: bool) -> Result<ExitCode> {
    let environment = settings::environment();
    let config = App::load_config(&environment).await.map_err(Error::internal)?;
    let settings = settings::of(&config, &environment)?;
    if settings.is_sqlite() && !(web && work) {
        return Err(Error::internal("SQLite serves one process: split roles need PostgreSQL (DATABASE_URL)"));
    }
    let _lock = database::lock_folder(&settings)?;
    if settings.is_sqlite() || !settings.is_production {
        database::migrate(&settings).await?;
    }
    init_log(&config);
    let (host, port) = (config.server.binding.clone(), config.server.port);
    let boot = App::boot(StartMode::ServerOnly, &environment, config).await.map_err(Error::internal)?;
    let souk = boot.app_context.shared_store.get::<Souk>().ok_or_else(|| Error::internal("the context holds no Souk"))?;
    let platform = souk.platform("set-up").await?;
    companies::ensure_platform(&platform).await?;
    platform.commit().await?;
    if settings.demo != Demo::None && tasks::demo::load(&souk).await? {
        println!("The demo is loaded: two companies, a month of orders.");
    }
    let engine = work.then(|| Engine::start(souk.clone()));
    if web {
        announce(&settings, &host, port);
        let serve = ServeParams { port, binding: host };
        start::<App>(boot, serve, true).await.map_err(Error::internal)?;
    } else {
        println!("Souk works; no web server in this process.");
        loco_rs::boot::shutdown_signal().await;
    }
    if let Some(engine) = engine {
        engine.stop().await;
    }
    Ok(ExitCode::SUCCESS)
}

fn init_log(config: &loco_rs::config::Config) {
    let level = config.logger.level.to_string();
    let filter = tracing_subscriber::EnvFilter::new(format!("{level},sqlx=warn,sea_orm_migration=warn,loco_rs=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    let is_json = matches!(config.logger.format, loco_rs::logger::Format::Json);
    let _ = if is_json { log.json().try_init() } else { log.with_target(false).try_init() };
}

fn announce(settings: &Settings, host: &str, port: i32) {
    let address = settings.base_url.clone().unwrap_or_else(|| format!("http://{host}:{port}"));
    println!("\nSouk is open at {address}");
    if settings.demo != Demo::None {
        println!("Sign-ins (password {}):", tasks::demo::PASSWORD);
        println!("  admin@souk.test                                 the platform");
        for company in ["techhub", "greenbasket"] {
            println!("  admin@, manager@, staff@, customer@{company}.test  (header X-Company: {company})");
        }
    }
    println!();
}
