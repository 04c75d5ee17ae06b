//! Options that decide nothing are checked as the table of options has them.

use super::node::{MAX_INTEGER, Node};
use super::section::Section;
use crate::config::options::{ConfigOption, Effect, Kind};

impl Section<'_> {
    /// Checks the options of the table that are of no use here, but for those that were read
    /// already.
    pub(super) fn check(&self, options: &'static [ConfigOption]) {
        self.check_below("", options);
    }

    /// As [`check`](Self::check), for the options whose keys begin with `prefix`: those of the
    /// table at that place.
    pub(super) fn check_below(&self, prefix: &str, options: &'static [ConfigOption]) {
        for option in options {
            let releases = match option.effect {
                Effect::Ignored(_) => None,
                Effect::Leftover(releases) => Some(releases),
                Effect::Older(_) | Effect::Used(_) => continue,
            };
            let Some(key) = option.key.strip_prefix(prefix) else {
                continue;
            };
            let (head, tail) = key.split_once('.').unwrap_or((key, ""));
            let name = head.strip_suffix("[]").unwrap_or(head);
            if self.is_known(name) {
                continue;
            }
            let Some(node) = self.get_idle(name) else {
                continue;
            };
            if let Some(releases) = releases {
                node.warn(format!(
                    "MongooseIM {releases} reads `{name}`, and later releases do not start with \
                     it; certjid ignores it"
                ));
            } else if tail.is_empty() {
                node.check(&option.kind);
            } else {
                let below = format!("{prefix}{head}.");
                for section in node.tables(head != name) {
                    section.check_below(&below, options);
                    section.finish();
                }
            }
        }
    }
}

impl<'a> Node<'a> {
    fn tables(&self, are_listed: bool) -> Vec<Section<'a>> {
        if are_listed {
            self.sections()
        } else {
            self.section().into_iter().collect()
        }
    }

    fn check(&self, kind: &Kind) {
        match kind {
            Kind::Any => {}
            Kind::Boolean => {
                self.boolean();
            }
            Kind::File => {
                self.file();
            }
            Kind::Integer(least, most) => {
                self.integer(*least..=most.unwrap_or(MAX_INTEGER));
            }
            Kind::IntegerOrInfinity(least) => self.integer_or_infinity(*least),
            Kind::List(of) => {
                self.list_of(|element| {
                    element.check(of);
                    Some(())
                });
            }
            Kind::NonEmpty => {
                self.non_empty();
            }
            Kind::Number(numbers) => {
                self.number_of(numbers);
            }
            Kind::OneOf(names) => {
                self.name_of(names);
            }
            Kind::Several(of) => {
                let elements = self.unique(|element| element.checked(of));
                if elements.is_some_and(|elements| elements.is_empty()) {
                    self.error("the list is empty");
                }
            }
            Kind::String | Kind::Syntax { .. } => {
                self.string();
            }
            Kind::Table => {
                self.section();
            }
            Kind::Unique(of) => {
                self.unique(|element| element.checked(of));
            }
        }
    }

    fn checked(&self, kind: &Kind) -> Option<&'a str> {
        self.check(kind);
        self.text()
    }
}
