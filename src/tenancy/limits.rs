//! How much one client may ask: kept in this process, and off the way of whoever stays below.
//!
//! Each limit is so many requests a minute, all at once or evenly. A limit remembers one moment for
//! each client (the generic cell rate algorithm): no counters, no windows with edges.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    clock,
    errors::{Error, Result},
    ids::CompanyId,
    settings::RateLimits,
};

const MINUTE: i64 = 60_000_000;
const SHARDS: usize = 16;
/// A shard is swept when it has grown to twice of what was left by the sweep before, at least this.
const SWEEP_AT_LEAST: usize = 4_096;

/// Who is limited.
#[derive(Clone, Copy, Debug)]
pub enum Client<'a> {
    /// An address at the doors by which one becomes known: sign-in, registration, letters, refresh.
    Door(&'a str),
    /// An address without a sign-in.
    Guest(&'a str),
    /// A signed-in person, by whatever names them.
    Person(&'a [u8]),
    /// Everybody of one side of a company: neither strangers nor its customers shut its staff out.
    Company(CompanyId, Side),
}

/// Who asks something of a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Guests,
    Customers,
    Staff,
}

/// For how long a sign-in that was found is known here without being found again.
const KNOWN: i64 = 15 * MINUTE;

/// What a request learned of its limits, for the headers of its answer.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Option<Standing>>>);

impl Meter {
    fn note(&self, standing: Standing) {
        let mut nearest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let share = |one: &Standing| i128::from(one.remaining) * 1_000_000 / i128::from(one.limit);
        if nearest.as_ref().is_none_or(|one| share(&standing) < share(one)) {
            *nearest = Some(standing);
        }
    }

    /// The limit that is nearest.
    #[must_use]
    pub fn nearest(&self) -> Option<Standing> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub limit: i64,
    pub remaining: i64,
    /// Seconds until all of the limit is there again.
    pub reset_seconds: i64,
}

#[derive(Default)]
struct Shard {
    /// A client's hash, and the moment (in microseconds) at which all of its limit is there again; a
    /// known secret's, and the moment until which it is known.
    full_at: HashMap<u64, i64>,
    sweep_at: usize,
}

/// The limits of this process.
pub struct Limits {
    rates: Option<RateLimits>,
    /// Seeded by chance, so that nobody can choose an address to collide with somebody.
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

impl Limits {
    #[must_use]
    pub fn new(rates: Option<RateLimits>) -> Self {
        Self { rates, hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Counts one request of `client`; nothing when limits are switched off.
    ///
    /// # Errors
    /// 429 with the seconds until the next may come.
    pub fn admit(&self, client: Client<'_>, meter: &Meter) -> Result<()> {
        let Some(rates) = &self.rates else { return Ok(()) };
        let (limit, key) = match client {
            Client::Door(address) => (rates.doors, self.hasher.hash_one((0_u8, network(address)))),
            Client::Guest(address) => (rates.guests, self.hasher.hash_one((1_u8, network(address)))),
            Client::Person(name) => (rates.person, self.hasher.hash_one((2_u8, name))),
            Client::Company(id, side) => (rates.company, self.hasher.hash_one((3_u8, id.0, side))),
        };
        let limit = i64::from(limit.get());
        let taken = self.take(key, limit, clock::now().micros());
        meter.note(match &taken {
            Ok(standing) => *standing,
            Err(wait) => Standing { limit, remaining: 0, reset_seconds: *wait },
        });
        taken.map(|_| ()).map_err(|wait| Error::TooMany { retry_after_seconds: wait.unsigned_abs() })
    }

    /// Whether a sign-in by this secret was found lately. A secret that anybody can invent is otherwise
    /// their address's matter, so that nobody gets a limit of their own by inventing another.
    #[must_use]
    pub fn knows(&self, secret: &[u8]) -> bool {
        let (key, now) = (self.hasher.hash_one((4_u8, secret)), clock::now().micros());
        self.shard(key, now).full_at.get(&key).is_some_and(|until| *until > now)
    }

    /// Remembers that a sign-in by this secret was found.
    pub fn remember(&self, secret: &[u8]) {
        let (key, now) = (self.hasher.hash_one((4_u8, secret)), clock::now().micros());
        self.shard(key, now).full_at.insert(key, now + KNOWN);
    }

    /// What is left after this request, or the seconds until it may come again.
    fn take(&self, key: u64, limit: i64, now: i64) -> Result<Standing, i64> {
        let step = std::cmp::max(MINUTE / limit, 1);
        let mut shard = self.shard(key, now);
        let full_at = shard.full_at.entry(key).or_insert(now);
        let next = std::cmp::max(*full_at, now) + step;
        let beyond = next - now - step * limit;
        if beyond > 0 {
            return Err((beyond + 999_999) / 1_000_000);
        }
        *full_at = next;
        drop(shard);
        Ok(Standing { limit, remaining: -beyond / step, reset_seconds: (next - now + 999_999) / 1_000_000 })
    }

    /// The shard of a key, without what is over when it has grown.
    fn shard(&self, key: u64, now: i64) -> MutexGuard<'_, Shard> {
        let index = usize::from(key.to_le_bytes()[0]) % SHARDS;
        // A panic between two lines of arithmetic cannot leave a shard half written.
        let mut shard = self.shards[index].lock().unwrap_or_else(PoisonError::into_inner);
        if shard.full_at.len() >= std::cmp::max(shard.sweep_at, SWEEP_AT_LEAST) {
            shard.full_at.retain(|_, full_at| *full_at > now);
            shard.sweep_at = shard.full_at.len() * 2;
        }
        shard
    }
}

/// Whom an address stands for: one machine of the old kind, a household of the new (64 bits).
fn network(address: &str) -> u128 {
    match address.parse() {
        Ok(IpAddr::V4(address)) => u128::from(address.to_bits()),
        Ok(IpAddr::V6(address)) => address.to_ipv4_mapped().map_or(address.to_bits() >> 64 << 64, |address| u128::from(address.to_bits())),
        Err(_) => 0,
    }
}

/// The networks whose word about a client's address is believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<(IpAddr, u32)>);

impl Proxies {
    /// Reads a comma list of addresses and networks, `10.0.0.0/8, ::1`.
    ///
    /// # Errors
    /// When a part is neither.
    pub fn parse(list: &str) -> Result<Self> {
        let one = |part: &str| {
            let (address, length) = part.split_once('/').unwrap_or((part, ""));
            let address: IpAddr = address.parse().ok()?;
            let bits = if address.is_ipv4() { 32 } else { 128 };
            let length = if length.is_empty() { bits } else { length.parse().ok().filter(|length| *length <= bits)? };
            Some((address, length))
        };
        let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
        let wrong = |part: &str| Error::internal(format!("SOUK_TRUSTED_PROXIES: `{part}` is no address and no network such as 10.0.0.0/8"));
        parts.map(|part| one(part).ok_or_else(|| wrong(part))).collect::<Result<_>>().map(Self)
    }

    fn trust(&self, address: IpAddr) -> bool {
        let same = |left: u128, right: u128, width: u32, length: u32| length == 0 || (left ^ right) >> (width - length) == 0;
        self.0.iter().any(|(network, length)| match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => same(network.to_bits().into(), address.to_bits().into(), 32, *length),
            (IpAddr::V6(network), IpAddr::V6(address)) => same(network.to_bits(), address.to_bits(), 128, *length),
            _ => false,
        })
    }

    /// The client behind `peer`: `X-Forwarded-For` is read from the right, as far as those who
    /// wrote it are trusted. What a client wrote itself stands further left, and is never reached.
    #[must_use]
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        let mut client = peer.to_canonical();
        for said in forwarded.rev().flat_map(|line| line.rsplit(',')) {
            if !self.trust(client) {
                return client;
            }
            match said.trim().parse::<IpAddr>() {
                Ok(address) => client = address.to_canonical(),
                Err(_) => return client,
            }
        }
        client
    }
}
