//! The registry in a file, by SQLite.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row, TransactionBehavior, params,
};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{
    Added, Answer, Entry, Filter, Fingerprint, MAX_CERTIFICATES, Missing, PAGE, READ_TIMEOUT,
    RegistryError, Store, User, WRITE_TIMEOUT,
};

/// A registry file.
#[derive(Debug)]
pub(super) struct Embedded {
    file: Arc<File>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    missing: Missing,
    opened: Mutex<Option<Opened>>,
}

#[derive(Debug)]
struct Opened {
    connection: Connection,
    inode: (u64, u64),
}

impl Embedded {
    pub(super) fn open(path: PathBuf, missing: Missing) -> Result<Self, RegistryError> {
        let file = File {
            opened: Mutex::new(None),
            path,
            missing,
        };
        file.with(|_| Ok(()))?;
        // From now on a missing file was there, and is a fault.
        Ok(Self {
            file: Arc::new(File {
                missing: Missing::Refuse,
                ..file
            }),
        })
    }

    /// Works on the file, on a thread where it may wait.
    async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let file = Arc::clone(&self.file);
        match timeout(limit, spawn_blocking(move || file.with(work))).await {
            Ok(Ok(done)) => done,
            Ok(Err(panicked)) => Err(unusable(&self.file.path, panicked)),
            Err(_) => Err(RegistryError::Unavailable(format!(
                "{}: no answer in {limit:?}",
                self.file.path.display()
            ))),
        }
    }
}

impl Store for Embedded {
    fn add(&self, entry: Entry) -> Answer<'_, Added> {
        Box::pin(async move {
            let user = entry.user.clone();
            self.run(CHANGE_TIMEOUT, move |connection| add(connection, &entry))
                .await?
                .ok_or(RegistryError::TooManyCertificates(user))
        })
    }

    fn remove(&self, user: User, fingerprint: Option<Fingerprint>) -> Answer<'_, u64> {
        Box::pin(self.run(CHANGE_TIMEOUT, move |connection| {
            let removed = connection.execute(
                "DELETE FROM certificates
                 WHERE host = ?1 AND local = ?2 AND (?3 IS NULL OR fingerprint = ?3)",
                params![user.host, user.local, fingerprint],
            )?;
            Ok(removed as u64)
        }))
    }

    fn certificates(&self, user: User) -> Answer<'_, Vec<Vec<u8>>> {
        Box::pin(self.run(READ_TIMEOUT, move |connection| {
            certificates(connection, &user)
        }))
    }

    fn page(&self, filter: Filter, after: Option<Entry>) -> Answer<'_, Vec<Entry>> {
        Box::pin(self.run(CHANGE_TIMEOUT, move |connection| {
            page(connection, &filter, after.as_ref())
        }))
    }

    fn back_up(&self, copy: PathBuf) -> Answer<'_, ()> {
        Box::pin(async move {
            // SQLite fills a file that is empty, and so one that is nobody else's.
            let name = copy
                .to_str()
                .ok_or_else(|| unusable(&copy, "this is not UTF-8"))?;
            create(&copy).map_err(|error| unusable(&copy, error))?;
            let name = name.to_owned();
            let done = self.run(BACKUP_TIMEOUT, move |connection| {
                connection.execute("VACUUM INTO ?1", params![name])?;
                Ok(())
            });
            done.await.inspect_err(|_| {
                // Half a copy is of no use, and would be in the way of the next one.
                let _ = fs::remove_file(&copy);
            })
        })
    }
}

impl File {
    /// Works on the connection, which is opened where it is not, or where the file is another by
    /// now: a copy that was put back counts at once.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, RegistryError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let inode = inode(&self.path);
        if opened.as_ref().map(|opened| opened.inode) != inode {
            *opened = None;
        }
        let opened = match &mut *opened {
            Some(opened) => opened,
            none => none.insert(self.open()?),
        };
        work(&mut opened.connection).map_err(|error| failed(&self.path, &error))
    }

    fn open(&self) -> Result<Opened, RegistryError> {
        let path = &self.path;
        if inode(path).is_none() {
            match self.missing {
                Missing::Create => match create(path) {
                    // Another process was faster.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                    made => made.map_err(|error| unusable(path, error))?,
                },
                Missing::Refuse => {
                    return Err(RegistryError::Unusable(format!(
                        "{}: there is no registry; `certjid registry add` makes one",
                        path.display()
                    )));
                }
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection =
            Connection::open_with_flags(path, flags).map_err(|error| failed(path, &error))?;
        prepare(&mut connection, path)?;
        let inode = inode(path).ok_or_else(|| unusable(path, "the file goes away"))?;
        Ok(Opened { connection, inode })
    }
}

/// Makes an empty file that is the owner's alone: whoever can write it can log in as anybody.
fn create(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Brings the file to the newest version. Several processes may do so at once.
fn prepare(connection: &mut Connection, path: &Path) -> Result<(), RegistryError> {
    let failed = |error: rusqlite::Error| failed(path, &error);
    connection.busy_timeout(WRITE_TIMEOUT).map_err(failed)?;
    // In a transaction, so that what another process does meanwhile is seen whole or not at all.
    let snapshot = connection.transaction().map_err(failed)?;
    let newest = is_newest(&snapshot, path)?;
    snapshot.finish().map_err(failed)?;
    if !newest {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        // Another process may have been here while this one waited.
        if !is_newest(&transaction, path)? {
            let version = number(&transaction, "user_version").map_err(failed)?;
            for migration in MIGRATIONS.iter().skip(version as usize) {
                transaction.execute_batch(migration).map_err(failed)?;
            }
            transaction
                .pragma_update(None, "application_id", APPLICATION_ID)
                .and_then(|()| transaction.pragma_update(None, "user_version", VERSION))
                .map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
    }
    write_ahead(connection, path)?;
    // What is answered as removed stays removed, even where the machine loses its power.
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(failed)
}

/// Turns the write-ahead log on, which SQLite refuses for the moments in which another process
/// works on the file without one.
fn write_ahead(connection: &Connection, path: &Path) -> Result<(), RegistryError> {
    let begun = Instant::now();
    loop {
        let set = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match set {
            Ok(mode) if mode == "wal" => return Ok(()),
            Err(error) if error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) => {
                return Err(failed(path, &error));
            }
            _ if begun.elapsed() > WRITE_TIMEOUT => {
                return Err(unusable(
                    path,
                    "SQLite can't keep a write-ahead log here: is this no local file system?",
                ));
            }
            _ => sleep(Duration::from_millis(5)),
        }
    }
}

fn is_newest(connection: &Connection, path: &Path) -> Result<bool, RegistryError> {
    let failed = |error: rusqlite::Error| failed(path, &error);
    let version = number(connection, "user_version").map_err(failed)?;
    let application = number(connection, "application_id").map_err(failed)?;
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    if version == 0 && application == 0 && tables == 0 {
        return Ok(false);
    }
    if application != APPLICATION_ID {
        return Err(unusable(path, "this is a database of another program"));
    }
    if version > VERSION {
        return Err(unusable(path, "a newer certjid has made it"));
    }
    Ok(version == VERSION)
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// None where the user has too many certificates already.
fn add(connection: &mut Connection, entry: &Entry) -> rusqlite::Result<Option<Added>> {
    // Counting and adding are one: others who write wait.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Entry {
        user, fingerprint, ..
    } = entry;
    let known = transaction
        .query_row(
            "SELECT 1 FROM certificates WHERE host = ?1 AND local = ?2 AND fingerprint = ?3",
            params![user.host, user.local, fingerprint],
            |_| Ok(()),
        )
        .optional()?;
    if known.is_some() {
        return Ok(Some(Added::Known));
    }
    let count: u32 = transaction.query_row(
        "SELECT count(*) FROM certificates WHERE host = ?1 AND local = ?2",
        params![user.host, user.local],
        |row| row.get(0),
    )?;
    if count >= MAX_CERTIFICATES {
        return Ok(None);
    }
    transaction.execute(
        "INSERT INTO certificates (host, local, fingerprint, der, added, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            user.host,
            user.local,
            fingerprint,
            entry.der,
            entry.added,
            entry.note
        ],
    )?;
    transaction.commit()?;
    Ok(Some(Added::New))
}

fn certificates(connection: &Connection, user: &User) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut statement = connection.prepare_cached(
        "SELECT der FROM certificates WHERE host = ?1 AND local = ?2 ORDER BY fingerprint",
    )?;
    statement
        .query_map(params![user.host, user.local], |row| row.get(0))?
        .collect()
}

fn page(
    connection: &Connection,
    filter: &Filter,
    after: Option<&Entry>,
) -> rusqlite::Result<Vec<Entry>> {
    let (host, local) = filter.parts();
    let (after_host, after_local, after_fingerprint) = after.map_or(("", "", &[][..]), |after| {
        (&*after.user.host, &*after.user.local, &after.fingerprint)
    });
    let mut statement = connection.prepare_cached(
        "SELECT host, local, fingerprint, der, added, note FROM certificates
         WHERE (?1 IS NULL OR host = ?1) AND (?2 IS NULL OR local = ?2)
             AND (host, local, fingerprint) > (?3, ?4, ?5)
         ORDER BY host, local, fingerprint LIMIT ?6",
    )?;
    statement
        .query_map(
            params![
                host,
                local,
                after_host,
                after_local,
                after_fingerprint,
                PAGE
            ],
            entry,
        )?
        .collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        user: User {
            host: row.get(0)?,
            local: row.get(1)?,
        },
        fingerprint: row.get(2)?,
        der: row.get(3)?,
        added: row.get(4)?,
        note: row.get(5)?,
    })
}

fn failed(path: &Path, error: &rusqlite::Error) -> RegistryError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            RegistryError::Unavailable(format!(
                "{}: another process works on it for too long",
                path.display()
            ))
        }
        _ => unusable(path, error),
    }
}

fn unusable(path: &Path, why: impl core::fmt::Display) -> RegistryError {
    RegistryError::Unusable(format!("{}: {why}", path.display()))
}

/// What brings a file from each version to the next. Only ever add to the end.
const MIGRATIONS: [&str; 1] = ["CREATE TABLE certificates (
    host TEXT NOT NULL,
    local TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    der BLOB NOT NULL,
    added INTEGER NOT NULL,
    note TEXT,
    PRIMARY KEY (host, local, fingerprint)
) STRICT"];

const VERSION: u32 = MIGRATIONS.len() as u32;

/// "cjid", by which the file is known as a registry.
const APPLICATION_ID: u32 = 0x636a_6964;

/// Others who write are waited for, and then it takes its time.
const CHANGE_TIMEOUT: Duration = WRITE_TIMEOUT.saturating_mul(2);

const BACKUP_TIMEOUT: Duration = Duration::from_secs(600);
