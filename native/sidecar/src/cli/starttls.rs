use clap::Args;

/// Which LDAP pools use StartTLS, for commands that read no settings.
#[derive(Args, Debug)]
pub(super) struct StartTls {
    /// The tag of a pool outgoing_pools.ldap.TAG that uses StartTLS, as for `serve`
    #[arg(
        long,
        env = "CERTJID_LDAP_STARTTLS",
        value_name = "TAG",
        value_delimiter = ','
    )]
    pub(super) ldap_starttls: Vec<String>,
}
