//! Requests in JSON.

use core::fmt;
use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::message::Document;
use super::value::{Named, Value};
use super::{Format, Id};

/// Reads an object, in the order of its fields and with duplicate ones.
pub(super) fn decode(payload: &[u8]) -> Result<Document<'_>, String> {
    let Object { ids, fields } = serde_json::from_slice(payload)
        .map_err(|error| format!("the request is not a JSON object: {error}"))?;
    Ok(Document {
        id: match ids.as_slice() {
            [] => None,
            [text] => Some(id(text.get())?),
            _ => return Err("duplicate field \"id\"".to_owned()),
        },
        fields,
    })
}

/// The reply with the version and the id, which are added at its end.
pub(super) fn encode(id: &Id, reply: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(reply).expect(super::reply::REPLY);
    // A reply is an object that is never empty.
    bytes.pop();
    bytes.extend(format!(",\"version\":{},\"id\":", super::VERSION).into_bytes());
    bytes.extend(id.written());
    bytes.push(b'}');
    bytes
}

fn id(text: &str) -> Result<Id, String> {
    let is_scalar = match text.as_bytes().first() {
        Some(b'{' | b'[') => false,
        // serde_json passes over a string without a look at its escapes.
        Some(b'"') => serde_json::from_str::<Cow<'_, str>>(text).is_ok(),
        // Beyond the range of a double a reply that repeats it could not be read by most.
        _ => serde_json::from_str::<serde_json::Value>(text).is_ok(),
    };
    if !is_scalar {
        return Err("\"id\" must be a string, or a number in the range of a double".to_owned());
    }
    Id::new(Format::Json, text.as_bytes())
}

struct Object<'a> {
    ids: Vec<&'a RawValue>,
    fields: Named<'a>,
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let (mut ids, mut fields) = (Vec::new(), Vec::new());
        while let Some(Name(name)) = map.next_key()? {
            if name == "id" {
                ids.push(map.next_value()?);
            } else {
                fields.push((name, map.next_value()?));
            }
        }
        Ok(Object { ids, fields })
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Absent)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(i64::try_from(value).map_or(Value::Other, Value::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text.as_bytes())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.as_bytes().to_vec())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            fields.push((name, value));
        }
        Ok(Value::Map(fields))
    }
}

/// A name, with its escapes decoded: two spellings of one name are the same.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(text: &str) -> Result<Vec<u8>, String> {
        let document = decode(text.as_bytes())?;
        Ok(document.id.map_or(Vec::new(), |id| id.written().to_vec()))
    }

    #[test]
    fn an_id_keeps_its_own_text() {
        for id in [
            "18446744073709551616",
            "-340282366920938463463374607431768211456",
            "1.50",
            "-0",
            "1E+300",
            "true",
            "null",
            "\"\\u0041\"",
            "\"ż\"",
        ] {
            let text = format!("{{\"id\" : {id} , \"request\":\"status\"}}");
            assert_eq!(id_of(&text).as_deref(), Ok(id.as_bytes()));
        }
        for id in ["[1]", "{}", "1E+400", "-1e999", "\"\\ud800\"", "01", "1e"] {
            id_of(&format!("{{\"id\":{id}}}")).unwrap_err();
        }
        let twice = id_of(r#"{"id":1,"\u0069d":2}"#).unwrap_err();
        assert_eq!(twice, "duplicate field \"id\"");
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| {
            let lists = depth - 1;
            format!("{{\"a\":{}{}}}", "[".repeat(lists), "]".repeat(lists))
        };
        decode(nested(127).as_bytes()).unwrap();
        for depth in [128, 100_000] {
            assert!(decode(nested(depth).as_bytes()).is_err());
        }
    }
}
