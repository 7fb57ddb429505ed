//! The invariant `coverage`, shown a maintainer on n3: what nodes report to it, and what becomes of its spans.

use crate::script::{play, watch};

/// A maintainer of one table, in bootstrap.
const ADDED: &str = "
    party maintainers with 1 tables
    start
    n1/coordinator: CoordinatorBootstrapRequest version=1
    n1/coordinator: AddMaintainerRequest cf1 ts10 e5
";

/// What the invariant finds when nodes answer the bootstrap so, and after what happens then.
fn found(policy: &str, n1: &str, n2: &str, then: &str) -> String {
    let text = watch(&["coverage"], policy, &script(n1, n2, then));
    text.lines().filter(|line| line.contains("!!")).map(|line| format!("{}\n", line.trim())).collect()
}

fn script(n1: &str, n2: &str, then: &str) -> String {
    format!(
        "{ADDED}
        n1/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0{n1}
        n2/dispatchers: MaintainerBootstrapResponse cf1 e5 ts0{n2}
        n3/dispatchers: MaintainerBootstrapResponse cf1 e5 ts50
        n3/dispatchers: MaintainerPostBootstrapResponse cf1 d1@n3 e5
        {then}"
    )
}

const WHOLE: &str = " spans: d7@n1 t1 Working ts50 default";
const HALF: &str = " spans: d7@n1 t1[0..524288) Working ts50 default";
const OTHER_HALF: &str = " spans: d8@n1 t1[524288..) Working ts50 default";

#[test]
fn a_table_that_is_reported_in_whole_or_not_at_all_is_covered() {
    for policy in ["baseline", "master"] {
        assert_eq!(found(policy, WHOLE, "", ""), "");
        assert_eq!(found(policy, HALF, OTHER_HALF, ""), "");
        assert_eq!(found(policy, "", "", "pass 3s"), "");
    }
}

#[test]
fn a_part_that_nobody_reports_is_a_hole() {
    insta::assert_snapshot!(found("master", HALF, "", ""), @"!! coverage (hole): the maintainer of cf1 on n3 (e5): t1[524288..) is in no span");
    insta::assert_snapshot!(found("master", "", OTHER_HALF, ""), @"!! coverage (hole): the maintainer of cf1 on n3 (e5): t1[0..524288) is in no span");
}

#[test]
fn two_dispatchers_of_one_table_are_one_too_many() {
    let twice = " spans: d8@n1 t1[262144..786432) Working ts50 default";
    insta::assert_snapshot!(found("baseline", WHOLE, twice, ""), @"!! coverage (overlap): the maintainer of cf1 on n3 (e5): d7@n1 for t1 and d8@n1 for t1[262144..786432)");
    assert_eq!(found("master", WHOLE, twice, ""), "", "one of them is being removed");
}

#[test]
fn a_span_whose_dispatcher_is_gone_is_taken_care_of() {
    let stopped = "n1/dispatchers: HeartBeatRequest cf1 statuses: d7@n1 Stopped ts60";
    assert_eq!(found("master", WHOLE, "", stopped), "");
    let ignored = "master+maintainer.unasked_end=ignored";
    insta::assert_snapshot!(found(ignored, WHOLE, "", stopped), @"!! coverage (limbo): the maintainer of cf1 on n3 (e5): d7@n1 for t1 counts as replicated by n1, which has said that it is gone");
}

#[test]
fn a_span_whose_node_has_left_is_taken_care_of() {
    let left = "
        see n1, n3
        n3/server: NodesChanged
        pass 1s
    ";
    assert_eq!(found("master", "", WHOLE, left), "");
}

const UNMERGED: &str =
    " spans: d7@n1 t1[0..524288) Working ts50 default, d8@n1 t1[524288..) Working ts50 default";

/// The node of all spans of the table leaves, and nobody gives them to another one; a user has them merged.
const MERGED: &str = "
    stall BasicScheduler
    see n2, n3
    n3/server: NodesChanged
    pass 1s
    command:n3/maintainers MergeTable cf1 t1
    pass 2s
";

/// Who occupies the sources of a merge goes before the merge itself, if they have no node: the merge gives them back.
#[test]
fn a_source_of_a_merge_without_a_node_is_taken_care_of() {
    assert_eq!(found("master", UNMERGED, "", MERGED), "");
}

#[test]
fn neighbours_that_no_node_has_are_on_one_node() {
    let told = |policy| {
        let text = play(policy, &script(UNMERGED, "", MERGED));
        let after =
            text.lines().skip_while(|line| !line.contains("MergeTable")).filter(|line| line.contains("**"));
        after.map(|line| format!("{}\n", line.trim())).collect::<String>()
    };
    insta::assert_snapshot!(told("master"), @"
    ** SpansMerge cf1 d2@n3 t1 sources=2
    ** TableCallAnswered cf1 t1 `merge table` `done`
    ** SpanAbsent cf1 d7@n1
    ** SpanAbsent cf1 d8@n1
    ** NotSent n1 `MaintainerHeartbeat` `there is no such target`
    ** NotSent n1 `MaintainerHeartbeat` `there is no such target`
    ");
    insta::assert_snapshot!(told("master+maintainer.nodeless_merge=refused"), @"
    ** TableCallAnswered cf1 t1 `merge table` `nobody has the first span`
    ** NotSent n1 `MaintainerHeartbeat` `there is no such target`
    ** NotSent n1 `MaintainerHeartbeat` `there is no such target`
    ");
}
