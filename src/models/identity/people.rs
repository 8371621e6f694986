//! Finding people: a company's members of staff and its customers.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, SelectStatement},
};
use uuid::Uuid;

use super::{assignment, customer, member, role, word};
use crate::{
    errors::Result,
    ids::{CustomerId, MemberId, RoleId, RowId, ShopId},
    keyset::{self, At, Place, Sort},
    tenancy::{Platform, Scope},
    words::{beginnings, end_of, fold},
};

/// What a list of people is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct PeopleFilter {
    /// A built-in role, or the id of one of the company's own.
    pub role: Option<String>,
    /// The beginning of a name's words, or of an e-mail.
    pub words: Option<String>,
    pub shop: Option<ShopId>,
    pub state: Option<Presence>,
    /// A group of customers.
    pub group: Option<String>,
}

/// A member of staff with what they are assigned to.
#[derive(Clone, Debug)]
pub struct Colleague {
    pub member: member::Model,
    pub assignments: Vec<assignment::Model>,
}

/// How a member stands with the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Invited,
    Active,
    Banned,
    /// Has no role anywhere.
    Left,
}

impl Presence {
    pub const ALL: [Self; 4] = [Self::Active, Self::Invited, Self::Banned, Self::Left];

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Banned => "banned",
            Self::Left => "left",
        }
    }
}

impl Colleague {
    #[must_use]
    pub const fn presence(&self) -> Presence {
        match (self.member.is_active, self.member.joined_at, self.assignments.is_empty()) {
            (_, _, true) => Presence::Left,
            (false, _, _) => Presence::Banned,
            (true, None, _) => Presence::Invited,
            (true, Some(_), _) => Presence::Active,
        }
    }
}

/// What people are sorted by: since when they are there, which their ids say, or their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeopleBy {
    Since,
    Name,
}

impl PeopleBy {
    /// Where a list that is sorted so goes on behind somebody.
    #[must_use]
    pub fn place(self, id: Uuid, sort_name: &str) -> Place {
        Place { at: (self == Self::Name).then(|| At::Text(sort_name.to_owned())), id }
    }
}

const NEWEST: Sort<PeopleBy> = Sort { by: PeopleBy::Since, falls: true };

/// Members, newest first, from before `before`; where only some shops are seen, those assigned there.
pub async fn members(scope: &Scope, filter: &PeopleFilter, before: Option<MemberId>, limit: u64) -> Result<Vec<Colleague>> {
    let after = before.map(|id| Place { at: None, id: id.0 });
    sorted_members(scope, filter, NEWEST, after, limit).await
}

/// As [`members`], in the order that a person chose.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sorted_members(
    scope: &Scope,
    filter: &PeopleFilter,
    sort: Sort<PeopleBy>,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<Colleague>> {
    let mut rows = of_shops(scope, scope.find::<member::Entity>().filter(member::Column::Kind.eq(member::STAFF)));
    let assigned = |column: assignment::Column, value: sea_orm::Value| {
        let rows = scope.find::<assignment::Entity>().select_only().column(assignment::Column::MemberId);
        member::Column::Id.in_subquery(rows.filter(Expr::col(column).eq(Expr::value(value))).into_query())
    };
    if let Some(role) = &filter.role {
        rows = rows.filter(assigned(assignment::Column::Role, role.as_str().into()));
    }
    if let Some(shop) = filter.shop {
        rows = rows.filter(assigned(assignment::Column::ShopId, shop.into()));
    }
    if let Some(words) = found_by(scope, filter.words.as_deref(), word::Column::MemberId) {
        rows = rows.filter(member::Column::Id.in_subquery(words));
    }
    if let Some(state) = filter.state {
        rows = rows.filter(stands(scope, state));
    }
    let by = (sort.by == PeopleBy::Name).then(|| member::Column::SortName.into_expr());
    let members = scope.all(keyset::sorted(rows, by, member::Column::Id, sort.falls, after).limit(limit)).await?;
    with_assignments(scope, members).await
}

/// Members of whom [`Colleague::presence`] says so.
fn stands(scope: &Scope, state: Presence) -> Condition {
    let placed = scope.find::<assignment::Entity>().select_only().column(assignment::Column::MemberId).into_query();
    if state == Presence::Left {
        return Condition::all().add(member::Column::Id.not_in_subquery(placed));
    }
    let here = Condition::all().add(member::Column::Id.in_subquery(placed)).add(member::Column::IsActive.eq(state != Presence::Banned));
    match state {
        Presence::Invited => here.add(member::Column::JoinedAt.is_null()),
        Presence::Active => here.add(member::Column::JoinedAt.is_not_null()),
        Presence::Banned | Presence::Left => here,
    }
}

/// One member of those the caller sees.
///
/// # Errors
/// 404 when there is none.
pub async fn colleague(scope: &Scope, id: MemberId) -> Result<Colleague> {
    let row = scope.find::<member::Entity>().filter(member::Column::Kind.eq(member::STAFF)).filter(member::Column::Id.eq(id));
    let member = scope.get(of_shops(scope, row)).await?;
    let mut found = with_assignments(scope, vec![member]).await?;
    found.pop().ok_or(crate::errors::Error::NOT_FOUND)
}

/// One member, whoever asks: for acts that have checked the caller themselves.
pub(super) async fn colleague_company_wide(scope: &Scope, id: MemberId) -> Result<Colleague> {
    let row = scope.find::<member::Entity>().filter(member::Column::Kind.eq(member::STAFF)).filter(member::Column::Id.eq(id));
    let member = scope.get(row).await?;
    let mut found = with_assignments(scope, vec![member]).await?;
    found.pop().ok_or(crate::errors::Error::NOT_FOUND)
}

/// Members are rows of the company, but whoever works at some shops knows the people of these.
fn of_shops(scope: &Scope, rows: sea_orm::Select<member::Entity>) -> sea_orm::Select<member::Entity> {
    let Some(shops) = &scope.tenant().shops else { return rows };
    let here = scope.find::<assignment::Entity>().select_only().column(assignment::Column::MemberId);
    let here = here.filter(assignment::Column::ShopId.is_in(shops.iter().copied()));
    rows.filter(member::Column::Id.in_subquery(here.into_query()))
}

async fn with_assignments(scope: &Scope, members: Vec<member::Model>) -> Result<Vec<Colleague>> {
    let rows = scope.find::<assignment::Entity>().filter(assignment::Column::MemberId.is_in(members.iter().map(|member| member.id)));
    let places = scope.all(rows.order_by_asc(assignment::Column::Id)).await?;
    Ok(assigned_to(members, places))
}

fn assigned_to(members: Vec<member::Model>, places: Vec<assignment::Model>) -> Vec<Colleague> {
    let mut by_member: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in places {
        by_member.entry(row.member_id).or_default().push(row);
    }
    members.into_iter().map(|member| Colleague { assignments: by_member.remove(&member.id).unwrap_or_default(), member }).collect()
}

/// Customers, newest first, from before `before`; `among` is a question of a higher tier about
/// each row of `customers`, which must find something.
pub async fn customers(
    scope: &Scope,
    filter: &PeopleFilter,
    among: Option<SelectStatement>,
    before: Option<CustomerId>,
    limit: u64,
) -> Result<Vec<customer::Model>> {
    let after = before.map(|id| Place { at: None, id: id.0 });
    sorted_customers(scope, filter, among, NEWEST, after, limit).await
}

/// As [`customers`], in the order that a person chose.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sorted_customers(
    scope: &Scope,
    filter: &PeopleFilter,
    among: Option<SelectStatement>,
    sort: Sort<PeopleBy>,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<customer::Model>> {
    let mut rows = scope.find::<customer::Entity>();
    if let Some(among) = among {
        rows = rows.filter(Expr::exists(among));
    }
    if let Some(words) = found_by(scope, filter.words.as_deref(), word::Column::CustomerId) {
        rows = rows.filter(customer::Column::Id.in_subquery(words));
    }
    if let Some(state) = filter.state {
        rows = rows.filter(customer::Column::IsBanned.eq(state == Presence::Banned));
    }
    if let Some(group) = &filter.group {
        rows = rows.filter(customer::Column::CustomerGroup.eq(group.as_str()));
    }
    let by = (sort.by == PeopleBy::Name).then(|| customer::Column::SortName.into_expr());
    scope.all(keyset::sorted(rows, by, customer::Column::Id, sort.falls, after).limit(limit)).await
}

/// Everybody's members of staff, newest first, from before `before`; by words they are found within a company.
///
/// # Errors
/// When the database cannot be reached.
pub async fn members_of_all(platform: &Platform, filter: &PeopleFilter, before: Option<MemberId>, limit: u64) -> Result<Vec<Colleague>> {
    let mut rows = platform.find::<member::Entity>().filter(member::Column::Kind.eq("staff"));
    let assigned = |column: assignment::Column, value: sea_orm::Value| {
        let rows = platform.find::<assignment::Entity>().select_only().column(assignment::Column::MemberId);
        member::Column::Id.in_subquery(rows.filter(Expr::col(column).eq(Expr::value(value))).into_query())
    };
    if let Some(role) = &filter.role {
        rows = rows.filter(assigned(assignment::Column::Role, role.as_str().into()));
    }
    if let Some(shop) = filter.shop {
        rows = rows.filter(assigned(assignment::Column::ShopId, shop.into()));
    }
    if let Some(before) = before {
        rows = rows.filter(member::Column::Id.lt(before));
    }
    let members = platform.all(rows.order_by_desc(member::Column::Id).limit(limit)).await?;
    let places =
        platform.find::<assignment::Entity>().filter(assignment::Column::CompanyId.is_in(members.iter().map(|one| one.company_id)));
    let places = places.filter(assignment::Column::MemberId.is_in(members.iter().map(|one| one.id)));
    let places = platform.all(places.order_by_asc(assignment::Column::Id)).await?;
    Ok(assigned_to(members, places))
}

/// Everybody's customers, newest first, from before `before`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn customers_of_all(platform: &Platform, before: Option<CustomerId>, limit: u64) -> Result<Vec<customer::Model>> {
    let mut rows = platform.find::<customer::Entity>();
    if let Some(before) = before {
        rows = rows.filter(customer::Column::Id.lt(before));
    }
    platform.all(rows.order_by_desc(customer::Column::Id).limit(limit)).await
}

/// As [`role_names`], of several companies' people.
///
/// # Errors
/// When the database cannot be reached.
pub async fn role_names_of_all(platform: &Platform, people: &[Colleague]) -> Result<BTreeMap<String, String>> {
    let own = own_roles_of(people);
    if own.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = platform.find::<role::Entity>().filter(role::Column::CompanyId.is_in(people.iter().map(|one| one.member.company_id)));
    let rows = platform.all(rows.filter(role::Column::Id.is_in(own))).await?;
    Ok(rows.into_iter().map(|role| (role.id.to_string(), role.name)).collect())
}

/// One customer of those the caller sees.
///
/// # Errors
/// 404 when there is none.
pub async fn customer_among(scope: &Scope, id: CustomerId, among: Option<SelectStatement>) -> Result<customer::Model> {
    let mut row = scope.find::<customer::Entity>().filter(customer::Column::Id.eq(id));
    if let Some(among) = among {
        row = row.filter(Expr::exists(among));
    }
    scope.get(row).await
}

/// The ids behind the words that begin so.
fn found_by(scope: &Scope, words: Option<&str>, whose: word::Column) -> Option<SelectStatement> {
    let raw = words.map(|words| words.trim().to_lowercase()).filter(|words| !words.is_empty())?;
    let range = |text: &str| Condition::all().add(word::Column::Word.gte(text)).add(word::Column::Word.lt(end_of(text)));
    let folded = fold(&raw);
    let mut any = Condition::any().add(range(&raw));
    if let Some(digits) = number(&raw) {
        any = any.add(range(&digits));
    }
    if folded != raw && !folded.is_empty() {
        any = any.add(range(&folded));
    }
    Some(scope.find::<word::Entity>().select_only().column(whose).filter(whose.is_not_null()).filter(any).into_query())
}

/// The digits of a text that is written like a telephone number.
fn number(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_number = text.chars().all(|one| one.is_ascii_digit() || "+-() .".contains(one));
    Some(digits).filter(|digits| is_number && digits.len() >= 3)
}

/// A number as people say it, without the country in front.
fn own_number(digits: &str) -> &str {
    digits.get(digits.len().saturating_sub(10)..).unwrap_or_default()
}

/// Writes down what a person is found by, in place of what it was.
pub(super) async fn set_words(
    scope: &Scope,
    customer: Option<CustomerId>,
    member: Option<MemberId>,
    name: &str,
    email: &str,
    phone: Option<&str>,
) -> Result<()> {
    let mut old = scope.delete::<word::Entity>();
    old = match (customer, member) {
        (Some(id), _) => old.filter(word::Column::CustomerId.eq(id)),
        (None, Some(id)) => old.filter(word::Column::MemberId.eq(id)),
        (None, None) => return Ok(()),
    };
    scope.remove(old).await?;
    let folded = fold(name);
    let digits = phone.and_then(number).unwrap_or_default();
    let numbers = [digits.as_str(), own_number(&digits)].into_iter().collect::<std::collections::BTreeSet<_>>();
    let numbers = numbers.into_iter().filter(|digits| !digits.is_empty());
    let rows = beginnings(&folded).into_iter().chain([email]).chain(numbers).map(|word| word::Model {
        company_id: scope.company(),
        id: RowId::new(),
        customer_id: customer,
        member_id: member,
        word: word.into(),
    });
    scope.insert_all(rows.collect()).await
}

/// The names of the roles of some assignments: built-in ones by their word, the company's own as it calls them.
pub async fn role_names(scope: &Scope, people: &[Colleague]) -> Result<BTreeMap<String, String>> {
    let own = own_roles_of(people);
    if own.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = scope.all(scope.find::<role::Entity>().filter(role::Column::Id.is_in(own))).await?;
    Ok(rows.into_iter().map(|role| (role.id.to_string(), role.name)).collect())
}

/// The roles of the companies' own that some people have.
fn own_roles_of(people: &[Colleague]) -> BTreeSet<RoleId> {
    people.iter().flat_map(|one| &one.assignments).filter_map(|row| row.role.parse().ok()).collect()
}

/// How many people have each role.
pub(super) async fn holders(scope: &Scope, role: &str) -> Result<Vec<MemberId>> {
    let rows = scope.find::<assignment::Entity>().filter(assignment::Column::Role.eq(role));
    let mut members: Vec<_> = scope.all(rows.limit(1_000)).await?.into_iter().map(|row| row.member_id).collect();
    members.sort_unstable();
    members.dedup();
    Ok(members)
}
