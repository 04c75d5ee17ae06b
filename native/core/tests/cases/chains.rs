use std::fs;

use certjid_core::encoding;
use certjid_core::verify::{self, TrustStore, VerifyMode};

/// All chains in both verify modes, judged at the time that the file is made for.
#[test]
fn chains() {
    let trust = TrustStore::from_pem(&fs::read(super::path("chains-ca.pem")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let rows = super::rows("chains.jsonl");
    assert_eq!(rows.len(), 47);
    for row in &rows {
        let pem: String = row["chain"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pem| pem.as_str().unwrap())
            .collect();
        let chain = encoding::chain(pem.as_bytes()).unwrap();
        for (name, mode) in [
            ("peer", VerifyMode::Peer),
            ("selfsigned_peer", VerifyMode::SelfsignedPeer),
        ] {
            let ours = match verify::verify(&chain, mode, &trust, NOW) {
                Ok(()) => "ok".to_owned(),
                Err(faults) => {
                    assert!(!faults[0].message.is_empty());
                    faults[0].reason.to_string()
                }
            };
            let want = row["want"][name].as_str().unwrap();
            if !want.split('|').any(|want| want == ours) {
                wrong.push(format!("{} {name}: {ours}, not {want}", row["name"]));
            }
        }
        assert!(verify::verify(&chain, VerifyMode::None, &trust, NOW).is_ok());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// 2026-12-01T00:00:00Z.
const NOW: i64 = 1_796_083_200;
