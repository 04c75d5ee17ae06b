//! The registry: its commands, its HTTP service, and logins by it, all through the binary.

mod commands;
#[path = "../common/mod.rs"]
mod common;
mod crashes;
mod documentation;
mod logins;
mod postgres;
mod postgres_server;
mod service;
mod store;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use common::cli::run;
use serde_json::Value;

/// A folder with config/registry.toml, and self-signed certificates of alice and bob.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for jid in ["alice@example.org", "bob@example.org"] {
        run(dir.path(), &["dev-cert", jid, "--self-signed"], 0);
    }
    dir
}

/// `certjid registry` with certificates.db.
fn registry(dir: &Path, args: &[&str], status: i32) -> String {
    registry_in(dir, "certificates.db", args, status)
}

/// `certjid registry` with another registry.
fn registry_in(dir: &Path, place: &str, args: &[&str], status: i32) -> String {
    let named = [&["registry", "--registry", place], args].concat();
    run(dir, &named, status)
}

fn add(dir: &Path, jid: &str, cert: &str) -> String {
    add_in(dir, "certificates.db", jid, cert)
}

fn add_in(dir: &Path, place: &str, jid: &str, cert: &str) -> String {
    registry_in(dir, place, &["add", jid, "--cert", cert], 0)
}

/// `certjid serve` with a registry.
struct Server {
    child: Child,
    log: Receiver<String>,
    /// Where the registry is served.
    address: String,
}

impl Server {
    /// With certificates.db, on a free port of the loopback.
    fn start(dir: &Path, more: &[&str]) -> Self {
        let args = ["--registry", "certificates.db", "--http", "127.0.0.1:0"];
        Self::start_with(dir, &[&args, more].concat(), &[])
    }

    fn start_with(dir: &Path, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_certjid"))
            .arg("serve")
            .args(args)
            .current_dir(dir)
            .env("CERTJID_LOG_FORMAT", "json")
            .env_remove("CERTJID_REGISTRY")
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = mpsc::channel();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let mut server = Self {
            child,
            log,
            address: String::new(),
        };
        let line = server.wait_for("serving the registry");
        let line: Value = serde_json::from_str(&line).unwrap();
        server.address = line["address"].as_str().unwrap().to_owned();
        server
    }

    /// The next line of the log with these words.
    fn wait_for(&self, words: &str) -> String {
        loop {
            let line = self.log.recv_timeout(Duration::from_secs(30)).unwrap();
            if line.contains(words) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    fn connect(&self) -> TcpStream {
        connect(&self.address)
    }

    fn send(&self, request: &[u8]) -> Reply {
        send(self.connect(), request)
    }

    fn get(&self, path: &str) -> Reply {
        self.get_with(path, "")
    }

    fn get_with(&self, path: &str, headers: &str) -> Reply {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        self.send(request.as_bytes())
    }

    /// config/registry.toml with this server's address, and what else is put in it.
    fn config(&self, dir: &Path, replacements: &[(&str, &str)]) -> PathBuf {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/registry.toml");
        let mut text = fs::read_to_string(example).unwrap();
        let own = [("127.0.0.1:8090", &*self.address)];
        for (old, new) in own.iter().chain(replacements) {
            assert!(text.contains(old), "{old}");
            text = text.replace(old, new);
        }
        let path = dir.join("registry.toml");
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(process: u32, name: &str) {
    // A process that has ended by now is no fault.
    let _ = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .stderr(Stdio::null())
        .status();
    if name == "STOP" {
        common::wait_for_stop(process);
    }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

/// Sends bytes, and reads what comes until the service closes the connection.
fn send(mut stream: TcpStream, request: &[u8]) -> Reply {
    // It may close the connection before it has read all.
    let _ = stream.write_all(request);
    Reply::read(&mut stream)
}

/// What the service answers.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn read(stream: &mut impl Read) -> Self {
        let mut bytes = Vec::new();
        // A connection that is reset ends the reply too.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Self {
            status: head
                .split(' ')
                .nth(1)
                .map_or(0, |status| status.parse().unwrap()),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }
}

/// One login by the configuration that is in the folder: the whole decision.
fn check(dir: &Path, cert: &str, more: &[&str], status: i32) -> Value {
    let args = ["check", "--json", "--host", "example.org", "--cert", cert];
    let judge: &[&str] = if more.contains(&"--socket") {
        &[]
    } else {
        &["--config", "registry.toml"]
    };
    let out = run(dir, &[&args, judge, more].concat(), status);
    serde_json::from_str(&out).unwrap()
}
