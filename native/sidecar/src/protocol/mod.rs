//! The sidecar's protocol, version 1, apart from any transport: a payload in, a payload out.
//!
//! A payload is a JSON object or a map in Erlang's external term format; the reply is in the
//! format of the request. `docs/protocol.md` is its description for programmers.

mod etf;
mod fields;
mod forwarded;
pub mod frame;
mod json;
mod message;
mod reply;

pub use message::{Call, Format, Id, Login, Message};
pub use reply::{Count, Decision, Offer, PoolStatus, Status, Step, encode, refuse};

/// The version of the protocol, which every reply names.
pub const VERSION: u8 = 1;

/// The greatest length of a payload, in bytes.
pub const MAX_FRAME: usize = 256 * 1024;
