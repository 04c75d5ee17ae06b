//! MongooseIM's method `ldap`: has the user an entry in the directory?

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use certjid_core::config::{
    self, ClientTls, Deref, Ldap as Options, LdapConnection, LocalFilter, LocalOperation,
};
use certjid_core::decide::{MethodAnswer, MethodQuestion};
use futures_util::FutureExt as _;
use ldap3::{
    DerefAliases, Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchEntry,
    SearchOptions, StdStream,
};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::pool;
use super::tls::Tls;

pub mod filter;
mod wire;

/// The directory of one pool.
pub(super) struct Service {
    servers: Vec<Server>,
    port: u16,
    starttls: bool,
    root_dn: String,
    password: config::Secret,
    connect_interval: Duration,
    /// What each server may take, so that there is time for the next.
    share: Duration,
}

struct Server {
    host: String,
    tls: Option<Tls>,
    failed: Mutex<Option<Failure>>,
}

#[derive(Clone)]
struct Failure {
    at: Instant,
    error: String,
}

/// A connection to the server of that index.
pub(super) struct Connection {
    ldap: Ldap,
    server: usize,
}

impl Service {
    /// Prepares for `outgoing_pools.ldap.TAG`. With `starttls`, TLS begins within LDAP and not at
    /// once; without a section `tls`, with that section's defaults.
    ///
    /// # Errors
    /// Where a file of its `tls` section can't be used.
    pub(super) fn new(
        pool: &config::Pool,
        connection: &LdapConnection,
        starttls: bool,
    ) -> Result<Self, String> {
        let default = starttls.then(ClientTls::default);
        let tls = connection.tls.as_ref().or(default.as_ref());
        let server = |host: &String| {
            let tls = tls.map(|tls| Tls::new(tls, host)).transpose()?;
            Ok(Server {
                host: host.clone(),
                tls,
                failed: Mutex::default(),
            })
        };
        let servers = connection.servers.iter().map(server);
        let servers = servers.collect::<Result<Vec<_>, String>>()?;
        let count = u32::try_from(servers.len()).unwrap_or(u32::MAX).max(1);
        Ok(Self {
            share: pool.call_timeout / count,
            servers,
            port: connection.port,
            starttls,
            root_dn: connection.root_dn.clone(),
            password: connection.password.clone(),
            connect_interval: connection.connect_interval,
        })
    }

    /// The servers in the order of trial. One that failed comes after the others for
    /// `connect_interval`, and is left in peace for [`PAUSE`] whatever the others do.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<(bool, usize)> = Vec::new();
        for (index, server) in self.servers.iter().enumerate() {
            let since = server.failed().as_ref().map(|failure| failure.at.elapsed());
            if since.is_none_or(|since| since >= PAUSE.min(self.connect_interval)) {
                let late = since.is_some_and(|since| since < self.connect_interval);
                order.push((late, index));
            }
        }
        order.sort_unstable();
        order.into_iter().map(|(_, index)| index).collect()
    }

    async fn open(&self, server: &Server) -> io::Result<Ldap> {
        let mut stream = TcpStream::connect((server.host.as_str(), self.port)).await?;
        // A request is one segment, and its answer is awaited.
        let _ = stream.set_nodelay(true);
        if self.starttls {
            wire::start_tls(&mut stream).await?;
        }
        let guarded = match &server.tls {
            Some(tls) => wire::guard(tls.connect(stream).await?)?,
            None => wire::guard(stream)?,
        };
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(guarded));
        let (connection, mut ldap) = LdapConnAsync::with_settings(settings, "ldapi:///")
            .await
            .map_err(io::Error::other)?;
        // It ends with the last handle, or when the directory closes it.
        tokio::spawn(connection.drive());
        ldap.simple_bind(&self.root_dn, self.password.expose())
            .await
            .and_then(ldap3::LdapResult::success)
            .map_err(|error| io::Error::other(format!("binding fails: {error}")))?;
        Ok(ldap)
    }

    /// Waits for a server within its share of the time, and keeps in mind whether it failed.
    async fn asking<T>(
        &self,
        server: usize,
        asked: impl Future<Output = Result<T, String>>,
    ) -> Result<T, String> {
        let server = &self.servers[server];
        // ldap3 panics on messages that it does not expect.
        let asked = AssertUnwindSafe(asked).catch_unwind();
        let error = match timeout(self.share, asked).await {
            Ok(Ok(Ok(answer))) => {
                *server.failed() = None;
                return Ok(answer);
            }
            Ok(Ok(Err(error))) => error,
            Ok(Err(_)) => "what it sends can't be read".to_owned(),
            Err(_) => format!("nothing came within {} ms", self.share.as_millis()),
        };
        let error = format!("{}: {error}", server.host);
        *server.failed() = Some(Failure {
            at: Instant::now(),
            error: error.clone(),
        });
        Err(error)
    }
}

impl pool::Service for Service {
    type Connection = Connection;
    type Options = Options;

    /// The first of the servers that takes a connection and the password.
    async fn connect(&self) -> Result<Connection, String> {
        for server in self.order() {
            let opened = async {
                let opened = self.open(&self.servers[server]).await;
                opened.map_err(|error| error.to_string())
            };
            if let Ok(ldap) = self.asking(server, opened).await {
                return Ok(Connection { ldap, server });
            }
        }
        let failures = self
            .servers
            .iter()
            .filter_map(|server| server.failed().clone());
        let last = failures.max_by_key(|failure| failure.at);
        Err(last.map_or_else(|| "there is no server".to_owned(), |failure| failure.error))
    }

    /// Searches the user's entry, and applies `local_filter` and `dn_filter` to it.
    async fn ask(
        &self,
        mut connection: Connection,
        question: &MethodQuestion<'_>,
        options: &Options,
    ) -> Result<(MethodAnswer, Option<Connection>), String> {
        let server = connection.server;
        let search = async {
            match search(&mut connection.ldap, question, options).await {
                // The server is well, but can't search so.
                Err(LdapError::LdapResult { result }) => Ok(MethodAnswer::Unavailable(format!(
                    "the directory answers a search with {result}"
                ))),
                answer => answer.map_err(|error| error.to_string()),
            }
        };
        let answer = self.asking(server, search).await?;
        Ok((answer, Some(connection)))
    }
}

impl Server {
    fn failed(&self) -> MutexGuard<'_, Option<Failure>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn search(
    connection: &mut Ldap,
    question: &MethodQuestion<'_>,
    ldap: &Options,
) -> Result<MethodAnswer, LdapError> {
    let user_filter = filter::of_user(
        ldap,
        question.username,
        question.host_type.unwrap_or(question.host),
    );
    let mut attributes: Vec<&str> = ldap.uids.iter().map(|uid| uid.attr.as_str()).collect();
    attributes.extend(
        ldap.local_filter
            .iter()
            .map(|local| local.attribute.as_str()),
    );
    let of_dn = ldap.dn_filter.iter().flat_map(|dn| &dn.attributes);
    attributes.extend(of_dn.map(String::as_str));

    let found = first_entry(connection, ldap, &user_filter, &attributes).await?;
    let Some(entry) = found else {
        return Ok(MethodAnswer::Refused(format!(
            "the directory has no entry for {user_filter:?}"
        )));
    };
    if let Some(local) = &ldap.local_filter
        && !matches_locally(local, &entry)
    {
        return Ok(MethodAnswer::Refused(format!(
            "{:?} does not pass local_filter on the attribute {:?}",
            entry.dn, local.attribute
        )));
    }
    if let Some(dn) = &ldap.dn_filter {
        let values: Vec<String> = dn
            .attributes
            .iter()
            .map(|name| values(&entry, name).first().cloned().unwrap_or_default())
            .collect();
        let filter = filter::of_dn(
            &dn.filter,
            question.username,
            question.host,
            &entry.dn,
            &values,
        );
        let found = first_entry(connection, ldap, &filter, &["1.1"]).await?;
        if found.is_none() {
            return Ok(MethodAnswer::Refused(format!(
                "{:?} does not pass dn_filter: the directory has no entry for {filter:?}",
                entry.dn
            )));
        }
    }
    Ok(MethodAnswer::Accepted(format!(
        "the directory has the entry {:?}",
        entry.dn
    )))
}

/// The first entry that the directory finds, which is all that MongooseIM looks at.
async fn first_entry(
    connection: &mut Ldap,
    ldap: &Options,
    filter: &str,
    attributes: &[&str],
) -> Result<Option<SearchEntry>, LdapError> {
    let deref = match ldap.deref {
        Deref::Always => DerefAliases::Always,
        Deref::Finding => DerefAliases::Finding,
        Deref::Never => DerefAliases::Never,
        Deref::Searching => DerefAliases::Searching,
    };
    let options = SearchOptions::new().deref(deref).sizelimit(1);
    let mut found = connection
        .with_search_options(options)
        .streaming_search(&ldap.base, Scope::Subtree, filter, attributes)
        .await?;
    let mut first = None;
    while let Some(entry) = found.next().await? {
        if first.is_none() && !entry.is_ref() && !entry.is_intermediate() {
            first = Some(SearchEntry::construct(entry));
        }
    }
    let result = found.finish().await;
    if result.rc != SIZE_LIMIT_EXCEEDED {
        result.success()?;
    }
    Ok(first)
}

/// The attribute's values must be those of the filter, in whatever order a directory keeps them.
fn matches_locally(local: &LocalFilter, entry: &SearchEntry) -> bool {
    let mut found = values(entry, &local.attribute).to_vec();
    let mut wanted = local.values.clone();
    found.sort();
    wanted.sort();
    (found == wanted) == (local.operation == LocalOperation::Equal)
}

/// The values of an attribute, whose name has no case (RFC 4512 section 2.5).
fn values<'a>(entry: &'a SearchEntry, attribute: &str) -> &'a [String] {
    entry
        .attrs
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(attribute))
        .map(|(_, values)| values.as_slice())
        .unwrap_or_default()
}

/// How long a server that failed is left in peace: logins work again so soon after its return.
const PAUSE: Duration = Duration::from_millis(250);

/// There are more entries than the one asked for (RFC 4511 section 4.1.9).
const SIZE_LIMIT_EXCEEDED: u32 = 4;
