//! On the listeners.

use super::Lint;
use crate::config::model::{Auth, Listener, ListenerKind, Tls, TlsMode};
use crate::sasl::Kind;
use crate::verify::VerifyMode;

impl Lint<'_> {
    pub(super) fn on_listener(&mut self, listener: &Listener) {
        let Some(tls) = &listener.tls else {
            return;
        };
        self.on_crl_files(tls);
        self.on_selfsigned(tls);
        let admitted: Vec<&Auth> = self
            .config
            .auths()
            .filter(|auth| listener.admits(auth))
            .collect();
        if admitted.is_empty() {
            return;
        }
        if tls.verify_mode == VerifyMode::None {
            self.say(
                &tls.path,
                "sasl_mechanisms has \"external\", but with verify_mode = \"none\" MongooseIM (2.2.0 \
                 to 6.8.0) asks for no certificate, so that nobody can log in with one here; \
                 certjid takes none here either",
            );
            return;
        }
        self.on_lost_failures(listener, tls);
        self.on_absent_cacertfile(tls);
        if tls.verify_mode == VerifyMode::SelfsignedPeer {
            self.on_methods_beside_http(listener, tls, &admitted);
        }
    }

    fn on_crl_files(&mut self, tls: &Tls) {
        if !tls.crl_files.is_empty() {
            let message = format!(
                "no MongooseIM release checks CRLs: up to 6.0.0 it loads these files and does not \
                 ask OTP to use them, since 6.1.0 it does not load them; {}",
                self.who_refuses("the certificates that they revoke")
            );
            self.say(&format!("{}.crl_files", tls.path), message);
        }
    }

    fn on_selfsigned(&mut self, tls: &Tls) {
        if tls.verify_mode == VerifyMode::SelfsignedPeer {
            self.say(
                &format!("{}.verify_mode", tls.path),
                "MongooseIM since 3.2.0 accepts by selfsigned_peer a certificate that anyone can \
                 make for any user; so does certjid, if it signed itself: for development only",
            );
        }
    }

    /// Where MongooseIM forgets what was wrong with a certificate.
    fn on_lost_failures(&mut self, listener: &Listener, tls: &Tls) {
        if tls.disconnect_on_failure || tls.fast_tls {
            return;
        }
        let lost = match (listener.kind, tls.mode) {
            (ListenerKind::Http, _) => {
                "MongooseIM since 6.4.0 reads this for http listeners and loses the result of the \
                 check there (seen in 6.8.0), so that with disconnect_on_failure = false a \
                 certificate of any CA logs in"
            }
            (ListenerKind::C2s, TlsMode::Tls) => {
                "MongooseIM (seen in 6.8.0) loses the result of the check where TLS begins at \
                 once, so that with disconnect_on_failure = false a certificate of any CA logs in"
            }
            (ListenerKind::C2s, _) if resumes(tls) => {
                "MongooseIM (seen in 6.8.0) does not check a certificate again where a session of \
                 TLS 1.2 is resumed, so that with disconnect_on_failure = false a certificate of \
                 any CA logs in at the second connection"
            }
            (ListenerKind::C2s, _) => return,
        };
        let message = format!("{lost}; {}", self.who_refuses("it"));
        self.say(&format!("{}.disconnect_on_failure", tls.path), message);
    }

    fn on_absent_cacertfile(&mut self, tls: &Tls) {
        if tls.verify_mode == VerifyMode::Peer && tls.cacertfile.is_none() {
            self.say(
                &tls.path,
                "without cacertfile, each CA of the operating system may issue certificates that \
                 log in here, in MongooseIM since 6.4.0 as in certjid: a public CA's certificate \
                 for a common name is one; name the CA of your users",
            );
        }
    }

    /// A method that accepts whom the service of the method http refuses, where anyone can make
    /// a certificate.
    fn on_methods_beside_http(&mut self, listener: &Listener, tls: &Tls, admitted: &[&Auth]) {
        let has = |auth: &Auth, name: &str| {
            auth.methods.iter().any(|method| method == name) && listener.allows(name)
        };
        for other in ["pki", "ldap"] {
            let both = |auth: &&&Auth| has(auth, "http") && has(auth, other);
            let Some(auth) = admitted.iter().find(both) else {
                continue;
            };
            let what = match other {
                "pki" => "pki accepts each certificate that the service of http refuses",
                _ => "ldap compares no certificate and accepts whom the service of http refuses",
            };
            let message = format!(
                "{}.methods has {other} beside http: {what}, and under verify_mode = \
                 \"selfsigned_peer\" anyone can make one for any user, in MongooseIM as in \
                 certjid; leave {other} out, or set allowed_auth_methods to [\"http\"] here",
                auth.path
            );
            self.say(&format!("{}.verify_mode", tls.path), message);
        }
    }

    /// Who refuses what MongooseIM itself accepts: that depends on where the decision is made.
    fn who_refuses(&self, what: &str) -> String {
        let is_plug_in = |kind: &Kind| *kind == Kind::CertjidVerification;
        let mut offering = self.config.auths().filter(|auth| auth.offers_external());
        let is_by_plug_in = offering.clone().next().is_some()
            && offering.all(|auth| auth.sasl_external.iter().all(is_plug_in));
        if is_by_plug_in {
            format!(
                "certjid refuses {what} in the sidecar and in the NIF, and in MongooseIM by its \
                 plug-in certjid_verification, which judges the certificate itself by all listeners \
                 of this file that take XMPP clients"
            )
        } else {
            format!(
                "certjid refuses {what} in the sidecar and in the NIF; in MongooseIM itself only \
                 the plug-in certjid_verification does, as the only entry of sasl_external"
            )
        }
    }
}

/// Whether a session may be resumed without its certificate being checked: in TLS 1.2, which
/// is among OTP's defaults.
fn resumes(tls: &Tls) -> bool {
    let versions = tls.versions.as_ref();
    versions.is_none_or(|versions| versions.iter().any(|version| version != "tlsv1.3"))
}
