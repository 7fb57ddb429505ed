//! What the event service sends: rows, DDLs and syncpoints of a drawn history, as text.

use std::fmt::Write;

use model::{
    DdlKind, History, Span, TableId, Ts, Workload,
    upstream::{
        ddl::{BlockEvent, Influence},
        events::Position,
    },
};
use sim::{Duration, Seed};

fn workload() -> Workload {
    Workload {
        tables: 3,
        row_every: Duration::from_secs(5),
        rows: 1,
        until: Duration::from_secs(20),
        databases: 2,
        ddl_every: Some(Duration::from_millis(1500)),
        ddl_until: Duration::from_secs(20),
        ddls: DdlKind::ALL.iter().map(|(_, kind)| *kind).collect(),
        ..Workload::default()
    }
}

fn all(items: impl Iterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(" ") }
}

fn tables(influence: &Influence) -> String {
    match influence {
        Influence::Normal(tables) => all(tables.iter()),
        Influence::Db(schema) => format!("all of {schema}"),
        Influence::All => "all".to_owned(),
    }
}

/// Everything that a table is sent by itself, and what it does.
fn sent(history: &History, table: u32, from: Position) -> String {
    let (mut text, mut at) = (String::new(), from);
    while let Some(event) =
        history.next_block(TableId(table), at).filter(|event| event.commit() < Ts(20_000_000))
    {
        writeln!(text, "{event}").expect("text takes all");
        if let BlockEvent::Ddl(ddl) = &event {
            let added = all(ddl.added.iter().map(|new| format!("{} in {}", new.table, new.schema)));
            let dropped = ddl.dropped.as_ref().map_or("nothing".to_owned(), tables);
            let (blocked, moved) = (
                tables(&ddl.blocked),
                all(ddl.moved.iter().map(|one| format!("{} from {} to {}", one.table, one.old, one.new))),
            );
            writeln!(text, "    blocks {blocked}, brings {added}, takes {dropped}, moves {moved}")
                .expect("text takes all");
        }
        at = Position::behind(&event);
    }
    text
}

#[test]
fn the_table_trigger_is_sent_all_that_is_not_of_one_table_alone() {
    let history = History::draw(&workload(), Seed(3));
    insta::assert_snapshot!(sent(&history, 0, Position::start(Ts(1), false)), @"
    ts1161097 CreateDatabase db3
        blocks ddl, brings nothing, takes nothing, moves nothing
    ts5463731 CreateTable db2.a2 t4
        blocks ddl, brings t4 in db2, takes nothing, moves nothing
    ts6298852 DropTable db1.a1
        blocks t1 ddl, brings nothing, takes t1, moves nothing
    ts7464321 DropTable db1.a2
        blocks t3 ddl, brings nothing, takes t3, moves nothing
    ts8475616 CreateDatabase db4
        blocks ddl, brings nothing, takes nothing, moves nothing
    ts11313664 AddPartition db2.a2 t5
        blocks t4 ddl, brings t5 in db2, takes nothing, moves nothing
    ts11641661 DropPartition db2.a2 t4
        blocks t4 t5 ddl, brings nothing, takes t4, moves nothing
    ts11900630 CreateDatabase db5
        blocks ddl, brings nothing, takes nothing, moves nothing
    ts14202371 CreateTable db4.a1 t6
        blocks ddl, brings t6 in db4, takes nothing, moves nothing
    ts15406041 RenameTable db2.a1 db3.a1
        blocks t2 ddl, brings nothing, takes nothing, moves t2 from db2 to db3
    ts18875994 DropDatabase db1
        blocks all of db1, brings nothing, takes all of db1, moves nothing
    ");
}

#[test]
fn a_table_is_sent_what_concerns_it() {
    let history = History::draw(&workload(), Seed(3));
    insta::assert_snapshot!(sent(&history, 1, Position::start(Ts(1), false)), @"
    ts3900817 AddColumn db1.a1
        blocks t1, brings nothing, takes nothing, moves nothing
    ts6298852 DropTable db1.a1
        blocks t1 ddl, brings nothing, takes t1, moves nothing
    ");
}

#[test]
fn tables_come_and_go() {
    let history = History::draw(&workload(), Seed(3));
    let mut text = String::new();
    for second in (0..=20).step_by(2) {
        let at = Ts(second * 1_000_000);
        let tables: Vec<String> = history
            .tables_at(at)
            .map(|table| format!("{table} {}", history.name_of(table, at).expect("it exists")))
            .collect();
        writeln!(text, "{second} s: {}", tables.join(", ")).expect("text takes all");
    }
    insta::assert_snapshot!(text, @"
    0 s: t1 db1.a1, t2 db2.a1, t3 db1.a2
    2 s: t1 db1.a1, t2 db2.a1, t3 db1.a2
    4 s: t1 db1.a1, t2 db2.a1, t3 db1.a2
    6 s: t1 db1.a1, t2 db2.a1, t3 db1.a2, t4 db2.a2
    8 s: t2 db2.a1, t4 db2.a2
    10 s: t2 db2.a1, t4 db2.a2
    12 s: t2 db2.a1, t5 db2.a2
    14 s: t2 db2.a1, t5 db2.a2
    16 s: t2 db3.a1, t5 db2.a2, t6 db4.a1
    18 s: t2 db3.a1, t5 db2.a2, t6 db4.a1
    20 s: t2 db3.a1, t5 db2.a2, t6 db4.a1
    ");
}

#[test]
fn no_row_of_a_table_is_outside_its_life() {
    let history = History::draw(&Workload { row_every: Duration::from_millis(50), ..workload() }, Seed(4));
    for table in (1..40).map(TableId) {
        for row in history.rows(table, Ts::NONE, Ts::INFINITE) {
            let exists = |ts: Ts| history.tables_at(ts).any(|one| one == table);
            assert!(exists(row.commit) && exists(row.commit.before()), "{table} {row:?}");
        }
    }
}

#[test]
fn a_schema_that_does_not_change_moves_no_row() {
    let plain = Workload { ddl_every: None, ..workload() };
    let (with, without) = (History::draw(&workload(), Seed(5)), History::draw(&plain, Seed(5)));
    let first = |history: &History| history.rows(TableId(2), Ts::NONE, Ts(1_000_000)).to_vec();
    assert_eq!(first(&with), first(&without));
}

#[test]
fn syncpoints_are_on_a_grid_and_the_one_at_the_start_may_be_skipped() {
    let every = Some(Duration::from_secs(6));
    let history = History::draw(&Workload { ddl_every: None, syncpoint_every: every, ..workload() }, Seed(3));
    insta::assert_snapshot!(sent(&history, 1, Position::start(Ts(6_000_000), false)), @"
    ts6000000 SyncPoint
    ts12000000 SyncPoint
    ts18000000 SyncPoint
    ");
    insta::assert_snapshot!(sent(&history, 1, Position::start(Ts(6_000_000), true)), @"
    ts12000000 SyncPoint
    ts18000000 SyncPoint
    ");
    let next = |at| history.next_event(Span::TRIGGER, at);
    assert_eq!(next(Position::rows(Ts(6_000_000))), Ts(6_000_000));
    assert_eq!(next(Position::resolved(Ts(6_000_000))), Ts(12_000_000));
}
