//! The login that MongooseIM's callback decides: `verify_creds/1` of a module in
//! `auth.sasl_external`.

use super::{Authzid, Refused, Request, connection};
use crate::certificate::ClientCertificate;
use crate::config::{Listener, ListenerRef};
use crate::message::quote;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::sasl::{self, Credentials, Kind, Rules, Verdict};
use crate::verify::{Crl, VerifyMode};

/// What MongooseIM's credentials (`mongoose_credentials`) say of a login.
#[derive(Clone, Copy, Debug)]
pub struct Creds<'a> {
    /// `der_cert`: the client's own certificate in DER.
    pub certificate: &'a [u8],
    /// `lserver`: the host after nameprep.
    pub host: &'a str,
    /// `auth.sasl_external_common_name.prefix` of the host type.
    pub prefix: &'a str,
    /// `auth.sasl_external_common_name.suffix` of the host type.
    pub suffix: &'a str,
    /// `auth_id`: the decoded authorization identity; empty is absent.
    pub authzid: Option<&'a [u8]>,
}

impl Policy {
    /// The user name (a prepared local part) by the rules of `certjid_verification`, at `now` in
    /// Unix seconds.
    ///
    /// MongooseIM lets any certificate through over direct TLS, WebSocket and BOSH, and on a
    /// resumed session, where `disconnect_on_failure` is false, and never asks `crl_files`; so the
    /// certificate is judged here. MongooseIM does not tell the listener that took the connection:
    /// one at which a certificate of the host can log in must accept it, and no listener that asks
    /// for certificates may have a CRL that revokes it. Of the client's chain it hands over the leaf: the intermediate
    /// CAs must be in `cacertfile`.
    ///
    /// # Errors
    /// The most telling refusal of the listeners, or that of the certificate's names.
    pub fn verify_creds(&self, creds: &Creds<'_>, now: i64) -> Result<String, Refused> {
        let request = Request {
            listener: ListenerRef::Name("c2s".to_owned()),
            host: creds.host.to_owned(),
            host_type: None,
            chain: vec![creds.certificate.to_vec()],
            authzid: Authzid::Absent,
            verified: None,
        };
        let certificate = self.check_anywhere(&request, now)?;
        let rules = Rules {
            kinds: &[Kind::CertjidVerification],
            prefix: creds.prefix,
            suffix: creds.suffix,
            host: creds.host,
        };
        let credentials = Credentials {
            common_name: certificate.common_name(),
            xmpp_addrs: certificate.xmpp_addrs(),
            authzid: creds.authzid,
        };
        let (verdict, trail) = sasl::decide(&rules, &credentials);
        match verdict {
            Verdict::User(user) => Ok(user.local),
            Verdict::Refused(refused) => Err(Refused { trail, ..refused }),
            Verdict::AskModule(module) => Err(Refused::new(
                Reason::ModuleUnavailable,
                format!("{module} is not asked here"),
            )),
        }
    }

    /// The listeners whose certificates certjid judges where it is not told which one took a
    /// connection: those that take XMPP clients, ask for certificates, and allow some host a method
    /// by which a certificate logs in (`allowed_auth_methods`).
    pub fn certificate_listeners(&self) -> impl Iterator<Item = &Listener> {
        self.config().listeners.iter().filter(|listener| {
            asks(listener) && self.config().auths().any(|auth| listener.admits(auth))
        })
    }

    /// Those of them at which a user of the host can log in; the host type of a dynamic domain is
    /// not known here.
    fn certificate_listeners_of(&self, host: &str) -> impl Iterator<Item = &Listener> {
        let auth = self.config().auth(host, None);
        self.certificate_listeners()
            .filter(move |listener| auth.is_none_or(|auth| listener.admits(auth)))
    }

    /// The revocation lists of every listener that asks for certificates.
    fn all_lists(&self) -> Vec<&Crl> {
        let mut seen = Vec::new();
        let mut lists = Vec::new();
        for listener in self.config().listeners.iter().filter(|&known| asks(known)) {
            if let Some(tls) = &listener.tls
                && !seen.contains(&&tls.crl_files)
            {
                seen.push(&tls.crl_files);
                lists.extend(self.trust(tls).crls());
            }
        }
        lists
    }

    fn check_anywhere<'a>(
        &self,
        request: &'a Request,
        now: i64,
    ) -> Result<ClientCertificate<'a>, Refused> {
        let mut judged = Vec::new();
        let mut accepted = None;
        let mut refused: Option<Refused> = None;
        let lists = self.all_lists();
        for listener in self.certificate_listeners_of(&request.host) {
            let trust = listener
                .tls
                .as_ref()
                .map(|tls| (tls.verify_mode, &tls.cacertfile, &tls.crl_files));
            if judged.contains(&trust) {
                continue;
            }
            judged.push(trust);
            match connection::check(self, listener, request, &lists, now) {
                Ok(certificate) => accepted = Some(certificate),
                Err(revoked) if revoked.reason == Reason::Revoked => return Err(revoked),
                Err(other) => {
                    let is_telling = |known: &Refused| known.reason.rank() < other.reason.rank();
                    if refused.as_ref().is_none_or(is_telling) {
                        refused = Some(other);
                    }
                }
            }
        }
        accepted.ok_or_else(|| match refused {
            Some(refused) => with_hint(refused),
            None => Refused::new(
                Reason::NoTls,
                format!(
                    "{} has no listener with TLS that takes XMPP clients, asks for certificates and \
                     allows {} a method by which they log in",
                    self.config().file.display(),
                    quote(&request.host)
                ),
            ),
        })
    }
}

fn asks(listener: &Listener) -> bool {
    let tls = listener.tls.as_ref();
    tls.is_some_and(|tls| tls.verify_mode != VerifyMode::None)
}

fn with_hint(refused: Refused) -> Refused {
    if refused.reason != Reason::UnknownCa {
        return refused;
    }
    let message = format!(
        "{}; MongooseIM hands over the client's own certificate alone, so that the intermediate \
         CAs that clients send must be in cacertfile too",
        refused.message
    );
    Refused { message, ..refused }
}
