//! The sidecar as a process, with its log.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use super::ending_with_us;

pub struct Serving(pub Child, pub mpsc::Receiver<String>);

impl Serving {
    pub fn start(dir: &Path, args: &[&str]) -> Self {
        let mut child = ending_with_us(env!("CARGO_BIN_EXE_certjid"))
            .arg("serve")
            .args(args)
            .current_dir(dir)
            .env("CERTJID_LOG_FORMAT", "json")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let log = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            log.lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Self(child, lines)
    }

    pub fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
