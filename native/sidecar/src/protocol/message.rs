use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::certificate::encoding;
use certjid_core::certificate::forwarded::Forwarded;
use certjid_core::config::ListenerRef;
use certjid_core::policy::{Authzid, Request};

use super::fields::{Fields, Named, Value};
use super::{etf, forwarded, json};

/// The format of a payload, told by its first byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// Erlang's external term format: 131.
    Etf,
    /// JSON: `{`, and whatever else is not 131.
    Json,
}

impl Format {
    /// The format that a payload with this first byte is answered in.
    pub fn of(first: Option<u8>) -> Self {
        if first == Some(etf::VERSION) {
            Self::Etf
        } else {
            Self::Json
        }
    }
}

/// What the reply repeats so that the client knows its request.
#[derive(Clone, Debug, PartialEq)]
pub enum Id {
    /// A binary, an atom or an integer.
    Etf(eetf::Term),
    /// Any scalar.
    Json(serde_json::Value),
}

impl Id {
    /// The id of a message that has none.
    pub fn absent(format: Format) -> Self {
        match format {
            Format::Etf => Self::Etf(etf::undefined()),
            Format::Json => Self::Json(serde_json::Value::Null),
        }
    }

    fn from_term(term: eetf::Term) -> Result<Self, String> {
        use eetf::Term;
        let length = match &term {
            Term::Binary(binary) => binary.bytes.len(),
            Term::ByteList(list) => list.bytes.len(),
            Term::Atom(_) | Term::BigInteger(_) | Term::FixInteger(_) => 0,
            _ => return Err("\"id\" must be an integer, a binary or an atom".to_owned()),
        };
        check_id_length(length)?;
        Ok(Self::Etf(term))
    }

    fn from_json(json: serde_json::Value) -> Result<Self, String> {
        use serde_json::Value as Json;
        let length = match &json {
            Json::String(text) => text.len(),
            Json::Array(_) | Json::Object(_) => {
                return Err("\"id\" must be a string or a number".to_owned());
            }
            _ => 0,
        };
        check_id_length(length)?;
        Ok(Self::Json(json))
    }
}

fn check_id_length(length: usize) -> Result<(), String> {
    if length > MAX_ID {
        return Err(format!(
            "\"id\" has {length} bytes, more than the {MAX_ID} allowed"
        ));
    }
    Ok(())
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Is this client who it says?
    Authenticate(Login),
    /// Is EXTERNAL to be offered to this client?
    Mechanisms(Login),
    /// How is the sidecar?
    Status,
}

/// A login, with its certificates still in a proxy's headers where they came so.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    /// The request; without a chain where there is `forwarded`.
    pub request: Request,
    /// What the server found in the headers.
    pub forwarded: Option<Forwarded>,
}

/// A payload that has been read. A bad one too is answered, so reading does not fail.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The id to answer with.
    pub id: Id,
    /// The call, or what is wrong with it.
    pub call: Result<Call, String>,
}

impl Message {
    /// Reads a payload.
    pub fn decode(payload: &[u8]) -> Self {
        let format = Format::of(payload.first().copied());
        let fields = match format {
            Format::Etf => etf::decode(payload)
                .and_then(|fields| Self::split(fields, Id::from_term, etf::value)),
            Format::Json if payload.first() == Some(&b'{') => json::decode(payload)
                .and_then(|fields| Self::split(fields, Id::from_json, json::value)),
            Format::Json => {
                Err("the payload is neither a JSON object nor an Erlang term".to_owned())
            }
        };
        match fields {
            Ok((id, values)) => Self {
                id: id.unwrap_or_else(|| Id::absent(format)),
                call: Fields::new(format, values).and_then(read_call),
            },
            Err(message) => Self {
                id: Id::absent(format),
                call: Err(message),
            },
        }
    }

    /// Takes the id out of the fields, and makes values of the others.
    fn split<T>(
        fields: Named<T>,
        id: impl Fn(T) -> Result<Id, String>,
        value: impl Fn(T) -> Value,
    ) -> Result<(Option<Id>, Named<Value>), String> {
        let mut found = None;
        let mut values = Vec::with_capacity(fields.len());
        for (name, field) in fields {
            if name != "id" {
                values.push((name, value(field)));
            } else if found.replace(id(field)?).is_some() {
                return Err("\"id\" stands there twice".to_owned());
            }
        }
        Ok((found, values))
    }
}

fn read_call(mut fields: Fields) -> Result<Call, String> {
    let name = fields.required_text("request")?;
    let call = match name.as_str() {
        "authenticate" => Call::Authenticate(read_login(&mut fields)?),
        "mechanisms" => Call::Mechanisms(read_login(&mut fields)?),
        "status" => Call::Status,
        _ => {
            return Err(format!(
                "\"request\" is {name:?}, not authenticate, mechanisms or status"
            ));
        }
    };
    fields.finish()?;
    Ok(call)
}

fn read_login(fields: &mut Fields) -> Result<Login, String> {
    let login = Login {
        forwarded: forwarded::read(fields)?,
        request: read_request(fields)?,
    };
    if login.forwarded.is_some() && !login.request.chain.is_empty() {
        return Err("\"chain\" and \"forwarded\" exclude each other".to_owned());
    }
    Ok(login)
}

fn read_request(fields: &mut Fields) -> Result<Request, String> {
    Ok(Request {
        listener: read_listener(fields)?,
        host: fields.required_text("host")?,
        host_type: fields.text("host_type")?,
        chain: read_chain(fields)?,
        authzid: read_authzid(fields)?,
        verified: fields.boolean("verified")?,
        answers: BTreeMap::new(),
    })
}

fn read_listener(fields: &mut Fields) -> Result<ListenerRef, String> {
    let due = || "\"listener\" must be \"c2s\", \"http\" or {\"port\": NUMBER}".to_owned();
    match fields.take("listener") {
        Value::Absent => Err("\"listener\" is missing".to_owned()),
        Value::Text(name) => String::from_utf8(name)
            .map(ListenerRef::Name)
            .map_err(|_| due()),
        Value::Map(map) => match map.as_slice() {
            [(name, Value::Integer(port))] if name == "port" => u16::try_from(*port)
                .map(ListenerRef::Port)
                .map_err(|_| due()),
            _ => Err(due()),
        },
        _ => Err(due()),
    }
}

/// A list of certificates in DER (base64 in JSON), or one text in an encoding that says itself
/// what it is. Here the server vouches for them; headers as they came are `forwarded`'s.
fn read_chain(fields: &mut Fields) -> Result<Vec<Vec<u8>>, String> {
    let due = || "\"chain\" must be a list of certificates or one text".to_owned();
    let format = fields.format;
    match fields.take("chain") {
        Value::Absent => Ok(Vec::new()),
        Value::Text(text) if text.is_empty() => Ok(Vec::new()),
        Value::Text(text) => encoding::chain(&text).map_err(|error| format!("\"chain\": {error}")),
        Value::List(items) => items
            .into_iter()
            .map(|item| match item {
                Value::Text(der) if format == Format::Etf => Ok(der),
                Value::Text(base64) => STANDARD
                    .decode(base64)
                    .map_err(|_| "\"chain\" has an entry that is not base64".to_owned()),
                _ => Err(due()),
            })
            .collect(),
        _ => Err(due()),
    }
}

fn read_authzid(fields: &mut Fields) -> Result<Authzid, String> {
    match (fields.bytes("authzid")?, fields.bytes("initial_response")?) {
        (None, None) => Ok(Authzid::Absent),
        (Some(authzid), None) => Ok(Authzid::Decoded(authzid)),
        // What is not UTF-8 is no base64 either, and is refused as such.
        (None, Some(text)) => Ok(Authzid::InitialResponse(
            String::from_utf8_lossy(&text).into_owned(),
        )),
        (Some(_), Some(_)) => {
            Err("\"authzid\" and \"initial_response\" exclude each other".to_owned())
        }
    }
}

/// The greatest length of an id, in bytes.
const MAX_ID: usize = 1024;
