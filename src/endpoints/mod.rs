//! Endpoints are a table: one row gives Loco's route, the description and the wall tests.
//!
//! A row of the JSON API is made by [`api`], which reads from the handler's type what a request
//! takes; what it answers is said by the row. A page is made by the functions here.

mod described;
mod description;
mod notation;

use axum::{
    extract::Request,
    handler::Handler,
    middleware::{Next, from_fn},
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};

pub use self::{
    described::{Described, Operation, Part},
    description::description,
    notation::schemas,
};
use crate::{
    errors::{Error, Result},
    tenancy::{Permission, Souk},
};

/// A door of the building.
#[derive(Clone)]
pub struct Endpoint {
    pub method: &'static str,
    pub uri: &'static str,
    /// What it takes to pass.
    pub permission: &'static str,
    /// One sentence for whoever reads the description.
    pub summary: &'static str,
    pub handler: MethodRouter<Souk>,
    /// What a request takes; nothing for a page.
    pub takes: Option<fn(&mut Operation<'_>)>,
    /// What comes back when it is done, by status.
    pub answers: Vec<(u16, Answer)>,
}

/// What an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Nothing,
    /// JSON of a shape, as `src/views/answers.yaml` names it; `[Order]` is the envelope of a list.
    Json(&'static str),
    /// A text or a file of this media type.
    Other(&'static str),
}

impl Endpoint {
    fn new<P: Permission, T: 'static>(
        method: (&'static str, MethodFilter),
        uri: &'static str,
        summary: &'static str,
        handler: impl Handler<T, Souk>,
    ) -> Self {
        Self { method: method.0, uri, permission: P::NAME, summary, handler: on(method.1, handler), takes: None, answers: vec![] }
    }

    /// What its handler does not ask for is refused, as unknown fields of a body are.
    fn described<T: Described>(self) -> Self {
        let handler = if T::ASKS || !self.uri.starts_with("/api/") { self.handler } else { self.handler.layer(from_fn(without_query)) };
        Self { takes: Some(T::describe), handler, ..self }
    }

    fn and(mut self, status: u16, answer: Answer) -> Self {
        self.answers.push((status, answer));
        self
    }

    /// It answers JSON of this shape.
    #[must_use]
    pub fn answers(self, status: u16, shape: &'static str) -> Self {
        self.and(status, Answer::Json(shape))
    }

    /// It answers nothing but its status.
    #[must_use]
    pub fn empty(self, status: u16) -> Self {
        self.and(status, Answer::Nothing)
    }

    /// It answers something else than JSON of a shape.
    #[must_use]
    pub fn sends(self, status: u16, media_type: &'static str) -> Self {
        self.and(status, Answer::Other(media_type))
    }
}

async fn without_query(request: Request, next: Next) -> Result<Response> {
    match form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).next() {
        Some((name, _)) => Err(Error::invalid(name, "unknown_field", "there is no such parameter here")),
        None => Ok(next.run(request).await),
    }
}

macro_rules! methods {
    ($($function:ident $name:literal $filter:ident)*) => {
        $(
            #[doc = concat!("A `", $name, "` endpoint under permission `P`, for pages.")]
            pub fn $function<P: Permission, T: 'static>(uri: &'static str, summary: &'static str, handler: impl Handler<T, Souk>) -> Endpoint {
                Endpoint::new::<P, T>(($name, MethodFilter::$filter), uri, summary, handler)
            }
        )*

        /// Endpoints of the JSON API, whose handlers say what they take.
        pub mod api {
            use axum::handler::Handler;

            use super::{Described, Endpoint};
            use crate::tenancy::{Permission, Souk};

            $(
                #[doc = concat!("A `", $name, "` endpoint under permission `P`.")]
                pub fn $function<P: Permission, T: Described + 'static>(
                    uri: &'static str,
                    summary: &'static str,
                    handler: impl Handler<T, Souk>,
                ) -> Endpoint {
                    super::$function::<P, T>(uri, summary, handler).described::<T>()
                }
            )*
        }
    };
}

methods! { get "GET" GET post "POST" POST put "PUT" PUT patch "PATCH" PATCH delete "DELETE" DELETE }
