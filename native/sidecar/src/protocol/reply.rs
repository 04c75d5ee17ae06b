use certjid_core::decide::{self, Decided};
use certjid_core::reason::Reason;
use certjid_core::trail::{self, Trail};
use serde::{Deserialize, Serialize};

use super::bounds::{MAX_MESSAGE, MAX_REPLY, clipped};
use super::{Format, Id, etf, json};

/// A reply, which can do with less than it has to say.
pub trait Reply: Serialize {
    /// What it says within [`MAX_REPLY`] in either format, where all of it takes more.
    #[must_use]
    fn shortened(&self) -> Self;
}

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
    #[serde(default, skip_serializing_if = "is_zero")]
    pub services_left_out: usize,
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

impl Reply for Decision {
    fn shortened(&self) -> Self {
        let mut trail = Vec::new();
        let mut room = TRAIL_ROOM;
        for step in &self.trail {
            let step = Step {
                what: clipped(&step.what, STEP_ROOM).into_owned(),
                outcome: step.outcome.clone(),
                message: clipped(&step.message, STEP_ROOM).into_owned(),
            };
            match room.checked_sub(length(&step)) {
                Some(left) => room = left,
                None => break,
            }
            trail.push(step);
        }
        let left_out = self.trail.len() - trail.len();
        if left_out > 0 {
            trail.push(Step {
                what: "trail".to_owned(),
                outcome: "note".to_owned(),
                message: format!("{left_out} more steps do not fit into this reply"),
            });
        }
        Self {
            trail,
            ..self.clone()
        }
    }
}

impl Reply for Offer {
    /// Its sentence is short already.
    fn shortened(&self) -> Self {
        self.clone()
    }
}

impl Reply for Unanswered {
    /// Its sentence is short already.
    fn shortened(&self) -> Self {
        self.clone()
    }
}

impl Reply for Status {
    fn shortened(&self) -> Self {
        let (services, left_out) = shortened_services(&self.services);
        Self {
            config: clipped(&self.config, PATH_ROOM).into_owned(),
            methods: shortened_counts(&self.methods, METHODS_ROOM),
            reasons: shortened_counts(&self.reasons, REASONS_ROOM),
            services,
            services_left_out: self.services_left_out + left_out,
            reload_error: self
                .reload_error
                .as_ref()
                .map(|error| clipped(error, ERROR_ROOM).into_owned()),
            ..self.clone()
        }
    }
}

/// The greatest counts; the others together are `other`, so that the sum stays.
fn shortened_counts(counts: &[Count], mut room: usize) -> Vec<Count> {
    let mut counts: Vec<Count> = counts
        .iter()
        .map(|count| Count {
            name: clipped(&count.name, NAME_ROOM).into_owned(),
            count: count.count,
        })
        .collect();
    counts.sort_by_key(|count| core::cmp::Reverse(count.count));
    let fitting = counts
        .iter()
        .take_while(|count| {
            let left = room.checked_sub(length(count));
            room = left.unwrap_or_default();
            left.is_some()
        })
        .count();
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
fn shortened_services(services: &[PoolStatus]) -> (Vec<PoolStatus>, usize) {
    let mut sorted: Vec<&PoolStatus> = services.iter().collect();
    sorted.sort_by_key(|service| service.health.up);
    let mut room = SERVICES_ROOM;
    let mut fitting = Vec::new();
    for service in sorted {
        let cause = service.health.cause.as_ref();
        let service = PoolStatus {
            pool: clipped(&service.pool, NAME_ROOM).into_owned(),
            health: ServiceHealth {
                cause: cause.map(|cause| clipped(cause, CAUSE_ROOM).into_owned()),
                ..service.health.clone()
            },
        };
        match room.checked_sub(length(&service)) {
            Some(left) => room = left,
            None => break,
        }
        fitting.push(service);
    }
    let left_out = services.len() - fitting.len();
    (fitting, left_out)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// How long an item of a list is, in the format that needs more for it.
fn length(item: &impl Serialize) -> usize {
    // Erlang's format has at most so many bytes more than JSON has: for an item and its fields.
    const ETF_OVERHEAD: usize = 64;
    serde_json::to_vec(item).expect(REPLY).len() + ETF_OVERHEAD
}

/// Encodes a reply in the format of its id, within [`MAX_REPLY`].
pub fn encode(id: &Id, reply: &impl Reply) -> Vec<u8> {
    let whole = encode_whole(id, reply);
    if whole.len() <= MAX_REPLY {
        return whole;
    }
    encode_whole(id, &reply.shortened())
}

fn encode_whole(id: &Id, reply: &impl Serialize) -> Vec<u8> {
    match id.format() {
        Format::Etf => etf::encode(id, reply),
        Format::Json => json::encode(id, reply),
    }
}

/// Encodes the reply to a request that is not answered.
pub fn refuse(id: &Id, error: Reason, message: &str) -> Vec<u8> {
    let unanswered = Unanswered {
        error: error.as_str(),
        message: sentence(message),
    };
    encode(id, &unanswered)
}

/// Messages quote what the client sent, in any length.
fn sentence(message: &str) -> String {
    clipped(message, MAX_MESSAGE).into_owned()
}

/// What is left for the trail beside an id, and a JID and a local part of the greatest length.
const TRAIL_ROOM: usize = 4096;

const STEP_ROOM: usize = 1024;

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
    use super::*;

    fn ids() -> [Id; 2] {
        let json = Id::new(Format::Json, &[b'7'; super::super::MAX_ID]).unwrap();
        let mut term = vec![109, 0, 0, 3, 251];
        term.resize(super::super::MAX_ID, b'x');
        [json, Id::new(Format::Etf, &term).unwrap()]
    }

    fn step(message: String) -> Step {
        Step {
            what: "standard".to_owned(),
            outcome: "skipped".to_owned(),
            message,
        }
    }

    #[test]
    fn a_decision_is_shortened_one_byte_above_the_limit() {
        for id in ids() {
            let with = |length: usize| Decision {
                trail: vec![step("x".repeat(length))],
                ..Decision::default()
            };
            let room = MAX_REPLY - encode(&id, &with(0)).len();
            assert_eq!(encode(&id, &with(room)).len(), MAX_REPLY);
            let shortened = encode(&id, &with(room + 1));
            assert!(shortened.len() < MAX_REPLY / 2);
        }
    }

    /// Who is allowed is never shortened.
    #[test]
    fn the_longest_names_fit() {
        let part = "\\".repeat(1023);
        let domain = "\u{1}".repeat(1023);
        for id in ids() {
            let decision = Decision {
                allowed: true,
                jid: Some(format!("{part}@{domain}")),
                username: Some(part.clone()),
                trail: (0..1000).map(|_| step("\u{1}".repeat(9000))).collect(),
                ..Decision::default()
            };
            let reply = encode(&id, &decision);
            assert!(reply.len() <= MAX_REPLY, "{}", reply.len());
            let shortened = decision.shortened();
            assert_eq!(shortened.jid, decision.jid);
            let last = shortened.trail.last().unwrap();
            let left_out = 1000 - (shortened.trail.len() - 1);
            let told = format!("{left_out} more steps do not fit into this reply");
            assert_eq!(last.message, told);
            let refused = Decision {
                condition: Some("temporary-auth-failure".to_owned()),
                message: Some(sentence(&"\u{1}".repeat(9000))),
                ..decision
            };
            let reply = encode(
                &id,
                &Decision {
                    jid: None,
                    ..refused
                },
            );
            assert!(reply.len() <= MAX_REPLY, "{}", reply.len());
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
            services_left_out: 0,
            expiring: usize::MAX,
            errors: u64::MAX,
            connections: u64::MAX,
            reload_error: Some(noise(0)),
            pid: u32::MAX,
        };
        for id in ids() {
            let reply = encode(&id, &status);
            assert!(reply.len() <= MAX_REPLY, "{}", reply.len());
        }
        let shortened = status.shortened();
        let sum = |counts: &[Count]| counts.iter().map(|count| count.count).sum::<u64>();
        assert_eq!(sum(&shortened.reasons), sum(&status.reasons));
        assert_eq!(shortened.reasons.last().unwrap().name, "other");
        assert!(shortened.reasons[0].name.starts_with("299"));
        assert!(shortened.services[0].pool.starts_with("400"));
        assert_eq!(
            shortened.services.len() + shortened.services_left_out,
            status.services.len()
        );
    }
}
