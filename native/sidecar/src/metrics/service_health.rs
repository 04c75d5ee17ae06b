use serde::{Deserialize, Serialize};

/// How a service behind a method does.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ServiceHealth {
    /// Whether it answered the last question.
    pub up: bool,
    /// Questions that it answered.
    pub answered: u64,
    /// Questions that it did not.
    pub failed: u64,
    /// When it failed last, in Unix seconds.
    pub failed_at: Option<i64>,
    /// Why it failed last.
    pub cause: Option<String>,
    /// Since when it has answered nothing, in Unix seconds.
    #[serde(default)]
    pub down_since: Option<i64>,
    #[serde(skip)]
    warned_at: Option<i64>,
}

impl ServiceHealth {
    /// Whether it is time to warn: a service is down that was up, or that nobody was warned of
    /// for a while.
    pub(super) fn record(&mut self, answer: Result<(), &str>, now: i64) -> bool {
        self.up = answer.is_ok();
        let Err(cause) = answer else {
            self.answered += 1;
            self.down_since = None;
            return false;
        };
        self.failed += 1;
        self.failed_at = Some(now);
        let end = cause.floor_char_boundary(MAX_CAUSE);
        self.cause = Some(cause[..end].to_owned());
        self.down_since.get_or_insert(now);
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
