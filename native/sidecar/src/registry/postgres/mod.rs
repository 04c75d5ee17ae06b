//! The registry in PostgreSQL, which several nodes share.

use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};
use std::path::PathBuf;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{NoTls, Row};

use super::{
    Added, Answer, Entry, Filter, Fingerprint, MAX_CERTIFICATES, Missing, PAGE, READ_TIMEOUT,
    RegistryError, Store, User, WRITE_TIMEOUT,
};

mod migrations;
mod password;
mod url;

pub(super) use url::Url;

/// The registry in a database.
#[derive(Debug)]
pub(super) struct Postgres {
    pool: Pool,
    /// Host, port and database, for messages.
    name: String,
    missing: Missing,
    /// The tables are known to be there.
    migrated: AtomicBool,
}

impl Postgres {
    /// Nothing is asked of the server yet, for it may be away and come.
    pub(super) fn open(url: Url, missing: Missing) -> Result<Self, RegistryError> {
        let (name, tls) = (url.name(), url.tls()?);
        let config = url.into_config()?;
        let options = ManagerConfig {
            // A connection that is known to be closed is not used. Whether others work is seen
            // in using them.
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = match tls {
            Some(tls) => Manager::from_config(config, tls, options),
            None => Manager::from_config(config, NoTls, options),
        };
        let pool = Pool::builder(manager)
            .max_size(MAX_CONNECTIONS)
            .build()
            .map_err(|error| RegistryError::Unusable(error.to_string()))?;
        Ok(Self {
            pool,
            name,
            missing,
            migrated: AtomicBool::new(false),
        })
    }

    /// Asks until there is an answer, on another connection where one is lost.
    async fn ask<T, F>(&self, limit: Duration, question: impl Fn() -> F) -> Result<T, RegistryError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let asked = timeout(limit, async {
            // All connections may be from before a restart of the server.
            for _ in 0..MAX_CONNECTIONS {
                match question().await {
                    Err(Failure::Database(error)) if is_lost(&error) => {}
                    answer => return answer,
                }
            }
            question().await
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure)) => Err(self.explain(failure)),
            Err(_) => Err(RegistryError::Unavailable(format!(
                "{}: no answer in {limit:?}",
                self.name
            ))),
        }
    }

    async fn session(&self) -> Result<Session, Failure> {
        let client = self.pool.get().await.map_err(Failure::Connection)?;
        let mut session = Session(Some(client));
        if !self.migrated.load(Ordering::Relaxed) {
            migrations::run(&mut session, self.missing).await?;
            self.migrated.store(true, Ordering::Relaxed);
        }
        Ok(session)
    }

    async fn insert(&self, entry: &Entry) -> Result<Added, Failure> {
        let mut session = self.session().await?;
        let transaction = session.transaction().await?;
        let Entry { user, .. } = entry;
        let (host, local, fingerprint) = (&user.host, &user.local, &entry.fingerprint[..]);
        // Counting and adding are one: others who add for this user wait.
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))";
        transaction
            .execute(lock, &[&user.to_string(), &LOCK])
            .await?;
        let known = transaction
            .query_opt(
                "SELECT 1 FROM certjid_certificates
                 WHERE host = $1 AND local = $2 AND fingerprint = $3",
                &[host, local, &fingerprint],
            )
            .await?;
        let added = if known.is_some() {
            Added::Known
        } else {
            let count: i64 = transaction
                .query_one(
                    "SELECT count(*) FROM certjid_certificates WHERE host = $1 AND local = $2",
                    &[host, local],
                )
                .await?
                .try_get(0)?;
            if count >= i64::from(MAX_CERTIFICATES) {
                return Err(RegistryError::TooManyCertificates(user.clone()).into());
            }
            transaction
                .execute(
                    "INSERT INTO certjid_certificates (host, local, fingerprint, der, added, note)
                     VALUES ($1, $2, $3, $4, $5, $6)",
                    &[
                        host,
                        local,
                        &fingerprint,
                        &entry.der,
                        &entry.added,
                        &entry.note,
                    ],
                )
                .await?;
            Added::New
        };
        transaction.commit().await?;
        session.end();
        Ok(added)
    }

    async fn delete(&self, user: &User, fingerprint: Option<&Fingerprint>) -> Result<u64, Failure> {
        let session = self.session().await?;
        let fingerprint = fingerprint.map(|fingerprint| &fingerprint[..]);
        let removed = session
            .execute(
                "DELETE FROM certjid_certificates
                 WHERE host = $1 AND local = $2 AND ($3::bytea IS NULL OR fingerprint = $3)",
                &[&user.host, &user.local, &fingerprint],
            )
            .await?;
        session.end();
        Ok(removed)
    }

    async fn select(&self, user: &User) -> Result<Vec<Vec<u8>>, Failure> {
        let session = self.session().await?;
        let statement = session
            .prepare_cached(
                "SELECT der FROM certjid_certificates
                 WHERE host = $1 AND local = $2 ORDER BY fingerprint",
            )
            .await?;
        let rows = session
            .query(&statement, &[&user.host, &user.local])
            .await?;
        session.end();
        let ders: Result<_, _> = rows.iter().map(|row| row.try_get(0)).collect();
        Ok(ders?)
    }

    async fn select_page(
        &self,
        filter: &Filter,
        after: Option<&Entry>,
    ) -> Result<Vec<Entry>, Failure> {
        let session = self.session().await?;
        let (host, local) = filter.parts();
        let (after_host, after_local, after_fingerprint) = after
            .map_or(("", "", &[][..]), |after| {
                (&*after.user.host, &*after.user.local, &after.fingerprint)
            });
        let rows = session
            .query(
                "SELECT host, local, fingerprint, der, added, note FROM certjid_certificates
                 WHERE ($1::text IS NULL OR host = $1) AND ($2::text IS NULL OR local = $2)
                     AND (host, local, fingerprint) > ($3, $4, $5)
                 ORDER BY host, local, fingerprint LIMIT $6",
                &[
                    &host,
                    &local,
                    &after_host,
                    &after_local,
                    &after_fingerprint,
                    &i64::from(PAGE),
                ],
            )
            .await?;
        session.end();
        rows.iter().map(entry).collect()
    }

    fn explain(&self, failure: Failure) -> RegistryError {
        let error = match failure {
            Failure::Connection(PoolError::Backend(error)) | Failure::Database(error) => error,
            Failure::Connection(error) => {
                return RegistryError::Unavailable(format!("{}: {error}", self.name));
            }
            Failure::Registry(error) => return error,
        };
        let text = format!("{}: {}", self.name, words(&error));
        if is_temporary(&error) {
            RegistryError::Unavailable(text)
        } else {
            // The database may be a new one.
            self.migrated.store(false, Ordering::Relaxed);
            RegistryError::Unusable(text)
        }
    }
}

impl Store for Postgres {
    fn add(&self, entry: Entry) -> Answer<'_, Added> {
        Box::pin(async move { self.ask(WRITE_TIMEOUT, || self.insert(&entry)).await })
    }

    fn remove(&self, user: User, fingerprint: Option<Fingerprint>) -> Answer<'_, u64> {
        Box::pin(async move {
            self.ask(WRITE_TIMEOUT, || self.delete(&user, fingerprint.as_ref()))
                .await
        })
    }

    fn certificates(&self, user: User) -> Answer<'_, Vec<Vec<u8>>> {
        Box::pin(async move { self.ask(READ_TIMEOUT, || self.select(&user)).await })
    }

    fn page(&self, filter: Filter, after: Option<Entry>) -> Answer<'_, Vec<Entry>> {
        Box::pin(async move {
            self.ask(WRITE_TIMEOUT, || self.select_page(&filter, after.as_ref()))
                .await
        })
    }

    fn back_up(&self, _: PathBuf) -> Answer<'_, ()> {
        Box::pin(async {
            Err(RegistryError::Unusable(
                "a registry in PostgreSQL is backed up by pg_dump".to_owned(),
            ))
        })
    }
}

/// A connection, which goes back to the pool where [`Session::end`] says so, and is closed where
/// something went wrong or took too long: nobody waits for it again.
struct Session(Option<Object>);

impl Session {
    fn end(mut self) {
        self.0.take();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

impl Deref for Session {
    type Target = Object;

    fn deref(&self) -> &Object {
        self.0
            .as_ref()
            .expect("only `end` and `drop` take it, and end")
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Object {
        self.0
            .as_mut()
            .expect("only `end` and `drop` take it, and end")
    }
}

enum Failure {
    /// There is no connection.
    Connection(PoolError),
    Database(tokio_postgres::Error),
    Registry(RegistryError),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

fn entry(row: &Row) -> Result<Entry, Failure> {
    let fingerprint: &[u8] = row.try_get(2)?;
    Ok(Entry {
        user: User {
            host: row.try_get(0)?,
            local: row.try_get(1)?,
        },
        fingerprint: fingerprint
            .try_into()
            .map_err(|_| RegistryError::Unusable("a fingerprint has not 32 bytes".to_owned()))?,
        der: row.try_get(3)?,
        added: row.try_get(4)?,
        note: row.try_get(5)?,
    })
}

/// The connection is gone, and another may do.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        None => true,
        Some(code) => *code == SqlState::ADMIN_SHUTDOWN || *code == SqlState::CRASH_SHUTDOWN,
    }
}

/// The server may answer later, without being changed.
fn is_temporary(error: &tokio_postgres::Error) -> bool {
    // Connection exception, transaction rollback, insufficient resources, operator intervention.
    let classes = ["08", "40", "53", "57"];
    error
        .code()
        .is_none_or(|code| classes.iter().any(|class| code.code().starts_with(class)))
}

/// What the server says, or why it says nothing. Never a row or a parameter.
fn words(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;

    match (error.as_db_error(), error.source()) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// The connections of a process. A question takes milliseconds.
const MAX_CONNECTIONS: usize = 8;

/// "certjid", by which our locks are told from those of others in the same database.
const LOCK: i64 = 0x0063_6572_746a_6964;
