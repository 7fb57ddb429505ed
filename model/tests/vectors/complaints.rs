//! What the runner says to rows that are wrong: where, what is wrong, and what would be right.

use std::{env, fs, process::Command};

use crate::{file::File, row::Purpose};

/// Everything that is wrong with a file.
fn complaints(text: &str) -> String {
    match File::parse("mine.txt", text) {
        Err(wrong) => wrong,
        Ok(mut file) => {
            let all = file.rows.iter_mut().flat_map(|row| row.run("mine.txt", Purpose::Compare));
            all.collect::<Vec<_>>().join("\n")
        }
    }
}

/// What is wrong with each of these lines, told to dispatchers.
fn lines(lines: &[&str]) -> String {
    let told = |line: &&str| {
        let row = format!("row X1 since master\nparty dispatchers\n{line}\n----\n(nothing)\n");
        format!("{line}\n  {}\n", complaints(&row))
    };
    lines.iter().map(told).collect()
}

#[test]
fn a_wrong_line() {
    insta::assert_snapshot!(lines(&[
        "frobnicate cf1",
        "party brokers",
        "party dispatchers at 3",
        "party dispatchers with oracle",
        "pass 10",
        "pass 10us",
        "see n1 and n2",
        "changefeed cf2 e7 running",
        "liveness dead",
        "rows t7",
        "rows t7 ts30, ts20",
        "rows t7 many at ts20",
        "rows t99 ts20",
        "rows ddl ts20",
        "ddl ts20",
        "ddl ts20 AddColumn t1",
        "ddl ts20 AddColumn db1.a1 drops=t1",
        "ddl ts20 AddColumn db1.a1 blocked=t1,t2",
        "ddl ts20 AddColumn db1.a99 blocked=t99",
        "syncpoints 20us",
        "syncpoints ts0",
        "overlook Coffee",
        "hold n1/server",
        "hold sink Coffee",
        "release sink",
        "stall Thread",
        "command:etcd Explode",
        "n1/maintainers: MaintainerCloseRequest {1..9 cf#} e5",
    ]), @"
    frobnicate cf1
      mine.txt:3: row X1 under master: `frobnicate cf1` is nothing that can be done; there is `n1/server: <message>`, `party dispatchers`, `start`, `crash`, `pass 200ms`, `see n1, n2`, `liveness draining`, `changefeed cf2 e7 ts20`, `rows t7 ts20, ts30`, `ddl ts20 AddColumn db1.a1 blocked=t1`, `syncpoints ts20`, `hold sink`, `serve sink`, `lose sink`, `release sink`, `stall Task`, `step`, `go on`, `command:etcd RevokeLeaseOf n1`, `overlook HeartBeatRequest`, `state`, `count replicating`
    party brokers
      mine.txt:3: row X1 under master: `brokers` is no party; `etcd`, `sink`, `server`, `coordinator`, `maintainers`, `dispatchers` or `messages` would be right
    party dispatchers at 3
      mine.txt:3: row X1 under master: there is `3` where a node such as n1 would be right
    party dispatchers with oracle
      mine.txt:3: row X1 under master: `oracle` is no setting; `4 tables`, `2 databases`, `2 regions`, `seed 3`, `2 workers`, `add batch 9`, `move batch 5`, `low-latency`, `across-nodes`, `redo`, `gc`, `mysql` or `tidb` or `kafka` would be right
    pass 10
      mine.txt:3: row X1 under master: there is `10` where a length such as 200ms, 2s or 1m, in whole milliseconds, would be right
    pass 10us
      mine.txt:3: row X1 under master: there is `10us` where a length such as 200ms, 2s or 1m, in whole milliseconds, would be right
    see n1 and n2
      mine.txt:3: row X1 under master: there is `n1 and n2` where a node such as n1 would be right
    changefeed cf2 e7 running
      mine.txt:3: row X1 under master: `running` has no place here; an epoch, a timestamp, a state or a progress would be right, or one of without-id, undecodable, without-description, undecodable-progress, without-progress
    liveness dead
      mine.txt:3: row X1 under master: there is `dead` where `alive` or `draining` or `stopping` would be right
    rows t7
      mine.txt:3: row X1 under master: there is `` where a timestamp, or a number of rows as in `256 at ts20`, would be right
    rows t7 ts30, ts20
      mine.txt:3: row X1 under master: `ts30, ts20` is not in order
    rows t7 many at ts20
      mine.txt:3: row X1 under master: there is `many at ts20` where a timestamp, or a number of rows as in `256 at ts20`, would be right
    rows t99 ts20
      mine.txt:3: row X1 under master: the upstream has no table t99; `party … with 4 tables` gives it four
    rows ddl ts20
      mine.txt:3: row X1 under master: the upstream has no table ddl; `party … with 4 tables` gives it four
    ddl ts20
      mine.txt:3: row X1 under master: change is missing; there is the end where one of `CreateTable` `DropTable` `TruncateTable` `RenameTable` `AddColumn` `AddPartition` `DropPartition` `CreateDatabase` `DropDatabase` `CreateView`  would be right
    ddl ts20 AddColumn t1
      mine.txt:3: row X1 under master: name is missing; there is `t1` where the name of a table such as db1.a2 would be right
    ddl ts20 AddColumn db1.a1 drops=t1
      mine.txt:3: row X1 under master: `drops=t1` has no place here
    ddl ts20 AddColumn db1.a1 blocked=t1,t2
      mine.txt:3: row X1 under master: `,` has no place here
    ddl ts20 AddColumn db1.a99 blocked=t99
      mine.txt:3: row X1 under master: the upstream has no table t99; `party … with 4 tables` gives it four
    syncpoints 20us
      mine.txt:3: row X1 under master: there is `20us` where a timestamp such as ts10 would be right
    syncpoints ts0
      mine.txt:3: row X1 under master: there is `ts0` where a distance such as ts20 would be right
    overlook Coffee
      mine.txt:3: row X1 under master: `Coffee` is neither a message nor a note
    hold n1/server
      mine.txt:3: row X1 under master: n1/server is played by the row; `etcd`, `pd` or `sink` can be held
    hold sink Coffee
      mine.txt:3: row X1 under master: `Coffee` is no message that sink hears
    release sink
      mine.txt:3: row X1 under master: sink is not held; `hold sink` belongs before this
    stall Thread
      mine.txt:3: row X1 under master: `Thread` is no thread of n3/dispatchers; there is Shard, Stream, Task, Events, Worker, WriteAgain, WriteTimeout, Unanswered, Errors, Heartbeat, Statuses, BlockStatuses, BlockStatusAgain, SendBlockStatuses, BlockAnswer, Send, RedoFlush
    command:etcd Explode
      mine.txt:3: row X1 under master: nobody can ask for `Explode`
    n1/maintainers: MaintainerCloseRequest {1..9 cf#} e5
      mine.txt:3: row X1 under master: there is `{1..9 cf#} e5` where a range and a pattern such as `{1..9, d#@n2 t#}` or `{1..9+t#}` would be right
    ");
}

#[test]
fn a_wrong_message() {
    insta::assert_snapshot!(lines(&[
        "n1: MaintainerCloseRequest cf1 e5",
        "n1/maintainers: MaintainerOpenRequest cf1 e5",
        "n1/maintainers: MaintainerCloseRequest e5",
        "n1/maintainers: MaintainerCloseRequest cf1 removed",
        "n1/maintainers: MaintainerCloseRequest cf1 e5 removed",
        "n1/maintainers: MaintainerBootstrapRequest cf1 10 e1",
        "n1/coordinator: AddMaintainerRequest cf1 ts10 e1",
        "n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7 t7 ts10 default e1",
    ]), @"
    n1: MaintainerCloseRequest cf1 e5
      mine.txt:3: row X1 under master: there is `n1` where an actor such as n1/maintainers, etcd, pd, upstream or sink would be right
    n1/maintainers: MaintainerOpenRequest cf1 e5
      mine.txt:3: row X1 under master: n3/dispatchers hears no `MaintainerOpenRequest`; it hears Resolved, LocalFence, Close, MaintainerBootstrapRequest, MaintainerPostBootstrapRequest, MaintainerCloseRequest, ScheduleDispatcherRequest, MergeDispatcherRequest, HeartBeatResponse, CheckpointTsMessage, RedoMetaMessage, RedoResolvedTsForwardMessage
    n1/maintainers: MaintainerCloseRequest e5
      mine.txt:3: row X1 under master: cf is missing; there is `e5` where a changefeed such as cf1 would be right
    n1/maintainers: MaintainerCloseRequest cf1 removed
      mine.txt:3: row X1 under master: epoch is missing; there is the end where an epoch such as e7 or e@5003 would be right
    n1/maintainers: MaintainerCloseRequest cf1 e5 removed
      mine.txt:3: row X1 under master: `removed` has no place here
    n1/maintainers: MaintainerBootstrapRequest cf1 10 e1
      mine.txt:3: row X1 under master: start_ts is missing; there is `10` where a timestamp such as ts10 would be right
    n1/coordinator: AddMaintainerRequest cf1 ts10 e1
      mine.txt:3: row X1 under master: n3/dispatchers hears no `AddMaintainerRequest`; it hears Resolved, LocalFence, Close, MaintainerBootstrapRequest, MaintainerPostBootstrapRequest, MaintainerCloseRequest, ScheduleDispatcherRequest, MergeDispatcherRequest, HeartBeatResponse, CheckpointTsMessage, RedoMetaMessage, RedoResolvedTsForwardMessage
    n1/maintainers: ScheduleDispatcherRequest cf1 Create (Add) d7 t7 ts10 default e1
      mine.txt:3: row X1 under master: id is missing; there is `d7` where a dispatcher such as d7@n1 would be right
    ");
}

#[test]
fn a_wrong_expectation() {
    let text = "\
# What follows is not so.

row X1 since pr-3769
# An unknown changefeed is closed.
party dispatchers

n1/maintainers: MaintainerCloseRequest cf1 e5
state cf1
----
-> MaintainerCloseResponse cf1 success e5 to n1/maintainers
cf1 follows n1 e5
";
    insta::assert_snapshot!(complaints(text), @"
    mine.txt:11: row X1 under pr-3769: what is marked - is expected, what is marked + happens
          -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
        - cf1 follows n1 e5
        + cf1 closed e5
    mine.txt:11: row X1 under master: what is marked - is expected, what is marked + happens
          -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
        - cf1 follows n1 e5
        + cf1 closed e5
    ");
    let text = text.replace("\ncf1 follows n1 e5", "");
    insta::assert_snapshot!(complaints(&text), @"
    mine.txt:11: row X1 under pr-3769: what is marked - is expected, what is marked + happens
          -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
        + cf1 closed e5
    mine.txt:11: row X1 under master: what is marked - is expected, what is marked + happens
          -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
        + cf1 closed e5
    ");
}

#[test]
fn a_wrong_file() {
    let wrong = [
        "party dispatchers\n",
        "row \n",
        "row X1 from master\n",
        "row X1 since yesterday\n",
        "row X1 under M99\n",
        "row X1 under master+node.session_loss=shrug\n",
        "row X1 since master until baseline\n",
        "row X1\nparty dispatchers\nstart\n",
        "row X1\nparty dispatchers\nstart\n----\n----\n",
        "row X1\nparty dispatchers\n\n----\n",
        "row X1 since master\nstart\n----\n(nothing)\n",
    ];
    let told: String = wrong.iter().map(|text| format!("{text}  {}\n\n", complaints(text))).collect();
    insta::assert_snapshot!(told, @"
    party dispatchers
      mine.txt:1: `party dispatchers` belongs to no row; a row begins with `row <id>`

    row 
      mine.txt:1: a row needs an id

    row X1 from master
      mine.txt:1: `from` has no place here; `since`, `until` or `under` would be right

    row X1 since yesterday
      mine.txt:1: `yesterday` is no preset; there is baseline, pr-5106, pr-4828, pr-5434, pr-5435, pr-5436, pr-3769, master

    row X1 under M99
      mine.txt:1: `M99` is no policy; there is baseline, pr-5106, pr-4828, pr-5434, pr-5435, pr-5436, pr-3769, master, pr-5181, pr-5182

    row X1 under master+node.session_loss=shrug
      mine.txt:1: `shrug` is no alternative of node.session_loss; there is graceful_exit, self_fence

    row X1 since master until baseline
      mine.txt:1: `since` is later than `until`

    row X1
    party dispatchers
    start
      mine.txt:1: row X1 shows nothing; `----` and what is expected belong below its inputs

    row X1
    party dispatchers
    start
    ----
    ----
      mine.txt:5: a paragraph has one rule; an empty line belongs before the next inputs

    row X1
    party dispatchers

    ----
      mine.txt:4: there is nothing above the rule; inputs belong there

    row X1 since master
    start
    ----
    (nothing)
      mine.txt:2: row X1 under master: there is no party yet; `party dispatchers` would set one up
    ");
}

/// A folder with one file.
fn folder(name: &str, row: &str) -> std::path::PathBuf {
    let folder = env::temp_dir().join(format!("vectors-{name}-{}", std::process::id()));
    fs::create_dir_all(folder.join("below")).expect("a folder can be made");
    fs::write(folder.join("below/mine.txt"), row).expect("a file can be written");
    folder
}

/// Runs the rows of a folder as somebody else would; whether all pass, and what is said.
fn run(folder: &std::path::Path, update: bool) -> (bool, String) {
    let mut command = Command::new(env::current_exe().expect("a test is a program"));
    command.args(["every_row_passes", "--exact"]).env("VECTORS_DIR", folder).env_remove("UPDATE_VECTORS");
    if update {
        command.env("UPDATE_VECTORS", "1");
    }
    let output = command.output().expect("it can be run");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn rows_of_ones_own() {
    let row =
        "row X1 since pr-5435\nparty dispatchers\nn1/maintainers: MaintainerCloseRequest cf1 e5\n----\n";
    let folder = folder("own", row);
    let (passes, said) = run(&folder, false);
    assert!(!passes && said.contains("below/mine.txt:5: row X1 under pr-5435"), "{said}");

    assert!(run(&folder, true).0, "what happens is written down");
    let text = fs::read_to_string(folder.join("below/mine.txt")).expect("it is still there");
    let (passes, said) = run(&folder, false);
    fs::remove_dir_all(&folder).expect("a folder can be removed");
    assert!(passes, "{said}");
    insta::assert_snapshot!(text, @"
    row X1 since pr-5435
    party dispatchers
    n1/maintainers: MaintainerCloseRequest cf1 e5
    ----
    -> MaintainerCloseResponse cf1 success e5 to n1/maintainers
    ");
}

#[test]
fn what_cannot_be_done_is_not_written_down() {
    let folder = folder("update", "row X1\nparty dispatchers\nclose cf1\n----\n(nothing)\n");
    let (passes, said) = run(&folder, true);
    fs::remove_dir_all(&folder).expect("a folder can be removed");
    assert!(!passes && said.contains("below/mine.txt:3: row X1 under baseline: `close cf1`"), "{said}");
}
