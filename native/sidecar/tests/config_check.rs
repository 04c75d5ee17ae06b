//! What `certjid config check` says of the configurations in test/data/cases/warnings.jsonl, each
//! laid out in a folder of its own; and `certjid serve` with options that it does not know.

mod common;

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::Site;
use common::cli::{certjid, text};
use common::serving::Serving;
use serde_json::Value;

#[test]
fn every_row_is_told_as_wanted() {
    let file = root().join("test/data/cases/warnings.jsonl");
    let rows = fs::read_to_string(file).unwrap();
    let mut faults = Vec::new();
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let dir = tempfile::tempdir().unwrap();
        lay_out(&row["files"], dir.path());
        let output = certjid(dir.path(), &["config", "check", "mongooseim.toml"]);
        let told = Told {
            status: i64::from(output.status.code().unwrap()),
            out: text(&output.stdout),
            all: text(&output.stdout) + &text(&output.stderr),
        };
        if let Some(fault) = told.fault(&row["want"]) {
            faults.push(format!("{}: {fault}\n{}", row["name"], told.all));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(rows.lines().count() > 90);
}

/// An upgrade of MongooseIM does not stop the sidecar: options that it does not know, in all parts
/// that decide no login.
#[test]
fn unknown_options_leave_the_sidecar_running() {
    let site = Site::new();
    let new = "brand_new_option = 1";
    let config = common::CONFIG
        .replace("[general]", &format!("[general]\n{new}"))
        .replace("port = 5222", &format!("port = 5222\n{new}"));
    let config = format!(
        "{config}\n[new_section]\n{new}\n[[listen.quic]]\n{new}\n[[listen.http]]\nport = 5551\n{new}\n\
         tls.{new}\ntransport.{new}\n[[listen.http.handlers.mongoose_new_handler]]\n{new}\n\
         [outgoing_pools.kafka.x]\n{new}\n[outgoing_pools.ldap.x]\n{new}\nconnection.{new}\n"
    );
    fs::write(site.config(), config).unwrap();
    let serving = Serving::with(site.dir.path(), "mongooseim.toml");
    let warned = serving.logged("listen.quic");
    assert_eq!(warned["level"], "WARN");
    let checked = certjid(site.dir.path(), &["config", "check", "mongooseim.toml"]);
    let told = text(&checked.stdout);
    // In sections that are unknown as a whole, only the section is named.
    assert_eq!(told.matches("brand_new_option: ").count(), 7, "{told}");
    for name in [
        "new_section",
        "listen.quic",
        "mongoose_new_handler",
        "kafka",
    ] {
        assert!(told.contains(name), "{name}: {told}");
    }
}

fn lay_out(files: &Value, folder: &Path) {
    for (name, content) in files.as_object().unwrap() {
        let bytes = match content {
            Value::String(text) => text.clone().into_bytes(),
            encoded => STANDARD
                .decode(encoded["base64"].as_str().unwrap())
                .unwrap(),
        };
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// What the program said.
struct Told {
    status: i64,
    out: String,
    all: String,
}

impl Told {
    /// What is not as wanted.
    fn fault(&self, want: &Value) -> Option<String> {
        let allowed = match &want["exit"] {
            Value::Array(statuses) => statuses.clone(),
            status => vec![status.clone()],
        };
        if !allowed.contains(&Value::from(self.status)) {
            return Some(format!("status {}, not {}", self.status, want["exit"]));
        }
        let is_loaded = self.status == 0;
        let count = if is_loaded { self.count() } else { 0 };
        if want["silent"] == true && count > 0 {
            return Some("it is not silent".to_owned());
        }
        if let Some(wanted) = want["warnings"].as_u64()
            && is_loaded
            && wanted != count
        {
            return Some(format!("{count} warnings, not {wanted}"));
        }
        let all = self.all.to_lowercase();
        if let Some(word) = words(&want["lacks"])
            .into_iter()
            .find(|word| all.contains(word))
        {
            return Some(format!("it has {word:?}"));
        }
        let groups = match &want["mentions"] {
            Value::Array(groups) if groups.iter().all(Value::is_array) => {
                groups.iter().map(words).collect()
            }
            group => vec![words(group)],
        };
        groups
            .into_iter()
            .find_map(|words| self.missing(&words, &want["lines"]))
    }

    /// How many warnings the last line counts.
    fn count(&self) -> u64 {
        let last = self.out.lines().last().unwrap_or_default();
        let before = last.split(" warning").next().unwrap_or_default();
        before
            .rsplit(' ')
            .next()
            .and_then(|count| count.parse().ok())
            .unwrap_or(0)
    }

    /// The words that no one line has, with a number of the range where there is one.
    fn missing(&self, words: &[String], lines: &Value) -> Option<String> {
        let range = lines
            .as_array()
            .map(|range| range[0].as_u64().unwrap()..=range[1].as_u64().unwrap());
        let fits = |line: &str| {
            // The line of the configuration is not one of the block that can't be read.
            let said = line.strip_prefix("mongooseim.toml:").unwrap_or(line);
            let said = said.trim_start_matches(|c: char| c.is_ascii_digit());
            let mut numbers = said
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|n| n.parse().ok());
            let in_range = range
                .as_ref()
                .is_none_or(|range| numbers.any(|n: u64| range.contains(&n)));
            words.iter().all(|word| line.contains(word)) && in_range
        };
        let is_found = self.all.to_lowercase().lines().any(fits);
        (!is_found).then(|| format!("no line has {words:?}, {lines}"))
    }
}

fn words(list: &Value) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
