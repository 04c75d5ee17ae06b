//! The section `auth`.

use super::node::Node;
use super::section::Section;
use crate::config::model::auth::{Auth, MECHANISMS, METHODS, OLDER_METHOD, is_module_name};
use crate::config::model::ldap::Ldap;
use crate::config::model::secret::Secret;
use crate::config::options::AUTH;
use crate::config::suggestion;
use crate::jid;
use crate::message::quote;
use crate::sasl::Kind;

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
    section.check(AUTH);
    section.finish();
    auth
}

/// The name of a method, which an older release may have.
pub(super) fn method<'a>(node: &Node<'a>) -> Option<&'a str> {
    match node.text() {
        Some(OLDER_METHOD) => {
            node.warn(format!(
                "MongooseIM 4.0.0 to 6.1.x has the method {OLDER_METHOD}, and later releases do \
                 not start with it; it can't judge a certificate"
            ));
            Some(OLDER_METHOD)
        }
        _ => node.name_of(METHODS),
    }
}

fn read_methods(section: &Section<'_>) -> Vec<String> {
    let present: Vec<&str> = METHODS
        .iter()
        .copied()
        .filter(|name| section.has(name))
        .collect();
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
    let methods = node.list_of(|element| {
        let method = method(element)?;
        if method != OLDER_METHOD && !present.contains(&method) {
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

/// A mechanism is to MongooseIM the end of the name of a module. certjid knows `external` alone,
/// and what looks like a slip of a name is a fault.
fn mechanism(node: &Node<'_>) -> Option<String> {
    let name = node.string()?;
    if is_fast_token(name) || MECHANISMS.contains(&name) {
        return Some(name.to_owned());
    }
    if suggestion::slip_of(name, &MECHANISMS).is_some() || !is_module_name(name) {
        return node.name_of(&MECHANISMS).map(str::to_owned);
    }
    node.warn(if matches!(name, "scram" | "external_verification") {
        format!(
            "MongooseIM up to 6.8.0 starts with {}, for it has a module cyrsasl_{name}, but that is \
             not a mechanism, so that each client's <auth/> drops the connection; certjid ignores \
             it",
            quote(name)
        )
    } else {
        format!(
            "MongooseIM up to 6.8.0 has no mechanism {}{}, and starts with it only where there is \
             a module cyrsasl_{name}; certjid ignores it",
            quote(name),
            suggestion::did_you_mean(name, &MECHANISMS)
        )
    });
    Some(name.to_owned())
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
            "{} is neither standard, common_name nor auth_id, and not a name of an Erlang module",
            quote(module)
        ));
        return None;
    }
    Some(kind)
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
            "{} is not a part of a user name: {error}",
            quote(text)
        ));
    }
    text.to_owned()
}
