//! The sidecar under fire: faults of clients, of the system and of files, and a model of its
//! connections. Whatever happens, no answer is wrong, none is lost to a client that is there, and
//! the sidecar recovers by itself.

#[path = "../common/mod.rs"]
mod common;

mod clock;
mod crashes;
mod descriptors;
mod floods;
mod model;
mod process;
mod replaced_files;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A login at localhost with this certificate.
fn login(id: usize, der: &[u8]) -> Value {
    json!({
        "id": id,
        "request": "authenticate",
        "listener": "c2s",
        "host": "localhost",
        "chain": [STANDARD.encode(der)],
    })
}

/// How often a test does a thing: as the environment says, or so often that CI has the time.
fn times(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}
