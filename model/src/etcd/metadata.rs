//! What the coordinator keeps in etcd about a changefeed.

use crate::{
    Epoch, Ts,
    vocabulary::{spoken, words},
};

spoken! {
    /// The persisted description of a changefeed (the info key).
    pub struct ChangefeedInfo {
        /// Whether it should run.
        pub state: FeedState,
        /// The generation of its maintainer.
        pub epoch: Epoch,
        /// From where it was to replicate when it was created.
        pub start_ts: Ts,
        /// Why it is in this state, if it is because of an error.
        pub error: Option<&'static str>,
    }
}

spoken! {
    /// The persisted progress of a changefeed (the status key).
    pub struct Job {
        /// Everything up to here is downstream.
        pub checkpoint: Ts,
        /// What is being done to it.
        pub progress: Progress,
    }
}

/// The state of a changefeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedState {
    /// It runs.
    Normal,
    /// It waits for another try after an error.
    Warning,
    /// It gave up after an error.
    Failed,
    /// It was paused.
    Stopped,
    /// It has reached its target.
    Finished,
}

/// What is being done to a changefeed: survives a coordinator that is half way through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Progress {
    /// Nothing.
    None,
    /// It is being removed.
    Removing,
    /// It is being stopped.
    Stopping,
}

impl FeedState {
    /// Whether a changefeed in this state is to have a maintainer.
    pub fn should_run(self) -> bool {
        match self {
            FeedState::Normal | FeedState::Warning => true,
            FeedState::Failed | FeedState::Stopped | FeedState::Finished => false,
        }
    }

    /// Whether a user may change its configuration.
    pub fn is_updatable(self) -> bool {
        matches!(self, FeedState::Stopped | FeedState::Failed)
    }

    /// Whether a user may let it go on.
    pub fn is_resumable(self) -> bool {
        !self.should_run()
    }
}

words! {
    FeedState {
        Normal => "normal",
        Warning => "warning",
        Failed => "failed",
        Stopped => "stopped",
        Finished => "finished",
    }
    Progress { None => "progress-none", Removing => "removing", Stopping => "stopping" }
}
