//! Requests in JSON.

use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;

use super::fields::{Named, Value};

/// Reads the fields of an object, in order and with those that stand there twice.
pub(super) fn decode(payload: &[u8]) -> Result<Named<Json>, String> {
    serde_json::from_slice(payload)
        .map(|Object(fields)| fields)
        .map_err(|error| format!("the request is no JSON object: {error}"))
}

pub(super) fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Absent,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => number.as_i64().map_or(Value::Other, Value::Integer),
        Json::String(text) => Value::Text(text.into_bytes()),
        Json::Array(items) => Value::List(items.into_iter().map(value).collect()),
        Json::Object(fields) => Value::Map(
            fields
                .into_iter()
                .map(|(name, json)| (name, value(json)))
                .collect(),
        ),
    }
}

struct Object(Named<Json>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Object(fields))
    }
}
