//! What is said of settings that do not do what they seem to do.

use super::*;

#[test]
fn settings_that_deceive_are_warned_of() {
    for (text, path, message) in [
        (
            "[auth]\nsasl_mechanisms = ['external']\n[auth.http]",
            "auth",
            "http is the only method",
        ),
        (
            "[auth]\nsasl_mechanisms = ['external']\n[auth.rdbms]",
            "auth",
            "none of the methods",
        ),
        (
            "[auth]\nsasl_mechanisms = ['external']\n[auth.internal]\n[auth.pki]",
            "auth",
            "the method internal comes before",
        ),
        (
            "[auth]\nmethods = ['dummy', 'pki']\nsasl_mechanisms = ['external']\ndummy = {}\npki = {}",
            "auth.methods",
            "accept anyone",
        ),
        ("[auth.pki]", "auth", "no \"external\""),
        (
            "[auth]\nsasl_external = []",
            "auth.sasl_external",
            "the list is empty",
        ),
        (
            "[auth]\nsasl_external = ['auth_id']",
            "auth.sasl_external",
            "any user of the host",
        ),
        (
            "[auth]\nsasl_external = ['standard', 'auth_id']",
            "auth.sasl_external",
            "for alice logs in as bob",
        ),
        (
            "[auth]\nsasl_external = ['standard', 'common_name']",
            "auth.sasl_external",
            "ignores the certificate's addresses",
        ),
        (
            "[auth]\nsasl_external = ['standart']",
            "auth.sasl_external",
            "Did you mean standard?",
        ),
        (
            "[auth]\nsasl_mechanisms = ['plain', 'plain']",
            "auth.sasl_mechanisms",
            "twice",
        ),
        (
            "[auth.ldap]\nuids = [{attr = 'cn'}]",
            "auth.ldap.uids[1]",
            "certjid takes \"%u\"",
        ),
        (
            "[[listen.c2s]]\nport = 1\ntls.crl_files = ['Cargo.toml']",
            "listen.c2s[1].tls.crl_files",
            "no MongooseIM release checks CRLs",
        ),
        (
            "[auth]\nsasl_mechanisms = ['external']\npki = {}\n[[listen.c2s]]\nport = 1\n\
             tls = {mode = 'tls', disconnect_on_failure = false, cacertfile = 'Cargo.toml'}",
            "listen.c2s[1].tls.disconnect_on_failure",
            "where TLS begins at once",
        ),
        (
            "[auth]\nsasl_mechanisms = ['external']\npki = {}\n[[listen.http]]\nport = 1\n\
             tls = {disconnect_on_failure = false, cacertfile = 'Cargo.toml'}\n\
             handlers.mongoose_bosh_handler = [{host = '_', path = '/'}]",
            "listen.http[1].tls.disconnect_on_failure",
            "since 6.4.0",
        ),
        (
            "[[listen.http]]\nport = 1\ntls.verify_mode = 'selfsigned_peer'",
            "listen.http[1].tls.verify_mode",
            "for development only",
        ),
        (
            "[[listen.c2s]]\nport = 1\ntls.certfile = 'Cargo.toml'",
            "listen.c2s[1].tls.certfile",
            "since 6.6.0",
        ),
    ] {
        let config = ok(text);
        assert_eq!(config.warnings.len(), 1, "{text}: {:?}", config.warnings);
        assert_warns(&config, config.warnings[0].line, path, message);
    }
    let config =
        parse("[general]\ndefault_server_domain = 'a'\nhosts = ['a']\nsm_backand = 'redis'");
    assert_warns(
        &config.unwrap(),
        4,
        "general.sm_backand",
        "did you mean sm_backend?",
    );
}

#[test]
fn a_pool_beside_http_is_warned_of_where_anyone_can_make_a_certificate() {
    let said = |methods: &str, listener: &str| {
        let config = ok(&format!(
            "[auth]\nmethods = {methods}\nsasl_mechanisms = ['external']\n\
             sasl_external = ['certjid_verification']\nhttp = {{}}\npki = {{}}\nldap = {{}}\n\
             internal = {{}}\n{listener}"
        ));
        let beside = |warning: &&Warning| warning.message.contains("beside http");
        let found = config.warnings.iter().filter(beside);
        found
            .map(|warning| warning.path.clone())
            .collect::<Vec<_>>()
    };
    let c2s = "[[listen.c2s]]\nport = 1\ntls = {verify_mode = 'selfsigned_peer'}\n";
    let place = ["listen.c2s[1].tls.verify_mode"];
    assert_eq!(said("['http', 'pki']", c2s), place);
    assert_eq!(said("['pki', 'http']", c2s), place);
    assert_eq!(said("['ldap', 'http']", c2s), place);
    assert_eq!(said("['http', 'internal']", c2s), [] as [&str; 0]);
    // The recipe by which MongooseIM offers EXTERNAL with http.
    let only = c2s.replace("port = 1", "port = 1\nallowed_auth_methods = ['http']");
    assert_eq!(said("['http', 'pki']", &only), [] as [&str; 0]);
    let admin = "[[listen.http]]\nport = 1\ntls = {verify_mode = 'selfsigned_peer'}";
    assert_eq!(said("['http', 'pki']", admin), [] as [&str; 0]);
}

#[test]
fn an_absent_cacertfile_is_warned_of_where_a_certificate_logs_in() {
    let said = |auth: &str, listener: &str| {
        let config = ok(&format!(
            "[auth]\npki = {{}}\ninternal = {{}}\n{auth}\n{listener}"
        ));
        let absent = |warning: &&Warning| warning.message.starts_with("without cacertfile");
        config.warnings.iter().filter(absent).count()
    };
    let (on, off) = (
        "sasl_mechanisms = ['external']",
        "sasl_mechanisms = ['plain']",
    );
    let c2s = "[[listen.c2s]]\nport = 1\ntls = {}";
    assert_eq!(said(on, c2s), 1);
    assert_eq!(said(off, c2s), 0);
    let own = format!("{c2s}\n[[host_config]]\nhost = 'b'\nauth = {{pki = {{}}, {on}}}");
    assert_eq!(said(off, &own), 1);
    assert_eq!(
        said(on, "[[listen.c2s]]\nport = 1\ntls = {verify_mode = 'none'}"),
        0
    );
    assert_eq!(said(on, "[[listen.http]]\nport = 1\ntls = {}"), 0);
    let websocket = "[[listen.http]]\nport = 1\ntls = {}\n\
                     handlers.mongoose_websocket_handler = [{host = '_', path = '/'}]";
    assert_eq!(said(on, websocket), 1);
    let passwords = "[[listen.c2s]]\nport = 1\nallowed_auth_methods = ['internal']\ntls = {}";
    assert_eq!(said(on, passwords), 0);
}

#[test]
fn what_mongooseim_loses_is_worded_by_where_the_decision_is_made() {
    let said = |kinds: &str, tls: &str| {
        let config = ok(&format!(
            "[auth]\nsasl_mechanisms = ['external']\npki = {{}}\nsasl_external = [{kinds}]\n\
             [[listen.c2s]]\nport = 1\n\
             tls = {{disconnect_on_failure = false, cacertfile = 'Cargo.toml', {tls}}}"
        ));
        let of_it = |warning: &Warning| warning.path.ends_with("disconnect_on_failure");
        config
            .warnings
            .into_iter()
            .find(of_it)
            .map(|warning| warning.message)
    };
    let direct = said("'standard'", "mode = 'tls'").unwrap();
    assert!(direct.contains("TLS begins at once") && direct.contains("only the plug-in"));
    let by_plug_in = said("'certjid_verification'", "mode = 'tls'").unwrap();
    assert!(
        by_plug_in.contains("judges the certificate itself"),
        "{by_plug_in}"
    );
    let mixed = said("'certjid_verification', 'standard'", "mode = 'tls'").unwrap();
    assert!(mixed.contains("only the plug-in"), "{mixed}");
    let resumed = said("'standard'", "mode = 'starttls'").unwrap();
    assert!(resumed.contains("is resumed"), "{resumed}");
    assert_eq!(said("'standard'", "versions = ['tlsv1.3']"), None);
    assert_eq!(said("'standard'", "verify_mode = 'none'"), None);
}

#[test]
fn a_module_that_believes_the_client_and_a_filter_that_never_matches_are_warned_of() {
    let config = ok(
        "[auth]\nsasl_external = ['cyrsasl_external_verification']\n\
         [[host_config]]\nhost = 'b'\n[host_config.auth]\n\
         sasl_external = ['standard', 'cyrsasl_external_verification']\n\
         [host_config.auth.ldap]\n\
         local_filter = {operation = 'equal', attribute = 'a', values = ['b']}\n\
         dn_filter = {filter = '(a=%s)', attributes = ['a', 'b']}",
    );
    assert_warns(&config, 3, "auth.sasl_external", "any user of the host");
    assert_warns(
        &config,
        7,
        "host_config[1].auth.sasl_external",
        "any user of the host",
    );
    assert_warns(
        &config,
        9,
        "host_config[1].auth.ldap.local_filter",
        "equal refuses everyone",
    );
    assert_warns(
        &config,
        10,
        "host_config[1].auth.ldap.dn_filter.attributes",
        "the first attribute",
    );
}

#[test]
fn a_fault_silences_no_warning_but_those_of_its_own_section() {
    let errors = parse(&format!(
        "{GENERAL}[auth]\nmethods = 'pki'\npki = {{}}\n\
         [[listen.c2s]]\nport = 1\nzlib = 1\ntls.verify_mode = 'selfsigned_peer'"
    ));
    let errors = errors.unwrap_err();
    assert_eq!(errors.faults.len(), 1);
    let warned: Vec<&str> = errors
        .warnings
        .iter()
        .map(|warning| &*warning.path)
        .collect();
    assert_eq!(
        warned,
        ["listen.c2s[1].zlib", "listen.c2s[1].tls.verify_mode"]
    );
}

#[test]
fn what_deceives_is_said_however_much_else_there_is() {
    let unknown: String = (0..300).map(|i| format!("[new{i}]\n")).collect();
    let config = ok(&format!("{unknown}[auth]\nsasl_external = ['auth_id']"));
    assert_eq!(config.warnings.len(), 100);
    assert_warns(&config, 303, "auth.sasl_external", "any user of the host");
}
