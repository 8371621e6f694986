//! Figures for Prometheus: what this process counted, and what the rows say at the moment of
//! asking. None of them names a company or a person.

use std::{fmt::Write, sync::OnceLock, time::Duration};

use metrics::{counter, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::{
    bell::Reach,
    errors::{Error, Result},
    models::{jobs, outbox},
    tenancy::Souk,
};

static COUNTED: OnceLock<PrometheusHandle> = OnceLock::new();

/// Upper bounds, in seconds: of an answer, and of a job.
const ANSWERS: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const JOBS: [f64; 8] = [0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 60.0, 300.0];

/// Starts to count in this process; before, and without it, nothing is kept.
///
/// # Errors
/// When something else counts already.
pub fn start() -> Result<()> {
    let counted = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("souk_http_request_seconds".into()), &ANSWERS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full("souk_job_seconds".into()), &JOBS))
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(Error::internal)?;
    COUNTED.set(counted).map_err(|_| Error::internal("the figures are counted already"))
}

/// Sums up what was measured, so that it stays small when nobody asks.
pub fn sum_up() {
    if let Some(counted) = COUNTED.get() {
        counted.run_upkeep();
    }
}

/// Counts one answer; `route` is the row of the endpoint table, so that there are as many as rows.
pub fn answered(method: &'static str, route: String, status: u16, took: Duration) {
    histogram!("souk_http_request_seconds", "method" => method, "route" => route.clone()).record(took.as_secs_f64());
    counter!("souk_http_requests_total", "method" => method, "route" => route, "status" => status.to_string()).increment(1);
}

/// Everything, in Prometheus' text form.
pub async fn text(souk: &Souk) -> Result<String> {
    let platform = souk.platform("operations").await?;
    let (queues, lags) = (jobs::figures(&platform).await?, outbox::lags(&platform).await?);
    let unnumbered = outbox::unnumbered(&platform).await?;
    let stand = outbox::stand(&platform, outbox::BROKER).await?;
    drop(platform);
    let mut page = COUNTED.get().map(PrometheusHandle::render).unwrap_or_default();
    let states = queues.iter().flat_map(|of| {
        let counts = [("ready", of.ready), ("waiting", of.waiting), ("running", of.running), ("failed", of.failed), ("dead", of.dead)];
        counts.map(|(state, jobs)| (format!("queue=\"{}\",state=\"{state}\"", of.queue), jobs))
    });
    gauge(&mut page, "souk_queue_jobs", "Jobs of a queue by state; the failed wait for another try.", states);
    let oldest = queues.iter().map(|of| (format!("queue=\"{}\"", of.queue), of.oldest_seconds));
    gauge(&mut page, "souk_queue_oldest_seconds", "For how long the oldest due job of a queue has waited.", oldest);
    let behind = lags.iter().map(|lag| (format!("listener=\"{}\"", lag.listener), lag.events));
    gauge(&mut page, "souk_listener_behind_events", "Events that a listener on the log has not heard yet.", behind);
    let oldest = lags.iter().map(|lag| (format!("listener=\"{}\"", lag.listener), lag.oldest_seconds));
    gauge(&mut page, "souk_listener_behind_seconds", "The age of the oldest event that a listener has not heard.", oldest);
    gauge(&mut page, "souk_outbox_unnumbered", "Committed events without a position.", [(String::new(), unnumbered)]);
    let (open, idle) = souk.connections();
    let connections = [("state=\"busy\"", open.saturating_sub(idle)), ("state=\"idle\"", idle)];
    gauge(
        &mut page,
        "souk_database_connections",
        "Connections of this process's pool.",
        connections.map(|(state, number)| (state.into(), number)),
    );
    let reach = souk.bell().reach();
    if reach != Reach::Embedded {
        gauge(&mut page, "souk_redis_up", "Whether wake-ups travel.", [(String::new(), i64::from(reach == Reach::Connected))]);
    }
    if souk.settings().amqp_url.is_some() {
        let is_well = stand.is_some_and(|stand| stand.is_well());
        gauge(&mut page, "souk_broker_up", "Whether events are published.", [(String::new(), i64::from(is_well))]);
    }
    Ok(page)
}

fn gauge(page: &mut String, name: &str, help: &str, rows: impl IntoIterator<Item = (String, i64)>) {
    // Writing into a text cannot fail.
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (labels, figure) in rows {
        let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
        let _ = writeln!(page, "{name}{labels} {figure}");
    }
}
