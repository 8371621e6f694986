//! Messages to people, their ways through the channels, the company's own texts, and what people
//! want to hear.

use sea_orm_migration::{prelude::*, sea_orm::ConnectionTrait};

use crate::tenant::Table;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        let backend = db.get_database_backend();
        let tenant = |name| Table::of_tenant(backend, name);
        // `origin` names what was told to whom, so that an event read twice is told once.
        tenant("notifications")
            .belongs_opt("customer_id", "customers")
            .belongs_opt("member_id", "members")
            .texts(&["origin", "class", "template", "language", "title", "body"])
            .json(&["translations", "data"])
            .ids_opt(&["subject_id"])
            .ints(&["created_at", "due_at"])
            .ints_opt(&["read_at"])
            .unique("origin")
            .index("customer_id, due_at, id")
            .index("member_id, due_at, id")
            .index("member_id, read_at")
            .index("subject_id, template, created_at")
            .create(db)
            .await?;
        tenant("notification_deliveries")
            .belongs("notification_id", "notifications")
            .texts(&["channel", "state", "recipient", "reason"])
            .texts_opt(&["provider_id"])
            .ids_opt(&["device_id"])
            .ints(&["attempts", "created_at", "updated_at"])
            .ints_opt(&["begun_at", "sent_at"])
            .index("notification_id")
            .index("state, id")
            .index("channel, id")
            .create(db)
            .await?;
        tenant("notification_templates")
            .texts(&["name", "language", "subject", "body", "html", "short"])
            .ints(&["created_at", "updated_at", "version"])
            .unique("name, language")
            .create(db)
            .await?;
        tenant("notification_choices")
            .belongs_opt("customer_id", "customers")
            .belongs_opt("member_id", "members")
            .texts(&["class", "channel"])
            .flags(&["is_on"])
            .ints(&["updated_at"])
            .unique("customer_id, class, channel")
            .unique("member_id, class, channel")
            .create(db)
            .await?;
        tenant("push_devices")
            .belongs_opt("customer_id", "customers")
            .belongs_opt("member_id", "members")
            .texts(&["token", "platform"])
            .ints(&["created_at", "updated_at"])
            .unique("token")
            .index("customer_id")
            .index("member_id")
            .create(db)
            .await
    }
}
