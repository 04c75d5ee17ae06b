//! The sidecar over its socket against the echo server, and against what the processors can do.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::Done;
use crate::chains::Chain;
use crate::load::Load;
use crate::memory::resident;
use crate::pki::KEYS;
use crate::rounds::report;

pub(crate) fn measure(folder: &Path, certjid: &Path) -> Done {
    let folder = &folder.canonicalize()?;
    let socket = folder.join("certjid.sock");
    let begun = Instant::now();
    let sidecar = Server::certjid(certjid, folder, &socket)?;
    let once = Load {
        request: request(&Chain::read(folder, "ec", 1)?, 5223),
        connections: 1,
        depth: 1,
        during: ROUND,
    };
    once.once(&socket)?;
    let first = begun.elapsed().as_secs_f64() * 1e3;
    let started = "start to first answer, with the system's CAs, in ms";
    report(started, "", first, Some(("<=", 100.0)));
    let idle = "idle memory (VmRSS), in MiB";
    report(idle, "", sidecar.memory()?, Some(("<=", 20.0)));

    // A listener that asks for no certificate refuses the login before any signature is checked.
    for key in KEYS {
        let request = Chain::read(folder, key, 1).map(|chain| request(&chain, 5224))?;
        against_echo(folder, &socket, key, request)?;
    }
    for (key, port) in KEYS.into_iter().zip([5222, 5223]) {
        against_signatures(&socket, key, &Chain::read(folder, key, 1)?, port)?;
    }
    report(
        "memory after all of it, in MiB",
        "",
        sidecar.memory()?,
        None,
    );
    Ok(())
}

fn against_echo(folder: &Path, socket: &Path, key: &str, request: Vec<u8>) -> Done {
    let load = |connections, depth| Load {
        request: request.clone(),
        connections,
        depth,
        during: ROUND,
    };
    let reply = load(1, 1).once(socket)?;
    expect(&reply, "verify_mode_none")?;
    let echo_socket = folder.join(format!("echo-{key}.sock"));
    let _echo = Server::start(
        Command::new(env::current_exe()?)
            .arg("echo")
            .arg(&echo_socket)
            .arg(reply.len().to_string()),
        &echo_socket,
    )?;
    let what = format!("no chain check ({key}, {} bytes)", request.len());
    for (shape, connections, depth) in SHAPES {
        let load = load(connections, depth);
        let mut ours = Vec::new();
        let mut echo = Vec::new();
        for _ in 0..ROUNDS {
            ours.push(load.greatest_rate(socket)?);
            echo.push(load.greatest_rate(&echo_socket)?);
        }
        let (ours, echo) = (greatest(&ours), greatest(&echo));
        report(
            &format!("{what}, {shape} / echo"),
            &format!("{ours:.0}/s / {echo:.0}/s"),
            ours / echo,
            Some((">=", 0.8)),
        );
        if connections > 1 {
            latencies(&what, &load, &[socket, &echo_socket], ours / 2.0)?;
        }
    }
    Ok(())
}

fn against_signatures(socket: &Path, key: &str, chain: &Chain, port: u16) -> Done {
    let load = |connections, depth| Load {
        request: request(chain, port),
        connections,
        depth,
        during: ROUND,
    };
    expect(&load(1, 1).once(socket)?, "\"allowed\":true")?;
    let what = format!("chain check ({key}, {} signatures)", chain.signatures());
    for (shape, connections, depth) in SHAPES {
        let load = load(connections, depth);
        let mut ours = Vec::new();
        let mut bare = Vec::new();
        for _ in 0..ROUNDS {
            ours.push(load.greatest_rate(socket)?);
            bare.push(chain.signatures_per_second(ROUND) / chain.signatures() as f64);
        }
        let (ours, bare) = (greatest(&ours), greatest(&bare));
        report(
            &format!("{what}, {shape} / bare"),
            &format!("{ours:.0}/s / {bare:.0}/s"),
            ours / bare,
            Some((">=", 0.8)),
        );
        if connections > 1 {
            latencies(&what, &load, &[socket], ours / 2.0)?;
        }
    }
    Ok(())
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

fn expect(reply: &[u8], what: &str) -> Done {
    let reply = String::from_utf8_lossy(reply);
    if reply.contains(what) {
        Ok(())
    } else {
        Err(format!("the sidecar answers {reply}").into())
    }
}

fn greatest(rates: &[f64]) -> f64 {
    rates.iter().copied().fold(0.0, f64::max)
}

/// A server that is ended with this value.
pub(crate) struct Server {
    child: Child,
    socket: PathBuf,
}

impl Server {
    /// Starts the sidecar with the policy of a folder.
    pub(crate) fn certjid(
        program: &Path,
        folder: &Path,
        socket: &Path,
    ) -> Result<Self, Box<dyn core::error::Error>> {
        Self::start(
            Command::new(program.canonicalize()?)
                .current_dir(folder)
                .args(["serve", "--config", "mongooseim.toml", "--socket"])
                .arg(socket),
            socket,
        )
    }

    /// Starts a server and waits for its socket.
    fn start(command: &mut Command, socket: &Path) -> Result<Self, Box<dyn core::error::Error>> {
        let child = command.stderr(Stdio::null()).spawn()?;
        let server = Self {
            child,
            socket: socket.to_owned(),
        };
        let begun = Instant::now();
        while !socket.exists() {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(format!("{command:?} does not serve").into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(server)
    }

    /// Lets it load its configuration again.
    pub(crate) fn reload(&self) -> Done {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-HUP", &process]).status()?;
        sent.success()
            .then_some(())
            .ok_or_else(|| "the server is gone".into())
    }

    /// What is resident, in MiB.
    pub(crate) fn memory(&self) -> Result<f64, Box<dyn core::error::Error>> {
        resident(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.socket);
    }
}

const ROUNDS: usize = 8;

const ROUND: Duration = Duration::from_millis(500);

/// Connections, and requests that are under way on each.
const SHAPES: [(&str, usize, usize); 2] = [
    ("64 connections", 64, 1),
    ("1 connection, 64 under way", 1, 64),
];
