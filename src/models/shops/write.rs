//! Opening, changing and closing a shop.

use chrono::NaiveDate;
use schemars::JsonSchema;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Exception, Opening, Shop, exception, exceptions, get, hours, manager, manager_of, of_company, opening, shop};
use crate::{
    clock,
    codes::is_country,
    errors::{Error, FieldError, Result},
    events::Event,
    given::given,
    ids::{MemberId, RowId, ShopId},
    models::{
        companies,
        plans::{self, Limit},
    },
    tenancy::Scope,
    translated::{self, Translations},
    words::fold,
};

/// What a shop can be.
pub const KINDS: [&str; 3] = ["store", "dark_store", "stand"];

/// What a shop is opened with.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewShop {
    pub slug: String,
    pub name: String,
    #[serde(default)]
    pub translations: Translations,
    #[serde(default = "store")]
    pub kind: String,
    /// IANA zone; the company's if none is named.
    pub zone: Option<String>,
    #[serde(default)]
    pub line1: String,
    #[serde(default)]
    pub city: String,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub postal_code: String,
    /// ISO 3166 alpha 2; India if none is named.
    pub country: Option<String>,
    #[serde(default)]
    pub phone: String,
    pub email: Option<String>,
    /// Degrees.
    pub lat: Option<f64>,
    /// Degrees.
    pub lng: Option<f64>,
    /// Each day's opening hours; none is "always open".
    #[serde(default)]
    pub hours: Vec<Hours>,
}

fn store() -> String {
    "store".into()
}

/// One opening: a weekday (0 is Monday), a minute of the day, a duration in minutes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "OpeningHours")]
pub struct Hours {
    pub weekday: i64,
    pub opens_minute: i64,
    pub duration_minutes: i64,
}

/// A day with other hours, or with none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "OpeningException")]
pub struct NewException {
    pub day: NaiveDate,
    pub opens_minute: Option<i64>,
    pub duration_minutes: Option<i64>,
    #[serde(default)]
    pub note: String,
}

/// What may be changed of a shop. What is not named stays; `null` takes away what may be missing.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShopChange {
    pub name: Option<String>,
    pub translations: Option<Translations>,
    pub kind: Option<String>,
    pub zone: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub line1: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    pub country: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub lat: Option<Option<f64>>,
    #[serde(default, deserialize_with = "given")]
    pub lng: Option<Option<f64>>,
    #[serde(default, deserialize_with = "given")]
    pub manager_id: Option<Option<MemberId>>,
    pub is_active: Option<bool>,
    pub hours: Option<Vec<Hours>>,
    pub exceptions: Option<Vec<NewException>>,
}

/// Everything that is wrong with a shop's fields, so that a form can say it all at once.
fn check(shop: &Shop) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    let mut fault = |is: bool, field: &str, code: &str, message: &str| {
        if is {
            wrong.push(FieldError { field: field.into(), code: code.into(), message: message.into() });
        }
    };
    fault(shop.name.trim().is_empty(), "name", "required", "a shop needs a name");
    fault(shop.name.chars().count() > 120, "name", "too_long", "at most 120 characters");
    fault(!KINDS.contains(&shop.kind.as_str()), "kind", "unknown", "one of store, dark_store, stand");
    fault(shop.zone.parse::<chrono_tz::Tz>().is_err(), "zone", "invalid", "name an IANA zone, such as Asia/Kolkata");
    for (field, text) in [("line1", &shop.line1), ("city", &shop.city), ("state", &shop.state), ("phone", &shop.phone)] {
        fault(text.chars().count() > 200, field, "too_long", "at most 200 characters");
    }
    fault(shop.postal_code.chars().count() > 20, "postalCode", "too_long", "at most 20 characters");
    fault(!is_country(&shop.country), "country", "invalid", "two letters of ISO 3166, such as IN");
    let is_email = shop.email.as_deref().is_none_or(|email| email.contains('@') && email.len() <= 254);
    fault(!is_email, "email", "invalid", "that is not an e-mail address");
    let degrees = |text: &Option<String>| text.as_deref().map(|text| text.parse::<f64>().unwrap_or(f64::NAN));
    let within = |value: Option<f64>, most: f64| value.is_none_or(|value| (-most..=most).contains(&value));
    fault(!within(degrees(&shop.lat), 90.0), "lat", "out_of_range", "degrees from -90 to 90");
    fault(!within(degrees(&shop.lng), 180.0), "lng", "out_of_range", "degrees from -180 to 180");
    fault(shop.lat.is_some() != shop.lng.is_some(), "lng", "incomplete", "a place has both degrees, or none");
    wrong
}

fn check_hours(hours: &[Hours]) -> Vec<FieldError> {
    let fits = |one: &Hours| {
        (0..7).contains(&one.weekday) && (0..1_440).contains(&one.opens_minute) && (1..=1_440).contains(&one.duration_minutes)
    };
    let twice = |index: usize, one: &Hours| {
        hours.iter().take(index).any(|other| other.weekday == one.weekday && other.opens_minute == one.opens_minute)
    };
    let fault = |index: usize, code: &str, message: &str| FieldError {
        field: format!("hours[{index}]"),
        code: code.into(),
        message: message.into(),
    };
    let wrong = hours.iter().enumerate().filter(|(_, one)| !fits(one));
    let mut wrong: Vec<_> = wrong.map(|(index, _)| fault(index, "out_of_range", "weekday 0 to 6, minutes within a day")).collect();
    let doubled = hours.iter().enumerate().filter(|(index, one)| twice(*index, one));
    wrong.extend(doubled.map(|(index, _)| fault(index, "twice", "this opening is there already")));
    wrong
}

fn check_exceptions(days: &[NewException]) -> Vec<FieldError> {
    let fits = |one: &NewException| match (one.opens_minute, one.duration_minutes) {
        (None, None) => true,
        (Some(opens), Some(lasts)) => (0..1_440).contains(&opens) && (1..=1_440).contains(&lasts),
        _ => false,
    };
    let mut wrong = Vec::new();
    for (index, one) in days.iter().enumerate() {
        let mut fault = |code: &str, message: &str| {
            wrong.push(FieldError { field: format!("exceptions[{index}]"), code: code.into(), message: message.into() });
        };
        if !fits(one) || one.note.chars().count() > 200 {
            fault("out_of_range", "minutes within a day, both or neither; a note of at most 200 characters");
        }
        if days.iter().take(index).any(|other| other.day == one.day) {
            fault("twice", "this day is there already");
        }
    }
    wrong
}

fn refuse(wrong: Vec<FieldError>) -> Result<()> {
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// Opens a shop.
///
/// # Errors
/// 422 for a field that cannot be; 409 `slug_taken`, `plan_limit`.
pub async fn open(scope: &Scope, new: NewShop) -> Result<Shop> {
    let company = companies::own(scope).await?;
    let now = clock::now();
    let text = |text: String| text.trim().to_owned();
    let name = text(new.name);
    let shop = Shop {
        company_id: scope.company(),
        id: ShopId::new(),
        slug: new.slug,
        translations: json!(new.translations),
        sort_name: fold(&name),
        name,
        kind: new.kind,
        zone: new.zone.unwrap_or(company.zone),
        line1: text(new.line1),
        city: text(new.city),
        state: text(new.state),
        postal_code: text(new.postal_code),
        country: new.country.unwrap_or_else(|| "IN".into()),
        phone: text(new.phone),
        email: new.email.map(text).filter(|email| !email.is_empty()),
        lat: new.lat.map(|degrees| degrees.to_string()),
        lng: new.lng.map(|degrees| degrees.to_string()),
        is_active: true,
        vendor_id: None,
        deleted_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let mut wrong = check(&shop);
    if !companies::is_slug(&shop.slug) {
        let message = "use 2 to 63 lower-case letters, digits and hyphens";
        wrong.push(FieldError { field: "slug".into(), code: "invalid".into(), message: message.into() });
    }
    wrong.extend(translated::faults(&new.translations));
    wrong.extend(check_hours(&new.hours));
    refuse(wrong)?;
    plans::admit(scope, Limit::Shops, 1, places_taken(scope)).await?;
    if !scope.insert_unless_there(shop.clone(), &[shop::Column::CompanyId, shop::Column::Slug]).await? {
        return Err(Error::conflict("slug_taken", "another shop has this slug", json!({})));
    }
    insert_hours(scope, shop.id, &new.hours).await?;
    scope.audit("create", "shop", shop.id, Some(shop.id), vec![("name", json!(null), json!(shop.name))]).await?;
    scope.emit(Event::new("shop.created", ("shop", shop.id.0), Some(shop.id), json!({}))).await?;
    Ok(shop)
}

/// How many shops count against the company's plan.
///
/// # Errors
/// When the database cannot be reached.
pub async fn places_taken(scope: &Scope) -> Result<u64> {
    scope.count_to(scope.find_company_wide::<shop::Entity>().filter(shop::Column::DeletedAt.is_null()), plans::LIMIT_MAX).await
}

async fn insert_hours(scope: &Scope, shop_id: ShopId, hours: &[Hours]) -> Result<()> {
    let rows = hours.iter().map(|one| Opening {
        company_id: scope.company(),
        id: RowId::new(),
        shop_id,
        weekday: one.weekday,
        opens_minute: one.opens_minute,
        duration_minutes: one.duration_minutes,
    });
    scope.insert_all(rows.collect()).await
}

async fn insert_exceptions(scope: &Scope, shop_id: ShopId, days: &[NewException]) -> Result<()> {
    let rows = days.iter().map(|one| Exception {
        company_id: scope.company(),
        id: RowId::new(),
        shop_id,
        day: one.day,
        opens_minute: one.opens_minute,
        duration_minutes: one.duration_minutes,
        note: one.note.trim().into(),
    });
    scope.insert_all(rows.collect()).await
}

fn told_hours(hours: &[Opening]) -> Value {
    hours.iter().map(|one| json!([one.weekday, one.opens_minute, one.duration_minutes])).collect()
}

fn told_exceptions(days: &[Exception]) -> Value {
    days.iter().map(|one| json!([one.day, one.opens_minute, one.duration_minutes])).collect()
}

/// Changes a shop, its hours and who answers for it. Whether the manager may be that is the
/// caller's to have asked.
///
/// # Errors
/// 404; 412 when the row has changed since it was read; 422 for a field that cannot be.
pub async fn change(scope: &Scope, id: ShopId, change: ShopChange, version: Option<i64>) -> Result<Shop> {
    let before = get(scope, id).await?;
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale);
    }
    let after = changed(&before, &change);
    let mut wrong = check(&after);
    wrong.extend(change.translations.as_ref().map(translated::faults).unwrap_or_default());
    wrong.extend(change.hours.as_deref().map(check_hours).unwrap_or_default());
    wrong.extend(change.exceptions.as_deref().map(check_exceptions).unwrap_or_default());
    refuse(wrong)?;
    let update = scope
        .update::<shop::Entity>()
        .col_expr(shop::Column::Name, Expr::value(after.name.clone()))
        .col_expr(shop::Column::Translations, Expr::value(after.translations.clone()))
        .col_expr(shop::Column::SortName, Expr::value(fold(&after.name)))
        .col_expr(shop::Column::Kind, Expr::value(after.kind.clone()))
        .col_expr(shop::Column::Zone, Expr::value(after.zone.clone()))
        .col_expr(shop::Column::Phone, Expr::value(after.phone.clone()))
        .col_expr(shop::Column::Email, Expr::value(after.email.clone()))
        .col_expr(shop::Column::Line1, Expr::value(after.line1.clone()))
        .col_expr(shop::Column::City, Expr::value(after.city.clone()))
        .col_expr(shop::Column::State, Expr::value(after.state.clone()))
        .col_expr(shop::Column::PostalCode, Expr::value(after.postal_code.clone()))
        .col_expr(shop::Column::Country, Expr::value(after.country.clone()))
        .col_expr(shop::Column::Lat, Expr::value(after.lat.clone()))
        .col_expr(shop::Column::Lng, Expr::value(after.lng.clone()))
        .col_expr(shop::Column::IsActive, Expr::value(after.is_active))
        .col_expr(shop::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(shop::Column::Version, Expr::col(shop::Column::Version).add(1))
        .filter(shop::Column::Id.eq(id))
        .filter(shop::Column::Version.eq(before.version));
    let after = scope.run_returning(update).await?.pop().ok_or(Error::Stale)?;
    let mut changes: Vec<_> = fields(&before).into_iter().zip(fields(&after)).map(|((field, was), (_, is))| (field, was, is)).collect();
    changes.extend(set_week(scope, id, &change).await?);
    if let Some(wanted) = change.manager_id {
        let was = set_manager(scope, id, wanted).await?;
        changes.push(("managerId", json!(was), json!(wanted)));
    }
    changes.retain(|(_, was, is)| was != is);
    scope.audit("update", "shop", id, Some(id), changes).await?;
    scope.emit(Event::new("shop.updated", ("shop", id.0), Some(id), json!({}))).await?;
    Ok(after)
}

fn changed(before: &Shop, change: &ShopChange) -> Shop {
    let mut after = before.clone();
    let set = |field: &mut String, wanted: &Option<String>| {
        if let Some(text) = wanted {
            text.trim().clone_into(field);
        }
    };
    set(&mut after.name, &change.name);
    after.translations = change.translations.as_ref().map_or(after.translations, |translations| json!(translations));
    set(&mut after.kind, &change.kind);
    set(&mut after.zone, &change.zone);
    set(&mut after.phone, &change.phone);
    set(&mut after.line1, &change.line1);
    set(&mut after.city, &change.city);
    set(&mut after.state, &change.state);
    set(&mut after.postal_code, &change.postal_code);
    set(&mut after.country, &change.country);
    if let Some(email) = &change.email {
        after.email = Some(email.trim().to_owned()).filter(|email| !email.is_empty());
    }
    let text = |degrees: Option<f64>| degrees.map(|degrees| degrees.to_string());
    after.lat = change.lat.map_or(after.lat, text);
    after.lng = change.lng.map_or(after.lng, text);
    after.is_active = change.is_active.unwrap_or(after.is_active);
    after
}

/// A shop's own fields, as the audit names them.
fn fields(shop: &Shop) -> [(&'static str, Value); 14] {
    [
        ("name", json!(shop.name)),
        ("translations", shop.translations.clone()),
        ("kind", json!(shop.kind)),
        ("zone", json!(shop.zone)),
        ("phone", json!(shop.phone)),
        ("email", json!(shop.email)),
        ("line1", json!(shop.line1)),
        ("city", json!(shop.city)),
        ("state", json!(shop.state)),
        ("postalCode", json!(shop.postal_code)),
        ("country", json!(shop.country)),
        ("lat", json!(shop.lat)),
        ("lng", json!(shop.lng)),
        ("isActive", json!(shop.is_active)),
    ]
}

/// Puts the named hours and exceptions in place of those there were.
async fn set_week(scope: &Scope, id: ShopId, change: &ShopChange) -> Result<Vec<(&'static str, Value, Value)>> {
    let mut changes = vec![];
    if let Some(wanted) = &change.hours {
        let was = told_hours(&hours(scope, id).await?);
        scope.remove(scope.delete::<opening::Entity>().filter(opening::Column::ShopId.eq(id))).await?;
        insert_hours(scope, id, wanted).await?;
        changes.push(("hours", was, told_hours(&hours(scope, id).await?)));
    }
    if let Some(wanted) = &change.exceptions {
        let was = told_exceptions(&exceptions(scope, id, None).await?);
        scope.remove(scope.delete::<exception::Entity>().filter(exception::Column::ShopId.eq(id))).await?;
        insert_exceptions(scope, id, wanted).await?;
        changes.push(("exceptions", was, told_exceptions(&exceptions(scope, id, None).await?)));
    }
    Ok(changes)
}

/// Who answers for the shop from now on; who did before.
async fn set_manager(scope: &Scope, shop_id: ShopId, wanted: Option<MemberId>) -> Result<Option<MemberId>> {
    let was = manager_of(scope, shop_id).await?;
    scope.remove(scope.delete::<manager::Entity>().filter(manager::Column::ShopId.eq(shop_id))).await?;
    if let Some(member_id) = wanted {
        scope.insert(manager::Model { company_id: scope.company(), id: RowId::new(), shop_id, member_id }).await?;
    }
    Ok(was)
}

/// Adds a day with other hours; one that is there already is replaced.
///
/// # Errors
/// As [`change`].
pub async fn add_exception(scope: &Scope, id: ShopId, new: NewException) -> Result<Shop> {
    let mut days = kept_exceptions(scope, id, new.day).await?;
    days.push(new);
    change(scope, id, ShopChange { exceptions: Some(days), ..ShopChange::default() }, None).await
}

/// Takes a day's other hours away; a day that has none stays as it is.
///
/// # Errors
/// As [`change`].
pub async fn remove_exception(scope: &Scope, id: ShopId, day: NaiveDate) -> Result<Shop> {
    let days = kept_exceptions(scope, id, day).await?;
    change(scope, id, ShopChange { exceptions: Some(days), ..ShopChange::default() }, None).await
}

/// The exceptions of a shop but for one day's.
async fn kept_exceptions(scope: &Scope, id: ShopId, but: NaiveDate) -> Result<Vec<NewException>> {
    let days = exceptions(scope, id, None).await?.into_iter().filter(|one| one.day != but);
    Ok(days
        .map(|one| NewException { day: one.day, opens_minute: one.opens_minute, duration_minutes: one.duration_minutes, note: one.note })
        .collect())
}

/// Opens a shop again that was closed for good.
///
/// # Errors
/// 404 when it is not there, or not closed; 409 `plan_limit`.
pub async fn reopen(scope: &Scope, id: ShopId) -> Result<Shop> {
    if !scope.sees_shop(id) {
        return Err(Error::NOT_FOUND);
    }
    let present = scope.count_to(scope.find_company_wide::<shop::Entity>().filter(shop::Column::DeletedAt.is_null()), plans::LIMIT_MAX);
    plans::admit(scope, Limit::Shops, 1, present).await?;
    let update = scope
        .update::<shop::Entity>()
        .col_expr(shop::Column::DeletedAt, Expr::value(None::<clock::Instant>))
        .col_expr(shop::Column::IsActive, Expr::value(true))
        .col_expr(shop::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(shop::Column::Version, Expr::col(shop::Column::Version).add(1))
        .filter(shop::Column::Id.eq(id))
        .filter(shop::Column::DeletedAt.is_not_null());
    let after = scope.run_returning(update).await?.pop().ok_or(Error::NOT_FOUND)?;
    scope.audit("reopen", "shop", id, Some(id), vec![("isActive", json!(false), json!(true))]).await?;
    scope.emit(Event::new("shop.updated", ("shop", id.0), Some(id), json!({}))).await?;
    Ok(after)
}

/// Closes a shop for good: it sells no more, and is kept for what it sold. That nothing is under
/// way there is the caller's to ask afterwards, in the same unit.
///
/// # Errors
/// 404 when it is not there, or is closed already.
pub async fn close(scope: &Scope, id: ShopId) -> Result<Shop> {
    let before = of_company(scope, id).await?;
    if !scope.sees_shop(id) {
        return Err(Error::NOT_FOUND);
    }
    let update = scope
        .update::<shop::Entity>()
        .col_expr(shop::Column::DeletedAt, Expr::value(Some(clock::now())))
        .col_expr(shop::Column::IsActive, Expr::value(false))
        .col_expr(shop::Column::UpdatedAt, Expr::value(clock::now()))
        .col_expr(shop::Column::Version, Expr::col(shop::Column::Version).add(1))
        .filter(shop::Column::Id.eq(id))
        .filter(shop::Column::DeletedAt.is_null());
    let after = scope.run_returning(update).await?.pop().ok_or(Error::NOT_FOUND)?;
    scope.audit("delete", "shop", id, Some(id), vec![("isActive", json!(before.is_active), json!(false))]).await?;
    scope.emit(Event::new("shop.deleted", ("shop", id.0), Some(id), json!({}))).await?;
    Ok(after)
}
