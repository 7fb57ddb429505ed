//! Switches of the server.

use serde::{Deserialize, Serialize};

use super::switch;

/// The server's switches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What a node does when it loses its session.
    pub session_loss: SessionLoss,
}

switch! {
    /// What a node does when it loses its etcd session (dispatcher page S1, `session_watchdog_local_fence`).
    pub enum SessionLoss {
        /// The node manager notices, and the process shuts down in order (before pingcap/ticdc#5106).
        GracefulExit,
        /// A watchdog notices, and fences every dispatcher manager at once (pingcap/ticdc#5106).
        SelfFence,
    }
}

impl SessionLoss {
    pub(crate) fn has_watchdog(self) -> bool {
        match self {
            SessionLoss::GracefulExit => false,
            SessionLoss::SelfFence => true,
        }
    }
}
