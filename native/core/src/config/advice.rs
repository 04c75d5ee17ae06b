//! What is to be said of settings that load but do not do what they seem to do, in MongooseIM
//! or here. "Seen in 6.8.0" is said where it is not known since when MongooseIM does so.

use alloc::collections::BTreeSet;

use super::auth::{Auth, is_certificate_method};
use super::listen::{Listener, ListenerKind};
use super::log::Log;
use super::reader::{Section, quote};
use super::suggestion;
use super::tls::{Tls, TlsMode};
use crate::sasl::Kind;
use crate::verify::VerifyMode;

/// On a section `auth`, after it was read.
pub(super) fn on_auth(section: &Section<'_>, auth: &Auth) {
    on_methods(section, auth);
    on_mechanisms(section, auth);
    on_kinds(section, auth);
}

/// On the TLS options of a listener, after they were read.
pub(super) fn on_tls(section: &Section<'_>, tls: &Tls, kind: ListenerKind) {
    if let Some(node) = section.get("crl_files")
        && !tls.crl_files.is_empty()
    {
        node.warn(
            "no MongooseIM release checks CRLs: up to 6.0.0 it loads these files and does not ask \
             OTP to use them, since 6.1.0 it does not load them; certjid refuses the certificates \
             that they revoke",
        );
    }
    if tls.verify_mode == VerifyMode::SelfsignedPeer
        && let Some(node) = section.get("verify_mode")
    {
        node.warn(
            "MongooseIM since 3.2.0 accepts by selfsigned_peer a certificate that anyone can make \
             for any user; so does certjid, if it signed itself: for development only",
        );
    }
    let direct = tls.mode == TlsMode::Tls;
    if direct
        && !tls.disconnect_on_failure
        && !tls.fast_tls
        && tls.verify_mode != VerifyMode::None
        && let Some(node) = section.get("disconnect_on_failure")
    {
        node.warn(match kind {
            ListenerKind::C2s => {
                "MongooseIM (seen in 6.8.0) loses the result of the check where TLS begins at \
                 once, so that with disconnect_on_failure = false a certificate of any CA logs \
                 in; certjid checks each login and refuses it"
            }
            ListenerKind::Http => {
                "MongooseIM since 6.4.0 reads this for http listeners and loses the result of the \
                 check there (seen in 6.8.0), so that with disconnect_on_failure = false a \
                 certificate of any CA logs in; certjid checks each login and refuses it"
            }
        });
    }
}

/// On a listener, once it is known whether any host offers EXTERNAL.
pub(super) fn on_listener(log: &Log, listener: &Listener, offers_external: bool) {
    let Some(tls) = &listener.tls else {
        return;
    };
    if offers_external && listener.takes_xmpp() && tls.verify_mode == VerifyMode::None {
        log.warn(
            tls.line,
            &tls.path,
            "sasl_mechanisms has \"external\", but with verify_mode = \"none\" MongooseIM (2.2.0 to \
             6.8.0) asks for no certificate, so that nobody can log in with one here; certjid \
             takes none here either",
        );
    }
}

fn on_methods(section: &Section<'_>, auth: &Auth) {
    if !auth.has_external() {
        return;
    }
    let certificate: Vec<&str> = auth
        .methods
        .iter()
        .map(String::as_str)
        .filter(|method| is_certificate_method(method))
        .collect();
    let said = |message: String| {
        let node = section.get("methods").or_else(|| section.get("method"));
        match node {
            Some(node) => node.warn(message),
            None => section.warn(message),
        }
    };
    if certificate.is_empty() {
        said(
            "sasl_mechanisms has \"external\", but none of the methods can judge a certificate: \
             MongooseIM (2.2.0 to 6.8.0) does not offer EXTERNAL, and neither does certjid; add \
             pki, http or ldap"
                .to_owned(),
        );
        return;
    }
    if certificate.iter().all(|&method| method == "http") {
        said(
            "http is the only method that can judge a certificate: MongooseIM (3.6.0 to 6.8.0) \
             has it compare certificates, but never offers EXTERNAL for http alone; certjid does"
                .to_owned(),
        );
        return;
    }
    let asked = auth.methods.iter().map(String::as_str);
    let before: Vec<&str> = asked
        .take_while(|method| !matches!(*method, "ldap" | "pki"))
        .collect();
    let Some(&first) = before.iter().find(|method| !is_certificate_method(method)) else {
        return;
    };
    said(if first == "dummy" {
        "the method dummy comes before those that judge a certificate: MongooseIM (seen in 6.8.0) \
         lets it accept anyone; certjid skips it"
            .to_owned()
    } else {
        format!(
            "the method {first} comes before those that judge a certificate: MongooseIM (seen in \
             6.8.0) asks it first, finds no password and drops the connection; certjid skips it"
        )
    });
}

fn on_mechanisms(section: &Section<'_>, auth: &Auth) {
    let node = section.get("sasl_mechanisms");
    let explicit_kinds = section.get("sasl_external").is_some();
    let judges = |method: &String| {
        // http and ldap check passwords too, so that they alone do not call for EXTERNAL.
        method == "pki" || explicit_kinds && is_certificate_method(method)
    };
    if !auth.has_external() && auth.methods.iter().any(judges) {
        let message = "a method can judge certificates, but sasl_mechanisms has no \"external\": \
                       MongooseIM (2.2.0 to 6.8.0) does not offer EXTERNAL then, which is its \
                       default, and neither does certjid";
        match &node {
            Some(node) => node.warn(message),
            None => section.warn(message),
        }
    }
    let mut seen = BTreeSet::new();
    let Some(node) = node else {
        return;
    };
    if let Some(twice) = auth
        .sasl_mechanisms
        .iter()
        .find(|mechanism| !seen.insert(*mechanism))
    {
        node.warn(format!(
            "{} stands in the list twice: MongooseIM (seen in 6.8.0) drops the connection of each \
             client that picks it; certjid counts it once",
            quote(twice)
        ));
    }
}

fn on_kinds(section: &Section<'_>, auth: &Auth) {
    let Some(node) = section.get("sasl_external") else {
        return;
    };
    if auth.sasl_external.is_empty() {
        node.warn(
            "the list is empty: MongooseIM (seen in 6.8.0) starts with it and then drops each \
             connection that tries a certificate; certjid refuses each such login",
        );
    }
    let behind_standard = |kind: &Kind| {
        let standard = auth
            .sasl_external
            .iter()
            .position(|kind| *kind == Kind::Standard);
        let kind = auth.sasl_external.iter().position(|other| other == kind);
        standard.is_some_and(|standard| kind.is_some_and(|kind| standard < kind))
    };
    if auth.sasl_external.contains(&Kind::AuthId) {
        let bob = if behind_standard(&Kind::AuthId) {
            ": behind standard, a certificate for alice logs in as bob"
        } else {
            ""
        };
        node.warn(format!(
            "auth_id believes the client: in MongooseIM since 3.6.0, and here, any accepted \
             certificate logs in as any user of the host{bob}"
        ));
    }
    if behind_standard(&Kind::CommonName) {
        node.warn(
            "common_name behind standard ignores the certificate's addresses: in MongooseIM since \
             3.6.0, and here, a certificate that standard refuses still logs in as its common name",
        );
    }
    for kind in &auth.sasl_external {
        if let Kind::Module(module) = kind
            && let Some(near) = suggestion::nearest(module, &["auth_id", "common_name", "standard"])
        {
            node.warn(format!(
                "MongooseIM (4.0.0 to 6.8.0) takes {module} for an Erlang module and does not \
                 start without it; so does certjid. Did you mean {near}?"
            ));
        }
    }
}
