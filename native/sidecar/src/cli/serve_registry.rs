//! The part of `certjid serve` that serves the registry.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::registry::open;
use super::settings::Settings;
use super::{Unusable, listen};
use crate::registry::Missing;
use crate::registry::http::{self, AccessOptions, Service};

/// The registry's service, on threads of its own: the sidecar's may all be waiting for it.
pub(super) struct RegistryServer {
    pub(super) service: Arc<Service>,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    running: JoinHandle<io::Result<()>>,
}

impl RegistryServer {
    /// Starts it, where the settings say so.
    pub(super) fn start(settings: &Settings) -> Result<Option<Self>, Unusable> {
        let (place, address) = match (&settings.registry, settings.http) {
            (Some(place), Some(address)) => (place, address),
            (None, None) => return Ok(None),
            (Some(_), None) => {
                return Err(Unusable(
                    "--registry is served over HTTP: --http is missing".to_owned(),
                ));
            }
            (None, Some(_)) => {
                return Err(Unusable(
                    "--http serves a registry: --registry is missing".to_owned(),
                ));
            }
        };
        let options = AccessOptions {
            address,
            certificate: settings.http_cert.clone(),
            key: settings.http_key.clone(),
            basic_auth: settings.http_basic_auth_file.clone(),
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(THREADS)
            .thread_name("registry")
            .enable_all()
            .build()?;
        let store = open(place, Missing::Create)?;
        let service = Arc::new(Service::new(store, options).map_err(Unusable::new)?);
        let listener = listen::tcp(address)?;
        tracing::info!(address = %listener.local_addr()?, "serving the registry");
        // A database that is away or can't be used is in the log before somebody logs in.
        let probed = Arc::clone(&service);
        runtime.spawn(async move { probed.probe().await });
        let (stop, stopped) = oneshot::channel();
        let running = runtime.spawn(http::run(listener, Arc::clone(&service), async {
            let _ = stopped.await;
        }));
        Ok(Some(Self {
            service,
            runtime,
            stop,
            running,
        }))
    }

    /// Ends it when all that was asked is answered.
    pub(super) fn stop(self) -> Result<(), Unusable> {
        drop(self.stop);
        let ended = self.runtime.block_on(self.running);
        self.runtime.shutdown_timeout(Duration::from_millis(100));
        let answered = self.service.answered();
        tracing::info!(
            found = answered.found,
            unknown = answered.unknown,
            unauthorized = answered.unauthorized,
            bad = answered.bad,
            failed = answered.failed,
            "the registry is served no more"
        );
        ended.map_err(Unusable::new)??;
        Ok(())
    }
}

/// Reading is little work.
const THREADS: usize = 2;
