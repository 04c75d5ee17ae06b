//! The rustls verifier, in real handshakes over memory.

use std::fs;
use std::sync::Arc;

use certjid_core::certificate::Certificate;
use certjid_core::encoding;
use certjid_core::policy;
use certjid_core::tls::ClientVerifier;
use certjid_core::verify::{TrustStore, VerifyMode};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion, version,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

mod chains;
mod pss_key;

use pss_key::PssKey;

/// What a client presents.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Client {
    Nothing,
    Good,
    OtherCa,
    SelfSigned,
}

/// Every verify mode and value of disconnect_on_failure, for every client, in both versions of
/// TLS: whether the handshake ends well, and what the server then says of the certificate.
#[test]
fn handshakes() {
    let pki = Pki::new();
    for mode in [
        VerifyMode::None,
        VerifyMode::Peer,
        VerifyMode::SelfsignedPeer,
    ] {
        for disconnect in [true, false] {
            for client in [
                Client::Nothing,
                Client::Good,
                Client::OtherCa,
                Client::SelfSigned,
            ] {
                let reason = match (mode, client) {
                    // The server asks for no certificate, and so gets none.
                    (VerifyMode::None, _) => "ok",
                    (_, Client::Nothing) => "no_peer_cert",
                    (_, Client::Good) | (VerifyMode::SelfsignedPeer, Client::SelfSigned) => "ok",
                    (_, Client::OtherCa) => "unknown_ca",
                    (VerifyMode::Peer, Client::SelfSigned) => "selfsigned_peer",
                };
                let aborted = disconnect && reason != "ok";
                let expected = if aborted { "aborted" } else { reason };
                for tls in [&version::TLS12, &version::TLS13] {
                    let ours = pki.handshake(mode, disconnect, client, tls);
                    assert_eq!(
                        ours, expected,
                        "{mode} {disconnect} {client:?} {:?}",
                        tls.version
                    );
                }
            }
        }
    }
}

/// The documentation's openssl recipe makes a certificate of version 1. Its handshake too is
/// checked by certjid, for rustls reads no such certificate.
#[test]
fn a_handshake_signed_by_the_key_of_a_version_1_certificate() {
    let pki = Pki::new();
    let (chain, key) = pki.version_1();
    for tls in [&version::TLS12, &version::TLS13] {
        let verifier = pki.verifier(VerifyMode::Peer, true);
        let mut server = pki.server(&verifier, tls);
        let mut client = pki.client(Some((chain.clone(), key.clone_key())), tls);
        assert!(transfer(&mut client, &mut server), "{:?}", tls.version);
        verifier
            .judge(server.peer_certificates(), policy::now())
            .unwrap();

        // The same certificate with the key of somebody else.
        let stranger = KeyPair::generate().unwrap();
        let mut server = pki.server(&verifier, tls);
        let stolen = Some((chain.clone(), der_of(&stranger)));
        let mut client = pki.client(stolen, tls);
        assert!(!transfer(&mut client, &mut server), "{:?}", tls.version);
    }
}

struct Pki {
    provider: Arc<CryptoProvider>,
    ca: Issuer<'static, KeyPair>,
    ca_der: CertificateDer<'static>,
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Pki {
    fn new() -> Self {
        let (ca, ca_der) = new_ca("certjid test CA");
        let provider = Arc::new(aws_lc_rs::default_provider());
        Self {
            provider,
            ca,
            ca_der,
        }
    }

    fn identity(&self, client: Client) -> Option<Identity> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["alice.example".to_owned()]).unwrap();
        let certificate = match client {
            Client::Nothing => return None,
            Client::Good => params.signed_by(&key, &self.ca),
            Client::OtherCa => params.signed_by(&key, &new_ca("another CA").0),
            Client::SelfSigned => params.self_signed(&key),
        };
        Some((vec![certificate.unwrap().into()], der_of(&key)))
    }

    /// As rcgen makes version 3 only, the openssl command makes this one.
    fn version_1(&self) -> Identity {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let ca_pem = pem::encode(&pem::Pem::new("CERTIFICATE", self.ca_der.to_vec()));
        fs::write(path("ca.pem"), ca_pem).unwrap();
        fs::write(path("ca.key"), self.ca.key().serialize_pem()).unwrap();
        let script = "openssl ecparam -genkey -name prime256v1 -noout -out k1.pem && \
            openssl pkcs8 -topk8 -nocrypt -in k1.pem -out key.pem && \
            openssl req -new -key key.pem -subj /CN=alice -out csr.pem && \
            openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial \
                -out cert.pem -days 2 -sha256";
        let done = std::process::Command::new("sh")
            .args(["-c", script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let chain = encoding::chain(&fs::read(path("cert.pem")).unwrap()).unwrap();
        let key = KeyPair::from_pem(&fs::read_to_string(path("key.pem")).unwrap()).unwrap();
        let chain = chain.into_iter().map(CertificateDer::from).collect();
        (chain, der_of(&key))
    }

    fn verifier(&self, mode: VerifyMode, disconnect: bool) -> Arc<ClientVerifier> {
        let trust = TrustStore::from_ders(vec![self.ca_der.clone()]).unwrap();
        Arc::new(ClientVerifier::new(
            mode,
            disconnect,
            Arc::new(trust),
            &self.provider,
        ))
    }

    fn server(
        &self,
        verifier: &Arc<ClientVerifier>,
        tls: &'static SupportedProtocolVersion,
    ) -> ServerConnection {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        let config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[tls])
            .unwrap()
            .with_client_cert_verifier(verifier.clone())
            .with_single_cert(vec![certificate.into()], der_of(&key))
            .unwrap();
        ServerConnection::new(Arc::new(config)).unwrap()
    }

    fn client(
        &self,
        identity: Option<Identity>,
        tls: &'static SupportedProtocolVersion,
    ) -> ClientConnection {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca_der.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[tls])
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => {
                let mut signing = self.provider.key_provider.load_private_key(key).unwrap();
                if is_pss_key(&chain[0]) {
                    signing = Arc::new(PssKey(signing));
                }
                // Whether the key fits is for the server to find out.
                let certified = rustls::sign::CertifiedKey::new(chain, signing);
                let resolver = rustls::sign::SingleCertAndKey::from(certified);
                config.with_client_cert_resolver(Arc::new(resolver))
            }
        };
        ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap()
    }

    fn handshake(
        &self,
        mode: VerifyMode,
        disconnect: bool,
        client: Client,
        tls: &'static SupportedProtocolVersion,
    ) -> String {
        let verifier = self.verifier(mode, disconnect);
        let mut server = self.server(&verifier, tls);
        let mut client = self.client(self.identity(client), tls);
        if !transfer(&mut client, &mut server) {
            return "aborted".to_owned();
        }
        match verifier.judge(server.peer_certificates(), policy::now()) {
            Ok(()) => "ok".to_owned(),
            Err(faults) => faults[0].reason.to_string(),
        }
    }
}

fn new_ca(name: &str) -> (Issuer<'static, KeyPair>, CertificateDer<'static>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let der = params.self_signed(&key).unwrap().into();
    (Issuer::new(params, key), der)
}

fn der_of(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(key.serialize_der()).unwrap()
}

/// Hands the bytes to and fro; whether both ends take them to the end.
fn transfer(client: &mut ClientConnection, server: &mut ServerConnection) -> bool {
    for _ in 0..10 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            if server.process_new_packets().is_err() {
                return false;
            }
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            if client.process_new_packets().is_err() {
                return false;
            }
        }
    }
    !client.is_handshaking() && !server.is_handshaking()
}

/// Whether the certificate's key is for RSA-PSS alone; its signature may be RSA-PSS all the same.
fn is_pss_key(certificate: &[u8]) -> bool {
    let certificate = Certificate::from_der(certificate);
    certificate.is_ok_and(|certificate| certificate.key().starts_with("RSASSA-PSS"))
}
