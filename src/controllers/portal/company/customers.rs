//! The company's customers: the list, one of them, and what is done with their account.

use std::sync::Arc;

use axum::{
    http::header,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    PageResult, Visitor, encode, export,
    fields::Fields,
    lists::{Head, Listing, Sorting},
    local,
};
use crate::{
    controllers::{
        extract::{Id, Query},
        page,
    },
    endpoints::{Endpoint, get, post},
    errors::Result,
    ids::CustomerId,
    keyset::{Place, Sort},
    models::{
        carts,
        companies::{self, Company},
        identity::{self, Customer, CustomerChange, GROUPS, PeopleBy, PeopleFilter, Presence},
        notifications::{self, Channel, Class},
        orders, personal, shops,
    },
    tenancy::{
        Access, Permission, Scope,
        roles::{AuditRead, OrdersRead, UsersRead, UsersWrite},
    },
    views::personal as view,
};

const PAGE: &str = "/company/customers";
const ROWS: u64 = 50;
/// So many of a customer's orders, addresses and wishes are looked at; orders have a list of their own.
const ORDERS: u64 = 10;
const ADDRESSES: u64 = 50;
const WISHES: u64 = 500;

#[derive(Clone, Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    q: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    sort: String,
    cursor: Option<String>,
}

/// What people sort customers by.
const HEADS: [Head<PeopleBy>; 2] = [
    Head { word: "name", label: "customers.col.customer", falls: false, by: PeopleBy::Name },
    Head { word: "since", label: "customers.col.since", falls: true, by: PeopleBy::Since },
];

impl List {
    fn sorting(&self) -> Sorting<PeopleBy> {
        Sorting::of(&HEADS, Sort { by: PeopleBy::Since, falls: true }, &self.sort)
    }

    fn filter(&self) -> PeopleFilter {
        PeopleFilter {
            words: Some(self.q.clone()),
            group: Some(self.group.clone()).filter(|group| GROUPS.contains(&group.as_str())),
            state: Presence::named(&self.state),
            ..PeopleFilter::default()
        }
    }
}

/// The questions people ask daily.
const VIEWS: [(&str, &str); 3] =
    [("customers.view.all", ""), ("customers.group.retailer", "group=retailer"), ("staff.state.banned", "state=banned")];

async fn index(visitor: Visitor<UsersRead>, Query(list): Query<List>) -> PageResult<Html<String>> {
    let (company, data) = list_page(&visitor, &list).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/customers/index.html", &company, data)
}

/// A page of customers, and what they bought at the shops that are seen.
async fn found(scope: &Scope, list: &List, after: Option<Place>, limit: u64) -> Result<Vec<Customer>> {
    identity::sorted_customers(scope, &list.filter(), orders::bought_here(scope), list.sorting().sort, after, limit).await
}

async fn list_page(visitor: &Visitor<UsersRead>, list: &List) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let filter = list.filter();
    let sorting = list.sorting();
    let by = sorting.sort.by;
    let bound = format!("portal customers {filter:?} {:?}", sorting.sort);
    let after = page::open::<Place>(access, &bound, list.cursor.as_deref())?;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let mut people = found(&scope, list, after, ROWS + 1).await?;
    let next = page::cut(access, &bound, &mut people, ROWS, |one| by.place(one.id.0, &one.sort_name))?;
    let ids: Vec<_> = people.iter().map(|one| one.id).collect();
    let bought = orders::bought_by(&scope, &ids).await?;
    let rows = people.iter().map(|one| {
        let bought = bought.get(&one.id);
        json!({
            "id": one.id, "name": one.name, "email": one.email, "phone": one.phone, "group": one.customer_group, "is_banned": one.is_banned,
            "orders": bought.map_or(0, |bought| bought.orders), "spent": bought.map(|bought| bought.amount),
            "last": bought.map(|bought| local(bought.last_at, &company.zone, &visitor.language)), "since": local(one.created_at, &company.zone, &visitor.language),
        })
    });
    let rows: Vec<_> = rows.collect();
    let named = |key: &str, value: &str| if value.is_empty() { String::new() } else { visitor.text(&format!("{key}.{value}")) };
    let chips = vec![
        ("q", visitor.text("ui.search"), list.q.clone()),
        ("group", visitor.text("customers.col.group"), named("customers.group", filter.group.as_deref().unwrap_or_default())),
        ("state", visitor.text("customers.col.state"), named("staff.state", filter.state.map_or("", Presence::name))),
    ];
    let group = |group: &&str| json!({ "value": group, "label_key": format!("customers.group.{group}") });
    let states = ["active", "banned"].map(|state| json!({ "value": state, "label_key": format!("staff.state.{state}") }));
    let data = json!({
        "list": visitor.sorted_list(&scope, Listing { views: &VIEWS, chips, count: rows.len(), next }, &sorting).await?, "rows": rows,
        "filter": { "q": list.q, "group": list.group, "state": list.state }, "groups": GROUPS.iter().map(group).collect::<Vec<_>>(),
        "states": states,
    });
    Ok((company, data))
}

const COLUMNS: [&str; 9] = ["name", "email", "phone", "group", "state", "orders", "currency", "spent", "since"];

async fn export(visitor: Visitor<UsersRead>, Query(list): Query<List>) -> PageResult<Response> {
    let look = visitor.look();
    let access = Arc::new(visitor.access);
    let by = list.sorting().sort.by;
    let csv = export::csv("customers", &COLUMNS, move |after| {
        let (access, list) = (access.clone(), list.clone());
        async move {
            let scope = access.read().await?;
            let people = found(&scope, &list, after, export::ROWS).await?;
            let next = people.last().map(|one| by.place(one.id.0, &one.sort_name)).filter(|_| people.len() as u64 == export::ROWS);
            Ok((cells(&scope, &people).await?, next))
        }
    });
    csv.await.map_err(|error| look.with(error))
}

async fn export_chosen(visitor: Visitor<UsersRead>, fields: Fields) -> PageResult<Response> {
    let rows = chosen_rows(&visitor.access, &fields).await.map_err(|error| visitor.refuse(error))?;
    let csv = export::csv("customers", &COLUMNS, move |_: Option<()>| std::future::ready(Ok((rows.clone(), None))));
    csv.await.map_err(|error| visitor.refuse(error))
}

async fn chosen_rows(access: &Access<UsersRead>, fields: &Fields) -> Result<Vec<Vec<String>>> {
    let scope = access.read().await?;
    let mut people = Vec::new();
    for id in fields.all("ids").iter().take(100).filter_map(|id| id.parse().ok()) {
        people.push(identity::customer_among(&scope, id, orders::bought_here(&scope)).await?);
    }
    cells(&scope, &people).await
}

async fn cells(scope: &Scope, people: &[Customer]) -> Result<Vec<Vec<String>>> {
    let currency = companies::own(scope).await?.currency;
    let ids: Vec<_> = people.iter().map(|one| one.id).collect();
    let bought = orders::bought_by(scope, &ids).await?;
    let line = |one: &Customer| {
        let bought = bought.get(&one.id);
        vec![
            one.name.clone(),
            one.email.clone(),
            one.phone.clone().unwrap_or_default(),
            one.customer_group.clone(),
            if one.is_banned { "banned" } else { "active" }.into(),
            bought.map_or(0, |bought| bought.orders).to_string(),
            currency.clone(),
            bought.map(|bought| bought.amount.plain()).unwrap_or_default(),
            one.created_at.to_string(),
        ]
    };
    Ok(people.iter().map(line).collect())
}

async fn show(visitor: Visitor<UsersRead>, Id(id): Id<CustomerId>) -> PageResult<Html<String>> {
    let (company, data) = customer_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
    visitor.page("company/customers/show.html", &company, data)
}

/// One customer's page, for whoever may see people or change them.
async fn customer_page<P: Permission>(visitor: &Visitor<P>, id: CustomerId) -> Result<(Company, Value)> {
    let access = &visitor.access;
    let scope = access.read().await?;
    let company = companies::own(&scope).await?;
    let one = identity::customer_among(&scope, id, orders::bought_here(&scope)).await?;
    let bought = orders::bought_by(&scope, &[id]).await?.remove(&id);
    let addresses = identity::addresses(&scope, id, None, ADDRESSES).await?;
    let addresses = addresses.iter().map(|one| {
        let parts = ["name", "line1", "line2", "city", "state", "postalCode", "country", "phone"];
        let lines: Vec<_> = parts.iter().filter_map(|part| one.address[*part].as_str()).filter(|part| !part.is_empty()).collect();
        json!({ "lines": lines, "is_default": one.is_default })
    });
    let wishes = carts::wishes(&scope, id, None, WISHES).await?.len();
    let choices = notifications::choices_of(&scope, &one).await?;
    let ways = Class::ALL.map(|class| {
        let on = |channel: &Channel| choices.get(&class).and_then(|ways| ways.get(channel)).copied().unwrap_or_default();
        json!({ "class": class, "ways": Channel::ALL.iter().map(|channel| json!({ "channel": channel, "on": on(channel) })).collect::<Vec<_>>() })
    });
    let likes = identity::preferences(&scope, id).await?;
    let likes = [("organic", likes.organic), ("seasonal", likes.seasonal), ("local", likes.local)];
    let likes: Vec<_> = likes.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
    let average = bought.as_ref().filter(|bought| bought.orders > 0).map(|bought| bought.amount.0 / bought.orders);
    let group = |group: &&str| json!({ "value": group, "label_key": format!("customers.group.{group}") });
    let data = json!({
        "one": {
            "id": id, "name": one.name, "email": one.email, "phone": one.phone, "group": one.customer_group, "language": one.language,
            "is_banned": one.is_banned, "is_verified": one.is_verified, "has_proved_phone": one.phone_proved.is_some(), "is_forgotten": identity::is_forgotten(&one), "since": local(one.created_at, &company.zone, &visitor.language), "version": one.version,
        },
        "bought": {
            "orders": bought.as_ref().map_or(0, |bought| bought.orders), "spent": bought.as_ref().map(|bought| bought.amount), "average": average,
            "last": bought.as_ref().map(|bought| local(bought.last_at, &company.zone, &visitor.language)),
        },
        "orders": orders_of(visitor, &company, id, &one.name).await?, "addresses": addresses.collect::<Vec<_>>(), "wishes": wishes, "ways": ways, "likes": likes,
        "channels": Channel::ALL, "groups": GROUPS.iter().map(group).collect::<Vec<_>>(),
        "can_write": access.tenant().may_at(UsersWrite::NAME, None), "can_audit": access.tenant().may(AuditRead::NAME),
    });
    Ok((company, data))
}

/// A customer's newest orders at the shops whose orders the visitor reads; nothing for whom may read none.
async fn orders_of<P: Permission>(visitor: &Visitor<P>, company: &Company, id: CustomerId, name: &str) -> Result<Value> {
    let Some(access) = visitor.access.also::<OrdersRead>() else { return Ok(Value::Null) };
    let scope = access.read().await?;
    let filter = orders::Filter { customer: Some(id), ..orders::Filter::default() };
    let found = orders::list(&scope, &filter, None, ORDERS).await?;
    let names = shops::names(&scope).await?;
    let rows = found.orders.iter().map(|order| {
        json!({
            "id": order.id, "number": order.order_number, "placed": local(order.created_at, &company.zone, &visitor.language), "shop": names.get(&order.shop_id),
            "status": order.status, "payment_status": order.payment_status, "total": order.total,
        })
    });
    let all = found.next.is_some().then(|| format!("/company/orders?q={}", encode(name)));
    Ok(json!({ "rows": rows.collect::<Vec<_>>(), "all": all }))
}

async fn change(visitor: Visitor<UsersWrite>, Id(id): Id<CustomerId>, mut fields: Fields) -> PageResult<Response> {
    match save(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&format!("{PAGE}/{id}"), "saved").into_response()),
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            let (company, data) = customer_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/customers/show.html", &company, data)
        }
    }
}

async fn save(access: &Access<UsersWrite>, id: CustomerId, fields: &mut Fields) -> Result<()> {
    let change = CustomerChange {
        language: None,
        name: Some(fields.text("name")),
        phone: Some(fields.raw("phone").to_owned()),
        group: Some(fields.text("customerGroup")),
    };
    let version = fields.parsed::<i64>("version");
    fields.end()?;
    let scope = access.write().await?;
    identity::customer_among(&scope, id, orders::bought_here(&scope)).await?;
    identity::change_customer(&scope, id, change, version).await?;
    scope.commit().await
}

async fn ban(visitor: Visitor<UsersWrite>, Id(id): Id<CustomerId>) -> PageResult<Redirect> {
    set_banned(visitor, id, true).await
}

async fn unban(visitor: Visitor<UsersWrite>, Id(id): Id<CustomerId>) -> PageResult<Redirect> {
    set_banned(visitor, id, false).await
}

async fn set_banned(visitor: Visitor<UsersWrite>, id: CustomerId, banned: bool) -> PageResult<Redirect> {
    let path = format!("{PAGE}/{id}");
    match switch(&visitor.access, id, banned).await {
        Ok(()) => Ok(visitor.done(&path, if banned { "staff_banned" } else { "staff_unbanned" })),
        Err(error) => visitor.back(&path, error),
    }
}

async fn switch(access: &Access<UsersWrite>, id: CustomerId, banned: bool) -> Result<()> {
    let scope = access.write().await?;
    identity::customer_among(&scope, id, orders::bought_here(&scope)).await?;
    identity::set_customer_banned(&scope, id, banned).await?;
    scope.commit().await
}

/// All that is known of a customer, as a file to give to them.
async fn hand_out(visitor: Visitor<UsersWrite>, Id(id): Id<CustomerId>) -> PageResult<Response> {
    let known = gather(&visitor.access, id).await.map_err(|error| visitor.refuse(error))?;
    let name = format!("attachment; filename=\"customer-{id}.json\"");
    Ok(([(header::CONTENT_DISPOSITION, name), (header::CACHE_CONTROL, "no-store".to_owned())], axum::Json(known)).into_response())
}

async fn gather(access: &Access<UsersWrite>, id: CustomerId) -> Result<Value> {
    let scope = access.write().await?;
    identity::customer_among(&scope, id, orders::bought_here(&scope)).await?;
    let known = personal::hand_out(&scope, id).await?;
    let known = view::known(&scope, &known).await?;
    scope.commit().await?;
    Ok(known)
}

async fn forget(visitor: Visitor<UsersWrite>, Id(id): Id<CustomerId>, mut fields: Fields) -> PageResult<Response> {
    match erase(&visitor.access, id, &mut fields).await {
        Ok(()) => Ok(visitor.done(&format!("{PAGE}/{id}"), "customer_forgotten").into_response()),
        Err(error) => {
            let visitor = visitor.refused(error, &fields)?;
            let (company, data) = customer_page(&visitor, id).await.map_err(|error| visitor.refuse(error))?;
            visitor.again("company/customers/show.html", &company, data)
        }
    }
}

/// What cannot be undone is confirmed by writing whom it is about.
async fn erase(access: &Access<UsersWrite>, id: CustomerId, fields: &mut Fields) -> Result<()> {
    let scope = access.write().await?;
    let one = identity::customer_among(&scope, id, orders::bought_here(&scope)).await?;
    if fields.text("confirmEmail").to_lowercase() != one.email {
        fields.refuse("confirmEmail", "not_the_same", "write the customer's e-mail address");
    }
    fields.end()?;
    personal::forget(&scope, id).await?;
    scope.commit().await
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<UsersRead, _>(PAGE, "Customers", index),
        get::<UsersRead, _>("/company/customers/export.csv", "Customers as CSV", export),
        post::<UsersRead, _>("/company/customers/chosen.csv", "Chosen customers as CSV", export_chosen),
        get::<UsersRead, _>("/company/customers/{id}", "One customer", show),
        post::<UsersWrite, _>("/company/customers/{id}", "Changes a customer's name, phone and group", change),
        post::<UsersWrite, _>("/company/customers/{id}/ban", "Shuts a customer out", ban),
        post::<UsersWrite, _>("/company/customers/{id}/unban", "Lets a customer in again", unban),
        post::<UsersWrite, _>("/company/customers/{id}/personal.json", "All that is known of a customer, to give to them", hand_out),
        post::<UsersWrite, _>("/company/customers/{id}/forget", "Forgets who a customer is", forget),
    ]
}
