use certjid_core::decide::{self, Decided};
use certjid_core::message::{MAX_MESSAGE, clip};
use certjid_core::reason::Reason;
use certjid_core::trail::{self, Trail};
use serde::{Deserialize, Serialize};

use super::{Format, Id, etf, json};

/// The reply to `authenticate`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Decision {
    /// Whether the client is let in.
    pub allowed: bool,
    /// The bare JID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jid: Option<String>,
    /// The prepared local part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The entry of `auth.methods` that accepted the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where the user name was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The entry of `sasl_external` that found it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What the client is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The cause for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The cause for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether the server is to close the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disconnect: Option<bool>,
    /// What was tried, in order.
    pub trail: Vec<Step>,
}

impl From<Decided> for Decision {
    fn from(decided: Decided) -> Self {
        let steps = |trail: Trail| Vec::from(trail).into_iter().map(Step::from).collect();
        match decided {
            Ok(allowed) => Self {
                allowed: true,
                jid: Some(allowed.jid),
                username: Some(allowed.username),
                method: Some(allowed.method),
                source: Some(allowed.source.to_owned()),
                kind: Some(allowed.kind),
                trail: steps(allowed.trail),
                ..Self::default()
            },
            Err(refused) => Self {
                condition: Some(refused.condition.to_string()),
                reason: Some(refused.reason.to_string()),
                message: Some(refused.explained()),
                disconnect: Some(refused.disconnect),
                trail: steps(refused.trail),
                ..Self::default()
            },
        }
    }
}

/// One step of a decision.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Step {
    /// What was tried.
    pub what: String,
    /// `ok`, `note`, `skipped`, or the SASL condition.
    pub outcome: String,
    /// A sentence.
    pub message: String,
}

impl From<trail::Step> for Step {
    fn from(step: trail::Step) -> Self {
        Self {
            what: step.what,
            outcome: step.outcome.to_owned(),
            message: step.message,
        }
    }
}

/// The reply to `mechanisms`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Offer {
    /// Whether EXTERNAL is to be offered.
    pub external: bool,
    /// The same as a list of mechanisms.
    pub mechanisms: Vec<String>,
    /// `offered`, or the cause for programs.
    pub reason: String,
    /// The cause for the operator.
    pub message: String,
}

impl From<decide::Offer> for Offer {
    fn from(offer: decide::Offer) -> Self {
        Self {
            external: offer.external(),
            mechanisms: offer
                .external()
                .then(|| "EXTERNAL".to_owned())
                .into_iter()
                .collect(),
            reason: offer.code().to_owned(),
            message: offer.message,
        }
    }
}

/// The reply to `status`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Status {
    /// certjid's own version.
    pub release: String,
    /// The configuration file.
    pub config: String,
    /// When the policy in use was loaded, in Unix seconds.
    pub loaded_at: i64,
    /// Seconds since the start.
    pub uptime: u64,
    /// Logins that were allowed since the start.
    pub allowed: u64,
    /// Logins that were refused.
    pub refused: u64,
    /// Those that were allowed, by method.
    pub methods: Vec<Count>,
    /// Those that were refused, by reason.
    pub reasons: Vec<Count>,
    /// The services behind http and ldap that have been asked.
    pub services: Vec<PoolStatus>,
    /// Those of them that the reply has no room for. Services that are down come first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services_left_out: Option<usize>,
    /// Certificates that logged in during the last seven days and expire within thirty.
    pub expiring: usize,
    /// Requests that could not be understood.
    pub errors: u64,
    /// Connections that are open.
    pub connections: u64,
    /// Why the last reload kept the old policy; null where it did not.
    pub reload_error: Option<String>,
    /// The process.
    pub pid: u32,
}

/// How often something was, since the start.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Count {
    /// What.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// How the service of a pool does.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PoolStatus {
    /// The TOML path of the pool.
    pub pool: String,
    /// How it does.
    #[serde(flatten)]
    pub health: ServiceHealth,
}

/// How a service behind a method does.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ServiceHealth {
    /// Whether it answered the last question.
    pub up: bool,
    /// Questions that it answered.
    pub answered: u64,
    /// Questions that it did not.
    pub failed: u64,
    /// When it failed last, in Unix seconds.
    pub failed_at: Option<i64>,
    /// Why it failed last.
    pub cause: Option<String>,
    /// Since when it has answered nothing, in Unix seconds.
    #[serde(default)]
    pub down_since: Option<i64>,
}

/// The reply to a request that is not answered.
#[derive(Clone, Debug, Serialize)]
struct Unanswered {
    error: &'static str,
    message: String,
}

impl Status {
    /// The same, where lists and texts have no more room than a reply has for them.
    #[must_use]
    pub fn bounded(self) -> Self {
        let (services, left_out) = bounded_services(self.services);
        Self {
            config: bounded(&self.config, PATH_ROOM),
            methods: bounded_counts(self.methods, METHODS_ROOM),
            reasons: bounded_counts(self.reasons, REASONS_ROOM),
            services,
            services_left_out: (left_out > 0).then_some(left_out),
            reload_error: self.reload_error.map(|error| bounded(&error, ERROR_ROOM)),
            ..self
        }
    }
}

fn bounded(text: &str, room: usize) -> String {
    clip(text, room).into_owned()
}

/// The greatest counts; the others together are `other`, so that the sum stays.
fn bounded_counts(mut counts: Vec<Count>, mut room: usize) -> Vec<Count> {
    counts.sort_by(|one, other| other.count.cmp(&one.count).then(one.name.cmp(&other.name)));
    for count in &mut counts {
        count.name = bounded(&count.name, NAME_ROOM);
    }
    let fitting = counts.iter().take_while(|count| fits(count, &mut room));
    let fitting = fitting.count();
    let rest: u64 = counts.drain(fitting..).map(|count| count.count).sum();
    if rest > 0 {
        counts.push(Count {
            name: "other".to_owned(),
            count: rest,
        });
    }
    counts
}

/// The services that fit, those that are down first, and how many do not fit.
fn bounded_services(mut services: Vec<PoolStatus>) -> (Vec<PoolStatus>, usize) {
    services.sort_by_key(|service| service.health.up);
    for PoolStatus { pool, health } in &mut services {
        *pool = bounded(pool, NAME_ROOM);
        health.cause = health.cause.take().map(|cause| bounded(&cause, CAUSE_ROOM));
    }
    let mut room = SERVICES_ROOM;
    let fitting = services
        .iter()
        .take_while(|service| fits(service, &mut room));
    let fitting = fitting.count();
    let left_out = services.len() - fitting;
    services.truncate(fitting);
    (services, left_out)
}

/// Takes the room that an item of a list needs, in the format that needs more for it.
fn fits(item: &impl Serialize, room: &mut usize) -> bool {
    // Erlang's format has at most so many bytes more than JSON has: for an item and its fields.
    const ETF_OVERHEAD: usize = 64;
    let length = serde_json::to_vec(item).expect(REPLY).len() + ETF_OVERHEAD;
    let left = room.checked_sub(length);
    *room = left.unwrap_or_default();
    left.is_some()
}

/// Encodes a reply in the format of its id. What is in it is bounded where it is made, so that no
/// reply is longer than [`MAX_REPLY`].
pub fn encode(id: &Id, reply: &impl Serialize) -> Vec<u8> {
    match id.format() {
        Format::Etf => etf::encode(id, reply),
        Format::Json => json::encode(id, reply),
    }
}

/// Encodes the reply to a request that is not answered.
pub fn refuse(id: &Id, error: Reason, message: &str) -> Vec<u8> {
    let unanswered = Unanswered {
        error: error.as_str(),
        message: bounded(message, MAX_MESSAGE),
    };
    encode(id, &unanswered)
}

/// The greatest length of a reply's payload, in bytes.
pub const MAX_REPLY: usize = 16 * 1024;

const PATH_ROOM: usize = 1024;

const ERROR_ROOM: usize = 2048;

const NAME_ROOM: usize = 128;

const CAUSE_ROOM: usize = 256;

const METHODS_ROOM: usize = 1024;

const REASONS_ROOM: usize = 4096;

const SERVICES_ROOM: usize = 5120;

pub(super) const REPLY: &str = "a reply is an object of plain values";

#[cfg(test)]
mod tests {
    use certjid_core::decide::Refused;
    use certjid_core::trail::MAX_STEPS;

    use super::*;

    fn ids() -> [Id; 2] {
        let json = Id::new(Format::Json, &[b'7'; super::super::MAX_ID]).unwrap();
        let mut term = vec![109, 0, 0, 3, 251];
        term.resize(super::super::MAX_ID, b'x');
        [json, Id::new(Format::Etf, &term).unwrap()]
    }

    /// The longest of all that is in a decision.
    #[test]
    fn the_longest_names_and_the_longest_trail_fit() {
        let trail = |length: usize| {
            let mut trail = Trail::default();
            for _ in 0..MAX_STEPS {
                trail.push("standard", "temporary-auth-failure", "\u{1}".repeat(length));
            }
            trail
        };
        let part = "\\".repeat(1023);
        for (id, length) in ids().iter().flat_map(|id| [(id, 9), (id, 9000)]) {
            let allowed = Decision {
                allowed: true,
                jid: Some(format!("{part}@{part}")),
                username: Some(part.clone()),
                method: Some("ldap".to_owned()),
                source: Some("common_name".to_owned()),
                kind: Some("cyrsasl_external_verification".to_owned()),
                trail: Vec::from(trail(length))
                    .into_iter()
                    .map(Step::from)
                    .collect(),
                ..Decision::default()
            };
            let mut refused = Refused::new(Reason::MethodUnavailable, "\u{1}".repeat(9000));
            refused.trail = trail(length);
            for decision in [allowed, Decision::from(Err(refused))] {
                let reply = encode(id, &decision);
                assert!(reply.len() <= MAX_REPLY, "{}", reply.len());
            }
        }
    }

    #[test]
    fn a_status_shows_what_is_down_and_keeps_the_sum() {
        let noise = |number: usize| format!("{number}{}", "\u{1}".repeat(9000));
        let counts = || {
            let count = |number| Count {
                name: noise(number),
                count: number as u64 + 1,
            };
            (0..300).map(count).collect::<Vec<_>>()
        };
        let services = (0..500).map(|number| PoolStatus {
            pool: noise(number),
            health: ServiceHealth {
                up: number != 400,
                answered: u64::MAX,
                failed: u64::MAX,
                failed_at: Some(i64::MIN),
                cause: Some(noise(number)),
                down_since: Some(i64::MIN),
            },
        });
        let status = Status {
            release: "0.1.0".to_owned(),
            config: noise(0),
            loaded_at: i64::MIN,
            uptime: u64::MAX,
            allowed: u64::MAX,
            refused: u64::MAX,
            methods: counts(),
            reasons: counts(),
            services: services.collect(),
            services_left_out: None,
            expiring: usize::MAX,
            errors: u64::MAX,
            connections: u64::MAX,
            reload_error: Some(noise(0)),
            pid: u32::MAX,
        };
        let shortened = status.clone().bounded();
        for id in ids() {
            let reply = encode(&id, &shortened);
            assert!(reply.len() <= MAX_REPLY, "{}", reply.len());
        }
        let sum = |counts: &[Count]| counts.iter().map(|count| count.count).sum::<u64>();
        assert_eq!(sum(&shortened.reasons), sum(&status.reasons));
        assert_eq!(shortened.reasons.last().unwrap().name, "other");
        assert!(shortened.reasons[0].name.starts_with("299"));
        assert!(shortened.services[0].pool.starts_with("400"));
        assert_eq!(
            shortened.services.len() + shortened.services_left_out.unwrap(),
            status.services.len()
        );
    }
}
