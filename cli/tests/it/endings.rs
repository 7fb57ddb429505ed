//! Runs that only a core survives, as the binary tells of them.

use crate::support::{Called, SMALL, cdcsim_in, folder};

/// A node is being drained when only it heals: nobody can lead.
const DRAINED: &str = r#"
[[fault]]
when = { at = "3s" }
do = { drain_node = { node = "n1", for = "1900ms" } }
"#;

#[test]
fn what_cannot_be_won_is_no_pass() {
    let ending = "ending = { core = [\"n1\"] }";
    let claim = "[[claim]]\npolicy = \"master\"\n";
    let folder = folder(&[("drained.toml", &format!("{ending}\n{SMALL}\n{DRAINED}\n{claim}"))]);
    for policy in ["", " --policy master"] {
        let Called { code, stdout, stderr } =
            cdcsim_in(&folder, &format!("run drained.toml --seeds 1..3{policy}"));
        assert_eq!((code, stderr.as_str()), (Some(4), ""), "{stdout}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(stdout, @"
            drained under master, seeds 1..3
              2 seeds: 0 held, 2 inconclusive
              median/99%/max: without writer 0s/610ms/610ms, recovery 0s/0s/0s, written twice 0/1/1, lag 3.031s/3.616s/3.616s, control messages 68/113/113
              claim: holds: nothing shown for want of a run that could be won
            ");
        }
    }
    let json = cdcsim_in(&folder, "run drained.toml --seeds 1..3 --format json").json();
    let result = &json["results"][0];
    assert_eq!((&result["held"], &result["inconclusive"], &json["exit"]), (&0.into(), &2.into(), &4.into()));
    let json = cdcsim_in(&folder, "matrix drained.toml --policies master --seeds 1..3 --format json").json();
    assert_eq!(json["cells"][0]["inconclusive"], 2);
    let table = cdcsim_in(&folder, "matrix drained.toml --policies master --seeds 1..3").stdout;
    insta::assert_snapshot!(table, @"
    policy  drained
    master  inconclusive in 2
    ");
    let hunted = cdcsim_in(&folder, "hunt drained.toml --seeds 1..3 --format json");
    assert_eq!(hunted.code, Some(4));
    let hunted = hunted.json();
    assert_eq!((&hunted["broken"], &hunted["inconclusive"]), (&0.into(), &2.into()));
    let replayed = cdcsim_in(&folder, "replay drained.toml --policy master --seed 1");
    assert_eq!(replayed.code, Some(4));
    insta::assert_snapshot!(replayed.stdout, @"
    drained under master, seed 1: inconclusive
      digest 7604b6946cf73380, 2033 records
      it could not be won: nobody of the core (n1, etcd, pd, upstream, sink) may become coordinator
    ");
}

/// Whoever does not go on says what it waits for, and what becomes of that.
#[test]
fn the_reason_is_told() {
    let fault = r#"
[[fault]]
when = { at = "3s" }
do = { cut = { from = "n3", to = "all", class = "peer" } }
"#;
    let ending = "ending = { core = [\"n1\", \"n2\"] }";
    let folder =
        folder(&[("cut.toml", &format!("{ending}\n{}\n{fault}", SMALL.replace("tables = 2", "tables = 6")))]);
    let Called { code, stdout, .. } = cdcsim_in(&folder, "replay cut.toml --policy master --seed 1");
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(stdout, @"
    cut under master, seed 1: broken
      digest c6752267d3cff0d5, 2202 records
      recovers (outside): the checkpoint of cf1 stands at ts2800000, not past the calm at ts5000000; n1/maintainers cf1 waits for HeartBeatRequest, with a later watermark, from n3, of which 25 messages were lost, the last a HeartBeatRequest: the link is cut; n2/coordinator has cf1 replicating on n1 (#1152)
    ");
}
