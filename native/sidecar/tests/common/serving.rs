//! `certjid serve` as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{ending_with_us, signal, wait_for_socket};

pub struct Serving {
    pub child: Child,
    pub log: Receiver<String>,
}

impl Serving {
    /// With a log in JSON.
    pub fn start(dir: &Path, args: &[&str]) -> Self {
        let mut child = ending_with_us(env!("CARGO_BIN_EXE_certjid"))
            .arg("serve")
            .args(args)
            .current_dir(dir)
            .env("CERTJID_LOG_FORMAT", "json")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, log) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            lines
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Self { child, log }
    }

    /// On a socket named `sock`, and ready.
    pub fn with(dir: &Path, config: &str) -> Self {
        let serving = Self::start(dir, &["--config", config, "--socket", "sock"]);
        wait_for_socket(&dir.join("sock"));
        serving
    }

    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// The next line of the log with these words.
    pub fn logged(&self, words: &str) -> Value {
        loop {
            let line = self.log.recv_timeout(Duration::from_secs(10));
            let line = line.unwrap_or_else(|_| panic!("no line of the log has {words:?}"));
            if line.contains(words) {
                return serde_json::from_str(&line).unwrap();
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
