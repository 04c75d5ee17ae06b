//! Every command of docs/registry.md, in its order.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use certjid_sidecar::registry;

use crate::common::cli::{REFUSED, text};
use crate::common::wait_until;
use crate::postgres_server::Server as Postgres;
use crate::signal;

#[test]
fn every_command_works() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = Postgres::start();
    let page = read("docs/registry.md");
    // Addresses of this test, and its database.
    let mut own = vec![
        (
            "postgresql://certjid@db.example.org/certjid".to_owned(),
            postgres.socket_url(),
        ),
        ("0.0.0.0".to_owned(), "127.0.0.1".to_owned()),
    ];
    for port in ["8090", "8091", "8092"] {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        own.push((
            port.to_owned(),
            free.local_addr().unwrap().port().to_string(),
        ));
    }
    let adapt = |text: &str| {
        own.iter()
            .fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
    };
    let config = adapt(&read("config/registry.toml"));
    fs::write(dir.path().join("registry.toml"), config).unwrap();

    let mut shell = Shell {
        dir: dir.path().to_owned(),
        registry: String::new(),
        services: Vec::new(),
    };
    for line in blocks(&page).lines() {
        shell.run(&adapt(line));
    }
    assert_eq!(shell.services.len(), 3);
}

#[test]
fn the_limits_are_those_of_the_code() {
    let page = read("docs/registry.md");
    for (what, limit) in [
        (
            "certificates of a user",
            registry::MAX_CERTIFICATES.to_string(),
        ),
        (
            "a certificate, in DER",
            format!("{} KiB", registry::MAX_CERTIFICATE / 1024),
        ),
        ("a note", format!("{} bytes", registry::MAX_NOTE)),
        (
            "connections to the service at a time",
            registry::http::MAX_CONNECTIONS.to_string(),
        ),
    ] {
        assert!(page.contains(&format!("| {what} | {limit} |")), "{what}");
    }
    let seconds = registry::READ_TIMEOUT.as_secs_f32();
    assert!(page.contains(&format!("within {seconds} seconds")));
}

struct Shell {
    dir: PathBuf,
    /// CERTJID_REGISTRY.
    registry: String,
    /// What was started with `&`.
    services: Vec<(String, Child)>,
}

impl Shell {
    fn run(&mut self, line: &str) {
        let (command, status) = match line.split_once(" # refused") {
            Some((command, _)) => (command, REFUSED),
            None => (line, 0),
        };
        if let Some(place) = command.strip_prefix("export CERTJID_REGISTRY=") {
            place.clone_into(&mut self.registry);
        } else if let Some(service) = command.strip_suffix(" &") {
            let child = self.start(service);
            self.services.push((service.to_owned(), child));
        } else if command == "systemctl stop certjid" {
            // The service with the socket is the first.
            signal(self.services[0].1.id(), "TERM");
            assert!(self.services[0].1.wait().unwrap().success());
        } else if command == "systemctl start certjid" {
            self.services[0].1 = self.start(&self.services[0].0);
        } else {
            let output = self.command(command).output().unwrap();
            let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
            assert_eq!(output.status.code(), Some(status), "{command}\n{said}");
            if command.starts_with("certjid check") {
                let expected = if status == 0 { "ALLOWED as" } else { "REFUSED" };
                assert!(said.contains(expected), "{command}\n{said}");
            }
        }
    }

    fn start(&self, service: &str) -> Child {
        let mut child = self
            .command(&format!("exec {service}"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (_, address) = service.split_once("--http ").unwrap();
        let address = address.split(' ').next().unwrap();
        let socket = self.dir.join("certjid.sock");
        wait_until("the service listens", || {
            TcpStream::connect(address).is_ok()
                && (!service.contains("certjid.sock") || socket.exists())
        });
        assert!(child.try_wait().unwrap().is_none(), "{service}");
        child
    }

    fn command(&self, line: &str) -> Command {
        let programs = Path::new(env!("CARGO_BIN_EXE_certjid")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(&self.dir)
            .env("PATH", path)
            .env("CERTJID_REGISTRY", &self.registry)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        for (_, service) in &mut self.services {
            let _ = service.kill();
            let _ = service.wait();
        }
    }
}

/// The lines between "```sh" and "```".
fn blocks(page: &str) -> String {
    page.split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

fn read(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(name)).unwrap()
}
