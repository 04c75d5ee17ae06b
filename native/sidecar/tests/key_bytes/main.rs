//! No private key comes out of certjid, whatever has become of the file that it is in and wherever
//! the file is read.

#[path = "../common/mod.rs"]
mod common;
mod key;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_sidecar::backend::{Backed, Options};
use common::cli::certjid;
use common::serving::Serving;
use common::{CONFIG, Connection, Site, login_at, wait_for_socket, wait_until};
use key::Key;
use serde_json::{Value, json};

#[test]
fn every_way_of_writing_a_key_is_found() {
    let key = Key::new();
    let text = key.base64();
    let der = STANDARD.decode(&text).unwrap();
    for bytes in [text.as_bytes(), &der, key.pem.as_bytes()] {
        key.find(&format!("{bytes:?}")).unwrap();
        key.find(&format!("{bytes:02X?}")).unwrap();
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        key.find(&hex.concat()).unwrap();
        key.find(&hex.join(":")).unwrap();
        key.find(&STANDARD.encode(bytes)).unwrap();
    }
    key.find(&format!("{:?}", key.pem)).unwrap();
    key.find(&key.pem[120..140]).unwrap();
    key.is_not_in(&Key::new().pem);
}

/// The options of mongooseim.toml that name PEM files.
#[test]
fn configurations_that_name_it() {
    let (site, key) = (Site::new(), Key::new());
    let dir = site.dir.path();
    let ca = fs::read(site.path("ca.pem")).unwrap();
    let mut configs = Vec::new();
    for option in ["cacertfile", "crl_files", "certfile", "keyfile"] {
        let value = match option {
            "crl_files" => "[\"secret.pem\"]",
            _ => "\"secret.pem\"",
        };
        // What is there twice is an error of its own; without CAs those of the system are read.
        let (mut listener, ca) = match option {
            "cacertfile" => (CONFIG.replace("cacertfile = \"ca.pem\"", ""), ""),
            _ => (CONFIG.to_owned(), "cacertfile = \"ca.pem\""),
        };
        let _ = writeln!(listener, "    {option} = {value}");
        if option == "certfile" {
            listener += "    keyfile = \"secret.pem\"\n";
        }
        if option == "keyfile" {
            listener += "    certfile = \"ca.pem\"\n";
        }
        configs.push(listener);
        for (kind, host) in [("http", "host = \"https://127.0.0.1:1\""), ("ldap", "")] {
            let method = CONFIG
                .replace("[\"pki\"]", &format!("[\"{kind}\"]"))
                .replace("[auth.pki]", &format!("[auth.{kind}]"));
            let tag = if kind == "http" { "auth" } else { "default" };
            let other = match option {
                "certfile" => "keyfile = \"secret.pem\"",
                "keyfile" => "certfile = \"ca.pem\"",
                _ => "",
            };
            configs.push(format!(
                "{method}\n[outgoing_pools.{kind}.{tag}.connection]\n{host}\n\
                 [outgoing_pools.{kind}.{tag}.connection.tls]\n{option} = {value}\n{other}\n{ca}\n"
            ));
        }
    }
    let inline = |option| {
        let text = key.pem.replace('\n', "\\n");
        CONFIG.replace("cacertfile = \"ca.pem\"", &format!("{option} = \"{text}\""))
    };
    let mut seen = String::new();
    let mut faults = 0;
    for config in configs
        .iter()
        .cloned()
        .chain([inline("cacertfile"), inline("verify_mode")])
    {
        fs::write(site.config(), &config).unwrap();
        for file in key.files() {
            for (before, behind) in [(&[][..], &[][..]), (&ca, &[]), (&[], &ca)] {
                fs::write(site.path("secret.pem"), [before, &file, behind].concat()).unwrap();
                match Backed::load(&site.config(), &Options::default()) {
                    Ok(backed) => {
                        for warning in backed.policy().warnings() {
                            let _ = write!(seen, "{warning} {warning:?}");
                        }
                    }
                    Err(errors) => {
                        faults += 1;
                        let _ = write!(seen, "{errors} {errors:?}");
                    }
                }
            }
        }
        let output = certjid(dir, &["config", "check", "mongooseim.toml"]);
        let _ = write!(
            seen,
            "{output:?}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert!(faults > 300, "{faults}");
    key.is_not_in(&seen);
}

/// The files and texts that commands take.
#[test]
fn commands_that_read_it() {
    let (site, key) = (Site::new(), Key::new());
    let dir = site.dir.path();
    fs::create_dir(dir.join("dev")).unwrap();
    let text = key.pem.as_str();
    let mut seen = String::new();
    for (number, file) in key.files().into_iter().enumerate() {
        let write = |name: &str| fs::write(dir.join(name), &file).unwrap();
        write("secret.pem");
        write("dev/ca.key");
        fs::copy(dir.join("ca.pem"), dir.join("dev/ca.pem")).unwrap();
        let mut run = |args: &[&str]| {
            let output = certjid(dir, args);
            for stream in [&output.stdout, &output.stderr] {
                let _ = writeln!(seen, "{}", String::from_utf8_lossy(stream));
            }
        };
        run(&["inspect", "secret.pem"]);
        run(&["inspect", "--json", "secret.pem"]);
        run(&["inspect", "--password-file", "secret.pem", "ca.pem"]);
        let check = [
            "check",
            "--config",
            "mongooseim.toml",
            "--host",
            "localhost",
            "--cert",
        ];
        run(&[&check[..], &["secret.pem"]].concat());
        run(&[
            "--registry",
            "r.db",
            "registry",
            "add",
            "a@localhost",
            "--cert",
            "secret.pem",
        ]);
        run(&[
            "registry",
            "--registry",
            "r.db",
            "add",
            "a@localhost",
            "--cert",
            "secret.pem",
        ]);
        run(&[
            "registry",
            "--registry",
            "r.db",
            "remove",
            "a@localhost",
            "--cert",
            "secret.pem",
        ]);
        run(&["registry", "--registry", "secret.pem", "list"]);
        let url = "postgres://u@192.0.2.1/x?connect_timeout=1&sslrootcert=secret.pem";
        run(&["registry", "--registry", url, "list"]);
        run(&["config", "check", "secret.pem"]);
        run(&["dev-cert", "--dir", "dev", &format!("a{number}@localhost")]);
        // The key in place of the CA.
        write("dev/ca.pem");
        run(&["dev-cert", "--dir", "dev", &format!("b{number}@localhost")]);
        let serve = ["serve", "--config", "mongooseim.toml", "--socket", "other"];
        for options in [
            ["--http-cert", "secret.pem", "--http-key", "ca.pem"],
            ["--http-cert", "ca.pem", "--http-key", "secret.pem"],
            [
                "--http-basic-auth-file",
                "secret.pem",
                "--log-level",
                "trace",
            ],
        ] {
            // Not an address of this machine, on which nothing could begin to listen.
            let http = ["--registry", "r.db", "--http", "192.0.2.1:0"];
            run(&[&serve[..], &http, &options].concat());
        }
        run(&["serve", "--settings", "secret.pem"]);
    }
    // The text in place of the name, as of a variable.
    for args in [
        vec!["inspect", text],
        vec![
            "check",
            "--config",
            "mongooseim.toml",
            "--host",
            "localhost",
            "--cert",
            text,
        ],
        vec![
            "registry",
            "--registry",
            "r.db",
            "add",
            "a@localhost",
            "--cert",
            text,
        ],
        vec![
            "serve",
            "--config",
            "mongooseim.toml",
            "--socket",
            "other",
            "--registry",
            "r.db",
            "--http",
            "192.0.2.1:0",
            "--http-cert",
            "ca.pem",
            "--http-key",
            text,
        ],
    ] {
        let output = certjid(dir, &args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("name of a file"), "{said}");
        seen += &said;
    }
    assert!(seen.contains("line ends"), "{seen}");
    key.is_not_in(&seen);
}

/// What a server sends, and what the sidecar says of it in replies, log and status.
#[test]
fn requests_that_hold_it() {
    let (site, key) = (Site::new(), Key::new());
    let dir = site.dir.path();
    let mut serving = Serving::start(
        dir,
        &[
            "--config",
            "mongooseim.toml",
            "--socket",
            "sock",
            "--log-level",
            "trace",
            "--trust-forwarded",
            "c2s=nginx,c2s=rfc9440,c2s=haproxy,c2s=envoy",
        ],
    );
    wait_for_socket(&dir.join("sock"));
    let mut connection = Connection::open(&dir.join("sock"));
    let alice = site.client(&["alice@localhost"]);
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(&alice)
    );
    let mut seen = String::new();
    let mut lines_missing = 0;
    for file in key.files() {
        let text = String::from_utf8_lossy(&file).into_owned();
        let escaped = text.replace(' ', "%20").replace('\n', "%0A");
        let mut ask = |name: &str, value: Value| {
            let mut request = login_at("localhost", &alice);
            request.as_object_mut().unwrap().remove("chain");
            request[name] = value;
            let reply = connection.ask(&request).to_string();
            lines_missing += usize::from(reply.contains("line ends"));
            seen += &reply;
        };
        for chain in [
            &text,
            &escaped,
            &format!("{pem}{text}"),
            &format!("{text}\n{pem}"),
        ] {
            ask("chain", json!(chain));
        }
        for field in ["request", "authzid", "verified", &text] {
            ask(field, json!(text));
        }
        // A host that is not known is named, but for PEM.
        if text.contains("-----BEGIN") {
            for field in ["host", "host_type", "listener"] {
                ask(field, json!(text));
            }
        }
        ask("forwarded", json!({"proxy": text, &text: [text]}));
        ask("chain", json!([text]));
        ask("chain", json!([STANDARD.encode(&file)]));
        for proxy in ["nginx", "rfc9440", "haproxy", "envoy"] {
            for value in [
                &text,
                &escaped,
                &STANDARD.encode(&file),
                &format!("Cert=\"{escaped}\""),
            ] {
                ask("forwarded", json!({"proxy": proxy, "certificate": [value]}));
                ask(
                    "forwarded",
                    json!({"proxy": proxy, "certificate": [value], "chain": [value]}),
                );
            }
        }
    }
    assert!(lines_missing > 10, "{lines_missing}");

    // A broken file keeps the old policy, and log and status say why.
    let status = || {
        let mut connection = Connection::open(&dir.join("sock"));
        connection.ask(&json!({ "request": "status" }))
    };
    for file in key.files().iter().skip(1).step_by(3) {
        fs::write(dir.join("ca.pem"), file).unwrap();
        serving.signal("HUP");
        loop {
            let line = serving.log.recv_timeout(Duration::from_secs(10)).unwrap();
            seen += &line;
            if line.contains("ca.pem") {
                break;
            }
        }
        seen += &status().to_string();
        seen += &status_command(dir);
    }
    wait_until("the broken file is seen", || {
        status()["reload_error"].is_string()
    });
    serving.signal("TERM");
    assert!(serving.child.wait().unwrap().success());
    seen.extend(serving.log.iter());
    key.is_not_in(&seen);
}

fn status_command(dir: &Path) -> String {
    let output = certjid(dir, &["status", "--socket", "sock"]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
