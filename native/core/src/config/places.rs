use alloc::collections::BTreeMap;

/// Where each option that was read stands in the file: its line by its TOML path.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<String, usize>);

impl Places {
    pub(super) fn note(&mut self, path: &str, line: usize) {
        self.0.insert(path.to_owned(), line);
    }

    /// The line of an option, from 1, where the file has it.
    pub(crate) fn line(&self, path: &str) -> Option<usize> {
        self.0.get(path).copied()
    }

    /// The line of an option, or of the nearest table around it that the file has; otherwise 0.
    pub(crate) fn nearest(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.line(path) {
                return line;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return 0,
            }
        }
    }
}
