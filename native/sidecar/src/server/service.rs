//! The policy in use, and the answers from it.

use core::panic::AssertUnwindSafe;
use std::borrow::Cow;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption};
use certjid_core::config::ConfigErrors;
use certjid_core::decide::{self, Decided, Outcome, Refused, Request};
use certjid_core::policy::{self};
use certjid_core::reason::Reason;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::login_log::LogEntry;
use super::trusted_proxies::{self, TrustedProxy};
use crate::backend::{Backed, Options};
use crate::log_limit::{DEFAULT_LOG_REFUSALS, RefusalLimit, shown};
use crate::metrics::Metrics;
use crate::protocol::{
    Call, Count, Decision, Id, Login, Message, Offer, PoolStatus, Status, encode, refuse,
};

/// Everything that the connections share.
#[derive(Debug)]
pub struct Service {
    config: PathBuf,
    options: Options,
    trusted_proxies: Vec<TrustedProxy>,
    loaded: ArcSwap<Loaded>,
    reload_error: ArcSwapOption<String>,
    started: Instant,
    /// The payloads that are held at the same time.
    decisions: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    refusals: RefusalLimit,
    clock: Clock,
}

/// Tells the time in Unix seconds.
struct Clock(Box<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    fn now(&self) -> i64 {
        (self.0)()
    }
}

impl core::fmt::Debug for Clock {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Clock")
    }
}

struct Loaded {
    backed: Backed,
    at: i64,
}

impl core::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Loaded")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Loads the policy.
    ///
    /// # Errors
    /// All faults of the file.
    pub fn load(config: &Path, options: Options) -> Result<Self, ConfigErrors> {
        Ok(Self {
            loaded: ArcSwap::from_pointee(load(config, &options)?),
            config: config.to_owned(),
            options,
            trusted_proxies: Vec::new(),
            reload_error: ArcSwapOption::empty(),
            started: Instant::now(),
            decisions: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            metrics: Arc::default(),
            refusals: RefusalLimit::new(DEFAULT_LOG_REFUSALS),
            clock: Clock(Box::new(policy::now)),
        })
    }

    /// The same, with listeners that stand behind proxies.
    ///
    /// # Errors
    /// The one that is no listener of the configuration.
    pub fn trusting(mut self, proxies: Vec<TrustedProxy>) -> Result<Self, TrustedProxy> {
        let loaded = self.loaded.load();
        let config = loaded.backed.policy().config();
        if let Some(unknown) = proxies
            .iter()
            .find(|known| config.listener(&known.listener).is_none())
        {
            return Err(unknown.clone());
        }
        self.trusted_proxies = proxies;
        Ok(self)
    }

    /// The same, writing so many refused logins a second into the log, after the first 200.
    #[must_use]
    pub fn logging(self, refusals_per_second: u32) -> Self {
        Self {
            refusals: RefusalLimit::new(refusals_per_second),
            ..self
        }
    }

    /// The same, judging logins at the time in Unix seconds that a function tells; by default the
    /// system's.
    #[must_use]
    pub fn clocked(self, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self {
            clock: Clock(Box::new(clock)),
            ..self
        }
    }

    /// What is counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Loads the policy again. Requests see the old one or the new one, never a mixture; a file
    /// with faults changes nothing, and `status` says so.
    pub fn reload(&self) {
        self.loaded_again(load(&self.config, &self.options));
    }

    /// The same, if the last time failed; another failure for the same cause is not told again.
    pub fn retry(&self) {
        let Some(known) = self.reload_error.load_full() else {
            return;
        };
        match load(&self.config, &self.options) {
            Err(errors) if errors.to_string() == *known => {}
            loaded => self.loaded_again(loaded),
        }
    }

    fn loaded_again(&self, loaded: Result<Loaded, ConfigErrors>) {
        match loaded {
            Ok(loaded) => {
                let pools = &loaded.backed.policy().config().pools;
                self.metrics
                    .keep_services(|path| pools.iter().any(|pool| pool.path == path));
                self.loaded.store(Arc::new(loaded));
                self.reload_error.store(None);
                self.metrics.reloaded(true);
                tracing::info!(
                    config = shown(self.config.display()),
                    "the policy is reloaded"
                );
            }
            Err(errors) => {
                for error in &errors.faults {
                    let error = shown(error);
                    tracing::error!(
                        error,
                        "the policy is not reloaded: the old one stays in use"
                    );
                }
                self.reload_error.store(Some(Arc::new(errors.to_string())));
                self.metrics.reloaded(false);
            }
        }
    }

    /// The files that the policy is made of.
    pub fn files(&self) -> Vec<PathBuf> {
        self.loaded.load().backed.policy().files()
    }

    /// Answers a payload as far as no service has to be asked. It may take milliseconds, for
    /// signatures are checked here.
    pub(super) fn answer(&self, payload: &[u8]) -> Answer {
        let Message { id, call } = Message::decode(payload);
        let call = match call {
            Ok(call) => call,
            Err(message) => {
                self.metrics.count_error();
                if self.admits_refusal() {
                    tracing::warn!(cause = shown(&message), "bad request");
                }
                return Answer::Ready(refuse(&id, Reason::BadRequest, &message));
            }
        };
        let answer = || match &call {
            Call::Authenticate(login) => self.authenticate(id.clone(), login),
            Call::Mechanisms(login) => Answer::Ready(encode(&id, &self.mechanisms(login))),
            Call::Status => Answer::Ready(encode(&id, &self.status())),
        };
        // Nothing is left half-changed: the counters are all that is written.
        catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|_| Answer::Ready(self.failed(id)))
    }

    /// Completes the answer to a login with what the services say.
    pub(super) async fn complete(self: Arc<Self>, login: Box<Waiting>) -> Vec<u8> {
        let id = login.id.clone();
        let service = Arc::clone(&self);
        // In a task of its own, a panic is no more than an error.
        let completed = tokio::spawn(async move {
            let backed = &login.loaded.backed;
            let outcome = backed.finish(login.outcome, &service.metrics).await;
            service.decided(login.id, outcome, &login.entry)
        });
        completed.await.unwrap_or_else(|_| self.failed(id))
    }

    pub(super) async fn begin(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.decisions).acquire_owned().await.ok()
    }

    /// Whether one more refusal may be written into the log.
    pub(super) fn admits_refusal(&self) -> bool {
        self.refusals.admits(Instant::now())
    }

    /// Counts a connection until the guard is dropped.
    pub(super) fn count_connection(self: &Arc<Self>) -> OpenConnection {
        self.metrics.opened();
        OpenConnection(Arc::clone(self))
    }

    fn authenticate(&self, id: Id, login: &Login) -> Answer {
        let begun = Instant::now();
        let loaded = self.loaded.load_full();
        let completed = self.with_forwarded(login, &loaded);
        let request = completed.as_deref().unwrap_or(&login.request);
        let entry = LogEntry::new(request, begun);
        let outcome = match completed {
            Ok(request) => loaded.backed.policy().begin(&request, self.clock.now()),
            Err(refused) => Outcome::Refused(refused),
        };
        self.metrics.checked(begun.elapsed());
        match outcome {
            Outcome::Allowed(allowed) => Answer::Ready(self.decided(id, Ok(allowed), &entry)),
            Outcome::Refused(refused) => Answer::Ready(self.decided(id, Err(refused), &entry)),
            Outcome::AskMethod(_) | Outcome::AskModule(_) => Answer::Waiting(Box::new(Waiting {
                id,
                loaded,
                outcome,
                entry,
            })),
        }
    }

    fn decided(&self, id: Id, decided: Decided, entry: &LogEntry) -> Vec<u8> {
        let decision = Decision::from(decided);
        self.metrics.decided(entry.elapsed());
        if decision.allowed {
            let method = decision.method.as_deref();
            self.metrics.allowed.add(method.unwrap_or_default());
            if let Some((fingerprint, not_after)) = entry.certificate() {
                self.metrics.seen(fingerprint, not_after, self.clock.now());
            }
        } else {
            let reason = decision.reason.as_deref();
            self.metrics.refused.add(reason.unwrap_or_default());
        }
        if decision.allowed || self.admits_refusal() {
            entry.write(&decision);
        }
        encode(&id, &decision)
    }

    fn failed(&self, id: Id) -> Vec<u8> {
        self.metrics.count_error();
        tracing::error!("a request can't be answered: this is a fault of certjid");
        refuse(
            &id,
            Reason::Internal,
            "the sidecar failed; its log says more",
        )
    }

    fn mechanisms(&self, login: &Login) -> Offer {
        let loaded = self.loaded.load();
        match self.with_forwarded(login, &loaded) {
            Ok(request) => loaded
                .backed
                .policy()
                .mechanisms(&request, self.clock.now()),
            Err(refused) => decide::Offer {
                refused: Some(refused.reason),
                message: refused.explained(),
            },
        }
        .into()
    }

    fn with_forwarded<'a>(
        &self,
        login: &'a Login,
        loaded: &Loaded,
    ) -> Result<Cow<'a, Request>, Refused> {
        let config = loaded.backed.policy().config();
        trusted_proxies::complete(login, &self.trusted_proxies, config)
    }

    fn status(&self) -> Status {
        let metrics = &self.metrics;
        let count = |list: Vec<(String, u64)>| {
            let count = |(name, count)| Count { name, count };
            list.into_iter().map(count).collect()
        };
        let service = |(pool, health)| PoolStatus { pool, health };
        let services = metrics.services().into_iter().map(service).collect();
        Status {
            release: env!("CARGO_PKG_VERSION").to_owned(),
            config: self.config.display().to_string(),
            loaded_at: self.loaded.load().at,
            uptime: self.started.elapsed().as_secs(),
            allowed: metrics.allowed.total(),
            refused: metrics.refused.total(),
            methods: count(metrics.allowed.list()),
            reasons: count(metrics.refused.list()),
            services,
            services_left_out: None,
            expiring: metrics.expiring(self.clock.now()),
            errors: metrics.errors(),
            connections: metrics.connections(),
            reload_error: self.reload_error.load().as_deref().cloned(),
            pid: process::id(),
        }
        .bounded()
    }
}

pub(super) struct OpenConnection(Arc<Service>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.metrics.closed();
    }
}

fn load(config: &Path, options: &Options) -> Result<Loaded, ConfigErrors> {
    let backed = Backed::load(config, options)?;
    for warning in backed.warnings() {
        let config = shown(config.display());
        let warning = shown(warning);
        tracing::warn!(config, warning, "the configuration has a warning");
    }
    Ok(Loaded {
        backed,
        at: policy::now(),
    })
}

/// What is known of a payload's answer.
pub(super) enum Answer {
    /// All.
    Ready(Vec<u8>),
    /// It is a login that a service decides.
    Waiting(Box<Waiting>),
}

/// A login that services have to be asked about, with the policy that began it.
pub(super) struct Waiting {
    id: Id,
    loaded: Arc<Loaded>,
    outcome: Outcome,
    entry: LogEntry,
}

/// Payloads of all connections together that are being decided: 64 MiB at most.
const MAX_IN_FLIGHT: usize = 256;
