//! The readers do what the table says.

use alloc::collections::BTreeSet;
use std::path::Path;

use toml::Value as Toml;

use super::*;
use crate::config::Config;
use crate::config::read::{KNOWN, without_indexes};

#[test]
fn every_option_that_is_read_stands_in_the_table() {
    KNOWN.take();
    for row in rows() {
        let text = row.with(&row.good());
        assert_eq!(faults(&text), [] as [&str; 0], "{text}");
    }
    let known: BTreeSet<String> = KNOWN
        .take()
        .iter()
        .map(|path| without_indexes(path))
        .collect();
    let mut listed = BTreeSet::new();
    for row in rows() {
        let path = row.path.replace("[]", "");
        assert!(known.contains(&path), "{path} is not read");
        // With the tables that it stands in.
        let dots = path.match_indices('.').map(|(at, _)| path[..at].to_owned());
        listed.extend(dots);
        listed.insert(path);
    }
    let missing: Vec<_> = known.difference(&listed).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
}

#[test]
fn values_of_another_type_or_out_of_range_are_told_with_the_path() {
    for row in rows() {
        for (bad, element) in row.option.kind.bad() {
            let path = format!("{}{element}", row.path.replace("[]", "[1]"));
            let text = row.with(&bad);
            assert!(
                told(&text).contains(&path),
                "{path}: {:?}\n{text}",
                told(&text)
            );
        }
    }
}

#[test]
fn what_decides_is_strict() {
    let decides = |row: &Row| {
        let in_pool = row.path.contains("outgoing_pools");
        matches!(row.option.effect, Used(_)) && !in_pool
    };
    for row in rows().filter(decides) {
        for (bad, element) in row.option.kind.bad() {
            let path = format!("{}{element}", row.path.replace("[]", "[1]"));
            let text = row.with(&bad);
            assert!(
                faults(&text).contains(&path),
                "{path}: {:?}\n{text}",
                faults(&text)
            );
        }
    }
}

#[test]
fn what_is_required_is_missed() {
    for row in rows().filter(|row| matches!(row.option.default, Required)) {
        let text = row.without();
        let path = row.path.replace("[]", "[1]");
        assert!(
            told(&text).contains(&path),
            "{path}: {:?}\n{text}",
            told(&text)
        );
    }
}

#[test]
fn the_defaults_are_those_of_the_table() {
    for row in rows() {
        if let Value(default) = row.option.default {
            let default = toml(default);
            assert_eq!(
                said(&row.with(&default)),
                said(&row.without()),
                "{}",
                row.path
            );
        }
    }
}

#[test]
fn what_is_used_makes_a_difference_and_older_spellings_are_warned_of() {
    for row in rows() {
        let (with, without) = (row.with(&row.good()), row.without());
        match row.option.effect {
            Leftover(_) | Older(_) => {
                let config = parse(&with).unwrap_or_else(|faults| panic!("{faults:?}"));
                let path = row.path.replace("[]", "[1]");
                assert!(
                    config.warnings.iter().any(|warning| warning.path == path),
                    "{path}"
                );
            }
            // `Debug` shows no secret, so that this one looks like the empty default. Of a table
            // that has to be there, nothing can be left out.
            Used(_)
                if !row.path.ends_with("connection.password")
                    && !matches!(row.option.default, Required) =>
            {
                assert_ne!(said(&with), said(&without), "{}", row.path);
            }
            _ => {}
        }
    }
}

/// An option at one of its places.
struct Row {
    path: String,
    option: &'static ConfigOption,
}

fn rows() -> impl Iterator<Item = Row> {
    let places = GROUPS.iter().flat_map(|group| {
        let sections = group.sections.iter();
        sections.flat_map(|section| group.options.iter().map(move |option| (section, option)))
    });
    places.map(|(section, option)| Row {
        path: if section.is_empty() {
            option.key.to_owned()
        } else {
            format!("{section}.{}", option.key)
        },
        option,
    })
}

impl Row {
    /// A file with this option, and otherwise with nothing but what must be there.
    fn with(&self, value: &Toml) -> String {
        let mut file = self.file(true);
        set(&mut file, &self.path, value.clone());
        toml::to_string(&file).unwrap()
    }

    fn without(&self) -> String {
        let mut file = self.file(!matches!(self.option.default, Required));
        let (section, key) = self.path.rsplit_once('.').unwrap_or(("", &self.path));
        // The section stays, but where the option is a table itself, none is left.
        if !matches!(self.option.kind, Kind::Any | Table) {
            enter(&mut file, section).remove(key);
        }
        toml::to_string(&file).unwrap()
    }

    /// What must be there: the required options of all sections that this one stands in, its own
    /// with them where `whole` is true.
    fn file(&self, whole: bool) -> toml::Table {
        let mut file = toml::Table::new();
        set(&mut file, "general.hosts", toml("['a']"));
        set(&mut file, "general.host_types", toml("['t']"));
        for row in rows().filter(|row| matches!(row.option.default, Required)) {
            let (section, _) = row.path.rsplit_once('.').unwrap_or_default();
            let is_within = |section: &str| self.path.starts_with(&format!("{section}."));
            let is_needed = section == "general"
                || is_within(section)
                // Of the tables, only that of a pool must be there.
                || section.strip_suffix(".connection").is_some_and(is_within);
            if is_needed && (whole || row.path != self.path) {
                set(&mut file, &row.path, row.good());
            }
        }
        if let Some(key) = self.path.strip_prefix("host_config[].") {
            // An entry that names no host is global, and one that says nothing is nothing.
            if key.starts_with("host") {
                set(&mut file, "host_config[].auth.pki", toml("{}"));
            } else {
                set(&mut file, "host_config[].host", Toml::from("a"));
            }
        }
        file
    }

    /// A value that is accepted, and is not the default.
    fn good(&self) -> Toml {
        match self.path.as_str() {
            "host_config[].host" => Toml::from("a"),
            "host_config[].host_type" => Toml::from("t"),
            "general.host_types" => toml("['other']"),
            _ => self.option.kind.good(),
        }
    }
}

impl Kind {
    fn good(&self) -> Toml {
        match self {
            Self::Any | Self::Table => toml("{}"),
            // No option is true and false by default in the same place.
            Self::Boolean => Toml::from(false),
            Self::File => Toml::from("Cargo.toml"),
            Self::Integer(least, most) => {
                Toml::Integer(i64::try_from(most.map_or(least + 77, |most| most - 1)).unwrap())
            }
            Self::IntegerOrInfinity(_) => Toml::Integer(77),
            Self::List(of) | Self::Several(of) | Self::Unique(of) => Toml::Array(vec![of.good()]),
            Self::NonEmpty | Self::String => Toml::from("text"),
            Self::Number(numbers) => Toml::Integer(i64::try_from(numbers[1]).unwrap()),
            Self::OneOf(names) => Toml::from(names[1 % names.len()]),
            Self::Syntax { good, .. } => Toml::from(*good),
        }
    }

    /// Values that are refused, each with the index that its fault adds to the path.
    fn bad(&self) -> Vec<(Toml, String)> {
        let here = |values: &[&str]| -> Vec<(Toml, String)> {
            values
                .iter()
                .map(|text| (toml(text), String::new()))
                .collect()
        };
        match self {
            Self::Any => Vec::new(),
            Self::Boolean => here(&["1", "'true'", "[]"]),
            Self::File => here(&["1", "''", "'no such file'", "true"]),
            Self::Integer(least, most) => {
                let mut bad = here(&["'1'", "1.5", "true"]);
                let below = i64::try_from(*least).unwrap() - 1;
                bad.push((Toml::Integer(below), String::new()));
                if let Some(most) = most {
                    let above = i64::try_from(*most).unwrap() + 1;
                    bad.push((Toml::Integer(above), String::new()));
                }
                bad
            }
            Self::IntegerOrInfinity(least) => {
                let mut bad = here(&["'forever'", "1.5", "false"]);
                let below = i64::try_from(*least).unwrap() - 1;
                bad.push((Toml::Integer(below), String::new()));
                bad
            }
            Self::List(of) => {
                let mut bad = here(&["1", "'text'", "{}"]);
                for (value, path) in of.bad() {
                    bad.push((Toml::Array(vec![value]), format!("[1]{path}")));
                }
                bad
            }
            Self::NonEmpty => here(&["''", "1", "[]"]),
            Self::Number(numbers) => {
                let mut bad = here(&["'4'", "4.0"]);
                bad.push((
                    Toml::Integer(i64::try_from(numbers[0]).unwrap() + 1),
                    String::new(),
                ));
                bad
            }
            Self::OneOf(_) => here(&["'no such name'", "1", "true"]),
            Self::Several(of) => {
                let mut bad = Self::List(of).bad();
                bad.extend(here(&["[]"]));
                bad
            }
            Self::String => here(&["1", "true", "[]"]),
            Self::Syntax { bad, .. } => vec![
                (Toml::from(*bad), String::new()),
                (Toml::Integer(1), String::new()),
            ],
            Self::Table => here(&["1", "'text'", "[]"]),
            Self::Unique(of) => {
                let mut bad = Self::List(of).bad();
                bad.push((Toml::Array(vec![of.good(), of.good()]), "[2]".to_owned()));
                bad
            }
        }
    }
}

/// Puts a value at a path, and makes the tables and lists on the way.
fn set(file: &mut toml::Table, path: &str, value: Toml) {
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    enter(file, section).insert(key.to_owned(), value);
}

fn enter<'t>(file: &'t mut toml::Table, section: &str) -> &'t mut toml::Table {
    let mut table = file;
    for part in section.split('.').filter(|part| !part.is_empty()) {
        let name = part.trim_end_matches("[]");
        let empty = || Toml::Table(toml::Table::new());
        let next = table.entry(name).or_insert_with(|| {
            if part.ends_with("[]") {
                Toml::Array(vec![empty()])
            } else {
                empty()
            }
        });
        table = match next {
            Toml::Array(list) => list[0].as_table_mut(),
            next => next.as_table_mut(),
        }
        .unwrap();
    }
    table
}

fn toml(text: &str) -> Toml {
    toml::from_str::<toml::Table>(&format!("value = {text}")).unwrap()["value"].clone()
}

/// Beside Cargo.toml, which is the file of all options.
fn parse(text: &str) -> Result<Config, Vec<String>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("mongooseim.toml");
    Config::parse(text, &file)
        .map_err(|errors| errors.faults.into_iter().map(|error| error.path).collect())
}

/// The paths of all faults, and where there is none, of all warnings.
fn told(text: &str) -> Vec<String> {
    match parse(text) {
        Ok(config) => config
            .warnings
            .into_iter()
            .map(|warning| warning.path)
            .collect(),
        Err(faults) => faults,
    }
}

fn faults(text: &str) -> Vec<String> {
    parse(text).err().unwrap_or_default()
}

/// What a file means, wherever it stands in it.
fn said(text: &str) -> String {
    let mut config = parse(text).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"));
    config.warnings.clear();
    let shown = format!("{config:?}");
    let mut parts = shown.split("line: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| {
        said + "line: " + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}
