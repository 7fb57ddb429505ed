//! What the coordinator keeps in etcd about a changefeed.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use crate::{
    Epoch, RunningError, Ts,
    hear::{Hear, Unheard, Words},
    vocabulary::{Say, spoken, words},
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
        pub error: Option<RunningError>,
        /// Where it ends.
        pub target: Target,
        /// Whether its configuration lacks something.
        pub sparse: Sparse,
    }
}

/// That a configuration lacks sections which it was written without, by a version that did not know them, and which later ones
/// take for granted. One that has them all leaves digests as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sparse(pub bool);

/// Where a changefeed ends (`target-ts`), if it does: `target=ts30000000`. One that does not leaves digests as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target(pub Option<Ts>);

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

impl ChangefeedInfo {
    /// A changefeed that runs, and has no end.
    pub fn new(epoch: Epoch, start_ts: Ts) -> ChangefeedInfo {
        let (state, error, target, sparse) = (FeedState::Normal, None, Target::default(), Sparse::default());
        ChangefeedInfo { state, epoch, start_ts, error, target, sparse }
    }

    /// With what its configuration lacks filled in.
    pub(crate) fn completed(self) -> ChangefeedInfo {
        ChangefeedInfo { sparse: Sparse(false), ..self }
    }
}

impl Target {
    /// Whether a checkpoint has come to the end.
    pub fn is_reached(self, checkpoint: Ts) -> bool {
        self.0.is_some_and(|target| checkpoint >= target)
    }
}

impl Hash for Target {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Target(Some(ts)) = self {
            ts.hash(state);
        }
    }
}

impl Say for Target {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |ts| write!(f, " {field}={ts}"))
    }
}

impl Hear for Target {
    fn hear(field: &str, words: &mut Words) -> Result<Target, Unheard> {
        Ok(Target(words.next(|word| word.strip_prefix(field)?.strip_prefix('=')?.parse().ok())))
    }
}

impl Hash for Sparse {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.0 {
            self.0.hash(state);
        }
    }
}

impl Say for Sparse {
    fn say(&self, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.say(field, f)
    }
}

impl Hear for Sparse {
    fn hear(field: &str, words: &mut Words) -> Result<Sparse, Unheard> {
        bool::hear(field, words).map(Sparse)
    }
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
