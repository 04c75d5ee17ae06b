//! On the sections `auth`.

use alloc::collections::BTreeSet;

use super::Lint;
use crate::config::model::{Auth, LocalOperation, is_certificate_method};
use crate::config::suggestion;
use crate::message::quote;
use crate::sasl::Kind;

impl Lint<'_> {
    pub(super) fn on_auth(&mut self, auth: &Auth) {
        self.on_methods(auth);
        self.on_mechanisms(auth);
        self.on_kinds(auth);
        self.on_order_of_kinds(auth);
        self.on_ldap(auth);
    }

    fn on_methods(&mut self, auth: &Auth) {
        if !auth.has_external() {
            return;
        }
        let certificate: Vec<&str> = auth
            .methods
            .iter()
            .map(String::as_str)
            .filter(|method| is_certificate_method(method))
            .collect();
        let path = self.methods_path(auth);
        if certificate.is_empty() {
            self.say(
                &path,
                "sasl_mechanisms has \"external\", but none of the methods can judge a \
                 certificate: MongooseIM (2.2.0 to 6.8.0) does not offer EXTERNAL, and neither \
                 does certjid; add pki, http or ldap",
            );
            return;
        }
        if certificate.iter().all(|&method| method == "http") {
            self.say(
                &path,
                "http is the only method that can judge a certificate: MongooseIM (3.6.0 to 6.8.0) \
                 has it compare certificates, but never offers EXTERNAL for http alone; certjid \
                 does",
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
        let message = if first == "dummy" {
            "the method dummy comes before those that judge a certificate: MongooseIM (seen in \
             6.8.0) lets it accept anyone; certjid skips it"
                .to_owned()
        } else {
            format!(
                "the method {first} comes before those that judge a certificate: MongooseIM (seen \
                 in 6.8.0) asks it first, finds no password and drops the connection; certjid \
                 skips it"
            )
        };
        self.say(&path, message);
    }

    fn on_mechanisms(&mut self, auth: &Auth) {
        let path = format!("{}.sasl_mechanisms", auth.path);
        let has_kinds = self.has(&format!("{}.sasl_external", auth.path));
        let judges = |method: &String| {
            // http and ldap check passwords too, so that they alone do not call for EXTERNAL.
            method == "pki" || has_kinds && is_certificate_method(method)
        };
        if !auth.has_external() && auth.methods.iter().any(judges) {
            let place = if self.has(&path) { &path } else { &auth.path };
            self.say(
                place,
                "a method can judge certificates, but sasl_mechanisms has no \"external\": \
                 MongooseIM (2.2.0 to 6.8.0) does not offer EXTERNAL then, which is its default, \
                 and neither does certjid",
            );
        }
        let mut seen = BTreeSet::new();
        let mut mechanisms = auth.sasl_mechanisms.iter();
        if let Some(duplicate) = mechanisms.find(|mechanism| !seen.insert(*mechanism)) {
            self.say(
                &path,
                format!(
                    "{} is in the list twice: MongooseIM (seen in 6.8.0) drops the connection of \
                     each client that picks it; certjid counts it once",
                    quote(duplicate)
                ),
            );
        }
    }

    fn on_kinds(&mut self, auth: &Auth) {
        let path = format!("{}.sasl_external", auth.path);
        if auth.sasl_external.is_empty() {
            self.say(
                &path,
                "the list is empty: MongooseIM (seen in 6.8.0) starts with it and then drops each \
                 connection that tries a certificate; certjid refuses each such login",
            );
        }
        for kind in &auth.sasl_external {
            match kind {
                Kind::DemoVerification => self.say(
                    &path,
                    "cyrsasl_external_verification believes the client: in MongooseIM since 3.6.0, \
                     and here, any accepted certificate logs in as any user of the host, for the \
                     authzid comes before what the certificate names; certjid_verification \
                     compares the two",
                ),
                Kind::Module(module) => {
                    let known = ["auth_id", "certjid_verification", "common_name", "standard"];
                    if let Some(near) = suggestion::nearest(module, &known) {
                        self.say(
                            &path,
                            format!(
                                "MongooseIM (4.0.0 to 6.8.0) takes {module} for an Erlang module \
                                 and does not start without it; so does certjid. Did you mean \
                                 {near}?"
                            ),
                        );
                    }
                }
                _ => {}
            }
        }
    }

    fn on_order_of_kinds(&mut self, auth: &Auth) {
        let path = format!("{}.sasl_external", auth.path);
        let position = |kind: &Kind| auth.sasl_external.iter().position(|other| other == kind);
        let is_behind_standard = |kind: &Kind| {
            let (standard, kind) = (position(&Kind::Standard), position(kind));
            standard.is_some_and(|standard| kind.is_some_and(|kind| standard < kind))
        };
        if auth.sasl_external.contains(&Kind::AuthId) {
            let bob = if is_behind_standard(&Kind::AuthId) {
                ": behind standard, a certificate for alice logs in as bob"
            } else {
                ""
            };
            self.say(
                &path,
                format!(
                    "auth_id believes the client: in MongooseIM since 3.6.0, and here, any \
                     accepted certificate logs in as any user of the host{bob}"
                ),
            );
        }
        if is_behind_standard(&Kind::CommonName) {
            self.say(
                &path,
                "common_name behind standard ignores the certificate's addresses: in MongooseIM \
                 since 3.6.0, and here, a certificate that standard refuses still logs in as its \
                 common name",
            );
        }
    }

    fn on_ldap(&mut self, auth: &Auth) {
        let Some(ldap) = &auth.ldap else {
            return;
        };
        if let Some(filter) = &ldap.local_filter {
            let effect = match filter.operation {
                LocalOperation::Equal => "equal refuses everyone",
                LocalOperation::NotEqual => "notequal lets everyone in",
            };
            self.say(
                &format!("{}.ldap.local_filter", auth.path),
                format!(
                    "MongooseIM (seen in 6.8.0) never finds that local_filter matches, so that \
                     {effect} there; certjid compares the attribute as the documentation says"
                ),
            );
        }
        if let Some(filter) = &ldap.dn_filter
            && filter.attributes.len() > 1
        {
            self.say(
                &format!("{}.ldap.dn_filter.attributes", auth.path),
                "MongooseIM (seen in 6.8.0) puts the first attribute in the place of each %s; \
                 certjid puts them in turn, as the documentation says",
            );
        }
    }

    /// The option that says the methods, or the section where none does.
    fn methods_path(&self, auth: &Auth) -> String {
        let options = ["methods", "method"].map(|key| format!("{}.{key}", auth.path));
        let given = options.into_iter().find(|path| self.has(path));
        given.unwrap_or_else(|| auth.path.clone())
    }
}
