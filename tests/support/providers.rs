//! Providers of messages that stand in for the real ones: an SMTP server, and Twilio's, Google's
//! and Meta's interfaces over HTTP. They check what they are asked as the real ones do, and keep
//! what they accepted: an independent witness of what left the building.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

pub const TWILIO_SID: &str = "AC00000000000000000000000000000001";
pub const TWILIO_TOKEN: &str = "the-auth-token";
pub const META_TOKEN: &str = "EAA-meta-token";
pub const META_SECRET: &str = "the-app-secret";
pub const META_NUMBER: &str = "106540352242922";
/// Made for these tests with `openssl genrsa 2048`; it opens nothing.
const KEY: &str = include_str!("fcm_test_key.pem");

/// What a provider does with the next request to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    Ok,
    /// Refused for good.
    Refuse,
    /// The address is gone.
    Gone,
    /// Too many requests.
    Busy,
    /// Something is wrong at the provider.
    Broken,
    /// Our credentials are not believed.
    Locked,
    /// Accepted, and the answer is lost on its way.
    LoseAnswer,
    /// Not accepted, and the answer is lost on its way.
    LoseRequest,
}

#[derive(Default)]
struct Book {
    plays: VecDeque<Play>,
    /// Requests to send that came in.
    asked: usize,
    /// Messages that were accepted.
    accepted: Vec<Value>,
    tokens: usize,
    wrong: Vec<String>,
}

/// Twilio, Google and Meta behind one address.
pub struct Providers {
    pub address: SocketAddr,
    book: Arc<Mutex<Book>>,
    server: JoinHandle<()>,
}

type Shared = State<Arc<Mutex<Book>>>;

impl Providers {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let book = Arc::new(Mutex::new(Book::default()));
        let router = Router::new()
            .route("/2010-04-01/Accounts/{sid}/Messages.json", post(twilio_send).get(twilio_list))
            .route("/token", post(google_token))
            .route("/v1/projects/{project}/messages:send", post(fcm_send))
            .route("/v23.0/{number}/messages", post(meta_send))
            .route("/health", get(|| async { "ok" }))
            .with_state(book.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        Self { address, book, server }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The file of a service account, as Google hands it out.
    pub fn service_account(&self) -> tempfile_path::Kept {
        let account = json!({
            "type": "service_account", "project_id": "souk-test", "private_key_id": "key-1", "private_key": KEY,
            "client_email": "souk@souk-test.iam.gserviceaccount.com", "client_id": "1", "token_uri": format!("{}/token", self.url()),
        });
        tempfile_path::Kept::write(&account.to_string())
    }

    /// What the next requests to send meet, in this order; afterwards all is well.
    pub fn play(&self, plays: &[Play]) {
        self.book.lock().expect("the book").plays.extend(plays);
    }

    pub fn accepted(&self) -> Vec<Value> {
        self.book.lock().expect("the book").accepted.clone()
    }

    pub fn asked(&self) -> usize {
        self.book.lock().expect("the book").asked
    }

    pub fn tokens(&self) -> usize {
        self.book.lock().expect("the book").tokens
    }

    /// Forgets everything, and asserts that no request was such as the real provider would not understand.
    #[track_caller]
    pub fn clear(&self) {
        let mut book = self.book.lock().expect("the book");
        assert!(book.wrong.is_empty(), "the provider does not understand: {:#?}", book.wrong);
        *book = Book { tokens: book.tokens, ..Book::default() };
    }
}

impl Drop for Providers {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A file that is gone with its value.
pub mod tempfile_path {
    use std::path::PathBuf;

    pub struct Kept(pub PathBuf);

    impl Kept {
        pub fn write(text: &str) -> Self {
            let path = std::env::temp_dir().join(format!("souk-test-{}.json", uuid::Uuid::now_v7().simple()));
            std::fs::write(&path, text).expect("written");
            Self(path)
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

/// Ends the connection in the middle of the answer.
fn cut() -> Response {
    let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
    (StatusCode::OK, [(header::CONTENT_LENGTH, "100")], Body::from_stream(broken)).into_response()
}

/// Plays the next play; `refusals` are the provider's own answers.
fn act(book: &Mutex<Book>, message: Value, accepted: (StatusCode, Value), refuse: impl Fn(Play) -> (u16, Value)) -> Response {
    let mut book = book.lock().expect("the book");
    book.asked += 1;
    let play = book.plays.pop_front().unwrap_or(Play::Ok);
    match play {
        Play::Ok => {
            book.accepted.push(message);
            (accepted.0, Json(accepted.1)).into_response()
        }
        Play::LoseAnswer => {
            book.accepted.push(message);
            cut()
        }
        Play::LoseRequest => cut(),
        refused => {
            let (status, body) = refuse(refused);
            (StatusCode::from_u16(status).expect("a status"), Json(body)).into_response()
        }
    }
}

fn expect(book: &Mutex<Book>, is_so: bool, what: &str) {
    if !is_so {
        book.lock().expect("the book").wrong.push(what.to_owned());
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn is_twilio_caller(headers: &HeaderMap, sid: &str) -> bool {
    sid == TWILIO_SID && text(headers, "authorization") == format!("Basic {}", STANDARD.encode(format!("{TWILIO_SID}:{TWILIO_TOKEN}")))
}

async fn twilio_send(State(book): Shared, Path(sid): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    expect(&book, text(&headers, "content-type") == "application/x-www-form-urlencoded", "a form");
    let form: Vec<(String, String)> = serde_urlencoded::from_bytes(&body).unwrap_or_default();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
    if !is_twilio_caller(&headers, &sid) {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "code": 20003, "message": "Authenticate", "status": 401 }))).into_response();
    }
    for name in form.iter().map(|(name, _)| name) {
        expect(&book, ["To", "From", "MessagingServiceSid", "Body", "StatusCallback"].contains(&name.as_str()), name);
    }
    expect(&book, field("To").starts_with('+'), "To is in E.164");
    expect(&book, !field("Body").is_empty() && field("Body").chars().count() <= 1_600, "Body has 1 to 1600 characters");
    let made = chrono::DateTime::from_timestamp_micros(souk::clock::now().micros()).expect("a time").to_rfc2822();
    let number = book.lock().expect("the book").accepted.len() + 1;
    let message = json!({
        "sid": format!("SM{number:032}"), "to": field("To"), "from": field("From"), "body": field("Body"),
        "status_callback": field("StatusCallback"), "date_created": made, "status": "queued",
    });
    let error = |status: u16, code: i64, message: &str| (status, json!({ "code": code, "message": message, "status": status }));
    act(&book, message.clone(), (StatusCode::CREATED, message), |play| match play {
        Play::Busy => error(429, 20429, "Too Many Requests"),
        Play::Broken => error(503, 20503, "Service is unavailable"),
        Play::Locked => error(401, 20003, "Authenticate"),
        _ => error(400, 21211, "The 'To' number is not a valid phone number"),
    })
}

async fn twilio_list(
    State(book): Shared,
    Path(sid): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    if !is_twilio_caller(&headers, &sid) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let to = query.iter().find(|(name, _)| name == "To").map(|(_, to)| to.clone()).unwrap_or_default();
    let messages: Vec<_> = book.lock().expect("the book").accepted.iter().filter(|one| one["to"] == to.as_str()).cloned().collect();
    Json(json!({ "messages": messages, "page": 0, "page_size": 50 })).into_response()
}

async fn google_token(State(book): Shared, Form(form): Form<std::collections::BTreeMap<String, String>>) -> Response {
    let key = rsa_public();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_issuer(&["souk@souk-test.iam.gserviceaccount.com"]);
    rules.validate_aud = false;
    // Our clock is moved in tests; Google's is not.
    rules.validate_exp = false;
    let assertion = form.get("assertion").cloned().unwrap_or_default();
    let read = jsonwebtoken::decode::<Value>(&assertion, &key, &rules);
    let is_grant = form.get("grant_type").map(String::as_str) == Some("urn:ietf:params:oauth:grant-type:jwt-bearer");
    let Ok(claims) = read.map(|read| read.claims) else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    };
    expect(&book, is_grant, "the grant of a service account");
    expect(&book, claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging", "the scope of messaging");
    expect(&book, claims["aud"].as_str().is_some_and(|aud| aud.ends_with("/token")), "the audience is the token's address");
    let lasts = claims["exp"].as_i64().unwrap_or_default() - claims["iat"].as_i64().unwrap_or_default();
    expect(&book, lasts > 0 && lasts <= 3_600, "an assertion lasts an hour at most");
    let number = {
        let mut book = book.lock().expect("the book");
        book.tokens += 1;
        book.tokens
    };
    Json(json!({ "access_token": format!("ya29.{number}"), "expires_in": 3599, "token_type": "Bearer" })).into_response()
}

/// The public half of the key.
fn rsa_public() -> DecodingKey {
    DecodingKey::from_rsa_pem(include_bytes!("fcm_test_key.pub.pem")).expect("a key")
}

async fn fcm_send(State(book): Shared, Path(project): Path<String>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let token = format!("Bearer ya29.{}", book.lock().expect("the book").tokens);
    if text(&headers, "authorization") != token {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": { "code": 401, "status": "UNAUTHENTICATED" } }))).into_response();
    }
    expect(&book, project == "souk-test", "the project of the account");
    let message = &body["message"];
    let known = ["token", "notification", "data", "android", "apns", "webpush"];
    for name in message.as_object().into_iter().flatten().map(|(name, _)| name) {
        expect(&book, known.contains(&name.as_str()), name);
    }
    let texts_only = message["data"].as_object().is_some_and(|data| data.values().all(Value::is_string));
    expect(&book, texts_only, "data holds texts only");
    let name = json!({ "name": format!("projects/{project}/messages/{}", book.lock().expect("the book").asked + 1) });
    let error = |code: u16, status: &str, fcm: &str| {
        let detail = json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": fcm });
        (code, json!({ "error": { "code": code, "message": "no", "status": status, "details": [detail] } }))
    };
    act(&book, message.clone(), (StatusCode::OK, name), |play| match play {
        Play::Busy => error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
        Play::Broken => error(503, "UNAVAILABLE", "UNAVAILABLE"),
        Play::Locked => error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
        Play::Gone => error(404, "NOT_FOUND", "UNREGISTERED"),
        _ => error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    })
}

async fn meta_send(State(book): Shared, Path(number): Path<String>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if text(&headers, "authorization") != format!("Bearer {META_TOKEN}") || number != META_NUMBER {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": { "code": 190, "type": "OAuthException" } }))).into_response();
    }
    expect(&book, body["messaging_product"] == "whatsapp" && body["recipient_type"] == "individual", "a message to one person");
    let kind = body["type"].as_str().unwrap_or_default();
    expect(&book, ["text", "template"].contains(&kind) && body[kind].is_object(), "a text or a template");
    let id = json!({ "messaging_product": "whatsapp", "contacts": [{ "input": body["to"], "wa_id": body["to"] }], "messages": [{ "id": format!("wamid.{}", book.lock().expect("the book").asked + 1) }] });
    let error = |status: u16, code: i64| (status, json!({ "error": { "message": "no", "type": "OAuthException", "code": code } }));
    act(&book, body.clone(), (StatusCode::OK, id), |play| match play {
        Play::Busy => error(400, 130_429),
        Play::Broken => error(500, 131_000),
        Play::Locked => error(401, 190),
        _ => error(400, 131_026),
    })
}

/// A letter as the SMTP server took it.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    pub text: String,
}

impl Letter {
    /// A header's value, unfolded.
    pub fn header(&self, name: &str) -> String {
        let (head, _) = self.text.split_once("\r\n\r\n").unwrap_or((&self.text, ""));
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let start = format!("{}:", name.to_lowercase());
        unfolded
            .lines()
            .find(|line| line.to_lowercase().starts_with(&start))
            .map(|line| line[start.len()..].trim().to_owned())
            .unwrap_or_default()
    }

    /// One part by its kind, decoded.
    pub fn part(&self, kind: &str) -> String {
        let boundary = self.header("content-type").split("boundary=").nth(1).unwrap_or_default().trim_matches('"').to_owned();
        let part =
            self.text.split(&format!("--{boundary}")).find(|part| part.contains(&format!("Content-Type: {kind}"))).unwrap_or_default();
        let (head, body) = part.split_once("\r\n\r\n").unwrap_or_default();
        if head.contains("base64") {
            let packed: String = body.split_whitespace().collect();
            return String::from_utf8(STANDARD.decode(packed).expect("base64")).expect("UTF-8");
        }
        if head.contains("quoted-printable") { quoted(body) } else { body.to_owned() }
    }
}

fn quoted(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        if *first == b'=' && more.len() >= 2 {
            let code = std::str::from_utf8(&more[..2]).expect("a code");
            bytes.push(u8::from_str_radix(code, 16).expect("a byte"));
            rest = &more[2..];
        } else {
            bytes.push(*first);
            rest = more;
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[derive(Default)]
struct Postbox {
    plays: VecDeque<Play>,
    letters: Vec<Letter>,
    connections: usize,
}

/// An SMTP server that keeps what it takes.
pub struct Smtp {
    pub address: SocketAddr,
    postbox: Arc<Mutex<Postbox>>,
    server: JoinHandle<()>,
}

impl Smtp {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let postbox = Arc::new(Mutex::new(Postbox::default()));
        Self { address, server: take_letters(listener, &postbox), postbox }
    }

    /// Goes away: nobody listens there, and whoever was talking is cut off.
    pub fn leave(&self) {
        self.server.abort();
    }

    /// Is there again, at the same address.
    pub async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the same port");
        self.server = take_letters(listener, &self.postbox);
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub fn play(&self, plays: &[Play]) {
        self.postbox.lock().expect("the postbox").plays.extend(plays);
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.postbox.lock().expect("the postbox").letters.clone()
    }

    /// The letters to an address.
    pub fn to(&self, address: &str) -> Vec<Letter> {
        self.letters().into_iter().filter(|letter| letter.to == address).collect()
    }

    pub fn connections(&self) -> usize {
        self.postbox.lock().expect("the postbox").connections
    }

    pub fn clear(&self) {
        let mut postbox = self.postbox.lock().expect("the postbox");
        *postbox = Postbox { connections: postbox.connections, ..Postbox::default() };
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Talks to whoever comes; the talks end with the task.
fn take_letters(listener: TcpListener, postbox: &Arc<Mutex<Postbox>>) -> JoinHandle<()> {
    let postbox = postbox.clone();
    tokio::spawn(async move {
        let mut talks = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            postbox.lock().expect("the postbox").connections += 1;
            talks.spawn(talk(stream, postbox.clone()));
        }
    })
}

async fn talk(stream: TcpStream, postbox: Arc<Mutex<Postbox>>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to = String::new();
    write.write_all(b"220 sink.test ESMTP\r\n").await.ok()?;
    loop {
        let line = lines.next_line().await.ok()??;
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-sink.test\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                let play = {
                    let mut postbox = postbox.lock().expect("the postbox");
                    // A lost answer is played when the letter is there.
                    if matches!(postbox.plays.front(), Some(Play::LoseAnswer | Play::LoseRequest)) {
                        Some(Play::Ok)
                    } else {
                        postbox.plays.pop_front()
                    }
                };
                match play.unwrap_or(Play::Ok) {
                    Play::Refuse | Play::Gone => "550 5.1.1 nobody here\r\n",
                    Play::Busy | Play::Broken => "451 4.3.0 later\r\n",
                    Play::Locked => "530 5.7.0 sign in first\r\n",
                    _ => "250 2.1.5 ok\r\n",
                }
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                let mut text = String::new();
                loop {
                    let line = lines.next_line().await.ok()??;
                    if line == "." {
                        break;
                    }
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    text.push_str("\r\n");
                }
                let play = {
                    let mut postbox = postbox.lock().expect("the postbox");
                    let play = postbox.plays.pop_front().filter(|play| matches!(play, Play::LoseAnswer | Play::LoseRequest));
                    if play != Some(Play::LoseRequest) {
                        postbox.letters.push(Letter { to: to.clone(), text });
                    }
                    play
                };
                if play.is_some() {
                    return None; // The connection ends before the answer.
                }
                "250 2.0.0 taken\r\n"
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            }
            _ => "250 ok\r\n",
        };
        write.write_all(answer.as_bytes()).await.ok()?;
    }
}
