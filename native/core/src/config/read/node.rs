//! A value of the file, read as what it has to be.

use alloc::collections::BTreeSet;
use core::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeValue;

use super::log::Log;
use super::section::{Section, Weight};
use crate::config::suggestion;
use crate::message::quote;
use crate::pem;

/// A value with its place in the file.
pub(super) struct Node<'a> {
    pub(super) log: &'a Log,
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) weight: Weight,
    pub(super) value: &'a DeValue<'a>,
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

    /// The string, where it is one; anything else is not a fault.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where it is one; anything else is not a fault.
    pub(super) fn number(&self) -> Option<u64> {
        let DeValue::Integer(digits) = self.value else {
            return None;
        };
        let value = i128::from_str_radix(digits.as_str(), digits.radix()).ok()?;
        u64::try_from(value).ok()
    }

    /// The boolean, where it is one; anything else is not a fault.
    pub(super) fn flag(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether the value is a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, DeValue::Array(_))
    }

    /// Whether the value is anything but an empty list.
    pub(super) fn is_filled(&self) -> bool {
        !matches!(self.value, DeValue::Array(array) if array.is_empty())
    }

    /// One of several words.
    pub(super) fn name_of(&self, names: &[&'static str]) -> Option<&'static str> {
        let choices: Vec<_> = names.iter().map(|&name| (name, name)).collect();
        self.one_of(&choices)
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
        let DeValue::Integer(_) = self.value else {
            return self.expected("an integer");
        };
        if let Some(value) = self.number().filter(|value| range.contains(value)) {
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

    /// One of several numbers.
    pub(super) fn number_of(&self, numbers: &[u64]) -> Option<u64> {
        let number = self.integer(0..=MAX_INTEGER)?;
        if numbers.contains(&number) {
            return Some(number);
        }
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        self.error(format!("expected {}, found {number}", numbers.join(" or ")));
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
            weight: self.weight,
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
                let section = Section::new(self.log, self.path.clone(), self.line, table);
                Some(section.weighing(self.weight))
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

    /// The tables of a list that is not read otherwise, or the only one; anything else is not a fault.
    pub(super) fn tables_of_another(&self) -> Vec<Section<'a>> {
        let elements = match self.value {
            DeValue::Array(_) => self.list().unwrap_or_default(),
            _ => Vec::new(),
        };
        let tables = elements
            .iter()
            .filter(|element| matches!(element.value, DeValue::Table(_)));
        tables.filter_map(Self::section).collect()
    }

    /// A file that must exist. A relative path starts at the folder of the configuration file,
    /// otherwise at the working directory.
    pub(super) fn file(&self) -> Option<PathBuf> {
        let named = self.non_empty()?;
        if pem::is_in(named.as_bytes()) {
            self.error(pem::IS_TEXT);
            return None;
        }
        let named = Path::new(named);
        let folder = self.log.folder();
        let beside = folder.join(named);
        let found = [beside.as_path(), named]
            .into_iter()
            .find(|path| path.is_file());
        if let Some(found) = found {
            return Some(found.to_owned());
        }
        let shown = |path: &Path| quote(&*path.to_string_lossy());
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
        self.weight
            .report(self.log, self.line, &self.path, message.into());
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

/// A path as table headers write it.
pub(in crate::config) fn without_indexes(path: &str) -> String {
    let parts = path
        .split('[')
        .map(|part| part.split_once(']').map_or(part, |(_, rest)| rest));
    parts.collect()
}

/// The greatest integer that an option without an upper bound of its own may have.
pub(super) const MAX_INTEGER: u64 = i64::MAX.unsigned_abs();
