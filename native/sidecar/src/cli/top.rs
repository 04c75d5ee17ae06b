use core::time::Duration;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Instant;

use clap::Args;

use super::Done;
use super::status::{ask, by_count, duration, expiring, services};
use super::terminal::{BAD, GOOD, NOTE, plain, plain_lines, print_screen, styled, time};
use crate::protocol::{Count, Status};

/// Watches a running sidecar: logins a second, reasons, services
///
/// Ends on Ctrl-C. Where the output is not a terminal, each look is a block of lines.
#[derive(Args, Debug)]
pub(super) struct TopArgs {
    /// The socket that the sidecar listens on
    #[arg(long, env = "CERTJID_SOCKET", value_name = "PATH")]
    socket: PathBuf,
    /// Refresh interval in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    interval: f64,
    /// End after this many refreshes
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,
}

pub(super) fn run(args: &TopArgs) -> Done {
    let mut before: Option<(Instant, Status)> = None;
    let is_terminal = io::stdout().is_terminal();
    let mut looks = 0;
    loop {
        let status: Status = ask(&args.socket)?;
        let now = Instant::now();
        let earlier = before
            .as_ref()
            .map(|(at, old)| (old, now.duration_since(*at).as_secs_f64()));
        let lines = render(&status, earlier);
        print_screen(&format!("{}\n\n", lines.join("\n")), is_terminal)?;
        looks += 1;
        if args.count.is_some_and(|count| looks >= count) {
            return Ok(ExitCode::SUCCESS);
        }
        before = Some((now, status));
        sleep(Duration::from_secs_f64(args.interval));
    }
}

/// An earlier status, and how many seconds ago it was.
type Before<'a> = Option<(&'a Status, f64)>;

fn render(status: &Status, before: Before<'_>) -> Vec<String> {
    let mut lines = vec![
        format!(
            "certjid {}  pid {}  up {}  connections {}",
            plain(&status.release),
            status.pid,
            duration(status.uptime),
            status.connections
        ),
        format!("{} of {}", plain(&status.config), time(status.loaded_at)),
    ];
    if let Some(error) = &status.reload_error {
        lines.push(styled(
            BAD,
            format!("reload failed: {}", plain_lines(error)),
        ));
    }
    let line = |name: &str, count: fn(&Status, &str) -> u64| {
        let in_all = count(status, name);
        let rate = before.map_or_else(
            || "-".to_owned(),
            // After a restart the counts begin again.
            |(old, passed)| {
                format!(
                    "{:.1}/s",
                    in_all.saturating_sub(count(old, name)) as f64 / passed
                )
            },
        );
        format!("{:<36} {in_all:>12} {rate:>12}", plain(name))
    };
    lines.push(format!("\n{:<36} {:>12} {:>12}", "", "in all", "now"));
    lines.push(styled(GOOD, line("allowed", |status, _| status.allowed)));
    lines.push(styled(NOTE, line("refused", |status, _| status.refused)));
    lines.push(line("not understood", |status, _| status.errors));
    lines.push(String::new());
    for reason in by_count(&status.reasons).iter().take(MAX_REASONS) {
        lines.push(line(&reason.name, |status, name| of(&status.reasons, name)));
    }
    lines.extend(services(status));
    lines.extend(expiring(status));
    lines
}

fn of(counts: &[Count], name: &str) -> u64 {
    let count = counts.iter().find(|count| count.name == name);
    count.map_or(0, |count| count.count)
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds| (0.1..=3600.0).contains(seconds))
        .ok_or_else(|| format!("{text:?} is not a number of seconds from 0.1 to 3600"))
}

/// The reasons that fit on a screen.
const MAX_REASONS: usize = 12;
