//! Erlang's external term format.
//!
//! Read here and not by a crate: those that there are trust the lengths in a term, recurse as deep
//! as it does, unpack what is compressed, keep the last of several equal keys, and lose how an
//! integer was written.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value as Json;

use super::message::Document;
use super::value::{Named, Value};
use super::{Format, Id};

/// The first byte of every term.
pub(super) const VERSION: u8 = 131;

/// The atom that stands for a missing id.
pub(super) const UNDEFINED: &[u8] = b"\x77\x09undefined";

/// Reads a map whose keys are atoms, binaries or strings.
pub(super) fn decode(payload: &[u8]) -> Result<Document<'_>, String> {
    let mut reader = Reader {
        rest: payload,
        depth: 0,
    };
    let read = reader.document();
    read.map_err(|what| format!("the request is not an Erlang map: {what}"))
        .flatten()
}

/// Encodes a reply: objects become maps, strings binaries, null `undefined`.
pub(super) fn encode(id: &Id, reply: &impl Serialize) -> Vec<u8> {
    let mut reply = serde_json::to_value(reply).expect(super::reply::REPLY);
    reply["version"] = super::VERSION.into();
    let fields = reply.as_object().expect(super::reply::REPLY);
    let mut bytes = vec![VERSION];
    push_map_header(&mut bytes, fields.len() + 1);
    for (name, value) in fields {
        push_key(&mut bytes, name);
        push(&mut bytes, value);
    }
    push_key(&mut bytes, "id");
    bytes.extend(id.written());
    bytes
}

/// What is still to be read, and how many lists and maps it is in.
struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
}

type Read<T> = Result<T, &'static str>;

impl<'a> Reader<'a> {
    /// The whole payload. The inner error is that of an id, and says so itself.
    fn document(&mut self) -> Read<Result<Document<'a>, String>> {
        if self.byte()? != VERSION {
            return Err("it has no version byte");
        }
        let (mut ids, mut fields) = (Vec::new(), Vec::new());
        let begin = self.rest;
        if self.byte()? != MAP {
            // That it is not a term at all says more.
            self.rest = begin;
            self.term()?;
            return Err("it is another term");
        }
        self.depth += 1;
        for _ in 0..self.count(2)? {
            let name = self.name()?;
            if name == "id" {
                let begin = self.rest;
                self.term()?;
                ids.push(&begin[..begin.len() - self.rest.len()]);
            } else {
                fields.push((name, self.term()?));
            }
        }
        if !self.rest.is_empty() {
            return Err("bytes follow the term");
        }
        Ok(match ids.as_slice() {
            [] => Ok(Document { id: None, fields }),
            [term] => id(term).map(|id| Document {
                id: Some(id),
                fields,
            }),
            _ => Err("duplicate field \"id\"".to_owned()),
        })
    }

    fn term(&mut self) -> Read<Value<'a>> {
        let tag = self.byte()?;
        if let Some(atom) = self.atom(tag)? {
            return Ok(match atom.as_ref() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "undefined" | "null" => Value::Absent,
                _ => Value::Text(match atom {
                    Cow::Borrowed(name) => Cow::Borrowed(name.as_bytes()),
                    Cow::Owned(name) => Cow::Owned(name.into_bytes()),
                }),
            });
        }
        if let Some(text) = self.text(tag)? {
            return Ok(Value::Text(Cow::Borrowed(text)));
        }
        match tag {
            SMALL_INTEGER => Ok(Value::Integer(self.byte()?.into())),
            INTEGER => {
                let bytes = self.array::<4>()?;
                Ok(Value::Integer(i32::from_be_bytes(bytes).into()))
            }
            SMALL_BIG => {
                let length = self.number(1)?;
                self.big(length)
            }
            LARGE_BIG => {
                let length = self.number(4)?;
                self.big(length)
            }
            NIL => Ok(Value::List(Vec::new())),
            LIST => self.nested(Self::list),
            MAP => self.nested(Self::map),
            COMPRESSED => Err("it is compressed"),
            _ => Err("it has a term of a type that no field has"),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Read<Value<'a>>) -> Read<Value<'a>> {
        if self.depth == MAX_DEPTH {
            return Err("it is nested too deep");
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn list(&mut self) -> Read<Value<'a>> {
        let mut items = Vec::new();
        for _ in 0..self.count(1)? {
            items.push(self.term()?);
        }
        if self.byte()? != NIL {
            return Err("it has an improper list");
        }
        Ok(Value::List(items))
    }

    fn map(&mut self) -> Read<Value<'a>> {
        let mut fields = Named::new();
        for _ in 0..self.count(2)? {
            fields.push((self.name()?, self.term()?));
        }
        Ok(Value::Map(fields))
    }

    /// The sign and the little-endian digits of a big integer.
    fn big(&mut self, length: usize) -> Read<Value<'a>> {
        let sign = self.byte()?;
        if sign > 1 {
            return Err("it has an integer whose sign is neither 0 nor 1");
        }
        let digits = self.take(length)?;
        let number = digits
            .iter()
            .rev()
            .try_fold(0_i64, |number, &digit| {
                number.checked_mul(256)?.checked_add(digit.into())
            })
            .map(|number| if sign == 0 { number } else { -number });
        Ok(number.map_or(Value::Other, Value::Integer))
    }

    fn name(&mut self) -> Read<Cow<'a, str>> {
        let tag = self.byte()?;
        if let Some(atom) = self.atom(tag)? {
            return Ok(atom);
        }
        let text = self
            .text(tag)?
            .ok_or("the name of a field is neither an atom nor a binary")?;
        str::from_utf8(text)
            .map(Cow::Borrowed)
            .map_err(|_| "the name of a field is not UTF-8")
    }

    fn atom(&mut self, tag: u8) -> Read<Option<Cow<'a, str>>> {
        let (length, is_latin1) = match tag {
            SMALL_ATOM => (self.number(1)?, true),
            ATOM => (self.number(2)?, true),
            SMALL_ATOM_UTF8 => (self.number(1)?, false),
            ATOM_UTF8 => (self.number(2)?, false),
            _ => return Ok(None),
        };
        let bytes = self.take(length)?;
        if is_latin1 {
            return Ok(Some(bytes.iter().copied().map(char::from).collect()));
        }
        str::from_utf8(bytes)
            .map(|name| Some(Cow::Borrowed(name)))
            .map_err(|_| "it has an atom that is not UTF-8")
    }

    /// A binary, or a string as a list of bytes.
    fn text(&mut self, tag: u8) -> Read<Option<&'a [u8]>> {
        let length = match tag {
            BINARY => self.number(4)?,
            STRING => self.number(2)?,
            _ => return Ok(None),
        };
        self.take(length).map(Some)
    }

    /// How many items follow, each of which has so many terms. A term has at least one byte.
    fn count(&mut self, terms: usize) -> Read<usize> {
        let count = self.number(4)?;
        if count.saturating_mul(terms) > self.rest.len() {
            return Err(CUT_SHORT);
        }
        Ok(count)
    }

    /// A big-endian number of so many bytes.
    fn number(&mut self, length: usize) -> Read<usize> {
        let bytes = self.take(length)?;
        Ok(bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    fn byte(&mut self) -> Read<u8> {
        self.array().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(CUT_SHORT)?;
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(CUT_SHORT)?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// An id of a term that has been read.
fn id(term: &[u8]) -> Result<Id, String> {
    match term.first() {
        Some(
            &(SMALL_INTEGER | INTEGER | SMALL_BIG | LARGE_BIG | BINARY | STRING | ATOM | ATOM_UTF8
            | SMALL_ATOM | SMALL_ATOM_UTF8),
        ) => Id::new(Format::Etf, term),
        _ => Err("\"id\" must be an integer, a binary or an atom".to_owned()),
    }
}

fn push(bytes: &mut Vec<u8>, value: &Json) {
    match value {
        Json::Null => bytes.extend(UNDEFINED),
        Json::Bool(value) => push_atom(bytes, if *value { "true" } else { "false" }),
        Json::Number(number) => push_integer(bytes, number),
        Json::String(text) => push_binary(bytes, text),
        Json::Array(items) => {
            if !items.is_empty() {
                bytes.push(LIST);
                push_count(bytes, items.len());
                items.iter().for_each(|item| push(bytes, item));
            }
            bytes.push(NIL);
        }
        Json::Object(fields) => {
            push_map_header(bytes, fields.len());
            for (name, value) in fields {
                push_key(bytes, name);
                push(bytes, value);
            }
        }
    }
}

fn push_map_header(bytes: &mut Vec<u8>, count: usize) {
    bytes.push(MAP);
    push_count(bytes, count);
}

/// An atom, as clients of version 1 know it from protocol.md. A name that comes later is a binary:
/// a client that reads replies without making atoms could otherwise read none.
fn push_key(bytes: &mut Vec<u8>, name: &str) {
    if ATOMS.contains(&name) {
        push_atom(bytes, name);
    } else {
        push_binary(bytes, name);
    }
}

/// An atom of ours, which is short.
fn push_atom(bytes: &mut Vec<u8>, name: &str) {
    bytes.push(SMALL_ATOM_UTF8);
    bytes.push(u8::try_from(name.len()).expect("the names of fields are short"));
    bytes.extend(name.bytes());
}

fn push_binary(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(BINARY);
    push_count(bytes, text.len());
    bytes.extend(text.bytes());
}

/// A number of a reply: those are integers.
fn push_integer(bytes: &mut Vec<u8>, number: &serde_json::Number) {
    let value = number.as_i64().unwrap_or(i64::MAX);
    if let Ok(value) = u8::try_from(value) {
        bytes.extend([SMALL_INTEGER, value]);
    } else if let Ok(value) = i32::try_from(value) {
        bytes.push(INTEGER);
        bytes.extend(value.to_be_bytes());
    } else {
        bytes.extend([SMALL_BIG, 8, u8::from(value < 0)]);
        bytes.extend(value.unsigned_abs().to_le_bytes());
    }
}

fn push_count(bytes: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).expect("a reply has less than 4 GiB");
    bytes.extend(count.to_be_bytes());
}

/// The fields of replies in version 1 of the protocol. None is ever added.
const ATOMS: [&str; 39] = [
    "allowed",
    "answered",
    "cause",
    "condition",
    "config",
    "connections",
    "count",
    "disconnect",
    "error",
    "errors",
    "expiring",
    "external",
    "failed",
    "failed_at",
    "id",
    "jid",
    "kind",
    "loaded_at",
    "mechanisms",
    "message",
    "method",
    "methods",
    "name",
    "outcome",
    "pid",
    "pool",
    "reason",
    "reasons",
    "refused",
    "release",
    "reload_error",
    "services",
    "source",
    "trail",
    "up",
    "uptime",
    "username",
    "version",
    "what",
];

/// The lists and maps that a term may be in: the certificates of `chain`, the headers of
/// `forwarded`, and some more.
const MAX_DEPTH: usize = 4;

const CUT_SHORT: &str = "it is cut short";

const COMPRESSED: u8 = 80;
const SMALL_INTEGER: u8 = 97;
const INTEGER: u8 = 98;
const ATOM: u8 = 100;
const NIL: u8 = 106;
const STRING: u8 = 107;
const LIST: u8 = 108;
const BINARY: u8 = 109;
const SMALL_BIG: u8 = 110;
const LARGE_BIG: u8 = 111;
const SMALL_ATOM: u8 = 115;
const MAP: u8 = 116;
const ATOM_UTF8: u8 = 118;
const SMALL_ATOM_UTF8: u8 = 119;

#[cfg(test)]
mod tests {
    use eetf::{Atom, Binary, FixInteger, Map, Term};

    use super::*;

    fn refused(bytes: &[u8]) -> String {
        decode(bytes).map(drop).unwrap_err()
    }

    #[test]
    fn lengths_are_checked_before_anything_is_taken() {
        // term_to_binary(#{a => <<"b">>})
        let good = [131, 116, 0, 0, 0, 1, 119, 1, 97, 109, 0, 0, 0, 1, 98];
        assert_eq!(decode(&good).unwrap().fields.len(), 1);
        for length in 0..good.len() {
            refused(&good[..length]);
        }
        let cases: [(&[u8], &str); 8] = [
            (&[131, 108, 255, 255, 255, 255, 97, 1], CUT_SHORT),
            (&[131, 109, 255, 255, 255, 255, 97, 1], CUT_SHORT),
            (&[131, 116, 255, 255, 255, 255, 97, 1], CUT_SHORT),
            (&[131, 80, 0, 0, 0, 1, 0], "compressed"),
            (&[131, 68, 0], "type that no field has"),
            (&[131, 116, 0, 0, 0, 0, 1], "follow the term"),
            (&[131, 97, 1], "not an Erlang map"),
            (&[131, 108, 0, 0, 0, 1, 97, 1, 97, 1], "improper list"),
        ];
        for (bytes, what) in cases {
            let message = refused(bytes);
            assert!(message.contains(what), "{bytes:?}: {message}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| {
            let mut bytes = vec![131, 116, 0, 0, 0, 1, 119, 1, 97];
            bytes.extend([LIST, 0, 0, 0, 1].repeat(depth - 1));
            bytes.extend([NIL].repeat(depth));
            bytes
        };
        decode(&nested(MAX_DEPTH)).unwrap();
        for depth in [MAX_DEPTH + 1, 10_000] {
            assert!(refused(&nested(depth)).contains("too deep"));
        }
    }

    #[test]
    fn a_field_of_a_later_version_is_a_binary() {
        let reply = serde_json::json!({ "trail": [{ "what": "x", "new": 1 }], "newer": true });
        let bytes = encode(&Id::absent(Format::Etf), &reply);
        let Term::Map(reply) = Term::decode(&bytes[..]).unwrap() else {
            panic!("a reply is a map");
        };
        let binary = |text: &str| Term::from(Binary::from(text.as_bytes()));
        let atom = |name: &str| Term::from(Atom::from(name));
        assert_eq!(reply.map[&binary("newer")], atom("true"));
        assert_eq!(reply.map[&atom("id")], atom("undefined"));
        let Term::List(trail) = &reply.map[&atom("trail")] else {
            panic!("a trail is a list");
        };
        let step = Map::from(std::collections::HashMap::from([
            (atom("what"), binary("x")),
            (binary("new"), FixInteger::from(1).into()),
        ]));
        assert_eq!(trail.elements, [step.into()]);
    }

    #[test]
    fn integers_of_replies_are_those_of_erlang() {
        for number in [
            0,
            255,
            256,
            -1,
            i64::from(i32::MIN),
            1 << 40,
            i64::MIN,
            i64::MAX,
        ] {
            let bytes = encode(
                &Id::absent(Format::Etf),
                &serde_json::json!({ "pid": number }),
            );
            let Term::Map(reply) = Term::decode(&bytes[..]).unwrap() else {
                panic!("a reply is a map");
            };
            let read = match &reply.map[&Atom::from("pid").into()] {
                Term::FixInteger(integer) => integer.value.to_string(),
                Term::BigInteger(integer) => integer.value.to_string(),
                other => panic!("{other}"),
            };
            assert_eq!(read, number.to_string());
        }
    }

    #[test]
    fn an_id_keeps_its_own_term() {
        let with = |terms: &[&[u8]]| {
            let mut bytes = vec![131, 116, 0, 0, 0, terms.len() as u8];
            for term in terms {
                bytes.extend([119, 2, b'i', b'd']);
                bytes.extend(*term);
            }
            bytes
        };
        let large = [&[LARGE_BIG, 0, 0, 1, 0, 0][..], &[1; 256]].concat();
        let ids: [&[u8]; 7] = [
            &[97, 1],
            &[98, 255, 255, 255, 255],
            &[110, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &large,
            &[109, 0, 0, 0, 1, 255],
            &[107, 0, 1, 7],
            &[100, 0, 1, 0xe9],
        ];
        for id in ids {
            let bytes = with(&[id]);
            assert_eq!(decode(&bytes).unwrap().id.unwrap().written(), id);
        }
        refused(&with(&[&[106]]));
        refused(&with(&[&[110, 1, 2, 7]]));
        refused(&with(&[&[70, 0, 0, 0, 0, 0, 0, 0, 0]]));
        assert_eq!(
            refused(&with(&[&[97, 1], &[97, 1]])),
            "duplicate field \"id\""
        );
    }
}
