use std::fmt;

use serde::{Deserialize, Serialize};

use super::Conditions;

/// What a pod has come to, as far as the model does not find it out: it declares programs that run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// Whether its containers run.
    pub phase: PodPhase,
    /// How often they were started again.
    pub restarts: u32,
    /// Whether it is ready, and whether it is being deleted.
    pub conditions: Conditions,
}

/// The phase of a pod, by the word that `kubectl get pods` has for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PodPhase {
    /// Its containers run.
    #[default]
    Running,
    /// They have all ended well, as a job's do: phase `Succeeded`.
    Completed,
    /// They have ended, and one of them badly: phase `Failed`.
    Error,
}

impl PodPhase {
    /// Every phase.
    pub const ALL: [Self; 3] = [Self::Running, Self::Completed, Self::Error];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Completed => "Completed",
            Self::Error => "Error",
        }
    }
}

impl fmt::Display for PodPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
