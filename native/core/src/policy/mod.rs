//! One configuration file with all that it names, ready to decide logins: see [`crate::decide`].

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::{Config, ConfigErrors, ListenerRef, Tls, Warning};
use crate::reason::Reason;
use crate::verify::{self, Fault, TrustStore};

mod ca_facts;
mod ca_file;
mod files;
mod load;
mod server_key;

pub use files::{Seen, look};
pub use load::{Modules, Options};

use load::Trusts;

/// A loaded configuration: immutable, and shared by all threads.
#[derive(Debug)]
pub struct Policy {
    config: Config,
    trusts: Trusts,
    warnings: Vec<Warning>,
    seen: Vec<Seen>,
}

impl Policy {
    /// Reads the configuration file, and the CA files and CRLs that its listeners name.
    ///
    /// # Errors
    /// Every fault of the file, and every file that it names and that can't be used.
    pub fn load(path: &Path, options: impl Into<Options>) -> Result<Self, ConfigErrors> {
        Self::load_at(path, options, now())
    }

    /// As [`load`](Self::load); the warnings are those of the time `now`, in Unix seconds.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_at(
        path: &Path,
        options: impl Into<Options>,
        now: i64,
    ) -> Result<Self, ConfigErrors> {
        load::load(path, options.into(), now)
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What a listener with this section trusts.
    pub(crate) fn trust(&self, tls: &Tls) -> &TrustStore {
        self.trusts.of(tls)
    }

    /// What is to be said of the configuration and of the files that it names.
    pub fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }

    /// Judges a chain as the listener's `verify_mode` has it, at `now` in Unix seconds.
    ///
    /// # Errors
    /// All faults that are known, the one that counts first.
    pub fn verify_chain(
        &self,
        listener: &ListenerRef,
        chain: &[Vec<u8>],
        now: i64,
    ) -> Result<(), Vec<Fault>> {
        let tls = self
            .config
            .listener(listener)
            .and_then(|listener| listener.tls.as_ref());
        let Some(tls) = tls else {
            let message =
                format!("the configuration lacks {listener}, or TLS there: no CA is trusted");
            return Err(vec![Fault::new(Reason::UnknownCa, 0, message)]);
        };
        verify::verify(chain, tls.verify_mode, self.trusts.of(tls), now)
    }
}

/// The present time in Unix seconds.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
