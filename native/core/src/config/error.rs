use core::fmt;
use std::path::PathBuf;

/// One fault of a configuration file. Displayed as `file:line: path: message`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// The configuration file.
    pub file: PathBuf,
    /// The line, from 1; 0 where it is not known.
    pub line: usize,
    /// The option as a TOML path, such as `listen.c2s[1].tls.verify_mode`; empty where the
    /// fault is the file's.
    pub path: String,
    /// What is wrong, and what is expected. Never the value of a secret.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        if !self.path.is_empty() {
            write!(f, " {}:", self.path)?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for ConfigError {}

/// All faults of a configuration, by line, with what else is to be said of it. Displayed as the
/// faults, one a line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ConfigErrors {
    /// What is wrong; one or more.
    pub faults: Vec<ConfigError>,
    /// What is to be said all the same: a fault makes no warning less worth reading.
    pub warnings: Vec<Warning>,
}

impl ConfigErrors {
    /// The faults and the warnings, each by line.
    pub fn new(mut faults: Vec<ConfigError>, mut warnings: Vec<Warning>) -> Self {
        faults.sort_by_key(|fault| fault.line);
        warnings.sort_by_key(|warning| warning.line);
        Self { faults, warnings }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.faults.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// What `certjid config check` says of a configuration that loads. Displayed as
/// `line: path: message`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// The line, from 1; 0 where it is not known.
    pub line: usize,
    /// The option as a TOML path.
    pub path: String,
    /// What MongooseIM does, in which releases, and what certjid does.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.line, self.path, self.message)
    }
}
