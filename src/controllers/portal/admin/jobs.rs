//! The machine room: queues, jobs in trouble, recurring tasks, and how far the log is heard.

use std::collections::BTreeMap;

use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        PageResult, Visitor, export,
        fields::Fields,
        lists::{Listing, count_view},
        local,
        visitor::said,
    },
    OfCompany, own,
};
use crate::{
    clock,
    controllers::{
        extract::{Ids, Query},
        page, steward,
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{CompanyId, JobId},
    models::{
        companies::{self, Company},
        jobs::{self, Figures, Job, Kind, Narrowed, QUEUES},
        outbox,
    },
    tenancy::{
        PLATFORM_COMPANY, Platform, Souk,
        roles::{PlatformRead, PlatformRun},
    },
    views::templates,
};

const PAGE: &str = "/admin/jobs";
const ROWS: u64 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    queue: String,
    #[serde(default)]
    kind: String,
    cursor: Option<String>,
}

const DEAD: &str = "dead";
const FAILED: &str = "failed";
/// The questions people ask daily.
const VIEWS: [(&str, &str); 3] =
    [("admin.jobs.view.trouble", ""), ("admin.jobs.view.dead", "state=dead"), ("admin.jobs.view.failed", "state=failed")];

impl List {
    /// The words are a company's short name, or a job's id.
    async fn narrowed(&self, platform: &Platform) -> Result<Narrowed> {
        let words = self.q.trim();
        let id = words.parse::<JobId>().ok();
        let company = match (words, id) {
            ("", _) | (_, Some(_)) => None,
            // A name that nobody has finds nothing.
            _ => Some(companies::called(platform, words).await?.map_or_else(CompanyId::new, |one| one.id)),
        };
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let is_dead = [(DEAD, true), (FAILED, false)].into_iter().find(|(name, _)| *name == self.state).map(|(_, dead)| dead);
        Ok(Narrowed { company, id, queue: some(&self.queue), kind: some(&self.kind), is_dead })
    }
}

async fn index(visitor: Visitor<PlatformRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let read = list_page(&visitor, &list).await;
    let (platform, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/jobs/index.html", &platform, data)
}

async fn list_page(visitor: &Visitor<PlatformRead>, list: &List) -> Result<(Company, Value)> {
    let souk = visitor.access.souk();
    let bound = format!("portal jobs {:?} {:?} {:?} {:?}", list.q, list.state, list.queue, list.kind);
    let before = page::open::<JobId>(souk, &bound, list.cursor.as_deref())?;
    let platform = souk.platform("operations").await?;
    let narrowed = list.narrowed(&platform).await?;
    let mut found = jobs::troubles(&platform, &narrowed, before, ROWS + 1).await?;
    let next = page::cut(souk, &bound, &mut found, ROWS, |job| job.id)?;
    let names = names(&platform, &found).await?;
    let queues = jobs::figures(&platform).await?;
    let schedules = jobs::schedules(&platform).await?;
    let listeners = outbox::lags(&platform).await?;
    let head = outbox::head(&platform).await?;
    let unnumbered = outbox::unnumbered(&platform).await?;
    let tried_again = jobs::tried_again(&platform).await?;
    let (scope, company) = own(visitor, platform).await?;
    let word = |prefix: &str, name: &str| if name.is_empty() { String::new() } else { visitor.text(&format!("{prefix}.{name}")) };
    let chips = vec![
        ("q", visitor.text("ui.search"), list.q.clone()),
        ("state", visitor.text("admin.jobs.col.state"), word("admin.jobs.view", &list.state)),
        ("queue", visitor.text("admin.jobs.col.queue"), list.queue.clone()),
        ("kind", visitor.text("admin.jobs.col.job"), list.kind.clone()),
    ];
    let at = |at: clock::Instant| local(at, &company.zone, &visitor.language);
    let rows: Vec<_> = found.iter().map(|job| row(job, &names, &company.zone, &visitor.language)).collect();
    let schedules = schedules.iter().map(|one| {
        json!({
            "name": one.name, "every": every(visitor, one.every_seconds), "last": one.last_at.map(at),
            "next": Some(one.next_at).filter(|next| next.micros() > 0 && *next > clock::now()).map(at),
        })
    });
    let listeners =
        listeners.iter().map(|lag| json!({ "name": lag.listener, "events": lag.events, "behind": every(visitor, lag.oldest_seconds) }));
    let names = |names: Vec<&str>| names.into_iter().map(|name| json!({ "value": name, "label": name })).collect::<Vec<_>>();
    let mut listing = visitor.list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }).await?;
    let sum = |of: fn(&Figures) -> i64| queues.iter().map(of).sum::<i64>().unsigned_abs();
    let (dead, failed) = (sum(|queue| queue.dead), sum(|queue| queue.failed));
    for (view, waiting) in [(0, dead + failed), (1, dead), (2, failed)] {
        count_view(&mut listing, view, waiting);
    }
    let data = json!({
        "rows": rows, "list": listing, "tried_again": tried_again.map(|(jobs, left)| json!({ "jobs": jobs, "done": jobs - left })),
        "filter": { "q": list.q, "state": list.state, "queue": list.queue, "kind": list.kind },
        "queues": queues.iter().map(|of| queue(visitor, of)).collect::<Vec<_>>(),
        "queue_names": names(QUEUES.map(|queue| queue.name).to_vec()), "kind_names": names(Kind::ALL.map(Kind::name).to_vec()),
        "schedules": schedules.collect::<Vec<_>>(), "listeners": listeners.collect::<Vec<_>>(),
        "log": { "head": head, "unnumbered": unnumbered }, "now": at(clock::now()),
        "states": [{ "value": DEAD, "label_key": "admin.jobs.view.dead" }, { "value": FAILED, "label_key": "admin.jobs.view.failed" }],
    });
    Ok((company, data))
}

/// A span as people say it.
fn every<P: crate::tenancy::Permission>(visitor: &Visitor<P>, seconds: i64) -> String {
    let (unit, number) = match seconds {
        ..120 => ("seconds", seconds),
        120..7_200 => ("minutes", seconds / 60),
        7_200..172_800 => ("hours", seconds / 3_600),
        172_800.. => ("days", seconds / 86_400),
    };
    templates::filled(&format!("admin.jobs.span.{unit}"), &visitor.language, &[("n", &number)])
}

fn queue<P: crate::tenancy::Permission>(visitor: &Visitor<P>, of: &Figures) -> Value {
    json!({
        "name": of.queue, "ready": of.ready, "waiting": of.waiting, "running": of.running, "failed": of.failed, "dead": of.dead,
        "oldest": every(visitor, of.oldest_seconds), "is_late": of.oldest_seconds > 60,
    })
}

/// The names of the companies whose jobs these are.
async fn names(platform: &Platform, jobs: &[Job]) -> Result<BTreeMap<CompanyId, String>> {
    let mut ids: Vec<_> = jobs.iter().map(|job| job.company_id).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(companies::named(platform, &ids).await?.into_iter().map(|one| (one.id, one.name)).collect())
}

fn row(job: &Job, names: &BTreeMap<CompanyId, String>, zone: &str, language: &str) -> Value {
    json!({
        "id": job.id, "company_id": job.company_id, "chosen": OfCompany { company: job.company_id, id: job.id }.to_string(), "source": job.source(),
        "kind": job.kind, "queue": job.queue, "state": job.state, "company": names.get(&job.company_id), "tries": job.attempts,
        "error": job.last_error.lines().next().unwrap_or_default().chars().take(160).collect::<String>(),
        "at": local(job.updated_at, zone, language), "next": (!job.is_dead()).then(|| local(job.run_at, zone, language)),
    })
}

const COLUMNS: [&str; 9] = ["id", "company", "queue", "job", "state", "tries", "error", "last try", "next try"];

async fn export(visitor: Visitor<PlatformRead>, Query(list): Query<List>) -> PageResult<Response> {
    let souk = visitor.access.souk().clone();
    let csv = export::csv("jobs", &COLUMNS, move |before| page_of_file(souk.clone(), list.clone(), before));
    csv.await.map_err(|error| visitor.refuse(error))
}

async fn page_of_file(souk: Souk, list: List, before: Option<JobId>) -> Result<export::Page<JobId>> {
    let platform = souk.platform("operations").await?;
    let narrowed = list.narrowed(&platform).await?;
    let found = jobs::troubles(&platform, &narrowed, before, export::ROWS).await?;
    let next = found.last().map(|job| job.id).filter(|_| found.len() as u64 == export::ROWS);
    let names = names(&platform, &found).await?;
    Ok((found.iter().map(|job| cells(job, &names)).collect(), next))
}

/// The chosen jobs as a file; what is in no trouble any more is left out.
async fn export_chosen(visitor: Visitor<PlatformRead>, fields: Fields) -> PageResult<Response> {
    let read = chosen_rows(visitor.access.souk(), &fields.chosen()).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("jobs", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(souk: &Souk, chosen: &[OfCompany<JobId>]) -> Result<Vec<Vec<String>>> {
    let platform = souk.platform("operations").await?;
    let mut found = Vec::with_capacity(chosen.len());
    for OfCompany { company, id } in chosen {
        let this = Narrowed { company: Some(*company), id: Some(*id), ..Narrowed::default() };
        found.extend(jobs::troubles(&platform, &this, None, 1).await?);
    }
    let names = names(&platform, &found).await?;
    Ok(found.iter().map(|job| cells(job, &names)).collect())
}

fn cells(job: &Job, names: &BTreeMap<CompanyId, String>) -> Vec<String> {
    vec![
        job.id.to_string(),
        names.get(&job.company_id).cloned().unwrap_or_default(),
        job.queue.clone(),
        job.source().into(),
        job.state.clone(),
        job.attempts.to_string(),
        job.last_error.clone(),
        job.updated_at.to_string(),
        if job.is_dead() { String::new() } else { job.run_at.to_string() },
    ]
}

async fn show(visitor: Visitor<PlatformRead>, Ids(company, id): Ids<CompanyId, JobId>) -> PageResult<Html<String>> {
    let read = job_page(&visitor, company, id).await;
    let (platform, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/jobs/show.html", &platform, data)
}

async fn job_page(visitor: &Visitor<PlatformRead>, company: CompanyId, id: JobId) -> Result<(Company, Value)> {
    let souk = visitor.access.souk();
    let platform = companies::platform(souk).await?;
    let scope = souk.read(steward::in_company(&visitor.access, company)).await?;
    let job = jobs::get(&scope, id).await?;
    let whose = companies::own(&scope).await?;
    let names = BTreeMap::from([(company, whose.name)]);
    let mut shown = row(&job, &names, &platform.zone, &visitor.language);
    shown["error"] = json!(job.last_error);
    shown["args"] = json!(serde_json::to_string_pretty(&job.args).map_err(Error::internal)?);
    shown["created"] = json!(local(job.created_at, &platform.zone, &visitor.language));
    shown["lease"] =
        json!(job.lease_until.filter(|_| job.state == jobs::state::RUNNING).map(|at| local(at, &platform.zone, &visitor.language)));
    shown["is_in_trouble"] = json!(job.is_in_trouble());
    Ok((platform, json!({ "job": shown })))
}

/// What can be done with a job in trouble.
#[derive(Clone, Copy)]
enum Act {
    Replay,
    Discard,
}

async fn replay(visitor: Visitor<PlatformRun>, fields: Fields) -> PageResult<Redirect> {
    act_on(&visitor, &fields, Act::Replay).await
}

/// Giving jobs up asks first: without the answer it is the question.
async fn discard(visitor: Visitor<PlatformRun>, fields: Fields) -> PageResult<Response> {
    let chosen = fields.chosen();
    if fields.is_on("sure") || chosen.is_empty() {
        return Ok(act_on(&visitor, &fields, Act::Discard).await?.into_response());
    }
    let (platform, data) = question(&visitor, &chosen).await.map_err(|error| visitor.refuse(error))?;
    Ok(visitor.page("admin/jobs/discard.html", &platform, data)?.into_response())
}

async fn question(visitor: &Visitor<PlatformRun>, chosen: &[OfCompany<JobId>]) -> Result<(Company, Value)> {
    let souk = visitor.access.souk();
    let platform = companies::platform(souk).await?;
    let mut rows = Vec::with_capacity(chosen.len());
    for OfCompany { company, id } in chosen {
        let scope = souk.read(steward::in_company(&visitor.access, *company)).await?;
        let names = BTreeMap::from([(*company, companies::own(&scope).await?.name)]);
        rows.push(row(&jobs::get(&scope, *id).await?, &names, &platform.zone, &visitor.language));
    }
    Ok((platform, json!({ "rows": rows, "back": visitor.list_at(PAGE) })))
}

/// Acts on the chosen jobs, each in a unit of its own: what is refused for one is done for the rest, and said.
async fn act_on(visitor: &Visitor<PlatformRun>, fields: &Fields, act: Act) -> PageResult<Redirect> {
    let (mut done, mut lines) = (0, Vec::new());
    for OfCompany { company, id } in fields.chosen() {
        match one(visitor, company, id, act).await {
            Ok(()) => done += 1,
            Err(error @ (Error::Conflict { .. } | Error::NotFound { .. })) => {
                lines.push(format!("{id} {}", said(&error, &visitor.language)))
            }
            Err(error) => return Err(visitor.refuse(error)),
        }
    }
    let key = match act {
        Act::Replay => "admin.jobs.replayed",
        Act::Discard => "admin.jobs.discarded",
    };
    let text = templates::filled(key, &visitor.language, &[("n", &done)]);
    Ok(visitor.tell(&visitor.list_at(PAGE), if lines.is_empty() { "ok" } else { "warn" }, &text, &lines))
}

async fn one(visitor: &Visitor<PlatformRun>, company: CompanyId, id: JobId, act: Act) -> Result<()> {
    let scope = visitor.access.souk().write(steward::in_company(&visitor.access, company)).await?;
    match act {
        Act::Replay => jobs::replay(&scope, id).await?,
        Act::Discard => jobs::discard(&scope, id).await?,
    }
    scope.commit().await
}

/// Wants everything tried again that is dead or failing and fits the filters; how far it is, the page shows.
async fn replay_all(visitor: Visitor<PlatformRun>, fields: Fields) -> PageResult<Redirect> {
    let wanted = every_one(&visitor, &fields).await.map_err(|error| visitor.refuse(error))?;
    let text = templates::filled("admin.jobs.replay_asked", &visitor.language, &[("n", &wanted)]);
    Ok(visitor.tell(PAGE, "ok", &text, &[]))
}

async fn every_one(visitor: &Visitor<PlatformRun>, fields: &Fields) -> Result<u64> {
    let of = |name: &str| fields.raw(name).to_owned();
    let list = List { q: of("q"), state: of("state"), queue: of("queue"), kind: of("kind"), cursor: None };
    let souk = visitor.access.souk();
    let platform = souk.platform("operations").await?;
    let narrowed = list.narrowed(&platform).await?;
    drop(platform);
    jobs::ask_again(souk, &steward::in_company(&visitor.access, PLATFORM_COMPANY), narrowed).await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<PlatformRead, _>(PAGE, "Queues, jobs in trouble, recurring tasks and the log", index),
        get::<PlatformRead, _>("/admin/jobs/export.csv", "Jobs in trouble as CSV", export),
        post::<PlatformRead, _>("/admin/jobs/chosen.csv", "Chosen jobs in trouble as CSV", export_chosen),
        post::<PlatformRun, _>("/admin/jobs/replay", "Tries the chosen jobs again", replay),
        post::<PlatformRun, _>("/admin/jobs/replay-all", "Tries all jobs again that fit the filters", replay_all),
        post::<PlatformRun, _>("/admin/jobs/discard", "Gives the chosen jobs up, after asking", discard),
        get::<PlatformRead, _>("/admin/jobs/{companyId}/{id}", "One job", show),
    ]
}
