//! What the sidecar counts and times, for `status`, `top` and Prometheus.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

mod counts;
mod expiring;
pub mod exporter;
mod service_health;

use counts::Counts;
use expiring::Expiring;
use service_health::Watched;

use crate::protocol::ServiceHealth;

/// Everything that is counted, since the start of the process: a reload loses nothing.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Logins that were allowed, by method.
    pub allowed: Counts,
    /// Logins that were refused, by reason.
    pub refused: Counts,
    errors: AtomicU64,
    connections: AtomicU64,
    reloads: AtomicU64,
    failed_reloads: AtomicU64,
    services: Mutex<BTreeMap<String, Watched>>,
    expiring: Mutex<Expiring>,
    times: Times,
}

#[derive(Clone)]
struct Times {
    login: Histogram,
    check: Histogram,
    service: Family<Pool, Histogram, fn() -> Histogram>,
}

/// The label of a pool's metrics.
type Pool = [(&'static str, String); 1];

impl Default for Times {
    fn default() -> Self {
        Self {
            login: new_histogram(),
            check: new_histogram(),
            service: Family::new_with_constructor(new_histogram),
        }
    }
}

impl fmt::Debug for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Times")
    }
}

impl Metrics {
    /// A login was decided, `took` after its request was there.
    pub fn decided(&self, took: Duration) {
        self.times.login.observe(took.as_secs_f64());
    }

    /// The certificate was judged and the rules were applied; no service was asked yet.
    pub fn checked(&self, took: Duration) {
        self.times.check.observe(took.as_secs_f64());
    }

    /// A service was asked, and gave an answer or failed with a cause. Whether that is worth a
    /// warning.
    pub fn asked(&self, pool: &str, took: Duration, answer: Result<(), &str>, now: i64) -> bool {
        let labels = [("pool", pool.to_owned())];
        let times = self.times.service.get_or_create(&labels);
        times.observe(took.as_secs_f64());
        let mut services = lock(&self.services);
        if !services.contains_key(pool) && services.len() >= MAX_POOLS {
            return false;
        }
        services
            .entry(pool.to_owned())
            .or_default()
            .record(answer, now)
    }

    /// Forgets the services of pools that are no more.
    pub fn keep_services(&self, is_pool: impl Fn(&str) -> bool) {
        lock(&self.services).retain(|pool, _| is_pool(pool));
    }

    /// A request could not be understood, or not be answered.
    pub fn count_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that was.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// A connection was opened.
    pub fn opened(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed.
    pub fn closed(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// The connections that are open.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// The policy was loaded again, or kept since the new one has faults.
    pub fn reloaded(&self, succeeded: bool) {
        let counter = if succeeded {
            &self.reloads
        } else {
            &self.failed_reloads
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody logged in with a certificate that is valid until `not_after`.
    pub fn seen(&self, fingerprint: &str, not_after: i64, now: i64) {
        lock(&self.expiring).seen(fingerprint, not_after, now);
    }

    /// The certificates that logged in during the last seven days and expire within thirty.
    pub fn expiring(&self, now: i64) -> usize {
        lock(&self.expiring).count(now)
    }

    /// The services that have been asked, by the TOML path of their pool.
    pub fn services(&self) -> BTreeMap<String, ServiceHealth> {
        let services = lock(&self.services);
        services
            .iter()
            .map(|(pool, watched)| (pool.clone(), watched.health.clone()))
            .collect()
    }

    /// Registers the times; the counters are [collected](Collector).
    fn register_times(&self, registry: &mut Registry) {
        let Times {
            login,
            check,
            service,
        } = self.times.clone();
        registry.register(
            "certjid_login_seconds",
            "From a login's request to its decision, services included",
            login,
        );
        registry.register(
            "certjid_check_seconds",
            "The check of the chain and the rules of sasl_external, services excluded",
            check,
        );
        registry.register(
            "certjid_service_seconds",
            "The answers of the services behind http and ldap, by pool",
            service,
        );
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut family = encoder.encode_descriptor(
            "certjid_logins",
            "Decisions by result, with the method or the reason",
            None,
            MetricType::Counter,
        )?;
        for (result, label, counts) in [
            ("allowed", "method", self.allowed.list()),
            ("refused", "reason", self.refused.list()),
        ] {
            for (value, count) in counts {
                let labels = [("result", result), (label, value.as_str())];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "certjid_reloads",
            "Reloads of the configuration by result",
            None,
            MetricType::Counter,
        )?;
        for (result, counter) in [("ok", &self.reloads), ("failed", &self.failed_reloads)] {
            let labels = [("result", result)];
            let count = counter.load(Ordering::Relaxed);
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        let mut family = encoder.encode_descriptor(
            "certjid_service_failures",
            "Questions that a service did not answer, by pool",
            None,
            MetricType::Counter,
        )?;
        for (pool, health) in self.services() {
            let labels = [("pool", pool.as_str())];
            ConstCounter::new(health.failed).encode(family.encode_family(&labels)?)?;
        }
        let errors = ConstCounter::new(self.errors());
        errors.encode(encoder.encode_descriptor(
            "certjid_request_errors",
            "Requests that could not be understood or answered",
            None,
            errors.metric_type(),
        )?)?;
        let now = certjid_core::policy::now();
        for (name, help, value) in [
            (
                "certjid_connections",
                "Connections that are open",
                self.connections(),
            ),
            (
                "certjid_expiring_certificates",
                "Certificates that logged in during seven days and expire within thirty",
                self.expiring(now) as u64,
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

/// From 50 microseconds, what a decision takes, to 5 seconds, what clients wait.
fn new_histogram() -> Histogram {
    Histogram::new([
        0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0,
        5.0,
    ])
}

/// What the locks guard is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Pools that are told apart; a configuration names fewer, but may change.
const MAX_POOLS: usize = 256;
