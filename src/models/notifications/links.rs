//! Links in letters. They are made when a letter is written, and kept nowhere.

use std::time::Duration;

use super::{class::Class, person::Person};
use crate::{
    clock,
    errors::{Error, Result},
    ids::{CompanyId, CustomerId, MemberId},
    models::identity::{self, Link, Purpose, Staff},
    tenancy::Souk,
};

const HOUR: u64 = 3_600;
/// An old letter's link should still work.
const UNSUBSCRIBE: Duration = Duration::from_secs(400 * 24 * HOUR);

/// The address at which a person proves something once.
///
/// # Errors
/// 404 for a person whom such a link is not for.
pub fn seal(souk: &Souk, purpose: Purpose, company: CompanyId, person: &Person, staff: Option<&Staff>) -> Result<String> {
    let path = match (purpose, person, staff) {
        (Purpose::Invitation, Person::Member(member), Some(staff)) => identity::invitation_of(souk, company, member.id, staff)?,
        (Purpose::NewPassword, Person::Customer(customer), _) => {
            identity::password_path(souk, &identity::Person::Customer(customer.clone()))?
        }
        (Purpose::NewPassword, _, Some(staff)) => identity::password_path(souk, &identity::Person::Staff(staff.clone()))?,
        (Purpose::Address, Person::Customer(customer), _) => identity::address_path(souk, customer)?,
        _ => return Err(Error::NOT_FOUND),
    };
    Ok(format!("{}{path}", souk.settings().url()))
}

/// Two addresses for the same wish.
pub struct Unsubscribe {
    /// For a person, who is asked once more.
    pub page: String,
    /// For a mail program, which acts at once (RFC 8058).
    pub one_click: String,
}

/// Where a person says that they want no more letters of a class.
///
/// # Errors
/// Never for what can be written as JSON.
pub fn unsubscribe(souk: &Souk, company: CompanyId, person: &Person, class: Class) -> Result<Unsubscribe> {
    let until = clock::now().plus(UNSUBSCRIBE);
    // The class is the stamp: a link for one class is none for another.
    let link = Link::seal(souk, Purpose::Unsubscribe, Some(company), person.id(), class.name(), until)?;
    let query = format!("class={}&link={link}", class.name());
    let url = souk.settings().url();
    Ok(Unsubscribe { page: format!("{url}/unsubscribe?{query}"), one_click: format!("{url}/api/notifications/unsubscribe?{query}") })
}

/// Whose letters of which class a link ends.
///
/// # Errors
/// 422 `link_invalid`.
pub fn read_unsubscribe(souk: &Souk, text: &str, class: Class) -> Result<(CompanyId, CustomerId, MemberId)> {
    let link = Link::read(text, Purpose::Unsubscribe)?;
    link.check(souk, text, class.name())?;
    let company = link.company.ok_or_else(|| Error::invalid("link", "link_invalid", "this link is over or was used: ask for a new one"))?;
    Ok((company, CustomerId(link.subject), MemberId(link.subject)))
}
