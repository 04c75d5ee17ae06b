//! An HTTP service for the method http, on a free port of the loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rustls::crypto::aws_lc_rs;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::free_port;

/// A service on a free port of the loopback, with one answer for all.
pub struct Service {
    pub port: u16,
    pub requests: Receiver<Vec<String>>,
    /// Kept so that a service that hangs takes connections.
    _listener: Option<TcpListener>,
}

impl Service {
    pub fn start(reply: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let lines = read_request(&stream);
                let _ = (&stream).write_all(&reply);
                if sender.send(lines).is_err() {
                    return;
                }
            }
        });
        Self {
            port,
            requests,
            _listener: None,
        }
    }

    /// With the server.pem and server.key of a folder.
    pub fn start_tls(folder: &Path, reply: Vec<u8>) -> Self {
        let read = |name: &str| folder.join(name);
        let chain = CertificateDer::pem_file_iter(read("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(read("server.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.collect::<Result<_, _>>().unwrap(), key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut tls = StreamOwned::new(connection, stream);
                // A client that does not trust this service goes away.
                if tls.read(&mut [0; 4096]).is_ok() {
                    let _ = tls.write_all(&reply);
                    tls.conn.send_close_notify();
                    let _ = tls.flush();
                }
            }
        });
        Self {
            port,
            requests: mpsc::channel().1,
            _listener: None,
        }
    }

    pub fn down() -> Self {
        Self {
            port: free_port(),
            requests: mpsc::channel().1,
            _listener: None,
        }
    }

    pub fn hung() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self {
            port,
            requests: mpsc::channel().1,
            _listener: Some(listener),
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

fn read_request(stream: &TcpStream) -> Vec<String> {
    BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect()
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
