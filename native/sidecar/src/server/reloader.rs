//! Reloads the policy when it is asked to, or when one of its files changes: on a thread of its
//! own, for those of the runtime may all be held up by a name service, and one after the other.

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use certjid_core::policy::{Seen, look};
use tokio::sync::oneshot;

use super::Service;

/// The thread that reloads. It ends when this is dropped.
#[derive(Debug)]
pub struct Reloader {
    asked: mpsc::Sender<oneshot::Sender<()>>,
}

impl Reloader {
    /// Starts the thread, for the policy of a service if there is one, and for what else is to be
    /// loaded again when that is asked for.
    ///
    /// With `watching` it looks at the policy's files every two seconds. A file that is replaced,
    /// as editors do and Kubernetes does through links, is seen too. After a reload that failed it
    /// tries again as often, for the fault may be a file that is not watched, since the policy in
    /// use does not have it.
    ///
    /// # Errors
    /// Where there can be no thread.
    pub fn start(
        service: Option<Arc<Service>>,
        watching: bool,
        others: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (asked, requests) = mpsc::channel();
        let seen = service
            .as_ref()
            .map_or(Vec::new(), |service| look(service.files(), &[]));
        thread::Builder::new()
            .name("certjid-reload".to_owned())
            .spawn(move || serve(service, watching, seen, &requests, others))?;
        Ok(Self { asked })
    }

    /// Loads all again, and returns when that is done.
    pub async fn reload(&self) {
        let (done, is_done) = oneshot::channel();
        // Fails where the thread is gone, which it never is.
        if self.asked.send(done).is_ok() {
            let _ = is_done.await;
        }
    }
}

fn serve(
    service: Option<Arc<Service>>,
    watching: bool,
    mut known: Vec<Seen>,
    requests: &mpsc::Receiver<oneshot::Sender<()>>,
    others: impl Fn(),
) {
    loop {
        let request = requests.recv_timeout(INTERVAL);
        if matches!(request, Err(RecvTimeoutError::Disconnected)) {
            return;
        }
        // A panic in it is logged by the panic hook; the old policy stays.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if let Some(service) = &service
                && (watching || request.is_ok())
            {
                let now = look(service.files(), &[]);
                match request {
                    Ok(_) => service.reload(),
                    Err(_) if now != known => service.reload(),
                    Err(_) => service.retry(),
                }
                // What has changed since is seen the next time. The new policy may have others.
                known = look(service.files(), &now);
            }
            if request.is_ok() {
                others();
            }
        }));
        if let Ok(done) = request {
            // Fails where nobody waits any more.
            let _ = done.send(());
        }
    }
}

const INTERVAL: Duration = Duration::from_secs(2);
