use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use certjid_core::config::{ConfigErrors, Warning};
use clap::Args;

use super::starttls::StartTls;
use super::terminal::{GOOD, NOTE, plain, print, styled};
use super::{Done, REFUSED, Unusable};
use crate::backend::{Backed, Options};

/// Checks a mongooseim.toml: its faults, and what it does that its author may not expect
///
/// Faults go to standard error with exit status 2, warnings to standard output, with status 0
/// where there are no faults.
#[derive(Args, Debug)]
pub(super) struct ConfigCheckArgs {
    /// The file
    file: PathBuf,
    /// Exit with 1 where there is a warning
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    starttls: StartTls,
}

pub(super) fn run(args: &ConfigCheckArgs) -> Done {
    let options = Options {
        ldap_starttls: args.starttls.ldap_starttls.clone(),
        ..Options::default()
    };
    let backed = Backed::load(&args.file, &options).map_err(|errors| {
        // A fault makes no warning less worth reading. Where the output is closed, the faults are
        // told all the same.
        let _ = print(&list(&args.file, &errors.warnings));
        unusable(&errors)
    })?;
    let warnings = backed.warnings();
    let mut text = list(&args.file, warnings);
    let verdict = match warnings.len() {
        0 => styled(GOOD, "no faults, no warnings"),
        1 => styled(NOTE, "no faults, 1 warning"),
        count => styled(NOTE, format!("no faults, {count} warnings")),
    };
    let _ = writeln!(text, "{}: {verdict}", args.file.display());
    print(&text)?;
    let strictly_bad = args.strict && !warnings.is_empty();
    Ok(if strictly_bad {
        ExitCode::from(REFUSED)
    } else {
        ExitCode::SUCCESS
    })
}

/// The warnings, one a line.
fn list(file: &Path, warnings: &[Warning]) -> String {
    let mut text = String::new();
    for warning in warnings {
        let warning_text = plain(&warning.to_string());
        let _ = writeln!(text, "{}:{warning_text}", styled(NOTE, file.display()));
    }
    text
}

/// All faults, one a line, with what could steer a terminal escaped.
pub(super) fn unusable(errors: &ConfigErrors) -> Unusable {
    let faults: Vec<String> = errors
        .faults
        .iter()
        .map(|error| plain(&error.to_string()))
        .collect();
    Unusable(format!(
        "the configuration can't be used\n{}",
        faults.join("\n")
    ))
}
