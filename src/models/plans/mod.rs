//! Plans: what the platform offers to companies, what each has subscribed to, and how much of it
//! there may be.
//!
//! A subscription copies its plan's terms, which therefore change from one period to the next and
//! never within one. What a period costs is raised by `debts`.

mod admit;
mod period;
mod plan;
mod subscribe;
mod subscribers;
mod subscription;

pub use self::{
    admit::{Limit, admit, count_orders},
    period::Model as Period,
    plan::{Interval, LIMIT_MAX, Model as Plan, NewPlan, PlanChange, add, by_code, by_id, change, list},
    subscribe::{Switch, begin, cancel, companies_at_an_end, current, hold, is_due, renew, resume, set_state, set_terms, switch},
    subscribers::{of_companies, subscribers},
    subscription::{Lateness, Model as Subscription, State},
};
