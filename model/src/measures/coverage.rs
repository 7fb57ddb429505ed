//! For how long a range of a table has no writer.
//!
//! Counted from when the last dispatcher that gets its events is gone until another one gets them; not before the first one, and
//! not after the table has been dropped. That a user has paused the changefeed is no excuse here.

use std::collections::BTreeMap;

use sim::{Duration, Instant, What};

use crate::{Actor, Addr, ChangefeedId, NodeId, Place, Record, Sim, Span, TableId, Ts};

#[derive(Default)]
pub(super) struct Coverage {
    nodes: BTreeMap<NodeId, Here>,
    /// The tables that have been covered as a whole, and since when each of them is not.
    tables: BTreeMap<(ChangefeedId, TableId), Option<Instant>>,
    longest: Duration,
}

/// The writers of a node.
#[derive(Default)]
struct Here {
    revision: u64,
    spans: Vec<(ChangefeedId, Span)>,
}

impl Coverage {
    #[inline]
    pub(super) fn observe(&mut self, sim: &Sim, record: &Record) {
        match &record.what {
            What::Step { actor: Addr::Node(node, Place::Dispatchers), .. } => self.look_at(*node, sim),
            What::Fault(_) => self.forget_the_dead(sim),
            _ => {}
        }
    }

    fn look_at(&mut self, node: NodeId, sim: &Sim) {
        let Actor::Dispatchers(all) = sim.machine(Addr::Node(node, Place::Dispatchers)) else { return };
        let here = self.nodes.entry(node).or_default();
        if std::mem::replace(&mut here.revision, all.revision()) == all.revision() {
            return;
        }
        let mut spans: Vec<(ChangefeedId, Span)> = Vec::with_capacity(here.spans.len());
        for manager in all.managers().filter(|manager| manager.may_write()) {
            let cf = manager.changefeed();
            spans.extend(manager.writers().into_iter().map(|(_, span)| (cf, span)));
        }
        spans.sort_unstable();
        if spans == here.spans {
            return;
        }
        let before = std::mem::replace(&mut here.spans, spans);
        let now = here.spans.iter().filter(|one| before.binary_search(one).is_err());
        let gone = before.iter().filter(|one| here.spans.binary_search(one).is_err());
        let mut changed: Vec<(ChangefeedId, TableId)> =
            now.chain(gone).map(|(cf, span)| (*cf, span.table)).collect();
        changed.sort_unstable();
        changed.dedup();
        changed.into_iter().for_each(|table| self.changed(table, sim));
    }

    fn forget_the_dead(&mut self, sim: &Sim) {
        let dead: Vec<NodeId> = self.nodes.keys().copied().filter(|node| !is_there(*node, sim)).collect();
        for node in dead {
            let Some(here) = self.nodes.remove(&node) else { continue };
            let mut tables: Vec<(ChangefeedId, TableId)> =
                here.spans.into_iter().map(|(cf, span)| (cf, span.table)).collect();
            tables.dedup();
            tables.into_iter().for_each(|table| self.changed(table, sim));
        }
    }

    /// Who writes a table has changed.
    fn changed(&mut self, (cf, table): (ChangefeedId, TableId), sim: &Sim) {
        let of_table = |(its, span): &&(ChangefeedId, Span)| *its == cf && span.table == table;
        let all = self.nodes.values().flat_map(|here| here.spans.iter().filter(of_table));
        let mut spans: Vec<Span> = all.map(|(_, span)| *span).collect();
        spans.sort_unstable();
        let reach = |to: u32, span: &Span| if span.from <= to { to.max(span.to) } else { to };
        let whole = spans.iter().fold(0, reach) == Span::KEYS;
        let now = sim.now();
        match self.tables.get_mut(&(cf, table)) {
            None if whole => _ = self.tables.insert((cf, table), None),
            Some(since) if whole => {
                if let Some(since) = since.take() {
                    self.longest = self.longest.max(now.since(since));
                }
            }
            Some(since @ None) => *since = Some(now),
            Some(Some(_)) | None => {}
        }
    }

    /// The longest time. A table that is there, has no writer in the end and belongs to a changefeed that is to run counts, too.
    pub(super) fn measured(self, sim: &Sim) -> Duration {
        let Actor::Upstream(upstream) = sim.machine(Addr::Upstream) else { return self.longest };
        let Actor::Etcd(etcd) = sim.machine(Addr::Etcd) else { return self.longest };
        let there: Vec<TableId> = upstream.history().tables_at(Ts::at(sim.now())).collect();
        let runs = |cf| match etcd.get(crate::etcd::Key::Info(cf)).map(|kv| &kv.value) {
            Some(crate::etcd::Value::Info(info)) => info.state.should_run(),
            _ => false,
        };
        let open = self.tables.iter().filter(|((cf, table), _)| there.contains(table) && runs(*cf));
        let open = open.filter_map(|(_, since)| Some(sim.now().since((*since)?)));
        open.fold(self.longest, Duration::max)
    }
}

/// Whether the host of a process is up, and it is its process.
fn is_there(node: NodeId, sim: &Sim) -> bool {
    let addr = Addr::Node(node, Place::Dispatchers);
    let same = sim.machines().any(|(one, _)| one == addr);
    same && sim.is_up(sim.host_of(addr))
}
