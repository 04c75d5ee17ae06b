//! The service that MongooseIM's method `http` asks: `get_certs` and `user_exists`.
//!
//! MongooseIM puts the name of the request behind whatever `path_prefix` says, with or without a
//! slash between them, and so a path counts by its end.

use core::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::parse;
use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use pem::{EncodeConfig, LineEnding, Pem};
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;

use super::{Filter, RegistryError, Store, User};
use crate::connections::Connections;
use crate::log_limit::{DEFAULT_LOG_REFUSALS, RefusalLimit, shown};

mod access;
mod connection;

pub use access::{Access, AccessError, AccessOptions};

/// The service, which all connections share.
#[derive(Debug)]
pub struct Service {
    store: Box<dyn Store>,
    options: AccessOptions,
    access: ArcSwap<Access>,
    counters: Counters,
    refusals: RefusalLimit,
}

impl Service {
    /// Serves what is in a store.
    ///
    /// # Errors
    /// Where the options don't go together, or one of their files can't be used.
    pub fn new(store: Box<dyn Store>, options: AccessOptions) -> Result<Self, AccessError> {
        Ok(Self {
            store,
            access: ArcSwap::from_pointee(Access::load(&options)?),
            options,
            counters: Counters::default(),
            refusals: RefusalLimit::new(DEFAULT_LOG_REFUSALS),
        })
    }

    /// Reads the certificate, the key and the credential again. A fault changes nothing.
    pub fn reload(&self) {
        match Access::load(&self.options) {
            Ok(access) => self.access.store(Arc::new(access)),
            Err(error) => {
                tracing::error!(
                    error = shown(&error),
                    "the registry's service keeps its certificate and credential"
                );
            }
        }
    }

    /// Asks the store for nothing, and logs where it does not answer.
    pub async fn probe(&self) {
        if let Err(error) = self.store.page(Filter::Host(String::new()), None).await {
            tracing::error!(error = shown(&error), "the registry can't be read yet");
        }
    }

    /// What has been answered so far.
    pub fn answered(&self) -> Answered {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        Answered {
            found: count(&counters.found),
            unknown: count(&counters.unknown),
            unauthorized: count(&counters.unauthorized),
            bad: count(&counters.bad),
            failed: count(&counters.failed),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let reply = self.reply(&request).await;
        let counter = match reply.status() {
            StatusCode::OK => &self.counters.found,
            StatusCode::NOT_FOUND => &self.counters.unknown,
            StatusCode::UNAUTHORIZED => &self.counters.unauthorized,
            status if status.is_server_error() => &self.counters.failed,
            _ => &self.counters.bad,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        reply
    }

    async fn reply(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !self.is_authorized(request.headers()) {
            if self.refusals.admits(Instant::now()) {
                tracing::warn!("a request to the registry without the right credential is refused");
            }
            let mut reply = text(
                StatusCode::UNAUTHORIZED,
                "the credential is wrong or missing\n",
            );
            let challenge = HeaderValue::from_static("Basic realm=\"certjid\"");
            reply
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
            return reply;
        }
        let path = request.uri().path();
        let question = if path.ends_with("get_certs") {
            Question::Certificates
        } else if path.ends_with("user_exists") {
            Question::Exists
        } else {
            return text(StatusCode::NOT_FOUND, "there is nothing here\n");
        };
        if request.method() != Method::GET {
            let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
            reply
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET"));
            return reply;
        }
        if !request.body().is_end_stream() {
            return text(StatusCode::PAYLOAD_TOO_LARGE, "a request has no body\n");
        }
        let user = match user(request.uri().query().unwrap_or_default()) {
            Ok(user) => user,
            Err(why) => return text(StatusCode::BAD_REQUEST, format!("{why}\n")),
        };
        let certificates = match self.store.certificates(user).await {
            Ok(certificates) => certificates,
            Err(error) => {
                tracing::error!(error = shown(&error), "the registry can't be read");
                let status = match error {
                    RegistryError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
                    _ => StatusCode::INTERNAL_SERVER_ERROR,
                };
                return text(status, "the registry can't be read; the log says why\n");
            }
        };
        match question {
            Question::Certificates if certificates.is_empty() => {
                text(StatusCode::NOT_FOUND, "the user has no certificate\n")
            }
            Question::Certificates => text(StatusCode::OK, pem(&certificates)),
            Question::Exists if certificates.is_empty() => text(StatusCode::OK, "false"),
            Question::Exists => text(StatusCode::OK, "true"),
        }
    }

    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let access = self.access.load();
        let Some(credential) = &access.basic_auth else {
            return true;
        };
        headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok())
            .is_some_and(|sent| sent.ct_eq(credential.expose().as_bytes()).into())
    }
}

/// How many requests were answered how, since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Answered {
    /// 200.
    pub found: u64,
    /// 404: the user has no certificate.
    pub unknown: u64,
    /// 401.
    pub unauthorized: u64,
    /// Other requests that make no sense: 4xx.
    pub bad: u64,
    /// The store did not work: 5xx.
    pub failed: u64,
}

#[derive(Debug, Default)]
struct Counters {
    found: AtomicU64,
    unknown: AtomicU64,
    unauthorized: AtomicU64,
    bad: AtomicU64,
    failed: AtomicU64,
}

enum Question {
    Certificates,
    Exists,
}

/// Serves until `stop` is completed, then answers what has been asked, for
/// [`DRAIN_TIMEOUT`](crate::server::DRAIN_TIMEOUT) at most.
///
/// # Errors
/// Where the listener can't be used at all.
pub async fn run(
    listener: StdListener,
    service: Arc<Service>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let mut connections = Connections::new("the registry");
    tokio::pin!(stop);
    loop {
        let (stream, _) = tokio::select! {
            () = &mut stop => break,
            accepted = connections.next(|| listener.accept()) => accepted,
        };
        if connections.count() < MAX_CONNECTIONS {
            let stopped = connections.stopped();
            connections.add(connection::serve(stream, Arc::clone(&service), stopped));
        } else if service.refusals.admits(Instant::now()) {
            tracing::warn!("a connection to the registry is closed: there are too many");
        }
    }
    drop(listener);
    connections.end().await;
    Ok(())
}

fn user(query: &str) -> Result<User, String> {
    let (mut local, mut host) = (None, None);
    for (name, value) in parse(query.as_bytes()) {
        let known = match &*name {
            "user" => &mut local,
            "server" => &mut host,
            // MongooseIM sends an empty password.
            _ => continue,
        };
        if known.replace(value).is_some() {
            return Err(format!("the parameter {name} is there twice"));
        }
    }
    let (Some(local), Some(host)) = (local, host) else {
        return Err("the parameters user and server are needed".to_owned());
    };
    User::new(&local, &host).map_err(|error| error.to_string())
}

fn pem(certificates: &[Vec<u8>]) -> String {
    let blocks: Vec<Pem> = certificates
        .iter()
        .map(|der| Pem::new("CERTIFICATE", der.as_slice()))
        .collect();
    let lines = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_many_config(&blocks, lines)
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    reply.headers_mut().insert(header::CONTENT_TYPE, plain);
    reply
}

/// Connections at the same time; one more is closed at once.
pub const MAX_CONNECTIONS: usize = 512;
