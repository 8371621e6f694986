//! The demo's trade: customers who join, and a month of what they bought.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{DAY, Shelf, at_work};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{CompanyId, OrderId},
    models::{
        carts::NewItem,
        identity::{self, Customer, CustomerChange, NewCustomer},
        orders::{self, CancelLine, Cancellation, NewOrder, Status, Step},
    },
    tenancy::{Actor, Role, Souk, Tenant},
};

const ORDERS: usize = 60;
/// Microseconds.
const HOUR: i64 = 3_600_000_000;

/// A month of orders in every state, oldest first.
pub(super) async fn trade(souk: &Souk, slug: &str, company: CompanyId, shelves: &[Shelf], hash: &str) -> Result<()> {
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
    let retailer = join(souk, company, &format!("retailer@{slug}.test"), "Meera Traders", hash).await?;
    let scope = souk.write(Tenant::system(company)).await?;
    let wholesale = CustomerChange { group: Some("retailer".into()), ..CustomerChange::default() };
    customers.push(identity::change_customer(&scope, retailer.id, wholesale, None).await?);
    scope.commit().await?;
    let shop = Shop {
        souk,
        company,
        shelves,
        staff: at_work(souk, company, &format!("staff@{slug}.test"), Role::ShopStaff).await?,
        manager: at_work(souk, company, &format!("manager@{slug}.test"), Role::ShopManager).await?,
    };
    for number in 0..ORDERS {
        let age = match ORDERS - number {
            // What nobody has paid yet is young enough for its goods to be kept.
            left @ 1..=2 => Duration::from_secs(180 * left as u64),
            // The last day has its sales too.
            left @ 3..=6 => Duration::from_secs(4 * 3_600 * (left as u64 - 2)),
            left => DAY * 30 * u32::try_from(left).unwrap_or(1) / u32::try_from(ORDERS).unwrap_or(1),
        };
        let shift = -i64::try_from(age.as_micros()).unwrap_or_default() + 60_000_000;
        let customer = customers.get(dice.random_range(0..customers.len())).cloned();
        let Some(customer) = customer else { continue };
        clock::shifted(shift, shop.one_order(shift, &customer, &mut dice, Course::of(number))).await?;
    }
    Ok(())
}

/// Where the trade goes on, and who works there.
struct Shop<'a> {
    souk: &'a Souk,
    company: CompanyId,
    shelves: &'a [Shelf],
    staff: Tenant,
    manager: Tenant,
}

/// How many hours after its order a step is done.
const fn hours_until(step: Status) -> i64 {
    match step {
        Status::Pending | Status::Confirmed | Status::Cancelled => 0,
        Status::Processing => 1,
        Status::Packed => 2,
        Status::Shipped => 6,
        Status::Delivered => 30,
        Status::Returned => 52,
        Status::Completed => 30 + 24 * 7,
    }
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
            _ if number % 17 == 9 => (Status::Returned, Some("tok_ok")),
            _ => (Status::Completed, Some("tok_ok")),
        };
        Self { end, method, spans_shops: number % 8 == 5, loses_a_line: number % 9 == 7 && end != Status::Cancelled }
    }
}

/// Where the demo's parcels go.
pub(in crate::tasks) fn address(customer: &Customer) -> identity::Address {
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

impl Shop<'_> {
    /// An order and what becomes of it, by a clock that is moved by `shift` microseconds when it begins.
    async fn one_order(&self, shift: i64, customer: &Customer, dice: &mut StdRng, course: Course) -> Result<()> {
        let (souk, company) = (self.souk, self.company);
        let items = basket(self.shelves, dice, course.spans_shops);
        let on_delivery = dice.random_range(0..4) == 0 && course.end != Status::Pending;
        let new = NewOrder {
            shipping_address: Some(address(customer)),
            gateway: if on_delivery { "cod" } else { "test" }.into(),
            items: Some(items),
            ..NewOrder::default()
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
        let scope = souk.read(self.staff.clone()).await?;
        let made = orders::of_checkout(&scope, placed.checkout.id).await?;
        drop(scope);
        for order in made {
            let scope = souk.read(self.staff.clone()).await?;
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
                let next = if course.end == Status::Returned && at.can_come_back() { Some(Status::Returned) } else { at.next() };
                let Some(next) = next else { break };
                let (by, note) = if next == Status::Returned { (&self.manager, "nobody was at home, twice") } else { (&self.staff, "") };
                let tracking_number = (next == Status::Shipped).then(|| format!("SK{:08}", dice.random_range(0..99_999_999)));
                let step = Step { status: next, note: note.into(), tracking_number };
                at = clock::shifted(shift + hours_until(next) * HOUR, self.step(by, order.id, &step)).await?;
            }
        }
        Ok(())
    }

    async fn step(&self, by: &Tenant, order: OrderId, step: &Step) -> Result<Status> {
        let scope = self.souk.write(by.clone()).await?;
        let order = orders::advance(&scope, order, step, None).await?;
        scope.commit().await?;
        Ok(order.status)
    }
}
