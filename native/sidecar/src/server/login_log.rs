//! One line a login.

use core::time::Duration;
use std::time::Instant;

use certjid_core::certificate::{ClientCertificate, XmppAddr, fingerprint_hex};
use certjid_core::config::ListenerRef;
use certjid_core::decide::Request;

use crate::log_limit::{shown, shown_name};
use crate::protocol::Decision;

/// What is known of a login before it is decided. The certificate is its fingerprint.
pub(super) struct LogEntry {
    fingerprint: String,
    not_after: Option<i64>,
    /// Who the client is by its certificate, before anything is checked.
    name: String,
    host: String,
    listener: String,
    begun: Instant,
}

impl LogEntry {
    pub(super) fn new(request: &Request, begun: Instant) -> Self {
        let (fingerprint, not_after, name) = match request.chain.first() {
            None => ("none".to_owned(), None, "no certificate".to_owned()),
            Some(der) => match ClientCertificate::from_der(der) {
                Ok(leaf) => (fingerprint_hex(der), Some(leaf.not_after()), name(&leaf)),
                Err(_) => {
                    let name = "an unreadable certificate".to_owned();
                    ("unreadable".to_owned(), None, name)
                }
            },
        };
        Self {
            fingerprint,
            not_after,
            name,
            host: shown_name(&request.host).into_owned(),
            listener: match &request.listener {
                ListenerRef::Name(name) => shown_name(name).into_owned(),
                ListenerRef::Port(port) => port.to_string(),
            },
            begun,
        }
    }

    /// The certificate and the end of its validity.
    pub(super) fn certificate(&self) -> Option<(&str, i64)> {
        Some((&self.fingerprint, self.not_after?))
    }

    /// Since the request was there.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// One line, whose fields docs/operator.md has. The message reads by itself.
    pub(super) fn write(&self, decision: &Decision) {
        let notes: Vec<&str> = decision
            .trail
            .iter()
            .filter(|step| step.outcome == "note")
            .map(|step| step.message.as_str())
            .collect();
        let message = match &decision.jid {
            Some(jid) => format!("login allowed: {}", jid.escape_debug()),
            None => format!(
                "login refused: {}: {}",
                self.name.escape_debug(),
                decision.reason.as_deref().unwrap_or_default()
            ),
        };
        let micros = u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            fingerprint = self.fingerprint,
            host = self.host,
            listener = self.listener,
            allowed = decision.allowed,
            jid = decision.jid,
            method = decision.method,
            condition = decision.condition,
            reason = decision.reason,
            cause = decision.message.as_ref().map(shown),
            notes = (!notes.is_empty()).then(|| shown(notes.join("; "))),
            micros,
            "{message}"
        );
    }
}

/// The first name of a certificate.
fn name(leaf: &ClientCertificate<'_>) -> String {
    let address = leaf.xmpp_addrs().iter().find_map(XmppAddr::text);
    let name = address.or_else(|| leaf.common_name());
    shown_name(name.unwrap_or("a certificate without a name")).into_owned()
}
