use core::cell::RefCell;
use std::path::{Path, PathBuf};

use crate::config::error::{ConfigError, Warning};
use crate::config::places::Places;

/// Where faults and warnings are noted, and what locates them in the file.
pub(super) struct Log {
    file: PathBuf,
    /// The offset of each line's first byte.
    lines: Vec<usize>,
    errors: RefCell<Vec<ConfigError>>,
    places: RefCell<Places>,
    warnings: RefCell<Vec<Warning>>,
}

impl Log {
    pub(super) fn new(file: &Path, text: &[u8]) -> Self {
        let newlines = text.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
        Self {
            file: file.to_owned(),
            lines: core::iter::once(0)
                .chain(newlines.map(|(offset, _)| offset + 1))
                .collect(),
            errors: RefCell::default(),
            places: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    pub(super) fn error(&self, line: usize, path: &str, message: impl Into<String>) {
        let mut errors = self.errors.borrow_mut();
        if errors.len() < MAX_FAULTS {
            errors.push(ConfigError {
                file: self.file.clone(),
                line,
                path: path.to_owned(),
                message: message.into(),
            });
        }
    }

    pub(super) fn warn(&self, line: usize, path: &str, message: impl Into<String>) {
        let mut warnings = self.warnings.borrow_mut();
        if warnings.len() < MAX_FAULTS {
            warnings.push(Warning {
                line,
                path: path.to_owned(),
                message: message.into(),
            });
        }
    }

    /// Notes where an option stands.
    pub(super) fn place(&self, path: &str, line: usize) {
        self.places.borrow_mut().note(path, line);
    }

    /// The folder that the paths in the file begin at.
    pub(super) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new(""))
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|&start| start <= offset)
    }

    /// What was noted.
    pub(super) fn into_parts(self) -> (Vec<ConfigError>, Vec<Warning>, Places) {
        (
            self.errors.into_inner(),
            self.warnings.into_inner(),
            self.places.into_inner(),
        )
    }
}

/// How many errors, and how many warnings, are kept of a file, and once more of the files that it
/// names.
pub(crate) const MAX_FAULTS: usize = 100;
