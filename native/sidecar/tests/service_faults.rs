//! Services that are down, hang, are slow, send rubbish, and come back, while others log in.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::http_service::{Service, answer, pem};
use common::serving::Serving;
use common::slapd::Slapd;
use common::{Connection, Site, decide, reason, wait_for_socket, wait_until};
use serde_json::{Value, json};

/// What a login may take beyond the time-out of the pool, on a machine with other work.
const MARGIN: Duration = Duration::from_secs(2);

#[test]
fn rubbish_from_a_directory_is_no_refusal() {
    let site = Site::new();
    let alice = site.request("alice");
    let nested = (0..20_000).fold(Vec::new(), |inner, _| element(0x30, &inner));
    let depth_17 = (0..17).fold(Vec::new(), |inner, _| element(0x30, &inner));
    let bind = |op: u8, content: &[u8]| {
        element(0x30, &[element(0x02, &[1]), element(op, content)].concat())
    };
    let bound = [&[0x0a, 1, 0, 4, 0, 4, 0][..]].concat();
    let rubbish: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("text", b"220 mail.example.org ESMTP\r\n".to_vec()),
        ("10 MB of zeros", vec![0; 10_000_000]),
        ("10 MB in one message", element(0x30, &vec![4; 10_000_000])),
        ("no end", vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
        ("no length", vec![0x30, 0x80, 2, 1, 1]),
        ("an empty message", element(0x30, &[])),
        ("no message id", element(0x30, &element(0x61, &bound))),
        ("an answer of another kind", bind(0x65, &bound)),
        ("an answer with nothing in it", bind(0x61, &[])),
        ("an answer of one octet", bind(0x61, &[0x0a])),
        ("bound, and then no search result", bind(0x61, &bound)),
        ("deeper than any message", bind(0x61, &depth_17)),
        ("as deep as a stack", nested),
    ];
    for (what, bytes) in rubbish {
        let port = rubbish_server(bytes);
        let config = ldap_config(port, "call_timeout = 700");
        let backed = site.backed(&config);
        let begun = Instant::now();
        let outcome = decide(&backed, &alice);
        assert_eq!(
            reason(&outcome),
            "method_unavailable",
            "{what}: {outcome:?}"
        );
        let took = begun.elapsed();
        assert!(
            took < Duration::from_millis(700) + MARGIN,
            "{what}: {took:?}"
        );
    }
}

#[test]
fn the_second_server_serves_while_the_first_is_down_or_hangs() {
    let site = Site::new();
    let slapd = Slapd::start(site.dir.path());
    let alice = site.request("alice");
    // Nobody listens on that address, and the other hangs.
    let hung = TcpListener::bind(("127.0.0.3", slapd.port)).unwrap();
    for first in ["127.0.0.2", "127.0.0.3"] {
        let config = slapd.config(false, "", "\"ldap\"");
        let backed = site
            .backed(&config.replace("[\"127.0.0.1\"]", &format!("[\"{first}\", \"127.0.0.1\"]")));
        let begun = Instant::now();
        assert_eq!(reason(&decide(&backed, &alice)), "ok", "{first}");
        let first_login = begun.elapsed();
        let begun = Instant::now();
        assert_eq!(reason(&decide(&backed, &alice)), "ok", "{first}");
        assert!(begun.elapsed() < first_login + MARGIN);
    }
    drop(hung);
}

#[test]
fn no_more_connections_than_workers() {
    let site = Site::new();
    let slapd = Slapd::start(site.dir.path());
    let proxy = SlowProxy::start(slapd.port, Duration::from_millis(100));
    let config = slapd.config(false, "", "\"ldap\"");
    let config = config
        .replace(
            &format!("port = {}", slapd.port),
            &format!("port = {}", proxy.port),
        )
        .replace("call_timeout = 2000", "call_timeout = 10_000\nworkers = 3");
    let backed = Arc::new(site.backed(&config));
    let request = site.request("alice");
    let logins: Vec<_> = (0..24)
        .map(|_| {
            let (backed, request) = (Arc::clone(&backed), request.clone());
            thread::spawn(move || reason(&decide(&backed, &request)).to_owned())
        })
        .collect();
    for login in logins {
        assert_eq!(login.join().unwrap(), "ok");
    }
    assert_eq!(proxy.connections(), 3);

    // Where nothing comes, those that wait get an answer all the same, and those who find the
    // queue full get one at once.
    let hung = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = hung.local_addr().unwrap().port();
    let limits = "call_timeout = 3000\nworkers = 1\nmax_worker_queue_len = 8";
    let backed = Arc::new(site.backed(&ldap_config(port, limits)));
    let begun = Instant::now();
    let logins: Vec<_> = (0..24)
        .map(|_| {
            let (backed, request) = (Arc::clone(&backed), request.clone());
            thread::spawn(move || format!("{:?}", decide(&backed, &request)))
        })
        .collect();
    let told: Vec<String> = logins
        .into_iter()
        .map(|login| login.join().unwrap())
        .collect();
    assert!(begun.elapsed() < Duration::from_millis(3000) + MARGIN);
    let of = |what: &str| told.iter().filter(|told| told.contains(what)).count();
    assert_eq!(of("too many logins wait"), 15, "{told:?}");
    assert_eq!(of("TemporaryAuthFailure"), 24, "{told:?}");
}

/// The answer to the question whether a slow directory holds up those who do not need it, with
/// the threads that `certjid serve` has.
#[test]
fn sixty_four_clients_at_a_slow_directory_delay_no_other() {
    let (site, slapd, serving) = busy_site();
    let proxy = SlowProxy::start(slapd.port, Duration::from_millis(100));
    configure(
        &site,
        &serving,
        &CONFIG
            .replace("LDAP", &proxy.port.to_string())
            .replace("1000", "20_000"),
    );
    let socket = site.path("sock");
    let (slow, quick) = (login_of(&site, "slow"), login_of(&site, "localhost"));
    let alone = median_of(&socket, &quick, 200);

    let busy = Arc::new(AtomicBool::new(true));
    let clients: Vec<_> = (0..64)
        .map(|_| {
            let (busy, slow) = (Arc::clone(&busy), slow.clone());
            let mut connection = Connection::open(&socket);
            thread::spawn(move || {
                let mut logins = 0;
                while busy.load(Ordering::Relaxed) {
                    let reply = connection.ask(&slow);
                    assert_eq!(reply["method"], "ldap", "{reply}");
                    logins += 1;
                }
                logins
            })
        })
        .collect();
    wait_until("all workers are at it", || proxy.connections() == 10);
    let beside = median_of(&socket, &quick, 200);

    // Logins that wait on the same connection do not hold it up either.
    let mut shared = Connection::open(&socket);
    let mut requests = vec![slow; 256];
    requests.push(quick);
    for (id, request) in requests.iter_mut().enumerate() {
        request["id"] = json!(id);
        shared.send(request.to_string().as_bytes());
    }
    let mut order = Vec::new();
    for _ in 0..requests.len() {
        order.push(shared.receive_json()["id"].as_u64().unwrap());
    }
    busy.store(false, Ordering::Relaxed);
    let logins: Vec<usize> = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .collect();
    assert!(logins.iter().all(|&logins| logins > 0), "{logins:?}");
    let place = order.iter().position(|&id| id == 256).unwrap();
    assert!(place < 32, "the quick one is answered at place {place}");
    // Half of what waiting behind one search would take, or what the machine does anyway.
    let bound = (alone * 10).max(Duration::from_millis(50));
    assert!(beside < bound, "{alone:?} alone, {beside:?} beside 64");
}

#[test]
fn a_directory_that_goes_and_comes_back_under_load() {
    let (site, mut slapd, serving) = busy_site();
    configure(
        &site,
        &serving,
        &CONFIG.replace("LDAP", &slapd.port.to_string()),
    );
    let load = Load::start(&site);
    let ask = || load.ask_slow();
    assert_eq!(ask(), Value::Null);

    slapd.stop();
    wait_until("logins fail", || ask() == "temporary-auth-failure");
    load.others_are_served();
    slapd.restart();
    load.works_again("after its restart");

    slapd.signal("STOP");
    let begun = Instant::now();
    wait_until("logins fail", || ask() == "temporary-auth-failure");
    // One that was begun just before, and one after.
    assert!(begun.elapsed() < 2 * (Duration::from_millis(1000) + MARGIN));
    load.others_are_served();
    slapd.signal("CONT");
    load.works_again("after it was stopped");
    load.end();
}

#[test]
fn an_http_service_that_goes_and_comes_back_under_load() {
    let (site, _slapd, serving) = busy_site();
    let known = login_der(&site);
    let reply = answer(200, &pem(&known));
    let service = Service::start(reply.clone());
    let config = CONFIG
        .replace(
            "[host_config.auth.ldap]\n    base = \"dc=example,dc=com\"",
            "[host_config.auth.http]",
        )
        .replace("LDAP", "1")
        .replace("127.0.0.1:1\"", &format!("127.0.0.1:{}\"", service.port));
    configure(&site, &serving, &config);
    let load = Load::start_with(&site, &known);
    let ask = || load.ask_slow();
    assert_eq!(ask(), Value::Null);

    service.stop();
    wait_until("logins fail", || ask() == "temporary-auth-failure");
    load.others_are_served();
    let service = Service::start_on(service.port, reply.clone());
    load.works_again("after its restart");

    // It takes connections, and says nothing.
    service.stop();
    let hung = TcpListener::bind(("127.0.0.1", service.port)).unwrap();
    wait_until("logins fail", || ask() == "temporary-auth-failure");
    load.others_are_served();
    drop(hung);
    let _service = Service::start_on(service.port, reply);
    load.works_again("after it hung");
    load.end();
}

/// Eight clients that log in by a service without pause, and one that needs none.
struct Load {
    socket: std::path::PathBuf,
    slow: Value,
    quick: Value,
    busy: Arc<AtomicBool>,
    clients: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn start(site: &Site) -> Self {
        Self::start_with(site, &login_der(site))
    }

    fn start_with(site: &Site, der: &[u8]) -> Self {
        let (slow, quick) = (request("slow", der), request("localhost", der));
        let (socket, busy) = (site.path("sock"), Arc::new(AtomicBool::new(true)));
        let client = |_| {
            let (slow, busy) = (slow.clone(), Arc::clone(&busy));
            let mut connection = Connection::open(&socket);
            thread::spawn(move || {
                while busy.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let reply = connection.ask(&slow);
                    let took = begun.elapsed();
                    assert!(
                        took < Duration::from_millis(1000) + MARGIN,
                        "{took:?}: {reply}"
                    );
                    assert!(reply["allowed"] == true || reply["reason"] == "method_unavailable");
                    thread::sleep(Duration::from_millis(5));
                }
            })
        };
        let clients = (0..8).map(client).collect();
        Self {
            socket,
            slow,
            quick,
            busy,
            clients,
        }
    }

    /// The condition of a login by the service; null where it is let in.
    fn ask_slow(&self) -> Value {
        Connection::open(&self.socket).ask(&self.slow)["condition"].clone()
    }

    fn others_are_served(&self) {
        let median = median_of(&self.socket, &self.quick, 100);
        assert!(median < Duration::from_millis(300), "{median:?}");
    }

    fn works_again(&self, when: &str) {
        let begun = Instant::now();
        wait_until("logins work again", || self.ask_slow() == Value::Null);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(1) + MARGIN, "{when}: {took:?}");
    }

    fn end(self) {
        self.busy.store(false, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
    }
}

/// A site with a directory, and with a sidecar as a process of its own.
fn busy_site() -> (Site, Slapd, Serving) {
    let site = Site::new();
    let slapd = Slapd::start(site.dir.path());
    let serving = Serving::start(
        site.dir.path(),
        &["--config", "mongooseim.toml", "--socket", "sock"],
    );
    wait_for_socket(&site.path("sock"));
    (site, slapd, serving)
}

fn configure(site: &Site, serving: &Serving, config: &str) {
    fs::write(site.config(), config).unwrap();
    serving.signal("HUP");
    let quick = login_of(site, "slow");
    wait_until("the host slow is known", || {
        let reply = Connection::open(&site.path("sock")).ask(&quick);
        reply["reason"] != "host_unknown"
    });
}

fn login_der(site: &Site) -> Vec<u8> {
    site.client(&["alice@localhost", "alice@slow"])
}

fn login_of(site: &Site, host: &str) -> Value {
    request(host, &login_der(site))
}

fn request(host: &str, der: &[u8]) -> Value {
    json!({
        "request": "authenticate",
        "listener": "c2s",
        "host": host,
        "authzid": format!("alice@{host}"),
        "chain": [STANDARD.encode(der)],
    })
}

/// The median time of a login that succeeds.
fn median_of(socket: &Path, request: &Value, count: usize) -> Duration {
    let mut connection = Connection::open(socket);
    let mut times: Vec<Duration> = (0..count)
        .map(|_| {
            let begun = Instant::now();
            let reply = connection.ask(request);
            assert_eq!(reply["allowed"], true, "{reply}");
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[count / 2]
}

/// Passes connections on to a directory, each search later.
struct SlowProxy {
    port: u16,
    accepted: Arc<std::sync::atomic::AtomicUsize>,
}

impl SlowProxy {
    fn start(to: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::Relaxed);
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else {
                    continue;
                };
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || pass(back.0, back.1, Duration::ZERO));
                thread::spawn(move || pass(client, server, delay));
            }
        });
        Self { port, accepted }
    }

    fn connections(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let mut buffer = [0; 65536];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        // The operation of a short message stands behind its id.
        if buffer[..read].get(5) == Some(&SEARCH) {
            thread::sleep(delay);
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

const SEARCH: u8 = 0x63;

/// Answers whatever comes first with these bytes, and then nothing more.
fn rubbish_server(bytes: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let bytes = bytes.clone();
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&bytes);
                // Until the other side has enough.
                while let Ok(1..) = stream.read(&mut [0; 4096]) {}
            });
        }
    });
    port
}

/// An element of BER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    let header = if length < 0x80 {
        vec![tag, content.len().to_be_bytes()[7]]
    } else {
        [&[tag, 0x84], &length.to_be_bytes()[..]].concat()
    };
    [&header, content].concat()
}

fn ldap_config(port: u16, pool: &str) -> String {
    format!(
        "[general]\ndefault_server_domain = \"localhost\"\nhosts = [\"localhost\"]\n\
         [auth]\nmethods = [\"ldap\"]\nsasl_mechanisms = [\"external\"]\n[auth.ldap]\n\
         [[listen.c2s]]\nport = 5222\ntls.cacertfile = \"ca.pem\"\n\
         [outgoing_pools.ldap.default]\n{pool}\n\
         connection.servers = [\"127.0.0.1\"]\nconnection.port = {port}\n"
    )
}

const CONFIG: &str = r#"
[general]
  default_server_domain = "localhost"
  hosts = ["localhost", "slow"]
[auth]
  sasl_mechanisms = ["external"]
  [auth.pki]
[[host_config]]
  host = "slow"
  [host_config.auth]
    sasl_mechanisms = ["external"]
    [host_config.auth.ldap]
    base = "dc=example,dc=com"
[[listen.c2s]]
  port = 5222
  [listen.c2s.tls]
    cacertfile = "ca.pem"
[outgoing_pools.ldap.default]
  call_timeout = 1000
  connection.servers = ["127.0.0.1"]
  connection.port = LDAP
[outgoing_pools.http.auth]
  call_timeout = 1000
  connection.host = "http://127.0.0.1:1"
  connection.request_timeout = 400
"#;
