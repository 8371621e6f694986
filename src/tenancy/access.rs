//! `Access<P>`: the permission in the handler's signature, and the only source of a scope there.

use std::marker::PhantomData;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
};

use super::{
    Actor, PLATFORM_COMPANY, Permission, Role, Scope, Souk, Tenant,
    limits::{Client, Meter, Side},
    roles,
};
use crate::{
    errors::{Error, Result},
    ids::{CompanyId, ShopId, StaffId},
    models::{
        companies::{self, Standing},
        identity,
    },
};

/// What the outermost layer learned of a request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub id: String,
    pub ip: String,
    pub meter: Meter,
}

/// The company that a page's form was made for, where the form says it.
#[derive(Clone, Copy, Debug)]
pub struct MadeFor(pub CompanyId);

/// What a form is refused with that was made for another company than its person is in by now.
pub const OTHER_COMPANY: &str = "other_company";

/// Where a request comes from, as sessions and the audit note it.
#[derive(Clone, Debug, Default)]
pub struct Device {
    pub ip: String,
    pub agent: String,
    pub request_id: String,
}

impl Device {
    fn of(parts: &Parts) -> Self {
        let request = parts.extensions.get::<Request>().cloned().unwrap_or_default();
        let agent = text(&parts.headers, header::USER_AGENT.as_str()).unwrap_or_default();
        Self { ip: request.ip, agent: agent.chars().take(200).collect(), request_id: request.id }
    }

    /// `tenant`, as it acts from this device.
    #[must_use]
    pub fn used_by(&self, tenant: Tenant) -> Tenant {
        Tenant { ip_address: self.ip.clone(), user_agent: self.agent.clone(), request_id: self.request_id.clone(), ..tenant }
    }

    /// Somebody who is not signed in, in this company.
    #[must_use]
    pub fn guest(&self, company: CompanyId) -> Tenant {
        self.used_by(Tenant { actor: Actor::Guest, role: Role::Public, name: "guest".into(), ..Tenant::system(company) })
    }
}

impl FromRequestParts<Souk> for Device {
    type Rejection = Error;

    /// Whoever comes in without a sign-in of theirs is counted at the door.
    async fn from_request_parts(parts: &mut Parts, souk: &Souk) -> Result<Self> {
        let device = Self::of(parts);
        souk.limits().admit(Client::Door(&device.ip), &meter(parts))?;
        Ok(device)
    }
}

fn meter(parts: &Parts) -> Meter {
    parts.extensions.get::<Request>().map(|request| request.meter.clone()).unwrap_or_default()
}

/// A caller who may do `P`.
pub struct Access<P> {
    souk: Souk,
    tenant: Tenant,
    claims: Option<identity::Claims>,
    portal: Option<identity::Portal>,
    cart_token: Option<String>,
    permission: PhantomData<P>,
}

impl<P: Permission> Access<P> {
    /// A unit of reads.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn read(&self) -> Result<Scope> {
        self.souk.read(self.tenant.clone()).await
    }

    /// A unit of reads of what is only read company by company.
    ///
    /// # Errors
    /// 400 for the platform's people without a company; else when the database cannot be reached.
    pub async fn read_company(&self) -> Result<Scope> {
        self.ensure_company()?;
        self.read().await
    }

    /// A unit of work.
    ///
    /// # Errors
    /// 400 for the platform's people without a company; else when the database cannot be reached.
    pub async fn write(&self) -> Result<Scope> {
        self.ensure_company()?;
        self.souk.write(self.tenant.clone()).await
    }

    /// # Errors
    /// 400 for the platform's people without a company: what they write, they write somewhere, and much is
    /// read company by company.
    pub fn ensure_company(&self) -> Result<()> {
        if self.tenant.company == PLATFORM_COMPANY {
            return Err(Error::Malformed { code: "company_required", detail: "name a company with the header X-Company".into() });
        }
        Ok(())
    }

    /// Whether this is one of the platform's people who named no company, and so looks across them.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.tenant.role == Role::SuperAdmin && self.tenant.company == PLATFORM_COMPANY
    }

    /// The same access within a company that one of the platform's people found across companies.
    /// For everybody else only their own company is a company.
    ///
    /// # Errors
    /// 404 for another company than the request's own.
    pub fn within(mut self, company: CompanyId) -> Result<Self> {
        if self.tenant.role == Role::SuperAdmin && self.tenant.company == PLATFORM_COMPANY {
            self.tenant.company = company;
        }
        if self.tenant.company == company { Ok(self) } else { Err(Error::NOT_FOUND) }
    }

    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    #[must_use]
    pub const fn souk(&self) -> &Souk {
        &self.souk
    }

    /// The same caller for something else that they may do, at the shops where they may do that:
    /// for pages that show several things.
    #[must_use]
    pub fn also<Q: Permission>(&self) -> Option<Access<Q>> {
        Some(Access {
            souk: self.souk.clone(),
            tenant: self.tenant.clone().narrowed(Q::NAME)?,
            claims: self.claims.clone(),
            portal: self.portal.clone(),
            cart_token: self.cart_token.clone(),
            permission: PhantomData,
        })
    }

    /// The access token's claims, for acts on the session itself.
    ///
    /// # Errors
    /// 401 without a token.
    pub fn claims(&self) -> Result<&identity::Claims> {
        self.claims.as_ref().ok_or(Error::NotSignedIn { code: "not_signed_in" })
    }

    /// The portal's person.
    ///
    /// # Errors
    /// 401 without a session.
    pub fn portal(&self) -> Result<&identity::Portal> {
        self.portal.as_ref().ok_or(Error::NotSignedIn { code: "not_signed_in" })
    }

    /// The signed-in person, with the session they use now.
    ///
    /// # Errors
    /// 401 when nobody is signed in.
    pub fn holder(&self) -> Result<identity::Holder> {
        if let Some(portal) = &self.portal {
            return Ok(identity::Holder { whose: identity::Whose::Staff(portal.staff.id), session: portal.session });
        }
        let claims = self.claims()?;
        let whose = match self.tenant.actor {
            Actor::Customer(id) => identity::Whose::Customer(self.tenant.company, id),
            _ => identity::Whose::Staff(StaffId(claims.user_id)),
        };
        Ok(identity::Holder { whose, session: claims.sid })
    }

    /// The guest cart's token, when one came along.
    #[must_use]
    pub fn cart_token(&self) -> Option<String> {
        self.cart_token.clone()
    }

    /// Who an idempotency key belongs to: the person, or for a guest the cart.
    ///
    /// # Errors
    /// 422 for a guest without a cart: two of them would share each other's answers.
    pub fn caller(&self) -> Result<String> {
        match (self.tenant.actor.id(), &self.cart_token) {
            (Some(id), _) => Ok(id.to_string()),
            (None, Some(token)) => Ok(format!("cart:{}", super::keys::hash(token.as_bytes()))),
            (None, None) => Err(Error::invalid("Idempotency-Key", "no_caller", "a guest's key belongs to a cart: send X-Cart-Token")),
        }
    }

    /// # Errors
    /// 404 when a shop role names a shop that is not theirs.
    pub fn ensure_shop(&self, shop: ShopId) -> Result<()> {
        let theirs = self.tenant.shops.as_ref().is_none_or(|shops| shops.contains(&shop));
        if theirs { Ok(()) } else { Err(Error::NOT_FOUND) }
    }
}

impl<P: Permission> FromRequestParts<Souk> for Access<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, souk: &Souk) -> Result<Self> {
        let device = Device::of(parts);
        let (limits, meter) = (souk.limits(), meter(parts));
        let is_page = !parts.uri.path().starts_with("/api");
        let headers = &parts.headers;
        let mut claims = None;
        let mut portal = None;
        let tenant = if is_page {
            let cookie = cookie(headers, "souk_session").ok_or(Error::NotSignedIn { code: "not_signed_in" })?;
            let secret = cookie.as_bytes();
            limits.admit(if limits.knows(secret) { Client::Person(secret) } else { Client::Guest(&device.ip) }, &meter)?;
            let person = identity::caller_of_cookie(souk, &cookie).await?;
            limits.remember(secret);
            let tenant = person.tenant_on(&place(parts));
            // Sessions are a browser's and forms are a tab's: the person may have gone on to another company since.
            if parts.extensions.get::<MadeFor>().is_some_and(|form| form.0 != tenant.company) {
                return Err(Error::conflict(OTHER_COMPANY, "the form was made for another company", serde_json::json!({})));
            }
            portal = Some(person);
            tenant
        } else if let Some(token) = bearer(headers)? {
            // Whose requests these are is known before the database is asked.
            let read = match identity::read_token(souk, token) {
                Ok(read) => read,
                Err(refusal) => {
                    limits.admit(Client::Guest(&device.ip), &meter)?;
                    return Err(refusal);
                }
            };
            limits.admit(Client::Person(read.user_id.as_bytes()), &meter)?;
            // The company of a token is its own; a header or host that names another is refused.
            let named = named_company(souk, headers).await?;
            let tenant = identity::caller_of_claims(souk, &read, named.map(|(id, _)| id)).await?;
            claims = Some(read);
            tenant
        } else {
            limits.admit(Client::Guest(&device.ip), &meter)?;
            let company = named_company(souk, headers).await?;
            let (company, standing) =
                company.ok_or(Error::Malformed { code: "company_required", detail: "name a company with the header X-Company".into() })?;
            Tenant { actor: Actor::Guest, role: Role::Public, name: "guest".into(), standing, ..Tenant::system(company) }
        };
        let tenant = device.used_by(tenant);
        let role = tenant.role;
        let side = match role {
            Role::Public => Side::Guests,
            Role::Customer => Side::Customers,
            _ => Side::Staff,
        };
        limits.admit(Client::Company(tenant.company, side), &meter)?;
        let refusal = || match role {
            Role::Public => Error::NotSignedIn { code: "not_signed_in" },
            _ => Error::NotAllowed { code: "forbidden" },
        };
        let tenant = tenant.narrowed(P::NAME).ok_or_else(refusal)?;
        refuse_lapsed(&tenant, &parts.method, parts.uri.path(), P::NAME)?;
        let cart_token = text(headers, "x-cart-token").map(str::to_owned);
        Ok(Self { souk: souk.clone(), tenant, claims, portal, cart_token, permission: PhantomData })
    }
}

/// Refuses to change anything for a company whose subscription has lapsed, whoever asks and through
/// whichever door. The standing came with the caller's own row, so this asks nothing.
fn refuse_lapsed(tenant: &Tenant, method: &Method, path: &str, permission: &str) -> Result<()> {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    // One's own account is one's own; other people's are not, under whatever permission they are reached.
    let is_own = roles::holds_while_lapsed(permission) && !path.starts_with("/api/users");
    if reads || tenant.standing != Standing::Lapsed || is_own {
        return Ok(());
    }
    Err(Error::NotAllowed { code: "subscription_lapsed" })
}

/// The company a request names without a person: for register and sign-in.
pub struct Guest {
    pub company: Option<CompanyId>,
    /// How that company stands with the platform.
    pub standing: Standing,
    pub device: Device,
    pub cart_token: Option<String>,
}

impl Guest {
    /// # Errors
    /// 400 `company_required`.
    pub fn company(&self) -> Result<CompanyId> {
        self.company.ok_or(Error::Malformed { code: "company_required", detail: "name a company with the header X-Company".into() })
    }

    /// The company, where it still takes new customers.
    ///
    /// # Errors
    /// 400 `company_required`; 403 `subscription_lapsed`.
    pub fn open_company(&self) -> Result<CompanyId> {
        let company = self.company()?;
        if self.standing == Standing::Lapsed { Err(Error::NotAllowed { code: "subscription_lapsed" }) } else { Ok(company) }
    }
}

impl FromRequestParts<Souk> for Guest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, souk: &Souk) -> Result<Self> {
        let device = Device::from_request_parts(parts, souk).await?;
        let named = named_company(souk, &parts.headers).await?;
        Ok(Self {
            company: named.map(|(id, _)| id),
            standing: named.map(|(_, standing)| standing).unwrap_or_default(),
            device,
            cart_token: text(&parts.headers, "x-cart-token").map(str::to_owned),
        })
    }
}

/// Which page a request is about: for the jump box the one that it was opened on.
fn place(parts: &Parts) -> String {
    let path = parts.uri.path();
    let query = parts.uri.query().filter(|_| path == "/jump").unwrap_or_default();
    let query: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    query.into_iter().find(|(name, _)| name == "from").map_or_else(|| path.to_owned(), |(_, from)| from)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    match text(headers, header::AUTHORIZATION.as_str()) {
        None => Ok(None),
        Some(value) => match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token)),
            _ => Err(Error::NotSignedIn { code: "token_invalid" }),
        },
    }
}

/// A cookie's value.
#[must_use]
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// The company of the header `X-Company`, of a host under the base domain or of its own domain, and how
/// it stands. A host that is nobody's names none.
async fn named_company(souk: &Souk, headers: &HeaderMap) -> Result<Option<(CompanyId, Standing)>> {
    let host = text(headers, header::HOST.as_str()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let base = souk.settings().base_domain.as_str();
    let of_host = host.strip_suffix(base).and_then(|slug| slug.strip_suffix('.'));
    let found = |company: companies::Company| (company.id, company.standing);
    let Some(slug) = text(headers, "x-company").or(of_host) else {
        if host == base || !is_name(host) {
            return Ok(None);
        }
        let platform = souk.platform("company-by-name").await?;
        return Ok(companies::by_domain(&platform, host).await?.map(found));
    };
    let platform = souk.platform("company-by-name").await?;
    let company = companies::by_slug(&platform, slug).await?;
    company.map(|company| Some(found(company))).ok_or(Error::NotFound { code: "company_unknown" })
}

/// Whether a host can be somebody's domain: an address or a single word is none.
fn is_name(host: &str) -> bool {
    host.contains('.') && host.parse::<std::net::Ipv4Addr>().is_err()
}
