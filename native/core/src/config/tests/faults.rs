//! What is refused.

use super::*;

#[test]
fn faults_name_what_is_allowed() {
    for (text, path, message) in [
        (
            "[auth]\nmethods = ['pkli']",
            "auth.methods[1]",
            "did you mean pki?",
        ),
        (
            "[auth]\nmethods = 'pki'",
            "auth.methods",
            "expected a list, found a string",
        ),
        (
            "[auth]\nmethod = ['pki']\nmethods = ['pki']\npki = {}",
            "auth.method",
            "both",
        ),
        (
            "[auth]\nsasl_mechanisms = ['scram_sha_512']",
            "auth.sasl_mechanisms[1]",
            "scram_sha512_plus",
        ),
        (
            "[auth]\nsasl_mechanisms = ['EXTERNAL']",
            "auth.sasl_mechanisms[1]",
            "external",
        ),
        (
            "[auth]\nbrand_new_option = 1",
            "auth.brand_new_option",
            "unknown option",
        ),
        ("[auth.newmethod]", "auth.newmethod", "unknown option"),
        (
            "[auth]\nsasl_external = ['No Module']",
            "auth.sasl_external[1]",
            "Erlang module",
        ),
        ("[auth.pki]\nx = 1", "auth.pki.x", "unknown option"),
        (
            "[auth.ldap]\ndn_filter.filter = '(a=%s))'",
            "auth.ldap.dn_filter.filter",
            "brackets",
        ),
        (
            "[auth.ldap]\nlocal_filter.values = []",
            "auth.ldap.local_filter.operation",
            "missing",
        ),
        ("[listen]\nc3s = []", "listen.c3s", "did you mean c2s?"),
        (
            "[[listen.c2s]]\nport = 1.5",
            "listen.c2s[1].port",
            "expected an integer, found a float",
        ),
        (
            "[[listen.c2s]]\nport = -1",
            "listen.c2s[1].port",
            "from 0 to 65535",
        ),
        (
            "[[listen.c2s]]\nport = 1\nallowed_auth_method = ['pki']",
            "listen.c2s[1].allowed_auth_method",
            "did you mean allowed_auth_methods?",
        ),
        (
            "[[listen.c2s]]\nport = 1\n[[listen.component]]\nport = 1",
            "listen.component[1]",
            "listen.c2s[1] has the same port",
        ),
        (
            "[[listen.c2s]]\nport = 1\nallowed_auth_methods = ['pki', 'pki']",
            "listen.c2s[1].allowed_auth_methods[2]",
            "already",
        ),
        (
            "[[listen.c2s]]\nport = 1\n[[listen.http]]\nport = 1\nip_address = '0'",
            "listen.http[1]",
            "listen.c2s[1] has the same port",
        ),
        (
            "[auth]\nsasl_mechanisms = ['external']\npki = {}\n[[listen.c2s]]\nport = 1\ntls.new = 1",
            "listen.c2s[1].tls.new",
            "unknown option",
        ),
        (
            "[[listen.c2s]]\nport = 1\ntls.cacertfiles = 'Cargo.toml'",
            "listen.c2s[1].tls.cacertfiles",
            "did you mean cacertfile?",
        ),
        (
            "[[listen.http]]\nport = 1\n[[listen.http.handlers.mongose_bosh_handler]]",
            "listen.http[1].handlers.mongose_bosh_handler",
            "did you mean mongoose_bosh_handler?",
        ),
        (
            "[auth]\nsasl_mechanisms = ['external']\nhttp = {}\n[outgoing_pools.http.auth]",
            "outgoing_pools.http.auth.connection",
            "missing",
        ),
        (
            "[auth]\nsasl_mechanisms = ['external']\nldap.pool_tag = 'a b'\n\
             [outgoing_pools.ldap.'a b']\nconnection.serves = ['localhost']",
            "outgoing_pools.ldap.\"a b\".connection.serves",
            "did you mean servers?",
        ),
        (
            "[auth]\nsasl_mechanisms = ['external']\nhttp = {}\n[outgoing_pools.http.auth]\n\
             connection.host = 'https://a'\nconnection.tls.certfile = 'Cargo.toml'",
            "outgoing_pools.http.auth.connection.tls.certfile",
            "can't be presented",
        ),
        (
            "[outgoing_pools.ladp.x]",
            "outgoing_pools.ladp",
            "did you mean ldap?",
        ),
        (
            "[host_configs]\nhost = 'a'",
            "host_configs",
            "did you mean host_config?",
        ),
        (
            "[[host_config]]\nhost = 'a'\nnew = 1",
            "host_config[1].new",
            "unknown option",
        ),
        (
            "[[host_config]]\nhost = 'a'\ngeneral.hosts = []",
            "host_config[1].general.hosts",
            "not allowed",
        ),
        (
            "[[host_config]]\nhost = 1",
            "host_config[1].host",
            "expected a string",
        ),
    ] {
        let errors = parse(&format!("{GENERAL}{text}")).unwrap_err();
        let found = errors.faults.iter().find(|error| error.path == path);
        let found = found.unwrap_or_else(|| panic!("{text}: {errors}"));
        assert!(found.message.contains(message), "{errors}");
    }
}
