//! The binary `certjid`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    certjid_sidecar::cli::run()
}
