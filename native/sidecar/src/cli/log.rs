//! Where log lines go.

use core::fmt;
use core::time::Duration;
use std::env;
use std::fs::File;
use std::io::{self, BufWriter};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;

use tokio::time::sleep;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer, format};
use tracing_subscriber::fmt::{FmtContext, SubscriberBuilder};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Unusable;
use super::settings::{LogFormat, Settings};

/// Lines for standard error are written until this is dropped, by a thread of its own: a
/// reader that stops reading them must not stop the logins.
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
    let level = Level::from(settings.log_level.unwrap_or_default());
    let builder = SubscriberBuilder::default()
        .with_max_level(level)
        .with_writer(writer)
        .with_target(false);
    let is_journal = stderr_is_the_journal();
    let default = match is_journal {
        true => LogFormat::Journald,
        false => LogFormat::Text,
    };
    match settings.log_format.unwrap_or(default) {
        LogFormat::Journald => {
            let journal = tracing_journald::layer().map_err(|error| {
                Unusable(format!(
                    "--log-format journald: the journal can't be reached: {error}"
                ))
            })?;
            let journal = journal
                .with_field_prefix(Some(FIELD_PREFIX.to_owned()))
                .with_syslog_identifier("certjid".to_owned());
            tracing_subscriber::registry()
                .with(LevelFilter::from_level(level))
                .with(journal)
                .init();
        }
        LogFormat::Json => builder.json().flatten_event(true).init(),
        // The journal has the time, and reads the priority.
        LogFormat::Text if is_journal => {
            let format = format().with_target(false).with_ansi(false).without_time();
            builder
                .with_ansi(false)
                .event_format(WithPriority(format))
                .init();
        }
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

/// Whether systemd reads standard error for its journal (systemd.exec(5), `JOURNAL_STREAM`).
fn stderr_is_the_journal() -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    let stderr = io::stderr().as_fd().try_clone_to_owned().map(File::from);
    stderr
        .and_then(|stderr| stderr.metadata())
        .is_ok_and(|file| stream == format!("{}:{}", file.dev(), file.ino()))
}

/// Lines that begin with their priority, as sd-daemon(3) has it.
struct WithPriority<F>(F);

impl<S, N, F: FormatEvent<S, N>> FormatEvent<S, N> for WithPriority<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 5,
            Level::DEBUG => 6,
            Level::TRACE => 7,
        };
        write!(writer, "<{priority}>")?;
        self.0.format_event(context, writer, event)
    }
}

/// What the names of the fields begin with in the journal: `CERTJID_REASON`.
const FIELD_PREFIX: &str = "CERTJID";

/// Lines that wait to be written: some 4 MB of logins.
const MAX_WAITING: usize = 10_000;
