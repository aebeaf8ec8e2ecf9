use serde::{Deserialize, Serialize};

/// What a pod or an endpoint says of itself.
///
/// Of a pod: whether its readiness probe succeeds, and whether it is being deleted. Of an endpoint: `serving` and
/// `terminating` of its `EndpointSlice`, from which `ready` follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conditions {
    /// It can serve.
    pub ready: bool,
    /// It is on its way out.
    pub terminating: bool,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { ready: true, terminating: false }
    }
}
