use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::terminal::{
    BAD, FAINT, GOOD, NOTE, plain, plain_lines, print, print_json, styled, time,
};
use super::{Done, REFUSED, Unusable};
use crate::client::Client;
use crate::protocol::{Count, PoolStatus, Status};

/// Shows how a running sidecar does
///
/// Exit status: 0 all is well, 1 the last reload failed or a service does not answer, 2 no sidecar
/// answers.
#[derive(Args, Debug)]
pub(super) struct StatusArgs {
    /// The socket that the sidecar listens on
    #[arg(long, env = "CERTJID_SOCKET", value_name = "PATH")]
    socket: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &StatusArgs) -> Done {
    let reply: Value = ask(&args.socket)?;
    let status: Status = serde_json::from_value(reply.clone()).map_err(Unusable::new)?;
    if args.json {
        print_json(&reply)?;
    } else {
        print(&(render(&status).join("\n") + "\n"))?;
    }
    Ok(if is_well(&status) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

/// The sidecar's answer to `status`.
pub(super) fn ask<T: DeserializeOwned>(socket: &Path) -> Result<T, Unusable> {
    let request = Map::from_iter([("request".to_owned(), "status".into())]);
    Client::connect(socket)
        .and_then(|mut client| client.ask(&request))
        .map_err(|error| Unusable(format!("{}: {error}", socket.display())))
}

fn is_well(status: &Status) -> bool {
    status.reload_error.is_none() && status.services.iter().all(|service| service.health.up)
}

/// The lines for a person.
fn render(status: &Status) -> Vec<String> {
    let mut lines = vec![
        format!(
            "certjid {} has run for {} as process {}",
            plain(&status.release),
            duration(status.uptime),
            status.pid
        ),
        format!(
            "policy       {} of {}",
            plain(&status.config),
            time(status.loaded_at)
        ),
    ];
    if let Some(error) = &status.reload_error {
        let told = plain_lines(error);
        lines.push(styled(
            BAD,
            format!("reload       failed, the old policy stays: {told}"),
        ));
    }
    lines.push(format!("connections  {}", status.connections));
    lines.push(format!(
        "logins       {} allowed, {} refused, {} requests not understood",
        status.allowed, status.refused, status.errors
    ));
    for (what, style, counts) in [
        ("allowed by", GOOD, &status.methods),
        ("refused for", NOTE, &status.reasons),
    ] {
        for count in by_count(counts) {
            let line = format!("  {what} {:<32} {:>10}", plain(&count.name), count.count);
            lines.push(styled(style, line));
        }
    }
    lines.extend(services(status));
    lines.extend(expiring(status));
    lines
}

/// What is to be said of certificates that expire soon.
pub(super) fn expiring(status: &Status) -> Option<String> {
    let line = || {
        format!(
            "{} certificates in use expire within 30 days",
            status.expiring
        )
    };
    (status.expiring > 0).then(|| styled(NOTE, line()))
}

/// A line for each service behind http and ldap.
pub(super) fn services(status: &Status) -> Vec<String> {
    let line = |service: &PoolStatus| {
        let health = &service.health;
        let cause = plain(health.cause.as_deref().unwrap_or_default());
        let pool = plain(&service.pool);
        match (health.up, health.failed_at) {
            (true, None) => styled(GOOD, format!("{pool}  up, {} answers", health.answered)),
            (true, Some(at)) => styled(
                FAINT,
                format!(
                    "{pool}  up, {} answers; {} failures, the last at {}: {cause}",
                    health.answered,
                    health.failed,
                    time(at)
                ),
            ),
            (false, at) => styled(
                BAD,
                format!(
                    "{pool}  does not answer since {}: {cause}",
                    time(health.down_since.or(at).unwrap_or_default())
                ),
            ),
        }
    };
    let mut lines: Vec<String> = status.services.iter().map(line).collect();
    if let Some(left_out) = status.services_left_out {
        lines.push(styled(FAINT, format!("and {left_out} more services")));
    }
    lines
}

/// The greatest first.
pub(super) fn by_count(counts: &[Count]) -> Vec<Count> {
    let mut counts = counts.to_vec();
    counts.sort_by(|one, other| other.count.cmp(&one.count).then(one.name.cmp(&other.name)));
    counts
}

pub(super) fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min {} s", seconds % 60),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
