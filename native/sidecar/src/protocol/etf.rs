//! Erlang's external term format.
//!
//! The crate that decodes terms trusts the lengths in them, recurses as deep as they do, and
//! unpacks whatever is compressed. So the bytes are walked once before, without recursion.

use std::collections::HashMap;

use eetf::{Atom, BigInteger, Binary, FixInteger, List, Map, Term};
use serde_json::Value as Json;

use super::fields::{Named, Value};

/// The first byte of every term.
pub(super) const VERSION: u8 = 131;

/// Reads the fields of a map whose keys are atoms, binaries or strings.
pub(super) fn decode(payload: &[u8]) -> Result<Named<Term>, String> {
    check(payload).map_err(|what| format!("the request is no Erlang term as due: {what}"))?;
    let term = Term::decode(payload)
        .map_err(|error| format!("the request is no Erlang term as due: {error}"))?;
    let Term::Map(map) = term else {
        return Err("the request is no map".to_owned());
    };
    // The decoder keeps the last of several equal keys.
    if payload.get(2..6) != Some(&(map.map.len() as u32).to_be_bytes()) {
        return Err("a field stands there twice".to_owned());
    }
    let mut fields: Vec<_> = map
        .map
        .into_iter()
        .map(|(key, term)| (name(key), term))
        .collect();
    // The decoder's map has another order each time, and the answer names the first fault.
    fields.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    fields
        .into_iter()
        .map(|(name, term)| Ok((name?, term)))
        .collect()
}

pub(super) fn value(term: Term) -> Value {
    match term {
        Term::Atom(atom) => match atom.name.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "undefined" | "null" => Value::Absent,
            _ => Value::Text(atom.name.into_bytes()),
        },
        Term::Binary(binary) => Value::Text(binary.bytes),
        Term::ByteList(list) => Value::Text(list.bytes),
        Term::FixInteger(integer) => Value::Integer(integer.value.into()),
        Term::List(list) => Value::List(list.elements.into_iter().map(value).collect()),
        Term::Map(map) => map
            .map
            .into_iter()
            .map(|(key, term)| Ok((name(key)?, value(term))))
            .collect::<Result<_, String>>()
            .map_or(Value::Other, Value::Map),
        _ => Value::Other,
    }
}

/// Encodes a reply: objects become maps, strings binaries, null `undefined`.
pub(super) fn encode(id: Term, reply: Json) -> Vec<u8> {
    let mut term = to_term(reply);
    if let Term::Map(map) = &mut term {
        map.map.insert(Atom::from("id").into(), id);
    }
    let mut bytes = Vec::new();
    term.encode(&mut bytes)
        .expect("a Vec takes everything, and replies have short atoms and integers only");
    bytes
}

/// The term that stands for a missing id.
pub(super) fn undefined() -> Term {
    Atom::from("undefined").into()
}

fn to_term(json: Json) -> Term {
    match json {
        Json::Null => undefined(),
        Json::Bool(value) => Atom::from(if value { "true" } else { "false" }).into(),
        Json::Number(number) => {
            let value = number.as_i64().unwrap_or(i64::MAX);
            match i32::try_from(value) {
                Ok(value) => FixInteger::from(value).into(),
                Err(_) => BigInteger::from(value).into(),
            }
        }
        Json::String(text) => Binary::from(text.into_bytes()).into(),
        Json::Array(items) => List::from(items.into_iter().map(to_term).collect::<Vec<_>>()).into(),
        Json::Object(fields) => Map::from(
            fields
                .into_iter()
                .map(|(name, value)| (key(name), to_term(value)))
                .collect::<HashMap<Term, Term>>(),
        )
        .into(),
    }
}

/// An atom, as clients of version 1 know it from protocol.md. A name that comes later is a binary:
/// who reads replies without making atoms would else read none.
fn key(name: String) -> Term {
    if ATOMS.contains(&name.as_str()) {
        Atom::from(name).into()
    } else {
        Binary::from(name.into_bytes()).into()
    }
}

fn name(key: Term) -> Result<String, String> {
    let bytes = match key {
        Term::Atom(atom) => return Ok(atom.name),
        Term::Binary(binary) => binary.bytes,
        Term::ByteList(list) => list.bytes,
        _ => return Err("the name of a field is neither an atom nor a binary".to_owned()),
    };
    String::from_utf8(bytes).map_err(|_| "the name of a field is not UTF-8".to_owned())
}

/// Checks that the payload is one whole term of the types that a request may have, no deeper
/// than [`MAX_DEPTH`].
fn check(payload: &[u8]) -> Result<(), &'static str> {
    let mut rest = payload
        .strip_prefix(&[VERSION])
        .ok_or("it has no version byte")?;
    // For each level, how many terms are still to come.
    let mut due = vec![1];
    while let Some(count) = due.last_mut() {
        if *count == 0 {
            due.pop();
            continue;
        }
        *count -= 1;
        let (length, children) = match number(&mut rest, 1)? {
            SMALL_INTEGER => (1, 0),
            INTEGER => (4, 0),
            SMALL_BIG => (number(&mut rest, 1)? + 1, 0),
            SMALL_ATOM | SMALL_ATOM_UTF8 => (number(&mut rest, 1)?, 0),
            ATOM | ATOM_UTF8 | STRING => (number(&mut rest, 2)?, 0),
            BINARY => (number(&mut rest, 4)?, 0),
            NIL => (0, 0),
            // The tail counts.
            LIST => (0, number(&mut rest, 4)? + 1),
            MAP => (0, 2 * number(&mut rest, 4)?),
            COMPRESSED => return Err("it is compressed"),
            _ => return Err("it has a term of a type that no field has"),
        };
        rest = rest.get(length..).ok_or(CUT_SHORT)?;
        // A term has at least one byte.
        if children > rest.len() {
            return Err(CUT_SHORT);
        }
        if children > 0 {
            if due.len() == MAX_DEPTH {
                return Err("it is nested too deep");
            }
            due.push(children);
        }
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err("something follows the term")
    }
}

/// Takes a big-endian number of so many bytes.
fn number(rest: &mut &[u8], length: usize) -> Result<usize, &'static str> {
    let (bytes, after) = rest.split_at_checked(length).ok_or(CUT_SHORT)?;
    *rest = after;
    Ok(bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | usize::from(byte)))
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

const MAX_DEPTH: usize = 4;

const CUT_SHORT: &str = "it is cut short";

const COMPRESSED: usize = 80;
const SMALL_INTEGER: usize = 97;
const INTEGER: usize = 98;
const ATOM: usize = 100;
const NIL: usize = 106;
const STRING: usize = 107;
const LIST: usize = 108;
const BINARY: usize = 109;
const SMALL_BIG: usize = 110;
const SMALL_ATOM: usize = 115;
const MAP: usize = 116;
const ATOM_UTF8: usize = 118;
const SMALL_ATOM_UTF8: usize = 119;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_checked_before_anything_is_decoded() {
        // term_to_binary(#{a => <<"b">>})
        let good = [131, 116, 0, 0, 0, 1, 119, 1, 97, 109, 0, 0, 0, 1, 98];
        assert_eq!(decode(&good).unwrap().len(), 1);
        for length in 0..good.len() {
            decode(&good[..length]).unwrap_err();
        }
        let refused: [(&[u8], &str); 7] = [
            (&[131, 108, 255, 255, 255, 255, 97, 1], CUT_SHORT),
            (&[131, 109, 255, 255, 255, 255, 97, 1], CUT_SHORT),
            (&[131, 116, 255, 255, 255, 255, 97, 1], CUT_SHORT),
            (&[131, 80, 0, 0, 0, 1, 0], "compressed"),
            (&[131, 68, 0], "type that no field has"),
            (&[131, 97, 1, 0], "follows the term"),
            (&[131, 97, 1], "no map"),
        ];
        for (bytes, what) in refused {
            let message = decode(bytes).unwrap_err();
            assert!(message.contains(what), "{bytes:?}: {message}");
        }
        let mut deep = vec![131];
        deep.extend([108, 0, 0, 0, 1].repeat(10_000));
        deep.extend([106].repeat(10_001));
        assert!(decode(&deep).unwrap_err().contains("too deep"));
    }

    #[test]
    fn of_several_keys_that_are_no_names_the_same_one_is_told() {
        // #{<<242>> => 1, [<<"7">>] => 1}
        let payload = [
            131, 116, 0, 0, 0, 2, 109, 0, 0, 0, 1, 242, 97, 1, 108, 0, 0, 0, 1, 109, 0, 0, 0, 1,
            55, 106, 97, 1,
        ];
        let told = decode(&payload).unwrap_err();
        for _ in 0..100 {
            assert_eq!(decode(&payload).unwrap_err(), told);
        }
    }

    #[test]
    fn a_field_of_a_later_version_is_a_binary() {
        let reply = serde_json::json!({ "trail": [{ "what": "x", "new": 1 }], "newer": true });
        let bytes = encode(undefined(), reply);
        let Term::Map(reply) = Term::decode(&bytes[..]).unwrap() else {
            panic!("a reply is a map");
        };
        let binary = |text: &str| Term::from(Binary::from(text.as_bytes()));
        assert_eq!(reply.map[&binary("newer")], Atom::from("true").into());
        let Term::List(trail) = &reply.map[&Atom::from("trail").into()] else {
            panic!("a trail is a list");
        };
        let step = Map::from(HashMap::from([
            (Atom::from("what").into(), binary("x")),
            (binary("new"), FixInteger::from(1).into()),
        ]));
        assert_eq!(trail.elements, [step.into()]);
    }

    #[test]
    fn a_key_may_stand_there_once() {
        let twice = [131, 116, 0, 0, 0, 2, 119, 1, 97, 97, 1, 119, 1, 97, 97, 2];
        assert!(decode(&twice).unwrap_err().contains("twice"));
    }
}
