//! Reloads the policy when one of its files changes.

use core::time::Duration;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::Service;

/// Looks at the files' times every two seconds, for ever. A file that is replaced, as editors do
/// and Kubernetes does through links, is seen too.
pub async fn watch(service: Arc<Service>) {
    let mut known = Vec::new();
    loop {
        let (looking, before) = (Arc::clone(&service), known.clone());
        let looked = spawn_blocking(move || {
            let now = look(looking.files());
            if before.is_empty() || now == before {
                return now;
            }
            looking.reload();
            // The new policy may have other files.
            look(looking.files())
        });
        known = looked.await.unwrap_or(known);
        sleep(INTERVAL).await;
    }
}

/// A file, and what changes with it: its time, length and inode.
type Seen = (PathBuf, Option<(SystemTime, u64, u64)>);

fn look(files: Vec<PathBuf>) -> Vec<Seen> {
    let seen = |file: PathBuf| {
        let metadata = fs::metadata(&file).ok();
        let state = metadata.and_then(|data| Some((data.modified().ok()?, data.len(), data.ino())));
        (file, state)
    };
    files.into_iter().map(seen).collect()
}

const INTERVAL: Duration = Duration::from_secs(2);
