//! What systemd is told by `certjid serve` (`Type=notify`).

mod common;

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command};
use std::time::Duration;

use common::cli::folder;

struct Daemon(Child);

impl Daemon {
    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let killed = Command::new("kill").args(["-s", name, &id]).status();
        assert!(killed.unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn next(systemd: &UnixDatagram) -> String {
    let mut message = [0; 256];
    loop {
        match systemd.recv(&mut message) {
            // A machine that is stopped for a while interrupts what waits for a limited time.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            length => {
                let length = length.expect("a notification");
                return String::from_utf8(message[..length].to_vec()).unwrap();
            }
        }
    }
}

#[test]
fn systemd_is_told_of_start_reload_and_end() {
    let dir = folder();
    let path = dir.path().join("systemd");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut daemon = Daemon(
        Command::new(env!("CARGO_BIN_EXE_certjid"))
            .args(["serve", "--config", "mongooseim.toml", "--socket", "sock"])
            .current_dir(dir.path())
            .env("NOTIFY_SOCKET", &path)
            .spawn()
            .unwrap(),
    );
    assert_eq!(next(&systemd), "READY=1\n");
    assert!(dir.path().join("sock").exists(), "ready before it listens");

    daemon.signal("HUP");
    assert_eq!(next(&systemd), "RELOADING=1\n");
    assert_eq!(next(&systemd), "READY=1\n");

    daemon.signal("TERM");
    assert_eq!(next(&systemd), "STOPPING=1\n");
    assert!(daemon.0.wait().unwrap().success());
}
