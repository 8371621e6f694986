//! The demo: two companies that trade, made through the domains' own acts on a clock that walks
//! through the last month.

use std::{collections::BTreeMap, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use rust_embed::RustEmbed;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{drawn, dues};
use crate::{
    clock,
    errors::{Error, Result},
    gateways::storage,
    ids::{CompanyId, ShopId, VariantId},
    models::{
        carts::NewItem,
        catalog::{self, Facts, NewBrand, NewCategory, NewPicture, NewProduct, NewVariant, SoldBy, Translation, Translations},
        companies::{self, NewCompany},
        identity::{self, Customer, CustomerChange, Invitation, MemberChange, NewCustomer, NewRole},
        inventory,
        orders::{self, CancelLine, Cancellation, NewOrder, Status, Step},
        shops::{self, Hours, NewShop},
    },
    money::Money,
    tenancy::{Actor, Role, Scope, Souk, Tenant},
};

/// The password of every demo sign-in.
pub const PASSWORD: &str = "demo-demo-demo";

const COMPANIES: [&str; 2] = ["techhub", "greenbasket"];
/// Who works for both companies.
pub const BOTH: &str = "tara@souk.test";
const ORDERS: usize = 60;
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
    brands: Vec<Named>,
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
    let platform = souk.platform("set-up").await?;
    if !companies::is_empty(&platform).await? {
        return Ok(false);
    }
    drop(platform);
    dues::offer(souk).await?;
    let hash = identity::hash_password(PASSWORD).await?;
    identity::add_staff(souk, "admin@souk.test", "Asha Rao", hash.clone(), None).await?;
    for name in COMPANIES {
        let file = Files::get(&format!("{name}.json")).ok_or_else(|| Error::internal("the demo's data is missing"))?;
        let file: File = serde_json::from_slice(&file.data).map_err(Error::internal)?;
        let back = i64::try_from((DAY * 31).as_micros()).unwrap_or_default();
        let (company, shelves) = clock::shifted(-back, open(souk, file, &hash)).await?;
        clock::shifted(-back, dues::subscribe(souk, name, company)).await?;
        trade(souk, name, company, &shelves, &hash).await?;
        let yesterday = -i64::try_from(DAY.as_micros()).unwrap_or_default();
        clock::shifted(yesterday, invite(souk, name, company, &shelves)).await?;
        clock::shifted(yesterday, lend_a_hand(souk, name, company, &shelves, &hash)).await?;
        orders::count_popularity(souk, company).await?;
        dues::owe(souk, name, company).await?;
    }
    Ok(true)
}

/// The e-mail of whoever is still waited for in a demo company.
fn invited(slug: &str) -> String {
    format!("asif@{slug}.test")
}

/// The company's admin, at work.
async fn admin_of(souk: &Souk, slug: &str, company: CompanyId) -> Result<Tenant> {
    let scope = souk.read(Tenant::system(company)).await?;
    let admin = identity::member_by_email(&scope, &format!("admin@{slug}.test")).await?.ok_or(Error::NOT_FOUND)?;
    Ok(Tenant { actor: Actor::Member(admin.id), name: admin.name, ..Tenant::system(company) })
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
    let mut shelves = Vec::new();
    let mut places = Vec::new();
    for shop in file.shops {
        let hours = (0..7).map(|weekday| Hours { weekday, opens_minute: shop.opens, duration_minutes: shop.minutes }).collect();
        let new = NewShop {
            slug: shop.slug,
            name: shop.name,
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
        brands.insert(brand.slug.clone(), catalog::add_brand(&scope, NewBrand { slug: Some(brand.slug), name: brand.name }).await?);
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
    let role = identity::add_role(scope, NewRole { name: "Stock keeper".into(), permissions }).await?.role.id.to_string();
    let keeper = identity::member_by_email(scope, email).await?.ok_or(Error::NOT_FOUND)?;
    let places = identity::places_of(Some(&role), shops, &[]);
    identity::change_member(scope, keeper.id, MemberChange { name: None, places: Some(places) }, None).await.map(|_| ())
}

fn in_hindi(name: String) -> Translations {
    Translations::from([("hi".into(), Translation { name: Some(name), description: None })])
}

fn new_variant(variant: &FileVariant) -> NewVariant {
    NewVariant {
        sku: variant.sku.clone(),
        barcode: Some(variant.barcode.clone()),
        name: variant.name.clone(),
        attributes: variant.attributes.clone(),
        price: Money(variant.price),
        compare_at_price: variant.compare_at.map(Money),
        cost: Money(variant.cost),
        sold_by: if variant.sold_by == "weight" { SoldBy::Weight } else { SoldBy::Unit },
    }
}

/// A month of orders in every state, oldest first.
async fn trade(souk: &Souk, slug: &str, company: CompanyId, shelves: &[Shelf], hash: &str) -> Result<()> {
    // Seeded, so that every demo is the same one.
    let mut dice = StdRng::seed_from_u64(7);
    let mut customers = Vec::new();
    for (local, name) in [
        ("customer", "Priya Sharma"),
        ("anil", "Anil Kumar"),
        ("sara", "Sara Thomas"),
        ("vikram", "Vikram Singh"),
        ("leela", "Leela Nair"),
        ("farhan", "Farhan Ali"),
        ("nisha", "Nisha Gupta"),
        ("dev", "Dev Menon"),
    ] {
        customers.push(join(souk, company, &format!("{local}@{slug}.test"), name, hash).await?);
    }
    if slug == "techhub" {
        let retailer = join(souk, company, "retailer@techhub.test", "Meera Traders", hash).await?;
        let scope = souk.write(Tenant::system(company)).await?;
        let wholesale = CustomerChange { group: Some("retailer".into()), ..CustomerChange::default() };
        customers.push(identity::change_customer(&scope, retailer.id, wholesale, None).await?);
        scope.commit().await?;
    }
    for number in 0..ORDERS {
        let age = match ORDERS - number {
            // What nobody has paid yet is young enough for its goods to be kept.
            left @ 1..=2 => Duration::from_secs(180 * left as u64),
            left => DAY * 30 * u32::try_from(left).unwrap_or(1) / u32::try_from(ORDERS).unwrap_or(1),
        };
        let shift = -i64::try_from(age.as_micros()).unwrap_or_default() + 60_000_000;
        let customer = customers.get(dice.random_range(0..customers.len())).cloned();
        let Some(customer) = customer else { continue };
        clock::shifted(shift, one_order(souk, company, &customer, shelves, &mut dice, Course::of(number))).await?;
    }
    Ok(())
}

/// A new customer.
async fn join(souk: &Souk, company: CompanyId, email: &str, name: &str, hash: &str) -> Result<Customer> {
    let scope = souk.write(Tenant::system(company)).await?;
    let new = NewCustomer { email: email.into(), password: String::new(), name: name.into(), phone: Some("+919800000001".into()) };
    let customer = identity::register(&scope, new, hash.to_owned()).await?;
    scope.commit().await?;
    Ok(customer)
}

/// What becomes of an order.
struct Course {
    /// How far it has come: old ones are done, the newest wait.
    end: Status,
    /// The token it is paid with, if the customer tries at all.
    method: Option<&'static str>,
    spans_shops: bool,
    loses_a_line: bool,
}

impl Course {
    fn of(number: usize) -> Self {
        let (end, method) = match ORDERS - number {
            1 => (Status::Pending, Some("tok_declined")),
            2 => (Status::Pending, None),
            3..=6 => (Status::Confirmed, Some("tok_ok")),
            7 => (Status::Processing, Some("tok_ok")),
            8..=9 => (Status::Packed, Some("tok_ok")),
            10..=12 => (Status::Shipped, Some("tok_ok")),
            13..=18 => (Status::Delivered, Some("tok_ok")),
            _ if number % 11 == 3 => (Status::Cancelled, Some("tok_ok")),
            _ => (Status::Completed, Some("tok_ok")),
        };
        Self { end, method, spans_shops: number % 8 == 5, loses_a_line: number % 9 == 7 && end != Status::Cancelled }
    }
}

/// Where the demo's parcels go.
pub(super) fn address(customer: &Customer) -> identity::Address {
    identity::Address {
        name: customer.name.clone(),
        line1: "12 Lake View Road".into(),
        line2: None,
        city: "Bengaluru".into(),
        state: Some("Karnataka".into()),
        postal_code: "560038".into(),
        country: "IN".into(),
        phone: customer.phone.clone(),
        lat: None,
        lng: None,
    }
}

/// A basket, of one shop or of two.
fn basket(shelves: &[Shelf], dice: &mut StdRng, spans_shops: bool) -> Vec<NewItem> {
    let first = dice.random_range(0..shelves.len());
    let shops = shelves.iter().cycle().skip(first).take(if spans_shops { 2 } else { 1 });
    let mut items: Vec<NewItem> = Vec::new();
    for shelf in shops {
        for _ in 0..dice.random_range(1..=3) {
            let Some((variant_id, by_weight)) = shelf.goods.get(dice.random_range(0..shelf.goods.len())).copied() else { continue };
            if items.iter().all(|item| item.variant_id != variant_id) {
                let quantity = if by_weight { dice.random_range(1..=4) * 250 } else { dice.random_range(1..=2) };
                items.push(NewItem { variant_id, shop_id: shelf.shop, quantity });
            }
        }
    }
    items
}

async fn one_order(
    souk: &Souk,
    company: CompanyId,
    customer: &Customer,
    shelves: &[Shelf],
    dice: &mut StdRng,
    course: Course,
) -> Result<()> {
    let items = basket(shelves, dice, course.spans_shops);
    let on_delivery = dice.random_range(0..4) == 0 && course.end != Status::Pending;
    let new = NewOrder {
        shipping_address: Some(address(customer)),
        address_id: None,
        billing_address: None,
        gateway: if on_delivery { "cod" } else { "test" }.into(),
        payment_method: None,
        expected_total: None,
        notes: String::new(),
        items: Some(items),
    };
    let buyer =
        Tenant { actor: Actor::Customer(customer.id), role: Role::Customer, name: customer.name.clone(), ..Tenant::system(company) };
    let scope = souk.write(buyer.clone()).await?;
    let placed = match orders::place(&scope, &new).await {
        Ok(placed) => placed,
        // A basket too dear for cash on delivery, or a shelf bought empty, is no sale.
        Err(Error::Conflict { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    scope.commit().await?;
    if let Some(method) = course.method.filter(|_| !on_delivery) {
        orders::pay(souk, &buyer, placed.checkout.id, method).await?;
    }
    let staff = Tenant { name: "Kiran Patel".into(), role: Role::ShopStaff, ..Tenant::system(company) };
    let scope = souk.read(staff.clone()).await?;
    let made = orders::of_checkout(&scope, placed.checkout.id).await?;
    drop(scope);
    for order in made {
        let scope = souk.read(staff.clone()).await?;
        let lines = orders::items_of(&scope, &[order.id]).await?.remove(&order.id).unwrap_or_default();
        drop(scope);
        let one = lines.first().filter(|_| course.loses_a_line && lines.len() > 1);
        let one = one.map(|line| vec![CancelLine { id: line.id, quantity: line.quantity }]);
        if course.end == Status::Cancelled || one.is_some() {
            let reason = if one.is_some() { "no longer needed" } else { "ordered twice by mistake" }.into();
            let scope = souk.write(buyer.clone()).await?;
            orders::cancel(&scope, order.id, &Cancellation { reason, items: one }).await?;
            scope.commit().await?;
        }
        if course.end == Status::Cancelled {
            continue;
        }
        let mut at = order.status;
        while at != course.end {
            let Some(next) = at.next() else { break };
            let tracking_number = (next == Status::Shipped).then(|| format!("SK{:08}", dice.random_range(0..99_999_999)));
            let scope = souk.write(staff.clone()).await?;
            at = orders::advance(&scope, order.id, &Step { status: next, note: String::new(), tracking_number }, None).await?.status;
            scope.commit().await?;
        }
    }
    Ok(())
}
