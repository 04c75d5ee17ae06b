//! The Rust side of `make bench`. See docs/benchmarks.md.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

mod chains;
mod echo;
mod flat;
mod growth;
mod load;
mod memory;
mod pki;
mod rounds;
mod server;
mod sidecar;
mod standstill;
mod worst;

use chains::Chain;

type Done = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["pki", folder] => pki::make(Path::new(folder)),
        ["chains", folder] => chains::measure(Path::new(folder)),
        ["growth", folder, what, count] => {
            growth::measure(Path::new(folder), what, count.parse().unwrap_or(0))
        }
        ["echo", socket, length] => echo::serve(Path::new(socket), length, None),
        ["echo", socket, length, folder, key] => Chain::read(Path::new(folder), key, 1)
            .and_then(|chain| echo::serve(Path::new(socket), length, Some(chain))),
        ["flat", folder, certjid] => flat::measure(Path::new(folder), Path::new(certjid)),
        ["load", folder, key, port, socket, seconds] => {
            sidecar::load_for(Path::new(folder), key, port, Path::new(socket), seconds)
        }
        ["worst", folder] => worst::measure(Path::new(folder)),
        ["sidecar", folder, certjid] => sidecar::measure(Path::new(folder), Path::new(certjid)),
        _ => Err("usage: certjid-bench pki FOLDER | chains FOLDER | sidecar FOLDER CERTJID | flat FOLDER CERTJID | load FOLDER KEY PORT SOCKET SECONDS | growth FOLDER WHAT COUNT | worst FOLDER".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("certjid-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
