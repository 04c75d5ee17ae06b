use core::time::Duration;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use clap::Args;
use listenfd::ListenFd;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;
use tracing_subscriber::fmt::Subscriber;

use super::settings::{LogFormat, Settings};
use super::{Done, Unusable, config_check, notify};
use crate::server::socket::{Access, SocketFile};
use crate::server::{self, Limits, Service, watcher};

/// Runs the sidecar: answers servers over a Unix socket
///
/// SIGHUP loads the configuration again; SIGTERM and SIGINT answer what was asked and end.
#[derive(Args, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    settings: Settings,
    /// A TOML file with these options, their names with underscores; the command line and the
    /// environment go before it
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
    start_log(&settings);

    let config = settings
        .config
        .as_deref()
        .ok_or_else(|| Unusable("--config is missing".to_owned()))?;
    let service = Service::load(config).map_err(|errors| config_check::unusable(&errors))?;
    let service = Arc::new(service);
    let limits = limits(&settings);
    // The file is removed at the very end, when nobody can be answered any more.
    let (listener, _file) = listen(&settings)?;

    // Signatures are checked on threads of their own, as many as there are processors.
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(processors.min(MAX_IO_THREADS))
        .max_blocking_threads(processors + 1)
        .enable_all()
        .build()?;
    let watch = settings.watch;
    let served = runtime.block_on(async {
        let stop = stop_signal()?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let reloading = Arc::clone(&service);
        tokio::spawn(async move {
            while hang_up.recv().await.is_some() {
                let service = Arc::clone(&reloading);
                notify::reloading();
                // A panic in it is logged by the panic hook; the old policy stays.
                let _ = spawn_blocking(move || service.reload()).await;
                notify::ready();
            }
        });
        if watch {
            tokio::spawn(watcher::watch(Arc::clone(&service)));
        }
        tracing::info!(config = ?config, version = env!("CARGO_PKG_VERSION"), "serving");
        notify::ready();
        server::run(listener, service, limits, stop).await
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    served?;
    Ok(ExitCode::SUCCESS)
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

/// The socket that systemd passes, or else the one of the settings.
fn listen(settings: &Settings) -> Result<(UnixListener, Option<SocketFile>), Unusable> {
    if let Some(listener) = ListenFd::from_env()
        .take_unix_listener(0)
        .map_err(|error| {
            Unusable(format!(
                "the socket that systemd passes can't be used: {error}"
            ))
        })?
    {
        return Ok((listener, None));
    }
    let path = settings
        .socket
        .as_deref()
        .ok_or_else(|| Unusable("--socket is missing".to_owned()))?;
    let access = Access {
        mode: mode(settings.socket_mode.as_deref().unwrap_or(DEFAULT_MODE))?,
        owner: settings.socket_owner.as_deref().map(user_id).transpose()?,
        group: settings.socket_group.as_deref().map(group_id).transpose()?,
    };
    let (listener, file) = SocketFile::bind(Path::new(path), &access).map_err(Unusable::new)?;
    Ok((listener, Some(file)))
}

fn mode(text: &str) -> Result<u32, Unusable> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|&mode| mode <= 0o777)
        .ok_or_else(|| {
            Unusable(format!(
                "socket-mode is {text:?}, not an octal mode such as 0660"
            ))
        })
}

fn user_id(name: &str) -> Result<u32, Unusable> {
    name.parse()
        .ok()
        .or_else(|| uzers::get_user_by_name(name).map(|user| user.uid()))
        .ok_or_else(|| Unusable(format!("socket-owner: there is no user {name:?}")))
}

fn group_id(name: &str) -> Result<u32, Unusable> {
    name.parse()
        .ok()
        .or_else(|| uzers::get_group_by_name(name).map(|group| group.gid()))
        .ok_or_else(|| Unusable(format!("socket-group: there is no group {name:?}")))
}

/// To standard error, which systemd takes into its journal.
fn start_log(settings: &Settings) {
    let builder = Subscriber::builder()
        .with_max_level(tracing::Level::from(settings.log_level.unwrap_or_default()))
        .with_writer(io::stderr)
        .with_target(false);
    match settings.log_format.unwrap_or_default() {
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Text => {
            let style = anstream::AutoStream::choice(&io::stderr());
            builder
                .with_ansi(style != anstream::ColorChoice::Never)
                .init();
        }
    }
}

const DEFAULT_MODE: &str = "0660";

/// Reading and writing is little work.
const MAX_IO_THREADS: usize = 4;
