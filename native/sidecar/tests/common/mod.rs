//! What the tests begin with: a folder with a CA, a mongooseim.toml, and a sidecar.
#![allow(dead_code, reason = "each test binary uses a part")]

pub mod cases;
pub mod cli;
pub mod http_service;
pub mod serving;
pub mod slapd;
pub mod slow_proxy;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::config::ListenerRef;
use certjid_core::decide::{Authzid, Decided, Request};
use certjid_core::policy::{self};
use certjid_sidecar::backend::{Backed, Options};
use certjid_sidecar::issue::{Authority, Client};
use certjid_sidecar::metrics::Metrics;
use certjid_sidecar::server::socket::{Access, SocketFile};
use certjid_sidecar::server::{self, Limits, Service};
use rustls_pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A folder with a CA and a mongooseim.toml.
pub struct Site {
    pub dir: TempDir,
    authority: Authority,
}

impl Site {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Authority::generate().unwrap();
        fs::write(dir.path().join("ca.pem"), ca.certificate.pem()).unwrap();
        let key = PrivatePkcs8KeyDer::from(ca.key.serialize_der());
        fs::write(dir.path().join("mongooseim.toml"), CONFIG).unwrap();
        Self {
            dir,
            authority: Authority::from_der(ca.certificate.der(), &key.into()).unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn config(&self) -> PathBuf {
        self.path("mongooseim.toml")
    }

    /// The DER of a new client certificate.
    pub fn client(&self, addresses: &[&str]) -> Vec<u8> {
        let client = Client {
            common_name: None,
            xmpp_addrs: addresses
                .iter()
                .map(|&address| address.to_owned())
                .collect(),
            days: 30,
        };
        self.authority
            .client(&client)
            .unwrap()
            .certificate
            .der()
            .to_vec()
    }

    /// The login of a user of localhost with a new certificate, on the listener c2s.
    pub fn request(&self, user: &str) -> Request {
        Request {
            listener: ListenerRef::Name("c2s".to_owned()),
            host: "localhost".to_owned(),
            host_type: None,
            chain: vec![self.client(&[&format!("{user}@localhost")])],
            authzid: Authzid::Absent,
            verified: None,
        }
    }

    /// The policy of a configuration, which becomes the site's.
    pub fn backed(&self, config: &str) -> Backed {
        self.backed_with(config, &Options::default())
    }

    pub fn backed_with(&self, config: &str, options: &Options) -> Backed {
        fs::write(self.config(), config).unwrap();
        Backed::load(&self.config(), options).unwrap_or_else(|errors| panic!("{errors}"))
    }

    pub fn serve(&self) -> Sidecar {
        self.serve_with(Limits::default())
    }

    pub fn serve_with(&self, limits: Limits) -> Sidecar {
        let service = Service::load(&self.config(), Options::default()).unwrap();
        self.run(service, limits)
    }

    pub fn run(&self, service: Service, limits: Limits) -> Sidecar {
        Sidecar::start(self.dir.path(), service, limits)
    }
}

/// A sidecar in a thread of this process.
pub struct Sidecar {
    pub socket: PathBuf,
    pub service: Arc<Service>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sidecar {
    /// On the socket `sock` of a folder.
    pub fn start(dir: &Path, service: Service, limits: Limits) -> Self {
        let socket = dir.join("sock");
        let access = Access {
            mode: 0o660,
            owner: None,
            group: None,
        };
        let (listener, file) = SocketFile::bind(&socket, &access).unwrap();
        let service = Arc::new(service);
        let shared = Arc::clone(&service);
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = Runtime::new().unwrap();
            let stopped = async { drop(stopped.await) };
            runtime
                .block_on(server::run(listener, shared, limits, stopped))
                .unwrap();
            drop(file);
        });
        Self {
            socket,
            service,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn connect(&self) -> Connection {
        Connection::open(&self.socket)
    }

    /// As SIGTERM does.
    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has stopped.
    pub fn join(mut self) {
        self.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A client that sees the bytes.
pub struct Connection(pub UnixStream);

impl Connection {
    pub fn open(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self(stream)
    }

    pub fn send(&mut self, payload: &[u8]) {
        let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes().to_vec();
        frame.extend(payload);
        self.0.write_all(&frame).unwrap();
    }

    /// The next reply; None where the sidecar closed the connection.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        let mut header = [0; 4];
        self.0.read_exact(&mut header).ok()?;
        let mut payload = vec![0; u32::from_be_bytes(header) as usize];
        self.0.read_exact(&mut payload).unwrap();
        Some(payload)
    }

    pub fn ask(&mut self, request: &Value) -> Value {
        self.send(request.to_string().as_bytes());
        self.receive_json()
    }

    pub fn receive_json(&mut self) -> Value {
        serde_json::from_slice(&self.receive().expect("a reply")).unwrap()
    }
}

/// Decides a login. The connections to services live on in one runtime for all tests.
pub fn decide(backed: &Backed, request: &Request) -> Decided {
    decide_and_count(backed, request).0
}

/// The same, with what is counted of the services.
pub fn decide_and_count(backed: &Backed, request: &Request) -> (Decided, Metrics) {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    let metrics = Metrics::default();
    let progress = backed.policy().begin(request, policy::now());
    let outcome = RUNTIME.block_on(backed.finish(progress, &metrics));
    (outcome, metrics)
}

/// The reason of a refusal, or `ok`.
pub fn reason(outcome: &Decided) -> &str {
    match outcome {
        Ok(_) => "ok",
        Err(refused) => refused.reason.as_str(),
    }
}

/// A program that ends with the thread that starts it, even where this process is aborted.
pub fn ending_with_us(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Waits until a sidecar takes connections, and then until it answers: it listens before it is
/// ready for signals.
pub fn wait_for_socket(socket: &Path) {
    wait_until("the socket is there", || {
        UnixStream::connect(socket).is_ok()
    });
    let status = serde_json::json!({ "request": "status" });
    assert!(Connection::open(socket).ask(&status)["pid"].is_u64());
}

/// A login at a host as `alice`, by a certificate with her addresses.
pub fn login_at(host: &str, der: &[u8]) -> Value {
    json!({
        "request": "authenticate",
        "listener": "c2s",
        "host": host,
        "authzid": format!("alice@{host}"),
        "chain": [STANDARD.encode(der)],
    })
}

/// Sends a signal.
pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
    if name == "STOP" {
        wait_for_stop(process);
    }
}

/// A process that is told to stop may go on for a while. One that is gone has stopped too.
pub fn wait_for_stop(process: u32) {
    let is_stopped = |task: fs::DirEntry| {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        // The name before the state may have any character.
        let state = stat.rsplit(')').next().unwrap_or_default();
        state.starts_with(" T") || state.starts_with(" Z") || stat.is_empty()
    };
    wait_until("the process has stopped", || {
        let tasks = fs::read_dir(format!("/proc/{process}/task"));
        tasks.is_ok_and(|mut tasks| tasks.all(|task| task.is_ok_and(is_stopped)))
            || !Path::new(&format!("/proc/{process}")).exists()
    });
}

/// Waits until something is so, for ten seconds at most.
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1000 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it never happens that {what}");
}

pub const CONFIG: &str = r#"
[general]
  default_server_domain = "localhost"
  hosts = ["localhost"]

[auth]
  methods = ["pki"]
  sasl_mechanisms = ["external"]
  sasl_external = ["standard"]
  [auth.pki]

[[listen.c2s]]
  port = 5222
  [listen.c2s.tls]
    verify_mode = "peer"
    cacertfile = "ca.pem"
"#;
