//! What both formats have in common: named values, and how they are read.

use core::str;

use super::message::Format;

/// Fields by name, in order.
pub(super) type Named<T> = Vec<(String, T)>;

/// A value of a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Absent,
    Bool(bool),
    Integer(i64),
    List(Vec<Self>),
    Map(Named<Self>),
    /// Nothing that any field may be.
    Other,
    /// Text, which Erlang may send in any encoding; bytes.
    Text(Vec<u8>),
}

/// The fields of a request that have not been read yet.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) format: Format,
    pub(super) values: Named<Value>,
}

impl Fields {
    /// The fields, each of which may stand there once.
    pub(super) fn new(format: Format, values: Named<Value>) -> Result<Self, String> {
        if values.len() > MAX_FIELDS {
            return Err(format!(
                "{} fields are more than any request has",
                values.len()
            ));
        }
        for (i, (name, _)) in values.iter().enumerate() {
            if values[..i].iter().any(|(earlier, _)| earlier == name) {
                return Err(format!("{name:?} stands there twice"));
            }
        }
        Ok(Self { format, values })
    }

    /// Takes a field out; one that is null counts as absent.
    pub(super) fn take(&mut self, name: &str) -> Value {
        match self.values.iter().position(|(known, _)| known == name) {
            Some(index) => self.values.swap_remove(index).1,
            None => Value::Absent,
        }
    }

    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, String> {
        match self.take(name) {
            Value::Absent => Ok(None),
            Value::Bool(value) => Ok(Some(value)),
            _ => Err(format!("{name:?} must be true or false")),
        }
    }

    /// Bytes: in JSON always UTF-8.
    pub(super) fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, String> {
        match self.take(name) {
            Value::Absent => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            // Erlang's empty string.
            Value::List(items) if self.format == Format::Etf && items.is_empty() => {
                Ok(Some(Vec::new()))
            }
            _ => Err(format!("{name:?} must be a string")),
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        let bytes = self.bytes(name)?;
        bytes
            .map(String::from_utf8)
            .transpose()
            .map_err(|_| format!("{name:?} is not UTF-8"))
    }

    pub(super) fn required_text(&mut self, name: &str) -> Result<String, String> {
        self.text(name)?
            .ok_or_else(|| format!("{name:?} is missing"))
    }

    /// An error if anything is left: a misspelt `authzid` would else be a login without one.
    pub(super) fn finish(self) -> Result<(), String> {
        match self.values.first() {
            Some((name, _)) => Err(format!("{name:?} is no field of this request")),
            None => Ok(()),
        }
    }
}

/// Some more than any request has: each is compared with the others.
const MAX_FIELDS: usize = 32;
