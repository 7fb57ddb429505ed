//! Bad input: each a message that says where it is, what is wrong and what would be right, and exit code 2.

use std::fs;

use crate::support::{SMALL, cdcsim, cdcsim_in, folder};

fn complaint(line: &str) -> String {
    cdcsim(line).complaint().to_owned()
}

#[test]
fn names_that_mean_nothing() {
    insta::assert_snapshot!(complaint("run delayed-creat"), @"error: scenario `delayed-creat`: it is not in the catalogue; did you mean `delayed-create`?");
    insta::assert_snapshot!(complaint("run quiet-cluster --policy mastr"), @"error: policy `mastr`: `mastr` is no policy; did you mean `master`?");
    insta::assert_snapshot!(complaint("run quiet-cluster --policy master+dispatchers.schedule_fence=nobody"), @"error: policy `master+dispatchers.schedule_fence=nobody`: `nobody` is no alternative of dispatchers.schedule_fence; there is any_sender, owner_and_epoch or not_older");
    insta::assert_snapshot!(complaint("replay quiet-clustr --policy master --seed 1"), @"error: scenario `quiet-clustr`: it is not in the catalogue; did you mean `quiet-cluster`?");
    insta::assert_snapshot!(complaint("run quiet-cluster --without single_writers"), @"error: invariant `single_writers`: `single_writers` is no invariant; did you mean `single_writer`?");
    insta::assert_snapshot!(complaint("replay quiet-cluster --policy master --seed 1 --without ddl_once,nothing"), @"error: invariant `nothing`: `nothing` is no invariant; there is single_writer, no_write_after_stop, one_ddl_owner, ddl_once, coverage, one_operator, one_owner_per_epoch, inertness, checkpoint_safe, no_command_while_removed, close_ack_truth, closed_stays_closed, api_intent, drained_is_empty, ends_at_target, needed_is_kept, error_is_heard, no_false_alarm, redo_is_ahead, no_lock_forever, no_head_of_line, no_panic, recovers or data_equal");
    insta::assert_snapshot!(complaint("invariants everything"), @"error: invariant `everything`: `everything` is no invariant; there is single_writer, no_write_after_stop, one_ddl_owner, ddl_once, coverage, one_operator, one_owner_per_epoch, inertness, checkpoint_safe, no_command_while_removed, close_ack_truth, closed_stays_closed, api_intent, drained_is_empty, ends_at_target, needed_is_kept, error_is_heard, no_false_alarm, redo_is_ahead, no_lock_forever, no_head_of_line, no_panic, recovers or data_equal");
    let far = complaint("run something-else");
    assert!(far.contains("`cdcsim list` tells all ") && far.contains("a file is given by a path"), "{far}");
    assert_eq!(cdcsim("list").code, Some(0));
}

#[test]
fn seeds() {
    insta::assert_snapshot!(complaint("run quiet-cluster --seeds 5..1"), @"
    error: invalid value '5..1' for '--seeds <A..B>': the range is empty: 5 is not less than 1

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("run quiet-cluster --seeds 5..5"), @"
    error: invalid value '5..5' for '--seeds <A..B>': the range is empty: 5 is not less than 5

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("run quiet-cluster --seeds -1..3"), @"
    error: invalid value '-1..3' for '--seeds <A..B>': write a range such as 0..200; the end is not included

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("run quiet-cluster --seeds 7"), @"
    error: invalid value '7' for '--seeds <A..B>': write a range such as 0..200; the end is not included

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("run quiet-cluster --seeds 0..18446744073709551616"), @"
    error: invalid value '0..18446744073709551616' for '--seeds <A..B>': the end of a range is at most 18446744073709551615

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("run quiet-cluster --max-findings -1"), @"
    error: invalid value '-1' for '--max-findings <N>': write a whole number, 0 or more

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("run quiet-cluster --jobs -1"), @"
    error: invalid value '-1' for '--jobs <N>': -1 is not in 1..=1024

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("run quiet-cluster --seed -1"), @"
    error: invalid value '-1' for '--seed <SEED>': a seed is a whole number from 0 to 18446744073709551614

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("run quiet-cluster --seed 18446744073709551615"), @"
    error: invalid value '18446744073709551615' for '--seed <SEED>': a seed is a whole number from 0 to 18446744073709551614

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(complaint("run quiet-cluster --seed 1 --seeds 1..2"), @"
    error: the argument '--seed <SEED>' cannot be used with '--seeds <A..B>'

    Usage: cdcsim run --seed <SEED> <SCENARIO>...

    For more information, try '--help'.
    ");
}

#[test]
fn what_a_replay_needs() {
    insta::assert_snapshot!(complaint("replay quiet-cluster"), @"error: quiet-cluster: which run is meant? Say so with --policy and --seed");
    insta::assert_snapshot!(complaint("replay quiet-cluster --policy master"), @"error: quiet-cluster: which run is meant? Say so with --seed");
    insta::assert_snapshot!(complaint("replay x.json --seed 1"), @"error: x.json: a capsule has its own policy, seed and decisions; leave out --policy, --seed and --strategy");
    insta::assert_snapshot!(complaint("run found/x.json"), @"error: found/x.json: a capsule is not run but replayed: cdcsim replay CAPSULE");
}

#[test]
fn scenario_files() {
    let folder = folder(&[
        ("malformed.toml", &SMALL.replace("[cluster]", "[cluster")),
        ("unknown.toml", &SMALL.replace("rows = 8", "rows = 8\ncolumns = 2")),
        ("small.toml", SMALL),
    ]);
    let complaint = |line: &str| cdcsim_in(&folder, line).complaint().to_owned();
    insta::assert_snapshot!(complaint("run malformed.toml"), @"
    error: malformed.toml:5:9: unclosed table, expected `]`
      | [cluster
    ");
    insta::assert_snapshot!(complaint("run unknown.toml"), @"
    error: unknown.toml:12:1: unknown field `columns`, expected one of `tables`, `row_every`, `rows`, `deletes`, `databases`, `ddl_every`, `ddls`, `ddl`, `syncpoint_every`, `regions`, `growth`
      | columns = 2
    ");
    insta::assert_snapshot!(complaint("run small.toml"), @"error: scenario `small.toml`: it claims nothing; say under which policy it is to run with --policy");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = folder(&[("secret.toml", SMALL)]);
    fs::create_dir(folder.path().join("folder.toml")).expect("there is room for a folder");
    fs::create_dir(folder.path().join("folder.json")).expect("there is room for a folder");
    fs::write(folder.path().join("binary.toml"), [0xff, 0xfe]).expect("there is room for a file");
    let complaint = |line: &str| cdcsim_in(&folder, line).complaint().to_owned();
    insta::assert_snapshot!(complaint("run missing.toml"), @"error: missing.toml: there is no such file");
    insta::assert_snapshot!(complaint("replay missing.json"), @"error: missing.json: there is no such file");
    insta::assert_snapshot!(complaint("run folder.toml"), @"error: folder.toml: it is a folder, not a file");
    insta::assert_snapshot!(complaint("replay folder.json"), @"error: folder.json: it is a folder, not a file");
    insta::assert_snapshot!(complaint("run binary.toml"), @"error: binary.toml: it is not text in UTF-8");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let secret = folder.path().join("secret.toml");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("the file is ours");
        // Root may read it all the same.
        if fs::read(&secret).is_err() {
            insta::assert_snapshot!(complaint("run secret.toml"), @"error: secret.toml: it may not be read");
        }
    }
}

#[test]
fn folders_that_cannot_be_written() {
    let folder = folder(&[("file", "")]);
    let run = "run quiet-cluster --policy master --seed 0 --out";
    insta::assert_snapshot!(cdcsim_in(&folder, &format!("{run} file")).complaint(), @"error: file: capsules cannot be saved there: a part of this path is a file, not a folder");
    insta::assert_snapshot!(cdcsim_in(&folder, &format!("{run} file/found")).complaint(), @"error: file/found: capsules cannot be saved there: a part of this path is a file, not a folder");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let closed = folder.path().join("closed");
        fs::create_dir(&closed).expect("there is room for a folder");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).expect("the folder is ours");
        // Root may write there all the same.
        if fs::write(closed.join("trial"), "").is_err() {
            insta::assert_snapshot!(cdcsim_in(&folder, &format!("{run} closed")).complaint(), @"error: closed: capsules cannot be saved there: Permission denied (os error 13)");
        }
    }
}
