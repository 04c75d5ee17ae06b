use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::config::ListenerRef;
use certjid_core::decide::{Authzid, Request};
use certjid_core::encoding;
use certjid_core::headers::Forwarded;

use super::value::{Fields, Named, Value, shown};
use super::{Format, Id, etf, forwarded, json};

/// A payload with its id apart, whose other fields have not been read.
pub(super) struct Document<'a> {
    pub(super) id: Option<Id>,
    pub(super) fields: Named<'a>,
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
        let document = match format {
            Format::Etf => etf::decode(payload),
            Format::Json if payload.first() == Some(&b'{') => json::decode(payload),
            Format::Json => {
                Err("the payload is neither a JSON object nor an Erlang term".to_owned())
            }
        };
        match document {
            Ok(Document { id, fields }) => Self {
                id: id.unwrap_or_else(|| Id::absent(format)),
                call: Fields::new(format, fields).and_then(read_call),
            },
            Err(message) => Self {
                id: Id::absent(format),
                call: Err(message),
            },
        }
    }
}

fn read_call(mut fields: Fields<'_>) -> Result<Call, String> {
    let name = fields.required_text("request")?;
    let call = match name.as_str() {
        "authenticate" => Call::Authenticate(read_login(&mut fields)?),
        "mechanisms" => Call::Mechanisms(read_login(&mut fields)?),
        "status" => Call::Status,
        _ => {
            return Err(format!(
                "\"request\" is {}, not authenticate, mechanisms or status",
                shown(&name)
            ));
        }
    };
    fields.finish()?;
    Ok(call)
}

fn read_login(fields: &mut Fields<'_>) -> Result<Login, String> {
    let login = Login {
        forwarded: forwarded::read(fields)?,
        request: read_request(fields)?,
    };
    if login.forwarded.is_some() && !login.request.chain.is_empty() {
        return Err("\"chain\" and \"forwarded\" exclude each other".to_owned());
    }
    Ok(login)
}

fn read_request(fields: &mut Fields<'_>) -> Result<Request, String> {
    Ok(Request {
        listener: read_listener(fields)?,
        host: fields.required_text("host")?,
        host_type: fields.text("host_type")?,
        chain: read_chain(fields)?,
        authzid: read_authzid(fields)?,
        verified: fields.boolean("verified")?,
    })
}

fn read_listener(fields: &mut Fields<'_>) -> Result<ListenerRef, String> {
    let due = || "\"listener\" must be \"c2s\", \"http\" or {\"port\": NUMBER}".to_owned();
    match fields.take("listener") {
        Value::Absent => Err("\"listener\" is missing".to_owned()),
        Value::Text(name) => String::from_utf8(name.into_owned())
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
fn read_chain(fields: &mut Fields<'_>) -> Result<Vec<Vec<u8>>, String> {
    let due = || "\"chain\" must be a list of certificates or one text".to_owned();
    let format = fields.format;
    match fields.take("chain") {
        Value::Absent => Ok(Vec::new()),
        Value::Text(text) if text.is_empty() => Ok(Vec::new()),
        Value::Text(text) => encoding::chain(&text).map_err(|error| format!("\"chain\": {error}")),
        Value::List(items) => items
            .into_iter()
            .map(|item| match item {
                Value::Text(der) if format == Format::Etf => Ok(der.into_owned()),
                Value::Text(base64) => STANDARD
                    .decode(base64)
                    .map_err(|_| "\"chain\" has an entry that is not base64".to_owned()),
                _ => Err(due()),
            })
            .collect(),
        _ => Err(due()),
    }
}

fn read_authzid(fields: &mut Fields<'_>) -> Result<Authzid, String> {
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
