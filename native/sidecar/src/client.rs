//! Asks a running sidecar, one request after the other.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::protocol::{MAX_FRAME, frame};

/// A connection to a sidecar.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
}

impl Client {
    /// Connects to the socket at `path`.
    ///
    /// # Errors
    /// Where nobody listens there.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { stream })
    }

    /// Sends a request in JSON and waits for its reply.
    ///
    /// # Errors
    /// Where the connection fails, or the sidecar refuses the request; then with its message.
    pub fn ask<T: DeserializeOwned>(&mut self, request: &Map<String, Value>) -> io::Result<T> {
        let payload = self
            .exchange(&serde_json::to_vec(request)?)
            .map_err(explain)?;
        let reply: Value = serde_json::from_slice(&payload)?;
        if reply.get("error").is_some() {
            let message = reply.get("message").and_then(Value::as_str);
            return Err(io::Error::other(
                message.unwrap_or("no reason given").to_owned(),
            ));
        }
        Ok(serde_json::from_value(reply)?)
    }

    fn exchange(&mut self, payload: &[u8]) -> io::Result<Vec<u8>> {
        self.stream.write_all(&frame::write(payload))?;
        let mut header = [0; 4];
        self.stream.read_exact(&mut header)?;
        let length = u32::from_be_bytes(header) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::other("the reply is too large"));
        }
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload)?;
        Ok(payload)
    }
}

/// What the system calls by other names.
fn explain(error: io::Error) -> io::Error {
    let told = match error.kind() {
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::UnexpectedEof => {
            "the sidecar closes the connection: see its allow_uid and max_connections".to_owned()
        }
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("no reply came within {} seconds", TIMEOUT.as_secs())
        }
        _ => return error,
    };
    io::Error::new(error.kind(), told)
}

const TIMEOUT: Duration = Duration::from_secs(10);
