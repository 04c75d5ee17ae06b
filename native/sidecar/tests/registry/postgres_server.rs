//! A PostgreSQL of a test's own, on a free port of the loopback and a socket in its folder.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::common::cli::{run, text};
use crate::common::wait_until;
use crate::signal;

pub struct Server {
    child: Option<Child>,
    dir: tempfile::TempDir,
    port: u16,
}

impl Server {
    /// With the database and superuser `certjid`: on the socket without a password, over TCP
    /// with "sesame", and with TLS by server.pem, which ca.pem has issued for localhost.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        run(dir.path(), &["dev-cert", "--server", "localhost"], 0);
        fs::write(dir.path().join("password"), "sesame\n").unwrap();
        if let Some(owner) = unprivileged() {
            for file in ["", "password", "server.key"] {
                chown(dir.path().join(file), Some(owner.0), Some(owner.1)).unwrap();
            }
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut server = Self {
            child: None,
            dir,
            port,
        };
        let made = server
            .command("initdb")
            .args([
                "-D",
                "data",
                "-U",
                "certjid",
                "--pwfile=password",
                "-E",
                "UTF8",
            ])
            .args([
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--no-sync",
            ])
            .args(["--locale=C.UTF-8"])
            .output()
            .expect("PostgreSQL is installed");
        assert!(made.status.success(), "{}", text(&made.stderr));
        server.restart();
        server.sql_in("postgres", "CREATE DATABASE certjid");
        server
    }

    pub fn restart(&mut self) {
        let (port, folder) = (self.port.to_string(), self.dir.path().to_owned());
        let child = self
            .command("postgres")
            .args(["-D", "data", "-p", &port, "-k"])
            .arg(&folder)
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "ssl=on"])
            .args([
                "-c",
                "ssl_cert_file=../server.pem",
                "-c",
                "ssl_key_file=../server.key",
            ])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        wait_until("PostgreSQL answers", || {
            let asked = self.psql("postgres", "SELECT 1").output().unwrap();
            TcpStream::connect(("127.0.0.1", self.port)).is_ok() && asked.status.success()
        });
    }

    /// As `pg_ctl stop -m immediate` does.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(child.id(), "QUIT");
            child.wait().unwrap();
        }
    }

    /// Stops or continues all of its processes.
    pub fn signal_all(&self, name: &str) {
        let main = self.child.as_ref().unwrap().id();
        let children = fs::read_to_string(format!("/proc/{main}/task/{main}/children")).unwrap();
        signal(main, name);
        for child in children.split_whitespace() {
            signal(child.parse().unwrap(), name);
        }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The database by the socket.
    pub fn socket_url(&self) -> String {
        let folder = self.dir.path().to_str().unwrap().replace('/', "%2F");
        format!("postgresql://certjid@{folder}:{}/certjid", self.port)
    }

    /// The database over TCP; `user` may have a password.
    pub fn url(&self, user: &str, host: &str, more: &str) -> String {
        format!("postgres://{user}@{host}:{}/certjid{more}", self.port)
    }

    pub fn sql(&self, statement: &str) -> String {
        self.sql_in("certjid", statement)
    }

    fn sql_in(&self, database: &str, statement: &str) -> String {
        let done = self.psql(database, statement).output().unwrap();
        assert!(done.status.success(), "{}", text(&done.stderr));
        text(&done.stdout).trim().to_owned()
    }

    fn psql(&self, database: &str, statement: &str) -> Command {
        let mut command = self.command("psql");
        command
            .args(["-p", &self.port.to_string(), "-U", "certjid", "-h"])
            .arg(self.dir.path())
            .args([
                "-X",
                "-At",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                statement,
                database,
            ]);
        command
    }

    /// A program of PostgreSQL, which refuses to be root.
    fn command(&self, name: &str) -> Command {
        let program = programs().join(name);
        let mut command = match unprivileged() {
            Some((user, group)) => {
                // It becomes the program, which so is this process's child.
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={group}"))
                    .arg("--clear-groups")
                    .arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.signal_all("CONT");
        }
        self.stop();
    }
}

/// The user that Debian's package makes, where this is root.
fn unprivileged() -> Option<(u32, u32)> {
    if uzers::get_effective_uid() != 0 {
        return None;
    }
    let user = uzers::get_user_by_name("postgres").expect("PostgreSQL is installed");
    Some((user.uid(), user.primary_group_id()))
}

fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let mut folders: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.pop().expect("PostgreSQL is installed").join("bin")
}
