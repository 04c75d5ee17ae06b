//! What the rows of test/data/cases have in common. What their fields mean is in the README of that
//! folder.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The rows of a file.
pub fn rows<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/data/cases");
    let text = fs::read_to_string(folder.join(name)).unwrap();
    text.lines()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect()
}

/// A file of a row.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum File {
    Text(String),
    Base64 { base64: String },
}

impl File {
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Base64 { base64 } => STANDARD.decode(base64).unwrap(),
        }
    }
}

/// What one line of an output has to have.
#[derive(Default)]
pub struct Line<'a> {
    /// All of these words, in lower case.
    pub mentions: &'a [String],
    /// A number of this range, where there is one: the lines of a block that can't be read.
    pub lines: Option<(u32, u32)>,
}

impl Line<'_> {
    pub fn is_in(&self, output: &str) -> bool {
        let output = output.to_lowercase();
        output.lines().any(|line| {
            self.mentions.iter().all(|word| line.contains(word)) && self.has_number(line)
        })
    }

    fn has_number(&self, line: &str) -> bool {
        let Some((first, last)) = self.lines else {
            return true;
        };
        // The place in the configuration is told before.
        let said = line
            .split_once("mongooseim.toml:")
            .map_or(line, |(_, place)| {
                place.trim_start_matches(|c: char| c.is_ascii_digit())
            });
        let mut numbers = said
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter_map(|word| word.parse().ok());
        numbers.any(|number: u32| (first..=last).contains(&number))
    }
}
