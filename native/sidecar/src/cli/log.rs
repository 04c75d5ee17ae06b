//! Where log lines go.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Unusable;
use super::settings::{LogFormat, Settings};

/// To standard error, or to systemd's journal with the fields kept apart.
pub(super) fn start(settings: &Settings) -> Result<(), Unusable> {
    let level = tracing::Level::from(settings.log_level.unwrap_or_default());
    let builder = Subscriber::builder()
        .with_max_level(level)
        .with_writer(io::stderr)
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
    Ok(())
}
