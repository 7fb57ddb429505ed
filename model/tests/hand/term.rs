//! The term of a coordinator on n3, and what maintainers tell it.

use model::{
    Addr, Epoch, NodeId, Place, Ts,
    coordinator::{Inbox, MaintainerState, MaintainerStatus},
};

use super::{CF, Hand, N1, N2, N3};

/// The version of its term.
const VERSION: u64 = 7;

impl Hand {
    /// It is elected.
    pub fn elect(&mut self) {
        self.hear(Addr::Node(N3, Place::Server), Inbox::Elected { version: VERSION });
    }

    /// A node tells what it runs, now that the term has begun.
    pub fn report(&mut self, node: NodeId, statuses: Vec<MaintainerStatus>) {
        let legacy = Default::default();
        let report = Inbox::CoordinatorBootstrapResponse { version: VERSION, statuses, drain: None, legacy };
        self.tell(node, report);
    }

    /// n1, n2 and n3 tell it, and n1 is who maintains something, if anybody does.
    pub fn report_all(&mut self, on_n1: Option<MaintainerStatus>) {
        self.report(N1, Vec::from_iter(on_n1));
        self.report(N2, Vec::new());
        self.report(N3, Vec::new());
    }
}

/// Who maintains the changefeed.
pub fn working(epoch: u64, checkpoint: u64) -> MaintainerStatus {
    let (state, epoch) = (MaintainerState::Working, Epoch(epoch));
    let checkpoint = Ts(checkpoint);
    MaintainerStatus { cf: CF, state, checkpoint, bootstrap_done: true, epoch, err: None, drain: None }
}

/// Who does not any more.
pub fn stopped(epoch: u64, checkpoint: u64) -> MaintainerStatus {
    MaintainerStatus { state: MaintainerState::Stopped, ..working(epoch, checkpoint) }
}
