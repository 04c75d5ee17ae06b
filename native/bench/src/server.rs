//! The servers that are measured, in processes of their own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Done;
use crate::memory::resident;

/// A server that is ended with this value.
pub(crate) struct Server {
    child: Child,
    socket: PathBuf,
}

impl Server {
    /// Starts the sidecar with the policy of a folder.
    pub(crate) fn certjid(
        program: &Path,
        folder: &Path,
        socket: &Path,
    ) -> Result<Self, Box<dyn core::error::Error>> {
        Self::start(
            Command::new(program.canonicalize()?)
                .current_dir(folder)
                .args(["serve", "--config", "mongooseim.toml", "--socket"])
                .arg(socket),
            socket,
        )
    }

    /// Starts the echo server, which may verify the chain of a folder with such keys each time.
    pub(crate) fn echo(
        socket: &Path,
        length: usize,
        verified: Option<(&Path, &str)>,
    ) -> Result<Self, Box<dyn core::error::Error>> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("echo").arg(socket).arg(length.to_string());
        if let Some((folder, key)) = verified {
            command.arg(folder).arg(key);
        }
        Self::start(&mut command, socket)
    }

    /// Starts a server and waits for its socket.
    fn start(command: &mut Command, socket: &Path) -> Result<Self, Box<dyn core::error::Error>> {
        let child = command.stderr(Stdio::null()).spawn()?;
        let server = Self {
            child,
            socket: socket.to_owned(),
        };
        let begun = Instant::now();
        while !socket.exists() {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(format!("{command:?} does not serve").into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(server)
    }

    /// Lets it load its configuration again.
    pub(crate) fn reload(&self) -> Done {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-HUP", &process]).status()?;
        sent.success()
            .then_some(())
            .ok_or_else(|| "the server is gone".into())
    }

    /// What is resident, in MiB.
    pub(crate) fn memory(&self) -> Result<f64, Box<dyn core::error::Error>> {
        resident(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.socket);
    }
}
