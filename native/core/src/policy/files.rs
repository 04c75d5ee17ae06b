//! The files that a policy is made of, and whether they have changed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::SystemTime;

use super::Policy;
use crate::config::Config;

/// A file, and what changes with it: its time, length and inode. A file that is replaced, as
/// editors do and Kubernetes does through links, is seen too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    file: PathBuf,
    state: Option<(SystemTime, u64, u64)>,
}

/// What there is of files, or was when they were seen before.
pub fn look(files: Vec<PathBuf>, before: &[Seen]) -> Vec<Seen> {
    let seen = |file: PathBuf| {
        if let Some(known) = before.iter().find(|known| known.file == file) {
            return known.clone();
        }
        let metadata = fs::metadata(&file).ok();
        let state = metadata.and_then(|data| Some((data.modified().ok()?, data.len(), data.ino())));
        Seen { file, state }
    };
    files.into_iter().map(seen).collect()
}

impl Policy {
    /// The files that the policy is made of: the configuration, and what its listeners and pools
    /// name.
    pub fn files(&self) -> Vec<PathBuf> {
        of(&self.config)
    }

    /// Whether all of them are as they were when they were read.
    pub fn is_current(&self) -> bool {
        look(self.files(), &[]) == self.seen
    }
}

pub(super) fn of(config: &Config) -> Vec<PathBuf> {
    let of_listeners = config
        .listeners
        .iter()
        .filter_map(|listener| listener.tls.as_ref())
        .flat_map(|tls| tls.cacertfile.iter().chain(&tls.crl_files));
    let of_pools = config
        .pools
        .iter()
        .filter_map(|pool| pool.connection.tls())
        .flat_map(|tls| {
            let own = tls.certfile.iter().chain(&tls.keyfile);
            own.chain(&tls.cacertfile).chain(&tls.crl_files)
        });
    let mut files: Vec<PathBuf> = of_listeners.chain(of_pools).cloned().collect();
    files.push(config.file.clone());
    files.sort();
    files.dedup();
    files
}
