//! Sessions: what a token or a cookie stands for, and how it ends.
//!
//! An access token lives 15 minutes, a refresh token 7 days and is used once: used again, its
//! whole family ends. A portal's cookie is an opaque secret of which only the hash is kept.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select, UpdateMany,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    account::Person,
    acting::{self, Acting},
    customer, customer_session, member, refresh_token, staff, staff_session,
    standing::{Standing, standing},
    workplace::{home, workplaces},
};
use crate::{
    clock::{self, Instant},
    errors::{Error, Result},
    events::Event,
    ids::{CompanyId, CustomerId, RowId, SessionId, ShopId, StaffId},
    models::companies::{self, Company},
    tenancy::{Actor, Device, PLATFORM_COMPANY, Platform, Role, Scope, Souk, Tenant, keys},
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
    /// The person themselves.
    pub tenant: Tenant,
    /// In whose place they act meanwhile.
    pub acting: Option<Acting>,
    /// The companies they work for, where those are several.
    pub workplaces: Vec<Company>,
}

impl Portal {
    /// The person as they are on a page: whoever acts as an admin is that everywhere but on the
    /// platform's pages and on those of their own account.
    #[must_use]
    pub fn tenant_on(&self, path: &str) -> Tenant {
        let is_under = |own: &str| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_own = ["/admin", "/account", "/sign-out"].into_iter().any(is_under);
        let acting = self.acting.as_ref().filter(|_| !is_own);
        acting.map_or(&self.tenant, |acting| &acting.tenant).clone()
    }
}

/// A customer, and how their company stands: read as one row.
#[derive(FromQueryResult)]
struct CustomerHere {
    #[sea_orm(nested)]
    customer: customer::Model,
    standing: companies::Standing,
}

/// Whose a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Customer(CompanyId, CustomerId),
    Staff(StaffId),
}

/// A signed-in person, with the session they use now.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    pub whose: Whose,
    pub session: SessionId,
}

/// A device somebody is signed in on.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    /// `api` or `portal`.
    pub kind: String,
    pub ip_address: String,
    pub user_agent: String,
    pub created_at: Instant,
    pub expires_at: Instant,
}

/// Opens a session and issues its first pair of tokens; for a portal the refresh token is the cookie.
///
/// # Errors
/// 401 for a staff person without a place in the company.
pub async fn issue(souk: &Souk, company: Option<CompanyId>, person: &Person, device: &Device, portal: bool) -> Result<IssuedTokens> {
    let now = clock::now();
    let session = SessionId::new();
    let secret = keys::random();
    let token = keys::hash(secret.as_bytes());
    let agent: String = device.agent.chars().take(200).collect();
    let platform = souk.platform("sign-in").await?;
    let (claims, of_company, tenant) = match person {
        Person::Customer(customer) => {
            platform
                .insert(customer_session::Model {
                    company_id: customer.company_id,
                    id: session,
                    customer_id: customer.id,
                    token: token.clone(),
                    ip_address: device.ip.clone(),
                    user_agent: agent,
                    created_at: now,
                    expires_at: now.plus(REFRESH),
                    revoked_at: None,
                })
                .await?;
            (customer_claims(customer, session), Some(customer.company_id), tenant_of_customer(customer))
        }
        Person::Staff(staff) => {
            let company = match company {
                Some(company) => Some(company),
                // The platform's people choose a company by naming it.
                None if staff.is_super_admin => None,
                None => home(&platform, staff.id, portal).await?,
            };
            platform
                .insert(staff_session::Model {
                    id: session,
                    staff_id: staff.id,
                    company_id: company,
                    kind: if portal { "portal" } else { "api" }.into(),
                    token: token.clone(),
                    ip_address: device.ip.clone(),
                    user_agent: agent,
                    created_at: now,
                    expires_at: now.plus(if portal { PORTAL } else { REFRESH }),
                    revoked_at: None,
                    acting_company_id: None,
                    acting_member_id: None,
                    acting_until: None,
                    acting_reason: None,
                })
                .await?;
            let standing = standing(&platform, staff, company, now).await?;
            (staff_claims(staff, &standing, company, session), None, standing.tenant(company))
        }
    };
    if !portal {
        platform.insert(link(session, token, of_company)).await?;
    }
    let scope = platform.into_scope(device.used_by(tenant)).await?;
    note_arrival(&scope).await?;
    scope.audit("sign_in", "session", session, None, vec![]).await?;
    scope.emit(Event::new("user.logged_in", ("user", person.id()), None, json!({}))).await?;
    scope.commit().await?;
    Ok(IssuedTokens { access_token: sign(souk, &claims)?, refresh_token: secret, expires_in: ACCESS.as_secs() })
}

fn tenant_of_customer(customer: &customer::Model) -> Tenant {
    Tenant { actor: Actor::Customer(customer.id), role: Role::Customer, name: customer.name.clone(), ..Tenant::system(customer.company_id) }
}

/// Whoever was invited has come by their first sign-in.
pub(super) async fn note_arrival(scope: &Scope) -> Result<()> {
    let Actor::Member(id) = scope.tenant().actor else { return Ok(()) };
    let update = scope
        .update::<member::Entity>()
        .col_expr(member::Column::JoinedAt, Expr::value(Some(clock::now())))
        .filter(member::Column::Id.eq(id))
        .filter(member::Column::JoinedAt.is_null());
    scope.run(update).await.map(|_| ())
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

fn staff_claims(staff: &staff::Model, standing: &Standing, company: Option<CompanyId>, session: SessionId) -> Claims {
    let company = company.filter(|_| !staff.is_super_admin);
    let claims = claims(staff.id.0, &staff.email, standing.role, company, standing.shops(), session);
    Claims { permissions: standing.permissions(), ..claims }
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
        let person = person.filter(customer::Column::IsBanned.eq(false)).expr_as(companies::standing_of(company), "standing");
        let here = scope.all_as::<CustomerHere, _>(person).await?.pop().ok_or(ENDED)?;
        let CustomerHere { customer: person, standing } = here;
        if session.customer_id != person.id {
            return Err(ENDED);
        }
        return Ok(Tenant { standing, ..tenant_of_customer(&person) });
    }
    let platform = souk.platform("company-by-name").await?;
    let session = platform.find::<staff_session::Entity>().filter(staff_session::Column::Id.eq(claims.sid));
    let session = platform.one(session.filter(staff_session::Column::RevokedAt.is_null())).await?.ok_or(ENDED)?;
    let staff = platform.find::<staff::Entity>().filter(staff::Column::Id.eq(session.staff_id));
    let staff = platform.one(staff).await?.ok_or(ENDED)?;
    let company = claims.company_id.or(company);
    Ok(standing(&platform, &staff, company, session.created_at).await?.tenant(company))
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
    let standing = standing(&platform, &staff, session.company_id, session.created_at).await?;
    let workplaces = if standing.is_elsewhere { workplaces(&platform, staff.id).await? } else { vec![] };
    let tenant = standing.tenant(session.company_id);
    let acting = acting::of_session(&platform, &session, &staff).await?;
    Ok(Portal { session: session.id, staff, tenant, acting, workplaces })
}

/// A new pair for a refresh token.
///
/// There is no grace for two at once: a token that comes twice has been copied, and whoever comes
/// second cannot be told from a thief. Clients refresh in one place at a time.
///
/// # Errors
/// 401 `refresh_invalid`; 401 `refresh_reused` when it was used before: the family is revoked.
pub async fn refresh(souk: &Souk, secret: &str, device: &Device) -> Result<IssuedTokens> {
    let now = clock::now();
    let platform = souk.platform("sign-in").await?;
    let token = keys::hash(secret.as_bytes());
    let known = platform.find::<refresh_token::Entity>().filter(refresh_token::Column::Token.eq(token));
    let known = platform.one(known).await?.filter(|known| known.expires_at > now).ok_or(REFRESH_INVALID)?;
    let take = platform
        .update::<refresh_token::Entity>()
        .col_expr(refresh_token::Column::UsedAt, Expr::value(Some(now)))
        .filter(refresh_token::Column::Id.eq(known.id))
        .filter(refresh_token::Column::UsedAt.is_null());
    let is_first = platform.run(take).await? == 1;
    let (claims, tenant, whose) = of_family(&platform, &known).await?;
    if !is_first {
        end(&platform, whose, Which::One(known.session_id)).await?;
        let scope = platform.into_scope(device.used_by(tenant)).await?;
        scope.audit("refresh_reused", "session", known.session_id, None, vec![]).await?;
        scope.emit(Event::new("audit.security", ("user", claims.user_id), None, json!({ "what": "refresh_reused" }))).await?;
        scope.commit().await?;
        return Err(Error::NotSignedIn { code: "refresh_reused" });
    }
    let secret = keys::random();
    platform.insert(link(known.session_id, keys::hash(secret.as_bytes()), known.company_id)).await?;
    prolong(&platform, whose, known.session_id).await?;
    platform.commit().await?;
    Ok(IssuedTokens { access_token: sign(souk, &claims)?, refresh_token: secret, expires_in: ACCESS.as_secs() })
}

const REFRESH_INVALID: Error = Error::NotSignedIn { code: "refresh_invalid" };

/// Whose refresh token it is, while the session lives and the person may still sign in.
async fn of_family(platform: &Platform, known: &refresh_token::Model) -> Result<(Claims, Tenant, Whose)> {
    if let Some(company) = known.company_id {
        let session = platform.find::<customer_session::Entity>().filter(customer_session::Column::CompanyId.eq(company));
        let session = session.filter(customer_session::Column::Id.eq(known.session_id));
        let session = platform.one(session.filter(customer_session::Column::RevokedAt.is_null())).await?.ok_or(REFRESH_INVALID)?;
        let person = platform.find::<customer::Entity>().filter(customer::Column::CompanyId.eq(company));
        let person = person.filter(customer::Column::Id.eq(session.customer_id)).filter(customer::Column::IsBanned.eq(false));
        let person = platform.one(person).await?.ok_or(REFRESH_INVALID)?;
        return Ok((customer_claims(&person, session.id), tenant_of_customer(&person), Whose::Customer(company, person.id)));
    }
    let session = platform.find::<staff_session::Entity>().filter(staff_session::Column::Id.eq(known.session_id));
    let session = platform.one(session.filter(staff_session::Column::RevokedAt.is_null())).await?.ok_or(REFRESH_INVALID)?;
    let person = platform.find::<staff::Entity>().filter(staff::Column::Id.eq(session.staff_id));
    let person = platform.one(person).await?.ok_or(REFRESH_INVALID)?;
    let standing = standing(platform, &person, session.company_id, session.created_at).await?;
    let claims = staff_claims(&person, &standing, session.company_id, session.id);
    Ok((claims, standing.tenant(session.company_id), Whose::Staff(person.id)))
}

/// A session lives as long as its newest refresh token.
async fn prolong(platform: &Platform, whose: Whose, session: SessionId) -> Result<()> {
    let until = Expr::value(clock::now().plus(REFRESH));
    match whose {
        Whose::Customer(company, _) => {
            let update = platform.update::<customer_session::Entity>().col_expr(customer_session::Column::ExpiresAt, until);
            let update = update.filter(customer_session::Column::CompanyId.eq(company));
            platform.run(update.filter(customer_session::Column::Id.eq(session))).await?;
        }
        Whose::Staff(_) => {
            let update = platform.update::<staff_session::Entity>().col_expr(staff_session::Column::ExpiresAt, until);
            platform.run(update.filter(staff_session::Column::Id.eq(session))).await?;
        }
    }
    Ok(())
}

/// The devices a person is signed in on, the newest first, from behind `before`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sessions(souk: &Souk, holder: &Holder, before: Option<SessionId>, limit: u64) -> Result<Vec<Session>> {
    let now = clock::now();
    match holder.whose {
        Whose::Customer(company, customer) => {
            use customer_session::{Column, Entity};
            let scope = souk.read(Tenant::system(company)).await?;
            let mut rows = scope.find::<Entity>().filter(Column::CustomerId.eq(customer)).filter(Column::RevokedAt.is_null());
            if let Some(before) = before {
                rows = rows.filter(Column::Id.lt(before));
            }
            let rows = rows.filter(Column::ExpiresAt.gt(now)).order_by_desc(Column::Id).limit(limit);
            let session = |row: customer_session::Model| Session {
                id: row.id,
                kind: "api".into(),
                ip_address: row.ip_address,
                user_agent: row.user_agent,
                created_at: row.created_at,
                expires_at: row.expires_at,
            };
            Ok(scope.all(rows).await?.into_iter().map(session).collect())
        }
        Whose::Staff(staff) => {
            use staff_session::{Column, Entity};
            let platform = souk.platform("account").await?;
            let mut rows = platform.find::<Entity>().filter(Column::StaffId.eq(staff)).filter(Column::RevokedAt.is_null());
            if let Some(before) = before {
                rows = rows.filter(Column::Id.lt(before));
            }
            let rows = rows.filter(Column::ExpiresAt.gt(now)).order_by_desc(Column::Id).limit(limit);
            let session = |row: staff_session::Model| Session {
                id: row.id,
                kind: row.kind,
                ip_address: row.ip_address,
                user_agent: row.user_agent,
                created_at: row.created_at,
                expires_at: row.expires_at,
            };
            Ok(platform.all(rows).await?.into_iter().map(session).collect())
        }
    }
}

/// Which of a person's sessions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    One(SessionId),
    AllBut(SessionId),
    All,
}

/// Signs out: ends this session, or with `all` every session of the person.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sign_out(souk: &Souk, tenant: &Tenant, holder: &Holder, all: bool) -> Result<()> {
    let platform = souk.platform("sign-in").await?;
    acting::signed_out(&platform, holder.session, tenant).await?;
    end(&platform, holder.whose, if all { Which::All } else { Which::One(holder.session) }).await?;
    let scope = platform.into_scope(tenant.clone()).await?;
    scope.audit(if all { "sign_out_everywhere" } else { "sign_out" }, "session", holder.session, None, vec![]).await?;
    scope.emit(Event::new("user.logged_out", ("user", holder.whose.id()), None, json!({ "all": all }))).await?;
    scope.commit().await
}

/// Ends one of the person's sessions from afar.
///
/// # Errors
/// 404 when it is not theirs, or over.
pub async fn end_session(souk: &Souk, tenant: &Tenant, holder: &Holder, session: SessionId) -> Result<()> {
    let platform = souk.platform("sign-in").await?;
    if end(&platform, holder.whose, Which::One(session)).await? == 0 {
        return Err(Error::NOT_FOUND);
    }
    let scope = platform.into_scope(tenant.clone()).await?;
    scope.audit("end", "session", session, None, vec![]).await?;
    scope.emit(Event::new("user.logged_out", ("user", holder.whose.id()), None, json!({ "all": false }))).await?;
    scope.commit().await
}

impl Whose {
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::Customer(_, id) => id.0,
            Self::Staff(id) => id.0,
        }
    }
}

/// Ends sessions that live; how many there were.
pub(super) async fn end(platform: &Platform, whose: Whose, which: Which) -> Result<u64> {
    let now = Expr::value(Some(clock::now()));
    match whose {
        Whose::Customer(company, customer) => {
            use customer_session::{Column, Entity};
            let update = platform.update::<Entity>().col_expr(Column::RevokedAt, now).filter(Column::CompanyId.eq(company));
            let update = update.filter(Column::CustomerId.eq(customer)).filter(Column::RevokedAt.is_null());
            platform.run(narrowed(update, Column::Id, which)).await
        }
        Whose::Staff(staff) => {
            use staff_session::{Column, Entity};
            let update = platform.update::<Entity>().col_expr(Column::RevokedAt, now);
            let update = update.filter(Column::StaffId.eq(staff)).filter(Column::RevokedAt.is_null());
            platform.run(narrowed(update, Column::Id, which)).await
        }
    }
}

fn narrowed<E: EntityTrait>(update: UpdateMany<E>, id: E::Column, which: Which) -> UpdateMany<E> {
    match which {
        Which::One(session) => update.filter(id.eq(session)),
        Which::AllBut(session) => update.filter(id.ne(session)),
        Which::All => update,
    }
}

/// Gives the session in use new secrets, and makes the old ones worthless: after a new password.
pub(super) async fn renew(souk: &Souk, platform: &Platform, person: &Person, session: SessionId) -> Result<IssuedTokens> {
    let secret = keys::random();
    let token = keys::hash(secret.as_bytes());
    let unused = platform.delete::<refresh_token::Entity>().filter(refresh_token::Column::SessionId.eq(session));
    platform.remove(unused.filter(refresh_token::Column::UsedAt.is_null())).await?;
    let claims = match person {
        Person::Customer(customer) => {
            platform.insert(link(session, token, Some(customer.company_id))).await?;
            customer_claims(customer, session)
        }
        Person::Staff(staff) => {
            let row = platform.find::<staff_session::Entity>().filter(staff_session::Column::Id.eq(session));
            let row = platform.one(row).await?.ok_or(Error::NotSignedIn { code: "session_ended" })?;
            if row.kind == "portal" {
                let update = platform.update::<staff_session::Entity>().col_expr(staff_session::Column::Token, Expr::value(token));
                platform.run(update.filter(staff_session::Column::Id.eq(session))).await?;
            } else {
                platform.insert(link(session, token, None)).await?;
            }
            staff_claims(staff, &standing(platform, staff, row.company_id, row.created_at).await?, row.company_id, session)
        }
    };
    Ok(IssuedTokens { access_token: sign(souk, &claims)?, refresh_token: secret, expires_in: ACCESS.as_secs() })
}

/// Whether the person is signed in from this address. Asked also when there is nobody.
pub(super) async fn knows_address(platform: &Platform, person: Option<&Person>, address: &str) -> Result<bool> {
    if let Some(Person::Customer(customer)) = person {
        use customer_session::{Column, Entity};
        let rows = platform.find::<Entity>().filter(Column::CompanyId.eq(customer.company_id)).filter(Column::CustomerId.eq(customer.id));
        return Ok(platform.one(rows.filter(Column::IpAddress.eq(address)).filter(Column::RevokedAt.is_null())).await?.is_some());
    }
    use staff_session::{Column, Entity};
    let staff = StaffId(person.map_or_else(Uuid::nil, Person::id));
    let rows = platform.find::<Entity>().filter(Column::StaffId.eq(staff));
    Ok(platform.one(rows.filter(Column::IpAddress.eq(address)).filter(Column::RevokedAt.is_null())).await?.is_some())
}

/// Customers' sessions that ended before `before`.
fn over(scope: &Scope, before: Instant) -> Select<customer_session::Entity> {
    use customer_session::Column;
    scope.find::<customer_session::Entity>().filter(Column::ExpiresAt.lt(before).or(Column::RevokedAt.lt(before)))
}

/// How many sessions of customers ended before `before`.
pub async fn past_sessions(scope: &Scope, before: Instant) -> Result<u64> {
    scope.count(over(scope, before)).await
}

/// Lets go of such sessions, up to two thousand; how many there were.
pub async fn let_go_sessions(scope: &Scope, before: Instant) -> Result<u64> {
    use customer_session::{Column, Entity};
    let ids = over(scope, before).select_only().column(Column::Id).order_by_asc(Column::Id).limit(2_000);
    scope.remove(scope.delete::<Entity>().filter(Column::Id.in_subquery(ids.into_query()))).await
}

/// Lets go of what the platform keeps of sign-ins: staff sessions that ended before `before`,
/// refresh tokens that no longer work, wrong passwords of yesterday; how many there were. With
/// `look_only` nothing goes.
pub async fn let_go_of_platform(souk: &Souk, before: Instant, look_only: bool) -> Result<u64> {
    const OVER: [(&str, &str); 3] = [
        ("staff_sessions", "expires_at < $1 OR revoked_at < $1"),
        ("refresh_tokens", "expires_at < $1"),
        ("knocks", "since < $1 AND (paused_until IS NULL OR paused_until < $1)"),
    ];
    let platform = souk.platform("retain").await?;
    let mut gone = 0;
    for (table, over) in OVER {
        if look_only {
            let rows = platform.ask(&format!("SELECT COUNT(*) AS n FROM {table} WHERE {over}"), vec![before.micros().into()]).await?;
            let count = rows.first().map(|row| row.try_get::<i64>("", "n")).transpose()?.unwrap_or_default();
            gone += u64::try_from(count).unwrap_or_default();
        } else {
            gone += platform.act(&format!("DELETE FROM {table} WHERE {over}"), vec![before.micros().into()]).await?;
        }
    }
    if gone == 0 || look_only {
        return Ok(gone);
    }
    let scope = platform.into_scope(Tenant::system(PLATFORM_COMPANY)).await?;
    scope
        .audit("let_go", "sessions", PLATFORM_COMPANY, None, vec![("rows", json!(gone), json!(0)), ("before", json!(null), json!(before))])
        .await?;
    scope.commit().await?;
    Ok(gone)
}
