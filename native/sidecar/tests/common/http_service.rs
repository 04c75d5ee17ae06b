//! An HTTP service for the method http, on a free port of the loopback.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::crypto::aws_lc_rs;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{free_port, wait_until};

/// A service with one answer for all.
pub struct Service {
    pub port: u16,
    /// The lines of each request; with TLS, the server's name that the client sent.
    pub requests: Receiver<Vec<String>>,
    /// Kept so that a service that hangs takes connections.
    _listener: Option<TcpListener>,
    /// Its connections, from when it is to end on.
    open: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Service {
    pub fn start(reply: Vec<u8>) -> Self {
        Self::start_on(0, reply)
    }

    /// On a given port, where one was stopped before.
    pub fn start_on(port: u16, reply: Vec<u8>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = mpsc::channel();
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let connections = Arc::clone(&open);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                match &mut *connections.lock().unwrap() {
                    Some(open) => open.push(stream.try_clone().unwrap()),
                    None => return,
                }
                let (reply, sender) = (reply.clone(), sender.clone());
                thread::spawn(move || answer_all(&stream, &reply, &sender));
            }
        });
        Self {
            port,
            requests,
            _listener: None,
            open,
        }
    }

    pub fn connections(&self) -> usize {
        self.open.lock().unwrap().as_ref().map_or(0, Vec::len)
    }

    /// Ends it and its connections, as if it were killed.
    pub fn stop(&self) {
        for stream in self.open.lock().unwrap().take().into_iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the thread, which closes the port.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        wait_until("the port is closed", || {
            TcpStream::connect(("127.0.0.1", self.port)).is_err()
        });
    }

    /// With the server.pem and server.key of a folder.
    pub fn start_tls(folder: &Path, reply: Vec<u8>) -> Self {
        let read = |name: &str| fs::read(folder.join(name)).unwrap();
        Self::start_tls_with(&read("server.pem"), &read("server.key"), reply)
    }

    /// With a chain and its key in PEM.
    pub fn start_tls_with(chain: &[u8], key: &[u8], reply: Vec<u8>) -> Self {
        let chain = CertificateDer::pem_slice_iter(chain);
        let key = PrivateKeyDer::from_pem_slice(key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.collect::<Result<_, _>>().unwrap(), key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut tls = StreamOwned::new(connection, stream);
                // A client that does not trust this service goes away.
                if tls.read(&mut [0; 4096]).is_ok() {
                    let name = tls.conn.server_name().unwrap_or_default().to_owned();
                    let _ = sender.send(vec![name]);
                    let _ = tls.write_all(&reply);
                    tls.conn.send_close_notify();
                    let _ = tls.flush();
                }
            }
        });
        Self {
            port,
            requests,
            _listener: None,
            open: Arc::default(),
        }
    }

    pub fn down() -> Self {
        Self {
            port: free_port(),
            requests: mpsc::channel().1,
            _listener: None,
            open: Arc::default(),
        }
    }

    pub fn hung() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self {
            port,
            requests: mpsc::channel().1,
            _listener: Some(listener),
            open: Arc::default(),
        }
    }

    pub fn config(&self, methods: &str, connection: &str) -> String {
        format!(
            "[general]\ndefault_server_domain = \"localhost\"\nhosts = [\"localhost\"]\n\
             [auth]\nmethods = [{methods}]\nsasl_mechanisms = [\"external\"]\n\
             [auth.http]\nbasic_auth = \"admin:secret\"\n[auth.pki]\n[auth.rdbms]\n\
             [[listen.c2s]]\nport = 5222\n[listen.c2s.tls]\ncacertfile = \"ca.pem\"\n\
             [outgoing_pools.http.auth]\n[outgoing_pools.http.auth.connection]\n\
             host = \"http://127.0.0.1:{}\"\npath_prefix = \"/auth/\"\n{connection}\n",
            self.port
        )
    }
}

fn answer_all(mut stream: &TcpStream, reply: &[u8], sender: &Sender<Vec<String>>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    loop {
        let request: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        if request.is_empty() {
            return;
        }
        let _ = sender.send(request);
        if reply.is_empty() || stream.write_all(reply).is_err() {
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
    }
}

pub fn pem(der: &[u8]) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", der))
}

pub fn answer(status: u16, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
