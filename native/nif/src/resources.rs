//! What Erlang holds as references.

use certjid_core::decide::{AtModule, Pending};
use certjid_core::policy::Policy;
use rustler::Resource;

/// A loaded policy.
pub struct PolicyResource(pub Policy);

#[rustler::resource_impl]
impl Resource for PolicyResource {}

/// A login that waits for a module's answer. It never changes: two answers give two decisions.
pub struct PendingResource(pub Pending<AtModule>);

#[rustler::resource_impl]
impl Resource for PendingResource {}
