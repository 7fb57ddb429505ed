//! Switches of the server.

use super::switches;

switches! {
    /// The server's switches.
    pub struct Node {
        /// What a node does when it loses its etcd session (S1, `session_watchdog_local_fence`).
        pub session_loss: SessionLoss: has_watchdog {
            /// The node manager notices, and the process shuts down in order (before pingcap/ticdc#5106).
            GracefulExit => false,
            /// A watchdog notices, and fences every dispatcher manager at once (pingcap/ticdc#5106).
            SelfFence => true,
        },
    }
}
