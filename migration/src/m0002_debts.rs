//! What companies owe the platform: plans and subscriptions, debts with their instalments, what
//! was paid of them, and what was said.

use sea_orm_migration::{prelude::*, sea_orm::ConnectionTrait};

use crate::tenant::{Table, append_only};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        plans(db).await?;
        debts(db).await?;
        for table in ["subscription_periods", "debt_payments", "debt_allocations", "debt_steps"] {
            append_only(db, table).await?;
        }
        Ok(())
    }
}

async fn plans(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenant = |name| Table::of_tenant(backend, name);
    Table::of_platform(backend, "plans")
        .texts(&["code", "name", "currency", "period"])
        .ints(&["price"])
        .ints_opt(&["shops_max", "staff_max", "products_max", "orders_max"])
        .flags(&["is_active"])
        .ints(&["created_at", "updated_at", "version"])
        .check("price >= 0")
        .unique("code")
        .create(db)
        .await?;
    tenant("subscriptions")
        .ids(&["plan_id"])
        .ids_opt(&["next_plan_id"])
        .texts(&["plan_code", "plan_name", "state", "currency", "period", "orders_month"])
        .ints(&["price"])
        .ints_opt(&["shops_max", "staff_max", "products_max", "orders_max"])
        .dates(&["starts_on", "ends_on"])
        .flags(&["is_trial", "renews"])
        .ints(&["anchor_day", "grace_days", "periods", "orders_count"])
        .ints_opt(&["cancelled_at"])
        .ints(&["created_at", "updated_at", "version"])
        .queue_index("ends_on")
        .create(db)
        .await?;
    tenant("subscription_periods")
        .belongs("subscription_id", "subscriptions")
        .ids(&["plan_id"])
        .texts(&["plan_code", "currency"])
        .ints(&["number", "amount"])
        .dates(&["starts_on", "ends_on"])
        .ints(&["created_at"])
        .check("amount >= 0")
        .unique("subscription_id, number")
        .create(db)
        .await
}

async fn debts(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenant = |name| Table::of_tenant(backend, name);
    tenant("debts")
        .belongs_opt("subscription_id", "subscriptions")
        .belongs_opt("period_id", "subscription_periods")
        .texts(&["kind", "status", "currency", "reference", "note"])
        .texts_opt(&["closed_reason"])
        .ints(&["amount", "paid", "grace_days"])
        .dates(&["due_on"])
        .dates_opt(&["next_due_on"])
        .ints_opt(&["closed_at"])
        .ints(&["created_at", "updated_at", "version"])
        .check("amount > 0 AND paid >= 0 AND paid <= amount")
        .unique("period_id")
        .index("status, next_due_on, id")
        .queue_index("id")
        .queue_index("status, next_due_on, id")
        .create(db)
        .await?;
    tenant("instalments")
        .belongs("debt_id", "debts")
        .texts(&["currency"])
        .ints(&["number", "amount", "paid"])
        .dates(&["due_on"])
        .dates_opt(&["next_step_on"])
        .ints_opt(&["paid_at", "replaced_at"])
        .ints(&["created_at"])
        .check("amount > 0 AND paid >= 0 AND paid <= amount")
        .unique("debt_id, number")
        .index("next_step_on")
        .queue_index("next_step_on")
        .create(db)
        .await?;
    tenant("debt_payments")
        .belongs("debt_id", "debts")
        .belongs_opt("reverses_id", "debt_payments")
        .texts(&["method", "reference", "reason", "by_name", "by_role"])
        .ids_opt(&["actor_id"])
        .ints(&["amount"])
        .dates(&["booked_on"])
        .ints(&["created_at"])
        .check("(amount > 0 AND reverses_id IS NULL) OR (amount < 0 AND reverses_id IS NOT NULL)")
        .unique("reverses_id")
        .index("debt_id, id")
        .create(db)
        .await?;
    tenant("debt_allocations")
        .belongs("payment_id", "debt_payments")
        .belongs("instalment_id", "instalments")
        .ints(&["amount"])
        .check("amount <> 0")
        .index("payment_id")
        .index("instalment_id")
        .create(db)
        .await?;
    // Each step of collection happens once for an instalment: the row is the step.
    tenant("debt_steps")
        .belongs("debt_id", "debts")
        .belongs("instalment_id", "instalments")
        .texts(&["step"])
        .flags(&["is_told"])
        .dates(&["taken_on"])
        .ints(&["created_at"])
        .unique("instalment_id, step")
        .index("debt_id")
        .create(db)
        .await?;
    tenant("collection_notes")
        .belongs("debt_id", "debts")
        .texts(&["text", "by_name"])
        .texts_opt(&["promise"])
        .dates_opt(&["promised_on", "defers_until"])
        .ints_opt(&["promised_amount"])
        .ids_opt(&["actor_id"])
        .ints(&["paid_before", "created_at"])
        .index("debt_id, id")
        .queue_index("defers_until")
        .create(db)
        .await
}
