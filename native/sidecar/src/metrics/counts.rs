use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// How often each of some names came.
#[derive(Debug, Default)]
pub struct Counts(RwLock<BTreeMap<String, AtomicU64>>);

impl Counts {
    /// Counts one more of a name. The names are codes of certjid; should there be very many, those
    /// that come late are counted as `other`.
    pub fn add(&self, name: &str) {
        {
            let counts = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = counts.get(name) {
                count.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        let mut counts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let name = if counts.len() < MAX_NAMES {
            name
        } else {
            "other"
        };
        let count = counts.entry(name.to_owned()).or_default();
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// The names with their counts.
    pub fn list(&self) -> Vec<(String, u64)> {
        let counts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .map(|(name, count)| (name.clone(), count.load(Ordering::Relaxed)))
            .collect()
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.list().iter().map(|(_, count)| count).sum()
    }
}

const MAX_NAMES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded() {
        let counts = Counts::default();
        for number in 0..1000 {
            counts.add(&number.to_string());
            counts.add("0");
        }
        let list = counts.list();
        assert_eq!(list.len(), MAX_NAMES + 1);
        assert_eq!(counts.total(), 2000);
        assert!(list.contains(&("0".to_owned(), 1001)), "{list:?}");
        assert!(list.contains(&("other".to_owned(), 800)), "{list:?}");
    }
}
