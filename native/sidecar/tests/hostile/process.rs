//! `certjid serve` as a process, started by a shell that sets its limits.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::common::{Connection, wait_until};

pub struct Process {
    child: Child,
    dir: PathBuf,
}

impl Process {
    /// On the socket `sock` of the folder, and ready. `prepare` is what the shell does before.
    pub fn start(dir: &Path, prepare: &str, args: &[&str]) -> Self {
        let script =
            format!("{prepare} exec \"$0\" serve --config mongooseim.toml --socket sock \"$@\"");
        let child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_certjid")])
            .args(args)
            .current_dir(dir)
            .stderr(File::create(dir.join("log")).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let process = Self {
            child,
            dir: dir.to_owned(),
        };
        wait_until("the sidecar listens", || {
            std::os::unix::net::UnixStream::connect(dir.join("sock")).is_ok()
        });
        process
    }

    pub fn connect(&self) -> Connection {
        Connection::open(&self.dir.join("sock"))
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Kills it, so that it can do nothing about it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its open descriptors.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .unwrap()
            .count()
    }

    /// Its resident memory in KiB.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.unwrap().parse().unwrap()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
