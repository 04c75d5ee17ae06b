//! No password of the configuration comes out of certjid, but to the service that it is for.

mod common;

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::config::Config;
use certjid_sidecar::backend::{Backed, Options};
use common::cli::certjid;
use common::http_service::{Service, answer};
use common::serving::Serving;
use common::slapd::Slapd;
use common::{Connection, Site, wait_for_socket, wait_until};
use serde_json::json;

/// Every secret of the file has this in it.
const MARK: &str = "hush";

#[test]
fn no_log_no_error_and_no_answer_shows_a_password() {
    let site = Site::new();
    let dir = site.dir.path();
    let slapd = Slapd::start(dir);
    let service = Service::start(answer(500, ""));
    let config = CONFIG
        .replace("HTTP", &service.port.to_string())
        .replace("LDAP", &slapd.port.to_string());
    fs::write(site.config(), &config).unwrap();
    for file in ["server.pem", "server.key"] {
        fs::copy(slapd.folder.join(file), dir.join(file)).unwrap();
    }
    let mut seen = format!("{:?}", Config::load(&site.config()).unwrap());

    let mut serving = Serving::start(
        dir,
        &[
            "--config",
            "mongooseim.toml",
            "--socket",
            "sock",
            "--log-level",
            "trace",
        ],
    );
    wait_for_socket(&site.path("sock"));
    let mut connection = Connection::open(&site.path("sock"));
    let der = site.client(&["alice@localhost", "alice@ldap", "alice@down"]);
    let mut ask = |host: &str, reason: &str| {
        let reply = connection.ask(&json!({
            "request": "authenticate",
            "listener": "c2s",
            "host": host,
            "authzid": format!("alice@{host}"),
            "chain": [STANDARD.encode(&der)],
        }));
        assert_eq!(reply["reason"], reason, "{reply}");
        reply.to_string()
    };
    // A service that fails, a directory that refuses the password, and nobody.
    for host in ["localhost", "ldap", "down"] {
        seen += &ask(host, "method_unavailable");
    }
    // The service got it.
    let request = service.requests.recv().unwrap();
    let header = format!(
        "authorization: Basic {}",
        STANDARD.encode("admin:hush-basic")
    );
    assert!(request.contains(&header), "{request:?}");
    assert!(slapd.log().contains("err=49"), "{}", slapd.log());

    // Faults in the values themselves, and of the file.
    let check = |config: &str| {
        fs::write(site.config(), config).unwrap();
        let output = certjid(dir, &["config", "check", "mongooseim.toml"]);
        let backed = Backed::load(&site.config(), &Options::default());
        let errors = backed.err().map(|errors| format!("{errors} {errors:?}"));
        format!("{output:?}{}", errors.unwrap_or_default())
    };
    seen += &check(&config);
    let mut faulty = 0;
    for line in config.lines().filter(|line| line.contains(MARK)) {
        for broken in [
            line.replacen(" = \"", " = [\"", 1) + "]",
            line.replacen(" = \"", " = \"\"\"", 1),
            line.replacen(" = ", " ", 1),
            format!("{line} {line}"),
            line.replacen(" = ", "x = ", 1),
        ] {
            let said = check(&config.replace(line, &broken));
            faulty += usize::from(said.contains("can't be used"));
            seen += &said;
        }
    }
    assert!(faulty > 20, "{faulty}");
    let user = config.replace("http://127", "http://admin:hush-url@127");
    let said = check(&user);
    assert!(said.contains("auth.http.basic_auth"), "{said}");
    seen += &said;

    serving.signal("HUP");
    let status = || {
        let mut connection = Connection::open(&site.path("sock"));
        connection.ask(&json!({ "request": "status" }))
    };
    wait_until("the broken file is seen", || {
        status()["reload_error"].is_string()
    });
    seen += &status().to_string();
    serving.signal("TERM");
    assert!(serving.child.wait().unwrap().success());
    let log: Vec<String> = serving.log.iter().collect();
    // The level counts, and what is told of services is there.
    for told in ["a connection is opened", "a service does not answer"] {
        assert!(log.iter().any(|line| line.contains(told)), "{log:?}");
    }
    seen += &log.concat();

    let encoded = STANDARD.encode("admin:hush-basic");
    for secret in [MARK, &encoded] {
        let place = seen.find(secret).map(|at| {
            let around = at.saturating_sub(300)..seen.len().min(at + 100);
            String::from_utf8_lossy(&seen.as_bytes()[around]).into_owned()
        });
        assert_eq!(place, None);
    }
}

/// Every option that holds a secret, of the sections that are read and of others.
const CONFIG: &str = r#"
[general]
  default_server_domain = "localhost"
  hosts = ["localhost", "ldap", "down"]
[auth]
  sasl_mechanisms = ["external"]
  [auth.http]
    basic_auth = "admin:hush-basic"
  [auth.jwt]
    secret.value = "hush-jwt"
[[host_config]]
  host = "ldap"
  [host_config.auth]
    sasl_mechanisms = ["external"]
    [host_config.auth.ldap]
[[host_config]]
  host = "down"
  [host_config.auth]
    sasl_mechanisms = ["external"]
    http.basic_auth = "admin:hush-other"
  [host_config.outgoing_pools.http.auth]
    connection.host = "https://127.0.0.1:1"
    connection.tls.cacertfile = "ca.pem"
    connection.tls.password = "hush-pool-key"
[[listen.c2s]]
  port = 5222
  [listen.c2s.tls]
    cacertfile = "ca.pem"
    certfile = "server.pem"
    keyfile = "server.key"
    password = "hush-server-key"
[[listen.http]]
  port = 5285
  [[listen.http.handlers.mongoose_graphql_handler]]
    host = "localhost"
    path = "/api/graphql"
    username = "admin"
    password = "hush-graphql"
[[listen.component]]
  port = 8888
  password = "hush-component"
[outgoing_pools.http.auth]
  connection.host = "http://127.0.0.1:HTTP"
[outgoing_pools.ldap.default.connection]
  servers = ["127.0.0.1"]
  port = LDAP
  root_dn = "cn=admin,dc=example,dc=com"
  password = "hush-directory"

[outgoing_pools.rdbms.default.connection]
  password = "hush-database"
"#;
