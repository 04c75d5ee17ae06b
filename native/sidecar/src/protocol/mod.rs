//! The sidecar's protocol, version 1, apart from any transport: a payload in, a payload out.
//!
//! A payload is a JSON object or a map in Erlang's external term format; the reply is in the
//! format of the request. `docs/protocol.md` is its description for programmers.

mod bounds;
mod etf;
mod format;
mod forwarded;
pub mod frame;
mod id;
mod json;
mod message;
mod reply;
mod value;

pub(crate) use bounds::clipped;
pub use bounds::{MAX_MESSAGE, MAX_REPLY};
pub use format::Format;
pub use id::{Id, MAX_ID};
pub use message::{Call, Login, Message};
pub use reply::{
    Count, Decision, Offer, PoolStatus, Reply, ServiceHealth, Status, Step, encode, refuse,
};
pub use value::MAX_FIELDS;

/// The version of the protocol, which every reply names.
pub const VERSION: u8 = 1;

/// The greatest length of a request's payload, in bytes.
pub const MAX_FRAME: usize = 256 * 1024;
