//! What is to be said of settings that load but do not do what they seem to do, in MongooseIM
//! or here. "Seen in 6.8.0" is said where it is not known since when MongooseIM does so.
//!
//! All of it looks at the model, at the place of each option, and at plain facts of the files
//! that are named; nothing here reads anything.

use super::error::Warning;
use super::model::Config;
use super::places::Places;

mod auth;
pub(crate) mod authorities;
mod listeners;
pub(crate) mod lists;

/// Whose certificates the files of a section `tls` are there for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Whose {
    /// The users' of a listener.
    Clients,
    /// The services' of an outgoing pool.
    Services,
}

/// What is to be said of a configuration.
pub(super) fn of(config: &Config, places: &Places) -> Vec<Warning> {
    let mut lint = Lint {
        config,
        places,
        warnings: Vec::new(),
    };
    for auth in config.auths() {
        lint.on_auth(auth);
    }
    for listener in &config.listeners {
        lint.on_listener(listener);
    }
    lint.warnings
}

struct Lint<'a> {
    config: &'a Config,
    places: &'a Places,
    warnings: Vec<Warning>,
}

impl Lint<'_> {
    fn has(&self, path: &str) -> bool {
        self.places.line(path).is_some()
    }

    fn say(&mut self, path: &str, message: impl Into<String>) {
        self.warnings.push(Warning {
            line: self.places.nearest(path),
            path: path.to_owned(),
            message: message.into(),
        });
    }
}
