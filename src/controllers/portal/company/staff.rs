//! The company's people: the list, inviting, one person, and what is done with them.

use std::{collections::BTreeMap, sync::Arc};

use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    PageResult, Visitor, export,
    fields::Fields,
    lists::{Head, Listing, Sorting},
    local,
    visitor::said,
};
use crate::{
    clock::Instant,
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    ids::{MemberId, ShopId, StaffId},
    keyset::{self, Sort},
    models::{
        companies::{self, Company},
        identity::{self, Colleague, Invitation, MemberChange, PeopleBy, PeopleFilter, Place, Presence},
        shops,
    },
    tenancy::{
        Access, Actor, Permission, Role, Scope, Souk,
        roles::{AuditRead, RolesRead, UsersRead, UsersWrite},
    },
    views::templates,
};

const PAGE: &str = "/company/staff";
const ROWS: u64 = 50;
/// Rows of roles that are empty, to be filled in.
const ROOM: usize = 2;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    shop: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    sort: String,
    cursor: Option<String>,
}

/// What people sort the staff by.
const HEADS: [Head<PeopleBy>; 2] = [
    Head { word: "name", label: "staff.col.person", falls: false, by: PeopleBy::Name },
    Head { word: "since", label: "staff.col.since", falls: true, by: PeopleBy::Since },
];

impl List {
    fn sorting(&self) -> Sorting<PeopleBy> {
        Sorting::of(&HEADS, Sort { by: PeopleBy::Since, falls: true }, &self.sort)
    }

    fn filter(&self) -> PeopleFilter {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        PeopleFilter {
            role: some(&self.role),
            words: some(&self.q),
            shop: self.shop.parse().ok(),
            state: Presence::named(&self.state),
            group: None,
        }
    }
}

/// The questions people ask daily.
const VIEWS: [(&str, &str); 5] = [
    ("staff.view.all", ""),
    ("staff.state.active", "state=active"),
    ("staff.state.invited", "state=invited"),
    ("staff.state.banned", "state=banned"),
    ("staff.state.left", "state=left"),
];

/// What roles and shops are called.
struct Names {
    own: BTreeMap<String, String>,
    shops: BTreeMap<ShopId, String>,
    language: String,
}

impl Names {
    async fn of(scope: &Scope, people: &[Colleague], language: &str) -> Result<Self> {
        let own = identity::role_names(scope, people).await?;
        Ok(Self { own, shops: shops::names(scope).await?, language: language.to_owned() })
    }

    fn role(&self, role: &str) -> String {
        match Role::named(role) {
            Some(role) => templates::text(&format!("roles.name.{}", role.name()), &self.language),
            None => self.own.get(role).cloned().unwrap_or_else(|| role.to_owned()),
        }
    }

    /// Each role once, with where it is held.
    fn places(&self, one: &Colleague) -> Vec<(String, String)> {
        let mut by_role: Vec<(String, Vec<String>)> = Vec::new();
        for row in &one.assignments {
            let role = self.role(&row.role);
            let at = match row.shop_id {
                Some(shop) => self.shops.get(&shop).cloned().unwrap_or_default(),
                None => templates::text("staff.whole_company", &self.language),
            };
            match by_role.iter_mut().find(|(name, _)| *name == role) {
                Some((_, places)) => places.push(at),
                None => by_role.push((role, vec![at])),
            }
        }
        by_role.into_iter().map(|(role, places)| (role, places.join(", "))).collect()
    }
}

async fn index(visitor: Visitor<UsersRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let (company, data) = list_page(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/staff/index.html", &company, data)
}

async fn list_page(visitor: &Visitor<UsersRead>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let filter = list.filter();
    let sorting = list.sorting();
    let sort = sorting.sort;
    let bound = format!("portal staff {filter:?} {sort:?}");
    let after = page::open::<keyset::Place>(access, &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let mut people = identity::sorted_members(&scope, &filter, sort, after, ROWS + 1).await?;
    let next = page::cut(access, &bound, &mut people, ROWS, |one| sort.by.place(one.member.id.0, &one.member.sort_name))?;
    let names = Names::of(&scope, &people, &visitor.language).await?;
    let shops = shops::list(&scope).await?;
    let roles = role_choices(&scope, &visitor.language).await?;
    let role_name = roles.iter().find(|role| role["value"] == list.role.as_str()).and_then(|role| role["label"].as_str());
    let chips = vec![
        ("q", visitor.text("ui.search"), list.q.clone()),
        ("role", visitor.text("staff.col.role"), role_name.unwrap_or_default().to_owned()),
        ("shop", visitor.text("staff.col.shop"), filter.shop.and_then(|id| names.shops.get(&id)).cloned().unwrap_or_default()),
        ("state", visitor.text("staff.col.state"), filter.state.map(|state| state_name(state, &visitor.language)).unwrap_or_default()),
    ];
    let listing = visitor.sorted_list(&scope, Listing { views: &VIEWS, chips, count: people.len(), next }, &sorting).await?;
    // The platform's own look at sessions is a unit of its own.
    drop(scope);
    let seen = last_seen(access.souk(), &company, &people).await?;
    let rows: Vec<_> = people.iter().map(|one| row(one, &names, &seen, &company.zone)).collect();
    let data = json!({
        "rows": rows, "list": listing, "roles": roles,
        "filter": { "q": list.q, "role": list.role, "shop": list.shop, "state": list.state },
        "shops": shops.iter().map(|shop| json!({ "value": shop.id, "label": shop.name })).collect::<Vec<_>>(),
        "can_write": access.tenant().may(UsersWrite::NAME), "can_roles": access.tenant().may(RolesRead::NAME),
    });
    Ok((company, data))
}

async fn last_seen(souk: &Souk, company: &Company, people: &[Colleague]) -> Result<BTreeMap<StaffId, Instant>> {
    let ids: Vec<_> = people.iter().map(|one| one.member.staff_id).collect();
    identity::last_sign_ins(souk, company.id, &ids).await
}

fn row(one: &Colleague, names: &Names, seen: &BTreeMap<StaffId, Instant>, zone: &str) -> Value {
    let places: Vec<_> = names.places(one).into_iter().map(|(role, at)| json!({ "role": role, "at": at })).collect();
    json!({
        "id": one.member.id, "name": one.member.name, "email": one.member.email, "state": one.presence().name(), "places": places,
        "seen": seen.get(&one.member.staff_id).map(|at| local(*at, zone, &names.language)), "since": local(one.member.joined_at.unwrap_or(one.member.created_at), zone, &names.language),
    })
}

fn state_name(state: Presence, language: &str) -> String {
    templates::text(&format!("staff.state.{}", state.name()), language)
}

/// The roles that there are, built-in and the company's own.
async fn role_choices(scope: &Scope, language: &str) -> Result<Vec<Value>> {
    let built_in = Role::OF_STAFF.iter().map(|role| {
        let name = templates::text(&format!("roles.name.{}", role.name()), language);
        json!({ "value": role.name(), "label": name })
    });
    let own = identity::own_roles(scope).await?;
    Ok(built_in.chain(own.iter().map(|one| json!({ "value": one.role.id, "label": one.role.name }))).collect())
}

const COLUMNS: [&str; 6] = ["name", "email", "state", "roles", "since", "last sign-in"];

async fn export(visitor: Visitor<UsersRead>, Query(list): Query<List>) -> PageResult<Response> {
    let (look, language) = (visitor.look(), visitor.language.clone());
    let access = Arc::new(visitor.access);
    let sort = list.sorting().sort;
    let csv = export::csv("staff", &COLUMNS, move |after| {
        let (access, filter, language) = (access.clone(), list.filter(), language.clone());
        async move {
            let scope = access.read().await?;
            let people = identity::sorted_members(&scope, &filter, sort, after, export::ROWS).await?;
            let next = people
                .last()
                .map(|one| sort.by.place(one.member.id.0, &one.member.sort_name))
                .filter(|_| people.len() as u64 == export::ROWS);
            Ok((cells(&access, scope, &people, &language).await?, next))
        }
    });
    csv.await.map_err(|error| look.with(error))
}

async fn export_chosen(visitor: Visitor<UsersRead>, fields: Fields) -> PageResult<Response> {
    let rows = chosen_rows(&visitor, &fields).await.map_err(|error| visitor.refuse(error))?;
    let csv = export::csv("staff", &COLUMNS, move |_: Option<()>| std::future::ready(Ok((rows.clone(), None))));
    csv.await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(visitor: &Visitor<UsersRead>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = visitor.access.read().await?;
    let mut people = Vec::new();
    for id in chosen(fields) {
        people.push(identity::colleague(&scope, id).await?);
    }
    cells(&visitor.access, scope, &people, &visitor.language).await
}

/// The chosen people of a page, each once: at most as many as one has.
fn chosen(fields: &Fields) -> Vec<MemberId> {
    let mut ids: Vec<MemberId> = Vec::new();
    for id in fields.all("ids").iter().take(100).filter_map(|id| id.parse().ok()) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

async fn cells(access: &Access<UsersRead>, scope: Scope, people: &[Colleague], language: &str) -> Result<Vec<Vec<String>>> {
    let company = companies::own(&scope).await?;
    let names = Names::of(&scope, people, language).await?;
    drop(scope);
    let seen = last_seen(access.souk(), &company, people).await?;
    let line = |one: &Colleague| {
        let places: Vec<_> = names.places(one).into_iter().map(|(role, at)| format!("{role}: {at}")).collect();
        vec![
            one.member.name.clone(),
            one.member.email.clone(),
            one.presence().name().into(),
            places.join("; "),
            one.member.joined_at.unwrap_or(one.member.created_at).to_string(),
            seen.get(&one.member.staff_id).map(ToString::to_string).unwrap_or_default(),
        ]
    };
    Ok(people.iter().map(line).collect())
}

/// Sends the chosen invitations again, each in a unit of its own: what is refused for one is done
/// for the rest, and said.
async fn invite_chosen_again(visitor: Visitor<UsersWrite>, fields: Fields) -> PageResult<Redirect> {
    let (mut done, mut lines) = (0, Vec::new());
    for id in chosen(&fields) {
        match send_again(&visitor.access, id).await {
            Ok(_) => done += 1,
            Err(error) => {
                let name = name_of(&visitor.access, id).await.unwrap_or_default();
                lines.push(format!("{name}: {}", said(&error, &visitor.language)));
            }
        }
    }
    let tone = if lines.is_empty() { "ok" } else { "warn" };
    let text = templates::filled("staff.invited_again_n", &visitor.language, &[("n", &done)]);
    Ok(visitor.tell(&visitor.list_at(PAGE), tone, &text, &lines))
}

async fn name_of(access: &Access<UsersWrite>, id: MemberId) -> Result<String> {
    let scope = access.read().await?;
    Ok(identity::colleague(&scope, id).await?.member.name)
}

async fn new(visitor: Visitor<UsersWrite>) -> PageResult<Html<String>> {
    let (company, data) = new_page(&visitor, None).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/staff/new.html", &company, data)
}

/// The form of an invitation; with what was typed, when it was refused.
async fn new_page(visitor: &Visitor<UsersWrite>, typed: Option<&Fields>) -> Result<(Company, Value)> {
    let scope = visitor.access.read().await?;
    let company = companies::own(&scope).await?;
    let ticked = typed.map(|typed| typed.all("shopIds").to_vec()).unwrap_or_default();
    let shops = shops::list(&scope).await?;
    let is_only = shops.len() == 1;
    let shops = shops.iter().map(|shop| {
        let on = if typed.is_some() { ticked.contains(&shop.id.to_string()) } else { is_only };
        json!({ "id": shop.id, "name": shop.name, "on": on })
    });
    let data = json!({ "shops": shops.collect::<Vec<_>>(), "roles": role_choices(&scope, &visitor.language).await? });
    Ok((company, data))
}

async fn create(visitor: Visitor<UsersWrite>, mut fields: Fields) -> PageResult<Response> {
    match invite(&visitor.access, &mut fields).await {
        Ok(one) => Ok(visitor.done(&format!("{PAGE}/{}", one.member.id), "staff_invited").into_response()),
        Err(error) => {
            let visitor = visitor.refused(mended(error), &fields)?;
            let (company, data) = new_page(&visitor, Some(&fields)).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/staff/new.html", &company, data)
        }
    }
}

async fn invite(access: &Access<UsersWrite>, fields: &mut Fields) -> Result<Colleague> {
    let (email, name, role) = (fields.text("email"), fields.text("name"), fields.text("role"));
    let is_of_shops = Role::named(&role).is_none_or(Role::is_of_shops);
    let shop_ids = fields.all("shopIds").iter().filter_map(|id| id.parse().ok()).collect();
    fields.end()?;
    access.ensure_company()?;
    // A role of the whole company is not narrowed by boxes that were ticked for another choice.
    let new = Invitation { email, name, role: Some(role), shop_ids: if is_of_shops { shop_ids } else { vec![] }, assignments: vec![] };
    identity::invite(access.souk(), access.tenant(), new).await
}

/// What a person can mend by another choice is a refused form, not a closed door.
fn mended(error: Error) -> Error {
    match error {
        Error::NotAllowed { code: "role_above_own" } => {
            Error::invalid("role", "role_above_own", "this role allows more than you may do yourself")
        }
        error => error,
    }
}

async fn show(visitor: Visitor<UsersRead>, Id(id): Id<MemberId>) -> PageResult<Html<String>> {
    let (company, data) = person_page(&visitor, id, None).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/staff/show.html", &company, data)
}

/// One person's page, for whoever may see people or change them.
async fn person_page<P: Permission>(visitor: &Visitor<P>, id: MemberId, typed: Option<&Fields>) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let one = identity::colleague(&scope, id).await?;
    let names = Names::of(&scope, std::slice::from_ref(&one), &visitor.language).await?;
    let shops = shops::everywhere(&scope).await?;
    let roles = role_choices(&scope, &visitor.language).await?;
    drop(scope);
    let sessions = identity::sessions_of(access.souk(), &one.member).await?;
    let people = std::slice::from_ref(&one);
    let seen = last_seen(access.souk(), &company, people).await?;
    let sessions = sessions.iter().map(|session| {
        json!({
            "agent": session.user_agent, "address": session.ip_address, "since": local(session.created_at, &company.zone, &visitor.language),
            "until": local(session.expires_at, &company.zone, &visitor.language), "is_portal": session.kind == "portal",
        })
    });
    let state = one.presence();
    let can_write = access.tenant().may(UsersWrite::NAME);
    let is_self = access.tenant().actor == Actor::Member(id);
    let data = json!({
        "one": row(&one, &names, &seen, &company.zone), "version": one.member.version, "invited": local(one.member.created_at, &company.zone, &visitor.language),
        "joined": one.member.joined_at.map(|at| local(at, &company.zone, &visitor.language)), "sessions": sessions.collect::<Vec<_>>(),
        "held": held(&one, typed), "roles": roles, "role_list": names.places(&one),
        "shops": shops.iter().map(|shop| json!({ "value": shop.id, "label": shop.name })).collect::<Vec<_>>(),
        "can_write": can_write, "is_self": is_self, "can_audit": access.tenant().may(AuditRead::NAME),
        "can_ban": can_write && !is_self && state == Presence::Active, "can_unban": can_write && state == Presence::Banned,
        "can_send_away": can_write && !is_self && state != Presence::Left, "is_invited": can_write && state == Presence::Invited,
    });
    Ok((company, data))
}

/// The rows of the form of roles: those held or typed, and room for more.
fn held(one: &Colleague, typed: Option<&Fields>) -> Vec<Value> {
    let mut rows: Vec<_> = match typed {
        Some(typed) => typed.all("role").iter().zip(typed.all("shop")).map(|(role, shop)| json!({ "role": role, "shop": shop })).collect(),
        None => one.assignments.iter().map(|row| json!({ "role": row.role, "shop": row.shop_id })).collect(),
    };
    if typed.is_none() {
        rows.extend(std::iter::repeat_n(json!({ "role": "", "shop": "" }), ROOM));
    }
    rows
}

async fn change(visitor: Visitor<UsersWrite>, Id(id): Id<MemberId>, mut fields: Fields) -> PageResult<Response> {
    match save(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&format!("{PAGE}/{id}"), "saved").into_response()),
        Err(error) => {
            let visitor = visitor.refused(mended(error), &fields)?;
            let (company, data) = person_page(&visitor, id, Some(&fields)).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/staff/show.html", &company, data)
        }
    }
}

async fn save(access: &Access<UsersWrite>, id: MemberId, fields: &mut Fields) -> Result<()> {
    let (name, version) = (fields.text("name"), fields.parsed::<i64>("version"));
    let rows = fields.all("role").iter().zip(fields.all("shop")).filter(|(role, _)| !role.is_empty());
    let places: Vec<_> = rows.map(|(role, shop)| Place { role: role.clone(), shop_id: shop.parse().ok() }).collect();
    fields.end()?;
    let scope = access.write().await?;
    identity::change_member(&scope, id, MemberChange { name: Some(name), places: Some(places) }, version).await?;
    scope.commit().await
}

/// What is done with a person by one button.
#[derive(Clone, Copy)]
enum Act {
    Ban,
    Unban,
    EndSessions,
    SendAway,
}

/// Does it, and gives what to say.
async fn perform(access: &Access<UsersWrite>, id: MemberId, act: Act) -> Result<&'static str> {
    let scope = access.write().await?;
    let said = match act {
        Act::Ban => {
            identity::set_banned(&scope, id, true).await?;
            "staff_banned"
        }
        Act::Unban => {
            identity::set_banned(&scope, id, false).await?;
            "staff_unbanned"
        }
        Act::EndSessions => {
            identity::end_sessions(&scope, id).await?;
            "staff_sessions_ended"
        }
        Act::SendAway => {
            let was = identity::colleague(&scope, id).await?.presence();
            identity::deactivate(&scope, id).await?;
            if was == Presence::Invited { "staff_revoked" } else { "staff_sent_away" }
        }
    };
    scope.commit().await?;
    Ok(said)
}

async fn act(visitor: Visitor<UsersWrite>, id: MemberId, act: Act) -> PageResult<Redirect> {
    let done = perform(&visitor.access, id, act).await;
    answer(&visitor, id, done)
}

fn answer(visitor: &Visitor<UsersWrite>, id: MemberId, done: Result<&'static str>) -> PageResult<Redirect> {
    let path = format!("{PAGE}/{id}");
    match done {
        Ok(said) => Ok(visitor.done(&path, said)),
        Err(error) => visitor.back(&path, mended(error)),
    }
}

async fn send_again(access: &Access<UsersWrite>, id: MemberId) -> Result<&'static str> {
    access.ensure_company()?;
    identity::invite_again(access.souk(), access.tenant(), id).await?;
    Ok("staff_invited")
}

async fn invite_again(visitor: Visitor<UsersWrite>, Id(id): Id<MemberId>) -> PageResult<Redirect> {
    let done = send_again(&visitor.access, id).await;
    answer(&visitor, id, done)
}

async fn ban(visitor: Visitor<UsersWrite>, Id(id): Id<MemberId>) -> PageResult<Redirect> {
    act(visitor, id, Act::Ban).await
}

async fn unban(visitor: Visitor<UsersWrite>, Id(id): Id<MemberId>) -> PageResult<Redirect> {
    act(visitor, id, Act::Unban).await
}

async fn end_sessions(visitor: Visitor<UsersWrite>, Id(id): Id<MemberId>) -> PageResult<Redirect> {
    act(visitor, id, Act::EndSessions).await
}

async fn send_away(visitor: Visitor<UsersWrite>, Id(id): Id<MemberId>) -> PageResult<Redirect> {
    act(visitor, id, Act::SendAway).await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<UsersRead, _>(PAGE, "The company's people", index),
        post::<UsersWrite, _>(PAGE, "Invites somebody to the staff", create),
        get::<UsersRead, _>("/company/staff/export.csv", "The company's people as CSV", export),
        post::<UsersRead, _>("/company/staff/chosen.csv", "Chosen people as CSV", export_chosen),
        post::<UsersWrite, _>("/company/staff/invite-again", "Sends the chosen invitations again", invite_chosen_again),
        get::<UsersWrite, _>("/company/staff/new", "The form of an invitation", new),
        get::<UsersRead, _>("/company/staff/{id}", "One person of the staff", show),
        post::<UsersWrite, _>("/company/staff/{id}", "Changes a person's name and roles", change),
        post::<UsersWrite, _>("/company/staff/{id}/invite-again", "Sends an invitation again", invite_again),
        post::<UsersWrite, _>("/company/staff/{id}/ban", "Shuts a person out", ban),
        post::<UsersWrite, _>("/company/staff/{id}/unban", "Lets a person in again", unban),
        post::<UsersWrite, _>("/company/staff/{id}/end-sessions", "Ends a person's sessions", end_sessions),
        post::<UsersWrite, _>("/company/staff/{id}/send-away", "Sends a person away, or takes an invitation back", send_away),
    ]
}
