//! The one program: `souk` with no words is `souk start`.

use std::{io::Write, process::ExitCode, time::Duration};

use loco_rs::{
    app::Hooks,
    boot::{ServeParams, StartMode, start},
};
use souk::{
    app::App,
    controllers,
    errors::{Error, Result},
    figures,
    gateways::{broker::Broker, messaging::Channel},
    models::{companies, verify},
    settings::{self, Demo, Settings},
    tasks,
    tenancy::{Role, Souk, database},
    workers::Engine,
};

const USAGE: &str = "souk [start [--server|--worker]] | db migrate | db status | routes | doctor \
                     | task create_admin email:<address> | task demo [size:small|large] | task verify [company:<slug>] \
                     | task jobs | task replay id:<job> | task retain [older_than:<days>] [apply] \
                     | task witness [apply] | version | help";

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("souk: {}", said(&error));
            ExitCode::FAILURE
        }
    }
}

/// What went wrong, to somebody at a terminal: each field that is wrong, and no word of our own making.
fn said(error: &Error) -> String {
    match error {
        Error::Invalid(fields) => fields.iter().map(|field| format!("{}: {}", field.field, field.message)).collect::<Vec<_>>().join("; "),
        Error::Internal(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn run(words: &[&str]) -> Result<ExitCode> {
    match words {
        [] | ["start"] => serve(true, true).await,
        ["start", "--server"] => serve(true, false).await,
        ["start", "--worker"] => serve(false, true).await,
        ["db", "migrate"] => {
            let settings = configured()?;
            let _lock = database::lock(&settings)?;
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
            let mut out = std::io::stdout().lock();
            for endpoint in controllers::endpoints() {
                let roles = Role::ALL.into_iter().filter(|role| role.may(endpoint.permission)).map(Role::name);
                let roles = roles.collect::<Vec<_>>().join(" ");
                // Whoever reads on has seen enough.
                if writeln!(out, "{:7} {:45} {:23} {roles}", endpoint.method, endpoint.uri, endpoint.permission).is_err() {
                    break;
                }
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
        ["task", "demo"] | ["task", "demo", "size:small"] => demo(Demo::Small).await,
        ["task", "demo", "size:large"] => demo(Demo::Large).await,
        ["task", "verify"] => check(None).await,
        ["task", "verify", company] => check(Some(company.strip_prefix("company:").ok_or_else(|| Error::internal(USAGE))?)).await,
        ["task", "jobs"] => {
            tasks::work::show(&opened().await?).await?;
            Ok(ExitCode::SUCCESS)
        }
        ["task", "replay", id] => {
            tasks::work::replay(&opened().await?, id.strip_prefix("id:").ok_or_else(|| Error::internal(USAGE))?).await?;
            println!("it is tried again");
            Ok(ExitCode::SUCCESS)
        }
        ["task", "retain", words @ ..] => retain(words).await,
        ["task", "witness"] => witness(false).await,
        ["task", "witness", "apply"] => witness(true).await,
        ["version" | "--version" | "-V"] => {
            println!("souk {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(Error::internal(format!("unknown command; {USAGE}"))),
    }
}

/// Lets go of rows past their time; without the word `apply` it only says what would go.
async fn retain(words: &[&str]) -> Result<ExitCode> {
    let wrong = || Error::internal(USAGE);
    let (mut older_than, mut apply) = (None, false);
    for word in words {
        match word.strip_prefix("older_than:") {
            Some(days) => older_than = Some(days.trim_end_matches('d').parse().map_err(|_| wrong())?),
            None if *word == "apply" => apply = true,
            None => return Err(wrong()),
        }
    }
    for line in tasks::retain::run(&opened().await?, older_than, apply).await? {
        println!("{:18} older than {:5} days: {:9} {}", line.subject, line.days, line.rows, if apply { "let go" } else { "would go" });
    }
    if !apply {
        println!("nothing was changed: say `souk task retain apply` to let go of them");
    }
    Ok(ExitCode::SUCCESS)
}

/// Completes the audit's witness from its copies; without the word `apply` it only says what it lacks.
async fn witness(apply: bool) -> Result<ExitCode> {
    let souk = opened().await?;
    let file = souk.settings().data_dir.join("checkpoints.log");
    let lines = tasks::witness::run(&souk, apply).await?;
    for line in &lines {
        let done = if apply { "were told again" } else { "are lacking" };
        println!("{:24} {:6} checkpoints {done}", line.company, line.lacking.genuine);
        if line.lacking.forged > 0 {
            println!("{:24} {:6} copies are not authentic and stay out of it", line.company, line.lacking.forged);
        }
    }
    match (lines.is_empty(), apply) {
        (true, _) => println!("{} lacks nothing", file.display()),
        (false, true) => println!("{} was completed from the database", file.display()),
        (false, false) => println!("nothing was changed: say `souk task witness apply` to complete {} from the database", file.display()),
    }
    Ok(ExitCode::SUCCESS)
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
    if !database::is_there(&settings)? {
        database::migrate(&settings).await?;
    }
    Souk::open(settings).await
}

/// Asks the invariants of a database that is there, beside whatever runs.
async fn check(company: Option<&str>) -> Result<ExitCode> {
    let souk = Souk::look(configured()?).await?;
    let faults = verify::all(&souk, company).await.map_err(|error| match (error, company) {
        (Error::NotFound { code: "company_unknown" }, Some(slug)) => Error::internal(format!("there is no company `{slug}`")),
        (error, _) => error,
    })?;
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
    let settings = configured()?;
    if !database::is_there(&settings)? {
        println!("database (sqlite): there is none yet, `souk start` makes it");
        return Ok(ExitCode::FAILURE);
    }
    match database::pending(&settings).await? {
        0 => println!("schema: up to date"),
        steps => {
            println!("schema: {steps} steps behind this program, run `souk db migrate`");
            return Ok(ExitCode::FAILURE);
        }
    }
    let souk = Souk::look(settings).await?;
    let database = souk.is_alive().await;
    println!("database ({}): {}", souk.engine(), if database { "ok" } else { "not reachable" });
    let queue = match souk::workers::queue_of(&souk)? {
        None => "not configured, due work is found by looking",
        Some(queue) if queue.ping().await.is_ok() => "ok",
        Some(_) => "not reachable, due work is found by looking",
    };
    println!("redis: {queue}");
    let broker = match &souk.settings().amqp_url {
        None => "not configured, events are told to nobody outside".into(),
        Some(address) => match Broker::knock(address, Duration::from_secs(5)).await {
            Ok(()) => "ok".into(),
            Err(away) => format!("not reachable ({away}), events wait for it"),
        },
    };
    println!("rabbitmq: {broker}");
    for channel in [Channel::Email, Channel::Sms, Channel::Push, Channel::WhatsApp] {
        let is_there = souk.carriers().of(channel).is_some();
        println!("{}: {}", channel.name(), if is_there { "configured" } else { "not configured, its messages are skipped" });
    }
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
    let _lock = database::lock(&settings)?;
    if settings.is_sqlite() || !settings.is_production {
        database::migrate(&settings).await?;
    }
    init_log(&config, settings.log_statements);
    figures::start()?;
    let (host, port) = (config.server.binding.clone(), config.server.port);
    if web {
        // A port that somebody else has is told before a demo is loaded for it.
        let address = (host.as_str(), u16::try_from(port).map_err(Error::internal)?);
        drop(std::net::TcpListener::bind(address).map_err(|error| Error::internal(format!("cannot listen at {host}:{port}: {error}")))?);
    }
    let boot = App::boot(StartMode::ServerOnly, &environment, config).await.map_err(Error::internal)?;
    let souk = boot.app_context.shared_store.get::<Souk>().ok_or_else(|| Error::internal("the context holds no Souk"))?;
    let platform = souk.platform("set-up").await?;
    companies::ensure_platform(&platform).await?;
    platform.commit().await?;
    if load(&souk, settings.demo).await? {
        println!("The demo is loaded.");
    }
    let queue = boot.app_context.queue_provider.clone();
    if let Some(queue) = &queue {
        App::connect_workers(&boot.app_context, queue).await.map_err(Error::internal)?;
    }
    let engine = Engine::start(souk.clone(), queue, work).await?;
    if web {
        announce(&souk, &settings, &host, port).await?;
        let serve = ServeParams { port, binding: host };
        start::<App>(boot, serve, true).await.map_err(Error::internal)?;
    } else {
        println!("Souk works; no web server in this process.");
        match settings::named_port() {
            Some(port) => watched(&souk, &host, port).await?,
            None => loco_rs::boot::shutdown_signal().await,
        }
    }
    engine.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Answers health and figures at the port that a process which only works was given, until told to stop.
async fn watched(souk: &Souk, host: &str, port: u16) -> Result<()> {
    let taken = |error| Error::internal(format!("cannot listen at {host}:{port}: {error}"));
    let listener = tokio::net::TcpListener::bind((host, port)).await.map_err(taken)?;
    println!("Its health and figures are at http://{host}:{port}/health and /metrics.");
    let service = souk::app::watch(souk).into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(loco_rs::boot::shutdown_signal()).await.map_err(Error::internal)
}

async fn demo(size: Demo) -> Result<ExitCode> {
    let done = load(&opened().await?, size).await?;
    println!("{}", if done { "the demo is loaded" } else { "there are companies already: nothing was loaded" });
    Ok(ExitCode::SUCCESS)
}

/// Loads a demo into an empty database; false when there is something already, or none was asked for.
async fn load(souk: &Souk, demo: Demo) -> Result<bool> {
    if demo != Demo::None && !souk.settings().test_gateway {
        return Err(Error::internal(settings::DEMO_NEEDS_TEST_GATEWAY));
    }
    match demo {
        Demo::None => Ok(false),
        Demo::Small => tasks::demo::load(souk).await,
        Demo::Large => tasks::large::load(souk).await,
    }
}

fn init_log(config: &loco_rs::config::Config, statements: bool) {
    let level = config.logger.level.to_string();
    let sqlx = if statements { "info" } else { "warn" };
    let filter =
        tracing_subscriber::EnvFilter::new(format!("{level},sqlx={sqlx},sea_orm_migration=warn,loco_rs=warn,sidekiq=off,lapin=off"));
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    let is_json = matches!(config.logger.format, loco_rs::logger::Format::Json);
    let _ = if is_json { log.json().try_init() } else { log.with_target(false).try_init() };
}

async fn announce(souk: &Souk, settings: &Settings, host: &str, port: i32) -> Result<()> {
    let address = settings.base_url.clone().unwrap_or_else(|| format!("http://{host}:{port}"));
    println!("\nSouk is open at {address}");
    if !tasks::demo::is_there(souk).await? {
        return Ok(());
    }
    let (companies, people) = match settings.demo {
        Demo::None => return Ok(()),
        Demo::Small => (["techhub", "greenbasket"], "admin@, manager@, staff@, keeper@, rider@, customer@, retailer@"),
        Demo::Large => (["amber-bazaar", "amber-brothers"], "admin@, manager@, staff@, customer@"),
    };
    println!("Sign-ins (password {}):", tasks::demo::PASSWORD);
    println!("  {:48}the platform", tasks::demo::PLATFORMS_OWN);
    if settings.demo == Demo::Small {
        println!("  {:48}both companies", tasks::demo::BOTH);
    }
    for company in companies {
        println!("  {people}{company}.test  (header X-Company: {company})");
    }
    if let Some(path) = tasks::demo::open_invitation(souk).await? {
        println!("An invitation that nobody has answered yet:\n  {address}{path}");
    }
    println!();
    Ok(())
}
