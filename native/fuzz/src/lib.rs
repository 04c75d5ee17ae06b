//! What must hold for any input, whoever made it. Each module has the function `check`, which
//! panics where a property does not hold, and `seeds`: inputs to begin with, made from
//! `test/data`.
//!
//! `cargo fuzz` drives the functions with coverage (docs/fuzzing.md); the program `smoke` of this
//! package runs them on the seeds, on the inputs that once failed, and on mutations.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

pub mod authzid;
pub mod body;
pub mod certificate;
pub mod chain;
pub mod config;
mod der;
pub mod filter;
pub mod forwarded;
pub mod frame;
pub mod message;
pub mod mutation;
pub mod pem;
mod pki;

/// One target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: that of its module, and of its cargo-fuzz target.
    pub name: &'static str,
    /// Panics where a property does not hold.
    pub check: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words that mutations put in.
    pub words: &'static [&'static str],
}

macro_rules! targets {
    ($($name:ident)*) => {
        /// All targets.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            check: $name::check,
            seeds: $name::seeds,
            words: $name::WORDS,
        },)*];
    };
}

targets! { authzid body certificate chain config filter forwarded frame message pem }

/// Parts of an input are separated by this byte, which no UTF-8 has.
const SEPARATOR: u8 = 0xff;

/// The parts of an input, then empty ones.
fn parts(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|&byte| byte == SEPARATOR)
        .chain(core::iter::repeat(&[][..]))
}

/// An input of these parts.
fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(&SEPARATOR)
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a folder of the repository, with their contents, by name.
pub fn files(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let content = fs::read(&path).expect("a readable file");
            (path, content)
        })
        .collect()
}
