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
        /// What the watchdog does when the process is told to end for another reason before it has found out.
        pub watchdog_end: WatchdogEnd: fences {
            /// It leaves, and the dispatchers go on until the modules have ended (since there is a watchdog).
            Leaves => false,
            /// It fences first. No version does.
            Fences => true,
        },
        /// What the watchdog sees while it waits for etcd to tell the lease's TTL.
        pub watchdog_call: WatchdogCall: is_watched_over {
            /// Nothing (since there is a watchdog).
            Blocks => false,
            /// The end of the session by the local clock. No version does.
            SeesSession => true,
        },
    }
}
