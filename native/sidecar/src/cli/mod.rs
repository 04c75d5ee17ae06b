//! The command line. Each command is a module with its arguments and what it does.

use core::fmt;
use std::env;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use certjid_core::pem;
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::pem_file;

mod certificate_file;
mod check;
mod config_check;
mod crl_policy;
mod dev_cert;
mod inspect;
mod listen;
mod log;
mod notify;
mod registry;
mod serve;
mod serve_registry;
mod settings;
mod starttls;
mod status;
mod terminal;
mod top;

pub use serve::{ServeArgs, serve};

/// Decides XMPP logins by TLS client certificate (SASL EXTERNAL) as MongooseIM does, from
/// MongooseIM's own configuration file.
#[derive(Debug, Parser)]
#[command(
    name = "certjid",
    version,
    after_help = "Exit status: 0 allowed or done, 1 refused, 2 unusable input or arguments."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::CheckArgs),
    /// Writes a completion script to standard output
    Completions {
        /// The shell
        shell: Shell,
    },
    Config(ConfigArgs),
    DevCert(dev_cert::DevCertArgs),
    Inspect(inspect::InspectArgs),
    /// Writes the manual page to standard output
    Man,
    Registry(registry::RegistryArgs),
    Serve(Box<ServeArgs>),
    Status(status::StatusArgs),
    Top(top::TopArgs),
}

/// Works on a mongooseim.toml
#[derive(Args, Debug)]
struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    Check(config_check::ConfigCheckArgs),
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    // clap shows an argument that it does not expect, and this may be a key.
    if env::args_os().any(|argument| pem_file::is_text(Path::new(&argument))) {
        terminal::print_error(pem::IS_TEXT);
        return ExitCode::from(UNUSABLE);
    }
    let done = match Cli::parse().command {
        Command::Check(args) => check::run(&args),
        Command::Completions { shell } => completions(shell),
        Command::Config(ConfigArgs {
            command: ConfigCommand::Check(args),
        }) => config_check::run(&args),
        Command::DevCert(args) => dev_cert::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Man => man(),
        Command::Registry(args) => registry::run(&args),
        Command::Serve(args) => serve(*args),
        Command::Status(args) => status::run(&args),
        Command::Top(args) => top::run(&args),
    };
    done.unwrap_or_else(|Unusable(message)| {
        terminal::print_error(&message);
        ExitCode::from(UNUSABLE)
    })
}

/// What a command ends with: its exit status, or why it can't work.
pub type Done = Result<ExitCode, Unusable>;

/// Why a command can't work with what it was given, for a person to read.
#[derive(Debug)]
pub struct Unusable(pub String);

impl Unusable {
    fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::new(error)
    }
}

fn completions(shell: Shell) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "certjid", &mut script);
    terminal::print_bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// One page with all commands, for `man -l -`.
fn man() -> Done {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    let mut roff = Vec::new();
    page.render_title(&mut roff)?;
    page.render_name_section(&mut roff)?;
    page.render_synopsis_section(&mut roff)?;
    page.render_description_section(&mut roff)?;
    page.render_options_section(&mut roff)?;
    for command in commands(&command) {
        let page = clap_mangen::Man::new(command.clone());
        let name = command
            .get_display_name()
            .unwrap_or_else(|| command.get_name())
            .replace('-', " ");
        roff.extend(
            format!(
                ".SH \"{}\"\n",
                name.to_uppercase().replace("DEV CERT", "DEV\\-CERT")
            )
            .bytes(),
        );
        for section in [
            render(|out| page.render_synopsis_section(out))?,
            render(|out| page.render_description_section(out))?,
            render(|out| page.render_options_section(out))?,
        ] {
            // Sections of a command are parts of its own section.
            roff.extend(
                String::from_utf8_lossy(&section)
                    .replace(".SH ", ".SS ")
                    .bytes(),
            );
        }
    }
    page.render_extra_section(&mut roff)?;
    page.render_version_section(&mut roff)?;
    terminal::print_bytes(&roff)?;
    Ok(ExitCode::SUCCESS)
}

fn render(section: impl Fn(&mut Vec<u8>) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    section(&mut out)?;
    Ok(out)
}

/// The commands that do something, with those of `config` for `config` itself.
fn commands(parent: &clap::Command) -> Vec<clap::Command> {
    parent
        .get_subcommands()
        .flat_map(|command| match command.has_subcommands() {
            true => commands(command),
            false => vec![command.clone()],
        })
        .collect()
}

/// A login that is refused, or a configuration that `--strict` does not pass.
const REFUSED: u8 = 1;

/// Arguments or files that can't be used. clap too exits with it.
const UNUSABLE: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
