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
}

impl ServiceHealth {
    pub(super) fn record(&mut self, answer: Result<(), &str>, now: i64) {
        self.up = answer.is_ok();
        match answer {
            Ok(()) => self.answered += 1,
            Err(cause) => {
                self.failed += 1;
                self.failed_at = Some(now);
                let end = cause.floor_char_boundary(MAX_CAUSE);
                self.cause = Some(cause[..end].to_owned());
            }
        }
    }
}

/// In bytes: a service writes a part of it.
const MAX_CAUSE: usize = 500;
