//! Operators of the coordinator: at most one per changefeed; each ends by a status it waits for, or by the loss of a
//! node.
//!
//! They lie in a queue, ordered by when it is their turn. One lock guards them: whoever writes to etcd with the lock in its hand
//! makes the event loop, the executor, the schedulers and users wait.

mod add;
mod admission;
mod executor;
mod messages;
mod move_to;
mod queue;
mod stop;
mod stopping;

use crate::{ChangefeedId, NodeId, coordinator::changefeeds::ChangefeedDb};

pub(super) use add::Add;
pub(super) use admission::{Admission, Asker, Request};
pub(super) use move_to::Move;
pub(super) use queue::{Holder, Operators};
use stop::Last;
pub(super) use stop::Stop;

/// What an operator waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// That the maintainer on this node says that it works.
    Working(NodeId),
    /// That the maintainer on this node says that it has stopped.
    Stopped(NodeId),
    /// Its last action.
    Turn,
}

/// Something that is done to a changefeed.
#[derive(Clone, Debug)]
pub(super) enum Operator {
    /// A node is to maintain it.
    Add(Add),
    /// A node is to maintain it in the place of another.
    Move(Move),
    /// A node is to stop maintaining it.
    Stop(Stop),
}

impl Operator {
    fn name(&self) -> &'static str {
        match self {
            Operator::Add(_) => "add",
            Operator::Move(_) => "move",
            Operator::Stop(_) => "stop",
        }
    }

    fn start(&self, cf: ChangefeedId, db: &mut ChangefeedDb) {
        match self {
            Operator::Add(add) => add.start(cf, db),
            Operator::Move(one) => one.start(cf, db),
            Operator::Stop(_) => {}
        }
    }

    fn is_finished(&self) -> bool {
        match self {
            Operator::Add(add) => add.is_finished(),
            Operator::Move(one) => one.is_finished(),
            Operator::Stop(stop) => stop.is_finished(),
        }
    }

    /// Its last action: what is in memory is done, what it writes to etcd is returned.
    fn post_finish(&self, cf: ChangefeedId, db: &mut ChangefeedDb) -> Last {
        match self {
            Operator::Add(add) => {
                add.post_finish(cf, db);
                Last::Nothing
            }
            Operator::Move(one) => {
                one.post_finish(cf, db);
                Last::Nothing
            }
            Operator::Stop(stop) => stop.post_finish(),
        }
    }

    /// What it waits for.
    fn awaited(&self) -> Awaited {
        match self {
            _ if self.is_finished() => Awaited::Turn,
            Operator::Add(add) => Awaited::Working(add.dest),
            Operator::Move(one) => one.awaited(),
            Operator::Stop(stop) => Awaited::Stopped(stop.node),
        }
    }

    /// The nodes that it needs.
    fn affected(&self) -> impl Iterator<Item = NodeId> {
        let (first, second) = match self {
            Operator::Add(add) => (add.dest, None),
            Operator::Move(one) => (one.origin, Some(one.target)),
            Operator::Stop(stop) => (stop.node, None),
        };
        [Some(first), second].into_iter().flatten()
    }

    fn on_node_removed(&mut self, cf: ChangefeedId, gone: NodeId, me: NodeId, db: &mut ChangefeedDb) {
        match self {
            Operator::Add(add) => add.on_node_removed(gone),
            Operator::Move(one) => one.on_node_removed(cf, gone, db),
            Operator::Stop(stop) => stop.on_node_removed(gone, me),
        }
    }

    fn on_task_removed(&mut self) {
        match self {
            Operator::Add(add) => add.on_task_removed(),
            Operator::Move(one) => one.on_task_removed(),
            Operator::Stop(stop) => stop.on_task_removed(),
        }
    }
}
