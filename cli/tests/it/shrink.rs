//! `cdcsim shrink`: a capsule comes down to a story, and what comes out can be replayed.

use std::fs;

use crate::support::{FINDING, cdcsim, cdcsim_in, folder};

#[test]
fn a_capsule_is_shrunk_and_replayed() {
    let folder = folder(&[]);
    cdcsim_in(&folder, &FINDING.saving());
    let capsule = format!("found/delayed-create-baseline-{}.json", FINDING.seed);
    let called = cdcsim_in(&folder, &format!("shrink {capsule} --budget 200"));
    assert_eq!((called.code, called.stderr.as_str()), (Some(0), ""));
    let small = format!("found/delayed-create-baseline-{}-shrunk.json", FINDING.seed);
    assert!(called.stdout.contains(&format!("  capsule: {small}\n")), "{}", called.stdout);
    assert!(called.stdout.contains(" from nominal weather:\n"), "{}", called.stdout);
    let replayed = cdcsim_in(&folder, &format!("replay {small} --report why"));
    assert_eq!((replayed.code, replayed.stderr.as_str()), (Some(1), ""));
    assert!(replayed.stdout.contains("  reproduced exactly: the same records\n"), "{}", replayed.stdout);
    // What was there stays as it was, and the same result is not saved twice.
    let before = fs::read(folder.path().join(&small)).expect("it is there");
    let json = cdcsim_in(&folder, &format!("shrink {capsule} --budget 200 --jobs 1 --format json")).json();
    assert_eq!((&json["schema"], &json["capsule"]), (&"cdcsim.shrink/1".into(), &small.as_str().into()));
    assert_eq!(fs::read(folder.path().join(&small)).expect("it is there"), before);
    assert_eq!(fs::read_dir(folder.path().join("found")).expect("a folder").count(), 2);
}

#[test]
fn what_cannot_be_shrunk_is_said() {
    let folder = folder(&[("x.json", "{\"schema\": \"other\"}")]);
    cdcsim_in(&folder, &FINDING.saving());
    let wrong = |line: &str| cdcsim_in(&folder, line).complaint().replace(&FINDING.seed, "SEED");
    let capsule = format!("found/delayed-create-baseline-{}.json", FINDING.seed);
    insta::assert_snapshot!(wrong("shrink nothing.json"), @"error: nothing.json: there is no such file");
    insta::assert_snapshot!(wrong("shrink x.json"), @"error: x.json: its schema is `other`; this version reads `cdcsim.capsule/1` and `cdcsim.capsule/2` and `cdcsim.capsule/3`");
    insta::assert_snapshot!(wrong(&format!("shrink {capsule} --invariant no_panic")), @"error: found/delayed-create-baseline-SEED.json: this run does not break no_panic; it breaks single_writer (admitted)");
    insta::assert_snapshot!(wrong(&format!("shrink {capsule} --out x.json")), @"error: x.json: capsules cannot be saved there: a part of this path is a file, not a folder");
    assert_eq!(cdcsim("shrink").code, Some(2));
}
