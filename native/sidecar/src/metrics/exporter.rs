//! The metrics over HTTP, for Prometheus to fetch: `GET /metrics`, in the OpenMetrics text format.

use core::convert::Infallible;
use core::fmt;
use core::pin::pin;
use core::time::Duration;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing_appender::non_blocking::ErrorCounter;

use super::Metrics;
use crate::connections::accepted;
use crate::log_limit::shown;
use crate::registry::http::Service as RegistryService;

/// Answers with what is counted at the moment.
#[derive(Debug)]
pub struct Exporter(Registry);

impl Exporter {
    /// The metrics of the sidecar and of the registry's service, where there are such, and the
    /// lines that the log lost.
    pub fn new(
        sidecar: Option<Arc<Metrics>>,
        service: Option<Arc<RegistryService>>,
        lost: ErrorCounter,
    ) -> Self {
        let mut registry = Registry::default();
        registry.register(
            "certjid",
            "The release",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        if let Some(metrics) = sidecar {
            metrics.register_times(&mut registry);
            registry.register_collector(Box::new(metrics));
        }
        if let Some(service) = service {
            registry.register_collector(Box::new(Answers(service)));
        }
        registry.register_collector(Box::new(LostLines(lost)));
        Self(registry)
    }

    /// The text that Prometheus reads.
    ///
    /// # Errors
    /// Where a name or label can't be written, which would be a fault of certjid.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0)?;
        Ok(text)
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let (status, kind, body) = match (request.method(), request.uri().path()) {
            (&Method::GET, "/metrics") => match self.text() {
                Ok(text) => (StatusCode::OK, OPEN_METRICS, text),
                Err(error) => (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    PLAIN,
                    format!("{error}\n"),
                ),
            },
            _ => (
                StatusCode::NOT_FOUND,
                PLAIN,
                "GET /metrics is all there is\n".to_owned(),
            ),
        };
        let mut reply = Response::new(Full::new(Bytes::from(body)));
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        reply
    }
}

/// The registry's answers.
#[derive(Debug)]
struct Answers(Arc<RegistryService>);

impl Collector for Answers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let answered = self.0.answered();
        let mut family = encoder.encode_descriptor(
            "certjid_registry_answers",
            "Answers of the registry's service by result",
            None,
            MetricType::Counter,
        )?;
        for (result, count) in [
            ("found", answered.found),
            ("unknown", answered.unknown),
            ("unauthorized", answered.unauthorized),
            ("bad", answered.bad),
            ("failed", answered.failed),
        ] {
            let labels = [("result", result)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// What the log could not take.
#[derive(Debug)]
struct LostLines(ErrorCounter);

impl Collector for LostLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let lost = u64::try_from(self.0.dropped_lines()).unwrap_or(u64::MAX);
        let family = encoder.encode_descriptor(
            "certjid_log_lines_lost",
            "Log lines that were dropped because nobody read standard error",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(lost).encode(family)
    }
}

/// Serves until the runtime ends.
///
/// # Errors
/// Where the listener can't be used.
pub async fn run(listener: StdListener, exporter: Arc<Exporter>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return Ok(());
        };
        let (stream, _) = accepted("metrics", || listener.accept()).await;
        let exporter = Arc::clone(&exporter);
        tokio::spawn(async move {
            let _ = timeout(LIFETIME, exchange(stream, exporter)).await;
            drop(place);
        });
    }
}

async fn exchange(stream: TcpStream, exporter: Arc<Exporter>) {
    let answer = service_fn(|request| {
        let reply = exporter.answer(&request);
        async { Ok::<_, Infallible>(reply) }
    });
    let connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(LIFETIME)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), answer)
    );
    if let Err(error) = connection.await {
        tracing::debug!(error = shown(&error), "a connection for metrics ends");
    }
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const PLAIN: &str = "text/plain; charset=utf-8";

/// Connections at the same time; others wait.
const MAX_CONNECTIONS: usize = 16;

/// How long a connection may take, one request and its answer.
const LIFETIME: Duration = Duration::from_secs(10);
