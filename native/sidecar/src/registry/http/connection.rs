//! One connection to the service.

use core::convert::Infallible;
use core::future::pending;
use core::pin::pin;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::Service;
use crate::log_limit::shown;

/// Answers requests until the client goes away, `stopped` says so, or it has been long enough.
pub(super) async fn serve(
    stream: TcpStream,
    service: Arc<Service>,
    stopped: watch::Receiver<bool>,
) {
    // Without it the second half of an answer may wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let tls = service.access.load().tls.clone();
    let Some(tls) = tls else {
        return exchange(stream, service, stopped).await;
    };
    match timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => exchange(stream, service, stopped).await,
        Ok(Err(error)) => tracing::debug!(
            error = shown(&error),
            "a connection to the registry fails in TLS"
        ),
        Err(_) => tracing::debug!("a connection to the registry is too slow in TLS"),
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    service: Arc<Service>,
    mut stopped: watch::Receiver<bool>,
) {
    let is_quiet = AtomicBool::new(true);
    let answer = service_fn(|request| {
        is_quiet.store(false, Ordering::Relaxed);
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), answer)
    );
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(error = shown(&error), "a connection to the registry ends");
            }
            return;
        }
        _ = stopped.wait_for(|&stopped| stopped) => {}
        () = sleep(LIFETIME) => {}
        () = stays_quiet(&is_quiet) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(LAST_ANSWER, connection).await;
}

/// Ends where no request has come in time: a connection that says nothing takes another's place.
async fn stays_quiet(is_quiet: &AtomicBool) {
    sleep(FIRST_REQUEST).await;
    if !is_quiet.load(Ordering::Relaxed) {
        pending().await
    }
}

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the first request may be waited for.
const FIRST_REQUEST: Duration = Duration::from_secs(5);

/// How long another request may be waited for, and take to arrive.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A client that takes no answer has its connection for this long and no longer.
const LIFETIME: Duration = Duration::from_secs(600);

/// How long the last answer of a connection may take.
const LAST_ANSWER: Duration = Duration::from_secs(4);

/// The greatest length of a request's line and headers, in bytes.
const MAX_HEAD: usize = 16 * 1024;
