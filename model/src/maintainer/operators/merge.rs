//! Merge: a node is told to make one dispatcher of several neighbouring ones, until it reports that it works. Each of the
//! sources is [occupied](super::Occupy) meanwhile. The checkpoint needs no help: a dispatcher manager counts the sources
//! until the target has taken over.

use crate::{
    DispatcherId, NodeId,
    dispatchers::{ComponentState, DispatcherStatus},
    maintainer::operators::{After, Operator, Order, Scene, Throttle},
};

#[derive(Clone, Debug)]
pub(in crate::maintainer) struct Merge {
    target: DispatcherId,
    sources: Vec<DispatcherId>,
    node: Option<NodeId>,
    aborted: Option<Abort>,
    finished: bool,
    throttle: Throttle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Abort {
    ByNode,
    /// Also if the node has left besides.
    ByDdl,
}

impl Merge {
    /// The target is a span that the node is already being given.
    pub(in crate::maintainer) fn new(
        target: DispatcherId,
        sources: Vec<DispatcherId>,
        node: Option<NodeId>,
    ) -> Box<Merge> {
        let throttle = Throttle::default();
        Box::new(Merge { target, sources, node, aborted: None, finished: false, throttle })
    }
}

impl Operator for Merge {
    fn id(&self) -> DispatcherId {
        self.target
    }

    fn words(&self) -> String {
        let node = self.node.map_or("nobody".to_owned(), |node| node.to_string());
        let sent = if self.throttle.has_sent() { " sent" } else { "" };
        let aborted = match self.aborted {
            None => "",
            Some(Abort::ByNode) => " aborted-by-node",
            Some(Abort::ByDdl) => " aborted-by-ddl",
        };
        format!("Merge of {} at {node}{sent}{aborted}", crate::state::list(&self.sources))
    }

    fn start(&mut self, scene: &mut Scene) {
        for source in &self.sources {
            scene.spans.mark_scheduling(*source);
        }
    }

    fn schedule(&mut self, scene: &mut Scene) -> Option<Order> {
        let sends = !self.finished && self.throttle.passes(scene.now());
        Some(Order::Merge { node: self.node.filter(|_| sends)?, sources: self.sources.clone() })
    }

    fn check(&mut self, from: NodeId, status: &DispatcherStatus, scene: &mut Scene) {
        if Some(from) == self.node && status.state == ComponentState::Working {
            self.finished = true;
            if scene.cx.policy().maintainer.occupy_release.is_early() {
                scene.released.extend(&self.sources);
            }
        }
    }

    /// Also when it has succeeded, as long as it is not finalised.
    fn on_node_removed(&mut self, gone: Option<NodeId>, _: &mut Scene) {
        if gone == self.node {
            self.aborted.get_or_insert(Abort::ByNode);
            self.finished = true;
        }
    }

    fn on_task_removed(&mut self, _: &mut Scene) {
        self.aborted = Some(Abort::ByDdl);
        self.finished = true;
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    /// The sources are released last: a source that reports its end finds an operator as long as it is there
    /// (pingcap/ticdc#4543). After a DDL they keep their node, so that whoever removes their dispatchers knows it.
    fn post_finish(&mut self, scene: &mut Scene) -> After {
        for source in &self.sources {
            match self.aborted {
                None => scene.spans.remove(*source),
                Some(Abort::ByNode) => scene.spans.mark_absent(*source),
                Some(Abort::ByDdl) => scene.spans.mark_replicating(*source),
            }
        }
        scene.released.extend(&self.sources);
        if self.aborted.is_some() {
            scene.spans.remove(self.target);
            return After::Nothing;
        }
        scene.spans.mark_replicating(self.target);
        After::Merged(self.sources.len())
    }

    fn affected(&self) -> Vec<Option<NodeId>> {
        vec![self.node]
    }

    fn blocks_checkpoint(&self) -> bool {
        false
    }

    fn sources(&self) -> &[DispatcherId] {
        &self.sources
    }

    fn copy(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
