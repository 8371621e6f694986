//! What a world says to its database, statement by statement.

use std::{
    fmt::Debug,
    sync::{Mutex, Once, PoisonError},
};

use tracing::{Event, Subscriber, field::Field};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
};

/// What was said since somebody began to listen.
static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// One listens at a time: a statement does not say whose world it is of.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Hears the statements of worlds whose settings log them.
pub struct Statements {
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

impl Statements {
    pub async fn listen() -> Self {
        static INSTALLED: Once = Once::new();
        let turn = TURN.lock().await;
        INSTALLED.call_once(|| {
            let ear = Ear.with_filter(tracing_subscriber::filter::filter_fn(|what| what.target() == "sqlx::query"));
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(ear)).expect("nobody else listens");
        });
        let statements = Self { _turn: turn };
        statements.take();
        statements
    }

    /// What was said since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut HEARD.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Ear;

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let statement = if said.whole.is_empty() { said.summary } else { said.whole };
        HEARD.lock().unwrap_or_else(PoisonError::into_inner).push(statement);
    }
}

/// A statement as sqlx tells of it: its first words, and the whole when there is more.
#[derive(Default)]
struct Said {
    summary: String,
    whole: String,
}

impl tracing::field::Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => self.summary = value.trim().to_owned(),
            "db.statement" => self.whole = value.trim().to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, format!("{value:?}").trim_matches('"'));
    }
}
