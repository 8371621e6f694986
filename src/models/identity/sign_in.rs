//! Becoming known: register, sign in, add staff.

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    account::{Account, Person, normal},
    assignment, customer,
    knock::{self, Door},
    member, password, people,
    phone::check_phone,
    session, staff,
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{AssignmentId, CompanyId, CustomerId, MemberId, ShopId, StaffId},
    models::plans::{self, Limit},
    tenancy::{Device, Platform, Role, Scope, Souk, Tenant},
    words::fold,
};

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCustomer {
    pub email: String,
    pub password: String,
    pub name: String,
    pub phone: Option<String>,
}

pub(super) fn check_email(email: &str) -> Result<()> {
    let plausible = email.len() <= 254
        && email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.ends_with('.'))
        && !email.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    if plausible { Ok(()) } else { Err(Error::invalid("email", "invalid", "that is not an e-mail address")) }
}

/// A name without the blanks around it.
pub(super) fn check_name(name: &str) -> Result<String> {
    let name = name.trim();
    let plausible = (1..=120).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if plausible { Ok(name.into()) } else { Err(Error::invalid("name", "required", "a name of 1 to 120 characters")) }
}

/// A new customer of the request's company. The password is hashed before the unit begins.
///
/// # Errors
/// 422 for a field that cannot be; 409 `email_taken`.
pub async fn register(scope: &Scope, new: NewCustomer, hash: String) -> Result<customer::Model> {
    let email = normal(&new.email);
    check_email(&email)?;
    let name = check_name(&new.name)?;
    let phone = new.phone.as_deref().map(check_phone).transpose()?.flatten();
    // Whoever took the address of one of the company's people would be asked for first when they sign in.
    let staff = scope.find::<member::Entity>().filter(member::Column::Email.eq(email.as_str())).filter(member::Column::IsActive.eq(true));
    if scope.one(staff.limit(1)).await?.is_some() {
        return Err(Error::conflict("email_taken", "there is an account with this e-mail address", json!({})));
    }
    let now = clock::now();
    let customer = customer::Model {
        company_id: scope.company(),
        id: CustomerId::new(),
        email,
        sort_name: fold(&name),
        name,
        password: hash,
        customer_group: "retail".into(),
        language: "en".into(),
        phone,
        is_banned: false,
        is_verified: false,
        created_at: now,
        updated_at: now,
        version: 1,
        phone_verified_at: None,
        phone_proved: None,
    };
    if !scope.insert_unless_there(customer.clone(), &[customer::Column::CompanyId, customer::Column::Email]).await? {
        return Err(Error::conflict("email_taken", "there is an account with this e-mail address", json!({})));
    }
    people::set_words(scope, Some(customer.id), None, &customer.name, &customer.email, customer.phone.as_deref()).await?;
    scope.audit("register", "customer", customer.id, None, vec![]).await?;
    scope.emit(Event::new("user.registered", ("user", customer.id.0), None, json!({}))).await?;
    Ok(customer)
}

/// # Errors
/// 404 when there is no such customer.
pub async fn find_customer(scope: &Scope, id: CustomerId) -> Result<customer::Model> {
    scope.get(scope.find::<customer::Entity>().filter(customer::Column::Id.eq(id))).await
}

/// Customers of the company, for demo orders.
pub async fn customers(scope: &Scope, limit: u64) -> Result<Vec<customer::Model>> {
    scope.all(scope.find::<customer::Entity>().order_by_asc(customer::Column::Id).limit(limit)).await
}

/// Checks an e-mail and a password: the company's customers first, then its staff; without a
/// company, staff. One answer for every wrong pair, by the same questions, in the same time.
///
/// # Errors
/// 401 `wrong_credentials`; 429 after too many wrong passwords; 403 `banned`.
pub async fn sign_in(souk: &Souk, company: Option<CompanyId>, email: &str, password: &str, device: &Device) -> Result<Person> {
    let platform = souk.platform("account").await?;
    let account = Account::find(souk, &platform, company, email).await?;
    let knocks = knock::of(&platform, &account.keys(), &device.ip).await?;
    let knows_address = session::knows_address(&platform, account.person.as_ref(), &device.ip).await?;
    platform.commit().await?;
    knock::refuse_paused(&knocks, knows_address)?;
    let right = password::verify(password, account.person.as_ref().map(Person::password).filter(|hash| !hash.is_empty())).await?;
    match &account.person {
        Some(person) if right && person.is_banned() => {
            note_failure(souk, &account, device).await?;
            Err(Error::NotAllowed { code: "banned" })
        }
        Some(person) if right => {
            forgive(souk, &account, &knocks, device).await?;
            Ok(person.clone())
        }
        _ => {
            note_failure(souk, &account, device).await?;
            Err(Error::NotSignedIn { code: "wrong_credentials" })
        }
    }
}

/// What was wrong before is forgotten: the right word came.
pub(super) async fn forgive(souk: &Souk, account: &Account, knocks: &[knock::Model], device: &Device) -> Result<()> {
    if knocks.iter().all(|one| one.door != device.ip) {
        return Ok(());
    }
    let platform = souk.platform("sign-in").await?;
    knock::forgive(&platform, &account.proved(), &device.ip).await?;
    platform.commit().await
}

/// Counts a wrong password and writes it down, for accounts that exist and for those that do not.
pub(super) async fn note_failure(souk: &Souk, account: &Account, device: &Device) -> Result<()> {
    let platform = souk.platform("sign-in").await?;
    let mut begins_pause = false;
    for name in account.keys() {
        begins_pause |= knock::count(&platform, name, Door::Address(&device.ip)).await?;
        begins_pause |= knock::count(&platform, name, Door::Strangers).await?;
    }
    let scope = platform.into_scope(device.guest(account.company)).await?;
    let (resource, id) = account.named();
    scope.audit("sign_in_failed", resource, &id, None, vec![]).await?;
    if begins_pause {
        scope.audit("lock_out", resource, &id, None, vec![]).await?;
        if let Some(person) = &account.person {
            scope.emit(Event::new("audit.security", ("user", person.id()), None, json!({ "what": "lock_out" }))).await?;
        }
    }
    scope.commit().await
}

/// Whether the company's plan has room for one more member of staff.
pub(super) async fn ensure_room(scope: &Scope) -> Result<()> {
    plans::admit(scope, Limit::Staff, 1, places_taken(scope)).await
}

/// How many people count against the company's plan.
///
/// # Errors
/// When the database cannot be reached.
pub async fn places_taken(scope: &Scope) -> Result<u64> {
    let staff = scope.find::<member::Entity>().filter(member::Column::Kind.eq(member::STAFF)).filter(member::Column::IsActive.eq(true));
    scope.count_to(staff, plans::LIMIT_MAX).await
}

/// Whether somebody has this address at the platform.
pub async fn is_staff(platform: &Platform, email: &str) -> Result<bool> {
    Ok(platform.one(platform.find::<staff::Entity>().filter(staff::Column::Email.eq(normal(email)))).await?.is_some())
}

/// Makes a person of the platform; with a company, a member of it with a role there or at shops.
///
/// # Errors
/// 409 `email_taken`, `plan_limit`.
pub async fn add_staff(
    souk: &Souk,
    email: &str,
    name: &str,
    hash: String,
    place: Option<(CompanyId, Role, Vec<ShopId>)>,
) -> Result<StaffId> {
    let email = normal(email);
    check_email(&email)?;
    let now = clock::now();
    let id = StaffId::new();
    let platform = souk.platform("set-up").await?;
    if is_staff(&platform, &email).await? {
        return Err(Error::conflict("email_taken", "there is a person with this e-mail address", json!({})));
    }
    platform
        .insert(staff::Model {
            id,
            email: email.clone(),
            name: name.into(),
            sort_name: fold(name),
            password: hash,
            language: "en".into(),
            theme: String::new(),
            phone: None,
            is_super_admin: place.is_none(),
            banned_at: None,
            banned_reason: None,
            created_at: now,
            updated_at: now,
            version: 1,
        })
        .await?;
    platform.commit().await?;
    if let Some((company, role, shops)) = place {
        let scope = souk.write(Tenant::system(company)).await?;
        let member_id = MemberId::new();
        let member = member::Model {
            company_id: company,
            id: member_id,
            staff_id: id,
            kind: member::STAFF.into(),
            name: name.into(),
            sort_name: fold(name),
            email,
            is_active: true,
            joined_at: Some(now),
            sessions_from: None,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        ensure_room(&scope).await?;
        scope.insert(member.clone()).await?;
        people::set_words(&scope, None, Some(member_id), &member.name, &member.email, None).await?;
        let places: Vec<_> = if role.is_of_shops() { shops.into_iter().map(Some).collect() } else { vec![None] };
        let rows = places.into_iter().map(|shop_id| assignment::Model {
            company_id: company,
            id: AssignmentId::new(),
            member_id,
            shop_id,
            role: role.name().into(),
            created_at: now,
        });
        scope.insert_all(rows.collect()).await?;
        scope.audit("create", "member", member_id, None, vec![("role", json!(null), json!(role.name()))]).await?;
        scope.commit().await?;
    }
    Ok(id)
}

/// The admins of the whole company: who hears of what concerns it.
pub async fn admins(scope: &Scope) -> Result<Vec<member::Model>> {
    let admins = scope.find::<assignment::Entity>().filter(assignment::Column::Role.eq(Role::CompanyAdmin.name()));
    let admins = scope.all(admins.filter(assignment::Column::ShopId.is_null())).await?;
    let members = scope.find::<member::Entity>().filter(member::Column::Id.is_in(admins.iter().map(|one| one.member_id)));
    scope.all(members.filter(member::Column::IsActive.eq(true)).order_by_asc(member::Column::Id)).await
}

/// Keeps a staff person's language or theme.
pub async fn set_appearance(souk: &Souk, id: StaffId, language: Option<&str>, theme: Option<&str>) -> Result<()> {
    let platform = souk.platform("sign-in").await?;
    let mut update = platform
        .update::<staff::Entity>()
        .col_expr(staff::Column::Version, Expr::col(staff::Column::Version).add(1))
        .filter(staff::Column::Id.eq(id));
    if let Some(language) = language {
        update = update.col_expr(staff::Column::Language, Expr::value(language));
    }
    if let Some(theme) = theme {
        update = update.col_expr(staff::Column::Theme, Expr::value(theme));
    }
    platform.run(update).await?;
    platform.commit().await
}
