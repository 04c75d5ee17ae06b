//! How users log in.

use super::ldap::Ldap;
use super::secret::Secret;
use crate::sasl::Kind;

/// How users log in: the section `auth`, or the `auth` of one `host_config`.
#[derive(Clone, Debug, PartialEq)]
pub struct Auth {
    /// `methods`: the names of the authentication methods, in the order in which they are
    /// asked. Default: those that have a section, in alphabetical order.
    pub methods: Vec<String>,
    /// `sasl_mechanisms`: the SASL mechanisms, as the file spells them (`scram_sha256`,
    /// `external`). Default: all but `external` and `digest`.
    pub sasl_mechanisms: Vec<String>,
    /// `sasl_external`: how a certificate becomes a user name, in the order of trial. Default:
    /// `standard`.
    pub sasl_external: Vec<Kind>,
    /// `sasl_external_common_name.prefix`: put before a common name. Default: empty.
    pub prefix: String,
    /// `sasl_external_common_name.suffix`: put behind a common name. Default: empty.
    pub suffix: String,
    /// `http.basic_auth`: `user:password` for the HTTP service. Default: none.
    pub http_basic_auth: Option<Secret>,
    /// `ldap`; its defaults where the method is listed without a section.
    pub ldap: Option<Ldap>,
    /// Where the section stands, such as `host_config[1].auth`.
    pub path: String,
    /// The line of the section, from 1; 0 where the file has none.
    pub line: usize,
}

impl Auth {
    /// True where `sasl_mechanisms` has `external` and a method can judge a certificate: `pki`,
    /// `http` or `ldap`.
    pub fn offers_external(&self) -> bool {
        self.has_external() && self.has_certificate_method()
    }

    /// True where a login by certificate asks this pool. `kind` is `http` or `ldap`.
    pub(crate) fn asks(&self, kind: &str, tag: &str) -> bool {
        let is_meant = match kind {
            "http" => tag == HTTP_TAG,
            _ => self.ldap.as_ref().is_some_and(|ldap| ldap.pool_tag == tag),
        };
        is_meant && self.has_external() && self.methods.iter().any(|method| method == kind)
    }

    pub(crate) fn has_external(&self) -> bool {
        self.sasl_mechanisms
            .iter()
            .any(|mechanism| mechanism == "external")
    }

    /// True where one of the methods can serve EXTERNAL.
    pub(crate) fn has_certificate_method(&self) -> bool {
        let mut methods = self.methods.iter();
        methods.any(|method| is_certificate_method(method))
    }
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            methods: Vec::new(),
            sasl_mechanisms: default_mechanisms(),
            sasl_external: vec![Kind::Standard],
            prefix: String::new(),
            suffix: String::new(),
            http_basic_auth: None,
            ldap: None,
            path: "auth".to_owned(),
            line: 0,
        }
    }
}

/// True for the methods that can judge a certificate.
pub(crate) fn is_certificate_method(method: &str) -> bool {
    matches!(method, "http" | "ldap" | "pki")
}

/// True for an Erlang atom that needs no quotes.
pub(crate) fn is_module_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= MAX_ATOM
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@'))
}

fn default_mechanisms() -> Vec<String> {
    let offered = MECHANISMS
        .iter()
        .filter(|name| !matches!(**name, "digest" | "external"));
    offered.map(|&name| name.to_owned()).collect()
}

/// MongooseIM's methods, in the alphabetical order of the default.
pub(crate) const METHODS: &[&str] = &[
    "anonymous",
    "dummy",
    "external",
    "http",
    "internal",
    "jwt",
    "ldap",
    "pki",
    "rdbms",
];

/// The method that releases before 6.2.0 had besides.
pub(crate) const OLDER_METHOD: &str = "riak";

/// The mechanisms that MongooseIM documents, in its order.
pub(crate) const MECHANISMS: [&str; 15] = [
    "scram_sha512_plus",
    "scram_sha512",
    "scram_sha384_plus",
    "scram_sha384",
    "scram_sha256_plus",
    "scram_sha256",
    "scram_sha224_plus",
    "scram_sha224",
    "scram_sha1_plus",
    "scram_sha1",
    "plain",
    "anonymous",
    "oauth",
    "external",
    "digest",
];

/// The tag of the pool that the method http asks.
const HTTP_TAG: &str = "auth";

/// The greatest length of an Erlang atom.
const MAX_ATOM: usize = 255;
