//! Whose an e-mail address is: looked up before anything is proved, and always by the same questions.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{customer, member, staff};
use crate::{
    errors::Result,
    ids::{CompanyId, StaffId},
    tenancy::{PLATFORM_COMPANY, Platform, Scope, Souk, keys},
};

/// A person with a password.
#[derive(Clone, Debug)]
pub enum Person {
    Customer(customer::Model),
    Staff(staff::Model),
}

impl Person {
    #[must_use]
    pub const fn id(&self) -> Uuid {
        match self {
            Self::Customer(one) => one.id.0,
            Self::Staff(one) => one.id.0,
        }
    }

    /// Whether they are shut out: a customer by their company, staff by the platform.
    pub(super) const fn is_banned(&self) -> bool {
        match self {
            Self::Customer(one) => one.is_banned,
            Self::Staff(one) => one.banned_at.is_some(),
        }
    }

    /// What the audit calls such a thing.
    #[must_use]
    pub const fn resource(&self) -> &'static str {
        match self {
            Self::Customer(_) => "customer",
            Self::Staff(_) => "staff",
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Customer(one) => &one.name,
            Self::Staff(one) => &one.name,
        }
    }

    /// The password's hash; it is also what a link to a new one is bound to.
    pub(super) fn password(&self) -> &str {
        match self {
            Self::Customer(one) => &one.password,
            Self::Staff(one) => &one.password,
        }
    }
}

/// An e-mail address or a telephone at a company, whether anybody has it or not.
pub(super) struct Account {
    /// Names the account in counts, without giving the address away.
    pub key: String,
    /// Names the address at whichever company: who knocks at one company after the other is counted
    /// here, whether the address has an account there or not.
    pub everywhere: String,
    pub person: Option<Person>,
    /// Where the audit tells of it: the named company, a staff person's own, or the platform.
    pub company: CompanyId,
}

impl Account {
    /// The company's customers first, then its staff; without a company, staff.
    pub async fn find(souk: &Souk, platform: &Platform, company: Option<CompanyId>, email: &str) -> Result<Self> {
        let email = normal(email);
        let named = |company: Option<CompanyId>| keys::mac(&souk.keys().newest().links, format!("{company:?} {email}").as_bytes());
        let (key, everywhere) = (named(company), named(None));
        // Every question is asked whatever the one before found, so that time tells nothing.
        let of_company = company.unwrap_or(PLATFORM_COMPANY);
        let customer = platform.find::<customer::Entity>().filter(customer::Column::CompanyId.eq(of_company));
        let customer = platform.one(customer.filter(customer::Column::Email.eq(email.as_str()))).await?;
        let staff = platform.one(platform.find::<staff::Entity>().filter(staff::Column::Email.eq(email.as_str()))).await?;
        let staff_id = staff.as_ref().map_or(StaffId(Uuid::nil()), |staff| staff.id);
        let places = memberships(platform, staff_id).await?;
        let belongs = |staff: &staff::Model| staff.is_super_admin || company.is_none_or(|company| places.contains(&company));
        let person = customer.map(Person::Customer).or_else(|| staff.filter(belongs).map(Person::Staff));
        let is_root = matches!(&person, Some(Person::Staff(one)) if one.is_super_admin);
        let home = company.or_else(|| places.first().copied().filter(|_| !is_root)).filter(|_| person.is_some() || company.is_some());
        Ok(Self { key, everywhere, person, company: home.unwrap_or(PLATFORM_COMPANY) })
    }

    /// A telephone, as the world calls it: a customer's of the company, where exactly one has proved it.
    pub async fn of_phone(souk: &Souk, platform: &Platform, company: CompanyId, number: &str) -> Result<Self> {
        let named = |company: Option<CompanyId>| keys::mac(&souk.keys().newest().links, format!("{company:?} {number}").as_bytes());
        let proved = platform.find::<customer::Entity>().filter(customer::Column::CompanyId.eq(company));
        let mut proved = platform.all(proved.filter(customer::Column::PhoneProved.eq(number)).limit(2)).await?;
        let person = proved.pop().filter(|_| proved.is_empty()).map(Person::Customer);
        Ok(Self { key: named(Some(company)), everywhere: named(None), person, company })
    }

    /// Under what is counted: the account, and the address at whichever company.
    pub fn keys(&self) -> Vec<&str> {
        let mut keys = vec![self.key.as_str(), self.everywhere.as_str()];
        keys.dedup();
        keys
    }

    /// What the right password makes good: a customer's own company cannot vouch for the address elsewhere.
    pub fn proved(&self) -> Vec<&str> {
        match &self.person {
            Some(Person::Staff(_)) => self.keys(),
            _ => vec![self.key.as_str()],
        }
    }

    /// What the audit names: the person, or the account that nobody has.
    pub fn named(&self) -> (&'static str, String) {
        match &self.person {
            Some(person) => (person.resource(), person.id().to_string()),
            None => ("account", self.key.chars().take(16).collect()),
        }
    }
}

/// The companies a staff person is an active member of, the oldest membership first; those that only
/// invited them come last, since anybody may invite.
pub(super) async fn memberships(platform: &Platform, staff: StaffId) -> Result<Vec<CompanyId>> {
    let members = platform.find::<member::Entity>().filter(member::Column::StaffId.eq(staff));
    let members = members.filter(member::Column::Kind.eq(member::STAFF));
    let members = platform.all(members.filter(member::Column::IsActive.eq(true)).order_by_asc(member::Column::Id)).await?;
    let (joined, invited): (Vec<_>, Vec<_>) = members.into_iter().partition(|member| member.joined_at.is_some());
    Ok(joined.into_iter().chain(invited).map(|member| member.company_id).collect())
}

/// Under which ids somebody acts in this company: by an id (of a customer, a member, or a staff
/// person) or an e-mail address. Nobody is an empty list.
pub async fn actors(scope: &Scope, who: &str) -> Result<Vec<Uuid>> {
    let mut members = scope.find::<member::Entity>();
    let mut ids = Vec::new();
    if let Ok(id) = who.trim().parse::<Uuid>() {
        members = members.filter(member::Column::StaffId.eq(StaffId(id)));
        ids.push(id);
    } else {
        let email = normal(who);
        members = members.filter(member::Column::Email.eq(email.as_str()));
        let customers = scope.find::<customer::Entity>().filter(customer::Column::Email.eq(email.as_str()));
        ids.extend(scope.all(customers).await?.into_iter().map(|one| one.id.0));
    }
    ids.extend(scope.all(members.limit(10)).await?.into_iter().map(|one| one.id.0));
    Ok(ids)
}

/// Under which ids somebody acts in whichever company, as [`actors`].
///
/// # Errors
/// When the database cannot be reached.
pub async fn actors_of_all(platform: &Platform, who: &str) -> Result<Vec<Uuid>> {
    let mut members = platform.find::<member::Entity>();
    let mut ids = Vec::new();
    if let Ok(id) = who.trim().parse::<Uuid>() {
        members = members.filter(member::Column::StaffId.eq(StaffId(id)));
        ids.push(id);
    } else {
        // A person of the platform acts under their own id, and as a member of companies under those.
        let person = platform.one(platform.find::<staff::Entity>().filter(staff::Column::Email.eq(normal(who)))).await?;
        let Some(person) = person else { return Ok(ids) };
        ids.push(person.id.0);
        members = members.filter(member::Column::StaffId.eq(person.id));
    }
    ids.extend(platform.all(members.limit(100)).await?.into_iter().map(|one| one.id.0));
    Ok(ids)
}

/// An e-mail address as it is stored.
pub(super) fn normal(email: &str) -> String {
    email.trim().to_lowercase()
}
