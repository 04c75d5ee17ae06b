//! What was tried for one login, in order: for the operator, and bounded whatever the certificate
//! and the configuration have.

use core::ops::Deref;

use crate::message::{MAX_MESSAGE, clip, json_length};

/// One step of a decision, for the operator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// What was tried: `certificate`, `forwarded`, an entry of `sasl_external`, or a method.
    pub what: String,
    /// `ok`, `note`, `skipped`, or the SASL condition.
    pub outcome: &'static str,
    /// A sentence, of at most [`MAX_MESSAGE`] bytes as JSON has it.
    pub message: String,
}

impl Step {
    fn new(what: &str, outcome: &'static str, message: &str) -> Self {
        Self {
            what: clip(what, MAX_WHAT).into_owned(),
            outcome,
            message: clip(message, MAX_MESSAGE).into_owned(),
        }
    }

    /// In bytes, as JSON has it.
    fn length(&self) -> usize {
        const FRAME: &str = r#"{"what":"","outcome":"","message":""},"#;
        FRAME.len() + json_length(&self.what) + self.outcome.len() + json_length(&self.message)
    }
}

/// The steps of a decision: at most [`MAX_STEPS`] of at most [`MAX_TRAIL`] bytes together, as JSON
/// has them. Where there would be more, the last says how many.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Trail {
    steps: Vec<Step>,
    /// In bytes.
    length: usize,
    left_out: usize,
}

impl Trail {
    /// Adds a step.
    pub fn push(&mut self, what: &str, outcome: &'static str, message: impl AsRef<str>) {
        let step = Step::new(what, outcome, message.as_ref());
        let length = self.length + step.length();
        let is_full = self.steps.len() + 1 >= MAX_STEPS || length > MAX_TRAIL - LEFT_OUT_ROOM;
        if self.left_out == 0 && !is_full {
            self.length = length;
            self.steps.push(step);
            return;
        }
        if self.left_out > 0 {
            self.steps.pop();
        }
        self.left_out += 1;
        let told = format!("{} more steps are left out", self.left_out);
        self.steps.push(Step::new(what, "note", &told));
    }

    /// Adds notes, of at most [`MAX_NOTE`] bytes each, and how many `more` there are: of a
    /// certificate [`MAX_NOTES`], so that there is room for what comes after them.
    pub fn notes(&mut self, what: &str, notes: impl Iterator<Item = String>, more: usize) {
        for note in notes {
            self.push(what, "note", clip(&note, MAX_NOTE));
        }
        if more > 0 {
            self.push(what, "note", format!("{more} more notes are left out"));
        }
    }
}

impl Deref for Trail {
    type Target = [Step];

    fn deref(&self) -> &[Step] {
        &self.steps
    }
}

impl From<Trail> for Vec<Step> {
    fn from(trail: Trail) -> Self {
        trail.steps
    }
}

/// The greatest number of steps.
pub const MAX_STEPS: usize = 32;

/// The greatest length of all steps together, in bytes as JSON has them.
pub const MAX_TRAIL: usize = 6 * 1024;

/// The greatest number of notes on one certificate.
pub const MAX_NOTES: usize = 8;

/// The greatest length of a note, in bytes as JSON has it.
pub const MAX_NOTE: usize = 320;

/// The greatest length of what a step says that was tried, in bytes as JSON has it.
pub const MAX_WHAT: usize = 64;

/// What the step needs that says how many are left out.
const LEFT_OUT_ROOM: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn length(trail: &Trail) -> usize {
        trail.iter().map(Step::length).sum()
    }

    #[test]
    fn the_number_of_steps_is_bounded() {
        let mut trail = Trail::default();
        for _ in 0..MAX_STEPS - 1 {
            trail.push("standard", "ok", "a");
        }
        assert_eq!(trail.len(), MAX_STEPS - 1);
        assert!(trail.iter().all(|step| step.outcome == "ok"));
        for left_out in 1..100 {
            trail.push("standard", "ok", "a");
            assert_eq!(trail.len(), MAX_STEPS);
            let told = format!("{left_out} more steps are left out");
            assert_eq!(trail.last().unwrap().message, told);
        }
    }

    #[test]
    fn the_length_of_all_is_bounded() {
        for c in ["a", "\"", "\u{1}", "ż"] {
            let mut trail = Trail::default();
            for _ in 0..100 {
                trail.push(&c.repeat(1000), "incorrect-encoding", c.repeat(10_000));
                assert!(length(&trail) <= MAX_TRAIL, "{}", length(&trail));
            }
            assert!(length(&trail) > MAX_TRAIL / 2);
            assert!(trail.last().unwrap().message.contains("left out"));
        }
    }

    #[test]
    fn a_message_of_the_greatest_length_is_whole() {
        let mut trail = Trail::default();
        trail.push("certificate", "ok", "a".repeat(MAX_MESSAGE));
        trail.push("certificate", "ok", "a".repeat(MAX_MESSAGE + 1));
        assert_eq!(trail[0].message.len(), MAX_MESSAGE);
        assert_eq!(trail[1].message.len(), MAX_MESSAGE);
        assert!(trail[1].message.ends_with('…'));
    }

    #[test]
    fn notes_leave_room() {
        let mut trail = Trail::default();
        let notes = |count| core::iter::repeat_n("\u{1}".repeat(1000), count);
        trail.notes("certificate", notes(MAX_NOTES), 0);
        assert_eq!(trail.len(), MAX_NOTES);
        let mut trail = Trail::default();
        trail.push("certificate", "ok", "a".repeat(MAX_MESSAGE));
        trail.notes("certificate", notes(MAX_NOTES), 4992);
        assert_eq!(trail.len(), 1 + MAX_NOTES + 1);
        let told = "4992 more notes are left out";
        assert_eq!(trail.last().unwrap().message, told);
        for kind in ["standard", "common_name"] {
            trail.push(kind, "ok", "a");
            assert_eq!(trail.last().unwrap().what, kind);
        }
    }
}
