//! Payment gateways behind one trait, and the deterministic `test` gateway.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use crate::{
    clock,
    errors::{Error, Result},
    ids::{AttemptId, CompanyId, PaymentId, RefundId},
    models::payments::{test_charge, test_refund},
    money::Money,
    settings::Settings,
    tenancy::Souk,
};

/// What a gateway says of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Captured,
    Declined {
        code: String,
    },
    /// The answer was lost; ask again before deciding anything.
    Unknown,
    /// The customer must confirm at the gateway first.
    Action {
        redirect_url: String,
    },
}

/// A charge to make. The attempt's id is the idempotency key at the gateway.
#[derive(Clone, Debug)]
pub struct Charge {
    pub company: CompanyId,
    pub payment: PaymentId,
    pub attempt: AttemptId,
    pub amount: Money,
    pub method: String,
}

/// One way to take money and give it back.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Takes the money, once for each attempt.
    async fn charge(&self, charge: &Charge) -> Result<Outcome>;
    /// What became of an attempt; `None` when the gateway has never heard of it.
    async fn look_up(&self, attempt: AttemptId) -> Result<Option<Outcome>>;
    /// The customer has come back from the gateway's page.
    async fn confirm(&self, attempt: AttemptId) -> Result<()>;
    /// Ends an attempt that waits for its customer, so that it takes no money any more. The answer
    /// decides: `Captured` when the customer was faster. Asked again, it answers the same.
    async fn cancel(&self, attempt: AttemptId) -> Result<Outcome>;
    /// Gives money back, once for each refund.
    async fn refund(&self, company: CompanyId, attempt: AttemptId, refund: RefundId, amount: Money) -> Result<()>;
}

/// The ways to pay that an order may name here. What was paid at another one before is still given back there.
#[must_use]
pub const fn offered(settings: &Settings) -> &'static [&'static str] {
    if settings.test_gateway { &["test", "cod"] } else { &["cod"] }
}

/// The gateway of a payment.
///
/// # Errors
/// 422 for a name that is none.
pub fn named(souk: &Souk, name: &str) -> Result<Box<dyn Gateway>> {
    match name {
        "test" => Ok(Box::new(TestGateway { souk: souk.clone() })),
        _ => Err(Error::conflict("gateway_has_no_payment", "this order is not paid through a gateway", serde_json::json!({}))),
    }
}

/// Decides by the method's token, and keeps its own books, committed outside any unit of work.
struct TestGateway {
    souk: Souk,
}

impl TestGateway {
    async fn find(&self, attempt: AttemptId) -> Result<Option<test_charge::Model>> {
        let platform = self.souk.platform("gateway").await?;
        platform.one(platform.find::<test_charge::Entity>().filter(test_charge::Column::Id.eq(attempt))).await
    }

    /// Of those who end what waits for its customer, the first decides.
    async fn end_action(&self, attempt: AttemptId, to: &str) -> Result<()> {
        let platform = self.souk.platform("gateway").await?;
        let update = platform
            .update::<test_charge::Entity>()
            .col_expr(test_charge::Column::State, Expr::value(to))
            .filter(test_charge::Column::Id.eq(attempt))
            .filter(test_charge::Column::State.eq("action"));
        platform.run(update).await?;
        platform.commit().await
    }
}

#[async_trait]
impl Gateway for TestGateway {
    async fn charge(&self, charge: &Charge) -> Result<Outcome> {
        let state = match charge.method.as_str() {
            "tok_ok" | "tok_timeout" => "captured",
            "tok_3ds" => "action",
            "tok_declined" => return Ok(Outcome::Declined { code: "card_declined".into() }),
            "tok_insufficient" => return Ok(Outcome::Declined { code: "insufficient_funds".into() }),
            _ => return Ok(Outcome::Declined { code: "unknown_token".into() }),
        };
        if self.find(charge.attempt).await?.is_none() {
            let platform = self.souk.platform("gateway").await?;
            platform
                .insert(test_charge::Model {
                    id: charge.attempt,
                    company_id: charge.company,
                    payment_id: charge.payment,
                    state: state.into(),
                    method: charge.method.clone(),
                    amount: charge.amount,
                    refunded: Money::ZERO,
                    created_at: clock::now(),
                })
                .await?;
            platform.commit().await?;
        }
        Ok(match charge.method.as_str() {
            "tok_timeout" => Outcome::Unknown,
            "tok_3ds" => Outcome::Action { redirect_url: format!("https://gateway.test/confirm/{}", charge.attempt) },
            _ => Outcome::Captured,
        })
    }

    async fn look_up(&self, attempt: AttemptId) -> Result<Option<Outcome>> {
        Ok(self.find(attempt).await?.map(|charge| match charge.state.as_str() {
            "captured" => Outcome::Captured,
            "cancelled" => Outcome::Declined { code: "expired".into() },
            _ => Outcome::Action { redirect_url: format!("https://gateway.test/confirm/{attempt}") },
        }))
    }

    async fn confirm(&self, attempt: AttemptId) -> Result<()> {
        self.end_action(attempt, "captured").await
    }

    async fn cancel(&self, attempt: AttemptId) -> Result<Outcome> {
        self.end_action(attempt, "cancelled").await?;
        self.look_up(attempt).await?.ok_or_else(|| Error::internal("the gateway never heard of what it is to cancel"))
    }

    async fn refund(&self, company: CompanyId, attempt: AttemptId, refund: RefundId, amount: Money) -> Result<()> {
        let platform = self.souk.platform("gateway").await?;
        if platform.one(platform.find::<test_refund::Entity>().filter(test_refund::Column::Id.eq(refund))).await?.is_some() {
            return Ok(());
        }
        let take = platform
            .update::<test_charge::Entity>()
            .col_expr(test_charge::Column::Refunded, Expr::col(test_charge::Column::Refunded).add(amount))
            .filter(test_charge::Column::Id.eq(attempt))
            .filter(Expr::col(test_charge::Column::Refunded).add(amount).lte(Expr::col(test_charge::Column::Amount)));
        if platform.run(take).await? != 1 {
            return Err(Error::internal("the gateway refuses to give back more than it took"));
        }
        platform
            .insert(test_refund::Model { id: refund, company_id: company, charge_id: attempt, amount, created_at: clock::now() })
            .await?;
        platform.commit().await
    }
}
