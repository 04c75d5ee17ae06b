use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::certificate::Certificate;
use certjid_core::config::ListenerRef;
use certjid_core::decide::{Authzid, Request};
use certjid_core::policy::{self};
use clap::Args;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::runtime::Builder;

use super::crl_policy::OnCrl;
use super::inspect::expiry_hint;
use super::starttls::StartTls;
use super::terminal::{BAD, FAINT, GOOD, NOTE, plain, print, print_json, styled};
use super::{Done, REFUSED, Unusable, certificate_file, config_check, crl_policy};
use crate::backend::{self, Backed};
use crate::client::Client;
use crate::protocol::{Decision, Offer};

/// Decides one login, and says what was tried and why it ended so
///
/// Exit status: 0 allowed, 1 refused, 2 unusable input.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    judge: Judge,
    /// The listener that the client connects to: c2s, http or a port
    #[arg(long, default_value = "c2s")]
    listener: String,
    /// The XMPP domain that the client logs in to
    #[arg(long)]
    host: String,
    /// The host type of a dynamic domain
    #[arg(long)]
    host_type: Option<String>,
    /// The client's certificate and intermediates, in any form that `inspect` reads
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// The authorization identity that the client sends; none by default
    #[arg(long, value_name = "JID", conflicts_with = "initial_response")]
    authzid: Option<String>,
    /// The text of <auth/> as the client sends it, `=` or base64
    #[arg(long, value_name = "TEXT")]
    initial_response: Option<String>,
    /// Decide as at this time, in RFC 3339 or Unix seconds; now by default
    #[arg(long, value_parser = parse_time, conflicts_with = "socket", allow_hyphen_values = true)]
    time: Option<i64>,
    /// Whether to accept certificates whose issuer has no CRL, at listeners with crl_files; a
    /// running sidecar has its own setting [default: allow]
    #[arg(long, env = "CERTJID_MISSING_CRL", value_name = "VERDICT")]
    missing_crl: Option<OnCrl>,
    /// Whether to accept certificates whose issuer's CRL is out of date; a running sidecar has its
    /// own setting [default: refuse]
    #[arg(long, env = "CERTJID_STALE_CRL", value_name = "VERDICT")]
    stale_crl: Option<OnCrl>,
    #[command(flatten)]
    starttls: StartTls,
    /// A file whose first line is the password of a PKCS#12 file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Judge {
    /// Decide by this mongooseim.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Ask the sidecar that listens on this socket
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

/// What there is to tell.
struct Answer {
    decision: Decision,
    offer: Offer,
}

pub(super) fn run(args: &CheckArgs) -> Done {
    let now = args.time.unwrap_or_else(policy::now);
    let chain = certificate_file::read(&args.cert, args.password_file.as_deref())?;
    let name = certificate_file::name(&args.cert);
    let mut leaf = None;
    for der in &chain {
        let certificate = certificate_file::decode(&name, der)?;
        leaf.get_or_insert(certificate);
    }
    let Some(leaf) = leaf else {
        return Err(Unusable(format!(
            "{}: there is no certificate",
            name.display()
        )));
    };
    let answer = match (&args.judge.config, &args.judge.socket) {
        (Some(config), _) => {
            let options = backend::Options {
                ldap_starttls: args.starttls.ldap_starttls.clone(),
                crls: crl_policy::policy(args.missing_crl, args.stale_crl),
            };
            let backed =
                Backed::load(config, &options).map_err(|errors| config_check::unusable(&errors))?;
            decide(&backed, args, chain, now)?
        }
        (None, Some(socket)) => {
            let asked = Client::connect(socket).and_then(|client| ask(client, args, &chain));
            asked.map_err(|error| Unusable(format!("{}: {error}", socket.display())))?
        }
        (None, None) => return Err(Unusable("--config or --socket is missing".to_owned())),
    };
    if args.json {
        print_json(&object(&answer, &leaf)?)?;
    } else {
        print(&describe(args, &answer, &leaf, now))?;
    }
    Ok(if answer.decision.allowed {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

fn decide(
    backed: &Backed,
    args: &CheckArgs,
    chain: Vec<Vec<u8>>,
    now: i64,
) -> Result<Answer, Unusable> {
    let listener = listener(&args.listener);
    let policy = backed.policy();
    if policy.config().listener(&listener).is_none() {
        let known: Vec<String> = policy
            .config()
            .listeners
            .iter()
            .map(|known| format!("{} (port {})", known.kind.as_str(), known.port))
            .collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        return Err(Unusable(format!(
            "the configuration has no listener {:?}; it has {known}",
            args.listener
        )));
    }
    let request = Request {
        listener,
        host: args.host.clone(),
        host_type: args.host_type.clone(),
        chain,
        authzid: match (&args.authzid, &args.initial_response) {
            (Some(authzid), _) => Authzid::Decoded(authzid.clone().into_bytes()),
            (None, Some(text)) => Authzid::InitialResponse(text.clone()),
            (None, None) => Authzid::Absent,
        },
        verified: None,
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok(Answer {
        decision: runtime.block_on(backed.authenticate(&request, now)).into(),
        offer: policy.mechanisms(&request, now).into(),
    })
}

fn ask(mut client: Client, args: &CheckArgs, chain: &[Vec<u8>]) -> std::io::Result<Answer> {
    let listener = match listener(&args.listener) {
        ListenerRef::Name(name) => json!(name),
        ListenerRef::Port(port) => json!({ "port": port }),
    };
    let chain: Vec<String> = chain.iter().map(|der| STANDARD.encode(der)).collect();
    let mut request = Map::from_iter([
        ("id".to_owned(), json!("check")),
        ("request".to_owned(), json!("mechanisms")),
        ("listener".to_owned(), listener),
        ("host".to_owned(), json!(args.host)),
        ("chain".to_owned(), json!(chain)),
    ]);
    if let Some(host_type) = &args.host_type {
        request.insert("host_type".to_owned(), json!(host_type));
    }
    let offer = client.ask(&request)?;
    request.insert("request".to_owned(), json!("authenticate"));
    if let Some(authzid) = &args.authzid {
        request.insert("authzid".to_owned(), json!(authzid));
    }
    if let Some(text) = &args.initial_response {
        request.insert("initial_response".to_owned(), json!(text));
    }
    Ok(Answer {
        decision: client.ask(&request)?,
        offer,
    })
}

fn listener(text: &str) -> ListenerRef {
    text.parse()
        .map_or_else(|_| ListenerRef::Name(text.to_owned()), ListenerRef::Port)
}

/// The decision as the protocol has it, and beside it the offer and the certificate.
fn object(answer: &Answer, leaf: &Certificate) -> Result<Value, Unusable> {
    let mut object = serde_json::to_value(&answer.decision).map_err(Unusable::new)?;
    object["offer"] = serde_json::to_value(&answer.offer).map_err(Unusable::new)?;
    object["fingerprint"] = leaf.fingerprint_hex().into();
    object["not_after"] = leaf.not_after().into();
    Ok(object)
}

fn describe(args: &CheckArgs, answer: &Answer, leaf: &Certificate, now: i64) -> String {
    let Answer { decision, offer } = answer;
    let mut text = String::new();
    let file = certificate_file::name(&args.cert);
    let fingerprint = styled(FAINT, format!("SHA-256 {}", leaf.fingerprint_hex()));
    let _ = writeln!(
        text,
        "{}  {fingerprint}",
        plain(&file.display().to_string())
    );

    let listener = plain(&args.listener);
    let _ = if offer.external {
        let external = styled(GOOD, "EXTERNAL");
        writeln!(text, "{external} is offered to this client on {listener}")
    } else {
        let external = styled(BAD, "EXTERNAL");
        let why = plain(&offer.message);
        writeln!(
            text,
            "{external} is not offered to this client on {listener}: {why}"
        )
    };

    for step in &decision.trail {
        let style = match step.outcome.as_str() {
            "ok" => GOOD,
            "note" | "skipped" => NOTE,
            _ => BAD,
        };
        // Padded before it is styled: escape sequences have no width.
        let what = format!("{:<20}", plain(&step.what));
        let outcome = styled(style, format!("{:<16}", plain(&step.outcome)));
        let _ = writeln!(text, "  {what} {outcome} {}", plain(&step.message));
    }
    if let Some(hint) = expiry_hint(leaf, now) {
        let _ = writeln!(
            text,
            "  {:<20} {} {hint}",
            "validity",
            styled(NOTE, format!("{:<16}", "note"))
        );
    }

    let shown = |part: &Option<String>| plain(part.as_deref().unwrap_or_default());
    let _ = if decision.allowed {
        writeln!(
            text,
            "{} as {} (user name from {}, accepted by {} and {})",
            styled(GOOD, "ALLOWED"),
            shown(&decision.jid),
            shown(&decision.source),
            shown(&decision.kind),
            shown(&decision.method)
        )
    } else {
        writeln!(
            text,
            "{} with {} ({}): {}",
            styled(BAD, "REFUSED"),
            shown(&decision.condition),
            shown(&decision.reason),
            shown(&decision.message)
        )
    };
    if decision.disconnect == Some(true) {
        let _ = writeln!(
            text,
            "The listener closes the connection (tls.disconnect_on_failure)."
        );
    }
    text
}

fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    OffsetDateTime::parse(text, &Rfc3339)
        .map(OffsetDateTime::unix_timestamp)
        .map_err(|error| format!("neither Unix seconds nor a time of RFC 3339 ({error})"))
}
