//! What people change of themselves: name, phone, language, password.

use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    account::{Account, Person, memberships},
    customers::{CustomerChange, change_customer},
    knock::{self, Door},
    letters, member, password, people,
    phone::check_phone,
    session::{self, Holder, IssuedTokens, Which, Whose},
    sign_in::{check_name, find_customer, note_failure},
    staff,
};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::StaffId,
    tenancy::{Device, Souk, Tenant},
    views::templates::LANGUAGES,
    words::fold,
};

/// What is absent stays; an empty phone number is none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileChange {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub language: Option<String>,
}

/// The person behind a session.
///
/// # Errors
/// 404 when they are gone.
pub async fn person(souk: &Souk, holder: &Holder) -> Result<Person> {
    match holder.whose {
        Whose::Customer(company, id) => {
            let scope = souk.read(Tenant::system(company)).await?;
            find_customer(&scope, id).await.map(Person::Customer)
        }
        Whose::Staff(id) => letters::find_staff(souk, id).await.map(Person::Staff),
    }
}

/// A language that there are texts in.
pub(super) fn check_language(language: &str) -> Result<String> {
    let known = LANGUAGES.contains(&language);
    if known { Ok(language.into()) } else { Err(Error::invalid("language", "unknown", format!("one of {}", LANGUAGES.join(", ")))) }
}

/// Changes a person's own profile.
///
/// # Errors
/// 412 when `version` is no longer the present one; 422 for a field that cannot be.
pub async fn change_profile(souk: &Souk, tenant: &Tenant, holder: &Holder, change: &ProfileChange, version: Option<i64>) -> Result<Person> {
    match person(souk, holder).await? {
        Person::Customer(before) => {
            let scope = souk.write(tenant.clone()).await?;
            let ProfileChange { name, phone, language } = change.clone();
            let after = change_customer(&scope, before.id, CustomerChange { name, phone, language, group: None }, version).await?;
            scope.commit().await?;
            Ok(Person::Customer(after))
        }
        Person::Staff(before) => {
            let mut after = before.clone();
            after.name = change.name.as_deref().map(check_name).transpose()?.unwrap_or(after.name);
            after.phone = change.phone.as_deref().map(check_phone).transpose()?.unwrap_or(after.phone);
            after.language = change.language.as_deref().map(check_language).transpose()?.unwrap_or(after.language);
            change_staff(souk, tenant, &before, after, version).await.map(Person::Staff)
        }
    }
}

async fn change_staff(
    souk: &Souk,
    tenant: &Tenant,
    before: &staff::Model,
    mut after: staff::Model,
    version: Option<i64>,
) -> Result<staff::Model> {
    use staff::{Column, Entity};
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale);
    }
    after.updated_at = clock::now();
    after.version += 1;
    let platform = souk.platform("sign-in").await?;
    let update = platform
        .update::<Entity>()
        .col_expr(Column::Name, Expr::value(after.name.as_str()))
        .col_expr(Column::SortName, Expr::value(fold(&after.name)))
        .col_expr(Column::Phone, Expr::value(after.phone.clone()))
        .col_expr(Column::Language, Expr::value(after.language.as_str()))
        .col_expr(Column::UpdatedAt, Expr::value(after.updated_at))
        .col_expr(Column::Version, Expr::value(after.version))
        .filter(Column::Id.eq(before.id))
        .filter(Column::Version.eq(before.version));
    if platform.run(update).await? == 0 {
        return Err(Error::Stale);
    }
    let companies = if before.name == after.name { vec![] } else { memberships(&platform, after.id).await? };
    let scope = platform.into_scope(tenant.clone()).await?;
    let changes = [
        ("name", json!(before.name), json!(after.name)),
        ("phone", json!(before.phone), json!(after.phone)),
        ("language", json!(before.language), json!(after.language)),
    ];
    let changes = changes.into_iter().filter(|(_, before, after)| before != after).collect();
    scope.audit("update", "staff", after.id, None, changes).await?;
    scope.emit(Event::new("user.updated", ("user", after.id.0), None, json!({}))).await?;
    scope.commit().await?;
    // Each company has a copy of the name, and changes it in a unit of its own.
    for company in companies {
        rename_member(souk, &Tenant { company, ..tenant.clone() }, after.id, &before.name, &after.name).await?;
    }
    Ok(after)
}

async fn rename_member(souk: &Souk, tenant: &Tenant, staff: StaffId, before: &str, after: &str) -> Result<()> {
    use member::{Column, Entity};
    let scope = souk.write(tenant.clone()).await?;
    let update = scope
        .update::<Entity>()
        .col_expr(Column::Name, Expr::value(after))
        .col_expr(Column::SortName, Expr::value(fold(after)))
        .col_expr(Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::StaffId.eq(staff));
    for row in scope.run_returning(update).await? {
        people::set_words(&scope, None, Some(row.id), after, &row.email, None).await?;
        scope.audit("update", "member", row.id, None, vec![("name", json!(before), json!(after))]).await?;
    }
    scope.commit().await
}

/// Changes a person's password: ends their other sessions, and gives this one new secrets.
///
/// # Errors
/// 422 for a wrong old or a weak new password; 429 after too many wrong ones, or too many at all; 412
/// when it was changed meanwhile.
pub async fn change_password(souk: &Souk, tenant: &Tenant, holder: &Holder, old: &str, new: &str) -> Result<IssuedTokens> {
    if old == new {
        return Err(Error::invalid("newPassword", "unchanged", "that is the present password"));
    }
    let device = Device { ip: tenant.ip_address.clone(), agent: tenant.user_agent.clone(), request_id: tenant.request_id.clone() };
    let (of, email) = match person(souk, holder).await? {
        Person::Customer(one) => (Some(one.company_id), one.email),
        Person::Staff(one) => (None, one.email),
    };
    let platform = souk.platform("account").await?;
    let mut account = Account::find(souk, &platform, of, &email).await?;
    account.company = tenant.company;
    let knocks = knock::of(&platform, &account.keys(), &device.ip).await?;
    platform.commit().await?;
    knock::refuse_paused(&knocks, true)?;
    // Counted before anything is hashed, and kept whatever comes of it.
    let platform = souk.platform("sign-in").await?;
    knock::admit(&platform, &account.key, Door::Passwords).await?;
    platform.commit().await?;
    let person = account.person.clone().ok_or(Error::NOT_FOUND)?;
    if !password::verify(old, Some(person.password())).await? {
        note_failure(souk, &account, &device).await?;
        return Err(Error::invalid("oldPassword", "wrong_password", "that is not the present password"));
    }
    let hash = password::hash(new).await.map_err(|error| error.of_field("newPassword"))?;
    let platform = souk.platform("sign-in").await?;
    knock::forgive(&platform, &account.proved(), &device.ip).await?;
    session::end(&platform, holder.whose, Which::AllBut(holder.session)).await?;
    let tokens = session::renew(souk, &platform, &person, holder.session).await?;
    let Some(scope) = letters::set_password(platform, tenant.clone(), &person, hash).await? else { return Err(Error::Stale) };
    scope.audit("change_password", person.resource(), person.id(), None, vec![]).await?;
    scope.emit(Event::new("audit.security", ("user", person.id()), None, json!({ "what": "password_changed" }))).await?;
    scope.commit().await?;
    Ok(tokens)
}
