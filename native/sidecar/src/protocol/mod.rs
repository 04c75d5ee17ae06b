//! The sidecar's protocol, version 1, apart from any transport: a payload in, a payload out.
//!
//! A payload is a JSON object or a map in Erlang's external term format; the reply is in the
//! format of the request. `docs/protocol.md` is its description for programmers.

mod etf;
mod format;
mod forwarded;
pub mod frame;
mod id;
mod json;
mod message;
mod reply;
mod value;

pub use format::Format;
pub use id::{Id, MAX_ID};
pub use message::{Call, Login, Message};
pub use reply::{
    Count, Decision, MAX_REPLY, Offer, PoolStatus, ServiceHealth, Status, Step, encode, refuse,
};
pub use value::MAX_FIELDS;

/// The version of the protocol, which every reply names.
pub const VERSION: u8 = 1;

/// The greatest length of a request's payload, in bytes.
pub const MAX_FRAME: usize = 256 * 1024;
