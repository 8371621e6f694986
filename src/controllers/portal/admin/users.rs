//! The people of the platform and of its companies' staff: found, looked at, shut out, let in again.

use std::collections::BTreeMap;

use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        PageResult, Visitor,
        company::audit::entry,
        export,
        fields::Fields,
        lists::{Head, Listing, Sorting},
        local,
    },
    companies::PAGE as COMPANIES,
    company::role_name,
};
use crate::{
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{CompanyId, SessionId, StaffId},
    keyset::{Place, Sort},
    models::{
        audit,
        companies::{self, Company},
        identity::{self, Among, Colleague, PeopleBy, PersonSearch, Staff, person_state},
    },
    tenancy::{
        Actor, Permission, Platform, Scope, Souk, Tenant,
        roles::{PlatformPeople, PlatformRead},
    },
    views::{audited::Reader, templates},
};

pub(super) const PAGE: &str = "/admin/users";
const ROWS: u64 = 50;
/// How many companies of somebody the list names.
const NAMED: usize = 2;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    sort: String,
    cursor: Option<String>,
}

const STATES: [&str; 3] = ["platform", "invited", "banned"];
const VIEWS: [(&str, &str); 4] = [
    ("admin.users.view.all", ""),
    ("admin.users.among.platform", "state=platform"),
    ("admin.users.among.invited", "state=invited"),
    ("admin.users.among.banned", "state=banned"),
];

/// What people are sorted by.
const HEADS: [Head<PeopleBy>; 2] = [
    Head { word: "name", label: "admin.company.person_name", falls: false, by: PeopleBy::Name },
    Head { word: "since", label: "admin.users.col.since", falls: true, by: PeopleBy::Since },
];

impl List {
    fn sorting(&self) -> Sorting<PeopleBy> {
        Sorting::of(&HEADS, Sort { by: PeopleBy::Since, falls: true }, &self.sort)
    }

    fn search(&self) -> PersonSearch {
        let among = match self.state.as_str() {
            "platform" => Some(Among::Platform),
            "invited" => Some(Among::Invited),
            "banned" => Some(Among::Banned),
            _ => None,
        };
        PersonSearch { words: Some(self.q.clone()), among }
    }
}

/// Somebody as a row of the list.
struct Row {
    person: Staff,
    companies: Vec<String>,
}

async fn rows(platform: &Platform, people: Vec<Staff>) -> Result<Vec<Row>> {
    let ids: Vec<_> = people.iter().map(|one| one.id).collect();
    let mut places = identity::places_of_persons(platform, &ids).await?;
    let companies: Vec<CompanyId> = places.values().flatten().map(|one| one.member.company_id).collect();
    let names: BTreeMap<CompanyId, String> =
        companies::named(platform, &companies).await?.into_iter().map(|one| (one.id, one.name)).collect();
    let row = |person: Staff| {
        let places = places.remove(&person.id).unwrap_or_default();
        let companies =
            places.iter().filter(|one| !one.assignments.is_empty()).filter_map(|one| names.get(&one.member.company_id).cloned());
        Row { companies: companies.collect(), person }
    };
    Ok(people.into_iter().map(row).collect())
}

async fn index(visitor: Visitor<PlatformRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let (company, data) = list_page(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/users/index.html", &company, data)
}

async fn list_page(visitor: &Visitor<PlatformRead>, list: &List) -> Result<(Company, Value)> {
    let souk = visitor.access.souk();
    let sorting = list.sorting();
    let sort = sorting.sort;
    let bound = format!("portal users {:?} {:?} {sort:?}", list.q, list.state);
    let after = page::open::<Place>(souk, &bound, list.cursor.as_deref())?;
    let platform = souk.platform("all-companies").await?;
    let mut found = identity::sorted_persons(&platform, &list.search(), sort, after, ROWS + 1).await?;
    let next = page::cut(souk, &bound, &mut found, ROWS, |one| sort.by.place(one.id.0, &one.sort_name))?;
    let rows = rows(&platform, found).await?;
    let (scope, company) = super::own(visitor, platform).await?;
    let state =
        if STATES.contains(&list.state.as_str()) { visitor.text(&format!("admin.users.among.{}", list.state)) } else { String::new() };
    let chips = vec![("q", visitor.text("ui.search"), list.q.clone()), ("state", visitor.text("admin.users.among"), state)];
    let listing = Listing { views: &VIEWS, chips, count: rows.len(), next };
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            let person = &row.person;
            json!({
                "id": person.id, "href": format!("{PAGE}/{}", person.id), "name": person.name, "email": person.email, "is_platform": person.is_super_admin,
                "state": person_state(person), "companies": row.companies.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "),
                "more": row.companies.len().saturating_sub(NAMED), "since": local(person.created_at, &company.zone, &visitor.language),
            })
        })
        .collect();
    let data = json!({
        "rows": shown, "list": visitor.sorted_list(&scope, listing, &sorting).await?, "filter": { "q": list.q, "state": list.state },
        "states": STATES.map(|state| json!({ "value": state, "label_key": format!("admin.users.among.{state}") })),
    });
    Ok((company, data))
}

const COLUMNS: [&str; 7] = ["id", "name", "email", "state", "platform", "companies", "since"];

async fn export(visitor: Visitor<PlatformRead>, Query(list): Query<List>) -> PageResult<Response> {
    let souk = visitor.access.souk().clone();
    let csv = export::csv("users", &COLUMNS, move |after| page_of_file(souk.clone(), list.clone(), after));
    csv.await.map_err(|error| visitor.refuse(error))
}

async fn page_of_file(souk: Souk, list: List, after: Option<Place>) -> Result<export::Page<Place>> {
    let sort = list.sorting().sort;
    let platform = souk.platform("all-companies").await?;
    let found = identity::sorted_persons(&platform, &list.search(), sort, after, export::ROWS).await?;
    let next = found.last().map(|one| sort.by.place(one.id.0, &one.sort_name)).filter(|_| found.len() as u64 == export::ROWS);
    Ok((rows(&platform, found).await?.iter().map(cells).collect(), next))
}

async fn export_chosen(visitor: Visitor<PlatformRead>, fields: Fields) -> PageResult<Response> {
    let read = chosen_rows(visitor.access.souk(), &fields).await;
    let rows = read.map_err(|error| visitor.refuse(error))?;
    export::few("users", &COLUMNS, rows).await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(souk: &Souk, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let platform = souk.platform("all-companies").await?;
    let found = identity::persons_of(&platform, &fields.chosen()).await?;
    Ok(rows(&platform, found).await?.iter().map(cells).collect())
}

fn cells(row: &Row) -> Vec<String> {
    let person = &row.person;
    vec![
        person.id.to_string(),
        person.name.clone(),
        person.email.clone(),
        person_state(person).into(),
        person.is_super_admin.to_string(),
        row.companies.join(", "),
        person.created_at.to_string(),
    ]
}

async fn show(visitor: Visitor<PlatformRead>, Id(id): Id<StaffId>) -> PageResult<Html<String>> {
    let (company, data) = one(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("admin/users/show.html", &company, data)
}

/// What there is of a person, and the platform's own unit to read the rest with.
async fn one<P: Permission>(visitor: &Visitor<P>, id: StaffId) -> Result<(Company, Value)> {
    let platform = visitor.access.souk().platform("all-companies").await?;
    let person = identity::person_of(&platform, id).await?;
    let places = identity::places_of_persons(&platform, &[id]).await?.remove(&id).unwrap_or_default();
    let roles = identity::own_role_names(&platform, &places).await?;
    let companies: Vec<CompanyId> = places.iter().map(|one| one.member.company_id).collect();
    let companies: BTreeMap<CompanyId, Company> =
        companies::named(&platform, &companies).await?.into_iter().map(|one| (one.id, one)).collect();
    let sessions = identity::sessions_of_person(&platform, id).await?;
    let (scope, own) = super::own(visitor, platform).await?;
    let told = told(&scope, id, &own, &visitor.language).await?;
    let place = |one: &Colleague| {
        let company = companies.get(&one.member.company_id);
        let mut names: Vec<_> = one.assignments.iter().map(|row| role_name(&row.role, &roles, &visitor.language)).collect();
        names.sort();
        names.dedup();
        json!({
            "href": format!("{COMPANIES}/{}", one.member.company_id), "company": company.map(|one| one.name.as_str()),
            "slug": company.map(|one| one.slug.as_str()), "roles": names.join(", "), "presence": one.presence().name(),
            "since": local(one.member.created_at, &own.zone, &visitor.language),
        })
    };
    let is_oneself = visitor.access.tenant().actor == Actor::Platform(id);
    let data = json!({
        "person_of": {
            "id": person.id, "href": format!("{PAGE}/{}", person.id), "name": person.name, "email": person.email, "phone": person.phone,
            "is_platform": person.is_super_admin, "state": person_state(&person), "language": person.language,
            "since": local(person.created_at, &own.zone, &visitor.language), "banned_at": person.banned_at.map(|at| local(at, &own.zone, &visitor.language)),
            "reason": person.banned_reason, "is_oneself": is_oneself,
        },
        "places": places.iter().map(place).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(|one| json!({
            "id": one.id, "agent": one.user_agent, "address": one.ip_address, "is_portal": one.kind == "portal",
            "since": local(one.created_at, &own.zone, &visitor.language), "until": local(one.expires_at, &own.zone, &visitor.language),
            "company": one.company_id.and_then(|id| companies.get(&id)).map(|one| one.name.as_str()),
        })).collect::<Vec<_>>(),
        "told": told,
    });
    Ok((own, data))
}

/// What the platform's own audit says was done to a person.
async fn told(scope: &Scope, id: StaffId, own: &Company, language: &str) -> Result<Vec<Value>> {
    let filter = audit::Filter { resource: Some("staff".into()), resource_id: Some(id.to_string()), ..audit::Filter::default() };
    let reader = Reader { language, zone: &own.zone, currency: None, shops: &BTreeMap::new() };
    let event = |one: &audit::Entry| {
        let shown = entry(one, &reader);
        let tone = match one.action.as_str() {
            "ban" => "bad",
            "unban" => "ok",
            _ => "info",
        };
        let reason = one.changes["reason"]["after"].as_str().unwrap_or_default();
        json!({ "what": shown["action"], "tone": tone, "note": reason, "at": shown["at"], "by": shown["who"] })
    };
    Ok(audit::list(scope, &filter, None, 12).await?.iter().map(event).collect())
}

/// The acts that ask for a reason before they are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Ban,
    Unban,
    EndSessions,
}

impl Ask {
    fn named(name: &str) -> Result<Self> {
        let all = [Self::Ban, Self::Unban, Self::EndSessions];
        all.into_iter().find(|ask| ask.name() == name).ok_or(Error::NOT_FOUND)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ban => "ban",
            Self::Unban => "unban",
            Self::EndSessions => "end_sessions",
        }
    }

    /// What is said after it worked.
    const fn said(self) -> &'static str {
        match self {
            Self::Ban => "person_banned",
            Self::Unban => "person_unbanned",
            Self::EndSessions => "sessions_ended",
        }
    }
}

#[derive(Debug, Deserialize)]
struct Asked {
    what: String,
    /// One session alone, of all.
    session: Option<SessionId>,
}

async fn ask(visitor: Visitor<PlatformPeople>, Id(id): Id<StaffId>, Query(asked): Query<Asked>) -> PageResult<Response> {
    let what = Ask::named(&asked.what).map_err(|error| visitor.refuse(error))?;
    asking(&visitor, id, what, asked.session).await
}

async fn asking(visitor: &Visitor<PlatformPeople>, id: StaffId, what: Ask, session: Option<SessionId>) -> PageResult<Response> {
    let (own, mut data) = one(visitor, id).await.map_err(|error| visitor.refuse(error))?;
    data["what"] = json!(what.name());
    data["session"] = json!(session);
    visitor.again("admin/users/act.html", &own, data)
}

async fn ban(visitor: Visitor<PlatformPeople>, Id(id): Id<StaffId>, fields: Fields) -> PageResult<Response> {
    act(visitor, id, Ask::Ban, fields).await
}

async fn unban(visitor: Visitor<PlatformPeople>, Id(id): Id<StaffId>, fields: Fields) -> PageResult<Response> {
    act(visitor, id, Ask::Unban, fields).await
}

async fn end_sessions(visitor: Visitor<PlatformPeople>, Id(id): Id<StaffId>, fields: Fields) -> PageResult<Response> {
    act(visitor, id, Ask::EndSessions, fields).await
}

async fn act(visitor: Visitor<PlatformPeople>, id: StaffId, what: Ask, mut fields: Fields) -> PageResult<Response> {
    let session = fields.maybe::<SessionId>("session");
    let reason = fields.text("reason");
    let by: &Tenant = visitor.access.tenant();
    let souk = visitor.access.souk();
    let done = match (fields.end(), what) {
        (Err(error), _) => Err(error),
        (Ok(()), Ask::Ban) => identity::ban_person(souk, by, id, &reason).await,
        (Ok(()), Ask::Unban) => identity::unban_person(souk, by, id, &reason).await,
        (Ok(()), Ask::EndSessions) => identity::end_sessions_of_person(souk, by, id, session, &reason).await.map(|_| ()),
    };
    match done {
        Ok(()) => Ok(visitor.done(&format!("{PAGE}/{id}"), what.said()).into_response()),
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            asking(&visitor, id, what, session).await
        }
    }
}

/// People by a few letters, for the jump box.
pub(in crate::controllers::portal) async fn named(souk: &Souk, words: &str, language: &str, most: u64) -> Result<Vec<Value>> {
    let platform = souk.platform("all-companies").await?;
    let search = PersonSearch { words: Some(words.into()), among: None };
    let found = identity::persons(&platform, &search, None, most).await?;
    let note = |one: &Staff| match person_state(one) {
        "active" => one.email.clone(),
        state => format!("{}, {}", one.email, templates::text(&format!("admin.presence.{state}"), language)),
    };
    Ok(found.iter().map(|one| json!({ "text": one.name, "note": note(one), "href": format!("{PAGE}/{}", one.id) })).collect())
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<PlatformRead, _>(PAGE, "People of the platform and of its companies", index),
        get::<PlatformRead, _>("/admin/users/export.csv", "People as CSV", export),
        post::<PlatformRead, _>("/admin/users/chosen.csv", "Chosen people as CSV", export_chosen),
        get::<PlatformRead, _>("/admin/users/{id}", "One person, with their places and sessions", show),
        get::<PlatformPeople, _>("/admin/users/{id}/act", "Asks why before something is done to a person", ask),
        post::<PlatformPeople, _>("/admin/users/{id}/ban", "Shuts a person out everywhere", ban),
        post::<PlatformPeople, _>("/admin/users/{id}/unban", "Lets a person in again", unban),
        post::<PlatformPeople, _>("/admin/users/{id}/end-sessions", "Ends a person's sessions", end_sessions),
    ]
}
