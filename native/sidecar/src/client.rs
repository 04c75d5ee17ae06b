//! Asks a running sidecar, one request after the other.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::protocol::MAX_FRAME;

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
        let payload = serde_json::to_vec(request)?;
        let length = u32::try_from(payload.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.stream.write_all(&length.to_be_bytes())?;
        self.stream.write_all(&payload)?;

        let mut header = [0; 4];
        self.stream.read_exact(&mut header)?;
        let length = u32::from_be_bytes(header) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::other("the reply is too large"));
        }
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload)?;

        let reply: Value = serde_json::from_slice(&payload)?;
        if reply.get("error").is_some() {
            let message = reply.get("message").and_then(Value::as_str);
            return Err(io::Error::other(
                message.unwrap_or("no reason given").to_owned(),
            ));
        }
        Ok(serde_json::from_value(reply)?)
    }
}

const TIMEOUT: Duration = Duration::from_secs(10);
