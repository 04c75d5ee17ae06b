use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use certjid_core::jid::Jid;
use certjid_core::pem;
use clap::Args;
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};

use super::terminal::{plain, print};
use super::{Done, Unusable};
use crate::issue::{self, Authority, Client, Issued};
use crate::pem_file;

/// Makes certificates for development: a CA, and a client certificate with xmppAddr fields
///
/// The files are DIR/ca.pem and DIR/ca.key, which are made once, and NAME.pem and NAME.key, where
/// NAME is the local part of the first JID. Never use this CA in production.
#[derive(Args, Debug)]
pub(super) struct DevCertArgs {
    /// The JIDs of the client, such as alice@localhost
    #[arg(value_name = "JID", required_unless_present = "server")]
    jids: Vec<String>,
    /// The common name; none by default
    #[arg(long, value_name = "NAME", requires = "jids")]
    cn: Option<String>,
    /// Where the files are
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Write NAME.p12 too, with certificate and key, for programs that import one file
    #[arg(long, requires = "jids")]
    p12: bool,
    /// The password of NAME.p12; the empty one by default
    #[arg(
        long,
        value_name = "PASSWORD",
        requires = "p12",
        default_value = "",
        hide_default_value = true
    )]
    p12_password: String,
    /// How long the certificates are valid
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36500))]
    days: u32,
    /// Make server.pem and server.key for this host too
    #[arg(long, value_name = "HOST")]
    server: Option<String>,
    /// Leave the JIDs out, so that only the common name says who the client is
    #[arg(long, requires = "cn")]
    no_xmpp_addr: bool,
    /// Let the client certificate sign itself, for verify_mode = "selfsigned_peer"
    #[arg(long, requires = "jids")]
    self_signed: bool,
    /// Replace client and server certificates that are there; the CA is kept
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &DevCertArgs) -> Done {
    let jids = args
        .jids
        .iter()
        .map(|jid| parse_jid(jid))
        .collect::<Result<Vec<_>, _>>()?;
    let name = jids.first().map(file_name);
    fs::create_dir_all(&args.dir).map_err(|error| at(&args.dir, error))?;

    // Nothing is written before it is clear that all of it can be.
    let mut files = Vec::new();
    if let Some(name) = &name {
        files.extend([format!("{name}.pem"), format!("{name}.key")]);
        files.extend(args.p12.then(|| format!("{name}.p12")));
    }
    if args.server.is_some() {
        files.extend(["server.pem".to_owned(), "server.key".to_owned()]);
    }
    for file in files.iter().map(|file| args.dir.join(file)) {
        if !args.force && file.symlink_metadata().is_ok() {
            return Err(at(&file, "the file is there already; --force replaces it"));
        }
    }

    let mut made = Vec::new();
    let needs_authority = !args.self_signed || args.server.is_some();
    let authority = if needs_authority {
        Some(authority(&args.dir, &mut made)?)
    } else {
        None
    };
    let server = match (&args.server, &authority) {
        (Some(host), Some(authority)) => {
            let issued = authority.server(host, args.days);
            Some(issued.map_err(|error| {
                Unusable(format!("no certificate for {host:?} can be made: {error}"))
            })?)
        }
        _ => None,
    };
    if let Some(name) = &name {
        let client = Client {
            common_name: args.cn.clone(),
            xmpp_addrs: match args.no_xmpp_addr {
                true => Vec::new(),
                false => jids.iter().map(Jid::bare).collect(),
            },
            days: args.days,
        };
        let issued = match authority.as_ref().filter(|_| !args.self_signed) {
            Some(authority) => authority.client(&client),
            None => issue::self_signed(&client),
        };
        let issued = issued.map_err(Unusable::new)?;
        write_pair(&args.dir, name, &issued, &mut made)?;
        if args.p12 {
            let path = args.dir.join(format!("{name}.p12"));
            write(
                &path,
                &pkcs12(&issued, name, &args.p12_password)?,
                PRIVATE,
                &mut made,
            )?;
        }
    }
    if let Some(server) = server {
        write_pair(&args.dir, "server", &server, &mut made)?;
    }

    let mut text = String::new();
    for path in made {
        let _ = writeln!(text, "{}", plain(&path.display().to_string()));
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn parse_jid(text: &str) -> Result<Jid, Unusable> {
    let jid = Jid::parse(text.as_bytes())
        .map_err(|error| Unusable(format!("{text:?} is no JID: {error}")))?;
    if !jid.resource.is_empty() {
        return Err(Unusable(format!(
            "{text:?} has a resource, which no certificate has"
        )));
    }
    Ok(jid)
}

/// The local part, or the domain without one; never the name of another file here.
fn file_name(jid: &Jid) -> String {
    let name = if jid.local.is_empty() {
        &jid.domain
    } else {
        &jid.local
    };
    // A domain may be anything in MongooseIM.
    let name = name.replace(['/', '\0'], "_");
    match name.as_str() {
        "ca" | "server" => format!("{name}-client"),
        _ => name,
    }
}

/// The CA of the folder, which is made if it isn't there.
fn authority(dir: &Path, made: &mut Vec<PathBuf>) -> Result<Authority, Unusable> {
    let (certificate, key) = (dir.join("ca.pem"), dir.join("ca.key"));
    match (certificate.exists(), key.exists()) {
        (false, false) => {
            let issued = Authority::generate().map_err(Unusable::new)?;
            write_pair(dir, "ca", &issued, made)?;
        }
        (true, true) => {}
        (true, false) => return Err(at(&key, "the key of ca.pem is missing")),
        (false, true) => return Err(at(&certificate, "the certificate of ca.key is missing")),
    }
    let private = |text: &[u8]| pem::private_key(text).and_then(pem::PrivateKey::plain);
    let private = pem_file::read(&key, private).map_err(Unusable)?;
    let ders = pem_file::ders(&certificate, pem::ca_certificates).map_err(Unusable)?;
    let der = ders.first().map(Vec::as_slice).unwrap_or_default();
    Authority::from_der(der, &private)
        .map_err(|error| at(&certificate, format!("the CA can't be used: {error}")))
}

fn write_pair(
    dir: &Path,
    name: &str,
    issued: &Issued,
    made: &mut Vec<PathBuf>,
) -> Result<(), Unusable> {
    let key = issued.key.serialize_pem();
    write(
        &dir.join(format!("{name}.key")),
        key.as_bytes(),
        PRIVATE,
        made,
    )?;
    let certificate = issued.certificate.pem();
    write(
        &dir.join(format!("{name}.pem")),
        certificate.as_bytes(),
        PUBLIC,
        made,
    )
}

fn write(path: &Path, bytes: &[u8], mode: u32, made: &mut Vec<PathBuf>) -> Result<(), Unusable> {
    // A new file, for an old one might be readable by others.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(path, error)),
        _ => {}
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| at(path, error))?;
    made.push(path.to_owned());
    Ok(())
}

fn pkcs12(issued: &Issued, name: &str, password: &str) -> Result<Vec<u8>, Unusable> {
    let encode = || {
        let certificate = Certificate::from_der(issued.certificate.der())?;
        let key = PrivateKey::from_der(issued.key.serialized_der())?;
        let mut store = KeyStore::new();
        let chain = PrivateKeyChain::new(LOCAL_KEY_ID, key, [certificate]);
        store.add_entry(name, KeyStoreEntry::PrivateKeyChain(chain));
        store.writer(password).write()
    };
    encode().map_err(|error: p12_keystore::error::Error| {
        Unusable(format!("no PKCS#12 file can be made: {error}"))
    })
}

fn at(path: &Path, what: impl core::fmt::Display) -> Unusable {
    Unusable(format!("{}: {what}", path.display()))
}

const PRIVATE: u32 = 0o600;

const PUBLIC: u32 = 0o644;

/// Ties the certificate to its key.
const LOCAL_KEY_ID: &[u8] = &[1];
