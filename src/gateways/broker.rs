//! RabbitMQ: where it is, what lies in which queue, and events told with a confirmation for each.

use std::{collections::VecDeque, str::FromStr, time::Duration};

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ErrorKind, ExchangeKind, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::FieldTable,
    uri::AMQPUri,
};
use serde::Deserialize;
use tokio::time::timeout;
use uuid::Uuid;

use crate::{clock::Instant, ids::EventId};

/// The topic exchange to which everything is told; the routing key is the event's type.
pub const EXCHANGE: &str = "ecommerce_exchange";

/// The durable queues, and which events lie in each. An event has one home, which is the queue of its
/// subject: goods with the baskets and wishes about them, a delivery with its order, coming and going
/// apart from who one is. `analytics.events` has what analytics reads beside that.
pub const QUEUES: [(&str, &[&str]); 12] = [
    ("product.events", &["product.*", "cart.*", "wishlist.*", "review.*"]),
    ("inventory.events", &["inventory.*", "transfer.*", "purchase_order.*"]),
    ("order.events", &["order.*", "delivery.*"]),
    ("payment.events", &["payment.*"]),
    ("user.events", &["user.registered", "user.updated", "user.banned"]),
    ("auth.events", &["user.logged_in", "user.logged_out"]),
    ("company.events", &["company.*"]),
    ("shop.events", &["shop.*"]),
    ("notification.events", &["notification.*"]),
    ("audit.events", &["audit.*"]),
    ("debt.events", &["debt.*"]),
    (
        "analytics.events",
        &[
            "user.*",
            "order.created",
            "order.confirmed",
            "order.processing",
            "order.packed",
            "order.shipped",
            "order.delivered",
            "order.completed",
            "order.cancelled",
            "order.items_cancelled",
            "order.returned",
            "payment.*",
            "inventory.batch_expiring",
            "inventory.item_expired",
            "transfer.*",
            "purchase_order.*",
        ],
    ),
];

/// Seconds after which a silent connection is thought to be gone, unless the URL says otherwise.
const HEARTBEAT: u16 = 10;

/// Where RabbitMQ is and who we are there; it is never printed.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Address(AMQPUri);

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(hidden)")
    }
}

impl FromStr for Address {
    type Err = String;

    /// # Errors
    /// When it is no such URL; the message does not repeat it, since it holds a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "AMQP_URL must be like amqp://user:password@host:5672/vhost, or amqps:// with TLS".to_owned();
        let mut uri = AMQPUri::from_str(text).map_err(|_| wrong())?;
        // Without a host that it understands the parser would take this machine.
        if !text.contains(&uri.authority.host) || text.contains("@/") || text.contains(":///") {
            return Err(wrong());
        }
        // A slash at the end is written by many, and a virtual host without a name has nobody.
        if uri.vhost.is_empty() {
            uri.vhost = "/".into();
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        Ok(Self(uri))
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// An event that is ready to leave.
pub struct Letter {
    pub id: EventId,
    pub kind: String,
    /// Whose order is kept: the next of an aggregate leaves when its last one has arrived.
    pub aggregate: Uuid,
    pub at: Instant,
    pub body: Vec<u8>,
}

/// Why RabbitMQ was not told; without address and password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Away(String);

impl From<lapin::Error> for Away {
    fn from(error: lapin::Error) -> Self {
        Self(error.to_string())
    }
}

/// A connection to RabbitMQ. Dropped, it is closed.
pub struct Broker {
    connection: Connection,
    channel: Channel,
}

impl Broker {
    /// Whether somebody is there who lets us in.
    ///
    /// # Errors
    /// When not, with the reason.
    pub async fn knock(address: &Address, patience: Duration) -> Result<(), Away> {
        let connection = in_time(patience, connect(address)).await?;
        let _ = timeout(patience, connection.close(200, "OK".into())).await;
        Ok(())
    }

    /// Connects, and makes sure that the exchange and the queues are there.
    ///
    /// # Errors
    /// When RabbitMQ is away, or does not answer in time.
    pub async fn open(address: &Address, patience: Duration) -> Result<Self, Away> {
        in_time(patience, async {
            let connection = connect(address).await?;
            let channel = lay_out(&connection).await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Ok(Self { connection, channel })
        })
        .await
    }

    /// Whether nothing is known against the connection.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }

    /// Tells events in their order; how many of them, from the first on, RabbitMQ has for good, and
    /// why not all.
    pub async fn publish(&self, letters: &[Letter], patience: Duration) -> (usize, Result<(), Away>) {
        let mut confirmed = 0;
        let told = in_time(patience, self.tell(letters, &mut confirmed)).await;
        (confirmed, told)
    }

    /// An event goes out behind those before it without waiting for their confirmations, but for the
    /// one of its own aggregate: if that is refused, nothing later of the aggregate has overtaken it.
    async fn tell(&self, letters: &[Letter], confirmed: &mut usize) -> lapin::Result<()> {
        let mut under_way: VecDeque<(Uuid, PublisherConfirm)> = VecDeque::new();
        for letter in letters {
            while under_way.iter().any(|(aggregate, _)| *aggregate == letter.aggregate) {
                arrived(&mut under_way, confirmed).await?;
            }
            let properties = BasicProperties::default()
                .with_content_type("application/json".into())
                .with_delivery_mode(2)
                .with_message_id(letter.id.to_string().into())
                .with_timestamp(u64::try_from(letter.at.micros() / 1_000_000).unwrap_or_default())
                .with_type(letter.kind.as_str().into())
                .with_app_id(env!("CARGO_PKG_NAME").into());
            let options = BasicPublishOptions::default();
            let told = self.channel.basic_publish(EXCHANGE.into(), letter.kind.as_str().into(), options, &letter.body, properties);
            under_way.push_back((letter.aggregate, told.await?));
        }
        while !under_way.is_empty() {
            arrived(&mut under_way, confirmed).await?;
        }
        Ok(())
    }

    /// Says goodbye, if anybody still listens.
    pub async fn close(self) {
        let _ = timeout(Duration::from_secs(1), self.connection.close(200, "OK".into())).await;
    }
}

/// Waits for the oldest event under way.
async fn arrived(under_way: &mut VecDeque<(Uuid, PublisherConfirm)>, confirmed: &mut usize) -> lapin::Result<()> {
    let Some((_, told)) = under_way.pop_front() else { return Ok(()) };
    if !told.await?.is_ack() {
        return Err(std::io::Error::other("an event was refused: a queue is full, or not well").into());
    }
    *confirmed += 1;
    Ok(())
}

async fn connect(address: &Address) -> lapin::Result<Connection> {
    let name = concat!("souk/", env!("CARGO_PKG_VERSION"));
    Connection::connect_uri(address.0.clone(), ConnectionProperties::default().with_connection_name(name.into())).await
}

/// Makes what is not there: exchange, queues, bindings.
async fn lay_out(connection: &Connection) -> lapin::Result<Channel> {
    let nothing = FieldTable::default;
    let mut channel = connection.create_channel().await?;
    let lasting = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let made = channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, lasting, nothing()).await;
    channel = unless_theirs(connection, channel, EXCHANGE, made).await?;
    for (queue, kinds) in QUEUES {
        let made = channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), nothing()).await;
        channel = unless_theirs(connection, channel, queue, made.map(|_| ())).await?;
        for kind in kinds {
            let bound = channel.queue_bind(queue.into(), EXCHANGE.into(), (*kind).into(), QueueBindOptions::default(), nothing()).await;
            channel = unless_theirs(connection, channel, queue, bound).await?;
        }
    }
    Ok(channel)
}

/// What its owners have made otherwise, or do not let us make, stays as they want it. Such a refusal
/// ends the channel, and it goes on with another.
async fn unless_theirs(connection: &Connection, channel: Channel, what: &str, made: lapin::Result<()>) -> lapin::Result<Channel> {
    let Err(error) = made else { return Ok(channel) };
    let ErrorKind::ProtocolError(refusal) = error.kind() else { return Err(error) };
    let theirs = [AMQPSoftError::PRECONDITIONFAILED, AMQPSoftError::ACCESSREFUSED];
    if !theirs.into_iter().any(|kind| *refusal.kind() == AMQPErrorKind::Soft(kind)) {
        return Err(error);
    }
    tracing::warn!(what, %error, "RabbitMQ has this otherwise than it would be made; it is used as it is");
    connection.create_channel().await
}

async fn in_time<T>(patience: Duration, asked: impl Future<Output = lapin::Result<T>>) -> Result<T, Away> {
    match timeout(patience, asked).await {
        Ok(answer) => answer.map_err(Away::from),
        Err(_) => Err(Away("no answer in time".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, QUEUES};

    /// Every type of docs/events, by subject.
    const KINDS: &[(&str, &str)] = &[
        ("user", "registered updated logged_in logged_out banned"),
        ("company", "created updated deleted subscription_changed"),
        ("shop", "created updated deleted staff_assigned"),
        ("product", "created updated archived viewed"),
        ("cart", "item_added updated abandoned"),
        ("wishlist", "item_added"),
        ("order", "created short confirmed processing packed shipped delivered completed cancelled returned"),
        ("payment", "initiated processing success failed refunded"),
        ("inventory", "reserved released updated low_stock out_of_stock back_in_stock batch_expiring item_expired"),
        ("transfer", "sent received"),
        ("purchase_order", "received"),
        ("delivery", "assigned status_updated location"),
        ("review", "submitted moderated"),
        ("notification", "requested"),
        ("debt", "created payment_due overdue paid"),
        ("audit", "security"),
    ];

    fn takes(pattern: &str, kind: &str) -> bool {
        pattern.strip_suffix('*').map_or(pattern == kind, |subject| kind.starts_with(subject))
    }

    #[test]
    fn every_event_has_one_home() {
        for kind in KINDS.iter().flat_map(|(subject, words)| words.split(' ').map(move |word| format!("{subject}.{word}"))) {
            let homes =
                QUEUES.iter().filter(|(queue, patterns)| *queue != "analytics.events" && patterns.iter().any(|one| takes(one, &kind)));
            assert_eq!(homes.count(), 1, "{kind}");
        }
    }

    #[test]
    fn an_address_is_understood_or_refused_and_never_shown() -> Result<(), String> {
        let address: Address = "amqp://us%65r:secret-word@rabbit:5673/".parse()?;
        assert_eq!((address.0.authority.userinfo.username.as_str(), address.0.vhost.as_str()), ("user", "/"));
        assert_eq!(address.0.query.heartbeat, Some(super::HEARTBEAT));
        assert!(!format!("{address:?}").contains("secret-word"));
        let named: Address = "amqps://rabbit/shop%2Fone?heartbeat=30".parse()?;
        assert_eq!((named.0.vhost.as_str(), named.0.query.heartbeat), ("shop/one", Some(30)));
        for wrong in ["rabbit", "rabbit:5672", "http://u:secret-word@rabbit", "amqp://", "amqp:///", "amqp://u:secret-word@[::1]:5672"] {
            let Err(error) = wrong.parse::<Address>() else { panic!("{wrong} was understood") };
            assert!(error.contains("AMQP_URL") && !error.contains("secret-word"), "{error}");
        }
        Ok(())
    }
}
