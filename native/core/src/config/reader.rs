//! Typed access to a TOML tree that knows its lines. A fault is noted in the [`Log`] and the
//! option then reads as absent, so that one pass finds all of them.

use alloc::collections::BTreeSet;
use core::cell::RefCell;
use core::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::log::{Log, MAX_FAULTS};
use super::suggestion;

/// A table whose keys are known by being asked for. [`Section::finish`] reports the others.
pub(super) struct Section<'a> {
    pub(super) log: &'a Log,
    pub(super) path: String,
    pub(super) line: usize,
    table: &'a DeTable<'a>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    pub(super) fn new(log: &'a Log, path: String, line: usize, table: &'a DeTable<'a>) -> Self {
        Self {
            log,
            path,
            line,
            table,
            known: RefCell::default(),
        }
    }

    /// The value of `key`, which is known from now on.
    pub(super) fn get(&self, key: &'static str) -> Option<Node<'a>> {
        self.know(key);
        let (name, value) = self.table.get_key_value(key)?;
        Some(self.node(name, value))
    }

    /// The value of `key`, which must be there.
    pub(super) fn require(&self, key: &'static str) -> Option<Node<'a>> {
        let node = self.get(key);
        if node.is_none() {
            let path = self.path_of(key);
            self.log
                .error(self.line, &path, format!("the option {key} is missing"));
        }
        node
    }

    /// Accepts keys whose values do not matter here.
    pub(super) fn ignore(&self, keys: &[&'static str]) {
        keys.iter().for_each(|key| self.know(key));
    }

    fn know(&self, key: &'static str) {
        self.known.borrow_mut().push(key);
        #[cfg(test)]
        KNOWN.with_borrow_mut(|known| known.insert(self.path_of(key)));
    }

    /// Every entry with its key, for tables whose keys are names.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        self.table
            .iter()
            .map(|(name, value)| (&**name.get_ref(), self.node(name, value)))
    }

    /// The keys that were not asked for, each with the known one that it resembles.
    pub(super) fn unknown(&self) -> Vec<(Node<'a>, String)> {
        let known = self.known.borrow();
        self.entries()
            .filter(|(name, _)| !known.contains(name))
            .take(MAX_FAULTS)
            .map(|(name, node)| (node, suggestion::did_you_mean(name, &known)))
            .collect()
    }

    /// Reports the keys that were not asked for.
    pub(super) fn finish(self) {
        for (node, suggestion) in self.unknown() {
            node.error(format!("there is no such option here{suggestion}"));
        }
    }

    pub(super) fn error(&self, message: impl Into<String>) {
        self.log.error(self.line, &self.path, message);
    }

    pub(super) fn warn(&self, message: impl Into<String>) {
        self.log.warn(self.line, &self.path, message);
    }

    fn node(
        &self,
        name: &'a Spanned<toml::de::DeString<'a>>,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Node<'a> {
        Node {
            log: self.log,
            path: self.path_of(name.get_ref()),
            line: self.log.line(name.span().start),
            value: value.get_ref(),
        }
    }

    fn path_of(&self, key: &str) -> String {
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let key = if !key.is_empty() && key.len() <= MAX_SHOWN && key.chars().all(bare) {
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

/// A value with its place in the file.
pub(super) struct Node<'a> {
    pub(super) log: &'a Log,
    pub(super) path: String,
    pub(super) line: usize,
    value: &'a DeValue<'a>,
}

impl<'a> Node<'a> {
    pub(super) fn string(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text),
            _ => self.expected("a string"),
        }
    }

    pub(super) fn non_empty(&self) -> Option<&'a str> {
        let text = self.string()?;
        if text.is_empty() {
            self.error("the string is empty");
            return None;
        }
        Some(text)
    }

    /// One of several words, each with its meaning.
    pub(super) fn one_of<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.string()?;
        let choice = choices.iter().find(|(name, _)| *name == text);
        if choice.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.error(format!(
                "{} is not among the allowed values: {}{}",
                quote(text),
                names.join(", "),
                suggestion::did_you_mean(text, &names)
            ));
        }
        choice.map(|&(_, meaning)| meaning)
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => self.expected("a boolean"),
        }
    }

    pub(super) fn integer(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let DeValue::Integer(digits) = self.value else {
            return self.expected("an integer");
        };
        let value = i128::from_str_radix(digits.as_str(), digits.radix()).ok();
        let value = value.and_then(|value| u64::try_from(value).ok());
        if let Some(value) = value.filter(|value| range.contains(value)) {
            return Some(value);
        }
        let (least, most) = range.into_inner();
        self.error(if most == MAX_INTEGER {
            format!("the number is out of range: it must be {least} or more")
        } else {
            format!("the number is out of range: it must be from {least} to {most}")
        });
        None
    }

    /// An integer of at least `least`, or the string `infinity`.
    pub(super) fn integer_or_infinity(&self, least: u64) {
        match self.value {
            DeValue::Integer(_) => {
                self.integer(least..=MAX_INTEGER);
            }
            DeValue::String(text) if text == "infinity" => {}
            _ => {
                self.expected::<()>("an integer or \"infinity\"");
            }
        }
    }

    pub(super) fn list(&self) -> Option<Vec<Self>> {
        let DeValue::Array(array) = self.value else {
            return self.expected("a list");
        };
        let element = |(i, value): (usize, &'a Spanned<DeValue<'a>>)| Self {
            log: self.log,
            path: format!("{}[{}]", self.path, i + 1),
            line: self.log.line(value.span().start),
            value: value.get_ref(),
        };
        Some(array.iter().enumerate().map(element).collect())
    }

    /// The elements of a list for which `read` finds a value.
    pub(super) fn list_of<T>(&self, read: impl Fn(&Self) -> Option<T>) -> Option<Vec<T>> {
        Some(self.list()?.iter().filter_map(read).collect())
    }

    /// A list as [`Self::list_of`], whose elements must differ.
    pub(super) fn unique<T: Ord + Clone>(
        &self,
        read: impl Fn(&Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut seen = BTreeSet::new();
        let mut values = Vec::new();
        for node in self.list()? {
            let Some(value) = read(&node) else {
                continue;
            };
            if seen.insert(value.clone()) {
                values.push(value);
            } else {
                node.error("the list has this value already");
            }
        }
        Some(values)
    }

    pub(super) fn section(&self) -> Option<Section<'a>> {
        match self.value {
            DeValue::Table(table) => {
                Some(Section::new(self.log, self.path.clone(), self.line, table))
            }
            _ => self.expected("a table"),
        }
    }

    /// The tables of an array of tables. A single table counts as one, with a warning.
    pub(super) fn sections(&self) -> Vec<Section<'a>> {
        if let DeValue::Table(_) = self.value {
            self.warn(format!(
                "no MongooseIM release reads this as a single table: write [[{}]]; certjid takes \
                 it for a list of one",
                without_indexes(&self.path)
            ));
            let mut only = self.section();
            if let Some(section) = &mut only {
                section.path.push_str("[1]");
            }
            return only.into_iter().collect();
        }
        self.list_of(Self::section).unwrap_or_default()
    }

    /// A file that must exist. A relative path starts at the folder of the configuration file,
    /// or else at the working directory.
    pub(super) fn file(&self) -> Option<PathBuf> {
        let named = Path::new(self.non_empty()?);
        let folder = self.log.folder();
        let beside = folder.join(named);
        let found = [beside.as_path(), named]
            .into_iter()
            .find(|path| path.is_file());
        if let Some(found) = found {
            return Some(found.to_owned());
        }
        let shown = |path: &Path| quote(&path.to_string_lossy());
        let working = std::env::current_dir().unwrap_or_default();
        let (first, second) = (working.join(&beside), working.join(named));
        self.error(if first == second {
            format!("there is no file {}", shown(&first))
        } else {
            format!("there is no file {}, nor {}", shown(&first), shown(&second))
        });
        None
    }

    pub(super) fn error(&self, message: impl Into<String>) {
        self.log.error(self.line, &self.path, message);
    }

    pub(super) fn warn(&self, message: impl Into<String>) {
        self.log.warn(self.line, &self.path, message);
    }

    fn expected<T>(&self, what: &str) -> Option<T> {
        let found = match self.value {
            DeValue::Array(_) => "a list",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Float(_) => "a float",
            DeValue::Integer(_) => "an integer",
            DeValue::String(_) => "a string",
            DeValue::Table(_) => "a table",
        };
        self.error(format!("expected {what}, found {found}"));
        None
    }
}

#[cfg(test)]
std::thread_local! {
    /// The paths of all options that this thread's readers know.
    pub(super) static KNOWN: RefCell<BTreeSet<String>> = RefCell::default();
}

/// A path as table headers write it.
pub(super) fn without_indexes(path: &str) -> String {
    let parts = path
        .split('[')
        .map(|part| part.split_once(']').map_or(part, |(_, rest)| rest));
    parts.collect()
}

/// Text from the file, quoted and cut for a message.
pub(super) fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The greatest integer that an option without an upper bound of its own may have.
pub(super) const MAX_INTEGER: u64 = i64::MAX.unsigned_abs();

/// How many characters of a text from the file a message shows.
const MAX_SHOWN: usize = 200;
