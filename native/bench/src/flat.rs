//! The sidecar's memory over millions of decisions and a thousand reloads.

use std::path::Path;
use std::time::Duration;

use crate::Done;
use crate::chains::Chain;
use crate::load::Load;
use crate::rounds::report;
use crate::server::Server;
use crate::sidecar::request;

/// The first round is for warming up.
pub(crate) fn measure(folder: &Path, certjid: &Path) -> Done {
    let folder = &folder.canonicalize()?;
    let socket = folder.join("flat.sock");
    let sidecar = Server::certjid(certjid, folder, &socket)?;
    let chain = Chain::read(folder, "rsa", 1)?;
    // Accepted with its chain checked, and refused without.
    let loads = [5222, 5224].map(|port| Load {
        request: request(&chain, port),
        connections: 64,
        depth: 1,
        during: PART,
    });
    let mut decisions = 0;
    let mut first = None;
    for round in 1..=ROUNDS {
        for _ in 0..RELOADS {
            sidecar.reload()?;
            for load in &loads {
                decisions += load.count(&socket)?;
            }
        }
        let resident = sidecar.memory()?;
        let first = *first.get_or_insert(resident);
        report(
            "memory, this round / first, in MiB",
            &format!(
                "{decisions} decisions, {} reloads: {resident:.2} / {first:.2}",
                round * RELOADS
            ),
            resident / first,
            Some(("<=", 1.02)),
        );
    }
    Ok(())
}

const ROUNDS: usize = 11;

const RELOADS: usize = 100;

const PART: Duration = Duration::from_millis(100);
