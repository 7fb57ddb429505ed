//! The maintainer's bootstrap: it asks every node what runs there, and works out what its spans are.

use crate::{
    ConfigEpoch, Cx, DispatcherId, Epoch, Mode, NodeId, Place, SchemaId, Span, TableId, Ts, Twin,
    bootstrapper::NodeChange,
    dispatchers::{self, Action, BootstrapResponse, OperatorType, ReportedSpan, ScheduleRequest},
    maintainer::{
        Maintainer, Note,
        coverage::{Merges, Reported},
        operators::{Add, Operator, Remove, Then},
        redo::Thread,
        stamp,
    },
    policy::Stamped,
};

/// What restoring an operator comes to; an error fails the bootstrap.
type Restored = Result<(), &'static str>;

impl Maintainer {
    pub(super) fn init(&mut self, cx: &mut Cx) {
        self.nodes_changed = true;
        self.handle_node_change(cx);
        self.mark_dirty();
    }

    /// The node set has changed: what was on a node that left is absent; a node that came is asked.
    pub(super) fn handle_node_change(&mut self, cx: &mut Cx) {
        if let Some(change) = self.take_node_change(cx) {
            self.end_node_change(change, cx);
        }
    }

    /// What has changed in the node set since it was looked at last. From now on the maintainer waits for none of those
    /// that have left.
    pub(super) fn take_node_change(&mut self, cx: &Cx) -> Option<NodeChange> {
        let frozen = self.removal.has_begun() && !cx.policy().maintainer.remove_node_change.follows();
        if !self.nodes_changed || self.removal.is_removal_only() || frozen || self.keeps_nodes(cx) {
            return None;
        }
        self.nodes_changed = false;
        Some(self.bootstrapper.on_nodes(cx.process.view(), cx.now.steady))
    }

    pub(super) fn end_node_change(&mut self, change: NodeChange, cx: &mut Cx) {
        for gone in change.removed {
            for mode in [Mode::Redo, Mode::Default] {
                self.in_mode(mode, |m| m.operators_on_node_removed(gone, cx));
            }
            for mode in [Mode::Default, Mode::Redo] {
                self.in_mode(mode, |m| m.watermarks.remove(&gone));
            }
        }
        for node in change.added {
            self.ask(node, cx);
        }
        self.finish_if_complete(cx);
    }

    pub(super) fn resend_bootstrap(&mut self, cx: &mut Cx) {
        if self.removal.is_removal_only() {
            return;
        }
        for node in self.bootstrapper.resend(cx.now.steady) {
            self.ask(node, cx);
        }
        if self.post_bootstrap_pending {
            self.send_post_bootstrap(cx);
        }
    }

    /// Only the node of the maintainer gets a table trigger.
    fn ask(&self, node: NodeId, cx: &mut Cx) {
        let own = node == cx.id();
        let request = dispatchers::Inbox::MaintainerBootstrapRequest {
            cf: self.cf,
            start_ts: self.start_ts,
            trigger: own.then(|| self.spans.trigger()),
            is_new: own && self.is_new,
            epoch: self.stamp(Stamped::Bootstrap, cx),
            config: ConfigEpoch::beside(self.stamp(Stamped::Bootstrap, cx), self.config_epoch),
            redo: Twin(self.twin.as_ref().filter(|_| own).map(|twin| twin.spans.trigger())),
        };
        cx.send(node, Place::Dispatchers, request);
    }

    /// The epoch that a message of its carries.
    pub(super) fn stamp(&self, what: Stamped, cx: &Cx) -> Epoch {
        stamp(what, self.epoch, cx)
    }

    pub(super) fn on_bootstrap_response(&mut self, from: NodeId, response: BootstrapResponse, cx: &mut Cx) {
        if self.stale_response(from, response.epoch, cx) {
            return;
        }
        if let Some(why) = response.err {
            return self.on_error(from, why, cx);
        }
        self.bootstrapper.on_response(from, response);
        self.finish_if_complete(cx);
        if from == cx.id() {
            self.is_new = false;
        }
    }

    fn finish_if_complete(&mut self, cx: &mut Cx) {
        if !self.bootstrapper.collect() || self.removal.has_begun() {
            return;
        }
        if self.initialized {
            // What a node that joined later reports is ignored; its heartbeats are not.
            self.bootstrapper.clear();
            return;
        }
        let responses: Vec<(NodeId, BootstrapResponse)> =
            self.bootstrapper.responses().map(|(node, response)| (node, response.clone())).collect();
        if self.finish(responses, cx) {
            self.bootstrapper.clear();
            self.initialized = true;
            self.post_bootstrap_pending = true;
            self.send_post_bootstrap(cx);
            self.mark_dirty();
        }
    }

    /// Every node has answered: works out the spans, in the order of the real system.
    fn finish(&mut self, mut responses: Vec<(NodeId, BootstrapResponse)>, cx: &mut Cx) -> bool {
        // Only the node that hosts the triggers reports from where they really start.
        let starts = responses.iter().map(|(_, response)| response.checkpoint);
        let redo_starts = responses.iter().filter_map(|(_, response)| response.redo_checkpoint.0);
        let start = starts.max().filter(|start| *start != Ts::NONE);
        let redo_start = redo_starts.max().filter(|start| *start != Ts::NONE);
        let starts = [(Mode::Default, start), (Mode::Redo, redo_start)];
        let starts = starts.into_iter().filter(|(mode, _)| *mode == Mode::Default || self.twin.is_some());
        let starts: Vec<(Mode, Option<Ts>)> = starts.collect();
        for (mode, start) in &starts {
            let Some(start) = start else {
                self.on_error(cx.id(), "no start ts", cx);
                return false;
            };
            self.in_mode(*mode, |m| {
                let trigger = m.spans.trigger();
                if let Some(replica) = m.spans.get_mut(trigger) {
                    replica.checkpoint = *start;
                }
            });
        }
        for (mode, start) in starts {
            let start = start.unwrap_or(Ts::NONE);
            if self.in_mode(mode, |m| m.find_spans(&mut responses, start, cx)) == Some(false) {
                return false;
            }
        }
        self.restore_block_states(&mut responses, cx);
        let (working, absent) = (self.spans.replicating().count(), self.spans.absent().count());
        let [working, absent] = [working, absent].map(|n| u32::try_from(n).expect("spans are few"));
        cx.note(Note::MaintainerBootstrapped { cf: self.cf, epoch: self.epoch, working, absent });
        self.start_schedulers(cx);
        for mode in [Mode::Redo, Mode::Default] {
            self.in_mode(mode, |m| cx.out.give_way(m.timer(Thread::Operators).into()));
        }
        true
    }

    /// Works out the spans of the present mode, from where its trigger starts; whether that succeeds.
    fn find_spans(&mut self, responses: &mut [(NodeId, BootstrapResponse)], start: Ts, cx: &mut Cx) -> bool {
        let tables: Vec<TableId> = cx.process.history.tables_at(start).collect();
        // Every pass visits the nodes in an order of its own.
        cx.shuffle(responses, "order of nodes at bootstrap");
        let working = self.working_spans(responses, cx);
        cx.shuffle(responses, "order of nodes for journals");
        if let Err(why) = self.restore_operators(responses, &tables, cx) {
            self.on_error(cx.id(), why, cx);
            return false;
        }
        if cx.policy().maintainer.bootstrap_overlap.is_resolved() {
            self.resolve_overlaps(&working, &Merges::of(responses), cx);
        }
        for table in &tables {
            match working.get(table) {
                Some(spans) => {
                    for (node, span) in spans.values() {
                        self.add_reported(*node, span, cx);
                    }
                }
                None if self.spans.has_table(*table) => {}
                None => self.add_new_table(*table, start, cx),
            }
            if cx.process.config.scheduling.split_tables {
                self.fill_holes(*table, start, cx);
            }
        }
        if cx.policy().maintainer.young_tables.are_kept() {
            self.keep_young_tables(&working, &tables, cx);
        }
        cx.shuffle(responses, "order of nodes for merges");
        if cx.policy().maintainer.bootstrap_merges.are_restored() {
            self.restore_merges(responses, &tables, cx);
        }
        true
    }

    /// Dispatchers of tables that are younger than the start stay what they are.
    fn keep_young_tables(&mut self, working: &Reported, tables: &[TableId], cx: &Cx) {
        for (table, spans) in working.iter().filter(|(table, _)| !tables.contains(table)) {
            for (node, span) in spans.values() {
                if cx.process.history.tables_at(span.checkpoint).any(|one| one == *table) {
                    self.add_reported(*node, span, cx);
                }
            }
        }
    }

    /// The events at which dispatchers stop; those of redo dispatchers first.
    fn restore_block_states(&mut self, responses: &mut [(NodeId, BootstrapResponse)], cx: &mut Cx) {
        for mode in [Mode::Redo, Mode::Default] {
            self.in_mode(mode, |m| {
                cx.shuffle(responses, "order of nodes for the barrier");
                m.restore_block_events(responses, cx);
            });
        }
    }

    /// The reported spans by table; of two with one key the last one wins, and the order of the nodes is chance.
    fn working_spans(&self, responses: &[(NodeId, BootstrapResponse)], cx: &Cx) -> Reported {
        let mut working = Reported::new();
        for (node, response) in responses {
            for span in &response.spans {
                if span.mode == self.mode && span.id != self.spans.trigger() {
                    let spans = working.entry(span.span.table).or_default();
                    let key = cx.policy().maintainer.bootstrap_key.of(span.span);
                    spans.insert(key, (*node, span.clone()));
                }
            }
        }
        working
    }

    /// A table that nobody reports is in the database that it has where the table trigger starts; it starts where the
    /// maintainer was told to.
    fn add_new_table(&mut self, table: TableId, start: Ts, cx: &mut Cx) {
        let schema = cx.process.history.schema_of(table, start);
        self.add_absent_spans(Span::whole(table), schema, self.start_ts, cx);
    }

    /// Adds a span that nobody replicates, in parts if it has too many regions.
    pub(super) fn add_absent_spans(&mut self, span: Span, schema: SchemaId, checkpoint: Ts, cx: &mut Cx) {
        for part in self.split_at_first(span, cx) {
            let id = cx.process.fresh_id();
            self.spans.add_absent(id, part, schema, checkpoint);
        }
    }

    /// A span that a node reports is replicated there.
    pub(super) fn add_reported(&mut self, node: NodeId, span: &ReportedSpan, cx: &Cx) {
        let schema =
            span.schema.unwrap_or_else(|| cx.process.history.schema_of(span.span.table, span.checkpoint));
        self.spans.add_replicating(span.id, span.span, schema, node, span.state, span.checkpoint);
    }

    /// What the predecessor had begun and the nodes had not finished goes on (pingcap/ticdc#3691).
    fn restore_operators(
        &mut self,
        responses: &[(NodeId, BootstrapResponse)],
        tables: &[TableId],
        cx: &mut Cx,
    ) -> Restored {
        if !cx.policy().maintainer.journal.is_restored() {
            return Ok(());
        }
        for (node, response) in responses {
            for request in &response.operators {
                let reported = response.spans.iter().find(|span| span.id == request.id);
                let span = request.span.or(reported.map(|span| span.span));
                if let Some(span) = span.filter(|_| request.mode == self.mode) {
                    match request.action {
                        Action::Create => self.restore_create(*node, request, span, reported, tables, cx)?,
                        Action::Remove => self.restore_remove(*node, request, reported, tables, cx)?,
                    }
                }
            }
        }
        Ok(())
    }

    /// Another operator on the span fails the whole bootstrap; the coordinator has to stop this maintainer.
    fn restore(
        &mut self,
        request: &ScheduleRequest,
        node: NodeId,
        operator: Box<dyn Operator>,
        cx: &mut Cx,
    ) -> Restored {
        if !self.add_operator(operator, cx) {
            return Err("two operators are to be restored for one span");
        }
        let ScheduleRequest { id, action, kind, .. } = *request;
        cx.note(Note::OperatorRestored { cf: self.cf, id, action, kind, node });
        Ok(())
    }

    fn restore_create(
        &mut self,
        node: NodeId,
        request: &ScheduleRequest,
        span: Span,
        reported: Option<&ReportedSpan>,
        tables: &[TableId],
        cx: &mut Cx,
    ) -> Restored {
        let bound = self.spans.get(request.id).is_some_and(|replica| replica.node.is_some());
        let gone = !tables.contains(&span.table) && cx.policy().maintainer.stale_create.is_skipped();
        if gone || reported.is_some() || bound {
            return Ok(());
        }
        if self.spans.get(request.id).is_none() {
            let schema = cx.process.history.schema_of(span.table, request.start_ts);
            self.spans.add_absent(request.id, span, schema, request.start_ts);
        }
        if !request.kind.creates() {
            return Ok(());
        }
        self.restore(request, node, Add::new(request.id, node, OperatorType::Add), cx)
    }

    fn restore_remove(
        &mut self,
        node: NodeId,
        request: &ScheduleRequest,
        reported: Option<&ReportedSpan>,
        tables: &[TableId],
        cx: &mut Cx,
    ) -> Restored {
        if self.spans.get(request.id).is_none() {
            let Some(span) = reported else { return Ok(()) };
            self.add_reported(node, span, cx);
        }
        let Some(replica) = self.spans.get_mut(request.id) else { return Ok(()) };
        let (table, at) = (replica.span.table, *replica.node.get_or_insert(node));
        let exists = tables.contains(&table);
        let repairs = exists && cx.policy().maintainer.restored_remove.repairs();
        let then = match request.kind {
            OperatorType::Add | OperatorType::Merge => return Ok(()),
            OperatorType::Move | OperatorType::Split => Then::Absent,
            OperatorType::Remove if repairs => Then::Repaired,
            OperatorType::Remove => Then::Nothing,
        };
        let mut remove = Remove::new(request.id, at, request.kind, then);
        if then == Then::Absent && cx.policy().maintainer.restored_move.holds_checkpoint() {
            remove = remove.holding_back();
        }
        self.restore(request, at, remove, cx)?;
        if request.kind == OperatorType::Remove && !exists {
            self.spans.remove(request.id);
        }
        Ok(())
    }

    fn send_post_bootstrap(&self, cx: &mut Cx) {
        let request = dispatchers::Inbox::MaintainerPostBootstrapRequest {
            cf: self.cf,
            trigger: self.spans.trigger(),
            epoch: self.stamp(Stamped::PostBootstrap, cx),
        };
        cx.send(cx.id(), Place::Dispatchers, request);
    }

    pub(super) fn on_post_bootstrap_response(
        &mut self,
        from: NodeId,
        trigger: DispatcherId,
        epoch: Epoch,
        err: Option<&'static str>,
        cx: &mut Cx,
    ) {
        if self.stale_response(from, epoch, cx) || !self.post_bootstrap_pending {
            return;
        }
        match err {
            Some(why) => self.on_error(from, why, cx),
            None => {
                self.post_bootstrap_pending = false;
                cx.note(Note::TriggerActive { cf: self.cf, trigger });
            }
        }
    }
}
