//! The page that an invitation's letter leads to: who asks, to what, and the way in.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    PageResult,
    door::{look, page},
    fields::Fields,
    home,
    sign_in::set_cookie,
    visitor::{answer, said},
};
use crate::{
    controllers::extract::Query,
    endpoints::{Endpoint, get, post},
    errors::{Error, Result},
    models::identity::{self, Invited, Offer, Person},
    tenancy::{Device, Role, Souk, cookie, roles::Anyone},
    views::templates,
};

const TEMPLATE: &str = "public/invitation.html";

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    link: String,
}

async fn show(State(souk): State<Souk>, _: Device, headers: HeaderMap, Query(asked): Query<Asked>) -> PageResult<Response> {
    shown(&souk, &headers, &asked.link, None).await
}

async fn read(souk: &Souk, link: &str) -> Result<(Invited, Offer)> {
    let invited = identity::read_invitation(souk, link).await?;
    let offer = identity::offer(souk, &invited).await?;
    Ok((invited, offer))
}

/// The page; with a form that was refused, and why.
async fn shown(souk: &Souk, headers: &HeaderMap, link: &str, refused: Option<(&Error, &Fields)>) -> PageResult<Response> {
    match read(souk, link).await {
        Ok((invited, offer)) => open(headers, link, &invited, &offer, refused),
        Err(error @ Error::Invalid(_)) => gone(headers, link, &error),
        Err(error) => Err(look(headers).with(error)),
    }
}

/// The page of an invitation that stands open; in the company's language for who has not chosen one.
fn open(headers: &HeaderMap, link: &str, invited: &Invited, offer: &Offer, refused: Option<(&Error, &Fields)>) -> PageResult<Response> {
    let language = language(headers, &offer.company.language);
    let (mut flash, mut form, mut status) = (Value::Null, json!({ "values": {}, "errors": {}, "sent": false }), StatusCode::OK);
    if let Some((error, typed)) = refused {
        status = error.status();
        let (told, kept) = match error {
            Error::NotSignedIn { .. } | Error::TooMany { .. } | Error::NotAllowed { .. } => {
                let key = if matches!(error, Error::TooMany { .. }) { "sign_in.locked" } else { "invitation.wrong_password" };
                let text = templates::text(key, &language);
                (json!({ "tone": "bad", "text": text }), json!({ "values": {}, "errors": { "password": text }, "sent": true }))
            }
            _ => answer(error, typed, &language).unwrap_or((flash, form)),
        };
        (flash, form) = (told, kept);
    }
    let place = |(role, shop): &(String, Option<String>)| {
        let is_built_in = Role::named(role).is_some();
        json!({ "role": if is_built_in { templates::text(&format!("roles.name.{role}"), &language) } else { role.clone() }, "shop": shop })
    };
    let data = json!({
        "lang": language, "path": format!("/invitation?link={link}"), "link": link, "flash": flash, "form": form, "gone": "",
        "organisation": offer.company.name, "by": offer.by, "name": invited.name, "email": invited.email,
        "has_password": invited.has_password, "places": offer.places.iter().map(place).collect::<Vec<_>>(),
    });
    page(headers, TEMPLATE, status, data)
}

/// The page of an invitation that opens nothing: why, and what to do.
fn gone(headers: &HeaderMap, link: &str, error: &Error) -> PageResult<Response> {
    let code = match error {
        Error::Invalid(fields) => fields.first().map_or("link_invalid", |field| field.code.as_str()),
        _ => "link_invalid",
    };
    let language = look(headers).language;
    let data = json!({ "path": format!("/invitation?link={link}"), "gone": code, "error": said(error, &language) });
    page(headers, TEMPLATE, StatusCode::UNPROCESSABLE_ENTITY, data)
}

fn language(headers: &HeaderMap, of_company: &str) -> String {
    let chosen = cookie(headers, "souk_language").filter(|code| templates::LANGUAGES.contains(&code.as_str()));
    chosen.unwrap_or_else(|| of_company.to_owned())
}

/// By a button, since whoever scans mail opens its links. Whoever comes in is signed in.
async fn accept(State(souk): State<Souk>, device: Device, headers: HeaderMap, mut fields: Fields) -> PageResult<Response> {
    let link = fields.raw("link").to_owned();
    let came = match come(&souk, &device, &link, &mut fields).await {
        Ok((person, invited)) => enter(&souk, &device, &headers, &person, &invited).await,
        Err(error) => Err(error),
    };
    match came {
        Ok(answer) => Ok(answer),
        // A link that opens nothing any more says so by itself.
        Err(error) if error.status().is_client_error() => shown(&souk, &headers, &link, Some((&error, &fields))).await,
        Err(error) => Err(look(&headers).with(error)),
    }
}

async fn come(souk: &Souk, device: &Device, link: &str, fields: &mut Fields) -> Result<(Person, Invited)> {
    let invited = identity::read_invitation(souk, link).await?;
    if invited.has_password {
        let password = fields.text("password");
        fields.end()?;
        return identity::accept_as(souk, link, &password, device).await;
    }
    let (name, password) = (fields.text("name"), fields.text("password"));
    if fields.raw("againPassword") != password {
        fields.refuse("againPassword", "different", "the two are different");
    }
    fields.end()?;
    identity::accept(souk, link, &name, &password, device).await
}

/// Opens a session in the company that invited, and leads to the person's first page there.
async fn enter(souk: &Souk, device: &Device, headers: &HeaderMap, person: &Person, invited: &Invited) -> Result<Response> {
    let tokens = identity::issue(souk, Some(invited.company), person, device, true).await?;
    let portal = identity::caller_of_cookie(souk, &tokens.refresh_token).await?;
    if !invited.has_password {
        let Offer { company, .. } = identity::offer(souk, invited).await?;
        identity::set_appearance(souk, portal.staff.id, Some(&language(headers, &company.language)), None).await?;
    }
    let mut answer = Redirect::to(home(&portal.tenant)).into_response();
    set_cookie(&mut answer, souk, "souk_session", &tokens.refresh_token);
    Ok(answer)
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get::<Anyone, _>("/invitation", "Shows what somebody is invited to", show),
        post::<Anyone, _>("/invitation", "Accepts an invitation", accept),
    ]
}
