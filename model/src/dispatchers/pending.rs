//! What the dispatcher managers of a node wait for, and their dispatchers.

use crate::{
    ChangefeedId, Mode,
    dispatchers::{Dispatchers, Manager, Task},
    pending::Pending,
};

impl Dispatchers {
    /// What whoever works for a changefeed here waits for.
    pub fn pending(&self, cf: ChangefeedId) -> Vec<Pending> {
        let mut all = Vec::new();
        for shard in &self.orchestrator.shards {
            for (id, _) in shard.running.iter().filter(|(_, one)| *one == cf) {
                let request = self.tasks.get(*id).map_or("a request", Task::request_name);
                all.push(Pending::of(cf, format!("the end of {request}, which it is at")));
            }
            let queued = shard.requests.waiting().filter(|request| request.sender.cf == cf).count();
            if queued > 0 {
                all.push(Pending::of(cf, format!("its turn: {queued} requests are in the queue")));
            }
        }
        for (resource, holder, ended) in self.held().filter(|(.., ended)| *ended) {
            debug_assert!(ended);
            if self.changefeed_of(resource) == Some(cf) {
                let name = resource.name();
                all.push(Pending::of(cf, format!("the {name}, which {holder} has not given back")));
            }
        }
        let managers = self.managers().filter(|manager| manager.cf == cf && manager.is_open());
        managers.for_each(|manager| manager.pending(&mut all));
        all
    }

    /// Whether somebody here may still write what a changefeed replicates.
    pub fn writes(&self, cf: ChangefeedId) -> bool {
        self.managers().any(|manager| manager.cf == cf && !manager.writers().is_empty())
    }
}

impl Manager {
    fn pending(&self, all: &mut Vec<Pending>) {
        let cf = self.cf;
        if !self.is_cancelled() && !self.sink.is_normal() {
            all.push(Pending::of(cf, "a successor of its sink, which has failed"));
        }
        let unanswered = self.sink.unanswered();
        if unanswered > 0 {
            all.push(Pending::of(cf, format!("the downstream to answer {unanswered} transactions")));
        }
        match &self.redo.client {
            Some(client) if client.is_writing() => {
                all.push(Pending::of(cf, "the storage of the redo log to write a file"));
            }
            Some(client) if !self.is_cancelled() && !client.is_normal() => {
                all.push(Pending::of(cf, "a successor of its redo client, which has failed"));
            }
            _ => {}
        }
        for one in self.dispatchers_of(Mode::Default).chain(self.dispatchers_of(Mode::Redo)) {
            if let Some((event, stage)) = &one.blocking.pending {
                let awaits = Pending::of(
                    cf,
                    format!("HeartBeatResponse ({} {stage} at {event}, {})", one.id, one.span),
                );
                all.push(self.owner.node.map_or(awaits.clone(), |owner| awaits.from(owner)));
            } else if !one.registered && !one.removing {
                all.push(Pending::of(cf, format!("{} ({}) to get events", one.id, one.span)));
            }
        }
    }
}
