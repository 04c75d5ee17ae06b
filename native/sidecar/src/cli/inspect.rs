use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use certjid_core::certificate::Certificate;
use certjid_core::policy;
use clap::Args;
use serde_json::{Value, json};

use super::terminal::{
    BAD, FAINT, GOOD, NOTE, plain, print, print_error, print_json, styled, time,
};
use super::{Done, UNUSABLE, Unusable, certificate_file};

/// Shows what certificates offer as identity: every name, and what is not used and why
///
/// A certificate that is refused gives exit status 2, and the reason on standard error.
#[derive(Args, Debug)]
pub(super) struct InspectArgs {
    /// Files in PEM, DER or PKCS#12, or with what nginx or RFC 9440 put into an HTTP header; `-`
    /// is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print JSON: an object for one certificate, an array for several
    #[arg(long)]
    json: bool,
    /// A file whose first line is the password of the PKCS#12 files
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(super) fn run(args: &InspectArgs) -> Done {
    let mut found = Vec::new();
    let mut refused = 0;
    for path in &args.files {
        let name = certificate_file::name(path);
        let ders = certificate_file::read(path, args.password_file.as_deref()).unwrap_or_else(
            |Unusable(message)| {
                print_error(&plain(&message));
                refused += 1;
                Vec::new()
            },
        );
        let count = ders.len();
        for (i, der) in ders.iter().enumerate() {
            let name = match count {
                1 => name.display().to_string(),
                _ => format!("{} [{} of {count}]", name.display(), i + 1),
            };
            match certificate_file::decode(Path::new(&name), der) {
                Ok(certificate) => found.push((name, certificate)),
                Err(Unusable(message)) => {
                    print_error(&plain(&message));
                    refused += 1;
                }
            }
        }
    }

    if args.json {
        let mut objects: Vec<Value> = found.iter().map(|(_, found)| object(found)).collect();
        if refused + objects.len() == 1 {
            objects.pop().map_or(Ok(()), |object| print_json(&object))?;
        } else {
            print_json(&objects.into())?;
        }
    } else {
        let now = policy::now();
        let texts: Vec<String> = found
            .iter()
            .map(|(name, found)| describe(name, found, now))
            .collect();
        print(&texts.join("\n"))?;
    }
    Ok(if refused > 0 {
        ExitCode::from(UNUSABLE)
    } else {
        ExitCode::SUCCESS
    })
}

fn object(certificate: &Certificate) -> Value {
    let names: Vec<Value> = certificate
        .names()
        .iter()
        .map(|name| json!({ "kind": name.kind, "encoding": name.encoding, "value": name.value }))
        .collect();
    let skipped: Vec<Value> = certificate
        .skipped()
        .iter()
        .map(|name| json!({ "kind": name.kind, "value": name.value, "reason": name.reason }))
        .collect();
    json!({
        "common_name": certificate.common_name(),
        "xmpp_addrs": certificate.xmpp_addrs(),
        "names": names,
        "skipped": skipped,
        "not_before": certificate.not_before(),
        "not_after": certificate.not_after(),
        "fingerprint": certificate.fingerprint_hex(),
        "serial": certificate.serial(),
        "issuer": certificate.issuer(),
        "subject": certificate.subject(),
        "version": certificate.version(),
        "key": certificate.key(),
    })
}

fn describe(file: &str, certificate: &Certificate, now: i64) -> String {
    let mut text = format!("{}\n", styled(GOOD, plain(file)));
    let mut line = |title: &str, value: &str| {
        let _ = writeln!(text, "  {title:<12} {value}");
    };
    let none = || styled(FAINT, "none");
    let addresses: Vec<String> = certificate
        .xmpp_addrs()
        .iter()
        .map(|addr| plain(addr))
        .collect();
    line(
        "xmppAddr",
        &if addresses.is_empty() {
            none()
        } else {
            addresses.join(", ")
        },
    );
    line(
        "common name",
        &certificate.common_name().map_or_else(none, plain),
    );
    line("subject", &plain(certificate.subject()));
    line("issuer", &plain(certificate.issuer()));
    line("valid from", &time(certificate.not_before()));
    line(
        "valid until",
        &format!(
            "{}{}",
            time(certificate.not_after()),
            validity(certificate, now)
        ),
    );
    line("version", &version(certificate));
    line("key", &plain(certificate.key()));
    line("serial", certificate.serial());
    line("SHA-256", &certificate.fingerprint_hex());
    if !certificate.names().is_empty() {
        text.push_str("  names\n");
    }
    for name in certificate.names() {
        let encoding = styled(FAINT, &name.encoding);
        let _ = writeln!(
            text,
            "    {:<18} {} ({encoding})",
            plain(&name.kind),
            plain(&name.value)
        );
    }
    if !certificate.skipped().is_empty() {
        text.push_str("  not used\n");
    }
    for skipped in certificate.skipped() {
        let reason = styled(NOTE, plain(&skipped.reason));
        let _ = writeln!(
            text,
            "    {:<18} {}: {reason}",
            plain(&skipped.kind),
            plain(&skipped.value)
        );
    }
    text
}

fn version(certificate: &Certificate) -> String {
    match certificate.version() {
        3 => "3".to_owned(),
        version => format!(
            "{version} {}",
            styled(
                NOTE,
                "(without extensions, so without xmppAddr; for version 3 give `openssl x509 -req` \
                 an -extfile, or use `certjid dev-cert`)"
            )
        ),
    }
}

fn validity(certificate: &Certificate, now: i64) -> String {
    if now < certificate.not_before() {
        return styled(BAD, " (not valid yet)");
    }
    if now > certificate.not_after() {
        return styled(BAD, " (expired)");
    }
    expiry_hint(certificate, now)
        .map_or_else(String::new, |hint| styled(NOTE, format!(" ({hint})")))
}

/// A word of warning in the last thirty days of a valid certificate.
pub(super) fn expiry_hint(certificate: &Certificate, now: i64) -> Option<String> {
    let left = certificate.not_after().saturating_sub(now);
    match left / SECONDS_PER_DAY {
        _ if left < 0 => None,
        0 => Some("it expires within a day".to_owned()),
        1 => Some("it expires in 1 day".to_owned()),
        days if days < SOON => Some(format!("it expires in {days} days")),
        _ => None,
    }
}

const SECONDS_PER_DAY: i64 = 86_400;

/// In days.
const SOON: i64 = 30;
