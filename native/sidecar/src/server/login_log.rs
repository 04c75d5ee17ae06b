//! One line a login, and no more lines than a disk takes.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use certjid_core::certificate::{LoginFields, fingerprint_hex};
use certjid_core::config::ListenerRef;
use certjid_core::policy::Request;

use crate::protocol::Decision;

/// Lets so many refusals into the log: a client can make as many as it likes.
#[derive(Debug)]
pub(super) struct RefusalLimit {
    per_second: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    left: f64,
    at: Instant,
    suppressed: u64,
}

impl RefusalLimit {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            state: Mutex::new(State {
                left: BURST,
                at: Instant::now(),
                suppressed: 0,
            }),
        }
    }

    /// Whether one more may be written. The first after others that might not says how many.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let suppressed = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let passed = now.saturating_duration_since(state.at).as_secs_f64();
            state.left = (state.left + passed * f64::from(self.per_second)).min(BURST);
            state.at = state.at.max(now);
            if state.left < 1.0 {
                state.suppressed += 1;
                return false;
            }
            state.left -= 1.0;
            core::mem::take(&mut state.suppressed)
        };
        if suppressed > 0 {
            tracing::warn!(
                suppressed,
                "refusals were not logged: see --log-refusals, and the metrics for all of them"
            );
        }
        true
    }
}

/// What is known of a login before it is decided. What others chose is escaped; the certificate is
/// its fingerprint.
pub(super) struct LogEntry {
    fingerprint: String,
    not_after: Option<i64>,
    host: String,
    listener: String,
    begun: Instant,
}

impl LogEntry {
    pub(super) fn new(request: &Request, begun: Instant) -> Self {
        let (fingerprint, not_after) = match request.chain.first() {
            None => ("none".to_owned(), None),
            Some(der) => match LoginFields::from_der(der) {
                Ok(leaf) => (fingerprint_hex(der), Some(leaf.not_after)),
                Err(_) => ("unreadable".to_owned(), None),
            },
        };
        Self {
            fingerprint,
            not_after,
            host: request.host.clone(),
            listener: match &request.listener {
                ListenerRef::Name(name) => name.escape_debug().to_string(),
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

    pub(super) fn write(&self, decision: &Decision) {
        let notes: Vec<&str> = decision
            .trail
            .iter()
            .filter(|step| step.outcome == "note")
            .map(|step| step.message.as_str())
            .collect();
        let micros = u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            fingerprint = self.fingerprint,
            host = ?self.host,
            listener = self.listener,
            allowed = decision.allowed,
            jid = decision.jid.as_ref().map(tracing::field::debug),
            method = decision.method,
            condition = decision.condition,
            reason = decision.reason,
            cause = decision.message.as_ref().map(tracing::field::debug),
            notes = (!notes.is_empty()).then(|| tracing::field::debug(&notes)),
            micros,
            "login"
        );
    }
}

/// The refusals that are written at once, whatever the rate.
const BURST: f64 = 200.0;

/// Refusals a second: some 200 MB of log in a day.
pub const DEFAULT_LOG_REFUSALS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_bounded_and_its_end_is_told() {
        let limit = RefusalLimit::new(10);
        let begin = Instant::now();
        let admitted = (0..10_000).filter(|_| limit.admits(begin)).count();
        assert!((200..220).contains(&admitted), "{admitted}");
        let later = begin + Duration::from_secs(2);
        let admitted = (0..10_000).filter(|_| limit.admits(later)).count();
        assert!((20..25).contains(&admitted), "{admitted}");
    }
}
