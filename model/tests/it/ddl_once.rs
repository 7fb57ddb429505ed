//! The invariant `ddl_once`, told stories of DDLs, syncpoints and rows: what happens is values, what it finds is text.

use std::sync::Arc;

use crate::hand::{CF, N1, N2, settled};
use model::{
    Actor, Addr, ChangefeedConfig, Cluster, DdlKind, DispatcherId, NamedDdl, NodeId, Note, Place, Record,
    Sim, TableId, Ts, Workload, dispatchers,
    etcd::{self, CallId, Job, Key, Op, Progress, Value},
    invariants::{self, Invariant},
    sink::{self, Change, Class, Downstream, Failure, QueryId, Transaction},
    upstream::ddl::{BlockEvent, Ddl},
};
use sim::{Decisions, Duration, Input, Instant, Seed, StepId, What};

/// A cluster of two nodes and two tables that has run for ten seconds, and somebody who tells of more that happens in it.
pub(super) struct Story {
    sim: Sim,
    watch: Box<dyn Invariant>,
    steps: u64,
    text: String,
}

/// What the invariant finds in a story about a database.
fn found(tell: impl FnOnce(&mut Story)) -> String {
    found_in(Class::Mysql, tell)
}

fn found_in(class: Class, tell: impl FnOnce(&mut Story)) -> String {
    found_by("ddl_once", class, tell)
}

/// What an invariant finds in a story about such a downstream.
pub(super) fn found_by(invariant: &str, class: Class, tell: impl FnOnce(&mut Story)) -> String {
    let mut sim = Sim::new(cluster(class).layout(Seed(1)), Vec::new(), Seed(1), &Decisions::default());
    while sim.step(Instant::START + Duration::from_secs(10)) {}
    let named = invariants::ALL.iter().find(|named| named.name == invariant).expect("it exists");
    let mut story = Story { sim, watch: named.watch(), steps: 0, text: String::new() };
    tell(&mut story);
    story.text
}

/// The rows of both tables change every 700 ms or so. The first table is emptied after 2 s and after 15 s, and a syncpoint
/// comes every 4 s.
fn cluster(class: Class) -> Cluster {
    let truncate = |at| NamedDdl { at: Duration::from_secs(at), kind: DdlKind::TruncateTable, nth: 0, to: 0 };
    let workload = Workload {
        tables: 2,
        row_every: Duration::from_millis(700),
        rows: 1,
        until: Duration::from_secs(20),
        named_ddls: vec![truncate(2), truncate(15)],
        syncpoint_every: Some(Duration::from_secs(4)),
        ..Workload::default()
    };
    let config = ChangefeedConfig { downstream: Downstream::of(class), ..ChangefeedConfig::default() };
    Cluster { config, workload, ..settled::cluster() }
}

impl Story {
    /// The DDLs of the upstream: the first is executed, the second is still to come.
    fn ddl(&self, nth: usize) -> Arc<Ddl> {
        let Actor::Upstream(upstream) = self.sim.machine(Addr::Upstream) else { panic!("no upstream") };
        upstream.history().all_ddls()[nth].clone()
    }

    fn show(&mut self, actor: Addr, msg: Option<model::Msg>, note: Option<Note>) {
        self.steps += 1;
        let input = msg.map_or(Input::Start, |msg| Input::Message { from: Addr::Pd, msg });
        self.text.extend(note.iter().map(|note| format!("{note}\n")));
        let (notes, what) = (note.into_iter().collect(), What::Step { actor, input });
        let record = Record { id: StepId(self.steps), at: self.sim.now(), cause: None, what, notes };
        let mut found = Vec::new();
        self.watch.observe(&self.sim, &record, &mut found);
        self.text.extend(found.iter().map(|violation| format!("!! {violation}\n")));
    }

    fn note_of(&mut self, actor: Addr, note: impl Into<Note>) {
        self.show(actor, None, Some(note.into()));
    }

    fn begins(&mut self, node: NodeId, ddl: usize) {
        let event = BlockEvent::Ddl(self.ddl(ddl));
        let note = dispatchers::Note::BlockEventWritten {
            cf: CF,
            id: dispatcher(node),
            event,
            redo: Default::default(),
        };
        self.note_of(Addr::Node(node, Place::Dispatchers), note);
    }

    fn fails(&mut self, node: NodeId, ddl: usize) {
        let event = BlockEvent::Ddl(self.ddl(ddl));
        let (id, why) = (dispatcher(node), "too bad");
        let note = dispatchers::Note::BlockEventFailed { cf: CF, id, event, why, redo: Default::default() };
        self.note_of(Addr::Node(node, Place::Dispatchers), note);
    }

    fn reaches_downstream(&mut self, ddl: usize) {
        let ddl = Box::new((*self.ddl(ddl)).clone());
        let inbox = sink::Inbox::ExecuteDdl { query: QueryId(1), cf: CF, ddl };
        self.show(Addr::Sink, Some(inbox.into()), None);
    }

    fn syncpoint_reaches_downstream(&mut self, seconds: u64) {
        let inbox = sink::Inbox::WriteSyncPoint { query: QueryId(1), cf: CF, ts: at(seconds) };
        self.show(Addr::Sink, Some(inbox.into()), None);
    }

    pub(super) fn executed(&mut self, ddl: usize) {
        let (client, ddl) = (Addr::Pd, Box::new((*self.ddl(ddl)).clone()));
        self.note_of(Addr::Sink, sink::Note::DdlApplied { client, query: QueryId(1), cf: CF, ddl });
    }

    pub(super) fn refused(&mut self, ddl: usize, why: Failure) {
        let (client, ddl) = (Addr::Pd, Box::new((*self.ddl(ddl)).clone()));
        self.note_of(Addr::Sink, sink::Note::DdlRefused { client, query: QueryId(1), cf: CF, ddl, why });
    }

    pub(super) fn syncpoint_executed(&mut self, seconds: u64) {
        let (client, query) = (Addr::Pd, QueryId(1));
        self.note_of(Addr::Sink, sink::Note::SyncPointApplied { client, query, cf: CF, ts: at(seconds) });
    }

    fn recorded_as_finished(&mut self, ddl: usize) {
        let (client, query, ts) = (Addr::Pd, QueryId(1), self.ddl(ddl).commit);
        let (tables, deleted) = (vec![T1], Vec::new());
        let (finished, syncpoint) = (true, false);
        let note =
            sink::Note::DdlTsWritten { client, query, cf: CF, tables, ts, finished, syncpoint, deleted };
        self.note_of(Addr::Sink, note);
    }

    fn forgotten(&mut self) {
        let (client, query) = (Addr::Pd, QueryId(1));
        self.note_of(Addr::Sink, sink::Note::DdlTsForgotten { client, query, cf: CF });
    }

    fn written(&mut self, table: TableId, seconds: u64) {
        let change =
            Change { op: sink::Op::Insert, table, key: 0, commit: at(seconds), writer: dispatcher(N1) };
        let transaction = Box::new(Transaction { cf: CF, changes: vec![change] });
        let note = sink::Note::Applied { client: Addr::Pd, query: QueryId(1), transaction };
        self.note_of(Addr::Sink, note);
    }

    /// The checkpoint is persisted as it is in etcd: some nine seconds.
    pub(super) fn persisted(&mut self) {
        let job = Job { checkpoint: Ts::NONE, progress: Progress::None };
        let then = vec![Op::Put { key: Key::Job(CF), value: Value::Job(job), lease: None }];
        let request =
            etcd::Inbox::TxnRequest { call: CallId(1), compares: Vec::new(), then, otherwise: Vec::new() };
        self.show(Addr::Etcd, Some(request.into()), None);
    }
}

fn at(seconds: u64) -> Ts {
    Ts(seconds * 1_000_000)
}

fn dispatcher(maker: NodeId) -> DispatcherId {
    DispatcherId { maker, n: 7 }
}

const T1: TableId = TableId(1);
const T2: TableId = TableId(2);

#[test]
fn one_begins_while_another_is_at_it() {
    let text = found(|story| {
        story.begins(N1, 0);
        story.begins(N2, 0);
    });
    insta::assert_snapshot!(text, @"
    BlockEventWritten cf1 d7@n1 ts2000000 TruncateTable db1.a1 tables: t3
    BlockEventWritten cf1 d7@n2 ts2000000 TruncateTable db1.a1 tables: t3
    !! ddl_once (twice): d7@n2 on n2 began the DDL of ts2000000 of cf1 while d7@n1 on n1 was at it
    ");
}

#[test]
fn whoever_has_failed_is_not_at_it_any_more() {
    let text = found(|story| {
        story.begins(N1, 0);
        story.fails(N1, 0);
        story.begins(N2, 0);
    });
    insta::assert_snapshot!(text, @"
    BlockEventWritten cf1 d7@n1 ts2000000 TruncateTable db1.a1 tables: t3
    BlockEventFailed cf1 d7@n1 ts2000000 TruncateTable db1.a1 tables: t3 `too bad`
    BlockEventWritten cf1 d7@n2 ts2000000 TruncateTable db1.a1 tables: t3
    ");
}

#[test]
fn what_is_finished_is_not_begun_again() {
    let text = found(|story| {
        story.begins(N1, 0);
        story.recorded_as_finished(0);
        story.begins(N1, 0);
    });
    insta::assert_snapshot!(text, @"
    BlockEventWritten cf1 d7@n1 ts2000000 TruncateTable db1.a1 tables: t3
    DdlTsWritten pd query1 cf1 tables: t1 ts2000000 finished
    BlockEventWritten cf1 d7@n1 ts2000000 TruncateTable db1.a1 tables: t3
    !! ddl_once (twice): d7@n1 on n1 began the DDL of ts2000000 of cf1 after it had been recorded as finished
    ");
    let log = found_in(Class::Kafka, |story| {
        story.begins(N1, 0);
        story.recorded_as_finished(0);
        story.begins(N1, 0);
    });
    insta::assert_snapshot!(log, @"
    BlockEventWritten cf1 d7@n1 ts2000000 TruncateTable db1.a1 tables: t3
    DdlTsWritten pd query1 cf1 tables: t1 ts2000000 finished
    BlockEventWritten cf1 d7@n1 ts2000000 TruncateTable db1.a1 tables: t3
    ");
}

#[test]
fn rows_before_it_are_not_there_yet() {
    let text = found(|story| {
        story.syncpoint_reaches_downstream(8);
        story.reaches_downstream(1);
    });
    insta::assert_snapshot!(text, @"!! ddl_once (early): the DDL of ts15000000 of cf1 was begun before row 0 of t3 (ts14313237) was downstream");
}

#[test]
fn rows_after_it_are_there_already() {
    let text = found(|story| {
        story.written(T2, 3);
        story.executed(0);
        story.syncpoint_executed(4);
        story.written(T2, 9);
        story.syncpoint_executed(8);
    });
    insta::assert_snapshot!(text, @"
    Applied pd query1 cf1 changes: INSERT t2 key=0 ts3000000 d7@n1
    DdlApplied pd query1 cf1 ts2000000 TruncateTable db1.a1 tables: t3
    SyncPointApplied pd query1 cf1 ts4000000
    Applied pd query1 cf1 changes: INSERT t2 key=0 ts9000000 d7@n1
    SyncPointApplied pd query1 cf1 ts8000000
    !! ddl_once (late): the syncpoint of ts8000000 of cf1 was executed after a row of t2 (ts9000000)
    ");
}

#[test]
fn a_row_before_it_comes_after_it() {
    let row_of_the_past = |story: &mut Story| {
        story.executed(0);
        story.written(T2, 1);
        story.written(T1, 3);
        story.written(T1, 1);
    };
    insta::assert_snapshot!(found(row_of_the_past), @"
    DdlApplied pd query1 cf1 ts2000000 TruncateTable db1.a1 tables: t3
    Applied pd query1 cf1 changes: INSERT t2 key=0 ts1000000 d7@n1
    Applied pd query1 cf1 changes: INSERT t1 key=0 ts3000000 d7@n1
    Applied pd query1 cf1 changes: INSERT t1 key=0 ts1000000 d7@n1
    !! ddl_once (overtaken): a row of t1 of cf1 (ts1000000) was written after the DDL of ts2000000
    ");
    insta::assert_snapshot!(found_in(Class::Kafka, row_of_the_past), @"
    DdlApplied pd query1 cf1 ts2000000 TruncateTable db1.a1 tables: t3
    Applied pd query1 cf1 changes: INSERT t2 key=0 ts1000000 d7@n1
    Applied pd query1 cf1 changes: INSERT t1 key=0 ts3000000 d7@n1
    Applied pd query1 cf1 changes: INSERT t1 key=0 ts1000000 d7@n1
    ");
}

/// Whoever creates a changefeed again under its name lets it start where he likes.
#[test]
fn another_changefeed_of_that_name_begins_before_it() {
    let text = found(|story| {
        story.written(T1, 1);
        story.executed(0);
        story.written(T1, 3);
        story.forgotten();
        story.written(T1, 1);
        story.executed(0);
        story.written(T1, 1);
    });
    insta::assert_snapshot!(text, @"
    Applied pd query1 cf1 changes: INSERT t1 key=0 ts1000000 d7@n1
    DdlApplied pd query1 cf1 ts2000000 TruncateTable db1.a1 tables: t3
    Applied pd query1 cf1 changes: INSERT t1 key=0 ts3000000 d7@n1
    DdlTsForgotten pd query1 cf1
    Applied pd query1 cf1 changes: INSERT t1 key=0 ts1000000 d7@n1
    DdlApplied pd query1 cf1 ts2000000 TruncateTable db1.a1 tables: t3
    Applied pd query1 cf1 changes: INSERT t1 key=0 ts1000000 d7@n1
    !! ddl_once (overtaken): a row of t1 of cf1 (ts1000000) was written after the DDL of ts2000000
    ");
}
