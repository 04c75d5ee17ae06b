//! The registry: which certificates a user may log in with. It is what the method `http` asks
//! where there is no other service to ask.
//!
//! | module | what it does |
//! |---|---|
//! | [`http`] | answers `get_certs` and `user_exists`, as MongooseIM asks them |
//! | `embedded` | keeps the certificates in a file, by SQLite |
//! | `postgres` | keeps them in PostgreSQL, for several nodes |
//!
//! A certificate is known by host, local part and SHA-256 fingerprint. Nothing is cached: every
//! question reads what is stored at that time, so a removed certificate is refused at the very
//! next login.
//!
//! The file is SQLite's because a command must be able to change it while the service reads it.
//! redb locks its file for one process. In SQLite's write-ahead-log mode readers and a writer,
//! of any number of processes, do not wait for one another, and a process that is killed leaves
//! nothing half-written.

use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use std::path::PathBuf;

use certjid_core::certificate::Certificate;
use certjid_core::jid::{self, Jid, JidError};

mod embedded;
pub mod http;
mod postgres;

/// What a [`Store`] answers, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, RegistryError>> + Send + 'a>>;

/// Keeps certificates by user.
///
/// What is answered as added or removed is durable, and seen by every later question, whatever
/// process or node asks it.
pub trait Store: fmt::Debug + Send + Sync {
    /// Adds a certificate. It may be there already, and then stays as it is.
    ///
    /// # Errors
    /// [`RegistryError::TooManyCertificates`], or where the store does not work.
    fn add(&self, entry: Entry) -> Answer<'_, Added>;

    /// Removes the certificate of this fingerprint, or all of the user's, and counts them.
    ///
    /// # Errors
    /// Where the store does not work.
    fn remove(&self, user: User, fingerprint: Option<Fingerprint>) -> Answer<'_, u64>;

    /// The user's certificates in DER. It takes [`READ_TIMEOUT`] at most.
    ///
    /// # Errors
    /// Where the store does not work.
    fn certificates(&self, user: User) -> Answer<'_, Vec<Vec<u8>>>;

    /// The first [`PAGE`] certificates behind a known one, in order of host, local part and
    /// fingerprint.
    ///
    /// # Errors
    /// Where the store does not work.
    fn page(&self, filter: Filter, after: Option<Entry>) -> Answer<'_, Vec<Entry>>;

    /// Copies everything to a new file.
    ///
    /// # Errors
    /// Where there is a file already, or the store has tools of its own for that.
    fn back_up(&self, file: PathBuf) -> Answer<'_, ()>;
}

/// Opens the registry in a file, or in PostgreSQL where `place` is such a URL.
///
/// # Errors
/// Where it can't be used. A server that is away now is no such case.
pub fn open(place: &str, missing: Missing) -> Result<Box<dyn Store>, RegistryError> {
    if place.is_empty() {
        return Err(RegistryError::Unusable(
            "the name of the registry is empty".to_owned(),
        ));
    }
    Ok(match postgres::Url::parse(place)? {
        Some(url) => Box::new(postgres::Postgres::open(url, missing)?),
        None => Box::new(embedded::Embedded::open(place.into(), missing)?),
    })
}

/// The place holds a password.
pub fn has_password(place: &str) -> bool {
    postgres::Url::parse(place).is_ok_and(|url| url.is_some_and(|url| url.has_password()))
}

/// What is done where there is no registry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Missing {
    /// An empty one is made.
    Create,
    /// That is an error.
    Refuse,
}

/// A registered certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Whose it is.
    pub user: User,
    /// The SHA-256 of `der`.
    pub fingerprint: Fingerprint,
    /// The certificate.
    pub der: Vec<u8>,
    /// When it was added, in Unix seconds.
    pub added: i64,
    /// What was noted about it.
    pub note: Option<String>,
}

impl Entry {
    /// A certificate to add.
    ///
    /// # Errors
    /// Where the certificate or the note is too long.
    pub fn new(
        user: User,
        certificate: &Certificate,
        added: i64,
        note: Option<String>,
    ) -> Result<Self, RegistryError> {
        let der = certificate.der().to_vec();
        if der.len() > MAX_CERTIFICATE {
            return Err(RegistryError::CertificateTooLong(der.len()));
        }
        let is_bad = |note: &String| note.len() > MAX_NOTE || note.contains('\0');
        if note.as_ref().is_some_and(is_bad) {
            return Err(RegistryError::BadNote);
        }
        Ok(Self {
            user,
            fingerprint: certificate.fingerprint(),
            der,
            added,
            note,
        })
    }
}

/// The SHA-256 of a certificate in DER.
pub type Fingerprint = [u8; 32];

/// A user, by a prepared bare JID.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    local: String,
    host: String,
}

impl User {
    /// The user of a bare JID.
    ///
    /// # Errors
    /// If it is not a JID, or only a domain.
    pub fn parse(jid: &str) -> Result<Self, RegistryError> {
        let jid = Jid::parse(jid.as_bytes()).map_err(RegistryError::Jid)?;
        if !jid.resource.is_empty() {
            return Err(RegistryError::Resource);
        }
        Self::of_prepared(jid.local, jid.domain)
    }

    /// The user of a local part and a host, as they come over HTTP.
    ///
    /// # Errors
    /// As [`User::parse`].
    pub fn new(local: &str, host: &str) -> Result<Self, RegistryError> {
        let local = jid::nodeprep(local).map_err(RegistryError::Jid)?;
        Self::of_prepared(local, prepare_host(host)?)
    }

    fn of_prepared(local: String, host: String) -> Result<Self, RegistryError> {
        if local.is_empty() || host.is_empty() {
            return Err(RegistryError::NoUser);
        }
        if host.chars().any(char::is_control) {
            return Err(RegistryError::ControlCharacter);
        }
        Ok(Self { local, host })
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.host)
    }
}

/// Prepares the name of a host.
///
/// # Errors
/// Where no host can have it.
pub fn prepare_host(host: &str) -> Result<String, RegistryError> {
    jid::nameprep(host).map_err(RegistryError::Jid)
}

/// Whose certificates are listed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Filter {
    /// Everybody's.
    All,
    /// Those of a host's users.
    Host(String),
    /// Those of a user.
    User(User),
}

impl Filter {
    /// Host and local part that must be so, if any.
    fn parts(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::All => (None, None),
            Self::Host(host) => (Some(host), None),
            Self::User(user) => (Some(&user.host), Some(&user.local)),
        }
    }
}

/// What adding has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Added {
    /// The certificate was not there.
    New,
    /// It was there, and nothing is changed.
    Known,
}

/// Why the registry does not do what it is asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum RegistryError {
    /// The note is too long, or has a NUL in it.
    BadNote,
    /// The certificate has this many bytes.
    CertificateTooLong(usize),
    /// The host has a control character in it.
    ControlCharacter,
    /// The name makes no JID.
    Jid(JidError),
    /// The JID is of a domain, and of no user.
    NoUser,
    /// The JID has a resource.
    Resource,
    /// The user has as many certificates as one may have.
    TooManyCertificates(User),
    /// The store does not answer now; it may later.
    Unavailable(String),
    /// The store can't be used as it is.
    Unusable(String),
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadNote => write!(f, "a note has at most {MAX_NOTE} bytes, and no NUL"),
            Self::CertificateTooLong(length) => write!(
                f,
                "the certificate has {length} bytes; at most {MAX_CERTIFICATE} can be registered"
            ),
            Self::ControlCharacter => f.write_str("the domain has a control character in it"),
            Self::Jid(error) => error.fmt(f),
            Self::NoUser => f.write_str("the JID has no local part: it names no user"),
            Self::Resource => f.write_str("the JID has a resource: certificates are a user's"),
            Self::TooManyCertificates(user) => write!(
                f,
                "{user} has {MAX_CERTIFICATES} certificates, and can't have more: remove one"
            ),
            Self::Unavailable(why) | Self::Unusable(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for RegistryError {}

/// The certificates that a user may have. All of them together fit into the answer that the
/// method `http` reads.
pub const MAX_CERTIFICATES: u32 = 32;

/// The greatest length of a certificate in DER, in bytes.
pub const MAX_CERTIFICATE: usize = 16 * 1024;

/// The greatest length of a note, in bytes.
pub const MAX_NOTE: usize = 256;

/// The certificates of a page.
pub const PAGE: u32 = 500;

/// Less than the two seconds that MongooseIM's `request_timeout` is by default, so that whoever
/// asks learns that the store is away.
pub const READ_TIMEOUT: Duration = Duration::from_millis(1500);

/// How long a change may wait for others, and for the store.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_a_prepared_bare_jid() {
        let user = User::parse("Straße@EXAMPLE.org").unwrap();
        assert_eq!(user.to_string(), "strasse@example.org");
        assert_eq!(User::new("STRASSE", "Example.Org").unwrap(), user);
        for jid in [
            "example.org",
            "alice@example.org/phone",
            "a b@c",
            "",
            "a@b\nc",
        ] {
            assert!(User::parse(jid).is_err(), "{jid:?}");
        }
        assert!(User::new("", "example.org").is_err());
        assert!(User::new("alice", "").is_err());
        assert!(User::new("alice", "a\0b").is_err());
    }
}
