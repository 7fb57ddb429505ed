//! What is done about block events at every tick: actions go out again, and an event that somebody is behind already counts
//! as written.

use std::collections::BTreeMap;

use crate::{
    Cx, DispatcherId, Mode, NodeId,
    dispatchers::{BlockAnswer, EventKey, Influenced},
    maintainer::{Maintainer, Note, barrier::event::Lacks},
    upstream::ddl::Influence,
    vocabulary::Joined,
};

impl Maintainer {
    /// Every 100 ms: each event sends an action once in a second at most.
    /// What is to be said again about block events; those of redo dispatchers come first.
    pub(in crate::maintainer) fn advance_barriers(&mut self, cx: &mut Cx) {
        for mode in [Mode::Redo, Mode::Default] {
            self.in_mode(mode, |m| m.advance_barrier(cx));
        }
    }

    fn advance_barrier(&mut self, cx: &mut Cx) {
        let mut events: Vec<EventKey> = self.barrier.events.keys().copied().collect();
        cx.shuffle(&mut events, "order of block events");
        for event in &events {
            self.resend(*event, cx);
        }
        for event in events {
            self.finish_event(event, cx);
        }
    }

    fn resend(&mut self, key: EventKey, cx: &mut Cx) {
        let now = cx.now.steady;
        let Some(event) = self.barrier.events.get_mut(&key).filter(|event| event.is_due(now)) else { return };
        if !event.selected {
            return self.forward_event(key, cx);
        }
        if !event.advanced {
            event.sent(now);
            return self.write_again(key, cx);
        }
        if !event.waits_for_quiet(now) {
            event.passes(now);
            self.pass_event(key, cx);
        }
    }

    /// If somebody is behind an event that waits for others, it has been written: a predecessor has seen to that.
    pub(super) fn forward_event(&mut self, key: EventKey, cx: &mut Cx) {
        let behind =
            self.with_event(key, cx, |event, scene| Some((event.first_behind(scene)?, event.lacks(scene))));
        let Some(Some((id, lacks))) = behind else { return };
        let due = lacks.filter(|_| cx.policy().barrier.forwarded.bring_tables());
        match due {
            // The trigger comes to events one after the other, and so do their tables.
            Some(Lacks::Trigger) => return,
            Some(Lacks::Tables(mut schedule)) => while self.schedule_next(&mut schedule, cx) {},
            None => {}
        }
        self.with_event(key, cx, |event, _| event.forward());
        cx.note(Note::BlockEventForwarded { cf: self.cf, event: key, id });
    }

    fn write_again(&mut self, key: EventKey, cx: &mut Cx) {
        let Some(event) = self.barrier.events.get(&key) else { return };
        let node = |id: DispatcherId| self.spans.get(id).and_then(|replica| replica.node);
        if let Some((writer, node)) = event.writer.and_then(|writer| Some((writer, node(writer)?))) {
            let write = BlockAnswer::to(writer, event.write());
            return self.answer(node, vec![write], self.mode, cx);
        }
        // The writer is gone. Another one is told at the next turn.
        let first = event.state.blocked.as_ref().and_then(|blocked| blocked.tables().first().copied());
        let Some(table) = first else {
            return self.spans.die("influence type should be normal when writer dispatcher not found");
        };
        let others: Vec<DispatcherId> = self.spans.ids_of_table(table).collect();
        if others.is_empty() {
            return self.spans.die("replications for this block event should not be empty");
        }
        let writer = others[cx.out.choose("another writer of a block event", others.len())];
        if let Some(event) = self.barrier.events.get_mut(&key) {
            event.writer = Some(writer);
        }
    }

    fn pass_event(&mut self, key: EventKey, cx: &mut Cx) {
        let Some(mut event) = self.barrier.events.remove(&key) else { return };
        let mut nodes: BTreeMap<NodeId, Vec<DispatcherId>> = BTreeMap::new();
        let node = |id: DispatcherId| self.spans.get(id).and_then(|replica| replica.node);
        let spared = event.writer.filter(|_| !cx.policy().barrier.pass.includes_writer());
        match &event.state.blocked.clone() {
            None => {}
            Some(Influence::Normal(tables)) => {
                for table in tables {
                    let ids: Vec<DispatcherId> = self.spans.ids_of_table(*table).collect();
                    if ids.is_empty() {
                        event.add_gone(*table);
                    }
                    for id in ids.into_iter().filter(|id| Some(*id) != spared) {
                        if let Some(node) = node(id) {
                            nodes.entry(node).or_default().push(id);
                        }
                    }
                }
            }
            Some(Influence::Db(schema)) => {
                let ids: Vec<DispatcherId> = self.spans.ids_in_schema(*schema).collect();
                if ids.is_empty() {
                    if let Err(why) = event.add_all() {
                        self.spans.die(why);
                    }
                } else {
                    let with_writer = ids.into_iter().chain(event.writer);
                    nodes.extend(with_writer.filter_map(node).map(|node| (node, Vec::new())));
                }
            }
            Some(Influence::All) => {
                nodes.extend(cx.process.view().iter().map(|node| (*node, Vec::new())));
            }
        }
        for (node, ids) in nodes {
            let influenced = event.influenced().unwrap_or(Influenced::Normal(ids));
            let pass = BlockAnswer { answer: event.pass(), influenced, exclude: Joined(Vec::new()) };
            self.answer(node, vec![pass], self.mode, cx);
        }
        self.barrier.events.insert(key, event);
    }
}
