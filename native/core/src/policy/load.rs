use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::sync::Arc;
use std::fs;
use std::path::{Path, PathBuf};

use super::ca_facts;
use super::ca_file::{self, CaFile};
use super::files::{self, look};
use super::{Policy, server_key};
use crate::certificate::ClientCertificate;
use crate::config::lint::{Whose, lists};
use crate::config::{
    Auth, ClientTls, ConfigError, ConfigErrors, MAX_FAULTS, Places, Reading, Tls, Warning,
};
use crate::pem;
use crate::sasl::Kind;
use crate::verify::crl::Crl;
use crate::verify::{CrlPolicy, TrustStore, VerifyMode};

/// What an Erlang module's name in `sasl_external` means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Modules {
    /// The caller can ask it. See [`Outcome::AskModule`](crate::decide::Outcome::AskModule).
    Called,
    /// An error: there is no Erlang node to ask.
    Refused,
}

/// What a policy is loaded with beside its file.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What an Erlang module's name means.
    pub modules: Modules,
    /// What is done about missing and stale CRLs.
    pub crls: CrlPolicy,
}

impl From<Modules> for Options {
    fn from(modules: Modules) -> Self {
        Self {
            modules,
            crls: CrlPolicy::default(),
        }
    }
}

/// What each listener trusts.
#[derive(Debug, Default)]
pub(super) struct Trusts {
    by_files: BTreeMap<Files, Arc<TrustStore>>,
    nothing: Arc<TrustStore>,
}

impl Trusts {
    pub(super) fn of(&self, tls: &Tls) -> &Arc<TrustStore> {
        self.by_files.get(&files(tls)).unwrap_or(&self.nothing)
    }
}

pub(super) fn load(path: &Path, options: Options, now: i64) -> Result<Policy, ConfigErrors> {
    // Before they are read, so that what changes meanwhile shows afterwards.
    let seen = look(vec![path.to_owned()], &[]);
    let Reading {
        config,
        places,
        faults,
        warnings,
    } = Reading::load(path)?;
    let seen = look(files::of(&config), &seen);
    let mut faults = Faults {
        file: path,
        now,
        places: &places,
        errors: faults,
        warnings,
    };
    if options.modules == Modules::Refused {
        config.auths().for_each(|auth| faults.check_modules(auth));
    }
    let mut trusts = Trusts::default();
    let tls = config.listeners.iter();
    for tls in tls.filter_map(|listener| listener.tls.as_ref()) {
        faults.check_server_key(tls);
        if tls.verify_mode == VerifyMode::None || faults.are_in(tls) {
            continue;
        }
        if let Entry::Vacant(entry) = trusts.by_files.entry(files(tls))
            && let Some(trust) = faults.read_trust(tls, options.crls)
        {
            entry.insert(Arc::new(trust));
        }
    }

    let pools = config.pools.iter().filter(|pool| pool.is_asked);
    for tls in pools.filter_map(|pool| pool.connection.tls()) {
        if tls.verify_mode != VerifyMode::None {
            faults.look_at_pool(tls);
        }
    }

    let Faults {
        errors, warnings, ..
    } = faults;
    let ConfigErrors { faults, warnings } = ConfigErrors::new(errors, warnings);
    if !faults.is_empty() {
        return Err(ConfigErrors { faults, warnings });
    }
    Ok(Policy {
        config,
        trusts,
        warnings,
        seen,
    })
}

/// The faults of a configuration, and those that come to light only with the files that it names.
struct Faults<'a> {
    file: &'a Path,
    /// The time of the judgement, in Unix seconds.
    now: i64,
    places: &'a Places,
    errors: Vec<ConfigError>,
    warnings: Vec<Warning>,
}

impl Faults<'_> {
    fn check_modules(&mut self, auth: &Auth) {
        for kind in &auth.sasl_external {
            if let Kind::Module(module) = kind {
                let message = format!(
                    "{module:?} is an Erlang module, which only an Erlang node can ask; \
                     standard, common_name, auth_id, certjid_verification and \
                     cyrsasl_external_verification are built in"
                );
                self.error(format!("{}.sasl_external", auth.path), message);
            }
        }
    }

    /// Whether the section has a fault, so that the files that it names are not all known.
    fn are_in(&self, tls: &Tls) -> bool {
        let mut errors = self.errors.iter();
        errors.any(|error| error.path.starts_with(&tls.path))
    }

    /// The server's own key is of no use here; that it fits is worth a warning where it can be
    /// read.
    fn check_server_key(&mut self, tls: &Tls) {
        let (Some(certfile), Some(keyfile)) = (&tls.certfile, &tls.keyfile) else {
            return;
        };
        let (Ok(certificate), Ok(key)) = (fs::read(certfile), fs::read(keyfile)) else {
            return;
        };
        if server_key::fits(&certificate, &key) == Some(false) {
            let message = format!(
                "{} is not the key of the certificate in {}, so that no client can connect",
                keyfile.display(),
                certfile.display()
            );
            self.warn(format!("{}.keyfile", tls.path), message);
        }
    }

    fn read_trust(&mut self, tls: &Tls, crls: CrlPolicy) -> Option<TrustStore> {
        let trust = match &tls.cacertfile {
            Some(cacertfile) => self.read_ca_file(tls, cacertfile),
            None => Some(self.system_trust(tls)),
        };
        let lists = self.read_crls(tls);
        let trust = trust?;
        self.look_at_lists(&tls.path, Whose::Clients, &trust, &lists);
        let lists = lists.into_iter().map(|(_, list)| list);
        Some(trust.with_crls(lists.collect(), crls))
    }

    /// The files of a pool. They are read again where the service is asked, which says what is wrong.
    fn look_at_pool(&mut self, tls: &ClientTls) {
        let Some(file) = &tls.cacertfile else {
            return;
        };
        let read = |file: &Path| fs::read(file).map_err(|error| error.to_string());
        let found = read(file).and_then(|file| CaFile::read(&file, Whose::Services, self.now));
        let Ok(CaFile { trust, advice }) = found else {
            return;
        };
        for what in advice {
            let path = format!("{}.cacertfile", tls.path);
            self.warn(path, format!("{} {what}", file.display()));
        }
        let mut lists = Vec::new();
        for file in &tls.crl_files {
            let found = read(file).and_then(|file| ca_file::crls(&file));
            let found = found.map_or_else(|_| Vec::new(), |(found, _)| found);
            lists.extend(found.into_iter().map(|list| (file.as_path(), list)));
        }
        self.look_at_lists(&tls.path, Whose::Services, &trust, &lists);
    }

    fn look_at_lists(
        &mut self,
        path: &str,
        whose: Whose,
        trust: &TrustStore,
        lists: &[(&Path, Crl)],
    ) {
        if lists.is_empty() {
            return;
        }
        let cas = trust
            .ders()
            .filter_map(|der| ClientCertificate::from_der(der).ok());
        let cas: Vec<_> = cas.collect();
        let all: Vec<&Crl> = lists.iter().map(|(_, list)| list).collect();
        for (file, list) in lists {
            let facts = ca_facts::of_list(list, &all, &cas);
            for what in lists::of(&facts, whose, self.now) {
                let message = format!("{} {what}", file.display());
                self.warn(format!("{path}.crl_files"), message);
            }
        }
    }

    fn read_ca_file(&mut self, tls: &Tls, cacertfile: &Path) -> Option<TrustStore> {
        let path = format!("{}.cacertfile", tls.path);
        let bytes = self.read(&path, cacertfile)?;
        match CaFile::read(&bytes, Whose::Clients, self.now) {
            Ok(CaFile { trust, advice }) => {
                for message in advice {
                    self.warn(path.clone(), format!("{} {message}", cacertfile.display()));
                }
                Some(trust)
            }
            Err(what) => {
                self.unusable(&path, cacertfile, &bytes, &what);
                None
            }
        }
    }

    /// The operating system's CAs, as MongooseIM takes them since 6.4.0.
    fn system_trust(&mut self, tls: &Tls) -> TrustStore {
        let found = rustls_native_certs::load_native_certs().certs;
        // The system's store may hold what can't be read; MongooseIM passes over it too.
        let (trust, _) = TrustStore::from_readable(found);
        if trust.ders().len() == 0 {
            let message = "there is no cacertfile, and the operating system has no CAs either, \
                           so that no certificate is accepted";
            self.warn(tls.path.clone(), message.to_owned());
        }
        trust
    }

    fn read_crls<'t>(&mut self, tls: &'t Tls) -> Vec<(&'t Path, Crl)> {
        let path = format!("{}.crl_files", tls.path);
        let mut crls = Vec::new();
        for file in &tls.crl_files {
            let Some(bytes) = self.read(&path, file) else {
                continue;
            };
            match ca_file::crls(&bytes) {
                Ok((found, others)) => {
                    crls.extend(found.into_iter().map(|list| (file.as_path(), list)));
                    for what in others.iter().map(ca_file::passed_over) {
                        self.warn(path.clone(), format!("{} {what}", file.display()));
                    }
                }
                Err(what) => self.unusable(&path, file, &bytes, &what),
            }
        }
        crls
    }

    fn read(&mut self, path: &str, file: &Path) -> Option<Vec<u8>> {
        let read = fs::read(file);
        read.map_err(|error| {
            let message = format!("{} can't be read: {error}", file.display());
            self.error(path.to_owned(), message);
        })
        .ok()
    }

    fn unusable(&mut self, path: &str, file: &Path, bytes: &[u8], what: &str) {
        let file = file.display();
        self.error(path.to_owned(), format!("{file} can't be used: {what}"));
        if pem::names_private_key(bytes) {
            let message = format!("{file} holds a private key, which does not belong there");
            self.warn(path.to_owned(), message);
        }
    }

    fn error(&mut self, path: String, message: String) {
        if self.errors.len() < 2 * MAX_FAULTS {
            self.errors.push(ConfigError {
                file: self.file.to_owned(),
                line: self.places.nearest(&path),
                path,
                message,
            });
        }
    }

    fn warn(&mut self, path: String, message: String) {
        if self.warnings.len() < 2 * MAX_FAULTS {
            self.warnings.push(Warning {
                line: self.places.nearest(&path),
                path,
                message,
            });
        }
    }
}

/// The files that say what a listener trusts.
type Files = (Option<PathBuf>, Vec<PathBuf>);

fn files(tls: &Tls) -> Files {
    (tls.cacertfile.clone(), tls.crl_files.clone())
}
