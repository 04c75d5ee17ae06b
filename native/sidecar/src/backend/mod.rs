//! The services that the methods `http` and `ldap` ask, as `outgoing_pools` has them.

use std::collections::BTreeMap;
use std::path::Path;

use certjid_core::config::{Config, ConfigError, ConfigErrors, Connection};
use certjid_core::policy::{self, MethodAnswer, MethodQuestion, Modules, Outcome, Policy, Request};

mod http;

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
    pub fn load(config: &Path) -> Result<Self, ConfigErrors> {
        let policy = Policy::load(config, Modules::Refused)?;
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
#[derive(Debug, Default)]
struct Services {
    http: BTreeMap<String, http::Service>,
}

impl Services {
    fn new(config: &Config) -> Result<Self, ConfigErrors> {
        let mut services = Self::default();
        let mut errors = Vec::new();
        for pool in &config.pools {
            if let Connection::Http(connection) = &pool.connection {
                match http::Service::new(pool, connection) {
                    Ok(service) => drop(services.http.insert(pool.path.clone(), service)),
                    Err(message) => errors.push(ConfigError {
                        file: config.file.clone(),
                        line: connection.tls.as_ref().map_or(0, |tls| tls.line),
                        path: pool.path.clone(),
                        message,
                    }),
                }
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
        if question.method != "http" {
            return MethodAnswer::Unavailable(format!(
                "the method {} is not served by this version",
                question.method
            ));
        }
        let (host, host_type) = (question.host, question.host_type);
        let service = self
            .config
            .pool("http", "auth", host, host_type)
            .and_then(|pool| self.services.http.get(&pool.path));
        let Some(service) = service else {
            return MethodAnswer::Unavailable(
                "there is no pool outgoing_pools.http.auth for this host".to_owned(),
            );
        };
        let auth = self.config.auth(host, host_type);
        service.knows(
            question,
            auth.and_then(|auth| auth.http_basic_auth.as_ref()),
        )
    }
}
