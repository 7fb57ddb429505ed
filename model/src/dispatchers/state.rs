//! The state of the orchestrator and its managers, as lines for people and for decision vectors.

use std::fmt::{self, Write};

use crate::{
    Mode,
    dispatchers::{
        Dispatcher, Dispatchers, Manager, Task,
        block_events::Answers,
        journal::Entry,
        requests::{Request, What},
    },
    state::{flags, list},
};

impl Dispatchers {
    /// A line for whatever is there: flags, managers with their dispatchers and journals, closed generations, requests that
    /// wait and those that are being handled.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn describe(&self, f: &mut impl Write) -> fmt::Result {
        let orchestrator = &self.orchestrator;
        let flags = flags(&[(orchestrator.fenced, "fenced"), (orchestrator.closed, "closed")]);
        if !flags.is_empty() {
            writeln!(f, "orchestrator{flags}")?;
        }
        for manager in self.managers.values() {
            let visible = orchestrator.managers.values().any(|id| *id == manager.id);
            let initializing = orchestrator.initializing.values().any(|id| *id == manager.id);
            // One that is closed and forgotten is only there for handlers that still know it.
            if visible || initializing || !manager.closed {
                manager.describe(visible, initializing, f)?;
            }
        }
        for (cf, epoch) in orchestrator.closed_epochs() {
            writeln!(f, "{cf} closed {epoch}")?;
        }
        self.describe_queues(f)
    }

    fn describe_queues(&self, f: &mut impl Write) -> fmt::Result {
        for (number, shard) in self.orchestrator.shards.iter().enumerate() {
            for (id, cf) in &shard.running {
                let request = self.tasks.get(*id).map_or("nothing", Task::request_name);
                writeln!(f, "shard {number} handles {request} {cf} as {id}")?;
            }
            for request in shard.requests.waiting() {
                writeln!(f, "shard {number} keeps {request}")?;
            }
        }
        for (stream, (from, message)) in self.streams.waiting() {
            writeln!(f, "stream {stream} keeps {message} from {from}")?;
        }
        Ok(())
    }
}

impl Task {
    /// The kind of the request that it works off.
    pub(super) fn request_name(&self) -> &'static str {
        match self {
            Task::Bootstrap(_) => "MaintainerBootstrapRequest",
            Task::PostBootstrap(_) => "MaintainerPostBootstrapRequest",
            Task::Close(_) => "MaintainerCloseRequest",
            _ => "nothing",
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Bootstrap(_) => "MaintainerBootstrapRequest",
            What::PostBootstrap { .. } => "MaintainerPostBootstrapRequest",
            What::Close { .. } => "MaintainerCloseRequest",
        };
        let removed = flags(&[(matches!(self.what, What::Close { removed: true }), "removed")]);
        let sender = self.sender;
        write!(f, "{what} {}{removed} {} from {}", sender.cf, sender.epoch, sender.from)
    }
}

impl Manager {
    fn describe(&self, visible: bool, initializing: bool, f: &mut impl Write) -> fmt::Result {
        let owner = self.owner.node.map_or("nobody".to_owned(), |node| node.to_string());
        let flags = flags(&[
            (initializing, "initializing"),
            (!visible && !initializing, "unregistered"),
            (self.redo.enabled && !self.redo.ready, "redo-unready"),
            (self.redo.ready, "redo-ready"),
            (self.closing, "closing"),
            (self.closed, "closed"),
            (self.write_path_closed, "write-path-closed"),
            (self.is_cancelled(), "cancelled"),
            (self.remove_requested, "remove-requested"),
            (self.remove_cleaned, "cleaned"),
            (self.fence.is_held(), "locked"),
            (!self.sink.is_normal() && !self.is_cancelled(), "sink-abnormal"),
        ]);
        writeln!(f, "{} follows {owner} {}{flags}", self.cf, self.owner.epoch)?;
        for dispatcher in self.dispatchers_of(Mode::Default).chain(self.dispatchers_of(Mode::Redo)) {
            dispatcher.describe(f)?;
        }
        for Entry { from, request } in self.journal.entries() {
            let (id, action, kind, epoch) = (request.id, request.action, request.kind, request.epoch);
            writeln!(f, "  journal {id} {action} {kind} from {from} {epoch}")?;
        }
        for merge in self.merges.requests() {
            writeln!(f, "  merge-journal {} of {} {}", merge.merged, list(&merge.sources), merge.epoch)?;
        }
        Ok(())
    }
}

impl Dispatcher {
    fn describe(&self, f: &mut impl Write) -> fmt::Result {
        let flags = flags(&[
            (!self.registered, "unregistered"),
            (self.try_removing, "try-removing"),
            (self.removing, "removing"),
            (self.mode == Mode::Redo, "redo"),
            (self.kept.is_some(), "waits-for-redo"),
            (self.blocked && self.kept.is_none(), "events-wait"),
            (self.answers.as_ref().is_some_and(Answers::stand_still), "answers-wait"),
        ]);
        let (id, span, state, checkpoint) = (self.id, self.span, self.state, self.checkpoint());
        write!(f, "  {id} {span} {state} {checkpoint}{flags}")?;
        self.blocking.describe(f)?;
        writeln!(f)
    }
}
