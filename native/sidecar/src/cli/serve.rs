use core::time::Duration;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use clap::Args;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::serve_registry::RegistryServer;
use super::settings::Settings;
use super::{Done, Unusable, config_check, crl_policy, listen, log, notify};
use crate::backend;
use crate::log_limit::shown;
use crate::metrics::exporter::{self, Exporter};
use crate::server::reloader::Reloader;
use crate::server::socket::SocketFile;
use crate::server::{self, DEFAULT_LOG_REFUSALS, Limits, Service};

/// Runs the sidecar: answers servers over a Unix socket, and serves a registry over HTTP
///
/// SIGHUP loads the configuration again; on SIGTERM and SIGINT it finishes pending requests
/// and exits.
#[derive(Args, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    settings: Settings,
    /// A TOML file with these options, their names with underscores; the command line and the
    /// environment take precedence
    #[arg(long = "settings", env = "CERTJID_SETTINGS", value_name = "FILE")]
    settings_file: Option<PathBuf>,
}

/// Serves until it is told to end.
///
/// # Errors
/// Where it can't begin.
pub fn serve(args: ServeArgs) -> Done {
    let settings = match &args.settings_file {
        Some(path) => args.settings.or_file(path)?,
        None => args.settings,
    };
    let log = log::start(&settings)?;

    // Signatures are checked where requests are read: to hand a request over to another thread
    // takes longer than most of what is done with it. A decision is bounded in time.
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(processors)
        .max_blocking_threads(MAX_BLOCKING)
        .enable_all()
        .build()?;
    // Before anybody can be told that this serves.
    let (stop, mut hang_up) = runtime
        .block_on(async { io::Result::Ok((stop_signal()?, signal(SignalKind::hangup())?)) })?;
    let registry = RegistryServer::start(&settings)?;
    // The registry may be served alone.
    let sidecar = if registry.is_none() || settings.config.is_some() || settings.socket.is_some() {
        Some(Sidecar::load(&settings)?)
    } else {
        None
    };
    let metrics = match settings.metrics {
        Some(address) => {
            let counted = sidecar.as_ref().map(|s| Arc::clone(s.service.metrics()));
            let served = registry.as_ref().map(|server| Arc::clone(&server.service));
            let exporter = Exporter::new(counted, served, log.lost());
            Some((listen::tcp(address)?, exporter))
        }
        None => None,
    };
    let served = runtime.block_on(async {
        tokio::spawn(log::tell_losses(log.lost()));
        if let Some((listener, exporter)) = metrics {
            tracing::info!(address = %listener.local_addr()?, "serving metrics");
            tokio::spawn(exporter::run(listener, Arc::new(exporter)));
        }
        let service = sidecar.as_ref().map(|sidecar| Arc::clone(&sidecar.service));
        let registry = registry.as_ref().map(|server| Arc::clone(&server.service));
        let reloader = Reloader::start(service, settings.watch, move || {
            if let Some(registry) = &registry {
                registry.reload();
            }
        })?;
        tokio::spawn(async move {
            while hang_up.recv().await.is_some() {
                notify::reloading();
                reloader.reload().await;
                notify::ready();
            }
        });
        notify::ready();
        match sidecar {
            Some(sidecar) => sidecar.run(&settings, stop).await,
            None => {
                stop.await;
                Ok(())
            }
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    // The last logins may have asked the registry.
    if let Some(registry) = registry {
        registry.stop()?;
    }
    served?;
    Ok(ExitCode::SUCCESS)
}

/// What answers on the Unix socket.
struct Sidecar {
    service: Arc<Service>,
    listener: UnixListener,
    /// The file is removed at the very end, when nobody can be answered any more.
    _file: Option<SocketFile>,
}

impl Sidecar {
    fn load(settings: &Settings) -> Result<Self, Unusable> {
        let config = settings
            .config
            .as_deref()
            .ok_or_else(|| Unusable("--config is missing".to_owned()))?;
        let options = backend::Options {
            ldap_starttls: settings.ldap_starttls.clone(),
            crls: crl_policy::policy(settings.missing_crl, settings.stale_crl),
        };
        let service =
            Service::load(config, options).map_err(|errors| config_check::unusable(&errors))?;
        let service = service
            .trusting(settings.trust_forwarded.clone())
            .map_err(|proxy| {
                Unusable(format!(
                    "--trust-forwarded {proxy}: the configuration has no such listener"
                ))
            })?;
        let service = service.logging(settings.log_refusals.unwrap_or(DEFAULT_LOG_REFUSALS));
        let (listener, file) = listen::unix(settings)?;
        Ok(Self {
            service: Arc::new(service),
            listener,
            _file: file,
        })
    }

    async fn run(self, settings: &Settings, stop: impl Future<Output = ()>) -> io::Result<()> {
        let config = settings.config.as_ref().map(|file| shown(file.display()));
        tracing::info!(config, version = env!("CARGO_PKG_VERSION"), "serving");
        server::run(self.listener, self.service, limits(settings), stop).await
    }
}

/// Is completed by SIGTERM or SIGINT.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        notify::stopping();
    })
}

fn limits(settings: &Settings) -> Limits {
    let defaults = Limits::default();
    Limits {
        allow_uids: settings.allow_uid.clone(),
        max_connections: settings.max_connections.unwrap_or(defaults.max_connections),
        idle_timeout: settings
            .idle_timeout
            .map_or(defaults.idle_timeout, Duration::from_secs),
        ..defaults
    }
}

/// Threads for what blocks: the look-up of names, which may take long, and the registry's file.
/// They end when they are not needed.
const MAX_BLOCKING: usize = 64;
