//! Typed access to a TOML tree that knows its lines. A fault is noted in the [`Log`] and the
//! option then reads as absent, so that one pass finds all of them.

#[cfg(test)]
use alloc::collections::BTreeSet;
use core::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::log::{Log, MAX_FAULTS};
use super::node::Node;
use crate::config::suggestion;
use crate::message::{MAX_QUOTED, quote};

/// What a fault is: strict where a login is decided, a warning elsewhere. The file is another
/// program's, whose next release may have options that this one does not know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Weight {
    /// All options decide logins, so that each fault is an error.
    Decides,
    /// Nothing decides a login: each fault is a warning.
    Idle,
    /// Some options decide. The others, and those that are unknown, are warned of, but an option
    /// that looks like a slip of one that decides is an error.
    Mixed,
}

impl Weight {
    /// Notes a fault as what it is here.
    pub(super) fn report(self, log: &Log, line: usize, path: &str, message: String) {
        match self {
            Self::Decides | Self::Mixed => log.error(line, path, message),
            Self::Idle => log.warn(
                line,
                path,
                format!(
                    "{message}; MongooseIM up to 6.8.0 does not start with that; it decides no \
                     login, and certjid goes on without it"
                ),
            ),
        }
    }
}

/// A table whose keys are known by being asked for. [`Section::finish`] reports the others.
pub(super) struct Section<'a> {
    pub(super) log: &'a Log,
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) weight: Weight,
    table: &'a DeTable<'a>,
    known: RefCell<Vec<Known>>,
}

struct Known {
    key: &'static str,
    decides: bool,
}

impl<'a> Section<'a> {
    pub(super) fn new(log: &'a Log, path: String, line: usize, table: &'a DeTable<'a>) -> Self {
        Self {
            log,
            path,
            line,
            weight: Weight::Decides,
            table,
            known: RefCell::default(),
        }
    }

    /// The section with another weight.
    pub(super) fn weighing(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    /// The value of `key`, which decides where anything here does, and is known from now on.
    pub(super) fn get(&self, key: &'static str) -> Option<Node<'a>> {
        self.know(key, true);
        self.find(key, self.weight)
    }

    /// The value of `key`, which decides nothing, and is known from now on.
    pub(super) fn get_idle(&self, key: &'static str) -> Option<Node<'a>> {
        self.know(key, false);
        let weight = match self.weight {
            Weight::Mixed => Weight::Idle,
            weight => weight,
        };
        self.find(key, weight)
    }

    /// The value of `key`, which must be there.
    pub(super) fn require(&self, key: &'static str) -> Option<Node<'a>> {
        let node = self.get(key);
        if node.is_none() {
            let message = format!("the option {key} is missing");
            self.weight
                .report(self.log, self.line, &self.path_of(key), message);
        }
        node
    }

    /// The value of `key`, which becomes not known by that.
    pub(super) fn peek(&self, key: &str) -> Option<Node<'a>> {
        let (name, value) = self.table.get_key_value(key)?;
        Some(self.node(name, value, self.weight))
    }

    /// Accepts keys whose values do not matter here.
    pub(super) fn ignore(&self, keys: &[&'static str]) {
        keys.iter().for_each(|key| self.know(key, false));
    }

    /// Whether the table has the key, which becomes not known by that.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(super) fn is_known(&self, key: &str) -> bool {
        self.known.borrow().iter().any(|known| known.key == key)
    }

    /// Every entry with its key, for tables whose keys are names.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        self.table
            .iter()
            .map(|(name, value)| (&**name.get_ref(), self.node(name, value, self.weight)))
    }

    /// Reports the keys that were not asked for.
    pub(super) fn finish(self) {
        let known = self.known.borrow();
        let of = |decides: Option<bool>| -> Vec<&str> {
            let chosen = known
                .iter()
                .filter(|known| decides.is_none_or(|decides| known.decides == decides));
            chosen.map(|known| known.key).collect()
        };
        let (all, deciding) = (of(None), of(Some(true)));
        let unknown = self.entries().filter(|(name, _)| !all.contains(name));
        for (name, node) in unknown.take(MAX_FAULTS) {
            let suggestion = suggestion::did_you_mean(name, &all);
            let slip = suggestion::slip_of(name, &deciding);
            match (self.weight, slip) {
                (Weight::Decides, _) => {
                    node.error(format!("unknown option{suggestion}"));
                }
                (Weight::Mixed, Some(meant)) => node.error(format!(
                    "unknown option (did you mean {meant}?)"
                )),
                (Weight::Idle | Weight::Mixed, _) => node.warn(format!(
                    "unknown option{suggestion}: MongooseIM up to 6.8.0 does not have it and does not \
                     start with it; it decides no login, and certjid ignores it"
                )),
            }
        }
    }

    pub(super) fn error(&self, message: impl Into<String>) {
        self.weight
            .report(self.log, self.line, &self.path, message.into());
    }

    pub(super) fn warn(&self, message: impl Into<String>) {
        self.log.warn(self.line, &self.path, message);
    }

    fn find(&self, key: &str, weight: Weight) -> Option<Node<'a>> {
        let (name, value) = self.table.get_key_value(key)?;
        let node = self.node(name, value, weight);
        self.log.place(&node.path, node.line);
        Some(node)
    }

    fn know(&self, key: &'static str, decides: bool) {
        self.known.borrow_mut().push(Known { key, decides });
        #[cfg(test)]
        KNOWN.with_borrow_mut(|known| known.insert(self.path_of(key)));
    }

    fn node(
        &self,
        name: &'a Spanned<toml::de::DeString<'a>>,
        value: &'a Spanned<DeValue<'a>>,
        weight: Weight,
    ) -> Node<'a> {
        Node {
            log: self.log,
            path: self.path_of(name.get_ref()),
            line: self.log.line(name.span().start),
            weight,
            value: value.get_ref(),
        }
    }

    fn path_of(&self, key: &str) -> String {
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let key = if !key.is_empty() && key.len() <= MAX_QUOTED && key.chars().all(bare) {
            key.to_owned()
        } else {
            quote(key)
        };
        if self.path.is_empty() {
            key
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

#[cfg(test)]
std::thread_local! {
    /// The paths of all options that this thread's readers know.
    pub(in crate::config) static KNOWN: RefCell<BTreeSet<String>> = RefCell::default();
}
