//! What a maintainer waits for.

use crate::{
    Mode, NodeId, Ts,
    maintainer::{Maintainer, barrier::Barrier, operators::Operators, spans::Spans},
    pending::Pending,
};

/// How far apart watermarks of nodes are that tell of something: in microseconds, as timestamps are.
const FAR: u64 = 3_000_000;

impl Maintainer {
    /// What it waits for.
    pub fn pending(&self) -> Vec<Pending> {
        let cf = self.cf;
        let answer = |kind: &str, node| Pending::of(cf, kind).from(node);
        if self.removal.closes() {
            return self.removal.unclosed().map(|node| answer("MaintainerCloseResponse", node)).collect();
        }
        if self.removal.has_begun() {
            return self.bootstrapper.nodes().map(|node| answer("MaintainerCloseResponse", node)).collect();
        }
        let mut all: Vec<Pending> =
            self.silent().map(|node| answer("MaintainerBootstrapResponse", node)).collect();
        if self.initialized && self.post_bootstrap_pending {
            let node = self.spans.held(self.spans.trigger()).and_then(|replica| replica.node);
            let awaits = Pending::of(cf, "MaintainerPostBootstrapResponse");
            all.push(node.map_or(awaits.clone(), |node| awaits.from(node)));
        }
        self.pending_of((&self.spans, &self.operators, &self.barrier), Mode::Default, &mut all);
        all.extend(self.behind().map(|node| answer("HeartBeatRequest, with a later watermark,", node)));
        if let Some(twin) = &self.twin {
            self.pending_of((&twin.spans, &twin.operators, &twin.barrier), Mode::Redo, &mut all);
        }
        all
    }

    /// The block events that are under way and came before a time.
    pub fn barriers_before(&self, ts: Ts) -> impl Iterator<Item = Ts> {
        let twin = self.twin.iter().map(|twin| &twin.barrier);
        let all = std::iter::once(&self.barrier).chain(twin).flat_map(Barrier::under_way);
        all.map(|(key, _)| key.ts).filter(move |event| *event <= ts)
    }

    /// The nodes whose watermarks hold the checkpoint back: they are far behind that of another node.
    fn behind(&self) -> impl Iterator<Item = NodeId> {
        let highest = self.watermarks.values().map(|watermark| watermark.checkpoint).max();
        let far = highest.map_or(Ts::NONE, |highest| Ts(highest.0.saturating_sub(FAR)));
        let behind = self.watermarks.iter().filter(move |(_, watermark)| watermark.checkpoint < far);
        behind.map(|(node, _)| *node)
    }

    fn pending_of(
        &self,
        (spans, operators, barrier): (&Spans, &Operators, &Barrier),
        mode: Mode,
        all: &mut Vec<Pending>,
    ) {
        let of = |awaits: String| match mode {
            Mode::Default => Pending::of(self.cf, awaits),
            Mode::Redo => Pending::of(self.cf, format!("{awaits} (redo)")),
        };
        for (words, node) in operators.unfinished() {
            let awaits = of(format!("HeartBeatRequest (operator {words})"));
            all.push(node.map_or(awaits.clone(), |node| awaits.from(node)));
        }
        for (id, span, _) in spans.replicas().filter(|(.., node)| node.is_none()) {
            if !operators.has(id) {
                all.push(of(format!("a node for {id} ({span})")));
            }
        }
        for (key, event) in barrier.under_way() {
            let awaits = of(format!("the block event of {}: {}", key.ts, event.stage()));
            let mut silent: Vec<NodeId> = event.silent(spans).collect();
            silent.sort_unstable();
            silent.dedup();
            match silent.is_empty() {
                true => all.push(awaits),
                false => all.extend(silent.into_iter().map(|node| awaits.clone().from(node))),
            }
        }
    }
}
