//! The connections of an outgoing pool: `workers` at most, for which callers wait in order.

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use certjid_core::config;
use certjid_core::decide::{MethodAnswer, MethodQuestion};
use certjid_core::policy::{self};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::log_limit::shown;
use crate::metrics::Metrics;

/// What a pool connects to.
pub(super) trait Service {
    /// A connection, on which one question at a time is asked.
    type Connection;
    /// What the method's own section says beside the pool.
    type Options: ?Sized;

    /// Opens a connection.
    ///
    /// # Errors
    /// Why it failed, for the operator.
    async fn connect(&self) -> Result<Self::Connection, String>;

    /// Asks, and gives the connection back if it can be used again.
    ///
    /// # Errors
    /// Why there is no answer, for the operator.
    async fn ask(
        &self,
        connection: Self::Connection,
        question: &MethodQuestion<'_>,
        options: &Self::Options,
    ) -> Result<(MethodAnswer, Option<Self::Connection>), String>;
}

/// The connections to a service.
pub(super) struct Pool<S: Service> {
    service: S,
    /// Where it stands in the configuration.
    path: String,
    call_timeout: Duration,
    /// One permit for each connection that may be open.
    workers: Semaphore,
    /// One permit for each login that may have a connection, or wait for one.
    places: Semaphore,
    /// The connections that nobody uses.
    idle: Mutex<Vec<S::Connection>>,
}

impl<S: Service> Pool<S> {
    /// A pool without a connection as yet.
    pub(super) fn new(pool: &config::Pool, service: S) -> Self {
        let workers = pool.workers.min(MAX_WORKERS);
        let queue = pool.max_worker_queue_len.map_or(MAX_WAITING, |length| {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            length.saturating_mul(workers).min(MAX_WAITING)
        });
        Self {
            service,
            path: pool.path.clone(),
            call_timeout: pool.call_timeout,
            workers: Semaphore::new(workers),
            places: Semaphore::new(workers + queue),
            idle: Mutex::default(),
        }
    }

    /// Asks the service, within `call_timeout`.
    pub(super) async fn ask(
        &self,
        question: &MethodQuestion<'_>,
        options: &S::Options,
        metrics: &Metrics,
    ) -> MethodAnswer {
        let begun = Instant::now();
        let answer = self.answer_in_time(question, options).await;
        let took = begun.elapsed();
        let record = |answer| metrics.asked(&self.path, took, answer, policy::now());
        match &answer {
            MethodAnswer::Unavailable(error) if record(Err(error)) => {
                let (pool, cause) = (shown(&self.path), shown(error));
                tracing::warn!(pool, cause, "a service does not answer");
            }
            MethodAnswer::Unavailable(_) => {}
            _ => drop(record(Ok(()))),
        }
        answer
    }

    async fn answer_in_time(
        &self,
        question: &MethodQuestion<'_>,
        options: &S::Options,
    ) -> MethodAnswer {
        let Ok(_place) = self.places.try_acquire() else {
            return MethodAnswer::Unavailable(
                "too many logins wait for the service already".to_owned(),
            );
        };
        let error = match timeout(self.call_timeout, self.answer(question, options)).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(error)) => error,
            Err(_) => format!(
                "nothing came within call_timeout ({} ms)",
                self.call_timeout.as_millis()
            ),
        };
        MethodAnswer::Unavailable(format!("the service does not answer: {error}"))
    }

    /// As MongooseIM's pools, this asks a second time where the first gets no answer: the other
    /// side may have closed the connection long ago.
    async fn answer(
        &self,
        question: &MethodQuestion<'_>,
        options: &S::Options,
    ) -> Result<MethodAnswer, String> {
        let _worker = self.workers.acquire().await;
        let kept = self.idle().pop();
        if let Ok(answer) = self.answer_on(kept, question, options).await {
            return Ok(answer);
        }
        self.idle().clear();
        self.answer_on(None, question, options).await
    }

    async fn answer_on(
        &self,
        kept: Option<S::Connection>,
        question: &MethodQuestion<'_>,
        options: &S::Options,
    ) -> Result<MethodAnswer, String> {
        let connection = match kept {
            Some(connection) => connection,
            None => {
                tracing::debug!(pool = shown(&self.path), "a connection is opened");
                self.service.connect().await?
            }
        };
        let (answer, connection) = self.service.ask(connection, question, options).await?;
        self.idle().extend(connection);
        Ok(answer)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<S::Connection>> {
        // Connections are only pushed and popped: nothing is half-done after a panic.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More connections than this are not opened, whatever `workers` says.
const MAX_WORKERS: usize = 1024;

/// The logins that may wait for one service.
const MAX_WAITING: usize = 1024;
