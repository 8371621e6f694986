//! Where a person of the staff stands in a company: their assignments, read for each request.

use std::{collections::BTreeMap, sync::Arc};

use sea_orm::{ColumnTrait, FromQueryResult, QueryFilter, QuerySelect};

use super::{assignment, member, role_permission, staff, workplace::is_elsewhere};
use crate::{
    clock::Instant,
    errors::{Error, Result},
    ids::{CompanyId, RoleId, ShopId},
    models::companies,
    tenancy::{
        Actor, Grant, PLATFORM_COMPANY, Platform, Role, Scope, Tenant,
        roles::{self, PERMISSIONS},
    },
};

pub(super) struct Standing {
    pub actor: Actor,
    /// The highest of the assignments.
    pub role: Role,
    pub name: String,
    pub grants: Option<Arc<[Grant]>>,
    /// How the company stands itself.
    pub company: companies::Standing,
    /// Whether they have a place in another company too.
    pub is_elsewhere: bool,
}

/// A member, and how their company stands: read as one row.
#[derive(FromQueryResult)]
struct MemberHere {
    #[sea_orm(nested)]
    member: member::Model,
    standing: companies::Standing,
    is_open: bool,
    is_elsewhere: bool,
}

impl Standing {
    /// The person at work; [`Tenant::narrowed`] says where.
    pub fn tenant(self, company: Option<CompanyId>) -> Tenant {
        let company = company.unwrap_or(PLATFORM_COMPANY);
        Tenant {
            actor: self.actor,
            role: self.role,
            name: self.name,
            grants: self.grants,
            standing: self.company,
            ..Tenant::system(company)
        }
    }

    /// The shops of somebody who has no place in the whole company.
    pub fn shops(&self) -> Vec<ShopId> {
        let shops = self.grants.iter().flat_map(|grants| grants.iter()).map(|grant| grant.shop).collect::<Option<Vec<_>>>();
        let mut shops = shops.unwrap_or_default();
        shops.sort_unstable();
        shops.dedup();
        shops
    }

    /// What roles of the company's own add to the built-in ones.
    pub fn permissions(&self) -> Vec<String> {
        let named = self.grants.iter().flat_map(|grants| grants.iter()).flat_map(|grant| grant.permissions.iter().copied());
        named.collect::<std::collections::BTreeSet<_>>().into_iter().map(str::to_owned).collect()
    }
}

/// A staff person in a company, by a session that began at `session_began`.
///
/// # Errors
/// 401 `session_ended` for somebody who has no place there, who was banned, or whose sessions were ended since.
pub(super) async fn standing(
    platform: &Platform,
    staff: &staff::Model,
    company: Option<CompanyId>,
    session_began: Instant,
) -> Result<Standing> {
    const NOBODY: Error = Error::NotSignedIn { code: "session_ended" };
    if staff.banned_at.is_some() {
        return Err(NOBODY);
    }
    if staff.is_super_admin {
        return Ok(Standing {
            actor: Actor::Platform(staff.id),
            role: Role::SuperAdmin,
            name: staff.name.clone(),
            grants: None,
            company: companies::Standing::Good,
            is_elsewhere: false,
        });
    }
    let company = company.ok_or(NOBODY)?;
    let member = platform.find::<member::Entity>().filter(member::Column::CompanyId.eq(company));
    let member = member.filter(member::Column::StaffId.eq(staff.id)).filter(member::Column::IsActive.eq(true));
    let member = member.filter(member::Column::Kind.eq(member::STAFF));
    let member = member.expr_as(companies::standing_of(company), "standing").expr_as(companies::is_open(company), "is_open");
    let member = member.expr_as(is_elsewhere(staff.id, company), "is_elsewhere");
    let here = platform.all_as::<MemberHere, _>(member).await?.pop();
    let MemberHere { member, standing, is_open, is_elsewhere } = here.ok_or(NOBODY)?;
    if !is_open || member.sessions_from.is_some_and(|from| session_began < from) {
        return Err(NOBODY);
    }
    let rows = platform.find::<assignment::Entity>().filter(assignment::Column::CompanyId.eq(company));
    let rows = platform.all(rows.filter(assignment::Column::MemberId.eq(member.id))).await?;
    let own = own_roles(&rows);
    let named = if own.is_empty() {
        vec![]
    } else {
        let named = platform.find::<role_permission::Entity>().filter(role_permission::Column::CompanyId.eq(company));
        platform.all(named.filter(role_permission::Column::RoleId.is_in(own))).await?
    };
    let grants = grants(&rows, &named);
    let role = grants.iter().map(|grant| grant.role).max().ok_or(NOBODY)?;
    Ok(Standing {
        actor: Actor::Member(member.id),
        role,
        name: staff.name.clone(),
        grants: Some(grants.into()),
        company: standing,
        is_elsewhere,
    })
}

/// The company's own roles among some assignments.
fn own_roles(rows: &[assignment::Model]) -> Vec<RoleId> {
    rows.iter().filter(|row| Role::named(&row.role).is_none()).filter_map(|row| row.role.parse().ok()).collect()
}

/// What some assignments allow, with the permissions of the company's own roles beside.
fn grants(rows: &[assignment::Model], named: &[role_permission::Model]) -> Vec<Grant> {
    let mut by_role: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for row in named {
        let known = PERMISSIONS.iter().copied().find(|name| *name == row.permission);
        by_role.entry(row.role_id.to_string()).or_default().extend(known);
    }
    rows.iter()
        .map(|row| match Role::named(&row.role) {
            Some(role) => Grant { shop: row.shop_id, role, permissions: vec![] },
            None => Grant { shop: row.shop_id, role: Role::Member, permissions: by_role.get(&row.role).cloned().unwrap_or_default() },
        })
        .collect()
}

/// What some assignments of the unit's company allow.
pub(super) async fn grants_of(scope: &Scope, rows: &[assignment::Model]) -> Result<Vec<Grant>> {
    let own = own_roles(rows);
    let named = if own.is_empty() {
        vec![]
    } else {
        scope.all(scope.find::<role_permission::Entity>().filter(role_permission::Column::RoleId.is_in(own))).await?
    };
    Ok(grants(rows, &named))
}

/// Nobody gives, takes or holds power over what is above their own: whoever is not an admin of the
/// whole company must themselves be allowed everything that the grant allows, where it allows it.
///
/// # Errors
/// 403 `role_above_own`.
pub(super) fn ensure_within(tenant: &Tenant, grants: &[Grant]) -> Result<()> {
    let is_admin = match &tenant.grants {
        None => tenant.role >= Role::CompanyAdmin,
        Some(own) => own.iter().any(|grant| grant.role >= Role::CompanyAdmin && grant.shop.is_none()),
    };
    let within = |grant: &Grant| PERMISSIONS.iter().all(|name| !grant.may(name) || tenant.may_at(name, grant.shop));
    if is_admin || grants.iter().all(within) { Ok(()) } else { Err(Error::NotAllowed { code: "role_above_own" }) }
}

/// # Errors
/// 403 `role_above_own` for permissions that the caller does not hold in the whole company.
pub(super) fn ensure_holds(tenant: &Tenant, permissions: &[&'static str]) -> Result<()> {
    ensure_within(tenant, &[Grant { shop: None, role: Role::Member, permissions: permissions.to_vec() }])
}

/// A permission of those a company makes roles of.
pub(super) fn grantable(name: &str) -> Option<&'static str> {
    roles::grantable().find(|known| *known == name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{ensure_within, grants};
    use crate::{
        clock::Instant,
        ids::{AssignmentId, CompanyId, MemberId, RoleId, RowId, ShopId},
        models::identity::{assignment, role_permission},
        tenancy::{Role, Tenant},
    };

    fn row(role: &str, shop_id: Option<ShopId>) -> assignment::Model {
        let company_id = CompanyId::new();
        assignment::Model {
            company_id,
            id: AssignmentId::new(),
            member_id: MemberId::new(),
            shop_id,
            role: role.into(),
            created_at: Instant(0),
        }
    }

    #[test]
    fn a_permission_reaches_as_far_as_the_assignment_that_gives_it() {
        let (here, there, keeper) = (ShopId::new(), ShopId::new(), RoleId::new());
        let named = role_permission::Model {
            company_id: CompanyId::new(),
            id: RowId::new(),
            role_id: keeper,
            permission: "inventory:write".into(),
        };
        let rows = [row("shop_staff", Some(there)), row(&keeper.to_string(), Some(here))];
        let grants: Arc<[_]> = grants(&rows, &[named]).into();
        let tenant = Tenant { role: Role::ShopStaff, grants: Some(grants), ..Tenant::system(CompanyId::new()) };
        let shops = |permission: &str| tenant.clone().narrowed(permission).map(|tenant| tenant.shops.unwrap_or_default());
        assert_eq!(shops("inventory:write"), Some(vec![here]));
        assert_eq!(shops("orders:fulfil"), Some(vec![there]));
        assert_eq!(shops("users:write"), None);
        let mut both = vec![here, there];
        both.sort_unstable();
        assert_eq!(shops("signed_in"), Some(both));
        assert!(tenant.may_at("inventory:write", Some(here)) && !tenant.may_at("inventory:write", Some(there)));
        assert!(!tenant.may_at("inventory:write", None));
    }

    #[test]
    fn nobody_gives_more_than_they_hold() {
        let shop = ShopId::new();
        let own: Arc<[_]> = grants(&[row("shop_manager", Some(shop))], &[]).into();
        let manager = Tenant { role: Role::ShopManager, grants: Some(own), ..Tenant::system(CompanyId::new()) };
        let give = |role: &str, shop| ensure_within(&manager, &grants(&[row(role, shop)], &[])).is_ok();
        assert!(give("shop_staff", Some(shop)) && give("shop_manager", Some(shop)));
        assert!(!give("shop_staff", Some(ShopId::new())) && !give("shop_staff", None) && !give("company_admin", None));
        assert!(ensure_within(&Tenant::system(CompanyId::new()), &grants(&[row("company_admin", None)], &[])).is_ok());
    }
}
