//! Loco's hooks: they point at the tables of contents. Loco is built without its database
//! feature, so its context holds no connection: there is no door around the wall.

use async_trait::async_trait;
use axum::Router as AxumRouter;
use loco_rs::{
    Result,
    app::{AppContext, Hooks, Initializer},
    bgworker::{BackgroundWorker, Queue},
    boot::{BootResult, StartMode, create_app},
    config::Config,
    controller::{AppRoutes, Routes, middleware::MiddlewareLayer},
    environment::Environment,
    task::Tasks,
};

use crate::{controllers, settings, tenancy::Souk, workers};

pub struct App;

#[async_trait]
impl Hooks for App {
    fn app_name() -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn app_version() -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    async fn boot(mode: StartMode, environment: &Environment, config: Config) -> Result<BootResult> {
        create_app::<Self>(mode, environment, config).await
    }

    async fn load_config(environment: &Environment) -> Result<Config> {
        Ok(settings::load(environment)?)
    }

    async fn after_context(ctx: AppContext) -> Result<AppContext> {
        let settings = settings::of(&ctx.config, &ctx.environment)?;
        let souk = Souk::open(settings).await?;
        let queue = workers::queue_of(&souk)?;
        ctx.shared_store.insert(souk);
        Ok(match queue {
            Some(queue) => ctx.into_builder().queue_provider(queue).build(),
            None => ctx,
        })
    }

    async fn initializers(_: &AppContext) -> Result<Vec<Box<dyn Initializer>>> {
        Ok(vec![])
    }

    /// The layers are ours and sit around the whole router.
    fn middlewares(_: &AppContext) -> Vec<Box<dyn MiddlewareLayer>> {
        vec![]
    }

    fn routes(ctx: &AppContext) -> AppRoutes {
        let Some(souk) = ctx.shared_store.get::<Souk>() else { return AppRoutes::empty() };
        let routes = controllers::endpoints()
            .into_iter()
            .fold(Routes::new(), |routes, endpoint| routes.add(endpoint.uri, endpoint.handler.with_state(souk.clone())));
        AppRoutes::empty().add_route(routes)
    }

    async fn after_routes(router: AxumRouter, ctx: &AppContext) -> Result<AxumRouter> {
        let souk = ctx.shared_store.get::<Souk>().ok_or_else(|| loco_rs::Error::string("the context holds no Souk"))?;
        Ok(controllers::outer(router.fallback(controllers::not_found), &souk))
    }

    /// The jobs are rows and the engine's; through Loco's queue travels who is to be woken.
    async fn connect_workers(ctx: &AppContext, queue: &Queue) -> Result<()> {
        queue.register(workers::Wake::build(ctx)).await
    }

    fn register_tasks(_: &mut Tasks) {}
}

/// What a process that only works answers: whether it is alive, and its figures.
pub fn watch(souk: &Souk) -> AxumRouter {
    let doors = controllers::endpoints().into_iter().filter(|endpoint| ["/health", "/metrics"].contains(&endpoint.uri));
    let router = doors.fold(AxumRouter::new(), |router, endpoint| router.route(endpoint.uri, endpoint.handler.with_state(souk.clone())));
    controllers::outer(router.fallback(controllers::not_found), souk)
}

/// The router over an open Souk, as the tests serve it.
pub fn router(souk: &Souk) -> AxumRouter {
    let router = controllers::endpoints()
        .into_iter()
        .fold(AxumRouter::new(), |router, endpoint| router.route(endpoint.uri, endpoint.handler.with_state(souk.clone())));
    controllers::outer(router.fallback(controllers::not_found), souk)
}
