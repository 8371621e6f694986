//! What people want to hear by which way.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};
use serde_json::json;

use super::{
    choice,
    class::{Channel, Class},
    links,
    person::{self, Person},
    standard,
};
use crate::{
    clock,
    errors::{Error, Result},
    ids::RowId,
    models::identity,
    tenancy::{Scope, Souk, Tenant},
};

/// For each class, which ways are on.
pub type Choices = BTreeMap<Class, BTreeMap<Channel, bool>>;

/// By which ways messages go to whoever has not said otherwise: the company's word, else Souk's.
///
/// # Errors
/// When the database cannot be reached.
pub async fn company_choices(scope: &Scope) -> Result<Choices> {
    let mut choices: Choices = Class::ALL
        .into_iter()
        .map(|class| (class, Channel::ALL.into_iter().map(|channel| (channel, class.goes_by(channel))).collect()))
        .collect();
    for row in scope.all(scope.find::<standard::Entity>()).await? {
        let (Some(class), Some(channel)) = (Class::named(&row.class), Channel::named(&row.channel)) else { continue };
        choices.entry(class).or_default().insert(channel, row.is_on);
    }
    Ok(choices)
}

/// Changes by which ways messages go to whoever has not said otherwise.
///
/// # Errors
/// As [`choose`].
pub async fn set_company_choices(scope: &Scope, wanted: &Choices) -> Result<()> {
    let before = company_choices(scope).await?;
    let mut after = before.clone();
    for (class, channels) in wanted {
        after.entry(*class).or_default().extend(channels);
    }
    check(&after)?;
    for (class, channel, is_on) in differences(&before, &after) {
        let now = clock::now();
        let row = standard::Model {
            company_id: scope.company(),
            id: RowId::new(),
            class: class.name().into(),
            channel: channel.name().into(),
            is_on,
            updated_at: now,
        };
        let key = [standard::Column::CompanyId, standard::Column::Class, standard::Column::Channel];
        if !scope.insert_unless_there(row, &key).await? {
            let update = scope
                .update::<standard::Entity>()
                .col_expr(standard::Column::IsOn, Expr::value(is_on))
                .col_expr(standard::Column::UpdatedAt, Expr::value(now))
                .filter(standard::Column::Class.eq(class.name()))
                .filter(standard::Column::Channel.eq(channel.name()));
            scope.run(update).await?;
        }
    }
    if before != after {
        scope.audit("choose_messages", "company", scope.company(), None, vec![("messages", json!(before), json!(after))]).await?;
    }
    Ok(())
}

/// Where one set of choices is another than before.
fn differences(before: &Choices, after: &Choices) -> Vec<(Class, Channel, bool)> {
    let all = after.iter().flat_map(|(class, channels)| channels.iter().map(|(channel, is_on)| (*class, *channel, *is_on)));
    all.filter(|(class, channel, is_on)| before.get(class).and_then(|channels| channels.get(channel)) != Some(is_on)).collect()
}

/// Messages stay in the list in the app, and critical ones go by a way that reaches people.
fn check(choices: &Choices) -> Result<()> {
    for (class, channels) in choices {
        let is_on = |channel| channels.get(&channel).copied().unwrap_or_default();
        if !is_on(Channel::InApp) {
            return Err(Error::invalid(format!("{}.in_app", class.name()), "always_on", "messages are always in the list"));
        }
        if *class == Class::Critical && !is_on(Channel::Email) && !is_on(Channel::Sms) {
            return Err(Error::invalid("critical", "critical_needs_a_way", "critical messages come by e-mail or SMS at least"));
        }
    }
    Ok(())
}

/// What a person has chosen, and for the rest what goes without asking.
pub(super) async fn of(scope: &Scope, person: &Person) -> Result<Choices> {
    let mut choices = company_choices(scope).await?;
    if let Person::Staff(_) = person {
        return Ok(choices);
    }
    let rows = person::theirs(scope.find::<choice::Entity>(), person, choice::Column::CustomerId, choice::Column::MemberId);
    for row in scope.all(rows).await? {
        let (Some(class), Some(channel)) = (Class::named(&row.class), Channel::named(&row.channel)) else { continue };
        choices.entry(class).or_default().insert(channel, row.is_on);
    }
    Ok(choices)
}

/// The ways of a class that are on for a person, the list in the app first.
pub(super) async fn channels(scope: &Scope, person: &Person, class: Class) -> Result<Vec<Channel>> {
    let mut chosen = of(scope, person).await?.remove(&class).unwrap_or_default();
    chosen.remove(&Channel::InApp);
    let on = chosen.into_iter().filter_map(|(channel, is_on)| is_on.then_some(channel));
    Ok(std::iter::once(Channel::InApp).chain(on).collect())
}

/// The choices of whoever is asking.
///
/// # Errors
/// 404 for somebody who gets no messages here.
pub async fn my_choices(scope: &Scope) -> Result<Choices> {
    let person = person::asking(scope).await?;
    of(scope, &person).await
}

/// The choices of a customer, for the company that writes to them.
///
/// # Errors
/// When the database cannot be reached.
pub async fn choices_of(scope: &Scope, customer: &identity::Customer) -> Result<Choices> {
    of(scope, &Person::Customer(customer.clone())).await
}

/// Changes some choices of whoever is asking.
///
/// # Errors
/// 422 for the list in the app, which stays, and for a critical class without e-mail and SMS.
pub async fn choose(scope: &Scope, changes: &Choices) -> Result<Choices> {
    let person = person::asking(scope).await?;
    change(scope, &person, changes).await
}

async fn change(scope: &Scope, person: &Person, changes: &Choices) -> Result<Choices> {
    let before = of(scope, person).await?;
    let mut after = before.clone();
    for (class, channels) in changes {
        after.entry(*class).or_default().extend(channels);
    }
    check(&after)?;
    let changed = differences(&before, &after);
    for (class, channel, is_on) in &changed {
        keep(scope, person, *class, *channel, *is_on).await?;
    }
    if !changed.is_empty() {
        let resource = if person.customer().is_some() { "customer" } else { "member" };
        scope.audit("choose_messages", resource, person.id(), None, vec![("messages", json!(before), json!(after))]).await?;
    }
    Ok(after)
}

async fn keep(scope: &Scope, person: &Person, class: Class, channel: Channel, is_on: bool) -> Result<()> {
    let now = clock::now();
    let row = choice::Model {
        company_id: scope.company(),
        id: RowId::new(),
        customer_id: person.customer(),
        member_id: person.member(),
        class: class.name().into(),
        channel: channel.name().into(),
        is_on,
        updated_at: now,
    };
    let whose = if person.customer().is_some() { choice::Column::CustomerId } else { choice::Column::MemberId };
    let key = [choice::Column::CompanyId, whose, choice::Column::Class, choice::Column::Channel];
    if scope.insert_unless_there(row, &key).await? {
        return Ok(());
    }
    let update = scope
        .update::<choice::Entity>()
        .col_expr(choice::Column::IsOn, Expr::value(is_on))
        .col_expr(choice::Column::UpdatedAt, Expr::value(now))
        .filter(whose.eq(person.id()))
        .filter(choice::Column::Class.eq(class.name()))
        .filter(choice::Column::Channel.eq(channel.name()));
    scope.run(update).await.map(|_| ())
}

/// What an unsubscribe link is about, for the page that asks once more.
#[derive(Clone, Debug)]
pub struct Letters {
    pub company: String,
    pub language: String,
    pub class: Class,
    pub are_on: bool,
}

/// Reads an unsubscribe link.
///
/// # Errors
/// 422 `link_invalid`.
pub async fn letters_of(souk: &Souk, link: &str, class: &str) -> Result<Letters> {
    let (scope, person, class) = holder(souk, link, class, false).await?;
    let company = crate::models::companies::own(&scope).await?;
    let language = match &person {
        Person::Customer(customer) => customer.language.clone(),
        Person::Member(_) | Person::Staff(_) => company.language.clone(),
    };
    let are_on = of(&scope, &person).await?.get(&class).is_some_and(|channels| channels.get(&Channel::Email) == Some(&true));
    Ok(Letters { company: company.name, language, class, are_on })
}

/// Ends, or begins again, the e-mails of a class for whoever a link was written to.
///
/// # Errors
/// 422 `link_invalid`, also for critical letters, which have no such link.
pub async fn switch_letters(souk: &Souk, link: &str, class: &str, is_on: bool) -> Result<()> {
    let (scope, person, class) = holder(souk, link, class, true).await?;
    change(&scope, &person, &BTreeMap::from([(class, BTreeMap::from([(Channel::Email, is_on)]))])).await?;
    scope.commit().await
}

async fn holder(souk: &Souk, link: &str, class: &str, write: bool) -> Result<(Scope, Person, Class)> {
    let invalid = || Error::invalid("link", "link_invalid", "this link is over or was used: ask for a new one");
    let class = Class::named(class).filter(|class| *class != Class::Critical).ok_or_else(invalid)?;
    let (company, customer, member) = links::read_unsubscribe(souk, link, class)?;
    let tenant = Tenant::system(company);
    let scope = if write { souk.write(tenant).await? } else { souk.read(tenant).await? };
    let person = match identity::find_customer(&scope, customer).await {
        Ok(customer) => Person::Customer(customer),
        Err(Error::NotFound { .. }) => Person::Member(identity::find_member(&scope, member).await.map_err(|_| invalid())?),
        Err(error) => return Err(error),
    };
    Ok((scope, person, class))
}
