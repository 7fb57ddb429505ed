//! What the server of a node waits for: its session, its view of the others, its turn as a candidate.

use crate::{node::Server, pending::Pending};

impl Server {
    /// What it waits for. A candidate that is not the oldest waits for its turn, as it should, and is not counted.
    pub fn pending(&self) -> Vec<Pending> {
        let mut all = Vec::new();
        match &self.session {
            None => all.push(Pending::new("a session of etcd")),
            Some(session) if session.done => {
                all.push(Pending::new("its end: its session is over"));
            }
            Some(_) => {}
        }
        let election = self.election.word();
        if matches!(election, "registering" | "chosen" | "resigning") {
            all.push(Pending::new(format!("etcd, {election} in the election of the coordinator")));
        }
        let end = self.shutdown.words();
        if !end.is_empty() {
            all.push(Pending::new(format!("its end:{end}")));
        }
        all
    }
}
