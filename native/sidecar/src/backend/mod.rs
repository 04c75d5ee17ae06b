//! The services that the methods `http` and `ldap` ask, as `outgoing_pools` has them.

use std::collections::BTreeMap;
use std::path::Path;

use certjid_core::config::{self, Config, ConfigError, ConfigErrors, Connection, Ldap, Warning};
use certjid_core::decide::{Decided, MethodAnswer, MethodQuestion, ModuleAnswer, Outcome, Request};
use certjid_core::message::quote;
use certjid_core::policy::{self, Modules, Policy};
use certjid_core::verify::CrlPolicy;

use crate::metrics::Metrics;

mod http;
mod ldap;
mod pool;
mod tls;

pub use http::compare;
pub use ldap::filter;

use pool::Pool;

/// What is said outside of mongooseim.toml, which has no options for it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The tags of pools `outgoing_pools.ldap.TAG` that use StartTLS: TLS begins on their plain
    /// port, by request, and not at once.
    pub ldap_starttls: Vec<String>,
    /// What is done about missing and stale CRLs.
    pub crls: CrlPolicy,
}

/// A policy with the services that it names, ready to decide logins.
pub struct Backed {
    policy: Policy,
    services: Services,
    warnings: Vec<Warning>,
}

impl Backed {
    /// Reads the configuration file and all that it names. No service is asked yet.
    ///
    /// # Errors
    /// All faults of the file, and of the files that it names.
    pub fn load(config: &Path, options: &Options) -> Result<Self, ConfigErrors> {
        let loading = policy::Options {
            modules: Modules::Refused,
            crls: options.crls,
        };
        let policy = Policy::load(config, loading)?;
        let mut found = Found {
            faults: Vec::new(),
            warnings: policy.warnings(),
        };
        let services = Services::new(policy.config(), options, &mut found);
        let ConfigErrors { faults, warnings } = ConfigErrors::new(found.faults, found.warnings);
        if !faults.is_empty() {
            return Err(ConfigErrors { faults, warnings });
        }
        Ok(Self {
            policy,
            services,
            warnings,
        })
    }

    /// What is to be said of the configuration and of the files that it names, by line.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides a login, at `now` in Unix seconds.
    pub async fn authenticate(&self, request: &Request, now: i64) -> Decided {
        let metrics = Metrics::default();
        self.finish(self.policy.begin(request, now), &metrics).await
    }

    /// Asks the services that a login needs, each for as long as its pool's time-outs allow.
    pub async fn finish(&self, mut outcome: Outcome, metrics: &Metrics) -> Decided {
        loop {
            outcome = match outcome {
                Outcome::Allowed(allowed) => return Ok(allowed),
                Outcome::Refused(refused) => return Err(refused),
                Outcome::AskMethod(login) => {
                    let config = self.policy.config();
                    let answer = self.services.ask(&login.question(), config, metrics).await;
                    login.answered(answer)
                }
                // A policy that is loaded with `Modules::Refused` has no module to ask.
                Outcome::AskModule(login) => login.answered(ModuleAnswer::Unavailable),
            };
        }
    }
}

/// What comes to light while the services are made.
struct Found {
    faults: Vec<ConfigError>,
    warnings: Vec<Warning>,
}

impl Found {
    /// A misspelt tag would leave its pool without TLS.
    fn check_starttls(&mut self, config: &Config, tags: &[String]) {
        for tag in tags {
            let is_meant = |pool: &config::Pool| pool.kind == "ldap" && pool.tag == *tag;
            if !config.pools.iter().any(is_meant) {
                self.faults.push(ConfigError {
                    file: config.file.clone(),
                    line: 0,
                    path: "outgoing_pools.ldap".to_owned(),
                    message: format!("--ldap-starttls names {}, not a pool here", quote(tag)),
                });
            }
        }
    }

    /// A pool that can't be used is a fault, but for one that no login asks.
    fn add(&mut self, config: &Config, pool: &config::Pool, message: String) {
        let line = pool.connection.tls().map_or(0, |tls| tls.line);
        let path = pool.path.clone();
        if pool.is_asked {
            self.faults.push(ConfigError {
                file: config.file.clone(),
                line,
                path,
                message,
            });
        } else {
            self.warnings.push(Warning {
                line,
                path,
                message: format!("{message}; no login asks this pool, and certjid goes on"),
            });
        }
    }
}

/// The services by the TOML path of their pool.
struct Services {
    http: BTreeMap<String, Pool<http::Service>>,
    ldap: BTreeMap<String, Pool<ldap::Service>>,
}

impl Services {
    fn new(config: &Config, options: &Options, found: &mut Found) -> Self {
        let mut services = Self {
            http: BTreeMap::new(),
            ldap: BTreeMap::new(),
        };
        found.check_starttls(config, &options.ldap_starttls);
        for pool in &config.pools {
            let path = || pool.path.clone();
            let made = match &pool.connection {
                Connection::Http(connection) => http::Service::new(connection).map(|service| {
                    services.http.insert(path(), Pool::new(pool, service));
                }),
                Connection::Ldap(connection) => {
                    let starttls = options.ldap_starttls.contains(&pool.tag);
                    ldap::Service::new(pool, connection, starttls).map(|service| {
                        services.ldap.insert(path(), Pool::new(pool, service));
                    })
                }
            };
            if let Err(message) = made {
                found.add(config, pool, message);
            }
        }
        services
    }

    async fn ask(
        &self,
        question: &MethodQuestion<'_>,
        config: &Config,
        metrics: &Metrics,
    ) -> MethodAnswer {
        let (host, host_type) = (question.host, question.host_type);
        let auth = config.auth(host, host_type);
        let pool = |kind, tag| config.pool(kind, tag, host, host_type);
        if question.method == "ldap" {
            let defaults = Ldap::default();
            let ldap = auth
                .and_then(|auth| auth.ldap.as_ref())
                .unwrap_or(&defaults);
            let pool = pool("ldap", &ldap.pool_tag);
            match pool.and_then(|pool| self.ldap.get(&pool.path)) {
                Some(service) => service.ask(question, ldap, metrics).await,
                None => no_pool("ldap", &ldap.pool_tag),
            }
        } else {
            let pool = pool("http", "auth");
            match pool.and_then(|pool| self.http.get(&pool.path)) {
                Some(service) => {
                    let none = None;
                    let basic_auth = auth.map_or(&none, |auth| &auth.http_basic_auth);
                    service.ask(question, basic_auth, metrics).await
                }
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
