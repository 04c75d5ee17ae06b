//! The services that the methods `http` and `ldap` ask, as `outgoing_pools` has them.

use std::collections::BTreeMap;
use std::path::Path;

use certjid_core::config::{Config, ConfigError, ConfigErrors, Connection, Ldap};
use certjid_core::policy::{
    self, MethodAnswer, MethodQuestion, Modules, Options, Outcome, Policy, Request,
};
use certjid_core::verify::CrlPolicy;
use tokio::sync::Semaphore;

mod http;
mod ldap;
mod tls;

/// A policy with the services that it names, ready to decide logins.
#[derive(Debug)]
pub struct Backed {
    policy: Policy,
    services: Services,
}

impl Backed {
    /// Reads the configuration file and all that it names. No service is asked yet.
    ///
    /// # Errors
    /// All faults of the file, and of the files that it names.
    pub fn load(config: &Path, crls: CrlPolicy) -> Result<Self, ConfigErrors> {
        let modules = Modules::Refused;
        let policy = Policy::load(config, Options { modules, crls })?;
        let services = Services::new(policy.config())?;
        Ok(Self { policy, services })
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides a login, at `now` in Unix seconds. It may wait for a service, for as long as the
    /// pool's time-outs allow.
    pub fn authenticate(&self, request: &Request, now: i64) -> Outcome {
        let backends = Asked {
            services: &self.services,
            config: self.policy.config(),
        };
        self.policy.authenticate_with(request, now, &backends)
    }
}

/// The services by the TOML path of their pool.
#[derive(Debug)]
struct Services {
    /// The logins that may wait for a service. The others of those that a sidecar works on at
    /// the same time are left to logins that need none, whatever a service does.
    places: Semaphore,
    http: BTreeMap<String, http::Service>,
    ldap: BTreeMap<String, ldap::Service>,
}

impl Services {
    fn new(config: &Config) -> Result<Self, ConfigErrors> {
        let mut services = Self {
            places: Semaphore::new(MAX_WAITING),
            http: BTreeMap::new(),
            ldap: BTreeMap::new(),
        };
        let mut errors = Vec::new();
        for pool in &config.pools {
            let path = || pool.path.clone();
            let (tls, made) = match &pool.connection {
                Connection::Http(connection) => (
                    &connection.tls,
                    http::Service::new(pool, connection)
                        .map(|service| drop(services.http.insert(path(), service))),
                ),
                Connection::Ldap(connection) => (
                    &connection.tls,
                    ldap::Service::new(pool, connection)
                        .map(|service| drop(services.ldap.insert(path(), service))),
                ),
            };
            if let Err(message) = made {
                errors.push(ConfigError {
                    file: config.file.clone(),
                    line: tls.as_ref().map_or(0, |tls| tls.line),
                    path: path(),
                    message,
                });
            }
        }
        if errors.is_empty() {
            Ok(services)
        } else {
            Err(ConfigErrors(errors))
        }
    }
}

struct Asked<'a> {
    services: &'a Services,
    config: &'a Config,
}

impl policy::Backends for Asked<'_> {
    fn ask(&self, question: &MethodQuestion<'_>) -> MethodAnswer {
        let Ok(_place) = self.services.places.try_acquire() else {
            return MethodAnswer::Unavailable(format!(
                "{MAX_WAITING} logins wait for services already"
            ));
        };
        let (host, host_type) = (question.host, question.host_type);
        let auth = self.config.auth(host, host_type);
        let pool = |kind, tag| self.config.pool(kind, tag, host, host_type);
        if question.method == "ldap" {
            let defaults = Ldap::default();
            let ldap = auth
                .and_then(|auth| auth.ldap.as_ref())
                .unwrap_or(&defaults);
            let pool = pool("ldap", &ldap.pool_tag);
            match pool.and_then(|pool| self.services.ldap.get(&pool.path)) {
                Some(service) => service.knows(question, ldap),
                None => no_pool("ldap", &ldap.pool_tag),
            }
        } else {
            let pool = pool("http", "auth");
            match pool.and_then(|pool| self.services.http.get(&pool.path)) {
                Some(service) => service.knows(
                    question,
                    auth.and_then(|auth| auth.http_basic_auth.as_ref()),
                ),
                None => no_pool("http", "auth"),
            }
        }
    }
}

fn no_pool(kind: &str, tag: &str) -> MethodAnswer {
    MethodAnswer::Unavailable(format!(
        "there is no pool outgoing_pools.{kind}.{tag} for this host"
    ))
}

/// Half of what the server works on at the same time.
const MAX_WAITING: usize = 128;
