//! The section `auth`.

use super::advice;
use super::ldap::Ldap;
use super::reader::{MAX_INTEGER, Node, Section, quote};
use super::secret::Secret;
use crate::jid;
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
        self.has_external()
            && self
                .methods
                .iter()
                .any(|method| is_certificate_method(method))
    }

    pub(crate) fn has_external(&self) -> bool {
        self.sasl_mechanisms
            .iter()
            .any(|mechanism| mechanism == "external")
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

pub(super) fn read(section: Section<'_>) -> Auth {
    let mut auth = Auth {
        path: section.path.clone(),
        line: section.line,
        http_basic_auth: read_http(&section),
        methods: read_methods(&section),
        ..Auth::default()
    };
    auth.ldap = match section.get("ldap") {
        Some(node) => node.section().map(Ldap::read),
        None => auth
            .methods
            .iter()
            .any(|method| method == "ldap")
            .then(Ldap::default),
    };
    if let Some(pki) = section.get("pki").and_then(|node| node.section()) {
        pki.finish();
    }

    if let Some(mechanisms) = section
        .get("sasl_mechanisms")
        .and_then(|node| node.list_of(mechanism))
    {
        auth.sasl_mechanisms = mechanisms;
    }
    if let Some(kinds) = section
        .get("sasl_external")
        .and_then(|node| node.list_of(kind))
    {
        auth.sasl_external = kinds;
    }
    let affixes = section.get("sasl_external_common_name");
    if let Some(affixes) = affixes.and_then(|node| node.section()) {
        auth.prefix = affix(&affixes, "prefix");
        auth.suffix = affix(&affixes, "suffix");
        affixes.finish();
    }

    if let Some(node) = section.get("max_users_per_domain") {
        node.integer_or_infinity(1);
    }
    if let Some(password) = section.get("password").and_then(|node| node.section()) {
        check_password(password);
    }
    advice::on_auth(&section, &auth);
    section.finish();
    auth
}

/// True for the methods that can judge a certificate.
pub(crate) fn is_certificate_method(method: &str) -> bool {
    matches!(method, "http" | "ldap" | "pki")
}

fn read_methods(section: &Section<'_>) -> Vec<String> {
    let mut present = Vec::new();
    for &name in METHODS {
        if let Some(node) = section.get(name) {
            present.push(name);
            // The sections of http, ldap and pki are read by their own readers.
            if !is_certificate_method(name) {
                node.section();
            }
        }
    }
    let (node, documented) = (section.get("methods"), section.get("method"));
    if let Some(documented) = &documented {
        documented.warn(
            "no MongooseIM release reads `method`: the option is `methods`, and 4.0.0 to 6.8.0 do \
             not start with this spelling of its documentation; certjid reads it as `methods`",
        );
        if node.is_some() {
            documented.error("both methods and method are given");
        }
    }
    let Some(node) = node.or(documented) else {
        return present.into_iter().map(str::to_owned).collect();
    };
    let choices: Vec<_> = METHODS.iter().map(|&name| (name, name)).collect();
    let methods = node.list_of(|element| {
        let method = element.one_of(&choices)?;
        if !present.contains(&method) {
            element.warn(format!(
                "the method {method} has no section: MongooseIM since 5.1.0 does not start without \
                 [{}.{method}], which may be empty; certjid takes the defaults",
                section.path
            ));
        }
        Some(method.to_owned())
    });
    methods.unwrap_or_default()
}

fn read_http(section: &Section<'_>) -> Option<Secret> {
    let http = section.get("http")?.section()?;
    let basic_auth = http.get("basic_auth").and_then(|node| node.string());
    http.finish();
    basic_auth.map(Secret::new)
}

fn mechanism(node: &Node<'_>) -> Option<String> {
    let name = node.string()?;
    if is_fast_token(name) {
        return Some(name.to_owned());
    }
    node.one_of(&MECHANISMS.map(|mechanism| (mechanism, mechanism)))
        .map(str::to_owned)
}

/// `ht_sha256_none` and its like: XEP-0484, modules of MongooseIM that its documentation of
/// `sasl_mechanisms` does not list.
fn is_fast_token(name: &str) -> bool {
    let Some((hash, binding)) = name
        .strip_prefix("ht_")
        .and_then(|rest| rest.rsplit_once('_'))
    else {
        return false;
    };
    matches!(
        hash,
        "sha256" | "sha384" | "sha512" | "sha3_256" | "sha3_384" | "sha3_512"
    ) && matches!(binding, "endp" | "expr" | "none" | "uniq")
}

fn kind(node: &Node<'_>) -> Option<Kind> {
    let name = node.non_empty()?;
    let kind = name.parse().unwrap_or_else(|never| match never {});
    if let Kind::Module(module) = &kind
        && !is_module_name(module)
    {
        node.error(format!(
            "{} is neither standard, common_name nor auth_id, and no name of an Erlang module",
            quote(module)
        ));
        return None;
    }
    Some(kind)
}

/// True for an Erlang atom that needs no quotes.
pub(super) fn is_module_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= MAX_ATOM
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@'))
}

fn affix(section: &Section<'_>, key: &'static str) -> String {
    let Some(node) = section.get(key) else {
        return String::new();
    };
    let Some(text) = node.string() else {
        return String::new();
    };
    if let Err(error) = jid::nodeprep(text) {
        node.error(format!(
            "{} is no part of a user name: {error}",
            quote(text)
        ));
    }
    text.to_owned()
}

fn check_password(section: Section<'_>) {
    if let Some(node) = section.get("format") {
        node.one_of(&[("scram", ()), ("plain", ())]);
    }
    if let Some(node) = section.get("hash") {
        let hashes = ["sha", "sha224", "sha256", "sha384", "sha512"].map(|hash| (hash, hash));
        if node
            .unique(|hash| hash.one_of(&hashes))
            .is_some_and(|list| list.is_empty())
        {
            node.error("the list is empty");
        }
    }
    if let Some(node) = section.get("scram_iterations") {
        node.integer(1..=MAX_INTEGER);
    }
    section.finish();
}

fn default_mechanisms() -> Vec<String> {
    let offered = MECHANISMS
        .iter()
        .filter(|name| !matches!(**name, "digest" | "external"));
    offered.map(|&name| name.to_owned()).collect()
}

/// MongooseIM's methods, in the alphabetical order of the default.
pub(super) const METHODS: &[&str] = &[
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

/// The mechanisms that MongooseIM documents, in its order.
pub(super) const MECHANISMS: [&str; 15] = [
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

/// The greatest length of an Erlang atom.
const MAX_ATOM: usize = 255;
