use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use certjid_core::certificate::Certificate;
use certjid_core::jid::Jid;
use certjid_core::policy;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::inspect::expiry_hint;
use super::terminal::{BAD, FAINT, GOOD, NOTE, plain, print, print_json, styled, time};
use super::{Done, REFUSED, Unusable, certificate_file};
use crate::registry::{
    self, Added, Entry, Filter, Fingerprint, Missing, PAGE, RegistryError, Store, User,
};

/// Says which certificates a user may log in with, where the method is http
///
/// `certjid serve --registry FILE --http ADDRESS` answers from it. A change counts at the next
/// login; nothing needs to be restarted.
#[derive(Args, Debug)]
pub(super) struct RegistryArgs {
    /// The registry: a file, or the postgresql:// URL of a database
    #[arg(
        long,
        env = "CERTJID_REGISTRY",
        value_name = "FILE|URL",
        global = true,
        hide_env_values = true
    )]
    registry: Option<String>,
    #[command(subcommand)]
    command: RegistryCommand,
}

#[derive(Debug, Subcommand)]
enum RegistryCommand {
    Add(AddArgs),
    Backup(BackupArgs),
    List(ListArgs),
    Remove(RemoveArgs),
}

/// Adds a certificate of a user; makes the registry if it does not exist
#[derive(Args, Debug)]
struct AddArgs {
    /// The user, as user@host
    jid: String,
    /// The certificate, in any form that `inspect` reads; the first where there are several
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// A file whose first line is the password of a PKCS#12 file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// What to remember about it, such as the device
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// Copies a registry file, also while it is in use, to a new one
#[derive(Args, Debug)]
struct BackupArgs {
    /// The new file
    file: PathBuf,
}

/// Lists the certificates
#[derive(Args, Debug)]
struct ListArgs {
    /// Only those of this user
    jid: Option<String>,
    /// Only those of this host's users
    #[arg(long, conflicts_with = "jid")]
    host: Option<String>,
    /// Print JSON: an array
    #[arg(long)]
    json: bool,
}

/// Removes a certificate of a user, or all; it is refused at the next login
///
/// Exit status 1 if the user has no such certificate.
#[derive(Args, Debug)]
struct RemoveArgs {
    /// The user, as user@host
    jid: String,
    /// The certificate to remove; all of the user's by default
    #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
    cert: Option<PathBuf>,
    /// The SHA-256 fingerprint of the certificate to remove, in hexadecimal
    #[arg(long, value_name = "HEX", value_parser = parse_fingerprint)]
    fingerprint: Option<Fingerprint>,
    /// A file whose first line is the password of a PKCS#12 file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(super) fn run(args: &RegistryArgs) -> Done {
    let place = args.registry.as_deref().ok_or_else(|| {
        Unusable("no registry is named: use --registry or CERTJID_REGISTRY".to_owned())
    })?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let opened = |missing| open(place, missing);
    match &args.command {
        RegistryCommand::Add(args) => {
            // What can't be added makes no registry.
            let entry = new_entry(args)?;
            add(&runtime, &*opened(Missing::Create)?, entry)
        }
        RegistryCommand::Backup(args) => {
            let store = opened(Missing::Refuse)?;
            runtime
                .block_on(store.back_up(args.file.clone()))
                .map_err(Unusable::new)?;
            Ok(ExitCode::SUCCESS)
        }
        RegistryCommand::List(args) => list(&runtime, &*opened(Missing::Refuse)?, args),
        RegistryCommand::Remove(args) => remove(&runtime, &*opened(Missing::Refuse)?, args),
    }
}

/// Opens a registry, unless its password can be seen by everybody on this machine.
pub(super) fn open(place: &str, missing: Missing) -> Result<Box<dyn Store>, Unusable> {
    let is_argument =
        || std::env::args_os().any(|argument| argument.to_string_lossy().contains(place));
    if registry::has_password(place) && is_argument() {
        return Err(Unusable(
            "a password on the command line can be read by others: put the URL into \
             CERTJID_REGISTRY, or the password into PGPASSFILE"
                .to_owned(),
        ));
    }
    registry::open(place, missing).map_err(Unusable::new)
}

fn new_entry(args: &AddArgs) -> Result<Entry, Unusable> {
    let user = user(&args.jid)?;
    let certificate = leaf(&args.cert, args.password_file.as_deref())?;
    Entry::new(user, &certificate, policy::now(), args.note.clone()).map_err(Unusable::new)
}

fn add(runtime: &Runtime, store: &dyn Store, entry: Entry) -> Done {
    let mut text = plain(&entry.user.to_string());
    let fingerprint = styled(FAINT, format!("SHA-256 {}", hex(&entry.fingerprint)));
    let hint = other_name(&entry);
    let added = runtime.block_on(store.add(entry)).map_err(Unusable::new)?;
    let _ = match added {
        Added::New => writeln!(text, ": {}  {fingerprint}", styled(GOOD, "added")),
        Added::Known => writeln!(
            text,
            ": {}  {fingerprint}",
            styled(NOTE, "has this certificate already")
        ),
    };
    if let Some(hint) = hint {
        let _ = writeln!(text, "  {} {hint}", styled(NOTE, "note"));
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Where the certificate names others only, a login with it asks for those.
fn other_name(entry: &Entry) -> Option<String> {
    let certificate = Certificate::from_der(&entry.der).ok()?;
    let names = certificate.xmpp_addrs();
    let user = entry.user.to_string();
    let is_named = |name: &String| Jid::parse(name.as_bytes()).is_ok_and(|jid| jid.bare() == user);
    if names.is_empty() || names.iter().any(is_named) {
        return None;
    }
    let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
    Some(format!(
        "its xmppAddr is {}: only verification by auth_id or common_name leads to this user",
        names.join(", ")
    ))
}

fn remove(runtime: &Runtime, store: &dyn Store, args: &RemoveArgs) -> Done {
    let user = user(&args.jid)?;
    let fingerprint = match &args.cert {
        Some(file) => Some(leaf(file, args.password_file.as_deref())?.fingerprint()),
        None => args.fingerprint,
    };
    let name = plain(&user.to_string());
    let removed = runtime
        .block_on(store.remove(user, fingerprint))
        .map_err(Unusable::new)?;
    let (status, what) = match removed {
        0 if fingerprint.is_some() => (
            ExitCode::from(REFUSED),
            styled(BAD, "has no such certificate"),
        ),
        0 => (ExitCode::from(REFUSED), styled(BAD, "has no certificate")),
        1 => (ExitCode::SUCCESS, styled(GOOD, "1 certificate removed")),
        count => (
            ExitCode::SUCCESS,
            styled(GOOD, format!("{count} certificates removed")),
        ),
    };
    print(&format!("{name}: {what}\n"))?;
    Ok(status)
}

fn list(runtime: &Runtime, store: &dyn Store, args: &ListArgs) -> Done {
    let filter = match (&args.jid, &args.host) {
        (Some(jid), _) => Filter::User(user(jid)?),
        (None, Some(host)) => Filter::Host(registry::prepare_host(host).map_err(Unusable::new)?),
        (None, None) => Filter::All,
    };
    let now = policy::now();
    let (mut objects, mut last) = (Vec::new(), None);
    loop {
        let page = runtime
            .block_on(store.page(filter.clone(), last.take()))
            .map_err(Unusable::new)?;
        if args.json {
            objects.extend(page.iter().map(object));
        } else {
            print(
                &page
                    .iter()
                    .map(|entry| describe(entry, now))
                    .collect::<String>(),
            )?;
        }
        if page.len() < PAGE as usize {
            break;
        }
        last = page.into_iter().next_back();
    }
    if args.json {
        print_json(&objects.into())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn object(entry: &Entry) -> Value {
    let certificate = Certificate::from_der(&entry.der).ok();
    json!({
        "jid": entry.user.to_string(),
        "fingerprint": hex(&entry.fingerprint),
        "added": entry.added,
        "note": entry.note,
        "not_after": certificate.as_ref().map(Certificate::not_after),
        "subject": certificate.as_ref().map(Certificate::subject),
    })
}

fn describe(entry: &Entry, now: i64) -> String {
    let mut text = format!(
        "{}  {}\n  added {}",
        plain(&entry.user.to_string()),
        styled(FAINT, format!("SHA-256 {}", hex(&entry.fingerprint))),
        time(entry.added)
    );
    if let Ok(certificate) = Certificate::from_der(&entry.der) {
        let _ = write!(text, ", valid until {}", time(certificate.not_after()));
        if now > certificate.not_after() {
            text.push_str(&styled(BAD, " (expired)"));
        } else if let Some(hint) = expiry_hint(&certificate, now) {
            text.push_str(&styled(NOTE, format!(" ({hint})")));
        }
    }
    if let Some(note) = &entry.note {
        let _ = write!(text, ", {}", plain(note));
    }
    text.push('\n');
    text
}

fn user(jid: &str) -> Result<User, Unusable> {
    User::parse(jid).map_err(|error: RegistryError| Unusable(format!("{jid:?}: {error}")))
}

fn leaf(
    file: &std::path::Path,
    password_file: Option<&std::path::Path>,
) -> Result<Certificate, Unusable> {
    let name = certificate_file::name(file);
    let chain = certificate_file::read(file, password_file)?;
    let Some(der) = chain.first() else {
        return Err(Unusable(format!(
            "{}: there is no certificate",
            name.display()
        )));
    };
    certificate_file::decode(&name, der)
}

fn hex(fingerprint: &Fingerprint) -> String {
    fingerprint
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Also with colons, as openssl prints it.
fn parse_fingerprint(text: &str) -> Result<Fingerprint, String> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|&c| c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()
        .ok_or("it has other characters than hexadecimal digits and colons")?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    match <Fingerprint>::try_from(bytes) {
        Ok(fingerprint) if digits.len() == 64 => Ok(fingerprint),
        _ => Err(format!("it has {} digits, and not 64", digits.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_they_are_printed() {
        let fingerprint: Fingerprint = core::array::from_fn(|i| i as u8 * 7);
        let text = hex(&fingerprint);
        assert_eq!(parse_fingerprint(&text), Ok(fingerprint));
        let pairs: Vec<&str> = (0..32).map(|i| &text[2 * i..2 * i + 2]).collect();
        let with_colons = pairs.join(":").to_uppercase();
        assert_eq!(parse_fingerprint(&with_colons), Ok(fingerprint));
        for wrong in [
            "",
            "00",
            &text[1..],
            &format!("{text}0"),
            &text.replace("00", "zz"),
        ] {
            assert!(parse_fingerprint(wrong).is_err(), "{wrong:?}");
        }
    }
}
