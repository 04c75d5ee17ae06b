//! MongooseIM's method `ldap`: has the user an entry in the directory?

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use certjid_core::config::{Deref, Ldap, LdapConnection, LocalFilter, LocalOperation, Pool};
use certjid_core::policy::{MethodAnswer, MethodQuestion};
use certjid_core::verify::VerifyMode;
use ldap3::{
    DerefAliases, LdapConn, LdapConnSettings, LdapError, Scope, SearchEntry, SearchOptions,
};

use super::tls;

mod filter;

/// The directory of one pool, with the connections that are not in use.
pub(super) struct Service {
    connection: LdapConnection,
    settings: LdapConnSettings,
    call_timeout: Duration,
    workers: usize,
    idle: Mutex<Vec<LdapConn>>,
}

impl core::fmt::Debug for Service {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Service")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Prepares the connections of `outgoing_pools.ldap.TAG`.
    ///
    /// # Errors
    /// Where a file of its `tls` section can't be used.
    pub(super) fn new(pool: &Pool, connection: &LdapConnection) -> Result<Self, String> {
        let mut settings = LdapConnSettings::new();
        if let Some(tls) = &connection.tls {
            settings = settings
                .set_config(Arc::new(tls::client_config(tls)?))
                .set_no_tls_verify(tls.verify_mode == VerifyMode::None);
        }
        Ok(Self {
            connection: connection.clone(),
            settings,
            call_timeout: pool.call_timeout,
            workers: pool.workers,
            idle: Mutex::default(),
        })
    }

    /// Searches the user's entry, and applies `local_filter` and `dn_filter` to it.
    pub(super) fn knows(&self, question: &MethodQuestion<'_>, ldap: &Ldap) -> MethodAnswer {
        let deadline = Instant::now() + self.call_timeout;
        let taken = self.idle().pop();
        let kept = taken.is_some();
        let answer = self.ask(taken, question, ldap, deadline);
        // A connection that was kept may have been closed in the meantime.
        let answer = match answer {
            Err(_) if kept && Instant::now() < deadline => {
                self.idle().clear();
                self.ask(None, question, ldap, deadline)
            }
            answer => answer,
        };
        answer.unwrap_or_else(|error| {
            MethodAnswer::Unavailable(format!("the directory does not answer: {error}"))
        })
    }

    fn ask(
        &self,
        connection: Option<LdapConn>,
        question: &MethodQuestion<'_>,
        ldap: &Ldap,
        deadline: Instant,
    ) -> Result<MethodAnswer, LdapError> {
        let mut connection = match connection {
            Some(connection) => connection,
            None => self.connect(deadline)?,
        };
        let answer = search(&mut connection, question, ldap, deadline)?;
        let mut idle = self.idle();
        if idle.len() < self.workers {
            idle.push(connection);
        }
        Ok(answer)
    }

    /// The first of the servers that takes a connection and the password.
    fn connect(&self, deadline: Instant) -> Result<LdapConn, LdapError> {
        let scheme = if self.connection.tls.is_some() {
            "ldaps"
        } else {
            "ldap"
        };
        let mut last = None;
        for server in &self.connection.servers {
            let url = format!("{scheme}://{server}:{}", self.connection.port);
            let settings = self.settings.clone().set_conn_timeout(left(deadline));
            let connected = LdapConn::with_settings(settings, &url).and_then(|mut connection| {
                connection
                    .with_timeout(left(deadline))
                    .simple_bind(&self.connection.root_dn, self.connection.password.expose())?
                    .success()?;
                Ok(connection)
            });
            match connected {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(LdapError::EndOfStream))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<LdapConn>> {
        // Connections are only pushed and popped: nothing is half-done after a panic.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn search(
    connection: &mut LdapConn,
    question: &MethodQuestion<'_>,
    ldap: &Ldap,
    deadline: Instant,
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

    let found = entries(connection, ldap, &user_filter, &attributes, deadline)?;
    let Some(entry) = found.into_iter().next() else {
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
        if entries(connection, ldap, &filter, &["1.1"], deadline)?.is_empty() {
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

fn entries(
    connection: &mut LdapConn,
    ldap: &Ldap,
    filter: &str,
    attributes: &[&str],
    deadline: Instant,
) -> Result<Vec<SearchEntry>, LdapError> {
    let deref = match ldap.deref {
        Deref::Always => DerefAliases::Always,
        Deref::Finding => DerefAliases::Finding,
        Deref::Never => DerefAliases::Never,
        Deref::Searching => DerefAliases::Searching,
    };
    let (entries, _) = connection
        .with_search_options(SearchOptions::new().deref(deref))
        .with_timeout(left(deadline))
        .search(&ldap.base, Scope::Subtree, filter, attributes)?
        .success()?;
    Ok(entries.into_iter().map(SearchEntry::construct).collect())
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

fn left(deadline: Instant) -> Duration {
    deadline
        .saturating_duration_since(Instant::now())
        .max(Duration::from_millis(1))
}
