//! Capsules that were saved before: of this model, of an earlier one, and those of known findings.

use std::{fs, path::PathBuf};

use scenarios::{
    capsule::{Capsule, Reproduced},
    known::KnownFindings,
};

fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures"))
}

fn saved(name: &str) -> (String, Capsule) {
    let path = fixtures().join(name).display().to_string();
    let capsule = Capsule::read(&path).unwrap_or_else(|error| panic!("{error}"));
    (path, capsule)
}

fn replayed(name: &str) -> Reproduced {
    let (path, capsule) = saved(name);
    let (outcome, lines) = capsule.case(&path).unwrap_or_else(|error| panic!("{error}")).trace();
    capsule.compare(&outcome, &lines)
}

/// What moves no behaviour leaves it as it is. If behaviour is meant to move, `UPDATE_DIGESTS=1 cargo test -p scenarios`
/// writes it again, as it does the digests.
#[test]
fn a_capsule_of_this_model_is_reproduced_exactly() {
    if std::env::var_os("UPDATE_DIGESTS").is_some() {
        let (path, capsule) = saved("capsules/late-request.json");
        let case = capsule.case(&path).unwrap_or_else(|error| panic!("{error}"));
        fs::write(&path, Capsule::of(&case).0.to_text()).expect("the fixtures can be written");
    }
    assert_eq!(replayed("capsules/late-request.json"), Reproduced::Exact);
}

/// The model has changed since it was saved; its decisions are found by their addresses, and the same breaks.
#[test]
fn a_capsule_of_an_earlier_model_is_rebased() {
    let broken = Some("single_writer (admitted)".to_owned());
    let rebased = Reproduced::Rebased { broken, applied: 2, decisions: 2 };
    assert_eq!(replayed("capsules-of-earlier-models/rebased.json"), rebased);
}

/// What broke had another name then, and does not happen any more; a claim of its scenario names it.
#[test]
fn of_a_capsule_that_is_not_reproduced_it_is_said_what_differs() {
    let Reproduced::Not { told, found, first, .. } =
        replayed("capsules-of-earlier-models/not-reproduced.json")
    else {
        panic!("it is reproduced");
    };
    assert_eq!(told, ["downstream_is_fed (monotone)"]);
    assert!(!found.contains(&told[0]), "{found:?}");
    assert_eq!(
        first.as_deref(),
        Some(
            "etcd <- TxnRequest call14 then: put info/cf1 = stopped e@1875 ts1, put status/cf1 = ts8400000 \
             stopping from n2/coordinator"
        )
    );
}

/// Each known finding that names a capsule is still what that capsule shows. If invariants judge the same records otherwise,
/// `UPDATE_DIGESTS=1 cargo test -p scenarios` writes the capsules again.
#[test]
fn known_findings_are_what_their_capsules_show() {
    let known = KnownFindings::read(&fixtures().join("known-findings.toml").display().to_string());
    let known = known.unwrap_or_else(|error| panic!("{error}"));
    let shown = known.all().iter().flat_map(|one| one.capsules.iter().map(move |capsule| (one, capsule)));
    for (finding, capsule) in shown {
        let path = fixtures().join(capsule).display().to_string();
        let capsule = Capsule::read(&path).unwrap_or_else(|error| panic!("{error}"));
        let case = capsule.case(&path).unwrap_or_else(|error| panic!("{error}"));
        if std::env::var_os("UPDATE_DIGESTS").is_some() {
            fs::write(&path, Capsule::of(&case).0.to_text()).expect("the fixtures can be written");
        }
        let (_, signatures) = case.signatures();
        let explained = known.explain(&signatures, &case).concat();
        assert!(explained.contains(&finding), "{}: {signatures:#?}", finding.id);
    }
}
