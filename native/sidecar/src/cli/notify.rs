//! Tells systemd how far the daemon is (`Type=notify`). Without systemd nothing is sent.

use crate::log_limit::shown;
use sd_notify::NotifyState;

/// Logins are answered, by the policy that is loaded now.
pub fn ready() {
    send(NotifyState::Ready);
}

/// The configuration is read again; to be followed by [`ready`].
pub fn reloading() {
    send(NotifyState::Reloading);
}

/// No new login is answered.
pub fn stopping() {
    send(NotifyState::Stopping);
}

/// The daemon works without systemd's knowing, so that a failure is no more than a warning.
fn send(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(error = shown(&error), "systemd can't be notified");
    }
}
