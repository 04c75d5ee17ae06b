//! The differences from a suite's answers that are known and reasoned.

use std::collections::BTreeMap;

use crate::judge::SUCCESS;

/// The outcomes of one suite: what it expects (`SUCCESS` or `FAILURE`) and what certjid says.
#[derive(Default)]
pub struct Outcomes(BTreeMap<String, (String, String)>);

impl Outcomes {
    pub fn add(&mut self, id: String, expected: &str, ours: String) {
        assert!(expected == SUCCESS || expected == "FAILURE", "{id}");
        let twice = self.0.insert(id, (expected.to_owned(), ours));
        assert!(twice.is_none());
    }

    /// Fails on a difference that is not listed, or otherwise, and on one that is listed for
    /// the suite and does not differ.
    pub fn check(&self, suite: &str) {
        let listed = crate::json("test/data/path/exceptions.json");
        let listed = listed[suite].as_object().unwrap();
        let mut wrong = Vec::new();
        for (id, (expected, ours)) in &self.0 {
            let differs = (expected == SUCCESS) != (ours == SUCCESS);
            match listed.get(id) {
                None if differs => wrong.push(format!("{id}: {ours}, not {expected}")),
                None => {}
                Some(_) if !differs => wrong.push(format!("{id}: listed, and is {ours}")),
                Some(row) => {
                    assert!(!row["reason"].as_str().unwrap().is_empty(), "{id}");
                    if row["expected"] != **expected || row["ours"] != **ours {
                        wrong.push(format!("{id}: {ours}, not {expected}; listed otherwise"));
                    }
                }
            }
        }
        for id in listed.keys().filter(|id| !self.0.contains_key(*id)) {
            wrong.push(format!("{id}: listed, but there is no such case"));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        println!(
            "{suite}: {} cases, {} of them listed as exceptions",
            self.0.len(),
            listed.len()
        );
    }
}
