//! The large demo: fifty companies with a year of trade, to see lists that are long. Made by the
//! domains' own acts, so that every invariant holds on it.

use std::{io::IsTerminal, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Map;

use super::demo::{self, PASSWORD, address};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{CategoryId, OrderId, ShopId, VariantId},
    models::{
        carts::NewItem,
        catalog::{self, NewCategory, NewProduct, NewVariant, SoldBy},
        companies::{self, Company, NewCompany},
        identity::{self, Customer, NewCustomer},
        inventory, ledger,
        orders::{self, Cancellation, NewOrder, Status, Step},
        outbox,
        shops::{self, NewShop, Shop},
    },
    money::Money,
    tenancy::{Actor, Role, Souk, Tenant},
    translated::Translations,
};

/// How much there is to be of everything.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub companies: usize,
    /// Of each company.
    pub products: usize,
    /// Of each company.
    pub orders: usize,
}

/// 50 companies, 20,000 products, 100,000 orders.
const LARGE: Size = Size { companies: 50, products: 400, orders: 2_000 };

const CUSTOMERS: usize = 40;
/// Orders of one customer in one unit of work: a commit is a flush of the disk.
const BATCH: usize = 8;
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

const FIRST: [&str; 10] = ["Amber", "Cedar", "Coral", "Indigo", "Jasmine", "Lotus", "Maple", "Neem", "Saffron", "Tulsi"];
const SECOND: [&str; 5] = ["Bazaar", "Brothers", "Mart", "Stores", "Traders"];
const CITIES: [(&str, &str, &str); 5] = [
    ("Bengaluru", "Karnataka", "560001"),
    ("Chennai", "Tamil Nadu", "600001"),
    ("Jaipur", "Rajasthan", "302001"),
    ("Mumbai", "Maharashtra", "400001"),
    ("Pune", "Maharashtra", "411001"),
];
const KINDS: [&str; 8] = ["Kitchen", "Garden", "Office", "Toys", "Textiles", "Stationery", "Lighting", "Tools"];
const LOOKS: [&str; 10] = ["Brass", "Blue", "Classic", "Compact", "Copper", "Grand", "Linen", "Red", "Slim", "Wooden"];
const THINGS: [&str; 12] = ["Basket", "Bottle", "Bowl", "Box", "Chair", "Clock", "Cup", "Lamp", "Pot", "Rack", "Stool", "Tray"];
const PEOPLE: [&str; 8] =
    ["Aarav Shah", "Diya Nair", "Ishaan Rao", "Kavya Iyer", "Manoj Pillai", "Nandini Bose", "Rahul Verma", "Zoya Khan"];

/// A company and what can be bought in its shops.
struct Trader {
    company: Company,
    shops: Vec<Shop>,
    goods: Vec<VariantId>,
    customers: Vec<Customer>,
}

/// Loads the large demo into an empty database; false when there is something already.
///
/// # Errors
/// When an act refuses, which would be a mistake in the demo's data.
pub async fn load(souk: &Souk) -> Result<bool> {
    if !demo::is_to_be_loaded(souk, &slug_of(0)).await? {
        return Ok(false);
    }
    fill(souk, LARGE).await?;
    Ok(true)
}

/// Adds companies with their trade beside whatever is there.
///
/// # Errors
/// As [`load`].
pub async fn fill(souk: &Souk, size: Size) -> Result<()> {
    let hash = identity::hash_password(PASSWORD).await?;
    // Seeded, so that every demo is the same one.
    let mut dice = StdRng::seed_from_u64(11);
    let mut bar = Bar { total: size.companies * (size.products + size.orders), done: 0, shown: None };
    for number in 0..size.companies {
        let long_ago = -i64::try_from(YEAR.as_micros()).unwrap_or_default();
        let trader = clock::shifted(long_ago, open(souk, number, size.products, &hash, &mut dice)).await?;
        bar.more(size.products);
        trade(souk, &trader, size.orders, &mut dice, &mut bar).await?;
        // What sells best is on the shelves at once, not from the first hourly count on.
        orders::count_popularity(souk, trader.company.id).await?;
        ledger::close_due(souk, trader.company.id).await?;
    }
    bar.end();
    // Nobody is written letters about a year that never was.
    let publishes = souk.settings().amqp_url.is_some();
    let listeners: &[_] = if publishes { &["notices", outbox::BROKER] } else { &["notices"] };
    outbox::forget_the_past(souk, listeners).await?;
    demo::end(souk, hash).await
}

fn name_of(number: usize) -> String {
    format!("{} {}", pick(&FIRST, number / SECOND.len()), pick(&SECOND, number))
}

fn slug_of(number: usize) -> String {
    name_of(number).to_lowercase().replace(' ', "-")
}

async fn open(souk: &Souk, number: usize, products: usize, hash: &str, dice: &mut StdRng) -> Result<Trader> {
    let (name, slug) = (name_of(number), slug_of(number));
    let platform = souk.platform("set-up").await?;
    let new = NewCompany {
        slug: slug.clone(),
        name: name.clone(),
        description: String::new(),
        currency: "INR".into(),
        zone: "Asia/Kolkata".into(),
        tax_rate: 1_800,
        tax_included: true,
        email: format!("hello@{slug}.test"),
        phone: String::new(),
        brand: None,
    };
    let company = companies::open(&platform, new).await?;
    platform.commit().await?;

    let scope = souk.write(Tenant::system(company.id)).await?;
    ledger::open_books(&scope).await?;
    companies::tell_opened(&scope, &company).await?;
    let mut shops = Vec::new();
    let mut places = Vec::new();
    for part in ["North", "South"] {
        let (city, state, postal_code) = CITIES.get(number % CITIES.len()).copied().unwrap_or_default();
        let new = NewShop {
            slug: part.to_lowercase(),
            name: format!("{name} {part}"),
            kind: "store".into(),
            line1: "1 Station Road".into(),
            city: city.into(),
            state: state.into(),
            postal_code: postal_code.into(),
            phone: String::new(),
            lat: None,
            lng: None,
            hours: vec![],
            ..NewShop::default()
        };
        let shop = shops::open(&scope, new).await?;
        places.push(inventory::open_location(&scope, "shop", &shop.slug, &shop.name, Some(shop.id)).await?);
        shops.push(shop);
    }
    let mut categories: Vec<CategoryId> = Vec::new();
    for kind in KINDS {
        let new = NewCategory { slug: Some(kind.to_lowercase()), name: kind.into(), ..NewCategory::default() };
        categories.push(catalog::add_category(&scope, new).await?);
    }
    let mut goods = Vec::with_capacity(products);
    for product in 0..products {
        let (_, ids) = catalog::add_product(&scope, new_product(product, &categories, dice)).await?;
        for id in ids {
            for place in &places {
                inventory::put_away(&scope, id, place, 5_000, 50).await?;
            }
            goods.push(id);
        }
    }
    scope.commit().await?;
    let all: Vec<_> = shops.iter().map(|shop| shop.id).collect();
    for (local, role, at) in [
        ("admin", Role::CompanyAdmin, vec![]),
        ("manager", Role::ShopManager, all.clone()),
        ("staff", Role::ShopStaff, all.first().copied().into_iter().collect()),
    ] {
        let person = pick(&PEOPLE, number + local.len());
        identity::add_staff(souk, &format!("{local}@{slug}.test"), person, hash.to_owned(), Some((company.id, role, at))).await?;
    }
    let scope = souk.write(Tenant::system(company.id)).await?;
    let mut customers = Vec::with_capacity(CUSTOMERS);
    for customer in 0..CUSTOMERS {
        let local = if customer == 0 { "customer".to_owned() } else { format!("customer{customer}") };
        let new = NewCustomer {
            email: format!("{local}@{slug}.test"),
            password: String::new(),
            name: pick(&PEOPLE, customer).to_owned(),
            phone: Some("+919800000001".into()),
        };
        customers.push(identity::register(&scope, new, hash.to_owned()).await?);
    }
    scope.commit().await?;
    Ok(Trader { company, shops, goods, customers })
}

fn new_product(number: usize, categories: &[CategoryId], dice: &mut StdRng) -> NewProduct {
    let (look, thing) = (pick(&LOOKS, number), pick(&THINGS, number / LOOKS.len()));
    let name = format!("{look} {thing} {}", number + 1);
    let price = Money(dice.random_range(50..=4_000) * 100);
    NewProduct {
        slug: Some(name.to_lowercase().replace(' ', "-")),
        description: format!("{look} {}, made to last.", thing.to_lowercase()),
        tags: vec![thing.to_lowercase()],
        category_id: categories.get(number % categories.len().max(1)).copied(),
        is_featured: number.is_multiple_of(40),
        variants: vec![NewVariant {
            sku: format!("P-{:05}", number + 1),
            barcode: Some(format!("89{:011}", number + 1)),
            name: "Standard".into(),
            translations: Translations::new(),
            attributes: Map::new(),
            price,
            compare_at_price: None,
            cost: price.portion(6, 10).unwrap_or_default(),
            sold_by: SoldBy::Unit,
        }],
        name,
        ..NewProduct::default()
    }
}

/// A year of orders in every state, oldest first, one customer's batch after the other.
async fn trade(souk: &Souk, trader: &Trader, orders: usize, dice: &mut StdRng, bar: &mut Bar) -> Result<()> {
    let batches = orders / BATCH;
    for batch in 0..batches {
        let age = YEAR * u32::try_from(batches - batch).unwrap_or(1) / u32::try_from(batches).unwrap_or(1);
        let shift = -i64::try_from(age.as_micros()).unwrap_or_default() + 60_000_000;
        let Some(customer) = trader.customers.get(dice.random_range(0..trader.customers.len())) else { continue };
        // One batch in twenty is paid by card: the gateway's own books take a commit for each.
        let by_card = batch % 20 == 7;
        let left = batches - batch;
        let end = match left {
            1 => Status::Confirmed,
            2 => Status::Processing,
            3 => Status::Packed,
            4 => Status::Shipped,
            5..=8 => Status::Delivered,
            _ if batch % 13 == 3 => Status::Cancelled,
            _ => Status::Completed,
        };
        clock::shifted(shift, one_batch(souk, trader, customer, by_card, end, dice)).await?;
        bar.more(BATCH);
    }
    Ok(())
}

async fn one_batch(souk: &Souk, trader: &Trader, customer: &Customer, by_card: bool, end: Status, dice: &mut StdRng) -> Result<()> {
    let buyer = Tenant {
        actor: Actor::Customer(customer.id),
        role: Role::Customer,
        name: customer.name.clone(),
        ..Tenant::system(trader.company.id)
    };
    let mut made = Vec::new();
    let Some(shop) = trader.shops.get(dice.random_range(0..trader.shops.len())) else { return Ok(()) };
    if by_card {
        for _ in 0..BATCH {
            let scope = souk.write(buyer.clone()).await?;
            let placed = orders::place(&scope, &new_order(customer, shop.id, &trader.goods, "test", dice)).await?;
            scope.commit().await?;
            orders::pay(souk, &buyer, placed.checkout.id, "tok_ok").await?;
            made.push(placed.checkout.id);
        }
    } else {
        let scope = souk.write(buyer.clone()).await?;
        for _ in 0..BATCH {
            match orders::place(&scope, &new_order(customer, shop.id, &trader.goods, "cod", dice)).await {
                Ok(placed) => made.push(placed.checkout.id),
                // A basket too dear for cash on delivery is no sale; it was refused before anything was written.
                Err(Error::Conflict { code: "cod_limit", .. }) => {}
                Err(error) => return Err(error),
            }
        }
        scope.commit().await?;
    }
    let actor = if end == Status::Cancelled {
        buyer
    } else {
        Tenant { name: "Kiran Patel".into(), role: Role::ShopStaff, ..Tenant::system(trader.company.id) }
    };
    let scope = souk.write(actor).await?;
    for checkout in made {
        for order in orders::of_checkout(&scope, checkout).await? {
            bring_to(&scope, order.id, order.status, end).await?;
        }
    }
    scope.commit().await
}

async fn bring_to(scope: &crate::tenancy::Scope, id: OrderId, from: Status, end: Status) -> Result<()> {
    if end == Status::Cancelled {
        let why = Cancellation { reason: "changed my mind".into(), items: None };
        return orders::cancel(scope, id, &why).await.map(|_| ());
    }
    let mut at = from;
    while at != end {
        let Some(next) = at.next() else { break };
        at = orders::advance(scope, id, &Step { status: next, note: String::new(), tracking_number: None }, None).await?.status;
    }
    Ok(())
}

fn new_order(customer: &Customer, shop: ShopId, goods: &[VariantId], gateway: &str, dice: &mut StdRng) -> NewOrder {
    let mut items: Vec<NewItem> = Vec::new();
    for _ in 0..dice.random_range(1..=3) {
        let Some(variant_id) = goods.get(dice.random_range(0..goods.len())).copied() else { continue };
        if items.iter().all(|item| item.variant_id != variant_id) {
            items.push(NewItem { variant_id, shop_id: shop, quantity: dice.random_range(1..=2) });
        }
    }
    NewOrder { shipping_address: Some(address(customer)), gateway: gateway.into(), items: Some(items), ..NewOrder::default() }
}

fn pick<'a>(words: &[&'a str], number: usize) -> &'a str {
    words.get(number % words.len().max(1)).copied().unwrap_or_default()
}

/// How far the work is, on the terminal in one line, elsewhere a line at every tenth.
struct Bar {
    total: usize,
    done: usize,
    shown: Option<usize>,
}

impl Bar {
    fn more(&mut self, done: usize) {
        self.done += done;
        let percent = self.done * 100 / self.total.max(1);
        let step = if std::io::stderr().is_terminal() { percent } else { percent / 10 * 10 };
        if self.shown == Some(step) {
            return;
        }
        self.shown = Some(step);
        let filled = step * 30 / 100;
        let (start, end) = if std::io::stderr().is_terminal() { ("\r", "") } else { ("", "\n") };
        eprint!("{start}[{}{}] {step:3} %, {} of {} rows{end}", "#".repeat(filled), ".".repeat(30 - filled), self.done, self.total);
    }

    fn end(&self) {
        if std::io::stderr().is_terminal() {
            eprintln!();
        }
    }
}
