//! What the coordinator waits for.

use crate::{
    ChangefeedId, NodeId,
    coordinator::{
        Coordinator, Term,
        operators::{Awaited, Holder},
    },
    etcd::FeedState,
    pending::Pending,
};

impl Coordinator {
    /// What its term waits for, if one is on.
    pub fn pending(&self) -> Vec<Pending> {
        self.term.as_ref().map_or_else(Vec::new, Term::pending)
    }

    /// Whether it has an epoch persisted just now, for which PD is to give a timestamp, or will try again since that took too long.
    pub fn has_bumps(&self) -> bool {
        self.term.as_ref().is_some_and(|term| term.last_bump_starved || !term.bumps.is_empty())
    }

    /// The changefeeds that its term has in memory, and how each of them is.
    pub fn known(&self) -> impl Iterator<Item = (ChangefeedId, FeedState, Option<NodeId>)> {
        let term = self.term.iter();
        term.flat_map(|term| term.changefeeds.iter().map(|(cf, one)| (cf, one.info.state, one.node)))
    }
}

impl Term {
    fn pending(&self) -> Vec<Pending> {
        let mut all = Vec::new();
        let silent = self.bootstrapper.silent();
        all.extend(silent.map(|node| Pending::new("CoordinatorBootstrapResponse").from(node)));
        if self.loading {
            all.push(Pending::new("etcd, to load the changefeeds"));
        }
        match self.operators.holder() {
            Some(Holder::Last { cf, .. }) => {
                all.push(Pending::of(*cf, "etcd, with the lock of the operators: the last action of one"));
            }
            Some(Holder::Bump(cf)) => {
                all.push(Pending::of(*cf, "an epoch to be persisted, with the lock of the operators"));
            }
            None => {}
        }
        let bumps = self.bumps.values().map(|bump| bump.changefeed());
        all.extend(bumps.map(|cf| Pending::of(cf, "an epoch to be persisted")));
        for (cf, name, awaited) in self.operators.awaited() {
            all.push(match awaited {
                Awaited::Working(node) => {
                    Pending::of(cf, format!("MaintainerHeartbeat (working; operator {name})")).from(node)
                }
                Awaited::Stopped(node) => {
                    Pending::of(cf, format!("MaintainerHeartbeat (stopped; operator {name})")).from(node)
                }
                Awaited::Turn => {
                    Pending::of(cf, format!("the executor's turn (operator {name} has finished)"))
                }
            });
        }
        for (cf, one) in self.changefeeds.iter().filter(|(cf, _)| self.changefeeds.placement(*cf) == "absent")
        {
            let why = one.info.error.map_or(String::new(), |error| format!(" (its last error: {error})"));
            all.push(Pending::of(cf, format!("a node to maintain it{why}")));
        }
        all
    }
}
