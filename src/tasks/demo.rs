//! The demo: two companies that trade, made through the domains' own acts on a clock that walks
//! through the last month.

mod trade;

use std::{collections::BTreeMap, time::Duration};

use rust_embed::RustEmbed;
use serde::Deserialize;
use serde_json::{Map, Value};

pub(super) use self::trade::address;
use super::{drawn, dues};
use crate::{
    clock,
    errors::{Error, Result},
    gateways::storage,
    ids::{CompanyId, ShopId, VariantId},
    models::{
        catalog::{self, Facts, NewBrand, NewCategory, NewPicture, NewProduct, NewVariant, SoldBy},
        companies::{self, NewCompany},
        identity::{self, Invitation, MemberChange, NewRole},
        inventory, ledger, orders,
        shops::{self, Hours, NewShop},
    },
    money::Money,
    tenancy::{Actor, Role, Scope, Souk, Tenant},
    translated::{Translation, Translations},
};

/// The password of every demo sign-in.
pub const PASSWORD: &str = "demo-demo-demo";

const COMPANIES: [&str; 2] = ["techhub", "greenbasket"];
/// Who looks after the platform.
pub const PLATFORMS_OWN: &str = "admin@souk.test";
/// Who works for both companies.
pub const BOTH: &str = "tara@souk.test";
const DAY: Duration = Duration::from_secs(24 * 3_600);

#[derive(RustEmbed)]
#[folder = "assets/demo"]
struct Files;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    company: FileCompany,
    shops: Vec<FileShop>,
    warehouses: Vec<Named>,
    brands: Vec<FileBrand>,
    categories: Vec<FileCategory>,
    products: Vec<FileProduct>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileCompany {
    slug: String,
    name: String,
    description: String,
    currency: String,
    zone: String,
    tax_rate: i64,
    tax_included: bool,
    brand: String,
    email: String,
    phone: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileShop {
    slug: String,
    name: String,
    name_hi: String,
    kind: String,
    line1: String,
    city: String,
    state: String,
    postal_code: String,
    lat: f64,
    lng: f64,
    opens: i64,
    minutes: i64,
}

#[derive(Deserialize)]
struct Named {
    slug: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileBrand {
    slug: String,
    name: String,
    name_hi: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileCategory {
    slug: String,
    name: String,
    name_hi: String,
    parent: Option<String>,
    #[serde(default)]
    tax_rate: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileProduct {
    slug: String,
    name: String,
    name_hi: String,
    description: String,
    brand: String,
    category: String,
    tags: Vec<String>,
    featured: bool,
    origin: Option<String>,
    #[serde(default)]
    organic: bool,
    variants: Vec<FileVariant>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileVariant {
    sku: String,
    barcode: String,
    name: String,
    attributes: Map<String, Value>,
    price: i64,
    compare_at: Option<i64>,
    cost: i64,
    sold_by: String,
    stock: Vec<i64>,
    reorder: i64,
}

/// What can be bought where, for the demo's customers to choose from.
struct Shelf {
    shop: ShopId,
    goods: Vec<(VariantId, bool)>,
}

/// Loads the demo into an empty database; false when there is something already.
///
/// # Errors
/// When an act refuses, which would be a mistake in the demo's data.
pub async fn load(souk: &Souk) -> Result<bool> {
    if !is_to_be_loaded(souk, COMPANIES[0]).await? {
        return Ok(false);
    }
    println!("Loading the demo: two companies and a month of their trade.");
    dues::offer(souk).await?;
    let hash = identity::hash_password(PASSWORD).await?;
    for name in COMPANIES {
        let file = Files::get(&format!("{name}.json")).ok_or_else(|| Error::internal("the demo's data is missing"))?;
        let file: File = serde_json::from_slice(&file.data).map_err(Error::internal)?;
        let back = i64::try_from((DAY * 31).as_micros()).unwrap_or_default();
        let (company, shelves) = clock::shifted(-back, open(souk, file, &hash)).await?;
        clock::shifted(-back, dues::subscribe(souk, name, company)).await?;
        trade::trade(souk, name, company, &shelves, &hash).await?;
        let yesterday = -i64::try_from(DAY.as_micros()).unwrap_or_default();
        clock::shifted(yesterday, invite(souk, name, company, &shelves)).await?;
        clock::shifted(yesterday, lend_a_hand(souk, name, company, &shelves, &hash)).await?;
        orders::count_popularity(souk, company).await?;
        dues::owe(souk, name, company).await?;
        ledger::close_due(souk, company).await?;
    }
    end(souk, hash).await?;
    Ok(true)
}

/// Whether there is room for a demo: no company yet. `first` is the company that its demo begins with.
///
/// # Errors
/// When a demo was begun here and did not come to its end: nobody could tell what of it is there.
pub(super) async fn is_to_be_loaded(souk: &Souk, first: &str) -> Result<bool> {
    let platform = souk.platform("set-up").await?;
    if companies::is_empty(&platform).await? {
        return Ok(true);
    }
    let is_begun = companies::by_slug(&platform, first).await?.is_some();
    if is_begun && !identity::is_staff(&platform, PLATFORMS_OWN).await? {
        return Err(Error::internal(
            "the demo was interrupted before its end: empty the data folder or the database and begin anew, \
             or say SOUK_DEMO=none to go on with what is there",
        ));
    }
    Ok(false)
}

/// The platform's own admin comes last, as the sign that a demo is whole.
pub(super) async fn end(souk: &Souk, hash: String) -> Result<()> {
    identity::add_staff(souk, PLATFORMS_OWN, "Asha Rao", hash, None).await.map(|_| ())
}

/// Whether the sign-ins of a demo are those of this database.
///
/// # Errors
/// When the database cannot be reached.
pub async fn is_there(souk: &Souk) -> Result<bool> {
    identity::is_staff(&souk.platform("set-up").await?, PLATFORMS_OWN).await
}

/// The e-mail of whoever is still waited for in a demo company.
fn invited(slug: &str) -> String {
    format!("asif@{slug}.test")
}

/// The company's admin, at work.
async fn admin_of(souk: &Souk, slug: &str, company: CompanyId) -> Result<Tenant> {
    at_work(souk, company, &format!("admin@{slug}.test"), Role::CompanyAdmin).await
}

/// One of the company's people, at work.
async fn at_work(souk: &Souk, company: CompanyId, email: &str, role: Role) -> Result<Tenant> {
    let scope = souk.read(Tenant::system(company)).await?;
    let member = identity::member_by_email(&scope, email).await?.ok_or(Error::NOT_FOUND)?;
    Ok(Tenant { actor: Actor::Member(member.id), name: member.name, role, ..Tenant::system(company) })
}

/// Somebody who manages the first company's shops and helps in a shop of the other.
async fn lend_a_hand(souk: &Souk, slug: &str, company: CompanyId, shelves: &[Shelf], hash: &str) -> Result<()> {
    if COMPANIES.first() == Some(&slug) {
        let shops = shelves.iter().map(|shelf| shelf.shop).collect();
        let place = (company, Role::ShopManager, shops);
        return identity::add_staff(souk, BOTH, "Tara Menon", hash.to_owned(), Some(place)).await.map(|_| ());
    }
    let new = Invitation {
        email: BOTH.into(),
        name: "Tara Menon".into(),
        role: Some(Role::ShopStaff.name().into()),
        shop_ids: shelves.first().map(|shelf| shelf.shop).into_iter().collect(),
        assignments: vec![],
    };
    identity::invite(souk, &admin_of(souk, slug, company).await?, new).await.map(|_| ())
}

/// Somebody who has not answered yet.
async fn invite(souk: &Souk, slug: &str, company: CompanyId, shelves: &[Shelf]) -> Result<()> {
    let new = Invitation {
        email: invited(slug),
        name: "Asif Mohammed".into(),
        role: Some(Role::ShopStaff.name().into()),
        shop_ids: shelves.first().map(|shelf| shelf.shop).into_iter().collect(),
        assignments: vec![],
    };
    identity::invite(souk, &admin_of(souk, slug, company).await?, new).await.map(|_| ())
}

/// Where the demo's open invitation is accepted, as its letter says; nothing once it was.
///
/// # Errors
/// When the database cannot be reached.
pub async fn open_invitation(souk: &Souk) -> Result<Option<String>> {
    let Some(slug) = COMPANIES.first() else { return Ok(None) };
    let platform = souk.platform("set-up").await?;
    let Some(company) = companies::by_slug(&platform, slug).await? else { return Ok(None) };
    drop(platform);
    let scope = souk.read(Tenant::system(company.id)).await?;
    let waited_for = identity::member_by_email(&scope, &invited(slug)).await?.filter(|one| one.is_active && one.joined_at.is_none());
    drop(scope);
    match waited_for {
        Some(member) => identity::invitation_path(souk, company.id, member.id).await.map(Some),
        None => Ok(None),
    }
}

/// The company with its shops, people and goods.
async fn open(souk: &Souk, file: File, hash: &str) -> Result<(CompanyId, Vec<Shelf>)> {
    let platform = souk.platform("set-up").await?;
    let slug = file.company.slug.clone();
    let company = companies::open(
        &platform,
        NewCompany {
            slug: slug.clone(),
            name: file.company.name,
            description: file.company.description,
            currency: file.company.currency,
            zone: file.company.zone,
            tax_rate: file.company.tax_rate,
            tax_included: file.company.tax_included,
            email: file.company.email,
            phone: file.company.phone,
            brand: Some(file.company.brand),
        },
    )
    .await?;
    platform.commit().await?;

    let scope = souk.write(Tenant::system(company.id)).await?;
    ledger::open_books(&scope).await?;
    companies::tell_opened(&scope, &company).await?;
    let mut shelves = Vec::new();
    let mut places = Vec::new();
    for shop in file.shops {
        let hours = (0..7).map(|weekday| Hours { weekday, opens_minute: shop.opens, duration_minutes: shop.minutes }).collect();
        let new = NewShop {
            slug: shop.slug,
            name: shop.name,
            translations: in_hindi(shop.name_hi),
            kind: shop.kind,
            line1: shop.line1,
            city: shop.city,
            state: shop.state,
            postal_code: shop.postal_code,
            phone: String::new(),
            lat: Some(shop.lat),
            lng: Some(shop.lng),
            hours,
            ..NewShop::default()
        };
        let shop = shops::open(&scope, new).await?;
        places.push(inventory::open_location(&scope, "shop", &shop.slug, &shop.name, Some(shop.id)).await?);
        shelves.push(Shelf { shop: shop.id, goods: vec![] });
    }
    for warehouse in file.warehouses {
        inventory::open_location(&scope, "warehouse", &warehouse.slug, &warehouse.name, None).await?;
    }
    let mut brands = BTreeMap::new();
    for brand in file.brands {
        let slug = brand.slug.clone();
        let new = NewBrand { slug: Some(brand.slug), name: brand.name, translations: in_hindi(brand.name_hi) };
        brands.insert(slug, catalog::add_brand(&scope, new).await?);
    }
    let mut categories = BTreeMap::new();
    for category in file.categories {
        let parent = category.parent.as_ref().and_then(|slug| categories.get(slug)).copied();
        let new = NewCategory {
            slug: Some(category.slug.clone()),
            name: category.name,
            translations: in_hindi(category.name_hi),
            parent_id: parent,
            tax_rate: category.tax_rate,
        };
        categories.insert(category.slug, catalog::add_category(&scope, new).await?);
    }
    let mut sitters = Vec::new();
    for product in file.products {
        let sitter = (product.category.clone(), product.slug.clone(), product.name.clone());
        let new = NewProduct {
            slug: Some(product.slug),
            name: product.name,
            description: product.description,
            translations: in_hindi(product.name_hi),
            tags: product.tags,
            brand_id: brands.get(&product.brand).copied(),
            category_id: categories.get(&product.category).copied(),
            is_featured: product.featured,
            facts: Facts { origin: product.origin, organic: product.organic, ..Facts::default() },
            variants: product.variants.iter().map(new_variant).collect(),
            ..NewProduct::default()
        };
        let (id, ids) = catalog::add_product(&scope, new).await?;
        sitters.push((id, sitter));
        for (id, variant) in ids.into_iter().zip(product.variants) {
            for ((place, shelf), quantity) in places.iter().zip(&mut shelves).zip(variant.stock) {
                // What the month's customers will take is put on the shelf beforehand.
                inventory::put_away(&scope, id, place, quantity, variant.reorder).await?;
                if quantity > variant.reorder * 2 {
                    shelf.goods.push((id, variant.sold_by == "weight"));
                }
            }
        }
    }
    scope.commit().await?;
    let storage = storage::of(souk.settings());
    for (id, (category, slug, alt)) in sitters {
        let picture = catalog::of_pixels(drawn::picture(&category, &slug))?;
        let new = NewPicture { alt, variant: None };
        catalog::add_picture(souk, storage.as_ref(), &Tenant::system(company.id), id, &picture, &new).await?;
    }

    let all: Vec<_> = shelves.iter().map(|shelf| shelf.shop).collect();
    for (local, name, role, shops) in [
        ("admin", "Meera Iyer", Role::CompanyAdmin, vec![]),
        ("manager", "Rohan Das", Role::ShopManager, all.clone()),
        ("staff", "Kiran Patel", Role::ShopStaff, all.first().copied().into_iter().collect()),
        ("rider", "Imran Khan", Role::Rider, all.clone()),
        ("keeper", "Lakshmi Rao", Role::ShopStaff, all.clone()),
    ] {
        identity::add_staff(souk, &format!("{local}@{slug}.test"), name, hash.to_owned(), Some((company.id, role, shops))).await?;
    }
    let scope = souk.write(Tenant::system(company.id)).await?;
    keep_stock(&scope, &format!("keeper@{slug}.test"), &all).await?;
    scope.commit().await?;
    Ok((company.id, shelves))
}

/// A role of the company's own, and who has it at the shops.
async fn keep_stock(scope: &Scope, email: &str, shops: &[ShopId]) -> Result<()> {
    let permissions = ["inventory:read", "inventory:write", "inventory:handle", "notifications:read"].map(str::to_owned).to_vec();
    let new = NewRole { name: "Stock keeper".into(), translations: in_hindi("भंडार प्रभारी".into()), permissions };
    let role = identity::add_role(scope, new).await?.role.id.to_string();
    let keeper = identity::member_by_email(scope, email).await?.ok_or(Error::NOT_FOUND)?;
    let places = identity::places_of(Some(&role), shops, &[]);
    identity::change_member(scope, keeper.id, MemberChange { name: None, places: Some(places) }, None).await.map(|_| ())
}

pub(super) fn in_hindi(name: String) -> Translations {
    Translations::from([("hi".into(), Translation { name: Some(name), description: None })])
}

fn new_variant(variant: &FileVariant) -> NewVariant {
    NewVariant {
        sku: variant.sku.clone(),
        barcode: Some(variant.barcode.clone()),
        name: variant.name.clone(),
        translations: Translations::new(),
        attributes: variant.attributes.clone(),
        price: Money(variant.price),
        compare_at_price: variant.compare_at.map(Money),
        cost: Money(variant.cost),
        sold_by: if variant.sold_by == "weight" { SoldBy::Weight } else { SoldBy::Unit },
    }
}
