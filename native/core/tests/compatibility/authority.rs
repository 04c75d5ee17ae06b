//! Certificates made for one test.

use certjid_core::policy::now;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope, CustomExtension,
    DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    OtherNameValue, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};

/// A CA with its key.
pub struct Authority {
    pub pem: String,
    pub der: Vec<u8>,
    pub key: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// A CA whose certificate is changed before it is signed.
    pub fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = named("Test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self::of(params, key, &certificate)
    }

    fn of(params: CertificateParams, key: KeyPair, certificate: &Certificate) -> Self {
        Self {
            pem: certificate.pem(),
            der: certificate.der().to_vec(),
            key: key.serialize_pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// The certificate of a CA made by [`Self::with`] again, with the same name and key, in PEM.
    pub fn renewed(&self, until: i32) -> String {
        let mut params = named("Test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::from_pem(&self.key).unwrap();
        params.self_signed(&key).unwrap().pem()
    }

    /// The same key under a name that is spelt so.
    pub fn spelt(&self, name: DnValue) -> Self {
        let mut params = typed(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::from_pem(&self.key).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self::of(params, key, &certificate)
    }

    /// A CA below this one.
    pub fn intermediate(&self, name: &str) -> Self {
        self.intermediate_with(name, |_| ())
    }

    /// A CA below this one whose certificate is changed before it is signed.
    pub fn intermediate_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        self.below(params)
    }

    /// Somebody whose certificate is not a CA's, and who issues all the same.
    pub fn leaf(&self, name: &str) -> Self {
        self.below(named(name))
    }

    fn below(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self::of(params, key, &certificate)
    }

    pub fn issue(&self, params: &CertificateParams) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        certificate.der().to_vec()
    }

    /// A list that revokes one serial number, to be renewed at the start of a year.
    pub fn crl(&self, revoked: u64, next_year: i32) -> String {
        self.crl_with(revoked, next_year, 1, None)
    }

    /// The same with a number, and for some certificates alone.
    pub fn crl_with(
        &self,
        revoked: u64,
        next_year: i32,
        number: u64,
        scope: Option<Scope>,
    ) -> String {
        let point = |scope| CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint {
                uris: vec!["http://other.example/ca.crl".to_owned()],
            },
            scope: match scope {
                Scope::ForCas => Some(CrlScope::CaCertsOnly),
                Scope::OfAnotherUrl => None,
            },
        };
        self.list(revoked, [2025, next_year], number, scope.map(point))
    }

    /// A list of these years.
    pub fn crl_between(&self, revoked: u64, begins: i32, ends: i32) -> String {
        self.list(revoked, [begins, ends], 1, None)
    }

    fn list(
        &self,
        revoked: u64,
        [begins, ends]: [i32; 2],
        number: u64,
        point: Option<CrlIssuingDistributionPoint>,
    ) -> String {
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(begins, 1, 1),
            next_update: date_time_ymd(ends, 1, 1),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: point,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(revoked),
                revocation_time: date_time_ymd(2025, 1, 2),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

/// What a list is for.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    ForCas,
    OfAnotherUrl,
}

/// A certificate of 2025 to 2099 with this common name and nothing else.
pub fn named(common_name: &str) -> CertificateParams {
    typed(DnValue::Utf8String(common_name.to_owned()))
}

pub fn typed(common_name: DnValue) -> CertificateParams {
    assert!(now() < 4_000_000_000);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2099, 1, 1);
    params
}

/// A certificate for the common name "carol" with these xmppAddr fields.
pub fn addressed(addresses: &[&str]) -> CertificateParams {
    let mut params = named("carol");
    for address in addresses {
        let value = OtherNameValue::Utf8String((*address).to_owned());
        params
            .subject_alt_names
            .push(SanType::OtherName((XMPP_ADDR.to_vec(), value)));
    }
    params
}

/// A certificate for the common name "carol" with a subjectAltName of these entries.
pub fn with_alt_names(entries: &[Vec<u8>]) -> CertificateParams {
    let mut params = named("carol");
    let content = der(0x30, entries);
    params
        .custom_extensions
        .push(CustomExtension::from_oid_content(&[2, 5, 29, 17], content));
    params
}

/// An otherName of the type xmppAddr with this value, tag and all.
pub fn xmpp_addr(value: Vec<u8>) -> Vec<u8> {
    let oid = der(0x06, &[vec![0x2b, 6, 1, 5, 5, 7, 8, 5]]);
    der(0xa0, &[oid, value])
}

/// One element of DER, of fewer than 65,536 bytes.
pub fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let contents = parts.concat();
    let length = u16::try_from(contents.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let header: &[u8] = match length {
        0..128 => &[tag, low],
        128..256 => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    [header, &contents].concat()
}

const XMPP_ADDR: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 8, 5];
