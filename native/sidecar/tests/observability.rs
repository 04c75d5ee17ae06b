//! What a running sidecar shows: metrics, `status`, `top`, and a log that a flood does not fill.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use common::cli::{ALLOWED, CHECK, REFUSED, UNUSABLE, folder, run};
use common::serving::Serving;
use common::{CONFIG, Connection, ending_with_us, free_port, wait_for_socket, wait_until};
use serde_json::{Value, json};

fn serve(dir: &Path) -> (Serving, u16) {
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let args = [
        "--config",
        "mongooseim.toml",
        "--socket",
        "sock",
        "--metrics",
        &address,
    ];
    let serving = Serving::start(dir, &args);
    wait_until("metrics are served", || {
        TcpStream::connect(&address).is_ok()
    });
    (serving, port)
}

/// The method http, with a service at a port where nobody listens.
fn ask_a_service_that_is_down(dir: &Path) {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    ask_a_service_at(dir, closed.local_addr().unwrap().port());
}

fn ask_a_service_at(dir: &Path, port: u16) {
    let pool = format!(
        "[outgoing_pools.http.auth]\n  [outgoing_pools.http.auth.connection]\n    \
         host = \"http://127.0.0.1:{port}\"\n"
    );
    let config = CONFIG
        .replace("[\"pki\"]", "[\"http\"]")
        .replace("[auth.pki]", "[auth.http]");
    fs::write(dir.join("mongooseim.toml"), config + &pool).unwrap();
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// The value of a line of the metrics.
fn value(metrics: &str, line: &str) -> Option<f64> {
    let found = metrics.lines().find_map(|known| known.strip_prefix(line))?;
    found.trim().parse().ok()
}

#[test]
fn metrics_count_what_is_decided() {
    let dir = folder();
    let (serving, port) = serve(dir.path());
    run(dir.path(), &CHECK, ALLOWED);
    run(dir.path(), &CHECK, ALLOWED);
    run(
        dir.path(),
        &[&CHECK[..], &["--authzid", "bob@localhost"]].concat(),
        REFUSED,
    );
    Connection::open(&dir.path().join("sock")).ask(&json!({ "request": "authenticate" }));
    serving.signal("HUP");
    serving.logged("the policy is reloaded");

    let metrics = get(port, "/metrics");
    assert!(metrics.contains("openmetrics-text"), "{metrics}");
    for (line, wanted) in [
        (
            "certjid_logins_total{result=\"allowed\",method=\"pki\"}",
            2.0,
        ),
        (
            "certjid_logins_total{result=\"refused\",reason=\"authzid_mismatch\"}",
            1.0,
        ),
        ("certjid_request_errors_total", 1.0),
        ("certjid_reloads_total{result=\"ok\"}", 1.0),
        ("certjid_reloads_total{result=\"failed\"}", 0.0),
        ("certjid_login_seconds_count", 3.0),
        ("certjid_check_seconds_count", 3.0),
        ("certjid_expiring_certificates", 0.0),
    ] {
        assert_eq!(value(&metrics, line), Some(wanted), "{line}\n{metrics}");
    }
    assert!(metrics.trim_end().ends_with("# EOF"), "{metrics}");
    assert!(get(port, "/").starts_with("HTTP/1.1 404"));
}

/// A certificate that was made for a few days counts when it logs in.
#[test]
fn certificates_that_expire_soon_are_counted() {
    let dir = folder();
    let more = ["dev-cert", "soon@localhost", "--days", "20"];
    run(dir.path(), &more, ALLOWED);
    let (_serving, port) = serve(dir.path());
    run(dir.path(), &CHECK, ALLOWED);
    let check = [&CHECK[..6], &["soon.pem"]].concat();
    run(dir.path(), &check, ALLOWED);
    run(dir.path(), &check, ALLOWED);
    let metrics = get(port, "/metrics");
    assert_eq!(value(&metrics, "certjid_expiring_certificates"), Some(1.0));
    let status = run(dir.path(), &["status", "--socket", "sock"], ALLOWED);
    assert!(
        status.contains("1 certificates in use expire within 30 days"),
        "{status}"
    );
}

#[test]
fn status_and_top_show_reasons_and_services() {
    let dir = folder();
    ask_a_service_that_is_down(dir.path());
    let (serving, _) = serve(dir.path());
    let status = ["status", "--socket", "sock"];
    assert!(run(dir.path(), &status, ALLOWED).contains("0 allowed, 0 refused"));
    run(dir.path(), &CHECK, REFUSED);

    let shown = run(dir.path(), &status, REFUSED);
    for words in [
        "0 allowed, 1 refused",
        "refused for method_unavailable",
        "outgoing_pools.http.auth  does not answer since ",
    ] {
        assert!(shown.contains(words), "{shown}");
    }
    let json: Value = serde_json::from_str(&run(
        dir.path(),
        &[&status[..], &["--json"]].concat(),
        REFUSED,
    ))
    .unwrap();
    assert_eq!(
        json["reasons"],
        json!([{ "name": "method_unavailable", "count": 1 }])
    );
    assert_eq!(json["services"][0]["pool"], "outgoing_pools.http.auth");
    assert_eq!(json["services"][0]["up"], false);

    let top = [
        "top",
        "--socket",
        "sock",
        "--interval",
        "0.2",
        "--count",
        "2",
    ];
    let shown = run(dir.path(), &top, ALLOWED);
    assert_eq!(shown.matches("method_unavailable").count(), 2, "{shown}");
    assert!(shown.contains("0.0/s"), "{shown}");
    assert!(!shown.contains('\x1b'), "{shown}");

    fs::write(dir.path().join("mongooseim.toml"), "[").unwrap();
    serving.signal("HUP");
    serving.logged("the policy is not reloaded");
    assert!(run(dir.path(), &status, REFUSED).contains("the old policy stays"));
    drop(serving);
    assert!(run(dir.path(), &status, UNUSABLE).contains("sock"));
}

/// As the registry does whose database is away.
#[test]
fn a_service_that_only_answers_with_errors_is_down() {
    let dir = folder();
    let failing = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = failing.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in failing.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            );
        }
    });
    ask_a_service_at(dir.path(), port);
    let (serving, metrics_port) = serve(dir.path());
    for _ in 0..3 {
        run(dir.path(), &CHECK, REFUSED);
    }
    let status = ["status", "--socket", "sock"];
    let shown = run(dir.path(), &status, REFUSED);
    assert!(
        shown.contains("outgoing_pools.http.auth  does not answer since "),
        "{shown}"
    );
    assert!(shown.contains("503"), "{shown}");
    let failures = "certjid_service_failures_total{pool=\"outgoing_pools.http.auth\"}";
    let metrics = get(metrics_port, "/metrics");
    assert_eq!(value(&metrics, failures), Some(3.0), "{metrics}");

    // Since when stays the same; and one line of the log is enough.
    let json = || -> Value {
        let shown = run(dir.path(), &[&status[..], &["--json"]].concat(), REFUSED);
        serde_json::from_str(&shown).unwrap()
    };
    let since = json()["services"][0]["down_since"].clone();
    thread::sleep(Duration::from_millis(1100));
    run(dir.path(), &CHECK, REFUSED);
    assert!(since.is_i64());
    assert_eq!(json()["services"][0]["down_since"], since);

    // Nobody cares for the service of a pool that is no more.
    fs::write(dir.path().join("mongooseim.toml"), CONFIG).unwrap();
    serving.signal("HUP");
    serving.logged("the policy is reloaded");
    assert!(!run(dir.path(), &status, ALLOWED).contains("outgoing_pools"));
}

fn log_in_without_certificate(dir: &Path, times: usize) {
    let mut connection = Connection::open(&dir.join("sock"));
    let login = json!({
        "id": 1, "request": "authenticate", "listener": "c2s", "host": "localhost", "chain": [],
    });
    for _ in 0..times {
        connection.ask(&login);
    }
}

#[test]
fn a_flood_of_refusals_does_not_fill_the_log() {
    let dir = folder();
    let (mut serving, port) = serve(dir.path());
    log_in_without_certificate(dir.path(), 3000);
    let metrics = get(port, "/metrics");
    let refused = "certjid_logins_total{result=\"refused\",reason=\"no_peer_cert\"}";
    assert_eq!(value(&metrics, refused), Some(3000.0), "{metrics}");
    run(dir.path(), &CHECK, ALLOWED);
    serving.signal("TERM");
    serving.child.wait().unwrap();
    let log: Vec<String> = serving.log.iter().collect();
    let lines = |words: &str| log.iter().filter(|line| line.contains(words)).count();
    assert!(
        (200..1000).contains(&lines("no_peer_cert")),
        "{}",
        lines("no_peer_cert")
    );
    assert_eq!(lines("\"allowed\":true"), 1);
}

/// The table in docs/operator.md has the metrics that are served, and no others but the registry's.
#[test]
fn nobody_who_stops_reading_the_log_stops_a_login() {
    let dir = folder();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let mut child = ending_with_us(env!("CARGO_BIN_EXE_certjid"))
        .args(["serve", "--config", "mongooseim.toml", "--socket", "sock"])
        .args(["--metrics", &address, "--log-refusals", "1000000"])
        .current_dir(dir.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_socket(&dir.path().join("sock"));
    log_in_without_certificate(dir.path(), 12_000);
    let metrics = get(port, "/metrics");
    let lost = value(&metrics, "certjid_log_lines_lost_total").unwrap();
    assert!((1.0..2500.0).contains(&lost), "{metrics}");

    let told = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find(|line| line.contains("log lines are lost"))
        .unwrap();
    assert!(told.contains("lines="), "{told}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_table_of_metrics_is_complete() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operator.md");
    let page = fs::read_to_string(page).unwrap();
    let documented: BTreeSet<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `certjid_"))
        .flat_map(|line| line.split('`'))
        .filter(|word| word.starts_with("certjid_"))
        .map(|word| word.split('{').next().unwrap())
        .map(|name| name.strip_suffix("_total").unwrap_or(name))
        .collect();
    let dir = folder();
    ask_a_service_that_is_down(dir.path());
    let (_serving, port) = serve(dir.path());
    run(dir.path(), &CHECK, REFUSED);
    let metrics = get(port, "/metrics");
    let served: BTreeSet<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        // Its value is 1: the release is its label.
        .filter(|name| *name != "certjid")
        .chain(["certjid_registry_answers"])
        .collect();
    assert_eq!(documented, served);
}

/// Each metric of the dashboard is one that is served.
#[test]
fn the_dashboard_asks_for_metrics_that_are_there() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rel/grafana.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let dir = folder();
    ask_a_service_that_is_down(dir.path());
    let (_serving, port) = serve(dir.path());
    run(dir.path(), &CHECK, REFUSED);
    let metrics = get(port, "/metrics");
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            for name in query
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .filter(|word| word.starts_with("certjid_"))
            {
                let family = ["_bucket", "_count", "_sum", "_total"]
                    .iter()
                    .find_map(|end| name.strip_suffix(end))
                    .unwrap_or(name);
                let described = format!("# TYPE {family} ");
                assert!(metrics.contains(&described), "{query}: {name}\n{metrics}");
                asked += 1;
            }
        }
    }
    assert!(asked > 8);
}

/// What answers at a socket is not the sidecar that one believes to ask, perhaps.
#[test]
fn no_answer_steers_the_terminal() {
    let dir = folder();
    let noise = "\u{1b}[2J\u{9b}31m\u{7f}\r\n\u{202e}\u{61c}\u{2028}";
    let count = json!([{ "name": noise, "count": 1 }]);
    let service = json!({
        "pool": noise, "up": false, "answered": 0, "failed": 1, "failed_at": 0, "cause": noise,
    });
    let well = json!({ "up": true, "answered": 1, "failed": 1, "failed_at": 0, "pool": noise, "cause": noise });
    let reply = json!({
        "release": noise, "config": noise, "loaded_at": 0, "uptime": 1, "allowed": 1, "refused": 1,
        "methods": count, "reasons": count, "services": [service, well], "expiring": 0,
        "errors": 0, "connections": 1, "reload_error": noise, "pid": 1, "external": false,
        "mechanisms": [], "reason": noise, "message": noise, "condition": noise, "jid": noise,
        "trail": [{ "what": noise, "outcome": noise, "message": noise }],
    });
    let status = [&["status", "--socket", "sock"][..], &["--json"]].concat();
    let top = ["top", "--socket", "sock", "--count", "1"];
    let commands = [
        &status[..3],
        &status,
        &top,
        &CHECK,
        &[&CHECK[..], &["--json"]].concat(),
    ];
    let listener = std::os::unix::net::UnixListener::bind(dir.path().join("sock")).unwrap();
    let replies = [reply, json!({ "error": "internal", "message": noise })];
    let mut lengths = Vec::new();
    thread::scope(|scope| {
        for reply in &replies {
            for command in commands {
                let child = ending_with_us(env!("CARGO_BIN_EXE_certjid"))
                    .args(command)
                    .current_dir(dir.path())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap();
                let (stream, _) = listener.accept().unwrap();
                // `check` asks twice.
                scope.spawn(move || {
                    let mut connection = Connection(stream);
                    while connection.receive().is_some() {
                        connection.send(reply.to_string().as_bytes());
                    }
                });
                let output = child.wait_with_output().unwrap();
                let shown = [output.stdout, output.stderr].concat();
                let shown = String::from_utf8(shown).unwrap();
                for c in noise
                    .chars()
                    .filter(|c| *c != '\n' && !c.is_ascii_graphic())
                {
                    assert!(!shown.contains(c), "{command:?} writes {c:?}: {shown:?}");
                }
                lengths.push(shown.len());
            }
        }
    });
    assert!(lengths.iter().all(|length| *length > 50), "{lengths:?}");
}
