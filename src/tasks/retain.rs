//! `souk task retain`: lets go of rows past their time, and writes down what went.

use std::time::Duration;

use serde_json::json;

use crate::{
    clock::{self, Instant},
    errors::Result,
    ids::CompanyId,
    models::{audit, companies, idempotency, identity, notifications},
    settings::Retention,
    tenancy::{Scope, Souk, Tenant},
};

/// What is kept for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Audit,
    Sessions,
    Keys,
    Codes,
    Notifications,
}

impl Subject {
    pub const ALL: [Self; 5] = [Self::Audit, Self::Sessions, Self::Keys, Self::Codes, Self::Notifications];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Sessions => "sessions",
            Self::Keys => "idempotency_keys",
            Self::Codes => "one_time_codes",
            Self::Notifications => "notifications",
        }
    }

    const fn days(self, retention: &Retention) -> u64 {
        match self {
            Self::Audit => retention.audit_days,
            Self::Sessions => retention.session_days,
            Self::Keys => retention.key_days,
            Self::Codes => 1,
            Self::Notifications => retention.notification_days,
        }
    }

    async fn past(self, scope: &Scope, before: Instant) -> Result<u64> {
        match self {
            Self::Audit => audit::past(scope, before).await,
            Self::Sessions => identity::past_sessions(scope, before).await,
            Self::Keys => idempotency::past(scope, before).await,
            Self::Codes => identity::past_codes(scope, before).await,
            Self::Notifications => notifications::past(scope, before).await,
        }
    }

    async fn let_go(self, scope: &Scope, before: Instant) -> Result<u64> {
        match self {
            Self::Audit => audit::let_go(scope, before).await,
            Self::Sessions => identity::let_go_sessions(scope, before).await,
            Self::Keys => idempotency::let_go(scope, before).await,
            Self::Codes => identity::let_go_codes(scope, before).await,
            Self::Notifications => notifications::let_go(scope, before).await,
        }
    }
}

/// What went of a subject, or would go.
#[derive(Clone, Debug)]
pub struct Line {
    pub subject: &'static str,
    pub days: u64,
    pub rows: u64,
}

/// Lets go of everything past its time; without `apply` only counts it. `older_than` (days) takes
/// the place of every setting.
///
/// # Errors
/// When the database is away; what went until then is written down.
pub async fn run(souk: &Souk, older_than: Option<u64>, apply: bool) -> Result<Vec<Line>> {
    let platform = souk.platform("operations").await?;
    let companies = companies::all_ids(&platform).await?;
    drop(platform);
    let mut lines = Vec::new();
    for subject in Subject::ALL {
        let days = older_than.unwrap_or_else(|| subject.days(&souk.settings().retention));
        // A request may be repeated for a day and gets its answer, and a code may still be good.
        let days = if [Subject::Keys, Subject::Codes].contains(&subject) { std::cmp::max(days, 1) } else { days };
        let before = clock::now().minus(Duration::from_secs(days.saturating_mul(86_400)));
        let mut rows = 0;
        for company in &companies {
            rows += of_company(souk, *company, subject, before, apply).await?;
        }
        if subject == Subject::Sessions {
            rows += identity::let_go_of_platform(souk, before, !apply).await?;
        }
        lines.push(Line { subject: subject.name(), days, rows });
    }
    Ok(lines)
}

async fn of_company(souk: &Souk, company: CompanyId, subject: Subject, before: Instant, apply: bool) -> Result<u64> {
    if !apply {
        let scope = souk.read(Tenant::system(company)).await?;
        return subject.past(&scope, before).await;
    }
    let mut all = 0;
    // By batches, so that the shop's own writes get their turn between them.
    loop {
        let scope = souk.write(Tenant::system(company)).await?;
        let gone = subject.let_go(&scope, before).await?;
        if gone == 0 {
            return Ok(all);
        }
        // The audit writes down itself where it begins from now on.
        if subject != Subject::Audit {
            let changes = vec![("rows", json!(gone), json!(0)), ("before", json!(null), json!(before))];
            scope.audit("let_go", subject.name(), company, None, changes).await?;
        }
        scope.commit().await?;
        all += gone;
    }
}
