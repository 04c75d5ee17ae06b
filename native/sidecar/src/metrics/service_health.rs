use certjid_core::message::clip;

use crate::protocol::ServiceHealth;

/// How a service behind a method does, and when somebody was warned of it.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) health: ServiceHealth,
    warned_at: Option<i64>,
}

impl Watched {
    /// Whether it is time to warn: a service is down that was up, or that nobody was warned of
    /// for a while.
    pub(super) fn record(&mut self, answer: Result<(), &str>, now: i64) -> bool {
        let health = &mut self.health;
        health.up = answer.is_ok();
        let Err(cause) = answer else {
            health.answered += 1;
            health.down_since = None;
            return false;
        };
        health.failed += 1;
        health.failed_at = Some(now);
        health.cause = Some(clip(cause, MAX_CAUSE).into_owned());
        health.down_since.get_or_insert(now);
        let is_due = self
            .warned_at
            .is_none_or(|at| !(at..at + WARNING_INTERVAL).contains(&now));
        if is_due {
            self.warned_at = Some(now);
        }
        is_due
    }
}

/// Seconds between two warnings of the same service: many logins may wait for it.
const WARNING_INTERVAL: i64 = 10;

/// In bytes: a service writes a part of it.
const MAX_CAUSE: usize = 500;
