//! How many bytes of replies may wait over all connections until their clients read them.
//!
//! A connection has at most a thousand requests under way, but there may be a thousand
//! connections. Where too much waits, the one that holds the most is closed: a client that reads
//! its replies is never that one.

use core::fmt;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The bytes that wait, by connection.
pub(super) struct Unsent {
    limit: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    total: usize,
    /// Those that are open. One that was closed for what it holds is not among them.
    connections: HashMap<u64, Holder>,
}

struct Holder {
    bytes: usize,
    closed: Arc<Notify>,
}

impl Unsent {
    /// Nothing waits yet, and never more than so many bytes.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            table: Mutex::default(),
        })
    }

    /// The part of a new connection.
    pub(super) fn open(self: &Arc<Self>) -> Arc<Share> {
        let closed = Arc::new(Notify::new());
        let mut table = self.table();
        let id = table.next;
        table.next += 1;
        let holder = Holder {
            bytes: 0,
            closed: Arc::clone(&closed),
        };
        table.connections.insert(id, holder);
        drop(table);
        Arc::new(Share {
            all: Arc::clone(self),
            id,
            closed,
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Every change is whole before anything in it can panic.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn close_the_largest(&mut self) {
        let largest = self.connections.iter().max_by_key(|(_, h)| h.bytes);
        let Some(id) = largest.map(|(id, _)| *id) else {
            return;
        };
        if let Some(holder) = self.connections.remove(&id) {
            self.total -= holder.bytes;
            holder.closed.notify_one();
        }
    }
}

/// What waits of one connection.
pub(super) struct Share {
    all: Arc<Unsent>,
    id: u64,
    closed: Arc<Notify>,
}

impl Share {
    /// Counts a reply that waits, until what is returned is dropped. None where the connection is
    /// to be closed.
    pub(super) fn hold(self: &Arc<Self>, bytes: usize) -> Option<Held> {
        let mut table = self.all.table();
        table.connections.get_mut(&self.id)?.bytes += bytes;
        table.total += bytes;
        while table.total > self.all.limit {
            table.close_the_largest();
        }
        table.connections.contains_key(&self.id).then(|| Held {
            share: Arc::clone(self),
            bytes,
        })
    }

    /// Is completed when the connection is to be closed.
    pub(super) async fn is_closed(&self) {
        self.closed.notified().await;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // What it held was dropped before, for it holds the share.
        self.all.table().connections.remove(&self.id);
    }
}

/// A reply that waits.
pub(super) struct Held {
    share: Arc<Share>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut table = self.share.all.table();
        if let Some(holder) = table.connections.get_mut(&self.share.id) {
            holder.bytes -= self.bytes;
            table.total -= self.bytes;
        }
    }
}

impl fmt::Debug for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsent")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The bytes of replies that may wait over all connections.
pub const DEFAULT_UNSENT: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn is_closed(share: &Share) -> bool {
        share.is_closed().now_or_never().is_some()
    }

    #[test]
    fn one_byte_above_the_limit_the_largest_is_closed() {
        let unsent = Unsent::new(1000);
        let shares = [unsent.open(), unsent.open(), unsent.open()];
        let held: Vec<Held> = [(0, 300), (1, 400), (2, 200), (0, 100)]
            .map(|(share, bytes): (usize, usize)| shares[share].hold(bytes).unwrap())
            .into();
        // All of it, and the largest is not alone.
        assert_eq!(unsent.table().total, 1000);
        drop(shares[0].hold(0).unwrap());
        let more = shares[1].hold(1);
        assert!(more.is_none() && is_closed(&shares[1]));
        assert_eq!(unsent.table().total, 600);
        assert!(shares[1].hold(1).is_none());
        // Another is closed for what it holds itself, and not for what comes to it.
        let more = shares[2].hold(400).unwrap();
        assert_eq!(unsent.table().total, 1000);
        let last = unsent.open();
        let small = last.hold(1).unwrap();
        assert!(is_closed(&shares[2]) && !is_closed(&shares[0]) && !is_closed(&last));
        drop((held, more, small));
        assert_eq!(unsent.table().total, 0);
        drop((shares, last));
        assert!(unsent.table().connections.is_empty());
    }
}
