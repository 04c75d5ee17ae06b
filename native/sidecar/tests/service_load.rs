//! Services that are slow, go away and come back, while others log in.

mod common;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::http_service::{Service, answer, pem};
use common::serving::Serving;
use common::slapd::Slapd;
use common::slow_proxy::SlowProxy;
use common::{Connection, Site, login_at, wait_until};
use serde_json::{Value, json};

/// What a login may take beyond the time-out of the pool, on a machine with other work.
const MARGIN: Duration = Duration::from_secs(2);

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
    socket: PathBuf,
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
        let (slow, quick) = (login_at("slow", der), login_at("localhost", der));
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
    let serving = Serving::with(site.dir.path(), "mongooseim.toml");
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
    login_at(host, &login_der(site))
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
