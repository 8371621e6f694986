//! Shops: where goods are sold and handed over, and when.

mod exception;
mod hours;
mod manager;
mod opening;
mod shop;
mod write;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, Func, LikeExpr, SelectStatement},
};

pub use self::{
    exception::Model as Exception,
    hours::{OpenState, state_at},
    opening::Model as Opening,
    shop::Model as Shop,
    write::{Hours, KINDS, NewException, NewShop, ShopChange, add_exception, change, close, open, places_taken, remove_exception, reopen},
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{MemberId, ShopId},
    keyset,
    tenancy::Scope,
};

/// How many shops a company's choices show.
const SHOPS_MAX: u64 = 1_000;

/// The company's shops, by name; shop roles see theirs.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(scope: &Scope) -> Result<Vec<Shop>> {
    page(scope, None, SHOPS_MAX).await
}

/// Shops by name, from behind `after`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn page(scope: &Scope, after: Option<(String, ShopId)>, limit: u64) -> Result<Vec<Shop>> {
    search(scope, &ShopFilter::default(), after, limit).await
}

/// Which shops a list is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShopState {
    /// All but those closed for good.
    #[default]
    Kept,
    /// Closed until further notice.
    Paused,
    /// Closed for good.
    Closed,
}

/// What a list of shops is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct ShopFilter {
    /// A part of the name, the short name or the city.
    pub words: Option<String>,
    pub state: ShopState,
}

/// Shops by name that a filter leaves, from behind `after`. A company has so few that a part of a
/// name may be looked for in all of them.
///
/// # Errors
/// When the database cannot be reached.
pub async fn search(scope: &Scope, filter: &ShopFilter, after: Option<(String, ShopId)>, limit: u64) -> Result<Vec<Shop>> {
    let mut rows = seen(scope, scope.find::<shop::Entity>());
    rows = match filter.state {
        ShopState::Kept => rows.filter(shop::Column::DeletedAt.is_null()),
        ShopState::Paused => rows.filter(shop::Column::DeletedAt.is_null()).filter(shop::Column::IsActive.eq(false)),
        ShopState::Closed => rows.filter(shop::Column::DeletedAt.is_not_null()),
    };
    if let Some(words) = filter.words.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
        let plain = words.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let part = LikeExpr::new(format!("%{plain}%")).escape('\\');
        let has = |column: shop::Column| Expr::expr(Func::lower(Expr::col((shop::Entity, column)))).like(part.clone());
        rows = rows.filter(Condition::any().add(has(shop::Column::Name)).add(has(shop::Column::Slug)).add(has(shop::Column::City)));
    }
    if let Some((sort_name, id)) = after {
        rows = rows.filter(keyset::above(shop::Column::SortName, sort_name, shop::Column::Id, id));
    }
    scope.all(rows.order_by_asc(shop::Column::SortName).order_by_asc(shop::Column::Id).limit(limit)).await
}

/// Those of some shops that the caller sees, by name; closed ones too.
///
/// # Errors
/// When the database cannot be reached.
pub async fn some(scope: &Scope, ids: &[ShopId]) -> Result<Vec<Shop>> {
    let rows = seen(scope, scope.find::<shop::Entity>()).filter(shop::Column::Id.is_in(ids.iter().copied()));
    scope.all(rows.order_by_asc(shop::Column::SortName).order_by_asc(shop::Column::Id)).await
}

/// Shops are rows of the company, but whoever works at some sees these.
fn seen(scope: &Scope, rows: Select<shop::Entity>) -> Select<shop::Entity> {
    match &scope.tenant().shops {
        Some(shops) => rows.filter(shop::Column::Id.is_in(shops.iter().copied())),
        None => rows,
    }
}

/// Every open shop of the company, also those the caller does not work at: their names are public.
pub async fn everywhere(scope: &Scope) -> Result<Vec<Shop>> {
    scope.all(active(scope).order_by_asc(shop::Column::SortName).limit(1_000)).await
}

/// The question which shops sell at present: closed neither until further notice nor for good.
#[must_use]
pub fn selling(scope: &Scope) -> SelectStatement {
    active(scope).select_only().column(shop::Column::Id).into_query()
}

fn active(scope: &Scope) -> Select<shop::Entity> {
    scope.find::<shop::Entity>().filter(shop::Column::DeletedAt.is_null()).filter(shop::Column::IsActive.eq(true))
}

/// # Errors
/// 404 when it is not there or not the caller's.
pub async fn get(scope: &Scope, id: ShopId) -> Result<Shop> {
    let shop = of_company(scope, id).await?;
    if scope.sees_shop(shop.id) { Ok(shop) } else { Err(Error::NOT_FOUND) }
}

/// A shop of the company, whoever asks: for acts that name one without showing it.
///
/// # Errors
/// 404 when it is not there.
pub async fn of_company(scope: &Scope, id: ShopId) -> Result<Shop> {
    scope.get(scope.find::<shop::Entity>().filter(shop::Column::Id.eq(id)).filter(shop::Column::DeletedAt.is_null())).await
}

/// The names of the company's shops, closed ones too: what they sold is still there.
///
/// # Errors
/// When the database cannot be reached.
pub async fn names(scope: &Scope) -> Result<BTreeMap<ShopId, String>> {
    let rows = scope.all(scope.find::<shop::Entity>().order_by_asc(shop::Column::Id).limit(SHOPS_MAX)).await?;
    Ok(rows.into_iter().map(|shop| (shop.id, shop.name)).collect())
}

/// A shop's opening hours, by weekday.
///
/// # Errors
/// When the database cannot be reached.
pub async fn hours(scope: &Scope, shop: ShopId) -> Result<Vec<Opening>> {
    let rows = scope.find::<opening::Entity>().filter(opening::Column::ShopId.eq(shop));
    scope.all(rows.order_by_asc(opening::Column::Weekday).order_by_asc(opening::Column::OpensMinute)).await
}

/// A shop's exceptions from a day on, or all of them.
///
/// # Errors
/// When the database cannot be reached.
pub async fn exceptions(scope: &Scope, shop: ShopId, from: Option<NaiveDate>) -> Result<Vec<Exception>> {
    let mut rows = scope.find::<exception::Entity>().filter(exception::Column::ShopId.eq(shop));
    if let Some(from) = from {
        rows = rows.filter(exception::Column::Day.gte(from));
    }
    scope.all(rows.order_by_asc(exception::Column::Day).limit(1_000)).await
}

/// How some shops' doors stand now: two statements, however many shops.
///
/// # Errors
/// When the database cannot be reached.
pub async fn doors(scope: &Scope, shops: &[Shop]) -> Result<BTreeMap<ShopId, OpenState>> {
    let ids: Vec<_> = shops.iter().map(|shop| shop.id).collect();
    let now = clock::now();
    // Zones are less than a day apart: what lies further back concerns no shop.
    let from = now.utc().date_naive() - chrono::Duration::days(2);
    let weeks = scope.all(scope.find::<opening::Entity>().filter(opening::Column::ShopId.is_in(ids.iter().copied()))).await?;
    let days = scope.find::<exception::Entity>().filter(exception::Column::ShopId.is_in(ids.iter().copied()));
    let days = scope.all(days.filter(exception::Column::Day.gte(from))).await?;
    Ok(shops
        .iter()
        .map(|shop| {
            let week: Vec<_> = weeks.iter().filter(|one| one.shop_id == shop.id).cloned().collect();
            let days: Vec<_> = days.iter().filter(|one| one.shop_id == shop.id).cloned().collect();
            (shop.id, state_at(shop, &week, &days, now))
        })
        .collect())
}

/// Who answers for a shop.
///
/// # Errors
/// When the database cannot be reached.
pub async fn manager_of(scope: &Scope, shop: ShopId) -> Result<Option<MemberId>> {
    let row = scope.one(scope.find::<manager::Entity>().filter(manager::Column::ShopId.eq(shop))).await?;
    Ok(row.map(|row| row.member_id))
}

/// A member no longer answers for the shops that they are not `still_at`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn forget_manager(scope: &Scope, member: MemberId, still_at: impl Fn(ShopId) -> bool + Send) -> Result<()> {
    let rows = scope.all(scope.find::<manager::Entity>().filter(manager::Column::MemberId.eq(member))).await?;
    let gone: Vec<_> = rows.iter().filter(|row| !still_at(row.shop_id)).map(|row| row.id).collect();
    scope.remove(scope.delete::<manager::Entity>().filter(manager::Column::Id.is_in(gone))).await.map(|_| ())
}

/// The shops that have a place on the map, nearest to a point first, with metres.
///
/// # Errors
/// When the database cannot be reached.
pub async fn nearby(scope: &Scope, lat: f64, lng: f64, limit: usize) -> Result<Vec<(Shop, i64)>> {
    let mut found: Vec<_> = list(scope)
        .await?
        .into_iter()
        .filter(|shop| shop.is_active)
        .filter_map(|shop| {
            let degrees = |text: &Option<String>| text.as_deref()?.parse::<f64>().ok();
            let metres = metres_between((lat, lng), (degrees(&shop.lat)?, degrees(&shop.lng)?));
            Some((shop, metres))
        })
        .collect();
    found.sort_by_key(|(shop, metres)| (*metres, shop.id));
    found.truncate(limit);
    Ok(found)
}

/// The great circle between two points in degrees, in whole metres.
fn metres_between(from: (f64, f64), to: (f64, f64)) -> i64 {
    const EARTH_METRES: f64 = 6_371_008.8;
    let (north, east) = ((to.0 - from.0).to_radians(), (to.1 - from.1).to_radians());
    let chord = (north / 2.0).sin().powi(2) + from.0.to_radians().cos() * to.0.to_radians().cos() * (east / 2.0).sin().powi(2);
    let metres = 2.0 * EARTH_METRES * chord.sqrt().min(1.0).asin();
    // At most half the earth's girth, which fits many times over.
    metres.round() as i64
}

#[cfg(test)]
mod tests {
    use super::metres_between;

    #[test]
    fn distances_follow_the_great_circle() {
        let (bengaluru, mumbai) = ((12.9716, 77.5946), (19.0760, 72.8777));
        assert!((843_000..847_000).contains(&metres_between(bengaluru, mumbai)), "{}", metres_between(bengaluru, mumbai));
        assert_eq!(metres_between(bengaluru, bengaluru), 0);
        assert!((20_015_000..20_016_000).contains(&metres_between((0.0, 0.0), (0.0, 180.0))));
    }
}
