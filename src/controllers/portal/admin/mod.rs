//! The admin portal: for the platform's people alone, who look across companies. Its pages are the
//! platform's own row's, so they have a name, a clock and a currency without being in any company.

pub(super) mod acting;
mod audit;
mod companies;
mod company;
mod debts;
mod health;
mod home;
mod jobs;
mod opening;
pub(super) mod plans;
mod settings;
pub(super) mod users;

use std::{fmt, str::FromStr};

use super::{Result, Visitor};
use crate::{
    endpoints::Endpoint,
    errors::Error,
    ids::CompanyId,
    models::companies::{self as tenants, Company},
    tenancy::{Permission, Platform, Scope},
};

/// A row of a list across companies, as it is chosen: whose it is, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OfCompany<I> {
    company: CompanyId,
    id: I,
}

impl<I: fmt::Display> fmt::Display for OfCompany<I> {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "{}.{}", self.company, self.id)
    }
}

impl<I: FromStr> FromStr for OfCompany<I> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (company, id) = text.split_once('.').ok_or(Error::NOT_FOUND)?;
        let (company, id) = (company.parse().map_err(|_| Error::NOT_FOUND)?, id.parse().map_err(|_| Error::NOT_FOUND)?);
        Ok(Self { company, id })
    }
}

/// Goes on, after a look across companies, with the platform's own unit: for what is around a page.
async fn own<P: Permission>(visitor: &Visitor<P>, platform: Platform) -> Result<(Scope, Company)> {
    let scope = platform.into_scope(visitor.access.tenant().clone()).await?;
    let company = tenants::own(&scope).await?;
    Ok((scope, company))
}

/// Every page of the admin portal.
pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        home::endpoints(),      // /admin
        companies::endpoints(), // /admin/companies
        opening::endpoints(),   // /admin/companies/new
        company::endpoints(),   // /admin/companies/{id}
        acting::endpoints(),    // /admin/companies/{id}/act-as
        plans::endpoints(),     // /admin/plans
        users::endpoints(),     // /admin/users
        debts::endpoints(),     // /admin/debts
        jobs::endpoints(),      // /admin/jobs
        audit::endpoints(),     // /admin/audit
        health::endpoints(),    // /admin/health
        settings::endpoints(),  // /admin/settings
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use crate::tenancy::Role;

    #[test]
    fn only_the_platforms_people_may_open_its_pages() {
        for page in super::endpoints() {
            let who: Vec<_> = Role::ALL.into_iter().filter(|role| role.may(page.permission)).collect();
            assert_eq!(who, [Role::SuperAdmin], "{} {} is for `{}`", page.method, page.uri, page.permission);
        }
    }
}
