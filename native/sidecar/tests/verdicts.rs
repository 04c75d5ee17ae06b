//! The situations of test/data/cases/verdicts.jsonl, asked over the socket and by `certjid check`:
//! both must say what is wanted. What the fields of a row mean is in verdicts.md
//! beside it.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::verify::{CrlPolicy, Missing, Stale};
use certjid_sidecar::backend::Options;
use certjid_sidecar::server::{Limits, Service};
use common::Sidecar;
use common::cases::{self, File, Line};
use common::cli::{self, UNUSABLE, certjid};
use common::http_service::{Service as HttpService, answer};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

#[derive(Deserialize)]
struct Row {
    name: String,
    files: BTreeMap<String, File>,
    ask: Ask,
    now: i64,
    #[serde(default)]
    settings: Vec<String>,
    service: Option<HttpsService>,
    want: Want,
}

#[derive(Deserialize)]
struct Ask {
    host: String,
    cert: String,
    listener: Option<String>,
    authzid: Option<String>,
    initial_response: Option<String>,
}

/// A service that runs meanwhile; each the name of a file.
#[derive(Deserialize)]
struct HttpsService {
    certificate: String,
    key: String,
    knows: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Want {
    allowed: bool,
    jid: Option<String>,
    condition: Option<String>,
    reason: Option<String>,
    message_mentions: Vec<String>,
    message_lacks: Vec<String>,
    unusable: bool,
    or_unusable: bool,
    mentions: Vec<String>,
    lines: Option<(u32, u32)>,
    lacks: Vec<String>,
}

/// What was seen of a row.
enum Seen {
    /// A decision, in the form of the protocol.
    Decided(Value),
    /// Why there is none.
    Unusable(String),
}

#[test]
fn over_the_socket() {
    try_all(|row, folder| {
        let config = folder.join("mongooseim.toml");
        let service = match Service::load(&config, row.options()) {
            Ok(service) => {
                let now = row.now;
                service.clocked(move || now)
            }
            Err(errors) => return Seen::Unusable(errors.to_string()),
        };
        let sidecar = Sidecar::start(folder, service, Limits::default());
        let reply = sidecar.connect().ask(&row.request(folder));
        match reply.get("error") {
            None => Seen::Decided(reply),
            // The page names the field, and only the client knows of which file it is.
            Some(_) => Seen::Unusable(format!("{}: {}", row.ask.cert, reply["message"])),
        }
    });
}

#[test]
fn by_certjid_check() {
    try_all(|row, folder| {
        let now = row.now.to_string();
        let mut arguments = vec![
            "check",
            "--json",
            "--config",
            "mongooseim.toml",
            "--time",
            &now,
        ];
        let ask = &row.ask;
        let listener = ask.listener.as_deref().unwrap_or("c2s");
        arguments.extend([
            "--listener",
            listener,
            "--host",
            &ask.host,
            "--cert",
            &ask.cert,
        ]);
        if let Some(authzid) = &ask.authzid {
            arguments.extend(["--authzid", authzid]);
        }
        if let Some(text) = &ask.initial_response {
            arguments.extend(["--initial-response", text]);
        }
        arguments.extend(row.settings.iter().map(String::as_str));
        let output = certjid(folder, &arguments);
        let error = cli::text(&output.stderr);
        match output.status.code() {
            Some(UNUSABLE) => Seen::Unusable(error),
            _ => serde_json::from_slice(&output.stdout).map_or_else(
                |_| panic!("{}: no answer: {error}", row.name),
                Seen::Decided,
            ),
        }
    });
}

/// Tries all rows, several at a time, and tells of all that are not as wanted.
fn try_all(see: impl Fn(&Row, &Path) -> Seen + Sync) {
    let rows: Vec<Row> = cases::rows("verdicts.jsonl");
    assert!(rows.len() > 200, "{}", rows.len());
    let attempt = |row: &Row| {
        let folder = TempDir::new().unwrap();
        let _service = row.lay_out(folder.path());
        let seen = see(row, folder.path());
        row.want.judge(&seen).map(|fault| {
            let seen = match seen {
                Seen::Decided(reply) => {
                    let told = ["allowed", "jid", "condition", "reason", "message"];
                    told.map(|name| reply[name].to_string()).join(" ")
                }
                Seen::Unusable(message) => message,
            };
            format!("{}: {fault}; seen: {seen}", row.name)
        })
    };
    let faults: Vec<String> = std::thread::scope(|scope| {
        let quarters = rows.chunks(rows.len().div_ceil(4));
        let running: Vec<_> = quarters
            .map(|rows| scope.spawn(|| rows.iter().filter_map(attempt).collect::<Vec<_>>()))
            .collect();
        let ended = running
            .into_iter()
            .flat_map(|quarter| quarter.join().unwrap());
        ended.collect()
    });
    assert!(
        faults.is_empty(),
        "{} of {} rows are not as wanted:\n{}",
        faults.len(),
        rows.len(),
        faults.join("\n")
    );
}

impl Row {
    /// Writes the files, and starts the service where there is one.
    fn lay_out(&self, folder: &Path) -> Option<HttpService> {
        let service = self.service.as_ref().map(|service| {
            let [chain, key, known] = [&service.certificate, &service.key, &service.knows]
                .map(|name| String::from_utf8(self.files[name].bytes()).unwrap());
            HttpService::start_tls_with(chain.as_bytes(), key.as_bytes(), answer(200, &known))
        });
        for (name, file) in &self.files {
            let bytes = match (&service, file) {
                (Some(service), File::Text(text)) => text
                    .replace("SERVICE_PORT", &service.port.to_string())
                    .into_bytes(),
                _ => file.bytes(),
            };
            fs::write(folder.join(name), bytes).unwrap();
        }
        service
    }

    /// The settings as the sidecar has them.
    fn options(&self) -> Options {
        let mut crls = CrlPolicy::default();
        for setting in self.settings.chunks(2) {
            match setting {
                [name, verdict] if name == "--missing-crl" && verdict == "refuse" => {
                    crls.missing = Missing::Refuse;
                }
                [name, verdict] if name == "--stale-crl" && verdict == "allow" => {
                    crls.stale = Stale::Allow;
                }
                _ => panic!("{}: {setting:?} is not known here", self.name),
            }
        }
        Options {
            crls,
            ..Options::default()
        }
    }

    fn request(&self, folder: &Path) -> Value {
        let certificate = fs::read(folder.join(&self.ask.cert)).unwrap();
        let listener = self.ask.listener.as_deref().unwrap_or("c2s");
        let mut request = Map::from_iter([
            ("request".to_owned(), json!("authenticate")),
            ("host".to_owned(), json!(self.ask.host)),
            (
                "listener".to_owned(),
                listener
                    .parse::<u16>()
                    .map_or_else(|_| json!(listener), |port| json!({ "port": port })),
            ),
            (
                "chain".to_owned(),
                String::from_utf8(certificate).map_or_else(
                    |error| json!([STANDARD.encode(error.as_bytes())]),
                    |text| json!(text),
                ),
            ),
        ]);
        for (name, value) in [
            ("authzid", &self.ask.authzid),
            ("initial_response", &self.ask.initial_response),
        ] {
            if let Some(value) = value {
                request.insert(name.to_owned(), json!(value));
            }
        }
        request.into()
    }
}

impl Want {
    /// What is wrong, if anything.
    fn judge(&self, seen: &Seen) -> Option<String> {
        let output = match seen {
            Seen::Decided(reply) => reply.to_string(),
            Seen::Unusable(message) => message.clone(),
        };
        if let Some(word) = self
            .lacks
            .iter()
            .find(|word| output.to_lowercase().contains(*word))
        {
            return Some(format!("the output has {word:?}"));
        }
        let reply = match seen {
            Seen::Unusable(message) if self.unusable || self.or_unusable => {
                return self
                    .is_missing(message)
                    .then(|| "no line says what is at fault".to_owned());
            }
            Seen::Unusable(_) => return Some("the input can't be used".to_owned()),
            Seen::Decided(_) if self.unusable => {
                return Some("the input should not be usable".to_owned());
            }
            Seen::Decided(reply) => reply,
        };
        if reply["allowed"] != self.allowed {
            return Some("the other verdict".to_owned());
        }
        for (name, wanted) in [
            ("jid", &self.jid),
            ("condition", &self.condition),
            ("reason", &self.reason),
        ] {
            if let Some(wanted) = wanted
                && reply[name] != *wanted
            {
                return Some(format!("another {name} than {wanted:?}"));
            }
        }
        let message = reply["message"].as_str().unwrap_or_default().to_lowercase();
        if let Some(word) = self
            .message_mentions
            .iter()
            .find(|word| !message.contains(*word))
        {
            return Some(format!("the message lacks {word:?}"));
        }
        let had = self
            .message_lacks
            .iter()
            .find(|word| message.contains(*word));
        had.map(|word| format!("the message has {word:?}"))
    }

    /// Whether no one line has all of `mentions`, and a number of the range `lines`.
    fn is_missing(&self, output: &str) -> bool {
        let line = Line {
            mentions: &self.mentions,
            lines: self.lines,
        };
        !line.is_in(output)
    }
}
