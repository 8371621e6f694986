//! Shops: where goods are sold and handed over.

mod opening;
mod shop;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use serde::Deserialize;
use serde_json::json;

pub use self::{opening::Model as Opening, shop::Model as Shop};
use crate::{
    clock,
    errors::{Error, Result},
    events::Event,
    ids::{RowId, ShopId},
    models::companies,
    tenancy::Scope,
};

/// What a shop is opened with.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewShop {
    pub slug: String,
    pub name: String,
    #[serde(default = "store")]
    pub kind: String,
    #[serde(default)]
    pub line1: String,
    #[serde(default)]
    pub city: String,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub postal_code: String,
    #[serde(default)]
    pub phone: String,
    pub lat: Option<f64>,
    pub lng: Option<f64>,
    /// Each day's opening hours; none is "always open".
    #[serde(default)]
    pub hours: Vec<Hours>,
}

fn store() -> String {
    "store".into()
}

/// One opening: a weekday (0 is Monday), a minute of the day, a duration in minutes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hours {
    pub weekday: i64,
    pub opens_minute: i64,
    pub duration_minutes: i64,
}

/// What may be changed of a shop.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShopChange {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub line1: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    pub is_active: Option<bool>,
}

/// Opens a shop.
///
/// # Errors
/// 422 for a field that cannot be; 409 `slug_taken`.
pub async fn open(scope: &Scope, new: NewShop) -> Result<Shop> {
    if !companies::is_slug(&new.slug) {
        return Err(Error::invalid("slug", "invalid", "use 2 to 63 lower-case letters, digits and hyphens"));
    }
    if new.name.trim().is_empty() {
        return Err(Error::invalid("name", "required", "a shop needs a name"));
    }
    if scope.one(scope.find_company_wide::<shop::Entity>().filter(shop::Column::Slug.eq(new.slug.as_str()))).await?.is_some() {
        return Err(Error::conflict("slug_taken", "another shop has this slug", json!({})));
    }
    let company = companies::own(scope).await?;
    let now = clock::now();
    let shop = Shop {
        company_id: scope.company(),
        id: ShopId::new(),
        slug: new.slug,
        name: new.name,
        kind: new.kind,
        zone: company.zone,
        line1: new.line1,
        city: new.city,
        state: new.state,
        postal_code: new.postal_code,
        country: "IN".into(),
        phone: new.phone,
        lat: new.lat.map(|degrees| degrees.to_string()),
        lng: new.lng.map(|degrees| degrees.to_string()),
        is_active: true,
        vendor_id: None,
        deleted_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    scope.insert(shop.clone()).await?;
    let hours = new.hours.iter().map(|hours| Opening {
        company_id: scope.company(),
        id: RowId::new(),
        shop_id: shop.id,
        weekday: hours.weekday,
        opens_minute: hours.opens_minute,
        duration_minutes: hours.duration_minutes,
    });
    for (index, hours) in new.hours.iter().enumerate() {
        let fits =
            (0..7).contains(&hours.weekday) && (0..1_440).contains(&hours.opens_minute) && (1..=1_440).contains(&hours.duration_minutes);
        if !fits {
            return Err(Error::invalid(format!("hours[{index}]"), "out_of_range", "weekday 0 to 6, minutes within a day"));
        }
    }
    scope.insert_all(hours.collect()).await?;
    scope.audit("create", "shop", shop.id, Some(shop.id), vec![("name", json!(null), json!(shop.name))]).await?;
    scope.emit(Event::new("shop.created", ("shop", shop.id.0), Some(shop.id), json!({}))).await?;
    Ok(shop)
}

/// The company's shops; shop roles see theirs.
pub async fn list(scope: &Scope) -> Result<Vec<Shop>> {
    let shops = scope.find::<shop::Entity>().filter(shop::Column::DeletedAt.is_null());
    let shops = scope.all(shops.order_by_asc(shop::Column::Name).limit(1_000)).await?;
    Ok(shops.into_iter().filter(|shop| scope.sees_shop(shop.id)).collect())
}

/// # Errors
/// 404 when it is not there or not the caller's.
pub async fn get(scope: &Scope, id: ShopId) -> Result<Shop> {
    let shop = scope.find::<shop::Entity>().filter(shop::Column::Id.eq(id)).filter(shop::Column::DeletedAt.is_null());
    let shop = scope.get(shop).await?;
    if scope.sees_shop(shop.id) { Ok(shop) } else { Err(Error::NOT_FOUND) }
}

/// A shop's opening hours, by weekday.
pub async fn hours(scope: &Scope, shop: ShopId) -> Result<Vec<Opening>> {
    scope.all(scope.find::<opening::Entity>().filter(opening::Column::ShopId.eq(shop)).order_by_asc(opening::Column::Weekday)).await
}

/// # Errors
/// 404; 412 when the row has changed since it was read.
pub async fn change(scope: &Scope, id: ShopId, change: ShopChange, version: Option<i64>) -> Result<Shop> {
    let before = get(scope, id).await?;
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale);
    }
    let mut after = before.clone();
    after.name = change.name.unwrap_or(after.name);
    after.phone = change.phone.unwrap_or(after.phone);
    after.line1 = change.line1.unwrap_or(after.line1);
    after.city = change.city.unwrap_or(after.city);
    after.state = change.state.unwrap_or(after.state);
    after.postal_code = change.postal_code.unwrap_or(after.postal_code);
    after.is_active = change.is_active.unwrap_or(after.is_active);
    after.updated_at = clock::now();
    after.version += 1;
    let update = scope
        .update::<shop::Entity>()
        .col_expr(shop::Column::Name, Expr::value(after.name.clone()))
        .col_expr(shop::Column::Phone, Expr::value(after.phone.clone()))
        .col_expr(shop::Column::Line1, Expr::value(after.line1.clone()))
        .col_expr(shop::Column::City, Expr::value(after.city.clone()))
        .col_expr(shop::Column::State, Expr::value(after.state.clone()))
        .col_expr(shop::Column::PostalCode, Expr::value(after.postal_code.clone()))
        .col_expr(shop::Column::IsActive, Expr::value(after.is_active))
        .col_expr(shop::Column::UpdatedAt, Expr::value(after.updated_at))
        .col_expr(shop::Column::Version, Expr::value(after.version))
        .filter(shop::Column::Id.eq(id))
        .filter(shop::Column::Version.eq(before.version));
    if scope.run(update).await? == 0 {
        return Err(Error::Stale);
    }
    let changes = vec![
        ("name", json!(before.name), json!(after.name)),
        ("phone", json!(before.phone), json!(after.phone)),
        ("line1", json!(before.line1), json!(after.line1)),
        ("isActive", json!(before.is_active), json!(after.is_active)),
    ];
    let changes = changes.into_iter().filter(|(_, before, after)| before != after).collect();
    scope.audit("update", "shop", id, Some(id), changes).await?;
    scope.emit(Event::new("shop.updated", ("shop", id.0), Some(id), json!({}))).await?;
    Ok(after)
}
