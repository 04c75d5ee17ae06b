use alloc::collections::VecDeque;

use super::methods::Method;
use super::modules::Names;
use super::{AtModule, Outcome};
use crate::reason::Refused;
use crate::sasl::{Attempt, Verdict};
use crate::trail::Trail;

/// A login that waits for an answer: of an Erlang module (`S` is [`AtModule`]) or of the service
/// behind a method (`S` is [`AtMethod`](super::AtMethod)). It holds all that it needs to go on, so that a policy
/// that is loaded meanwhile changes nothing of it.
#[derive(Clone, Debug)]
pub struct Pending<S> {
    pub(super) login: Login,
    pub(super) stage: S,
}

/// What a login has from its beginning to its end.
#[derive(Clone, Debug)]
pub(super) struct Login {
    /// Prepared.
    pub(super) host: String,
    pub(super) host_type: Option<String>,
    /// The client's certificate in DER.
    pub(super) certificate: Vec<u8>,
    /// Those that are left, the one to ask first.
    pub(super) methods: VecDeque<Method>,
    /// The refusal, should none of them accept.
    pub(super) refused: Refused,
    pub(super) trail: Trail,
}

impl Login {
    /// Goes on after the kinds, or as far as they are tried. `names` is what a further kind needs.
    pub(super) fn go_on(
        self,
        verdict: Verdict,
        attempt: Attempt,
        names: impl FnOnce() -> Names,
    ) -> Outcome {
        match verdict {
            Verdict::User(user) => self.ask_methods(user),
            Verdict::AskModule(module) => Outcome::AskModule(Box::new(Pending {
                login: self,
                stage: AtModule {
                    module,
                    attempt,
                    names: names(),
                },
            })),
            Verdict::Refused(refused) => Outcome::Refused(Refused {
                trail: self.trail,
                ..refused
            }),
        }
    }
}
