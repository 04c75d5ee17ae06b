//! MongooseIM's configuration file: `mongooseim.toml` to typed values.
//!
//! The sections that decide a login by certificate are read: `general`, `auth`, `host_config`,
//! `listen.c2s`, `listen.http` and `outgoing_pools`. All faults in them are reported at once,
//! with line and path. The other sections are MongooseIM's affair and may hold anything.
//!
//! Reading is strict where a login is decided, so that a misspelt option never loosens anything.
//! Elsewhere a fault is a [`Warning`]: the next release of MongooseIM may have options that this
//! one does not know. What MongooseIM's documentation writes loads here even where MongooseIM
//! itself refuses it; each such spelling is a warning, and so is each setting that does not do
//! what it seems to do.
//!
//! | part | what it does |
//! |---|---|
//! | `model` | what a file says: data, and the words that options may have |
//! | [`options`] | the table of all options: what they may be, and what is done with them |
//! | `read` | text to model, with every fault |
//! | `lint` | what is to be said of a model that has no fault |
//!
//! ```
//! use certjid_core::config::Config;
//! use std::path::Path;
//!
//! let text = r#"
//!     [general]
//!       default_server_domain = "localhost"
//!       hosts = ["localhost"]
//!     [auth]
//!       sasl_mechanisms = ["external"]
//!       [auth.pki]
//! "#;
//! let config = Config::parse(text, Path::new("mongooseim.toml"))?;
//! let auth = config.auth("localhost", None).expect("a host of the file");
//! assert!(auth.offers_external());
//! assert_eq!(auth.methods, ["pki"]);
//! # Ok::<(), certjid_core::config::ConfigErrors>(())
//! ```

use core::str;
use std::fs::File;
use std::io::Read;
use std::path::Path;

mod error;
pub(crate) mod lint;
mod model;
pub mod options;
mod places;
mod read;
mod suggestion;

pub use error::{ConfigError, ConfigErrors, Warning};
pub(crate) use model::is_certificate_method;
pub use model::{
    Auth, ClientTls, Config, Connection, Deref, DnFilter, HttpConnection, Ldap, LdapConnection,
    Listener, ListenerKind, ListenerRef, LocalFilter, LocalOperation, Pool, PoolScope, Secret,
    ServerName, Tls, TlsMode, Uid,
};
pub(crate) use places::Places;
pub(crate) use read::MAX_FAULTS;

/// What a file says, with its faults beside it.
pub(crate) struct Reading {
    /// Without the options that have a fault.
    pub(crate) config: Config,
    pub(crate) places: Places,
    /// What is wrong in the file.
    pub(crate) faults: Vec<ConfigError>,
    /// What is to be said all the same.
    pub(crate) warnings: Vec<Warning>,
}

impl Reading {
    /// Reads a file of at most [`MAX_FILE`] bytes of UTF-8.
    ///
    /// # Errors
    /// Where the file can't be read, or is not TOML.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let fault = |line, message| file_fault(path, line, message);
        let unreadable = |error| fault(0, format!("cannot be read: {error}"));
        let file = File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(fault(0, too_long()));
        }
        let text = str::from_utf8(&bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
            fault(line, "the file is not UTF-8 from here on".to_owned())
        })?;
        Self::parse(text, path)
    }

    fn parse(text: &str, file: &Path) -> Result<Self, ConfigErrors> {
        if text.len() as u64 > MAX_FILE {
            return Err(file_fault(file, 0, too_long()));
        }
        let read::Reading {
            config,
            faults,
            warnings,
        } = read::read(text, file);
        let Some((config, places)) = config else {
            return Err(ConfigErrors::new(faults, warnings));
        };
        // What deceives comes before what is only unknown, should there be no room for both.
        let advice = lint::of(&config, &places).into_iter();
        let advice = advice.filter(|warning| !is_affected(warning, &faults));
        let mut warnings: Vec<Warning> = advice.chain(warnings).take(MAX_FAULTS).collect();
        warnings.sort_by_key(|warning| warning.line);
        Ok(Self {
            config,
            places,
            faults,
            warnings,
        })
    }

    fn finish(self) -> Result<Config, ConfigErrors> {
        if !self.faults.is_empty() {
            return Err(ConfigErrors::new(self.faults, self.warnings));
        }
        Ok(Config {
            warnings: self.warnings,
            ..self.config
        })
    }
}

impl Config {
    /// Reads a file of at most [`MAX_FILE`] bytes of UTF-8.
    ///
    /// # Errors
    /// Every fault of the file.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        Reading::load(path)?.finish()
    }

    /// Reads the text of a configuration that stands in `file`, which need not exist.
    ///
    /// # Errors
    /// Every fault of the text.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigErrors> {
        Reading::parse(text, file)?.finish()
    }
}

/// Whether the section that a warning is about has a fault, so that the model lacks what the file
/// means.
fn is_affected(warning: &Warning, faults: &[ConfigError]) -> bool {
    let section = match warning.path.rsplit_once('.') {
        Some((section, _)) if section.contains('.') => section,
        _ => warning.path.split('.').next().unwrap_or_default(),
    };
    faults.iter().any(|fault| {
        fault.path.starts_with(section)
            || section.starts_with(&fault.path) && !fault.path.is_empty()
    })
}

fn file_fault(file: &Path, line: usize, message: String) -> ConfigErrors {
    let fault = ConfigError {
        file: file.to_owned(),
        line,
        path: String::new(),
        message,
    };
    ConfigErrors::new(vec![fault], Vec::new())
}

fn too_long() -> String {
    format!("the file is longer than {} MiB", MAX_FILE / 1024 / 1024)
}

/// The greatest length of a configuration file, in bytes: 16 MiB.
pub const MAX_FILE: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
