//! Sessions: what a token or a cookie stands for, and how it ends.
//!
//! An access token lives 15 minutes, a refresh token 7 days and is used once: used again, its
//! whole family ends. A portal's cookie is an opaque secret of which only the hash is kept.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{assignment, customer, customer_session, member, refresh_token, sign_in::Person, staff, staff_session};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{CompanyId, CustomerId, RowId, SessionId, ShopId, StaffId},
    tenancy::{Actor, PLATFORM_COMPANY, Platform, Role, Souk, Tenant, keys},
};

const ACCESS: Duration = Duration::from_secs(15 * 60);
const REFRESH: Duration = Duration::from_secs(7 * 24 * 3_600);
const PORTAL: Duration = Duration::from_secs(14 * 3_600);
const ISSUER: &str = "souk";
const AUDIENCE: &str = "souk-api";

/// What an access token says. It informs clients; permissions are decided from the rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    pub user_id: Uuid,
    pub email: String,
    pub role: Role,
    pub company_id: Option<CompanyId>,
    pub shop_ids: Vec<ShopId>,
    pub permissions: Vec<String>,
    pub sid: SessionId,
    pub iss: String,
    pub aud: String,
    /// Seconds since 1970.
    pub iat: i64,
    /// Seconds since 1970.
    pub exp: i64,
}

/// A pair of tokens, as a client gets it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedTokens {
    pub access_token: String,
    pub refresh_token: String,
    /// Seconds.
    pub expires_in: u64,
}

/// A portal's signed-in person.
#[derive(Clone, Debug)]
pub struct Portal {
    pub session: SessionId,
    pub staff: staff::Model,
    pub tenant: Tenant,
}

/// Where a person stands in a company.
struct Standing {
    actor: Actor,
    role: Role,
    shops: Option<Vec<ShopId>>,
}

/// Opens a session and issues its first pair of tokens; for a portal the refresh token is the cookie.
pub async fn issue(souk: &Souk, company: Option<CompanyId>, person: &Person, ip: &str, agent: &str, portal: bool) -> Result<IssuedTokens> {
    let now = clock::now();
    let session = SessionId::new();
    let secret = keys::random();
    let token = keys::hash(secret.as_bytes());
    let platform = souk.platform("sign-in").await?;
    let (claims, of_company) = match person {
        Person::Customer(customer) => {
            platform
                .insert(customer_session::Model {
                    company_id: customer.company_id,
                    id: session,
                    customer_id: customer.id,
                    token: token.clone(),
                    ip_address: ip.into(),
                    user_agent: agent.chars().take(200).collect(),
                    created_at: now,
                    expires_at: now.plus(REFRESH),
                    revoked_at: None,
                })
                .await?;
            (customer_claims(customer, session), Some(customer.company_id))
        }
        Person::Staff(staff) => {
            let company = match company {
                Some(company) => Some(company),
                None => home_company(&platform, staff).await?,
            };
            platform
                .insert(staff_session::Model {
                    id: session,
                    staff_id: staff.id,
                    company_id: company,
                    kind: if portal { "portal" } else { "api" }.into(),
                    token: token.clone(),
                    ip_address: ip.into(),
                    user_agent: agent.chars().take(200).collect(),
                    created_at: now,
                    expires_at: now.plus(if portal { PORTAL } else { REFRESH }),
                    revoked_at: None,
                })
                .await?;
            (staff_claims(&platform, staff, company, session).await?, None)
        }
    };
    if !portal {
        platform.insert(link(session, token, of_company)).await?;
    }
    platform.commit().await?;
    Ok(IssuedTokens { access_token: sign(souk, &claims)?, refresh_token: secret, expires_in: ACCESS.as_secs() })
}

fn link(session_id: SessionId, token: String, company_id: Option<CompanyId>) -> refresh_token::Model {
    let now = clock::now();
    refresh_token::Model { id: RowId::new(), session_id, token, company_id, created_at: now, expires_at: now.plus(REFRESH), used_at: None }
}

fn claims(user_id: Uuid, email: &str, role: Role, company_id: Option<CompanyId>, shop_ids: Vec<ShopId>, sid: SessionId) -> Claims {
    let iat = clock::now().micros() / 1_000_000;
    let exp = clock::now().plus(ACCESS).micros() / 1_000_000;
    Claims {
        user_id,
        email: email.into(),
        role,
        company_id,
        shop_ids,
        permissions: vec![],
        sid,
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        iat,
        exp,
    }
}

fn customer_claims(customer: &customer::Model, session: SessionId) -> Claims {
    claims(customer.id.0, &customer.email, Role::Customer, Some(customer.company_id), vec![], session)
}

async fn staff_claims(platform: &Platform, staff: &staff::Model, company: Option<CompanyId>, session: SessionId) -> Result<Claims> {
    let standing = standing(platform, staff, company).await?;
    let company = company.filter(|_| !staff.is_super_admin);
    Ok(claims(staff.id.0, &staff.email, standing.role, company, standing.shops.unwrap_or_default(), session))
}

/// The one company a staff person belongs to, when they named none.
async fn home_company(platform: &Platform, staff: &staff::Model) -> Result<Option<CompanyId>> {
    let members = platform.find::<member::Entity>().filter(member::Column::StaffId.eq(staff.id));
    let members = platform.all(members.filter(member::Column::IsActive.eq(true))).await?;
    Ok(members.first().map(|member| member.company_id))
}

/// A staff person's role and shops in a company, from the rows.
async fn standing(platform: &Platform, staff: &staff::Model, company: Option<CompanyId>) -> Result<Standing> {
    if staff.is_super_admin {
        return Ok(Standing { actor: Actor::Platform(staff.id), role: Role::SuperAdmin, shops: None });
    }
    let nobody = Error::NotSignedIn { code: "session_ended" };
    let Some(company) = company else { return Err(nobody) };
    let member = platform.find::<member::Entity>().filter(member::Column::CompanyId.eq(company));
    let member = member.filter(member::Column::StaffId.eq(staff.id)).filter(member::Column::IsActive.eq(true));
    let Some(member) = platform.one(member).await? else { return Err(nobody) };
    let rows = platform.find::<assignment::Entity>().filter(assignment::Column::CompanyId.eq(company));
    let rows = platform.all(rows.filter(assignment::Column::MemberId.eq(member.id))).await?;
    let role = rows.iter().filter_map(|row| Role::named(&row.role)).max().ok_or(nobody)?;
    // A higher role at one shop is not a higher role at another: only the highest role's shops count.
    let shops = role.is_of_shops().then(|| rows.iter().filter(|row| row.role == role.name()).filter_map(|row| row.shop_id).collect());
    Ok(Standing { actor: Actor::Member(member.id), role, shops })
}

fn sign(souk: &Souk, claims: &Claims) -> Result<String> {
    let key = souk.keys().newest();
    let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::HS256) };
    encode(&header, claims, &EncodingKey::from_secret(&key.tokens)).map_err(Error::internal)
}

/// Reads an access token; only HS256 of a listed secret, our issuer, our audience, in its time.
///
/// # Errors
/// 401 `token_invalid`.
pub fn read_token(souk: &Souk, token: &str) -> Result<Claims> {
    const INVALID: Error = Error::NotSignedIn { code: "token_invalid" };
    let header = decode_header(token).map_err(|_| INVALID)?;
    let key = header.kid.as_deref().and_then(|id| souk.keys().of(id)).ok_or(INVALID)?;
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[AUDIENCE]);
    rules.leeway = 0;
    // The time is checked by our own clock, which tests can move.
    rules.validate_exp = false;
    let claims = decode::<Claims>(token, &DecodingKey::from_secret(&key.tokens), &rules).map_err(|_| INVALID)?.claims;
    if claims.exp <= clock::now().micros() / 1_000_000 {
        return Err(Error::NotSignedIn { code: "token_expired" });
    }
    Ok(claims)
}

/// Who stands behind a token in `company`: the session must live, the person must still be there.
///
/// # Errors
/// 401 when the session has ended; 403 `company_mismatch` for somebody of another company.
pub async fn caller_of_claims(souk: &Souk, claims: &Claims, company: Option<CompanyId>) -> Result<Tenant> {
    const ENDED: Error = Error::NotSignedIn { code: "session_ended" };
    if let (Some(token), Some(asked)) = (claims.company_id, company)
        && token != asked
    {
        return Err(Error::NotAllowed { code: "company_mismatch" });
    }
    if claims.role == Role::Customer {
        let company = claims.company_id.ok_or(ENDED)?;
        let scope = souk.read(Tenant::system(company)).await?;
        let session = scope.find::<customer_session::Entity>().filter(customer_session::Column::Id.eq(claims.sid));
        let session = scope.one(session.filter(customer_session::Column::RevokedAt.is_null())).await?.ok_or(ENDED)?;
        let person = scope.find::<customer::Entity>().filter(customer::Column::Id.eq(CustomerId(claims.user_id)));
        let person = scope.one(person.filter(customer::Column::IsBanned.eq(false))).await?.ok_or(ENDED)?;
        if session.customer_id != person.id {
            return Err(ENDED);
        }
        return Ok(Tenant { actor: Actor::Customer(person.id), role: Role::Customer, name: person.name, ..Tenant::system(company) });
    }
    let platform = souk.platform("company-by-name").await?;
    let session = platform.find::<staff_session::Entity>().filter(staff_session::Column::Id.eq(claims.sid));
    let session = platform.one(session.filter(staff_session::Column::RevokedAt.is_null())).await?.ok_or(ENDED)?;
    let staff = platform.find::<staff::Entity>().filter(staff::Column::Id.eq(session.staff_id));
    let staff = platform.one(staff).await?.ok_or(ENDED)?;
    let company = claims.company_id.or(company);
    let standing = standing(&platform, &staff, company).await?;
    Ok(Tenant {
        actor: standing.actor,
        role: standing.role,
        shops: standing.shops,
        name: staff.name,
        ..Tenant::system(company.unwrap_or(PLATFORM_COMPANY))
    })
}

/// Who stands behind a portal's cookie.
///
/// # Errors
/// 401 `session_ended`.
pub async fn caller_of_cookie(souk: &Souk, cookie: &str) -> Result<Portal> {
    const ENDED: Error = Error::NotSignedIn { code: "session_ended" };
    let platform = souk.platform("company-by-name").await?;
    let session = platform
        .find::<staff_session::Entity>()
        .filter(staff_session::Column::Token.eq(keys::hash(cookie.as_bytes())))
        .filter(staff_session::Column::Kind.eq("portal"))
        .filter(staff_session::Column::RevokedAt.is_null())
        .filter(staff_session::Column::ExpiresAt.gt(clock::now()));
    let session = platform.one(session).await?.ok_or(ENDED)?;
    let staff = platform.find::<staff::Entity>().filter(staff::Column::Id.eq(session.staff_id));
    let staff = platform.one(staff).await?.ok_or(ENDED)?;
    let standing = standing(&platform, &staff, session.company_id).await?;
    let tenant = Tenant {
        actor: standing.actor,
        role: standing.role,
        shops: standing.shops,
        name: staff.name.clone(),
        ..Tenant::system(session.company_id.unwrap_or(PLATFORM_COMPANY))
    };
    Ok(Portal { session: session.id, staff, tenant })
}

/// A new pair for a refresh token.
///
/// # Errors
/// 401 `refresh_invalid`; 401 `refresh_reused` when it was used before: the family is revoked.
pub async fn refresh(souk: &Souk, secret: &str) -> Result<IssuedTokens> {
    const INVALID: Error = Error::NotSignedIn { code: "refresh_invalid" };
    let now = clock::now();
    let platform = souk.platform("sign-in").await?;
    let token = keys::hash(secret.as_bytes());
    let known = platform.find::<refresh_token::Entity>().filter(refresh_token::Column::Token.eq(token));
    let known = platform.one(known).await?.filter(|known| known.expires_at > now).ok_or(INVALID)?;
    let take = platform
        .update::<refresh_token::Entity>()
        .col_expr(refresh_token::Column::UsedAt, Expr::value(Some(now)))
        .filter(refresh_token::Column::Id.eq(known.id))
        .filter(refresh_token::Column::UsedAt.is_null());
    if platform.run(take).await? == 0 {
        revoke_sessions(&platform, SessionsOf::One(known.session_id, known.company_id)).await?;
        platform.commit().await?;
        return Err(Error::NotSignedIn { code: "refresh_reused" });
    }
    let claims = if known.company_id.is_some() {
        let session = platform.find::<customer_session::Entity>().filter(customer_session::Column::Id.eq(known.session_id));
        let session = platform.one(session.filter(customer_session::Column::RevokedAt.is_null())).await?.ok_or(INVALID)?;
        let person = platform.find::<customer::Entity>().filter(customer::Column::Id.eq(session.customer_id));
        let person = platform.one(person.filter(customer::Column::IsBanned.eq(false))).await?.ok_or(INVALID)?;
        customer_claims(&person, session.id)
    } else {
        let session = platform.find::<staff_session::Entity>().filter(staff_session::Column::Id.eq(known.session_id));
        let session = platform.one(session.filter(staff_session::Column::RevokedAt.is_null())).await?.ok_or(INVALID)?;
        let person = platform.find::<staff::Entity>().filter(staff::Column::Id.eq(session.staff_id));
        let person = platform.one(person).await?.ok_or(INVALID)?;
        staff_claims(&platform, &person, session.company_id, session.id).await?
    };
    let secret = keys::random();
    platform.insert(link(known.session_id, keys::hash(secret.as_bytes()), known.company_id)).await?;
    platform.commit().await?;
    Ok(IssuedTokens { access_token: sign(souk, &claims)?, refresh_token: secret, expires_in: ACCESS.as_secs() })
}

/// Which sessions end.
#[derive(Clone, Copy, Debug)]
enum SessionsOf {
    One(SessionId, Option<CompanyId>),
    Customer(CompanyId, CustomerId),
    Staff(StaffId),
}

/// Ends one session, or with `all` every session of its person.
pub async fn revoke(souk: &Souk, claims_or_session: &Claims, all: bool) -> Result<()> {
    let of = match (claims_or_session.role, claims_or_session.company_id, all) {
        (Role::Customer, Some(company), true) => SessionsOf::Customer(company, CustomerId(claims_or_session.user_id)),
        (Role::Customer, company, _) => SessionsOf::One(claims_or_session.sid, company),
        (_, _, true) => SessionsOf::Staff(StaffId(claims_or_session.user_id)),
        _ => SessionsOf::One(claims_or_session.sid, None),
    };
    let platform = souk.platform("sign-in").await?;
    revoke_sessions(&platform, of).await?;
    platform.commit().await
}

/// Ends a portal's session.
pub async fn revoke_portal(souk: &Souk, session: SessionId) -> Result<()> {
    let platform = souk.platform("sign-in").await?;
    revoke_sessions(&platform, SessionsOf::One(session, None)).await?;
    platform.commit().await
}

async fn revoke_sessions(platform: &Platform, of: SessionsOf) -> Result<()> {
    let now = Expr::value(Some(clock::now()));
    match of {
        SessionsOf::One(session, Some(company)) => {
            let update = platform.update::<customer_session::Entity>().col_expr(customer_session::Column::RevokedAt, now);
            let update = update.filter(customer_session::Column::CompanyId.eq(company));
            platform.run(update.filter(customer_session::Column::Id.eq(session))).await?;
        }
        SessionsOf::Customer(company, customer) => {
            let update = platform.update::<customer_session::Entity>().col_expr(customer_session::Column::RevokedAt, now);
            let update = update.filter(customer_session::Column::CompanyId.eq(company));
            platform.run(update.filter(customer_session::Column::CustomerId.eq(customer))).await?;
        }
        SessionsOf::One(session, None) => {
            let update = platform.update::<staff_session::Entity>().col_expr(staff_session::Column::RevokedAt, now);
            platform.run(update.filter(staff_session::Column::Id.eq(session))).await?;
        }
        SessionsOf::Staff(staff) => {
            let update = platform.update::<staff_session::Entity>().col_expr(staff_session::Column::RevokedAt, now);
            platform.run(update.filter(staff_session::Column::StaffId.eq(staff))).await?;
        }
    }
    Ok(())
}
