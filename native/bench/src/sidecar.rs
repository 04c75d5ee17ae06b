//! The sidecar over its socket against the echo server, and against what the processors can do.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::Done;
use crate::chains::Chain;
use crate::load::Load;
use crate::pki::KEYS;
use crate::rounds::report;
use crate::server::Server;
use crate::standstill;

pub(crate) fn measure(folder: &Path, certjid: &Path) -> Done {
    let folder = &folder.canonicalize()?;
    let socket = folder.join("certjid.sock");
    let begun = Instant::now();
    let sidecar = Server::certjid(certjid, folder, &socket)?;
    let any = request(&Chain::read(folder, "ec", 1)?, 5223);
    once(&any, &socket, "\"allowed\":true")?;
    let first = begun.elapsed().as_secs_f64() * 1e3;
    let started = "start to first answer, with the system's CAs, in ms";
    report(started, "", first, Some(("<=", 100.0)));
    let idle = "idle memory (VmRSS), in MiB";
    report(idle, "", sidecar.memory()?, Some(("<=", 20.0)));

    let machine = standstill::measure(Duration::from_secs(5));
    report(
        "the machine stands still for 1 ms and longer, in %",
        &format!(
            "{:.1} times a second, at most {:.1} ms",
            machine.per_second,
            machine.longest.as_secs_f64() * 1e3
        ),
        machine.share * 100.0,
        None,
    );

    // A listener that asks for no certificate refuses the login before any signature is checked.
    for key in KEYS {
        let chain = Chain::read(folder, key, 1)?;
        against_echo(folder, &socket, key, &chain)?;
    }
    for (key, port) in KEYS.into_iter().zip([5222, 5223]) {
        let chain = Chain::read(folder, key, 1)?;
        against_signatures(folder, &socket, key, &chain, port)?;
    }
    let memory = sidecar.memory()?;
    report("memory after all of it, in MiB", "", memory, None);
    Ok(())
}

/// Logins over 64 connections to a sidecar that runs, for a profiler to look at.
pub(crate) fn load_for(folder: &Path, key: &str, port: &str, socket: &Path, seconds: &str) -> Done {
    let request = request(&Chain::read(folder, key, 1)?, port.parse()?);
    let load = Load {
        during: Duration::from_secs(seconds.parse()?),
        ..load(&request, 64, 1)
    };
    println!("{:.0}/s", load.greatest_rate(socket)?);
    Ok(())
}

fn against_echo(folder: &Path, socket: &Path, key: &str, chain: &Chain) -> Done {
    let request = request(chain, 5224);
    let reply = once(&request, socket, "verify_mode_none")?;
    let echo_socket = folder.join(format!("echo-{key}.sock"));
    let _echo = Server::echo(&echo_socket, reply.len(), None)?;
    let what = format!("no chain check ({key}, {} bytes)", request.len());
    for (shape, load) in shapes(&request) {
        let [ours, echo] = rates([&mut || load.greatest_rate(socket), &mut || {
            load.greatest_rate(&echo_socket)
        }])?;
        compare(&format!("{what}, {shape} / echo"), ours, echo, Some(0.8));
        if load.connections > 1 {
            latencies(&what, &load, &[socket, &echo_socket], ours / 2.0)?;
        }
    }
    Ok(())
}

fn against_signatures(folder: &Path, socket: &Path, key: &str, chain: &Chain, port: u16) -> Done {
    let request = request(chain, port);
    let reply = once(&request, socket, "\"allowed\":true")?;
    let echo_socket = folder.join(format!("echo-verify-{key}.sock"));
    let _echo = Server::echo(&echo_socket, reply.len(), Some((folder, key)))?;
    let what = format!("chain check ({key}, {} signatures)", chain.signatures());
    for (shape, load) in shapes(&request) {
        let [ours, bare, echo] = rates([
            &mut || load.greatest_rate(socket),
            &mut || Ok(chain.signatures_per_second(ROUND) / chain.signatures() as f64),
            &mut || load.greatest_rate(&echo_socket),
        ])?;
        compare(&format!("{what}, {shape} / bare"), ours, bare, Some(0.8));
        // On one connection the echo server does one thing after the other.
        if load.connections > 1 {
            let against = format!("{what}, {shape} / echo that verifies");
            compare(&against, ours, echo, None);
            latencies(&what, &load, &[socket, &echo_socket], ours / 2.0)?;
        }
    }
    Ok(())
}

/// The greatest rate of each side; they take turns.
fn rates<const N: usize>(
    mut sides: [&mut dyn FnMut() -> io::Result<f64>; N],
) -> io::Result<[f64; N]> {
    let mut greatest = [0.0_f64; N];
    for _ in 0..ROUNDS {
        for (side, greatest) in sides.iter_mut().zip(&mut greatest) {
            *greatest = greatest.max(side()?);
        }
    }
    Ok(greatest)
}

fn compare(what: &str, ours: f64, other: f64, least: Option<f64>) {
    let figures = format!("{ours:.0}/s / {other:.0}/s");
    report(
        what,
        &figures,
        ours / other,
        least.map(|least| (">=", least)),
    );
}

/// The first socket is the sidecar's. Of several rounds the one with the shortest p99 counts, and
/// the median is told beside it.
fn latencies(what: &str, load: &Load, sockets: &[&Path], rate: f64) -> Done {
    for (socket, whose) in sockets.iter().zip(["sidecar", "echo"]) {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let times = load.latencies(socket, rate)?;
            let at = |share: f64| {
                let index = (times.len() as f64 * share) as usize;
                times[index.min(times.len() - 1)].as_secs_f64() * 1e3
            };
            rounds.push([at(0.99), at(0.5), at(0.999)]);
        }
        rounds.sort_by(|one, other| one[0].total_cmp(&other[0]));
        let [p99, p50, p999] = rounds[0];
        let median = rounds[ROUNDS / 2][0];
        report(
            &format!("{what}, {whose} at {rate:.0}/s, p99 in ms"),
            &format!("p50 {p50:.2} p99 {p99:.2} (median {median:.2}) p999 {p999:.2} ms"),
            p99,
            Some(("<=", 1.0)).filter(|_| whose == "sidecar"),
        );
    }
    Ok(())
}

pub(crate) fn request(chain: &Chain, port: u16) -> Vec<u8> {
    let chain: Vec<Value> = chain
        .ders
        .iter()
        .map(|der| STANDARD.encode(der).into())
        .collect();
    let request = json!({
        "request": "authenticate",
        "id": 1,
        "listener": { "port": port },
        "host": "example.org",
        "chain": chain,
        "initial_response": "=",
    });
    request.to_string().into_bytes()
}

/// Asks once, and gives the reply, in which this has to stand.
fn once(request: &[u8], socket: &Path, what: &str) -> Result<Vec<u8>, Box<dyn core::error::Error>> {
    let reply = load(request, 1, 1).once(socket)?;
    let text = String::from_utf8_lossy(&reply);
    if text.contains(what) {
        return Ok(reply);
    }
    Err(format!("the sidecar answers {text}").into())
}

fn load(request: &[u8], connections: usize, depth: usize) -> Load {
    Load {
        request: request.to_owned(),
        connections,
        depth,
        during: ROUND,
    }
}

fn shapes(request: &[u8]) -> [(&'static str, Load); 2] {
    [
        ("64 connections", load(request, 64, 1)),
        ("1 connection, 64 under way", load(request, 1, 64)),
    ]
}

const ROUNDS: usize = 8;

const ROUND: Duration = Duration::from_millis(500);
