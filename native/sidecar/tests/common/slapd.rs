//! A real slapd on free ports of the loopback, in a folder of its own.

use std::fs::{self, OpenOptions};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{cli, ending_with_us, free_port, signal, wait_until};

pub struct Slapd {
    child: Option<Child>,
    pub folder: PathBuf,
    pub port: u16,
    pub tls_port: u16,
}

impl Slapd {
    pub fn start(site: &Path) -> Self {
        Self::start_with(site, "", "")
    }

    /// With more lines of slapd.conf, and with more entries.
    pub fn start_with(site: &Path, options: &str, entries: &str) -> Self {
        let folder = site.join("slapd");
        fs::create_dir_all(folder.join("db")).unwrap();
        cli::run(&folder, &["dev-cert", "--server", "localhost"], 0);
        let conf = SLAPD_CONF.replace("OPTIONS", options);
        let conf = conf.replace("DIR", folder.to_str().unwrap());
        fs::write(folder.join("slapd.conf"), conf).unwrap();
        fs::write(folder.join("base.ldif"), format!("{LDIF}{entries}")).unwrap();
        let filled = Command::new("slapadd")
            .args(["-q", "-f", "slapd.conf", "-l", "base.ldif"])
            .current_dir(&folder)
            .output()
            .expect("slapd is installed");
        assert!(
            filled.status.success(),
            "{}",
            String::from_utf8_lossy(&filled.stderr)
        );
        let (port, tls_port) = (free_port(), free_port());
        let mut slapd = Self {
            child: None,
            folder,
            port,
            tls_port,
        };
        slapd.restart();
        slapd
    }

    pub fn restart(&mut self) {
        let addresses = format!(
            "ldap://127.0.0.1:{} ldaps://127.0.0.1:{}",
            self.port, self.tls_port
        );
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        // With -d it stays in the foreground, and so is this process's child; 256 logs each
        // operation.
        let child = ending_with_us("slapd")
            .args(["-d", "256", "-f", "slapd.conf", "-h", &addresses])
            .current_dir(&self.folder)
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        self.child = Some(child);
        let port = self.port;
        wait_until("slapd listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn signal(&self, name: &str) {
        signal(self.child.as_ref().unwrap().id(), name);
    }

    /// What it logged of each operation.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap()).into_owned()
    }

    pub fn config(&self, tls: bool, option: &str, methods: &str) -> String {
        let (port, section) = if tls {
            let ca = self.folder.join("ca.pem");
            (self.tls_port, format!("tls.cacertfile = {ca:?}\n"))
        } else {
            (self.port, String::new())
        };
        let base = if option.starts_with("base") {
            ""
        } else {
            "base = \"dc=example,dc=com\""
        };
        format!(
            "[general]\ndefault_server_domain = \"localhost\"\nhosts = [\"localhost\"]\n\
             [auth]\nmethods = [{methods}]\nsasl_mechanisms = [\"external\"]\n[auth.pki]\n\
             [auth.ldap]\n{base}\n{option}\n\
             [[listen.c2s]]\nport = 5222\n[listen.c2s.tls]\ncacertfile = \"ca.pem\"\n\
             [outgoing_pools.ldap.default]\ncall_timeout = 2000\n\
             [outgoing_pools.ldap.default.connection]\nservers = [\"127.0.0.1\"]\nport = {port}\n\
             root_dn = \"cn=admin,dc=example,dc=com\"\npassword = \"secret\"\n{section}"
        )
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

const SLAPD_CONF: &str = "\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
pidfile DIR/slapd.pid
argsfile DIR/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile DIR/ca.pem
TLSCertificateFile DIR/server.pem
TLSCertificateKeyFile DIR/server.key
OPTIONS
database mdb
suffix \"dc=example,dc=com\"
rootdn \"cn=admin,dc=example,dc=com\"
rootpw secret
directory DIR/db
maxsize 10485760
index objectClass,uid eq
";

const LDIF: &str = "\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=Users,dc=example,dc=com
objectClass: organizationalUnit
ou: Users

dn: uid=alice,ou=Users,dc=example,dc=com
objectClass: inetOrgPerson
uid: alice
cn: Alice Doe
sn: Doe
title: boss
mail: alice@mail.example.org

dn: uid=żółw,ou=Users,dc=example,dc=com
objectClass: inetOrgPerson
uid: żółw
cn: T
sn: T

dn: cn=staff,dc=example,dc=com
objectClass: groupOfNames
cn: staff
member: uid=alice,ou=Users,dc=example,dc=com
";
