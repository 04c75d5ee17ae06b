//! config/production.toml with the services that it names: staff in a real directory, devices in
//! an HTTP service.

mod common;

use std::fs;
use std::path::Path;

use common::cli::{ALLOWED, REFUSED, run};
use common::http_service::{Service, answer, pem};
use common::serving::Serving;
use common::slapd::Slapd;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

#[test]
fn staff_in_a_directory_and_devices_in_a_service() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let slapd = Slapd::start_with(dir, SCHEMA, STAFF);
    // All certificates are of one CA.
    let make = |args: &[&str]| run(dir, &[&["dev-cert"], args].concat(), 0);
    for file in ["ca.pem", "ca.key"] {
        fs::copy(slapd.folder.join(file), dir.join(file)).unwrap();
    }
    make(&["--server", "localhost"]);
    for user in ["carol", "dave", "erin", "mallory"] {
        make(&[&format!("{user}@example.com")]);
    }
    for device in ["1234", "5678"] {
        let jid = format!("{device}@devices.example.com");
        make(&[&jid, "--cn", device, "--no-xmpp-addr"]);
    }
    make(&["anna@customer.example"]);
    let known = CertificateDer::from_pem_file(dir.join("1234.pem")).unwrap();
    let service = Service::start(answer(200, &pem(&known)));

    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/production.toml");
    let config = replace(
        fs::read_to_string(example).unwrap(),
        &[
            (
                "  connection.servers = [\"ldap1.example.com\", \"ldap2.example.com\"]\n  connection.root_dn",
                &format!(
                    "  connection.servers = [\"127.0.0.2\", \"127.0.0.1\"]\n  \
                     connection.port = {}\n  connection.root_dn",
                    slapd.tls_port
                ),
            ),
            (
                "http://127.0.0.1:8000",
                &format!("http://127.0.0.1:{}", service.port),
            ),
        ],
    );
    fs::write(dir.join("mongooseim.toml"), config).unwrap();
    let _serving = Serving::with(dir, "mongooseim.toml");

    for judge in [["--config", "mongooseim.toml"], ["--socket", "sock"]] {
        let check = |host: &str, name: &str, more: &[&str], status| -> Value {
            let cert = format!("{name}.pem");
            let login = ["check", "--json", "--host", host, "--cert", &cert];
            let args = [&login[..], &judge, more].concat();
            serde_json::from_str(&run(dir, &args, status)).unwrap()
        };
        let carol = check("example.com", "carol", &[], ALLOWED);
        assert_eq!(carol["jid"], "carol@example.com");
        assert_eq!(carol["method"], "ldap");
        // By mail; not of the group; disabled; in no entry.
        assert_eq!(check("example.com", "dave", &[], ALLOWED)["method"], "ldap");
        let erin = check("example.com", "erin", &[], REFUSED);
        assert_eq!(erin["reason"], "method_refused");
        let mallory = check("example.com", "mallory", &[], REFUSED);
        assert!(
            mallory["message"]
                .as_str()
                .unwrap()
                .contains("local_filter"),
            "{mallory}"
        );
        assert_eq!(mallory["condition"], "not-authorized");

        // What the service does not know, pki accepts.
        let device = check("devices.example.com", "1234", &[], ALLOWED);
        assert_eq!(device["jid"], "device-1234@devices.example.com");
        assert_eq!(device["method"], "http");
        assert_eq!(
            check("devices.example.com", "5678", &[], ALLOWED)["method"],
            "pki"
        );
        let request = service.requests.recv().unwrap();
        let target = "/get_certs?user=device-1234&server=devices.example.com&pass=";
        assert_eq!(request[0], format!("GET {target} HTTP/1.1"));
        let _ = service.requests.recv().unwrap();

        let customers = ["--host-type", "customers"];
        let anna = check("customer.example", "anna", &customers, ALLOWED);
        assert_eq!(
            (&anna["jid"], &anna["method"]),
            (&"anna@customer.example".into(), &"pki".into())
        );
    }
}

fn replace(mut text: String, replacements: &[(&str, &str)]) -> String {
    for (from, to) in replacements {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

/// What the filters of the file ask for, and OpenLDAP's own schemas have in another form or not
/// at all.
const SCHEMA: &str = "\
attributetype ( 1.3.6.1.4.1.4203.666.1.901 NAME 'memberOf'
 EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.1.902 NAME 'loginDisabled'
 EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.1.903 NAME 'user'
 EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.4203.666.3.901 NAME 'xmppAccount' SUP top AUXILIARY
 MAY ( memberOf $ loginDisabled $ user ) )
";

/// Each person has an entry, and an item that the person owns, which dn_filter looks for.
const STAFF: &str = "
dn: uid=carol,ou=Users,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: shadowAccount
objectClass: xmppAccount
uid: carol
cn: Carol
sn: Smith
memberOf: XMPP Users

dn: cn=Smith,ou=Users,dc=example,dc=com
objectClass: device
objectClass: xmppAccount
cn: Smith
owner: uid=carol,ou=Users,dc=example,dc=com
user: carol@example.com

dn: uid=d.jones,ou=Users,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: shadowAccount
objectClass: xmppAccount
uid: d.jones
mail: dave@example.com
cn: Dave
sn: Jones
memberOf: XMPP Users

dn: cn=Jones,ou=Users,dc=example,dc=com
objectClass: device
objectClass: xmppAccount
cn: Jones
owner: uid=d.jones,ou=Users,dc=example,dc=com
user: dave@example.com

dn: uid=erin,ou=Users,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: shadowAccount
objectClass: xmppAccount
uid: erin
cn: Erin
sn: Brown
memberOf: Others

dn: uid=mallory,ou=Users,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: shadowAccount
objectClass: xmppAccount
uid: mallory
cn: Mallory
sn: Green
memberOf: XMPP Users
loginDisabled: TRUE
";
