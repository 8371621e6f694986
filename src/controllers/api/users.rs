//! `/api/users`: members of staff and customers.

use std::collections::BTreeMap;

use axum::{Json as Answer, http::StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    controllers::{
        extract::{Id, Json, Query, Version},
        page,
    },
    endpoints::{
        Endpoint,
        api::{delete, get, post, put},
    },
    errors::{Error, Result},
    ids::{CompanyId, CustomerId, MemberId, ShopId},
    models::{
        identity::{self, Colleague, Customer, CustomerChange, Invitation, MemberChange, PeopleFilter, Place, ProfileChange},
        orders,
    },
    tenancy::{
        Access, Actor, Role, Scope,
        roles::{SignedIn, UsersRead, UsersWrite},
    },
    views::users as view,
};

/// One of the company's people.
enum User {
    Member(Box<Colleague>),
    Customer(Box<Customer>),
}

impl User {
    const fn id(&self) -> Uuid {
        match self {
            Self::Member(one) => one.member.id.0,
            Self::Customer(one) => one.id.0,
        }
    }

    const fn company(&self) -> CompanyId {
        match self {
            Self::Member(one) => one.member.company_id,
            Self::Customer(one) => one.company_id,
        }
    }

    const fn version(&self) -> i64 {
        match self {
            Self::Member(one) => one.member.version,
            Self::Customer(one) => one.version,
        }
    }
}

async fn shown(scope: &Scope, users: Vec<User>) -> Result<Vec<Value>> {
    let names = identity::role_names(scope, &staff_among(&users)).await?;
    Ok(users.iter().map(|user| viewed(user, &names)).collect())
}

fn staff_among(users: &[User]) -> Vec<Colleague> {
    users.iter().filter_map(|user| if let User::Member(one) = user { Some(Colleague::clone(one)) } else { None }).collect()
}

fn viewed(user: &User, names: &BTreeMap<String, String>) -> Value {
    match user {
        User::Member(one) => view::colleague(one, names),
        User::Customer(one) => view::customer(one),
    }
}

async fn one(scope: &Scope, user: User) -> Result<Answer<Value>> {
    shown(scope, vec![user]).await?.pop().map(Answer).ok_or(Error::NOT_FOUND)
}

/// Whom an id names, of those the caller sees.
async fn find(scope: &Scope, id: Uuid) -> Result<User> {
    match identity::colleague(scope, MemberId(id)).await {
        Ok(found) => Ok(User::Member(Box::new(found))),
        Err(Error::NotFound { .. }) => {
            let found = identity::customer_among(scope, CustomerId(id), orders::bought_here(scope)).await?;
            Ok(User::Customer(Box::new(found)))
        }
        Err(error) => Err(error),
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    role: Option<String>,
    q: Option<String>,
    shop_id: Option<ShopId>,
    limit: Option<u64>,
    cursor: Option<String>,
}

async fn index(access: Access<UsersRead>, Query(list): Query<List>) -> Result<Answer<Value>> {
    let limit = page::limit(list.limit)?;
    let bound = format!("users {:?} {:?} {:?}", list.role, list.q, list.shop_id);
    let before = page::open::<Uuid>(&access, &bound, list.cursor.as_deref())?;
    if access.sees_all() {
        return index_of_all(&access, &list, &bound, before, limit).await;
    }
    let scope = access.read().await?;
    let customers_only = list.role.as_deref() == Some(Role::Customer.name());
    let role = match list.role.as_deref().filter(|_| !customers_only) {
        Some(name) => Some(known_role(&scope, name).await?),
        None => None,
    };
    let staff_only = role.is_some() || list.shop_id.is_some();
    let filter = PeopleFilter { role, words: list.q, shop: list.shop_id, ..PeopleFilter::default() };
    let mut users = Vec::new();
    if !customers_only {
        let members = identity::members(&scope, &filter, before.map(MemberId), limit + 1).await?;
        users.extend(members.into_iter().map(|one| User::Member(Box::new(one))));
    }
    if !staff_only {
        let among = orders::bought_here(&scope);
        let customers = identity::list_customers(&scope, &filter, among, before.map(CustomerId), limit + 1).await?;
        users.extend(customers.into_iter().map(|one| User::Customer(Box::new(one))));
    }
    let next = newest(&access, &bound, &mut users, limit)?;
    Ok(Answer(page::envelope(shown(&scope, users).await?, limit, next)))
}

/// Everybody's people, for the platform's people who named no company; by words, or by a role of a
/// company's own, they are found within that company.
async fn index_of_all(access: &Access<UsersRead>, list: &List, bound: &str, before: Option<Uuid>, limit: u64) -> Result<Answer<Value>> {
    if list.q.is_some() {
        return Err(Error::invalid("q", "needs_company", "name a company with the header X-Company"));
    }
    let customers_only = list.role.as_deref() == Some(Role::Customer.name());
    let role = list.role.as_deref().filter(|_| !customers_only);
    let unknown = |name: &str| !Role::named(name).is_some_and(|role| Role::OF_STAFF.contains(&role));
    if role.is_some_and(unknown) {
        return Err(Error::invalid("role", "unknown", "there is no such role in every company"));
    }
    let platform = access.souk().platform("oversight").await?;
    let filter = PeopleFilter { role: role.map(str::to_owned), shop: list.shop_id, ..PeopleFilter::default() };
    let mut users = Vec::new();
    if !customers_only {
        let members = identity::members_of_all(&platform, &filter, before.map(MemberId), limit + 1).await?;
        users.extend(members.into_iter().map(|one| User::Member(Box::new(one))));
    }
    if role.is_none() && list.shop_id.is_none() {
        let customers = identity::customers_of_all(&platform, before.map(CustomerId), limit + 1).await?;
        users.extend(customers.into_iter().map(|one| User::Customer(Box::new(one))));
    }
    let next = newest(access, bound, &mut users, limit)?;
    let names = identity::role_names_of_all(&platform, &staff_among(&users)).await?;
    let data = users.iter().map(|user| {
        let mut view = viewed(user, &names);
        view["companyId"] = json!(user.company());
        view
    });
    Ok(Answer(page::envelope(data.collect::<Vec<_>>(), limit, next)))
}

/// Brings the newest of members and customers to the front, and cuts a page off.
fn newest(access: &Access<UsersRead>, bound: &str, users: &mut Vec<User>, limit: u64) -> Result<Option<String>> {
    // Ids are born by the clock, so the newest of both lists come first.
    users.sort_by_key(|user| std::cmp::Reverse(user.id()));
    users.truncate(usize::try_from(limit).unwrap_or(100) + 1);
    page::cut(access, bound, users, limit, User::id)
}

/// A role as assignments write it down.
async fn known_role(scope: &Scope, name: &str) -> Result<String> {
    if Role::named(name).is_some_and(|role| Role::OF_STAFF.contains(&role)) {
        return Ok(name.to_owned());
    }
    let own = identity::own_roles(scope).await?;
    let found = own.iter().find(|one| one.role.name == name || one.role.id.to_string() == name);
    found.map(|one| one.role.id.to_string()).ok_or_else(|| Error::invalid("role", "unknown", "there is no such role"))
}

/// Invites somebody to the staff; the letter is sent behind the answer.
async fn create(access: Access<UsersWrite>, Json(new, _): Json<Invitation>) -> Result<(StatusCode, Answer<Value>)> {
    access.ensure_company()?;
    let colleague = identity::invite(access.souk(), access.tenant(), new).await?;
    let scope = access.read().await?;
    Ok((StatusCode::CREATED, one(&scope, User::Member(Box::new(colleague))).await?))
}

/// Everybody reads themselves; of others, those whose people the caller reads.
async fn show(access: Access<SignedIn>, Id(id): Id<Uuid>) -> Result<Answer<Value>> {
    if is_oneself(&access, id)? {
        let scope = access.read().await?;
        return one(&scope, myself(&scope).await?).await;
    }
    let access = access.also::<UsersRead>().ok_or(Error::NOT_FOUND)?;
    let scope = access.read().await?;
    one(&scope, find(&scope, id).await?).await
}

/// A member is known by the place in the company, or as the token says it, by the person.
fn is_oneself(access: &Access<SignedIn>, id: Uuid) -> Result<bool> {
    Ok(access.tenant().actor.id() == Some(id) || access.claims()?.user_id == id)
}

async fn myself(scope: &Scope) -> Result<User> {
    match scope.tenant().actor {
        Actor::Member(id) => Ok(User::Member(Box::new(identity::colleague(scope, id).await?))),
        Actor::Customer(id) => Ok(User::Customer(Box::new(identity::find_customer(scope, id).await?))),
        Actor::Platform(_) | Actor::Guest | Actor::System => Err(Error::NOT_FOUND),
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserChange {
    name: Option<String>,
    phone: Option<String>,
    customer_group: Option<String>,
    role: Option<String>,
    #[serde(default)]
    shop_ids: Vec<ShopId>,
    assignments: Option<Vec<Place>>,
}

impl UserChange {
    const fn is_profile(&self) -> bool {
        self.customer_group.is_none() && self.role.is_none() && self.assignments.is_none()
    }

    fn of_profile(self) -> ProfileChange {
        ProfileChange { name: self.name, phone: self.phone, language: None }
    }

    fn of_member(self) -> MemberChange {
        let names_roles = self.role.is_some() || self.assignments.is_some();
        let places = identity::places_of(self.role.as_deref(), &self.shop_ids, self.assignments.as_deref().unwrap_or_default());
        MemberChange { name: self.name, places: names_roles.then_some(places) }
    }

    fn of_customer(self) -> CustomerChange {
        CustomerChange { name: self.name, phone: self.phone, language: None, group: self.customer_group }
    }
}

/// Everybody changes their own name; roles and other people are for those who may.
async fn update(
    access: Access<SignedIn>,
    Id(id): Id<Uuid>,
    Version(version): Version,
    Json(change, _): Json<UserChange>,
) -> Result<Answer<Value>> {
    if is_oneself(&access, id)? && change.is_profile() {
        let scope = access.read().await?;
        let present = myself(&scope).await?.version();
        drop(scope);
        if version.is_some_and(|version| version != present) {
            return Err(Error::Stale);
        }
        identity::change_profile(access.souk(), access.tenant(), &access.holder()?, &change.of_profile(), None).await?;
        let scope = access.read().await?;
        return one(&scope, myself(&scope).await?).await;
    }
    let scope = access.also::<UsersWrite>().ok_or(Error::NOT_FOUND)?.write().await?;
    let user = match find(&scope, id).await? {
        User::Member(_) => User::Member(Box::new(identity::change_member(&scope, MemberId(id), change.of_member(), version).await?)),
        User::Customer(_) => {
            let changed = identity::change_customer(&scope, CustomerId(id), change.of_customer(), version).await?;
            User::Customer(Box::new(changed))
        }
    };
    let answer = one(&scope, user).await?;
    scope.commit().await?;
    Ok(answer)
}

/// Sends a member away, or shuts a customer out.
async fn remove(access: Access<UsersWrite>, Id(id): Id<Uuid>) -> Result<StatusCode> {
    let scope = access.write().await?;
    match find(&scope, id).await? {
        User::Member(_) => identity::deactivate(&scope, MemberId(id)).await?,
        User::Customer(one) if one.is_banned => identity::ensure_whole_company(&scope)?,
        User::Customer(_) => {
            identity::set_customer_banned(&scope, CustomerId(id), true).await?;
        }
    }
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn ban(access: Access<UsersWrite>, Id(id): Id<Uuid>) -> Result<Answer<Value>> {
    set_banned(&access, id, true).await
}

async fn unban(access: Access<UsersWrite>, Id(id): Id<Uuid>) -> Result<Answer<Value>> {
    set_banned(&access, id, false).await
}

async fn set_banned(access: &Access<UsersWrite>, id: Uuid, banned: bool) -> Result<Answer<Value>> {
    let scope = access.write().await?;
    let user = match find(&scope, id).await? {
        User::Member(_) => User::Member(Box::new(identity::set_banned(&scope, MemberId(id), banned).await?)),
        User::Customer(_) => User::Customer(Box::new(identity::set_customer_banned(&scope, CustomerId(id), banned).await?)),
    };
    let answer = one(&scope, user).await?;
    scope.commit().await?;
    Ok(answer)
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<UsersRead, _>("/api/users", "Members of staff and customers, newest first", index).answers(200, "[User]"),
        post::<UsersWrite, _>("/api/users", "Invites somebody to the staff", create).answers(201, "User"),
        get::<SignedIn, _>("/api/users/{id}", "One person", show).answers(200, "User"),
        put::<SignedIn, _>("/api/users/{id}", "Changes a person, or one's own profile", update).answers(200, "User"),
        delete::<UsersWrite, _>("/api/users/{id}", "Sends a person away", remove).empty(204),
        post::<UsersWrite, _>("/api/users/{id}/ban", "Shuts a person out", ban).answers(200, "User"),
        post::<UsersWrite, _>("/api/users/{id}/unban", "Lets a person in again", unban).answers(200, "User"),
    ]
}
