//! How much of what strangers cause gets into the log.

use core::fmt::Display;
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use certjid_core::message::clip;
use certjid_core::pem;

/// Lets so many refusals into the log: a client can make as many as it likes.
#[derive(Debug)]
pub(crate) struct RefusalLimit {
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
    pub(crate) fn new(per_second: u32) -> Self {
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
    pub(crate) fn admits(&self, now: Instant) -> bool {
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

/// A text whose length others choose, as far as a line of the log has it. In no format does a line
/// have more than [`MAX_LINE`] bytes.
pub(crate) fn shown(text: impl Display) -> String {
    clip(&text.to_string(), MAX_TEXT).into_owned()
}

/// The same for a name, such as that of a host. PEM, which may be a key, is not shown.
pub(crate) fn shown_name(name: &str) -> Cow<'_, str> {
    let clipped = clip(name, MAX_NAME);
    if pem::is_in(clipped.as_bytes()) {
        return Cow::Borrowed("PEM text");
    }
    clipped
}

/// The greatest length of a line of the log, in bytes.
pub const MAX_LINE: usize = 16 * 1024;

/// In bytes, as JSON has it. A login has two such texts, and a JID that is not clipped.
const MAX_TEXT: usize = 1536;

/// In bytes, as JSON has it: more than any host has.
const MAX_NAME: usize = 320;

/// The refusals that are written at once, whatever the rate.
const BURST: f64 = 200.0;

/// Refusals a second: some 200 MB of log in a day.
pub const DEFAULT_LOG_REFUSALS: u32 = 10;

#[cfg(test)]
mod tests {
    use core::time::Duration;

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
