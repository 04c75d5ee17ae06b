//! A private key, and how to find it again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::KeyPair;

/// A key, and what would give it away.
pub struct Key {
    pub pem: String,
    traces: Vec<String>,
}

impl Key {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let base64 = STANDARD.encode(key.serialize_der());
        // What stands before is the same in every key.
        let secret = base64.as_bytes()[48..].to_vec();
        let der = key.serialize_der()[36..].to_vec();
        let mut traces = Vec::new();
        for bytes in [secret.as_slice(), &der] {
            // A stretch of twice the length has one of these in it, wherever it begins.
            for part in bytes.chunks_exact(8) {
                let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
                let decimal: Vec<String> = part.iter().map(u8::to_string).collect();
                traces.extend([hex, decimal.join(",")]);
            }
        }
        for part in secret.chunks_exact(8) {
            traces.push(String::from_utf8(part.to_vec()).unwrap().to_lowercase());
        }
        // Base64 of the text: each way in which its bytes may fall into groups of three.
        for start in 0..3 {
            for part in secret[start..].chunks_exact(9) {
                traces.push(STANDARD.encode(part).to_lowercase());
            }
        }
        Self {
            pem: key.serialize_pem(),
            traces,
        }
    }

    /// The file as people damage it, and as it should be.
    pub fn files(&self) -> Vec<Vec<u8>> {
        let pem = &self.pem;
        let end = "-----END PRIVATE KEY-----";
        let mut files = vec![
            pem.clone(),
            pem.replace('\n', " "),
            pem.replace('\n', "\\n"),
            pem.replace('\n', "\\r\\n"),
            pem.replace('\n', ""),
            format!("KEY=\"{}\"", pem.replace('\n', "\\n")),
            pem.replace(end, ""),
            pem.replace(&format!("\n{end}"), end),
            pem.replace("-----BEGIN PRIVATE KEY-----", ""),
            pem.replace("-----BEGIN", "----BEGIN"),
            pem.replace("PRIVATE KEY", "CERTIFICATE"),
            pem.replace("PRIVATE KEY", "X509 CRL"),
            pem.replace("PRIVATE KEY", "RSA PRIVATE KEY"),
            pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            pem.replace("END PRIVATE KEY", "END CERTIFICATE"),
            pem.replace("g", "?"),
            pem.replace("-----BEGIN PRIVATE KEY-----\n", "-----BEGIN "),
        ];
        files.extend([self.base64(), format!(":{}:", self.base64())]);
        let mut files: Vec<Vec<u8>> = files.into_iter().map(String::into_bytes).collect();
        files.push(STANDARD.decode(self.base64()).unwrap());
        files
    }

    pub fn base64(&self) -> String {
        self.pem
            .lines()
            .filter(|line| !line.contains('-'))
            .collect()
    }

    /// What of the key is in an output, however it is written.
    pub fn find(&self, output: &str) -> Option<String> {
        let is_between = |char: &char| !char.is_whitespace() && !"\\\"".contains(*char);
        let text: String = output.to_lowercase().chars().filter(is_between).collect();
        let hex: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        let found = self
            .traces
            .iter()
            .find(|trace| text.contains(*trace) || hex.contains(*trace))?;
        let around = text.find(found).map(|at| {
            let around = at.saturating_sub(200)..text.len().min(at + 100);
            String::from_utf8_lossy(&text.as_bytes()[around]).into_owned()
        });
        Some(around.unwrap_or_else(|| found.clone()))
    }

    #[track_caller]
    pub fn is_not_in(&self, output: &str) {
        assert_eq!(self.find(output), None);
    }
}
