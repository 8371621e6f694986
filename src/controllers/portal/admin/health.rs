//! How the installation is: each component, the processes, the database.

use axum::response::Html;
use serde_json::{Value, json};

use super::{
    super::{PageResult, Visitor, local},
    own,
};
use crate::{
    clock,
    controllers::api::operations,
    endpoints::{Endpoint, get},
    errors::Result,
    models::{
        companies::Company,
        health::{self, Process},
    },
    tenancy::{Souk, roles::PlatformRead},
};

async fn index(visitor: Visitor<PlatformRead>) -> PageResult<Html<String>> {
    let read = health_page(&visitor).await;
    let (platform, data) = read.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/health.html", &platform, data)
}

async fn health_page(visitor: &Visitor<PlatformRead>) -> Result<(Company, Value)> {
    let souk = visitor.access.souk();
    let (status, components) = components(souk).await;
    let platform = souk.platform("operations").await?;
    let database = health::database(&platform).await?;
    let processes = health::processes(&platform).await?;
    let (_, company) = own(visitor, platform).await?;
    let (open, idle) = souk.connections();
    let now = clock::now();
    let process = |one: &Process| {
        json!({
            "name": one.name, "version": one.version, "works": one.works, "is_this": one.id == souk.process(),
            "started": local(one.started_at, &company.zone, &visitor.language), "seen": local(one.seen_at, &company.zone, &visitor.language), "is_silent": one.is_silent(now),
        })
    };
    let settings = souk.settings();
    let data = json!({
        "status": status, "components": components,
        "database": {
            "engine": souk.engine(), "version": database.version, "size": size(database.bytes), "steps": database.steps,
            "last_step": database.last_step, "busy": open.saturating_sub(idle), "idle": idle, "most": settings.database_connections,
        },
        "processes": processes.iter().map(process).collect::<Vec<_>>(), "now": local(now, &company.zone, &visitor.language),
        "data_dir": settings.data_dir.display().to_string(), "mail_from": settings.mail_from,
    });
    Ok((company, data))
}

/// How the whole is, and each component, in the order of what hurts most when it is away.
pub(super) async fn components(souk: &Souk) -> (Value, Vec<Value>) {
    let known = operations::components(souk).await;
    let components = ["database", "queue", "broker", "mail", "sms", "push", "whatsapp"].into_iter().map(|name| {
        let one = &known["components"][name];
        let detail = one["engine"].as_str().or(one["kind"].as_str()).unwrap_or_default();
        json!({ "name": name, "status": one["status"], "detail": detail })
    });
    (known["status"].clone(), components.collect())
}

/// Bytes as people read them.
fn size(bytes: i64) -> String {
    match bytes {
        ..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
        1_000_000_000.. => format!("{}.{} GB", bytes / 1_000_000_000, bytes % 1_000_000_000 / 100_000_000),
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get::<PlatformRead, _>("/admin/health", "How each component and process is", index)]
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_said_as_people_say_them() {
        assert_eq!([size(12_345), size(1_250_000), size(3_400_000_000)], ["12 kB", "1.2 MB", "3.4 GB"]);
    }
}
