use super::{Condition, Reason};
use crate::message::{MAX_MESSAGE, clip};
use crate::trail::Trail;

/// A login that is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// What the client is told, and nothing more. It is that of the rule that was tried last, as
    /// in MongooseIM.
    pub condition: Condition,
    /// The cause: of several rules that refuse, that of the highest rank.
    pub reason: Reason,
    /// The cause as a sentence for the operator, of at most
    /// [`MAX_MESSAGE`](crate::message::MAX_MESSAGE) bytes as JSON has it.
    pub message: String,
    /// Whether the listener's `tls.disconnect_on_failure` asks that the connection be closed:
    /// true only where the certificate itself failed.
    pub disconnect: bool,
    /// What was tried, in order.
    pub trail: Trail,
}

impl Refused {
    /// A refusal with the condition of its reason.
    pub fn new(reason: Reason, message: impl AsRef<str>) -> Self {
        Self {
            condition: reason.condition(),
            reason,
            message: clip(message.as_ref(), MAX_MESSAGE).into_owned(),
            disconnect: false,
            trail: Trail::default(),
        }
    }

    /// The cause, and what to change: what an operator is told.
    pub fn explained(&self) -> String {
        format!("{}. {}", self.message, self.reason.advice())
    }

    /// The same with another condition.
    #[must_use]
    pub fn told(self, condition: Condition) -> Self {
        Self { condition, ..self }
    }

    /// What two rules that both refuse come to: the condition of the later, and the cause of the
    /// higher rank, of equal ones the later.
    #[must_use]
    pub(crate) fn then(self, later: Self) -> Self {
        if self.reason.rank() > later.reason.rank() {
            self.told(later.condition)
        } else {
            later
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_telling_cause_counts_and_the_last_condition() {
        let near = || Refused::new(Reason::AuthzidEqualsOnlyXmppAddr, "near");
        let absent = || Refused::new(Reason::NoXmppAddr, "absent");
        let name = || Refused::new(Reason::NoCommonName, "name");
        let both = near().then(absent());
        assert_eq!(both.reason, Reason::AuthzidEqualsOnlyXmppAddr);
        assert_eq!(both.condition, Condition::NotAuthorized);
        let both = absent().then(near());
        assert_eq!(both.reason, Reason::AuthzidEqualsOnlyXmppAddr);
        assert_eq!(both.condition, Condition::InvalidAuthzid);
        let both = absent().then(name());
        assert_eq!(both.reason, Reason::NoCommonName);
        assert_eq!(both.message, "name");
    }

    #[test]
    fn a_message_is_bounded() {
        for length in [MAX_MESSAGE, MAX_MESSAGE + 1, 100_000] {
            let refused = Refused::new(Reason::OtherHost, "a".repeat(length));
            assert_eq!(refused.message.len(), MAX_MESSAGE);
            assert_eq!(refused.message.ends_with('…'), length > MAX_MESSAGE);
        }
    }
}
