//! `Access<P>`: the permission in the handler's signature, and the only source of a scope there.

use std::marker::PhantomData;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use super::{Actor, PLATFORM_COMPANY, Permission, Role, Scope, Souk, Tenant};
use crate::{
    errors::{Error, Result},
    ids::{CompanyId, ShopId},
    models::{companies, identity},
};

/// What the outermost layer learned of a request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub id: String,
    pub ip: String,
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

    /// A unit of work.
    ///
    /// # Errors
    /// 400 for the platform's people without a company; else when the database cannot be reached.
    pub async fn write(&self) -> Result<Scope> {
        if self.tenant.company == PLATFORM_COMPANY {
            return Err(Error::Malformed { code: "company_required", detail: "name a company with the header X-Company".into() });
        }
        self.souk.write(self.tenant.clone()).await
    }

    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    #[must_use]
    pub const fn souk(&self) -> &Souk {
        &self.souk
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

    /// The guest cart's token, when one came along.
    #[must_use]
    pub fn cart_token(&self) -> Option<String> {
        self.cart_token.clone()
    }

    /// Who an idempotency key belongs to: the person, or for a guest the cart.
    #[must_use]
    pub fn caller(&self) -> String {
        match (self.tenant.actor.id(), &self.cart_token) {
            (Some(id), _) => id.to_string(),
            (None, Some(token)) => format!("cart:{}", super::keys::hash(token.as_bytes())),
            (None, None) => "guest".into(),
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
        let request = parts.extensions.get::<Request>().cloned().unwrap_or_default();
        let is_page = !parts.uri.path().starts_with("/api");
        let headers = &parts.headers;
        let mut claims = None;
        let mut portal = None;
        let mut tenant = if is_page {
            let cookie = cookie(headers, "souk_session").ok_or(Error::NotSignedIn { code: "not_signed_in" })?;
            let person = identity::caller_of_cookie(souk, &cookie).await?;
            let tenant = person.tenant.clone();
            portal = Some(person);
            tenant
        } else if let Some(token) = bearer(headers)? {
            let read = identity::read_token(souk, token)?;
            // The company of a token is its own; a header or host that names another is refused.
            let named = named_company(souk, headers).await?;
            let tenant = identity::caller_of_claims(souk, &read, named).await?;
            claims = Some(read);
            tenant
        } else {
            let company = named_company(souk, headers).await?;
            let company =
                company.ok_or(Error::Malformed { code: "company_required", detail: "name a company with the header X-Company".into() })?;
            Tenant { actor: Actor::Guest, role: Role::Public, name: "guest".into(), ..Tenant::system(company) }
        };
        tenant.ip_address = request.ip;
        tenant.request_id = request.id;
        tenant.user_agent = text(headers, header::USER_AGENT.as_str()).unwrap_or_default().chars().take(200).collect();
        if !tenant.role.may(P::NAME) {
            return Err(if tenant.role == Role::Public {
                Error::NotSignedIn { code: "not_signed_in" }
            } else {
                Error::NotAllowed { code: "forbidden" }
            });
        }
        let cart_token = text(headers, "x-cart-token").map(str::to_owned);
        Ok(Self { souk: souk.clone(), tenant, claims, portal, cart_token, permission: PhantomData })
    }
}

/// The company a request names without a person: for register and sign-in.
pub struct Guest {
    pub company: Option<CompanyId>,
    pub ip: String,
    pub agent: String,
    pub request_id: String,
    pub cart_token: Option<String>,
}

impl Guest {
    /// # Errors
    /// 400 `company_required`.
    pub fn company(&self) -> Result<CompanyId> {
        self.company.ok_or(Error::Malformed { code: "company_required", detail: "name a company with the header X-Company".into() })
    }

    /// Somebody who is not signed in, in this company.
    #[must_use]
    pub fn tenant(&self, company: CompanyId) -> Tenant {
        Tenant {
            actor: Actor::Guest,
            role: Role::Public,
            name: "guest".into(),
            ip_address: self.ip.clone(),
            user_agent: self.agent.clone(),
            request_id: self.request_id.clone(),
            ..Tenant::system(company)
        }
    }
}

impl FromRequestParts<Souk> for Guest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, souk: &Souk) -> Result<Self> {
        let request = parts.extensions.get::<Request>().cloned().unwrap_or_default();
        Ok(Self {
            company: named_company(souk, &parts.headers).await?,
            ip: request.ip,
            agent: text(&parts.headers, header::USER_AGENT.as_str()).unwrap_or_default().into(),
            request_id: request.id,
            cart_token: text(&parts.headers, "x-cart-token").map(str::to_owned),
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    match text(headers, header::AUTHORIZATION.as_str()) {
        None => Ok(None),
        Some(value) => value.strip_prefix("Bearer ").map(Some).ok_or(Error::NotSignedIn { code: "token_invalid" }),
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

/// The company of the header `X-Company`, or of a host under the base domain.
async fn named_company(souk: &Souk, headers: &HeaderMap) -> Result<Option<CompanyId>> {
    let host = text(headers, header::HOST.as_str()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let of_host = host.strip_suffix(&format!(".{}", souk.settings().base_domain));
    let Some(slug) = text(headers, "x-company").or(of_host) else { return Ok(None) };
    let platform = souk.platform("company-by-name").await?;
    let company = companies::by_slug(&platform, slug).await?;
    company.map(|company| Some(company.id)).ok_or(Error::NotFound { code: "company_unknown" })
}
