//! The connections of a listener: accepted until the daemon stops, and then given time to end.

use core::time::Duration;
use std::io;

use crate::log_limit::shown;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The connections that are open.
pub(crate) struct Connections {
    /// What they are for, in the log.
    purpose: &'static str,
    open: JoinSet<()>,
    stopping: watch::Sender<bool>,
}

impl Connections {
    pub(crate) fn new(purpose: &'static str) -> Self {
        Self {
            purpose,
            open: JoinSet::new(),
            stopping: watch::Sender::new(false),
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.open.len()
    }

    /// Turns true when they are to end.
    pub(crate) fn stopped(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    pub(crate) fn add(&mut self, connection: impl Future<Output = ()> + Send + 'static) {
        self.open.spawn(connection);
    }

    /// The next one that comes.
    pub(crate) async fn next<S, A: Future<Output = io::Result<S>>>(
        &mut self,
        accept: impl Fn() -> A,
    ) -> S {
        let accepted = accepted(self.purpose, accept);
        tokio::pin!(accepted);
        loop {
            tokio::select! {
                stream = &mut accepted => return stream,
                Some(_) = self.open.join_next(), if !self.open.is_empty() => {}
            }
        }
    }

    /// Lets them answer what they have read, for [`DRAIN_TIMEOUT`] at most.
    pub(crate) async fn end(mut self) {
        let (count, purpose) = (self.count(), self.purpose);
        tracing::info!(connections = count, purpose, "stopping");
        self.stopping.send_replace(true);
        let drained = timeout(DRAIN_TIMEOUT, async {
            while self.open.join_next().await.is_some() {}
        });
        if drained.await.is_err() {
            tracing::warn!(
                connections = self.count(),
                purpose,
                "not all requests are answered in time"
            );
        }
    }
}

/// The next connection that can be accepted.
pub(crate) async fn accepted<S, A: Future<Output = io::Result<S>>>(
    purpose: &'static str,
    accept: impl Fn() -> A,
) -> S {
    loop {
        match accept().await {
            Ok(stream) => return stream,
            // Out of file descriptors, most likely: some will be free again.
            Err(error) => {
                tracing::error!(
                    error = shown(&error),
                    purpose,
                    "no connection can be accepted"
                );
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// How long the last requests may take when the daemon stops.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
