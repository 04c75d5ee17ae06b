//! The terms that Erlang sends, with keys and absent fields as those of `terms`.

use certjid_core::config::ListenerRef;
use certjid_core::decide::{self, ModuleAnswer};
use certjid_core::reason::Condition;
use rustler::{Binary, Decoder, ErlOption, NifMap, NifResult, NifTaggedEnum, Term};

/// A list from Erlang. rustler's own decoder panics where a list has no proper end.
pub struct Items<T>(pub Vec<T>);

impl<'a, T: Decoder<'a>> Decoder<'a> for Items<T> {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        term.list_length()?;
        term.decode().map(Self)
    }
}

pub fn bytes(binaries: &[Binary<'_>]) -> Vec<Vec<u8>> {
    binaries.iter().map(|binary| binary.to_vec()).collect()
}

/// `{name, <<"c2s">>}` or `{port, 5222}`.
#[derive(NifTaggedEnum)]
#[rustler(decode)]
pub enum Listener<'a> {
    Name(Binary<'a>),
    Port(u16),
}

impl Listener<'_> {
    pub fn decode(&self) -> ListenerRef {
        match self {
            Self::Name(name) => {
                // None is so long, and a scheduler is not to be held up by one.
                let name = &name[..name.len().min(MAX_NAME)];
                ListenerRef::Name(String::from_utf8_lossy(name).into_owned())
            }
            Self::Port(port) => ListenerRef::Port(*port),
        }
    }
}

/// `absent`, `{decoded, Binary}` or `{initial_response, Text}`.
#[derive(NifTaggedEnum)]
#[rustler(decode)]
pub enum Authzid<'a> {
    Absent,
    Decoded(Binary<'a>),
    InitialResponse(Binary<'a>),
}

/// What an Erlang module answered: `{ok, UserName}` or `{error, Condition}`.
pub type Answer<'a> = Result<Binary<'a>, Binary<'a>>;

#[derive(NifMap)]
#[rustler(decode)]
pub struct Request<'a> {
    listener: Listener<'a>,
    host: Binary<'a>,
    host_type: ErlOption<Binary<'a>>,
    chain: Items<Binary<'a>>,
    authzid: Authzid<'a>,
    verified: ErlOption<bool>,
}

impl Request<'_> {
    /// The request, or what is wrong with its data.
    pub fn decode(&self) -> Result<decide::Request, String> {
        let host_type = self.host_type.as_ref();
        Ok(decide::Request {
            listener: self.listener.decode(),
            host: text("the host", &self.host)?.to_owned(),
            host_type: host_type
                .as_ref()
                .map(|name| text("the host type", name).map(str::to_owned))
                .transpose()?,
            chain: bytes(&self.chain.0),
            authzid: match &self.authzid {
                Authzid::Absent => decide::Authzid::Absent,
                Authzid::Decoded(authzid) => decide::Authzid::Decoded(authzid.to_vec()),
                Authzid::InitialResponse(response) => {
                    decide::Authzid::InitialResponse(String::from_utf8_lossy(response).into_owned())
                }
            },
            verified: self.verified.as_ref().as_ref().copied(),
        })
    }
}

/// The text, or what is wrong with it.
pub fn text<'a>(what: &str, bytes: &'a [u8]) -> Result<&'a str, String> {
    str::from_utf8(bytes).map_err(|_| format!("{what} is not UTF-8"))
}

/// A user name that is not UTF-8, or a condition that RFC 6120 does not have, is a refusal.
pub fn answer(answer: &Answer<'_>) -> ModuleAnswer {
    let answer = match answer {
        Ok(name) => str::from_utf8(name)
            .map(|name| ModuleAnswer::Ok(name.to_owned()))
            .ok(),
        Err(condition) => str::from_utf8(condition)
            .ok()
            .and_then(|condition| condition.parse().ok())
            .map(ModuleAnswer::Error),
    };
    answer.unwrap_or(ModuleAnswer::Error(Condition::NotAuthorized))
}

/// The bytes of a listener's name that are looked at.
const MAX_NAME: usize = 1_024;
