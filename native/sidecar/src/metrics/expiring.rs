use std::collections::HashMap;

/// The certificates that logged in lately and expire soon.
#[derive(Debug, Default)]
pub(super) struct Expiring(HashMap<String, Certificate>);

#[derive(Debug)]
struct Certificate {
    not_after: i64,
    seen: i64,
}

impl Expiring {
    pub(super) fn seen(&mut self, fingerprint: &str, not_after: i64, now: i64) {
        if not_after - now > SOON {
            return;
        }
        if let Some(known) = self.0.get_mut(fingerprint) {
            known.seen = now;
            return;
        }
        if self.0.len() >= MAX_KNOWN {
            self.forget(now);
        }
        if self.0.len() < MAX_KNOWN {
            let certificate = Certificate {
                not_after,
                seen: now,
            };
            self.0.insert(fingerprint.to_owned(), certificate);
        }
    }

    pub(super) fn count(&mut self, now: i64) -> usize {
        self.forget(now);
        self.0.len()
    }

    /// A certificate that has expired is noticed otherwise, and one that is not used any more was
    /// renewed.
    fn forget(&mut self, now: i64) {
        self.0
            .retain(|_, known| known.not_after >= now && now - known.seen <= LATELY);
    }
}

/// Thirty days, in seconds.
const SOON: i64 = 30 * 86_400;

/// Seven days, in seconds.
const LATELY: i64 = 7 * 86_400;

/// More are not told apart: about 2 MiB.
const MAX_KNOWN: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn certificates_count_until_they_expire_or_are_renewed() {
        let mut expiring = Expiring::default();
        expiring.seen("late", 40 * DAY, 0);
        assert_eq!(expiring.count(0), 0);
        expiring.seen("soon", 10 * DAY, 0);
        expiring.seen("soon", 10 * DAY, 5 * DAY);
        expiring.seen("renewed", 30 * DAY, 0);
        assert_eq!(expiring.count(5 * DAY), 2);
        assert_eq!(expiring.count(8 * DAY), 1);
        assert_eq!(expiring.count(11 * DAY), 0);
    }

    #[test]
    fn no_more_are_kept_than_the_limit() {
        let mut expiring = Expiring::default();
        for number in 0..20_000 {
            expiring.seen(&number.to_string(), DAY, 0);
        }
        assert_eq!(expiring.count(0), MAX_KNOWN);
    }
}
