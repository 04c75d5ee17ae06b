//! Values of a request, in either format, and how fields are read from them.

use core::str;
use std::borrow::Cow;

use certjid_core::message::quote;

use super::Format;

/// Fields by name, in the client's order.
pub(super) type Named<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// A value of a request. Text is the payload's own where it needs no decoding.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Absent,
    Bool(bool),
    Integer(i64),
    List(Vec<Self>),
    Map(Named<'a>),
    /// A value that no field may have.
    Other,
    /// Text, which Erlang may send in any encoding; bytes.
    Text(Cow<'a, [u8]>),
}

/// The fields of a request that have not been read yet.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) format: Format,
    values: Named<'a>,
}

impl<'a> Fields<'a> {
    /// The fields of a whole request.
    ///
    /// # Errors
    /// A name that a map has twice, at any depth: readers differ in which of the values counts.
    pub(super) fn new(format: Format, values: Named<'a>) -> Result<Self, String> {
        check_names(&values)?;
        Ok(Self { format, values })
    }

    /// The fields of a map within the request.
    pub(super) fn within(format: Format, values: Named<'a>) -> Self {
        Self { format, values }
    }

    /// Takes a field out; one that is null counts as absent.
    pub(super) fn take(&mut self, name: &str) -> Value<'a> {
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
            Value::Text(text) => Ok(Some(text.into_owned())),
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

    /// An error if anything is left: a misspelt `authzid` would otherwise be a login without one.
    pub(super) fn finish(self) -> Result<(), String> {
        match self.values.first() {
            Some((name, _)) => Err(format!("{} is not a field of this request", shown(name))),
            None => Ok(()),
        }
    }
}

/// A name for a message. A long one is of no field, and may be a key that was put in a wrong place.
pub(super) fn shown(name: &str) -> String {
    if name.len() > MAX_SHOWN {
        return format!("a name of {} bytes", name.len());
    }
    quote(name)
}

/// In bytes: more than any name of the protocol has.
const MAX_SHOWN: usize = 40;

/// Checks that no map has a name twice, nor more names than [`MAX_FIELDS`].
fn check_names(fields: &Named<'_>) -> Result<(), String> {
    if fields.len() > MAX_FIELDS {
        return Err(format!(
            "{} fields are more than any request has",
            fields.len()
        ));
    }
    for (i, (name, value)) in fields.iter().enumerate() {
        if fields[..i].iter().any(|(earlier, _)| earlier == name) {
            return Err(format!("duplicate field {}", shown(name)));
        }
        check_names_within(value)?;
    }
    Ok(())
}

fn check_names_within(value: &Value<'_>) -> Result<(), String> {
    match value {
        Value::List(items) => items.iter().try_for_each(check_names_within),
        Value::Map(fields) => check_names(fields),
        _ => Ok(()),
    }
}

/// The greatest number of fields of a map, of a request or within it. It is more than any has: each
/// name is compared with the others.
pub const MAX_FIELDS: usize = 32;
