//! Where log lines go.

use core::time::Duration;
use std::io::{self, BufWriter};

use tokio::time::sleep;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Unusable;
use super::settings::{LogFormat, Settings};

/// Lines for standard error are written until this is dropped, by a thread of its own: whoever
/// reads them, and stops reading, must not stop the logins.
pub(super) struct Log {
    lost: ErrorCounter,
    _writing: WorkerGuard,
}

impl Log {
    /// The lines that found no place among those that wait to be written.
    pub(super) fn lost(&self) -> ErrorCounter {
        self.lost.clone()
    }
}

/// Tells, as soon as lines are written again, how many were not.
pub(super) async fn tell_losses(lost: ErrorCounter) {
    let mut told = 0;
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = lost.dropped_lines();
        if now > told {
            tracing::warn!(
                lines = now - told,
                "log lines are lost: nobody read standard error"
            );
            // Where this line is lost too, the next one counts it.
            told = now;
        }
    }
}

/// To standard error, or to systemd's journal with the fields kept apart.
pub(super) fn start(settings: &Settings) -> Result<Log, Unusable> {
    let (writer, writing) = NonBlockingBuilder::default()
        .buffered_lines_limit(MAX_WAITING)
        .thread_name("certjid-log")
        .finish(BufWriter::new(io::stderr()));
    let lost = writer.error_counter();
    let level = tracing::Level::from(settings.log_level.unwrap_or_default());
    let builder = Subscriber::builder()
        .with_max_level(level)
        .with_writer(writer)
        .with_target(false);
    match settings.log_format.unwrap_or_default() {
        LogFormat::Journald => {
            let journal = tracing_journald::layer().map_err(|error| {
                Unusable(format!(
                    "--log-format journald: the journal can't be reached: {error}"
                ))
            })?;
            tracing_subscriber::registry()
                .with(LevelFilter::from_level(level))
                .with(journal.with_syslog_identifier("certjid".to_owned()))
                .init();
        }
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Text => {
            let style = anstream::AutoStream::choice(&io::stderr());
            builder
                .with_ansi(style != anstream::ColorChoice::Never)
                .init();
        }
    }
    Ok(Log {
        lost,
        _writing: writing,
    })
}

/// Lines that wait to be written: some 4 MB of logins.
const MAX_WAITING: usize = 10_000;
