//! Certificates for development: a CA, clients with xmppAddr fields, and a server.
//!
//! All have P-256 keys and X.509 version 3. The names of the documentation's openssl recipe are
//! thus no longer set by hand.

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, Error,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, OtherNameValue, SanType,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};

/// A certificate and its private key.
#[derive(Debug)]
pub struct Issued {
    /// The certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: KeyPair,
}

/// A CA that can issue.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

/// Who a client certificate is for.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The common name; none by default.
    pub common_name: Option<String>,
    /// The xmppAddr fields.
    pub xmpp_addrs: Vec<String>,
    /// Validity from now on, in days.
    pub days: u32,
}

impl Authority {
    /// Makes a CA.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn generate() -> Result<Issued, Error> {
        let key = KeyPair::generate()?;
        let mut params = params(CA_DAYS);
        // Two CAs of one name and with two keys would be taken for one another. The first byte
        // of a point is its form.
        let name: String = key
            .public_key_raw()
            .iter()
            .skip(1)
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("certjid development CA {name}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Issued {
            certificate: params.self_signed(&key)?,
            key,
        })
    }

    /// Reads a CA that was made before.
    ///
    /// # Errors
    /// Where they are not a CA's certificate and a key.
    pub fn from_der(certificate: &[u8], key: &PrivateKeyDer<'_>) -> Result<Self, Error> {
        let certificate = CertificateDer::from(certificate);
        let issuer = Issuer::from_ca_cert_der(&certificate, KeyPair::try_from(key)?)?;
        Ok(Self { issuer })
    }

    /// Issues a client certificate.
    ///
    /// # Errors
    /// Where a name can't be encoded, or no key can be made.
    pub fn client(&self, client: &Client) -> Result<Issued, Error> {
        self.sign(client_params(client))
    }

    /// Issues a server certificate for a host and for 127.0.0.1.
    ///
    /// # Errors
    /// Where the host is no DNS name, or no key can be made.
    pub fn server(&self, host: &str, days: u32) -> Result<Issued, Error> {
        let mut params = params(days);
        params.distinguished_name.push(DnType::CommonName, host);
        params.subject_alt_names = vec![
            SanType::DnsName(Ia5String::try_from(host)?),
            SanType::IpAddress([127, 0, 0, 1].into()),
        ];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Issued, Error> {
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        Ok(Issued {
            certificate: params.signed_by(&key, &self.issuer)?,
            key,
        })
    }
}

/// Makes a client certificate that signs itself, for `verify_mode = "selfsigned_peer"`.
///
/// # Errors
/// Where a name can't be encoded, or no key can be made.
pub fn self_signed(client: &Client) -> Result<Issued, Error> {
    let key = KeyPair::generate()?;
    Ok(Issued {
        certificate: client_params(client).self_signed(&key)?,
        key,
    })
}

fn client_params(client: &Client) -> CertificateParams {
    let mut params = params(client.days);
    if let Some(name) = &client.common_name {
        params
            .distinguished_name
            .push(DnType::CommonName, name.as_str());
    }
    params.subject_alt_names = client
        .xmpp_addrs
        .iter()
        .map(|addr| {
            SanType::OtherName((XMPP_ADDR.to_vec(), OtherNameValue::Utf8String(addr.clone())))
        })
        .collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// An organization keeps the subject from being empty, with which some programs can't do.
fn params(days: u32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "certjid development");
    // Clocks differ.
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::hours(1);
    params.not_after = now + Duration::days(days.into());
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

/// id-on-xmppAddr (RFC 6120 section 13.7.1.4).
const XMPP_ADDR: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 8, 5];

const CA_DAYS: u32 = 3650;
