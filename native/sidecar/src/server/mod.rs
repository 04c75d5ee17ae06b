//! The daemon: it accepts connections on a Unix socket and answers what they ask.

use core::time::Duration;
use std::io;
use std::os::unix::net::UnixListener as StdListener;
use std::sync::Arc;

use tokio::net::{UnixListener, UnixStream};

use crate::connections::Connections;
use crate::log_limit::shown;

mod connection;
mod login_log;
pub mod reloader;
mod service;
pub mod socket;
mod trusted_proxies;
mod unsent;

pub use crate::connections::DRAIN_TIMEOUT;
pub use crate::log_limit::DEFAULT_LOG_REFUSALS;
pub use service::Service;
pub use trusted_proxies::TrustedProxy;
pub use unsent::DEFAULT_UNSENT;

use unsent::Unsent;

/// What bounds the connections.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The user ids that may connect; without any, all that the socket's mode lets in.
    pub allow_uids: Vec<u32>,
    /// Connections at the same time; one more is closed at once.
    pub max_connections: usize,
    /// How long a connection may stay without a request.
    pub idle_timeout: Duration,
    /// How long a begun frame may take to arrive, and a reply to be taken.
    pub frame_timeout: Duration,
    /// Requests of one connection that are not answered yet. No further one is read. Logins that
    /// wait for a service are among them, and must not keep others from being read for a while.
    pub in_flight: usize,
    /// The bytes of replies that may wait over all connections. Above it, the connection that
    /// holds the most of them is closed.
    pub unsent: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            allow_uids: Vec::new(),
            max_connections: 1024,
            idle_timeout: Duration::from_secs(300),
            frame_timeout: Duration::from_secs(10),
            in_flight: DEFAULT_IN_FLIGHT,
            unsent: DEFAULT_UNSENT,
        }
    }
}

/// Serves until `stop` is completed, then answers what has been read, for at most
/// [`DRAIN_TIMEOUT`].
///
/// # Errors
/// Where the listener can't be used at all. No connection can end the server.
pub async fn run(
    listener: StdListener,
    service: Arc<Service>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let unsent = Unsent::new(limits.unsent);
    let limits = Arc::new(limits);
    let mut connections = Connections::new("logins");
    tokio::pin!(stop);
    loop {
        let (stream, _) = tokio::select! {
            () = &mut stop => break,
            accepted = connections.next(|| listener.accept()) => accepted,
        };
        if is_welcome(&stream, connections.count(), &limits, &service) {
            let (service, limits) = (Arc::clone(&service), Arc::clone(&limits));
            let (open, stopped) = (service.count_connection(), connections.stopped());
            let share = unsent.open();
            connections.add(connection::serve(
                stream, open, service, limits, share, stopped,
            ));
        }
    }
    drop(listener);
    connections.end().await;
    Ok(())
}

fn is_welcome(stream: &UnixStream, open: usize, limits: &Limits, service: &Service) -> bool {
    if open >= limits.max_connections {
        if service.admits_refusal() {
            tracing::warn!(open, "a connection over max-connections is closed");
        }
        return false;
    }
    if limits.allow_uids.is_empty() {
        return true;
    }
    match stream.peer_cred() {
        Ok(peer) if limits.allow_uids.contains(&peer.uid()) => true,
        Ok(peer) => {
            if service.admits_refusal() {
                tracing::warn!(
                    uid = peer.uid(),
                    "a connection of a user who is not allowed is closed"
                );
            }
            false
        }
        Err(error) => {
            tracing::warn!(
                error = shown(&error),
                "a connection whose user is not known is closed"
            );
            false
        }
    }
}

/// Requests of one connection that may be under way.
pub const DEFAULT_IN_FLIGHT: usize = 1024;
